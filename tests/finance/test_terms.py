"""Bad documents: each refused with the field at fault, never a traceback, never a long wait."""

from __future__ import annotations

import copy
import datetime as dt
import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.errors import InvalidTerms
from coopbank.finance.schedule import schedule
from coopbank.finance.terms import LoanTerms

BASE: dict[str, Any] = {
    "disbursements": [{"date": "2026-01-15", "amount": "12000.00"}],
    "annual_rate": "7.25",
    "installments": 24,
    "every": {"months": 1},
}
ONE = {"date": "2026-01-15", "amount": "100.00"}

BAD: list[tuple[dict[str, Any], str]] = [
    ({"intrest": "5"}, "intrest"),
    ({"every": {"fortnights": 1}}, "every.fortnights"),
    ({"disbursements": [{**ONE, "fee": "1"}]}, "disbursements.0.fee"),
    ({"disbursements": []}, "disbursements"),
    ({"disbursements": [ONE] * 101}, "disbursements"),
    ({"disbursements": {"date": "2026-01-15"}}, "disbursements"),
    ({"disbursements": [{**ONE, "date": "2026-02-30"}]}, "disbursements.0.date"),
    ({"disbursements": [{**ONE, "date": "2026-2-3"}]}, "disbursements.0.date"),
    ({"disbursements": [{**ONE, "date": "0000-01-01"}]}, "disbursements.0.date"),
    ({"disbursements": [{**ONE, "date": 20260115}]}, "disbursements.0.date"),
    ({"disbursements": [{**ONE, "date": "2026-01-15T00:00:00"}]}, "disbursements.0.date"),
    ({"disbursements": [{**ONE, "date": dt.datetime(2026, 1, 15)}]}, "disbursements.0.date"),
    ({"disbursements": [{**ONE, "date": "٢٠٢٦-٠١-١٥"}]}, "disbursements.0.date"),
    ({"disbursements": [{**ONE, "amount": "0"}]}, "disbursements.0.amount"),
    ({"disbursements": [{**ONE, "amount": "-5.00"}]}, "disbursements.0.amount"),
    ({"disbursements": [{**ONE, "amount": "1e3"}]}, "disbursements.0.amount"),
    ({"disbursements": [{**ONE, "amount": 100}]}, "disbursements.0.amount"),
    ({"disbursements": [{**ONE, "amount": 100.5}]}, "disbursements.0.amount"),
    ({"disbursements": [{**ONE, "amount": "1.005"}]}, "disbursements.0.amount"),
    ({"disbursements": [{**ONE, "amount": "9" * 15}]}, "disbursements.0.amount"),
    ({"disbursements": [{**ONE, "amount": "9" * 5000}]}, "disbursements.0.amount"),
    ({"disbursements": [{"date": "2026-01-15"}]}, "disbursements.0.amount"),
    ({"disbursements": [ONE, {**ONE, "date": "2028-01-15"}]}, "disbursements.1.date"),
    ({"disbursements": [{**ONE, "date": "9999-01-15"}]}, "installments"),
    ({"annual_rate": "-1"}, "annual_rate"),
    ({"annual_rate": "1000.01"}, "annual_rate"),
    ({"annual_rate": "NaN"}, "annual_rate"),
    ({"annual_rate": Decimal("NaN")}, "annual_rate"),
    ({"annual_rate": Decimal("1e-400000")}, "annual_rate"),
    ({"annual_rate": "7,25"}, "annual_rate"),
    ({"annual_rate": 7.25}, "annual_rate"),
    ({"annual_rate": None}, "annual_rate"),
    ({"installments": 0}, "installments"),
    ({"installments": -1}, "installments"),
    ({"installments": 1201}, "installments"),
    ({"installments": 10**400}, "installments"),
    ({"installments": 10**5000}, "installments"),
    ({"principal_grace": -(10**5000)}, "principal_grace"),
    ({"installments": "24"}, "installments"),
    ({"installments": 24.0}, "installments"),
    ({"installments": True}, "installments"),
    ({"every": {}}, "every"),
    ({"every": {"months": 1, "weeks": 1}}, "every"),
    ({"every": {"months": 0}}, "every.months"),
    ({"every": {"years": 101}}, "every.years"),
    ({"every": {"days": 10**30}}, "every.days"),
    ({"every": {"years": 100}, "installments": 100}, "installments"),
    ({"first_due": "2026-01-15"}, "first_due"),
    ({"first_due": "2025-12-15"}, "first_due"),
    ({"first_due": "9999-12-31"}, "installments"),
    ({"month_end": "skip"}, "month_end"),
    ({"method": "bullet"}, "method"),
    ({"day_count": "30/365"}, "day_count"),
    ({"principal_grace": 24}, "principal_grace"),
    ({"principal_grace": 25}, "principal_grace"),
    ({"principal_grace": -1}, "principal_grace"),
    ({"interest_postponed": 24}, "interest_postponed"),
    ({"interest_free": 25}, "interest_free"),
    ({"principal_percent": "5"}, "principal_percent"),
    ({"principal_percent": "5", "method": "equal-principal"}, "principal_percent"),
    ({"principal_percent": "0", "method": "equal-principal"}, "principal_percent"),
    ({"payment_multiple": "0"}, "payment_multiple"),
    ({"payment_multiple": "1", "method": "equal-principal"}, "payment_multiple"),
    ({"payment_multiple": "1.50", "amount_multiple": "1"}, "payment_multiple"),
    ({"amount_multiple": "-1"}, "amount_multiple"),
    ({"amount_multiple": "7"}, "disbursements.0.amount"),
    ({"currency": "usd"}, "currency"),
    ({"currency": 840}, "currency"),
    ({"currency": "JPY", "disbursements": [{**ONE, "amount": "1.50"}]}, "disbursements.0.amount"),
    ({"down_payment_percent": "100"}, "down_payment_percent"),
    ({"down_payment_percent": "101"}, "down_payment_percent"),
    ({"down_payment_percent": "0"}, "down_payment_percent"),
    ({"fees": [{}]}, "fees.0"),
    ({"fees": [{"flat": "0"}]}, "fees.0.flat"),
    ({"fees": [{"flat": "1", "percent": "1", "of": "principal"}]}, "fees.0"),
    ({"fees": [{"flat": "1", "percent": "1"}]}, "fees.0"),
    ({"fees": [{"flat": "1", "of": "principal"}]}, "fees.0"),
    ({"fees": [{"percent": "1"}]}, "fees.0"),
    ({"fees": [{"of": "principal"}]}, "fees.0"),
    ({"fees": [{"percent": "1"}]}, "fees.0"),
    ({"fees": [{"percent": "101", "of": "principal"}]}, "fees.0.percent"),
    ({"fees": [{"percent": "1", "of": "balance"}]}, "fees.0.of"),
    ({"fees": [{"flat": "1"}, {"flat": "0.001"}]}, "fees.1.flat"),
    ({"changes": [{"on": "2026-05-15"}]}, "changes.0"),
    ({"changes": [{"on": "2026-05-15", "annual_rate": "4", "extra_installments": 1}]}, "changes.0"),
    ({"changes": [{"on": "2026-01-14", "annual_rate": "4"}]}, "changes.0.on"),
    ({"changes": [{"on": "2028-01-15", "annual_rate": "4"}]}, "changes.0.on"),
    ({"changes": [{"on": "2026-05-15", "annual_rate": "4"}] * 2}, "changes.1.on"),
    ({"changes": [{"on": "2026-05-15", "extra_installments": 1190}]}, "changes"),
    ({"changes": [{"on": "2026-05-15", "extra_installments": 0}]}, "changes.0.extra_installments"),
    ({"residue": "first"}, "residue"),
    ({"residue": "even", "method": "flat"}, "residue"),
    ({"rounding": "up"}, "rounding"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "field"), BAD)
def test_a_bad_document_is_refused_with_its_field(changes: dict[str, Any], field: str) -> None:
    began = time.process_time()
    with pytest.raises(InvalidTerms) as refusal:
        LoanTerms.read({**BASE, **changes})
    assert refusal.value.field == field
    assert refusal.value.exit_code == 2
    assert len(str(refusal.value)) < 300
    assert time.process_time() - began < 1


@pytest.mark.parametrize("name", ["disbursements", "annual_rate", "installments", "every"])
def test_a_missing_field_is_named(name: str) -> None:
    with pytest.raises(InvalidTerms) as refusal:
        LoanTerms.read({key: value for key, value in BASE.items() if key != name})
    assert refusal.value.field == name


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "7", '"x"', "[" * 100_000, '{"a": NaN}', '{"a": Infinity}', '{"a": ' + "9" * 9999 + "}",
        '{"every": ' + '{"every": ' * 5000, b"\xff\xfe{", b"\x00", '{"\\ud800": 1}', '{"annual_rate": "\\ud800"}',
        '{"annual_rate": "1", "annual_rate": "2"}', "{" + " " * 5_000_000 + "}",
    ],
)  # fmt: skip
def test_text_that_is_no_document_is_refused(text: str | bytes) -> None:
    with pytest.raises(InvalidTerms) as refusal:
        LoanTerms.read(text)
    assert refusal.value.field
    assert len(str(refusal.value)) < 300


def test_a_field_given_twice_is_named() -> None:
    with pytest.raises(InvalidTerms) as refusal:
        LoanTerms.read('{"annual_rate": "1", "annual_rate": "2"}')
    assert refusal.value.field == "annual_rate"


def test_terms_are_frozen_and_read_back_unchanged() -> None:
    terms = LoanTerms.read({**BASE, "fees": [{"flat": "10.50"}], "first_due": "2026-03-01"})
    assert LoanTerms.read(json.dumps(terms.as_document())) == terms
    assert terms.as_document()["annual_rate"] == "7.25"
    with pytest.raises(ValueError, match="frozen"):
        terms.installments = 3  # type: ignore[misc]


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["0", "-1", "1e9", "9999-12-31", "0001-01-01", "100", "level", "2026-02-29"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = sorted(LoanTerms.model_fields)


@given(st.dictionaries(st.sampled_from(FIELDS), JUNK, max_size=3), st.data())
def test_any_junk_is_drawn_up_or_refused(junk: dict[str, Any], data: st.DataObject) -> None:
    document: dict[str, Any] = copy.deepcopy(BASE)
    document.update(junk)
    if data.draw(st.booleans()):
        document["disbursements"] = [{"date": data.draw(JUNK), "amount": data.draw(JUNK)}]
    try:
        schedule(LoanTerms.read(document)).as_document()
    except InvalidTerms as refusal:
        assert refusal.field
        assert str(refusal)
