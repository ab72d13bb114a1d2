"""The members of the demonstration meet: bodies and rules, the year's end, its surplus, and shares given back.

Scenes of the calendar in demo_commons.py. A first assembly elects the loan committee by secret ballot and votes the
rules that the rest of the story goes by; each January the year before is closed; each March the assembly divides its
surplus, provides for solidarity and allots a pot of money; in an autumn a part of what was retained is redeemed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from coopbank.bank import records
from coopbank.bank.equity import result_so_far
from coopbank.demo_commons import LATEST, attending, ballots, call, fact, people, polled, resolved, side
from coopbank.ledger import periods
from coopbank.money import format_amount

if TYPE_CHECKING:
    from coopbank.demo import Town
    from coopbank.demo_commons import Scene

LEAST_MEMBERS: Final = 8
"""Below that nobody calls an assembly."""
SEATS: Final = 3


def scenes() -> Iterator[tuple[date, Scene]]:
    """The days on which members decide, and what comes of it."""
    yield date(2024, 11, 25), _bodies
    for year in range(2024, LATEST):
        yield date(year + 1, 1, 8), lambda town, day: _audit(town, day.year - 1)
        yield date(year + 1, 1, 15), lambda town, day: _close_year(town, day.year - 1)
        if year > 2024:
            yield date(year, 3, 2), _call_annual
    yield date(2026, 2, 9), _shares_given_back
    yield date(2026, 9, 7), _call_autumn


def _bodies(town: Town, day: date) -> None:
    """Who decides what, and the first assembly is called."""
    if len(town.members) < LEAST_MEMBERS or len(people(town)) < 2 * SEATS:
        if day < date(2025, 12, 1):  # there may be enough of them later
            side(town).plan(day + timedelta(days=28), _bodies)
        return
    for body, name, form, more in (
        ("ASSEMBLY", "General assembly", "assembly", {"quorum_percent": "20", "majorities": "policy two-thirds"}),
        ("LOANS", "Loan committee", "committee", {"notice_days": "3"}),
        ("CARE", "Care committee", "committee", {"notice_days": "3"}),
    ):
        town.do("rosa", "set-body", body=body, body_name=name, form=form, **more)
        side(town).facts[body] = body
    call(town, day, "ASSEMBLY", 14, "committees, notes, losses, mandates, surplus", _founding_assembly)


def _founding_assembly(town: Town, day: date, meeting: str) -> None:
    """Committees are chosen, and the rules voted that the rest of the story goes by."""
    facts, candidates = side(town).facts, people(town)[: SEATS + 3]
    end = date(day.year + 2, 12, 31)
    box = ballots(town, candidates, attending(town, meeting), SEATS)
    elected = polled(
        town, meeting, box, end, form="election", question="Who decides on loans?", committee="LOANS", seats=SEATS,
        options=candidates,
    )  # fmt: skip
    for member in people(town)[-SEATS:]:
        town.do("rosa", "seat-member", body="CARE", member=member, until=end.isoformat(), elected_by=meeting)
    for operation, what in (
        ("define-note-class A", "Notes of class A: paid first, 2 % at most, up to 150,000"),
        ("define-note-class B", "Notes of class B: they bear losses before class A, without interest, up to 20,000"),
        ("set-loss-waterfall", "Losses: allowance, reserve down to 2,500, notes B, notes A, then shares"),
        ("set-share-class", "Investment shares are a liability; 60 days of notice, a fifth of them in a year"),
        ("set-surplus-rules", "Surplus: a fifth indivisible, a tenth for education, the rest by interest paid"),
        ("set-mandate grant-loan", "Loans above 16,000 are for the loan committee"),
        ("set-mandate allocate-surplus", "The surplus is for the assembly"),
        ("set-mandate buy-parcel", "Land is for the assembly"),
    ):
        subject = operation.split(" ")[-1] if operation.startswith("set-mandate") else operation.split(" ")[0]
        matter = "surplus" if subject == "set-surplus-rules" else "policy"
        facts[operation] = resolved(town, meeting, matter, what, about=subject)
    if elected is not None:
        town.do("rosa", "set-mandate", operation="grant-loan", body="LOANS", above="16000.00",
                resolution=facts["set-mandate grant-loan"])  # fmt: skip
        facts["loans decided"] = elected
    for operation in ("allocate-surplus", "buy-parcel"):
        town.do("rosa", "set-mandate", operation=operation, body="ASSEMBLY",
                resolution=facts[f"set-mandate {operation}"])  # fmt: skip
    town.do("dell", "set-share-class", share_class="903", presentation="liability", notice_days=60, yearly_cap="20",
            queue=True, resolution=facts["set-share-class"])  # fmt: skip
    town.do(
        "dell", "set-surplus-rules", steps=["indivisible 20", "fund EDU 10", "patronage interest 100"], cash="30",
        outside=["127 100", "181 100"], consent="bylaw 12", resolution=facts["set-surplus-rules"],
    )  # fmt: skip
    for policy, value in (("care_committee", "marcus, dell"), ("linked_limit", "40000.00")):
        town.do("dell", "set-policy", policy=policy, value=value)


def _audit(town: Town, year: int) -> None:
    town.do("dell", "open-audit-period", year=str(year))


def _close_year(town: Town, year: int) -> None:
    """The dividend of investment shares is an expense of the year; then the year is closed."""
    with town.bank.read() as books:
        if periods.state(books.tx, str(year)) == periods.LOCKED:
            return
        earned = result_so_far(books, str(year))
        invested = -sum(books.balance("GEN", f"903/{member}") for member in town.coops.values())
    if year > 2024 and earned > 10 * 3 * invested // 100 > 0 and fact(town, "set-share-class"):
        town.do("dell", "declare-dividend", year=str(year), rate="3", resolution="board, January")
        town.do("dell", "pay-dividend")
    town.do("dell", "close-year", year=str(year))
    if earned > 0 and fact(town, "set-surplus-rules"):
        side(town).facts[f"surplus {year}"] = str(year)


def _call_annual(town: Town, day: date) -> None:
    year = str(day.year - 1)
    if fact(town, f"surplus {year}"):
        town.do("dell", "propose-surplus", year=year,
                redemption="What is kept is paid out when the assembly decides so, the oldest year first.")  # fmt: skip
    call(town, day, "ASSEMBLY", 14, f"the year {year}, solidarity, a pot of money to allot", _annual_assembly)


def _annual_assembly(town: Town, day: date, meeting: str) -> None:
    """What the year left is divided, solidarity provided for, and a pot allotted by all who come."""
    from coopbank import demo_around, demo_land

    facts, year = side(town).facts, str(day.year - 1)
    with town.bank.read() as books:
        proposed = books.find(records.Surplus, year)
    if proposed is not None and proposed.state == "proposed":
        text = f"The surplus of {year} is divided as it was proposed"
        ref = resolved(town, meeting, "surplus", text)
        town.do("dell", "allocate-surplus", year=year, resolution=ref)
        if proposed.members:
            town.do("dell", "pay-patronage")
            facts.setdefault("vintage", year)
    _provide_for_aid(town, meeting, "600.00" if day.year == 2025 else "800.00")
    demo_land.vote(town, meeting)
    demo_around.allot(town, day, meeting)


def _provide_for_aid(town: Town, meeting: str, amount: str) -> None:
    """The assembly gives the solidarity fund a part of what the bank has."""
    ref = resolved(town, meeting, "transfer", f"{amount} goes to the solidarity fund", about="SOL", amount=amount)
    town.do("dell", "transfer-funds", from_fund="GEN", to_fund="SOL", amount=amount, resolution=ref)


def _shares_given_back(town: Town, day: date) -> None:
    """Two co-ops give investment shares back: accepted in their order, paid when the notice is over."""
    with town.bank.read() as books:
        held = [m for m in town.coops.values() if -books.balance("GEN", f"903/{m}") >= 20000]
    if not fact(town, "set-share-class") or len(held) < 2:
        return
    for member in held[:2]:
        ref = town.do("dell", "accept-redemption", member=member, amount="100.00", share_class="903").created[0]
        side(town).plan(day + timedelta(days=63), _paid_back(ref))


def _paid_back(redemption: str) -> Scene:
    def paid(town: Town, _day: date) -> None:
        town.do("dell", "pay-redemption", redemption=redemption, tender="transfer")

    return paid


def _call_autumn(town: Town, day: date) -> None:
    if fact(town, "vintage"):
        call(town, day, "ASSEMBLY", 14, "a part of what was retained", _autumn_assembly)


def _autumn_assembly(town: Town, _day: date, meeting: str) -> None:
    """A quarter of what was retained of the oldest year is redeemed, into the members' savings."""
    vintage = str(fact(town, "vintage"))
    with town.bank.read() as books:
        retained = books.get(records.Surplus, vintage).retained
    amount = format_amount(retained // 4)
    ref = resolved(town, meeting, "surplus", f"{amount} of what was retained of {vintage} is redeemed", amount=amount)
    town.do("dell", "redeem-patronage", vintage=vintage, amount=amount, resolution=ref)
    town.do("dell", "pay-patronage")
