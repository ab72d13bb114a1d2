"""Verify, bank reconciliation: statements add up and follow each other, matches agree, what was signed was so.

Told again from the sealed log: the versions of statements, lines, matches and reconciliations in the order in which
they were written, and the postings on the leaf of each bank account, of which the ledger's checks say
that they are the sealed ones. Books without bank statements pay nothing for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.reconciling import BROUGHT_FORWARD, Posting, postings_of, standing
from coopbank.bank.replayed import Registers
from coopbank.database import Transaction
from coopbank.ledger.log import Finding, Log, Operation
from coopbank.money import format_amount

NAME: Final = "bank lines"
_KINDS: Final[dict[str, type[records.Body]]] = {
    cls.kind: cls
    for cls in (
        records.BankStatement,
        records.BankLine,
        records.BankMatch,
        records.BankMark,
        records.Reconciliation,
    )
}


@dataclass
class _Account:
    """What the log has said of one bank account so far."""

    statements: dict[str, records.BankStatement] = field(default_factory=dict)
    lines: dict[str, records.BankLine] = field(default_factory=dict)
    matches: dict[str, records.BankMatch] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)  # posting: match
    made_by: dict[str, int] = field(default_factory=dict)

    def take(self, number: int, ref: str, body: records.Body) -> None:
        """A version of a record."""
        self.made_by[ref] = number
        if isinstance(body, records.BankMark):
            _put(self.marks, ref, body.match or "", gone=body.match is None)
        elif isinstance(body, records.BankMatch):
            _put(self.matches, ref, body, gone=body.void or body.state != "matched")
        elif isinstance(body, records.BankLine):
            _put(self.lines, ref, body, gone=body.void)
        elif isinstance(body, records.BankStatement):
            _put(self.statements, ref, body, gone=body.void)


def _put(into: dict[str, Any], ref: str, value: Any, *, gone: bool) -> None:
    if gone:
        into.pop(ref, None)
    else:
        into[ref] = value


class BankProof:
    """Keeps what the log says of bank accounts while it passes, and judges it at the end."""

    def __init__(self) -> None:
        self._written: list[tuple[int, str, str, records.Body]] = []  # operation, account, ref, body

    def watch(self, _state: Registers, log: Log, operation: Operation) -> None:
        """Remember the versions of the bank's records; who signs is looked at here."""
        for row in operation.rows:
            if row[0] != "record" or row[1] not in _KINDS:
                continue
            _table, kind, ref, _version, about, data = row
            try:
                body = _KINDS[kind].model_validate(data)
            except ValidationError:
                log.add(NAME, f"{kind} {ref} cannot be read", operation.number)
                continue
            self._written.append((operation.number, str(about), str(ref), body))
            if isinstance(body, records.Reconciliation):
                _hands(log, operation, ref, body)

    def faults(self, state: Registers, _log: Log, tx: Transaction) -> Iterator[Finding]:
        """What is wrong, account by account."""
        books, accounts = Books(tx), {account for _number, account, _ref, _body in self._written}
        for name in sorted(accounts):
            fund = state.records.get(("bank-account", name), {}).get("fund")
            if fund is None:
                yield Finding(NAME, f"there is no bank account {name}")
                continue
            postings, account = postings_of(books, name, fund), _Account()
            for number, about, ref, body in self._written:
                if about != name:
                    continue
                account.take(number, ref, body)
                if isinstance(body, records.Reconciliation) and body.state == "signed":
                    yield from _signed(number, ref, body, account, postings)
            yield from _statements(account)
            yield from _matches(account, postings)


def _hands(log: Log, operation: Operation, ref: str, body: records.Reconciliation) -> None:
    if body.state == "signed" and body.prepared_by != operation.actor:
        log.add(NAME, f"reconciliation {ref} was signed by {operation.actor}, and names {body.prepared_by}",
                operation.number)  # fmt: skip
    if body.state == "reviewed" and body.reviewed_by != operation.actor:
        log.add(NAME, f"reconciliation {ref} was reviewed by {operation.actor}, and names {body.reviewed_by}",
                operation.number)  # fmt: skip
    if body.reviewed_by is not None and body.reviewed_by == body.prepared_by:
        log.add(NAME, f"{body.reviewed_by} reviewed reconciliation {ref}, which they had signed", operation.number)


def _signed(
    number: int, ref: str, body: records.Reconciliation, account: _Account, postings: dict[tuple[int, int], Posting]
) -> Iterator[Finding]:
    """What was signed is what the books and the statements said then, and nothing was unexplained."""
    known = {key: each for key, each in postings.items() if each.operation < number}
    found = standing(body.bank_account, body.on, account.lines, known, account.matches.values())
    now = found.body(body.as_of, body.prepared_by, body.prepared_on)
    if body.as_of != number - 1 or now != body:
        yield Finding(NAME, f"reconciliation {ref} does not say what statements and books said", number)
    left = body.by_bank + body.in_transit - body.outstanding - body.unrecognised - body.by_books
    if left:
        yield Finding(NAME, f"reconciliation {ref} leaves {format_amount(left)} unexplained", number)


def _statements(account: _Account) -> Iterator[Finding]:
    """Each statement's lines lead from its opening to its closing balance, and each begins where the last ended."""
    sums: dict[str, int] = {}
    for ref, line in account.lines.items():
        if line.bank_id != BROUGHT_FORWARD:
            statement = ref.rpartition(".")[0]
            sums[statement] = sums.get(statement, 0) + line.amount
    last: records.BankStatement | None = None
    for ref, body in sorted(account.statements.items(), key=lambda each: (each[1].start, each[0])):
        if body.opening + sums.pop(ref, 0) != body.closing:
            yield Finding(NAME, f"the lines of statement {ref} do not lead to its balance", account.made_by[ref])
        if last is not None and (body.opening != last.closing or body.start <= last.end):
            yield Finding(NAME, f"statement {ref} does not follow the one before", account.made_by[ref])
        last = body
    for ref in sums:
        yield Finding(NAME, f"there are lines of statement {ref}, which there is not")


def _matches(account: _Account, postings: dict[tuple[int, int], Posting]) -> Iterator[Finding]:
    """Both sides of a match come to its amount, and each line and posting is part of the match that it names."""
    matched: dict[str, str] = {}
    marked: dict[str, str] = {}
    seen: set[str] = set()
    for ref, match in account.matches.items():
        keys = [(int(entry), int(line)) for entry, line in match.postings]
        both = [*match.lines, *(f"{entry}.{line}" for entry, line in keys)]
        twice = _twice(both, seen)
        if twice is not None:
            yield Finding(NAME, f"match {ref} names {twice}, which is matched already", account.made_by[ref])
        matched.update(dict.fromkeys(match.lines, ref))
        marked.update(dict.fromkeys(both[len(match.lines) :], ref))
        missing = [name for name in match.lines if name not in account.lines]
        missing += [f"{entry}.{line}" for entry, line in keys if (entry, line) not in postings]
        if missing:
            yield Finding(NAME, f"match {ref} names {missing[0]}, which there is not", account.made_by[ref])
            continue
        by_bank = sum(account.lines[name].amount for name in match.lines)
        by_books = sum(postings[key].amount for key in keys)
        if not by_bank == by_books == match.amount:
            yield Finding(NAME, f"match {ref} is of {format_amount(match.amount)}, its lines come to"
                          f" {format_amount(by_bank)}, its entries to {format_amount(by_books)}",
                          account.made_by[ref])  # fmt: skip
    named = {ref: line.match for ref, line in account.lines.items() if line.match is not None}
    for what, says, is_ in (("line", named, matched), ("posting", account.marks, marked)):
        for ref in sorted({*says, *is_}):
            if says.get(ref) != is_.get(ref):
                yield Finding(NAME, f"bank {what} {ref} is not part of the match that it names",
                              account.made_by.get(ref))  # fmt: skip


def _twice(names: list[str], known: set[str]) -> str | None:
    """The first name that was there before; all of them are known from here on."""
    found = None
    for name in names:
        found = found or (name if name in known else None)
        known.add(name)
    return found
