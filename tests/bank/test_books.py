"""Opening balances, journal entries, reversals and corrections: what each posts, and what each refuses."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.lending.position import loan_position
from coopbank.bank.operation import CATALOGUE
from coopbank.bank.operations.books import OWNED, ZERO_SUMS
from coopbank.errors import (
    AlreadyExists,
    CannotReverse,
    CoopbankError,
    DayClosed,
    InvalidAmount,
    InvalidDate,
    InvalidValue,
    NotAllowed,
    NotOffered,
    Overdrawn,
    OwnAccount,
    PeriodLocked,
    Unknown,
    WrongState,
)
from coopbank.ledger.chart import chart
from tests.bank.support_counter import HOSTILE, entry, posted, refused
from tests.bank.support_lending import story
from tests.support_bank import CHARITY, SmallBank, assert_books, new_bank

CASH_IN = ["POOL 731/FIRST Dr 100.00", "POOL 879/GEN Cr 100.00", "GEN 729 Dr 100.00"]
LOAN = {
    "loan": "L-007", "member": "M0001", "principal": "1200.00", "annual_rate": "6", "installments": 12,
    "disbursed_on": "2025-09-01",
}  # fmt: skip
LOAN_LINES = ["RLF 701/L-007 Dr 900.00", "RLF 781/L-007 Dr 4.50", "RLF 990 Cr 904.50"]
NOTE = {
    "note": "N-007", "principal": "500.00", "annual_rate": "2", "issued_on": "2025-01-01", "due_on": "2028-01-01",
}  # fmt: skip
NOTE_LINES = ["RLF 811/N-007 Cr 500.00", "RLF 990 Dr 500.00"]


def opened(bank: SmallBank, *lines: str, **values: Any) -> int:
    """Take balances over; the number of the operation."""
    return bank.agreed("opening-balance", bank.tom, bank.sue, lines=list(lines), **values).number


def journal(bank: SmallBank, *lines: str, **values: Any) -> int:
    values = {"memo": "what for", **values}
    return bank.agreed("journal-entry", bank.tom, bank.sue, lines=list(lines), **values).number


def no_opening(bank: SmallBank, error: type[CoopbankError], field: str | None, *lines: Any, **values: Any) -> None:
    refused(bank, error, "opening-balance", bank.tom, field=field, lines=list(lines), **values)


def no_journal(bank: SmallBank, error: type[CoopbankError], field: str | None, *lines: Any, **values: Any) -> None:
    values = {"memo": "what for", **values}
    refused(bank, error, "journal-entry", bank.tom, field=field, lines=list(lines), **values)


def undone(bank: SmallBank, number: int) -> int:
    """Reverse by the treasurer and the supervisor."""
    return bank.agreed("reverse", bank.tom, bank.sue, operation=number, reason="wrong").number


# ------------------------------------------------------------------------------ lines of an entry


def test_lines_are_written_in_three_ways(counter: SmallBank) -> None:
    wanted = [entry("GEN 940 Dr 7.00", "GEN 931 Cr 7.00")]
    objects = [{"fund": "GEN", "account": "940", "debit": "7.00"}, {"fund": "GEN", "account": "931", "credit": "7.00"}]
    text = "GEN 940 DR 7.00\n\nGEN  931\tCr 7.00\n"
    for lines in (objects, ["GEN 940 Dr 7.00", "GEN 931 cr 7.00"], text, [text], [objects[0], "", "GEN 931 Cr 7.00"]):
        done = counter.agreed("journal-entry", counter.tom, counter.sue, memo="reserve", lines=lines)
        assert posted(done) == wanted
        counter.agreed("reverse", counter.tom, counter.sue, operation=done.number, reason="again")


@pytest.mark.parametrize(
    "line",
    [
        "GEN 940 Dr", "GEN 940 7.00", "GEN 940 Dr 7.00 x", "940 Dr 7.00", "", "GEN 940 Dr -7.00", "GEN 940 Dr 0.00",
        "GEN 940 Dr 7.005", "GEN 40 Dr 7.00", "GEN 940/ Dr 7.00", "GEN 940/a/b/c Dr 7.00", "GEN 940/<b> Dr 7.00",
        f"GEN 940/{'X' * 60} Dr 7.00", "G<N 940 Dr 7.00", 7, None, {"fund": "GEN", "account": "940"},
        {"fund": "GEN", "account": "940", "debit": "1.00", "credit": "1.00"},
        {"fund": "GEN", "account": "940", "debit": 1}, {"fund": "GEN", "account": 940, "debit": "1.00"},
        {"fund": "GEN", "account": "940", "debit": "1.00", "x": "y"},
    ],
)  # fmt: skip
def test_lines_that_cannot_be_read(counter: SmallBank, line: Any) -> None:
    for operation in ("journal-entry", "opening-balance"):
        refusal = refused(counter, InvalidValue, operation, counter.tom, memo="m", lines=[line, "GEN 931 Cr 7.00"])
        assert str(refusal.field).startswith("lines")


def test_an_entry_has_two_lines_or_more_and_balances(counter: SmallBank) -> None:
    no_journal(counter, InvalidValue, "lines", "GEN 940 Dr 7.00")
    no_journal(counter, InvalidValue, "lines")
    no_journal(counter, InvalidValue, "lines", "GEN 940 Dr 7.00", "GEN 931 Cr 7.01")
    no_journal(counter, InvalidValue, "lines", "GEN 940 Dr 7.00", "RLF 961 Cr 7.00")
    no_journal(counter, InvalidValue, "lines", "GEN 731/FIRST Dr 7.00", "GEN 731/FIRST Cr 7.00")
    no_journal(counter, InvalidValue, "lines", *["GEN 940 Dr 7.00", "GEN 931 Cr 7.00"] * 251)


# ------------------------------------------------------------------------------ opening balances


def test_members_balances_can_be_used_at_once(counter: SmallBank) -> None:
    done = counter.agreed(
        "opening-balance", counter.tom, counter.sue, memo="old bank",
        lines=["GEN 990 Dr 905.00", "GEN 905/M0003 Cr 600.00", "GEN 901/M0003 Cr 25.00", "GEN 875/M0002 Cr 5.00",
               "GEN 903/OTHERS Cr 275.00"],
    )  # fmt: skip
    assert posted(done) == [
        entry(
            "GEN 990 Dr 905.00", "GEN 905/M0003 Cr 600.00", "GEN 901/M0003 Cr 25.00", "GEN 875/M0002 Cr 5.00",
            "GEN 903/OTHERS Cr 275.00",
        )
    ]  # fmt: skip
    with counter.read() as books:
        assert books.get(records.Savings, "S-M0003").member == "M0003"
        assert {leaf.code for leaf in books.held_by("M0003")} == {"905/M0003", "901/M0003"}
        assert {leaf.code for leaf in books.held_by("M0002")} == {"905/M0002", "875/M0002"}
    counter.do("withdraw", member="M0003", amount="50.00")
    counter.do("buy-shares", member="M0002", amount="20.00")
    assert counter.balance("901/M0002") == -25_00


def test_loans_and_notes_come_with_their_terms(counter: SmallBank) -> None:
    done = opened(counter, *LOAN_LINES, loans=[{**LOAN, "interest_from": "2026-02-01", "paid_interest": "30.00"}])
    with counter.read() as books:
        loan = books.get(records.Loan, "L-007")
        now, later = (loan_position(books, "L-007", date(2026, *day)).standing for day in ((3, 3), (3, 13)))
    assert (now.principal, now.interest, now.principal_paid, now.interest_paid) == (900_00, 4_50, 300_00, 30_00)
    assert (loan.told["at"], loan.told["closed"], loan.state) == ("2026-02-01", 30_00 + 6, "active")
    assert round(900 * 0.06 * 30 / 365, 2) == 4.44, "of the 4.50, what was earned since 1 February"
    assert later.interest == 6 + round(900_00 * 0.06 * 40 / 365), "and runs on in the same segment"
    opened(counter, *NOTE_LINES, note=json.dumps(NOTE), lender="Lee Lender")
    with counter.read() as books:
        note = books.get(records.Note, "N-007")
        assert books.personal(note.lender) == "Lee Lender"
        assert books.tx.value("SELECT count(*) FROM operation WHERE sealed LIKE '%Lee Lender%'") == 0
    assert (note.owed_principal, note.segment_start) == (500_00, "2026-03-03")
    no_opening(counter, AlreadyExists, None, *LOAN_LINES, loans=[LOAN])
    undone(counter, done)
    assert counter.balance("701/L-007", "RLF") == 0
    opened(counter, *LOAN_LINES, loans=[LOAN])
    counter.do("repay-loan", loan="L-007", amount="904.50")


def test_debts_that_cannot_be_taken_over(counter: SmallBank) -> None:
    no_opening(counter, InvalidValue, "lines.0.account", *LOAN_LINES)
    no_opening(counter, InvalidValue, "lines.0.account", "RLF 701 Dr 9.00", "RLF 990 Cr 9.00")
    no_opening(counter, InvalidValue, "lines.0.account", "RLF 811/N-007 Cr 9.00", "RLF 990 Dr 9.00", loans=[LOAN])
    no_opening(counter, InvalidValue, "lines.1.account", "RLF 701/L-007 Dr 9.00", "GEN 781/L-007 Dr 1.00",
               "RLF 990 Cr 9.00", "GEN 990 Cr 1.00", loans=[LOAN])  # fmt: skip
    no_opening(counter, InvalidValue, "lines.0.account", "RLF 701/L-007 Cr 9.00", "RLF 990 Dr 9.00", loans=[LOAN])
    no_opening(counter, InvalidValue, "lines", "RLF 961 Dr 9.00", "RLF 990 Cr 9.00", loans=[LOAN])
    no_opening(counter, InvalidValue, "loans", *LOAN_LINES, loans=[LOAN, LOAN])
    for change, error in (
        ({"member": "M9999"}, Unknown), ({"principal": "899.99"}, InvalidAmount),
        ({"disbursed_on": "2026-03-04"}, InvalidDate), ({"interest_from": "2026-03-04"}, InvalidDate),
        ({"interest_from": "2025-08-31"}, InvalidDate), ({"annual_rate": "-1"}, InvalidValue),
        ({"installments": 0}, InvalidValue), ({"every": "1 century"}, InvalidValue),
        ({"first_due": "2025-08-01"}, InvalidValue), ({"disbursed_on": "2025-02-30"}, InvalidValue),
        ({"x": 1}, InvalidValue),
    ):  # fmt: skip
        no_opening(counter, error, None, *LOAN_LINES, loans=[{**LOAN, **change}])
    bad = [line.replace("L-007", "L-7") for line in LOAN_LINES]
    no_opening(counter, InvalidValue, "lines", *bad, loans=[{**LOAN, "loan": "L-7"}])
    no_opening(counter, InvalidValue, "lender", *NOTE_LINES, note=NOTE)
    no_opening(counter, InvalidValue, "lender", *NOTE_LINES, lender="x")
    no_opening(counter, InvalidDate, "note", *NOTE_LINES, note={**NOTE, "due_on": "2025-01-01"}, lender="x")
    no_opening(counter, InvalidAmount, "note", *NOTE_LINES, note={**NOTE, "principal": "499.99"}, lender="x")
    for text in ("{", "[1", "x"):
        no_opening(counter, InvalidValue, "loans", *LOAN_LINES, loans=text)
        no_opening(counter, InvalidValue, "note", *NOTE_LINES, note=text, lender="x")


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (Unknown, ["XYZ 940 Cr 1.00", "XYZ 990 Dr 1.00"]),
        (Unknown, ["GEN 999 Cr 1.00", "GEN 990 Dr 1.00"]),
        (Unknown, ["GEN 905/M9999 Cr 1.00", "GEN 990 Dr 1.00"]),
        (AlreadyExists, ["GEN 905/M0001 Cr 1.00", "GEN 990 Dr 1.00"]),
        (AlreadyExists, ["GEN 905/M0003 Cr 1.00", "GEN 905/M0003 Cr 1.00", "GEN 990 Dr 2.00"]),
        (InvalidValue, ["RLF 905/M0003 Cr 1.00", "RLF 990 Dr 1.00"]),
        (InvalidValue, ["GEN 905/M0003/X Cr 1.00", "GEN 990 Dr 1.00"]),
        (InvalidAmount, ["GEN 901/M0003 Cr 24.99", "GEN 990 Dr 24.99"]),
        (InvalidAmount, ["GEN 903/M0003 Cr 150.00", "GEN 990 Dr 150.00"]),
        (Overdrawn, ["GEN 905/M0003 Dr 1.00", "GEN 990 Cr 1.00"]),
        (InvalidValue, ["POOL 931 Cr 1.00", "POOL 990 Dr 1.00"]),
        (InvalidValue, ["GEN 739/VAULT Dr 1.00", "GEN 990 Cr 1.00"]),
        (InvalidValue, ["POOL 739/D1 Dr 1.00", "POOL 879/GEN Cr 1.00", "GEN 729 Dr 1.00", "GEN 990 Cr 1.00"]),
        (InvalidValue, ["POOL 735/D1 Dr 1.00", "POOL 879/GEN Cr 1.00", "GEN 729 Dr 1.00", "GEN 990 Cr 1.00"]),
        (InvalidValue, ["POOL 731 Dr 1.00", "POOL 879/GEN Cr 1.00", "GEN 729 Dr 1.00", "GEN 990 Cr 1.00"]),
        (Unknown, ["POOL 731/NONE Dr 1.00", "POOL 879/GEN Cr 1.00", "GEN 729 Dr 1.00", "GEN 990 Cr 1.00"]),
        (InvalidValue, ["GEN 731/FIRST Dr 1.00", "GEN 990 Cr 1.00"]),
        (Unknown, ["POOL 731/FIRST Dr 1.00", "POOL 879/XYZ Cr 1.00", "GEN 729 Dr 1.00", "GEN 990 Cr 1.00"]),
        (InvalidValue, ["POOL 731/FIRST Dr 1.00", "POOL 879/RLF Cr 1.00", "GEN 729 Dr 1.00", "GEN 990 Cr 1.00"]),
        (InvalidValue, ["GEN 729 Dr 1.00", "GEN 990 Cr 1.00"]),
        (InvalidValue, ["GEN 729/X Dr 1.00", "GEN 990 Cr 1.00"]),
        (InvalidValue, ["GEN 879/GEN Cr 1.00", "GEN 990 Dr 1.00"]),
        (InvalidValue, ["GEN 801/HALL Cr 1.00", "GEN 990 Dr 1.00"]),
        (InvalidValue, ["GEN 821 Cr 1.00", "GEN 990 Dr 1.00"]),  # no operation pays what is nobody's
        (InvalidValue, ["GEN 945 Cr 1.00", "GEN 990 Dr 1.00"]),
        (InvalidValue, ["GEN 825/M0001 Cr 1.00", "GEN 990 Dr 1.00"]),  # which shares it was is not said
        (InvalidValue, ["RLF M10/L-001 Dr 1.00", "RLF M29 Cr 1.00"]),
        (InvalidValue, ["GEN 990 Dr 1.00", "GEN 940 Cr 2.00"]),
    ],
)
def test_openings_that_are_refused(counter: SmallBank, error: type[CoopbankError], lines: list[str]) -> None:
    no_opening(counter, error, None, *lines)


def test_who_takes_balances_over(counter: SmallBank) -> None:
    lines = ["GEN 990 Dr 1.00", "GEN 940 Cr 1.00"]
    refused(counter, NotAllowed, "opening-balance", lines=lines)
    refused(counter, NotAllowed, "close-opening")
    refused(counter, NotAllowed, "opening-balance", counter.sue, lines=lines)
    assert counter.ask("opening-balance", counter.tom, lines=lines).status == "pending"


def test_the_opening_is_closed_once_990_is_zero(counter: SmallBank) -> None:
    first = opened(counter, "GEN 990 Dr 600.00", "GEN 905/M0003 Cr 600.00")
    refused(counter, WrongState, "close-opening", counter.tom, says="600.00")
    rest = opened(counter, "GEN 990 Cr 600.00", "GEN 940 Dr 600.00")
    uneven = opened(counter, "GEN 185 Cr 5.00", "GEN 940 Dr 5.00")
    refused(counter, WrongState, "close-opening", counter.tom, says="185")
    undone(counter, uneven)
    counter.agreed("close-opening", counter.tom, counter.sue)
    no_opening(counter, WrongState, "opening", "GEN 990 Dr 1.00", "GEN 940 Cr 1.00")
    refused(counter, WrongState, "close-opening", counter.tom, field="opening")
    for number in (first, rest):
        refused(counter, CannotReverse, "reverse", counter.tom, says="940", operation=number, reason="x")


def test_an_opening_is_reversed_until_its_savings_are_used(counter: SmallBank) -> None:
    number = opened(counter, "GEN 990 Dr 600.00", "GEN 905/M0003 Cr 600.00")
    used = counter.do("deposit", member="M0003", amount="1.00").number
    refused(counter, CannotReverse, "reverse", counter.tom, says=str(used), operation=number, reason="x")
    counter.do("reverse", operation=used, reason="x")
    undone(counter, number)
    refused(counter, Unknown, "deposit", member="M0003", amount="1.00")
    opened(counter, "GEN 990 Dr 500.00", "GEN 905/M0003 Cr 500.00")
    counter.do("withdraw", member="M0003", amount="500.00")


def test_undone_savings_can_be_opened_at_the_counter(counter: SmallBank) -> None:
    undone(counter, opened(counter, "GEN 990 Dr 600.00", "GEN 905/M0003 Cr 600.00"))
    assert counter.do("open-savings", member="M0003").created == ("S-M0003",)
    counter.do("deposit", member="M0003", amount="1.00")


def test_a_charity_takes_no_savings_over(tmp_path: Any) -> None:
    with new_bank(str(tmp_path / "charity.db"), institution_kind=CHARITY) as bank:
        bank.admit("Mia Lee")
        no_opening(bank, NotOffered, "lines.0.account", "GEN 905/M0001 Cr 1.00", "GEN 990 Dr 1.00")
        assert_books(bank)


# -------------------------------------------------------------------------------- journal entries


def test_a_line_on_the_bank_moves_the_fund_s_claim(counter: SmallBank) -> None:
    done = counter.agreed("journal-entry", counter.tom, counter.sue, memo="fee",
                          lines=["GEN 260 Dr 12.00", "GEN 731/FIRST Cr 12.00"])  # fmt: skip
    assert posted(done) == [
        entry("GEN 260 Dr 12.00", "POOL 731/FIRST Cr 12.00", "POOL 879/GEN Dr 12.00", "GEN 729 Cr 12.00")
    ]


def test_a_member_s_new_account_may_stand_on_several_lines(counter: SmallBank) -> None:
    done = counter.agreed("journal-entry", counter.tom, counter.sue, memo="two fees",
                          lines=["GEN 791/M0001 Dr 7.00", "GEN 791/M0001 Dr 5.00", "GEN 260 Cr 12.00"])  # fmt: skip
    assert posted(done) == [entry("GEN 791/M0001 Dr 12.00", "GEN 260 Cr 12.00")]


def test_a_transfer_between_funds_moves_claims_and_no_cash(counter: SmallBank) -> None:
    lines = ["GEN 187 Dr 50.00", "GEN 731/FIRST Cr 50.00", "RLF 731/FIRST Dr 50.00", "RLF 187 Cr 50.00"]
    done = counter.agreed("journal-entry", counter.tom, counter.sue, memo="to RLF", lines=lines)
    assert posted(done) == [
        entry(
            "GEN 187 Dr 50.00", "POOL 879/GEN Dr 50.00", "GEN 729 Cr 50.00", "POOL 879/RLF Cr 50.00",
            "RLF 729 Dr 50.00", "RLF 187 Cr 50.00",
        )
    ]  # fmt: skip


def test_a_bank_account_of_one_fund(counter: SmallBank) -> None:
    values = {"code": "RESERVE", "account_name": "Reserve", "fund": "LLR"}
    counter.agreed("add-bank-account", counter.tom, counter.sue, **values)
    done = counter.agreed("journal-entry", counter.tom, counter.sue, memo="interest",
                          lines=["LLR 731/RESERVE Dr 3.00", "LLR 127 Cr 3.00"])  # fmt: skip
    assert posted(done) == [entry("LLR 731/RESERVE Dr 3.00", "LLR 127 Cr 3.00")]
    no_journal(counter, InvalidValue, None, "GEN 731/RESERVE Dr 3.00", "GEN 127 Cr 3.00")


_PLAIN = [control.code for control in chart() if control.code not in OWNED and control.kind != "memo"]


@pytest.mark.parametrize("code", sorted(OWNED) + sorted(c.code for c in chart() if c.kind == "memo"))
def test_what_a_register_owns_is_not_named(counter: SmallBank, code: str) -> None:
    for account in (code, f"{code}/M0001"):
        no_journal(counter, InvalidValue, "lines.0.account", f"GEN {account} Dr 1.00", "GEN 940 Cr 1.00")


def test_the_owned_accounts_are_those_that_were_agreed() -> None:
    agreed = {
        "901",
        "903",
        "905",
        "875",
        "945",
        "946",
        "950",
        "701",
        "781",
        "811",
        "851",
        "871",
        "739",
        "735",
        "879",
        "729",
    }
    assert agreed <= OWNED.keys()
    assert {"250", "260", "187", "731", "940"} <= set(_PLAIN)


@pytest.mark.parametrize("account", ["771/P-001", "772/B-1", "791/DU-001", "791/L-001", "892/TRUST"])
def test_what_one_operation_owns_of_an_account_is_not_named(counter: SmallBank, account: str) -> None:
    if account == "892/TRUST":
        counter.agreed("add-institution", counter.tom, counter.admin, code="TRUST", institution_name="T", book="a" * 32)
    no_journal(counter, InvalidValue, "lines.0.account", f"GEN {account} Dr 1.00", "GEN 940 Cr 1.00")


def test_journal_entries_that_are_refused(counter: SmallBank) -> None:
    counter.do("receive-gift", by=counter.tom, fund="GRT", amount="9.00", donor="x", tender="transfer", number="G-50")
    no_journal(counter, InvalidValue, "lines.0.account", "GRT 181/G-50 Dr 9.00", "GRT 731/FIRST Cr 9.00")
    no_journal(counter, InvalidValue, "lines.0.account", "GRT 186/G-50 Dr 9.00", "GRT 731/FIRST Cr 9.00")
    no_journal(counter, InvalidValue, "lines.0.account", "GEN 932 Dr 1.00", "GEN 940 Cr 1.00")
    no_journal(counter, InvalidValue, "lines.0.fund", "POOL 731/FIRST Dr 1.00", "POOL 731/FIRST Cr 1.00")
    no_journal(counter, InvalidValue, "lines.0.account", "GEN 731 Dr 1.00", "GEN 940 Cr 1.00")
    no_journal(counter, Unknown, "lines.0.account", "GEN 731/NONE Dr 1.00", "GEN 940 Cr 1.00")
    no_journal(counter, Unknown, "lines.0.fund", "XYZ 940 Dr 1.00", "GEN 940 Cr 1.00")
    no_journal(counter, Unknown, "lines.1.account", "GEN 940 Dr 1.00", "GEN 861/M9999 Cr 1.00")
    no_journal(counter, InvalidValue, "memo", "GEN 940 Dr 1.00", "GEN 931 Cr 1.00", memo=" ")
    no_journal(counter, Overdrawn, None, "RLF 370 Dr 2000.01", "RLF 731/FIRST Cr 2000.01")
    for group in (each for each in ZERO_SUMS if each[0] not in OWNED):
        no_journal(counter, InvalidValue, "lines", f"GEN {group[0]} Dr 1.00", "GEN 940 Cr 1.00")
    refused(counter, NotAllowed, "journal-entry", memo="m", lines=["GEN 940 Dr 1.00", "GEN 931 Cr 1.00"])


def test_a_journal_entry_always_takes_two(counter: SmallBank) -> None:
    asked = counter.ask("journal-entry", counter.tom, memo="m", lines=["GEN 940 Dr 0.01", "GEN 931 Cr 0.01"])
    assert asked.status == "pending"
    number = counter.do("approve", by=counter.sue, request=asked.request).then[0].number
    assert counter.ask("reverse", counter.tom, operation=number, reason="x").status == "pending"


def test_nobody_books_on_their_own_leaf(counter: SmallBank) -> None:
    counter.agreed("link-user", by=counter.admin, user="tom", member="M0001")
    no_journal(counter, OwnAccount, None, "GEN 940 Dr 1.00", "GEN 861/M0001 Cr 1.00")
    asked = counter.ask("journal-entry", counter.tom, memo="m", lines=["GEN 940 Dr 1.00", "GEN 861/M0002 Cr 1.00"])
    counter.agreed("link-user", by=counter.admin, user="sue", member="M0002")
    refused(counter, OwnAccount, "approve", counter.sue, request=asked.request)


def test_no_journal_entry_spends_what_is_spent_by_releasing_a_gift(counter: SmallBank) -> None:
    """GRT would have spent its money, and its gift would still be there to be spent."""
    counter.do("receive-gift", by=counter.tom, fund="GRT", amount="90.00", donor="A friend", tender="transfer")
    no_journal(counter, WrongState, "lines.0.fund", "GRT 290 Dr 5.00", "GRT 731/FIRST Cr 5.00")
    no_journal(counter, WrongState, "lines.1.fund", "GRT 862 Cr 5.00", "GRT 250 Dr 5.00")
    moved = ("GRT 187 Dr 5.00", "GRT 731/FIRST Cr 5.00", "GEN 187 Cr 5.00", "GEN 731/FIRST Dr 5.00")
    no_journal(counter, WrongState, "lines.0.fund", *moved)
    journal(counter, "GRT 731/FIRST Dr 5.00", "GRT 187 Cr 5.00", "GEN 731/FIRST Cr 5.00", "GEN 187 Dr 5.00")
    journal(counter, "GRT 731/FIRST Dr 5.00", "GRT 151 Cr 5.00")


def test_an_entry_may_be_dated_back_into_an_open_month(counter: SmallBank) -> None:
    counter.go_to("2026-04-01")
    number = journal(counter, "GEN 250 Dr 5.00", "GEN 731/FIRST Cr 5.00", effective_on="2026-03-31")
    assert counter.bank.receipt(number).entries[0].effective_on == "2026-03-31"
    lines = ["GEN 250 Dr 5.00", "GEN 731/FIRST Cr 5.00"]
    no_journal(counter, InvalidDate, "effective_on", *lines, effective_on="2026-03-01")
    no_journal(counter, DayClosed, "effective_on", *lines, effective_on="2026-04-02")
    no_journal(counter, InvalidValue, "effective_on", *lines, effective_on="2026-02-30")
    counter.agreed("close-month", counter.tom, counter.sue, month="2026-03")
    no_journal(counter, PeriodLocked, "effective_on", *lines, effective_on="2026-03-31")


def test_an_entry_dated_back_does_not_overdraw_a_past_day(counter: SmallBank) -> None:
    """RLF has 2,000.00 on the 2nd, spends all but 500.00 on the 4th, and has 1,500.00 again on the 5th."""
    counter.go_to("2026-03-04")
    journal(counter, "RLF 370 Dr 1500.00", "RLF 731/FIRST Cr 1500.00")
    counter.go_to("2026-03-05")
    journal(counter, "RLF 731/FIRST Dr 1000.00", "RLF 151 Cr 1000.00")
    lines = ["RLF 370 Dr 500.01", "RLF 731/FIRST Cr 500.01"]
    for day in ("2026-03-02", "2026-03-03", "2026-03-04"):
        no_journal(counter, Overdrawn, "effective_on", *lines, effective_on=day)
    journal(counter, *lines, effective_on="2026-03-05")
    journal(counter, "RLF 370 Dr 500.00", "RLF 731/FIRST Cr 500.00", effective_on="2026-03-03")


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_stand_as_they_were_written(counter: SmallBank, text: str) -> None:
    number = journal(counter, "GEN 940 Dr 1.00", "GEN 931 Cr 1.00", memo=text)
    assert counter.bank.receipt(number).entries[0].memo == text
    back = counter.agreed("reverse", counter.tom, counter.sue, operation=number, reason=text)
    assert back.entries[0].memo == f"Reverses operation {number}: {text}"


# -------------------------------------------------------------------------------------- reversals


def negated(lines: Any) -> Any:
    return [type(one)({(f, c, -x): n for (f, c, x), n in one.items()}) for one in lines]


def test_a_reversal_turns_every_line(counter: SmallBank) -> None:
    done = counter.do("deposit", member="M0001", amount="150.00")
    back = counter.do("reverse", operation=done.number, reason="keyed twice")
    assert posted(back) == negated(posted(done))
    with counter.read() as books:
        (entry_id,) = (e.number for e in done.entries)
        assert books.tx.value("SELECT reverses_id FROM entry WHERE id = ?", back.entries[0].number) == entry_id
    assert counter.balance("905/M0001") == -100_00
    refused(counter, CannotReverse, "reverse", says=str(back.number), operation=done.number, reason="again")
    refused(counter, CannotReverse, "reverse", says="itself", operation=back.number, reason="back")


def test_what_is_never_reversed(counter: SmallBank) -> None:
    with counter.read() as books:
        kinds = dict(books.tx.rows("SELECT kind, max(id) FROM operation GROUP BY kind"))
    final = {kind: number for kind, number in kinds.items() if not CATALOGUE[kind].reversible}
    assert {"found-book", "ask", "approve", "open-day", "close-day", "open-drawer", "add-user"} <= final.keys()
    for number in final.values():
        refused(counter, CannotReverse, "reverse", counter.tom, operation=number, reason="x")
    refused(counter, CannotReverse, "reverse", says="no entry", operation=kinds["admit-member"], reason="x")
    for number in (0, -1, 10**6, 2**63, "x", "1.5", None, 1e400):
        refused(counter, Unknown if number == 10**6 else InvalidValue, "reverse", field="operation", operation=number,
                reason="x")  # fmt: skip
    refused(counter, InvalidValue, "reverse", field="reason", operation=5, reason="")
    refused(counter, InvalidValue, "reverse", field="reason", operation=5, reason="x" * 10_000)


def test_a_cheque_and_its_hold_go_with_the_deposit(counter: SmallBank) -> None:
    done = counter.do("deposit", member="M0002", amount="80.00", tender="cheque", cheque_number="9")
    counter.do("reverse", operation=done.number, reason="wrong member")
    refused(counter, Unknown, "bank-cheques", counter.tom, cheques=["CH-00001"])
    with counter.read() as books:
        assert books.holds("GEN", "905/M0002") == 0
    again = counter.do("deposit", member="M0001", amount="80.00", tender="cheque", cheque_number="9")
    assert again.created == ("CH-00002",)
    banked = counter.do("bank-cheques", by=counter.tom, cheques=["CH-00002"])
    refused(counter, CannotReverse, "reverse", says=str(banked.number), operation=again.number, reason="x")
    counter.do("reverse", by=counter.tom, operation=banked.number, reason="slip lost")
    counter.do("reverse", operation=again.number, reason="given back")
    assert counter.balance("735/D1", "POOL") == 0


def test_money_that_was_used_since_is_not_taken_back(counter: SmallBank) -> None:
    first = counter.do("deposit", member="M0002", amount="50.00")
    out = counter.do("withdraw", member="M0002", amount="30.00")
    refused(counter, CannotReverse, "reverse", says=str(out.number), operation=first.number, reason="x")
    counter.do("reverse", operation=out.number, reason="x")
    counter.do("reverse", operation=first.number, reason="x")


def test_held_money_does_not_cover_a_reversal(counter: SmallBank) -> None:
    cash = counter.do("deposit", member="M0002", amount="50.00")
    counter.do("deposit", member="M0002", amount="40.00", tender="cheque", cheque_number="1")
    counter.do("withdraw", member="M0002", amount="10.00")
    refused(counter, CannotReverse, "reverse", operation=cash.number, reason="x")


def test_an_instalment_is_not_reversed_after_its_share_was_issued(counter: SmallBank) -> None:
    first = counter.do("buy-shares", member="M0001", amount="5.00")
    issue = counter.do("buy-shares", member="M0001", amount="20.00")
    refused(counter, CannotReverse, "reverse", says=str(issue.number), operation=first.number, reason="x")
    back = counter.do("reverse", operation=issue.number, reason="x")
    assert posted(back) == negated(posted(issue))
    counter.do("reverse", operation=first.number, reason="x")


def test_cash_of_a_closed_drawer_stays(counter: SmallBank) -> None:
    done = counter.do("deposit", member="M0001", amount="50.00")
    counter.do("close-drawer", drawer="D1", counted="550.00")
    counter.do("open-drawer", drawer="D1", float_amount="100.00")
    refused(counter, CannotReverse, "reverse", says="correct", operation=done.number, reason="x")
    moved = counter.do("move-cash", from_place="VAULT", to_place="D1", amount="10.00")
    counter.do("reverse", operation=moved.number, reason="too much")
    assert counter.balance("739/D1", "POOL") == 100_00


def test_whose_drawer_it_is(counter: SmallBank) -> None:
    done = counter.do("deposit", member="M0001", amount="50.00")
    refused(counter, NotAllowed, "reverse", counter.tom, says="ana", operation=done.number, reason="x")


def test_who_reverses_alone(counter: SmallBank) -> None:
    small = counter.do("deposit", member="M0001", amount="1000.00")
    large = counter.do("deposit", member="M0001", amount="1000.01")
    transfer = counter.do("deposit", by=counter.tom, member="M0001", amount="1.00", tender="transfer")
    assert counter.ask("reverse", operation=transfer.number, reason="a colleague's").status == "pending"
    counter.do("reverse", operation=small.number, reason="up to the limit")
    asked = counter.ask("reverse", operation=large.number, reason="above the limit")
    assert asked.status == "pending"
    counter.do("approve", by=counter.tom, request=asked.request)
    counter.go_to("2026-03-04")
    asked = counter.ask("reverse", by=counter.tom, operation=transfer.number, reason="yesterday's")
    assert asked.status == "pending"
    counter.do("approve", by=counter.sue, request=asked.request)
    assert counter.balance("905/M0001") == -100_00


def test_nobody_reverses_what_they_may_not_do(counter: SmallBank) -> None:
    number = journal(counter, "GEN 940 Dr 1.00", "GEN 931 Cr 1.00")
    refused(counter, NotAllowed, "reverse", says="Journal entry", operation=number, reason="x")
    refused(counter, NotAllowed, "reverse", counter.sue, operation=number, reason="x")


def test_nobody_reverses_on_their_own_account(counter: SmallBank) -> None:
    done = counter.do("deposit", by=counter.tom, member="M0001", amount="1.00", tender="transfer")
    counter.agreed("link-user", by=counter.admin, user="tom", member="M0001")
    refused(counter, OwnAccount, "reverse", counter.tom, operation=done.number, reason="x")
    asked = counter.ask("reverse", operation=done.number, reason="x")
    refused(counter, OwnAccount, "approve", counter.tom, request=asked.request)
    counter.do("approve", by=counter.sue, request=asked.request)


def test_a_reversal_needs_an_open_day_but_no_open_month(counter: SmallBank) -> None:
    number = journal(counter, "GEN 250 Dr 1.00", "GEN 731/FIRST Cr 1.00")
    counter.go_to("2026-04-01")
    counter.agreed("close-month", counter.tom, counter.sue, month="2026-03")
    counter.close_day()
    refused(counter, DayClosed, "reverse", counter.tom, operation=number, reason="x")
    counter.open_day("2026-04-02", open_drawer=False)
    back = counter.bank.receipt(undone(counter, number))
    assert back.entries[0].effective_on == "2026-04-02"


def test_a_reversal_that_waited_is_checked_again(counter: SmallBank) -> None:
    done = counter.do("deposit", member="M0002", amount="1500.00")
    asked = counter.ask("reverse", operation=done.number, reason="x")
    counter.do("withdraw", member="M0002", amount="900.00")
    refused(counter, CannotReverse, "approve", counter.tom, request=asked.request)


def test_two_undoings_of_one_operation_both_wait_and_one_is_done(counter: SmallBank) -> None:
    done = counter.do("deposit", member="M0002", amount="1500.00")
    first, second = (counter.ask("reverse", operation=done.number, reason="x").request for _ in range(2))
    counter.do("approve", by=counter.tom, request=first)
    refused(counter, CannotReverse, "approve", counter.tom, request=second)


def test_a_loan_is_as_it_was_before_the_payment(counter: SmallBank) -> None:
    values = {"principal": "1200.00", "annual_rate": "6", "installments": 12, "first_due": "2026-04-03"}
    granted = counter.agreed("grant-loan", member="M0001", **values)
    loan = granted.created[0]
    paid_out = counter.do("disburse-loan", by=counter.tom, loan=loan)
    refused(
        counter, CannotReverse, "reverse", counter.ana, says=str(paid_out.number), operation=granted.number, reason="x"
    )
    counter.go_to("2026-03-20")
    before = story(counter, loan)
    first = counter.do("repay-loan", loan=loan, amount="100.00")
    second = counter.do("repay-loan", loan=loan, amount="50.00")
    refused(counter, CannotReverse, "reverse", says=str(second.number), operation=first.number, reason="x")
    counter.do("reverse", operation=second.number, reason="x")
    counter.do("reverse", operation=first.number, reason="x")
    assert story(counter, loan) == before


# ------------------------------------------------------------------------------------ corrections


def test_a_deposit_to_the_wrong_account_is_put_right(counter: SmallBank) -> None:
    done = counter.do("deposit", member="M0001", amount="150.00")
    counter.go_to("2026-03-04")
    values = {"operation": done.number, "wrong_account": "M0001", "right_account": "S-M0002", "reason": "it was Noa"}
    right = counter.agreed("correct", **values, amount="100.00")
    assert posted(right) == [entry("GEN 905/M0001 Dr 100.00", "GEN 905/M0002 Cr 100.00")]
    assert str(done.number) in right.entries[0].memo
    refused(counter, InvalidAmount, "correct", field="amount", says="50.00", **values, amount="50.01")
    rest = counter.agreed("correct", **values)
    assert posted(rest) == [entry("GEN 905/M0001 Dr 50.00", "GEN 905/M0002 Cr 50.00")]
    refused(counter, Overdrawn, "correct", field="wrong_account", **values)
    refused(counter, CannotReverse, "reverse", counter.tom, operation=done.number, reason="x")
    assert counter.balance("905/M0002") == -150_00


def test_a_withdrawal_from_the_wrong_account_is_put_right(counter: SmallBank) -> None:
    counter.do("deposit", member="M0002", amount="30.00")
    counter.do("deposit", member="M0002", amount="90.00", tender="cheque", cheque_number="1")  # held
    done = counter.do("withdraw", member="M0001", amount="40.00")
    values = {"operation": done.number, "wrong_account": "M0001", "right_account": "M0002", "reason": "it was Noa"}
    refused(counter, Overdrawn, "correct", field="amount", says="30.00", **values)
    right = counter.do("correct", **values, amount="30.00")
    assert posted(right) == [entry("GEN 905/M0001 Cr 30.00", "GEN 905/M0002 Dr 30.00")]
    refused(counter, CannotReverse, "reverse", says="K-00001", operation=done.number, reason="x")
    counter.do("reverse", operation=right.number, reason="it was Mia after all")
    counter.do("reverse", operation=done.number, reason="now it can be")


def test_corrections_that_are_refused(counter: SmallBank) -> None:
    done = counter.do("deposit", member="M0001", amount="50.00")
    values = {"operation": done.number, "wrong_account": "M0001", "right_account": "M0002", "reason": "x"}

    def no(error: type[CoopbankError], field: str | None, **changes: Any) -> None:
        refused(counter, error, "correct", field=field, **{**values, **changes})

    no(Unknown, "operation", operation=10**6)
    no(Unknown, "wrong_account", wrong_account="M0003")
    no(Unknown, "right_account", right_account="M0003")
    no(InvalidValue, "right_account", right_account="M0001")
    no(Overdrawn, "wrong_account", wrong_account="M0002", right_account="M0001")
    no(InvalidAmount, "amount", amount="50.01")
    no(InvalidValue, "reason", reason="")
    no(InvalidValue, "amount", amount="-1.00")
    refused(counter, NotAllowed, "correct", counter.sue, **values)
    assert counter.ask("correct", counter.tom, **values).status == "pending"
    counter.do("withdraw", member="M0001", amount="120.00")
    no(Overdrawn, "amount")
    back = counter.do("deposit", member="M0001", amount="5.00")
    undo = counter.do("reverse", operation=back.number, reason="x")
    no(WrongState, "operation", operation=back.number)
    no(WrongState, "operation", operation=undo.number)


def test_nobody_corrects_to_their_own_account(counter: SmallBank) -> None:
    done = counter.do("deposit", by=counter.tom, member="M0001", amount="50.00", tender="transfer")
    counter.agreed("link-user", by=counter.admin, user="tom", member="M0002")
    values = {"operation": done.number, "wrong_account": "M0001", "right_account": "M0002", "reason": "x"}
    refused(counter, OwnAccount, "correct", counter.tom, **values)


# ------------------------------------------------------------------------------------ both engines


def test_the_same_on_both_engines(beginning: SmallBank) -> None:
    """Opening, entry dated back, reversal with its refusals, correction: each once."""
    bank = beginning
    opening = opened(bank, *CASH_IN, "GEN 905/M0003 Cr 100.00")
    cheque = bank.do("deposit", member="M0003", amount="30.00", tender="cheque", cheque_number="1")
    refused(bank, CannotReverse, "reverse", bank.tom, says=str(cheque.number), operation=opening, reason="x")
    bank.do("reverse", operation=cheque.number, reason="x")
    undone(bank, opening)
    journal(bank, "GEN 250 Dr 5.00", "GEN 731/FIRST Cr 5.00", effective_on="2026-03-02")
    no_journal(bank, Overdrawn, "effective_on", "RLF 370 Dr 2000.01", "RLF 731/FIRST Cr 2000.01",
               effective_on="2026-03-02")  # fmt: skip
    done = bank.do("deposit", member="M0001", amount="20.00")
    values = {"operation": done.number, "wrong_account": "M0001", "right_account": "M0002", "reason": "x"}
    right = bank.do("correct", **values)
    refused(bank, CannotReverse, "reverse", says="K-00001", operation=done.number, reason="x")
    bank.do("reverse", operation=right.number, reason="x")
    bank.do("reverse", operation=done.number, reason="x")
    bank.agreed("close-opening", bank.tom, bank.sue)
