"""Reading the books: what the bank keeps, found by number, and balances now.

`Books` wraps one transaction. Reports have their own, larger questions; this holds what
operations and forms ask.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeVar

from coopbank.bank import records
from coopbank.database import Transaction
from coopbank.errors import KeysLocked, NotABook, Unknown
from coopbank.ledger import periods
from coopbank.ledger.posting import MASTER, Leaf, NewRecord, Row
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.bank.keyring import Keyring

A = TypeVar("A")
B = TypeVar("B", bound=records.Body)

LEAF = (
    "SELECT a.id, a.gl_code, a.fund, a.contract, a.currency, a.floor, a.ceiling, b.debit - b.credit"
    " FROM account a JOIN balance b ON b.account_id = a.id"
)

_BODY = "SELECT body FROM record WHERE kind = ? AND ref = ? ORDER BY version DESC LIMIT 1"
_BODY_THEN = "SELECT body FROM record WHERE kind = ? AND ref = ? AND operation_id <= ? ORDER BY version DESC LIMIT 1"
# The number of the latest version is looked for once for each thing: a drawer has two more versions every day.
_EVERY = (
    "SELECT r.ref, r.body FROM (SELECT ref, max(version) AS version FROM record WHERE kind = ? GROUP BY ref) last"
    " CROSS JOIN record r WHERE r.kind = ? AND r.ref = last.ref AND r.version = last.version ORDER BY r.ref"
)
# Joined to nothing, the kind is no reason to read through every record of it, as SQLite would.
_ABOUT = (
    "SELECT r.ref, r.body FROM (SELECT ref, max(version) AS version FROM record WHERE about = ? AND kind || '' = ?"
    " GROUP BY ref) last CROSS JOIN record r WHERE r.kind = ? AND r.ref = last.ref AND r.version = last.version AND"
    " NOT EXISTS (SELECT 1 FROM record l WHERE l.kind = r.kind AND l.ref = r.ref AND l.version > r.version)"
    " ORDER BY r.ref"
)

#: What a person calls each kind, for refusals.
_NAMES = {
    "member": "member", "loan": "loan", "drawer": "drawer", "note": "note", "gift": "gift", "bill": "bill",
    "grant": "grant", "sponsorship": "sponsorship",
    "cheque": "cheque", "request": "request", "user": "user", "bank-account": "bank account",
    "share-class": "share class", "savings": "savings account", "policy": "policy", "role": "role",
    "product": "product", "application": "application", "collateral": "collateral", "suspense": "unknown receipt",
    "document": "document", "cash-difference": "cash difference", "bank-statement": "bank statement",
    "bank-line": "bank line", "bank-match": "match", "reconciliation": "reconciliation", "asset": "asset",
    "petty-cash": "petty cash", "joint-owner": "joint owner", "unclaimed": "unclaimed property",
    "campaign": "campaign", "confirmation": "confirmation", "voting-body": "body", "seat": "seat",
    "meeting": "meeting", "resolution": "resolution", "vote": "vote", "mandate": "mandate",
    "credit-memo": "credit memo", "poll": "poll",
    "dividend": "dividend", "surplus": "division of surplus",
    "surplus-rules": "rule for surplus", "redemption": "redemption",
    "aid-case": "case",
    "register": "register", "register-entry": "entry of a register",
    "partner": "institution", "pair": "pair",
    "dues": "dues", "donated-work": "donated work",
    "ground-rent": "ground rent", "parcel-disposal": "disposal of a parcel",
    "fund-loan": "fund loan", "note-class": "class of notes",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Actor:
    """The person who acts: user name, roles, their own member number if they are one, and those of relatives."""

    user: str
    roles: tuple[str, ...]
    member: str | None = None
    relatives: tuple[str, ...] = ()
    must_change: bool = False  # their passphrase, before they do anything

    @property
    def theirs(self) -> set[str]:
        """Members whose affairs they do not touch: themselves and their relatives."""
        return {*self.relatives, *([self.member] if self.member else ())}


_MOST_KEPT = 2_000  # answers about one kind, before they are asked anew
PEOPLE: Final = "powers"
"""What is kept of the powers that people hold, which rest on records of these kinds."""
_ABOUT_PEOPLE = frozenset({records.User.kind, records.Role.kind, records.Policy.kind})
_NOT_KNOWN: Final = object()

Answers = dict[str, dict[Any, Any]]
"""What was asked of the books, by the kind of record that it rests on, or the table of periods, or PEOPLE."""


class Kept:
    """What was asked about records and periods, kept until an operation writes one of their kind.

    What is kept stands under the hash of the last operation that wrote one, which covers all before it. So nobody has
    to say when it is out of date: not a transaction that was undone, and not a colleague at another till.
    """

    def __init__(self) -> None:
        self._at: tuple[bytes | None, Answers] = (None, {})

    def now(self, tx: Transaction) -> Answers:
        """What may be used in this transaction, and added to."""
        at = tx.master = tx.master or tx.value(
            "SELECT hash FROM operation WHERE id IN ((SELECT max(operation_id) FROM record),"
            " (SELECT max(operation_id) FROM period_state)) ORDER BY id DESC LIMIT 1"
        )
        known = self._at  # another thread may replace it meanwhile
        if known[0] != at:
            self._at = known = (at, {})
        tx.kept = known[1]
        return known[1]

    def after(self, tx: Transaction, rows: Sequence[Row], kept: Answers | None) -> Answers | None:
        """What of it holds once an operation with these rows was sealed.

        Answers about other kinds than it wrote go on under its hash, in a dictionary of their own: another thread may
        still add to the one before what was so then.
        """
        if kept is None or tx.master is None:
            return None
        written = {row.kind if isinstance(row, NewRecord) else row.table for row in rows if row.table in MASTER}
        if written:
            if written & _ABOUT_PEOPLE:
                written.add(PEOPLE)
            kept = {kind: known for kind, known in kept.copy().items() if kind not in written}
            self._at = (tx.master, kept)
        tx.kept = kept
        return kept


class Books:
    """What the books say, inside one transaction."""

    def __init__(self, tx: Transaction, keys: Keyring | None = None, kept: Answers | None = None) -> None:
        self.tx = tx
        self.kept = kept  # records that every operation asks for, since the last one that wrote such: see `Kept`
        self.keys = keys  # of whoever has signed in: opens what is encrypted
        self.held_roles: dict[tuple[str, ...], list[tuple[str, records.Role]]] = {}  # filled by limits.py

    # ----------------------------------------------------------------- records

    def find(self, cls: type[B], ref: str) -> B | None:
        """The latest version of a record, None if there is none or its making was reversed."""
        if not (cls.remembered or cls.met):
            return self._find(cls, ref)
        return self.once(cls.kind, ("find", cls, ref), lambda: self._find(cls, ref))

    def once(self, kind: str, question: tuple[Any, ...], ask: Callable[[], A]) -> A:
        """The answer to a question about records of a kind, to be looked at only; from what is kept, if it is there."""
        if self.kept is None:
            return ask()
        known = self.kept.get(kind)
        if known is None:
            known = self.kept.setdefault(kind, {})
        found: A = known.get(question, _NOT_KNOWN)
        if found is _NOT_KNOWN:
            found = ask()
            if len(known) >= _MOST_KEPT:  # one operation that asks for every member keeps no more than a day's do
                known.clear()
            known[question] = found
        return found

    def _find(self, cls: type[B], ref: str) -> B | None:
        text = self.once(cls.kind, ("text", ref), lambda: self.tx.value(_BODY, cls.kind, ref))
        body = None if text is None else cls.read(text)
        return None if body is None or body.void else body

    def find_at(self, cls: type[B], ref: str, upto: int) -> B | None:
        """A record as it stood after that operation; None if there was none, or its making was reversed by then."""
        text = self.tx.value(_BODY_THEN, cls.kind, ref, upto)
        body = None if text is None else cls.read(text)
        return None if body is None or body.void else body

    def get(self, cls: type[B], ref: str, field: str | None = None) -> B:
        """The latest version of a record; refuses by name if there is none."""
        found = self.find(cls, ref)
        if found is None:
            name = _(_NAMES.get(cls.kind, cls.kind))
            raise Unknown("There is no {name} {ref}.", field=field or cls.kind.replace("-", "_"), name=name, ref=ref)
        return found

    def every(self, cls: type[B]) -> list[tuple[str, B]]:
        """The latest version of every record of a kind, in the order of their refs."""
        if cls.remembered:
            return list(self.once(cls.kind, ("every", cls), lambda: self._every(cls)))
        return self._every(cls)

    def _every(self, cls: type[B]) -> list[tuple[str, B]]:
        found = self.tx.rows(_EVERY, cls.kind, cls.kind)
        return [(ref, body) for ref, text in found if not (body := cls.read(text)).void]

    def about(self, cls: type[B], about: str) -> list[tuple[str, B]]:
        """The latest version of every record of a kind whose latest version concerns that thing."""
        if cls.remembered:
            return list(self.once(cls.kind, ("about", cls, about), lambda: self._about(cls, about)))
        return self._about(cls, about)

    def _about(self, cls: type[B], about: str) -> list[tuple[str, B]]:
        found = self.once(cls.kind, ("texts", about), lambda: self.tx.rows(_ABOUT, about, cls.kind, cls.kind))
        return [(ref, body) for ref, text in found if not (body := cls.read(text)).void]

    def version(self, kind: str, ref: str) -> int:
        """How many versions a record has; 0 if there is none."""
        return int(self.tx.value("SELECT coalesce(max(version), 0) FROM record WHERE kind = ? AND ref = ?", kind, ref))

    def policy(self, name: str, default: Any = None) -> Any:
        """The value of a policy."""
        found = self.find(records.Policy, name)
        return default if found is None else found.value

    def personal(self, value: dict[str, str] | None) -> str:
        """The text behind a salted digest; `(forgotten)` once it was erased, empty for None.

        What is encrypted is `(locked)` to who has not signed in with a passphrase that opens the book's key.
        """
        if not value:
            return ""
        row = self.tx.row("SELECT salt, value FROM personal WHERE digest = ?", value["#"])
        if row is None or row[1] is None:
            return FORGOTTEN
        return opened(self.keys, row[0], str(row[1]))[1]

    def resolve(self, payload: dict[str, Any]) -> dict[str, Any]:
        """A sealed request with its personal values put back, those inside of lists included."""
        found: dict[str, Any] = self._resolved(payload)
        return found

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._resolved(each) for each in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"#"}:
            return self.personal(value)
        return {name: self._resolved(each) for name, each in value.items()}

    def institution(self) -> records.Institution:
        """The institution that these books are of."""
        found = self.find(records.Institution, "book")
        if found is None:  # every book has had it since its founding
            raise NotABook(
                "The books are damaged: a record of kind {kind} cannot be read.", kind=records.Institution.kind,
                hint="See what else is wrong with: coopbank verify. Then go back to a backup.",
            )  # fmt: skip
        return found

    def user(self, user: str) -> Actor | None:
        """An active user, with the roles they hold now."""
        found = self.find(records.User, user)
        if found is None or not found.active:
            return None
        return Actor(user, tuple(found.roles), found.member, tuple(found.relatives), found.must_change)

    def actor_now(self, user: str) -> Actor:
        """The same, refused if the user is not active any more."""
        found = self.user(user)
        if found is None:
            raise Unknown(
                "{user} is not an active user.", field="user", user=user,
                hint="An administrator can make a user active again (change-role).",
            )  # fmt: skip
        return found

    def member_name(self, member: str) -> str:
        """The name a member is shown by."""
        found = self.tx.value("SELECT name FROM directory WHERE member = ?", member)
        if found is not None:
            return str(found)
        body = self.find(records.Member, member)
        return FORGOTTEN if body is not None and body.forgotten_on is not None else member

    # ---------------------------------------------------------------- accounts

    def leaf(self, fund: str, code: str) -> Leaf | None:
        """A leaf by its fund and code (`905/M0007`, `931`), with its balance now."""
        gl_code, _slash, contract = code.partition("/")
        row = self.tx.row(LEAF + " WHERE a.fund = ? AND a.gl_code = ? AND a.contract = ?", fund, gl_code, contract)
        return None if row is None else Leaf(*row)

    def balance(self, fund: str, code: str) -> int:
        """Balance now in minor units, debit +; 0 for a leaf that does not exist yet."""
        leaf = self.leaf(fund, code)
        return 0 if leaf is None else leaf.balance

    def leaves(self, gl_code: str, fund: str | None = None) -> list[Leaf]:
        """Every leaf of a control account."""
        sql = LEAF + " WHERE a.gl_code = ?" + (" AND a.fund = ?" if fund else "") + " ORDER BY a.fund, a.contract"
        return [Leaf(*row) for row in self.tx.rows(sql, *([gl_code, fund] if fund else [gl_code]))]

    def leaves_of(self, gl_code: str, contracts: Collection[str]) -> list[Leaf]:
        """Those leaves of a control account that stand for one of these, or for nothing in particular."""
        asked, found = ["", *sorted(contracts)], []
        for start in range(0, len(asked), 500):
            part = asked[start : start + 500]
            sql = f"{LEAF} WHERE a.gl_code = ? AND a.contract IN ({', '.join('?' * len(part))})"
            found += [Leaf(*row) for row in self.tx.rows(sql, gl_code, *part)]
        return found

    def held_by(self, member: str) -> list[Leaf]:
        """Every leaf that a member holds."""
        return [Leaf(*row) for row in self.tx.rows(LEAF + " WHERE a.holder = ? ORDER BY a.gl_code, a.contract", member)]

    def holds(self, fund: str, code: str, on: date | None = None) -> int:
        """Money of a leaf that is held today: a cheque not yet paid, a pledge. Minor units.

        On another day: what is still held then, or was held as it was known then.
        """
        today = self.business_date() or date.min
        day, about = today if on is None else on, f"{fund} {code}"
        found = list(self._holds(about).values()) if day >= today else self._held(about, day)
        return sum(hold.amount for hold in found if hold.state == "held" and hold.until > day.isoformat())

    def _holds(self, about: str) -> dict[str, records.Hold]:
        """Every hold on a leaf as it is now."""
        return dict(self.about(records.Hold, about))

    def _held(self, about: str, on: date) -> list[records.Hold]:
        """Every hold on a leaf as it was known at the end of a past day."""
        rows = self.tx.rows(
            "SELECT r.ref, r.body FROM record r JOIN operation o ON o.id = r.operation_id"
            " WHERE r.about = ? AND r.kind || '' = ? AND o.business_date <= ? ORDER BY r.ref, r.version",
            about, records.Hold.kind, on.isoformat(),
        )  # fmt: skip
        latest = {ref: records.Hold.model_validate_json(text) for ref, text in rows}
        return [hold for hold in latest.values() if not hold.void]

    def fund_exists(self, fund: str, field: str = "fund") -> str:
        """The fund's code; refuses if there is none."""
        if self.tx.value("SELECT 1 FROM fund WHERE code = ?", fund) is None:
            raise Unknown("There is no fund {fund}.", field=field, fund=fund)
        return fund

    def control_name(self, gl_code: str) -> str:
        """The name of a control account."""
        return str(self.tx.value("SELECT name FROM gl_account WHERE code = ?", gl_code) or gl_code)

    # ------------------------------------------------------------------- dates

    def business_date(self) -> date | None:
        """The day that the bank stands at."""
        return periods.business_date(self.tx)


LOCKED, FORGOTTEN = "(locked)", "(forgotten)"


def opened(keys: Keyring | None, salt: bytes | None, value: str) -> tuple[bytes, str]:
    """Salt and value of a row of `personal`, decrypted if they are encrypted; `(locked)` without the key."""
    if salt or not value.startswith(records.SEALED):
        return bytes(salt or b""), value
    if keys is None:
        return b"", LOCKED
    try:
        text = keys.open(value)
    except KeysLocked:
        return b"", LOCKED
    return text[:16], text[16:].decode()


def loads(text: str) -> Any:
    """A stored JSON text."""
    return json.loads(text)
