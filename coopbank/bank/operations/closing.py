"""Closing a month: interest of every loan and note through its last day, then no more entries in it.

Each debt gets the interest that was earned through the last day, dated that day, so that
the month's income is the month's. Where a movement after the month has recognised some of
it already (a payment on the 3rd, the close on the 6th), that part is moved: into the month
by one entry, out of today by another. The debt itself does not change by that.

A close counts its last day; every accrual is the difference of rounded totals: of notes by
bank/accrual.py, of loans by bank/lending. Both are read with a fixed number of questions, however many
there are.
"""

from __future__ import annotations

import calendar
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from coopbank.bank import groups, records
from coopbank.bank.accrual import accrue_through, interest_to, recognised
from coopbank.bank.asset_plan import due_in, through
from coopbank.bank.books import Books
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Memo, Widget, refuse
from coopbank.bank.lending import closing as of_loans
from coopbank.bank.lending.closing import Recognised, recognise_loans
from coopbank.bank.operation import TREASURER, Operation
from coopbank.bank.operations.savings import shown
from coopbank.errors import PeriodLocked, WrongState
from coopbank.ledger import periods
from coopbank.ledger.posting import EntryDraft, Line, NewRecord, head


def _read_month(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])", value.strip()):
        raise refuse("Write the month as YYYY-MM, for example 2026-03.")
    return value.strip()


Month = Annotated[
    str, BeforeValidator(_read_month), WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"}),
    Widget("text"), Field(title="Month"),
]  # fmt: skip
"""A calendar month, YYYY-MM."""


@dataclass(frozen=True, slots=True)
class _Reckoned:
    """What every loan comes to at the end of the month, as the books stood at an operation."""

    head: int
    month: str
    loans: of_loans.Reckoned


def _still_right(desk: Desk, month: str, among: set[str] | None = None) -> of_loans.Reckoned | None:
    """What was reckoned before the book was locked, with the loans anew that have changed since; of some loans only."""
    ahead = desk.reckoned
    if not isinstance(ahead, _Reckoned) or ahead.month != month:
        return None
    return of_loans.still_right(desk, ahead.loans, ahead.head, last_day(month), among)


class CloseMonth(Operation):
    """Close a month: interest of all loans and notes through its last day, then it is locked."""

    name: ClassVar[str] = "close-month"
    title: ClassVar[str] = "Close the month"
    subject: ClassVar[str] = "days"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False
    signed: ClassVar[bool] = True
    carries_out: ClassVar[bool] = True
    reckons_ahead: ClassVar[bool] = True
    foretold: ClassVar[tuple[str, ...]] = (
        "Not depreciated yet", "No provision was made for", "Interest on savings not credited",
    )  # fmt: skip

    month: Month

    def reckon(self, books: Books) -> _Reckoned | None:
        """The interest of every loan, of which twenty thousand take seconds."""
        today, last = books.business_date(), last_day(self.month)
        if today is None or today < last or periods.state(books.tx, self.month) == periods.LOCKED:
            return None
        stands_at = head(books.tx).number
        return _Reckoned(stands_at, self.month, of_loans.reckoned(books, last, books.institution().currency))

    def perform(self, desk: Desk) -> None:
        last = last_day(self.month)
        groups.require_finished(desk, "month")
        self._require_over(desk, last)
        if locked_before(desk, self.month) is not None:
            # An older program let it be passed over: its interest is in the month after it, and stays there,
            # also when it is opened again and closed once more.
            _lock(desk, self.month)
            return
        ahead = _still_right(desk, self.month) or of_loans.reckoned(desk, last, desk.currency)
        in_groups = len(ahead.owed) > max(1, groups.LARGEST // groups.LOAN)
        if in_groups:
            loans = of_loans.summed(ahead)
            request = {"month": self.month}
            groups.leave_loans(
                desk, CloseMonthPart, request, f"Interest of {self.month}", loans.amount, list(ahead.owed)
            )
        else:
            loans = recognise_loans(desk, last, ahead)
        notes = recognise_notes(desk, last)
        desk.note("Interest on loans", f"{shown(desk, loans.amount)} ({loans.count})")
        desk.note("Interest on notes", f"{shown(desk, notes.amount)} ({notes.count})")
        left = sum(through(asset, last) - asset.depreciated for _ref, asset in due_in(desk, last))
        if left:  # it can still be done before this is approved; afterwards it comes with the next month
            desk.note("Not depreciated yet", shown(desk, left))
        if desk.find(records.Provision, self.month) is None and _lent(desk, self.month):
            desk.note("No provision was made for", self.month)  # it can be, before this is approved
        quarter = _not_credited(desk, self.month)
        if quarter is not None:  # afterwards it is an expense of a later month
            desk.note("Interest on savings not credited", quarter)
        if not in_groups:
            _lock(desk, self.month)
        desk.wishes.append(f"month-report {self.month}")

    def _require_over(self, desk: Desk, last: date) -> None:
        if periods.state(desk.tx, self.month) == periods.LOCKED:
            raise PeriodLocked("{month} is locked already.", field="month", month=self.month)
        day_open = periods.state(desk.tx, last.isoformat()) == periods.OPEN
        if desk.business_day < last or day_open:
            raise WrongState(
                "{month} is not over: the books stand at {today}.", field="month", month=self.month,
                today=desk.business_day, hint="Close its last day and open the next one first.",
            )  # fmt: skip
        earlier = open_months_before(desk, self.month)
        if earlier:
            raise WrongState(
                "{earlier} is not closed yet.", field="month", earlier=earlier[0],
                hint="Close the months in their order.",
            )  # fmt: skip


class CloseMonthPart(groups.Part):
    """The interest of a month on some of the loans; the last part locks the month."""

    name: ClassVar[str] = "close-month-part"
    title: ClassVar[str] = "Close of the month, a part"
    subject: ClassVar[str] = "days"
    signed: ClassVar[bool] = True
    in_their_name: ClassVar[bool] = True
    reckons_ahead: ClassVar[bool] = True

    month: Month

    def reckon(self, books: Books) -> _Reckoned:
        """Telling a loan takes longer than posting its interest."""
        batch = books.get(records.Batch, self.batch)
        loans = self._loans(books, batch, books.get(records.BatchPart, groups.part_ref(self.batch, self.part)))
        stands_at, currency = head(books.tx).number, books.institution().currency
        found = of_loans.reckoned(books, last_day(self.month), currency, only=loans)
        return _Reckoned(stands_at, self.month, found)

    def carry(self, desk: Desk, batch: records.Batch, plan: records.BatchPart) -> None:
        """Bring these loans to the end of the month as they stand now, whatever a till did with them meanwhile."""
        loans = self._loans(desk, batch, plan)
        found = _still_right(desk, self.month, loans)
        if found is None:
            found = of_loans.reckoned(desk, last_day(self.month), desk.currency, only=loans)
        recognise_loans(desk, last_day(self.month), found)
        if self.part == batch.parts:
            _lock(desk, self.month)

    def _loans(self, books: Books, batch: records.Batch, plan: records.BatchPart) -> set[str]:
        """Its loans; of the last part also those of which something was told since it was decided."""
        last = self.part == batch.parts
        return {*plan.loans, *(of_loans.told_since(books, batch.decided_by, but_by=self.name) if last else ())}


def _lock(desk: Desk, month: str) -> None:
    desk.period(month, periods.LOCKED)
    desk.note("Locked", month)


class ReopenMonth(Operation):
    """Open a locked month again for adjustments by the treasurer and a second person."""

    name: ClassVar[str] = "reopen-month"
    title: ClassVar[str] = "Reopen a month"
    subject: ClassVar[str] = "days"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False
    carries_out: ClassVar[bool] = True  # a later month may still be on its way to be closed

    month: Month
    why: Annotated[Memo, Field(min_length=1, title="Why")]

    def perform(self, desk: Desk) -> None:
        groups.require_finished(desk, "month")
        if periods.state(desk.tx, self.month) != periods.LOCKED:
            raise WrongState("{month} is not locked.", field="month", month=self.month)
        year = self.month[:4]
        if periods.state(desk.tx, year) == periods.LOCKED:
            raise PeriodLocked("The year {year} is locked.", field="month", year=year)
        desk.period(self.month, periods.ADJUSTING)
        desk.note("Open for adjustments", self.month)


def _lent(desk: Desk, month: str) -> bool:
    """Whether any principal was owed at the end of a month."""
    owed = desk.tx.value(
        "SELECT sum(debit - credit) FROM control_total WHERE gl_code = '701' AND length(span) = 7 AND span <= ?", month
    )
    return bool(owed)


def _not_credited(desk: Desk, month: str) -> str | None:
    """The quarter that ends with a month, if savings bear interest and that of the quarter was not credited."""
    quarter = f"{month[:4]}-Q{int(month[5:]) // 3}"
    if int(month[5:]) % 3 or desk.find(records.SavingsInterest, quarter) is not None:
        return None
    bears = desk.tx.value(
        "SELECT 1 FROM record WHERE kind = ? AND body NOT LIKE ? LIMIT 1", records.Savings.kind, '%"annual_rate":"0"%'
    )
    return quarter if bears else None


def last_day(month: str) -> date:
    """The last day of a month written YYYY-MM."""
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, calendar.monthrange(year, number)[1])


def open_months_before(desk: Desk, month: str) -> list[str]:
    """Earlier months that are not locked, and hold entries or ended with something owed that may bear interest.

    A month that is passed over gives its interest to the next one; closed after that, it would take it from a month
    that is locked.
    """
    moved = {
        span: (int(lent), int(borrowed))
        for span, lent, borrowed in desk.tx.rows(
            "SELECT span, sum(CASE WHEN gl_code = '701' THEN debit - credit ELSE 0 END),"
            " sum(CASE WHEN gl_code = '811' THEN credit - debit ELSE 0 END) FROM control_total"
            " WHERE length(span) = 7 AND span < ? GROUP BY span", month,
        )
    }  # fmt: skip
    found, lent, borrowed, each = [], 0, 0, min(moved, default=month)
    while each < month:
        lent, borrowed = (total + more for total, more in zip((lent, borrowed), moved.get(each, (0, 0)), strict=True))
        if (each in moved or lent or borrowed) and periods.state(desk.tx, each) != periods.LOCKED:
            found.append(each)
        each = f"{last_day(each) + timedelta(days=1):%Y-%m}"
    return found


def require_not_passed(desk: Desk, month: str, field: str) -> None:
    """Refuse a month that nobody closed, since it held nothing, while a later one is locked.

    What is dated in it would change what the locked one, whose close was signed, ended with.
    """
    if periods.state(desk.tx, month) is not None:
        return  # locked, or opened again by two people who know what comes after it
    later = locked_before(desk, month)
    if later is not None:
        raise PeriodLocked(
            "{month} was passed over: {later}, which is after it, is locked.", field=field, month=month, later=later,
            hint="Date it in a month that is open, or close this one and open it again (reopen-month).",
        )  # fmt: skip


def locked_before(desk: Desk, month: str) -> str | None:
    """The last month after one that is locked, and was so before that one was for the first time; None if none was."""
    later = desk.tx.value(
        "SELECT max(p.period) FROM period_state p WHERE p.period > ? AND length(p.period) = 7 AND p.state = ?"
        " AND p.operation_id = (SELECT max(l.operation_id) FROM period_state l WHERE l.period = p.period)"
        " AND NOT EXISTS (SELECT 1 FROM period_state f WHERE f.period = ? AND f.state = ? AND f.operation_id <"
        " (SELECT min(b.operation_id) FROM period_state b WHERE b.period = p.period AND b.state = ?))",
        month, periods.LOCKED, month, periods.LOCKED, periods.LOCKED,
    )  # fmt: skip
    return None if later is None else str(later)


# -------------------------------------------------------------------- interest of all notes at once


Dated = tuple[date, records.Note]
"""The business date of a version, and what it says."""


@dataclass(slots=True)
class Case:
    """One note at the close: as it is now, and what happened to it after the month."""

    ref: str
    version: int
    about: str | None
    now: records.Note
    later: list[Dated] = field(default_factory=list)  # versions written after the month, the one before them first


def recognise_notes(desk: Desk, last: date) -> Recognised:
    """Bring the interest of every note to the end of a day: entries, and new versions of the notes."""
    since = _since(desk, last)
    booked = {leaf.contract: since.get(leaf.id, 0) - leaf.balance for leaf in desk.leaves("851")}
    # A close of an earlier month may have moved interest out of a day after this one, be the note repaid by now.
    cases = _cases(desk, last, {leaf.contract for leaf in desk.leaves("851") if leaf.id in since})
    leaves = {(leaf.fund, leaf.code): leaf.id for gl in ("851", "341") for leaf in desk.leaves(gl)}
    count = amount = 0
    for case in cases:
        after, new = accrue_through(case.now, last)
        of_month = _of_month(case, last, booked.get(case.ref, 0)) if case.later else new
        if of_month or new:
            _post(desk, case, leaves, ((of_month, last), (new - of_month, desk.business_day)))
            count, amount = count + 1, amount + of_month
        if new:
            body = after.model_dump(mode="json", exclude_defaults=True)
            desk.rows.append(NewRecord(records.Note.kind, case.ref, case.version + 1, case.about, body))
    return Recognised(count, amount)


def _post(desk: Desk, case: Case, leaves: dict[tuple[str, str], int], parts: Iterable[tuple[int, date]]) -> None:
    """An entry for each part of a note's interest, under its day; `leaves` remembers the numbers of leaves."""
    fund = case.now.fund
    ids = []
    for code in (f"851/{case.ref}", "341"):
        if (fund, code) not in leaves:
            leaves[fund, code] = desk.leaf_id(fund, code)
        ids.append(leaves[fund, code])
    for moved, day in parts:
        if moved:
            lines = (Line(ids[0], -moved), Line(ids[1], moved))
            desk.entries.append(EntryDraft(f"Interest {case.ref} to {day}", day, lines))


def _of_month(case: Case, last: date, booked: int) -> int:
    """What is to be dated on the last day: earned through it, less what stands under dates up to it.

    `booked` is the unpaid interest that the books hold under those dates.
    """
    on, before = case.later[0]
    if on > last:
        return 0  # the books had not heard of it then
    return _earned(case, last) - before.paid_interest - booked


def _earned(case: Case, last: date) -> int:
    """Interest through a day, counted by value dates: what was so before it, and the segment that it lies in."""
    if case.now.segment_start is None:
        return 0
    for _on, body in reversed(case.later):
        if body.segment_start is not None and body.segment_start <= last.isoformat():
            return recognised(body) - body.segment_accrued + interest_to(body, last + timedelta(days=1))
    return 0


def _cases(desk: Desk, last: date, moved: set[str]) -> list[Case]:
    """Every note that bears or bore interest, in the order of their refs; `moved` are those whose interest moved since.

    What a close of an earlier month moved is no version of the note: it was then as it is now.
    """
    latest = desk.tx.rows(
        "SELECT r.ref, r.version, r.about, r.body FROM record r WHERE r.kind = ? AND r.version ="
        " (SELECT max(l.version) FROM record l WHERE l.kind = r.kind AND l.ref = r.ref) ORDER BY r.ref",
        records.Note.kind,
    )
    later = _later(desk, last)
    found = []
    for ref, version, about, text in latest:
        body = records.Note.model_validate_json(text)
        if ref in moved:
            later.setdefault(ref, [(last, body)])
        if not body.void and body.segment_start is not None and (body.state == "active" or ref in later):
            found.append(Case(ref, version, about, body, later.get(ref, [])))
    return found


def _later(desk: Desk, last: date) -> dict[str, list[Dated]]:
    """Versions that operations after a day wrote, and the one before them, each with its business date."""
    head = desk.tx.value("SELECT id FROM operation WHERE business_date <= ? ORDER BY id DESC LIMIT 1", last.isoformat())
    found: dict[str, list[Dated]] = defaultdict(list)
    for ref, day, text in _versions(desk, int(head or 0)):
        found[ref].append((date.fromisoformat(day), records.Note.model_validate_json(text)))
    return found


def _versions(desk: Desk, head: int) -> Iterator[tuple[Any, ...]]:
    yield from desk.tx.rows(
        "SELECT r.ref, o.business_date, r.body FROM"
        " (SELECT ref, min(version) AS first FROM record WHERE kind = ? AND operation_id > ? GROUP BY ref) f"
        " JOIN record r ON r.kind = ? AND r.ref = f.ref AND r.version >= f.first - 1"
        " JOIN operation o ON o.id = r.operation_id ORDER BY r.ref, r.version",
        records.Note.kind, head, records.Note.kind,
    )  # fmt: skip


def _since(desk: Desk, last: date) -> dict[int, int]:
    """What moved under dates after a day on the leaves of unpaid interest."""
    rows = desk.tx.rows(
        "SELECT d.account_id, sum(d.debit - d.credit) FROM account a JOIN balance_day d ON d.account_id = a.id"
        " WHERE a.gl_code = ? AND d.effective_on > ? GROUP BY d.account_id",
        "851", last.isoformat(),
    )  # fmt: skip
    return {number: int(amount) for number, amount in rows}
