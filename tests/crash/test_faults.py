"""Every SQL statement of a posting fails once, and so does the commit: the tables stay as they were, byte for byte."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from coopbank.bank.books import Kept
from coopbank.bank.operation import Receipt
from coopbank.database import Transaction
from coopbank.errors import ConnectionLost, DatabaseBusy, DatabaseUnusable
from tests.support_bank import SmallBank

pytestmark = pytest.mark.crash

METHODS = ("rows", "row", "run", "run_many")  # value() goes through row()


def everything(small: SmallBank) -> dict[str, list[Any]]:
    """All tables with all their rows."""
    with small.bank.database.read() as tx:
        names = (
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1"
            if tx.dialect == "sqlite"
            else "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        )
        return {name: sorted(map(repr, tx.rows(f'SELECT * FROM "{name}"'))) for (name,) in tx.rows(names)}


class Faults:
    """Lets the statement with the number `at` fail, before or after it was carried out."""

    def __init__(self, error: Exception, *, after: bool) -> None:
        self.error, self.after = error, after
        self.at = self.count = 0

    @contextmanager
    def planted(self) -> Iterator[Faults]:
        with pytest.MonkeyPatch.context() as patch:
            for name in METHODS:
                patch.setattr(Transaction, name, self._failing(getattr(Transaction, name)))
            yield self

    def _failing(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(tx: Transaction, *values: Any) -> Any:
            self.count += 1
            if self.count == self.at and not self.after:
                raise self.error
            found = method(tx, *values)
            if self.count == self.at:
                raise self.error
            return found

        return wrapped


def disk_full(kind: str) -> Exception:
    if kind == "sqlite":
        return sqlite3.OperationalError("database or disk is full")
    import psycopg

    return psycopg.errors.DiskFull("could not extend file: No space left on device")


def cheque(small: SmallBank) -> Receipt:
    """An entry, a new leaf, records and a hold."""
    values = {"member": "M0001", "amount": "12.34", "tender": "cheque", "cheque_number": "77"}
    return small.bank.perform(small.ana, small.bank.build("deposit", values), key="fault")


def admission(small: SmallBank) -> Receipt:
    """Personal values and the directory."""
    values = {"member_name": "Pia Moss", "phone": "601 555 0142", "tax_id": "1-2-3"}
    return small.bank.perform(small.ana, small.bank.build("admit-member", values), key="fault")


def approval(small: SmallBank) -> Receipt:
    """Two operations, the second set off by the first."""
    return small.bank.perform(small.tom, small.bank.build("approve", {"request": small.waiting}), key="fault")  # type: ignore[attr-defined]


@pytest.fixture
def ready(small: SmallBank) -> SmallBank:
    small.do("buy-shares", member="M0001", amount="25.00")
    small.waiting = small.ask("redeem-shares", member="M0001", amount="25.00").request  # type: ignore[attr-defined]
    return small


@pytest.mark.parametrize("work", [cheque, admission, approval])
@pytest.mark.parametrize("after", [False, True], ids=["not carried out", "carried out"])
def test_any_statement_may_fail(
    ready: SmallBank, engine_kind: str, work: Callable[[SmallBank], Receipt], after: bool
) -> None:
    before = everything(ready)
    with Faults(disk_full(engine_kind), after=after).planted() as faults:
        receipt = None
        while receipt is None:
            faults.at, faults.count = faults.at + 1, 0
            try:
                receipt = work(ready)
            except DatabaseUnusable as refusal:
                assert refusal.exit_code == 4
                faults.count = -(10**6)  # the comparison itself does not fail
                assert everything(ready) == before, f"statement {faults.at} left something behind"
    assert faults.at > 8, "the statements of a posting were met"
    assert receipt.status == "done"
    assert work(ready).status == "repeated"


@pytest.mark.parametrize("work", [cheque, admission, approval])
def test_a_commit_that_fails_leaves_nothing(
    ready: SmallBank, engine_kind: str, work: Callable[[SmallBank], Receipt], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(ready)

    def refuse(_connection: Any) -> None:
        raise disk_full(engine_kind)

    with monkeypatch.context() as patch:
        patch.setattr(ready.bank.database.engine.dialect, "do_commit", refuse)
        with pytest.raises(DatabaseUnusable):
            work(ready)
    assert everything(ready) == before
    assert work(ready).status == "done"


@pytest.mark.parametrize("work", [cheque, admission, approval])
def test_an_acknowledgement_that_is_lost_can_be_asked_for_again(
    ready: SmallBank, engine_kind: str, work: Callable[[SmallBank], Receipt], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Committed, and then the connection was gone before anybody heard of it: the same key tells."""
    dialect = ready.bank.database.engine.dialect
    commit = dialect.do_commit

    def lose(connection: Any) -> None:
        commit(connection)
        raise disk_full(engine_kind)

    with monkeypatch.context() as patch:
        patch.setattr(dialect, "do_commit", lose)
        with pytest.raises(DatabaseUnusable):
            work(ready)
    after = everything(ready)
    assert work(ready).status == "repeated"
    assert everything(ready) == after


# --------------------------------------------------------------------------- races that a server calls off


@pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize("state", ["SerializationFailure", "DeadlockDetected"])
def test_what_a_server_calls_off_is_tried_anew_and_posts_once(ready: SmallBank, state: str) -> None:
    import psycopg

    error = getattr(psycopg.errors, state)("called off")
    with Faults(error, after=True).planted() as faults:
        drawn = ready.balance("905/M0001")
        plain = statements = 0
        for at in range(12):  # first none of them fails
            faults.at, faults.count = at, 0
            ready.bank._kept = Kept()  # each asks all that there is to ask
            request = ready.bank.build("deposit", {"member": "M0001", "amount": "1.00"})
            assert ready.bank.perform(ready.ana, request).status == "done"
            plain, statements = plain or faults.count, max(statements, faults.count)
            faults.at = 0
            drawn -= 1_00
            assert ready.balance("905/M0001") == drawn
        assert statements > plain > 5, f"{plain}, {statements}: the work was begun anew"


@pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)
def test_a_race_that_is_lost_again_and_again_is_refused(ready: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    before = everything(ready)
    tries = []

    def never(*_values: Any) -> int:
        tries.append(1)
        raise psycopg.errors.SerializationFailure("called off")

    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "row", never)
        with pytest.raises(DatabaseBusy, match="try again"):
            cheque(ready)
    assert 1 < len(tries) < 10
    assert everything(ready) == before


# ------------------------------------------------------------------- the same, provoked on the server itself


ON_A_SERVER = pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)


@contextmanager
def outsider(small: SmallBank) -> Iterator[Any]:
    """Somebody else's connection to the same database, in no transaction."""
    import psycopg

    with psycopg.connect(small.bank.database.place.replace("+psycopg", "", 1), autocommit=True) as connection:
        yield connection


def waiter(connection: Any) -> int | None:
    """The process of the server that waits for a lock which somebody holds, once one does."""
    for _ in range(3000):
        found = connection.execute(
            "SELECT pid FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database"
            " WHERE datname = current_database())"
        ).fetchone()
        if found is not None:
            return int(found[0])
        time.sleep(0.02)
    return None


@contextmanager
def working(work: Callable[[], Receipt | None]) -> Iterator[list[Receipt | BaseException | None]]:
    """Work that goes on beside the block; what came of it, once the block has ended."""
    came: list[Receipt | BaseException | None] = []

    def worked() -> None:
        try:
            came.append(work())
        except BaseException as error:
            came.append(error)

    thread = threading.Thread(target=worked)
    thread.start()
    try:
        yield came
    finally:
        thread.join()


@ON_A_SERVER
def test_a_deadlock_that_the_server_ends_is_tried_anew_and_posts_once(ready: SmallBank) -> None:
    """Somebody holds a table and wants the book's own lock; the posting has that, and then wants the table.

    A server looks once for each who waits, a while after the wait began: so the posting begins to wait last, and is the
    one that is called off. The gate is a table that it reads between the two.
    """
    before = ready.balance("905/M0001")
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    wants_the_book = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM"
    wants_the_book += " pg_database WHERE datname = current_database())"
    with outsider(ready) as gate, outsider(ready) as other, outsider(ready) as watching:
        _run(gate, "BEGIN", "LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
        _run(other, "SET deadlock_timeout = '300s'", "BEGIN", "LOCK TABLE balance IN ACCESS EXCLUSIVE MODE")
        with working(lambda: cheque(ready)) as came:
            assert waiter(watching) is not None
            with working(lambda: _run(other, "SELECT pg_advisory_xact_lock(20261122)", "ROLLBACK")) as others:
                until(lambda: watching.execute(wants_the_book).fetchone() is not None)
                _run(gate, "ROLLBACK")
        assert others == [None]
        until(lambda: watching.execute(deadlocks).fetchone()[0])
        assert watching.execute(deadlocks).fetchone()[0] == 1
    assert [each.status for each in came if isinstance(each, Receipt)] == ["done"], came
    assert ready.balance("905/M0001") == before - 12_34
    assert cheque(ready).status == "repeated"


def until(so: Callable[[], Any]) -> None:
    """Wait until it is so; a minute at most."""
    for _ in range(1200):
        if so():
            return
        time.sleep(0.05)
    pytest.fail("it never came")


@ON_A_SERVER
def test_a_serialization_failure_that_the_server_raises_is_tried_anew_and_posts_once(ready: SmallBank) -> None:
    """A rule of the test's own says so twice, as a server does under a stricter isolation, and then lets it by."""
    before = ready.balance("905/M0001")
    with outsider(ready) as other:
        _run(other, "CREATE SEQUENCE tries",
             "CREATE FUNCTION call_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('tries') < 3 THEN"
             " RAISE EXCEPTION 'could not serialize' USING ERRCODE = '40001'; END IF; RETURN NULL; END $$",
             "CREATE CONSTRAINT TRIGGER call_off AFTER INSERT ON operation DEFERRABLE INITIALLY DEFERRED"
             " FOR EACH ROW EXECUTE FUNCTION call_off()")  # fmt: skip
        assert cheque(ready).status == "done"
        assert other.execute("SELECT last_value FROM tries").fetchone() == (3,)
        _run(other, "DROP TRIGGER call_off ON operation", "DROP FUNCTION call_off", "DROP SEQUENCE tries")
    assert ready.balance("905/M0001") == before - 12_34
    assert cheque(ready).status == "repeated"


@ON_A_SERVER
@pytest.mark.parametrize("key", ["the slip", None])
def test_a_connection_that_is_cut_in_the_middle_is_made_anew_and_posts_once(ready: SmallBank, key: str | None) -> None:
    before = ready.balance("905/M0001")
    request = ready.bank.build("deposit", {"member": "M0001", "amount": "5.00"})
    with outsider(ready) as other, outsider(ready) as watching:
        _run(other, "BEGIN", "LOCK TABLE balance IN ACCESS EXCLUSIVE MODE")
        with working(lambda: ready.bank.perform(ready.ana, request, key=key)) as came:
            pid = waiter(watching)
            assert watching.execute("SELECT pg_terminate_backend(%s)", (pid,)).fetchone() == (True,)
            _run(other, "ROLLBACK")
    assert [each.status for each in came if isinstance(each, Receipt)] == ["done"], came
    assert ready.balance("905/M0001") == before - 5_00


@ON_A_SERVER
@pytest.mark.parametrize("key", ["the slip", None])
def test_an_answer_that_is_lost_with_its_connection_is_asked_for(
    ready: SmallBank, key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Committed, and the server's process is gone before it says so: the key tells that it was done."""
    dialect, cut = ready.bank.database.engine.dialect, []
    commit, before = dialect.do_commit, ready.balance("905/M0001")

    def lose(connection: Any) -> None:
        commit(connection)
        if not cut:
            cut.append(connection.execute("SELECT pg_backend_pid()").fetchone()[0])
            with outsider(ready) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", (cut[0],))
            connection.execute("SELECT 1")

    request = ready.bank.build("deposit", {"member": "M0001", "amount": "5.00"})
    with monkeypatch.context() as patch:
        patch.setattr(dialect, "do_commit", lose)
        receipt = ready.bank.perform(ready.ana, request, key=key)
    assert cut and receipt.status == ("done" if key is None else "repeated")
    assert ready.balance("905/M0001") == before - 5_00


@ON_A_SERVER
def test_a_server_that_stays_away_is_told_with_the_key_that_tells_the_outcome(
    ready: SmallBank, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    monkeypatch.setattr("coopbank.database._LOST_PAUSES", (0.0, 0.01))
    before = ready.balance("905/M0001")
    request = ready.bank.build("deposit", {"member": "M0001", "amount": "5.00"})
    name = ready.bank.database.place.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(postgresql_url.replace("+psycopg", "", 1), autocommit=True) as server:
        _run(server, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false',
             f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")  # fmt: skip
        with pytest.raises(ConnectionLost, match="once: the slip"):
            ready.bank.perform(ready.ana, request, key="the slip")
        with pytest.raises(ConnectionLost, match="Look whether"):
            ready.bank.perform_all(ready.ana, [(request, "one"), (request, "two")])
        for never_begun in (
            lambda: ready.bank.perform(ready.ana, request),
            lambda: ready.bank.record_sign_in(ready.ana),
        ):
            with pytest.raises(ConnectionLost, match="Nothing is half done"):
                never_begun()
        _run(server, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        assert ready.bank.perform(ready.ana, request, key="the slip").status == "done"
        with outsider(ready) as other, outsider(ready) as watching:
            _run(other, "BEGIN", "LOCK TABLE balance IN ACCESS EXCLUSIVE MODE")
            with working(lambda: ready.bank.perform(ready.ana, request)) as came:
                pid = waiter(watching)
                _run(server, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
                _run(server, f"SELECT pg_terminate_backend({pid}, 5000)")
        _run(server, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    assert isinstance(came[0], ConnectionLost)
    drawn = came[0].values["key"]
    assert str(came[0]).endswith(f"it is done once: {drawn}")
    assert [ready.bank.perform(ready.ana, request, key=drawn).status for _ in range(2)] == ["done", "repeated"]
    assert ready.balance("905/M0001") == before - 10_00


def _run(connection: Any, *statements: str) -> None:
    for statement in statements:
        connection.execute(statement)
