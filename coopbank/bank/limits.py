"""Limits of roles: what a person may move by themselves, at once and in a day, as the records of roles say it."""

from __future__ import annotations

from typing import Final, NamedTuple

from coopbank.bank import records
from coopbank.bank.books import PEOPLE, Books, loads
from coopbank.bank.desk import Desk
from coopbank.bank.operation import CATALOGUE, Operation, powers_of, role_may
from coopbank.errors import LimitReached
from coopbank.ledger import periods
from coopbank.money import format_amount, parse_amount

_ONCE: Final = "More than {limit} of this takes two people."
_DAY: Final = "With this, {user} moves more than {limit} today, and that takes two people."


def held_roles(books: Books, roles: tuple[str, ...]) -> list[tuple[str, records.Role]]:
    """The records of these roles, by name; read once for the books of an operation, which asks three times."""
    held = books.held_roles.get(roles)
    if held is None:
        held = [(name, role) for name in roles if (role := books.find(records.Role, name)) is not None]
        books.held_roles[roles] = held
    return held


def powers(name: str, role: records.Role) -> frozenset[str]:
    """The operations that a role may do."""
    return powers_of(name, role.operations, role.edition)


def may(books: Books, roles: tuple[str, ...], operation: str) -> bool:
    """Whether one of these roles holds the power to do it."""
    return any(role_may(name, role.operations, role.edition, operation) for name, role in held_roles(books, roles))


class _Limits(NamedTuple):
    """What somebody may move of one kind at all, alone, and alone in a day; None where a role has no limit."""

    most: int | None = None
    alone: int | None = None
    a_day: int | None = None


def _limits(desk: Desk, operation: Operation) -> _Limits:
    """The limits of those of the actor's roles that may do it; the role that reaches furthest counts."""
    roles, name = desk.actor.roles, operation.name
    return desk.once(PEOPLE, ("limits", roles, name), lambda: _limits_of([
        role for role_name, role in held_roles(desk, roles) if role_may(role_name, role.operations, role.edition, name)
    ], name))  # fmt: skip


def _limits_of(allowing: list[records.Role], name: str) -> _Limits:
    return _Limits(
        _furthest([role.most.get(name) for role in allowing]), _furthest([role.alone.get(name) for role in allowing]),
        _furthest([role.a_day for role in allowing]),
    )  # fmt: skip


def _furthest(limits: list[int | None]) -> int | None:
    """The largest, unless one has none; nor has nobody."""
    known = [limit for limit in limits if limit is not None]
    return max(known) if known and len(known) == len(limits) else None


def require_within(desk: Desk, operation: Operation) -> None:
    """Refuse an amount that none of the actor's roles may move at all."""
    amount = operation.moves(desk)
    if amount is None:
        return
    most = _limits(desk, operation).most
    if most is not None and amount > most:
        raise LimitReached(
            "{user} may do this up to {limit}, not {amount}.", field="amount", user=desk.actor.user,
            limit=format_amount(most, desk.currency), amount=format_amount(amount, desk.currency),
            hint="Ask a colleague whose role reaches further.",
        )  # fmt: skip


def second_reason(desk: Desk, operation: Operation) -> str | None:
    """Why an amount takes a second person: more than the role does alone at once, or in a day."""
    amount = operation.moves(desk)
    if amount is None:
        return None
    _most, alone, a_day = _limits(desk, operation)
    if alone is not None and amount > alone:
        return _ONCE.format(limit=format_amount(alone, desk.currency))
    if a_day is not None and moved_today(desk, desk.actor.user) + amount > a_day:
        return _DAY.format(user=desk.actor.user, limit=format_amount(a_day, desk.currency))
    return None


def moved_today(books: Desk, user: str) -> int:
    """What a person has moved by themselves on the open day, by the amounts that they asked for; minor units.

    Where they left the amount to the books ("all that is left", a redemption as it was accepted), it is the largest
    line that was written.
    """
    day = periods.open_day(books.tx)
    if day is None:
        return 0
    opened = books.tx.value(
        "SELECT max(operation_id) FROM period_state WHERE period = ? AND state = ?", day.isoformat(), periods.OPEN
    )
    total = 0
    for number, kind, text in books.tx.rows(
        "SELECT id, kind, sealed FROM operation WHERE id > ? AND actor = ? AND approver IS NULL", int(opened or 0), user
    ):
        cls = CATALOGUE.get(kind)
        if cls is not None and not cls.internal and cls.subject != "staff" and _has_amount(cls):
            asked = loads(text)[10].get("amount")
            total += parse_amount(asked, books.currency) if isinstance(asked, str) else _largest(books, number)
    return total


def _has_amount(cls: type[Operation]) -> bool:
    """Whether its amount is limited: the one that is asked for, or one that it finds in the books."""
    return "amount" in cls.model_fields or cls.moves is not Operation.moves


def _largest(books: Desk, number: int) -> int:
    found = books.tx.value(
        "SELECT max(p.amount) FROM entry e JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id"
        " WHERE e.operation_id = ? AND a.currency = ?", number, books.currency,
    )  # fmt: skip
    return int(found or 0)
