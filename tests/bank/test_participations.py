"""Participations: a peer's part of a loan is split off everywhere, to the cent, and its money only passes through."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from coopbank.errors import CannotReverse, InvalidValue, Overdrawn, OwnAccount, Unknown, WrongState
from coopbank.money import split
from tests.bank.support_counter import entry, posted, refused
from tests.bank.support_lending import (
    close_months_before,
    simple_interest,
    standing,
    stored,
    visit,
)
from tests.bank.support_twins import CLOSE, START, Step, act, as_if_never, assert_leaves, leaves, told
from tests.support_bank import SmallBank, assert_books


@pytest.fixture
def lite(lite: SmallBank) -> Iterator[SmallBank]:
    yield lite
    with lite.read() as books:
        loans = [ref for (ref,) in books.tx.rows("SELECT DISTINCT ref FROM record WHERE kind = 'loan'")]
    for loan in loans:
        assert_leaves(lite, loan)


def granted(bank: SmallBank, **changes: Any) -> str:
    terms = {"member": "M0001", "principal": "10000.00", "annual_rate": "7.25", "installments": 24}
    return act(bank, "grant-loan", **{**terms, **changes}).created[0]


def shared(bank: SmallBank, share: str = "40", **changes: Any) -> str:
    loan = granted(bank)
    act(bank, "sell-participation", loan=loan, peer="PF-1", share_percent=share, agreement="A-1", **changes)
    return loan


def test_the_peer_s_money_passes_through_and_its_part_is_not_ours(lite: SmallBank) -> None:
    loan = granted(lite)
    sold = act(lite, "sell-participation", loan=loan, peer="PF-1", share_percent="40", agreement="A-1")
    assert posted(sold) == [
        entry("POOL 731/FIRST Dr 4000.00", "POOL 879/RLF Cr 4000.00", "RLF 729 Dr 4000.00", "RLF 831/PF-1 Cr 4000.00")
    ]
    act(lite, "disburse-loan", loan=loan)
    assert (lite.balance("701/L-001", "RLF"), lite.balance("M30/L-001", "RLF")) == (6000_00, 4000_00)
    assert lite.balance("831/PF-1", "RLF") == 0
    visit(lite, "2026-04-02")
    interest = simple_interest(1_000_000, "7.25", START, date(2026, 4, 2))  # 61.58
    act(lite, "repay-loan", loan=loan, amount="448.96")
    ours, theirs = split(interest, [3, 2])
    assert lite.balance("111", "RLF") == -ours
    assert lite.balance("831/PF-1", "RLF") == -(theirs + split(448_96 - interest, [3, 2])[1])
    assert lite.balance("701/L-001", "RLF") + lite.balance("M30/L-001", "RLF") == 10_000_00 - 448_96 + interest
    held = lite.balance("729", "RLF"), -lite.balance("831/PF-1", "RLF")
    act(lite, "remit-participation", peer="PF-1")
    assert (lite.balance("729", "RLF"), lite.balance("831/PF-1", "RLF")) == (held[0] - held[1], 0)
    refused(lite, Overdrawn, "remit-participation", lite.tom, peer="PF-1", field="peer")


def test_servicing_is_a_part_of_the_interest_that_the_peer_is_paid(lite: SmallBank) -> None:
    loan = shared(lite, servicing_rate="1.45")  # a fifth of 7.25
    act(lite, "disburse-loan", loan=loan)
    visit(lite, "2026-04-02")
    act(lite, "repay-loan", loan=loan, amount="100.00")
    theirs = split(61_58, [3, 2])[1]
    fee = round(theirs / 5)
    assert lite.balance("117", "RLF") == -fee
    assert lite.balance("831/PF-1", "RLF") == -(theirs + split(100_00 - 61_58, [3, 2])[1] - fee)


@pytest.mark.parametrize("share", ["0.01", "1", "33.333333", "66.666667", "99.99"])
def test_every_share_ends_at_nothing(lite: SmallBank, share: str) -> None:
    loan = shared(lite, share)
    act(lite, "disburse-loan", loan=loan, amount="3333.33")
    act(lite, "disburse-loan", loan=loan)
    assert lite.balance("831/PF-1", "RLF") == 0  # not a cent of it is left or missing
    for day in ("2026-04-02", "2026-05-11", "2026-07-30"):
        visit(lite, day)
        close_months_before(lite, date.fromisoformat(day))
        act(lite, "repay-loan", loan=loan, amount="777.77")
    act(lite, "repay-loan", loan=loan, amount=lite.text(standing(lite, loan, "2026-07-30").payoff))
    assert stored(lite, loan).state == "paid"
    assert {leaf: amount for leaf, amount in leaves(lite).items() if leaf[1].endswith("/L-001")} == {}
    theirs, ours = -lite.balance("831/PF-1", "RLF"), -lite.balance("111", "RLF")
    whole = stored(lite, loan).told["interest_paid"]
    assert abs(ours - whole * (100 - float(share)) / 100) <= 1
    assert theirs == 10_000_00 - sum_lent(lite, loan) + whole - ours


def test_a_loan_of_which_a_peer_owns_every_cent_is_proven_when_it_was_charged_off(lite: SmallBank) -> None:
    loan = shared(lite, "99.99")
    act(lite, "disburse-loan", loan=loan, amount="1.00")
    assert (lite.balance("701/L-001", "RLF"), lite.balance("M30/L-001", "RLF")) == (0, 1_00)
    act(lite, "stop-accrual", loan=loan, why="gone")
    act(lite, "charge-off", loan=loan, why="lost", resolution="the board")
    assert (lite.balance("M40/L-001", "RLF"), lite.balance("M20/L-001", "RLF")) == (0, 0)  # of our own nothing is left
    assert lite.balance("M30/L-001", "RLF") == 1_00
    assert_books(lite)
    act(lite, "repay-loan", loan=loan, amount="1.00")
    assert lite.balance("M30/L-001", "RLF") == 0
    assert lite.balance("831/PF-1", "RLF") == -9999_00  # paid for its part; of it 1.00 was lent, and came back


def sum_lent(bank: SmallBank, loan: str) -> int:
    """What the fund itself lent."""
    return stored(bank, loan).book["RLF"]["lent"]


def test_what_cannot_be_sold(lite: SmallBank) -> None:
    loan = granted(lite)
    values: dict[str, Any] = {"loan": loan, "peer": "PF-1", "agreement": "A-1"}
    for share in ("100", "0", "-1", "100.01", "0.0000001", "40 %", "x", "0.000001"):
        refused(lite, InvalidValue, "sell-participation", lite.tom, **values, share_percent=share,
                field="share_percent")  # fmt: skip
    values["share_percent"] = "40"
    refused(lite, InvalidValue, "sell-participation", lite.tom, **{**values, "peer": "P 1"}, field="peer")
    refused(lite, InvalidValue, "sell-participation", lite.tom, **{**values, "agreement": ""}, field="agreement")
    refused(lite, InvalidValue, "sell-participation", lite.tom, **values, servicing_rate="7.26", field="servicing_rate")
    refused(lite, Unknown, "sell-participation", lite.tom, **{**values, "loan": "L-099"}, field="loan")
    free = granted(lite, annual_rate="0")
    refused(lite, InvalidValue, "sell-participation", lite.tom, **{**values, "loan": free}, servicing_rate="0.01",
            field="servicing_rate")  # fmt: skip
    two = granted(lite, other_funds="GEN 40")
    refused(lite, InvalidValue, "sell-participation", lite.tom, **{**values, "loan": two}, field="share_percent")
    act(lite, "sell-participation", **values)
    refused(lite, WrongState, "sell-participation", lite.tom, **values, field="loan", says="once")
    act(lite, "disburse-loan", loan=free, amount="1.00")
    refused(lite, WrongState, "sell-participation", lite.tom, **{**values, "loan": free}, field="loan")
    lite.agreed("link-user", by=lite.admin, approver=lite.sue, user="tom", member="M0001")
    refused(lite, OwnAccount, "sell-participation", lite.tom, **values)


def test_the_money_that_a_peer_lends_is_not_remitted_before_it_is_lent(lite: SmallBank) -> None:
    """Or the loan could never be paid out."""
    loan = shared(lite)
    refused(lite, Overdrawn, "remit-participation", lite.tom, peer="PF-1", field="peer", says="until it is")
    act(lite, "disburse-loan", loan=loan, amount="5000.00")
    act(lite, "repay-loan", loan=loan, amount="100.00")
    assert lite.balance("831/PF-1", "RLF") == -2040_00
    act(lite, "remit-participation", peer="PF-1")
    assert lite.balance("831/PF-1", "RLF") == -2000_00
    act(lite, "close-commitment", loan=loan)
    act(lite, "remit-participation", peer="PF-1")  # what is not wanted goes back
    assert lite.balance("831/PF-1", "RLF") == 0


def test_a_payment_whose_money_was_remitted_is_not_taken_back_under_it(lite: SmallBank) -> None:
    loan = shared(lite)
    act(lite, "disburse-loan", loan=loan)
    paid = act(lite, "repay-loan", loan=loan, amount="100.00")
    before = told(lite, loan)
    remitted = act(lite, "remit-participation", peer="PF-1")
    refused(lite, CannotReverse, "reverse", lite.tom, operation=paid.number, reason="x", field="operation",
            says=str(remitted.number))  # fmt: skip
    act(lite, "reverse", operation=remitted.number)
    assert told(lite, loan) == before
    act(lite, "reverse", operation=paid.number)
    assert lite.balance("831/PF-1", "RLF") == 0


def test_a_sale_that_is_taken_back(lite: SmallBank) -> None:
    loan = granted(lite)
    before = told(lite, loan), leaves(lite)
    sold = act(lite, "sell-participation", loan=loan, peer="PF-1", share_percent="40", agreement="A-1")
    act(lite, "reverse", operation=sold.number)
    assert (told(lite, loan), leaves(lite)) == before
    again = act(lite, "sell-participation", loan=loan, peer="PF-2", share_percent="25", agreement="A-2")
    act(lite, "disburse-loan", loan=loan)
    refused(lite, CannotReverse, "reverse", lite.tom, operation=again.number, reason="x", replay=True)


LENT: list[Step] = [
    ("2026-03-02", "grant-loan", {"member": "M0001", "principal": "4000.00", "annual_rate": "7.25",
                                  "installments": 24}),
    ("2026-03-02", "sell-participation", {"loan": "L-001", "peer": "PF-1", "share_percent": "33.33",
                                          "servicing_rate": "1", "agreement": "A-1"}),
    ("2026-03-02", "disburse-loan", {"loan": "L-001"}),
    ("2026-04-02", "repay-loan", {"loan": "L-001", "amount": "179.58"}),
    ("2026-05-10", CLOSE, {}),
    ("2026-05-10", "waive-charges", {"loan": "L-001", "interest": "7.77"}),
    ("2026-05-11", "change-rate", {"loan": "L-001", "annual_rate": "4"}),
    ("2026-05-20", "stop-accrual", {"loan": "L-001"}),
    ("2026-06-08", "repay-loan", {"loan": "L-001", "amount": "300.00", "value_date": "2026-05-15"}),
    ("2026-06-10", "write-down", {"loan": "L-001", "principal": "1000.00"}),
    ("2026-06-10", "charge-off", {"loan": "L-001", "resolution": "R-1"}),
    ("2026-07-10", CLOSE, {}),
    ("2026-07-10", "repay-loan", {"loan": "L-001", "amount": "33.33"}),
]  # fmt: skip


@pytest.mark.parametrize("taken", [3, 5, 6, 7, 8, 9, 12])
def test_what_is_taken_back_never_was(founded: Path, tmp_path: Path, taken: int) -> None:
    as_if_never(founded, tmp_path, LENT, taken)
