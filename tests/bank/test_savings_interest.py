"""Interest on savings: of each day's balance, to the cent over all accounts, once for a quarter."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest

from coopbank.bank import groups
from coopbank.errors import AlreadyExists, InvalidDate, InvalidValue, NotOffered, Refused, WrongState
from coopbank.finance.apy import apy_earned, balance_spans
from coopbank.money import round_minor
from coopbank.reports.member import member
from coopbank.reports.trial_balance import trial_balance
from tests.support_bank import CHARITY, SmallBank, new_bank


def saver(bank: SmallBank, name: str, rate: str, amount: str, **details: str) -> str:
    ref = bank.admit(name, **details)
    bank.do("open-savings", member=ref, annual_rate=rate)
    bank.do("deposit", member=ref, amount=amount)
    return ref


def credit(bank: SmallBank, quarter: str = "2026-Q1") -> dict[str, int]:
    receipt = bank.agreed("credit-interest", by=bank.tom, approver=bank.sue, quarter=quarter)
    return {f"{x.fund} {x.code}": x.amount for entry in receipt.entries for x in entry.lines if x.code != "852"}


def test_each_day_counts_with_the_balance_of_its_end(small: SmallBank) -> None:
    ana = saver(small, "Ana Diaz", "2", "1000.00")  # on 2 March: 30 days in March
    bea = saver(small, "Bea Long", "1.5", "333.33")
    cat = saver(small, "Cat Wu", "0", "900.00")
    small.go_to("2026-03-17")
    small.do("withdraw", member=ana, amount="400.00")  # from this day on 15 days at 600.00
    small.go_to("2026-03-31")
    lines = credit(small)
    of_ana = Fraction(1000_00 * 15 + 600_00 * 15) * 2 / 36_500
    of_bea = Fraction(333_33 * 30) * 3 / 2 / 36_500
    assert lines["GEN 385"] == round_minor(of_ana + of_bea) == -lines[f"GEN 905/{ana}"] - lines[f"GEN 905/{bea}"]
    assert abs(-lines[f"GEN 905/{ana}"] - of_ana) < 1
    assert abs(-lines[f"GEN 905/{bea}"] - of_bea) < 1
    assert f"GEN 905/{cat}" not in lines
    assert small.balance("852") == 0
    with pytest.raises(AlreadyExists):
        credit(small)


def test_what_moves_after_the_credit_on_the_last_day_counts_with_the_next_quarter(small: SmallBank) -> None:
    ana = saver(small, "Ana Diaz", "4", "1000.00")
    bea = saver(small, "Bea Long", "4", "9000.00")
    small.go_to("2026-03-31")
    first = credit(small)
    small.do("deposit", member=ana, amount="9000.00")
    small.do("withdraw", member=bea, amount="500.00")
    balances = {each: -small.balance(f"905/{each}") for each in (ana, bea)}
    small.go_to("2026-06-30")
    lines = credit(small, "2026-Q2")
    for each, late in ((ana, 9000_00), (bea, -500_00)):
        exact = Fraction(balances[each] * 91 + late) * 4 / 36_500
        assert abs(-lines[f"GEN 905/{each}"] - exact) < 1, first


def test_a_credit_that_reckoned_before_sees_that_the_quarter_before_was_taken_back(
    small: SmallBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the day that is counted anew with the quarter before would be counted in this one as well."""
    ana = saver(small, "Ana Diaz", "4", "1000.00")
    small.go_to("2026-03-31")
    before = small.agreed("credit-interest", by=small.tom, approver=small.sue, quarter="2026-Q1")
    small.do("deposit", member=ana, amount="9000.00")
    small.go_to("2026-07-01")
    asked = small.ask("credit-interest", by=small.tom, quarter="2026-Q2")
    balance = -small.balance(f"905/{ana}")

    def taken_back() -> None:
        monkeypatch.undo()
        why = {"operation": before.number, "reason": "the rate was another"}
        small.agreed("reverse", by=small.tom, approver=small.sue, **why)

    monkeypatch.setattr(groups, "LARGEST", 0)
    approval = small.bank.build("approve", {"request": asked.request})
    done = small.reckoned_before(approval, small.sue, taken_back).then[0]
    (earned,) = [-x.amount for entry in done.entries for x in entry.lines if x.code == f"905/{ana}"]
    assert earned == round_minor(Fraction(balance * 91 * 4, 36_500))


def test_a_cheque_that_comes_back_on_the_last_day_after_the_credit_counts_with_the_next_quarter(
    small: SmallBank,
) -> None:
    bea = saver(small, "Bea Long", "4", "1000.00")
    taken = small.do("deposit", member=bea, amount="500.00", tender="cheque", cheque_number="7")
    cheque = next(ref for ref in taken.created if ref.startswith("CH-"))
    small.do("bank-cheques", by=small.tom, cheques=[cheque])
    small.go_to("2026-03-31")
    credit(small)
    small.do("return-cheque", by=small.tom, cheque=cheque)
    balance = -small.balance(f"905/{bea}")
    small.go_to("2026-06-30")
    exact = Fraction(balance * 91 - 500_00 * 30) * 4 / 36_500
    assert abs(-credit(small, "2026-Q2")[f"GEN 905/{bea}"] - exact) < 1


def test_the_money_of_a_cheque_that_came_back_earns_nothing(small: SmallBank) -> None:
    """In the quarter in which it comes back; what was credited for it before is taken off there."""
    ana, bea = (saver(small, name, "4", "1000.00") for name in ("Ana Diaz", "Bea Long"))
    wrong = small.do("deposit", member=bea, amount="500.00", tender="cheque", cheque_number="7")
    cheque = next(ref for ref in wrong.created if ref.startswith("CH-"))
    small.do("bank-cheques", by=small.tom, cheques=[cheque])
    small.go_to("2026-03-12")
    small.do("withdraw", member=bea, amount="600.00", tender="cash")  # of her own money, by what is known then
    small.go_to("2026-03-31")
    first = credit(small)
    of_bea = Fraction(1500_00 * 10 + 900_00 * 20) * 4 / 36_500
    assert abs(-first[f"GEN 905/{bea}"] - of_bea) < 1
    balance = -small.balance(f"905/{bea}")
    small.go_to("2026-04-11")
    small.do("return-cheque", by=small.tom, cheque=cheque)
    small.go_to("2026-06-30")
    lines = credit(small, "2026-Q2")
    exact = Fraction((balance - 500_00) * 91 - 500_00 * 30) * 4 / 36_500
    assert abs(-lines[f"GEN 905/{bea}"] - exact) < 1
    assert abs(-lines[f"GEN 905/{ana}"] - Fraction((1000_00 - first[f"GEN 905/{ana}"]) * 91) * 4 / 36_500) < 1


def test_a_cheque_that_came_back_takes_off_no_more_than_it_earned(small: SmallBank) -> None:
    """Its money was drawn at once, and so earned for some days only; what is paid in later earns all of its days."""
    saver(small, "Ana Diaz", "0", "3000.00")
    bea = saver(small, "Bea Long", "4", "0.01")
    taken = small.do("deposit", member=bea, amount="500.00", tender="cheque", cheque_number="7")
    cheque = next(ref for ref in taken.created if ref.startswith("CH-"))
    small.do("bank-cheques", by=small.tom, cheques=[cheque])
    small.go_to("2026-03-12")
    small.do("withdraw", member=bea, amount="500.00")
    small.go_to("2026-03-31")
    earned = credit(small)[f"GEN 905/{bea}"]
    assert abs(-earned - Fraction(500_00 * 10) * 4 / 36_500) < 1
    small.go_to("2026-04-11")
    small.do("return-cheque", by=small.tom, cheque=cheque)
    small.go_to("2026-04-12")
    small.do("deposit", member=bea, amount="2000.00")
    balance = -small.balance(f"905/{bea}")
    small.go_to("2026-06-30")
    exact = Fraction(balance * 80 - 500_00 * 10) * 4 / 36_500
    assert abs(-credit(small, "2026-Q2")[f"GEN 905/{bea}"] - exact) < 1


def test_tax_is_withheld_where_the_policy_says_so(small: SmallBank) -> None:
    known = saver(small, "Ana Diaz", "4", "5000.00", tax_id="123-45-6789")
    unknown = saver(small, "Bea Long", "4", "5000.00")
    small.agreed("set-policy", by=small.admin, approver=small.tom, policy="backup_withholding", value="24")
    small.go_to("2026-03-31")
    lines = credit(small)
    whole = -lines[f"GEN 905/{known}"]
    withheld = round_minor(Fraction(whole * 24, 100))
    assert -lines["GEN 842"] == withheld > 0
    assert small.balance(f"905/{unknown}") == -(5000_00 + whole - withheld)


def test_what_is_not_over_and_what_is_no_quarter(small: SmallBank) -> None:
    saver(small, "Ana Diaz", "2", "1000.00")
    with pytest.raises(WrongState) as refused:
        credit(small)
    assert refused.value.field == "quarter"
    with pytest.raises(InvalidDate):
        credit(small, "2025-Q4")
    for wrong in ("2026-Q5", "2026", "0000-Q1"):
        with pytest.raises(InvalidValue):
            small.bank.build("credit-interest", {"quarter": wrong})
    with pytest.raises(Refused):
        small.agreed("set-policy", by=small.admin, approver=small.tom, policy="backup_withholding", value="much")


def test_a_reversed_credit_can_be_made_again(small: SmallBank) -> None:
    ana = saver(small, "Ana Diaz", "2", "1000.00")
    small.go_to("2026-03-31")
    receipt = small.agreed("credit-interest", by=small.tom, approver=small.sue, quarter="2026-Q1")
    small.agreed("reverse", by=small.tom, approver=small.sue, operation=receipt.number, reason="the rate was another")
    assert small.balance(f"905/{ana}") == -1000_00
    assert credit(small)["GEN 385"] == round_minor(Fraction(1000_00 * 30 * 2, 36_500))


def test_what_is_credited_later_is_an_expense_of_the_quarter_in_which_it_was_earned(small: SmallBank) -> None:
    ana = saver(small, "Ana Diaz", "2", "1000.00")
    small.go_to("2026-04-02")
    with small.read() as books:
        before = member(books, ana, date(2026, 3, 1), date(2026, 3, 31))
    asked = small.agreed("close-month", by=small.tom, approver=small.sue, month="2026-03")
    assert dict(asked.notes)["Interest on savings not credited"] == "2026-Q1"
    small.agreed("reopen-month", by=small.tom, approver=small.sue, month="2026-03", why="interest of the quarter")
    receipt = small.agreed("credit-interest", by=small.tom, approver=small.sue, quarter="2026-Q1")
    earned = round_minor(Fraction(1000_00 * 30 * 2, 36_500))
    assert dict(receipt.notes)["An expense of"] == "2026-03-31"
    with small.read() as books:
        march = {row.code: row.combined for row in trial_balance(books, date(2026, 3, 31)).rows}
        assert (march["385"], march["852"], march["905"]) == (earned, -earned, -1000_00)
        assert member(books, ana, date(2026, 3, 1), date(2026, 3, 31)).accounts == before.accounts
    assert (small.balance("852"), small.balance(f"905/{ana}")) == (0, -1000_00 - earned)
    closed = small.agreed("close-month", by=small.tom, approver=small.sue, month="2026-03")
    assert "Interest on savings not credited" not in dict(closed.notes)
    small.agreed("reverse", by=small.tom, approver=small.sue, operation=receipt.number, reason="the rate was another")
    late = small.agreed("credit-interest", by=small.tom, approver=small.sue, quarter="2026-Q1")
    assert [entry.effective_on for entry in late.entries] == ["2026-04-02"]  # March is locked


@pytest.mark.parametrize(
    ("credited", "taken_back"),
    [("2026-03-31", "2026-03-31"), ("2026-03-31", "2026-04-02"), ("2026-04-01", "2026-04-02")],
)
@pytest.mark.parametrize("more", [0, 3000, -400])
def test_what_is_credited_anew_is_borne_once_by_its_quarter(
    small: SmallBank, credited: str, taken_back: str, more: int
) -> None:
    """A reversal is of its own day: what it takes back the quarter goes on to bear, and with it what is more."""
    ana = saver(small, "Ana Diaz", "2", "1000.00")
    small.go_to(credited)
    wrong = small.agreed("credit-interest", by=small.tom, approver=small.sue, quarter="2026-Q1")
    if more:  # on the quarter's last day it is of that day
        small.do("deposit" if more > 0 else "withdraw", member=ana, amount=f"{abs(more)}.00")
    if taken_back > credited:
        small.go_to(taken_back)
    small.agreed("reverse", by=small.tom, approver=small.sue, operation=wrong.number, reason="it was too early")
    if taken_back == credited:
        small.go_to("2026-04-02")
    small.agreed("credit-interest", by=small.tom, approver=small.sue, quarter="2026-Q1")
    counted = more if credited == "2026-03-31" else 0
    first, anew = (round_minor(Fraction((1000 * 30 + each) * 100 * 2, 36_500)) for each in (0, counted))
    with small.read() as books:
        march, april = (
            {row.code: row.combined for row in trial_balance(books, day).rows}
            for day in (date(2026, 3, 31), date(2026, 4, 2))
        )
    stands = 0 if taken_back == credited else first
    assert (march["385"], april["385"]) == (max(stands, anew), anew)
    assert (small.balance("852"), small.balance(f"905/{ana}")) == (0, -(1000 + more) * 100 - anew)


def test_a_charity_keeps_no_savings(tmp_path: object) -> None:
    with new_bank(f"{tmp_path}/book.db", institution_kind=CHARITY) as bank, pytest.raises(NotOffered):
        bank.ask("credit-interest", by=bank.tom, quarter="2025-Q4")


def test_the_statement_tells_interest_and_yield(small: SmallBank) -> None:
    ana = saver(small, "Ana Diaz", "2", "1000.00")
    small.go_to("2026-03-17")
    small.do("deposit", member=ana, amount="100.00")
    small.go_to("2026-03-31")
    with small.read() as books:
        (account,) = [a for a in member(books, ana, date(2026, 3, 1), date(2026, 3, 31)).accounts
                      if a.kind == "savings"]  # fmt: skip
    earned = round_minor(Fraction((1000_00 * 30 + 100_00 * 15) * 2, 36_500))
    assert account.earned == earned
    assert account.annual_yield == str(apy_earned(earned, 1050_00, 30, 90))


def test_spans_of_a_balance() -> None:
    start, end = date(2026, 3, 1), date(2026, 3, 10)
    moves = [(date(2026, 3, 4), 50), (start, 100), (end, -30), (end + timedelta(days=1), 9)]
    assert balance_spans(7, moves, start, end) == [(107, 3), (157, 6), (127, 1)]
    assert balance_spans(7, [], start, start) == [(7, 1)]
    assert balance_spans(7, [], end, start) == []
