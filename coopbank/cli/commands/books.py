"""The books as a whole: making and proving them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coopbank.cli import output
from coopbank.cli.app import app, command
from coopbank.cli.documents import read_text
from coopbank.cli.door import Door, new_passphrase
from coopbank.cli.faults import BOOKS_WRONG
from coopbank.errors import AlreadyExists, CoopbankError, NotAllowed, WrongUsage
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.bank.close_proof import CloseProof
    from coopbank.bank.keyring import Keyring
    from coopbank.bank.operations.founding import FoundBook
    from coopbank.database import Database, Transaction
    from coopbank.ledger.verify import Help, Verdict


class Kind(StrEnum):
    """What an institution is, which decides what it may do."""

    unchartered = "unchartered-coop"
    charity = "charity"
    credit_union = "credit-union"
    worker_coop = "worker-coop"


_FOUNDING = {"bank_name": "name", "institution_kind": "kind", "administrator": "admin"}


@command(app, "init")
def init(
    door: Door,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Name of the institution.")],
    currency: Annotated[str, typer.Option("--currency", metavar="CODE", help="ISO 4217 code of its currency.")] = "USD",
    kind: Annotated[Kind, typer.Option("--kind", help="What the institution is.")] = Kind.unchartered,
    admin: Annotated[
        str, typer.Option("--admin", metavar="USER", help="User name of the first administrator.")
    ] = "admin",
) -> None:
    """Make new books: chart, first funds, first administrator.

    Asks for the administrator's passphrase, or takes it from COOPBANK_PASSPHRASE.
    """
    if door.is_sqlite and (Path(door.place).exists() or Path(door.place).is_symlink()):
        raise AlreadyExists(
            "{place} exists already; nothing was changed.",
            field="db",
            place=door.place,
            hint="Name another file with --db.",
        )
    from coopbank.bank.bank import Bank
    from coopbank.bank.books import Actor

    request = _founding(name, currency, kind.value, admin)
    passphrase = new_passphrase("COOPBANK_PASSPHRASE", _("Passphrase for {user}: ").format(user=request.administrator))
    try:
        bank = Bank.found(door.place, request, passphrase=passphrase)
        with bank.database.closed_on_failure():
            _receipt, key = bank.make_keys(Actor(request.administrator, ()), passphrase)
    except BaseException:
        _clear_unfounded(door)
        raise
    try:
        with bank.read() as books:
            head = _head(books.tx)
    finally:
        bank.close()
    if door.as_json:
        output.document({
            "place": door.shown_place, "name": request.bank_name, "kind": request.institution_kind,
            "currency": request.currency, "administrator": request.administrator, "head": head,
            "key_file": str(key.path),
        })  # fmt: skip
        return
    output.line(_("{name}: new books in {place}").format(name=request.bank_name, place=door.shown_place))
    output.pairs([
        (_("Administrator"), request.administrator), (_("Currency"), request.currency),
        (_("Head of the chain"), f"{head['number']} {head['hash']}"), (_("Key file"), str(key.path)),
    ])  # fmt: skip
    output.line(_("Next: coopbank opens the counter; coopbank operations lists what can be done."))


def _founding(name: str, currency: str, kind: str, admin: str) -> FoundBook:
    from pydantic import ValidationError

    from coopbank.bank.operation import plain_refusal
    from coopbank.bank.operations.founding import FoundBook

    try:
        return FoundBook(bank_name=name, currency=currency, institution_kind=kind, administrator=admin)
    except ValidationError as error:
        refusal = plain_refusal(error)
        refusal.field = _FOUNDING.get(refusal.field or "", refusal.field)
        raise refusal from None


def _clear_unfounded(door: Door) -> None:
    """Take away the file that this run made and could not finish; there was none before it."""
    if door.is_sqlite:
        for end in ("", "-wal", "-shm"):
            Path(door.place + end).unlink(missing_ok=True)


@command(app, "demo")
def demo(
    door: Door,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="The same seed gives the same books.")] = 1,
    members: Annotated[int, typer.Option("--members", metavar="N", min=1, max=5000, help="How many members.")] = 60,
    months: Annotated[int, typer.Option("--months", metavar="N", min=1, max=120, help="How many months of life.")] = 24,
    statements: Annotated[
        str, typer.Option("--statements", metavar="FOLDER", help="Where the members' statements go; empty for none.")
    ] = "statements",
) -> None:
    """Build a demonstration bank on a simulated clock, with members, loans and two years of plausible days."""
    from coopbank.demo import run_demo

    folder = Path(statements) if statements else None
    echo = output.narrate if door.as_json else output.line
    bank = run_demo(door.place, seed=seed, members=members, months=months, statements=folder, echo=echo)
    try:
        if door.as_json:
            with bank.read() as books:
                output.document({"place": door.shown_place, "seed": seed, "members": members, "months": months,
                                 "head": _head(books.tx)})  # fmt: skip
    finally:
        bank.close()


def _head(tx: Transaction) -> dict[str, Any]:
    from coopbank.ledger.posting import head

    found = head(tx)
    return {"number": found.number, "hash": found.short}


# --------------------------------------------------------------------------------- verify

_HEAD = re.compile(r"\b([0-9]{1,18})[\s:]+([0-9a-fA-F]{16,64})\b")


@command(app, "verify")
def verify(
    door: Door,
    heads: Annotated[
        list[str] | None,
        typer.Option("--head", metavar="N:HASH", help="A head printed on a document; may be repeated."),
    ] = None,
    anchors: Annotated[
        str | None,
        typer.Option("--anchors", metavar="FILE", help="Heads kept elsewhere: a number and a hash on each line."),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="FILE", help="Public key that signs the closes, as you had it; may be repeated."),
    ] = None,
) -> None:
    """Prove the books from the sealed log alone, check by check. Exit code 3 when something is wrong.

    Signed in with a passphrase that opens the book's key, it compares encrypted taxpayer numbers as well.
    """
    from coopbank.ledger.verify import helped

    if door.is_sqlite:
        database = door.database_to_read()
        try:
            with helped(database, head_start=1) as helping:  # while the rules of the bank are loaded
                closes, known = _known(database, key, heads, anchors)
                verdicts, head = prove(database, known, closes, door.keys_at_hand(), helping)
        finally:
            database.close()
    else:
        with door.signed_in() as (bank, _actor), door.to_read(bank) as read:
            closes, known = _known(read, key, heads, anchors)
            verdicts, head = prove(read, known, closes, bank.keys)
    sound = report_verdicts(door, verdicts, head, known, closes)
    if not sound:
        raise typer.Exit(BOOKS_WRONG)


def _known(
    database: Database, keys: Sequence[str] | None, heads: Sequence[str] | None, anchors: str | None
) -> tuple[CloseProof, list[tuple[int, str]]]:
    """What is known from elsewhere: keys that sign the closes, and heads of the chain."""
    from coopbank.bank.close_proof import CloseProof

    known = [_known_head(text) for text in heads or ()]
    closes = CloseProof(frozenset(_public_key(file) for file in keys or ()))
    return closes, known + (_anchored(anchors, _book_of(database)) if anchors else [])


def prove(
    database: Database, known: Sequence[tuple[int, str]], closes: CloseProof | None = None,
    keys: Keyring | None = None, helping: Help | None = None,
) -> tuple[list[Verdict], dict[str, Any] | None]:  # fmt: skip
    """What each check comes to, and the head of the chain."""
    from coopbank.bank.verify import verify as proven

    verdicts = proven(database, known, closes=closes, keys=keys, helping=helping)
    try:
        with database.read() as tx:
            return verdicts, _head(tx)
    except CoopbankError:
        return verdicts, None


def _known_head(text: str) -> tuple[int, str]:
    match = _HEAD.fullmatch(text.strip())
    if match is None:
        raise WrongUsage(
            "{head} is not a head of the chain.", field="head", head=repr(text)[:60],
            hint="Write number and hash as printed, such as 4211:9f86d081884c7d65.",
        )  # fmt: skip
    return int(match[1]), match[2][:16]


def _public_key(file: str) -> str:
    """The signing key in a file, as hex."""
    from coopbank.bank.keyring import public_key_of_file

    found = public_key_of_file(read_text(file, "key"))
    if found is None:
        raise WrongUsage(
            "{file} holds no public signing key.", field="key", file=file,
            hint="Take the file signing-key.pem of an export, or write it with: coopbank keys show --pem FILE",
        )  # fmt: skip
    return found.hex()


def _book_of(database: Database) -> str:
    """The book's random number; empty where the log cannot be read, which verify will say better."""
    try:
        with database.read() as tx:
            return str(json.loads(tx.value("SELECT sealed FROM operation WHERE id = 1"))[1])
    except (CoopbankError, ValueError, TypeError, IndexError, KeyError):
        return ""


_OF_BOOK = re.compile(r" book ([0-9a-f]{8})\s*$")


def _anchored(file: str, book: str) -> list[tuple[int, str]]:
    """The heads in a file: on each line that is not empty, a remark or of other books, a number and a hash."""
    found, others = [], 0
    for number, line in enumerate(read_text(file, "anchors").splitlines(), start=1):
        other = _OF_BOOK.search(line)
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if other and book and other[1] != book[:8]:
            others += 1
            continue
        match = _HEAD.search(line)
        if match is None:
            raise WrongUsage("{file}, line {line}: there is no head on it.", field="anchors", file=file, line=number)
        found.append((int(match[1]), match[2][:16]))
    if not found:  # not to be passed over: whoever made the books anew gave them another number
        raise WrongUsage(
            "{file} holds no head of these books, {book}; {others} lines of it are of others.", field="anchors",
            file=file, book=book[:8], others=others, hint="Compare the number of the book with what was printed.",
        )  # fmt: skip
    return found


def report_verdicts(
    door: Door, verdicts: Sequence[Verdict], head: dict[str, Any] | None, known: Sequence[tuple[int, str]],
    closes: CloseProof | None = None,
) -> bool:  # fmt: skip
    """Print what each check came to; whether the books are right."""
    sound = all(verdict.informational or not verdict.count for verdict in verdicts)
    signed = closes.last_signed if closes is not None and closes.known else None
    beyond = _cannot_exclude(known, signed)
    if door.as_json:
        checks = [
            {
                "name": each.name, "why": each.why, "verdict": _verdict(each), "count": each.count,
                "findings": [{"operation": f.operation, "message": f.message} for f in each.findings],
            }
            for each in verdicts
        ]  # fmt: skip
        output.document(
            {
                "ok": sound, "checks": checks, "head": head, "known_heads": len(known),
                "last_signed_close": None if signed is None else {"operation": signed[0], "period": signed[1]},
                "cannot_exclude": beyond,
            }
        )  # fmt: skip
        return sound
    _print_verdicts(verdicts)
    end = _(" Head of the chain: {number} {hash}.").format(**head) if head else ""
    output.line((_("The books are right.") if sound else _("THE BOOKS ARE WRONG.")) + end)
    output.line(_("This cannot exclude {what}.").format(what="; ".join(beyond)))
    return sound


def _print_verdicts(verdicts: Sequence[Verdict]) -> None:
    """A line a check, and under them what was found."""
    rows = [[each.name, _VERDICTS[_verdict(each)], str(each.count or ""), each.why] for each in verdicts]
    output.print_aligned(rows, [False, False, True, False])
    for each in verdicts:
        for finding in each.findings:
            where = _("operation {number}: ").format(number=finding.operation) if finding.operation is not None else ""
            output.line(f"  {each.name}: {where}{finding.message}")
        if each.count > len(each.findings):
            output.line(_("  {check}: and {more} more").format(check=each.name, more=each.count - len(each.findings)))
    output.line()


_VERDICTS = {"ok": "ok", "wrong": "WRONG", "told": "note"}


def _verdict(verdict: Verdict) -> str:
    if not verdict.count:
        return "ok"
    return "told" if verdict.informational else "wrong"


def _cannot_exclude(known: Sequence[tuple[int, str]], signed: tuple[int, str] | None) -> list[str]:
    from coopbank.ledger.verify import CANNOT_EXCLUDE

    head = max((number for number, _hash in known), default=0)
    if signed is None and not head:
        return [_(what) for what in CANNOT_EXCLUDE]
    if signed is not None and signed[0] > head:
        told = _("what was done to operations after {number}, the last close signed by your key ({period})")
        return [told.format(number=signed[0], period=signed[1]), *([] if head else [_(CANNOT_EXCLUDE[2])])]
    return [_("what was done to operations after {number}, the last known head").format(number=head)]


# --------------------------------------------------------------------------------- mending


@command(app, "rebuild")
def rebuild(door: Door) -> None:
    """Compute balances and totals anew from the sealed entries. For administrators and treasurers."""
    from coopbank.bank.operation import ADMINISTRATOR, TREASURER
    from coopbank.ledger.balances import CACHES
    from coopbank.ledger.balances import rebuild as rebuilt

    with door.signed_in() as (bank, actor):
        if not {ADMINISTRATOR, TREASURER} & set(actor.roles):
            raise NotAllowed(
                "{user} may not rebuild the books' totals.", field="user", user=actor.user,
                hint="It belongs to: {roles}.", roles=f"{ADMINISTRATOR}, {TREASURER}",
            )  # fmt: skip
        rebuilt(bank.database)
    if door.as_json:
        output.document({"rebuilt": list(CACHES)})
    else:
        output.line(_("Balances and totals were computed anew. Prove them with: coopbank verify"))


@command(app, "upgrade")
def upgrade(door: Door) -> None:
    """Bring books of an older version of coopbank to this one, after making a copy beside them."""
    from coopbank.cli.copies import upgrade_books

    before, after, copy = upgrade_books(door)
    if door.as_json:
        output.document({"from": before, "to": after, "copy": copy})
    elif before == after:
        output.line(_("The books are of this version already ({version}).").format(version=after))
    else:
        output.line(_("The books were brought from {before} to {after}.").format(before=before, after=after))
        output.pairs([(_("Copy of them before"), copy)])
