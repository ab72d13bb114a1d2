"""Whose money nobody asks for: dormant accounts, and what is to be turned over to the state.

    dormant(books, day)       accounts on which their member began nothing for so many months
    unclaimed(books, day)     members of whom nothing was heard for so many years, and what they have

Both are as of a day: contact and deaths as they were noted by its end, what is set apart and what members are called as
it is now. What happens by itself (interest, fees, corrections)
is no sign of a member: see bank/contact.py. A holder's report to the state lists owners by name; amounts up to a limit
go into one sum without names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.contact import Silence, death_of, number_of, silences
from coopbank.bank.operations.unclaimed import due_on, ready_on, set_apart
from coopbank.finance.periods import whole_months
from coopbank.money import parse_amount
from coopbank.reports.document import Minor, Source, source


@dataclass(frozen=True, slots=True)
class DormantAccount:
    """An account with money on which its member began nothing for long."""

    member: str
    name: str
    account: str
    balance: Minor
    last_activity: date
    months: int  # whole months since then
    last_contact: date  # on any account of theirs, or as somebody noted it
    lost_since: str | None
    died_on: str | None


@dataclass(frozen=True, slots=True)
class Dormant:
    """Accounts that are dormant as of a day, the longest silent first."""

    source: Source
    as_of: date
    months: int  # after which an account is dormant
    accounts: tuple[DormantAccount, ...]
    total: Minor


@dataclass(frozen=True, slots=True)
class UnclaimedOwner:
    """A member of whom nothing was heard for so long that the state takes what they have."""

    member: str
    name: str
    address: str
    last_contact: date
    due_on: date
    accounts: dict[str, Minor]
    total: Minor
    noticed_on: str | None  # since the last contact
    ready_on: date | None  # when the notice has waited long enough
    together: bool  # small enough to be reported in one sum


@dataclass(frozen=True, slots=True)
class SetApart:
    """Money that is set apart and not paid to the state yet."""

    ref: str
    member: str
    name: str
    on: str
    total: Minor


@dataclass(frozen=True, slots=True)
class UnclaimedReport:
    """What is to be turned over as of a day, and what is set apart already."""

    source: Source
    as_of: date
    years: int
    together_up_to: Minor
    owners: tuple[UnclaimedOwner, ...]
    total: Minor
    named: Minor  # of owners above the limit
    together: Minor  # of all others, in one sum
    together_count: int
    set_apart: tuple[SetApart, ...]
    set_apart_total: Minor


def dormant(books: Books, as_of: date | None = None) -> Dormant:
    """Every account with money whose member has begun nothing on it for as many months as the policy says."""
    origin = source(books)
    day = as_of or origin.business_date or date.max
    limit = number_of(books, "dormant_months", 12)
    found = [
        line for silence in silences(books, day) for line in _accounts(books, silence, day) if line.months >= limit
    ]
    found.sort(key=lambda line: (line.last_activity, line.member, line.account))
    return Dormant(origin, day, limit, tuple(found), sum(line.balance for line in found))


def _accounts(books: Books, silence: Silence, day: date) -> list[DormantAccount]:
    death = death_of(books, silence.member)
    if death is not None and death.recorded_on > day.isoformat():
        death = None  # nobody knew it then
    return [
        DormantAccount(
            member=silence.member, name=books.member_name(silence.member), account=account.code,
            balance=account.balance, last_activity=account.last_activity,
            months=whole_months(account.last_activity, day)[0], last_contact=silence.last_contact,
            lost_since=silence.contact.lost_since, died_on=None if death is None else death.died_on,
        )
        for account in silence.accounts
    ]  # fmt: skip


def unclaimed(books: Books, as_of: date | None = None) -> UnclaimedReport:
    """Who is to be turned over as of a day, with what they have then."""
    origin = source(books)
    day = as_of or origin.business_date or date.max
    limit = parse_amount(str(books.policy("unclaimed_together", "50.00") or "0"), origin.currency)
    found = [_owner(books, silence, limit) for silence in silences(books, day) if due_on(books, silence) <= day]
    found.sort(key=lambda owner: (owner.together, owner.name, owner.member))
    apart = [
        SetApart(ref, body.member, books.member_name(body.member), body.on, sum(body.accounts.values()))
        for ref, body in set_apart(books)
    ]
    small = [owner.total for owner in found if owner.together]
    total = sum(owner.total for owner in found)
    return UnclaimedReport(
        source=origin, as_of=day, years=number_of(books, "unclaimed_years", 5), together_up_to=limit,
        owners=tuple(found), total=total, named=total - sum(small), together=sum(small), together_count=len(small),
        set_apart=tuple(apart), set_apart_total=sum(each.total for each in apart),
    )  # fmt: skip


def _owner(books: Books, silence: Silence, limit: int) -> UnclaimedOwner:
    noticed = silence.contact.noticed_on
    if noticed is not None and date.fromisoformat(noticed) <= silence.last_contact:
        noticed = None  # it was answered
    body = books.find(records.Member, silence.member)
    return UnclaimedOwner(
        member=silence.member, name=books.member_name(silence.member),
        address="" if body is None else books.personal(body.address), last_contact=silence.last_contact,
        due_on=due_on(books, silence), accounts={f"{a.fund} {a.code}": a.balance for a in silence.accounts},
        total=silence.total, noticed_on=noticed,
        ready_on=None if noticed is None else ready_on(books, date.fromisoformat(noticed)),
        together=silence.total <= limit,
    )  # fmt: skip
