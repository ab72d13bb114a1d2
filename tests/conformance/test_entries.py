"""The worked entries of entries.md, posted through the operations: the books come out the same, line by line.

Each step below is one operation as somebody at the bank performs it, and names the blocks that it must post: as many
entries as blocks, the same fund, account and amount in each. No step is a journal entry. Days and months are opened and
closed on the way. At the end every balance is the sum of the blocks, and verify finds nothing.
"""

from __future__ import annotations

import ast
import operator
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.bank.operation import CATALOGUE
from coopbank.bank.operations.founding import FoundBook
from coopbank.clock import SetClock
from coopbank.ledger import posting
from coopbank.money import format_amount, parse_amount, round_minor
from tests.support_bank import NOON, PASSPHRASE, CountedNonces, SmallBank, assert_books

Line = tuple[str, str, int]
"""Fund, account, minor units with their sign (debit +)."""


# ------------------------------------------------------------------------------------- blocks


@dataclass
class Block:
    """An entry of the document."""

    name: str
    day: date
    text: str
    lines: list[Line] = field(default_factory=list)
    stated: list[tuple[str, str]] = field(default_factory=list)  # a figure, and how it comes about


def read_blocks(file: str = "entries.md") -> dict[str, Block]:
    """The blocks of a document by their numbers, in its order."""
    document = Path(__file__).with_name(file).read_text(encoding="utf-8")
    found: dict[str, Block] = {}
    for text in re.findall(r"^```entry\n(.*?)^```$", document, re.MULTILINE | re.DOTALL):
        head, *rows = text.splitlines()
        name, day, words = head.split(" ", 2)
        assert name not in found, f"{name} stands twice"
        block = found[name] = Block(name, date.fromisoformat(day), words)
        for row in rows:
            if row.startswith("= "):
                figure, how = row[2:].split(" ", 1)
                block.stated.append((figure, how))
                continue
            fund, account, side, amount = row.split()
            assert side in ("Dr", "Cr"), row
            block.lines.append((fund, account, parse_amount(amount) * (1 if side == "Dr" else -1)))
    return found


BLOCKS = read_blocks()

_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip


def exactly(how: str) -> Fraction:
    """The exact value of a sum as the document writes it; decimals never become floats."""

    def value(node: ast.expr) -> Fraction:
        if isinstance(node, ast.BinOp):
            return _OPERATORS[type(node.op)](value(node.left), value(node.right))
        return Fraction(str(ast.get_source_segment(how, node)))

    return value(ast.parse(how, mode="eval").body)


ALL_BLOCKS = {
    f"{file} {name}": block
    for file in ("entries.md", "equity.md", "year_end.md", "own_books.md")
    for name, block in read_blocks(file).items()
}


@pytest.mark.parametrize("block", ALL_BLOCKS.values(), ids=ALL_BLOCKS)
def test_blocks_are_sound(block: Block) -> None:
    sums: dict[tuple[str, bool], int] = defaultdict(int)
    for fund, account, amount in block.lines:
        sums[fund, account.startswith("M")] += amount
    assert not any(sums.values()), f"{block.name} does not balance: {dict(sums)}"
    for figure, how in block.stated:
        assert round_minor(exactly(how) * 100) == parse_amount(figure), f"{block.name}: {figure} is not {how}"


def test_what_is_stated_is_computed_exactly() -> None:
    assert exactly("8.40*21/62") == Fraction(840 * 21, 100 * 62)
    assert exactly("1600 + 20000*8/100*184/365") != Fraction(240658, 100)
    assert exactly("10 - 2 - 1") == 7


# -------------------------------------------------------------------------------------- steps

LOAN = {"annual_rate": "0", "installments": 60, "disbursed_on": "2024-07-01"}
OLD_LOANS = [
    {"loan": "L-001", "member": "M0011", "principal": "5000.00", **LOAN, "installments": 300},
    {
        "loan": "L-002", "member": "M0020", "principal": "20000.00", "repayment": "surplus", "annual_rate": "8",
        "share_percent": "50", "cost_cap_percent": "50", "disbursed_on": "2024-07-01", "outer_date": "2034-07-01",
        "reports": [{"accepted_on": "2025-08-20", "surplus": "-3000.00"}],
    },
    # what is late bears no interest month by month: no running interest in these terms
    {"loan": "L-003", "member": "M0042", "principal": "6000.00", **LOAN},
    {
        # at its end: 62.70 of interest paid, 60.00 recognised within the cap of 122.70, 240.00 above it
        "loan": "L-004", "member": "M0019", "principal": "3000.00", "repayment": "surplus", "annual_rate": "8",
        "share_percent": "50", "cost_cap_percent": "50", "disbursed_on": "2021-01-01", "outer_date": "2026-01-01",
        "payments": [{"on": "2022-02-15", "amount": "2762.70"}],
        "reports": [
            {"accepted_on": "2022-02-01", "surplus": "125.40"}, {"accepted_on": "2023-02-01", "surplus": "120.00"},
            {"accepted_on": "2024-02-01", "surplus": "0.00"}, {"accepted_on": "2025-02-01", "surplus": "0.00"},
        ],
    },
]  # fmt: skip
N_001 = {
    "note": "N-001", "principal": "10000.00", "annual_rate": "2", "issued_on": "2023-07-01", "due_on": "2026-06-30",
    "interest_from": "2025-12-31",
}  # fmt: skip


def lines_of(block: Block) -> list[str]:
    """A block's lines as opening-balance takes them."""
    return [f"{f} {a} {'Dr' if x > 0 else 'Cr'} {format_amount(abs(x))}" for f, a, x in block.lines]


@dataclass
class Step:
    """One operation, who performs it, who approves it, and the blocks that it must post."""

    blocks: str  # their numbers, "" for what posts nothing
    operation: str
    by: str
    values: dict[str, Any]
    approver: str | None = None


def step(blocks: str, operation: str, by: str, approver: str | None = None, /, **values: Any) -> Step:
    return Step(blocks, operation, by, values, approver)


DAYS: dict[str, list[Step]] = {
    "2026-01-01": [
        step("E01a", "opening-balance", "tom", "sue", lines=lines_of(BLOCKS["E01a"]), note=N_001, lender="A lender"),
        step("E01b", "opening-balance", "tom", "sue", lines=lines_of(BLOCKS["E01b"])),
        step("E01c", "opening-balance", "tom", "sue", lines=lines_of(BLOCKS["E01c"]), loans=OLD_LOANS),
        step("", "close-opening", "tom", "sue"),
    ],
    "2026-01-05": [
        step("E02", "open-drawer", "ana", drawer="D1", float_amount="200.00"),
        step("E03a", "buy-shares", "ana", member="M0101", amount="5.00"),
        step("E04a", "deposit", "ana", member="M0007", amount="150.00"),
        step("E04b", "withdraw", "ana", member="M0007", amount="40.00"),
        step("E05a", "deposit", "ana", member="M0007", amount="120.00", tender="cheque", cheque_number="311"),
        step("E06a E06b", "close-drawer", "ana", drawer="D1", counted="310.00", why="not known"),
    ],
    "2026-01-06": [step("E05b", "bank-cheques", "tom", cheques=["CH-00001"], slip="1")],
    "2026-01-09": [step("E05c", "return-cheque", "tom", cheque="CH-00001", bank_charge="10.00")],
    "2026-01-31": [
        step(
            "E07a", "pay-expense", "tom", "sue", supplier="BANK", number="2026-01", amount="12.00", expense="260",
            tender="transfer",
        ),
        step("E07b", "receive-bank-interest", "tom", amount="8.40", start="2026-01-01", end="2026-01-31"),
    ],
    "2026-02-01": [
        step("E10d E16d", "close-month", "tom", "sue", month="2026-01"),
        step(
            "E10a", "issue-note", "tom", "sue", number="N-002", lender="Another lender", amount="10000.00",
            annual_rate="2", note_class="B", due_on="2029-02-01",
        ),
    ],
    "2026-02-02": [
        step("", "open-drawer", "ana", drawer="D1"),
        step("E03b", "buy-shares", "ana", member="M0101", amount="20.00"),
        step("E34a", "deposit", "ana", member="M0007", amount="30.00"),
        step("E34b", "reverse", "ana", operation="E34a", reason="keyed twice"),
        step("E06c", "close-drawer", "ana", drawer="D1", counted="20.00", why="not known"),
    ],
    "2026-02-03": [
        step(
            "E34c", "correct", "ana", "tom", operation="E04a", wrong_account="M0007", right_account="M0019",
            reason="it was M0019 who came",
        )
    ],
    "2026-02-10": [
        step(
            "E08a", "receive-gift", "tom", fund="GRT", amount="5000.00", donor="A donor", number="G-07",
            purpose="tools and training of the composting co-op", tender="transfer",
        ),
        step(
            "E18a", "stop-accrual", "tom", "sue", loan="L-003", method="recovery", stop_interest=True,
            why="full payment is not expected",
        ),
    ],
    "2026-02-15": [
        step("", "open-fund", "tom", "sue", code="CG1", fund_name="A grant on conditions", fund_class="conditional"),
        step(
            "E09a", "receive-grant", "tom", "sue", fund="CG1", amount="3000.00", funder="A city", number="CG1",
            condition="eligible cost", tender="transfer",
        ),
    ],
    "2026-02-20": [
        step(
            "E11a", "grant-loan", "ana", "tom", number="L-010", member="M0020", fund="RLF", other_funds="GEN 40",
            principal="12000.00", annual_rate="7.25", installments=24, day_count="actual/365", purpose="a machine",
        )
    ],
    "2026-03-02": [
        step("E10b E10e E16e", "close-month", "tom", "sue", month="2026-02"),
        step("E11b", "disburse-loan", "tom", loan="L-010", tender="transfer", cheque_number="1042"),
    ],
    "2026-03-05": [step("E18b", "repay-loan", "ana", loan="L-003", amount="100.00", tender="transfer")],
    "2026-03-16": [
        step(
            "E08b", "spend-gift", "tom", "sue", gift="G-07", amount="1200.00", expense="290", tender="transfer",
            cheque_number="1043",
        )
    ],
    "2026-03-20": [
        step("", "open-drawer", "ana", drawer="D1"),
        step("E14a", "repay-loan", "ana", loan="L-010", amount="100.00", excess="unapplied"),
        step("E06e", "close-drawer", "ana", drawer="D1", counted="100.00", why="not known"),
    ],
    "2026-03-31": [
        step("", "file-report", "ana", loan="L-004", period=5, surplus="-120.00"),
        step("E17b", "accept-report", "tom", loan="L-004", period=5),
        step("E17a", "repay-loan", "ana", loan="L-004", amount="300.00", tender="transfer"),
    ],
    "2026-04-02": [
        step("E12 E10f E10g E16f", "close-month", "tom", "sue", month="2026-03"),
        step("", "open-drawer", "ana", drawer="D1"),
        step("E13", "repay-loan", "ana", loan="L-010", amount="540.00"),
        step("E06d", "close-drawer", "ana", drawer="D1", counted="540.00", why="not known"),
        step("E14b", "apply-unapplied", "ana", loan="L-010", amount="100.00"),
    ],
    "2026-04-09": [
        step(
            "E15e", "grant-loan", "ana", "tom", number="L-011", member="M0101", fund="RLF", principal="10000.00",
            annual_rate="6", installments=24, day_count="actual/365", purpose="a cold room",
        )
    ],
    "2026-04-10": [
        step(
            "E15a", "sell-participation", "ana", "tom", loan="L-011", peer="PF-1", share_percent="40",
            servicing_rate="0.5", agreement="PA-1",
        )
    ],
    "2026-04-12": [step("E15b", "disburse-loan", "tom", loan="L-011", tender="transfer")],
    "2026-04-20": [
        step(
            "E09b", "earn-grant", "tom", "sue", grant="CG1", amount="800.00", expense="290", tender="transfer",
            evidence="list of those who came",
        )
    ],
    "2026-05-04": [step("E12b E12c E16g E10h E10i", "close-month", "tom", "sue", month="2026-04")],
    "2026-05-06": [step("E14c", "receive-unknown", "tom", amount="250.00")],
    "2026-05-12": [
        step("E14d", "clear-suspense", "tom", suspense="U-00001", to="gift", fund="SOL"),
        step("E15c", "repay-loan", "ana", loan="L-011", amount="450.00", tender="transfer"),
    ],
    "2026-05-15": [
        step("E23a", "transfer-funds", "tom", "sue", to_fund="SOL", amount="300.00", resolution="R-20"),
    ],
    "2026-05-20": [
        step(
            "E24", "give-aid", "ana", "tom", number="S-14", recipient="Somebody", aid_kind="telephone", amount="150.00",
            need="the telephone is cut off", criteria="no income", relation="none", tender="transfer",
            cheque_number="1050",
        )
    ],
    "2026-05-31": [step("E15d", "remit-participation", "tom", peer="PF-1")],
    "2026-06-02": [step("E12d E12e E16h E10j E10k", "close-month", "tom", "sue", month="2026-05")],
    "2026-06-30": [
        step("E10c", "repay-note", "tom", "sue", note="N-001", amount="4000.00", renew_until="2029-06-30"),
        step(
            "", "set-allowance-table", "tom", "sue", from_day="2026-06-30", why="resolution R-15",
            buckets="1-30 1, 31-60 1, over 180 50",
        ),
        step(
            "", "set-loss-waterfall", "tom", "sue", fund="RLF", resolution="resolution R-16",
            steps=["allowance", "reserve RESERVE", "notes B", "notes A", "shares 901"],
        ),
        step("E19", "provide", "tom", "sue", month="2026-06"),
    ],
    "2026-07-05": [
        step("E12f E12g E16a E10l E10m", "close-month", "tom", "sue", month="2026-06"),
        step("E28a", "enter-bill", "ana", supplier="LANDLORD", number="2026-07", amount="400.00", expense="250"),
    ],
    "2026-07-10": [
        step("E28b", "pay-bill", "tom", bill="B-00002", tender="transfer", cheque_number="1061"),
    ],
    "2026-07-20": [
        step("", "file-report", "ana", loan="L-002", surplus="4000.00"),
        step("E16b", "accept-report", "tom", loan="L-002", period=2),
    ],
    "2026-07-31": [step("E16c", "repay-loan", "ana", loan="L-002", amount="2000.00", tender="transfer")],
    "2026-08-01": [
        step(
            "E23b", "lend-to-fund", "tom", "sue", to_fund="CLT", amount="2000.00", resolution="R-26",
            due_on="2026-10-01",
        ),
    ],
    "2026-08-05": [
        step("", "define-register", "tom", "sue", template="PARCELS"),
        step(
            "E25a", "buy-parcel", "tom", "sue", parcel="P-057", price="9000.00", closing_costs="300.00", use="housing",
            resolution="Assembly, R-27", deed="book 7, page 57", tender="transfer",
        ),
    ],
    "2026-08-30": [
        step(
            "E25b", "recognise-donated-work", "tom", "sue", building="B-1", hours="40", hourly="25.00",
            work="carpentry", source="wage survey",
        )
    ],
    "2026-09-30": [
        step(
            "E20a E20b", "charge-off", "tom", "sue", loan="L-003", resolution="R-29", why="it will not be paid",
        )
    ],
    "2026-10-01": [
        step(
            "E23c", "receive-gift", "tom", fund="CLT", amount="2000.00", donor="A donor", number="G-08",
            tender="transfer",
        ),
        step("E23d", "repay-fund", "tom", "sue", fund_loan="IF-001"),
    ],
    "2026-10-10": [step("E22", "write-down", "sue", "tom", loan="L-001", principal="500.00", resolution="R-31")],
    "2026-11-16": [
        step("", "open-drawer", "ana", drawer="D1"),
        step("E21", "repay-loan", "ana", loan="L-003", amount="300.00"),
        step("E06f", "close-drawer", "ana", drawer="D1", counted="300.00", why="not known"),
    ],
}  # fmt: skip


def test_every_block_has_its_step() -> None:
    posted = [name for steps in DAYS.values() for s in steps for name in s.blocks.split()]
    assert sorted(posted) == sorted(BLOCKS)
    assert {s.operation for steps in DAYS.values() for s in steps} <= CATALOGUE.keys() - {"journal-entry"}


# ----------------------------------------------------------------------------------- the books


class Story:
    """The bank of the document while its year goes by."""

    def __init__(self, place: str) -> None:
        self.clock = SetClock(datetime.combine(date.fromisoformat(next(iter(DAYS))), NOON))
        request = FoundBook(bank_name="Conformance")
        bank = Bank.found(place, request, passphrase=PASSPHRASE, clock=self.clock, nonce=CountedNonces())
        self.small = SmallBank(bank, self.clock)
        self.people: dict[str, Actor] = {name: getattr(self.small, name) for name in ("admin", "ana", "tom", "sue")}
        self.numbers: dict[str, int] = {}  # of the operation that posted a block
        self._staff()

    def _staff(self) -> None:
        s = self.small
        s.do("add-user", by=s.admin, user="ana", full_name="Ana", user_roles=["teller", "loan-officer"])
        s.do("add-user", by=s.admin, user="tom", full_name="Tom", user_roles=["treasurer"])
        s.agreed("add-user", by=s.admin, user="sue", full_name="Sue", user_roles=["supervisor"])

    def prepare(self) -> None:
        """Funds, the reserve's own bank account, and the members whose accounts the blocks name."""
        s = self.small
        for code, name, fund_class in (
            ("EDU", "Education", "designated"), ("SOL", "Solidarity", "designated"), ("CLT", "Land", "designated"),
            ("GRT", "Gift for the composters", "restricted"),
        ):  # fmt: skip
            s.agreed("open-fund", by=s.tom, approver=s.sue, code=code, fund_name=name, fund_class=fund_class)
        s.agreed("add-bank-account", by=s.tom, approver=s.sue, code="RESERVE", account_name="Reserve", fund="LLR")
        named = {m for b in BLOCKS.values() for _f, a, _x in b.lines for m in re.findall(r"/(M[0-9]{4})", a)}
        for number in sorted(named | {loan["member"] for loan in OLD_LOANS}):
            s.admit(f"Member {number}", number=number)

    def perform(self, step: Step) -> int:
        """Perform a step; the number of the operation that posted."""
        values = dict(step.values)
        if isinstance(values.get("operation"), str):
            values["operation"] = self.numbers[values["operation"]]
        by = self.people[step.by]
        if step.approver is None:
            return self.small.do(step.operation, by, **values).number
        return self.small.agreed(step.operation, by, self.people[step.approver], **values).number

    def entries(self, number: int) -> list[tuple[date, Counter[Line]]]:
        """The entries of an operation as the books hold them: day, and lines in any order."""
        receipt = self.small.bank.receipt(number)
        return [
            (date.fromisoformat(entry.effective_on), Counter((x.fund, x.code, x.amount) for x in entry.lines))
            for entry in receipt.entries
        ]

    def balances(self) -> dict[tuple[str, str], int]:
        """Every leaf that has a balance."""
        with self.small.read() as books:
            ids = [number for (number,) in books.tx.rows("SELECT id FROM account")]
            leaves = posting.read_leaves(books.tx, ids).values()
        return {(leaf.fund, leaf.code): leaf.balance for leaf in leaves if leaf.balance}


@pytest.fixture
def story(engine_url: str) -> Iterator[Story]:
    told = Story(engine_url)
    yield told
    told.small.bank.close()


def test_the_operations_post_the_blocks(story: Story) -> None:
    story.prepare()
    for day, steps in DAYS.items():
        story.small.open_day(day, open_drawer=False)
        for each in steps:
            done = story.perform(each)
            expected = {name: (BLOCKS[name].day, Counter(BLOCKS[name].lines)) for name in each.blocks.split()}
            posted = story.entries(done)
            assert len(posted) == len(expected), f"{each.operation} of {day} posted {len(posted)} entries"
            for name, entry in expected.items():
                assert entry in posted, f"{name}: {each.operation} posted {posted}"
                story.numbers[name] = done
        story.small.close_day()
    assert story.balances() == trial_balance()
    assert_books(story.small)


def trial_balance() -> dict[tuple[str, str], int]:
    """What the blocks come to, by fund and account."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for block in BLOCKS.values():
        for fund, account, amount in block.lines:
            sums[fund, account] += amount
    return {leaf: total for leaf, total in sums.items() if total}
