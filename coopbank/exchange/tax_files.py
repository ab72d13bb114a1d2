"""Files with the figures of the forms 1099-PATR, 1099-INT and 1099-DIV: one CSV a form, and what they are in words.

They are data for whoever fills the forms in, not the forms, and nothing here says that they comply with anything.
Taxpayer numbers stand in full only for who is signed in; the files are readable by their owner alone.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

from coopbank.bank.books import Books
from coopbank.exchange.cells import csv_text
from coopbank.exchange.files import NewFiles
from coopbank.money import format_amount
from coopbank.reports.taxes import BOX_NAMES, FORMS, RULES_AS_OF, TaxForm, TaxRows, tax_rows

README = "README.txt"


def tax_files(books: Books, year: int, folder: str | os.PathLike[str]) -> list[Path]:
    """Write the files of a year into a folder; returns them, all of them whole."""
    rows = tax_rows(books, year)
    with NewFiles(folder) as files:
        for form, found in zip(FORMS, rows, strict=True):
            _write(files, form, found)
        files.text(README).write(_about(rows))
    return files.written


def _write(files: NewFiles, form: TaxForm, found: TaxRows) -> None:
    writer = csv.writer(files.text(f"{form.name}_{found.year}.csv"), lineterminator="\n")
    boxes = [f"box_{box}_{BOX_NAMES[form.name, box]}" for box in form.boxes]
    writer.writerow(["member", "name", "taxpayer_number", "address", *boxes, "reportable"])
    for row in found.rows:
        amounts = [format_amount(row.boxes[box], found.source.currency) for box in form.boxes]
        texts = [csv_text(text) for text in (row.member, row.name, row.tax_id, row.address)]
        writer.writerow([*texts, *amounts, "yes" if row.reportable else "no"])


def _about(rows: tuple[TaxRows, ...]) -> str:
    first = rows[0]
    lines = [
        f"{first.source.institution}: figures for information returns of {first.year}",
        "",
        "These files hold what the books say was paid or allocated to each member in the calendar year, by the boxes",
        "of the forms. They are data, not forms. Nothing is filed, nobody has checked them against the instructions of",
        "the year, and no claim is made that they comply. Ask an accountant.",
        "",
        "" if first.complete else "THE YEAR IS NOT OVER in these books: the figures are of a part of it.\n",
        *(f"NOT ALL OF IT IS HERE. {text} Make these files again then.\n" for text in first.still_coming),
        f"Thresholds as they were known on {RULES_AS_OF}, in US dollars; any tax withheld makes a row reportable too:",
        *(f"  {form.name}: {form.reported_from} ({form.cited}), {len(r.rows)} members"
          for form, r in zip(FORMS, rows, strict=True)),
        "",
        "Dividends on a class of shares that is presented as a liability stand under interest, others under dividends.",
        f"Books as of operation {first.source.head_number}, fingerprint {first.source.head_hash}.",
        "",
    ]  # fmt: skip
    return "\n".join(lines)
