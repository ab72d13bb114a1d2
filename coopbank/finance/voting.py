"""Votes and ballots, counted: quorum and majority, approval voting, the allocation of a pot, an election.

One person, one vote; nothing here knows of shares. Whoever has the figures, or a file of ballots, can count again with
this page alone.

Quorum. `needed` is the percentage of those who may vote, rounded up to a whole person, and never below a least number
of people. Who has an interest in the matter may not vote: they stand in neither figure, neither among those present nor
among those who may vote. Who abstains is present.

Majority. Of the votes cast for and against, abstentions left out: `simple`, more for than against; `two-thirds` and
`three-quarters`, at least that part for; `of-all`, more than half of all who may vote. A tie is lost.

Ballots. A ballot approves of as many options as its voter likes, in an election of no more than there are seats. A box
is kept as a text (CSV, UTF-8, a line feed after each line): what is voted on, a line for each option, a line for each
ballot, and at the end SHA-256 of all that stands above. The ballots are sorted by what they say, so that their order
says nothing of who cast them, and they carry no number that a voter could know again.

Count. Options are ranked by approvals; equal ones by the smaller sum asked for; what is equal then by lot, which is the
smaller `number(sha256 of the box, code)` of finance/sampling.py: nobody can know it before the last ballot is in. In an
allocation each option that somebody approved of, in that order, gets what it asks for if so much of the pot is left,
and nothing otherwise; what nobody can use stays in the pot. In an election the first ones get the seats.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from coopbank.errors import BallotsAltered, CoopbankError
from coopbank.finance.sampling import number
from coopbank.money import format_amount, parse_amount

__all__ = [
    "ALLOCATION", "BLANK", "ELECTION", "RULES", "SPOILT", "Box", "Count", "Option", "Place", "Tally", "count",
    "needed", "outcome", "read_box",
]  # fmt: skip

RULES: Final = ("simple", "two-thirds", "three-quarters", "of-all")
ALLOCATION, ELECTION = "allocation", "election"
BLANK, SPOILT = "blank", "spoilt"
"""What stands on a ballot that approves of nothing, and on one that cannot be read."""
CARRIED, REJECTED, NO_QUORUM = "carried", "rejected", "no-quorum"
_HEADING: Final = "coopbank-ballots"
_VERSION: Final = "1"
_FORMULA: Final = "=+-@\t\r'"
_PART: Final = {"two-thirds": Fraction(2, 3), "three-quarters": Fraction(3, 4)}


# ------------------------------------------------------------------------------ votes by name


@dataclass(frozen=True, slots=True)
class Tally:
    """Votes on one matter, in persons. `roll`: all who might vote, those with an interest in it included."""

    in_favour: int
    against: int
    abstained: int
    recused: int
    roll: int

    @property
    def present(self) -> int:
        """Who took part."""
        return self.in_favour + self.against + self.abstained

    @property
    def entitled(self) -> int:
        """Who may vote on this matter."""
        return self.roll - self.recused


def needed(entitled: int, percent: str, least: int) -> int:
    """How many must take part; percent as a decimal text, rounded up to a whole person."""
    share = Fraction(percent) * entitled / 100
    return max(least, -(-share.numerator // share.denominator))


def outcome(tally: Tally, rule: str, percent: str, least: int) -> str:
    """What a vote comes to: carried, rejected or no-quorum."""
    if tally.present < needed(tally.entitled, percent, least):
        return NO_QUORUM
    if rule == "simple":
        won = tally.in_favour > tally.against
    elif rule == "of-all":
        won = 2 * tally.in_favour > tally.entitled
    else:
        cast = tally.in_favour + tally.against
        won = tally.in_favour > 0 and tally.in_favour >= _PART[rule] * cast
    return CARRIED if won else REJECTED


# ------------------------------------------------------------------------------------ ballots


@dataclass(frozen=True, slots=True)
class Option:
    """What a ballot may approve of: its code, a title, and in an allocation the sum asked for in minor units."""

    code: str
    title: str
    asked: int = 0


@dataclass(frozen=True, slots=True)
class Box:
    """All ballots of a poll. A ballot is the codes that it approves of with a space between, or blank, or spoilt."""

    poll: str
    form: str  # allocation, election
    currency: str
    pot: int  # minor units; 0 in an election
    seats: int  # 0 in an allocation
    options: tuple[Option, ...]
    ballots: tuple[str, ...]  # sorted

    def text(self) -> str:
        """The box as it is kept, exported and counted again."""
        body = self._body()
        return f"{body}sha256,{_digest(body)}\n"

    @property
    def digest(self) -> str:
        """SHA-256 of the lines above the last one, as hex."""
        return _digest(self._body())

    def _body(self) -> str:
        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow([_HEADING, _VERSION])
        rows.writerow(["poll", self.poll])
        rows.writerow(["form", self.form])
        if self.form == ALLOCATION:
            rows.writerow(["pot", format_amount(self.pot, self.currency), self.currency])
        else:
            rows.writerow(["seats", self.seats])
        for option in self.options:
            asked = format_amount(option.asked, self.currency) if self.form == ALLOCATION else ""
            rows.writerow(["option", option.code, asked, _harmless(option.title)])
        for ballot in self.ballots:
            rows.writerow(["ballot", ballot])
        return out.getvalue()


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _harmless(title: str) -> str:
    """A title that no spreadsheet takes for a formula; `_title` takes the apostrophe off again."""
    return f"'{title}" if title[:1] and title[0] in _FORMULA else title


def _title(cell: str) -> str:
    return cell.removeprefix("'")


def read_box(text: str) -> Box:
    """A box from its text. Refuses what is no such file, and one whose last line does not fit what stands above it."""
    body, mark, rest = text.rpartition("sha256,")
    if not mark or not body.endswith("\n"):
        raise BallotsAltered("This is no file of ballots, or its end was cut off.", field="file")
    if rest != f"{_digest(body)}\n":
        raise BallotsAltered(
            "The ballots were altered: their digest is {digest}, and the file says {said}.", field="file",
            digest=_digest(body), said=rest.strip()[:64], hint="Take the file as it was exported.",
        )  # fmt: skip
    try:
        box = _parsed(list(csv.reader(io.StringIO(body, newline=""), strict=True)))
    except (CoopbankError, csv.Error, ValueError, IndexError):
        box = None
    if box is None or box.text() != text:
        raise BallotsAltered("This is no file of ballots as they are exported.", field="file")
    return box


def _parsed(rows: list[list[str]]) -> Box:
    if rows[0] != [_HEADING, _VERSION]:
        raise ValueError
    form = rows[2][1]
    pot = seats = 0
    currency = "USD"
    if form == ALLOCATION:
        currency = rows[3][2]
        pot = parse_amount(rows[3][1], currency)
    elif form == ELECTION:
        seats = int(rows[3][1])
    else:
        raise ValueError
    options = tuple(
        Option(row[1], _title(row[3]), parse_amount(row[2], currency) if form == ALLOCATION else 0)
        for row in rows[4:] if row[0] == "option"
    )  # fmt: skip
    ballots = tuple(sorted(row[1] for row in rows[4:] if row[0] == "ballot"))
    known = {option.code for option in options}
    for ballot in ballots:
        marks = ballot.split(" ")
        if ballot not in (BLANK, SPOILT) and (set(marks) - known or len(set(marks)) < len(marks)):
            raise ValueError
        if form == ELECTION and len(marks) > seats:
            raise ValueError
    return Box(rows[1][1], form, currency, pot, seats, options, ballots)


# -------------------------------------------------------------------------------------- count


@dataclass(frozen=True, slots=True)
class Place:
    """An option in the order of the count. `left`: of the pot, or of the seats, after it. `tied`: a lot decided."""

    option: Option
    approvals: int
    lot: str  # first 16 hex digits of the number that decides among equals
    tied: bool
    won: bool
    awarded: int  # minor units
    left: int


@dataclass(frozen=True, slots=True)
class Count:
    """What a box comes to. Awards and what is left add up to the pot."""

    digest: str
    ballots: int
    blank: int
    spoilt: int
    places: tuple[Place, ...]
    awarded: int
    left: int

    @property
    def won(self) -> tuple[Place, ...]:
        """What is funded, or who is elected."""
        return tuple(place for place in self.places if place.won)


def count(box: Box) -> Count:
    """Count a box."""
    digest = box.digest
    approvals = Counter(code for ballot in box.ballots if ballot not in (BLANK, SPOILT) for code in ballot.split(" "))
    lots = {option.code: number(digest, option.code) for option in box.options}
    merit = {option.code: (-approvals[option.code], option.asked) for option in box.options}
    equals = Counter(merit.values())
    left = box.pot if box.form == ALLOCATION else box.seats
    places: list[Place] = []
    for option in sorted(box.options, key=lambda each: (merit[each.code], lots[each.code])):
        cost = option.asked if box.form == ALLOCATION else 1
        won = approvals[option.code] > 0 and cost <= left
        left -= cost if won else 0
        places.append(
            Place(option, approvals[option.code], f"{lots[option.code]:064x}"[:16], equals[merit[option.code]] > 1, won,
                  option.asked if won else 0, left)
        )  # fmt: skip
    awarded = sum(place.awarded for place in places)
    assert box.form == ELECTION or awarded + left == box.pot
    return Count(digest, len(box.ballots), _how_many(box.ballots, BLANK), _how_many(box.ballots, SPOILT),
                 tuple(places), awarded, left)  # fmt: skip


def _how_many(ballots: Iterable[str], what: str) -> int:
    return sum(ballot == what for ballot in ballots)
