"""Who works here and what the bank decided for itself, as the counter asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from coopbank.bank import limits, records
from coopbank.bank.access import CODES_POLICY
from coopbank.bank.operation import CATALOGUE
from coopbank.bank.operations.staff import LATER_POLICIES
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.tui.session import Session


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works at the counter. `may` is a list of titles for each role."""

    user: str
    full_name: str
    roles: tuple[str, ...]
    member: str | None
    member_name: str
    active: bool
    may: tuple[tuple[str, tuple[str, ...]], ...]
    signed_in: str | None  # the instant of the last sign-in


def people(session: Session) -> tuple[Person, ...]:
    """Everybody who works here; who left comes last."""
    with session.bank.read() as books:
        titles = {ref: _titles(ref, role) for ref, role in books.every(records.Role)}
        last = dict(books.tx.rows("SELECT actor, max(at) FROM operation WHERE kind = 'sign-in' GROUP BY actor"))
        found = [
            Person(
                ref, books.personal(user.full_name), tuple(user.roles), user.member,
                books.member_name(user.member) if user.member else "", user.active,
                tuple((role, titles.get(role, ())) for role in user.roles), last.get(ref),
            )
            for ref, user in books.every(records.User)
        ]  # fmt: skip
    return tuple(sorted(found, key=lambda each: (not each.active, each.user)))


def _titles(name: str, role: records.Role) -> tuple[str, ...]:
    known = (CATALOGUE.get(power) for power in limits.powers(name, role))
    return tuple(sorted(translate(cls.title) for cls in known if cls is not None and not cls.internal))


#: What each policy is called and what it is about; what is not here is no setting (a mark of practice books, say).
POLICIES: Final = {
    "withdrawal_alone": (
        marked("Withdrawal by one person"),
        marked("Above this amount a withdrawal takes two people."),
    ),
    "drawer_limit": (marked("Cash in a drawer"), marked("A drawer holds no more cash than this.")),
    "difference_alone": (
        marked("Cash difference of one person"),
        marked("A count that differs by more is signed by a colleague before the next day."),
    ),
    "solidarity_fund": (
        marked("Solidarity fund"),
        marked("Small aid is given out of this fund, where no other one is named."),
    ),
    "solidarity_case": (marked("Aid for a case"), marked("A case of the solidarity fund is helped with at most this.")),
    "solidarity_year": (
        marked("Aid for a recipient in a year"),
        marked("The solidarity fund gives the same recipient at most this in a calendar year."),
    ),
    "care_committee": (
        marked("Care committee"),
        marked("User names of those who decide about aid, two of them each time. All who may where it is empty."),
    ),
    "linked_limit": (
        marked("Limit of linked borrowers"),
        marked("Linked borrowers together owe and await no more than this. No limit where it is empty."),
    ),
    "campaign_payees": (
        marked("Political campaigns"),
        marked("Suppliers that are political campaigns or committees. Charitable money is never paid to them."),
    ),
    "set_off": (
        marked("Bylaw on set-off"),
        marked("By which bylaw what we owe a member may pay what they owe late. Nothing is set off where it is empty."),
    ),
    "donated_work": (
        marked("Donated work"),
        marked("Whether skilled work that improves a building is recognised in the books: yes or no."),
    ),
    "member_payments": (
        marked("Payments from member to member"),
        marked("Whether a credit union passes money from one member's savings to another's: yes or no."),
    ),
    "backups": (
        marked("Folder for backups"),
        marked("Where backups and anchors.log go: best on another disk. Beside the books where it is empty."),
    ),
    "backups_kept": (
        marked("Backups that are kept"),
        marked("So many daily, weekly, monthly and yearly backups; the others are removed after the next one."),
    ),
    "backup_days": (
        marked("Days to the next backup"),
        marked("When the last good backup is older, the counter asks for another one."),
    ),
    "dividend_cap": (
        marked("Cap of dividends"),
        marked("Percent a year that a dividend on shares may be at most, where the class says nothing else."),
    ),
    "redemption_reserve": (
        marked("Reserves before redemption"),
        marked("Percent of members' shares and savings that the reserves must come to before equity is redeemed."),
    ),
    "cheque_hold_days": (
        marked("Days a cheque is held"),
        marked("Days for which the money of a cheque is held before it can be paid out."),
    ),
    "bank_account": (marked("Bank account"), marked("The bank account for transfers where none is named.")),
    "non_accrual_days": (
        marked("Days late to non-accrual"),
        marked("So many days late, and interest should no longer count as income; 0: case by case."),
    ),
    "charge_off_days": (
        marked("Days to charge-off"),
        marked("So many days without a payment, and a loan may be charged off without a decision."),
    ),
    "accrual_payments": (
        marked("Payments to accrual"),
        marked("So many payments in a row, and a loan may leave non-accrual."),
    ),
    "backup_withholding": (
        marked("Percent withheld"),
        marked("Percent of interest kept back from members without a taxpayer number; 0: nothing."),
    ),
    "address": (marked("Address"), marked("The address on what the bank prints.")),
    "phone": (marked("Telephone"), marked("The telephone number on what the bank prints.")),
    "email": (marked("E-mail"), marked("The e-mail address on what the bank prints.")),
    "paper": (marked("Paper"), marked("The paper for statements: letter or A4.")),
    "colour": (marked("Colour"), marked("The colour of the bank's papers, such as #1d4f5c; dark enough to be read.")),
    "logo": (marked("Logo"), marked("The picture on the bank's papers; set it with: coopbank logo FILE")),
    "auditor_address": (marked("Auditors' address"), marked("Where members send what they confirm to the auditors.")),
    "time_zone": (
        marked("Time zone"),
        marked("The clock by which hours and weekdays are told, such as America/Chicago; not set: the computer's."),
    ),
    "dormant_months": (
        marked("Months to dormancy"),
        marked("So many months without a movement that the member began, and an account is told to be dormant."),
    ),
    "unclaimed_years": (
        marked("Years to unclaimed"),
        marked("So many years without contact, and what a member has is turned over to the state."),
    ),
    "notice_days": (
        marked("Days of notice"),
        marked("So many days after the notice to a member, and unclaimed money may be turned over."),
    ),
    "meeting_notice_days": (
        marked("Notice of meetings"),
        marked("So many days between the notice of a meeting and the meeting, where a body has no rule of its own."),
    ),
    "unclaimed_together": (
        marked("Unclaimed in one sum"),
        marked("Up to this amount, unclaimed money is reported in one sum without names."),
    ),
    "retention_years": (
        marked("Years kept"),
        marked("So many years after a member has left, and they may be forgotten."),
    ),
    CODES_POLICY: (
        marked("Roles with one-time codes"),
        marked("Whoever has one of these roles signs in with a code as well, once the first of them has begun."),
    ),
    "cash_report": (
        marked("Cash to be told"),
        marked("Cash of one person in a day is told to whoever audits when it is above this amount."),
    ),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A policy of the bank, in words."""

    name: str
    title: str
    value: str
    says: str
    since: str
    by: str


def rules(session: Session) -> tuple[Rule, ...]:
    """What the bank decided for itself, and who decided it when; what holds until it decides otherwise."""
    with session.bank.read() as books:
        decided = {
            ref: (day, actor)
            for ref, day, actor in books.tx.rows(
                "SELECT r.ref, o.business_date, o.actor FROM record r JOIN operation o ON o.id = r.operation_id"
                " WHERE r.kind = ? ORDER BY r.operation_id",
                records.Policy.kind,
            )
        }
        values = {**LATER_POLICIES, **{ref: policy.value for ref, policy in books.every(records.Policy)}}
        return tuple(
            Rule(ref, translate(title), _shown(ref, values[ref]), translate(text), *decided.get(ref, ("", "")))
            for ref, (title, text) in POLICIES.items()
            if ref in values
        )


def _shown(policy: str, value: Any) -> str:
    text = str(value)
    if policy == "logo" and text:
        return _("a picture of {size} bytes").format(size=len(text) * 3 // 4)
    return text if text.strip() else _("not set")
