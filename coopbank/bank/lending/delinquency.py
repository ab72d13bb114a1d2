"""How late loans are: by instalment, in buckets that are the same wherever they are shown.

A loan is as many days late as have gone by since its oldest due date that is not fully paid.
That puts it in one of `AGES`. Beside these, never among them, stand loans that reports repay:

    deferred by terms   no report makes anything due, and none is overdue: this is not lateness
    due                 a report made an amount due, and its day has not come
    late                that day went by; or the contract is over, every report is in, and
                        principal is left. It is late by days like any other loan
    report overdue      a report was not filed by its day, which ends the deferral. It ages by
                        the days of the report; no payment is late for that

A charged-off loan is in no bucket: it is a loss that may be recovered.

Portfolio at risk over 30 or 90 days is the principal of loans with any payment that much
late, over the principal of all loans (CGAP's definition). What is deferred by its terms, what
awaits a report and what was modified for a borrower in trouble is told beside it, so that
nothing is hidden by being no arrears. Principal is what the books carry (701), fund by fund,
so that the sums are those of the balance sheet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import Any, Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.lending.accounts import LoanAccount
from coopbank.bank.lending.closing import all_loans, read_accounts
from coopbank.bank.lending.flows import balance, by_fund
from coopbank.bank.lending.reported import ReportedRun
from coopbank.bank.lending.scheduled import ACCRUAL, ScheduledRun
from coopbank.ledger.log import unswept

CURRENT: Final = "current"
#: Buckets by days late: name, first and last day.
AGES: Final[tuple[tuple[str, int, int | None], ...]] = (
    (CURRENT, 0, 0), ("1-30", 1, 30), ("31-60", 31, 60), ("61-90", 61, 90), ("91-180", 91, 180),
    ("over 180", 181, None),
)  # fmt: skip
DEFERRED, DUE, LATE, REPORT_OVERDUE = "deferred by terms", "due", "late", "report overdue"
#: Buckets of loans that reports repay.
BESIDE: Final = (DEFERRED, DUE, LATE, REPORT_OVERDUE)
BUCKETS: Final = (*(name for name, _first, _last in AGES), *BESIDE)
CHARGED_OFF: Final = "charged off"

#: Loans held in memory at once: with their terms and facts they are read in parts.
_PART: Final = 1000
_DAY: Final = timedelta(days=1)


def age_of(days: int) -> str:
    """The bucket of a number of days late."""
    return next(name for name, _first, last in AGES if last is None or days <= last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delinquency:
    """How late a loan is at the end of a day; amounts in minor units."""

    bucket: str
    days: int  # since the oldest due date that is not fully paid
    since: date | None  # that date
    report_days: int = 0  # since a report was to be filed
    due: int  # due and unpaid
    principal: int  # owed by the contract
    interest: int  # unpaid by the contract, recognised or not; the day itself not counted
    non_accrual: bool = False

    @property
    def ages_by(self) -> int:
        """The days by which it ages: of a payment, or of a report that is overdue."""
        return max(self.days, self.report_days)


def classify(loan: LoanAccount, day: date) -> Delinquency:
    """How late a loan is at the end of a day, from what the account knows."""
    run = loan.run()
    if isinstance(run, ReportedRun):
        return _reported(loan, _known(loan, run, day), day)
    if run.state.at > day:
        told = loan.told(fact for fact in loan.facts if fact.on <= day)
        assert isinstance(told, ScheduledRun)
        run = told
    return _scheduled(run, day)


def _known(loan: LoanAccount, run: ReportedRun, day: date) -> ReportedRun:
    """The story without what counts only from a later day on."""
    if run.last <= day:
        return run
    told = loan.told(fact for fact in loan.facts if fact.on <= day)
    assert isinstance(told, ReportedRun)
    return told


def _scheduled(run: ScheduledRun, day: date, through: date | None = None) -> Delinquency:
    """Lets interest run to the day; or further, which changes what is owed and not how late it is."""
    if through is None:
        run.run_on(day)
    else:
        run.advance(through)
    s, due = run.state, run.due(day)
    total = due.total
    days = (day - due.since).days if total and due.since is not None and due.since < day else 0
    return Delinquency(
        bucket=CHARGED_OFF if s.charged_off else age_of(days), days=days, since=due.since if total else None,
        due=total, principal=s.principal, interest=s.interest, non_accrual=s.basis != ACCRUAL and not s.charged_off,
    )  # fmt: skip


def _reported(loan: LoanAccount, run: ReportedRun, day: date) -> Delinquency:
    at = run.standing(day)
    due, since = at.due.total, at.due.since
    if at.charged_off:
        bucket = CHARGED_OFF
    else:
        bucket = at.bucket if at.bucket in BESIDE else CURRENT
    outer = date.fromisoformat(run.contract.document["outer_date"])
    if bucket == DEFERRED and day > outer and at.principal:
        over_since = _over_since(run, day, outer)
        if over_since is not None:
            due, since, bucket = at.principal, over_since, LATE if over_since < day else DUE
    days = max(0, (day - since).days) if due and since is not None else 0
    return Delinquency(
        bucket=bucket, days=days, since=since if due else None, report_days=at.report_days_late, due=due,
        principal=at.principal, interest=at.interest,
    )  # fmt: skip


def _over_since(run: ReportedRun, day: date, outer: date) -> date | None:
    """Since when all that is left is due: the contract is over, every report is in, and its payment day has come."""
    at = run.position(day)
    if not at.matured:
        return None
    return max([outer, *(row.due_on for row in at.periods if row.due_on is not None)])


def carried(body: records.Loan, account: str = "701") -> dict[str, int]:
    """What each fund's books hold of a loan on one of its accounts, minor units."""
    return {fund: balance(of_fund, account) for fund, of_fund in body.book.items() if "@" not in fund}  # peers' apart


def loans_on(books: Books, day: date) -> Iterator[tuple[str, records.Loan]]:
    """Every loan as what was posted up to a day left it."""
    for ref, text in books.tx.stream(
        "SELECT r.ref, r.body FROM record r WHERE r.kind = ? AND r.version = (SELECT max(l.version) FROM record l"
        " JOIN operation o ON o.id = l.operation_id WHERE l.kind = r.kind AND l.ref = r.ref AND o.business_date <= ?)"
        " ORDER BY r.ref",
        records.Loan.kind, day.isoformat(),
    ):  # fmt: skip
        body = records.Loan.model_validate_json(text)
        if not body.void:
            yield ref, body


def known_on(
    books: Books, loans: Iterable[tuple[str, records.Loan]], day: date, currency: str
) -> Iterator[LoanAccount]:
    """Loans of a past day, as their terms and facts were known then; each is read by itself."""
    for ref, body in loans:
        yield LoanAccount(books, ref, body, currency, known_by=day)


def in_parts(found: Iterable[tuple[str, records.Loan]], books: Books, currency: str) -> Iterator[LoanAccount]:
    """Loans with their terms and facts, read some at a time, so that memory does not grow with their number."""
    rest = iter(found)
    while part := list(islice(rest, _PART)):
        yield from read_accounts(books, part, currency)


# --------------------------------------------------------------------------------- at the close

#: What a day's close keeps of one fund's part of the loans: their number, then principal in the books.
OF_FUND: Final = (
    "loans", "principal", "over_30", "over_90", "deferred", "report_overdue", "modified", "non_accrual"
)  # fmt: skip


def of_fund(loan: LoanAccount, at: Delinquency, part: int) -> list[int]:
    """One loan's part in a fund, as `OF_FUND` names the figures; `part` is its principal there."""
    return [
        1, part, part * (at.days > 30), part * (at.days > 90), part * (at.bucket == DEFERRED),
        part * (at.bucket == REPORT_OVERDUE), part * loan.body.modified, part * at.non_accrual,
    ]  # fmt: skip


def _add(sums: list[int], more: Iterable[int]) -> None:
    for number, amount in enumerate(more):
        sums[number] += amount


@dataclass(slots=True)
class Summary:
    """All loans at the end of a day, as a day's close keeps them; amounts in minor units.

    Interest counts the day itself: `interest` is what will stand in 781 once it is posted,
    `posted` what stands there, `memo` the interest that is owed and not recognised.
    """

    count: int = 0
    principal: int = 0
    interest: int = 0
    posted: int = 0
    memo: int = 0
    buckets: dict[str, list[int]] = field(default_factory=dict)  # number of loans, principal
    over_30: int = 0
    over_90: int = 0
    modified: int = 0
    modified_over_30: int = 0
    non_accrual: int = 0
    charged_off: list[int] = field(default_factory=lambda: [0, 0])  # number, principal still owed
    funds: dict[str, list[int]] = field(default_factory=dict)  # each fund's part of the loans, as `OF_FUND` names it
    proposed: list[str] = field(default_factory=list)  # for non-accrual

    def add(self, loan: LoanAccount, at: Delinquency, interest: int, memo: int) -> None:
        """One loan more."""
        if at.bucket == CHARGED_OFF:
            self.charged_off[0] += 1
            self.charged_off[1] += at.principal
            return
        principal = sum(carried(loan.body).values())
        self.count += 1
        self.principal += principal
        self.interest += interest
        self.posted += sum(carried(loan.body, "781").values())
        self.memo += memo
        bucket = self.buckets.setdefault(at.bucket, [0, 0])
        bucket[0] += 1
        bucket[1] += principal
        self.over_30 += principal * (at.days > 30)
        self.over_90 += principal * (at.days > 90)
        self.modified += principal * loan.body.modified
        self.modified_over_30 += principal * (loan.body.modified and at.days > 30)
        self.non_accrual += principal * at.non_accrual
        for fund, part in carried(loan.body).items():
            _add(self.funds.setdefault(fund, [0] * len(OF_FUND)), of_fund(loan, at, part))

    def as_document(self) -> dict[str, Any]:
        """As the close keeps it; empty where there is no loan."""
        if not self.count and not self.charged_off[0]:
            return {}
        return {
            "count": self.count, "principal": self.principal, "interest": self.interest, "posted": self.posted,
            "memo": self.memo, "buckets": {name: self.buckets[name] for name in BUCKETS if name in self.buckets},
            "over_30": self.over_30, "over_90": self.over_90, "deferred": self.buckets.get(DEFERRED, [0, 0])[1],
            "modified": self.modified, "modified_over_30": self.modified_over_30, "non_accrual": self.non_accrual,
            "charged_off": self.charged_off, "funds": {fund: self.funds[fund] for fund in sorted(self.funds)},
        }  # fmt: skip


def summary(books: Books, day: date, currency: str, late_days: int = 90) -> Summary:
    """All loans at the end of a business day, read once; `late_days` late and accruing is proposed for non-accrual."""
    found = Summary()
    owed = ((ref, body) for ref, _version, body in all_loans(books, ("active", "charged-off")))
    with unswept():
        for loan in in_parts(owed, books, currency):
            at, interest, memo = _closed(loan, day)
            found.add(loan, at, interest, memo)
            if is_proposed(loan, at, late_days):
                found.proposed.append(loan.ref)
    return found


def _closed(loan: LoanAccount, day: date) -> tuple[Delinquency, int, int]:
    """A loan at the end of a day, with its interest through that day: recognised, and in memo."""
    run = loan.run()
    if isinstance(run, ReportedRun):
        at = _reported(loan, run, day)
        flows = run.flows(max(day, run.last), day + _DAY)
    else:
        at = _scheduled(run, day, day + _DAY)
        flows = run.state.flows
    if not loan.body.participants:
        return at, balance(flows, "781"), balance(flows, "M10")
    own = [part for name, part in by_fund(flows, loan.body.shares, loan.body.servicing).items() if "@" not in name]
    return at, sum(balance(part, "781") for part in own), sum(balance(part, "M10") for part in own)


def is_proposed(loan: LoanAccount, at: Delinquency, late_days: int) -> bool:
    """Whether a loan is so late that its interest should not be recognised any more, and still is."""
    return (
        loan.body.state == "active" and not loan.is_reported and not at.non_accrual and at.days >= late_days > 0
    )  # fmt: skip


def non_accrual_days(books: Books) -> int:
    """How many days late ends the recognition of interest; 0: the bank decides each case by itself."""
    return int(books.policy("non_accrual_days", 90))
