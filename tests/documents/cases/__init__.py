"""The cases of the error gallery, as tables by subject."""

from __future__ import annotations

from tests.documents.cases import (
    auditing,
    bank_statements,
    books,
    commands,
    controls,
    counter,
    funds,
    getting_in,
    house,
    lending,
    life,
    loan_life,
    staff,
    terms,
)
from tests.documents.gallery_case import Case

CASES: tuple[Case, ...] = (
    *counter.CASES, *life.CASES, *lending.CASES, *loan_life.CASES, *books.CASES, *bank_statements.CASES, *funds.CASES,
    *house.CASES, *staff.CASES, *controls.CASES, *auditing.CASES, *getting_in.CASES, *commands.CASES, *terms.CASES,
)  # fmt: skip
