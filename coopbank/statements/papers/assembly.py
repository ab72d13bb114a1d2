"""The annual report to the members' assembly: plain words and charts, every figure from the books."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from reportlab.lib.units import mm
from reportlab.platypus import Flowable

from coopbank.reports.annual import AnnualReport, LentKind
from coopbank.reports.dates import long_date, short_date
from coopbank.reports.loan_words import absorber_words
from coopbank.reports.place import share_words
from coopbank.reports.register_book import RegisterSummary, grouped
from coopbank.reports.surplus import SurplusStep
from coopbank.statements.charts import BarChart, Series
from coopbank.statements.document import Document
from coopbank.statements.tables import Column, Row
from coopbank.words import _, translate


def _percent(hundredths: int) -> str:
    return _("{percent} %").format(percent=f"{Decimal(hundredths) / 100:.2f}")


def _began(words: str) -> str:
    """As a row of a table begins."""
    return words[:1].upper() + words[1:]


def _matter(matter: str) -> str:
    """What a resolution is about, as a heading of figures."""
    return {
        "loan": _("Loans"), "allocation": _("Money allotted"), "policy": _("Rules"), "election": _("Elections"),
        "surplus": _("Surplus"), "transfer": _("Transfers between funds"),
    }.get(matter, _("Other matters"))  # fmt: skip


def _step(step: SurplusStep) -> str:
    """A step of the division, as members say it."""
    if step.to == "patronage":
        bases = {"interest": _("Patronage, by interest paid"), "savings": _("Patronage, by average savings"),
                 "hours": _("Patronage, by hours worked")}  # fmt: skip
        return bases[step.what]
    names = {"regular": _("Regular reserve"), "indivisible": _("Indivisible reserve"), "fund": _("Fund"),
             "dividend": _("Dividend on shares")}  # fmt: skip
    return f"{names[step.to]} {step.what}".strip()


def _told(summary: RegisterSummary) -> str:
    counts = [f"{_(count.value)} {count.entries}" for count in summary.counts if count.value]
    return ", ".join([*counts, *(f"{total.title}: {grouped(total.total)}" for total in summary.totals)])


class AssemblyReport(Document[AnnualReport]):
    """The year, for those who own the bank."""

    def title(self) -> str:
        return _("Report to the members' assembly")

    def subtitle(self) -> str:
        report = self.report
        if report.complete:
            return str(report.year)
        return _("{year}, up to {date}").format(year=report.year, date=long_date(report.end))

    def facts(self) -> Sequence[tuple[str, str]]:
        return ((_("All amounts in"), self.currency),)

    def body(self) -> Iterator[Flowable]:
        report = self.report
        yield self.parts.tiles(
            [
                (_("Lent"), self.money(report.lent), _("{count} loans").format(count=report.loans_made)),
                (_("Came back"), self.money(report.came_back), _("to be lent again")),
                (_("Out in loans"), self.money(report.outstanding), short_date(report.end)),
            ]
        )
        yield from self._members()
        yield from self._lent()
        yield from self._went_round()
        yield from self._cost()
        yield from self._result()
        yield from self._division()
        yield from self._funds()
        yield from self._decided()
        yield from self._around()
        yield from self._next()

    def _members(self) -> Iterator[Flowable]:
        report = self.report
        yield from self.heading(_("Who we are"))
        text = _(
            "We began the year with {before} members; {joined} joined and {left} left. At its end we were {now}, of"
            " which {organisations} are co-operatives and other organisations. Each has one vote."
        )
        yield self.paragraph(
            text.format(
                before=report.members_before, joined=report.members_joined, left=report.members_left,
                now=report.members, organisations=report.organisations,
            )
        )  # fmt: skip
        text = _("Members hold {shares} in shares and keep {savings} with us.")
        yield self.paragraph(text.format(shares=self.money(report.shares), savings=self.money(report.savings)))

    def _lent(self) -> Iterator[Flowable]:
        yield from self.heading(_("What was lent, and to whom"))
        if not self.report.loans_made:
            yield self.paragraph(_("No new loan was paid out in this year."))
            return
        yield self._kinds(_("To whom"), self.report.by_borrower)
        yield self.gap()
        yield self._kinds(_("Kind of loan"), self.report.by_product)

    def _kinds(self, name: str, kinds: Sequence[LentKind]) -> Flowable:
        columns = [Column(name, "text"), Column(_("Loans")), Column(_("Paid out"))]
        return self.figures(columns, [Row((k.name, str(k.loans), self.money(k.amount))) for k in kinds])

    def _went_round(self) -> Iterator[Flowable]:
        report = self.report
        if not report.months:
            return
        yield from self.heading(_("How the money went round"), keep=80 * mm)
        text = _(
            "Bars for each month: lent {lent} and came back {back} in the whole year. The months are in the table."
        )
        alternate = text.format(lent=self.money(report.lent), back=self.money(report.came_back))
        series = [
            Series(_("Lent"), tuple(month.out for month in report.months)),
            Series(_("Came back"), tuple(month.back for month in report.months)),
        ]
        places = [f"{month.first:%m}" for month in report.months]
        yield BarChart(self.parts, places, series, self.currency, alternate)
        yield self.gap()
        lost = [Column(_("Loss"))] if any(month.lost for month in report.months) else []
        columns = [Column(_("Month"), "short"), Column(_("Lent")), Column(_("Came back")), *lost,
                   Column(_("Out at its end"))]  # fmt: skip
        rows = [
            Row((f"{month.first:%Y-%m}", *map(self.money, (month.out, month.back, *[month.lost] * len(lost),
                                                          month.outstanding))))
            for month in report.months
        ]  # fmt: skip
        yield self.figures(columns, rows)

    def _cost(self) -> Iterator[Flowable]:
        report = self.report
        yield from self.heading(_("What it cost the borrowers"))
        text = _("Borrowers' interest and cost came to {interest}: {percent} a year of what was out on average.")
        yield self.paragraph(text.format(interest=self.money(report.interest), percent=_percent(report.cost_bp)))
        yield from self.heading(_("What went wrong"), keep=30 * mm)
        text = _(
            "{late} of what is out belongs to loans more than 30 days late ({percent}). {deferred} is deferred by its"
            " terms and not late; {modified} belongs to loans whose terms were eased."
        )
        yield self.paragraph(
            text.format(
                late=self.money(report.at_risk_30), percent=_percent(report.par30_bp),
                deferred=self.money(report.deferred), modified=self.money(report.modified),
            )
        )  # fmt: skip
        text = _("{off} was written off in the year, {recovered} came back of what had been; {allowance} is set aside.")
        yield self.paragraph(
            text.format(
                off=self.money(report.charged_off), recovered=self.money(report.recovered),
                allowance=self.money(report.allowance),
            )
        )  # fmt: skip
        if report.borne:
            columns = [Column(_("Who bore the losses"), "text"), Column(_("Bore")),
                       Column(_("Still bore at the end"))]  # fmt: skip
            yield self.figures(
                columns,
                [Row((_began(absorber_words(each.absorber)), self.money(each.bore), self.money(each.bears)))
                 for each in report.borne],
            )  # fmt: skip
            yield self.gap()

    def _result(self) -> Iterator[Flowable]:
        report = self.report
        yield from self.heading(_("What came in and what we spent"))
        columns = [Column(_("What"), "text"), Column(str(report.year))]
        before = report.income_before
        if before is not None:
            columns.append(Column(str(report.year - 1)))
        known = {} if before is None else {
            row.code: row.combined for row in (*before.income.rows, *before.expense.rows)
        }  # fmt: skip
        rows = []
        for section, sign in ((report.income.income, -1), (report.income.expense, 1)):
            for row in section.rows:
                cells = [translate(row.name), self.money(sign * row.combined)]
                cells += [self.money(sign * known.get(row.code, 0))] if before is not None else []
                rows.append(Row(tuple(cells)))
            cells = [section.name, self.money(sign * section.combined)]
            if before is not None:
                past = before.income if sign < 0 else before.expense
                cells.append(self.money(sign * past.combined))
            rows.append(Row(tuple(cells), strong=True))
        cells = [_("Surplus"), self.money(report.surplus)]
        cells += [self.money(report.surplus_before)] if before is not None else []
        rows.append(Row(tuple(cells), strong=True))
        yield self.activity(columns, rows, carries=False)

    def _division(self) -> Iterator[Flowable]:
        """How the year's surplus is divided, step by step."""
        told = self.report.division
        if told is None:
            return
        proposed = _("How the surplus is to be divided, as proposed")
        yield from self.heading(proposed if told.state == "proposed" else _("How the surplus was divided"))
        columns = [Column(_("Step"), "text"), Column(_("Percent")), Column(_("Amount")), Column(_("Left"))]
        rows = [Row((_("Result of the co-operative itself"), "", "", self.money(told.result)))]
        rows += [Row((_step(step), step.rate, self.money(step.amount), self.money(step.left))) for step in told.steps]
        rows.append(Row((_("Stays in undivided earnings"), "", "", self.money(told.left)), strong=True))
        yield self.figures(columns, rows)
        yield self.gap()
        text = _("Patronage of {count} members: {cash} in money, {retained} retained.")
        yield self.paragraph(
            text.format(count=told.members, cash=self.money(told.cash), retained=self.money(told.retained))
        )

    def _decided(self) -> Iterator[Flowable]:
        """What the members decided: in figures by matter, and what the assembly carried in its words."""
        told = self.report.decisions
        if not told.meetings:
            return
        yield from self.heading(_("What we decided"))
        for each in told.elected:
            text = _("{committee}: by secret ballot on {day}. Seats filled: {seats}. Ballots: {ballots}.")
            yield self.paragraph(
                text.format(committee=each.committee, seats=each.seats, day=short_date(each.on), ballots=each.ballots)
            )
        if told.kinds:
            yield self.paragraph(_("Meetings that decided something: {count}.").format(count=told.meetings))
            columns = [Column(_("Matter"), "text"), Column(_("Carried")), Column(_("Not carried"))]
            yield self.figures(
                columns, [Row((_matter(each.matter), str(each.carried), str(each.not_carried))) for each in told.kinds]
            )
            yield self.gap()
        if told.resolved:
            columns = [Column(_("Day"), "short"), Column(_("What the assembly resolved"), "text"),
                       Column(_("At most")), Column(_("For, against, abstained"))]  # fmt: skip
            rows = [
                Row((short_date(each.on), each.text, "" if each.amount is None else self.money(each.amount),
                     f"{each.in_favour}, {each.against}, {each.abstained}"))
                for each in told.resolved
            ]  # fmt: skip
            yield self.figures(columns, rows)

    def _funds(self) -> Iterator[Flowable]:
        yield from self.heading(_("The funds"))
        columns = [Column(_("Fund"), "text"), Column(_("Cash")), Column(_("Lent")), Column(_("Owed to lenders")),
                   Column(_("Its own"))]  # fmt: skip
        rows = [
            Row((translate(each.name), *map(self.money, (each.claim + each.own_cash, each.lent, each.owed_to_lenders,
                                                         each.balance))))
            for each in self.report.funds
        ]  # fmt: skip
        yield self.figures(columns, rows)

    def _around(self) -> Iterator[Flowable]:
        """What was done around the bank, as its registers tell it; nobody who was helped is named."""
        report = self.report
        if not (report.aid or report.registers or report.share):
            return
        yield from self.heading(_("Around the bank"))
        if report.jobs_created or report.jobs_retained:
            yield self.paragraph(
                _("Businesses that we lend to have created {created} jobs and kept {retained}.").format(
                    created=report.jobs_created, retained=report.jobs_retained
                )
            )
        if report.share is not None:
            for line in share_words(report.share, self.money):
                yield self.paragraph(line)
        if report.aid:
            columns = [Column(_("Solidarity fund"), "text"), Column(_("Cases")), Column(_("Given"))]
            rows = [Row((_(row.aid_kind), str(row.cases), self.money(row.amount))) for row in report.aid]
            yield self.figures(columns, rows)
            yield self.gap()
        if report.registers:
            columns = [Column(_("Register"), "text"), Column(_("Entries")), Column(_("Come to"), "text")]
            yield self.figures(
                columns, [Row((each.title, str(each.entries), _told(each))) for each in report.registers]
            )

    def _next(self) -> Iterator[Flowable]:
        report = self.report
        yield from self.heading(_("What is next"))
        yield from self.parts.bullets(
            [
                _("{amount} of principal falls due by schedule in the next twelve months.").format(
                    amount=self.money(report.due_next_year)),
                _("{amount} is promised to borrowers and not paid out yet.").format(
                    amount=self.money(report.promised)),
                _("{amount} of lenders' notes falls due in the next twelve months.").format(
                    amount=self.money(report.notes_due)),
                _("{amount} in cash is free to be lent or spent as each fund allows.").format(
                    amount=self.money(report.free)),
            ]
        )  # fmt: skip
