"""What a funder asks of loans: each rule is asked at the grant and at the payout, and the refusal names it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from coopbank.errors import CannotReverse, InvalidValue, NotAllowed, ProgrammeRule, Unknown
from tests.bank.support_counter import refused
from tests.support_bank import SmallBank, assert_books, new_bank

RULES: dict[str, Any] = {
    "fund": "RLF", "funder": "Delta Fund [2026]", "agreement": "DF-12", "least_rate": "4", "most_rate": "7.25",
    "largest_loan": "5000.00", "purposes": "Machines, working capital", "places": "Hinds County, Rankin County",
}  # fmt: skip
LOAN: dict[str, Any] = {
    "member": "M0001", "principal": "900.00", "annual_rate": "5", "installments": "4", "purpose": "Machines",
    "place": "hinds county",
}  # fmt: skip


@pytest.fixture
def bank(engine_url: str) -> Iterator[SmallBank]:
    with new_bank(engine_url) as small:
        for fund in ("GEN", "RLF"):
            small.do("receive-gift", by=small.tom, amount="9000.00", donor="A", fund=fund, tender="transfer")
        small.agreed("add-bank-account", by=small.tom, approver=small.sue, code="RESERVE", account_name="Reserve",
                     fund="LLR")  # fmt: skip
        small.admit("Mia Lee")
        yield small
        assert_books(small)


def decide(bank: SmallBank, **changes: Any) -> int:
    return bank.agreed("set-programme", by=bank.tom, approver=bank.sue, **{**RULES, **changes}).number


def test_each_rule_is_asked_and_named(bank: SmallBank) -> None:
    decide(bank)

    def no(field: str, rule: str, **changes: Any) -> None:
        says = f"the rule {rule} asks for"
        refusal = refused(bank, ProgrammeRule, "grant-loan", bank.ana, field=field, says=says, **{**LOAN, **changes})
        assert "Delta Fund [2026], fund RLF" in str(refusal)

    no("annual_rate", "least_rate", annual_rate="3.99")
    no("annual_rate", "most_rate", annual_rate="7.26")
    no("principal", "largest_loan", principal="5000.01")
    no("purpose", "purposes", purpose="a car")
    no("purpose", "purposes", purpose="")
    no("place", "places", place="Madison County")
    no("place", "places", place="")
    no("annual_rate", "least_rate", annual_rate="0", fund="GEN", other_funds="RLF 10")
    bank.agreed("grant-loan", **LOAN)
    bank.agreed("grant-loan", **{**LOAN, "annual_rate": "0", "fund": "GEN"})  # another fund's money asks nothing


def test_a_rule_that_came_later_is_asked_at_the_payout(bank: SmallBank) -> None:
    loan = bank.agreed("grant-loan", **LOAN).created[0]
    decide(bank, least_rate="6")
    refused(bank, ProgrammeRule, "disburse-loan", bank.tom, loan=loan, field="loan", says="least_rate")
    decide(bank, why="softer", least_rate="5")
    bank.do("disburse-loan", by=bank.tom, loan=loan)


def test_a_loan_that_pays_another_off_is_paid_out_by_the_rules_too(bank: SmallBank) -> None:
    bank.do("disburse-loan", by=bank.tom, loan=bank.agreed("grant-loan", **LOAN).created[0])
    new = bank.agreed("grant-loan", **{**LOAN, "principal": "1000.00"}).created[0]
    cash = {"reserve": "cash", "reserve_percent": "10", "reserve_account": "RESERVE"}
    decide(bank, least_rate="6")
    loans = {"loan": "L-001", "new_loan": new}
    refused(bank, ProgrammeRule, "refinance-loan", bank.tom, field="new_loan", says="least_rate", **loans)
    decide(bank, why="softer", **cash)
    refused(bank, ProgrammeRule, "refinance-loan", bank.tom, field="new_loan", says="10 % (90.00)", **loans)
    values = {"donor": "A", "fund": "LLR", "tender": "transfer", "bank_account": "RESERVE"}
    bank.do("receive-gift", by=bank.tom, amount="90.00", **values)  # of the new loan; the old one is paid off by it
    bank.do("refinance-loan", by=bank.tom, **loans)


def test_a_reserve_in_cash_holds_its_part_before_money_goes_out(bank: SmallBank) -> None:
    decide(bank, reserve="cash", reserve_percent="10", reserve_account="RESERVE")
    refused(bank, ProgrammeRule, "grant-loan", bank.ana, field="principal", says="10 % (90.00)", **LOAN)
    values = {"donor": "A", "fund": "LLR", "tender": "transfer", "bank_account": "RESERVE"}
    bank.do("receive-gift", by=bank.tom, amount="100.00", **values)
    loan = bank.agreed("grant-loan", **LOAN).created[0]
    bank.do("disburse-loan", by=bank.tom, loan=loan)
    refused(bank, ProgrammeRule, "grant-loan", bank.ana, says="10 % (100.01)", **{**LOAN, "principal": "100.10"})
    bank.agreed("grant-loan", **{**LOAN, "principal": "100.00"})


def test_a_reserve_in_the_books_takes_no_cash(bank: SmallBank) -> None:
    decide(bank, reserve="book")
    values = {"fund": "RLF", "resolution": "R-1"}
    steps = "allowance, reserve RESERVE"
    refused(bank, ProgrammeRule, "set-loss-waterfall", bank.tom, field="steps", steps=steps, **values)
    bank.agreed("set-loss-waterfall", by=bank.tom, approver=bank.sue, steps="allowance, notes A", **values)


def test_no_security_where_none_may_be_taken(bank: SmallBank) -> None:
    decide(bank, security="none")
    loan = bank.agreed("grant-loan", **LOAN).created[0]
    paid = bank.do("disburse-loan", by=bank.tom, loan=loan).number
    refused(bank, ProgrammeRule, "pledge-collateral", bank.ana, loan=loan, asset="a fan", cost="50.00",
            paid_from=paid, field="loan", says="no security")  # fmt: skip


def test_rules_that_cannot_be_and_who_sets_them(bank: SmallBank) -> None:
    def no(error: type[Any], field: str | None = None, **changes: Any) -> None:
        refused(bank, error, "set-programme", bank.tom, field=field, **{**RULES, **changes})

    no(InvalidValue, "least_rate", least_rate="8")
    no(InvalidValue, "fund", fund="LLR")
    no(InvalidValue, "fund", fund="POOL")
    no(Unknown, "fund", fund="XYZ")
    no(InvalidValue, "funder", funder="")
    for rule in ({"reserve": "cash"}, {"reserve_percent": "5"}, {"reserve": "book", "reserve_percent": "5"},
                 {"reserve": "cash", "reserve_percent": "5"}):  # fmt: skip
        no(InvalidValue, "reserve", **rule)
    no(InvalidValue, "reserve_account", reserve="cash", reserve_percent="5", reserve_account="FIRST")
    no(Unknown, "reserve_account", reserve="cash", reserve_percent="5", reserve_account="XYZ")
    refused(bank, NotAllowed, "set-programme", **RULES)
    number = decide(bank)
    no(InvalidValue, "fund")
    no(InvalidValue, "why", least_rate="5")
    refused(bank, CannotReverse, "reverse", bank.tom, operation=number, reason="x")
