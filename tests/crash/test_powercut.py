"""The power fails: what was acknowledged is there, at most the operation in hand besides, and no wrong figure.

A kill leaves the system's memory alive; a power cut does not. So here the disk itself is played (powercut.py): all that
was synced, and of what was written since any part in any order, some of it rubbish. What this rests on is
`synchronous = FULL`; the last tests show that with less of it, or with a disk that lies, operations are lost, and that
this would be seen.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from coopbank import database as database_module
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.bank.verify import verify
from coopbank.clock import SetClock
from coopbank.errors import CoopbankError
from coopbank.ledger.verify import wrong
from tests.crash.damage import WrongFigures, at_rest
from tests.crash.powercut import Cut, Recorder, Step
from tests.support_bank import new_bank

pytestmark = pytest.mark.crash

DEPOSITS = 40
NAME = "ledger.db"


class Lost(AssertionError):
    """Something that was acknowledged is not there, or more than was asked for."""


@dataclass
class Recorded:
    """Books before, what was done to the disk since, and the head that each operation brought."""

    begun: dict[str, bytes]
    log: list[Step]
    heads: dict[int, str]
    teller: Actor
    clock: SetClock
    first: int  # operations before


def head(bank: Bank) -> tuple[int, str]:
    with bank.read() as books:
        number, found = books.tx.row("SELECT id, hash FROM operation ORDER BY id DESC LIMIT 1") or (0, "")
        return int(number), str(found)


def deposit(bank: Bank, teller: Actor, cents: int) -> None:
    bank.perform(teller, bank.build("deposit", {"member": "M0001", "amount": f"{cents / 100:.2f}"}))


def recorded(folder: Path, *pragmas: str) -> Recorded:
    """Deposits into books whose every write is noted; what is set otherwise for each connection are `pragmas`."""
    plain = database_module._sqlite_connection

    def connect(*values: Any, **more: Any) -> Any:
        connection = plain(*values, **more)
        for pragma in ("wal_autocheckpoint = 30", *pragmas):  # so that checkpoints come in the midst of it
            connection.execute(f"PRAGMA {pragma}")
        return connection

    with new_bank(str(folder / "made.db")) as small, pytest.MonkeyPatch.context() as patch:
        member = small.admit("Mia Lee")
        small.do("open-savings", member=member)
        begun = {NAME: at_rest(folder / "made.db")}
        (folder / NAME).write_bytes(begun[NAME])
        patch.setattr(database_module, "_sqlite_connection", connect)
        with Recorder() as recorder:
            bank = Bank.open(str(folder / NAME), clock=small.clock)
            heads = [head(bank)]
            recorder.mark(heads[0][0])
            for number in range(DEPOSITS):
                deposit(bank, small.ana, number + 1)
                heads.append(head(bank))
                recorder.mark(heads[-1][0])
            log = list(recorder.log)
            bank.close()
        return Recorded(begun, log, dict(heads), small.ana, SetClock(small.clock.instant), heads[0][0])


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return recorded(tmp_path_factory.mktemp("power"))


def test_what_is_noted_is_all_that_happens_to_the_files(known: Recorded, tmp_path: Path) -> None:
    """Every step applied gives the books as they are; both files are written, synced and begun anew."""
    done = Counter((step.what, step.file) for step in known.log)
    assert done["write", NAME] > DEPOSITS and done["write", f"{NAME}-wal"] > DEPOSITS * 5
    assert done["sync", NAME] > 3 and done["sync", f"{NAME}-wal"] >= DEPOSITS
    headers = [step for step in known.log if step.what == "write" and step.at == 0 and step.file.endswith("-wal")]
    assert len(headers) > 3, "the journal was begun anew after checkpoints"
    found = judged(known, len(known.log), random.Random(1), tmp_path / "all")
    assert found == known.first + DEPOSITS


def judged(
    known: Recorded, at: int, rng: random.Random, folder: Path, *, lying: bool = False, doubted: bool = False,
    prove: bool = False,
) -> int:  # fmt: skip
    """How many operations the books have that come back after a power cut at that step; raises if they should not.

    `doubted`: they may have fewer than were acknowledged, and `verify` is asked; 0 if it finds anything.
    """
    cut = Cut(known.log, at, rng, known.begun, lying=lying)
    cut.write_to(folder)
    if cut.mark is None:
        return 0  # nobody had opened them yet
    bank = Bank.open(str(folder / NAME), clock=known.clock)
    try:
        number, found = head(bank)
        with bank.read() as books:
            held, rows = -books.balance("GEN", "905/M0001"), books.tx.rows("PRAGMA integrity_check")
        if doubted and wrong(verify(bank.database)):
            return 0  # it is told that the books are wrong
        deposits = number - known.first
        if found != known.heads.get(number) or held != deposits * (deposits + 1) // 2:
            raise WrongFigures(f"{number} operations, {held} cents, and nobody says that it is wrong")
        if not doubted and number not in (cut.mark, cut.mark + 1):
            raise Lost(f"{cut.mark} operations were acknowledged, {number} are there")
        if not doubted:
            assert rows == [("ok",)], rows
        if prove:
            deposit(bank, known.teller, 1)  # and they go on being used
            assert not wrong(verify(bank.database))
        return number
    finally:
        bank.close()


def _cuts(known: Recorded, folder: Path, *, times: int, seed: int) -> None:
    rng = random.Random(seed)
    begun = next(place for place, step in enumerate(known.log) if step.what == "mark") + 1
    for number in range(times):
        at = rng.randrange(begun, len(known.log) + 1)
        print(f"seed {seed}, cut {number}, step {at} of {len(known.log)}")
        judged(known, at, random.Random(seed * 1_000_000 + number), folder / f"cut-{number}", prove=number % 20 == 0)


def test_a_power_cut_at_any_step_loses_nothing(known: Recorded, tmp_path: Path) -> None:
    _cuts(known, tmp_path, times=150, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 12))
def test_many_power_cuts(known: Recorded, tmp_path: Path, seed: int) -> None:
    _cuts(known, tmp_path, times=1_000, seed=seed)


def verdicts(known: Recorded, folder: Path, *, times: int, lying: bool = False) -> Counter[str]:
    """How often books came back whole, older than was acknowledged, not at all, or wrong and told to be."""
    rng, found = random.Random(3), Counter[str]()
    for number in range(times):
        at = rng.randrange(len(known.log) // 3, len(known.log) + 1)
        acknowledged = next(step.mark for step in reversed(known.log[:at]) if step.what == "mark")
        try:
            place = folder / f"doubted-{number}"
            held = judged(known, at, random.Random(number), place, lying=lying, doubted=True)
            found["found" if not held else "older" if held < acknowledged else "whole"] += 1
        except CoopbankError as refusal:
            found[refusal.code] += 1
    print(found)
    return found


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
def test_with_less_than_full_synchronous_operations_are_lost_and_seen_to_be(tmp_path: Path, synchronous: str) -> None:
    less = recorded(tmp_path, f"synchronous = {synchronous}")
    assert verdicts(less, tmp_path, times=30)["older"]


def test_with_a_disk_that_lies_there_is_no_wrong_figure(known: Recorded, tmp_path: Path) -> None:
    """Nobody can promise that what it swallowed is there. But what is there is right as of then, or is told."""
    assert verdicts(known, tmp_path, times=60, lying=True)["older"]


@pytest.mark.soak
def test_with_a_disk_that_lies_there_is_never_a_wrong_figure(known: Recorded, tmp_path: Path) -> None:
    assert verdicts(known, tmp_path, times=3_000, lying=True)["older"]
