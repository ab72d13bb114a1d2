"""The desk: where an operation lays out what it will write.

`perform` of an operation calls the desk; nothing reaches the database until the bank
seals the draft. Moves are written as an accountant says them: fund, leaf, amount with
its sign (debit +, credit -), in minor units.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from coopbank.bank import records
from coopbank.bank.books import LEAF, Actor, Answers, B, Books
from coopbank.bank.operation import Operation
from coopbank.database import Transaction
from coopbank.errors import DayClosed, Unknown
from coopbank.ledger.chart import MEMO_CURRENCY
from coopbank.ledger.posting import (
    EntryDraft,
    Leaf,
    Line,
    NewAccount,
    NewPeriodState,
    NewRecord,
    PersonalValue,
    Row,
    head,
    made,
    see_leaf,
)
from coopbank.money import parse_amount

if TYPE_CHECKING:
    from coopbank.bank.keyring import Keyring

SECRET_FIELDS = frozenset({"tax_id", "recipient", "recipient_member", "need", "criteria", "relation", "receipt"})
"""Personal values that are encrypted in the file, where the book has a key."""

_AT_ONCE = 8  # leaves of one question

Move = tuple[str, str, int]
"""Fund, leaf code, minor units with their sign."""


class Desk(Books):
    """One operation in the making."""

    def __init__(
        self, tx: Transaction, *, actor: Actor, approver: str | None, today: date,
        currency: str, nonce: Callable[[int], bytes], keys: Keyring | None = None, kept: Answers | None = None,
    ) -> None:  # fmt: skip
        super().__init__(tx, keys, kept)
        self.actor = actor
        self.approver = approver
        self.last = head(tx)
        self.number = self.last.number + 1  # the number that this operation will have
        self.clock_today = today
        self.business_day = self.last.business_date or today
        self.currency = currency
        self.entries: list[EntryDraft] = []
        self.rows: list[Row] = []
        self.personal_values: list[PersonalValue] = []
        self.notes: list[tuple[str, str]] = []
        self.created: list[str] = []
        self.wishes: list[str] = []
        self.resolution: str | None = None  # that this is done under; every entry names it
        self.after: list[Callable[[Transaction], None]] = []
        self.followers: list[tuple[Actor, str | None, Operation, str]] = []
        self.reckoned: object = None  # what the operation has reckoned before the book was locked
        self.previews = False  # nothing of it will be written
        self._kept: dict[tuple[str, str], str] = {}  # digest of each of them, by field and value
        self._nonce = nonce
        self.leaves_read: dict[int, Leaf] = {}  # as they are before it, for the seal
        self._leaves: dict[tuple[str, str], Leaf] = {}  # the same by fund and code
        self._new_leaves: dict[tuple[str, str], int] = {}  # opened here, or known already
        self._new_records: dict[tuple[str, str], tuple[int, records.Body]] = {}
        self._numbers: dict[str, int] = {}
        self._next_account: int | None = None
        self._controls: dict[str, tuple[str, str | None]] = {}  # the chart, where leaves were opened
        self._funds: set[str] = set()  # known to exist

    # ----------------------------------------------------------------- entries

    def post(
        self, memo: str, moves: Iterable[Move], *, effective_on: date | None = None, reverses: int | None = None
    ) -> None:
        """An entry. Moves of zero are left out; a leaf that does not exist yet is opened."""
        if self.resolution is not None and self.resolution not in memo:
            memo = f"{memo}, {self.resolution}"
        moves = [move for move in moves if move[2]]
        known, opened = self._leaves, self._new_leaves
        self._read_leaves(moves)
        lines = []
        for fund, code, amount in moves:
            leaf = None if opened and (fund, code) in opened else known.get((fund, code))
            lines.append(made(Line, (self.leaf_id(fund, code) if leaf is None else leaf.id, amount)))
        self.entries.append(EntryDraft(memo, effective_on or self.business_day, tuple(lines), reverses))

    def post_lines(self, memo: str, lines: Iterable[tuple[int, int]]) -> None:
        """An entry of today whose leaves are known by their numbers, as those of a batch are."""
        self.entries.append(EntryDraft(memo, self.business_day, tuple([made(Line, each) for each in lines])))

    def leaf_id(self, fund: str, code: str, holder: str | None = None) -> int:
        """The number of a leaf, opened now if need be, for its holder."""
        known = self._new_leaves.get((fund, code))
        if known is not None:
            return known
        found = self.leaf(fund, code)
        return found.id if found is not None else self.open_leaf(fund, code, holder)

    def leaf(self, fund: str, code: str) -> Leaf | None:
        """A leaf as it is before this operation; read once."""
        found = self._leaves.get((fund, code)) or self._seen_leaf((fund, code))
        if found is None:
            found = super().leaf(fund, code)
            if found is not None:
                self._leaves[fund, code] = self.leaves_read[found.id] = found
                see_leaf(self.tx, found)
        return found

    def _seen_leaf(self, place: tuple[str, str]) -> Leaf | None:
        """A leaf that an operation before this one has seen."""
        found: Leaf | None = self.tx.seen.get(place) if self.tx.seen else None
        if found is not None:
            self._leaves[place] = self.leaves_read[found.id] = found
        return found

    def _read_leaves(self, moves: list[Move]) -> None:
        """Read several leaves that an entry names with one question."""
        known, opened, seen = self._leaves, self._new_leaves, self.tx.seen or {}
        asked: dict[tuple[str, str], None] = {}
        for fund, code, _amount in moves:
            place = fund, code
            if place not in known and place not in opened:
                leaf: Leaf | None = seen.get(place)
                if leaf is None:
                    asked[place] = None
                else:
                    known[place] = self.leaves_read[leaf.id] = leaf
        unknown = list(asked)
        for start in range(0, len(unknown), _AT_ONCE):
            part = unknown[start : start + _AT_ONCE]
            values: list[str] = []
            for fund, code in part:
                gl_code, _slash, contract = code.partition("/")
                values += (fund, gl_code, contract)
            for row in self.tx.rows(_leaves_at(len(part)), *values):
                leaf = made(Leaf, row)
                self._leaves[leaf.fund, leaf.code] = self.leaves_read[leaf.id] = leaf
                see_leaf(self.tx, leaf)

    def know_leaves(self, fund: str, gl_code: str) -> dict[str, int]:
        """Read all leaves of a control account at once, for a batch that will post to many; numbers by contract."""
        rows = self.tx.rows("SELECT contract, id FROM account WHERE gl_code = ? AND fund = ?", gl_code, fund)
        found = {str(contract): int(number) for contract, number in rows}
        for contract, number in found.items():
            self._new_leaves.setdefault((fund, f"{gl_code}/{contract}" if contract else gl_code), number)
        return found

    def leaves_called(self, fund: str, codes: Collection[str]) -> dict[str, int]:
        """The numbers of those leaves that there are, by their codes; a few questions for thousands."""
        found = {code: self._new_leaves[fund, code] for code in codes if (fund, code) in self._new_leaves}
        asked: dict[str, list[str]] = {}
        for code in sorted(codes):
            gl_code, _slash, contract = code.partition("/")
            asked.setdefault(gl_code, []).append(contract)
        for gl_code, contracts in asked.items():
            for start in range(0, len(contracts), 500):
                part = contracts[start : start + 500]
                marks = ", ".join("?" * len(part))
                rows = self.tx.rows(
                    f"SELECT contract, id FROM account WHERE fund = ? AND gl_code = ? AND contract IN ({marks})",
                    fund, gl_code, *part,
                )  # fmt: skip
                found.update((f"{gl_code}/{contract}" if contract else gl_code, int(n)) for contract, n in rows)
        return found

    def has_leaf(self, fund: str, code: str) -> bool:
        """Whether a leaf exists, or is opened by this operation."""
        return (fund, code) in self._new_leaves or self.leaf(fund, code) is not None

    def open_leaf(self, fund: str, code: str, holder: str | None = None) -> int:
        """Open a leaf under its control account, with the guards that the chart gives it."""
        gl_code, _slash, contract = code.partition("/")
        if gl_code not in self._controls:
            control = self.tx.row("SELECT kind, guard FROM gl_account WHERE code = ?", gl_code)
            if control is None:
                raise Unknown("There is no account {code} in the chart.", field="account", code=gl_code)
            self._controls[gl_code] = (control[0], control[1])
        if fund not in self._funds:
            self.fund_exists(fund)
            self._funds.add(fund)
        if self._next_account is None:
            self._next_account = int(self.tx.value("SELECT coalesce(max(id), 0) + 1 FROM account"))
        kind, guard = self._controls[gl_code]
        number, self._next_account = self._next_account, self._next_account + 1
        self.rows.append(
            NewAccount(
                number, gl_code, fund, contract, holder, kind,
                MEMO_CURRENCY if kind == "memo" else self.currency,
                0 if guard == "floor" else None, 0 if guard == "ceiling" else None,
            )
        )  # fmt: skip
        self._new_leaves[fund, code] = number
        return number

    # ----------------------------------------------------------------- records

    def find(self, cls: type[B], ref: str) -> B | None:
        """The latest version, what this operation has laid out included."""
        new = self._new_records.get((cls.kind, ref))
        if new is not None:
            return None if new[1].void or not isinstance(new[1], cls) else new[1]
        return super().find(cls, ref)

    def _holds(self, about: str) -> dict[str, records.Hold]:
        """Those of a leaf, what this operation has laid out included."""
        new = {row.ref for row in self.rows if isinstance(row, NewRecord) and row.kind == records.Hold.kind
               and row.about == about}  # fmt: skip
        found = super()._holds(about) | {ref: self.find(records.Hold, ref) for ref in new}
        return {ref: hold for ref, hold in found.items() if hold is not None}

    def write(self, ref: str, body: records.Body, about: str | None = None) -> None:
        """A new version of a record; the first one if there is none."""
        before = self._new_records.get((body.kind, ref))
        version = 1 + (before[0] if before else self.version(body.kind, ref))
        self._new_records[body.kind, ref] = (version, body)
        self.rows.append(NewRecord(body.kind, ref, version, about, body.model_dump(mode="json", exclude_defaults=True)))

    def next_ref(self, kind: str, prefix: str, digits: int) -> str:
        """The next number of a kind: M0061, L-021. Longer ones follow when the digits are used up: M9999, M10000."""
        least = 0
        while True:
            last = self._numbers.get(kind) or max(least, self._last_number(kind, prefix, digits))
            if last < 10**digits - 1:
                self._numbers[kind] = last + 1
                number = f"{prefix}{last + 1:0{digits}d}"
                self.created.append(number)
                return number
            least, digits = 10**digits - 1, digits + 1

    def _last_number(self, kind: str, prefix: str, digits: int) -> int:
        found = self.tx.value(
            "SELECT ref FROM record WHERE kind = ? AND length(ref) = ? AND ref >= ? AND ref <= ? AND version = 1"
            " ORDER BY ref DESC LIMIT 1",
            kind, len(prefix) + digits, prefix + "0" * digits, prefix + "9" * digits,
        )  # fmt: skip
        tail = "" if found is None else str(found)[len(prefix) :]
        return int(tail) if tail.isdigit() else 0

    def period(self, period: str, state: str) -> None:
        """A day, month or year is in another state from here on."""
        self.rows.append(NewPeriodState(period, state))

    def keep(self, field: str, value: str) -> records.PersonalRef:
        """Keep a personal value apart and return the digest that stands for it."""
        known = self._kept.get((field, value))
        if known is not None:
            return {"#": known}
        kept = PersonalValue(field, value, self._nonce(16))
        if field in SECRET_FIELDS and (key := self.find(records.SigningKey, "key")) is not None:
            from coopbank.bank.keyring import seal  # not on top: most operations need no cryptography

            sealed = seal(bytes.fromhex(key.seal), kept.salt + value.encode(), self._nonce)
            kept = PersonalValue(field, value, kept.salt, sealed)
        self.personal_values.append(kept)
        self._kept[field, value] = kept.digest
        return {"#": kept.digest}

    def then(self, actor: Actor, approver: str | None, operation: Operation, key: str) -> None:
        """Perform another operation right after this one, in the same transaction."""
        self.followers.append((actor, approver, operation, key))

    def list_member(self, member: str, name: str, phone: str) -> None:
        """Enter or change a member in the directory of the find box."""
        digits = "".join(c for c in phone if c.isdigit())

        def put(tx: Transaction) -> None:
            tx.run("DELETE FROM directory WHERE member = ?", member)
            tx.run(
                "INSERT INTO directory (member, name, folded, phone) VALUES (?, ?, ?, ?)",
                member, name, fold(name), digits,
            )  # fmt: skip

        self.after.append(put)

    def written_since(self, number: int, *kinds: str) -> bool:
        """Whether an operation after that one wrote a record of one of these kinds."""
        marks = ", ".join("?" * len(kinds))
        found = self.tx.value(
            f"SELECT 1 FROM record WHERE operation_id > ? AND kind || '' IN ({marks}) LIMIT 1", number, *kinds
        )
        return found is not None

    def moved_since(self, number: int, gl_code: str, through: date = date.max) -> bool:
        """Whether an operation after that one moved a control account under a date up to a day."""
        # CROSS: from the few entries since then, where SQLite would go through all lines that there are.
        found = self.tx.value(
            "SELECT 1 FROM entry e CROSS JOIN posting p CROSS JOIN account a"
            " WHERE e.id >= (SELECT first_entry + entry_count FROM operation WHERE id = ?) AND p.entry_id = e.id"
            " AND a.id = p.account_id AND e.effective_on || '' <= ? AND a.gl_code || '' = ? LIMIT 1",
            number, through.isoformat(), gl_code,
        )  # fmt: skip
        return found is not None

    # ------------------------------------------------------------------- words

    def amount_policy(self, name: str, default: str = "0") -> int:
        """A policy's amount in minor units; the default is written as people write it."""
        return parse_amount(str(self.policy(name, default)), self.currency)

    def note(self, label: str, value: str) -> None:
        """A line of the receipt."""
        self.notes.append((label, value))

    def business_date(self) -> date:
        """The day that this operation is dated on."""
        return self.business_day

    def value_date(self, asked: date | None, *, not_before: date | None = None, field: str = "value_date") -> date:
        """When the money counts for interest: today, or an earlier day that was asked for."""
        day = asked or self.business_day
        if day > self.business_day:
            raise DayClosed(
                "The value date {day} lies after the business date {today}.",
                field=field, day=day, today=self.business_day,
            )  # fmt: skip
        if not_before is not None and day < not_before:
            raise DayClosed(
                "The value date {day} lies before {last}, and nothing counts from before that day.",
                field=field, day=day, last=not_before,
            )  # fmt: skip
        return day


@lru_cache(maxsize=_AT_ONCE)
def _leaves_at(places: int) -> str:
    return " UNION ALL ".join([f"{LEAF} WHERE a.fund = ? AND a.gl_code = ? AND a.contract = ?"] * places)


def fold(text: str) -> str:
    """Lower case without accents, to find a name however it is typed."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()
