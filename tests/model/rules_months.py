"""The close of a month: what loans and notes earned through its last day is dated in it, and then it is locked.

What is plain about it is the sum. Through the last day, counted, each debt has earned so much; under dates up to that
day the books have so much of it; the difference is dated on that day. What else changes is dated today, so that what is
owed is what ran, and no more.
"""

from __future__ import annotations

import calendar
from datetime import date

from tests.model.books import TREASURER, Fact, Model, No, Work, days, rule
from tests.model.reports import Reported
from tests.model.rules_funds import simple_interest
from tests.model.rules_loans import begun, lines_of, reckoned
from tests.model.story import Flows, Story, by_fund, less


@rule("close-month", "month:month", TREASURER, second=True, reversible=False)
def close_month(w: Work) -> None:
    model, month = w.model, str(w["month"])
    last = last_day(month)
    if model.locked.get(month) == "locked":
        raise No("period-locked", "month")
    if w.business_day < last or (model.day_open and model.day == last):
        raise No("wrong-state", "month")
    if open_before(w, month):
        raise No("wrong-state", "month")
    if not after_a_later_one(w, month):
        for ref, loan in model.every("loan"):
            _close_loan(w, ref, loan, last)
        for ref, note in model.every("note"):
            _close_note(w, ref, note, last)

    def after() -> None:
        model.locked[month] = "locked"

    w.after = after


def open_before(w: Work, month: str) -> bool:
    """Whether an earlier month is not locked that holds entries, or ends with something lent or borrowed."""
    day = last_day(min(w.model.months, default=month))
    while (each := str(day)[:7]) < month:
        if w.model.locked.get(each) != "locked" and (each in w.model.months or owed_at(w.model, day)):
            return True
        day = last_day(str(day + days(1))[:7])
    return False


def after_a_later_one(w: Work, month: str) -> bool:
    """Whether a later month is locked that was so before this one was for the first time: it bears this one's interest.

    It was passed over, for nothing was in it then; a note that was taken over since may count from it.
    """
    months = list(w.model.locked)  # in the order in which each was locked first
    first = months.index(month) if month in months else len(months)
    return any(each > month and len(each) == len(month) and w.model.locked[each] == "locked" for each in months[:first])


def owed_at(model: Model, day: date) -> bool:
    """Whether anything lent or borrowed is owed at the end of a day."""
    return any(
        code[:3] in ("701", "811") and sum(amount for on, amount in moved if on <= day)
        for (_fund, code), moved in model.dated.items()
    )


def last_day(month: str) -> date:
    """Of a month written YYYY-MM."""
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, calendar.monthrange(year, number)[1])


def _close_loan(w: Work, ref: str, loan: Fact, last: date) -> None:
    """What its story comes to through the last day; if the books heard of it since, only what was of the month then."""
    touched, before = _since(w, ref, loan, last)
    if begun(loan) is None or (loan["state"] != "active" and not touched):
        return
    after, moved, _story = reckoned(loan, last + days(1))
    of_month = _of_month(w, ref, loan, before, last) if touched else moved
    for part, on in ((of_month, last), (less(moved, of_month), w.business_day)):
        if part:
            w.post(*lines_of(ref, loan["member"], part), on=on)
    if moved:
        w.write("loan", ref, after)


def _since(w: Work, ref: str, loan: Fact, last: date) -> tuple[bool, Fact | None]:
    """Whether anything was told of the loan since the month, or its interest moved; and how the month had left it."""
    versions = w.model.facts["loan", ref]
    then = [body for number, body in versions if w.model.log[number].day <= last]
    later = [number for number, _body in versions[len(then) :] if w.model.log[number].kind != "close-month"]
    if later:
        kept = [body for number, body in versions if number < later[0]]
        return True, kept[-1] if kept else None
    leaves = ((fund, f"{gl}/{ref}") for fund in loan["funds"] for gl in ("781", "M10"))
    moved = any(day > last for leaf in leaves for day, _amount in w.model.moves(*leaf))
    return moved, loan


SPENT = ("interest_paid", "waived", "unearned", "off_interest")


def _of_month(w: Work, ref: str, loan: Fact, before: Fact | None, last: date) -> dict[str, Flows]:
    """Earned through the last day, counted by what counts from days up to it, less what the books have under these."""
    if before is None or begun(before) is None:
        return {}
    if loan["reported"]:
        through = last + days(1)
        flows = Reported(loan, through, [fact for fact in loan["facts"] if fact.on <= last]).books(through)
    else:
        flows = Story(loan).told(fact for fact in loan["facts"] if fact.on <= last).to(last + days(1)).books()
    should = by_fund({flow: flows.get(flow, 0) for flow in ("earned", "memo")}, loan)
    found: dict[str, Flows] = {}
    for fund in loan["funds"]:
        # of a share of surplus what was waived was never earned
        spent = sum(before["book"].get(fund, {}).get(flow, 0) for flow in SPENT
                    if flow != "waived" or loan["reported"] != "surplus")  # fmt: skip
        has = {"earned": dated(w, fund, f"781/{ref}", last) + spent, "memo": dated(w, fund, f"M10/{ref}", last)}
        moved = {flow: should.get(fund, {}).get(flow, 0) - has[flow] for flow in has}
        if any(moved.values()):
            found[fund] = {flow: amount for flow, amount in moved.items() if amount}
    return found


def _close_note(w: Work, ref: str, note: Fact, last: date) -> None:
    until = last + days(1)
    new = 0
    if note["since"] <= last:
        new = max(0, simple_interest(note["owed"], note["rate"], (until - note["since"]).days) - note["of_segment"])
    versions = [(n, body) for n, body in w.model.facts["note", ref] if body is not None]
    before = [body for number, body in versions if w.model.log[number].day <= last]
    then = next((body for _n, body in reversed(versions) if body["since"] <= last), None)
    of_month = 0
    if before and then is not None:
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
    return sum(amount for day, amount in w.model.moves(fund, code) if day <= last)


@rule("reopen-month", "month:month why:somememo", TREASURER, second=True, reversible=False)
def reopen_month(w: Work) -> None:
    month = str(w["month"])
    if w.model.locked.get(month) != "locked":
        raise No("wrong-state", "month")
    if w.model.locked.get(month[:4]) == "locked":
        raise No("period-locked", "month")

    def after() -> None:
        w.model.locked[month] = "adjusting"

    w.after = after
