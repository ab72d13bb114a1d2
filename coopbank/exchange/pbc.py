"""What auditors ask a bank to prepare ("PBC list"), as CSV files beside those of the Audit Data Standards.

Every table is read from the sealed books in one state of them and needs no judgement of ours; what does (cut-off,
functional expenses) says its rule in `LISTS`. Amounts are signed as the books have them: debit +, credit -.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

from coopbank.bank import records
from coopbank.bank.books import loads
from coopbank.bank.operation import CATALOGUE
from coopbank.exchange.tables import Tables
from coopbank.ledger.chart import MEMO_CURRENCY
from coopbank.reports.assets import assets
from coopbank.reports.audit import audit
from coopbank.reports.financial import closing_movements
from coopbank.reports.portfolio import PortfolioLoan, portfolio

Rows = Iterator[Sequence[Any]]
CUT_OFF_DAYS: Final = 10
MOST_FINDINGS: Final = 200  # of one audit test that are listed; all are counted
_CASH: Final = ("731", "735", "739", "741")
_POOLED: Final = ("729", "879")
_BETWEEN_FUNDS: Final = ("185", "186", "187")  # releases and transfers: of all funds together they come to zero


class PbcList(NamedTuple):
    """One table: its file, what it is, its columns, and its rows."""

    name: str
    what: str
    heads: tuple[str, ...]
    rows: Callable[[Tables], Rows]


def write(made: Tables) -> None:
    """Write every table, and an index of them."""
    for each in LISTS:
        made.table(f"{each.name}.csv", each.heads, each.rows(made))
    counts = {total.file: total.rows for total in made.totals}
    made.table(
        "Index.csv", ("File", "Rows", "What_It_Is"),
        ((f"{each.name}.csv", counts[f"{each.name}.csv"], each.what) for each in LISTS),
    )  # fmt: skip


# ------------------------------------------------------------------------------------ balances


def _leaves(*controls: str) -> Callable[[Tables], Rows]:
    """Each leaf of some control accounts, with its balance at the end; one that never moved is left out."""

    def rows(made: Tables) -> Rows:
        marks = ", ".join("?" * len(controls))
        found = made.books.tx.rows(
            "SELECT a.gl_code, a.fund, a.contract, a.holder, sum(d.debit - d.credit) FROM account a"
            " JOIN balance_day d ON d.account_id = a.id WHERE d.effective_on <= ? AND a.gl_code IN"
            f" ({marks}) GROUP BY a.gl_code, a.fund, a.contract, a.holder ORDER BY a.gl_code, a.contract, a.fund",
            made.end.isoformat(), *controls,
        )  # fmt: skip
        for gl, fund, contract, holder, balance in found:
            yield gl, fund, contract, holder, made.money(int(balance)), made.currency

    return rows


def _movement(made: Tables, controls: Sequence[str]) -> dict[tuple[str, str], tuple[int, dict[str, int]]]:
    """By control account and fund: the balance before the period, and what each kind of operation did in it."""
    marks = ", ".join("?" * len(controls))
    before = made.books.tx.rows(
        "SELECT gl_code, fund, sum(debit - credit) FROM control_total WHERE length(span) = 10 AND span < ?"
        f" AND gl_code IN ({marks}) AND currency <> ? GROUP BY gl_code, fund",
        made.start.isoformat(), *controls, MEMO_CURRENCY,
    )  # fmt: skip
    found: dict[tuple[str, str], tuple[int, dict[str, int]]] = {
        (gl, fund): (int(amount), defaultdict(int)) for gl, fund, amount in before
    }
    moved = made.books.tx.rows(
        "SELECT a.gl_code, a.fund, o.kind, sum(p.amount) FROM entry e JOIN posting p ON p.entry_id = e.id"
        " JOIN account a ON a.id = p.account_id JOIN operation o ON o.id = e.operation_id"
        f" WHERE e.effective_on >= ? AND e.effective_on <= ? AND a.gl_code IN ({marks}) AND a.currency <> ?"
        " GROUP BY a.gl_code, a.fund, o.kind ORDER BY a.gl_code, a.fund, o.kind",
        made.start.isoformat(), made.end.isoformat(), *controls, MEMO_CURRENCY,
    )  # fmt: skip
    for gl, fund, kind, amount in moved:
        found.setdefault((gl, fund), (0, defaultdict(int)))[1][kind] += int(amount)
    return dict(sorted(found.items()))


def _roll_forward(*controls: str) -> Callable[[Tables], Rows]:
    """Beginning, each kind of movement, ending: one line each."""

    def rows(made: Tables) -> Rows:
        for (gl, fund), (before, moved) in _movement(made, controls).items():
            if not before and not moved:
                continue
            yield gl, fund, "beginning", "", made.money(before)
            for kind, amount in moved.items():
                yield gl, fund, kind, CATALOGUE[kind].title if kind in CATALOGUE else kind, made.money(amount)
            yield gl, fund, "ending", "", made.money(before + sum(moved.values()))

    return rows


def _equity(made: Tables) -> Rows:
    controls = [c for (c,) in made.books.tx.rows("SELECT code FROM gl_account WHERE kind = 'equity' ORDER BY code")]
    yield from _roll_forward(*controls, "905")(made)


def _net_assets(made: Tables) -> Rows:
    """By fund: equity and result before, income, expense, transfers, and after."""
    classes = dict(made.books.tx.rows("SELECT code, class FROM fund"))
    kinds = dict(made.books.tx.rows("SELECT code, kind FROM gl_account"))
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for gl, kind, fund, early, amount in made.books.tx.rows(
        "SELECT c.gl_code, g.kind, c.fund, CASE WHEN c.span < ? THEN 1 ELSE 0 END, sum(c.debit - c.credit)"
        " FROM control_total c JOIN gl_account g ON g.code = c.gl_code WHERE length(c.span) = 10 AND c.span <= ?"
        " AND g.kind IN ('equity', 'income', 'expense') GROUP BY 1, 2, 3, 4",
        made.start.isoformat(), made.end.isoformat(),
    ):  # fmt: skip
        column = "before" if early else "transfers" if gl in _BETWEEN_FUNDS else kind
        sums[fund][column] -= int(amount)
    for (gl, fund), amount in closing_movements(made.books.tx, made.start, made.end).items():
        sums[fund]["transfers" if gl in _BETWEEN_FUNDS else kinds[gl]] += (
            amount  # what the closing of a year took out of it
        )
        sums[fund]["equity"] -= amount
    for fund, found in sorted(sums.items()):
        columns = [found[name] for name in ("before", "income", "expense", "transfers", "equity")]
        yield fund, classes.get(fund), *(made.money(amount) for amount in (*columns, sum(columns)))


def _cash_flow(made: Tables) -> Rows:
    """Direct method: what entries that move cash have on their other side; claims on the pool cancel."""
    cash, pooled = ", ".join(f"'{c}'" for c in _CASH), ", ".join(f"'{c}'" for c in _POOLED)
    found = made.books.tx.rows(
        "SELECT a.gl_code, g.name, g.kind, -sum(p.amount) FROM entry e JOIN posting p ON p.entry_id = e.id"
        " JOIN account a ON a.id = p.account_id JOIN gl_account g ON g.code = a.gl_code"
        " WHERE e.effective_on >= ? AND e.effective_on <= ? AND a.currency <> ?"
        f" AND a.gl_code NOT IN ({cash}, {pooled}) AND EXISTS (SELECT 1 FROM posting q JOIN account b"
        f" ON b.id = q.account_id WHERE q.entry_id = e.id AND b.gl_code IN ({cash}))"
        " GROUP BY a.gl_code, g.name, g.kind ORDER BY a.gl_code",
        made.start.isoformat(), made.end.isoformat(), MEMO_CURRENCY,
    )  # fmt: skip
    total = 0
    for gl, name, kind, amount in found:
        total += int(amount)
        yield _activity(gl, kind), gl, name, made.money(int(amount))
    held = [0, 0]
    for early, amount in made.books.tx.rows(
        "SELECT CASE WHEN span < ? THEN 1 ELSE 0 END, sum(debit - credit) FROM control_total WHERE length(span) = 10"
        f" AND span <= ? AND gl_code IN ({cash}) GROUP BY 1",
        made.start.isoformat(), made.end.isoformat(),
    ):  # fmt: skip
        held[0 if early else 1] = int(amount)
    yield "cash", "", "Cash at the beginning", made.money(held[0])
    yield "cash", "", "Cash at the end", made.money(held[0] + held[1])
    yield "cash", "", "Difference to the lines above, to be 0.00", made.money(held[1] - total)


def _activity(gl: str, kind: str) -> str:
    if gl in ("701", "702", "781", "871") or gl in ("751", "771", "772"):
        return "lending and investing"
    return "financing" if kind in ("liability", "equity") and gl[0] in "89" else "operating"


def _functional(made: Tables) -> Rows:
    """Each expense by what it was for: its fund decides, but outreach (270) is fundraising."""
    classes = dict(made.books.tx.rows("SELECT code, class FROM fund"))
    closed = closing_movements(made.books.tx, made.start, made.end)
    for gl, name, fund, amount in made.books.tx.rows(
        "SELECT c.gl_code, g.name, c.fund, sum(c.debit - c.credit) FROM control_total c"
        " JOIN gl_account g ON g.code = c.gl_code WHERE length(c.span) = 10 AND c.span >= ? AND c.span <= ?"
        " AND g.kind = 'expense' GROUP BY c.gl_code, g.name, c.fund ORDER BY c.gl_code, c.fund",
        made.start.isoformat(), made.end.isoformat(),
    ):  # fmt: skip
        function = "management and general" if classes.get(fund) == "general" else "program"
        yield (
            gl,
            name,
            fund,
            "fundraising" if gl == "270" else function,
            made.money(int(amount) - closed.get((gl, fund), 0)),
        )


# --------------------------------------------------------------------------------------- loans


def _loans(wanted: Callable[[PortfolioLoan], bool]) -> Callable[[Tables], Rows]:
    def rows(made: Tables) -> Rows:
        for loan in portfolio(made.books, made.end).loans:
            if wanted(loan):
                yield (
                    loan.ref, loan.member, loan.fund, loan.state, loan.bucket, loan.days_late, made.money(loan.owed),
                    made.money(loan.accrued), made.money(loan.due_now), "1" if loan.non_accrual else "0",
                    "1" if loan.modified else "0", loan.grade,
                )  # fmt: skip

    return rows


_LOAN: Final = (
    "Loan_ID", "Member_ID", "Business_Unit_Code", "State", "Bucket", "Days_Late", "Principal_Outstanding",
    "Interest_To_Date", "Due_Now", "Non_Accrual", "Modified", "Risk_Grade",
)  # fmt: skip


def _officials(made: Tables) -> Rows:
    """Loans of people who work here, and of relatives whom they declared."""
    theirs: dict[str, list[str]] = defaultdict(list)
    for user, body in made.books.every(records.User):
        for member in {body.member, *body.relatives} - {None}:
            theirs[str(member)].append(f"{user}{'' if member == body.member else ' (relative)'}")
    for row in _loans(lambda loan: loan.member in theirs)(made):
        yield ", ".join(theirs[str(row[1])]), *row


def _losses(made: Tables) -> Rows:
    """Entries of charge-offs and write-downs, and what came back on loans that were charged off."""
    for row in made.books.tx.rows(
        "SELECT e.effective_on, e.id, o.kind, a.fund, a.contract, a.gl_code, p.amount, e.memo FROM entry e"
        " JOIN operation o ON o.id = e.operation_id JOIN posting p ON p.entry_id = e.id"
        " JOIN account a ON a.id = p.account_id WHERE e.effective_on >= ? AND e.effective_on <= ?"
        " AND (o.kind IN ('charge-off', 'write-down') AND a.gl_code IN ('701', '719', '781')"
        " OR a.gl_code = '719' AND o.kind NOT IN ('provide', 'charge-off', 'write-down'))"
        " ORDER BY e.id, p.line",
        made.start.isoformat(), made.end.isoformat(),
    ):  # fmt: skip
        day, entry, kind, fund, contract, gl, amount, memo = row
        yield day, entry, kind, fund, contract, gl, made.money(int(amount)), memo


# ------------------------------------------------------------------------------ people and controls


def _versions(kind: str, made: Tables) -> Rows:
    """Every version of the records of a kind, up to the end: when, by whom, with whose approval."""
    yield from made.books.tx.stream(
        "SELECT r.ref, r.version, o.business_date, o.at, o.id, o.kind, o.actor, o.approver, r.body FROM record r"
        " JOIN operation o ON o.id = r.operation_id WHERE r.kind = ? AND o.business_date <= ?"
        " ORDER BY r.ref, r.version",
        kind, made.end.isoformat(),
    )  # fmt: skip


def _powers(made: Tables) -> Rows:
    for kind in ("user", "role"):
        for ref, version, day, at, number, operation, actor, approver, text in _versions(kind, made):
            body = loads(text)
            held = body.get("roles") or body.get("operations") or []
            state = "" if kind == "role" else "0" if body.get("active") is False else "1"
            limits = "; ".join(f"{name} {amount}" for name, amount in sorted(body.get("alone", {}).items()))
            yield (
                kind, ref, version, day, at, number, operation, actor, approver, state, ", ".join(held),
                body.get("member"), ", ".join(body.get("relatives", [])), limits,
            )  # fmt: skip


def _approvals(made: Tables) -> Rows:
    for ref, body in made.books.every(records.Request):
        if body.asked_on <= made.end.isoformat():
            yield (
                ref, body.operation, body.asked_by, body.asked_on, body.reason, body.state, body.decided_by, body.why,
            )  # fmt: skip


def _access(made: Tables) -> Rows:
    """Sign-ins, refusals, passphrases and one-time codes that were set."""
    for number, at, day, kind, actor, text in made.books.tx.stream(
        "SELECT id, at, business_date, kind, actor, sealed FROM operation WHERE kind IN"
        " ('sign-in', 'log-refusal', 'set-passphrase', 'set-one-time-code') AND business_date >= ?"
        " AND business_date <= ? ORDER BY id",
        made.start.isoformat(), made.end.isoformat(),
    ):  # fmt: skip
        asked = loads(text)[10]
        yield number, at, day, kind, actor, asked.get("operation"), asked.get("code"), asked.get("user")


def _adjustments(made: Tables) -> Rows:
    """Entries that an auditor looks at first: dated back, written by hand, or reversals."""
    for row in made.books.tx.stream(
        "SELECT e.id, e.effective_on, o.business_date, o.kind, o.actor, o.approver, e.reverses_id, e.memo,"
        " (SELECT sum(p.amount) FROM posting p WHERE p.entry_id = e.id AND p.amount > 0) FROM entry e"
        " JOIN operation o ON o.id = e.operation_id WHERE e.effective_on >= ? AND e.effective_on <= ?"
        " AND (e.effective_on < o.business_date OR o.kind IN ('journal-entry', 'correct') OR e.reverses_id IS NOT NULL)"
        " ORDER BY e.id",
        made.start.isoformat(), made.end.isoformat(),
    ):  # fmt: skip
        *rest, amount = row
        yield *rest, made.money(int(amount))


def _cut_off(made: Tables) -> Rows:
    """Entries dated or recorded within ten days of the end, on either side of it."""
    low, high = ((made.end + timedelta(days=by)).isoformat() for by in (-CUT_OFF_DAYS, CUT_OFF_DAYS))
    for row in made.books.tx.stream(
        "SELECT e.id, e.effective_on, o.business_date, o.at, o.kind, o.actor, e.memo,"
        " (SELECT sum(p.amount) FROM posting p WHERE p.entry_id = e.id AND p.amount > 0) FROM entry e"
        " JOIN operation o ON o.id = e.operation_id WHERE e.effective_on >= ? AND e.effective_on <= ? ORDER BY e.id",
        low, high,
    ):  # fmt: skip
        *rest, amount = row
        side = "recorded after the end" if rest[1] <= made.end.isoformat() < rest[2] else ""
        yield *rest, made.money(int(amount)), side


def _cash_counts(made: Tables) -> Rows:
    last = 0
    for ref, _version, day, at, number, operation, actor, approver, text in _versions("drawer", made):
        body = loads(text)
        if body.get("counted") is None or day < made.start.isoformat() or number == last:
            continue  # who closes a drawer writes what was counted, and then that the drawer is closed
        last = number
        counted, expected = int(body["counted"]), body.get("expected")
        difference = None if expected is None else made.money(counted - int(expected))
        told = None if expected is None else made.money(int(expected))
        yield ref, day, at, number, operation, actor, approver, made.money(counted), told, difference


def _periods(made: Tables) -> Rows:
    yield from made.books.tx.rows(
        "SELECT s.period, s.state, o.business_date, o.at, o.id, o.actor, o.approver FROM period_state s"
        " JOIN operation o ON o.id = s.operation_id WHERE length(s.period) < 10 ORDER BY o.id"
    )


def _closes(made: Tables) -> Rows:
    for ref, body in made.books.every(records.CloseSignature):
        lines = body.text.split("\n")
        yield lines[2], int(ref), lines[4].removeprefix("hash "), body.key, body.signature


def _documents(made: Tables) -> Rows:
    for ref, body in made.books.every(records.Document):
        yield (
            ref, body.document, body.about, body.start, body.end, body.edition, body.replaces, body.as_of, body.head,
            made.books.personal(body.figures), made.books.personal(body.file), body.made_by,
        )  # fmt: skip


def _gaps(made: Tables) -> Rows:
    """Numbers that are missing among operations and entries: none, or the books are wrong."""
    for table in ("operation", "entry"):
        for before, after in made.books.tx.rows(
            f"SELECT id, next FROM (SELECT id, lead(id) OVER (ORDER BY id) AS next FROM {table}) n WHERE next > id + 1"
        ):
            yield table, before, after


def _gifts(made: Tables) -> Rows:
    for ref, body in made.books.every(records.Gift):
        if body.received_on <= made.end.isoformat():
            left = body.amount - body.released
            yield (
                ref, body.fund, body.purpose, body.received_on, made.money(body.amount), made.money(body.released),
                made.money(left),
            )  # fmt: skip


def _fixed_assets(made: Tables) -> Rows:
    for row in assets(made.books, made.end).rows:
        yield (
            row.asset, row.name, row.account, row.fund, row.in_use_from, row.life_months, made.money(row.cost),
            made.money(row.depreciated), made.money(row.value), row.place, row.bill, row.gift,
        )  # fmt: skip


def _reconciliations(made: Tables) -> Rows:
    """Statements of reconciliation that were signed, up to the end."""
    for ref, body in made.books.every(records.Reconciliation):
        if body.on <= made.end.isoformat():
            amounts = (body.by_bank, body.in_transit, body.outstanding, body.unrecognised, body.by_books)
            yield (
                ref, body.bank_account, body.on, *map(made.money, amounts), len(body.open_postings),
                len(body.open_lines), body.prepared_by, body.prepared_on, body.reviewed_by, body.reviewed_on,
                body.state, body.why,
            )  # fmt: skip


def _bank_statements(made: Tables) -> Rows:
    for ref, body in made.books.every(records.BankStatement):
        if body.start <= made.end.isoformat():
            yield (
                ref, body.bank_account, body.start, body.end, made.money(body.opening), made.money(body.closing),
                body.lines, body.why,
            )  # fmt: skip


def _audit_tests(made: Tables) -> Rows:
    for result in audit(made.books, (), made.start, made.end).results:
        yield result.name, result.why, result.of, result.looked_at, result.found, "", "", "", "", "", None, ""
        for row in result.rows[:MOST_FINDINGS]:
            amount = None if row.amount is None else made.money(row.amount)
            yield (
                result.name, row.said, "", "", "", row.entry, row.operation, row.on, row.who, row.account, amount,
                row.memo,
            )  # fmt: skip


def _confirmations(made: Tables) -> Rows:
    for ref, body in made.books.every(records.Confirmation):
        right = None if body.right is None else made.money(body.right)
        yield (
            body.campaign, ref, body.account, body.member, body.stratum, made.money(body.balance), body.state,
            body.replied_on, right, body.finding, body.why, body.correction,
        )  # fmt: skip


def _campaigns(made: Tables) -> Rows:
    for ref, body in made.books.every(records.Campaign):
        yield (
            ref, body.form, body.population, body.day, body.as_of, body.selection, body.seed, body.size, body.count,
            made.money(body.total), body.selected, made.money(body.selected_total), body.state, body.conclusion,
        )  # fmt: skip


_LEAF: Final = ("GL_Account_Number", "Business_Unit_Code", "Account_ID", "Member_ID", "Balance", "Amount_Currency")
_ROLL: Final = ("GL_Account_Number", "Business_Unit_Code", "Source", "What", "Amount")

LISTS: Final = (
    PbcList("Share_Trial_Balance", "Shares, subscriptions, savings and retained patronage, account by account",
            _LEAF, _leaves("901", "903", "875", "905", "945", "946", "950")),
    PbcList("Loan_Trial_Balance", "Principal, interest and other receivables of loans, account by account",
            _LEAF, _leaves("701", "702", "781", "871")),
    PbcList("Note_Trial_Balance", "Lenders' notes and the interest on them", _LEAF, _leaves("811", "812", "851")),
    PbcList("Cash_Trial_Balance", "Bank accounts, cheques, vault and drawers", _LEAF, _leaves(*_CASH)),
    PbcList("Receivable_Trial_Balance", "Dues, returned items and what else is to come in, account by account",
            _LEAF, _leaves("728", "782", "784", "791", "792")),
    PbcList("Payable_Trial_Balance", "Bills and what else is owed, account by account",
            _LEAF, _leaves("801", "821", "823", "825", "831", "842", "862", "865", "872", "878", "892", "893")),
    PbcList("Aging", "Every loan by how late it is; deferred by its terms is no lateness",
            _LOAN, _loans(lambda loan: loan.owed > 0)),
    PbcList("Non_Accrual", "Loans whose interest is not income any more", _LOAN, _loans(lambda loan: loan.non_accrual)),
    PbcList("Modified_Loans", "Loans whose terms were eased", _LOAN, _loans(lambda loan: loan.modified)),
    PbcList("Officials_Loans", "Loans of those who work here and of relatives whom they declared",
            ("User_ID", *_LOAN), _officials),
    PbcList("Charge_Offs_and_Recoveries", "Entries of charge-offs, write-downs and recoveries",
            ("Effective_Date", "Journal_ID", "Source", "Business_Unit_Code", "Loan_ID", "GL_Account_Number", "Amount",
             "Description"), _losses),
    PbcList("Allowance_Roll_Forward", "The allowance and the reserve for commitments: beginning, movements, ending",
            _ROLL, _roll_forward("719", "863")),
    PbcList("Equity_Changes", "Members' equity, savings and fund balances: beginning, movements, ending",
            _ROLL, _equity),
    PbcList("Net_Assets", "Net assets of each fund over the period; restricted ones stand by themselves; credit +",
            ("Business_Unit_Code", "Fund_Class", "Beginning", "Income", "Expense", "Transfers_and_Releases",
             "Other_Equity", "Ending"), _net_assets),
    PbcList("Gifts", "Gifts and grants received, spent, and left",
            ("Gift_ID", "Business_Unit_Code", "Purpose", "Received_Date", "Amount", "Released", "Left"), _gifts),
    PbcList("Commitments", "What is promised to borrowers and not paid out (memo)", _LEAF, _leaves("M40")),
    PbcList("Cash_Flow_Statement", "Cash flow, direct method: the other side of every entry that moves cash",
            ("Activity", "GL_Account_Number", "GL_Account_Name", "Amount"), _cash_flow),
    PbcList("Functional_Expenses", "Expenses by function: fund GEN is management, others program, 270 fundraising",
            ("GL_Account_Number", "GL_Account_Name", "Business_Unit_Code", "Function", "Amount"), _functional),
    PbcList("Users_and_Powers", "Every version of every user and role: when, by whom, with whose approval",
            ("Record", "ID", "Version", "Business_Date", "Entered_At", "Operation", "Source", "Entered_By",
             "Approved_By", "Active", "Powers", "Member_ID", "Relatives", "Limits"), _powers),
    PbcList("Approvals", "Requests for a second person, and what became of them",
            ("Request", "Operation", "Asked_By", "Asked_On", "Reason", "State", "Decided_By", "Why"), _approvals),
    PbcList("Access_Log", "Sign-ins, refusals, passphrases and one-time codes that were set",
            ("Operation", "Entered_At", "Business_Date", "Kind", "User_ID", "Refused_Operation", "Refusal", "About"),
            _access),
    PbcList("Adjustments", "Entries dated back, written by hand, corrections and reversals",
            ("Journal_ID", "Effective_Date", "Recorded_On", "Source", "Entered_By", "Approved_By", "Reverses",
             "Description", "Debits"), _adjustments),
    PbcList("Cut_Off_Test", f"Entries dated within {CUT_OFF_DAYS} days of the end, with the day they were recorded",
            ("Journal_ID", "Effective_Date", "Recorded_On", "Entered_At", "Source", "Entered_By", "Description",
             "Debits", "Note"), _cut_off),
    PbcList("Cash_Counts", "Counts of drawers, with what the books expected",
            ("Drawer", "Business_Date", "Entered_At", "Operation", "Source", "Entered_By", "Approved_By", "Counted",
             "Expected", "Difference"), _cash_counts),
    PbcList("Bank_Statements", "Statements of the bank that were recorded, each from where the one before ended",
            ("Statement", "Bank_Account", "From", "To", "Opening", "Closing", "Lines", "Withdrawn_Why"),
            _bank_statements),
    PbcList("Bank_Reconciliations", "Balance by bank, in transit, outstanding, unrecognised, by books; who signed",
            ("Reconciliation", "Bank_Account", "As_Of", "By_Bank", "In_Transit", "Outstanding", "Unrecognised",
             "By_Books", "Open_Postings", "Open_Lines", "Prepared_By", "Prepared_On", "Reviewed_By", "Reviewed_On",
             "State", "Why"), _reconciliations),
    PbcList("Fixed_Assets", "The register of assets: cost, written off, value",
            ("Asset", "Name", "GL_Account_Number", "Business_Unit_Code", "In_Use_From", "Life_Months", "Cost",
             "Depreciated", "Value", "Place", "Bill", "Gift"), _fixed_assets),
    PbcList("Periods", "Months and years that were closed, reopened and locked",
            ("Period", "State", "Business_Date", "Entered_At", "Operation", "Entered_By", "Approved_By"), _periods),
    PbcList("Signed_Closes", "Closes that were signed", ("Close", "Operation", "Hash", "Key", "Signature"), _closes),
    PbcList("Documents", "Documents that were made, with the SHA-256 of their figures and files",
            ("Document", "Kind", "About", "From", "To", "Edition", "Replaces", "As_Of_Operation", "Head",
             "Figures_SHA256", "File_SHA256", "Made_By"), _documents),
    PbcList("Confirmation_Campaigns", "Campaigns in which members were asked to confirm their balances",
            ("Campaign", "Form", "Population", "Day", "As_Of_Operation", "Selection", "Seed", "Size", "Accounts",
             "Total", "Selected", "Selected_Total", "State", "Conclusion"), _campaigns),
    PbcList("Confirmations", "The control sheet of the campaigns: each balance, what the member said, what it came to",
            ("Campaign", "Confirmation", "Account_ID", "Member_ID", "Stratum", "Balance", "State", "Replied_On",
             "Right", "Finding", "Why", "Correction"), _confirmations),
    PbcList("Audit_Tests", "Tests that auditors run: how many each looked at and found, and what (coopbank audit)",
            ("Test", "Said", "Of", "Looked_At", "Found", "Journal_ID", "Operation", "Day", "Who", "Account_ID",
             "Amount", "Description"), _audit_tests),
    PbcList("Gaps", "Numbers missing among operations and entries: there are to be none",
            ("Series", "Before", "After"), _gaps),
)  # fmt: skip
