"""Accounts over time: dormant ones, those that moved on one side only, and the roll-forward of every control account.

Dormancy runs from the last movement that the member began: interest credited, a close or an opening balance is none.
The roll-forward adds up three sources that are kept apart: what stood at the beginning comes from the totals by month
and day, what moved from the entries themselves, what stands at the end from the leaves day by day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from coopbank.bank.books import Books
from coopbank.finance.periods import add_months
from coopbank.money import format_amount
from coopbank.reports.audit.frame import (
    DATED,
    FIRST_DAY,
    FOR_EVERYBODY,
    LAST_DAY,
    AuditTest,
    Hunt,
    Row,
    leaf_code,
)
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.totals import controls, movements
from coopbank.words import _, marked

CAN_BE_ASKED_BACK: Final = ("905", "871", "821", "823", "825")
"""Members' money that somebody should come for: savings, money paid ahead, and what was declared and not taken."""
DORMANT_MONTHS: Final = 12
_RESULT: Final = ("income", "expense")


def dormant(hunt: Hunt) -> Iterator[Row]:
    """Accounts with money whose member has moved nothing for as many months as the policy says."""
    months = int(hunt.books.policy("dormant_months", DORMANT_MONTHS) or DORMANT_MONTHS)
    limit = add_months(hunt.last_day, -months)
    controls_, kinds = ", ".join("?" * len(CAN_BE_ASKED_BACK)), ", ".join("?" * len(FOR_EVERYBODY))
    for gl_code, contract, holder, balance, opened, moved in hunt.stream(
        "SELECT a.gl_code, a.contract, a.holder, b.credit - b.debit, f.business_date, (SELECT e.effective_on"
        " FROM posting p CROSS JOIN entry e CROSS JOIN operation o WHERE p.account_id = a.id AND e.id = p.entry_id"
        f" AND o.id = e.operation_id AND o.kind NOT IN ({kinds}) AND e.effective_on <= ?"
        " ORDER BY p.entry_id DESC LIMIT 1)"
        " FROM account a CROSS JOIN balance b CROSS JOIN operation f"
        f" WHERE a.gl_code IN ({controls_}) AND b.account_id = a.id AND f.id = a.operation_id AND a.holder IS NOT NULL"
        " AND b.credit <> b.debit ORDER BY a.gl_code, a.contract",
        *FOR_EVERYBODY, hunt.last_day.isoformat(), *CAN_BE_ASKED_BACK,
    ):  # fmt: skip
        hunt.looked_at += 1
        since = moved or opened
        if since <= limit.isoformat():
            said = _("nothing since") if moved else _("nothing since it was opened")
            yield Row(said, on=since, who=holder, account=leaf_code(gl_code, contract), amount=int(balance))


def one_sided(hunt: Hunt) -> Iterator[Row]:
    """Control accounts that moved on one side only; income and expense only where that is not their own side."""
    known = controls(hunt.books.tx)
    start = None if hunt.start == FIRST_DAY else hunt.start
    end = None if hunt.end == LAST_DAY else hunt.end
    for (gl_code, fund, _currency), (debit, credit) in sorted(movements(hunt.books.tx, start, end).items()):
        hunt.looked_at += 1
        control = known[gl_code]
        if (debit and credit) or not (debit or credit):
            continue
        if control.kind in _RESULT and (control.side == "debit") == bool(debit):
            continue
        said = _("only debits") if debit else _("only credits")
        yield Row(said, account=f"{fund} {gl_code}", amount=debit - credit, memo=_(control.name))


# -------------------------------------------------------------------------------- roll-forward


@dataclass(frozen=True, slots=True)
class RollLine:
    """A control account of a fund: what stood there, what moved, what stands there; minor units, debit +."""

    fund: str
    code: str
    name: str
    currency: str
    beginning: Minor
    debit: Minor
    credit: Minor
    ending: Minor

    @property
    def difference(self) -> int:
        """What the three sources differ by; zero in right books."""
        return self.beginning + self.debit - self.credit - self.ending


@dataclass(frozen=True, slots=True)
class RollForward:
    """Every control account of every fund over a period."""

    source: Source
    start: date
    end: date
    lines: tuple[RollLine, ...]


def roll_forward(books: Books, start: date | None = None, end: date | None = None) -> RollForward:
    """Beginning, activity and ending of every control account; of the whole book if no days are given."""
    origin = source(books)
    first, last = start or FIRST_DAY, end or origin.business_date or LAST_DAY
    before = {} if first == FIRST_DAY else movements(books.tx, None, first - timedelta(days=1))
    moved = {row[:3]: row[3:] for row in books.tx.rows(
        "SELECT a.gl_code, a.fund, a.currency, sum(d), sum(c) FROM (SELECT p.account_id AS i,"
        " sum(CASE WHEN p.amount > 0 THEN p.amount ELSE 0 END) AS d,"
        " sum(CASE WHEN p.amount < 0 THEN -p.amount ELSE 0 END) AS c FROM entry e CROSS JOIN posting p"
        f" WHERE p.entry_id = e.id AND {DATED} GROUP BY p.account_id) leaf JOIN account a ON a.id = leaf.i"
        " GROUP BY a.gl_code, a.fund, a.currency",
        first.isoformat(), last.isoformat(),
    )}  # fmt: skip
    after = {row[:3]: row[3] for row in books.tx.rows(
        "SELECT a.gl_code, a.fund, a.currency, sum(m) FROM (SELECT account_id AS i, sum(debit - credit) AS m"
        " FROM balance_day WHERE effective_on <= ? GROUP BY account_id) leaf JOIN account a ON a.id = leaf.i"
        " GROUP BY a.gl_code, a.fund, a.currency",
        last.isoformat(),
    )}  # fmt: skip
    known = controls(books.tx)
    lines = []
    for key in sorted(before.keys() | moved.keys() | after.keys()):
        stood, (debit, credit) = before.get(key, (0, 0)), moved.get(key, (0, 0))
        lines.append(
            RollLine(key[1], key[0], known[key[0]].name, key[2], stood[0] - stood[1], int(debit), int(credit),
                     int(after.get(key, 0)))
        )  # fmt: skip
    return RollForward(origin, first, last, tuple(lines))


def roll_differences(hunt: Hunt) -> Iterator[Row]:
    """Control accounts whose beginning and activity do not come to their ending."""
    for line in roll_forward(hunt.books, hunt.start, hunt.last_day).lines:
        hunt.looked_at += 1
        if line.difference:
            said = _("{beginning} and {activity} do not come to {ending}").format(
                beginning=_shown(line.beginning, hunt), activity=_shown(line.debit - line.credit, hunt),
                ending=_shown(line.ending, hunt),
            )  # fmt: skip
            yield Row(said, account=f"{line.fund} {line.code}", amount=line.difference, memo=_(line.name))


def _shown(minor: int, hunt: Hunt) -> str:
    return format_amount(minor, hunt.currency, grouping=True)


TESTS = (
    AuditTest(
        "dormant", marked("Dormant accounts"),
        marked("Nobody misses money that nobody looks after; and the law may call it unclaimed."),
        marked("accounts with money"), dormant,
    ),
    AuditTest(
        "one-sided", marked("Accounts on one side"),
        marked("An account that only grows or only shrinks may hide what should have been cleared."),
        marked("control accounts"), one_sided,
    ),
    AuditTest(
        "roll-forward", marked("Roll-forward"),
        marked("What stood at the beginning and what moved must come to what stands at the end."),
        marked("control accounts"), roll_differences,
    ),
)  # fmt: skip
