"""Solidarity grants: small aid that is given and never asked back, out of a fund that is kept for it.

Two of the care committee decide, neither the recipient nor kin. The entry and the sealed request say the number of
the case and the kind of need; who it was for, why, by which criteria and how they are related to whoever decides
are kept apart like names, encrypted where the book has a key, and can be forgotten (forget-case). There is no
schedule: what comes back is a returned payment.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.books import FORGOTTEN, LOCKED, Books
from coopbank.bank.campaign_guard import require_none_named, require_payee
from coopbank.bank.contact import number_of
from coopbank.bank.desk import Desk, Move, fold
from coopbank.bank.fields import (
    CaseRef,
    Code,
    FundRef,
    GiftRef,
    MemberRef,
    Memo,
    Money,
    Personal,
    PersonalMark,
    Sha256,
    Text,
    Widget,
)
from coopbank.bank.operation import ADMINISTRATOR, LOAN_OFFICER, TREASURER, Operation
from coopbank.bank.operations.forgetting import digests_written_with, erase
from coopbank.bank.operations.funds import fund_class, release, require_own_expense
from coopbank.bank.operations.savings import FUND, shown
from coopbank.bank.tender import Paying, Receiving
from coopbank.errors import (
    AlreadyExists,
    InvalidAmount,
    InvalidValue,
    KeysLocked,
    LimitReached,
    NotAllowed,
    OwnAccount,
    WrongState,
)
from coopbank.finance.periods import add_months

AID = "366"
KEEPERS = (LOAN_OFFICER, TREASURER, ADMINISTRATOR)
"""Who may read a case: roles whose passphrases open the book's key."""

AidKind = Annotated[
    Literal["telephone", "ride", "funeral", "food", "rent", "energy", "medicine", "childcare", "strike", "other"],
    Widget("choice"), Field(title="Kind of need"),
]  # fmt: skip
PersonalMember = Annotated[MemberRef, PersonalMark()]
PersonalHash = Annotated[Sha256, PersonalMark()]


class GiveAid(Paying):
    """Give a solidarity grant: aid, not a loan. Two of the care committee decide; nobody pays it back."""

    name: ClassVar[str] = "give-aid"
    title: ClassVar[str] = "Give a solidarity grant"
    subject: ClassVar[str] = "solidarity"
    decided_as: ClassVar[tuple[str, ...]] = ("allocation",)
    roles: ClassVar[tuple[str, ...]] = KEEPERS
    approvers: ClassVar[tuple[str, ...]] = KEEPERS
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    recipient: Annotated[Personal, Field(min_length=1, title="Who it is for")]
    aid_kind: AidKind
    amount: Money
    need: Annotated[Personal, Field(min_length=1, title="What happened, and what it is needed for")]
    criteria: Annotated[Personal, Field(min_length=1, title="Which criteria of the fund are met")]
    relation: Annotated[Personal, Field(min_length=1, title="How they are related to whoever decides (none)")]
    recipient_member: Annotated[PersonalMember | None, Field(title="Their member number, if they have one")] = None
    official: Annotated[bool, Field(title="Of the household of an official or worker of the bank")] = False
    resolution: Annotated[Text, Field(title="Resolution of the assembly, for an official's household")] = ""
    fund: Annotated[FundRef | None, Field(title="Fund, if not the solidarity fund")] = None
    gift: Annotated[GiftRef | None, Field(title="Gift that pays for it")] = None
    paid_to: Annotated[Literal["biller", "recipient"], Widget("choice"), Field(title="Paid to")] = "biller"
    number: Annotated[Code | None, Field(title="Number of the case, if it has one (S-14)")] = None
    biller: Annotated[Personal | None, Field(min_length=1, title="Who is paid, if a biller is")] = None

    def serves(self, desk: Desk) -> set[str]:
        """The recipient: neither they nor their kin ask for it or approve it."""
        return set() if self.recipient_member is None else {self.recipient_member}

    def perform(self, desk: Desk) -> None:
        self._require_readable()
        _require_committee(desk)
        self._require_neither(desk)
        self._require_assembly(desk)
        fund = self.fund or str(desk.policy("solidarity_fund", "SOL"))
        desk.fund_exists(fund)
        self._require_within(desk)
        self._require_no_campaign(desk, fund)
        case = self._own_number(desk)
        cheque = f", {self.cheque_number}" if self.cheque_number else ""
        moves, owner = self._given(desk, fund)
        desk.post(f"Case {case}, {self.aid_kind}{cheque}", [*moves, *self.pay(desk, owner, self.amount)])
        self._register(desk, case, owner)
        desk.note("Case", case)
        desk.note("Given", shown(desk, self.amount))

    def _require_readable(self) -> None:
        if LOCKED in (self.recipient, self.need, self.criteria, self.relation, self.recipient_member, self.biller):
            raise KeysLocked(
                "This case is encrypted, and the book's key is not open.", field="need",
                hint="Sign in with a passphrase that opens it.",
            )  # fmt: skip

    def _require_neither(self, desk: Desk) -> None:
        """Refuse who gives it to themselves under their own name; kin is known by member number (`serves`)."""
        if self.recipient_member is not None:
            desk.get(records.Member, self.recipient_member, "recipient_member")
        for user in filter(None, (desk.actor.user, desk.approver)):
            known = desk.find(records.User, user)
            if known is not None and fold(desk.personal(known.full_name)) == fold(self.recipient):
                raise OwnAccount(
                    "Nobody gives aid to themselves: {user}.", field="recipient", user=user,
                    hint="Two others of the committee decide.",
                )  # fmt: skip

    def _require_assembly(self, desk: Desk) -> None:
        """An official's household is helped by resolution of the assembly only."""
        member = self.recipient_member
        officials = [user for _name, user in desk.every(records.User) if user.active]
        kin = any(member is not None and member in (user.member, *user.relatives) for user in officials)
        if (self.official or kin) and not self.resolution:
            raise NotAllowed(
                "The household of an official or worker is helped by resolution of the assembly only.",
                field="resolution", hint="Bring it before the assembly, and name its resolution.",
            )  # fmt: skip

    def _require_no_campaign(self, desk: Desk, fund: str) -> None:
        """No aid to a campaign, in its own name or by its bill: while there are any, who is paid is said."""
        require_none_named(desk, {"recipient": self.recipient, "recipient_member": self.recipient_member}, [fund],
                           self.gift)  # fmt: skip
        if self.paid_to == "biller":
            require_payee(desk, self.biller, fund, self.gift, "biller")

    def _require_within(self, desk: Desk) -> None:
        """The caps per case, and per recipient and calendar year."""
        per_case = desk.amount_policy("solidarity_case", CASE_CAP)
        if self.amount > per_case:
            raise LimitReached(
                "A case is helped with at most {limit}.", field="amount", limit=shown(desk, per_case),
                hint="Give less, or change the policy solidarity_case.",
            )  # fmt: skip
        per_year = desk.amount_policy("solidarity_year", YEAR_CAP)
        year = str(desk.business_day.year)
        before = sum(
            case.amount - case.returned for _ref, case in desk.every(records.AidCase)
            if case.given_on.startswith(year) and self._same(desk, case)
        )  # fmt: skip
        if before + self.amount > per_year:
            raise LimitReached(
                "The same recipient has had {given} this year; with this it is more than {limit}.", field="amount",
                given=shown(desk, before), limit=shown(desk, per_year),
                hint="Give less, or change the policy solidarity_year.",
            )  # fmt: skip

    def _same(self, desk: Desk, case: records.AidCase) -> bool:
        """Whether an earlier case was for the same recipient, by number or by name."""
        name, member = desk.personal(case.recipient), desk.personal(case.recipient_member)
        if LOCKED in (name, member):
            raise KeysLocked(
                "Earlier cases are encrypted, and the book's key is not open.", field="recipient",
                hint="Sign in with a passphrase that opens it.",
            )  # fmt: skip
        if self.recipient_member is not None and member:
            return bool(member == self.recipient_member)
        return name != FORGOTTEN and same_name(name) == same_name(self.recipient)

    def _given(self, desk: Desk, fund: str) -> tuple[list[Move], str]:
        """The expense and its release, and the fund whose money pays."""
        if self.gift is not None:
            gift, moves = release(desk, self.gift, self.amount, AID)
            if self.fund not in (None, gift.fund):
                raise InvalidValue(
                    "Gift {gift} is in fund {fund}.", field="fund", gift=self.gift, fund=gift.fund,
                    hint="Name that fund, or none.",
                )  # fmt: skip
            return moves, gift.fund
        require_own_expense(desk, fund)
        return aid_moves(desk, fund, self.amount), fund

    def _own_number(self, desk: Desk) -> str:
        if self.number is None:
            return desk.next_ref("aid-case", "S-", 2)
        if desk.version(records.AidCase.kind, self.number):
            raise AlreadyExists("There is a case {number} already.", field="number", number=self.number)
        desk.created.append(self.number)
        return self.number

    def _register(self, desk: Desk, case: str, fund: str) -> None:
        member = self.recipient_member
        body = records.AidCase(
            aid_kind=self.aid_kind, amount=self.amount, fund=fund, gift=self.gift, paid_to=self.paid_to,
            given_on=desk.business_day.isoformat(), given_by=[desk.actor.user, desk.approver or ""],
            recipient=desk.keep("recipient", self.recipient), need=desk.keep("need", self.need),
            criteria=desk.keep("criteria", self.criteria), relation=desk.keep("relation", self.relation),
            recipient_member=None if member is None else desk.keep("recipient_member", member),
            official=self.official, resolution=self.resolution,
        )  # fmt: skip
        desk.write(case, body, about=fund)


CASE_CAP, YEAR_CAP = "250.00", "500.00"
"""What a case is helped with at most, and a recipient in a year, where no policy says otherwise."""


def aid_moves(desk: Desk, fund: str, amount: int) -> list[Move]:
    """Aid given out of a fund's money: an expense of the general fund, and what is released for it."""
    if fund == FUND:
        return [(FUND, AID, amount)]
    if fund_class(desk, fund) not in ("restricted", "designated"):
        raise InvalidValue(
            "Fund {fund} is lent or kept, and not given away.", field="fund", fund=fund,
            hint="Name the solidarity fund, or the general one.",
        )  # fmt: skip
    return [(FUND, AID, amount), (FUND, "185", -amount), (fund, "186", amount)]


def same_name(text: str) -> str:
    """A name as it is compared: blanks, points and case do not make another person of somebody."""
    return " ".join(sorted(re.sub(r"[\W_]+", " ", fold(text)).split()))


def _require_committee(desk: Desk) -> None:
    """Where the bank has named its care committee, both who ask and who approve are of it."""
    named = str(desk.policy("care_committee", "")).replace(",", " ").split()
    for user in filter(None, (desk.actor.user, desk.approver)):
        if named and user not in named:
            raise NotAllowed(
                "{user} is not of the care committee.", field="recipient", user=user,
                hint="Two of them decide: {names}.", names=", ".join(named),
            )  # fmt: skip


# ------------------------------------------------------------------------------------- afterwards


class _OnCase(Operation):
    """Common to what happens to a case that was paid."""

    case: CaseRef

    def serves(self, desk: Desk) -> set[str]:
        found = desk.find(records.AidCase, self.case)
        return set() if found is None else {desk.personal(found.recipient_member)} - {"", LOCKED, FORGOTTEN}


class FileAidReceipt(_OnCase):
    """File the receipt or the paid bill of a case. The paper stays in the folder; its fingerprint is sealed."""

    name: ClassVar[str] = "file-aid-receipt"
    title: ClassVar[str] = "File a receipt of a case"
    subject: ClassVar[str] = "solidarity"
    roles: ClassVar[tuple[str, ...]] = KEEPERS
    approvers: ClassVar[tuple[str, ...]] = KEEPERS
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    amount: Money
    receipt: Annotated[Personal, Field(min_length=1, title="What the receipt says: whose, its number and day")]
    sha256: Annotated[PersonalHash | None, Field(title="SHA-256 of the scanned receipt")] = None

    def perform(self, desk: Desk) -> None:
        before = desk.get(records.AidCase, self.case, "case")
        open_amount = before.amount - before.returned - before.receipted
        if self.amount > open_amount:
            raise InvalidAmount(
                "Of case {case} only {left} has no receipt yet.", field="amount", case=self.case,
                left=shown(desk, open_amount),
            )  # fmt: skip
        if self.receipt == LOCKED:
            raise KeysLocked("This case is encrypted, and the book's key is not open.", field="receipt")
        digest = desk.keep("receipt", self.sha256) if self.sha256 else None
        if self.sha256 and any(desk.personal(each) == self.sha256 for each in before.files):
            raise AlreadyExists("That receipt is filed with case {case} already.", field="sha256", case=self.case)
        after = before.model_copy(
            update={
                "receipted": before.receipted + self.amount,
                "receipts": [*before.receipts, desk.keep("receipt", self.receipt)],
                "files": [*before.files, *([digest] if digest else [])],
            }
        )
        desk.write(self.case, after, about=after.fund)
        desk.note("Without a receipt", shown(desk, open_amount - self.amount))


class ReturnAid(_OnCase, Receiving):
    """Take in a grant that came back: the biller returned it, or it was not needed. Nobody is asked for it."""

    name: ClassVar[str] = "return-aid"
    title: ClassVar[str] = "Take back a grant that was returned"
    subject: ClassVar[str] = "solidarity"
    roles: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR)
    since: ClassVar[int] = 2

    amount: Money
    why: Annotated[Memo, Field(min_length=1, title="Why it came back")]

    def perform(self, desk: Desk) -> None:
        before = desk.get(records.AidCase, self.case, "case")
        left = before.amount - before.returned
        if self.amount > left:
            raise InvalidAmount(
                "Of case {case} only {left} can come back.", field="amount", case=self.case, left=shown(desk, left)
            )
        desk.post(
            f"Case {self.case}, returned: {self.why}",
            [*self.receive(desk, before.fund, self.amount), *self._taken_back(desk, before)],
        )
        returned = before.returned + self.amount
        receipted = min(before.receipted, before.amount - returned)
        after = before.model_copy(update={"returned": returned, "receipted": receipted})
        desk.write(self.case, after, about=after.fund)
        desk.note("Left of the case", shown(desk, left - self.amount))

    def _taken_back(self, desk: Desk, case: records.AidCase) -> list[Move]:
        moves = [(fund, code, -amount) for fund, code, amount in aid_moves(desk, case.fund, self.amount)]
        if case.gift is None:
            return moves
        gift = desk.get(records.Gift, case.gift, "gift")
        desk.write(case.gift, gift.model_copy(update={"released": gift.released - self.amount}), about=gift.fund)
        return [(fund, f"186/{case.gift}" if code == "186" else code, amount) for fund, code, amount in moves]


class ForgetCase(_OnCase):
    """Erase who a case was about. What was given, when and for which kind of need stays; nothing brings it back."""

    name: ClassVar[str] = "forget-case"
    title: ClassVar[str] = "Forget a case"
    subject: ClassVar[str] = "solidarity"
    roles: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False
    erases: ClassVar[bool] = True

    before_time: Annotated[bool, Field(title="Before the years of retention are over")] = False

    def perform(self, desk: Desk) -> None:
        case = desk.get(records.AidCase, self.case, "case")
        if case.forgotten_on is not None:
            raise WrongState("{case} was forgotten on {day}.", field="case", case=self.case, day=case.forgotten_on)
        given = desk.business_day.fromisoformat(case.given_on)
        kept_until = add_months(given, 12 * number_of(desk, "retention_years", 5))
        if desk.business_day < kept_until and not self.before_time:
            raise WrongState(
                "What is known of {case} is kept until {kept_until}.", field="case", case=self.case,
                kept_until=kept_until, hint="If the law lets it go earlier, two people may say so (before_time).",
            )  # fmt: skip
        digests = sorted(set(digests_written_with(desk, records.AidCase.kind, self.case)))
        day = desk.business_day.isoformat()
        desk.write(self.case, case.model_copy(update={"forgotten_on": day}), about=case.fund)
        gone = records.Forgotten(on=day, left_on=case.given_on, before_time=self.before_time, digests=digests)
        desk.write(self.case, gone)
        desk.note("Values that are erased", str(len(digests)))
        desk.after.append(lambda tx: erase(tx, self.case, digests))


def cases_of_member(books: Books, member: str) -> list[str]:
    """The cases that were for a member, those taken back too, as far as they can be read."""
    found = (
        (ref, records.AidCase.model_validate_json(text))
        for ref, text in books.tx.rows(
            "SELECT ref, body FROM record WHERE kind = ? AND version = 1 ORDER BY ref", records.AidCase.kind
        )
    )
    return [
        ref for ref, case in found
        if case.recipient_member is not None and books.personal(case.recipient_member) == member
    ]  # fmt: skip
