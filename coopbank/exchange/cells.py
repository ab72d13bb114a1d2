"""Text that is safe in the cells of a spreadsheet.

A program that opens a CSV file runs a cell that begins with `=`, `+`, `-` or `@` as a
formula, so a member named `=HYPERLINK(...)` could act in the auditor's hands. Only text
goes through here; amounts and dates are written by the books themselves and stay as
they are.
"""

from __future__ import annotations

import re
from typing import Final

#: What starts a formula in Excel, LibreOffice or Google Sheets; the full-width forms in Japanese editions of them.
_FORMULA: Final = re.compile(r"[\s\ufeff\u200b]*[=+\-@＝＋－＠]|[\t\r\n]")  # fmt: skip

#: What XML 1.0 cannot hold, and so no cell of an XLSX file.
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

LONGEST_CELL: Final = 32_767
"""Characters that a cell of an XLSX file may hold."""


def csv_text(text: str) -> str:
    """The text for a cell of a CSV file: with an apostrophe before it where a spreadsheet would run it."""
    return "'" + text if _FORMULA.match(text) else text


def xlsx_text(text: str) -> str:
    """The text for a text cell of an XLSX file, which is never run: what XML cannot hold is shown as U+FFFD.

    Longer text than a cell may hold ends in an ellipsis.
    """
    shown = _NOT_XML.sub("\ufffd", text)
    if shown.startswith("<r>") and shown.endswith("</r>"):
        shown += " "  # XlsxWriter would take it for markup of its own
    return shown if len(shown) <= LONGEST_CELL else shown[: LONGEST_CELL - 1] + "…"
