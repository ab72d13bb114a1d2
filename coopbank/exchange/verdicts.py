"""The report of an import: a line for each row with its verdict and the reason, as a table to work through.

    row,verdict,column,value,reason
    2,good,,,
    3,refused,Joined,2026-02-30,There is no such day: 2026-02-30.

A row with several faults has several lines; what is wrong with the file as a whole has no row.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from coopbank.bank.operation import Receipt
from coopbank.errors import WrongUsage
from coopbank.exchange.cells import csv_text
from coopbank.exchange.faults import Faults
from coopbank.exchange.plans import Wanted
from coopbank.money import quoted
from coopbank.words import _, marked

GOOD, REFUSED, IMPORTED = marked("good"), marked("refused"), marked("imported")
WAITS, DONE_BEFORE = marked("waits for a second person"), marked("done before")
NOT_BEGUN = marked("not begun")

_HEADING: Final = ("row", "verdict", "column", "value", "reason")


def of_receipts(work: Sequence[Wanted], receipts: Sequence[Receipt], *, dry_run: bool) -> dict[int, str]:
    """What came of each row, or would come of it."""
    found: dict[int, str] = {}
    for wanted, receipt in zip(work, receipts, strict=True):
        verdict = GOOD if dry_run else WAITS if receipt.reason else IMPORTED
        verdict = DONE_BEFORE if receipt.status == "repeated" else verdict
        found |= dict.fromkeys(wanted.of_rows, verdict)
    return found


def require_place(file: str) -> Path:
    """Where a report can be written; refuses a folder, and a folder that there is not."""
    place = Path(file)
    if place.is_dir() or not place.parent.is_dir():
        raise WrongUsage(
            "No report can be written to {file}.", field="report", file=quoted(file),
            hint="Name a file in a folder that is there.",
        )  # fmt: skip
    return place


def write(stream: IO[str], verdicts: Mapping[int, str], faults: Faults) -> None:
    """Every row in its order; a row with faults is refused, whatever else is said of it."""
    table = csv.writer(stream, lineterminator="\r\n")
    table.writerow(_HEADING)
    table.writerows(_lines(verdicts, faults))


def _lines(verdicts: Mapping[int, str], faults: Faults) -> Iterable[tuple[str, ...]]:
    bad: dict[int, list[tuple[str, ...]]] = {}
    for fault in faults.listed:
        cells = (fault.column or "", fault.value or "", fault.reason)
        bad.setdefault(fault.row or 0, []).append((_(REFUSED), *(csv_text(cell) for cell in cells)))
    for row in sorted({*verdicts, *bad}):
        number = str(row) if row else ""
        for line in bad.get(row) or [(_(verdicts[row]), "", "", "")]:
            yield (number, *line)
