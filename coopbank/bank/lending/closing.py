"""Interest of every loan through the last day of a month, dated that day.

The books of each loan are brought to what its story comes to at the end of that day. Where a
movement after the month has recognised some of its interest already (a payment on the 3rd,
the close on the 6th), that part is moved: into the month by one entry, out of today by
another; what the borrower owes does not change by that. All loans are read with a fixed
number of questions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.desk import Desk, Move
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


def all_loans(
    books: Books, states: Iterable[str] = (), refs: Collection[str] | None = None
) -> Iterator[tuple[str, int, records.Loan]]:
    """Every loan with its version, in the order of their numbers; of some states only, or some of them only."""
    wanted = set(states)
    for ref, version, text in _latest(books) if refs is None else _latest_of(books, refs):
        body = records.Loan.model_validate_json(text)
        if not body.void and (not wanted or body.state in wanted):
            yield ref, version, body


def _latest(books: Books) -> Iterator[tuple[str, int, str]]:
    yield from books.tx.stream(
        "SELECT r.ref, r.version, r.body FROM record r JOIN"
        " (SELECT ref, max(version) AS last FROM record WHERE kind = ? GROUP BY ref) l"
        " ON l.ref = r.ref AND l.last = r.version WHERE r.kind = ? ORDER BY r.ref",
        records.Loan.kind, records.Loan.kind,
    )  # fmt: skip


def _latest_of(books: Books, refs: Iterable[str]) -> Iterator[tuple[str, int, str]]:
    for ref in sorted(refs):
        row = books.tx.row(
            "SELECT ref, version, body FROM record WHERE kind = ? AND ref = ? ORDER BY version DESC LIMIT 1",
            records.Loan.kind, ref,
        )  # fmt: skip
        if row is not None:
            yield row


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


@dataclass(frozen=True, slots=True)
class Owed:
    """What the books still have to say of one loan: lines of an entry in the month and of one of today, its record."""

    ref: str
    in_month: tuple[Move, ...]
    today: tuple[Move, ...]
    record: NewRecord | None
    member: str
    earned: int  # in the month, of the bank's own part; minor units


@dataclass(frozen=True, slots=True)
class Reckoned:
    """All loans of which something is to be recognised, as the books stood; and the leaves that they move."""

    owed: dict[str, Owed]
    leaves: dict[tuple[str, str], int]


def reckoned(books: Books, last: date, currency: str, only: Collection[str] | None = None) -> Reckoned:
    """What every loan comes to at the end of a day, or some of them, less what the books say of it; nothing is written.

    A loan that later operations wrote, and one whose interest a close has moved out of a later day, is told as it
    stood: what of its interest stands under later dates belongs to the month.
    """
    later = _later(books, last)
    touched = [
        leaf for code in _TOUCHED for leaf in (books.leaves(code) if only is None else books.leaves_of(code, only))
    ]  # fmt: skip
    since = _since(books, last)
    booked = {(leaf.fund, leaf.code): leaf.balance - since.get(leaf.id, 0) for leaf in touched}
    # A close of an earlier month may have moved interest out of a day after this one, be the loan paid off by now.
    moved = {leaf.contract for leaf in touched if leaf.id in since}
    held = [
        (ref, version, body)
        for ref, version, body in all_loans(books, refs=only)
        if body.disbursed_on is not None and (body.state == "active" or ref in later or ref in moved)
    ]
    bodies = {ref: body for ref, _version, body in held}
    for ref in moved & bodies.keys():
        later.setdefault(ref, bodies[ref])
    versions = {ref: version for ref, version, _body in held}
    owed = {}
    for loan in read_accounts(books, bodies.items(), currency):
        found = _owed(loan, last, versions[loan.ref], later, booked)
        if found is not None:
            owed[loan.ref] = found
    return Reckoned(owed, {(leaf.fund, leaf.code): leaf.id for leaf in touched})


def _owed(
    loan: LoanAccount, last: date, version: int, later: Mapping[str, records.Loan | None],
    booked: Mapping[tuple[str, str], int],
) -> Owed | None:  # fmt: skip
    """What is to be posted of one loan, None if nothing is."""
    done = tell(loan, [], accrued_to=last + timedelta(days=1))
    in_month = _of_month(loan, last, later[loan.ref], booked) if loan.ref in later else done.moved
    today = _less(done.moved, in_month)
    if not in_month and not today and not done.moved:
        return None
    member, record = loan.body.member, None
    if done.moved:
        body = done.after.model_dump(mode="json", exclude_defaults=True)
        record = NewRecord(records.Loan.kind, loan.ref, version + 1, done.after.member, body)
    earned = sum(flows.get("earned", 0) for name, flows in in_month.items() if "@" not in name)  # a peer's is not ours
    return Owed(
        loan.ref,
        tuple(lines(loan.ref, member, in_month)),
        tuple(lines(loan.ref, member, today)),
        record,
        member,
        earned,
    )


def still_right(desk: Desk, ahead: Reckoned, head: int, last: date, among: set[str] | None = None) -> Reckoned:
    """What was reckoned at an operation, with the loans reckoned anew of which something was told or moved since."""
    changed = told_since(desk, head)
    if among is not None:
        changed &= among
    if not changed:
        return ahead
    anew = reckoned(desk, last, desk.currency, only=changed)
    kept = {ref: owed for ref, owed in ahead.owed.items() if ref not in changed}
    return Reckoned(dict(sorted({**kept, **anew.owed}.items())), ahead.leaves | anew.leaves)


def summed(found: Reckoned) -> Recognised:
    """Of how many loans something is to be recognised, and how much of it in the month."""
    posted = [owed.earned for owed in found.owed.values() if owed.in_month or owed.today]
    return Recognised(len(posted), sum(posted))


def recognise_loans(desk: Desk, last: date, ahead: Reckoned | None = None) -> Recognised:
    """Bring the interest of every loan to the end of a day: entries, and new versions of the loans.

    `ahead` is what was reckoned before, if it still holds.
    """
    found = reckoned(desk, last, desk.currency) if ahead is None else ahead
    leaves = dict(found.leaves)
    for owed in found.owed.values():
        for moves, day in ((owed.in_month, last), (owed.today, desk.business_day)):
            if moves:
                _post(desk, owed, moves, day, leaves)
        if owed.record is not None:
            desk.rows.append(owed.record)
    return summed(found)


def _less(whole: Book, part: Book) -> Book:
    """What is left of flows when some of them are taken away."""
    left: Book = {}
    for fund in {**whole, **part}:
        for flow in {**whole.get(fund, {}), **part.get(fund, {})}:
            if amount := whole.get(fund, {}).get(flow, 0) - part.get(fund, {}).get(flow, 0):
                left.setdefault(fund, {})[flow] = amount
    return left


def _post(desk: Desk, owed: Owed, moves: Iterable[Move], day: date, leaves: dict[tuple[str, str], int]) -> None:
    """An entry; `leaves` remembers the numbers of leaves."""
    found = []
    for fund, code, amount in moves:
        if (fund, code) not in leaves:
            own = code.partition("/")[0] in _TOUCHED and "/" in code  # then it would stand here if there were one
            holder = owed.member if "/" in code else None
            leaves[fund, code] = (
                desk.leaf_id(fund, code) if not own and desk.has_leaf(fund, code)
                else desk.open_leaf(fund, code, holder)
            )  # fmt: skip
        found.append(Line(leaves[fund, code], amount))
    desk.entries.append(EntryDraft(f"Interest {owed.ref} to {day}", day, tuple(found)))


def _of_month(
    loan: LoanAccount, last: date, before: records.Loan | None, booked: Mapping[tuple[str, str], int]
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


def _later(books: Books, last: date) -> dict[str, records.Loan | None]:
    """Loans that operations after a day wrote, each as that day left it; closes do not count, they only recognise."""
    head = int(
        books.tx.value("SELECT id FROM operation WHERE business_date <= ? ORDER BY id DESC LIMIT 1", last.isoformat())
        or 0
    )
    found: dict[str, records.Loan | None] = {}
    for ref, text in books.tx.rows(
        "SELECT f.ref, r.body FROM"
        " (SELECT w.ref, min(w.version) AS first FROM record w JOIN operation o ON o.id = w.operation_id"
        " WHERE w.kind = ? AND w.operation_id > ? AND o.kind NOT IN ('close-month', 'close-month-part')"
        " GROUP BY w.ref) f"
        " LEFT JOIN record r ON r.kind = ? AND r.ref = f.ref AND r.version = f.first - 1 ORDER BY f.ref",
        records.Loan.kind, head, records.Loan.kind,
    ):  # fmt: skip
        found[ref] = None if text is None else records.Loan.model_validate_json(text)
    return found


def _since(books: Books, last: date) -> dict[int, int]:
    """What moved under dates after a day on the leaves of unpaid interest, recognised or not."""
    rows = books.tx.rows(
        "SELECT d.account_id, sum(d.debit - d.credit) FROM account a JOIN balance_day d ON d.account_id = a.id"
        " WHERE a.gl_code IN ('781', 'M10') AND d.effective_on > ? GROUP BY d.account_id",
        last.isoformat(),
    )
    return {number: int(amount) for number, amount in rows}


def told_since(books: Books, head: int, but_by: str = "") -> set[str]:
    """Loans that operations after that one told something of, or whose interest they moved; one kind does not count."""
    kinds = (records.Loan.kind, records.LoanTerms.kind, records.LoanEvent.kind)
    told = books.tx.rows(
        "SELECT r.ref FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.operation_id > ? AND r.kind || '' IN (?, ?, ?) AND o.kind <> ?", head, *kinds, but_by,
    )  # fmt: skip
    moved = books.tx.rows(
        "SELECT DISTINCT a.contract FROM entry e CROSS JOIN operation o CROSS JOIN posting p CROSS JOIN account a"
        " WHERE e.id >= (SELECT first_entry + entry_count FROM operation WHERE id = ?) AND p.entry_id = e.id"
        " AND o.id = e.operation_id AND o.kind <> ? AND a.id = p.account_id AND a.gl_code || '' IN ('781', 'M10')",
        head, but_by,
    )  # fmt: skip
    return {ref.partition(".")[0] for (ref,) in told} | {contract for (contract,) in moved}  # L-001.00007 is of L-001
