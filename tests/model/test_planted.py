"""Faults planted in the bank on purpose: the model has to find each, and to tell it in a few steps.

A test that cannot fail proves nothing. So each of these changes one rule of the running program as a slip of the hand
would (a day too many, a limit that is not asked, a line in another fund), and the random walk of test_model.py has to
stumble over it. Where two layers keep the same promise, the outer one is taken away, and what the inner one then says
is not what the model says either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank import accrual, bank, books, limits, tender
from coopbank.bank.operations import cash, funds, suspense, undoing
from coopbank.money import round_ratio
from tests.model.play import Differs, shortest, story
from tests.model.test_model import started
from tests.model.walk import begin, steps

MOST_STEPS = 22  # of the shortest list; what every list begins with (money, members, a drawer) among them
LONGEST_WALK = 4_000


@dataclass(frozen=True)
class Fault:
    """Something to be put in the place of something else, and the operations that may come out wrong by it."""

    place: Any
    name: str
    instead: Any
    found_by: tuple[str, ...]
    seed: int = 1


def _up(numerator: int, denominator: int, *_: Any) -> int:
    return -(-numerator // denominator)


def _day_more(note: Any, until: date, really: Callable[..., int] = accrual.interest_to) -> int:
    return really(note, until + timedelta(days=1))


def _in_the_general_fund(desk: Any, fund: str, amount: int) -> list[tuple[str, str, int]]:
    return [("GEN", "181", -amount)]


def _swapped(from_fund: str, to_fund: str, amount: int) -> list[tuple[str, str, int]]:
    return tender.cash_in("POOL", "739/VAULT", to_fund, 0) + tender_claim(to_fund, from_fund, amount)


tender_claim = tender.claim

FAULTS = {
    "interest is rounded up": Fault(accrual, "round_ratio", _up, ("approve",)),
    "interest counts a day too many": Fault(accrual, "interest_to", _day_more, ("approve", "repay-note")),
    "a drawer holds more than its limit": Fault(cash, "require_limit", lambda *_: None, ("open-drawer", "move-cash")),
    "a role's limit is not asked": Fault(limits, "require_within", lambda *_: None, ("deposit", "withdraw", "approve")),
    "nobody else has to agree to much money": Fault(limits, "second_reason", lambda *_: None, ("deposit", "withdraw", "receive-gift", "receive-unknown")),
    "an operation is reversed twice": Fault(undoing, "reversed_by", lambda *_: None, ("reverse", "approve")),
    "what came of a reversed operation is left": Fault(undoing, "undo_records", lambda *_, **__: None, ("approve", "reverse", "pay-bill", "receive-gift")),
    "a gift goes to the wrong fund": Fault(suspense, "_as_gift", _in_the_general_fund, ("clear-suspense", "approve")),
    "a key is not remembered": Fault(bank.Bank, "_repeated", lambda *_: None, ("deposit", "receive-gift")),
    "tellers serve themselves": Fault(bank, "with_owners", lambda *_: set(), ("deposit", "withdraw", "buy-shares", "open-savings", "correct")),
    "money is paid out before its cheque is good": Fault(books.Books, "holds", lambda *_: 0, ("withdraw", "correct", "redeem-shares")),
    "a bill is entered twice": Fault(funds, "require_new_bill", lambda *_, **__: None, ("enter-bill", "pay-expense", "approve")),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_the_model_finds_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = FAULTS[name]
    start = started(lambda book: str(tmp_path / f"{book}.db"))
    asked = [*begin(), *steps(fault.seed, LONGEST_WALK)]
    with start() as pair:
        monkeypatch.setattr(fault.place, fault.name, fault.instead)
        with pytest.raises(Differs) as caught:
            pair.play(asked)
    kept, last = shortest(start, asked, caught.value)
    print(f"{name}: {last}\n{story(kept)}")
    assert len(kept) <= MOST_STEPS, story(kept)
    assert last.step.operation in fault.found_by, story(kept)
