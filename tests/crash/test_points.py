"""kill -9 at every statement of an operation, and in the middle of statements: all of it is there, or nothing is.

test_kill.py kills at random instants. Here the process kills itself, once before each statement that an operation
sends, once at its commit and once right after it, so that no place between two statements is left out. On SQLite it
also dies inside of statements, at steps of the machine that runs them: half way through the seal, for instance.
"""

from __future__ import annotations

import random
import signal

import pytest

from tests.crash.hands import Hands, one_request
from tests.crash.test_faults import everything
from tests.support_bank import SmallBank, assert_books

pytestmark = pytest.mark.crash

WORKS = {"cheque": 1, "admission": 1, "approval": 2}  # and of how many operations each is
CHEQUE = "cheque"


@pytest.fixture
def waiting(small: SmallBank) -> str:
    """A request that waits for a second person."""
    small.do("buy-shares", member="M0001", amount="25.00")
    return str(small.ask("redeem-shares", member="M0001", amount="25.00").request)


@pytest.mark.parametrize("work", WORKS)
def test_a_kill_before_any_statement_leaves_nothing(
    small: SmallBank, hands: Hands, engine_url: str, waiting: str, work: str
) -> None:
    before = everything(small)
    at, said = 0, []
    while not said:
        at += 1
        said = killed(hands, engine_url, "at_a_statement", work, waiting, at)
        if everything(small) != before:
            break
    assert at > 12, "the statements of an operation were met"
    assert not said, "the last kill came after the commit, before anybody heard of it"
    done = len(everything(small)["operation"]) - len(before["operation"])
    assert done == WORKS[work], f"a kill before statement {at} left {done} of {WORKS[work]} operations"
    assert send_again(small, work, waiting) == "repeated"
    assert_books(small)
    assert killed(hands, engine_url, "at_a_statement", work, waiting, at)[0]["number"], "and it is told again"


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
def test_a_kill_in_the_middle_of_a_statement_leaves_nothing(
    small: SmallBank, hands: Hands, engine_url: str, waiting: str
) -> None:
    _steps(small, hands, engine_url, waiting, apart=25, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seed", range(2, 6))
def test_many_kills_in_the_middle_of_statements(
    small: SmallBank, hands: Hands, engine_url: str, waiting: str, seed: int
) -> None:
    _steps(small, hands, engine_url, waiting, apart=3, seed=seed)


def _steps(small: SmallBank, hands: Hands, place: str, waiting: str, *, apart: int, seed: int) -> None:
    """Kills at steps that are about so far apart, until the operation has no more of them."""
    rng = random.Random(seed)
    before = everything(small)
    at = runs = 0
    while True:
        at, runs = at + rng.randrange(1, 2 * apart), runs + 1
        print(f"seed {seed}, run {runs}, step {at}")
        if killed(hands, place, "at_a_step", CHEQUE, waiting, at):
            break
        assert everything(small) == before, f"step {at} left something behind"
    assert runs > 10
    assert send_again(small, CHEQUE, waiting) == "repeated"
    assert_books(small)


def killed(hands: Hands, place: str, job: str, work: str, waiting: str, at: int) -> list[dict[str, int]]:
    """Set a hand to work that kills itself; what it said if it did not come so far."""
    said = list(hands.work(place, job, work=work, request=waiting, at=at))
    done = [each for each in said if "number" in each]
    assert [each["status"] for each in said if "dead" in each] == [0 if done else -signal.SIGKILL]
    return done


def send_again(small: SmallBank, work: str, waiting: str) -> str:
    """Send the same request under the same key."""
    user, request = one_request(small.bank, work, waiting)
    return small.bank.perform(getattr(small, user), request, key="the one slip").status
