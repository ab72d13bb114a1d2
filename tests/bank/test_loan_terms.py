"""Changes of what was agreed: what each makes of the bills and of the interest, what is refused, and the way back."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.errors import DayClosed, InvalidDate, InvalidValue, OwnAccount, OwnRequest, Unknown, WrongState
from tests.bank.support_counter import HOSTILE, refused
from tests.bank.support_lending import (
    close_months_before,
    copy_of,
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
    leaves,
    pay,
    play,
    told,
)
from tests.support_bank import SmallBank, assert_books

LEVEL = 538_75  # of 12,000.00 at 7.25 % over 24 months, from 2 March 2026
TWELVE_THOUSAND = 12_000_00


def terms(bank: SmallBank, loan: str) -> records.LoanTerms:
    with bank.read() as books:
        return books.get(records.LoanTerms, loan)


# ------------------------------------------------------------------------------------ the rate


def test_a_new_rate_holds_from_its_day_and_the_payment_follows(lite: SmallBank) -> None:
    loan = borrow(lite)
    first = standing(lite, loan, "2026-03-02").rows
    assert_rows(first, TWELVE_THOUSAND, "7.25", START)
    assert first[0].payment == LEVEL
    visit(lite, "2026-04-02")
    pay(lite, loan, LEVEL)
    done = act(lite, "change-rate", loan=loan, annual_rate="4.5")
    assert notes_of(done)["Version of the terms"] == "2"
    after = terms(lite, loan)
    assert (after.change, after.from_day, after.why) == ("rate", "2026-04-02", "because")
    assert stored(lite, loan).annual_rate == "4.5"
    assert not stored(lite, loan).modified
    left = standing(lite, loan, "2026-04-02").rows[1:]
    assert_rows(left, first[0].balance, "4.5", date(2026, 4, 2))
    assert left[0].payment < LEVEL
    visit(lite, "2026-05-02")
    assert pay(lite, loan, left[0].payment)["Interest"] == lite.text(left[0].interest)


def test_early_money_on_the_agreed_first_due_day_lowers_the_payments(lite: SmallBank) -> None:
    """What is owed is spread anew from that day on, which is the first of the series already."""
    loan = borrow(lite, first_due="2026-04-02")
    visit(lite, "2026-04-02")
    pay(lite, loan, 2_000_00, early="lower")
    left = TWELVE_THOUSAND - 2_000_00 + simple_interest(TWELVE_THOUSAND, "7.25", START, date(2026, 4, 2))
    rows = standing(lite, loan, "2026-04-02").rows
    assert_rows(rows, left, "7.25", date(2026, 4, 2))
    assert (len(rows), rows[0].due, rows[-1].due) == (22, date(2026, 6, 2), date(2028, 3, 2))  # May's is paid
    assert rows[0].payment < LEVEL


def test_a_new_rate_from_the_past_tells_payments_anew(lite: SmallBank) -> None:
    """Two payments came after the day that the new rate counts from; the books are as if it had been known."""
    loan = borrow(lite)
    for day in ("2026-04-02", "2026-05-02"):
        visit(lite, day)
        pay(lite, loan, LEVEL)
    visit(lite, "2026-05-20")
    close_months_before(lite, date(2026, 5, 20))
    done = act(lite, "change-rate", loan=loan, annual_rate="2", from_day="2026-03-17")
    assert all(entry.effective_on == "2026-05-20" for entry in done.entries)
    owed = TWELVE_THOUSAND
    one = simple_interest(owed, "7.25", START, date(2026, 3, 17)) + simple_interest(
        owed, "2", date(2026, 3, 17), date(2026, 4, 2)
    )
    owed -= LEVEL - one
    two = simple_interest(owed, "2", date(2026, 4, 2), date(2026, 5, 2))
    owed -= LEVEL - two
    three = simple_interest(owed, "2", date(2026, 5, 2), date(2026, 5, 20))
    now = standing(lite, loan, "2026-05-20").standing
    assert abs(now.interest_paid - one - two) <= 1  # a segment of two rates is rounded once
    assert (now.principal, now.interest) == (TWELVE_THOUSAND - 2 * LEVEL + now.interest_paid, three)
    assert stored(lite, loan).accrued_to == "2026-05-02"  # the books wait for the close of May
    assert now.interest_paid == -lite.balance("111", "RLF")
    assert now.due.total == 0  # whoever paid what was billed is not late


def test_a_rate_to_nothing_and_back(lite: SmallBank) -> None:
    loan = borrow(lite)
    visit(lite, "2026-03-12")
    act(lite, "change-rate", loan=loan, annual_rate="0")
    visit(lite, "2026-03-22")
    act(lite, "change-rate", loan=loan, annual_rate="7.25")
    visit(lite, "2026-04-02")
    wanted = simple_interest(TWELVE_THOUSAND, "7.25", date(2026, 3, 1), date(2026, 3, 22))  # 10 and 11 days
    assert standing(lite, loan, "2026-04-02").standing.interest == wanted
    refused(lite, InvalidValue, "change-rate", lite.tom, loan=loan, annual_rate="7.25", why="x", field="annual_rate")
    refused(lite, InvalidValue, "change-rate", lite.tom, loan=loan, annual_rate="7.250", why="x", field="annual_rate")


def test_the_rate_of_a_due_date_holds_from_the_next_row(lite: SmallBank) -> None:
    loan = borrow(lite)
    visit(lite, "2026-04-02")
    act(lite, "change-rate", loan=loan, annual_rate="9")
    now = standing(lite, loan, "2026-04-02")
    assert now.due_now == LEVEL  # billed before
    assert now.standing.interest == simple_interest(TWELVE_THOUSAND, "7.25", START, date(2026, 4, 2))
    later = standing(lite, loan, "2026-04-12").standing.interest
    assert later == now.standing.interest + simple_interest(
        TWELVE_THOUSAND, "9", date(2026, 4, 2), date(2026, 4, 12)
    )  # one segment, both exact to less than a cent here


def test_the_rate_of_a_line(lite: SmallBank) -> None:
    loan = act(lite, "grant-loan", member="M0001", principal="5000.00", annual_rate="10", installments=12,
               product="LINE").created[0]  # fmt: skip
    act(lite, "disburse-loan", loan=loan, amount="1000.00")
    visit(lite, "2026-03-22")
    act(lite, "change-rate", loan=loan, annual_rate="5")
    visit(lite, "2026-04-02")
    at = standing(lite, loan, "2026-04-02")
    interest = simple_interest(1000_00, "10", START, date(2026, 3, 22)) + simple_interest(
        1000_00, "5", date(2026, 3, 22), date(2026, 4, 2)
    )
    assert at.due_now == at.standing.interest == interest


def test_a_product_s_highest_rate_holds_later_too(lite: SmallBank) -> None:
    act(lite, "define-product", code="CAPPED", product_name="Capped", most_rate="9")
    loan = borrow(lite, product="CAPPED", annual_rate="9")
    refused(lite, InvalidValue, "change-rate", lite.tom, loan=loan, annual_rate="9.01", why="x", field="annual_rate",
            says="at most 9 percent")  # fmt: skip
    act(lite, "change-rate", loan=loan, annual_rate="8.99")


# --------------------------------------------------------------------------- more payments, other days


def test_an_extension_makes_each_payment_smaller(lite: SmallBank) -> None:
    loan = borrow(lite)
    visit(lite, "2026-04-02")
    pay(lite, loan, LEVEL)
    act(lite, "extend-loan", loan=loan, extra_installments=12)
    rows = standing(lite, loan, "2026-04-02").rows
    assert len(rows) == 36
    assert_rows(rows[1:], rows[0].balance, "7.25", date(2026, 4, 2))
    assert terms(lite, loan).document["installments"] == 36
    assert rows[-1].due == date(2029, 3, 2)


def test_no_extension_after_the_last_due_date(lite: SmallBank) -> None:
    loan = borrow(lite, installments=2)
    visit(lite, "2026-05-02")
    refused(lite, WrongState, "extend-loan", lite.tom, loan=loan, extra_installments=1, why="x", field="loan",
            says="re-amortize")  # fmt: skip
    act(lite, "re-amortize", loan=loan, installments=3)
    now = standing(lite, loan, "2026-05-02")
    assert (now.due_now, len(now.rows), now.next_due) == (0, 3, date(2026, 6, 2))


def test_a_line_is_open_longer(lite: SmallBank) -> None:
    loan = act(lite, "grant-loan", member="M0001", principal="5000.00", annual_rate="10", installments=2,
               product="LINE").created[0]  # fmt: skip
    act(lite, "disburse-loan", loan=loan, amount="1000.00")
    visit(lite, "2026-04-20")
    act(lite, "extend-loan", loan=loan, extra_installments=1)
    visit(lite, "2026-05-02")
    assert standing(lite, loan, "2026-05-02").due_now < 1000_00
    act(lite, "disburse-loan", loan=loan, amount="10.00")  # the old end
    visit(lite, "2026-06-02")
    assert standing(lite, loan, "2026-06-02").due_now == standing(lite, loan, "2026-06-02").payoff


def test_another_due_day(lite: SmallBank) -> None:
    """Eighteen days more of interest; then months from the new day."""
    loan = borrow(lite)
    visit(lite, "2026-03-10")
    act(lite, "move-due-date", loan=loan, next_due="2026-04-20")
    now = standing(lite, loan, "2026-03-10")
    interest = simple_interest(TWELVE_THOUSAND, "7.25", START, date(2026, 3, 10))
    assert (now.next_due, len(now.rows)) == (date(2026, 4, 20), 24)
    assert_rows(now.rows, TWELVE_THOUSAND, "7.25", date(2026, 3, 10), carried=interest)
    assert now.rows[1].due == date(2026, 5, 20)
    assert not stored(lite, loan).modified
    visit(lite, "2026-04-02")
    assert standing(lite, loan, "2026-04-02").due_now == 0


def test_the_due_day_is_moved_to_itself_and_far_away(lite: SmallBank) -> None:
    loan = borrow(lite)
    before = standing(lite, loan, "2026-03-02").rows
    act(lite, "move-due-date", loan=loan, next_due="2026-04-02")
    same = standing(lite, loan, "2026-03-02").rows
    assert [(r.due, r.payment) for r in same] == [(r.due, r.payment) for r in before]
    act(lite, "move-due-date", loan=loan, next_due="2035-01-31", eased=True)
    far = standing(lite, loan, "2026-03-02").rows
    assert [r.due for r in far[:3]] == [date(2035, 1, 31), date(2035, 2, 28), date(2035, 3, 31)]
    assert_rows(far, TWELVE_THOUSAND, "7.25", START, even=False)  # the first is interest alone
    assert stored(lite, loan).modified
    for day in ("2026-03-02", "2026-03-01"):
        refused(lite, InvalidDate, "move-due-date", lite.tom, loan=loan, next_due=day, why="x", field="next_due")
    refused(lite, InvalidValue, "move-due-date", lite.tom, loan=loan, next_due="9999-12-31", why="x")


def test_what_is_late_stays_late_when_the_day_moves(lite: SmallBank) -> None:
    loan = borrow(lite)
    visit(lite, "2026-04-10")
    late = standing(lite, loan, "2026-04-10")
    assert (late.due_now, late.days_late) == (LEVEL, 8)
    act(lite, "move-due-date", loan=loan, next_due="2026-05-15")
    now = standing(lite, loan, "2026-04-10")
    assert (now.due_now, now.due_since, now.days_late) == (LEVEL, date(2026, 4, 2), 8)
    assert now.standing.owed == late.standing.owed
    assert (now.next_due, len(now.rows)) == (date(2026, 5, 15), 23)
    visit(lite, "2026-05-15")
    then = standing(lite, loan, "2026-05-15")
    assert then.due_now == LEVEL + then.rows[0].payment
    pay(lite, loan, LEVEL)
    assert standing(lite, loan, "2026-05-16").due_since == date(2026, 5, 15)


def test_a_holiday_while_payments_are_late(lite: SmallBank) -> None:
    loan = borrow(lite)
    visit(lite, "2026-04-10")
    before = standing(lite, loan, "2026-04-10")
    act(lite, "payment-holiday", loan=loan, payments=2)
    now = standing(lite, loan, "2026-04-10")
    assert (now.due_now, now.days_late) == (LEVEL, 8)  # nobody forgave that one
    assert now.standing.owed == before.standing.owed
    assert (now.next_due, len(now.rows), now.last_due) == (date(2026, 7, 2), 23, date(2028, 5, 2))
    assert stored(lite, loan).modified
    spread = now.standing.principal - now.due.principal
    assert_rows(now.rows, spread, "7.25", date(2026, 4, 10), carried=now.standing.interest - now.due.interest)
    act(lite, "payment-holiday", loan=loan, payments=1)  # once more on the same day: one month further
    again = standing(lite, loan, "2026-04-10")
    assert (again.next_due, again.due_now, len(again.rows)) == (date(2026, 8, 2), LEVEL, 23)
    visit(lite, "2026-08-02")
    assert standing(lite, loan, "2026-08-01").due_now == LEVEL
    assert standing(lite, loan, "2026-08-02").due_now == LEVEL + again.rows[0].payment


def test_a_holiday_at_the_very_end(lite: SmallBank) -> None:
    loan = borrow(lite, installments=2)
    visit(lite, "2026-05-01")
    act(lite, "payment-holiday", loan=loan, payments=60)
    now = standing(lite, loan, "2026-05-01")
    assert (len(now.rows), now.next_due, now.days_late) == (1, date(2031, 5, 2), 29)
    visit(lite, "2031-05-02")
    refused(lite, WrongState, "payment-holiday", lite.tom, loan=loan, payments=1, why="x", field="loan")
    refused(lite, WrongState, "move-due-date", lite.tom, loan=loan, next_due="2031-06-02", why="x", field="loan")


@pytest.mark.parametrize("count", [1, 2, 24, 1200])
def test_everything_is_spread_anew_when_nothing_is_late(lite: SmallBank, count: int) -> None:
    loan = borrow(lite)
    visit(lite, "2026-03-12")
    interest = simple_interest(TWELVE_THOUSAND, "7.25", START, date(2026, 3, 12))
    act(lite, "re-amortize", loan=loan, installments=count, eased=False)
    now = standing(lite, loan, "2026-03-12")
    assert (len(now.rows), now.next_due) == (count, date(2026, 4, 2))
    assert_rows(now.rows, TWELVE_THOUSAND, "7.25", date(2026, 3, 12), carried=interest, even=count < 1200)
    assert not stored(lite, loan).modified
    refused(lite, InvalidValue, "re-amortize", lite.tom, loan=loan, installments=1201, why="x", field="installments")
    refused(lite, InvalidValue, "re-amortize", lite.tom, loan=loan, installments=0, why="x", field="installments")
    refused(lite, InvalidDate, "re-amortize", lite.tom, loan=loan, next_due="2026-03-12", why="x", field="next_due")


def test_nothing_is_late_after_all_is_spread_anew(lite: SmallBank) -> None:
    loan = borrow(lite)
    visit(lite, "2026-06-20")
    late = standing(lite, loan, "2026-06-20")
    assert (late.due_now, late.days_late) == (3 * LEVEL, 79)
    act(lite, "re-amortize", loan=loan)
    now = standing(lite, loan, "2026-06-20")
    assert (now.due_now, now.days_late, len(now.rows), now.next_due) == (0, 0, 21, date(2026, 7, 2))
    assert now.standing.owed == late.standing.owed
    assert_rows(now.rows, TWELVE_THOUSAND, "7.25", date(2026, 6, 20), carried=now.standing.interest)
    for row in now.rows:
        visit(lite, row.due)
        pay(lite, loan, row.payment)
    assert stored(lite, loan).state == "paid"


def test_after_the_last_due_date_a_number_has_to_be_said(lite: SmallBank) -> None:
    loan = borrow(lite, installments=1)
    visit(lite, "2026-04-02")
    refused(lite, InvalidValue, "re-amortize", lite.tom, loan=loan, why="x", field="installments")
    act(lite, "re-amortize", loan=loan, installments=2, next_due="2026-04-03")
    visit(lite, "2026-05-03")
    payoff = standing(lite, loan, "2026-05-03").payoff
    pay(lite, loan, payoff)
    refused(lite, WrongState, "re-amortize", lite.tom, loan=loan, installments=2, why="x", field="loan")


# ---------------------------------------------------------------------------------- pauses


def test_no_interest_runs_in_a_pause(lite: SmallBank) -> None:
    loan = borrow(lite)
    visit(lite, "2026-03-12")
    act(lite, "pause-interest", loan=loan, until="2026-03-21")
    visit(lite, "2026-04-02")
    at = standing(lite, loan, "2026-04-02").standing
    assert at.interest == simple_interest(TWELVE_THOUSAND, "7.25", date(2026, 3, 12), date(2026, 4, 2))  # 31 less 10
    act(lite, "pause-interest", loan=loan, from_day="2026-03-15", until="2026-03-25")  # four days more
    now = standing(lite, loan, "2026-04-02").standing
    assert now.interest == simple_interest(TWELVE_THOUSAND, "7.25", date(2026, 3, 16), date(2026, 4, 2))
    act(lite, "pause-interest", loan=loan, from_day="2026-03-15", until="2026-03-20")  # within: nothing more
    assert standing(lite, loan, "2026-04-02").standing.interest == now.interest


def test_a_pause_in_the_past_across_a_payment(lite: SmallBank) -> None:
    loan = borrow(lite)
    visit(lite, "2026-04-02")
    pay(lite, loan, LEVEL)
    visit(lite, "2026-04-20")
    close_months_before(lite, date(2026, 4, 20))
    act(lite, "pause-interest", loan=loan, from_day="2026-03-23", until="2026-04-11")
    now = standing(lite, loan, "2026-04-20").standing
    paid = simple_interest(TWELVE_THOUSAND, "7.25", START, date(2026, 3, 23))
    owed = TWELVE_THOUSAND - LEVEL + paid
    assert (now.interest_paid, now.principal) == (paid, owed)
    assert now.interest == simple_interest(owed, "7.25", date(2026, 4, 12), date(2026, 4, 20))
    assert lite.balance("111", "RLF") == -paid
    refused(lite, InvalidDate, "pause-interest", lite.tom, loan=loan, until="2026-04-19", why="x", field="until")
    for day in ("2026-03-01", "2026-04-21"):
        refused(lite, DayClosed, "pause-interest", lite.tom, loan=loan, from_day=day, until="2026-05-01", why="x",
                field="from_day")  # fmt: skip


def test_no_season_is_left_also_where_nothing_is_spread(lite: SmallBank) -> None:
    loan = act(lite, "grant-loan", member="M0001", principal="12000.00", product="SEASON").created[0]
    act(lite, "disburse-loan", loan=loan, amount="100.00")
    act(
        lite, "write-down", loan=loan, principal="100.00"
    )  # the rest may still be paid out, by the terms that then hold
    for name in ("re-amortize", "move-due-date"):
        values = {"loan": loan, "next_due": "2026-12-10", "why": "x"}
        refused(lite, InvalidValue, name, lite.tom, field="next_due", says="9, 10, 11", **values)
    act(lite, "re-amortize", loan=loan, next_due="2026-11-10")
    act(lite, "disburse-loan", loan=loan)
    assert standing(lite, loan, "2026-03-10").next_due == date(2026, 11, 10)


# --------------------------------------------------------------------------------- outer dates


def test_the_outer_date_moves_later_only(lite: SmallBank) -> None:
    loan = borrow(lite, product="SURPLUS", outer_date="2028-03-02")
    visit(lite, "2026-03-10")
    act(lite, "move-outer-date", loan=loan, outer_date="2029-03-02")
    assert standing(lite, loan, "2026-03-10").last_due == date(2029, 3, 2)
    for day in ("2029-03-02", "2029-03-01", "2026-03-10", "2020-01-01"):
        refused(lite, InvalidDate, "move-outer-date", lite.tom, loan=loan, outer_date=day, why="x", field="outer_date")
    scheduled = borrow(lite)
    refused(lite, WrongState, "move-outer-date", lite.tom, loan=scheduled, outer_date="2030-01-01", why="x",
            field="loan")  # fmt: skip


# ------------------------------------------------------------------------------------- refusals

CHANGES: dict[str, dict[str, Any]] = {
    "change-rate": {"annual_rate": "5"},
    "extend-loan": {"extra_installments": 3},
    "move-due-date": {"next_due": "2026-04-25"},
    "payment-holiday": {"payments": 1},
    "re-amortize": {"installments": 12},
    "pause-interest": {"until": "2026-12-31"},
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_no_change_is_possible_on(lite: SmallBank, name: str) -> None:
    values = {**CHANGES[name], "why": "x"}
    refused(lite, Unknown, name, lite.tom, loan="L-099", field="loan", **values)
    granted = act(lite, "grant-loan", member="M0001", principal="500.00", annual_rate="7.25", installments=5).created[0]
    refused(lite, WrongState, name, lite.tom, loan=granted, field="loan", says="not paid out", **values)
    reported = borrow(lite, product="SURPLUS", outer_date="2028-03-02", principal="500.00")
    refused(lite, WrongState, name, lite.tom, loan=reported, field="loan", says="does not fit", **values)
    paid = borrow(lite, principal="500.00")
    pay(lite, paid, 500_00)
    refused(lite, WrongState, name, lite.tom, loan=paid, field="loan", says="paid", **values)
    lost = borrow(lite, principal="500.00")
    visit(lite, "2026-04-10")
    act(lite, "charge-off", loan=lost, resolution="R-1")
    refused(lite, WrongState, name, lite.tom, loan=lost, field="loan", says="charged-off", **values)
    refused(lite, InvalidValue, name, lite.tom, loan=lost, field="why", **{**values, "why": ""})
    refused(lite, InvalidValue, name, lite.tom, loan=lost, field="why", **{**values, "why": "x" * 501})


@pytest.mark.parametrize("name", [*CHANGES, "move-outer-date"])
def test_two_people_agree_and_neither_is_the_borrower(lite: SmallBank, name: str) -> None:
    changes: dict[str, Any] = {"product": "SURPLUS", "outer_date": "2028-03-02"} if name == "move-outer-date" else {}
    loan = borrow(lite, **changes)
    values = {**CHANGES.get(name, {"outer_date": "2030-01-01"}), "loan": loan, "why": HOSTILE[0] + HOSTILE[2]}
    before = told(lite, loan), leaves(lite)
    asked = lite.ask(name, lite.tom, **values)
    assert asked.status == "pending"
    assert (told(lite, loan), leaves(lite)) == before  # nothing happens before somebody agrees
    lite.agreed("link-user", by=lite.admin, approver=lite.tom, user="sue", member="M0001")
    refused(lite, OwnAccount, "approve", lite.sue, request=asked.request)
    refused(lite, OwnRequest, "approve", lite.tom, request=asked.request)
    lite.agreed("link-user", by=lite.admin, approver=lite.sue, user="tom", member="M0001")
    refused(lite, OwnAccount, name, lite.tom, **values)


def test_one_rate_after_another_and_never_before_the_last(lite: SmallBank) -> None:
    """A version begins with what the one before it says: nothing is agreed in between afterwards."""
    loan = borrow(lite)
    visit(lite, "2026-03-20")
    act(lite, "change-rate", loan=loan, annual_rate="6", from_day="2026-03-10")
    refused(lite, DayClosed, "change-rate", lite.tom, loan=loan, annual_rate="5", from_day="2026-03-09", why="x",
            field="from_day")  # fmt: skip
    act(lite, "change-rate", loan=loan, annual_rate="5", from_day="2026-03-10")  # instead of the first
    at = standing(lite, loan, "2026-03-20").standing
    assert at.interest == simple_interest(TWELVE_THOUSAND, "7.25", START, date(2026, 3, 10)) + simple_interest(
        TWELVE_THOUSAND, "5", date(2026, 3, 10), date(2026, 3, 20)
    )
    refused(lite, DayClosed, "change-rate", lite.tom, loan=loan, annual_rate="4", from_day="2026-03-21", why="x",
            field="from_day")  # fmt: skip


# ------------------------------------------------------------------------ kinds of schedules, any day

KINDS: dict[str, dict[str, Any]] = {
    "30/360": {"day_count": "30/360"},
    "equal periods": {"day_count": "equal-periods"},
    "no interest": {"annual_rate": "0"},
    "equal principal": {"product": "EQUAL"},
    "interest alone at first": {"principal_grace": 6},
    "interest later": {"interest_postponed": 3},
    "free at first": {"interest_free": 2},
    "seasonal": {"product": "SEASON", "installments": 6},
    "every two weeks": {"every": {"weeks": 2}},
}
SERIES: list[tuple[str, dict[str, Any]]] = [
    ("change-rate", {"annual_rate": "5"}), ("extend-loan", {"extra_installments": 3}),
    ("payment-holiday", {"payments": 2}), ("pause-interest", {"until": "2026-12-20"}),
    ("move-due-date", {"next_due": "2026-11-17"}), ("re-amortize", {"installments": 7}),
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_change_on_every_kind_and_then_it_is_paid(lite: SmallBank, kind: str) -> None:
    """Changes between due dates, a late payment and an early one; in the end all is paid, to the cent."""
    loan = borrow(lite, **KINDS[kind])
    day = date(2026, 9, 6)
    for name, values in SERIES:
        visit(lite, day)
        before = standing(lite, loan, str(day)).standing
        act(lite, name, loan=loan, **values)
        after = standing(lite, loan, str(day)).standing
        assert (after.principal, after.interest, after.fees) == (before.principal, before.interest, before.fees), name
        pay(lite, loan, 100_00, value_date=str(day - timedelta(days=1)))
        assert_leaves(lite, loan)
        close_months_before(lite, day)
        day += timedelta(days=9)
    while (at := standing(lite, loan, str(day))).next_due is not None:
        assert at.next_due > day
        day = at.next_due
        visit(lite, day)
        pay(lite, loan, standing(lite, loan, str(day)).due_now)
    assert stored(lite, loan).state == "paid"
    assert standing(lite, loan, str(day)).standing.owed == 0


# ------------------------------------------------------------------------------------ taken back

LENT: list[Step] = [
    ("2026-03-02", "grant-loan", {"member": "M0001", "principal": "12000.00", "annual_rate": "7.25",
                                  "installments": 24, "other_funds": "GEN 33.33"}),
    ("2026-03-02", "disburse-loan", {"loan": "L-001"}),
    ("2026-04-02", "repay-loan", {"loan": "L-001", "amount": "538.75"}),
]  # fmt: skip
AFTER: list[Step] = [
    ("2026-05-04", CLOSE, {}),
    ("2026-05-04", "repay-loan", {"loan": "L-001", "amount": "538.75", "value_date": "2026-04-28"}),
    ("2026-06-08", "repay-loan", {"loan": "L-001", "amount": "300.00"}),
    ("2026-06-08", CLOSE, {}),
]


@pytest.mark.parametrize("rest", [[], AFTER], ids=["at once", "after payments and closes"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_is_taken_back_never_was(founded: Path, tmp_path: Path, name: str, rest: list[Step]) -> None:
    change: Step = ("2026-04-10", name, {"loan": "L-001", **CHANGES[name]})
    as_if_never(founded, tmp_path, [*LENT, change, *rest], taken=3)


@pytest.mark.parametrize("name", CHANGES)
def test_a_payment_before_a_change_is_taken_back(founded: Path, tmp_path: Path, name: str) -> None:
    change: Step = ("2026-04-10", name, {"loan": "L-001", **CHANGES[name]})
    as_if_never(founded, tmp_path, [*LENT, change, *AFTER], taken=2)


def test_a_change_that_another_rests_on_is_not_taken_back(founded: Path, tmp_path: Path) -> None:
    bank = copy_of(founded, tmp_path / "book.db")
    changes: list[Step] = [("2026-04-10", name, {"loan": "L-001", **CHANGES[name]})
                           for name in ("extend-loan", "change-rate")]  # fmt: skip
    first, second = play(bank, [*LENT, *changes])[-2:]
    for replay in (False, True):
        with pytest.raises(WrongState, match=rf"rest on it: {second} \(Change the interest\)"):
            act(bank, "reverse", operation=first, replay=replay)
    act(bank, "reverse", operation=second)
    act(bank, "reverse", operation=first)
    assert stored(bank, "L-001").terms == 1
    assert not stored(bank, "L-001").modified
    again = act(bank, "change-rate", loan="L-001", annual_rate="3")  # the next version has a number of its own
    assert notes_of(again)["Version of the terms"] == "4"
    assert_books(bank)
    bank.bank.close()


def test_what_was_eased_by_mistake_is_no_modified_loan(founded: Path, tmp_path: Path) -> None:
    holiday: Step = ("2026-04-10", "payment-holiday", {"loan": "L-001", "payments": 2})
    as_if_never(founded, tmp_path, [*LENT, holiday], taken=3)
