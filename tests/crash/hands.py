"""Hands at the counter in processes of their own, to be killed or to get in each other's way.

    with Hands() as hands:
        for said in hands.work(place, "deposits", seed=7): ...      # what they say, as it is said
        hands.work(place, "crowd", count=8)

A nursery process loads the bank once and forks the hands, each of which opens the books anew: a run costs no
start of Python. What hands say goes through a pipe, one JSON document a line, written at once, so that what a hand
said before it was killed has been said.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DAY = "2026-03-02"
WARMED = ("deposits", "at_a_statement", "at_a_step")  # jobs that are begun hundreds of times
NAME = "hand"  # by which a server knows it
PART = 1_000  # every key of a run is "SEED-NUMBER"; the amount of NUMBER is NUMBER + 1 cents


class Hands:
    """The nursery, as the test sees it."""

    def __enter__(self) -> Hands:
        environment = dict(os.environ, PYTHONPATH=str(ROOT))
        self.loaded: list[str] = []  # modules that a hand had to load, so that the nursery spares the next one that
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment, bufsize=1,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate(timeout=30)

    def work(self, place: str, job: str, count: int = 1, **more: Any) -> Iterator[dict[str, Any]]:
        """Set hands to work; yields what they say until all are gone."""
        assert self.process.stdin is not None and self.process.stdout is not None
        asked = {"place": place, "job": job, "count": count, "load": self.loaded, **more}
        self.loaded, killed = [], False
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            said = json.loads(line)
            self.loaded = said.pop("loaded", self.loaded)
            if "end" in said:
                if killed and place.startswith("postgresql"):
                    _wait_for_its_server(place)
                return
            killed = killed or ("dead" in said and said["status"] < 0)  # else it is a receipt's: "done"
            yield said
        raise AssertionError("the nursery ended")

    def all(self, place: str, job: str, count: int = 1, **more: Any) -> list[dict[str, Any]]:
        """All that they say of their work; each must have ended well."""
        said = list(self.work(place, job, count, **more))
        assert [each["status"] for each in said if "dead" in each] == [0] * count, said
        return [each for each in said if "pid" not in each and "dead" not in each]


def _wait_for_its_server(place: str) -> None:
    """A server carries out what a killed one had sent, a commit too, before it sees that nobody waits for it."""
    import psycopg

    left = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
    with psycopg.connect(place.replace("+psycopg", ""), autocommit=True) as asking:
        while asking.execute(left, (NAME,)).fetchone() is not None:
            time.sleep(0.002)


def say(**what: Any) -> None:
    os.write(1, (json.dumps(what) + "\n").encode())


def _nursery() -> None:
    import sqlalchemy  # noqa: F401  (loaded before the hands are forked)

    import coopbank.bank.bank  # noqa: F401
    from coopbank import database

    database.BUSY_SECONDS = 60  # type: ignore[misc]  # whose turn comes late on a loaded machine waits for it
    database._LOST_PAUSES = (0.1, 0.4, *[1.0] * 60)  # type: ignore[assignment]  # and so does who waits for a standby

    for line in sys.stdin:
        job = json.loads(line)
        if job["job"] in WARMED:
            _warm(job)
        if job["load"]:
            for name in job["load"]:
                with contextlib.suppress(ImportError):
                    importlib.import_module(name)
            gc.collect()
            gc.freeze()  # so that hands do not copy what they only look through
        for index in range(job["count"]):
            pid = os.fork()
            if pid == 0:
                _hand(job, index)
            say(pid=pid)
        for _ in range(job["count"]):
            pid, status = os.wait()
            say(dead=pid, status=os.waitstatus_to_exitcode(status))
        say(end=True)


def _hand(job: dict[str, Any], index: int) -> None:
    code = 1
    try:
        signal.alarm(job.get("longest", 240))  # no hand outlives its test
        signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may have set them aside
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.environ["PGAPPNAME"] = NAME
        globals()[job["job"]](job, index)
        code = 0
    finally:
        if code:
            import traceback

            traceback.print_exc()
            sys.stderr.flush()
        os._exit(code)


_kept: dict[str, Any] = {}
"""By place: a bank that the nursery opened and left again, for hands that take it up from there."""


def _warm(job: dict[str, Any]) -> None:
    """Load all that a deposit needs before the first hand is forked; what is posted for it here is undone."""
    if job["place"] in _kept:
        return
    bank = _open({"place": job["place"]})
    with contextlib.suppress(ZeroDivisionError), bank.database.write() as tx:
        for request, key in requests_of(bank, 0, 2):
            bank._perform(tx, _actor("ana"), request, key)
        raise ZeroDivisionError
    bank.close()  # no connection may be taken over a fork; whoever uses it next has one of their own
    _kept.clear()
    _kept[job["place"]] = bank
    gc.collect()
    gc.freeze()


def _open(job: dict[str, Any]) -> Any:
    from coopbank import database
    from coopbank.bank.bank import Bank
    from coopbank.clock import SetClock

    plain = database._sqlite_connection
    if job.get("checkpoint"):  # so that a kill falls into checkpoints too

        def connect(*values: Any, **more: Any) -> Any:
            connection = plain(*values, **more)
            connection.execute(f"PRAGMA wal_autocheckpoint = {job['checkpoint']}")
            return connection

        database._sqlite_connection = connect
    if job.get("kept"):
        return _kept[job["place"]]
    noon = datetime.fromisoformat(f"{DAY}T18:00:00+00:00")
    assert noon.date() == date.fromisoformat(DAY)
    return Bank.open(job["place"], clock=SetClock(noon))


def _actor(user: str) -> Any:
    from coopbank.bank.books import Actor

    return Actor(user, ())  # the bank asks the books what a user may do


def requests_of(bank: Any, seed: int, number: int) -> list[tuple[Any, str]]:
    """What one call sends: a deposit, or every third time one to each of two members, all or nothing."""
    members = ("M0001", "M0002") if number % 3 == 2 else ("M0001",)
    amount = f"{(number + 1) / 100:.2f}"
    return [
        (bank.build("deposit", {"member": member, "amount": amount}), f"{seed}-{number}-{member}") for member in members
    ]


def groups_of(job: dict[str, Any], _index: int) -> None:
    """An operation that goes to the accounts in groups of two; killed in the pause before group `die_before`."""
    from coopbank.bank import bank as module
    from coopbank.bank import groups
    from coopbank.errors import Refused

    groups.LARGEST, groups.PAUSE_SECONDS = 2, 0.001
    carry_out_one, number = module.Bank._carry_out_one, 0

    def one(bank: Any, actor: Any) -> int:
        nonlocal number
        number += 1
        if number == job.get("die_before"):
            os.kill(os.getpid(), signal.SIGKILL)
        done: int = carry_out_one(bank, actor)
        return done

    module.Bank._carry_out_one = one  # type: ignore[method-assign]
    bank = _open(job)
    bank.clock.instant = datetime.fromisoformat(job["now"])
    try:
        receipt = bank.perform(_actor(job["user"]), bank.build(job["operation"], job["values"]), key=job.get("key"))
        say(status=receipt.status, notes=receipt.notes)
    except Refused as refusal:
        say(status=refusal.code, notes=[])


def deposits(job: dict[str, Any], _index: int) -> None:
    """Deposit after deposit, each acknowledged, until somebody kills it."""
    bank = _open(job)
    for number in range(10_000):
        requests = requests_of(bank, job["seed"], number)
        bank.perform_all(_actor("ana"), requests)
        say(number=number)


def one_request(bank: Any, work: str, request: str | None) -> tuple[str, Any]:
    """Who sends what, of the three that test_points.py kills at every step."""
    if work == "approval":
        return "tom", bank.build("approve", {"request": request})
    if work == "admission":
        values = {"member_name": "Pia Moss", "phone": "601 555 0142", "tax_id": "1-2-3"}
        return "ana", bank.build("admit-member", values)
    values = {"member": "M0001", "amount": "12.34", "tender": "cheque", "cheque_number": "77"}
    return "ana", bank.build("deposit", values)


def at_a_statement(job: dict[str, Any], _index: int) -> None:
    """One operation, killed before its statement number `at`; the commit is the last, and what follows it one more."""
    from coopbank.database import Transaction

    bank = _open(job)
    user, request = one_request(bank, job["work"], job["request"])
    count = 0

    def counted(method: Any) -> Any:
        def wrapped(*values: Any) -> Any:
            nonlocal count
            count += 1
            if count == job["at"]:
                os.kill(os.getpid(), signal.SIGKILL)
            return method(*values)

        return wrapped

    for name in ("rows", "row", "run", "run_many"):
        setattr(Transaction, name, counted(getattr(Transaction, name)))
    dialect = bank.database.engine.dialect
    dialect.do_commit = counted(dialect.do_commit)
    receipt = bank.perform(_actor(user), request, key="the one slip")
    counted(lambda: None)()
    say(number=receipt.number, statements=count)


def at_a_step(job: dict[str, Any], _index: int) -> None:
    """One operation on a file, killed at step `at` of SQLite's own machine: inside a statement or a trigger."""
    bank = _open(job)
    user, request = one_request(bank, job["work"], job["request"])
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        if steps == job["at"]:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    from sqlalchemy import event

    bank.database.close()  # connections are kept at hand: those that come now count
    event.listen(bank.database.engine, "connect", lambda driver, *_: driver.set_progress_handler(step, 10))
    receipt = bank.perform(_actor(user), request, key="the one slip")
    say(number=receipt.number, steps=steps)


def _changes_files(event: str, values: tuple[Any, ...]) -> bool:
    """Whether something that Python tells of itself is about files, but for those of modules that are read first."""
    if values and "__pycache__" in str(values[0]):
        return False
    if event == "open":
        if isinstance(values[0], int):  # what was opened before gets a reader or a writer, a module's compiled form too
            return False
        return isinstance(values[2], int) and bool(values[2] & (os.O_WRONLY | os.O_RDWR))
    return event in ("os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "sqlite3.connect")


def command(job: dict[str, Any], _index: int) -> None:
    """The program with these arguments, killed before its step `at`, or asked to end by another signal.

    A step is a statement, a commit, what comes after a commit, or a file that is opened to be written, gets its name,
    or is taken away.
    """
    before = set(sys.modules)
    from argon2 import PasswordHasher

    import coopbank.clock
    from coopbank import database
    from coopbank.bank import passphrases
    from coopbank.cli import main
    from coopbank.ledger import moving

    moving.OPERATIONS = job.get("group", moving.OPERATIONS)  # type: ignore[misc]
    os.chdir(job["folder"])
    os.environ.update(job["env"])
    passphrases._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    now = datetime.fromisoformat(job["now"])
    coopbank.clock.SystemClock.now = lambda _clock: now  # type: ignore[method-assign]
    coopbank.clock.SystemClock.today = lambda _clock: now.date()  # type: ignore[method-assign]
    own, count = os.getpid(), 0

    def step() -> None:
        nonlocal count
        if os.getpid() == own:  # not the processes that it starts itself
            count += 1
            if count == job["at"]:
                os.kill(own, job.get("signal", signal.SIGKILL))

    def counted(method: Any, *, after: bool = False) -> Any:
        def wrapped(*values: Any) -> Any:
            step()
            found = method(*values)
            if after:
                step()
            return found

        return wrapped

    def heard(event: str, values: tuple[Any, ...]) -> None:
        if _changes_files(event, values):
            step()

    for name in ("rows", "row", "run", "run_many"):
        setattr(database.Transaction, name, counted(getattr(database.Transaction, name)))

    def with_counted_commits(made: Any) -> Any:
        def engine(*values: Any) -> Any:
            found = made(*values)
            found.dialect.do_commit = counted(found.dialect.do_commit, after=True)
            return found

        return engine

    database._sqlite_engine = with_counted_commits(database._sqlite_engine)
    database._postgresql_engine = with_counted_commits(database._postgresql_engine)
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123  (what the program prints is not what hands say)
    sys.stderr = io.StringIO()
    sys.addaudithook(heard)
    code = main(job["arguments"])
    say(code=code, steps=count, told=sys.stderr.getvalue(), loaded=sorted(set(sys.modules) - before))


def crowd(job: dict[str, Any], index: int) -> None:
    """Deposits and withdrawals on the members given, until `times` were answered."""
    from coopbank.errors import DatabaseBusy, Refused

    bank, rng = _open(job), random.Random(f"{job['seed']}-{index}")
    for turn in range(job["times"]):
        name, member = rng.choice(["deposit", "withdraw"]), rng.choice(job["members"])
        cents = rng.randint(1, 9_999)
        request = bank.build(name, {"member": member, "amount": f"{cents / 100:.2f}"})
        answer = "busy"
        while answer == "busy":
            try:
                answer = bank.perform(_actor("ana"), request, key=f"{index}-{turn}").status
            except DatabaseBusy:
                say(busy=index)
            except Refused as refusal:
                answer = refusal.code
        say(hand=index, member=member, cents=cents if name == "deposit" else -cents, answer=answer)


def steadily(job: dict[str, Any], index: int) -> None:
    """So many deposits, each under a key of its own, whatever becomes of the server meanwhile.

    `again`: who is told that the connection was lost gives it again under the same key, as often as need be.
    """
    from coopbank.errors import ConnectionLost, DatabaseUnusable

    def kept_at(what: Any, told: type[Exception]) -> Any:
        while True:
            try:
                return what()
            except told:
                if not job.get("again"):
                    raise
            time.sleep(0.1)

    bank = kept_at(lambda: _open(job), DatabaseUnusable)  # which may find no server yet
    for number in range(job["times"]):
        key = f"{index}-{number}"
        deposit = bank.build("deposit", {"member": "M0001", "amount": "1.00"})
        receipt = kept_at(lambda: bank.perform(_actor("ana"), deposit, key=key), ConnectionLost)  # noqa: B023
        say(key=key, answer=receipt.status)


def lists(job: dict[str, Any], index: int) -> None:
    """Each asks what its own list says: who, operation, values, key. Says what came of it, in that order."""
    from coopbank.errors import DatabaseBusy, Refused

    bank = _open(job)
    for who, operation, values, key in job["lists"][index]:
        answer: dict[str, Any] = {}
        while not answer:
            try:
                receipt = bank.perform(_actor(who), bank.build(operation, values), key=key)
                answer = {"answer": receipt.status, "number": receipt.number}
            except DatabaseBusy:
                continue
            except Refused as refusal:
                answer = {"answer": refusal.code, "field": refusal.field}
        say(hand=index, **answer)


def same_key(job: dict[str, Any], index: int) -> None:
    """The same request under the same key, from everybody."""
    bank = _open(job)
    request = bank.build("deposit", {"member": "M0001", "amount": "7.00"})
    say(answer=bank.perform(_actor("ana"), request, key="the one slip").status, hand=index)


def approvers(job: dict[str, Any], index: int) -> None:
    """Each approves the same request."""
    from coopbank.errors import Refused

    bank = _open(job)
    user = job["users"][index % len(job["users"])]
    try:
        receipt = bank.perform(_actor(user), bank.build("approve", {"request": job["request"]}))
        say(answer=receipt.status, user=user, then=receipt.then[0].status)
    except Refused as refusal:
        say(answer=refusal.code, user=user)


def closing(job: dict[str, Any], index: int) -> None:
    """The first closes the day in the middle of it; the others deposit on until they are refused."""
    from coopbank.errors import Refused

    bank = _open(job)
    if index == 0:
        receipt = bank.perform(_actor("tom"), bank.build("close-day", {}))
        say(closed=receipt.number)
        return
    for _ in range(5000):  # far more than a slow machine lets them do before the close
        try:
            request = bank.build("deposit", {"member": "M0001", "amount": "1.00", "tender": "transfer"})
            say(done=bank.perform(_actor("ana"), request).number)
        except Refused as refusal:
            say(answer=refusal.code)
            return


if __name__ == "__main__":
    _nursery()
