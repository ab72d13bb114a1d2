"""The open books as the counter holds them: the bank, and who acts.

Everything here runs in a worker's thread. What goes back to the screens is frozen.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from coopbank.bank import limits, records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor, Books
from coopbank.bank.fields import book_currency
from coopbank.bank.operation import CATALOGUE, Operation, Receipt
from coopbank.bank.replicas import open_replica, stands
from coopbank.clock import Clock
from coopbank.database import Database
from coopbank.errors import DatabaseUnusable
from coopbank.tui.reading import open_reading
from coopbank.words import set_institution_kind, translate

T = TypeVar("T")

PRACTICE_POLICY = "demo_sign_ins"
"""The policy that marks books as practice; its text says who can sign in."""


@dataclass(frozen=True, slots=True)
class Welcome:
    """What the sign-in screen shows of the books before anybody is signed in."""

    institution: str
    institution_kind: str
    currency: str
    practice: str | None
    head_number: int
    head_hash: str
    last_close: str | None


@dataclass(frozen=True, slots=True)
class Power:
    """An operation that the actor may do."""

    name: str
    title: str
    subject: str
    says: str


class Session:
    """One bank, open, and the person at its counter."""

    def __init__(
        self, place: str, *, clock: Clock | None = None, read_only: bool = False, read_place: str | None = None
    ) -> None:
        self.place = place
        self.read_only = read_only
        self.reading = open_reading(place) if read_only else None
        try:
            self.bank = Bank.open(self.reading.place if self.reading else place, read_only=read_only, clock=clock)
        except BaseException:
            self._forget_reading()
            raise
        self.actor = Actor("", ())
        self.powers: tuple[Power, ...] = ()
        self.must_begin_code = False  # before anything else
        self.replica: Database | None = None
        with self.bank.database.closed_on_failure():
            self.welcome = self._look()
            if read_place is not None and "://" in place:
                self.replica = open_replica(self.bank.database, read_place)

    def answer(self, question: Callable[[Session], T]) -> T:
        """Run a question in this thread, in the book's own currency and words."""
        book_currency.set(self.currency)
        set_institution_kind(self.welcome.institution_kind)
        return question(self)

    @property
    def currency(self) -> str:
        """The book's currency."""
        return self.bank.institution.currency

    @property
    def practice(self) -> bool:
        """Whether these books are for practice, where nothing counts."""
        return self.welcome.practice is not None

    @property
    def guided(self) -> bool:
        """Whether this is the practice bank, whose people the guide names; a demonstration has others."""
        return (self.welcome.practice or "").startswith("pat ")

    def sign_in(self, user: str, passphrase: str, code: str | None = None) -> tuple[Power, ...]:
        """Who acts from now on; the books seal that they signed in. `code` is a one-time code, where they have them."""
        self.actor = self.bank.sign_in(user, passphrase, code)
        return self.look_up_powers()

    def set_passphrase(self, user: str, words: str) -> str | None:
        """One's own passphrase, or a colleague's, who then chooses another when they sign in.

        The number of the request, where a second person has to agree first.
        """
        waits = self.bank.set_passphrase(self.actor, user, words)
        self.look_up_powers()
        return None if waits is None else waits.request

    def new_code(self) -> tuple[str, str]:
        """A secret for one-time codes that nobody has yet, and the address that an authenticator reads."""
        from coopbank.bank import codes

        secret = codes.new_secret(secrets.token_bytes)
        return secret, codes.address(secret, self.actor.user, self.welcome.institution)

    def begin_codes(self, secret: str, code: str) -> None:
        """The actor signs in with codes from now on, if this is the first of them."""
        from coopbank.bank import codes

        codes.require_first(secret, code, self.bank.clock.now())
        self.bank.set_code(self.actor, self.actor.user, secret)
        self.look_up_powers()

    def sign_out(self) -> None:
        """Nobody acts any more."""
        self.actor, self.powers = Actor("", ()), ()
        self.bank.close_keys()

    def look_up_powers(self) -> tuple[Power, ...]:
        """What the actor may do now: of their roles, and of this kind of institution."""
        with self.bank.read() as books:
            now = books.user(self.actor.user)
            self.actor = now or Actor(self.actor.user, ())
            self.powers = _powers(books, self.actor, self.bank.institution.institution_kind)
            self.must_begin_code = self.bank.must_begin_code(books, self.actor)
        return self.powers

    def may(self, name: str) -> bool:
        """Whether the actor may do that operation."""
        return any(power.name == name for power in self.powers)

    def preview(self, name: str, values: dict[str, object]) -> tuple[Operation, Receipt]:
        """The operation of these values, and what it would write."""
        operation = self.bank.build(name, values)
        return operation, self.bank.preview(self.actor, operation)

    def perform(self, operation: Operation, key: str) -> Receipt:
        """Do it, once for this key."""
        return self.bank.perform(self.actor, operation, key=key)

    def read_at_length(self, question: Callable[[Bank], T]) -> T:
        """Ask what takes long: at the replica if it has all that the server has, else where everything is read.

        So nobody at a counter is shown books without what they have just done, and a replica that is gone, behind or
        interrupted costs a moment and never a report.
        """
        if self.replica is not None:
            try:
                if stands(self.bank.database, self.replica).is_level:
                    return question(self.bank.read_at(self.replica))
            except DatabaseUnusable:
                pass  # if it is the server that is gone, it says so itself
        return question(self.bank)

    def close(self) -> None:
        """Give the connections back."""
        if self.replica is not None:
            self.replica.close()
        self.bank.close()
        self._forget_reading()

    def _forget_reading(self) -> None:
        if self.reading is not None:
            self.reading.close()

    def _look(self) -> Welcome:
        institution = self.bank.institution
        with self.bank.read() as books:
            practice = books.policy(PRACTICE_POLICY)
            closed = books.tx.value("SELECT max(ref) FROM record WHERE kind = ?", records.DayClose.kind)
            number, hash_ = books.tx.row("SELECT id, hash FROM operation ORDER BY id DESC LIMIT 1") or (0, b"")
        return Welcome(
            institution.name, institution.institution_kind, institution.currency,
            None if practice is None else str(practice), int(number), bytes(hash_).hex()[:16], closed,
        )  # fmt: skip


def _powers(books: Books, actor: Actor, institution_kind: str) -> tuple[Power, ...]:
    held = {power for name, role in limits.held_roles(books, actor.roles) for power in limits.powers(name, role)}
    return tuple(
        Power(name, translate(cls.title), cls.subject, translate(says(cls)))
        for name, cls in CATALOGUE.items()
        if name in held and not cls.internal and institution_kind in cls.offered_by
    )


def says(cls: type[Operation]) -> str:
    """The docstring of an operation as one paragraph: what its form says on top."""
    return " ".join((cls.__doc__ or "").split())
