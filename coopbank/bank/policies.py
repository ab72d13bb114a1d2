"""The policies: what a bank decides for itself, each in one place with what it is called and what holds until then.

Everything else is taken from this table: what new books begin with, what holds in books that were made before there
was such a policy, what a new value is checked for, and what the counter tells of it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from coopbank.bank.access import CODES_DEFAULT, CODES_POLICY
from coopbank.bank.retention import DAYS, KEPT
from coopbank.words import marked

AMOUNT, PERCENTAGE, OTHER = "amount", "percentage", "other"


class Policy(NamedTuple):
    """A policy; a whole number for a value makes it a matter of whole numbers."""

    title: str
    says: str
    new: Any = None  # what new books begin with; None: they have no such record, and `older` holds
    older: Any = None  # what holds in books without it; None: all books have it
    kind: str = OTHER


POLICIES: Final = {
    "cheque_hold_days": Policy(
        marked("Days a cheque is held"),
        marked("Days for which the money of a cheque is held before it can be paid out."),
        new=7,
    ),
    "withdrawal_alone": Policy(
        marked("Withdrawal by one person"),
        marked("Above this amount a withdrawal takes two people."),
        new="1000.00",
        kind=AMOUNT,
    ),
    "drawer_limit": Policy(
        marked("Cash in a drawer"),
        marked("A drawer holds no more cash than this."),
        new="5000.00",
        kind=AMOUNT,
    ),
    "non_accrual_days": Policy(
        marked("Days late to non-accrual"),
        marked("So many days late, and interest should no longer count as income; 0: case by case."),
        new=90,
    ),
    "charge_off_days": Policy(
        marked("Days to charge-off"),
        marked("So many days without a payment, and a loan may be charged off without a decision."),
        new=365,
    ),
    "accrual_payments": Policy(
        marked("Payments to accrual"),
        marked("So many payments in a row, and a loan may leave non-accrual."),
        new=6,
    ),
    "backup_withholding": Policy(
        marked("Percent withheld"),
        marked("Percent of interest kept back from members without a taxpayer number; 0: nothing."),
        new="0",
        kind=PERCENTAGE,
    ),
    "bank_account": Policy(
        marked("Bank account"),
        marked("The bank account for transfers where none is named."),
        new="FIRST",
    ),
    "address": Policy(
        marked("Address"),
        marked("The address on what the bank prints."),
        new="",
    ),
    "phone": Policy(
        marked("Telephone"),
        marked("The telephone number on what the bank prints."),
        new="",
    ),
    "email": Policy(
        marked("E-mail"),
        marked("The e-mail address on what the bank prints."),
        new="",
    ),
    "paper": Policy(
        marked("Paper"),
        marked("The paper for statements: letter or A4."),
        new="letter",
    ),
    "colour": Policy(
        marked("Colour"),
        marked("The colour of the bank's papers, such as #1d4f5c; dark enough to be read."),
        new="",
        older="",
    ),
    "logo": Policy(
        marked("Logo"),
        marked("The picture on the bank's papers; set it with: coopbank logo FILE"),
        new="",
        older="",
    ),
    "difference_alone": Policy(
        marked("Cash difference of one person"),
        marked("A count that differs by more is signed by a colleague before the next day."),
        new="10.00",
        older="10.00",
        kind=AMOUNT,
    ),
    "backups": Policy(
        marked("Folder for backups"),
        marked("Where backups and anchors.log go: best on another disk. Beside the books where it is empty."),
        new="",
        older="",
    ),
    "backups_kept": Policy(
        marked("Backups that are kept"),
        marked("So many daily, weekly, monthly and yearly backups; the others are removed after the next one."),
        new=KEPT,
        older="",
    ),
    "backup_days": Policy(
        marked("Days to the next backup"),
        marked("When the last good backup is older, the counter asks for another one."),
        new=DAYS,
        older=7,
    ),
    "auditor_address": Policy(
        marked("Auditors' address"),
        marked("Where members send what they confirm to the auditors."),
        new="",
        older="",
    ),
    "time_zone": Policy(
        marked("Time zone"),
        marked("The clock by which hours and weekdays are told, such as America/Chicago; not set: the computer's."),
        new="",
        older="",
    ),
    "dormant_months": Policy(
        marked("Months to dormancy"),
        marked("So many months without a movement that the member began, and an account is told to be dormant."),
        new=12,
        older=12,
    ),
    "unclaimed_years": Policy(
        marked("Years to unclaimed"),
        marked("So many years without contact, and what a member has is turned over to the state."),
        new=5,
        older=5,  # Mississippi: 5
    ),
    "notice_days": Policy(
        marked("Days of notice"),
        marked("So many days after the notice to a member, and unclaimed money may be turned over."),
        new=60,
        older=60,
    ),
    "meeting_notice_days": Policy(
        marked("Notice of meetings"),
        marked("So many days between the notice of a meeting and the meeting, where a body has no rule of its own."),
        new=10,
        older=10,
    ),
    "unclaimed_together": Policy(
        marked("Unclaimed in one sum"),
        marked("Up to this amount, unclaimed money is reported in one sum without names."),
        new="50.00",
        older="50.00",
        kind=AMOUNT,
    ),
    "retention_years": Policy(
        marked("Years kept"),
        marked("So many years after a member has left, and they may be forgotten."),
        new=5,
        older=5,
    ),
    "dividend_cap": Policy(
        marked("Cap of dividends"),
        marked("Percent a year that a dividend on shares may be at most, where the class says nothing else."),
        new="8",
        older="8",
        kind=PERCENTAGE,  # Mississippi associations: 8
    ),
    "redemption_reserve": Policy(
        marked("Reserves before redemption"),
        marked("Percent of members' shares and savings that the reserves must come to before equity is redeemed."),
        new="0",
        older="0",
        kind=PERCENTAGE,
    ),
    "cash_report": Policy(
        marked("Cash to be told"),
        marked("Cash of one person in a day is told to whoever audits when it is above this amount."),
        new="10000.00",
        older="",
        kind=AMOUNT,
    ),
    CODES_POLICY: Policy(
        marked("Roles with one-time codes"),
        marked("Whoever has one of these roles signs in with a code as well, once the first of them has begun."),
        new=CODES_DEFAULT,
        older="",
    ),
    "solidarity_fund": Policy(
        marked("Solidarity fund"),
        marked("Small aid is given out of this fund, where no other one is named."),
        older="SOL",
    ),
    "solidarity_case": Policy(
        marked("Aid for a case"),
        marked("A case of the solidarity fund is helped with at most this."),
        older="250.00",
        kind=AMOUNT,
    ),
    "solidarity_year": Policy(
        marked("Aid for a recipient in a year"),
        marked("The solidarity fund gives the same recipient at most this in a calendar year."),
        older="500.00",
        kind=AMOUNT,
    ),
    "care_committee": Policy(
        marked("Care committee"),
        marked("User names of those who decide about aid, two of them each time. All who may where it is empty."),
        older="",
    ),
    "linked_limit": Policy(
        marked("Limit of linked borrowers"),
        marked("Linked borrowers together owe and await no more than this. No limit where it is empty."),
        older="",
        kind=AMOUNT,
    ),
    "campaign_payees": Policy(
        marked("Political campaigns"),
        marked("Suppliers that are political campaigns or committees. Charitable money is never paid to them."),
        older="",
    ),
    "donated_work": Policy(
        marked("Donated work"),
        marked("Whether skilled work that improves a building is recognised in the books: yes or no."),
        older="yes",
    ),
    "member_payments": Policy(
        marked("Payments from member to member"),
        marked("Whether a credit union passes money from one member's savings to another's: yes or no."),
        older="no",
    ),
    "set_off": Policy(
        marked("Bylaw on set-off"),
        marked("By which bylaw what we owe a member may pay what they owe late. Nothing is set off where it is empty."),
        older="",
    ),
}
"""In the order in which new books write them; those that they do not write come last."""

NEW_POLICIES: Final[dict[str, object]] = {
    name: policy.new for name, policy in POLICIES.items() if policy.new is not None
}
"""What new books begin with."""

LATER_POLICIES: Final[dict[str, Any]] = {
    name: policy.older for name, policy in POLICIES.items() if policy.older is not None
}
"""Policies that books made by an earlier version do not have yet, and what holds there."""
