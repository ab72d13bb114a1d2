"""Granting and paying out: products and their limits, several funds, tranches, lines, currencies; closes in between."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from coopbank.errors import CannotReverse, InvalidAmount, InvalidValue, NotAllowed, Overdrawn, Unknown, WrongState
from tests.bank.support_counter import refused
from tests.bank.support_lending import (
    close_months_before,
    notes_of,
    simple_interest,
    standing,
    stored,
    visit,
)
from tests.bank.support_twins import (
    CLOSE,
    START,
    Step,
    act,
    as_if_never,
    assert_leaves,
    assert_rows,
    borrow,
    furnish,
    leaves,
    told,
)
from tests.support_bank import SmallBank, assert_books, new_bank


def begun(bank: SmallBank) -> None:
    """With a product of narrow limits."""
    furnish(bank)
    act(bank, "define-product", code="NARROW", product_name="Narrow", least="100.00", most="500.00", most_rate="9",
        most_installments=12, annual_rate="6", installments=6, funds=["RLF"], order=["principal", "interest", "fees"],
        early="lower")  # fmt: skip


def grant(bank: SmallBank, **values: Any) -> str:
    return act(bank, "grant-loan", **{"member": "M0001", "principal": "300.00", **values}).created[0]


def not_granted(bank: SmallBank, error: Any, field: str, says: str = "", **values: Any) -> None:
    refused(bank, error, "grant-loan", bank.ana, **{"member": "M0001", "principal": "300.00", **values}, field=field,
            says=says)  # fmt: skip


# ------------------------------------------------------------------------------------- products


def test_a_product_gives_its_terms_and_keeps_its_limits(lite: SmallBank) -> None:
    loan = grant(lite, product="NARROW")
    body = stored(lite, loan)
    assert (body.product, body.product_version, body.annual_rate, len(standing(lite, loan, "2026-03-02").rows)) == (
        "NARROW", 1, "6", 6,
    )  # fmt: skip
    not_granted(lite, InvalidAmount, "principal", "smallest", product="NARROW", principal="99.99")
    not_granted(lite, InvalidAmount, "principal", "largest", product="NARROW", principal="500.01")
    not_granted(lite, InvalidValue, "annual_rate", "at most 9", product="NARROW", annual_rate="9.01")
    not_granted(lite, InvalidValue, "installments", "at most 12", product="NARROW", installments=13)
    not_granted(lite, InvalidValue, "fund", "does not lend it", product="NARROW", fund="GEN")
    not_granted(lite, InvalidValue, "fund", "does not lend it", product="NARROW", other_funds="GEN 10")
    not_granted(lite, Unknown, "product", product="NOPE")
    not_granted(lite, InvalidValue, "multiple", product="NARROW", multiple="1.2")
    not_granted(lite, InvalidValue, "months", product="LINE", months=[9], installments=12)
    not_granted(lite, InvalidValue, "annual_rate", product="REVENUE", outer_date="2028-01-01", annual_rate="5")
    not_granted(lite, InvalidValue, "outer_date", "missing", product="SURPLUS")
    not_granted(lite, InvalidValue, "outer_date", product="SURPLUS", outer_date="2026-03-02")
    act(lite, "define-product", code="NARROW", product_name="Narrow", most="200.00", annual_rate="8", installments=6)
    not_granted(lite, InvalidAmount, "principal", product="NARROW")
    assert stored(lite, loan).annual_rate == "6"  # what was granted before is as it was
    act(lite, "disburse-loan", loan=loan)
    visit(lite, "2026-03-12")
    took = notes_of(act(lite, "repay-loan", loan=loan, amount="100.00"))
    assert (took["Interest"], took["Principal"]) == ("0.49", "99.51")  # nothing is due: interest first, then principal
    at = standing(lite, loan, "2026-03-12")
    assert len({row.payment for row in at.rows[:-1]}) == 1 and at.rows[0].payment < 51_00  # early money lowers it


def test_the_order_of_the_product_for_what_is_due(lite: SmallBank) -> None:
    loan = grant(lite, product="NARROW")
    act(lite, "disburse-loan", loan=loan)
    visit(lite, "2026-04-02")
    due = standing(lite, loan, "2026-04-02").due
    took = notes_of(act(lite, "repay-loan", loan=loan, amount=lite.text(due.principal)))
    assert (took["Interest"], took["Principal"]) == ("0.00", lite.text(due.principal))
    took = notes_of(act(lite, "repay-loan", loan=loan, amount=lite.text(due.interest)))
    assert took["Interest"] == lite.text(due.interest)


@pytest.mark.parametrize("early", ["next", "shorten", "lower"])
def test_what_early_money_does(lite: SmallBank, early: str) -> None:
    """On the first due date 3,000.00 come on top. They pay the payment that runs, and then what was agreed."""
    level = 538_75
    loan = borrow(lite)
    visit(lite, "2026-04-02")
    act(lite, "repay-loan", loan=loan, amount="3538.75", early=early)
    at = standing(lite, loan, "2026-04-02")
    owed = 12_000_00 - 3538_75 + simple_interest(12_000_00, "7.25", START, date(2026, 4, 2))
    assert at.owed_principal == owed
    if early == "next":
        assert (at.next_due, at.next_amount) == (date(2026, 10, 2), 6 * level - 3000_00)
    elif early == "shorten":
        assert (at.next_due, at.next_amount) == (date(2026, 6, 2), level)
    else:
        assert (at.next_due, len(at.rows), at.last_due) == (date(2026, 6, 2), 22, date(2028, 3, 2))
        assert_rows(at.rows, owed, "7.25", date(2026, 4, 2))
        assert at.next_amount < 420_00
    day = date(2026, 5, 2)
    while (at := standing(lite, loan, str(day))).payoff:
        visit(lite, day)
        if at.due_now:
            act(lite, "repay-loan", loan=loan, amount=lite.text(at.due_now))
        day = date(day.year + day.month // 12, day.month % 12 + 1, 2)
    assert stored(lite, loan).state == "paid"
    ends = {"next": date(2028, 3, 2), "shorten": date(2027, 10, 2), "lower": date(2028, 3, 2)}
    assert stored(lite, loan).told["last_paid"] == ends[early].isoformat()


# ----------------------------------------------------------------------------------- several funds


@pytest.mark.parametrize(
    ("other", "funds"),
    [
        ("GEN 40", {"RLF": 6000, "GEN": 4000}), ("GEN 99.99", {"RLF": 1, "GEN": 9999}),
        ("GEN 0.01", {"RLF": 9999, "GEN": 1}), ({"GEN": "33.33"}, {"RLF": 6667, "GEN": 3333}),
        ("GEN: 5 %", {"RLF": 9500, "GEN": 500}), ("GEN=5%", {"RLF": 9500, "GEN": 500}),
    ],
)  # fmt: skip
def test_funds_that_lend_together(lite: SmallBank, other: Any, funds: dict[str, int]) -> None:
    loan = borrow(lite, principal="777.77", installments=3, other_funds=other)
    assert stored(lite, loan).funds == funds
    assert lite.balance("701/L-001", "RLF") + lite.balance("701/L-001", "GEN") == 777_77
    for day in ("2026-03-17", "2026-04-30"):
        visit(lite, day)
        act(lite, "repay-loan", loan=loan, amount="111.11")
        close_months_before(lite, date.fromisoformat(day))
    act(lite, "repay-loan", loan=loan, amount=lite.text(standing(lite, loan, "2026-04-30").payoff))
    assert {leaf for leaf in leaves(lite) if leaf[1].endswith("/L-001")} == set()
    for fund in ("RLF", "GEN"):  # each fund has its money again, and its part of the interest
        assert lite.balance("729", fund) == 50_000_00 - lite.balance("111", fund)


@pytest.mark.parametrize(
    "other", ["GEN 100", "GEN 99.999", "GEN 0", "GEN 0.00", "GEN -1", "GEN", "40", "GEN 40, GEN 10", "GEN 50, EDU 50",
              {"GEN": 40}, {"GEN": "1e1"}, {"GEN": "NaN"}, ["GEN 40"], "GEN 40;", "<b> 40", "GEN ４０"],
)  # fmt: skip
def test_shares_that_are_none(lite: SmallBank, other: Any) -> None:
    not_granted(lite, InvalidValue, "other_funds", other_funds=other)


def test_funds_that_do_not_lend(lite: SmallBank) -> None:
    not_granted(lite, Unknown, "other_funds", other_funds="NOPE 10")
    not_granted(lite, InvalidValue, "other_funds", "twice", other_funds="RLF 10")
    for fund in ("POOL", "LLR"):
        not_granted(lite, InvalidValue, "other_funds", "does not lend", other_funds=f"{fund} 10")
    not_granted(lite, Overdrawn, "principal", "GEN", principal="60000.00", other_funds="GEN 90")
    grant(lite, principal="90000.00", other_funds="GEN 50")
    not_granted(lite, Overdrawn, "principal", "is promised already", principal="10000.02", other_funds="GEN 50")
    grant(lite, principal="10000.00", other_funds="GEN 50")


# ---------------------------------------------------------------------------------------- tranches


def test_tranches_are_paid_out_one_after_the_other(lite: SmallBank) -> None:
    loan = grant(lite, principal="1000.00", annual_rate="7.3", installments=4)
    act(lite, "disburse-loan", loan=loan, amount="400.00")
    visit(lite, "2026-03-12")
    act(lite, "repay-loan", loan=loan, amount="0.01")
    refused(lite, Overdrawn, "disburse-loan", lite.tom, loan=loan, amount="600.01", field="amount", says="600.00")
    refused(lite, NotAllowed, "disburse-loan", lite.ana, loan=loan, amount="1.00", field="loan")
    act(lite, "disburse-loan", loan=loan)
    at = standing(lite, loan, "2026-04-02")
    wanted = simple_interest(400_00, "7.3", START, date(2026, 4, 2)) + simple_interest(
        600_00, "7.3", date(2026, 3, 12), date(2026, 4, 2)
    )
    assert at.standing.interest == wanted - 1
    assert len(at.rows) == 4
    refused(lite, WrongState, "disburse-loan", lite.tom, loan=loan, field="loan")
    refused(lite, WrongState, "close-commitment", lite.tom, loan=loan, reason="x", field="loan")


def test_a_payment_that_counts_from_before_the_second_tranche(lite: SmallBank) -> None:
    loan = grant(lite, principal="1000.00", annual_rate="7.3", installments=4)
    act(lite, "disburse-loan", loan=loan, amount="400.00")
    visit(lite, "2026-03-12")
    act(lite, "disburse-loan", loan=loan)
    visit(lite, "2026-03-22")
    # more than was owed then: what nobody owes on that day is refused, whatever is owed today
    refused(lite, InvalidAmount, "repay-loan", lite.tom, loan=loan, amount="401.00", tender="transfer",
            value_date="2026-03-07", field="amount", says="400.40")  # fmt: skip
    act(lite, "repay-loan", loan=loan, amount="400.40", value_date="2026-03-07")
    at = standing(lite, loan, "2026-03-22").standing
    assert (at.principal, at.interest) == (600_00, simple_interest(600_00, "7.3", date(2026, 3, 12), date(2026, 3, 22)))


def test_no_tranche_once_the_last_payment_was_due(lite: SmallBank) -> None:
    loan = grant(lite, principal="1000.00", annual_rate="7.3", installments=1)
    act(lite, "disburse-loan", loan=loan, amount="400.00")
    for day in ("2026-04-02", "2026-05-10"):
        visit(lite, day)
        refused(lite, InvalidValue, "disburse-loan", lite.tom, loan=loan, field="amount", says="last due date")
    act(lite, "close-commitment", loan=loan)
    act(lite, "repay-loan", loan=loan, amount=lite.text(standing(lite, loan, "2026-05-10").payoff))
    assert stored(lite, loan).state == "paid"


def test_what_is_not_wanted_is_promised_no_more(lite: SmallBank) -> None:
    loan = grant(lite, principal="1000.00")
    done = act(lite, "close-commitment", loan=loan)
    assert (stored(lite, loan).state, lite.balance("M40/L-001", "RLF")) == ("cancelled", 0)
    refused(lite, WrongState, "disburse-loan", lite.tom, loan=loan, field="loan", says="cancelled")
    refused(lite, WrongState, "repay-loan", lite.tom, loan=loan, amount="1.00", tender="transfer", field="loan")
    act(lite, "reverse", operation=done.number)
    assert stored(lite, loan).state == "granted"
    act(lite, "disburse-loan", loan=loan, amount="100.00")
    act(lite, "repay-loan", loan=loan, amount="100.00")
    assert stored(lite, loan).state == "active"  # the rest may still be paid out
    act(lite, "close-commitment", loan=loan)
    assert stored(lite, loan).state == "paid"


# ------------------------------------------------------------------------------------------- lines


def test_a_line_is_drawn_repaid_and_drawn_again(lite: SmallBank) -> None:
    line = grant(lite, product="LINE", principal="1000.00", annual_rate="7.3", installments=3)
    refused(lite, InvalidAmount, "disburse-loan", lite.tom, loan=line, field="amount", says="1,000.00 is available")
    refused(lite, Overdrawn, "disburse-loan", lite.tom, loan=line, amount="1000.01", field="amount")
    act(lite, "disburse-loan", loan=line, amount="1000.00")
    visit(lite, "2026-03-12")
    took = notes_of(act(lite, "repay-loan", loan=line, amount="1002.00"))  # to the cent
    assert (took["Interest"], took["Available"]) == ("2.00", "1,000.00")
    refused(lite, InvalidAmount, "repay-loan", lite.tom, loan=line, amount="0.01", tender="transfer", field="amount",
            says="Only 0.00")  # fmt: skip
    assert stored(lite, line).state == "active"
    act(lite, "disburse-loan", loan=line, amount="500.00")
    visit(lite, "2026-04-02")
    at = standing(lite, line, "2026-04-02")
    assert at.due_now == simple_interest(500_00, "7.3", date(2026, 3, 12), date(2026, 4, 2))
    took = notes_of(act(lite, "repay-loan", loan=line, amount="300.00"))  # more than is due: principal
    assert took["Principal"] == lite.text(300_00 - at.due_now)
    visit(lite, "2026-06-02")  # the last due date
    end = standing(lite, line, "2026-06-02")
    assert (end.due_now, end.available) == (end.payoff, 0)
    refused(lite, WrongState, "disburse-loan", lite.tom, loan=line, amount="0.01", field="loan")
    visit(lite, "2026-07-10")
    late = standing(lite, line, "2026-07-10")
    assert (late.due_now, late.days_late) == (late.payoff, 69)  # the interest of 2 May was not paid either
    assert late.payoff > end.payoff
    act(lite, "repay-loan", loan=line, amount=lite.text(late.payoff))
    assert stored(lite, line).state == "paid"


def test_a_line_that_ends_with_nothing_drawn_is_over(lite: SmallBank) -> None:
    line = grant(lite, product="LINE", principal="1000.00", annual_rate="7.3", installments=1)
    act(lite, "disburse-loan", loan=line, amount="10.00")
    act(lite, "repay-loan", loan=line, amount="10.00")
    visit(lite, "2026-05-10")
    assert standing(lite, line, "2026-05-10").available == 0
    close_months_before(lite, date(2026, 5, 10))
    assert lite.balance(f"M40/{line}", "RLF") == 0  # nothing is promised on it any more
    refused(lite, WrongState, "disburse-loan", lite.tom, loan=line, amount="1.00", field="loan")


def test_a_draw_does_not_count_from_the_past_but_a_payment_may(lite: SmallBank) -> None:
    line = grant(lite, product="LINE", principal="1000.00", annual_rate="7.3", installments=12)
    act(lite, "disburse-loan", loan=line, amount="600.00")
    visit(lite, "2026-03-22")
    act(lite, "disburse-loan", loan=line, amount="400.00")
    act(lite, "repay-loan", loan=line, amount="600.00", value_date="2026-03-12")
    at = standing(lite, line, "2026-03-22").standing
    assert (at.principal, at.committed) == (401_20, 598_80)  # 1.20 of it was interest


# --------------------------------------------------------------------------------------- currencies


@pytest.mark.parametrize(
    ("currency", "gift", "principal", "cent"),
    [("JPY", "5000000", "1200000", "1"), ("KWD", "50000.000", "12000.000", "0.001"), ("USD", "50000.00", "12000.00",
                                                                                      "0.01")],
)  # fmt: skip
def test_a_loan_in_a_currency_without_cents_and_in_one_with_more(
    tmp_path: Path, currency: str, gift: str, principal: str, cent: str
) -> None:
    with new_bank(str(tmp_path / "book.db"), currency=currency) as bank:
        bank.do("receive-gift", by=bank.tom, amount=gift, donor="Many", fund="RLF", tender="transfer")
        bank.do("receive-gift", by=bank.tom, amount=gift, donor="Many", tender="transfer")
        bank.admit("Mia Lee")
        loan = borrow(bank, principal=principal, other_funds="GEN 33.33")
        minor = stored(bank, loan).principal
        visit(bank, "2026-04-02")
        interest = simple_interest(minor, "7.25", START, date(2026, 4, 2))
        at = standing(bank, loan, "2026-04-02")
        assert (at.due.interest, at.standing.interest) == (interest, interest)
        took = notes_of(act(bank, "repay-loan", loan=loan, amount=bank.text(at.due_now)))
        assert took["Interest"].replace(",", "") == bank.text(interest)
        act(bank, "repay-loan", loan=loan, amount=cent)
        act(bank, "payment-holiday", loan=loan, payments=2)
        visit(bank, "2026-08-20")
        close_months_before(bank, date(2026, 8, 20))
        act(bank, "write-down", loan=loan, principal=cent)
        payoff = standing(bank, loan, "2026-08-20").payoff
        refused(bank, InvalidAmount, "repay-loan", bank.tom, loan=loan, amount=bank.text(payoff + 1), tender="transfer",
                field="amount")  # fmt: skip
        act(bank, "repay-loan", loan=loan, amount=bank.text(payoff))
        assert stored(bank, loan).state == "paid"
        if currency == "JPY":
            refused(bank, InvalidValue, "grant-loan", bank.ana, member="M0001", principal="1000.00", field="principal")
        assert_books(bank)
        assert_leaves(bank, loan)


# ------------------------------------------------------------------------------------ the way back


def test_a_grant_is_taken_back_and_its_number_is_free(lite: SmallBank) -> None:
    before = leaves(lite)
    done = act(lite, "grant-loan", member="M0001", principal="300.00", number="L-077")
    refused(lite, NotAllowed, "reverse", lite.tom, operation=done.number, reason="x", field="operation")
    act(lite, "reverse", by=lite.ana, operation=done.number)
    assert leaves(lite) == before
    refused(lite, Unknown, "disburse-loan", lite.tom, loan="L-077", field="loan")
    again = act(lite, "grant-loan", member="M0001", principal="300.00").created[0]
    act(lite, "disburse-loan", loan=again)
    refused(lite, CannotReverse, "reverse", lite.ana, operation=done.number, reason="x", field="operation",
            says="already")  # fmt: skip


LENT: list[Step] = [
    ("2026-03-02", "grant-loan", {"member": "M0001", "principal": "4000.00", "annual_rate": "7.25",
                                  "installments": 24, "other_funds": "GEN 33.33"}),
    ("2026-03-02", "disburse-loan", {"loan": "L-001", "amount": "1000.00"}),
    ("2026-03-20", "disburse-loan", {"loan": "L-001", "amount": "500.00"}),
    ("2026-03-31", "close-commitment", {"loan": "L-001"}),
    ("2026-04-02", "repay-loan", {"loan": "L-001", "amount": "100.00"}),
    ("2026-05-10", CLOSE, {}),
    ("2026-05-12", "repay-loan", {"loan": "L-001", "amount": "700.00", "early": "lower"}),
    ("2026-05-13", "repay-loan", {"loan": "L-001", "amount": "100.00", "value_date": "2026-03-10"}),
    ("2026-07-10", CLOSE, {}),
    ("2026-07-10", "repay-loan", {"loan": "L-001", "amount": "0.01"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("last", "taken"), [(2, 1), (3, 2), (4, 3), (10, 3), (10, 4), (10, 6), (10, 7), (10, 9)]
)  # fmt: skip
def test_what_is_taken_back_never_was(founded: Path, tmp_path: Path, last: int, taken: int) -> None:
    as_if_never(founded, tmp_path, LENT[:last], taken)


@pytest.mark.parametrize("taken", [1, 2])
def test_money_that_others_rest_on_is_not_taken_back(founded: Path, tmp_path: Path, taken: int) -> None:
    with pytest.raises(CannotReverse, match="rest on it"):
        as_if_never(founded, tmp_path, LENT, taken)


@pytest.mark.parametrize("terms", [{"product": "LINE", "installments": 12}, {"product": "SEASON", "installments": 4}])
def test_a_payment_in_the_middle_of_other_kinds(founded: Path, tmp_path: Path, terms: dict[str, Any]) -> None:
    """Months closed late, several at once, in between of facts that were typed late."""
    steps: list[Step] = [
        ("2026-03-02", "grant-loan", {"member": "M0001", "principal": "4000.00", "annual_rate": "7.25", **terms}),
        ("2026-03-02", "disburse-loan", {"loan": "L-001", "amount": "3000.00"}),
        ("2026-06-15", "repay-loan", {"loan": "L-001", "amount": "400.00", "value_date": "2026-05-30"}),
        ("2026-06-15", "disburse-loan", {"loan": "L-001", "amount": "1000.00"}),
        ("2026-08-20", CLOSE, {}),
        ("2026-09-10", "repay-loan", {"loan": "L-001", "amount": "600.00", "value_date": "2026-08-10"}),
        ("2026-11-02", "change-rate", {"loan": "L-001", "annual_rate": "3", "from_day": "2026-07-01"}),
        ("2026-12-10", CLOSE, {}),
        ("2026-12-10", "repay-loan", {"loan": "L-001", "amount": "50.00", "value_date": "2026-11-30"}),
    ]
    for taken in (2, 5, 6, 8):
        as_if_never(founded, tmp_path, steps, taken)


def test_told_is_told(lite: SmallBank) -> None:
    """Facts of one day: a tranche, a payment, a rate, a payment; their order is the order in which they came."""
    loan = grant(lite, principal="1000.00", annual_rate="7.3", installments=10)
    for operation, values in (
        ("disburse-loan", {"amount": "500.00"}), ("repay-loan", {"amount": "100.00"}),
        ("change-rate", {"annual_rate": "3.65"}), ("disburse-loan", {"amount": "500.00"}),
        ("repay-loan", {"amount": "0.01"}), ("payment-holiday", {"payments": 1}),
    ):  # fmt: skip
        act(lite, operation, loan=loan, **values)
    kinds = [fact[0] for fact in told(lite, loan)[1]]
    assert kinds == ["advance", "payment", "terms", "advance", "payment", "terms"]
    at = standing(lite, loan, "2026-03-12").standing
    assert (at.principal, at.interest) == (899_99, simple_interest(899_99, "3.65", START, date(2026, 3, 12)))
