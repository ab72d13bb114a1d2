"""Money: whole minor units of one currency, and never a binary float.

An amount is a signed Python integer of minor units (cents of a dollar, whole yen,
thousandths of a dinar). Which unit it counts is said by a `Currency`, whose
exponent is that of ISO 4217. Nothing here carries a currency inside the number:
a book posts one currency per posting line and keeps the code beside it.

Text comes in through two doors. `parse_amount` reads what machines write, one
strict form. `parse_typed` reads what people type at a counter, and refuses
whatever two people could read differently: a comma is only ever a thousands
mark, a point only ever the decimal mark.

Fractions of a minor unit arise only inside a computation, as exact `Fraction`
or `Decimal`, and leave it through `round_minor`, once. A total is shared out by
`split` (largest remainder, ties to the lowest index), so no cent is ever lost.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Final, Literal, get_args

from coopbank.errors import InvalidAmount, InvalidValue

Rounding = Literal["half-even", "half-up", "down", "up"]
"""How a fraction of a minor unit becomes a whole one; `half-up` and `up` go away from zero."""

LARGEST_AMOUNT: Final = 10**15
"""The largest amount that is reckoned with, in minor units: sums of many still fit in 64 bits."""
LARGEST_ENTERED: Final = 10**14
"""The largest that a bank's operations take: a million million dollars, and enough where money is small.

A tenth of what a line of the ledger holds, so that a few such amounts together can still be counted and moved.
"""

_ROUNDINGS: Final = frozenset(get_args(Rounding))


@dataclass(frozen=True, slots=True)
class Currency:
    """A unit of account: its ISO 4217 code, and how many decimals its minor unit has."""

    code: str
    exponent: int

    @property
    def minor_per_major(self) -> int:
        """How many minor units make one major unit: 100 cents, 1 yen, 1000 fils."""
        return int(10**self.exponent)


_BY_EXPONENT: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD "
        "CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD "
        "GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD "
        "MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP "
        "PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS "
        "TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW "
        # Not of ISO 4217: the unit of memo accounts, sealed like money and never in a money total.
        "MEM"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
}
_CURRENCIES: Final = {
    code: Currency(code, exponent) for exponent, codes in _BY_EXPONENT.items() for code in codes.split()
}

_SYMBOLS: Final = {
    "$": "USD AUD BBD BMD BND BSD BZD CAD CLP COP DOP FJD HKD JMD KYD LRD MXN NZD SGD TTD TWD",
    "€": "EUR",
    "£": "GBP FKP GIP SHP",
    "¥": "JPY CNY",
    "₹": "INR",
    "₦": "NGN",
}

# [0-9] and not \d, which would let in the digits of every other script.
_MACHINE: Final = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")
_PLAIN: Final = re.compile(r"([0-9]*)(?:\.([0-9]+))?")
_GROUPED: Final = re.compile(r"([1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.([0-9]+))?")
_DIGITS_AND_MARKS: Final = re.compile(r"[0-9]+(?:[.,' ][0-9]+)*")

# Longer than any amount that is allowed: text beyond it is not even looked at.
_LONGEST_TEXT: Final = 40


def currency(code: str) -> Currency:
    """The currency of that ISO 4217 code (capitals), or of `MEM`.

    Raises `InvalidValue` with field `currency` for a code that is not known.
    """
    found = _CURRENCIES.get(code)
    if found is None:
        raise InvalidValue(
            "{code} is not a currency that is known here.",
            field="currency",
            hint="Write the three letters of ISO 4217, such as USD or EUR.",
            code=quoted(code),
        )
    return found


#: Notes and coins in use, in minor units; of other currencies only the total is counted.
_DENOMINATIONS: Final = {
    "USD": (100_00, 50_00, 20_00, 10_00, 5_00, 2_00, 1_00, 25, 10, 5, 1),
    "EUR": (200_00, 100_00, 50_00, 20_00, 10_00, 5_00, 2_00, 1_00, 50, 20, 10, 5, 2, 1),
    "GBP": (50_00, 20_00, 10_00, 5_00, 2_00, 1_00, 50, 20, 10, 5, 2, 1),
    "CAD": (100_00, 50_00, 20_00, 10_00, 5_00, 2_00, 1_00, 25, 10, 5),
    "MXN": (1000_00, 500_00, 200_00, 100_00, 50_00, 20_00, 10_00, 5_00, 2_00, 1_00, 50),
}


def denominations(code: str) -> tuple[int, ...]:
    """Notes and coins of a currency in minor units, the largest first; empty where they are not known here."""
    return _DENOMINATIONS.get(code, ())


def parse_amount(text: str, currency: str = "USD", *, field: str = "amount", largest: int = LARGEST_AMOUNT) -> int:
    """Minor units of a machine-written decimal string: `"1250.00"`, `"-5"`, `"1250"`.

    At most as many decimals as the currency has. Refused with `InvalidAmount`,
    naming `field`: anything else, such as signs other than a leading minus,
    exponents, underscores, spaces, thousands marks, digits of other scripts,
    parts of a minor unit, and more than `largest` minor units either way.
    """
    unit = _currency(currency)
    match = _MACHINE.fullmatch(text) if isinstance(text, str) and len(text) <= _LONGEST_TEXT else None
    if match is None:
        raise InvalidAmount(
            "{text} is not an amount.",
            field=field,
            hint="Write digits and a point, such as {example}.",
            text=quoted(text),
            example=format_amount(125000, currency),
        )
    minus, whole, decimals = match.groups()
    return _assemble(text, minus, whole, decimals or "", unit, field, largest)


def parse_typed(text: str, currency: str = "USD", *, field: str = "amount", largest: int = LARGEST_AMOUNT) -> int:
    """Minor units of what a person types: `1250`, `1,250.00`, `12.5`, `.50`, `$40`, `-$40`.

    The symbol or code of the currency may stand before or after. A comma is a
    thousands mark and must stand where one belongs; `1,25`, `12,50`, `1.250,00`
    and `1,2345.00` are refused with `InvalidAmount`, naming `field`, and the hint
    shows what would be right. The limits of `parse_amount` hold.
    """
    unit = _currency(currency)
    if not isinstance(text, str) or len(text) > _LONGEST_TEXT:
        raise _unreadable(text, "", unit, field)
    minus, bare = _without_sign_and_symbol(text.strip(), unit)
    match = _GROUPED.fullmatch(bare) or _PLAIN.fullmatch(bare)
    if not bare or match is None:
        raise _unreadable(text, bare, unit, field)
    whole, decimals = match.groups()
    if _may_be_thousands(whole, decimals or "", unit):
        raise _unreadable(text, bare, unit, field)
    return _assemble(text, minus, whole.replace(",", "") or "0", decimals or "", unit, field, largest)


def format_amount(minor: int, currency: str = "USD", *, grouping: bool = False) -> str:
    """The amount as text with all its decimals: `1250.00`, or `1,250.00` with `grouping`.

    Exact for every integer; a negative amount has a leading minus. What it
    writes without grouping `parse_amount` reads back, what it writes with
    grouping `parse_typed` reads back.
    """
    unit = _currency(currency)
    whole, part = divmod(abs(minor), unit.minor_per_major)
    sign = "-" if minor < 0 else ""
    major = f"{whole:,}" if grouping else str(whole)
    return f"{sign}{major}.{part:0{unit.exponent}d}" if unit.exponent else f"{sign}{major}"


def round_minor(value: Fraction | Decimal | int, mode: Rounding = "half-even") -> int:
    """The whole number nearest to an exact value: the one rounding that an amount gets.

    `half-even` sends a tie to the even neighbour, `half-up` away from zero;
    `down` cuts towards zero, `up` goes away from zero. Raises `InvalidAmount`
    for what has no finite value, `TypeError` for a float, `ValueError` for an
    unknown mode.
    """
    if isinstance(value, int):
        return value
    if isinstance(value, Decimal):
        if not value.is_finite() or value.adjusted() > 40:
            raise InvalidAmount("{value} is not a possible amount.", field="amount", value=str(value))
        numerator, denominator = value.as_integer_ratio()
    elif isinstance(value, Fraction):
        numerator, denominator = value.numerator, value.denominator
    else:
        raise TypeError(f"an amount is exact: Fraction, Decimal or int, not {type(value).__name__}")
    return round_ratio(numerator, denominator, mode)


def round_ratio(numerator: int, denominator: int, mode: Rounding = "half-even") -> int:
    """`numerator / denominator` rounded as `round_minor` does, without making a `Fraction`.

    For inner loops. The denominator must be above zero; `ValueError` for an unknown mode.
    """
    if denominator <= 0:
        raise ValueError("the denominator must be above zero")
    whole, rest = divmod(abs(numerator), denominator)
    if mode == "half-even":
        twice = 2 * rest
        if twice > denominator or (twice == denominator and whole % 2 == 1):
            whole += 1
    elif mode == "half-up":
        whole += 2 * rest >= denominator
    elif mode == "up":
        whole += rest > 0
    elif mode not in _ROUNDINGS:
        raise ValueError(f"no such rounding: {mode}")
    return -whole if numerator < 0 else whole


def split(total: int, weights: Sequence[int | Fraction]) -> list[int]:
    """Share `total` minor units in proportion to `weights`, losing none.

    Each part is the exact share rounded towards zero; the units left over go
    one each to the largest remainders, ties to the lowest index (Hamilton's
    method). A negative total is the mirror image of the positive one; a zero
    weight gets nothing. Raises `InvalidAmount` for a negative weight, and for
    weights that are all zero while there is something to share.
    """
    whole_weights = _whole_weights(weights)
    weight_sum = sum(whole_weights)
    if weight_sum == 0:
        if total:
            raise InvalidAmount("There is nobody to share an amount among.", field="weights")
        return [0] * len(whole_weights)
    size, sign = abs(total), -1 if total < 0 else 1
    parts, remainders = [], []
    for weight in whole_weights:
        part, remainder = divmod(size * weight, weight_sum)
        parts.append(part)
        remainders.append(remainder)
    left_over = size - sum(parts)
    # sorted() is stable: among equal remainders the lower index comes first.
    for index in sorted(range(len(parts)), key=lambda i: -remainders[i])[:left_over]:
        parts[index] += 1
    assert sum(parts) == size, "a split adds up"
    return [sign * part for part in parts]


def quoted(value: object) -> str:
    """An input as it is shown in a refusal: in quotes, cut short, and only what prints."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except ValueError:  # an integer of more digits than Python is willing to write
        text = "a number of very many digits"
    shown = "".join(c if c.isprintable() else "?" for c in text[:_LONGEST_TEXT])
    return f"'{shown}…'" if len(text) > _LONGEST_TEXT else f"'{shown}'"


# Inside the two parsers the word `currency` is their parameter.
_currency = currency


def _whole_weights(weights: Sequence[int | Fraction]) -> list[int]:
    """The same proportions in whole numbers, so that the sharing is integer arithmetic."""
    if all(type(weight) is int for weight in weights) and min(weights, default=0) >= 0:
        return [int(weight) for weight in weights]  # whole already; of a hundred thousand that is seconds
    exact = [Fraction(weight) if isinstance(weight, int | Fraction) else weight for weight in weights]
    if not all(isinstance(weight, Fraction) for weight in exact):
        raise TypeError("weights are exact: int or Fraction")
    if any(weight < 0 for weight in exact):
        raise InvalidAmount("A share cannot be below zero.", field="weights")
    scale = lcm(*(weight.denominator for weight in exact))
    return [weight.numerator * (scale // weight.denominator) for weight in exact]


def _assemble(
    text: str, minus: str, whole: str, decimals: str, unit: Currency, field: str, largest: int
) -> int:  # fmt: skip
    """Minor units from the digits on both sides of the point."""
    if len(decimals) > unit.exponent:
        raise InvalidAmount(
            "{text} has a part smaller than the smallest unit of {code}.",
            field=field,
            hint="Write at most {decimals} decimals, such as {example}.",
            text=quoted(text),
            code=unit.code,
            decimals=unit.exponent,
            example=format_amount(125000, unit.code),
        )
    minor = int(whole + decimals.ljust(unit.exponent, "0"))
    if minor > largest:
        raise InvalidAmount(
            "{text} is too large.",
            field=field,
            hint="The largest amount is {largest}.",
            text=quoted(text),
            largest=format_amount(largest, unit.code, grouping=True),
        )
    return -minor if minus else minor


def _without_sign_and_symbol(text: str, unit: Currency) -> tuple[str, str]:
    """A leading minus, and what is left once it and the currency's own mark are off."""
    minus, bare = ("-", text[1:].lstrip()) if text.startswith("-") else ("", text)
    marks = [unit.code, *(mark for mark, codes in _SYMBOLS.items() if unit.code in codes.split())]
    for mark in marks:
        if bare.startswith(mark):
            bare = bare.removeprefix(mark).lstrip()
            break
        if bare.endswith(mark):
            bare = bare.removesuffix(mark).rstrip()
            break
    if not minus and bare.startswith("-") and bare != text:
        minus, bare = "-", bare[1:]
    return minus, bare


def _may_be_thousands(whole: str, decimals: str, unit: Currency) -> bool:
    """Whether the point in `1.234` may be meant for a thousands mark: it stands where one of those belongs."""
    return unit.exponent < len(decimals) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")


def _unreadable(text: object, bare: str, unit: Currency, field: str) -> InvalidAmount:
    """The refusal of typed text, with the readings that it may have been meant for."""
    readings = _likely_readings(bare, unit)
    if readings:
        return InvalidAmount(
            "{text} can be read in more than one way.",
            field=field,
            hint="If {readings} is meant, write it so: a point stands only before the decimals, of which there are at"
            " most {decimals}.",
            decimals=unit.exponent,
            text=quoted(text),
            readings=" / ".join(readings),
        )
    return InvalidAmount(
        "{text} is not an amount.",
        field=field,
        hint="Write it like {plain} or {grouped}.",
        text=quoted(text),
        plain=format_amount(125000, unit.code),
        grouped=format_amount(125000, unit.code, grouping=True),
    )


def _likely_readings(bare: str, unit: Currency) -> list[str]:
    """What digits with misplaced marks may have meant, likeliest first; empty if anything else."""
    if not _DIGITS_AND_MARKS.fullmatch(bare):
        return []
    *groups, last = re.split(r"[.,' ]", bare)
    as_whole = int("".join([*groups, last])) * unit.minor_per_major
    meant = [as_whole] if len(last) > unit.exponent or not groups else []
    if groups and len(last) <= unit.exponent:
        meant.append(int("".join(groups) + last.ljust(unit.exponent, "0")))
    elif len(groups) == 1 and not last[unit.exponent :].strip("0"):
        meant.append(int(groups[0] + last[: unit.exponent]))
    return [format_amount(minor, unit.code) for minor in meant]
