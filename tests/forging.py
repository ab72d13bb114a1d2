"""Seals an operation that no rule of the bank has seen: hashes are good, entries balance, and `verify` decides."""

from __future__ import annotations

from coopbank.bank.bank import request_hash
from coopbank.clock import instant_text
from coopbank.ledger.posting import Draft, EntryDraft, Line, NewRecord, seal
from tests.support_bank import SmallBank


def forge(
    small: SmallBank, moves: list[tuple[str, str, int]] | None = None, rows: list[NewRecord] | None = None,
    **changes: object,
) -> None:  # fmt: skip
    """Seal moves (fund, leaf, amount) and rows; `changes` are set on the draft."""
    with small.bank.database.write() as tx:
        day = small.clock.today()
        lines = []
        for fund, code, amount in moves or []:
            gl_code, _slash, contract = code.partition("/")
            account = tx.value(
                "SELECT id FROM account WHERE fund = ? AND gl_code = ? AND contract = ?", fund, gl_code, contract
            )
            lines.append(Line(int(account), amount))
        draft = Draft(
            key="forged", kind="log-refusal", kind_version=1, actor="ana", approver=None, business_date=day,
            at=instant_text(small.clock.now()), request={"forged": True}, request_hash=b"",
            entries=[EntryDraft("forged", day, tuple(lines))] if lines else [], rows=list(rows or []),
        )  # fmt: skip
        for name, value in changes.items():
            setattr(draft, name, value)
        draft.request_hash = request_hash(draft.kind, draft.kind_version, draft.request)
        seal(tx, small.bank.book, draft)
