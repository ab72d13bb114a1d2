"""What the readers of banks' files have in common: the statement that they find, and how a cell is read.

Amounts go from decimal text to whole minor units and are never a binary float. A line without a number
of the bank's own gets one when it is recorded, from its day, its amount and which of these it is.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeVar

from coopbank.errors import InvalidAmount, InvalidDate, InvalidValue, Refused
from coopbank.exchange.faults import Faults
from coopbank.money import currency as currency_of
from coopbank.money import parse_amount, quoted

T = TypeVar("T")

LONGEST_TEXT: Final = 500
"""Characters that are kept of what the bank says; more is cut off, with an ellipsis."""
_ID: Final = re.compile(r"[!-~]{1,100}")
_DECIMAL: Final = re.compile(r"([+-]?)([0-9]{1,18})(?:\.([0-9]{0,10}))?")


@dataclass(frozen=True, slots=True)
class FoundLine:
    """A line as a file has it. Its row is that of a table, or which of the file's entries it is."""

    row: int
    on: date
    amount: int  # minor units; what came in is positive
    bank_id: str | None = None
    text: str = ""
    reference: str = ""


@dataclass(slots=True)
class FoundStatement:
    """A statement as a file has it; what the file does not say is None."""

    start: date | None = None
    end: date | None = None
    opening: int | None = None  # minor units
    closing: int | None = None
    number: str = ""  # of the account, as the bank writes it
    lines: list[FoundLine] = field(default_factory=list)
    skipped: int = 0  # entries that are not booked yet


@dataclass(frozen=True, slots=True)
class Reading:
    """The file that is being read: its faults, and the currency that its amounts must be in."""

    faults: Faults
    currency: str

    def cell(self, row: int | None, column: str, text: str | None, read: Callable[[str], T]) -> T | None:
        """What a cell says; None, and a fault, if it cannot be read or is missing."""
        try:
            if text is None or not text.strip():
                raise InvalidValue("{column} is missing.", column=column)
            return read(text.strip())
        except Refused as refusal:
            self.faults.add(row, column, text, refusal)
            return None

    def optional(self, row: int | None, column: str, text: str | None, read: Callable[[str], T]) -> T | None:
        """The same of a cell that may be empty."""
        return None if text is None or not text.strip() else self.cell(row, column, text, read)

    def amount(self, text: str) -> int:
        """A decimal text with a point: `-12.00`, `+5`, and zeros beyond the currency's decimals."""
        match = _DECIMAL.fullmatch(text)
        if match is None:
            raise InvalidAmount("{text} is not an amount.", text=quoted(text), hint="An amount is such as -12.00.")
        sign, whole, decimals = match.groups()
        exponent = currency_of(self.currency).exponent
        decimals = decimals or ""
        if decimals[exponent:].strip("0"):
            raise InvalidAmount("{text} has more decimals than {currency}.", text=quoted(text), currency=self.currency)
        decimals = decimals[:exponent]
        plain = f"{'-' if sign == '-' else ''}{whole}{'.' if decimals else ''}{decimals}"
        return parse_amount(plain, self.currency)

    def require_currency(self, code: str) -> str:
        """Refuse a statement in another currency than the books'."""
        if code.upper() != self.currency:
            raise InvalidValue(
                "The statement is in {code}, the books are in {currency}.", code=quoted(code), currency=self.currency
            )
        return code


def require_moved(amount: int) -> int:
    """Refuse a line of nothing."""
    if not amount:
        raise InvalidAmount("A line of a statement moves something.")
    return amount


def calendar_day(year: str, month: str, day: str) -> date:
    """A day of the calendar, refused if there is none."""
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise InvalidDate("There is no such day: {day}.", day=f"{year}-{month}-{day}") from None


def said(text: str) -> str:
    """What the bank says, on one line and as it may be stored anywhere; cut off where it is very long."""
    shown = unicodedata.normalize("NFC", " ".join(text.split()))
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in shown):
        raise InvalidValue("The text holds characters that cannot be printed.")
    return shown if len(shown) <= LONGEST_TEXT else shown[: LONGEST_TEXT - 1] + "…"


def bank_id(text: str) -> str:
    """The bank's number of a line. One with spaces may be somebody's name: a digest stands for it."""
    shown = text.strip()
    if _ID.fullmatch(shown):
        return shown
    return "sha256:" + hashlib.sha256(shown.encode("utf-8", "surrogatepass")).hexdigest()[:24]
