"""The year's surplus: rules as data, a proposal to the assembly, and the entry once it has voted.

Rules are a list of steps that the bank decides (`set-surplus-rules`):

    regular 5                      percent of the result to the regular reserve (931)
    indivisible 20                 percent of the result to the indivisible reserve (932), which no member ever gets
    fund EDU 10                    percent of the result to another fund, with its money
    dividend 901 1                 percent a year on the shares of a class that is equity
    patronage interest 100         percent of what members' business left, by interest paid, savings or hours

`propose-surplus` reckons a closed year by them and keeps every figure; `allocate-surplus` posts exactly that, refused
when the books have changed since. Only the general fund's result is divided; what did not come from members
(`outside`: 127 100, say) stays in undivided earnings. Part of each notice is paid in money (823), the rest is retained
by vintage (945, or 946 if not qualified; 950 in a worker co-op's own book). A charity has no patronage.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from coopbank.bank import equity, groups, records
from coopbank.bank.books import Books
from coopbank.bank.capital import of_workers, retained_on
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import Decision, Memo, Percent, Text, Widget, read_lines, refuse
from coopbank.bank.operation import (
    ADMINISTRATOR,
    CREDIT_UNION,
    TREASURER,
    UNCHARTERED,
    WORKER_COOP,
    Operation,
)
from coopbank.bank.operations.dividends import (
    LIABILITY,
    Distribution,
    Resolution,
    payable_to,
    require_closed,
    require_earned,
    require_undeclared,
    require_under_cap,
    write_dividend,
)
from coopbank.bank.operations.funds import require_spendable_fund
from coopbank.bank.operations.savings import FUND, shown
from coopbank.bank.operations.year import Year
from coopbank.bank.surplus import LEAST_CASH, RESERVE_OF, RULES, Divided, divided, rules_of
from coopbank.bank.tender import claim
from coopbank.errors import AlreadyExists, InvalidAmount, InvalidValue, Unknown, WrongState
from coopbank.finance.distribution import Division, Step
from coopbank.ledger.posting import head
from coopbank.words import marked

_PERCENT = r"([0-9]{1,3}(?:\.[0-9]{1,6})?)"
_STEPS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], dict[str, str]]], ...] = (
    (re.compile(rf"(regular|indivisible)\s+{_PERCENT}"), lambda m: {"to": m[1], "percent": m[2]}),
    (re.compile(rf"fund\s+([A-Z0-9]{{1,8}})\s+{_PERCENT}"), lambda m: {"to": "fund", "fund": m[1], "percent": m[2]}),
    (
        re.compile(rf"dividend\s+(90[13])\s+{_PERCENT}(?:\s+(average|year-end))?"),
        lambda m: {"to": "dividend", "share_class": m[1], "rate": m[2], "basis": m[3] or equity.YEAR_END},
    ),
    (
        re.compile(rf"patronage\s+(interest|savings|hours)\s+{_PERCENT}"),
        lambda m: {"to": "patronage", "basis": m[1], "percent": m[2]},
    ),
)


def step_of(text: str) -> dict[str, str]:
    """A step as the rules keep it; refuses what is none."""
    for pattern, read in _STEPS:
        if match := pattern.fullmatch(text):
            return read(match)
    raise refuse("Write a step as: indivisible 20, fund EDU 10, dividend 901 1, or patronage interest 100.")


def _read_step(value: Any) -> Any:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    step_of(text)
    return text


def _read_pair(pattern: str, said: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        text = " ".join(value.split()) if isinstance(value, str) else ""
        if re.fullmatch(pattern, text) is None:
            raise refuse(said)
        return text

    return read


_OUTSIDE = _read_pair(
    rf"[0-9]{{3}} {_PERCENT}", marked("Write account and percent that is not members' business: 127 100.")
)
_HOURS = _read_pair(r"M[0-9]{4,9} [0-9]{1,6}(?:\.[0-9]{1,2})?", marked("Write member and hours: M0020 412.25."))

Steps = Annotated[
    list[Annotated[str, BeforeValidator(_read_step)]], BeforeValidator(read_lines),
    Field(min_length=1, max_length=20, title="Steps, in their order (indivisible 20)"), Widget("lines"),
]  # fmt: skip
Outside = Annotated[
    list[Annotated[str, BeforeValidator(_OUTSIDE)]], BeforeValidator(read_lines),
    Field(max_length=50, title="Not members' business (account and percent: 127 100)"), Widget("lines"),
]  # fmt: skip
Hours = Annotated[
    list[Annotated[str, BeforeValidator(_HOURS)]], BeforeValidator(read_lines),
    Field(min_length=1, max_length=100_000, title="Hours (member and hours: M0020 412.25)"), Widget("lines"),
]  # fmt: skip

_OFFERED = (UNCHARTERED, CREDIT_UNION, WORKER_COOP)


class SetSurplusRules(Operation):
    """Set the rules by which a year's surplus is divided. What was decided before stays beside it."""

    name: ClassVar[str] = "set-surplus-rules"
    title: ClassVar[str] = "Set the rules for the surplus"
    subject: ClassVar[str] = "surplus"
    decided_as: ClassVar[tuple[str, ...]] = ("surplus",)
    decided_amount: ClassVar[str] = ""
    roles: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # the next version changes it
    offered_by: ClassVar[tuple[str, ...]] = _OFFERED

    steps: Steps
    outside: Outside = ["127 100"]
    cash: Annotated[Percent, Field(title="Part of each notice in money, percent")] = "20"
    qualified: Annotated[bool, Field(title="Notices are qualified (the member is taxed now)")] = True
    consent: Annotated[Text, Field(title="Bylaw by which members consent, if qualified")] = ""
    resolution: Resolution

    def perform(self, desk: Desk) -> None:
        steps = [step_of(text) for text in self.steps]
        _require_sums(steps)
        for number, step in enumerate(steps):
            self._require_step(desk, step, f"steps.{number}")
        outside = self._outside(desk)
        if not self.qualified and of_workers(desk):
            raise InvalidValue(
                "Internal capital accounts are of qualified notices: workers are taxed as the surplus is divided.",
                field="qualified", hint="Make the notices qualified, and name the bylaw by which workers consent.",
            )  # fmt: skip
        if self.qualified and not self.consent:
            raise InvalidValue(
                "Qualified notices need the members' consent on file.", field="consent",
                hint="Name the bylaw by which they consent, or make the notices nonqualified.",
            )  # fmt: skip
        if self.qualified and Decimal(self.cash) < LEAST_CASH:
            raise InvalidAmount(
                "A qualified notice is paid in money to at least {least} %.", field="cash", least=LEAST_CASH
            )
        body = records.SurplusRules(
            steps=steps, outside=outside, cash=self.cash, qualified=self.qualified, consent=self.consent,
            resolution=self.resolution,
        )  # fmt: skip
        if desk.find(records.SurplusRules, RULES) == body:
            raise InvalidValue("The rules say that already.", field="steps")
        desk.write(RULES, body)
        desk.note("Version", str(1 + desk.version(records.SurplusRules.kind, RULES)))

    @staticmethod
    def _require_step(desk: Desk, step: dict[str, str], field: str) -> None:
        if step["to"] == "fund":
            require_spendable_fund(desk, step["fund"], field)
            if step["fund"] == FUND:
                raise InvalidValue("The surplus is that of {fund} already.", field=field, fund=FUND)
        elif step["to"] == "patronage" and step["basis"] != equity.HOURS and of_workers(desk):
            raise InvalidValue(
                "In a worker co-operative the surplus goes to its workers, by hours.", field=field,
                hint="Write the step as: patronage hours {percent}", percent=step["percent"],
            )  # fmt: skip
        elif step["to"] == "dividend":
            kind = desk.get(records.ShareClass, step["share_class"], field)
            require_under_cap(desk, kind, step["rate"], field)
            if kind.presentation == LIABILITY:
                raise InvalidValue(
                    "Shares {share_class} are a liability: their dividend is an expense before the result.",
                    field=field,
                    share_class=step["share_class"], hint="Declare it in the year (declare-dividend).",
                )  # fmt: skip
        if not Decimal(step.get("percent", step.get("rate", "0"))):
            raise InvalidAmount("A step of nothing is none.", field=field)

    def _outside(self, desk: Desk) -> dict[str, str]:
        found: dict[str, str] = {}
        for number, text in enumerate(self.outside):
            code, percent = text.split()
            field = f"outside.{number}"
            if desk.tx.value("SELECT kind FROM gl_account WHERE code = ?", code) not in ("income", "expense"):
                raise InvalidValue("Account {code} is neither income nor expense.", field=field, code=code)
            if code in found or Decimal(percent) > 100:
                raise InvalidValue("Name each account once, with up to 100 percent.", field=field)
            found[code] = percent
        return found


def _require_sums(steps: list[dict[str, str]]) -> None:
    """Refuse percentages above 100, anything after patronage, and a step that stands twice."""
    of_result = sum(Decimal(s["percent"]) for s in steps if s["to"] in ("regular", "indivisible", "fund"))
    of_base = sum(Decimal(s["percent"]) for s in steps if s["to"] == "patronage")
    for total in (of_result, of_base):
        if total > 100:
            raise InvalidAmount("The percentages come to {total}, more than 100.", field="steps", total=total)
    kinds = [step["to"] for step in steps]
    if "patronage" in kinds and set(kinds[kinds.index("patronage") :]) != {"patronage"}:
        raise InvalidValue("Patronage divides what is left: it comes last.", field="steps")
    named = [tuple(s.get(name) for name in ("to", "fund", "share_class", "basis")) for s in steps]
    if len(set(named)) != len(named):
        raise InvalidValue("A step stands twice.", field="steps")


class RecordHours(Operation):
    """Record the hours that members worked in a year, where patronage goes by them. Earlier ones are replaced."""

    name: ClassVar[str] = "record-hours"
    title: ClassVar[str] = "Record members' hours"
    subject: ClassVar[str] = "surplus"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # the next list replaces it
    offered_by: ClassVar[tuple[str, ...]] = _OFFERED

    year: Year
    hours: Hours
    source: Annotated[Text, Field(min_length=1, title="Where they are from")]

    def perform(self, desk: Desk) -> None:
        require_not_allocated(desk, self.year)
        known = {ref for (ref,) in desk.tx.rows("SELECT ref FROM record WHERE kind = ? AND version = 1", "member")}
        found: dict[str, str] = {}
        for number, text in enumerate(self.hours):
            member, hours = text.split()
            if member not in known:
                raise Unknown("There is no {name} {ref}.", field=f"hours.{number}", name="member", ref=member)
            if member in found:
                raise InvalidValue("Member {member} stands twice.", field=f"hours.{number}", member=member)
            found[member] = hours
        desk.write(self.year, records.PatronageHours(hours=found, source=self.source))
        desk.note("Members", str(len(found)))
        desk.note("Hours", str(sum(Decimal(hours) for hours in found.values())))


class ProposeSurplus(Operation):
    """Reckon how a closed year's surplus is to be divided by the rules, for the assembly. Nothing is posted."""

    name: ClassVar[str] = "propose-surplus"
    title: ClassVar[str] = "Propose the division of the surplus"
    subject: ClassVar[str] = "surplus"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False  # another proposal replaces it
    offered_by: ClassVar[tuple[str, ...]] = _OFFERED

    year: Year
    redemption: Annotated[Memo, Field(title="What notices say of the retained part")] = ""
    reckons_ahead: ClassVar[bool] = True

    def reckon(self, books: Books) -> _Reckoned | None:
        """The part of every member, of whom a hundred thousand take seconds."""
        return _reckoned(books, self.year, books.version(records.SurplusRules.kind, RULES))

    def perform(self, desk: Desk) -> None:
        require_closed(desk, self.year)
        require_not_allocated(desk, self.year)
        desk.get(records.SurplusRules, RULES, "year")
        version = desk.version(records.SurplusRules.kind, RULES)
        ahead = _still_right(desk, self.year, version)
        found = divided(desk, self.year, rules_of(desk, version), desk.number) if ahead is None else ahead.found
        division = found.division
        if division.result <= 0:
            raise WrongState(
                "{year} ended with a loss of {loss}: there is no surplus to divide.", field="year", year=self.year,
                loss=shown(desk, -division.result),
            )  # fmt: skip
        require_divided(desk, self.year, division)
        cash = sum(division.cash.values())
        body = records.Surplus(
            rules=version, result=division.result, kept=division.kept, steps=found.document(), left=division.left,
            cash=cash, retained=sum(division.allocated.values()) - cash, members=len(division.allocated),
            each=found.each, on=desk.business_day.isoformat(), redemption=self.redemption,
        )  # fmt: skip
        desk.write(self.year, body)
        note_division(desk, division)
        desk.wishes.append(f"surplus {self.year}")


class AllocateSurplus(Distribution):
    """Post the division of a surplus that the assembly has voted: what was proposed, to the cent."""

    name: ClassVar[str] = "allocate-surplus"
    title: ClassVar[str] = "Divide the surplus"
    reckons_ahead: ClassVar[bool] = True

    year: Year
    resolution: Annotated[Decision, Field(title="Resolution of the assembly, and its date")]

    def reckon(self, books: Books) -> _Reckoned | None:
        """The part of every member, of whom a hundred thousand take seconds, and how it reaches them."""
        proposal = books.find(records.Surplus, self.year)
        return None if proposal is None else _reckoned(books, self.year, proposal.rules, plan=True)

    def perform(self, desk: Desk) -> None:
        require_closed(desk, self.year)
        require_not_allocated(desk, self.year)
        proposal = desk.get(records.Surplus, self.year, "year")
        rules = rules_of(desk, proposal.rules)
        ahead = _still_right(desk, self.year, proposal.rules)
        found = divided(desk, self.year, rules, desk.number) if ahead is None else ahead.found
        division = found.division
        if (found.each, found.document(), division.kept) != (proposal.each, proposal.steps, proposal.kept):
            raise WrongState(
                "The books have changed since the division of {year} was proposed.", field="year", year=self.year,
                hint="Propose it anew (propose-surplus), and let the assembly see it.",
            )  # fmt: skip
        require_divided(desk, self.year, division)
        for step in division.steps:
            if step.rule["to"] == "dividend":
                require_undeclared(desk, self.year, step.rule["share_class"])
        require_earned(desk, equity.earnings(desk), division.taken, field="year")
        control = retained_on(desk, rules)
        plan = groups.plan(desk, _wanted(division, control, self.year)) if ahead is None else ahead.plan
        memo = f"Surplus of {self.year}"
        if plan is None:
            desk.post(memo, self._moves(desk, division, control))
        else:
            desk.post(memo, _in_sums(division, plan))
            groups.pass_on(desk, AllocateSurplusPart, {"year": self.year}, memo, plan)
        self._write_dividends(desk, division)
        update = {"state": "allocated", "on": desk.business_day.isoformat(), "resolution": self.resolution}
        desk.write(self.year, proposal.model_copy(update=update))
        note_division(desk, division)

    def _moves(self, desk: Desk, division: Division, control: str) -> list[Move]:
        moves: list[Move] = [(FUND, "940", division.taken)]
        for step in division.steps:
            moves += _step(step)
            if step.rule["to"] == "dividend":
                moves += payable_to(desk, equity.DIVIDENDS, dict(step.shares))
        money = {member: amount for member, amount in division.cash.items() if amount}
        moves += payable_to(desk, equity.PATRONAGE, money)
        known = desk.know_leaves(FUND, control)
        for member, amount in sorted(division.allocated.items()):
            leaf, kept = f"{control}/{member}/{self.year}", amount - division.cash[member]
            if kept and f"{member}/{self.year}" not in known:
                desk.open_leaf(FUND, leaf, holder=member)
            moves.append((FUND, leaf, -kept))
        return moves

    def _write_dividends(self, desk: Desk, division: Division) -> None:
        for step in division.steps:
            if step.rule["to"] == "dividend" and step.amount:
                share_class = step.rule["share_class"]
                kind = desk.get(records.ShareClass, share_class, "year")
                write_dividend(
                    desk, self.year, share_class, kind, rate=step.rule["rate"], basis=step.rule["basis"],
                    total=step.amount, members=len(step.shares), resolution=self.resolution,
                )  # fmt: skip


class AllocateSurplusPart(groups.Part):
    """The division of a year's surplus, on the accounts of some of the members."""

    name: ClassVar[str] = "allocate-surplus-part"
    title: ClassVar[str] = "Division of the surplus, a part"
    subject: ClassVar[str] = "surplus"

    year: Year


def _step(step: Step) -> list[Move]:
    """What a step moves to no member."""
    to = step.rule["to"]
    if to in RESERVE_OF:
        return [(FUND, RESERVE_OF[to], -step.amount)]
    if to == "fund":
        fund = step.rule["fund"]
        return [(fund, "961", -step.amount), *claim(FUND, fund, step.amount)] if step.amount else []
    return []  # a dividend, and patronage: all steps of it together, a notice a member


def _in_sums(division: Division, plan: groups.Plan) -> list[Move]:
    """The entry of a division whose members' parts follow in groups."""
    moves: list[Move] = [(FUND, "940", division.taken)]
    for step in division.steps:
        moves += _step(step)
    return moves + [(FUND, control, -amount) for control, amount in plan.sums.items()]


def _wanted(division: Division, control: str, year: str) -> list[list[groups.Due]]:
    """What each member is to get, in the order of their numbers: dividends, and patronage in money and retained."""
    dividends: dict[str, int] = {}
    for step in division.steps:
        for member, amount in step.shares.items() if step.rule["to"] == "dividend" else ():
            dividends[member] = dividends.get(member, 0) + amount
    found = []
    for member in sorted({*dividends, *division.allocated}):
        money = division.cash.get(member, 0)
        parts = (
            (equity.DIVIDENDS, member, dividends.get(member, 0)), (equity.PATRONAGE, member, money),
            (control, f"{member}/{year}", division.allocated.get(member, 0) - money),
        )  # fmt: skip
        found.append([part for part in parts if part[2]])
    return found


@dataclass(frozen=True, slots=True)
class _Reckoned:
    """A division as the books stood at an operation, and how it reaches the members if there are many."""

    head: int
    rules: int
    found: Divided
    plan: groups.Plan | None


def _reckoned(books: Books, year: str, version: int, *, plan: bool = False) -> _Reckoned | None:
    """A division before the book is locked; None where there is nothing that could be divided."""
    if not version or books.find(records.YearClose, year) is None:
        return None
    stands_at, rules = head(books.tx).number, rules_of(books, version)
    found = divided(books, year, rules, stands_at)
    wanted = _wanted(found.division, retained_on(books, rules), year) if plan else []
    return _Reckoned(stands_at, version, found, groups.plan(books, wanted))


def _still_right(desk: Desk, year: str, version: int) -> _Reckoned | None:
    """What was reckoned before the book was locked, unless the closing or a measure of the year was changed since.

    Nothing is dated into a year that is closed; to open it again is to close it again.
    """
    ahead = desk.reckoned
    if not isinstance(ahead, _Reckoned) or ahead.rules != version:
        return None
    if desk.written_since(ahead.head, records.YearClose.kind, records.PatronageHours.kind):
        return None
    _first, last = equity.year_days(year)
    moved = any(desk.moved_since(ahead.head, control, last) for control in ("901", "903", "905"))
    return None if moved else ahead


def require_not_allocated(desk: Desk, year: str) -> None:
    """Refuse a year whose surplus was divided."""
    found = desk.find(records.Surplus, year)
    if found is not None and found.state == "allocated":
        raise AlreadyExists(
            "The surplus of {year} is divided already.", field="year", year=year,
            hint="Before notices are sent it can be reversed; after them only the next year's vote changes anything.",
        )  # fmt: skip


def require_divided(desk: Desk, year: str, division: Division) -> None:
    """Refuse a division by which nobody gets anything: there is nothing to vote on, and no entry of it."""
    if not division.taken:
        raise WrongState(
            "By the rules, nothing of the surplus of {year}, {result}, goes to anybody.", field="year", year=year,
            result=shown(desk, division.result),
            hint="It stays undivided. If it shall not, change the rules (set-surplus-rules).",
        )  # fmt: skip


def note_division(desk: Desk, division: Division) -> None:
    """What a receipt says of a division."""
    cash = sum(division.cash.values())
    desk.note("Result", shown(desk, division.result))
    desk.note("Not members' business, kept", shown(desk, division.kept))
    for step in division.steps:
        desk.note(" ".join(str(value) for value in step.rule.values()), shown(desk, step.amount))
    desk.note("Patronage in money", shown(desk, cash))
    desk.note("Patronage retained", shown(desk, sum(division.allocated.values()) - cash))
    desk.note("Stays in undivided earnings", shown(desk, division.left))
    desk.note("Members", str(len(division.allocated)))
