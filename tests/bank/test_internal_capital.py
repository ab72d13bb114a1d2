"""Internal capital accounts in a worker co-op's own book: E32, interest, a loss that workers bear, and who leaves."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.bank import groups, records
from coopbank.bank.bank import Bank
from coopbank.bank.capital import borne, held
from coopbank.bank.equity_proof import equity_faults
from coopbank.bank.operation import CATALOGUE, Receipt
from coopbank.bank.passphrases import set_passphrase
from coopbank.cli import main
from coopbank.clock import SetClock
from coopbank.errors import (
    AlreadyExists,
    CannotReverse,
    InvalidAmount,
    InvalidDate,
    InvalidValue,
    NotAllowed,
    NotOffered,
    Overdrawn,
    SealRefused,
    Unknown,
    WrongState,
)
from coopbank.ledger.posting import NewRecord
from coopbank.reports.capital import capital
from coopbank.reports.member_equity import member_equity
from coopbank.reports.patronage import patronage_notice
from coopbank.reports.taxes import tax_rows
from coopbank.statements import make, make_again
from tests.bank.support_counter import posted, refused
from tests.bank.support_equity import close_year, earn, end_of_year, lines
from tests.conformance.test_entries import read_blocks
from tests.forging import forge
from tests.statements.told import Told
from tests.support_bank import NOON, PASSPHRASE, WORKER_COOP, SmallBank, assert_books, new_bank

E32 = read_blocks("own_books.md")["E32"]
WORKERS = ("M0001", "M0002", "M0003")
CLOSED = "2027-01-04"


def both(farm: SmallBank, operation: str, **values: Any) -> Receipt:
    return farm.agreed(operation, by=farm.tom, approver=farm.sue, **values)


def begin(farm: SmallBank) -> Receipt:
    """A year of a farm of three, closed, its surplus divided as its assembly voted; the entry of that."""
    for name in ("Ada Bell", "Bo Cole", "Cy Dunn"):
        member = farm.admit(name)
        farm.do("buy-shares", member=member, amount="25.00")
    earn(farm, "9000.00")
    rules = {"steps": ["indivisible 30", "patronage hours 100"], "consent": "bylaw 12", "resolution": "Assembly"}
    both(farm, "set-surplus-rules", **rules)
    hours = ["M0001 1000", "M0002 800", "M0003 200"]
    both(farm, "record-hours", year="2026", source="sheets", hours=hours)
    end_of_year(farm)
    close_year(farm)
    farm.do("propose-surplus", by=farm.tom, year="2026")
    return both(farm, "allocate-surplus", year="2026", resolution="Assembly of 4 January")


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("farm") / "book.db"
    with new_bank(str(place), name="Pearl River Farm", institution_kind=WORKER_COOP) as farm:
        begin(farm)
    return place


@pytest.fixture
def farm(founded: Path, tmp_path: Path) -> Iterator[SmallBank]:
    clock = SetClock(datetime.combine(date.fromisoformat(CLOSED), NOON))
    bank = SmallBank(Bank.open(str(shutil.copy(founded, tmp_path / "book.db")), clock=clock), clock)
    try:
        yield bank
        if not bank.spoiled:
            assert_books(bank)
    finally:
        bank.bank.close()


def leaves(farm: SmallBank, control: str, vintage: str) -> list[int]:
    """What the three have there."""
    return [-farm.balance(f"{control}/{member}/{vintage}".rstrip("/")) for member in WORKERS]


def taken_back(farm: SmallBank, receipt: Receipt) -> None:
    farm.agreed("reverse", by=farm.tom, approver=farm.sue, operation=receipt.number, reason="it was wrong")


def year(farm: SmallBank, number: int, result: str, *, expense: bool = False) -> None:
    """The next year: it brings something, or costs it, and is ready to be closed."""
    if expense:
        moved = [f"GEN 250 Dr {result}", f"GEN 865 Cr {result}"]
        both(farm, "journal-entry", memo="a bad harvest", lines=moved)
    else:
        earn(farm, result)
    end_of_year(farm, number, since=1)


# ------------------------------------------------------------------------------------------------ the years of a farm


def test_a_farm_on_both_engines(engine_url: str) -> None:
    with new_bank(engine_url, name="Pearl River Farm", institution_kind=WORKER_COOP) as farm:
        as_written = {f"W{number}": member for number, member in enumerate(WORKERS, 1)}
        block: Counter[tuple[str, str, int]] = Counter()
        for _fund, code, amount in E32.lines:
            control, _slash, rest = code.partition("/")
            worker, slash, vintage = rest.partition("/")
            block["GEN", f"{control}/{as_written[worker]}{slash}{vintage}" if worker else control, amount] += 1
        assert posted(begin(farm)) == [block]
        _refuses_what_the_reserve_holds(farm)
        year(farm, 2027, "500.00")
        interest = {"year": "2027", "rate": "2", "basis": "year-end", "resolution": "Assembly"}
        found = both(farm, "credit-capital-interest", **interest)
        assert lines(found) == {
            "GEN 386": 100_80, "GEN 950/M0001/2027": -50_40, "GEN 950/M0002/2027": -40_32, "GEN 950/M0003/2027": -10_08,
        }  # fmt: skip
        assert found.entries[0].effective_on == "2027-12-31"
        assert_books(farm)
        taken_back(farm, found)
        found = both(farm, "credit-capital-interest", **interest)
        close_year(farm, 2027)
        _one_leaves(farm)
        assert_books(farm)


def _refuses_what_the_reserve_holds(farm: SmallBank) -> None:
    """Nobody gets any of 932: no journal entry takes it, and the database seals none that would."""
    refused(farm, InvalidValue, "journal-entry", farm.tom, field="lines.0.account", memo="x",
            lines=["GEN 932 Dr 1.00", "GEN 950/M0001/2026 Cr 1.00"])  # fmt: skip
    with pytest.raises(SealRefused, match="is never moved to a member"):
        forge(farm, [("GEN", "932", 1_00), ("GEN", "950/M0001/2026", -1_00)])


def _one_leaves(farm: SmallBank) -> None:
    """Ada gives her share back, and gets her capital in three parts, a year apart; then she is no member any more."""
    farm.agreed("accept-redemption", member="M0001", amount="25.00")
    left = both(farm, "return-capital", member="M0001", installments=3, resolution="Assembly")
    assert lines(left) == {
        "GEN 950/M0001/2026": 2520_00, "GEN 950/M0001/2027": 50_40, "GEN 825/M0001": -2570_40,
    }  # fmt: skip
    assert left.created == ("RD-00002", "RD-00003", "RD-00004")
    with farm.read() as books:
        due = {ref: (body.payable_on, body.amount) for ref, body in books.about(records.Redemption, "waiting")}
    assert [due[ref] for ref in left.created] == [
        ("2028-01-04", 856_80), ("2029-01-04", 856_80), ("2030-01-04", 856_80),
    ]  # fmt: skip
    farm.do("pay-redemption", by=farm.tom, redemption="RD-00002", tender="transfer")
    refused(farm, WrongState, "pay-redemption", farm.tom, field="redemption", says="2029-01-04", redemption="RD-00003",
            tender="transfer")  # fmt: skip
    with farm.read() as books:
        worker = capital(books, 2028, "M0001").workers[0]
        left_over, stays = member_equity(books, "M0001"), member_equity(books, "M0002")
    assert [(each.vintage, each.paid_out, each.closing) for each in worker.vintages] == [
        ("2026", 2520_00, 0), ("2027", 50_40, 0),
    ]  # fmt: skip
    assert [each.redemption for each in worker.due] == ["RD-00003", "RD-00004"]
    assert [(each.ref, each.share_class) for each in left_over.given_back] == [
        ("RD-00001", "901"), ("RD-00003", "950"), ("RD-00004", "950"),
    ]  # fmt: skip
    assert [(each.vintage, each.control) for each in stays.retained] == [("2026", "950"), ("2027", "950")]
    assert not left_over.retained


# ------------------------------------------------------------------------------------------------------- losses


def test_a_loss_is_borne_in_proportion(farm: SmallBank) -> None:
    year(farm, 2027, "1000.01", expense=True)
    share: dict[str, Any] = {"year": "2027", "resolution": "Assembly"}
    refused(farm, WrongState, "share-loss", farm.tom, field="year", says="not closed", **share)
    refused(
        farm, WrongState, "credit-capital-interest", farm.tom, field="rate", says="not made good", rate="2", **share
    )
    close_year(farm, 2027)
    refused(farm, WrongState, "share-loss", farm.tom, field="year", says="no loss", year="2026", resolution="x")
    refused(farm, InvalidAmount, "share-loss", farm.tom, field="amount", says="1,000.01", amount="1000.02", **share)
    part = both(farm, "share-loss", amount="10.00", **share)
    assert leaves(farm, "950", "2026") == [2515_00, 2012_00, 503_00]
    refused(farm, AlreadyExists, "share-loss", farm.tom, field="year", **share)
    taken_back(farm, part)
    found = both(farm, "share-loss", **share)
    assert lines(found) == {
        "GEN 950/M0001/2026": 500_01, "GEN 950/M0002/2026": 400_00, "GEN 950/M0003/2026": 100_00, "GEN 940": -1000_01,
    }  # fmt: skip
    with farm.read() as books:
        drawn = capital(books, 2028)
    assert [worker.vintages[0].losses for worker in drawn.workers] == [500_01, 400_00, 100_00]
    assert (drawn.opening, drawn.closing, drawn.collective) == (5040_00, 4039_99, 2700_00)


def test_never_below_zero(farm: SmallBank) -> None:
    year(farm, 2027, "9000.00", expense=True)
    close_year(farm, 2027)
    more = {"year": "2027", "amount": "5040.01", "resolution": "Assembly"}
    refused(farm, Overdrawn, "share-loss", farm.tom, field="amount", says="5,040.00", **more)
    found = both(farm, "share-loss", year="2027", resolution="Assembly")
    assert dict(found.notes)["Not made good"] == "3,960.00"
    assert leaves(farm, "950", "2026") == [0, 0, 0]
    taken_back(farm, found)
    assert sum(leaves(farm, "950", "2026")) == 5040_00


@given(st.dictionaries(st.text("ab", min_size=1, max_size=4), st.integers(1, 10**9), min_size=1), st.data())
def test_parts_of_a_loss_sum_and_stay_within(capital: dict[str, int], data: st.DataObject) -> None:
    amount = data.draw(st.integers(1, sum(capital.values())))
    parts = borne(amount, capital)
    assert sum(parts.values()) == amount and all(0 < part <= capital[of] for of, part in parts.items())


# ----------------------------------------------------------------------------------------------------- who leaves


def test_who_stays_waits_for_the_vintage(farm: SmallBank) -> None:
    gives = {"member": "M0002", "resolution": "Assembly"}
    refused(farm, WrongState, "return-capital", farm.tom, field="member", says="membership shares", **gives)
    refused(farm, Unknown, "return-capital", farm.tom, field="member", member="M0009", resolution="x")
    farm.agreed("accept-redemption", member="M0002", amount="25.00")
    refused(farm, InvalidDate, "return-capital", farm.tom, field="first_on", first_on="2026-12-31", **gives)
    refused(farm, InvalidValue, "return-capital", farm.tom, field="installments", installments=61, **gives)
    for_ever = {"field": "installments", "says": "252", "installments": 22}
    refused(farm, InvalidValue, "return-capital", farm.tom, **for_ever, **gives)
    refused(farm, NotAllowed, "return-capital", farm.ana, **gives)
    first = both(farm, "return-capital", **gives)
    refused(farm, Overdrawn, "return-capital", farm.tom, field="member", **gives)
    taken_back(farm, first)
    assert leaves(farm, "950", "2026") == [2520_00, 2016_00, 504_00]
    paid_in_part = both(farm, "return-capital", installments=2, **gives)
    one = farm.do("pay-redemption", by=farm.tom, redemption=paid_in_part.created[0], tender="transfer")
    with pytest.raises(CannotReverse, match="Later"):
        taken_back(farm, paid_in_part)
    taken_back(farm, one)
    taken_back(farm, paid_in_part)
    both(farm, "return-capital", first_on="2027-06-30", installments=7, months=1, **gives)
    part = both(farm, "redeem-patronage", vintage="2026", amount="302.40", resolution="Assembly")
    assert lines(part)["GEN 823/M0001"] == -252_00
    assert leaves(farm, "950", "2026") == [2268_00, 0, 453_60]


def test_what_a_worker_who_died_had_goes_to_the_estate(farm: SmallBank) -> None:
    farm.do("record-death", member="M0003", died_on="2027-01-02", evidence="4711")
    both(farm, "return-capital", member="M0003", installments=2, months=6, resolution="Assembly")
    estate: dict[str, Any] = {"member": "M0003", "account": "825", "estate_name": "Lou", "papers": "12/26"}
    pays = {**estate, "tender": "transfer"}
    refused(farm, WrongState, "pay-redemption", farm.tom, redemption="RD-00001", tender="transfer")
    refused(farm, InvalidAmount, "pay-estate", farm.tom, field="amount", says="252.00", amount="100.00", **pays)
    refused(farm, WrongState, "pay-estate", farm.tom, field="account", says="2027-07-04", amount="504.00", **pays)
    paid = both(farm, "pay-estate", amount="252.00", **pays)
    assert_books(farm)
    taken_back(farm, paid)
    assert farm.balance("825/M0003") == -504_00
    farm.go_to("2027-07-05")
    both(farm, "pay-estate", amount="504.00", **pays)
    with farm.read() as books:
        assert not books.about(records.Redemption, "waiting")


# ------------------------------------------------------------------------------------------------- where it belongs


def test_a_bank_has_none(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "bank.db")) as bank:
        member = bank.admit("Mia Lee")
        opening = ["GEN 950/M0001/2024 Cr 10.00", "GEN 741 Dr 10.00"]
        refused(bank, NotOffered, "opening-balance", bank.tom, field="lines.0.account", lines=opening)
        refused(bank, InvalidValue, "journal-entry", bank.tom, field="lines.0.account", memo="x", lines=opening)
        refused(bank, NotOffered, "return-capital", bank.tom, member=member, resolution="x")
        with bank.read() as books, pytest.raises(NotOffered, match="worker co-operative"):
            capital(books, 2026)


def test_old_accounts_are_taken_over_by_worker_and_vintage(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "farm.db"), institution_kind=WORKER_COOP) as farm:
        farm.admit("Mia Lee")
        debit = "GEN 741 Dr 10.00"
        for wrong in ("GEN 950/M0001 Cr 10.00", "GEN 950 Cr 10.00", "RLF 950/M0001/2024 Cr 10.00"):
            with pytest.raises(InvalidValue):
                farm.ask("opening-balance", by=farm.tom, lines=[wrong, debit.replace("GEN", wrong[:3])])
        both(farm, "opening-balance", lines=["GEN 950/M0001/2024 Cr 10.00", debit])
        with farm.read() as books:
            assert held(books) == {"M0001/2024": 10_00}
            assert capital(books, 2026).workers[0].vintages[0].retained == 10_00
        rules = {"steps": ["patronage hours 100"], "qualified": False, "resolution": "x"}
        refused(farm, InvalidValue, "set-surplus-rules", farm.tom, field="qualified", **rules)
        rules = {"steps": ["indivisible 30", "patronage interest 100"], "consent": "bylaw 12", "resolution": "x"}
        refused(farm, InvalidValue, "set-surplus-rules", farm.tom, field="steps.1", says="by hours", **rules)
        refused(farm, NotOffered, "open-savings", member="M0001")
        taken = ["GEN 905/M0001 Cr 10.00", debit]  # nobody could take them out again
        refused(farm, NotOffered, "opening-balance", farm.tom, field="lines.0.account", lines=taken)


def test_interest_refuses(farm: SmallBank) -> None:
    interest: dict[str, Any] = {"year": "2027", "rate": "2", "resolution": "Assembly"}
    refused(farm, WrongState, "credit-capital-interest", farm.tom, field="year", says="not over", **interest)
    closed = {**interest, "year": "2026"}
    refused(farm, WrongState, "credit-capital-interest", farm.tom, field="year", says="is closed", **closed)
    year(farm, 2027, "500.00")
    refused(farm, InvalidValue, "credit-capital-interest", farm.tom, field="rate", **{**interest, "rate": "0"})
    refused(farm, InvalidAmount, "credit-capital-interest", farm.tom, field="rate", **{**interest, "rate": "8.5"})
    assert farm.ask("credit-capital-interest", by=farm.tom, key="once", **interest).status == "pending"
    assert farm.ask("credit-capital-interest", by=farm.tom, key="once", **interest).status == "repeated"
    both(farm, "credit-capital-interest", **interest)
    refused(farm, AlreadyExists, "credit-capital-interest", farm.tom, field="year", **interest)


def test_what_is_moved_beside_the_rules_is_found(farm: SmallBank) -> None:
    farm.spoiled = True
    forge(farm, [("GEN", "950/M0001/2026", 1_00), ("GEN", "940", -1_00)], key="a")
    body = records.CapitalLoss(amount=1_00, members=3, resolution="x", on=CLOSED)
    document = body.model_dump(mode="json")
    forge(farm, [("GEN", "950/M0001/2026", 1_00), ("GEN", "940", -1_00)], key="b",
          rows=[NewRecord("capital-loss", "2026", 1, None, document)])  # fmt: skip
    with farm.read() as books:
        said = "\n".join(fault for _number, fault in equity_faults(books.tx))
    assert "log-refusal moved account 950" in said
    assert "the loss of 2026 is not borne by the workers in proportion" in said
    assert "1.00 of a loss of 2026 was borne, the year lost 0.00" in said


def test_all_of_it_takes_two_people_and_is_of_a_worker_co_op() -> None:
    for name in ("credit-capital-interest", "share-loss", "return-capital"):
        assert CATALOGUE[name].second_person and CATALOGUE[name].offered_by == (WORKER_COOP,)


# ------------------------------------------------------------------------------------------------------- what is shown


def test_the_accounts_are_shown_and_given_as_json(
    farm: SmallBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    farm.agreed("accept-redemption", member="M0002", amount="25.00")
    both(farm, "return-capital", member="M0002", installments=2, months=6, resolution="Assembly")
    with farm.bank.database.write() as tx:
        set_passphrase(tx, "tom", PASSPHRASE)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COOPBANK_PASSPHRASE", PASSPHRASE)
    asked = ("--db", str(tmp_path / "book.db"), "--as", "tom", "capital")
    assert main([*asked, "2027"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "M0002 Bo Cole 2026 0.00 2,016.00 0.00 0.00 2,016.00 0.00" in shown
    assert "RD-00003: 1,008.00 is owed to M0002 on 2027-07-04." in shown
    assert shown.endswith("Collective part, which no worker ever gets: 2,700.00")
    assert main([*asked, "2027", "M0001", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["workers"][0]["vintages"] == [{
        "account": "950/M0001/2026", "vintage": "2026", "opening": "0.00", "retained": "2520.00", "interest": "0.00",
        "losses": "0.00", "paid_out": "0.00", "closing": "2520.00",
    }]  # fmt: skip
    assert main([*asked, "2025", "M0001"]) != 0 and main([*asked, "soon"]) != 0


def test_a_worker_gets_it_on_one_page(farm: SmallBank, tmp_path: Path) -> None:
    actor = farm.tom
    made = make(
        farm.bank, "capital-statement", "M0001", None, date(2027, 12, 31), actor=actor, folder=str(tmp_path / "papers")
    )
    with pikepdf.open(made.path) as pdf:
        assert len(pdf.pages) == 1
    assert made.number == "IC-2027-M0001"
    with pytest.raises(Unknown, match="no internal capital in 2025"):
        make(farm.bank, "capital-statement", "M0001", None, date(2025, 12, 31), actor=actor, folder=str(tmp_path))


def test_what_a_worker_was_given_is_told_to_the_tax_office(farm: SmallBank) -> None:
    year(farm, 2027, "500.00")
    both(farm, "credit-capital-interest", year="2027", rate="2", basis="year-end", resolution="Assembly")
    with farm.read() as books:
        patronage = {row.member: row.boxes["1"] for row in tax_rows(books, 2027)[0].rows}
        notice = patronage_notice(books, "M0001", 2026)
    assert patronage == {"M0001": 3150_00, "M0002": 2520_00, "M0003": 630_00}
    assert (notice.cash, notice.retained, notice.vintage) == (630_00, 2520_00, 2026)
    with farm.read() as books:
        interest = {row.member: row.boxes["1"] for row in tax_rows(books, 2028)[1].rows}
    assert interest == {"M0001": 50_40, "M0002": 40_32, "M0003": 10_08}  # credited in January 2028


def test_a_statement_made_while_capital_is_on_its_way_is_replaced_by_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even that of a worker to whom nothing comes: it says "not yet complete". One of a year that is over is whole."""
    monkeypatch.setattr(groups, "LARGEST", 1)
    monkeypatch.setattr(groups, "PAUSE_SECONDS", 0)
    with new_bank(str(tmp_path / "farm.db"), institution_kind=WORKER_COOP) as farm:
        members = [farm.admit(name) for name in ("Ada Bell", "Bo Cole", "Cy Dunn")]
        lines = ["GEN 950/M0003/2024 Cr 10.00", "GEN 950/M0001/2024 Cr 10.00", "GEN 741 Dr 20.00"]
        both(farm, "opening-balance", lines=lines)
        for member in members[:2]:
            farm.do("buy-shares", member=member, amount="25.00")
        earn(farm, "9000.00")
        rules = {"steps": ["indivisible 30", "patronage hours 100"], "consent": "bylaw 12", "resolution": "Assembly"}
        both(farm, "set-surplus-rules", **rules)
        both(farm, "record-hours", year="2026", source="sheets", hours=["M0001 1000", "M0002 800"])
        end_of_year(farm)
        close_year(farm)
        farm.do("propose-surplus", by=farm.tom, year="2026")
        with monkeypatch.context() as patch:
            patch.setattr(Bank, "carry_out", lambda _bank, _actor: 0)  # the program ends before the first part
            both(farm, "allocate-surplus", year="2026", resolution="Assembly of 4 January")
            for operation, field, more in (
                ("credit-capital-interest", "year", {"year": "2026", "rate": "4"}),
                ("share-loss", "year", {"year": "2026"}), ("return-capital", "member", {"member": "M0001"}),
            ):  # fmt: skip
                refused(farm, WrongState, operation, farm.tom, field=field, says="Surplus of 2026 is not on all acc",
                        resolution="R-1", **more)  # fmt: skip

        def statement(year: int) -> tuple[bool, str]:
            made = make(farm.bank, "capital-statement", "M0003", None, date(year, 12, 31), actor=farm.tom,
                        folder=str(tmp_path))  # fmt: skip
            return "Not yet complete" in Told(made.path.read_bytes()).text, made.number

        assert (statement(2026), statement(2027)) == ((False, "IC-2026-M0003"), (True, "IC-2027-M0003"))
        assert farm.bank.carry_out(farm.tom) == 2
        assert statement(2027) == statement(2027) == (False, "IC-2027-M0003.E2")
        again = make_again(farm.bank, "IC-2027-M0003", actor=farm.tom, folder=str(tmp_path))
        assert again.identical and "Not yet complete" in Told(again.path.read_bytes()).text
