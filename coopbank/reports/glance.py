"""A fund at one look: where its money came from, where it is, how often it went round, and what it lost.

Every ratio keeps both its parts, in minor units, so that it can be checked and added up over funds; one that does
not fit a fund has no value and says why. The definitions are those that fund managers use:

    capital base        what is lent and what is there to be lent; its sources add up to it, to the cent
    utilisation         lent, of the capital base; cash percentage: cash, of the same; net: without what is promised
    revolve ratio       all that was ever lent, over the capital base: how many times each dollar has been lent
    PAR30, PAR90        principal of loans with anything more than 30 or 90 days late, of all principal; loans
                        deferred by their terms, and those whose report is overdue, are told beside it
    charge-offs         losses less recoveries of the last twelve months, of the loans of that time on average
    self-sufficiency    income of lending and of banks, over what it costs: interest, provision, running costs; gifts
                        and aid given are no part of it. The last twelve months, closings of years left out
    leverage            what peers and other funds lent in the same loans, over what this fund lent
    debt to capital     owed to lenders, over the capital that is the fund's own
    concentration       what the largest borrower, and the five largest, owe of all principal

All sums come from control totals; losses from the few entries on the allowance; loans once each from their records.
How late loans are is read from the day's close where the day is closed, and reckoned anew where it is not.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.institution_registers import entries_of
from coopbank.finance.periods import add_months
from coopbank.ledger.chart import POOL
from coopbank.money import format_amount, round_minor, round_ratio
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.financial import closing_movements
from coopbank.reports.jobs import jobs
from coopbank.reports.totals import Backdated, backdated, fund_columns, movements, require_fund
from coopbank.words import _

WHOLE: Final = "all"
CASH: Final = ("729", "731", "735", "739")
LENT: Final = ("701", "702", "728")
_LENDING_INCOME: Final = ("111", "116", "117", "119", "127", "131", "132", "151")
_GIVEN: Final = ("366",)  # aid is what a fund is for, no cost of running it
_GIFTS: Final = ("181", "182")
_LOSSES: Final = ("719", "301")
#: Operations that bring 719 and 301 somewhere without any loss: reckoned, taken over, or closed.
_NO_LOSS: Final = ("provide", "opening-balance", "close-year")


@dataclass(frozen=True, slots=True)
class Part:
    """One source of the capital base; positive where it brought money."""

    code: str
    name: str
    amount: Minor


@dataclass(frozen=True, slots=True)
class Measure:
    """A ratio with both its parts, rounded once, half to even, to two decimals: percent, or times.

    Without a value it does not fit, or its denominator is nothing: `why` says which.
    """

    code: str
    name: str
    numerator: Minor
    denominator: Minor
    value: str | None
    unit: str = "percent"  # percent, times
    why: str = ""

    @property
    def text(self) -> str:
        """The value as people read it."""
        if self.value is None:
            return _("n/a")
        grouped = f"{Decimal(self.value):,}"  # as every amount beside it
        return f"{grouped} %" if self.unit == "percent" else grouped


@dataclass(frozen=True, slots=True)
class Loss:
    """What a fund lost on loans, and got back, in a time; all positive."""

    charged_off: Minor
    written_down: Minor
    recovered: Minor

    @property
    def net(self) -> int:
        """What is lost after all."""
        return self.charged_off + self.written_down - self.recovered


@dataclass(frozen=True, slots=True)
class Glance:
    """A fund on a day, or all funds together (`all`)."""

    code: str
    name: str
    fund_class: str
    capital: Minor
    sources: tuple[Part, ...]
    lent: Minor
    cash: Minor
    committed: Minor
    available: Minor  # cash less what is promised; below zero if more is promised than there is
    allowance: Minor
    lent_ever: Minor
    loans_ever: int
    loans: int  # owed now
    ever: Loss
    year: Loss  # of the last twelve months
    measures: tuple[Measure, ...]

    def measure(self, code: str) -> Measure:
        """A ratio by its code."""
        return next(each for each in self.measures if each.code == code)


@dataclass(frozen=True, slots=True)
class Glances:
    """Funds at one look on a day."""

    source: Source
    as_of: date
    year_from: date  # the first of the twelve months that yearly figures cover
    risk_on: date | None  # the end of the day on which it was reckoned how late loans are
    funds: tuple[Glance, ...]
    backdated: Backdated | None


def glance(books: Books, code: str = WHOLE, as_of: date | None = None, *, at_close: bool = False) -> Glances:
    """A fund at one look, or every fund and all of them together.

    With `at_close` lateness is that of the last close before the day, which costs the same however many loans there
    are: for a screen that is opened often.
    """
    origin = source(books)
    day = as_of or origin.business_date or date.max
    one = [] if code == WHOLE else [require_fund(books.tx, code)]
    seen = _Seen(books, day, at_close=at_close)
    used = {fund for (_gl, fund), net in seen.nets.items() if net}
    columns = one or [each for each in fund_columns(books.tx, as_of, used) if each.code != POOL]
    found = [_of_fund(seen, each.code, each.name, each.fund_class) for each in columns]
    if code == WHOLE:
        found.append(_of_fund(seen, WHOLE, _("All funds together"), WHOLE))
    return Glances(origin, day, seen.first, seen.risk_on, tuple(found), backdated(books, as_of))


# ------------------------------------------------------------------------------ what is read, once

_Nets = Mapping[tuple[str, str], int]
"""By control account and fund, debit +."""


class _Seen:
    """What the books say of all funds."""

    def __init__(self, books: Books, day: date, *, at_close: bool) -> None:
        self.books, self.day = books, day
        self.first = add_months(day, -12) + timedelta(days=1) if day < date.max else date.min
        self.kinds: dict[str, str] = dict(books.tx.rows("SELECT code, kind FROM gl_account"))
        self.nets = _nets(books, None, day)
        self.before = _nets(books, None, self.first - timedelta(days=1)) if self.first > date.min else {}
        self.closed = closing_movements(books.tx, date.min, day)
        self.closed_before = (
            closing_movements(books.tx, date.min, self.first - timedelta(days=1)) if self.before else {}
        )
        self.losses = _losses(books, day)
        self.notes = _notes_by_class(books, day)
        self.loans = _Loans(books, day)
        self.risk, self.risk_on = _risk(books, day, at_close=at_close)
        self.has_jobs = next(iter(entries_of(books, "JOBS")), None) is not None


def _nets(books: Books, start: date | None, end: date) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = defaultdict(int)
    for (code, fund, _currency), (debit, credit) in movements(books.tx, start, end).items():
        found[code, fund] += debit - credit
    return found


@dataclass(frozen=True, slots=True)
class _LossLine:
    fund: str
    on: str
    kind: str
    amount: int  # a loss positive, a recovery below zero
    undone: bool


def _losses(books: Books, day: date) -> list[_LossLine]:
    """Each entry that went through the allowance, less what it provided itself: a loss, or what came back."""
    rows = books.tx.rows(
        "SELECT a.fund, e.effective_on, coalesce(was.kind, o.kind), e.reverses_id, CAST(sum(p.amount) AS bigint)"
        " FROM account a JOIN posting p ON p.account_id = a.id JOIN entry e ON e.id = p.entry_id"
        " JOIN operation o ON o.id = e.operation_id LEFT JOIN entry undone ON undone.id = e.reverses_id"
        " LEFT JOIN operation was ON was.id = undone.operation_id"
        " WHERE a.gl_code IN (?, ?) AND e.effective_on <= ?"
        " GROUP BY a.fund, e.id, e.effective_on, was.kind, o.kind, e.reverses_id ORDER BY e.id",
        *_LOSSES, day.isoformat(),
    )  # fmt: skip
    return [
        _LossLine(fund, on, kind, int(net), reverses is not None)
        for fund, on, kind, reverses, net in rows
        if net and kind not in _NO_LOSS
    ]


def _lost(lines: Iterable[_LossLine], fund: str, since: date = date.min) -> Loss:
    off = written = back = 0
    for line in lines:
        if fund not in (WHOLE, line.fund) or line.on < since.isoformat():
            continue
        if (line.amount < 0) != line.undone:  # what came back; or, reversed, that it did not
            back -= line.amount
        elif line.kind == "write-down":
            written += line.amount
        else:
            off += line.amount
    return Loss(off, written, back)


def _notes_by_class(books: Books, day: date) -> dict[tuple[str, str], int]:
    """Principal owed on notes by fund and class, positive."""
    owed = books.tx.rows(
        "SELECT a.fund, a.contract, CAST(sum(b.credit - b.debit) AS bigint) FROM account a"
        " JOIN balance_day b ON b.account_id = a.id WHERE a.gl_code = '811' AND b.effective_on <= ?"
        " GROUP BY a.fund, a.contract",
        day.isoformat(),
    )  # fmt: skip
    found: dict[tuple[str, str], int] = defaultdict(int)
    classes = {ref: note.note_class for ref, note in books.every(records.Note)}
    for fund, ref, amount in owed:
        if amount:
            found[fund, classes.get(ref, "")] += int(amount)
    return dict(sorted(found.items()))


class _Loans:
    """What loan records say: ever lent by fund, by whom else in the same loans, and what each borrower owes."""

    def __init__(self, books: Books, day: date) -> None:
        self.lent: dict[str, int] = defaultdict(int)
        self.beside: dict[str, int] = defaultdict(int)
        self.ever: dict[str, int] = defaultdict(int)
        self.owed: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.open: dict[str, int] = defaultdict(int)
        for member, state, flows in _loans(books, day):
            self._add(member, state, flows)

    def _add(self, member: str, state: str, flows: Mapping[str, Mapping[str, int]]) -> None:
        lent = {name: of_fund["lent"] for name, of_fund in flows.items() if of_fund.get("lent")}
        if not lent:
            return
        whole, ours = sum(lent.values()), 0
        for name, amount in lent.items():
            if "@" in name:
                continue
            ours += amount
            self.lent[name] += amount
            self.beside[name] += whole - amount
            self.ever[name] += 1
            owed = amount - sum(flows[name].get(flow, 0) for flow in _LOWERED)
            if owed:
                self.owed[name][member] += owed
                self.owed[WHOLE][member] += owed
                self.open[name] += 1
        self.lent[WHOLE] += ours
        self.beside[WHOLE] += whole - ours
        self.ever[WHOLE] += 1
        self.open[WHOLE] += state == "active"


#: Flows that take principal off 701 (bank/lending/flows.py).
_LOWERED: Final = ("principal_paid", "written_principal", "given", "off_principal")


def _loans(books: Books, day: date) -> Iterator[tuple[str, str, Mapping[str, Mapping[str, int]]]]:
    """Of every loan, as what was posted up to a day left it: whose it is, its state, its flows by fund.

    The database takes these out of the bodies, which hold much more.
    """
    last = "SELECT max(l.version) FROM record l WHERE l.kind = r.kind AND l.ref = r.ref"
    values = [records.Loan.kind]
    today = books.business_date()
    if today is not None and day < today:
        last = last.replace(" WHERE", " JOIN operation o ON o.id = l.operation_id WHERE") + " AND o.business_date <= ?"
        values.append(day.isoformat())
    path = "r.body ->> '$.{}'" if books.tx.dialect == "sqlite" else "r.body::json ->> '{}'"
    columns = ", ".join(path.format(name) for name in ("member", "state", "book", "void"))
    rows = books.tx.stream(f"SELECT {columns} FROM record r WHERE r.kind = ? AND r.version = ({last})", *values)
    found = [row for row in rows if row[3] in (None, 0, "false")]
    flows = json.loads(f"[{','.join(row[2] or '{}' for row in found)}]")
    yield from ((row[0], row[1], each) for row, each in zip(found, flows, strict=True))


def _risk(books: Books, day: date, *, at_close: bool) -> tuple[dict[str, dict[str, int]], date | None]:
    """How late each fund's part of the loans is at the end of the day, or at the last close before it."""
    from coopbank.bank.lending.delinquency import OF_FUND

    on = "<=" if at_close else "="
    row = books.tx.row(
        f"SELECT ref, body FROM record WHERE kind = ? AND ref {on} ? ORDER BY ref DESC, version DESC LIMIT 1",
        records.DayClose.kind, day.isoformat(),
    )  # fmt: skip
    if row is not None:
        kept = records.DayClose.model_validate_json(row[1]).loans
        if not kept or "funds" in kept:
            found = {fund: dict(zip(OF_FUND, each, strict=True)) for fund, each in kept.get("funds", {}).items()}
            found[WHOLE] = {name: kept.get(key, 0) for name, key in _OF_WHOLE.items()}
            return found, date.fromisoformat(row[0])
    return _reckoned(books, day), day


#: The same of all loans, as a day's close names it.
_OF_WHOLE: Final = {
    "loans": "count", "principal": "principal", "over_30": "over_30", "over_90": "over_90", "deferred": "deferred",
    "modified": "modified", "non_accrual": "non_accrual",
}  # fmt: skip


def _reckoned(books: Books, day: date) -> dict[str, dict[str, int]]:
    from coopbank.reports.portfolio import portfolio

    found = portfolio(books, day)
    whole = {"loans": sum(bucket.loans for bucket in (*found.buckets, *found.beside)), "principal": found.owed,
             "over_30": found.at_risk_30, "over_90": found.at_risk_90, "deferred": found.deferred,
             "modified": found.modified, "non_accrual": found.non_accrual}  # fmt: skip
    parts = {
        each.code: {"loans": each.loans, "principal": each.owed, "over_30": each.at_risk_30,
                    "over_90": each.at_risk_90, "deferred": each.deferred, "report_overdue": each.report_overdue,
                    "modified": each.modified, "non_accrual": each.non_accrual}
        for each in found.funds
    }  # fmt: skip
    return {**parts, WHOLE: whole}


# --------------------------------------------------------------------------------------- one fund


def _of_fund(seen: _Seen, code: str, name: str, fund_class: str) -> Glance:
    own = _of(seen.nets, code)
    cash, lent, committed = _sum(own, CASH), _sum(own, LENT), own.get("M40", 0)
    ever, year = _lost(seen.losses, code), _lost(seen.losses, code, seen.first)
    found = _sources(seen, code, own, ever)
    capital = lent + cash
    own_capital = capital - sum(part.amount for part in found if part.code.startswith(("note:", "owed:")))
    loans = seen.loans
    return Glance(
        code=code, name=name, fund_class=fund_class, capital=capital, sources=found, lent=lent, cash=cash,
        committed=committed, available=cash - committed, allowance=-own.get("719", 0), lent_ever=loans.lent[code],
        loans_ever=loans.ever[code], loans=loans.open[code], ever=ever, year=year,
        measures=(
            *_use(capital, lent, cash, committed, loans.lent[code]),
            *_at_risk(seen.risk.get(code, {}), -own.get("719", 0)),
            *_yearly(seen, code, year),
            _ratio("leverage", _("Leverage: lent by others in the same loans"), loans.beside[code], loans.lent[code],
                   "times"),
            _ratio("debt", _("Owed to lenders, of its own capital"), capital - own_capital, own_capital),
            *_concentration(loans.owed[code]),
            _per_job(seen, code),
        ),
    )  # fmt: skip


def _per_job(seen: _Seen, code: str) -> Measure:
    """What was lent on the loans that report jobs, for each job; a part of a job counts, in hundredths."""
    told = jobs(seen.books, seen.day, None if code == WHOLE else code) if seen.has_jobs else None
    people = 0 if told is None else round_minor((told.created + told.retained) * 100)
    if told is None or not people:
        return Measure("cost_per_job", _("Cost per job"), 0, 0, None, "times", _("No jobs are recorded."))
    return _ratio("cost_per_job", _("Cost per job"), told.lent, people, "times")


def _of(nets: _Nets, fund: str) -> dict[str, int]:
    """By control account; of all funds together without POOL, whose cash they hold as their claims."""
    found: dict[str, int] = defaultdict(int)
    for (gl_code, of), net in nets.items():
        if of == fund or (fund == WHOLE and of != POOL):
            found[gl_code] += net
    if fund == WHOLE:  # what funds lent to each other is nothing that they lent together
        both = min(found["728"], -found["878"])
        found["728"], found["878"] = found["728"] - both, found["878"] + both
    return found


def _sum(own: Mapping[str, int], codes: Iterable[str]) -> int:
    return sum(own.get(code, 0) for code in codes)


def _open_years(seen: _Seen, own: Mapping[str, int], code: str) -> dict[str, int]:
    """The same as if no year had ever been closed: income and expense to date, and equity without their results."""
    closed = _of(seen.closed, code)
    found = {gl_code: net - closed.get(gl_code, 0) for gl_code, net in own.items()}
    found["960"] = found.get("960", 0) + sum(closed.values())
    return found


def _sources(seen: _Seen, code: str, own: Mapping[str, int], lost: Loss) -> tuple[Part, ...]:
    """Where the capital base came from; what is left out of the named sources stands in the last two."""
    whole = _open_years(seen, own, code)
    notes: dict[str, int] = defaultdict(int)
    for (fund, note_class), amount in seen.notes.items():
        if code in (fund, WHOLE):
            notes[note_class] += amount
    named = {"811", "812", "878", "901", "903", "905", *_GIFTS, "187", "185", "186", *CASH, *LENT, "879", *_LOSSES}

    def of_kind(*kinds: str) -> int:
        return -sum(net for gl, net in whole.items() if gl not in named and seen.kinds.get(gl) in kinds)

    brought = of_kind("equity") - _sum(whole, _LOSSES) + lost.net
    parts = [
        *(Part(f"note:{each}", _("Notes of class {name}").format(name=each), notes[each]) for each in sorted(notes)),
        Part("owed:812", _("Borrowed otherwise"), -whole.get("812", 0)),
        Part("owed:878", _("Borrowed from another fund"), -whole.get("878", 0)),
        Part("shares", _("Members' shares"), -_sum(whole, ("901", "903"))),
        Part("owed:905", _("Members' savings"), -whole.get("905", 0)),
        Part("gifts", _("Gifts and grants"), -_sum(whole, _GIFTS)),
        Part("transfers", _("Transfers from other funds, less those to them"), -whole.get("187", 0)),
        Part("released", _("Released from restriction, less what it released"), -_sum(whole, ("185", "186"))),
        Part("earned", _("Earned, less what it cost"), of_kind("income", "expense")),
        Part("losses", _("Lost on loans, less recoveries"), -lost.net),
        Part("brought", _("Brought in at the opening, and reserves"), brought),
        Part("other", _("Owed otherwise, less other assets"), of_kind("asset", "liability")),
    ]
    return tuple(part for part in parts if part.amount)


def _use(capital: int, lent: int, cash: int, committed: int, ever: int) -> tuple[Measure, ...]:
    return (
        _ratio("utilisation", _("Utilisation: lent, of the capital base"), lent, capital),
        _ratio("cash", _("Cash, of the capital base"), cash, capital),
        _ratio("cash_net", _("Cash less promises, of the capital base"), cash - committed, capital),
        _ratio("revolve", _("Revolve ratio: ever lent, over the capital base"), ever, capital, "times"),
    )


def _at_risk(risk: Mapping[str, int], allowance: int) -> tuple[Measure, ...]:
    principal = risk.get("principal", 0)
    named = {
        "over_30": ("par30", _("PAR30: over 30 days late")), "over_90": ("par90", _("PAR90: over 90 days late")),
        "deferred": ("deferred", _("Deferred by terms")), "report_overdue": ("report_overdue", _("Report overdue")),
        "modified": ("modified", _("Modified for borrowers in trouble")),
        "non_accrual": ("non_accrual", _("Interest no more recognised")),
    }  # fmt: skip
    found = [_ratio(code, name, risk[key], principal) for key, (code, name) in named.items() if key in risk]
    coverage = _ratio("coverage", _("Allowance, of the principal over 30 days late"), allowance, risk.get("over_30", 0))
    return (*found, coverage)


def _yearly(seen: _Seen, code: str, lost: Loss) -> tuple[Measure, ...]:
    """Of the last twelve months."""
    end, start = _of(seen.nets, code), _of(seen.before, code)
    average = round_ratio(end.get("701", 0) + start.get("701", 0), 2)
    to_end = _open_years(seen, end, code)
    to_start: dict[str, int] = defaultdict(int, start)
    closed_before = _of(seen.closed_before, code)
    moved = {gl: to_end.get(gl, 0) - to_start[gl] + closed_before.get(gl, 0) for gl in to_end}
    earned = -_sum(moved, _LENDING_INCOME)
    cost = sum(net for gl, net in moved.items() if seen.kinds.get(gl) == "expense" and gl not in _GIVEN)
    return (
        _ratio("charge_offs", _("Losses less recoveries, of loans on average"), lost.net, average),
        _ratio("recoveries", _("Recovered, of what was ever charged off"), _lost(seen.losses, code).recovered,
               _lost(seen.losses, code).charged_off),
        _ratio("self_sufficiency", _("Self-sufficiency: income of lending, over all cost"), earned, cost),
    )  # fmt: skip


def _concentration(owed: Mapping[str, int]) -> tuple[Measure, ...]:
    largest, whole = sorted(owed.values(), reverse=True), sum(owed.values())
    return (
        _ratio("largest", _("The largest borrower, of all principal"), sum(largest[:1]), whole),
        _ratio("five_largest", _("The five largest borrowers, of all principal"), sum(largest[:5]), whole),
    )


def _ratio(code: str, name: str, part: int, whole: int, unit: str = "percent") -> Measure:
    """A ratio, rounded once, half to even; none over nothing or less."""
    if whole <= 0:
        return Measure(code, name, part, whole, None, unit, _("There is nothing to compare with."))
    hundredths = round_ratio(part * (10_000 if unit == "percent" else 100), whole)
    return Measure(code, name, part, whole, format_amount(hundredths), unit)
