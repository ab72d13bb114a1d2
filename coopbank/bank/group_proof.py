"""Proof of groups: what one operation decided for many members is what its parts posted, each once.

From the sealed log alone. The plan is whole when its lines balance and come to what the leading entry left for
them; a part is right when its one entry is the plan's, line by line, in its place and on the plan's day. No day was
closed over a part that was still to come. See bank/groups.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from coopbank.bank import records
from coopbank.bank.groups import FUND, TAKEN, Part, holder_of, part_ref
from coopbank.bank.operation import CATALOGUE
from coopbank.ledger.columns import Run
from coopbank.ledger.log import Finding, Log, Operation

_CHECK = "groups"


@dataclass(slots=True)
class _Plan:
    """A batch as the log has told it, and the lines of the parts that are still to come."""

    body: dict[str, Any]
    lines: dict[str, list[list[int]]]
    number: int
    loans: dict[str, list[str]]  # of a part that is reckoned when it is carried out
    by: tuple[str, str | None]  # who decided it


class GroupProof:
    """Watches what is decided for many, and what carries it out."""

    def __init__(self) -> None:
        self._plans: dict[str, _Plan] = {}  # those that are not finished
        self._kinds = {name for name, cls in CATALOGUE.items() if issubclass(cls, Part)} | {"close-day"}
        self._entries: dict[str, set[int]] = {}  # of each batch: the leading operation's, and its parts'

    def watch(self, log: Log, operation: Operation) -> None:
        """A plan, a part of one, a reversal of one, or the close of a day."""
        carrying = issubclass(CATALOGUE.get(operation.kind, object), Part)
        batches = [row for row in operation.rows if row[0] == "record" and row[1] == records.Batch.kind]
        faults = self._part(log, operation, batches) if carrying else self._other(log, operation, batches)
        for fault in faults:
            log.add(_CHECK, fault, operation.number)

    def watch_plain(self, log: Log, run: Run) -> None:
        """The same where nothing wrote a record: a part that did not count itself, a close that says nothing."""
        for operation in run.of(self._kinds):
            self.watch(log, operation)

    def unfinished(self) -> Iterator[Finding]:
        """What is still on its way."""
        for ref, plan in self._plans.items():
            body = plan.body
            yield Finding(
                "unfinished groups", f"{ref}: {body.get('done', 0)} of {body['parts']} groups are done", plan.number
            )

    def _other(self, log: Log, operation: Operation, batches: list[Any]) -> Iterator[str]:
        for _table, _kind, ref, version, _about, body in batches:
            if body.get("void"):
                self._plans.pop(ref, None)
                if {entry[3] for entry in operation.entries} != self._entries.pop(ref, set()):
                    yield f"{ref} was taken back without all that was carried out of it"
            elif version == 1:
                yield from self._planned(log, operation, ref, body)
            else:
                yield f"{operation.kind} changed how far {ref} is carried out"
        if operation.kind == "close-day":
            for ref in self._plans:
                yield f"the day was closed before {ref} was carried out"

    def _planned(self, log: Log, operation: Operation, ref: str, body: dict[str, Any]) -> Iterator[str]:
        parts = {row[2]: row[5] for row in operation.rows if row[:2] == ["record", records.BatchPart.kind]}
        lines = {part: planned.get("lines", []) for part, planned in parts.items()}
        loans = {part: planned["loans"] for part, planned in parts.items() if "loans" in planned}
        plan = _Plan(body, lines, operation.number, loans, (operation.actor, operation.approver))
        self._plans[ref] = plan
        self._entries[ref] = {entry[0] for entry in operation.entries}
        if sorted(lines) != [part_ref(ref, n) for n in range(1, body["parts"] + 1)] or body.get("done"):
            yield f"{ref} has not the parts that it says"
        if any(sum(amount for _account, amount in part) for part in lines.values()):
            yield f"a part of {ref} does not balance"
        yield from _total_faults(log, operation, ref, plan)
        if loans and not _each_once(plan):
            yield f"a loan stands in two parts of {ref}, or a part names none"
        if body["decided_by"] != operation.number or body["on"] != operation.business_date:
            yield f"{ref} names another operation or day"

    def _part(self, log: Log, operation: Operation, batches: list[Any]) -> Iterator[str]:
        ref, number = operation.request.get("batch"), operation.request.get("part")
        plan = self._plans.get(ref)
        if plan is None:
            yield f"nothing of {ref} was left to be carried out"
            return
        before = plan.body
        if operation.kind != before["carried_by"] or number != before.get("done", 0) + 1:
            yield f"part {number} of {ref} was not the next"
        if len(batches) != 1 or batches[0][2] != ref or batches[0][5] != {**before, "done": number}:
            yield f"part {number} of {ref} did not count itself"
        kind = CATALOGUE[operation.kind]
        if issubclass(kind, Part) and kind.in_their_name:
            yield from _of_loans(operation, plan, number)
        else:
            yield from _of_lines(log, operation, plan, number)
        plan.lines.pop(part_ref(ref, number), None)
        plan.body = {**before, "done": number}
        self._entries[ref].update(entry[0] for entry in operation.entries)
        if number == before["parts"]:
            del self._plans[ref]


def _total_faults(log: Log, operation: Operation, ref: str, plan: _Plan) -> Iterator[str]:
    """The lines of the parts come to the total, which the leading entry left for them on the leaves of what is due."""
    body, parts = plan.body, plan.lines.values()
    due = dict(body.get("dues", ())) or ({body["due"]: body["total"]} if body.get("due") else {})
    passed_on = _sums(line for part in parts for line in part if line[0] in due)
    left = _sums(line for entry in operation.entries for line in entry[4] if line[0] in due)
    if due:
        total = sum(due.values())
    else:
        total = sum(
            amount for part in parts for account, amount in part if amount > 0 and _is_payable(log, account)
        )  # fmt: skip
        yield from (f"{ref} pays what is {holder}'s into other savings" for holder in _astray(log, parts))
    if plan.loans:
        total = body["total"]  # the loans' own proof is that of their interest
    if passed_on != due or left != {leaf: -amount for leaf, amount in due.items()} or total != body["total"]:
        yield (f"the parts of {ref} come to {sum(passed_on.values()) if due else total}, it says {body['total']},"
               f" and {-sum(left.values())} were left for them")  # fmt: skip


def _each_once(plan: _Plan) -> bool:
    """Whether every part names loans, and none is in two of them."""
    named = [loan for part in plan.loans.values() for loan in part]
    return len(named) == len(set(named)) and set(plan.loans) == set(plan.lines)


def _of_lines(log: Log, operation: Operation, plan: _Plan, number: int) -> Iterator[str]:
    """A part posts one entry, just the lines that were planned, on the day of the plan, and opens no other leaf."""
    ref = str(operation.request.get("batch"))
    planned = plan.lines.get(part_ref(ref, number), [])
    posted = [entry[4] for entry in operation.entries]
    opened = {row[1] for row in operation.rows if row[0] == "account"}
    if not (len(posted) == 1 and _is_planned(log, posted[0], planned)) or opened - {a for a, _x in posted[0]}:
        yield f"part {number} of {ref} is not what was decided"
    if {operation.business_date, *(entry[1] for entry in operation.entries)} != {plan.body["on"]}:
        yield f"part {number} of {ref} was carried out on another day than it was decided"


def _of_loans(operation: Operation, plan: _Plan, number: int) -> Iterator[str]:
    """A part about loans is about its own, in the name of those who decided it; the last locks the month, no other."""
    ref = str(operation.request.get("batch"))
    last = number == plan.body["parts"]
    told = {row[2] for row in operation.rows if row[0] == "record" and row[1] == records.Loan.kind}
    if not last and told - set(plan.loans.get(part_ref(ref, number), ())):
        yield f"part {number} of {ref} is about other loans"
    if (operation.actor, operation.approver) != plan.by or operation.business_date != plan.body["on"]:
        yield f"part {number} of {ref} was carried out in other names, or on another day"
    locked = [row[1:3] for row in operation.rows if row[0] == "period_state"]
    if locked != ([[operation.request.get("month"), "locked"]] if last else []):
        yield f"part {number} of {ref} locks another month, or too early"


def _sums(lines: Iterable[list[Any]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for account, amount in lines:
        found[account] = found.get(account, 0) + amount
    return found


def _astray(log: Log, parts: Iterable[list[list[Any]]]) -> Iterator[str]:
    """Members whose savings do not get, before anything is withheld, just what was payable to them."""
    left: dict[str, int] = {}
    for account, amount in (line for part in parts for line in part):
        leaf = log.leaves.get(account)
        if leaf is not None and leaf.holder is not None and (amount < 0 or leaf.gl_code in TAKEN):
            left[leaf.holder] = left.get(leaf.holder, 0) + amount
    return (holder for holder, amount in sorted(left.items()) if amount)


def _is_payable(log: Log, account: int | str) -> bool:
    leaf = log.leaves.get(account) if isinstance(account, int) else None
    return leaf is not None and leaf.gl_code in TAKEN


def _is_planned(log: Log, posted: list[list[int]], planned: Sequence[list[Any]]) -> bool:
    """Whether the lines of an entry are those of a plan; a leaf that it names by its code is that, and its holder's."""
    return len(posted) == len(planned) and all(
        amount == wanted and (account == place or (isinstance(place, str) and _is_called(log, account, place)))
        for (account, amount), (place, wanted) in zip(posted, planned, strict=True)
    )


def _is_called(log: Log, account: int, code: str) -> bool:
    leaf = log.leaves.get(account)
    return leaf is not None and (f"{leaf.gl_code}/{leaf.contract}", leaf.fund, leaf.holder) == (
        code, FUND, holder_of(code),
    )  # fmt: skip
