"""What a stranger reckons from the sealed log of an auditor's pack, with nothing of ours.

    log = Log(folder / "log" / "operations.jsonl")
    log.sums(lambda line: line.fund, kinds=["income"])

Written from docs/auditors.md and the VERIFY.md of a pack. It imports nothing of coopbank, so that a report that is
wrong cannot be wrong here in the same way.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an entry, with what its account is; amounts in minor units, debit +."""

    day: str
    kind: str  # of the operation
    entry: int
    gl: str
    gl_kind: str
    fund: str
    contract: str
    amount: int


class Log:
    """The lines of all entries, but for memo accounts."""

    def __init__(self, place: Path) -> None:
        self.operations: list[list[Any]] = [json.loads(line) for line in place.read_bytes().splitlines()]
        controls: dict[str, str] = {}
        accounts: dict[int, tuple[str, str, str]] = {}
        self.lines: list[Line] = []
        for operation in self.operations:
            for table, *row in operation[12]:
                if table == "gl_account":
                    controls[row[0]] = row[2]
                elif table == "account":
                    accounts[row[0]] = row[1], row[2], row[3]
            for number, day, _memo, _reverses, lines in operation[11]:
                for account, amount in lines:
                    gl, fund, contract = accounts[account]
                    if controls[gl] != "memo":
                        line = Line(day, operation[7], number, gl, controls[gl], fund, contract, amount)
                        self.lines.append(line)

    def sums(
        self, key: Callable[[Line], Any], *, kinds: Container[str] = "", through: str = "9999", closings: bool = True
    ) -> Counter[Any]:
        """Sums by a key of the lines of accounts of some kinds, up to a day; without the closing of years if wanted."""
        found: Counter[Any] = Counter()
        for line in self.lines:
            meant = line.gl_kind in (kinds or line.gl_kind) and (closings or line.kind != "close-year")
            if meant and line.day <= through:
                found[key(line)] += line.amount
        return found

    def records(self, kind: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
        """Every version of the records of a kind: the operation that wrote it, its number, and what it says."""
        for operation in self.operations:
            for table, *row in operation[12]:
                if table == "record" and row[0] == kind:
                    yield operation[2], row[1], row[4]


def table(place: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with place.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def minor(text: str) -> int:
    """An amount with two decimals as cents."""
    whole, _, cents = text.partition(".")
    assert len(cents) == 2
    return int(whole + cents)
