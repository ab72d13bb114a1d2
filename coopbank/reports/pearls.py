"""PEARLS: the ratios that the World Council of Credit Unions watches, each with its parts and its goal.

Source: WOCCU, PEARLS Monitoring System, with the goals that it prints. A ratio that does not fit this institution has
no value and says why: who takes no deposits is not measured by them. Nothing here says that anybody complies with
anything. Lateness counts days, twelve months as 365.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.operation import CREDIT_UNION
from coopbank.finance.periods import add_months
from coopbank.ledger.chart import POOL
from coopbank.money import format_amount, round_ratio
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.financial import closing_movements
from coopbank.reports.glance import WHOLE, glance
from coopbank.reports.portfolio import portfolio
from coopbank.reports.totals import Backdated, backdated, movements
from coopbank.words import _

_YEAR_LATE: Final = 365
_MONTH_LATE: Final = 30
_SHARE_1_TO_12: Final = 35  # percent of what is late for one to twelve months that P2 asks for
_BETWEEN: Final = frozenset({"728", "729", "878", "879"})  # the institution's dealings with itself
_NON_EARNING: Final = ("735", "739", "751", "759", "771", "772", "779", "784", "791")
_CAPITAL: Final = ("931", "932", "940", "945", "946", "950", "961", "960", "990")
_LOAN_INCOME: Final = ("111", "116", "117", "119", "131", "132")
_FINANCIAL_COST: Final = ("301", "341", "381", "385", "386", "366")


@dataclass(frozen=True, slots=True)
class Pearl:
    """A ratio in percent with two decimals; `why` says why there is none."""

    code: str
    name: str
    goal: str
    numerator: Minor
    denominator: Minor
    value: str | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Pearls:
    """All of them on a day; flows are those of the twelve months before."""

    source: Source
    as_of: date
    year_from: date
    ratios: tuple[Pearl, ...]
    backdated: Backdated | None


def pearls(books: Books, as_of: date | None = None) -> Pearls:
    """The ratios of the whole institution at the end of a day."""
    origin = source(books)
    day = as_of or origin.business_date or date.max
    start = add_months(day, -12)
    seen = _Books(books, day, start)
    takes_deposits = origin.institution_kind == CREDIT_UNION
    ratios = tuple(_ratios(seen, takes_deposits=takes_deposits))
    return Pearls(origin, day, start + timedelta(days=1), ratios, backdated(books, as_of))


class _Books:
    """What the ratios are made of."""

    def __init__(self, books: Books, day: date, start: date) -> None:
        self.kinds: dict[str, str] = dict(books.tx.rows("SELECT code, kind FROM gl_account"))
        self.end, self.start = _nets(books, day), _nets(books, start)
        closed_end, closed_start = _closed(books, day), _closed(books, start)
        self.year = {
            code: self.end[code] - closed_end[code] - self.start[code] + closed_start[code]
            for code, kind in self.kinds.items()
            if kind in ("income", "expense")
        }
        loans = [loan for loan in portfolio(books, day).loans if loan.state == "active"]
        self.late_year = sum(loan.carried for loan in loans if loan.days_late > _YEAR_LATE)
        self.late_month = sum(loan.carried for loan in loans if loan.days_late > _MONTH_LATE)
        self.whole = glance(books, WHOLE, day).funds[-1]
        members = [body for _ref, body in books.every(records.Member)]
        self.joined = sum(start.isoformat() < body.joined_on <= day.isoformat() for body in members)
        self.members_before = sum(body.joined_on <= start.isoformat() for body in members)

    def sum(self, *codes: str, at_start: bool = False) -> int:
        """Debit +."""
        nets = self.start if at_start else self.end
        return sum(nets[code] for code in codes)

    def assets(self, *, at_start: bool = False) -> int:
        """All that is owned, less the allowance and what is written off."""
        nets = self.start if at_start else self.end
        return sum(net for code, net in nets.items() if self.kinds.get(code) == "asset" and code not in _BETWEEN)

    def capital(self) -> int:
        """Institutional capital: reserves, earnings, and the result not closed yet."""
        result = sum(net for code, net in self.end.items() if self.kinds.get(code) in ("income", "expense"))
        return -self.sum(*_CAPITAL) - result

    def mean(self, of: Callable[..., int]) -> int:
        """Of the year's two ends."""
        return round_ratio(of() + of(at_start=True), 2)

    def costs(self, *, financial: bool) -> int:
        """Expense of the year."""
        return sum(
            net
            for code, net in self.year.items()
            if self.kinds[code] == "expense" and (code in _FINANCIAL_COST) == financial
        )


def _nets(books: Books, day: date) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for (code, fund, _currency), (debit, credit) in movements(books.tx, None, day).items():
        if fund != POOL or code not in _BETWEEN:
            found[code] += debit - credit
    return found


def _closed(books: Books, day: date) -> Mapping[str, int]:
    found: dict[str, int] = defaultdict(int)
    for (code, _fund), net in closing_movements(books.tx, date.min, day).items():
        found[code] += net
    return found


def _ratios(at: _Books, *, takes_deposits: bool) -> list[Pearl]:
    no_deposits = "" if takes_deposits else _("It takes no deposits.")
    gross, allowance = at.sum("701", "702"), -at.sum("719")
    needed_year, needed_month = at.late_year, round_ratio((at.late_month - at.late_year) * _SHARE_1_TO_12, 100)
    assets, savings, shares = at.assets(), -at.sum("905"), -at.sum("901", "903")
    other_owed = -sum(n for c, n in at.end.items() if at.kinds.get(c) == "liability" and c not in {"905", *_BETWEEN})
    non_earning, result = at.sum(*_NON_EARNING), -sum(at.year.values())
    mean_assets = at.mean(at.assets)
    net_loans = round_ratio(gross - allowance + at.sum("701", "702", "719", at_start=True), 2)
    loss_income = -sum(at.year[code] for code in _LOAN_INCOME)
    liquid = at.sum("731", "735", "739", "741") - -at.sum("801", "821", "823", "825")
    net_worth = assets + allowance - needed_year - needed_month - other_owed
    return [
        _pearl("P1", _("Allowance, of loans over 12 months late"), "100 %", allowance, at.late_year),
        _pearl("P2", _("Allowance left, of 35 % of loans 1 to 12 months late"), "100 %",
               max(0, allowance - needed_year), needed_month),
        _pearl("P4", _("Charged off in the year, of loans on average"), _("as low as can be"),
               at.whole.year.charged_off, net_loans),
        _pearl("P5", _("Recovered, of all ever charged off"), "> 75 %", at.whole.ever.recovered,
               at.whole.ever.charged_off),
        _pearl("P6", _("Solvency: net worth, of shares and deposits"), ">= 111 %", net_worth, savings + shares,
               no_deposits),
        _pearl("E1", _("Net loans, of assets"), "70-80 %", gross - allowance, assets),
        _pearl("E5", _("Deposits, of assets"), "70-80 %", savings, assets, no_deposits),
        _pearl("E6", _("Borrowed, of assets"), "0-5 %", -at.sum("811", "812"), assets,
               "" if takes_deposits else _("It lends on what lenders give it on notes.")),
        _pearl("E7", _("Members' shares, of assets"), "<= 20 %", shares, assets, no_deposits),
        _pearl("E8", _("Institutional capital, of assets"), ">= 10 %", at.capital(), assets),
        _pearl("A1", _("Over 30 days late, of loans"), "<= 5 %", at.late_month, gross),
        _pearl("A2", _("Assets that earn nothing, of assets"), "<= 5 %", non_earning, assets),
        _pearl("A3", _("Capital and other funds without cost, of assets that earn nothing"), ">= 200 %",
               at.capital() - at.sum("801", "865"), non_earning),
        _pearl("R1", _("Income of loans, of net loans on average"), _("what lending costs"), loss_income, net_loans),
        _pearl("R5", _("Cost of deposits, of deposits on average"), _("above inflation"), at.year["385"],
               round_ratio(savings - at.sum("905", at_start=True), 2), no_deposits),
        _pearl("R9", _("Running costs, of assets on average"), "<= 5 %", at.costs(financial=False), mean_assets),
        _pearl("R10", _("Provision, of assets on average"), _("enough for P1 and P2"), at.year["301"], mean_assets),
        _pearl("R12", _("Result, of assets on average"), _("enough for E8"), result, mean_assets),
        _pearl("L1", _("Liquid assets less short debts, of deposits"), ">= 15 %", liquid, savings, no_deposits),
        _pearl("S1", _("Growth of loans"), "", gross - at.sum("701", "702", at_start=True),
               at.sum("701", "702", at_start=True)),
        _pearl("S11", _("Growth of assets"), _("above inflation"), assets - at.assets(at_start=True),
               at.assets(at_start=True)),
        _pearl("S10", _("Members who joined, of those before (people, not money)"), ">= 15 %", at.joined * 100,
               at.members_before * 100),
    ]  # fmt: skip


def _pearl(code: str, name: str, goal: str, part: int, whole: int, unfit: str = "") -> Pearl:
    if unfit or whole <= 0:
        return Pearl(code, name, goal, part, whole, None, unfit or _("There is nothing to compare with."))
    return Pearl(code, name, goal, part, whole, format_amount(round_ratio(part * 10_000, whole)))
