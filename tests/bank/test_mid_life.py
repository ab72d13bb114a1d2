"""Loans taken over in mid-life: what does not fit is refused; what fits goes on as if it had always been here."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.lending.accounts import account
from coopbank.bank.lending.contract import drawn, first_plan
from coopbank.bank.lending.delinquency import classify
from coopbank.bank.lending.history import OldHistory
from coopbank.bank.lending.position import loan_position
from coopbank.bank.lending.scheduled import ScheduledRun
from coopbank.bank.operation import Receipt
from coopbank.errors import CoopbankError, InvalidAmount, InvalidDate, InvalidValue
from coopbank.money import format_amount
from coopbank.reports import member
from tests.bank.support_counter import refused
from tests.support_bank import SmallBank, assert_books, new_bank

TERMS: dict[str, Any] = {"annual_rate": "7.5", "installments": 12, "every": {"months": 1}}
#: 1,200.00 at 7.5 % over a year since 15 October, three instalments paid on their days, the fourth on 27 February.
LENT = date(2025, 10, 15)
PLAN = first_plan(TERMS | {"day_count": "actual/365", "method": "level"}, LENT, 1200_00)
ROWS = drawn(PLAN, "USD").rows
OWED = ROWS[3].balance
OLD: dict[str, Any] = {
    "loan": "L-007", "member": "M0001", "principal": "1200.00", **TERMS, "disbursed_on": "2025-10-15",
    "paid_principal": format_amount(1200_00 - OWED), "paid_interest": format_amount(sum(r.interest for r in ROWS[:4])),
    "interest_from": "2026-02-15", "next_due": "2026-03-15", "days_late": 0,
    "payment": format_amount(ROWS[0].payment),
}  # fmt: skip
ACCRUED = round(OWED * 7.5 / 100 * 15 / 365)  # to 2 March


def begun(bank: SmallBank) -> None:
    bank.admit("Mia Lee")


def lines(owed: int = OWED, interest: int = ACCRUED, memo: int = 0) -> list[str]:
    found = [f"RLF 701/L-007 Dr {format_amount(owed)}", f"RLF 990 Cr {format_amount(owed + interest)}"]
    found += [f"RLF 781/L-007 Dr {format_amount(interest)}"] if interest else []
    return found + ([f"RLF M10/L-007 Dr {format_amount(memo)}", f"RLF M19 Cr {format_amount(memo)}"] if memo else [])


def taken_over(small: SmallBank, old: dict[str, Any] = OLD, **owed: int) -> Receipt:
    return small.agreed("opening-balance", small.tom, small.sue, lines=lines(**owed), loans=[old])


def no(
    small: SmallBank, error: type[CoopbankError], field: str, says: str = "", /, owed: Any = None, **change: Any
) -> None:
    refused(
        small, error, "opening-balance", small.tom, field=f"loans.0.{field}" if field else "loans.0", says=says,
        lines=lines(**(owed or {})), loans=[{name: v for name, v in {**OLD, **change}.items() if v is not None}],
    )  # fmt: skip


def test_what_does_not_fit_is_refused(small: SmallBank) -> None:
    no(small, InvalidAmount, "paid_principal", "811.05", paid_principal="388.95")
    no(small, InvalidAmount, "accrued_interest", "4.83", interest_from="2026-02-01")
    no(small, InvalidAmount, "accrued_interest", owed={"interest": ACCRUED + 2})
    no(small, InvalidAmount, "accrued_interest", annual_rate="0.075")
    no(small, InvalidAmount, "paid_interest", interest_from=None, annual_rate="75")
    no(small, InvalidAmount, "paid_interest", interest_from=None, paid_interest="3.00")
    no(small, InvalidDate, "next_due", "2026-03-15, 2026-04-15", next_due="2026-03-31", days_late=None)
    no(small, InvalidDate, "next_due", next_due="2031-01-15", days_late=None)
    no(small, InvalidAmount, "next_due", "The 5 instalments before 2026-04-15", next_due="2026-04-15")
    no(small, InvalidAmount, "next_due", "covers", next_due="2026-02-15", days_late=15)
    no(small, InvalidValue, "days_late", "0 days late, not 3", days_late=3)
    no(small, InvalidAmount, "payment", payment="100.00")
    no(small, InvalidValue, "days_late", next_due=None)
    no(small, InvalidValue, "payment", next_due=None, days_late=None)
    no(small, InvalidDate, "", interest_from="2025-10-01")
    taken_over(small)


@pytest.mark.parametrize("day_count", ["actual/365", "30/360", "equal-periods", "actual/360"])
@pytest.mark.parametrize("method", ["level", "equal-principal"])
@pytest.mark.parametrize("late", [False, True])
def test_it_goes_on_as_if_it_had_been_here(tmp_path: Any, day_count: str, method: str, late: bool) -> None:
    """One loan lives here from its first day; its twin is taken over in June; from then on they are alike."""
    terms: dict[str, Any] = {"annual_rate": "9", "installments": 8, "day_count": day_count}
    with new_bank(str(tmp_path / "here.db")) as here, new_bank(str(tmp_path / "there.db")) as there:
        for bank in (here, there):
            bank.admit("Mia Lee")
            bank.do("receive-gift", by=bank.tom, fund="RLF", amount="60000.00", donor="A friend", tender="transfer")
        product = {"level": "TERM", "equal-principal": "EQUAL"}[method]
        loan = here.agreed("grant-loan", member="M0001", principal="4000.00", product=product, **terms).created[0]
        here.do("disburse-loan", by=here.tom, loan=loan, tender="transfer")
        paid_on = (
            [date(2026, 4, 2), date(2026, 5, 2)] if late else [date(2026, 4, 2), date(2026, 5, 4), date(2026, 6, 2)]
        )
        for day in paid_on:
            here.go_to(day, open_drawer=False)
            with here.read() as books:
                due = loan_position(books, loan, day).standing.due.total
            here.do("repay-loan", loan=loan, amount=here.text(due), tender="transfer")
        for bank in (here, there):
            bank.go_to("2026-06-10", open_drawer=False)
            for month in ("2026-03", "2026-04", "2026-05"):
                bank.agreed("close-month", by=bank.tom, approver=bank.sue, month=month)
        old, owed = as_old(here, loan, date(2026, 6, 10))
        old |= {"method": method, **terms}
        there.agreed("opening-balance", by=there.tom, approver=there.sue, loans=[old], lines=owed)
        for later in ("2026-06-10", "2026-06-25", "2026-07-02", "2026-08-20"):
            assert at(here, loan, later) == at(there, loan, later)
        for on, amount in (("2026-06-24", "300.00"), ("2026-08-05", "1100.00"), ("2026-11-09", "")):
            for bank in (here, there):
                bank.go_to(on, open_drawer=False)
                with bank.read() as books:
                    whole = bank.text(loan_position(books, loan, date.fromisoformat(on)).payoff)
                bank.do("repay-loan", loan=loan, amount=amount or whole, tender="transfer")
            for later in (on, "2026-12-01"):
                assert at(here, loan, later) == at(there, loan, later)
        with there.read() as books:
            assert books.get(records.Loan, loan).state == "paid"
            (paper,) = member(books, "M0001", date(2026, 6, 1), date(2026, 11, 9)).loans
            assert paper.closing == 0
        for bank in (here, there):
            assert_books(bank)


def as_old(bank: SmallBank, loan: str, day: date) -> tuple[dict[str, Any], list[str]]:
    """A loan as a spreadsheet would tell it."""
    with bank.read() as books:
        held = account(books, loan)
        s, late = held.standing(day), classify(account(books, loan), day)
        run = held.run()
        assert isinstance(run, ScheduledRun)
        due = next(row.due for row in loan_position(books, loan, day).rows if row.due >= (late.since or day))
        text = bank.text
        body = held.body
    old = {
        "loan": loan, "member": "M0001", "principal": text(body.principal), "disbursed_on": str(body.disbursed_on),
        "paid_principal": text(s.principal_paid), "paid_interest": text(s.interest_paid),
        "interest_from": str(run.state.last_paid), "next_due": due.isoformat(), "days_late": late.days,
    }  # fmt: skip
    return old, [
        f"RLF 701/{loan} Dr {text(s.principal)}", f"RLF 781/{loan} Dr {text(s.interest)}",
        f"RLF 990 Cr {text(s.principal + s.interest)}",
    ]  # fmt: skip


def at(bank: SmallBank, loan: str, day: str) -> tuple[Any, ...]:
    """All that a borrower is told of a day."""
    with bank.read() as books:
        position = loan_position(books, loan, date.fromisoformat(day))
        late = classify(account(books, loan), date.fromisoformat(day))
        s = position.standing
        return (
            s.principal,
            s.interest,
            s.due,
            s.principal_paid,
            s.interest_paid,
            position.payoff,
            late.days,
            late.since,
        )


def test_another_programs_cents_make_nobody_late(small: SmallBank) -> None:
    """It rounded instalments down by a cent; the fourth is paid all the same."""
    cents = {"paid_interest": format_amount(sum(r.interest for r in ROWS[:4]) - 4)}
    taken_over(small, OLD | cents)
    with small.read() as books:
        assert classify(account(books, "L-007"), date(2026, 3, 15)).due == ROWS[4].payment
        assert classify(account(books, "L-007"), date(2026, 3, 14)).due == 0


def test_money_that_shortened_the_loan(small: SmallBank) -> None:
    """200.00 more was repaid early: the next instalment is still the fifth, and the loan ends sooner."""
    owed = OWED - 200_00
    early = {
        "paid_principal": format_amount(1200_00 - owed), "interest_from": None, "next_due": "2026-03-15"
    }  # fmt: skip
    refused(small, InvalidAmount, "opening-balance", small.tom, field="loans.0.next_due", says="shorten",
            lines=lines(owed=owed), loans=[OLD | early])  # fmt: skip
    taken_over(small, OLD | early | {"early": "shorten"}, owed=owed)
    with small.read() as books:
        assert classify(account(books, "L-007"), date(2026, 3, 16)).days == 1
        assert classify(account(books, "L-007"), date(2026, 3, 16)).due == ROWS[4].payment


def test_a_late_loan_without_accrual(small: SmallBank) -> None:
    """Paid to 15 January; what ran since is not recognised, and a payment goes to principal alone."""
    owed = ROWS[2].balance
    ran = round(owed * 7.5 / 100 * 46 / 365)
    late = OLD | {
        "paid_principal": format_amount(1200_00 - owed), "days_late": 15, "next_due": "2026-02-15",
        "paid_interest": format_amount(sum(r.interest for r in ROWS[:3])), "interest_from": "2026-01-15",
    }  # fmt: skip
    taken_over(small, late, owed=owed, interest=0, memo=ran)
    with small.read() as books:
        found = classify(account(books, "L-007"), date(2026, 3, 2))
        assert (found.days, found.since, found.non_accrual) == (15, date(2026, 2, 15), True)
    small.do("repay-loan", loan="L-007", amount="50.00")
    assert small.balance("701/L-007", "RLF") == owed - 50_00


def test_the_opening_is_dated_on_the_cut_over_day(small: SmallBank) -> None:
    """Asked for on one day and approved on another, it stands under the day of the old records."""
    request = small.ask(
        "opening-balance", small.tom, lines=lines(), loans=[OLD], effective_on="2026-03-02"
    ).request  # fmt: skip
    small.go_to("2026-03-09")
    done = small.do("approve", by=small.sue, request=request).then[0]
    assert [entry.effective_on for entry in done.entries] == ["2026-03-02"]
    assert (done.actor, done.approver, done.business_date) == ("tom", "sue", "2026-03-09")
    with small.read() as books:
        body = books.get(records.Loan, "L-007")
        assert body.accrued_to == "2026-03-02"
        assert loan_position(books, "L-007", date(2026, 3, 9)).standing.interest == round(OWED * 7.5 * 22 / 36500)
    small.do("repay-loan", loan="L-007", amount="50.00")
    for day in ("2026-03-10", "2026-02-28", "2026-03-01"):
        refused(small, InvalidDate, "opening-balance", small.tom, field="effective_on",
                lines=["GEN 940 Cr 1.00", "GEN 990 Dr 1.00"], effective_on=day)  # fmt: skip
    small.go_to("2026-04-01")
    refused(small, InvalidDate, "opening-balance", small.tom, field="effective_on",
            lines=["GEN 940 Cr 1.00", "GEN 990 Dr 1.00"], effective_on="2026-03-09")  # fmt: skip
    small.agreed("close-month", by=small.tom, approver=small.sue, month="2026-03")


def test_a_history_says_all_that_is_wrong_with_it() -> None:
    history = OldHistory(
        plan=PLAN, currency="USD", day=date(2026, 3, 2), owed=OWED, interest=99_00, next_due=date(2026, 4, 15),
        paid_interest=500_00, paid_to=date(2026, 2, 15), days_late=4, payment=1,
    )  # fmt: skip
    fields = [fault.field for fault in history.faults()]
    assert fields == ["accrued_interest", "paid_interest", "next_due", "payment", "days_late"]
    assert all(str(fault) for fault in history.faults())
