"""The land trust of the demonstration: a gift for homes buys a parcel, neighbours put the roof on, a family leases it.

Scenes of the calendar in demo_commons.py. The general fund lends the trust the price of the roof, and is repaid
out of a gift.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from coopbank.bank import records
from coopbank.demo_commons import fact, people, resolved, side

if TYPE_CHECKING:
    from coopbank.demo import Town


def vote(town: Town, meeting: str) -> None:
    """The land trust's first parcel: voted once, bought the week after."""
    commons = side(town)
    if "land" in commons.facts:
        return
    _trust(town)
    text = "The land trust buys parcel P-057 for homes"
    commons.facts["land"] = resolved(town, meeting, "allocation", text, about="CLT", amount="9000.00")
    with town.bank.read() as books:
        today = books.business_date() or date.min
    for days, scene in ((7, _parcel), (30, _building), (65, _lease), (240, _repaid)):
        commons.plan(today + timedelta(days=days), scene)


def _trust(town: Town) -> None:
    """The trust's fund and the gift for homes."""
    town.do("dell", "open-fund", code="CLT", fund_name="Community land trust", fund_class="designated")
    town.do("dell", "receive-gift", number="G-30", donor="Sisters of the Pearl", fund="CLT", amount="9500.00",
            purpose="land for homes", land_use="housing", tender="transfer")  # fmt: skip


def _parcel(town: Town, _day: date) -> None:
    town.do(
        "dell", "buy-parcel", parcel="P-057", price="9000.00", closing_costs="300.00", use="housing",
        resolution=fact(town, "land"), deed="book 7, page 57", place="Valley St", gift="G-30",
        covenant="homes that stay affordable", tender="transfer", cheque_number="2701",
    )  # fmt: skip
    with town.bank.read() as books:
        parcel = next(ref for ref, _body in books.every(records.RegisterEntry) if ref.startswith("PARCELS-"))
    side(town).facts["parcel"] = parcel


def _building(town: Town, day: date) -> None:
    """The general fund lends for the roof; neighbours who know how put it on."""
    until = date(day.year, 12, 31).isoformat()
    lent = town.do("dell", "lend-to-fund", from_fund="GEN", to_fund="CLT", amount="1800.00", due_on=until,
                   resolution="board, April")  # fmt: skip
    side(town).facts["fund loan"] = next(ref for ref in lent.created if ref.startswith("IF-"))
    bill = town.do("dell", "enter-bill", supplier="PEARL", number="ROOF-B1", amount="1800.00", expense="250",
                   fund="CLT", memo="Roof of building B-1, materials")  # fmt: skip
    town.do("rosa", "pay-bill", bill=bill.created[0], tender="transfer", cheque_number="2715")
    town.do("dell", "recognise-donated-work", building="B-1", hours="40", hourly="25.00", work="carpentry",
            source="what the carpenters' co-op charges")  # fmt: skip


def _lease(town: Town, day: date) -> None:
    """A family leases the ground, and pays each month."""
    household = people(town)
    if fact(town, "parcel") is None or not household:
        return
    ends = date(day.year + 99, day.month, 1).isoformat()
    lease = town.do(
        "marcus", "add-entry", register_code="LEASES", values=[
            f"parcel: {fact(town, 'parcel')}", f"member: {household[0]}", f"begins: {day.replace(day=1)}",
            f"ends: {ends}", "rent: 70.00", "price: 42000.00", "share_percent: 25",
            "formula: price, improvements, and a quarter of the rise",
        ],
    ).created[0]  # fmt: skip
    side(town).facts["lease"] = lease
    _ground_rent(town, day)


def _ground_rent(town: Town, day: date) -> None:
    town.do("imani", "receive-ground-rent", lease=fact(town, "lease"), month=f"{day:%Y-%m}", amount="70.00",
            tender="transfer")  # fmt: skip
    side(town).plan((day.replace(day=1) + timedelta(days=32)).replace(day=20), _ground_rent)


def _repaid(town: Town, _day: date) -> None:
    """A gift to the trust repays what the general fund lent it."""
    if fact(town, "fund loan"):
        town.do("dell", "receive-gift", number="G-31", donor="Roof drive, many donors", fund="CLT", amount="2000.00",
                purpose="the roof", tender="transfer")  # fmt: skip
        town.do("dell", "repay-fund", fund_loan=fact(town, "fund loan"))
