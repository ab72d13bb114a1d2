"""What the screens ask, on both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from coopbank.bank import anchors, records
from coopbank.bank.operations.copies import RecordBackup
from coopbank.ledger import posting
from coopbank.tui import queries
from coopbank.tui.queries import PAGE
from coopbank.tui.session import Session
from coopbank.tui.widgets.member_card import backup_words
from tests.support_bank import SmallBank, assert_books, new_bank


@pytest.fixture
def small(engine_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallBank]:
    monkeypatch.setenv("COOPBANK_BACKUPS", str(tmp_path / "backups"))
    with new_bank(engine_url) as bank:
        for name, phone in (("Ada 100% Abernathy", "601 555 0101"), ("Josué Núñez", "601 555 0102")):
            bank.admit(name, phone=phone)
        bank.do("buy-shares", member="M0001", amount="25.00")
        bank.do("open-savings", member="M0001")
        bank.do("deposit", member="M0001", amount="150.00", memo="rent")
        bank.do("deposit", member="M0001", amount="60.00", tender="cheque", cheque_number="311")
        yield bank


@pytest.fixture
def session(small: SmallBank, engine_url: str) -> Iterator[Session]:
    opened = Session(engine_url, clock=small.clock)
    opened.actor = small.ana
    opened.look_up_powers()
    yield opened
    opened.close()


def test_finding(session: Session) -> None:
    def found(text: str) -> list[str]:
        return [hit.member for hit in queries.find(session, text)]

    assert found("ada") == ["M0001"]
    assert found("aber ada") == ["M0001"]
    assert found("100%") == ["M0001"]
    assert found("%") == ["M0001"]
    assert found("_") == []
    assert found("2") == ["M0002"]
    assert found("m0002") == ["M0002"]
    assert found("0102") == ["M0002"]
    assert found("NÚÑEZ") == ["M0002"]
    assert found("' OR 1=1 --") == []
    assert found("x" * 10_000) == []


def test_a_card_and_its_passbook(session: Session, small: SmallBank) -> None:
    undone = small.do("deposit", member="M0001", amount="5.00")
    small.do("reverse", operation=undone.number, reason="typed twice")
    card = queries.card(session, "M0001")
    assert [(line.balance, line.held, line.available) for line in card.savings] == [(21000, 6000, 15000)]
    assert [(line.paid_up, line.amount) for line in card.report.shares] == [(True, 2500)]
    assert [(line.out, line.came, line.balance) for line in card.activity] == [
        (500, 0, 21000), (0, 500, 21500), (0, 6000, 21000), (0, 15000, 15000), (0, 2500, 2500),
    ]  # fmt: skip
    assert [line.reversed_by is not None for line in card.activity] == [False, True, False, False, False]
    assert [line.what for line in card.activity] == [
        f"Correction of receipt {undone.number}: Paid in, cash", "Paid in, cash", "Paid in, cheque 311",
        "Paid in, cash: rent", "Shares issued, cash",
    ]  # fmt: skip
    assert not card.own
    assert_books(small)


def test_a_loan_in_a_passbook_is_principal_and_interest_together(session: Session, small: SmallBank) -> None:
    small.do("receive-gift", by=small.tom, donor="Friends", amount="5000.00", fund="RLF", tender="transfer")
    small.agreed(
        "grant-loan", member="M0002", principal="1200.00", annual_rate="3", installments=12, first_due="2026-04-01"
    )
    small.do("disburse-loan", by=small.tom, loan="L-001", tender="transfer")
    small.go_to("2026-04-08")
    (line,) = queries.card(session, "M0002").loans
    assert line.days_late == 7
    small.do("repay-loan", loan="L-001", amount=small.text(line.due_now))
    card = queries.card(session, "M0002")
    assert card.loans[0].due_now == 0
    paid, lent = card.activity
    assert (paid.came, lent.out) == (line.due_now, 120000)
    assert -paid.balance == -lent.balance - paid.came + paid.out == card.loans[0].payoff
    assert (paid.what, lent.what) == ("Payment, cash", "Loan paid out, transfer")


def test_a_loan_in_a_passbook_is_what_the_contract_says(session: Session, small: SmallBank) -> None:
    small.do("receive-gift", by=small.tom, donor="Friends", amount="5000.00", fund="RLF", tender="transfer")
    terms = {"product": "SURPLUS", "principal": "1200.00", "annual_rate": "8", "share_percent": "50"}
    small.agreed("grant-loan", member="M0002", outer_date="2028-03-02", **terms)
    small.do("disburse-loan", by=small.tom, loan="L-001", tender="transfer")
    small.go_to("2026-04-08")
    small.agreed("close-month", by=small.tom, approver=small.sue, month="2026-03")
    interest, lent = queries.card(session, "M0002").activity
    assert (interest.out, interest.came, interest.balance) == (789, 0, -120789)  # in memo: the books call it no income
    assert (interest.what, lent.what) == ("Interest for March 2026", "Loan paid out, transfer")
    (line,) = queries.card(session, "M0002").loans
    assert line.words.startswith("Nothing is due: no report is accepted yet. Report for March 2, 2026")


def test_where_the_bank_stands(session: Session, small: SmallBank) -> None:
    stands = queries.standing(session)
    assert stands.day_open
    assert stands.mine is not None
    assert (stands.mine.ref, stands.mine.holds, stands.mine.cheques) == ("D1", 17500, 6000)
    assert (stands.cash_in, stands.cash_out) == (17500, 0)
    small.close_day()
    stands = queries.standing(session)
    assert not stands.day_open
    assert stands.mine is None
    assert stands.vault == 17500


def test_the_journal_is_read_by_key(session: Session) -> None:
    size = queries.journal_size(session)
    assert size == 3
    rows = queries.journal_page(session, size, 2)
    assert [row.number for row in rows] == [3, 2]
    assert [row.amount for row in rows] == [6000, 15000]
    assert queries.journal_page(session, 0, PAGE) == ()
    assert queries.entry_of_day(session, date(2026, 3, 2)) == 3
    assert queries.entry_of_day(session, date(2026, 3, 1)) is None
    view = queries.entry_view(session, 2)
    assert view is not None
    assert view.actor == "ana"
    assert sum(line.amount for line in view.lines) == 0
    assert queries.entry_view(session, 4) is None


def test_what_waits_and_what_it_would_do(session: Session, small: SmallBank) -> None:
    asked = small.ask("redeem-shares", member="M0001", amount="25.00")
    (request,) = queries.waiting(session)
    assert request.ref == asked.request
    assert "Ada" in request.whom
    assert ("Amount", "25.00") in request.payload
    session.actor = small.tom
    approve, shown = queries.approval(session, request.ref)
    assert approve.name == "approve"
    assert shown.kind == "redeem-shares"
    assert shown.entries
    assert [r.ref for r in queries.references(session, "request", "")] == [request.ref]


def test_what_fields_may_name(session: Session) -> None:
    assert [each.ref for each in queries.references(session, "share-class", "")] == ["901", "903"]
    assert [each.ref for each in queries.references(session, "fund", "revol")] == ["RLF"]
    assert [each.ref for each in queries.references(session, "drawer", "")] == ["D1"]
    assert [each.ref for each in queries.references(session, "user", "okafor")] == ["tom"]
    assert [each.ref for each in queries.references(session, "member", "ada")] == ["M0001"]
    assert queries.references(session, "nonsense", "") == ()


def test_cheques_that_wait_for_the_bank_come_first(session: Session, small: SmallBank) -> None:
    for number in ("881", "882", "883", "884"):
        small.do("deposit", member="M0001", amount="12.50", tender="cheque", cheque_number=number)
    with small.read() as books:
        *_older, first, second, third, fourth = [ref for ref, _cheque in books.every(records.Cheque)]
    small.do("bank-cheques", by=small.tom, cheques=[first, fourth])
    found = queries.references(session, "cheque", "88")
    assert [each.ref for each in found] == [third, second, fourth, first]
    assert found[0].label == "12.50 · 883 · on-hand · Ada 100% Abernathy"


def test_the_counter_asks_for_a_backup_once_the_last_one_is_old(small: SmallBank, session: Session) -> None:
    """New books ask after a week; a copy that was recorded, or that anchors.log tells of, counts."""
    assert queries.standing(session).backup is not None
    assert not queries.standing(session).backup.old  # type: ignore[union-attr]
    small.go_to("2026-03-10")
    last = queries.standing(session).backup
    assert last is not None and (last.on, last.days, last.old) == (None, 8, True)
    with small.read() as books:
        head = posting.head(books.tx)
    made = RecordBackup(
        file="copy.db", at="2026-03-10T18:00:00Z", number=head.number, head=head.short, sha256="0" * 64, size=1,
        encrypted=False,
    )  # fmt: skip
    small.bank.record_copy(small.tom, made)
    last = queries.standing(session).backup
    assert last is not None and (last.on, last.file, last.old) == (date(2026, 3, 10), "copy.db", False)
    small.go_to("2026-03-18")
    last = queries.standing(session).backup
    assert last is not None and (last.days, last.limit, last.old) == (8, 7, True)
    assert "8 days ago" in backup_words(last)
    with small.read() as books:
        place = small.bank.database.place
        anchors.append(place, books, small.bank.book, "backup", "2026-03-17", "2026-03-17T18:00:00Z")
        anchors.append(place, books, "0" * 32, "backup", "2026-03-18", "2026-03-18T18:00:00Z")  # of other books
    last = queries.standing(session).backup
    assert last is not None and (last.on, last.file, last.old) == (date(2026, 3, 17), "", False)
    small.agreed("set-policy", by=small.admin, policy="backup_days", value="0")
    last = queries.standing(session).backup
    assert last is not None and last.old
    assert_books(small)


def test_books_for_practice_ask_for_no_backup(new_engine_url: Callable[[str], str]) -> None:
    place = new_engine_url("practice")
    with new_bank(place, demo_sign_ins="ana") as bank:
        bank.go_to("2026-05-10")
        opened = Session(place, clock=bank.clock)
        try:
            assert queries.standing(opened).backup is None
        finally:
            opened.close()
