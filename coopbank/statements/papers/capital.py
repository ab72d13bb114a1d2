"""A worker's internal capital accounts over a year, in the paper of their own co-op."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reportlab.platypus import Flowable

from coopbank.reports.capital import CapitalStatement
from coopbank.reports.dates import long_date, short_date
from coopbank.statements.document import Document
from coopbank.statements.tables import Column, Row
from coopbank.words import _


class CapitalPaper(Document[CapitalStatement]):
    """What a worker has left in the co-op, by the year in which it was earned."""

    disputable = True

    def title(self) -> str:
        return _("Internal capital account")

    def subtitle(self) -> str:
        return str(self.report.year)

    def about(self) -> str:
        return self.report.worker.member

    def addressee(self) -> Sequence[str]:
        return (self.report.worker.name, self.report.address)

    def facts(self) -> Sequence[tuple[str, str]]:
        return ((_("Member number"), self.report.worker.member), (_("All amounts in"), self.currency))

    def body(self) -> Iterator[Flowable]:
        worker = self.report.worker
        if self.report.still_coming:
            yield self.parts.notice(_("Not yet complete"), self.report.still_coming)
        yield self.parts.tiles(
            [
                (_("Your capital"), self.money(worker.closing), str(self.report.year)),
                (_("A year before"), self.money(worker.opening), ""),
                (_("Collective part"), self.money(self.report.collective), _("of all, and nobody's")),
            ]
        )
        yield from self.heading(_("What the year did"))
        columns = [Column(_("Vintage"), "short"), Column(_("Opening")), Column(_("Retained")), Column(_("Interest"))]
        columns += [Column(_("Losses")), Column(_("Paid out")), Column(_("Closing"))]
        rows = [
            Row((each.vintage, *(self.money(minor) for minor in each.amounts)))
            for each in worker.vintages
        ]  # fmt: skip
        rows.append(Row((_("Together"), *map(self.money, self.report.together)), strong=True))
        yield self.figures(columns, rows)
        if worker.due:
            yield from self.heading(_("What is owed to you"))
            columns = [Column(_("Payable from"), "short"), Column(_("Number"), "text"), Column(_("Amount"))]
            yield self.figures(
                columns, [Row((short_date(d.payable_on), d.redemption, self.money(d.amount))) for d in worker.due]
            )
        yield from self.heading(_("Good to know"))
        yield self.paragraph(
            _(
                "Your capital is paid back by vintage, the oldest first, to everybody at once; to who leaves, by the"
                " payments that the members decide. It bears losses in proportion, and never becomes less than nothing."
            )
        )
        yield self.parts.small(_("As of {date}.").format(date=long_date(self.report.end)))
