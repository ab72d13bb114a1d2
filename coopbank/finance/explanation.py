"""What explanations are made of: a sentence with its typed values, and arithmetic that comes to the amount.

    Interest of 41.10 = 10,000.00 × 5 % × 30 days / 365.

An `Explanation` is a sentence (a template and typed values, put into the language in force
when it is read) and an `Expression`: the same arithmetic over exact fractions, each rounding
where it happens and named. The expression's value is the amount, or the explanation is
not made: nothing is explained that does not recompute.

`explain` and `explain_rows` make them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import prod
from typing import Any, Final, Literal

from coopbank.errors import fill
from coopbank.finance.periods import whole_months
from coopbank.money import Rounding, format_amount, round_minor
from coopbank.words import translate

__all__ = [
    "SENTENCES",
    "Amount",
    "Component",
    "Explanation",
    "Expression",
    "Part",
    "Phrase",
    "Stretch",
    "explained",
    "interest_of",
    "largest",
    "less",
    "product",
    "quotient",
    "rounded",
    "smallest",
    "sum_of",
    "time_of",
]

SENTENCES: Final = {
    # Time
    "day": "1 day / {basis}",
    "days": "{days} days / {basis}",
    "day-of-30": "1 day of months of 30 / 360",
    "days-of-30": "{days} days of months of 30 / 360",
    "days-split": "({common} + {leap})",
    "month": "1 month / 12",
    "months": "{months} months / 12",
    "days-of-month": "{days} of {length} days of a month / 12",
    "month-and-days": "(1 month + {days} of {length} days) / 12",
    "months-and-days": "({months} months + {days} of {length} days) / 12",
    "week": "1 week / 52",
    "weeks": "{weeks} weeks / 52",
    "part": "{part} of a year",
    # Interest
    "stretch": "{principal} × {rate} % × {time}",
    "interest": "Interest of {amount} = {stretches}.",
    "interest-none": "No interest: nothing was owed, or no time passed.",
    "interest-free": "No interest: this row is free of it.",
    "interest-postponed": "No interest falls due yet: it is collected with row {row}.",
    "interest-collected": "Interest of {amount} = {own} of this row + {waited} postponed from the rows before.",
    "interest-flat": "Interest of {amount} = {whole} of interest for the term / {rows} rows.",
    "interest-flat-last": "Interest of {amount}: what is left of the {whole} of interest for the term.",
    "accrual": "Interest of {amount} from {since} to {until} = {after} since the start − {before} counted before.",
    # Principal and payment
    "level": "Level payment of {amount}: {rows} of them are worth the {owed} owed, at {rate} % a year.",
    "level-multiple": "Level payment of {amount}: {rows} of them are worth about the {owed} owed, at {rate} % a year; "
    "rounded to a multiple of {unit}.",
    "level-even": "Level payment of {amount} = {exact}, moved by {moved} so that the last row differs less.",
    "level-flat": "Payment of {amount} = ({owed} + {interest} of interest) / {rows} rows, to a multiple of {unit}.",
    "principal": "Principal of {amount} = payment of {payment} − interest of {interest}.",
    "principal-none": "No principal: interest of {interest} takes the whole payment of {payment}.",
    "principal-last": "Principal of {amount}: the last row repays all that is left.",
    "principal-rest": "Principal of {amount}: no more was left.",
    "principal-grace": "No principal falls due before row {row}.",
    "principal-equal": "Principal of {amount} = {owed} / {rows} rows.",
    "principal-percent": "Principal of {amount} = {percent} % of {lent}.",
    "down-payment": "Down payment of {amount} = {percent} % of {lent}.",
    "fees-none": "No fees.",
    "fees": "Fees of {amount} = {parts}.",
    "fee-flat": "{fee}",
    "fee-percent": "{percent} % of {base}",
    "payment": "Payment of {amount} = {principal} of principal + {interest} of interest.",
    "payment-fees": "Payment of {amount} = {principal} of principal + {interest} of interest + {fees} of fees.",
    "balance": "{amount} is left = {before} − {principal} of principal.",
    "balance-first": "{amount} is left = {lent} paid out − {principal} of principal.",
    "balance-lent": "{amount} is left = {before} + {lent} paid out − {principal} of principal.",
    # Payments made
    "split": "{amount} of the payment goes to {component}: {due} was due and {left} had not been used.",
    "split-over": "{amount} of {payment} is left over: no more was due.",
    "payoff": "{amount} closes the loan on {day} = {parts}.",
    "payoff-part": "{part} of {component}",
    "payoff-kept": "{amount} closes the loan on {day} = {parts} − {kept} kept for you.",
    "fund": "{fund} gets {amount} of the {part} = {share} of the {total} so far − {before} before.",
    "fund-rounded": "{fund} gets {amount} of the {part} = {share} of the {total} so far, rounded to {goal} "
    "so that the funds add up, − {before} before.",
    "share": "{percent} %",
    "share-part": "{part}",
    "late-fee": "Late fee of {amount} = {percent} % of the {overdue} overdue.",
    "late-fee-agreed": "Late fee of {amount}: the terms name this amount.",
    "late-fee-nothing": "No late fee: nothing is overdue.",
    "allowance": "Allowance of {amount} = {rate} % of {balance}.",
    "allowance-none": "No allowance: nothing is owed, or the rate is nothing.",
    # Share of surplus and of revenue
    "ceiling": "At most {amount} is due = {share} % of the surplus of {surplus}.",
    "ceiling-down": "At most {amount} is due = {share} % of the surplus of {surplus}, rounded down.",
    "ceiling-none": "Nothing is due: there was no surplus.",
    "cap": "Interest of {amount} can still be taken = {percent} % of the surplus of {surplus} so far − {cost} taken.",
    "cap-down": "Interest of {amount} can still be taken = {percent} % of the surplus of {surplus} so far, "
    "rounded down, − {cost} taken.",
    "cap-none": "No interest can be taken: {percent} % of the surplus of {surplus} so far is at most the {cost} taken.",
    "waiver": "Interest of {amount} is waived = {interest} by the contract − {allowed} within the cap of {cap}.",
    "waiver-charges": "Interest of {amount} is waived = {interest} by the contract − {allowed}, which the cap of {cap} "
    "leaves beside {charges} of other charges.",
    "waiver-none": "No interest is waived: the {interest} by the contract is within the cap of {cap}.",
    "ceiling-revenue": "At most {amount} is due = {share} % of the revenue of {revenue}.",
    "ceiling-revenue-down": "At most {amount} is due = {share} % of the revenue of {revenue}, rounded down.",
    "ceiling-revenue-none": "Nothing is due: there was no revenue.",
    "cost-part": "{amount} of it is cost = {cost} of {whole} on the {paid} paid so far − {before} counted before.",
    "cost-part-all": "{amount} of it is cost = {now} of the {paid} paid so far − {before} counted before: "
    "no principal is left.",
    "cost-part-none": "None of it is cost: no more than what was lent is to be paid.",
}  # fmt: skip
"""Every sentence and the phrases inside, by kind."""

_COMPONENTS: Final = {"fees": "fees", "interest": "interest", "principal": "principal"}


# ------------------------------------------------------------------------------- expressions


@dataclass(frozen=True, slots=True)
class Expression:
    """Arithmetic over exact fractions; `round` goes to a multiple of `unit` minor units in a named mode."""

    operation: Literal["sum", "product", "quotient", "smallest", "largest", "round"]
    parts: tuple[Fraction | Expression, ...]
    mode: Rounding | None = None
    unit: int = 1
    value: Fraction = field(init=False, repr=False, compare=False)
    """What it comes to, in minor units, exactly; reckoned once, for the same payment explains many rows."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", self._reckoned())

    def _reckoned(self) -> Fraction:
        found = [part if isinstance(part, Fraction) else part.value for part in self.parts]
        if self.operation == "sum":
            return sum(found, Fraction(0))
        if self.operation == "product":
            return prod(found, start=Fraction(1))
        if self.operation == "quotient":
            return found[0] / found[1]
        if self.operation == "round":
            assert self.mode is not None, "a rounding has a mode"
            return Fraction(round_minor(found[0] / self.unit, self.mode) * self.unit)
        return min(found) if self.operation == "smallest" else max(found)

    def as_document(self) -> list[Any]:
        """JSON: the operation, then its parts; fractions as `"41/365"`."""
        head = [self.operation] if self.mode is None else [self.operation, self.mode, self.unit]
        return [*head, *(str(part) if isinstance(part, Fraction) else part.as_document() for part in self.parts)]


Part = Fraction | Expression | int | Decimal


def sum_of(*parts: Part) -> Expression:
    """All parts together."""
    return Expression("sum", tuple(map(_exact, parts)))


def product(*parts: Part) -> Expression:
    """The parts times each other."""
    return Expression("product", tuple(map(_exact, parts)))


def quotient(above: Part, below: Part) -> Expression:
    """One part over another."""
    return Expression("quotient", (_exact(above), _exact(below)))


def smallest(*parts: Part) -> Expression:
    """Whichever part is least."""
    return Expression("smallest", tuple(map(_exact, parts)))


def largest(*parts: Part) -> Expression:
    """Whichever part is most."""
    return Expression("largest", tuple(map(_exact, parts)))


def rounded(part: Part, mode: Rounding, unit: int = 1) -> Expression:
    """A part in whole units, so many minor units each."""
    return Expression("round", (_exact(part),), mode, unit)


def less(part: Part) -> Expression:
    """A part to take away, in a sum."""
    return product(-1, part)


def _exact(part: Part) -> Fraction | Expression:
    return part if isinstance(part, Expression) else Fraction(part)


# ------------------------------------------------------------------------------- explanations


@dataclass(frozen=True, slots=True)
class Amount:
    """Money inside a sentence."""

    minor: int
    currency: str

    def __str__(self) -> str:
        return format_amount(self.minor, self.currency, grouping=True)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A part of a sentence that is translated as a whole."""

    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return _said(self.kind, self.values)


@dataclass(frozen=True, slots=True)
class Component:
    """The name of a part of a payment: `interest`; one that is not known here is shown as it is."""

    name: str

    def __str__(self) -> str:
        return translate(_COMPONENTS.get(self.name, "")) or self.name


@dataclass(frozen=True, slots=True)
class Explanation:
    """A sentence by its kind and its typed values, the amount in minor units, and how it is reckoned."""

    kind: str
    values: Mapping[str, Any]
    amount: int
    expression: Expression

    def __post_init__(self) -> None:
        assert self.expression.value == self.amount, f"{self.kind}: what is explained recomputes"

    @property
    def template(self) -> str:
        """The sentence before its values are put in, in English."""
        return SENTENCES[self.kind]

    @property
    def sentence(self) -> str:
        """The sentence in the language in force."""
        return _said(self.kind, self.values)

    def __str__(self) -> str:
        return self.sentence

    def as_document(self) -> dict[str, Any]:
        """JSON: the sentence, the amount in minor units, the expression."""
        return {
            "kind": self.kind,
            "sentence": self.sentence,
            "amount_minor": self.amount,
            "expression": self.expression.as_document(),
        }


def _said(kind: str, values: Mapping[str, Any]) -> str:
    return fill(translate(SENTENCES.get(kind, "")), {name: _shown(value) for name, value in values.items()})


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " + ".join(map(str, value))
    if isinstance(value, Decimal):
        text = format(value, "f")
        return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def explained(kind: str, expression: Expression, currency: str, **values: Any) -> Explanation:
    """The sentence of that kind, of what the expression comes to; `values` are what else it names."""
    amount = expression.value
    assert amount.denominator == 1, "an amount is whole"
    return Explanation(kind, {"amount": Amount(int(amount), currency), **values}, int(amount), expression)


# ---------------------------------------------------------------------------- interest of a stretch


@dataclass(frozen=True, slots=True)
class Stretch:
    """A principal at one rate for a part of a year."""

    principal: int
    rate: Decimal
    part: Fraction
    start: dt.date
    end: dt.date

    @property
    def expression(self) -> Expression:
        return product(self.principal, self.rate, Fraction(1, 100), self.part)

    def phrase(self, day_count: str, currency: str) -> Phrase:
        time = time_of(self.part, self.start, self.end, day_count)
        return Phrase("stretch", {"principal": Amount(self.principal, currency), "rate": self.rate, "time": time})


def interest_of(
    stretches: Sequence[Stretch], day_count: str, rounding: Rounding, unit: int, currency: str
) -> Explanation:
    """Interest over several stretches, added up exactly and rounded once."""
    expression = rounded(sum_of(*(each.expression for each in stretches)), rounding, unit)
    bearing = [each for each in stretches if each.principal and each.part]
    if not bearing:
        return explained("interest-none", expression, currency)
    return explained(
        "interest", expression, currency, stretches=tuple(each.phrase(day_count, currency) for each in bearing)
    )


# ---------------------------------------------------------------------------------- time in words


def time_of(part: Fraction, start: dt.date, end: dt.date, day_count: str) -> Phrase:
    """The part of a year as its day count tells it; any other part as it is."""
    days = (end - start).days
    if day_count in ("actual/360", "actual/364", "actual/365"):
        return _days(days, int(day_count[-3:])) if part == Fraction(days, int(day_count[-3:])) else _plain(part)
    if day_count == "actual/actual":
        return _split_days(part, start, end)
    if day_count in ("30us/360", "30e/360"):
        whole = part * 360
        if whole.denominator != 1:
            return _plain(part)
        return Phrase("day-of-30") if whole == 1 else Phrase("days-of-30", {"days": int(whole)})
    return _months(part, start, end)


def _days(days: int, basis: int) -> Phrase:
    return Phrase("day", {"basis": basis}) if days == 1 else Phrase("days", {"days": days, "basis": basis})


def _split_days(part: Fraction, start: dt.date, end: dt.date) -> Phrase:
    """Days of common years and of leap years."""
    days = (end - start).days
    # part = common/365 + leap/366 with common + leap = days has one solution.
    leap_part = (Fraction(days, 365) - part) * 365 * 366
    if leap_part.denominator != 1 or not 0 <= leap_part <= days:
        return _plain(part)
    leap = int(leap_part)
    if not leap or leap == days:
        return _days(days, 366 if leap else 365)
    return Phrase("days-split", {"common": _days(days - leap, 365), "leap": _days(leap, 366)})


def _months(part: Fraction, start: dt.date, end: dt.date) -> Phrase:
    months = part * 12
    if months.denominator == 1:
        return Phrase("month") if months == 1 else Phrase("months", {"months": int(months)})
    whole, rest, length = whole_months(start, end)
    if whole and part == Fraction(whole * length + rest, 12 * length):
        kind = "month-and-days" if whole == 1 else "months-and-days"
        return Phrase(kind, {"months": whole, "days": rest, "length": length})
    days = (end - start).days
    for length in (31, 30, 29, 28):
        if part == Fraction(days, 12 * length):
            return Phrase("days-of-month", {"days": days, "length": length})
    weeks = part * 52
    if weeks.denominator == 1:
        return Phrase("week") if weeks == 1 else Phrase("weeks", {"weeks": int(weeks)})
    return _days(days, 365) if part == Fraction(days, 365) else _plain(part)


def _plain(part: Fraction) -> Phrase:
    return Phrase("part", {"part": part})
