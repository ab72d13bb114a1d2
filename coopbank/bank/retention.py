"""Which of many copies are kept: so many daily, weekly, monthly and yearly ones.

"7 daily 5 weekly 12 monthly" keeps the newest copy of each of the last seven days that have one, of the last five weeks
(Monday to Sunday) and of the last twelve months. Days without a copy do not count: after a holiday nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from coopbank.errors import InvalidValue

KEPT, DAYS = "7 daily 5 weekly 12 monthly", 7
"""The policies `backups_kept` and `backup_days`, where the bank has not said otherwise."""

_PERIODS: Final[dict[str, Callable[[date], object]]] = {
    "daily": lambda day: day,
    "weekly": lambda day: day.isocalendar()[:2],
    "monthly": lambda day: (day.year, day.month),
    "yearly": lambda day: day.year,
}


def rules_of(text: str) -> dict[str, int]:
    """The policy `backups_kept`, parsed."""
    words = text.split(" ")
    rules = dict(zip(words[1::2], words[::2], strict=False))
    whole = len(words) % 2 == 0 and len(rules) == len(words) // 2
    if not whole or not all(name in _PERIODS and re.fullmatch(r"[1-9][0-9]{0,2}", n) for name, n in rules.items()):
        raise InvalidValue(
            "This does not say which backups are kept.", field="value",
            hint='Write it as "{example}"; the words are {words}.', example=KEPT, words=", ".join(_PERIODS),
        )  # fmt: skip
    return {name: int(count) for name, count in rules.items()}


def kept(newest_first: Sequence[date], rules: dict[str, int]) -> set[int]:
    """Places of the copies that a rule keeps; the newest is kept whatever the rules."""
    found = set(range(min(1, len(newest_first))))
    for name, count in rules.items():
        first: dict[object, int] = {}
        for place, day in enumerate(newest_first):
            first.setdefault(_PERIODS[name](day), place)
        found.update(list(first.values())[:count])
    return found
