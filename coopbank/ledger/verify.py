"""Verify: recomputes everything from the sealed log alone and compares.

    verdicts = verify_ledger(database)                       # what the file itself can prove
    verdicts = verify_ledger(database, [(812, "9f86d081884c7d65")])   # and against known heads
    wrong(verdicts)                                          # the findings that make the books wrong

`CHECKS` are the ledger's; `run` takes any list of them, so that the bank adds its own.
A check is a function of the whole log, a watcher of each operation as it passes, or
both. None of them writes, and none raises: what cannot be read is a finding.

A chain proves that nothing inside it was changed. It cannot prove that its end is the
end, nor that it was not written anew as a whole: `CANNOT_EXCLUDE` says so, unless heads
that were kept elsewhere are given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from coopbank.database import Database, Transaction
from coopbank.ledger import ahead, beside, checks, proof
from coopbank.ledger.columns import Proven
from coopbank.ledger.log import (
    Finding,
    Found,
    Log,
    Page,
    PageWatcher,
    RunWatcher,
    Stand,
    Stored,
    Watcher,
    Watchers,
    brief,
    read_log,
    unswept,
)

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = [
    "CANNOT_EXCLUDE", "CHECKS", "Check", "Finding", "Help", "Log", "Verdict", "helped", "run", "verify_ledger", "wrong",
]  # fmt: skip

CANNOT_EXCLUDE = (
    "that operations were cut off the end of the log",
    "that the whole log was written and hashed anew",
    "that an old copy of the books was put back",
)


Needless = Literal["never", "proven", "plain"]
"""When a watcher is known to find nothing: proof.py says what a proven page and a plain operation are."""


@dataclass(frozen=True)
class Check:
    """A named check. `informational` findings are told and do not make the books wrong.

    A `watch` that is never needless has a `watch_plain` beside it.
    """

    name: str
    why: str
    function: Callable[[Log, Transaction], Iterable[Finding]] | None = None
    watch: Watcher | None = None
    watch_page: PageWatcher | None = None
    needless: Needless = "never"  # of `watch`
    watch_plain: RunWatcher | None = None  # instead of `watch`, where operations are plain
    informational: bool = False

    def __post_init__(self) -> None:
        if (self.watch is not None and self.needless == "never") != (self.watch_plain is not None):
            raise ValueError(f"check {self.name}: a watch that is never needless, and it alone, has a watch_plain")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check came to: how many findings, and the first thousand of them."""

    name: str
    why: str
    count: int
    findings: tuple[Finding, ...]
    informational: bool = False


CHECKS: list[Check] = [
    Check("file", "The file is whole: its pages and indexes agree, so that every way of reading it says the same.",
          checks.whole_file),
    Check("schema", "The rules that the database itself enforces are all in place.", checks.same_schema),
    Check("text", "Every operation can be read, by this program and by any other, in one way only.",
          watch=checks.canonical_text, needless="proven"),
    Check("chain", "No operation was changed, removed, inserted or put elsewhere since it was sealed.",
          watch=checks.chain_link, needless="proven"),
    Check("heads", "The heads printed on documents and kept elsewhere are still in the log.", checks.known_heads),
    Check("columns", "Who did what, when and with whose approval is what was sealed.",
          watch=checks.columns, needless="proven"),
    Check("rows", "Members, terms, roles, accounts, funds and period states are what was sealed.",
          checks.rows_left_over, watch_page=checks.rows_of_page),
    Check("entries", "Every entry and every line in the tables is what was sealed, and none is missing.",
          checks.entries_left_over, watch=checks.numbering, watch_page=checks.entries_of_page,
          needless="plain"),
    Check("balance", "Debits equal credits in every entry, for each currency and fund.",
          watch=checks.balanced, needless="plain"),
    Check("funds", "Every account is in one fund, and the pool owns nothing but cash.",
          watch=checks.meaning, needless="plain"),
    Check("dates", "Dates exist, do not run backwards, and go into the past only with a second person.",
          watch=checks.dates, needless="plain"),
    Check("periods", "Entries were made on open days and into no locked month or year.",
          watch=checks.periods, needless="plain"),
    Check("reversals", "A correction takes back exactly what it corrects, once."),
    Check("guards", "No account, fund or drawer was ever overdrawn.", watch=checks.guards, needless="plain"),
    Check("caches", "The balances and totals that reports read are what the entries come to.", checks.caches),
    Check("past dips", "Entries dated back may have put an account beyond its guard on a past day.",
          checks.past_dips, informational=True),
]  # fmt: skip


def verify_ledger(database: Database, known_heads: Sequence[tuple[int, str]] = ()) -> list[Verdict]:
    """All checks of the ledger. `known_heads` are numbers with the first 16 hex digits of their hashes."""
    return run(database, CHECKS, known_heads)


def wrong(verdicts: Iterable[Verdict]) -> list[Finding]:
    """The findings that make the books wrong; those that only inform are left out."""
    return [finding for verdict in verdicts if not verdict.informational for finding in verdict.findings]


Progress = Callable[[int], None]
"""Told the number of each operation as it is read."""


@dataclass(frozen=True, slots=True)
class Help:
    """Who works beside the pass over a large log: a second thread and a second process."""

    answers: Future[beside.Answers] | None
    pages: ahead.Pages


@contextmanager
def helped(database: Database, head_start: int | None = None) -> Iterator[Help]:
    """Help for `run`, which finds it for itself; a program that has something else to do first asks for it before that,
    and leaves it fewer pages of a `head_start`.
    """
    with beside.answers(database) as answers, ahead.begun(database, head_start) as pages:
        yield Help(answers, pages)


def run(
    database: Database, wanted: Sequence[Check], known_heads: Sequence[tuple[int, str]] = (),
    progress: Progress | None = None, helping: Help | None = None,
) -> list[Verdict]:  # fmt: skip
    """Read the log once, with these checks watching, and then ask each what it found."""
    log = Log(known_heads={number: head.lower() for number, head in known_heads})
    with (
        database.read() as tx, _readable(tx),
        helped(database) if helping is None else nullcontext(helping) as found,
    ):  # fmt: skip
        log.answers = found.answers
        whole = _read(log, tx, wanted, progress, found.pages)
        tx.run(_BEGUN)  # once for all that are asked: none of them writes, and a server is a round trip away
        for check in wanted:
            if check.function is not None and (whole or check.name == "schema"):
                _ask(log, tx, check)
    return [_verdict(check, log.found.get(check.name) or Found(check.name)) for check in wanted]


def _read(
    log: Log, tx: Transaction, wanted: Sequence[Check], progress: Progress | None, pages: ahead.Pages
) -> bool:  # fmt: skip
    """The one pass over the log; false if it could not be read to its end."""
    watchers: list[tuple[Needless, Watcher]] = [
        (check.needless, check.watch) for check in wanted if check.watch is not None
    ]
    watchers.append(("plain", lambda log, operation, stored: checks.reversals(log, operation, stored, tx)))
    plain = [check.watch_plain for check in wanted if check.watch_plain is not None]
    if progress is not None:
        told = progress
        watchers.append(("never", lambda log, operation, stored: told(operation.number)))
        plain.append(lambda log, run: told(run.numbers[-1]))
    groups = Watchers(
        row=checks.chain_of_row,
        unknown=tuple(watch for _needless, watch in watchers),
        proven=tuple(watch for needless, watch in watchers if needless != "proven"),
        plain=tuple(plain),
        page=tuple(_guarded_page(check) for check in wanted if check.watch_page is not None),
    )
    try:
        with _savepoint(tx), unswept():
            read_log(tx, log, groups, _prove, proof.take_plain, pages.up_to(tx))
    except Exception as error:
        after = "" if log.last is None else f" after operation {log.last.id}"
        log.add("chain", f"the log cannot be read{after}: {brief(error)}")
        return False
    return True


def _prove(tx: Transaction, stand: Stand, stored: list[Stored], page: Page) -> Proven | None:
    """Whatever keeps a page from being proven is for the watchers to say."""
    try:
        with _savepoint(tx):
            return proof.proven(tx, stand, stored, page)
    except Exception:
        return None


def _guarded_page(check: Check) -> PageWatcher:
    """A page watcher that gives up, with one finding, when its tables cannot be read."""
    given_up = False

    def watch(log: Log, tx: Transaction, page: Any) -> None:
        nonlocal given_up
        if given_up or check.watch_page is None:
            return
        try:
            with _savepoint(tx):
                check.watch_page(log, tx, page)
        except Exception as error:
            given_up = True
            log.add(check.name, f"the tables cannot be read: {brief(error)}")

    return watch


def _ask(log: Log, tx: Transaction, check: Check) -> None:
    found = log.found.setdefault(check.name, Found(check.name))
    try:
        for finding in check.function(log, tx) if check.function is not None else ():
            found.add(finding.message, finding.operation)
    except Exception as error:
        tx.run(_BACK)
        found.add(f"the tables cannot be read: {brief(error)}")


def _verdict(check: Check, found: Found) -> Verdict:
    return Verdict(check.name, check.why, found.count, tuple(found.listed), check.informational)


# ------------------------------------------------------------- reading whatever is there


_BEGUN, _BACK = "SAVEPOINT verify", "ROLLBACK TO SAVEPOINT verify"


@contextmanager
def _savepoint(tx: Transaction) -> Iterator[None]:
    """After an error of the database, go on where this block began."""
    tx.run(_BEGUN)
    try:
        yield
    except Exception:
        tx.run(_BACK)
        raise
    finally:
        tx.run("RELEASE SAVEPOINT verify")


@contextmanager
def _readable(tx: Transaction) -> Iterator[None]:
    """One view of the books throughout; on SQLite bytes that are no UTF-8 are read too, so that they can be told."""
    if tx.dialect == "postgresql":
        tx.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield
        return
    driver: Any = tx.connection.connection.dbapi_connection
    before = driver.text_factory
    driver.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = before
