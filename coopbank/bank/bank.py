"""The bank: opens the books, knows who acts, and performs operations.

Every door (terminal, command line, import, Python) comes through `Bank.perform`. Around
each operation it does the same: the same request twice is done once; the kind of
institution, the actor's powers and their own accounts are checked; what needs a second
person is sealed as a request that waits; the rest is sealed; a refusal to a signed-in
person is sealed too. One call is one transaction.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import coopbank.bank.operations  # noqa: F401  (fills the catalogue)
from coopbank.bank import access, anchors, groups, limits, mandates, passphrases, receipts, records
from coopbank.bank.books import PEOPLE, Actor, Books, Kept, loads, opened
from coopbank.bank.contact import with_owners
from coopbank.bank.desk import Desk
from coopbank.bank.fields import book_currency
from coopbank.bank.operation import A_KIND, AUDITOR, CATALOGUE, SUPERVISOR, Operation, Receipt, build
from coopbank.bank.operations.copies import RecordBackup, RecordDrill
from coopbank.bank.operations.documents import Made, RecordDocuments
from coopbank.bank.operations.founding import FoundBook
from coopbank.bank.operations.keys import KEY, SIGNED, SetSigningKey, SignClose, endorsed_text, text_of_close
from coopbank.bank.operations.staff import (
    APPROVED,
    SIGNED_IN,
    Approve,
    Ask,
    ChangeRole,
    LogRefusal,
    ResetSignIn,
    SetOneTimeCode,
    SetPassphrase,
    SignIn,
    approved_by,
    has_own_passphrase,
    open_reset,
)
from coopbank.bank.vital import keep_vital_records
from coopbank.clock import Clock, SystemClock, instant_text
from coopbank.database import Database, Transaction, tried_anew
from coopbank.errors import (
    ConnectionLost,
    CoopbankError,
    DatabaseUnusable,
    InvalidValue,
    KeyReused,
    KeysLocked,
    NotABook,
    NotAllowed,
    NotOffered,
    OwnAccount,
    Refused,
    SignInRefused,
    WrongState,
)
from coopbank.ledger import chain, posting
from coopbank.ledger.past import show_past
from coopbank.words import marked, set_institution_kind, translate

if TYPE_CHECKING:
    from coopbank.bank.keyring import KeyFile, Keyring

Nonce = Callable[[int], bytes]
NO_VITAL = marked("No vital records were kept")
GROUPS_DONE = marked("Groups of accounts done")
_RESERVED = (APPROVED, SIGNED, SIGNED_IN, groups.CARRIED)  # keys that begin so are the program's own
KEYLESS_ROLES = frozenset({AUDITOR, SUPERVISOR})  # who only looks neither signs nor reads what is encrypted


class _TakenBack(Exception):
    """Ends a transaction that was only looked at; carries the receipts out of it."""

    def __init__(self, receipts: list[Receipt]) -> None:
        super().__init__()
        self.receipts = receipts


class Bank:
    """The books of one institution, open."""

    def __init__(self, database: Database, *, clock: Clock | None = None, nonce: Nonce | None = None) -> None:
        self.database = database
        self._for_past = database  # books as they were take views of their own, which a replica cannot make
        self.clock = clock or SystemClock()
        self._nonce = nonce or secrets.token_bytes
        self.book = ""
        self.institution = records.Institution(name="", institution_kind="", currency="USD")
        self.keys: Keyring | None = None  # open once somebody has signed in whose passphrase opens it
        self._unsealed: Actor | None = None  # who signed in for one command, and has done nothing yet
        self._held_back: tuple[str, Keyring | None] = "", None  # of whom, until they have a passphrase of their own
        self._control_names: dict[str, str] = {}
        self._kept = Kept()
        self._reckoned: list[tuple[Operation, object]] = []  # before the book was locked, by whom it is for

    # ------------------------------------------------------------------ opening

    @classmethod
    def open(
        cls, place: str, *, read_only: bool = False, marked: bool = False, clock: Clock | None = None,
        nonce: Nonce | None = None,
    ) -> Bank:  # fmt: skip
        """Open existing books at a path or a `postgresql+psycopg://` URL; `marked` is told at `Database.open`."""
        bank = cls(Database.open(place, read_only=read_only, marked=marked), clock=clock, nonce=nonce)
        with bank.database.closed_on_failure():
            bank._read_book()
        return bank

    @classmethod
    def found(
        cls, place: str, request: FoundBook, *, passphrase: str, clock: Clock | None = None, nonce: Nonce | None = None
    ) -> Bank:
        """Make new books: chart, first funds, roles, policies and the first administrator."""
        passphrases.require_strength(passphrase)
        bank = cls(Database.create(place), clock=clock, nonce=nonce)
        bank.book = bank._nonce(16).hex()
        book_currency.set(request.currency)
        set_institution_kind(request.institution_kind)
        bank.institution = records.Institution(
            name=request.bank_name, institution_kind=request.institution_kind, currency=request.currency
        )
        first = Actor(request.administrator, ("administrator",))
        with bank.database.closed_on_failure(), bank.database.write() as tx:
            bank._perform(tx, first, request, bank.new_key(), founding=True)
            passphrases.set_passphrase(tx, request.administrator, passphrase)
        return bank

    def read_at(self, database: Database) -> Bank:
        """The same bank, for whoever is signed in, read in another database that holds the same books."""
        there = Bank(database, clock=self.clock, nonce=self._nonce)
        there._read_book()
        there.keys, there._for_past = self.keys, self.database
        return there

    def _read_book(self) -> None:
        with self.database.read() as tx:
            text = tx.value("SELECT sealed FROM operation WHERE id = 1")
            if text is None:
                raise NotABook("{place} holds no books of coopbank.", place=self.database.shown_place)
            self.book = str(loads(text)[1])
            self.institution = Books(tx).institution()
        book_currency.set(self.institution.currency)
        set_institution_kind(self.institution.institution_kind)

    @contextmanager
    def read(self, as_of: int | None = None) -> Iterator[Books]:
        """One consistent view of the books: as they are, or as they stood when operation `as_of` was the last one."""
        database = self.database if as_of is None else self._for_past
        with database.read(temporary=as_of is not None) as tx:
            if as_of is not None:
                show_past(tx, as_of)
            yield Books(tx, self.keys)

    def close(self) -> None:
        """Give the connections back."""
        self.database.close()

    def new_key(self) -> str:
        """An idempotency key that nobody else has; keys grow with time, so that their index does at its end."""
        return f"{int(self.clock.now().timestamp() * 1_000_000):014x}-{self._nonce(6).hex()}"

    # --------------------------------------------------------------- signing in

    def authenticate(self, user: str, passphrase: str, code: str | None = None) -> Actor:
        """Who this is; opens the book's key. A failure is counted, sealed, and delays the next try.

        `code` is the one-time code of a user who has them: `CodeWanted` if it is not there.
        """
        now = self.clock.now()
        self.close_keys()  # whoever was here before is not any more
        with self.database.read() as tx:
            good, locked = passphrases.passphrase_matches(tx, user, passphrase, now)
            books = Books(tx)
            actor, known, file = books.user(user), books.find(records.User, user), self._key_file(books)
        if locked:
            raise _locked_out(locked)
        if not good or actor is None:
            self._failed_sign_in(user)
            raise SignInRefused(
                "The user name or the passphrase is wrong.", field="passphrase",
                hint="Check Caps Lock; an administrator can set a new passphrase.",
            )  # fmt: skip
        self._require_unlocked(user)
        self.keys = None if file is None else file.unlock(user, passphrase)
        if known is not None and known.one_time_code:
            self._require_code(user, code, file)
        if not self.database.read_only:
            with self.database.write() as tx:
                self._require_unlocked(user, tx)
                passphrases.clear_failures(tx, user)
                passphrases.renew(tx, user, passphrase, None if file is None else file.cost())
        self._hold_back(actor)
        return actor

    def close_keys(self) -> None:
        """Nobody reads what is encrypted any more, until somebody signs in."""
        self.keys, self._held_back = None, ("", None)

    def _hold_back(self, actor: Actor) -> None:
        """What a passphrase opens that somebody else knows is kept for the one that its owner chooses."""
        if actor.must_change:
            self.keys, self._held_back = None, (actor.user, self.keys)

    def _require_unlocked(self, user: str, tx: Transaction | None = None) -> None:
        """Refuse if tries at the same moment have locked the user out meanwhile: a burst learns no more than its first.

        Asked while nobody else writes, so that each try is told only after those before it were counted.
        """
        if tx is None:
            if not self.database.read_only:
                with self.database.write() as writing:
                    self._require_unlocked(user, writing)
            return
        locked = passphrases.locked_until(tx, user, self.clock.now())
        if locked:
            self.close_keys()
            raise _locked_out(locked)

    def _require_code(self, user: str, code: str | None, file: KeyFile | None) -> None:
        """Refuse without the one-time code of this moment, or with one that was used."""
        from coopbank.bank import codes

        try:
            codes.require(self.keys, file, user, code, self.clock.now())
        except SignInRefused:
            self.keys = None
            if code is not None:
                self._failed_sign_in(user)
            raise

    def sign_in(self, user: str, passphrase: str, code: str | None = None) -> Actor:
        """Authenticate, and seal that this person signed in."""
        actor = self.authenticate(user, passphrase, code)
        self.record_sign_in(actor)
        return actor

    def record_sign_in(self, actor: Actor) -> None:
        """Seal that this person signed in."""
        self._sealed_once(actor, SignIn(), self.new_key())

    def sign_in_for_a_command(self, actor: Actor) -> bool:
        """Seal with the first thing that they do that this person signed in; of many commands the first of a day (UTC).

        Whether it is the first. What is only tried out, or is not well formed, leaves no sign-in behind.
        """
        with self.database.read() as tx:
            first = tx.value("SELECT 1 FROM operation WHERE key = ?", self._sign_in_key(actor)) is None
        self._unsealed = actor if first else None
        return first

    def seal_sign_in(self) -> None:
        """Seal now what `sign_in_for_a_command` left for the first thing done."""
        actor, self._unsealed = self._unsealed, None
        if actor is not None and not self.database.read_only:
            try:
                self._sealed_once(actor, SignIn(), self._sign_in_key(actor))
            except DatabaseUnusable:
                self._unsealed = actor
                raise

    def _sign_in_key(self, actor: Actor) -> str:
        return f"{SIGNED_IN}{actor.user}:{self.clock.now().date()}"

    def _failed_sign_in(self, user: str) -> None:
        if self.database.read_only:
            return
        with self.database.write() as tx:
            self._require_unlocked(user, tx)
            known = Books(tx).find(records.User, user) is not None
            if known:
                passphrases.count_failure(tx, user, self.clock.now())
        if known:  # after the count, which stands even if the log cannot be written
            request = LogRefusal(operation="sign-in", code="sign-in-refused")
            with suppress(CoopbankError):
                self._sealed_once(Actor(user, ()), request, self.new_key())

    def set_passphrase(self, actor: Actor, user: str, passphrase: str) -> Receipt | None:
        """Set one's own passphrase, or as administrator a colleague's; that it was set is sealed, never the words.

        A colleague chooses another one at first use. One that they have already is replaced only where that was
        agreed: what is returned then is the request that waits for a second person, and nothing was set.
        """
        passphrases.require_strength(passphrase)
        self.seal_sign_in()
        waits = self._reset_first(actor, user)
        if waits is not None:
            return waits
        with self.database.write() as tx:
            books = Books(tx)
            if user != actor.user:
                self._require_code_begun(books, actor)
            file = self._key_file(books)
            self._perform(tx, actor, SetPassphrase(user=user), self.new_key())
            passphrases.set_passphrase(tx, user, passphrase, None if file is None else file.cost())
            known = books.get(records.User, user, "user")
            keys = self._held_back[1] if user == actor.user == self._held_back[0] else self.keys
            if file is not None and keys is not None and (set(known.roles) - KEYLESS_ROLES or known.one_time_code):
                file.give(keys.secret, user, passphrase)  # if it cannot, the passphrase stays as it was
            elif known.one_time_code:
                raise KeysLocked(
                    "{user} signs in with one-time codes, which lie under the book's key, and that is not open.",
                    field="user", user=user, hint="Sign in with a passphrase that opens it, or end the codes first.",
                )  # fmt: skip
        if user == actor.user == self._held_back[0]:
            self.keys, self._held_back = keys, ("", None)
        return None

    def _reset_first(self, actor: Actor, user: str) -> Receipt | None:
        """Ask that a colleague's passphrase may be replaced, where nobody has agreed yet; the request, if it waits."""
        with self.read() as books:
            known, asker = books.find(records.User, user), books.user(actor.user)
            if user == actor.user or known is None or asker is None or not self.may(books, asker, ResetSignIn.name):
                return None  # set-passphrase says what is wrong
            if open_reset(books, user) is not None or not has_own_passphrase(books, user, known):
                return None
        receipt = self.perform(actor, ResetSignIn(user=user))
        return receipt if receipt.status == "pending" else None

    def keep_sign_in(self, actor: Actor) -> str:
        """A token for `coopbank login`."""
        with self.database.write() as tx:
            token = passphrases.open_session(tx, actor.user, self.clock.now(), self._nonce)
            file = self._key_file(Books(tx))
        keys = self._held_back[1] if actor.user == self._held_back[0] else self.keys
        if file is not None and keys is not None:
            file.give_session(keys.secret, token, actor.user, self.clock.now())
        return token

    def actor_of(self, token: str) -> Actor | None:
        """Who kept this sign-in, if it still holds."""
        with self.database.read() as tx:
            user = passphrases.session_user(tx, token, self.clock.now())
            books = Books(tx)
            actor, file = None if user is None else books.user(user), self._key_file(books)
        self.close_keys()
        if actor is not None and file is not None:
            self.keys = file.unlock_session(token)
            self._hold_back(actor)
        return actor

    def set_code(self, actor: Actor, user: str, secret: str | None) -> None:
        """Begin one's own one-time codes, or end them; a colleague's end by `reset-sign-in`."""
        from coopbank.bank import codes

        self.seal_sign_in()
        file = self.key_file()
        if file is None or (secret is not None and self.keys is None and self._held_back[0] != actor.user):
            raise KeysLocked(
                "One-time codes are kept under the book's key, and that is not open.", field="user",
                hint="Make one with: coopbank keys make, and sign in again.",
            )  # fmt: skip
        with self.database.write() as tx:
            self._perform(tx, actor, SetOneTimeCode(user=user, on=secret is not None), self.new_key())
            if secret is None:
                file.keep_code(user, None)
            elif self.keys is not None:
                codes.keep(file, self.keys, user, secret, self._nonce)

    def sign_out(self, token: str) -> None:
        """End a kept sign-in."""
        self.close_keys()
        with self.database.write() as tx:
            passphrases.end_session(tx, token)
            file = self._key_file(Books(tx))
        if file is not None:
            file.take_session(token)

    # ------------------------------------------------------------------- keys

    def _key_file(self, books: Books) -> KeyFile | None:
        """Where the book's key lies, if it has one."""
        known = books.find(records.SigningKey, KEY)
        if known is None:
            return None
        from coopbank.bank.keyring import key_file

        return key_file(self.database.place, known.sign[:8])

    def key_file(self) -> KeyFile | None:
        """Where the book's key lies, if it has one; the file may be missing."""
        with self.read() as books:
            return self._key_file(books)

    def make_keys(self, actor: Actor, passphrase: str, *, secret: bytes | None = None) -> tuple[Receipt, KeyFile]:
        """A new key for the book, in a file that this person's passphrase opens.

        The first one counts at once. A later one is endorsed by the one before, which must be open, and waits
        for a second person; the older secret goes into its file, so that what was encrypted can still be read.
        """
        from coopbank.bank.keyring import key_file, public_of

        with self.read() as books:
            known = books.find(records.SigningKey, KEY)
        if known is not None and self.keys is None:
            raise KeysLocked(
                "A new key is endorsed by the one before, and that one is not open.", field="passphrase",
                hint="Sign in with a passphrase that opens it.",
            )  # fmt: skip
        secret = self._nonce(32) if secret is None else secret
        public = public_of(secret)
        endorsed = None
        if self.keys is not None and known is not None:
            endorsed = self.keys.sign(endorsed_text(public.sign.hex(), public.seal.hex())).hex()
        request = SetSigningKey(sign=public.sign.hex(), seal=public.seal.hex(), endorsement=endorsed)
        file = key_file(self.database.place, public)
        cost = passphrases.calibrated()
        new = file.make(self.book, secret, actor.user, passphrase, cost, self.keys, self.key_file())
        key = f"signing key {public.sign.hex()[:16]}"
        try:
            receipt = self.perform(actor, request, key=key)
        except BaseException:
            if new and not self._may_be_done(key):
                file.path.unlink(missing_ok=True)
            raise
        if receipt.status == "done":
            self.keys = file.unlock(actor.user, passphrase)
        return receipt, file

    def _may_be_done(self, key: str) -> bool:
        """Whether an operation with that key stands in the books, or nobody can tell now that it does not."""
        try:
            with self.database.read() as tx:
                return tx.value("SELECT 1 FROM operation WHERE key = ?", key) is not None
        except CoopbankError:
            return True

    # --------------------------------------------------------------- performing

    def perform(self, actor: Actor, operation: Operation, *, key: str | None = None) -> Receipt:
        """Perform one operation; returns its receipt, or that of the request that now waits."""
        return self.perform_all(actor, [(operation, key)])[0]

    def perform_all(
        self, actor: Actor, requests: Sequence[tuple[Operation, str | None]],
        first: Callable[[Books], None] | None = None,
    ) -> list[Receipt]:  # fmt: skip
        """Perform a list of operations, all or none, in one transaction.

        `first` looks at the books once they are locked, before anything is done, and refuses what does not go any more.

        What loses a race on a server, or its connection, is tried anew as a whole, each operation under the key that it
        had: so it is done once, whatever became of the tries before.
        """
        self.seal_sign_in()
        self.finish_before(actor, [operation for operation, _key in requests])
        keys: dict[int, str] = {}
        try:
            done = tried_anew(lambda: self._perform_once(actor, requests, keys, first), keyed=True)
        except ConnectionLost as lost:
            known = [keys.get(place, key) for place, (_request, key) in enumerate(requests)]
            if not any(known):  # not even one key was drawn: the server was never reached
                raise
            raise _outcome_unknown(lost, known) from lost
        return [self._carried_out(actor, receipt) for receipt in done]

    def _perform_once(
        self, actor: Actor, requests: Sequence[tuple[Operation, str | None]], keys: dict[int, str],
        first: Callable[[Books], None] | None,
    ) -> list[Receipt]:  # fmt: skip
        """One attempt; `keys` remembers those that were drawn."""
        current: Operation | None = None
        self._reckoned = self._reckon(actor, requests)
        try:
            with self.database.write() as tx:
                receipts_: list[Receipt] = []
                if first is not None:
                    first(Books(tx, self.keys))
                for index, (current, key) in enumerate(requests):
                    drawn = key is None and index not in keys  # now: nobody has used it
                    if drawn:
                        keys[index] = self.new_key()
                    receipt = self._performed(tx, actor, current, keys[index] if key is None else key, drawn=drawn)
                    if key is None and receipt.status == "repeated":  # by an earlier try, whose answer was lost
                        receipt = replace(receipt, status="done")
                    receipts_.append(receipt)
            return [self._followed_up(receipt) for receipt in receipts_]
        except Refused as refusal:
            if current is not None:
                self._log_refusal(actor, current, refusal)
            raise
        finally:
            self._reckoned = []

    def _followed_up(self, receipt: Receipt) -> Receipt:
        """What some operations leave to be done once they stand in the books; most leave nothing."""
        kind = CATALOGUE[receipt.kind]
        if not receipt.then and not kind.signed and not kind.erases and receipt.kind != ChangeRole.name:
            return receipt
        return self._cleared(self._anchored(self._with_slots_taken(receipt)))

    # ------------------------------------------------------------------- groups

    def carry_out(self, actor: Actor) -> int:
        """Go on with what is on its way to many accounts, each part in a transaction of its own; how many were done.

        Between two of them whoever waits for the book gets in.
        """
        self.seal_sign_in()
        done, took = 0, 0.0
        while self._part_left():
            self.let_others_in(took)
            began = time.perf_counter()
            done += self._carry_out_one(actor)
            took = time.perf_counter() - began
        return done

    def let_others_in(self, took: float) -> None:
        """Leave the book to whoever waits for it, after work that took so many seconds; a server gives turns itself."""
        if self.database.path is not None:
            time.sleep(groups.pause_after(took))

    def _part_left(self) -> bool:
        with self.read() as books:
            return groups.next_part(books) is not None

    def _carry_out_one(self, actor: Actor) -> int:
        """The part that is next once the book is ours; 0 if somebody else has done the last one meanwhile."""

        def once() -> Receipt | None:
            with self.database.write() as tx:
                books = Books(tx)
                found = groups.next_part(books)
                if found is None:
                    return None
                who, approver = groups.in_whose_name(books, found[0], actor)
                return self._perform(tx, who, *found, approver)

        self._reckoned = self._reckon_part()
        try:
            receipt = tried_anew(once, keyed=True)
        finally:
            self._reckoned = []
        if receipt is not None and any(each.kind == SignClose.name for each in receipt.then):
            self._anchored(receipt)
        return int(receipt is not None)

    def _reckon_part(self) -> list[tuple[Operation, object]]:
        """What the part that is next reckons before the book is locked, if it does."""
        with self.read() as books:
            found = groups.next_part(books)
            return [(found[0], found[0].reckon(books))] if found is not None and found[0].reckons_ahead else []

    def _carried_out(self, actor: Actor, receipt: Receipt) -> Receipt:
        """Carry out what was decided for many; that it could not be finished is told, and no refusal: it stands."""
        if receipt.status != "repeated" and not receipt.then and not CATALOGUE[receipt.kind].carries_out:
            return receipt  # as most
        again = receipt.status == "repeated" and receipt.kind == Approve.name  # which does not say of what
        if not again and not any(
            r.status in ("done", "repeated") and CATALOGUE[r.kind].carries_out for r in (receipt, *receipt.then)
        ):
            return receipt
        try:
            done = self.carry_out(actor)
        except CoopbankError as error:
            note = (marked("Not on all accounts yet"), error.message)
            hint = (marked("It goes on with"), "coopbank close day")
            return replace(receipt, notes=(*receipt.notes, note, hint))
        return replace(receipt, notes=(*receipt.notes, (GROUPS_DONE, str(done)))) if done else receipt

    def finish_before(self, actor: Actor, operations: Sequence[Operation]) -> None:
        """Go on with what is on its way to many accounts, if one of these operations waits for it."""
        for operation in operations:
            if self._finishes(operation) and self._may_now(actor, operation):
                self.carry_out(actor)
                return

    def _finishes(self, operation: Operation) -> bool:
        """Whether what is on its way is carried out before it: it says so, or what it lets happen does."""
        if not isinstance(operation, Approve):
            return operation.carries_out
        with self.read() as books:
            request = books.find(records.Request, operation.request)
            asked = None if request is None or request.state != "waiting" else CATALOGUE.get(request.operation)
            return asked is not None and asked.carries_out and bool(groups.unfinished(books))

    def _may_now(self, actor: Actor, operation: Operation) -> bool:
        """Whether somebody holds the power to do it, before anything is done for them."""
        with self.read() as books:
            return self._may_begin(books, actor, operation)

    def _may_begin(self, books: Books, actor: Actor, operation: Operation) -> bool:
        known = books.user(actor.user)
        return known is not None and not known.must_change and self.may(books, known, operation.name)

    def _reckon(self, actor: Actor, requests: Sequence[tuple[Operation, str | None]]) -> list[tuple[Operation, object]]:
        """What the operations reckon ahead, while nobody has to wait for it; nothing for who may not do them."""
        found: list[tuple[Operation, object]] = []
        wanted = []
        for operation, _key in requests:
            if operation.reckons_ahead or isinstance(operation, Approve):
                wanted.append(operation)
        if wanted:
            with suppress(Refused), self.read() as books:  # what is wrong with it is told when it is performed
                for operation in wanted:
                    asked = approved_by(books, operation) if isinstance(operation, Approve) else operation
                    if asked is None or not self._may_begin(books, actor, operation):
                        continue
                    value = asked.reckon(books)
                    if value is not None:
                        found.append((asked, value))
        return found

    def _anchored(self, receipt: Receipt) -> Receipt:
        """Keep outside the books what a close leaves there; that it could not be kept is told, and no refusal."""
        closed = next((r for r in (receipt, *receipt.then) if r.status == "done" and CATALOGUE[r.kind].signed), None)
        if closed is None:
            return receipt
        notes = []
        for keep, label in ((self._keep_head, marked("No anchor was kept")), (self._keep_vital, NO_VITAL)):
            try:
                keep(closed)
            except (OSError, CoopbankError) as error:
                why = (error.strerror or str(error)).lower() if isinstance(error, OSError) else error.message
                notes.append((label, why))
        return replace(receipt, notes=(*receipt.notes, *notes)) if notes else receipt

    def _keep_head(self, closed: Receipt) -> None:
        """The head of the chain after a close, in anchors.log."""
        with self.read() as books:
            anchors.append(
                self.database.place, books, self.book, closed.kind, closed.business_date,
                instant_text(self.clock.now())[:19] + "Z",
            )  # fmt: skip

    def _keep_vital(self, closed: Receipt) -> None:
        """After the close of a day, what every member has and owes, encrypted."""
        if closed.kind == "close-day":
            with self.read() as books:
                keep_vital_records(self.database.place, books, self.book, closed.business_date)

    def _cleared(self, receipt: Receipt) -> Receipt:
        """Clear the traces of what was erased out of the file; that they could not be is told, and no refusal."""
        if not any(r.status == "done" and CATALOGUE[r.kind].erases for r in (receipt, *receipt.then)):
            return receipt
        try:
            self.database.clear_traces()
        except DatabaseUnusable as busy:
            note = (marked("Traces of it are left in the file"), str(busy))
            hint = (marked("Clear them when nobody else works with"), "coopbank erase-traces")
            return replace(receipt, notes=(*receipt.notes, note, hint))
        return receipt

    def _with_slots_taken(self, receipt: Receipt) -> Receipt:
        """Once roles were changed, the key file opens only for those whose roles need a key."""
        if all(r.status != "done" or r.kind != ChangeRole.name for r in (receipt, *receipt.then)):
            return receipt
        try:
            with self.database.write() as tx:  # alone: who gets a slot meanwhile would lose it again
                books = Books(tx)
                file = self._key_file(books)
                if file is not None:
                    file.keep_users(
                        name for name, user in books.every(records.User)
                        if user.active and (set(user.roles) - KEYLESS_ROLES or user.one_time_code)
                    )  # fmt: skip
        except DatabaseUnusable as error:
            return replace(receipt, notes=(*receipt.notes, (marked("The key file is as it was"), str(error))))
        return receipt

    def record_documents(self, actor: Actor, made: list[Made]) -> Receipt:
        """Record documents that were made: the program's own act, in the name of whoever had them made."""
        return self._record(actor, RecordDocuments(documents=made))

    def record_copy(self, actor: Actor, operation: RecordBackup | RecordDrill) -> Receipt:
        """Record a backup, or a drill of one, in the name of whoever had it made."""
        return self._record(actor, operation)

    def _record(self, actor: Actor, operation: Operation) -> Receipt:
        self.seal_sign_in()
        return self._sealed_once(actor, operation, self.new_key())

    def _sealed_once(self, actor: Actor, operation: Operation, key: str) -> Receipt:
        """An act of the program's own in a transaction of its own, tried anew where it was called off."""

        def once() -> Receipt:
            with self.database.write() as tx:
                return self._perform(tx, actor, operation, key)

        return tried_anew(once, keyed=True)

    def _performed(
        self, tx: Transaction, actor: Actor, operation: Operation, key: str, *, drawn: bool = False
    ) -> Receipt:
        """An operation that came through a door: no door offers the program's own, or uses its keys."""
        if operation.internal:
            raise NotAllowed("{title} is done by the program itself.", field="operation", title=operation.title)
        require_key(key)
        return self._perform(tx, actor, operation, key, drawn=drawn)

    def preview(self, actor: Actor, operation: Operation) -> Receipt:
        """What an operation would write, without writing it; refuses as `perform` would."""
        with self.database.read() as tx:
            desk = self._desk(tx, actor, None)
            desk.previews = True
            self._check(desk, operation)
            reason = self._second_reason(desk, operation)
            draft = self._draft(desk, operation, "preview")
            operation.perform(desk)
            mandates.mark(desk, operation)
            if reason is not None:
                _with_second(draft)
            leaves = posting.validate(tx, draft)
            return receipts.preview(self, tx, desk, draft, leaves, operation.title, reason)

    def preview_all(self, actor: Actor, requests: Sequence[tuple[Operation, str | None]]) -> list[Receipt]:
        """What a list of operations would write, each upon those before it; all of it is taken back."""
        try:
            with self.database.write() as tx:
                raise _TakenBack([
                    self._performed(tx, actor, each, self.new_key() if key is None else key) for each, key in requests
                ])  # fmt: skip
        except _TakenBack as taken_back:
            return [replace(receipt, status="preview") for receipt in taken_back.receipts]

    def try_all(self, actor: Actor, requests: Sequence[tuple[Operation, str | None]]) -> list[Receipt | Refused]:
        """What each of a list comes to, its receipt or its refusal, upon those before it that were not refused.

        All of it is taken back. An import finds every bad row with it, not only the first.
        """
        found: list[Receipt | Refused] = []
        with suppress(_TakenBack), self.database.write() as tx:
            for operation, key in requests:
                try:
                    with tx.savepoint():
                        receipt = self._performed(tx, actor, operation, self.new_key() if key is None else key)
                        found.append(receipt if receipt.status == "repeated" else replace(receipt, status="preview"))
                except Refused as refusal:
                    found.append(refusal)
            raise _TakenBack([])
        return found

    def receipt(self, number: int) -> Receipt:
        """The receipt of a past operation, drawn from the books."""
        with self.database.read() as tx:
            return receipts.of_operation(self, tx, number, "done")

    def build(self, name: str, values: dict[str, Any]) -> Operation:
        """An operation from untyped values, in this book's currency."""
        book_currency.set(self.institution.currency)
        return build(name, values)

    def _perform(
        self, tx: Transaction, actor: Actor, operation: Operation, key: str, approver: str | None = None,
        founding: bool = False, drawn: bool = False,
    ) -> Receipt:  # fmt: skip
        repeated = None if drawn else self._repeated(tx, actor, operation, key)
        if repeated is not None:
            return receipts.of_operation(self, tx, repeated, "repeated")
        desk = self._desk(tx, actor, approver)
        reason = None
        if not founding:
            self._check(desk, operation)
            reason = None if approver else self._second_reason(desk, operation)
        draft = self._draft(desk, operation, key)
        if self._reckoned:
            desk.reckoned = next((value for each, value in self._reckoned if each == operation), None)
        operation.perform(desk)
        mandates.mark(desk, operation)
        draft.business_date = desk.business_day
        if reason is not None:
            _with_second(draft)
            posting.validate(tx, draft)  # refused now rather than by the second person
            return self._ask(tx, actor, operation, key, reason, desk)
        sealed = posting.seal(tx, self.book, draft)
        desk.kept = self._kept.after(tx, draft.rows, desk.kept)
        groups.require_not_on_its_way(desk, draft, sealed.leaves)
        for put in desk.after:
            put(tx)
        receipt = receipts.done(self, desk, draft, sealed, operation.title)
        if not desk.followers and not operation.signed:
            return receipt
        then = [self._perform(tx, who, follower, own_key, second) for who, second, follower, own_key in desk.followers]
        closed = any(isinstance(row, posting.NewPeriodState) for row in desk.rows)
        if operation.signed and closed and self.keys is not None:
            then.append(self._sign(tx, desk, operation, receipt.number))
        return replace(receipt, then=tuple(then)) if then else receipt

    def _sign(self, tx: Transaction, closed: Desk, operation: Operation, number: int) -> Receipt:
        """Sign a close that was just sealed, in the same transaction."""
        assert self.keys is not None
        period = next(row.period for row in closed.rows if isinstance(row, posting.NewPeriodState))
        desk = self._desk(tx, closed.actor, None)
        text = text_of_close(desk, self.book, operation.name, period, number)
        request = SignClose(
            close=number, text=text, key=self.keys.public.sign.hex(), signature=self.keys.sign(text.encode()).hex()
        )
        return self._perform(tx, closed.actor, request, f"{SIGNED}{number}")

    def _ask(self, tx: Transaction, actor: Actor, operation: Operation, key: str, reason: str, tried: Desk) -> Receipt:
        desk = self._desk(tx, actor, None)
        desk.notes += [note for note in tried.notes if note[0] in operation.foretold]
        payload = operation.sealed(desk.keep)
        ask = Ask(operation=operation.name, operation_version=operation.version, payload=payload, reason=reason)
        draft = self._draft(desk, ask, key)
        ask.perform(desk)
        sealed = posting.seal(tx, self.book, draft)
        self._kept.after(tx, draft.rows, desk.kept)
        return receipts.done(self, desk, draft, sealed, operation.title, reason=reason)

    def _desk(self, tx: Transaction, actor: Actor, approver: str | None) -> Desk:
        return Desk(
            tx, actor=actor, approver=approver, today=self.clock.today(), currency=self.institution.currency,
            nonce=self._nonce, keys=self.keys, kept=self._kept.now(tx),
        )  # fmt: skip

    def _draft(self, desk: Desk, operation: Operation, key: str) -> posting.Draft:
        now = self.clock.now()
        today = now.date()
        if desk.business_day > today and desk.business_day > today + timedelta(days=1):
            raise WrongState(
                "The computer's clock says {clock}, and the books stand at {day}.", field="date", clock=now.date(),
                day=desk.business_day, hint="Set the clock right first.",
            )  # fmt: skip
        request = operation.sealed(desk.keep)
        return posting.Draft(
            key=key, kind=operation.name, kind_version=operation.version, actor=desk.actor.user,
            approver=desk.approver, business_date=desk.business_day, at=instant_text(now),
            request=request, request_hash=request_hash(operation.name, operation.version, request),
            entries=desk.entries, rows=desk.rows, personal=desk.personal_values, last=desk.last,
            leaves=desk.leaves_read,
        )  # fmt: skip

    # ------------------------------------------------------------------- checks

    def _check(self, desk: Desk, operation: Operation) -> None:
        if self.institution.institution_kind not in operation.offered_by:
            raise NotOffered(
                "{institution} does not offer: {title}.", title=translate(operation.title),
                institution=translate(A_KIND[self.institution.institution_kind]),
            )  # fmt: skip
        if not operation.internal:
            self._require_power(desk, operation)
            limits.require_within(desk, operation)
            mandates.require(desk, operation)
        own = desk.actor.theirs
        if desk.approver is not None:
            own |= self._approver_theirs(desk)
        served = own & with_owners(desk, operation.serves(desk)) if own else None
        if served:
            raise OwnAccount(
                "Nobody serves their own account, or a relative's: {member}.", field="member", member=min(served),
                hint="Ask a colleague to do it.",
            )  # fmt: skip

    def _require_power(self, desk: Desk, operation: Operation) -> None:
        """Refuse who may not do this; the powers held now count, whatever the door remembers.

        They rest on records that are kept alone, so who was let through is, as long as these are. Where codes are to
        be begun, it rests on the key file too, and is asked each time.
        """
        question = ("power", desk.actor.user, operation.name)
        kept = {} if desk.kept is None else desk.kept.setdefault(PEOPLE, {})
        known: Actor | None = kept.get(question)
        if known is not None:
            desk.actor = known
            return
        desk.actor = desk.actor_now(desk.actor.user)
        if desk.actor.must_change:
            raise NotAllowed(
                "Choose a passphrase of your own first: somebody else knows this one.", field="passphrase",
                hint="Set it with: coopbank passphrase {user}", user=desk.actor.user,
            )  # fmt: skip
        self._require_code_begun(desk, desk.actor)
        if not self.may(desk, desk.actor, operation.name):
            raise NotAllowed(
                "{user} may not do this: {title}.", field="operation", user=desk.actor.user,
                title=translate(operation.title), hint="It belongs to: {roles}.",
                roles=", ".join(map(translate, operation.roles)),
            )  # fmt: skip
        if not access.must_begin(desk, desk.actor.user, desk.actor.roles):
            kept[question] = desk.actor

    def must_begin_code(self, books: Books, actor: Actor) -> bool:
        """Whether this person may do nothing before their one-time codes are begun.

        Not asked of who could not: whose passphrase opens no key here has nowhere to keep them.
        """
        if not access.must_begin(books, actor.user, actor.roles):
            return False
        file = self._key_file(books)
        return file is not None and file.opens_for(actor.user)

    def _require_code_begun(self, books: Books, actor: Actor) -> None:
        if self.must_begin_code(books, actor):
            raise NotAllowed(
                "{user} begins with one-time codes first: this bank asks them of whoever is {roles}.", field="code",
                user=actor.user, roles=books.policy(access.CODES_POLICY, ""), hint="Begin with: coopbank codes on",
            )  # fmt: skip

    @staticmethod
    def _second_reason(desk: Desk, operation: Operation) -> str | None:
        """Why a second person must approve: by the operation's own rule, or by the limits of the actor's roles."""
        return operation.second_reason(desk) or (None if operation.internal else limits.second_reason(desk, operation))

    @staticmethod
    def _approver_theirs(desk: Desk) -> set[str]:
        approver = desk.user(desk.approver) if desk.approver else None
        return approver.theirs if approver else set()

    @staticmethod
    def may(books: Books, actor: Actor, name: str) -> bool:
        """Whether one of the actor's roles holds the power to do it."""
        return limits.may(books, actor.roles, name)

    def _repeated(self, tx: Transaction, actor: Actor, operation: Operation, key: str) -> int | None:
        """Number of the operation that used this key for the same request; refuses another request."""
        row = tx.row("SELECT id, actor, kind, sealed FROM operation WHERE key = ?", key)
        if row is None:
            return None
        number, who, kind, sealed = row
        stored = loads(sealed)[10]
        if kind == Ask.name:
            kind, stored = stored["operation"], stored["payload"]
        known: dict[tuple[str, str | None], str] = {}
        for name, salt, value, digest in tx.rows(
            "SELECT field, salt, value, digest FROM personal WHERE operation_id = ?", number
        ):
            known[name, None if value is None else opened(self.keys, salt, value)[1]] = digest
        # what was forgotten since is not held against what is said now
        request = operation.sealed(lambda name, value: {"#": known.get((name, value)) or known.get((name, None), "")})
        if (who, kind, chain.canonical(stored)) != (actor.user, operation.name, chain.canonical(request)):
            raise KeyReused(
                "The key {key} was already used by operation {number} for another request.",
                field="key", key=key, number=number, hint="Use a new key for a new request.",
            )  # fmt: skip
        return int(number)

    def _log_refusal(self, actor: Actor, operation: Operation, refusal: Refused) -> None:
        """Seal that a signed-in person was refused; a fault in doing so must not hide the refusal."""
        request = LogRefusal(
            operation=operation.name, code=refusal.code, field_name=refusal.field, template=refusal.template[:200]
        )
        with suppress(CoopbankError):
            self._sealed_once(actor, request, self.new_key())

    def control_name(self, tx: Transaction, gl_code: str) -> str:
        """The name of a control account, remembered."""
        known = self._control_names.get(gl_code)
        if known is None:
            self._control_names = dict(tx.rows("SELECT code, name FROM gl_account"))
            known = self._control_names.get(gl_code, gl_code)
        return known


def _outcome_unknown(lost: ConnectionLost, keys: list[str | None]) -> ConnectionLost:
    """The same, where something was begun: whether it was done, its key tells."""
    if len(keys) == 1 and keys[0] is not None:
        return ConnectionLost(
            "The connection to {place} was lost, and whether it was done is not known.", key=keys[0],
            place=lost.values["place"], hint="Give it again with this key, and it is done once: {key}",
        )  # fmt: skip
    return ConnectionLost(
        "The connection to {place} was lost, and whether it was done is not known.", place=lost.values["place"],
        hint="Look whether it was done; if not, give it again.",
    )  # fmt: skip


def _locked_out(until: str) -> SignInRefused:
    return SignInRefused("Too many wrong passphrases. Try again after {until} (UTC).", field="user", until=until[:19])


def require_key(key: str) -> None:
    """Refuse an idempotency key that could not be kept, or that stands for an approval."""
    if not 0 < len(key) <= 200 or not key.isprintable():
        raise InvalidValue("A key is a text of 1 to 200 characters that can be printed.", field="key")
    if key.startswith(_RESERVED):
        reserved = next(prefix for prefix in _RESERVED if key.startswith(prefix))
        raise InvalidValue("Keys that begin with {reserved} are the program's own.", field="key", reserved=reserved)


def _with_second(draft: posting.Draft) -> None:
    """Let the rules see the draft as it will be once a second person has agreed."""
    draft.approver = draft.approver or "(second person)"


def request_hash(kind: str, version: int, request: Any) -> bytes:
    """SHA-256 of what was asked; verify recomputes it."""
    return chain.digest(chain.canonical([kind, version, request]))
