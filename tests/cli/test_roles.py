"""Users of a server: the program works as one who can append to the books, and change nothing that is posted."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.bank.verify import verify
from coopbank.clock import SetClock
from coopbank.database import Database
from coopbank.ledger.roles import APPENDED
from coopbank.ledger.verify import wrong
from tests.cli.conftest import PASSPHRASE, Run
from tests.support_bank import SmallBank, new_bank

pytestmark = pytest.mark.postgresql
ON_A_SERVER = pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)
_numbers = itertools.count(1)


@contextlib.contextmanager
def as_owner(place: str) -> Iterator[Any]:
    with psycopg.connect(place.replace("+psycopg", "", 1), autocommit=True) as connection:
        yield connection


def by(user: str, place: str) -> str:
    """The same place, for another user of the server."""
    return place.replace("//postgres@", f"//{user}@", 1)


@pytest.fixture
def small(engine_url: str, folder: Any) -> Iterator[SmallBank]:
    with new_bank(engine_url) as bank:
        bank.give_passphrase("tom", PASSPHRASE)
        member = bank.admit("Mia Lee", phone="601 555 0101")
        bank.do("open-savings", member=member)
        bank.do("deposit", member=member, amount="300.00")
        yield bank


@pytest.fixture
def new_user(small: SmallBank) -> Iterator[Callable[[str], str]]:
    """Users of the server with no rights at all, gone afterwards."""
    made = []
    with as_owner(small.bank.database.place) as owner:

        def create(name: str) -> str:
            user = f'{name} "{os.getpid()}" {next(_numbers)}'
            owner.execute(f"CREATE ROLE {quoted(user)} LOGIN")
            made.append(user)
            return user

        yield create
    with as_owner(small.bank.database.place) as owner:
        for user in made:
            owner.execute(f"DROP OWNED BY {quoted(user)}")
            owner.execute(f"DROP ROLE {quoted(user)}")


def quoted(user: str) -> str:
    return '"' + user.replace('"', '""') + '"'


def place_of(small: SmallBank, user: str) -> str:
    return by(user.replace('"', "%22").replace(" ", "%20"), small.bank.database.place)


@ON_A_SERVER
def test_the_program_works_as_a_user_who_can_change_nothing_that_is_posted(
    small: SmallBank, new_user: Callable[[str], str], run: Run
) -> None:
    till, owner = new_user("till"), small.bank.database.place
    told = run("--db", owner, "--as", "admin", "roles", till, "--json").document
    assert (told["user"], told["bounded"]) == (till, True)
    place = place_of(small, till)
    with contextlib.closing(Bank.open(place, clock=small.clock, nonce=small.bank._nonce)) as bank:
        work = SmallBank(bank, small.clock)
        member = work.admit("Noa Banks", phone="601 555 0102", tax_id="1-2-3")
        work.do("open-savings", member=member)
        work.do("deposit", member=member, amount="20.00")
        work.do("buy-shares", member="M0001", amount="25.00")
        work.agreed("redeem-shares", member="M0001", amount="25.00")
        bank.sign_out(bank.keep_sign_in(bank.sign_in("tom", PASSPHRASE)))
        bank.database.clear_traces()
        work.go_to("2026-03-03")
        assert not wrong(verify(bank.database))
    assert run("--db", place, "--as", "tom", "verify").code == 0
    with as_owner(place) as eve:
        for table in (*APPENDED, "balance", "balance_day", "control_total"):
            for statement in (f"UPDATE {table} {_CHANGED.get(table, 'SET operation_id = 1')}", f"DELETE FROM {table}",
                              f"TRUNCATE {table} CASCADE", f"DROP TABLE {table} CASCADE",
                              f"ALTER TABLE {table} DISABLE TRIGGER ALL"):  # fmt: skip
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    eve.execute(statement)
        for statement in ("INSERT INTO balance (account_id) VALUES (1)", "DELETE FROM personal",
                          "INSERT INTO posting VALUES (1, 9, 1, 5)",
                          "INSERT INTO entry (id, operation_id, effective_on, memo) VALUES (99, 1, '2026-03-02', '')",
                          "UPDATE alembic_version SET version_num = '1'", "SET session_replication_role = replica",
                          "CREATE TABLE public.mine (a int)", "DROP FUNCTION operation_seal CASCADE",
                          "ALTER FUNCTION operation_seal SECURITY INVOKER",
                          "CREATE OR REPLACE FUNCTION public.refuse(why text) RETURNS void LANGUAGE sql AS 'SELECT'",
                          "CREATE TRIGGER t AFTER INSERT ON entry EXECUTE FUNCTION append_only()"):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                eve.execute(statement)
    for command in (["rebuild"], ["move", "--to", "away.db"], ["roles", till]):
        answer = run("--db", place, "--as", "admin", *command, "--json")
        assert answer.error["code"] in ("not-allowed", "database-read-only"), command
    assert not os.path.exists("away.db")  # noqa: PTH110


_CHANGED = {
    "operation": "SET actor = 'eve'", "entry": "SET memo = 'x'", "posting": "SET amount = 1",
    "balance": "SET debit = 0", "balance_day": "SET debit = 0", "control_total": "SET debit = 0",
}  # fmt: skip


@ON_A_SERVER
def test_a_reader_reads_and_that_is_all(small: SmallBank, new_user: Callable[[str], str], run: Run) -> None:
    reader, owner = new_user("reader"), small.bank.database.place
    assert run("--db", owner, "--as", "admin", "roles", reader, "--reader").code == 0
    place = place_of(small, reader)
    with contextlib.closing(Bank.open(place, read_only=True)) as bank, bank.read() as books:
        assert books.balance("GEN", "905/M0001") == -300_00
    with as_owner(place) as eve:
        for table in APPENDED:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                eve.execute(f"INSERT INTO {table} SELECT * FROM {table}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            eve.execute("DELETE FROM session")


@ON_A_SERVER
def test_who_cannot_be_bounded_is_refused(small: SmallBank, new_user: Callable[[str], str], run: Run) -> None:
    till, other, owner = new_user("till"), new_user("other"), small.bank.database.place

    def refused(user: str, by: str = "admin") -> str:
        return str(run("--db", owner, "--as", by, "roles", user, "--json").error["code"])

    assert refused("postgres") == "wrong-usage"
    assert refused("nobody; DROP TABLE posting") == refused("") == "unknown"
    assert refused(till, by="tom") == "not-allowed"
    with as_owner(owner) as server:
        server.execute(f"GRANT {quoted(other)} TO {quoted(till)}")
        server.execute(f"GRANT DELETE ON posting TO {quoted(other)}")
        assert refused(till) == "not-allowed", "by the role that they are in"
        assert not server.execute("SELECT has_table_privilege(%s, 'posting', 'SELECT')", (till,)).fetchone()[0]
        server.execute(f"REVOKE DELETE ON posting FROM {quoted(other)}")
        server.execute(f"GRANT UPDATE (amount) ON posting TO {quoted(other)}")
        assert refused(till) == "not-allowed", "one column is enough"
        server.execute(f"REVOKE UPDATE (amount) ON posting FROM {quoted(other)}")
        server.execute(f"GRANT CREATE ON SCHEMA public TO {quoted(other)}")
        assert refused(till) == "not-allowed", "an operator of their own could be taken for the server's"
        server.execute("GRANT UPDATE ON posting TO PUBLIC")
        server.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
        server.execute(f"REVOKE {quoted(other)} FROM {quoted(till)}")
        for beyond in ("pg_write_server_files", "pg_execute_server_program"):
            server.execute(f"GRANT {beyond} TO {quoted(till)}")
            assert refused(till) == "wrong-usage", "nothing bounds who can do that"
            server.execute(f"REVOKE {beyond} FROM {quoted(till)}")
    assert run("--db", owner, "--as", "admin", "roles", till).code == 0, "what everybody may, is taken away"
    shown = run("--db", owner, "--as", "tom", "roles")
    assert (shown.code, "This user can change what is posted" in shown.out) == (0, True)


@ON_A_SERVER
def test_given_twice_it_is_the_same(small: SmallBank, new_user: Callable[[str], str], run: Run) -> None:
    till = new_user("till")
    given = [
        run("--db", small.bank.database.place, "--as", "admin", "roles", till, "--json").document for _ in range(2)
    ]
    assert given[0] == given[1]
    with contextlib.closing(Bank.open(place_of(small, till), clock=SetClock(small.clock.instant))) as bank:
        deposit = bank.build("deposit", {"member": "M0001", "amount": "1.00"})
        assert bank.perform(Actor("ana", ()), deposit, key="x").status == "done"


def test_books_in_a_file_have_no_such_users(books: Any, run: Run) -> None:
    assert run("--as", "admin", "roles", "till", "--json").error["code"] == "wrong-usage"
    with contextlib.closing(Database.open(str(books), read_only=True)) as database, database.read() as tx:
        assert tx.value("SELECT count(*) FROM operation")
