"""The general ledger as the AICPA's Audit Data Standards have it, and four files of ours in the same style.

    GL_Detail_FIRST_LAST.csv        a line of an entry each; Amount is positive, D or C says on which side
    Trial_Balance_FIRST_LAST.csv    account and fund: balance before the first day and at the end of the last; debit +
    Memo_Detail_FIRST_LAST.csv      the same for memo accounts, which are no money and in no total: ours
    Chart_of_Accounts.csv           Source_Listing.csv: the kinds of operations      User_Listing.csv
    Loan_Master.csv, Loan_Transactions.csv, Share_Transactions.csv     ours: the standard has no such subledgers
    Control_Totals.csv              rows, debits and credits of each file, and the head of the chain

Entries of a December that had been closed before, by auditors and by the closing itself, stand in Period M13.
Names and types of the fields are those of the standard (AuditData-API, fields.yml, MIT licence): dates as YYYYMMDD,
times as HHMMSS in UTC. A fund is a Business_Unit_Code, a leaf's contract (M0007, L-010) Segment01. Between GL_Detail
and Memo_Detail no Journal_ID is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final

from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Books
from coopbank.bank.operation import CATALOGUE
from coopbank.exchange.files import NewFiles
from coopbank.exchange.tables import Amount, Tables, Total
from coopbank.ledger import periods, posting
from coopbank.ledger.chart import MEMO_CURRENCY
from coopbank.reports.portfolio import portfolio

GL_DETAIL: Final = (
    "Journal_ID", "Journal_ID_Line_Number", "JE_Header_Description", "JE_Line_Description", "Source",
    "Business_Unit_Code", "Effective_Date", "Fiscal_Year", "Period", "GL_Account_Number", "Amount",
    "Amount_Credit_Debit_Indicator", "Amount_Currency", "Entered_By", "Entered_Date", "Entered_Time", "Approved_By",
    "Approved_Date", "Reversal_Indicator", "Reversal_Journal_ID", "Segment01",
)  # fmt: skip
TRIAL_BALANCE: Final = (
    "GL_Account_Number", "Business_Unit_Code", "Fiscal_Year", "Period", "Balance_As_Of_Date", "Amount_Beginning",
    "Amount_Ending", "Amount_Currency",
)  # fmt: skip
CHART: Final = (
    "GL_Account_Number", "GL_Account_Name", "GL_Account_Description", "FS_Caption", "Account_Type", "Account_Subtype",
    "Parent_GL_Account_Number",
)  # fmt: skip
SOURCES: Final = (
    "Source", "Source_Description", "ERP_Subledger_Module", "Business_Process_Major", "Business_Process_Minor",
    "System_Manual_Identifier",
)  # fmt: skip
USERS: Final = (
    "User_ID", "User_Active_Status", "User_Active_Modified_Date", "First_Name", "Last_Name", "Title", "Department",
    "Role_Responsibility",
)  # fmt: skip
LOANS: Final = (
    "Loan_ID", "Member_ID", "Product", "Repayment", "Purpose", "Business_Unit_Code", "Granted_Date", "Granted_By",
    "Approved_By", "Disbursed_Date", "Agreed_Amount", "Annual_Rate", "Last_Due_Date", "State", "Principal_Outstanding",
    "Interest_To_Date", "Due_Now", "Days_Late", "Next_Due_Date", "Bucket", "Non_Accrual", "Modified", "Risk_Grade",
    "Amount_Currency",
)  # fmt: skip
MOVES: Final = (
    "Account_ID", "Component", "Business_Unit_Code", "Journal_ID", "Journal_ID_Line_Number", "Source", "Effective_Date",
    "Amount", "Amount_Credit_Debit_Indicator", "Amount_Currency", "Entered_By", "Approved_By",
)  # fmt: skip
TOTALS: Final = ("File", "Rows", "Debits", "Credits", "Amount_Currency", "Head_Number", "Head_Hash")
_TYPES: Final = {
    "asset": "Assets", "liability": "Liabilities", "equity": "Equity", "income": "Revenue", "expense": "Expense",
}  # fmt: skip
_SHARES: Final = ("901", "903", "875")

_LINES = (
    "SELECT e.id, p.line, e.memo, o.kind, a.fund, e.effective_on, a.gl_code, p.amount, a.currency, o.actor, o.at,"
    " o.approver, o.business_date, e.reverses_id, r.id, a.contract, o.id"
    " FROM entry e JOIN operation o ON o.id = e.operation_id JOIN posting p ON p.entry_id = e.id"
    " JOIN account a ON a.id = p.account_id LEFT JOIN entry r ON r.reverses_id = e.id AND r.operation_id <= ?"
    " WHERE e.effective_on >= ? AND e.effective_on <= ? AND e.operation_id <= ?"
    " AND (a.currency = ?) = (1 = ?) ORDER BY e.id, p.line"
)
_BALANCES = (
    "SELECT a.gl_code, a.fund, sum(CASE WHEN e.effective_on < ? THEN p.amount ELSE 0 END), sum(p.amount)"
    " FROM posting p JOIN entry e ON e.id = p.entry_id JOIN account a ON a.id = p.account_id"
    " WHERE e.effective_on <= ? AND e.operation_id <= ? AND a.currency <> ? GROUP BY a.gl_code, a.fund"
    " ORDER BY a.gl_code, a.fund"
)


def write(bank: Bank, books: Books, files: NewFiles, start: date | None, end: date | None) -> None:
    """Write all files of a period; of everything up to the business date if none is named."""
    head = posting.head(books.tx)
    today = books.business_date() or date.max
    first = start or date.fromisoformat(str(books.tx.value("SELECT min(effective_on) FROM entry") or today.isoformat()))
    last = min(end or today, today)
    made = Tables(books, files, first, max(first, last), bank.institution.currency)
    span = f"{made.start:%Y%m%d}_{made.end:%Y%m%d}"
    _gl_detail(made, f"GL_Detail_{span}.csv", head.number)
    _gl_detail(made, f"Memo_Detail_{span}.csv", head.number, memo_accounts=True)
    _trial_balance(made, f"Trial_Balance_{span}.csv", head.number)
    _listings(made)
    _loans(made)
    _moves(made, "Loan_Transactions.csv", "a.contract LIKE 'L-%' AND a.gl_code IN ('701', '781', '791')", head.number)
    _moves(made, "Share_Transactions.csv", f"a.gl_code IN {_SHARES}", head.number)
    rows = [
        (t.file, t.rows, made.money(t.debits), made.money(t.credits), made.currency, head.number, head.hash.hex())
        for t in list(made.totals)
    ]
    made.table("Control_Totals.csv", TOTALS, rows)


def _gl_detail(made: Tables, name: str, head: int, *, memo_accounts: bool = False) -> None:
    total = Total(name)
    locked = _first_locks(made)

    def rows() -> Iterator[Sequence[Any]]:
        span = (made.start.isoformat(), made.end.isoformat())
        for row in made.books.tx.stream(_LINES, head, *span, head, MEMO_CURRENCY, int(memo_accounts)):
            entry, line, memo, kind, fund, on, gl, amount, money, actor, at, approver, booked, *others = row
            undoes, undone, of, operation = others
            if debit := amount > 0:
                total.debits += amount
            else:
                total.credits -= amount
            day, written_day = _read_day(on)
            yield (
                entry, line, memo, memo, kind, fund, written_day, day.year, _period(day, operation, locked), gl,
                made.money(abs(amount)), "D" if debit else "C", money, actor, _digits(at[:10]), _digits(at[11:19]),
                approver, _digits(booked) if approver else None, "1" if undoes else "2" if undone else None,
                undoes or undone, of,
            )  # fmt: skip

    written = made.table(name, GL_DETAIL, rows())
    written.debits, written.credits = total.debits, total.credits


def _first_locks(made: Tables) -> dict[int, int]:
    """The operation that first closed December of a year."""
    found = made.books.tx.rows(
        "SELECT period, min(operation_id) FROM period_state WHERE state = ? AND period LIKE ? GROUP BY period",
        periods.LOCKED, "____-12",
    )  # fmt: skip
    return {int(period[:4]): int(number) for period, number in found}


def _period(day: date, operation: int, locked: dict[int, int]) -> str:
    """M1 to M12; M13 for adjustments and closing entries of a December that had been closed before."""
    late = day.month == 12 and operation > locked.get(day.year, operation)
    return "M13" if late else f"M{day.month}"


@lru_cache(maxsize=4096)
def _read_day(text: str) -> tuple[date, str]:
    """A day, and how the standard writes it."""
    return date.fromisoformat(text), _digits(text)


def _digits(text: str) -> str:
    """A day or a time of day without its marks."""
    return text.replace("-", "").replace(":", "")


def _trial_balance(made: Tables, name: str, head: int) -> None:
    found = made.books.tx.rows(_BALANCES, made.start.isoformat(), made.end.isoformat(), head, MEMO_CURRENCY)
    written = made.table(
        name, TRIAL_BALANCE,
        (
            (gl, fund, made.end.year, f"M{made.end.month}", f"{made.end:%Y%m%d}", made.money(int(before)),
             made.money(int(after)), made.currency)
            for gl, fund, before, after in found
        ),
    )  # fmt: skip
    written.debits = sum(max(int(after), 0) for *_rest, after in found)
    written.credits = -sum(min(int(after), 0) for *_rest, after in found)


def _listings(made: Tables) -> None:
    tx = made.books.tx
    accounts = tx.rows("SELECT code, name, kind, side FROM gl_account WHERE kind <> 'memo' ORDER BY code")
    made.table(
        "Chart_of_Accounts.csv", CHART,
        ((code, name, name, name, _TYPES[kind], side, None) for code, name, kind, side in accounts),
    )  # fmt: skip
    kinds = [kind for (kind,) in tx.rows("SELECT DISTINCT kind FROM operation ORDER BY kind")]
    made.table("Source_Listing.csv", SOURCES, (_source(kind) for kind in kinds))
    users = tx.rows(
        "SELECT r.ref, max(o.business_date) FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.kind = ? GROUP BY r.ref ORDER BY r.ref",
        records.User.kind,
    )
    made.table("User_Listing.csv", USERS, (_user(made.books, user, changed) for user, changed in users))


def _source(kind: str) -> Sequence[Any]:
    operation = CATALOGUE.get(kind)
    if operation is None:
        return kind, kind, None, None, None, None
    by_program = operation.internal or kind.startswith("close-")
    return kind, operation.title, operation.subject, operation.subject, operation.title, "S" if by_program else "M"


def _user(books: Books, user: str, changed: str) -> Sequence[Any]:
    body = books.get(records.User, user, "user")
    first, _space, rest = books.personal(body.full_name).rpartition(" ")
    roles = ", ".join(body.roles)
    return user, "1" if body.active else "0", _digits(changed), first or rest, rest if first else "", None, None, roles


def _loans(made: Tables) -> None:
    seen = {loan.ref: loan for loan in portfolio(made.books, made.end).loans}

    def rows() -> Iterator[Sequence[Any]]:
        for ref, body in made.books.every(records.Loan):
            if body.granted_on > made.end.isoformat():
                continue
            at = seen.get(ref)
            yield (
                ref, body.member, body.product, body.repayment, body.purpose, body.fund, _digits(body.granted_on),
                body.granted_by, body.approved_by, _digits(body.disbursed_on or ""), made.money(body.principal),
                Amount(body.annual_rate), at and _day(at.last_due), body.state if at is None else at.state,
                made.money(at.owed if at else 0), made.money(at.accrued if at else 0),
                made.money(at.due_now if at else 0), at.days_late if at else 0, at and _day(at.next_due),
                at and at.bucket, "1" if at and at.non_accrual else "0", "1" if body.modified else "0", body.grade,
                made.currency,
            )  # fmt: skip

    made.table("Loan_Master.csv", LOANS, rows())


def _day(day: date | None) -> str | None:
    return None if day is None else f"{day:%Y%m%d}"


def _moves(made: Tables, name: str, which: str, head: int) -> None:
    """Movements of loans or shares, leaf by leaf."""
    total = Total(name)
    sql = (
        "SELECT a.contract, a.gl_code, a.fund, e.id, p.line, o.kind, e.effective_on, p.amount, a.currency, o.actor,"
        " o.approver FROM posting p JOIN entry e ON e.id = p.entry_id JOIN operation o ON o.id = e.operation_id"
        f" JOIN account a ON a.id = p.account_id WHERE {which} AND e.effective_on >= ? AND e.effective_on <= ?"
        " AND e.operation_id <= ? ORDER BY a.contract, a.gl_code, a.fund, e.effective_on, e.id, p.line"
    )

    def rows() -> Iterator[Sequence[Any]]:
        for contract, gl, fund, entry, line, kind, on, amount, money, actor, approver in made.books.tx.stream(
            sql, made.start.isoformat(), made.end.isoformat(), head
        ):
            total.debits, total.credits = total.debits + max(amount, 0), total.credits + max(-amount, 0)
            side = "D" if int(amount) > 0 else "C"
            yield (
                contract,
                gl,
                fund,
                entry,
                line,
                kind,
                _digits(on),
                made.money(abs(amount)),
                side,
                money,
                actor,
                approver,
            )

    written = made.table(name, MOVES, rows())
    written.debits, written.credits = total.debits, total.credits
