"""Cash to come: what each thing adds to it, and that it comes out so when everybody does as agreed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from coopbank.errors import InvalidValue, Unknown
from coopbank.reports.forecast import Forecast, forecast
from tests.bank.support_lending import standing, visit
from tests.support_bank import SmallBank, new_bank


@pytest.fixture
def bank(engine_url: str) -> Iterator[SmallBank]:
    """RLF has 10,000.00, of which a note of 4,000.00 at 2 % is due on 2 June; three members."""
    with new_bank(engine_url) as small:
        small.do("receive-gift", by=small.tom, amount="6000.00", donor="A", fund="RLF", tender="transfer")
        note = {"lender": "Bo", "annual_rate": "2", "due_on": "2026-06-02", "fund": "RLF"}
        small.agreed("issue-note", by=small.tom, approver=small.sue, amount="4000.00", **note)
        for name in ("Mia Lee", "Noa Banks", "Oto Cole"):
            small.admit(name)
        yield small


def lend(bank: SmallBank, member: str, principal: str, *, paid_out: bool = True, **values: Any) -> str:
    terms: dict[str, Any] = {"annual_rate": "0", "installments": "10", **values}
    loan = bank.agreed("grant-loan", member=member, principal=principal, **terms).created[0]
    if paid_out:
        bank.do("disburse-loan", by=bank.tom, loan=loan)
    return loan


def ahead(bank: SmallBank, fund: str = "RLF", day: str | None = None, **values: Any) -> Forecast:
    with bank.read() as books:
        found = forecast(books, fund, None if day is None else date.fromisoformat(day), **values)
    for line in ("cautious", "hopeful"):  # each month's end is the one before and what moved
        at = found.cash
        for month in found.months:
            at += sum(getattr(month, line).values())
            assert getattr(month, f"{line}_end") == at
            assert getattr(month, f"{line}_lowest") <= at
    return found


def test_months_of_agreed_payments_and_a_note(bank: SmallBank) -> None:
    lend(bank, "M0001", "1000.00")
    found = ahead(bank, months=12)
    assert (found.cash, found.own_cash, len(found.months)) == (9_000_00, 0, 12)
    assert (found.months[0].first, found.months[-1].last) == (date(2026, 3, 3), date(2027, 2, 28))
    assert [month.cautious for month in found.months[:4]] == [
        {}, {"schedule": 100_00}, {"schedule": 100_00}, {"notes": -4_020_16, "schedule": 100_00},
    ]  # fmt: skip
    assert found.months[-1].cautious_end == 9_000_00 + 1_000_00 - 4_020_16
    assert found.lendable == (5_279_84, 5_279_84)  # at the end of 2 June


def test_when_an_amount_can_be_lent(bank: SmallBank) -> None:
    lend(bank, "M0001", "1000.00")

    def when(amount: int) -> date | None:
        found = ahead(bank, lend=amount).lend
        assert found is not None
        assert found.cautious == found.hopeful
        return found.cautious

    assert when(5_279_84) == date(2026, 3, 2)  # the lowest there will be
    assert when(5_279_85) == date(2026, 7, 2)
    assert when(5_979_84) == date(2027, 1, 2)
    assert when(5_979_85) is None
    assert when(9_000_00) is None  # it is there today, and owed to a lender in June


def test_what_is_promised_late_and_due_by_reports(bank: SmallBank) -> None:
    lend(bank, "M0001", "1000.00")
    lend(bank, "M0002", "500.00", paid_out=False)
    line = lend(bank, "M0002", "600.00", paid_out=False, product="LINE", installments="6")
    surplus = lend(bank, "M0003", "2000.00", product="SURPLUS", annual_rate="8", share_percent="50",
                   cost_cap_percent="50", outer_date="2030-03-02", installments=None)  # fmt: skip
    found = ahead(bank)
    assert found.months[0].cautious == {"promised": -1_100_00}
    assert found.months[0].hopeful == {"promised": -500_00}
    assert all(surplus != each.about for each in found.expected), "nothing is due before a surplus"
    at_its_end = [(each.amount, each.line) for each in found.expected if each.about == line and each.kind == "schedule"]
    assert at_its_end == [(600_00, "cautious")]
    visit(bank, "2026-05-04")
    late = ahead(bank)
    assert [(e.on, e.amount, e.line) for e in late.expected if e.kind == "late"] == [
        (date(2026, 6, 4), 200_00, "hopeful")
    ]
    visit(bank, "2026-08-03")  # more than ninety days: the cautious line has nothing of it
    doubtful = [each for each in ahead(bank).expected if each.about == "L-001"]
    assert {each.line for each in doubtful} == {"hopeful"}
    assert sum(each.amount for each in doubtful) == 1_000_00


def test_the_last_surplus_is_hoped_for_again(bank: SmallBank) -> None:
    loan = lend(bank, "M0003", "2000.00", product="SURPLUS", annual_rate="8", share_percent="50",
                cost_cap_percent="50", outer_date="2031-03-02", installments=None)  # fmt: skip
    visit(bank, "2027-03-03")
    bank.do("file-report", by=bank.ana, loan=loan, surplus="800.00")
    bank.do("accept-report", by=bank.tom, loan=loan, period=1)
    found = [each for each in ahead(bank, months=60).expected if each.about == loan]
    due = standing(bank, loan, "2027-03-03").periods[0]
    assert (found[0].on, found[0].amount, found[0].line) == (due.due_on, 400_00, "both")
    assert [(each.amount, each.line) for each in found[1:]] == [(400_00, "hopeful")] * 4
    assert [each.on.year for each in found] == [2027, 2028, 2029, 2030, 2031]


def test_bills_and_the_budget(bank: SmallBank) -> None:
    bank.do("receive-gift", by=bank.tom, amount="5000.00", donor="A", tender="transfer")
    bank.do("enter-bill", supplier="HALL", number="1", amount="180.00", expense="250")
    budget = {"year": 2026, "lines": ["290 1200.00", "181 2400.00", "301 99.00", "119 12.00"], "resolution": "Board"}
    bank.agreed("set-budget", by=bank.tom, approver=bank.sue, **budget)
    found = ahead(bank, "GEN", months=12)
    assert found.months[0].cautious == {"bills": -180_00, "budget": -100_00}
    assert found.months[1].cautious == {"budget": -100_00}
    assert found.months[1].hopeful == {"budget": 100_00}
    assert found.notes == ("2027 has no budget: that of 2026 is taken again.",)
    assert found.months[11].cautious == {"budget": -100_00}


def test_a_fund_has_its_own_part_and_a_peer_has_its_own(bank: SmallBank) -> None:
    bank.do("receive-gift", by=bank.tom, amount="5000.00", donor="A", tender="transfer")
    lend(bank, "M0001", "1000.00", other_funds="GEN 40")
    assert ahead(bank, "GEN").months[1].cautious == {"schedule": 40_00}
    assert ahead(bank, "RLF").months[1].cautious == {"schedule": 60_00}
    loan = lend(bank, "M0002", "1000.00", paid_out=False)
    before = ahead(bank).months[-1].cautious_end
    bank.agreed("sell-participation", loan=loan, peer="PF-1", share_percent="50", agreement="P-1")
    assert ahead(bank).months[-1].cautious_end == before  # half is paid out, half comes back; the peer's passes through
    bank.do("disburse-loan", by=bank.tom, loan=loan)
    assert ahead(bank).months[-1].cautious_end == before


def test_it_comes_out_so_when_all_do_as_agreed(bank: SmallBank) -> None:
    """Three months are lived as agreed: at each month's end the fund has what was foreseen, to the cent."""
    bank.do("receive-gift", by=bank.tom, amount="1000.00", donor="A", tender="transfer")
    loans = [lend(bank, "M0001", "3000.00", annual_rate="7.25"),
             lend(bank, "M0002", "1999.99", annual_rate="5", installments="7", other_funds="GEN 33.33")]  # fmt: skip
    foreseen = {month.last: month.cautious_end for month in ahead(bank).months[:4]}
    for day in ("2026-04-02", "2026-05-02", "2026-06-02"):
        visit(bank, day)
        for loan in loans:
            due = standing(bank, loan, day).due_now
            bank.do("repay-loan", by=bank.tom, loan=loan, amount=bank.text(due), tender="transfer")
        if day == "2026-06-02":
            bank.agreed("repay-note", by=bank.tom, approver=bank.sue, note="N-001", tender="transfer")
        last = next(last for last in foreseen if last.isoformat()[:7] == day[:7])
        assert bank.balance("729", "RLF") == foreseen[last]


def test_a_past_day_foresees_what_it_foresaw(bank: SmallBank) -> None:
    loan = lend(bank, "M0001", "1000.00")
    bank.close_day()
    then = ahead(bank, day="2026-03-02", lend=100_00)
    bank.open_day("2026-04-02", open_drawer=False)
    bank.do("repay-loan", by=bank.tom, loan=loan, amount="300.00", tender="transfer")
    bank.agreed("repay-note", by=bank.tom, approver=bank.sue, note="N-001", tender="transfer")
    now = ahead(bank, day="2026-03-02", lend=100_00)
    assert (now.months, now.expected, now.lend) == (then.months, then.expected, then.lend)


def test_a_past_day_foresees_no_budget_that_was_decided_later(bank: SmallBank) -> None:
    before = ahead(bank, "GEN", "2026-03-02")
    bank.go_to("2026-03-05")
    for lines in (["290 1200.00"], ["290 2400.00"]):
        bank.agreed("set-budget", by=bank.tom, approver=bank.sue, year=2026, lines=lines, resolution="Board", why="x")
    again = ahead(bank, "GEN", "2026-03-02")
    assert (again.months, again.notes) == (before.months, before.notes)
    assert ahead(bank, "GEN").months[0].cautious["budget"] == -200_00


def test_what_is_refused(bank: SmallBank) -> None:
    with bank.read() as books:
        with pytest.raises(Unknown):
            forecast(books, "XYZ")
        for months in (0, -1, 121):
            with pytest.raises(InvalidValue, match="from 1 to 120"):
                forecast(books, "RLF", months=months)
        for amount in (0, -5):
            with pytest.raises(InvalidValue, match="more than zero"):
                forecast(books, "RLF", lend=amount)
