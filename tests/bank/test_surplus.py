"""The surplus: rules, proposal, division to the cent (E30), patronage paid and redeemed (E31)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.errors import (
    AlreadyExists,
    CannotReverse,
    InvalidAmount,
    InvalidValue,
    NotOffered,
    Overdrawn,
    Refused,
    Unknown,
    WrongState,
)
from tests.bank.support_equity import close_year, earn, end_of_year, lines
from tests.conformance.test_entries import Block, Line, read_blocks
from tests.support_bank import CHARITY, SmallBank, assert_books, new_bank


def both(small: SmallBank, operation: str, **values: Any) -> dict[str, int]:
    return lines(small.agreed(operation, by=small.tom, approver=small.sue, **values))


def rules(small: SmallBank, *steps: str, **values: Any) -> None:
    both(small, "set-surplus-rules", **{
        "steps": list(steps), "consent": "bylaw 12", "resolution": "assembly of 1 March",
    } | values)  # fmt: skip


# ------------------------------------------------------------------------- the worked blocks

BLOCKS = read_blocks("equity.md")
NAMED = {"M0007", "M0020", "M0042"}
OPENING = (
    "POOL 739/VAULT Dr 16525.00", "POOL 879/GEN Cr 16525.00", "GEN 729 Dr 16525.00",
    "GEN 940 Cr 2300.00", "GEN 901/M0042 Cr 25.00", "GEN 901/M0102 Cr 2500.00",
    "GEN 945/M0007/2021 Cr 120.00", "GEN 945/M0102/2021 Cr 380.00", "GEN 945/M0102/2023 Cr 1500.00",
    "GEN 111 Cr 11467.39", "GEN 127 Cr 2.85", "GEN 185 Cr 2150.00", "GEN 250 Dr 400.00", "GEN 260 Dr 22.00",
    "GEN 290 Dr 2000.00", "GEN 301 Dr 385.74", "GEN 330 Dr 5.00", "GEN 366 Dr 650.00", "GEN 381 Dr 120.00",
    "GEN 385 Dr 37.50", "GEN 187 Dr 300.00", "SOL 187 Cr 300.00", "SOL 961 Dr 300.00",
    "GRT 186 Dr 2150.00", "GRT 961 Cr 2150.00",
)  # fmt: skip


def collapsed(fund: str, code: str) -> str:
    """A leaf as the blocks name it: members who stand for others by that word."""
    control, _slash, rest = code.partition("/")
    member, _slash, vintage = rest.partition("/")
    if not member.startswith("M0") or member in NAMED:
        return code
    return "/".join(part for part in (control, "MEMBERS" if control == "821" else "OTHERS", vintage) if part)


def as_block(*receipts: dict[str, int]) -> Counter[Line]:
    found: Counter[Line] = Counter()
    sums: dict[tuple[str, str], int] = {}
    for moved in receipts:
        for leaf, amount in moved.items():
            fund, code = leaf.split(" ")
            code = collapsed(fund, code)
            code = "821/MEMBERS" if code.startswith("821/") else code
            sums[fund, code] = sums.get((fund, code), 0) + amount
    for (fund, code), amount in sums.items():
        found[fund, code, amount] += 1
    return found


def of(block: Block) -> Counter[Line]:
    return Counter(block.lines)


def test_the_worked_surplus_is_divided_paid_and_redeemed(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        for number in sorted({*NAMED, "M0102"}):
            small.admit(f"Member {number}", number=number)
        small.do("open-savings", member="M0020")
        for code, kind in (("EDU", "designated"), ("SOL", "designated"), ("GRT", "restricted")):
            both(small, "open-fund", code=code, fund_name=code, fund_class=kind)
        both(small, "opening-balance", lines=list(OPENING))
        both(small, "close-opening")
        both(small, "set-share-class", share_class="901", notice_days=60, resolution="bylaw 4")
        both(small, "record-hours", year="2026", hours=["M0020 412.35", "M0102 6559.55"], source="time sheets")
        rules(small, "indivisible 20", "fund EDU 10", "dividend 901 1", "patronage hours 100")
        end_of_year(small)
        close_year(small)
        small.go_to("2027-03-20")
        small.do("propose-surplus", by=small.tom, year="2026")
        assert as_block(both(small, "allocate-surplus", year="2026", resolution="R-33")) == of(BLOCKS["E30"])
        assert small.balance("940") == -(2300_00 + 9700_00 - 9997_15)
        small.go_to("2027-04-15")
        paid = lines(small.do("pay-patronage", by=small.tom, member="M0020", to_savings=True))
        redeemed = both(small, "redeem-patronage", vintage="2021", resolution="R-34")
        assert as_block(paid, redeemed) == of(BLOCKS["E31a"])
        small.go_to("2027-04-20")
        cash = lines(small.do("pay-patronage", member="M0007"))
        given = lines(small.agreed("accept-redemption", member="M0042", amount="25.00"))
        assert as_block(cash, given) == of(BLOCKS["E31b"])
        small.go_to("2027-06-18")
        with pytest.raises(WrongState, match="2027-06-19"):
            small.do("pay-redemption", redemption="RD-00001")
        small.go_to("2027-06-21")
        assert as_block(lines(small.do("pay-redemption", redemption="RD-00001"))) == of(BLOCKS["E31c"])
        assert_books(small)


# --------------------------------------------------------------------------------- the bases


def two_members(small: SmallBank) -> tuple[str, str]:
    mia, bea = small.admit("Mia Lee"), small.admit("Bea Long")
    for member in (mia, bea):
        small.do("buy-shares", member=member, amount="25.00")
    return mia, bea


def divide(small: SmallBank, year: str = "2026") -> dict[str, int]:
    small.do("propose-surplus", by=small.tom, year=year)
    return both(small, "allocate-surplus", year=year, resolution="assembly")


def test_patronage_by_average_savings(small: SmallBank) -> None:
    mia, bea = two_members(small)
    for member, amount in ((mia, "300.00"), (bea, "100.00")):
        small.do("open-savings", member=member)
        small.do("deposit", member=member, amount=amount)
    earn(small, "100.00")
    rules(small, "patronage savings 50")
    end_of_year(small)
    close_year(small)
    got = divide(small)
    assert got == {
        "GEN 940": 50_00, f"GEN 823/{mia}": -7_50, f"GEN 945/{mia}/2026": -30_00,
        f"GEN 823/{bea}": -2_50, f"GEN 945/{bea}/2026": -10_00,
    }  # fmt: skip


def test_patronage_by_interest_that_was_paid_in_the_year(small: SmallBank) -> None:
    mia, bea = two_members(small)
    earn(small, "5000.00", account="151")
    for member, rate in ((mia, "10"), (bea, "5")):
        small.agreed("grant-loan", member=member, fund="GEN", principal="1200.00", annual_rate=rate, installments=12,
                     purpose="stock")  # fmt: skip
    for loan in ("L-001", "L-002"):
        small.do("disburse-loan", by=small.tom, loan=loan, tender="transfer")
    small.go_to("2026-05-02")
    for loan in ("L-001", "L-002"):
        small.do("repay-loan", loan=loan, amount="700.00", tender="transfer")
    small.do("repay-loan", loan="L-002", amount="5.00", tender="transfer")
    with small.read() as books:
        from coopbank.bank.equity import interest_weights

        paid = interest_weights(books, "2026", 10**9)
        assert paid[mia] > paid[bea] > 0
        assert not interest_weights(books, "2025", 10**9)
    rules(small, "patronage interest 100", qualified=False, cash="10")
    end_of_year(small)
    close_year(small)
    got = divide(small)
    whole = got["GEN 940"]
    parts = {m: -got[f"GEN 823/{m}"] - got[f"GEN 946/{m}/2026"] for m in (mia, bea)}
    assert sum(parts.values()) == whole
    assert abs(parts[mia] - whole * paid[mia] / (paid[mia] + paid[bea])) <= 1
    assert -got[f"GEN 823/{mia}"] == -(-parts[mia] // 10)  # a tenth in money, rounded up


def test_every_notice_has_its_part_in_money_rounded_up(small: SmallBank) -> None:
    members = [small.admit(f"Member {n}") for n in range(7)]
    hours = [f"{member} {n + 1}.13" for n, member in enumerate(members)]
    both(small, "record-hours", year="2026", hours=hours, source="sheets")
    earn(small, "13.37")
    rules(small, "regular 3.3", "patronage hours 100")
    end_of_year(small)
    close_year(small)
    got = divide(small)
    for member in members:
        cash, kept = -got[f"GEN 823/{member}"], -got[f"GEN 945/{member}/2026"]
        assert cash * 100 >= 20 * (cash + kept) and (cash - 1) * 100 < 20 * (cash + kept)
    assert got["GEN 940"] == 13_37 and got["GEN 931"] == -44


# ----------------------------------------------------------------------------------- refusals


def test_rules_that_do_not_add_up(small: SmallBank) -> None:
    wrong: tuple[tuple[type[Refused], list[str], dict[str, Any]], ...] = (
        (InvalidAmount, ["indivisible 60", "regular 41"], {}),
        (InvalidAmount, ["patronage interest 60", "patronage hours 41"], {}),
        (InvalidValue, ["patronage interest 60", "indivisible 10"], {}),
        (InvalidValue, ["indivisible 20", "indivisible 10"], {}),
        (InvalidAmount, ["indivisible 0"], {}),
        (InvalidAmount, ["dividend 901 9"], {}),
        (InvalidValue, ["fund GEN 10"], {}),
        (InvalidValue, ["fund POOL 10"], {}),
        (Unknown, ["fund NONE 10"], {}),
        (InvalidValue, ["member M0001 10"], {}),
        (InvalidValue, [], {}),
        (InvalidValue, ["indivisible -20"], {}),
        (InvalidValue, ["patronage interest 100"], {"consent": ""}),
        (InvalidAmount, ["patronage interest 100"], {"cash": "19.99"}),
        (InvalidValue, ["patronage interest 100"], {"outside": ["729 100"]}),
        (InvalidValue, ["patronage interest 100"], {"outside": ["127 100", "127 50"]}),
        (InvalidValue, ["patronage interest 100"], {"outside": ["127 101"]}),
    )  # fmt: skip
    for refusal, steps, values in wrong:
        with pytest.raises(refusal):
            rules(small, *steps, **values)
    both(small, "set-share-class", share_class="903", presentation="liability", resolution="R-1")
    with pytest.raises(InvalidValue, match="liability"):
        rules(small, "dividend 903 3")
    rules(small, "indivisible 20")
    with pytest.raises(InvalidValue, match="already"):
        rules(small, "indivisible 20")


def test_hours_of_nobody_or_twice(small: SmallBank) -> None:
    mia, _bea = two_members(small)
    for refusal, hours in (
        (Unknown, ["M0099 4"]), (InvalidValue, [f"{mia} 4", f"{mia} 5"]), (InvalidValue, [f"{mia} -4"]),
        (InvalidValue, [f"{mia} 4.125"]), (InvalidValue, []),
    ):  # fmt: skip
        with pytest.raises(refusal):
            both(small, "record-hours", year="2026", hours=hours, source="sheets")


def test_a_proposal_needs_a_closed_year_rules_and_a_surplus(small: SmallBank) -> None:
    with pytest.raises(WrongState, match="not closed"):
        small.do("propose-surplus", by=small.tom, year="2026")
    both(small, "journal-entry", memo="rent", lines=["GEN 250 Dr 30.00", "GEN 865 Cr 30.00"])
    end_of_year(small)
    close_year(small)
    with pytest.raises(Unknown):
        small.do("propose-surplus", by=small.tom, year="2026")
    rules(small, "indivisible 20")
    with pytest.raises(WrongState, match="loss"):
        small.do("propose-surplus", by=small.tom, year="2026")
    with pytest.raises(Unknown):
        both(small, "allocate-surplus", year="2026", resolution="assembly")


def test_a_division_that_gives_nobody_anything_is_refused(small: SmallBank) -> None:
    """The surplus is the bank's interest alone, which is kept: nothing is left for anybody, and no entry to be made."""
    mia, _bea = two_members(small)
    small.do("open-savings", member=mia)
    small.do("deposit", member=mia, amount="300.00")
    small.do("receive-bank-interest", by=small.tom, amount="25.00", start="2026-03-01", end="2026-03-02")
    rules(small, "patronage savings 100")
    end_of_year(small)
    close_year(small)
    with pytest.raises(WrongState, match=r"nothing of the surplus of 2026, 25\.00, goes to anybody") as refusal:
        small.do("propose-surplus", by=small.tom, year="2026")
    assert refusal.value.field == "year"


def test_what_was_proposed_is_what_is_posted(small: SmallBank) -> None:
    mia, bea = two_members(small)
    both(small, "record-hours", year="2026", hours=[f"{mia} 10", f"{bea} 20"], source="sheets")
    earn(small, "100.00")
    rules(small, "indivisible 20", "dividend 901 2", "patronage hours 100")
    end_of_year(small)
    close_year(small)
    small.do("propose-surplus", by=small.tom, year="2026")
    both(small, "record-hours", year="2026", hours=[f"{mia} 20", f"{bea} 10"], source="sheets, corrected")
    with pytest.raises(WrongState, match="changed"):
        both(small, "allocate-surplus", year="2026", resolution="assembly")
    divide(small)
    for name, values in (
        ("propose-surplus", {}), ("allocate-surplus", {"resolution": "again"}),
        ("record-hours", {"hours": [f"{mia} 1"], "source": "late"}),
    ):  # fmt: skip
        with pytest.raises(AlreadyExists):
            small.ask(name, by=small.tom, year="2026", **values)
    with pytest.raises(AlreadyExists):
        both(small, "declare-dividend", year="2026", share_class="901", rate="1", resolution="twice")


def test_no_more_than_undivided_earnings_hold(small: SmallBank) -> None:
    earn(small, "100.00")
    rules(small, "indivisible 100")
    end_of_year(small)
    close_year(small)
    both(small, "journal-entry", memo="to the regular reserve", lines=["GEN 940 Dr 60.00", "GEN 931 Cr 60.00"])
    small.do("propose-surplus", by=small.tom, year="2026")
    with pytest.raises(Overdrawn, match=r"40\.00"):
        both(small, "allocate-surplus", year="2026", resolution="assembly")


def test_a_division_is_taken_back_before_anything_of_it_was_paid(small: SmallBank) -> None:
    mia, _bea = two_members(small)
    both(small, "record-hours", year="2026", hours=[f"{mia} 10"], source="sheets")
    earn(small, "100.00")
    rules(small, "indivisible 20", "dividend 901 2", "patronage hours 100")
    end_of_year(small)
    close_year(small)
    small.do("propose-surplus", by=small.tom, year="2026")
    made = small.agreed("allocate-surplus", by=small.tom, approver=small.sue, year="2026", resolution="R-1")
    small.agreed("reverse", by=small.tom, approver=small.sue, operation=str(made.number), reason="a wrong list")
    assert small.balance("932") == small.balance(f"945/{mia}/2026") == small.balance(f"823/{mia}") == 0
    with small.read() as books:
        assert books.get(records.Surplus, "2026").state == "proposed"
        assert books.find(records.Dividend, "2026-901") is None
    again = small.agreed("allocate-surplus", by=small.tom, approver=small.sue, year="2026", resolution="R-2")
    small.do("pay-patronage", member=mia)
    with pytest.raises(CannotReverse):
        small.ask("reverse", by=small.tom, operation=str(again.number), reason="too late")


# ------------------------------------------------------------------------ paying and redeeming


def test_the_oldest_vintage_first_over_all_members(small: SmallBank) -> None:
    for number in ("M0001", "M0002", "M0003"):
        small.admit(f"Member {number}", number=number)
    both(small, "opening-balance", lines=[
        "POOL 739/VAULT Dr 130.00", "POOL 879/GEN Cr 130.00", "GEN 729 Dr 130.00",
        "GEN 945/M0001/2020 Cr 33.33", "GEN 945/M0002/2020 Cr 33.33", "GEN 946/M0003/2020 Cr 33.34",
        "GEN 945/M0001/2022 Cr 30.00",
    ])  # fmt: skip
    both(small, "close-opening")
    with pytest.raises(WrongState, match="2020 comes before 2022"):
        both(small, "redeem-patronage", vintage="2022", resolution="R-1")
    with pytest.raises(Overdrawn):
        both(small, "redeem-patronage", vintage="2019", resolution="R-1")
    with pytest.raises(Overdrawn):
        both(small, "redeem-patronage", vintage="2020", amount="100.01", resolution="R-1")
    part = both(small, "redeem-patronage", vintage="2020", amount="10.00", resolution="R-1")
    assert sorted(amount for leaf, amount in part.items() if leaf.startswith("GEN 823")) == [-3_34, -3_33, -3_33]
    both(small, "redeem-patronage", vintage="2020", resolution="R-2")
    assert small.balance("823/M0003") == -33_34
    small.agreed("set-policy", by=small.admin, approver=small.tom, policy="redemption_reserve", value="10")
    with pytest.raises(InvalidAmount, match="Reserves"):
        both(small, "redeem-patronage", vintage="2022", resolution="R-3")
    with pytest.raises(Refused):
        small.agreed("set-policy", by=small.admin, approver=small.tom, policy="redemption_reserve", value="all")


def test_shares_are_paid_after_notice_in_turn_and_within_the_cap(small: SmallBank) -> None:
    members = [small.admit(f"Member {n}") for n in range(3)]
    for member in members:
        small.do("buy-shares", member=member, share_class="903", amount="1000.00")
    terms = {"share_class": "903", "notice_days": 30, "yearly_cap": "10", "resolution": "bylaw 5"}
    both(small, "set-share-class", **terms)
    with pytest.raises(WrongState, match="by notice"):
        small.ask("redeem-shares", member=members[0], share_class="903", amount="100.00")
    for refusal, member, amount in (
        (InvalidAmount, members[0], "150.00"), (Overdrawn, members[0], "1100.00"), (Unknown, "M0099", "100.00"),
    ):  # fmt: skip
        with pytest.raises(refusal):
            small.ask("accept-redemption", member=member, share_class="903", amount=amount)
    end_of_year(small)
    for member, amount in zip(members, ("200.00", "100.00", "100.00"), strict=True):
        small.agreed("accept-redemption", member=member, share_class="903", amount=amount)
    small.go_to("2027-02-10")
    with pytest.raises(WrongState, match="RD-00001 was accepted before"):
        small.do("pay-redemption", redemption="RD-00002")
    small.do("pay-redemption", redemption="RD-00001")
    with pytest.raises(WrongState, match="is paid"):
        small.do("pay-redemption", redemption="RD-00001")
    small.do("pay-redemption", redemption="RD-00002")
    with pytest.raises(WrongState, match="At most 300"):
        small.do("pay-redemption", redemption="RD-00003")
    with pytest.raises(Unknown):
        small.do("pay-redemption", redemption="RD-00009")
    assert small.balance(f"825/{members[2]}") == -100_00


def test_an_acceptance_is_taken_back_while_it_waits(small: SmallBank) -> None:
    mia, _bea = two_members(small)
    made = small.agreed("accept-redemption", member=mia, amount="25.00")
    small.agreed("reverse", operation=str(made.number), reason="she stays")
    assert small.balance(f"901/{mia}") == -25_00
    with pytest.raises(Unknown):
        small.do("pay-redemption", redemption="RD-00001")


def test_nothing_of_it_is_payable(small: SmallBank) -> None:
    mia, _bea = two_members(small)
    with pytest.raises(Overdrawn):
        small.do("pay-patronage", member=mia)
    with pytest.raises(Overdrawn):
        small.ask("pay-patronage", by=small.tom)


def test_a_charity_has_no_patronage(engine_url: str) -> None:
    with new_bank(engine_url, institution_kind=CHARITY) as small:
        for name, values in (
            ("set-surplus-rules", {"steps": ["indivisible 20"], "resolution": "R", "consent": "b"}),
            ("propose-surplus", {"year": "2026"}), ("allocate-surplus", {"year": "2026", "resolution": "R"}),
            ("redeem-patronage", {"vintage": "2021", "resolution": "R"}), ("pay-patronage", {"member": "M0001"}),
            ("record-hours", {"year": "2026", "hours": ["M0001 4"], "source": "s"}),
        ):  # fmt: skip
            with pytest.raises(NotOffered):
                small.ask(name, by=small.tom, **values)
