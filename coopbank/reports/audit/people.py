"""Who served whom: staff on their own accounts, and pairs who only ever approve each other.

The program refuses self-service by what it knows at the time. A user who is linked to a member later has served their
own account before that in the open: so here the links of all times count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from coopbank.bank import records
from coopbank.bank.access import codes_of
from coopbank.reports.audit.frame import FOR_EVERYBODY, MADE, AuditTest, Hunt, Row
from coopbank.words import _, marked


def self_service(hunt: Hunt) -> Iterator[Row]:
    """Operations on the accounts of a member who made or approved them."""
    marks = ", ".join("?" * len(FOR_EVERYBODY))
    for (user, member), linked in _links(hunt).items():
        for operation, kind, actor, approver, day, amount in hunt.stream(
            "SELECT o.id, o.kind, o.actor, o.approver, o.business_date, sum(p.amount)"
            " FROM account a CROSS JOIN posting p CROSS JOIN entry e CROSS JOIN operation o"
            " WHERE a.holder = ? AND p.account_id = a.id AND e.id = p.entry_id AND o.id = e.operation_id"
            f" AND o.kind NOT IN ({marks}) AND {MADE}"
            " GROUP BY o.id, o.kind, o.actor, o.approver, o.business_date ORDER BY o.id",
            member, *FOR_EVERYBODY, *hunt.days,
        ):  # fmt: skip
            hunt.looked_at += 1
            if user not in (actor, approver):
                continue
            said = _("made by the member") if user == actor else _("approved by the member")
            if linked > operation:
                said += "; " + _("linked only later, by operation {number}").format(number=linked)
            yield Row(said, None, operation, day, user, member, int(amount), kind)


def _links(hunt: Hunt) -> dict[tuple[str, str], int]:
    """Users and the members that they are or once were, with the operation that said so first."""
    found: dict[tuple[str, str], int] = {}
    for user, body, operation in hunt.books.tx.rows(
        "SELECT ref, body, operation_id FROM record WHERE kind = ? ORDER BY operation_id", records.User.kind
    ):
        member = records.User.model_validate_json(body).member
        if member is not None:
            found.setdefault((user, member), int(operation))
    return found


def only_each_other(hunt: Hunt) -> Iterator[Row]:
    """Pairs of whom each had everything approved by the other and by nobody else."""
    counts: dict[str, dict[str, tuple[int, int, str]]] = defaultdict(dict)
    for actor, approver, count, last, day in hunt.stream(
        "SELECT o.actor, o.approver, count(*), max(o.id), max(o.business_date) FROM operation o"
        f" WHERE o.approver IS NOT NULL AND {MADE} GROUP BY o.actor, o.approver ORDER BY o.actor, o.approver",
        *hunt.days,
    ):
        hunt.looked_at += int(count)
        counts[actor][approver] = int(count), int(last), day
    for one, approvers in counts.items():
        for other in approvers:
            if one < other and set(approvers) == {other} and set(counts.get(other, ())) == {one}:
                ours, theirs = approvers[other], counts[other][one]
                said = _(
                    "{count} of {user} were approved by {other} only, {count_other} of {other} by {user} only"
                ).format(count=ours[0], user=one, count_other=theirs[0], other=other)
                last = max(ours, theirs, key=lambda each: each[1])
                yield Row(said, None, last[1], last[2], f"{one}, {other}")


def without_codes(hunt: Hunt) -> Iterator[Row]:
    """Whoever has powers for which the bank wants one-time codes, and signs in by passphrase alone."""
    if not hunt.start <= (hunt.books.business_date() or hunt.start) <= hunt.end:
        return  # it is known of today only
    found = codes_of(hunt.books)
    hunt.looked_at += len(found.having) + len(found.lacking)
    for name in found.lacking:
        user = hunt.books.get(records.User, name)
        yield Row(_("signs in by passphrase alone: {roles}").format(roles=", ".join(user.roles)), who=name)


TESTS = (
    AuditTest(
        "self-service", marked("Self-service"), marked("Nobody serves their own account."),
        marked("operations on accounts of staff"), self_service,
    ),
    AuditTest(
        "pairs", marked("Pairs who approve each other"),
        marked("Two people who never need a third can agree on anything."), marked("approvals"), only_each_other,
    ),
    AuditTest(
        "codes", marked("Without one-time codes"),
        marked("A passphrase alone can be looked at over a shoulder; the bank names roles that take a code as well."),
        marked("users of those roles"), without_codes,
    ),
)  # fmt: skip
