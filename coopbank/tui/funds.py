"""What the screens of funds show, read in one view of the books and made into rows.

Every figure is that of the reports (reports/glance.py, forecast.py, ladder.py); nothing is reckoned here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from coopbank.reports.dates import month_name
from coopbank.reports.forecast import Expected, Forecast, forecast
from coopbank.reports.glance import WHOLE, Glance, Glances, Measure, glance
from coopbank.reports.ladder import Ladder, Rung, YearDue, ladder
from coopbank.tui.pages import Act, Line, Page
from coopbank.tui.show import amount, day_row, day_words
from coopbank.tui.widgets.bars import bar
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.bank.bank import Bank
    from coopbank.tui.session import Session

BAR: Final = 24  # cells
MONTHS: Final = 24

KINDS: Final = {
    "schedule": marked("loans by their schedules"), "late": marked("what is late"),
    "reports": marked("loans by reports"), "promised": marked("promised to borrowers"),
    "notes": marked("notes, and loans between funds"), "bills": marked("bills"), "budget": marked("the budget"),
}  # fmt: skip
LINES: Final = {"both": "", "hopeful": marked("hopeful only"), "cautious": marked("cautious only")}


# ----------------------------------------------------------------------------------- all funds


def funds_page(session: Session, as_of: date | None) -> Page:
    """Every fund, and what falls due of all of them."""

    def read(bank: Bank) -> tuple[Glances, Ladder, date]:
        with bank.read() as books:
            found, due = glance(books, WHOLE, as_of, at_close=True), ladder(books, as_of)
            return found, due, books.business_date() or bank.clock.today()

    found, due, today = session.read_at_length(read)
    money = session.currency
    whole = found.funds[-1]
    sums = _("Capital {capital}, lent {lent}, promised {promised}, available {available}").format(
        capital=amount(whole.capital, money), lent=amount(whole.lent, money), promised=amount(whole.committed, money),
        available=amount(whole.available, money),
    )  # fmt: skip
    return Page(
        head=_("Funds on {day}").format(day=day_words(found.as_of)), sums=(sums,), today=today,
        views={
            "funds": [_fund_line(each, found, money) for each in found.funds],
            "due": list(due_lines(due, money, None)), "years": list(year_lines(due, money)),
        },
    )  # fmt: skip


def _fund_line(each: Glance, found: Glances, money: str) -> Line:
    def short(code: str) -> str:
        return next((m.value or _("n/a") for m in each.measures if m.code == code), _("n/a"))

    figures = (each.capital, each.lent, each.committed, each.available)
    title = each.name if each.code == WHOLE else f"{each.code}  {translate(each.name)}"
    return Line(
        ("" if each.code == WHOLE else each.code, translate(each.name), *(amount(figure, money) for figure in figures),
         *(short(code) for code in ("utilisation", "par30", "par90", "revolve"))),
        (title, _drawn(each), *_told(each, found, money)),
        None if each.code == WHOLE else each.code,
    )  # fmt: skip


def _drawn(each: Glance) -> str:
    whole = each.lent + max(each.cash, each.committed, 0)
    return bar((each.lent, each.committed, max(each.available, 0)), whole, 2 * BAR)


def _told(each: Glance, found: Glances, money: str) -> Iterator[str]:
    yield _("Ever lent {lent} in {count} loans; {now} are owed now, the allowance is {allowance}.").format(
        lent=amount(each.lent_ever, money), count=each.loans_ever, now=each.loans,
        allowance=amount(each.allowance, money),
    )  # fmt: skip
    yield _("Lost on loans {lost}, got back {back}; since {day} {lost_now} and {back_now}.").format(
        lost=amount(each.ever.charged_off + each.ever.written_down, money), back=amount(each.ever.recovered, money),
        lost_now=amount(each.year.charged_off + each.year.written_down, money),
        back_now=amount(each.year.recovered, money), day=day_row(found.year_from),
    )  # fmt: skip
    if found.risk_on is not None and found.risk_on != found.as_of:
        yield _("How late loans are is that of the close of {day}.").format(day=day_row(found.risk_on))


# ------------------------------------------------------------------------------------ one fund


@dataclass(frozen=True, slots=True)
class Month:
    """What Enter on a month shows: each payment that is expected in it."""

    title: str
    lines: tuple[Line, ...]


def fund_page(session: Session, code: str, as_of: date | None) -> Page:
    """One fund: its ratios, where its money came from, its cash for months to come, what falls due."""

    def read(bank: Bank) -> tuple[Glances, Forecast, Ladder, date]:
        with bank.read() as books:
            found = glance(books, code, as_of, at_close=as_of is None)
            ahead, due = forecast(books, code, as_of, MONTHS), ladder(books, as_of)
            return found, ahead, due, books.business_date() or bank.clock.today()

    found, ahead, due, today = session.read_at_length(read)
    (seen,) = found.funds
    money = session.currency
    sums = _(
        "Capital {capital} · lent {lent} · promised {promised} · can be lent at once: {cautious} to {hopeful}"
    ).format(
        capital=amount(seen.capital, money), lent=amount(seen.lent, money), promised=amount(seen.committed, money),
        cautious=amount(ahead.lendable[0], money), hopeful=amount(ahead.lendable[1], money),
    )  # fmt: skip
    head = _("{fund} on {day}").format(fund=f"{seen.code}  {translate(seen.name)}", day=day_words(found.as_of))
    return Page(
        head=head, sums=(sums,), today=today,
        views={
            "ratios": [_ratio_line(each, money) for each in seen.measures],
            "sources": list(_source_lines(seen, found, money)), "ahead": list(ahead_lines(ahead, money)),
            "due": list(due_lines(due, money, code)),
        },
    )  # fmt: skip


def _ratio_line(each: Measure, money: str) -> Line:
    parts = (amount(each.numerator, money), amount(each.denominator, money))
    if each.value is None:
        return Line((each.name, each.text, "", ""), (each.name, each.why), faint=True)
    made = _("{part} / {whole} = {value}").format(part=parts[0], whole=parts[1], value=each.text)
    return Line((each.name, each.text, *parts), (each.name, made))


def _source_lines(seen: Glance, found: Glances, money: str) -> Iterator[Line]:
    for part in seen.sources:
        drawn = bar((max(part.amount, 0),), max(seen.capital, 1), BAR)
        yield Line((part.name, amount(part.amount, money), drawn), (part.name, amount(part.amount, money)))
    told = (_("Capital base"), *_told(seen, found, money))
    yield Line((_("Capital base"), amount(seen.capital, money), ""), told)


def ahead_lines(ahead: Forecast, money: str) -> Iterator[Line]:
    """A month each: what is there at its end in both lines, drawn; Enter shows what makes it up."""
    most = max((abs(end) for each in ahead.months for end in (each.cautious_end, each.hopeful_end)), default=0)
    for each in ahead.months:
        name = month_name(each.first)
        cautious, hopeful = each.cautious_end, each.hopeful_end
        low = min(cautious, each.cautious_lowest)
        drawn = bar((max(cautious, 0), max(hopeful - max(cautious, 0), 0)), most, BAR)
        lowest = _("The least on any day: cautious {cautious}, hopeful {hopeful}.").format(
            cautious=amount(each.cautious_lowest, money), hopeful=amount(each.hopeful_lowest, money)
        )
        expected = [one for one in ahead.expected if each.first <= one.on <= each.last]
        yield Line(
            (name, amount(cautious, money), amount(hopeful, money), f"! {drawn}" if low < 0 else f"  {drawn}"),
            (name, lowest, *_by_kind(each.cautious, each.hopeful, money), *ahead.notes),
            Month(name, tuple(_expected_line(one, money) for one in expected)),
        )  # fmt: skip


def _by_kind(cautious: dict[str, int], hopeful: dict[str, int], money: str) -> Iterator[str]:
    for kind in (each for each in KINDS if each in cautious or each in hopeful):
        both = amount(cautious.get(kind, 0), money), amount(hopeful.get(kind, 0), money)
        shown = both[0] if both[0] == both[1] else _("{cautious}, hopeful {hopeful}").format(
            cautious=both[0], hopeful=both[1]
        )  # fmt: skip
        yield f"{translate(KINDS[kind])}: {shown}"


def _expected_line(each: Expected, money: str) -> Line:
    opens = ("loan", each.about) if each.kind in ("schedule", "late", "reports", "promised") else None
    line = LINES[each.line]
    return Line(
        (day_row(each.on), translate(KINDS[each.kind]), each.about, amount(each.amount, money),
         translate(line) if line else ""),
        opens=opens,
    )  # fmt: skip


def lendable_words(ahead: Forecast, money: str) -> str:
    """From when on an amount can be lent, in a sentence."""
    assert ahead.lend is not None
    never = _("not in these {months} months").format(months=len(ahead.months))
    cautious, hopeful = (
        never if on is None else _("at once") if on == ahead.as_of else _("from {day} on").format(day=day_row(on))
        for on in (ahead.lend.cautious, ahead.lend.hopeful)
    )
    return _("{fund} can lend {amount}: cautious, {cautious}; hopeful, {hopeful}.").format(
        fund=ahead.fund, amount=amount(ahead.lend.amount, money), cautious=cautious, hopeful=hopeful
    )


# ------------------------------------------------------------------------------- what falls due


def due_lines(due: Ladder, money: str, fund: str | None) -> Iterator[Line]:
    """What falls due when, of a fund or of all of them."""
    for rung in due.rungs:
        if fund in (None, rung.fund):
            yield _rung_line(rung, money)


def _rung_line(rung: Rung, money: str) -> Line:
    of_note = rung.kind == "note"
    said = (
        _("Note {ref} of class {note_class}, at {rate} percent").format(
            ref=rung.ref, note_class=rung.owed_to, rate=rung.annual_rate
        )
        if of_note
        else _("{ref}: fund {fund} owes fund {other}").format(ref=rung.ref, fund=rung.fund, other=rung.owed_to)
    )
    late = [_("It is overdue.")] if rung.overdue else []
    return Line(
        (day_row(rung.due_on), rung.ref, rung.fund, rung.owed_to, "" if rung.rank is None else str(rung.rank),
         amount(rung.principal, money), amount(rung.interest, money), _("overdue") if rung.overdue else ""),
        (said, *late), ("account", rung.fund, f"811/{rung.ref}") if of_note else None,
        (Act("repay-note", {"note": rung.ref}) if of_note else Act("repay-fund", {"fund_loan": rung.ref}),),
    )  # fmt: skip


def year_lines(due: Ladder, money: str) -> Iterator[Line]:
    """What falls due in each year, and with all before."""
    for each in due.years:
        yield _year_line(each, due.principal, money)


def _year_line(each: YearDue, whole: int, money: str) -> Line:
    drawn = bar((each.principal,), whole, BAR)
    cells = (str(each.year), str(each.count), amount(each.principal, money), amount(each.cumulative, money), drawn)
    said = _("{amount} falls due; with all before it {cumulative} of {whole}.").format(
        amount=cells[2], cumulative=cells[3], whole=amount(whole, money)
    )
    return Line(cells, (cells[0], said))


def when(session: Session, code: str, lend: int, as_of: date | None) -> str:
    """The answer to "when can we lend this much?"."""

    def read(bank: Bank) -> str:
        with bank.read() as books:
            return lendable_words(forecast(books, code, as_of, MONTHS, lend), session.currency)

    return session.read_at_length(read)
