"""Assets: bought, written off to the cent, sold or thrown away; and what each refuses."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.operation import Receipt
from coopbank.bank.verify import verify
from coopbank.clock import SetClock
from coopbank.errors import (
    AlreadyExists,
    CannotReverse,
    InvalidAmount,
    InvalidDate,
    InvalidValue,
    NotAllowed,
    Overdrawn,
    OwnAccount,
    PeriodLocked,
    Unknown,
    WrongState,
)
from coopbank.ledger.verify import wrong
from tests.bank.conftest import TODAY, begin
from tests.bank.support_counter import HOSTILE, entry, posted, refused
from tests.support_bank import NOON, SmallBank, assert_books, new_bank

PRESS: dict[str, Any] = {
    "asset_name": "A press", "account": "751", "cost": "1000.00", "life_months": 36, "residual": "100.00",
    "supplier": "PRESSES", "number": "R-1",
}  # fmt: skip


def buy(bank: SmallBank, **changes: Any) -> Receipt:
    return bank.agreed("buy-asset", by=bank.tom, approver=bank.sue, **{**PRESS, **changes})


def depreciate(bank: SmallBank, month: str) -> Receipt:
    asked = bank.ask("depreciate", by=bank.tom, month=month)
    if asked.status == "pending":
        return bank.do("approve", by=bank.sue, request=asked.request).then[0]
    return asked


def dispose(bank: SmallBank, ref: str = "FA-001", **values: Any) -> Receipt:
    return bank.agreed("dispose-asset", by=bank.tom, approver=bank.sue, asset=ref, why="it broke", **values)


def kept(bank: SmallBank, ref: str = "FA-001") -> records.Asset:
    with bank.read() as books:
        return books.get(records.Asset, ref)


@pytest.fixture
def new_counter(founded_counter: Path, tmp_path: Path) -> Callable[[], AbstractContextManager[SmallBank]]:
    """A fresh copy of the books at each call, proven when it is left."""
    count = itertools.count()

    @contextmanager
    def copied() -> Iterator[SmallBank]:
        clock = SetClock(datetime.combine(date.fromisoformat(TODAY), NOON))
        place = shutil.copy(founded_counter, tmp_path / f"book{next(count)}.db")
        bank = SmallBank(Bank.open(str(place), clock=clock), clock)
        try:
            yield bank
            assert_books(bank)
        finally:
            bank.bank.close()

    return copied


# ------------------------------------------------------------------------------------- a whole life


def test_a_life_on_both_engines(engine_url: str) -> None:
    """Bought by a bill, paid, written off, sold above its book value; the books prove themselves at each step."""
    with new_bank(engine_url) as bank:
        begin(bank)
        done = bank.do("buy-asset", **PRESS, tender="bill", place="shed, no. 4711")
        assert posted(done) == [entry("GEN 751/FA-001 Dr 1000.00", "GEN 801/PRESSES Cr 1000.00")]
        assert done.created == ("FA-001", "B-00001")
        bank.do("pay-bill", by=bank.tom, bill="B-00001", tender="transfer")
        march = depreciate(bank, "2026-03")
        assert posted(march) == [entry("GEN 350 Dr 25.00", "GEN 759/FA-001 Cr 25.00")]
        bank.go_to("2026-05-04")
        april = depreciate(bank, "2026-04")
        assert april.entries[0].effective_on == "2026-04-30"
        sold = dispose(bank, proceeds="980.00", tender="transfer")
        assert posted(sold) == [
            entry(
                "GEN 751/FA-001 Cr 1000.00", "GEN 759/FA-001 Dr 50.00", "POOL 731/FIRST Dr 980.00",
                "POOL 879/GEN Cr 980.00", "GEN 729 Dr 980.00", "GEN 151 Cr 30.00",
            )
        ]  # fmt: skip
        assert dict(sold.notes)["Gain"] == "30.00"
        assert (kept(bank).state, kept(bank).disposed_on, kept(bank).proceeds) == ("disposed", "2026-05-04", 980_00)
        assert_books(bank)


LIVES = st.tuples(st.integers(1, 200_000), st.integers(0, 100), st.integers(1, 12))


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lives=st.lists(LIVES, min_size=1, max_size=3))
def test_what_is_written_off_is_cost_less_residual_to_the_cent(
    new_counter: Callable[[], AbstractContextManager[SmallBank]], lives: list[tuple[int, int, int]]
) -> None:
    """Month after month through the operations, whatever the cents: each asset ends at exactly its residual value."""
    residuals = [cost * percent // 100 for cost, percent, _life in lives]
    with new_counter() as bank:
        for number, ((cost, _percent, life), residual) in enumerate(zip(lives, residuals, strict=True)):
            buy(bank, cost=bank.text(cost), residual=bank.text(residual), life_months=life, number=str(number))
        for index in range(12):
            day = date(2026 + (2 + index) // 12, (2 + index) % 12 + 1, 28)
            if any(index < life and cost > left for (cost, _p, life), left in zip(lives, residuals, strict=True)):
                bank.go_to(day)
                depreciate(bank, f"{day:%Y-%m}")
        for number, ((cost, _percent, _life), residual) in enumerate(zip(lives, residuals, strict=True), 1):
            ref = f"FA-{number:03d}"
            assert kept(bank, ref).depreciated == cost - residual == -bank.balance(f"759/{ref}")
        assert bank.balance("350") == sum(cost for cost, _p, _l in lives) - sum(residuals)


# --------------------------------------------------------------------------------------- buying


@pytest.mark.parametrize(("tender", "place"), [("transfer", "731/FIRST"), ("cash", "739/D2")])
def test_paid_at_once(counter: SmallBank, tender: str, place: str) -> None:
    counter.do("open-drawer", by=counter.tom, drawer="D2", float_amount="300.00")
    done = buy(counter, tender=tender, cost="240.00", residual="0.00")
    assert posted(done) == [
        entry("GEN 751/FA-001 Dr 240.00", "GEN 729 Cr 240.00", "POOL 879/GEN Dr 240.00", f"POOL {place} Cr 240.00")
    ]
    assert dict(done.notes)["Written off a month"] == "6.67"
    with counter.read() as books:
        assert books.get(records.Bill, "B-00001").state == "paid"


def test_land_as_the_study_has_it(counter: SmallBank) -> None:
    """E25a: a parcel in a fund of its own; land is never written off."""
    land: dict[str, Any] = {"account": "771", "cost": "9.30", "life_months": None, "residual": "0.00", "fund": "RLF"}
    done = buy(counter, **land)
    assert posted(done) == [
        entry("RLF 771/FA-001 Dr 9.30", "RLF 729 Cr 9.30", "POOL 879/RLF Dr 9.30", "POOL 731/FIRST Cr 9.30")
    ]
    refused(counter, WrongState, "depreciate", counter.tom, field="month", month="2026-03")
    for more in ({"life_months": 12}, {"residual": "1.00"}):
        refused(
            counter, InvalidValue, "buy-asset", counter.tom, says="Land", **{**PRESS, **land, "number": "2", **more}
        )
    assert posted(dispose(counter)) == [entry("RLF 771/FA-001 Cr 9.30", "RLF 370 Dr 9.30")]


def test_a_gift_that_buys_it_is_released(counter: SmallBank) -> None:
    counter.do(
        "receive-gift", by=counter.tom, fund="GRT", amount="500.00", donor="Dee", tender="transfer", number="G-07"
    )
    done = buy(counter, cost="480.00", residual="0.00", gift="G-07")
    assert posted(done) == [
        entry(
            "GEN 751/FA-001 Dr 480.00", "GEN 185 Cr 480.00", "GRT 186/G-07 Dr 480.00", "GRT 729 Cr 480.00",
            "POOL 879/GRT Dr 480.00", "POOL 731/FIRST Cr 480.00",
        )
    ]  # fmt: skip
    assert (kept(counter).fund, kept(counter).gift) == ("GEN", "G-07")
    over = {**PRESS, "number": "2", "cost": "20.01", "residual": "0.00", "gift": "G-07"}
    refused(counter, Overdrawn, "buy-asset", counter.tom, field="amount", **over)
    refused(counter, InvalidValue, "buy-asset", counter.tom, field="fund", **{**over, "cost": "1.00", "fund": "RLF"})
    kept_money = {**over, "cost": "20.00", "gift": None, "fund": "GRT"}
    refused(counter, WrongState, "buy-asset", counter.tom, field="fund", says="by releasing a gift", **kept_money)
    refused(counter, WrongState, "buy-asset", field="fund", **kept_money, tender="bill")
    by_bill = counter.agreed("buy-asset", approver=counter.tom, **{**over, "cost": "20.00"}, tender="bill")
    assert ("GRT", "801/PRESSES", -20_00) in posted(by_bill)[0]


@pytest.mark.parametrize(
    ("error", "field", "changes"),
    [
        (InvalidValue, "life_months", {"life_months": None}),
        (InvalidValue, "life_months", {"life_months": 0}),
        (InvalidValue, "life_months", {"life_months": 1201}),
        (InvalidValue, "account", {"account": "701"}),
        (InvalidValue, "cost", {"cost": "0.00"}),
        (InvalidAmount, "residual", {"residual": "1000.01"}),
        (InvalidValue, "residual", {"residual": "-1.00"}),
        (InvalidDate, "in_use_from", {"in_use_from": "2027-03-04"}),
        (InvalidValue, "fund", {"fund": "POOL"}),
        (Unknown, "fund", {"fund": "NONE"}),
        (Unknown, "gift", {"gift": "G-99"}),
        (Unknown, "bank_account", {"bank_account": "NONE"}),
        (InvalidValue, "asset_name", {"asset_name": " "}),
        (InvalidValue, "number", {"number": ""}),
        (Overdrawn, "amount", {"cost": "9999.00"}),
    ],
)
def test_what_is_not_bought(counter: SmallBank, error: Any, field: str, changes: dict[str, Any]) -> None:
    refused(counter, error, "buy-asset", counter.tom, field=field, **{**PRESS, **changes})


def test_who_buys(counter: SmallBank) -> None:
    refused(counter, NotAllowed, "buy-asset", counter.sue, **PRESS)
    counter.do("buy-asset", **PRESS, tender="bill")
    refused(counter, AlreadyExists, "buy-asset", field="number", **{**PRESS, "number": " r-1"}, tender="bill")
    counter.agreed("link-user", by=counter.admin, approver=counter.sue, user="tom", member="M0001")
    refused(counter, OwnAccount, "buy-asset", counter.tom, **{**PRESS, "supplier": "M0001"})


def test_hostile_words_go_in_and_out(counter: SmallBank) -> None:
    for number, text in enumerate(HOSTILE):
        ref = counter.do("buy-asset", **{**PRESS, "asset_name": text, "number": str(number)}, tender="bill").created[0]
        assert kept(counter, ref).name == text


# ------------------------------------------------------------------------------------- entering


def test_what_was_taken_over_gets_its_number(counter: SmallBank) -> None:
    lines = ["GEN 751/OLD Dr 600.00", "GEN 759/OLD Cr 150.00", "GEN 940 Cr 450.00"]
    counter.agreed("opening-balance", by=counter.tom, approver=counter.sue, lines=lines)
    values: dict[str, Any] = {
        "asset_name": "A till", "cost": "400.00", "depreciated": "100.00", "life_months": 30, "stands_on": "OLD",
    }  # fmt: skip
    done = counter.agreed("enter-asset", by=counter.tom, approver=counter.sue, **values)
    assert posted(done) == [
        entry("GEN 751/FA-001 Dr 400.00", "GEN 751/OLD Cr 400.00", "GEN 759/FA-001 Cr 100.00", "GEN 759/OLD Dr 100.00")
    ]
    assert posted(depreciate(counter, "2026-03")) == [entry("GEN 350 Dr 10.00", "GEN 759/FA-001 Cr 10.00")]
    refused(counter, Overdrawn, "enter-asset", counter.tom, field="cost", **{**values, "cost": "200.01"})
    refused(counter, Overdrawn, "enter-asset", counter.tom, field="depreciated",
            **{**values, "cost": "200.00", "depreciated": "50.01"})  # fmt: skip
    refused(counter, InvalidAmount, "enter-asset", counter.tom, field="residual", **{**values, "residual": "300.01"})
    refused(counter, AlreadyExists, "enter-asset", counter.tom, field="stands_on", **{**values, "stands_on": "FA-001"})
    refused(counter, InvalidValue, "opening-balance", counter.tom, says="without a number",
            lines=["GEN 751/FA-009 Dr 1.00", "GEN 940 Cr 1.00"])  # fmt: skip
    refused(counter, InvalidValue, "journal-entry", counter.tom, says="assets", memo="x",
            lines=["GEN 751/FA-001 Dr 1.00", "GEN 290 Cr 1.00"])  # fmt: skip


# ------------------------------------------------------------------------------- depreciation


def test_a_month_is_written_off_once_and_in_order(counter: SmallBank) -> None:
    bank = counter
    refused(bank, WrongState, "depreciate", bank.tom, field="month", month="2026-03")  # nothing there
    buy(bank)
    refused(bank, NotAllowed, "depreciate", month="2026-03")
    refused(bank, InvalidDate, "depreciate", bank.tom, field="month", month="2026-02")
    refused(bank, WrongState, "depreciate", bank.tom, field="month", says="not begun", month="2026-04")
    for month in ("2026-13", "2026", "x", "2026-3"):
        refused(bank, InvalidValue, "depreciate", bank.tom, field="month", month=month)
    bank.go_to("2026-04-02")
    refused(bank, WrongState, "depreciate", bank.tom, field="month", says="2026-03", month="2026-04")
    march = depreciate(bank, "2026-03")
    assert (march.approver, march.entries[0].effective_on) == ("sue", "2026-03-31")
    refused(bank, AlreadyExists, "depreciate", bank.tom, field="month", month="2026-03")
    april = depreciate(bank, "2026-04")
    assert (april.approver, april.entries[0].effective_on) == (None, "2026-04-02")


def test_what_a_locked_month_left_open_comes_along(counter: SmallBank) -> None:
    bank = counter
    buy(bank)
    for day in ("2026-03-31", "2026-04-01"):
        bank.go_to(day)
    closed = bank.agreed("close-month", by=bank.tom, approver=bank.sue, month="2026-03")
    assert dict(closed.notes)["Not depreciated yet"] == "25.00"
    refused(bank, PeriodLocked, "depreciate", bank.tom, field="month", month="2026-03")
    assert posted(depreciate(bank, "2026-04")) == [entry("GEN 350 Dr 50.00", "GEN 759/FA-001 Cr 50.00")]


def test_it_counts_from_when_it_was_in_use_but_never_before_it_was_in_the_books(counter: SmallBank) -> None:
    bank = counter
    buy(bank, in_use_from="2026-01-15")
    buy(bank, in_use_from="2026-05-01", number="R-2")
    march = depreciate(bank, "2026-03")
    assert posted(march) == [entry("GEN 350 Dr 75.00", "GEN 759/FA-001 Cr 75.00")], "January to March, one asset"
    bank.go_to("2026-04-02")
    buy(bank, number="R-3", in_use_from="2026-03-01")
    assert posted(depreciate(bank, "2026-04")) == [
        entry("GEN 350 Dr 75.00", "GEN 759/FA-001 Cr 25.00", "GEN 759/FA-003 Cr 50.00")
    ]


def test_what_was_written_off_before_is_not_written_off_again(counter: SmallBank) -> None:
    """In use for 24 of 36 months with 600.00 written off: the 400.00 left are spread over the twelve months left."""
    lines = ["GEN 751 Dr 1000.00", "GEN 759 Cr 600.00", "GEN 940 Cr 400.00"]
    counter.agreed("opening-balance", by=counter.tom, approver=counter.sue, lines=lines)
    values: dict[str, Any] = {
        "asset_name": "A till", "cost": "1000.00", "depreciated": "600.00", "life_months": 36,
        "in_use_from": "2024-03-15",
    }  # fmt: skip
    refused(counter, InvalidValue, "enter-asset", counter.tom, field="life_months", says="24 months of use are over",
            **{**values, "life_months": 24})  # fmt: skip
    done = counter.agreed("enter-asset", by=counter.tom, approver=counter.sue, **values)
    assert dict(done.notes)["Written off a month"] == "33.33"
    assert posted(depreciate(counter, "2026-03")) == [entry("GEN 350 Dr 33.33", "GEN 759/FA-001 Cr 33.33")]
    counter.go_to("2027-02-26")
    for month in [f"2026-{month:02d}" for month in range(4, 13)] + ["2027-01", "2027-02"]:
        depreciate(counter, month)
    assert kept(counter).depreciated == 1000_00, "written off when its 36 months are over, and not before"
    assert counter.balance("350") == 400_00


def test_less_than_a_cent_a_month(counter: SmallBank) -> None:
    buy(counter, cost="0.01", residual="0.00")
    assert posted(depreciate(counter, "2026-03")) == []
    refused(counter, AlreadyExists, "depreciate", counter.tom, month="2026-03")


def test_undoing_in_order(counter: SmallBank) -> None:
    bank = counter
    bought = buy(bank)
    march = depreciate(bank, "2026-03")
    refused(bank, CannotReverse, "reverse", bank.tom, operation=bought.number, reason="x")
    bank.do("reverse", by=bank.tom, operation=march.number, reason="too early")
    assert (kept(bank).depreciated, kept(bank).through, bank.balance("350")) == (0, "", 0)
    again = depreciate(bank, "2026-03")
    bank.do("reverse", by=bank.tom, operation=again.number, reason="too early")
    bank.agreed("reverse", by=bank.tom, approver=bank.sue, operation=bought.number, reason="sent back")
    refused(bank, Unknown, "dispose-asset", bank.tom, field="asset", asset="FA-001", why="x")
    assert bank.balance("751/FA-001") == 0
    assert buy(bank).created[0] == "FA-002"


# ----------------------------------------------------------------------------------- disposal


def test_disposal_with_a_loss_writes_off_the_months_before(counter: SmallBank) -> None:
    bank = counter
    buy(bank)
    bank.go_to("2026-05-04")
    bank.do("open-drawer", by=bank.tom, drawer="D2")
    gone = dispose(bank, proceeds="800.00")
    assert posted(gone) == [
        entry("GEN 350 Dr 50.00", "GEN 759/FA-001 Cr 50.00"),
        entry(
            "GEN 751/FA-001 Cr 1000.00", "GEN 759/FA-001 Dr 50.00", "POOL 739/D2 Dr 800.00", "POOL 879/GEN Cr 800.00",
            "GEN 729 Dr 800.00", "GEN 370 Dr 150.00",
        ),
    ]  # fmt: skip
    refused(bank, WrongState, "dispose-asset", bank.tom, field="asset", asset="FA-001", why="again")


def test_disposal_of_what_is_fully_written_off(counter: SmallBank) -> None:
    bank = counter
    buy(bank, life_months=1, residual="0.00")
    depreciate(bank, "2026-03")
    bank.go_to("2026-04-02")
    refused(bank, WrongState, "depreciate", bank.tom, field="month", says="Nothing", month="2026-04")
    assert posted(dispose(bank)) == [entry("GEN 751/FA-001 Cr 1000.00", "GEN 759/FA-001 Dr 1000.00")]


def test_a_disposal_paid_by_a_cheque_that_comes_back(counter: SmallBank) -> None:
    bank = counter
    bank.do("open-drawer", by=bank.tom, drawer="D2")
    buy(bank)
    sold = dispose(bank, proceeds="900.00", tender="cheque", cheque_number="7")
    cheque = next(ref for ref in sold.created if ref.startswith("CH-"))
    bank.do("bank-cheques", by=bank.tom, cheques=[cheque])
    bank.do("return-cheque", by=bank.tom, cheque=cheque)
    assert (kept(bank).state, bank.balance("751/FA-001")) == ("in use", 1000_00)


# ------------------------------------------------------------------------------------- verify


@pytest.mark.parametrize(("what", "says"), [("depreciated", "its plan says"), ("cost", "the register says")])
def test_verify_sees_a_register_that_says_other_than_the_books(
    counter: SmallBank, monkeypatch: pytest.MonkeyPatch, what: str, says: str
) -> None:
    buy(counter)
    with monkeypatch.context() as patch:
        made = records.Asset.model_validate
        patch.setattr(
            records.Asset, "model_validate", lambda body: made({**body, what: made(body).model_dump()[what] + 1})
        )
        found = wrong(verify(counter.bank.database))
    assert {each.check for each in found} == {"assets"}
    assert any(says in each.message for each in found)
