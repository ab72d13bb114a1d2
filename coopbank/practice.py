"""The practice bank: small, made in a moment, and on the morning of its day, so that a volunteer can begin.

Like the demonstration it is made by operations alone. Its day is today and not yet open; a loan payment is due today.
Whoever signs in as `pat` may do everything that takes one person, and `dell` is the second person.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Final

from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.bank.operations.founding import FoundBook
from coopbank.clock import SetClock
from coopbank.demo import COOPS, PASSPHRASE, Town
from coopbank.errors import AlreadyExists

NAME: Final = "Mulberry Street Practice Bank"
SIGN_INS: Final = f"pat (teller, loan-officer, treasurer); dell (administrator, treasurer); passphrase: {PASSPHRASE}"
PEOPLE: Final = (
    "Ada Abernathy", "Amos Banks", "Bettye Cole", "Josué Núñez", "Marisol Vance", "Odell Womack", "Ruby Jessup",
    "Tamika Overby",
)  # fmt: skip
Progress = Callable[[int, int], None]
_STEPS: Final = len(PEOPLE) + 4


def make_practice(place: str, today: date, progress: Progress | None = None) -> None:
    """Make the practice bank in a file that does not exist yet; its business day before today is closed."""
    if Path(place).exists():
        raise AlreadyExists("{place} exists already; nothing was changed.", place=place)
    began = today - timedelta(days=30)
    clock = SetClock(datetime.combine(began, time(14, 0), UTC))
    request = FoundBook(
        bank_name=NAME, administrator="dell", full_name="Dell Okafor", demo_sign_ins=SIGN_INS,
        administrator_roles=["administrator", "treasurer"],
    )  # fmt: skip
    bank = Bank.found(place, request, passphrase=PASSPHRASE, clock=clock)
    try:
        bank.make_keys(Actor("dell", ()), PASSPHRASE)
        _live(
            Town(bank, clock, Random(today.toordinal()), second="sol"),  # nosec B311
            began,
            today,
            progress or (lambda done, of: None),
        )
    finally:
        bank.close()


def _live(town: Town, began: date, today: date, progress: Progress) -> None:
    """A first day with members, savings and a loan, and a quiet one before today."""
    for number, (user, full_name, roles) in enumerate(
        (("sol", "Sol Hardy", ["supervisor"]), ("pat", "Pat Rivers", ["teller", "loan-officer", "treasurer"])), 1
    ):
        town.do("dell", "add-user", user=user, full_name=full_name, user_roles=roles)
        progress(number, _STEPS)
    town.bank.set_passphrase(town._actor("dell"), "pat", PASSPHRASE)
    town.do("dell", "open-day", date=began.isoformat())
    town.do("dell", "receive-gift", donor="Friends of the bank", amount="20000.00", fund="RLF", tender="transfer")
    town.do("dell", "receive-gift", donor="Spring drive", amount="2500.00", fund="GEN", tender="transfer")
    town.do("dell", "move-cash", from_place="FIRST", to_place="VAULT", amount="800.00")
    town.do("pat", "open-drawer", drawer="D1", float_amount="200.00")
    for number, name in enumerate(PEOPLE, 3):
        _join(town, name, "person")
        progress(number, _STEPS)
    farm = _join(town, COOPS[0], "organisation")
    loan = town.do(
        "pat", "grant-loan", member=farm, principal="1200.00", annual_rate="3", installments=12,
        purpose="walk-in cooler", first_due=today.isoformat(),
    ).created[0]  # fmt: skip
    town.do("dell", "disburse-loan", loan=loan, tender="transfer")
    with town.bank.read() as books:
        held = books.balance("POOL", "739/D1")
    town.do("pat", "close-drawer", drawer="D1", counted=f"{held // 100}.{held % 100:02d}")
    town.do("dell", "close-day")
    yesterday = today - timedelta(days=1)
    town.clock.instant = datetime.combine(yesterday, time(14, 0), UTC)
    town.do("dell", "open-day", date=yesterday.isoformat())
    town.do("dell", "close-day")
    progress(_STEPS, _STEPS)


def _join(town: Town, name: str, entity: str) -> str:
    language = "es" if "ñ" in name else "en"
    phone = f"601 555 {town.chance.randrange(1000, 9999)}"
    member = town.do("pat", "admit-member", member_name=name, entity=entity, phone=phone, language=language).created[0]
    town.do("pat", "buy-shares", member=member, amount="25.00")
    town.do("pat", "open-savings", member=member)
    town.do("pat", "deposit", member=member, amount=town.amount(40, 200))
    return member
