"""A small founded bank for tests: staff, members, and days that go by. Everything goes through the operations.

    with new_bank(engine_url) as small:             # founded, Monday 2 March 2026 is open, drawer D1 is ana's
        mia = small.admit("Mia Lee", phone="601 555 0101")          # "M0001"
        small.do("buy-shares", member=mia, amount="25.00")          # by ana, the teller; returns the receipt
        small.do("open-savings", member=mia)
        small.do("deposit", member=mia, amount="150.00")
        small.agreed("redeem-shares", member=mia, amount="25.00")   # asked by ana, approved by tom
        small.go_to("2026-03-05")                   # closes drawer and day, sets the clock, opens the next
        small.balance("905/M0001")                  # -15000: minor units, debit +
        assert_books(small)                         # verify finds nothing

Staff, without passphrases (an `Actor` is enough to perform, and hashing is slow): `small.admin` administrator,
`small.ana` teller and loan officer, `small.tom` treasurer, `small.sue` supervisor. `small.bank` is the `Bank`,
`small.clock` its `SetClock`, `small.read()` gives `Books`. Nonces come from a counter, so that the same calls make
the same books, byte for byte.

`do` and `agreed` refuse with the bank's own errors; a `do` that ends pending fails the test at once.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, time
from typing import Any

from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor, Books
from coopbank.bank.operation import CHARITY, CREDIT_UNION, UNCHARTERED, WORKER_COOP, Operation, Receipt
from coopbank.bank.operations.founding import FoundBook
from coopbank.bank.verify import verify
from coopbank.clock import SetClock
from coopbank.ledger import periods, posting
from coopbank.ledger.verify import wrong
from coopbank.money import format_amount
from tests.copies import copied

__all__ = [
    "CHARITY",
    "CREDIT_UNION",
    "PASSPHRASE",
    "UNCHARTERED",
    "WORKER_COOP",
    "SmallBank",
    "assert_books",
    "new_bank",
]

PASSPHRASE = "correct horse battery"
FIRST_DAY = "2026-03-02"
PROVEN_EACH_TIME = 60  # operations of a book after which it may be proven at once; what comes later at its end
PROVEN_OFTEN = 3  # how often each kind of operation is, by each worker; further ones at the end of their book
NOON = time(18, tzinfo=UTC)  # in the middle of the working day of Jackson, Mississippi


class SmallBank:
    """A founded bank and the hands that work in it."""

    def __init__(self, bank: Bank, clock: SetClock) -> None:
        self.bank = bank
        self.clock = clock
        self.admin = Actor("admin", ("administrator",))
        self.ana = Actor("ana", ("loan-officer", "teller"))
        self.tom = Actor("tom", ("treasurer",))
        self.sue = Actor("sue", ("supervisor",))
        self.proven = 0  # the operation after which the books were last proven
        self.spoiled = False  # a test that damages the books says so; then they are not proven at their end

    # ---------------------------------------------------------------- operations

    def do(self, operation: str, /, by: Actor | None = None, key: str | None = None, **values: Any) -> Receipt:
        """Perform one operation, by ana if nobody else is named; it must be done, not left waiting."""
        receipt = self.ask(operation, by, key, **values)
        assert receipt.status in ("done", "repeated"), f"{operation} is {receipt.status}: {receipt.reason}"
        return receipt

    def ask(self, operation: str, /, by: Actor | None = None, key: str | None = None, **values: Any) -> Receipt:
        """Perform one operation, which may be left waiting for a second person, and prove the books."""
        receipt = self.bank.perform(by or self.ana, self.bank.build(operation, values), key=key)
        kinds = (operation, *(each.kind for each in receipt.then))
        if receipt.number <= PROVEN_EACH_TIME and any(_proven[kind] < PROVEN_OFTEN for kind in kinds):
            assert_books(self)
            _proven.update(kinds)
        return receipt

    def reckoned_before(self, operation: Operation, by: Actor, meanwhile: Callable[[], object]) -> Receipt:
        """Perform one that reckons before the book is locked, with what somebody does between the two."""
        reckoned = self.bank._reckon(by, [(operation, None)])
        assert reckoned, f"{operation.name} reckons nothing ahead"
        meanwhile()
        self.bank._reckoned = reckoned
        try:
            with self.bank.database.write() as tx:
                return self.bank._perform(tx, by, operation, self.bank.new_key())
        finally:
            self.bank._reckoned = []

    def agreed(
        self, operation: str, /, by: Actor | None = None, approver: Actor | None = None, **values: Any
    ) -> Receipt:
        """Perform one that takes two people: asked for by ana, approved by tom. Returns what it set off."""
        asked = self.ask(operation, by, **values)
        assert asked.status == "pending", f"{operation} needed nobody else"
        return self.do("approve", by=approver or self.tom, request=asked.request).then[0]

    def admit(self, name: str, **values: Any) -> str:
        """Admit a member; returns the number."""
        return self.do("admit-member", member_name=name, **values).created[0]

    def give_passphrase(self, user: str, words: str) -> None:
        """The administrator sets a first passphrase, and its owner one of their own with what that opens."""
        keys = self.bank.keys
        self.bank.set_passphrase(self.admin, user, f"{words}, from the administrator")
        actor = self.bank.authenticate(user, f"{words}, from the administrator")
        self.bank.set_passphrase(actor, user, words)
        self.bank.keys = keys

    # ---------------------------------------------------------------------- days

    def go_to(self, day: str | date, *, open_drawer: bool = True) -> None:
        """Close what is open, and open that day."""
        self.close_day()
        self.open_day(day, open_drawer=open_drawer)

    def open_day(self, day: str | date, *, open_drawer: bool = True) -> None:
        """Set the clock to noon of that day and open it, with ana's drawer D1."""
        self.clock.instant = datetime.combine(date.fromisoformat(str(day)), NOON)
        opened = self.ask("open-day", date=str(day))
        if opened.status == "pending":  # so long after the last day that a second person looks at it
            self.do("approve", by=self.tom, request=opened.request)
        if open_drawer:
            with self.read() as books:
                vault = books.balance("POOL", "739/VAULT")
            self.do("open-drawer", drawer="D1", float_amount=self.text(min(vault, 100_000)))

    def close_day(self) -> None:
        """Close every open drawer with what it holds, and the day. Nothing if no day is open."""
        with self.read() as books:
            if periods.open_day(books.tx) is None:
                return
            drawers = [
                (ref, drawer.owner, books.balance("POOL", f"739/{ref}"))
                for ref, drawer in books.every(records.Drawer)
                if drawer.state == "open"
            ]
            owners = {owner: books.actor_now(str(owner)) for _ref, owner, _held in drawers}
        for ref, owner, held in drawers:
            self.do("close-drawer", by=owners[owner], drawer=ref, counted=self.text(held))
        self.do("close-day")

    # ------------------------------------------------------------------- reading

    def read(self) -> AbstractContextManager[Books]:
        """One consistent view of the books."""
        return self.bank.read()

    def balance(self, code: str, fund: str = "GEN") -> int:
        """A leaf's balance now in minor units, debit +."""
        with self.read() as books:
            return books.balance(fund, code)

    def text(self, minor: int) -> str:
        """An amount as operations take it."""
        return format_amount(minor, self.bank.institution.currency)


@contextmanager
def new_bank(
    place: str,
    *,
    name: str = "Pearl River Community Bank",
    nonces: int = 0,
    begin: Callable[[SmallBank], object] | None = None,
    **founding: Any,
) -> Iterator[SmallBank]:
    """Found a bank at that place, with staff, and open its first day. `founding` is for `FoundBook`.

    Books whose `nonces` begin elsewhere have another number. `begin` is what then happens in it, a function of the bank
    alone: the books of the first one are copied for all others.
    """
    small = _opened(place, name, nonces, founding, begin)
    try:
        yield small
        with small.read() as books:
            last = posting.head(books.tx).number
        if last != small.proven and not small.spoiled:
            assert_books(small)
    finally:
        small.bank.close()


def _opened(
    place: str, name: str, nonces: int, founding: dict[str, Any], begin: Callable[[SmallBank], object] | None = None
) -> SmallBank:
    """The bank on its first day: from the copy that this process made of an equal one, in a tenth of the time."""
    made = (place.partition("://")[0] if "://" in place else "", name, repr((nonces, sorted(founding.items()))), begin)
    if made in _copies:
        put_back, drawn, instant = _copies[made]
        put_back(place)
        clock = SetClock(instant)
        return SmallBank(Bank.open(place, clock=clock, nonce=CountedNonces(drawn)), clock)
    small = _founded(place, name, nonces, founding) if begin is None else _opened(place, name, nonces, founding)
    nonce = small.bank._nonce
    assert isinstance(nonce, CountedNonces)
    with small.bank.database.closed_on_failure():
        if begin is None:
            _begin(small)
        else:
            begin(small)
        _copies[made] = copied(small.bank.database), nonce.count, small.clock.instant
    return small


def _founded(place: str, name: str, nonces: int, founding: dict[str, Any]) -> SmallBank:
    clock = SetClock(datetime.combine(date.fromisoformat(FIRST_DAY), NOON))
    request = FoundBook(bank_name=name, **{"administrator_roles": ["administrator"]} | founding)
    bank = Bank.found(place, request, passphrase=PASSPHRASE, clock=clock, nonce=CountedNonces(nonces))
    return SmallBank(bank, clock)


def _begin(small: SmallBank) -> None:
    """Its staff and its first day."""
    small.do("add-user", by=small.admin, user="ana", full_name="Ana Reyes", user_roles=["teller", "loan-officer"])
    small.do("add-user", by=small.admin, user="tom", full_name="Tom Okafor", user_roles=["treasurer"])
    supervisor = {"user": "sue", "full_name": "Sue Hart", "user_roles": ["supervisor"]}
    small.agreed("add-user", by=small.admin, approver=small.tom, **supervisor)
    small.open_day(FIRST_DAY)


_copies: dict[tuple[Any, ...], tuple[Callable[[str], None], int, datetime]] = {}
"""By engine, name, founding and what then happened: what puts a copy of it somewhere, the nonces drawn, and its day."""


_proven: Counter[str] = Counter()
"""How often books were proven right after an operation of a kind, in this process."""


class CountedNonces:
    """Salts and keys from a counter: the same calls make the same books."""

    def __init__(self, count: int = 0) -> None:
        self.count = count

    def __call__(self, size: int) -> bytes:
        self.count += 1
        return hashlib.sha256(f"nonce {self.count}".encode()).digest()[:size]


def assert_books(small: SmallBank) -> None:
    """The books prove themselves from the sealed log alone: no check finds anything."""
    found = wrong(verify(small.bank.database))
    assert not found, "\n".join(f"{f.check}: operation {f.operation}: {f.message}" for f in found)
    with small.read() as books:
        small.proven = posting.head(books.tx).number
