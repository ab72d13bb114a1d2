"""Risk of loans, and what is set aside for it: grades, the table of rates, the month's provision.

The provision brings the allowance (719) of each fund to what its own loans need by the table
in force, and a reserve (863) to what the table asks for promises that are not paid out. The
whole reckoning is kept: every loan with its bucket, grade, balance, rate and amount, and the
version of the table, so that whoever doubts a figure can reckon it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import Day, Decided, LoanRef, Memo, Money, Widget, clean_text, refuse
from coopbank.bank.lending.accounts import LoanAccount
from coopbank.bank.lending.allowance import (
    GRADES,
    REPORTED_GRADE,
    TABLE,
    Exposure,
    Reckoning,
    grade_of,
    in_force,
    last_provision,
    missing,
    reckon,
    tables,
)
from coopbank.bank.lending.closing import all_loans
from coopbank.bank.lending.delinquency import BESIDE, BUCKETS, CURRENT, classify, in_parts, known_on, loans_on
from coopbank.bank.operation import LOAN_OFFICER, TREASURER, Operation
from coopbank.bank.operations.closing import Month, last_day
from coopbank.bank.operations.savings import shown
from coopbank.errors import AlreadyExists, InvalidAmount, InvalidDate, InvalidValue, PeriodLocked, WrongState
from coopbank.ledger import periods
from coopbank.ledger.balances import control_totals
from coopbank.ledger.posting import head
from coopbank.words import _

# --------------------------------------------------------------------------------- rates, as written

_RATE = re.compile(r"([A-Za-z0-9][A-Za-z0-9 -]*?)\s*[ :=]\s*([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*%?")
_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?")


def _read_percent(value: Any) -> str:
    text = clean_text(str(value) if isinstance(value, Decimal) else value)
    if not isinstance(text, str) or not _PERCENT.fullmatch(text) or Decimal(text) > 100:
        raise refuse('Write a percentage from 0 to 100 as text, for example "2.5".')
    return text


def _read_rates(value: Any) -> Any:
    """Rates by name: "1-30 2, 31-60 10", or {"1-30": "2"}."""
    if isinstance(value, str):
        parts = [_RATE.fullmatch(part.strip()) for part in value.split(",") if part.strip()]
        if not all(parts):
            raise refuse('Write each name with its percentage, for example "1-30 2, 31-60 10".')
        if len({match[1] for match in parts if match}) < len(parts):
            raise refuse("Name each once.")
        value = {match[1]: match[2] for match in parts if match}
    if not isinstance(value, dict):
        raise refuse('Write each name with its percentage, for example "1-30 2, 31-60 10".')
    return {name: _read_percent(percent) for name, percent in value.items()}


Share = Annotated[str, BeforeValidator(_read_percent), Widget("rate")]
Rates = Annotated[
    dict[str, str], BeforeValidator(_read_rates), Widget("text"),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}], "examples": ["1-30 2", {"1-30": "2"}]}),
]  # fmt: skip
Grade = Annotated[Literal["1", "2", "3", "4", "5"], Widget("choice")]


# ------------------------------------------------------------------------------------------ grades


class GradeLoan(Operation):
    """Grade the risk of a loan, from 1 (strong) to 5 (doubtful), and set a specific allowance if one is needed."""

    name: ClassVar[str] = "grade-loan"
    title: ClassVar[str] = "Grade a loan"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER,)
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # the next grade changes it

    loan: LoanRef
    grade: Annotated[Grade, Field(title="Grade (1 strong, 2 sound, 3 watch, 4 weak, 5 doubtful)")]
    reserve: Annotated[Money | None, Field(title="Specific allowance, if not by the table")] = None
    why: Annotated[Memo, Field(min_length=1, title="Why")]

    def serves(self, desk: Desk) -> set[str]:
        loan = desk.find(records.Loan, self.loan)
        return set() if loan is None else {loan.member}

    def perform(self, desk: Desk) -> None:
        loan = desk.get(records.Loan, self.loan, "loan")
        if loan.state not in ("granted", "active"):
            raise WrongState("Loan {loan} is {state}.", field="loan", loan=self.loan, state=_(loan.state))
        if (loan.grade, loan.reserve) == (self.grade, self.reserve):
            raise InvalidValue("Loan {loan} is graded so already.", field="grade", loan=self.loan)
        owed = LoanAccount(desk, self.loan, loan, desk.currency).standing(desk.business_day).principal
        if self.reserve is not None and self.reserve > owed:
            raise InvalidAmount(
                "Only {owed} of principal is owed on loan {loan}.", field="reserve", owed=shown(desk, owed),
                loan=self.loan, hint="A specific allowance is at most that.",
            )  # fmt: skip
        after = loan.model_copy(update={"grade": self.grade, "reserve": self.reserve})
        desk.write(self.loan, after, about=loan.member)
        desk.note("Grade", f"{self.grade} {_(GRADES[self.grade])}")
        if self.reserve is not None:
            desk.note("Specific allowance", shown(desk, self.reserve))


# --------------------------------------------------------------------------------------- the table


class SetAllowanceTable(Operation):
    """Set the rates by which losses are provided for, from a day on. What is not named stays as it is."""

    name: ClassVar[str] = "set-allowance-table"
    title: ClassVar[str] = "Set the allowance table"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # the next table changes it
    decided_as: ClassVar[tuple[str, ...]] = ("policy",)
    decided_amount: ClassVar[str] = ""

    from_day: Annotated[Day, Field(title="In force from")]
    buckets: Annotated[Rates, Field(title="Percent by lateness, for example: 1-30 2, 31-60 10")] = {}
    grades: Annotated[Rates, Field(title="Percent by grade, for example: 4 20, 5 50")] = {}
    commitments: Annotated[Share | None, Field(title="Percent of what is promised and not paid out")] = None
    why: Annotated[Memo, Field(min_length=1, title="Why")]
    resolution: Decided = None

    def perform(self, desk: Desk) -> None:
        last = last_provision(desk)
        if last is not None and self.from_day.isoformat() <= last[1].on:
            raise InvalidDate(
                "{day} is not after the last provision, which was reckoned on {last}.", field="from_day",
                day=self.from_day, last=last[1].on, hint="What was reckoned by a table stays as it is.",
            )  # fmt: skip
        known = tables(desk)
        found = in_force(known, self.from_day)
        before = None if found is None else found[1]
        table = records.AllowanceTable(
            from_day=self.from_day.isoformat(), author=desk.actor.user, why=self.why,
            buckets=_named("buckets", self.buckets, before.buckets if before else {}, BUCKETS),
            grades=_named("grades", self.grades, before.grades if before else {}, GRADES),
            commitments=self.commitments or (before.commitments if before else "0"),
        )  # fmt: skip
        self._require_sense(table, before)
        desk.write(TABLE, table)
        desk.note("Version", str(max(known, default=0) + 1))
        desk.note("In force from", self.from_day.isoformat())

    def _require_sense(self, table: records.AllowanceTable, before: records.AllowanceTable | None) -> None:
        if left_out := missing(table):
            raise InvalidValue(
                "The table says nothing of: {names}.", field="buckets", names=", ".join(left_out),
                hint="Give every bucket and every grade its percentage.",
            )  # fmt: skip
        if before is not None and (table.buckets, table.grades, Decimal(table.commitments)) == (
            before.buckets, before.grades, Decimal(before.commitments),
        ):  # fmt: skip
            raise InvalidValue("These rates are in force already.", field="buckets")
        for bucket in BESIDE:
            if not Decimal(table.buckets[bucket]):
                raise InvalidValue(
                    "Loans repaid by reports are hardly ever late: {bucket} may not be 0.", field="buckets",
                    bucket=bucket, hint="Give it a percentage above 0, or they would stand without any allowance.",
                )  # fmt: skip
        if not Decimal(table.grades[REPORTED_GRADE]):
            raise InvalidValue(
                "Grade {grade} is what loans repaid by reports have until they are graded; it may not be 0.",
                field="grades", grade=REPORTED_GRADE,
            )  # fmt: skip


def _named(field: str, new: Mapping[str, str], before: Mapping[str, str], known: Iterable[str]) -> dict[str, str]:
    """Rates in their order, the new ones and those that stay; refuses a name that there is not."""
    names = list(known)
    for name in new:
        if name not in names:
            raise InvalidValue(
                "{name} is none of them.", field=field, name=name, names=", ".join(names), hint="There are: {names}."
            )
    return {name: rate for name in names if (rate := new.get(name, before.get(name))) is not None}


# ----------------------------------------------------------------------------------- the provision


class Provide(Operation):
    """Bring the allowance for loan losses to what the loans need at the end of a month, each fund for its own."""

    name: ClassVar[str] = "provide"
    title: ClassVar[str] = "Provide for loan losses"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # the next provision posts the difference
    reckons_ahead: ClassVar[bool] = True

    month: Month

    def reckon(self, books: Books) -> _Reckoned | None:
        """How late every loan is, of which twenty thousand take seconds."""
        today = books.business_date()
        if today is None:
            return None
        on = self._day(books, today)
        table = in_force(tables(books), on)
        return None if table is None else _reckoned(books, on, today, table, books.institution().currency)

    def perform(self, desk: Desk) -> None:
        on = self._day(desk, desk.business_day)
        found = in_force(tables(desk), on)
        if found is None:
            raise WrongState(
                "No allowance table is in force on {day}.", field="month", day=on,
                hint="Set one first (set-allowance-table).",
            )  # fmt: skip
        ahead = _still_right(desk, on, found[0])
        kept = (ahead or _reckoned(desk, on, desk.business_day, found, desk.currency)).kept
        moves = [*_moves("719", kept.required, kept.before), *_moves("863", kept.commitments, kept.commitments_before)]
        if moves:
            desk.post(f"Provision {self.month}", moves, effective_on=on)
        else:
            self._require_new(desk, kept)
        desk.write(self.month, kept)
        self._tell(desk, kept)

    def _day(self, books: Books, today: date) -> date:
        """Today, or the last day of the month before if it is that which is provided for."""
        if self.month == today.isoformat()[:7]:
            on = today
        elif self.month == (today.replace(day=1) - timedelta(days=1)).isoformat()[:7]:
            on = last_day(self.month)
        else:
            raise InvalidDate(
                "A month is provided for in it or in the month after it; the books stand at {today}.", field="month",
                today=today,
            )  # fmt: skip
        for span in (self.month, self.month[:4]):
            if periods.state(books.tx, span) == periods.LOCKED:
                raise PeriodLocked(
                    "{month} is locked.", field="month", month=span, hint="Provide for it before it is closed."
                )
        last = last_provision(books)
        if last is not None and last[1].on > on.isoformat():
            raise InvalidDate(
                "A later provision was reckoned on {last}.", field="month", last=last[1].on,
                hint="Provide for the months in their order.",
            )  # fmt: skip
        return on

    def _require_new(self, desk: Desk, kept: records.Provision) -> None:
        """Refuse to reckon the same twice: of the same day, with nothing changed since."""
        earlier = desk.find(records.Provision, self.month)
        if earlier is None or earlier.on != kept.on:
            return
        if (earlier.table, earlier.lines, earlier.commitments) == (kept.table, kept.lines, kept.commitments):
            raise AlreadyExists(
                "{month} was provided for on {day}, and nothing has changed since.", field="month", month=self.month,
                day=kept.on,
            )  # fmt: skip

    def _tell(self, desk: Desk, kept: records.Provision) -> None:
        for label, needed, before in (
            ("Allowance", kept.required, kept.before),
            ("Reserve for commitments", kept.commitments, kept.commitments_before),
        ):
            for fund in {**needed, **before}:
                now, was = needed.get(fund, 0), before.get(fund, 0)
                if now or was:
                    desk.note(f"{_(label)}, {fund}", _("{now}, before {before}").format(
                        now=shown(desk, now), before=shown(desk, was)
                    ))  # fmt: skip
        desk.note("Table", str(kept.table))


class Held:
    """What the books hold by effective date at the end of a day; minor units, all positive."""

    def __init__(self, books: Books, on: date, today: date) -> None:
        sums = {(row.gl_code, row.fund): row.debit - row.credit for row in control_totals(books.tx, on)}

        def of(code: str, sign: int) -> dict[str, int]:
            return {fund: sign * amount for (gl, fund), amount in sums.items() if gl == code and amount}

        self.allowance, self.reserve, self.promised = of("719", -1), of("863", -1), of("M40", 1)
        self.principal: dict[str, dict[str, int]] = {}  # by loan and fund
        later = _later(books, on, today)
        for leaf in books.leaves("701"):
            if amount := leaf.balance - later.get(leaf.id, 0):
                self.principal.setdefault(leaf.contract, {})[leaf.fund] = amount


def _later(books: Books, on: date, today: date) -> dict[int, int]:
    """What moved on leaves of 701 under dates after a day."""
    if on >= today:
        return {}
    rows = books.tx.rows(
        "SELECT d.account_id, sum(d.debit - d.credit) FROM account a JOIN balance_day d ON d.account_id = a.id"
        " WHERE a.gl_code = ? AND d.effective_on > ? GROUP BY d.account_id",
        "701", on.isoformat(),
    )  # fmt: skip
    return {number: int(amount) for number, amount in rows}


def exposures(books: Books, on: date, held: Held, today: date, currency: str) -> Iterator[Exposure]:
    """Every loan that is carried at the end of a day: its lateness as known then, its grade as it stands now."""
    now = {ref: body for ref, _version, body in all_loans(books) if ref in held.principal}
    if on == today:
        accounts: Iterable[LoanAccount] = in_parts(now.items(), books, currency)
    else:
        accounts = known_on(books, ((ref, body) for ref, body in loans_on(books, on) if ref in now), on, currency)
    seen = set()
    for loan in accounts:
        seen.add(loan.ref)
        at, body = classify(loan, on), now[loan.ref]
        bucket = at.bucket if at.bucket in BUCKETS else CURRENT
        yield Exposure(
            loan=loan.ref, bucket=bucket, days=at.ages_by, grade=grade_of(body), reserve=body.reserve,
            carried=held.principal[loan.ref],
        )  # fmt: skip
    if lost := held.principal.keys() - seen:
        raise WrongState(
            "Account 701/{loan} has a balance on {day} and no loan.", field="month", loan=min(lost), day=on,
            hint="Look at it with: coopbank verify",
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Reckoned:
    """What is needed at the end of a day, as the books stood at an operation."""

    head: int
    on: date
    today: date
    kept: records.Provision


def _reckoned(
    books: Books, on: date, today: date, table: tuple[int, records.AllowanceTable], currency: str
) -> _Reckoned:  # fmt: skip
    version, rates = table
    stands_at, held = head(books.tx).number, Held(books, on, today)
    need = reckon(rates, exposures(books, on, held, today, currency), held.promised, held.allowance)
    return _Reckoned(stands_at, on, today, _kept(need, held, on, version))


def _still_right(desk: Desk, on: date, table: int) -> _Reckoned | None:
    """What was reckoned before the book was locked, unless something that it rests on was told or posted since."""
    ahead = desk.reckoned
    if not isinstance(ahead, _Reckoned) or (ahead.on, ahead.today, ahead.kept.table) != (on, desk.business_day, table):
        return None
    kinds = (records.Loan.kind, records.LoanTerms.kind, records.LoanEvent.kind)
    if desk.written_since(ahead.head, *kinds):
        return None
    moved = any(desk.moved_since(ahead.head, control) for control in ("701", "719", "863", "M40"))
    return None if moved else ahead


def _kept(need: Reckoning, held: Held, on: date, version: int) -> records.Provision:
    return records.Provision(
        on=on.isoformat(), table=version, lines=need.lines, required=need.required, before=held.allowance,
        promised=held.promised, commitments=need.commitments, commitments_before=held.reserve,
    )  # fmt: skip


def _moves(account: str, required: Mapping[str, int], before: Mapping[str, int]) -> list[Move]:
    """Expense to allowance for what is missing, back for what is too much; each fund alone."""
    moves: list[Move] = []
    for fund in {**required, **before}:
        more = required.get(fund, 0) - before.get(fund, 0)
        lines = [(fund, "301", more), (fund, account, -more)]
        if more:
            moves.extend(lines if more > 0 else reversed(lines))
    return moves
