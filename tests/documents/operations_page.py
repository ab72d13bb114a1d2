"""Makes docs/operations.md: every operation that the doors offer, read off the catalogue that the doors read."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections import defaultdict
from collections.abc import Iterator

from coopbank.bank.operation import INSTITUTION_KINDS, Operation
from coopbank.cli.fields import FieldInfo, fields_of, offered

SUBJECTS = {
    "days": ("Days", "The business day on which everything is dated, and the months that are locked behind it."),
    "members": ("Members", "The people and organisations that own the bank."),
    "shares": ("Shares", "What members put in as owners."),
    "savings": ("Savings", "What members keep here and may take out again."),
    "lending": ("Loans", "Money lent to members: granted by two people, paid out, paid back."),
    "notes": ("Notes", "Money that lenders bring, so that it can be lent on."),
    "funds": ("Funds and gifts", "Money that is kept apart because somebody gave it a purpose."),
    "surplus": (
        "Surplus",
        "What a year brought, divided by the members' rules: reserves, education, dividend, patronage.",
    ),
    "solidarity": ("Solidarity", "Small grants for a member's need, with nobody's name in the entry."),
    "land": ("Land", "Parcels, ground rent, and work that was given to a building."),
    "federation": ("Federation", "What the co-operatives of the federation owe it in dues."),
    "registers": ("Registers", "Whatever else the bank keeps a list of, defined by itself: courses, jobs, milestones."),
    "bills": ("Bills", "What suppliers are owed and paid."),
    "assets": ("Assets", "Things that last: bought, written off month by month, sold or thrown away."),
    "budgets": ("Budgets", "What a fund or a gift is to bring in and spend in a year."),
    "cash": ("Cash and cheques", "Drawers, the vault, bank accounts, and cheques on their way to the bank."),
    "confirmations": ("Confirmations", "Members are asked whether the books are right about them."),
    "decisions": ("Decisions", "Meetings, resolutions, votes and ballots: one member, one vote."),
    "staff": ("Staff and the second person", "Who works here, what they may do, and what takes two of them."),
    "books": ("The books themselves", "What no other operation does, and the undoing of what one did."),
}
"""The subjects in the order in which a bank gets to know them, with their titles."""

TAKES = {
    "money": "an amount with its decimals, as text: `150.00`",
    "day": "a date: `2026-03-02`",
    "rate": "percent a year, as text: `7.25`",
    "number": "a whole number",
    "text": "any text",
    "choice": "one of the words that stand there",
    "flag": "yes or no; on the command line its name alone means yes",
    "lines": "lines of an entry: `GEN 905/M0007 Cr 150.00`; fund, account, Dr or Cr, amount",
    "pieces": "how many there are of each note and coin: `5x20.00 8x0.25`",
    "roles": "one or several roles; on the command line the field once for each",
    "json": "an object, or a list of objects, as JSON",
}
"""What the kinds of fields take, by their widget."""


def page(place: str) -> str:
    """The page; no books are needed."""
    del place
    by_subject: dict[str, list[type[Operation]]] = defaultdict(list)
    for operation in offered():
        by_subject[operation.subject].append(operation)
    lines = [*_head(by_subject)]
    for subject in _subjects(by_subject):
        title, about = SUBJECTS.get(subject, (subject.capitalize(), ""))
        lines += [f"## {title}", "", *([about, ""] if about else [])]
        for operation in by_subject[subject]:
            lines += _operation(operation)
    return "\n".join(lines)


def _subjects(found: dict[str, list[type[Operation]]]) -> list[str]:
    """The known ones in their order, then any other."""
    return [*(s for s in SUBJECTS if s in found), *sorted(s for s in found if s not in SUBJECTS)]


def _head(by_subject: dict[str, list[type[Operation]]]) -> Iterator[str]:
    count = sum(len(found) for found in by_subject.values())
    yield from (
        "# The operations",
        "",
        f"Everything that can be done with the books is one of these {count} operations. The terminal's forms, the",
        "command line, imports and Python callers all read this one catalogue: a rule holds at every door. Made",
        "from the program by `make docs`; `coopbank operations NAME` shows the same, and `--json` its JSON Schema.",
        "",
        "```console",
        "$ coopbank --as ana do deposit --member M0007 --amount 150.00",
        """$ echo '{"operation": "open-savings", "member": "M0007"}' | coopbank --as ana do --json -""",
        "```",
        "",
        "`--dry-run` says what would be written and writes nothing. `--key KEY` sees to it that the same request is",
        "done once, however often it is sent. What waits for a second person is listed by `coopbank pending` and done",
        "by `coopbank approve`. What can go wrong, and what to do then, stands in [errors.md](errors.md).",
        "",
        "| subject | operations |",
        "|---|---|",
    )  # fmt: skip
    for subject in _subjects(by_subject):
        title = SUBJECTS.get(subject, (subject.capitalize(), ""))[0]
        links = ", ".join(f"[{op.name}](#{op.name})" for op in by_subject[subject])
        yield f"| {title} | {links} |"
    yield from ("", "What a field takes:", "", "| kind | what |", "|---|---|")
    yield from (f"| {kind} | {what} |" for kind, what in TAKES.items())
    yield from (
        "| member, loan, fund, … | the number or code of one that is in the books: `M0007`, `L-001`, `RLF` |",
        "",
        "Fields marked *personal* are kept beside the sealed log as salted digests, so that they can be forgotten.",
        "",
    )  # fmt: skip


def _operation(operation: type[Operation]) -> Iterator[str]:
    yield from (f"### {operation.name}", "", f"**{operation.title}.** {_help(operation)}", "")
    facts = [f"Who: {', '.join(operation.roles)}.", _second_person(operation)]
    if tuple(operation.offered_by) != INSTITUTION_KINDS:
        facts.append(f"Only at: {', '.join(operation.offered_by)}.")
    facts.append("What it posted can be reversed." if operation.reversible else "It is not reversed.")
    yield from (f"- {fact}" for fact in facts)
    yield ""
    found = fields_of(operation)
    if not found:
        yield from ("It has no fields.", "")
        return
    yield from ("| field | takes | if left out | meaning |", "|---|---|---|---|")
    personal = operation.personal()
    for field in found:
        title = _cell(field.title) + (" *(personal)*" if field.name in personal else "")
        yield f"| `{field.option}` | {_takes(field)} | {_left_out(field)} | {title} |"
    yield ""


def _help(operation: type[Operation]) -> str:
    return " ".join((operation.__doc__ or "").split())


def _second_person(operation: type[Operation]) -> str:
    approvers = f"One of these approves: {', '.join(operation.approvers)}."
    if operation.second_person:
        return f"It always takes a second person. {approvers}"
    reasons = reasons_for_two(operation)
    if not reasons:
        return "One person does it alone."
    quoted = " ".join(f"\u201c{reason}\u201d" for reason in reasons)
    return f"It takes a second person for a reason that the request then shows: {quoted} {approvers}"


def reasons_for_two(operation: type[Operation]) -> list[str]:
    """The sentences of `second_reason`, as they stand in its source."""
    if operation.second_reason is Operation.second_reason:
        return []
    source = ast.parse(textwrap.dedent(inspect.getsource(operation.second_reason)))
    function = source.body[0]
    assert isinstance(function, ast.FunctionDef)
    found = [node for statement in function.body for node in ast.walk(statement)]
    texts = [node for node in found if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [str(node.value) for node in texts if str(node.value).endswith(".") and node.col_offset > 4]


def _takes(field: FieldInfo) -> str:
    if field.choices:
        return ", ".join(f"`{choice}`" for choice in field.choices)
    if field.kind == "flag":
        return "flag"
    kind = field.widget.removeprefix("ref:").replace("-", " ")
    return f"{kind}, one or several" if field.kind == "list" and kind not in ("lines", "roles", "json") else kind


def _left_out(field: FieldInfo) -> str:
    if field.required:
        return "**required**"
    if field.default in (None, "", [], False):
        return ""
    return f"`{field.default if isinstance(field.default, str) else json.dumps(field.default)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
