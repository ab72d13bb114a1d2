"""Users, roles, policies, and the second person: what each operation does, and what each refuses."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.books import Actor
from coopbank.bank.operation import CATALOGUE, ROLES, TELLER
from coopbank.bank.operations.staff import Approve
from coopbank.bank.policies import POLICIES
from coopbank.errors import (
    AlreadyExists,
    CoopbankError,
    InvalidAmount,
    InvalidValue,
    NotAllowed,
    OwnAccount,
    OwnRequest,
    Unknown,
    WrongState,
)
from tests.bank.support_counter import HOSTILE, posted, refused
from tests.support_bank import PASSPHRASE, SmallBank, assert_books, new_bank

BEN = {"user": "ben", "full_name": "Ben Cole", "user_roles": ["teller"]}
BUY = {"member": "M0003", "amount": "25.00"}


def user(bank: SmallBank, name: str) -> records.User:
    with bank.read() as books:
        return books.get(records.User, name)


def actor(bank: SmallBank, name: str) -> Actor:
    with bank.read() as books:
        return books.actor_now(name)


def request_of(bank: SmallBank, ref: str) -> records.Request:
    with bank.read() as books:
        return books.get(records.Request, ref)


# ----------------------------------------------------------------------------- users and roles


def test_a_colleague_is_added_by_two(counter: SmallBank) -> None:
    counter.agreed("add-user", by=counter.admin, **BEN)
    found = user(counter, "ben")
    assert (found.roles, found.active, found.member) == (["teller"], True, None)
    with counter.read() as books:
        assert books.personal(found.full_name) == "Ben Cole"
        assert books.tx.value("SELECT count(*) FROM operation WHERE sealed LIKE '%Ben Cole%'") == 0
    refused(counter, AlreadyExists, "add-user", counter.admin, field="user", **BEN)
    refused(counter, AlreadyExists, "add-user", counter.admin, field="user", says="ben", **{**BEN, "user": "Ben"})


def test_the_first_users_are_added_by_one(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "book.db")) as bank:
        with bank.read() as books:
            asked = books.tx.value("SELECT count(*) FROM record WHERE kind = 'request' AND version = 1")
        assert asked == 1, "ana and tom were added while nobody else could approve, sue was not"
        assert_books(bank)


def test_users_that_are_not_added(counter: SmallBank) -> None:
    def no(error: type[CoopbankError], field: str | None, **changes: Any) -> None:
        refused(counter, error, "add-user", counter.admin, field=field, **{**BEN, **changes})

    for name in ("", "b en", "<b>", "x" * 41, "é", "../ben", "-ben"):
        no(InvalidValue, "user", user=name)
    for roles in ([], ["boss"], "teller", ["teller", "boss"], [""], None):
        no(InvalidValue, "user_roles", user_roles=roles)
    no(InvalidValue, "full_name", full_name="")
    no(Unknown, "member", member="M9999")
    refused(counter, NotAllowed, "add-user", counter.tom, **BEN)
    counter.agreed("add-user", by=counter.admin, **{**BEN, "user_roles": ["teller", "teller", "auditor"]})
    assert user(counter, "ben").roles == ["auditor", "teller"]


def test_roles_change_at_once_whatever_a_door_remembers(counter: SmallBank) -> None:
    counter.agreed("change-role", by=counter.admin, user="ana", user_roles=["auditor"])
    refused(counter, NotAllowed, "deposit", counter.ana, member="M0001", amount="1.00")
    counter.agreed("change-role", by=counter.admin, user="ana", user_roles=["teller"])
    counter.do("deposit", member="M0001", amount="1.00")
    counter.agreed("change-role", by=counter.admin, user="ana", user_roles=["teller"], active=False)
    refused(counter, Unknown, "deposit", counter.ana, field="user", says="ana", member="M0001", amount="1.00")


def test_roles_that_are_not_changed(counter: SmallBank) -> None:
    refused(counter, NotAllowed, "change-role", counter.admin, field="user", user="admin", user_roles=["treasurer"])
    refused(counter, Unknown, "change-role", counter.admin, field="user", user="nobody", user_roles=["teller"])
    refused(counter, InvalidValue, "change-role", counter.admin, field="user_roles", user="ana", user_roles=["boss"])
    refused(counter, NotAllowed, "change-role", counter.tom, user="ana", user_roles=["treasurer"])


def test_a_linked_user_does_not_serve_themselves(counter: SmallBank) -> None:
    counter.do("deposit", member="M0001", amount="1.00")
    counter.agreed("link-user", by=counter.admin, user="ana", member="M0001")
    refused(counter, OwnAccount, "deposit", counter.ana, field="member", member="M0001", amount="1.00")
    counter.do("deposit", member="M0002", amount="1.00")
    refused(counter, Unknown, "link-user", counter.admin, field="user", user="nobody", member="M0001")
    refused(counter, Unknown, "link-user", counter.admin, field="member", user="tom", member="M9999")
    refused(counter, NotAllowed, "link-user", counter.tom, user="ana", member="M0001")


def test_powers_are_those_of_the_catalogue(counter: SmallBank) -> None:
    with counter.read() as books:
        for role in ROLES:
            powers = books.get(records.Role, role).operations
            assert powers == sorted(n for n, op in CATALOGUE.items() if role in op.roles and not op.internal)
        assert not any(CATALOGUE[n].internal for n in books.get(records.Role, TELLER).operations)


def test_passphrases_are_set_by_oneself_or_an_administrator(counter: SmallBank) -> None:
    counter.bank.set_passphrase(counter.admin, "ana", "battery staple")
    counter.bank.set_passphrase(counter.ana, "ana", "battery staple again")
    assert counter.bank.sign_in("ana", "battery staple again") == counter.ana
    with pytest.raises(NotAllowed):
        counter.bank.set_passphrase(counter.ana, "tom", "battery staple")
    with pytest.raises(NotAllowed):
        counter.bank.set_passphrase(Actor("ana", ("administrator",)), "tom", "battery staple")
    with pytest.raises(InvalidValue):
        counter.bank.set_passphrase(counter.admin, "ana", "short")
    with pytest.raises(Unknown):
        counter.bank.set_passphrase(counter.admin, "nobody", "battery staple")
    assert counter.bank.sign_in("admin", PASSPHRASE) == counter.admin


@pytest.mark.parametrize("name", HOSTILE)
def test_a_full_name_is_any_text(counter: SmallBank, name: str) -> None:
    counter.agreed("add-user", by=counter.admin, **{**BEN, "full_name": name})
    with counter.read() as books:
        assert books.personal(user(counter, "ben").full_name) == name


# ------------------------------------------------------------------------------------ policies


def test_a_policy_is_changed_by_two(counter: SmallBank) -> None:
    for name, value, kept in (("cheque_hold_days", "10", 10), ("withdrawal_alone", "50", "50.00")):
        counter.agreed("set-policy", counter.tom, counter.sue, policy=name, value=value)
        with counter.read() as books:
            assert books.policy(name) == kept
    assert counter.ask("withdraw", member="M0001", amount="50.01").status == "pending"


def test_policies_that_are_not_changed(counter: SmallBank) -> None:
    def no(error: type[CoopbankError], field: str, policy: str, value: Any) -> None:
        refused(counter, error, "set-policy", counter.tom, field=field, policy=policy, value=value)

    for value in ("-1", "1.5", "x", "", "²", "٣", "9" * 30, "7 days"):
        no(InvalidValue, "value", "cheque_hold_days", value)
    for value in ("x", "1.005", "1,000.00", "", "9" * 30):
        no(InvalidAmount, "value", "withdrawal_alone", value)
    no(InvalidAmount, "value", "withdrawal_alone", "-1.00")
    no(InvalidValue, "value", "cheque_hold_days", str(POLICIES["cheque_hold_days"].new))
    no(Unknown, "policy", "free_lunch", "yes")
    no(Unknown, "value", "bank_account", "NONE")
    no(InvalidValue, "value", "paper", "foolscap")
    no(InvalidValue, "value", "time_zone", "Mars/Olympus")
    no(InvalidAmount, "value", "cash_report", "plenty")
    no(InvalidValue, "value", "dormant_months", "twelve")
    values = {"code": "RESERVE", "account_name": "Reserve", "fund": "LLR"}
    counter.agreed("add-bank-account", counter.tom, counter.sue, **values)
    no(InvalidValue, "value", "bank_account", "RESERVE")
    refused(counter, NotAllowed, "set-policy", policy="cheque_hold_days", value="1")


def test_a_telephone_number_is_no_amount(counter: SmallBank) -> None:
    for phone in ("6015550101", "601 555 0102", ""):
        counter.agreed("set-policy", counter.tom, counter.sue, policy="phone", value=phone)
        with counter.read() as books:
            assert books.policy("phone") == phone


# --------------------------------------------------------------------------- the second person


def waiting(bank: SmallBank) -> str:
    """A redemption of a share that waits for a second person."""
    bank.do("buy-shares", **BUY)
    return str(bank.ask("redeem-shares", **BUY).request)


def test_an_approval_does_what_was_asked(counter: SmallBank) -> None:
    ref = waiting(counter)
    assert (request_of(counter, ref).state, counter.balance("901/M0003")) == ("waiting", -25_00)
    done = counter.do("approve", by=counter.tom, request=ref)
    (followed,) = done.then
    assert (followed.kind, followed.actor, followed.approver) == ("redeem-shares", "ana", "tom")
    assert ("GEN", "901/M0003", 25_00) in posted(followed)[0]
    assert (request_of(counter, ref).state, request_of(counter, ref).decided_by) == ("approved", "tom")


def test_who_does_not_approve(counter: SmallBank) -> None:
    ref = waiting(counter)
    refused(counter, OwnRequest, "approve", counter.ana, field="request", request=ref)
    refused(counter, Unknown, "approve", counter.tom, field="request", request="R-99999")
    counter.agreed("add-user", by=counter.admin, user="lou", full_name="Lou", user_roles=["loan-officer"])
    counter.agreed("add-user", by=counter.admin, user="ada", full_name="Ada", user_roles=["auditor"])
    refused(counter, NotAllowed, "approve", actor(counter, "lou"), field="request", says="treasurer", request=ref)
    refused(counter, NotAllowed, "approve", actor(counter, "ada"), request=ref)
    counter.agreed("link-user", by=counter.admin, user="sue", member="M0003")
    refused(counter, OwnAccount, "approve", counter.sue, request=ref)
    counter.do("approve", by=counter.tom, request=ref)


def test_a_refused_request_stays_refused(counter: SmallBank) -> None:
    ref = waiting(counter)
    refused(counter, InvalidValue, "refuse", counter.tom, field="why", request=ref, why="")
    refused(counter, OwnRequest, "refuse", counter.ana, request=ref, why="mine")
    counter.do("refuse", by=counter.tom, request=ref, why="not today")
    assert (request_of(counter, ref).state, request_of(counter, ref).why) == ("refused", "not today")
    for operation, by in (("approve", counter.sue), ("refuse", counter.sue), ("take-back", counter.ana)):
        why = {"why": "x"} if operation == "refuse" else {}
        refused(counter, WrongState, operation, by, field="request", says="refused", request=ref, **why)
    assert counter.balance("901/M0003") == -25_00


def test_a_request_is_taken_back_by_its_asker(counter: SmallBank) -> None:
    ref = waiting(counter)
    refused(counter, NotAllowed, "take-back", counter.tom, field="request", says="ana", request=ref)
    counter.do("take-back", request=ref)
    refused(counter, WrongState, "approve", counter.tom, says="withdrawn", request=ref)


def test_the_asker_is_gone_when_it_is_approved(counter: SmallBank) -> None:
    ref = waiting(counter)
    counter.agreed("change-role", by=counter.admin, user="ana", user_roles=["teller"], active=False)
    refused(counter, Unknown, "approve", counter.tom, says="ana", request=ref)
    counter.do("refuse", by=counter.tom, request=ref, why="ana left")


def test_the_asker_lost_the_power_meanwhile(counter: SmallBank) -> None:
    ref = waiting(counter)
    counter.agreed("change-role", by=counter.admin, user="ana", user_roles=["auditor"])
    refused(counter, NotAllowed, "approve", counter.tom, request=ref)


def test_approving_in_a_thread_of_its_own_reads_the_book_s_currency(tmp_path: Path) -> None:
    """The currency of the book is a context variable; a worker thread begins with an empty context."""
    with new_bank(str(tmp_path / "yen.db"), currency="JPY") as bank:
        bank.admit("Mia Lee")
        bank.do("buy-shares", member="M0001", amount="2500")
        asked = bank.ask("redeem-shares", member="M0001", amount="2500")
        approve = Approve(request=asked.request)
        thread = threading.Thread(target=lambda: bank.bank.perform(bank.tom, approve))
        thread.start()
        thread.join()
        assert bank.balance("901/M0001") == 0
        assert_books(bank)


# -------------------------------------------------------------------------------- both engines


def test_the_same_on_both_engines(beginning: SmallBank) -> None:
    bank = beginning
    bank.agreed("add-user", by=bank.admin, **BEN)
    refused(bank, InvalidValue, "set-policy", bank.tom, field="value", policy="cheque_hold_days", value="²")
    ref = waiting(bank)
    refused(bank, OwnRequest, "approve", bank.ana, request=ref)
    bank.do("refuse", by=bank.tom, request=ref, why="no")
    bank.do("take-back", request=str(bank.ask("redeem-shares", **BUY).request))
