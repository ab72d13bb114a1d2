"""Samples: drawn again by another hand from the same seed, fair to every cent, and nothing left out in silence."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.errors import InvalidValue
from coopbank.finance.sampling import Item, draw_dollars, draw_simple, number, projected

LIST = [Item("a", 500), Item("b", 0), Item("c", 1500), Item("d", -40), Item("e", 250), Item("f", 9000), Item("g", 750)]

amounts = st.lists(st.integers(-5_000, 100_000), min_size=1, max_size=60)


def items_of(values: list[int]) -> list[Item]:
    return [Item(f"M{place:04d}", value) for place, value in enumerate(values)]


def test_the_number_of_a_seed_is_what_sha256sum_says() -> None:
    # printf '%s' 'river 42:start' | sha256sum
    assert number("river 42", "start") == int(hashlib.sha256(b"river 42:start").hexdigest(), 16)
    assert f"{number('river 42', 'start'):064x}".startswith("fc1a908dcb9ec5b7")


def test_a_sample_worked_by_hand() -> None:
    sample = draw_dollars(LIST, "river 42", interval=1000)
    assert sample.start == number("river 42", "start") % 1000 + 1
    assert [(pick.ref, pick.unit) for pick in sample.top] == [("c", None), ("f", None)]
    # below the interval are a (units 1 to 500), e (501 to 750) and g (751 to 1500)
    owner = {**dict.fromkeys(range(1, 501), "a"), **dict.fromkeys(range(501, 751), "e")}
    units = range(sample.start, 1501, 1000)
    assert [(pick.unit, pick.ref) for pick in sample.drawn] == [(unit, owner.get(unit, "g")) for unit in units]
    assert (sample.zero, sample.negative) == ((Item("b", 0),), (Item("d", -40),))
    assert (sample.count, sample.total) == (5, 12_000)


def test_the_top_stratum_is_taken_out_before_the_rest_is_spread() -> None:
    # 12,000 over 3 is 4,000, which f reaches; the other two come from 3,000 over 2
    sample = draw_dollars(LIST, "s", size=3)
    assert sample.interval == 1500
    assert {pick.ref for pick in sample.top} == {"f", "c"}
    assert len(sample.picks) == 3


def test_another_seed_is_another_sample_and_the_same_seed_the_same() -> None:
    many = items_of([100] * 500)
    assert draw_dollars(many, "one", size=20) == draw_dollars(many, "one", size=20)
    assert draw_dollars(many, "one", size=20).drawn != draw_dollars(many, "two", size=20).drawn
    assert draw_simple(many, "one", 20) != draw_simple(many, "two", 20)


@given(amounts, st.integers(1, 80), st.text(max_size=12))
def test_as_many_as_were_asked_for_are_drawn_and_each_once(values: list[int], size: int, seed: str) -> None:
    listed = items_of(values)
    sample = draw_dollars(listed, seed, size=size)
    refs = [pick.ref for pick in sample.picks]
    assert len(set(refs)) == len(refs)
    assert len(refs) >= min(size, sample.count)
    assert all((pick.amount >= sample.interval) == (pick.unit is None) for pick in sample.picks)
    assert sample.count + len(sample.zero) + len(sample.negative) == len(listed)
    assert sample.total == sum(value for value in values if value > 0)
    if sample.count:
        assert draw_dollars(listed, seed, interval=sample.interval) == sample


@given(amounts, st.integers(1, 5_000), st.text(max_size=8))
def test_whose_unit_is_hit_is_drawn_and_nobody_else(values: list[int], interval: int, seed: str) -> None:
    listed = items_of(values)
    sample = draw_dollars(listed, seed, interval=interval)
    expected, passed = [], 0
    for item in listed:
        if 0 < item.amount < interval:
            expected += [(item.ref, unit) for unit in range(passed + 1, passed + item.amount + 1)
                         if (unit - sample.start) % interval == 0]  # fmt: skip
            passed += item.amount
    assert [(pick.ref, pick.unit) for pick in sample.drawn] == expected


@given(amounts, st.integers(1, 80), st.randoms(use_true_random=False))
def test_a_simple_sample_does_not_care_for_the_order(values: list[int], size: int, chance: object) -> None:
    listed = items_of(values)
    drawn = draw_simple(listed, "seed", size)
    chance.shuffle(listed)  # type: ignore[attr-defined]
    assert draw_simple(listed, "seed", size) == drawn
    assert len(drawn) == min(size, len(listed))


def test_an_error_counts_for_its_interval_and_in_the_top_stratum_for_itself() -> None:
    sample = draw_dollars(LIST, "river 42", interval=1000)
    drawn = sample.drawn[0]
    assert projected(sample, {"f": 90}) == 90
    assert projected(sample, {drawn.ref: drawn.amount}) == 1000
    assert projected(sample, {drawn.ref: drawn.amount // 10, "f": 90}) == 190
    assert projected(sample, {}) == 0


@pytest.mark.parametrize(
    ("size", "interval", "field"), [(None, None, "size"), (3, 100, "size"), (0, None, "size"), (None, 0, "interval")]
)
def test_what_cannot_be_drawn_is_refused(size: int | None, interval: int | None, field: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        draw_dollars(LIST, "s", size=size, interval=interval)
    assert refusal.value.field == field


def test_a_list_with_an_item_twice_is_refused() -> None:
    with pytest.raises(InvalidValue):
        draw_dollars([Item("a", 1), Item("a", 2)], "s", size=1)
    with pytest.raises(InvalidValue):
        draw_simple([Item("a", 1)], "s", 0)
