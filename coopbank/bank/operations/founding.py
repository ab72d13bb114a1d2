"""Founding a book: chart, first funds, roles, policies, loan products, the first administrator."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from coopbank.bank import records
from coopbank.bank.access import CODES_DEFAULT, CODES_POLICY
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Code, Memo, Personal, Text, refuse
from coopbank.bank.lending.allowance import TABLE, first_table
from coopbank.bank.operation import (
    ADMINISTRATOR,
    CATALOGUE,
    EDITION,
    INSTITUTION_KINDS,
    LOAN_OFFICER,
    ROLES,
    TELLER,
    TREASURER,
    UNCHARTERED,
    Operation,
)
from coopbank.bank.operations.products import STANDARD
from coopbank.bank.operations.staff import Roles
from coopbank.bank.retention import DAYS, KEPT
from coopbank.errors import CoopbankError
from coopbank.ledger.chart import POOL, chart
from coopbank.ledger.posting import NewFund
from coopbank.money import currency, format_amount

FUNDS = (
    (POOL, "Pooled cash", "pool"),
    ("GEN", "The co-operative itself", "general"),
    ("RLF", "Revolving loan capital", "revolving"),
    ("LLR", "Loan-loss reserve", "reserve"),
)
"""The funds of a new book; others are opened with `open-fund`."""

POLICIES: dict[str, object] = {
    "cheque_hold_days": 7,
    "withdrawal_alone": "1000.00",  # above it a second person
    "drawer_limit": "5000.00",
    "non_accrual_days": 90,  # so late, and interest should be income no more; 0: decided case by case
    "charge_off_days": 365,  # without a payment, after which a loan may be charged off without a decision
    "accrual_payments": 6,  # in a row, after which a loan may leave non-accrual
    "backup_withholding": "0",  # percent of interest, from members without a taxpayer number
    "bank_account": "FIRST",  # where transfers go when no account is named
    "address": "",  # of the institution, for its documents
    "phone": "",
    "email": "",
    "paper": "letter",  # or A4
    "colour": "",  # of its documents, #1d4f5c; their own where it is empty
    "logo": "",  # a PNG or JPEG in base64
    "difference_alone": "10.00",  # of a count; above it a colleague signs before the next day
    "backups": "",  # folder for backups and anchors.log; beside the books where it is empty
    "backups_kept": KEPT,  # which backups are not removed after the next one
    "backup_days": DAYS,  # after which the home screen asks for another one
    "auditor_address": "",  # where members' confirmations go
    "time_zone": "",  # by which hours and weekdays are told, America/Chicago; the computer's own where it is empty
    "dormant_months": 12,  # without a movement that the member began
    "unclaimed_years": 5,  # without contact, after which the state takes what nobody claims (Mississippi: 5)
    "notice_days": 60,  # between the notice to a member and turning their money over
    "meeting_notice_days": 10,  # between the notice of a meeting and the meeting
    "unclaimed_together": "50.00",  # up to which the state takes amounts in one sum, without names
    "retention_years": 5,  # after a member has left, before they may be forgotten
    "dividend_cap": "8",  # percent a year, where the class says nothing else (Mississippi associations: 8)
    "redemption_reserve": "0",  # percent of members' capital that reserves must come to before equity is redeemed
    "cash_report": "10000.00",  # cash of one person in a day, above which it is told
    CODES_POLICY: CODES_DEFAULT,  # roles that sign in with one-time codes, once somebody of them has begun
}


def _known_currency(code: str) -> str:
    try:
        return currency(code).code
    except CoopbankError as error:
        raise refuse(str(error)) from error


def _known_kind(kind: str) -> str:
    if kind not in INSTITUTION_KINDS:
        raise refuse("Choose one of: {kinds}.", kinds=", ".join(INSTITUTION_KINDS))
    return kind


def in_currency(value: object, code: str) -> object:
    """An amount with the decimals of the book's currency; anything else as it is."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]+\.[0-9]{2}", value):
        return value
    return format_amount(int(value.partition(".")[0]) * currency(code).minor_per_major, code)


class FoundBook(Operation):
    """Make new books with a chart of accounts, the first funds and the first administrator."""

    name: ClassVar[str] = "found-book"
    title: ClassVar[str] = "Found the book"
    subject: ClassVar[str] = "founding"
    internal: ClassVar[bool] = True
    reversible: ClassVar[bool] = False

    bank_name: Annotated[Text, Field(min_length=1, title="Name of the institution")]
    currency: Annotated[str, AfterValidator(_known_currency)] = "USD"
    institution_kind: Annotated[str, AfterValidator(_known_kind)] = UNCHARTERED
    administrator: Code = "admin"
    administrator_roles: Roles = [ADMINISTRATOR, LOAN_OFFICER, TELLER, TREASURER]  # alone at first, able to begin
    full_name: Personal = "Administrator"
    demo_sign_ins: Memo | None = None  # shown on the sign-in screen of a demonstration

    def perform(self, desk: Desk) -> None:
        desk.business_day = desk.clock_today
        desk.rows.extend(chart())
        desk.rows.extend(NewFund(*fund) for fund in FUNDS)
        desk.write(
            "book",
            records.Institution(name=self.bank_name, institution_kind=self.institution_kind, currency=self.currency),
        )
        for role in ROLES:
            powers = sorted(n for n, op in CATALOGUE.items() if role in op.roles and not op.internal)
            desk.write(role, records.Role(operations=powers, edition=EDITION))
        practice: dict[str, object] = {}
        if self.demo_sign_ins is not None:  # everybody knows the passphrases of practice books
            practice = {CODES_POLICY: "", "demo_sign_ins": self.demo_sign_ins}
        for policy, value in (POLICIES | practice).items():
            desk.write(policy, records.Policy(value=in_currency(value, self.currency)))
        desk.write("901", records.ShareClass(name="Membership share", par=2500, most=1))
        desk.write("903", records.ShareClass(name="Investment share", par=10000))
        desk.write("FIRST", records.BankAccount(name="Current account", fund=POOL))
        for code, product in STANDARD.items():
            desk.write(code, product)
        desk.write(TABLE, first_table(desk.clock_today, self.administrator))
        desk.write("opening", records.Opening())
        desk.write(
            self.administrator,
            records.User(full_name=desk.keep("full_name", self.full_name), roles=self.administrator_roles),
        )
