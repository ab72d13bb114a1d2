"""How a file of somebody else's is laid out: what its columns mean, and how it writes days and amounts.

    Layout(columns={"Saldo": "amount"}, ignored=("Remarks",), dates="mdy")

Nothing is guessed where two people could read two things. A day is YYYY-MM-DD unless it is
said in which order its parts stand; 1,250.00 is an amount, while 1,250 is one only once it is said what the
comma is. What the cells of a spreadsheet carry besides is taken off: a currency's sign, a
percent sign, the midnight after a day. A cell that the spreadsheet itself could not work
out (#REF!, #####) is refused wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from coopbank.bank.fields import widget_of
from coopbank.errors import InvalidAmount, InvalidDate, InvalidValue, Refused, WrongUsage
from coopbank.exchange.bank_csv import DateOrder, DecimalMark, with_point
from coopbank.exchange.bank_parts import calendar_day
from coopbank.exchange.faults import Faults
from coopbank.exchange.rows import IGNORED, Record, json_of
from coopbank.money import format_amount, parse_typed, quoted

DATE_ORDERS: Final[dict[str, DateOrder]] = {"iso": "ymd", "us": "mdy", "ymd": "ymd", "mdy": "mdy", "dmy": "dmy"}
"""What the order of a day's parts may be called."""

_ERROR: Final = re.compile(r"#(REF!|N/A|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!|CALC!|#+)", re.IGNORECASE)
_ISO: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEAR_FIRST: Final = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
_YEAR_LAST: Final = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4}|[0-9]{2})")
_MIDNIGHT: Final = re.compile(r"[ T]0{1,2}:00(:00(\.0+)?)?")
_ONE_COMMA: Final = re.compile(r"[^0-9]*[0-9]{1,3},[0-9]{3}[^0-9]*")
_DECIMAL: Final = re.compile(r"-?[0-9]+(\.[0-9]*)?")
_LARGEST_FILE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Layout:
    """What is said of a file besides what stands in it."""

    columns: Mapping[str, str] = field(default_factory=dict)  # their heading: our field
    ignored: tuple[str, ...] = ()  # headings that are left out
    dates: DateOrder | None = None
    decimal: DecimalMark | None = None

    def heads(self, known: Callable[[str], str | None], fields: Collection[str]) -> Headings:
        """What this file's headings mean; `known` is what they mean where nothing is said."""
        named: dict[str, str] = {}
        spoken = [*self.ignored]
        for heading, said in self.columns.items():
            meant = known(said)
            if meant is None and (turned := known(heading)) is not None:  # written the other way round
                heading, meant = said, turned
            if meant is None:
                raise WrongUsage(
                    "No column can be {what} here.", field="map", what=quoted(said),
                    hint="Choose one of: {fields}.", fields=", ".join(fields),
                )  # fmt: skip
            named[_plain(heading)] = meant
            spoken.append(heading)
        named |= {_plain(heading): IGNORED for heading in self.ignored}
        return Headings(named, known, spoken)

    def tidied(self, record: Record, model: type[BaseModel], currency: str, faults: Faults) -> Record:
        """A row with its days, amounts and rates as the fields of a model read them; what cannot be is a fault."""
        values, bad = dict(record.values), set()
        for name, text in record.values.items():
            info = model.model_fields.get(name)
            if info is None or not isinstance(text, str):
                continue
            try:
                values[name] = self._read(text, widget_of(info), currency)
            except Refused as refusal:
                bad.add(name)
                faults.add(record.row, record.columns.get(name, name), text, refusal)
        return replace(record, values=values, bad=frozenset(bad))

    def _read(self, text: str, widget: str, currency: str) -> str:
        bare = text.replace("\u00a0", " ").replace("\u202f", " ").strip()
        if _ERROR.fullmatch(bare):
            raise InvalidValue("The spreadsheet could not work this cell out: {text}.", text=quoted(bare))
        if widget == "money":
            return self._amount(bare, currency)
        if widget == "day":
            return self._day(bare)
        return bare.removesuffix("%").rstrip() if widget == "rate" else text

    def _amount(self, text: str, currency: str) -> str:
        """An amount as the fields of operations read it; what is no amount at all they refuse themselves."""
        if self.decimal == "comma":
            return with_point(text, text) if re.search("[0-9]", text) else text
        if "," not in text:
            try:
                return text if _DECIMAL.fullmatch(text) else format_amount(parse_typed(text, currency), currency)
            except InvalidAmount:
                return text
        if self.decimal is None and _ONE_COMMA.fullmatch(text):
            raise InvalidAmount(
                "{text} can be read in two ways.", text=quoted(text),
                hint="Write it with decimals, such as 1,250.00; or say what stands before cents: --decimal point.",
            )  # fmt: skip
        return format_amount(parse_typed(text, currency), currency)

    def _day(self, text: str) -> str:
        """A day as YYYY-MM-DD; what is no day at all the field refuses."""
        if (midnight := _MIDNIGHT.search(text)) is not None and midnight.end() == len(text):
            text = text[: midnight.start()]
        if _ISO.fullmatch(text):
            return text
        if self.dates == "ymd" and (match := _YEAR_FIRST.fullmatch(text)):
            return calendar_day(*match.groups()).isoformat()
        match = _YEAR_LAST.fullmatch(text)
        if match is None:
            return text
        if self.dates is None:
            raise InvalidDate(
                "{text} can be two days.", text=quoted(text),
                hint="Write it as YYYY-MM-DD, or say how days are written: --dates us (month/day/year) or dmy.",
            )  # fmt: skip
        first, second, year = match.groups()
        if self.dates == "ymd":
            raise InvalidDate(
                "{text} does not begin with its year.", text=quoted(text), hint="It was said that days do."
            )
        if len(year) == 2:
            raise InvalidDate("The year of {text} has two digits.", text=quoted(text), hint="Write all four.")
        month, day = (first, second) if self.dates == "mdy" else (second, first)
        return calendar_day(year, month, day).isoformat()


class Headings:
    """Which field a heading means: by what was said of this file, else by its usual name."""

    def __init__(self, named: Mapping[str, str], known: Callable[[str], str | None], said: Collection[str]) -> None:
        self._named, self._known, self._said = named, known, said
        self._seen: set[str] = set()

    def __call__(self, cell: str) -> str | None:
        plain = _plain(cell)
        self._seen.add(plain)
        return self._named.get(plain) or self._known(cell)

    def note_missing(self, faults: Faults) -> None:
        """Every column that was spoken of and is not in the file is a fault."""
        for heading in self._said:
            if _plain(heading) not in self._seen:
                refusal = InvalidValue("The file has no column {column}.", column=quoted(heading))
                faults.add(None, heading, None, refusal)


def _plain(heading: str) -> str:
    return " ".join(heading.casefold().split())


# ------------------------------------------------------------------------------------- what is said


def column_pair(text: str) -> tuple[str, str]:
    """`Their column=our field`; their column may hold an equals sign."""
    heading, equals, said = text.rpartition("=")
    if not equals or not heading.strip() or not said.strip():
        raise WrongUsage(
            "{text} is no mapping of a column.", field="map", text=quoted(text),
            hint='Write their heading and our field: --map "Date joined=joined_on"',
        )  # fmt: skip
    return heading.strip(), said.strip()


def said_of_file(
    pairs: Collection[str] = (), ignored: Collection[str] = (), file: str | None = None,
    dates: str | None = None, decimal: DecimalMark | None = None,
) -> Layout:  # fmt: skip
    """A layout from options; `file` is one kept as JSON, to which they add and which they overrule."""
    kept = Layout() if file is None else read_layout(file)
    found = [column_pair(pair) for pair in pairs]
    named: dict[str, str] = {}
    for heading, said in found:
        if _plain(heading) in named:
            raise WrongUsage("{heading} is mapped twice.", field="map", heading=quoted(heading), hint="Say it once.")
        named[_plain(heading)] = said
    return Layout(
        {**{h: s for h, s in kept.columns.items() if _plain(h) not in named}, **dict(found)},
        (*kept.ignored, *ignored), kept.dates if dates is None else DATE_ORDERS[dates],
        decimal or kept.decimal,
    )  # fmt: skip


def read_layout(file: str) -> Layout:
    """A layout kept as JSON: {"columns": {"Their column": "our field"}, "ignore": [...], "dates": "us"}."""
    try:
        with Path(file).open("rb") as stream:
            content = stream.read(_LARGEST_FILE + 1)
        said = json_of(content[:_LARGEST_FILE].decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise WrongUsage(
            "{file} cannot be read: {why}.", field="map_file", file=quoted(file), why=why.lower()
        ) from error
    except InvalidValue as refusal:
        raise WrongUsage("{file}: {why}", field="map_file", file=quoted(file), why=str(refusal)) from refusal
    return _layout_of(said, file)


def _layout_of(said: Any, file: str) -> Layout:
    def text_of(value: Any) -> bool:
        return isinstance(value, str) and bool(value.strip())

    good = isinstance(said, dict) and set(said) <= {"columns", "ignore", "dates", "decimal"}
    columns, ignored = (said.get("columns", {}), said.get("ignore", [])) if good else ({}, [])
    good = good and isinstance(columns, dict) and all(text_of(each) for pair in columns.items() for each in pair)
    good = good and isinstance(ignored, list) and all(text_of(each) for each in ignored)
    good = good and said.get("dates", "iso") in (*DATE_ORDERS,) and said.get("decimal", "point") in ("point", "comma")
    if not good:
        raise WrongUsage(
            "{file} does not say how a file is laid out.", field="map_file", file=quoted(file),
            hint='It is such as {{"columns": {{"Date joined": "joined_on"}}, "ignore": ["Remarks"], "dates": "us"}}.',
        )  # fmt: skip
    return Layout(columns, tuple(ignored), DATE_ORDERS.get(said.get("dates", "")), said.get("decimal"))
