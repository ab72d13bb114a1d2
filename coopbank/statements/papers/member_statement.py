"""The member statement: what a member has, owes and did in a period, on paper.

Drawn from `reports.member`; not one figure is reckoned here. Order of the parts: who and when, what is due, the
summary, each account with every movement, then how to check it and what to do if something is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reportlab.lib.units import mm
from reportlab.platypus import Flowable

from coopbank.bank.operation import CREDIT_UNION
from coopbank.reports.dates import long_date, period, short_date
from coopbank.reports.member import Account, LoanAccount, MemberReport, Total
from coopbank.statements.document import Document
from coopbank.statements.tables import Column, Row
from coopbank.words import _

_GROUPS = ("shares", "savings", "others")


def _group(account: Account) -> str:
    return {"shares": "shares", "subscription": "shares", "savings": "savings"}.get(account.kind, "others")


class MemberStatement(Document[MemberReport]):
    """What a member has, owes and did in a period."""

    disputable = True

    def title(self) -> str:
        return _("Member statement")

    def subtitle(self) -> str:
        return self._dates()

    def about(self) -> str:
        return self.report.member

    def addressee(self) -> Sequence[str]:
        return (self.report.name, self.report.address)

    def facts(self) -> Sequence[tuple[str, str]]:
        return (
            (_("Member number"), self.report.member),
            (_("Member since"), long_date(self.report.joined_on)),
            (_("All amounts in"), self.currency),
        )

    def body(self) -> Iterator[Flowable]:
        yield self._tiles()
        yield from self._notices()
        yield from self._summary()
        yield from self._in_short()
        for account in sorted(self.report.accounts, key=lambda account: _GROUPS.index(_group(account))):
            yield from self._account(account)
        for loan in self.report.loans:
            yield from self._loan(loan)
        yield from self._absent()
        yield from self._fees()

    def _in_short(self) -> Iterator[Flowable]:
        """What happened, in a sentence for each account."""
        said = [sentence for account in self.report.accounts if (sentence := self._moved(account))]
        if not said and not self.report.loans:
            said = [_("Nothing moved in this period.")]
        if not said:
            return
        yield self.gap(2 * mm)
        yield from self.parts.bullets(said)

    def _moved(self, account: Account) -> str:
        came, went = self.money(account.money_in), self.money(account.money_out)
        if account.money_in and account.money_out:
            text = _("{account}: {came} came in and {went} went out.")
        elif account.money_in:
            text = _("{account}: {came} came in.")
        elif account.money_out:
            text = _("{account}: {went} went out.")
        else:
            return ""
        return text.format(account=account.title, came=came, went=went)

    def _absent(self) -> Iterator[Flowable]:
        """What the member has not got, so that nobody looks for it."""
        groups = {_group(account) for account in self.report.accounts}
        yield self.gap(1.5 * mm)
        if "shares" not in groups:
            yield self.paragraph(_("You have no shares with us."))
        if "savings" not in groups:
            yield self.paragraph(_("You have no savings account with us."))
        if not self.report.loans:
            yield self.paragraph(_("You have no loan with us."))

    def _dates(self) -> str:
        report = self.report
        days = _("1 day") if report.days == 1 else _("{days} days").format(days=report.days)
        first, last = long_date(report.start), long_date(report.end)
        span = period(report.start, report.end)
        if span == first:
            return _("{period}, {days}").format(period=span, days=days)
        return _("From {start} to {end}, {days}").format(start=first, end=last, days=days)

    def _tiles(self) -> Flowable:
        """What matters most: what the member has, owes and must pay."""
        report = self.report
        end = short_date(report.end)
        tiles: list[tuple[str, str, str]] = [(_("You have with us"), self.money(report.total_had.closing), end)]
        if report.loans or report.total_owed.closing:
            tiles.append((_("You owe us"), self.money(report.total_owed.closing), end))
            due = [loan for loan in report.loans if loan.due_now]
            since = min((loan.due_since for loan in due if loan.due_since), default=None)
            tiles.append(
                (
                    _("Due now"), self.money(report.due_now),
                    _("since {date}").format(date=short_date(since)) if since is not None and since <= report.end
                    else _("by {date}").format(date=short_date(since)) if since is not None else _("nothing is due"),
                )
            )  # fmt: skip
        return self.parts.tiles(tiles)

    def _notices(self) -> Iterator[Flowable]:
        report = self.report
        if not report.complete and report.source.business_date is not None:
            text = _("The books stand at {date}. What comes later in this period is not on this statement.")
            yield self.parts.notice(_("Not yet complete"), [text.format(date=long_date(report.source.business_date))])
        if report.interest_to_come:
            text = _("The month is not closed yet. Its close adds the interest of your loan up to the last day.")
            yield self.parts.notice(_("Interest is still to be added"), [text])
        if report.late:
            lines = [
                _("{date}: {words}, receipt {receipt}, entered on {posted}.").format(
                    date=long_date(line.on), words=line.words, receipt=line.receipt, posted=long_date(line.posted_on)
                )
                for line in report.late
            ]
            text = _("An earlier statement of this period does not show what was entered after its last day:")
            yield self.parts.notice(_("Changed since the period ended"), [text, *lines])
        for loan in report.loans:
            due = list(self._due(loan))
            if due:
                yield self.parts.notice(_("Loan {loan}").format(loan=loan.ref), due)

    def _due(self, loan: LoanAccount) -> Iterator[str]:
        if loan.state == "granted":
            yield _("Granted: {amount}. It is not paid out yet, and nothing is due.").format(
                amount=self.money(loan.agreed)
            )
            return
        if loan.due_now and loan.due_since is not None and loan.due_since > loan.as_of:
            yield _("Due by {date}: {amount}.").format(amount=self.money(loan.due_now), date=long_date(loan.due_since))
        elif loan.due_now and loan.due_since is not None and loan.days_late:
            late = _("1 day late") if loan.days_late == 1 else _("{days} days late").format(days=loan.days_late)
            yield _("Due now: {amount}, {late} on {day}. It was due on {since}.").format(
                amount=self.money(loan.due_now), late=late, day=long_date(loan.as_of), since=long_date(loan.due_since)
            )
        elif loan.due_now:
            yield _("Due now: {amount}.").format(amount=self.money(loan.due_now))
        yield from loan.reports
        if loan.next_due is not None and loan.state == "active" and loan.next_due != loan.due_since:
            yield _("Next payment: {amount}, due on {date}.").format(
                amount=self.money(loan.next_amount), date=long_date(loan.next_due)
            )
        if loan.paid.interest < 0:  # a correction has turned interest that was paid into principal
            text = _(
                "You paid {total}. What you had paid was shared anew: {less} less of it is {interest}, and {principal}"
                " more repays what you borrowed."
            )
            yield text.format(
                total=self.money(loan.paid.total), less=self.money(-loan.paid.interest),
                interest=_("cost") if loan.repayment == "revenue" else _("interest"),
                principal=self.money(loan.paid.principal),
            )  # fmt: skip
        elif loan.paid.fees:
            text = _("You paid {total}: {fees} of fees, {interest} interest and {principal} of what you borrowed.")
            yield text.format(
                total=self.money(loan.paid.total), fees=self.money(loan.paid.fees),
                interest=self.money(loan.paid.interest), principal=self.money(loan.paid.principal),
            )  # fmt: skip
        elif loan.paid.total:
            yield _("You paid {total}: {interest} interest and {principal} of what you borrowed.").format(
                total=self.money(loan.paid.total), interest=self.money(loan.paid.interest),
                principal=self.money(loan.paid.principal),
            )  # fmt: skip
        if loan.state == "paid":
            yield _("This loan is paid in full. Thank you.")

    # -------------------------------------------------------------------- summary

    def _summary(self) -> Iterator[Flowable]:
        report = self.report
        if not report.accounts and not report.loans:
            return
        yield from self.heading(_("Summary"))
        columns = [
            Column(_("Account"), "text"),
            Column(f"{_('Opening')}\n{short_date(report.start)}"),
            Column(_("In")),
            Column(_("Out")),
            Column(f"{_('Closing')}\n{short_date(report.end)}"),
        ]
        had = [
            self._summary_row(a.title, a.opening, a.money_in, a.money_out, a.closing)
            for a in report.accounts
            if not a.owed
        ]
        owed = [
            self._summary_row(a.title, a.opening, a.money_in, a.money_out, a.closing) for a in report.accounts if a.owed
        ]
        for loan in report.loans:
            name = _("Loan {loan}").format(loan=loan.ref)
            owed.append(self._summary_row(name, loan.opening, loan.added, loan.paid.total, loan.closing))
        rows = [*had, self._total(_("You have with us"), report.total_had)]
        if owed:
            rows += [*owed, self._total(_("You owe us"), report.total_owed)]
        yield self.figures(columns, rows)

    def _summary_row(self, name: str, *minors: int) -> Row:
        return Row((name, *(self.money(minor) for minor in minors)))

    def _total(self, name: str, total: Total) -> Row:
        minors = (total.opening, total.money_in, total.money_out, total.closing)
        return Row((name, *(self.money(minor) for minor in minors)), strong=True)

    # ------------------------------------------------------------------- accounts

    def _account(self, account: Account) -> Iterator[Flowable]:
        yield from self.heading(account.title)
        if account.note:
            yield self.parts.quiet(account.note)
        if not account.lines:
            text = _("Nothing moved in this period. The balance is {balance}.")
            yield self.paragraph(text.format(balance=self.money(account.closing)))
        else:
            yield self._activity(account)
        if account.annual_yield:
            yield self.gap(1.5 * mm)
            yield self.paragraph(self._yield(account))
        if account.held:
            text = _("Of this balance {held} is held until a cheque is paid; {available} is available.")
            yield self.gap(1.5 * mm)
            yield self.paragraph(text.format(held=self.money(account.held), available=self.money(account.available)))

    def _yield(self, account: Account) -> str:
        text = _(
            "Interest earned in this period: {earned}, credited at the end of the quarter. Annual yield: {rate} %."
        )
        if self.report.source.institution_kind == CREDIT_UNION:
            text = _(
                "Interest earned in this period: {earned}, credited at the end of the quarter."
                " Annual percentage yield earned: {rate} %."
            )
        return text.format(earned=self.money(account.earned), rate=account.annual_yield)

    def _activity(self, account: Account) -> Flowable:
        columns = [
            Column(_("Date"), "short"),
            Column(_("What happened"), "text"),
            Column(_("Receipt")),
            Column(_("In")),
            Column(_("Out")),
            Column(_("Balance")),
        ]
        rows = [self._edge(self.report.start, _("Opening balance"), account.opening, len(columns))]
        rows += [
            Row(
                (
                    short_date(line.on), line.words, str(line.receipt), self.money_or_blank(line.money_in),
                    self.money_or_blank(line.money_out), self.money(line.balance),
                )
            )
            for line in account.lines
        ]  # fmt: skip
        rows.append(self._edge(self.report.end, _("Closing balance"), account.closing, len(columns)))
        return self.activity(columns, rows)

    def _edge(self, day: object, words: str, balance: int, columns: int) -> Row:
        blanks = [""] * (columns - 3)
        return Row((short_date(day), words, *blanks, self.money(balance)), strong=True)  # type: ignore[arg-type]

    # ---------------------------------------------------------------------- loans

    def _loan(self, loan: LoanAccount) -> Iterator[Flowable]:
        name = _("Loan {loan}").format(loan=loan.ref)
        yield from self.heading(f"{name}: {loan.purpose}" if loan.purpose else name)
        yield self.parts.quiet(self._terms(loan))
        if loan.lines:
            yield self._loan_activity(loan)
            yield self.gap()
        elif loan.state != "granted":
            yield self.paragraph(_("Nothing moved in this period."))
        if loan.state != "granted":
            yield self._paid(loan)

    def _terms(self, loan: LoanAccount) -> str:
        if loan.repayment in ("surplus", "revenue"):
            return self._share(loan)
        if loan.disbursed_on is None:
            return _("{amount} granted at {rate} % a year.").format(
                amount=self.money(loan.agreed), rate=loan.annual_rate
            )
        if loan.repayment == "line":
            text = _(
                "A line of credit of {amount} at {rate} % a year, simple interest, until {last}. {left} is available."
            )
            return text.format(
                amount=self.money(loan.agreed), rate=loan.annual_rate, last=long_date(loan.last_due),
                left=self.money(loan.available),
            )  # fmt: skip
        return _("{amount} lent on {date} at {rate} % a year, simple interest. Last payment due on {last}.").format(
            amount=self.money(loan.agreed), date=long_date(loan.disbursed_on), rate=loan.annual_rate,
            last=long_date(loan.last_due),
        )  # fmt: skip

    def _share(self, loan: LoanAccount) -> str:
        """The terms of a loan repaid by reports."""
        if loan.repayment == "surplus":
            text = _(
                "{amount} at {rate} % a year, repaid by {share} % of your surplus. All it costs you is at most {cap} %"
                " of your surplus. It ends by {last}."
            )
        else:
            text = _(
                "{amount}, repaid by {share} % of your revenue until you have paid {multiple} times what you borrowed."
                " It ends by {last}."
            )
        return text.format(
            amount=self.money(loan.agreed), rate=loan.annual_rate, share=loan.terms.get("share_percent"),
            cap=loan.terms.get("cost_cap_percent", "50"), multiple=loan.terms.get("multiple"),
            last=long_date(loan.last_due),
        )  # fmt: skip

    def _loan_activity(self, loan: LoanAccount) -> Flowable:
        columns = [
            Column(_("Date"), "short"),
            Column(_("What happened"), "text"),
            Column(_("Receipt")),
            Column(_("Added")),
            Column(_("Paid")),
            Column(_("You owe")),
        ]
        rows = [self._edge(self.report.start, _("Owed at opening"), loan.opening, len(columns))]
        rows += [
            Row(
                (
                    short_date(line.on), line.words, str(line.receipt), self.money_or_blank(line.added),
                    self.money_or_blank(line.paid), self.money(line.balance),
                )
            )
            for line in loan.lines
        ]  # fmt: skip
        rows.append(self._edge(self.report.end, _("Owed at closing"), loan.closing, len(columns)))
        return self.activity(columns, rows)

    def _paid(self, loan: LoanAccount) -> Flowable:
        columns = [
            Column(_("How your payments were shared"), "text"),
            Column(_("This period")),
            Column(_("This year")),
            Column(_("Still owed")),
        ]
        spans = (loan.paid, loan.paid_this_year)
        rows = [
            Row(
                (
                    _("Cost") if loan.repayment == "revenue" else _("Interest"),
                    *(self.money(p.interest) for p in spans),
                    self.money(loan.owed_interest),
                )
            ),
            Row((_("What you borrowed"), *(self.money(p.principal) for p in spans), self.money(loan.owed_principal))),
            Row((_("Together"), *(self.money(p.total) for p in spans), self.money(loan.closing)), strong=True),
        ]
        if loan.owed_fees or any(p.fees for p in spans):
            rows.insert(0, Row((_("Fees"), *(self.money(p.fees) for p in spans), self.money(loan.owed_fees))))
        return self.figures(columns, rows)

    # ----------------------------------------------------------------------- fees

    def _fees(self) -> Iterator[Flowable]:
        yield from self.heading(_("Fees"), keep=24 * mm)
        columns = [Column(_("What was charged"), "text"), Column(_("This period")), Column(_("This year"))]
        rows = [Row((fee.name, self.money(fee.period), self.money(fee.year))) for fee in self.report.fees]
        yield self.figures(columns, rows)
