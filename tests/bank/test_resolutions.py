"""Bodies, meetings and resolutions: who may vote, once each, with what quorum, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.verify import verify
from coopbank.bank.voting import may_vote
from coopbank.errors import (
    AlreadyExists,
    AlreadyVoted,
    InvalidDate,
    InvalidValue,
    NotAllowed,
    NotEntitled,
    OwnAccount,
    Unknown,
    WrongState,
)
from coopbank.ledger.verify import wrong
from tests.attacks.rewriter import Rewriter
from tests.bank.support_counter import HOSTILE, refused
from tests.support_bank import SmallBank, assert_books, new_bank

NAMES = ("Mia", "Noa", "Oto", "Pia", "Rex", "Sol")


def begun_hall(small: SmallBank) -> None:
    """Six members; the first has many shares. An assembly that is called for 16 March, and a committee of three."""
    for name in NAMES:
        small.admit(name)
    small.do("buy-shares", member="M0001", amount="400.00", share_class="903")
    body(small, "ASSEMBLY", body_name="All members", form="assembly", quorum_percent="50", quorum_least=3)
    body(small, "LOANS", body_name="Loan committee", form="committee", quorum_least=2, notice_days=3)
    for member in ("M0001", "M0002", "M0003"):
        small.agreed("seat-member", small.admin, small.tom, body="LOANS", member=member, until="2027-03-01")
    small.do("call-meeting", small.sue, body="ASSEMBLY", on="2026-03-16", notice_sent_on="2026-03-02")


@pytest.fixture
def hall(engine_url: str) -> Iterator[SmallBank]:
    with new_bank(engine_url, begin=begun_hall) as small:
        yield small
        assert_books(small)


def body(small: SmallBank, code: str, **values: Any) -> None:
    small.agreed("set-body", small.admin, small.tom, body=code, **values)


def moved(small: SmallBank, meeting: str = "MT-00001", **values: Any) -> str:
    """A resolution, and the day on which it is voted on."""
    values = {"matter": "other", "text": "We paint the door green"} | values
    ref = small.do("propose-resolution", small.sue, meeting=meeting, **values).created[0]
    with small.read() as books:
        day, held = str(books.business_date()), books.get(records.Meeting, meeting).on
    if day < held:
        small.go_to(held)
    return ref


def vote(small: SmallBank, ref: str, votes: str) -> None:
    """One letter a member, from M0001 on: f(or), a(gainst), - abstains, o has an interest, . is not there."""
    said = {"f": "for", "a": "against", "-": "abstain"}
    for number, letter in enumerate(votes, start=1):
        if letter == "o":
            small.do("declare-interest", resolution=ref, member=f"M000{number}", why="a relative")
        elif letter != ".":
            small.do("record-vote", resolution=ref, member=f"M000{number}", vote=said[letter])


def closed(small: SmallBank, ref: str) -> records.Resolution:
    small.agreed("close-vote", small.sue, small.tom, resolution=ref)
    with small.read() as books:
        return books.get(records.Resolution, ref)


def meeting(small: SmallBank, ref: str = "MT-00001") -> records.Meeting:
    with small.read() as books:
        return books.get(records.Meeting, ref)


# ----------------------------------------------------------------------------- bodies and rolls


def test_each_member_is_on_the_roll_once_whatever_the_shares(hall: SmallBank) -> None:
    assert meeting(hall).roll == 6
    hall.do("call-meeting", hall.sue, body="LOANS", on="2026-03-05", notice_sent_on="2026-03-02")
    assert meeting(hall, "MT-00002").roll == 3


def test_who_comes_later_is_not_on_the_roll(hall: SmallBank) -> None:
    late = hall.admit("Tao")
    early = hall.admit("Uma", joined_on="2020-01-01")  # a member for long, but not in these books when it was called
    ref = moved(hall)
    for member in (late, early):
        refused(hall, NotEntitled, "record-vote", field="member", resolution=ref, member=member, vote="for")
    refused(hall, NotEntitled, "record-vote", resolution=ref, member="M0099", vote="for")


def test_who_has_left_or_died_does_not_vote(hall: SmallBank) -> None:
    ref = moved(hall)
    hall.do("change-member", member="M0006", status="left")
    hall.do("record-death", member="M0005", died_on="2026-03-15", evidence="4711")
    for member in ("M0005", "M0006"):
        refused(hall, NotEntitled, "record-vote", resolution=ref, member=member, vote="for")
    hall.do("call-meeting", hall.sue, body="ASSEMBLY", on="2026-03-26", notice_sent_on="2026-03-16")
    assert meeting(hall, "MT-00002").roll == 4


def test_who_was_not_there_when_the_roll_was_drawn_up_does_not_vote(hall: SmallBank) -> None:
    """Noted as dead, or as having left, by mistake, and back since: the roll was counted without them."""
    hall.do("record-death", member="M0005", died_on="2026-03-01", evidence="4711")
    hall.do("change-member", member="M0006", status="left")
    hall.do("call-meeting", hall.sue, body="ASSEMBLY", on="2026-03-16", notice_sent_on="2026-03-02")
    assert meeting(hall, "MT-00002").roll == 4
    hall.agreed("withdraw-death", member="M0005")
    hall.do("change-member", member="M0006", status="active")
    ref = moved(hall, "MT-00002")
    for member in ("M0005", "M0006"):
        refused(hall, NotEntitled, "record-vote", field="member", resolution=ref, member=member, vote="for")
    before = moved(hall)  # they are on the roll of the meeting that was called while they were there
    for member in ("M0005", "M0006"):
        hall.do("record-vote", resolution=before, member=member, vote="for")


def test_seats_have_terms_and_ends(hall: SmallBank) -> None:
    hall.agreed("end-seat", hall.admin, hall.tom, body="LOANS", member="M0003", why="moved away")
    hall.do("call-meeting", hall.sue, body="LOANS", on="2026-03-05", notice_sent_on="2026-03-02")
    assert meeting(hall, "MT-00002").roll == 2
    ref = moved(hall, "MT-00002")
    hall.agreed("seat-member", hall.admin, hall.tom, body="LOANS", member="M0003", until="2027-03-01")
    with hall.read() as books:
        assert not may_vote(books, meeting(hall, "MT-00002"), "committee", "M0003"), "it was given after the call"
    refused(hall, NotEntitled, "record-vote", resolution=ref, member="M0004", vote="for")
    hall.agreed("end-seat", hall.admin, hall.tom, body="LOANS", member="M0002", why="ill")
    refused(hall, NotEntitled, "record-vote", resolution=ref, member="M0002", vote="for")


def test_bodies_that_are_refused(hall: SmallBank) -> None:
    rules: dict[str, Any] = {"body_name": "All", "form": "assembly"}
    refused(hall, InvalidValue, "set-body", hall.admin, field="form", body="LOANS", **rules)
    refused(hall, InvalidValue, "set-body", hall.admin, field="quorum_percent", body="X", quorum_percent="101", **rules)
    refused(hall, InvalidValue, "set-body", hall.admin, field="majorities", body="X", majorities="loan most", **rules)
    refused(hall, InvalidValue, "set-body", hall.admin, field="majorities", body="X", majorities="loan", **rules)
    again: dict[str, Any] = {"body_name": "All members", "form": "assembly", "quorum_percent": "50", "quorum_least": 3}
    refused(hall, InvalidValue, "set-body", hall.admin, field="body", body="assembly", **again)
    refused(hall, NotAllowed, "set-body", hall.ana, body="X", **rules)
    seat: dict[str, Any] = {"body": "LOANS", "member": "M0001"}
    refused(hall, AlreadyExists, "seat-member", hall.admin, field="until", until="2027-03-01", **seat)
    refused(hall, InvalidDate, "seat-member", hall.admin, field="until", until="2026-03-01", **seat)
    refused(hall, InvalidDate, "seat-member", hall.admin, field="until", until="2099-03-01", **seat)
    refused(hall, WrongState, "seat-member", hall.admin, body="ASSEMBLY", member="M0001", until="2027-03-01")
    refused(hall, WrongState, "end-seat", hall.admin, field="member", body="LOANS", member="M0005", why="x")
    body(hall, "OLD", body_name="Old", form="council", dissolved=True)
    refused(hall, WrongState, "seat-member", hall.admin, body="OLD", member="M0001", until="2027-03-01")


# ------------------------------------------------------------------------------------- meetings


def test_a_notice_that_is_too_short(hall: SmallBank) -> None:
    call: dict[str, Any] = {"body": "ASSEMBLY", "notice_sent_on": "2026-03-02"}
    said = refused(hall, InvalidDate, "call-meeting", hall.sue, field="on", on="2026-03-11", **call)
    assert "2026-03-12" in str(said)
    hall.do("call-meeting", hall.sue, on="2026-03-12", **call)
    hall.agreed("set-policy", hall.tom, hall.sue, policy="meeting_notice_days", value="21")
    hall.do("call-meeting", hall.sue, on="2026-03-12", **call)  # the body keeps the rule that it was set up with


def test_meetings_that_are_refused(hall: SmallBank) -> None:
    call: dict[str, Any] = {"body": "ASSEMBLY", "on": "2026-03-20"}
    refused(hall, InvalidDate, "call-meeting", hall.sue, field="notice_sent_on", notice_sent_on="2026-03-03", **call)
    early: dict[str, Any] = {"notice_sent_on": "2026-03-01", "record_date": "2026-03-03"}
    refused(hall, InvalidDate, "call-meeting", hall.sue, field="record_date", **early, **call)
    refused(hall, WrongState, "call-meeting", hall.sue, field="body", notice_sent_on="2026-02-01", **call)
    far: dict[str, Any] = {"body": "ASSEMBLY", "on": "2028-03-20", "notice_sent_on": "2026-03-01"}
    refused(hall, InvalidDate, "call-meeting", hall.sue, field="on", **far)
    refused(hall, Unknown, "call-meeting", hall.sue, **(call | {"body": "NONE"}), notice_sent_on="2026-03-01")
    refused(hall, Unknown, "cancel-meeting", hall.sue, meeting="MT-00009", why="x")


def test_a_meeting_that_is_not_held(hall: SmallBank) -> None:
    ref = moved(hall)
    hall.do("cancel-meeting", hall.sue, meeting="MT-00001", why="a storm")
    refused(hall, WrongState, "record-vote", resolution=ref, member="M0001", vote="for")
    refused(hall, WrongState, "propose-resolution", hall.sue, meeting="MT-00001", matter="other", text="x")


def test_a_meeting_that_decided_is_not_cancelled(hall: SmallBank) -> None:
    ref = moved(hall)
    vote(hall, ref, "fff")
    closed(hall, ref)
    refused(hall, WrongState, "cancel-meeting", hall.sue, meeting="MT-00001", why="x")


# -------------------------------------------------------------------------------------- outcome


@pytest.mark.parametrize(
    ("votes", "state"),
    [
        ("ffa...", "carried"), ("faa...", "rejected"), ("fa-...", "rejected"), ("f--...", "carried"),
        ("---...", "rejected"), ("ff....", "no-quorum"), ("......", "no-quorum"), ("ffo...", "no-quorum"),
        ("ffoao.", "carried"), ("aaafff", "rejected"), ("ffffaa", "carried"),
    ],
)  # fmt: skip
def test_by_name(hall: SmallBank, votes: str, state: str) -> None:
    ref = moved(hall)
    vote(hall, ref, votes)
    found = closed(hall, ref)
    assert (found.state, found.manner) == (state, "by-name")
    assert (found.in_favour, found.against, found.abstained, found.recused) == tuple(map(votes.count, "fa-o"))


def test_a_larger_majority_where_the_body_wants_it(hall: SmallBank) -> None:
    rules: dict[str, Any] = {"body_name": "All members", "form": "assembly", "quorum_percent": "50", "quorum_least": 3}
    body(hall, "ASSEMBLY", majorities="policy two-thirds, transfer of-all", **rules)
    subject: dict[str, Any] = {"matter": "policy", "about": "paper"}
    first = moved(hall, **subject)
    second, third = moved(hall, **subject), moved(hall, matter="transfer", about="GEN", amount="5.00")
    body(hall, "ASSEMBLY", **rules)  # what was moved before keeps its majority
    vote(hall, first, "fffaa.")
    vote(hall, second, "ffffaa")
    vote(hall, third, "fff...")
    assert closed(hall, first).state == "rejected"
    assert closed(hall, second).state == "carried"
    assert closed(hall, third).state == "rejected"


def test_a_count_of_hands_is_signed_by_two(hall: SmallBank) -> None:
    ref = moved(hall)
    hall.agreed("record-count", hall.sue, hall.tom, resolution=ref, in_favour=3, against=1, abstained=1)
    refused(hall, AlreadyVoted, "record-vote", resolution=ref, member="M0001", vote="for")
    refused(hall, WrongState, "declare-interest", resolution=ref, member="M0001", why="x")
    found = closed(hall, ref)
    assert (found.state, found.manner, found.in_favour) == ("carried", "by-count", 3)


def test_counts_that_are_refused(hall: SmallBank) -> None:
    ref = moved(hall)
    hall.do("declare-interest", resolution=ref, member="M0006", why="her brother asks")
    too_many: dict[str, Any] = {"in_favour": 4, "against": 2}
    refused(hall, InvalidValue, "record-count", hall.sue, field="in_favour", resolution=ref, **too_many)
    refused(hall, InvalidValue, "record-count", hall.sue, field="against", resolution=ref, in_favour=1, against=-1)
    vote(hall, ref, "f")
    refused(hall, AlreadyVoted, "record-count", hall.sue, resolution=ref, in_favour=2, against=2)


# ---------------------------------------------------------------------------------- once, in time


def test_one_member_one_vote(hall: SmallBank) -> None:
    ref = moved(hall)
    vote(hall, ref, "f")
    again: dict[str, Any] = {"resolution": ref, "member": "M0001"}
    refused(hall, AlreadyVoted, "record-vote", field="member", vote="against", **again)
    refused(hall, AlreadyVoted, "record-vote", vote="for", why="typed wrong", **again)
    hall.do("record-vote", vote="against", why="typed wrong", **again)
    vote(hall, ref, ".ff")
    assert closed(hall, ref).against == 1


def test_not_before_the_meeting_and_not_after_the_close(hall: SmallBank) -> None:
    ref = hall.do("propose-resolution", meeting="MT-00001", matter="other", text="x").created[0]
    refused(hall, WrongState, "record-vote", resolution=ref, member="M0001", vote="for")
    refused(hall, WrongState, "record-count", hall.sue, resolution=ref, in_favour=3, against=0)
    refused(hall, WrongState, "close-vote", hall.sue, resolution=ref)
    hall.go_to("2026-03-16")
    vote(hall, ref, "fff")
    closed(hall, ref)
    for operation, values in (
        ("record-vote", {"member": "M0004", "vote": "against"}), ("record-count", {"in_favour": 0, "against": 6}),
        ("declare-interest", {"member": "M0001", "why": "x"}), ("close-vote", {}),
        ("withdraw-resolution", {"why": "x"}),
    ):  # fmt: skip
        refused(hall, WrongState, operation, hall.sue, field="resolution", resolution=ref, **values)


def test_nobody_records_their_own_vote(hall: SmallBank) -> None:
    hall.agreed("link-user", hall.admin, hall.tom, user="ana", member="M0002")
    ref = moved(hall)
    refused(hall, OwnAccount, "record-vote", resolution=ref, member="M0002", vote="for")
    hall.do("record-vote", hall.sue, resolution=ref, member="M0002", vote="for")


def test_nobody_closes_a_vote_alone(hall: SmallBank) -> None:
    ref = moved(hall)
    vote(hall, ref, "fff")
    assert hall.ask("close-vote", hall.sue, resolution=ref).status == "pending"


# ------------------------------------------------------------------------------------- interest


def test_who_borrows_and_their_relatives_do_not_vote(hall: SmallBank) -> None:
    hall.agreed("link-user", hall.admin, hall.tom, user="tom", member="M0002")
    hall.do("declare-relative", hall.tom, user="tom", relative="M0001")
    asked = hall.do("apply-for-loan", member="M0001", product="TERM", amount="500.00", purpose="a kiln").created[0]
    ref = moved(hall, matter="loan", about=asked, amount="500.00")
    for member in ("M0001", "M0002"):
        refused(hall, NotEntitled, "record-vote", hall.sue, resolution=ref, member=member, vote="for")
    for member in ("M0003", "M0004", "M0005"):
        hall.do("record-vote", hall.sue, resolution=ref, member=member, vote="for")
    refused(hall, WrongState, "close-vote", hall.sue, field="resolution", resolution=ref)
    hall.do("declare-interest", hall.sue, resolution=ref, member="M0001", why="asks for the loan")
    hall.do("declare-interest", hall.sue, resolution=ref, member="M0002", why="a relative")
    with pytest.raises(OwnAccount):
        hall.agreed("close-vote", hall.sue, hall.tom, resolution=ref)
    hall.agreed("close-vote", hall.sue, hall.admin, resolution=ref)
    with hall.read() as books:
        found = books.get(records.Resolution, ref)
    assert (found.state, found.recused) == ("carried", 2)


def test_an_interest_takes_a_vote_back(hall: SmallBank) -> None:
    ref = moved(hall)
    vote(hall, ref, "ffff")
    hall.do("declare-interest", resolution=ref, member="M0004", why="it is her door")
    refused(hall, AlreadyVoted, "declare-interest", resolution=ref, member="M0004", why="again")
    refused(hall, NotEntitled, "record-vote", resolution=ref, member="M0004", vote="for", why="after all")
    found = closed(hall, ref)
    assert (found.in_favour, found.recused) == (3, 1)


# --------------------------------------------------------------------------------- what is moved


def test_motions_that_are_refused(hall: SmallBank) -> None:
    move: dict[str, Any] = {"meeting": "MT-00001", "text": "x"}
    refused(hall, InvalidValue, "propose-resolution", hall.sue, field="about", matter="loan", **move)
    refused(hall, InvalidValue, "propose-resolution", hall.sue, field="amount", matter="loan", about="A-001", **move)
    for matter, about in (("loan", "A-001"), ("policy", "no-such"), ("transfer", "NOPE")):
        named = {"matter": matter, "about": about, "amount": "5.00"}
        refused(hall, Unknown, "propose-resolution", hall.sue, field="about", **named, **move)
    refused(
        hall, InvalidDate, "propose-resolution", hall.sue, field="until", matter="other", until="2026-03-10", **move
    )
    refused(hall, InvalidValue, "propose-resolution", hall.sue, field="amount", matter="other", amount="0.00", **move)


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_stay_as_they_are(hall: SmallBank, text: str) -> None:
    ref = hall.do("propose-resolution", meeting="MT-00001", matter="other", text=text).created[0]
    hall.do("withdraw-resolution", resolution=ref, why=text)
    with hall.read() as books:
        found = books.get(records.Resolution, ref)
    assert (found.text, found.why, found.state) == (text, text, "withdrawn")


# ---------------------------------------------------------------------------------------- verify


EDITS: dict[str, tuple[str, dict[str, Any], str]] = {
    "another vote": ("vote", {"vote": "for"}, "other votes"),
    "another outcome": ("resolution", {"state": "carried"}, "votes say otherwise"),
    "another figure": ("resolution", {"in_favour": 4}, "other votes"),
    "a stranger": ("vote", {"member": "M0009"}, "not on the roll"),
    "a smaller roll": ("meeting", {"roll": 5}, "has 6 members, not 5"),
    "a lower quorum": ("meeting", {"quorum_least": 1}, "not called by the rules"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_altered_vote_is_found(hall: SmallBank, edit: str) -> None:
    if hall.bank.database.dialect != "sqlite":
        pytest.skip("the attacker's tool works on files")
    ref = moved(hall)
    vote(hall, ref, "faa")
    closed(hall, ref)
    kind, values, says = EDITS[edit]
    with hall.read() as books:
        number = books.tx.value("SELECT max(operation_id) FROM record WHERE kind = ?", kind)
    with Rewriter(hall.bank.database.place) as forger:
        forger.change(number, lambda places: next(row[5] for row in places[12] if row[1] == kind).update(values))
    found = [f.message for f in wrong(verify(hall.bank.database)) if f.check == "resolutions"]
    assert any(says in message for message in found), found
    with Rewriter(hall.bank.database.place) as mender:
        mender.change(
            number,
            lambda places: next(row[5] for row in places[12] if row[1] == kind).update(
                {name: BEFORE[name] for name in values}
            ),
        )


BEFORE: dict[str, Any] = {
    "vote": "against", "state": "rejected", "in_favour": 1, "member": "M0003", "roll": 6, "quorum_least": 3,
}  # fmt: skip
