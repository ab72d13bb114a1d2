"""The land trust: parcels bought, skilled work that improves its buildings, rent of ground leases.

Land stands at price and closing costs on 771/P-057 in the fund that holds it, and is not written off. What a gift was
given for is met by the purchase; the land itself stays in the fund, where its restriction for community use lies.
Work that creates or improves a building is income and part of the building's cost (ASC 958-605-25-16); other hours
are entries of the register VOLUNTEERS and no money. Each parcel is an entry of the register PARCELS, whose figures
the books hold it to. How one goes again stands in land_sales.py.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Code, Counted, Decision, EntryRef, FundRef, GiftRef, Money, Sha256, Text, refuse
from coopbank.bank.institution_registers import counted, entries_of, open_register
from coopbank.bank.operation import ADMINISTRATOR, TELLER, TREASURER, Operation
from coopbank.bank.operations.closing import Month
from coopbank.bank.operations.funds import LandUse, fund_class, require_spendable_fund
from coopbank.bank.operations.savings import shown
from coopbank.bank.tender import Paying, Receiving
from coopbank.errors import AlreadyExists, InvalidAmount, InvalidValue, NotOffered, Overdrawn, WrongState
from coopbank.money import round_minor
from coopbank.words import _

LAND, BUILDINGS, IN_KIND, RENT = "771", "772", "182", "151"
PARCELS, LEASES = "PARCELS", "LEASES"


def _parcel(code: str) -> str:
    if not re.fullmatch(r"P-[0-9]{1,6}", code):
        raise refuse("Write the number of a parcel as P-057.")
    return code


def building_number(code: str) -> str:
    """A building's number as it is written; refuses another."""
    if not re.fullmatch(r"B-[0-9]{1,6}", code):
        raise refuse("Write the number of a building as B-1.")
    return code


def _hours(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,2})?", text) or not Fraction(text):
        raise refuse('Write hours in digits, for example "40" or "2.5".')
    return text


class BuyParcel(Paying):
    """Buy a parcel of land, price and closing costs. The assembly resolves it, and the deed is named."""

    name: ClassVar[str] = "buy-parcel"
    title: ClassVar[str] = "Buy a parcel of land"
    subject: ClassVar[str] = "land"
    decided_as: ClassVar[tuple[str, ...]] = ("allocation",)
    decided_amount: ClassVar[str] = "price"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    parcel: Annotated[Code, AfterValidator(_parcel), Field(title="Parcel, for example P-057")]
    price: Money
    closing_costs: Annotated[Counted, Field(title="Closing costs")] = 0
    use: Annotated[LandUse, Field(title="Use")]
    resolution: Annotated[Decision, Field(title="Resolution of the assembly")]
    deed: Annotated[Text, Field(min_length=1, title="Deed: book and page, or its number")]
    deed_sha256: Annotated[Sha256 | None, Field(title="SHA-256 of the scanned deed")] = None
    place: Annotated[Text, Field(title="Where it is")] = ""
    covenant: Annotated[Text, Field(title="Restriction for community use")] = ""
    fund: FundRef = "CLT"
    gift: Annotated[GiftRef | None, Field(title="Gift that pays for it")] = None

    def moves(self, desk: Desk) -> int | None:
        return self.price + self.closing_costs

    def perform(self, desk: Desk) -> None:
        require_spendable_fund(desk, self.fund)
        definition = open_register(desk, PARCELS)
        self._require_new(desk)
        cost = self.price + self.closing_costs
        self._meet_gift(desk, cost)
        leaf = f"{LAND}/{self.parcel}"
        desk.post(
            f"Parcel {self.parcel}, {self.resolution}", [(self.fund, leaf, cost), *self.pay(desk, self.fund, cost)]
        )
        values = {
            "parcel": self.parcel, "place": self.place, "use": self.use, "bought_on": desk.business_day.isoformat(),
            "price": self.price, "closing_costs": self.closing_costs, "fund": self.fund, "gift": self.gift,
            "covenant": self.covenant, "deed": self.deed_sha256,
        }  # fmt: skip
        ref = desk.next_ref(records.RegisterEntry.kind, f"{PARCELS}-", 5)
        entry = records.RegisterEntry(
            register_version=desk.version(records.Register.kind, definition.code),
            values={name: value for name, value in values.items() if value not in (None, "")},
            entered_on=desk.business_day.isoformat(), fixed=["parcel", "price", "closing_costs", "fund", "gift", "use"],
            why=f"deed {self.deed}",
        )  # fmt: skip
        desk.write(ref, entry)
        desk.note("Parcel", f"{self.parcel}, {ref}")
        desk.note("Cost", shown(desk, cost))

    def _require_new(self, desk: Desk) -> None:
        for ref, body in counted(entries_of(desk, PARCELS)):
            gone = desk.find(records.ParcelDisposal, ref) is not None
            if body.values["parcel"] == self.parcel and body.fixed and not gone:
                raise AlreadyExists(
                    "Parcel {parcel} is {entry} already.", field="parcel", parcel=self.parcel, entry=ref
                )
        if desk.balance(self.fund, f"{LAND}/{self.parcel}"):
            raise AlreadyExists("Account {code} holds something already.", field="parcel", code=f"{LAND}/{self.parcel}")

    def _meet_gift(self, desk: Desk, cost: int) -> None:
        """What was given for land of a kind pays for land of that kind, and for no more than it is."""
        if self.gift is None:
            if fund_class(desk, self.fund) in ("restricted", "conditional"):
                raise WrongState(
                    "Money of fund {fund} is spent by releasing a gift.", field="gift", fund=self.fund,
                    hint="Name the gift that pays for the parcel.",
                )  # fmt: skip
            return
        gift = desk.get(records.Gift, self.gift, "gift")
        if gift.fund != self.fund:
            raise InvalidValue(
                "Gift {gift} is in fund {fund}.", field="fund", gift=self.gift, fund=gift.fund, hint="Name that fund."
            )
        if gift.land_use not in (None, self.use):
            raise WrongState(
                "Gift {gift} was given for land of another use: {use}.", field="gift", gift=self.gift,
                use=_(gift.land_use or ""),
                hint="Use it for what it was given for; only the donor can change that.",
            )  # fmt: skip
        left = gift.amount - gift.released
        if cost > left:
            raise Overdrawn(
                "Of gift {gift} only {left} is left.", field="price", gift=self.gift, left=shown(desk, left)
            )
        desk.write(self.gift, gift.model_copy(update={"released": gift.released + cost}), about=gift.fund)


class RecogniseDonatedWork(Operation):
    """Recognise skilled work that was given and that creates or improves a building: part of its cost, and income."""

    name: ClassVar[str] = "recognise-donated-work"
    title: ClassVar[str] = "Recognise donated work"
    subject: ClassVar[str] = "land"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    building: Annotated[
        Code, AfterValidator(building_number), Field(title="Building that it improves, for example B-1")
    ]
    hours: Annotated[Text, AfterValidator(_hours), Field(title="Hours")]
    hourly: Annotated[Money, Field(title="What an hour of such work costs here")]
    work: Annotated[Text, Field(min_length=1, title="Work, for example carpentry")]
    source: Annotated[Text, Field(min_length=1, title="Where that cost is from")]
    fund: FundRef = "CLT"

    def perform(self, desk: Desk) -> None:
        if str(desk.policy("donated_work", "yes")) != "yes":
            raise NotOffered(
                "These books do not recognise donated work.", field="building",
                hint="Enter the hours in the register VOLUNTEERS, or change the policy donated_work.",
            )  # fmt: skip
        require_spendable_fund(desk, self.fund)
        for _ref, gone in desk.every(records.ParcelDisposal):
            if gone.fund == self.fund and self.building in gone.buildings:
                raise WrongState(
                    "Building {building} went with parcel {parcel} on {day}.", field="building",
                    building=self.building, parcel=gone.parcel, day=gone.on,
                    hint="Another building has another number.",
                )  # fmt: skip
        amount = work_value(self.hours, self.hourly)
        if not amount:
            raise InvalidAmount("That comes to nothing.", field="hours")
        ref = desk.next_ref("donated-work", "DW-", 3)
        desk.post(
            f"Donated work {ref}, {self.hours} hours",
            [(self.fund, f"{BUILDINGS}/{self.building}", amount), (self.fund, IN_KIND, -amount)],
        )
        body = records.DonatedWork(
            building=self.building, fund=self.fund, hours=self.hours, hourly=self.hourly, amount=amount,
            work=self.work, source=self.source, on=desk.business_day.isoformat(),
        )  # fmt: skip
        desk.write(ref, body, about=self.building)
        desk.note("Donated work", ref)
        desk.note("Amount", shown(desk, amount))


def work_value(hours: str, hourly: int) -> int:
    """Hours times what an hour costs, minor units, rounded once, half to even."""
    return round_minor(Fraction(hours) * hourly)


class ReceiveGroundRent(Receiving):
    """Take in rent of a ground lease for a month. It is income of the fund that holds the land."""

    name: ClassVar[str] = "receive-ground-rent"
    title: ClassVar[str] = "Receive ground rent"
    subject: ClassVar[str] = "land"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER, ADMINISTRATOR)
    since: ClassVar[int] = 2

    lease: Annotated[EntryRef, Field(title="Ground lease (LEASES-00001)")]
    month: Month
    amount: Money

    def serves(self, desk: Desk) -> set[str]:
        found = desk.find(records.RegisterEntry, self.lease)
        return set() if found is None or "member" not in found.values else {found.values["member"]}

    def perform(self, desk: Desk) -> None:
        lease = self._lease(desk)
        ref = f"{self.lease}/{self.month}"
        before = desk.find(records.GroundRent, ref)
        left = lease.values["rent"] - (0 if before is None else before.paid)
        if self.amount > left:
            raise InvalidAmount(
                "Of the rent for {month} only {left} is open.", field="amount", month=self.month, left=shown(desk, left)
            )
        parcel = desk.get(records.RegisterEntry, lease.values["parcel"], "lease")
        gone = desk.find(records.ParcelDisposal, lease.values["parcel"])
        if gone is not None:
            raise WrongState(
                "Parcel {parcel} was disposed of on {day}.", field="lease", parcel=gone.parcel, day=gone.on,
                hint="Its rent is the new owner's. Close the lease (close-entry).",
            )  # fmt: skip
        fund = parcel.values.get("fund", "CLT")
        require_spendable_fund(desk, fund, "lease")
        desk.post(
            f"Ground rent {ref}",
            [*self.receive(desk, fund, self.amount), (fund, f"{RENT}/{self.lease}", -self.amount)],
        )
        paid = self.amount + (0 if before is None else before.paid)
        desk.write(ref, records.GroundRent(month=self.month, paid=paid, fund=fund), about=self.lease)
        desk.note("Open of the month", shown(desk, left - self.amount))

    def _lease(self, desk: Desk) -> records.RegisterEntry:
        found = desk.get(records.RegisterEntry, self.lease, "lease")
        if not self.lease.startswith(f"{LEASES}-"):
            raise InvalidValue("{lease} is no ground lease.", field="lease", lease=self.lease)
        if found.state != "open":
            raise WrongState("Ground lease {lease} is over.", field="lease", lease=self.lease)
        begins, ends = found.values["begins"], found.values.get("ends", "9999-12-31")
        if not begins[:7] <= self.month <= ends[:7]:
            raise WrongState(
                "Ground lease {lease} runs from {begins} to {ends}.", field="month", lease=self.lease, begins=begins,
                ends=ends,
            )  # fmt: skip
        return found
