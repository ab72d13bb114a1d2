"""Groups: what is decided for many members at once reaches them in parts, so that tills go on meanwhile.

A quarter's interest on 100,000 accounts, posted by one operation, holds the book's write lock for seconds. So the
leading operation decides everything: it books the whole amount to what is due, and seals the lines of every part,
to the cent (`Batch`, `BatchPart`). Each part is then an operation of the program's own, in a transaction of its own,
with a pause after it in which tills get in. A part is taken from the record while nobody else writes, and that it is
done is written with it: it is posted once, whoever carries it out and however often that was cut off. What is due
stands on leaves of the control accounts that it goes to, which are nobody's: so no total differs between two parts.

A part that pays a member into their savings takes from a leaf that is theirs. What is on its way there is theirs
already, and goes no other way meanwhile (`require_not_on_its_way`): no part can find it gone.

What is unfinished is carried out by whoever gives the same operation again, and by the close of the day, which
refuses to close over it. A reversal of the leading operation takes all parts back in one transaction, those that
were done with it: either everybody's goes back or nobody's.

Where there are no more members than fit into one part, the leading operation posts everything itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Final, TypeVar

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.books import Actor, Books
from coopbank.bank.desk import Desk
from coopbank.bank.operation import CATALOGUE, Operation
from coopbank.errors import WrongState
from coopbank.ledger import periods
from coopbank.ledger.posting import Draft, Leaf, NewRecord
from coopbank.words import _

LARGEST = 2500
"""Members in one part: as many as are posted in a fifth of a second, each by a line on a leaf that there is."""

OPENING: Final = 2
"""Lines that a line counts as whose leaf is opened with it."""

LOAN: Final = 5
"""Lines that a loan counts as whose interest is recognised."""

PAUSE_SECONDS, LONG_PAUSE_SECONDS = 0.06, 0.11
"""Between two parts on SQLite, where whoever waits looks again every 0.05 s at first and then every 0.1 s."""

SHORT_SECONDS = 0.15
"""A part that took longer is followed by the long pause. A server needs none: it gives turns."""

IN_GROUPS: Final = (
    *("credit-interest", "declare-dividend", "allocate-surplus", "pay-dividend", "pay-patronage", "close-month"),
)
"""Operations that are carried out in groups; what carries them out is called credit-interest-part, and so on."""


def in_groups(*kinds: str) -> tuple[str, ...]:
    """Kinds of operations, and of those that carry out in groups what these have decided."""
    return (*kinds, *(f"{kind}-part" for kind in kinds if kind in IN_GROUPS))


def decided_as(kind: str) -> str:
    """The kind of operation behind one: of what carries out a part, that which decided it."""
    lead = kind.removesuffix("-part")
    return lead if lead in IN_GROUPS else kind


CARRIED = "carried out:"
"""Begins the keys of parts."""

FUND: Final = "GEN"
"""Members' leaves are in the general fund."""

TAKEN: Final = frozenset({"821", "823"})
"""Control accounts of what is payable to members, of which a part may take it into their savings."""

PASSED_ON: Final = TAKEN | {"852", "945", "946", "950"}
"""Those, and the others on which what is to go to members is left for all of them."""

T = TypeVar("T")
Lines = list[tuple[int | str, int]]
"""Leaves, by number or by the code of one that is opened, and minor units (debit +)."""
Due = tuple[str, str, int]
"""What a member is to get: the control account, the contract of their leaf under it, minor units."""


class Part(Operation):
    """Common to the operations that carry out a part of a batch."""

    internal: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # the leading operation is, and these with it
    since: ClassVar[int] = 2

    in_their_name: ClassVar[bool] = False  # by those who decided it: what is dated back takes two people

    batch: str
    part: int = Field(ge=1)

    def perform(self, desk: Desk) -> None:
        batch = desk.get(records.Batch, self.batch, "batch")
        assert self.part == batch.done + 1 <= batch.parts, "parts are carried out in their order, each once"
        self.carry(desk, batch, desk.get(records.BatchPart, part_ref(self.batch, self.part), "part"))
        done = batch.model_copy(update={"done": self.part})
        desk.write(self.batch, done, about=_about(batch.decided_by))

    def carry(self, desk: Desk, batch: records.Batch, plan: records.BatchPart) -> None:
        """Lay out what this part writes."""
        lines = plan.lines
        desk.post_lines(batch.memo, zip(_leaves(desk, lines), (amount for _leaf, amount in lines), strict=True))


def part_ref(batch: str, part: int) -> str:
    """The ref of the plan of a part."""
    return f"{batch}-{part:04}"


def _about(decided_by: int) -> str:
    return f"operation {decided_by}"


def _leaves(desk: Desk, lines: Lines) -> list[int]:
    """The leaves of lines by their numbers; those that nobody has opened since they were planned are opened."""
    known = desk.leaves_called(FUND, {place for place, _amount in lines if isinstance(place, str)})
    found = []
    for place, _amount in lines:
        if isinstance(place, str):
            if place not in known:
                known[place] = desk.open_leaf(FUND, place, holder=holder_of(place))
            place = known[place]
        found.append(place)
    return found


def holder_of(code: str) -> str:
    """The member that a leaf of a plan belongs to: M0007 of 945/M0007/2026."""
    return code.split("/")[1]


@dataclass(frozen=True, slots=True)
class Plan:
    """What members are to get, in parts: of each the sums by control account, and the members' own lines."""

    parts: list[tuple[dict[str, int], Lines]]

    @property
    def sums(self) -> dict[str, int]:
        """What all members are to get together, by control account; minor units."""
        found: dict[str, int] = {}
        for sums, _lines in self.parts:
            for control, amount in sums.items():
                found[control] = found.get(control, 0) + amount
        return found


def plan(books: Books, wanted: Sequence[Sequence[Due]]) -> Plan | None:
    """How members get what they are to get, each all of it in one part; None where one operation posts everything.

    A leaf that is opened meanwhile may stand here by its code: whoever carries out the part finds it.
    """
    if len(wanted) <= LARGEST:
        return None
    controls = sorted({control for own in wanted for control, _contract, _amount in own})
    known = {control: _numbers(books, control) for control in controls}
    parts: list[tuple[dict[str, int], Lines]] = []
    weight = LARGEST
    for own in wanted:
        if weight >= LARGEST:
            parts.append(({}, []))
            weight = 0
        sums, lines = parts[-1]
        for control, contract, amount in own:
            leaf = known[control].get(contract)
            lines.append((f"{control}/{contract}" if leaf is None else leaf, -amount))
            sums[control] = sums.get(control, 0) + amount
            weight += OPENING if leaf is None else 1
    return Plan(parts)


def _numbers(books: Books, control: str) -> dict[str, int]:
    rows = books.tx.rows("SELECT contract, id FROM account WHERE gl_code = ? AND fund = ?", control, FUND)
    return {contract: int(number) for contract, number in rows}


def pass_on(desk: Desk, carried_by: type[Part], request: dict[str, str], memo: str, found: Plan) -> None:
    """Seal a plan; the leading entry has left each sum of it on the leaf of its control account that is nobody's."""
    dues = {control: desk.leaf_id(FUND, control) for control in found.sums}
    parts = ([*((dues[control], amount) for control, amount in sums.items()), *lines] for sums, lines in found.parts)
    leave(
        desk, carried_by, request, memo, 0, sum(found.sums.values()), parts,
        dues=[(dues[control], amount) for control, amount in found.sums.items()],
    )  # fmt: skip


def split_up(members: Sequence[T], lines: int = 1) -> Iterator[Sequence[T]]:
    """The members of each part, where each has so many lines."""
    step = max(1, LARGEST // lines)
    for start in range(0, len(members), step):
        yield members[start : start + step]


def leave(
    desk: Desk, carried_by: type[Part], request: dict[str, str], memo: str, due: int, total: int,
    parts: Iterable[Sequence[tuple[int | str, int]]], dues: Sequence[tuple[int, int]] = (),
) -> None:  # fmt: skip
    """Seal the lines of each part; the leading entry has left their `total` on the leaf that is `due`.

    Where it has left it on several, `dues` are these, and what was left on each. Where parts take from leaves of the
    members' own (821, 823), nothing was left anywhere.
    """
    # without a model for each of a hundred thousand lines
    _seal(desk, carried_by, request, memo, [{"lines": lines} for lines in parts], due=due, dues=list(dues), total=total)


def leave_loans(
    desk: Desk, carried_by: type[Part], request: dict[str, str], memo: str, total: int, loans: Sequence[str]
) -> None:  # fmt: skip
    """Seal which loans each part is about; it is reckoned when it is carried out, since tills go on with loans."""
    parts = [{"loans": list(refs)} for refs in split_up(loans, LOAN)]
    _seal(desk, carried_by, request, memo, parts, total=total)


def _seal(
    desk: Desk, carried_by: type[Part], request: dict[str, str], memo: str, parts: list[dict[str, Any]], **said: Any
) -> None:  # fmt: skip
    if desk.resolution is not None and desk.resolution not in memo:
        memo = f"{memo}, {desk.resolution}"  # as every entry that is done under it names it
    # the leading operation may post nothing of its own, and its parts are posted on its day or not at all
    periods.require_open_day(desk.tx, desk.business_day)
    ref = desk.next_ref(records.Batch.kind, "BT-", 5)
    desk.write(
        ref,
        records.Batch(
            decided_by=desk.number, carried_by=carried_by.name, request=request, memo=memo,
            on=desk.business_day.isoformat(), parts=len(parts), **said,
        ),
        about=_about(desk.number),
    )  # fmt: skip
    for number, body in enumerate(parts, start=1):
        desk.rows.append(NewRecord(records.BatchPart.kind, part_ref(ref, number), 1, None, body))
    desk.note("Goes to the accounts in groups", str(len(parts)))


def pause_after(seconds: float) -> float:
    """How long to leave the book to others after a part that took so long."""
    return PAUSE_SECONDS if seconds < SHORT_SECONDS else LONG_PAUSE_SECONDS


def unfinished(books: Books) -> list[tuple[str, records.Batch]]:
    """What was decided and is not on all accounts yet."""
    return [(ref, batch) for ref, batch in books.every(records.Batch) if batch.done < batch.parts]


def still_coming(books: Books, last: date) -> tuple[str, ...]:
    """What figures of single members up to a day lack while something is on its way to them, for whoever reads them.

    No day is closed before all of it is there, so it is of today: those of a time that is over lack nothing.
    """
    today = books.business_date()
    if today is not None and last < today:
        return ()
    return tuple(
        _("{memo} is not on all accounts yet: {done} of {parts} groups are done.").format(
            memo=batch.memo, done=batch.done, parts=batch.parts
        )
        for _ref, batch in unfinished(books) if not batch.carried_by.startswith("close-month")
    )  # fmt: skip


def require_finished(desk: Desk, field: str) -> None:
    """Refuse to go on while something is on its way; a preview says only that it is carried out first."""
    for _ref, batch in unfinished(desk):
        if desk.previews:
            desk.note("Not on all accounts yet", batch.memo)
            continue
        raise WrongState(
            "{memo} is not on all accounts yet: {done} of {parts} groups are done.", field=field, memo=batch.memo,
            done=batch.done, parts=batch.parts,
            hint="Do this by itself, not in a list with others: what is left is done before it.",
        )  # fmt: skip


def require_all_there(books: Books, number: int, field: str) -> None:
    """Refuse to show, as if it were all, what an operation has decided and is still on its way to members."""
    for batch in (batch for _ref, batch in unfinished(books) if batch.decided_by == number):
        raise WrongState(
            "{memo} is not on all accounts yet: {done} of {parts} groups are done.", field=field, memo=batch.memo,
            done=batch.done, parts=batch.parts, hint="It goes on with: coopbank close day",
        )  # fmt: skip


def require_not_on_its_way(desk: Desk, draft: Draft, leaves: Mapping[int, Leaf]) -> None:
    """Refuse to take away what is on its way: off a member's leaf, or off the one where it was left for all of them."""
    taken = {
        account for entry in draft.entries for account, amount in entry.lines
        if amount > 0 and leaves[account].gl_code in PASSED_ON
    }  # fmt: skip
    if not taken:
        return
    kind = CATALOGUE.get(draft.kind)
    if kind is not None and issubclass(kind, Part):
        return
    coming = unfinished(desk)
    for _ref, batch in coming:
        _require_left(batch, taken, leaves)
    theirs = {leaf for leaf in taken if leaves[leaf].gl_code in TAKEN and leaves[leaf].contract}
    for batch, lines in _lines_left(desk, coming if theirs else ()):
        for leaf in (place for place, amount in lines if amount > 0 and place in theirs):
            raise WrongState(
                "What is payable to {member} is on its way into their savings: {done} of {parts} groups are done.",
                field="member", member=leaves[int(leaf)].contract, done=batch.done, parts=batch.parts,
                hint="It is there in a moment. If it is not, it goes on with: coopbank close day",
            )  # fmt: skip


def _lines_left(books: Books, coming: Iterable[tuple[str, records.Batch]]) -> Iterator[tuple[records.Batch, Lines]]:
    """The lines of each part that was not carried out yet."""
    for ref, batch in coming:
        for number in range(batch.done + 1, batch.parts + 1):
            yield batch, books.get(records.BatchPart, part_ref(ref, number), "part").lines


def _require_left(batch: records.Batch, taken: set[int], leaves: Mapping[int, Leaf]) -> None:
    """Refuse to take from the leaf on which all of it was left: the last part would find it gone, and no day end."""
    for leaf in taken & {batch.due, *(leaf for leaf, _amount in batch.dues)}:
        raise WrongState(
            "What stands on {code} is on its way to members: {done} of {parts} groups are done.", field="lines",
            code=leaves[leaf].code, done=batch.done, parts=batch.parts,
            hint="It is there in a moment. If it is not, it goes on with: coopbank close day",
        )  # fmt: skip


def require_nothing_coming(desk: Desk, member: str) -> None:
    """Refuse to let a member go to whom something was decided that has not come yet."""
    coming = unfinished(desk)
    theirs = {leaf.id for leaf in desk.held_by(member)} if coming else set()
    for batch, lines in _lines_left(desk, coming):
        if any(place in theirs if isinstance(place, int) else holder_of(place) == member for place, _x in lines):
            raise WrongState(
                "{memo} is on its way to {member}: {done} of {parts} groups are done.", field="member",
                memo=batch.memo, member=member, done=batch.done, parts=batch.parts,
                hint="It is there in a moment. If it is not, it goes on with: coopbank close day",
            )  # fmt: skip


def decided(books: Books, number: int) -> Lines:
    """All lines of the parts that an operation decided, carried out or not; none if it posted everything itself."""
    found = of_operation(books, number)
    if found is None:
        return []
    texts = books.tx.rows(
        "SELECT body FROM record WHERE operation_id = ? AND kind = ? AND version = 1 ORDER BY ref",
        number, records.BatchPart.kind,
    )  # fmt: skip
    return [line for (text,) in texts for line in records.BatchPart.model_validate_json(text).lines]


def next_part(books: Books) -> tuple[Operation, str] | None:
    """The part that is carried out next, and its key."""
    for ref, batch in unfinished(books):
        number = batch.done + 1
        part = CATALOGUE[batch.carried_by].model_validate({"batch": ref, "part": number, **batch.request})
        return part, f"{CARRIED}{ref}:{number}"
    return None


def in_whose_name(books: Books, part: Operation, actor: Actor) -> tuple[Actor, str | None]:
    """Who carries a part out, and who agreed: whoever does it, or those two who decided it."""
    if not isinstance(part, Part) or not part.in_their_name:
        return actor, None
    number = books.get(records.Batch, part.batch).decided_by
    who, approver = books.tx.row("SELECT actor, approver FROM operation WHERE id = ?", number) or ("", None)
    return Actor(str(who), ()), approver


def of_operation(books: Books, number: int) -> tuple[str, list[int]] | None:
    """The batch that an operation decided, and the operations that have carried out parts of it."""
    found = books.tx.value(
        "SELECT ref FROM record WHERE operation_id = ? AND kind = ? AND version = 1", number, records.Batch.kind
    )
    if found is None:
        return None
    by = books.tx.rows(
        "SELECT r.operation_id, o.kind FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.kind = ? AND r.ref = ? AND r.version > 1 ORDER BY r.version",
        records.Batch.kind, found,
    )  # fmt: skip
    return str(found), [int(n) for n, kind in by if issubclass(CATALOGUE[kind], Part)]


def operations_of(books: Books, number: int) -> list[int]:
    """An operation, and those that have carried out what it decided, in their order."""
    found = of_operation(books, number)
    return [number, *(found[1] if found else ())]


def decided_by(books: Books, number: int) -> int:
    """The operation that decided what a part carried out."""
    ref = books.tx.value("SELECT ref FROM record WHERE operation_id = ? AND kind = ?", number, records.Batch.kind)
    return books.get(records.Batch, str(ref)).decided_by
