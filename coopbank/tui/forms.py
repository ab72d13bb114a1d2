"""Forms made from the catalogue: which fields an operation has, and what people may type.

A form never posts what was typed: every text is read into the strict form that requests
have ("150.00", "2026-03-02"), and what two people could read differently is refused with
what would be right. Nothing here knows Textual.
"""

from __future__ import annotations

import re
import types
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from coopbank.bank.fields import widget_of
from coopbank.bank.operation import Operation
from coopbank.errors import CoopbankError, InvalidDate, InvalidValue
from coopbank.money import LARGEST_ENTERED, format_amount, parse_typed, quoted
from coopbank.tui.choices import codes_of, in_words, left_open, list_of
from coopbank.words import _, translate

#: Fields that only matter when another field holds one of these.
RELEVANT: dict[str, tuple[str, frozenset[str]]] = {
    "bank_account": ("tender", frozenset({"transfer"})),
    "cheque_number": ("tender", frozenset({"cheque"})),
    "cheque_date": ("tender", frozenset({"cheque"})),
}

_SCHEDULED = frozenset({"TERM", "EQUAL", "SEASON"})
_REPORTED = frozenset({"SURPLUS", "REVENUE"})
_FIRST_ROWS = ("method", "principal_grace", "months", "interest_postponed", "interest_free", "principal_percent")

#: Fields that do not matter with a standard product; with one of the bank's own, all are asked for.
IDLE: dict[str, frozenset[str]] = {
    **dict.fromkeys(_FIRST_ROWS, _REPORTED | {"LINE"}),
    **dict.fromkeys(("installments", "first_due", "month_end"), _REPORTED),
    **dict.fromkeys(("annual_rate", "day_count"), frozenset({"REVENUE"})),
    **dict.fromkeys(
        ("share_percent", "cost_cap_percent", "outer_date", "loss_carry_forward", "report_days", "payment_days"),
        _SCHEDULED | {"LINE"},
    ),
    "multiple": _SCHEDULED | {"LINE", "SURPLUS"},
}

#: Fields that are plain codes to the bank, and name something that a form can offer.
NAMED = {"share_class": "share-class", "account": "savings"}


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a form."""

    name: str
    label: str
    hint: str  # the rest of a long title: "Counts from, if not today"
    kind: str  # money, day, choice, yes-no, number, rate, text, ref, lines, json, pieces
    required: bool
    default: str  # as it would be typed
    choices: tuple[tuple[str, str], ...] = ()  # value and what is shown
    ref: str = ""  # what a ref field names: member, loan ...
    many: bool = False  # several, with commas between
    longest: int = 0
    help: str = ""  # what it is for, where the label alone does not tell
    only_if: tuple[str, frozenset[str]] | None = None  # another field, and what it must hold for this one to matter
    idle_with: frozenset[str] = frozenset()  # products with which it does not matter

    def relevant(self, values: dict[str, str]) -> bool:
        """Whether the field matters with what the others hold."""
        if values.get("product", "").strip().upper() in self.idle_with:
            return False
        return self.only_if is None or self.only_if[0] not in values or values[self.only_if[0]] in self.only_if[1]


def fields_of(cls: type[Operation], currency: str) -> tuple[FieldSpec, ...]:
    """The fields of an operation's form: what must be filled in first, in the operation's own order."""
    specs = [_coded(cls, _spec(name, info, currency)) for name, info in cls.model_fields.items()]
    specs = [replace(spec, only_if=_rule(spec.name, specs)) for spec in specs]
    if "product" in cls.model_fields:
        specs = [replace(spec, idle_with=IDLE.get(spec.name, frozenset())) for spec in specs]
    return tuple(sorted(specs, key=lambda spec: (not spec.required, spec.name in RELEVANT and spec.kind == "day")))


def _rule(name: str, specs: list[FieldSpec]) -> tuple[str, frozenset[str]] | None:
    rule = RELEVANT.get(name)
    other = next((spec for spec in specs if rule is not None and spec.name == rule[0]), None)
    if rule is None or other is None:
        return None
    offered = {value for value, _shown in other.choices}
    return (rule[0], rule[1] if rule[1] & offered else frozenset({"transfer"}))  # what we pay has no cheque of theirs


def _spec(name: str, info: FieldInfo, currency: str) -> FieldSpec:
    kind, _colon, ref = widget_of(info).partition(":")
    bare, optional, many = _bare(info.annotation)
    choices = tuple((code, in_words(name, code)) for code in _choices(info.annotation))
    if kind == "text" and name in NAMED:
        kind, ref = "ref", NAMED[name]
    if kind == "text" and bare is bool:
        kind = "yes-no"
    elif kind == "text" and bare is int:
        kind = "number"
    elif kind == "roles":
        kind, many, ref = "text", True, "role"
    elif kind in ("lines", "json", "pieces"):
        many = False
    elif choices:
        kind = "choice"
    if kind == "yes-no":
        choices = (("no", _("no")), ("yes", _("yes")))
    if kind in ("choice", "yes-no") and optional:
        choices = (("", ""), *choices)  # what is left open: see choices.py
    label, hint = _short(translate(info.title or name.replace("_", " ").capitalize()))
    return FieldSpec(
        name=name, label=label, hint=hint, kind=kind,
        required=info.is_required(), default=_shown_default(info, kind, currency), choices=choices, ref=ref, many=many,
        longest=_longest(info), help=translate(info.description or ""),
    )  # fmt: skip


def _coded(cls: type[Operation], spec: FieldSpec) -> FieldSpec:
    """What an operation's own words for codes are: what is left open, and lists of which codes are typed."""
    if spec.choices and not spec.choices[0][0]:
        return replace(spec, choices=(("", left_open(cls.name, spec.name)), *spec.choices[1:]))
    kind = list_of(cls, spec.name)
    return replace(spec, kind="ref", ref=kind, hint="") if kind else spec


def _short(title: str) -> tuple[str, str]:
    """A title that fits beside its field, and what it says besides: "Number" and "if it has one (G-07)"."""
    place = re.search(r", | \(|; ", title)
    if place is None:
        return title, ""
    besides = title[place.start() :].strip(" ,;")
    if besides.startswith("(") and besides.find(")") == len(besides) - 1:
        besides = besides[1:-1]
    return title[: place.start()], besides


def _bare(annotation: Any) -> tuple[Any, bool, bool]:
    """What is inside `Annotated`, `| None` and `list`: the type, whether it may be absent, whether it is a list."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _bare(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        inner = [arg for arg in get_args(annotation) if arg is not type(None)]
        bare, _optional, many = _bare(inner[0])
        return bare, True, many
    if origin in (list, tuple):
        bare, optional, _many = _bare(get_args(annotation)[0])
        return bare, optional, True
    return annotation, False, False


def _choices(annotation: Any) -> tuple[str, ...]:
    if get_origin(annotation) is Literal:
        return tuple(str(value) for value in get_args(annotation))
    for part in get_args(annotation):
        found = _choices(part)
        if found:
            return found
    return ()


def _longest(info: FieldInfo) -> int:
    return next((m.max_length for m in info.metadata if getattr(m, "max_length", None) is not None), 0)


def _shown_default(info: FieldInfo, kind: str, currency: str) -> str:
    default = info.default
    if default is PydanticUndefined or default is None:
        return ""
    if kind == "money":
        return format_amount(default, currency) if isinstance(default, int) and default else ""
    if kind == "yes-no":
        return "yes" if default else "no"
    if isinstance(default, (list, tuple)):
        return ", ".join(str(item) for item in default)
    if isinstance(default, dict):
        return " ".join(f"{count} {unit if count != 1 else unit.rstrip('s')}" for unit, count in default.items())
    return str(default)


# ------------------------------------------------------------------------------ reading what was typed


def read_field(spec: FieldSpec, text: str, currency: str, today: date) -> Any:
    """The value that a request takes, or None for a field left empty; refused with what would be right."""
    text = text.strip()
    if not text:
        if spec.required:
            raise InvalidValue(_missing(spec), field=spec.name)
        return None
    if spec.many:
        return [part.strip() for part in re.split(r"[,;]" if spec.kind == "text" else r"[,;\s]", text) if part.strip()]
    if spec.kind == "money":
        return _read_money(spec, text, currency)
    if spec.kind == "day":
        return read_day(text, today, spec.name).isoformat()
    if spec.kind == "yes-no":
        return text == "yes"
    if spec.kind == "number":
        return _read_number(spec, text)
    if spec.kind == "json":
        return _read_json(spec, text)
    return text.rstrip("% ") if spec.kind == "rate" else text


def _missing(spec: FieldSpec) -> str:
    if spec.kind == "money":
        return "Type the amount, for example 150 or 1,250.50."
    if codes_of(spec.ref) is not None:
        return "Press F2 to choose."
    if spec.kind == "ref":
        return "Type its number, or press F2 to choose."
    return "Fill this in."


def _read_money(spec: FieldSpec, text: str, currency: str) -> str:
    return format_amount(parse_typed(text, currency, field=spec.name, largest=LARGEST_ENTERED), currency)


def _read_number(spec: FieldSpec, text: str) -> int:
    if not re.fullmatch(r"[0-9]+", text):
        raise InvalidValue(
            "{text} is not a whole number.", field=spec.name, hint="Write digits only.", text=quoted(text)
        )
    if len(text) > 9:
        raise InvalidValue(
            "{text} is too large.", field=spec.name, hint="The largest amount is {largest}.", text=quoted(text),
            largest="999,999,999",
        )  # fmt: skip
    return int(text)


def _read_json(spec: FieldSpec, text: str) -> Any:
    from coopbank.exchange.rows import json_of

    try:
        return json_of(text)
    except InvalidValue as refusal:
        refusal.field = spec.name
        raise


def read_day(text: str, today: date, field: str = "date") -> date:
    """A day as people type it: 2026-03-02, 2026/3/2, 20260302, 0302 (this year), `t` or `today`, +7, -1, 2 Mar 2026."""
    text = text.strip().lower()
    if text in _NEAR:
        return today + timedelta(days=_NEAR[text])
    if re.fullmatch(r"[+-][0-9]+", text):
        return _shifted(text, today, field)
    parts = next((found.groupdict() for form in _DAYS if (found := form.fullmatch(text))), None)
    if parts is None:
        raise _no_day(text, today, field)
    try:
        month = _MONTHS.get(parts["month"]) or int(parts["month"])
        return date(int(parts.get("year") or today.year), month, int(parts["day"]))
    except ValueError:
        raise InvalidDate(
            "There is no such day: {text}.", field=field, text=text, hint="Write year, month, day: {example}.",
            example=today.isoformat(),
        ) from None  # fmt: skip


_NEAR: Final = {
    "t": 0, "h": 0, "today": 0, "hoy": 0, "yesterday": -1, "ayer": -1, "tomorrow": 1, "mañana": 1,
}  # fmt: skip
_NAMES: Final = (
    "january february march april may june july august september october november december",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "- - - - - - - - setiembre - - -",
)
#: Months by their names, in both languages whichever is spoken, and by what people shorten them to.
_MONTHS: Final = {
    name[:length]: number
    for names in _NAMES
    for number, name in enumerate(names.split(), 1)
    for length in range(3, len(name) + 1)
}
_MONTH: Final = f"(?P<month>{'|'.join(sorted(_MONTHS, reverse=True))})\\.?"

# The year first, or none, or the month in words: anything else some read with the day first, others with the month.
_DAYS: Final = tuple(
    re.compile(form)
    for form in (
        "(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})",
        "(?P<year>[0-9]{4})([-/.])(?P<month>[0-9]{1,2})\\2(?P<day>[0-9]{1,2})",
        "(?P<month>[0-9]{2})(?P<day>[0-9]{2})",
        f"(?P<day>[0-9]{{1,2}})(?:[- ]| de ){_MONTH}(?:(?:,? |-| de | del )(?P<year>[0-9]{{4}}))?",
        f"{_MONTH} (?P<day>[0-9]{{1,2}})(?:,? (?P<year>[0-9]{{4}}))?",
    )
)
_DOUBTFUL_DAY: Final = re.compile("[0-9]{1,6}|[0-9]{1,4}([-/. ][0-9]{1,4}){1,2}")


def _no_day(text: str, today: date, field: str) -> InvalidDate:
    """Digits that may be meant in several ways, or no day at all."""
    if _DOUBTFUL_DAY.fullmatch(text):
        return InvalidDate(
            "{text} can be read in more than one way.", field=field, text=quoted(text), example=today.isoformat(),
            hint="Write year, month, day: {example}; or t for today, +7 for a week later.",
        )  # fmt: skip
    return InvalidDate(
        "{text} is not a day.", field=field, text=quoted(text), example=today.isoformat(),
        hint="Write year, month, day: {example}; or t for today, +7 for a week later.",
    )  # fmt: skip


def _shifted(text: str, today: date, field: str) -> date:
    try:
        return today + timedelta(days=int(text[:12]))
    except OverflowError:
        raise InvalidDate(
            "{text} days lead out of the calendar.", field=field, text=quoted(text),
            hint="Write year, month, day: {example}.", example=today.isoformat(),
        ) from None  # fmt: skip


def read_form(specs: tuple[FieldSpec, ...], typed: dict[str, str], currency: str, today: date) -> tuple[
    dict[str, Any], dict[str, CoopbankError]
]:  # fmt: skip
    """The request's values, and what is wrong with which field. Fields that do not matter are left out."""
    values: dict[str, Any] = {}
    faults: dict[str, CoopbankError] = {}
    for spec in specs:
        if not spec.relevant(typed):
            continue
        try:
            value = read_field(spec, typed.get(spec.name, ""), currency, today)
        except CoopbankError as fault:
            faults[spec.name] = fault
            continue
        if value is not None:
            values[spec.name] = value
    return values, faults
