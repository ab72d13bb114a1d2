"""Documents: one statement of two pages with forty lines, and a month of them for ten thousand members.

Baselines of the same run, with the same words and figures: plain ReportLab (no tags, no square code, no second pass),
typst and WeasyPrint where they are installed (`pip install typst weasyprint`); they are no part of the project.
"""

from __future__ import annotations

import io
import json
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pikepdf
from reportlab.lib.pagesizes import LETTER
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from benchmarks.books import DAY, TELLER, new_bank, show
from coopbank.bank.bank import Bank
from coopbank.reports.member import Line, MemberReport, member
from coopbank.statements import make_month
from coopbank.statements.papers.member_statement import MemberStatement
from coopbank.statements.parts import amount
from coopbank.statements.sheet import Brand, Sheet, Stamp

MEMBERS = 10_000
ROWS = 40


def measure(folder: Path, *, quick: bool = False) -> None:
    """Print every figure."""
    bank = new_bank(folder, "documents")
    report = _report(bank)
    sheet = _sheet(report)
    pages = len(pikepdf.open(io.BytesIO(MemberStatement(report, sheet).to_bytes())).pages)
    ours = _milliseconds(lambda: MemberStatement(report, sheet).to_bytes())
    rows = _rows(report)
    for name, draw in _others(rows).items():
        other = _milliseconds(draw, times=5 if name == "WeasyPrint" else 20)
        show(f"tagged statement, {pages} pages, {ROWS} lines", ours, "ms", name, other, ours / other, "< 25 ms")
    large = _milliseconds(lambda: MemberStatement(report, replace(sheet, print_size="large")).to_bytes())
    show("the same in large print", large, "ms", "in normal print", ours, large / ours, "-")
    _month(bank, folder, 1_000 if quick else MEMBERS)
    bank.close()


def _month(bank: Bank, folder: Path, members: int) -> None:
    """Everybody's statement of a month on two cores, recorded in the books."""
    _grow(bank, members)
    started = time.perf_counter()
    made = make_month(bank, f"{DAY:%Y-%m}", folder / "statements", actor=TELLER, jobs=2)
    seconds = time.perf_counter() - started
    megabytes = (
        max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    )
    written = sum(file.stat().st_size for file in made.files)
    started = time.perf_counter()
    for number in range(len(made.files)):  # what the disk needs for as many files of that size
        (folder / f"bare-{number % 50}").write_bytes(b"x" * (written // len(made.files)))
    bare = time.perf_counter() - started
    show(f"{len(made.files):,} statements, recorded, two processes", seconds, "s", "writing such files alone", bare,
         seconds / bare, "< 180 s for 10,000")  # fmt: skip
    show("memory of the largest process", megabytes, "MB", "-", 1, megabytes, "< 400 MB")
    started = time.perf_counter()
    again = make_month(bank, f"{DAY:%Y-%m}", folder / "statements", actor=TELLER, jobs=2)
    repeated = time.perf_counter() - started
    assert again.kept == len(made.files), "nothing had changed"
    show("the same month again, nothing changed", repeated, "s", "the first time", seconds, repeated / seconds, "-")


def _grow(bank: Bank, members: int) -> None:
    for first in range(2, members + 1, 500):
        numbers = range(first, min(first + 500, members + 1))
        steps: list[tuple[str, dict[str, str]]] = [("admit-member", {"member_name": f"Member {n}"}) for n in numbers]
        steps += [("open-savings", {"member": f"M{n:04d}"}) for n in numbers]
        for deposit in ("25.00", "40.00", "12.50"):
            steps += [("deposit", {"member": f"M{n:04d}", "amount": deposit, "tender": "transfer"}) for n in numbers]
        bank.perform_all(TELLER, [(bank.build(name, values), None) for name, values in steps])


def _report(bank: Bank) -> MemberReport:
    """A member's report with forty movements of savings."""
    with bank.read() as books:
        found = member(books, "M0001", DAY.replace(day=1), DAY.replace(day=31))
    (savings,) = [account for account in found.accounts if account.kind == "savings"]
    balance, lines = savings.opening, []
    for n in range(ROWS):
        balance += 1234 + n
        day = found.start + timedelta(days=n // 2)
        lines.append(Line(day, f"Paid in, cash, slip {n}", 1234 + n, 0, balance, 1000 + n, day, late=False))
    return replace(found, complete=True, accounts=(replace(savings, lines=tuple(lines), closing=balance),))


def _sheet(report: MemberReport) -> Sheet:
    source = report.source
    stamp = Stamp("ST-2026-03-M0001", source.head_number, source.head_hash, source.head_at, recorded=True)
    return Sheet(Brand(source.institution, source.institution_kind, "214 Farish Row, Jackson MS 39201"), stamp)


def _rows(report: MemberReport) -> list[tuple[str, ...]]:
    lines = report.accounts[0].lines
    return [
        (line.on.isoformat(), line.words, str(line.receipt), amount(line.money_in, "USD"), "",
         amount(line.balance, "USD"))
        for line in lines
    ]  # fmt: skip


HEADS = ("Date", "What happened", "Receipt", "In", "Out", "Balance")
TITLE = "Member statement"
TEXT = "Tell us within 60 days of receiving this document. A mistake is corrected by a new line. " * 4


def _others(rows: Sequence[tuple[str, ...]]) -> dict[str, Callable[[], Any]]:
    found: dict[str, Callable[[], Any]] = {"plain ReportLab": lambda: _plain(rows)}
    try:
        import typst
    except ImportError:
        print("typst is not installed; its baseline is left out")
    else:
        data = {"rows": json.dumps(rows)}
        turn = iter(range(1_000_000))  # other words each time: it remembers what it has set
        found["typst"] = lambda: typst.compile(_TYPST.encode(), sys_inputs={**data, "turn": str(next(turn))})
    try:
        import weasyprint
    except (ImportError, OSError):
        print("WeasyPrint is not installed; its baseline is left out")
    else:
        found["WeasyPrint"] = lambda: weasyprint.HTML(string=_html(rows)).write_pdf(pdf_variant="pdf/ua-1")
    return found


def _plain(rows: Sequence[tuple[str, ...]]) -> bytes:
    from reportlab.lib.styles import getSampleStyleSheet

    styles, drawn = getSampleStyleSheet(), io.BytesIO()
    table = Table([HEADS, *rows], repeatRows=1)
    table.setStyle(TableStyle([("ALIGN", (3, 0), (-1, -1), "RIGHT"), ("LINEBELOW", (0, 0), (-1, -1), 0.3, "#bbbbbb")]))
    parts = [Paragraph(TITLE, styles["h1"]), Paragraph(TEXT, styles["Normal"]), Spacer(1, 12), table,
             Paragraph(TEXT, styles["Normal"])]  # fmt: skip
    SimpleDocTemplate(drawn, pagesize=LETTER, invariant=1).build(parts)
    return drawn.getvalue()


_TYPST = """
#let rows = json(bytes(sys.inputs.rows))
#set page(paper: "us-letter", numbering: "1 / 1")
= Member statement
#lorem(60)
#table(columns: 6, table.header([Date], [What happened], [Receipt], [In], [Out], [Balance]), ..rows.flatten())
#lorem(60) #sys.inputs.at("turn", default: "")
"""


def _html(rows: Sequence[tuple[str, ...]]) -> str:
    heads = "".join(f"<th scope='col'>{head}</th>" for head in HEADS)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    style = "<style>@page{size:letter}td{border-bottom:1px solid #bbb}</style>"
    return (
        f"<html lang='en'><head><title>{TITLE}</title>{style}</head><body><h1>{TITLE}</h1><p>{TEXT}</p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table><p>{TEXT}</p></body></html>"
    )


def _milliseconds(call: Callable[[], Any], times: int = 20) -> float:
    call()
    found = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        found.append((time.perf_counter() - started) * 1000)
    return statistics.median(found)
