"""What the loan screen asks the books: a loan whole, and what is behind any figure of it.

A loan comes as lines of cells that are ready to be painted. Each line knows the question
whose answer explains it, and the operations that it goes back to; only when it is opened
are these read. Everything here runs in a worker's thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from coopbank.bank.books import Books
from coopbank.bank.contact import with_owners
from coopbank.bank.lending.accounts import LoanAccount, account, account_on
from coopbank.bank.lending.contract import LINE
from coopbank.bank.lending.reported import ReportedRun
from coopbank.bank.lending.scheduled import ScheduledRun
from coopbank.bank.operation import CATALOGUE
from coopbank.errors import CoopbankError
from coopbank.finance.surplus import SurplusPosition
from coopbank.ledger import chain
from coopbank.reports.answers import Answers
from coopbank.reports.dates import short_date
from coopbank.reports.explained import Question
from coopbank.reports.loan import LoanStory, StoryEvent, StoryPeriod, StoryRow, TermsVersion, explain, story
from coopbank.reports.movements import loans_of
from coopbank.reports.register import title_of
from coopbank.reports.stretches import of_surplus
from coopbank.tui.foresight import Point, ahead, history
from coopbank.tui.show import amount
from coopbank.words import _, translate

if TYPE_CHECKING:
    from coopbank.tui.session import Session

#: Operations that are listed behind a figure; the newest of more.
MOST_BEHIND: Final = 200
#: Events that can be reckoned anew, and so explained.
_RECKONED: Final = frozenset({"payment", "fee", "report-accepted"})
_REPORTED: Final = ("surplus", "revenue")
#: What of an event stands in the column of amounts: the first that it has.
_TOLD: Final = ("amount", "principal", "lent", "interest", "fees", "surplus", "revenue")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the screen: its cells, and what is told when it is opened."""

    cells: tuple[str, ...]
    title: str
    says: tuple[str, ...] = ()  # sentences that are known already
    ask: tuple[Question, int | date | None] | None = None
    owed: bool = False  # the interest owed is explained too
    operations: tuple[int, ...] = ()
    fund: str = ""  # the operations are those that posted in this fund
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """What the chart draws: what was, and what is to come if it is paid as agreed."""

    past: tuple[Point, ...]
    ahead: tuple[Point, ...]
    today: date
    currency: str
    cost: bool  # what is paid above what was lent is a cost by a multiple, and not interest
    note: str  # why nothing to come is drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanView:
    """A loan as the counter shows it."""

    ref: str
    member: str
    name: str
    purpose: str
    product: str
    state: str
    as_of: date
    repayment: str
    words: str  # what is due
    late: bool
    due: int  # now, or else next: what a payment is likely to be
    own: bool  # the actor's own loan: nobody serves it
    payable: bool
    figures: tuple[Line, ...]
    rows: tuple[Line, ...]  # of the schedule, or the periods of reports
    events: tuple[Line, ...]
    terms: tuple[Line, ...]
    picture: Picture


@dataclass(frozen=True, slots=True)
class LoanHit:
    """A loan of a member, for choosing."""

    ref: str
    purpose: str
    state: str


def loans_of_member(session: Session, member: str) -> tuple[LoanHit, ...]:
    """Every loan that a member ever had, those that are still owed first."""
    with session.bank.read() as books:
        found = [LoanHit(ref, loan.purpose, _(loan.state)) for ref, loan in loans_of(books, member).items()]
        done = {ref for ref, loan in loans_of(books, member).items() if loan.state in ("paid", "cancelled")}
    return tuple(sorted(found, key=lambda hit: (hit.ref in done, hit.ref)))


def loan_view(session: Session, ref: str) -> LoanView:
    """The loan whole, as it stands now."""
    with session.bank.read() as books:
        told = story(books, ref)
        loan = account_on(books, ref, told.as_of)
        cells = _Cells(told, loan)
        return LoanView(
            ref=ref, member=told.member, name=told.name, purpose=told.purpose,
            product=f"{told.product} {told.product_version}  {translate(told.product_title)}".rstrip(),
            state=_("{state}, eased").format(state=_(told.state)) if told.modified else _(told.state),
            as_of=told.as_of, repayment=told.repayment, words=told.words, late=bool(told.days_late),
            due=told.due_now or told.next_amount, own=session.actor.member in with_owners(books, [told.member]),
            payable=told.state in ("active", "charged-off"), figures=tuple(cells.figures()),
            rows=tuple(cells.periods() if told.repayment in _REPORTED else cells.rows()),
            events=tuple(cells.events()), terms=tuple(cells.terms()), picture=_picture(told, loan),
        )  # fmt: skip


def _picture(told: LoanStory, loan: LoanAccount) -> Picture:
    if told.repayment in _REPORTED:
        note = _("What is to come depends on the reports.")
    elif told.repayment == LINE:
        note = _("What is to come depends on what is drawn.")
    else:
        note = ""
    running = told.state == "active"
    return Picture(
        tuple(history(loan, told.as_of)), tuple(ahead(loan, told.as_of)) if running else (), told.as_of,
        told.source.currency, told.repayment == "revenue", note if running else "",
    )  # fmt: skip


# ------------------------------------------------------------------------------------- the lines


class _Cells:
    """A loan's story as lines."""

    def __init__(self, told: LoanStory, loan: LoanAccount) -> None:
        self.told, self.loan, self.currency = told, loan, told.source.currency
        self.by_number = {event.number: event.operation for event in told.events}
        self.agreed = {version.version: version.operation for version in told.terms}

    def money(self, minor: int) -> str:
        return amount(minor, self.currency)

    def some(self, minor: int) -> str:
        return amount(minor, self.currency) if minor else ""

    # What is owed and due

    def figures(self) -> Iterator[Line]:
        """The figures on top: label, amount, what it is."""
        told = self.told
        paid = tuple(event.operation for event in told.events if event.type == "payment" and not event.taken_back_by)
        since = _("since {day}").format(day=short_date(told.due_since)) if told.due_since and told.due_now else ""
        yield self._figure(_("Due now"), self.money(told.due_now), since, ask=("due", None))
        yield self._owed(paid)
        if told.lent:
            close = _("on {day}; F2 asks for another day").format(day=short_date(told.as_of))
            yield self._figure(_("Closes it"), self.money(told.payoff), close, ask=("payoff", told.as_of))
        if told.next_due is not None:
            yield self._next(told.next_due)
        if told.available or told.repayment == LINE:
            yield self._available()
        if told.cap is not None:
            yield self._figure(
                _("Cap of all cost"), self.money(told.cap), _("by the reports so far"), ask=("cap", None)
            )
        if told.bucket:
            yield self._bucket()
        yield self._paid(paid)

    def _figure(self, label: str, amount_: str, words: str, **more: Any) -> Line:
        return Line((label, amount_, words), f"{label} {amount_}".rstrip(), **more)

    def _shares(self, principal: int, interest: int, fees: int) -> str:
        """`1,991.82 of principal + 65.51 of interest`."""
        of_cost = self.told.repayment == "revenue"
        parts = [_("{amount} of principal").format(amount=self.money(principal))]
        if interest:
            words = _("{amount} of cost") if of_cost else _("{amount} of interest")
            parts.append(words.format(amount=self.money(interest)))
        if fees:
            parts.append(_("{amount} of fees").format(amount=self.money(fees)))
        return " + ".join(parts)

    def _owed(self, paid: tuple[int, ...]) -> Line:
        told = self.told
        shares = self._shares(told.owed_principal, told.interest_to_date, told.owed_fees)
        said = _("{amount} is owed = {parts}.").format(amount=self.money(told.owed), parts=shares)
        lent = tuple(event.operation for event in told.events if event.type in ("advance", "opening"))
        behind = tuple(sorted({*paid, *lent}))
        return self._figure(_("Owed"), self.money(told.owed), shares, says=(said,), owed=True, operations=behind)

    def _next(self, day: date) -> Line:
        told, says = self.told, []
        ask: tuple[Question, int | date | None] | None = None
        if told.repayment in _REPORTED:
            ask = next((("ceiling", row.n) for row in told.periods if row.due_on == day), None)
        else:
            row = next((row for row in told.rows if row.due == day), None)
            ask = ("row", row.n) if row is not None else None
            if row is not None and told.repayment != LINE and told.next_amount != row.payment:
                says.append(self._asks_for(row))
        words = _("on {day}").format(day=short_date(day))
        return self._figure(_("Next due"), self.money(told.next_amount), words, says=tuple(says), ask=ask)

    def _asks_for(self, row: StoryRow) -> str:
        """Why the next payment is not what its row says."""
        asked = self.told.next_amount
        shown = {"asked": self.money(asked), "payment": self.money(row.payment), "paid": self.money(row.paid)}
        if row.n == len(self.told.rows):
            return _("{asked} is asked for: the last payment is all that is owed by then and not due now.").format(
                **shown
            )
        if asked == row.payment - row.paid:
            return _("{asked} is left of it = {payment} − {paid} paid already.").format(**shown)
        return _("{asked} is asked for: no more is owed by then.").format(**shown)

    def _available(self) -> Line:
        told, shown = self.told, self.money
        if told.held and told.available == told.principal - told.owed_principal - told.held:
            words = _(
                "{amount} can be drawn = the limit of {limit} − {owed} of principal owed"
                " − {held} that waits for a cheque."
            ).format(
                amount=shown(told.available), limit=shown(told.principal), owed=shown(told.owed_principal),
                held=shown(told.held),
            )  # fmt: skip
        elif told.repayment == LINE and told.available == told.principal - told.owed_principal:
            words = _("{amount} can be drawn = the limit of {limit} − {owed} of principal owed.").format(
                amount=shown(told.available), limit=shown(told.principal), owed=shown(told.owed_principal)
            )
        elif told.repayment != LINE and told.available == told.principal - told.lent:
            words = _("{amount} can be paid out = {agreed} agreed − {lent} paid out already.").format(
                amount=shown(told.available), agreed=shown(told.principal), lent=shown(told.lent)
            )
        else:
            words = _("{amount} can be paid out.").format(amount=shown(told.available))
        limit = _("of {limit}").format(limit=shown(told.principal))
        return self._figure(_("Available"), shown(told.available), limit, says=(words,))

    def _bucket(self) -> Line:
        told = self.told
        said = [_("Bucket: {bucket}.").format(bucket=_(told.bucket))]
        if told.days_late and told.due_since is not None:
            said.append(
                _("The oldest payment that is not fully made was due on {day}, {days} days ago.").format(
                    day=short_date(told.due_since), days=told.days_late
                )
            )
        late = max((row.days_overdue for row in told.periods), default=0)
        if late:
            said.append(_("A report is {days} days late.").format(days=late))
        if told.bucket == "deferred by terms":
            said.append(_("No report makes anything due, and none is overdue: this is not lateness."))
        words = _("{bucket}: {days} days late").format(bucket=_(told.bucket), days=told.days_late or late)
        shown = words if told.days_late or late else _(told.bucket)
        return Line((_("Bucket"), "", shown), f"{_('Bucket')} {_(told.bucket)}", tuple(said), ask=("due", None))

    def _paid(self, paid: tuple[int, ...]) -> Line:
        told = self.told
        whole = told.paid_principal + told.paid_interest + told.paid_fees
        shares = self._shares(told.paid_principal, told.paid_interest, told.paid_fees)
        said = _("{amount} is paid = {parts}.").format(amount=self.money(whole), parts=shares)
        return self._figure(
            _("Paid so far"), self.money(whole), shares if whole else "", says=(said,), operations=paid
        )  # fmt: skip

    # Schedule and reports

    def rows(self) -> Iterator[Line]:
        """The schedule in force."""
        payers = _payers(self.loan)
        in_force = max((v.version for v in self.told.terms if v.taken_back_by is None), default=1)
        for row in self.told.rows:
            if self.told.repayment == LINE:
                cells: tuple[str, ...] = (str(row.n), row.due.isoformat(), _(row.state))
            else:
                cells = (
                    str(row.n), row.due.isoformat(), self.money(row.principal), self.money(row.interest),
                    self.money(row.payment), self.some(row.paid), self.money(row.balance), _(row.state),
                )  # fmt: skip
            paid_by = [self.by_number[number] for number in payers.get(row.n, ()) if number in self.by_number]
            title = _("Payment {n}, due on {day}").format(n=row.n, day=short_date(row.due))
            operations = tuple(paid_by) or tuple(filter(None, [self.agreed.get(in_force)]))
            yield Line(cells, title, ask=("row", row.n), operations=operations, faint=row.state == "paid")

    def periods(self) -> Iterator[Line]:
        """The periods of reports."""
        revenue = self.told.repayment == "revenue"
        for row in self.told.periods:
            known = row.report == "accepted"
            report = _(row.report) if not row.days_overdue else f"{_(row.report)} {row.days_overdue}"
            told = [self.money(each) for each in (row.revenue if revenue else row.surplus, row.due, row.paid)]
            more = [self.money(row.ceiling), "" if revenue else self.money(row.cap_room)]
            cells = (
                str(row.n), row.end.isoformat(), report, *(told if known else ("", "", "")),
                row.due_on.isoformat() if known and row.due_on else "", *(more if known else ("", "")),
                row.report_due.isoformat(),
            )  # fmt: skip
            yield Line(
                cells, _("Period {n}: {name}").format(n=row.n, name=row.name), self._period_says(row),
                ask=("ceiling", row.n) if known else None, operations=tuple(
                    event.operation for event in self.told.events if event.details.get("period") == row.n
                ), faint=known and not row.unpaid,
            )  # fmt: skip

    def _period_says(self, row: StoryPeriod) -> tuple[str, ...]:
        day = short_date(row.report_due)
        if row.report == "accepted":
            said = [_("Its report, version {version}, is accepted.").format(version=row.version)]
            if row.due and row.due_on is not None:
                said.append(
                    _("{due} is to be paid by {day}; {paid} of it is paid.").format(
                        due=self.money(row.due), day=short_date(row.due_on), paid=self.money(row.paid)
                    )
                )
            return tuple(said)
        words = {
            "filed": _("Its report is filed and waits to be accepted: nothing is due of it yet."),
            "overdue": _("Its report was due by {day} and is {days} days late."),
            "awaited": _("Its report is due by {day}: nothing is due of it yet."),
            "running": _("The period is not over; its report is due by {day}."),
        }.get(row.report, "")
        return (words.format(day=day, days=row.days_overdue),)

    # What happened

    def events(self) -> Iterator[Line]:
        """Every event, the newest first."""
        for event in reversed(self.told.events):
            yield self._event(event)

    def _event(self, event: StoryEvent) -> Line:
        back = event.taken_back_by
        what = self._what(event)
        if event.type == "payment" and event.paid_fees:
            what = _("{what}, with fees {fees}").format(what=what, fees=self.money(event.paid_fees))
        if back is not None:
            what = _("TAKEN BACK · {what}").format(what=what)
        money = next((event.amounts[name] for name in _TOLD if event.amounts.get(name)), 0)
        shared = event.type == "payment"
        cells = (
            event.on.isoformat(), what, self.some(money), self.money(event.paid_interest) if shared else "",
            self.money(event.paid_principal) if shared else "", event.by, str(event.operation),
            event.posted_on.isoformat() if event.posted_on != event.on else "", event.approved_by or "",
        )  # fmt: skip
        title = f"{_event_titles().get(event.type, event.type)} · {short_date(event.on)}"
        plain = event.type == "payment" and "early" not in event.details  # the split says it
        says = [] if plain else [event.words if event.words.endswith(".") else f"{event.words}."]
        if event.posted_on != event.on:
            says.append(
                _("It counts from {on} and was posted on {posted}.").format(
                    on=short_date(event.on), posted=short_date(event.posted_on)
                )
            )
        if back is not None:
            says.append(_("Operation {number} took it back.").format(number=back))
        return Line(
            cells, title, tuple(says), ask=("operation", event.operation) if event.type in _RECKONED else None,
            operations=(event.operation, *((back,) if back is not None else ())), faint=back is not None,
        )  # fmt: skip

    def _what(self, event: StoryEvent) -> str:
        """What happened, short where the amount stands beside it."""
        if event.type in ("advance", "payment", "fee", "write-down"):
            return _event_titles()[event.type]
        if event.type not in ("report-filed", "report-accepted"):
            return event.words
        words = _("Report {n} filed") if event.type == "report-filed" else _("Report {n} accepted")
        version = event.details.get("version", 1)
        told = words.format(n=event.details.get("period"))
        return told if version == 1 else _("{report}, version {version}").format(report=told, version=version)

    # What was agreed

    def terms(self) -> Iterator[Line]:
        """What was agreed and changed, what secures it, whose money it is."""
        told = self.told
        granted = self.agreed.get(min(self.agreed, default=0), 0)
        who = _who(told.granted_by, told.approved_by)
        yield Line(
            (_("Agreed"), _agreed(told, self.currency), who), _("What was agreed"), self._granted_says(),
            operations=(granted,) if granted else (),
        )  # fmt: skip
        labels = _labels()
        before = {later.version: each.document for each, later in pairwise(told.terms)}
        for version in reversed(told.terms):
            changes = _changes(version, before.get(version.version, {}), labels, self.currency)
            what = f"{short_date(version.from_day)}, {_(version.change)}: {changes}"
            what = f"{what} ({version.why})" if version.why else what
            back = version.taken_back_by
            if back is not None:
                what = _("TAKEN BACK · {what}").format(what=what)
            says = [
                f"{changes}.",
                *([f"{_('Why')}: {version.why}"] if version.why else []),
                *_document(version.document, labels, self.currency),
            ]
            says.append(_("What is paid goes to {order}.").format(order=", ".join(_(name) for name in version.order)))
            if told.repayment == "schedule":
                says.append(_ways()[version.early])
            if version.late_fee:
                says.append(_("Late fee: {fee}.").format(fee=version.late_fee))
            name = _("Terms {n}").format(n=version.version)
            yield Line(
                (name, what, _who(version.asked_by, version.approved_by)), name, tuple(says),
                operations=(version.operation, *((back,) if back is not None else ())), faint=back is not None,
            )  # fmt: skip
        yield from self._security()
        yield from self._funds()

    def _granted_says(self) -> tuple[str, ...]:
        told = self.told
        product = f"{told.product} {told.product_version}  {translate(told.product_title)}".rstrip()
        says = [f"{_agreed(told, self.currency)}."]
        says += [_("Purpose: {purpose}.").format(purpose=told.purpose)] if told.purpose else []
        says += [_("Product: {product}.").format(product=product)]
        says.append(_("Granted on {day}.").format(day=short_date(told.granted_on)))
        if told.application:
            says.append(_("Application {ref}.").format(ref=told.application))
        if told.disbursed_on is not None:
            says.append(_("Paid out on {day}.").format(day=short_date(told.disbursed_on)))
        says.append(_("Ends by {day}.").format(day=short_date(told.last_due)))
        if told.replaced_by:
            says.append(_("Refinanced by {loan}.").format(loan=told.replaced_by))
        if told.grade:
            says.append(_("Grade of risk: {grade}.").format(grade=told.grade))
        if told.reserve is not None:
            says.append(_("Specific allowance: {amount}.").format(amount=self.money(told.reserve)))
        return tuple(says)

    def _security(self) -> Iterator[Line]:
        for each in self.told.collateral:
            what = f"{each.asset} · {self.money(each.cost)} · {_(each.state)}"
            says = [_("Pledged on {day}.").format(day=short_date(each.pledged_on))]
            if each.lien:
                says.append(_("Lien: {lien}.").format(lien=each.lien))
            if each.released_on is not None:
                says.append(_("Released on {day}.").format(day=short_date(each.released_on)))
            yield Line((each.ref, what, ""), f"{each.ref} {each.asset}", tuple(says), operations=(each.paid_from,),
                       faint=each.state != "pledged")  # fmt: skip

    def _funds(self) -> Iterator[Line]:
        names = {
            "701": _("principal"), "781": _("interest"), "791": _("fees"), "M10": _("owed, no income yet"),
            "M20": _("charged off, still owed"), "M30": _("owed to peers"), "M40": _("promised"),
        }  # fmt: skip
        for part in self.told.funds:
            held = {code: minor for code, minor in part.books.items() if minor}
            what = f"{part.percent} %" + "".join(
                f" · {names.get(code, code)} {self.money(minor)}" for code, minor in held.items()
            )
            says = [_("{fund} bears {percent} % of the loan.").format(fund=part.fund, percent=part.percent)]
            says += [
                _("Account {code} holds {amount} of it: {name}.").format(
                    code=f"{code}/{self.told.loan}", amount=self.money(minor), name=names.get(code, code)
                )
                for code, minor in held.items()
            ]
            yield Line((part.fund, what, ""), _("Fund {fund}").format(fund=part.fund), tuple(says), fund=part.fund)


def _who(asked: str, approved: str | None) -> str:
    return asked if approved is None else f"{asked}, {approved}"


def _agreed(told: LoanStory, currency: str) -> str:
    shown = amount(told.principal, currency)
    if told.repayment in _REPORTED:
        return f"{shown}, {told.terms[-1].words}" if told.terms else shown
    words = _("{amount} at {rate} % over {count} payments").format(
        amount=shown, rate=told.annual_rate, count=told.installments
    )
    if not told.payment:
        return words
    return _("{terms} of {payment}").format(terms=words, payment=amount(told.payment, currency))


def _event_titles() -> dict[str, str]:
    return {
        "opening": _("Taken over"), "advance": _("Loan paid out"), "payment": _("Payment"), "fee": _("Fee"),
        "waiver": _("Waived"), "terms": _("New terms"), "pause": _("Interest stands still"),
        "non-accrual": _("Interest is no income"), "accrual": _("Interest is income again"),
        "write-down": _("Owed no more"), "charge-off": _("Charged off"), "close-line": _("Nothing more is paid out"),
        "report-filed": _("Report filed"), "report-accepted": _("Report accepted"),
    }  # fmt: skip


def _ways() -> dict[str, str]:
    return {
        "next": _("What is paid early counts towards the next payments."),
        "shorten": _("What is paid early ends the loan earlier."),
        "lower": _("What is paid early lowers the payments."),
    }


def _labels() -> Mapping[str, str]:
    """What the form that agrees on terms calls them."""
    fields = CATALOGUE["grant-loan"].model_fields
    return {name: translate(info.title) for name, info in fields.items() if info.title}


def _document(document: Mapping[str, Any], labels: Mapping[str, str], currency: str) -> Iterator[str]:
    """The terms one by one."""
    for name, value in document.items():
        yield f"{labels.get(name, name.replace('_', ' '))}: {_value(name, value, currency)}"


def _changes(version: TermsVersion, before: Mapping[str, Any], labels: Mapping[str, str], currency: str) -> str:
    """`First payment due 2024-12-07 → 2025-06-07`; of what was agreed first, all of it in short."""
    if not version.changed:
        return version.words
    said = []
    for name in version.changed:
        label = re.split(r", | \(|; ", labels.get(name, name.replace("_", " ")))[0]
        was, now = (_value(name, each.get(name), currency) for each in (before, version.document))
        said.append(f"{label} {was} → {now}")
    return "; ".join(said)


def _value(name: str, value: Any, currency: str) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Mapping):
        return " ".join(f"{count} {_(unit if count != 1 else unit.rstrip('s'))}" for unit, count in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return amount(value, currency) if name == "cost_cap" and isinstance(value, int) else str(value)


def _payers(loan: LoanAccount) -> dict[int, tuple[int, ...]]:
    """Rows of the schedule in force, and the numbers of the events whose money they counted."""
    if loan.is_reported or loan.body.repayment == LINE:
        return {}
    run = ScheduledRun(loan.contracts, loan.body.principal, loan.currency)
    s, since = run.state, None
    paid: list[tuple[int, int]] = []  # event, and up to where it paid the rows together
    for fact in loan.facts:
        run.apply(fact)
        plan = s.plan and (s.plan.start, s.plan.seed, s.plan.passed)
        if plan != since:
            since, paid = plan, []
        upto = s.counted - s.billed
        if upto > (paid[-1][1] if paid else 0):
            paid.append((fact.number, upto))
    return _covered([(count, amount_) for count, amount_ in s.runs], paid)


def _covered(runs: Iterable[tuple[int, int]], paid: list[tuple[int, int]]) -> dict[int, tuple[int, ...]]:
    """Which of the sums that follow each other reach into which row."""
    found: dict[int, tuple[int, ...]] = {}
    n, asked, place = 0, 0, 0
    for count, each in runs:
        for _row in range(count):
            n, low, asked = n + 1, asked, asked + each
            while place < len(paid) and paid[place][1] <= low:
                place += 1
            took, ahead_ = [], place
            while ahead_ < len(paid) and each:
                took.append(paid[ahead_][0])
                if paid[ahead_][1] >= asked:
                    break
                ahead_ += 1
            if not took:
                return found
            found[n] = tuple(took)
    return found


# ------------------------------------------------------------------------------- behind a figure


@dataclass(frozen=True, slots=True)
class Behind:
    """An operation that a figure goes back to."""

    number: int
    entry: int | None  # what it wrote of this loan, if it moved money
    title: str
    actor: str
    approver: str | None
    on: str
    at: str
    hash: str


@dataclass(frozen=True, slots=True)
class Why:
    """A figure in plain sentences, and the operations behind it, the newest first."""

    sentences: tuple[str, ...]
    behind: tuple[Behind, ...]
    more: int  # operations that are not listed


def why(session: Session, ref: str, line: Line) -> Why:
    """What is behind a line of the screen."""
    with session.bank.read() as books:
        sentences = list(line.says)
        if line.ask is not None:
            try:
                sentences += explain(books, ref, *line.ask).sentences
            except CoopbankError as refusal:  # what cannot be reckoned is said as the command line says it
                sentences.append(str(refusal))
        if line.owed:
            sentences += _interest_owed(books, ref)
        numbers = _of_fund(books, ref, line.fund) if line.fund else sorted({*line.operations}, reverse=True)
        behind = tuple(_behind(books, ref, number) for number in numbers[:MOST_BEHIND])
    return Why(tuple(dict.fromkeys(sentences)), behind, max(0, len(numbers) - MOST_BEHIND))


def _interest_owed(books: Books, ref: str) -> list[str]:
    """From what the interest that is owed by the contract ran."""
    loan = account(books, ref)
    teller = Answers(books, loan, books.business_date() or date.max)
    if not teller.at.standing.interest or loan.body.repayment == "revenue":
        return []
    if not loan.is_reported:
        return [each.explanation.sentence for each in list(teller.payoff(teller.day))[1:]]
    run = teller.reported()
    at = run.position(teller.day)
    assert isinstance(run, ReportedRun) and isinstance(at, SurplusPosition)
    found = teller.owed_interest(of_surplus(run, teller.day), at.interest_paid, at.waived if at.matured else 0)
    return [each.explanation.sentence for each in found]


def _of_fund(books: Books, ref: str, fund: str) -> list[int]:
    """Operations that posted on the accounts that a fund has of a loan."""
    rows = books.tx.rows(
        "SELECT DISTINCT e.operation_id FROM account a JOIN posting p ON p.account_id = a.id"
        " JOIN entry e ON e.id = p.entry_id WHERE a.contract = ? AND a.fund = ? ORDER BY e.operation_id DESC",
        ref, fund,
    )  # fmt: skip
    return [int(number) for (number,) in rows]


def _behind(books: Books, ref: str, number: int) -> Behind:
    kind, actor, approver, on, at, hash_, first, count = books.tx.row(
        "SELECT kind, actor, approver, business_date, at, hash, first_entry, entry_count FROM operation WHERE id = ?",
        number,
    ) or ("", "", None, "", "", b"", 0, 0)  # fmt: skip
    own = books.tx.value(
        "SELECT min(e.id) FROM entry e WHERE e.operation_id = ? AND EXISTS (SELECT 1 FROM posting p"
        " JOIN account a ON a.id = p.account_id WHERE p.entry_id = e.id AND a.contract = ?)",
        number, ref,
    )  # fmt: skip
    entry = own if own is not None else first if count else None
    return Behind(
        number, None if entry is None else int(entry), title_of(kind), actor, approver, on, at, chain.short(hash_)
    )  # fmt: skip
