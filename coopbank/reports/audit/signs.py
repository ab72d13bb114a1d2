"""Signs of what dishonest people have done in other banks. Each is lawful work most of the time, and worth a question.

Who types a payment in and takes it back when the member has gone keeps the cash; who takes from an account that nobody
looks at is missed late; who first changes where letters go, and then pays out, is told by no letter; a borrower who was
made up has an address and a telephone that somebody else has too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from coopbank.bank import records
from coopbank.bank.books import FORGOTTEN, LOCKED, loads
from coopbank.finance.periods import add_months
from coopbank.ledger.chart import MEMO_CURRENCY, POOL
from coopbank.money import format_amount
from coopbank.reports.audit.accounts import CAN_BE_ASKED_BACK, DORMANT_MONTHS
from coopbank.reports.audit.frame import FOR_EVERYBODY, MADE, AuditTest, Hunt, Row, leaf_code
from coopbank.words import _, marked

AFTER_CHANGE: Final = 30
"""Days after a change of address, telephone or e-mail in which a payout is looked at."""
NEW_MEMBER: Final = 30
"""Days after joining in which a loan is looked at."""
APPROVALS: Final = 10
"""So many approvals of one person's requests say something of who gave them."""
_PAYOUTS: Final = ("withdraw", "redeem-shares", "pay-redemption", "pay-member", "refund-unapplied", "pay-dividend")
_CONTACT: Final = ("address", "phone", "email")
_LEAST: Final = 5  # letters and digits without which an address or a telephone tells nothing


def undone(hunt: Hunt) -> Iterator[Row]:
    """Cash of a member that one person took back alone, and whether the drawer had been counted with it."""
    for entry, operation, day, actor, amount, memo, member, counts in hunt.stream(
        "SELECT e.id, o.id, o.business_date, o.actor, p.amount, b.memo, (SELECT min(h.holder) FROM posting l"
        " JOIN account h ON h.id = l.account_id WHERE l.entry_id = b.id), (SELECT count(*) FROM record r"
        " JOIN operation c ON c.id = r.operation_id WHERE r.kind = ? AND r.ref = a.contract AND c.kind = 'count-drawer'"
        " AND c.id BETWEEN b.operation_id AND o.id)"
        " FROM entry e JOIN operation o ON o.id = e.operation_id JOIN entry b ON b.id = e.reverses_id"
        " JOIN posting p ON p.entry_id = b.id JOIN account a ON a.id = p.account_id"
        f" WHERE e.reverses_id IS NOT NULL AND o.approver IS NULL AND a.gl_code = '739' AND {MADE} ORDER BY e.id",
        records.Drawer.kind, *hunt.days,
    ):  # fmt: skip
        hunt.looked_at += 1
        if member is not None:
            said = _("cash taken back after the drawer was counted") if counts else _("cash taken back")
            yield Row(said, int(entry), int(operation), day, actor, member, int(amount), memo)


def woken(hunt: Hunt) -> Iterator[Row]:
    """Payouts from accounts on which their member had begun nothing for as many months as the policy says."""
    months = int(hunt.books.policy("dormant_months", DORMANT_MONTHS) or DORMANT_MONTHS)
    controls, kinds = ", ".join("?" * len(CAN_BE_ASKED_BACK)), ", ".join("?" * len(FOR_EVERYBODY))
    last: tuple[int, str] = 0, ""
    for account, gl_code, contract, amount, entry, operation, day, actor, memo in hunt.stream(
        "SELECT a.id, a.gl_code, a.contract, p.amount, e.id, o.id, e.effective_on, o.actor, e.memo"
        " FROM account a CROSS JOIN posting p CROSS JOIN entry e CROSS JOIN operation o"
        f" WHERE a.gl_code IN ({controls}) AND a.holder IS NOT NULL AND p.account_id = a.id AND e.id = p.entry_id"
        f" AND o.id = e.operation_id AND o.kind NOT IN ({kinds}) AND e.effective_on <= ? ORDER BY a.id, e.id",
        *CAN_BE_ASKED_BACK, *FOR_EVERYBODY, hunt.days[1],
    ):  # fmt: skip
        before, last = last, (int(account), day)
        if amount < 0 or day < hunt.days[0]:
            continue
        hunt.looked_at += 1
        if before[0] == account and add_months(date.fromisoformat(before[1]), months).isoformat() <= day:
            said = _("paid out after nothing since {day}").format(day=before[1])
            yield Row(said, int(entry), int(operation), day, actor, leaf_code(gl_code, contract), int(amount), memo)


def changed_then_paid(hunt: Hunt) -> Iterator[Row]:
    """Payouts to members whose address, telephone or e-mail the same person had changed shortly before."""
    changed: dict[str, list[tuple[int, str, str]]] = defaultdict(list)  # by member: operation, day, who
    known: dict[str, tuple[object, ...]] = {}
    for member, text, operation, day, actor in hunt.stream(
        "SELECT r.ref, r.body, o.id, o.business_date, o.actor FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.kind = ? ORDER BY r.ref, r.version",
        records.Member.kind,
    ):
        now = tuple(loads(text).get(name) for name in _CONTACT)
        if known.setdefault(member, now) != now:
            changed[member].append((int(operation), day, actor))
        known[member] = now
    marks = ", ".join("?" * len(_PAYOUTS))
    for operation, kind, day, actor, member, amount in hunt.stream(
        "SELECT o.id, o.kind, o.business_date, o.actor, min(a.holder), sum(CASE WHEN p.amount > 0 THEN p.amount"
        " ELSE 0 END) FROM operation o JOIN entry e ON e.operation_id = o.id JOIN posting p ON p.entry_id = e.id"
        f" JOIN account a ON a.id = p.account_id WHERE o.kind IN ({marks}) AND {MADE} AND a.fund <> ?"
        " AND a.currency <> ? GROUP BY o.id, o.kind, o.business_date, o.actor ORDER BY o.id",
        *_PAYOUTS, *hunt.days, POOL, MEMO_CURRENCY,
    ):  # fmt: skip
        hunt.looked_at += 1
        since = (date.fromisoformat(day) - timedelta(days=AFTER_CHANGE)).isoformat()
        by = [each for each in changed.get(member, ()) if each[0] < operation and each[1] >= since and each[2] == actor]
        if by:
            said = _("{who} had changed how to reach the member on {day}, operation {number}").format(
                who=actor, day=by[-1][1], number=by[-1][0]
            )
            yield Row(said, None, int(operation), day, actor, member, int(amount), kind)


def cash_differences(hunt: Hunt) -> Iterator[Row]:
    """What each person's counts of drawers came to: how often short and over, and how much."""
    found: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
    for operation, day, actor, amount in hunt.stream(
        "SELECT o.id, o.business_date, o.actor, sum(CASE WHEN a.gl_code = '330' THEN p.amount ELSE 0 END)"
        " FROM operation o LEFT JOIN entry e ON e.operation_id = o.id LEFT JOIN posting p ON p.entry_id = e.id"
        " LEFT JOIN account a ON a.id = p.account_id"
        f" WHERE o.kind IN ('count-drawer', 'close-drawer') AND {MADE} GROUP BY o.id, o.business_date, o.actor"
        " ORDER BY o.id",
        *hunt.days,
    ):
        hunt.looked_at += 1
        if amount:
            found[actor].append((int(operation), day, int(amount)))
    for actor, parts in sorted(found.items()):
        short, over = (sum(abs(x[2]) for x in parts if (x[2] > 0) == is_short) for is_short in (True, False))
        said = _("{count} counts differed: {short} short, {over} over").format(
            count=len(parts), short=format_amount(short, hunt.currency, grouping=True),
            over=format_amount(over, hunt.currency, grouping=True),
        )  # fmt: skip
        yield Row(said, None, parts[-1][0], parts[-1][1], actor, "330", short - over)


def one_approver(hunt: Hunt) -> Iterator[Row]:
    """People all of whose many requests one and the same colleague approved."""
    counts: dict[str, list[tuple[str, int, int, str]]] = defaultdict(list)
    for actor, approver, count, last, day in hunt.stream(
        "SELECT o.actor, o.approver, count(*), max(o.id), max(o.business_date) FROM operation o"
        f" WHERE o.approver IS NOT NULL AND {MADE} GROUP BY o.actor, o.approver ORDER BY o.actor, o.approver",
        *hunt.days,
    ):
        hunt.looked_at += int(count)
        counts[actor].append((approver, int(count), int(last), day))
    for actor, approvers in counts.items():
        approver, count, last, day = approvers[0]
        if len(approvers) == 1 and count >= APPROVALS:
            said = _("all {count} requests were approved by {user}").format(count=count, user=approver)
            yield Row(said, None, last, day, actor)


def shared_contact(hunt: Hunt) -> Iterator[Row]:
    """Borrowers who have the telephone, address or e-mail of another borrower, or of somebody who works here."""
    borrowers: dict[str, list[str]] = defaultdict(list)
    for loan, member in hunt.stream(
        "SELECT r.ref, min(r.about) FROM record r JOIN operation o ON o.id = r.operation_id WHERE r.kind = ?"
        f" AND r.version = 1 AND {MADE} GROUP BY r.ref ORDER BY r.ref",
        records.Loan.kind, *hunt.days,
    ):  # fmt: skip
        borrowers[member].append(loan)
    staff = {body.member: user for user, body in hunt.books.every(records.User) if body.member}
    having: dict[tuple[str, str], set[str]] = defaultdict(set)
    for member in sorted({*borrowers, *staff}):
        body = hunt.books.find(records.Member, member)
        hunt.looked_at += member in borrowers
        for name in _CONTACT if body is not None else ():
            text = hunt.books.personal(getattr(body, name))
            if text not in (FORGOTTEN, LOCKED) and len(told := _folded(text)) >= _LEAST:
                having[name, told].add(member)
    for (name, _told), members in sorted(having.items(), key=lambda each: (sorted(each[1]), each[0][0])):
        if len(members) > 1 and members & borrowers.keys():
            what = {"address": _("the same address"), "phone": _("the same telephone"), "email": _("the same e-mail")}
            users = ", ".join(sorted(staff[member] for member in members if member in staff))
            loans = ", ".join(loan for member in sorted(members) for loan in borrowers.get(member, ()))
            yield Row(what[name], who=users, account=", ".join(sorted(members)), memo=loans)


def _folded(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def new_borrowers(hunt: Hunt) -> Iterator[Row]:
    """Loans to members who had joined shortly before."""
    for loan, member, operation, day, actor, amount in hunt.stream(
        "SELECT r.ref, r.about, o.id, o.business_date, o.actor, r.body FROM record r JOIN operation o"
        f" ON o.id = r.operation_id WHERE r.kind = ? AND r.version = 1 AND {MADE} ORDER BY o.id",
        records.Loan.kind, *hunt.days,
    ):  # fmt: skip
        hunt.looked_at += 1
        body = hunt.books.find(records.Member, member)
        if body is None:
            continue
        days = (date.fromisoformat(day) - date.fromisoformat(body.joined_on)).days
        if 0 <= days <= NEW_MEMBER:
            said = _("granted {days} days after the member joined").format(days=days)
            yield Row(said, None, int(operation), day, actor, member, int(loads(amount)["principal"]), loan)


def silent_voters(hunt: Hunt) -> Iterator[Row]:
    """Members who voted, or were given a ballot, and never moved anything after they bought their share."""
    voted: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for ref, operation, day, actor in hunt.stream(
        "SELECT r.ref, o.id, o.business_date, o.actor FROM record r JOIN operation o ON o.id = r.operation_id"
        f" WHERE r.kind IN (?, ?) AND r.version = 1 AND {MADE} ORDER BY o.id, r.ref",
        records.Vote.kind, records.BallotGiven.kind, *hunt.days,
    ):  # fmt: skip
        voted[ref.rpartition(".")[2]].append((int(operation), day, actor))
    kinds = ", ".join("?" * len(FOR_EVERYBODY))
    for member, votes in sorted(voted.items()):
        hunt.looked_at += 1
        moved = hunt.books.tx.value(
            "SELECT 1 FROM account a JOIN posting p ON p.account_id = a.id JOIN entry e ON e.id = p.entry_id"
            f" JOIN operation o ON o.id = e.operation_id WHERE a.holder = ? AND o.kind NOT IN (?, {kinds}) LIMIT 1",
            member, "buy-shares", *FOR_EVERYBODY,
        )  # fmt: skip
        if moved is None:
            said = _("voted {count} times, and moved nothing but the price of a share").format(count=len(votes))
            yield Row(said, None, votes[-1][0], votes[-1][1], votes[-1][2], member)


TESTS = (
    AuditTest(
        "undone", marked("Cash taken back"),
        marked("Who takes a member's payment back after the member has gone can keep it."),
        marked("cash that was taken back"), undone,
    ),
    AuditTest(
        "woken", marked("Payouts after long silence"),
        marked("Money that nobody looks after is taken most easily; the member should be asked."),
        marked("payouts"), woken,
    ),
    AuditTest(
        "changed-then-paid", marked("Contact changed, then paid out"),
        marked("Whoever changes where a member is reached, and then pays out, is told on by no letter."),
        marked("payouts"), changed_then_paid,
    ),
    AuditTest(
        "cash-differences", marked("Drawers that differed"),
        marked("A drawer that is often short, or short and then over, tells of habits or of borrowing."),
        marked("counts"), cash_differences,
    ),
    AuditTest(
        "one-approver", marked("Always the same approver"),
        marked("A second person who always agrees is no second person."), marked("approvals"), one_approver,
    ),
    AuditTest(
        "shared-contact", marked("Borrowers with the same contact"),
        marked("A borrower who was made up has somebody's address; families and households do too."),
        marked("borrowers"), shared_contact,
    ),
    AuditTest(
        "new-borrowers", marked("Loans to new members"),
        marked("A member who joined to borrow, or was made up to, is seldom older than the loan."),
        marked("loans"), new_borrowers,
    ),
    AuditTest(
        "silent-voters", marked("Voters of whom nothing else is known"),
        marked("A member who was made up votes as whoever made them up wants."), marked("voters"), silent_voters,
    ),
)  # fmt: skip
"""In the order in which they are told."""
