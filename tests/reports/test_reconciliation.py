"""Both sides of a bank account on a day: what is open, how old it is, and what is suggested."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from coopbank.errors import InvalidDate, Unknown
from coopbank.reports.reconciliation import OpenLine, ReconciliationReport, reconciliation
from tests.support_bank import SmallBank, assert_books, new_bank


@pytest.fixture
def bank(engine_url: str) -> Iterator[SmallBank]:
    """Gifts of 400.00 and 250.00 on 2 March by transfer, and 60.00 paid with cheque 501; then it is 9 March."""
    with new_bank(engine_url) as bank:
        for amount in ("400.00", "250.00"):
            bank.do("receive-gift", by=bank.tom, amount=amount, donor="Many", tender="transfer")
        bank.do("enter-bill", supplier="POWER", number="77", amount="60.00", expense="290")
        bank.do("pay-bill", by=bank.tom, bill="B-00001", tender="transfer", cheque_number="0501")
        bank.go_to("2026-03-20")
        yield bank
        assert_books(bank)


def record(bank: SmallBank, *lines: str, start: str = "2026-03-01", end: str = "2026-03-18", opening: str = "0.00",
           closing: str) -> None:  # fmt: skip
    bank.do("record-bank-lines", by=bank.tom, start=start, end=end, opening=opening, closing=closing, lines=list(lines))


def report(bank: SmallBank, on: str | None = None) -> ReconciliationReport:
    with bank.read() as books:
        return reconciliation(books, None, None if on is None else date.fromisoformat(on))


def lines(bank: SmallBank, on: str | None = None) -> dict[str, OpenLine]:
    return {line.ref: line for line in report(bank, on).lines}


def entries(bank: SmallBank) -> list[str]:
    with bank.read() as books:
        rows = books.tx.rows(
            "SELECT p.entry_id, p.line FROM posting p JOIN account a ON a.id = p.account_id WHERE a.gl_code = '731'"
            " ORDER BY p.entry_id, p.line"
        )
    return [f"{entry}.{line}" for entry, line in rows]


def test_by_amount_date_and_reference(bank: SmallBank) -> None:
    first, second, cheque = entries(bank)
    record(
        bank, "2026-03-04 250.00 TRANSFER", "2026-03-08 400.00 TRANSFER", "2026-03-18 -60.00 CHECK 501",
        "2026-03-18 -7.00 FEE", closing="583.00",
    )  # fmt: skip
    found = lines(bank)
    assert [found[f"BS-00001.{n}"].suggestions[:1] and found[f"BS-00001.{n}"].suggestions[0].by for n in (1, 3)] == [
        ("amount", "date"), ("amount", "reference"),
    ]  # fmt: skip
    assert found["BS-00001.1"].suggestions[0].entries == (second,)
    assert found["BS-00001.1"].suggestions[0].days == 2
    assert found["BS-00001.2"].suggestions == ()  # six days are too far, and nothing else says it
    assert found["BS-00001.3"].suggestions[0].entries == (cheque,)
    assert found["BS-00001.4"].suggestions == ()
    assert [line.days for line in found.values()] == [14, 10, 0, 0]
    assert first in {each.ref for each in report(bank).transit}


def test_a_day_s_deposit_is_one_line(bank: SmallBank) -> None:
    first, second, _cheque = entries(bank)
    record(bank, "2026-03-03 650.00 DEPOSIT", closing="650.00")
    assert lines(bank)["BS-00001.1"].suggestions[0].entries == (first, second)


def test_no_posting_is_the_best_of_two_lines(bank: SmallBank) -> None:
    first, _second, _cheque = entries(bank)
    record(bank, "2026-03-02 400.00 ONE", "2026-03-03 400.00 TWO", closing="800.00")
    found = lines(bank)
    assert found["BS-00001.1"].suggestions[0].entries == (first,)
    assert found["BS-00001.2"].suggestions[0].entries == (first,)  # as what it may be if the other one is not
    again = bank.do("receive-gift", by=bank.tom, amount="400.00", donor="Many", tender="transfer")
    bank.do("reverse", by=bank.tom, operation=again.number, reason="typed twice")
    assert len(lines(bank)["BS-00001.1"].suggestions) == 1  # what was reversed is no suggestion


def test_the_balance_brought_forward_is_what_was_before(bank: SmallBank) -> None:
    record(bank, start="2026-03-10", opening="590.00", closing="590.00")
    line = lines(bank)["BS-00001.0"]
    assert (line.amount, line.suggestions[0].entries) == (59_000, tuple(entries(bank)))


def test_a_balance_of_the_evening_before_leaves_out_what_the_first_day_brought(bank: SmallBank) -> None:
    first, second, cheque = entries(bank)
    bank.do("receive-gift", by=bank.tom, amount="80.00", donor="Many", tender="transfer")
    on = str(bank.clock.now().date())
    record(bank, start=on, end=on, opening="590.00", closing="590.00")
    assert lines(bank)["BS-00001.0"].suggestions[0].entries == (first, second, cheque)


def test_what_is_matched_later_says_so_on_an_earlier_day(bank: SmallBank) -> None:
    first, second, cheque = entries(bank)
    record(bank, "2026-03-04 250.00 TRANSFER", "2026-03-05 400.00 TRANSFER", "2026-03-18 -60.00 CHECK 501",
           closing="590.00")  # fmt: skip
    for number, entry in enumerate((second, first, cheque), start=1):
        bank.do("match-bank-line", by=bank.tom, lines=[f"BS-00001.{number}"], entries=[entry])
    now, then = report(bank), report(bank, "2026-03-04")
    assert (now.as_of, now.difference, now.lines, now.transit, now.payments) == (date(2026, 3, 18), 0, (), (), ())
    assert (then.by_bank, then.in_transit, then.outstanding, then.by_books, then.difference) == (
        25_000, 40_000, 6_000, 59_000, 0,
    )  # fmt: skip
    assert [(each.ref, each.match, each.days) for each in then.payments] == [(cheque, "BM-00003", 2)]
    assert then.statement == "BS-00001"


def test_whether_what_was_signed_still_stands(bank: SmallBank) -> None:
    record(bank, "2026-03-04 250.00 TRANSFER", closing="250.00")
    assert report(bank).signed is None
    bank.do("sign-reconciliation", by=bank.tom, on="2026-03-18", balance="250.00")
    signed = report(bank).signed
    assert signed is not None and (signed.state, signed.prepared_by, signed.agrees) == ("signed", "tom", True)
    bank.do("review-reconciliation", by=bank.sue, on="2026-03-18")
    bank.agreed(
        "journal-entry", by=bank.tom, approver=bank.sue, memo="late", effective_on="2026-03-17",
        lines=["GEN 260 Dr 7.00", "GEN 731/FIRST Cr 7.00"],
    )  # fmt: skip
    signed = report(bank).signed
    assert signed is not None and (signed.reviewed_by, signed.agrees) == ("sue", False)


def test_days_of_which_the_bank_does_not_tell(bank: SmallBank) -> None:
    with pytest.raises(Unknown):
        report(bank)
    record(bank, start="2026-03-10", end="2026-03-11", opening="0.00", closing="0.00")
    for day in ("2026-03-09", "2026-03-12"):
        with pytest.raises(InvalidDate):
            report(bank, day)
