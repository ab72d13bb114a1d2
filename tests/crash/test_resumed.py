"""Whole commands that are killed half way, and given once more: it comes to what one run comes to.

An import, the interest of a quarter, the closes, a backup, the statements of a month and the pack for auditors are each
killed at several of their steps: at statements and commits, and where files are begun, named or taken away. Then the
same command is given again, as somebody does who found the machine off.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank.bank import Bank
from coopbank.bank.verify import verify
from coopbank.ledger.verify import wrong
from coopbank.reports.trial_balance import trial_balance
from tests.crash.hands import Hands
from tests.support_bank import PASSPHRASE, new_bank

pytestmark = pytest.mark.crash

NOW = datetime(2026, 4, 1, 18, tzinfo=UTC)
MANY_ROWS = 30


@dataclass(frozen=True)
class Work:
    """A command, who gives it, and which operations are the work of it."""

    arguments: tuple[str, ...]
    user: str
    kinds: tuple[str, ...] = ()


WORKS = {
    "import": Work(("import", "operations", "rows.json"), "ana", ("deposit", "admit-member")),
    "interest": Work(("approve", "R-00002"), "sue", ("approve", "credit-interest")),
    "day": Work(("close", "day"), "tom", ("close-day",)),
    "month": Work(("approve", "R-00003"), "sue", ("approve", "close-month")),
    "backup": Work(("backup", "copy.db", "--plain"), "tom"),
    "statements": Work(("statements", "--month", "2026-03"), "tom"),
    "pack": Work(("export", "pack", "out"), "tom"),
}


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with books on 1 April, with a quarter's interest that waits, and a file to import."""
    folder = tmp_path_factory.mktemp("resumed")
    with new_bank(str(folder / "ledger.db")) as small:
        members = [small.admit(name) for name in ("Mia Lee", "Noa Banks", "Pia Moss")]
        for member in members:
            small.do("open-savings", member=member)
            small.do("deposit", member=member, amount="400.00")
        small.close_day()
        small.open_day("2026-04-01", open_drawer=False)
        asked = small.ask("credit-interest", by=small.tom, quarter="2026-Q1")
        assert asked.request == "R-00002", asked
        small.ask("close-month", by=small.tom, month="2026-03")
        for user in ("ana", "tom", "sue"):
            small.give_passphrase(user, PASSPHRASE)
        small.clock.instant = NOW
        small.bank.database.copy_to(folder / "at-rest.db")
    rows: list[dict[str, Any]] = [{"operation": "admit-member", "member_name": f"New {n}"} for n in range(5)]
    rows += [
        {"operation": "deposit", "member": members[n % 3], "amount": f"{n + 1}.00", "tender": "transfer"}
        for n in range(MANY_ROWS)
    ]
    (folder / "rows.json").write_text(json.dumps(rows))
    return folder


def begin(furnished: Path, folder: Path) -> Path:
    folder.mkdir()
    shutil.copy(furnished / "at-rest.db", folder / "ledger.db")
    shutil.copy(furnished / "rows.json", folder / "rows.json")
    (folder / "ledger.db").chmod(0o600)
    return folder


def give(
    hands: Hands, folder: Path, work: Work, at: int = 0, by: signal.Signals = signal.SIGKILL
) -> dict[str, Any] | None:
    """Give the command; what it came to, or None if it was killed before."""
    arguments = ["--db", "ledger.db", "--as", work.user, *work.arguments]
    environment = {"COOPBANK_PASSPHRASE": PASSPHRASE, "XDG_STATE_HOME": str(folder / "state"), "HOME": str(folder)}
    said = list(hands.work("", "command", folder=str(folder), arguments=arguments, env=environment, at=at,
                           signal=by, now=NOW.isoformat()))  # fmt: skip
    done: dict[str, Any] | None = next((each for each in said if "code" in each), None)
    assert [each["status"] for each in said if "dead" in each] == [-signal.SIGKILL if done is None else 0]
    return done


def outcome(folder: Path, work: Work) -> dict[str, Any]:
    """The figures, how often the work was done, and the files that are there."""
    bank = Bank.open(str(folder / "ledger.db"), read_only=True)
    try:
        assert not wrong(verify(bank.database))
        with bank.read() as books:
            kinds = Counter(kind for (kind,) in books.tx.rows("SELECT kind FROM operation") if kind in work.kinds)
            figures = trial_balance(books, as_of=date(2026, 4, 1)).rows
    finally:
        bank.close()
    files = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    # A close that is killed after its commit has written no anchor; that of the next close or backup stands for it.
    ours = [file for file in files if not file.startswith(("state/", "ledger.db", "anchors.log"))]
    return {"figures": figures, "kinds": kinds, "files": ours}


Whole = Callable[[str], tuple[int, dict[str, Any]]]
"""By the name of a work: how many steps it has, and what it comes to in one go."""


@pytest.fixture(scope="module")
def whole(furnished: Path, hands: Hands, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    @cache
    def done(name: str) -> tuple[int, dict[str, Any]]:
        work, folder = WORKS[name], begin(furnished, tmp_path_factory.mktemp("whole") / name)
        once = give(hands, folder, work)
        assert once is not None and once["code"] == 0 and once["steps"] > 10, once
        wanted = outcome(folder, work)
        assert all(wanted["kinds"][kind] for kind in work.kinds)
        return once["steps"], wanted

    return done


@pytest.mark.parametrize("name", WORKS)
def test_what_was_cut_off_is_done_by_giving_it_again(
    furnished: Path, hands: Hands, tmp_path: Path, whole: Whole, name: str
) -> None:
    _resumed(furnished, hands, tmp_path, WORKS[name], *whole(name), times=3, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("name", WORKS)
def test_what_was_cut_off_anywhere(furnished: Path, hands: Hands, tmp_path: Path, whole: Whole, name: str) -> None:
    _resumed(furnished, hands, tmp_path, WORKS[name], *whole(name), times=100, seed=2)


def _resumed(
    furnished: Path, hands: Hands, tmp_path: Path, work: Work, steps: int, wanted: dict[str, Any], *, times: int,
    seed: int,
) -> None:  # fmt: skip
    rng = random.Random(seed)
    # One early, one in the midst, one late, the others anywhere: the last steps are the commit and what follows it.
    places = {rng.randrange(2, 10), steps // 2, steps - 1}
    places |= {rng.randrange(steps) + 1 for _ in range(times - 3)}
    for place in sorted(places):
        folder = begin(furnished, tmp_path / f"cut-{place}")
        print(f"killed before step {place} of {steps}")
        assert give(hands, folder, work, at=place) is None
        outcome(folder, work)  # sound as it lies there
        again = give(hands, folder, work)
        assert again is not None and again["code"] in (0, 1), again  # 1: it was done before the kill
        assert outcome(folder, work) == wanted, place
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("name", "by", "part"),
    [("pack", signal.SIGTERM, 0.7), ("backup", signal.SIGTERM, 0.5), ("backup", signal.SIGHUP, 0.9),
     ("statements", signal.SIGHUP, 0.8), ("import", signal.SIGTERM, 0.6), ("month", signal.SIGINT, 0.5)],
)  # fmt: skip
def test_what_is_asked_to_end_undoes_what_it_had_begun(
    furnished: Path, hands: Hands, tmp_path: Path, whole: Whole, name: str, by: signal.Signals, part: float
) -> None:
    """By a machine that shuts down, a closed terminal, or from the keyboard: one sentence, and nothing half."""
    work, (steps, wanted) = WORKS[name], whole(name)
    folder = begin(furnished, tmp_path / "ended")
    ended = give(hands, folder, work, at=int(steps * part), by=by)
    assert ended is not None and ended["code"] == 128 + by, ended
    assert ended["told"].endswith(
        "coopbank: Interrupted. Nothing is half done; what no receipt tells of may be done all the same: look first.\n"
    ), ended
    left = [str(file.relative_to(folder)) for file in folder.rglob(".*")]
    assert not left, "neither parts of files nor what lay open for a moment"
    outcome(folder, work)
    again = give(hands, folder, work)
    assert again is not None and again["code"] in (0, 1), again
    assert outcome(folder, work) == wanted


def test_ended_after_the_commit_and_before_the_receipt_it_may_be_done(
    furnished: Path, hands: Hands, tmp_path: Path
) -> None:
    """So nobody is told then that it was not."""
    deposit = ("do", "deposit", "--member", "M0001", "--amount", "7.00", "--tender", "transfer", "--key", "slip")
    work, done = Work(deposit, "ana", ("deposit",)), Counter[int]()
    whole = give(hands, begin(furnished, tmp_path / "whole"), work)
    assert whole is not None and whole["code"] == 0
    for place in range(whole["steps"] - 3, whole["steps"] + 1):
        folder = begin(furnished, tmp_path / f"ended-{place}")
        before = outcome(folder, work)["kinds"]["deposit"]
        ended = give(hands, folder, work, at=place, by=signal.SIGTERM)
        assert ended is not None and ended["code"] == 128 + signal.SIGTERM and "look first" in ended["told"]
        done[outcome(folder, work)["kinds"]["deposit"] - before] += 1
        again = give(hands, folder, work)
        assert again is not None and again["code"] == 0
        assert outcome(folder, work)["kinds"]["deposit"] == before + 1, "with a key it is done once"
    assert set(done) == {0, 1}, done
