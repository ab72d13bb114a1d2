"""What verify proves of personal values: what is kept beside the chain is what was sealed as a digest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from coopbank.bank import records
from coopbank.bank.books import opened
from coopbank.bank.desk import fold
from coopbank.bank.operations.forgetting import faults as forgetting_faults
from coopbank.bank.replayed import Registers
from coopbank.database import Transaction
from coopbank.ledger import chain
from coopbank.ledger.log import Finding, Log, show

if TYPE_CHECKING:
    from coopbank.bank.keyring import Keyring


def personal_faults(state: Registers, _log: Log, tx: Transaction, keys: Keyring | None) -> Iterator[Finding]:
    """What is kept is what was sealed; and what was sealed is kept, or was forgotten by two people."""
    yield from (Finding("personal", fault, number) for number, fault in forgetting_faults(state.records, tx))
    yield from _misnamed(tx)
    yield from _taken_away(tx)
    for digest, operation, name, salt, value in tx.stream(
        "SELECT digest, operation_id, field, salt, value FROM personal WHERE salt IS NOT NULL ORDER BY operation_id"
    ):
        if not salt and str(value).startswith(records.SEALED):
            if keys is None:
                continue  # `encrypted` counts them
            salt, value = opened(keys, salt, str(value))
            if not salt:
                yield Finding("personal", f"the {name} that was sealed cannot be decrypted any more", operation)
                continue
        if value is None or chain.salted(bytes(salt), value) != digest:
            yield Finding("personal", f"the {name} that was sealed is another", operation)


# Kinds of personal values that stand in a text in lists, thousands of them perhaps, or that the bank itself named.
_UNDER_OTHER_NAMES = ("receipt", "document_file", "document_figures", "register_value", "bank_text", "bank_reference")


def _misnamed(tx: Transaction) -> Iterator[Finding]:
    """Values are looked for by what they are; a text names each as it is kept."""
    find = "instr" if tx.dialect == "sqlite" else "strpos"
    marks = ", ".join("?" * len(_UNDER_OTHER_NAMES))
    for number, name in tx.rows(
        "SELECT p.operation_id, p.field FROM personal p JOIN operation o ON o.id = p.operation_id"
        f" WHERE CASE WHEN p.field IN ({marks}) THEN 1"  # those are not looked for at all
        f""" ELSE {find}(o.sealed, '"' || p.field || '":{{"#":"' || p.digest || '"') END = 0 ORDER BY p.operation_id""",
        *_UNDER_OTHER_NAMES,
    ):
        yield Finding("personal", f"a value is kept as {show(name)}, and its operation calls it otherwise", number)


_SEALED_DIGEST = re.compile(r'\{"#":"([0-9a-f]{64})"\}')
_ASKED_AT_ONCE = 500


def _taken_away(tx: Transaction) -> Iterator[Finding]:
    """A value that is forgotten leaves its row; every digest in a text has one, or somebody took it away by hand."""
    named: dict[str, int] = {}  # and by which operation first
    # LIKE takes a quarter of the time that instr() does, and the text of a plain deposit has none.
    for number, text in tx.stream("SELECT id, sealed FROM operation WHERE sealed LIKE ? ORDER BY id", '%{"#":"%'):
        for digest in _SEALED_DIGEST.findall(text):
            named.setdefault(digest, int(number))
            if len(named) == _ASKED_AT_ONCE:
                yield from _not_kept(tx, named)
                named.clear()
    if named:
        yield from _not_kept(tx, named)


def _not_kept(tx: Transaction, named: dict[str, int]) -> Iterator[Finding]:
    marks = ", ".join("?" * len(named))
    kept = {digest for (digest,) in tx.rows(f"SELECT digest FROM personal WHERE digest IN ({marks})", *named)}
    for number in sorted({number for digest, number in named.items() if digest not in kept}):
        yield Finding("personal", "a personal value that was sealed was taken away, row and all", number)


def encrypted_faults(tx: Transaction) -> Iterator[Finding]:
    """How many values only who has signed in can compare."""
    count = tx.value(
        "SELECT count(*) FROM personal WHERE length(salt) = 0 AND value LIKE ?", records.SEALED + "%"
    )  # fmt: skip
    if count:
        yield Finding("encrypted", f"not compared with what was sealed: {count}")


def directory_faults(state: Registers, _log: Log, tx: Transaction) -> Iterator[Finding]:
    """The find box lists the members as they are."""
    listed = {
        member: (name, folded, phone)
        for member, name, folded, phone in tx.stream("SELECT member, name, folded, phone FROM directory")
    }
    values = dict(tx.rows("SELECT digest, value FROM personal WHERE field IN ('member_name', 'phone')"))
    for ref, body in state.latest("member"):
        made_by = state.made_by["member", ref]
        if body.get("forgotten_on") and ref in listed:
            yield Finding("directory", f"{ref} was forgotten and is listed", made_by)
        name, phone = values.get(body["name"]["#"]), body.get("phone")
        if name is None:
            continue
        if listed.get(ref, ("", ""))[:2] != (name, fold(name)):
            yield Finding("directory", f"member {ref} is listed under another name", made_by)
        elif listed[ref][2] != "".join(c for c in (values.get(phone["#"]) if phone else None) or "" if c.isdigit()):
            yield Finding("directory", f"member {ref} is listed with another telephone", made_by)
