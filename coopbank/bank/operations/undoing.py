"""Undoing: a reversal turns everything an operation wrote, a correction puts one wrong side right.

Nothing posted is ever changed. A reversal is a new operation, dated today, whose entries
are the exact negatives of those that it reverses, and which writes each record again as
it stood before. It is refused when something rests on what it would take away: it then
says what has to be undone first. Cash that has been counted since is never moved back;
what went to the wrong savings account is corrected between the two accounts instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from coopbank.bank import groups, limits, records
from coopbank.bank.books import loads
from coopbank.bank.cheque_credit import cheque_of, held_of, pass_hold_on
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import Code, Memo, Money, Widget, refuse
from coopbank.bank.institution_registers import counted, entries_of, naming
from coopbank.bank.lending.flows import OWN
from coopbank.bank.lending.undoing import STORY, Undone, later_operations, resting_on, take_back, told_by, write_back
from coopbank.bank.operation import CATALOGUE, LOAN_OFFICER, TELLER, TREASURER, Operation
from coopbank.bank.operations import collateral
from coopbank.bank.operations.lending import named, post_loan
from coopbank.bank.operations.losses import covering
from coopbank.bank.operations.opening import OpeningBalance
from coopbank.bank.operations.reserves import settled_borne
from coopbank.bank.operations.savings import FUND, require_available, shown
from coopbank.bank.operations.sponsoring import SponsorShares
from coopbank.bank.sponsoring import sponsored
from coopbank.errors import CannotReverse, InvalidAmount, InvalidValue, NotAllowed, Overdrawn, Unknown, WrongState
from coopbank.ledger.chart import MEMO_CURRENCY, POOL
from coopbank.ledger.posting import EntryDraft, Line, overdrawn, read_leaves
from coopbank.words import _


def _read_number(value: Any) -> Any:
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not re.fullmatch(r"[1-9][0-9]{0,17}", text.strip()):
        raise refuse("Write the number of the operation, as it stands on its receipt: 740.")
    return int(text)


OperationNumber = Annotated[
    int, BeforeValidator(_read_number), Field(title="Number of the operation"), Widget("number")
]
"""An operation of the books, by its number."""


@dataclass(frozen=True, slots=True)
class Past:
    """An operation that is in the books, and the lines of its entries."""

    number: int
    kind: str
    actor: str
    approver: str | None
    business_date: str
    lines: tuple[tuple[int, str, int, int], ...]  # entry, memo, account, amount (minor units, debit +)
    batch: str | None = None  # what it decided for many members (bank/groups.py)
    parts: tuple[int, ...] = ()  # the operations that carried it out, whose lines are among these

    @property
    def title(self) -> str:
        """What the operation is called."""
        found = CATALOGUE.get(self.kind)
        return found.title if found is not None else self.kind

    @property
    def entries(self) -> list[list[tuple[int, int]]]:
        """The lines of each entry: account and amount."""
        found: dict[int, list[tuple[int, int]]] = {}
        for entry, _memo, account, amount in self.lines:
            found.setdefault(entry, []).append((account, amount))
        return list(found.values())

    @property
    def moved(self) -> dict[int, int]:
        """What it moved on each leaf, in the order of its lines."""
        sums: dict[int, int] = {}
        for _entry, _memo, account, amount in self.lines:
            sums[account] = sums.get(account, 0) + amount
        return sums


def past_operation(desk: Desk, number: int) -> Past:
    """An operation of the books; refuses a number that there is not."""
    row = desk.tx.row("SELECT kind, actor, approver, business_date FROM operation WHERE id = ?", number)
    if row is None:
        raise Unknown("There is no operation {number}.", field="operation", number=number)
    kind, actor, approver, business_date = row
    return Past(number, kind, actor, approver, business_date, _lines(desk, number))


def _lines(desk: Desk, number: int) -> tuple[tuple[int, str, int, int], ...]:
    found = desk.tx.rows(
        "SELECT e.id, e.memo, p.account_id, p.amount FROM entry e JOIN posting p ON p.entry_id = e.id"
        " WHERE e.operation_id = ? ORDER BY e.id, p.line",
        number,
    )
    return tuple(found)


def _with_parts(desk: Desk, past: Past) -> Past:
    """The same with what was carried out of it in groups: that is taken back with it, or not at all."""
    found = groups.of_operation(desk, past.number)
    if found is None:
        return past
    lines = (line for number in (past.number, *found[1]) for line in _lines(desk, number))
    return replace(past, lines=tuple(lines), batch=found[0], parts=tuple(found[1]))


def members_touched(desk: Desk, number: int) -> set[str]:
    """Members whose leaves an operation moved, or whom its request names."""
    batch = groups.of_operation(desk, number)
    holders = [
        row for each in (number, *(batch[1] if batch else ())) for row in desk.tx.rows(
            "SELECT DISTINCT a.holder FROM entry e JOIN posting p ON p.entry_id = e.id"
            " JOIN account a ON a.id = p.account_id WHERE e.operation_id = ? AND a.holder IS NOT NULL",
            each,
        )
    ]  # fmt: skip
    sealed = desk.tx.value("SELECT sealed FROM operation WHERE id = ?", number)
    request = {} if sealed is None else loads(sealed)[10]
    named = {request.get("member"), request.get("to_member")} if isinstance(request, dict) else set()
    return {str(holder) for (holder,) in holders} | {member for member in named if isinstance(member, str)}


def reversed_by(desk: Desk, number: int) -> int | None:
    """The operation that reversed this one, if any."""
    found = desk.tx.value(
        "SELECT r.operation_id FROM entry e JOIN entry r ON r.reverses_id = e.id WHERE e.operation_id = ?", number
    )
    if found is None:  # it wrote no entry, but may have told something of a loan
        found = desk.tx.value(
            "SELECT v.operation_id FROM record e JOIN record v ON v.kind = e.kind AND v.ref = e.ref AND v.version = 2"
            " WHERE e.operation_id = ? AND e.kind = ? AND e.version = 1",
            number, records.LoanEvent.kind,
        )  # fmt: skip
    if found is None:  # it wrote no entry, and left all of it to be carried out in groups
        found = desk.tx.value(
            "SELECT v.operation_id FROM record e JOIN record v ON v.kind = e.kind AND v.ref = e.ref AND v.version > 1"
            " JOIN operation o ON o.id = v.operation_id"
            " WHERE e.operation_id = ? AND e.kind = ? AND e.version = 1 AND o.kind = ?",
            number, records.Batch.kind, Reverse.name,
        )  # fmt: skip
    return None if found is None else int(found)


def _named(desk: Desk, numbers: list[int]) -> str:
    return ", ".join(f"{number} ({past_operation(desk, number).title})" for number in numbers)


# ----------------------------------------------------------------------------------- reversing


class Reverse(Operation):
    """Reverse an operation: every line turned, every record as it was before. Say why."""

    name: ClassVar[str] = "reverse"
    title: ClassVar[str] = "Reverse an operation"
    subject: ClassVar[str] = "books"
    roles: ClassVar[tuple[str, ...]] = (TELLER, LOAN_OFFICER, TREASURER)
    reversible: ClassVar[bool] = False

    operation: OperationNumber
    reason: Annotated[Memo, Field(min_length=1, title="Why")]
    replay: Annotated[bool, Field(title="Tell what came after it anew (loans)")] = False

    def serves(self, desk: Desk) -> set[str]:
        past = desk.tx.value("SELECT kind FROM operation WHERE id = ?", self.operation)
        return set() if past == OpeningBalance.name else members_touched(desk, self.operation)

    def second_reason(self, desk: Desk) -> str | None:
        past = past_operation(desk, self.operation)
        if self.replay:
            return "What came after it is told anew: that takes two people."
        if past.actor != desk.actor.user:
            return "What a colleague did is reversed by two people."
        if past.business_date != desk.business_day.isoformat():
            return "After its day is over, an operation is reversed by two people."
        if past.approver is not None:
            return "What took two people is reversed by two people."
        alone = desk.amount_policy("withdrawal_alone")
        return "The amount is above what one person may reverse." if _size(desk, past) > alone else None

    def perform(self, desk: Desk) -> None:
        past = past_operation(desk, self.operation)
        _require_reversible(desk, past)
        _require_power(desk, past)
        past = _with_parts(desk, past)
        _require_cash_here(desk, past)
        if past.kind == Correct.name:
            _require_cheque_paid(desk, past.number, CannotReverse)
        with named(self, "operation"):
            undone = undo_loans(desk, past, replay=self.replay)
        undo_records(desk, past)
        _require_uncorrected(desk, past)
        require_room(desk, past, told_anew=bool(undone))
        for entry, found in groupby(past.lines, key=lambda line: line[0]):
            lines = tuple(Line(account, -amount) for _entry, _memo, account, amount in found)
            desk.entries.append(EntryDraft(self._memo(), desk.business_day, lines, reverses=entry))
        post_undone(desk, undone, self._memo())
        desk.note("Reversed", _("operation {number}, {title}").format(number=past.number, title=_(past.title)))

    def _memo(self) -> str:
        return f"Reverses operation {self.operation}: {self.reason}"


def _size(desk: Desk, past: Past) -> int:
    """How much money the operation moved: debits outside the pool, or the pool's own if it moved nothing else."""
    leaves = read_leaves(desk.tx, sorted(past.moved))
    debits = [(leaves[a], x) for a, x in past.moved.items() if x > 0 and leaves[a].currency != MEMO_CURRENCY]
    outside = sum(x for leaf, x in debits if leaf.fund != POOL)
    return outside or sum(x for _leaf, x in debits)


def _require_reversible(desk: Desk, past: Past) -> None:
    if past.kind == Reverse.name:
        raise CannotReverse(
            "Operation {number} is a reversal itself.", field="operation", number=past.number,
            hint="Do again what it reversed, as a new operation.",
        )  # fmt: skip
    found = CATALOGUE.get(past.kind)
    if found is not None and issubclass(found, groups.Part):
        raise CannotReverse(
            "Operation {number} ({title}) carried out what operation {lead} had decided.", field="operation",
            number=past.number, title=past.title, lead=groups.decided_by(desk, past.number),
            hint="Reverse operation {lead}: that takes all parts of it back.",
        )  # fmt: skip
    if found is None or not found.reversible:
        raise CannotReverse(
            "Operation {number} ({title}) is not of a kind that is reversed.", field="operation", number=past.number,
            title=past.title, hint="Do the opposite with an operation of its own.",
        )  # fmt: skip
    by = reversed_by(desk, past.number)
    if by is not None:
        raise CannotReverse(
            "Operation {number} was already reversed by operation {by}.", field="operation", number=past.number, by=by
        )
    if not past.lines and not told_by(desk, past.number) and groups.of_operation(desk, past.number) is None:
        raise CannotReverse(
            "Operation {number} ({title}) wrote no entry.", field="operation", number=past.number, title=past.title,
            hint="Change what it wrote with an operation of its own.",
        )  # fmt: skip
    if past.kind == "allocate-surplus":
        _require_no_notices(desk, past)
    if past.kind == "dispose-parcel":
        _require_not_bought_again(desk, past)
    if past.kind == OpeningBalance.name and desk.get(records.Opening, "opening").state == "closed":
        raise CannotReverse(
            "The opening is closed.", field="operation",
            hint="Correct an old balance by a journal entry against 940, or 961 in a fund of its own.",
        )  # fmt: skip


def _require_no_notices(desk: Desk, past: Past) -> None:
    """Members who hold a notice of their part have been told: only the next year's vote changes anything."""
    year = desk.tx.value("SELECT ref FROM record WHERE operation_id = ? AND kind = ?", past.number, "surplus")
    notice = desk.tx.value(
        "SELECT min(ref) FROM record WHERE kind = ? AND ref LIKE ?", records.Document.kind, f"PN-{year}-%"
    )
    if notice is not None:
        raise CannotReverse(
            "Notices of the surplus of {year} were made: {notice}.", field="operation", year=year, notice=notice,
            hint="Only the next year's vote changes anything now.",
        )  # fmt: skip


def _require_not_bought_again(desk: Desk, past: Past) -> None:
    """A parcel that came back by another deed is in the register once, and not twice."""
    gone = desk.tx.value(
        "SELECT ref FROM record WHERE operation_id = ? AND kind = ?", past.number, records.ParcelDisposal.kind
    )
    parcel = desk.get(records.RegisterEntry, str(gone)).values["parcel"]
    for ref, body in counted(entries_of(desk, "PARCELS")):
        if ref != gone and body.values["parcel"] == parcel and desk.find(records.ParcelDisposal, ref) is None:
            raise CannotReverse(
                "Parcel {parcel} was bought again since: it is {entry} now.", field="operation", parcel=parcel,
                entry=ref, hint="Reverse the purchase first, or leave both as they were.",
            )  # fmt: skip


def _require_power(desk: Desk, past: Past) -> None:
    """Who reverses must hold the power to do what is reversed."""
    if not limits.may(desk, desk.actor.roles, past.kind):
        raise NotAllowed(
            "{user} may not do this: {title}.", field="operation", user=desk.actor.user, title=_(past.title),
            hint="Nobody reverses what they may not do.",
        )  # fmt: skip


def _require_cash_here(desk: Desk, past: Past) -> None:
    """Cash goes back only into the drawer that it came from, in the same session, by the one who has it open."""
    for leaf in read_leaves(desk.tx, sorted(past.moved)).values():
        if leaf.gl_code != "739" or leaf.contract == "VAULT":
            continue
        if desk.version(records.PettyCash.kind, leaf.contract):
            _require_petty_cash(desk, leaf.contract, past)
            continue
        drawer = desk.find(records.Drawer, leaf.contract)
        session = _session(desk, leaf.contract, past)
        if drawer is None or drawer.state != "open" or drawer.opened_by_operation != session:
            raise CannotReverse(
                "Drawer {drawer} was closed since: its cash is counted and is not moved back.", field="operation",
                drawer=leaf.contract, hint="Correct the other side instead (correct), or pay the money in or out anew.",
            )  # fmt: skip
        if drawer.owner != desk.actor.user:
            raise NotAllowed(
                "Drawer {drawer} is {owner}'s.", field="operation", drawer=leaf.contract, owner=drawer.owner,
                hint="Whoever has the cash reverses it.",
            )  # fmt: skip


def _require_petty_cash(desk: Desk, ref: str, past: Past) -> None:
    """Petty cash is still open since then, and whoever keeps it is here, or the treasurer."""
    found = desk.find(records.PettyCash, ref)
    if found is None or found.state != "open" or (found.opened_by_operation or 0) > past.number:
        raise CannotReverse(
            "Petty cash {petty_cash} was closed since: its cash is counted and is not moved back.", field="operation",
            petty_cash=ref, hint="Pay the money in or out anew.",
        )  # fmt: skip
    if found.holder != desk.actor.user and TREASURER not in desk.actor.roles:
        raise NotAllowed(
            "Petty cash {petty_cash} is kept by {holder}.", field="operation", petty_cash=ref, holder=found.holder,
            hint="Whoever has the cash reverses it.",
        )  # fmt: skip


def _session(desk: Desk, drawer: str, past: Past) -> int | None:
    """The operation that had opened the drawer when the past operation was done."""
    found = desk.find_at(records.Drawer, drawer, past.number)
    return None if found is None else found.opened_by_operation


def undo_records(desk: Desk, past: Past, *, keep: str | None = None) -> None:
    """Write each record that the operation wrote as it stood before; void what it made. One ref may be left alone."""
    written = desk.tx.rows(
        "SELECT kind, ref, min(version), max(version) FROM record WHERE operation_id = ? GROUP BY kind, ref"
        " ORDER BY kind, ref",
        past.number,
    )
    story = bool(told_by(desk, past.number))
    written = [row for row in written if row[1] != keep and not (story and row[0] in STORY)]
    written = [row for row in written if row[0] != records.BatchPart.kind]  # goes with its batch, and says the same
    later: set[int] = set()
    for kind, ref, _first, last in written:
        later |= _later_versions(desk, kind, ref, int(last))
    later -= set(past.parts)
    if later:
        raise CannotReverse(
            "Later operations rest on it: {operations}.", field="operation", operations=_named(desk, sorted(later)),
            hint="Reverse these first, the latest of them before the others.",
        )  # fmt: skip
    for kind, ref, first, _last in written:
        if kind == records.RegisterEntry.kind and first == 1 and (named := naming(desk, ref)):
            raise CannotReverse(
                "Other entries name {entry}: {entries}.", field="operation", entry=ref, entries=", ".join(named[:10]),
                hint="Say first that each was a mistake (close-entry --mistaken), or change what it names.",
            )  # fmt: skip
        body, about = _version(desk, kind, ref, max(1, int(first) - 1))
        if first == 1:
            body = body.model_copy(update={"void": True})
        desk.write(ref, body, about=about)
        desk.note("Void" if first == 1 else "As before", ref)


def undo_loans(desk: Desk, past: Past, *, replay: bool) -> list[Undone]:
    """The loans whose facts the operation recorded, told without them; refuses, unless asked, if others rest on them.

    Nothing is written yet.
    """
    found = []
    for ref, events in told_by(desk, past.number).items():
        later = later_operations(desk, ref, past.number)
        resting = resting_on(desk, ref, past.number, events)
        if pledged := collateral.pledged_from(desk, past.number, ref):
            raise CannotReverse(
                "What was bought with it secures loan {loan}: {pledged}.", field="operation", loan=ref,
                pledged=", ".join(pledged), hint="Say first that the pledge was a mistake (release-collateral).",
            )  # fmt: skip
        if resting:
            raise CannotReverse(
                "Later operations rest on it: {operations}.", field="operation", operations=_named(desk, resting),
                hint="Reverse these first, the latest of them before the others.",
            )  # fmt: skip
        if later and not replay:
            raise CannotReverse(
                "Later operations rest on it: {operations}.", field="operation", operations=_named(desk, later),
                hint="Reverse these first, or ask for what came after to be told anew (replay).",
            )  # fmt: skip
        found.append(take_back(desk, ref, past.number, events))
    return found


def post_undone(desk: Desk, undone: list[Undone], memo: str) -> None:
    """Write the loans as they are without it, and post what their stories come to beyond the exact reversal."""
    for each in undone:
        ref, refill, changes = each.account.ref, list[Move](), dict[str, Any]()
        if each.outcome is not None:
            refill, changes["borne"] = settled_borne(desk, ref, each.outcome.after)
        write_back(desk, each, **changes)
        desk.note("Void" if each.outcome is None else "Told anew", ref)
        post_loan(
            desk, ref, each.account.body.member, memo, [*covering(desk, ref, each.moved), *each.lines, *refill]
        )  # fmt: skip


def _later_versions(desk: Desk, kind: str, ref: str, version: int) -> set[int]:
    """Operations that wrote the record since, but for those that were undone and those that undid them."""
    found = desk.tx.rows(
        "SELECT r.operation_id, o.kind FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.kind = ? AND r.ref = ? AND r.version > ?",
        kind, ref, version,
    )  # fmt: skip
    return {int(n) for n, by in found if by != Reverse.name and reversed_by(desk, int(n)) is None}


def _version(desk: Desk, kind: str, ref: str, version: int) -> tuple[records.Body, str | None]:
    row = desk.tx.row("SELECT body, about FROM record WHERE kind = ? AND ref = ? AND version = ?", kind, ref, version)
    assert row is not None, "versions are gapless"
    return records.BODIES[kind].model_validate_json(row[0]), row[1]


def _require_uncorrected(desk: Desk, past: Past) -> None:
    numbers = (past.number, *past.parts)
    done = [found for number in numbers for found in desk.about(records.Correction, f"operation {number}")]
    if done:
        raise CannotReverse(
            "Operation {number} was corrected: {corrections}.", field="operation", number=past.number,
            corrections=", ".join(ref for ref, _correction in done), hint="Reverse the correction first.",
        )  # fmt: skip


def require_room(
    desk: Desk, past: Past, *, but_on: str | None = None, released: str | None = None, told_anew: bool = False
) -> None:  # fmt: skip
    """Refuse when what was brought in has been used since, and list by what.

    One control account may be left out, and one hold be counted as released; the leaves of
    loans that are told anew are brought where they belong by an entry of their own.
    """
    leaves = read_leaves(desk.tx, sorted(past.moved))
    # What people know comes first: the member's savings before the fund's part of the pool.
    for account, moved in sorted(past.moved.items(), key=lambda each: leaves[each[0]].gl_code in ("729", "879")):
        leaf = leaves[account]
        if leaf.gl_code == but_on or (told_anew and leaf.gl_code in OWN):
            continue
        after = leaf.balance - moved
        voided = _voided_savings(desk, leaf.fund, leaf.gl_code, leaf.contract)
        held = _held(desk, leaf.fund, leaf.code, released) if moved < 0 else 0
        if leaf.gl_code in ("901", "903") and moved < 0 and past.kind != SponsorShares.name:
            held += sponsored(desk, leaf.contract, leaf.gl_code)
        broken = leaf.floor is not None and after < leaf.floor
        broken = broken or (leaf.ceiling is not None and after + held > leaf.ceiling)
        if not broken and not (voided and after):
            continue
        since = _used_since(desk, account, past)
        if not since:
            raise overdrawn(leaf, max(0, abs(leaf.balance) - held))
        raise CannotReverse(
            "What it moved on {code} has been used since, by {operations}.", field="operation", code=leaf.code,
            operations=_named(desk, since), hint="Reverse these first, the latest of them before the others.",
        )  # fmt: skip


def _held(desk: Desk, fund: str, code: str, released: str | None) -> int:
    """Money of a leaf that is held today, but for the holds that are taken away."""
    today = desk.business_day.isoformat()
    holds = desk.about(records.Hold, f"{fund} {code}")
    current = (desk.find(records.Hold, ref) for ref, _hold in holds if ref != released)
    return sum(h.amount for h in current if h is not None and h.state == "held" and h.until > today)


def _voided_savings(desk: Desk, fund: str, gl_code: str, contract: str) -> bool:
    """Whether the reversal takes away the savings account that stands on this leaf."""
    if (fund, gl_code) != (FUND, "905"):
        return False
    ref = f"S-{contract}"
    return bool(desk.version(records.Savings.kind, ref)) and desk.find(records.Savings, ref) is None


def _used_since(desk: Desk, account: int, past: Past) -> list[int]:
    """Operations that moved the leaf after the past one, but for reversals and what they reversed; at most ten."""
    found = desk.tx.rows(
        "SELECT DISTINCT e.operation_id FROM posting p JOIN entry e ON e.id = p.entry_id"
        " WHERE p.account_id = ? AND e.operation_id > ? AND e.reverses_id IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM entry r WHERE r.reverses_id = e.id) ORDER BY e.operation_id LIMIT 11",
        account, past.number,
    )  # fmt: skip
    return [int(number) for (number,) in found if number not in past.parts][:10]


# ---------------------------------------------------------------------------------- correcting


class Correct(Operation):
    """Put savings right: what an operation moved on the wrong account goes to the right one. No cash moves."""

    name: ClassVar[str] = "correct"
    title: ClassVar[str] = "Correct an operation"
    subject: ClassVar[str] = "books"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER)

    operation: OperationNumber
    wrong_account: Annotated[Code, Field(title="Savings account that it went to, or came from")]
    right_account: Annotated[Code, Field(title="Savings account that it should have been")]
    amount: Annotated[Money | None, Field(title="Amount, if not all of it")] = None
    reason: Annotated[Memo, Field(min_length=1, title="Why")]

    def serves(self, desk: Desk) -> set[str]:
        found = (desk.find(records.Savings, _savings_ref(a)) for a in (self.wrong_account, self.right_account))
        return members_touched(desk, self.operation) | {account.member for account in found if account is not None}

    def moves(self, desk: Desk) -> int | None:
        leaf = desk.leaf(FUND, f"905/{self.wrong_account}")
        if self.amount is None and leaf is not None:
            return abs(past_operation(desk, self.operation).moved.get(leaf.id, 0))
        return self.amount

    def second_reason(self, desk: Desk) -> str | None:
        past = past_operation(desk, self.operation)
        if past.business_date != desk.business_day.isoformat():
            return "After its day is over, an operation is corrected by two people."
        if past.actor != desk.actor.user:
            return "What a colleague did is corrected by two people."
        return None

    def perform(self, desk: Desk) -> None:
        past = past_operation(desk, self.operation)
        wrong = _open_savings(desk, self.wrong_account, "wrong_account")
        right = _open_savings(desk, self.right_account, "right_account")
        if wrong.account == right.account:
            raise InvalidValue("Both accounts are the same.", field="right_account")
        moved = self._left_to_correct(desk, past, wrong.account)
        amount = abs(moved) if self.amount is None else self.amount
        if amount > abs(moved):
            raise InvalidAmount(
                "Only {moved} of operation {number} on that account is left to correct.", field="amount",
                number=past.number, moved=shown(desk, abs(moved)),
            )  # fmt: skip
        signed = amount if moved > 0 else -amount
        # A deposit is taken from the wrong account, a withdrawal from the right one; of a cheque goes what is held too.
        payer = wrong if signed < 0 else right
        held = held_of(desk, past.number, wrong.account) if signed < 0 else []
        own = min(amount, sum(hold.amount for _ref, hold in held))
        require_available(desk, f"905/{payer.account}", -desk.balance(FUND, f"905/{payer.account}") + own, amount)
        desk.post(
            f"Corrects operation {self.operation}: {self.reason}",
            [(FUND, f"905/{wrong.account}", -signed), (FUND, f"905/{right.account}", signed)],
        )
        body = records.Correction(
            operation=self.operation, wrong_account=wrong.account, right_account=right.account, amount=signed
        )
        ref = desk.next_ref("correction", "K-", 5)
        desk.write(ref, body, about=f"operation {self.operation}")
        pass_hold_on(desk, held, amount, ref, wrong.account, right.account)
        desk.note("Corrected", shown(desk, amount))

    def _left_to_correct(self, desk: Desk, past: Past, account: str) -> int:
        """What the operation moved on the account, less what was corrected of it; refuses nothing to correct."""
        if past.kind == Reverse.name:
            raise WrongState("Operation {number} is a reversal.", field="operation", number=past.number)
        by = reversed_by(desk, past.number)
        if by is not None:
            raise WrongState(
                "Operation {number} was reversed by operation {by}.", field="operation", number=past.number, by=by
            )
        _require_cheque_paid(desk, past.number, WrongState)
        leaf = desk.leaf(FUND, f"905/{account}")
        moved = 0 if leaf is None else past.moved.get(leaf.id, 0)
        done = sum(
            c.amount
            for _ref, c in desk.about(records.Correction, f"operation {past.number}")
            if c.wrong_account == account
        )
        if moved - done == 0:
            raise Overdrawn(
                "Operation {number} moved nothing on savings account {account} that is left to correct.",
                field="wrong_account", number=past.number, account=account,
            )  # fmt: skip
        return moved - done


def _require_cheque_paid(desk: Desk, number: int, refusal: type[WrongState | CannotReverse]) -> None:
    """Refuse to put right whose credit was taken back since: the bank returned the cheque."""
    found = cheque_of(desk, number)
    if found is not None and found[1].state == "returned":
        raise refusal(
            "Cheque {cheque} of it was returned unpaid, and taken from whoever had its credit.", field="operation",
            cheque=found[0], hint="Reverse that first (return-cheque), if it was wrong.",
        )  # fmt: skip


def _savings_ref(account: str) -> str:
    return f"S-{account.removeprefix('S-')}"


def _open_savings(desk: Desk, account: str, field: str) -> records.Savings:
    found = desk.get(records.Savings, _savings_ref(account), field)
    if found.state != "open":
        raise WrongState("Savings account {account} is closed.", field=field, account=found.account)
    return found
