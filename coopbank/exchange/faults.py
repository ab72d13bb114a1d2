"""What is wrong with a file: every bad row, with its column and the reason."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

from coopbank.errors import CoopbankError, ImportRefused

LISTED: Final = 100
"""Faults that are named; the others are counted."""

_LONGEST_VALUE: Final = 60
_LONGEST_REASON: Final = 400


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. Rows are counted as a spreadsheet counts them, the header included."""

    row: int | None
    column: str | None
    value: str | None
    reason: str


@dataclass
class Faults:
    """The faults of one file."""

    file: str
    rows_done: int = 0  # in the books already, where the file goes in groups
    count: int = 0
    listed: list[Fault] = field(default_factory=list)

    def add(self, row: int | None, column: str | None, value: Any, refusal: CoopbankError) -> None:
        """Note one."""
        self.count += 1
        self.listed.append(
            Fault(
                row,
                None if column is None else shown(column, _LONGEST_VALUE),
                None if value is None else shown(value if isinstance(value, str) else str(value), _LONGEST_VALUE),
                shown(str(refusal), _LONGEST_REASON),
            )
        )

    def refuse_if_any(self) -> None:
        """Refuse the file if anything is wrong with it, in the order of its rows."""
        if not self.count:
            return
        self.listed.sort(key=lambda fault: fault.row or 0)
        faults, file = [asdict(fault) for fault in self.listed[:LISTED]], shown(self.file, _LONGEST_VALUE)
        first = self.listed[0]
        if self.rows_done:
            raise ImportRefused(
                "{done} rows of {file} are in the books. Of the group after them row {row} was refused: {reason}",
                faults=faults, field="file", done=self.rows_done, file=file, row=first.row, reason=first.reason,
                hint="When the reason is gone, the same file goes on from there. If you change the file, take the rows"
                " out that are in.",
            )  # fmt: skip
        if first.row is None:
            raise ImportRefused(
                "Nothing was imported from {file}: {reason}",
                faults=faults,
                field="file",
                file=file,
                reason=first.reason,
            )
        if first.column is None:
            raise ImportRefused(
                "Nothing was imported from {file}. Faults: {count}, the first in row {row}: {reason}",
                faults=faults, field="file", file=file, count=self.count, row=first.row, reason=first.reason,
            )  # fmt: skip
        raise ImportRefused(
            "Nothing was imported from {file}. Faults: {count}, the first in row {row}, column {column}: {reason}",
            faults=faults, field="file", file=file, count=self.count, row=first.row, column=first.column,
            reason=first.reason,
        )  # fmt: skip


def shown(text: str, longest: int) -> str:
    """A text from a file as it may be printed: only what prints, and cut short."""
    cut = text[:longest]
    printable = "".join(c if c.isprintable() else " " if c in "\n\t" else "?" for c in cut)
    return printable + "…" if len(text) > longest else printable
