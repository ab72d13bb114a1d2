"""Every document, in both languages and sizes: judged by a checker of accessibility, and held against its report."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.reports import member
from coopbank.reports.document import as_document
from coopbank.reports.member import Line
from coopbank.reports.movements import LOAN_CODES
from coopbank.statements import Copy, make
from coopbank.statements.charts import every
from coopbank.statements.document import figures_hash
from coopbank.statements.kinds import KINDS, read_number, span_of
from coopbank.statements.papers.member_statement import MemberStatement
from coopbank.statements.parts import amount
from coopbank.statements.typeface import fitted, printable
from coopbank.words import speaking
from tests.statements.told import Told, findings, sheet_of
from tests.statements.village import Village, capital_paper, paper_of, patronage_paper
from tests.support_bank import CHARITY, CREDIT_UNION, UNCHARTERED, new_bank

AMOUNT = re.compile(r"(?<![0-9,.])\u2212?[0-9]{1,3}(?:,[0-9]{3})*\.[0-9]{2}(?![0-9]|\s?%)")


def amounts_of(value: Any) -> set[str]:
    """Every amount of a report, as it would stand on paper, in either sign."""
    if isinstance(value, dict):
        return set().union(*(amounts_of(each) for each in value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*(amounts_of(each) for each in value)) if value else set()
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]+\.[0-9]{2}", value):
        minor = round(float(value) * 100)
        return {amount(minor, "USD"), amount(-minor, "USD")}
    if isinstance(value, int) and not isinstance(value, bool):  # the box of the Truth in Lending rules
        return {amount(value, "USD")}
    told = AMOUNT.findall(value) if isinstance(value, str) else []
    return {sign + text.lstrip("\u2212") for text in told for sign in ("", "\u2212")}


@pytest.mark.parametrize("print_size", ["normal", "large"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_every_document_can_be_read_aloud_and_says_what_its_report_says(
    village: Village, language: str, print_size: Any
) -> None:
    seen = set()
    with village.bank.read() as books, speaking(language):
        papers = [paper_of(books, *wanted, print_size) for wanted in village.papers]
        for paper in [*papers, patronage_paper(books, print_size), capital_paper(books, print_size)]:
            data = paper.to_bytes()
            where = (type(paper).__name__, language, print_size)
            assert findings(data) == [], where
            _is_sound(data, where, print_size)
            said = Told(data)
            assert said.language.startswith(language) and said.of("H1") == [paper.title()], where
            if not language.startswith("es"):
                assert set(AMOUNT.findall(said.text)) <= amounts_of(as_document(paper.report)) | {"0.00"}, where
            assert said.order == sorted(said.order), "what is drawn first is read first"
            assert paper.sheet.stamp.code in said.text.replace("\u200b", "")
            seen.add(type(paper))
    assert {kind.paper for kind in KINDS.values()} <= seen, "a document of every kind"


def test_a_lender_reads_up_to_when_interest_stands_on_the_statement(village: Village) -> None:
    """In the middle of a month it said that no interest ran in the period, and nothing more."""
    with village.bank.read() as books:
        today = books.business_date() or date.max
        paper = paper_of(books, "note-statement", "N-001", today.replace(day=1), today, "normal")
        said = Told(paper.to_bytes()).text
    assert paper.report.interest_ran == 0 and paper.report.closing_principal > 0
    assert "Interest is added at the end of each month, and when it is paid: what ran since is still to come." in said


def test_a_line_of_credit_has_days_and_no_rows_of_nothing(village: Village) -> None:
    """Thirty-six payments of 0.00 stood on its schedule, and what is due every month was not among them."""
    with village.bank.read() as books:
        lines = {ref for ref, body in books.every(records.Loan) if body.repayment == "line"}
        papers = {wanted[0]: paper_of(books, *wanted, "normal") for wanted in village.papers if wanted[1] in lines}
    said = {kind: Told(paper.to_bytes()).text for kind, paper in papers.items()}
    assert not papers["schedule"].report.rows and not papers["loan-statement"].report.coming
    assert "what is due each time is the interest that ran. It is due next on" in " ".join(said["schedule"].split())
    assert "What comes next" not in said["loan-statement"] and "You may borrow up to" in said["agreement"]


def test_who_has_other_terms_by_now_reads_that_the_cost_is_that_of_the_first(village: Village) -> None:
    """Twelve payments up to December stood beside a last payment of the year after next, without a word."""
    with village.bank.read() as books:
        wanted = [each for each in village.papers if each[0] == "agreement"]
        paper = next(p for p in (paper_of(books, *each, "normal") for each in wanted) if p.report.box is not None)
    told = paper.report.story
    later = replace(told.terms[0], version=2, change="extension", from_day=date(2025, 5, 6), taken_back_by=None)
    for terms, said in (((later,), True), ((replace(later, taken_back_by=9),), False), ((), False)):
        changed = replace(paper.report, story=replace(told, terms=(told.terms[0], *terms)))
        text = " ".join(Told(type(paper)(changed, paper.sheet).to_bytes()).text.split())
        assert ("The terms were changed since, the last time from May 6, 2025." in text) == said


def test_no_heading_stands_alone_at_the_end_of_a_page(village: Village) -> None:
    """A receipt in large print had one at the end of its first page, and what it headed on the second."""
    with village.bank.read() as books:
        wanted = next(each for each in village.papers if each[0] == "receipt")
        pages = Told(paper_of(books, *wanted, "large").to_bytes()).page_texts
    (page,) = [text for text in pages if "What it did" in text]
    assert "Account" in page.partition("What it did")[2]


def test_why_something_is_due_is_said_once_and_its_days_are_written_like_all_others(village: Village) -> None:
    """It said on 2026-04-30, and then again, that nothing was due."""
    explained = 0
    with village.bank.read() as books:
        for wanted in (each for each in village.papers if each[0] == "loan-statement"):
            paper = paper_of(books, *wanted, "normal")
            told = Told(paper.to_bytes()).text
            why = told[told.index("What is due and why") : told.index("You may pay more or earlier")]
            assert why.count("Nothing is due") <= 1 and not re.search(r"[0-9]{4}-[0-9]{2}", why), why
            assert all(line in why for line in paper.report.account.reports[1:])
            explained += any(re.search(r" on [0-9]{4}-[0-9]{2}-[0-9]{2}", line) for line in paper.report.why)
    assert explained, "a report whose sentences name days"


def test_who_paid_ahead_or_was_corrected_reads_so_on_paper(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        eve = small.admit("Eve Moss")
        small.do("buy-shares", member=eve, amount="25.00")
        small.do("open-savings", member=eve)
        wrong = small.do("deposit", member=eve, amount="70.00").number
        right = small.do("reverse", operation=str(wrong), reason="meant for another member").number
        small.do("receive-gift", by=small.tom, donor="Friends", amount="9000.00", fund="RLF", tender="transfer")
        small.agreed(
            "grant-loan", member=eve, principal="1200.00", annual_rate="6", installments=12, purpose="ovens",
            first_due="2026-04-01",
        )  # fmt: skip
        small.do("disburse-loan", by=small.tom, loan="L-001", tender="transfer")
        small.do("repay-loan", loan="L-001", amount="150.00")
        today = date(2026, 3, 2)
        with small.read() as books:
            statement = paper_of(books, "loan-statement", "L-001", today, today, "normal")
            receipt = paper_of(books, "receipt", str(right), today, today, "normal")
            first = paper_of(books, "receipt", str(wrong), today, today, "normal")
        said = Told(statement.to_bytes()).text
        shown = [row.paid for row in statement.report.coming]
        assert sum(shown) == 150_00
        assert "You paid ahead: 150.00 of the payments that come next is paid already." in said and "Of it paid" in said
        told = Told(receipt.to_bytes()).text
        assert told.count(f"Correction of receipt {wrong}") == 2 and "Reverse an operation" not in told
        assert "Correction of receipt" not in Told(first.to_bytes()).text
        without = {name: value for name, value in as_document(receipt.report).items() if name != "takes_back"}
        assert figures_hash(without) == figures_hash(receipt.report)  # papers made before still agree


def _is_sound(data: bytes, where: object, print_size: str) -> None:
    """What PDF/A-2a and PDF/UA-1 ask of the file, as far as we can say it; and no small letters in large print."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        assert pdf.check_pdf_syntax() == [], where
        xmp = pdf.Root.Metadata.read_bytes().decode()
        assert "<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A<" in xmp and "<pdfuaid:part>1<" in xmp
        assert pdf.Root.OutputIntents[0].DestOutputProfile.N == 3
        for page in pdf.pages:
            for font in page.obj.Resources.Font.values():
                assert "/FontFile2" in font.FontDescriptor and "/ToUnicode" in font, where
            sizes = [
                float(operands[1]) for operands, operator in pikepdf.parse_content_stream(page, "Tf")
                if str(operator) == "Tf"
            ]  # fmt: skip
            assert min(sizes) >= (18 if print_size == "large" else 8), where


def ledger_sum(books: Books, until: str, gl_code: str, contract: str, day: date) -> int:
    """What was posted to a leaf until a day, straight from the postings."""
    net = books.tx.value(
        "SELECT coalesce(sum(p.amount), 0) FROM posting p JOIN entry e ON e.id = p.entry_id"
        f" JOIN account a ON a.id = p.account_id WHERE a.gl_code = ? AND a.contract = ? AND e.{until}",
        gl_code, contract, day.isoformat(),
    )  # fmt: skip
    return int(net)


def test_the_figures_of_a_statement_are_the_ledgers(village: Village) -> None:
    with village.bank.read() as books:
        refs = [ref for ref, _body in books.every(records.Member)]
        first, last = date(2024, 11, 1), date(2025, 7, 31)

        @given(st.sampled_from(refs), st.dates(first, last), st.dates(first, last))
        def holds(ref: str, one: date, other: date) -> None:
            start, end = sorted((one, other))
            found = member(books, ref, start, end)
            for account in found.accounts:
                sign = 1 if account.owed else -1
                gl_code, _slash, contract = account.code.partition("/")
                for day, operator, told in ((start, "<", account.opening), (end, "<=", account.closing)):
                    net = ledger_sum(books, f"effective_on {operator} ?", gl_code, contract, day)
                    assert told == sign * net, (ref, account.code, day)
                assert account.opening + account.money_in - account.money_out == account.closing
            for loan in found.loans:
                owed = sum(ledger_sum(books, "effective_on <= ?", code, loan.ref, end) for code in LOAN_CODES)
                assert loan.closing == owed == loan.opening + loan.added - loan.paid.total
            had = sum(account.closing for account in found.accounts if not account.owed)
            assert found.total_had.closing == had

        holds()


def test_a_number_says_what_it_is() -> None:
    for kind in KINDS.values():
        about = {"": "", "operation": "4512"}.get(kind.subject, "L-010")
        for start, end in ((date(2026, 6, 1), date(2026, 6, 30)), (date(2026, 6, 3), date(2026, 6, 14))):
            start, end = span_of(kind, start, end, end)
            read = read_number(kind.number(about, start, end))
            assert read is not None
            assert (read[0], read[1]) == (kind, about)
            if kind.span in ("period", "year"):
                assert read[2:] == (start, end)
            if kind.span == "day":
                assert read[3] == end
    for wrong in ("", "XX-2026", "ST", "ST-2026-13-M0001", "PO-2026-02-30-L-010", "ST-2026"):
        assert read_number(wrong) is None, wrong


HOSTILE = (
    "<b>Bold</b> & \"q\" 's' </font>", "[red]ink[/red] =1+1", "\u202eabc\u2066 x", "🙂 hello", "W" * 190, ". " * 90,
    "mail foo@bar.example now", "a\nb\tc", "Đặng Ωμέγα Пётр",
)  # fmt: skip


def _accepted(found: str) -> bool:
    """A stand-in is not the text that is read aloud (TAG-032); an address in a memo is no link (LNK-010)."""
    return found.startswith(("TAG-032", "LNK-010"))


@pytest.mark.parametrize("kind", [UNCHARTERED, CREDIT_UNION, CHARITY])
def test_whatever_people_are_called_the_paper_stands_and_says_what_it_may(tmp_path: Path, kind: str) -> None:
    with new_bank(str(tmp_path / "b.db"), institution_kind=kind) as small:
        for name in HOSTILE:
            who = small.do("admit-member", member_name=name, address=f"{name}\n{name[:80]}"[:200]).created[0]
            small.do("buy-shares", member=who, amount="25.00")
            if kind != CHARITY:
                small.do("open-savings", member=who)
                small.do("deposit", member=who, amount="10.00", memo=name)
            with small.read() as books:
                receipt = str(books.tx.value("SELECT max(id) FROM operation"))
                shown = printable(books.member_name(who))
            for paper, about in (("member-statement", who), ("certificate", who), ("receipt", receipt)):
                for size in ("normal", "large"):
                    made = make(small.bank, paper, about, folder=tmp_path, copy=Copy(print_size=size))  # type: ignore[arg-type]
                    data = made.path.read_bytes()
                    assert [found for found in findings(data) if not _accepted(found)] == [], (name, paper, size)
                    said = Told(data).text
                    assert "".join(shown.split()) in "".join(said.split()), (name, paper, size)
                    forbidden = "insured by|APY" if kind == CREDIT_UNION else "deposit|APY|insured by"
                    assert not re.search(forbidden, said.replace(shown, ""), re.IGNORECASE), (paper, kind)


@pytest.mark.parametrize(("size", "room", "told"), [(8, 450, 1), (18, 425, 2), (18, 250, 3)])
def test_the_months_below_a_chart_are_never_cut(size: float, room: float, told: int) -> None:
    """In large print two years of them were 24 times "…"."""
    months, step = [f"{n % 12 + 1:02}" for n in range(24)], room / 24
    assert every(months, step, size) == told
    assert all(fitted(month, size, step * told * 0.98) == month for month in months[::told])
    assert every(["a long word that is cut", "and another one"], 20, 18) == 1, "better cut than not there"


@pytest.mark.parametrize("many", [2000, pytest.param(5000, marks=pytest.mark.soak)])
def test_thousands_of_lines_and_endless_texts_end_in_a_document(village: Village, many: int) -> None:
    with village.bank.read() as books:
        found = member(books, "M0001", date(2025, 4, 1), date(2025, 4, 30))
        face = sheet_of(found.source)
    savings = next(account for account in found.accounts if account.kind == "savings")
    lines, balance = [], -(10**14)
    for n in range(many):
        balance += 10**12
        words = f"movement {n}" + (" <b>漢字</b> " * 60 if n % 100 == 0 else "")
        lines.append(Line(date(2025, 4, 1 + n % 30), words, 10**12, 0, balance, 1000 + n, date(2025, 4, 1), late=False))
    wild = replace(
        found, name="N" * 10_000, address="\n".join(["a" * 900] * 60),
        accounts=(replace(savings, lines=tuple(lines), closing=balance),), late=tuple(lines[:40]),
    )  # fmt: skip
    for size in ("normal", "large"):
        said = Told(MemberStatement(wild, replace(face, print_size=size)).to_bytes())
        assert sum("movement " in text for text in said.of("TD")) >= many
        assert amount(balance, "USD") in said.text
