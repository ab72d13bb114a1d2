"""Collateral: what was bought with a loan secures it, nothing else does, and all is released at the end."""

from __future__ import annotations

from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.operations.collateral import collateral_of, pledged_from
from coopbank.errors import InvalidAmount, InvalidValue, NotAllowed, OwnAccount, Unknown, WrongState
from tests.bank.support_counter import HOSTILE, refused
from tests.support_bank import SmallBank, assert_books

TERMS: dict[str, Any] = {"principal": "1000.00", "annual_rate": "6", "installments": 12}
ONLY = "Only what was bought with the loan can secure it"


def grant(bank: SmallBank, **values: Any) -> str:
    return bank.agreed("grant-loan", **{"member": "M0001", **TERMS, **values}).created[0]


def pay_out(bank: SmallBank, loan: str, **values: Any) -> int:
    """Pay a loan out, or a part of it; the number of the operation."""
    return bank.do("disburse-loan", by=bank.tom, loan=loan, **values).number


def pledge(bank: SmallBank, loan: str, number: int, cost: str = "600.00", **values: Any) -> str:
    pledged = {"loan": loan, "asset": "an oven", "cost": cost, "paid_from": number, **values}
    return bank.agreed("pledge-collateral", **pledged).created[0]


def not_pledged(bank: SmallBank, error: Any, loan: str, number: int, cost: str = "600.00", **values: Any) -> None:
    refused(bank, error, "pledge-collateral", loan=loan, asset="an oven", cost=cost, paid_from=number, **values)


def states(bank: SmallBank, loan: str) -> dict[str, str]:
    with bank.read() as books:
        return {ref: found.state for ref, found in collateral_of(books, loan)}


def test_what_was_bought_secures_the_loan_until_it_is_paid(beginning: SmallBank) -> None:
    bank = beginning
    loan = grant(bank)
    number = pay_out(bank, loan)
    first = pledge(bank, loan, number, lien="county register 17")
    second = pledge(bank, loan, number, "400.00", asset="a mixer")
    with bank.read() as books:
        assert collateral_of(books, loan)[0] == (
            first,
            records.Collateral(
                loan=loan, asset="an oven", cost=600_00, paid_from=number, pledged_on="2026-03-03",
                lien="county register 17",
            ),
        )  # fmt: skip
        assert pledged_from(books, number, loan) == [first, second]
    not_pledged(bank, InvalidAmount, loan, number, "0.01", field="cost", says=ONLY)

    done = bank.do("repay-loan", loan=loan, amount="1000.00")  # paid off on the day it was paid out
    assert states(bank, loan) == {first: "released", second: "released"}
    assert [value for label, value in done.notes if label == "Released"] == [f"{first} an oven", f"{second} a mixer"]
    with bank.read() as books:
        assert pledged_from(books, number, loan) == []
        assert collateral_of(books, loan)[0][1].why == "paid off"
    not_pledged(bank, WrongState, loan, number, field="loan")
    refused(bank, WrongState, "release-collateral", field="collateral", collateral=first, why="x")

    bank.do("reverse", by=bank.ana, operation=done.number, reason="another loan's")
    assert states(bank, loan) == {first: "pledged", second: "pledged"}


def test_each_tranche_secures_what_it_bought(counter: SmallBank) -> None:
    bank = counter
    loan = grant(bank)
    one = pay_out(bank, loan, amount="700.00")
    two = pay_out(bank, loan, amount="300.00")
    pledge(bank, loan, one, "700.00")
    not_pledged(bank, InvalidAmount, loan, two, "300.01", field="cost", says="300.00")
    pledge(bank, loan, two, "300.00", asset="a table")
    assert len(states(bank, loan)) == 2


def test_nothing_else_can_be_pledged(counter: SmallBank) -> None:
    bank = counter
    loan, other = grant(bank), grant(bank, member="M0002", principal="500.00")
    not_pledged(bank, WrongState, loan, 1, field="loan", says=ONLY)  # not paid out yet
    mine, theirs = pay_out(bank, loan), pay_out(bank, other)
    not_pledged(bank, InvalidValue, loan, theirs, field="paid_from", says=f"paid out loan {other}. {ONLY}")
    deposit = bank.do("deposit", member="M0001", amount="600.00").number
    for number in (deposit, 1, mine - 1):
        not_pledged(bank, InvalidValue, loan, number, field="paid_from", says=f"paid out no loan. {ONLY}")
    not_pledged(bank, Unknown, loan, 99_999, field="paid_from")
    not_pledged(bank, Unknown, "L-404", mine, field="loan")
    not_pledged(bank, InvalidValue, loan, 0, field="paid_from")
    not_pledged(bank, InvalidValue, loan, mine, "0.00", field="cost")
    refused(bank, InvalidValue, "pledge-collateral", field="asset", loan=loan, asset="", cost="1.00", paid_from=mine)
    not_pledged(bank, NotAllowed, loan, mine, by=bank.sue)


def test_a_payment_that_was_taken_back_bought_nothing(counter: SmallBank) -> None:
    bank = counter
    loan = grant(bank)
    number = pay_out(bank, loan)
    bank.do("reverse", by=bank.tom, operation=number, reason="the seller withdrew")
    not_pledged(bank, WrongState, loan, number, field="loan", says=ONLY)
    again = pay_out(bank, loan)
    not_pledged(bank, InvalidValue, loan, number, field="paid_from", says=ONLY)
    sold = pledge(bank, loan, again)
    bank.agreed("release-collateral", collateral=sold, why="sold, and the seller takes it back after all")
    bank.do("reverse", by=bank.tom, operation=again, reason="the seller withdrew again")
    assert states(bank, loan) == {sold: "released"}
    assert_books(bank)  # nothing secures it any more: that payment may be gone


def test_a_pledge_is_released_by_two_and_a_mistake_makes_room_again(counter: SmallBank) -> None:
    bank = counter
    loan = grant(bank)
    number = pay_out(bank, loan)
    wrong = pledge(bank, loan, number, "1000.00")
    bank.agreed("release-collateral", collateral=wrong, why="it was the neighbour's", mistake=True)
    right = pledge(bank, loan, number, "1000.00")
    bank.agreed("release-collateral", collateral=right, why="sold, the price repaid principal")
    assert states(bank, loan) == {wrong: "mistaken", right: "released"}
    not_pledged(
        bank, InvalidAmount, loan, number, "0.01", field="cost"
    )  # what was sold was bought with it all the same
    for ref in (wrong, right):
        refused(bank, WrongState, "release-collateral", field="collateral", collateral=ref, why="x")
    refused(bank, Unknown, "release-collateral", field="collateral", collateral="C-404", why="x")
    refused(bank, InvalidValue, "release-collateral", field="why", collateral=right, why="")
    refused(bank, NotAllowed, "release-collateral", bank.sue, collateral=right, why="x")


def test_nobody_pledges_or_releases_for_themselves(counter: SmallBank) -> None:
    bank = counter
    loan = grant(bank)
    number = pay_out(bank, loan)
    ref = pledge(bank, loan, number)
    bank.agreed("link-user", by=bank.admin, approver=bank.tom, user="ana", member="M0001")
    not_pledged(bank, OwnAccount, loan, number, "1.00")
    refused(bank, OwnAccount, "release-collateral", collateral=ref, why="x")


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_stay_as_they_are(counter: SmallBank, text: str) -> None:
    loan = grant(counter)
    ref = pledge(counter, loan, pay_out(counter, loan), asset=text, lien=text)
    counter.agreed("release-collateral", collateral=ref, why=text)
    with counter.read() as books:
        found = books.get(records.Collateral, ref)
    assert (found.asset, found.lien, found.why) == (text, text, text)


def test_the_report_that_ends_a_loan_releases_what_secured_it(counter: SmallBank) -> None:
    """A loan repaid by share of surplus may be settled by the acceptance of its last report alone."""
    bank = counter
    terms: dict[str, Any] = {"member": "M0001", "product": "SURPLUS", "principal": "1000.00"}
    loan = bank.agreed("grant-loan", **terms, outer_date="2031-03-03").created[0]
    ref = pledge(bank, loan, pay_out(bank, loan))
    bank.go_to("2026-09-01")
    bank.do("repay-loan", loan=loan, amount="1000.00")
    bank.go_to("2027-03-10")
    assert states(bank, loan) == {ref: "pledged"}  # interest may still come due by the report
    bank.do("file-report", loan=loan, surplus="0.00")
    bank.do("accept-report", by=bank.tom, loan=loan, period=1)
    assert states(bank, loan) == {ref: "released"}
