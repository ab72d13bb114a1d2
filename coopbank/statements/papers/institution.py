"""Papers to members as owners, to donors, to lenders and for auditors.

Year-end summary, gift letter, note statement, share statement and certificate, patronage notice, confirmation letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reportlab.lib.units import mm
from reportlab.platypus import Flowable

from coopbank.bank.operation import CHARITY
from coopbank.reports.dates import long_date, period, short_date
from coopbank.reports.papers import (
    Confirmation,
    GiftReport,
    NoteStatement,
    PaperLine,
    ShareStatement,
    TaxYear,
)
from coopbank.reports.patronage import PatronageNotice
from coopbank.statements.document import Document
from coopbank.statements.tables import Column, Row
from coopbank.words import _, translate


def _movements(
    paper: Document[NoteStatement] | Document[ShareStatement], lines: Sequence[PaperLine], heads: tuple[str, str, str],
    edges: tuple[Row, Row],
) -> Flowable:  # fmt: skip
    columns = [Column(_("Date"), "short"), Column(_("What happened"), "text"), Column(_("Receipt"))]
    columns += [Column(head) for head in heads]
    rows = [
        Row(
            (
                short_date(line.on), line.words, str(line.receipt), paper.money_or_blank(line.up),
                paper.money_or_blank(line.down), paper.money(line.balance),
            )
        )
        for line in lines
    ]  # fmt: skip
    return paper.activity(columns, [edges[0], *rows, edges[1]])


class NotePaper(Document[NoteStatement]):
    """A lender's note in a period, and what it did."""

    disputable = True

    def title(self) -> str:
        return _("Statement of your note")

    def subtitle(self) -> str:
        return period(self.report.start, self.report.end)

    def about(self) -> str:
        return self.report.note

    def addressee(self) -> Sequence[str]:
        return (self.report.lender,)

    def facts(self) -> Sequence[tuple[str, str]]:
        report = self.report
        return (
            (_("Note"), report.note), (_("Class"), report.note_class),
            (_("Interest"), _("{rate} % a year, simple").format(rate=report.annual_rate)),
            (_("Lent on"), long_date(report.issued_on)), (_("Due on"), long_date(report.due_on)),
            (_("Continues note"), report.renews or ""), (_("Continued by note"), report.renewed_by or ""),
        )  # fmt: skip

    def body(self) -> Iterator[Flowable]:
        report = self.report
        yield self.parts.tiles(
            [
                (_("We owe you"), self.money(report.closing), short_date(report.end)),
                (_("Interest that ran"), self.money(report.interest_ran), _("in this period")),
                (_("Interest paid to you"), self.money(report.interest_paid), _("this year {amount}").format(
                    amount=self.money(report.interest_paid_year))),
            ]
        )  # fmt: skip
        yield from self.heading(_("Summary"))
        columns = [Column(_("Part"), "text"), Column(_("Opening")), Column(_("Added")), Column(_("Paid to you")),
                   Column(_("Closing"))]  # fmt: skip
        principal = (report.opening_principal, report.principal_added, report.principal_repaid)
        interest = (report.opening_interest, report.interest_ran, report.interest_paid)
        rows = [
            Row((_("Principal"), *map(self.money, (*principal, report.closing_principal)))),
            Row((_("Interest"), *map(self.money, (*interest, report.closing_interest)))),
        ]
        yield self.figures(columns, rows)
        if report.closing_principal:
            said = _(
                "Interest is added at the end of each month, and when it is paid: what ran since is still to come."
            )
            yield self.paragraph(said)
        if report.lines:
            yield from self.heading(_("What happened"))
            edges = (
                Row(
                    (short_date(report.start), _("Opening balance"), "", "", "", self.money(report.opening)),
                    strong=True,
                ),
                Row((short_date(report.end), _("Closing balance"), "", "", "", self.money(report.closing)), True),
            )
            yield _movements(self, report.lines, (_("Added"), _("Paid to you"), _("We owe you")), edges)
        yield from self._fund()

    def _fund(self) -> Iterator[Flowable]:
        fund = self.report.fund
        yield from self.heading(_("What your money does"), keep=40 * mm)
        text = _(
            "Your note is lent on by the fund “{fund}”. On {date} it had {lent} out in loans and {claim} in cash, of"
            " which {committed} is promised to borrowers; all lenders together are owed {owed}."
        )
        yield self.paragraph(
            text.format(
                fund=translate(fund.name), date=long_date(self.report.end), lent=self.money(fund.lent),
                claim=self.money(fund.claim + fund.own_cash), committed=self.money(fund.committed),
                owed=self.money(fund.owed_to_lenders),
            )
        )  # fmt: skip


class GiftLetter(Document[GiftReport]):
    """Thanks for a gift, and what became of it."""

    def title(self) -> str:
        return _("Your gift, and what it does")

    def subtitle(self) -> str:
        return _("Received on {date}").format(date=long_date(self.report.received_on))

    def about(self) -> str:
        return self.report.gift

    def addressee(self) -> Sequence[str]:
        return (self.report.donor,)

    def facts(self) -> Sequence[tuple[str, str]]:
        report = self.report
        return (
            (_("Gift"), report.gift), (_("Fund"), translate(report.fund_name)), (_("For"), report.purpose),
            (_("All amounts in"), self.currency),
        )  # fmt: skip

    def body(self) -> Iterator[Flowable]:
        report = self.report
        tiles = [(_("Your gift"), self.money(report.amount), "")]
        if report.restricted:
            tiles += [(_("Spent as you asked"), self.money(report.spent), ""), (_("Left"), self.money(report.left), "")]
        yield self.parts.tiles(tiles)
        yield from self.heading(_("Acknowledgement"), keep=24 * mm)
        text = _("{institution} received {amount} from you on {date}.")
        yield self.paragraph(
            text.format(
                institution=self.sheet.brand.name, amount=f"{self.money(report.amount)} {self.currency}",
                date=long_date(report.received_on),
            )
        )  # fmt: skip
        yield self.paragraph(_("Our books show no goods or services given to you in return."))
        if self.sheet.brand.kind == CHARITY and report.acknowledged:
            yield self.parts.small(_("Keep this letter with your tax papers; ask your adviser what it is good for."))
        yield from self._use()

    def _use(self) -> Iterator[Flowable]:
        report, fund = self.report, self.report.position
        yield from self.heading(_("What it does"))
        if report.restricted and report.lines:
            columns = [Column(_("Date"), "short"), Column(_("Spent on"), "text"), Column(_("Receipt")),
                       Column(_("Spent")), Column(_("Left"))]  # fmt: skip
            first = Row((short_date(report.received_on), _("Received"), "", "", self.money(report.amount)), strong=True)
            rows = [
                Row(
                    (
                        short_date(line.on),
                        line.words,
                        str(line.receipt),
                        self.money(line.down - line.up),
                        self.money(line.balance),
                    )
                )
                for line in report.lines
            ]
            yield self.activity(columns, [first, *rows])
        elif report.restricted:
            yield self.paragraph(_("Nothing of it is spent yet; it waits for what you gave it for."))
        if report.lends:
            text = _(
                "Your gift is part of the fund “{fund}”, which lends it, gets it back and lends it again. The fund has"
                " {lent} out in {loans} loans now."
            )
            yield self.paragraph(
                text.format(fund=translate(report.fund_name), lent=self.money(fund.lent), loans=report.loans)
            )


class TaxSummary(Document[TaxYear]):
    """Interest of a calendar year."""

    disputable = True

    def title(self) -> str:
        return _("Year-end summary")

    def subtitle(self) -> str:
        return str(self.report.year)

    def about(self) -> str:
        return self.report.member

    def addressee(self) -> Sequence[str]:
        return (self.report.name, self.report.address)

    def facts(self) -> Sequence[tuple[str, str]]:
        return (
            (_("Member number"), self.report.member), (_("Taxpayer number"), self.report.tax_id or _("not known")),
            (_("All amounts in"), self.currency),
        )  # fmt: skip

    def body(self) -> Iterator[Flowable]:
        report = self.report
        if not report.complete:
            yield self.parts.notice(_("Not yet complete"), [_("The year is not over in the books.")])
        yield from self.heading(_("What you received"))
        columns = [Column(_("What"), "text"), Column(str(report.year))]
        rows = [
            Row((_("Interest on savings"), self.money(report.savings_interest))),
            Row((_("Interest paid to you on notes"), self.money(report.notes_interest))),
            Row((_("Patronage"), self.money(report.patronage))),
            Row((_("Withheld from your interest for taxes"), self.money(report.withheld))),
        ]
        yield self.figures(columns, rows)
        yield from self.heading(_("What you paid"))
        yield self.figures(columns, [Row((_("Interest and cost of loans"), self.money(report.loan_interest)))])
        yield self.gap(2 * mm)
        if report.reported_from:
            text = (
                _("Interest of {least} or more in a year is to be told to the tax office; yours is.")
                if report.reportable
                else _("Interest of {least} or more in a year is to be told to the tax office; yours is below it.")
            )
            yield self.paragraph(text.format(least=self.money(report.reported_from)))
        yield self.parts.small(_("This summary is no tax form and no tax advice."))


class SharePaper(Document[ShareStatement]):
    """A member's shares in a year."""

    disputable = True

    def title(self) -> str:
        return _("Annual share statement")

    def subtitle(self) -> str:
        return _("{year}, up to {date}").format(year=self.report.year, date=long_date(self.report.end))

    def about(self) -> str:
        return self.report.member

    def addressee(self) -> Sequence[str]:
        return (self.report.name, self.report.address)

    def facts(self) -> Sequence[tuple[str, str]]:
        return (
            (_("Member number"), self.report.member),
            (_("Member since"), long_date(self.report.joined_on)), (_("All amounts in"), self.currency),
        )  # fmt: skip

    def body(self) -> Iterator[Flowable]:
        report = self.report
        vote = _("one member, one vote") if report.one_vote else _("with the first full membership share")
        yield self.parts.tiles(
            [
                (_("Your shares"), self.money(report.total), short_date(report.end)),
                (_("Your votes"), "1" if report.one_vote else "0", vote),
            ]
        )
        if not report.classes:
            yield self.paragraph(_("You have no shares with us."))
        for each in report.classes:
            yield from self.heading(translate(each.name))
            one = _("1 share of {par}; at the beginning of the year {before}.")
            several = _("{held} shares of {par} each; at the beginning of the year {before}.")
            text = (one if each.held == 1 else several).format(
                held=each.held, par=self.money(each.par), before=each.held_before
            )
            yield self.parts.quiet(text)
            if each.lines:
                edges = (
                    Row(("", _("Opening balance"), "", "", "", self.money(each.opening)), strong=True),
                    Row((short_date(report.end), _("Closing balance"), "", "", "", self.money(each.closing)), True),
                )
                yield _movements(self, each.lines, (_("In"), _("Out"), _("Balance")), edges)
            else:
                yield self.paragraph(_("Nothing moved in this year."))
            if each.subscribed:
                text = _("{paid} is paid towards the next share; {missing} is still to come.")
                yield self.paragraph(text.format(paid=self.money(each.subscribed), missing=self.money(each.missing)))
        yield from self.heading(_("Good to know"), keep=24 * mm)
        yield self.paragraph(
            _(
                "Shares are the members' own stake: they are paid back when the bylaws allow it, and they bear losses"
                " before anybody who lent us money."
            )
        )


class Certificate(Document[ShareStatement]):
    """A certificate of the shares that a member holds, with the legend about passing them on."""

    def title(self) -> str:
        return _("Share certificate")

    def subtitle(self) -> str:
        return self.sheet.brand.name

    def about(self) -> str:
        return self.report.member

    def body(self) -> Iterator[Flowable]:
        report = self.report
        yield self.gap(8 * mm)
        yield self.paragraph(_("This certifies that"))
        yield self.parts.paragraph(report.name, role="figure", bold=True, after=3 * mm)
        text = _("member {member} since {date}, holds in {institution}:")
        yield self.paragraph(
            text.format(member=report.member, date=long_date(report.joined_on), institution=self.sheet.brand.name)
        )
        columns = [Column(_("Class"), "text"), Column(_("Shares")), Column(_("Each of")), Column(_("Together"))]
        rows = [
            Row((translate(each.name), str(each.held), self.money(each.par), self.money(each.closing)))
            for each in report.classes
            if each.held
        ]
        rows.append(Row((_("All shares"), "", "", self.money(report.total)), strong=True))
        yield self.figures(columns, rows)
        yield self.gap(5 * mm)
        yield self.parts.notice(
            _("Passing shares on"),
            [
                _("These shares can be passed on to another member only, with the consent of {institution}, and count"
                  " from the day on which its books show it.").format(institution=self.sheet.brand.name),
                _("The books decide, not the paper: this certificate tells what they said on {date}.").format(
                    date=long_date(report.end)),
                _("Shares are no savings: they are not insured, and nobody promises that their value stays."),
            ],
        )  # fmt: skip
        officers = [_("For the board"), _("Secretary")]
        yield self.parts.signatures(officers, _("Date"))


class PatronagePaper(Document[PatronageNotice]):
    """A member's share of a year's surplus."""

    disputable = True

    def title(self) -> str:
        return _("Patronage notice")

    def subtitle(self) -> str:
        return _("Fiscal year {year}").format(year=self.report.year)

    def about(self) -> str:
        return self.report.member

    def addressee(self) -> Sequence[str]:
        return (self.report.name, self.report.address)

    def facts(self) -> Sequence[tuple[str, str]]:
        report = self.report
        return (
            (_("Member number"), report.member), (_("Taxpayer number"), report.tax_id),
            (_("Decided on"), long_date(report.resolved_on)), (_("Resolution"), report.resolution),
            (_("Paid on"), long_date(report.paid_on) if report.paid_on else ""),
        )  # fmt: skip

    def body(self) -> Iterator[Flowable]:
        report = self.report
        yield self.parts.tiles(
            [
                (_("Your patronage"), self.money(report.allocated), ""),
                (_("Paid in cash"), self.money(report.cash), ""),
                (_("Kept in your name"), self.money(report.retained), _("year {year}").format(year=report.vintage)),
            ]
        )
        yield from self.heading(_("How it was divided"))
        for part in report.parts:
            columns = [
                Column(translate(part.basis).capitalize(), "text"),
                Column(_("Measured")),
                Column(_("Patronage")),
            ]
            own = self.money(report.allocated) if len(report.parts) == 1 else ""
            rows = [
                Row((_("Yours"), self.money(part.quantity), own)),
                Row((_("All members"), self.money(part.quantity_all), self.money(part.divided)), strong=True),
            ]
            yield self.figures(columns, rows)
        yield from self.heading(_("What it means"))
        if report.qualified:
            text = _(
                "This is a qualified written notice of allocation: the whole {amount} is to be counted in your income"
                " of the year in which you receive this notice, the part kept in your name included."
            )
        else:
            text = _(
                "This is a nonqualified notice of allocation: only the cash part is to be counted in your income now;"
                " the part kept in your name counts when it is paid out."
            )
        yield self.paragraph(text.format(amount=self.money(report.allocated)))
        yield self.paragraph(translate(report.redemption))
        yield self.parts.small(_("This notice is no tax advice."))


class ConfirmationLetter(Document[Confirmation]):
    """Balances that a member is asked to confirm to the auditors."""

    def title(self) -> str:
        return _("Please confirm your balances")

    def subtitle(self) -> str:
        return _("As of {date}").format(date=long_date(self.report.as_of))

    def about(self) -> str:
        return self.report.member

    def addressee(self) -> Sequence[str]:
        return (self.report.name, self.report.address)

    def facts(self) -> Sequence[tuple[str, str]]:
        campaign = ((_("Campaign"), self.report.campaign),) if self.report.campaign else ()
        return ((_("Member number"), self.report.member), (_("All amounts in"), self.currency), *campaign)

    def _request(self) -> str:
        if self.report.negative:
            return _(
                "Our auditors ask every member they have drawn whether our books are right. Please compare these"
                " balances with your own papers. Only if they are not right, please tell the auditors directly, not us;"
                " if they do not hear from you, they take it that you agree."
            )
        return _(
            "Our auditors ask every member they have drawn whether our books are right. Please compare these"
            " balances with your own papers and answer them directly, not us."
        )

    def body(self) -> Iterator[Flowable]:
        report = self.report
        yield self.paragraph(self._request())
        columns = [Column(_("Account"), "text"), Column(_("Number"), "short"), Column(_("You have with us")),
                   Column(_("You owe us"))]  # fmt: skip
        rows = [
            Row((each.name, each.number, *(("", self.money(each.balance)) if each.owed else (self.money(each.balance),
                                                                                          ""))))
            for each in report.balances
        ]  # fmt: skip
        if rows:
            yield self.figures(columns, rows)
        else:
            yield self.paragraph(_("Our books show no account of yours on that day."))
        yield from self.heading(_("Your answer"), keep=60 * mm)
        to = report.reply_to or _("the auditors' address, which they give you")
        yield self.paragraph(_("Send it to: {address}").format(address=to))
        agrees = [] if report.negative else [_("The balances are right.")]
        yield from self.parts.bullets([*agrees, _("They are not right. I think that these are right:")])
        yield self.parts.signatures([report.name], _("Date"))
