"""What the institution's papers to its members, donors, lenders and auditors show.

    note_statement(books, "N-001", start, end)     a lender's note: principal, interest, what was paid, what it did
    gift_report(books, "G-07")                     a gift: received, what it was spent on, what is left
    share_statement(books, "M0007", 2026)          shares held, bought, passed on and paid back in a year
    tax_year(books, "M0007", 2026)                 interest of a calendar year, by who paid whom
    confirmation(books, "M0007", day)              every balance of a member on a day, for an auditor's letter
    declined(books, "A-001")                       why an application was declined

Amounts are in the reader's sign: what is theirs or was paid is positive. receipt.py has what a receipt shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.operation import CHARITY
from coopbank.bank.operations.applications import REASONS
from coopbank.bank.operations.confirmations import confirmation_ref
from coopbank.bank.operations.funds import RELEASING
from coopbank.errors import WrongState
from coopbank.money import parse_amount
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.financial import FundPosition, fund
from coopbank.reports.member import MemberReport, member
from coopbank.reports.movements import Movement, balances_before, leaf_of, movements_of
from coopbank.reports.totals import first_operation_after, require_period
from coopbank.reports.wording import Wording
from coopbank.words import _, translate

ACKNOWLEDGED_FROM: Final = "250.00"
"""US dollars: a gift from here on is acknowledged in writing (26 U.S.C. 170(f)(8))."""
REPORTED_FROM: Final = "10.00"
"""US dollars of interest in a year from which payers report it (26 U.S.C. 6049)."""


@dataclass(frozen=True, slots=True)
class PaperLine:
    """A movement on a paper: what came to the reader's figure or left it, and what it was after."""

    on: date
    words: str
    receipt: int
    up: Minor
    down: Minor
    balance: Minor


# ------------------------------------------------------------------------------------- notes


@dataclass(frozen=True, slots=True)
class NoteStatement:
    """A lender's note in a period; `interest_ran` is what the books recognised in it, paid or not."""

    source: Source
    note: str
    lender: str
    member: str | None
    note_class: str
    annual_rate: str
    issued_on: date
    due_on: date
    state: str
    renews: str | None
    renewed_by: str | None
    start: date
    end: date
    lent: Minor  # what the lender gave
    opening: Minor
    principal_added: Minor
    opening_principal: Minor
    closing_principal: Minor
    opening_interest: Minor
    interest_ran: Minor
    interest_paid: Minor
    interest_paid_year: Minor
    closing_interest: Minor
    principal_repaid: Minor
    closing: Minor
    lines: tuple[PaperLine, ...]
    fund: FundPosition


def note_statement(books: Books, ref: str, start: date, end: date) -> NoteStatement:
    """A lender's note in a period; interest stands in it as far as closes and payments have brought it."""
    require_period(start, end)
    note = _note_on(books, ref, end)
    principal, interest = leaf_of(books, "811", ref), leaf_of(books, "851", ref)
    leaves = [leaf for leaf in (principal, interest) if leaf is not None]
    before = balances_before(books.tx, leaves, start)
    year = date(end.year, 1, 1)
    moves = movements_of(books.tx, leaves, min(start, year), end)
    of_principal, of_interest = (moves[leaf.id] if leaf else [] for leaf in (principal, interest))
    within = [move for move in of_principal if move.on >= start]
    accrued = [move for move in of_interest if move.on >= start]
    opening_principal, opening_interest = (-before[leaf.id] if leaf else 0 for leaf in (principal, interest))
    closing_principal = opening_principal - sum(move.net for move in within)
    closing_interest = opening_interest - sum(move.net for move in accrued)
    opening = opening_principal + opening_interest
    return NoteStatement(
        source=source(books), note=ref, lender=books.personal(note.lender), member=note.member,
        note_class=note.note_class, annual_rate=note.annual_rate, issued_on=date.fromisoformat(note.issued_on),
        due_on=date.fromisoformat(note.due_on), state=note.state, renews=note.renews, renewed_by=note.renewed_by,
        start=start, end=end, lent=note.principal, opening=opening,
        principal_added=sum(move.credit for move in within), opening_principal=opening_principal,
        closing_principal=closing_principal, opening_interest=opening_interest,
        interest_ran=sum(move.credit for move in accrued), interest_paid=sum(move.debit for move in accrued),
        interest_paid_year=sum(move.debit for move in of_interest if move.on >= year),
        closing_interest=closing_interest, principal_repaid=sum(move.debit for move in within),
        closing=closing_principal + closing_interest, lines=tuple(_note_lines(opening, within, accrued)),
        fund=fund(books, note.fund, end).funds[0],
    )  # fmt: skip


def _note_lines(opening: int, principal: Sequence[Movement], interest: Sequence[Movement]) -> Iterator[PaperLine]:
    """What happened to a note, in the order of days and entries; the balance is of principal and interest together."""
    both = [(move, False) for move in principal] + [(move, True) for move in interest]
    balance = opening
    for move, of_interest in sorted(both, key=lambda each: (each[0].on, each[0].entry)):
        balance -= move.net
        words = _note_words(of_interest, move.credit > 0)
        yield PaperLine(move.on, words, move.operation, move.credit, move.debit, balance)


def _note_on(books: Books, ref: str, day: date) -> records.Note:
    """A note as a day left it; as it is, where it was issued later."""
    note, after = books.get(records.Note, ref, "note"), first_operation_after(books.tx, day)
    return note if after is None else books.find_at(records.Note, ref, after - 1) or note


def _note_words(of_interest: bool, up: bool) -> str:
    if of_interest:
        return _("Interest") if up else _("Interest paid to you")
    return _("Lent by you") if up else _("Paid back to you")


# ------------------------------------------------------------------------------------- gifts


@dataclass(frozen=True, slots=True)
class GiftReport:
    """A gift and what became of it. `acknowledged`: large enough that its donor is due this paper."""

    source: Source
    gift: str
    donor: str
    amount: Minor
    received_on: date
    fund: str
    fund_name: str
    restricted: bool  # its fund releases it as it is spent
    lends: bool  # its fund lends it, again and again
    purpose: str
    spent: Minor
    left: Minor
    lines: tuple[PaperLine, ...]
    acknowledged: bool
    charity: bool
    position: FundPosition
    loans: int  # that the fund has out


def gift_report(books: Books, ref: str) -> GiftReport:
    """A gift, on the business date."""
    gift = books.get(records.Gift, ref, "gift")
    origin = source(books)
    code, name, kind = books.tx.row("SELECT code, name, class FROM fund WHERE code = ?", gift.fund) or (gift.fund,) * 3
    lines = _spent_of(books, ref, gift.amount, origin.institution_kind)
    loans = sum(
        gift.fund in body.funds for _ref, body in books.every(records.Loan) if body.state in ("active", "charged-off")
    )
    return GiftReport(
        source=origin, gift=ref, donor=books.personal(gift.donor), amount=gift.amount,
        received_on=date.fromisoformat(gift.received_on), fund=code, fund_name=name,
        restricted=kind in RELEASING, lends=kind == "revolving", purpose=gift.purpose,
        spent=sum(line.down - line.up for line in lines), left=lines[-1].balance if lines else gift.amount, lines=lines,
        acknowledged=origin.currency == "USD" and gift.amount >= parse_amount(ACKNOWLEDGED_FROM, origin.currency),
        charity=origin.institution_kind == CHARITY, position=fund(books, gift.fund).funds[0], loans=loans,
    )  # fmt: skip


def _spent_of(books: Books, ref: str, given: Minor, institution_kind: str) -> tuple[PaperLine, ...]:
    """What was spent of a gift, and what was taken back. The close of a year spends nothing: it empties the account."""
    leaf = leaf_of(books, "186", ref)
    moves = [] if leaf is None else movements_of(books.tx, [leaf], date.min, date.max)[leaf.id]
    moves = [move for move in moves if move.kind != "close-year"]
    acts = {(move.operation, move.kind) for move in moves}
    acts |= {(move.corrects, move.corrects_kind) for move in moves
             if move.corrects is not None and move.corrects_kind is not None}  # fmt: skip
    wording = Wording(books, institution_kind, acts)
    lines, left = [], given
    for move in moves:
        left -= move.net
        words = wording.words(move.operation, "186", up=move.net > 0, on=move.on, corrects=move.corrects)
        lines.append(PaperLine(move.on, words, move.operation, move.credit, move.debit, left))
    return tuple(lines)


# ------------------------------------------------------------------------------------ shares


@dataclass(frozen=True, slots=True)
class ShareLine:
    """A class of shares in a year, in shares and in money."""

    code: str
    name: str
    par: Minor
    held_before: int
    held: int
    opening: Minor
    issued: Minor
    paid_back: Minor
    closing: Minor
    subscribed: Minor  # paid towards a share that is not full yet
    missing: Minor  # what is still to be paid for it
    lines: tuple[PaperLine, ...]


@dataclass(frozen=True, slots=True)
class ShareStatement:
    """A member's shares in a year."""

    source: Source
    member: str
    name: str
    address: str
    joined_on: date
    status: str
    year: int
    end: date
    classes: tuple[ShareLine, ...]
    total: Minor
    one_vote: bool  # has a membership share, paid in full where the class does not take instalments as shares at once


def share_statement(books: Books, ref: str, year: int) -> ShareStatement:
    """Shares of a member in a calendar year, up to the business date where the year is not over."""
    told = member(books, ref, date(year, 1, 1), date(year, 12, 31))
    classes = tuple(_classes(books, told))
    membership = books.find(records.ShareClass, "901")
    at_once = membership is not None and membership.installments == "at-once"
    return ShareStatement(
        source=told.source, member=ref, name=told.name, address=told.address, joined_on=told.joined_on,
        status=told.status, year=year, end=min(told.end, told.source.business_date or told.end), classes=classes,
        total=sum(each.closing for each in classes),
        one_vote=any(each.code == "901" and (each.closing if at_once else each.held) for each in classes),
    )  # fmt: skip


def _classes(books: Books, told: MemberReport) -> Iterator[ShareLine]:
    waiting = {account.code: account.closing for account in told.accounts if account.kind == "subscription"}
    held = {account.code.partition("/")[0]: account for account in told.accounts if account.kind == "shares"}
    for code, kind in books.every(records.ShareClass):
        account = held.get(code)
        subscribed = waiting.get(f"875/{told.member}" if code == "901" else f"875/{told.member}.{code}", 0)
        if account is None and not subscribed:
            continue
        opening, closing = (account.opening, account.closing) if account else (0, 0)
        yield ShareLine(
            code=code, name=kind.name, par=kind.par, held_before=opening // kind.par, held=closing // kind.par,
            opening=opening, issued=account.money_in if account else 0, paid_back=account.money_out if account else 0,
            closing=closing, subscribed=subscribed, missing=kind.par - subscribed if subscribed else 0,
            lines=tuple(
                PaperLine(line.on, line.words, line.receipt, line.money_in, line.money_out, line.balance)
                for line in (account.lines if account else ())
            ),
        )  # fmt: skip


# ------------------------------------------------------------------------------------- taxes


@dataclass(frozen=True, slots=True)
class TaxYear:
    """Interest of a calendar year between a member and the institution. No advice, and no form of any office."""

    source: Source
    member: str
    name: str
    address: str
    tax_id: str  # its last four characters, masked; empty: none is known
    year: int
    complete: bool  # the books have come to the year's end
    savings_interest: Minor  # credited, before what was withheld
    withheld: Minor
    notes_interest: Minor  # paid on notes
    loan_interest: Minor  # that the member paid, with the cost of loans repaid from revenue
    patronage: Minor
    reported_from: Minor
    reportable: bool


def tax_year(books: Books, ref: str, year: int) -> TaxYear:
    """Interest that a member received and paid in a calendar year."""
    start, end = date(year, 1, 1), date(year, 12, 31)
    told = member(books, ref, start, end)
    body = books.get(records.Member, ref, "member")
    credited, withheld = _credited(books, ref, start, end)
    notes = sum(
        note_statement(books, number, start, end).interest_paid
        for number, note in books.about(records.Note, ref)
        if note.member == ref
    )
    paid = sum(loan.paid_this_year.interest for loan in told.loans)
    known = books.personal(body.tax_id)
    currency = told.source.currency
    threshold = parse_amount(REPORTED_FROM, currency) if currency == "USD" else 0
    return TaxYear(
        source=told.source, member=ref, name=told.name, address=told.address,
        tax_id=f"•••••{known[-4:]}" if known and body.tax_id else "", year=year, complete=told.complete,
        savings_interest=credited, withheld=withheld, notes_interest=notes, loan_interest=paid,
        patronage=_patronage(books, ref, start, end),
        reported_from=threshold, reportable=credited + notes >= threshold > 0,
    )  # fmt: skip


def _credited(books: Books, ref: str, start: date, end: date) -> tuple[int, int]:
    """Interest credited to a member's savings, and what was withheld of it; both from the credits' own entries."""
    gross, withheld = books.tx.row(
        "SELECT sum(CASE WHEN p.amount < 0 THEN -p.amount END), sum(CASE WHEN p.amount > 0 THEN p.amount END)"
        " FROM account a JOIN posting p ON p.account_id = a.id JOIN entry e ON e.id = p.entry_id"
        " JOIN operation o ON o.id = e.operation_id"
        " WHERE a.holder = ? AND a.gl_code = '905' AND e.effective_on BETWEEN ? AND ?"
        " AND o.kind IN ('credit-interest', 'credit-interest-part')",
        ref, start.isoformat(), end.isoformat(),
    ) or (0, 0)  # fmt: skip
    return int(gross or 0), int(withheld or 0)


def _patronage(books: Books, ref: str, start: date, end: date) -> int:
    """Patronage that is income of a year: allocated in it, in money or retained and qualified."""
    found = books.tx.value(
        "SELECT -sum(p.amount) FROM account a JOIN posting p ON p.account_id = a.id JOIN entry e ON e.id = p.entry_id"
        " JOIN operation o ON o.id = e.operation_id WHERE a.holder = ? AND a.gl_code IN ('823', '945', '950')"
        " AND o.business_date BETWEEN ? AND ? AND o.kind IN ('allocate-surplus', 'allocate-surplus-part')"
        " AND NOT EXISTS (SELECT 1 FROM entry r WHERE r.reverses_id = e.id)",
        ref, start.isoformat(), end.isoformat(),
    )  # fmt: skip
    return int(found or 0)


# ------------------------------------------------------------------------------ confirmation


@dataclass(frozen=True, slots=True)
class ConfirmedBalance:
    """A balance that the member is asked to confirm; `owed` by the member."""

    name: str
    number: str
    balance: Minor
    owed: bool


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Every balance of a member on a day. `reply_to` is not the bank's own counter.

    `campaign` asks about one of them, if any does; where it is `negative`, only who does not agree is to answer.
    """

    source: Source
    member: str
    name: str
    address: str
    as_of: date
    balances: tuple[ConfirmedBalance, ...]
    reply_to: str
    campaign: str = ""
    negative: bool = False


def confirmation(books: Books, ref: str, day: date) -> Confirmation:
    """Balances of shares, savings, loans and notes at the end of a day."""
    told = member(books, ref, day, day)
    balances = [ConfirmedBalance(a.title, a.code, a.closing, a.owed) for a in told.accounts]
    balances += [
        ConfirmedBalance(_("Loan {loan}").format(loan=loan.ref), loan.ref, loan.closing, True) for loan in told.loans
    ]
    for number, note in books.about(records.Note, ref):
        if note.member == ref and note.issued_on <= day.isoformat():
            closing = note_statement(books, number, day, day).closing
            balances.append(ConfirmedBalance(_("Note {note}").format(note=number), number, closing, False))
    campaign, form = _campaign_of(books, day, [each.number for each in balances])
    return Confirmation(
        source=told.source, member=ref, name=told.name, address=told.address, as_of=day, balances=tuple(balances),
        reply_to=str(books.policy("auditor_address", "")).strip(), campaign=campaign, negative=form == "negative",
    )  # fmt: skip


def _campaign_of(books: Books, day: date, numbers: Sequence[str]) -> tuple[str, str]:
    """The last campaign that asks about one of these balances on that day, and its form; empty if none does."""
    for ref, campaign in reversed(books.every(records.Campaign)):
        if campaign.day == day.isoformat() and any(
            books.version(records.Confirmation.kind, confirmation_ref(ref, number)) for number in numbers
        ):
            return ref, campaign.form
    return "", ""


# ---------------------------------------------------------------------------------- declined


@dataclass(frozen=True, slots=True)
class Declined:
    """An application that was declined, and why."""

    source: Source
    application: str
    member: str
    name: str
    address: str
    product: str
    amount: Minor
    purpose: str
    asked_on: date
    decided_on: date
    reasons: tuple[str, ...]
    explained: str


def declined(books: Books, ref: str) -> Declined:
    """Why an application was declined; refuses one that was not."""
    body = books.get(records.Application, ref, "application")
    if body.state != "declined" or body.decided_on is None:
        raise WrongState(
            "Application {application} is {state}; only one that was declined has such a notice.", field="application",
            application=ref, state=translate(body.state),
        )  # fmt: skip
    who = books.get(records.Member, body.member, "member")
    product = books.find(records.Product, body.product)
    return Declined(
        source=source(books), application=ref, member=body.member, name=books.personal(who.name),
        address=books.personal(who.address), product=translate(product.title) if product else body.product,
        amount=body.amount, purpose=body.purpose, asked_on=date.fromisoformat(body.asked_on),
        decided_on=date.fromisoformat(body.decided_on),
        reasons=tuple(translate(REASONS.get(reason, reason)) for reason in body.reasons),
        explained=books.personal(body.explained),
    )  # fmt: skip
