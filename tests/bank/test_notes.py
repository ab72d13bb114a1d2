"""Notes: a lender's money comes in, bears interest to the day, and is paid back or renewed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.operation import Receipt
from coopbank.errors import (
    CannotReverse,
    InvalidAmount,
    InvalidValue,
    NotAllowed,
    Overdrawn,
    OwnAccount,
    Refused,
    Unknown,
    WrongState,
)
from coopbank.reports.papers import note_statement
from tests.bank.support_counter import refused
from tests.bank.support_lending import close_months_before, lent, notes_of, simple_interest
from tests.support_bank import SmallBank

NOTE: dict[str, Any] = {"lender": "Ann Cole", "amount": "10000.00", "annual_rate": "2", "due_on": "2029-02-01"}


def begun(bank: SmallBank) -> None:
    """No fund has money to lend yet."""


def issue(bank: SmallBank, **changes: Any) -> str:
    return bank.agreed("issue-note", by=bank.tom, approver=bank.sue, **{**NOTE, **changes}).created[0]


def repay(bank: SmallBank, note: str, **values: Any) -> Any:
    return bank.agreed("repay-note", by=bank.tom, approver=bank.sue, note=note, **values)


def stored(bank: SmallBank, note: str) -> records.Note:
    with bank.read() as books:
        return books.get(records.Note, note)


def test_a_note_is_issued_bears_interest_and_is_renewed(small: SmallBank) -> None:
    first = issue(small, number="N-001", note_class="B")
    assert small.balance("811/N-001", "RLF") == -10_000_00
    assert small.balance("731/FIRST", "POOL") == small.balance("729", "RLF") == 10_000_00
    small.go_to("2026-04-03")
    close_months_before(small, date(2026, 4, 3))
    march = simple_interest(10_000_00, "2", date(2026, 3, 2), date(2026, 4, 1))  # its last day included
    assert small.balance("341", "RLF") == -small.balance("851/N-001", "RLF") == march

    small.go_to("2026-06-30")
    done = repay(small, first, amount="4000.00", renew_until="2029-06-30", renew_rate="3")
    whole = simple_interest(10_000_00, "2", date(2026, 3, 2), date(2026, 6, 30))
    assert notes_of(done)["Interest"] == small.text(whole)
    assert small.balance("341", "RLF") == whole
    assert small.balance("811/N-001", "RLF") == small.balance("851/N-001", "RLF") == 0
    assert small.balance("811/N-002", "RLF") == -6_000_00
    assert small.balance("729", "RLF") == 6_000_00 - whole
    assert len(done.entries) == 1
    old, new = stored(small, "N-001"), stored(small, "N-002")
    assert (old.state, old.renewed_by, new.renews, new.note_class) == ("renewed", "N-002", "N-001", "B")
    assert (old.owed_principal, new.owed_principal, new.annual_rate) == (0, 6_000_00, "3")
    with small.read() as books:
        assert books.personal(new.lender) == "Ann Cole"
    with pytest.raises(WrongState):
        repay(small, "N-001")


def test_interest_alone_then_a_part_then_all(lite: SmallBank) -> None:
    note = issue(lite)
    issue(lite, amount="500.00")  # so that the fund can pay interest
    lite.go_to("2026-05-01")
    repay(lite, note, amount="0.00")
    assert stored(lite, note).owed_principal == 10_000_00
    assert lite.balance(f"851/{note}", "RLF") == 0
    with pytest.raises(InvalidAmount, match="nothing to pay"):
        repay(lite, note, amount="0.00")
    lite.go_to("2026-06-01")
    repay(lite, note, amount="2500.00")
    lite.go_to("2026-06-02")
    last = repay(lite, note)
    assert notes_of(last)["Interest"] == lite.text(simple_interest(7_500_00, "2", date(2026, 6, 1), date(2026, 6, 2)))
    body = stored(lite, note)
    assert (body.state, body.owed_principal, body.accrued, body.paid_principal) == ("repaid", 0, 0, 10_000_00)
    assert body.paid_interest == lite.balance("341", "RLF")


def test_a_statement_of_the_past_says_of_the_note_what_was_so_then(lite: SmallBank) -> None:
    """Once it is repaid, the paper of an earlier month is no other one."""
    ref = issue(lite)
    lite.go_to("2026-04-01")
    span = date(2026, 3, 1), date(2026, 3, 31)
    with lite.read() as books:
        then = note_statement(books, ref, *span)
    lite.do("receive-gift", by=lite.tom, fund="RLF", amount="90.00", donor="A friend", tender="transfer")
    repay(lite, ref, tender="transfer")
    with lite.read() as books:
        assert note_statement(books, ref, *span).state == then.state == "active"
        assert note_statement(books, ref, span[0], date(2026, 4, 1)).state == "repaid"


def test_a_note_is_renewed_whole(lite: SmallBank) -> None:
    note = issue(lite, annual_rate="0")
    done = repay(lite, note, amount="0.00", renew_until="2030-01-01")
    assert notes_of(done)["New note"] == "N-002"
    assert lite.balance("729", "RLF") == 10_000_00
    assert stored(lite, "N-002").owed_principal == 10_000_00


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"lender": ""}, "lender"),
        ({"amount": "0.00"}, "amount"),
        ({"amount": "12,5"}, "amount"),
        ({"annual_rate": "2%"}, "annual_rate"),
        ({"due_on": "2026-03-02"}, "due_on"),
        ({"due_on": "soon"}, "due_on"),
        ({"fund": "LLR"}, "fund"),
        ({"fund": "XYZ"}, "fund"),
        ({"member": "M0404"}, "member"),
        ({"note_class": "B <b>"}, "note_class"),
        ({"number": "7"}, "number"),
        ({"tender": "cash"}, "tender"),  # the treasurer has no drawer open
        ({"bank_account": "SECOND"}, "bank_account"),
    ],
)
def test_bad_notes_are_refused_by_field(lite: SmallBank, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        issue(lite, **changes)
    assert refused.value.field == field
    assert lite.balance("731/FIRST", "POOL") == 0


def test_no_more_is_paid_back_than_is_owed_or_there(lite: SmallBank) -> None:
    note = issue(lite)
    for values, field in (
        ({"amount": "10000.01"}, "amount"),
        ({"amount": "10000.00", "renew_until": "2030-01-01"}, "amount"),
        ({"renew_until": "2030-01-01"}, "amount"),
        ({"amount": "1.00", "renew_until": "2026-03-02"}, "renew_until"),
        ({"amount": "-1.00"}, "amount"),
    ):
        with pytest.raises(Refused) as refused:
            repay(lite, note, **values)
        assert refused.value.field == field
    with pytest.raises(Unknown):
        repay(lite, "N-999")
    issue(lite, fund="GEN")  # money of another fund in the same bank account does not help
    lent(lite, lite.admit("Mia Lee"), principal="9000.00")
    with pytest.raises(Overdrawn, match="RLF"):
        repay(lite, note)
    assert stored(lite, note).state == "active"


def test_a_lender_who_works_here_does_not_serve_themselves(lite: SmallBank) -> None:
    tom = lite.admit("Tom Okafor")
    lite.agreed("link-user", by=lite.admin, approver=lite.sue, user="tom", member=tom)
    with pytest.raises(OwnAccount):
        issue(lite, member=tom)


def test_what_the_lender_is_called_stays_out_of_the_sealed_text(lite: SmallBank) -> None:
    name = 'Ann "<b>&[red]=1+1\u202e \U0001f642'
    note = issue(lite, lender=name)
    with lite.read() as books:
        sealed = "".join(text for (text,) in books.tx.rows("SELECT sealed FROM operation"))
        assert books.personal(books.get(records.Note, note).lender) == name
    assert "Ann" not in sealed


# --------------------------------------------------------------------------------------- classes


def define(bank: SmallBank, note_class: str, rank: int, **values: Any) -> Receipt:
    values = {"class_title": f"Class {note_class}", "resolution": "R-5", **values}
    return bank.agreed(
        "define-note-class", by=bank.tom, approver=bank.sue, note_class=note_class, rank=rank, **values
    )  # fmt: skip


def test_a_class_has_a_ceiling_and_a_highest_rate(counter: SmallBank) -> None:
    define(counter, "B", 2, most_rate="2", ceiling="1000.00")
    note: dict[str, Any] = {"lender": "Ida", "amount": "600.00", "annual_rate": "2", "due_on": "2029-03-02"}
    note["note_class"] = "B"
    high = {**note, "annual_rate": "2.01"}
    refused(counter, InvalidValue, "issue-note", counter.tom, field="annual_rate", says="2 % at most", **high)
    first = counter.agreed("issue-note", by=counter.tom, approver=counter.sue, **note).created[0]
    refused(counter, InvalidAmount, "issue-note", counter.tom, field="amount", says="600.00 is owed", **note)
    counter.agreed("issue-note", by=counter.tom, approver=counter.sue, **{**note, "amount": "400.00"})
    counter.agreed("issue-note", by=counter.tom, approver=counter.sue, **{**note, "note_class": "A"})
    values: dict[str, Any] = {"note": first, "amount": "0.00", "renew_until": "2030-03-02"}
    refused(counter, InvalidValue, "repay-note", counter.tom, field="renew_rate", renew_rate="3", **values)
    counter.agreed("repay-note", by=counter.tom, approver=counter.sue, **values)


def test_a_junior_note_waits_while_a_senior_one_is_overdue(counter: SmallBank) -> None:
    define(counter, "A", 1)
    define(counter, "B", 2)
    note: dict[str, Any] = {"lender": "Ida", "amount": "500.00", "annual_rate": "2"}
    for note_class, due in (("A", "2026-03-04"), ("B", "2029-03-02"), ("C", "2029-03-02")):
        counter.agreed("issue-note", by=counter.tom, approver=counter.sue, due_on=due, note_class=note_class, **note)
    counter.close_day()
    counter.open_day("2026-03-05", open_drawer=False)
    refused(counter, WrongState, "repay-note", counter.tom, field="note", says="N-001", note="N-002")
    counter.agreed("repay-note", by=counter.tom, approver=counter.sue, note="N-002", amount="0.00")  # interest alone
    counter.agreed("repay-note", by=counter.tom, approver=counter.sue, note="N-003")  # of a class without a rank
    counter.agreed("repay-note", by=counter.tom, approver=counter.sue, note="N-001")
    counter.agreed("repay-note", by=counter.tom, approver=counter.sue, note="N-002")


def test_who_defines_a_class_and_that_a_change_says_why(counter: SmallBank) -> None:
    values: dict[str, Any] = {"note_class": "A", "class_title": "x", "rank": 1, "resolution": "R-5"}
    refused(counter, NotAllowed, "define-note-class", **values)
    for rank in (0, 100, -1, "x"):
        refused(counter, InvalidValue, "define-note-class", counter.tom, field="rank", **{**values, "rank": rank})
    number = define(counter, "A", 1, class_title="x").number
    refused(counter, InvalidValue, "define-note-class", counter.tom, field="note_class", says="already", **values)
    refused(counter, InvalidValue, "define-note-class", counter.tom, field="why", **{**values, "rank": 2})
    refused(counter, CannotReverse, "reverse", counter.tom, operation=number, reason="x")
    note: dict[str, Any] = {"lender": "Ida", "amount": "500.00", "annual_rate": "2", "due_on": "2029-03-02"}
    counter.agreed("issue-note", by=counter.tom, approver=counter.sue, **note)
    low = {**values, "ceiling": "499.99", "why": "x"}
    refused(counter, InvalidAmount, "define-note-class", counter.tom, field="ceiling", says="500.00", **low)
