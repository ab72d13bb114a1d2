"""Every document, in both languages and sizes: judged by a checker of accessibility, and held against its report."""

from __future__ import annotations

import io
import re
from datetime import date
from typing import Any

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.reports import member
from coopbank.reports.document import as_document
from coopbank.reports.movements import LOAN_CODES
from coopbank.statements.kinds import KINDS, read_number, span_of
from coopbank.statements.parts import amount
from coopbank.words import speaking
from tests.statements.told import Told, findings
from tests.statements.village import Village, paper_of, patronage_paper

pytestmark = pytest.mark.xdist_group("village")
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
        for paper in [*papers, patronage_paper(books, print_size)]:
            data = paper.to_bytes()
            where = (type(paper).__name__, language, print_size)
            assert findings(data) == [], where
            _is_sound(data, where, print_size)
            said = Told(data)
            assert said.language.startswith(language) and said.of("H1") == [paper.title()], where
            if not language.startswith("es"):
                assert set(AMOUNT.findall(said.text)) <= amounts_of(as_document(paper.report)) | {"0.00"}, where
            assert paper.sheet.stamp.code in said.text.replace("\u200b", "")
            seen.add(type(paper))
    assert {kind.paper for kind in KINDS.values()} <= seen, "a document of every kind"


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
