"""Faults planted in the bank on purpose: the model has to find each, and to tell it in a few steps.

A test that cannot fail proves nothing. So each of these changes one rule of the running program as a slip of the hand
would (a day too many, a limit that is not asked, a line in another fund), and the random walk of test_model.py has to
stumble over it. Where two layers keep the same promise, the outer one is taken away, and what the inner one then says
is not what the model says either.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank import accrual, bank, books, limits
from coopbank.bank.lending import allowance, closing, scheduled
from coopbank.bank.operations import cash, funds, loan_care, losses, savings_interest, suspense, undoing, year
from tests.model.books import Verdict
from tests.model.invariants import hold
from tests.model.play import Differs, Start, shortest, story
from tests.model.test_model import started
from tests.model.walk import Step, begin, steps

MOST_STEPS = 45  # of the shortest list; what every list begins with (money, members, a drawer) among them
LONGEST_WALK = 1_500


@dataclass(frozen=True)
class Fault:
    """Something to be put in the place of something else."""

    place: Any
    name: str
    instead: Any


def _up(numerator: int, denominator: int, *_: Any) -> int:
    return -(-numerator // denominator)


def _day_more(note: Any, until: date, really: Callable[..., int] = accrual.interest_to) -> int:
    return really(note, until + timedelta(days=1))


def _in_the_general_fund(
    desk: Any, fund: str, amount: int, really: Callable[..., Any] = suspense._as_gift
) -> list[tuple[str, str, int]]:
    really(desk, fund, amount)
    return [("GEN", "181", -amount)]


def _fee_of_the_whole_row(run: Any, due_by: date, really: Callable[..., Any] = loan_care.late_rows) -> Any:
    return [(due, unpaid + 100) for due, unpaid in really(run, due_by)]


def _all_to_the_cooperative(desk: Any, moved: Any, results: Any, really: Callable[..., Any] = year._own) -> Any:
    return ((fund, "940" if code == "961" else code, amount) for fund, code, amount in really(desk, moved, results))


FAULTS = {
    "interest is rounded up": Fault(accrual, "round_ratio", _up),
    "interest counts a day too many": Fault(accrual, "interest_to", _day_more),
    "a drawer holds more than its limit": Fault(cash, "require_limit", lambda *_: None),
    "a role's limit is not asked": Fault(limits, "require_within", lambda *_: None),
    "nobody else has to agree to much money": Fault(limits, "second_reason", lambda *_: None),
    "an operation is reversed twice": Fault(undoing, "reversed_by", lambda *_: None),
    "what came of a reversed operation is left": Fault(undoing, "undo_records", lambda *_, **__: None),
    "a gift goes to the wrong fund": Fault(suspense, "_as_gift", _in_the_general_fund),
    "a key is not remembered": Fault(bank.Bank, "_repeated", lambda *_: None),
    "tellers serve themselves": Fault(bank, "with_owners", lambda *_: set()),
    "money is paid out before its cheque is good": Fault(books.Books, "holds", lambda *_: 0),
    "a bill is entered twice": Fault(funds, "require_new_bill", lambda *_, **__: None),
    "early money always pays the next rows": Fault(scheduled.ScheduledRun, "_count", lambda run, _early, paid, _row: (
        setattr(run.state, "counted", run.state.counted + paid))),
    "a late fee is taken of a dollar too much": Fault(loan_care, "late_rows", _fee_of_the_whole_row),
    "interest of a month stays in the next": Fault(closing, "_since", lambda *_: {}),
    "a loss takes from the allowance what others need": Fault(losses, "_needed", lambda _desk, _ref, lost: (
        {fund: max(0, loss + _desk.balance(fund, "719")) for fund, loss in lost.items()})),
    "a provision is rounded up": Fault(allowance, "round_ratio", _up),
    "savings bear interest by 360 days": Fault(savings_interest, "_YEAR", 360),
    "each fund's result goes to the co-operative": Fault(year, "_own", _all_to_the_cooperative),
}  # fmt: skip


QUICKLY_FOUND = {
    "tellers serve themselves",
    "a bill is entered twice",
    "a key is not remembered",
    "a role's limit is not asked",
    "early money always pays the next rows",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [each if each in QUICKLY_FOUND else pytest.param(each, marks=pytest.mark.soak) for each in FAULTS]
)
def test_the_model_finds_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = FAULTS[name]
    start = started(lambda book: str(tmp_path / f"{book}.db"))
    monkeypatch.setattr(fault.place, fault.name, fault.instead)
    found = next((found for seed in range(1, 9) if (found := _walked(start, seed)) is not None), None)
    assert found is not None, "nobody noticed"
    kept, last = shortest(start, *found)
    print(f"{name}: {last}\n{story(kept)}")
    assert len(kept) <= MOST_STEPS, story(kept)


def _walked(start: Start, seed: int) -> tuple[list[Step], Differs] | None:
    asked = [*begin(), *steps(seed, LONGEST_WALK)]
    with start() as pair:
        try:
            pair.play(asked)
        except Differs as differs:
            return asked, differs
    return None


@pytest.mark.parametrize(
    ("told", "change"),
    [
        ("GEN 905/M0001", "leaves"),
        ("the chain ends", "number"),
        ("fund POOL comes to", "UPDATE balance SET debit = debit + 1 WHERE account_id = {vault}"),
        ("the balances are not", "UPDATE balance SET credit = credit + 1 WHERE account_id = {vault}"),
        (
            "the control accounts",
            "UPDATE control_total SET debit = debit + 1 WHERE gl_code = '739' AND length(span) = 10",
        ),
        ("the chain is broken", "UPDATE operation SET prev_hash = hash WHERE id = 12"),
    ],
)
def test_the_invariants_can_fail(told: str, change: str, tmp_path: Path) -> None:
    place = tmp_path / "book.db"
    with started(lambda _name: str(place))() as pair:
        pair.play(begin())
        pair.finish()
        if change == "leaves":
            pair.model.leaves["GEN", "905/M0001"] += 1
        elif change == "number":
            pair.model.number += 1
        else:
            _damage(place, change)
        faults = hold(pair.small, pair.model, Verdict("done", 0), everything=True)
        assert any(told in fault for fault in faults), faults


def _damage(place: Path, change: str) -> None:
    """As somebody with the sqlite3 shell would, the rules of the tables taken away first."""
    with closing(sqlite3.connect(place)) as shell:
        for (trigger,) in shell.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            shell.execute(f'DROP TRIGGER "{trigger}"')
        [vault] = shell.execute("SELECT id FROM account WHERE gl_code = '739' AND contract = 'VAULT'").fetchone()
        shell.execute(change.format(vault=vault))
        shell.commit()
