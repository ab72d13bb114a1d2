"""Two institutions, two books: pairs that mirror each other, payments under way, what differs, and all side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest

from coopbank.bank import commons_proof
from coopbank.bank.operations.institutions import book_id
from coopbank.bank.verify import verify
from coopbank.errors import AlreadyExists, InvalidAmount, InvalidValue, NotAllowed, Unknown, WrongState
from coopbank.ledger.verify import wrong
from coopbank.reports.document import as_document
from coopbank.reports.mirror import Federation, Mirror, federation, mirror
from tests.bank.support_counter import posted, refused
from tests.conformance.test_entries import read_blocks
from tests.support_bank import SmallBank, assert_books, new_bank

BLOCKS = read_blocks("own_books.md")
Pair = tuple[SmallBank, SmallBank]
INSURANCE = {"memo": "the land trust's insurance", "amount": "500.00"}


def second_bank(place: str, **values: Any) -> AbstractContextManager[SmallBank]:
    """A bank whose book has another number than the first one's."""
    return new_bank(place, nonces=1_000_000, **values)


@pytest.fixture
def pair(new_engine_url: Callable[[str], str]) -> Iterator[Pair]:
    """The bank, and a land trust with its own book; each knows the other."""
    with new_bank(new_engine_url("bank")) as bank, second_bank(new_engine_url("trust"), name="Land Trust") as trust:
        for each, other, code in ((bank, trust, "TRUST"), (trust, bank, "BANK")):
            each.do("receive-gift", by=each.tom, amount="2000.00", donor="Many", tender="transfer")
            with other.read() as books:
                book = book_id(books)
            each.agreed("add-institution", by=each.tom, approver=each.sue, code=code, institution_name="x", book=book)
        trust.agreed(
            "open-fund", by=trust.tom, approver=trust.sue, code="TRUST", fund_name="L", fund_class="designated"
        )
        yield bank, trust
        for each in (bank, trust):
            assert_books(each)


def agreed(bank: SmallBank, operation: str, /, **values: Any) -> Any:
    return bank.agreed(operation, by=bank.tom, approver=bank.sue, **values)


def beside(pair: Pair) -> Mirror:
    with ExitStack() as stack:
        return mirror(*(stack.enter_context(each.read()) for each in pair))


def together(pair: Pair) -> Federation:
    with ExitStack() as stack:
        return federation([stack.enter_context(each.read()) for each in pair])


def note_of(receipt: Any, label: str) -> str:
    return str(dict(receipt.notes)[label])


def confirm(bank: SmallBank, ref: str, other: SmallBank, number: int, amount: str = "500.00", **more: Any) -> Any:
    with other.read() as books:
        head = bytes(books.tx.value("SELECT hash FROM operation WHERE id = ?", number)).hex()[:16]
    values: dict[str, Any] = {"pair": ref, "their_operation": number, "their_head": head, "their_amount": amount} | more
    return bank.do("confirm-pair", by=bank.tom, **values)


def test_a_pair_is_voted_claimed_confirmed_and_paid(pair: Pair) -> None:
    bank, trust = pair
    owed = agreed(bank, "owe-institution", institution="TRUST", **INSURANCE)
    assert posted(owed) == [Counter(BLOCKS["E33a"].lines)]
    reference = note_of(owed, "Reference")
    told = beside(pair)
    assert [(row.reference, row.verdict) for row in told.pairs] == [(reference, "in transit")] and not told.agrees
    assert together(pair).between == -50000
    due = agreed(trust, "claim-from-institution", institution="BANK", fund="TRUST", reference=reference, **INSURANCE)
    assert posted(due) == [Counter(BLOCKS["E33b"].lines)]
    told = beside(pair)
    assert told.agrees and (told.owed, told.owed_there) == (50000, 50000)
    assert told.pairs[0].ours is not None and told.pairs[0].ours.confirmed is None
    confirm(bank, "IP-0001", trust, due.number)
    confirm(trust, "IP-0001", bank, owed.number)
    told = beside(pair)
    assert told.pairs[0].verdict == "matched" and told.pairs[0].theirs and told.pairs[0].theirs.confirmed is True
    whole = together(pair)
    assert whole.between == 0 and all(book.balanced for book in whole.books)
    assert {row.code: row.whole for row in whole.rows if row.code in ("792", "892")} == {"792": 0, "892": 0}
    assert sum(row.whole for row in whole.rows) == 0
    paid = agreed(bank, "pay-institution", pair="IP-0001", amount="300.00", tender="transfer")
    assert ("GEN", "892/TRUST", 30000) in posted(paid)[0]
    assert beside(pair).pairs[0].why == "a payment is under way"
    trust.do("receive-from-institution", by=trust.tom, pair="IP-0001", amount="300.00", tender="transfer")
    told = beside(pair)
    assert told.agrees and told.owed == 20000 and as_document(told, "USD")["owed"] == "200.00"


def test_what_differs_is_told(pair: Pair) -> None:
    bank, trust = pair
    owed = agreed(bank, "owe-institution", institution="TRUST", **INSURANCE)
    reference = note_of(owed, "Reference")
    wrong_one = agreed(
        trust, "claim-from-institution", institution="BANK", reference=reference, memo="x", amount="50.00"
    )
    assert [(row.verdict, row.why) for row in beside(pair).pairs] == [("different", "the amounts differ")]
    agreed(trust, "reverse", operation=wrong_one.number, reason="typed wrong")
    right = agreed(trust, "claim-from-institution", institution="BANK", reference=reference, **INSURANCE)
    assert beside(pair).agrees
    confirm(bank, "IP-0001", trust, right.number, their_head="0" * 16)
    assert beside(pair).pairs[0].why == "what was confirmed is not in the other book"
    confirm(bank, "IP-0001", trust, right.number)
    assert beside(pair).agrees
    agreed(trust, "owe-institution", institution="BANK", memo="rent", amount="20.00")
    told = beside(pair)
    assert (told.due, told.due_there, told.agrees) == (0, 2000, False)


def test_each_side_refuses(pair: Pair) -> None:
    bank, trust = pair
    tom, other = bank.tom, trust.tom
    with trust.read() as books:
        theirs = book_id(books)
    named = {"institution_name": "x", "book": theirs}
    refused(bank, AlreadyExists, "add-institution", tom, field="book", code="SECOND", **named)
    refused(bank, AlreadyExists, "add-institution", tom, field="code", code="trust", **named)
    refused(bank, InvalidValue, "add-institution", tom, field="book", code="X", institution_name="x", book="12")
    refused(bank, Unknown, "owe-institution", tom, field="institution", institution="NONE", **INSURANCE)
    refused(
        bank, InvalidValue, "owe-institution", tom, field="expense", institution="TRUST", expense="341", **INSURANCE
    )
    refused(bank, NotAllowed, "owe-institution", bank.ana, institution="TRUST", **INSURANCE)
    reference = note_of(agreed(bank, "owe-institution", institution="TRUST", **INSURANCE), "Reference")
    claim: dict[str, Any] = {"institution": "BANK", **INSURANCE}
    refused(trust, InvalidValue, "claim-from-institution", other, field="reference", **claim)
    claim["reference"] = reference
    refused(trust, InvalidValue, "claim-from-institution", other, field="income", income="111", **claim)
    refused(trust, Unknown, "claim-from-institution", other, field="income", income="999", **claim)
    refused(trust, Unknown, "claim-from-institution", other, field="institution", **{**claim, "institution": "X"})
    agreed(trust, "claim-from-institution", **claim)
    refused(trust, AlreadyExists, "claim-from-institution", other, field="reference", **claim)
    half: dict[str, Any] = {"pair": "IP-0001", "amount": "1.00", "tender": "transfer"}
    refused(bank, WrongState, "receive-from-institution", tom, field="pair", **half)
    refused(trust, WrongState, "pay-institution", other, field="pair", **half)
    refused(bank, InvalidAmount, "pay-institution", tom, field="amount", **{**half, "amount": "500.01"})
    refused(bank, Unknown, "pay-institution", tom, field="pair", **{**half, "pair": "IP-0009"})
    said: dict[str, Any] = {"pair": "IP-0001", "their_operation": 5, "their_head": "ab" * 8, "their_amount": "500.00"}
    refused(bank, InvalidAmount, "confirm-pair", tom, field="their_amount", **{**said, "their_amount": "499.00"})
    refused(bank, InvalidValue, "confirm-pair", tom, field="their_head", **{**said, "their_head": "x"})
    bank.do("confirm-pair", by=tom, **said)
    refused(bank, AlreadyExists, "confirm-pair", tom, field="pair", **said)


def test_books_that_do_not_know_each_other_are_refused(new_engine_url: Callable[[str], str]) -> None:
    with new_bank(new_engine_url("one")) as one, second_bank(new_engine_url("two")) as two:
        with pytest.raises(Unknown, match="does not know"):
            beside((one, two))
        assert together((one, two)).between == 0


def test_verify_sees_pairs_that_are_not_what_the_accounts_hold(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    bank, _trust = pair
    agreed(bank, "owe-institution", institution="TRUST", **INSURANCE)
    with monkeypatch.context() as patch:
        differing = commons_proof._differing
        patch.setattr(commons_proof, "_differing", lambda check, state, log, told, own: differing(
            check, state, log, {leaf: amount + 1 for leaf, amount in told.items()}, own
        ))  # fmt: skip
        assert {each.check for each in wrong(verify(bank.bank.database))} == {"institutions"}
