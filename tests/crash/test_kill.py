"""kill -9 at random instants: what was acknowledged is there, nothing is half there, and sending it again is safe.

A process that dies leaves the operating system and the server alive. So this proves that nothing is acknowledged
before it is committed and that no commit is half done; it does not prove what a power cut leaves behind. For that
SQLite runs with synchronous=FULL, which the books refuse to be without; the PostgreSQL server of the tests runs with
fsync off and could not show it.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from coopbank.bank.bank import Bank
from tests.crash.hands import Hands, requests_of
from tests.support_bank import SmallBank, assert_books

pytestmark = pytest.mark.crash


def test_a_kill_at_any_instant_loses_nothing_and_leaves_nothing(
    small: SmallBank, hands: Hands, engine_url: str
) -> None:
    _kills(small, hands, engine_url, runs=25, seed=20_260_302)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(8))
def test_many_kills(small: SmallBank, hands: Hands, engine_url: str, seed: int) -> None:
    _kills(small, hands, engine_url, runs=250, seed=seed)


def _kills(small: SmallBank, hands: Hands, place: str, *, runs: int, seed: int) -> None:
    rng = random.Random(seed)
    cut_short = 0
    for run in range(runs):
        print(f"seed {seed}, run {run}")
        key = seed * 10_000 + run
        wanted, pause = rng.randrange(6), rng.random() * 0.02
        acknowledged = _killed(hands, place, key, wanted, pause, checkpoint=rng.choice([0, 5, 40]))
        cut_short += _sent_again(small, key, acknowledged)
        if run % 5 == 4:
            assert_books(small)
    print(f"{cut_short} of {runs} kills fell after the commit and before its acknowledgement")


def _killed(hands: Hands, place: str, seed: int, wanted: int, pause: float, *, checkpoint: int) -> int:
    """Let a hand deposit, kill it a moment after so many acknowledgements; returns how many there were."""
    acknowledged, pid, gone = 0, 0, False
    for said in hands.work(place, "deposits", seed=seed, checkpoint=checkpoint):
        pid = said.get("pid", pid)
        if "number" in said:
            assert said["number"] == acknowledged
            acknowledged += 1
        if pid and not gone and acknowledged >= wanted:
            time.sleep(pause)
            os.kill(pid, signal.SIGKILL)
            gone = True
        if "dead" in said:
            assert said["status"] == -signal.SIGKILL
    return acknowledged


def _sent_again(small: SmallBank, seed: int, acknowledged: int) -> int:
    """Send every call again, and the one that was being done: nothing is posted twice, and each list is whole."""
    bank: Bank = small.bank
    before = small.balance("905/M0001") + small.balance("905/M0002")
    posted = 0
    for number in range(acknowledged + 1):
        requests = requests_of(bank, seed, number)
        answers = {receipt.status for receipt in bank.perform_all(small.ana, requests)}
        assert len(answers) == 1, "a list was half done"
        if number < acknowledged:
            assert answers == {"repeated"}, "what was acknowledged is not there"
        elif answers == {"done"}:
            posted = (number + 1) * len(requests)
    assert small.balance("905/M0001") + small.balance("905/M0002") == before - posted
    with small.read() as books:
        rows = books.tx.rows("SELECT key FROM operation WHERE key LIKE ?", f"{seed}-%")
    assert len(rows) == sum(len(requests_of(bank, seed, number)) for number in range(acknowledged + 1))
    return posted == 0


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
def test_books_killed_while_being_made_say_what_they_are(engine_url: str, tmp_path: Path) -> None:
    """A founding that was cut off between the schema and its first operation is no book, and says so."""
    from coopbank.database import Database
    from coopbank.errors import NotABook

    Database.create(engine_url).close()
    with pytest.raises(NotABook):
        Bank.open(engine_url)
