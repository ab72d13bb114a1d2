"""Cases of the error gallery: the bank's statements, their files, and what two people sign."""

from __future__ import annotations

from typing import Any

from coopbank import errors as e
from tests.documents.gallery_case import Case, no


def of_bank(klass: type[e.CoopbankError], title: str, command: str, advice: str = "", **more: Any) -> Case:
    """A case in the scene with two statements."""
    return no(klass, title, command, advice, scene="statement", **more)


def file(title: str, content: str | bytes, advice: str = "", *, name: str = "bank.csv", options: str = "") -> Case:
    """A bank's file that cannot be imported."""
    return no(e.ImportRefused, title, f"tom import bank-lines {name}{options}", advice, scene="new",
              files={name: content})  # fmt: skip


def ofx(title: str, body: str, advice: str = "", *, encoding: str = "utf-8") -> Case:
    """An OFX file: its statement, if that is not all of it."""
    return file(title, ("OFXHEADER:100\nENCODING:USASCII\nCHARSET:1252\n\n" + body).encode(encoding), advice,
                name="bank.ofx")  # fmt: skip


def line(inside: str, *, currency: str = "USD", name: str = "STMTRS") -> str:
    """A statement with one line."""
    return (
        f"<OFX><BANKMSGSRSV1><STMTTRNRS><{name}><CURDEF>{currency}<BANKTRANLIST><DTSTART>20260301<DTEND>20260302"
        f"<STMTTRN>{inside}</STMTTRN></BANKTRANLIST></{name}></STMTTRNRS></BANKMSGSRSV1></OFX>"
    )


def camt(title: str, inside: str, advice: str = "", *, message: str = "camt.053") -> Case:
    """A statement in camt."""
    start = f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{message}.001.08"><BkToCstmrStmt>'
    return file(title, f"{start}{inside}</BkToCstmrStmt></Document>", advice, name="bank.xml")


ENTRY = (
    "<Stmt><Ntry><Amt Ccy='USD'>{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>{on}</Dt>"
    "</BookgDt></Ntry></Stmt>"
)
_DAYS = "--start 2026-03-02 --end 2026-03-02 --opening 888.00"

_INTEREST = "tom do receive-bank-interest --amount 8.40"

# fmt: off
CASES: tuple[Case, ...] = (
    # -------------------------------------------------------------------- interest that the bank pays
    no(e.InvalidDate, "Interest of days to come", f"{_INTEREST} --start 2026-03-01 --end 2026-03-03"),
    no(e.InvalidDate, "Interest whose days are turned round", f"{_INTEREST} --start 2026-03-02 --end 2026-03-01"),
    no(e.AlreadyExists, "Interest entered twice", f"{_INTEREST} --start 2026-03-02 --end 2026-03-02",
       "Begin with the day after it.",
       steps="tom receive-bank-interest amount=8.40 start=2026-03-01 end=2026-03-02"),
    no(e.Unknown, "Interest on an account that there is not",
       f"{_INTEREST} --start 2026-03-01 --end 2026-03-02 --bank-account SECOND"),
    # ------------------------------------------------------------------------------- recording them
    of_bank(e.InvalidDate, "A bank statement that ends tomorrow",
            "tom do record-bank-lines --start 2026-03-02 --end 2026-03-03 --opening 0.00 --closing 0.00"),
    of_bank(e.InvalidDate, "A bank statement that ends before it begins",
            "tom do record-bank-lines --start 2026-03-02 --end 2026-03-01 --opening 0.00 --closing 0.00"),
    of_bank(e.InvalidDate, "A line outside of its statement",
            f"tom do record-bank-lines {_DAYS} --closing 893.00 --lines '2026-03-01 5.00 INTEREST'"),
    of_bank(e.InvalidAmount, "Lines that do not lead to the closing balance",
            f"tom do record-bank-lines {_DAYS} --closing 900.00 --lines '2026-03-02 5.00 INTEREST'"),
    of_bank(e.AlreadyExists, "A statement of days that were told already",
            f"tom do record-bank-lines {_DAYS} --closing 888.00", "Begin with the day after the last statement's end."),
    of_bank(e.InvalidAmount, "A statement that does not begin where the last one ended",
            "tom do record-bank-lines --start 2026-03-03 --end 2026-03-03 --opening 900.00 --closing 900.00",
            "Record the statement between them first.", steps="day 2026-03-03"),
    of_bank(e.InvalidValue, "A statement of another account",
            "tom do record-bank-lines --start 2026-03-02 --end 2026-03-02 --opening 0.00 --closing 0.00"
            " --number-ends 9999",
            "Name the bank account that it is of.", steps="tom unmatch-bank-line match=BM-00001 why=x\n"
            "tom withdraw-bank-lines statement=BS-00002 why=x"),
    of_bank(e.AlreadyExists, "A line of the bank twice",
            "tom do record-bank-lines --start 2026-03-03 --end 2026-03-03 --opening 888.00 --closing 890.00"
            """ --lines '[{"on": "2026-03-03", "amount": "1.00", "bank_id": "7"},"""
            """ {"on": "2026-03-03", "amount": "1.00", "bank_id": "7"}]'""",
            "Leave the second one out.", steps="day 2026-03-03"),
    of_bank(e.InvalidValue, "A line of a statement in another form",
            f"tom do record-bank-lines {_DAYS} --closing 888.00 --lines fee"),
    of_bank(e.InvalidValue, "A line of nothing",
            f"tom do record-bank-lines {_DAYS} --closing 888.00 --lines '2026-03-02 0.00 fee'"),
    of_bank(e.InvalidValue, "A bank's number of a line that is none",
            f"tom do record-bank-lines {_DAYS} --closing 889.00"
            """ --lines '[{"on": "2026-03-02", "amount": "1.00", "bank_id": "a b"}]'"""),
    of_bank(e.WrongState, "A statement withdrawn that another one follows",
            "tom do withdraw-bank-lines --statement BS-00001 --why 'wrong file'"),
    of_bank(e.WrongState, "A statement withdrawn of which a line is matched",
            "tom do withdraw-bank-lines --statement BS-00002 --why 'wrong file'"),
    of_bank(e.WrongState, "A statement withdrawn that was signed",
            "tom do withdraw-bank-lines --statement BS-00003 --why 'wrong file'",
            steps="tom sign-reconciliation bank_account=SAVE on=2026-03-02 balance=5.00"),

    # -------------------------------------------------------------------------------- matching them
    of_bank(e.InvalidValue, "A match of nothing", "tom do match-bank-line --lines BS-00002.2"),
    of_bank(e.InvalidAmount, "A match of two different amounts",
            "tom do match-bank-line --lines BS-00002.2 --entries 2", "Find the entries that come to the line."),
    of_bank(e.InvalidValue, "A line of the bank named twice", "tom do match-bank-line --lines BS-00002.2"
            " --lines BS-00002.2"),
    of_bank(e.InvalidValue, "An entry named twice", "tom do match-bank-line --lines BS-00002.2 --entries 2"
            " --entries 2"),
    of_bank(e.WrongState, "A line of the bank matched twice", "tom do match-bank-line --lines BS-00002.1 --entries 2",
            "Take the first match back if it was wrong (unmatch-bank-line)."),
    of_bank(e.WrongState, "An entry matched twice", "tom do match-bank-line --lines BS-00002.2 --entries 1",
            "Take the first match back if it was wrong (unmatch-bank-line)."),
    of_bank(e.InvalidValue, "A match of lines of two accounts",
            "tom do match-bank-line --lines BS-00002.2 --lines BS-00003.1"),
    of_bank(e.Unknown, "An entry that moves nothing at that bank",
            "tom do match-bank-line --lines BS-00003.1 --entries 2"),
    of_bank(e.InvalidValue, "An entry that is none", "tom do match-bank-line --lines BS-00002.2 --entries two"),
    of_bank(e.WrongState, "A match taken back twice", "tom do unmatch-bank-line --match BM-00001 --why 'wrong one'",
            "It is done.", steps="tom unmatch-bank-line match=BM-00001 why='wrong one'"),
    of_bank(e.WrongState, "A match taken back of a line that has none",
            "tom do unmatch-bank-line --match BS-00002.2 --why 'wrong one'", "Nothing is to be taken back."),

    # --------------------------------------------------------------------------------- signing them
    of_bank(e.Unknown, "A reconciliation without statements", "reconciliation", steps="tom unmatch-bank-line"
            " match=BM-00001 why=x\ntom withdraw-bank-lines statement=BS-00002 why=x\n"
            "tom reopen-reconciliation on=2026-03-01 why=x\ntom withdraw-bank-lines statement=BS-00001 why=x"),
    of_bank(e.InvalidDate, "A reconciliation of a day that the bank does not tell of",
            "tom do sign-reconciliation --on 2026-02-28 --balance 0.00", "Import the bank's statement first."),
    of_bank(e.InvalidAmount, "A reconciliation with a difference",
            "tom do sign-reconciliation --on 2026-03-02 --balance 880.00",
            "Find what it is: a difference is never signed."),
    of_bank(e.AlreadyExists, "A reconciliation signed twice",
            "tom do sign-reconciliation --on 2026-03-01 --balance 0.00", "Let a colleague review it."),
    of_bank(e.OwnRequest, "A reconciliation reviewed by whoever signed it",
            "tom do review-reconciliation --on 2026-03-01"),
    of_bank(e.WrongState, "A reconciliation reviewed twice", "sue do review-reconciliation --on 2026-03-01",
            "It is done.", steps="sue review-reconciliation on=2026-03-01"),
    of_bank(e.WrongState, "A reconciliation that has changed since it was signed",
            "sue do review-reconciliation --on 2026-03-02",
            steps="tom sign-reconciliation on=2026-03-02 balance=888.00\n"
                  "@fee tom+sue journal-entry memo=fee lines='[\"GEN 260 Dr 12.00\",\"GEN 731/FIRST Cr 12.00\"]'"),
    of_bank(e.WrongState, "A reconciliation reopened twice",
            "tom do reopen-reconciliation --on 2026-03-01 --why 'one more'", "It is open.",
            steps="tom reopen-reconciliation on=2026-03-01 why=mistake"),

    # ------------------------------------------------------------------------------- the bank's files
    file("A bank's file without its closing balance", "Date,Amount\n2026-03-02,5.00\n",
         "Read the balance off the bank's paper: --closing 5.00."),
    file("A bank's table without lines and without days", "Date,Amount\n", "Say them: --from, --to and --closing."),
    file("A day in another order", "Date,Amount\n03/02/2026,5.00\n", "Say it: --dates mdy."),
    file("A day that there is not", "Date,Amount\n2026-02-30,5.00\n"),
    file("A line without its day", "Date,Amount\n,5.00\n"),
    file("A line of a table that moves nothing", "Date,Amount\n2026-03-02,0.00\n"),
    file("An amount with two signs", "Date,Amount\n2026-03-02,(-5.00)\n"),
    file("An amount with a point where a comma was said", "Date,Amount\n2026-03-02,5.00\n", options=" --decimal comma"),
    file("A line that came in and went out", "Date,Debit,Credit\n2026-03-02,5.00,5.00\n"),
    file("A debit with a sign", "Date,Debit,Credit\n2026-03-02,-5.00,\n"),
    file("Two columns that both seem to be the day", "Date,Posting Date,Amount\n2026-03-02,2026-03-02,5.00\n",
         'Say which: --map date="Posting Date".'),
    file("A balance that does not follow", "Date,Amount,Balance\n2026-03-01,5.00,5.00\n2026-03-02,5.00,11.00\n",
         "Ask the bank for the whole table."),
    file("A text that cannot be printed", "Date,Amount,Text\n2026-03-02,5.00,a\x07b\n"),
    file("Lines outside of the days that are said", "Date,Amount\n2026-03-01,5.00\n",
         options=" --from 2026-03-02 --to 2026-03-02 --closing 5.00"),
    file("A bank's file that is too large", b" " * (16 * 1024 * 1024 + 1), "Ask the bank for a month."),
    file("A table with a line that has no end", "Date,Amount," + "," * 100_000 + "\n"),
    file("A table of nothing but empty rows", "\n" * 100_001),
    file("Too many lines", "Date,Amount\n" + "2026-03-02,5.00\n" * 5_001, "Ask the bank for a month."),
    no(e.WrongUsage, "A column that a statement does not have", "tom import bank-lines bank.csv --map colour=Date",
       files={"bank.csv": "Date,Amount\n"}),
    no(e.WrongUsage, "A mapping in another form", "tom import bank-lines bank.csv --map Date",
       files={"bank.csv": "Date,Amount\n"}),
    no(e.WrongUsage, "A balance that is no amount", "tom import bank-lines bank.csv --closing much",
       files={"bank.csv": "Date,Amount\n"}),
    no(e.WrongUsage, "Options of bank lines for members", "ana import members members.csv --account FIRST",
       "Leave them out.", files={"members.csv": "name\nLena\n"}),
    ofx("An OFX file without a statement of an account", line("<FITID>1", name="CCSTMTRS")),
    ofx("An OFX file without its beginning", "<OFXX>", "Ask the bank for the file once more."),
    ofx("An OFX file that is cut off", line("<FITID>1")[:90], "Ask the bank for the file once more."),
    ofx("An OFX file with a tag out of place", "<OFX></BANKMSGSRSV1></OFX>", "Ask the bank for the file once more."),
    ofx("An OFX file with text out of place", "<OFX><BANKMSGSRSV1></BANKMSGSRSV1>x</OFX>",
        "Ask the bank for the file once more."),
    ofx("An OFX file that ends in something else", "<OFX><A>1</OFX><", "Ask the bank for the file once more."),
    ofx("An OFX file nested too deeply", "<OFX>" + "<A>" * 99),
    ofx("An OFX file in another encoding", line("<FITID>1<NAME>\u0081"), encoding="latin-1"),
    ofx("A line of OFX with faults", line("<DTPOSTED>March<TRNAMT>5.005<FITID>1"), "Ask the bank for another format."),
    ofx("A line of OFX without an amount", line("<DTPOSTED>20260302<TRNAMT>much<FITID>1")),
    ofx("A line of OFX that corrects another", line("<DTPOSTED>20260302<TRNAMT>5<FITID>1<CORRECTFITID>0")),
    ofx("A line of OFX in another currency",
        line("<DTPOSTED>20260302<TRNAMT>5<FITID>1<CURRENCY><CURSYM>EUR</CURRENCY>")),
    ofx("A statement in another currency", line("<DTPOSTED>20260302<TRNAMT>5<FITID>1", currency="EUR")),
    file("XML with a document type", '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', name="bank.xml"),
    file("XML that is not well formed", "<Document>", name="bank.xml"),
    file("XML in an unknown encoding", '<?xml version="1.0" encoding="none-such"?><a/>', name="bank.xml"),
    file("XML nested too deeply", "<a>" * 99 + "</a>" * 99, name="bank.xml"),
    camt("A report that is no statement", "", message="camt.052"),
    camt("A statement in camt without its balances", "<Stmt></Stmt>", "Ask the bank for camt.053 with OPBD and CLBD."),
    camt("A line of camt with its sign twice", ENTRY.format(amount="-5.00", side="DBIT", on="2026-03-02")),
    camt("A line of camt that says neither in nor out", ENTRY.format(amount="5.00", side="OUT", on="2026-03-02")),
    camt("A line of camt without a day", ENTRY.format(amount="much", side="DBIT", on="March")),
    camt("Statements of two accounts in one file",
         "".join(f"<Stmt><Acct><Id><IBAN>US{n}</IBAN></Id></Acct>"
                 + "".join(f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='USD'>0.00</Amt>"
                           "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-02</Dt></Dt></Bal>" for code in ("OPBD", "CLBD"))
                 + "</Stmt>" for n in ("1111", "2222")),
         "Ask the bank for a file of each account."),
)
# fmt: on
