"""The kinds of fields that operations are made of.

One definition serves every door: the terminal picks its widget by `Widget`, the
command line and the import read the same texts, and JSON shows the same forms. Amounts
travel as decimal texts ("150.00") and are integers of minor units once validated;
numbers are refused, since 150 could mean dollars or cents.
"""

from __future__ import annotations

import json
import re
import unicodedata
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from coopbank.errors import CoopbankError
from coopbank.money import LARGEST_ENTERED, denominations, format_amount, parse_amount
from coopbank.words import translate

#: The currency of the book in use; the bank sets it when it opens.
book_currency: ContextVar[str] = ContextVar("coopbank_currency", default="USD")


@dataclass(frozen=True)
class Widget:
    """How a form shows the field: money, day, choice, text, number, rate, ref:KIND, lines, pieces."""

    kind: str


@dataclass(frozen=True)
class PersonalMark:
    """The value says something about a person: sealed as a salted digest, and can be forgotten."""


def refuse(template: str, **values: Any) -> PydanticCustomError:
    """A field's fault in plain words, in the language in force."""
    template = translate(template)
    return PydanticCustomError("coopbank", "{text}", {"text": template.format(**values) if values else template})


def read_lines(value: Any) -> Any:
    """Lines may come as one text, or as several of which one holds several; empty ones do not count."""
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list):
        return value
    lines = [line for part in parts for line in (part.splitlines() if isinstance(part, str) else [part])]
    return [line for line in lines if not isinstance(line, str) or line.strip()]


class NoJson(Exception):
    """A text that is no JSON."""


def json_said(text: str, **more: Any) -> Any:
    """What a JSON text says that stands in a field, each name once; `NoJson` for what is none."""
    try:
        return json.loads(text, object_pairs_hook=_each_once, **more)
    except RecursionError:
        raise refuse("This JSON is nested too deeply.") from None
    except PydanticCustomError:
        raise
    except ValueError as error:
        raise NoJson(str(error)) from error


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        raise refuse("{name} stands twice.", name=next(name for name in names if names.count(name) > 1)[:40])
    return found


def _read(value: str) -> int:
    try:
        return parse_amount(value.strip(), book_currency.get(), largest=LARGEST_ENTERED)
    except CoopbankError as error:
        raise refuse(str(error)) from error


def _read_money(value: Any) -> int:
    if not isinstance(value, str):
        raise refuse('Write the amount as text with decimals, for example "150.00".')
    amount = _read(value)
    if amount <= 0:
        raise refuse("The amount must be more than zero.")
    return amount


def _show_money(minor: int) -> str:
    return format_amount(minor, book_currency.get())


_MONEY_SCHEMA = WithJsonSchema({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$", "examples": ["150.00"]})

Money = Annotated[int, BeforeValidator(_read_money), PlainSerializer(_show_money), _MONEY_SCHEMA, Widget("money")]
"""A positive amount of the book's currency; minor units once validated."""


def _read_signed(value: Any) -> int:
    if not isinstance(value, str):
        raise refuse('Write the amount as text with decimals, for example "-150.00".')
    return _read(value)


SignedMoney = Annotated[
    int, BeforeValidator(_read_signed), PlainSerializer(_show_money),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": ["-150.00"]}), Widget("money"),
]  # fmt: skip
"""An amount that may be zero or below it, such as a loss."""


def _read_count(value: Any) -> int:
    if not isinstance(value, str):
        raise refuse('Write the amount as text with decimals, for example "310.00".')
    amount = _read(value)
    if amount < 0:
        raise refuse("A count cannot be negative.")
    return amount


Counted = Annotated[
    int, BeforeValidator(_read_count), PlainSerializer(_show_money),
    WithJsonSchema({"type": "string", "examples": ["310.00"]}), Widget("money"),
]  # fmt: skip
"""An amount that may be zero."""


_PIECES: Final = re.compile(r"([0-9]{1,6})[x×]([0-9]+(?:\.[0-9]+)?)")


def pieces_of(text: str) -> dict[int, int]:
    """How many of each note and coin a text says ("5x20.00 8x0.25"): pieces by minor units."""
    found: dict[int, int] = {}
    for part in re.split(r"[\s,;]+", text.strip()) if text.strip() else ():
        match = _PIECES.fullmatch(part)
        if match is None:
            raise refuse('{part} is no count; write pieces x value, for example "5x20.00 8x0.25".', part=part[:40])
        value = _read_money(match[2])
        known = denominations(book_currency.get())
        if known and value not in known:
            raise refuse("There is no note or coin of {value}.", value=_show_money(value))
        if value in found:
            raise refuse("{value} is counted twice.", value=_show_money(value))
        found[value] = int(match[1])
    return found


def pieces_text(pieces: dict[int, int]) -> str:
    """The text of a count, the largest first; what there is none of is left out."""
    return " ".join(f"{pieces[value]}x{_show_money(value)}" for value in sorted(pieces, reverse=True) if pieces[value])


def _read_pieces(value: Any) -> str:
    if not isinstance(value, str):
        raise refuse('Write pieces x value as text, for example "5x20.00 8x0.25".')
    return pieces_text(pieces_of(value))


Pieces = Annotated[str, BeforeValidator(_read_pieces), Field(max_length=400), Widget("pieces")]
"""Notes and coins that were counted: "5x20.00 8x0.25"."""


def _read_day(value: Any) -> date:
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise refuse("Write the date as YYYY-MM-DD, for example 2026-03-02.")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise refuse("There is no such day: {day}.", day=value) from None


Day = Annotated[date, BeforeValidator(_read_day), WithJsonSchema({"type": "string", "format": "date"}), Widget("day")]
"""A calendar date, YYYY-MM-DD."""


def _read_rate(value: Any) -> str:
    text = str(value) if isinstance(value, Decimal) else value
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?", text):
        raise refuse('Write the rate in percent a year as text, for example "7.25".')
    try:
        Decimal(text)
    except InvalidOperation:
        raise refuse("That is not a rate: {rate}.", rate=text) from None
    return text


Rate = Annotated[str, BeforeValidator(_read_rate), Widget("rate")]
"""Percent a year as a decimal text, "7.25"; exact, never a float."""


def _read_percent(value: Any) -> str:
    text = str(value) if isinstance(value, Decimal) else value
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?", text):
        raise refuse('Write the percentage as text, for example "50".')
    if not 0 < Decimal(text) <= 100:
        raise refuse("Write a percentage above 0 and up to 100.")
    return text


Percent = Annotated[str, BeforeValidator(_read_percent), Widget("rate")]
"""A part of a whole in percent, "50", above 0 and up to 100; exact, never a float."""


_EVERY = re.compile(r"(?:([0-9]{1,4})\s+)?(day|week|month|year)s?", re.IGNORECASE)
_UNITS = ("days", "weeks", "months", "years")


def _read_every(value: Any) -> dict[str, int]:
    """How often: "1 month", "2 weeks", or {"months": 1}."""
    if isinstance(value, str) and (match := _EVERY.fullmatch(value.strip())):
        value = {f"{match[2].lower()}s": int(match[1] or 1)}
    if (
        not isinstance(value, dict)
        or len(value) != 1
        or not set(value) <= set(_UNITS)
        or not all(type(count) is int and count > 0 for count in value.values())
    ):
        raise refuse('Write how often as "1 month" or "2 weeks".')
    return value


Every = Annotated[
    dict[str, int], BeforeValidator(_read_every), Widget("text"),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}], "examples": ["1 month", {"weeks": 2}]}),
]  # fmt: skip
"""A period: the time between two due dates or two reports."""


def clean_text(value: Any) -> Any:
    """Text as it may be stored anywhere: composed (NFC), no NUL, no half characters, plain line ends."""
    if not isinstance(value, str):
        return value
    if value.isascii() and value.isprintable():  # as most are: there is nothing in it to compose or to refuse
        return value.strip()
    value = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in value):
        raise refuse("The text holds characters that cannot be printed.")
    return value


Text = Annotated[str, BeforeValidator(clean_text), Field(max_length=200), Widget("text")]
Memo = Annotated[str, BeforeValidator(clean_text), Field(max_length=500), Widget("text")]
Personal = Annotated[str, BeforeValidator(clean_text), Field(max_length=200), PersonalMark(), Widget("text")]


_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def _code(value: str) -> str:
    if value and not _CODE.fullmatch(value):
        if re.match(r"[._-]", value):
            raise refuse("Begin with a letter or a digit: {code}.", code=value[:40])
        raise refuse("Use letters, digits, points and hyphens only: {code}.", code=value[:40])
    return value


Code = Annotated[
    str, BeforeValidator(clean_text), AfterValidator(_code), Field(min_length=1, max_length=40), Widget("text")
]
"""A short name that stands in memos and account codes: G-07, D1, FIRST."""


def _hash(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"[0-9a-f]{64}", value := value.strip().lower()):
        raise refuse("A SHA-256 has 64 digits and letters from a to f.")
    return value


Sha256 = Annotated[str, BeforeValidator(_hash), Widget("text")]
"""The fingerprint of a file, as `sha256sum` prints it."""


def ref(kind: str) -> Any:
    """A code that names an existing record of that kind."""
    return Annotated[
        str,
        BeforeValidator(clean_text),
        AfterValidator(_code),
        Field(min_length=1, max_length=40),
        Widget(f"ref:{kind}"),
    ]


MemberRef = ref("member")
LoanRef = ref("loan")
FundRef = ref("fund")
DrawerRef = ref("drawer")
ProductRef = ref("product")
ApplicationRef = ref("application")
CollateralRef = ref("collateral")
SuspenseRef = ref("suspense")
NoteRef = ref("note")
FundLoanRef = ref("fund-loan")
GiftRef = ref("gift")
GrantRef = ref("grant")
BillRef = ref("bill")
ChequeRef = ref("cheque")
RequestRef = ref("request")
UserRef = ref("user")
BankAccountRef = ref("bank-account")
DifferenceRef = ref("cash-difference")
BankStatementRef = ref("bank-statement")
BankLineRef = ref("bank-line")
AssetRef = ref("asset")
PettyCashRef = ref("petty-cash")
JointOwnerRef = ref("joint-owner")
CampaignRef = ref("campaign")
BodyRef = ref("voting-body")
MeetingRef = ref("meeting")
ResolutionRef = ref("resolution")
PollRef = ref("poll")
Decided = Annotated[
    str | None, BeforeValidator(clean_text), AfterValidator(lambda value: value and _code(value)),
    Field(max_length=40, title="Resolution that decided it"), Widget("ref:resolution"),
]  # fmt: skip
"""Where an operation names the resolution that it is done under; the last field of its form."""
Decision = Annotated[Text, Field(min_length=1, title="By which decision")]
"""Where a decision may be told in words too; a resolution's number is held against it (bank/mandates.py)."""
CaseRef = ref("aid-case")
DuesRef = ref("dues")
InstitutionRef = ref("partner")
PairRef = ref("pair")
SponsorshipRef = ref("sponsorship")
RegisterRef = ref("register")
EntryRef = ref("register-entry")


@cache  # asked of each request, and the answer never changes
def personal_fields(model: type[Any]) -> frozenset[str]:
    """Names of the fields whose values can be forgotten."""
    return frozenset(
        name
        for name, info in model.model_fields.items()
        if any(isinstance(m, PersonalMark) for m in info.metadata) or "PersonalMark" in repr(info.annotation)
    )


def widget_of(info: Any) -> str:
    """The widget that a form uses for a field, "text" where nothing else is said."""
    for mark in reversed(info.metadata):
        if isinstance(mark, Widget):
            return mark.kind
    match = re.search(r"Widget\(kind='([^']+)'\)", repr(info.annotation))
    return match.group(1) if match else "text"
