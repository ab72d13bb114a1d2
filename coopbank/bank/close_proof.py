"""Verify, of the signatures: each is the key's own, of a text that says what the log says.

The keys in force are sealed records. Whoever can write the whole file can write another key and sign with it, so
`keys` are public keys that are known from elsewhere: then every signature must come from one of them or from a
successor that they endorsed, and no close after the last such signature may be unsigned. Without them, closes that
nobody signed are only told. A signature stands for everything before it, earlier closes without one included.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from coopbank.bank import records
from coopbank.bank.operation import CATALOGUE
from coopbank.bank.operations.keys import close_text, endorsed_text
from coopbank.ledger.chart import MEMO_CURRENCY
from coopbank.ledger.columns import Run
from coopbank.ledger.log import Finding, Log, Operation
from coopbank.ledger.log import Stored as StoredRow

_SIGNED = frozenset(name for name, cls in CATALOGUE.items() if cls.signed)


@dataclass
class CloseProof:
    """What one pass over the log says about closes and their signatures."""

    known: frozenset[str] = frozenset()  # public signing keys from elsewhere, as hex
    trusted: set[str] = field(default_factory=set)  # those, and what they endorsed
    in_force: str | None = None
    waiting: tuple[int, str, str] | None = None  # the close just read: number, kind, period
    last_signed: tuple[int, str] | None = None  # number of the last signature that is trusted, and what it closes
    unsigned: list[tuple[int, str]] = field(default_factory=list)
    foreign: list[tuple[int, str]] = field(default_factory=list)  # signed by a key in force that is not trusted

    def watch(self, log: Log, operation: Operation, stored: StoredRow) -> None:
        """One operation, as it passes."""
        for row in operation.rows:
            if row[0] == "record" and row[1] == "signing-key":
                self._key(log, operation.number, row[5])
            if row[0] == "record" and row[1] == "close-signature":
                self._signature(log, operation, row[2], row[5])
        self._unsigned(log)
        kind = CATALOGUE.get(operation.kind)
        period = next((row[1] for row in operation.rows if row[0] == "period_state"), "")
        if kind is not None and kind.signed and (period or not _in_groups(operation)):
            self.waiting = operation.number, operation.kind, period

    def watch_plain(self, _log: Log, run: Run) -> None:
        """Operations that wrote no rows: no signature is among them, so a close before another one has none."""
        closes = [(operation.number, operation.kind, "") for operation in run.of(_SIGNED)]
        for number, _kind, period in [self.waiting, *closes] if self.waiting is not None else closes:
            if number != run.numbers[-1]:
                self.unsigned.append((number, period))
        self.waiting = closes[-1] if closes and closes[-1][0] == run.numbers[-1] else None

    def _key(self, log: Log, number: int, body: dict[str, Any]) -> None:
        from coopbank.bank.keyring import signature_holds

        sign, seal, before = body["sign"], body["seal"], self.in_force
        if before is not None:
            endorsement = bytes.fromhex(body.get("endorsement") or "")
            if not signature_holds(bytes.fromhex(before), endorsement, endorsed_text(sign, seal)):
                log.add("signatures", f"key {sign[:8]} was not endorsed by key {before[:8]}", number)
            elif before in self.trusted:
                self.trusted.add(sign)
        if sign in self.known:
            self.trusted.add(sign)
        self.in_force = sign

    def _signature(self, log: Log, operation: Operation, ref: str, body: dict[str, Any]) -> None:
        from coopbank.bank.keyring import signature_holds

        close, self.waiting = self.waiting, None
        if close is None or log.last is None or str(close[0]) != ref:
            log.add("signatures", f"a signature of operation {ref} does not follow it", operation.number)
            return
        number, kind, period = close
        text = close_text(
            operation.book, kind, period, number, bytes(log.last.hash).hex(), log.next_entry - 1, _debits(log, period)
        )
        key, name = body["key"], f"the close of {period}"
        if body["text"] != text:
            log.add("signatures", f"what was signed of {name} is not what the books say", operation.number)
        elif key != self.in_force:
            log.add("signatures", f"{name} is signed by key {key[:8]}, which was not in force", operation.number)
        elif not signature_holds(bytes.fromhex(key), bytes.fromhex(body["signature"]), text.encode()):
            log.add("signatures", f"the signature of {name} is false", operation.number)
        elif self.known and key not in self.trusted:
            self.foreign.append((operation.number, f"{name} is signed by key {key[:8]}, which is not yours"))
        else:
            self.last_signed = operation.number, period

    def _unsigned(self, log: Log) -> None:
        """The close before this operation has no signature after it."""
        if self.waiting is not None and log.last is not None and self.waiting[0] == log.last.id:
            self.unsigned.append((self.waiting[0], self.waiting[2]))
            self.waiting = None

    def at_end(self) -> Iterator[Finding]:
        """With keys from elsewhere: that they signed at all, and every close since the last one that they did."""
        if self.waiting is not None:
            self.unsigned.append((self.waiting[0], self.waiting[2]))
        if self.known and self.last_signed is None:
            yield Finding("signatures", "no close is signed by the key that you gave")
        if self.known:
            told = [(number, f"the close of {period} is not signed") for number, period in self.unsigned]
            for number, words in sorted([*told, *self.foreign]):
                if self.last_signed is None or number > self.last_signed[0]:
                    yield Finding("signatures", words, number)

    def told(self) -> Iterator[Finding]:
        """Closes that nobody signed, where the book has a key."""
        if self.in_force is not None and not self.known:
            for number, period in self.unsigned:
                yield Finding("unsigned closes", f"the close of {period} is not signed", number)


def _in_groups(operation: Operation) -> bool:
    """Whether a close has left something to be carried out, or carries out a part: the last one is what is signed."""
    return any(row[0] == "record" and row[1] == records.Batch.kind for row in operation.rows)


def _debits(log: Log, period: str) -> int:
    """Debits of all entries dated in a day, a month or a year, in minor units of money."""
    if len(period) == 10:
        days = [log.days.get(period, {})]
    else:
        days = [sums for day, sums in log.days.items() if day.startswith(period)]
    return sum(debit for day in days for key, (debit, _credit) in day.items() if key[2] != MEMO_CURRENCY)
