"""The commons of the demonstration: whose money it is, who decides, and what the institutions around the bank do.

Through the same two years the members meet and vote, funds keep to their rules, a composting co-op borrows by a
council's decision and repays out of its surplus, aid is given, land is bought, a year is closed and its surplus divided
as the assembly voted. Each thing happens on a working day of its own; where members or money are still missing it waits
for the next month, and small demonstrations live through less.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from coopbank import demo_institutions as around
from coopbank.bank import records
from coopbank.errors import Refused
from coopbank.reports.decisions import ballot_box

if TYPE_CHECKING:
    from coopbank.demo import Town

_ENOUGH: Final = 9  # members, for candidates and voters
_REGISTERS: Final = (
    "PIPELINE", "TA", "COURSES", "ATTENDANCE", "SCHOLARSHIPS", "PARCELS", "LEASES", "VOLUNTEERS", "JOBS", "WAGES",
    "COOPS", "GROUPS",
)  # fmt: skip


def first_day(town: Town) -> None:
    """Bodies, rules and registers, before the first member is there. Classes of notes come before the notes."""
    for body, name, form, more in (
        ("ASSEMBLY", "Assembly of all members", "assembly", {"quorum_percent": "10", "notice_days": 10}),
        ("LOANS", "Council of peer lenders", "council", {"notice_days": 3}),
    ):
        town.do("rosa", "set-body", body=body, body_name=name, form=form, quorum_least=3, **more)
    for code, title, rank, rate in (("A", "Foundations", 1, "2"), ("B", "Small lenders, paid after class A", 2, "0")):
        town.do("dell", "define-note-class", note_class=code, class_title=title, rank=rank, most_rate=rate,
                resolution="founding meeting")  # fmt: skip
    for code, name, kind in (
        ("CLT", "Community land trust", "designated"), ("CG1", "Grant on conditions, for teaching", "conditional"),
    ):  # fmt: skip
        town.do("dell", "open-fund", code=code, fund_name=name, fund_class=kind)
    for register in _REGISTERS:
        town.do("dell", "define-register", template=register)
    town.do("dell", "set-policy", policy="care_committee", value="marcus, dell, rosa")
    town.borrowers.add(around.COMPOSTER)  # borrows by a decision of the council, and of nobody else


def rules(town: Town) -> None:
    """Who bears losses, and what a funder asks; once the reserve has its account and the fund its money."""
    town.do("dell", "set-loss-waterfall", fund="RLF", resolution="founding meeting",
            steps=["allowance", "reserve RESERVE keeps 500.00", "notes B", "notes A", "shares 903"])  # fmt: skip
    town.do("dell", "set-programme", fund="RLF", funder="Delta Commons Fund", agreement="DCF-2024-11",
            most_rate="8", largest_loan="25000.00")  # fmt: skip
    town.do("dell", "receive-gift", number="G-05", donor="Friends of the garden", fund="CLT", amount="6500.00",
            purpose="land for growing food", land_use="farm", tender="transfer")  # fmt: skip
    town.do("dell", "receive-grant", number="CG1", funder="A city's fund for teaching", fund="CG1", amount="2000.00",
            condition="four courses are held", tender="transfer")  # fmt: skip


def today(town: Town, day: date, i: int, number: int) -> None:
    """What this day brings: the i-th working day of the month with that number."""
    on: dict[tuple[int, int], Callable[[], object]] = {
        (1, 2): lambda: around.seat_council(town, day), (1, 3): lambda: around.open_courses(town, day),
        (2, 3): lambda: _close_year(town, day.year - 1), (2, 6): lambda: _dues(town, day.year),
        (3, 6): lambda: around.buy_land(town, day), (4, 3): lambda: around.composter_asks(town, day),
        (5, 6): lambda: around.council_decides(town, day), (6, 3): lambda: around.between_funds(town, day),
        (11, 6): lambda: around.repay_between_funds(town), (12, 3): lambda: _surplus_rules(town),
        (12, 7): lambda: _renew(town, day),
        (14, 3): lambda: _close_year(town, day.year - 1), (14, 6): lambda: _dues(town, day.year),
        (15, 3): lambda: _call_assembly(town, day), (16, 6): lambda: _assembly(town, day),
        (16, 8): lambda: _divide(town), (17, 5): lambda: _pay_members(town),
        (18, 6): lambda: _leave(town), (22, 6): lambda: _redeem(town, day), (22, 10): lambda: _pay_redemption(town),
    }  # fmt: skip
    if (number, i) in on:
        on[number, i]()
    if i == 10:
        around.month_of_registers(town, day, number)
    if i == 13 and number % 4 == 2:
        around.give_aid(town, number // 4)


# ----------------------------------------------------------------------------- years and members


def _close_year(town: Town, year: int) -> None:
    for operation in ("open-audit-period", "close-year"):
        town.do("dell", operation, year=str(year))


def _dues(town: Town, year: int) -> None:
    """The member co-ops pay for the federation; most at once."""
    for member, entry in _coops(town):
        if entry is None:
            town.do("marcus", "add-entry", register_code="COOPS", values={
                "member": member, "joined": f"{year}-01-02", "workers": str(town.chance.randrange(3, 12)),
                "dues": f"{town.chance.randrange(600, 1001, 20)}.00",
            })  # fmt: skip
        bill = town.do("dell", "bill-dues", member=member, year=year)
        with town.bank.read() as books:
            owed = books.get(records.Dues, bill.created[0]).amount
        paid = owed if town.chance.random() < 0.8 else owed // 2
        town.do("imani", "receive-dues", dues=bill.created[0], amount=f"{paid / 100:.2f}", tender="transfer")


def _coops(town: Town) -> list[tuple[str, str | None]]:
    """Members that are co-operatives, with their entry in the register."""
    with town.bank.read() as books:
        listed = {body.values["member"]: ref for ref, body in books.about(records.RegisterEntry, "COOPS")}
        return [
            (ref, listed.get(ref)) for ref, body in books.every(records.Member)
            if body.entity == "organisation" and body.status == "active"
        ]  # fmt: skip


def _surplus_rules(town: Town) -> None:
    town.do(
        "dell", "set-surplus-rules", steps=["indivisible 20", "fund EDU 10", "dividend 903 2", "patronage interest 60",
        "patronage savings 40"], outside=["127 100", "181 100"], cash="25", consent="bylaw 12",
        resolution="founding meeting",
    )  # fmt: skip
    town.do("dell", "set-mandate", operation="allocate-surplus", body="ASSEMBLY")
    town.do("dell", "receive-gift", number="G-20", donor="Friends of the school", fund="EDU", amount="900.00",
            purpose="teaching, as the members choose", tender="transfer")  # fmt: skip


def _renew(town: Town, day: date) -> None:
    """A lender of class B leaves the money for three years more."""
    town.do("dell", "repay-note", note="N-003", amount="0.00", renew_until=f"{day.year + 3}-11-14")


def _call_assembly(town: Town, day: date) -> None:
    if len(town.members) < _ENOUGH:
        return
    meets = around.working_day(around.next_month(day), 6)
    town.happened["assembly"] = town.do(
        "rosa", "call-meeting", body="ASSEMBLY", on=meets.isoformat(), notice_sent_on=day.isoformat(),
        agenda="The surplus, a seat on the council, the gift to the school",
    ).created[0]  # fmt: skip
    try:
        town.do("dell", "propose-surplus", year=str(day.year - 1))
    except Refused:  # a small bank may have lost money: then the year is not divided
        return
    town.happened["proposed"] = str(day.year - 1)


def _assembly(town: Town, day: date) -> None:
    """One member, one vote: the surplus in count, the seat and the gift by secret ballot."""
    if "assembly" not in town.happened:
        return
    meeting = town.happened["assembly"]
    present = town.members[: len(town.members) * 2 // 3]
    if "proposed" in town.happened:
        _vote_on_surplus(town, meeting, len(present), town.happened["proposed"])
    seat = _poll(town, meeting, present, form="election", question="Who joins the council of peer lenders?",
                 committee="LOANS", seats=1, options="\n".join(town.members[5:8]))  # fmt: skip
    town.do("rosa", "declare-result", poll=seat, until=date(day.year + 2, day.month, 28).isoformat())
    _vote_on_gift(town, meeting, present)


def _vote_on_surplus(town: Town, meeting: str, present: int, year: str) -> None:
    resolution = town.do(
        "rosa", "propose-resolution", meeting=meeting, matter="surplus", about="allocate-surplus",
        text=f"The surplus of {year} is divided as proposed",
    ).created[0]  # fmt: skip
    town.do("rosa", "record-count", resolution=resolution, in_favour=present - 3, against=2, abstained=1)
    town.do("rosa", "close-vote", resolution=resolution)
    town.happened["division"] = resolution


def _vote_on_gift(town: Town, meeting: str, present: list[str]) -> None:
    """What a gift to the school is for: approved by who approves most, as far as the pot reaches."""
    options = {"TOOLS": "400.00", "BOOKS": "300.00", "TRIP": "700.00"}
    lines = "\n".join(f"{code} {amount} {code.title()}" for code, amount in options.items())
    gift = _poll(town, meeting, present, form="allocation", question="What is the gift to the school for?", fund="EDU",
                 pot="900.00", options=lines)  # fmt: skip
    with town.bank.read() as books:
        counted = ballot_box(books, gift).count
    awards = "\n".join(f"{place.option.code} {options[place.option.code]}" for place in counted.won)
    declared = town.do("rosa", "declare-result", poll=gift, left=f"{counted.left / 100:.2f}", awards=awards)
    best = counted.won[0].option.code
    resolution = next(ref for ref in declared.created if ref.startswith("RES-"))
    town.do("dell", "spend-gift", gift="G-20", expense="271", amount=options[best], tender="transfer",
            memo="as the members chose", resolution=resolution)  # fmt: skip


def _poll(town: Town, meeting: str, present: list[str], **asked: Any) -> str:
    """A secret ballot from the question to the loaded box; the ballots come in an order of their own."""
    poll = town.do("rosa", "open-poll", meeting=meeting, **asked).created[0]
    town.do("rosa", "give-ballots", poll=poll, members=present)
    town.do("rosa", "close-poll", poll=poll)
    codes = [line.split()[0] for line in asked["options"].splitlines()]
    ballots = []
    for _ in present:
        chosen = [code for code in codes if town.chance.random() < 0.5][: asked.get("seats", len(codes))]
        ballots.append(" ".join(chosen) or "blank")
    town.do("rosa", "load-ballots", poll=poll, ballots=ballots)
    return poll


def _divide(town: Town) -> None:
    if "division" in town.happened:
        town.do("dell", "allocate-surplus", year=town.happened["proposed"], resolution=town.happened["division"])


def _pay_members(town: Town) -> None:
    """What was voted goes into the members' savings."""
    if "division" not in town.happened:
        return
    for operation in ("pay-patronage", "pay-dividend"):
        town.do("imani", operation, to_savings=True)


def _leave(town: Town) -> None:
    """A member gives notice for their share; it is paid when notice and cap allow."""
    with town.bank.read() as books:
        free = [m for m in town.members[6:] if m not in town.borrowers and books.balance("GEN", f"901/{m}") == -2500]
    if free:
        asked = town.do("imani", "accept-redemption", member=free[0], amount="25.00")
        ref = next((r for t in (asked, *asked.then) for r in t.created if r.startswith("RD-")), None)
        if ref:
            town.happened["redemption"] = ref


def _pay_redemption(town: Town) -> None:
    if "redemption" in town.happened:
        town.do("imani", "pay-redemption", redemption=town.happened["redemption"], tender="transfer")


def _redeem(town: Town, day: date) -> None:
    """A part of the oldest retained patronage is paid back, and lies ready for its members."""
    with town.bank.read() as books:
        held = sum(-leaf.balance for leaf in books.leaves("945", "GEN"))
    if held:
        town.do("dell", "redeem-patronage", vintage=str(day.year - 1), resolution="board of the week before")
        town.do("imani", "pay-patronage", to_savings=True)
