"""Funds, gifts and bills: what each posts, and what each refuses."""

from __future__ import annotations

import pytest

from coopbank.bank import records
from coopbank.bank.books import B
from coopbank.bank.operations.funds import RELEASING
from coopbank.errors import (
    AlreadyExists,
    CannotReverse,
    CoopbankError,
    DayClosed,
    DrawerClosed,
    InvalidValue,
    NotAllowed,
    Overdrawn,
    OwnAccount,
    Unknown,
    WrongState,
)
from tests.bank.support_counter import HOSTILE, entry, posted, refused
from tests.support_bank import SmallBank, assert_books

GIFT = {"fund": "GRT", "amount": "500.00", "donor": "Dee Donor", "purpose": "tools", "tender": "transfer"}
BILL = {"supplier": "HALL", "number": "2026-03", "amount": "180.00", "expense": "250"}


def gift(bank: SmallBank, **changes: str) -> str:
    return bank.do("receive-gift", by=bank.tom, **{**GIFT, **changes}).created[0]


def spend(bank: SmallBank, ref: str, amount: str, **changes: str) -> None:
    values = {"gift": ref, "amount": amount, "expense": "290", "tender": "transfer", **changes}
    bank.agreed("spend-gift", by=bank.tom, approver=bank.sue, **values)


def record(bank: SmallBank, kind: type[B], ref: str) -> B:
    with bank.read() as books:
        return books.get(kind, ref)


# ------------------------------------------------------------------------------------- open-fund


def test_a_fund_is_opened_by_two_and_can_be_used(counter: SmallBank) -> None:
    values = {"code": "EDU", "fund_name": "Education", "fund_class": "designated"}
    done = counter.agreed("open-fund", by=counter.tom, approver=counter.sue, **values)
    assert done.created == ("EDU",)
    counter.do("receive-gift", fund="EDU", amount="20.00", donor="x")
    assert counter.balance("729", "EDU") == 20_00
    refused(counter, AlreadyExists, "open-fund", counter.tom, field="code", **values)
    refused(counter, CannotReverse, "reverse", counter.tom, operation=done.number, reason="x")


@pytest.mark.parametrize("code", ["edu", "E", "", "A" * 13, "ED U", "1ED", "É", "<b>", "E-D", "=1+1"])
def test_a_fund_code_is_capital_letters_and_digits(counter: SmallBank, code: str) -> None:
    refused(counter, InvalidValue, "open-fund", counter.tom, field="code", code=code, fund_name="x",
            fund_class="designated")  # fmt: skip


def test_who_opens_which_fund(counter: SmallBank) -> None:
    values = {"code": "EDU", "fund_name": "Education", "fund_class": "designated"}
    refused(counter, NotAllowed, "open-fund", **values)
    for wrong in ("pool", "endowment", ""):
        refused(counter, InvalidValue, "open-fund", counter.tom, field="fund_class", **{**values, "fund_class": wrong})
    refused(counter, AlreadyExists, "open-fund", counter.tom, **{**values, "code": "POOL"})
    refused(counter, InvalidValue, "open-fund", counter.tom, field="fund_name", **{**values, "fund_name": " "})


# ----------------------------------------------------------------------------------------- gifts


def test_a_gift_is_income_of_its_fund(counter: SmallBank) -> None:
    done = counter.do("receive-gift", by=counter.tom, number="G-07", **GIFT)
    assert posted(done) == [
        entry("POOL 731/FIRST Dr 500.00", "POOL 879/GRT Cr 500.00", "GRT 729 Dr 500.00", "GRT 181/G-07 Cr 500.00")
    ]
    assert done.created == ("G-07",)
    assert ("Acknowledgement", "The donor is due one in writing.") in done.notes
    kept = record(counter, records.Gift, "G-07")
    assert (kept.amount, kept.released, kept.fund, kept.purpose) == (500_00, 0, "GRT", "tools")
    with counter.read() as books:
        assert books.personal(kept.donor) == "Dee Donor"
        assert books.tx.value("SELECT count(*) FROM operation WHERE sealed LIKE '%Dee Donor%'") == 0
    assert gift(counter) == "G-08"


@pytest.mark.parametrize(("tender", "place"), [("cash", "739/D1"), ("cheque", "735/D1"), ("transfer", "731/FIRST")])
def test_a_gift_comes_in_any_tender(counter: SmallBank, tender: str, place: str) -> None:
    cheque = {"cheque_number": "77"} if tender == "cheque" else {}
    done = counter.do("receive-gift", fund="RLF", amount="40.00", donor="x", tender=tender, **cheque)
    assert posted(done) == [
        entry(f"POOL {place} Dr 40.00", "POOL 879/RLF Cr 40.00", "RLF 729 Dr 40.00", "RLF 181/G-03 Cr 40.00")
    ]


def test_gifts_that_are_refused(counter: SmallBank) -> None:
    number = gift(counter)
    refused(counter, AlreadyExists, "receive-gift", counter.tom, field="number", number=number, **GIFT)
    refused(counter, InvalidValue, "receive-gift", counter.tom, field="fund", **{**GIFT, "fund": "POOL"})
    refused(counter, Unknown, "receive-gift", counter.tom, field="fund", **{**GIFT, "fund": "XYZ"})
    refused(counter, DrawerClosed, "receive-gift", counter.tom, **{**GIFT, "tender": "cash"})
    refused(counter, NotAllowed, "receive-gift", counter.sue, **GIFT)
    refused(counter, InvalidValue, "receive-gift", counter.tom, field="donor", **{**GIFT, "donor": ""})
    for amount in ("0", "0.00", "-5.00", "1.005", "1e3", "abc", "", 5, 5.0, None):
        refused(counter, InvalidValue, "receive-gift", counter.tom, field="amount", **{**GIFT, "amount": amount})
    values = {"code": "CG1", "fund_name": "Grant", "fund_class": "conditional"}
    counter.agreed("open-fund", by=counter.tom, approver=counter.sue, **values)
    conditional = {**GIFT, "fund": "CG1"}
    refused(counter, WrongState, "receive-gift", counter.tom, field="fund", says="receive-grant", **conditional)
    counter.close_day()
    refused(counter, DayClosed, "receive-gift", counter.tom, **GIFT)


def test_spending_releases_what_it_spends(counter: SmallBank) -> None:
    number = gift(counter)
    values = {"gift": number, "amount": "120.00", "expense": "290", "tender": "transfer", "cheque_number": "1043"}
    done = counter.agreed("spend-gift", by=counter.tom, approver=counter.sue, **values)
    assert posted(done) == [
        entry(
            "GEN 290 Dr 120.00", "GEN 185 Cr 120.00", f"GRT 186/{number} Dr 120.00", "GRT 729 Cr 120.00",
            "POOL 879/GRT Dr 120.00", "POOL 731/FIRST Cr 120.00",
        )
    ]  # fmt: skip
    spend(counter, number, "380.00")
    assert record(counter, records.Gift, number).released == 500_00
    assert counter.balance("729", "GRT") == 0
    gift(counter)  # of the same fund: each pays for its own purpose only
    refused(counter, Overdrawn, "spend-gift", counter.tom, says=number, **{**values, "amount": "0.01"})


def test_what_a_gift_cannot_be_spent_on(counter: SmallBank) -> None:
    number = gift(counter)
    values = {"gift": number, "amount": "20.00", "expense": "290", "tender": "transfer"}

    def no(error: type[CoopbankError], field: str | None, **changes: str) -> None:
        refused(counter, error, "spend-gift", counter.tom, field=field, **{**values, **changes})

    no(Overdrawn, "amount", amount="500.01")
    for code in ("731", "181", "901", "940"):
        no(InvalidValue, "expense", expense=code)
    for code in ("301", "330", "341", "381", "385", "386"):
        no(InvalidValue, "expense", expense=code)
    for code in ("29", "2900", "M10", "290/X", "<b>"):
        no(InvalidValue, "expense", expense=code)
    no(Unknown, "expense", expense="299")
    no(Unknown, "gift", gift="G-99")
    refused(counter, NotAllowed, "spend-gift", **values)
    unrestricted = gift(counter, fund="GEN")
    no(WrongState, "gift", gift=unrestricted)
    lending = gift(counter, fund="RLF")
    no(WrongState, "gift", gift=lending)
    assert "revolving" not in RELEASING


def test_a_gift_is_not_spent_twice_while_two_requests_wait(counter: SmallBank) -> None:
    number = gift(counter)
    values = {"gift": number, "amount": "300.00", "expense": "290", "tender": "transfer"}
    first, second = (counter.ask("spend-gift", counter.tom, **values).request for _ in range(2))
    counter.do("approve", by=counter.sue, request=first)
    refused(counter, Overdrawn, "approve", counter.sue, field="amount", request=second)


def test_a_spending_that_is_reversed_is_left_again(counter: SmallBank) -> None:
    received = counter.do("receive-gift", by=counter.tom, number="G-07", **GIFT)
    spend(counter, "G-07", "100.00")
    with counter.read() as books:
        spent = int(books.tx.value("SELECT max(id) FROM operation"))
    refused(counter, CannotReverse, "reverse", counter.tom, says=str(spent), operation=received.number, reason="x")
    counter.agreed("reverse", by=counter.tom, approver=counter.sue, operation=spent, reason="wrong gift")
    assert record(counter, records.Gift, "G-07").released == 0
    counter.do("reverse", by=counter.tom, operation=received.number, reason="never came")
    refused(counter, Unknown, "spend-gift", counter.tom, gift="G-07", amount="1.00", expense="290", tender="transfer")
    refused(counter, AlreadyExists, "receive-gift", counter.tom, number="G-07", **GIFT)
    assert counter.balance("181/G-07", "GRT") == 0


# ----------------------------------------------------------------------------------------- bills


def test_a_bill_is_entered_and_paid(counter: SmallBank) -> None:
    entered = counter.do("enter-bill", **BILL)
    assert posted(entered) == [entry("GEN 250 Dr 180.00", "GEN 801/HALL Cr 180.00")]
    bill = entered.created[0]
    paid = counter.do("pay-bill", by=counter.tom, bill=bill, tender="transfer", cheque_number="1061")
    assert posted(paid) == [
        entry("GEN 801/HALL Dr 180.00", "GEN 729 Cr 180.00", "POOL 879/GEN Dr 180.00", "POOL 731/FIRST Cr 180.00")
    ]
    assert "1061" in paid.entries[0].memo
    refused(counter, WrongState, "pay-bill", counter.tom, field="bill", bill=bill, tender="transfer")
    refused(counter, CannotReverse, "reverse", operation=entered.number, says=str(paid.number), reason="x")
    counter.do("reverse", by=counter.tom, operation=paid.number, reason="wrong account")
    assert record(counter, records.Bill, bill).state == "open"
    counter.do("pay-bill", by=counter.admin, bill=bill, tender="transfer")


def test_one_enters_another_pays(counter: SmallBank) -> None:
    bill = counter.do("enter-bill", by=counter.tom, **BILL).created[0]
    refused(counter, NotAllowed, "pay-bill", counter.tom, field="bill", says="another", bill=bill, tender="transfer")
    refused(counter, NotAllowed, "pay-bill", counter.ana, bill=bill, tender="transfer")
    refused(counter, Unknown, "pay-bill", counter.tom, field="bill", bill="B-99999", tender="transfer")
    refused(counter, DrawerClosed, "pay-bill", counter.admin, bill=bill)


def test_a_supplier_s_number_is_entered_once(counter: SmallBank) -> None:
    number = "Invoice 12 / A"
    entered = counter.do("enter-bill", **{**BILL, "number": number})
    for again in (number, "invoice 12/a", "INVOICE  12 / A"):
        refused(counter, AlreadyExists, "enter-bill", field="number", **{**BILL, "number": again})
    refused(counter, AlreadyExists, "enter-bill", **{**BILL, "number": number, "supplier": "hall"})
    refused(counter, AlreadyExists, "pay-expense", **{**BILL, "number": number}, tender="transfer")
    counter.do("enter-bill", **{**BILL, "number": number, "supplier": "OTHER"})
    counter.do("reverse", operation=entered.number, reason="another amount")
    counter.do("enter-bill", **{**BILL, "number": number, "amount": "181.00"})
    assert counter.balance("801/HALL") == -181_00


def test_bills_that_are_refused(counter: SmallBank) -> None:
    refused(counter, InvalidValue, "enter-bill", field="expense", **{**BILL, "expense": "731"})
    refused(counter, InvalidValue, "enter-bill", field="number", **{**BILL, "number": "  "})
    refused(counter, InvalidValue, "enter-bill", field="supplier", **{**BILL, "supplier": "Land lord"})
    refused(counter, InvalidValue, "enter-bill", field="fund", **BILL, fund="POOL")
    refused(counter, Unknown, "enter-bill", field="fund", **BILL, fund="XYZ")
    refused(counter, WrongState, "enter-bill", field="fund", says="gift", **BILL, fund="GRT")
    refused(counter, Unknown, "enter-bill", field="gift", **BILL, gift="G-99")
    refused(counter, NotAllowed, "enter-bill", counter.sue, **BILL)


def test_a_bill_that_a_gift_pays(counter: SmallBank) -> None:
    number = gift(counter)
    refused(counter, InvalidValue, "enter-bill", field="fund", **BILL, gift=number, fund="RLF")
    entered = counter.agreed("enter-bill", **BILL, gift=number)
    assert posted(entered) == [
        entry("GEN 250 Dr 180.00", "GEN 185 Cr 180.00", f"GRT 186/{number} Dr 180.00", "GRT 801/HALL Cr 180.00")
    ]
    paid = counter.do("pay-bill", by=counter.tom, bill=entered.created[0], tender="transfer")
    assert posted(paid) == [
        entry("GRT 801/HALL Dr 180.00", "GRT 729 Cr 180.00", "POOL 879/GRT Dr 180.00", "POOL 731/FIRST Cr 180.00")
    ]
    assert record(counter, records.Gift, number).released == 180_00


def test_paying_at_once_takes_two(counter: SmallBank) -> None:
    values = {**BILL, "tender": "cash"}
    done = counter.agreed("pay-expense", **values)
    assert posted(done) == [
        entry("GEN 250 Dr 180.00", "GEN 729 Cr 180.00", "POOL 879/GEN Dr 180.00", "POOL 739/D1 Cr 180.00")
    ]
    assert record(counter, records.Bill, done.created[0]).state == "paid"
    refused(counter, WrongState, "pay-bill", counter.tom, bill=done.created[0], tender="transfer")
    refused(counter, Overdrawn, "pay-expense", **{**values, "number": "2", "amount": "320.01"})
    refused(counter, InvalidValue, "pay-expense", field="expense", **{**values, "number": "2", "expense": "940"})


def test_nobody_pays_their_own_bill(counter: SmallBank) -> None:
    counter.agreed("link-user", by=counter.admin, user="tom", member="M0001")
    bill = counter.do("enter-bill", **{**BILL, "supplier": "M0001"}).created[0]
    refused(counter, OwnAccount, "pay-bill", counter.tom, bill=bill, tender="transfer")
    refused(counter, OwnAccount, "enter-bill", counter.tom, **{**BILL, "supplier": "m0001", "number": "2"})
    counter.do("pay-bill", by=counter.admin, bill=bill, tender="transfer")


# -------------------------------------------------------------------------------- hostile texts


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_go_in_and_out_as_they_are(counter: SmallBank, text: str) -> None:
    number = gift(counter, donor=text, purpose=text)
    bill = counter.do("enter-bill", **{**BILL, "number": text}, memo=text).created[0]
    kept = record(counter, records.Gift, number)
    with counter.read() as books:
        assert (books.personal(kept.donor), kept.purpose) == (text, text)
    assert record(counter, records.Bill, bill).number == text


def test_texts_that_are_too_long_or_broken(counter: SmallBank) -> None:
    for text in ("x" * 10_000, "nul\0", "half \ud800", "bell\a"):
        refused(counter, InvalidValue, "enter-bill", field="number", **{**BILL, "number": text})
        refused(counter, InvalidValue, "receive-gift", counter.tom, field="donor", **{**GIFT, "donor": text})


def test_numbers_go_on_where_their_digits_end(counter: SmallBank) -> None:
    """After G-99 comes G-100, whether it is known from this operation or from an earlier one."""
    gift = {"fund": "GEN", "amount": "1.00", "donor": "A friend", "tender": "transfer"}
    counter.do("receive-gift", by=counter.tom, number="G-98", **gift)
    made = [counter.do("receive-gift", by=counter.tom, **gift).created[0] for _ in range(4)]
    assert made == ["G-99", "G-100", "G-101", "G-102"]
    assert_books(counter)
