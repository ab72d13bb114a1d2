"""What a machine does to the books: no room left, a disk that may only be read, clocks that are wrong or jump.

Room runs out on a file system of one megabyte (where the system lets us have one) and by the limit that a process has
for its files; tests/attacks/test_database.py has SQLite's own limit of pages. What is refused leaves the books as they
were and sound; as soon as there is room again, the same request is done.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.bank.verify import verify
from coopbank.clock import SetClock
from coopbank.database import Database
from coopbank.errors import CoopbankError, DatabaseReadOnly, DatabaseUnusable, DayClosed, WrongState
from coopbank.ledger.verify import wrong
from tests.support_bank import NOON, PASSPHRASE, SmallBank

pytestmark = pytest.mark.crash

PROGRAM = Path(sys.executable).with_name("coopbank")
DEPOSIT = ("do", "deposit", "--member", "M0001", "--amount", "1.00", "--tender", "transfer")
SIZE = 1 << 20


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of one megabyte; the test is skipped where the system does not give one."""
    folder.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("there is no mount here")
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, leave: int = 0) -> Path:
    """Take the room of a disk, but for so many bytes."""
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - leave
    filler.write_bytes(bytes(max(free, 0)))
    return filler


@pytest.fixture
def at_rest(small: SmallBank, tmp_path: Path) -> Path:
    """The furnished books in one file that nobody has open; ana's passphrase is set."""
    small.give_passphrase("ana", PASSPHRASE)
    place = tmp_path / "at-rest.db"
    small.bank.database.copy_to(place)
    return place


sqlite_only = pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)


def deposit_many(bank: Bank, times: int) -> CoopbankError | None:
    """Deposit until it is refused."""
    for number in range(times):
        try:
            request = bank.build("deposit", {"member": "M0001", "amount": "1.00"})
            bank.perform(Actor("ana", ()), request, key=f"k{number}")
        except CoopbankError as refusal:
            return refusal
    return None


def assert_sound(place: Path) -> None:
    database = Database.open(str(place), read_only=True)
    try:
        assert not wrong(verify(database))
    finally:
        database.close()


@sqlite_only
def test_a_full_disk_is_refused_and_the_next_room_is_used(small: SmallBank, at_rest: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        place = Path(shutil.copy(at_rest, disk / "ledger.db"))
        bank = Bank.open(str(place), clock=small.clock)
        try:
            assert deposit_many(bank, 1) is None
            filler = fill(disk)
            refusal = deposit_many(bank, 3000)
            assert isinstance(refusal, DatabaseUnusable) and refusal.exit_code == 4
            assert "no room" in str(refusal), refusal
            with bank.read() as books:
                held = books.tx.value("SELECT count(*) FROM operation")
            assert_sound(place)
            filler.unlink()
            assert deposit_many(bank, 3) is None
            with bank.read() as books:
                assert books.tx.value("SELECT count(*) FROM operation") >= held
        finally:
            bank.close()
        assert_sound(place)


@sqlite_only
def test_a_disk_that_is_full_for_backups_and_exports(small: SmallBank, at_rest: Path, tmp_path: Path) -> None:
    """What is written beside the books is whole or not there, and the refusal says why."""
    with small_disk(tmp_path / "disk") as disk:
        fill(disk, leave=8 << 10)
        for command in (
            ("backup", str(disk / "copy.db"), "--plain"), ("export", "jsonl", str(disk / "out")),
            ("export", "pack", str(disk / "pack")), ("statements", "--month", "2026-03"),
        ):  # fmt: skip
            done = program(at_rest, *command, folder=tmp_path, work_in=disk)
            assert done.returncode in (2, 4), (command, done.stdout, done.stderr)
            assert "no space left" in done.stderr.lower() or "no room" in done.stderr, (command, done.stderr)
            left = [file for file in disk.rglob("*") if file.is_file() and file.name != "filler"]
            assert not left, (command, left)
    assert_sound(at_rest)


def program(
    place: Path, *arguments: str, folder: Path, work_in: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ, COOPBANK_PASSPHRASE=PASSPHRASE, XDG_STATE_HOME=str(folder / "state"))
    done = subprocess.run(
        [str(PROGRAM), "--db", str(place), "--as", "ana", *arguments], capture_output=True, text=True, check=False,
        env=environment, cwd=work_in or folder,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done


@sqlite_only
def test_the_limit_of_a_process_for_its_files(small: SmallBank, at_rest: Path) -> None:
    """No mount is needed: the system itself refuses the write that goes beyond the limit."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            bank = Bank.open(str(at_rest), clock=small.clock)
            resource.setrlimit(resource.RLIMIT_FSIZE, (200 << 10, resource.RLIM_INFINITY))
            refusal = deposit_many(bank, 500)
            code = 0 if isinstance(refusal, DatabaseUnusable) and refusal.exit_code == 4 else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert_sound(at_rest)
    bank = Bank.open(str(at_rest), clock=small.clock)
    try:
        assert deposit_many(bank, 3) is None  # what was done before comes back under its key
    finally:
        bank.close()
    assert_sound(at_rest)


@sqlite_only
def test_a_disk_that_may_only_be_read(small: SmallBank, at_rest: Path, tmp_path: Path) -> None:
    """For everybody, also for root, whom the rights of files do not bind."""
    with small_disk(tmp_path / "disk") as disk:
        place = Path(shutil.copy(at_rest, disk / "ledger.db"))
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        for command, code in ((("trial-balance",), 0), (("verify",), 0), (DEPOSIT, 4)):
            done = program(place, *command, folder=tmp_path)
            assert done.returncode == code, (command, done.stdout, done.stderr)
        assert "cannot be written" in done.stderr
        with pytest.raises(DatabaseReadOnly):
            deposit_failing(place, small.clock)


def deposit_failing(place: Path, clock: SetClock) -> None:
    bank = Bank.open(str(place), clock=clock)
    try:
        refusal = deposit_many(bank, 1)
        if refusal is not None:
            raise refusal
    finally:
        bank.close()


# ------------------------------------------------------------------------------------------------------------ clocks


def at(day: str, hour: int = 18) -> datetime:
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC)


def test_a_clock_that_jumps_back(small: SmallBank) -> None:
    """By hours nothing changes but the instant; by days everything that is dated is refused until it is right."""
    small.do("deposit", member="M0001", amount="1.00")
    small.clock.instant -= timedelta(hours=30)
    small.do("deposit", member="M0001", amount="2.00")
    small.clock.instant -= timedelta(days=3)
    with pytest.raises(WrongState, match="clock") as refused:
        small.do("deposit", member="M0001", amount="4.00")
    assert refused.value.hint == "Set the clock right first."
    small.clock.instant = at("2026-03-02")
    small.do("deposit", member="M0001", amount="8.00")
    assert small.balance("905/M0001") == -311_00
    with small.read() as books:
        instants = [each for (each,) in books.tx.rows("SELECT at FROM operation ORDER BY id")]
    assert instants != sorted(instants), "the log has it as it was"


def test_two_hosts_with_different_clocks(small: SmallBank, engine_url: str) -> None:
    """One is fifty minutes behind and the other ten hours ahead: one chain, the order is that of the seals."""
    late = Bank.open(engine_url, clock=SetClock(small.clock.instant - timedelta(minutes=50)))
    early = Bank.open(engine_url, clock=SetClock(small.clock.instant + timedelta(hours=10)))
    wrong_day = Bank.open(engine_url, clock=SetClock(small.clock.instant - timedelta(days=2)))
    try:
        numbers = []
        for _ in range(3):
            for bank in (late, early):
                request = bank.build("deposit", {"member": "M0001", "amount": "1.00"})
                numbers.append(bank.perform(small.ana, request).number)
        assert numbers == list(range(numbers[0], numbers[0] + 6))
        with pytest.raises(WrongState, match="clock"):
            wrong_day.perform(small.ana, wrong_day.build("deposit", {"member": "M0001", "amount": "1.00"}))
        small.close_day()
        with pytest.raises(DayClosed, match="future"):  # the day of the host that is ahead has not come for this one
            late.perform(small.ana, late.build("open-day", {"date": "2026-03-03"}))
        early.perform(small.ana, early.build("open-day", {"date": "2026-03-03"}))
        with small.read() as books:
            assert str(books.business_date()) == "2026-03-03"
    finally:
        for bank in (late, early, wrong_day):
            bank.close()


ZONES = ["UTC", "Pacific/Kiritimati", "Etc/GMT+12", "America/Chicago", "Asia/Kathmandu"]


def test_a_time_zone_that_changes(small: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    """The instant is UTC and the business date a row: neither follows the zone of whoever posts."""
    sealed = set()
    try:
        for zone in ZONES:
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            small.do("deposit", member="M0001", amount="1.00")
            with small.read() as books:
                [row] = books.tx.rows("SELECT at, business_date FROM operation ORDER BY id DESC LIMIT 1")
            sealed.add(row)
            assert not wrong(verify(small.bank.database))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert sealed == {("2026-03-02T18:00:00.000000Z", "2026-03-02")}


def test_the_hour_that_comes_twice(small: SmallBank) -> None:
    """The night on which summer time ends: the local clock goes back, the instants do not."""
    small.close_day()
    small.clock.instant = datetime.combine(datetime(2026, 10, 31, tzinfo=UTC).date(), NOON)
    small.open_day("2026-10-31")
    for minutes in (6 * 60, 12 * 60 + 30, 13 * 60 + 30):  # 00:00, 01:30 and again 01:30 in Chicago
        small.clock.instant = at("2026-10-31") + timedelta(minutes=minutes)
        small.do("deposit", member="M0001", amount="1.00")
    assert small.balance("905/M0001") == -303_00
