"""What the demonstration's bank does around its money: registers, dues, courses, and solidarity.

Scenes of the calendar in demo_commons.py. Each month the registers are filled as volunteers would (hours, help given,
jobs, ideas), each spring the member co-ops are billed their dues, a pot is allotted by all who come to the assembly,
and those in need are helped. Who was helped is invented and stands nowhere but in the encrypted part of the books.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from coopbank.bank import records
from coopbank.demo_commons import LATEST, ballots, fact, people, polled, side
from coopbank.money import format_amount, parse_amount

if TYPE_CHECKING:
    from coopbank.demo import Town
    from coopbank.demo_commons import Scene

REGISTERS: Final = (
    "PIPELINE", "TA", "COURSES", "ATTENDANCE", "SCHOLARSHIPS", "PARCELS", "LEASES", "VOLUNTEERS", "JOBS", "WAGES",
    "PLACE", "OUTPUT",
    "COOPS", "GROUPS",
)  # fmt: skip
SECTORS: Final = ("food", "growing", "building", "care", "repair", "cleaning", "events")
TOPICS: Final = ("books", "plan", "market", "members", "production", "law")
WORK: Final = ("building", "farm", "office", "care", "teaching")
#: Who was helped on which day, with what, with how much and why.
CASES: Final[tuple[tuple[str, str, str, str, str], ...]] = (
    ("2024-12-19", "Lucille Bright", "energy", "120.00", "the heating was to be cut off before the holidays"),
    ("2025-01-22", "Henrietta Moss", "telephone", "45.00", "no telephone while looking for work"),
    ("2025-02-26", "Otis Redmond", "food", "80.00", "hours were cut at the warehouse"),
    ("2025-04-09", "Carlotta Nieves", "food", "60.00", "groceries until the card came"),
    ("2025-06-11", "Henrietta Moss", "energy", "40.00", "electricity after a month without shifts"),
    ("2025-07-23", "Deacon Farris", "energy", "150.00", "air conditioning bill of a hot June"),
    ("2025-09-10", "Willa Crane", "food", "75.00", "groceries after the plant closed"),
    ("2025-11-19", "Josefa Villar", "energy", "95.00", "gas deposit for a new flat"),
    ("2026-01-14", "Roscoe Tandy", "telephone", "55.00", "telephone of a homebound neighbour"),
    ("2026-02-18", "Lucille Bright", "food", "90.00", "pantry after surgery"),
    ("2026-04-22", "Augusta Pell", "telephone", "50.00", "telephone after a burial"),
    ("2026-06-17", "Carlotta Nieves", "telephone", "60.00", "telephone until the new contract"),
    ("2026-08-12", "Bernice Oakley", "food", "110.00", "groceries between two jobs"),
    ("2026-09-16", "Roscoe Tandy", "food", "70.00", "groceries, benefits delayed"),
)  # fmt: skip
#: Ideas on their way: when and at which stage they are.
IDEAS: Final = (
    ("Neighbourhood bakery", (("2025-01", "idea"), ("2025-05", "plan"), ("2025-11", "pilot"), ("2026-05", "ready"))),
    ("Tool library", (("2025-03", "idea"), ("2025-08", "plan"), ("2026-03", "stopped"))),
    ("Childcare co-op", (("2025-09", "idea"), ("2026-02", "plan"), ("2026-08", "applied"))),
    ("Home repair crew", (("2024-12", "idea"), ("2025-03", "ready"), ("2025-05", "lent"))),
)  # fmt: skip
COURSES: Final = (
    ("2025-02-10", "Books of a co-op"), ("2025-09-08", "Reading a balance sheet"), ("2026-02-09", "Books of a co-op"),
    ("2026-09-14", "Meetings that decide"),
)  # fmt: skip
#: What a pot of money may be for, by year: code, title, and what is asked for.
PROPOSALS: Final = {
    2025: (("GARDEN", "School garden beds", 500), ("YOUTH", "Summer course for the young", 700),
           ("STUDIO", "Radio hour of the co-ops", 600), ("VAN", "A share of a van", 1400)),
    2026: (("KITCHEN", "Tables for the shared kitchen", 450), ("CARE", "Course for home carers", 650),
           ("LAMPS", "Lamps for the co-op street", 500), ("VAN", "A share of a van", 1300)),
}  # fmt: skip
POT: Final = "1500.00"


def scenes() -> Iterator[tuple[date, Scene]]:
    """The days on which something happens around the bank."""
    yield date(2024, 12, 18), _registers
    yield date(2025, 1, 13), _gift_for_education
    yield date(2025, 1, 20), _living_wage
    yield date(2025, 2, 24), _linked
    for year in (2025, 2026):
        yield date(year, 2, 26), _our_part
    for begins, title in COURSES:
        yield date.fromisoformat(begins), _course(title)
    for when, *case in CASES:
        yield date.fromisoformat(when), _aid(*case)
    for idea, stages in IDEAS:
        for begun, stage in stages:
            yield date.fromisoformat(f"{begun}-19"), _idea(idea, stage)
    for year in range(2025, LATEST):
        yield date(year, 2, 17), _dues
        yield date(year, 11, 17), _dues  # of those who joined meanwhile
        yield date(year, 12, 8), _jobs_as_they_are
        for month in range(1, 13):
            yield date(year, month, 26), _monthly


def _entered(town: Town, code: str, **values: Any) -> str:
    """An entry of a register; its number."""
    lines = [f"{name}: {value}" for name, value in values.items()]
    return town.do("marcus", "add-entry", register_code=code, values=lines).created[0]


# -------------------------------------------------------------------------------------- each month


def _registers(town: Town, day: date) -> None:
    """The registers that come with the program, and the member co-ops of the first weeks."""
    for code in REGISTERS:
        town.do("dell", "define-register", template=code)
    side(town).facts["registers"] = day.isoformat()


def _monthly(town: Town, day: date) -> None:
    """Bookkeeping for member co-ops is paid; volunteers' hours and help to borrowers are written down."""
    if not town.coops:
        return
    fee = f"{min(len(town.coops), 9) * 35}.00"
    town.do("dell", "journal-entry", memo=f"Bookkeeping for member co-ops, {day:%Y-%m}",
            lines=[f"GEN 731/FIRST Dr {fee}", f"GEN 151 Cr {fee}"])  # fmt: skip
    _new_coops(town, day)
    for _ in range(town.chance.randint(1, 3)):
        helper = town.chance.choice(people(town) or town.members)
        _entered(town, "VOLUNTEERS", member=helper, on=day, hours=town.chance.randint(2, 8),
                 work=town.chance.choice(WORK))  # fmt: skip
    _jobs_expected(town, day)
    owing = _coop_loans(town)
    if owing:
        loan, member = town.chance.choice(owing)
        _entered(town, "TA", member=member, loan=loan, on=day, hours=f"{town.chance.randint(2, 12) / 2:g}",
                 cost=f"{town.chance.randint(2, 12) * 20}.00", topic=town.chance.choice(TOPICS))  # fmt: skip


def _new_coops(town: Town, day: date) -> None:
    known = side(town).facts
    for place, member in enumerate(town.coops.values()):
        if f"coop {member}" not in known:
            known[f"coop {member}"] = _entered(
                town, "COOPS", member=member, joined=day, workers=town.chance.randint(3, 14), dues="180.00",
                sector=SECTORS[place % len(SECTORS)],
            )  # fmt: skip


def _coop_loans(town: Town) -> list[tuple[str, str]]:
    """Loans of co-ops on which something is owed, with who owes it."""
    coops, found = set(town.coops.values()), []
    with town.bank.read() as books:
        for loan in sorted({*town.loans, *side(town).loans}):
            body = books.get(records.Loan, loan)
            if body.state == "active" and body.member in coops:
                found.append((loan, body.member))
    return found


def _jobs_expected(town: Town, day: date) -> None:
    """Of each new loan to a co-op: the jobs there are, and those that it is to bring."""
    known = side(town).facts
    for loan, _member in _coop_loans(town):
        if f"jobs {loan}" in known:
            continue
        before, more = town.chance.randint(2, 9), town.chance.randint(1, 4)
        known[f"jobs {loan}"] = f"{before} {more}"
        _entered(town, "JOBS", loan=loan, on=day, basis="baseline", fte=before, county="Hinds", method="payroll")
        _entered(town, "JOBS", loan=loan, on=day, basis="projected", created=more, county="Hinds", method="statement")


def _jobs_as_they_are(town: Town, day: date) -> None:
    """Once a year the loan officer asks who works there and what the lowest wage is."""
    for loan, _member in _coop_loans(town):
        told = fact(town, f"jobs {loan}")
        if told is not None:
            before, more = map(int, told.split(" "))
            created = max(0, more - town.chance.choice((0, 0, 1, 2)))
            _entered(town, "JOBS", loan=loan, on=day, basis="actual", created=created, retained=before,
                     fte=before + created, wage=f"{town.chance.randint(64, 84) / 4:.2f}", county="Hinds",
                     method="payroll", **_evidence(town, loan, day))  # fmt: skip


def _evidence(town: Town, loan: str, day: date) -> dict[str, str]:
    """The payroll that three in four show, by the fingerprint of its scan."""
    shown = town.chance.random() < 0.75
    return {"evidence": hashlib.sha256(f"payroll {loan} {day.year}".encode()).hexdigest()} if shown else {}


# ------------------------------------------------------------------------- courses, ideas, dues, links


def _gift_for_education(town: Town, _day: date) -> None:
    """A gift to the education fund: what the assembly allots is spent out of it."""
    town.do("dell", "receive-gift", number="G-40", donor="Night school alumni", fund="EDU", amount="3600.00",
            purpose="learning, as the members decide", tender="transfer")  # fmt: skip
    side(town).facts["gift"] = "G-40"


def _living_wage(town: Town, day: date) -> None:
    for year, wage in ((2025, "17.50"), (2026, "18.00")):
        _entered(town, "WAGES", county="Hinds", year=year, wage=wage, household="one adult",
                 source="table of the assembly (invented)", read_on=day)  # fmt: skip


def _our_part(town: Town, day: date) -> None:
    """What the place has and makes, and what of it is the member co-operatives'."""
    year = day.year - 1
    _entered(town, "PLACE", place="Hinds County", year=year, jobs=118000, product="9400000000.00", target=10,
             source="a statistical office (invented)", read_on=day)  # fmt: skip
    for number, member in enumerate(town.coops.values()):
        _entered(town, "OUTPUT", member=member, year=year, jobs=3 + 2 * number, sales=f"{48_000 + 21_000 * number}.00",
                 bought=f"{19_000 + 8_000 * number}.00")  # fmt: skip


def _linked(town: Town, day: date) -> None:
    """Two kitchens share a building: they are held to one limit."""
    pair = [town.coops[name] for name in ("Second Helping Catering", "Green Tassel Urban Farm") if name in town.coops]
    for member in pair if len(pair) == 2 else []:
        _entered(
            town, "GROUPS", group="Kitchen and farm", member=member, since=day, why="one buys what the other grows"
        )


def _course(title: str) -> Scene:
    """A course, those who came, and for two of them a scholarship."""

    def held(town: Town, day: date) -> None:
        last = day + timedelta(days=28)
        course = _entered(town, "COURSES", course=title, begins=day, ends=last, hours=12, places=12, fee="40.00")
        came = town.chance.sample(people(town), min(len(people(town)), 6))
        for member in came:
            completed = "yes" if town.chance.random() < 0.85 else "no"
            _entered(town, "ATTENDANCE", course=course, member=member, on=day, hours=12, completed=completed)
        gift = fact(town, "gift")
        for member in came[:2] if gift else []:
            _entered(town, "SCHOLARSHIPS", course=course, member=member, on=day, amount="40.00", resolution="board")
            town.do("dell", "spend-gift", gift=gift, expense="290", amount="40.00", memo=f"scholarship, {course}",
                    tender="transfer")  # fmt: skip

    return held


def _idea(idea: str, stage: str) -> Scene:
    """An idea begins, or is a stage further; a loan that it led to is named."""

    def told(town: Town, day: date) -> None:
        name, loan = f"idea {idea}", fact(town, "programme loan")
        entry = fact(town, name)
        if entry is None:
            side(town).facts[name] = _entered(town, "PIPELINE", idea=idea, stage=stage, begun=day)
        elif stage != "lent" or loan is not None:
            values = [f"stage: {stage}", *([f"loan: {loan}"] if stage == "lent" else [])]
            town.do("marcus", "change-entry", entry=entry, values=values, why="as the group told us")
        if stage == "stopped" and entry is not None:
            town.do("marcus", "close-entry", entry=entry, why="nobody had the time")

    return told


def _dues(town: Town, day: date) -> None:
    """Member co-ops are billed what they agreed on; most pay within weeks, the last one not at all yet."""
    billed = []
    for member in town.coops.values():
        name = f"dues {day.year} {member}"
        if fact(town, f"coop {member}") and fact(town, name) is None:
            bill = town.do("dell", "bill-dues", member=member, year=day.year)
            side(town).facts[name] = next(ref for ref in bill.created if ref.startswith("DU-"))
            billed.append(side(town).facts[name])
    for place, dues in enumerate(billed[:-1] if day.month < 6 else billed):
        part = "90.00" if place == 1 else "180.00"
        side(town).plan(day + timedelta(days=7 + 5 * place), _paying(dues, part))


def _paying(dues: str, amount: str) -> Scene:
    def pay(town: Town, _day: date) -> None:
        town.do("imani", "receive-dues", dues=dues, amount=amount, tender="transfer")

    return pay


# ----------------------------------------------------------------------------- the pot, and solidarity


def allot(town: Town, day: date, meeting: str) -> None:
    """A pot is allotted by ballots; each proposal that got its money is paid in the weeks after."""
    proposals, gift = PROPOSALS.get(day.year), fact(town, "gift")
    if proposals is None or gift is None:
        return
    box = ballots(town, [code for code, _title, _asked in proposals], max(4, len(town.members) * 3 // 5), 4)
    poll = polled(
        town, meeting, box, date(day.year, 12, 31), form="allocation", question="What is the education fund for?",
        fund="EDU", pot=POT, options=[f"{code} {asked}.00 {title}" for code, title, asked in proposals],
    )  # fmt: skip
    if poll is None:
        return
    side(town).facts[f"poll {day.year}"] = poll
    with town.bank.read() as books:
        won = [(ref, body) for ref, body in books.about(records.Resolution, meeting) if body.poll == poll]
    for place, (ref, body) in enumerate(won):
        side(town).plan(day + timedelta(days=21 * (place + 1)), _spending(gift, ref, body))


def _spending(gift: str, ref: str, body: records.Resolution) -> Scene:
    def spend(town: Town, _day: date) -> None:
        town.do("dell", "spend-gift", gift=gift, expense="290", amount=format_amount(body.amount or 0),
                memo=body.text, resolution=ref, tender="transfer")  # fmt: skip

    return spend


def _aid(who: str, kind: str, amount: str, need: str) -> Scene:
    """Two of the care committee help, within what the fund has; the bill is filed."""

    def given(town: Town, _day: date) -> None:
        with town.bank.read() as books:
            held = books.balance("SOL", "729")
        if held < parse_amount(amount) or not fact(town, "CARE"):
            return
        receipt = town.do(
            "marcus", "give-aid", recipient=who, aid_kind=kind, amount=amount, need=need, paid_to="biller",
            criteria="lives in the neighbourhood, and a bill is there", relation="not kin of who decides",
            tender="transfer",
        )  # fmt: skip
        case = next(ref for ref in receipt.created if ref.startswith("S-"))
        town.do("marcus", "file-aid-receipt", case=case, amount=amount, receipt="the biller's, paid in full")

    return given
