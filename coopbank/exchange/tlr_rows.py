"""The CDFI Fund's Transaction Level Report as CSV: a loan a row, the data points as columns."""

from __future__ import annotations

import csv
import io
from dataclasses import fields

from coopbank.exchange.cells import csv_text
from coopbank.reports.document import as_document
from coopbank.reports.tlr import Tlr, TlrRow


def csv_of(found: Tlr) -> str:
    """The rows, safe for spreadsheets; lines end with CR LF."""
    stream = io.StringIO(newline="")
    table = csv.writer(stream, lineterminator="\r\n")
    names = [field.name for field in fields(TlrRow)]
    table.writerow([name.upper() for name in names])
    for row in as_document(found)["rows"]:
        table.writerow(["" if row[name] is None else csv_text(str(row[name])) for name in names])
    return stream.getvalue()
