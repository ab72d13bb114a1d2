"""Which copies are kept: the policy is read strictly, and keeps what it says."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.bank.retention import KEPT, kept, rules_of
from coopbank.errors import InvalidValue

TODAY = date(2026, 3, 4)  # a Wednesday


def test_the_policy_is_read() -> None:
    assert rules_of(KEPT) == {"daily": 7, "weekly": 5, "monthly": 12}
    assert rules_of("3 yearly") == {"yearly": 3}


@pytest.mark.parametrize(
    "text",
    ["", " ", "daily", "7", "7 days", "0 daily", "-1 daily", "7  daily", "7 daily ", " 7 daily", "7 daily, 5 weekly",
     "1000 daily", "7 daily 7 daily", "7 daily 5", "daily 7", "7 Daily", "+7 daily", "7.0 daily", "٧ daily", "07 daily",
     "7 daily\n5 weekly"],
)  # fmt: skip
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        rules_of(text)


def days(count: int) -> list[date]:
    return [TODAY - timedelta(days=back) for back in range(count)]


def test_so_many_days_weeks_and_months_are_kept() -> None:
    all_days = days(800)
    found = [all_days[place] for place in sorted(kept(all_days, rules_of(KEPT)))]
    assert found[:7] == all_days[:7]
    assert [day.isoformat() for day in found[7:]] == [
        "2026-02-22", "2026-02-15", "2026-02-08", "2026-01-31", "2025-12-31", "2025-11-30", "2025-10-31", "2025-09-30",
        "2025-08-31", "2025-07-31", "2025-06-30", "2025-05-31", "2025-04-30",
    ]  # fmt: skip


def test_days_without_a_copy_do_not_count() -> None:
    """After a holiday of a month nothing that was kept is lost."""
    before = [TODAY - timedelta(days=30 + back) for back in range(7)]
    assert kept([TODAY, *before], {"daily": 7}) == set(range(7))


def test_of_several_copies_of_a_day_the_newest_is_kept() -> None:
    assert kept([TODAY, TODAY, TODAY - timedelta(days=1)], {"daily": 5}) == {0, 2}


@given(
    back=st.lists(st.integers(0, 2000), max_size=60),
    rules=st.dictionaries(st.sampled_from(["daily", "weekly", "monthly", "yearly"]), st.integers(1, 20), min_size=1),
)
def test_the_newest_is_always_kept_and_keeping_again_changes_nothing(back: list[int], rules: dict[str, int]) -> None:
    newest_first = [TODAY - timedelta(days=each) for each in sorted(back)]
    found = kept(newest_first, rules)
    assert (0 in found) == bool(newest_first)
    stayed = [newest_first[place] for place in sorted(found)]
    assert kept(stayed, rules) == set(range(len(stayed)))
    assert len(found) <= 1 + sum(rules.values())
