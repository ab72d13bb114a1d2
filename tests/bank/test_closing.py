"""Closing months: whose interest it is, under which date, and what a locked month refuses."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.lending.closing import recognise_loans
from coopbank.bank.operations.closing import last_day
from coopbank.errors import CannotReverse, DayClosed, NotAllowed, PeriodLocked, Refused, WrongState
from coopbank.ledger import periods
from coopbank.reports import trial_balance
from tests.bank.support_counter import refused
from tests.bank.support_lending import (
    close_months_before,
    lend_to_us,
    lent,
    notes_of,
    simple_interest,
    stored,
    story,
    visit,
)
from tests.support_bank import SmallBank, assert_books, new_bank


def begun(bank: SmallBank) -> None:
    """The revolving fund has 20,000.00 to lend."""
    lend_to_us(bank)


def close(bank: SmallBank, month: str) -> Any:
    return bank.agreed("close-month", by=bank.tom, approver=bank.sue, month=month)


def reopen(bank: SmallBank, month: str, why: str = "a bill came late") -> Any:
    return bank.agreed("reopen-month", by=bank.tom, approver=bank.sue, month=month, why=why)


def state(bank: SmallBank, period: str) -> str | None:
    with bank.read() as books:
        return periods.state(books.tx, period)


def under_dates_to(bank: SmallBank, code: str, day: date, fund: str = "RLF") -> int:
    """A leaf's balance as of a day, by effective date."""
    with bank.read() as books:
        leaf = books.leaf(fund, code)
        if leaf is None:
            return 0
        sql = "SELECT coalesce(sum(debit - credit), 0) FROM balance_day WHERE account_id = ? AND effective_on <= ?"
        return int(books.tx.value(sql, leaf.id, day.isoformat()))


# --------------------------------------------------------------------------------- the interest


def test_a_close_recognises_interest_through_the_last_day(small: SmallBank) -> None:
    loan = lent(small, small.admit("Mia Lee"))
    small.go_to("2026-04-01")
    closed = close(small, "2026-03")
    earned = simple_interest(12_000_00, "7.25", date(2026, 3, 2), date(2026, 4, 1))
    paid_out = simple_interest(20_000_00, "2", date(2026, 3, 2), date(2026, 4, 1))
    assert small.balance(f"781/{loan}", "RLF") == -small.balance("111", "RLF") == earned
    assert small.balance("341", "RLF") == paid_out
    assert {entry.effective_on for entry in closed.entries} == {"2026-03-31"}
    assert {entry.memo for entry in closed.entries} >= {f"Interest {loan} to 2026-03-31"}
    assert (closed.actor, closed.approver, state(small, "2026-03")) == ("tom", "sue", "locked")
    assert notes_of(closed)["Interest on loans"] == f"{small.text(earned)} (1)"

    small.go_to("2026-05-04")
    close(small, "2026-04")
    both = simple_interest(12_000_00, "7.25", date(2026, 3, 2), date(2026, 5, 1))
    assert small.balance(f"781/{loan}", "RLF") == both  # cumulative, not a sum of rounded months
    assert under_dates_to(small, f"781/{loan}", date(2026, 3, 31)) == earned


def test_a_payment_before_the_close_leaves_the_month_its_interest(small: SmallBank) -> None:
    loan = lent(small, small.admit("Mia Lee"))
    small.go_to("2026-04-03")
    small.do("repay-loan", loan=loan, amount="540.00")
    whole = simple_interest(12_000_00, "7.25", date(2026, 3, 2), date(2026, 4, 3))
    small.go_to("2026-04-07")
    before = story(small, loan)
    closed = close(small, "2026-03")
    march = simple_interest(12_000_00, "7.25", date(2026, 3, 2), date(2026, 4, 1))
    assert -under_dates_to(small, "111", date(2026, 3, 31)) == march
    assert under_dates_to(small, f"781/{loan}", date(2026, 3, 31)) == march
    assert -small.balance("111", "RLF") == whole
    assert small.balance(f"781/{loan}", "RLF") == 0
    assert story(small, loan) == before
    assert [e.effective_on for e in closed.entries if loan in e.memo] == ["2026-03-31", "2026-04-07"]


def test_loans_paid_off_reversed_and_new_since_the_month(lite: SmallBank) -> None:
    mia = lite.admit("Mia Lee")
    gone = lent(lite, mia, principal="1000.00")
    undone = lent(lite, mia, principal="2000.00")
    lite.go_to("2026-04-02", open_drawer=False)
    paid = lite.do("repay-loan", loan=undone, amount="100.00", tender="transfer")
    lite.do("reverse", operation=paid.number, reason="not theirs")
    payoff = simple_interest(1_000_00, "7.25", date(2026, 3, 2), date(2026, 4, 2)) + 1_000_00
    lite.do("repay-loan", loan=gone, amount=lite.text(payoff), tender="transfer")
    late = lent(lite, mia, principal="3000.00")
    lite.go_to("2026-04-08", open_drawer=False)
    close(lite, "2026-03")
    for loan, principal in ((gone, 1_000_00), (undone, 2_000_00), (late, 0)):
        march = simple_interest(principal, "7.25", date(2026, 3, 2), date(2026, 4, 1))
        assert under_dates_to(lite, f"781/{loan}", date(2026, 3, 31)) == march
    assert stored(lite, gone).state == "paid"
    assert lite.balance(f"781/{gone}", "RLF") == 0
    assert lite.balance(f"781/{late}", "RLF") == 0


def test_every_month_has_its_own_income_whenever_it_is_closed(lite: SmallBank) -> None:
    """Random payments and late closes: what stands under each month is what that month earned."""
    chance = random.Random(7)
    loan = lent(lite, lite.admit("Mia Lee"), annual_rate="18")
    moves: list[tuple[date, int]] = [(date(2026, 3, 2), 12_000_00)]  # value date, principal from then on
    charged: list[int] = []  # of each segment that is over
    unpaid, today, closing = 0, date(2026, 3, 2), date(2026, 3, 31)
    closed: list[tuple[date, int]] = []
    while closing < date(2027, 12, 31):
        today += timedelta(days=chance.randint(1, 25))
        visit(lite, today)
        if chance.random() < 0.7:
            since, principal = moves[-1]
            on = max(since, closing + timedelta(days=1) - timedelta(days=chance.choice([0, 4, 20])), date(2026, 3, 2))
            on = chance.choice([today, min(on, today)])
            charged.append(simple_interest(principal, "18", since, on))
            unpaid += charged[-1]
            lite.do("repay-loan", loan=loan, amount="150.00", tender="transfer", value_date=on.isoformat())
            to_interest = min(150_00, unpaid)
            unpaid -= to_interest
            moves.append((on, principal - 150_00 + to_interest))
        while today > closing + timedelta(days=chance.choice([0, 10, 40])):
            close(lite, f"{closing:%Y-%m}")
            end = closing + timedelta(days=1)
            index = max(i for i, (since, _p) in enumerate(moves) if since < end)
            earned = sum(charged[:index]) + simple_interest(moves[index][1], "18", moves[index][0], end)
            assert -under_dates_to(lite, "111", closing) == earned
            closed.append((closing, earned))
            closing = last_day(f"{end:%Y-%m}")
    assert len(closed) > 15
    since, principal = moves[-1]
    run_on = simple_interest(principal, "18", since, max(since, closed[-1][0] + timedelta(days=1)))
    assert lite.balance(f"781/{loan}", "RLF") == unpaid + run_on


def test_a_month_closed_late_leaves_nothing_in_the_next_of_a_debt_that_is_paid(lite: SmallBank) -> None:
    """March is closed in May: what it moves out of May is no income of April, though nothing is owed any more."""
    loan = lent(lite, lite.admit("Mia Lee"), principal="1000.00")
    terms = {"lender": "Ann", "amount": "1000.00", "annual_rate": "3.65", "due_on": "2027-03-02"}
    note = lite.agreed("issue-note", by=lite.tom, approver=lite.sue, **terms).created[0]
    lite.go_to("2026-04-03", open_drawer=False)
    whole = simple_interest(1_000_00, "7.25", date(2026, 3, 2), date(2026, 4, 3))
    lite.do("repay-loan", loan=loan, amount=lite.text(1_000_00 + whole), tender="transfer")
    lite.agreed("repay-note", by=lite.tom, approver=lite.sue, note=note)
    lite.go_to("2026-05-06", open_drawer=False)
    close(lite, "2026-03")
    close(lite, "2026-04")
    end = date(2026, 4, 30)
    assert under_dates_to(lite, f"781/{loan}", end) == under_dates_to(lite, f"851/{note}", end) == 0
    assert -under_dates_to(lite, "111", end) == whole == -lite.balance("111", "RLF")


# --------------------------------------------------------------------------------- the closing


def test_a_month_closes_when_it_is_over_in_order_and_once(small: SmallBank) -> None:
    lent(small, small.admit("Mia Lee"))
    for month, word in (("2026-03", "not over"), ("2026-04", "not over"), ("2027-01", "not over")):
        with pytest.raises(WrongState, match=word) as refused:
            close(small, month)
        assert refused.value.field == "month"
    small.go_to("2026-03-31")
    with pytest.raises(WrongState, match="not over"):
        close(small, "2026-03")
    small.go_to("2026-05-01")
    with pytest.raises(WrongState, match="2026-03 is not closed"):
        close(small, "2026-04")
    assert small.ask("close-month", by=small.tom, month="2026-03").status == "pending"
    close(small, "2026-03")
    with pytest.raises(PeriodLocked) as locked:
        close(small, "2026-03")
    assert locked.value.field == "month"
    close(small, "2026-04")
    with pytest.raises(NotAllowed):
        small.ask("close-month", month="2026-04")


@pytest.mark.parametrize("month", ["2026-3", "2026-13", "0000-01", "March", "", "2026-03-01", "٢٠٢٦-٠٣", "=1+1"])
def test_a_month_is_written_in_one_way(lite: SmallBank, month: str) -> None:
    with pytest.raises(Refused) as refused:
        close(lite, month)
    assert refused.value.field == "month"


def test_a_locked_month_takes_no_entry_until_it_is_reopened(small: SmallBank) -> None:
    loan = lent(small, small.admit("Mia Lee"))
    small.go_to("2026-04-02")
    closed = close(small, "2026-03")
    bill = {
        "memo": "Rent of March", "effective_on": "2026-03-20",
        "lines": ["GEN 250 Dr 10.00", "GEN 931 Cr 10.00"],
    }  # fmt: skip
    with pytest.raises(PeriodLocked):
        small.agreed("journal-entry", by=small.tom, approver=small.sue, **bill)
    with pytest.raises(CannotReverse):
        small.ask("reverse", by=small.tom, operation=closed.number, reason="no")
    with pytest.raises(Refused) as refused:
        reopen(small, "2026-03", why="")
    assert refused.value.field == "why"
    reopen(small, "2026-03")
    assert state(small, "2026-03") == "adjusting"
    with pytest.raises(WrongState, match="not locked"):
        reopen(small, "2026-03")
    small.agreed("journal-entry", by=small.tom, approver=small.sue, **bill)
    small.go_to("2026-05-02")
    with pytest.raises(WrongState, match="2026-03 is not closed"):
        close(small, "2026-04")
    before = story(small, loan), small.balance("111", "RLF")
    again = close(small, "2026-03")
    assert again.entries == ()  # its interest stands there already
    assert (story(small, loan), small.balance("111", "RLF")) == before
    close(small, "2026-04")


def test_a_month_reopened_after_the_next_was_closed_keeps_the_interest(lite: SmallBank) -> None:
    loan = lent(lite, lite.admit("Mia Lee"))
    lite.go_to("2026-05-04")
    close_months_before(lite, date(2026, 5, 4))
    before = story(lite, loan), lite.balance("111", "RLF")
    reopen(lite, "2026-03")
    assert close(lite, "2026-03").entries == ()
    assert (story(lite, loan), lite.balance("111", "RLF")) == before


def test_a_close_says_that_no_provision_was_made(small: SmallBank) -> None:
    """It is told on the review and the receipt, and is no refusal: somebody may have decided so."""
    lent(small, small.admit("Mia Lee"))
    small.go_to("2026-04-01")
    asked = small.ask("close-month", by=small.tom, month="2026-03")
    assert notes_of(asked)["No provision was made for"] == "2026-03"  # while it can still be made
    assert "Interest on loans" not in notes_of(asked)
    small.do("take-back", by=small.tom, request=asked.request)
    assert notes_of(close(small, "2026-03"))["No provision was made for"] == "2026-03"
    small.go_to("2026-05-04")
    small.agreed("provide", by=small.tom, approver=small.sue, month="2026-04")
    assert "No provision was made for" not in notes_of(close(small, "2026-04"))


def test_a_month_without_loans_closes_too(lite: SmallBank) -> None:
    lite.go_to("2026-03-31", open_drawer=False)
    lite.close_day()  # its last day is over, and no other is open
    with pytest.raises(Refused):  # the lender's interest is to be posted, and that takes an open day
        close(lite, "2026-03")
    lite.open_day("2026-04-01", open_drawer=False)
    close(lite, "2026-03")
    assert state(lite, "2026-03") == "locked"


def test_many_loans_take_no_more_questions_than_few(lite: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {2: 0, 12: 0}
    mia = lite.admit("Mia Lee")
    made = 0
    for count in asked:
        while made < count:
            lent(lite, mia, principal="100.00")
            made += 1
        with lite.bank.database.read() as tx:
            desk = lite.bank._desk(tx, lite.tom, "sue")
            monkeypatch.setattr(tx, "_cursor", Counting(tx._cursor))
            recognised = recognise_loans(desk, last_day("2026-03"))
            assert recognised.count == count
            assert len([row for row in desk.rows if getattr(row, "kind", "") == records.Loan.kind]) == count
            asked[count] = tx._cursor.count
    assert asked[2] == asked[12]


class Counting:
    """A cursor that counts the questions it is asked."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor
        self.count = 0

    def execute(self, *values: Any) -> Any:
        self.count += 1
        return self.cursor.execute(*values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)


def lines_of(receipt: Any) -> list[Any]:
    return [
        (entry.effective_on, line.fund, line.code, line.amount) for entry in receipt.entries for line in entry.lines
    ]


def two_loans(bank: SmallBank) -> tuple[str, str]:
    """On 3 April, with one of them paid on since the month ended."""
    first, second = (lent(bank, bank.admit(name), principal="3000.00") for name in ("Mia Lee", "Noa Banks"))
    visit(bank, "2026-04-03")
    bank.do("repay-loan", loan=first, amount="20.00", tender="transfer")
    return first, second


def test_a_close_that_reckoned_before_the_book_was_locked_posts_the_same(lite: SmallBank) -> None:
    two_loans(lite)
    seen = lite.bank.preview(lite.tom, lite.bank.build("close-month", {"month": "2026-03"}))  # reckons as it goes
    done = close(lite, "2026-03")
    assert lines_of(done) == lines_of(seen)
    assert len(done.entries) > 2


def test_what_is_told_of_a_loan_while_the_month_is_reckoned_counts(lite: SmallBank) -> None:
    _first, second = two_loans(lite)
    paid = {"loan": second, "amount": "30.00", "tender": "transfer"}
    approval = {"request": lite.ask("close-month", by=lite.tom, month="2026-03").request}
    seen = []

    def meanwhile() -> None:
        lite.do("repay-loan", **paid)
        seen.append(lite.bank.preview(lite.tom, lite.bank.build("close-month", {"month": "2026-03"})))

    done = lite.reckoned_before(lite.bank.build("approve", approval), lite.sue, meanwhile)
    assert lines_of(done.then[0]) == lines_of(seen[0])


def test_no_month_is_passed_over_whose_interest_would_leave_a_locked_one(small: SmallBank) -> None:
    """April without a single entry has its interest all the same; closed after May it would take it from there."""
    small.do("receive-gift", by=small.tom, fund="RLF", amount="5000.00", donor="A friend", tender="transfer")
    mia = small.admit("Mia Lee")
    small.agreed("grant-loan", member=mia, principal="1200.00", annual_rate="12", installments=12)
    small.do("disburse-loan", by=small.tom, loan="L-001", tender="transfer")
    for day in ("2026-03-31", "2026-05-29", "2026-06-01"):
        small.go_to(day)
    small.agreed("close-month", by=small.tom, approver=small.sue, month="2026-03")
    with pytest.raises(WrongState, match="2026-04 is not closed yet"):
        small.ask("close-month", by=small.tom, month="2026-05")
    for month, last in (("2026-04", "2026-04-30"), ("2026-05", "2026-05-31")):
        closed = small.agreed("close-month", by=small.tom, approver=small.sue, month=month)
        assert {entry.effective_on for entry in closed.entries} == {last}


def test_a_month_that_an_older_program_passed_over_is_locked_and_no_more(
    small: SmallBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.do("receive-gift", by=small.tom, fund="RLF", amount="5000.00", donor="A friend", tender="transfer")
    mia = small.admit("Mia Lee")
    small.agreed("grant-loan", member=mia, principal="1200.00", annual_rate="12", installments=12)
    small.do("disburse-loan", by=small.tom, loan="L-001", tender="transfer")
    for day in ("2026-03-31", "2026-05-29", "2026-06-01"):
        small.go_to(day)
    close(small, "2026-03")
    with monkeypatch.context() as patch:
        patch.setattr("coopbank.bank.operations.closing.open_months_before", lambda _desk, _month: [])
        close(small, "2026-05")
    with small.read() as books:
        may = trial_balance(books, date(2026, 5, 31)).rows
    for _again in range(2):
        assert close(small, "2026-04").entries == ()
        with small.read() as books:
            assert trial_balance(books, date(2026, 5, 31)).rows == may
        reopen(small, "2026-04")


def test_nothing_is_dated_into_a_month_that_was_passed_over(tmp_path: Path) -> None:
    """Where nobody owed anything April needed no close; but what May's close was signed for stays what it is."""
    late = {"memo": "late", "effective_on": "2026-04-10", "lines": ["GEN 290 Dr 5.00", "GEN 865 Cr 5.00"]}
    with new_bank(str(tmp_path / "book.db")) as bank:
        bank.do("receive-gift", by=bank.tom, amount="500.00", donor="A friend", tender="transfer")
        for day in ("2026-03-31", "2026-05-04", "2026-06-01"):
            bank.go_to(day)
            bank.do("receive-gift", by=bank.tom, amount="5.00", donor="A friend", tender="transfer")
        close(bank, "2026-03"), close(bank, "2026-05")
        with pytest.raises(PeriodLocked, match="2026-04 was passed over: 2026-05") as refusal:
            bank.ask("journal-entry", by=bank.tom, **late)
        assert refusal.value.field == "effective_on"
        close(bank, "2026-04")
        bank.agreed("reopen-month", by=bank.tom, approver=bank.sue, month="2026-04", why="a bill came late")
        bank.agreed("journal-entry", by=bank.tom, approver=bank.sue, **late)
        assert_books(bank)


def test_a_note_of_old_that_counts_from_a_month_that_was_passed_over_bears_it_in_the_next(tmp_path: Path) -> None:
    """Taken over in April with its interest from January: of January's close nothing is asked any more."""
    old: dict[str, Any] = {
        "note": "N-001", "principal": "500.00", "annual_rate": "3.5", "issued_on": "2025-03-01",
        "due_on": "2028-03-01", "interest_from": "2026-01-01",
    }  # fmt: skip
    with new_bank(str(tmp_path / "book.db")) as bank:
        bank.do("receive-gift", by=bank.tom, amount="500.00", donor="A friend", tender="transfer")
        bank.go_to("2026-04-01")
        close(bank, "2026-03")
        lines = ["GEN 990 Dr 500.00", "GEN 811/N-001 Cr 500.00"]
        opened: dict[str, Any] = {"memo": "old books", "lines": lines, "note": old, "lender": "Friends of the Land"}
        bank.agreed("opening-balance", by=bank.tom, approver=bank.sue, **opened)
        assert close(bank, "2026-01").entries == ()
        bank.go_to("2026-05-04")
        (interest,) = close(bank, "2026-04").entries
        assert interest.effective_on == "2026-04-30"
        assert bank.balance("851/N-001") == -575  # 500.00 at 3.5 % of 120 days from 1 January to 30 April
        assert_books(bank)


# ------------------------------------------------------------------------------- a day far from the last


def test_a_wrong_year_is_not_opened_by_one_person(counter: SmallBank) -> None:
    """A clock that is a year ahead, and a teller who says the date that it shows."""
    counter.close_day()
    counter.clock.instant += timedelta(days=366)
    refused(counter, DayClosed, "open-day", field="date", says="the last business day was 2026-03-03")
    asked = counter.ask("open-day", date="2027-03-04")
    assert asked.status == "pending" and "300 days" in asked.reason
    counter.do("refuse", by=counter.tom, request=asked.request, why="the clock is wrong")
    counter.clock.instant -= timedelta(days=365)
    counter.do("open-day", date="2026-03-04")


def test_a_bank_that_was_closed_for_a_year_opens_with_two(counter: SmallBank) -> None:
    counter.close_day()
    counter.clock.instant += timedelta(days=366)
    counter.agreed("open-day", counter.ana, counter.tom, date="2027-03-04")
    with counter.read() as books:
        assert books.business_date() == date(2027, 3, 4)
