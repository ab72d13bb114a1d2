"""Facts typed late: whatever the order in which the bank hears of them, the loan and its books are the same."""

from __future__ import annotations

import random
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from coopbank.bank.lending.accounts import tell
from coopbank.bank.lending.facts import Fact
from coopbank.bank.lending.flows import OWED, Book, balance, difference
from tests.bank.lending.stories import (
    LENT,
    START,
    THREE_FUNDS,
    TWO_FUNDS,
    Story,
    a_life,
    assert_balanced,
    day,
    loan_of,
    recorded,
)

SHARES = st.sampled_from([{"RLF": 1}, TWO_FUNDS, THREE_FUNDS])
#: What happens to a loan on any day, whatever was heard of before; terms and a charge-off are never typed late.
TYPED_LATE = ("payment", "payment", "payment", "fee", "waiver", "pause", "non-accrual", "accrual", "write-down")


def on_days_of_their_own(facts: list[Fact]) -> list[Fact]:
    """The same facts with no two on one day: there the order of recording is all that there is."""
    found, last = [], date.min
    for fact in facts:
        last = max(fact.on, last + timedelta(days=1)) if last > date.min else fact.on
        found.append(Fact(fact.number, fact.type, last, fact.data))
    return found


def shuffled(seed: int, facts: list[Fact]) -> list[Fact]:
    """The money goes out first, and whatever happens later is heard of in any order."""
    first, rest = facts[0], facts[1:]
    random.Random(seed).shuffle(rest)
    return [first, *rest]


@given(st.integers(0, 10**9), st.integers(0, 10**9), SHARES)
def test_the_order_of_hearing_does_not_matter(seed: int, order: int, shares: dict[str, int]) -> None:
    story = a_life(random.Random(seed), Story(), kinds=TYPED_LATE)
    story.facts = on_days_of_their_own(story.facts)
    end = story.facts[-1].on + timedelta(days=30)
    books: list[tuple[Book, object]] = []
    for facts in (story.facts, shuffled(order, story.facts)):
        loan = loan_of(story, shares)
        posted = loan.body.book
        for done in recorded(loan, facts):
            assert_balanced(done.moved)
            posted = added(posted, done.moved)
            assert posted == loan.body.book
        done = tell(loan, [], accrued_to=end)
        for fund, flows in done.after.book.items():
            assert all(balance(flows, code) >= 0 for code in ("701", "781", "791")), (fund, flows)
        books.append((done.after.book, done.after.told))
        assert done.standing.owed == sum(balance(flows, code) for flows in done.after.book.values() for code in OWED)
    assert books[0] == books[1]


def added(book: Book, moved: Book) -> Book:
    """Books after a posting."""
    minus = {fund: {flow: -amount for flow, amount in flows.items()} for fund, flows in moved.items()}
    return difference(book, minus)


@given(st.integers(0, 10**9), st.integers(0, 10**9), SHARES)
def test_taken_back_it_is_as_if_it_had_never_been(seed: int, which: int, shares: dict[str, int]) -> None:
    story = a_life(random.Random(seed), Story(), kinds=TYPED_LATE)
    out = 1 + which % max(1, len(story.facts) - 1)
    loan = loan_of(story, shares)
    for _done in recorded(loan, story.facts):
        pass
    if out >= len(story.facts):
        return
    end = loan.body.accrued_to
    assert end is not None
    without = tell(loan, [], without=[out + 1])
    never = loan_of(story, shares)
    for _done in recorded(never, [fact for fact in story.facts if fact.number != out + 1]):
        pass
    other = tell(never, [], accrued_to=date.fromisoformat(end))
    assert without.after.told == other.after.told
    assert without.after.book == other.after.book


def test_a_payment_typed_late_pays_what_was_due_then() -> None:
    """Received on the due date, typed three weeks later, after another payment: nobody was ever late."""
    story = Story().lent()
    rows = story.rows()
    story.paid("2026-04-20", 100_00)
    loan = loan_of(story)
    for _done in recorded(loan, story.facts):
        pass
    assert loan.standing(day("2026-04-22")).due.total == rows[0].payment - 100_00
    done = tell(loan, [("payment", rows[0].due, {"amount": rows[0].payment})])
    now = done.account.told([*loan.facts, *done.facts]).standing(day("2026-04-22"))
    assert now.due.total == 0
    assert now.interest_run == done.standing.interest_run + (now.interest - done.standing.interest)
    assert done.moved["RLF"]["earned"] < 0, "interest of April ran on less"


def test_what_was_waived_is_no_more_than_was_owed_once_all_is_told() -> None:
    """A waiver of interest that a payment, typed later, turns out to have paid already."""
    story = Story().lent()
    interest = story.run().standing(day("2026-05-02")).interest
    loan = loan_of(story)
    late = [
        *story.facts, Fact(2, "waiver", day("2026-05-02"), {"interest": interest}),
        Fact(3, "payment", day("2026-05-01"), {"amount": 1_000_00}),
    ]  # fmt: skip
    for _done in recorded(loan, late):
        pass
    now = loan.standing(day("2026-05-02"))
    assert (now.interest, now.waived) == (0, now.interest_run - now.interest_paid)
    assert now.waived < 3_00


def test_principal_given_up_is_no_more_than_was_owed_once_all_is_told() -> None:
    story = Story().lent()
    loan = loan_of(story)
    facts = [
        *story.facts, Fact(2, "write-down", day("2026-05-02"), {"principal": LENT}),
        Fact(3, "payment", START, {"amount": 1_000_00}),
    ]  # fmt: skip
    for _done in recorded(loan, facts):
        pass
    now = loan.standing(day("2026-05-02"))
    assert (now.principal, now.given_up, now.principal_paid) == (0, LENT - 1_000_00, 1_000_00)
