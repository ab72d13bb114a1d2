"""A member's affairs in a period: everything that a statement shows, so that it has nothing to reckon.

Amounts here are in the member's own sign: what they have with the institution is positive
in shares and savings, what they owe is positive in loans. A running balance stands on
every line. As-of is by effective date; lines posted after the period's last day are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.errors import InvalidDate
from coopbank.finance.apy import apy_earned, average_daily_balance, balance_spans
from coopbank.finance.periods import add_months
from coopbank.ledger import periods
from coopbank.money import format_amount, round_minor
from coopbank.reports.dates import month_bounds
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.loan_lines import Piece, changes, pieces
from coopbank.reports.loan_words import report_words
from coopbank.reports.movements import (
    MemberLeaf,
    Movement,
    balances_before,
    loans_of,
    member_leaves,
    movements_of,
)
from coopbank.reports.totals import CLOSE, require_period
from coopbank.reports.wording import Wording
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.bank.lending.position import Position

Kind = Literal["shares", "subscription", "savings", "unapplied", "owing", "other"]
_KINDS: dict[str, Kind] = {
    "901": "shares", "903": "shares", "875": "subscription", "905": "savings", "871": "unapplied", "791": "owing",
}  # fmt: skip
_SHOWN_EMPTY = ("shares", "savings")
_ORDER = ("shares", "subscription", "savings", "unapplied", "other", "owing")
_FEES, _CHARGE = "791", "charge-late-fee"
_SAVINGS_FUND = "GEN"  # as bank/operations/savings.py has it


@dataclass(frozen=True, slots=True)
class Line:
    """A movement of an account; `receipt` is its operation, `late` says that it was back-dated after the period."""

    on: date
    words: str
    money_in: Minor
    money_out: Minor
    balance: Minor
    receipt: int
    posted_on: date
    late: bool


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the member in the period. `owed`: it stands for what the member owes."""

    kind: Kind
    code: str  # 905/M0007
    title: str
    note: str  # what there is to say about it: "1 share of 25.00", a rate
    owed: bool
    opening: Minor
    money_in: Minor
    money_out: Minor
    closing: Minor
    held: Minor  # of the closing balance, not available yet
    available: Minor
    lines: tuple[Line, ...]
    earned: Minor = 0  # interest that the days of the period earned, credited or not
    annual_yield: str = ""  # percent a year that this comes to, two decimals (12 CFR 1030, appendix A); empty: none


@dataclass(frozen=True, slots=True)
class LoanLine:
    """A movement of a loan: what was added to what is owed, or paid, and how the payment was shared."""

    on: date
    words: str
    added: Minor
    paid: Minor
    interest: Minor  # of `paid`
    principal: Minor  # of `paid`
    balance: Minor
    receipt: int
    posted_on: date
    late: bool
    fees: Minor = 0  # of `paid`


@dataclass(frozen=True, slots=True)
class Paid:
    """What was paid on a loan in a span of time."""

    interest: Minor
    principal: Minor
    total: Minor
    fees: Minor = 0


@dataclass(frozen=True, slots=True)
class LoanAccount:
    """A loan in the period, and what is due on its last day (or on the business date, if that is earlier).

    What is owed is what the contract says, whatever the books recognise of it; interest stands
    in it as far as the closes and payments have brought it.
    """

    ref: str
    purpose: str
    state: str  # granted, active, paid, charged-off
    agreed: Minor
    annual_rate: str
    disbursed_on: date | None
    last_due: date
    opening: Minor
    added: Minor
    closing: Minor
    owed_principal: Minor
    owed_interest: Minor
    paid: Paid
    paid_this_year: Paid
    as_of: date
    due_now: Minor
    due_since: date | None
    days_late: int
    next_due: date | None
    next_amount: Minor
    payoff: Minor
    lines: tuple[LoanLine, ...]
    owed_fees: Minor = 0
    repayment: str = "schedule"  # schedule, line, surplus, revenue
    terms: Mapping[str, Any] = field(default_factory=dict)  # in force, as the loan's record has them
    available: Minor = 0  # can still be drawn or paid out
    reports: tuple[str, ...] = ()  # of a loan repaid by reports: what is due and why, in words


@dataclass(frozen=True, slots=True)
class Total:
    """A kind of account, all of that kind together."""

    opening: Minor
    money_in: Minor
    money_out: Minor
    closing: Minor


@dataclass(frozen=True, slots=True)
class Fees:
    """Fees of a kind that were charged, less those taken back; also where there were none."""

    name: str
    period: Minor
    year: Minor  # from 1 January to the period's last day


@dataclass(frozen=True, slots=True)
class MemberReport:
    """Everything between a member and the institution in a period."""

    source: Source
    member: str
    name: str
    address: str
    entity: str
    language: str
    status: str
    joined_on: date
    start: date
    end: date
    days: int
    complete: bool  # the books have come to the last day
    interest_to_come: bool  # the last month is over and not closed: its close will add interest to a loan
    accounts: tuple[Account, ...]
    loans: tuple[LoanAccount, ...]
    total_had: Total  # shares, savings and everything else that is the member's
    total_owed: Total  # loans and everything else that the member owes
    late: tuple[Line | LoanLine, ...]  # back-dated into the period after its last day
    fees: tuple[Fees, ...] = ()

    @property
    def due_now(self) -> int:
        """What is due on all loans together."""
        return sum(loan.due_now for loan in self.loans)


def member(books: Books, ref: str, start: date, end: date) -> MemberReport:
    """The member's accounts, loans and every movement from `start` to `end`, both included."""
    require_period(start, end)
    body = books.get(records.Member, ref, "member")
    business_date = books.business_date() or end
    if start > business_date:
        raise InvalidDate(
            "The period starts on {start}; the books stand at {today}.", field="from", start=start, today=business_date
        )
    origin = source(books)
    loans = {n: loan for n, loan in loans_of(books, ref).items() if loan.granted_on <= end.isoformat()}
    leaves = member_leaves(books, ref, loans)
    first = min(start, date(end.year, 1, 1)) if loans else start
    moves = movements_of(books.tx, leaves, first, end)
    wording = Wording(books, origin.institution_kind, _acts(chain.from_iterable(moves.values())))
    reader = _Reader(books, origin.currency, start, end, wording)
    accounts = reader.accounts(leaves, moves)
    shown_loans = reader.loans(loans, leaves, moves)
    late: list[Line | LoanLine] = [line for account in accounts for line in account.lines if line.late]
    late += [line for loan in shown_loans for line in loan.lines if line.late]
    return MemberReport(
        source=origin, member=ref, name=books.personal(body.name), address=books.personal(body.address),
        entity=body.entity, language=body.language, status=body.status, joined_on=date.fromisoformat(body.joined_on),
        start=start, end=end, days=(end - start).days + 1, complete=business_date >= end,
        interest_to_come=business_date >= end and _open_month(books, end, shown_loans),
        accounts=accounts, loans=shown_loans,
        total_had=_total([a for a in accounts if not a.owed]),
        total_owed=_total([a for a in accounts if a.owed], shown_loans),
        late=tuple(sorted(late, key=lambda line: (line.on, line.receipt))),
        fees=_fees(leaves, moves, start, end),
    )  # fmt: skip


def _fees(
    leaves: Sequence[MemberLeaf], moves: Mapping[int, Sequence[Movement]], start: date, end: date
) -> tuple[Fees, ...]:
    """Fees by kind. Accounts bear none: no operation charges one."""
    charged = [
        (move.on, move.net)
        for leaf in leaves
        if leaf.of_loan and leaf.gl_code == _FEES
        for move in moves[leaf.id]
        if _CHARGE in (move.kind, move.corrects_kind)
    ]
    year = sum(net for on, net in charged if on.year == end.year)
    late = Fees(_("Late fees of loans"), sum(net for on, net in charged if on >= start), year)
    return (Fees(_("Fees of shares and savings"), 0, 0), late)


def _open_month(books: Books, end: date, loans: Sequence[LoanAccount]) -> bool:
    """Whether the period ends with a month whose close will still add interest to a loan."""
    closed = periods.state(books.tx, end.isoformat()[:7]) == periods.LOCKED
    return end == month_bounds(end)[1] and not closed and any(loan.state == "active" for loan in loans)


def _acts(moves: Iterable[Movement]) -> Iterable[tuple[int, str]]:
    for move in moves:
        yield move.operation, move.kind
        if move.corrects is not None and move.corrects_kind is not None:
            yield move.corrects, move.corrects_kind


def _total(accounts: Sequence[Account], loans: Sequence[LoanAccount] = ()) -> Total:
    return Total(
        opening=sum(a.opening for a in accounts) + sum(loan.opening for loan in loans),
        money_in=sum(a.money_in for a in accounts) + sum(loan.added for loan in loans),
        money_out=sum(a.money_out for a in accounts) + sum(loan.paid.total for loan in loans),
        closing=sum(a.closing for a in accounts) + sum(loan.closing for loan in loans),
    )


def is_late(move: Movement, end: date) -> bool:
    """Posted after the period's last day, and not by the close of its last month, which always comes after it."""
    return move.posted_on > end and move.kind != CLOSE


class _Reader:
    """Turns leaves and their movements into accounts and loans of one period."""

    def __init__(self, books: Books, currency: str, start: date, end: date, wording: Wording) -> None:
        self.books = books
        self.currency = currency
        self.start = start
        self.end = end
        self.wording = wording

    # ------------------------------------------------------------------ accounts

    def accounts(self, leaves: Sequence[MemberLeaf], moves: dict[int, list[Movement]]) -> tuple[Account, ...]:
        """Shares, savings and what else there is; a subscription, a claim or the like only if it is not empty."""
        own = [leaf for leaf in leaves if not leaf.of_loan]
        before = balances_before(self.books.tx, own, self.start)
        made = [(leaf, self._account(leaf, before[leaf.id], self._inside(moves[leaf.id]))) for leaf in own]
        kept = [
            a for leaf, a in made if a.opening or a.lines or (a.kind in _SHOWN_EMPTY and leaf.opened_on <= self.end)
        ]
        return tuple(sorted(kept, key=lambda a: (_ORDER.index(a.kind), a.code)))

    def _inside(self, moves: list[Movement]) -> list[Movement]:
        return [move for move in moves if move.on >= self.start]

    def _account(self, leaf: MemberLeaf, before: int, moves: list[Movement]) -> Account:
        kind = _KINDS.get(leaf.gl_code, "other")
        sign = 1 if leaf.side == "debit" else -1
        opening = balance = sign * before
        lines = []
        for move in moves:
            if move.net:
                balance += sign * move.net
                lines.append(self._line(leaf, move, sign * move.net, balance))
        held = self._held(leaf) if kind == "savings" else 0
        earned, annual_yield = self._earned(leaf, opening, moves) if kind == "savings" else (0, "")
        return Account(
            kind=kind, code=leaf.code, title=self._title(kind, leaf), note=self._note(kind, leaf, balance),
            owed=leaf.side == "debit", opening=opening, money_in=sum(line.money_in for line in lines),
            money_out=sum(line.money_out for line in lines), closing=balance, held=min(held, max(0, balance)),
            available=max(0, balance - held), lines=tuple(lines), earned=earned, annual_yield=annual_yield,
        )  # fmt: skip

    def _earned(self, leaf: MemberLeaf, opening: int, moves: list[Movement]) -> tuple[int, str]:
        """Interest of the period's days, to the cent, and the yield that it comes to; it is credited each quarter."""
        savings = self.books.find(records.Savings, f"S-{leaf.contract}")
        first, last = max(self.start, leaf.opened_on), min(self.end, self.books.business_date() or self.end)
        if savings is None or not savings.annual_rate.strip("0.") or last < first:
            return 0, ""
        spans = balance_spans(opening, [(move.on, -move.net) for move in moves], first, last)
        average, days = average_daily_balance(spans), sum(length for _balance, length in spans)
        earned = round_minor(average * days * Fraction(Decimal(savings.annual_rate)) / 36_500)
        balance = round_minor(average)
        if balance <= 0:
            return 0, ""
        quarter = date(last.year, 3 * ((last.month - 1) // 3) + 1, 1)
        compounding = (add_months(quarter, 3) - quarter).days
        return earned, str(apy_earned(earned, balance, days, compounding))

    def _line(self, leaf: MemberLeaf, move: Movement, amount: int, balance: int) -> Line:
        words = self.wording.words(move.operation, leaf.gl_code, up=amount > 0, on=move.on, corrects=move.corrects)
        return Line(
            on=move.on, words=words, money_in=max(amount, 0), money_out=max(-amount, 0), balance=balance,
            receipt=move.operation, posted_on=move.posted_on, late=is_late(move, self.end),
        )  # fmt: skip

    def _held(self, leaf: MemberLeaf) -> int:
        """What of a savings account waited on the last day, as was known then."""
        return self.books.holds(leaf.fund, leaf.code, self.end)

    def _title(self, kind: Kind, leaf: MemberLeaf) -> str:
        if kind == "shares":
            return {"901": _("Membership share"), "903": _("Investment shares")}.get(leaf.gl_code, _("Shares"))
        if kind == "savings":
            return _("Savings account {number}").format(number=f"S-{leaf.contract}")
        if kind == "subscription":
            return _("Paid towards a share")
        if kind == "unapplied":
            return _("Kept for you, not yet used")
        return _("Returned items") if kind == "owing" else _(self.books.control_name(leaf.gl_code))

    def _note(self, kind: Kind, leaf: MemberLeaf, balance: int) -> str:
        if kind == "shares":
            found = self.books.find(records.ShareClass, leaf.gl_code)
            return "" if found is None else shares_in_words(balance, found.par, self.currency)
        if kind == "savings" and leaf.fund == _SAVINGS_FUND:
            savings = self.books.find(records.Savings, f"S-{leaf.contract}")
            if savings is not None and savings.annual_rate.strip("0."):
                return _("Interest {rate} % a year").format(rate=savings.annual_rate)
        return ""

    # --------------------------------------------------------------------- loans

    def loans(
        self, loans: dict[str, records.Loan], leaves: Sequence[MemberLeaf], moves: dict[int, list[Movement]]
    ) -> tuple[LoanAccount, ...]:
        """Loans that were owed or moved in the period, or wait to be paid out."""
        found = []
        for ref in loans:
            own = [leaf for leaf in leaves if leaf.of_loan and leaf.contract == ref]
            made = self._loan(ref, own, moves)
            if made.opening or made.lines or made.state in ("granted", "active"):
                found.append(made)
        return tuple(found)

    def _loan(self, ref: str, leaves: Sequence[MemberLeaf], moves: dict[int, list[Movement]]) -> LoanAccount:
        from coopbank.bank.lending.position import loan_position  # not on top: the other reports need not wait for it

        as_of = min(self.end, self.books.business_date() or self.end)
        at = loan_position(self.books, ref, as_of)
        balance = opening = sum(balances_before(self.books.tx, leaves, self.start).values())
        made = [move for leaf in leaves for move in moves[leaf.id]]
        cost = at.loan.repayment == "revenue"
        found = pieces(made, changes(self.books, ref), self.wording, cost=cost)
        lines = []
        for piece in found:
            if piece.on >= self.start:
                balance += piece.added - piece.paid
                lines.append(_loan_line(piece, balance, self.end))
        year = [piece for piece in found if piece.on.year == self.end.year]
        return _loan_account(at, opening, balance, lines, year)


def _loan_line(piece: Piece, balance: int, end: date) -> LoanLine:
    return LoanLine(
        on=piece.on, words=piece.words, added=piece.added, paid=piece.paid, interest=piece.interest,
        principal=piece.principal, balance=balance, receipt=piece.move.operation, posted_on=piece.move.posted_on,
        late=is_late(piece.move, end), fees=piece.fees,
    )  # fmt: skip


def _loan_account(at: Position, opening: int, closing: int, lines: list[LoanLine], year: list[Piece]) -> LoanAccount:
    disbursed = at.loan.disbursed_on
    principal, fees = at.standing.principal, at.standing.fees
    return LoanAccount(
        ref=at.ref, purpose=at.loan.purpose, state=at.state, agreed=at.loan.principal, annual_rate=at.loan.annual_rate,
        disbursed_on=None if disbursed is None else date.fromisoformat(disbursed), last_due=at.last_due,
        opening=opening, added=sum(line.added for line in lines), closing=closing,
        owed_principal=principal, owed_interest=closing - principal - fees, owed_fees=fees,
        paid=_paid((line.interest, line.principal, line.fees) for line in lines),
        paid_this_year=_paid((piece.interest, piece.principal, piece.fees) for piece in year),
        as_of=at.as_of, due_now=at.due_now, due_since=at.due_since, days_late=at.days_late, next_due=at.next_due,
        next_amount=at.next_amount, payoff=at.payoff, lines=tuple(lines), repayment=at.loan.repayment,
        terms=at.contract.document, available=at.available, reports=report_words(at),
    )  # fmt: skip


def _paid(parts: Iterable[tuple[int, int, int]]) -> Paid:
    interest = principal = fees = 0
    for of_interest, of_principal, of_fees in parts:
        interest, principal, fees = interest + of_interest, principal + of_principal, fees + of_fees
    return Paid(interest, principal, interest + principal + fees, fees)


def shares_in_words(amount: int, par: int, currency: str) -> str:
    """`1 share of 25.00`, `12 shares of 100.00 each`, from what they are worth together in minor units."""
    count = amount // par if par else 0
    text = format_amount(par, currency, grouping=True)
    if count == 1:
        return _("1 share of {par}").format(par=text)
    return _("{count} shares of {par} each").format(count=count, par=text)
