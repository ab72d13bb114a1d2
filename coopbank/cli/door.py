"""The door: which books, who acts, and how to answer; what every command is given.

Reading needs no sign-in on SQLite, where whoever can read the file can read it, and the
file is opened read-only. On PostgreSQL, and for everything that writes, somebody signs
in: `--as` with COOPBANK_PASSPHRASE, with a sign-in kept by `coopbank login`, or with the
passphrase typed at the terminal; without `--as`, the kept sign-in of these books.

The modules that know the bank take a while to load, so each method loads what it needs.
"""

from __future__ import annotations

import getpass
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from coopbank.cli import output, state
from coopbank.errors import (
    CodeWanted,
    CoopbankError,
    DatabaseBusy,
    DatabaseMissing,
    DatabaseUnusable,
    NotABook,
    SignInRefused,
    WrongUsage,
)
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.bank.bank import Bank
    from coopbank.bank.books import Actor, Books
    from coopbank.bank.keyring import Keyring
    from coopbank.database import Database

DEFAULT_PLACE = "ledger.db"
_URL = "postgresql+psycopg://"


@dataclass
class View:
    """Books being read: one consistent view."""

    books: Books
    database: Database
    currency: str

    @property
    def business_date(self) -> date:
        """The day that the bank stands at."""
        found = self.books.business_date()
        assert found is not None, "books have an operation, and an operation has a day"
        return found


@dataclass
class Door:
    """One run of the program."""

    place: str = DEFAULT_PLACE
    user: str | None = None
    as_json: bool = False
    read_place: str | None = None  # a replica of the server, to read from

    # ------------------------------------------------------------------ opening

    @contextmanager
    def reading(self) -> Iterator[View]:
        """The books, to read them."""
        if self._is_url:
            with self._signed_in_view() as view:
                yield view
            return
        database = self.database_to_read()
        try:
            with self._view(database) as view:
                yield view
        finally:
            database.close()

    def database_to_read(self) -> Database:
        """The database itself, read-only; the caller closes it."""
        from coopbank.database import Database

        self.require_file()
        return Database.open(self.place, read_only=True)

    @contextmanager
    def _signed_in_view(self) -> Iterator[View]:
        with self.bank() as bank:
            self.actor(bank)
            with self.to_read(bank) as database, self._view(database) as view:
                yield view

    @contextmanager
    def to_read(self, bank: Bank) -> Iterator[Database]:
        """The database that is read once somebody has signed in: the bank's own, or a replica of it."""
        if self.read_place is None or not self._is_url:
            yield bank.database
            return
        from coopbank.cli.replicas import replica_of

        with replica_of(bank, self.read_place) as database:
            yield database

    @contextmanager
    def _view(self, database: Database) -> Iterator[View]:
        from coopbank.bank.books import Books
        from coopbank.bank.fields import book_currency

        with database.read() as tx:
            if tx.value("SELECT 1 FROM operation WHERE id = 1") is None:
                raise NotABook("{place} holds no books of coopbank.", place=self.shown_place)
            books = Books(tx)
            institution = books.institution()
            book_currency.set(institution.currency)
            yield View(books, database, institution.currency)

    @contextmanager
    def bank(self) -> Iterator[Bank]:
        """The bank, to perform operations; nobody is signed in yet."""
        from coopbank.bank.bank import Bank

        self.require_file()
        bank = Bank.open(self.place)
        try:
            yield bank
        finally:
            bank.close()

    @contextmanager
    def bank_to_read(self) -> Iterator[Bank]:
        """The bank, to read with it: of a file read-only, on a server with somebody signed in."""
        from coopbank.bank.bank import Bank

        if self._is_url:
            with self.signed_in() as (bank, _actor):
                bank.seal_sign_in()  # on a server reading is something that was done
                with self.to_read(bank) as database:
                    yield bank if database is bank.database else bank.read_at(database)
            return
        self.require_file()
        bank = Bank.open(self.place, read_only=True)
        try:
            yield bank
        finally:
            bank.close()

    @contextmanager
    def signed_in(self) -> Iterator[tuple[Bank, Actor]]:
        """The bank, and who acts."""
        with self.bank() as bank:
            yield bank, self.actor(bank)

    @contextmanager
    def bank_to_print(self) -> Iterator[tuple[Bank, Actor | None]]:
        """The bank, to make documents: whoever is signed in has them recorded; who is not only reads.

        A kept sign-in that has ended, or of books that cannot be written here, is no sign-in: reading needs none.
        """
        if self._is_url or self.user is not None:
            with self.signed_in() as (bank, actor):
                yield bank, actor
            return
        self.require_file()
        kept = state.kept_sign_in(self.place) if os.access(self.place, os.W_OK) else None
        if kept is not None:
            with self.bank() as bank:
                known = bank.actor_of(kept.token)
                if known is not None and known.user == kept.user:
                    yield bank, known
                    return
        with self.bank_to_read() as bank:
            yield bank, None

    def require_file(self) -> None:
        """Say plainly what keeps a file from being books, before an engine says it in its own words."""
        if self._is_url:
            return
        try:
            mode = Path(self.place).stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            raise DatabaseMissing(
                "There are no books at {place}.", place=self.place,
                hint="Make them with: coopbank init --name NAME, or name others with --db.",
            ) from None  # fmt: skip
        except (OSError, ValueError) as error:
            why = (getattr(error, "strerror", None) or str(error)).lower()
            raise DatabaseUnusable("{place} cannot be used: {why}.", place=self.place, why=why) from error
        if stat.S_ISDIR(mode):
            raise NotABook(
                "{place} is a folder; books are a file.", place=self.place, hint="Name the file, such as {example}.",
                example=str(Path(self.place) / DEFAULT_PLACE),
            )  # fmt: skip
        if not stat.S_ISREG(mode):
            raise NotABook("{place} is not a file that can hold books.", place=self.place)
        if not os.access(self.place, os.R_OK):
            raise DatabaseUnusable("{place} cannot be read: permission denied.", place=self.place)

    # ------------------------------------------------------------------- places

    @property
    def _is_url(self) -> bool:
        return "://" in self.place

    @property
    def is_sqlite(self) -> bool:
        """Whether the books are an SQLite file."""
        return not self._is_url

    @property
    def shown_place(self) -> str:
        """The place without a password."""
        return re.sub(r"(://[^:/@]*):[^@]*@", r"\1@", self.place)

    # --------------------------------------------------------------- signing in

    def actor(self, bank: Bank) -> Actor:
        """Who acts, by one of the ways of signing in.

        A person's first command of a day with a passphrase is sealed as their sign-in, once it does something.
        """
        passphrase = passphrase_given()
        kept = state.kept_sign_in(self.place)
        if self.user is not None and passphrase:
            return self._signed_in_now(bank, self.user, passphrase)
        if kept is not None and self.user in (None, kept.user):
            actor = bank.actor_of(kept.token)
            if actor is not None and actor.user == kept.user:  # a token acts for nobody but its owner
                return actor
            if self.user is None:
                raise SignInRefused(
                    "Your sign-in has ended.", field="user", hint="Sign in again with: coopbank login --as USER"
                )
        if self.user is None:
            raise SignInRefused(
                "Nobody is signed in.",
                field="user",
                hint="Say who you are with --as USER, or use: coopbank login --as USER",
            )
        words = ask_passphrase(_("Passphrase of {user}: ").format(user=self.user))
        return self._signed_in_now(bank, self.user, words)

    def _signed_in_now(self, bank: Bank, user: str, passphrase: str) -> Actor:
        actor = self.authenticate(bank, user, passphrase)
        if bank.sign_in_for_a_command(actor):
            tell_of_sign_in(bank, actor)
        return actor

    def keys_at_hand(self) -> Keyring | None:
        """The book's key, of whoever has signed in or comes with a passphrase; nobody is asked for one.

        None where the books themselves are too damaged for signing in.
        """
        kept = state.kept_sign_in(self.place)
        if not (kept is not None and self.user in (None, kept.user)) and not (self.user and passphrase_given()):
            return None
        try:
            with self.signed_in() as (bank, _actor):
                return bank.keys
        except (SignInRefused, DatabaseBusy):
            if self.user is not None:
                raise
            return None  # a kept sign-in has ended: reading needs none
        except CoopbankError:
            return None

    @staticmethod
    def authenticate(bank: Bank, user: str, passphrase: str) -> Actor:
        """Who this is, by passphrase and, where a user has them, by a one-time code (COOPBANK_CODE, or typed)."""
        code = os.environ.get("COOPBANK_CODE") or None
        try:
            return bank.authenticate(user, passphrase, code)
        except CodeWanted:
            if not sys.stdin or not sys.stdin.isatty():
                raise
        return bank.authenticate(user, passphrase, ask_passphrase(_("One-time code: ")))


def tell_of_sign_in(bank: Bank, actor: Actor) -> None:
    """What colleagues did to somebody's sign-in, to standard error."""
    from coopbank.bank import access

    with bank.read() as books:
        for each in access.told(books, actor.user):
            output.narrate(each)


def place_named(text: str | None) -> str:
    """The place that `--db` names, else COOPBANK_DB, else `ledger.db` here."""
    place = text if text is not None else os.environ.get("COOPBANK_DB") or DEFAULT_PLACE
    if not place:
        raise WrongUsage("--db is empty.", field="db", hint="Name a file or a {url} address.", url=_URL)
    if "://" not in place:
        return place
    if place.startswith("postgresql://"):
        place = _URL + place.removeprefix("postgresql://")
    if not place.startswith(_URL):
        raise WrongUsage(
            "{scheme} is no place for books.", field="db", scheme=place.partition("://")[0][:40],
            hint="Name a file or a {url} address.", url=_URL,
        )  # fmt: skip
    if text is not None and re.match(r"[^/?#]*:[^/?#]*@", place.removeprefix(_URL)):
        raise WrongUsage(
            "A password does not belong on the command line, where others on this machine can read it.", field="db",
            hint="Put it into a PGPASSFILE.",
        )  # fmt: skip
    return place


def read_place_named(text: str | None) -> str | None:
    """The replica that `--read-db` names, else COOPBANK_READ_DB, else none."""
    place = text if text is not None else os.environ.get("COOPBANK_READ_DB") or None
    if place is None:
        return None
    if "://" not in place:
        raise WrongUsage(
            "A replica is a database of a server, and no file.", field="read_db", hint="Name a {url} address.", url=_URL
        )
    return place_named(place)


def passphrase_given() -> str | None:
    """The passphrase that a script gives in COOPBANK_PASSPHRASE, if it is set and not empty."""
    given = os.environ.get("COOPBANK_PASSPHRASE")
    return _text(given) if given else None


def _text(passphrase: str) -> str:
    """The passphrase; refused where it came in as bytes that are no text."""
    try:
        passphrase.encode()
    except UnicodeEncodeError:
        raise WrongUsage("The passphrase is not text in UTF-8.", field="passphrase") from None
    return passphrase


def ask_passphrase(prompt: str) -> str:
    """A passphrase typed at the terminal; refused where there is none."""
    if not sys.stdin or not sys.stdin.isatty():
        raise SignInRefused(
            "There is no terminal to ask for the passphrase at.", field="passphrase",
            hint="Set COOPBANK_PASSPHRASE, or sign in before with: coopbank login --as USER",
        )  # fmt: skip
    return _text(getpass.getpass(prompt))


def new_passphrase(variable: str, prompt: str) -> str:
    """A new passphrase, from the environment or typed twice; refused where neither is possible."""
    given = os.environ.get(variable)
    if given:
        return _text(given)
    if not sys.stdin or not sys.stdin.isatty():
        raise WrongUsage(
            "There is no terminal to ask for a new passphrase at.", field="passphrase",
            hint="Set {variable} to it.", variable=variable,
        )  # fmt: skip
    first = getpass.getpass(prompt)
    if first != getpass.getpass(_("Once more: ")):
        raise WrongUsage(
            "The two passphrases are not the same.", field="passphrase", hint="Nothing was changed; try again."
        )
    return _text(first)
