"""Disposal of a parcel: sold, or given away, once the members' assembly has carried a resolution on it.

The parcel goes at what it cost, the buildings that stand on it with it, and what it brings more or less is gain or loss
of the fund that held it; the money stays in that fund. A parcel under a covenant goes only to who takes the covenant
over in the deed, and none goes while a ground lease runs on it. The register keeps it, closed, as it was bought.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from coopbank.bank import records
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import Code, Counted, Decision, EntryRef, Memo, Text, Widget
from coopbank.bank.institution_registers import counted, entries_of
from coopbank.bank.operation import TREASURER
from coopbank.bank.operations.assets import GAIN, LOSS
from coopbank.bank.operations.land import BUILDINGS, LAND, LEASES, PARCELS, building_number
from coopbank.bank.operations.savings import shown
from coopbank.bank.tender import Receiving
from coopbank.bank.voting import ASSEMBLY, RESOLUTION
from coopbank.errors import InvalidValue, NeedsResolution, Overdrawn, WrongState

Buildings = Annotated[
    list[Annotated[Code, AfterValidator(building_number)]],
    Field(max_length=50, title="Buildings that go with it, for example B-1"), Widget("lines"),
]  # fmt: skip


class DisposeParcel(Receiving):
    """Sell a parcel of land or give it away, with the buildings on it, as the members' assembly resolved."""

    name: ClassVar[str] = "dispose-parcel"
    title: ClassVar[str] = "Dispose of a parcel of land"
    subject: ClassVar[str] = "land"
    decided_as: ClassVar[tuple[str, ...]] = ("other",)
    decided_amount: ClassVar[str] = ""  # an amount of a resolution is what may be spent; this brings something
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    parcel: Annotated[EntryRef, Field(title="Parcel in the register (PARCELS-00001)")]
    price: Annotated[Counted, Field(title="What it is sold for")] = 0
    buildings: Buildings = []
    resolution: Annotated[Decision, Field(title="Resolution of the assembly (RES-00001)")]
    deed: Annotated[Text, Field(min_length=1, title="Deed: book and page, or its number")]
    covenant_kept: Annotated[bool, Field(title="The buyer takes the covenant over in the deed")] = False
    why: Annotated[Memo, Field(min_length=1, title="Why, and what becomes of it")]

    def moves(self, desk: Desk) -> int | None:
        return self.price

    def perform(self, desk: Desk) -> None:
        values = self._parcel(desk)
        self._require_assembly(desk)
        self._require_covenant(desk, values)
        self._require_no_lease(desk)
        fund, cost = values["fund"], values["price"] + values.get("closing_costs", 0)
        standing = self._buildings(desk, fund)
        result = self.price - cost - sum(standing.values())
        moves: list[Move] = [(fund, f"{LAND}/{values['parcel']}", -cost)]
        moves += [(fund, f"{BUILDINGS}/{building}", -amount) for building, amount in standing.items()]
        if self.price:
            moves += self.receive(desk, fund, self.price)
        if result:
            moves.append((fund, GAIN if result > 0 else LOSS, -result))
        desk.post(f"Parcel {values['parcel']} disposed of", moves)
        entry = desk.get(records.RegisterEntry, self.parcel, "parcel")
        day = desk.business_day.isoformat()
        closed = entry.model_copy(update={"state": "closed", "closed_on": day, "why": f"deed {self.deed}"})
        desk.write(self.parcel, closed)
        body = records.ParcelDisposal(
            fund=fund, parcel=values["parcel"], cost=cost, buildings=standing, price=self.price, deed=self.deed,
            resolution=self.resolution, covenant_kept=self.covenant_kept, why=self.why, on=day,
        )  # fmt: skip
        desk.write(self.parcel, body, about=values["parcel"])
        desk.note("Cost", shown(desk, cost + sum(standing.values())))
        if result:
            desk.note("Gain" if result > 0 else "Loss", shown(desk, abs(result)))

    def _parcel(self, desk: Desk) -> dict[str, Any]:
        entry = desk.get(records.RegisterEntry, self.parcel, "parcel")
        if not self.parcel.startswith(f"{PARCELS}-") or not entry.fixed:
            raise InvalidValue(
                "{entry} is no parcel that the books bought.", field="parcel", entry=self.parcel,
                hint="See them with: coopbank register PARCELS",
            )  # fmt: skip
        gone = desk.find(records.ParcelDisposal, self.parcel)
        if gone is not None:
            raise WrongState(
                "Parcel {parcel} was disposed of on {day}.", field="parcel", parcel=gone.parcel, day=gone.on,
                hint="Look which parcel is meant.",
            )  # fmt: skip
        return dict(entry.values)

    def _require_assembly(self, desk: Desk) -> None:
        """Whether it was carried, and is about this, is asked of every resolution before (bank/mandates.py)."""
        found = desk.find(records.Resolution, self.resolution) if RESOLUTION.fullmatch(self.resolution) else None
        body = None if found is None else desk.find(records.VotingBody, found.body)
        if body is None or body.form != ASSEMBLY:
            raise NeedsResolution(
                "Land is given out of hand by the members' assembly only.", field="resolution",
                hint="Name the resolution that it carried; see them with: coopbank resolutions",
            )  # fmt: skip
        if found is not None and found.about != self.parcel:
            raise NeedsResolution(
                "{resolution} does not name the parcel {parcel}.", field="resolution", resolution=self.resolution,
                parcel=self.parcel, hint="The assembly decides on each parcel: --matter other --about {parcel}",
            )  # fmt: skip

    def _require_covenant(self, desk: Desk, values: dict[str, Any]) -> None:
        """What was bound once is bound, whatever the register says of it now."""
        ever = (
            records.RegisterEntry.model_validate_json(text).values.get("covenant")
            for (text,) in desk.tx.rows(
                "SELECT body FROM record WHERE kind = ? AND ref = ?", records.RegisterEntry.kind, self.parcel
            )
        )
        if any(ever) and not self.covenant_kept:
            raise WrongState(
                "Parcel {parcel} is bound to community use: it goes to nobody who is not.", field="covenant_kept",
                parcel=values["parcel"],
                hint="Have the covenant written into the new deed, and say so (--covenant-kept).",
            )  # fmt: skip

    def _require_no_lease(self, desk: Desk) -> None:
        for ref, lease in counted(entries_of(desk, LEASES)):
            if lease.state == "open" and lease.values["parcel"] == self.parcel:
                raise WrongState(
                    "Ground lease {lease} runs on it.", field="parcel", lease=ref,
                    hint="Close it first (close-entry): it ends, or the buyer takes it over.",
                )  # fmt: skip

    def _buildings(self, desk: Desk, fund: str) -> dict[str, int]:
        """What stands on each building's account; refuses one twice, and one that the books do not carry there."""
        found: dict[str, int] = {}
        for building in self.buildings:
            if building in found:
                raise InvalidValue("Building {building} stands twice.", field="buildings", building=building)
            found[building] = desk.balance(fund, f"{BUILDINGS}/{building}")
            if not found[building]:
                raise Overdrawn(
                    "Fund {fund} carries nothing of building {building}.", field="buildings", fund=fund,
                    building=building, hint="Leave it out, or look which building is meant.",
                )  # fmt: skip
        return found
