"""When entries were made: weekends, nights, and dates that are not those of the day on which they were made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final

from coopbank.bank import records
from coopbank.bank.books import loads
from coopbank.reports.audit.frame import CLOSES, DATED, FOR_EVERYBODY, MADE, AuditTest, Hunt, Row
from coopbank.reports.dates import weekday
from coopbank.words import _, marked

NIGHT_FROM, NIGHT_TO = 22, 6
"""The night begins at ten in the evening and ends at six."""
_SATURDAY: Final = 5
_LEFT_OPEN: Final = 2
"""Days by which the book's day may lag behind the clock: somebody who works past midnight is one behind."""

_CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""What the clocks of two tills may differ by, and how long an operation may wait for another's."""


def weekends(hunt: Hunt) -> Iterator[Row]:
    """Operations with entries that were made on a Saturday or Sunday, or are dated on one."""
    for number, day, actor, kind, moment in _made(hunt):
        dated = date.fromisoformat(day)
        if moment.weekday() >= _SATURDAY:
            yield _row(_("made on a {weekday}").format(weekday=_clock(moment)), number, day, actor, kind)
        elif dated.weekday() >= _SATURDAY:
            yield _row(_("dated on a {weekday}").format(weekday=weekday(dated)), number, day, actor, kind)


def nights(hunt: Hunt) -> Iterator[Row]:
    """Operations with entries that were made at night."""
    for number, day, actor, kind, moment in _made(hunt):
        if moment.hour >= NIGHT_FROM or moment.hour < NIGHT_TO:
            yield _row(_("made on a {weekday}").format(weekday=_clock(moment)), number, day, actor, kind)


def _made(hunt: Hunt) -> Iterator[tuple[int, str, str, str, datetime]]:
    """Operations with entries: number, business date, actor, kind, and when the bank's clock said they were made."""
    for number, day, actor, kind, at in hunt.stream(
        f"SELECT o.id, o.business_date, o.actor, o.kind, o.at FROM operation o WHERE o.entry_count > 0 AND {MADE}"
        " ORDER BY o.id",
        *hunt.days,
    ):
        hunt.looked_at += 1
        yield number, day, actor, kind, hunt.local(at)


def _row(said: str, number: int, day: str, actor: str, kind: str) -> Row:
    return Row(said, operation=number, on=day, who=actor, memo=kind)


def _clock(moment: datetime) -> str:
    return f"{weekday(moment.date())}, {moment:%H:%M}"


def post_dated(hunt: Hunt) -> Iterator[Row]:
    """Entries dated later than the day on which they were made."""
    hunt.count_entries()
    # Only what is dated on the instant's day of Greenwich or later can be: the bank's day is at most one off it.
    for entry, operation, day, actor, memo, at, _kind, _business in _entries(
        hunt, "e.effective_on >= substr(o.at, 1, 10)"
    ):
        ahead = (date.fromisoformat(day) - hunt.local(at).date()).days
        if ahead > 0:
            yield Row(_("made {days} days before").format(days=ahead), entry, operation, day, actor, memo=memo)


def back_dated(hunt: Hunt) -> Iterator[Row]:
    """Entries dated before the business day on which they were made, or made on a day that was left open.

    Those that a month's close, or a quarter's interest on savings, dates on its last day are by rule, and are left out.
    """
    hunt.count_entries()
    condition = "(e.effective_on < o.business_date OR o.business_date < substr(o.at, 1, 10))"
    for entry, operation, day, actor, memo, at, kind, business in _entries(hunt, condition):
        back = (date.fromisoformat(business) - date.fromisoformat(day)).days
        open_since = (hunt.local(at).date() - date.fromisoformat(business)).days
        if back and kind not in CLOSES:
            yield Row(_("dated {days} days back").format(days=back), entry, operation, day, actor, memo=memo)
        elif open_since >= _LEFT_OPEN:
            said = _("made {days} days later, on a day that was left open").format(days=open_since)
            yield Row(said, entry, operation, day, actor, memo=memo)


def clocks(hunt: Hunt) -> Iterator[Row]:
    """Operations whose instant lies before that of the operation before them by more than clocks differ."""
    for number, day, actor, kind, at, before in hunt.stream(
        "SELECT o.id, o.business_date, o.actor, o.kind, o.at, b.at FROM operation o JOIN operation b ON b.id = o.id - 1"
        f" WHERE {MADE} ORDER BY o.id",
        *hunt.days,
    ):
        hunt.looked_at += 1
        if at < before:
            back = datetime.fromisoformat(before) - datetime.fromisoformat(at)
            if back > _CLOCKS_DIFFER:
                said = _("the clock went back {minutes} minutes").format(minutes=int(back.total_seconds()) // 60)
                yield _row(said, number, day, actor, kind)


def value_dated(hunt: Hunt) -> Iterator[Row]:
    """What counts on a loan from an earlier day than the one on which it was booked: interest runs from that day."""
    for loan, text, operation, kind, actor, business in hunt.stream(
        "SELECT r.about, r.body, o.id, o.kind, o.actor, o.business_date FROM record r CROSS JOIN operation o"
        f" WHERE r.kind = ? AND r.version = 1 AND o.id = r.operation_id AND {MADE} ORDER BY o.id",
        records.LoanEvent.kind, *hunt.days,
    ):  # fmt: skip
        hunt.looked_at += 1
        counts = loads(text)["on"]
        back = (date.fromisoformat(business) - date.fromisoformat(counts)).days
        if back > 0 and kind not in FOR_EVERYBODY:
            said = _("counts from {days} days before").format(days=back)
            yield Row(said, operation=operation, on=counts, who=actor, account=loan or "", memo=kind)


def _entries(hunt: Hunt, condition: str) -> Iterator[tuple[Any, ...]]:
    return hunt.stream(
        "SELECT e.id, o.id, e.effective_on, o.actor, e.memo, o.at, o.kind, o.business_date"
        f" FROM entry e CROSS JOIN operation o WHERE o.id = e.operation_id AND {condition} AND {DATED} ORDER BY e.id",
        *hunt.days,
    )


TESTS = (
    AuditTest(
        "clocks", marked("Clocks that went back"),
        marked("A clock that is set back gives what is done now the hour of something else."),
        marked("operations"), clocks,
    ),
    AuditTest(
        "weekends", marked("Weekends"), marked("What is done when nobody else is there deserves a look."),
        marked("operations"), weekends,
    ),
    AuditTest(
        "nights", marked("Nights"), marked("Between 22:00 and 6:00 by the bank's clock hardly anybody serves members."),
        marked("operations"), nights,
    ),
    AuditTest(
        "post-dated", marked("Post-dated"), marked("An entry dated ahead stands in a period before it happened."),
        marked("entries"), post_dated,
    ),
    AuditTest(
        "back-dated", marked("Back-dated"), marked("An entry dated back changes what was reported of that day before."),
        marked("entries"), back_dated,
    ),
    AuditTest(
        "value-dated", marked("Value-dated"),
        marked("A payment that counts from an earlier day saves interest; a payout that does costs it."),
        marked("events of loans"), value_dated,
    ),
)  # fmt: skip
