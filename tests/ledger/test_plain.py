"""What breaks a rule of bookkeeping is never plain, however well text and tables agree: the checks then look at it."""

from __future__ import annotations

from typing import Any

import pytest

from coopbank.ledger.chain import canonical
from coopbank.ledger.columns import Columns, Proven
from coopbank.ledger.log import Leaf, Log, Operation
from coopbank.ledger.proof import take_plain

DAY = "2026-03-02"
PLAIN = Operation(
    book="b", number=2, at=f"{DAY}T15:00:00.000000Z", business_date=DAY, actor="ann", approver=None, kind="test",
    kind_version=1, key="k", request={}, entries=[[1, DAY, "m", None, [[1, 500], [2, -500]]]], rows=[], previous="",
    text="",
)  # fmt: skip


def log() -> Log:
    """Books of an open day: 1 may not fall below zero, 2 is free, 3 is of another fund."""
    made = Log(states={DAY: "open"})
    for number, fund, floor in ((1, "GEN", 0), (2, "GEN", None), (3, "REV", None)):
        made.leaves[number] = Leaf(1, number, "739", fund, "", None, "asset", "USD", floor, None)
    return made


def page(*operations: Operation) -> Proven:
    """A page of these operations, as a proven one says them."""
    entries = [entry for operation in operations for entry in operation.entries]
    lines = [line for entry in entries for line in entry[4]]
    return Proven(
        None,
        Columns(
            "b", 2, *(tuple(column) for column in zip(*(
                (one.key, one.kind, one.kind_version, one.actor, one.approver, one.business_date, one.at)
                for one in operations
            ), strict=True)),
            [canonical(one.request) for one in operations],
            {at: one.rows for at, one in enumerate(operations) if one.rows},
            1, tuple(len(one.entries) for one in operations), tuple(entry[1] for entry in entries),
            tuple(entry[2] for entry in entries), tuple(entry[3] for entry in entries),
            [len(entry[4]) for entry in entries], tuple(line[0] for line in lines), tuple(line[1] for line in lines),
            bytes(32), bytes(32 * len(operations)), bytes(32 * len(operations)),
        ),
    )  # fmt: skip


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
    "approved alone": {"approver": "ann"},
    "approved by nobody": {"approver": ""},
    "rows": {"rows": [["period_state", DAY, "closed"]]},
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_breaks_a_rule_is_not_plain_and_is_not_taken_over(what: str) -> None:
    books = log()
    assert not take_plain(books, page(PLAIN._replace(**BROKEN[what])), 0)
    assert not books.debits and not books.credits


@pytest.mark.parametrize(
    "state", [{}, {DAY: "closed"}, {DAY: "open", "2026-03": "locked"}, {DAY: "open", "2026": "locked"}]
)
def test_nothing_is_plain_on_a_day_that_is_not_open(state: dict[str, str]) -> None:
    books = log()
    books.states = state
    assert not take_plain(books, page(PLAIN), 0)


def test_days_do_not_run_backwards() -> None:
    books = log()
    books.states["2026-03-03"] = "open"
    later = PLAIN._replace(business_date="2026-03-03", at="2026-03-03T15:00:00.000000Z",
                           entries=[[1, "2026-03-03", "m", None, [[1, 500], [2, -500]]]])  # fmt: skip
    assert len(take_plain(books, page(later, PLAIN), 0)) == 1
    books.last = page(later).stored(0)
    assert not take_plain(books, page(PLAIN), 0)
