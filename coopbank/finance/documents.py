"""Reading a document (loan terms, APR flows) and naming what is wrong with it.

A document is JSON text or the mapping it stands for. Models are frozen and
refuse unknown fields. Amounts and rates are decimal strings, because a JSON
number is a binary float in most programs that write or read one; dates are
ISO 8601 days. Whatever cannot be read becomes one `InvalidTerms` that names the
field by its path (`disbursements.0.amount`), says what is wrong and what would be
right. Limits on size are checked before any arithmetic, so that no document can
keep the computer busy.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from coopbank.errors import InvalidAmount, InvalidTerms
from coopbank.finance.periods import MOST_ROWS, Period
from coopbank.money import parse_amount, quoted

_DECIMAL: Final = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,10})?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PART: Final = re.compile(r"([0-9]{1,6})(?:/([0-9]{1,6})|\.([0-9]{1,10}))?")
_LONGEST_DOCUMENT: Final = 4_000_000
LARGEST_RATE: Final = Decimal(1000)
"""Percent a year. Above it a schedule is a mistake or a robbery."""


class Fault(ValueError):
    """What is wrong with one value; `read` adds where."""

    def __init__(self, template: str, hint: str | None = None, **values: Any) -> None:
        super().__init__(template)
        self.template, self.hint, self.values = template, hint, values


class Document(BaseModel):
    """A frozen model that refuses fields it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


def _decimal(value: object) -> Decimal:
    """An exact decimal from text (or a Decimal made by a program)."""
    if isinstance(value, Decimal):
        value = format(value, "f") if value.is_finite() and abs(value.adjusted()) < 30 else str(value)
    if not isinstance(value, str):
        raise Fault("{value} is not a decimal string.", 'Write it in quotes, such as "7.25".', value=quoted(value))
    if not _DECIMAL.fullmatch(value):
        raise Fault(
            "{value} is not a decimal number.",
            'Write digits and a point, such as "7.25".',
            value=quoted(value),
        )
    return Decimal(value)


def _above_zero(value: Decimal) -> Decimal:
    if value <= 0:
        raise Fault("{value} is not above zero.", value=quoted(str(value)))
    return value


def _day(value: object) -> dt.date:
    """A calendar day from `YYYY-MM-DD` (or a date made by a program)."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise Fault("{value} is not a date.", "Write it as YYYY-MM-DD.", value=quoted(value))
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise Fault("There is no day {value}.", value=quoted(value)) from None


def _rate(value: Decimal) -> Decimal:
    if value < 0 or value > LARGEST_RATE:
        raise Fault(
            "{value} is not a possible rate.",
            "A rate is 0 to {largest} percent a year.",
            value=quoted(str(value)),
            largest=str(LARGEST_RATE),
        )
    return value


def _percent(value: Decimal) -> Decimal:
    if value <= 0 or value > 100:
        raise Fault(
            "{value} is not a possible percentage here.",
            "Write more than 0 and at most 100.",
            value=quoted(str(value)),
        )
    return value


def _part(value: object) -> Fraction:
    """A part of a unit-period from `4/7` or `0.5`: zero or more, and less than one."""
    if isinstance(value, Fraction):
        part = value
    else:
        match = _PART.fullmatch(value) if isinstance(value, str) else None
        if match is None or (match[2] and not int(match[2])):
            raise Fault("{value} is not a fraction.", 'Write it like "4/7".', value=quoted(value))
        assert isinstance(value, str)
        part = Fraction(value)
    if not 0 <= part < 1:
        raise Fault(
            "{value} is not a part of one period.",
            "Write 0 or more and less than 1.",
            value=quoted(str(value)),
        )
    return part


Amount = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_above_zero)]
"""Money in major units, above zero; how many decimals it may have is its currency's."""
Rate = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_rate)]
"""Percent a year, zero or more."""
Percent = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_percent)]
"""A percentage above 0 and up to 100."""
Day = Annotated[dt.date, BeforeValidator(_day)]
"""A calendar day, years 1 to 9999."""
Part = Annotated[Fraction, BeforeValidator(_part)]
"""A part of one period, exactly."""
Count = Annotated[int, Field(strict=True, ge=1, le=MOST_ROWS)]
"""A number of rows, 1 to 1,200."""


class Every(Document):
    """A period, by exactly one of its units: `{"months": 1}`."""

    days: Annotated[int, Field(strict=True, ge=1, le=36_525)] | None = None
    weeks: Annotated[int, Field(strict=True, ge=1, le=5_200)] | None = None
    months: Annotated[int, Field(strict=True, ge=1, le=1_200)] | None = None
    years: Annotated[int, Field(strict=True, ge=1, le=100)] | None = None

    def model_post_init(self, _context: Any) -> None:
        """Exactly one unit, or a fault."""
        if len(self.model_dump(exclude_none=True)) != 1:
            raise Fault("A period has exactly one unit.", "Write it like {example}.", example='{"months": 1}')

    @property
    def period(self) -> Period:
        """The same as a `Period`."""
        if self.months is not None:
            return Period("months", self.months)
        if self.weeks is not None:
            return Period("weeks", self.weeks)
        if self.days is not None:
            return Period("days", self.days)
        return Period("years", self.years or 1)


Model = TypeVar("Model", bound=Document)


def read(model: type[Model], document: Mapping[str, Any] | str | bytes) -> Model:
    """The document as a checked model; `InvalidTerms` naming the field at fault."""
    content = loaded(document)
    if not isinstance(content, Mapping):
        raise InvalidTerms("The document is not a JSON object.", field="document")
    try:
        return model.model_validate(dict(content))
    except ValidationError as error:
        raise _first_fault(error) from None
    except RecursionError:
        raise _unreadable("it is nested too deeply") from None


def minor_units(amount: Decimal, currency: str, field: str) -> int:
    """The amount in minor units; `InvalidTerms` when the currency has no such part, or it is too large."""
    try:
        return parse_amount(format(amount, "f"), currency, field=field)
    except InvalidAmount as refusal:
        raise InvalidTerms(refusal.template, field=field, hint=refusal.hint_template, **refusal.values) from None


def loaded(document: object) -> object:
    """What a JSON text says, once each name and no numbers that are none; what is no text stays as it is."""
    if not isinstance(document, str | bytes):
        return document
    text = document
    if len(text) > _LONGEST_DOCUMENT:
        raise _unreadable("it is too long")
    try:
        return json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_no_constant)
    except InvalidTerms:
        raise
    except RecursionError:
        raise _unreadable("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise _unreadable(f"{error.msg}, line {error.lineno} column {error.colno}") from None
    except ValueError:
        raise _unreadable("it holds characters or numbers that cannot be read") from None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        double, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise InvalidTerms("{name} is given twice.", field=double, name=quoted(double))
    return names


def _no_constant(name: str) -> None:
    raise _unreadable(f"{name} is not a number")


def _unreadable(reason: str) -> InvalidTerms:
    return InvalidTerms("The document cannot be read: {reason}.", field="document", reason=reason)


def _first_fault(error: ValidationError) -> InvalidTerms:
    """The first thing wrong, as a refusal in our words."""
    detail = error.errors(include_url=False, include_input=True)[0]
    path = ".".join(str(step) for step in detail["loc"]) or "document"
    context = detail.get("ctx", {})
    fault = context.get("error")
    if isinstance(fault, Fault):
        return InvalidTerms(fault.template, field=path, hint=fault.hint, **fault.values)
    if detail["type"] == "missing":
        return InvalidTerms("{path} is missing.", field=path, path=path)
    if detail["type"] == "extra_forbidden":
        return InvalidTerms("{path} is not a field of this document.", field=path, path=quoted(path))
    if "expected" in context:
        return InvalidTerms(
            "{value} is not possible here.",
            field=path,
            hint="Write {expected}.",
            value=quoted(detail.get("input")),
            expected=context["expected"],
        )
    reason = (detail["msg"][:1].lower() + detail["msg"][1:]).replace("tuple", "list")
    return InvalidTerms(
        "{path} cannot be {value}: {reason}.",
        field=path,
        path=path,
        value=quoted(detail.get("input")),
        reason=reason,
    )
