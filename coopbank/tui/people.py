"""Who works here and what the bank decided for itself, as the counter asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coopbank.bank import limits, records
from coopbank.bank.operation import CATALOGUE
from coopbank.bank.policies import LATER_POLICIES, POLICIES
from coopbank.words import _, translate

if TYPE_CHECKING:
    from coopbank.tui.session import Session


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works at the counter. `may` is a list of titles for each role."""

    user: str
    full_name: str
    roles: tuple[str, ...]
    member: str | None
    member_name: str
    active: bool
    may: tuple[tuple[str, tuple[str, ...]], ...]
    signed_in: str | None  # the instant of the last sign-in


def people(session: Session) -> tuple[Person, ...]:
    """Everybody who works here; who left comes last."""
    with session.bank.read() as books:
        titles = {ref: _titles(ref, role) for ref, role in books.every(records.Role)}
        last = dict(books.tx.rows("SELECT actor, max(at) FROM operation WHERE kind = 'sign-in' GROUP BY actor"))
        found = [
            Person(
                ref, books.personal(user.full_name), tuple(user.roles), user.member,
                books.member_name(user.member) if user.member else "", user.active,
                tuple((role, titles.get(role, ())) for role in user.roles), last.get(ref),
            )
            for ref, user in books.every(records.User)
        ]  # fmt: skip
    return tuple(sorted(found, key=lambda each: (not each.active, each.user)))


def _titles(name: str, role: records.Role) -> tuple[str, ...]:
    known = (CATALOGUE.get(power) for power in limits.powers(name, role))
    return tuple(sorted(translate(cls.title) for cls in known if cls is not None and not cls.internal))


@dataclass(frozen=True, slots=True)
class Rule:
    """A policy of the bank, in words."""

    name: str
    title: str
    value: str
    says: str
    since: str
    by: str


def rules(session: Session) -> tuple[Rule, ...]:
    """What the bank decided for itself, and who decided it when; what holds until it decides otherwise."""
    with session.bank.read() as books:
        decided = {
            ref: (day, actor)
            for ref, day, actor in books.tx.rows(
                "SELECT r.ref, o.business_date, o.actor FROM record r JOIN operation o ON o.id = r.operation_id"
                " WHERE r.kind = ? ORDER BY r.operation_id",
                records.Policy.kind,
            )
        }
        values = {**LATER_POLICIES, **{ref: policy.value for ref, policy in books.every(records.Policy)}}
        return tuple(
            Rule(
                ref,
                translate(known.title),
                _shown(ref, values[ref]),
                translate(known.says),
                *decided.get(ref, ("", "")),
            )
            for ref, known in POLICIES.items()
            if ref in values
        )


def _shown(policy: str, value: Any) -> str:
    text = str(value)
    if policy == "logo" and text:
        return _("a picture of {size} bytes").format(size=len(text) * 3 // 4)
    return text if text.strip() else _("not set")
