"""An attacker who owns the machine changes who agreed, who could, and up to how much: hashed anew, and found."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank.verify import verify
from coopbank.database import Database
from coopbank.ledger.verify import wrong
from tests.attacks.conftest import furnish
from tests.attacks.rewriter import Rewriter
from tests.support_bank import new_bank


@pytest.fixture(scope="session")
def peopled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Books in which sign-ins were renewed, limits set, powers changed, and shares redeemed by two people."""
    place = tmp_path_factory.mktemp("people") / "book.db"
    with new_bank(str(place)) as small:
        furnish(small)
        small.give_passphrase("tom", "tom has forgotten")
        small.agreed("reset-sign-in", by=small.admin, approver=small.sue, user="tom")
        small.bank.set_passphrase(small.admin, "tom", "for tom, once")
        small.bank.set_passphrase(small.bank.authenticate("tom", "for tom, once"), "tom", "tom's new words")
        for role in ("teller", "loan-officer"):
            small.agreed("set-role", by=small.admin, role=role, operation="withdraw", alone_up_to="60.00",
                         at_most="100.00")  # fmt: skip
            small.agreed("set-day-limit", by=small.admin, role=role, amount="5000.00")
        small.agreed("set-role", by=small.admin, approver=small.sue, role="supervisor", operation="grant-loan")
        small.do("withdraw", member="M0001", amount="50.00")
        small.agreed("withdraw", member="M0001", amount="70.00")
        small.agreed("redeem-shares", member="M0001", amount="25.00")
    return place


@pytest.fixture
def books(peopled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(peopled, tmp_path / "book.db"))


def found(path: Path) -> list[str]:
    database = Database.open(str(path), read_only=True)
    try:
        return [f"{f.check}: {f.message}" for f in wrong(verify(database))]
    finally:
        database.close()


def number(path: Path, kind: str, which: str = "max", where: str = "") -> int:
    db = sqlite3.connect(path)
    try:
        return int(db.execute(f"SELECT {which}(id) FROM operation WHERE kind = ? {where}", (kind,)).fetchone()[0])
    finally:
        db.close()


def record(places: Any, kind: str) -> Any:
    return next(row[5] for row in places[12] if row[0] == "record" and row[1] == kind)


def test_the_books_are_right(books: Path) -> None:
    assert not found(books)


def test_who_may_not_approve_did(books: Path) -> None:
    """Every trace says that ana agreed, a teller, who had asked herself: request, approval and operation."""
    done = number(books, "redeem-shares")

    def approval(places: Any) -> None:
        places[5] = "ana"
        record(places, "request")["decided_by"] = "ana"

    with Rewriter(books) as forger:
        forger.change(done - 1, approval)
        forger.change(done, lambda places: places.__setitem__(6, "ana"))
    told = found(books)
    assert "approvers: ana may not approve redeem-shares" in told
    assert any(each.startswith("two people: ana approved their own request ") for each in told)


def test_the_power_to_approve_was_not_there(books: Path) -> None:
    """An earlier change of a role becomes the taking of its power to approve."""
    taken = number(books, "set-role")

    def take(places: Any) -> None:
        body = next(row for row in places[12] if row[1] == "role")
        places[10] = {"role": "treasurer", "operation": "approve", "allowed": False}
        body[2] = "treasurer"
        body[5]["operations"] = [name for name in body[5]["operations"] if name != "approve"]

    with Rewriter(books) as forger:
        forger.change(taken, take)
    assert "approvers: tom had no power to approve" in found(books)


@pytest.mark.parametrize("kind", ["set-role", "set-day-limit", "reset-sign-in"])
def test_what_two_agreed_to_was_done_by_one(books: Path, kind: str) -> None:
    with Rewriter(books) as forger:
        forger.change(number(books, kind), lambda places: places.__setitem__(6, None))
    assert any(f.startswith(f"approvers: {kind} was done by admin alone, ") for f in found(books))


def amount(to: str) -> Any:
    def change(places: Any) -> None:
        minor, was = int(to.replace(".", "")), int(places[10]["amount"].replace(".", ""))
        places[10]["amount"] = to
        for entry in places[11]:
            for line in entry[4]:
                line[1] = minor if line[1] == was else -minor if line[1] == -was else line[1]

    return change


def test_more_than_a_role_moves_alone(books: Path) -> None:
    alone = number(books, "withdraw", "min")
    with Rewriter(books) as forger:
        forger.change(alone, amount("61.00"))
    assert found(books) == ["limits: ana moved 61.00 by withdraw, and may alone 60.00"]


def test_more_than_a_role_moves_at_all_or_in_a_day(books: Path) -> None:
    alone = number(books, "withdraw", "min")
    with Rewriter(books) as forger:
        forger.change(alone, amount("101.00"))
    assert "limits: ana moved 101.00 by withdraw, and may at all 100.00" in found(books)


def test_a_limit_for_a_day_is_lowered_afterwards(books: Path) -> None:
    def lower(places: Any) -> None:
        places[10]["amount"] = "40.00"
        record(places, "role")["a_day"] = 40_00

    with Rewriter(books) as forger:
        for which in ("min", "max"):
            forger.change(number(books, "set-day-limit", which), lower)
    assert "limits: ana moved 50.00 in a day, and may alone 40.00" in found(books)


def renewal(path: Path) -> int:
    return number(path, "set-passphrase", "max", "AND actor = 'admin'")


def test_a_passphrase_was_set_without_anybody_s_leave(books: Path) -> None:
    def without(places: Any) -> None:
        places[12] = [row for row in places[12] if row[1] != "sign-in-reset"]

    with Rewriter(books) as forger:
        forger.change(renewal(books), without)
    assert "sign-ins: admin set the passphrase of tom, and nobody had agreed" in found(books)


def test_the_leave_was_over(books: Path) -> None:
    with Rewriter(books) as forger:
        for which in (number(books, "reset-sign-in"), renewal(books)):
            forger.change(which, lambda places: record(places, "sign-in-reset").__setitem__("until", "2026-03-01"))
    assert "sign-ins: admin set the passphrase of tom, and nobody had agreed" in found(books)


def test_a_passphrase_that_two_know_went_on(books: Path) -> None:
    with Rewriter(books) as forger:
        forger.change(renewal(books), lambda places: record(places, "user").pop("must_change"))
    assert "sign-ins: tom goes on with a passphrase that admin knows" in found(books)
