"""The loan-terms document: what a schedule is drawn up from.

The fields and their meaning are those of the contract of `coopbank schedule`.
The model keeps amounts and rates as the exact decimals that were written, so
that terms can be frozen into a contract, stored, and read back unchanged; the
arithmetic turns them into minor units and ratios.

What one field alone shows to be wrong is refused where it stands; what only two
fields together show is refused here, with the field that would be changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from coopbank.errors import InvalidTerms, InvalidValue
from coopbank.finance.daycount import DayCount
from coopbank.finance.documents import (
    Amount,
    Count,
    Day,
    Document,
    Every,
    Fault,
    Percent,
    Rate,
    minor_units,
    read,
)
from coopbank.finance.periods import MOST_ROWS, MonthEnd, due_dates
from coopbank.money import currency

Method = Literal["level", "equal-principal", "flat"]

_MOST_EVENTS: Final = 100
_Rows = Annotated[int, Field(strict=True, ge=0, le=MOST_ROWS)]


class Disbursement(Document):
    """Money paid out to the borrower on a day."""

    date: Day
    amount: Amount


class Fee(Document):
    """A fee on every row: a flat amount, or a percentage of a part of the row."""

    flat: Amount | None = None
    percent: Percent | None = None
    of: Literal["principal", "interest", "principal+interest"] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Fee:
        flat = self.flat is not None and self.percent is None and self.of is None
        part = self.flat is None and self.percent is not None and self.of is not None
        if not flat and not part:
            raise Fault(
                "A fee is a flat amount, or a percentage of something.",
                "Write {flat} or {percent}.",
                flat='{"flat": "10"}',
                percent='{"percent": "1", "of": "principal"}',
            )
        return self


class Change(Document):
    """A change from a day on: of the rate, or of the number of rows."""

    on: Day
    annual_rate: Rate | None = None
    extra_installments: Annotated[int, Field(strict=True, ge=1, le=MOST_ROWS)] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Change:
        if (self.annual_rate is None) == (self.extra_installments is None):
            raise Fault("A change is either of the annual_rate or of extra_installments.")
        return self


class LoanTerms(Document):
    """The terms of a loan; `LoanTerms.read` refuses bad ones with `InvalidTerms`."""

    disbursements: Annotated[tuple[Disbursement, ...], Field(min_length=1, max_length=_MOST_EVENTS)]
    annual_rate: Rate
    installments: Count
    every: Every
    first_due: Day | None = None
    month_end: MonthEnd = "clamp"
    method: Method = "level"
    day_count: DayCount = "actual/365"
    principal_grace: _Rows = 0
    interest_postponed: _Rows = 0
    interest_free: _Rows = 0
    principal_percent: Percent | None = None
    payment_multiple: Amount | None = None
    amount_multiple: Amount | None = None
    currency: str = "USD"
    down_payment_percent: Percent | None = None
    fees: Annotated[tuple[Fee, ...], Field(max_length=_MOST_EVENTS)] = ()
    changes: Annotated[tuple[Change, ...], Field(max_length=_MOST_EVENTS)] = ()
    residue: Literal["last", "even"] = "last"
    rounding: Literal["half-even", "half-up"] = "half-even"

    @classmethod
    def read(cls, document: Mapping[str, Any] | str | bytes) -> LoanTerms:
        """The terms of a document (JSON text or a mapping); `InvalidTerms` naming the field at fault."""
        return read(cls, document)

    def as_document(self) -> dict[str, Any]:
        """The document again, defaults included: what `read` reads back to equal terms."""
        return self.model_dump(mode="json", exclude_none=True)

    def minor(self, amount: Decimal, field: str) -> int:
        """An amount of these terms in minor units of their currency."""
        return minor_units(amount, self.currency, field)

    @property
    def unit_minor(self) -> int:
        """The smallest unit of every amount, in minor units."""
        return 1 if self.amount_multiple is None else self.minor(self.amount_multiple, "amount_multiple")

    @property
    def payment_unit_minor(self) -> int:
        """What a level payment is a multiple of, in minor units."""
        if self.payment_multiple is None:
            return self.unit_minor
        return self.minor(self.payment_multiple, "payment_multiple")

    @property
    def first_disbursed(self) -> dt.date:
        """The day on which the schedule starts."""
        return min(disbursement.date for disbursement in self.disbursements)

    @property
    def rows(self) -> int:
        """How many rows the schedule ends with, the down payment not counted."""
        return self.installments + sum(change.extra_installments or 0 for change in self.changes)

    def due_dates(self) -> list[dt.date]:
        """The due dates of all rows, the extra ones included; no day moved for holidays."""
        return due_dates(
            self.first_disbursed,
            self.every.period,
            self.rows,
            first_due=self.first_due,
            month_end=self.month_end,
        )

    def row_periods(self) -> list[int]:
        """How many periods each row is long, where periods are counted and not days."""
        return [1] * self.rows

    @model_validator(mode="after")
    def _agree(self) -> LoanTerms:
        """What only several fields together show; raises `InvalidTerms` with the field."""
        _check_currency(self.currency)
        _check_amounts(self)
        _check_rows(self)
        _check_method(self)
        _check_events(self)
        return self


def _check_currency(code: str) -> None:
    try:
        currency(code)
    except InvalidValue as refusal:
        raise InvalidTerms(refusal.template, field="currency", hint=refusal.hint_template, **refusal.values) from None


def _amounts(terms: LoanTerms) -> Iterator[tuple[str, Decimal]]:
    """Every amount that must be whole in the smallest unit, with its path."""
    for index, disbursement in enumerate(terms.disbursements):
        yield f"disbursements.{index}.amount", disbursement.amount
    for index, fee in enumerate(terms.fees):
        if fee.flat is not None:
            yield f"fees.{index}.flat", fee.flat
    if terms.payment_multiple is not None:
        yield "payment_multiple", terms.payment_multiple


def _check_amounts(terms: LoanTerms) -> None:
    unit = terms.unit_minor
    for path, amount in _amounts(terms):
        if terms.minor(amount, path) % unit:
            raise InvalidTerms(
                "{amount} is not a multiple of the smallest amount, {unit}.",
                field=path,
                amount=str(amount),
                unit=str(terms.amount_multiple),
            )


def _check_rows(terms: LoanTerms) -> None:
    if terms.rows > MOST_ROWS:
        raise InvalidTerms(
            "{rows} rows cannot be drawn up.",
            field="changes",
            hint="A schedule has 1 to {most} rows.",
            rows=terms.rows,
            most=MOST_ROWS,
        )
    for field, most in (
        ("principal_grace", terms.installments - 1),
        ("interest_postponed", terms.installments - 1),
        ("interest_free", terms.installments),
    ):
        if getattr(terms, field) > most:
            raise InvalidTerms(
                "{field_name} of {given} rows is too long for {rows} rows.",
                field=field,
                hint="At most {most} here.",
                field_name=field,
                given=getattr(terms, field),
                rows=terms.installments,
                most=most,
            )


def _check_method(terms: LoanTerms) -> None:
    if terms.payment_multiple is not None and terms.method == "equal-principal":
        raise InvalidTerms("Equal principal has no level payment to round.", field="payment_multiple")
    if terms.residue == "even" and terms.method != "level":
        raise InvalidTerms("Only a level payment can be evened out.", field="residue")
    if terms.down_payment_percent == 100:
        raise InvalidTerms("A down payment of everything leaves no loan.", field="down_payment_percent")
    if terms.principal_percent is None:
        return
    if terms.method != "equal-principal":
        raise InvalidTerms("A part of the principal per row needs equal-principal.", field="principal_percent")
    regular = terms.rows - terms.principal_grace - 1
    if terms.principal_percent * regular > 100:
        raise InvalidTerms(
            "{percent} % in each of {regular} rows before the last is more than the loan.",
            field="principal_percent",
            percent=str(terms.principal_percent),
            regular=regular,
        )


def _check_events(terms: LoanTerms) -> None:
    """Tranches and changes fall between the start and the last row as it then is."""
    due = terms.due_dates()
    last = terms.installments
    ordered = sorted(enumerate(terms.changes), key=lambda item: item[1].on)
    for index, change in ordered:
        _check_within(f"changes.{index}.on", change.on, terms.first_disbursed, due[last - 1])
        last += change.extra_installments or 0
    for (_, one), (index, other) in pairwise(ordered):
        if one.on == other.on and (one.annual_rate is None) == (other.annual_rate is None):
            raise InvalidTerms(
                "There are two such changes on {day}.", field=f"changes.{index}.on", day=other.on.isoformat()
            )
    for index, tranche in enumerate(terms.disbursements):
        rows = terms.installments + sum(
            change.extra_installments or 0 for change in terms.changes if change.on <= tranche.date
        )
        _check_within(f"disbursements.{index}.date", tranche.date, terms.first_disbursed, due[rows - 1])


def _check_within(field: str, day: dt.date, first: dt.date, last: dt.date) -> None:
    if not first <= day < last:
        raise InvalidTerms(
            "{day} is outside the loan.",
            field=field,
            hint="Choose a day from {first} to the day before the last due date, {last}.",
            day=day.isoformat(),
            first=first.isoformat(),
            last=last.isoformat(),
        )
