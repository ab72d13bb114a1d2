"""Who bears a loss: the order of a fund's absorbers, what moves and what is only recorded, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.operation import Receipt
from coopbank.bank.waterfall import Share, Sharing, Step, refilled_in_order, still_borne
from coopbank.errors import CannotReverse, InvalidValue, NotAllowed, Unknown
from tests.bank.support_counter import entry, posted, refused
from tests.bank.support_lending import lend_to_us, stored, visit
from tests.support_bank import SmallBank, assert_books, new_bank

STEPS = "allowance\nreserve RESERVE keeps 100.00\nsurplus GEN keeps 200.00\nnotes B\nnotes A\nshares 903\nshares 901"


@pytest.fixture
def bank(engine_url: str) -> Iterator[SmallBank]:
    """RLF lends 20,000.00 of class A and 1,000.00 of class B; the reserve holds 600.00, GEN 500.00 beside shares."""
    with new_bank(engine_url) as small:
        begin(small)
        yield small
        assert_books(small)


def begin(small: SmallBank) -> None:
    small.agreed("add-bank-account", by=small.tom, approver=small.sue, code="RESERVE", account_name="Reserve",
                 fund="LLR")  # fmt: skip
    gift = {"donor": "A", "tender": "transfer"}
    small.do("receive-gift", by=small.tom, amount="600.00", fund="LLR", bank_account="RESERVE", **gift)
    small.do("receive-gift", by=small.tom, amount="500.00", **gift)
    lend_to_us(small)
    note: dict[str, Any] = {"lender": "Bo", "annual_rate": "0", "due_on": "2030-01-01", "fund": "RLF"}
    small.agreed("issue-note", by=small.tom, approver=small.sue, amount="1000.00", note_class="B", **note)
    small.admit("Mia Lee")
    small.admit("Noa Banks")
    small.do("buy-shares", member="M0002", amount="25.00")


def decide(bank: SmallBank, steps: str = STEPS, **values: Any) -> Receipt:
    values = {"fund": "RLF", "steps": steps, "resolution": "R-40", **values}
    return bank.agreed("set-loss-waterfall", by=bank.tom, approver=bank.sue, **values)


def lose(bank: SmallBank, principal: str, member: str = "M0001", **values: Any) -> tuple[str, Receipt]:
    """A loan without interest that is charged off at once."""
    terms = {"annual_rate": "0", "installments": "10", **values}
    loan = bank.agreed("grant-loan", member=member, principal=principal, **terms).created[0]
    bank.do("disburse-loan", by=bank.tom, loan=loan)
    with bank.read() as books:
        today = books.business_date()
    assert today is not None
    visit(bank, today + timedelta(days=70))
    return loan, off(bank, loan)


def off(bank: SmallBank, loan: str, **values: Any) -> Receipt:
    values = {"loan": loan, "resolution": "R-41", "why": "it ended", **values}
    return bank.agreed("charge-off", by=bank.ana, approver=bank.sue, **values)


def bears(bank: SmallBank, loan: str, fund: str = "RLF") -> dict[str, int]:
    return {share.absorber: share.amount for share in still_borne(stored(bank, loan).borne, fund)}


def back(bank: SmallBank, loan: str, amount: str) -> Receipt:
    return bank.do("repay-loan", by=bank.tom, loan=loan, amount=amount, tender="transfer")


def test_each_absorber_bears_what_it_can_in_order(bank: SmallBank) -> None:
    decide(bank)
    loan, receipt = lose(bank, "2000.00")
    # the reserve keeps 100.00 of its 600.00, GEN 200.00 of the 500.00 that nobody else has a right to
    assert bears(bank, loan) == {
        "reserve:RESERVE": 500_00,
        "surplus:GEN": 300_00,
        "notes:B": 1000_00,
        "notes:A": 200_00,
    }
    assert posted(receipt) == [
        entry("RLF 301 Dr 2000.00", "RLF 719 Cr 2000.00", "RLF 719 Dr 2000.00", f"RLF 701/{loan} Cr 2000.00",
              f"RLF M20/{loan} Dr 2000.00", "RLF M29 Cr 2000.00"),
        entry("LLR 187 Dr 500.00", "LLR 731/RESERVE Cr 500.00", "POOL 731/FIRST Dr 500.00", "POOL 879/RLF Cr 500.00",
              "RLF 729 Dr 500.00", "RLF 187 Cr 500.00"),
        entry("GEN 187 Dr 300.00", "GEN 729 Cr 300.00", "RLF 729 Dr 300.00", "RLF 187 Cr 300.00",
              "POOL 879/GEN Dr 300.00", "POOL 879/RLF Cr 300.00"),
    ]  # fmt: skip
    assert bank.balance("811/N-001", "RLF") == -20_000_00, "a note is lowered by its own terms only"
    second, _receipt = lose(bank, "19000.00", "M0002")
    # notes bear no more than they are owed; then the 25.00 of membership shares, and the fund the rest
    assert bears(bank, second) == {"notes:A": 19_000_00}


def test_shares_come_last_and_the_fund_bears_the_rest(bank: SmallBank) -> None:
    decide(bank, "allowance, notes B, shares 901")
    loan, receipt = lose(bank, "1500.00")
    assert bears(bank, loan) == {"notes:B": 1000_00, "shares:901": 25_00, "fund": 475_00}
    assert len(posted(receipt)) == 1
    assert bank.balance("901/M0002") == -25_00
    second, _receipt = lose(bank, "50.00", "M0002")
    assert bears(bank, second) == {"fund": 50_00}, "shares and notes bear no loss twice"
    back(bank, second, "50.00")
    back(bank, loan, "490.00")
    assert bears(bank, loan) == {"notes:B": 1000_00, "shares:901": 10_00}


def test_what_comes_back_refills_the_last_hit_first(bank: SmallBank) -> None:
    decide(bank, "allowance\nsurplus GEN\nreserve RESERVE\nnotes A")
    loan, _receipt = lose(bank, "1300.00")
    assert bears(bank, loan) == {"surplus:GEN": 500_00, "reserve:RESERVE": 600_00, "notes:A": 200_00}
    back(bank, loan, "150.00")
    assert bears(bank, loan) == {"surplus:GEN": 500_00, "reserve:RESERVE": 600_00, "notes:A": 50_00}
    through = back(bank, loan, "350.00")
    assert posted(through) == [
        entry("POOL 731/FIRST Dr 350.00", "POOL 879/RLF Cr 350.00", "RLF 729 Dr 350.00", "RLF 719 Cr 350.00",
              "RLF M29 Dr 350.00", f"RLF M20/{loan} Cr 350.00",
              "RLF 187 Dr 300.00", "RLF 729 Cr 300.00", "POOL 879/RLF Dr 300.00", "POOL 731/FIRST Cr 300.00",
              "LLR 731/RESERVE Dr 300.00", "LLR 187 Cr 300.00")
    ]  # fmt: skip
    assert bears(bank, loan) == {"surplus:GEN": 500_00, "reserve:RESERVE": 300_00}
    back(bank, loan, "800.00")
    assert (bears(bank, loan), bank.balance("187", "GEN")) == ({}, 0)
    assert bank.balance("731/RESERVE", "LLR") == 600_00


def test_a_recovery_and_a_charge_off_are_taken_back(bank: SmallBank) -> None:
    decide(bank, "allowance\nreserve RESERVE\nnotes A")
    loan, receipt = lose(bank, "1000.00")
    paid = back(bank, loan, "700.00")
    assert bears(bank, loan) == {"reserve:RESERVE": 300_00}
    refused(bank, CannotReverse, "reverse", bank.tom, operation=receipt.number, reason="x")
    bank.do("reverse", by=bank.tom, operation=paid.number, reason="it bounced")
    assert bears(bank, loan) == {"reserve:RESERVE": 600_00, "notes:A": 400_00}
    bank.agreed("reverse", by=bank.tom, approver=bank.sue, operation=receipt.number, reason="too early")
    assert (bears(bank, loan), bank.balance("731/RESERVE", "LLR")) == ({}, 600_00)
    with bank.read() as books:
        assert books.find(records.LossAttribution, loan) is None
    off(bank, loan)
    assert bears(bank, loan) == {"reserve:RESERVE": 600_00, "notes:A": 400_00}


def test_a_payment_that_counts_from_before_the_loss_makes_it_smaller(bank: SmallBank) -> None:
    decide(bank, "allowance\nreserve RESERVE\nnotes A")
    loan, _receipt = lose(bank, "1000.00")
    late = bank.do("repay-loan", by=bank.tom, loan=loan, amount="450.00", tender="transfer", value_date="2026-04-02")
    assert bears(bank, loan) == {"reserve:RESERVE": 550_00}
    assert bank.balance("731/RESERVE", "LLR") == 50_00
    bank.do("reverse", by=bank.tom, operation=late.number, reason="it bounced")
    assert sum(bears(bank, loan).values()) == 1000_00


def test_the_allowance_bears_what_was_provided_for_it(bank: SmallBank) -> None:
    decide(bank, "allowance\nreserve RESERVE")
    terms: dict[str, Any] = {"annual_rate": "0", "installments": "10"}
    loan = bank.agreed("grant-loan", member="M0001", principal="400.00", **terms).created[0]
    bank.do("disburse-loan", by=bank.tom, loan=loan)
    bank.agreed("grade-loan", by=bank.ana, loan=loan, grade="4", reserve="150.00", why="it will hardly be paid")
    visit(bank, "2026-04-02")
    bank.agreed("provide", by=bank.tom, approver=bank.sue, month="2026-03")
    off(bank, loan)
    assert bears(bank, loan) == {"allowance": 150_00, "reserve:RESERVE": 250_00}
    back(bank, loan, "300.00")
    assert bears(bank, loan) == {"allowance": 100_00}
    assert bank.balance("719", "RLF") == -300_00  # all that came back, as E21 has it


def test_two_funds_draw_on_one_reserve_no_more_than_it_has(bank: SmallBank) -> None:
    bank.do("receive-gift", by=bank.tom, amount="2000.00", donor="A", tender="transfer")
    decide(bank, "allowance\nreserve RESERVE")
    decide(bank, "allowance\nreserve RESERVE\nsurplus GEN", fund="GEN")  # its own surplus: nothing would move
    loan, _receipt = lose(bank, "1000.00", other_funds="GEN 40")
    assert bears(bank, loan, "GEN") == {"reserve:RESERVE": 400_00}  # funds draw in the order of their codes
    assert bears(bank, loan) == {"reserve:RESERVE": 200_00, "fund": 400_00}
    back(bank, loan, "100.00")
    assert bears(bank, loan, "GEN") == {"reserve:RESERVE": 360_00}
    assert bears(bank, loan) == {"reserve:RESERVE": 200_00, "fund": 340_00}


def test_a_fund_with_a_waterfall_takes_no_reserve_by_hand(bank: SmallBank) -> None:
    decide(bank)
    loan = bank.agreed("grant-loan", member="M0001", principal="90.00", annual_rate="0", installments="3").created[0]
    bank.do("disburse-loan", by=bank.tom, loan=loan)
    visit(bank, "2026-05-04")
    refused(bank, InvalidValue, "charge-off", bank.ana, loan=loan, resolution="x", why="x", reserve_account="RESERVE",
            from_reserve="10.00", field="reserve_account", says="waterfall")  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ("notes A", "steps"), ("notes A, allowance", "steps"), ("allowance, shares 901, notes A", "steps"),
        ("allowance, shares 903, notes A", "steps"), ("allowance, notes A, notes A", "steps"),
        ("allowance, shares 905", "steps.1"), ("allowance, members M0001", "steps.1"), ("allowance, notes", "steps.1"),
        ("allowance GEN", "steps.0"), ("allowance keeps 5.00", "steps.0"), ("allowance, reserve FIRST", "steps.1"),
        ("allowance, surplus POOL", "steps.1"), ("allowance, surplus GRT", "steps.1"),
        ("allowance, reserve RESERVE keeps -5.00", None), ("<b>allowance</b>", None), ("=1+1", None), ("", None),
    ],
)  # fmt: skip
def test_an_order_that_cannot_be(counter: SmallBank, steps: str, field: str | None) -> None:
    values: dict[str, Any] = {"fund": "RLF", "steps": steps, "resolution": "R-1"}
    refused(counter, InvalidValue, "set-loss-waterfall", counter.tom, field=field, **values)


def test_who_decides_and_that_a_change_says_why(counter: SmallBank) -> None:
    values = {"fund": "RLF", "steps": "allowance, notes A", "resolution": "R-1"}
    refused(counter, NotAllowed, "set-loss-waterfall", **values)
    refused(counter, Unknown, "set-loss-waterfall", counter.tom, **{**values, "fund": "XYZ"})
    refused(counter, Unknown, "set-loss-waterfall", counter.tom, **{**values, "steps": "allowance, reserve XYZ"})
    refused(counter, Unknown, "set-loss-waterfall", counter.tom, **{**values, "steps": "allowance, surplus XYZ"})
    refused(counter, InvalidValue, "set-loss-waterfall", counter.tom, field="fund", **{**values, "fund": "LLR"})
    refused(
        counter, InvalidValue, "set-loss-waterfall", counter.tom, field="resolution", **{**values, "resolution": ""}
    )
    number = decide(counter, "allowance, notes A").number
    refused(counter, InvalidValue, "set-loss-waterfall", counter.tom, field="steps", says="already", **values)
    refused(counter, InvalidValue, "set-loss-waterfall", counter.tom, field="why", **{**values, "steps": "allowance"})
    refused(counter, CannotReverse, "reverse", counter.tom, operation=number, reason="x")
    decide(counter, "allowance", why="simpler")


def test_a_loss_shared_otherwise_is_found(engine_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The people who charge off spare the reserve's owner, by a program of their own: the books say so for ever."""
    right = Sharing.share

    def spared(self: Sharing, fund: str, loss: int, held: int, steps: list[Step]) -> list[Share]:
        return right(self, fund, loss, held, [step for step in steps if step.kind != "reserve"])

    with new_bank(engine_url) as small:
        begin(small)
        decide(small, "allowance, reserve RESERVE, notes A")
        terms: dict[str, Any] = {"annual_rate": "0", "installments": "10"}
        loan = small.agreed("grant-loan", member="M0001", principal="400.00", **terms).created[0]
        small.do("disburse-loan", by=small.tom, loan=loan)
        visit(small, "2026-05-04")
        small.spoiled = True
        asked = small.ask("charge-off", small.ana, loan=loan, resolution="x", why="x")
        with monkeypatch.context() as patched:
            patched.setattr(Sharing, "share", spared)
            small.bank.perform(small.sue, small.bank.build("approve", {"request": asked.request}))
        with pytest.raises(AssertionError, match="RLF shares its loss otherwise"):
            assert_books(small)


# ---------------------------------------------------------------------------------------- by itself


class Fixed:
    """Books that say what a test wants."""

    def balance(self, fund: str, code: str) -> int:
        return {"731/R": 500, "729": 900, "M49": -300}[code]

    def control(self, gl_code: str) -> int:
        return -70

    def result(self, fund: str) -> int:
        return 800

    def account_fund(self, bank_account: str) -> str:
        return "LLR"

    def owed_on_notes(self, fund: str, note_class: str) -> int:
        return 40

    def borne(self, fund: str, absorber: str) -> int:
        return 10


@pytest.mark.parametrize("loss", [0, 1, 100, 599, 600, 1200, 1229, 1230, 1231, 1290, 5000])
def test_parts_add_up_to_the_loss_and_respect_every_floor(loss: int) -> None:
    steps = [Step("allowance"), Step("reserve", "R", 100), Step("surplus", "GEN", 0), Step("notes", "B", 0),
             Step("shares", "901", 0)]  # fmt: skip
    shares = Sharing(Fixed()).share("RLF", loss, 200, steps)
    assert sum(share.amount for share in shares) == loss
    most = {1: 200, 2: 400, 3: 600, 4: 30, 5: 60}
    for share in shares[:-1]:
        assert share.amount == most[share.number], "the next is hit only when one bears all it can"


def test_a_refill_that_skips_an_absorber_is_seen() -> None:
    bore = [Share(1, "allowance", 5), Share(2, "notes:B", 7), Share(99, "fund", 3)]
    assert refilled_in_order(bore, bore)
    assert refilled_in_order(bore, bore[:1])
    assert refilled_in_order(bore, [Share(1, "allowance", 2)])
    assert not refilled_in_order(bore, bore[1:])
    assert not refilled_in_order(bore, [Share(1, "allowance", 4), Share(2, "notes:B", 1)])
    assert not refilled_in_order(bore, [Share(1, "allowance", 6)])
