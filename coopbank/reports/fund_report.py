"""A fund's report: at one look, and its cash for 24 months to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from coopbank.bank.books import Books
from coopbank.errors import InvalidValue
from coopbank.ledger.chart import POOL
from coopbank.reports.document import Source
from coopbank.reports.forecast import Forecast, forecast
from coopbank.reports.glance import Glance, glance
from coopbank.reports.totals import Backdated, require_fund


@dataclass(frozen=True, slots=True)
class FundReport:
    """Where a fund stands, and what it will have to lend."""

    source: Source
    as_of: date
    year_from: date
    glance: Glance
    ahead: Forecast
    changed_since: Backdated | None  # anything in the books, of this fund or not


def fund_report(books: Books, code: str, as_of: date) -> FundReport:
    """The report of one fund on a day."""
    require_fund(books.tx, code)
    if code == POOL:
        raise InvalidValue(
            "POOL holds everybody's money and owns nothing.", field="fund", hint="Name the fund whose money it is."
        )
    seen = glance(books, code, as_of)
    return FundReport(seen.source, as_of, seen.year_from, seen.funds[0], forecast(books, code, as_of), seen.backdated)
