"""Two and more at once, on both engines: no update is lost, no account overdrawn, and each key posts once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from coopbank.bank.bank import Bank
from coopbank.clock import SetClock
from coopbank.errors import DatabaseBusy
from tests.crash.hands import Hands
from tests.support_bank import SmallBank

pytestmark = pytest.mark.crash

MANY = 8


def numbers(small: SmallBank, table: str) -> list[int]:
    with small.read() as books:
        return [number for (number,) in books.tx.rows(f"SELECT id FROM {table} ORDER BY id")]


def assert_gapless(small: SmallBank) -> None:
    for table in ("operation", "entry"):
        found = numbers(small, table)
        assert found == list(range(1, len(found) + 1))


@pytest.mark.parametrize("members", [["M0001"], ["M0001", "M0002"]], ids=["one account", "many accounts"])
def test_deposits_and_withdrawals_at_once_lose_nothing(
    small: SmallBank, hands: Hands, engine_url: str, members: list[str]
) -> None:
    _crowd(small, hands, engine_url, members, times=4, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
def test_a_long_rush(small: SmallBank, hands: Hands, engine_url: str, seed: int) -> None:
    _crowd(small, hands, engine_url, ["M0001", "M0002"], times=250, seed=seed)


def _crowd(small: SmallBank, hands: Hands, place: str, members: list[str], *, times: int, seed: int) -> None:
    before = {member: small.balance(f"905/{member}") for member in members}
    drawer = small.balance("739/D1", "POOL")
    said = hands.all(place, "crowd", count=MANY, members=members, times=times, seed=seed)
    answers = [each for each in said if "answer" in each]
    assert len(answers) == MANY * times
    assert {each["answer"] for each in answers} <= {"done", "overdrawn"}
    done = [each for each in answers if each["answer"] == "done"]
    assert done, "somebody was served"
    for member in members:
        assert small.balance(f"905/{member}") == before[member] - sum(d["cents"] for d in done if d["member"] == member)
        assert small.balance(f"905/{member}") <= 0
    assert small.balance("739/D1", "POOL") == drawer + sum(d["cents"] for d in done)
    assert_gapless(small)


def test_one_key_in_eight_hands_posts_once(small: SmallBank, hands: Hands, engine_url: str) -> None:
    before = small.balance("905/M0001")
    said = hands.all(engine_url, "same_key", count=MANY)
    assert Counter(each["answer"] for each in said) == {"done": 1, "repeated": MANY - 1}
    assert small.balance("905/M0001") == before - 7_00


def test_two_people_approve_at_once_and_one_of_them_does(small: SmallBank, hands: Hands, engine_url: str) -> None:
    small.do("buy-shares", member="M0001", amount="25.00")
    asked = small.ask("redeem-shares", member="M0001", amount="25.00")
    said = hands.all(engine_url, "approvers", count=MANY, request=asked.request, users=["tom", "sue"])
    assert Counter(each["answer"] for each in said) == {"done": 1, "wrong-state": MANY - 1}
    assert small.balance("901/M0001") == 0


def test_nothing_is_posted_on_a_day_after_its_close(small: SmallBank, hands: Hands, engine_url: str) -> None:
    held = small.text(small.balance("739/D1", "POOL"))
    small.do("close-drawer", drawer="D1", counted=held)
    said = hands.all(engine_url, "closing", count=5)
    closed = next(each["closed"] for each in said if "closed" in each)
    done = [each["done"] for each in said if "done" in each]
    assert all(number < closed for number in done)
    assert [each["answer"] for each in said if "answer" in each] == ["day-closed"] * 4
    with small.read() as books:
        entries = books.tx.value("SELECT count(*) FROM entry")
        [body] = books.tx.row("SELECT body FROM record WHERE kind = 'day-close'")  # type: ignore[misc]
    assert f'"entries":{entries},' in body
    assert_gapless(small)


def test_threads_share_one_bank(small: SmallBank) -> None:
    """One open bank, as the counter holds it, used from many threads."""
    before = small.balance("905/M0001")

    def deposit(bank: Bank, failed: list[BaseException]) -> None:
        try:
            for _ in range(4):
                bank.perform(small.ana, bank.build("deposit", {"member": "M0001", "amount": "1.00"}))
        except BaseException as error:
            failed.append(error)

    failed: list[BaseException] = []
    threads = [threading.Thread(target=deposit, args=(small.bank, failed)) for _ in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert small.balance("905/M0001") == before - MANY * 4 * 1_00
    assert_gapless(small)


def test_who_waits_too_long_is_told_and_nothing_is_done(
    small: SmallBank, engine_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coopbank.database.BUSY_SECONDS", 0.2)
    operations = numbers(small, "operation")
    other = Bank.open(engine_url, clock=small.clock)
    try:
        with small.bank.database.write(), pytest.raises(DatabaseBusy) as busy:
            other.perform(small.ana, other.build("deposit", {"member": "M0001", "amount": "1.00"}))
        assert busy.value.exit_code == 4 and "try again" in str(busy.value)
        with other.read() as books:  # who reads waits for nobody
            assert books.business_date() is not None
    finally:
        other.close()
    assert numbers(small, "operation") == operations


@pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "setting", ["default_transaction_isolation = 'repeatable read'", "default_transaction_isolation = 'serializable'"]
)
def test_the_server_s_own_defaults_do_not_matter(
    small: SmallBank, hands: Hands, engine_url: str, run_sql: Callable[..., Any], setting: str
) -> None:
    """A writer's view of the books begins after it has the lock, whatever the server begins transactions with."""
    with small.read() as books:
        name = books.tx.value("SELECT current_database()")
    run_sql(engine_url, *(f'ALTER DATABASE "{name}" SET {each}' for each in (setting, "synchronous_commit = off")))
    _crowd(small, hands, engine_url, ["M0001", "M0002"], times=2, seed=2)
    bank = Bank.open(engine_url, clock=SetClock(small.clock.instant))
    try:
        with bank.database.write() as tx:
            assert tx.value("SHOW transaction_isolation") == "read committed"
            assert tx.value("SHOW synchronous_commit") == "on"
        with bank.database.read() as tx:
            assert tx.value("SHOW transaction_isolation") == "repeatable read"
            assert tx.value("SHOW transaction_read_only") == "on"
    finally:
        bank.close()


@pytest.fixture
def run_sql() -> Callable[..., None]:
    def run(url: str, *statements: str) -> None:
        import psycopg

        with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    return run
