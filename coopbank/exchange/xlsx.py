"""A workbook for whoever thinks in spreadsheets: trial balance, journal, loans, shares, savings, ageing, tie-outs.

    Trial balance    accounts by fund, debit +; every column adds up to 0.00
    Journal          a line of an entry each; further sheets where one is full
    Loans            principal in the books, what is due and how late; Ageing adds it up by bucket
    Shares, Savings, Capital    a line for each member's account. Interest, Notes, Receivables, Owed: for each of others
    Tie-outs         each subledger against its control account: live formulas that come to 0.00

Sums are formulas over the cells, not figures of ours, so that a changed cell is seen; the value beside each formula is
what the books say, for readers that do not reckon. Text is written as text and is never a formula.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, Any, Final

import xlsxwriter  # type: ignore[import-untyped]
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell  # type: ignore[import-untyped]

from coopbank import __version__
from coopbank.bank.bank import Bank
from coopbank.bank.books import Books
from coopbank.exchange.cells import xlsx_text
from coopbank.exchange.files import NewFiles
from coopbank.exchange.journal import Entry, Journal
from coopbank.exchange.long_sheets import add_rows
from coopbank.ledger import posting
from coopbank.ledger.chart import MEMO_CURRENCY
from coopbank.money import currency as currency_of
from coopbank.reports.portfolio import Portfolio, portfolio
from coopbank.reports.trial_balance import TrialBalance, trial_balance

FILE_NAME: Final = "books.xlsx"
LAST_ROW: Final = 1_048_000
"""Rows of a sheet that are used: a spreadsheet has 1,048,576."""
_JOURNAL: Final = (
    "Entry", "Line", "Date", "Account", "Contract", "Fund", "Amount", "Memo", "Operation", "Kind", "By", "Approved by",
    "Reverses",
)  # fmt: skip
_LOANS: Final = (
    "Loan", "Member", "Fund", "Purpose", "State", "Rate %", "Agreed", "Principal in the books", "Interest to date",
    "Due now", "Days late", "Next due", "Bucket", "Non-accrual", "Eased",
)  # fmt: skip
_LEAVES: Final = ("Account", "Contract", "Fund", "Member", "Balance")
_SUBLEDGERS: Final = {
    "Shares": ("901", "903", "875"), "Savings": ("905",), "Capital": ("945", "946", "950"), "Interest": ("781",),
    "Notes": ("811", "812", "851"), "Receivables": ("784", "791"),
    "Owed": ("801", "821", "823", "825", "831", "842", "862", "865", "872", "893"),
}  # fmt: skip
"""Sheets of accounts; what funds owe each other (728, 878) is no part of the combined column and stands in none."""


def write(bank: Bank, books: Books, files: NewFiles, start: date | None, end: date | None) -> None:
    """Write the workbook of a period; balances are those at its last day."""
    with TemporaryFile() as made:
        workbook = _Workbook(bank, books, made, start, end)
        rows = workbook.write()
        made.seek(0)
        add_rows(made, files.binary(FILE_NAME), rows)


def _percent(rate: str) -> float | None:
    """A rate as a number that a sheet can reckon with."""
    return float(rate) if rate else None


class _Workbook:
    """One workbook in the making."""

    def __init__(self, bank: Bank, books: Books, file: IO[bytes], start: date | None, end: date | None) -> None:
        self.bank, self.books = bank, books
        self.journal = Journal(bank, books, start, end)
        self.end = self.journal.through
        self.per = currency_of(bank.institution.currency).minor_per_major
        self.book = xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_formulas": False})
        made = datetime.fromisoformat(str(books.tx.value("SELECT at FROM operation ORDER BY id DESC LIMIT 1"))[:19])
        self.book.set_properties({"title": bank.institution.name, "author": f"coopbank {__version__}", "created": made})
        places = len(str(self.per)) - 1
        money = "#,##0" + (f".{'0' * places}" if places else "")
        self.bold = self.book.add_format({"bold": True, "bottom": 1})
        self.money = self.book.add_format({"num_format": f"{money};[Red]-{money}"})
        self.total = self.book.add_format({"num_format": f"{money};[Red]-{money}", "bold": True, "top": 1})
        self.day = self.book.add_format({"num_format": "yyyy-mm-dd"})
        self.sums: dict[str, tuple[str, int]] = {}  # control account: the formula of its subledger's sum, and its value

    def write(self) -> dict[str, Iterator[Sequence[Any]]]:
        """All sheets, in their order; the rows that the files of the journal's sheets still lack."""
        told = trial_balance(self.books, self.end)
        loans = portfolio(self.books, self.end)
        self._about()
        controls = self._trial_balance(told)
        self._loans(loans)
        for name, codes in _SUBLEDGERS.items():
            self._leaves(name, codes)
        self._ageing(loans)
        self._tie_outs(controls)
        lines = self._lines()
        sheets = self._journal(lines)
        self.book.close()
        return {sheet: islice(lines, LAST_ROW - (sheet == sheets[0])) for sheet in sheets}

    # --------------------------------------------------------------------------- cells

    def _sheet(self, name: str, heads: Sequence[str], widths: Sequence[int] = ()) -> Any:
        sheet = self.book.add_worksheet(name)
        for column, head in enumerate(heads):
            sheet.set_column(column, column, widths[column] if column < len(widths) else 14)
            sheet.write_string(0, column, head, self.bold)
        sheet.freeze_panes(1, 0)
        return sheet

    def _row(self, sheet: Any, row: int, cells: Sequence[Any]) -> None:
        """A row: amounts as `Decimal`, days, whole numbers and texts each as what they are."""
        for column, cell in enumerate(cells):
            if cell is None or cell == "":
                continue
            if isinstance(cell, Decimal):
                sheet.write_number(row, column, cell, self.money)
            elif isinstance(cell, date):
                sheet.write_datetime(row, column, cell, self.day)
            elif isinstance(cell, int | float):
                sheet.write_number(row, column, cell)
            else:
                sheet.write_string(row, column, xlsx_text(str(cell)))

    def _amount(self, minor: int) -> Decimal:
        return Decimal(minor) / self.per

    def _formula(self, sheet: Any, row: int, column: int, formula: str, minor: int) -> None:
        sheet.write_formula(row, column, f"={formula}", self.total, float(self._amount(minor)))

    # -------------------------------------------------------------------------- sheets

    def _about(self) -> None:
        sheet = self._sheet("About", ("What", "Said"), (24, 70))
        head = posting.head(self.books.tx)
        first = self.journal.start.isoformat() if self.journal.start else "the beginning"
        facts = (
            ("Institution", self.bank.institution.name), ("Book", self.bank.book), ("From", first),
            ("To", self.end.isoformat()), ("Currency", self.bank.institution.currency),
            ("Head of the chain", f"{head.number} {head.hash.hex()}"), ("Program", f"coopbank {__version__}"),
            ("Amounts", "debit +, credit −"),
        )  # fmt: skip
        for row, fact in enumerate(facts, 1):
            self._row(sheet, row, fact)

    def _trial_balance(self, told: TrialBalance) -> dict[str, tuple[str, int]]:
        """Returns the cell of each control account's combined balance, and what it holds."""
        funds = [fund.code for fund in told.funds]
        heads = ("Account", "Name", "Kind", *funds, "Eliminated", "Combined")
        sheet = self._sheet("Trial balance", heads, (10, 34, 10))
        last = len(heads) - 1
        found: dict[str, tuple[str, int]] = {}
        for row, each in enumerate(told.rows, 1):
            amounts = [self._amount(each.by_fund.get(fund, 0)) for fund in funds]
            self._row(sheet, row, (each.code, each.name, each.kind, *amounts, self._amount(each.eliminated)))
            cells = f"{xl_rowcol_to_cell(row, 3)}:{xl_rowcol_to_cell(row, last - 1)}"
            self._formula(sheet, row, last, f"SUM({cells})", each.combined)
            cell = xl_rowcol_to_cell(row, last, row_abs=True, col_abs=True)
            found[each.code] = (f"'Trial balance'!{cell}", each.combined)
        end = len(told.rows)
        sheet.write_string(end + 1, 1, "Together", self.bold)
        for column in range(3, last + 1):
            letter = xl_col_to_name(column)
            self._formula(sheet, end + 1, column, f"SUM({letter}2:{letter}{end + 1})", 0)
        return found

    def _loans(self, told: Portfolio) -> None:
        sheet = self._sheet("Loans", _LOANS, (9, 9, 8, 30, 12, 8))
        for row, loan in enumerate(told.loans, 1):
            self._row(sheet, row, (
                loan.ref, loan.member, loan.fund, loan.purpose, loan.state, _percent(loan.annual_rate),
                self._amount(loan.agreed), self._amount(loan.carried), self._amount(loan.accrued),
                self._amount(loan.due_now), loan.days_late, loan.next_due, loan.bucket,
                "yes" if loan.non_accrual else "", "yes" if loan.modified else "",
            ))  # fmt: skip
        end = max(len(told.loans), 1) + 1
        self.sums["701"] = (f"SUM(Loans!$H$2:$H${end})", sum(loan.carried for loan in told.loans))

    def _leaves(self, name: str, codes: Sequence[str]) -> None:
        """The accounts of a subledger with what they stand at on the last day."""
        sheet = self._sheet(name, _LEAVES, (10, 16, 8, 10, 16))
        marks = ", ".join("?" * len(codes))
        rows = self.books.tx.rows(
            "SELECT a.gl_code, a.contract, a.fund, a.holder, sum(d.debit - d.credit) FROM account a"
            f" JOIN balance_day d ON d.account_id = a.id WHERE a.gl_code IN ({marks}) AND d.effective_on <= ?"
            " GROUP BY a.id, a.gl_code, a.contract, a.fund, a.holder ORDER BY a.gl_code, a.contract, a.fund",
            *codes, self.end.isoformat(),
        )  # fmt: skip
        for row, (gl, contract, fund, holder, net) in enumerate(rows, 1):
            self._row(sheet, row, (gl, contract, fund, holder, self._amount(int(net))))
        end = max(len(rows), 1) + 1
        for code in codes:
            formula = f'SUMIF({name}!$A$2:$A${end},"{code}",{name}!$E$2:$E${end})'
            self.sums[code] = (formula, sum(int(net) for gl, *_rest, net in rows if gl == code))

    def _ageing(self, told: Portfolio) -> None:
        sheet = self._sheet("Ageing", ("Bucket", "Loans", "Principal in the books", "Due now"), (24, 10, 24, 16))
        end = max(len(told.loans), 1) + 1
        buckets = sorted({loan.bucket for loan in told.loans if loan.bucket})
        for row, bucket in enumerate(buckets, 1):
            inside = [loan for loan in told.loans if loan.bucket == bucket]
            sheet.write_string(row, 0, xlsx_text(bucket))
            where = f"Loans!$M$2:$M${end},A{row + 1}"
            sheet.write_formula(row, 1, f"=COUNTIF({where})", None, len(inside))
            for column, letter, minor in (
                (2, "H", sum(x.carried for x in inside)),
                (3, "J", sum(x.due_now for x in inside)),
            ):
                self._formula(sheet, row, column, f"SUMIF({where},Loans!${letter}$2:${letter}${end})", minor)

    def _tie_outs(self, controls: dict[str, tuple[str, int]]) -> None:
        heads = ("Control account", "Name", "Trial balance", "Subledger", "Difference")
        sheet = self._sheet("Tie-outs", heads, (16, 34, 18, 18, 14))
        row, differ = 1, 0
        for code, (formula, minor) in self.sums.items():
            if code not in controls and not minor:
                continue
            cell, told = controls.get(code, ("0", 0))
            self._row(sheet, row, (code, self.books.control_name(code)))
            self._formula(sheet, row, 2, cell, told)
            self._formula(sheet, row, 3, formula, minor)
            self._formula(sheet, row, 4, f"ROUND(C{row + 1}-D{row + 1},2)", told - minor)
            row, differ = row + 1, differ + abs(told - minor)
        sheet.write_string(row, 1, "All differences", self.bold)
        self._formula(sheet, row, 4, f"SUMPRODUCT(ABS(E2:E{row}))", differ)

    def _journal(self, lines: Iterator[Sequence[Any]]) -> list[str]:
        """The heads of the journal's sheets, and its first line, which gives the formats; the sheets' files."""
        sheets = []
        for number in range(1, max(1, -(-self.journal.money_lines() // LAST_ROW)) + 1):
            name = "Journal" if number == 1 else f"Journal {number}"
            sheet = self._sheet(name, _JOURNAL, (9, 6, 12, 9, 16, 8, 14, 40, 10, 18, 10, 12, 10))
            sheets.append(f"xl/worksheets/sheet{len(self.book.worksheets())}.xml")
            if number == 1:
                self._row(sheet, 1, next(lines, ()))
        return sheets

    def _lines(self) -> Iterator[Sequence[Any]]:
        for event in self.journal.events():
            if not isinstance(event, Entry):
                continue
            day = date.fromisoformat(event.effective_on)
            for number, (leaf, amount) in enumerate(event.lines, 1):
                if leaf.currency != MEMO_CURRENCY:
                    yield (
                        event.number, number, day, leaf.gl_code, leaf.contract, leaf.fund, self._amount(amount),
                        event.memo, event.operation, event.kind, event.actor, event.approver, event.reverses,
                    )  # fmt: skip
