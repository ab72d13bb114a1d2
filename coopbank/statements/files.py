"""Statements as files: whose, of when, in which folder. A file is whole or not there."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Books
from coopbank.errors import InvalidDate, WrongUsage
from coopbank.reports.dates import month_bounds
from coopbank.reports.member import member as member_report
from coopbank.statements.document import Paper
from coopbank.statements.member import draw
from coopbank.words import speaking

Progress = Callable[[int, int], None]
"""Told how many are done, and of how many."""
Failed = Callable[[str, Exception], None]
"""Told whose statement could not be made, and why."""


def member_statement(
    bank: Bank, member: str, start: date, end: date, folder: Path | str, *, paper: Paper | None = None
) -> Path:
    """Write a member's statement of a period below the folder; returns the path of the PDF."""
    with bank.read() as books:
        return _write(books, member, start, end, Path(folder), paper)


def month_statements(
    bank: Bank, month: str, folder: Path | str, progress: Progress | None = None, *, paper: Paper | None = None,
    failed: Failed | None = None, stopped: Callable[[], bool] = lambda: False,
) -> list[Path]:  # fmt: skip
    """Write the statements of a month ("2026-02") for everybody who was a member in it; returns their paths.

    All are drawn from one view of the books and so bear the same head. Where `failed` is given, a statement that cannot
    be made is told to it and the rest are made; a full disk ends it all the same. `stopped` is asked before each one.
    """
    start, end = _month(month)
    written = []
    with bank.read() as books:
        members = _members(books, start, end)
        for done, ref in enumerate(members, 1):
            if stopped():
                break
            try:
                written.append(_write(books, ref, start, end, Path(folder), paper))
            except WrongUsage:
                raise
            except Exception as fault:
                if failed is None:
                    raise
                failed(ref, fault)
            if progress is not None:
                progress(done, len(members))
    return written


def _month(text: str) -> tuple[date, date]:
    if not re.fullmatch(r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])", text):
        raise InvalidDate(
            "{month} is not a month.", field="month", month=text[:40], hint="Write it as YYYY-MM, for example 2026-02."
        )
    return month_bounds(date.fromisoformat(f"{text}-01"))


def _members(books: Books, start: date, end: date) -> list[str]:
    """Members who had joined by the end of the period, and who had not left before it with nothing."""
    found = []
    for ref, body in books.every(records.Member):
        if body.joined_on > end.isoformat():
            continue
        if body.status == "active" or any(leaf.balance for leaf in books.held_by(ref)) or _moved(books, ref, start):
            found.append(ref)
    return found


def _moved(books: Books, member: str, start: date) -> bool:
    found = books.tx.value(
        "SELECT 1 FROM account a JOIN balance_day d ON d.account_id = a.id"
        " WHERE a.holder = ? AND d.effective_on >= ? LIMIT 1",
        member, start.isoformat(),
    )  # fmt: skip
    return found is not None


def _write(books: Books, member: str, start: date, end: date, folder: Path, paper: Paper | None) -> Path:
    language = books.get(records.Member, member, "member").language
    with speaking(language):
        report = member_report(books, member, start, end)
        data = draw(report, paper=paper or _paper(books), contact=_contact(books))
    return _store(folder / end.isoformat()[:7] / f"{member}-{start}-{end}.pdf", data)


def _paper(books: Books) -> Paper:
    return "a4" if str(books.policy("paper", "letter")).lower() == "a4" else "letter"


def _contact(books: Books) -> str:
    """How to reach the institution, where its policies say so."""
    found = (str(books.policy(name, "")).strip() for name in ("address", "phone", "email"))
    return " · ".join(part for part in found if part)


def _store(path: Path, data: bytes) -> Path:
    """Write the file beside its place and move it there, so that nobody finds half of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".pdf")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).chmod(0o640)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise WrongUsage(
            "{path} cannot be written: {why}.", field="folder", path=path, why=error.strerror or error,
            hint="Choose another folder with --folder, or make room.",
        ) from error  # fmt: skip
    return path
