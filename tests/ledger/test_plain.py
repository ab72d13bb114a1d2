"""What breaks a rule of bookkeeping is never plain, however well text and tables agree: the checks then look at it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from coopbank.ledger.log import Leaf, Log, Operation
from coopbank.ledger.proof import take_plain
from tests.ledger.support import page_of

DAY = "2026-03-02"
PLAIN = Operation(
    book="b", number=2, at=f"{DAY}T15:00:00.000000Z", business_date=DAY, actor="ann", approver=None, kind="test",
    kind_version=1, key="k", request={}, entries=[[1, DAY, "m", None, [[1, 500], [2, -500]]]], rows=[], previous="",
    text="",
)  # fmt: skip


def log() -> Log:
    """Books of two open days: 1 may not fall below zero, 2 is free, 3 and 4 are of another fund."""
    made = Log(states={DAY: "open", "2026-03-03": "open"})
    for number, fund, floor in ((1, "GEN", 0), (2, "GEN", None), (3, "REV", None), (4, "REV", None)):
        made.leaves[number] = Leaf(1, number, "739", fund, "", None, "asset", "USD", floor, None)
    return made


def entry(lines: list[list[int]], day: str = DAY, reverses: int | None = None) -> dict[str, Any]:
    return {"entries": [[1, day, "m", reverses, lines]]}


BROKEN: dict[str, dict[str, Any]] = {
    "out": entry([[1, 500], [2, -400]]),
    "out in each fund": entry([[1, 500], [3, -500]]),
    "beyond its guard": entry([[1, -1], [2, 1]]),
    "one line": entry([[1, 500]]),
    "a line of zero": entry([[1, 500], [2, -500], [2, 0]]),
    "an account that there is not": entry([[9, 500], [2, -500]]),
    "a reversal": entry([[1, 500], [2, -500]], reverses=7),
    "dated back": entry([[1, 500], [2, -500]], "2026-03-01"),
    "an instant that there is not": {"at": f"{DAY}T25:00:00.000000Z"},
    "a day after its instant": {"at": "2026-02-28T15:00:00.000000Z"},
    "a day that there is not": {"business_date": "2026-02-30"},
    "the last day that there is": {
        **entry([[1, 500], [2, -500]], "9999-12-31"),
        "business_date": "9999-12-31",
        "at": "9999-12-31T15:00:00.000000Z",
    },
    "a request of no fields": {"request": ["member"]},
    "approved alone": {"approver": "ann"},
    "approved by nobody": {"approver": ""},
    "rows": {"rows": [["period_state", DAY, "closed"]]},
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_breaks_a_rule_is_not_plain_and_is_not_taken_over(what: str) -> None:
    books = log()
    assert not take_plain(books, page_of(PLAIN._replace(**BROKEN[what])), 0)
    assert not books.debits and not books.credits


@pytest.mark.parametrize(
    "state", [{}, {DAY: "closed"}, {DAY: "open", "2026-03": "locked"}, {DAY: "open", "2026": "locked"}]
)
def test_nothing_is_plain_on_a_day_that_is_not_open(state: dict[str, str]) -> None:
    books = log()
    books.states = state
    assert not take_plain(books, page_of(PLAIN), 0)


def test_days_do_not_run_backwards() -> None:
    books = log()
    later = PLAIN._replace(business_date="2026-03-03", at="2026-03-03T15:00:00.000000Z",
                           entries=[[1, "2026-03-03", "m", None, [[1, 500], [2, -500]]]])  # fmt: skip
    assert len(take_plain(books, page_of(later, PLAIN), 0)) == 1
    books.last = page_of(later).stored(0)
    assert not take_plain(books, page_of(PLAIN), 0)


def test_days_that_change_and_guards_are_looked_at_operation_by_operation() -> None:
    """Money that comes before it goes is no overdraft; that which comes after is."""
    moves = [[[1, 500], [2, -500]], [[1, -400], [2, 400]], [[1, -400], [2, 400]], [[1, 300], [2, -300]]]
    books = log()
    told = page_of(*(
        PLAIN._replace(number=2 + at, key=f"k{at}", entries=[[1 + at, DAY, "m", None, lines]])
        for at, lines in enumerate(moves)
    ))  # fmt: skip
    taken = 0
    while taken < len(told) and (run := take_plain(books, told, taken)):
        taken = run.end
    assert taken == 2
    assert (books.debits, books.credits, books.next_entry) == ({1: 500, 2: 400}, {2: 500, 1: 400}, 3)
    assert len(take_plain(books, told, 3)) == 1, "the last is plain again"


@pytest.mark.parametrize("seed", range(12))
def test_runs_come_to_what_their_operations_come_to(seed: int) -> None:
    """Whatever is in a page: taken over in runs, or one by one, the same are plain and the books end alike."""
    operations = list(anything(Random(seed), 60))
    ends = []
    for pace in (len(operations), 1):
        books, told, plain = log(), page_of(*operations), []
        at = 0
        while at < len(told):
            told.pace = min(told.pace, pace)
            run = take_plain(books, told, at)
            plain += list(run)
            at = run.end if run else at + 1
            books.last = told.stored(at - 1)
        ends.append((plain, books.debits, books.credits, books.days, books.next_entry, list(books.entry_places),
                     list(books.entry_operations)))  # fmt: skip
    assert ends[0] == ends[1]
    assert 0 < len(ends[0][0]) < len(operations)


def anything(random: Random, count: int) -> Iterator[Operation]:
    """Operations of two days, most of them plain, some of them not for one reason or another."""
    first = 1
    for number in range(count):
        day = DAY if number < count * 2 // 3 else "2026-03-03"
        entries = []
        for _ in range(random.choice((0, 1, 1, 1, 2))):
            fund = random.choice(((1, 2), (1, 2), (3, 4)))
            amount = random.randint(-5_00, 9_00)
            lines = [[fund[0], amount], [fund[1], -amount]]
            if random.random() < 0.05:
                lines[1] = [random.choice((3, 9)), -amount + random.choice((0, 1))]
            dated = DAY if random.random() < 0.03 else day
            entries.append([first, dated, "", 7 if random.random() < 0.03 else None, lines])
            first += 1
        rows = [["period_state", "2026-02-01", "closed"]] if random.random() < 0.05 else []
        yield PLAIN._replace(
            number=2 + number, key=f"k{number}", business_date=day, at=f"{day}T15:00:00.000000Z",
            approver=random.choice((None, None, "bob", "ann" if random.random() < 0.1 else None)), entries=entries,
            rows=rows,
        )  # fmt: skip
