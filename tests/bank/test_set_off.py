"""Set-off against an overdue loan, and the share that a late borrower keeps: only where bylaw and product allow it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from coopbank.bank import records
from coopbank.bank.equity_proof import equity_faults
from coopbank.errors import InvalidAmount, InvalidValue, NotAllowed, NotOffered, Overdrawn, WrongState
from coopbank.ledger.posting import NewRecord
from tests.bank.conftest import begin
from tests.bank.support_counter import refused
from tests.bank.support_equity import lines
from tests.forging import forge
from tests.support_bank import SmallBank, assert_books, new_bank

TERM: dict[str, Any] = {"code": "BIKE", "product_name": "Bicycles", "annual_rate": "0", "installments": "12"}
LOAN: dict[str, Any] = {"member": "M0001", "principal": "120.00", "product": "BIKE"}


def both(bank: SmallBank, operation: str, **values: Any) -> Any:
    return bank.agreed(operation, by=bank.tom, approver=bank.sue, **values)


def late(bank: SmallBank, **product: Any) -> None:
    """M0001 has two shares and a loan of which 20.00 is overdue; one share was accepted for redemption."""
    begin(bank)
    both(bank, "define-product", **TERM, **product)
    both(bank, "set-share-class", share_class="903", presentation="liability", resolution="R-0")
    bank.do("buy-shares", member="M0001", amount="25.00")
    loan = bank.agreed("grant-loan", **LOAN).created[0]
    bank.do("disburse-loan", by=bank.tom, loan=loan, tender="transfer")
    bank.go_to("2026-05-04")


def allow(bank: SmallBank) -> None:
    bank.agreed("set-policy", by=bank.admin, approver=bank.tom, policy="set_off", value="bylaw 14")


def test_what_is_payable_pays_what_is_overdue(engine_url: str) -> None:
    with new_bank(engine_url) as bank:
        late(bank, set_off=True)
        asked: dict[str, Any] = {"loan": "L-001", "payable": "825"}
        refused(bank, NotOffered, "set-off", bank.tom, field="loan", says="policy set_off", **asked)
        allow(bank)
        refused(bank, Overdrawn, "set-off", bank.tom, field="payable", **asked)
        bank.agreed("accept-redemption", member="M0001", amount="25.00")
        refused(bank, InvalidAmount, "set-off", bank.tom, field="amount", says="20.00", **asked, amount="20.01")
        refused(bank, InvalidAmount, "set-off", bank.tom, field="amount", says="whole", **asked)
        refused(bank, NotAllowed, "set-off", bank.sue, **asked)
        bank.go_to("2026-06-03")  # now 30.00 is
        done = both(bank, "set-off", **asked)
        assert lines(done)["GEN 825/M0001"] == 25_00 and lines(done)["RLF 701/L-001"] == -25_00
        assert lines(done)["RLF 729"] == 25_00 and lines(done)["GEN 729"] == -25_00
        assert_books(bank)
        bank.agreed("reverse", by=bank.tom, approver=bank.sue, operation=done.number, reason="another loan")
        assert bank.balance("825/M0001") == -25_00
        bank.do("pay-redemption", by=bank.tom, redemption="RD-00001", tender="transfer")
        assert_books(bank)


def test_only_where_the_product_allows_it(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "book.db")) as bank:
        late(bank)
        allow(bank)
        asked: dict[str, Any] = {"loan": "L-001", "payable": "823"}
        refused(bank, NotOffered, "set-off", bank.tom, field="loan", says="set_off of product BIKE", **asked)
        both(bank, "define-product", **TERM, set_off=True)  # it keeps what it said when the loan was granted
        refused(bank, NotOffered, "set-off", bank.tom, field="loan", says="set_off of product BIKE", **asked)
        for field in ("set_off", "keeps_share"):
            refused(bank, InvalidValue, "define-product", bank.tom, field=field, code="SEED", product_name="x",
                    repayment="surplus", annual_rate="4", share_percent="50", cost_cap_percent="50", installments=None,
                    **{field: True})  # fmt: skip
        loan = bank.agreed(
            "grant-loan", member="M0002", principal="100.00", product="SURPLUS", annual_rate="4",
            outer_date="2031-05-04",
        ).created[0]  # fmt: skip
        bank.do("disburse-loan", by=bank.tom, loan=loan, tender="transfer")
        refused(bank, NotOffered, "set-off", bank.tom, field="loan", says="non-extractive", **{**asked, "loan": loan})
        bank.agreed("redeem-shares", member="M0001", amount="25.00")  # this product keeps nobody's share


def test_who_is_late_keeps_one_share_where_the_product_says_so(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "book.db")) as bank:
        late(bank, keeps_share=True)
        kept: dict[str, Any] = {"field": "amount", "says": "keeps_share of product BIKE", "member": "M0001"}
        for operation in ("redeem-shares", "accept-redemption"):
            refused(bank, WrongState, operation, amount="25.00", **kept)
        to_other = {"share_class": "901", "to_member": "M0003", "amount": "25.00"}
        refused(bank, WrongState, "transfer-shares", **kept, **to_other)
        allow(bank)
        refused(bank, NotOffered, "set-off", bank.tom, field="loan", loan="L-001", payable="825")
        bank.do("repay-loan", loan="L-001", amount="20.00")
        refused(bank, NotOffered, "set-off", bank.tom, field="loan", loan="L-001", payable="825")
        bank.agreed("redeem-shares", member="M0001", amount="25.00")


def test_who_is_not_late_is_not_set_off(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "book.db")) as bank:
        late(bank, set_off=True)
        allow(bank)
        bank.do("repay-loan", loan="L-001", amount="20.00")
        refused(bank, WrongState, "set-off", bank.tom, field="loan", says="not late", loan="L-001", payable="825")


def test_a_set_off_that_nothing_allows_is_found(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "book.db")) as bank:
        late(bank)
        bank.spoiled = True
        body = records.SetOff(
            loan="L-001", member="M0001", payable="823", amount=5_00, bylaw="x", on="2026-05-04"
        ).model_dump(mode="json")  # fmt: skip
        forge(bank, rows=[NewRecord("set-off", "SO-0001", 1, "L-001", body)])
        with bank.read() as books:
            said = [fault for _number, fault in equity_faults(books.tx)]
        assert said == [
            "SO-0001 set off against L-001, and nothing allows that",
            "SO-0001 is 5.00, and the entry says something else",
        ]
