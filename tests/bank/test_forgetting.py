"""A member who left is forgotten: nothing of who they were is left in the books, which still prove themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.operations.documents import Made
from coopbank.bank.verify import verify
from coopbank.errors import DatabaseBusy, InvalidValue, KeyReused, NotAllowed, Unknown, WrongState
from coopbank.ledger.tables import TABLES
from coopbank.ledger.verify import wrong
from coopbank.reports.card import member_card
from coopbank.reports.find import find_members
from tests.bank.conftest import begin
from tests.bank.support_counter import refused
from tests.support_bank import SmallBank, assert_books, new_bank

SECRETS = ("Zebulon", "Quistgaard", "Zeb Q", "zeb q", "601 555 7788", "6015557788", "zeb@quist.example",
           "9 Marmot Lane", "17 Heron Row", "987-65-4321", "Ottoline", "Vireo", "Pangolin", "Ibex", "Marten", "GECKO",
           "Newtstone", "Oriole", "c0ffee" * 10, "f00d" * 16)  # fmt: skip
"""What must not be found any more; every value that was typed about M0004 holds one of them."""


def begun_gone(bank: SmallBank) -> None:
    """M0004 was a member with all that leaves a trace, and has left."""
    begin(bank)
    live_and_leave(bank)


@pytest.fixture
def gone(engine_url: str) -> Iterator[SmallBank]:
    with new_bank(engine_url, begin=begun_gone) as bank:
        yield bank
        assert_books(bank)


def live_and_leave(bank: SmallBank) -> None:
    bank.admit("Zebulon Quistgaard", phone="601 555 7788", email="zeb@quist.example", address="9 Marmot Lane",
               tax_id="987-65-4321")  # fmt: skip
    zeb: dict[str, Any] = {"member": "M0004"}
    bank.do("change-member", **zeb, member_name="Zeb Q. Quistgaard", address="17 Heron Row")
    bank.do("open-savings", **zeb)
    bank.do("deposit", **zeb, amount="80.00", tender="transfer")
    bank.do("buy-shares", **zeb, amount="25.00")
    joint = bank.do("add-joint-owner", **zeb, person_name="Ottoline Quistgaard").created[0]
    bank.do("apply-for-loan", **zeb, product="TERM", amount="60.00", purpose="tools")
    bank.agreed("decline-application", application="A-001", reasons=["plan"], explained="Vireo is no plan")
    terms: dict[str, Any] = {"principal": "50.00", "annual_rate": "6", "installments": 2}
    loan = bank.agreed("grant-loan", **zeb, **terms).created[0]
    bank.do("disburse-loan", by=bank.tom, loan=loan, paid_to="Pangolin Hardware")
    bank.do("repay-loan", loan=loan, amount="50.00")
    unknown = bank.do("receive-unknown", by=bank.tom, amount="20.00", statement="TRSF GECKO ZEBULON").created[0]
    bank.do("clear-suspense", by=bank.tom, suspense=unknown, to="savings", **zeb)
    bank.do("lost-contact", **zeb, how="Ibex saw him leave")
    bank.do("found-again", **zeb, how="Marten called")
    note: dict[str, Any] = {"lender": "Quistgaard, Zebulon", "amount": "90.00", "annual_rate": "1"}
    made = bank.agreed("issue-note", by=bank.tom, approver=bank.sue, **note, due_on="2027-03-02", member="M0004",
                       tender="transfer")  # fmt: skip
    bank.agreed("repay-note", by=bank.tom, approver=bank.sue, note=made.created[0], amount="90.00", tender="transfer")
    at_the_bank(bank)
    print_papers(bank)
    asked = bank.ask("remove-joint-owner", person=joint)
    bank.do("refuse", by=bank.tom, request=asked.request, why="not yet")
    bank.agreed("remove-joint-owner", person=joint)
    bank.do("record-death", **zeb, died_on="2026-03-01", evidence="Newtstone")
    estate: dict[str, Any] = {**zeb, "estate_name": "Oriole Q", "papers": "Newtstone 12", "tender": "transfer"}
    bank.agreed("pay-estate", **estate, account="901", amount="25.00")
    refused_ask = bank.ask("pay-estate", **estate, account="905/M0004", amount="1.00")
    bank.do("refuse", by=bank.tom, request=refused_ask.request, why="all of it at once")
    bank.agreed("pay-estate", **estate, account="S-M0004", amount="100.00")
    bank.do("change-member", **zeb, status="left")


def at_the_bank(bank: SmallBank) -> None:
    """The bank's statement says whose transfer the deposit was."""
    entry = next(
        number
        for number, memo in rows(bank, "SELECT id, memo FROM entry ORDER BY id")
        if memo.startswith("Deposit M0004")
    )
    balance = bank.text(bank.balance("731/FIRST", "POOL"))
    lines = [{"on": "2026-03-03", "amount": "80.00", "bank_id": "1", "text": "TRSF ZEBULON QUISTGAARD"}]
    opening = bank.text(bank.balance("731/FIRST", "POOL") - 80_00)
    bank.do("record-bank-lines", by=bank.tom, start="2026-03-03", end="2026-03-03", opening=opening, closing=balance,
            lines=lines)  # fmt: skip
    bank.do("match-bank-line", by=bank.tom, lines=["BS-00001.1"], entries=[str(entry)])


def print_papers(bank: SmallBank) -> None:
    """A statement and a receipt, whose hashes are over the name."""
    with bank.read() as books:
        number, hash_ = books.tx.rows("SELECT id, hash FROM operation ORDER BY id DESC LIMIT 1")[0]
        receipt = books.tx.value("SELECT operation_id FROM entry WHERE memo LIKE 'Deposit M0004%'")
    common: dict[str, Any] = {
        "as_of": number, "head": bytes(hash_).hex()[:16], "figures": "c0ffee" * 10 + "beef", "file": "f00d" * 16,
        "language": "en", "paper": "letter", "print_size": "normal", "software": "1",
    }  # fmt: skip
    made = [
        Made(number="ST-2026-03-M0004", document="member-statement", about="M0004", **common),
        Made(number=f"RC-{receipt}", document="receipt", about=str(receipt), **common),
    ]
    bank.bank.record_documents(bank.ana, made)


def rows(bank: SmallBank, sql: str) -> list[tuple[Any, ...]]:
    with bank.read() as books:
        return books.tx.rows(sql)


def forget(bank: SmallBank, **values: Any) -> Any:
    return bank.agreed("forget-member", by=bank.admin, member="M0004", before_time=True, **values)


def everything(bank: SmallBank) -> str:
    """All that the tables hold, as text."""
    names = [model.__tablename__ for model in TABLES]
    found = []
    with bank.read() as books:
        for name in names:
            found += [repr(row) for row in books.tx.rows(f"SELECT * FROM {name}")]
        if books.tx.dialect == "postgresql":
            found += [repr(row) for row in books.tx.rows("SELECT * FROM pg_stats WHERE schemaname = 'public'")]
    return "\n".join(found)


def test_nothing_of_who_they_were_is_left(gone: SmallBank) -> None:
    bank = gone
    if bank.bank.database.dialect == "postgresql":
        with bank.bank.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
    before = everything(bank)
    assert [secret for secret in SECRETS if secret not in before] == [], "the test would prove nothing"
    receipt = forget(bank)
    assert not [note for note in receipt.notes if "The name stands" in note[0]], receipt.notes
    after = everything(bank)
    assert [secret for secret in SECRETS if secret in after] == []
    assert wrong(verify(bank.bank.database)) == []


def test_no_byte_of_the_name_is_left_in_the_file(tmp_path: Path) -> None:
    """Nor in what SQLite keeps beside it; other members are as they were."""
    place = tmp_path / "book.db"
    with new_bank(str(place)) as bank:
        begin(bank)
        live_and_leave(bank)
        assert traces(tmp_path) != []
        forget(bank)
        assert traces(tmp_path) == []
        with bank.read() as books:
            assert books.member_name("M0001") == "Mia Lee"
        assert_books(bank)
    assert traces(tmp_path) == []


def traces(folder: Path) -> list[tuple[str, str]]:
    return [
        (file.name, secret)
        for file in sorted(folder.iterdir())
        for secret in SECRETS
        for data in (file.read_bytes(),)
        if secret.encode() in data or secret.encode("utf-16-le") in data
    ]


def test_others_keep_what_is_theirs(gone: SmallBank) -> None:
    bank = gone
    before = rows(bank, "SELECT digest FROM personal WHERE value IS NOT NULL ORDER BY digest")
    forget(bank)
    after = rows(bank, "SELECT digest FROM personal WHERE value IS NOT NULL ORDER BY digest")
    with bank.read() as books:
        erased = books.get(records.Forgotten, "M0004").digests
        assert {d for (d,) in before} - {d for (d,) in after} == set(erased)
        names = [books.personal(books.get(records.Member, m).name) for m in ("M0001", "M0002", "M0003")]
        assert names == ["Mia Lee", "Noa Banks", "Oto Cole"]
        assert [found.member for found in find_members(books, "")] == ["M0001", "M0002", "M0003"]
        assert find_members(books, "M0004") == () == find_members(books, "quistgaard")


def test_what_is_shown_of_them_afterwards(gone: SmallBank) -> None:
    bank = gone
    receipt = forget(bank)
    stay = [value for label, value in receipt.notes if label == "Papers that stay with the bank"]
    assert stay == [f"statements/*/{ref}-*.pdf" for ref in ("A-001", "L-001", "M0004", "N-001")]
    with bank.read() as books:
        card = member_card(books, "M0004")
        assert (card.name, card.phone, card.address, card.status) == (
            "(forgotten)",
            "(forgotten)",
            "(forgotten)",
            "left",
        )
        assert books.member_name("M0004") == "(forgotten)" and books.member_name("M0404") == "M0404"
    refused(bank, WrongState, "change-member", field="member", member="M0004", status="active")
    refused(bank, WrongState, "forget-member", bank.admin, field="member", member="M0004", before_time=True)


def test_where_the_name_still_stands_is_told(gone: SmallBank) -> None:
    bank = gone
    name = "Zeb Q. Quistgaard"
    gift = bank.do("receive-gift", by=bank.tom, amount="5.00", donor=f"Friends of {name}", tender="transfer").number
    memo = bank.do("deposit", member="M0001", amount="5.00", memo=f"from {name.upper()}").number
    notes = dict(forget(bank).notes)
    assert notes["The name stands in other values too"] == f"operation {gift}"
    assert notes["The name stands in sealed texts, which nobody can erase"] == f"operation {memo}"


# ------------------------------------------------------------------------------------- who may be forgotten


def test_only_after_the_years_or_when_two_people_say_so(gone: SmallBank) -> None:
    bank = gone
    refused(bank, WrongState, "forget-member", bank.admin, field="member", says="2031-03-03", member="M0004")
    bank.go_to("2031-03-02")
    refused(bank, WrongState, "forget-member", bank.admin, field="member", member="M0004")
    bank.go_to("2031-03-03")
    receipt = bank.agreed("forget-member", by=bank.admin, member="M0004")
    assert receipt.approver == "tom"
    with bank.read() as books:
        assert books.get(records.Forgotten, "M0004").left_on == "2026-03-03"


def test_who_came_back_and_left_again_left_then(gone: SmallBank) -> None:
    bank = gone
    bank.go_to("2028-01-03")
    bank.agreed("withdraw-death", member="M0004")
    bank.do("change-member", member="M0004", status="active")
    bank.do("change-member", member="M0004", status="left")
    refused(bank, WrongState, "forget-member", bank.admin, says="2033-01-03", member="M0004")


def test_who_cannot_be_forgotten(counter: SmallBank) -> None:
    bank = counter
    no: Any = lambda **values: refused(  # noqa: E731
        bank,
        WrongState,
        "forget-member",
        bank.admin,
        field="member",
        **{"member": "M0003", "before_time": True} | values,
    )
    no(says="has not left")
    refused(bank, Unknown, "forget-member", bank.admin, member="M0404")
    refused(bank, NotAllowed, "forget-member", bank.tom, member="M0003")
    bank.do("change-member", member="M0003", status="left")
    bank.agreed("link-user", by=bank.admin, approver=bank.tom, user="sue", member="M0003")
    no(says="sue")
    ref = bank.do("add-joint-owner", member="M0001", person_name="x").created[0]
    assert ref == "J-00001"


def test_what_is_not_theirs_is_taken_out_of_the_record_and_forgotten_with_the_rest(counter: SmallBank) -> None:
    bank = counter
    bank.do("change-member", member="M0003", email="junk@example.org")
    with pytest.raises(InvalidValue) as both:
        bank.do("change-member", member="M0003", email="cat@example.org", take_away="email")
    assert both.value.field == "take_away"
    bank.do("change-member", member="M0003", take_away="email")
    with bank.read() as books:
        assert books.get(records.Member, "M0003").email is None
    with pytest.raises(WrongState):
        bank.do("change-member", member="M0003", take_away="email")
    bank.do("change-member", member="M0003", status="left")
    bank.agreed("forget-member", by=bank.admin, member="M0003", before_time=True)
    with bank.read() as books:
        assert not books.tx.value("SELECT count(*) FROM personal WHERE value = 'junk@example.org'")


def test_what_was_forgotten_is_not_held_against_who_sends_the_request_again(counter: SmallBank) -> None:
    bank = counter

    def sends(**values: str) -> str:
        request = bank.bank.build("change-member", {"member": "M0003", **values})
        return bank.bank.perform(bank.ana, request, key="the one slip").status

    assert sends(email="cat@example.org") == "done"
    with pytest.raises(KeyReused):
        sends(email="dog@example.org")
    bank.do("change-member", member="M0003", status="left")
    bank.agreed("forget-member", by=bank.admin, member="M0003", before_time=True)
    assert sends(email="cat@example.org") == "repeated"
    with pytest.raises(KeyReused):
        sends(phone="601 555 0101")


def test_what_goes_on_stands_in_the_way(counter: SmallBank) -> None:
    bank = counter
    no: Any = lambda says: refused(  # noqa: E731
        bank, WrongState, "forget-member", bank.admin, says=says, member="M0003", before_time=True
    )
    bank.do("apply-for-loan", member="M0003", product="TERM", amount="60.00", purpose="tools")
    ref = bank.do("add-joint-owner", member="M0001", person="M0003").created[0]
    bank.do("change-member", member="M0003", status="left")
    no("A-001, J-00001")
    bank.do("withdraw-application", application="A-001")
    no("J-00001")
    bank.agreed("remove-joint-owner", person=ref)
    bank.agreed("forget-member", by=bank.admin, member="M0003", before_time=True)


# ------------------------------------------------------------------------------------------- the file


def test_a_value_that_was_taken_away_by_nobodys_decision_is_found(gone: SmallBank) -> None:
    with gone.bank.database.write() as tx:
        tx.run("UPDATE personal SET salt = NULL, value = NULL WHERE value = 'Mia Lee'")
    found = wrong(verify(gone.bank.database))
    assert [f.message for f in found] == ["the member_name that was sealed is gone, and no operation forgot it"]
    with gone.bank.database.write() as tx:
        tx.run("UPDATE personal SET salt = ?, value = 'Mia Lee' WHERE value IS NULL", b"x")
    assert wrong(verify(gone.bank.database)), "another salt is no way back"
    with gone.bank.database.write() as tx:
        tx.run("UPDATE personal SET salt = NULL, value = NULL WHERE value = 'Mia Lee'")
        digest = tx.value("SELECT digest FROM personal WHERE value IS NULL")
    restore(gone, digest)


def test_a_value_whose_whole_row_was_taken_away_is_found(gone: SmallBank) -> None:
    place = "WHERE value = 'Mia Lee'"
    with gone.bank.database.write() as tx:
        row = tx.row(f"SELECT digest, operation_id, field, salt, value FROM personal {place}")
        tx.run(f"DELETE FROM personal {place}")
    found = wrong(verify(gone.bank.database))
    assert {(f.check, f.operation) for f in found if "row and all" in f.message} == {("personal", row[1])}
    with gone.bank.database.write() as tx:
        tx.run("INSERT INTO personal (digest, operation_id, field, salt, value) VALUES (?, ?, ?, ?, ?)", *row)


def test_who_is_listed_with_another_telephone_is_found(gone: SmallBank) -> None:
    with gone.read() as books:
        member, phone = books.tx.row("SELECT member, phone FROM directory WHERE phone <> '' ORDER BY member")
    with gone.bank.database.write() as tx:
        tx.run("UPDATE directory SET phone = '6015559999' WHERE member = ?", member)
    found = wrong(verify(gone.bank.database))
    assert [f.message for f in found] == [f"member {member} is listed with another telephone"]
    with gone.bank.database.write() as tx:
        tx.run("UPDATE directory SET phone = ? WHERE member = ?", phone, member)


def restore(bank: SmallBank, digest: str) -> None:
    """The salts of this bank come from a counter: put back the one that belongs to the digest."""
    from coopbank.ledger import chain
    from tests.support_bank import CountedNonces

    nonce = CountedNonces()
    salts = (nonce(16) for _ in range(5000))
    salt = next(salt for salt in salts if chain.salted(salt, "Mia Lee") == digest)
    with bank.bank.database.write() as tx:
        tx.run("UPDATE personal SET salt = ?, value = 'Mia Lee' WHERE digest = ?", salt, digest)


def test_a_value_that_came_back_is_found(gone: SmallBank) -> None:
    bank = gone
    kept = rows(bank, "SELECT digest, salt, value FROM personal WHERE field = 'email'")[0]
    listed = rows(bank, "SELECT member, name, folded, phone FROM directory WHERE member = 'M0004'")[0]
    forget(bank)
    with bank.bank.database.write() as tx:
        tx.run("UPDATE personal SET salt = ?, value = ? WHERE digest = ?", *kept[1:], kept[0])
        tx.run("INSERT INTO directory (member, name, folded, phone) VALUES (?, ?, ?, ?)", *listed)
    found = {f.check: f.message for f in wrong(verify(bank.bank.database))}
    assert found == {
        "personal": "the email of M0004, who was forgotten, is still there",
        "directory": "M0004 was forgotten and is listed",
    }
    with bank.bank.database.write() as tx:
        tx.run("UPDATE personal SET salt = NULL, value = NULL WHERE digest = ?", kept[0])
        tx.run("DELETE FROM directory WHERE member = 'M0004'")


def test_traces_that_could_not_be_cleared_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "book.db"
    monkeypatch.setattr("coopbank.database.BUSY_SECONDS", 0.1)
    with new_bank(str(place)) as bank:
        begin(bank)
        live_and_leave(bank)
        other = bank.bank.database.engine.connect()
        other.exec_driver_sql("SELECT count(*) FROM personal").fetchall()  # a till that reads, and does not end
        asked = bank.ask("forget-member", by=bank.admin, member="M0004", before_time=True)
        receipt = bank.do("approve", by=bank.tom, request=asked.request)
        assert dict(receipt.notes)["Clear them when nobody else works with"] == "coopbank erase-traces"
        with bank.read() as books:
            assert books.member_name("M0004") == "(forgotten)"
        with pytest.raises(DatabaseBusy):
            bank.bank.database.clear_traces()
        other.close()
        bank.bank.database.clear_traces()
        assert traces(tmp_path) == []
