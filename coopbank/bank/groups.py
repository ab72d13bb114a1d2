"""Groups: what is decided for many members at once reaches them in parts, so that tills go on meanwhile.

A quarter's interest on 100,000 accounts, posted by one operation, holds the book's write lock for seconds. So the
leading operation decides everything: it books the whole amount to what is due, and seals the lines of every part,
to the cent (`Batch`, `BatchPart`). Each part is then an operation of the program's own, in a transaction of its own,
with a pause after it in which tills get in. A part is taken from the record while nobody else writes, and that it is
done is written with it: it is posted once, whoever carries it out and however often that was cut off.

What is unfinished is carried out by whoever gives the same operation again, and by the close of the day, which
refuses to close over it. A reversal of the leading operation takes all parts back in one transaction, those that
were done with it: either everybody's goes back or nobody's.

Where there are no more members than fit into one part, the leading operation posts everything itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, TypeVar

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.desk import Desk
from coopbank.bank.operation import CATALOGUE, Operation
from coopbank.errors import WrongState

LARGEST = 2500
"""Members in one part: as many as are posted in a fifth of a second."""

PAUSE_SECONDS, LONG_PAUSE_SECONDS = 0.06, 0.11
"""Between two parts on SQLite, where whoever waits looks again every 0.05 s at first and then every 0.1 s."""

SHORT_SECONDS = 0.15
"""A part that took longer is followed by the long pause. A server needs none: it gives turns."""

CARRIED = "carried out:"
"""Begins the keys of parts."""

T = TypeVar("T")


class Part(Operation):
    """Common to the operations that carry out a part of a batch."""

    internal: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # the leading operation is, and these with it
    since: ClassVar[int] = 2

    batch: str
    part: int = Field(ge=1)

    def perform(self, desk: Desk) -> None:
        batch = desk.get(records.Batch, self.batch, "batch")
        assert self.part == batch.done + 1 <= batch.parts, "parts are carried out in their order, each once"
        plan = desk.get(records.BatchPart, part_ref(self.batch, self.part), "part")
        desk.post_lines(batch.memo, plan.lines)
        done = batch.model_copy(update={"done": self.part})
        desk.write(self.batch, done, about=_about(batch.decided_by))


def part_ref(batch: str, part: int) -> str:
    """The ref of the plan of a part."""
    return f"{batch}-{part:04}"


def _about(decided_by: int) -> str:
    return f"operation {decided_by}"


def split_up(members: Sequence[T]) -> Iterator[Sequence[T]]:
    """The members of each part."""
    for start in range(0, len(members), LARGEST):
        yield members[start : start + LARGEST]


def leave(
    desk: Desk, carried_by: type[Part], request: dict[str, str], memo: str, due: int, total: int,
    parts: Sequence[list[tuple[int, int]]],
) -> None:  # fmt: skip
    """Seal the lines of each part; the leading entry has left their `total` on the leaf that is `due`."""
    ref = desk.next_ref(records.Batch.kind, "BT-", 5)
    desk.write(
        ref,
        records.Batch(
            decided_by=desk.number, carried_by=carried_by.name, request=request, memo=memo,
            on=desk.business_day.isoformat(), due=due, total=total, parts=len(parts),
        ),
        about=_about(desk.number),
    )  # fmt: skip
    for number, lines in enumerate(parts, start=1):
        desk.write(part_ref(ref, number), records.BatchPart(lines=lines))
    desk.note("Goes to the accounts in groups", str(len(parts)))


def pause_after(seconds: float) -> float:
    """How long to leave the book to others after a part that took so long."""
    return PAUSE_SECONDS if seconds < SHORT_SECONDS else LONG_PAUSE_SECONDS


def unfinished(books: Books) -> list[tuple[str, records.Batch]]:
    """What was decided and is not on all accounts yet."""
    return [(ref, batch) for ref, batch in books.every(records.Batch) if batch.done < batch.parts]


def require_finished(desk: Desk, field: str) -> None:
    """Refuse to go on while something is on its way."""
    for _ref, batch in unfinished(desk):
        raise WrongState(
            "{memo} is not on all accounts yet: {done} of {parts} groups are done.", field=field, memo=batch.memo,
            done=batch.done, parts=batch.parts,
            hint="Close the day by itself, not in a list with others: what is left is done before it.",
        )  # fmt: skip


def next_part(books: Books) -> tuple[Operation, str] | None:
    """The part that is carried out next, and its key."""
    for ref, batch in unfinished(books):
        number = batch.done + 1
        part = CATALOGUE[batch.carried_by].model_validate({"batch": ref, "part": number, **batch.request})
        return part, f"{CARRIED}{ref}:{number}"
    return None


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


def decided_by(books: Books, number: int) -> int:
    """The operation that decided what a part carried out."""
    ref = books.tx.value("SELECT ref FROM record WHERE operation_id = ? AND kind = ?", number, records.Batch.kind)
    return books.get(records.Batch, str(ref)).decided_by
