"""Every amount of every row, drawn a second time by tests/finance/second_reading.py: to the cent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.errors import InvalidTerms
from coopbank.finance.schedule import schedule
from coopbank.finance.terms import LoanTerms
from tests.finance.second_reading import Reading
from tests.finance.test_schedule import documents, eventful, vast

FILE = Path(__file__).parent.parent / "conformance" / "schedules.json"
PUBLISHED = json.loads(FILE.read_text(encoding="utf-8"))["cases"]
IN_CENTS = [case for case in PUBLISHED if case["terms"].get("currency", "USD") == "USD"]


def read_twice(document: dict[str, Any]) -> None:
    """The same rows twice, or a refusal."""
    try:
        rows = schedule(LoanTerms.read(document)).rows
    except InvalidTerms as refusal:
        # A multiple is not a multiple of another, or so large that nothing would be repaid.
        assert "payment_multiple" in document or "amount_multiple" in document, refusal
        return
    ours = [(row.n, *row[2:]) for row in rows]
    assert ours == Reading(document).draw()


@st.composite
def rounded(draw: st.DrawFn) -> dict[str, Any]:
    """Terms of every kind with multiples, balloons and fees of all bases."""
    document = draw(st.one_of(documents(), eventful()))
    if draw(st.booleans()):
        document["amount_multiple"] = draw(st.sampled_from(["0.05", "0.25", "1"]))
        unit = 100 * 1 if document["amount_multiple"] == "1" else int(document["amount_multiple"][2:])
        for each in document["disbursements"]:
            cents = int(each["amount"].replace(".", ""))
            cents = max(cents - cents % unit, unit)
            each["amount"] = f"{cents // 100}.{cents % 100:02d}"
        document.pop("fees", None)
    if document["method"] != "equal-principal" and draw(st.booleans()):
        document["payment_multiple"] = draw(st.sampled_from(["1", "5", "20", "100"]))
    if document["method"] == "equal-principal" and draw(st.booleans()):
        document["principal_percent"] = draw(st.sampled_from(["0.5", "1", "2.25"]))
    if draw(st.booleans()):
        bases = ["principal", "interest", "principal+interest"]
        document["fees"] = [{"percent": draw(st.sampled_from(["0.125", "1", "50"])), "of": base} for base in bases]
    return document


@given(documents())
def test_terms_of_every_kind(document: dict[str, Any]) -> None:
    read_twice(document)


@given(eventful())
def test_tranches_new_rates_and_extra_rows(document: dict[str, Any]) -> None:
    read_twice(document)


@given(rounded())
def test_multiples_balloons_and_fees(document: dict[str, Any]) -> None:
    read_twice(document)


@given(vast())
def test_large_sums_are_exact_where_a_float_is_not(document: dict[str, Any]) -> None:
    read_twice(document)


@given(eventful(), st.randoms(use_true_random=False))
def test_the_order_in_which_the_document_tells_events_says_nothing(document: dict[str, Any], chance: Any) -> None:
    document["fees"] = [{"flat": "1.25"}, {"percent": "2", "of": "interest"}, {"percent": "1", "of": "principal"}]
    rows = schedule(LoanTerms.read(document)).rows
    turned = {**document}
    for name in ("disbursements", "changes", "fees"):
        turned[name] = chance.sample(document[name], len(document[name]))
    turned = dict(chance.sample(list(turned.items()), len(turned)))
    assert schedule(LoanTerms.read(turned)).rows == rows


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in IN_CENTS])
def test_the_second_reading_draws_published_schedules_too(case: dict[str, Any]) -> None:
    """Or its agreement would prove little."""
    read_twice(case["terms"])
    rows = Reading(case["terms"]).draw()
    for expected in case["expected"]:
        row = dict(zip(("n", "days", "principal", "interest", "fees", "payment", "balance"), rows[expected["n"] - 1],
                       strict=True))  # fmt: skip
        for name in set(expected) & {"principal", "interest", "fees", "payment", "balance"}:
            assert row[name] == int(expected[name].replace(".", "")), name
