"""Bank reconciliation: statements recorded whole, lines matched to the cent, what two people sign."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.operation import Receipt
from coopbank.bank.operations.bank_reconciliation import RecordBankLines
from coopbank.errors import (
    AlreadyExists,
    CannotReverse,
    InvalidAmount,
    InvalidDate,
    InvalidValue,
    KeyReused,
    NotAllowed,
    OwnRequest,
    Unknown,
    WrongState,
)
from tests.bank.conftest import begin
from tests.bank.support_counter import refused
from tests.support_bank import SmallBank, assert_books, new_bank

# On 2 March FIRST takes in 4,980.00 and 2,000.00 (entries 1 and 2) and pays 1,000.00 to the vault (3); the books of
# the counter then stand at 3 March, when 100.00 come back from the vault.
FIRST_LINES = ["2026-03-02 4980.00 MANY FRIENDS", "2026-03-02 2000.00 OTHERS", "2026-03-02 -1000.00 CASH"]


@pytest.fixture
def bank(engine_url: str) -> Iterator[SmallBank]:
    with new_bank(engine_url) as bank:
        begin(bank)
        yield bank
        assert_books(bank)


def record(bank: SmallBank, *lines: Any, start: str, end: str, opening: str, closing: str, **more: Any) -> str:
    return bank.do(
        "record-bank-lines", by=bank.tom, start=start, end=end, opening=opening, closing=closing, lines=list(lines),
        **more,
    ).created[0]  # fmt: skip


def march_2(bank: SmallBank) -> str:
    return record(bank, *FIRST_LINES, start="2026-03-01", end="2026-03-02", opening="0.00", closing="5980.00")


def match(bank: SmallBank, lines: list[str], entries: list[str], **more: Any) -> str:
    return bank.do("match-bank-line", by=bank.tom, lines=lines, entries=entries, **more).created[0]


def entries_of(bank: SmallBank) -> list[tuple[int, int, str, int]]:
    with bank.read() as books:
        return books.tx.rows(
            "SELECT p.entry_id, p.line, e.effective_on, p.amount FROM posting p JOIN entry e ON e.id = p.entry_id"
            " JOIN account a ON a.id = p.account_id WHERE a.gl_code = '731' ORDER BY p.entry_id, p.line"
        )


def found(bank: SmallBank, kind: type[records.Body], ref: str) -> Any:
    with bank.read() as books:
        return books.get(kind, ref)


def sign(bank: SmallBank, on: str, balance: str, **more: Any) -> Receipt:
    return bank.do("sign-reconciliation", by=bank.tom, on=on, balance=balance, **more)


def test_a_month_from_the_file_to_the_second_signature(bank: SmallBank) -> None:
    first, second, vault, back = (f"{entry}" for entry, _l, _d, _a in entries_of(bank))
    assert march_2(bank) == "BS-00001"
    assert match(bank, ["BS-00001.1"], [first]) == "BM-00001"
    match(bank, ["BS-00001.2"], [second])
    match(bank, ["BS-00001.3"], [vault])
    said = dict(sign(bank, "2026-03-02", "5980.00").notes)
    assert said["Balance by the bank"] == said["Balance by the books"]
    assert bank.do("review-reconciliation", by=bank.sue, on="2026-03-02").status == "done"
    body = found(bank, records.Reconciliation, "FIRST/2026-03-02")
    assert (body.state, body.prepared_by, body.reviewed_by) == ("reviewed", "tom", "sue")
    assert (body.by_bank, body.by_books, body.in_transit, body.outstanding, body.unrecognised) == (
        598_000, 598_000, 0, 0, 0,
    )  # fmt: skip
    # The next day a fee that the books do not know, and the deposit has not arrived.
    record(bank, "2026-03-03 -12.00 FEE", start="2026-03-03", end="2026-03-03", opening="5980.00", closing="5968.00")
    sign(bank, "2026-03-03", "5968.00")
    body = found(bank, records.Reconciliation, "FIRST/2026-03-03")
    assert (body.in_transit, body.outstanding, body.unrecognised) == (10_000, 0, -1_200)
    assert body.by_bank + 10_000 + 1_200 == body.by_books == 608_000
    assert body.open_postings == [[int(back), 1, "2026-03-03", 10_000]]
    assert body.open_lines == [["BS-00002.1", "2026-03-03", -1_200]]


def test_a_fee_posted_later_counts_from_its_own_day(bank: SmallBank) -> None:
    march_2(bank)
    record(bank, "2026-03-03 -12.00 FEE", start="2026-03-03", end="2026-03-03", opening="5980.00", closing="5968.00")
    bank.go_to("2026-03-04")
    done = bank.agreed(
        "journal-entry",
        by=bank.tom,
        approver=bank.sue,
        memo="fee",
        lines=["GEN 260 Dr 12.00", "GEN 731/FIRST Cr 12.00"],
    )
    match(bank, ["BS-00002.1"], [str(done.entries[0].number)])
    sign(bank, "2026-03-03", "5968.00")
    assert found(bank, records.Reconciliation, "FIRST/2026-03-03").unrecognised == 6_980_00 - 1_000_00 - 12_00
    record(bank, start="2026-03-04", end="2026-03-04", opening="5968.00", closing="5968.00")
    sign(bank, "2026-03-04", "5968.00")
    assert found(bank, records.Reconciliation, "FIRST/2026-03-04").unrecognised == 6_980_00 - 1_000_00


def test_the_first_statement_brings_its_balance_as_a_line(bank: SmallBank) -> None:
    entries = [str(e) for e, _l, day, _a in entries_of(bank) if day == "2026-03-02"]
    record(bank, "2026-03-03 100.00 CASH", start="2026-03-03", end="2026-03-03", opening="5980.00", closing="6080.00")
    match(bank, ["BS-00001.0"], entries)
    line = found(bank, records.BankLine, "BS-00001.0")
    assert (line.amount, line.on, line.match) == (598_000, "2026-03-03", "BM-00001")
    sign(bank, "2026-03-03", "6080.00")
    body = found(bank, records.Reconciliation, "FIRST/2026-03-03")
    assert (body.in_transit, body.unrecognised) == (10_000, 10_000)


def test_one_line_is_several_entries_and_several_lines_are_one(bank: SmallBank) -> None:
    first, second, vault, back = (f"{entry}.{line}" for entry, line, _d, _a in entries_of(bank))
    record(bank, "2026-03-02 6980.00 BOTH", "2026-03-02 -400.00 CASH", "2026-03-02 -600.00 CASH",
           start="2026-03-02", end="2026-03-02", opening="0.00", closing="5980.00")  # fmt: skip
    match(bank, ["BS-00001.1"], [first, second])
    match(bank, ["BS-00001.2", "BS-00001.3"], [vault])
    for lines, entries, says in (
        (["BS-00001.2"], [back], "BM-00002"),
        ([], [vault, back], "BM-00002"),
    ):
        refused(bank, WrongState, "match-bank-line", bank.tom, says=says, lines=lines, entries=entries)
    sign(bank, "2026-03-02", "5980.00")


def test_what_cancels_needs_no_other_side(bank: SmallBank) -> None:
    record(bank, "2026-03-02 50.00 ERROR", "2026-03-02 -50.00 CORRECTED",
           start="2026-03-02", end="2026-03-02", opening="0.00", closing="0.00")  # fmt: skip
    match(bank, ["BS-00001.1", "BS-00001.2"], [])
    refused(bank, InvalidValue, "match-bank-line", bank.tom, field="lines", lines=[], entries=[])
    sign(bank, "2026-03-02", "0.00")


def test_what_was_reversed_and_never_seen_by_the_bank_is_settled(bank: SmallBank) -> None:
    first, second, vault, back = (f"{entry}" for entry, _l, _d, _a in entries_of(bank))
    march_2(bank)
    for number, entry in enumerate((first, second, vault), start=1):
        match(bank, [f"BS-00001.{number}"], [entry])
    wrong = bank.do("receive-unknown", amount="70.00")
    bank.do("reverse", operation=wrong.number, reason="typed wrong")
    record(bank, start="2026-03-03", end="2026-03-03", opening="5980.00", closing="5980.00")
    sign(bank, "2026-03-03", "5980.00")
    body = found(bank, records.Reconciliation, "FIRST/2026-03-03")
    assert [entry for entry, *_rest in body.open_postings] == [int(back)]


def test_what_a_statement_must_be(bank: SmallBank) -> None:
    good = {"start": "2026-03-01", "end": "2026-03-02", "opening": "0.00", "closing": "5980.00", "lines": FIRST_LINES}
    for error, field, change in (
        (InvalidAmount, "closing", {"closing": "5980.01"}),
        (InvalidAmount, "closing", {"opening": "0.01"}),
        (InvalidDate, "end", {"end": "2026-03-04"}),
        (InvalidDate, "start", {"start": "2026-03-03"}),
        (InvalidDate, "lines.0.on", {"start": "2026-03-03", "end": "2026-03-03"}),
        (Unknown, "bank_account", {"bank_account": "NONE"}),
        (AlreadyExists, "lines.1.bank_id", {"lines": [
            {"on": "2026-03-02", "amount": amount, "bank_id": "7"} for amount in ("4980.00", "1000.00")
        ]}),
    ):  # fmt: skip
        refused(bank, error, "record-bank-lines", bank.tom, field=field, **{**good, **change})
    for wrong in ("2026-03-02", "yesterday 5.00 x", "2026-03-02 0.00 nothing", "2026-03-02 1.005 x"):
        with pytest.raises(InvalidValue):
            bank.bank.build("record-bank-lines", {**good, "lines": [wrong]})
    with pytest.raises(InvalidValue):
        bank.bank.build(
            "record-bank-lines", {**good, "lines": [{"on": "2026-03-02", "amount": "1.00", "bank_id": "a b"}]}
        )
    refused(bank, NotAllowed, "record-bank-lines", bank.ana, **good)


def test_statements_follow_each_other(bank: SmallBank) -> None:
    march_2(bank)
    good = {"start": "2026-03-03", "end": "2026-03-03", "opening": "5980.00", "closing": "5980.00", "lines": []}
    refused(bank, AlreadyExists, "record-bank-lines", bank.tom, field="start", **{**good, "start": "2026-03-02"})
    refused(bank, InvalidAmount, "record-bank-lines", bank.tom, field="opening", says="5,980.00",
            **{**good, "opening": "6000.00", "closing": "6000.00"})  # fmt: skip
    bank.do("withdraw-bank-lines", by=bank.tom, statement="BS-00001", why="another file")
    record(bank, *FIRST_LINES, start="2026-03-01", end="2026-03-02", opening="0.00", closing="5980.00",
           number_ends="1234")  # fmt: skip
    refused(bank, InvalidValue, "record-bank-lines", bank.tom, field="number_ends", **{**good, "number_ends": "9"})
    again = [{"on": "2026-03-03", "amount": "1.00", "bank_id": "2026-03-02/4980.00/1"}]
    refused(bank, AlreadyExists, "record-bank-lines", bank.tom, field="lines.0.bank_id", says="BS-00002.1",
            **{**good, "closing": "5981.00", "lines": again})  # fmt: skip
    record(bank, start="2026-03-03", end="2026-03-03", opening="5980.00", closing="5980.00", number_ends="1234")
    refused(bank, WrongState, "withdraw-bank-lines", bank.tom, says="BS-00003", statement="BS-00002", why="x")


def test_a_statement_is_withdrawn_only_if_nothing_rests_on_it(bank: SmallBank) -> None:
    first = str(entries_of(bank)[0][0])
    march_2(bank)
    match(bank, ["BS-00001.1"], [first])
    refused(bank, WrongState, "withdraw-bank-lines", bank.tom, says="BM-00001", statement="BS-00001", why="x")
    bank.do("unmatch-bank-line", by=bank.tom, match="BS-00001.1", why="wrong one")
    sign(bank, "2026-03-02", "5980.00")
    refused(bank, WrongState, "withdraw-bank-lines", bank.tom, says="reopen", statement="BS-00001", why="x")
    bank.do("reopen-reconciliation", by=bank.tom, on="2026-03-02", why="wrong file")
    bank.do("withdraw-bank-lines", by=bank.tom, statement="BS-00001", why="wrong file")
    refused(bank, Unknown, "match-bank-line", bank.tom, lines=["BS-00001.1"], entries=[first])
    assert march_2(bank) == "BS-00002"


def test_what_a_match_must_be(bank: SmallBank) -> None:
    first, second, vault, _back = (f"{entry}" for entry, _l, _d, _a in entries_of(bank))
    march_2(bank)
    for error, field, lines, entries in (
        (InvalidAmount, "entries", ["BS-00001.1"], [second]),
        (InvalidAmount, "lines", [], [second, vault]),
        (InvalidValue, "entries", ["BS-00001.1"], []),
        (InvalidValue, "entries", ["BS-00001.1"], [first, first]),
        (InvalidValue, "entries", ["BS-00001.1"], [first, f"{first}.1"]),
        (InvalidValue, "lines", ["BS-00001.1", "BS-00001.1"], [first]),
        (InvalidValue, "entries", ["BS-00001.1"], ["x"]),
        (Unknown, "entries", ["BS-00001.1"], ["999"]),
        (Unknown, "entries", ["BS-00001.1"], [f"{first}.2"]),
        (Unknown, "lines", ["BS-00009.1"], [first]),
    ):
        refused(bank, error, "match-bank-line", bank.tom, field=field, lines=lines, entries=entries)
    match(bank, ["BS-00001.1"], [f"{first}.1"])
    refused(bank, WrongState, "match-bank-line", bank.tom, field="lines", lines=["BS-00001.1"], entries=[second])


def test_a_match_is_of_one_account(bank: SmallBank) -> None:
    bank.agreed("add-bank-account", by=bank.tom, approver=bank.sue, code="SAVE", account_name="Savings")
    moved = bank.do("move-cash", by=bank.tom, from_place="FIRST", to_place="SAVE", amount="300.00")
    entry = str(moved.entries[0].number)
    march_2(bank)
    save = record(bank, "2026-03-03 300.00 FROM FIRST", start="2026-03-03", end="2026-03-03", opening="0.00",
                  closing="300.00", bank_account="SAVE")  # fmt: skip
    refused(bank, InvalidValue, "match-bank-line", bank.tom, field="lines", lines=["BS-00001.1", f"{save}.1"],
            entries=[entry])  # fmt: skip
    match(bank, [f"{save}.1"], [entry])
    sign(bank, "2026-03-03", "300.00", bank_account="SAVE")
    assert found(bank, records.BankMatch, "BM-00001").bank_account == "SAVE"


def test_signing_and_reviewing_take_two_people(bank: SmallBank) -> None:
    march_2(bank)
    for error, field, on, balance in (
        (InvalidAmount, "balance", "2026-03-02", "5980.01"),
        (InvalidDate, "on", "2026-03-03", "5980.00"),
        (InvalidDate, "on", "2026-02-28", "0.00"),
    ):
        refused(bank, error, "sign-reconciliation", bank.tom, field=field, on=on, balance=balance)
    refused(bank, Unknown, "review-reconciliation", bank.sue, on="2026-03-02")
    sign(bank, "2026-03-02", "5980.00")
    refused(bank, AlreadyExists, "sign-reconciliation", bank.tom, on="2026-03-02", balance="5980.00")
    refused(bank, OwnRequest, "review-reconciliation", bank.tom, on="2026-03-02")
    refused(bank, NotAllowed, "review-reconciliation", bank.ana, on="2026-03-02")
    bank.do("review-reconciliation", by=bank.sue, on="2026-03-02")
    refused(bank, WrongState, "review-reconciliation", bank.sue, on="2026-03-02")
    asked = bank.ask("reopen-reconciliation", by=bank.tom, on="2026-03-02", why="a line was matched wrongly")
    assert asked.status == "pending"
    bank.do("approve", by=bank.sue, request=asked.request)
    refused(bank, WrongState, "reopen-reconciliation", bank.tom, on="2026-03-02", why="again")
    sign(bank, "2026-03-02", "5980.00")


def test_what_was_signed_is_not_reviewed_once_it_has_changed(bank: SmallBank) -> None:
    first, second, *_rest = (f"{entry}" for entry, _l, _d, _a in entries_of(bank))
    march_2(bank)
    match(bank, ["BS-00001.1"], [first])
    sign(bank, "2026-03-02", "5980.00")
    refused(bank, WrongState, "unmatch-bank-line", bank.tom, match="BM-00001", why="x")
    match(bank, ["BS-00001.2"], [second])
    refused(bank, WrongState, "review-reconciliation", bank.sue, on="2026-03-02", says="changed")
    bank.do("reopen-reconciliation", by=bank.tom, on="2026-03-02", why="one more was found")
    bank.do("unmatch-bank-line", by=bank.tom, match="BM-00001", why="x")
    refused(bank, WrongState, "unmatch-bank-line", bank.tom, match="BM-00001", why="x")
    refused(bank, WrongState, "unmatch-bank-line", bank.tom, match="BS-00001.1", why="x")
    assert found(bank, records.BankLine, "BS-00001.1").match is None
    match(bank, ["BS-00001.1"], [first])


def test_what_the_bank_says_is_kept_apart_and_the_same_request_is_done_once(bank: SmallBank) -> None:
    request = {
        "start": "2026-03-02", "end": "2026-03-02", "opening": "0.00", "closing": "5.00",
        "lines": [{"on": "2026-03-02", "amount": "2.00", "text": "ROSA DIAZ", "reference": "RENT"},
                  {"on": "2026-03-02", "amount": "3.00", "text": "ROSA DIAZ"}],
    }  # fmt: skip
    done = bank.do("record-bank-lines", by=bank.tom, key="k-1", **request)
    assert bank.do("record-bank-lines", by=bank.tom, key="k-1", **request).status == "repeated"
    other = {**request, "lines": [{**request["lines"][0], "text": "ROSA DIAS"}, request["lines"][1]]}  # type: ignore[dict-item]
    with pytest.raises(KeyReused):
        bank.do("record-bank-lines", by=bank.tom, key="k-1", **other)
    with bank.read() as books:
        sealed = books.tx.value("SELECT sealed FROM operation WHERE id = ?", done.number)
        assert "ROSA" not in sealed and "RENT" not in sealed
        line = books.get(records.BankLine, "BS-00001.1")
        assert (books.personal(line.text), books.personal(line.reference)) == ("ROSA DIAZ", "RENT")
    refused(bank, CannotReverse, "reverse", bank.tom, operation=done.number, reason="x")


def test_a_statement_that_waits_keeps_its_texts_apart_too(bank: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecordBankLines, "second_person", True)
    request = {
        "start": "2026-03-02", "end": "2026-03-02", "opening": "0.00", "closing": "2.00",
        "lines": [{"on": "2026-03-02", "amount": "2.00", "text": "ROSA DIAZ"}],
    }  # fmt: skip
    asked = bank.ask("record-bank-lines", by=bank.tom, key="k-2", **request)
    assert asked.status == "pending"
    assert bank.ask("record-bank-lines", by=bank.tom, key="k-2", **request).status == "repeated"
    with bank.read() as books:
        waits = books.get(records.Request, str(asked.request))
        assert "ROSA" not in waits.model_dump_json()
        assert books.resolve(waits.payload)["lines"][0]["text"] == "ROSA DIAZ"
    bank.do("approve", by=bank.sue, request=asked.request)
    with bank.read() as books:
        assert books.personal(books.get(records.BankLine, "BS-00001.1").text) == "ROSA DIAZ"
    assert_books(bank)
    monkeypatch.undo()
