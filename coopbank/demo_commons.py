"""The members' side of the demonstration: who decides, when they meet, and what they resolve.

A calendar of days on which something happens, each a scene that goes through operations like everything else. What it
draws by lot comes from a generator of its own, so that what happens at the counter does not change with it. A scene
whose people or decisions are not there (few members, few months) does not take place.

The meetings are in demo_assembly.py, the money of the funds in demo_funds.py and demo_land.py, and what the bank does
around it in demo_around.py.
"""

from __future__ import annotations

import random
from bisect import insort
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from coopbank.bank import records
from coopbank.bank.voting import concerned
from coopbank.finance.voting import needed
from coopbank.words import LANGUAGES

if TYPE_CHECKING:
    from coopbank.demo import Town

    Scene = Callable[[Town, date], None]

COMPOSTERS: Final = "Black Gold Composting"
LATEST: Final = 2036


@dataclass
class Commons:
    """What this side of the story has brought about so far."""

    chance: random.Random
    planned: list[tuple[date, int, Scene]] = field(default_factory=list)
    scenes: int = 0
    facts: dict[str, str] = field(default_factory=dict)  # what is known by a name: a meeting, a resolution, a loan
    loans: list[str] = field(default_factory=list)  # granted on this side; most are paid when due
    lost: set[str] = field(default_factory=set)  # loans on which nobody pays any more

    def plan(self, day: date, scene: Scene) -> None:
        """Something is to happen on the first working day from a day on, after what was planned before."""
        self.scenes += 1
        insort(self.planned, (day, self.scenes, scene), key=lambda each: each[:2])


def begin(seed: int) -> Commons:
    """The calendar of the whole story."""
    from coopbank import demo_around, demo_assembly, demo_funds

    commons = Commons(random.Random(f"commons {seed}"))  # nosec B311
    for day, scene in (*demo_assembly.scenes(), *demo_funds.scenes(), *demo_around.scenes()):
        commons.plan(day, scene)
    return commons


def live(town: Town, day: date) -> None:
    """What the day brings on this side."""
    from coopbank import demo_funds

    commons = town.commons
    if commons is None:
        return
    with aside(town, commons):
        while commons.planned and commons.planned[0][0] <= day:
            _when, _order, scene = commons.planned.pop(0)
            scene(town, day)
        demo_funds.repayments(town, day)


@contextmanager
def aside(town: Town, commons: Commons) -> Iterator[None]:
    """What is drawn by lot meanwhile is drawn from the generator of this side, nonces too."""
    at_the_counter, town.chance = town.chance, commons.chance
    town.sources.append(commons.chance)
    try:
        yield
    finally:
        town.chance = at_the_counter
        town.sources.pop()


def side(town: Town) -> Commons:
    """This side of a town that has one."""
    assert town.commons is not None
    return town.commons


def fact(town: Town, name: str) -> str | None:
    """What is known by a name, if it came about."""
    return side(town).facts.get(name)


def people(town: Town) -> list[str]:
    """Members who are persons, in the order in which they joined."""
    coops = set(town.coops.values())
    return [member for member in town.members if member not in coops]


# ------------------------------------------------------------------------------------ how they decide


def call(town: Town, day: date, body: str, days: int, agenda: str, scene: Callable[[Town, date, str], None]) -> None:
    """A meeting is called with its notice; the scene is what it decides."""
    if fact(town, body) is None:
        return
    on = day + timedelta(days=days)
    on += timedelta(days=max(0, 7 - on.weekday()) if on.weekday() > 4 else 0)
    called = town.do(
        "rosa", "call-meeting", body=body, on=on.isoformat(), notice_sent_on=day.isoformat(), agenda=agenda
    )
    meeting = called.created[0]
    side(town).plan(on, lambda at, today: scene(at, today, meeting))


def resolved(town: Town, meeting: str, matter: str, text: str, *, against: float = 0.1, **about: Any) -> str:
    """A resolution is moved at the assembly and carried by a count of hands; its number."""
    moved = town.do("rosa", "propose-resolution", meeting=meeting, matter=matter, text=text, **about).created[0]
    present = attending(town, meeting)
    contra = int(present * against * town.chance.random())
    silent = min(town.chance.randrange(3), present - contra - 2)
    town.do(
        "rosa", "record-count", resolution=moved, in_favour=present - contra - silent, against=contra, abstained=silent
    )
    town.do("rosa", "close-vote", resolution=moved)
    return moved


def by_name(town: Town, meeting: str, matter: str, text: str, *, aside_for: str = "", **about: Any) -> str:
    """A committee votes by name; the last on its roll stands back where there is a reason to. Its number."""
    with town.bank.read() as books:
        body = books.get(records.Meeting, meeting).body
        seats = sorted(seat.member for _ref, seat in books.about(records.Seat, body) if seat.state == "held")
    moved = town.do("rosa", "propose-resolution", meeting=meeting, matter=matter, text=text, **about).created[0]
    with town.bank.read() as books:
        away = {member: "borrows" for member in sorted(concerned(books, str(about.get("about")))) if member in seats}
    if aside_for:
        away[seats[-1]] = aside_for
    for member, why in away.items():
        town.do("imani", "declare-interest", resolution=moved, member=member, why=why)
    for member in [each for each in seats if each not in away]:
        town.do("imani", "record-vote", resolution=moved, member=member, vote="for")
    town.do("rosa", "close-vote", resolution=moved)
    return moved


def polled(town: Town, meeting: str, box: list[str], until: date | None = None, **poll: Any) -> str | None:
    """A secret ballot from the box to the result; its number, or nothing where too few came."""
    ref = town.do("rosa", "open-poll", meeting=meeting, **poll).created[0]
    with town.bank.read() as books:
        record_date = books.get(records.Meeting, meeting).record_date
        roll = [m for m in town.members if books.get(records.Member, m).joined_on <= record_date]
    voters = sorted(town.chance.sample(roll, min(len(roll), len(box))))
    town.do("imani", "give-ballots", poll=ref, members=voters)
    town.do("rosa", "close-poll", poll=ref)
    with town.bank.read() as books:
        if books.get(records.Poll, ref).state != "closed":
            return None
    town.do("rosa", "load-ballots", poll=ref, ballots=box[: len(voters)])
    town.do("rosa", "declare-result", poll=ref, **({} if until is None else {"until": until.isoformat()}))
    return ref


def ballots(town: Town, options: list[str], count: int, most: int) -> list[str]:
    """Filled by chance: earlier options please more people; one voter in twenty leaves it blank."""
    found = []
    for _ in range(count):
        liked = [code for place, code in enumerate(options) if town.chance.random() < 0.75 - 0.12 * place][:most]
        found.append(" ".join(liked) if liked and town.chance.random() < 0.95 else "blank")
    return found


def attending(town: Town, meeting: str) -> int:
    """How many came: more than half, and enough."""
    with town.bank.read() as books:
        found = books.get(records.Meeting, meeting)
    least = needed(found.roll, found.quorum_percent, found.quorum_least)
    return max(least, min(found.roll, 3), round(found.roll * (0.55 + 0.25 * town.chance.random())))


# ------------------------------------------------------------------------------- what is there to read


def print_papers(town: Town, folder: Path, echo: Callable[[str], None]) -> None:
    """The annual report of the last year that is over, in every language, and that year's patronage notices."""
    from coopbank.statements import Copy, make, make_notices

    with town.bank.read() as books:
        year = max((int(ref) for ref, _body in books.every(records.YearClose)), default=None)
        divided = None if year is None else books.find(records.Surplus, str(year))
        dell = books.actor_now("dell")
    if year is None:
        return
    echo("Drawing the annual report and the patronage notices ...")
    span = date(year, 1, 1), date(year, 12, 31)
    made = [make(town.bank, "assembly-report", "", *span, actor=dell, folder=folder, copy=Copy(language=language))
            for language in LANGUAGES]  # fmt: skip
    for each in made:
        echo(f"  {each.path}")
    if divided is not None and divided.state == "allocated" and divided.members:
        notices = make_notices(town.bank, year, folder, actor=dell)
        echo(f"  {len(notices.files)} patronage notices of {year} beside them")


def to_see(town: Town) -> Iterator[tuple[str, str]]:
    """Commands that show this side, of what came about."""
    yield "fund RLF", "a fund at a glance; `document fund-report RLF` on paper"
    yield "forecast RLF --lend 15000", "from which day so much can be lent"
    if side(town).facts.get("charged off"):
        yield f"loan {fact(town, 'charged off')}", "a loss, who bore it, and what came back"
    if fact(town, "vintage"):
        yield f"surplus {fact(town, 'vintage')}", "a year's surplus divided; the notices are in statements/"
    polls = sorted(name for name in side(town).facts if name.startswith("poll "))
    if polls:
        yield f"ballots {fact(town, polls[-1])} --csv box.csv", "a pot allotted by secret ballot; then: recount box.csv"
    if fact(town, "ASSEMBLY"):
        yield "resolutions", "what the members decided, and what was done under it"
    if fact(town, "registers"):
        yield "register JOBS", "a register; `jobs`, `ladder`, `solidarity` and `linked` read others"
