"""Secret ballots: who voted and what was voted are kept apart; money is allotted and seats are taken as counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.verify import verify
from coopbank.errors import (
    AlreadyVoted,
    InvalidAmount,
    InvalidDate,
    InvalidValue,
    NeedsResolution,
    NotEntitled,
    Overdrawn,
    OwnAccount,
    Unknown,
    WrongState,
)
from coopbank.finance.voting import count, read_box
from coopbank.ledger.verify import wrong
from coopbank.reports.decisions import ballot_box, resolutions
from tests.attacks.rewriter import Rewriter
from tests.bank.support_counter import refused
from tests.support_bank import SmallBank, assert_books, new_bank

POT: dict[str, Any] = {
    "meeting": "MT-00001", "form": "allocation", "question": "What is the gift for?", "fund": "EDU", "pot": "1000.00",
    "options": "ROOF 400.00 A new roof\nSHOP 300.00 =1+1\nVAN 600.00 <b>A van</b>",
}  # fmt: skip
ELECT: dict[str, Any] = {
    "meeting": "MT-00001", "form": "election", "question": "Who decides on loans?", "committee": "LOANS", "seats": 2,
    "options": "M0001\nM0002\nM0003",
}  # fmt: skip
FIVE = ["M0001", "M0002", "M0003", "M0004", "M0005"]
BOX = "2x SHOP,ROOF\nVAN\nroof\nblank"


def called(small: SmallBank) -> None:
    """Five members at an assembly today; EDU has a gift of 1,000.00."""
    for name in ("Mia", "Noa", "Oto", "Pia", "Rex"):
        small.admit(name)
    small.agreed("open-fund", small.tom, small.sue, code="EDU", fund_name="Education", fund_class="restricted")
    gift = {"fund": "EDU", "amount": "1000.00", "donor": "x", "tender": "transfer", "number": "G-07"}
    small.do("receive-gift", small.tom, **gift)
    for code, form in (("ASSEMBLY", "assembly"), ("LOANS", "committee")):
        small.agreed("set-body", small.admin, small.tom, body=code, body_name=code, form=form, notice_days=0)
    small.do("call-meeting", small.sue, body="ASSEMBLY", on="2026-03-02", notice_sent_on="2026-03-02")


@pytest.fixture
def hall(engine_url: str) -> Iterator[SmallBank]:
    with new_bank(engine_url, begin=called) as small:
        yield small
        assert_books(small)


def voted(small: SmallBank, ballots: str = BOX, voters: int = 5, **poll: Any) -> str:
    ref = small.do("open-poll", small.sue, **poll).created[0]
    small.do("give-ballots", small.sue, poll=ref, members=FIVE[:voters])
    small.agreed("close-poll", small.sue, small.tom, poll=ref)
    if ballots:
        small.agreed("load-ballots", small.sue, small.tom, poll=ref, ballots=ballots)
    return ref


def kept(small: SmallBank, ref: str) -> records.Poll:
    with small.read() as books:
        return books.get(records.Poll, ref)


# ---------------------------------------------------------------------------------- allocation


def test_money_is_allotted_as_the_ballots_say_and_spent_under_it(hall: SmallBank) -> None:
    hall.agreed("set-mandate", hall.admin, hall.tom, operation="spend-gift", body="ASSEMBLY")
    ref = voted(hall, **POT)
    hall.agreed("declare-result", hall.sue, hall.tom, poll=ref, awards="ROOF 400.00\nSHOP 300.00", left="300.00")
    with hall.read() as books:
        lines = {line.option: line for line in resolutions(books)}
    assert {option: line.amount for option, line in lines.items()} == {"ROOF": 400_00, "SHOP": 300_00}
    assert lines["ROOF"].text == "ROOF A new roof"
    spend: dict[str, Any] = {"gift": "G-07", "expense": "290", "tender": "transfer", "resolution": lines["ROOF"].ref}
    refused(hall, NeedsResolution, "spend-gift", hall.tom, amount="400.01", **spend)
    hall.agreed("spend-gift", hall.tom, hall.sue, amount="400.00", **spend)
    refused(hall, WrongState, "declare-result", hall.sue, poll=ref)


def test_money_is_not_allotted_until_a_day_that_is_over(hall: SmallBank) -> None:
    ref = voted(hall, **POT)
    refused(hall, InvalidDate, "declare-result", hall.sue, field="until", poll=ref, until="2026-03-01")
    hall.agreed("declare-result", hall.sue, hall.tom, poll=ref, until=kept_day(hall))


def kept_day(hall: SmallBank) -> str:
    with hall.read() as books:
        return str(books.business_date())


@pytest.mark.parametrize(
    ("awards", "left", "says"),
    [("ROOF 400.00\nSHOP 300.00", "299.99", "add up"), ("ROOF 400.00\nVAN 600.00", None, "ballots say otherwise"),
     ("ROOF 400.00", "600.00", "ballots say otherwise"), ("ROOF 400.00\nSHOP 700.00", None, "add up"),
     ("ROOF 300.00\nSHOP 400.00", "300.00", "ballots say otherwise")],
)  # fmt: skip
def test_an_allocation_that_does_not_add_up_or_was_not_voted(
    hall: SmallBank, awards: str, left: str | None, says: str
) -> None:
    ref = voted(hall, **POT)
    more = {} if left is None else {"left": left}
    refused(hall, InvalidAmount, "declare-result", hall.sue, field="awards", says=says, poll=ref, awards=awards, **more)


def test_anybody_can_count_the_exported_box_again(hall: SmallBank) -> None:
    ref = voted(hall, **POT)
    with hall.read() as books:
        found = ballot_box(books, ref)
    assert not any(member in found.text for member in FIVE), "it names nobody"
    again = read_box(found.text)
    assert count(again) == found.count and again.digest == found.digest
    assert again.ballots == ("ROOF", "ROOF SHOP", "ROOF SHOP", "VAN", "blank")


def test_the_order_in_the_box_leaves_no_trace(hall: SmallBank) -> None:
    first = voted(hall, "VAN\nROOF SHOP\nblank\nroof\nSHOP roof", **POT)
    second = voted(hall, "blank\nROOF\nVAN\nshop, ROOF\nROOF SHOP", **POT)
    with hall.read() as books:
        texts = [
            json.loads(text)[10]["ballots"]
            for (text,) in books.tx.rows("SELECT sealed FROM operation WHERE kind = 'load-ballots' ORDER BY id")
        ]
        asked = [body.payload["ballots"] for _ref, body in books.every(records.Request) if "ballots" in body.payload]
        boxes = [books.get(records.BallotBox, ref) for ref in (first, second)]
    assert texts[0] == texts[1] == asked[0] == asked[1] == ["1x ROOF", "2x ROOF SHOP", "1x VAN", "1x blank"]
    assert boxes[0].ballots == boxes[1].ballots


# -------------------------------------------------------------------------------------- election


def test_who_is_elected_takes_a_seat(hall: SmallBank) -> None:
    ref = voted(hall, "2x M0002\nM0002 M0003\nM0003\nspoilt", **ELECT)
    refused(hall, InvalidValue, "declare-result", hall.sue, field="until", poll=ref)
    refused(hall, InvalidValue, "declare-result", hall.sue, field="awards", poll=ref, until="2027-03-01",
            awards="M0001 1.00")  # fmt: skip
    refused(hall, InvalidDate, "declare-result", hall.sue, field="until", poll=ref, until="2026-03-01")
    hall.agreed("declare-result", hall.sue, hall.tom, poll=ref, until="2027-03-01")
    with hall.read() as books:
        seats = {seat.member: seat.elected_by for _ref, seat in books.about(records.Seat, "LOANS")}
    assert seats == {"M0002": ref, "M0003": ref}


def test_who_is_elected_again_for_no_longer_keeps_the_seat(hall: SmallBank) -> None:
    hall.agreed("seat-member", hall.admin, hall.tom, body="LOANS", member="M0002", until="2027-03-01")
    ref = voted(hall, "3x M0002\n2x M0003", **ELECT)
    hall.agreed("declare-result", hall.sue, hall.tom, poll=ref, until="2027-03-01")
    with hall.read() as books:
        seats = {seat.member: seat.elected_by for _ref, seat in books.about(records.Seat, "LOANS")}
    assert seats == {"M0002": "", "M0003": ref}


def test_a_meeting_is_cancelled_with_its_polls_until_one_is_counted(hall: SmallBank) -> None:
    ref = voted(hall, "", **POT)
    hall.do("call-meeting", hall.sue, body="ASSEMBLY", on="2026-03-02", notice_sent_on="2026-03-02")
    voted(hall, **(POT | {"meeting": "MT-00002"}))
    hall.do("cancel-meeting", hall.sue, meeting="MT-00001", why="the notice was wrong")
    assert kept(hall, ref).state == "withdrawn"
    refused(hall, WrongState, "load-ballots", hall.sue, poll=ref, ballots="5x ROOF")
    refused(hall, WrongState, "cancel-meeting", hall.sue, field="meeting", meeting="MT-00002", why="x")


def test_who_left_meanwhile_takes_no_seat(hall: SmallBank) -> None:
    ref = voted(hall, "3x M0002\nM0002 M0003\nM0003", **ELECT)
    hall.do("change-member", member="M0003", status="left")
    hall.agreed("declare-result", hall.sue, hall.tom, poll=ref, until="2027-03-01")
    with hall.read() as books:
        assert [seat.member for _ref, seat in books.about(records.Seat, "LOANS")] == ["M0002"]


# --------------------------------------------------------------------------------- who may vote


def test_one_ballot_to_each_who_may_vote(hall: SmallBank) -> None:
    late = hall.admit("Tao")
    ref = hall.do("open-poll", hall.sue, **POT).created[0]
    refused(hall, NotEntitled, "give-ballots", hall.sue, field="members.1", poll=ref, members=["M0001", late])
    refused(hall, AlreadyVoted, "give-ballots", hall.sue, field="members.1", poll=ref, members=["M0001", "M0001"])
    hall.do("give-ballots", hall.sue, poll=ref, members=["M0001"])
    refused(hall, AlreadyVoted, "give-ballots", hall.sue, field="members.0", poll=ref, members=["M0001"])
    hall.agreed("link-user", hall.admin, hall.tom, user="ana", member="M0002")
    refused(hall, OwnAccount, "give-ballots", poll=ref, members=["M0002"])
    hall.do("give-ballots", hall.sue, poll=ref, members=FIVE[1:])
    hall.agreed("close-poll", hall.sue, hall.tom, poll=ref)
    refused(hall, WrongState, "give-ballots", hall.sue, field="poll", poll=ref, members=["M0001"])
    refused(hall, WrongState, "close-poll", hall.sue, field="poll", poll=ref)


def test_too_few_voters_and_the_box_stays_shut(hall: SmallBank) -> None:
    ref = voted(hall, "", voters=2, **POT)
    assert kept(hall, ref).state == "no-quorum"
    refused(hall, WrongState, "load-ballots", hall.sue, field="poll", poll=ref, ballots="ROOF\nVAN")


def test_a_box_of_two_ballots_is_not_counted(hall: SmallBank) -> None:
    ref = voted(hall, "", **POT)
    refused(hall, WrongState, "load-ballots", hall.sue, field="ballots", poll=ref, ballots="ROOF\nVAN", missing="lost")
    hall.agreed("withdraw-poll", hall.sue, hall.tom, poll=ref, why="ballots were lost")
    refused(hall, WrongState, "withdraw-poll", hall.sue, poll=ref, why="again")


# ------------------------------------------------------------------------------------ the ballots


@pytest.mark.parametrize(
    ("error", "ballots"),
    [(InvalidValue, "6x ROOF"), (InvalidValue, "4x ROOF"), (Unknown, "5x RIVER"), (InvalidValue, "5x ROOF ROOF"),
     (InvalidValue, "5x"), (InvalidValue, "999999x ROOF"), (InvalidValue, "5x <b>"), (InvalidValue, "0x ROOF")],
)  # fmt: skip
def test_ballots_that_are_refused(hall: SmallBank, error: type[Any], ballots: str) -> None:
    ref = voted(hall, "", **POT)
    refused(hall, error, "load-ballots", hall.sue, poll=ref, ballots=ballots)
    hall.agreed("load-ballots", hall.sue, hall.tom, poll=ref, ballots="4x ROOF", missing="one went home with it")
    refused(hall, WrongState, "load-ballots", hall.sue, poll=ref, ballots="5x VAN")


def test_more_names_than_seats_are_spoilt(hall: SmallBank) -> None:
    ref = voted(hall, "", **ELECT)
    refused(hall, InvalidValue, "load-ballots", hall.sue, field="ballots", poll=ref, ballots="5x M0001 M0002 M0003")


def test_polls_that_are_refused(hall: SmallBank) -> None:
    def no(error: type[Any], field: str, poll: dict[str, Any], **change: Any) -> None:
        refused(hall, error, "open-poll", hall.sue, field=field, **(poll | change))

    no(Overdrawn, "pot", POT, pot="1000.01")
    no(InvalidAmount, "options.0.asked", POT, options="ROOF 1000.01 x")
    no(InvalidAmount, "options.0.asked", POT, options="ROOF")
    no(InvalidValue, "options", POT, options="ROOF 1.00\nroof 2.00")
    no(InvalidValue, "options.0.code", POT, options="blank 1.00")
    no(InvalidValue, "seats", POT, seats=2)
    no(InvalidValue, "fund", ELECT, fund="EDU")
    no(Unknown, "fund", POT, fund="NOPE")
    no(Unknown, "options.0.code", ELECT, options="M0099")
    no(InvalidValue, "options", ELECT, options="M0001 1.00")
    no(WrongState, "committee", ELECT, committee="ASSEMBLY")


# ---------------------------------------------------------------------------------------- verify


EDITS: dict[str, tuple[str, Any, str]] = {
    "a ballot": ("load-ballots", lambda p: p[12][0][5].update(ballots={"VAN": 5}), "not those that were"),
    "more ballots": ("load-ballots", lambda p: p[12][0][5].update(ballots={"VAN": 9}), "more ballots"),
    "a voter": ("give-ballots", lambda p: p[12][0][5].update(member="M0009"), "without a right"),
    "twice": ("give-ballots", lambda p: p[12][1][5].update(member="M0001"), "second ballot"),
    "an award": ("declare-result", lambda p: p[12][0][5].update(amount=999_00), "not what the ballots"),
    "another option": ("declare-result", lambda p: p[12][0][5].update(option="VAN"), "not what the ballots"),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_an_altered_poll_is_found(hall: SmallBank, edit: str) -> None:
    if hall.bank.database.dialect != "sqlite":
        pytest.skip("the attacker's tool works on files")
    ref = voted(hall, **POT)
    hall.agreed("declare-result", hall.sue, hall.tom, poll=ref)
    kind, change, says = EDITS[edit]
    with hall.read() as books:
        number = books.tx.value("SELECT max(id) FROM operation WHERE kind = ?", kind)
        before = books.tx.value("SELECT sealed FROM operation WHERE id = ?", number)
    with Rewriter(hall.bank.database.place) as forger:
        forger.change(number, change)
    found = [f.message for f in wrong(verify(hall.bank.database)) if f.check == "resolutions"]
    assert any(says in message for message in found), found
    with Rewriter(hall.bank.database.place) as mender:
        mender.change(number, lambda places: places.__setitem__(slice(10, 13), json.loads(before)[10:13]))
