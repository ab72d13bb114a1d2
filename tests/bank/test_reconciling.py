"""The arithmetic of a reconciliation: whatever is matched on whatever day, both sides meet on every day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.bank.reconciling import Posting, posting_ref, standing
from coopbank.bank.records import BankLine, BankMatch
from coopbank.errors import InvalidValue

DAYS = [(date(2026, 3, 1) + timedelta(days=n)).isoformat() for n in range(6)]
AMOUNTS = st.integers(-500, 500).filter(bool)


@st.composite
def accounts(draw: st.DrawFn) -> tuple[dict[str, BankLine], dict[tuple[int, int], Posting], list[BankMatch]]:
    """Lines and postings, some of them matched in groups that come to the same sum."""
    lines: dict[str, BankLine] = {}
    postings: dict[tuple[int, int], Posting] = {}
    matches: list[BankMatch] = []

    def line(amount: int) -> str:
        ref = f"BS-00001.{len(lines) + 1}"
        lines[ref] = BankLine(bank_account="FIRST", bank_id=ref, on=draw(st.sampled_from(DAYS)), amount=amount)
        return ref

    def posting(amount: int, reverses: int | None = None) -> list[int]:
        key = len(postings) + 1, 1
        postings[key] = Posting(key[0], 1, draw(st.sampled_from(DAYS)), amount, key[0], reverses=reverses)
        return list(key)

    for amount in draw(st.lists(AMOUNTS, max_size=5)):
        line(amount)
    for amount in draw(st.lists(AMOUNTS, max_size=5)):
        entry = posting(amount)[0]
        if draw(st.booleans()):
            posting(-amount, reverses=entry)
    for sides in draw(st.lists(st.tuples(st.lists(AMOUNTS, max_size=3), st.lists(AMOUNTS, max_size=3)), max_size=4)):
        by_bank, by_books = (list(side) for side in sides)
        left = sum(by_bank) - sum(by_books)
        by_books += [left] if left else []
        matches.append(BankMatch(
            bank_account="FIRST", lines=[line(amount) for amount in by_bank],
            postings=[posting(amount) for amount in by_books], amount=sum(by_bank),
        ))  # fmt: skip
    return lines, postings, matches


@given(accounts(), st.sampled_from(DAYS))
def test_both_sides_meet_on_every_day(
    account: tuple[dict[str, BankLine], dict[tuple[int, int], Posting], list[BankMatch]], on: str
) -> None:
    lines, postings, matches = account
    found = standing("FIRST", on, lines, postings, matches)
    assert found.difference == 0
    assert found.by_bank == sum(line.amount for line in lines.values() if line.on <= on)
    assert found.by_books == sum(each.amount for each in postings.values() if each.on <= on)
    assert all(line.on <= on for _ref, line in found.open_lines)
    assert all(each.on <= on for each in found.open_postings)
    assert found.in_transit >= 0 and found.outstanding >= 0
    last = standing("FIRST", DAYS[-1], lines, postings, matches)
    matched = {ref for match in matches for ref in match.lines}
    assert {ref for ref, _line in last.open_lines} == lines.keys() - matched


def test_an_entry_or_one_line_of_it() -> None:
    assert [posting_ref(text, "entries") for text in ("17", "17.2")] == [(17, None), (17, 2)]
    for text in ("", "x", "17.", "17.x", "١٧", "1" * 19, "17.2.3", "-1"):
        with pytest.raises(InvalidValue):
            posting_ref(text, "entries")
