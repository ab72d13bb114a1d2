"""Receipts in both forms: aligned lines for people, one document for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from coopbank.cli import output
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.bank.operation import Receipt, ReceiptEntry, ReceiptLine


def as_document(receipt: Receipt) -> dict[str, Any]:
    """The receipt as JSON; amounts are decimal texts, debit positive."""
    return {
        "status": receipt.status,
        "number": receipt.number or None,
        "operation": receipt.kind,
        "title": receipt.title,
        "business_date": receipt.business_date,
        "at": receipt.at,
        "actor": receipt.actor,
        "approver": receipt.approver,
        "request": receipt.request,
        "reason": receipt.reason,
        "created": list(receipt.created),
        "notes": [{"label": label, "value": value} for label, value in receipt.notes],
        "entries": [_entry(entry) for entry in receipt.entries],
        "effects": [
            {
                "fund": effect.fund, "account": effect.code, "name": effect.name, "currency": effect.currency,
                "before": output.exact(effect.before, effect.currency),
                "after": output.exact(effect.after, effect.currency),
            }
            for effect in receipt.effects
        ],
        "wishes": list(receipt.wishes),
        "head": {"number": receipt.number, "hash": receipt.head} if receipt.head else None,
        "then": [as_document(each) for each in receipt.then],
    }  # fmt: skip


def all_as_document(receipts: Sequence[Receipt]) -> dict[str, Any]:
    """The receipts of a list of operations as one document."""
    found = [as_document(receipt) for receipt in receipts]
    statuses = {receipt.status for receipt in receipts}
    status = next((each for each in ("preview", "pending", "done", "repeated") if each in statuses), "done")
    head = next((each["head"] for each in reversed(found) if each["head"]), None)
    return {"status": status, "receipts": found, "head": head}


def _entry(entry: ReceiptEntry) -> dict[str, Any]:
    lines = [
        {
            "fund": line.fund, "account": line.code, "name": line.name,
            "amount": output.exact(line.amount, line.currency), "currency": line.currency,
        }
        for line in entry.lines
    ]  # fmt: skip
    return {"number": entry.number or None, "effective_on": entry.effective_on, "memo": entry.memo, "lines": lines}


# ----------------------------------------------------------------------------- for people


def show(receipt: Receipt) -> None:
    """A receipt as lines."""
    output.line(_heading(receipt))
    output.pairs(_facts(receipt))
    for entry in receipt.entries:
        output.line()
        number = _("Entry {number}").format(number=entry.number) if entry.number else _("Entry")
        output.line(f"{number}  {entry.effective_on}  {entry.memo}")
        show_lines(entry.lines)
    for each in receipt.then:
        output.line()
        show(each)


def show_lines(lines: Sequence[ReceiptLine]) -> None:
    """The lines of an entry, debits and credits in their columns."""
    columns = [_("Fund"), _("Account"), _("Name"), output.right(_("Debit")), output.right(_("Credit"))]
    several = len({line.currency for line in lines}) > 1
    rows = [
        [
            line.fund,
            line.code,
            _(line.name),
            *output.sides(line.amount, line.currency),
            *([line.currency] if several else []),
        ]
        for line in lines
    ]
    output.table([*columns, *([""] if several else [])], rows)


def _heading(receipt: Receipt) -> str:
    words = {
        "done": _("Done: {title}, operation {number}"),
        "pending": _("Waits for a second person: {title}, operation {number}"),
        "repeated": _("Done before and not again: {title}, operation {number}"),
        "preview": _("Would be done: {title}. Nothing was changed."),
    }
    return words.get(receipt.status, "{title}").format(title=_(receipt.title), number=receipt.number)


def _facts(receipt: Receipt) -> Iterator[tuple[str, object]]:
    yield _("Business date"), receipt.business_date
    yield _("By"), receipt.actor
    yield _("Approved by"), receipt.approver
    yield _("Request"), receipt.request
    yield _("Reason"), _(receipt.reason or "")
    if receipt.request:
        yield _("To approve"), f"coopbank --as USER approve {receipt.request}"
    shown = {value for _label, value in receipt.notes}
    yield from ((_(label), value) for label, value in receipt.notes)
    made = [each for each in receipt.created if each not in shown and each != receipt.request]
    yield _("Made"), ", ".join(made)
    if receipt.head:
        yield _("Head of the chain"), f"{receipt.number} {receipt.head}"
