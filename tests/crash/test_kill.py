"""kill -9 at random instants: what was acknowledged is there, nothing is half there, and sending it again is safe.

A process that dies leaves the operating system and the server alive. So this proves that nothing is acknowledged
before it is committed and that no commit is half done; it does not prove what a power cut leaves behind. For that
SQLite runs with synchronous=FULL, which the books refuse to be without; test_powercut.py plays the disk. PostgreSQL's
server is killed here too, under tills that go on as soon as it is back; what its disk keeps is PostgreSQL's to show.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank.bank import Bank
from tests.crash.hands import Hands, requests_of
from tests.crash.servers import alone
from tests.support_bank import SmallBank, assert_books, new_bank

pytestmark = pytest.mark.crash
PROVEN = 50  # kills after which the books are proven as a whole; how they stand is looked at after each


def test_a_kill_at_any_instant_loses_nothing_and_leaves_nothing(
    small: SmallBank, hands: Hands, engine_url: str
) -> None:
    _kills(small, hands, engine_url, runs=200, seed=20_260_302)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(8))
def test_many_kills(small: SmallBank, hands: Hands, engine_url: str, seed: int) -> None:
    _kills(small, hands, engine_url, runs=250, seed=seed)


def _kills(small: SmallBank, hands: Hands, place: str, *, runs: int, seed: int) -> None:
    """One kill after the other on the same books, which go on being used; each time looked at, now and then proven."""
    rng = random.Random(seed)
    cut_short = 0
    for run in range(runs):
        print(f"seed {seed}, run {run}")
        if small.bank.database.path and rng.random() < 0.5:
            small.bank.close()  # nobody else has the file open: whoever comes next mends what the killed one left
        key = seed * 10_000 + run
        before = Stand(small)
        acknowledged = _killed(hands, place, key, rng)
        cut_short += _looked_at(small, key, acknowledged, before)
        if run % PROVEN == PROVEN - 1:
            assert_books(small)
    assert_books(small)
    print(f"{cut_short} of {runs} kills fell after the commit and before its acknowledgement")


class Stand:
    """How many operations and entries there are, the highest of their numbers, and what the two members have."""

    def __init__(self, small: SmallBank) -> None:
        with small.read() as books:
            rows = [
                books.tx.row(f"SELECT count(*), coalesce(max(id), 0) FROM {each}") for each in ("operation", "entry")
            ]
            self.operations, self.entries = (count for count, _highest in rows)
            assert all(count == highest for count, highest in rows), "no number is missing"
            self.held = -books.balance("GEN", "905/M0001") - books.balance("GEN", "905/M0002")
            self.cash = books.balance("POOL", "739/D1")


def _killed(hands: Hands, place: str, seed: int, rng: random.Random) -> int:
    """Let a hand deposit, kill it a moment after so many acknowledgements; returns how many there were."""
    wanted, pause = rng.randrange(3), rng.random() * 0.005  # in which one or two more are done
    opened_before = rng.random() < 0.9  # else it is killed while it opens them too
    acknowledged, pid, gone = 0, 0, False
    for said in hands.work(place, "deposits", seed=seed, checkpoint=rng.choice([0, 5, 40]), kept=opened_before):
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


def _looked_at(small: SmallBank, seed: int, acknowledged: int, before: Stand) -> bool:
    """All that was acknowledged is there and at most one list more, whole; sent again, nothing is posted twice."""
    bank: Bank = small.bank
    lists = [requests_of(bank, seed, number) for number in range(acknowledged + 1)]
    with small.read() as books:
        found = {key for (key,) in books.tx.rows("SELECT key FROM operation WHERE id > ?", before.operations)}
    keys = [{key for _request, key in requests} for requests in lists]
    last = keys[-1] <= found
    assert found == set().union(*keys[: acknowledged + last]), "all that was acknowledged, and each list whole"
    _assert_moved(before, Stand(small), lists[: acknowledged + last])
    for number in {max(acknowledged - 1, 0), acknowledged}:
        answers = {receipt.status for receipt in bank.perform_all(small.ana, lists[number])}
        assert answers == ({"repeated"} if number < acknowledged + last else {"done"})
    _assert_moved(before, Stand(small), lists)
    return last


def _assert_moved(before: Stand, now: Stand, lists: list[list[tuple[Any, str]]]) -> None:
    """The books are where these lists bring them, and no cent further."""
    count = sum(map(len, lists))
    cents = sum((number + 1) * len(requests) for number, requests in enumerate(lists))
    assert (now.operations, now.entries) == (before.operations + count, before.entries + count)
    assert (now.held, now.cash) == (before.held + cents, before.cash + cents)


def _server_kills(hands: Hands, *, runs: int, seed: int) -> None:
    """The server dies under tills that deposit, again and again; they wait for it and go on, each posting once."""
    rng, tills, times = random.Random(seed), 2, 3 + 4 * runs
    with alone() as server:
        server.start()
        server.ask("CREATE DATABASE bank")
        with new_bank(server.url("bank"), name=f"Bank of server {server.port}") as small:
            small.do("open-savings", member=small.admit("Mia Lee"))
            acknowledged: set[str] = set()
            ends = sorted(rng.sample(range(1, tills * times - tills), runs))
            for said in hands.work(server.url("bank"), "steadily", count=tills, times=times, again=True, longest=280):
                assert said.get("status", 0) == 0, said
                if "answer" in said:
                    acknowledged.add(said["key"])
                if ends and len(acknowledged) >= ends[0]:
                    ends.pop(0)
                    rng.choice([server.stop_at_once, server.kill])()
                    small.bank.close()
                    server.start()
                    with small.read() as books:
                        found = {key for (key,) in books.tx.rows("SELECT key FROM operation")}
                    assert acknowledged <= found, "what was acknowledged is there as soon as it answers again"
            assert not ends
            assert acknowledged == {f"{till}-{number}" for till in range(tills) for number in range(times)}
            assert small.balance("905/M0001") == -1_00 * tills * times, "each was posted once"
            assert_books(small)


@pytest.mark.postgresql
@pytest.mark.usefixtures("postgresql_url")  # it makes the user that a server runs as
def test_a_server_that_dies_has_what_it_acknowledged(hands: Hands) -> None:
    _server_kills(hands, runs=3, seed=1)


@pytest.mark.soak
@pytest.mark.postgresql
@pytest.mark.usefixtures("postgresql_url")
@pytest.mark.parametrize("seed", range(2, 12))
def test_a_server_that_dies_again_and_again(hands: Hands, seed: int) -> None:
    _server_kills(hands, runs=10, seed=seed)


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
def test_books_killed_while_being_made_say_what_they_are(engine_url: str, tmp_path: Path) -> None:
    """A founding that was cut off between the schema and its first operation is no book, and says so."""
    from coopbank.database import Database
    from coopbank.errors import NotABook

    Database.create(engine_url).close()
    with pytest.raises(NotABook):
        Bank.open(engine_url)
