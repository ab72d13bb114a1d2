"""The business day: opening and closing it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from coopbank.bank import groups, records
from coopbank.bank.books import Books
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Day
from coopbank.bank.lending.delinquency import Summary, non_accrual_days, summary
from coopbank.bank.operation import ADMINISTRATOR, CATALOGUE, LOAN_OFFICER, TELLER, TREASURER, Operation
from coopbank.bank.operations.differences import sign_by_opening
from coopbank.errors import DayClosed, WrongState
from coopbank.ledger import periods
from coopbank.ledger.chart import POOL
from coopbank.ledger.posting import head
from coopbank.words import translate

#: A clock that runs ahead would carry the books into a year from which no day leads back.
LONGEST_GAP = timedelta(days=31)
#: A day so long after the last is a wrong year more often than a bank that was closed: a second person looks at it.
LONGEST_ALONE = timedelta(days=300)
#: Loans that a close proposes for non-accrual by name; more are counted.
MOST_PROPOSED = 20


@dataclass(frozen=True, slots=True)
class _Reckoned:
    """All loans at the end of a day, as the books stood at an operation."""

    head: int
    day: date
    loans: Summary


class OpenDay(Operation):
    """Open the business day. Everything that follows is dated on it until it is closed."""

    name: ClassVar[str] = "open-day"
    title: ClassVar[str] = "Open the day"
    subject: ClassVar[str] = "days"
    roles: ClassVar[tuple[str, ...]] = (TELLER, LOAN_OFFICER, TREASURER, ADMINISTRATOR)
    reversible: ClassVar[bool] = False

    date: Day | None = None

    def second_reason(self, desk: Desk) -> str | None:
        before = desk.business_date()
        if self.date is None or before is None or self.date - before <= LONGEST_ALONE:
            return None
        return "The day lies more than 300 days after the last one; none between the two can be opened later."

    def perform(self, desk: Desk) -> None:
        day = self.date or desk.clock_today
        before = desk.business_date()
        if periods.open_day(desk.tx) is not None:
            raise DayClosed(
                "The business day {day} is still open.", field="date", day=before,
                hint="Close it first (close-day).",
            )  # fmt: skip
        if day > desk.clock_today:
            raise DayClosed(
                "{day} lies in the future.", field="date", day=day, today=desk.clock_today,
                hint="By the clock of this computer today is {today}.",
            )  # fmt: skip
        if self.date is None and day - before > LONGEST_GAP:
            raise DayClosed(
                "The computer's clock says {day}; the last business day was {before}.", field="date", day=day,
                before=before, hint="If the clock is right, say the date. If it is not, set it right first.",
            )  # fmt: skip
        state = periods.state(desk.tx, day.isoformat())
        if day < before or state == periods.CLOSED:
            raise DayClosed(
                "{day} is closed already; the books stand at {before}.", field="date", day=day, before=before
            )
        sign_by_opening(desk)
        desk.business_day = day
        desk.period(day.isoformat(), periods.OPEN)
        desk.note("Business day", day.isoformat())


class CloseDay(Operation):
    """Close the business day. Drawers must be closed first; nothing more is posted on it by tellers."""

    name: ClassVar[str] = "close-day"
    title: ClassVar[str] = "Close the day"
    subject: ClassVar[str] = "days"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER, ADMINISTRATOR)
    reversible: ClassVar[bool] = False
    carries_out: ClassVar[bool] = True
    reckons_ahead: ClassVar[bool] = True
    signed: ClassVar[bool] = True

    date: Day | None = None

    def reckon(self, books: Books) -> _Reckoned | None:
        """All loans at the end of the day, of which twenty thousand take seconds."""
        day = periods.open_day(books.tx)
        if day is None or any(drawer.state == "open" for _ref, drawer in books.every(records.Drawer)):
            return None
        stands_at = head(books.tx).number
        return _Reckoned(stands_at, day, summary(books, day, books.institution().currency, non_accrual_days(books)))

    def perform(self, desk: Desk) -> None:
        day = periods.open_day(desk.tx)
        if day is None:
            raise DayClosed("No business day is open.", field="date")
        if self.date is not None and self.date != day:
            raise DayClosed("The open business day is {open}, not {day}.", field="date", open=day, day=self.date)
        still_open = [ref for ref, drawer in desk.every(records.Drawer) if drawer.state == "open"]
        if still_open:
            raise WrongState(
                "Drawer {drawers} is still open.", field="date", drawers=", ".join(still_open),
                hint="Count and close it first (close-drawer).",
            )  # fmt: skip
        groups.require_finished(desk, "date")
        loans = _still_right(desk, day) or summary(desk, day, desk.currency, non_accrual_days(desk))
        desk.period(day.isoformat(), periods.CLOSED)
        last = head(desk.tx)
        entries = desk.tx.value("SELECT count(*) FROM entry WHERE effective_on = ?", day.isoformat())
        cash = {
            f"{leaf.gl_code}/{leaf.contract}": leaf.balance
            for gl in ("731", "735", "739")
            for leaf in desk.leaves(gl, POOL)
            if leaf.balance
        }
        desk.write(
            day.isoformat(),
            records.DayClose(
                entries=int(entries), head_number=last.number, head_hash=last.short, cash=cash,
                loans=loans.as_document(),
            ),
        )  # fmt: skip
        desk.note("Closed", day.isoformat())
        _propose(desk, loans.proposed)
        desk.note("Entries", str(entries))
        desk.note("Head of the chain", f"{last.number} {last.short}")
        desk.wishes.append(f"day-report {day.isoformat()}")


def _still_right(desk: Desk, day: date) -> Summary | None:
    """What was reckoned before the book was locked, unless something was told of a loan since."""
    ahead = desk.reckoned
    if not isinstance(ahead, _Reckoned) or ahead.day != day:
        return None
    kinds = (records.Loan.kind, records.LoanTerms.kind, records.LoanEvent.kind, records.Policy.kind)
    return None if desk.written_since(ahead.head, *kinds) else ahead.loans


def _propose(desk: Desk, loans: list[str]) -> None:
    """On the receipt: loans so late that their interest should be income no more. The bank decides."""
    title = translate(CATALOGUE["stop-accrual"].title)
    for loan in loans[:MOST_PROPOSED]:
        desk.note("Propose", f"{loan}: {title}")
    if len(loans) > MOST_PROPOSED:
        desk.note("Proposed besides", str(len(loans) - MOST_PROPOSED))
