"""The member statement: what a member has, owes and did in a period, on paper.

Drawn from `reports.member`; not one figure is reckoned here. Order of the parts: who and when, what is due, the
summary, each account with every movement, then how to check it and what to do if something is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer

from coopbank.bank.operation import CREDIT_UNION
from coopbank.reports.dates import long_date, period, short_date
from coopbank.reports.member import Account, LoanAccount, MemberReport, Total
from coopbank.statements.document import QUIET, Document, Paper
from coopbank.statements.parts import (
    Column,
    Notice,
    Row,
    SideBySide,
    activity,
    amount,
    amount_or_blank,
    block,
    figures,
    heading,
    paragraph,
    title,
)
from coopbank.statements.tagged import Properties
from coopbank.words import _, language

DISPUTE_DAYS = 60


def draw(report: MemberReport, *, paper: Paper = "letter", contact: str = "") -> bytes:
    """The statement as a PDF, in the language in force. `contact`: how to reach the institution."""
    return MemberStatement(report, paper, contact).document().to_bytes()


class MemberStatement:
    """The parts of one statement, in their order."""

    def __init__(self, report: MemberReport, paper: Paper, contact: str) -> None:
        self.report = report
        self.contact = contact
        self.paper: Paper = paper
        self.currency = report.source.currency
        self.span = period(report.start, report.end)

    def document(self) -> Document:
        """The whole document."""
        report, source = self.report, self.report.source
        name = _("Member statement {member}, {period}").format(member=report.member, period=self.span)
        self.paper_document = Document(
            head=(source.institution, f"{report.member} · {short_date(report.start)} – {short_date(report.end)}"),
            foot=_("Books {number} · {hash}").format(number=source.head_number, hash=source.head_hash),
            page_words=_("Page {page} of {pages}"),
            properties=Properties(
                title=f"{name} · {source.institution[:100]}", author=source.institution, subject=name,
                language="es-US" if language() == "es" else "en-US", instant=source.head_at,
            ),
            paper=self.paper,
        )  # fmt: skip
        for part in self._parts():
            self.paper_document.add(part)
        return self.paper_document

    @property
    def _room(self) -> float:
        return self.paper_document.width

    def _money(self, minor: int) -> str:
        return amount(minor, self.currency)

    def _parts(self) -> Iterator[Flowable]:
        yield from self._opening()
        yield from self._notices()
        yield from self._summary()
        shares = [a for a in self.report.accounts if a.kind in ("shares", "subscription")]
        savings = [a for a in self.report.accounts if a.kind == "savings"]
        others = [a for a in self.report.accounts if a.kind in ("unapplied", "other", "owing")]
        yield from self._group(_("Shares"), shares, _("You have no shares with us."))
        yield from self._group(_("Savings"), savings, self._no_savings())
        for account in others:
            yield from self._account(account)
        if not self.report.loans:
            yield from self._empty(_("Loans"), _("You have no loan with us."))
        for loan in self.report.loans:
            yield from self._loan(loan)
        yield from self._closing()

    # ----------------------------------------------------------------- first page

    def _opening(self) -> Iterator[Flowable]:
        report = self.report
        yield paragraph(report.source.institution, size=11, bold=True, colour=QUIET, after=0)
        if self.contact:
            yield paragraph(self.contact, size=9, colour=QUIET, after=0)
        yield Spacer(1, 2 * mm)
        yield title(_("Member statement"))
        yield paragraph(self._dates(), size=10.5, after=5 * mm)
        who = [paragraph(report.name, size=10.5, bold=True, after=0.5 * mm)]
        if report.address:
            who.append(block(report.address, size=10))
        facts = [
            _("Member number {member}").format(member=report.member),
            _("Member since {date}").format(date=long_date(report.joined_on)),
            _("All amounts in {currency}").format(currency=self.currency),
        ]
        yield SideBySide(who, [paragraph(fact, after=0.5 * mm) for fact in facts])
        yield Spacer(1, 4 * mm)

    def _dates(self) -> str:
        report = self.report
        days = _("1 day") if report.days == 1 else _("{days} days").format(days=report.days)
        first, last = long_date(report.start), long_date(report.end)
        if self.span == first:
            return _("{period}, {days}").format(period=self.span, days=days)
        return _("From {start} to {end}, {days}").format(start=first, end=last, days=days)

    def _notices(self) -> Iterator[Flowable]:
        report = self.report
        if not report.complete and report.source.business_date is not None:
            text = _("The books stand at {date}. What comes later in this period is not on this statement.")
            yield self._notice(_("Not yet complete"), [text.format(date=long_date(report.source.business_date))])
        if report.interest_to_come:
            text = _("The month is not closed yet. Its close adds the interest of your loan up to the last day.")
            yield self._notice(_("Interest is still to be added"), [text])
        if report.late:
            lines = [
                _("{date}: {words}, receipt {receipt}, entered on {posted}.").format(
                    date=long_date(line.on), words=line.words, receipt=line.receipt, posted=long_date(line.posted_on)
                )
                for line in report.late
            ]
            text = _("An earlier statement of this period does not show what was entered after its last day:")
            yield self._notice(_("Changed since the period ended"), [text, *lines])
        for loan in report.loans:
            due = list(self._due(loan))
            if due:
                yield self._notice(_("Loan {loan}").format(loan=loan.ref), due)

    @staticmethod
    def _notice(head: str, lines: list[str]) -> Flowable:
        parts = [paragraph(head, bold=True, after=0.3 * mm), *(paragraph(line, after=0.3 * mm) for line in lines)]
        return Notice(*parts)

    def _due(self, loan: LoanAccount) -> Iterator[str]:
        if loan.state == "granted":
            yield _("Granted: {amount}. It is not paid out yet, and nothing is due.").format(
                amount=self._money(loan.agreed)
            )
            return
        if loan.due_now and loan.due_since is not None and loan.due_since > loan.as_of:
            yield _("Due by {date}: {amount}.").format(amount=self._money(loan.due_now), date=long_date(loan.due_since))
        elif loan.due_now and loan.due_since is not None and loan.days_late:
            late = _("1 day late") if loan.days_late == 1 else _("{days} days late").format(days=loan.days_late)
            yield _("Due now: {amount}, {late} on {day}. It was due on {since}.").format(
                amount=self._money(loan.due_now), late=late, day=long_date(loan.as_of), since=long_date(loan.due_since)
            )
        elif loan.due_now:
            yield _("Due now: {amount}.").format(amount=self._money(loan.due_now))
        yield from loan.reports
        if loan.next_due is not None and loan.state == "active" and loan.next_due != loan.due_since:
            yield _("Next payment: {amount}, due on {date}.").format(
                amount=self._money(loan.next_amount), date=long_date(loan.next_due)
            )
        if loan.paid.interest < 0:  # a correction has turned interest that was paid into principal
            text = _(
                "You paid {total}. What you had paid was shared anew: {less} less of it is {interest}, and {principal}"
                " more repays what you borrowed."
            )
            yield text.format(
                total=self._money(loan.paid.total), less=self._money(-loan.paid.interest),
                interest=_("cost") if loan.repayment == "revenue" else _("interest"),
                principal=self._money(loan.paid.principal),
            )  # fmt: skip
        elif loan.paid.fees:
            text = _("You paid {total}: {fees} of fees, {interest} interest and {principal} of what you borrowed.")
            yield text.format(
                total=self._money(loan.paid.total), fees=self._money(loan.paid.fees),
                interest=self._money(loan.paid.interest), principal=self._money(loan.paid.principal),
            )  # fmt: skip
        elif loan.paid.total:
            yield _("You paid {total}: {interest} interest and {principal} of what you borrowed.").format(
                total=self._money(loan.paid.total), interest=self._money(loan.paid.interest),
                principal=self._money(loan.paid.principal),
            )  # fmt: skip
        if loan.state == "paid":
            yield _("This loan is paid in full. Thank you.")

    # -------------------------------------------------------------------- summary

    def _summary(self) -> Iterator[Flowable]:
        report = self.report
        if not report.accounts and not report.loans:
            return
        yield from heading(_("Summary"))
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
        yield figures(columns, rows, size=9.5, room=self._room)

    def _summary_row(self, name: str, *minors: int) -> Row:
        return Row((name, *(self._money(minor) for minor in minors)))

    def _total(self, name: str, total: Total) -> Row:
        minors = (total.opening, total.money_in, total.money_out, total.closing)
        return Row((name, *(self._money(minor) for minor in minors)), strong=True)

    # ------------------------------------------------------------------- accounts

    def _group(self, name: str, accounts: list[Account], empty: str) -> Iterator[Flowable]:
        if not accounts:
            yield from self._empty(name, empty)
        for account in accounts:
            yield from self._account(account)

    @staticmethod
    def _empty(name: str, sentence: str) -> Iterator[Flowable]:
        yield from heading(name, keep=20 * mm)
        yield paragraph(sentence)

    def _no_savings(self) -> str:
        return _("You have no savings account with us.")

    def _account(self, account: Account) -> Iterator[Flowable]:
        yield from heading(account.title)
        if account.note:
            yield paragraph(account.note, colour=QUIET)
        if not account.lines:
            text = _("Nothing moved in this period. The balance is {balance}.")
            yield paragraph(text.format(balance=self._money(account.closing)))
        else:
            yield self._activity(account)
        if account.annual_yield:
            yield Spacer(1, 1.5 * mm)
            yield paragraph(self._yield(account))
        if account.held:
            text = _("Of this balance {held} is held until a cheque is paid; {available} is available.")
            yield Spacer(1, 1.5 * mm)
            yield paragraph(text.format(held=self._money(account.held), available=self._money(account.available)))

    def _yield(self, account: Account) -> str:
        text = _(
            "Interest earned in this period: {earned}, credited at the end of the quarter. Annual yield: {rate} %."
        )
        if self.report.source.institution_kind == CREDIT_UNION:
            text = _(
                "Interest earned in this period: {earned}, credited at the end of the quarter."
                " Annual percentage yield earned: {rate} %."
            )
        return text.format(earned=self._money(account.earned), rate=account.annual_yield)

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
                    short_date(line.on), line.words, str(line.receipt), amount_or_blank(line.money_in, self.currency),
                    amount_or_blank(line.money_out, self.currency), self._money(line.balance),
                )
            )
            for line in account.lines
        ]  # fmt: skip
        rows.append(self._edge(self.report.end, _("Closing balance"), account.closing, len(columns)))
        return self._long(columns, rows)

    def _edge(self, day: object, words: str, balance: int, columns: int) -> Row:
        blanks = [""] * (columns - 3)
        return Row((short_date(day), words, *blanks, self._money(balance)), strong=True)  # type: ignore[arg-type]

    def _long(self, columns: list[Column], rows: list[Row]) -> Flowable:
        return activity(columns, rows, carried=_("Carried forward"), brought=_("Brought forward"), room=self._room)

    # ---------------------------------------------------------------------- loans

    def _loan(self, loan: LoanAccount) -> Iterator[Flowable]:
        name = _("Loan {loan}").format(loan=loan.ref)
        yield from heading(f"{name}: {loan.purpose}" if loan.purpose else name)
        yield paragraph(self._terms(loan), colour=QUIET)
        if loan.lines:
            yield self._loan_activity(loan)
            yield Spacer(1, 3 * mm)
        elif loan.state != "granted":
            yield paragraph(_("Nothing moved in this period."))
        if loan.state != "granted":
            yield self._paid(loan)

    def _terms(self, loan: LoanAccount) -> str:
        if loan.repayment in ("surplus", "revenue"):
            return self._share(loan)
        if loan.disbursed_on is None:
            return _("{amount} granted at {rate} % a year.").format(
                amount=self._money(loan.agreed), rate=loan.annual_rate
            )
        if loan.repayment == "line":
            text = _(
                "A line of credit of {amount} at {rate} % a year, simple interest, until {last}. {left} is available."
            )
            return text.format(
                amount=self._money(loan.agreed), rate=loan.annual_rate, last=long_date(loan.last_due),
                left=self._money(loan.available),
            )  # fmt: skip
        return _("{amount} lent on {date} at {rate} % a year, simple interest. Last payment due on {last}.").format(
            amount=self._money(loan.agreed), date=long_date(loan.disbursed_on), rate=loan.annual_rate,
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
            amount=self._money(loan.agreed), rate=loan.annual_rate, share=loan.terms.get("share_percent"),
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
                    short_date(line.on), line.words, str(line.receipt), amount_or_blank(line.added, self.currency),
                    amount_or_blank(line.paid, self.currency), self._money(line.balance),
                )
            )
            for line in loan.lines
        ]  # fmt: skip
        rows.append(self._edge(self.report.end, _("Owed at closing"), loan.closing, len(columns)))
        return self._long(columns, rows)

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
                    *(self._money(p.interest) for p in spans),
                    self._money(loan.owed_interest),
                )
            ),
            Row((_("What you borrowed"), *(self._money(p.principal) for p in spans), self._money(loan.owed_principal))),
            Row((_("Together"), *(self._money(p.total) for p in spans), self._money(loan.closing)), strong=True),
        ]
        if loan.owed_fees or any(p.fees for p in spans):
            rows.insert(0, Row((_("Fees"), *(self._money(p.fees) for p in spans), self._money(loan.owed_fees))))
        return figures(columns, rows, room=self._room)

    # -------------------------------------------------------------------- closing

    def _closing(self) -> Iterator[Flowable]:
        source = self.report.source
        yield from heading(_("If something is wrong"), keep=26 * mm)
        reach = self.contact or _("at the counter")
        text = _(
            "Tell us within {days} days of receiving this statement: {contact}. Say which line it is, with its date and"
            " receipt number, and what you think is right. A mistake is corrected by a new line; the wrong one stays"
            " to be seen."
        )
        yield paragraph(text.format(days=DISPUTE_DAYS, contact=reach))
        yield from heading(_("How this can be checked"), keep=26 * mm)
        text = _(
            "Every line names its receipt. These figures are those of the books up to operation {number}, made on"
            " {instant} (UTC), whose fingerprint begins with {hash}. With it, anyone who is shown the books can check"
            " that nothing before it was changed."
        )
        yield paragraph(text.format(number=source.head_number, hash=source.head_hash, instant=_instant(source.head_at)))
        if source.institution_kind != CREDIT_UNION:
            yield paragraph(_("No government agency guarantees this money."))


def _instant(text: str) -> str:
    return text[:16].replace("T", " ")
