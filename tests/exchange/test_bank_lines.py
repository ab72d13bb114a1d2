"""Statements of banks, read from files: what is clear comes in, whatever else is refused by row, column and reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.bank import records
from coopbank.errors import ImportRefused, NotAllowed, Unknown, WrongUsage
from coopbank.exchange import BankFile, ImportResult, import_file
from coopbank.exchange.bank_lines import read_statements
from coopbank.exchange.bank_parts import FoundStatement
from coopbank.exchange.faults import Faults
from tests.bank.conftest import begin
from tests.support_bank import SmallBank, assert_books, new_bank

OFX_HEAD = "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nENCODING:USASCII\r\nCHARSET:1252\r\n\r\n"
OFX_BODY = """<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20260303<LANGUAGE>ENG</SONRS>
</SIGNONMSGSRSV1><BANKMSGSRSV1><STMTTRNRS><TRNUID>0<STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS><CURDEF>USD
<BANKACCTFROM><BANKID>1<ACCTID>000123456<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260301<DTEND>20260302120000[-6:CST]
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260302<TRNAMT>4980.00<FITID>1<NAME>MANY &amp; CO<MEMO></STMTTRN>
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260302<TRNAMT>+2000<FITID>2<NAME>OTHERS</NAME><MEMO>for all</STMTTRN>
<STMTTRN><TRNTYPE>CHECK<DTPOSTED>20260302<TRNAMT>-1000,00<FITID>3<CHECKNUM>0101<NAME>CASH</STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>5980.00<DTASOF>20260302</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""
OFX_1 = OFX_HEAD + OFX_BODY
OFX_2 = """<?xml version="1.0" encoding="UTF-8"?>
<?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>
<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>USD</CURDEF><BANKACCTFROM><ACCTID>000123456</ACCTID></BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260301</DTSTART><DTEND>20260302</DTEND>
<STMTTRN><DTPOSTED>20260302</DTPOSTED><TRNAMT>4980.00</TRNAMT><FITID>1</FITID><NAME>MANY &amp; CO</NAME></STMTTRN>
<STMTTRN><DTPOSTED>20260302</DTPOSTED><TRNAMT>2000</TRNAMT><FITID>2</FITID><NAME>OTHERS</NAME><MEMO>for all</MEMO>
</STMTTRN><STMTTRN><DTPOSTED>20260302</DTPOSTED><TRNAMT>-1000.00</TRNAMT><FITID>3</FITID><CHECKNUM>0101</CHECKNUM>
<NAME>CASH</NAME></STMTTRN></BANKTRANLIST><LEDGERBAL><BALAMT>5980.00</BALAMT><DTASOF>20260302</DTASOF></LEDGERBAL>
</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"""


def entry(amount: str, side: str, *more: str, on: str = "2026-03-02", status: str = "<Cd>BOOK</Cd>") -> str:
    return (
        f'<Ntry><Amt Ccy="USD">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts>{status}</Sts>'
        f"<BookgDt><Dt>{on}</Dt></BookgDt>{''.join(more)}</Ntry>"
    )


def balance(code: str, amount: str, on: str, side: str = "CRDT") -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="USD">{amount}</Amt>'
        f"<CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>{on}</Dt></Dt></Bal>"
    )


def camt(*inside: str, version: str = "053.001.08", number: str = "US000123456") -> str:
    return (
        f'<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{version}"><BkToCstmrStmt>'
        f"<GrpHdr/><Stmt><Id>S-1</Id><Acct><Id><IBAN>{number}</IBAN></Id><Ccy>USD</Ccy></Acct>{''.join(inside)}</Stmt>"
        "</BkToCstmrStmt></Document>"
    )


DETAILS = (
    "<NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId><ChqNb>0101</ChqNb></Refs><RltdPties><Cdtr><Pty>"
    "<Nm>CASH</Nm></Pty></Cdtr></RltdPties><RmtInf><Ustrd>counter</Ustrd></RmtInf></TxDtls></NtryDtls>"
)
CAMT = camt(
    balance("OPBD", "0.00", "2026-03-01"), balance("CLBD", "5980.00000", "2026-03-02"),
    entry("4980.00", "CRDT", "<AcctSvcrRef>1</AcctSvcrRef>", "<AddtlNtryInf>MANY  &amp;\nCO</AddtlNtryInf>"),
    entry("2000", "CRDT", "<NtryRef>2</NtryRef>"), entry("1000.00", "DBIT", "<AcctSvcrRef>3</AcctSvcrRef>", DETAILS),
    entry("9.00", "DBIT", status="PDNG"),
)  # fmt: skip
CSV = (
    "Example Bank\nAccount 123456,,\n\nPosting Date,Description,Check Number,Amount,Balance\n"
    '03/02/2026,CASH,0101,"(1,000.00)","5,980.00"\n03/02/2026,OTHERS,,+2000.00,"$6,980.00"\n'
    "03/02/2026,MANY & CO,,4980.00,4980.00\n"
)
US = BankFile(dates="mdy")


def read(content: str | bytes, about: BankFile = BankFile()) -> FoundStatement:  # noqa: B008
    faults = Faults("file")
    found = read_statements(content if isinstance(content, bytes) else content.encode(), about, "USD", faults)
    assert not faults.count, faults.listed
    assert len(found) == 1
    return found[0]


def faults_of(content: str | bytes, about: BankFile = BankFile()) -> list[tuple[int | None, str | None, str]]:  # noqa: B008
    faults = Faults("file")
    found = read_statements(content if isinstance(content, bytes) else content.encode(), about, "USD", faults)
    assert not found and faults.count
    return [(each.row, each.column, each.reason) for each in faults.listed]


def one_fault(content: str | bytes, row: int | None, column: str | None, says: str, about: BankFile = US) -> None:
    faults = faults_of(content, about)
    assert len(faults) == 1, faults
    assert faults[0][:2] == (row, column), faults
    assert says in faults[0][2], faults


@pytest.mark.parametrize("content", [OFX_1, OFX_2, CAMT, CSV], ids=["ofx1", "ofx2", "camt", "csv"])
def test_the_same_statement_in_every_format(content: str) -> None:
    found = read(content, US)
    assert (found.opening, found.closing, found.end) == (0, 598_000, date(2026, 3, 2))
    assert [line.amount for line in found.lines] == [498_000, 200_000, -100_000]
    assert {line.on for line in found.lines} == {date(2026, 3, 2)}
    assert [line.reference for line in found.lines] == ["", "", "0101"]
    assert found.lines[0].text == "MANY & CO"
    assert found.lines[2].text.startswith("CASH")


def test_what_only_some_formats_say() -> None:
    assert [line.bank_id for line in read(OFX_1).lines] == ["1", "2", "3"]
    assert [line.bank_id for line in read(CAMT).lines] == ["1", "S-1:2", "3"]
    assert [line.bank_id for line in read(CSV, US).lines] == [None, None, None]
    assert (read(OFX_1).number, read(CAMT).number, read(CSV, US).number) == ("000123456", "US000123456", "")
    assert read(CAMT).skipped == 1
    assert [line.row for line in read(CSV, US).lines] == [7, 6, 5]
    assert read(OFX_1).start == date(2026, 3, 1) == read(CAMT).start
    assert read(CAMT.replace("OPBD", "PRCD")).start == date(2026, 3, 2)  # which is told of the evening before


def test_a_number_that_may_be_a_name_is_not_kept() -> None:
    own = read("Date,Amount,Id\n2026-03-02,1.00,Rosa Diaz\n").lines[0].bank_id
    assert own is not None and own.startswith("sha256:") and "Rosa" not in own


def test_thousands_do_not_begin_with_a_zero() -> None:
    content = "Date;Amount\n2026-03-02;0.123\n"
    one_fault(content, 2, "Amount", "decimal comma", BankFile(decimal="comma"))
    assert read(content.replace("0.123", "1.123"), BankFile(decimal="comma")).lines[0].amount == 112_300


def test_an_encoding_is_what_the_header_says() -> None:
    accents = OFX_1.replace("OTHERS", "JOSÉ NÚÑEZ")
    assert read(accents.encode("cp1252")).lines[1].text == "JOSÉ NÚÑEZ for all"
    assert read(accents.replace("USASCII", "UTF-8").encode()).lines[1].text == "JOSÉ NÚÑEZ for all"
    one_fault(accents.replace("CHARSET:1252", "CHARSET:NONE"), None, None, "line 12")
    assert read(CAMT.replace("counter", "café").encode("utf-16")).lines[2].text == "CASH café"
    one_fault(CAMT.replace('"1.0"', '"1.0" encoding="none-such"'), None, None, "encoding")


@pytest.mark.parametrize("content", [
    '<?xml version="1.0"?><!DOCTYPE OFX [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><OFX>&b;</OFX>',
    '<?xml version="1.0"?><!DOCTYPE OFX SYSTEM "file:///etc/passwd"><OFX/>',
    '<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1/">]><x>&e;</x>',
    '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]><x/>',
])  # fmt: skip
def test_no_document_type_is_read(content: str) -> None:
    one_fault(content, None, None, "DTD")


def test_depth_and_size_have_an_end() -> None:
    one_fault("<OFX>" + "<A>" * 500, None, None, "too deep")
    one_fault('<?xml version="1.0"?>' + "<a>" * 500 + "</a>" * 500, None, None, "too deep")
    one_fault('<?xml version="1.0"?><a>' + "<b/>" * 500_001 + "</a>", None, None, "too many")
    one_fault("Date,Amount," + "x," * 4_000_000, None, None, "more than 100000 characters")
    one_fault("\n" * 1_000_000, None, None, "more than 100000 rows")
    one_fault(b" " * (16 * 1024 * 1024 + 1), None, None, "bytes")
    rows = "Date,Amount\n" + "2026-03-02,1.00\n" * 5_001
    one_fault(rows, 5_002, None, "at most 5000 lines", BankFile())


def test_a_file_that_is_cut_off_is_refused() -> None:
    for content in (OFX_1, OFX_2, CAMT):
        bare = content.rstrip()
        for cut in range(len(bare) // 3, len(bare), 29):
            assert faults_of(bare[:cut])


@pytest.mark.parametrize(("old", "new", "row", "column", "says"), [
    ("<TRNAMT>+2000", "<TRNAMT>2000.005", 2, "TRNAMT", "more decimals"),
    ("<TRNAMT>+2000", "<TRNAMT>", 2, "TRNAMT", "missing"),
    ("<TRNAMT>+2000", "<TRNAMT>0.00", 2, "TRNAMT", "moves something"),
    ("<TRNAMT>+2000", "<TRNAMT>2e3", 2, "TRNAMT", "not an amount"),
    ("<TRNAMT>+2000", "<TRNAMT>1,000.00", 2, "TRNAMT", "not an amount"),
    ("<TRNAMT>+2000", "<TRNAMT>+2,000", 2, "TRNAMT", "more than one way"),
    ("<TRNAMT>+2000", "<TRNAMT>2.000", 2, "TRNAMT", "more than one way"),
    ("<DTPOSTED>20260302<TRNAMT>-1000", "<DTPOSTED>20260230<TRNAMT>-1000", 3, "DTPOSTED", "no such day"),
    ("<DTPOSTED>20260302<TRNAMT>-1000", "<DTPOSTED>March<TRNAMT>-1000", 3, "DTPOSTED", "not a date"),
    ("<FITID>3", "", 3, "FITID", "missing"),
    ("<FITID>3", "<FITID>3<CORRECTFITID>1<CORRECTACTION>REPLACE", 3, "CORRECTFITID", "corrects"),
    ("<NAME>CASH", "<NAME>CASH<CURRENCY><CURRATE>1<CURSYM>EUR</CURRENCY>", 3, "CURRENCY", "another currency"),
    ("<CURDEF>USD", "<CURDEF>EUR", None, "CURDEF", "the books are in USD"),
    ("</OFX>", "</OFX> and more", None, None, "after </OFX>"),
    ("</STMTTRN>\n</BANK", "</STMTRN></BANK", None, None, "never opened"),
    ("BANKMSGSRSV1", "CREDITCARDMSGSRSV1", None, None, "no statement of a bank account"),
])  # fmt: skip
def test_what_is_wrong_in_ofx_is_named(old: str, new: str, row: int | None, column: str | None, says: str) -> None:
    assert old in OFX_1
    one_fault(OFX_1.replace(old, new), row, column, says)


@pytest.mark.parametrize(("old", "new", "row", "column", "says"), [
    ("camt.053", "camt.052", None, None, "camt.053 is expected"),
    ('<Amt Ccy="USD">2000', '<Amt Ccy="EUR">2000', 2, "Amt/Ccy", "EUR"),
    ('<Amt Ccy="USD">2000', "<Amt>2000", 2, "Amt/Ccy", "missing"),
    ('"USD">2000', '"USD">-2000', 2, "Amt", "sign"),
    ('"USD">2000', '"USD">0.00', 2, "Amt", "moves something"),
    ("<Cd>CLBD</Cd>", "<Cd>CLAV</Cd>", None, "Bal CLBD", "missing"),
    ("DBIT", "DEBIT", None, "CdtDbtInd", "CRDT or DBIT"),
    ("<BookgDt><Dt>2026-03-02</Dt></BookgDt><NtryRef>", "<NtryRef>", 2, "BookgDt", "missing"),
    ("<BookgDt><Dt>2026-03-02</Dt></BookgDt><NtryRef>", "<BookgDt><Dt>02.03.2026</Dt></BookgDt><NtryRef>", 2, "BookgDt",
     "not a date"),
    ("<Stmt>", "<Rpt>", None, None, "not well formed"),
])  # fmt: skip
def test_what_is_wrong_in_camt_is_named(old: str, new: str, row: int | None, column: str | None, says: str) -> None:
    assert old in CAMT
    faults = faults_of(CAMT.replace(old, new))
    assert any(fault[1] == column and says in fault[2] and row in (None, fault[0]) for fault in faults), faults


@pytest.mark.parametrize(("content", "row", "column", "says"), [
    ("Date,Amount\n2026-03-02,x\n", 2, "Amount", "x"),
    ("Date,Amount\n03/02/2026,1.00\n", 2, "Date", "ymd, mdy or dmy"),
    ("Date,Amount\n2026-02-30,1.00\n", 2, "Date", "no such day"),
    ("Date,Amount\n,1.00\n", 2, "Date", "missing"),
    ('Date,Amount\n2026-03-02,"1,00"\n', 2, "Amount", "1,00"),
    ("Date,Amount\n2026-03-02,1.005\n", 2, "Amount", "1.005"),
    ("Date,Amount\n2026-03-02,(-1.00)\n", 2, "Amount", "not an amount"),
    ("Date,Amount\n2026-03-02,0\n", 2, "Amount", "moves something"),
    ("Date,Amount,Text\n2026-03-02,1.00,a\x07b\n", 2, "Text", "printed"),
    ("Date,Posting Date,Amount\n2026-03-02,2026-03-02,1.00\n", 1, "Posting Date", "both seem to be the date"),
    ("Date,Debit,Credit\n2026-03-02,1.00,2.00\n", 2, "Credit", "one of them"),
    ("Date,Debit,Credit\n2026-03-02,,\n", 2, "Credit", "one of them"),
    ("Date,Debit,Credit\n2026-03-02,-1.00,\n", 2, "Debit", "no sign"),
    ("Date,Amount,Balance\n2026-03-02,1.00,1.00\n2026-03-02,1.00,3.00\n", 3, "Balance", "is 2.00"),
    ("Date,Amount\n2026-03-02\n", 2, None, "1 cells"),
    ("Day,Sum\n2026-03-02,1.00\n", 1, "date", "missing"),
])  # fmt: skip
def test_what_is_wrong_in_a_table_is_named(content: str, row: int, column: str | None, says: str) -> None:
    faults = faults_of(content)
    assert any(fault[:2] == (row, column) and says in fault[2] for fault in faults), faults


def test_columns_are_what_is_said_of_them() -> None:
    content = "Day;Sum;Name;Other\n2.3.26;1.250,50;Rosa;x\n3.3.2026;-7,00;Ana;y\n"
    about = BankFile(columns={"date": "day", "amount": "Sum", "text": "Name"}, dates="dmy", decimal="comma")
    found = read(content, about)
    assert [(line.on.day, line.amount, line.text) for line in found.lines] == [(2, 125_050, "Rosa"), (3, -700, "Ana")]
    one_fault(content, 1, "id", "missing", BankFile(columns={**about.columns, "id": "Number"}, dates="dmy",
                                                    decimal="comma"))  # fmt: skip
    sides = read("Date\tPaid out\tPaid in\n2026-03-02\t5.00\t\n2026-03-02\t\t6.00\n")
    assert [line.amount for line in sides.lines] == [-500, 600]
    with pytest.raises(WrongUsage):
        read_statements(b"Date,Amount\n", BankFile(columns={"colour": "Date"}), "USD", Faults("file"))


# ------------------------------------------------------------------------------------ any bytes


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(content: bytes) -> None:
    _reads_or_refuses(content)


@given(st.data())
def test_a_damaged_file_is_refused_or_read(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from([OFX_1, OFX_2, CAMT, CSV])).encode())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.integers(0, 20))
        content[place : place + length] = data.draw(st.one_of(
            st.binary(max_size=20), st.sampled_from([b"<", b">", b"&", b"</OFX>", b"<A>", b'"', b"\n", b",", b"9" * 30])
        ))  # fmt: skip
        if not content:
            break
    _reads_or_refuses(bytes(content))


@given(
    st.lists(
        st.sampled_from(["<OFX>", "</OFX>", "<STMTTRN>", "</STMTTRN>", "<A>1", "<B>", "x", " ", "</A>"]), max_size=40
    )
)
def test_any_tags_are_refused_or_read(tags: list[str]) -> None:
    _reads_or_refuses((OFX_HEAD + "".join(tags)).encode())


def _reads_or_refuses(content: bytes) -> None:
    for about in (US, BankFile(decimal="comma")):
        faults = Faults("file")
        found = read_statements(content, about, "USD", faults)
        assert bool(found) != bool(faults.count)
        for statement in found:
            assert all(isinstance(line.amount, int) and line.amount for line in statement.lines)
        assert all(fault.reason for fault in faults.listed)


# ------------------------------------------------------------------------------------ importing


@pytest.fixture
def bank(engine_url: str) -> Iterator[SmallBank]:
    with new_bank(engine_url) as bank:
        begin(bank)
        yield bank
        assert_books(bank)


@pytest.fixture
def bring(tmp_path: Path) -> Callable[..., ImportResult]:
    def bring(bank: SmallBank, content: str, **options: Any) -> ImportResult:
        file = tmp_path / "bank.txt"
        file.write_bytes(content.encode())
        return import_file(bank.bank, options.pop("by", bank.tom), "bank-lines", file, **options)

    return bring


def faults(bring: Any, bank: SmallBank, content: str, **options: Any) -> list[tuple[Any, Any, str]]:
    with bank.read() as books:
        before = books.tx.value("SELECT count(*) FROM record WHERE kind LIKE 'bank-%'")
    with pytest.raises(ImportRefused) as refusal:
        bring(bank, content, **options)
    with bank.read() as books:
        assert books.tx.value("SELECT count(*) FROM record WHERE kind LIKE 'bank-%'") == before
    return [(fault["row"], fault["column"], fault["reason"]) for fault in refusal.value.faults]


@pytest.mark.parametrize("content", [OFX_1, CAMT, CSV], ids=["ofx", "camt", "csv"])
def test_a_file_is_imported_once(bank: SmallBank, bring: Any, content: str) -> None:
    tried = bring(bank, content, about=US, dry_run=True)
    assert (tried.rows, tried.done, tried.created) == (3, 1, ("BS-00001",))
    done = bring(bank, content, about=US)
    assert (done.rows, done.done, done.created) == (3, 1, ("BS-00001",))
    again = bring(bank, content, about=US)
    assert (again.done, again.repeated) == (0, 1)
    with bank.read() as books:
        line = books.get(records.BankLine, "BS-00001.1")
        assert (line.amount, books.personal(line.text)) == (498_000, "MANY & CO")
        assert books.get(records.BankStatement, "BS-00001").closing == 598_000
    bank.do("withdraw-bank-lines", by=bank.tom, statement="BS-00001", why="another account's")
    assert bring(bank, content, about=US).created == ("BS-00002",)
    assert bring(bank, content, about=US).repeated == 1


def test_statements_of_one_file_follow_each_other(bank: SmallBank, bring: Any) -> None:
    second = camt(
        balance("PRCD", "5980.00", "2026-03-02"), balance("CLBD", "5968.00", "2026-03-03"),
        entry("12.00", "DBIT", "<AcctSvcrRef>4</AcctSvcrRef>", on="2026-03-03"),
    )  # fmt: skip
    both = CAMT.replace("</BkToCstmrStmt></Document>", "") + second[second.index("<Stmt>") :]
    done = bring(bank, both)
    assert (done.rows, done.created) == (4, ("BS-00001", "BS-00002"))
    with bank.read() as books:
        assert books.get(records.BankStatement, "BS-00002").start == "2026-03-03"
    other = both.replace("US000123456", "US000999999", 1)
    assert "several accounts" in faults(bring, bank, other)[0][2]


def test_a_table_without_balances_begins_where_the_last_ended(bank: SmallBank, bring: Any) -> None:
    table = "Date,Amount,Text\n2026-03-03,-12.00,FEE\n"
    assert [fault[1] for fault in faults(bring, bank, table)] == ["--closing"]
    bring(bank, OFX_1)
    wrong = faults(bring, bank, table, about=BankFile(closing=596_900))
    assert "come to 5,968.00, and the closing balance is 5,969.00" in wrong[0][2]
    about = BankFile(closing=596_800)
    assert bring(bank, table, about=about).done == 1
    assert bring(bank, table, about=about).repeated == 1
    with bank.read() as books:
        found = books.get(records.BankStatement, "BS-00002")
        assert (found.start, found.end, found.opening, found.closing) == ("2026-03-03", "2026-03-03", 598_000, 596_800)


def test_what_the_bank_refuses_is_named_by_its_row(bank: SmallBank, bring: Any) -> None:
    assert faults(bring, bank, OFX_1.replace("<FITID>3", "<FITID>1"))[0][:2] == (3, "id")
    assert faults(bring, bank, OFX_1, about=BankFile(closing=1))[0][1] == "--closing"
    assert faults(bring, bank, OFX_1, about=BankFile(end=date(2026, 3, 1)))[0][:2] == (1, "date")
    assert faults(bring, bank, OFX_1.replace("20260302", "20260304"))[0][1] == "--to"
    bring(bank, OFX_1)
    assert faults(bring, bank, OFX_1 + "\n")[0][1] == "--from"  # another file with the same days
    late = OFX_1.replace("<DTEND>20260302", "<DTEND>20260301")
    assert {fault[1] for fault in faults(bring, bank, late)} >= {"--closing"}
    with pytest.raises(NotAllowed):
        bring(bank, CAMT, by=bank.ana)
    with pytest.raises(Unknown):
        bring(bank, CAMT, about=BankFile(account="NONE"))
