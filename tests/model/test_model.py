"""The bank does what a plain model of it says, whatever is asked of it and in whatever order.

Thousands of random requests, right ones and wrong ones, are put to the real bank and to the model (books.py); each
verdict, each line, each number given and each balance has to be the same, and the invariants hold after every one
(invariants.py). A list that ends otherwise is made short and told step by step, with the seed that makes it again:

    TEST_MODEL_SEED=7 TEST_MODEL_STEPS=2000 pytest tests/model -k seed_on_sqlite

TEST_MODEL_KIND=credit-union does the same in books of that kind.

What is left of the catalogue stands in `OUTSIDE`, with the reason: a new operation is put into the model or there.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coopbank.bank.operation import CATALOGUE, CHARITY, CREDIT_UNION, UNCHARTERED, WORKER_COOP
from tests.model.books import RULES, Model
from tests.model.play import LOOKED_AT_EVERY, Differs, Pair, Start, came, shortest, story
from tests.model.scenes import OF_OTHERS, begin, steps
from tests.model.walk import Step, draw
from tests.support_bank import new_bank

SEED, STEPS = os.environ.get("TEST_MODEL_SEED"), int(os.environ.get("TEST_MODEL_STEPS", "2500"))
KIND = os.environ.get("TEST_MODEL_KIND", UNCHARTERED)
SEEDS = [int(SEED)] if SEED else [*range(1, 41)]  # each a test of its own, so that workers share them
LONG = 5_000  # steps of a seed where there is time: with the seeds below, a million
_numbers = itertools.count(1)


@pytest.fixture
def quick_folder(tmp_path: Path) -> Iterator[Path]:
    """For books that need not outlive their test: in memory, where there is such a place."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def started(place: Callable[[str], str], every: int = LOOKED_AT_EVERY, kind: str = UNCHARTERED) -> Start:
    """Puts a fresh bank beside a fresh model each time that it is called."""

    @contextmanager
    def start() -> Iterator[Pair]:
        with new_bank(place(f"model{next(_numbers)}"), institution_kind=kind) as small:
            small.spoiled = True  # what there is to prove is proven here
            yield Pair(small, every)

    return start


def walked(start: Start, seed: int, count: int, walk: Callable[[int, int], list[Step]] = steps) -> Pair:
    """A random list from that seed; fails with the shortest list that shows the same."""
    asked = [*begin(), *walk(seed, count)]
    again = f"TEST_MODEL_SEED={seed} TEST_MODEL_STEPS={count} pytest tests/model -k seed_on_sqlite"
    with start() as pair:
        if pair.model.kind != UNCHARTERED:
            again = f"TEST_MODEL_KIND={pair.model.kind} {again}"
        try:
            pair.play(asked)
            pair.finish()
            return pair
        except Differs as differs:
            found = differs
        except AssertionError as fault:  # of the books as a whole: by which step, nobody knows
            pytest.fail(f"{fault}\nAgain with: {again}", pytrace=False)
    kept, last = shortest(start, asked, found)
    pytest.fail(f"{last}\nAgain with: {again}\n{len(kept)} steps are enough:\n{story(kept, last.kind)}", pytrace=False)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_on_sqlite(seed: int, quick_folder: Path) -> None:
    start = started(lambda name: str(quick_folder / f"{name}.db"), kind=KIND)
    walked(start, seed, STEPS, steps if KIND == UNCHARTERED else of_others)


@pytest.mark.postgresql
@pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize("seed", [101, 102])
def test_a_seed_on_postgresql(seed: int, new_engine_url: Callable[[str], str]) -> None:
    walked(started(new_engine_url), seed, 300)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "seed"), [(WORKER_COOP, 51), (WORKER_COOP, 52), (CREDIT_UNION, 53), (CHARITY, 54)])
def test_a_seed_of_another_kind(kind: str, seed: int, quick_folder: Path) -> None:
    start = started(lambda name: str(quick_folder / f"{name}.db"), kind=kind)
    walked(start, seed, 400, of_others)


def of_others(seed: int, count: int) -> list[Step]:
    """What is done in a worker co-op, a credit union, a charity."""
    return steps(seed, count, OF_OTHERS)


@pytest.mark.soak
@pytest.mark.parametrize("kind", [WORKER_COOP, CREDIT_UNION, CHARITY])
@pytest.mark.parametrize("seed", range(3001, 3021))
def test_many_more_of_other_kinds(kind: str, seed: int, quick_folder: Path) -> None:
    walked(started(lambda name: str(quick_folder / f"{name}.db"), every=1_000, kind=kind), seed, LONG, of_others)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1001, 1201))
def test_many_more_on_sqlite(seed: int, quick_folder: Path) -> None:
    walked(started(lambda name: str(quick_folder / f"{name}.db"), every=1_000), seed, LONG)


@pytest.mark.soak
@pytest.mark.postgresql
@pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize("seed", range(2001, 2011))
def test_many_more_on_postgresql(seed: int, new_engine_url: Callable[[str], str]) -> None:
    walked(started(new_engine_url), seed, 1_000)


# ------------------------------------------------------------------------------------- drawn and shrunk


class Drawn:
    """Whoever picks is Hypothesis, which makes failing lists small by itself."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def pick(self, choices: Sequence[Any]) -> Any:
        return self._draw(st.sampled_from(choices))


@st.composite
def drawn_steps(draw_: st.DrawFn) -> Step:
    return draw(Drawn(draw_))


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(drawn_steps(), max_size=40))
def test_lists_that_hypothesis_draws(asked: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder, started(lambda name: str(Path(folder, name)))() as pair:
        try:
            pair.play([*begin(), *asked])
            pair.finish()
        except Differs as differs:
            raise AssertionError(f"{differs}\n{story([*begin(), *asked], differs.kind)}") from None


# ------------------------------------------------------------------------------------- what is covered

_KEYS = "a key is of whoever holds it: tests/bank/test_keys.py makes some, and lets one endorse the next"
OUTSIDE: dict[str, str] = {
    name: reason
    for reason, names in {
        _KEYS: "set-signing-key",
    }.items()
    for name in names.split()
}


def test_each_operation_is_in_the_model_or_has_a_reason() -> None:
    offered = {name for name, cls in CATALOGUE.items() if not cls.internal}
    assert not RULES.keys() & OUTSIDE.keys()
    assert offered - RULES.keys() - OUTSIDE.keys() == set(), "put it into the model, or tell in OUTSIDE why not"
    assert (RULES.keys() | OUTSIDE.keys()) - offered == set(), "the catalogue has no such operation any more"


def test_chance_reaches_what_the_model_knows() -> None:
    """The model alone, which takes a moment: each of its operations is done, repeated or refused in many ways.

    One seed after the other until all of it was reached, and no more than the first twenty.
    """
    told: Counter[str] = Counter()
    walks = [(UNCHARTERED, steps(seed, STEPS)) for seed in SEEDS[:20]]
    walks += [(kind, of_others(seed, STEPS)) for seed in (53, 54, 51, 52) for kind in (WORKER_COOP, CREDIT_UNION)]
    for kind, asked in walks:
        model = Model(kind=kind)
        for step in [*begin(), *asked]:
            before, ask = model.number, step.ask(model)
            told.update(came(model, ask, model.do(ask), before))
        if not any(not_reached(told)):
            break
    never_done, never_refused, never_met = not_reached(told)
    assert never_done == set()
    assert never_refused == set()
    assert never_met == set()
    assert sum(n for name, n in told.items() if name.endswith(" done")) > sum(told.values()) / 4


def not_reached(told: Counter[str]) -> tuple[set[str], set[str], set[str]]:
    """What was never done, what was never refused, and the refusals that nothing met."""
    return (
        {name for name in RULES if not told[f"{name} done"]},
        {name for name in RULES if not any(told[f"{name} {no}"] for no in REFUSALS)},
        {no for no in REFUSALS if not any(told[f"{name} {no}"] for name in RULES)},
    )


REFUSALS = (
    "invalid-value", "invalid-amount", "invalid-date", "unknown", "already-exists", "not-allowed", "own-account",
    "own-request", "limit-reached", "overdrawn", "wrong-state", "day-closed", "drawer-closed", "cannot-reverse",
    "key-reused", "period-locked", "needs-resolution", "not-entitled", "not-offered",
)  # fmt: skip
