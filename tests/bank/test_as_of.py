"""The books as they stood when an operation was the last one: every report says again what it said then."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import coopbank
from coopbank.bank.books import Books
from coopbank.errors import DatabaseUnusable, Unknown
from coopbank.ledger.posting import EntryDraft, Line
from coopbank.reports import as_document, balance_sheet, fund, income, member, portfolio, trial_balance
from coopbank.reports.loan import story
from tests.forging import forge
from tests.support_bank import SmallBank, assert_books, new_bank

SPAN = (date(2026, 3, 1), date(2026, 4, 30))


def reports(books: Books) -> dict[str, Any]:
    """What the books say, by every kind of report and by the caches themselves."""
    asked: dict[str, Callable[[], Any]] = {
        "member": lambda: member(books, "M0001", *SPAN), "trial": lambda: trial_balance(books),
        "trial then": lambda: trial_balance(books, date(2026, 3, 31)), "sheet": lambda: balance_sheet(books),
        "income": lambda: income(books, *SPAN), "fund": lambda: fund(books), "portfolio": lambda: portfolio(books),
        "loan": lambda: story(books, "L-001"),
    }  # fmt: skip
    found: dict[str, Any] = {}
    for name, ask in asked.items():
        try:
            found[name] = as_document(ask())
        except Unknown as refusal:
            found[name] = str(refusal)
    tx = books.tx
    found["balances"] = tx.rows("SELECT account_id, debit, credit, floor, ceiling FROM balance ORDER BY 1")
    found["days"] = tx.rows("SELECT account_id, effective_on, debit, credit FROM balance_day ORDER BY 1, 2")
    found["controls"] = tx.rows(
        "SELECT span, gl_code, fund, currency, debit, credit FROM control_total ORDER BY 1, 2, 3, 4"
    )
    found["counts"] = [
        tx.value(f"SELECT count(*) FROM {table}")
        for table in ("operation", "entry", "posting", "record", "account", "gl_account", "fund", "period_state")
    ]
    found["names"] = tx.rows("SELECT member, name FROM directory ORDER BY 1")
    found["policy"], found["day"] = books.policy("phone"), books.business_date()
    return found


def life(small: SmallBank) -> list[Callable[[], Any]]:
    """What happens in the bank, one after the other; after each the books are asked."""
    do, agreed = small.do, small.agreed
    money = {"amount": "90.00", "tender": "transfer"}
    terms = {"principal": "600.00", "annual_rate": "9", "installments": 6, "member": "M0001"}
    return [
        lambda: do("receive-gift", by=small.tom, fund="RLF", amount="900.00", donor="A friend", tender="transfer"),
        lambda: small.admit("Ada Tate"),
        lambda: do("buy-shares", member="M0001", amount="25.00"),
        lambda: do("open-savings", member="M0001"),
        lambda: do("deposit", member="M0001", amount="80.00"),
        lambda: agreed("grant-loan", approver=small.tom, **terms),
        lambda: do("disburse-loan", by=small.tom, loan="L-001"),
        lambda: small.go_to("2026-04-02"),
        lambda: do("repay-loan", loan="L-001", **money),
        lambda: undo(small),
        lambda: do("repay-loan", loan="L-001", **money | {"amount": "95.00"}),
        lambda: do("change-member", member="M0001", member_name="Ada Tate-Lee"),
        lambda: agreed(
            "journal-entry", by=small.tom, approver=small.sue, memo="Paid for her", effective_on="2026-03-05",
            lines=["GEN 791/M0001 Dr 12.00", "GEN 731/FIRST Cr 12.00"],
        ),
        lambda: agreed("set-policy", by=small.tom, approver=small.sue, policy="phone", value="601 555 0100"),
        lambda: agreed("close-month", by=small.tom, approver=small.sue, month="2026-03"),
        lambda: small.go_to("2026-04-09"),
        lambda: do("withdraw", member="M0001", amount="15.00"),
    ]  # fmt: skip


def undo(small: SmallBank) -> None:
    """Take the newest operation back."""
    small.agreed("reverse", by=small.tom, approver=small.sue, operation=head_of(small), reason="typed twice")


def head_of(small: SmallBank) -> int:
    with small.read() as books:
        return int(books.tx.value("SELECT max(id) FROM operation"))


def test_every_report_says_again_what_it_said_then(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        small.do("receive-gift", by=small.tom, fund="GEN", amount="500.00", donor="A friend", tender="transfer")
        remembered: dict[int, dict[str, Any]] = {}
        for step in life(small):
            step()
            with small.read() as books:
                remembered[head_of(small)] = reports(books)
        for number, said in remembered.items():
            with small.bank.read(number) as books:
                again = reports(books)
            assert {name for name in said if said[name] != again[name]} == set(), number
        with small.read() as books:  # nothing of the views is left on the connection
            assert reports(books) == remembered[max(remembered)]
        assert_books(small)


def test_what_goes_wrong_while_the_past_is_read_leaves_no_view(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        now = head_of(small)
        with pytest.raises(ZeroDivisionError), small.bank.read(2):
            _ = 1 // 0
        assert head_of(small) == now
        with pytest.raises(DatabaseUnusable), small.bank.read(2) as books:  # the engine itself gives up
            books.tx.rows("SELECT nothing FROM nowhere")
        assert head_of(small) == now
        for number in (0, -1, now + 1, 10**15, 10**30):
            with pytest.raises(Unknown), small.bank.read(number):
                pass
        assert head_of(small) == now


def test_the_past_is_read_where_nobody_may_write(tmp_path: Path) -> None:
    from coopbank.bank.bank import Bank

    place = str(tmp_path / "b.db")
    with new_bank(place) as small:
        small.admit("Ada Tate")
        number = head_of(small)
        small.admit("Bea Lee")
    before = Path(place).read_bytes()
    bank = Bank.open(place, read_only=True)
    with bank.read(number) as books:
        assert books.tx.value("SELECT count(*) FROM directory") == 1
    with bank.read() as books:
        assert books.tx.value("SELECT count(*) FROM directory") == 2
    bank.close()
    assert Path(place).read_bytes() == before


def test_the_past_is_read_from_a_file_that_nobody_can_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No journal may be made beside it, so SQLite takes the file as one that never changes."""
    from coopbank.bank.bank import Bank

    place = tmp_path / "b.db"
    with new_bank(str(place)) as small:
        small.admit("Ada Tate")
        number = head_of(small)
        small.admit("Bea Lee")
    monkeypatch.setattr("coopbank.database.os.access", lambda _path, _mode: False)
    bank = Bank.open(str(place), read_only=True)
    for as_of, members in ((number, 1), (None, 2), (number, 1)):
        with bank.read(as_of) as books:
            assert books.tx.value("SELECT count(*) FROM directory") == members
    bank.close()
    assert [path.name for path in tmp_path.iterdir()] == ["b.db"]


def test_who_only_reads_a_server_reads_the_past_and_still_cannot_write(engine_url: str) -> None:
    from coopbank.bank.bank import Bank

    with new_bank(engine_url) as small:
        small.admit("Ada Tate")
        number = head_of(small)
        small.admit("Bea Lee")
        bank = Bank.open(engine_url, read_only=True)
        for as_of, members in ((number, 1), (None, 2), (number, 1)):
            with bank.read(as_of) as books:
                assert books.tx.value("SELECT count(*) FROM directory") == members
        with pytest.raises(DatabaseUnusable), bank.database.write() as tx:
            tx.run("DELETE FROM session")
        bank.close()


def test_the_counter_goes_on_while_the_past_is_read(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        small.admit("Ada Tate")
        number = head_of(small)
        small.do("open-savings", member="M0001")
        with small.bank.read(number) as books:
            before = reports(books)
            small.do("deposit", member="M0001", amount="80.00")
            with small.read() as now:
                assert now.balance("GEN", "905/M0001") == -80_00
            assert reports(books) == before


def test_a_member_of_a_busy_bank_is_read_without_the_other_lines(tmp_path: Path) -> None:
    """The work grows with the member's own lines: a thousand lines of another cost fewer than a hundred steps."""
    with new_bank(str(tmp_path / "b.db")) as small:
        for name in ("Ada Tate", "Bea Lee"):
            small.do("open-savings", member=small.admit(name))
        small.do("deposit", member="M0001", amount="80.00")
        before = head_of(small)
        small.do("deposit", member="M0002", amount="5.00")
        few = steps_of(small, before)
        crowd(small, "M0002", 1000)
        after = head_of(small)
        small.do("deposit", member="M0002", amount="5.00")
        assert steps_of(small, before) < few + 100, "what came later"
        assert steps_of(small, after) < few + 100, "what was there already"


def crowd(small: SmallBank, who: str, entries: int) -> None:
    """Many entries of one member, sealed at once."""
    with small.bank.database.read() as tx:
        claim, savings = (Books(tx).leaf("GEN", code) for code in ("729", f"905/{who}"))
        assert claim is not None and savings is not None
        lines = [(Line(claim.id, sign), Line(savings.id, -sign)) for sign in (1, -1)]
        day = small.clock.today()
    crowd = [EntryDraft("crowd", day, lines[n % 2]) for n in range(entries)]
    forge(small, key="crowd", kind="deposit", request={"crowd": entries}, entries=crowd)


def steps_of(small: SmallBank, number: int) -> int:
    """How many of its own steps SQLite needs for a member's report as of an operation."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    with small.bank.read(number) as books:
        driver = books.tx.connection.connection.dbapi_connection
        driver.set_progress_handler(step, 1)
        try:
            assert member(books, "M0001", *SPAN)
        finally:
            driver.set_progress_handler(None, 1)
    return count


def test_what_concerns_one_thing_is_found_by_it_and_not_by_its_kind(tmp_path: Path) -> None:
    """SQLite keeps no statistics here, and would go through every record of the kind, which grows with the bank."""
    with new_bank(str(tmp_path / "b.db")) as small, small.bank.read() as books:
        asked = "SELECT body FROM record WHERE about = 'M0001' AND kind{} = 'hold'"
        slow, fast = (str(books.tx.rows(f"EXPLAIN QUERY PLAN {asked.format(part)}")[0][3]) for part in ("", " || ''"))
    assert "record_about" in fast
    assert "record_about" not in slow  # once SQLite knows better, the spelling can go
    where = re.compile(r"\b(?:\w\.)?kind = (?:\?|'[a-z-]+') AND (?:\w\.)?about =|about = \? AND (?:\w\.)?kind = \?")
    sources = Path(coopbank.__file__).parent.rglob("*.py")
    assert [path.name for path in sources if where.search(path.read_text(encoding="utf-8"))] == []


def test_a_question_about_one_leaf_finds_it_by_the_index(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        small.admit("Ada Tate")
        with small.bank.read(head_of(small) - 1) as books:
            for sql in (
                "SELECT sum(debit) FROM balance_day WHERE account_id IN (3, 4) AND effective_on < '2026-04-01'",
                "SELECT debit FROM balance WHERE account_id = 3",
                "SELECT amount FROM posting WHERE account_id = 3",
                "SELECT body FROM record WHERE kind = 'member' AND ref = 'M0001' ORDER BY version DESC LIMIT 1",
            ):
                plan = " ".join(str(row[3]) for row in books.tx.rows(f"EXPLAIN QUERY PLAN {sql}"))
                assert "SCAN p" not in plan and "SCAN posting" not in plan and "SCAN record" not in plan, plan
