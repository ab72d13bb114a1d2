"""The demonstration bank: two years of an invented co-operative bank in Jackson, Mississippi.

Nothing is inserted: every share, deposit, loan and close goes through the same
operations that a volunteer uses, by users with their own powers, day by day on a
simulated clock. Names, chances and nonces come from one seeded generator, so the same
seed gives the same sealed log, byte for byte. All names are invented.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from coopbank import demo_commons, demo_loans
from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.bank.operation import Receipt
from coopbank.bank.operations.founding import FoundBook
from coopbank.bank.verify import verify
from coopbank.clock import SetClock
from coopbank.errors import AlreadyExists, BooksWrong
from coopbank.ledger.verify import wrong
from coopbank.money import format_amount
from coopbank.reports.trial_balance import trial_balance

FIRST_DAY = date(2024, 11, 1)
BANK_NAME = "Farish Row Cooperative Bank"
PASSPHRASE = "common wealth"  # shown to everybody who tries it  # nosec B105
STAFF: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("rosa", "Rosa Whitfield", ("administrator", "supervisor")),
    ("dell", "Dell Okafor", ("treasurer",)),
    ("imani", "Imani Brewster", ("teller",)),
    ("nia", "Nia Calloway", ("teller",)),
    ("marcus", "Marcus Tolliver", ("loan-officer",)),
    ("otis", "Otis Pruitt", ("auditor",)),
)
COOPS = (
    "Green Tassel Urban Farm", "Second Helping Catering", "Black Gold Composting", "Loom and Thread Sewing",
    "Pine and Nail Carpentry", "Delta Current Electric", "Wheelhouse Bicycle Repair", "Clear Water Laundry",
    "Common Kettle Bakery", "Long Table Event Crew", "Good Ground Landscaping", "Magnolia Care Workers",
)  # fmt: skip
GIVEN = (
    "Ada", "Amos", "Bettye", "Calvin", "Cora", "Darnell", "Della", "Earl", "Etta", "Ezra", "Fannie", "Gil", "Hattie",
    "Ines", "Isaac", "Jolene", "Josué", "Keisha", "Lavern", "Leroy", "Luz", "Mae", "Marisol", "Moses", "Naomi", "Odell",
    "Opal", "Percy", "Queen", "Ray", "Ruby", "Samuel", "Tamika", "Thelma", "Ursula", "Verna", "Walt", "Yolanda", "Zeke",
)  # fmt: skip
FAMILY = (
    "Abernathy", "Banks", "Cole", "Dorsey", "Ellison", "Fontaine", "Gaines", "Hollis", "Ivory", "Jessup", "Kincaid",
    "Lamar", "Mayfield", "Núñez", "Overby", "Pettway", "Quarles", "Ransom", "Stovall", "Tate", "Upshaw", "Vance",
    "Womack", "Yancy",
)  # fmt: skip
STREETS = (
    "Farish St",
    "Lynch St",
    "Capitol St",
    "Terry Rd",
    "Bailey Ave",
    "Woodrow Wilson Ave",
    "Valley St",
    "Mill St",
)
LETTERHEAD = (
    ("address", "214 Farish Row, Jackson MS 39201"), ("phone", "601 555 0140"), ("email", "counter@farishrow.example"),
)  # fmt: skip
Echo = Callable[[str], None]


@dataclass
class Town:
    """The bank, its people, and what the story has brought about so far."""

    bank: Bank
    clock: SetClock
    chance: random.Random
    members: list[str] = field(default_factory=list)
    savers: list[str] = field(default_factory=list)
    instalments: dict[str, int] = field(default_factory=dict)  # member: minor units still to pay for the share
    loans: list[str] = field(default_factory=list)
    borrowers: set[str] = field(default_factory=set)
    shaky: dict[str, date] = field(default_factory=dict)  # loan: from when its borrower has hard times
    kinds: dict[str, str] = field(default_factory=dict)  # loan: its product, or MEMBER
    tranches: dict[str, int] = field(default_factory=dict)  # loan: whole dollars still to be paid out
    happened: dict[str, str] = field(default_factory=dict)  # what happened once, and to which loan
    names_used: set[str] = field(default_factory=set)
    posted: int = 0
    each_day: Callable[[Bank], None] | None = None
    second: str = "rosa"  # who approves what the treasurer asks for
    coops: dict[str, str] = field(default_factory=dict)  # name of a co-op: its member number
    commons: demo_commons.Commons | None = None  # the members' side of the story (demo_commons.py)
    sources: list[random.Random] = field(default_factory=list)  # nonces come from the last one

    def do(self, by: str, name: str, /, **values: Any) -> Receipt:
        """One operation by one user; what needs a second person is approved by another at once."""
        self.clock.instant += timedelta(seconds=self.chance.randint(40, 400))
        receipt = self.bank.perform(self._actor(by), self.bank.build(name, values))
        self.posted += 1
        if receipt.status != "pending":
            return receipt
        second = self.second if by == "dell" else "dell"
        self.clock.instant += timedelta(seconds=self.chance.randint(60, 900))
        approved = self.bank.perform(self._actor(second), self.bank.build("approve", {"request": receipt.request}))
        return approved.then[0]

    def _actor(self, user: str) -> Actor:
        with self.bank.read() as books:
            return books.actor_now(user)

    def amount(self, low: int, high: int, step: int = 5) -> str:
        """A plausible amount of whole dollars."""
        return f"{self.chance.randrange(low, high + 1, step)}.00"


def run_demo(
    place: str, *, seed: int = 1, members: int = 60, months: int = 24, statements: Path | None = None,
    echo: Echo = print, each_day: Callable[[Bank], None] | None = None,
) -> Bank:  # fmt: skip
    """Build the demonstration bank at a place that holds nothing yet; returns it open. `each_day` looks at it."""
    if "://" not in place and Path(place).exists():
        raise AlreadyExists(
            "{place} exists already; the demonstration never touches books that it did not make.", place=place,
            hint="Move the file away, or name another place with --db.",
        )  # fmt: skip
    town = _found(place, seed, echo)
    town.each_day = each_day
    months_of_life = list(_months(FIRST_DAY, months))
    for number, days in enumerate(months_of_life):
        _month(town, days, members, number, len(months_of_life))
        echo(f"  {days[0]:%B %Y}: {len(town.members)} members, {len(town.loans)} loans, {town.posted} operations")
    _letterhead(town)
    if statements is not None:
        _print_statements(town, months_of_life[-1][0], statements, echo)
        demo_commons.print_papers(town, statements, echo)
    _tell(town, echo)
    return town.bank


def _found(place: str, seed: int, echo: Echo) -> Town:
    chance = random.Random(seed)  # the same bank from the same seed  # nosec B311
    clock = SetClock(datetime.combine(FIRST_DAY, time(14, 0), UTC))
    user, full_name, roles = STAFF[0]
    request = FoundBook(
        bank_name=BANK_NAME, administrator=user, full_name=full_name, administrator_roles=list(roles),
        demo_sign_ins=sign_ins(),
    )  # fmt: skip
    sources = [chance]  # a nonce is drawn from the generator of the side of the story that is being told
    bank = Bank.found(
        place, request, passphrase=PASSPHRASE, clock=clock, nonce=lambda size: sources[-1].randbytes(size)
    )  # fmt: skip
    secret = random.Random(f"key {seed}").randbytes(32)  # nosec B311
    bank.make_keys(Actor(user, ()), PASSPHRASE, secret=secret)
    town = Town(bank, clock, chance, commons=demo_commons.begin(seed), sources=sources)
    echo(f"{BANK_NAME}: founded {FIRST_DAY:%d %B %Y}")
    for user, full_name, roles in STAFF[1:]:
        town.do("rosa", "add-user", user=user, full_name=full_name, user_roles=list(roles))
        bank.set_passphrase(town._actor("rosa"), user, PASSPHRASE)
    return town


def sign_ins() -> str:
    """What the sign-in screen of a demonstration shows."""
    return "; ".join(f"{user} ({', '.join(roles)})" for user, _name, roles in STAFF) + f"; passphrase: {PASSPHRASE}"


def _months(first: date, count: int) -> Iterator[list[date]]:
    """The bank's working days (Monday to Friday) of each month."""
    day = first
    for _ in range(count):
        days = []
        month = day.month
        while day.month == month:
            if day.weekday() < 5:
                days.append(day)
            day += timedelta(days=1)
        yield days


def _month(town: Town, days: list[date], members: int, number: int, months: int) -> None:
    wanted = round(members * min(1.0, 0.35 + 0.65 * number / max(1, months * 0.6)))
    joining = max(0, wanted - len(town.members))
    for i, day in enumerate(days):
        _open(town, day)
        if number == 0 and i == 0:
            _first_day(town)
        if number > 0 and i == 0:
            previous = day.replace(day=1) - timedelta(days=1)
            if previous.month % 3 == 0:
                town.do("dell", "credit-interest", quarter=f"{previous.year}-Q{previous.month // 3}")
            if town.loans:
                town.do("dell", "provide", month=f"{previous:%Y-%m}")
            town.do("dell", "close-month", month=f"{previous:%Y-%m}")
        _join(town, round(joining * (i + 1) / len(days)) - round(joining * i / len(days)))
        _counter(town)
        _month_events(town, day, i, number)
        demo_commons.live(town, day)
        demo_loans.repayments(town, day)
        _close(town)
        if town.each_day is not None:
            town.each_day(town.bank)


def _open(town: Town, day: date) -> None:
    town.clock.instant = datetime.combine(day, time(15, 0), UTC)
    town.do("imani", "open-day", date=day.isoformat())
    with town.bank.read() as books:
        vault = books.balance("POOL", "739/VAULT")
    floated = min(vault, 30000)
    town.do("imani", "open-drawer", drawer="D1", float_amount=format_amount(floated))


def _close(town: Town) -> None:
    with town.bank.read() as books:
        expected = books.balance("POOL", "739/D1")
        cheques = [ref for ref, _cheque in books.about(records.Cheque, "on-hand")]
        vault = books.balance("POOL", "739/VAULT") + expected
    wrong = town.chance.choice((-500, 100)) if expected > 2000 and town.chance.random() < 0.03 else 0
    why = {"why": "not known, counted twice"} if wrong else {}
    town.do("imani", "close-drawer", drawer="D1", counted=format_amount(expected + wrong), **why)
    if cheques:
        town.do("dell", "bank-cheques", cheques=cheques)
    if vault > 250000:
        town.do("dell", "move-cash", from_place="VAULT", to_place="FIRST", amount=format_amount(vault - 120000))
    town.do("dell", "close-day")


# ------------------------------------------------------------------------------ the story


def _first_day(town: Town) -> None:
    """Funds, the lenders' notes and the gifts that the bank begins with."""
    for code, name, fund_class in (
        ("EDU", "Education fund", "designated"), ("SOL", "Solidarity fund", "designated"),
        ("GRT", "Restricted gift for tools and training", "restricted"),
    ):  # fmt: skip
        town.do("dell", "open-fund", code=code, fund_name=name, fund_class=fund_class)
    town.do("dell", "add-bank-account", code="RESERVE", account_name="Loan-loss reserve", fund="LLR")
    for number, lender, amount, rate, due in (
        ("N-001", "Pearl River Community Foundation", "60000.00", "2", "2029-11-01"),
        ("N-002", "Circle of Small Lenders", "25000.00", "0", "2028-11-01"),
    ):
        town.do(
            "dell", "issue-note", number=number, lender=lender, fund="RLF", amount=amount, annual_rate=rate,
            note_class="A", due_on=due, tender="transfer",
        )  # fmt: skip
    for number, donor, fund, amount, purpose in (
        ("G-01", "Reparations loan fund, first gift", "RLF", "40000.00", "lending to Black-led co-operatives"),
        ("G-02", "Friends of the composters", "GRT", "5000.00", "tools and training of the composting co-op"),
        ("G-03", "Spring drive, many donors", "GEN", "6000.00", "running the bank"),
        ("G-04", "Reserve gift", "LLR", "4000.00", "loan-loss reserve"),
    ):
        town.do(
            "dell", "receive-gift", number=number, donor=donor, fund=fund, amount=amount, purpose=purpose,
            tender="transfer", **({"bank_account": "RESERVE"} if fund == "LLR" else {}),
        )  # fmt: skip
    town.do("dell", "move-cash", from_place="FIRST", to_place="VAULT", amount="900.00")


def _join(town: Town, count: int) -> None:
    for _ in range(count):
        first_coops = len(town.members) < 3
        coop = len(town.names_used & set(COOPS))
        if coop < len(COOPS) and (first_coops or town.chance.random() < 0.22):
            name, entity = COOPS[coop], "organisation"
        else:
            name, entity = _person_name(town), "person"
        town.names_used.add(name)
        digits = town.chance.randrange(1000, 9999)
        receipt = town.do(
            "nia" if town.chance.random() < 0.3 else "imani", "admit-member", member_name=name, entity=entity,
            phone=f"601 555 {digits}",
            address=f"{town.chance.randrange(100, 3900)} {town.chance.choice(STREETS)}, Jackson MS",
            language="es" if "ñ" in name or "é" in name else "en",
        )  # fmt: skip
        member = receipt.created[0]
        town.members.append(member)
        if entity == "organisation":
            town.coops[name] = member
        _first_money(town, member, entity)


def _person_name(town: Town) -> str:
    while True:
        name = f"{town.chance.choice(GIVEN)} {town.chance.choice(FAMILY)}"
        if name not in town.names_used:
            return name


def _first_money(town: Town, member: str, entity: str) -> None:
    if entity == "person" and town.chance.random() < 0.3:
        town.do("imani", "buy-shares", member=member, amount="5.00")
        town.instalments[member] = 2000
    else:
        town.do("imani", "buy-shares", member=member, amount="25.00")
    if entity == "organisation":
        town.do("imani", "buy-shares", member=member, amount=town.amount(200, 1000, 100), share_class="903",
                tender="cheque", cheque_number=str(town.chance.randrange(100, 9999)))  # fmt: skip
    if town.chance.random() < 0.9:
        town.do("imani", "open-savings", member=member, annual_rate="0.5")
        town.savers.append(member)
        town.do("imani", "deposit", member=member, amount=town.amount(20, 400))


def _counter(town: Town) -> None:
    """What members bring to the counter on an ordinary day."""
    for _ in range(town.chance.randint(1, 4)):
        if not town.savers:
            return
        member = town.chance.choice(town.savers)
        roll = town.chance.random()
        if roll < 0.44:
            town.do("imani", "deposit", member=member, amount=town.amount(5, 120))
        elif roll < 0.5:
            town.do("imani", "deposit", member=member, amount=town.amount(50, 300), tender="cheque",
                    cheque_number=str(town.chance.randrange(100, 9999)))  # fmt: skip
        else:
            _try_withdrawal(town, member)
    for member in sorted(town.instalments):
        if town.chance.random() < 0.08:
            town.do("imani", "buy-shares", member=member, amount="5.00")
            town.instalments[member] -= 500
            if town.instalments[member] == 0:
                del town.instalments[member]


def _try_withdrawal(town: Town, member: str) -> None:
    with town.bank.read() as books:
        available = -books.balance("GEN", f"905/{member}") - books.holds("GEN", f"905/{member}")
        drawer = books.balance("POOL", "739/D1")
    most = min(available * 3 // 4, drawer // 2, 40000) // 500 * 5
    if most >= 10:
        town.do("imani", "withdraw", member=member, amount=town.amount(5, most))


def _month_events(town: Town, day: date, i: int, number: int) -> None:
    """What happens on certain days of a month: the rent, loans, a gift spent, the one mistake."""
    if i == 2:
        bill = town.do(
            "dell",
            "enter-bill",
            supplier="HALL",
            number=f"RENT-{day:%Y-%m}",
            amount="180.00",
            expense="250",
            fund="GEN",
        )
        town.do("rosa", "pay-bill", bill=bill.created[0], tender="transfer", cheque_number=str(1000 + number))
    if i == 4 and len(town.loans) < demo_loans.MOST_LOANS:
        for _ in range(2 if number == 1 or number % 6 == 5 else 1):
            demo_loans.lend(town, day)
    if i == 9 and number % 5 == 4:
        town.do("dell", "spend-gift", gift="G-02", expense="290", amount="650.00", memo="trainer", tender="transfer",
                cheque_number=str(2000 + number))  # fmt: skip
    if i == 11 and number % 4 == 1:
        town.do(
            "imani",
            "receive-gift",
            donor="Donor at the counter",
            fund="SOL",
            amount=town.amount(20, 120),
            purpose="solidarity",
        )
    if i == 7 and number == 3 and len(town.savers) > 3:
        _keyed_twice(town)
    if i == 12 and number == 6 and len(town.savers) > 5:
        _bad_cheque(town)
    if i == 8:
        demo_loans.monthly(town, day, number)
    if i == 15 and number >= 21:
        demo_loans.recovery(town)


def _keyed_twice(town: Town) -> None:
    """A deposit is typed twice, noticed, and reversed the same afternoon."""
    member = town.savers[3]
    town.do("imani", "deposit", member=member, amount="30.00")
    again = town.do("imani", "deposit", member=member, amount="30.00")
    town.do("imani", "reverse", operation=again.number, reason="keyed twice")


def _bad_cheque(town: Town) -> None:
    member = town.savers[5]
    receipt = town.do("imani", "deposit", member=member, amount="85.00", tender="cheque", cheque_number="3117")
    cheque = next(ref for ref in receipt.created if ref.startswith("CH-"))
    town.do("dell", "bank-cheques", cheques=[cheque])
    town.do("dell", "return-cheque", cheque=cheque, bank_charge="12.00")


def _letterhead(town: Town) -> None:
    """What the bank's papers say of it."""
    for policy, value in LETTERHEAD:
        town.do("dell", "set-policy", policy=policy, value=value)


def _print_statements(town: Town, month: date, folder: Path, echo: Echo) -> None:
    from coopbank.statements import make_month

    echo("Drawing the members' statements ...")
    made = make_month(town.bank, f"{month:%Y-%m}", folder, actor=town._actor("dell"))
    echo(f"  {len(made.files)} statements in {folder}; each can be held against the books with: coopbank check FILE")


def _tell(town: Town, echo: Echo) -> None:
    """Prove the books, show where they stand, and say what to try."""
    verdicts = verify(town.bank.database)
    faults = wrong(verdicts)
    if faults:
        raise BooksWrong("The demonstration's books are wrong: {why}.", why=faults[0].message)
    with town.bank.read() as books:
        report = trial_balance(books)
    currency = report.source.currency
    echo("")
    for row in report.rows:
        if row.combined:
            echo(_trial_line(row.code, row.name, max(row.combined, 0), max(-row.combined, 0), currency))
    echo(_trial_line("", "Total", report.debits, report.credits, currency))
    echo("")
    source = report.source
    echo(
        f"Verified: {len(verdicts)} checks, nothing found. Head of the chain: {source.head_number} {source.head_hash}."
    )
    echo("")
    program = _program()
    echo("What to try next:")
    for words, what in (
        ("", f"the counter; sign in as imani, passphrase: {PASSPHRASE}"),
        ("member M0003", "a member; `loans` lists the borrowers"),
        ("portfolio", "what is lent and how late"),
        *_loans_to_see(town),
        *demo_commons.to_see(town),
        ("verify", "the same proof, check by check"),
        ("export beancount out", "and let bean-check judge out/ledger.beancount"),
    ):
        echo(f"  {f'{program} {words}':<42} {what}")


def _loans_to_see(town: Town) -> Iterator[tuple[str, str]]:
    """A loan with a story, and one that its borrower's surplus repays."""
    if town.loans:
        yield f"loan {town.loans[0]}", "a loan's whole story"
    shared = next((loan for loan, kind in town.kinds.items() if kind == "SURPLUS"), None)
    if shared is not None:
        yield f"explain {shared} --cap", "why no more interest may be taken of that one"


def _program() -> str:
    """How the program was called, so that the lines can be copied as they stand."""
    called = Path(sys.argv[0])
    return str(called) if called.name == "coopbank" and not called.is_absolute() else "coopbank"


def _trial_line(code: str, name: str, debit: int, credit: int, currency: str) -> str:
    sides = (format_amount(minor, currency, grouping=True) if minor else "" for minor in (debit, credit))
    return f"{code:<6}{name[:40]:<42}" + "".join(f"{side:>14}" for side in sides)
