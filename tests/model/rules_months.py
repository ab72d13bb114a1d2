"""The close of a month: what loans and notes earned through its last day is dated in it, and then it is locked.

What is plain about it is the sum. Through the last day, counted, each debt has earned so much; under dates up to that
day the books have so much of it; the difference is dated on that day. What else changes is dated today, so that what is
owed is what ran, and no more.
"""

from __future__ import annotations

import calendar
from datetime import date
from fractions import Fraction

from tests.model.books import TREASURER, Fact, No, Work, days, rule
from tests.model.rules_funds import simple_interest
from tests.model.rules_loans import earned, run


@rule("close-month", "month:month", TREASURER, second=True, reversible=False)
def close_month(w: Work) -> None:
    model, month = w.model, str(w["month"])
    last = date(int(month[:4]), int(month[5:]), calendar.monthrange(int(month[:4]), int(month[5:]))[1])
    if model.locked.get(month) == "locked":
        raise No("period-locked", "month")
    if w.business_day < last or (model.day_open and model.day == last):
        raise No("wrong-state", "month")
    if any(earlier < month and model.locked.get(earlier) != "locked" for earlier in model.months):
        raise No("wrong-state", "month")
    for ref, loan in model.every("loan"):
        _close_loan(w, ref, loan, last)
    for ref, note in model.every("note"):
        _close_note(w, ref, note, last)

    def after() -> None:
        model.locked[month] = "locked"

    w.after = after


def _close_loan(w: Work, ref: str, loan: Fact, last: date) -> None:
    until = last + days(1)
    after, new = loan, 0
    if until > loan["at"]:
        after, _lines = earned(run(w, loan, until), ref)
        new = after["earned"] - loan["earned"]
    known = [event for event in loan["events"] if event[0] <= last]
    paid = sum(event[3] for event in known)
    in_books = dated(w, loan["fund"], f"781/{ref}", last) + paid
    of_month = _earned_by(known, loan["rate"], until) - in_books if known else 0
    for amount, on in ((of_month, last), (new - of_month, w.business_day)):
        if amount:
            w.post((loan["fund"], f"781/{ref}", amount), (loan["fund"], "111", -amount), on=on)
    if new:
        w.write("loan", ref, after)


def _earned_by(events: list[tuple[date, int, bool, int]], rate: str, until: date) -> int:
    """All interest up to a day, not counted: exact between payments, rounded at each."""
    closed, running, owed, at = 0, Fraction(0), 0, until
    for day, change, ends, _paid in events:
        running += Fraction(owed) * Fraction(rate) / 100 * max(0, (day - at).days) / 365
        if ends:
            closed, running = closed + round(running), Fraction(0)
        owed, at = owed + change, day
    return closed + round(running + Fraction(owed) * Fraction(rate) / 100 * (until - at).days / 365)


def _close_note(w: Work, ref: str, note: Fact, last: date) -> None:
    until = last + days(1)
    new = 0
    if note["since"] <= last:
        new = max(0, simple_interest(note["owed"], note["rate"], (until - note["since"]).days) - note["of_segment"])
    versions = [(n, body) for n, body in w.model.facts["note", ref] if body is not None]
    before = [body for number, body in versions if w.model.log[number].day <= last]
    if len(before) == len(versions):
        of_month = new
    elif not before:
        of_month = 0
    else:
        then = next(body for _n, body in reversed(versions) if body["since"] <= last)
        ran = simple_interest(then["owed"], then["rate"], (until - then["since"]).days)
        whole = then["paid"] + then["accrued"] - then["of_segment"] + ran
        of_month = whole - before[-1]["paid"] + dated(w, note["fund"], f"851/{ref}", last)
    for amount, on in ((of_month, last), (new - of_month, w.business_day)):
        if amount:
            w.post((note["fund"], f"851/{ref}", -amount), (note["fund"], "341", amount), on=on)
    if new:
        w.write("note", ref, note, accrued=note["accrued"] + new, of_segment=note["of_segment"] + new)


def dated(w: Work, fund: str, code: str, last: date) -> int:
    """How a leaf stands under dates up to a day."""
    return sum(amount for day, amount in w.model.dated[fund, code] if day <= last)


@rule("reopen-month", "month:month why:somememo", TREASURER, second=True, reversible=False)
def reopen_month(w: Work) -> None:
    month = str(w["month"])
    if w.model.locked.get(month) != "locked":
        raise No("wrong-state", "month")

    def after() -> None:
        w.model.locked[month] = "adjusting"

    w.after = after
