"""The registers as the log has them so far: what every proof of the bank stands on.

Verify brings them forward with each operation that passes; the proofs beside it only read them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from coopbank.bank.operation import CATALOGUE
from coopbank.ledger.columns import Did
from coopbank.ledger.log import Log


@dataclass
class Registers:
    """What the log has said so far, as a bank reads it."""

    balances: dict[int, int] = field(default_factory=lambda: defaultdict(int))  # by leaf, minor units, debit +
    sums: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))  # by fund and control account
    records: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)  # latest body
    ways: dict[int, tuple[tuple[str, str], str | None]] = field(default_factory=dict)  # by leaf, see `_way`
    made_by: dict[tuple[str, str], int] = field(default_factory=dict)  # operation of the latest body
    approvals: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)  # request: approver, request body
    filed: dict[tuple[str, int, int], str] = field(default_factory=dict)  # report of loan, period, version: by whom
    on_accounts: dict[str, dict[str, str]] = field(default_factory=dict)  # member: who stands on their accounts
    known: set[Did] = field(default_factory=set)  # kind, actor, approver: rightly so, for anyone
    by_two: set[str] = field(
        default_factory=lambda: {name for name, cls in CATALOGUE.items() if cls.second_person} | {"approve"}
    )  # kinds that one person may not do
    opening_closed: bool = False
    opening_loading: bool = False  # balances of old records are coming in, batch by batch

    def leaf_balances(self, log: Log, *controls: str) -> dict[tuple[str, str, str], int]:
        """Balances of the leaves of some control accounts, by control, fund and contract."""
        return {
            (leaf.gl_code, leaf.fund, leaf.contract): self.balances.get(account, 0)
            for account, leaf in log.leaves.items()
            if leaf.gl_code in controls
        }

    def latest(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Refs and bodies of a kind; what was reversed at its making is left out."""
        for (k, ref), body in self.records.items():
            if k == kind and not body.get("void"):
                yield ref, body
