"""Founding a book: chart, first funds, roles, policies, loan products, the first administrator."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from coopbank.bank import records
from coopbank.bank.access import CODES_POLICY
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
from coopbank.bank.policies import NEW_POLICIES
from coopbank.errors import CoopbankError
from coopbank.ledger.chart import POOL, chart
from coopbank.ledger.posting import NewFund
from coopbank.money import currency, format_amount
from coopbank.words import marked

FUNDS = (
    (POOL, "Pooled cash", "pool"),
    ("GEN", "The co-operative itself", "general"),
    ("RLF", "Revolving loan capital", "revolving"),
    ("LLR", "Loan-loss reserve", "reserve"),
)
"""The funds of a new book; others are opened with `open-fund`."""


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
        for policy, value in (NEW_POLICIES | practice).items():
            desk.write(policy, records.Policy(value=in_currency(value, self.currency)))
        desk.write("901", records.ShareClass(name=marked("Membership share"), par=2500, most=1))
        desk.write("903", records.ShareClass(name=marked("Investment share"), par=10000))
        desk.write("FIRST", records.BankAccount(name="Current account", fund=POOL))
        for code, product in STANDARD.items():
            desk.write(code, product)
        desk.write(TABLE, first_table(desk.clock_today, self.administrator))
        desk.write("opening", records.Opening())
        desk.write(
            self.administrator,
            records.User(full_name=desk.keep("full_name", self.full_name), roles=self.administrator_roles),
        )
