"""The engine in the bank: typed late, taken back in the middle, several funds, months closed before and after."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank.lending.accounts import account
from coopbank.bank.lending.flows import by_fund, total
from coopbank.bank.lending.scheduled import ScheduledRun
from coopbank.bank.operations.closing import last_day
from coopbank.errors import (
    CannotReverse,
    CoopbankError,
    InvalidAmount,
    InvalidValue,
    NotAllowed,
    Overdrawn,
    Refused,
    WrongState,
)
from tests.bank.support_lending import (
    assert_replayed,
    close_months_before,
    copy_of,
    facts,
    grant,
    lend_to_us,
    lent,
    notes_of,
    plan_of,
    simple_interest,
    standing,
    stored,
    visit,
)
from tests.support_bank import SmallBank, assert_books

FUNDS = ("RLF", "GEN", "SOL")


def begun(bank: SmallBank) -> None:
    """Three funds with 20,000.00 each to lend, and Mia, M0001; 2 March 2026."""
    bank.agreed("open-fund", by=bank.tom, approver=bank.sue, code="SOL", fund_name="Sol", fund_class="designated")
    for fund in FUNDS:
        lend_to_us(bank, "20000.00", fund)
    bank.admit("Mia Lee")


def proven(bank: SmallBank) -> None:
    assert_books(bank)
    assert_replayed(bank)


def pay(bank: SmallBank, loan: str, amount: str, on: str | None = None, **values: Any) -> Any:
    return bank.do("repay-loan", loan=loan, amount=amount, tender="transfer", value_date=on, **values)


def back(bank: SmallBank, number: int, **values: Any) -> Any:
    return bank.agreed("reverse", by=bank.tom, approver=bank.sue, operation=number, reason="wrong", **values)


def leaves(bank: SmallBank) -> dict[tuple[str, str], int]:
    """Every leaf with a balance."""
    with bank.read() as books:
        rows = books.tx.rows(
            "SELECT a.fund, a.gl_code, a.contract, b.debit - b.credit FROM account a JOIN balance b"
            " ON b.account_id = a.id"
        )
    return {(fund, f"{code}/{contract}"): amount for fund, code, contract, amount in rows if amount}


# --------------------------------------------------------------------------------- several funds


def test_sixty_and_forty_from_the_promise_to_the_last_cent(lite: SmallBank) -> None:
    """Each fund lends, earns and gets back its share; what is left is never below zero, and nothing at the end."""
    loan = grant(lite, "M0001", other_funds="GEN 40")
    assert [lite.balance(f"M40/{loan}", fund) for fund in ("RLF", "GEN")] == [7_200_00, 4_800_00]
    lite.do("disburse-loan", by=lite.tom, loan=loan)
    assert [lite.balance("729", fund) for fund in ("RLF", "GEN")] == [12_800_00, 15_200_00]
    chance = random.Random(1)
    for row in plan_of(lite, loan):
        visit(lite, row.due)
        if chance.random() < 0.5:
            close_months_before(lite, row.due)
        pay(lite, loan, lite.text(row.payment))
        shares = by_fund({"lent": row.balance}, {"RLF": 60, "GEN": 40})
        for fund in ("RLF", "GEN"):
            assert abs(lite.balance(f"701/{loan}", fund) - shares.get(fund, {}).get("lent", 0)) <= 1
            assert lite.balance(f"781/{loan}", fund) == 0
    assert stored(lite, loan).state == "paid"
    earned = {fund: -lite.balance("111", fund) for fund in ("RLF", "GEN")}
    assert abs(earned["RLF"] - 0.6 * sum(earned.values())) < 1
    assert [lite.balance("729", fund) - 20_000_00 for fund in ("RLF", "GEN")] == [earned["RLF"], earned["GEN"]]


def test_the_odd_cent_of_halves_goes_to_the_same_fund_in_the_grant_and_ever_after(lite: SmallBank) -> None:
    """`assert_books` tells the loan again from its record, whose names stand in another order than they were typed."""
    loan = grant(lite, "M0001", principal="999.99", other_funds="GEN 50")
    assert [lite.balance(f"M40/{loan}", fund) for fund in ("GEN", "RLF")] == [500_00, 499_99]
    lite.do("disburse-loan", by=lite.tom, loan=loan)
    assert [lite.balance(f"701/{loan}", fund) for fund in ("GEN", "RLF")] == [500_00, 499_99]


@pytest.mark.parametrize(
    "other", ["GEN 40, GEN 10", "RLF 40", "GEN 0", "GEN 100", "GEN 60, SOL 40", "NONE 10", "GEN", ""]
)
def test_shares_that_cannot_be(lite: SmallBank, other: str) -> None:
    with pytest.raises(Refused) as refused:
        grant(lite, "M0001", other_funds=other)
    assert refused.value.field == "other_funds"


def test_each_fund_lends_only_what_it_has(lite: SmallBank) -> None:
    lite.do("move-cash", by=lite.tom, from_place="FIRST", to_place="VAULT", amount="1.00")
    with pytest.raises(Overdrawn, match=r"Fund GEN has only 20,000\.00") as refused:
        grant(lite, "M0001", principal="40000.02", other_funds="GEN 50.01")
    assert refused.value.field == "principal"


# ------------------------------------------------------------------------------------ typed late


@pytest.mark.parametrize("closing", ["never", "before", "after"])
@pytest.mark.parametrize("other", ["", "GEN 40", "GEN 33.33, SOL 33.34"])
def test_typed_late_is_typed_on_time(founded: Path, tmp_path: Path, closing: str, other: str) -> None:
    """The same payments, heard of on their days or weeks later in any order: the same loan, the same leaves."""
    days = ["2026-03-20", "2026-04-02", "2026-04-15", "2026-05-04"]
    amounts = ["300.00", "541.00", "77.77", "1500.00"]
    early = [None, None, "lower", "shorten"]
    ends = []
    for number, order in enumerate(([0, 1, 2, 3], [3, 0, 2, 1], [1, 3, 2, 0])):
        bank = copy_of(founded, tmp_path / f"{number}.db")
        loan = lent(bank, "M0001", **({"other_funds": other} if other else {}))
        if number == 0:
            for i in order:
                visit(bank, days[i])
                pay(bank, loan, amounts[i], early=early[i])
        visit(bank, "2026-06-03")
        if closing == "before":
            close_months_before(bank, date(2026, 6, 3))
        if number:
            for i in order:
                pay(bank, loan, amounts[i], days[i], early=early[i])
        if closing == "after":
            close_months_before(bank, date(2026, 6, 3))
        visit(bank, "2026-06-04")
        pay(bank, loan, "100.00")  # brings the interest of each to the same day
        proven(bank)
        body = stored(bank, loan)
        ends.append((body.book, {**body.told, "last_parts": None}, leaves(bank)))
        bank.bank.close()
    assert ends[0] == ends[1] == ends[2]


def test_a_late_payment_says_how_it_was_shared_on_its_day(lite: SmallBank) -> None:
    loan = lent(lite, "M0001")
    rows = plan_of(lite, loan)
    visit(lite, "2026-04-20")
    took = pay(lite, loan, lite.text(rows[0].payment), str(rows[0].due))
    assert notes_of(took)["Counts from"] == str(rows[0].due)
    assert (notes_of(took)["Interest"], notes_of(took)["Principal"]) == (
        f"{rows[0].interest / 100:,.2f}", f"{rows[0].principal / 100:,.2f}",
    )  # fmt: skip
    assert standing(lite, loan, "2026-04-20").due_now == 0


def test_what_is_paid_off_by_a_late_payment_is_not_owed_since(lite: SmallBank) -> None:
    loan = lent(lite, "M0001", other_funds="GEN 40")
    visit(lite, "2026-05-06")
    close_months_before(lite, date(2026, 5, 6))
    payoff = 12_000_00 + simple_interest(12_000_00, "7.25", date(2026, 3, 2), date(2026, 3, 12))
    with pytest.raises(InvalidAmount) as refused:
        pay(lite, loan, lite.text(payoff + 1), "2026-03-12")
    assert refused.value.field == "amount"
    pay(lite, loan, lite.text(payoff), "2026-03-12")
    assert stored(lite, loan).state == "paid"
    for fund in ("RLF", "GEN"):
        assert lite.balance(f"781/{loan}", fund) == lite.balance(f"701/{loan}", fund) == 0
    assert sum(lite.balance("111", fund) for fund in ("RLF", "GEN")) == 12_000_00 - payoff


# ----------------------------------------------------------------------- taken back in the middle


@pytest.mark.parametrize("closed", [False, True], ids=["", "closed"])
def test_a_payment_taken_back_in_the_middle_is_as_if_it_had_never_been(
    founded: Path, tmp_path: Path, closed: bool
) -> None:
    ends = []
    for taken in (True, False):
        bank = copy_of(founded, tmp_path / f"{taken}.db")
        loan = lent(bank, "M0001", other_funds="GEN 40")
        visit(bank, "2026-03-20")
        wrong = pay(bank, loan, "700.00").number if taken else 0
        visit(bank, "2026-04-02")
        if closed:
            close_months_before(bank, date(2026, 4, 2))
        pay(bank, loan, "541.00")
        visit(bank, "2026-05-05")
        if taken:
            with pytest.raises(CannotReverse, match="told anew"):
                back(bank, wrong)
            undone = back(bank, wrong, replay=True)
            assert ("Told anew", loan) in undone.notes
        close_months_before(bank, date(2026, 5, 5))
        proven(bank)
        body = stored(bank, loan)
        ends.append((body.book, body.told, leaves(bank)))
        bank.bank.close()
    assert ends[0] == ends[1]


def test_what_paid_a_loan_off_is_taken_back(lite: SmallBank) -> None:
    loan = lent(lite, "M0001")
    visit(lite, "2026-03-20")
    first = pay(lite, loan, "700.00")
    visit(lite, "2026-04-02")
    pay(lite, loan, lite.text(standing(lite, loan, "2026-04-02").payoff))
    assert stored(lite, loan).state == "paid"
    back(lite, first.number, replay=True)
    body = stored(lite, loan)
    assert body.state == "active"
    interest = simple_interest(12_000_00, "7.25", date(2026, 3, 2), date(2026, 4, 2))
    assert total(body.book, "interest_paid") == interest
    assert standing(lite, loan, "2026-04-02").payoff == 700_00 + interest - simple_interest(
        12_000_00, "7.25", date(2026, 3, 2), date(2026, 3, 20)
    ) - simple_interest(
        12_000_00 - 700_00 + simple_interest(12_000_00, "7.25", date(2026, 3, 2), date(2026, 3, 20)),
        "7.25", date(2026, 3, 20), date(2026, 4, 2),
    )  # fmt: skip


def test_money_that_went_out_is_taken_back_only_when_nothing_came_after(lite: SmallBank) -> None:
    loan = grant(lite, "M0001")
    out = lite.do("disburse-loan", by=lite.tom, loan=loan)
    took = pay(lite, loan, "10.00")
    for values in ({}, {"replay": True}):
        with pytest.raises(CannotReverse, match=str(took.number)):
            back(lite, out.number, **values)
    lite.do("reverse", operation=took.number, reason="x")
    back(lite, out.number)
    assert stored(lite, loan).state == "granted"
    assert lite.balance(f"M40/{loan}", "RLF") == 12_000_00
    assert facts(lite, loan) == []
    visit(lite, "2026-03-10")
    lite.do("disburse-loan", by=lite.tom, loan=loan)
    assert stored(lite, loan).told["plan"]["start"] == "2026-03-10"


# -------------------------------------------------------------------------------- months and income


@pytest.mark.parametrize("seed", range(12))
def test_each_month_has_the_income_that_its_facts_earned_in_every_fund(lite: SmallBank, seed: int) -> None:
    """Whenever a month is closed, and whatever was typed late or taken back: income under dates to its end is that
    of the facts to its end, by the shares of the funds.
    """
    chance = random.Random(seed)
    other, rate = chance.choice(["GEN 40", "GEN 33.33, SOL 33.34", "SOL 10"]), chance.choice(["7.25", "19"])
    loan = lent(lite, "M0001", other_funds=other, annual_rate=rate, day_count=chance.choice(["actual/365", "30/360"]))
    today, month, done = date(2026, 3, 2), "2026-03", []
    for _ in range(30):
        today += timedelta(days=chance.randint(1, 20))
        visit(lite, today)
        done += _something(lite, chance, loan, today, done)
        if last_day(month) < today and chance.random() < 0.6:
            lite.agreed("close-month", by=lite.tom, approver=lite.sue, month=month)
            assert income(lite, last_day(month)) == told_income(lite, loan, last_day(month))
            month = f"{last_day(month) + timedelta(days=1):%Y-%m}"


def _something(bank: SmallBank, chance: random.Random, loan: str, today: date, done: list[int]) -> list[int]:
    on = str(max(date(2026, 3, 2), today - timedelta(days=chance.choice([0, 0, 3, 25, 50]))))
    try:
        what = chance.choice(["pay", "pay", "pay", "waive", "pause", "rate", "reverse"])
        if what == "pay":
            amount = chance.choice(["550.00", "3.21", "1200.00"])
            return [pay(bank, loan, amount, on, early=chance.choice([None, "lower"])).number]
        if what == "waive":
            owed = standing(bank, loan, str(today)).standing.interest
            values: dict[str, Any] = {"interest": bank.text(max(1, owed // 2))}
        elif what == "pause":
            values = {"from_day": on, "until": str(today + timedelta(days=9))}
        elif what == "rate":
            values = {"annual_rate": chance.choice(["5", "11.5"]), "from_day": on}
        else:
            if done:
                back(bank, done.pop(chance.randrange(len(done))), replay=True)
            return []
        name = {"waive": "waive-charges", "pause": "pause-interest", "rate": "change-rate"}[what]
        bank.agreed(name, by=bank.tom, approver=bank.sue, loan=loan, why="vote", **values)
    except CoopbankError as refusal:
        assert refusal.field
    return []


def income(bank: SmallBank, last: date) -> dict[str, int]:
    """Interest income of each fund under dates up to a day, by its effective dates."""
    with bank.read() as books:
        rows = books.tx.rows(
            "SELECT a.fund, sum(d.credit - d.debit) FROM account a JOIN balance_day d ON d.account_id = a.id"
            " WHERE a.gl_code = ? AND d.effective_on <= ? GROUP BY a.fund", "111", last.isoformat(),
        )  # fmt: skip
    return {fund: int(amount) for fund, amount in rows if amount}


def told_income(bank: SmallBank, loan: str, last: date) -> dict[str, int]:
    """The same, told from the facts of the loan."""
    with bank.read() as books:
        held = account(books, loan)
        run = held.told(fact for fact in held.facts if fact.on <= last)
        assert isinstance(run, ScheduledRun)
        flows = run.standing(last + timedelta(days=1)).flows
        book = by_fund(flows, held.body.shares)
    return {fund: each["earned"] for fund, each in book.items() if each.get("earned")}


# --------------------------------------------------------------------------- tranches and lines


def test_tranches_are_paid_out_one_by_one(lite: SmallBank) -> None:
    loan = grant(lite, "M0001", other_funds="GEN 40")
    with pytest.raises(NotAllowed):
        lite.do("disburse-loan", loan=loan, amount="1.00")
    with pytest.raises(Overdrawn) as refused:
        lite.do("disburse-loan", by=lite.tom, loan=loan, amount="12000.01")
    assert refused.value.field == "amount"
    lite.do("disburse-loan", by=lite.tom, loan=loan, amount="5000.00")
    assert [lite.balance(f"M40/{loan}", fund) for fund in ("RLF", "GEN")] == [4_200_00, 2_800_00]
    visit(lite, "2026-04-20")
    lite.do("disburse-loan", by=lite.tom, loan=loan, amount="4000.00")
    assert standing(lite, loan, "2026-04-20").available == 3_000_00
    ended = lite.do("close-commitment", loan=loan, reason="the rest is not needed")
    assert lite.balance(f"M40/{loan}", "RLF") == lite.balance("M49", "RLF") == 0
    assert ended.entries[0].memo == f"Loan {loan}: nothing more is paid out"
    for name, by, values in (
        ("disburse-loan", lite.tom, {"amount": "1.00"}), ("close-commitment", lite.ana, {"reason": "again"}),
    ):  # fmt: skip
        with pytest.raises(WrongState) as state:
            lite.do(name, by=by, loan=loan, **values)
        assert state.value.field == "loan"


def test_a_tranche_after_the_last_due_date_is_refused_by_its_own_field(lite: SmallBank) -> None:
    loan = grant(lite, "M0001", installments=2)
    lite.do("disburse-loan", by=lite.tom, loan=loan, amount="5000.00")
    visit(lite, "2026-05-02")
    with pytest.raises(Refused) as refused:
        lite.do("disburse-loan", by=lite.tom, loan=loan, amount="5000.00")
    assert refused.value.field in ("loan", "amount")


def test_a_promise_that_is_never_paid_out_ends(lite: SmallBank) -> None:
    loan = grant(lite, "M0001")
    lite.do("close-commitment", loan=loan, reason="they found another lender")
    assert stored(lite, loan).state == "cancelled"
    assert lite.balance("M49", "RLF") == 0
    with pytest.raises(WrongState):
        lite.do("disburse-loan", by=lite.tom, loan=loan)
    with pytest.raises(WrongState):
        pay(lite, loan, "1.00")


def test_a_line_is_drawn_paid_and_drawn_again(lite: SmallBank) -> None:
    loan = grant(
        lite, "M0001", product="LINE", principal="6000.00", annual_rate="8", installments=12, other_funds="GEN 50"
    )
    with pytest.raises(InvalidAmount) as unsaid:
        lite.do("disburse-loan", by=lite.tom, loan=loan)
    assert unsaid.value.field == "amount"
    drawn = lite.do("disburse-loan", by=lite.tom, loan=loan, amount="4000.00")
    assert notes_of(drawn)["Available"] == "2,000.00"
    with pytest.raises(Overdrawn) as refused:
        lite.do("disburse-loan", by=lite.tom, loan=loan, amount="2000.01")
    assert refused.value.field == "amount"
    visit(lite, "2026-04-02")
    interest = simple_interest(4_000_00, "8", date(2026, 3, 2), date(2026, 4, 2))
    assert standing(lite, loan, "2026-04-02").due_now == interest
    took = pay(lite, loan, lite.text(interest + 1_000_00))
    assert notes_of(took)["Available"] == "3,000.00"
    assert lite.balance(f"M40/{loan}", "GEN") == 1_500_00
    lite.do("disburse-loan", by=lite.tom, loan=loan, amount="3000.00")
    assert lite.balance(f"M40/{loan}", "GEN") == 0
    visit(lite, "2026-04-30")
    pay(lite, loan, lite.text(standing(lite, loan, "2026-04-30").payoff))
    assert stored(lite, loan).state == "active", "it can be drawn again"
    visit(lite, "2027-03-02")
    with pytest.raises(WrongState):
        lite.do("disburse-loan", by=lite.tom, loan=loan, amount="1.00")
    close_months_before(lite, date(2027, 3, 2))
    visit(lite, "2027-04-01")
    close_months_before(lite, date(2027, 4, 1))
    assert lite.balance(f"M40/{loan}", "RLF") == 0, "from its last day on nothing is promised"


# ------------------------------------------------------------------------------------ refinancing


def test_a_new_loan_pays_an_old_one_off(lite: SmallBank) -> None:
    old = lent(lite, "M0001", other_funds="GEN 40")
    visit(lite, "2026-04-20")
    owed = standing(lite, old, "2026-04-20").payoff
    small_one = grant(lite, "M0001", principal="100.00")
    mia2 = lite.admit("Ben")
    strange = grant(lite, mia2, principal="100.00")
    new = grant(lite, "M0001", principal="13000.00", fund="SOL")
    for values, field in (
        ({"new_loan": small_one}, "new_loan"), ({"new_loan": strange}, "new_loan"), ({"new_loan": old}, "new_loan"),
        ({"new_loan": "L-999"}, "new_loan"),
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            lite.do("refinance-loan", by=lite.tom, loan=old, **values)
        assert refused.value.field == field
    with pytest.raises(NotAllowed):
        lite.do("refinance-loan", loan=old, new_loan=new)
    claims = {fund: lite.balance("729", fund) for fund in FUNDS}
    cash = lite.balance("731/FIRST", "POOL")
    done = lite.do("refinance-loan", by=lite.tom, loan=old, new_loan=new)
    assert stored(lite, old).state == "paid"
    assert stored(lite, old).replaced_by == new
    assert lite.balance(f"701/{new}", "SOL") == owed
    assert lite.balance("731/FIRST", "POOL") == cash, "no cash moves"
    assert lite.balance("729", "SOL") == claims["SOL"] - owed
    assert sum(lite.balance("729", fund) for fund in FUNDS) == sum(claims.values())
    assert standing(lite, new, "2026-04-20").available == 13_000_00 - owed
    with pytest.raises(WrongState):
        lite.do("refinance-loan", by=lite.tom, loan=old, new_loan=new)
    back(lite, done.number)
    assert (stored(lite, old).state, stored(lite, old).replaced_by) == ("active", None)
    assert stored(lite, new).state == "granted"
    assert standing(lite, old, "2026-04-20").payoff == owed
    assert {fund: lite.balance("729", fund) for fund in FUNDS} == claims


def test_terms_that_do_not_fit_the_product(lite: SmallBank) -> None:
    for values, field in (
        ({"product": "LINE", "method": "level"}, "method"), ({"share_percent": "50"}, "share_percent"),
        ({"product": "SURPLUS", "outer_date": "2030-01-01", "share_percent": "50"}, "installments"),
        ({"product": "NONE"}, "product"), ({"months": [13]}, "months"),
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            grant(lite, "M0001", **values)
        assert (refused.value.field or "").partition(".")[0] == field
        assert isinstance(refused.value, InvalidValue | Refused)


def test_two_months_that_are_closed_late_each_have_their_own(lite: SmallBank) -> None:
    """Closing March moves out of a day in May what April recognised of it: April still has its own."""
    loan = lent(lite, "M0001", other_funds="GEN 40")
    visit(lite, "2026-04-03")
    pay(lite, loan, "541.00")
    visit(lite, "2026-05-11")
    lite.agreed("close-month", by=lite.tom, approver=lite.sue, month="2026-03")
    lite.agreed("close-month", by=lite.tom, approver=lite.sue, month="2026-04")
    for day in (date(2026, 3, 31), date(2026, 4, 30)):
        assert income(lite, day) == told_income(lite, loan, day)
    assert income(lite, date(2026, 5, 11)) == income(lite, date(2026, 4, 30))


@pytest.mark.parametrize("seed", range(8))
def test_each_month_of_a_surplus_loan_has_its_memo_and_its_income(lite: SmallBank, seed: int) -> None:
    """Whenever a month is closed: what stands in memo, and income less what was waived, are those of its facts."""
    chance = random.Random(seed)
    terms = {"annual_rate": "8", "share_percent": "50", "outer_date": "2031-03-02", "every": {"months": 3}}
    loan = grant(lite, "M0001", product="SURPLUS", installments=None, other_funds="GEN 40", **terms)
    lite.do("disburse-loan", by=lite.tom, loan=loan)
    today, month, period = date(2026, 3, 2), "2026-03", 1
    for _ in range(26):
        today += timedelta(days=chance.randint(3, 25))
        visit(lite, today)
        try:
            if chance.random() < 0.5:
                earned = chance.choice(["3000.00", "-800.00", "150.00", "0.00"])
                again = period > 1 and chance.random() < 0.3
                number = period - 1 if again else period
                lite.do("file-report", loan=loan, period=number, surplus=earned, correction=again)
                lite.do("accept-report", by=lite.tom, loan=loan, period=number)
                period += not again
            elif chance.random() < 0.6:
                on = max(date(2026, 3, 2), today - timedelta(days=chance.choice([0, 0, 20])))
                pay(lite, loan, chance.choice(["400.00", "31.70"]), str(on))
        except CoopbankError as refusal:
            assert refusal.field
        if last_day(month) < today and chance.random() < 0.5:
            lite.agreed("close-month", by=lite.tom, approver=lite.sue, month=month)
            with lite.read() as books:
                held = account(books, loan)
                run = held.told(fact for fact in held.facts if fact.on <= last_day(month))
                through = last_day(month) + timedelta(days=1)
                flows = run.flows(through, through)  # type: ignore[union-attr]
            book = by_fund(flows, held.body.shares)
            for fund in ("RLF", "GEN"):
                assert to_day(lite, fund, "M10", last_day(month)) == book[fund].get("memo", 0)
                net = -to_day(lite, fund, "111", last_day(month)) - to_day(lite, fund, "119", last_day(month))
                assert net == book[fund].get("earned", 0)
            month = f"{last_day(month) + timedelta(days=1):%Y-%m}"
    assert month > "2026-06"


def to_day(bank: SmallBank, fund: str, code: str, last: date) -> int:
    """What a fund's leaves of an account hold under dates up to a day, debit +."""
    with bank.read() as books:
        return int(
            books.tx.value(
                "SELECT coalesce(sum(d.debit - d.credit), 0) FROM account a JOIN balance_day d ON d.account_id = a.id"
                " WHERE a.gl_code = ? AND a.fund = ? AND d.effective_on <= ?", code, fund, last.isoformat(),
            )
        )  # fmt: skip
