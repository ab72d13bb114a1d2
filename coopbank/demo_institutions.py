"""The institutions around the demonstration's bank: a composter's loan, land, teaching, aid, and what registers hold.

The composting co-op borrows by a decision of the council of peer lenders, in which it has a seat and does not vote. Its
surplus alone repays the loan: the fund takes part in good years and waits in bad ones.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from coopbank.bank import records

if TYPE_CHECKING:
    from coopbank.demo import Town

COMPOSTER: Final = "M0003"  # Black Gold Composting: the third of the co-ops that found the bank
COUNCIL: Final = ("M0001", "M0002", "M0003", "M0004", "M0005")
_PRINCIPAL: Final = "9000.00"
_AID: Final = (
    ("telephone", "45.00", "the line is to be cut"), ("ride", "30.00", "rides to the clinic"),
    ("food", "60.00", "a month without work"), ("energy", "40.00", "an unpaid bill"),
)  # fmt: skip


def working_day(first: date, i: int) -> date:
    """The i-th day from Monday to Friday of a month, counted from nought."""
    days = [day for n in range(28) if (day := first + timedelta(days=n)).weekday() < 5]
    return days[i]


def next_month(day: date) -> date:
    """The first day of the next month."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


# --------------------------------------------------------------------------- the composter's loan


def seat_council(town: Town, day: date) -> None:
    """Five members lend for all; the composter is one of them."""
    if set(COUNCIL) <= set(town.members):
        for member in COUNCIL:
            town.do("rosa", "seat-member", body="LOANS", member=member, until=f"{day.year + 3}-12-31",
                    elected_by="founding meeting")  # fmt: skip
        town.happened["council"] = "seated"


def composter_asks(town: Town, day: date) -> None:
    """An idea becomes an application; its memo may be read by those who vote, since the borrower agrees."""
    if "council" not in town.happened:
        return
    idea = _entry(town, "PIPELINE", idea="compost for the farm", stage="ready", begun=day.isoformat(), member=COMPOSTER)
    application = town.do("nia", "apply-for-loan", member=COMPOSTER, product="SURPLUS", amount=_PRINCIPAL,
                          purpose="compost screener").created[0]  # fmt: skip
    town.do("marcus", "write-credit-memo", application=application,
            memo="Three contracts for food scraps, and one machine short.",
            terms="9,000.00, repaid out of half of the surplus, no term, no guarantee")  # fmt: skip
    town.do("marcus", "consent-to-share", application=application, consent="yes", how="signed form")
    meeting = town.do(
        "rosa", "call-meeting", body="LOANS", on=working_day(next_month(day), 6).isoformat(),
        notice_sent_on=day.isoformat(), agenda="The composter's loan",
    ).created[0]  # fmt: skip
    resolution = town.do("rosa", "propose-resolution", meeting=meeting, matter="loan", about=application,
                         amount=_PRINCIPAL, text="The compost screener is paid for").created[0]  # fmt: skip
    town.happened |= {"idea": idea, "application": application, "screener": resolution}


def council_decides(town: Town, day: date) -> None:
    """The composter declares its interest and is not counted; the loan is granted as it was decided."""
    if "screener" not in town.happened:
        return
    resolution = town.happened["screener"]
    town.do("rosa", "declare-interest", resolution=resolution, member=COMPOSTER, why="the borrower")
    for member in COUNCIL:
        if member != COMPOSTER:
            town.do("rosa", "record-vote", resolution=resolution, member=member, vote="for")
    town.do("rosa", "close-vote", resolution=resolution)
    granted = town.do(
        "marcus", "grant-loan", member=COMPOSTER, fund="RLF", principal=_PRINCIPAL, product="SURPLUS",
        application=town.happened["application"], purpose="compost screener", every="6 months", report_days=45,
        outer_date=f"{day.year + 8}-{day.month:02d}-15", resolution=resolution,
    )  # fmt: skip
    loan = next(ref for ref in granted.created if ref.startswith("L-"))
    town.do("dell", "disburse-loan", loan=loan, cheque_number="3900", paid_to="The maker of the screener")
    town.loans.append(loan)
    town.kinds[loan] = "SURPLUS"
    town.happened["composter"] = loan
    with town.bank.read() as books:
        kept = books.get(records.RegisterEntry, town.happened["idea"]).values
    told = {**{name: str(value) for name, value in kept.items() if value}, "stage": "lent", "loan": loan}
    town.do("marcus", "change-entry", entry=town.happened["idea"], values=told, why="lent")
    _entry(town, "JOBS", loan=loan, on=day.isoformat(), basis="baseline", retained="3", fte="3", wage="15.50",
           county="Hinds", method="payroll")  # fmt: skip


# ------------------------------------------------------------------------------ land and teaching


def buy_land(town: Town, day: date) -> None:
    """A gift for growing food becomes a parcel; members build a shed on it; the farm rents it."""
    bought = town.do("dell", "buy-parcel", parcel="P-001", price="5600.00", closing_costs="240.00", use="farm",
                     fund="CLT", gift="G-05", resolution="assembly of the spring", deed="book 7, page 57",
                     tender="transfer", covenant="for growing food, for ever")  # fmt: skip
    assert bought.status == "done"
    town.do("dell", "recognise-donated-work", building="B-1", hours="40", hourly="22.00", work="carpentry of the shed",
            source="wage survey of the county")  # fmt: skip
    farm = town.members[0]
    lease = _entry(town, "LEASES", parcel="PARCELS-00001", member=farm, begins=day.isoformat(), rent="35.00",
                   formula="cost and a quarter of the rise")  # fmt: skip
    town.happened["lease"] = lease


def open_courses(town: Town, day: date) -> None:
    """A course in bookkeeping, some who come, a living wage to hold jobs against, and two borrowers that are linked."""
    _entry(town, "WAGES", county="Hinds", year=str(day.year), wage="16.40", household="one adult",
           source="living wage table", read_on=day.isoformat())  # fmt: skip
    course = _entry(
        town, "COURSES", course="Books of a co-op", begins=day.isoformat(), hours="12", places="10", fee="0.00"
    )
    town.do("dell", "earn-grant", grant="CG1", amount="500.00", expense="271", tender="transfer",
            evidence=f"{course}, the list of who came")  # fmt: skip
    for member in town.members[3:9]:
        _entry(
            town,
            "ATTENDANCE",
            by="imani",
            course=course,
            member=member,
            on=day.isoformat(),
            hours="12",
            completed="yes",
        )
    for member in town.members[:2]:
        _entry(
            town,
            "GROUPS",
            group="farm and kitchen",
            member=member,
            since=day.isoformat(),
            why="one buys from the other",
        )


def month_of_registers(town: Town, day: date, number: int) -> None:
    """Advice to borrowers, members' hours, and the ground rent."""
    today = day.isoformat()
    if town.loans:
        loan = town.chance.choice(town.loans)
        with town.bank.read() as books:
            member = books.get(records.Loan, loan).member
        hours, topic = str(town.chance.randrange(1, 7)), town.chance.choice(("books", "plan", "market"))
        cost = f"{town.chance.randrange(20, 91, 5)}.00"
        _entry(town, "TA", member=member, loan=loan, on=today, hours=hours, cost=cost, topic=topic)
        if number % 3 == 0:
            jobs = town.chance.randrange(1, 4)
            wage = f"{town.chance.randrange(1500, 2001, 25) / 100:.2f}"
            _entry(town, "JOBS", loan=loan, on=today, basis="actual", created=str(jobs), fte=str(jobs), wage=wage,
                   county="Hinds", method="statement")  # fmt: skip
    if town.members:
        _entry(town, "VOLUNTEERS", by="imani", member=town.chance.choice(town.members), on=today,
               hours=str(town.chance.randrange(2, 9)), work=town.chance.choice(("farm", "office", "care")))  # fmt: skip
    if "lease" in town.happened:
        town.do("imani", "receive-ground-rent", lease=town.happened["lease"], month=f"{day:%Y-%m}", amount="35.00",
                tender="transfer")  # fmt: skip


def _entry(town: Town, register: str, *, by: str = "marcus", **values: str) -> str:
    return town.do(by, "add-entry", register_code=register, values=values).created[0]


# ----------------------------------------------------------------------------- aid and funds


def give_aid(town: Town, turn: int) -> None:
    """A small grant from the solidarity fund, agreed by two of the care committee."""
    kind, amount, need = _AID[turn % len(_AID)]
    minor = int(amount.replace(".", ""))
    with town.bank.read() as books:
        free = books.balance("SOL", "729")
    if free < minor or not town.savers:
        return
    asked = town.do("marcus", "give-aid", recipient=town.chance.choice(town.savers), aid_kind=kind, amount=amount,
                    need=need, criteria="1: a member in need", relation="none", tender="transfer")  # fmt: skip
    case = next(ref for ref in asked.created if ref.startswith("S-"))
    town.do("marcus", "file-aid-receipt", case=case, amount=amount, receipt=f"receipt {turn + 1}")


def between_funds(town: Town, day: date) -> None:
    """The general fund helps the lending fund over the summer."""
    due = f"{day.year + 1}-01-31"
    lent = town.do("dell", "lend-to-fund", from_fund="GEN", to_fund="RLF", amount="600.00", due_on=due,
                   resolution="board of the week before")  # fmt: skip
    town.happened["fund loan"] = lent.created[0]


def repay_between_funds(town: Town) -> None:
    """The lending fund gives it back."""
    if "fund loan" in town.happened:
        town.do("dell", "repay-fund", fund_loan=town.happened["fund loan"])
