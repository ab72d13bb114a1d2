"""The books on paper: the day's close, trial balance, balance sheet, income statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from reportlab.lib.units import mm
from reportlab.platypus import Flowable

from coopbank.reports.dates import long_date, period
from coopbank.reports.evening import DayReport
from coopbank.reports.financial import BalanceSheet, Income, Section
from coopbank.reports.totals import Backdated
from coopbank.reports.trial_balance import TrialBalance, TrialRow
from coopbank.statements.document import Document
from coopbank.statements.parts import Parts
from coopbank.statements.tables import Column, Row
from coopbank.words import _, translate


def _name(row: TrialRow) -> str:
    return f"{row.code} {translate(row.name)}".strip()


class DayClose(Document[DayReport]):
    """What a day came to."""

    def title(self) -> str:
        return _("Day report")

    def subtitle(self) -> str:
        return long_date(self.report.day)

    def facts(self) -> Sequence[tuple[str, str]]:
        head = self.report.head
        closed = _("closed; head {number} {hash}").format(number=head[0], hash=head[1]) if head else _("open")
        return (
            (_("State"), closed), (_("Entries"), str(self.report.entries)),
            (_("All amounts in"), self.currency),
        )  # fmt: skip

    def body(self) -> Iterator[Flowable]:
        report = self.report
        short = report.short
        yield self.parts.tiles(
            [
                (_("Came in"), self.money(report.came), ""), (_("Went out"), self.money(report.went), ""),
                (_("Counts"), self.money(abs(short)), _("short") if short > 0 else _("over") if short else _("right")),
            ]
        )  # fmt: skip
        yield from self.heading(_("Money in and out"))
        columns = [Column(_("What was done"), "text"), Column(_("How often")), Column(_("Came in")),
                   Column(_("Went out"))]  # fmt: skip
        rows = [
            Row((line.title, str(line.count), self.money_or_blank(line.came), self.money_or_blank(line.went)))
            for line in report.lines
        ]
        rows.append(Row((_("Together"), "", self.money(report.came), self.money(report.went)), strong=True))
        yield self.figures(columns, rows)
        yield from self.heading(_("What counts found"), keep=24 * mm)
        if not report.differences:
            yield self.paragraph(_("Every count was right."))
        else:
            columns = [Column(_("Operation")), Column(_("By"), "short"), Column(_("What"), "text"), Column(_("Short")),
                       Column(_("Over"))]  # fmt: skip
            rows = [
                Row((str(each.operation), each.actor, each.memo, self.money_or_blank(max(each.short, 0)),
                     self.money_or_blank(max(-each.short, 0))))
                for each in report.differences
            ]  # fmt: skip
            yield self.figures(columns, rows)
        yield self.parts.signatures([_("Closed by"), _("Seen by")], _("Date"))


def changed_since(parts: Parts, found: Backdated | None) -> Iterator[Flowable]:
    """The notice that something was posted into the past after it: by people, or by the close of its month."""
    if found is None:
        return
    lines = []
    if found.entries:
        text = _("Entries were dated into this time after it had passed: {count}, the last by operation {operation}.")
        lines.append(text.format(count=found.entries, operation=found.last_operation))
    if found.by_close:
        text = _("Dated on its last day by the close of a month, after it had passed: {entries} entries.")
        lines.append(text.format(entries=found.by_close))
    yield parts.notice(_("Changed since"), lines)


B = TypeVar("B", TrialBalance, BalanceSheet, Income)


class _Books(Document[B]):
    """Common to the statements of the whole institution."""

    def facts(self) -> Sequence[tuple[str, str]]:
        return ((_("All amounts in"), self.currency),)

    def since(self) -> Iterator[Flowable]:
        """What was posted into the past after it."""
        yield from changed_since(self.parts, self.report.backdated)


class _OfADay(_Books[B]):
    """As of the end of a day."""

    def subtitle(self) -> str:
        as_of = getattr(self.report, "as_of", None) or self.report.source.business_date
        return _("As of {date}").format(date=long_date(as_of)) if as_of else ""


class TrialBalancePaper(_OfADay[TrialBalance]):
    """Every control account."""

    def title(self) -> str:
        return _("Trial balance")

    def body(self) -> Iterator[Flowable]:
        report = self.report
        yield from self.since()
        columns = [Column(_("Account"), "text"), Column(_("Debit")), Column(_("Credit"))]
        rows = [self._row(row) for row in report.rows if row.combined]
        rows.append(Row((_("Together"), self.money(report.debits), self.money(report.credits)), strong=True))
        yield self.activity(columns, rows, carries=False)
        yield from self.heading(_("By fund"), keep=30 * mm)
        text = _("Every fund's debits equal its credits, and so does the whole.")
        yield self.paragraph(text if report.balanced else _("The books do not balance: run coopbank verify."))
        if report.memo:
            yield from self.heading(_("Memo accounts, in no total"), keep=30 * mm)
            yield self.activity(columns, [self._row(row) for row in report.memo], carries=False)

    def _row(self, row: TrialRow) -> Row:
        debit, credit = max(row.combined, 0), max(-row.combined, 0)
        return Row((_name(row), self.money_or_blank(debit), self.money_or_blank(credit)))


class BalanceSheetPaper(_OfADay[BalanceSheet]):
    """What is owned, owed, and the members' own."""

    def title(self) -> str:
        return _("Balance sheet")

    def body(self) -> Iterator[Flowable]:
        report = self.report
        yield from self.since()
        yield self.parts.tiles(
            [
                (report.assets.name, self.money(report.assets.combined), ""),
                (report.liabilities.name, self.money(-report.liabilities.combined), ""),
                (report.equity.name, self.money(-report.equity.combined), ""),
            ]
        )
        for section, sign in ((report.assets, 1), (report.liabilities, -1), (report.equity, -1)):
            yield from self.heading(section.name)
            yield section_table(self, section, sign)


class IncomePaper(_Books[Income]):
    """What came in and what it cost in a period."""

    def title(self) -> str:
        return _("Income statement")

    def subtitle(self) -> str:
        return period(self.report.start, self.report.end)

    def body(self) -> Iterator[Flowable]:
        report = self.report
        yield from self.since()
        yield self.parts.tiles(
            [
                (report.income.name, self.money(-report.income.combined), ""),
                (report.expense.name, self.money(report.expense.combined), ""),
                (_("Surplus") if report.combined <= 0 else _("Loss"), self.money(abs(report.combined)), ""),
            ]
        )
        for section, sign in ((report.income, -1), (report.expense, 1)):
            yield from self.heading(section.name)
            yield section_table(self, section, sign)


def section_table(paper: Document[BalanceSheet] | Document[Income], section: Section, sign: int) -> Flowable:
    """Rows of a section and their sum, each positive where its kind normally stands."""
    columns = [Column(_("Account"), "text"), Column(paper.currency)]
    rows = [Row((_name(row), paper.money(sign * row.combined))) for row in section.rows if row.combined]
    rows.append(Row((_("Together"), paper.money(sign * section.combined)), strong=True))
    return paper.activity(columns, rows, carries=False)
