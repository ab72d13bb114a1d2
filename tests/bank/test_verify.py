"""Verify, the bank's part, finds what balances and is sealed and is still not right.

The attacker here has the posting door itself: every hash is good, every entry balances
in every fund. What is wrong is the meaning.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from coopbank.bank.verify import verify
from coopbank.ledger.posting import NewRecord
from tests.forging import forge
from tests.support_bank import SmallBank, assert_books, new_bank


def begun(bank: SmallBank) -> None:
    mia = bank.admit("Mia Lee", phone="601 555 0101")
    bank.do("open-savings", member=mia)
    bank.do("deposit", member=mia, amount="300.00")
    bank.agreed("issue-note", by=bank.tom, approver=bank.sue, lender="A Lender", amount="2000.00", annual_rate="0",
                due_on="2029-03-02")  # fmt: skip
    granted = bank.agreed("grant-loan", member=mia, principal="600.00", annual_rate="6", installments=12)
    loan = next(ref for ref in granted.created if ref.startswith("L-"))
    bank.do("disburse-loan", by=bank.tom, loan=loan, tender="transfer", cheque_number="1")
    assert_books(bank)


@pytest.fixture
def small(small: SmallBank) -> SmallBank:
    small.spoiled = True
    return small


def found(small: SmallBank) -> dict[str, str]:
    """The first finding of each check that has one."""
    return {v.name: v.findings[0].message for v in verify(small.bank.database) if v.findings and not v.informational}


def test_a_claim_that_no_cash_covers(small: SmallBank) -> None:
    forge(small, [("GEN", "729", 500), ("GEN", "905/M0001", -500)])
    assert "claims" in found(small)


def test_a_loan_paid_down_without_the_loan(small: SmallBank) -> None:
    forge(small, [("RLF", "701/L-001", -500), ("RLF", "729", 500), ("POOL", "879/RLF", -500), ("POOL", "739/D1", 500)])
    assert "701/L-001" in found(small)["loans"]


def test_terms_of_a_loan_that_no_operation_gave_it(small: SmallBank) -> None:
    with small.read() as books:
        newest = "SELECT version, body FROM record WHERE kind = 'loan' ORDER BY version DESC"
        version, body = books.tx.row(newest) or (0, "")
    changed = json.loads(body) | {"annual_rate": "0"}
    forge(small, rows=[NewRecord("loan", "L-001", version + 1, "M0001", changed)])
    assert "L-001" in found(small)["registers"]
    forge(small, rows=[NewRecord("user", "eve", 1, None, {"full_name": {"#": "0"}, "roles": ["teller"]})], key="second")
    assert len([f for v in verify(small.bank.database) if v.name == "registers" for f in v.findings]) == 2


def test_a_repayment_that_changed_the_terms_too(small: SmallBank) -> None:
    with small.read() as books:
        newest = "SELECT version, body FROM record WHERE kind = 'loan' ORDER BY version DESC"
        version, body = books.tx.row(newest) or (0, "")
    changed = json.loads(body) | {"annual_rate": "0"}
    changed["book"]["RLF"]["principal_paid"] = 100
    forge(
        small, [("POOL", "739/D1", 100), ("POOL", "879/RLF", -100), ("RLF", "729", 100), ("RLF", "701/L-001", -100)],
        [NewRecord("loan", "L-001", version + 1, "M0001", changed)],
        kind="repay-loan", request={"loan": "L-001", "amount": "1.00", "tender": "cash"},
    )  # fmt: skip
    held = {f.message for v in verify(small.bank.database) if v.name == "loans" for f in v.findings}
    assert "loan L-001: its story comes to other amounts than the books have posted" in held
    assert "loan L-001 names other terms than its version 1" in held


def test_terms_that_nobody_agreed_to(small: SmallBank) -> None:
    with small.read() as books:
        _version, body = books.tx.row("SELECT version, body FROM record WHERE kind = 'loan-terms'") or (0, "")
    terms = json.loads(body)
    terms["document"]["annual_rate"] = "0"
    forge(
        small, [("GEN", "905/M0001", 1), ("GEN", "905/M0001", -1)],
        [NewRecord("loan-terms", "L-001", 2, "L-001", terms)],
        kind="change-rate", request={"loan": "L-001", "annual_rate": "0", "why": "x"},
    )  # fmt: skip
    held = {f.message for v in verify(small.bank.database) if v.name == "loans" for f in v.findings}
    assert "loan L-001: no event agrees to version 2 of its terms" in held


@pytest.mark.parametrize("figure", ["running", "closed", "principal_paid", "last_paid"])
def test_a_state_of_a_loan_that_its_events_do_not_lead_to(small: SmallBank, figure: str) -> None:
    """The next operation would tell the loan further from there; the books of today say nothing of it."""
    small.go_to("2026-04-02")
    small.do("repay-loan", loan="L-001", amount="60.00", tender="transfer")
    with small.read() as books:
        newest = "SELECT version, body FROM record WHERE kind = 'loan' ORDER BY version DESC"
        version, body = books.tx.row(newest) or (0, "")
    forged = json.loads(body)
    told = {"running": "1/3", "closed": 7, "principal_paid": 1, "last_paid": "2026-03-03"}[figure]
    assert forged["told"].get(figure) != told
    forged["told"][figure] = told
    forge(
        small, [("GEN", "905/M0001", 1), ("GEN", "905/M0001", -1)],
        [NewRecord("loan", "L-001", version + 1, "M0001", forged)],
        kind="repay-loan", request={"loan": "L-001", "amount": "0.01", "tender": "cash"},
    )  # fmt: skip
    held = [f.message for v in verify(small.bank.database) if v.name == "loans" for f in v.findings]
    assert held == ["loan L-001 told from its events is not what is kept"]


def test_a_fact_that_no_story_knows(small: SmallBank) -> None:
    event = {"number": 2, "type": "gossip", "on": "2026-03-02"}
    forge(small, rows=[NewRecord("loan-event", "L-001.00002", 1, "L-001", event)])
    assert "L-001 cannot be told" in found(small)["loans"]
    assert "L-001.00002" in found(small)["registers"]


def test_who_asked_for_a_loan_and_pays_it_out(small: SmallBank) -> None:
    event = {"number": 2, "type": "advance", "on": "2026-03-02", "data": {"amount": 100}}
    forge(small, rows=[NewRecord("loan-event", "L-001.00002", 1, "L-001", event)], kind="disburse-loan",
          request={"loan": "L-001", "amount": "1.00"})  # fmt: skip
    assert "ana paid out L-001" in found(small)["two people"]


def test_who_files_a_report_and_accepts_it(small: SmallBank) -> None:
    for number, type_ in ((2, "report-filed"), (3, "report-accepted")):
        event = {"number": number, "type": type_, "on": "2026-03-02", "data": {"period": 1, "version": 1}}
        forge(small, rows=[NewRecord("loan-event", f"L-001.0000{number}", 1, "L-001", event)], key=type_,
              kind=type_.replace("report-filed", "file-report").replace("report-accepted", "accept-report"),
              request={"loan": "L-001", "period": 1})  # fmt: skip
    assert "ana accepted the report L-001.00003" in found(small)["two people"]


def test_a_note_that_is_owed_to_nobody(small: SmallBank) -> None:
    forge(
        small, [("RLF", "811/N-001", 500), ("RLF", "729", -500), ("POOL", "879/RLF", 500), ("POOL", "731/FIRST", -500)]
    )
    assert "811/N-001" in found(small)["notes"]


def test_an_operation_of_somebody_without_the_power(small: SmallBank) -> None:
    forge(small, kind="deposit", actor="sue", request={"member": "M0001", "amount": "1.00", "tender": "cash"})
    assert "sue" in found(small)["powers"]


def test_an_operation_of_a_stranger(small: SmallBank) -> None:
    forge(small, kind="deposit", actor="eve", request={"member": "M0001", "amount": "1.00", "tender": "cash"})
    assert "eve" in found(small)["powers"]


def test_two_people_that_were_one(small: SmallBank) -> None:
    forge(small, kind="redeem-shares", request={"member": "M0001", "amount": "25.00"})
    assert "alone" in found(small)["two people"]


def test_an_approver_who_never_approved(small: SmallBank) -> None:
    forge(small, kind="redeem-shares", approver="tom", key="approved:R-00042", request={"member": "M0001"})
    assert "tom" in found(small)["two people"]


def test_a_cheque_on_hand_that_is_not_listed(small: SmallBank) -> None:
    small.do("deposit", member="M0001", amount="5.00", tender="cheque", cheque_number="9")
    assert found(small) == {}
    forge(small, [("POOL", "735/D1", -300), ("POOL", "739/D1", 300)])
    assert "735/D1" in found(small)["cash"]


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        ("UPDATE personal SET value = 'Eve' WHERE field = 'member_name'", "personal"),
        ("UPDATE directory SET name = 'Eve'", "directory"),
        ("DELETE FROM directory", "directory"),
    ],
)
def test_a_name_that_was_exchanged(small: SmallBank, statement: str, check: str) -> None:
    with small.bank.database.write() as tx:
        tx.run(statement)
    assert check in found(small)


def test_a_value_that_was_erased_by_nobodys_decision(small: SmallBank) -> None:
    with small.bank.database.write() as tx:
        tx.run("UPDATE personal SET value = NULL, salt = NULL WHERE field = 'phone'")
    assert set(found(small)) == {"personal", "directory"}, "which lists the telephone still"


# ---------------------------------------------------------------------------- the bank's statements


def begun_reconciled(bank: SmallBank) -> None:
    """A gift at the bank on 2 March, in a statement, matched, signed and reviewed; and a fee."""
    gift = bank.do("receive-gift", by=bank.tom, amount="900.00", donor="Many", tender="transfer")
    lines = [{"on": "2026-03-02", "amount": amount, "bank_id": number} for amount, number in (
        ("900.00", "1"), ("-5.00", "2"))]  # fmt: skip
    bank.do("record-bank-lines", by=bank.tom, start="2026-03-01", end="2026-03-02", opening="0.00",
            closing="895.00", lines=lines)  # fmt: skip
    bank.do("match-bank-line", by=bank.tom, lines=["BS-00001.1"], entries=[str(gift.entries[0].number)])
    bank.do("sign-reconciliation", by=bank.tom, on="2026-03-02", balance="895.00")
    bank.do("review-reconciliation", by=bank.sue, on="2026-03-02")
    assert_books(bank)


@pytest.fixture
def reconciled(engine_url: str) -> Iterator[SmallBank]:
    with new_bank(engine_url, begin=begun_reconciled) as bank:
        bank.spoiled = True
        yield bank


@pytest.mark.parametrize(("kind", "ref", "change", "by", "says"), [
    ("bank-line", "BS-00001.1", {"amount": 90_100}, "match-bank-line", "do not lead to its balance"),
    ("bank-line", "BS-00001.1", {"match": None}, "unmatch-bank-line", "line BS-00001.1 is not part of the match"),
    ("bank-line", "BS-00001.2", {"match": "BM-00001"}, "match-bank-line", "line BS-00001.2 is not part of the match"),
    ("bank-line", "BS-00001.1", {"on": 7}, "match-bank-line", "cannot be read"),
    ("bank-line", "BS-00001.2", {"void": True}, "withdraw-bank-lines", "do not lead to its balance"),
    ("bank-statement", "BS-00001", {"closing": 90_000}, "record-bank-lines", "do not lead to its balance"),
    ("bank-statement", "BS-00001", {"void": True}, "withdraw-bank-lines", "statement BS-00001, which there is not"),
    ("bank-match", "BM-00001", {"amount": 1}, "match-bank-line", "is of 0.01, its lines come to 900.00"),
    ("bank-match", "BM-00001", {"postings": [[99, 1]]}, "match-bank-line", "names 99.1, which there is not"),
    ("bank-match", "BM-00001", {"lines": ["BS-00001.7"]}, "match-bank-line", "names BS-00001.7, which there is not"),
    ("bank-match", "BM-00002", {"lines": ["BS-00001.1"]}, "match-bank-line", "BS-00001.1, which is matched already"),
    ("bank-mark", "{posting}", {"match": None}, "unmatch-bank-line", "is not part of the match"),
    ("reconciliation", "FIRST/2026-03-02", {"state": "signed", "by_bank": 1}, "sign-reconciliation", "does not say"),
    ("reconciliation", "FIRST/2026-03-02", {"state": "signed", "unrecognised": 0}, "sign-reconciliation",
     "leaves -5.00 unexplained"),
    ("reconciliation", "FIRST/2026-03-02", {"reviewed_by": "tom"}, "review-reconciliation", "which they had signed"),
    ("reconciliation", "FIRST/2026-03-02", {"reviewed_by": "ana"}, "review-reconciliation", "and names ana"),
    ("reconciliation", "FIRST/2026-03-02", {"state": "signed", "prepared_by": "ana"}, "sign-reconciliation",
     "was signed by tom, and names ana"),
])  # fmt: skip
def test_what_the_bank_said_and_what_was_signed_is_told_again(
    reconciled: SmallBank, kind: str, ref: str, change: dict[str, object], by: str, says: str
) -> None:
    with reconciled.read() as books:
        ref = ref.format(posting=books.tx.value("SELECT ref FROM record WHERE kind = 'bank-mark'"))
        version = books.version(kind, ref)
        body = json.loads(
            books.tx.value(
                "SELECT body FROM record WHERE kind = ? ORDER BY ref = ? DESC, version DESC LIMIT 1", kind, ref
            )
        )
    forge(reconciled, rows=[NewRecord(kind, ref, version + 1, "FIRST", {**body, **change})], kind=by, actor="tom")
    findings = [f.message for v in verify(reconciled.bank.database) if v.name == "bank lines" for f in v.findings]
    assert any(says in message for message in findings), findings


def test_a_bank_record_of_no_account_is_found(reconciled: SmallBank) -> None:
    body = {"bank_account": "X", "lines": [], "postings": [], "amount": 0}
    forge(reconciled, rows=[NewRecord("bank-match", "BM-00009", 1, "X", body)], kind="match-bank-line", actor="tom")
    assert found(reconciled)["bank lines"] == "there is no bank account X"


def test_where_a_check_fails_at_an_operation_it_goes_on_with_the_next(small: SmallBank) -> None:
    """Plain operations pass in runs; what one of them was asked in, no check foresaw."""
    forge(small, kind="approve", actor="tom", request={"request": ["R-1"]})
    forge(small, kind="deposit", approver="tom", request={"member": "M0001"}, key="second")
    forge(small, kind="set-role", actor="admin", request={"member": ["M0001"]}, key="third")
    with small.read() as books:
        last: int = books.tx.value("SELECT max(id) FROM operation")
    told = {v.name: [(f.operation, f.message) for f in v.findings] for v in verify(small.bank.database)}
    assert [operation for operation, _message in told["text"]] == [last - 2]
    assert told["text"][0][1].startswith("the operation cannot be checked: TypeError")
    assert (last - 1, "deposit is not what tom approved") in told["two people"]
    assert [(operation, said.split(",")[0]) for operation, said in told["approvers"]] == [
        (last, "set-role was done by admin alone")
    ]


def test_a_write_down_that_nothing_tells_of(small: SmallBank) -> None:
    """It wrote no rows, and keeps every rule of bookkeeping."""
    forge(small, [("GEN", "905/M0001", 1), ("GEN", "905/M0001", -1)], kind="write-down",
          request={"loan": "L-001", "principal": "1.00"})  # fmt: skip
    assert found(small)["losses"] == "loan L-001: what was written down is not what was decided"
