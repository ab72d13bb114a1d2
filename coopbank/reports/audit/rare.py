"""Who and what is rare: users who made few entries, control accounts that few entries touched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from coopbank.reports.audit.frame import DATED, MADE, AuditTest, Hunt, Row
from coopbank.words import _, marked

FEW: Final = 5
"""So many in the period, or fewer, is rare."""


def rare_users(hunt: Hunt) -> Iterator[Row]:
    """People who made few operations with entries in the period."""
    for actor, count, last, day in hunt.stream(
        "SELECT o.actor, count(*), max(o.id), max(o.business_date) FROM operation o"
        f" WHERE o.entry_count > 0 AND {MADE} GROUP BY o.actor ORDER BY count(*), o.actor",
        *hunt.days,
    ):
        hunt.looked_at += 1
        if count <= FEW:
            said = _("operations in the period: {count}, this one the last").format(count=count)
            yield Row(said, None, last, day, actor)


def rare_accounts(hunt: Hunt) -> Iterator[Row]:
    """Control accounts of a fund with few lines in the period."""
    for gl_code, fund, count, last in hunt.stream(
        "SELECT a.gl_code, a.fund, sum(n), max(l) FROM (SELECT p.account_id AS i, count(*) AS n, max(e.id) AS l"
        f" FROM entry e CROSS JOIN posting p WHERE p.entry_id = e.id AND {DATED} GROUP BY p.account_id) leaf"
        " JOIN account a ON a.id = leaf.i GROUP BY a.gl_code, a.fund ORDER BY a.gl_code, a.fund",
        *hunt.days,
    ):
        hunt.looked_at += 1
        if count <= FEW:
            said = _("lines in the period: {count}, the last in this entry").format(count=count)
            yield Row(said, int(last), account=f"{fund} {gl_code}", memo=_(hunt.books.control_name(gl_code)))


TESTS = (
    AuditTest(
        "rare-users", marked("Rare users"),
        marked("Whoever makes few entries may be somebody whose work this is not."), marked("users"), rare_users,
    ),
    AuditTest(
        "rare-accounts", marked("Rare accounts"),
        marked("What is seldom used is seldom looked at, and mistakes stay there."),
        marked("control accounts"), rare_accounts,
    ),
)  # fmt: skip
