"""The server is killed under load, its standby takes over: what was acknowledged is there, and the tills go on."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
import typer

import coopbank.tui
from coopbank.bank.bank import Bank
from coopbank.bank.server_copies import libpq_address
from coopbank.bank.verify import verify
from coopbank.cli import main
from coopbank.cli.commands.counter import open_counter
from coopbank.cli.door import Door
from coopbank.database import Database
from coopbank.errors import DatabaseMissing, DatabaseReadOnly, NotABook, SignInRefused
from coopbank.ledger.verify import wrong
from coopbank.tui.screens.portfolio import picture
from coopbank.tui.session import Session
from tests.crash.hands import Hands
from tests.crash.servers import Server, both, level, pair, wait_for
from tests.support_bank import PASSPHRASE, new_bank

pytestmark = [pytest.mark.crash, pytest.mark.postgresql]
TILLS = 4


@pytest.mark.usefixtures("postgresql_url")  # it makes the user that a server runs as
def test_a_standby_takes_over_and_nothing_that_was_acknowledged_is_lost(
    hands: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COOPBANK_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pair() as (primary, standby):
        place = founded(primary, standby)
        read_from_the_standby(primary, standby, capsys)
        _failover(hands, primary, standby, place, times=25)


@pytest.mark.soak
@pytest.mark.usefixtures("postgresql_url")
@pytest.mark.parametrize("run", range(10))
def test_a_standby_takes_over_again_and_again(hands: Hands, run: int) -> None:
    with pair() as (primary, standby):
        _failover(hands, primary, standby, founded(primary, standby), times=100 + 10 * run)


def founded(primary: Server, standby: Server) -> str:
    """Books on the primary with a member who has savings; the address by which either server is found."""
    primary.ask("CREATE DATABASE bank")
    place = both(primary, standby, "bank")
    with new_bank(primary.url("bank"), name=f"Bank of server {primary.port}") as small:  # no copy of another server's
        small.give_passphrase("tom", PASSPHRASE)
        small.do("open-savings", member=small.admit("Mia Lee"))
    return place


def _failover(hands: Hands, primary: Server, standby: Server, place: str, *, times: int) -> None:
    """Tills deposit; in the middle of it the primary is killed and the standby promoted; all come to their end."""
    acknowledged: list[str] = []
    killed = False
    for said in hands.work(place, "steadily", count=TILLS, times=times):
        assert said.get("status", 0) == 0, said
        if "answer" in said:
            acknowledged.append(said["key"])
        if len(acknowledged) >= TILLS * times // 3 and not killed:
            primary.kill()
            standby.promote()  # comes back once all that it had received is there to be read
            killed = True
            assert set(acknowledged) <= keys_in(standby.url("bank")), "acknowledged, and not on the standby"
    assert killed
    with psycopg.connect(libpq_address(sa.make_url(place))) as connection:  # as pg_dump is given it
        assert connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
    wanted = {f"{hand}-{number}" for hand in range(TILLS) for number in range(times)}
    assert Counter(acknowledged) == Counter(wanted), "each till went on to its end"
    database = Database.open(place)
    with contextlib.closing(database), database.read() as tx:
        assert wanted <= {key for (key,) in tx.rows("SELECT key FROM operation")}
        balance = tx.value("SELECT credit - debit FROM balance b JOIN account a ON a.id = b.account_id"
                           " WHERE a.gl_code = '905' AND a.contract = 'M0001'")  # fmt: skip
        assert balance == 1_00 * len(wanted), "each was posted once"
        assert not wrong(verify(database))


def keys_in(place: str) -> set[str]:
    database = Database.open(place, read_only=True)
    with contextlib.closing(database), database.read() as tx:
        return {key for (key,) in tx.rows("SELECT key FROM operation")}


def read_from_the_standby(primary: Server, standby: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """Look-ups and proofs read there, and how far it is behind is told; nothing is written there."""

    def told(*arguments: str) -> tuple[Any, str]:
        capsys.readouterr()
        where = ["--db", primary.url("bank"), "--read-db", standby.url("bank"), "--as", "tom"]
        code = main([*where, *arguments, "--json"])
        printed = capsys.readouterr()
        assert code == 0, printed
        return json.loads(printed.out), printed.err

    level(primary, standby)
    proof, said = told("verify")
    assert (proof["ok"], said) == (True, "")
    standby.ask("SELECT pg_wal_replay_pause()")
    wait_for(lambda: standby.ask("SELECT pg_get_wal_replay_pause_state()") == "paused")
    with contextlib.closing(Bank.open(primary.url("bank"))) as bank:
        bank.sign_in("tom", PASSPHRASE)
    proof, said = told("verify")
    stands = proof["head"]["number"]
    assert f"what is read is as of operation {stands}; the server is at {stands + 1}" in said
    standby.ask("SELECT pg_wal_replay_resume()")
    level(primary, standby)
    found, said = told("members")
    assert ([each["member"] for each in found["members"]], said) == (["M0001"], "")
    assert told("verify")[0]["head"]["number"] == stands + 1
    with contextlib.closing(Bank.open(standby.url("bank"))) as bank, pytest.raises(DatabaseReadOnly):
        bank.sign_in("tom", PASSPHRASE)
    primary.ask("CREATE DATABASE other")
    with new_bank(primary.url("other"), nonces=1_000_000, name=f"Other bank of server {primary.port}"):
        pass
    assert main(["--db", primary.url("bank"), "--as", "tom", "members", "--read-db", primary.url("other")]) == 4
    assert "is no replica of" in capsys.readouterr().err
    assert main(["--db", primary.url("bank"), "--as", "tom", "members", "--read-db", primary.url("nowhere")]) == 4


@pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)
def test_the_counter_reads_at_length_where_nothing_is_missing(new_engine_url: Callable[[str], str]) -> None:
    """At the replica while it is level; at the server when it is behind, and when it is gone."""
    server, replica, other = (new_engine_url(name) for name in ("server", "replica", "other"))
    for each in (server, replica):  # one after the other they come out the same
        with new_bank(each) as small:
            small.give_passphrase("tom", PASSPHRASE)
    with new_bank(other, nonces=1_000_000):
        pass
    with pytest.raises(NotABook, match="no replica"):
        Session(server, read_place=other)
    with pytest.raises(DatabaseMissing):
        Session(server, read_place=replica + "nowhere")
    with contextlib.closing(Session(server, read_place=replica)) as session:
        assert session.read_at_length(place_of) == replica
        assert not picture(session, None).portfolio.loans
        assert not wrong(session.read_at_length(lambda bank: verify(bank.database)))
        session.sign_in("tom", PASSPHRASE)  # which only the server has
        assert session.read_at_length(place_of) == server
    with contextlib.closing(Session(server, read_place=server)) as session:
        assert session.replica is not None
        session.replica.close()
        session.replica = Database(replica + "nowhere", read_only=True)
        assert session.read_at_length(place_of) == server
        assert not picture(session, None).portfolio.loans


@pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)
def test_the_audit_desk_of_a_server_wants_somebody_signed_in(
    new_engine_url: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    opened: list[tuple[str, dict[str, object]]] = []
    monkeypatch.setattr(coopbank.tui, "run", lambda place, **more: opened.append((place, more)) or 0)
    server, replica = new_engine_url("server"), new_engine_url("replica")
    with new_bank(server) as small, new_bank(replica):
        small.give_passphrase("tom", PASSPHRASE)
    with pytest.raises(SignInRefused):
        open_counter(Door(server), read_only=True)
    assert not opened
    monkeypatch.setenv("COOPBANK_PASSPHRASE", PASSPHRASE)
    with pytest.raises(typer.Exit):
        open_counter(Door(server, "tom", read_place=replica), read_only=True)
    assert opened == [(replica, {"user": "tom", "read_only": True})]
    with pytest.raises(typer.Exit):
        open_counter(Door(server, "tom", read_place=replica))
    assert opened[1:] == [(server, {"user": "tom", "read_only": False, "read_place": replica})]


def place_of(bank: Bank) -> str:
    return bank.database.place
