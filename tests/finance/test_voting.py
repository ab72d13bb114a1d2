"""Votes and ballots: quorum, majority, approval voting, the box as a text."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.errors import BallotsAltered
from coopbank.finance.sampling import number
from coopbank.finance.voting import (
    ALLOCATION,
    BLANK,
    ELECTION,
    RULES,
    SPOILT,
    Box,
    Option,
    Tally,
    count,
    needed,
    outcome,
    read_box,
)

OPTIONS = (Option("ROOF", "A new roof", 400_00), Option("SHOP", "=1+1", 300_00), Option("VAN", "<b>A van</b>", 600_00))


def box(*ballots: str, pot: int = 1000_00, options: tuple[Option, ...] = OPTIONS) -> Box:
    return Box("PL-00001", ALLOCATION, "USD", pot, 0, options, tuple(sorted(ballots)))


def election(seats: int, *ballots: str) -> Box:
    options = tuple(Option(code, "") for code in ("M0001", "M0002", "M0003"))
    return Box("PL-00002", ELECTION, "USD", 0, seats, options, tuple(sorted(ballots)))


# ------------------------------------------------------------------------------ votes by name


@pytest.mark.parametrize(
    ("entitled", "percent", "least", "wanted"),
    [(10, "50", 2, 5), (11, "50", 2, 6), (10, "33.333", 2, 4), (3, "33.333", 1, 1), (3, "0", 2, 2), (4, "10", 3, 3),
     (7, "100", 1, 7)],
)  # fmt: skip
def test_a_quorum_is_rounded_up(entitled: int, percent: str, least: int, wanted: int) -> None:
    assert needed(entitled, percent, least) == wanted


@pytest.mark.parametrize(
    ("votes", "won"),
    [
        ((2, 1, 0), {"simple", "two-thirds"}), ((1, 1, 0), set()),
        ((3, 1, 0), {"simple", "two-thirds", "three-quarters"}),
        ((0, 0, 4), set()), ((1, 0, 3), {"simple", "two-thirds", "three-quarters"}),
        ((5, 1, 0), {"simple", "two-thirds", "three-quarters", "of-all"}), ((4, 4, 0), set()),
    ],
)  # fmt: skip
def test_majorities(votes: tuple[int, int, int], won: set[str]) -> None:
    tally = Tally(*votes, recused=0, roll=8)
    assert {rule for rule in RULES if outcome(tally, rule, "0", 1) == "carried"} == won


def test_who_has_an_interest_counts_on_neither_side() -> None:
    assert outcome(Tally(2, 0, 0, recused=6, roll=10), "of-all", "50", 2) == "rejected"
    assert outcome(Tally(3, 0, 0, recused=6, roll=10), "of-all", "50", 2) == "carried"
    assert outcome(Tally(1, 0, 0, recused=8, roll=10), "simple", "50", 2) == "no-quorum"


@given(st.tuples(*[st.integers(0, 50)] * 3), st.sampled_from(RULES))
def test_one_more_vote_for_never_loses(votes: tuple[int, int, int], rule: str) -> None:
    fewer, more = Tally(*votes, 0, 200), Tally(votes[0] + 1, votes[1], votes[2], 0, 200)
    if outcome(fewer, rule, "0", 1) == "carried":
        assert outcome(more, rule, "0", 1) == "carried"


# -------------------------------------------------------------------------------------- count


def test_a_pot_is_allotted_by_approvals_as_far_as_it_goes() -> None:
    found = count(box("ROOF SHOP", "ROOF", "ROOF VAN", "SHOP VAN", "VAN", BLANK, SPOILT))
    said = [(p.option.code, p.approvals, p.won, p.awarded, p.left) for p in found.places]
    assert said == [("ROOF", 3, True, 400_00, 600_00), ("VAN", 3, True, 600_00, 0), ("SHOP", 2, False, 0, 0)]
    assert (found.ballots, found.blank, found.spoilt, found.awarded, found.left) == (7, 1, 1, 1000_00, 0)


def test_what_does_not_fit_is_passed_over_and_what_nobody_wants_gets_nothing() -> None:
    found = count(box("ROOF", "ROOF VAN", "VAN", "VAN", pot=900_00))
    assert [(p.option.code, p.awarded, p.left) for p in found.places] == [
        ("VAN", 600_00, 300_00), ("ROOF", 0, 300_00), ("SHOP", 0, 300_00),
    ]  # fmt: skip
    assert found.left == 300_00


def test_among_equals_the_smaller_sum_then_the_lot() -> None:
    found = count(box("SHOP VAN", "SHOP VAN", "ROOF"))
    assert [p.option.code for p in found.places][:2] == ["SHOP", "VAN"]
    ballots = election(1, "M0001", "M0002", "M0003")
    drawn = count(ballots)
    lots = {code: number(ballots.digest, code) for code in ("M0001", "M0002", "M0003")}
    assert [p.option.code for p in drawn.places] == sorted(lots, key=lambda code: lots[code])
    assert all(p.tied for p in drawn.places) and len(drawn.won) == 1


def test_an_election_fills_its_seats() -> None:
    found = count(election(2, "M0001 M0002", "M0002", "M0003", "M0002 M0003", BLANK))
    assert [p.option.code for p in found.won] == ["M0002", "M0003"]
    assert len(count(election(3, "M0001", "M0002")).won) == 2, "who got no vote gets no seat"


@given(st.lists(st.sets(st.sampled_from(["ROOF", "SHOP", "VAN"])), max_size=30), st.integers(0, 2000_00))
def test_awards_and_rest_are_the_pot(ballots: list[set[str]], pot: int) -> None:
    found = count(box(*(" ".join(sorted(ballot)) or BLANK for ballot in ballots), pot=pot))
    assert found.awarded + found.left == pot and found.left >= 0
    assert all(place.awarded in (0, place.option.asked) for place in found.places)
    assert found == count(read_box(box(*(" ".join(sorted(b)) or BLANK for b in ballots), pot=pot).text()))


# ----------------------------------------------------------------------------------- the text


TITLES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30).map(str.strip)


@given(TITLES, st.integers(1, 10**9))
def test_a_box_is_read_as_it_was_written(title: str, asked: int) -> None:
    wanted = box("A", "A B", BLANK, options=(Option("A", title, asked), Option("B", "'=quoted", 1)))
    assert read_box(wanted.text()) == wanted
    assert read_box(election(2, "M0001", SPOILT).text()) == election(2, "M0001", SPOILT)


def test_the_digest_is_what_sha256sum_says() -> None:
    text = box("ROOF", "SHOP").text()
    body, _mark, said = text.rpartition("sha256,")
    assert said == hashlib.sha256(body.encode()).hexdigest() + "\n"
    assert '"\'=1+1"' in text or ",'=1+1" in text, "no spreadsheet takes a title for a formula"


def test_what_is_sealed_does_not_change() -> None:
    assert box("ROOF", "SHOP").digest == "c7625aaacce0cf80412eaca92f24fe63d6fcf7ee93caed638cc6896ad8f72ca2"


@pytest.mark.parametrize(
    ("old", "new"),
    [("ballot,ROOF\n", "ballot,SHOP\n"), ("400.00", "500.00"), ("ballot,ROOF\n", ""), ("1000.00", "9000.00"),
     ("A new roof", "A new Roof"), ("sha256,", "sha256,0"), ("PL-00001", "PL-00002")],
)  # fmt: skip
def test_an_altered_box_is_refused(old: str, new: str) -> None:
    text = box("ROOF", "SHOP VAN", "ROOF SHOP").text()
    assert old in text
    with pytest.raises(BallotsAltered):
        read_box(text.replace(old, new, 1))


@pytest.mark.parametrize(
    "text", ["", "x", "sha256,", "\x00", "sha256,0\n", "coopbank-ballots,1\nsha256,0\n", "=1+1\n" * 9]
)
def test_what_is_no_box_is_refused(text: str) -> None:
    with pytest.raises(BallotsAltered):
        read_box(text)


@pytest.mark.parametrize(
    "forged",
    [box("ROOF NONE"), box("ROOF ROOF"), replace(box("ROOF"), form="other"), election(1, "M0001 M0002"),
     replace(box("A"), ballots=("VAN", "ROOF")), replace(box("ROOF"), currency="USDX")],
)  # fmt: skip
def test_a_forged_box_with_a_right_digest_is_refused_where_it_makes_no_sense(forged: Box) -> None:
    try:
        text = forged.text()
    except Exception:
        pytest.skip("such a box cannot even be written")
    with pytest.raises(BallotsAltered):
        read_box(text)
