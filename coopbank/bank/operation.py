"""What an operation is: one pydantic model with a `perform`, which every door reads.

A subclass registers itself in `CATALOGUE` under its name. Its fields are what a person
fills in; `perform` says what that writes, by calling the desk; everything around it
(who may do it, the second person, idempotency, sealing, the receipt) is the same for
all and stands in bank.py.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from coopbank.bank.fields import personal_fields
from coopbank.errors import InvalidValue, Unknown
from coopbank.words import marked

if TYPE_CHECKING:
    from coopbank.bank.books import Books
    from coopbank.bank.desk import Desk

LONGEST_NAME = 60
"""Characters of a name that are told again in a refusal."""

#: Every operation by name; filled by the modules of `coopbank.bank.operations`.
CATALOGUE: dict[str, type[Operation]] = {}

TELLER, LOAN_OFFICER, TREASURER = "teller", "loan-officer", "treasurer"
ADMINISTRATOR, AUDITOR, SUPERVISOR = "administrator", "auditor", "supervisor"
EDITION = 2
"""Of the catalogue: raised with every release that brings operations, which books that exist then know."""

ROLES = (TELLER, LOAN_OFFICER, TREASURER, ADMINISTRATOR, AUDITOR, SUPERVISOR)

UNCHARTERED, CHARITY, CREDIT_UNION = "unchartered-coop", "charity", "credit-union"
WORKER_COOP = "worker-coop"  # a farm, a caterer: its own book, whose members are its workers
INSTITUTION_KINDS = (UNCHARTERED, CHARITY, CREDIT_UNION, WORKER_COOP)
A_KIND: Final = {
    UNCHARTERED: marked("A co-operative without a charter"), CHARITY: marked("A charity"),
    CREDIT_UNION: marked("A credit union"), WORKER_COOP: marked("A worker co-operative"),
}  # fmt: skip
"""How a sentence about an institution of each kind begins; no article can be put before a name that is a value."""


class Operation(BaseModel):
    """Base of all operations. The docstring of a subclass is what its form says on top."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # built when first used

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    subject: ClassVar[str] = ""
    version: ClassVar[int] = 1
    roles: ClassVar[tuple[str, ...]] = ()
    approvers: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR, SUPERVISOR)
    second_person: ClassVar[bool] = False
    offered_by: ClassVar[tuple[str, ...]] = INSTITUTION_KINDS
    internal: ClassVar[bool] = False  # performed by the program only: no door offers it
    reversible: ClassVar[bool] = True
    since: ClassVar[int] = 1  # edition of the catalogue that brought it
    erases: ClassVar[bool] = False  # its traces in the file are cleared after it
    carries_out: ClassVar[bool] = False  # before and after it, what is on its way in groups is (bank/groups.py)
    foretold: ClassVar[tuple[str, ...]] = ()  # notes that who asks is told too: they can be mended until it is approved
    reckons_ahead: ClassVar[bool] = False  # what takes seconds is reckoned before the book is locked, see `reckon`
    signed: ClassVar[bool] = False  # a close, to be signed with the book's key
    decided_as: ClassVar[tuple[str, ...]] = ()  # matters of a resolution that it may be done under (bank/mandates.py)
    decided_about: ClassVar[tuple[str, ...]] = ()  # fields that say what it is about, beside those that name a record
    decided_always: ClassVar[tuple[str, ...]] = ()  # what it is about whatever its fields say
    decided_amount: ClassVar[str] = "amount"  # the field that a resolution's amount limits

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.name and "name" in cls.__dict__:
            CATALOGUE[cls.name] = cls

    @abstractmethod
    def perform(self, desk: Desk) -> None:
        """Say what is written: entries, accounts and records, through the desk."""

    def reckon(self, books: Books) -> object:
        """What it reckons before the book is locked, for `perform` to find as `desk.reckoned`; None if nothing.

        Asked only of those that `reckons_ahead`. `perform` looks whether it still holds.
        """
        return None

    def second_reason(self, desk: Desk) -> str | None:
        """Why a second person must approve, or None. By default the class decides."""
        return "This always needs a second person." if self.second_person else None

    def serves(self, desk: Desk) -> set[str]:
        """Numbers of the members whose affairs this touches; nobody serves their own."""
        member = getattr(self, "member", None)
        return {member} if isinstance(member, str) else set()

    def moves(self, desk: Desk) -> int | None:
        """What it moves, in minor units, for the limits of roles; None for one that has no amount or sets a limit."""
        amount = getattr(self, "amount", None)
        return amount if type(amount) is int and self.subject != "staff" else None

    def document(self) -> dict[str, Any]:
        """The request as JSON, without what was left at its default of None."""
        return self.model_dump(mode="json", exclude_none=True)

    @classmethod
    def personal(cls) -> frozenset[str]:
        """Fields that are sealed as digests."""
        return personal_fields(cls)

    def sealed(self, keep: Callable[[str, str], dict[str, str]]) -> dict[str, Any]:
        """The request as it may be sealed: personal values as the digests that `keep` gives for them."""
        request, personal = self.document(), self.personal()
        if personal:
            for name in sorted(personal & request.keys()):  # the same order, so the same nonces, in every run
                request[name] = keep(name, request[name])
        return request


# pydantic has read these. Left here, it would evaluate them anew for each of two hundred subclasses.
Operation.__annotations__.clear()


def role_may(role: str, operations: Collection[str], edition: int, name: str) -> bool:
    """Whether a role may do an operation; `operations` and `edition` are those of its record."""
    cls = CATALOGUE.get(name)
    return name in operations or (cls is not None and cls.since > edition and role in cls.roles and not cls.internal)


def powers_of(role: str, operations: list[str], edition: int) -> frozenset[str]:
    """What a role may do: what its record lists, and what the catalogue brought for it since that was written."""
    return frozenset((*operations, *(name for name in CATALOGUE if role_may(role, (), edition, name))))


def operation_named(name: str) -> type[Operation]:
    """The operation of that name that a door may offer; underscores are read as hyphens."""
    found = CATALOGUE.get(name.replace("_", "-"))
    if found is None or found.internal:
        raise Unknown(
            "There is no operation called {name}.", field="operation", name=_cut(name),
            hint="See the list with: coopbank operations",
        )  # fmt: skip
    return found


def build(name: str, values: dict[str, Any]) -> Operation:
    """An operation from untyped values; the first wrong field is refused in plain words."""
    cls = operation_named(name)
    try:
        return cls.model_validate(values)
    except ValidationError as error:
        raise plain_refusal(error) from error


def plain_refusal(error: ValidationError) -> InvalidValue:
    """The first fault of a validation, as a sentence that names the field."""
    return plain_refusals(error)[0]


def plain_refusals(error: ValidationError) -> list[InvalidValue]:
    """Every fault of a validation."""
    return [_plain(fault) for fault in error.errors()]


def _cut(name: str) -> str:
    """A name that somebody made up, which may be of any length."""
    return name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…"


def _plain(fault: ErrorDetails) -> InvalidValue:
    name = ".".join(_cut(str(part)) for part in fault["loc"]) or None
    kind = fault["type"]
    if kind == "missing":
        return InvalidValue("{field_name} is missing.", field=name, field_name=name)
    if kind == "extra_forbidden":
        return InvalidValue("There is no field called {field_name} here.", field=name, field_name=name)
    return _in_plain_words(fault, name) or InvalidValue("{why}", field=name, why=_sentence(fault["msg"], name))


def _in_plain_words(fault: ErrorDetails, name: str | None) -> InvalidValue | None:
    """What pydantic's own checks find, for people who have never heard of it."""
    kind = fault["type"]
    if kind == "literal_error":
        choices = fault["ctx"]["expected"].replace(" or ", ", ")
        return InvalidValue("Choose one of: {choices}.", field=name, choices=choices)
    if kind.startswith("int_"):
        return InvalidValue("Write a whole number, in digits only.", field=name)
    if kind.startswith("bool_"):
        return InvalidValue("Write yes or no.", field=name)
    if kind == "string_type":
        return InvalidValue("Write a text here, in quotation marks if this is JSON.", field=name)
    if kind == "list_type":
        return InvalidValue("Write a list here, even of one.", field=name)
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return InvalidValue("Write an object of fields here, as JSON has them.", field=name)
    return _wrong_size(fault, name)


def _wrong_size(fault: ErrorDetails, name: str | None) -> InvalidValue | None:
    """Too long, too short, too large or too small."""
    kind, limits, given = fault["type"], fault.get("ctx", {}), fault["input"]
    if kind in ("string_too_long", "too_long") and isinstance(given, str):
        return InvalidValue(
            "This is {count} characters long; write at most {most}.", field=name, count=len(given),
            most=limits["max_length"],
        )  # fmt: skip
    if kind == "too_long":
        return InvalidValue("There is room for {most} here, not more.", field=name, most=limits["max_length"])
    if kind == "too_short" and not isinstance(given, str):
        return InvalidValue("At least {least} must be named here.", field=name, least=limits["min_length"])
    if kind in ("string_too_short", "too_short"):
        return InvalidValue("This may not be empty.", field=name)
    if kind == "greater_than_equal":
        return InvalidValue("Write a number of {least} or more.", field=name, least=limits["ge"])
    if kind == "less_than_equal":
        return InvalidValue("Write a number of {most} or less.", field=name, most=limits["le"])
    return None


def _sentence(message: str, name: str | None) -> str:
    text = message.removeprefix("Value error, ")
    text = f"{name}: {text}" if text[:1].islower() or text.startswith(("Input", "String")) else text
    return text if text.endswith((".", "!", "?")) else text + "."


class Effect(NamedTuple):
    """A leaf before and after, in minor units with their sign (debit +)."""

    fund: str
    code: str
    name: str
    currency: str
    before: int
    after: int


class ReceiptLine(NamedTuple):
    """One posting as a receipt or a review shows it."""

    fund: str
    code: str
    name: str
    amount: int
    currency: str


class ReceiptEntry(NamedTuple):
    """An entry as a receipt or a review shows it; number 0 before it is posted."""

    number: int
    memo: str
    effective_on: str
    lines: tuple[ReceiptLine, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of an operation. `status`: done, pending, repeated, or preview before it is posted."""

    status: str
    number: int
    kind: str
    title: str
    business_date: str
    at: str
    actor: str
    approver: str | None
    head: str
    request: str | None = None  # R-00012 when it waits for a second person
    reason: str | None = None
    notes: tuple[tuple[str, str], ...] = ()  # label and value, in the words of the operation
    created: tuple[str, ...] = ()  # numbers given: M0061, L-021
    entries: tuple[ReceiptEntry, ...] = ()
    effects: tuple[Effect, ...] = ()
    wishes: tuple[str, ...] = ()  # what a door may do next: "statement M0007"
    then: tuple[Receipt, ...] = ()  # what it set off: the operation that an approval lets happen
