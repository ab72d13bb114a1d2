"""What the bank keeps of each thing, as it stands in the sealed `record` table.

Every change is a new version that holds the whole new state, so that undoing the
latest change is a new version with the earlier body, and what was believed on any day
can be read off. Amounts are minor units, dates ISO texts, rates decimal texts.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coopbank.errors import NotABook

PersonalRef = dict[str, str]  # {"#": salted digest}


class Body(BaseModel):
    """Base of all record bodies."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # built when first used
    kind: ClassVar[str] = ""
    void: bool = False  # the operation that made it was reversed

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """A record as it was written; refused in words where the file was damaged."""
        try:
            return super().model_validate_json(json_data, **options)
        except ValidationError as error:
            raise NotABook(
                "The books are damaged: a record of kind {kind} cannot be read.", kind=cls.kind,
                hint="See what else is wrong with: coopbank verify. Then go back to a backup.",
            ) from error  # fmt: skip


class Institution(Body):
    """The book itself; ref `book`."""

    kind: ClassVar[str] = "institution"
    name: str
    institution_kind: str
    currency: str


class Policy(Body):
    """A setting that the bank decides; ref is its name."""

    kind: ClassVar[str] = "policy"
    value: Any


class Role(Body):
    """What the people of a role may do; ref is the role."""

    kind: ClassVar[str] = "role"
    operations: list[str]


class User(Body):
    """Someone who works at the counter; ref is the user name."""

    kind: ClassVar[str] = "user"
    full_name: PersonalRef
    roles: list[str]
    member: str | None = None
    active: bool = True


class Request(Body):
    """An operation that waits for a second person; ref R-00001."""

    kind: ClassVar[str] = "request"
    operation: str
    operation_version: int
    payload: dict[str, Any]
    reason: str
    asked_by: str
    asked_on: str
    state: str = "waiting"  # waiting, approved, refused, withdrawn
    decided_by: str | None = None
    why: str | None = None


class Member(Body):
    """A person or an organisation that belongs; ref M0001."""

    kind: ClassVar[str] = "member"
    entity: str  # person, organisation
    name: PersonalRef
    phone: PersonalRef | None = None
    email: PersonalRef | None = None
    address: PersonalRef | None = None
    tax_id: PersonalRef | None = None
    joined_on: str
    status: str = "active"  # active, left
    language: str = "en"


class ShareClass(Body):
    """A class of shares; ref is its control account, 901 or 903."""

    kind: ClassVar[str] = "share-class"
    name: str
    par: int
    most: int | None = None  # shares a member may hold


class Savings(Body):
    """A savings account; ref S-M0007, the leaf 905/M0007."""

    kind: ClassVar[str] = "savings"
    member: str
    account: str  # contract of the leaf: M0007, M0007-2
    opened_on: str
    annual_rate: str = "0"
    state: str = "open"


class Drawer(Body):
    """A cash drawer, the leaves 739/D1 and 735/D1; ref D1."""

    kind: ClassVar[str] = "drawer"
    owner: str | None = None
    state: str = "closed"  # open, closed
    opened_by_operation: int | None = None
    counted: int | None = None
    expected: int | None = None


class BankAccount(Body):
    """An account at a bank, the leaf 731/FIRST; its fund is POOL unless a funder wants it apart."""

    kind: ClassVar[str] = "bank-account"
    name: str
    fund: str


class Cheque(Body):
    """A cheque received; ref CH-00001."""

    kind: ClassVar[str] = "cheque"
    number: str
    amount: int
    drawer: str
    received_on: str
    received_by_operation: int
    member: str | None = None
    account: str | None = None  # the leaf that was credited, "GEN 905/M0007"
    bank_account: str | None = None
    state: str = "on-hand"  # on-hand, banked, returned


class Hold(Body):
    """Money of an account that waits: not an entry; ref H-00001, about the leaf "GEN 905/M0007"."""

    kind: ClassVar[str] = "hold"
    amount: int
    until: str
    reason: str
    state: str = "held"  # held, released


class Loan(Body):
    """A loan with its whole state; ref L-001, about its member, the leaves 701/L-001 and 781/L-001 of its fund.

    Interest runs on `owed_principal` since `segment_start`, the value date of the last
    movement. `segment_accrued` is how much of that the books have recognised so far;
    `accrued` is all interest recognised and not yet paid, earlier segments included.
    """

    kind: ClassVar[str] = "loan"
    member: str
    fund: str
    principal: int  # what was agreed
    annual_rate: str
    installments: int
    every: dict[str, int]
    first_due: str | None = None
    day_count: str
    method: str = "level"
    purpose: str = ""
    granted_on: str
    granted_by: str  # who asked for it; somebody else pays it out
    approved_by: str | None = None
    state: str = "granted"  # granted, active, paid, charged-off
    disbursed_on: str | None = None
    owed_principal: int = 0
    accrued: int = 0
    segment_start: str | None = None
    segment_accrued: int = 0
    paid_principal: int = 0
    paid_interest: int = 0
    last_paid_on: str | None = None


class Note(Body):
    """A lender's note; ref N-001, the leaves 811/N-001 and 851/N-001 of its fund. Interest as of a loan."""

    kind: ClassVar[str] = "note"
    lender: PersonalRef
    member: str | None = None  # if the lender is one
    fund: str
    note_class: str
    principal: int
    annual_rate: str
    issued_on: str
    due_on: str
    owed_principal: int
    accrued: int = 0
    segment_start: str | None = None
    segment_accrued: int = 0
    paid_principal: int = 0
    paid_interest: int = 0
    state: str = "active"  # active, repaid, renewed
    renews: str | None = None  # the note that it continues
    renewed_by: str | None = None  # the note that continues it


class Gift(Body):
    """A gift; ref G-07, about its fund; the leaves 181/G-07 and, as it is spent, 186/G-07 of that fund."""

    kind: ClassVar[str] = "gift"
    donor: PersonalRef
    fund: str
    amount: int
    purpose: str
    received_on: str
    released: int = 0


class Bill(Body):
    """A supplier's bill; ref B-00001, about the supplier; the leaf 801/SUPPLIER of its fund while it is open."""

    kind: ClassVar[str] = "bill"
    supplier: str
    number: str  # the supplier's own
    amount: int
    expense: str
    fund: str
    entered_on: str
    entered_by: str  # somebody else pays it
    gift: str | None = None
    state: str = "open"  # open, paid


class Correction(Body):
    """Savings put right after a mistake; ref K-00001, about the operation that it corrects ("operation 17")."""

    kind: ClassVar[str] = "correction"
    operation: int
    wrong_account: str
    right_account: str
    amount: int


class Opening(Body):
    """Whether opening balances may still be booked; ref `opening`."""

    kind: ClassVar[str] = "opening"
    state: str = "open"  # open, closed


class DayClose(Body):
    """What was true when a day was closed; ref is the day."""

    kind: ClassVar[str] = "day-close"
    entries: int
    head_number: int
    head_hash: str
    cash: dict[str, int] = Field(default_factory=dict)


class Refusal(Body):
    """A refusal to a signed-in person, or a failed sign-in; ref X-<operation>."""

    kind: ClassVar[str] = "refusal"
    operation: str
    code: str
    field: str | None = None
    message: str


BODIES: dict[str, type[Body]] = {cls.kind: cls for cls in Body.__subclasses__()}
"""Every kind of record."""
