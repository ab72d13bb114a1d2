"""A borrower's papers: loan statement, schedule, agreement, payoff letter, late notice, and a decline.

A loan that is repaid by a share of surplus or revenue shows its ceiling and an example instead of a rate; the box of
the Truth in Lending rules is for a person's loan on a schedule. Nothing here claims that a rule is complied with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final, TypeVar

from reportlab.lib.units import mm
from reportlab.platypus import Flowable

from coopbank.reports.dates import long_date, short_date
from coopbank.reports.loan import StoryRow
from coopbank.reports.loan_papers import (
    Agreement,
    Borrower,
    Example,
    LateNotice,
    LoanStatement,
    PayoffLetter,
    SchedulePaper,
)
from coopbank.reports.papers import Declined
from coopbank.statements.charts import BalanceChart
from coopbank.statements.document import Document
from coopbank.statements.tables import Column, Row
from coopbank.words import _, translate

R = TypeVar("R")

_DAY: Final = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b")


def days_in_words(sentence: str) -> str:
    """A sentence that explains a figure, with its days as all of the paper writes them.

    Changed where it is drawn, not in the report: that is hashed, and papers of earlier days bear its hash.
    """
    return _DAY.sub(lambda found: long_date(date.fromisoformat(found[0])), sentence)


class _LoanPaper(Document[R]):
    """Common to papers about a loan. Their reports have `borrower` and `story`."""

    report: Any

    @property
    def borrower(self) -> Borrower:
        """Who the paper goes to."""
        found: Borrower = self.report.borrower
        return found

    def about(self) -> str:
        return str(self.report.story.loan)

    def addressee(self) -> Sequence[str]:
        return (self.borrower.name, self.borrower.address)

    def facts(self) -> Sequence[tuple[str, str]]:
        story = self.report.story
        return (
            (_("Loan"), story.loan), (_("Member number"), story.member), (_("For"), story.purpose),
            (_("Kind"), translate(story.product_title)), (_("All amounts in"), self.currency),
        )  # fmt: skip

    def row_table(self, rows: Sequence[StoryRow], *, paid: bool) -> Flowable:
        """Rows of a schedule."""
        columns = [
            Column(_("No.")), Column(_("Due"), "short"), Column(_("Payment")), Column(_("Principal")),
            Column(_("Interest")), Column(_("Left to pay")),
        ]  # fmt: skip
        if paid:
            columns.insert(3, Column(_("Of it paid")))
        table = []
        for row in rows:
            cells = [
                str(row.n), short_date(row.due), self.money(row.payment), self.money(row.principal),
                self.money(row.interest), self.money(row.balance),
            ]  # fmt: skip
            if paid:
                cells.insert(3, self.money_or_blank(row.paid))
            table.append(Row(tuple(cells)))
        return self.activity(columns, table, carries=False)

    def example_table(self, examples: Sequence[Example], share: str, cap: str) -> Iterator[Flowable]:
        """What a period would ask for."""
        revenue = self.report.story.repayment == "revenue"
        yield from self.heading(_("An example"), keep=30 * mm)
        if revenue:
            text = _("Of your revenue you pay {share} %, and never more in all than was agreed.").format(share=share)
        else:
            text = _(
                "Of your surplus you pay {share} %, and all that the loan costs you is at most {cap} % of it."
                " No surplus, no payment."
            ).format(share=share, cap=cap)
        yield self.paragraph(text)
        columns = [
            Column(_("If you report a revenue of") if revenue else _("If you report a surplus of")),
            Column(_("you pay at most")), Column(_("and you keep")),
        ]  # fmt: skip
        rows = [Row((self.money(e.reported), self.money(e.due), self.money(e.kept))) for e in examples]
        yield self.figures(columns, rows)


class LoanPaperStatement(_LoanPaper[LoanStatement]):
    """A loan in a period."""

    disputable = True

    def title(self) -> str:
        return _("Loan statement")

    def subtitle(self) -> str:
        report = self.report
        days = _("1 day") if report.days == 1 else _("{days} days").format(days=report.days)
        return _("From {start} to {end}, {days}").format(
            start=long_date(report.start), end=long_date(report.end), days=days
        )

    def body(self) -> Iterator[Flowable]:
        account = self.report.account
        yield self._tiles()
        yield from self._due()
        yield from self._paid()
        if account.lines:
            yield from self.heading(_("What happened"))
            yield self._activity()
        yield from self._left()
        yield from self._chart()
        if self.report.coming:
            yield from self.heading(_("What comes next"))
            yield self.row_table(self.report.coming, paid=any(row.paid for row in self.report.coming))

    def _tiles(self) -> Flowable:
        account = self.report.account
        tiles = [(_("Due now"), self.money(account.due_now), self._due_note())]
        tiles.append((_("Left to pay"), self.money(account.closing), short_date(account.as_of)))
        tiles.append((_("You paid"), self.money(account.paid.total), _("in this period")))
        return self.parts.tiles(tiles)

    def _due_note(self) -> str:
        account = self.report.account
        if not account.due_now:
            return _("nothing is due")
        if account.due_since is not None and account.due_since > account.as_of:
            return _("by {date}").format(date=short_date(account.due_since))
        return _("since {date}").format(date=short_date(account.due_since or account.as_of))

    def _due(self) -> Iterator[Flowable]:
        report, account = self.report, self.report.account
        lines = [days_in_words(sentence) for sentence in report.why]
        if report.deferred:
            lines.append(_("Payment is deferred under your agreement: you are not late."))
        elif account.days_late:
            late = _("1 day late") if account.days_late == 1 else _("{days} days late").format(days=account.days_late)
            lines.append(_("{late}. What is due brings the loan up to date.").format(late=late.capitalize()))
        nothing_said = bool(report.why) and not account.due_now  # the first of these says that nothing is due, again
        lines += account.reports[nothing_said:]
        ahead = sum(min(row.paid, row.payment) for row in report.coming if row.due > report.end)
        if ahead and not account.due_now:
            text = _("You paid ahead: {amount} of the payments that come next is paid already.")
            lines.append(text.format(amount=self.money(ahead)))
        if account.next_due is not None and account.state == "active" and account.next_due != account.due_since:
            text = _("Next payment: {amount}, due on {date}.")
            lines.append(text.format(amount=self.money(account.next_amount), date=long_date(account.next_due)))
        fee = next((terms.late_fee for terms in reversed(report.story.terms) if terms.late_fee), "")
        lines.append(_("Late fee: {rule}.").format(rule=fee) if fee else _("There is no late fee."))
        lines.append(_("You may pay more or earlier at any time; that costs nothing."))
        yield self.parts.notice(_("What is due and why"), lines)

    def _paid(self) -> Iterator[Flowable]:
        account = self.report.account
        yield from self.heading(_("What you paid"))
        columns = [Column(_("How your payments were shared"), "text"), Column(_("This period")), Column(_("This year"))]
        names = (
            (_("Fees"), "fees"), (_("Cost") if account.repayment == "revenue" else _("Interest"), "interest"),
            (_("What you borrowed"), "principal"),
        )  # fmt: skip
        spans = (account.paid, account.paid_this_year)
        rows = [Row((name, *(self.money(getattr(span, part)) for span in spans))) for name, part in names]
        rows.append(Row((_("Together"), *(self.money(span.total) for span in spans)), strong=True))
        yield self.figures(columns, rows)

    def _activity(self) -> Flowable:
        account, report = self.report.account, self.report
        columns = [
            Column(_("Date"), "short"), Column(_("What happened"), "text"), Column(_("Receipt")), Column(_("Added")),
            Column(_("Paid")), Column(_("You owe")),
        ]  # fmt: skip
        rows = [Row((short_date(report.start), _("Owed at opening"), "", "", "", self.money(account.opening)), True)]
        rows += [
            Row(
                (
                    short_date(line.on), line.words, str(line.receipt), self.money_or_blank(line.added),
                    self.money_or_blank(line.paid), self.money(line.balance),
                )
            )
            for line in account.lines
        ]  # fmt: skip
        rows.append(Row((short_date(report.end), _("Owed at closing"), "", "", "", self.money(account.closing)), True))
        return self.activity(columns, rows)

    def _left(self) -> Iterator[Flowable]:
        account, report = self.report.account, self.report
        yield from self.heading(_("What is left"))
        columns = [Column(_("Part"), "text"), Column(_("Left to pay"))]
        interest = _("Cost") if account.repayment == "revenue" else _("Interest that ran and is not paid")
        rows = [Row((_("What you borrowed"), self.money(account.owed_principal)))]
        rows.append(Row((interest, self.money(account.owed_interest))))
        rows.append(Row((_("Fees"), self.money(account.owed_fees))))
        rows.append(Row((_("Together"), self.money(account.closing)), strong=True))
        yield self.figures(columns, rows)
        yield self.gap(2 * mm)
        if report.cost_cap is not None:
            text = _("What the loan has cost you so far: {paid}. By the reports so far it may cost at most {cap}.")
            yield self.paragraph(text.format(paid=self.money(report.cost_paid), cap=self.money(report.cost_cap)))
        else:
            text = _("What the loan has cost you so far, in interest and fees: {paid}.")
            yield self.paragraph(text.format(paid=self.money(report.cost_paid)))

    def _chart(self) -> Iterator[Flowable]:
        points = self.report.points
        if len(points) < 2:
            return
        yield from self.heading(_("How it went"), keep=70 * mm)
        text = _(
            "The line shows how the amount that is owed changed over time. It begins at {first} on {start} and comes to"
            " {last} on {end}."
        )
        alternate = text.format(
            first=self.money(points[0][1]), start=long_date(points[0][0]), last=self.money(points[-1][1]),
            end=long_date(points[-1][0]),
        )  # fmt: skip
        names = (short_date(points[0][0]), short_date(points[-1][0]))
        yield BalanceChart(self.parts, points, names, self.currency, alternate)


class Schedule(_LoanPaper[SchedulePaper]):
    """Every row of the schedule in force."""

    def title(self) -> str:
        return _("Repayment schedule")

    def subtitle(self) -> str:
        return _("In force on {date}").format(date=long_date(self.report.story.as_of))

    def body(self) -> Iterator[Flowable]:
        report, story = self.report, self.report.story
        if report.rows:
            yield self.parts.tiles(
                [
                    (_("Principal"), self.money(report.total_principal), ""),
                    (_("Interest"), self.money(report.total_interest), _("{rate} % a year").format(
                        rate=story.annual_rate)),
                    (_("All payments"), self.money(report.total_payment), _("{count} payments").format(
                        count=len(report.rows))),
                ]
            )  # fmt: skip
            yield from self.heading(_("Payments"))
            yield self.row_table(report.rows, paid=any(row.paid for row in report.rows))
            yield self.gap(2 * mm)
            text = _("Paying earlier than a row's day makes its interest less; the schedule is then drawn anew.")
            yield self.parts.small(text)
            return
        if report.examples:
            yield from self.example_table(report.examples, report.share_percent, report.cap_percent)
            yield from self._periods()
            return
        yield self.paragraph(_("This loan has no rows: what is due each time is the interest that ran."))
        following = next((row.due for row in story.rows if row.due >= story.as_of), None)
        if following is not None:
            days = _("It is due next on {next}, and for the last time on {last}.")
            yield self.paragraph(days.format(next=long_date(following), last=long_date(story.rows[-1].due)))

    def _periods(self) -> Iterator[Flowable]:
        if not self.report.periods:
            return
        revenue = self.report.story.repayment == "revenue"
        yield from self.heading(_("Periods so far"))
        columns = [
            Column(_("Period"), "text"), Column(_("Revenue") if revenue else _("Surplus")),
            Column(_("Asked for at most")), Column(_("Paid")),
        ]  # fmt: skip
        rows = [
            Row(
                (
                    period.name, self.money(period.revenue if revenue else period.surplus)
                    if period.report == "accepted" else _("not reported yet"),
                    self.money(period.ceiling), self.money(period.paid),
                )
            )
            for period in self.report.periods
        ]  # fmt: skip
        yield self.activity(columns, rows, carries=False)


class AgreementSummary(_LoanPaper[Agreement]):
    """What was agreed, to be signed."""

    def title(self) -> str:
        return _("Loan agreement: summary")

    def subtitle(self) -> str:
        return _("Granted on {date}").format(date=long_date(self.report.story.granted_on))

    def body(self) -> Iterator[Flowable]:
        story = self.report.story
        lends = _("You may borrow up to") if story.repayment == "line" else _("You borrow")
        tiles = [(lends, self.money(story.principal), "")]
        if self.report.examples:
            tiles.append((_("You pay"), _("{share} %").format(share=self.report.share_percent), self._of_what()))
        else:
            tiles.append((_("Interest"), _("{rate} %").format(rate=story.annual_rate), _("a year, simple")))
        tiles.append((_("Last payment"), short_date(story.last_due), ""))
        yield self.parts.tiles(tiles)
        yield from self.heading(_("What we promise each other"))
        yield from self.parts.bullets(self.report.promises)
        if self.report.box is not None:
            yield from self._box()
        if self.report.examples:
            yield from self.example_table(self.report.examples, self.report.share_percent, self.report.cap_percent)
        yield from self._security()
        yield from self.heading(_("Signatures"), keep=72 * mm)
        yield self.paragraph(_("This is a summary; the agreement itself holds where the two differ."))
        who = [self.borrower.name, _("For {institution}").format(institution=self.sheet.brand.name)]
        yield self.parts.signatures(who, _("Date"))

    def _of_what(self) -> str:
        return _("of your revenue") if self.report.story.repayment == "revenue" else _("of your surplus")

    def _box(self) -> Iterator[Flowable]:
        box = self.report.box
        yield from self.heading(_("What the loan costs"), keep=50 * mm)
        yield self.parts.tiles(
            [
                (_("Annual percentage rate"), _("{rate} %").format(rate=self.report.box_apr),
                 _("the cost of your credit as a yearly rate")),
                (_("Finance charge"), self.money(box.finance_charge), _("what the credit costs you")),
                (_("Amount financed"), self.money(box.amount_financed), _("what is provided to you")),
                (_("Total of payments"), self.money(box.total_of_payments), _("what you will have paid")),
            ]
        )  # fmt: skip
        yield self.gap(2 * mm)
        columns = [Column(_("Number of payments")), Column(_("Each of")), Column(_("First due"))]
        rows = [Row((str(run.count), self.money(run.amount), short_date(run.first_due))) for run in box.payments]
        yield self.figures(columns, rows)
        yield self.gap(2 * mm)
        text = _("Reckoned as if all were paid out on one day and every payment came on its day.")
        yield self.parts.small(text)
        changed = [terms.from_day for terms in self.report.story.terms[1:] if terms.taken_back_by is None]
        if changed:
            text = _("This is the cost as granted. The terms were changed since, the last time from {day}.")
            yield self.parts.small(text.format(day=long_date(changed[-1])))

    def _security(self) -> Iterator[Flowable]:
        held = [each for each in self.report.story.collateral if each.state == "pledged"]
        if not held:
            return
        yield from self.heading(_("Security"), keep=26 * mm)
        columns = [Column(_("What"), "text"), Column(_("Cost")), Column(_("Since"))]
        rows = [Row((each.asset, self.money(each.cost), short_date(each.pledged_on))) for each in held]
        yield self.figures(columns, rows)


class Payoff(_LoanPaper[PayoffLetter]):
    """What closes the loan."""

    def title(self) -> str:
        return _("Payoff letter")

    def subtitle(self) -> str:
        return _("For {date}").format(date=long_date(self.report.day))

    def body(self) -> Iterator[Flowable]:
        report = self.report
        yield self.parts.tiles(
            [
                (_("To pay the loan off"), self.money(report.total), long_date(report.day)),
                (_("Good through"), short_date(report.days[-1].day), _("at the amounts below")),
            ]
        )
        yield from self.heading(_("What it is made of"))
        columns = [Column(_("Part"), "text"), Column(_("Amount"))]
        interest = _("Cost") if report.story.repayment == "revenue" else _("Interest")
        rows = [
            Row((_("Principal"), self.money(report.principal))), Row((interest, self.money(report.interest))),
            Row((_("Fees"), self.money(report.fees))), Row((_("Together"), self.money(report.total)), strong=True),
        ]  # fmt: skip
        yield self.figures(columns, rows)
        yield self.gap(2 * mm)
        for sentence in report.why:
            yield self.parts.quiet(days_in_words(sentence), after=0.5 * mm)
        yield from self.heading(_("If you pay on another day"))
        columns = [Column(_("On"), "text"), Column(_("To pay the loan off"))]
        yield self.figures(columns, [Row((long_date(each.day), self.money(each.amount))) for each in report.days])
        yield self.gap(2 * mm)
        yield self.paragraph(
            _(
                "Pay at the counter or by transfer and name loan {loan}. A payment that comes before it, or a new one"
                " that is booked, changes these amounts. There is no charge for paying early."
            ).format(loan=report.story.loan)
        )
        if any(each.state == "pledged" for each in report.story.collateral):
            yield self.paragraph(_("What secures the loan is released when it is paid off."))


class LateLetter(_LoanPaper[LateNotice]):
    """What is late, and what can be done about it."""

    def title(self) -> str:
        return _("A payment has not come yet")

    def subtitle(self) -> str:
        return long_date(self.report.day)

    def body(self) -> Iterator[Flowable]:
        report = self.report
        late = _("1 day late") if report.days_late == 1 else _("{days} days late").format(days=report.days_late)
        yield self.parts.tiles([(_("To bring the loan up to date"), self.money(report.total), late)])
        yield from self.heading(_("What has not come"))
        columns = [Column(_("Due"), "text"), Column(_("Asked for")), Column(_("Of it paid"))]
        rows = [Row((long_date(due), self.money(asked), self.money(paid))) for due, asked, paid in report.unpaid]
        yield self.figures(columns, rows)
        yield self.gap(2 * mm)
        for sentence in report.why:
            yield self.parts.quiet(days_in_words(sentence), after=0.5 * mm)
        yield from self.heading(_("What you can do"))
        fee = report.late_fee
        yield from self.parts.bullets(
            [
                _("Pay what you can; every payment counts from the day on which it comes."),
                _("Talk to us before the next payment is due: dates can be moved, payments can rest for a while, the"
                  " schedule can be drawn anew. Two of us decide it, and it is written into the books."),
                _("If you have paid already, bring or send the receipt, and we correct our books."),
                _("Late fee by your agreement: {rule}.").format(rule=fee) if fee else _("No late fee is charged."),
            ]
        )  # fmt: skip


class Decline(Document[Declined]):
    """An application that was declined, and why."""

    def title(self) -> str:
        return _("About your application")

    def subtitle(self) -> str:
        return long_date(self.report.decided_on)

    def about(self) -> str:
        return self.report.application

    def addressee(self) -> Sequence[str]:
        return (self.report.name, self.report.address)

    def facts(self) -> Sequence[tuple[str, str]]:
        report = self.report
        return (
            (_("Application"), report.application), (_("Member number"), report.member),
            (_("Asked on"), long_date(report.asked_on)), (_("For"), report.purpose),
        )  # fmt: skip

    def body(self) -> Iterator[Flowable]:
        report = self.report
        text = _("You asked for {amount} ({product}). We cannot lend it as you asked. These are the main reasons:")
        yield self.paragraph(text.format(amount=f"{self.money(report.amount)} {self.currency}", product=report.product))
        yield from self.parts.bullets(report.reasons)
        if report.explained:
            yield from self.heading(_("Besides"), keep=20 * mm)
            yield self.paragraph(report.explained)
        yield from self.heading(_("What you can do"))
        yield from self.parts.bullets(
            [
                _("Ask us to explain it to you, at the counter or in writing; we answer what you ask."),
                _("Bring what was missing, or another plan: a new application is looked at afresh."),
                _("Ask the members' committee to look at the decision again."),
            ]
        )
        yield self.gap(2 * mm)
        yield self.parts.small(
            _(
                "The law forbids lenders to decline anybody for race, colour, religion, national origin, sex, marital"
                " status or age, for income from public assistance, or for having used their rights."
            )
        )
