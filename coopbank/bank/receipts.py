"""Receipts: what an operation wrote, in a form that every door can show.

The same shape serves the review before posting, the receipt after it, and the reprint
of an old one, which is drawn from the sealed rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coopbank.bank.operation import CATALOGUE, Effect, Receipt, ReceiptEntry, ReceiptLine
from coopbank.database import Transaction
from coopbank.errors import Unknown
from coopbank.ledger import chain
from coopbank.ledger.posting import Draft, Leaf, Sealed, made

if TYPE_CHECKING:
    from coopbank.bank.bank import Bank
    from coopbank.bank.desk import Desk


def done(bank: Bank, desk: Desk, draft: Draft, sealed: Sealed, title: str, *, reason: str | None = None) -> Receipt:
    """The receipt of what was just sealed; with a reason, that of a request that waits."""
    entries, effects = _shown(bank, desk.tx, draft, sealed.entries, sealed.leaves)
    return Receipt(
        status="pending" if reason else "done", number=sealed.number, kind=draft.kind, title=title,
        business_date=draft.business_date.isoformat(), at=draft.at, actor=draft.actor, approver=draft.approver,
        head=chain.short(sealed.hash), request=desk.created[-1] if reason else None, reason=reason,
        notes=tuple(desk.notes), created=tuple(desk.created),
        entries=entries, effects=effects, wishes=tuple(desk.wishes),
    )  # fmt: skip


def preview(
    bank: Bank, tx: Transaction, desk: Desk, draft: Draft, leaves: dict[int, Leaf], title: str, reason: str | None
) -> Receipt:
    """What would be written."""
    entries, effects = _shown(bank, tx, draft, (), leaves)
    return Receipt(
        status="preview", number=0, kind=draft.kind, title=title, business_date=desk.business_day.isoformat(),
        at=draft.at, actor=draft.actor, approver=None, head="", reason=reason, notes=tuple(desk.notes),
        created=tuple(desk.created), entries=entries,
        effects=effects, wishes=tuple(desk.wishes),
    )  # fmt: skip


def _shown(
    bank: Bank, tx: Transaction, draft: Draft, numbers: tuple[int, ...], leaves: dict[int, Leaf]
) -> tuple[tuple[ReceiptEntry, ...], tuple[Effect, ...]]:
    """The entries line by line, and what they do to each leaf."""
    after: dict[int, Effect] = {}
    named = bank.control_name
    entries = []
    for i, entry in enumerate(draft.entries):
        lines = []
        for account, amount in entry.lines:
            found = after.get(account)
            if found is None:
                _id, gl_code, fund, contract, currency, _floor, _ceiling, before = leaves[account]
                code, name, now = f"{gl_code}/{contract}" if contract else gl_code, named(tx, gl_code), before
            else:
                fund, code, name, currency, before, now = found
            lines.append(made(ReceiptLine, (fund, code, name, amount, currency)))
            after[account] = made(Effect, (fund, code, name, currency, before, now + amount))
        number = numbers[i] if numbers else 0
        entries.append(ReceiptEntry(number, entry.memo, entry.effective_on.isoformat(), tuple(lines)))
    return tuple(entries), tuple(after.values())


def of_operation(bank: Bank, tx: Transaction, number: int, status: str) -> Receipt:
    """The receipt of an operation of any age."""
    row = tx.row(
        "SELECT kind, business_date, at, actor, approver, hash, first_entry, entry_count FROM operation WHERE id = ?",
        number,
    )
    if row is None:
        raise Unknown("There is no operation {number}.", field="operation", number=number)
    kind, business_date, at, actor, approver, hash_, first, count = row
    cls = CATALOGUE.get(kind)
    entries = tuple(_stored_entry(bank, tx, n) for n in range(first, first + count))
    created = tx.rows("SELECT ref FROM record WHERE operation_id = ? AND version = 1 ORDER BY line", number)
    request = next((r for (r,) in created if kind == "ask"), None)
    return Receipt(
        status="pending" if request and status == "done" else status, number=number, kind=kind,
        title=cls.title if cls else kind, business_date=business_date, at=at, actor=actor, approver=approver,
        head=chain.short(hash_), request=request, created=tuple(r for (r,) in created), entries=entries,
        effects=_stored_effects(bank, tx, first, first + count),
    )  # fmt: skip


def _stored_entry(bank: Bank, tx: Transaction, number: int) -> ReceiptEntry:
    memo, effective_on = tx.row("SELECT memo, effective_on FROM entry WHERE id = ?", number) or ("", "")
    lines = tx.rows(
        "SELECT a.fund, a.gl_code, a.contract, p.amount, a.currency FROM posting p"
        " JOIN account a ON a.id = p.account_id WHERE p.entry_id = ? ORDER BY p.line",
        number,
    )
    return ReceiptEntry(
        number, memo, effective_on,
        tuple(
            ReceiptLine(fund, f"{gl}/{contract}" if contract else gl, bank.control_name(tx, gl), amount, currency)
            for fund, gl, contract, amount, currency in lines
        ),
    )  # fmt: skip


def _stored_effects(bank: Bank, tx: Transaction, first: int, end: int) -> tuple[Effect, ...]:
    touched = tx.rows(
        "SELECT a.id, a.fund, a.gl_code, a.contract, a.currency, sum(p.amount), min(p.entry_id * 1000 + p.line)"
        " FROM posting p JOIN account a ON a.id = p.account_id WHERE p.entry_id >= ? AND p.entry_id < ?"
        " GROUP BY a.id, a.fund, a.gl_code, a.contract, a.currency ORDER BY 7",
        first, end,
    )  # fmt: skip
    found = []
    for account, fund, gl, contract, currency, moved, _order in touched:
        before = int(
            tx.value(
                "SELECT coalesce(sum(amount), 0) FROM posting WHERE account_id = ? AND entry_id < ?", account, first
            )
        )
        code = f"{gl}/{contract}" if contract else gl
        found.append(Effect(fund, code, bank.control_name(tx, gl), currency, before, before + int(moved)))
    return tuple(found)
