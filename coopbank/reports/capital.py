"""Internal capital accounts of a worker co-op: what each worker left in it, by vintage, and what a year did to it.

Amounts are in the worker's own sign: what they have is positive.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from coopbank.bank import equity, groups, records
from coopbank.bank.books import Books
from coopbank.bank.capital import of_workers
from coopbank.errors import NotOffered, Unknown
from coopbank.reports.document import Minor, Source, source


@dataclass(frozen=True, slots=True)
class Vintage:
    """An account of a worker over a year: as it began, what came and went, as it ended."""

    account: str  # 950/M0001/2026
    vintage: str
    opening: Minor
    retained: Minor  # of the surplus, or taken over with the opening balances
    interest: Minor
    losses: Minor  # borne, positive
    paid_out: Minor  # redeemed or returned, positive
    closing: Minor

    @property
    def amounts(self) -> tuple[int, int, int, int, int, int]:
        """In the order in which people read them."""
        return self.opening, self.retained, self.interest, self.losses, self.paid_out, self.closing


@dataclass(frozen=True, slots=True)
class Due:
    """A payment that is owed to a worker who left."""

    redemption: str
    payable_on: date
    amount: Minor


@dataclass(frozen=True, slots=True)
class WorkerCapital:
    """A worker's accounts."""

    member: str
    name: str
    vintages: tuple[Vintage, ...]
    opening: Minor
    closing: Minor
    due: tuple[Due, ...]


@dataclass(frozen=True, slots=True)
class Capital:
    """The accounts of all workers over a year, or of one; `collective` is what no worker ever gets (932)."""

    source: Source
    year: int
    workers: tuple[WorkerCapital, ...]
    opening: Minor
    closing: Minor
    collective: Minor
    still_coming: tuple[str, ...]  # what is decided and not on all accounts yet


@dataclass(frozen=True, slots=True)
class CapitalStatement:
    """A worker's accounts over a year, for their paper; `end` is its last day, or how far the books have come."""

    source: Source
    address: str
    year: int
    end: date
    worker: WorkerCapital
    together: tuple[Minor, ...]  # of the worker's vintages, column by column
    collective: Minor
    still_coming: tuple[str, ...]  # what is decided and not on all accounts yet


def capital_statement(books: Books, member: str, year: int) -> CapitalStatement:
    """What `capital` says of one worker, and where they live."""
    found = capital(books, year, member)
    body = books.get(records.Member, member, "member")
    worker = found.workers[0]
    last = date(year, 12, 31)
    return CapitalStatement(
        found.source, books.personal(body.address), year, min(last, found.source.business_date or last), worker,
        tuple(sum(each.amounts[column] for each in worker.vintages) for column in range(6)), found.collective,
        found.still_coming,
    )  # fmt: skip


def sample(origin: Source, member: str, name: str, address: str) -> CapitalStatement:
    """An invented statement: two vintages, interest on them, and a loss."""
    vintages = (
        Vintage("950/M0001/2024", "2024", 201_600, 0, 0, 40_000, 0, 161_600),
        Vintage("950/M0001/2025", "2025", 0, 252_000, 4_032, 0, 0, 256_032),
    )
    worker = WorkerCapital(member, name, vintages, 201_600, 417_632, (Due("RD-00003", date(2026, 6, 30), 50_000),))
    together = (201_600, 252_000, 4_032, 40_000, 0, 417_632)
    return CapitalStatement(origin, address, 2025, date(2025, 12, 31), worker, together, 270_000, ())


_COLUMNS = {
    "credit-capital-interest": "interest", "share-loss": "losses", "redeem-patronage": "paid_out",
    "return-capital": "paid_out",
}  # fmt: skip


def capital(books: Books, year: int, member: str | None = None) -> Capital:
    """Capital accounts over a year by the days of their entries; refuses books of no worker co-op, and nobody's."""
    if not of_workers(books):
        raise NotOffered(
            "Internal capital accounts (950) are of a worker co-operative's own book.",
            hint="Keep them in books of that co-operative: coopbank init --kind worker-coop",
        )  # fmt: skip
    if member is not None:
        books.get(records.Member, member, "member")
    first, last = equity.year_days(f"{year:04d}")
    accounts = _moved(books, first, last, member)
    due = _due(books)
    found = [
        _worker(books, holder, accounts.get(holder, {}), tuple(due.get(holder, ())))
        for holder in sorted({*accounts, *(due if member is None else ()), *([member] if member else [])})
    ]
    if member is not None and not found[0].vintages and not found[0].due:
        raise Unknown(
            "{member} has no internal capital in {year}.", field="member", member=member, year=year,
            hint="See who has any with: coopbank capital {year}",
        )  # fmt: skip
    collective = -int(
        books.tx.value(
            "SELECT coalesce(sum(d.debit - d.credit), 0) FROM account a JOIN balance_day d ON d.account_id = a.id"
            " WHERE a.gl_code = '932' AND a.fund = ? AND d.effective_on <= ?", equity.FUND, last.isoformat(),
        )
    )  # fmt: skip
    return Capital(
        source(books), year, tuple(found), sum(each.opening for each in found), sum(each.closing for each in found),
        collective, groups.still_coming(books, last),
    )  # fmt: skip


def _moved(books: Books, first: date, last: date, member: str | None) -> dict[str, dict[str, dict[str, int]]]:
    """By worker and contract: the columns of the year. A reversal takes back in the column of what it reverses."""
    found: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for holder, contract, before, kind, amount in books.tx.rows(
        "SELECT a.holder, a.contract, CASE WHEN e.effective_on < ? THEN 1 ELSE 0 END, coalesce(u.kind, o.kind),"
        " sum(-p.amount) FROM account a JOIN posting p ON p.account_id = a.id JOIN entry e ON e.id = p.entry_id"
        " JOIN operation o ON o.id = e.operation_id LEFT JOIN entry r ON r.id = e.reverses_id"
        " LEFT JOIN operation u ON u.id = r.operation_id"
        " WHERE a.gl_code = ? AND a.fund = ? AND a.holder IS NOT NULL AND e.effective_on <= ?"
        + (" AND a.holder = ?" if member else "")
        + " GROUP BY 1, 2, 3, 4",
        first.isoformat(), equity.CAPITAL, equity.FUND, last.isoformat(), *([member] if member else []),
    ):  # fmt: skip
        column = "opening" if before else _COLUMNS.get(kind, "retained")
        found[str(holder)][contract][column] += int(amount)
    return found


def _worker(books: Books, member: str, accounts: dict[str, dict[str, int]], due: tuple[Due, ...]) -> WorkerCapital:
    vintages = []
    for contract, columns in sorted(accounts.items()):
        if any(columns.values()):
            vintages.append(Vintage(
                account=f"{equity.CAPITAL}/{contract}", vintage=contract.partition("/")[2],
                opening=columns["opening"], retained=columns["retained"], interest=columns["interest"],
                losses=-columns["losses"], paid_out=-columns["paid_out"], closing=sum(columns.values()),
            ))  # fmt: skip
    return WorkerCapital(
        member, books.member_name(member), tuple(vintages), sum(each.opening for each in vintages),
        sum(each.closing for each in vintages), due,
    )  # fmt: skip


def _due(books: Books) -> dict[str, list[Due]]:
    """What is still owed by the schedules, earliest first."""
    found: dict[str, list[Due]] = defaultdict(list)
    for ref, body in books.about(records.Redemption, "waiting"):
        if body.share_class == equity.CAPITAL:
            found[body.member].append(Due(ref, date.fromisoformat(body.payable_on), body.amount))
    return {member: sorted(each, key=lambda due: (due.payable_on, due.redemption)) for member, each in found.items()}
