"""Makes docs/lending.md: how lending works here, told by the program itself for a loan officer and an auditor.

The words stand in lending_template.md. Each story is played through the command line in a small
bank of its own; what was posted is read back from its books, and what `coopbank loan` and
`coopbank explain` say is what they said.
"""

from __future__ import annotations

import calendar
import contextlib
import json
import re
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from coopbank.bank import records
from coopbank.bank.lending.flows import FLOWS
from coopbank.bank.operations.products import STANDARD
from coopbank.ledger.chart import POOL
from tests.documents.gallery_stage import Scene, found_scene, run_program

TEMPLATE = Path(__file__).with_name("lending_template.md")
AUDITORS = Path(__file__).parents[2] / "docs" / "auditors.md"
WIDTH = 118  # of a command

TOWN = """
    ana admit-member member_name="Green Tassel Urban Farm" entity=organisation
    ana admit-member member_name="Mia Lee"
    tom+sue issue-note lender="Circle of Small Lenders" amount=9000.00 annual_rate=0 due_on=2036-03-02
"""

Parts = Iterator[tuple[str, list[str]]]
"""Parts of the page, by the name of their place in the template."""


def page(place: str) -> str:
    """The page; the banks are made beside that place."""
    parts = {"products": _products(), "flows": _flows()}
    stories = {tell.__name__: Story(Path(place).parent / tell.__name__) for tell in (_term, _line, _surplus, _lost)}
    for tell in (_term, _line, _surplus, _lost):
        parts |= tell(stories[tell.__name__])
    for story in stories.values():
        story.scene.assert_books()
    parts["by hand"] = _by_hand(stories[_term.__name__].scene, "L-001")
    text = TEMPLATE.read_text(encoding="utf-8")
    assert set(re.findall(r"^\{(.+)\}$", text, re.MULTILINE)) == parts.keys()
    return re.sub(r"^\{(.+)\}$", lambda found: "\n".join(parts[found[1]]), text, flags=re.MULTILINE)


# ------------------------------------------------------------------------------ telling


@dataclass
class Story:
    """A bank in which a loan lives, and what was told of it so far."""

    folder: Path
    scene: Scene = field(init=False)
    typed: list[str] = field(default_factory=list)
    day: date = date(2026, 3, 2)
    seen: int = 0  # the last entry that stands on the page, or came before the story

    def __post_init__(self) -> None:
        self.scene = found_scene(self.folder)
        self.scene.play(TOWN)
        self.seen = self._last_entry()

    def on(self, day: str) -> None:
        """A day comes."""
        self.scene.play(f"day {day}")
        self.day = date.fromisoformat(day)

    def act(self, who: str, command: str, approver: str = "") -> int:
        """Somebody does something, and a second person approves it where one is named. Returns its operation."""
        said = self._run(f"coopbank --as {who} do {command}")
        if approver:
            asked = re.search(r"R-[0-9]+", said)
            assert asked is not None, said
            said = self._run(f"coopbank --as {approver} approve {asked[0]}")
        remark = f"   # {self.day.day} {self.day:%B %Y}" + (f", {approver} approves" if approver else "")
        self.typed += _continued(f"$ coopbank --as {who} do {command}", remark)
        return int(re.findall(r"operation ([0-9]+)", said)[-1])

    def told(self) -> list[str]:
        """What was typed since the last time, and the entries that it made."""
        typed, self.typed = self.typed, []
        return ["```console", *typed, "```", "", *self._posted()]

    def said(self, *commands: str, parts: tuple[str, ...] = ()) -> list[str]:
        """Commands that ask, with their answers; of the last answer only the parts that begin so, if any are named."""
        lines = ["```console"]
        for command in commands:
            answer = "\n".join(line.rstrip() for line in self._run(f"coopbank {command}").splitlines())
            if parts and command == commands[-1]:
                blocks = [block for block in answer.split("\n\n") if block.lstrip().startswith(parts)]
                answer = "...\n" + "\n\n".join(map(_shortened, blocks))
            lines += [f"$ coopbank {command}", *answer.splitlines()]
        return [*lines, "```"]

    def figure(self, name: str) -> str:
        """A figure of the loan as it stands."""
        return str(json.loads(self._run("coopbank loan L-001 --json"))[name])

    def _posted(self) -> list[str]:
        """The entries since the last time, one a row, without the pool's side of cash."""
        rows = self._rows("SELECT id, effective_on, memo FROM entry WHERE id > ? ORDER BY id", self.seen)
        self.seen = self._last_entry()
        sides = ((on, memo, *self._sides(number)) for number, on, memo in rows)
        lines = [f"| {' | '.join(row)} |" for row in sides if any(row[2:])]  # cash between drawers is all in POOL
        return ["| dated | entry | debit | credit |", "|---|---|---|---|", *lines]

    def _sides(self, entry: int) -> Iterator[str]:
        sides: dict[bool, dict[str, int]] = {True: defaultdict(int), False: defaultdict(int)}
        for code, amount in self._rows(
            "SELECT a.gl_code, p.amount FROM posting p JOIN account a ON a.id = p.account_id"
            " WHERE p.entry_id = ? AND a.fund <> ? ORDER BY p.line",
            entry, POOL,
        ):  # fmt: skip
            sides[amount > 0][code] += abs(amount)
        for side in (True, False):
            yield ", ".join(f"{code} {minor // 100:,}.{minor % 100:02}" for code, minor in sides[side].items())

    def _run(self, command: str) -> str:
        shown = run_program(self.scene, command)
        assert shown.code == 0, f"{command}: {shown.text}"
        return shown.text

    def _last_entry(self) -> int:
        return int(self._rows("SELECT coalesce(max(id), 0) FROM entry")[0][0])

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self.scene.place)) as connection:
            return connection.execute(sql, values).fetchall()


def _shortened(block: str) -> str:
    """A long table without what stands in its middle."""
    lines = block.splitlines()
    return "\n".join(lines if len(lines) <= 10 else [*lines[:6], "...", lines[-1]])


def _continued(command: str, remark: str) -> list[str]:
    """A command as one types it, on two lines where one is too long."""
    if len(command) + len(remark) <= WIDTH:
        return [command + remark]
    at = command.rindex(" --", 0, WIDTH - 4)
    return [command[:at] + " \\", f"    {command[at + 1 :]}{remark}"]


# ------------------------------------------------------------------------------ tables


def _products() -> list[str]:
    rows = (f"| `{code}` | {each.title} | {each.repayment} | {_in_words(each)} |" for code, each in STANDARD.items())
    return ["| product | | repaid by | terms, if nothing else is agreed |", "|---|---|---|---|", *rows]


def _in_words(product: records.Product) -> str:
    """The terms of a product in a few words."""
    terms, words = product.terms, []
    if "annual_rate" in terms:
        words.append(f"{terms['annual_rate']} % a year")
    if "multiple" in terms:
        words.append(f"{terms['multiple']} times what was lent")
    if "share_percent" in terms:
        words.append(f"{terms['share_percent']} % of the {product.repayment}")
    if terms.get("cost_cap_percent"):
        words.append(f"all cost at most {terms['cost_cap_percent']} % of it")
    if "installments" in terms:
        words.append(f"{terms['installments']} payments")
    if "months" in terms:
        words.append("in " + ", ".join(calendar.month_name[month] for month in terms["months"]))
    else:
        unit, count = next(iter(terms["every"].items()))
        words.append(f"every {count} {unit}" if count > 1 else f"every {unit.removesuffix('s')}")
    if "report_days" in terms:
        words.append(f"{terms['report_days']} days to report, {terms['payment_days']} to pay")
    return ", ".join(words)


WORDS = {
    "earned": "interest earned", "unearned": "income taken back at non-accrual", "fees": "a fee charged",
    "lent": "principal paid out", "fees_paid": "a fee paid", "interest_paid": "interest paid",
    "interest_cash": "interest paid that was not accrued", "principal_paid": "principal paid",
    "recovered": "recovered after a charge-off", "overpaid": "paid too much, the borrower's own",
    "waived": "interest waived", "fees_waived": "a fee waived",
    "written_principal": "principal written down", "written_interest": "interest written down with it",
    "given": "principal given as a gift", "off_principal": "principal charged off",
    "off_interest": "interest charged off", "off_fees": "fees charged off",
    "memo": "owed, but no income (memo)", "off": "charged off, still owed (memo)",
    "promised": "promised, not paid out (memo)",
}  # fmt: skip
"""What each flow of a loan is."""


def _flows() -> list[str]:
    """Every flow with its accounts, in two columns."""
    assert WORDS.keys() == FLOWS.keys(), "each flow has its words"
    rows = [f"{WORDS[name]} | {_account(debit)} | {_account(credit)}" for name, (debit, credit) in FLOWS.items()]
    half = (len(rows) + 1) // 2
    pairs = zip(rows[:half], [*rows[half:], "| | "], strict=False)
    return [
        "| what | debit | credit | | what | debit | credit |",
        "|---|---|---|---|---|---|---|",
        *(f"| {left} | | {right} |" for left, right in pairs),
    ]


def _account(code: str) -> str:
    return "*cash*" if code == "cash" else code


# ------------------------------------------------------------------------------ the stories


def _term(story: Story) -> Parts:
    """A payment that is late, one that is typed late, and one that is taken back in the middle."""
    terms = "--principal 1200.00 --annual-rate 6 --installments 12"
    story.act("ana", f"grant-loan --member M0001 {terms} --purpose 'walk-in cooler'", "tom")
    story.act("tom", "disburse-loan --loan L-001")
    story.on("2026-04-02")
    story.act("ana", "repay-loan --loan L-001 --amount 103.30")
    story.on("2026-04-06")
    story.act("tom", "close-month --month 2026-03", "sue")
    story.on("2026-05-20")
    wrong = story.act("ana", "repay-loan --loan L-001 --amount 103.30 --tender transfer")
    yield "term begun", story.told()
    yield "term late", story.said("explain L-001 --row 2", f"explain L-001 --operation {wrong}")
    story.on("2026-06-02")
    story.act("ana", "repay-loan --loan L-001 --amount 103.30 --tender transfer")
    story.on("2026-06-10")
    late = story.act("ana", "repay-loan --loan L-001 --amount 103.30 --tender transfer --value-date 2026-05-04")
    story.act("ana", f"reverse --operation {wrong} --replay --reason 'it was for another loan'", "tom")
    asked = (f"explain L-001 --operation {late}", "loan L-001")
    yield "term anew", [*story.told(), "", *story.said(*asked, parts=("Owed", "#  Counts", "#  Due"))]


def _line(story: Story) -> Parts:
    """Two draws and a payment."""
    story.act("ana", "grant-loan --member M0001 --product LINE --principal 800.00 --purpose 'seed money'", "tom")
    story.act("tom", "disburse-loan --loan L-001 --amount 300.00")
    story.on("2026-03-20")
    story.act("tom", "disburse-loan --loan L-001 --amount 200.00")
    story.on("2026-04-02")
    paid = story.act("ana", "repay-loan --loan L-001 --amount 150.00")
    asked = (f"explain L-001 --operation {paid}", "explain L-001 --payoff 2026-05-02", "loan L-001")
    yield "line", [*story.told(), "", *story.said(*asked, parts=("Owed",))]


def _surplus(story: Story) -> Parts:
    """A loss, a surplus, its correction, and the end."""
    terms = "--product SURPLUS --principal 6000.00 --annual-rate 8 --share-percent 50 --every '6 months'"
    story.act("ana", f"grant-loan --member M0001 {terms} --outer-date 2028-03-02 --purpose 'an oven'", "tom")
    out = story.act("tom", "disburse-loan --loan L-001 --paid-to 'Oven Works'")
    story.act("ana", f"pledge-collateral --loan L-001 --asset 'Deck oven' --cost 5800.00 --paid-from {out}", "tom")
    story.on("2026-04-06")
    story.act("tom", "close-month --month 2026-03", "sue")
    story.on("2026-09-14")
    story.act("ana", "file-report --loan L-001 --surplus=-800.00")
    story.act("tom", "accept-report --loan L-001 --period 1")
    story.on("2027-03-15")
    story.act("ana", "file-report --loan L-001 --surplus 5000.00")
    story.act("tom", "accept-report --loan L-001 --period 2")
    asked = ("explain L-001 --ceiling 1", "explain L-001 --ceiling 2", "explain L-001 --cap")
    yield "surplus begun", [*story.told(), "", *story.said(*asked)]
    story.on("2027-04-05")
    paid = story.act("ana", "repay-loan --loan L-001 --amount 2500.00 --tender transfer")
    said = story.said(f"explain L-001 --operation {paid}")
    story.on("2027-05-10")
    story.act("ana", "file-report --loan L-001 --period 2 --correction --surplus 1600.00 --remark 'wages left out'")
    story.act("tom", "accept-report --loan L-001 --period 2")
    yield "surplus corrected", [*story.told(), "", *said[:-1], *story.said("explain L-001 --cap")[1:]]
    story.on("2027-09-13")
    story.act("ana", "file-report --loan L-001 --surplus 300.00")
    story.act("tom", "accept-report --loan L-001 --period 3")
    story.on("2027-10-01")
    story.act("ana", f"repay-loan --loan L-001 --amount {story.figure('payoff')} --tender transfer")
    story.on("2028-03-13")
    story.act("ana", "file-report --loan L-001 --surplus 0.00")
    story.act("tom", "accept-report --loan L-001 --period 4")
    asked = ("explain L-001 --cap", "loan L-001")
    yield "surplus ended", [*story.told(), "", *story.said(*asked, parts=("Owed", "Secured", "#  Until"))]


def _lost(story: Story) -> Parts:
    """Non-accrual, a provision, a charge-off and a recovery."""
    terms = "--principal 900.00 --annual-rate 7.25 --installments 12"
    story.act("ana", f"grant-loan --member M0002 {terms} --purpose 'a taco stand'", "tom")
    story.act("tom", "disburse-loan --loan L-001")
    story.on("2026-04-02")
    story.act("ana", "repay-loan --loan L-001 --amount 77.99")
    story.on("2026-05-05")
    story.act("tom", "close-month --month 2026-03", "sue")
    story.act("tom", "close-month --month 2026-04", "sue")
    story.on("2026-08-03")
    story.act("ana", "stop-accrual --loan L-001 --why '93 days late'", "tom")
    story.act("tom", "provide --month 2026-07", "sue")
    story.on("2026-08-20")
    paid = story.act("ana", "repay-loan --loan L-001 --amount 60.00")
    asked = ("explain L-001 --accrual 2026-05", f"explain L-001 --operation {paid}")
    yield "lost begun", [*story.told(), "", *story.said(*asked)]
    story.on("2026-10-05")
    story.act("ana", "charge-off --loan L-001 --resolution R-12 --why 'she moved away'", "tom")
    story.on("2026-12-01")
    story.act("ana", "repay-loan --loan L-001 --amount 100.00 --tender transfer")
    yield "lost ended", [*story.told(), "", *story.said("loan L-001", parts=("Books", "#  Counts"))]


# ------------------------------------------------------------------------------ by hand


def _by_hand(scene: Scene, loan: str) -> list[str]:
    """What the script of docs/auditors.md says of a loan, from the exported log alone."""
    script = re.search(r"```python\n(.*?)```", AUDITORS.read_text(encoding="utf-8"), re.DOTALL)
    assert script is not None
    run_program(scene, "coopbank export jsonl out")
    command = [sys.executable, "-I", "-c", script[1], str(scene.folder / "out" / "operations.jsonl"), loan]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return ["```console", f"$ python3 loan.py out/operations.jsonl {loan}", *printed.splitlines(), "```"]
