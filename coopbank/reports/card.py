"""The member's card at the counter: what they have, what they owe and when, now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.contact import death_of, owners
from coopbank.ledger.posting import Leaf
from coopbank.money import format_amount
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.loan_words import due_words
from coopbank.reports.member import shares_in_words
from coopbank.reports.movements import loans_of
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.bank.lending.position import Position


@dataclass(frozen=True, slots=True)
class CardShares:
    """Shares of a class, or (`paid_up` False) what is paid towards one."""

    share_class: str
    title: str
    amount: Minor
    words: str
    paid_up: bool


@dataclass(frozen=True, slots=True)
class CardSavings:
    """A savings account: balance, what of it is held, what can be paid out."""

    ref: str  # S-M0007
    account: str  # M0007, as operations take it
    balance: Minor
    held: Minor
    available: Minor
    annual_rate: str
    state: str


@dataclass(frozen=True, slots=True)
class CardLoan:
    """A loan that is granted or owed, a loss included. `words` say what is due next, or how late it is."""

    ref: str
    purpose: str
    state: str
    annual_rate: str
    owed: Minor  # principal, by the contract
    interest: Minor  # to today
    payoff: Minor
    due_now: Minor
    days_late: int
    next_due: date | None
    next_amount: Minor
    words: str
    fees: Minor = 0
    repayment: str = "schedule"  # schedule, line, surplus, revenue
    available: Minor = 0  # can still be drawn or paid out


@dataclass(frozen=True, slots=True)
class CardOwner:
    """Somebody besides the member on their accounts. `account` is empty for all of them."""

    ref: str  # J-00001
    role: str  # joint-owner, authorised-signer, beneficiary
    name: str
    member: str | None
    account: str


@dataclass(frozen=True, slots=True)
class MemberCard:
    """A member at the counter. Amounts as people say them: what they have and what they owe are positive."""

    source: Source
    member: str
    name: str
    entity: str
    status: str
    joined_on: date
    phone: str
    email: str
    address: str
    language: str
    as_of: date
    shares: tuple[CardShares, ...]
    savings: tuple[CardSavings, ...]
    loans: tuple[CardLoan, ...]
    unapplied: Minor  # paid without saying what for
    owing: Minor  # returned items
    waiting: tuple[str, ...]  # requests about this member that wait for a second person
    owners: tuple[CardOwner, ...] = ()
    died_on: date | None = None
    lost_since: date | None = None  # contact with them was lost
    forgotten_on: date | None = None


def member_card(books: Books, member: str) -> MemberCard:
    """What the counter shows of a member, now."""
    from coopbank.bank.lending.position import loan_position  # not on top: the other reports need not wait for it

    body = books.get(records.Member, member, "member")
    origin = source(books)
    today = origin.business_date or date.fromisoformat(body.joined_on)
    leaves = books.held_by(member)
    death, contact = death_of(books, member), books.find(records.Contact, member)
    loans = [
        loan_position(books, ref, today)
        for ref, loan in loans_of(books, member).items()
        if loan.state in ("granted", "active", "charged-off")
    ]
    return MemberCard(
        source=origin, member=member, name=books.personal(body.name), entity=body.entity, status=body.status,
        joined_on=date.fromisoformat(body.joined_on), phone=books.personal(body.phone),
        email=books.personal(body.email), address=books.personal(body.address), language=body.language, as_of=today,
        shares=tuple(_shares(books, member, origin.currency)), savings=tuple(_savings(books, member)),
        loans=tuple(_loan(at, origin.currency) for at in loans),
        unapplied=-_sum(leaves, "871"), owing=books.balance("GEN", f"791/{member}"),
        waiting=tuple(ref for ref, ask in books.about(records.Request, "waiting") if member in ask.payload.values()),
        owners=tuple(_owner(books, ref, owner) for ref, owner in owners(books, member)),
        died_on=None if death is None else date.fromisoformat(death.died_on),
        lost_since=_day(None if contact is None else contact.lost_since), forgotten_on=_day(body.forgotten_on),
    )  # fmt: skip


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _owner(books: Books, ref: str, owner: records.JointOwner) -> CardOwner:
    name = books.personal(owner.name) if owner.person is None else books.member_name(owner.person)
    return CardOwner(ref, owner.role, name, owner.person, owner.account)


def _sum(leaves: list[Leaf], gl_code: str) -> int:
    return sum(leaf.balance for leaf in leaves if leaf.gl_code == gl_code)


def _shares(books: Books, member: str, currency: str) -> list[CardShares]:
    found = []
    for ref, kind in books.every(records.ShareClass):
        title = {"901": _("Membership share"), "903": _("Investment shares")}.get(ref, kind.name)
        amount = -books.balance("GEN", f"{ref}/{member}")
        if amount:
            found.append(CardShares(ref, title, amount, shares_in_words(amount, kind.par, currency), True))
        waiting = -books.balance("GEN", f"875/{member}" if ref == "901" else f"875/{member}.{ref}")
        if waiting:
            words = _("{amount} paid towards a share of {par}").format(
                amount=format_amount(waiting, currency, grouping=True),
                par=format_amount(kind.par, currency, grouping=True),
            )
            found.append(CardShares(ref, title, waiting, words, False))
    return found


def _savings(books: Books, member: str) -> list[CardSavings]:
    found = []
    for ref, account in books.about(records.Savings, member):
        code = f"905/{account.account}"
        balance = -books.balance("GEN", code)
        held = min(books.holds("GEN", code), max(0, balance))
        found.append(
            CardSavings(ref, account.account, balance, held, balance - held, account.annual_rate, account.state)
        )
    return found


def _loan(at: Position, currency: str) -> CardLoan:
    return CardLoan(
        ref=at.ref, purpose=at.loan.purpose, state=at.state, annual_rate=at.loan.annual_rate, owed=at.owed_principal,
        interest=at.interest_to_date, payoff=at.payoff, due_now=at.due_now, days_late=at.days_late,
        next_due=at.next_due, next_amount=at.next_amount, words=due_words(at, currency), fees=at.standing.fees,
        repayment=at.loan.repayment, available=at.available,
    )  # fmt: skip
