"""Sixteen at once, on one account and on many: whatever order it came to, the model comes to the same books in it.

Each of sixteen processes has a list of its own, some of it under keys that others use too. What was committed has an
order, the numbers of the operations; played through the model in that order, every line, number and balance has to be
the same. A refusal is no less a promise: it has to have been right at some moment between what the same person did
before it and after it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from coopbank.bank.books import loads
from tests.crash.hands import Hands
from tests.model.books import Ask, Model, Verdict
from tests.model.invariants import hold
from tests.model.play import Pair
from tests.model.scenes import begin
from tests.model.walk import Step
from tests.support_bank import new_bank

pytestmark = pytest.mark.crash

MANY = 16
Wish = tuple[str, str, dict[str, Any], str]
Said = list[dict[str, Any]]


@pytest.fixture(scope="module")
def hands() -> Iterator[Hands]:
    with Hands() as found:
        yield found


@pytest.mark.parametrize("members", [("M0001",), ("M0001", "M0002", "M0003")], ids=["one account", "many accounts"])
def test_sixteen_at_once_are_one_after_the_other(hands: Hands, engine_url: str, members: tuple[str, ...]) -> None:
    _crowd(hands, engine_url, members, times=8, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 8))
def test_sixteen_for_a_long_time(hands: Hands, engine_url: str, seed: int) -> None:
    _crowd(hands, engine_url, ("M0001", "M0003")[: seed % 2 + 1], times=60, seed=seed)


def _crowd(hands: Hands, place: str, members: tuple[str, ...], *, times: int, seed: int) -> None:
    with new_bank(place) as small:
        small.spoiled = True
        pair = Pair(small)
        pair.play([*begin(), *_waiting(members)])
        lists = _lists(seed, members, times)
        said = hands.all(place, "lists", count=MANY, lists=lists)
        answers: list[Said] = [[each for each in said if each["hand"] == hand] for hand in range(MANY)]
        assert [len(each) for each in answers] == [times] * MANY
        told = {each["answer"] for each in said}
        assert {"done", "repeated"} < told, "some were served, some told again, and some refused"
        _assert_each_key_once(lists, answers)
        with small.read() as books:
            log = books.tx.rows(
                "SELECT id, key, kind, actor, sealed FROM operation WHERE id > ? ORDER BY id", pair.model.number
            )
        _replay(pair.model, lists, answers, log)
        assert hold(small, pair.model, Verdict("done", 0), everything=True) == []


def _waiting(members: tuple[str, ...]) -> list[Step]:
    """Shares, and ten requests to pay them back, of which only some can be granted."""
    found = []
    for member in members:
        values = {"member": member, "amount": "300.00", "share_class": "903", "tender": "transfer"}
        found.append(Step("ana" if member != "M0002" else "tom", "buy-shares", tuple(values.items())))
    for number in range(10):
        values = {
            "member": members[number % len(members)],
            "amount": "100.00",
            "share_class": "903",
            "tender": "transfer",
        }
        found.append(Step("tom", "redeem-shares", tuple(values.items())))
    return found


def _lists(seed: int, members: tuple[str, ...], times: int) -> list[list[Wish]]:
    """What each asks for. A fourth of the keys is used by two of them, for the same request or for another."""
    rng = random.Random(seed)
    found: list[list[Wish]] = []
    for hand in range(MANY):
        mine = [_wish(rng, members, f"{hand}-{number}") for number in range(times)]
        for number in range(times):
            if hand and rng.random() < 0.25:
                theirs = found[hand - 1][number]
                mine[number] = theirs if rng.random() < 0.7 else (*mine[number][:3], theirs[3])
        found.append(mine)
    return found


def _wish(rng: random.Random, members: tuple[str, ...], key: str) -> Wish:
    member, amount = rng.choice(members), f"{rng.randint(1, 30000) / 100:.2f}"
    how = rng.choice(({}, {"tender": "transfer"}))
    who, operation = rng.choice((
        ("ana", "deposit"), ("tom", "withdraw"), ("ana", "withdraw"), ("bob", "withdraw"), ("tom", "receive-gift"),
        ("sue", "approve"), ("bob", "approve"), ("ana", "admit-member"), ("tom", "move-cash"), ("tom", "close-day"),
    ))  # fmt: skip
    values: dict[str, Any] = {"member": member, "amount": amount, **how}
    if operation == "approve":
        values = {"request": f"R-{rng.randint(6, 17):05}"}
    elif operation == "receive-gift":
        values = {"amount": amount, "donor": "Many", "tender": "transfer", "fund": rng.choice(("GEN", "RLF"))}
    elif operation == "admit-member":
        values = {"member_name": "Quin"}
    elif operation == "move-cash":
        values = {"from_place": "FIRST", "to_place": "VAULT", "amount": amount}
    elif operation == "close-day":
        values = {}
    return who, operation, values, key


def _assert_each_key_once(lists: list[list[Wish]], answers: list[Said]) -> None:
    """Of all who asked under a key one was served; the others were told the same, or that it is another request."""
    told: dict[str, list[str]] = {}
    for wishes, said in zip(lists, answers, strict=True):
        for (_who, _operation, _values, key), each in zip(wishes, said, strict=True):
            told.setdefault(key, []).append(each["answer"])
    for key, heard in told.items():
        count = Counter(heard)
        served = count["done"] + count["pending"]
        assert served <= 1, f"{key}: {heard}"
        assert (count["repeated"] + count["key-reused"] == 0) or served == 1, f"{key}: {heard}"


def _replay(model: Model, lists: list[list[Wish]], answers: list[Said], log: list[Any]) -> None:
    """Play the log through the model; each operation has to come out as the books have it."""
    done: dict[int, Wish] = {}
    doubtful = [refused for hand in range(MANY) for refused in _refused(lists[hand], answers[hand], log)]
    for wishes, said in zip(lists, answers, strict=True):
        done |= {
            each["number"]: wish
            for wish, each in zip(wishes, said, strict=True)
            if each["answer"] in ("done", "pending")
        }
    for number, key, kind, actor, sealed in log:
        doubtful = [each for each in doubtful if not _right_now(model, each)]
        if number <= model.number:  # what an approval set off
            continue
        if kind == "log-refusal":
            model.skip(actor)
            continue
        who, operation, values, asked_key = done[number]
        assert (who, asked_key) == (actor, key)
        verdict = model.do(Ask(who, operation, values, key))
        assert verdict.status == ("pending" if kind == "ask" else "done"), f"operation {number}: {verdict}"
        assert verdict.number == number
        _assert_lines(verdict, log, number, sealed)
    doubtful = [each for each in doubtful if not _right_now(model, each)]
    assert doubtful == [], "refused, and there was no moment at which that was right"


def _assert_lines(verdict: Verdict, log: list[Any], number: int, sealed: str) -> None:
    """The amounts of each entry, as they stand in the sealed text; the leaves are compared at the end."""
    place = number - log[0][0]
    texts = [sealed] + ([log[place + 1][4]] if len(verdict.entries) and not loads(sealed)[11] else [])
    written = [sorted(line[1] for line in entry[4]) for text in texts for entry in loads(text)[11]]
    assert written == [sorted(amount for _f, _c, amount in entry) for entry in verdict.entries]


def _refused(wishes: list[Wish], said: Said, log: list[Any]) -> Iterator[tuple[int, int, Wish, str]]:
    """What a hand was refused, and between which operations that was."""
    for place, (wish, each) in enumerate(zip(wishes, said, strict=True)):
        if each["answer"] in ("done", "pending", "repeated", "key-reused"):
            continue
        before = max((s["number"] for s in said[:place] if s["answer"] in ("done", "pending")), default=0)
        after = min((s["number"] for s in said[place:] if s["answer"] in ("done", "pending")), default=log[-1][0] + 1)
        yield before, after, wish, each["answer"]


def _right_now(model: Model, refused: tuple[int, int, Wish, str]) -> bool:
    before, after, (who, operation, values, key), answer = refused
    if not before <= model.number < after:
        return False
    no = model.refusal(Ask(who, operation, values, key))
    return no is not None and no.error == answer
