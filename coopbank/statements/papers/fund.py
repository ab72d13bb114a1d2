"""A fund's report on paper: where its money came from and is, its ratios with both parts, and the months to come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reportlab.lib.units import mm
from reportlab.platypus import Flowable

from coopbank.reports.dates import long_date, short_date
from coopbank.reports.fund_report import FundReport
from coopbank.statements.charts import BarChart, Series
from coopbank.statements.document import Document
from coopbank.statements.papers.books import changed_since
from coopbank.statements.tables import Column, Row
from coopbank.words import _, translate


class FundReportPaper(Document[FundReport]):
    """A fund at one look, and what it will have to lend."""

    def title(self) -> str:
        return _("Fund report")

    def subtitle(self) -> str:
        return _("As of {date}").format(date=long_date(self.report.as_of))

    def about(self) -> str:
        return self.report.glance.code

    def facts(self) -> Sequence[tuple[str, str]]:
        glance = self.report.glance
        return ((_("Fund"), translate(glance.name)), (_("All amounts in"), self.currency))

    def body(self) -> Iterator[Flowable]:
        glance = self.report.glance
        yield from changed_since(self.parts, self.report.changed_since)
        yield self.parts.tiles(
            [
                (_("Capital base"), self.money(glance.capital), short_date(self.report.as_of)),
                (_("Lent"), self.money(glance.lent), _("{count} loans").format(count=glance.loans)),
                (_("Can be lent"), self.money(glance.available), _("cash less what is promised")),
            ]
        )
        yield from self._sources()
        yield from self._measures()
        yield from self._ahead()

    def _sources(self) -> Iterator[Flowable]:
        glance = self.report.glance
        yield from self.heading(_("Where the money came from, and where it is"))
        rows = [Row((part.name, self.money(part.amount))) for part in glance.sources]
        rows.append(Row((_("Capital base"), self.money(glance.capital)), strong=True))
        rows += [Row((_("Lent"), self.money(glance.lent))), Row((_("Cash"), self.money(glance.cash))),
                 Row((_("Of this cash promised to borrowers"), self.money(glance.committed))),
                 Row((_("Allowance for losses"), self.money(glance.allowance))),
                 Row((_("Ever lent"), self.money(glance.lent_ever))),
                 Row((_("Lost on loans, ever"), self.money(glance.ever.charged_off + glance.ever.written_down))),
                 Row((_("Recovered, ever"), self.money(glance.ever.recovered)))]  # fmt: skip
        yield self.figures([Column(_("What it is"), "text"), Column(_("Amount"))], rows)

    def _measures(self) -> Iterator[Flowable]:
        yield from self.heading(_("Ratios"), keep=120 * mm)
        columns = [Column(_("Ratio"), "text"), Column(_("Part")), Column(_("Of")), Column(_("Value"))]
        rows = [
            Row((each.name, self.money(each.numerator), self.money(each.denominator), each.text))
            for each in self.report.glance.measures
        ]
        yield self.figures(columns, rows)
        since = _("Yearly figures are those from {start} on. A ratio with nothing to compare with has no value.")
        yield self.parts.small(since.format(start=long_date(self.report.year_from)))

    def _ahead(self) -> Iterator[Flowable]:
        ahead = self.report.ahead
        yield from self.heading(_("Cash in the months to come"), keep=80 * mm)
        alternate = _(
            "Bars for each month: at the end of {month} {cautious} is expected cautiously, {hopeful} hopefully."
        )
        last = ahead.months[-1]
        yield BarChart(
            self.parts, [f"{month.first:%m}" for month in ahead.months],
            [Series(_("Cautious"), tuple(month.cautious_end for month in ahead.months)),
             Series(_("Hopeful"), tuple(month.hopeful_end for month in ahead.months))],
            self.currency,
            alternate.format(month=f"{last.first:%Y-%m}", cautious=self.money(last.cautious_end),
                             hopeful=self.money(last.hopeful_end)),
        )  # fmt: skip
        yield self.paragraph(
            _(
                "Cautious is what is agreed: payments by schedule, promises paid out tomorrow, notes on their day, the"
                " budget's expenses. Hopeful adds late payments, loans repaid out of surplus or revenue as by their"
                " last report, and the budget's income. A loan repaid out of surplus owes nothing before there is one."
            )
        )
        columns = [Column(_("Month"), "short"), Column(_("In")), Column(_("Out")), Column(_("Cautious")),
                   Column(_("Hopeful"))]  # fmt: skip
        rows = []
        for month in ahead.months:
            amounts = (month.comes, -month.goes, month.cautious_end, month.hopeful_end)
            rows.append(Row((f"{month.first:%Y-%m}", *map(self.money, amounts))))
        yield self.figures(columns, rows)
        for note in ahead.notes:
            yield self.parts.small(note)
