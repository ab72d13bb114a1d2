"""Grants on conditions (E09): owed until a cost is paid, income and released then, given back if not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from coopbank.bank.verify import verify
from coopbank.errors import AlreadyExists, InvalidAmount, InvalidValue, NotAllowed, Unknown, WrongState
from coopbank.ledger.verify import wrong
from tests.bank.support_counter import HOSTILE, entry, posted, refused
from tests.support_bank import SmallBank, assert_books, new_bank

ADVANCE: dict[str, Any] = {
    "fund": "CG1", "amount": "3000.00", "funder": "A city", "condition": "two courses are held", "number": "CG1",
    "tender": "transfer",
}  # fmt: skip
COST: dict[str, Any] = {
    "grant": "CG1", "amount": "800.00", "expense": "290", "evidence": "list of 12 who came", "tender": "transfer",
}  # fmt: skip


def advanced(small: SmallBank) -> None:
    both(small, "open-fund", code="CG1", fund_name="Teaching", fund_class="conditional")
    assert posted(both(small, "receive-grant", **ADVANCE)) == [entry(
        "POOL 731/FIRST Dr 3000.00", "POOL 879/CG1 Cr 3000.00", "CG1 729 Dr 3000.00", "CG1 862/CG1 Cr 3000.00",
    )]  # fmt: skip


@pytest.fixture
def granted(engine_url: str) -> Iterator[SmallBank]:
    with new_bank(engine_url, begin=advanced) as small:
        yield small
        assert_books(small)


def both(small: SmallBank, operation: str, **values: Any) -> Any:
    return small.agreed(operation, by=small.tom, approver=small.sue, **values)


def test_a_cost_that_is_paid_earns_as_much(granted: SmallBank) -> None:
    assert posted(both(granted, "earn-grant", **COST)) == [entry(
        "CG1 862/CG1 Dr 800.00", "CG1 181/CG1 Cr 800.00", "CG1 186/CG1 Dr 800.00", "GEN 290 Dr 800.00",
        "GEN 185 Cr 800.00", "CG1 729 Cr 800.00", "POOL 879/CG1 Dr 800.00", "POOL 731/FIRST Cr 800.00",
    )]  # fmt: skip
    refused(granted, InvalidAmount, "earn-grant", granted.tom, field="amount", says="2,200.00",
            **{**COST, "amount": "2200.01"})  # fmt: skip
    refused(granted, InvalidAmount, "return-grant", granted.tom, field="amount", says="2,200.00",
            grant="CG1", why="x", tender="transfer", amount="2200.01")  # fmt: skip
    back = both(granted, "return-grant", grant="CG1", why="no second course", tender="transfer")
    assert posted(back) == [entry(
        "CG1 862/CG1 Dr 2200.00", "CG1 729 Cr 2200.00", "POOL 879/CG1 Dr 2200.00", "POOL 731/FIRST Cr 2200.00",
    )]  # fmt: skip
    refused(granted, WrongState, "return-grant", granted.tom, grant="CG1", why="x", tender="transfer")
    granted.agreed("reverse", by=granted.tom, approver=granted.sue, operation=back.number, reason="it is held")
    both(granted, "earn-grant", **{**COST, "amount": "2200.00"})


@pytest.mark.parametrize(
    ("error", "operation", "field", "changes"),
    [
        (WrongState, "receive-grant", "fund", {"fund": "GEN", "number": "CG2"}),
        (Unknown, "receive-grant", "fund", {"fund": "CG9"}), (AlreadyExists, "receive-grant", "number", {}),
        (InvalidValue, "receive-grant", "condition", {"condition": ""}),
        (InvalidValue, "receive-grant", "amount", {"amount": "0.00"}),
        (InvalidValue, "earn-grant", "evidence", {"evidence": ""}), (Unknown, "earn-grant", "grant", {"grant": "CG9"}),
        (InvalidValue, "earn-grant", "expense", {"expense": "181"}),
        (InvalidAmount, "earn-grant", "amount", {"amount": "3000.01"}),
    ],
)  # fmt: skip
def test_what_is_refused(
    granted: SmallBank, error: type[Any], operation: str, field: str, changes: dict[str, str]
) -> None:
    values = ADVANCE if operation == "receive-grant" else COST
    refused(granted, error, operation, granted.tom, field=field, **{**values, **changes})


def test_one_person_alone_and_a_teller(granted: SmallBank) -> None:
    assert granted.ask("earn-grant", by=granted.tom, **COST).status == "pending"
    refused(granted, NotAllowed, "earn-grant", granted.ana, **COST)


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_stay_texts(granted: SmallBank, text: str) -> None:
    both(granted, "receive-grant", **{**ADVANCE, "number": "CG2", "condition": text[:200], "funder": text[:200]})
    both(granted, "earn-grant", **{**COST, "evidence": text[:100]})
    assert wrong(verify(granted.bank.database)) == []
