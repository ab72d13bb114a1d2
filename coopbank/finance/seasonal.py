"""Repayment by season: loan terms whose payments fall due in given months only, as after a harvest.

`schedule.schedule` draws them up like any other terms. A loan-terms document that names
`months` is of this kind; `read_terms` reads either.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from itertools import count, pairwise
from typing import Annotated, Any

from pydantic import Field

from coopbank.errors import InvalidDate, InvalidTerms
from coopbank.finance.documents import Every, loaded, read
from coopbank.finance.periods import MONTH, add_months
from coopbank.finance.terms import LoanTerms

__all__ = ["SeasonalTerms", "read_terms"]


class SeasonalTerms(LoanTerms):
    """Loan terms whose rows are due in given months only: `{"months": [9, 10, 11]}` for a harvest in autumn.

    The day is that of `first_due`, or of the first disbursement: a shorter month ends early.
    The rows are not evenly spaced, so that each is charged for the time that it really has.
    """

    every: Every = Every(months=1)
    months: Annotated[tuple[Annotated[int, Field(strict=True, ge=1, le=12)], ...], Field(min_length=1, max_length=12)]

    def due_dates(self) -> list[dt.date]:
        """The due dates of all rows, each in one of the months; `InvalidTerms` beyond the calendar."""
        self._check_season()
        seed = self.first_due or self.first_disbursed
        found: list[dt.date] = []
        try:
            for step in count(0 if self.first_due else 1):
                day = add_months(seed, step)
                if day.month in self.months:
                    found.append(day)
                if len(found) == self.rows:
                    return found
        except InvalidDate:
            pass
        raise InvalidTerms(
            "The last row would be due after the year {year}.",
            field="installments",
            hint="Fewer rows, or more months.",
            year=dt.MAXYEAR,
        )

    def row_periods(self) -> list[int]:
        """How many months each row is long."""
        first = self.first_disbursed
        numbers = [12 * day.year + day.month for day in (first, *self.due_dates())]
        return [other - one for one, other in pairwise(numbers)]

    def _check_season(self) -> None:
        """What the months leave no room for; asked whenever the due dates are."""
        if len(set(self.months)) < len(self.months):
            raise InvalidTerms("A month is named twice.", field="months", hint="Name each month once.")
        if self.every.period != MONTH:
            raise InvalidTerms("Months of the year are a month apart.", field="every", hint="Leave it out.")
        if self.month_end != "clamp":
            raise InvalidTerms(
                "A due date cannot leave its month.", field="month_end", hint="Leave it out, or write clamp."
            )
        if self.first_due is not None and self.first_due.month not in self.months:
            raise InvalidTerms(
                "The first due date {day} is in none of the months.",
                field="first_due",
                hint="Choose a day in one of the months {months}.",
                day=self.first_due.isoformat(),
                months=", ".join(map(str, sorted(self.months))),
            )
        if self.first_due is not None and self.first_due <= self.first_disbursed:
            raise InvalidTerms(
                "The first due date {first} is not after the first disbursement of {start}.",
                field="first_due",
                hint="Choose a date after {start}.",
                first=self.first_due.isoformat(),
                start=self.first_disbursed.isoformat(),
            )


def read_terms(document: Mapping[str, Any] | str | bytes) -> LoanTerms:
    """The loan terms of a document, seasonal where it names `months`; `InvalidTerms` naming the field at fault."""
    content = loaded(document)
    if not isinstance(content, Mapping):
        return read(LoanTerms, document)  # refuses it
    return read(SeasonalTerms if "months" in content else LoanTerms, content)
