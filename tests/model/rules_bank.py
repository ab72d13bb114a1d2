"""The bank's statements: recorded, matched with what the books say of the same account, signed by two people.

Nothing of it posts anything. What is plain about it: by the statements the account stands at the sum of their lines,
by the books at the sum of its postings, and every match says that some of both are the same money.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary

from tests.model.books import ADMIN, READ, SUPERVISOR, TREASURER, Fact, Model, No, Work, minor, rule

READ["signed"] = lambda value: minor(value)
READ["codes"] = lambda value: list(value)
READ["banklines"] = lambda value: [_line(each) for each in value]


def _line(text: str) -> tuple[date, int]:
    on, amount, *_said = text.split(maxsplit=2)
    return date.fromisoformat(on), int(minor(amount) or 0)


def account_of(w: Work) -> str:
    ref = w["bank_account"] or "FIRST"
    w.model.get("bank-account", ref, "bank_account")
    return str(ref)


def of_account(model: Model, kind: str, account: str) -> list[tuple[str, Fact]]:
    return [(ref, body) for ref, body in model.every(kind) if body["account"] == account]


def statements(model: Model, account: str) -> list[tuple[str, Fact]]:
    return sorted(of_account(model, "bank-statement", account), key=lambda each: each[1]["start"])


@rule("record-bank-lines", "bank_account:code? start:day end:day opening:signed closing:signed lines:banklines?",
      TREASURER, reversible=False)  # fmt: skip
def record_bank_lines(w: Work) -> None:
    account, lines = account_of(w), w["lines"] or []
    if w["end"] > w.business_day:
        raise No("invalid-date", "end")
    if w["start"] > w["end"]:
        raise No("invalid-date", "start")
    for number, (on, _amount) in enumerate(lines):
        if not w["start"] <= on <= w["end"]:
            raise No("invalid-date", f"lines.{number}.on")
    if w["opening"] + sum(amount for _on, amount in lines) != w["closing"]:
        raise No("invalid-amount", "closing")
    before = statements(w.model, account)
    if before and w["start"] <= before[-1][1]["end"]:
        raise No("already-exists", "start")
    if before and w["opening"] != before[-1][1]["closing"]:
        raise No("invalid-amount", "opening")
    ref = w.number_of("bank-statement", "BS-", 5)
    w.write("bank-statement", ref, account=account, start=w["start"], end=w["end"], closing=w["closing"])
    if not before and w["opening"]:
        w.write("bank-line", f"{ref}.0", account=account, on=w["start"], amount=w["opening"], match=None)
    for number, (on, amount) in enumerate(lines, start=1):
        w.write("bank-line", f"{ref}.{number}", account=account, on=on, amount=amount, match=None)


def unsigned(w: Work, account: str, since: date, field: str) -> None:
    """Nobody signed what it would change."""
    for _ref, body in of_account(w.model, "reconciliation", account):
        if body["state"] != "reopened" and body["on"] >= since:
            raise No("wrong-state", field)


@rule("withdraw-bank-lines", "statement:code why:somememo", TREASURER, reversible=False)
def withdraw_bank_lines(w: Work) -> None:
    found = w.model.get("bank-statement", w["statement"], "statement")
    if statements(w.model, found["account"])[-1][0] != w["statement"]:
        raise No("wrong-state", "statement")
    lines = [(ref, body) for ref, body in w.model.every("bank-line") if ref.startswith(f"{w['statement']}.")]
    if any(body["match"] for _ref, body in lines):
        raise No("wrong-state", "statement")
    unsigned(w, found["account"], found["start"], "statement")
    for ref in (*(ref for ref, _body in lines),):
        w.written.append(("bank-line", ref, None))
    w.written.append(("bank-statement", w["statement"], None))


# ---------------------------------------------------------------------------------------------- matches


@dataclass(frozen=True)
class Posting:
    """A line of an entry on the leaf of a bank account."""

    entry: int
    on: date
    amount: int
    reverses: int | None  # the entry that its own takes back


class Posted:
    """What was ever posted on a bank account: read on from where the log was left the last time."""

    def __init__(self) -> None:
        self.found: list[Posting] = []
        self._first: dict[int, int] = {}  # entry of an operation
        self._done, self._entry = 0, 1  # operations that were read, and the number of the next entry

    def read_on(self, model: Model, account: str) -> list[Posting]:
        """Entries have numbers without a gap."""
        leaf = (model.find("bank-account", account) or {})["fund"], f"731/{account}"
        for done in islice(model.log.values(), self._done, None):
            self._first[done.number] = self._entry
            turned = len(model.log[done.reverses].entries) if done.reverses else 0
            for place, (entry, on) in enumerate(zip(done.entries, done.days, strict=True)):
                reverses = self._first[done.reverses] + place if done.reverses and place < turned else None
                self.found += [
                    Posting(self._entry, on, amount, reverses) for fund, code, amount in entry if (fund, code) == leaf
                ]
                self._entry += 1
        self._done = len(model.log)
        return self.found


_posted: WeakKeyDictionary[Model, dict[str, Posted]] = WeakKeyDictionary()


def postings(model: Model, account: str) -> Iterator[Posting]:
    """All lines on the leaf of a bank account, by the numbers of their entries."""
    known = _posted.setdefault(model, {}).setdefault(account, Posted())
    return iter(known.read_on(model, account))


def matched(model: Model, account: str) -> set[int]:
    """Entries that a match holds."""
    held = of_account(model, "bank-match", account)
    return {entry for _ref, body in held if body["state"] == "matched" for entry in body["entries"]}


@rule("match-bank-line", "lines:codes? entries:codes? bank_account:code?", TREASURER, reversible=False)
def match_bank_line(w: Work) -> None:
    lines: dict[str, Fact] = {}
    for ref in w["lines"] or ():
        line = w.model.get("bank-line", ref, "lines")
        if ref in lines:
            raise No("invalid-value", "lines")
        if line["match"] is not None:
            raise No("wrong-state", "lines")
        account = next(iter(lines.values()), line)["account"]
        if line["account"] != account or account != (w["bank_account"] or account):
            raise No("invalid-value", "lines")
        lines[ref] = line
    account = next((line["account"] for line in lines.values()), None) or account_of(w)
    found = _named(w, account)
    if len(lines) + len(found) < 2:
        raise No("invalid-value", "entries" if lines else "lines")
    total = sum(line["amount"] for line in lines.values())
    if total != sum(each.amount for each in found):
        raise No("invalid-amount", "entries" if lines else "lines")
    ref = w.number_of("bank-match", "BM-", 5)
    w.write("bank-match", ref, account=account, lines=list(lines), entries=[each.entry for each in found],
            days=[each.on for each in found], state="matched")  # fmt: skip
    for number, line in lines.items():
        w.write("bank-line", number, line, match=ref)


def _named(w: Work, account: str) -> list[Posting]:
    """What the entries move on the account."""
    known, taken = list(postings(w.model, account)) if w["entries"] else [], matched(w.model, account)
    found: list[Posting] = []
    for text in w["entries"] or ():
        if not re.fullmatch(r"[0-9]{1,18}", text):
            raise No("invalid-value", "entries")
        moved = [each for each in known if each.entry == int(text)]
        if not moved:
            raise No("unknown", "entries")
        if any(each.entry == int(text) for each in found):
            raise No("invalid-value", "entries")
        if int(text) in taken:
            raise No("wrong-state", "entries")
        found += moved
    return found


@rule("unmatch-bank-line", "match:code why:somememo", TREASURER, reversible=False)
def unmatch_bank_line(w: Work) -> None:
    ref = w["match"]
    if not ref.startswith("BM-"):
        ref = w.model.get("bank-line", ref, "match")["match"]
        if ref is None:
            raise No("wrong-state", "match")
    match = w.model.get("bank-match", ref, "match")
    if match["state"] != "matched":
        raise No("wrong-state", "match")
    lines = {number: w.model.get("bank-line", number, "match") for number in match["lines"]}
    unsigned(w, match["account"], max(*match["days"], *(line["on"] for line in lines.values()), date.min), "match")
    w.write("bank-match", ref, match, state="undone")
    for number, line in lines.items():
        w.write("bank-line", number, line, match=None)


# ---------------------------------------------------------------------------------------------- signing


def standing(model: Model, account: str, on: date) -> dict[str, Any]:
    """Both sides at the end of a day, and what lies between them."""
    lines = {ref: body for ref, body in of_account(model, "bank-line", account) if body["on"] <= on}
    known = [each for each in postings(model, account) if each.on <= on]
    entries, settled = {each.entry for each in known}, set[int]()
    taken = matched(model, account)
    for _ref, match in of_account(model, "bank-match", account):
        whole = all(ref in lines for ref in match["lines"]) and all(day <= on for day in match["days"])
        if match["state"] == "matched" and whole:
            settled |= set(match["entries"])
            lines = {ref: body for ref, body in lines.items() if ref not in match["lines"]} | {
                ref: {**lines[ref], "amount": 0, "was": lines[ref]["amount"]} for ref in match["lines"]
            }
    for each in known:  # a reversal that the bank never saw, nor what it reversed
        if each.reverses in entries and not {each.entry, each.reverses} & taken:
            settled |= {each.entry, int(each.reverses or 0)}
    return {
        "by_bank": sum(body.get("was", body["amount"]) for body in lines.values()),
        "by_books": sum(each.amount for each in known),
        "open": sorted((each.entry, each.on, each.amount) for each in known if each.entry not in settled),
        "lines": sorted(ref for ref, body in lines.items() if "was" not in body),
    }


def _told(w: Work, account: str) -> dict[str, Any]:
    """The same; refused for days of which no statement tells."""
    known = statements(w.model, account)
    if not known:
        raise No("unknown", "bank_account")
    if not known[0][1]["start"] <= w["on"] <= known[-1][1]["end"]:
        raise No("invalid-date", "on")
    return standing(w.model, account, w["on"])


@rule("sign-reconciliation", "bank_account:code? on:day balance:signed", TREASURER, reversible=False)
def sign_reconciliation(w: Work) -> None:
    account = account_of(w)
    found, ref = _told(w, account), f"{account}/{w['on']}"
    signed = w.model.find("reconciliation", ref)
    if signed is not None and signed["state"] != "reopened":
        raise No("already-exists", "on")
    between = sum(amount for _entry, _on, amount in found["open"])
    between -= sum(w.model.get("bank-line", line, "on")["amount"] for line in found["lines"])
    if w["balance"] + between != found["by_books"]:
        raise No("invalid-amount", "balance")
    w.write("reconciliation", ref, account=account, on=w["on"], by=w.who, state="signed", found=found)


def _signed(w: Work) -> Fact:
    return w.model.get("reconciliation", f"{account_of(w)}/{w['on']}", "on")


@rule("review-reconciliation", "bank_account:code? on:day", f"{TREASURER} {ADMIN} {SUPERVISOR}", reversible=False)
def review_reconciliation(w: Work) -> None:
    signed = _signed(w)
    if signed["state"] != "signed":
        raise No("wrong-state", "on")
    if signed["by"] == w.who:
        raise No("own-request", "on")
    if _told(w, signed["account"]) != signed["found"]:
        raise No("wrong-state", "on")
    w.write("reconciliation", f"{signed['account']}/{w['on']}", signed, state="reviewed")


@rule("reopen-reconciliation", "bank_account:code? on:day why:somememo", TREASURER, reversible=False,
      second=lambda w: _signed(w)["state"] == "reviewed")  # fmt: skip
def reopen_reconciliation(w: Work) -> None:
    signed = _signed(w)
    if signed["state"] == "reopened":
        raise No("wrong-state", "on")
    w.write("reconciliation", f"{signed['account']}/{w['on']}", signed, state="reopened")
