"""What people might do with the bank's statements. Puts it into `walk.DRAWN`.

A statement says what the books say, now and then with a line too many or an entry left out; so its fields are found
from the model when it is asked, all from the same `Paper`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.model.books import Model, days
from tests.model.rules_bank import matched, postings, statements
from tests.model.walk import DRAWN, Chooser, Last, Step, Values, asked, last

MOST = 12  # lines of a statement


@dataclass(frozen=True)
class Paper:
    """A field of the bank's next statement of an account: of the days up to today, or to yesterday."""

    account: str
    field: str
    fault: str = ""
    back: int = 0

    def found(self, model: Model) -> Any:
        if model.find("bank-account", self.account) is None:
            return [] if self.field == "lines" else "0.00" if self.field in ("opening", "closing") else str(model.day)
        known = statements(model, self.account)
        start = known[-1][1]["end"] + days(1) if known else model.founded
        end = max(start, model.day - days(self.back)) if self.fault != "future" else model.day + days(1)
        moved = [(each.on, each.amount) for each in postings(model, self.account) if start <= each.on <= end]
        lines = moved[-MOST:]
        opening = known[-1][1]["closing"] if known else sum(n for _on, n in moved) - sum(n for _on, n in lines)
        if self.fault == "left out":
            lines = lines[1:]
        if self.fault in ("fee", "sum"):
            lines = [*lines, (end, -100)]
        closing = opening + sum(n for _on, n in lines) + (1 if self.fault == "sum" else 0)
        if self.fault == "opening":
            opening, closing = opening + 5, closing + 5
        return {
            "start": str(start if self.fault != "again" else start - days(1)), "end": str(end),
            "opening": text(opening), "closing": text(closing),
            "lines": [f"{on} {text(n)} a word" for on, n in lines],
        }[self.field]  # fmt: skip


def text(minor: int) -> str:
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02}"


@dataclass(frozen=True)
class Same:
    """An open line of the bank and an open entry of that amount: one or the other of the two."""

    field: str
    back: int = 0

    def found(self, model: Model) -> list[str]:
        pairs = list(_pairs(model, "FIRST"))
        if self.back >= len(pairs):
            return ["BS-99999.1"] if self.field == "lines" else ["999999"]
        line, entry = pairs[-1 - self.back]
        return [line] if self.field == "lines" else [str(entry)]


def _pairs(model: Model, account: str) -> list[tuple[str, int]]:
    taken, found = matched(model, account), []
    known = [each for each in postings(model, account) if each.entry not in taken]
    for ref, line in model.every("bank-line"):
        if line["account"] == account and line["match"] is None:
            same = next((each for each in known if (each.amount, each.on) == (line["amount"], line["on"])), None)
            if same is not None:
                found.append((ref, same.entry))
                known.remove(same)
    return found


@dataclass(frozen=True)
class Ended:
    """The end of the last statement of an account, or what the bank then had."""

    account: str
    field: str
    more: int = 0

    def found(self, model: Model) -> str:
        known = statements(model, self.account)
        if not known:
            return str(model.day) if self.field == "end" else "0.00"
        last: date | int = known[-1][1][self.field]
        return str(last + days(self.more)) if isinstance(last, date) else text(last + self.more)


def _paper(c: Chooser, account: str) -> Values:
    fault = c.pick(("",) * 8 + ("fee", "fee", "left out", "sum", "opening", "again", "future"))
    back = c.pick((0, 0, 1, 5))
    return {field: Paper(account, field, fault, back) for field in ("start", "end", "opening", "closing", "lines")}


def _account(c: Chooser) -> Values:
    return c.pick(({},) * 6 + ({"bank_account": "OWN"}, {"bank_account": "X"}, {"bank_account": "FIRST"}))


def _recorded(c: Chooser) -> Values:
    named = _account(c)
    return {**_paper(c, named.get("bank_account", "FIRST")), **named}


def _matched(c: Chooser) -> Values:
    back = c.pick((0, 0, 0, 1, 2, 5))
    right = {"lines": Same("lines", back), "entries": Same("entries", back)}
    return c.pick((
        right, right, right, right, {**right, "entries": Same("entries", back + 1)}, {"lines": Same("lines", back)},
        {"entries": Same("entries", back)}, {"lines": (last(c, "bank-line"), last(c, "bank-line"))}, {},
        {**right, "bank_account": "OWN"}, {"lines": Same("lines"), "entries": (c.pick(("5", "x", "7.1x", "30")),)},
    ))  # fmt: skip


DRAWN.update({
    "record-bank-lines": (2, _recorded),
    "withdraw-bank-lines": (1, lambda c: {"statement": last(c, "bank-statement"), "why": "wrong"}),
    "match-bank-line": (4, _matched),
    "unmatch-bank-line": (2, lambda c: {
        "match": c.pick((last(c, "bank-match"), last(c, "bank-match"), last(c, "bank-line"))), "why": "wrong",
    }),
    "sign-reconciliation": (2, lambda c: {
        "on": Ended("FIRST", "end", c.pick((0, 0, 0, -1, -3, 1))), **_account(c),
        "balance": c.pick((Ended("FIRST", "closing"), Ended("FIRST", "closing"), Ended("FIRST", "closing", 1))),
    }),
    "review-reconciliation": (1, lambda c: {"on": Ended("FIRST", "end", c.pick((0, 0, -1))), **_account(c)}),
    "reopen-reconciliation": (1, lambda c: {
        "on": Ended("FIRST", "end", c.pick((0, 0, -1))), "why": "wrong", **_account(c)}),
})  # fmt: skip


def reconciling(c: Chooser, evening: list[Step]) -> list[Step]:
    """A statement comes, its lines are matched, some wrongly; it is signed, reviewed, and reopened."""

    def step(by: str, operation: str, /, **values: Any) -> Step:
        return Step(by, operation, tuple(values.items()))

    found = [step("tom", "record-bank-lines", **_paper(c, "FIRST"))]
    for _match in range(c.pick((2, 5))):
        found.append(step("tom", "match-bank-line", lines=Same("lines"), entries=Same("entries")))
    found.append(step("tom", "unmatch-bank-line", match=Last("bank-match", c.pick((0, 1))), why="wrong"))
    day = {"on": Ended("FIRST", "end")}
    found.append(step("tom", "sign-reconciliation", **day, balance=Ended("FIRST", "closing")))
    more = [
        step("tom", "receive-gift", amount="7.00", donor="Many", tender="transfer"),
        *asked("tom", "reverse", operation=Last("operation"), reason="wrong"),
        step("tom", "unmatch-bank-line", match=Last("bank-match"), why="wrong"), *evening,
    ]  # fmt: skip
    found += more[: c.pick((0, 1, 3, 4, len(more)))]
    found.append(step(c.pick(("tom", "sue", "admin")), "review-reconciliation", **day))
    found += asked("tom", "reopen-reconciliation", **day, why="wrong") if c.pick(range(2)) else []
    return [*found, step("tom", "withdraw-bank-lines", statement=Last("bank-statement"), why="wrong")]
