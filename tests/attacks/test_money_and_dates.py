"""Enormous amounts, endless texts, clocks that jump and years that turn: refused in words, or right to the cent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from coopbank.bank import passphrases
from coopbank.bank.operation import CATALOGUE
from coopbank.errors import (
    CoopbankError,
    DayClosed,
    InvalidAmount,
    InvalidValue,
    PeriodLocked,
    Refused,
    SignInRefused,
    WrongState,
)
from coopbank.money import LARGEST_ENTERED
from tests.bank.support_counter import facts
from tests.support_bank import FIRST_DAY, PASSPHRASE, SmallBank, assert_books, new_bank

LARGEST = f"{LARGEST_ENTERED // 100}.00"


@pytest.fixture
def fresh(engine_url: str) -> Iterator[SmallBank]:
    with new_bank(engine_url) as bank:
        bank.do("open-savings", member=bank.admit("Mia Lee"))
        yield bank


# ------------------------------------------------------------------------------------------------- money


@pytest.mark.parametrize(
    "amount", [f"{LARGEST_ENTERED // 100}.01", str(2**63), "9" * 40, "92233720368547758.07", "92233720368547758.08"]
)
def test_an_amount_beyond_the_largest_is_refused_in_words(fresh: SmallBank, amount: str) -> None:
    before = facts(fresh)
    with pytest.raises((InvalidAmount, InvalidValue)) as caught:
        fresh.ask("deposit", member="M0001", amount=amount, tender="transfer")
    assert caught.value.field in ("amount", "lines")
    assert facts(fresh) == before
    assert_books(fresh)


def test_the_largest_amount_goes_in_and_out_to_the_cent(fresh: SmallBank) -> None:
    with fresh.read() as books:
        bank_before = books.balance("POOL", "731/FIRST")
    for _ in range(3):
        fresh.do("deposit", member="M0001", amount=LARGEST, tender="transfer")
    fresh.do("deposit", member="M0001", amount="0.01", tender="transfer")
    assert fresh.balance("905/M0001") == -3 * LARGEST_ENTERED - 1
    assert fresh.balance("731/FIRST", "POOL") == bank_before + 3 * LARGEST_ENTERED + 1
    fresh.agreed("withdraw", member="M0001", amount=LARGEST, tender="transfer")
    assert fresh.balance("905/M0001") == -2 * LARGEST_ENTERED - 1
    assert_books(fresh)


def test_a_sum_beyond_64_bits_is_refused_and_not_rounded(fresh: SmallBank) -> None:
    """Nobody gets there by posting; a total put there by hand does not turn over, or into a float."""
    fresh.do("deposit", member="M0001", amount="1.00", tender="transfer")
    fresh.spoiled = True
    near = 2**63 - 50
    with fresh.bank.database.write() as tx:
        account = tx.value("SELECT id FROM account WHERE gl_code = '905' AND contract = 'M0001'")
        if tx.dialect == "postgresql":
            tx.run("SET LOCAL session_replication_role = replica")
        tx.run("UPDATE balance SET debit = ?, credit = ? WHERE account_id = ?", near, near, account)
        before = tx.rows("SELECT * FROM balance ORDER BY account_id")
    with pytest.raises(CoopbankError) as caught:
        fresh.ask("deposit", member="M0001", amount="1.00", tender="transfer")
    assert caught.value.exit_code in (1, 4)
    with fresh.bank.database.read() as tx:
        assert tx.rows("SELECT * FROM balance ORDER BY account_id") == before
    with pytest.raises(AssertionError, match="caches"):
        assert_books(fresh)


@pytest.mark.parametrize("number", [2**62, 2**63 - 1, 2**63, 2**64, -1, 0, 10**30])
def test_numbers_that_no_column_holds_are_refused_in_words(fresh: SmallBank, number: int) -> None:
    before = facts(fresh)
    for operation, values in (
        ("reverse", {"operation": number, "reason": "x"}),
        ("grant-loan", {"member": "M0001", "principal": "10.00", "annual_rate": "1", "installments": number}),
    ):
        with pytest.raises(Refused):
            fresh.ask(operation, **values)
    assert facts(fresh) == before


# ------------------------------------------------------------------------------------------------- texts


def test_no_text_field_takes_ten_thousand_characters() -> None:
    """Whatever the operation and the field: refused by name, with the length that it may have."""
    from pydantic import ValidationError

    endless = "x" * 10_000
    met = 0
    for name, operation in sorted(CATALOGUE.items()):
        if operation.internal:
            continue
        for field in operation.model_fields:
            try:
                operation.model_validate({field: endless})
            except ValidationError as error:
                faults = [fault for fault in error.errors() if fault["loc"][:1] == (field,)]
                assert faults, f"{name} takes 10,000 characters for {field}"
                met += 1
            else:
                raise AssertionError(f"{name} takes 10,000 characters for {field}")
    assert met > 100


@pytest.mark.parametrize(
    "text", ["<b>x</b>&amp;", "[red]x[/]", "=1+1", "\u202etxet", "🏦" * 50, "'; DROP TABLE entry;--"]
)
def test_many_members_of_one_name_are_told_apart(small: SmallBank, text: str) -> None:
    numbers = [small.admit(text) for _ in range(5)]
    assert len(set(numbers)) == 5
    for cents, member in enumerate(numbers, start=1):
        small.do("open-savings", member=member)
        small.do("deposit", member=member, amount=f"{cents}.00", memo=text)
    assert [small.balance(f"905/{member}") for member in numbers] == [-100 * n for n in range(1, 6)]
    with small.read() as books:
        assert [books.member_name(member) for member in numbers] == [text] * 5


# ------------------------------------------------------------------------------------------------- clocks


def test_a_clock_that_goes_back_within_the_day_decides_nothing(small: SmallBank) -> None:
    small.clock.instant -= timedelta(hours=11)
    first = small.do("deposit", member="M0001", amount="1.00")
    small.clock.instant += timedelta(hours=1)
    second = small.do("deposit", member="M0001", amount="1.00")
    assert (second.number, second.business_date) == (first.number + 1, FIRST_DAY)


def test_a_clock_before_the_books_is_told_and_counts_wrong_passphrases(small: SmallBank) -> None:
    with small.bank.database.write() as tx:
        passphrases.set_passphrase(tx, "ana", PASSPHRASE)
    before, right = facts(small), small.clock.instant
    small.clock.instant -= timedelta(days=400)
    with pytest.raises(WrongState, match="clock") as caught:
        small.do("deposit", member="M0001", amount="1.00")
    assert caught.value.hint and "clock" in caught.value.hint
    with pytest.raises(WrongState, match="clock"):
        small.bank.sign_in("ana", PASSPHRASE)
    for _ in range(4):
        with pytest.raises(SignInRefused):
            small.bank.sign_in("ana", "some wrong words")
    with pytest.raises(SignInRefused, match="Too many"):
        small.bank.sign_in("ana", PASSPHRASE)
    assert facts(small) == before
    small.clock.instant = right
    small.do("deposit", member="M0001", amount="1.00")


def test_a_clock_that_runs_ahead_does_not_carry_the_books_away(small: SmallBank) -> None:
    """From a day in 2099 no day leads back: a long way has to be said, not only read off a clock."""
    small.close_day()
    right = small.clock.instant
    small.clock.instant = right.replace(year=2099)
    with pytest.raises(DayClosed, match="2099") as caught:
        small.do("open-day")
    assert caught.value.field == "date" and "clock" in str(caught.value)
    small.clock.instant = right + timedelta(days=31)
    small.do("open-day")
    small.do("close-day")
    later = (small.clock.instant + timedelta(days=3000)).date().isoformat()
    small.clock.instant += timedelta(days=3000)
    small.agreed("open-day", date=later)
    assert small.do("deposit", member="M0001", amount="1.00", tender="transfer").business_date == later
    with pytest.raises(DayClosed):
        small.ask("open-day", date=(date.fromisoformat(later) - timedelta(days=1)).isoformat())


@pytest.mark.parametrize("day", ["2027-02-29", "2028-02-30", "2028-13-01", "0000-01-01", "28-2-29", "2028-02-29T00:00"])
def test_a_day_that_is_none_is_refused(small: SmallBank, day: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        small.ask("open-day", date=day)
    assert caught.value.field == "date"


# ---------------------------------------------------------------------------------- a year and a leap day


def test_a_loan_over_new_year_and_the_29th_of_february(tmp_path: Path) -> None:
    """Months close over the turn of the year and on a leap day; the books prove themselves after each."""
    with new_bank(str(tmp_path / "leap.db")) as small:
        mia = small.admit("Mia Lee")
        small.do("receive-gift", by=small.tom, fund="RLF", amount="9000.00", donor="A", tender="transfer")
        small.go_to("2027-11-30", open_drawer=False)
        small.agreed("close-month", by=small.tom, approver=small.sue, month="2026-03")
        small.agreed("grant-loan", member=mia, principal="1200.00", annual_rate="6", installments=12)
        small.do("disburse-loan", by=small.tom, loan="L-001", tender="transfer")
        accrued = []
        for first in ("2027-12-01", "2028-01-01", "2028-02-01", "2028-02-29", "2028-03-01", "2028-04-01"):
            small.go_to(first, open_drawer=False)
            if first == "2028-02-29":
                continue  # its month is not over yet
            over = date.fromisoformat(first) - timedelta(days=1)
            small.agreed("close-month", by=small.tom, approver=small.sue, month=over.isoformat()[:7])
            accrued.append(small.balance("781/L-001", "RLF"))
            assert_books(small)
        days = [1, 32, 63, 92, 123]  # to the end of each month of a leap year; a close counts its own day
        assert accrued == [round(1200_00 * 6 * n / 36500) for n in days]
        with pytest.raises(PeriodLocked):  # the year 2027 is shut, month by month
            small.agreed(
                "journal-entry", by=small.tom, approver=small.sue, memo="late", effective_on="2027-12-30",
                lines=["GEN 940 Dr 1.00", "GEN 931 Cr 1.00"],
            )  # fmt: skip
        assert_books(small)


def test_the_chain_holds_over_decades(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "long.db")) as small:
        small.do("open-savings", member=small.admit("Mia Lee"))
        for day in ("2028-02-29", "2032-02-29", "2099-12-31", "2100-02-28", "2400-02-29", "9998-12-31"):
            small.go_to(day)
            small.do("deposit", member="M0001", amount="1.00")
        assert small.balance("905/M0001") == -6_00
        assert_books(small)
