"""Loan products: those that every book has, new versions of them, and what cannot be offered."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.operations.products import STANDARD, offered, product_of, prove, require_within
from coopbank.errors import InvalidAmount, InvalidValue, NotAllowed, OwnRequest, Refused, Unknown, WrongState
from tests.bank.support_counter import refused
from tests.support_bank import CHARITY, SmallBank, assert_books, new_bank

TRACTOR: dict[str, Any] = {
    "code": "TRACTOR", "product_name": "For machines", "annual_rate": "5", "installments": 36, "least": "500.00",
    "most": "20000.00", "most_rate": "8", "most_installments": 60, "funds": ["RLF"],
}  # fmt: skip
SHARE: dict[str, Any] = {"code": "SHARE", "product_name": "Share", "repayment": "surplus", "share_percent": "40"}
SALES: dict[str, Any] = {
    "code": "SALES",
    "product_name": "Of sales",
    "repayment": "revenue",
    "share_percent": "5",
    "multiple": "1.2",
}


def define(bank: SmallBank, **values: Any) -> Any:
    return bank.agreed("define-product", approver=bank.tom, **values)


def desk_of(bank: SmallBank, tx: Any) -> Desk:
    """A desk at which nothing is sealed: what the helpers answer to an operation."""
    return Desk(tx, actor=bank.ana, approver=None, today=date(2026, 3, 3), currency="USD", nonce=bytes)


def kept(bank: SmallBank, code: str) -> records.Product:
    with bank.read() as books:
        return books.get(records.Product, code)


# -------------------------------------------------------------------------------- the standard ones


def test_every_book_is_founded_with_products(engine_url: str) -> None:
    with new_bank(engine_url, institution_kind=CHARITY) as bank:
        with bank.read() as books:
            assert dict(books.every(records.Product)) == STANDARD
            assert offered(desk_of(bank, books.tx)) == sorted(STANDARD)
        assert_books(bank)


@pytest.mark.parametrize("code", STANDARD)
@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
def test_the_standard_products_can_be_lent(code: str, currency: str) -> None:
    prove(STANDARD[code], date(2024, 2, 29), currency)


def test_no_standard_product_has_a_late_fee_or_a_limit() -> None:
    for product in STANDARD.values():
        assert product.late_fee is None and product.state == "offered" and product.early == "next"
        assert (product.least, product.most, product.most_rate, product.most_installments) == (None,) * 4


# -------------------------------------------------------------------------------------- defining


def test_a_product_is_defined_changed_and_withdrawn(counter: SmallBank) -> None:
    bank = counter
    first = define(bank, **TRACTOR)
    assert (first.created, dict(first.notes)["Version"]) == (("TRACTOR",), "1")
    assert kept(bank, "TRACTOR") == records.Product(
        title="For machines", repayment="schedule", least=500_00, most=20_000_00, most_rate="8", most_installments=60,
        funds=["RLF"],
        terms={"annual_rate": "5", "installments": 36, "every": {"months": 1}, "method": "level",
               "day_count": "actual/365"},
    )  # fmt: skip
    refused(bank, InvalidValue, "define-product", field="code", says="that already", **TRACTOR)

    second = define(
        bank, **TRACTOR | {"annual_rate": "4", "early": "lower", "order": ["interest", "principal", "fees"]}
    )
    assert (second.created, dict(second.notes)["Version"]) == ((), "2")
    assert kept(bank, "TRACTOR").order == ["interest", "principal", "fees"]
    with bank.read() as books:
        desk = desk_of(bank, books.tx)
        assert product_of(desk, "TRACTOR") == (2, kept(bank, "TRACTOR"))

    bank.do("withdraw-product", product="TRACTOR")
    refused(bank, WrongState, "withdraw-product", field="product", says="TERM", product="TRACTOR")
    with bank.read() as books, pytest.raises(WrongState):
        product_of(desk_of(bank, books.tx), "TRACTOR")

    define(bank, **TRACTOR)  # offered again
    assert kept(bank, "TRACTOR").state == "offered"


def test_both_engines_keep_products(engine_url: str) -> None:
    with new_bank(engine_url) as bank:
        define(bank, **TRACTOR)
        define(bank, **SHARE | {"cost_cap_percent": "25.5", "loss_carry_forward": "no", "every": "3 months"})
        assert kept(bank, "SHARE").terms == {
            "share_percent": "40", "cost_cap_percent": "25.5", "loss_carry_forward": False, "every": {"months": 3},
            "report_days": 90, "payment_days": 30, "day_count": "actual/365",
        }  # fmt: skip
        bank.do("withdraw-product", product="SHARE")
        assert_books(bank)


@pytest.mark.parametrize(
    ("values", "terms"),
    [
        ({"installments": 6, "months": [9, 10], "principal_grace": 1}, {"months": [9, 10], "principal_grace": 1}),
        ({"method": "equal-principal", "every": "2 weeks"}, {"method": "equal-principal", "every": {"weeks": 2}}),
        ({"repayment": "line", "installments": 12}, {"installments": 12, "every": {"months": 1}}),
        (SHARE | {"loss_carry_forward": False}, {"loss_carry_forward": False, "cost_cap_percent": "50"}),
        (SALES, {"loss_carry_forward": True, "multiple": "1.2", "share_percent": "5", "every": {"years": 1}}),
        ({}, {"method": "level"}),
    ],
)
def test_the_terms_hold_what_was_said_and_what_holds_otherwise(
    counter: SmallBank, values: dict[str, Any], terms: dict[str, Any]
) -> None:
    define(counter, **{"code": "NEW", "product_name": "New", **values})
    found = kept(counter, values.get("code", "NEW")).terms
    assert {name: found[name] for name in terms} == terms


def test_a_late_fee_is_small_and_off_unless_it_is_stated(counter: SmallBank) -> None:
    bank = counter
    define(bank, **TRACTOR | {"late_fee_percent": "5"})
    assert kept(bank, "TRACTOR").late_fee == {"percent": "5", "after_days": 15}
    define(bank, **TRACTOR | {"late_fee": "0.74", "late_fee_days": 10})  # 5 % of the 14.99 that 500.00 costs a month
    assert kept(bank, "TRACTOR").late_fee == {"flat": 74, "after_days": 10}
    with_fee = {**TRACTOR, "late_fee": "0.75"}
    refused(bank, InvalidAmount, "define-product", field="late_fee", says="0.74", **with_fee)
    refused(bank, InvalidValue, "define-product", field="late_fee_percent", **TRACTOR, late_fee_percent="5.01")
    refused(bank, InvalidValue, "define-product", field="late_fee_percent", **with_fee, late_fee_percent="1")
    refused(bank, InvalidValue, "define-product", field="late_fee_days", **TRACTOR, late_fee_days=3)
    no_least: dict[str, Any] = {k: v for k, v in with_fee.items() if k != "least"}
    refused(bank, InvalidValue, "define-product", field="late_fee", says="least", **no_least)
    line: dict[str, Any] = {"code": "DRAW", "product_name": "Draw", "repayment": "line", "least": "500.00"}
    refused(bank, InvalidValue, "define-product", field="late_fee", **line, late_fee="0.01")
    define(bank, **line, late_fee_percent="2")


@pytest.mark.parametrize("fee", [{"late_fee": "1.00"}, {"late_fee_percent": "1"}, {"late_fee_days": 9}])
@pytest.mark.parametrize("product", [SHARE, SALES])
def test_who_pays_from_surplus_or_revenue_pays_no_late_fee(
    counter: SmallBank, product: dict[str, Any], fee: dict[str, Any]
) -> None:
    refused(counter, InvalidValue, "define-product", field=next(iter(fee)), **product, **fee)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("share_percent", {"share_percent": "50"}),
        ("multiple", {"multiple": "1.2"}),
        ("report_days", {"report_days": 30}),
        ("months", {"repayment": "line", "months": [9]}),
        ("method", {"repayment": "line", "method": "level"}),
        ("early", {"repayment": "line", "early": "lower"}),
        ("installments", SHARE | {"installments": 3}),
        ("most_installments", SHARE | {"most_installments": 3}),
        ("early", SHARE | {"early": "shorten"}),
        ("multiple", SHARE | {"multiple": "1.2"}),
        ("annual_rate", SALES | {"annual_rate": "8"}),
        ("most_rate", SALES | {"most_rate": "8"}),
        ("share_percent", {"repayment": "surplus"}),
        ("multiple", {"repayment": "revenue", "share_percent": "5"}),
        ("multiple", SALES | {"multiple": "0.9"}),
        ("principal_grace", {"installments": 12, "principal_grace": 12}),
        ("every", {"months": [9], "every": "2 months"}),
        ("most", {"least": "10.00", "most": "9.99"}),
        ("annual_rate", {"annual_rate": "8.01", "most_rate": "8"}),
        ("installments", {"installments": 61, "most_installments": 60}),
        ("funds", {"funds": ["LLR"]}),
        ("funds", {"funds": ["POOL"]}),
    ],
)
def test_terms_that_do_not_fit(counter: SmallBank, field: str, values: dict[str, Any]) -> None:
    product = {"code": "NEW", "product_name": "New"} | values
    refused(counter, InvalidAmount if field == "most" else InvalidValue, "define-product", field=field, **product)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", "term"), ("code", "T"), ("product_name", ""), ("repayment", "hope"), ("annual_rate", 8),
        ("installments", 0), ("installments", 1201), ("every", "often"), ("every", {"months": 0}),
        ("share_percent", "0"), ("share_percent", "100.1"), ("share_percent", "-5"), ("share_percent", 50),
        ("multiple", "x"), ("months", [13]), ("months", []), ("months", [9, 9]), ("least", "0.00"), ("least", 5),
        ("order", ["fees"]), ("order", ["fees", "fees", "principal"]), ("early", "never"), ("late_fee_days", 0),
        ("funds", ["RLF", "RLF"]), ("report_days", -1), ("loss_carry_forward", "maybe"), ("method", "flat"),
        ("day_count", "moon"),
    ],
)  # fmt: skip
def test_fields_that_cannot_be(counter: SmallBank, field: str, value: Any) -> None:
    caught = refused(counter, InvalidValue, "define-product", **{"code": "NEW", "product_name": "New", field: value})
    assert str(caught.field).partition(".")[0] == field


def test_what_else_is_refused(counter: SmallBank) -> None:
    bank = counter
    refused(bank, Unknown, "define-product", field="funds", code="NEW", product_name="New", funds=["NONE"])
    refused(bank, InvalidValue, "define-product", field="repayment", code="TERM", product_name="T", repayment="line")
    refused(bank, Unknown, "withdraw-product", field="product", product="NONE")
    refused(bank, NotAllowed, "define-product", bank.sue, **TRACTOR)
    refused(bank, NotAllowed, "withdraw-product", bank.sue, product="TERM")
    asked = bank.ask("define-product", by=bank.tom, **TRACTOR)
    refused(bank, OwnRequest, "approve", bank.tom, request=asked.request)


# ----------------------------------------------------------------------------- for those who lend


def test_a_loan_stays_within_the_limits_of_its_product(counter: SmallBank) -> None:
    define(counter, **TRACTOR)
    with counter.read() as books:
        desk = desk_of(counter, books.tx)
        _version, product = product_of(desk, "TRACTOR")
        require_within(desk, product, 500_00, "8", 60, "RLF")
        require_within(desk, product, 20_000_00, "0", 1)
        require_within(desk, STANDARD["TERM"], 1, "999", 1200, "GEN")
        for field, values in (
            ("principal", (499_99, "8", 60, "RLF")),
            ("principal", (20_000_01, "8", 60, "RLF")),
            ("annual_rate", (500_00, "8.000001", 60, "RLF")),
            ("installments", (500_00, "8", 61, "RLF")),
            ("fund", (500_00, "8", 60, "GEN")),
        ):
            with pytest.raises(Refused) as caught:
                require_within(desk, product, *values)
            assert caught.value.field == field and "For machines" in str(caught.value)
        with pytest.raises(Unknown):
            product_of(desk, "NONE")
