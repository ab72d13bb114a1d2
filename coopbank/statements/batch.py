"""The statements of a month for everybody, and the letters of a campaign of confirmations.

They are drawn by as many processes as are wanted, recorded in parts, and a run that was broken off is resumed.

All are as of one operation, so that all bear the same head. What was made before and still shows the same figures is
left alone; one that fails is reported and the rest are made. At the end `MANIFEST.json` beside the files says of each
what it is and its SHA-256, and a single file to print may be put together, in the order in which they are delivered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import pikepdf

from coopbank import __version__
from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor, Books
from coopbank.bank.whole_files import clear_parts
from coopbank.errors import CoopbankError, InvalidDate, Unknown, WrongUsage
from coopbank.ledger import posting
from coopbank.reports.dates import month_bounds
from coopbank.reports.patronage import with_a_part
from coopbank.statements.making import ORDINARY, Copy, Written, draw, file_of, kept, store, wanted

Progress = Callable[[int, int], None]
"""Told how many are done, and of how many."""
Failed = Callable[[str, Exception], None]
"""Told whose statement could not be made, and why."""

KIND: Final = "member-statement"
LETTER: Final = "confirmation"
NOTICE: Final = "patronage-notice"
MANIFEST: Final = "MANIFEST.json"
_PART: Final = 100
"""Statements recorded by one operation."""
_SHARE: Final = 25
"""Statements that a process draws before it reports."""


@dataclass(frozen=True)
class Month:
    """What became of a month: files made or already there, and who failed with what words."""

    files: tuple[Path, ...]
    made: int
    kept: int
    failed: tuple[tuple[str, str], ...]
    manifest: Path | None


@dataclass
class _Run:
    """What a run came to so far."""

    written: list[Written] = field(default_factory=list)
    kept: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)


def make_month(
    bank: Bank, month: str, folder: Path | str, *, actor: Actor | None = None, members: Sequence[str] | None = None,
    copy: Copy = ORDINARY, jobs: int = 1, progress: Progress | None = None, failed: Failed | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Month:  # fmt: skip
    """Make the statements of a month ("2026-02") for everybody who was a member in it, or for some of them.

    Where `failed` is given, a statement that cannot be made is told to it and the rest are made; a full disk ends it
    all the same. `stopped` is asked before each one.
    """
    start, end = month_of(month)
    folder = Path(folder)
    with bank.read() as books:
        refs = members_of(books, start, end) if members is None else _known(books, members)
        head = posting.head(books.tx).number
    work = _Work(bank.database.place, KIND, (start, end), folder, copy, head, recorded=actor is not None)
    run = _run(bank, work, refs, actor=actor, jobs=jobs, progress=progress, failed=failed, stopped=stopped)
    return _finished(bank, run, folder / f"{end:%Y-%m}", {"month": month}, head)


def make_letters(
    bank: Bank, campaign: str, folder: Path | str, *, actor: Actor | None = None, copy: Copy = ORDINARY,
    jobs: int = 1, progress: Progress | None = None, failed: Failed | None = None,
) -> Month:  # fmt: skip
    """Make the letters of a campaign of confirmations, one for each member who is asked, as of the day it began.

    `failed` as in `make_month`.
    """
    with bank.read() as books:
        body = books.get(records.Campaign, campaign, "campaign")
        asked = books.about(records.Confirmation, campaign)
    day, folder = date.fromisoformat(body.day), Path(folder)
    work = _Work(bank.database.place, LETTER, (day, day), folder, copy, body.as_of, recorded=actor is not None)
    refs = sorted({confirmation.member for _ref, confirmation in asked})
    run = _run(bank, work, refs, actor=actor, jobs=jobs, progress=progress, failed=failed)
    return _finished(bank, run, folder / f"{day:%Y-%m}", {"campaign": campaign, "day": body.day}, body.as_of)


def make_notices(
    bank: Bank, year: int, folder: Path | str, *, actor: Actor | None = None, copy: Copy = ORDINARY, jobs: int = 1,
    progress: Progress | None = None, failed: Failed | None = None,
) -> Month:  # fmt: skip
    """Make the patronage notices of a year, one for each member who has a part in its surplus.

    `failed` as in `make_month`. Refuses a year whose surplus is not divided.
    """
    with bank.read() as books:
        refs = with_a_part(books, year)
        head = posting.head(books.tx).number
    days, folder = (date(year, 1, 1), date(year, 12, 31)), Path(folder)
    work = _Work(bank.database.place, NOTICE, days, folder, copy, head, recorded=actor is not None)
    run = _run(bank, work, refs, actor=actor, jobs=jobs, progress=progress, failed=failed)
    return _finished(bank, run, folder / str(year), {"surplus": str(year)}, head)


def _run(
    bank: Bank, work: _Work, refs: Sequence[str], *, actor: Actor | None, jobs: int, progress: Progress | None,
    failed: Failed | None, stopped: Callable[[], bool] = lambda: False,
) -> _Run:  # fmt: skip
    """Draw one for each, and record in parts what was drawn."""
    run = _Run()
    unrecorded: list[Written] = []
    for done, (ref, result) in enumerate(_drawn(bank, work, refs, jobs, stopped), 1):
        if isinstance(result, Exception):
            if failed is None or isinstance(result, WrongUsage):
                _record(bank, actor, unrecorded)
                raise result
            failed(ref, result)
            run.failed.append((ref, result.message if isinstance(result, CoopbankError) else str(result)))
        else:
            run.written.append(result)
            run.kept += result.identical
            if actor is not None and not result.identical:
                unrecorded.append(result)
        if len(unrecorded) >= _PART:
            unrecorded = _record(bank, actor, unrecorded)
        if progress is not None:
            progress(done, len(refs))
    _record(bank, actor, unrecorded)
    return run


def _record(bank: Bank, actor: Actor | None, unrecorded: list[Written]) -> list[Written]:
    """Record what was written; nothing is left to be recorded."""
    if actor is not None and unrecorded:
        bank.record_documents(actor, [written.entry for written in unrecorded])
    return []


def _finished(bank: Bank, run: _Run, folder: Path, of: dict[str, str], head: int) -> Month:
    clear_parts(folder, "")  # what a run left that was killed
    manifest = None
    if run.written:
        manifest = folder / MANIFEST
        store(manifest, _manifest(bank, run, of, head))
    files = tuple(written.path for written in run.written)
    return Month(files, len(files) - run.kept, run.kept, tuple(run.failed), manifest)


def _manifest(bank: Bank, run: _Run, of: dict[str, str], head: int) -> bytes:
    with bank.read() as books:
        hash_ = bytes(books.tx.value("SELECT hash FROM operation WHERE id = ?", head)).hex()
    told = {
        **of, "book": bank.book, "operation": head, "head": hash_, "software": f"coopbank {__version__}",
        "files": [
            {"file": written.path.name, "number": written.number, "about": written.about, "sha256": written.sha256}
            for written in sorted(run.written, key=lambda each: each.path.name)
        ],
        "failed": [{"about": ref, "why": why} for ref, why in run.failed],
    }  # fmt: skip
    return (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()


# --------------------------------------------------------------------------------- drawing


def _drawn(
    bank: Bank, work: _Work, refs: Sequence[str], jobs: int, stopped: Callable[[], bool]
) -> Iterator[tuple[str, Written | Exception]]:
    """Each member's document or what went wrong, in the order of the members."""
    left = list(refs)
    if jobs > 1 and len(refs) > _SHARE:
        for results in _by_processes(work, refs, jobs):
            yield from results
            left = left[len(results) :]
            if stopped():
                return
    with bank.read(work.head) as books:
        for ref in left:
            if stopped():
                return
            yield ref, work.one(bank, books, ref)


def _by_processes(
    work: _Work, refs: Sequence[str], jobs: int
) -> Iterator[list[tuple[str, Written | Exception]]]:  # fmt: skip
    """What other processes draw, share by share; it ends early if one is killed, and the caller goes on alone."""
    shares = [refs[at : at + _SHARE] for at in range(0, len(refs), _SHARE)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_begin, initargs=(work,)) as pool:
        try:
            yield from pool.map(_share, shares)
        except BrokenProcessPool:
            return
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Work:
    """What a process is told before it draws."""

    place: str
    kind: str
    days: tuple[date, date]
    folder: Path
    copy: Copy
    head: int
    recorded: bool

    def one(self, bank: Bank, books: Books, ref: str) -> Written | Exception:
        """One document as a file, or what went wrong. What was made of a past day since, the books of now know."""
        try:
            with bank.read() if self.kind == LETTER else nullcontext(books) as now:
                request = wanted(books, self.kind, ref, *self.days, self.copy)
                if (there := kept(books, request, self.folder, now)) is not None:
                    return there
                data, written = draw(bank, books, request, recorded=self.recorded, known=now)
            path = file_of(request, written.number, self.folder)
            if not (written.identical and path.is_file() and path.read_bytes() == data):
                store(path, data)
            return replace(written, path=path)
        except Exception as fault:
            return fault


_process: dict[str, Any] = {}
"""What a drawing process keeps from one share to the next."""


def _begin(work: _Work) -> None:
    _process["work"], _process["bank"] = work, Bank.open(work.place, read_only=True)


def _share(refs: Sequence[str]) -> list[tuple[str, Written | Exception]]:
    work, bank = _process["work"], _process["bank"]
    with bank.read(work.head) as books:
        return [(ref, work.one(bank, books, ref)) for ref in refs]


# ----------------------------------------------------------------------------- whose, and when


def month_of(text: str) -> tuple[date, date]:
    """First and last day of a month as people write it; refuses what is none."""
    if not re.fullmatch(r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])", text):
        raise InvalidDate(
            "{month} is not a month.", field="month", month=text[:40], hint="Write it as YYYY-MM, for example 2026-02."
        )
    return month_bounds(date.fromisoformat(f"{text}-01"))


def members_of(books: Books, start: date, end: date) -> list[str]:
    """Members who had joined by the end of the period, and who had not left before it with nothing."""
    held = {holder for (holder,) in books.tx.rows(
        "SELECT DISTINCT a.holder FROM account a JOIN balance b ON b.account_id = a.id"
        " WHERE a.holder IS NOT NULL AND b.debit <> b.credit"
    )}  # fmt: skip
    found = []
    for ref, body in books.every(records.Member):
        if body.joined_on <= end.isoformat() and (body.status == "active" or ref in held or _moved(books, ref, start)):
            found.append(ref)
    return found


def _moved(books: Books, member: str, start: date) -> bool:
    found = books.tx.value(
        "SELECT 1 FROM account a JOIN balance_day d ON d.account_id = a.id"
        " WHERE a.holder = ? AND d.effective_on >= ? LIMIT 1",
        member, start.isoformat(),
    )  # fmt: skip
    return found is not None


def _known(books: Books, members: Iterable[str]) -> list[str]:
    found = list(dict.fromkeys(members))
    for ref in found:
        if books.find(records.Member, ref) is None:
            raise Unknown("There is no member {member}.", field="members", member=ref)
    return found


# ------------------------------------------------------------------------------- one to print


def print_ready(bank: Bank, month: Month, target: Path) -> Path:
    """All statements of a run in one file to print on both sides, in the order of delivery: address, then name."""
    with bank.read() as books:
        order = {written: _delivery(books, _member_of(written)) for written in month.files}
    with pikepdf.new() as whole:
        for path in sorted(month.files, key=lambda each: (order[each], each.name)):
            with pikepdf.open(path) as one:
                whole.pages.extend(one.pages)
                if len(one.pages) % 2:
                    wide, high = (float(x) for x in one.pages[0].mediabox[2:])
                    whole.add_blank_page(page_size=(wide, high))
        drawn = BytesIO()
        whole.save(drawn, deterministic_id=True)
    store(target, drawn.getvalue(), field="print")
    return target


def _member_of(path: Path) -> str:
    return re.split(f"-(?:{KIND}|{LETTER})", path.name)[0]


def _delivery(books: Books, member: str) -> tuple[str, str, str]:
    """Post code, address and name; members without an address come first: they are handed theirs at the counter."""
    body = books.find(records.Member, member)
    if body is None:
        return "", "", member
    address = books.personal(body.address)
    codes = re.findall(r"\b[0-9]{5}(?:-[0-9]{4})?\b", address)
    return codes[-1] if codes else "", address, books.personal(body.name)
