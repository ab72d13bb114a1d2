"""Who signs in with a one-time code, and who of those that should does not yet.

The policy `codes_required_for` names roles. It takes hold with the first code that somebody of these roles begins, in
a bank where more than one person works: from then on the others of these roles may sign in without a code only to
begin theirs. So scripts that sign in by passphrase go on until the bank itself begins with codes, nobody is asked for
what cannot be had before there is a key, and one person alone is warned and not hindered. Who has none is told all
the while: on the home screen, by `users` and by `audit`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from coopbank.bank import records
from coopbank.bank.books import PEOPLE, Books
from coopbank.bank.operation import ADMINISTRATOR, TREASURER
from coopbank.words import _

CODES_POLICY: Final = "codes_required_for"
CODES_DEFAULT: Final = f"{ADMINISTRATOR}, {TREASURER}"
"""What books say that are made now; older ones ask nobody until they decide otherwise."""


TOLD_DAYS: Final = 30
"""For so long a person is told at each sign-in what colleagues did to it: longer than whoever hid it would like."""
_MOST_TOLD: Final = 5


@dataclass(frozen=True, slots=True)
class Codes:
    """Active users of the roles that the policy names, by whether they have codes. `asked`: it has taken hold."""

    having: tuple[str, ...]
    lacking: tuple[str, ...]
    asked: bool


def roles_with_codes(value: Any) -> frozenset[str]:
    """The roles that the policy's value names."""
    return frozenset(part.strip() for part in str(value or "").split(",") if part.strip())


def named(books: Books, roles: Iterable[str]) -> bool:
    """Whether the policy names one of these roles."""
    return not _wanted(books).isdisjoint(roles)


def _wanted(books: Books) -> frozenset[str]:
    return roles_with_codes(books.policy(CODES_POLICY, ""))


def codes_of(books: Books) -> Codes:
    """How far the bank has come with one-time codes."""
    return books.once(PEOPLE, ("codes",), lambda: _codes_of(books, _wanted(books)))


def _codes_of(books: Books, wanted: frozenset[str]) -> Codes:
    people = [(name, user) for name, user in books.every(records.User) if user.active]
    meant = [(name, user) for name, user in people if wanted & set(user.roles)]
    having = tuple(name for name, user in meant if user.one_time_code)
    lacking = tuple(name for name, user in meant if not user.one_time_code)
    return Codes(having, lacking, asked=bool(having) and len(people) > 1)


def must_begin(books: Books, user: str, roles: Iterable[str]) -> bool:
    """Whether a user may sign in only to begin their codes."""
    if not named(books, roles):
        return False
    found = codes_of(books)
    return found.asked and user in found.lacking


def told(books: Books, user: str) -> tuple[str, ...]:
    """What colleagues did to a user's sign-in in the last days, in words, the latest first."""
    since = ((books.business_date() or date.max) - timedelta(days=TOLD_DAYS)).isoformat()
    found = []
    for text, kind, actor, day in books.tx.rows(
        "SELECT r.body, o.kind, o.actor, o.business_date FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.kind = ? AND r.ref = ? ORDER BY r.version DESC LIMIT ?",
        records.SignInReset.kind, user, _MOST_TOLD,
    ):  # fmt: skip
        reset = records.SignInReset.model_validate_json(text)
        agreed = _("and {user} agreed").format(user=reset.agreed_by) if reset.agreed_by else _("alone")
        if kind == "set-passphrase":
            did = _("{day}: {user} set a new passphrase for you, {agreed}.")
        elif reset.codes:
            did = _("{day}: {user} ended your one-time codes, {agreed}.")
        else:
            continue
        if day >= since:
            found.append(did.format(day=day, user=actor, agreed=agreed))
    return tuple(found)
