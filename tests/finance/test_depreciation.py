"""What is spread over months: every cent of it, once."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.finance.depreciation import months_through, spread


@given(total=st.integers(0, 10**15), life=st.integers(1, 1200))
def test_the_months_add_up_to_the_whole(total: int, life: int) -> None:
    marks = [spread(total, month, life) for month in range(life + 1)]
    parts = [after - before for before, after in pairwise(marks)]
    assert marks[0] == 0 and sum(parts) == marks[-1] == total
    assert max(parts) - min(parts) <= 1 + (total % life > 0), "equal parts, but for a cent"
    assert spread(total, life + 7, life) == total and spread(total, -3, life) == 0


def test_by_hand() -> None:
    """100.00 over three months: 33.33, 33.34, 33.33."""
    assert [spread(100_00, month, 3) for month in (1, 2, 3)] == [33_33, 66_67, 100_00]
    with pytest.raises(ValueError, match="one month"):
        spread(1, 1, 0)


@pytest.mark.parametrize(
    ("start", "last", "months"),
    [("2026-03-31", "2026-03-01", 1), ("2026-03-01", "2026-02-28", 0), ("2025-11-30", "2026-02-28", 4)],
)
def test_months_count_whole(start: str, last: str, months: int) -> None:
    assert months_through(date.fromisoformat(start), date.fromisoformat(last)) == months
