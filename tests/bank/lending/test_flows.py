"""From a story to lines: every flow balances, every fund has its share, and nothing is left when all is gone."""

from __future__ import annotations

import random
from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from coopbank.bank.lending.flows import (
    FLOWS,
    OWED,
    PEER_FLOWS,
    balance,
    by_fund,
    cash_of,
    difference,
    lines,
    on_leaf,
    pairs,
    real_fund,
    total,
)
from coopbank.bank.lending.scheduled import ScheduledRun
from tests.bank.lending.stories import (
    LENT,
    THREE_FUNDS,
    TWO_FUNDS,
    Story,
    a_life,
    assert_balanced,
    assert_sound,
)

PEERS = {"RLF": 60, "GEN": 15, "RLF@PF-1": 20, "RLF@PF-2": 5}
#: Weights of two to five funds.
WEIGHTS = st.lists(st.integers(1, 10_000), min_size=2, max_size=5).map(
    lambda weights: {f"F{n}": weight for n, weight in enumerate(weights)}
)


def test_every_flow_has_two_accounts_and_a_peers_part_owns_none_of_ours() -> None:
    assert all(debit != credit for debit, credit in FLOWS.values())
    ours = {"701", "781", "791", "111", "119", "719", "366"}
    assert not {each for pairs_ in PEER_FLOWS.values() for pair in pairs_ for each in pair} & ours
    assert set(PEER_FLOWS) - {"servicing"} <= set(FLOWS)


def test_the_interest_of_a_month_and_a_payment_by_sixty_and_forty() -> None:
    """E12 and E13: what March earned, then the difference to the payment's day, then the payment."""
    march = by_fund({"lent": LENT, "earned": 71_51}, TWO_FUNDS)
    assert {fund: flows["earned"] for fund, flows in march.items()} == {"RLF": 42_91, "GEN": 28_60}
    paid = {"lent": LENT, "earned": 73_89, "interest_paid": 73_89, "principal_paid": 466_11}
    moved = difference(by_fund(paid, TWO_FUNDS), march)
    assert moved == {
        "RLF": {"earned": 1_42, "interest_paid": 44_33, "principal_paid": 279_67},
        "GEN": {"earned": 96, "interest_paid": 29_56, "principal_paid": 186_44},
    }
    assert cash_of(moved) == {"RLF": 324_00, "GEN": 216_00}
    assert lines("L-010", "M0020", {"GEN": {"earned": 96}}) == [("GEN", "781/L-010", 96), ("GEN", "111", -96)]


def test_what_was_overpaid_is_the_borrowers_and_in_no_lending_fund() -> None:
    book = by_fund({"lent": 100, "principal_paid": 100, "overpaid": 7}, {"RLF": 1, "SOL": 1})
    assert book["GEN"] == {"overpaid": 7}
    assert lines("L-001", "M0007", {"GEN": {"overpaid": 7}}) == [("GEN", "871/M0007", -7)]
    assert_balanced(book)


@given(st.integers(0, 10**9), WEIGHTS)
def test_a_life_in_many_funds_is_sound_after_every_fact(seed: int, shares: dict[str, int]) -> None:
    story = a_life(random.Random(seed), Story(principal=997_13))
    run = ScheduledRun(story.contracts, story.principal, "USD")
    before: dict[str, dict[str, int]] = {}
    for fact in story.facts:
        run.apply(fact)
        assert_sound(run, shares)
        after = by_fund(run.state.flows, shares)
        moved = difference(after, before)
        assert_balanced(moved)
        before = after


@given(WEIGHTS, st.data())
def test_whatever_takes_a_balance_down_leaves_no_cent_behind_and_none_below_zero(
    shares: dict[str, int], data: st.DataObject
) -> None:
    """Principal, interest and fees that go in any portions and by any ways, to the last cent."""
    ways = {
        "lent": ("principal_paid", "written_principal", "given", "off_principal"),
        "earned": ("interest_paid", "waived", "unearned", "written_interest", "off_interest"),
        "fees": ("fees_paid", "fees_waived", "off_fees"),
    }
    flows: dict[str, int] = defaultdict(int)
    left = {name: data.draw(st.integers(1, 500)) for name in ways}
    flows |= left
    for name, takers in ways.items():
        account = FLOWS[name][0]
        while left[name]:
            amount = data.draw(st.integers(1, left[name]))
            flows[data.draw(st.sampled_from(takers))] += amount
            left[name] -= amount
            parts = [balance(of_fund, account) for of_fund in by_fund(flows, shares).values()]
            assert sum(parts) == left[name]
            assert min(parts, default=0) >= 0
            if not left[name]:
                assert not any(parts)


@given(st.integers(0, 10**9))
def test_a_peers_part_is_owed_in_memo_and_paid_through_its_own_account(seed: int) -> None:
    story = a_life(random.Random(seed), Story())
    run = ScheduledRun(story.contracts, story.principal, "USD")
    for fact in story.facts:
        run.apply(fact)
        book = by_fund(run.state.flows, PEERS, "0.10")
        owed = sum(balance(flows, code, name) for name, flows in book.items() for code in OWED)
        assert owed == run.state.owed
        assert owed == sum(on_leaf(book, fund, code) for fund in ("RLF", "GEN") for code in OWED)
        sums: dict[str, int] = defaultdict(int)
        memo: dict[str, int] = defaultdict(int)
        for fund, code, amount in lines("L-001", "M0001", book):
            (memo if code.startswith("M") else sums)[fund] += amount
        for fund, amount in cash_of(book).items():
            sums[fund] += amount
        assert not any(sums.values()), sums
        assert not any(memo.values()), memo
        for name, flows in book.items():
            if "@" not in name:
                continue
            through = flows.get("interest_paid", 0) + flows.get("interest_cash", 0)
            assert abs(flows.get("servicing", 0) - through * 0.10) <= 1
            assert balance(flows, "701", name) == balance(flows, "781", name) == 0
            held = {code: amount for _fund, code, amount in lines("L-001", "M0001", {name: flows})}
            assert set(held) <= {f"831/{name.partition('@')[2]}", "117", "M30/L-001", "M39"}
            assert real_fund(name) == "RLF"
            assert all(pairs(name, flow) for flow in flows)


def test_no_fund_is_a_cent_away_from_its_share() -> None:
    chance = random.Random(5)
    for _ in range(2000):
        amount = chance.randint(1, 10**7)
        book = by_fund({"lent": amount}, THREE_FUNDS)
        for fund, share in THREE_FUNDS.items():
            assert abs(book.get(fund, {}).get("lent", 0) - amount * share / 10_000) < 1
        assert total(book, "lent") == amount
