"""The documents under docs/ that are made by running the program, so that they cannot be out of date.

A page is a function of a place for scratch books that returns its text; `make docs`
writes them all, and a test fails when one has changed.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.documents import audit_page, gallery, keys_page, lending_page, one_repayment, operations_page

DOCUMENTS: dict[str, Callable[[str], str]] = {
    "one-repayment.md": one_repayment.page,
    "lending.md": lending_page.page,
    "errors.md": gallery.page,
    "operations.md": operations_page.page,
    "keys.md": keys_page.page,
    "audit-runbook.md": audit_page.page,
}
