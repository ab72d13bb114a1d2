"""Promises of the institution's registers, broken by whoever rewrites the log with good hashes: each is found by name.

One book lives through aid, donated work, a pair between institutions and write-downs; each case rewrites a copy of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank.bank import Bank
from coopbank.bank.operations.books import JournalEntry
from coopbank.bank.verify import verify
from coopbank.clock import SetClock
from coopbank.ledger.verify import wrong
from tests.attacks.rewriter import Places, Rewriter
from tests.bank.conftest import TODAY, begin
from tests.bank.test_solidarity import fund_it, give
from tests.forging import forge
from tests.support_bank import NOON, SmallBank, new_bank


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("promises") / "book.db"
    with new_bank(str(place)) as bank:
        begin(bank)
        fund_it(bank)
        for policy, value in (("solidarity_case", "200.00"), ("solidarity_year", "400.00")):
            bank.agreed("set-policy", by=bank.tom, approver=bank.sue, policy=policy, value=value)
        give(bank, recipient="Mia Lee", recipient_member="M0001", amount="110.00")
        give(bank, recipient="LEE, Mia", amount="100.00")
        give(bank, recipient="Mia Lee", recipient_member="M0003", amount="90.00")  # another of that name
        bank.agreed("open-fund", by=bank.tom, approver=bank.sue, code="CLT", fund_name="L", fund_class="designated")
        bank.agreed("recognise-donated-work", by=bank.tom, approver=bank.sue, building="B-1", hours="40",
                    hourly="25.00", work="carpentry", source="wage survey")  # fmt: skip
        bank.agreed(
            "add-institution", by=bank.tom, approver=bank.sue, code="TRUST", institution_name="T", book="a" * 32
        )
        owe: dict[str, Any] = {"institution": "TRUST", "memo": "insurance", "amount": "50.00"}
        bank.agreed("owe-institution", by=bank.tom, approver=bank.sue, **owe)
        bank.do(
            "confirm-pair", by=bank.tom, pair="IP-0001", their_operation=9, their_head="b" * 16, their_amount="50.00"
        )
        loan = bank.agreed("grant-loan", member="M0002", principal="900.00", annual_rate="6", installments=9).created[0]
        bank.do("disburse-loan", by=bank.tom, loan=loan)
        for gift in (False, True):
            bank.agreed("write-down", by=bank.tom, approver=bank.sue, loan=loan, principal="100.00", resolution="R-1",
                        gift=gift)  # fmt: skip
        assert not wrong(verify(bank.bank.database))
    return place


@pytest.fixture
def copy(lived: Path, tmp_path: Path) -> Iterator[SmallBank]:
    clock = SetClock(datetime.combine(date.fromisoformat(TODAY), NOON))
    bank = SmallBank(Bank.open(str(shutil.copy(lived, tmp_path / "book.db")), clock=clock), clock)
    yield bank
    bank.bank.close()


def record(places: Places, kind: str) -> dict[str, Any]:
    """The body of the record of a kind that an operation wrote."""
    return next(row[5] for row in places[12] if row[1] == kind)


def policy(places: Places, value: str) -> None:
    places[10]["value"] = record(places, "policy")["value"] = value


def elsewhere(bank: SmallBank, fund: str, code: str, other: str) -> Callable[[Places], None]:
    """Lines of one account are another's."""
    with bank.read() as books:
        was, now = books.leaf(fund, code), books.leaf(fund, other)
    assert was is not None and now is not None

    def change(places: Places) -> None:
        for line in places[11][0][4]:
            line[0] = now.id if line[0] == was.id else line[0]

    return change


def unprovided(places: Places) -> None:
    """Without the lines that provide for it: those of 301, which come first, and their other side."""
    places[11][0][4] = places[11][0][4][2:]


#: Kind of the operation and which of them, what is changed, the check that finds it and what it says.
PLANTED: dict[str, tuple[str, int, Callable[[Places], Any], str, str]] = {
    "a case above its cap": ("set-policy", 0, lambda p: policy(p, "99.99"), "solidarity", "S-02 was given 100.00"),
    "a recipient above the cap of a year": (
        "set-policy", 1, lambda p: policy(p, "209.99"), "solidarity", "with S-02 its recipient was given 210.00",
    ),
    "work on another building": (
        "recognise-donated-work", 0, lambda p: record(p, "donated-work").update(building="B-2"), "land", "772/B-1",
    ),
    "another head confirmed": (
        "confirm-pair", 0, lambda p: record(p, "pair").update(their_head="c" * 16), "institutions",
        "not what was typed",
    ),
    "another amount confirmed": (
        "confirm-pair", 0, lambda p: p[10].update(their_amount="51.00"), "institutions", "another amount",
    ),
    "a confirmation that changes more": (
        "confirm-pair", 0, lambda p: record(p, "pair").update(memo="rent"), "institutions", "changed what it says",
    ),
    "a confirmation by who owes": (
        "owe-institution", 0, lambda p: record(p, "pair").update(their_operation=9), "institutions",
        "changed what was confirmed",
    ),
    "more written down than was decided": (
        "write-down", 0, lambda p: p[10].update(principal="99.00"), "losses", "not what was decided",
    ),
    "a loss that calls itself a gift": ("write-down", 0, lambda p: p[10].update(gift=True), "losses", "did not give"),
    "a loss without its provision": ("write-down", 0, unprovided, "losses", "provided 0.00, not"),
}  # fmt: skip


def found(bank: SmallBank, check: str) -> list[str]:
    return [each.message for each in wrong(verify(bank.bank.database)) if each.check == check]


@pytest.mark.parametrize("name", PLANTED)
def test_what_was_planted_is_found_by_its_check(copy: SmallBank, name: str) -> None:
    kind, which, change, check, says = PLANTED[name]
    with copy.read() as books:
        numbers = [n for (n,) in books.tx.rows("SELECT id FROM operation WHERE kind = ? ORDER BY id", kind)]
    with Rewriter(copy.bank.database.place) as forger:
        forger.change(numbers[which], change)
    assert any(says in message for message in found(copy, check)), found(copy, check)


def test_a_loss_given_away_is_found(copy: SmallBank) -> None:
    """Whoever books the loss as aid spares the allowance: the entry balances, and the loan's own accounts agree."""
    with copy.read() as books:
        number = books.tx.value("SELECT min(id) FROM operation WHERE kind = 'write-down'")
    with Rewriter(copy.bank.database.place) as forger:
        forger.change(number, elsewhere(copy, "RLF", "301", "366"))
    assert any("RLF lost" in message for message in found(copy, "losses"))


def test_a_building_that_another_operation_moves_is_found(copy: SmallBank) -> None:
    forge(copy, [("CLT", "772/B-1", 100), ("CLT", "182", -100)])
    assert found(copy, "land") == ["772/B-1 in fund CLT moved by 1.00, the register says 0.00"]


def test_a_journal_entry_that_names_what_is_owned_is_found(copy: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whoever changed the rule, and nothing else."""
    monkeypatch.setattr(JournalEntry, "_require_plain", lambda *_given: None)
    copy.spoiled = True
    lines = ["GEN 772/B-1 Dr 1.00", "GEN 940 Cr 1.00", "GEN 728/RLF Dr 2.00", "RLF 878/GEN Cr 2.00", "RLF 940 Dr 2.00",
             "GEN 931 Cr 2.00", "GEN 892/TRUST Dr 3.00", "GEN 862 Cr 3.00"]  # fmt: skip
    copy.agreed("journal-entry", copy.tom, copy.sue, memo="m", lines=lines)
    named = sorted(message.split()[4] for message in found(copy, "journal entries"))
    assert named == ["728/RLF,", "772/B-1,", "878/GEN,", "892/TRUST,"]


def test_whoever_is_forgotten_accuses_nobody(copy: SmallBank) -> None:
    """A cap is told only of what can still be read: that somebody was forgotten makes no finding."""
    copy.agreed("forget-case", by=copy.tom, approver=copy.admin, case="S-01", before_time=True)
    with copy.read() as books:
        number = books.tx.rows("SELECT id FROM operation WHERE kind = 'set-policy' ORDER BY id")[1][0]
    with Rewriter(copy.bank.database.place) as forger:
        forger.change(number, lambda places: policy(places, "209.99"))
    assert found(copy, "solidarity") == []
