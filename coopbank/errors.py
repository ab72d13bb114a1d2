"""Every refusal that a user can meet, as one tree.

CoopbankError
├── Refused              a rule of the bank says no                          exit 1
│   ├── InvalidValue         a field holds something it cannot hold
│   │   ├── InvalidAmount        not an amount of money, or not a possible one
│   │   └── InvalidDate          not a date, or not a possible one here
│   ├── Unknown              nothing in the books has that name or number
│   ├── AlreadyExists        the books hold one already
│   │   └── AlreadyVoted         one member, one vote
│   ├── NotAllowed           this person may not do this
│   │   ├── SignInRefused        wrong name or passphrase, or signed out
│   │   │   └── CodeWanted           the passphrase was right; a one-time code is wanted too
│   │   ├── KeysLocked           encrypted, and whoever asks holds no key
│   │   ├── OwnAccount           nobody serves their own account
│   │   ├── NotEntitled          not on the roll, or with an interest in the matter
│   │   ├── NeedsResolution      a body of members has to decide it first, and this is not decided so
│   │   └── OwnRequest           nobody approves their own request
│   ├── LimitReached         more than this person's role may move
│   ├── Overdrawn            an account, a fund or a drawer has not got that much
│   ├── WrongState           not possible in the state that the thing is in
│   │   ├── DayClosed            no business day is open, or not that one
│   │   ├── PeriodLocked         the month or year is locked
│   │   ├── DrawerClosed         no open drawer, or not this one
│   │   ├── ProgrammeRule        a funder's programme does not allow this loan
│   │   ├── BooksLiveOn          moved books are in use at their new place
│   │   └── CannotReverse        reversed already, or something rests on it
│   ├── KeyReused            the idempotency key was used with another request
│   ├── NotOffered           this kind of institution does not do this
│   ├── BallotsAltered       ballots that are not those that were counted
│   ├── SealRefused          the database itself refused what was to be written
│   └── ImportRefused        rows of a file that cannot be imported
├── WrongUsage           the command line or a document is not well formed   exit 2
│   └── InvalidTerms         a loan-terms or APR document
├── BooksWrong           verify found the books wrong                        exit 3
└── DatabaseUnusable     the database cannot be used                         exit 4
    ├── DatabaseMissing      there is none at that place
    ├── DatabaseBusy         another program holds it
    ├── ConnectionLost       the server went away, perhaps in the middle of something
    ├── DatabaseReadOnly     it cannot be written
    ├── DatabaseVersion      it was made by another version
    ├── BooksMoved           its books were moved, and are used at another place
    ├── MoveUnfinished       books are being moved or restored here, and not all of them are there yet
    ├── FileDamaged          a sealed file or a backup was cut or changed, or is none
    └── NotABook             a file or a database that holds no books

A message is a template with named values, so that it can be translated where it
is shown: `Overdrawn("Only {available} is available.", available="12.00")`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from coopbank.words import translate


class CoopbankError(Exception):
    """The root. `field` names the input at fault, `hint` says what would be right."""

    exit_code: ClassVar[int] = 1

    def __init__(self, template: str, *, field: str | None = None, hint: str | None = None, **values: Any) -> None:
        super().__init__(template, field, hint, values)
        self.template = template
        self.field = field
        self.hint_template = hint
        self.values = values

    @property
    def code(self) -> str:
        """The class's name in lower case with hyphens: the exact name scripts compare."""
        name = type(self).__name__
        return "".join("-" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name))

    @property
    def message(self) -> str:
        """The sentence, in the language in force."""
        return fill(translate(self.template), self.values)

    @property
    def hint(self) -> str | None:
        """What would be right, in the language in force."""
        return None if self.hint_template is None else fill(translate(self.hint_template), self.values)

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message} {self.hint}"

    def as_dict(self) -> dict[str, str | None]:
        """The shape that `--json` prints under "error"."""
        return {"code": self.code, "message": self.message, "field": self.field, "hint": self.hint}


def fill(template: str, values: dict[str, Any]) -> str:
    """Put the values in; a template without values may hold braces."""
    return template.format(**values) if values else template


class Refused(CoopbankError):
    """A rule of the bank says no; nothing was changed."""


class InvalidValue(Refused):
    """A field holds something that it cannot hold."""


class InvalidAmount(InvalidValue):
    """Not an amount of money, or not a possible one."""


class InvalidDate(InvalidValue):
    """Not a date, or not a possible one here."""


class Unknown(Refused):
    """Nothing in the books has that name or number."""

    def __init__(self, template: str, *, field: str | None = None, hint: str | None = None, **values: Any) -> None:
        for name, value in values.items():
            if isinstance(value, str) and not value.strip() and f" {{{name}}}" in template:
                values[name] = repr(value)  # "There is no fund ." says nothing
        super().__init__(template, field=field, hint=hint, **values)


class AlreadyExists(Refused):
    """The books hold one already."""


class AlreadyVoted(AlreadyExists):
    """One member, one vote."""


class NotAllowed(Refused):
    """This person may not do this."""


class SignInRefused(NotAllowed):
    """Wrong name or passphrase, or not signed in."""


class CodeWanted(SignInRefused):
    """The passphrase was right; a one-time code is wanted too."""


class KeysLocked(NotAllowed):
    """It is encrypted, and whoever asks holds no key to it."""


class OwnAccount(NotAllowed):
    """Nobody serves their own account."""


class NotEntitled(NotAllowed):
    """Not on the roll of those who vote, or with an interest in the matter."""


class NeedsResolution(NotAllowed):
    """A body of members has to decide it first, and no resolution says so."""


class OwnRequest(NotAllowed):
    """Nobody approves their own request."""


class LimitReached(Refused):
    """More than this person's role may move."""


class Overdrawn(Refused):
    """An account, a fund or a drawer has not got that much."""


class WrongState(Refused):
    """Not possible in the state that the thing is in."""


class DayClosed(WrongState):
    """No business day is open, or not that one."""


class PeriodLocked(WrongState):
    """The month or year is locked."""


class DrawerClosed(WrongState):
    """No open drawer, or not this one."""


class ProgrammeRule(WrongState):
    """A funder's programme does not allow this loan."""


class BooksLiveOn(WrongState):
    """Books that were moved are in use at their new place, and cannot be used at the old one as well."""


class CannotReverse(WrongState):
    """Reversed already, or something rests on it."""


class KeyReused(Refused):
    """The idempotency key was used before with another request."""


class NotOffered(Refused):
    """This kind of institution does not do this."""


class BallotsAltered(Refused):
    """Ballots that are not those that were counted, or no ballots at all."""


class SealRefused(Refused):
    """The database itself refused what was to be written."""


class ImportRefused(Refused):
    """Rows of a file that cannot be imported; `faults` lists every one."""

    def __init__(self, template: str, *, faults: list[dict[str, Any]], **values: Any) -> None:
        super().__init__(template, **values)
        self.faults = faults

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "faults": self.faults}


class WrongUsage(CoopbankError):
    """The command line or a document is not well formed."""

    exit_code = 2


class InvalidTerms(WrongUsage):
    """A loan-terms or APR document that cannot be computed."""


class BooksWrong(CoopbankError):
    """Verify found the books wrong."""

    exit_code = 3


class DatabaseUnusable(CoopbankError):
    """The database cannot be used."""

    exit_code = 4


class DatabaseMissing(DatabaseUnusable):
    """There is no database at that place."""


class DatabaseBusy(DatabaseUnusable):
    """Another program holds the database."""


class ConnectionLost(DatabaseUnusable):
    """The server went away; what was begun may have been done, which its idempotency key tells."""


class DatabaseReadOnly(DatabaseUnusable):
    """The database cannot be written."""


class DatabaseVersion(DatabaseUnusable):
    """The database was made by another version of coopbank."""


class BooksMoved(DatabaseUnusable):
    """The books were moved; what is left here is an old copy."""


class MoveUnfinished(DatabaseUnusable):
    """Books are being moved here, or restored from a backup, and not all of them are there yet."""


class FileDamaged(DatabaseUnusable):
    """A sealed file or a backup that was cut, changed, or is none."""


class NotABook(DatabaseUnusable):
    """A file or database that holds no books of coopbank."""
