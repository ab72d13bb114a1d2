"""An attacker who owns the machine: takes the guards off the file, edits what was sealed, and hashes everything anew.

    with Rewriter(path) as forger:
        forger.change(9, lambda places: places[11][0][4][0].__setitem__(1, 99900))    # an amount
        # at the end: tables and caches made to agree, heads inside closes and documents too, the guards put back

What such a person cannot do is sign: `signatures` says what becomes of the signed closes. "keep" leaves the texts,
"drop" makes the signatures into sign-ins, "own" signs everything anew with a key of the attacker's.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from coopbank.bank.keyring import Keyring
from coopbank.ledger import chain

Places = list[Any]
OWN = Keyring(bytes(range(32)))
_TABLES = {"entry": 0, "posting": 0, "record": 0, "account": 0, "period_state": 0, "gl_account": 0, "fund": 0}


class Rewriter:
    """The file, without its guards."""

    def __init__(self, path: Path | str, signatures: Literal["keep", "drop", "own"] = "keep") -> None:
        self.path, self.signatures = Path(path), signatures
        self.changes: dict[int, Callable[[Places], None]] = {}
        self.cut_after: int | None = None

    def change(self, number: int, how: Callable[[Places], None]) -> None:
        """Edit the fourteen places of an operation's text."""
        self.changes[number] = how

    def __enter__(self) -> Rewriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, t: TracebackType | None) -> None:
        if kind is None:
            with_guards_off(self.path, self._rewrite)

    def _rewrite(self, db: sqlite3.Connection) -> None:
        if self.cut_after is not None:
            for table, column in (("posting", "entry_id"), ("entry", "operation_id")):
                which = "(SELECT id FROM entry WHERE operation_id > ?)" if table == "posting" else None
                where = f"{column} IN {which}" if which else f"{column} > ?"
                db.execute(f"DELETE FROM {table} WHERE {where}", (self.cut_after,))
            for table in ("record", "period_state", "account", "personal"):
                if table == "account":
                    gone = "(SELECT id FROM account WHERE operation_id > ?)"
                    db.execute(f"DELETE FROM balance WHERE account_id IN {gone}", (self.cut_after,))
                db.execute(f"DELETE FROM {table} WHERE operation_id > ?", (self.cut_after,))
            db.execute("DELETE FROM operation WHERE id > ?", (self.cut_after,))
        previous, closed = "0" * 64, {}
        for number, text in db.execute("SELECT id, sealed FROM operation ORDER BY id").fetchall():
            places: Places = json.loads(text)
            if number in self.changes:
                self.changes[number](places)
            self._follow(places, previous, closed)
            places[13] = previous
            sealed = chain.canonical(places)
            digest = chain.digest(sealed)
            previous = digest.hex()
            closed[number] = previous
            amounts = [amount for entry in places[11] for _account, amount in entry[4]]
            db.execute(
                "UPDATE operation SET sealed = ?, hash = ?, prev_hash = ?, actor = ?, approver = ?, business_date = ?,"
                " at = ?, kind = ?, request_hash = ?, debit_total = ?, row_count = ?, posting_count = ? WHERE id = ?",
                (sealed, digest, bytes.fromhex(places[13]), places[5], places[6], places[4], places[3], places[7],
                 chain.digest(chain.canonical([places[7], places[8], places[10]])), sum(a for a in amounts if a > 0),
                 len(places[12]), len(amounts), number),
            )  # fmt: skip
            _put_rows(db, number, places)
        _put_caches(db)

    def _follow(self, places: Places, previous: str, closed: dict[int, str]) -> None:
        """Heads inside later texts follow the new hashes, as a careful attacker would have it."""
        number = places[2]
        for row in places[12]:
            if row[0] == "record" and row[1] == "day-close":
                row[5]["head_hash"] = previous[:16]
            if row[0] == "record" and row[1] == "document" and row[5]["as_of"] in closed:
                row[5]["head"] = closed[row[5]["as_of"]][:16]
            if row[0] == "record" and row[1] == "signing-key" and self.signatures == "own":
                row[5]["sign"] = places[10]["sign"] = OWN.public.sign.hex()
        if places[7] == "sign-close" and self.signatures == "drop":
            places[7], places[10], places[12] = "sign-in", {}, []
        if places[7] == "sign-close" and self.signatures == "own":
            body = next(row[5] for row in places[12])
            lines = body["text"].split("\n")
            lines[4] = f"hash {closed[number - 1]}"
            text = "\n".join(lines)
            signed = {"text": text, "key": OWN.public.sign.hex(), "signature": OWN.sign(text.encode()).hex()}
            body.update(signed)
            places[10].update(signed)


def with_guards_off(path: Path | str, work: Callable[[sqlite3.Connection], None]) -> None:
    """Do something to the file as the sqlite3 shell can: triggers gone, checks off, and put back afterwards."""
    db = sqlite3.connect(path, isolation_level=None)
    try:
        triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("BEGIN IMMEDIATE")
        for name, _sql in triggers:
            db.execute(f"DROP TRIGGER {name}")
        work(db)
        for _name, sql in triggers:
            db.execute(sql)
        db.execute("COMMIT")
    finally:
        db.close()


def _put_rows(db: sqlite3.Connection, number: int, places: Places) -> None:
    """The searchable tables of an operation, as its text now has them."""
    for entry, day, memo, reverses, lines in places[11]:
        db.execute("UPDATE entry SET effective_on = ?, memo = ?, reverses_id = ? WHERE id = ?",
                   (day, memo, reverses, entry))  # fmt: skip
        for line, (account, amount) in enumerate(lines, start=1):
            db.execute("UPDATE posting SET account_id = ?, amount = ? WHERE entry_id = ? AND line = ?",
                       (account, amount, entry, line))  # fmt: skip
    db.execute("DELETE FROM record WHERE operation_id = ?", (number,))
    for line, row in enumerate(places[12], start=1):
        if row[0] == "record":
            columns = "operation_id, line, kind, ref, version, about, body"
            values = (number, line, *row[1:5], chain.canonical(row[5]))
            db.execute(f"INSERT INTO record ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        elif row[0] == "account":
            db.execute("UPDATE account SET holder = ?, floor = ?, ceiling = ? WHERE id = ?",
                       (row[5], row[8], row[9], row[1]))  # fmt: skip
            db.execute("UPDATE balance SET floor = ?, ceiling = ? WHERE account_id = ?", (row[8], row[9], row[1]))
        elif row[0] == "period_state":
            db.execute("UPDATE period_state SET state = ? WHERE period = ? AND operation_id = ?",
                       (row[2], row[1], number))  # fmt: skip


def _put_caches(db: sqlite3.Connection) -> None:
    """Balances and totals as the entries now come to."""
    side = "sum(CASE WHEN p.amount {} 0 THEN abs(p.amount) ELSE 0 END)"
    debit, credit = side.format(">"), side.format("<")
    db.execute(
        f"UPDATE balance SET (debit, credit) = (SELECT coalesce({debit}, 0), coalesce({credit}, 0) FROM posting p"
        " WHERE p.account_id = balance.account_id)"
    )
    db.execute("DELETE FROM balance_day")
    db.execute(
        "INSERT INTO balance_day (account_id, effective_on, debit, credit)"
        f" SELECT p.account_id, e.effective_on, {debit}, {credit}"
        " FROM posting p JOIN entry e ON e.id = p.entry_id GROUP BY p.account_id, e.effective_on"
    )
    db.execute("DELETE FROM control_total")
    for length in (7, 10):
        db.execute(
            "INSERT INTO control_total (span, gl_code, fund, currency, debit, credit)"
            f" SELECT substr(e.effective_on, 1, {length}), a.gl_code, a.fund, a.currency, {debit}, {credit}"
            " FROM posting p JOIN entry e ON e.id = p.entry_id JOIN account a ON a.id = p.account_id"
            " GROUP BY 1, 2, 3, 4"
        )
