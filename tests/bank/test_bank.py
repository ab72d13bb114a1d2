"""What the bank does around every operation: keys, powers, the second person, sign-ins, refusals."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.errors import (
    CoopbankError,
    DayClosed,
    DrawerClosed,
    InvalidValue,
    KeyReused,
    NotAllowed,
    NotOffered,
    Overdrawn,
    OwnAccount,
    OwnRequest,
    SignInRefused,
    Unknown,
    WrongState,
)
from tests.support_bank import CHARITY, PASSPHRASE, SmallBank, assert_books, new_bank


@pytest.fixture
def mia(small: SmallBank) -> str:
    member = small.admit("Mia Lee")
    small.do("open-savings", member=member)
    small.do("deposit", member=member, amount="100.00")
    return member


def facts(small: SmallBank) -> tuple[Any, ...]:
    """Everything but the log of refusals: what a refused operation must leave alone."""
    with small.read() as books:
        return (
            books.tx.rows("SELECT * FROM entry ORDER BY id"),
            books.tx.rows("SELECT kind, ref, version, body FROM record ORDER BY kind, ref, version"),
            books.tx.rows("SELECT * FROM account ORDER BY id"),
            books.tx.rows("SELECT account_id, debit, credit FROM balance ORDER BY account_id"),
        )


# ------------------------------------------------------------------------------ idempotency


def test_the_same_request_with_the_same_key_is_done_once(small: SmallBank, mia: str) -> None:
    first = small.do("deposit", key="slip-1", member=mia, amount="5.00")
    again = small.do("deposit", key="slip-1", member=mia, amount="5.00")
    assert (first.status, again.status, again.number) == ("done", "repeated", first.number)
    assert small.balance(f"905/{mia}") == -105_00
    assert (again.entries, again.effects) == (first.entries, first.effects)


@pytest.mark.parametrize("change", [{"amount": "5.01"}, {"memo": "x"}, {"member": "M0002"}])
def test_a_key_with_another_request_is_refused(small: SmallBank, mia: str, change: dict[str, str]) -> None:
    small.admit("Second Member")
    small.do("open-savings", member="M0002")
    small.do("deposit", key="slip-1", member=mia, amount="5.00")
    before = facts(small)
    with pytest.raises(KeyReused) as refused:
        small.do("deposit", key="slip-1", **{"member": mia, "amount": "5.00"} | change)
    assert refused.value.field == "key"
    assert facts(small) == before


def test_a_key_of_somebody_else_is_refused(small: SmallBank, mia: str) -> None:
    small.do("admit-member", key="k", member_name="Same Name")
    with pytest.raises(KeyReused):
        small.do("admit-member", by=small.tom, key="k", member_name="Same Name")


def test_a_request_with_personal_values_is_recognised_though_its_salt_was_drawn(small: SmallBank) -> None:
    first = small.do("admit-member", key="k", member_name="Ada Tate", phone="601")
    again = small.do("admit-member", key="k", member_name="Ada Tate", phone="601")
    assert again.number == first.number
    with pytest.raises(KeyReused):
        small.do("admit-member", key="k", member_name="Ada Tate", phone="602")


def test_a_waiting_request_is_not_asked_twice(small: SmallBank, mia: str) -> None:
    small.do("buy-shares", member=mia, amount="25.00")
    first = small.ask("redeem-shares", key="r", member=mia, amount="25.00")
    again = small.ask("redeem-shares", key="r", member=mia, amount="25.00")
    assert (first.status, again.number, again.request) == ("pending", first.number, first.request)


# --------------------------------------------------------------------------- all or nothing


def test_a_list_is_done_as_a_whole_or_not_at_all(small: SmallBank, mia: str) -> None:
    before = facts(small)
    steps = [("deposit", "10.00"), ("withdraw", "5.00"), ("withdraw", "9999.00")]
    operations = [(small.bank.build(name, {"member": mia, "amount": amount}), None) for name, amount in steps]
    with pytest.raises(CoopbankError):
        small.bank.perform_all(small.ana, operations)
    assert facts(small) == before
    small.bank.perform_all(small.ana, operations[:2])
    assert small.balance(f"905/{mia}") == -105_00


def test_later_operations_of_a_list_see_the_earlier_ones(small: SmallBank) -> None:
    names = [("admit-member", {"member_name": "A"}), ("open-savings", {"member": "M0001"}),
             ("deposit", {"member": "M0001", "amount": "3.00"})]  # fmt: skip
    small.bank.perform_all(small.ana, [(small.bank.build(n, v), None) for n, v in names])
    assert small.balance("905/M0001") == -3_00


def test_what_an_undone_list_changed_is_not_remembered(small: SmallBank, mia: str) -> None:
    """What every operation asks for is kept from one to the next, under what the books were when it was read."""
    drawer = small.text(small.balance("739/D1", "POOL"))
    close = ("close-drawer", {"drawer": "D1", "counted": drawer})
    deposit = ("deposit", {"member": mia, "amount": "5.00"})
    with pytest.raises(DrawerClosed):
        small.bank.preview_all(small.ana, [(small.bank.build(*each), None) for each in (close, deposit)])
    # another till's operation gets the number that the close had, and writes a record
    with closing(Bank.open(small.bank.database.place, clock=small.clock)) as other:
        other.perform(small.ana, other.build("admit-member", {"member_name": "Ann Poe"}))
    assert small.do("deposit", member=mia, amount="5.00").status == "done"


def test_a_change_at_another_till_is_seen_at_once(small: SmallBank, mia: str) -> None:
    with closing(Bank.open(small.bank.database.place, clock=small.clock)) as other:
        small.do("deposit", member=mia, amount="5.00")
        drawer = small.text(small.balance("739/D1", "POOL"))
        other.perform(small.ana, other.build("close-drawer", {"drawer": "D1", "counted": drawer}))
        with pytest.raises(DrawerClosed):
            small.do("deposit", member=mia, amount="5.00")
        other.perform(small.ana, other.build("open-drawer", {"drawer": "D1"}))
        small.do("deposit", member=mia, amount="5.00")
        asked = other.perform(small.admin, other.build("change-role", {"user": "ana", "user_roles": ["auditor"]}))
        small.do("deposit", member=mia, amount="5.00")
        other.perform(small.tom, other.build("approve", {"request": asked.request}))
        with pytest.raises(NotAllowed):
            small.do("deposit", member=mia, amount="5.00")


def test_a_day_closed_and_an_account_opened_at_another_till_are_seen_at_once(small: SmallBank, mia: str) -> None:
    """What is kept of periods, and that something was not there, holds until somebody writes."""
    bob = small.admit("Bob Poe")
    with closing(Bank.open(small.bank.database.place, clock=small.clock)) as other:
        for _ in range(2):
            small.do("deposit", member=mia, amount="5.00")
            with pytest.raises(Unknown):
                small.do("deposit", member=bob, amount="5.00")
        other.perform(small.ana, other.build("open-savings", {"member": bob}))
        small.do("deposit", member=bob, amount="5.00")
        drawer = small.text(small.balance("739/D1", "POOL"))
        other.perform(small.ana, other.build("close-drawer", {"drawer": "D1", "counted": drawer}))
        other.perform(small.tom, other.build("close-day", {}))
        for _ in range(2):
            with pytest.raises(DayClosed):
                small.do("deposit", member=mia, amount="5.00", tender="transfer")
        small.clock.instant += timedelta(days=1)
        other.perform(small.ana, other.build("open-day", {}))
        small.do("deposit", member=mia, amount="5.00", tender="transfer")


def test_each_of_a_list_sees_the_periods_that_those_before_it_wrote(small: SmallBank, mia: str) -> None:
    """Also where the list is undone in the middle, part by part or as a whole."""
    drawer = small.text(small.balance("739/D1", "POOL"))
    small.do("close-drawer", drawer="D1", counted=drawer)
    close: tuple[str, dict[str, str]] = ("close-day", {})
    deposit = ("deposit", {"member": mia, "amount": "5.00", "tender": "transfer"})
    small.do("deposit", member=mia, amount="5.00", tender="transfer")

    def built(*steps: tuple[str, dict[str, str]]) -> list[Any]:
        return [(small.bank.build(*step), None) for step in steps]

    with pytest.raises(DayClosed):
        small.bank.perform_all(small.tom, built(close, deposit))
    small.do("deposit", member=mia, amount="5.00", tender="transfer")
    verdicts = small.bank.try_all(small.tom, built(deposit, close, deposit, deposit))
    assert [isinstance(each, DayClosed) for each in verdicts] == [False, False, True, True]
    small.do("deposit", member=mia, amount="5.00", tender="transfer")


def test_more_may_be_asked_than_is_kept(small: SmallBank, mia: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coopbank.bank.books._MOST_KEPT", 3)
    for _ in range(4):
        small.do("deposit", member=mia, amount="5.00")
    assert small.balance(f"905/{mia}") == -120_00


# ---------------------------------------------------------------------------------- refusals


def test_a_refusal_changes_no_fact_and_is_itself_in_the_log(small: SmallBank, mia: str) -> None:
    before = facts(small)
    with pytest.raises(Overdrawn) as refused:
        small.do("withdraw", member=mia, amount="100.01")
    assert refused.value.field == "amount"
    assert facts(small) == before
    with small.read() as books:
        kind, actor = books.tx.row("SELECT kind, actor FROM operation ORDER BY id DESC LIMIT 1") or ("", "")
    assert (kind, actor) == ("log-refusal", "ana")


def test_who_lacks_the_power_is_told_whose_it_is(small: SmallBank, mia: str) -> None:
    with pytest.raises(NotAllowed, match="teller"):
        small.do("deposit", by=small.sue, member=mia, amount="1.00")


def test_nobody_serves_their_own_account(small: SmallBank, mia: str) -> None:
    small.agreed("link-user", by=small.admin, user="ana", member=mia)
    ana = Actor("ana", ("teller",), mia)
    for name in ("deposit", "withdraw", "buy-shares"):
        with pytest.raises(OwnAccount):
            small.do(name, by=ana, member=mia, amount="1.00")


def test_a_charity_keeps_no_savings(new_engine_url: Any) -> None:
    with new_bank(new_engine_url("charity"), institution_kind=CHARITY) as charity:
        member = charity.admit("Mia")
        with pytest.raises(NotOffered):
            charity.do("open-savings", member=member)
        assert_books(charity)


def test_operations_of_the_program_itself_are_offered_to_nobody(small: SmallBank) -> None:
    for name in ("sign-in", "ask", "log-refusal", "found-book", "set-passphrase"):
        with pytest.raises(Unknown):
            small.bank.build(name, {})


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"member": "M0001"}, "amount"),
        ({"member": "M0001", "amount": "1.00", "colour": "red"}, "colour"),
        ({"member": "M0001", "amount": "-1.00"}, "amount"),
        ({"member": "M0001", "amount": "0"}, "amount"),
        ({"member": "M0001", "amount": "1.001"}, "amount"),
        ({"member": "M0001", "amount": 1.5}, "amount"),
        ({"member": "M0001", "amount": 150}, "amount"),
        ({"member": "M0001", "amount": "1e3"}, "amount"),
        ({"member": "M0001", "amount": "٣"}, "amount"),
        ({"member": "M0001", "amount": "9" * 400}, "amount"),
        ({"member": "M 1", "amount": "1.00"}, "member"),
        ({"member": "M0001", "amount": "1.00", "memo": "x" * 501}, "memo"),
        ({"member": "M0001", "amount": "1.00", "memo": "a\x00b"}, "memo"),
        ({"member": "M0001", "amount": "1.00", "memo": "\ud800"}, "memo"),
        ({"member": "M0001", "amount": "1.00", "tender": "gold"}, "tender"),
    ],
)
def test_wrong_input_names_its_field(small: SmallBank, values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        small.bank.build("deposit", values)
    assert refused.value.field == field
    assert "Traceback" not in str(refused.value)


HOSTILE = [
    "<b>bold</b>", "A & B", "[red]x[/red]", "=1+1", "O'Brien \"Q\"", "line\nbreak", "\u202eevil", "👩🏾‍🌾", "x" * 200,
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_only_names(small: SmallBank, name: str) -> None:
    member = small.admit(name)
    with small.read() as books:
        assert books.member_name(member) == name
        assert books.personal(books.get(records.Member, member).name) == name
        assert name not in books.tx.value("SELECT sealed FROM operation ORDER BY id DESC LIMIT 1")


# -------------------------------------------------------------------------- the second person


def test_approving_posts_on_the_day_of_approval_with_both_names(small: SmallBank, mia: str) -> None:
    small.do("buy-shares", member=mia, amount="25.00")
    small.do("move-cash", by=small.ana, from_place="D1", to_place="VAULT", amount="50.00")
    small.do("move-cash", by=small.tom, from_place="VAULT", to_place="FIRST", amount="50.00")
    asked = small.ask("redeem-shares", member=mia, amount="25.00", tender="transfer")
    small.go_to("2026-03-03")
    approved = small.do("approve", by=small.tom, request=asked.request).then[0]
    assert (approved.actor, approved.approver, approved.business_date) == ("ana", "tom", "2026-03-03")
    assert small.balance(f"901/{mia}") == 0


def test_nobody_approves_their_own_request(small: SmallBank, mia: str) -> None:
    small.do("buy-shares", by=small.ana, member=mia, amount="25.00")
    asked = small.ask("transfer-shares", by=small.tom, member=mia, to_member=small.admit("Leo"), amount="25.00",
                      share_class="901")  # fmt: skip
    with pytest.raises(OwnRequest):
        small.do("approve", by=small.tom, request=asked.request)


def test_a_request_is_decided_once(small: SmallBank, mia: str) -> None:
    small.do("buy-shares", member=mia, amount="25.00")
    asked = small.ask("redeem-shares", member=mia, amount="25.00")
    with pytest.raises(NotAllowed):
        small.do("take-back", by=small.tom, request=asked.request)
    small.do("refuse", by=small.tom, request=asked.request, why="the member stays")
    for name, who in (("approve", small.tom), ("take-back", small.ana)):
        with pytest.raises(WrongState):
            small.do(name, by=who, request=asked.request)
    assert small.balance(f"901/{mia}") == -25_00


def test_an_approval_of_what_is_not_possible_any_more_changes_nothing(small: SmallBank, mia: str) -> None:
    small.do("buy-shares", member=mia, amount="25.00")
    first = small.ask("redeem-shares", member=mia, amount="25.00")
    second = small.ask("redeem-shares", member=mia, amount="25.00")
    small.do("approve", by=small.tom, request=first.request)
    before = facts(small)
    with pytest.raises(Overdrawn):
        small.do("approve", by=small.tom, request=second.request)
    assert facts(small) == before


def test_who_lost_their_powers_has_their_request_refused(small: SmallBank, mia: str) -> None:
    small.do("buy-shares", member=mia, amount="25.00")
    asked = small.ask("redeem-shares", member=mia, amount="25.00")
    small.agreed("change-role", by=small.admin, user="ana", user_roles=["auditor"])
    with pytest.raises(NotAllowed):
        small.do("approve", by=small.tom, request=asked.request)


# ---------------------------------------------------------------------------------- sign-ins


def test_a_wrong_passphrase_is_refused_counted_and_delays(small: SmallBank) -> None:
    small.give_passphrase("ana", "only ana knows")
    assert small.bank.sign_in("ana", "only ana knows").user == "ana"
    for _ in range(4):
        with pytest.raises(SignInRefused, match="wrong"):
            small.bank.sign_in("ana", "guess")
    with pytest.raises(SignInRefused, match="Too many"):
        small.bank.sign_in("ana", "only ana knows")
    small.clock.instant += timedelta(hours=2)
    assert small.bank.sign_in("ana", "only ana knows").user == "ana"


def test_an_unknown_user_is_refused_as_a_wrong_passphrase_is(small: SmallBank) -> None:
    with pytest.raises(SignInRefused, match="wrong"):
        small.bank.sign_in("nobody", PASSPHRASE)


def test_a_kept_sign_in_ends(small: SmallBank) -> None:
    token = small.bank.keep_sign_in(small.ana)
    found = small.bank.actor_of(token)
    assert found is not None
    assert found.user == "ana"
    small.bank.sign_out(token)
    assert small.bank.actor_of(token) is None


def test_books_open_again_as_they_were(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        member = small.admit("Mia")
        again = Bank.open(engine_url, clock=small.clock)
        with again.read() as books:
            assert books.member_name(member) == "Mia"
        assert again.book == small.bank.book
        again.close()
        assert_books(small)


@pytest.mark.parametrize(
    "email",
    [
        "nonsense",
        "a@b",
        "@b.org",
        "a b@c.org",
        "a@b.org, c@d.org",
        "<a@b.org>",
        "a@b..org",
        "\u202ea@b.org",
        "a@b.org\u200b",
    ],
)
def test_an_email_that_is_none(small: SmallBank, email: str) -> None:
    mia = small.admit("Mia Lee", email="mia.lee+bank@correo.example")
    for operation, values in (("admit-member", {"member_name": "Noa"}), ("change-member", {"member": mia})):
        with pytest.raises(InvalidValue, match="one e-mail address") as refusal:
            small.ask(operation, email=email, **values)
        assert refusal.value.field == "email"
