"""What a till keeps of the books between two operations is never older than they are, whoever changed them and however.

`pair` is one book at two tills, each a program of its own as far as the database can tell; `plain` tells what a program
that keeps nothing would say of the same request. On both engines.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from coopbank import database as databases
from coopbank.bank import books as bank_books
from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor, Books, Kept
from coopbank.bank.operation import Operation, Receipt
from coopbank.database import Database, Transaction
from coopbank.errors import (
    CoopbankError,
    DatabaseBusy,
    DatabaseMissing,
    DatabaseUnusable,
    DayClosed,
    DrawerClosed,
    LimitReached,
    NotAllowed,
    Overdrawn,
    OwnAccount,
    Refused,
    Unknown,
)
from tests.copies import copied
from tests.support_bank import CountedNonces, SmallBank, new_bank

MIA, NOA = "M0001", "M0002"
BEA = Actor("bea", ("teller",))


class NothingKept(Kept):
    """Every question is asked anew."""

    def now(self, tx: Transaction) -> dict[Any, Any]:
        tx.kept = None
        return {}


@dataclass
class Pair:
    """One book, two tills, and a witness who keeps nothing."""

    small: SmallBank
    here: Bank
    there: Bank
    plain: Bank

    def at(self, till: Bank, operation: str, by: Actor | None = None, /, **values: Any) -> Receipt:
        return till.perform(by or self.small.ana, till.build(operation, values))

    def agreed_at(self, till: Bank, operation: str, by: Actor, /, **values: Any) -> None:
        asked = self.at(till, operation, by, **values)
        if asked.status == "pending":
            self.at(till, "approve", self.small.sue, request=asked.request)


@pytest.fixture
def pair(engine_url: str) -> Iterator[Pair]:
    with new_bank(engine_url) as small:
        small.do("open-savings", member=small.admit("Mia Lee"))
        small.do("open-savings", member=small.admit("Noa Banks"))
        small.do("deposit", member=MIA, amount="100.00")
        person = {"user": BEA.user, "full_name": "Bea Moss", "user_roles": list(BEA.roles)}
        small.agreed("add-user", by=small.admin, approver=small.sue, **person)
        others = [
            Bank.open(engine_url, clock=small.clock, nonce=CountedNonces(number * 1_000_000)) for number in (1, 2)
        ]
        others[1]._kept = NothingKept()
        try:
            yield Pair(small, small.bank, *others)
        finally:
            for other in others:
                other.close()


# -------------------------------------------------------------------------- what a colleague did at another till


def deposits(pair: Pair) -> Callable[..., Receipt]:
    """Ana has just paid money in and out at her till, so it knows all that it can."""
    pair.at(pair.here, "deposit", member=MIA, amount="2.00")
    pair.at(pair.here, "withdraw", member=MIA, amount="1.00")
    return lambda operation, **values: pair.at(pair.here, operation, **{"member": MIA, "amount": "1.00"} | values)


def test_a_power_that_was_taken_away_is_gone_at_once(pair: Pair) -> None:
    again, admin = deposits(pair), pair.small.admin
    pair.agreed_at(pair.there, "set-role", admin, role="teller", operation="withdraw", allowed=False)
    with pytest.raises(NotAllowed, match="may not do this"):
        again("withdraw")
    again("deposit")
    pair.agreed_at(pair.there, "set-role", admin, role="teller", operation="withdraw", allowed=True, at_most="5.00")
    with pytest.raises(LimitReached):
        again("withdraw", amount="5.01")
    again("withdraw", amount="5.00")
    pair.agreed_at(pair.there, "set-role", admin, role="teller", operation="withdraw", allowed=True, alone_up_to="3.00")
    assert again("withdraw", amount="4.00").status == "pending"


def test_a_person_who_was_let_go_does_nothing_more(pair: Pair) -> None:
    again = deposits(pair)
    change = {"user": "ana", "user_roles": ["auditor"]}
    pair.agreed_at(pair.there, "change-role", pair.small.admin, **change)
    with pytest.raises(NotAllowed):
        again("deposit")
    pair.agreed_at(pair.there, "change-role", pair.small.admin, **change | {"active": False})
    with pytest.raises(Unknown, match="not an active user"):
        again("deposit")
    pair.agreed_at(pair.there, "change-role", pair.small.admin, **change | {"user_roles": ["teller"]})
    again("deposit")
    pair.agreed_at(pair.there, "link-user", pair.small.admin, user="ana", member=MIA)
    with pytest.raises(OwnAccount):
        again("deposit")


def test_the_money_that_is_there_is_what_is_there_now(pair: Pair) -> None:
    again = deposits(pair)
    pair.at(pair.there, "withdraw", member=MIA, amount="100.00")
    with pytest.raises(Overdrawn):
        again("withdraw", amount="1.01")
    again("withdraw", amount="1.00")
    pair.agreed_at(pair.there, "set-policy", pair.small.tom, policy="cheque_hold_days", value="5")
    pair.at(pair.there, "deposit", member=MIA, amount="50.00", tender="cheque", cheque_number="7")
    with pytest.raises(Overdrawn):  # all of it is held
        again("withdraw")


def test_a_drawer_and_a_day_that_were_closed_are_closed(pair: Pair) -> None:
    again, small = deposits(pair), pair.small
    pair.at(pair.there, "close-drawer", drawer="D1", counted=small.text(small.balance("739/D1", "POOL")))
    with pytest.raises(DrawerClosed):
        again("deposit")
    pair.at(pair.there, "open-drawer", drawer="D1", float_amount="20.00")
    again("deposit")
    pair.at(pair.there, "close-drawer", drawer="D1", counted=small.text(small.balance("739/D1", "POOL")))
    pair.at(pair.there, "close-day", small.tom)
    with pytest.raises(DayClosed):
        pair.at(pair.here, "receive-gift", small.tom, amount="1.00", donor="Many", tender="transfer")
    small.clock.instant = small.clock.instant.replace(day=3)
    pair.at(pair.there, "open-day", small.tom, date="2026-03-03")
    done = pair.at(pair.here, "receive-gift", small.tom, amount="1.00", donor="Many", tender="transfer")
    assert done.business_date == "2026-03-03"


# --------------------------------------------------------------------------------------------- what was undone


def test_what_was_undone_was_never_known(pair: Pair) -> None:
    """A list that is refused at its end, and one that is only tried, leave nothing behind in the till."""
    small, till = pair.small, pair.here
    third = small.admit("Oto Cole")
    opens = till.build("open-savings", {"member": third})
    pays = till.build("deposit", {"member": third, "amount": "7.00"})
    never = till.build("withdraw", {"member": MIA, "amount": "900.00"})
    for _ in range(2):
        with pytest.raises(Overdrawn):
            till.perform_all(small.ana, [(opens, None), (pays, None), (never, None)])
        assert [type(each) for each in till.try_all(small.ana, [(opens, None), (never, None), (pays, None)])] == [
            Receipt, Overdrawn, Receipt,
        ]  # fmt: skip
        assert till.preview_all(small.ana, [(opens, None), (pays, None)])[1].effects[-1].before == 0
        with pytest.raises(Refused):
            till.perform(small.ana, pays)
    with till.read() as books:
        assert books.find(records.Savings, f"S-{third}") is None


def test_what_is_undone_to_a_savepoint_is_not_known_after_it(pair: Pair) -> None:
    """Money that moved did not, and a power that was taken away is there."""
    small, till = pair.small, pair.here
    asked = pair.at(till, "set-role", small.admin, role="teller", operation="withdraw", allowed=False)
    agree = till.build("approve", {"request": asked.request})
    deposit, again = (till.build("deposit", {"member": MIA, "amount": amount}) for amount in ("5.00", "6.00"))
    told = pair.plain.preview(small.ana, again)
    with till.database.write() as tx:
        with contextlib.suppress(ZeroDivisionError), tx.savepoint():
            till._performed(tx, small.ana, deposit, till.new_key())
            raise ZeroDivisionError
        assert_alike(told, till._performed(tx, small.ana, again, till.new_key()))
    with till.database.write() as tx, contextlib.suppress(ZeroDivisionError), tx.savepoint():
        till._performed(tx, small.sue, agree, till.new_key())
        with pytest.raises(NotAllowed), tx.savepoint():
            till._performed(tx, small.ana, till.build("withdraw", {"member": MIA, "amount": "1.00"}), till.new_key())
        raise ZeroDivisionError
    pair.at(till, "withdraw", member=MIA, amount="1.00")
    pair.at(till, "approve", small.sue, request=asked.request)
    with pytest.raises(NotAllowed):
        pair.at(till, "withdraw", member=MIA, amount="1.00")


class Cursor:
    """A driver's cursor that fails at the statement it is told, before or after it was carried out."""

    def __init__(self, cursor: Any, plan: dict[str, Any]) -> None:
        self._cursor, self._plan = cursor, plan

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def execute(self, sql: str, *values: Any) -> Any:
        return self._carried_out(self._cursor.execute, sql, values)

    def executemany(self, sql: str, *values: Any) -> Any:
        return self._carried_out(self._cursor.executemany, sql, values)

    def _carried_out(self, statement: Callable[..., Any], sql: str, values: tuple[Any, ...]) -> Any:
        self._plan["left"] -= 1
        if self._plan["left"] != 0:
            return statement(sql, *values)
        if self._plan["after"]:
            statement(sql, *values)
        raise self._plan["error"]


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("error", [sqlite3.OperationalError("database or disk is full"), KeyboardInterrupt()])
def test_a_fault_at_any_statement_leaves_a_till_that_knows_the_books(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, after: bool, error: BaseException
) -> None:
    plan: dict[str, Any] = {"left": -1, "after": after, "error": error}
    begin = databases.Transaction.__init__

    def begin_with_a_fault(tx: Transaction, connection: Any) -> None:
        begin(tx, connection)
        tx._cursor = Cursor(tx._cursor, plan)

    monkeypatch.setattr(databases.Transaction, "__init__", begin_with_a_fault)
    till, ana = pair.here, pair.small.ana
    admit = till.build("admit-member", {"member_name": "Oto Cole"})
    deposit = till.build("deposit", {"member": MIA, "amount": "1.00"})
    probe = till.build("deposit", {"member": MIA, "amount": "3.00"})
    for works in ([deposit], [admit, deposit]):
        for place in range(1, 100):
            plan["left"] = place
            try:
                till.perform_all(ana, [(each, None) for each in works])
            except (DatabaseUnusable, KeyboardInterrupt):
                plan["left"] = -1
                assert_alike(pair.plain.preview(ana, probe), till.perform(ana, probe))
            if plan["left"] > 0:  # every statement has failed once
                break
        else:
            pytest.fail("there is no end to its statements")


def assert_alike(told: Receipt, done: Receipt) -> None:
    assert told.effects == done.effects
    assert [entry.lines for entry in told.entries] == [entry.lines for entry in done.entries]


# ------------------------------------------------------------------------------------------- an older copy put back


def test_an_older_copy_put_back_is_read_as_it_is(pair: Pair, engine_url: str) -> None:
    """A server's database that was put back while a program was open; a file would not be the same one any more."""
    small, till = pair.small, pair.here
    everybody_out(pair)
    put_back = copied(till.database)
    pair.agreed_at(till, "set-role", small.admin, role="teller", operation="withdraw", allowed=False)
    with pytest.raises(NotAllowed):
        pair.at(till, "withdraw", member=MIA, amount="1.00")
    if till.database.path is not None:
        away = till.database.path.rename(till.database.path.with_name("away.db"))
        put_back(engine_url)
        with pytest.raises(DatabaseMissing):
            pair.at(till, "deposit", member=MIA, amount="1.00")
        away.replace(till.database.path)
        return
    everybody_out(pair)
    put_back(engine_url)
    assert {each.before for each in pair.at(till, "withdraw", member=MIA, amount="1.00").effects} >= {-100_00}
    with pytest.raises(Overdrawn):
        pair.at(till, "withdraw", member=MIA, amount="99.01")


def everybody_out(pair: Pair) -> None:
    for bank in (pair.here, pair.there, pair.plain):
        bank.database.close()


# ----------------------------------------------------------------------------------------- many at once, and at random


def test_threads_of_two_programs_each_find_the_balance_that_the_last_one_left(pair: Pair) -> None:
    small, moved, powers = pair.small, [], []
    changing = threading.Event()

    def serve(number: int) -> None:
        drawn, till = random.Random(number), (pair.here, pair.there)[number % 2]
        while not changing.is_set():
            values = {"member": drawn.choice([MIA, NOA]), "amount": drawn.choice(["1.00", "30.00", "90.00"])}
            with contextlib.suppress(Refused, DatabaseBusy):
                done = till.perform(small.ana, till.build(drawn.choice(["deposit", "withdraw"]), values))
                moved.append((done.number, done.kind, done.effects))

    hands = [threading.Thread(target=serve, args=(number,)) for number in range(3)]
    for hand in hands:
        hand.start()
    try:
        for turn in itertools.count():
            if turn >= 6 and (len(moved) > 10 or not all(hand.is_alive() for hand in hands)):
                break  # six turns may be over before the hands have had theirs
            asked = small.ask("set-role", small.admin, role="teller", operation="withdraw", allowed=bool(turn % 2))
            powers.append((small.ask("approve", small.sue, request=asked.request).then[0].number, bool(turn % 2)))
    finally:
        changing.set()
        for hand in hands:
            hand.join()
    last: dict[str, int] = {}
    for number, kind, effects in sorted(moved, key=lambda done: done[0]):
        for effect in effects:
            assert last.get(effect.code, effect.before) == effect.before
            last[effect.code] = effect.after
        assert kind == "deposit" or ([True] + [held for since, held in powers if since < number])[-1]
    assert len(moved) > 10


def test_tills_say_what_one_says_that_keeps_nothing(pair: Pair) -> None:
    """Requests of every kind at either till, alone, in lists, and in lists that are only tried."""
    drawn = random.Random(14)
    waiting: list[str] = []
    for _step in range(30):
        till = drawn.choice([pair.here, pair.there])
        by, request = drawn_request(drawn, pair, waiting)
        if drawn.random() < 0.6:
            told, _asked = verdict(pair.plain.preview, by, request)
            said, asked = verdict(till.perform, by, request)
            assert said == told or request.name == "approve"  # which does more than it shows beforehand
            waiting += asked
            continue
        several = [(request, None), *((drawn_request(drawn, pair, [])[1], None) for _ in range(2))]
        assert tried(pair.plain, by, several) == tried(till, by, several)
        assert verdict(pair.plain.preview_all, by, several)[0] == verdict(till.perform_all, by, several)[0]


def drawn_request(drawn: random.Random, pair: Pair, waiting: list[str]) -> tuple[Actor, Operation]:
    small, member = pair.small, drawn.choice([MIA, NOA])
    amount = drawn.choice(["1.00", "20.00", "90.00", "400.00"])
    if waiting and drawn.random() < 0.5:
        return small.sue, pair.plain.build("approve", {"request": waiting.pop()})
    if drawn.random() < 0.7:
        kind = drawn.choice(["deposit", "withdraw", "withdraw"])
        return drawn.choice([small.ana, small.ana, BEA]), pair.plain.build(kind, {"member": member, "amount": amount})
    by, kind, values = drawn.choice([
        (small.ana, "admit-member", {"member_name": "Somebody"}),
        (small.admin, "set-role", {"role": "teller", "operation": "withdraw", "at_most": amount}),
        (small.admin, "set-day-limit", {"role": "teller", "amount": drawn.choice(["0.00", "150.00"])}),
        (small.admin, "change-role", {"user": "ana", "user_roles": ["teller"], "active": drawn.random() < 0.8}),
        (small.admin, "change-role", {"user": "bea", "user_roles": [drawn.choice(["teller", "auditor"])]}),
        (small.tom, "set-policy", {"policy": "cheque_hold_days", "value": drawn.choice(["0", "3"])}),
        (small.ana, "open-drawer", {"drawer": "D1", "float_amount": "0.00"}),
        (small.ana, "close-drawer", {"drawer": "D1", "counted": small.text(small.balance("739/D1", "POOL"))}),
    ])  # fmt: skip
    return by, pair.plain.build(kind, values)


def verdict(do: Callable[..., Any], by: Actor, asked: Any) -> tuple[Any, list[str]]:
    """A refusal in its words, or what would stand in the books and why it waits; and what waits."""
    try:
        done = do(by, asked)
    except CoopbankError as refusal:
        return (type(refusal), str(refusal)), []
    if isinstance(done, list):
        return [(each.reason, each.effects) for each in done], []
    return (done.reason, None if done.reason else done.effects), [done.request] if done.request else []


def tried(bank: Bank, by: Actor, several: list[tuple[Operation, str | None]]) -> list[Any]:
    return [
        str(each) if isinstance(each, CoopbankError) else (each.status, each.effects)
        for each in bank.try_all(by, several)
    ]


# ------------------------------------------------------------------------------------------------- and not for ever


def test_what_is_kept_has_a_bound_within_one_operation_too(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_books, "_MOST_KEPT", 5)
    with pair.here.database.read() as tx:
        kept = pair.here._kept.now(tx)
        books = Books(tx, kept=kept)
        for number in range(50):
            assert books.find(records.Member, f"M{number + 1000}") is None
        assert books.find(records.Member, MIA) is not None
    assert 0 < len(kept[records.Member.kind]) <= 6
    pair.at(pair.here, "deposit", member=MIA, amount="1.00")


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
def test_what_another_thread_learns_while_an_operation_is_sealed_does_not_undo_it(pair: Pair) -> None:
    """What is kept is gone through when an operation has written records; a look at another screen may add to it."""
    learned = itertools.count()

    class Looking(str):
        """A kind of which, whenever it is looked up, a thread that reads the same books has just learned another."""

        def __hash__(self) -> int:
            shared.setdefault(f"kind {next(learned)}", {})
            return super().__hash__()

        def __eq__(self, other: object) -> bool:
            return super().__eq__(other)

    pair.at(pair.here, "deposit", member=MIA, amount="1.00")
    with pair.here.database.read() as tx:
        shared = pair.here._kept.now(tx)
    shared[Looking("a kind")] = {}
    before = len(shared)
    pair.small.admit("Rae Fox")
    assert len(shared) > before and pair.here._kept._at[1] is not shared


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
def test_what_cannot_even_be_undone_is_told_in_words(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails while a refused request is taken back: no driver's error reaches who stands at the counter."""

    class Failing:
        def __init__(self, driver: Any) -> None:
            self._driver = driver

        def __getattr__(self, name: str) -> Any:
            return getattr(self._driver, name)

        def rollback(self) -> None:
            self._driver.rollback()
            raise sqlite3.OperationalError("disk I/O error")

    till = pair.here
    pair.at(till, "deposit", member=MIA, amount="1.00")
    taken = Database._taken_for_file

    def taken_to_fail(database: Database) -> Any:
        pooled = taken(database)
        monkeypatch.setattr(pooled, "dbapi_connection", Failing(pooled.dbapi_connection))
        return pooled

    with monkeypatch.context() as failing:
        failing.setattr(Database, "_taken_for_file", taken_to_fail)
        with pytest.raises(DatabaseUnusable, match="disk I/O error"):
            pair.at(till, "withdraw", member=MIA, amount="900.00")
    pair.at(till, "withdraw", member=MIA, amount="1.00")
