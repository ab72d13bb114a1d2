"""What is due on a loan, in one line for the counter and in sentences for paper."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from coopbank.money import format_amount
from coopbank.reports.dates import distance, due, long_date, period
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.bank.lending.position import Position
    from coopbank.finance.reported import ReportedPeriod

_BY_REPORTS: Final = ("surplus", "revenue")


def due_words(at: Position, currency: str) -> str:
    """`540.00 due in 3 days, April 2, 2026`, `540.00 due, 12 days late, since March 1, 2026`, `not paid out yet`."""
    if at.state == "granted":
        return _("not paid out yet")
    if at.state == "charged-off":
        return _("charged off, still owed")
    amount = format_amount(at.due_now or at.next_amount, currency, grouping=True)
    if at.due_now and at.due_since is not None:
        if at.days_late:
            return _("{amount} due, {late}").format(amount=amount, late=due(at.due_since, at.as_of))
        if at.due_since > at.as_of:  # a report made it due, and there is time to pay it
            return _due_on(amount, at.due_since, at.as_of)
        return _("{amount} due today").format(amount=amount)
    if at.loan.repayment in _BY_REPORTS and at.state == "active":
        return " ".join(report_words(at))
    return _("nothing due") if at.next_due is None else _due_on(amount, at.next_due, at.as_of)


def _due_on(amount: str, day: date, today: date) -> str:
    return _("{amount} due {when}, {date}").format(amount=amount, when=distance(day, today), date=long_date(day))


def report_words(at: Position) -> tuple[str, ...]:
    """Of a loan repaid by reports: why nothing is due, and which report is asked for next; nothing for other loans."""
    if at.loan.repayment not in _BY_REPORTS or at.state != "active":
        return ()
    found = [_why_nothing(at)] if not at.due_now else []
    waiting = next((row for row in at.periods if row.report in ("filed", "overdue", "awaited")), None)
    if waiting is not None:
        found.append(_asked(waiting))
    elif at.periods and at.periods[-1].report == "running":
        found.append(_asked(at.periods[-1]))
    return tuple(found)


def _why_nothing(at: Position) -> str:
    accepted = [row for row in at.periods if row.report == "accepted"]
    if not accepted:
        return _("Nothing is due: no report is accepted yet.")
    if accepted[-1].ceiling:
        return _("Nothing is due: what the reports asked for is paid.")
    if at.loan.repayment == "surplus":
        return _("Nothing is due: no surplus was reported.")
    return _("Nothing is due: no revenue was reported.")


def _asked(row: ReportedPeriod) -> str:
    """What is to be said of the report of a period that is not accepted."""
    span, day = period_name(row), long_date(row.report_due)
    if row.report == "filed":
        return _("The report for {period} waits to be accepted.").format(period=span)
    if row.report == "overdue":
        return _("Report for {period} was due by {date} and is {days} days late.").format(
            period=span, date=day, days=row.days_overdue
        )
    return _("Report for {period} is due by {date}.").format(period=span, date=day)


def period_name(row: ReportedPeriod) -> str:
    """`2026`, or the first and last day of a period that is no calendar year."""
    return period(row.start, row.end - timedelta(days=1))


def absorber_words(absorber: str) -> str:
    """Who bears a loss, as bank/waterfall.py names it, in words."""
    kind, _colon, of = absorber.partition(":")
    names = {
        "allowance": _("allowance"), "reserve": _("reserve {of}"), "surplus": _("surplus of {of}"),
        "notes": _("notes of class {of}"), "shares": _("shares {of}"), "fund": _("the fund itself"),
    }  # fmt: skip
    return names[kind].format(of=of)
