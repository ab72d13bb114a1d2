"""Between institutions that keep books of their own: what one owes another, as a pair of entries in two books.

Neither can post in the other's book. The one that owes enters it under a reference of its own (892/TRUST); the other
enters the same amount as due under that reference (792/BANK), which is its confirmation; the first then confirms by
naming the other's operation and the head of its chain. Payment closes both sides. `coopbank mirror` compares the two
books: matched, in transit, different. Nothing is netted: what is owed and what is due stay two things.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from coopbank.bank import records
from coopbank.bank.books import Books, loads
from coopbank.bank.campaign_guard import require_none_named
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Code, FundRef, InstitutionRef, Memo, Money, PairRef, Text, refuse
from coopbank.bank.operation import ADMINISTRATOR, TREASURER, Operation
from coopbank.bank.operations.funds import ExpenseCode, require_expense, require_own_expense, require_spendable_fund
from coopbank.bank.operations.savings import FUND, shown
from coopbank.bank.tender import Paying, Receiving
from coopbank.errors import AlreadyExists, InvalidAmount, InvalidValue, Unknown, WrongState
from coopbank.words import _, marked

OWED, DUE = "892", "792"
OWES, IS_OWED = marked("owes"), marked("is owed")


def book_id(books: Books) -> str:
    """The random number of a book, which its first operation holds."""
    return str(loads(books.tx.value("SELECT sealed FROM operation WHERE id = 1"))[1])


def _book(text: str) -> str:
    text = text.strip().lower()
    if len(text) != 32 or set(text) - set("0123456789abcdef"):
        raise refuse("The number of a book has 32 digits and letters from a to f; coopbank federation shows it.")
    return text


def _head(text: str) -> str:
    text = text.strip().lower()
    if len(text) != 16 or set(text) - set("0123456789abcdef"):
        raise refuse("The head of a chain has 16 digits and letters from a to f.")
    return text


class AddInstitution(Operation):
    """Enter an institution of the network that keeps its own book, by the number of that book."""

    name: ClassVar[str] = "add-institution"
    title: ClassVar[str] = "Add an institution of the network"
    subject: ClassVar[str] = "federation"
    roles: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False

    code: Annotated[Code, AfterValidator(str.upper), Field(title="Code, for example TRUST")]
    institution_name: Annotated[Text, Field(min_length=1, title="Name")]
    book: Annotated[Text, AfterValidator(_book), Field(title="Number of its book (coopbank federation shows it)")]

    def perform(self, desk: Desk) -> None:
        if desk.find(records.Partner, self.code) is not None:
            raise AlreadyExists("There is an institution {code} already.", field="code", code=self.code)
        taken = [ref for ref, partner in desk.every(records.Partner) if partner.book == self.book]
        if taken or self.book == book_id(desk):
            raise AlreadyExists(
                "That book is {code}.", field="book", code=taken[0] if taken else desk.institution().name
            )
        desk.write(self.code, records.Partner(name=self.institution_name, book=self.book))
        desk.created.append(self.code)
        desk.note("Institution", self.code)


class _Pairing(Operation):
    """Common to both halves of a pair."""

    institution: InstitutionRef
    amount: Money
    memo: Annotated[Memo, Field(min_length=1, title="What for")]
    fund: FundRef = FUND

    def pair(self, desk: Desk, side: str, reference: str) -> str:
        """Write this book's half; refuses a reference that the same institution has already."""
        for ref, known in desk.about(records.Pair, self.institution):
            if known.reference == reference and known.side == side:
                raise AlreadyExists(
                    "{reference} of {institution} is entered already: {pair}.", field="reference", reference=reference,
                    institution=self.institution, pair=ref,
                )  # fmt: skip
        ref = desk.next_ref("pair", "IP-", 4)
        body = records.Pair(
            institution=self.institution, side=side, reference=reference or ref, amount=self.amount, fund=self.fund,
            on=desk.business_day.isoformat(), memo=self.memo,
        )  # fmt: skip
        desk.write(ref, body, about=self.institution)
        desk.note("Pair", ref)
        desk.note("Reference", body.reference)
        return ref


class OweInstitution(_Pairing):
    """Enter what we owe another institution: an expense or a grant that is voted and not yet paid."""

    name: ClassVar[str] = "owe-institution"
    title: ClassVar[str] = "Owe another institution"
    subject: ClassVar[str] = "federation"
    roles: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    expense: ExpenseCode = "366"

    def perform(self, desk: Desk) -> None:
        desk.get(records.Partner, self.institution, "institution")
        require_expense(desk, self.expense)
        require_own_expense(desk, self.fund)
        require_none_named(desk, {"institution": self.institution}, [self.fund])
        reference = f"{book_id(desk)[:4]}-{desk.number}"
        ref = self.pair(desk, OWES, reference)
        leaf = f"{OWED}/{self.institution}"
        desk.post(f"Pair {ref}, {reference}", [(self.fund, self.expense, self.amount), (self.fund, leaf, -self.amount)])


class ClaimFromInstitution(_Pairing):
    """Enter what another institution owes us, under the reference that it gave: with it we confirm what it owes."""

    name: ClassVar[str] = "claim-from-institution"
    title: ClassVar[str] = "Claim from another institution"
    subject: ClassVar[str] = "federation"
    roles: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    reference: Annotated[Text, Field(min_length=1, max_length=40, title="Their reference")]
    income: Annotated[Code, Field(title="Income account")] = "181"

    def perform(self, desk: Desk) -> None:
        desk.get(records.Partner, self.institution, "institution")
        require_spendable_fund(desk, self.fund)
        kind = desk.tx.value("SELECT kind FROM gl_account WHERE code = ?", self.income)
        if kind is None:
            raise Unknown("There is no account {code} in the chart.", field="income", code=self.income)
        if kind != "income" or self.income not in ("131", "151", "181"):
            raise InvalidValue("Choose an income account: 131, 151 or 181.", field="income")
        ref = self.pair(desk, IS_OWED, self.reference)
        leaf = f"{DUE}/{self.institution}"
        desk.post(
            f"Pair {ref}, {self.reference}", [(self.fund, leaf, self.amount), (self.fund, self.income, -self.amount)]
        )


class ConfirmPair(Operation):
    """Confirm that the other institution has entered its half: its operation, and the head of its chain there."""

    name: ClassVar[str] = "confirm-pair"
    title: ClassVar[str] = "Confirm a pair"
    subject: ClassVar[str] = "federation"
    roles: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR)
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False  # confirm it anew

    pair: PairRef
    their_operation: Annotated[int, Field(ge=1, lt=2**53, title="Number of their operation")]
    their_head: Annotated[Text, AfterValidator(_head), Field(title="Head of their chain at it")]
    their_amount: Annotated[Money, Field(title="Amount in their book")]

    def perform(self, desk: Desk) -> None:
        before = desk.get(records.Pair, self.pair, "pair")
        if self.their_amount != before.amount:
            raise InvalidAmount(
                "Our book says {ours} for {pair}, theirs {theirs}.", field="their_amount", pair=self.pair,
                ours=shown(desk, before.amount), theirs=shown(desk, self.their_amount),
                hint="Find out which is right; the wrong one is reversed in its own book.",
            )  # fmt: skip
        after = before.model_copy(
            update={"their_operation": self.their_operation, "their_head": self.their_head}
        )  # fmt: skip
        if after == before:
            raise AlreadyExists("Pair {pair} is confirmed already.", field="pair", pair=self.pair)
        desk.write(self.pair, after, about=after.institution)
        desk.note("Confirmed", self.pair)


def _settled(desk: Desk, ref: str, side: str, amount: int) -> records.Pair:
    """A pair of which a part is paid; refuses the other side, and more than is open."""
    before = desk.get(records.Pair, ref, "pair")
    if before.side != side:
        raise WrongState(
            "Pair {pair} is something that our institution {side}.", field="pair", pair=ref, side=_(before.side),
            hint="What is owed is paid, what is due is received; the two are not set off.",
        )  # fmt: skip
    left = before.amount - before.settled
    if amount > left:
        raise InvalidAmount("Of pair {pair} only {left} is open.", field="amount", pair=ref, left=shown(desk, left))
    after = before.model_copy(update={"settled": before.settled + amount})
    desk.write(ref, after, about=after.institution)
    desk.note("Still open", shown(desk, left - amount))
    return after


class PayInstitution(Paying):
    """Pay what we owe another institution, all or a part."""

    name: ClassVar[str] = "pay-institution"
    title: ClassVar[str] = "Pay another institution"
    subject: ClassVar[str] = "federation"
    roles: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    pair: PairRef
    amount: Money

    def perform(self, desk: Desk) -> None:
        pair = _settled(desk, self.pair, OWES, self.amount)
        require_none_named(desk, {"pair": pair.institution}, [pair.fund])
        leaf = f"{OWED}/{pair.institution}"
        moves = [(pair.fund, leaf, self.amount), *self.pay(desk, pair.fund, self.amount)]
        desk.post(f"Pair {self.pair} paid, {pair.reference}", moves)


class ReceiveFromInstitution(Receiving):
    """Take in what another institution owed us, all or a part."""

    name: ClassVar[str] = "receive-from-institution"
    title: ClassVar[str] = "Receive from another institution"
    subject: ClassVar[str] = "federation"
    roles: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR)
    since: ClassVar[int] = 2

    pair: PairRef
    amount: Money

    def perform(self, desk: Desk) -> None:
        pair = _settled(desk, self.pair, IS_OWED, self.amount)
        moves = [*self.receive(desk, pair.fund, self.amount), (pair.fund, f"{DUE}/{pair.institution}", -self.amount)]
        desk.post(f"Pair {self.pair} received, {pair.reference}", moves)
