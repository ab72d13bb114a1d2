"""Interest of every loan through the last day of a month, dated that day.

The books of each loan are brought to what its story comes to at the end of that day. Where a
movement after the month has recognised some of its interest already (a payment on the 3rd,
the close on the 6th), that part is moved: into the month by one entry, out of today by
another; what the borrower owes does not change by that. All loans are read with a fixed
number of questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.desk import Desk
from coopbank.bank.lending.accounts import LoanAccount, facts_of, latest_terms, tell
from coopbank.bank.lending.contract import REPORTED, SURPLUS
from coopbank.bank.lending.flows import Book, by_fund, lines
from coopbank.bank.lending.reported import ReportedRun
from coopbank.bank.lending.scheduled import ScheduledRun
from coopbank.ledger.posting import EntryDraft, Line, NewRecord

#: What takes recognised interest off 781 again.
_SPENT: Final = ("interest_paid", "waived", "unearned", "written_interest", "off_interest")
#: Accounts that a close may touch, whose leaves are read at once.
_TOUCHED: Final = ("111", "119", "781", "M10", "M19", "M40", "M49")


@dataclass(frozen=True, slots=True)
class Recognised:
    """Of how many loans interest was recognised, and how much of it in the month (minor units)."""

    count: int
    amount: int


def all_loans(books: Books, states: Iterable[str] = ()) -> Iterator[tuple[str, int, records.Loan]]:
    """Every loan with its version, in the order of their numbers; of some states only."""
    wanted = set(states)
    for ref, version, text in books.tx.stream(
        "SELECT r.ref, r.version, r.body FROM record r JOIN"
        " (SELECT ref, max(version) AS last FROM record WHERE kind = ? GROUP BY ref) l"
        " ON l.ref = r.ref AND l.last = r.version WHERE r.kind = ? ORDER BY r.ref",
        records.Loan.kind, records.Loan.kind,
    ):  # fmt: skip
        body = records.Loan.model_validate_json(text)
        if not body.void and (not wanted or body.state in wanted):
            yield ref, version, body


def read_accounts(books: Books, loans: Iterable[tuple[str, records.Loan]], currency: str) -> list[LoanAccount]:
    """Loans with what their next step needs: the terms in force, and the facts of those repaid by reports."""
    held = list(loans)
    accounts = [LoanAccount(books, ref, body, currency) for ref, body in held]
    terms = latest_terms(books, {
        ref: body.terms if body.repayment in REPORTED else int(body.told.get("contract", 1))
        for ref, body in held if body.told or body.repayment in REPORTED
    })  # fmt: skip
    reported = facts_of(books, [each.ref for each in accounts if each.is_reported])
    for each in accounts:
        each.in_force = terms.get(each.ref)
        if each.is_reported:
            each.__dict__["facts"] = reported[each.ref]
    return accounts


Ahead = Mapping[str, tuple[records.Loan, Book]]
"""Of each loan, by its number, what it comes to at the end of a day, and what the books must post for that."""


def told_through(books: Books, last: date, currency: str) -> Ahead:
    """What every active loan comes to at the end of a day; nothing is written."""
    held = [
        (ref, body) for ref, _version, body in all_loans(books, ("active",)) if body.disbursed_on is not None
    ]  # fmt: skip
    told = ((loan.ref, _told(loan, last)) for loan in read_accounts(books, held, currency))
    return dict(told)


def _told(loan: LoanAccount, last: date) -> tuple[records.Loan, Book]:
    done = tell(loan, [], accrued_to=last + timedelta(days=1))
    return done.after, done.moved


def recognise_loans(desk: Desk, last: date, ahead: Ahead | None = None) -> Recognised:
    """Bring the interest of every loan to the end of a day: entries, and new versions of the loans.

    `ahead` is what loans come to, where that was told before and still holds.
    """
    known = ahead or {}
    later = _later(desk, last)
    touched = [leaf for gl_code in _TOUCHED for leaf in desk.leaves(gl_code)]
    leaves = {(leaf.fund, leaf.code): leaf.id for leaf in touched}
    since = _since(desk, last)
    booked = {(leaf.fund, leaf.code): leaf.balance - since.get(leaf.id, 0) for leaf in touched}
    # A close of an earlier month may have moved interest out of a day after this one, be the loan paid off by now.
    moved = {leaf.contract for leaf in touched if leaf.id in since}
    held = [
        (ref, version, body)
        for ref, version, body in all_loans(desk)
        if body.disbursed_on is not None and (body.state == "active" or ref in later or ref in moved)
    ]
    versions = {ref: version for ref, version, _body in held}
    for ref, _version, body in held:
        if ref in moved:
            later.setdefault(ref, body)
    count = amount = 0
    read = ((ref, body) for ref, _version, body in held if ref not in known or ref in later)
    accounts = {loan.ref: loan for loan in read_accounts(desk, read, desk.currency)}
    for ref, _version, body in held:
        loan = accounts.get(ref) or LoanAccount(desk, ref, body, desk.currency)
        told = known.get(ref) or _told(loan, last)
        of_month = _close(desk, loan, told, last, leaves, versions[ref], later, booked)
        if of_month is not None:
            count, amount = count + 1, amount + of_month
    return Recognised(count, amount)


def _close(
    desk: Desk, loan: LoanAccount, told: tuple[records.Loan, Book], last: date,
    leaves: dict[tuple[str, str], int], version: int,
    later: dict[str, records.Loan | None], booked: dict[tuple[str, str], int],
) -> int | None:  # fmt: skip
    """Post one loan's interest; what of it belongs to the month, None if nothing was posted."""
    after, moved_now = told
    in_month = moved_now
    if loan.ref in later:
        in_month = _of_month(loan, last, later[loan.ref], booked)
    today = _less(moved_now, in_month)
    for moved, day in ((in_month, last), (today, desk.business_day)):
        if moved:
            _post(desk, loan, moved, day, leaves)
    if moved_now:
        body = after.model_dump(mode="json", exclude_defaults=True)
        desk.rows.append(NewRecord(records.Loan.kind, loan.ref, version + 1, after.member, body))
    if not in_month and not today:
        return None
    return sum(flows.get("earned", 0) for name, flows in in_month.items() if "@" not in name)  # a peer's is not ours


def _less(whole: Book, part: Book) -> Book:
    """What is left of flows when some of them are taken away."""
    left: Book = {}
    for fund in {**whole, **part}:
        for flow in {**whole.get(fund, {}), **part.get(fund, {})}:
            if amount := whole.get(fund, {}).get(flow, 0) - part.get(fund, {}).get(flow, 0):
                left.setdefault(fund, {})[flow] = amount
    return left


def _post(desk: Desk, loan: LoanAccount, moved: Book, day: date, leaves: dict[tuple[str, str], int]) -> None:
    """An entry; `leaves` remembers the numbers of leaves."""
    found = []
    for fund, code, amount in lines(loan.ref, loan.body.member, moved):
        if (fund, code) not in leaves:
            read = code.partition("/")[0] in _TOUCHED  # then it would stand here if there were one
            holder = loan.body.member if "/" in code else None
            leaves[fund, code] = (
                desk.leaf_id(fund, code) if not read and desk.has_leaf(fund, code)
                else desk.open_leaf(fund, code, holder)
            )  # fmt: skip
        found.append(Line(leaves[fund, code], amount))
    desk.entries.append(EntryDraft(f"Interest {loan.ref} to {day}", day, tuple(found)))


def _of_month(
    loan: LoanAccount, last: date, before: records.Loan | None, booked: dict[tuple[str, str], int]
) -> Book:  # fmt: skip
    """What is to be dated on the last day: earned through it, less what stands under dates up to it.

    `before` is the loan as the month left it; None if the books had not heard of it then.
    """
    if before is None or before.disbursed_on is None:
        return {}
    through = last + timedelta(days=1)
    run = loan.told(fact for fact in loan.facts if fact.on <= last)
    flows = run.standing(through).flows if isinstance(run, ScheduledRun) else _reported_flows(run, through)
    told = by_fund({flow: flows.get(flow, 0) for flow in ("earned", "memo")}, loan.body.shares)
    found: Book = {}
    for fund in loan.body.funds:
        held, own = before.book.get(fund, {}), told.get(fund, {})
        # what a surplus loan's cap took back is no income of it at all
        spent = sum(held.get(flow, 0) for flow in _SPENT if flow != "waived" or loan.body.repayment != SURPLUS)
        stands = {
            "earned": booked.get((fund, f"781/{loan.ref}"), 0) + spent, "memo": booked.get((fund, f"M10/{loan.ref}"), 0)
        }  # fmt: skip
        moved = {flow: amount for flow in stands if (amount := own.get(flow, 0) - stands[flow])}
        if moved:
            found[fund] = moved
    return found


def _reported_flows(run: ReportedRun, through: date) -> dict[str, int]:
    return run.flows(through, through) if run.facts.advances else {}


def _later(desk: Desk, last: date) -> dict[str, records.Loan | None]:
    """Loans that operations after a day wrote, each as that day left it; closes do not count, they only recognise."""
    head = int(
        desk.tx.value("SELECT id FROM operation WHERE business_date <= ? ORDER BY id DESC LIMIT 1", last.isoformat())
        or 0
    )
    found: dict[str, records.Loan | None] = {}
    for ref, text in desk.tx.rows(
        "SELECT f.ref, r.body FROM"
        " (SELECT w.ref, min(w.version) AS first FROM record w JOIN operation o ON o.id = w.operation_id"
        " WHERE w.kind = ? AND w.operation_id > ? AND o.kind <> 'close-month' GROUP BY w.ref) f"
        " LEFT JOIN record r ON r.kind = ? AND r.ref = f.ref AND r.version = f.first - 1 ORDER BY f.ref",
        records.Loan.kind, head, records.Loan.kind,
    ):  # fmt: skip
        found[ref] = None if text is None else records.Loan.model_validate_json(text)
    return found


def _since(desk: Desk, last: date) -> dict[int, int]:
    """What moved under dates after a day on the leaves of unpaid interest, recognised or not."""
    rows = desk.tx.rows(
        "SELECT d.account_id, sum(d.debit - d.credit) FROM account a JOIN balance_day d ON d.account_id = a.id"
        " WHERE a.gl_code IN ('781', 'M10') AND d.effective_on > ? GROUP BY d.account_id",
        last.isoformat(),
    )
    return {number: int(amount) for number, amount in rows}
