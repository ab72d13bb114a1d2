"""Opening balances: what the old records say, taken over once, at the start of the first day.

They come from a signed trial balance of the old records, in as many batches as helps, each
asked for by one person, approved by another, and dated on the cut-over day. 990 stands
against them and must be zero in every fund when the opening is closed. What belongs to a
register comes with what the register must know: a member's leaf names a member who exists,
savings can be used at once, loans and notes come with their terms.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from coopbank.bank import records
from coopbank.bank.accrual import interest_to
from coopbank.bank.asset_plan import is_asset
from coopbank.bank.capital import VINTAGE, of_workers
from coopbank.bank.desk import Desk
from coopbank.bank.equity import CAPITAL, DIVIDENDS, NONQUALIFIED, PATRONAGE, QUALIFIED, REDEMPTIONS
from coopbank.bank.fields import (
    Code,
    Counted,
    Day,
    Every,
    MemberRef,
    Memo,
    Money,
    NoJson,
    Percent,
    Personal,
    Rate,
    SignedMoney,
    Text,
    Widget,
    json_said,
    refuse,
)
from coopbank.bank.lending.accounts import LoanAccount, tell, write
from coopbank.bank.lending.contract import REPORTED, Contract, check, drawn, first_plan
from coopbank.bank.lending.flows import Book, by_fund, difference, lines
from coopbank.bank.lending.history import OldHistory, principal_fault
from coopbank.bank.operation import CHARITY, TREASURER, Operation
from coopbank.bank.operations import suspense
from coopbank.bank.operations.books import ZERO_SUMS, EntryLine, Lines, bank_account, require_control, require_past
from coopbank.bank.operations.lending import post_loan
from coopbank.bank.operations.products import Multiple, require_lender
from coopbank.bank.operations.savings import FUND, OpenSavings, shown
from coopbank.bank.operations.shares import AT_ONCE
from coopbank.bank.operations.unclaimed import UNCLAIMED, take_over
from coopbank.errors import AlreadyExists, InvalidAmount, InvalidDate, InvalidValue, NotOffered, WrongState
from coopbank.finance.daycount import DayCount
from coopbank.finance.periods import MOST_ROWS
from coopbank.ledger.chart import POOL
from coopbank.money import format_amount
from coopbank.words import _


def _read_json(value: Any) -> Any:
    """Terms may be given as JSON text, where a form has one line for them."""
    if not isinstance(value, str):
        return value
    try:
        return json_said(value, parse_float=Decimal)
    except NoJson as error:
        raise refuse('Write the terms as JSON, for example {{"loan": "L-001", ...}}.', why=error) from error


class OldMovement(BaseModel):
    """Money that was paid on a loan before it was taken over."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    on: Day
    amount: Money


class OldReport(BaseModel):
    """A report that was accepted before the loan was taken over; a loss stands below zero."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    accepted_on: Day
    surplus: SignedMoney | None = None
    revenue: Counted | None = None


class OldLoan(BaseModel):
    """The terms of a loan that is taken over; what is owed on it stands in the lines 701/L-001, 781/L-001, M10/L-001.

    A loan repaid out of surplus or revenue comes with its history, from which its balances must follow. One
    with a schedule may say its next instalment: then what was lent and paid must fit that, and the interest too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    loan: Code
    member: MemberRef
    principal: Annotated[Money, Field(title="Amount lent")]
    annual_rate: Rate = "0"
    repayment: Literal["schedule", "surplus", "revenue"] = "schedule"
    installments: Annotated[int | None, Field(ge=1, le=MOST_ROWS)] = None
    every: Every | None = None
    first_due: Day | None = None
    day_count: DayCount = "actual/365"
    method: Literal["level", "equal-principal"] = "level"
    payment_multiple: Annotated[Money | None, Field(title="Instalments are rounded to this")] = None
    early: Annotated[Literal["next", "shorten"], Field(title="What money paid early does")] = "next"
    share_percent: Percent | None = None
    cost_cap_percent: Percent | None = None
    multiple: Multiple | None = None
    outer_date: Day | None = None
    loss_carry_forward: bool = True
    payments: Annotated[list[OldMovement], Field(max_length=500)] = []
    reports: Annotated[list[OldReport], Field(max_length=100)] = []
    purpose: Text = ""
    disbursed_on: Day
    interest_from: Annotated[Day | None, Field(title="Interest runs on from this day, if not from today")] = None
    paid_interest: Annotated[Money | None, Field(title="Interest paid so far")] = None
    paid_principal: Annotated[Counted | None, Field(title="Principal repaid so far")] = None
    next_due: Annotated[Day | None, Field(title="Due date of the oldest instalment not fully paid")] = None
    days_late: Annotated[int | None, Field(ge=0, title="Days late")] = None
    payment: Annotated[Money | None, Field(title="Regular instalment")] = None


class OldNote(BaseModel):
    """The terms of a lender's note that is taken over; what is owed stands in the lines 811/N-001 and 851/N-001."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    note: Code
    member: MemberRef | None = None
    note_class: Code = "A"
    principal: Annotated[Money, Field(title="Amount borrowed")]
    annual_rate: Rate
    issued_on: Day
    due_on: Day
    interest_from: Annotated[Day | None, Field(title="Interest runs on from this day, if not from today")] = None
    paid_interest: Annotated[Money | None, Field(title="Interest paid so far")] = None


OldLoans = Annotated[
    list[OldLoan], BeforeValidator(_read_json), Field(max_length=500, title="Terms of the loans among them"),
    Widget("json"),
]  # fmt: skip
OldNoteOrNone = Annotated[
    OldNote | None, BeforeValidator(_read_json), Field(title="Terms of the note among them"), Widget("json")
]


class OpeningBalance(Operation):
    """Take over balances from the old records, as one entry. 990 stands against them.

    Loans come with their terms, and a note with its terms and lender, one note in a batch.
    """

    name: ClassVar[str] = "opening-balance"
    title: ClassVar[str] = "Opening balances"
    subject: ClassVar[str] = "books"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    second_person: ClassVar[bool] = True

    memo: Memo = ""
    effective_on: Annotated[
        Day | None, Field(title="Balances at the start of this day (today, or earlier this month)")
    ] = None
    lines: Lines
    loans: OldLoans = []
    note: OldNoteOrNone = None
    lender: Annotated[Personal | None, Field(min_length=1, title="Lender of the note")] = None

    def serves(self, desk: Desk) -> set[str]:
        """Old balances are taken over for everybody at once, the two people's own included."""
        return set()

    def perform(self, desk: Desk) -> None:
        require_opening(desk)
        day = self.effective_on or desk.business_day
        moves = [(line.fund, line.account, line.amount) for line in self.lines]
        _require_cut_over(desk, day)
        if day < desk.business_day:
            require_past(desk, moves, day)
        seen: set[tuple[str, str]] = set()
        for number, line in enumerate(self.lines):
            self._line(desk, line, f"lines.{number}", seen, day)
        self._register_debts(desk, day)
        _require_tied_claims(desk, self.lines)
        _require_memo_pairs(desk, self.lines)
        tail = f": {self.memo}" if self.memo else ""
        desk.post(f"Opening{tail}", moves, effective_on=day)

    def _line(self, desk: Desk, line: EntryLine, field: str, seen: set[tuple[str, str]], day: date) -> None:
        desk.fund_exists(line.fund, f"{field}.fund")
        require_control(desk, line, f"{field}.account")
        _require_place(desk, line, f"{field}.account")
        _require_whose(line, f"{field}.account")
        owned = line.member is not None or re.match(r"[LN]-", line.contract)
        leaf = (line.fund, line.account)
        if owned and (leaf in seen or desk.balance(*leaf)):
            raise AlreadyExists(
                "{account} in fund {fund} has its opening balance already.", field=f"{field}.account",
                account=line.account, fund=line.fund,
            )  # fmt: skip
        seen.add(leaf)
        if line.gl_code == suspense.SUSPENSE and line.credit is not None:
            suspense.enter(desk, line.credit, day, str(desk.policy("bank_account", "FIRST")))
        if line.member is not None:
            _member_leaf(desk, line, line.member, f"{field}.account", day)

    def _register_debts(self, desk: Desk, day: date) -> None:
        """Write the loans and the note that the lines speak of; a balance without terms is refused, and the reverse."""
        if (self.note is None) != (self.lender is None):
            raise InvalidValue("A note is taken over with its terms and its lender.", field="lender")
        debts: dict[str, OldLoan | OldNote] = {old.loan: old for old in self.loans}
        if len(debts) < len(self.loans):
            raise InvalidValue("A loan stands twice among the terms.", field="loans")
        if self.note is not None:
            debts[self.note.note] = self.note
        owed: dict[str, _Owed] = {}
        for number, line in enumerate(self.lines):
            if line.gl_code not in _DEBTS:
                continue
            field = f"lines.{number}.account"
            if not isinstance(debts.get(line.contract), _DEBTS[line.gl_code]):
                raise InvalidValue(
                    "{account} has no terms.", field=field, account=line.account,
                    hint="Give the terms of each loan (loans) and of the note (note) that is taken over.",
                )  # fmt: skip
            owed.setdefault(line.contract, _Owed(line.fund)).add(line, field)
        for place, (ref, old) in enumerate(debts.items()):
            if ref not in owed:
                raise InvalidValue("No line says what is owed on {ref}.", field="lines", ref=ref)
            if isinstance(old, OldLoan):
                _register_loan(desk, old, owed[ref], day, f"loans.{place}")
            else:
                _register_note(desk, old, owed[ref], desk.keep("lender", str(self.lender)), day)


#: Control accounts whose leaves are the register of loans or of notes: 701/L-001, 851/N-001.
_DEBTS: dict[str, type[OldLoan] | type[OldNote]] = {
    "701": OldLoan, "781": OldLoan, "M10": OldLoan, "811": OldNote, "851": OldNote,
}  # fmt: skip


@dataclass(slots=True)
class _Owed:
    """What the lines say is owed on one loan or note, in minor units."""

    fund: str
    principal: int = 0
    interest: int = 0
    memo: int = 0  # interest that the books do not recognise

    def add(self, line: EntryLine, field: str) -> None:
        """Take a line in; one debt is in one fund, and is owed, not the reverse."""
        amount = line.amount if line.gl_code in ("701", "781", "M10") else -line.amount
        if line.fund != self.fund or amount < 0:
            raise InvalidValue(
                "{account} stands in one fund, on the side of what is owed.", field=field, account=line.account
            )
        if line.gl_code in ("701", "811"):
            self.principal += amount
        elif line.gl_code == "M10":
            self.memo += amount
        else:
            self.interest += amount


def _register_loan(desk: Desk, old: OldLoan, owed: _Owed, day: date, field: str) -> None:
    """Write a loan as it stands at the start of a day; `field` is where its terms stand in the request."""
    _require_number(desk, records.Loan, old.loan, "L-[0-9]{3,9}", "L-042")
    desk.get(records.Member, old.member, f"{field}.member")
    require_lender(desk, owed.fund, "fund")
    _require_dates(old.disbursed_on, old.interest_from, day, field)
    _require_lent(desk, old.principal, owed, field)
    document = _old_terms(desk, old)
    counted = _told_by_history(desk, old, owed, document, day, field)
    version = desk.version(records.LoanTerms.kind, old.loan) + 1
    loan = records.Loan(
        member=old.member, product={"schedule": "TERM", "surplus": "SURPLUS", "revenue": "REVENUE"}[old.repayment],
        product_version=1, repayment=old.repayment, funds={owed.fund: 1}, principal=old.principal,
        annual_rate=old.annual_rate, purpose=old.purpose, granted_on=old.disbursed_on.isoformat(),
        granted_by=desk.actor.user, approved_by=desk.approver, terms=version,
        events=_events_before(desk, old.loan),
    )  # fmt: skip
    terms = records.LoanTerms(
        repayment=old.repayment, document=document, early=old.early, from_day=loan.granted_on, change="taken over"
    )
    account = LoanAccount(desk, old.loan, loan, desk.currency)
    account.__dict__ |= {"contracts": {version: Contract.of(version, terms)}, "facts": []}
    held = _loaded(old, owed)
    on, data = _old_facts(old, owed, day, counted)
    done = tell(account, [("opening", on, data)], book=held, accrued_to=day)
    _require_same(desk, old, done.after.book, held)
    for fund, flows in held.items():
        for code in ("701", "781", *(("M10",) if "memo" in flows else ())):
            desk.leaf_id(fund, f"{code}/{old.loan}", old.member)
    desk.write(old.loan, terms, about=old.loan)
    write(desk, done)
    moves = lines(old.loan, old.member, done.moved)
    post_loan(desk, old.loan, old.member, f"Interest {old.loan} to {day}", moves)


def _told_by_history(
    desk: Desk, old: OldLoan, owed: _Owed, document: dict[str, Any], day: date, field: str
) -> int | None:
    """What of its payments counts towards instalments; None if its next one is not said. Refuses what does not fit."""
    repaid = old.paid_principal
    wrong = None if repaid is None else principal_fault(old.principal, repaid, owed.principal, desk.currency)
    if wrong is not None:
        wrong.field = f"{field}.{wrong.field}"
        raise wrong
    if old.next_due is None or old.repayment in REPORTED:
        for name in ("days_late", "payment", "next_due"):
            if getattr(old, name) is not None:
                raise InvalidValue(
                    "{name} is proven by the next instalment of a loan with a schedule.", field=f"{field}.{name}",
                    name=name, hint="Give next_due with it, or leave it out.",
                )  # fmt: skip
        return None
    history = history_of(old, owed.principal, owed.interest + owed.memo, document, day, desk.currency)
    for fault in history.faults():
        fault.field = f"{field}.{fault.field}"
        raise fault
    return history.counted()


def history_of(
    old: OldLoan, principal: int, interest: int, document: dict[str, Any], day: date, currency: str
) -> OldHistory:
    """A loan with a schedule as its old records tell it, `principal` and `interest` being owed; not proven yet."""
    assert old.next_due is not None, "asked of a loan whose next instalment is known"
    return OldHistory(
        plan=first_plan(document, old.disbursed_on, old.principal), currency=currency, day=day, owed=principal,
        interest=interest, next_due=old.next_due, paid_interest=old.paid_interest or 0, paid_to=old.interest_from,
        days_late=old.days_late, payment=old.payment, early=old.early,
    )  # fmt: skip


def _events_before(desk: Desk, ref: str) -> int:
    """How many events the number had, if the same loan was taken over before and that was taken back."""
    return int(
        desk.tx.value(
            "SELECT count(DISTINCT ref) FROM record WHERE kind || '' = ? AND about = ?", records.LoanEvent.kind, ref
        )
    )


def _old_terms(desk: Desk, old: OldLoan) -> dict[str, Any]:
    """The terms' document; refuses impossible terms."""
    if old.repayment not in REPORTED:
        document = scheduled_terms(old, desk.currency)
        drawn(first_plan(document, old.disbursed_on, old.principal), desk.currency)
        return document
    named = ("share_percent", "cost_cap_percent", "multiple", "every", "loss_carry_forward")
    document = {name: value for name in named if (value := getattr(old, name)) is not None}
    document |= {} if old.repayment == "revenue" else {"annual_rate": old.annual_rate, "day_count": old.day_count}
    for name in ("share_percent", "outer_date", *(("multiple",) if old.repayment == "revenue" else ())):
        if getattr(old, name) is None:
            raise InvalidValue("{field_name} is missing.", field="loans", field_name=name)
    document["outer_date"] = str(old.outer_date)
    check(document, old.repayment, old.disbursed_on, desk.currency)
    return document


def scheduled_terms(old: OldLoan, currency: str) -> dict[str, Any]:
    """The terms' document of a loan with a schedule; whether one can be drawn from it is not asked."""
    if old.installments is None:
        raise InvalidValue("{field_name} is missing.", field="loans", field_name="installments")
    document = {
        "annual_rate": old.annual_rate, "installments": old.installments, "every": old.every or {"months": 1},
        "day_count": old.day_count, "method": old.method,
    }  # fmt: skip
    if old.first_due is not None:
        document["first_due"] = old.first_due.isoformat()
    if old.payment_multiple is not None:
        document["payment_multiple"] = format_amount(old.payment_multiple, currency)
    return document


def _old_facts(old: OldLoan, owed: _Owed, day: date, counted: int | None) -> tuple[date, dict[str, Any]]:
    """The fact that states what was before, and the day from which interest runs on."""
    if old.repayment in REPORTED:
        days = [old.disbursed_on, *(each.on for each in old.payments), *(each.accepted_on for each in old.reports)]
        return min(max(days), day), {
            "advances": [[old.disbursed_on.isoformat(), old.principal]],
            "payments": [[each.on.isoformat(), each.amount] for each in old.payments],
            "reports": [
                [period, each.accepted_on.isoformat(), each.surplus, each.revenue]
                for period, each in enumerate(old.reports, start=1)
            ],
        }  # fmt: skip
    return old.interest_from or day, {
        "lent": old.principal, "disbursed_on": old.disbursed_on.isoformat(),
        "paid_principal": old.principal - owed.principal, "paid_interest": old.paid_interest or 0,
        "interest": owed.interest, "memo": owed.memo, "cut_over": day.isoformat(),
        **({} if counted is None else {"counted": counted}),
    }  # fmt: skip


def _loaded(old: OldLoan, owed: _Owed) -> Book:
    """What the lines bring into the books, as the flows of a loan."""
    paid = old.paid_interest or 0
    if old.repayment in REPORTED:
        paid = sum(each.amount for each in old.payments) - (old.principal - owed.principal)
    return by_fund(
        {
            "lent": old.principal, "principal_paid": old.principal - owed.principal,
            "earned": paid + owed.interest, "interest_paid": paid, "memo": owed.memo,
        },
        {owed.fund: 1},
    )  # fmt: skip


def _require_same(desk: Desk, old: OldLoan, told: Book, held: Book) -> None:
    """Refuse a loan repaid by reports whose history does not give its balances."""
    if old.repayment not in REPORTED or not (moved := difference(told, held)):
        return
    flows = next(iter(moved.values()))
    account, flow = next(
        (code, name)
        for name, code in (("principal_paid", "701"), ("earned", "781"), ("memo", "M10"), ("interest_paid", "781"),
                           ("waived", "781"), ("overpaid", "871"))
        if name in flows
    )  # fmt: skip
    raise InvalidAmount(
        "The history of {loan} does not give its balance: {account} is {difference} apart.", field="loans",
        loan=old.loan, account=account, difference=shown(desk, abs(flows[flow])),
        hint="Check its payments and reports, and the lines of 701, 781 and M10.",
    )  # fmt: skip


def _register_note(desk: Desk, old: OldNote, owed: _Owed, lender: records.PersonalRef, day: date) -> None:
    _require_number(desk, records.Note, old.note, "N-[0-9]{3,9}", "N-042")
    if old.member is not None:
        desk.get(records.Member, old.member, "note")
    require_lender(desk, owed.fund, "fund")
    if old.due_on <= old.issued_on:
        raise InvalidDate("A note falls due after it was issued.", field="note", hint="Check due_on and issued_on.")
    _require_dates(old.issued_on, old.interest_from, day, "note")
    _require_lent(desk, old.principal, owed, "note")
    note = records.Note(
        lender=lender, member=old.member, fund=owed.fund, note_class=old.note_class, principal=old.principal,
        annual_rate=old.annual_rate, issued_on=old.issued_on.isoformat(), due_on=old.due_on.isoformat(),
        owed_principal=owed.principal, accrued=owed.interest,
        segment_start=(old.interest_from or day).isoformat(),
        paid_principal=old.principal - owed.principal, paid_interest=old.paid_interest or 0,
    )  # fmt: skip
    for gl_code in ("811", "851"):
        desk.leaf_id(owed.fund, f"{gl_code}/{old.note}", old.member)
    earned = min(owed.interest, interest_to(note, day))
    desk.write(old.note, note.model_copy(update={"segment_accrued": earned}), about=old.member)


def _require_number(desk: Desk, kind: type[records.Body], ref: str, form: str, example: str) -> None:
    if not re.fullmatch(form, ref):
        raise InvalidValue("Such a number looks like {example}, not {ref}.", field="lines", example=example, ref=ref)
    if desk.find(kind, ref) is not None:
        raise AlreadyExists("{ref} is taken over already.", field="lines", ref=ref)


def _require_dates(since: date, interest_from: date | None, day: date, field: str) -> None:
    """Refuse money lent after the cut-over, or interest that runs from before the loan."""
    runs_from = interest_from or day
    if not since <= runs_from <= day:
        raise InvalidDate(
            "Lent on {since}, interest from {runs_from}, taken over on {day}: these days must follow each other.",
            field=field, since=since, runs_from=runs_from, day=day,
        )  # fmt: skip


def _require_lent(desk: Desk, principal: int, owed: _Owed, field: str) -> None:
    if owed.principal > principal:
        raise InvalidAmount(
            "More is owed, {owed}, than was lent, {principal}.", field=field, owed=shown(desk, owed.principal),
            principal=shown(desk, principal),
        )  # fmt: skip


def _require_cut_over(desk: Desk, day: date) -> None:
    """Refuse an opening that a month's report has shown without: registers know it from today, books from its day."""
    if not desk.business_day.replace(day=1) <= day <= desk.business_day:
        raise InvalidDate(
            "Balances are taken over as of today, {today}, or an earlier day of the same month.", field="effective_on",
            today=desk.business_day, hint="What happened since the old records ended is entered first in these.",
        )  # fmt: skip


class CloseOpening(Operation):
    """Say that all old balances are taken over. From then on nothing more is booked to 990."""

    name: ClassVar[str] = "close-opening"
    title: ClassVar[str] = "Close the opening"
    subject: ClassVar[str] = "books"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False

    def perform(self, desk: Desk) -> None:
        require_opening(desk)
        for leaf in desk.leaves("990"):
            if leaf.balance:
                raise WrongState(
                    "990 in fund {fund} still stands at {left}.", field="opening", fund=leaf.fund,
                    left=shown(desk, leaf.balance), hint="Take over what is missing, or correct it, until 990 is zero.",
                )  # fmt: skip
        for group in ZERO_SUMS:
            total = sum(leaf.balance for code in group for leaf in desk.leaves(code))
            if total:
                raise WrongState(
                    "Accounts {codes} come to {total} over all funds; they must come to zero.", field="opening",
                    codes=", ".join(group), total=shown(desk, total),
                )  # fmt: skip
        desk.write("opening", records.Opening(state="closed"))
        desk.note("The opening", _("closed"))


def require_opening(desk: Desk) -> None:
    """Refuse when the opening is closed."""
    if desk.get(records.Opening, "opening").state == "closed":
        raise WrongState(
            "The opening is closed.", field="opening",
            hint="Correct an old balance by a journal entry against 940, or 961 in a fund of its own.",
        )  # fmt: skip


#: What is payable to members, and what is retained of theirs: no operation pays what stands there and is nobody's.
_MEMBERS_OWN = frozenset({DIVIDENDS, PATRONAGE, QUALIFIED, NONQUALIFIED})


def _require_place(desk: Desk, line: EntryLine, field: str) -> None:
    """Cash stands where the books can find it again: shared accounts and the vault in POOL, others in their fund."""
    gl_code, contract = line.gl_code, line.contract
    if line.fund == POOL and gl_code not in ("731", "739", "879"):
        raise InvalidValue("POOL holds cash and what it owes the funds, nothing else.", field=field)
    if gl_code == "731":
        account = bank_account(desk, line, field)
        if account.fund != line.fund:
            raise InvalidValue(
                "Bank account {contract} is in fund {fund}.", field=field, contract=contract, fund=account.fund
            )
    elif gl_code == "739" and (line.fund, contract) != (POOL, "VAULT"):
        raise InvalidValue(
            "Cash is taken over in the vault: POOL 739/VAULT.", field=field,
            hint="A drawer gets its float with open-drawer.",
        )  # fmt: skip
    elif gl_code == "735":
        raise InvalidValue(
            "Cheques on hand are not taken over.", field=field, hint="Bank them first, or take them in again as tender."
        )
    elif (gl_code == "879" and line.fund != POOL) or (gl_code == "729" and contract):
        raise InvalidValue("Claims stand as 729 in the fund and as 879/FUND in POOL.", field=field)
    elif gl_code == "879":
        desk.fund_exists(contract, field)
    elif gl_code == CAPITAL:
        _require_worker(desk, line, field)
    elif gl_code == "801":
        raise InvalidValue("Bills are not taken over.", field=field, hint="Enter the open ones with enter-bill.")
    elif is_asset(contract):
        raise InvalidValue(
            "Assets are taken over without a number: {code}.", field=field, code=gl_code,
            hint="Then give each its number with enter-asset.",
        )  # fmt: skip


def _require_whose(line: EntryLine, field: str) -> None:
    """What is owed to members is taken over with whose it is, as operations pay it that ask for a member."""
    if line.gl_code in _MEMBERS_OWN and not line.contract:
        raise InvalidValue(
            "What stands on {code} is members' own: it is taken over member by member.", field=field, code=line.gl_code,
            hint="Name the member after a stroke: {code}/M0001",
        )  # fmt: skip
    if line.gl_code == REDEMPTIONS:
        raise InvalidValue(
            "Redemptions that wait are not taken over.", field=field,
            hint="Take over the shares (901/M0001), and accept the redemption anew (accept-redemption).",
        )  # fmt: skip


def _require_worker(desk: Desk, line: EntryLine, field: str) -> None:
    """Internal capital is of a worker co-op's own workers, by vintage."""
    if not of_workers(desk):
        raise NotOffered(
            "Internal capital accounts (950) are of a worker co-operative's own book.", field=field,
            hint="Keep them in books of that co-operative: coopbank init --kind worker-coop",
        )  # fmt: skip
    if line.fund != FUND or not VINTAGE.fullmatch(line.contract):
        raise InvalidValue(
            "Internal capital stands in fund {fund}, by worker and vintage.", field=field, fund=FUND,
            hint="Write it as GEN 950/M0001/2024.",
        )  # fmt: skip


def _member_leaf(desk: Desk, line: EntryLine, member: str, field: str, day: date) -> None:
    """A leaf of a member: the member exists, shares are whole, savings can be used at once."""
    desk.get(records.Member, member, field)
    if line.gl_code in ("901", "903") and line.credit is not None:
        kind = desk.get(records.ShareClass, line.gl_code, field)
        if line.credit % kind.par and kind.installments != AT_ONCE:
            raise InvalidAmount(
                "Shares are whole: write a multiple of {par}.", field=field, par=shown(desk, kind.par),
                hint="What was paid towards a share stands in 875.",
            )  # fmt: skip
    if line.gl_code == "905":
        _open_savings(desk, line, member, field, day)
    if line.gl_code == UNCLAIMED and line.credit is not None:
        take_over(desk, member, line.fund, line.credit)
    desk.leaf_id(line.fund, line.account, member)


def _open_savings(desk: Desk, line: EntryLine, member: str, field: str, day: date) -> None:
    if line.fund != FUND or "/" in line.contract:
        raise InvalidValue("Savings stand in fund {fund}, as 905/M0007.", field=field, fund=FUND)
    kind = desk.institution().institution_kind
    if kind == CHARITY:
        raise NotOffered("A charity does not keep members' savings.", field=field)
    if kind not in OpenSavings.offered_by:  # nobody could take them out again
        raise NotOffered("A worker co-operative does not keep members' savings.", field=field)
    ref = f"S-{line.contract}"
    if desk.find(records.Savings, ref) is not None:
        return
    body = records.Savings(member=member, account=line.contract, opened_on=day.isoformat())
    desk.write(ref, body, about=member)


def _require_tied_claims(desk: Desk, lines: Sequence[EntryLine]) -> None:
    """What a fund claims is what the pool owes it, in the same batch."""
    claims: dict[str, int] = defaultdict(int)
    for line in lines:
        if line.gl_code == "729":
            claims[line.fund] += line.amount
        elif line.gl_code == "879":
            claims[line.contract] += line.amount
    for fund, apart in claims.items():
        if apart:
            raise InvalidValue(
                "Fund {fund} claims other money (729) than POOL owes it (879/{fund}): {difference} apart.",
                field="lines", fund=fund, difference=shown(desk, abs(apart)),
            )  # fmt: skip


def _require_memo_pairs(desk: Desk, lines: Sequence[EntryLine]) -> None:
    pairs: dict[tuple[str, str], int] = defaultdict(int)
    for line in lines:
        if line.gl_code.startswith("M"):
            pairs[line.fund, line.gl_code[:2]] += line.amount
    for (fund, pair), apart in pairs.items():
        if apart:
            raise InvalidValue(
                "Memo accounts {pair}0 and {pair}9 differ by {difference} in fund {fund}.", field="lines", pair=pair,
                difference=shown(desk, abs(apart)), fund=fund,
            )  # fmt: skip
