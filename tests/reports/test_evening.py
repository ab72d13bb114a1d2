"""The evening: what is loose before a day is closed, and what the day came to."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from coopbank.bank.operations.cash import CloseDrawer
from coopbank.reports import as_document, day_report, loose_ends
from coopbank.reports.evening import loans_behind
from coopbank.statements import make
from tests.reports.borrowers import KINDS
from tests.support_bank import SmallBank, new_bank


def begin(small: SmallBank) -> None:
    member = small.admit("Ada Abernathy")
    small.do("buy-shares", member=member, amount="25.00")
    small.do("open-savings", member=member)
    small.do("deposit", member=member, amount="100.00")
    small.do("receive-gift", by=small.tom, donor="Friends", amount="5000.00", fund="RLF", tender="transfer")
    small.agreed(
        "grant-loan", member=member, principal="1200.00", annual_rate="3", installments=12, purpose="cooler",
        first_due="2026-04-01",
    )  # fmt: skip
    small.do("disburse-loan", by=small.tom, loan="L-001", tender="transfer")


def test_a_payment_is_missed_on_its_day_and_late_from_the_next(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        begin(small)
        for day, unpaid, late in (
            ("2026-03-31", (), ()), ("2026-04-01", ("L-001",), ()), ("2026-04-02", (), ("L-001",)),
        ):  # fmt: skip
            small.go_to(day)
            with small.read() as books:
                ends = loose_ends(books)
                assert (ends.unpaid, ends.late) == (unpaid, late)
                assert (ends.waiting, ends.unknown, ends.unapplied, ends.cheques) == (0, 0, 0, 0)
        with small.read() as books:
            (loan,) = loans_behind(books, ends.late)
            assert (loan.ref, loan.days_late) == ("L-001", 1)
            assert loans_behind(books, ends.late, most=0) == ()
        small.do("repay-loan", loan="L-001", amount="200.00")
        small.do("deposit", member="M0001", amount="30.00", tender="cheque", cheque_number="7")
        small.do("receive-unknown", by=small.tom, amount="12.50", received_on="2026-04-02")
        small.ask("redeem-shares", member="M0001", amount="25.00")
        with small.read() as books:
            ends = loose_ends(books)
        assert (ends.unpaid, ends.late, ends.waiting, ends.cheques) == ((), (), 1, 30_00)
        assert (ends.unknown, ends.unknown_amount) == (1, 12_50)
        assert as_document(ends)["unknown_amount"] == "12.50"


def test_reports_that_borrowers_owe_are_named(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        begin(small)
        small.agreed("grant-loan", member="M0001", purpose="stall", **(KINDS["surplus"] | {"principal": "2000.00"}))
        small.do("disburse-loan", by=small.tom, loan="L-002", tender="transfer")
        for day, due, overdue in (("2026-06-01", (), 0), ("2026-06-05", ("L-002",), 0), ("2026-07-10", ("L-002",), 1)):
            small.go_to(day)
            with small.read() as books:
                ends = loose_ends(books)
            assert (ends.reports_due, ends.reports_overdue, ends.reports_filed) == (due, overdue, ())
        small.do("file-report", loan="L-002", surplus="0.00")
        with small.read() as books:
            ends = loose_ends(books)
        assert (ends.reports_due, ends.reports_filed) == ((), ("L-002",))
        small.do("accept-report", by=small.tom, loan="L-002", period=1)
        with small.read() as books:
            assert loose_ends(books).reports_filed == ()


def test_a_day_adds_up_to_what_the_places_of_money_changed_by(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        begin(small)
        small.go_to("2026-03-05")
        before = money(small)
        small.do("deposit", member="M0001", amount="50.00")
        done = small.do("deposit", member="M0001", amount="5.00")
        small.do("reverse", operation=done.number, reason="keyed twice")
        small.do("withdraw", member="M0001", amount="20.00")
        with small.read() as books:
            open_ = day_report(books, date(2026, 3, 5))
        assert open_.head is None
        held = small.balance("739/D1", "POOL")
        small.do("close-drawer", drawer="D1", counted=small.text(held - 5_00), why="not known")
        small.do("close-day")
        with small.read() as books:
            report = day_report(books, date(2026, 3, 5))
            nothing = day_report(books, date(2026, 3, 4))
        after = money(small)
    shown = {line.kind: (line.count, line.came, line.went) for line in report.lines}
    assert shown == {"deposit": (2, 55_00, 0), "reverse": (1, 0, 5_00), "withdraw": (1, 0, 20_00)}
    assert CloseDrawer.name not in shown
    assert (report.came, report.went, report.short) == (55_00, 25_00, 5_00)
    assert [(each.actor, each.short) for each in report.differences] == [("ana", 5_00)]
    assert before + report.came - report.went - report.short == after
    assert report.head is not None
    assert (nothing.lines, nothing.entries, nothing.head) == ((), 0, None)


def test_what_is_dated_into_a_day_later_changes_no_report_of_it(engine_url: str, tmp_path: Path) -> None:
    """The paper of the last day of a month, signed in the evening, is not replaced by each close of a month."""
    with new_bank(engine_url) as small:
        begin(small)
        day = date(2026, 3, 31)
        small.go_to(day)
        small.do("receive-gift", by=small.tom, amount="50.00", donor="A friend", tender="transfer")
        small.go_to("2026-04-01")
        with small.read() as books:
            then = day_report(books, day)
        first = make(small.bank, "day-report", "", day, day, actor=small.tom, folder=tmp_path)
        late = ["GEN 731/FIRST Dr 5.00", "GEN 151 Cr 5.00"]
        small.agreed("journal-entry", by=small.tom, approver=small.sue, memo="x", effective_on=str(day), lines=late)
        small.agreed("close-month", by=small.tom, approver=small.sue, month="2026-03")
        with small.read() as books:
            now = day_report(books, day)
            assert books.tx.value("SELECT count(*) FROM entry WHERE effective_on = '2026-03-31'") > then.entries
        assert (now.lines, now.entries, now.came) == (then.lines, then.entries, then.came)
        assert make(small.bank, "day-report", "", day, day, actor=small.tom, folder=tmp_path).number == first.number


def money(small: SmallBank) -> int:
    with small.read() as books:
        return sum(leaf.balance for gl_code in ("731", "735", "739") for leaf in books.leaves(gl_code))
