"""What the log must show of people: who agreed was allowed to, limits were kept, sign-ins were renewed as agreed.

Watched before the registers follow an operation: whoever agrees to their own leaving was still there. Three checks:

* `approvers`: who approved held a role that approves this kind of operation, and the power to approve at all; users and
  powers were changed by one person only while nobody else could have agreed.
* `limits`: nobody moved more than their role may move at all, alone, or in a day without a second person.
* `sign-ins`: a colleague's passphrase was replaced only where that was agreed, and was changed at its first use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from coopbank.bank import records
from coopbank.bank.groups import Part
from coopbank.bank.operation import CATALOGUE, role_may
from coopbank.bank.operation import Operation as Kind
from coopbank.bank.operations.staff import Approve, ResetSignIn, SetPassphrase, UsersChange
from coopbank.bank.replayed import Registers
from coopbank.errors import CoopbankError
from coopbank.ledger import periods
from coopbank.ledger.columns import Run
from coopbank.ledger.log import Log, Operation
from coopbank.money import format_amount, parse_amount

Body = dict[str, Any]
_MOVING = frozenset(
    name for name, cls in CATALOGUE.items()
    if not cls.internal and cls.subject != "staff" and "amount" in cls.model_fields
)  # fmt: skip
"""Kinds that ask for an amount, which a role's limits are about."""

_CHANGING_USERS = frozenset(name for name, cls in CATALOGUE.items() if issubclass(cls, UsersChange))


@dataclass
class PeopleProof:
    """What has passed so far."""

    state: Registers
    agreed: set[tuple[str, str]] = field(default_factory=set)  # kind and approver, rightly so
    limited: bool = False  # some role has limits
    day: str = ""  # the open day, and what people moved in it by themselves
    moved: dict[str, int] = field(default_factory=dict)
    have_passphrases: set[str] = field(default_factory=set)

    # ------------------------------------------------------------------- approvers

    def approvers(self, log: Log, operation: Operation) -> None:
        """Who approved was allowed to; who changed users alone was alone."""
        cls = CATALOGUE.get(operation.kind)
        if cls is None:
            return
        if issubclass(cls, Part):
            pass  # in the names of those who decided it, who may have left since: see group_proof.py
        elif operation.approver is not None:
            self._approver(log, operation, cls)
        elif issubclass(cls, UsersChange) and (others := self._others(operation, cls)):
            said = f"{operation.kind} was done by {operation.actor} alone, {min(others)} could have agreed"
            log.add("approvers", said, operation.number)
        if any(row[0] == "record" and row[1] in ("user", "role") for row in operation.rows):
            self.agreed.clear()
            self._note_limits(operation)

    def approvers_plain(self, log: Log, run: Run) -> None:
        """The same, of operations that write no rows."""
        for operation in run.by({did for did in run.people if did[2] is not None or did[0] in _CHANGING_USERS}):
            if (operation.kind, operation.approver) not in self.agreed:
                self.approvers(log, operation)

    def _approver(self, log: Log, operation: Operation, cls: type[Kind]) -> None:
        approver = str(operation.approver)
        if (operation.kind, approver) in self.agreed:
            return
        roles = self._roles(approver)
        if not set(roles) & set(cls.approvers):
            log.add("approvers", f"{approver} may not approve {operation.kind}", operation.number)
        elif not self._may(roles, Approve.name):
            log.add("approvers", f"{approver} had no power to approve", operation.number)
        else:
            self.agreed.add((operation.kind, approver))

    def _others(self, operation: Operation, cls: type[UsersChange]) -> list[str]:
        """Who else could have agreed."""
        excused = {operation.actor, operation.request.get("user") if cls is ResetSignIn else None}
        return [
            name for name, roles in self._active()
            if name not in excused and set(roles) & set(cls.approvers) and self._may(roles, Approve.name)
        ]  # fmt: skip

    def _active(self) -> Iterable[tuple[str, list[str]]]:
        for (kind, ref), body in self.state.records.items():
            if kind == records.User.kind and body.get("active", True):
                yield ref, body.get("roles", [])

    def _roles(self, user: str) -> list[str]:
        body = self.state.records.get((records.User.kind, user), {})
        return body.get("roles", []) if body.get("active", True) else []

    def _role(self, role: str) -> Body:
        return self.state.records.get((records.Role.kind, role), {})

    def _may(self, roles: Iterable[str], name: str) -> bool:
        held = ((role, self._role(role)) for role in roles)
        return any(role_may(role, body.get("operations", ()), body.get("edition", 1), name) for role, body in held)

    # ---------------------------------------------------------------------- limits

    def _note_limits(self, operation: Operation) -> None:
        """Limits count from the operation after the one that sets them."""
        self.limited = self.limited or any(
            row[0] == "record" and row[1] == records.Role.kind and {"alone", "most", "a_day"} & set(row[5])
            for row in operation.rows
        )

    def limits(self, log: Log, operation: Operation) -> None:
        """Nobody moved more than their roles allow."""
        for row in operation.rows:
            if row[0] == "period_state" and row[2] == periods.OPEN and len(row[1]) == len("2026-03-02"):
                self.day, self.moved = row[1], {}
        if self.limited and operation.kind in _MOVING:
            self._count(log, [operation])

    def limits_plain(self, log: Log, run: Run) -> None:
        """The same, of operations that write no rows."""
        if self.limited:  # and on the day on which a first limit is set, only what comes after it counts
            self._count(log, run.of(_MOVING))

    def _count(self, log: Log, operations: Iterable[Operation]) -> None:
        currency = str(self.state.records.get(("institution", "book"), {}).get("currency", "USD"))
        for operation in operations:
            amount = _asked(operation, currency)
            if amount is not None:
                self._within(log, operation, amount, currency)
            if operation.approver is None:
                amount = _largest(log, operation, currency) if amount is None else amount
                self.moved[operation.actor] = self.moved.get(operation.actor, 0) + amount

    def _within(self, log: Log, operation: Operation, amount: int, currency: str) -> None:
        held = [(role, self._role(role)) for role in self._roles(operation.actor)]
        allowing = [body for role, body in held
                    if role_may(role, body.get("operations", ()), body.get("edition", 1), operation.kind)]  # fmt: skip
        if not allowing:
            return  # `powers` says so
        for name, alone in (("most", False), ("alone", True)):
            if alone and operation.approver is not None:
                continue
            limit = _widest([body.get(name, {}).get(operation.kind) for body in allowing])
            if limit is not None and amount > limit:
                how = "alone" if alone else "at all"
                log.add("limits", f"{operation.actor} moved {format_amount(amount, currency)} by {operation.kind}, and"
                        f" may {how} {format_amount(limit, currency)}", operation.number)  # fmt: skip
        a_day = _widest([body.get("a_day") for body in allowing])
        total = self.moved.get(operation.actor, 0) + amount
        if operation.approver is None and a_day is not None and total > a_day:
            log.add("limits", f"{operation.actor} moved {format_amount(total, currency)} in a day, and may alone"
                    f" {format_amount(a_day, currency)}", operation.number)  # fmt: skip

    # -------------------------------------------------------------------- sign-ins

    def sign_ins(self, log: Log, operation: Operation) -> None:
        """A colleague's passphrase was replaced as agreed, and is changed at first use."""
        if operation.kind == "found-book":
            self.have_passphrases.add(str(operation.request.get("administrator", "admin")))
        if operation.kind != SetPassphrase.name:
            return
        user = str(operation.request.get("user"))
        had, body = user in self.have_passphrases, self.state.records.get((records.User.kind, user), {})
        self.have_passphrases.add(user)
        if user == operation.actor or operation.kind_version < 2:
            return
        reset = self.state.records.get((records.SignInReset.kind, user), {})
        wrote = {row[1]: row[5] for row in operation.rows if row[0] == "record" and row[2] == user}
        used = wrote.get(records.SignInReset.kind, {}).get("state") == "used"
        good = reset.get("state", "open") == "open" and reset.get("until", "") >= operation.business_date
        if (used and not good) or (had and not body.get("must_change") and not used):
            said = f"{operation.actor} set the passphrase of {user}, and nobody had agreed"
            log.add("sign-ins", said, operation.number)
        practice = ("policy", "demo_sign_ins") in self.state.records
        if not practice and not (wrote.get(records.User.kind) or body).get("must_change"):
            log.add("sign-ins", f"{user} goes on with a passphrase that {operation.actor} knows", operation.number)

    def sign_ins_plain(self, log: Log, run: Run) -> None:
        """The same, of operations that write no rows."""
        for operation in run.of((SetPassphrase.name,)):
            self.sign_ins(log, operation)


def _asked(operation: Operation, currency: str) -> int | None:
    """The amount that was asked for, in minor units."""
    text = operation.request.get("amount")
    try:
        return parse_amount(text, currency) if isinstance(text, str) else None
    except CoopbankError:
        return None


def _largest(log: Log, operation: Operation, currency: str) -> int:
    """Where the amount was left to the books: the largest line of money that was written."""
    lines = ((log.leaves.get(account), amount) for entry in operation.entries for account, amount in entry[4])
    return max((amount for leaf, amount in lines if leaf is not None and leaf.currency == currency), default=0)


def _widest(found: Sequence[Any]) -> int | None:
    """The widest of several roles' limits; None if one of them has none."""
    known = [each for each in found if type(each) is int]
    return max(known) if len(known) == len(found) else None
