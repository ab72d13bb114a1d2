"""The cases of the error gallery, as tables by subject."""

from __future__ import annotations

from tests.documents.cases import auditing, books, commands, counter, lending, loan_life, staff, terms
from tests.documents.gallery_case import Case

CASES: tuple[Case, ...] = (
    *counter.CASES, *lending.CASES, *loan_life.CASES, *books.CASES, *staff.CASES, *auditing.CASES, *commands.CASES,
    *terms.CASES,
)  # fmt: skip
