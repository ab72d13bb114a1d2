"""What the bank keeps of each thing, as it stands in the sealed `record` table.

Every change is a new version that holds the whole new state, so that undoing the
latest change is a new version with the earlier body, and what was believed on any day
can be read off. Amounts are minor units, dates ISO texts, rates decimal texts.

Annotations are evaluated here, and not kept as texts, which pydantic would compile one by one.
"""

from functools import lru_cache
from typing import Any, ClassVar, Self, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coopbank.errors import DatabaseVersion, NotABook

PersonalRef = dict[str, str]  # {"#": salted digest}
SEALED = "sealed:1:"  # begins a personal value that is encrypted, see keyring.py


class Body(BaseModel):
    """Base of all record bodies."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # built when first used
    kind: ClassVar[str] = ""
    remembered: ClassVar[bool] = False  # every operation asks for it: read once and kept, and only ever looked at
    met: ClassVar[bool] = False  # one of many, of which a till asks for the same again; only ever looked at
    void: bool = False  # the operation that made it was reversed

    @classmethod
    def read(cls, text: str) -> Self:
        """The body of a text that the books hold."""
        return cast("Self", _remembered(cls, text)) if cls.remembered else cls.model_validate_json(text)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """A record as it was written; refused in words where it was damaged, or written by a newer program."""
        try:
            return super().model_validate_json(json_data, **options)
        except ValidationError as error:
            if all(fault["type"] == "extra_forbidden" for fault in error.errors()):  # whole, and with more than we know
                raise DatabaseVersion(
                    "A newer coopbank wrote in these books: a record of kind {kind} holds more than this one knows.",
                    kind=cls.kind, hint="Use that version, or a newer one.",
                ) from error  # fmt: skip
            raise NotABook(
                "The books are damaged: a record of kind {kind} cannot be read.", kind=cls.kind,
                hint="See what else is wrong with: coopbank verify. Then go back to a backup.",
            ) from error  # fmt: skip


@lru_cache(maxsize=512)
def _remembered(cls: type[Body], text: str) -> Body:
    return cls.model_validate_json(text)


class Institution(Body):
    """The book itself; ref `book`."""

    kind: ClassVar[str] = "institution"
    name: str
    institution_kind: str
    currency: str


class Policy(Body):
    """A setting that the bank decides; ref is its name."""

    kind: ClassVar[str] = "policy"
    remembered: ClassVar[bool] = True
    value: Any


class Role(Body):
    """What the people of a role may do, and up to which amounts; ref is the role. Amounts in minor units."""

    kind: ClassVar[str] = "role"
    remembered: ClassVar[bool] = True
    operations: list[str]
    alone: dict[str, int] = {}  # operation: above it a second person
    most: dict[str, int] = {}  # operation: above it not at all
    a_day: int | None = None  # of all a person's operations of one day together: above it a second person
    edition: int = 1  # of the catalogue that the list knows; what came later belongs to who it was made for


class SigningKey(Body):
    """The book's public keys, as hex; ref `key`, a version for each key."""

    kind: ClassVar[str] = "signing-key"
    sign: str
    seal: str
    endorsement: str | None = None  # signature of the key before over this one


class CloseSignature(Body):
    """The signature of a close; ref is the number of the operation that closed, about the key's first digits."""

    kind: ClassVar[str] = "close-signature"
    text: str
    key: str
    signature: str


class User(Body):
    """Someone who works at the counter; ref is the user name."""

    kind: ClassVar[str] = "user"
    remembered: ClassVar[bool] = True
    full_name: PersonalRef
    roles: list[str]
    member: str | None = None
    active: bool = True
    relatives: list[str] = []  # member numbers that they do not serve either
    one_time_code: bool = False  # signing in takes a code as well
    must_change: bool = False  # somebody else knows their passphrase


class SignInReset(Body):
    """That a colleague's sign-in may be renewed, agreed by a second person where there is one; ref is the user name."""

    kind: ClassVar[str] = "sign-in-reset"
    state: str = "open"  # open, used
    passphrase: bool = True  # an administrator may set a new one, once
    codes: bool = False  # their one-time codes have ended
    asked_by: str
    agreed_by: str | None = None  # None: nobody else could have
    until: str  # last business day on which the passphrase may be set


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
    met: ClassVar[bool] = True
    entity: str  # person, organisation
    name: PersonalRef
    phone: PersonalRef | None = None
    email: PersonalRef | None = None
    address: PersonalRef | None = None
    tax_id: PersonalRef | None = None
    joined_on: str
    status: str = "active"  # active, left
    language: str = "en"
    forgotten_on: str | None = None  # every personal value of theirs was erased on that day


class JointOwner(Body):
    """Somebody besides the member on an account of theirs; ref J-00001, about the member.

    Joint owners and authorised signers take money out while the member lives; beneficiaries and joint owners are
    paid after the member's death.
    """

    kind: ClassVar[str] = "joint-owner"
    member: str
    account: str = ""  # contract of a savings account, M0007-2; empty: all that the member has
    role: str  # joint-owner, authorised-signer, beneficiary
    person: str | None = None  # their own member number, if they have one
    name: PersonalRef | None = None  # if they have none
    added_on: str
    state: str = "active"  # active, removed
    removed_on: str | None = None


class Death(Body):
    """That a member died; ref is the member."""

    kind: ClassVar[str] = "death"
    died_on: str
    evidence: PersonalRef  # what shows it
    recorded_on: str
    state: str = "recorded"  # recorded, mistaken


class Contact(Body):
    """What is known of contact with a member beside what they did with their accounts; ref is the member."""

    kind: ClassVar[str] = "contact"
    lost_since: str | None = None
    last: str | None = None  # when contact was had last, as somebody noted it
    how: PersonalRef | None = None
    noticed_on: str | None = None  # the notice that money is unclaimed was sent


class Unclaimed(Body):
    """Money of a member that nobody claimed, set apart for the state; ref UP-00001, about its state.

    The leaf 893/M0007 of its fund holds what is set apart and not paid to the state yet.
    """

    kind: ClassVar[str] = "unclaimed"
    member: str
    on: str
    accounts: dict[str, int]  # "GEN 905/M0007": minor units
    last_contact: str = ""  # not known of what old records had set apart
    state: str = "set apart"  # set apart, paid
    paid_on: str | None = None
    report: str = ""  # the state's report that it was paid with


class Forgotten(Body):
    """That a member, a case of aid or a refused request was forgotten; ref is theirs. With the digests erased."""

    kind: ClassVar[str] = "forgotten"
    on: str
    left_on: str
    before_time: bool = False  # two people said that the years of retention need not be waited for
    digests: list[str]


class ShareClass(Body):
    """A class of shares; ref is its control account, 901 or 903."""

    kind: ClassVar[str] = "share-class"
    name: str
    par: int
    most: int | None = None  # shares a member may hold
    presentation: str = "equity"  # equity, liability: whether its dividend is a distribution or an expense
    dividend_cap: str = ""  # percent a year; empty: the policy `dividend_cap`
    notice_days: int = 0  # between acceptance of a redemption and its payment
    yearly_cap: str = ""  # percent of the class at the year's beginning that is redeemed in a year; empty: no cap
    queue: bool = True  # redemptions are paid in the order of their acceptance
    resolution: str = ""
    installments: str = "waiting"  # until a share is full (875); at-once: they are share capital as they come


class Sponsorship(Body):
    """Shares of a member that a fund paid for; ref SP-0001, about the member."""

    kind: ClassVar[str] = "sponsorship"
    member: str
    share_class: str
    fund: str
    amount: int
    resolution: str
    on: str
    returned: int = 0

    @property
    def left(self) -> int:
        """What goes back to the fund when the shares end, minor units."""
        return self.amount - self.returned


class Dividend(Body):
    """A dividend on a class of shares for a year; ref 2026-901, about the year. What each member got is its entry."""

    kind: ClassVar[str] = "dividend"
    year: str
    share_class: str
    rate: str  # percent a year
    basis: str  # average, year-end
    presentation: str  # as the class was presented when it was declared
    total: int  # minor units
    members: int
    resolution: str
    on: str


class SurplusRules(Body):
    """How a year's surplus is divided; ref `surplus-rules`, a version for each decision.

    Steps are taken in their order: {"to": "regular" | "indivisible", "percent"}, {"to": "fund", "fund", "percent"},
    {"to": "dividend", "share_class", "rate"}, {"to": "patronage", "basis", "percent"}. Percentages are of the result;
    those of patronage are of what the members' own business left after the steps before the first of them.
    """

    kind: ClassVar[str] = "surplus-rules"
    steps: list[dict[str, str]]
    outside: dict[str, str] = {}  # account: percent of it that is no business with members, and is kept in 940
    cash: str = "20"  # percent of each notice that is paid in money
    qualified: bool = True
    consent: str = ""  # the bylaw by which members consent, of qualified notices
    resolution: str


class PatronageHours(Body):
    """Hours that members worked in a year, as a basis of patronage; ref is the year. Hours by member, decimals."""

    kind: ClassVar[str] = "patronage-hours"
    hours: dict[str, str]
    source: str


class Surplus(Body):
    """The division of a year's surplus; ref is the year, first as proposed, then as voted and posted.

    `each` is the SHA-256 of what every member is to get, so that what is posted is what was proposed.
    """

    kind: ClassVar[str] = "surplus"
    rules: int  # version of the rules
    result: int  # of GEN, by the closing of the year
    kept: int  # of business that is not members'
    steps: list[dict[str, Any]]  # those of the rules, with "base", "amount", "measured"
    left: int  # stays in 940
    cash: int  # of patronage: in money
    retained: int
    members: int  # who get patronage
    each: str
    state: str = "proposed"  # proposed, allocated
    on: str
    resolution: str = ""
    redemption: str = ""  # what the notices say of the retained part


class CapitalInterest(Body):
    """A year's interest on internal capital accounts; ref is the year. What each worker got is its entry."""

    kind: ClassVar[str] = "capital-interest"
    rate: str  # percent a year
    basis: str  # average, year-end
    total: int
    members: int
    resolution: str
    on: str


class CapitalLoss(Body):
    """What of a year's loss the internal capital accounts bore, pro rata; ref is the year."""

    kind: ClassVar[str] = "capital-loss"
    amount: int
    members: int
    resolution: str
    on: str


class PatronageRedeemed(Body):
    """Retained patronage of a vintage that became payable; ref 2021-<operation>, about the vintage."""

    kind: ClassVar[str] = "patronage-redeemed"
    vintage: str
    amount: int
    members: int
    nonqualified: int = 0  # of the amount: taxable to the member now
    resolution: str
    on: str


class Redemption(Body):
    """Shares that a member gives back: accepted, and paid when the class allows; ref RD-00001, about its state."""

    kind: ClassVar[str] = "redemption"
    member: str
    share_class: str
    amount: int
    accepted_on: str
    payable_on: str
    state: str = "waiting"  # waiting, paid
    paid_on: str | None = None


class Savings(Body):
    """A savings account; ref S-M0007, the leaf 905/M0007."""

    kind: ClassVar[str] = "savings"
    met: ClassVar[bool] = True
    member: str
    account: str  # contract of the leaf: M0007, M0007-2
    opened_on: str
    annual_rate: str = "0"
    state: str = "open"


class SavingsInterest(Body):
    """Interest credited to all savings for a quarter; ref is the quarter, 2026-Q2."""

    kind: ClassVar[str] = "savings-interest"
    on: str
    total: int  # minor units
    accounts: int
    withheld: int = 0


class Drawer(Body):
    """A cash drawer, the leaves 739/D1 and 735/D1; ref D1."""

    kind: ClassVar[str] = "drawer"
    remembered: ClassVar[bool] = True
    owner: str | None = None
    state: str = "closed"  # open, closed
    opened_by_operation: int | None = None
    counted: int | None = None
    expected: int | None = None


class CashDifference(Body):
    """What a count found beyond the policy, until somebody else has signed it; ref D1-<operation>, about its state."""

    kind: ClassVar[str] = "cash-difference"
    drawer: str
    owner: str
    short: int  # minor units; over is negative
    on: str
    state: str = "open"  # open, signed
    signed_by: str | None = None


class BankAccount(Body):
    """An account at a bank, the leaf 731/FIRST; its fund is POOL unless a funder wants it apart."""

    kind: ClassVar[str] = "bank-account"
    name: str
    fund: str


class BankInterest(Body):
    """Interest that the bank paid on an account; ref FIRST/2026-01-31 (the last of its days), about the account."""

    kind: ClassVar[str] = "bank-interest"
    bank_account: str
    start: str
    end: str
    amount: int
    shares: dict[str, int]  # by fund, minor units


class BankStatement(Body):
    """A statement of a bank account as the bank gave it; ref BS-00001, about the account. Its lines are `BankLine`."""

    kind: ClassVar[str] = "bank-statement"
    bank_account: str
    start: str
    end: str
    opening: int  # balances by the bank, minor units
    closing: int
    lines: int
    number_ends: str = ""  # the last characters of the account's number in the bank's file
    why: str = ""  # it was withdrawn


class BankLine(Body):
    """A line of a bank's statement; ref BS-00001.12, about its account, a version for every match.

    The first statement of an account brings the balance that it begins with as its line 0. What the
    bank says of a line names people, so it is kept apart.
    """

    kind: ClassVar[str] = "bank-line"
    bank_account: str
    bank_id: str  # the bank's own number of it, or what stands for one
    on: str
    amount: int  # minor units; what came in is positive
    text: PersonalRef | None = None
    reference: PersonalRef | None = None
    match: str | None = None  # the match that it is part of


class BankMatch(Body):
    """Lines of the bank and postings of the books that are the same money; ref BM-00001, about the account."""

    kind: ClassVar[str] = "bank-match"
    bank_account: str
    lines: list[str]
    postings: list[list[int]]  # entry and line
    amount: int  # of either side
    state: str = "matched"  # matched, undone
    why: str = ""  # it was undone


class BankMark(Body):
    """Whether the bank's statements show a posting; ref 17.2, its entry and line, about its account."""

    kind: ClassVar[str] = "bank-mark"
    match: str | None = None


class Reconciliation(Body):
    """What two people signed about a bank account at the end of a day; ref FIRST/2026-03-31, about the account.

    by_bank + in_transit - outstanding - unrecognised = by_books, to the cent.
    """

    kind: ClassVar[str] = "reconciliation"
    bank_account: str
    on: str
    by_bank: int  # minor units
    in_transit: int  # in the books and not yet at the bank, the amounts that come in
    outstanding: int  # the amounts that go out, as a positive number
    unrecognised: int  # at the bank and not yet in the books, with its sign
    by_books: int
    open_postings: list[list[Any]] = []  # entry, line, day, amount
    open_lines: list[list[Any]] = []  # ref of the line, day, amount
    as_of: int  # the operation up to which the books were read
    prepared_by: str
    prepared_on: str
    reviewed_by: str | None = None
    reviewed_on: str | None = None
    state: str = "signed"  # signed, reviewed, reopened
    why: str = ""  # it was reopened


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


class Product(Body):
    """A kind of loan that the bank offers; ref is its code. Loans keep the version that they were granted under."""

    kind: ClassVar[str] = "product"
    title: str
    repayment: str  # schedule, line, surplus, revenue
    terms: dict[str, Any] = {}  # what a loan has where nothing else is said, as the terms' document
    least: int | None = None  # amounts lent, minor units
    most: int | None = None
    most_rate: str | None = None  # percent a year
    most_installments: int | None = None
    order: list[str] = ["fees", "interest", "principal"]  # what a payment goes to first
    early: str = "next"  # what more than the running row does: next, shorten, lower
    late_fee: dict[str, Any] | None = None  # {"flat": minor} or {"percent": "5"}, and "after_days"
    funds: list[str] = []  # that may lend it; any if empty
    course: str = ""  # that a borrower completes first, by its title in the register COURSES
    set_off: bool = False  # what is overdue may be paid out of what the borrower is owed
    keeps_share: bool = False  # who is late keeps one membership share
    state: str = "offered"  # offered, withdrawn


class SetOff(Body):
    """What was owed to a borrower and paid what was overdue; ref SO-0001, about the loan."""

    kind: ClassVar[str] = "set-off"
    loan: str
    member: str
    payable: str  # 821, 823, 825
    amount: int
    bylaw: str
    on: str


class Application(Body):
    """What somebody asked to borrow, and what became of it; ref A-001, about the member."""

    kind: ClassVar[str] = "application"
    member: str
    product: str
    amount: int
    purpose: str
    asked_on: str
    entered_by: str
    state: str = "open"  # open, granted, declined, withdrawn
    loan: str | None = None
    reasons: list[str] = []  # of a refusal, as codes of bank/operations/applications.py
    explained: PersonalRef | None = None  # what was said besides to the applicant
    decided_by: str | None = None
    decided_on: str | None = None


class Loan(Body):
    """A loan; ref L-001, about its member, the leaves 701/L-001, 781/L-001 and so on in each of its funds.

    What happened to it stands in its events (`LoanEvent`), what was agreed in its terms
    (`LoanTerms`). `told` is the state that the events lead to (bank/lending), as of the last of
    them; `book` is what the books have posted of it, cumulative by fund and flow, with interest
    up to `accrued_to` (that day not counted).
    """

    kind: ClassVar[str] = "loan"
    member: str
    product: str
    product_version: int
    repayment: str  # schedule, line, surplus, revenue
    funds: dict[str, int]  # fund: share, of their sum
    principal: int  # what was agreed, or the limit of a line
    annual_rate: str  # in force
    purpose: str = ""
    granted_on: str
    granted_by: str  # who asked for it; somebody else pays it out
    approved_by: str | None = None
    application: str | None = None
    state: str = "granted"  # granted, active, paid, charged-off, cancelled
    terms: int = 1  # version of the terms in force
    modified: bool = False  # its terms were eased because the borrower could not pay
    disbursed_on: str | None = None
    events: int = 0  # how many there were, those taken back included
    accrued_to: str | None = None
    told: dict[str, Any] = {}
    book: dict[str, dict[str, int]] = {}
    grade: str | None = None  # of risk, as last decided
    reserve: int | None = None  # a specific allowance instead of the table's
    borne: dict[str, int] = {}  # of a loss: what each still bears, as bank/waterfall.py names it; or a reserve's fund
    participants: dict[str, int] = {}  # share of each peer that owns a part, of the sum of all shares
    servicing: str = "0"  # what part of a peer's interest is ours for servicing it, a fraction
    replaced_by: str | None = None  # the loan that refinanced it
    place: str = ""  # where its money works

    @property
    def fund(self) -> str:
        """The fund that lends most of it."""
        return max(self.funds, key=lambda fund: self.funds[fund])

    @property
    def shares(self) -> dict[str, int]:
        """Who owns which share: funds, and peers as `RLF@PF-1`, whose cash passes through the leading fund."""
        return {**self.funds, **{f"{self.fund}@{peer}": share for peer, share in self.participants.items()}}


class LoanTerms(Body):
    """What was agreed on a loan, from a day on; ref L-001, a version for every change."""

    kind: ClassVar[str] = "loan-terms"
    repayment: str
    document: dict[str, Any]  # loan terms without the money, or those of a share of surplus or revenue
    order: list[str] = ["fees", "interest", "principal"]
    early: str = "next"
    late_fee: dict[str, Any] | None = None
    change: str = "granted"  # granted, rate, due-date, extension, re-amortization, holiday, outer-date
    from_day: str
    why: str = ""


class LoanEvent(Body):
    """Something that happened to a loan; ref L-001.00007, about the loan. Void once it was taken back."""

    kind: ClassVar[str] = "loan-event"
    number: int
    type: str  # see bank/lending/facts.py
    on: str  # its value date: the day from which it counts
    data: dict[str, Any] = {}


class LossWaterfall(Body):
    """Who bears the losses of a fund's loans, in order; ref is the fund. Each decision is a version."""

    kind: ClassVar[str] = "loss-waterfall"
    steps: list[list[Any]]  # kind, whose, what it keeps (minor units): ["notes", "B", 0]
    resolution: str
    why: str = ""


class LossAttribution(Body):
    """Who bore a loss when a loan was charged off; ref is the loan. What is still borne of it stands in the loan."""

    kind: ClassVar[str] = "loss-attribution"
    on: str
    funds: dict[str, int]  # each fund's loss, minor units
    waterfalls: dict[str, int]  # the version of each fund's waterfall
    held: dict[str, int]  # what each fund had provided for it before
    shares: dict[str, list[list[Any]]]  # by fund: place, absorber, amount


class Collateral(Body):
    """Something bought with a loan that secures it; ref C-001, about the loan."""

    kind: ClassVar[str] = "collateral"
    loan: str
    asset: str
    cost: int
    paid_from: int  # the operation that paid the loan out, or a part of it, for the asset
    pledged_on: str
    lien: str = ""  # where it is registered
    state: str = "pledged"  # pledged, released, mistaken: it was never bought with the loan
    released_on: str | None = None
    why: str = ""


class Suspense(Body):
    """Money at the bank that nobody recognised; ref U-00001, about its state, part of 872 of GEN while any is left."""

    kind: ClassVar[str] = "suspense"
    amount: int
    left: int  # not cleared yet
    received_on: str  # the bank's day, from which it ages
    bank_account: str
    statement: PersonalRef | None = None  # what the bank's statement says of it
    state: str = "open"  # open, cleared


class AllowanceTable(Body):
    """Rates by which losses are provided for, from a day on; ref `allowance`."""

    kind: ClassVar[str] = "allowance-table"
    from_day: str
    author: str
    buckets: dict[str, str]  # bucket of lateness: percent
    grades: dict[str, str]  # grade of risk: percent
    commitments: str = "0"  # percent of what is promised and cannot be cancelled
    why: str = ""


class Provision(Body):
    """A month's reckoning of the allowance, kept whole; ref is the month."""

    kind: ClassVar[str] = "provision"
    on: str
    table: int  # version of the allowance table
    lines: list[list[Any]]  # fund, loan, bucket, days, grade, balance, percent or "specific", amount
    required: dict[str, int]  # by fund: what 719 is to hold
    before: dict[str, int]  # by fund: what it held
    promised: dict[str, int] = {}  # by fund: what is promised and not paid out
    commitments: dict[str, int] = {}  # by fund: what 863 is to hold for it
    commitments_before: dict[str, int] = {}


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


class NoteClass(Body):
    """A class of notes, as it was voted; ref is the class. A lower rank is paid first, and bears losses last."""

    kind: ClassVar[str] = "note-class"
    title: str
    rank: int
    most_rate: str | None = None  # percent a year
    ceiling: int | None = None  # what may be owed on all its notes together
    resolution: str
    why: str = ""


class FundLoan(Body):
    """What one fund lent to another; ref IF-001, about the fund that owes; the leaves 728/OWES and 878/LENDS."""

    kind: ClassVar[str] = "fund-loan"
    from_fund: str
    to_fund: str
    amount: int
    owed: int
    lent_on: str
    due_on: str
    resolution: str
    state: str = "open"  # open, repaid


class Programme(Body):
    """What a funder asks of the loans of a fund; ref is the fund. Each decision is a version."""

    kind: ClassVar[str] = "programme"
    funder: str
    agreement: str
    least_rate: str | None = None  # percent a year
    most_rate: str | None = None
    largest_loan: int | None = None  # minor units
    purposes: list[str] = []  # any if empty
    places: list[str] = []
    security: str = "any"  # any, none
    reserve: str = "none"  # none, cash, book
    reserve_percent: str | None = None  # of what is lent
    reserve_account: str | None = None
    why: str = ""


class Gift(Body):
    """A gift; ref G-07, about its fund; the leaves 181/G-07 and, as it is spent, 186/G-07 of that fund."""

    kind: ClassVar[str] = "gift"
    donor: PersonalRef
    fund: str
    amount: int
    purpose: str
    received_on: str
    released: int = 0
    land_use: str | None = None  # it buys land of this use, and nothing else: housing, farm, commercial, open


class Grant(Body):
    """A grant on a condition; ref CG-01, about its fund. 862/CG-01 holds what is neither earned nor returned."""

    kind: ClassVar[str] = "grant"
    funder: PersonalRef
    fund: str
    amount: int
    condition: str
    received_on: str
    earned: int = 0
    returned: int = 0

    @property
    def left(self) -> int:
        """What is still owed to the funder, minor units."""
        return self.amount - self.earned - self.returned


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


class Asset(Body):
    """Something that lasts; ref FA-001, about its state, the leaves 751/FA-001 and 759/FA-001 of its fund.

    What is to be written off, `cost - residual - taken_over`, is spread over `life_months` calendar months that
    begin with the month of `in_use_from`; `depreciated` is what was written off through the month `through`,
    `taken_over` included. What was taken over pays for `months_before` of them, so the others bear the rest.
    """

    kind: ClassVar[str] = "asset"
    name: str
    account: str  # 751 equipment, 771 land, 772 buildings
    fund: str
    cost: int
    residual: int = 0
    life_months: int | None = None  # land has none
    in_use_from: str
    booked_on: str  # nothing is written off in a month that was over by then
    place: str = ""  # where it is, or its serial number
    bill: str | None = None
    gift: str | None = None  # that paid for it
    taken_over: int = 0  # written off before it was entered
    months_before: int = 0  # of its life, over by then and paid for by what was taken over
    depreciated: int = 0
    through: str = ""  # the last month that was reckoned, 2026-03
    state: str = "in use"  # in use, disposed
    disposed_on: str | None = None
    proceeds: int = 0
    why: str = ""


class Depreciation(Body):
    """A month's depreciation of all assets; ref is the month."""

    kind: ClassVar[str] = "depreciation"
    on: str
    total: int
    lines: dict[str, int]  # by asset


class PettyCash(Body):
    """Cash that one person keeps for small payments; ref PETTY, the leaf 739/PETTY of POOL. It may stay out overnight.

    While it is open, what is in it, the vouchers since the last refill, and what counts found short since then
    (below zero: over) come to its float.
    """

    kind: ClassVar[str] = "petty-cash"
    holder: str | None = None
    float_amount: int = 0
    state: str = "closed"  # open, closed
    opened_by_operation: int | None = None
    short: int = 0
    counted: int | None = None
    expected: int | None = None


class Voucher(Body):
    """A receipt paid out of petty cash; ref V-00001, about that petty cash."""

    kind: ClassVar[str] = "voucher"
    petty_cash: str
    supplier: str
    receipt: str  # the supplier's number of it
    amount: int
    expense: str
    fund: str
    paid_on: str
    state: str = "open"  # open, refilled


class Budget(Body):
    """What a fund, or a gift, is to bring in and spend in a year; ref 2026-GEN, or 2026-EDU-G-07, about the year.

    Each decision is a version, the first of them the budget as it was first voted.
    """

    kind: ClassVar[str] = "budget"
    year: int
    fund: str
    gift: str | None = None
    lines: dict[str, int]  # by account, on the side where the account normally stands
    resolution: str
    why: str = ""


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
    loans: dict[str, Any] = {}  # all loans at its end: see Summary of bank/lending/delinquency.py


class YearClose(Body):
    """The closing of a year; ref is the year. Its entries' numbers, and each fund's result, a surplus positive."""

    kind: ClassVar[str] = "year-close"
    entries: list[int]
    results: dict[str, int]


GOOD = "good"


class Batch(Body):
    """What one operation decided for many members, and how far it is carried out; ref BT-00001 (bank/groups.py).

    About the operation that decided it.
    """

    kind: ClassVar[str] = "batch"
    decided_by: int  # number of the operation
    carried_by: str  # kind of the operations that carry it out
    request: dict[str, str] = Field(default_factory=dict)  # what these say beside their batch and their place in it
    memo: str  # of their entries
    on: str  # their day
    due: int = 0  # account that holds what is not passed on yet; 0: several do, or it comes from the members' own
    dues: list[tuple[int, int]] = Field(default_factory=list)  # if several do: each, and what was left there
    total: int  # minor units that it was to pass on
    parts: int
    done: int = 0


class BatchPart(Body):
    """The lines of one entry that carries out a part of a batch; ref BT-00001-0001."""

    kind: ClassVar[str] = "batch-part"
    # account and minor units, debit +; an account that there was not yet is opened: 945/M0007/2026, held by M0007
    lines: list[tuple[int | str, int]] = Field(default_factory=list)
    loans: list[str] = Field(default_factory=list)  # where a part is reckoned when it is carried out, of which loans


class Backup(Body):
    """A backup that was verified after it was written; ref BK-00001, about the name of its file."""

    kind: ClassVar[str] = "backup"
    file: str  # its name, without the folder
    at: str
    number: int  # of the last operation in it
    head: str  # and the first 16 hex digits of that one's hash
    sha256: str  # of the file
    size: int
    encrypted: bool


class Drill(Body):
    """A backup that was restored apart, to see that it can be; ref DR-00001, about the name of its file."""

    kind: ClassVar[str] = "drill"
    file: str
    at: str
    number: int | None = None  # of the last operation in it, where it could be read
    head: str | None = None
    sha256: str
    outcome: str  # good, or the code of the refusal


class Document(Body):
    """A document that was made; ref is its number, about what it is about. Each further copy of it is a version.

    The hashes are kept like names: over what names a person they could be guessed after that person was forgotten.
    """

    kind: ClassVar[str] = "document"
    document: str  # kind, as coopbank/statements/kinds.py names it
    about: str = ""  # M0007, L-010 ...
    start: str = ""
    end: str = ""
    edition: int = 1
    replaces: str | None = None  # the number of the edition before
    as_of: int  # the operation up to which the books were read
    head: str  # first 16 hex digits of that operation's hash
    figures: PersonalRef  # SHA-256 of what it shows
    file: PersonalRef  # SHA-256 of this copy's bytes
    language: str
    paper: str
    print_size: str
    software: str
    made_by: str


class AidCase(Body):
    """A solidarity grant; ref S-01, about its fund. Whom it was for and why is kept apart, and can be forgotten."""

    kind: ClassVar[str] = "aid-case"
    aid_kind: str  # telephone, ride, funeral, food, rent, energy, medicine, childcare, strike, other
    amount: int  # minor units
    fund: str
    gift: str | None = None
    paid_to: str  # biller, recipient
    given_on: str
    given_by: list[str]  # who asked for it, and who approved
    recipient: PersonalRef
    need: PersonalRef
    criteria: PersonalRef
    relation: PersonalRef
    recipient_member: PersonalRef | None = None
    official: bool = False  # of an official's household
    resolution: str = ""
    returned: int = 0  # of the amount, what came back
    receipted: int = 0  # for how much of it there are receipts
    receipts: list[PersonalRef] = []
    files: list[PersonalRef] = []  # SHA-256 of scanned receipts
    forgotten_on: str | None = None


class Register(Body):
    """A register that the bank keeps beside its books; ref is its code, a version for each change of its fields.

    Its fields are `RegisterField` of bank/institution_registers.py.
    """

    kind: ClassVar[str] = "register"
    title: dict[str, str]  # by language
    fields: list[dict[str, Any]]
    dated_by: str | None = None
    count_by: str | None = None
    keepers: list[str] = []
    shipped: bool = False  # its fields are those that the program reads
    state: str = "kept"  # kept, ended


class RegisterEntry(Body):
    """An entry of a register; ref JOBS-00001, about its first member, or else its first loan.

    What is personal is kept apart; amounts are minor units, other numbers decimal texts.
    """

    kind: ClassVar[str] = "register-entry"
    register_version: int
    values: dict[str, Any]
    entered_on: str
    state: str = "open"  # open, closed, mistaken
    closed_on: str | None = None
    why: str = ""  # of the last change
    fixed: list[str] = []  # fields that an entry of the books posted, and that stay as they are


class ParcelDisposal(Body):
    """A parcel that went, with buildings on it; ref PARCELS-00001 as its entry, about the parcel (P-057)."""

    kind: ClassVar[str] = "parcel-disposal"
    fund: str
    parcel: str
    cost: int
    buildings: dict[str, int]  # what each stood at, minor units
    price: int
    deed: str
    resolution: str
    covenant_kept: bool
    why: str
    on: str


class DonatedWork(Body):
    """Skilled work that was given and improves a building; ref DW-001, about the building. Leaf 772/B-1 of the fund."""

    kind: ClassVar[str] = "donated-work"
    building: str
    fund: str
    hours: str
    hourly: int  # minor units
    amount: int
    work: str
    source: str  # where that cost of an hour is from
    on: str


class Partner(Body):
    """An institution of the network that keeps its own book; ref is its code, as in 892/TRUST and 792/TRUST."""

    kind: ClassVar[str] = "partner"
    name: str
    book: str  # the number of its book, which the first operation there holds


class Pair(Body):
    """This book's half of what one institution owes another; ref IP-0001, about the institution."""

    kind: ClassVar[str] = "pair"
    institution: str
    side: str  # owes, is owed
    reference: str  # given by who owes, the same in both books
    amount: int
    fund: str
    on: str
    memo: str
    settled: int = 0
    their_operation: int | None = None  # that entered the other half, as we confirmed it
    their_head: str | None = None  # first 16 hex digits of that operation's hash


class GroundRent(Body):
    """Rent of a ground lease for a month; ref LEASES-00001/2026-03, about the lease."""

    kind: ClassVar[str] = "ground-rent"
    month: str
    paid: int
    fund: str


class Dues(Body):
    """Dues of a member co-operative for a year; ref DU-001, about the member. 791/DU-001 holds what is open."""

    kind: ClassVar[str] = "dues"
    member: str
    year: int
    amount: int
    paid: int = 0


class Campaign(Body):
    """Members asked to confirm their balances; ref V-001, about its state. What was drawn follows from seed and books.

    Balances are those of the end of `day` by effective date, as the books knew them at operation `as_of`, which is the
    one that began the campaign.
    """

    kind: ClassVar[str] = "campaign"
    form: str  # positive: everybody is to answer; negative: only who does not agree
    population: str  # shares, savings, loans, all
    day: str
    as_of: int
    selection: str  # dollar-unit, random, all
    seed: str = ""
    size: int | None = None
    interval: int | None = None  # of dollar units, as given or as reckoned from the size
    start: int | None = None
    with_empty: bool = False
    count: int  # accounts with something in them
    total: int
    empty: int  # accounts with nothing in them
    negative: int  # accounts on the wrong side, all of which are asked about
    selected: int
    selected_total: int
    started_by: str
    state: str = "open"  # open, closed, given-up
    conclusion: str = ""


class Confirmation(Body):
    """One balance that a member is asked to confirm; ref V-001.905/M0007, about its campaign."""

    kind: ClassVar[str] = "confirmation"
    campaign: str
    account: str  # 905/M0007, L-010
    member: str
    balance: int  # as a member reads it: positive in shares and savings, and what is owed on a loan
    stratum: str  # top, drawn, negative, all, empty
    state: str = "asked"  # asked, agrees, differs, returned, none
    replied_on: str | None = None
    right: int | None = None  # what the member says is right, where it differs
    finding: str | None = None  # of an exception: what it came to, as codes of bank/operations/confirmations.py
    why: str = ""
    correction: int | None = None  # the operation that put it right


class VotingBody(Body):
    """Members who decide together, each with one vote; ref is its code, ASSEMBLY."""

    kind: ClassVar[str] = "voting-body"
    name: str
    form: str  # assembly: all members; committee, council: those who hold a seat
    quorum_percent: str = "0"  # of those who may vote
    quorum_least: int = 2  # persons, however small the body
    notice_days: int
    majorities: dict[str, str] = {}  # by kind of resolution, where it is not simple: see finance/voting.py
    state: str = "active"  # active, dissolved


class Seat(Body):
    """A member's seat on a committee or council; ref LOANS.M0007, about the body. A further term is a new version."""

    kind: ClassVar[str] = "seat"
    body: str
    member: str
    from_day: str
    until: str  # last day of the term
    elected_by: str = ""  # resolution or poll
    state: str = "held"  # held, ended
    ended_on: str | None = None
    why: str = ""


class Meeting(Body):
    """A meeting of a body; ref MT-00001, about the body.

    Who is on its roll follows from the body, the record date and `called`: see bank/voting.py.
    """

    kind: ClassVar[str] = "meeting"
    body: str
    on: str
    notice_sent_on: str
    record_date: str  # members since then, or seats held on that day
    called: int  # the operation that called it
    roll: int  # how many may vote
    quorum_percent: str
    quorum_least: int
    agenda: str = ""
    state: str = "called"  # called, cancelled
    why: str = ""


class Resolution(Body):
    """A matter that a meeting decides; ref RES-00001, about the meeting. Its majority is the body's of then."""

    kind: ClassVar[str] = "resolution"
    meeting: str
    body: str
    matter: str  # loan, allocation, policy, election, surplus, transfer, other
    text: str
    about: str = ""  # A-001, M0007, L-010, a fund, a policy, an operation
    amount: int | None = None  # what may be done under it in all; without one it serves once
    until: str | None = None  # last day on which something may be done under it
    once: bool = False  # one loan and no second, even where some of its amount is left
    terms: dict[str, str] = {}  # of a loan: its product, and at most this annual_rate and so many installments
    majority: str = "simple"
    state: str = "open"  # open, carried, rejected, no-quorum, withdrawn
    manner: str = ""  # by-name, by-count, ballots
    in_favour: int = 0
    against: int = 0
    abstained: int = 0
    recused: int = 0
    closed_on: str | None = None
    sheet: int = 0  # version of the application's credit memo that was voted on
    why: str = ""
    poll: str = ""  # whose ballots decided it, for
    option: str = ""


class Vote(Body):
    """How a member voted; ref RES-00001.M0007, about the resolution. Who has an interest is recused."""

    kind: ClassVar[str] = "vote"
    resolution: str
    member: str
    vote: str  # for, against, abstain, recused
    why: str = ""


class Poll(Body):
    """A secret ballot; ref PL-00001, about the meeting. Who has a ballot and what the ballots say are kept apart."""

    kind: ClassVar[str] = "poll"
    meeting: str
    body: str
    form: str  # allocation, election
    question: str
    options: list[list[Any]]  # code, title, and the sum asked for in minor units, 0 in an election
    fund: str = ""  # whose money is allotted
    pot: int = 0
    committee: str = ""  # on which seats are elected
    seats: int = 0
    voters: int = 0  # how many have a ballot, once the poll is closed
    state: str = "open"  # open, closed, no-quorum, counted, declared, withdrawn
    why: str = ""


class BallotGiven(Body):
    """That a member was given a ballot; ref PL-00001.M0007, about the poll."""

    kind: ClassVar[str] = "ballot-given"
    poll: str
    member: str


class BallotBox(Body):
    """What the ballots of a poll say, without names and in no order; ref is the poll."""

    kind: ClassVar[str] = "ballot-box"
    ballots: dict[str, int]  # what a ballot says: how many say just that
    digest: str  # SHA-256 of the box as a text: finance/voting.py
    missing: str = ""  # why there are fewer than were given


class CreditMemo(Body):
    """What voters on a loan may read, if the borrower agrees; ref is the application, about the same."""

    kind: ClassVar[str] = "credit-memo"
    terms: str  # the term sheet
    memo: PersonalRef
    written_by: str


class MemoConsent(Body):
    """Whether the borrower agrees that voters read the credit memo; ref is the application, about the same."""

    kind: ClassVar[str] = "memo-consent"
    given: bool
    how: PersonalRef  # what shows it: a signed form, a call
    on: str


class Mandate(Body):
    """An operation that a body decides first; ref is the operation, about the body."""

    kind: ClassVar[str] = "mandate"
    operation: str
    body: str
    above: int | None = None  # minor units; without it always
    state: str = "in-force"  # in-force, lifted


class ResolutionUse(Body):
    """Something done under a resolution; ref RES-00001.123, about the resolution. Void once it was reversed."""

    kind: ClassVar[str] = "resolution-use"
    resolution: str
    operation: int
    what: str
    amount: int | None = None


class Refusal(Body):
    """A refusal to a signed-in person, or a failed sign-in; ref X-<operation>."""

    kind: ClassVar[str] = "refusal"
    operation: str
    code: str
    field: str | None = None
    message: str


BODIES: dict[str, type[Body]] = {cls.kind: cls for cls in Body.__subclasses__()}
"""Every kind of record."""
