"""Sheets of a million rows: written straight as XML, into a workbook that XlsxWriter has made.

XlsxWriter takes some 12 microseconds a cell, which for a large bank's journal is minutes. So it makes the
workbook with the heads of the long sheets and one row in the first of them, and the other rows are
put where those end: the same columns in all, each of one format. Whatever else is in the workbook is copied as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from html import escape
from typing import IO, Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from xlsxwriter.utility import xl_col_to_name  # type: ignore[import-untyped]

from coopbank.exchange.cells import xlsx_text

Row = Sequence[Any]
_END: Final = b"</sheetData>"
_EPOCH: Final = date(1899, 12, 30).toordinal()  # a day's number in a spreadsheet counts from here
_ESCAPED: Final = re.compile("_x[0-9A-Fa-f]{4}_")  # how the format writes a character by its code
_STYLED: Final = re.compile(rb'<c r="([A-Z]+)[0-9]+" s="([0-9]+)"')
_AT_ONCE: Final = 2_000  # rows


def add_rows(made: IO[bytes], target: IO[bytes], sheets: Mapping[str, Iterable[Row]]) -> None:
    """Copy a workbook, with more rows at the end of some of its sheets.

    `sheets` are rows by the names of the files that they go to (`xl/worksheets/sheet7.xml`), in the order of the
    workbook; the last row of the first one gives the formats. A cell is an amount (`Decimal`), a day, a whole number,
    a text or None.
    """
    styles: dict[str, str] = {}
    with ZipFile(made) as source, ZipFile(target, "w", ZIP_DEFLATED, allowZip64=True) as copy:
        for info in source.infolist():
            text = source.read(info)
            with copy.open(_like(info), "w", force_zip64=True) as out:
                if info.filename not in sheets:
                    out.write(text)
                    continue
                before, after = text.split(_END)
                last = before[before.rindex(b"<row r=") :]
                styles = styles or _styles(last)
                out.write(before)
                out.writelines(_xml(sheets[info.filename], int(last.split(b'"', 2)[1]) + 1, styles))
                out.write(_END + after)


def _like(info: ZipInfo) -> ZipInfo:
    made = ZipInfo(info.filename, info.date_time)
    made.compress_type, made.external_attr = ZIP_DEFLATED, info.external_attr
    return made


def _styles(row: bytes) -> dict[str, str]:
    """The format of each column in a row that XlsxWriter wrote, as an attribute."""
    return {column.decode(): f' s="{style.decode()}"' for column, style in _STYLED.findall(row)}


def _xml(rows: Iterable[Row], first: int, styles: dict[str, str]) -> Iterator[bytes]:
    written: list[str] = []
    columns: list[tuple[str, str]] = []
    for number, row in enumerate(rows, first):
        if len(columns) < len(row):
            names = [xl_col_to_name(column) for column in range(len(row))]
            columns = [(f'<c r="{name}', styles.get(name, "")) for name in names]
        cells = [
            _cell(f'{start}{number}"{style}', cell)
            for (start, style), cell in zip(columns, row, strict=False)
            if cell is not None and cell != ""
        ]
        written.append(f'<row r="{number}">{"".join(cells)}</row>')
        if len(written) == _AT_ONCE:
            yield "".join(written).encode()
            written.clear()
    yield "".join(written).encode()


def _cell(start: str, cell: Any) -> str:
    if isinstance(cell, str):
        return f'{start} t="inlineStr"><is><t xml:space="preserve">{_text(cell)}</t></is></c>'
    if isinstance(cell, date):
        cell = cell.toordinal() - _EPOCH
    elif not isinstance(cell, Decimal | int):
        raise TypeError(f"no cell for {type(cell).__name__}")
    return f"{start}><v>{cell}</v></c>"


@lru_cache(maxsize=4096)
def _text(text: str) -> str:
    """The text as it stands in the file; most texts of a journal come again and again."""
    shown = _ESCAPED.sub(lambda found: "_x005F" + found[0], xlsx_text(text))
    return escape(shown, quote=False)
