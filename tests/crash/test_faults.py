"""Every SQL statement of a posting fails once, and so does the commit: the tables stay as they were, byte for byte."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from coopbank.bank.operation import Receipt
from coopbank.database import Transaction
from coopbank.errors import DatabaseBusy, DatabaseUnusable
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
    assert faults.at > 12, "the statements of a posting were met"
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
        statements = 0
        for at in range(1, 30, 3):
            faults.at, faults.count = at, 0
            request = ready.bank.build("deposit", {"member": "M0001", "amount": "1.00"})
            assert ready.bank.perform(ready.ana, request).status == "done"
            statements = max(statements, faults.count)
            faults.at = 0
            drawn -= 1_00
            assert ready.balance("905/M0001") == drawn
        assert statements > 30, "the work was begun anew"


@pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)
def test_a_race_that_is_lost_again_and_again_is_refused(ready: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    before = everything(ready)
    tries = []

    def never(*_values: Any) -> int:
        tries.append(1)
        raise psycopg.errors.SerializationFailure("called off")

    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "run", never)
        with pytest.raises(DatabaseBusy, match="try again"):
            cheque(ready)
    assert 1 < len(tries) < 10
    assert everything(ready) == before
