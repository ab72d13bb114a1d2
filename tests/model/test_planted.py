"""Faults planted in the bank on purpose: the model has to find each, and to tell it in a few steps.

A test that cannot fail proves nothing. So each of these changes one rule of the running program as a slip of the hand
would (a day too many, a limit that is not asked, a line in another fund), and the random walk of test_model.py has to
stumble over it. Where two layers keep the same promise, the outer one is taken away, and what the inner one then says
is not what the model says either.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing as closed
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coopbank.bank import accrual, asset_plan, bank, books, contact, equity, limits, mandates
from coopbank.bank.lending import accounts, allowance, closing, flows, scheduled
from coopbank.bank.lending.position import position
from coopbank.bank.operation import UNCHARTERED, WORKER_COOP
from coopbank.bank.operations import (
    bank_interest,
    bank_reconciliation,
    cash,
    collateral,
    funds,
    internal_capital,
    land,
    land_sales,
    lending,
    loan_care,
    loan_reports,
    notes,
    opening,
    participations,
    petty_cash,
    polls,
    refinance,
    reserves,
    resolutions,
    savings,
    set_off,
    shares,
    solidarity,
    sponsoring,
    suspense,
    unclaimed,
    undoing,
    year,
)
from coopbank.bank.waterfall import still_borne
from coopbank.finance import surplus
from coopbank.finance.allocation import allocate
from coopbank.finance.depreciation import months_through
from tests.model.books import Verdict
from tests.model.drawn_bank import reconciling
from tests.model.drawn_given import given
from tests.model.drawn_given import sponsoring as sponsors
from tests.model.drawn_life import dying
from tests.model.drawn_opening import taking_over
from tests.model.drawn_plans import land as lands
from tests.model.drawn_polls import balloting
from tests.model.drawn_silent import classes, giving_away, silent
from tests.model.drawn_things import petty_cash as floats
from tests.model.drawn_things import things
from tests.model.drawn_votes import deciding
from tests.model.drawn_workers import until_closed, working
from tests.model.invariants import hold
from tests.model.play import Differs, Start, shortest, story
from tests.model.scenes import begin, evening, lived, steps, year_end
from tests.model.scenes import lending as a_loan
from tests.model.test_model import started
from tests.model.walk import Dice, Last, Step, asked
from tests.model.walk_loans import losing, owing_each_other, papers, reporting, sharing

MOST_STEPS = 45  # of the shortest list; what every list begins with (money, members, a drawer) among them
LONGEST_WALK = 1_500


@dataclass(frozen=True)
class Fault:
    """Something to be put in the place of something else."""

    place: Any
    name: str
    instead: Any
    scene: Callable[[Dice], list[Step]] | None = None  # what is played again and again, if the walk seldom comes there
    kind: str = UNCHARTERED  # of institution


def _up(numerator: int, denominator: int, *_: Any) -> int:
    return -(-numerator // denominator)


def _day_more(note: Any, until: date, really: Callable[..., int] = accrual.interest_to) -> int:
    return really(note, until + timedelta(days=1))


def _in_the_general_fund(
    desk: Any, fund: str, amount: int, really: Callable[..., Any] = suspense._as_gift
) -> list[tuple[str, str, int]]:
    really(desk, fund, amount)
    return [("GEN", "181", -amount)]


def _fee_of_the_whole_row(run: Any, due_by: date, really: Callable[..., Any] = loan_care.late_rows) -> Any:
    return [(due, unpaid + 100) for due, unpaid in really(run, due_by)]


def _all_to_the_cooperative(desk: Any, moved: Any, results: Any, really: Callable[..., Any] = year._own) -> Any:
    return ((fund, "940" if code == "961" else code, amount) for fund, code, amount in really(desk, moved, results))


def _shared(c: Dice) -> list[Step]:
    return lived(c, sharing(c))


def _reported(c: Dice) -> list[Step]:
    return lived(c, reporting(c))


def _owed(c: Dice) -> list[Step]:
    return lived(c, owing_each_other(c))


def _first_hit(*asked: Any, really: Callable[..., Any] = still_borne) -> Any:
    return list(reversed(really(*asked)))


def _part_up(percent: Any, base: int) -> int:
    return int(-(-base * Fraction(percent) // 100))


def _a_cent_less(loan: Any, day: date, really: Callable[..., Any] = position) -> Any:
    return SimpleNamespace(payoff=max(0, really(loan, day).payoff - 1))


def _month_more(start: date, last: date) -> int:
    return months_through(start, last) + 1


def _limited(c: Dice) -> list[Step]:
    """What a teller may take in is limited, and some is too much."""
    limit = {"role": "teller", "operation": "deposit", "at_most": c.pick(("200.00", "500.00"))}
    money = ({"member": "M0001", "amount": amount} for amount in ("250.00", "150.00"))
    taken = [Step("ana", "deposit", tuple(each.items())) for each in money]
    return [*evening(c, 1), *asked("admin", "set-role", "tom", **limit), *taken]


def _filled(c: Dice) -> list[Step]:
    """What a drawer may hold is limited, and more than that is put in."""
    limit = {"policy": "drawer_limit", "value": c.pick(("500.00", "5000.00"))}
    moved = {"from_place": "VAULT", "to_place": "D1", "amount": "900.00"}
    return [*asked("tom", "set-policy", **limit), Step("ana", "move-cash", tuple(moved.items()))]


def _taken_back(c: Dice) -> list[Step]:
    """A payment is taken back, and now and then once more."""
    paid = {"member": "M0001", "amount": c.pick(("20.00", "30.00")), "tender": "transfer"}
    back, again = (asked("tom", "reverse", operation=Last("operation", n), reason="a mistake") for n in (0, 1))
    return [Step("ana", "deposit", tuple(paid.items())), *back, *(again if c.pick(range(2)) else [])]


def _billed(c: Dice) -> list[Step]:
    """Bills, some of which were entered before."""
    bill = {"supplier": "ACE", "number": str(c.pick(range(100))), "amount": "30.00", "expense": "290"}
    return [Step("ana", "enter-bill", tuple(bill.items()))]


def _things(c: Dice) -> list[Step]:
    return things(c, evening(c, 31), evening(c, 40))


def _silent(c: Dice) -> list[Step]:
    return silent(c, evening(c, c.pick((1, 90))), evening(c, c.pick((300, 380))), evening(c, 1))


def _working(c: Dice) -> list[Step]:
    return working(c, year_end(c), evening(c, 31))


def _crediting(c: Dice) -> list[Step]:
    """Capital of old books bears interest in a good year, by a rate that is put right."""
    old = ("GEN 741 Dr 900.00", f"GEN 950/{c.pick(('M0001', 'M0003', 'M0004'))}/2024 Cr 900.00")
    gift = Step("tom", "receive-gift", (("amount", "500.00"), ("donor", "Many"), ("tender", "transfer")))
    return [*asked("tom", "opening-balance", lines=old), gift, *until_closed(c, year_end(c))]


def _with_what_was_undone(
    *asked: Any, undone: bool = True, really: Callable[..., Any] = equity.balance_weights, **more: Any
) -> Any:
    return really(*asked, **more)


def _first_bears(amount: int, capital: dict[str, int]) -> dict[str, int]:
    return {min(capital): amount}


_TAKEN_BACK = " AND NOT EXISTS (SELECT 1 FROM entry r WHERE r.reverses_id = e.id)"

FAULTS = {
    "interest is rounded up": Fault(accrual, "round_ratio", _up),
    "interest counts a day too many": Fault(accrual, "interest_to", _day_more),
    "a drawer holds more than its limit": Fault(cash, "require_limit", lambda *_: None, _filled),
    "a role's limit is not asked": Fault(limits, "require_within", lambda *_: None, _limited),
    "nobody else has to agree to much money": Fault(limits, "second_reason", lambda *_: None),
    "an operation is reversed twice": Fault(undoing, "reversed_by", lambda *_: None, _taken_back),
    "what came of a reversed operation is left": Fault(undoing, "undo_records", lambda *_, **__: None),
    "a gift goes to the wrong fund": Fault(suspense, "_as_gift", _in_the_general_fund),
    "a key is not remembered": Fault(bank.Bank, "_repeated", lambda *_: None),
    "tellers serve themselves": Fault(bank, "with_owners", lambda *_: set()),
    "money is paid out before its cheque is good": Fault(books.Books, "holds", lambda *_: 0),
    "a bill is entered twice": Fault(funds, "require_new_bill", lambda *_, **__: None, _billed),
    "interest on loans counts 360 days": Fault(scheduled, "years_of", lambda _plan, _code, start, end: (
        Fraction((end - start).days, 360)), a_loan),
    "a payment goes to principal first": Fault(scheduled, "allocate", lambda amount, due, _order, really=allocate: (
        really(amount, due, ("principal", "interest", "fees"))), a_loan),
    "early money always pays the next rows": Fault(scheduled.ScheduledRun, "_count", lambda run, _early, paid, _row: (
        setattr(run.state, "counted", run.state.counted + paid)), a_loan),
    "a late fee is taken of a dollar too much": Fault(loan_care, "late_rows", _fee_of_the_whole_row, a_loan),
    "a provision is rounded up": Fault(allowance, "round_ratio", _up, a_loan),
    "interest of a month stays in the next": Fault(closing, "_since", lambda *_: {}, lambda c: (
        [*a_loan(c), *year_end(c)])),
    "each fund's result goes to the co-operative": Fault(year, "_own", _all_to_the_cooperative, year_end),
    "what comes back goes to the first that was hit": Fault(reserves, "still_borne", _first_hit, losing),
    "a waterfall's floor is not kept": Fault(reserves, "steps_of", lambda body, really=reserves.steps_of: (
        [replace(step, floor=0) for step in really(body)]), losing),
    "a peer's money is remitted before it is lent": Fault(participations, "to_be_lent", lambda *_: 0, _shared),
    "servicing a peer's part costs nothing": Fault(flows, "_serve", lambda *_: None, _shared),
    "a payment is taken back although a pledge rests on it": Fault(collateral, "pledged_from", lambda *_: [], papers),
    "a programme is not asked": Fault(lending, "require_programmes", lambda *_, **__: None, papers),
    "the old loan is paid off short of a cent": Fault(refinance, "position", _a_cent_less, papers),
    "who filed a report accepts it": Fault(loan_reports, "who_filed", lambda *_: None, _reported),
    "a cap is rounded up": Fault(surplus, "part_of", _part_up, _reported),
    "income above the cap is taken back and not waived": Fault(
        accounts, "settled", lambda _body, target, _held: target, _reported),
    "whatever is overdue is set off": Fault(set_off, "require_set_off", lambda *_: "a bylaw", _owed),
    "an asset is written off a month ahead": Fault(asset_plan, "months_through", _month_more, _things),
    "one person counts what a colleague keeps": Fault(petty_cash._Counting, "second_reason", lambda *_: None,
                                                      lambda c: floats(c, evening(c, 1))),
    "the bank's interest is the general fund's": Fault(bank_interest, "parts", lambda amount, _claims: (
        {"GEN": amount}), lambda c: given(c, evening(c))),
    "a case is helped with any amount": Fault(solidarity.GiveAid, "_require_within", lambda *_: None, lambda c: (
        given(c, evening(c, 1)))),
    "what a fund paid for is sold": Fault(shares, "require_own", lambda *_: None, sponsors),
    "a sponsor has the members' money back": Fault(sponsoring, "GRANTS", "290", sponsors),
    "the dead take money out": Fault(savings, "require_alive", lambda *_: None, lambda c: dying(c, evening(c, 1))),
    "a signed reconciliation is changed": Fault(bank_reconciliation, "_require_unsigned", lambda *_: None, lambda c: (
        reconciling(c, evening(c, 1)))),
    "nobody else agrees to more than the budget": Fault(funds, "beyond_budget", lambda *_: False, lambda c: (
        lands(c, evening(c, 1)))),
    "a resolution is used up twice": Fault(mandates, "used", lambda *_: [], lambda c: deciding(c, evening(c, 1))),
    "hands against it count for it": Fault(resolutions, "outcome", lambda *_: "carried", lambda c: (
        deciding(c, evening(c, 1)))),
    "a parcel leaves its gift as it was": Fault(land.BuyParcel, "_meet_gift", lambda *_: None, lambda c: (
        lands(c, evening(c, 1)))),
    "a notice waits for no answer": Fault(unclaimed, "ready_on", lambda _books, noticed: noticed, _silent),
    "what was taken back is a sign of a member": Fault(
        contact, "_LEAVES", contact._LEAVES.replace(_TAKEN_BACK, ""), _silent),
    "land goes without its assembly": Fault(
        land_sales.DisposeParcel, "_require_assembly", lambda *_: None, giving_away),
    "a covenant is forgotten": Fault(land_sales.DisposeParcel, "_require_covenant", lambda *_: None, giving_away),
    "notes come to more than was voted": Fault(notes, "require_class", lambda *_: None, lambda c: (
        classes(c, evening(c, 10)))),
    "junior notes are repaid first": Fault(notes.RepayNote, "_require_turn", lambda *_: None, lambda c: (
        classes(c, evening(c, 10)))),
    "old books come in after the opening is closed": Fault(opening, "require_opening", lambda *_: None, lambda c: (
        taking_over(c, evening(c, 1)))),
    "two ballots are counted": Fault(polls, "FEWEST", 1, balloting),
    "interest that was taken back bears interest": Fault(
        equity, "balance_weights", _with_what_was_undone, _crediting, WORKER_COOP),
    "the first worker bears a loss alone": Fault(internal_capital, "borne", _first_bears, _working, WORKER_COOP),
}  # fmt: skip


QUICKLY_FOUND = {
    "tellers serve themselves",
    "a bill is entered twice",
    "a key is not remembered",
    "a role's limit is not asked",
    "interest on loans counts 360 days",
    "each fund's result goes to the co-operative",
    "an asset is written off a month ahead",
    "what a fund paid for is sold",
    "a signed reconciliation is changed",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [each if each in QUICKLY_FOUND else pytest.param(each, marks=pytest.mark.soak) for each in FAULTS]
)
def test_the_model_finds_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = FAULTS[name]
    start = started(lambda book: str(tmp_path / f"{book}.db"), kind=fault.kind)
    monkeypatch.setattr(fault.place, fault.name, fault.instead)
    found = next((found for seed in range(1, 9) if (found := _walked(start, seed, fault.scene)) is not None), None)
    assert found is not None, "nobody noticed"
    kept, last = shortest(start, *found)
    print(f"{name}: {last}\n{story(kept, last.kind)}")
    assert len(kept) <= MOST_STEPS, story(kept, last.kind)


def _again(scene: Callable[[Dice], list[Step]], dice: Dice) -> list[Step]:
    found: list[Step] = []
    while len(found) < LONGEST_WALK / 3:
        found += scene(dice)
    return found


def _walked(start: Start, seed: int, scene: Callable[[Dice], list[Step]] | None) -> tuple[list[Step], Differs] | None:
    asked = [*begin(), *(steps(seed, LONGEST_WALK) if scene is None else _again(scene, Dice(seed)))]
    with start() as pair:
        try:
            pair.play(asked)
        except Differs as differs:
            return asked, differs
    return None


@pytest.mark.parametrize(
    ("told", "change"),
    [
        ("GEN 905/M0001", "leaves"),
        ("the chain ends", "number"),
        ("fund POOL comes to", "UPDATE balance SET debit = debit + 1 WHERE account_id = {vault}"),
        ("the balances are not", "UPDATE balance SET credit = credit + 1 WHERE account_id = {vault}"),
        (
            "the control accounts",
            "UPDATE control_total SET debit = debit + 1 WHERE gl_code = '739' AND length(span) = 10",
        ),
        ("the chain is broken", "UPDATE operation SET prev_hash = hash WHERE id = 12"),
    ],
)
def test_the_invariants_can_fail(told: str, change: str, tmp_path: Path) -> None:
    place = tmp_path / "book.db"
    with started(lambda _name: str(place))() as pair:
        pair.play(begin())
        pair.finish()
        if change == "leaves":
            pair.model.leaves["GEN", "905/M0001"] += 1
        elif change == "number":
            pair.model.number += 1
        else:
            _damage(place, change)
        faults = hold(pair.small, pair.model, Verdict("done", 0), everything=True)
        assert any(told in fault for fault in faults), faults


def _damage(place: Path, change: str) -> None:
    """As somebody with the sqlite3 shell would, the rules of the tables taken away first."""
    with closed(sqlite3.connect(place)) as shell:
        for (trigger,) in shell.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            shell.execute(f'DROP TRIGGER "{trigger}"')
        [vault] = shell.execute("SELECT id FROM account WHERE gl_code = '739' AND contract = 'VAULT'").fetchone()
        shell.execute(change.format(vault=vault))
        shell.commit()
