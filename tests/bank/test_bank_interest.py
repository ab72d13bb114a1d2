"""Interest that the bank pays: split by claims, proven again although something is dated back, refused, taken back."""

from __future__ import annotations

from typing import Any

from coopbank.bank import pool_interest, records
from coopbank.errors import AlreadyExists, InvalidDate, InvalidValue, NotAllowed, Unknown
from coopbank.ledger.posting import NewRecord
from tests.bank.conftest import begin
from tests.bank.support_counter import refused
from tests.bank.support_equity import lines
from tests.forging import forge
from tests.support_bank import SmallBank, assert_books

DAYS: dict[str, Any] = {"start": "2026-03-02", "end": "2026-03-03"}


begun = begin  # GEN has 5,080.00 of pooled cash at the end of its first day, and RLF 2,000.00


def test_by_claims_and_again_after_something_was_dated_back(small: SmallBank) -> None:
    found = small.do("receive-bank-interest", by=small.tom, amount="7.08", **DAYS)
    assert lines(found) == {
        "GEN 127": -5_08, "GEN 729": 5_08, "RLF 127": -2_00, "RLF 729": 2_00,
        "POOL 879/GEN": -5_08, "POOL 879/RLF": -2_00, "POOL 731/FIRST": 7_08,
    }  # fmt: skip
    small.do("receive-gift", by=small.tom, amount="5000.00", donor="Late", fund="RLF", tender="transfer")
    small.go_to("2026-03-04")
    dated = {"effective_on": "2026-03-02", "memo": "a grant of the month before"}
    back = ["GEN 366 Dr 50.00", "GEN 865 Cr 50.00"]
    small.agreed("journal-entry", by=small.tom, approver=small.sue, lines=back, **dated)
    assert_books(small)
    small.agreed("reverse", by=small.tom, approver=small.sue, operation=found.number, reason="of another account")
    assert_books(small)
    again = small.do("receive-bank-interest", by=small.tom, amount="7.08", **DAYS)
    assert lines(again) != lines(found)  # what came on its last day counts now


def test_a_fund_with_an_account_of_its_own_has_it_all(small: SmallBank) -> None:
    small.agreed("add-bank-account", by=small.tom, approver=small.sue, code="OWN", account_name="x", fund="RLF")
    found = small.do("receive-bank-interest", by=small.tom, amount="1.00", bank_account="OWN", **DAYS)
    assert lines(found) == {"RLF 127": -1_00, "RLF 731/OWN": 1_00}


def test_refusals(small: SmallBank) -> None:
    tom = small.tom
    ask: dict[str, Any] = {"amount": "1.00", **DAYS}
    for refusal, field, changes in (
        (InvalidDate, "end", {"end": "2026-03-04"}), (InvalidDate, "start", {"end": "2026-03-01"}),
        (Unknown, "bank_account", {"bank_account": "NONE"}), (InvalidValue, "amount", {"amount": "0.00"}),
    ):  # fmt: skip
        refused(small, refusal, "receive-bank-interest", tom, field=field, **{**ask, **changes})
    refused(small, NotAllowed, "receive-bank-interest", **ask)
    first = small.do("receive-bank-interest", by=tom, key="once", **ask)
    assert small.do("receive-bank-interest", by=tom, key="once", **ask).number == first.number
    for start in ("2026-02-01", "2026-03-02", "2026-03-03"):
        refused(small, AlreadyExists, "receive-bank-interest", tom, field="start", **{**ask, "start": start})
    small.do("receive-bank-interest", by=tom, **{**ask, "start": "2026-02-01", "end": "2026-03-01"})


def test_a_split_of_another_kind_is_found(small: SmallBank) -> None:
    small.spoiled = True
    small.do("receive-bank-interest", by=small.tom, amount="7.08", **DAYS)
    with small.read() as books:
        body = books.get(records.BankInterest, "FIRST/2026-03-03")
    wrong = body.model_copy(update={"shares": {"GEN": 7_08}}).model_dump(mode="json")
    forge(small, rows=[NewRecord("bank-interest", "FIRST/2026-03-03", 2, "FIRST", wrong)])
    with small.read() as books:
        said = [fault for _number, fault in pool_interest.faults(books)]
    assert said == ["interest FIRST/2026-03-03 of 7.08 is not split by the claims of its days"]
