"""The generic register: what its definitions say, how a value of each type is read, and the entries of a register.

A register is a kind of record that the bank defines as data: a code, titles, and fields with types. What no register
can do is move money; where one meets money (a loan that requires a course, the jobs of a loan), the module that does
reads the entries of a register that is shipped with the program (bank/shipped/*.json), by code and name of field.

    text, choice, yes-no    as they stand
    date                    ISO
    amount                  minor units
    number, hours           decimal text, no exponent
    member, loan            the number of one that there is
    entry                   the number of an entry of another register (`of`)
    document                the SHA-256 of a file that the bank keeps elsewhere

A personal value is kept apart like a name. An entry is about its first member, or else its first loan, so that
forgetting the member forgets what registers say of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.fields import Code, Counted, Day, LoanRef, MemberRef, Memo, Sha256, clean_text, refuse
from coopbank.bank.operation import plain_refusal
from coopbank.errors import InvalidValue, Unknown, WrongState
from coopbank.money import format_amount
from coopbank.words import _, language, marked

FieldType = Literal[
    "text", "date", "amount", "number", "hours", "choice", "yes-no", "member", "loan", "entry", "document"
]
COUNTED: Final = ("amount", "number", "hours")
"""Types of which entries can be added up."""
SHIPPED: Final = Path(__file__).with_name("shipped")
CHOICES: Final = (
    marked("housing"), marked("farm"), marked("commercial"), marked("open"), marked("baseline"), marked("projected"),
    marked("actual"), marked("payroll"), marked("statement"), marked("visit"), marked("other"), marked("idea"),
    marked("plan"), marked("pilot"), marked("ready"), marked("applied"), marked("lent"), marked("stopped"),
    marked("books"), marked("market"), marked("law"), marked("members"), marked("production"), marked("building"),
    marked("office"), marked("care"), marked("teaching"),
)  # fmt: skip
"""Choices of shipped registers, so that they are said in the reader's language where entries are counted by them."""


class RegisterField(BaseModel):
    """A field of a register."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,29}$")
    type: FieldType
    title: dict[str, str]
    required: bool = False
    personal: bool = False
    total: bool = False  # is added up
    choices: list[str] = []
    of: str = ""  # the register that an entry is of
    retired: bool = False  # entries may have it, new ones do not

    @property
    def label(self) -> str:
        """Its title in the language in force."""
        return self.title.get(language()) or next(iter(self.title.values()), self.name)


class Definition(BaseModel):
    """What a file of bank/shipped holds, and what a record of a register says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    code: str
    title: dict[str, str]
    fields: list[RegisterField]
    dated_by: str | None = None  # the date that says in which period an entry counts; when it was entered, if none
    count_by: str | None = None  # a choice by whose values entries are counted apart
    keepers: list[str] = []  # roles that keep it; all that may at all, if empty

    @property
    def label(self) -> str:
        """Its title in the language in force."""
        return self.title.get(language()) or next(iter(self.title.values()), self.code)

    def field(self, name: str) -> RegisterField | None:
        """A field by its name."""
        return next((field for field in self.fields if field.name == name), None)

    @property
    def live(self) -> list[RegisterField]:
        """The fields of new entries."""
        return [field for field in self.fields if not field.retired]


@cache
def shipped() -> dict[str, Definition]:
    """The definitions that come with the program, by code."""
    found = [Definition.model_validate_json(path.read_bytes()) for path in sorted(SHIPPED.glob("*.json"))]
    return {definition.code: definition for definition in found}


def definition_of(code: str, body: records.Register) -> Definition:
    """A register's record as a definition."""
    return Definition(
        code=code, title=body.title, fields=[RegisterField.model_validate(field) for field in body.fields],
        dated_by=body.dated_by, count_by=body.count_by, keepers=body.keepers,
    )  # fmt: skip


def register_named(books: Books, code: str, field: str = "register_code") -> Definition:
    """A register of the bank; refuses one that it does not keep."""
    body = books.find(records.Register, code)
    if body is None:
        raise Unknown(
            "There is no register {code}.", field=field, code=code[:40],
            hint="See what there is with coopbank registers, or define it (define-register).",
        )  # fmt: skip
    return definition_of(code, body)


def open_register(books: Books, code: str) -> Definition:
    """A register that takes entries."""
    found = register_named(books, code)
    if books.get(records.Register, code).state != "kept":
        raise WrongState("Register {code} is not kept any more.", field="register_code", code=code)
    return found


def entries_of(books: Books, code: str) -> list[tuple[str, records.RegisterEntry]]:
    """The entries of a register as they are now, in the order of their numbers; none if there is no such register."""
    rows = books.tx.rows(
        "SELECT r.ref, r.body FROM record r WHERE r.kind = ? AND r.ref > ? AND r.ref < ? AND r.version ="
        " (SELECT max(version) FROM record l WHERE l.kind = r.kind AND l.ref = r.ref) ORDER BY length(r.ref), r.ref",
        records.RegisterEntry.kind, f"{code}-", f"{code}.",
    )  # fmt: skip
    found = [(ref, records.RegisterEntry.model_validate_json(text)) for ref, text in rows]
    return [(ref, body) for ref, body in found if not body.void]


def counted(entries: list[tuple[str, records.RegisterEntry]]) -> Iterator[tuple[str, records.RegisterEntry]]:
    """The entries but for those that were a mistake."""
    return ((ref, body) for ref, body in entries if body.state != "mistaken")


def naming(books: Books, entry: str) -> list[str]:
    """The entries of all registers that name this one, but for mistakes: leases of a parcel."""
    found = []
    for code, body in books.every(records.Register):
        fields = [f.name for f in definition_of(code, body).fields if f.of == entry.rpartition("-")[0]]
        for ref, each in counted(entries_of(books, code)) if fields else ():
            if any(each.values.get(name) == entry for name in fields):
                found.append(ref)
    return found


def date_of(definition: Definition, entry: records.RegisterEntry) -> str:
    """The day in whose period an entry counts, ISO."""
    said = entry.values.get(definition.dated_by or "")
    return str(said) if isinstance(said, str) else entry.entered_on


# -------------------------------------------------------------------------------------- values


_DIGITS: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")


def _number(value: Any) -> Any:
    text = str(value) if type(value) is int else clean_text(value)
    # Not all that Decimal reads: 1_0 is ten there, and so are the digits of every other script.
    if not isinstance(text, str) or len(text) > 16 or not _DIGITS.fullmatch(text):
        raise refuse('Write a number in digits, for example "2" or "1.5".')
    number = Decimal(text)
    if not 0 <= number < 10**9 or (number * 10_000) % 1:
        raise refuse("Write a number from 0 to 999999999, with at most four decimals.")
    return plain_number(number)


def plain_number(number: Decimal) -> str:
    """A number in as few digits as it takes: 1.5, 40, 0."""
    text = format(number if number else Decimal(0), "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _hours(value: str) -> str:
    if Decimal(value) > 8784:  # of a leap year
        raise refuse("A year has no more than 8784 hours.")
    return value


def _yes_no(value: Any) -> Any:
    known = {"yes": True, "no": False, "true": True, "false": False, "sí": True, "si": True}
    return known.get(value.strip().casefold(), value) if isinstance(value, str) else value


Number = Annotated[str, BeforeValidator(_number)]
READERS: Final[dict[str, Any]] = {
    "text": Memo, "date": Day, "amount": Counted, "number": Number, "hours": Annotated[Number, AfterValidator(_hours)],
    "choice": Memo, "yes-no": Annotated[bool, BeforeValidator(_yes_no)], "member": MemberRef, "loan": LoanRef,
    "entry": Code, "document": Sha256,
}  # fmt: skip


@cache
def _reader(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(READERS[kind])


def read_value(field: RegisterField, raw: Any) -> Any:
    """A value as it is kept; refused with the name of the field."""
    place = f"values.{field.name}"
    try:
        value = _reader(field.type).validate_python(raw)
    except ValidationError as error:
        why = plain_refusal(error).message
        raise InvalidValue("{name}: {why}", field=place, name=field.name, why=why) from error
    if field.type == "choice" and value not in field.choices:
        raise InvalidValue(
            "{name}: choose one of {choices}.", field=place, name=field.name, choices=", ".join(field.choices)
        )
    return value.isoformat() if field.type == "date" else value


def value_faults(field: RegisterField, value: Any) -> str | None:
    """What is wrong with a value that is kept, for `verify`; None if nothing is."""
    if isinstance(value, dict):
        return None if field.personal and set(value) == {"#"} else "is no value"
    if field.personal:
        return "is not kept apart"
    if field.type in ("amount", "yes-no"):
        wanted = bool if field.type == "yes-no" else int
        return None if type(value) is wanted else f"is no {field.type}"
    if value == "-0" and field.type in ("number", "hours"):
        return None  # as earlier versions kept it
    try:
        return None if read_value(field, value) == value else f"is no {field.type}"
    except InvalidValue as refusal:
        return str(refusal)


def shown_value(field: RegisterField, value: Any, currency: str) -> str:
    """A value as people read it; a personal one only as far as it was opened before."""
    if value is None:
        return ""
    if field.type == "amount" and isinstance(value, int):
        return format_amount(value, currency)
    if field.type == "yes-no":
        return _("yes") if value else _("no")
    return str(value)
