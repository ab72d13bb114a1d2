"""Campaigns of confirmations: frozen balances, whom they ask, what is answered, what it comes to."""

from __future__ import annotations

from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.verify import verify
from coopbank.errors import AlreadyExists, InvalidDate, InvalidValue, NotAllowed, OwnAccount, Unknown, WrongState
from coopbank.finance.sampling import number
from coopbank.ledger.verify import wrong
from coopbank.reports.confirmations import ControlSheet, campaigns, control_sheet
from coopbank.reports.papers import confirmation
from tests.ledger.support import corrupt
from tests.support_bank import SmallBank, assert_books, new_bank

DEPOSITS = {"M0001": "900.00", "M0002": "30.00", "M0003": "45.00", "M0004": "70.00", "M0005": None}
ASK = {"form": "positive", "population": "savings"}
SOME = ASK | {"seed": "river 42", "size": 3}


def begun(bank: SmallBank) -> None:
    """Five members with savings, one of them with nothing in them; two hold a share, one owes a loan."""
    for name, amount in zip(("Mia", "Noa", "Oto", "Pia", "Rex"), DEPOSITS.values(), strict=True):
        member = bank.admit(name)
        bank.do("open-savings", member=member)
        if amount is not None:
            bank.do("deposit", member=member, amount=amount)
    bank.do("buy-shares", member="M0001", amount="25.00")
    bank.do("receive-gift", by=bank.tom, fund="RLF", amount="9000.00", donor="A friend", tender="transfer")
    bank.agreed("grant-loan", member="M0002", principal="1200.00", annual_rate="6", installments=12)
    bank.do("disburse-loan", by=bank.tom, loan="L-001", tender="transfer")


def start(small: SmallBank, **values: Any) -> str:
    return small.do("start-campaign", small.sue, **values).created[0]


def reply(small: SmallBank, campaign: str, answer: str, account: str | None = None, **values: Any) -> None:
    named = values if account is None else {"about": account, **values}
    small.do("record-reply", small.sue, campaign=campaign, reply=answer, **named)


def sheet(small: SmallBank, campaign: str) -> ControlSheet:
    with small.read() as books:
        return control_sheet(books, campaign)


def asked(small: SmallBank, campaign: str) -> dict[str, tuple[int, str]]:
    return {line.account: (line.balance, line.stratum) for line in sheet(small, campaign).asked}


def refused(small: SmallBank, error: type[Exception], field: str, operation: str, **values: Any) -> None:
    with pytest.raises(error) as refusal:
        small.do(operation, values.pop("by", small.sue), **values)
    assert refusal.value.field == field  # type: ignore[attr-defined]


# --------------------------------------------------------------------------------- beginning


def test_all_that_hold_something_are_asked(small: SmallBank) -> None:
    ref = start(small, **ASK, selection="all")
    assert ref == "V-001"
    assert asked(small, ref) == {
        "905/M0001": (900_00, "all"), "905/M0002": (30_00, "all"), "905/M0003": (45_00, "all"),
        "905/M0004": (70_00, "all"),
    }  # fmt: skip
    told = sheet(small, ref)
    assert (told.count, told.empty, told.total, told.covered_bp) == (4, 1, 1045_00, 10_000)


def test_accounts_with_nothing_in_them_where_that_is_wanted(small: SmallBank) -> None:
    ref = start(small, **ASK, selection="all", with_empty=True)
    assert asked(small, ref)["905/M0005"] == (0, "empty")


def test_an_account_that_is_opened_later_was_not_there_to_be_asked_about(small: SmallBank) -> None:
    ref = start(small, **ASK, selection="all", with_empty=True)
    small.do("open-savings", member=small.admit("Sol"))
    assert "905/M0006" not in asked(small, ref)
    assert sheet(small, ref).drawn_again
    assert_books(small)


@pytest.mark.parametrize(
    ("population", "accounts"),
    [("shares", {"901/M0001": 25_00}), ("loans", {"L-001": 1200_00}),
     ("all", {"901/M0001": 25_00, "905/M0001": 900_00, "905/M0002": 30_00, "905/M0003": 45_00, "905/M0004": 70_00,
              "L-001": 1200_00})],
)  # fmt: skip
def test_other_accounts(small: SmallBank, population: str, accounts: dict[str, int]) -> None:
    ref = start(small, form="negative", population=population, selection="all")
    assert {account: balance for account, (balance, _why) in asked(small, ref).items()} == accounts


def test_a_sample_is_what_its_seed_draws(small: SmallBank) -> None:
    ref = start(small, **SOME)
    told = sheet(small, ref)
    # 1,045.00 over 3 is reached by 900.00; what is left is 145.00 over 2, which 70.00 does not reach
    assert (told.interval, told.start) == (72_50, number("river 42", "start") % 7250 + 1)
    assert told.drawn_again
    assert asked(small, ref)["905/M0001"] == (900_00, "top")
    assert len(told.asked) == 3
    again = start(small, **SOME)
    assert asked(small, again) == asked(small, ref)


def test_simple_random(small: SmallBank) -> None:
    ref = start(small, **(SOME | {"selection": "random", "size": 2}))
    order = sorted(list(DEPOSITS)[:4], key=lambda member: number("river 42", f"905/{member}"))
    assert set(asked(small, ref)) == {f"905/{member}" for member in order[:2]}
    assert sheet(small, ref).projected is None


def test_balances_are_frozen(small: SmallBank) -> None:
    ref = start(small, **ASK, selection="all")
    small.do("deposit", member="M0002", amount="500.00")
    small.go_to("2026-03-05")
    small.do("withdraw", member="M0001", amount="100.00")
    assert asked(small, ref)["905/M0002"][0] == 30_00
    assert sheet(small, ref).drawn_again
    later = start(small, **ASK, selection="all")
    assert asked(small, later)["905/M0002"][0] == 530_00


def test_balances_of_a_day_that_is_over(small: SmallBank) -> None:
    small.go_to("2026-03-05")
    small.do("deposit", member="M0002", amount="500.00")
    ref = start(small, **ASK, selection="all", day="2026-03-02")
    assert asked(small, ref)["905/M0002"][0] == 30_00
    assert sheet(small, ref).drawn_again
    # an entry that is dated back later does not change what the campaign asked
    back = ["GEN 731/FIRST Dr 5.00", "GEN 370 Cr 5.00"]
    small.agreed("journal-entry", by=small.tom, approver=small.sue, memo="Late", lines=back, effective_on="2026-03-02")
    assert sheet(small, ref).drawn_again


def test_what_cannot_be_begun(small: SmallBank) -> None:
    def no(field: str, error: type[Exception] = InvalidValue, **values: Any) -> None:
        refused(small, error, field, "start-campaign", **values)

    no("seed", **(ASK | {"size": 3}))
    no("size", **(ASK | {"seed": "s"}))
    no("size", **(SOME | {"interval": "10.00"}))
    no("interval", **(ASK | {"seed": "s", "interval": "10.00", "selection": "random"}))
    no("seed", **(ASK | {"seed": "s", "selection": "all"}))
    no("size", **(SOME | {"size": 50_001}))
    no("size", **(SOME | {"size": "0"}))
    no("day", InvalidDate, **(SOME | {"day": "2026-03-03"}))
    no("population", WrongState, **(ASK | {"selection": "all", "day": "2026-03-01"}))
    for who in (small.ana, small.tom, small.admin):
        no("operation", NotAllowed, by=who, **SOME)


# ------------------------------------------------------------------------------------ replies


def test_a_positive_campaign_from_letters_to_its_end(small: SmallBank) -> None:
    ref = start(small, **ASK, selection="all")
    reply(small, ref, "agrees", "905/M0001")
    reply(small, ref, "differs", "905/M0002", amount="40.00")
    reply(small, ref, "returned", "905/M0003")
    refused(small, WrongState, "campaign", "close-campaign", campaign=ref, conclusion="Done")
    reply(small, ref, "none")
    told = sheet(small, ref)
    assert {line.state: (line.count, line.amount) for line in told.lines} == {
        "agrees": (1, 900_00), "differs": (1, 30_00), "returned": (1, 45_00), "none": (1, 70_00),
    }  # fmt: skip
    assert (told.exceptions, told.unresolved) == (3, 3)
    refused(small, WrongState, "campaign", "close-campaign", campaign=ref, conclusion="Done")
    mistaken = {"finding": "bank-mistaken", "why": "A deposit of 10.00 was booked to M0003", "correction": 12}
    small.do("resolve-exception", small.sue, campaign=ref, about="905/M0002", **mistaken)
    for account in ("905/M0003", "905/M0004"):
        looked = {"finding": "checked-otherwise", "why": "Receipts of the year were seen"}
        small.do("resolve-exception", small.sue, campaign=ref, about=account, **looked)
    small.do("close-campaign", small.sue, campaign=ref, conclusion="One error, of 10.00")
    told = sheet(small, ref)
    assert (told.state, told.conclusion, told.unresolved) == ("closed", "One error, of 10.00", 0)
    assert told.error == -10_00
    with small.read() as books:
        assert [(each.ref, each.state, each.selected) for each in campaigns(books)] == [(ref, "closed", 4)]
    refused(small, WrongState, "campaign", "record-reply", campaign=ref, reply="agrees", about="905/M0001")
    refused(small, WrongState, "campaign", "close-campaign", campaign=ref, conclusion="Again")


def test_silence_agrees_in_a_negative_campaign(small: SmallBank) -> None:
    ref = start(small, **(ASK | {"form": "negative", "selection": "all"}))
    reply(small, ref, "none", "905/M0001")
    refused(small, WrongState, "campaign", "record-reply", campaign=ref, reply="none")
    reply(small, ref, "returned", "905/M0003")
    assert sheet(small, ref).exceptions == 1
    looked = {"about": "905/M0003", "finding": "checked-otherwise", "why": "He came in"}
    small.do("resolve-exception", small.sue, campaign=ref, **looked)
    small.do("close-campaign", small.sue, campaign=ref, conclusion="Nobody differs")
    titles = {line.state: line.title for line in sheet(small, ref).lines}
    assert titles["asked"] == "No answer, which is agreement"


def test_an_error_in_the_sample_is_projected(small: SmallBank) -> None:
    ref = start(small, **SOME)
    drawn = next(line for line in sheet(small, ref).asked if line.stratum == "drawn")
    right = small.text(drawn.balance // 2)
    reply(small, ref, "differs", drawn.account, amount=right)
    small.do(
        "resolve-exception", small.sue, campaign=ref, about=drawn.account, finding="bank-mistaken", why="Typed wrong"
    )
    told = sheet(small, ref)
    error = drawn.balance - drawn.balance // 2
    assert told.error == error
    assert told.projected == round(error * 7250 / drawn.balance)


def test_a_late_answer_counts_and_another_one_needs_a_reason(small: SmallBank) -> None:
    ref = start(small, **ASK, selection="all")
    reply(small, ref, "none")
    reply(small, ref, "agrees", "905/M0001")
    refused(
        small, AlreadyExists, "why", "record-reply", campaign=ref, reply="differs", about="905/M0001", amount="1.00"
    )
    reply(small, ref, "differs", "905/M0001", amount="1.00", why="It was the letter of her sister")
    found = next(line for line in sheet(small, ref).asked if line.account == "905/M0001")
    assert (found.right, found.difference, found.why) == (100, 899_00, "It was the letter of her sister")
    with small.read() as books:
        assert books.version("confirmation", f"{ref}.905/M0001") == 4, "what was recorded before stays in the books"


def test_replies_that_cannot_be(small: SmallBank) -> None:
    ref = start(small, **ASK, selection="all")

    def no(field: str, error: type[Exception] = InvalidValue, **values: Any) -> None:
        refused(small, error, field, "record-reply", **({"campaign": ref, "reply": "agrees"} | values))

    no("about", Unknown, about="905/M0005")
    no("about", about="905")
    no("about")
    no("campaign", Unknown, campaign="V-009", about="905/M0001")
    no("amount", about="905/M0001", amount="1.00")
    no("amount", about="905/M0001", reply="differs")
    no("reply", about="905/M0001", reply="differs", amount="900.00")
    no("replied_on", InvalidDate, about="905/M0001", replied_on="2026-03-03")
    no("operation", NotAllowed, about="905/M0001", by=small.ana)
    reply(small, ref, "none")
    no("campaign", WrongState, reply="none")


def test_exceptions_that_are_none(small: SmallBank) -> None:
    ref = start(small, **ASK, selection="all")

    def no(field: str, error: type[Exception], **values: Any) -> None:
        given = {"campaign": ref, "about": "905/M0001", "finding": "timing", "why": "seen"}
        refused(small, error, field, "resolve-exception", **(given | values))

    no("about", WrongState)
    reply(small, ref, "agrees", "905/M0001")
    no("about", WrongState)
    reply(small, ref, "returned", "905/M0002")
    no("finding", InvalidValue, about="905/M0002", finding="bank-mistaken")
    no("operation", Unknown, about="905/M0002", correction=9999)
    no("why", InvalidValue, about="905/M0002", why="")


def test_a_campaign_that_is_given_up_proves_nothing(small: SmallBank) -> None:
    ref = start(small, **ASK, selection="all")
    small.do("close-campaign", small.sue, campaign=ref, conclusion="The wrong day", give_up=True)
    assert sheet(small, ref).state == "given-up"


def test_nobody_confirms_their_own_account(small: SmallBank) -> None:
    small.agreed("link-user", by=small.admin, approver=small.tom, user="sue", member="M0001")
    ref = start(small, **ASK, selection="all")
    refused(small, OwnAccount, "member", "record-reply", campaign=ref, reply="agrees", about="905/M0001")
    reply(small, ref, "none")
    looked = {"campaign": ref, "about": "905/M0001", "finding": "timing", "why": "x y z"}
    refused(small, OwnAccount, "member", "resolve-exception", **looked)


# ------------------------------------------------------------------------- letters, and proof


def test_the_letter_says_what_the_campaign_asks(small: SmallBank) -> None:
    ref = start(small, form="negative", population="all", selection="all")
    body = sheet(small, ref)
    small.do("deposit", member="M0002", amount="500.00")
    with small.bank.read(body.as_of) as books:
        letters = {member: confirmation(books, member, body.day) for member in ("M0001", "M0002")}
    told = {each.number: each.balance for letter in letters.values() for each in letter.balances}
    wanted = {line.account: line.balance for line in body.asked if line.member in letters}
    assert told == wanted
    assert all(letter.negative and letter.campaign == ref for letter in letters.values())
    with small.read() as books:
        assert not confirmation(books, "M0005", body.day).campaign


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("another balance", "905/M0002 was asked about with another balance"),
        ("not asked", "905/M0002 was drawn and not asked about"),
    ],
)
def test_a_campaign_that_asks_about_something_else_is_found(engine_url: str, change: str, said: str) -> None:
    """Even where whoever did it wrote it into the seal: here the rows alone are changed, and both checks see it."""
    with new_bank(engine_url) as small:
        for name in ("Mia", "Noa"):
            small.do("open-savings", member=small.admit(name))
        for member in ("M0001", "M0002"):
            small.do("deposit", member=member, amount="30.00")
        ref = start(small, **ASK, selection="all")
        with small.read() as books:
            body = books.get(records.Confirmation, f"{ref}.905/M0002")
        small.spoiled = True
        where = (" WHERE kind = ? AND ref = ?", ["confirmation", f"{ref}.905/M0002"])
        lower = body.model_copy(update={"balance": 2900}).model_dump_json(exclude_defaults=True)
        edit = ("DELETE FROM record" + where[0], where[1]) if change == "not asked" else (
            "UPDATE record SET body = ?" + where[0], [lower, *where[1]])  # fmt: skip
        corrupt(small.bank.database, [edit])
        found = [finding.message for finding in wrong(verify(small.bank.database)) if finding.check == "confirmations"]
        assert any(said in message for message in found), found
        assert not sheet(small, ref).drawn_again
