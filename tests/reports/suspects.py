"""A bank in which much deserves a look, each case beside a near neighbour that does not.

`live` returns the numbers of the entries and operations by name; a name that begins with `not` is a neighbour. The
bank's clock is that of America/Chicago, six hours behind Greenwich until 8 March 2026, then five.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from coopbank.bank.books import Actor
from tests.support_bank import SmallBank

BEN = Actor("ben", ("treasurer",))


@dataclass
class Suspects:
    """The bank, and what happened in it by name: operations, and their first entries."""

    small: SmallBank
    operations: dict[str, int] = field(default_factory=dict)
    entries: dict[str, int] = field(default_factory=dict)

    def do(self, name: str, operation: str, by: Actor | None = None, /, **values: Any) -> int:
        """Perform one and remember it."""
        receipt = self.small.do(operation, by=by, **values)
        return self.keep(name, receipt)

    def agreed(self, name: str, operation: str, by: Actor, approver: Actor, /, **values: Any) -> int:
        """Perform one that takes two people and remember it."""
        return self.keep(name, self.small.agreed(operation, by=by, approver=approver, **values))

    def keep(self, name: str, receipt: Any) -> int:
        """Remember what an operation and its first entry are numbered."""
        number: int = receipt.number
        self.operations[name] = number
        if receipt.entries:
            self.entries[name] = receipt.entries[0].number
        return number

    def at(self, instant: str) -> None:
        """Set the clock, in the time of Greenwich."""
        self.small.clock.instant = datetime.fromisoformat(instant).replace(tzinfo=UTC)


def live(small: SmallBank) -> Suspects:
    """From Monday 2 March 2026 to a day in March 2027."""
    told = Suspects(small)
    _people(told)
    _cash_and_limits(told)
    _alike(told)
    small.go_to("2026-03-05")
    _journal(told)
    _lend(told)
    _week_end(told)
    _around_midnight(told)
    _pay(told)
    _by_rule(told)
    return told


def _people(told: Suspects) -> None:
    small = told.small
    for name in ("Mia Lee", "Joe Banks", "Noa Cole", "Ana Reyes", "Eva Hill", "Udo Hill"):
        small.do("open-savings", member=small.admit(name), annual_rate="2")
    small.agreed("add-user", by=small.admin, approver=small.tom, user="ben", full_name="Ben", user_roles=["treasurer"])
    told.do("gift", "receive-gift", small.tom, amount="50000.00", donor="Many", tender="transfer")
    told.do("not gift", "receive-gift", small.tom, amount="30500.00", fund="RLF", donor="One", tender="transfer")
    for count in range(5):
        small.do("receive-gift", by=BEN, amount=f"{count + 1}1.00", donor="A friend", tender="transfer")
    told.do("own", "deposit", member="M0004", amount="21.00")
    told.do("not own", "deposit", small.tom, member="M0004", amount="22.00", tender="transfer")
    small.do("buy-shares", member="M0003", amount="25.00")
    told.agreed("own approval", "redeem-shares", small.ana, small.sue, member="M0003", amount="25.00")
    stake = {"member": "M0003", "amount": "100.00", "share_class": "903"}
    small.do("buy-shares", **stake)
    told.agreed("not own approval", "redeem-shares", small.ana, small.tom, **stake)
    small.agreed("link-user", by=small.admin, approver=small.tom, user="ana", member="M0004")
    small.agreed("link-user", by=small.admin, approver=small.tom, user="sue", member="M0003")


def _cash_and_limits(told: Suspects) -> None:
    small = told.small
    small.do("move-cash", by=small.tom, from_place="FIRST", to_place="VAULT", amount="6000.00")
    told.do("drawer", "move-cash", from_place="VAULT", to_place="D1", amount="4500.00")
    told.do("not drawer", "move-cash", from_place="VAULT", to_place="D1", amount="400.00")
    told.do("cash 1", "deposit", member="M0001", amount="6000.00")
    told.do("cash", "deposit", member="M0001", amount="4000.01")
    told.do("not cash", "deposit", member="M0002", amount="10000.00")
    told.do("not cash by bank", "deposit", small.tom, member="M0002", amount="9000.00", tender="transfer")
    told.do("not near cash", "deposit", member="M0003", amount="8800.00")
    told.do("near", "withdraw", member="M0001", amount="950.00")
    told.do("at limit", "withdraw", member="M0001", amount="1000.00")
    told.do("not near", "withdraw", member="M0002", amount="899.99")
    told.do("not split", "withdraw", member="M0002", amount="100.01")
    told.agreed("not alone", "withdraw", small.ana, small.tom, member="M0003", amount="1500.00")


def _alike(told: Suspects) -> None:
    told.do("alike 1", "deposit", member="M0005", amount="12.34", memo="market")
    told.do("alike", "deposit", member="M0005", amount="12.34", memo="market")
    told.do("not alike: words", "deposit", member="M0005", amount="12.34", memo="fair")
    told.do("not alike: account", "deposit", member="M0006", amount="12.34", memo="market")
    typed = told.do("not alike: undone", "deposit", member="M0006", amount="5.55", memo="typed")
    told.do("undoing", "reverse", operation=typed, reason="typed too early")
    told.do("not alike: again", "deposit", member="M0006", amount="5.55", memo="typed")


def _journal(told: Suspects) -> None:
    small = told.small
    told.do("not alike: day", "deposit", member="M0005", amount="12.34", memo="market")
    small.do("deposit", by=small.tom, member="M0004", amount="1.00", tender="transfer")
    bought = ["GEN 741 Dr 70.00", "GEN 731/FIRST Cr 70.00"]
    told.agreed("bought", "journal-entry", small.tom, small.admin, memo="A bond", lines=bought)
    back = ["GEN 731/FIRST Dr 5.00", "GEN 260 Cr 5.00"]
    told.agreed("mute", "journal-entry", small.tom, small.admin, memo="x.", lines=back)
    rent = ["GEN 250 Dr 20.00", "GEN 731/FIRST Cr 20.00"]
    told.agreed("not mute", "journal-entry", small.tom, small.admin, memo="Rent", lines=rent)


def _lend(told: Suspects) -> None:
    """A loan is paid out on Thursday; on Tuesday a payment is booked that came on Friday, and one that came then."""
    small = told.small
    small.agreed("grant-loan", by=small.ana, approver=small.tom, member="M0002", principal="600.00", annual_rate="6",
                 installments=6)  # fmt: skip
    small.do("disburse-loan", by=small.tom, loan="L-001", tender="transfer")


def _pay(told: Suspects) -> None:
    small, paid = told.small, {"loan": "L-001", "tender": "transfer"}
    told.do("not earlier", "repay-loan", small.tom, amount="10.00", **paid)
    told.do("earlier", "repay-loan", small.tom, amount="11.00", value_date="2026-03-06", **paid)


def _week_end(told: Suspects) -> None:
    """Friday 6 March is opened, and nobody closes it before Sunday."""
    told.small.go_to("2026-03-06")
    for name, instant in (
        ("not night", "2026-03-07T03:59"), ("night", "2026-03-07T05:59"), ("saturday", "2026-03-07T16:00"),
        ("sunday", "2026-03-08T17:00"),
    ):  # fmt: skip
        told.at(instant)
        told.do(name, "deposit", member="M0001", amount="3.00", memo=name)


def _around_midnight(told: Suspects) -> None:
    """Tuesday 10 March is opened while it is still Monday in Chicago."""
    small = told.small
    told.at("2026-03-10T04:10")
    small.close_day()
    small.do("open-day", date="2026-03-10")
    told.do("ahead", "deposit", small.tom, member="M0001", amount="4.00", tender="transfer")
    told.at("2026-03-10T15:00")
    told.do("not ahead", "deposit", small.tom, member="M0001", amount="5.00", tender="transfer")
    told.agreed(
        "back", "journal-entry", small.tom, small.sue, memo="Rent of last week", effective_on="2026-03-05",
        lines=["GEN 250 Dr 20.00", "GEN 731/FIRST Cr 20.00"],
    )  # fmt: skip


def _by_rule(told: Suspects) -> None:
    """Interest and closes reach every account; in the end nearly a year goes by."""
    small = told.small
    small.agreed(
        "issue-note", by=small.tom, approver=small.sue, lender="Ida", amount="900.00", annual_rate="4",
        due_on="2029-03-02",
    )  # fmt: skip
    small.go_to("2026-04-02", open_drawer=False)
    told.agreed("not back", "close-month", small.tom, small.sue, month="2026-03")
    told.agreed("interest", "credit-interest", small.tom, small.sue, quarter="2026-Q1")
    small.go_to("2027-03-05", open_drawer=False)
