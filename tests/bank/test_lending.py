"""Loans: granted, paid out, repaid; every cent where the contract puts it, on both engines."""

from __future__ import annotations

import calendar
import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.books import Actor
from coopbank.bank.lending.accounts import account
from coopbank.bank.lending.contract import Contract
from coopbank.bank.lending.facts import Fact
from coopbank.bank.lending.flows import total
from coopbank.bank.lending.proof import faults_of
from coopbank.bank.lending.scheduled import ScheduledRun
from coopbank.errors import (
    AlreadyExists,
    DayClosed,
    InvalidAmount,
    InvalidValue,
    NotAllowed,
    Overdrawn,
    OwnAccount,
    Refused,
    Unknown,
    WrongState,
)
from tests.bank.support_lending import (
    TERMS,
    assert_replayed,
    close_months_before,
    facts,
    grant,
    lend_to_us,
    lent,
    notes_of,
    plan_of,
    simple_interest,
    standing,
    stored,
    story,
    visit,
)
from tests.support_bank import SmallBank, assert_books, new_bank


def begun(bank: SmallBank) -> None:
    """The revolving fund has 20,000.00 to lend."""
    lend_to_us(bank)


# ------------------------------------------------------------------------- granting, paying out


def test_a_loan_is_promised_paid_out_and_repaid(small: SmallBank) -> None:
    mia = small.admit("Mia Lee")
    granted = small.agreed("grant-loan", member=mia, number="L-010", **TERMS)
    assert granted.created == ("L-010",)
    assert small.balance("M40/L-010", "RLF") == -small.balance("M49", "RLF") == 12_000_00
    paid = small.do("disburse-loan", by=small.tom, loan="L-010", cheque_number="1042", paid_to="The seller")
    assert small.balance("M40/L-010", "RLF") == small.balance("M49", "RLF") == 0
    assert small.balance("701/L-010", "RLF") == 12_000_00
    assert small.balance("729", "RLF") == 8_000_00
    assert small.balance("731/FIRST", "POOL") == 8_000_00
    assert len(paid.entries) == 1

    small.go_to("2026-04-02")
    took = small.do("repay-loan", loan="L-010", amount="540.00")
    interest = simple_interest(12_000_00, "7.25", date(2026, 3, 2), date(2026, 4, 2))
    assert notes_of(took)["Interest"] == small.text(interest)
    assert small.balance("781/L-010", "RLF") == 0
    assert small.balance("111", "RLF") == -interest
    assert small.balance("701/L-010", "RLF") == 12_000_00 - 540_00 + interest
    assert small.balance("729", "RLF") == 8_000_00 + 540_00
    assert stored(small, "L-010").told["last_paid"] == "2026-04-02"


def test_a_payment_that_only_pays_interest_repays_no_loan(lite: SmallBank) -> None:
    mia = lite.admit("Mia Lee")
    terms = {"principal": "1000.00", "annual_rate": "90", "installments": 600, "day_count": "30/360"}
    with pytest.raises(InvalidValue) as refused:
        lite.ask("grant-loan", member=mia, **terms)
    assert (refused.value.field, refused.value.values["payment"]) == ("annual_rate", "75.00")
    interest_alone = {**terms, "annual_rate": "9", "installments": 12, "principal_grace": 11}  # is agreed as such
    assert lite.ask("grant-loan", member=mia, **interest_alone).status == "pending"


def test_the_second_person_and_another_who_pays_out(small: SmallBank) -> None:
    mia = small.admit("Mia Lee")
    asked = small.ask("grant-loan", member=mia, **TERMS)
    assert asked.status == "pending"
    assert small.balance("M49", "RLF") == 0
    receipt = small.do("approve", by=small.tom, request=asked.request)
    loan = receipt.then[0].created[0]
    body = stored(small, loan)
    assert (body.granted_by, body.approved_by) == ("ana", "tom")
    with pytest.raises(NotAllowed) as refused:
        small.do("disburse-loan", loan=loan)
    assert refused.value.field == "loan"
    small.do("disburse-loan", by=small.tom, loan=loan)
    with pytest.raises(WrongState):
        small.do("disburse-loan", by=small.tom, loan=loan)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"member": "M9999"}, "member"),
        ({"fund": "NONE"}, "fund"),
        ({"fund": "LLR"}, "fund"),
        ({"fund": "POOL"}, "fund"),
        ({"principal": "20000.01"}, "principal"),
        ({"principal": "-1.00"}, "principal"),
        ({"principal": "0.001"}, "principal"),
        ({"annual_rate": "-1"}, "annual_rate"),
        ({"annual_rate": "seven"}, "annual_rate"),
        ({"installments": 0}, "installments"),
        ({"installments": 1201}, "installments"),
        ({"installments": "x"}, "installments"),
        ({"installments": 1200, "every": {"years": 9}}, "installments"),
        ({"every": "now and then"}, "every"),
        ({"every": {"fortnights": 1}}, "every"),
        ({"every": {"months": 0}}, "every"),
        ({"every": {"months": 9999}}, "every"),
        ({"every": {"months": True}}, "every"),
        ({"first_due": "2026-03-02"}, "first_due"),
        ({"first_due": "2026-02-30"}, "first_due"),
        ({"day_count": "lunar"}, "day_count"),
        ({"method": "balloon"}, "method"),
        ({"number": "10"}, "number"),
        ({"number": "L-<b>"}, "number"),
        ({"purpose": "x" * 10_000}, "purpose"),
    ],
)
def test_bad_terms_are_refused_by_field(lite_open: SmallBank, changes: dict[str, Any], field: str) -> None:
    values = {"member": "M0001", **TERMS, **changes}
    with pytest.raises(Refused) as refused:
        lite_open.ask("grant-loan", **values)
    assert refused.value.field == field
    assert refused.value.message
    assert "{" not in str(refused.value)


@pytest.fixture(scope="module")
def lite_open(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallBank]:
    """A bank for refusals only: nothing is granted in it."""
    with new_bank(str(tmp_path_factory.mktemp("refusals") / "book.db")) as bank:
        lend_to_us(bank)
        bank.admit("Mia Lee")
        yield bank
        assert bank.balance("M49", "RLF") == 0
        assert_books(bank)


def test_the_fund_keeps_what_it_has_promised(lite: SmallBank) -> None:
    mia = lite.admit("Mia Lee")
    first = grant(lite, mia, principal="15000.00")
    with pytest.raises(Overdrawn, match=r"5,000\.00 to lend; 15,000\.00 is promised"):
        grant(lite, mia, principal="5000.01")
    second = grant(lite, mia, principal="5000.00")
    lite.do("disburse-loan", by=lite.tom, loan=first)
    with pytest.raises(Overdrawn):
        grant(lite, mia, principal="0.01")
    lite.do("disburse-loan", by=lite.tom, loan=second)
    assert lite.balance("729", "RLF") == 0


def test_nobody_serves_their_own_loan(lite: SmallBank) -> None:
    ana, tom = lite.admit("Ana Reyes"), lite.admit("Tom Okafor")
    lite.agreed("link-user", by=lite.admin, approver=lite.tom, user="ana", member=ana)
    lite.agreed("link-user", by=lite.admin, approver=lite.sue, user="tom", member=tom)
    with pytest.raises(OwnAccount):
        lite.ask("grant-loan", member=ana, **TERMS)
    loan = lite.agreed("grant-loan", member=tom, approver=lite.sue, **TERMS).created[0]
    for operation, values in (("disburse-loan", {}), ("repay-loan", {"amount": "1.00", "tender": "transfer"})):
        with pytest.raises(OwnAccount):
            lite.do(operation, by=Actor("tom", ("treasurer",)), loan=loan, **values)


def test_a_member_who_left_and_one_who_owes(lite: SmallBank) -> None:
    mia, ben = lite.admit("Mia Lee"), lite.admit("Ben")
    loan = grant(lite, mia)
    lite.do("change-member", member=ben, status="left")
    with pytest.raises(WrongState) as refused:
        grant(lite, ben)
    assert refused.value.field == "member"
    with pytest.raises(WrongState):
        lite.do("change-member", member=mia, status="left")
    with pytest.raises(WrongState, match="not paid out"):
        lite.do("repay-loan", loan=loan, amount="1.00")
    with pytest.raises(Unknown) as unknown:
        lite.do("repay-loan", loan="L-999", amount="1.00")
    assert unknown.value.field == "loan"
    with pytest.raises(AlreadyExists):
        grant(lite, mia, number=loan, principal="100.00")


def test_a_first_payment_that_is_due_before_the_money_is_out(lite: SmallBank) -> None:
    mia = lite.admit("Mia Lee")
    loan = grant(lite, mia, first_due="2026-03-10")
    lite.go_to("2026-03-10")
    assert standing(lite, loan, "2026-03-10").state == "granted"
    with pytest.raises(WrongState) as refused:
        lite.do("disburse-loan", by=lite.tom, loan=loan)
    assert refused.value.field == "loan"


def test_hostile_words_break_nothing(lite: SmallBank) -> None:
    mia = lite.admit("Mia Lee")
    words = '<b>&"[red]=1+1\n\u202e\u05de\u05d6\u05dc \U0001f642' + "x" * 150
    loan = grant(lite, mia, purpose=words)
    lite.do("disburse-loan", by=lite.tom, loan=loan, paid_to=words, cheque_number=words)
    assert stored(lite, loan).purpose == words
    with lite.read() as books:
        sealed = "".join(text for (text,) in books.tx.rows("SELECT sealed FROM operation WHERE kind = 'disburse-loan'"))
    assert '"paid_to":{"#":' in sealed


# ------------------------------------------------------------------------------ on the due dates

SCHEDULES: dict[str, tuple[str, dict[str, Any]]] = {
    "months": ("2026-03-02", {}),
    "months from a 31st, 30/360": ("2027-01-31", {"day_count": "30/360", "installments": 13}),
    "months from a 31st": ("2027-01-31", {"installments": 13}),
    "odd first period, 30/360": ("2026-03-20", {"day_count": "30/360", "first_due": "2026-05-01", "installments": 6}),
    "two weeks, equal periods": ("2026-03-02", {"every": {"weeks": 2}, "day_count": "equal-periods"}),
    "quarters, 30us/360": ("2026-11-30", {"every": "3 months", "day_count": "30us/360", "installments": 6}),
    "months, 30e/360": ("2026-08-31", {"day_count": "30e/360", "installments": 8}),
    "leap year, actual/actual": ("2027-10-15", {"day_count": "actual/actual", "installments": 9}),
    "weeks, actual/360": ("2026-03-02", {"every": "week", "day_count": "actual/360", "installments": 30}),
    "years at a high rate": ("2026-03-02", {"every": "year", "annual_rate": "36.5", "installments": 4}),
    "no interest": ("2026-03-02", {"annual_rate": "0", "installments": 7}),
    "one payment": ("2026-03-02", {"installments": 1, "principal": "0.07"}),
}


@pytest.mark.parametrize("closing", [False, True], ids=["no month closed", "months closed"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_paying_each_row_on_its_day_is_the_schedule(lite: SmallBank, name: str, closing: bool) -> None:
    start, changes = SCHEDULES[name]
    mia = lite.admit("Mia Lee")
    visit(lite, start)
    loan = lent(lite, mia, **changes)
    for row in plan_of(lite, loan):
        visit(lite, row.due)
        if closing:
            close_months_before(lite, row.due)
        took = lite.do("repay-loan", loan=loan, amount=lite.text(row.payment), tender="transfer")
        assert (notes_of(took)["Interest"], notes_of(took)["Principal"]) == (
            f"{row.interest / 100:,.2f}", f"{row.principal / 100:,.2f}",
        )  # fmt: skip
        assert lite.balance(f"701/{loan}", "RLF") == row.balance
        assert lite.balance(f"781/{loan}", "RLF") == 0
    body = stored(lite, loan)
    assert body.state == "paid"
    assert standing(lite, loan, str(row.due)).standing.owed == 0
    assert total(body.book, "interest_paid") == -lite.balance("111", "RLF")
    assert standing(lite, loan, str(row.due)).rows[-1].state == "paid"
    with pytest.raises(WrongState):
        lite.do("repay-loan", loan=loan, amount="0.01", tender="transfer")


# -------------------------------------------------------------------------- any days, any amounts


def test_a_long_life_of_odd_payments(small: SmallBank) -> None:
    """Random days, amounts, value dates and closes, beside a model that knows only the contract."""
    chance = random.Random(20261122)
    mia = small.admit("Mia Lee")
    loan = lent(small, mia, annual_rate="11.9")
    principal, interest, since, today = 12_000_00, 0, date(2026, 3, 2), date(2026, 3, 2)
    while principal + interest:
        today += timedelta(days=chance.randint(0, 45))
        visit(small, today)
        if chance.random() < 0.6:
            close_months_before(small, today)
        on = today - timedelta(days=min(chance.choice([0, 0, 0, 1, 9]), (today - since).days))
        interest += simple_interest(principal, "11.9", since, on)
        amount = min(chance.choice([1, 35_00, 540_00, 1_000_00, 2_222_22]), principal + interest)
        took = small.do(
            "repay-loan", loan=loan, amount=small.text(amount), tender="transfer", value_date=on.isoformat()
        )
        paid_interest = min(amount, interest)
        interest, principal, since = interest - paid_interest, principal - amount + paid_interest, on
        assert notes_of(took)["Interest"] == f"{paid_interest / 100:,.2f}"
        assert small.balance(f"701/{loan}", "RLF") == principal
        assert small.balance(f"781/{loan}", "RLF") == interest
    assert stored(small, loan).state == "paid"


def test_a_payment_that_counts_from_before_a_close_gives_back_the_difference(lite: SmallBank) -> None:
    mia = lite.admit("Mia Lee")
    loan = lent(lite, mia)
    lite.go_to("2026-04-06")
    close_months_before(lite, date(2026, 4, 6))
    took = lite.do("repay-loan", loan=loan, amount="1000.00", value_date="2026-03-27")
    interest = simple_interest(12_000_00, "7.25", date(2026, 3, 2), date(2026, 3, 27))
    since = simple_interest(11_000_00 + interest, "7.25", date(2026, 3, 27), date(2026, 4, 1))
    assert notes_of(took)["Counts from"] == "2026-03-27"
    assert lite.balance("111", "RLF") == -interest - since  # what March earned is less than was recognised
    assert lite.balance(f"781/{loan}", "RLF") == since
    assert all(entry.effective_on == "2026-04-06" for entry in took.entries)
    for day in ("2026-03-01", "2026-04-07"):  # before the money went out, and tomorrow
        with pytest.raises(DayClosed) as refused:
            lite.do("repay-loan", loan=loan, amount="1.00", value_date=day)
        assert refused.value.field == "value_date"


def test_no_more_is_taken_than_is_owed(lite: SmallBank) -> None:
    mia = lite.admit("Mia Lee")
    loan = lent(lite, mia)
    lite.go_to("2026-03-20")
    payoff = standing(lite, loan, "2026-03-20").payoff
    assert payoff == 12_000_00 + simple_interest(12_000_00, "7.25", date(2026, 3, 2), date(2026, 3, 20))
    with pytest.raises(InvalidAmount) as refused:
        lite.do("repay-loan", loan=loan, amount=lite.text(payoff + 1), tender="transfer")
    assert refused.value.field == "amount"
    took = lite.do("repay-loan", loan=loan, amount=lite.text(payoff), tender="transfer")
    assert notes_of(took)["Owed after"].startswith("0.00")
    assert stored(lite, loan).state == "paid"


def test_a_cheque_repays_a_loan(lite: SmallBank) -> None:
    mia = lite.admit("Mia Lee")
    loan = lent(lite, mia)
    took = lite.do("repay-loan", loan=loan, amount="540.00", tender="cheque", cheque_number="77")
    with lite.read() as books:
        cheque = books.get(records.Cheque, "CH-00001")
    assert (cheque.member, cheque.amount) == (mia, 540_00)
    assert took.created == ("CH-00001",)
    assert lite.balance("735/D1", "POOL") == 540_00


# ------------------------------------------------------------------------------ unapplied money


def test_what_is_more_than_due_waits_and_is_applied(small: SmallBank) -> None:
    mia = small.admit("Mia Lee")
    loan = lent(small, mia)
    small.go_to("2026-03-20")
    untouched = story(small, loan)
    early = small.do("repay-loan", loan=loan, amount="100.00", excess="unapplied")
    assert story(small, loan) == untouched  # nothing is due: the money waits, and the loan knows nothing of it
    assert small.balance(f"781/{loan}", "RLF") == 0
    assert notes_of(early)["Kept as unapplied"] == "100.00"
    assert small.balance(f"871/{mia}") == -100_00
    assert small.balance("729") == 100_00
    assert small.balance(f"701/{loan}", "RLF") == 12_000_00

    small.go_to("2026-04-02")
    due = standing(small, loan, "2026-04-02").due_now
    both = small.do("repay-loan", loan=loan, amount=small.text(due + 60_00), excess="unapplied")
    assert notes_of(both)["Kept as unapplied"] == "60.00"
    assert small.balance(f"871/{mia}") == -160_00
    assert small.balance("729") == 160_00
    assert len({(line.fund, line.code) for line in both.entries[0].lines[2:-2]}) == len(both.entries[0].lines[2:-2])

    claim = small.balance("729", "RLF")
    owed_before = small.balance(f"701/{loan}", "RLF")
    small.do("apply-unapplied", loan=loan, amount="100.00")
    assert small.balance(f"871/{mia}") == -60_00
    assert small.balance("729") == 60_00
    assert small.balance("729", "RLF") == claim + 100_00
    assert small.balance(f"701/{loan}", "RLF") == owed_before - 100_00
    with pytest.raises(Overdrawn, match=r"only 60\.00"):
        small.do("apply-unapplied", loan=loan, amount="60.01")


def test_unapplied_money_of_a_loan_of_the_general_fund(lite: SmallBank) -> None:
    mia = lite.admit("Mia Lee")
    lend_to_us(lite, "5000.00", "GEN")
    loan = lent(lite, mia, fund="GEN", principal="1000.00")
    lite.do("repay-loan", loan=loan, amount="50.00", excess="unapplied")
    before = lite.balance("729")
    lite.do("apply-unapplied", loan=loan, amount="50.00")
    assert lite.balance("729") == before
    assert lite.balance(f"701/{loan}") == 950_00


# -------------------------------------------------------------------------------------- position


def test_what_is_due_and_how_late(lite: SmallBank) -> None:
    mia = lite.admit("Mia Lee")
    loan = lent(lite, mia)
    rows = plan_of(lite, loan)
    before = standing(lite, loan, "2026-04-01")
    assert (before.due_now, before.days_late, before.next_due) == (0, 0, rows[0].due)
    assert before.next_amount == rows[0].payment
    on_the_day = standing(lite, loan, "2026-04-02")
    assert (on_the_day.due_now, on_the_day.days_late, on_the_day.due_since) == (rows[0].payment, 0, rows[0].due)
    assert on_the_day.due.interest == rows[0].interest
    assert on_the_day.rows[0].state == "due"
    late = standing(lite, loan, "2026-05-04")
    assert (late.due_now, late.days_late) == (rows[0].payment + rows[1].payment, 32)
    assert [row.state for row in late.rows[:3]] == ["late", "late", "open"]

    lite.go_to("2026-05-04", open_drawer=False)
    lite.do("repay-loan", loan=loan, amount=lite.text(rows[0].payment), tender="transfer")
    one = standing(lite, loan, "2026-05-04")
    assert (one.due_now, one.days_late, one.rows[0].state) == (rows[1].payment, 2, "paid")
    # whoever has paid what was billed is not late, though the late days cost more interest
    lite.do("repay-loan", loan=loan, amount=lite.text(rows[1].payment), tender="transfer")
    both = standing(lite, loan, "2026-05-04")
    assert (both.due_now, both.days_late, both.next_due) == (0, 0, rows[2].due)
    assert both.owed_principal > rows[1].balance
    # a position of a past day is what was so then
    assert standing(lite, loan, "2026-05-03").due_now == late.due_now
    with pytest.raises(Unknown):
        standing(lite, loan, "2026-03-01")


def test_the_last_row_asks_for_everything(lite: SmallBank) -> None:
    mia = lite.admit("Mia Lee")
    loan = lent(lite, mia, installments=2)
    rows = plan_of(lite, loan)
    lite.go_to("2026-04-12", open_drawer=False)  # ten days late
    lite.do("repay-loan", loan=loan, amount=lite.text(rows[0].payment), tender="transfer")
    ahead = standing(lite, loan, "2026-04-12")
    assert ahead.next_due == rows[1].due
    lite.go_to(rows[1].due, open_drawer=False)
    last = standing(lite, loan, str(rows[1].due))
    assert last.due_now == last.payoff == ahead.next_amount > rows[1].payment
    lite.do("repay-loan", loan=loan, amount=lite.text(rows[1].payment), tender="transfer")
    rest = standing(lite, loan, str(rows[1].due + timedelta(days=3)))
    assert rest.rows[1].state == "late"
    assert (rest.due_now, rest.days_late, rest.due_since) == (rest.payoff, 3, rows[1].due)


def test_whoever_pays_ahead_is_asked_later(lite: SmallBank) -> None:
    mia = lite.admit("Mia Lee")
    loan = lent(lite, mia)
    rows = plan_of(lite, loan)
    lite.do("repay-loan", loan=loan, amount=lite.text(rows[0].payment + rows[1].payment + 10_00), tender="transfer")
    ahead = standing(lite, loan, "2026-05-10")
    assert (ahead.due_now, ahead.next_due, ahead.next_amount) == (0, rows[2].due, rows[2].payment - 10_00)


def test_a_granted_loan_has_a_plan(lite: SmallBank) -> None:
    mia = lite.admit("Mia Lee")
    loan = grant(lite, mia)
    plan = standing(lite, loan, "2026-03-05")
    assert (plan.state, plan.due_now, plan.next_due, len(plan.rows)) == ("granted", 0, date(2026, 4, 5), 24)
    assert plan.payoff == 0


# ------------------------------------------------------------------------- replay and reversal


def test_replay_tells_a_changed_fact(lite: SmallBank) -> None:
    mia = lite.admit("Mia Lee")
    loan = lent(lite, mia)
    lite.do("repay-loan", loan=loan, amount="100.00")
    with lite.read() as books:
        held = account(books, loan)
        assert list(faults_of(held)) == []
        paid = held.facts[-1]
        held.facts[-1] = Fact(paid.number, paid.type, paid.on, {"amount": paid.data["amount"] + 1})
        assert len(list(faults_of(held))) == 3  # what is kept, what is posted, what is owed
        held.facts[:] = [Fact(1, "gossip", paid.on)]
        assert list(faults_of(held)) == [f"loan {loan} cannot be told from its events"]


def test_reversals_bring_back_the_state(lite: SmallBank) -> None:
    mia = lite.admit("Mia Lee")
    loan = lent(lite, mia)
    lite.go_to("2026-03-12")
    before = story(lite, loan)
    first = lite.do("repay-loan", loan=loan, amount="100.00")
    between = story(lite, loan)
    second = lite.do("repay-loan", loan=loan, amount="50.00")
    lite.do("reverse", operation=second.number, reason="typed twice")
    assert story(lite, loan) == between
    lite.do("reverse", operation=first.number, reason="not theirs")
    assert story(lite, loan) == before
    assert lite.balance(f"781/{loan}", "RLF") == lite.balance("111", "RLF") == 0
    lite.do("repay-loan", loan=loan, amount="75.00")
    assert [fact.data["amount"] for fact in facts(lite, loan)] == [12_000_00, 75_00]
    assert_replayed(lite)


# ----------------------------------------------------------------------- arithmetic, no database


def contract(**changes: Any) -> ScheduledRun:
    """12,000.00 paid out on 31 January 2026."""
    document = {
        "annual_rate": "7.25", "installments": 24, "every": {"months": 1}, "day_count": "actual/365", **changes,
    }  # fmt: skip
    run = ScheduledRun({1: Contract(1, "schedule", document)}, 12_000_00, "USD")
    return run.tell([Fact(1, "advance", date(2026, 1, 31), {"amount": 12_000_00})])


@pytest.mark.parametrize("day_count", ["actual/365", "30/360", "30us/360", "30e/360", "equal-periods", "actual/actual"])
def test_accruing_in_steps_comes_to_the_same(day_count: str) -> None:
    chance = random.Random(day_count)
    stepped, whole = contract(day_count=day_count), contract(day_count=day_count)
    end = date(2028, 6, 15)  # beyond the last row
    for day in sorted({date(2026, 1, 31) + timedelta(days=chance.randint(1, 860)) for _ in range(60)}):
        before = stepped.state.interest_run
        stepped.advance(day)
        assert stepped.state.interest_run >= before
        assert stepped.state.flows.get("earned", 0) == stepped.state.interest_run
    stepped.advance(end)
    whole.advance(end)
    assert stepped.state == whole.state


def test_a_payment_is_interest_first_and_loses_no_cent() -> None:
    run = contract()
    moved = run.standing(date(2026, 4, 30)).interest
    run.tell([Fact(2, "payment", date(2026, 4, 30), {"amount": moved - 1})])
    after = run.standing(date(2026, 4, 30))
    assert (after.interest_paid, after.principal_paid, after.interest) == (moved - 1, 0, 1)
    later = run.standing(date(2026, 5, 31))
    assert later.interest == 1 + simple_interest(12_000_00, "7.25", date(2026, 4, 30), date(2026, 5, 31))
    run.tell([Fact(3, "payment", date(2026, 5, 31), {"amount": later.owed})])
    assert (run.state.owed, run.state.overpaid) == (0, 0)


def test_nothing_is_due_on_a_paid_loan(lite: SmallBank) -> None:
    lite.go_to("2027-01-31", open_drawer=False)
    loan = lent(lite, lite.admit("Mia Lee"))
    lite.go_to("2027-02-10", open_drawer=False)
    payoff = standing(lite, loan, "2027-02-10").payoff
    lite.do("repay-loan", loan=loan, amount=lite.text(payoff), tender="transfer")
    at_end = standing(lite, loan, "2030-01-01")
    assert (at_end.due.total, at_end.payoff, at_end.days_late, at_end.next_due) == (0, 0, 0, None)
    assert {row.state for row in at_end.rows} == {"paid"}
    assert calendar.monthrange(2027, 2)[1] == 28 and at_end.rows[0].due == date(2027, 2, 28)
