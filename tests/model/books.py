"""A bank in memory that says beforehand what the real one has to do: dictionaries, and no line of the product.

    model = Model()                                     # as tests.support_bank founds it, on its first day
    model.do(Ask("ana", "deposit", {"member": "M0001", "amount": "5.00"}, "key 7"))
    Verdict("done", 31, entries=[[("POOL", "739/D1", 500), ...]])     # or refused, pending, repeated
    model.leaves["GEN", "905/M0001"]                    # -500: minor units, debit +

What it knows stands in four places. `leaves` are balances. `facts` are all versions of everything else that is so
(a member, a cheque, a drawer), each under the number of the operation that wrote it, so that a reversal can put the
one before in force again. `log` is what was done. `keys` are the idempotency keys that were used.

This file holds what every operation has in common: who may, limits, the second person, guards, keys, days. The rules
of each operation, written down from what it promises, stand in the modules `rules_*`, one function each.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

Line = tuple[str, str, int]
"""Fund, account, minor units (debit +)."""
Fact = dict[str, Any]

TELLER, OFFICER, TREASURER, ADMIN, SUPERVISOR = "teller", "loan-officer", "treasurer", "administrator", "supervisor"
GEN, POOL = "GEN", "POOL"
LARGEST, LARGEST_LINE = 10**14, 10**15  # that can be typed; of a line


def words(text: str) -> frozenset[str]:
    """Written in one line."""
    return frozenset(text.split())


#: What no account of these numbers may do: stand on the credit side (assets), on the debit side (what is owed).
NEVER_CREDIT = words("701 702 728 729 731 735 739 741 751 771 772 781 782 784 791 792")
NEVER_DEBIT = words("719 759 779 901 903 905 931 932 945 946 950") | {f"8{n:02}" for n in range(100)}


#: Percent by which losses are provided for in a new book: by lateness, and by grade.
FIRST_BUCKETS = {"current": "1", "1-30": "2", "31-60": "10", "61-90": "25", "91-180": "50", "over 180": "100",
                 "deferred by terms": "1", "due": "1", "late": "2", "report overdue": "5"}  # fmt: skip
FIRST_GRADES = {"1": "1", "2": "1", "3": "5", "4": "20", "5": "50"}


class No(Exception):
    """A refusal: its exact name and the field that it names."""

    def __init__(self, error: str, field: str | None) -> None:
        super().__init__(f"{error}, field {field}")
        self.error, self.field = error, field


class Malformed(No):
    """Refused before anybody is asked: such a request reaches no bank, and none is logged."""


@dataclass(frozen=True)
class Ask:
    """What a person asks for. `day` sets the clock to noon of that day first."""

    who: str
    operation: str
    values: dict[str, Any]
    key: str | None = None
    day: date | None = None


@dataclass(frozen=True)
class Verdict:
    """What has to come of it: done (with these entries), pending, repeated, or refused by that name."""

    status: str
    number: int  # of the operation; of the earlier one if it is repeated
    entries: tuple[tuple[Line, ...], ...] = ()
    created: tuple[str, ...] = ()
    error: str | None = None
    field: str | None = None
    days: tuple[date, ...] = ()  # under which each entry is dated
    logged: bool = True  # a refusal that is written into the books


@dataclass
class Rule:
    """One operation: its fields, who does it, and what it comes to."""

    name: str
    fields: dict[str, str]
    roles: tuple[str, ...]
    perform: Callable[[Work], None]
    approvers: tuple[str, ...] = (TREASURER, ADMIN, SUPERVISOR)
    second: bool | Callable[[Work], bool] = False
    serves: Callable[[Work], set[str]] | None = None
    moves: Callable[[Work], int | None] | None = None
    reversible: bool = True
    staff: bool = False  # its amount is a limit, and moves nothing
    offered: tuple[str, ...] = ()  # by which kinds of institution, if not by all


FOUND_AMOUNT = words("pay-redemption pay-dividend pay-patronage buy-parcel dispose-parcel")
"""What moves an amount that nobody writes, or writes under another name: it counts in a person's day."""
RULES: dict[str, Rule] = {}
FOUNDED: list[Callable[[Model], None]] = []
"""What the rules of a subject find in a new book."""
DECIDING: list[Callable[[Work], None]] = []
"""What is asked of every operation after the limits of roles: who has to decide it first."""


def rule(name: str, fields: str = "", roles: str = TELLER, **more: Any) -> Callable[[Callable[[Work], None]], Any]:
    """Enter an operation. `fields`: "member:code amount:money memo:memo?=" with ? for what may be left out."""

    def enter(perform: Callable[[Work], None]) -> Callable[[Work], None]:
        told = dict(part.split(":", 1) for part in fields.split())
        RULES[name] = Rule(name, told, tuple(roles.split()), perform, **more)
        return perform

    return enter


@dataclass
class Done:
    """An operation of the log."""

    number: int
    kind: str
    who: str
    approver: str | None
    day: date
    values: Fact
    entries: list[tuple[Line, ...]] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)  # kind and ref of each that it wrote
    reverses: int | None = None
    days: list[date] = field(default_factory=list)  # of the entries

    def moved(self) -> dict[tuple[str, str], int]:
        """What it moved on each leaf, in the order of its lines."""
        sums: dict[tuple[str, str], int] = {}
        for entry in self.entries:
            for fund, code, amount in entry:
                sums[fund, code] = sums.get((fund, code), 0) + amount
        return sums


class Model:
    """The whole bank."""

    def __init__(self, number: int = 8, day: date = date(2026, 3, 2), kind: str = "unchartered-coop") -> None:
        """As `support_bank.new_bank` leaves a bank: `number` operations done, that day open, D1 open and empty."""
        self.number, self.kind = number, kind
        self.founded = self.day = day
        self.day_open, self.opened_at = True, number - 1
        self.today = day  # the clock
        self.closed_days: set[date] = set()
        self.locked: dict[str, str] = {}
        self.months: set[str] = set()  # that hold entries
        self.dated: dict[tuple[str, str], list[tuple[date, int]]] = defaultdict(list)  # lines of a leaf, by their days
        self.leaves: dict[tuple[str, str], int] = defaultdict(int)
        self.facts: dict[tuple[str, str], list[tuple[int, Fact | None]]] = defaultdict(list)
        self.log: dict[int, Done] = {}
        self.keys: dict[str, tuple[str, str, Fact, int]] = {}
        self._refs: dict[str, dict[str, None]] = defaultdict(dict)  # of each kind
        self._every: dict[str, list[tuple[str, Fact]]] = {}  # what holds of a kind, until one of it is written
        self._highest: dict[str, int] = defaultdict(int)  # number that was given, by what stands before it
        self._reversed: dict[int, int] = {}
        self._movers: dict[tuple[str, str], list[int]] = defaultdict(list)  # what moved a leaf
        self._found()

    def _found(self) -> None:
        def put(kind: str, ref: str, **body: Any) -> None:
            self.put(0, kind, ref, body)

        for code, kind in (("POOL", "pool"), ("GEN", "general"), ("RLF", "revolving"), ("LLR", "reserve")):
            put("fund", code, fund_class=kind)
        for user, roles in (("admin", ADMIN), ("ana", "teller loan-officer"), ("tom", TREASURER), ("sue", SUPERVISOR)):
            put("user", user, roles=roles.split(), member=None, relatives=[], active=True)
        for role in (TELLER, OFFICER, TREASURER, ADMIN, SUPERVISOR):
            put("role", role, alone={}, most={}, a_day=None)
        for policy, value in (("cheque_hold_days", 7), ("withdrawal_alone", 100000), ("drawer_limit", 500000),
                              ("difference_alone", 1000),
                              ("accrual_payments", 6), ("set_off", ""), ("charge_off_days", 365)):  # fmt: skip
            put("policy", policy, value=value)
        put("bank-account", "FIRST", fund=POOL)
        put("drawer", "D1", owner="ana", opened_at=self.number)
        put("table", "T00001", from_day=self.day, version=1, buckets=dict(FIRST_BUCKETS), grades=dict(FIRST_GRADES),
            commitments="0")  # fmt: skip
        for found in FOUNDED:
            found(self)
        put("request", "R-00001", state="approved", who="admin", operation="add-user", values={})

    # ------------------------------------------------------------------ facts

    def put(self, number: int, kind: str, ref: str, body: Fact | None) -> None:
        """An operation says that something is so, or (None) is not any more."""
        self.facts[kind, ref].append((number, body))
        self._refs[kind][ref] = None
        self._every.pop(kind, None)
        if (numbered := re.fullmatch(r"([A-Z]+-?)([0-9]+)", ref)) is not None:
            before, last = f"{kind} {numbered[1]}", int(numbered[2])
            self._highest[before] = max(last, self._highest[before])

    def find(self, kind: str, ref: str) -> Fact | None:
        """What is so now, if anything is."""
        versions = self.facts.get((kind, ref))
        return versions[-1][1] if versions else None

    def get(self, kind: str, ref: str, field: str) -> Fact:
        """The same; refused as unknown if there is none."""
        found = self.find(kind, ref)
        if found is None:
            raise No("unknown", field)
        return found

    def every(self, kind: str) -> list[tuple[str, Fact]]:
        """All of a kind that hold now, in the order of their names."""
        found = self._every.get(kind)
        if found is None:
            held = [(ref, self.facts[kind, ref][-1][1]) for ref in self._refs[kind]]
            found = self._every[kind] = sorted((ref, body) for ref, body in held if body is not None)
        return list(found)

    def next_ref(self, kind: str, prefix: str, digits: int) -> str:
        """The next free number of a kind; those of things that were undone are not given again."""
        return f"{prefix}{self._highest[f'{kind} {prefix}'] + 1:0{digits}}"

    def policy(self, name: str) -> Any:
        return self.get("policy", name, "policy")["value"]

    def is_dead(self, member: str) -> bool:
        return (self.find("death", member) or {}).get("state") == "recorded"

    def moves(self, fund: str, code: str) -> list[tuple[date, int]]:
        """What moved a leaf, and when; nothing is a leaf because somebody looked for it."""
        return self.dated.get((fund, code), [])

    def held(self, fund: str, code: str, but: Collection[str | None] = ()) -> int:
        """Money of a leaf that waits for a cheque to be good."""
        return sum(
            hold["amount"] for ref, hold in self.every("hold")
            if hold["leaf"] == (fund, code) and hold["state"] == "held" and hold["until"] > self.day and ref not in but
        )  # fmt: skip

    # ------------------------------------------------------------------ doing

    def do(self, ask: Ask) -> Verdict:
        """What has to come of a request; the model is then the bank after it."""
        self.today = ask.day or self.today
        try:
            values = well_formed(RULES[ask.operation], ask.values)
        except Malformed as no:
            return Verdict("refused", self.number, error=no.error, field=no.field, logged=False)
        try:
            return self._do(ask, values)
        except No as no:
            self.skip(ask.who)
            return Verdict("refused", self.number, error=no.error, field=no.field)

    def refusal(self, ask: Ask) -> No | None:
        """What it would be refused as now, if anything; nothing is done."""
        values = well_formed(RULES[ask.operation], ask.values)
        try:
            self._worked(Work(self, RULES[ask.operation], ask.who, None, values, self.number + 1))
        except No as no:
            return no
        return None

    def skip(self, who: str) -> None:
        """An operation of the log that changes nothing, such as that somebody was refused."""
        self._append(Done(self.number + 1, "log-refusal", who, None, self.day, {}))

    def _do(self, ask: Ask, values: Fact) -> Verdict:
        key = f"no key {self.number}" if ask.key is None else ask.key
        if key.startswith(("approved:", "signed:", "signed-in:")) or not key.isprintable() or not 0 < len(key) <= 200:
            raise No("invalid-value", "key")
        if key in self.keys:
            who, operation, asked, number = self.keys[key]
            if (who, operation, asked) != (ask.who, ask.operation, values):
                raise No("key-reused", "key")
            return Verdict("repeated", number)
        works = self._worked(Work(self, RULES[ask.operation], ask.who, None, values, self.number + 1))
        first = works[0]
        if first.waits:
            ref = self.next_ref("request", "R-", 5)
            request = {"state": "waiting", "who": ask.who, "operation": ask.operation, "values": values}
            self.put(first.number, "request", ref, request)
            self._append(Done(first.number, "ask", ask.who, None, self.day, {}), key, (ask.who, ask.operation, values))
            return Verdict("pending", first.number, created=(ref,))
        for work in works:
            self._seal(work)
        self.keys[key] = (ask.who, ask.operation, values, first.number)
        entries = tuple(tuple(entry) for work in works for entry in work.entries)
        made = tuple(ref for work in works for ref in work.created)
        return Verdict("done", first.number, entries, made, days=tuple(day for work in works for day in work.days))

    def _worked(self, work: Work) -> list[Work]:
        """A request and what it sets off, as they would be written; refuses, and then nothing was."""
        work.check()
        work.waits = work.approver is None and work.takes_two()
        work.rule.perform(work)
        work.require_guards()
        follower = work.follower
        return [work] if follower is None else [work, *self._worked(follower)]

    def _seal(self, work: Work) -> None:
        done = Done(work.number, work.rule.name, work.who, work.approver, work.business_day, work.values)
        done.entries, done.reverses = [tuple(entry) for entry in work.entries], work.reverses
        done.days = work.days
        for kind, ref, body in work.written:
            self.put(work.number, kind, ref, body)
            done.facts.append((kind, ref))
        for entry, day in zip(work.entries, work.days, strict=True):
            self.months.add(str(day)[:7])
            for fund, code, amount in entry:
                self.dated[fund, code].append((day, amount))
                self.leaves[fund, code] += amount
                self._movers[fund, code].append(work.number)
        if work.after is not None:
            work.after()
        self.day = work.business_day
        self._append(done)

    def _append(self, done: Done, key: str | None = None, asked: tuple[str, str, Fact] | None = None) -> None:
        assert done.number == self.number + 1
        self.number = done.number
        self.log[done.number] = done
        if done.reverses is not None:
            self._reversed[done.reverses] = done.number
        if key is not None and asked is not None:
            self.keys[key] = (*asked, done.number)

    # ------------------------------------------------------------------ undoing

    def reversed_by(self, number: int) -> int | None:
        """Which operation took this one back."""
        return self._reversed.get(number)

    def moved_since(self, leaf: tuple[str, str], number: int) -> bool:
        """Whether anything that still counts moved a leaf after an operation."""
        later = (n for n in self._movers[leaf] if n > number)
        return any(self.log[n].reverses is None and n not in self._reversed for n in later)

    def moved_today(self, who: str) -> int:
        """What a person has moved alone since the day was opened, as they asked for it."""
        total = 0
        for number in range(self.opened_at + 1, self.number + 1):
            done = self.log.get(number)
            if done is None or done.who != who or done.approver is not None or done.kind not in RULES:
                continue
            known = RULES[done.kind]
            if ("amount" not in known.fields and done.kind not in FOUND_AMOUNT) or known.staff:
                continue
            asked = done.values.get("amount")
            total += (
                asked
                if asked is not None
                else max((a for e in done.entries for _f, code, a in e if code[0] != "M"), default=0)
            )
        return total


class Work:
    """One operation in the making."""

    def __init__(self, model: Model, rule: Rule, who: str, approver: str | None, values: Fact, number: int) -> None:
        self.model, self.rule, self.who, self.approver = model, rule, who, approver
        self.values, self.number = values, number
        self.business_day = model.day
        self.entries: list[list[Line]] = []
        self.days: list[date] = []  # of the entries
        self.written: list[tuple[str, str, Fact | None]] = []
        self.created: list[str] = []
        self.reverses: int | None = None
        self.follower: Work | None = None
        self.after: Callable[[], None] | None = None
        self.waits = False

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)

    # ------------------------------------------------------------------ before

    def check(self) -> None:
        """Active, of a role that may, within the limit, and no affair of their own."""
        if self.rule.offered and self.model.kind not in self.rule.offered:
            raise No("not-offered", None)
        user = self.model.find("user", self.who)
        if user is None or not user["active"]:
            raise No("unknown", "user")
        if not self.allowing():
            raise No("not-allowed", "operation")
        amount, most = self.amount(), [role["most"].get(self.rule.name) for role in self.allowing()]
        if amount is not None and None not in most and amount > max(most):
            raise No("limit-reached", "amount")
        for decided in DECIDING:
            decided(self)
        if self.own_affair():
            raise No("own-account", "member")

    def allowing(self, operation: str | None = None) -> list[Fact]:
        """Those of the person's roles that may do it."""
        roles = self.model.get("user", self.who, "user")["roles"]
        wanted = RULES[operation or self.rule.name].roles
        return [self.model.get("role", role, "role") for role in roles if role in wanted]

    def theirs(self) -> set[str]:
        """Members who are the person, or whoever agreed to it, or their relatives."""
        people = [self.model.find("user", name) for name in (self.who, self.approver) if name is not None]
        return {m for user in people if user for m in (user["member"], *user["relatives"]) if m is not None}

    def served(self) -> set[str]:
        if self.rule.serves is not None:
            return self.rule.serves(self)
        return {self["member"]} if self["member"] else set()

    def own_affair(self) -> bool:
        """Whether it serves the person, a relative, or somebody on whose account one of them stands."""
        theirs = self.theirs()
        return bool(theirs and theirs & beside(self.model, self.served()))

    def amount(self) -> int | None:
        """What it moves, for the limits of roles."""
        if self.rule.moves is not None:
            return self.rule.moves(self)
        return None if self.rule.staff else self["amount"]

    def takes_two(self) -> bool:
        second = self.rule.second
        return bool(second if isinstance(second, bool) else second(self)) or self._beyond_limits()

    def _beyond_limits(self) -> bool:
        amount, allowed = self.amount(), self.allowing()
        if amount is None:
            return False
        alone = [role["alone"].get(self.rule.name) for role in allowed]
        if None not in alone and amount > max(alone):
            return True
        a_day = [role["a_day"] for role in allowed]
        return None not in a_day and self.model.moved_today(self.who) + amount > max(a_day)

    # ------------------------------------------------------------------ writing

    def post(self, *lines: Line, on: date | None = None) -> None:
        """An entry, today if no other day is said; lines of nothing are left out."""
        self.days.append(on or self.business_day)
        self.entries.append([line for line in lines if line[2]])

    def write(self, kind: str, ref: str, /, body: Fact | None = None, **changes: Any) -> None:
        """A new version of a fact."""
        self.written.append((kind, ref, {**(body or {}), **changes}))

    def number_of(self, kind: str, prefix: str, digits: int) -> str:
        """The next number of a kind, given to somebody."""
        ref = self.model.next_ref(kind, prefix, digits)
        self.created.append(ref)
        return ref

    def number_of_several(self, kind: str, prefix: str, digits: int) -> str:
        """The same where one operation gives more than one."""
        first = int(self.model.next_ref(kind, prefix, digits)[len(prefix) :])
        ref = f"{prefix}{first + sum(each.startswith(prefix) for each in self.created):0{digits}}"
        self.created.append(ref)
        return ref

    def balance(self, fund: str, code: str) -> int:
        return self.model.leaves.get((fund, code), 0)

    def require_day(self) -> None:
        if not self.model.day_open:
            raise No("day-closed", "business_date")

    def require_guards(self) -> None:
        """Where anything is posted: the day is open, its month not locked, each entry balances, nobody is overdrawn."""
        if not self.entries:
            return
        self.require_day()
        if any(self.model.locked.get(str(day)[:7]) == "locked" for day in self.days):
            raise No("period-locked", "effective_on")
        after: dict[tuple[str, str], int] = {}
        for entry in self.entries:
            sums: dict[str, int] = defaultdict(int)
            for fund, code, amount in entry:
                if abs(amount) > LARGEST_LINE:
                    raise No("invalid-amount", "lines")
                sums[fund] += amount
                after[fund, code] = after.get((fund, code), self.balance(fund, code)) + amount
            assert not any(sums.values()), f"{self.rule.name}: the model's own entry does not balance: {entry}"
        for (_fund, code), balance in after.items():
            if broken(code, balance):
                raise No("overdrawn", "amount")


def broken(code: str, balance: int) -> bool:
    """Whether a leaf must not stand so."""
    number = code[:3]
    return (number in NEVER_CREDIT and balance < 0) or (number in NEVER_DEBIT and balance > 0)


# ------------------------------------------------------------------------------------- what people write

_AMOUNT = re.compile(r"(-?)([0-9]+)(?:\.([0-9]{1,2}))?")


def minor(text: Any) -> int | None:
    """Minor units of an amount as contracts.md has it, or None."""
    match = _AMOUNT.fullmatch(text.strip()) if isinstance(text, str) and len(text.strip()) <= 40 else None
    if match is None:
        return None
    sign, whole, part = match.groups()
    found = int(whole + (part or "").ljust(2, "0"))
    return None if found > LARGEST else -found if sign else found


def _money(value: Any) -> Any:
    found = minor(value)
    return found if found is not None and found > 0 else None


def _counted(value: Any) -> Any:
    found = minor(value)
    return found if found is not None and found >= 0 else None


def _code(value: Any) -> Any:
    return (
        value.strip()
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][\w.-]{0,39}", value.strip(), re.A)
        else None
    )


def _text(most: int) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if (
            not isinstance(value, str)
            or len(value.strip()) > most
            or any(ord(c) < 32 and c not in "\n\t" for c in value)
        ):
            return None
        return value.strip()

    return read


def _some(most: int) -> Callable[[Any], Any]:
    return lambda value: _text(most)(value) or None


def _day(value: Any) -> Any:
    try:
        return date.fromisoformat(value) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) else None
    except (TypeError, ValueError):
        return None


def _matching(pattern: str) -> Callable[[Any], Any]:
    return lambda value: value.strip() if isinstance(value, str) and re.fullmatch(pattern, value.strip()) else None


def _number(value: Any) -> Any:
    return int(value) if re.fullmatch(r"[1-9][0-9]{0,17}", str(value).strip()) else None


def _rows(value: Any) -> Any:
    return value if type(value) is int and 1 <= value <= 1200 else None


def _zero(value: Any) -> Any:
    return value if type(value) is int and 0 <= value <= 1200 else None


def _every(value: Any) -> Any:
    return value if isinstance(value, dict) and len(value) == 1 and all(each > 0 for each in value.values()) else None


def _positive(value: Any) -> Any:
    return value if type(value) is int and value >= 1 else None


def _days(value: Any) -> Any:
    return value if type(value) is int and 0 <= value <= 3660 else None


def _once(value: Any) -> Any:
    """Several, each once."""
    return list(value) if len(set(value)) == len(value) else None


def _percent(value: Any) -> Any:
    match = isinstance(value, str) and re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?", value)
    return value if match and 0 < Fraction(value) <= 100 else None


def _share(value: Any) -> Any:
    return "0" if value == "0" else _percent(value)


def _shares(value: Any) -> Any:
    """Other funds with their percentages, together below a hundred: GEN 40, EDU 10."""
    parts = [part.strip().split() for part in value.split(",")]
    found = dict(parts)
    return found if len(found) == len(parts) and sum(Fraction(each) for each in found.values()) < 100 else None


_LINE = re.compile(r"(\S+) (\S+) (Dr|Cr) (\S+)")


def _lines(value: Any) -> Any:
    """Lines of an entry as a journal has them: GEN 250 Dr 10.00."""
    found = []
    for each in value:
        match = _LINE.fullmatch(each)
        amount = None if match is None else _money(match[4])
        if match is None or amount is None:
            return None
        found.append((match[1], match[2], amount if match[3] == "Dr" else -amount))
    return found if len(found) > 1 else None


READ: dict[str, Callable[[Any], Any]] = {
    "money": _money, "counted": _counted, "code": _code, "text": _text(200), "memo": _text(500),
    "sometext": _some(200), "somememo": _some(500), "day": _day, "rate": _matching(r"[0-9]{1,3}(\.[0-9]{1,6})?"),
    "expense": _matching(r"[0-9]{3}"), "fundcode": _matching(r"[A-Z][A-Z0-9]{1,11}"), "number": _number,
    "yes": lambda value: value if isinstance(value, bool) else None, "list": lambda value: list(value) or None,
    "days": _days, "signed": minor, "lenders": _once, "months": _once,
    "rows": _rows, "positive": _positive, "longtext": _some(4000), "zero": _zero, "every": _every,
    "percent": _percent, "share": _share, "shares": _shares,
    "product": _code, "rates": dict,
    "productcode": _matching(r"[A-Z][A-Z0-9-]{1,19}"), "order": lambda value: list(value),
    "lines": _lines, "quarter": _matching("(?!0000)[0-9]{4}-Q[1-4]"), "year": _matching("(?!0000)[0-9]{4}"),
    "steps": lambda value: tuple(_step(each) for each in value),
    "outside": lambda value: dict(e.split() for e in value),
    "daycount": lambda value: value if value in DAY_COUNTS else None,
    "month": _matching(r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])"), "CODE": lambda v: (_code(v) or "").upper() or None,
}  # fmt: skip


def _step(text: str) -> tuple[str, ...]:
    """A step of the surplus: what, whose, and the percentage last; a dividend is on the year's end if not said else."""
    what, *rest = text.split()
    if what == "dividend":
        return (what, rest[0], rest[2] if len(rest) > 2 else "year-end", rest[1])
    return (what, *rest)


DAY_COUNTS: tuple[str, ...] = (
    "30/360",
    "30e/360",
    "actual/360",
    "actual/364",
    "actual/365",
    "actual/actual",
    "equal-periods",
)


def well_formed(known: Rule, values: Fact) -> Fact:
    """The values as they are meant; the first field that cannot be read is refused.

    "code?=GEN" has a default; where there is one, None is no value.
    """
    found: Fact = {}
    for name, told in known.fields.items():
        kind, optional, default = told.partition("?")
        if values.get(name) is None:
            if (not optional and "=" not in kind) or (name in values and default.startswith("=")):
                raise Malformed("invalid-value", name)
            if default.startswith("="):
                found[name] = _default(kind, default[1:])
            continue
        meant = READ[kind](values[name]) if kind in READ else _chosen(kind, values[name])
        if meant is None:
            raise Malformed("invalid-value", name)
        found[name] = meant
    unknown = sorted(values.keys() - known.fields.keys())
    if unknown:
        raise Malformed("invalid-value", unknown[0])
    return found


def _chosen(choices: str, value: Any) -> Any:
    return value if value in choices.split("|") else None


def _default(kind: str, text: str) -> Any:
    return {"yes": text == "yes", "counted": int(text or 0) if kind == "counted" else 0}.get(kind, text)


def members_of(leaves: Iterable[tuple[str, str]], model: Model) -> set[str]:
    """Whose the leaves are."""
    found = set()
    for _fund, code in leaves:
        number, _slash, contract = code.partition("/")
        if number == "791" and contract.startswith("L-"):
            found |= holder_of(model, "loan", contract)
        elif number in ("791", "821", "823", "825", "871", "875", "893", "901", "903", "905", "945", "946",
                        "950"):  # fmt: skip
            found.add(re.split(r"[-./]", contract)[0])
        elif number in ("811", "851", "701", "781", "M10", "M20", "M30", "M40"):
            found |= holder_of(model, "note" if number in ("811", "851") else "loan", contract)
    return found


def beside(model: Model, members: set[str]) -> set[str]:
    """These members and whoever stands on their accounts."""
    return members | {
        body["person"] for _ref, body in model.every("joint-owner")
        if body["state"] == "active" and body["member"] in members and body["person"]
    }  # fmt: skip


def holder_of(model: Model, kind: str, ref: str) -> set[str]:
    """Whose a debt is, or was before it was taken back: its leaves stay in their name."""
    bodies = (body for _number, body in model.facts.get((kind, ref), ()))
    return {body["member"] for body in bodies if body is not None and body["member"]}


def days(count: int) -> timedelta:
    return timedelta(days=count)
