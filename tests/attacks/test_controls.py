"""Ways around the controls, as somebody at the counter would try them: each is refused and leaves the books alone."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from argon2 import Parameters, extract_parameters

from coopbank.bank import passphrases
from coopbank.bank.bank import require_key
from coopbank.bank.books import Actor
from coopbank.bank.fields import widget_of
from coopbank.bank.operation import CATALOGUE, operation_named
from coopbank.bank.operations.staff import Approve, Ask, LogRefusal, SetPassphrase, SignIn
from coopbank.errors import (
    InvalidAmount,
    InvalidValue,
    NotAllowed,
    OwnAccount,
    OwnRequest,
    Refused,
    SignInRefused,
    Unknown,
    WrongState,
)
from tests.bank.support_counter import facts, refused
from tests.support_bank import PASSPHRASE, SmallBank

# ------------------------------------------------------------------------- the keys of the program


@pytest.mark.parametrize("key", ["approved:R-00001", "approved:R-99999", "approved:"])
def test_no_door_takes_a_key_that_stands_for_an_approval(small: SmallBank, key: str) -> None:
    """Asked for under the key of its own approval, a request would be approved and never done."""
    before = facts(small)
    for operation, values in (
        ("redeem-shares", {"member": "M0001", "amount": "25.00"}),
        ("deposit", {"member": "M0001", "amount": "25.00"}),
    ):
        built = small.bank.build(operation, values)
        with pytest.raises(InvalidValue, match="approved:") as caught:
            small.bank.perform(small.ana, built, key=key)
        assert caught.value.field == "key"
        with pytest.raises(InvalidValue):
            small.bank.preview_all(small.ana, [(built, key)])
        [tried] = small.bank.try_all(small.ana, [(built, key)])
        assert isinstance(tried, InvalidValue)
    assert facts(small) == before


def test_what_was_approved_is_done(small: SmallBank) -> None:
    """The other side of it: an approval that says it is done has moved the money."""
    done = small.agreed("redeem-shares", member="M0001", amount="25.00")
    assert (done.status, small.balance("901/M0001")) == ("done", 0)


@pytest.mark.parametrize("key", ["", "a\0b", "\ud800", "line\nbreak", "k" * 201, "\u202e", "\x1b[2J"])
def test_a_key_that_cannot_be_kept_is_refused_in_words(small: SmallBank, key: str) -> None:
    built = small.bank.build("deposit", {"member": "M0001", "amount": "1.00"})
    with pytest.raises(InvalidValue) as caught:
        small.bank.perform(small.ana, built, key=key)
    assert caught.value.field == "key"


def test_keys_people_use_are_keys() -> None:
    for key in ("1", "slip 12", "Ünïcode-7", "k" * 200, "approve", "import:members:0a:1"):
        require_key(key)


# --------------------------------------------------------------------------- the program's own operations


def test_the_program_s_own_operations_are_refused_at_every_door(small: SmallBank) -> None:
    internal = {name for name, operation in CATALOGUE.items() if operation.internal}
    assert {"ask", "sign-in", "set-passphrase", "log-refusal", "found-book"} <= internal
    for name in internal:
        with pytest.raises(Unknown):
            operation_named(name)
        with pytest.raises(Unknown):
            small.bank.build(name, {})
    payload = {"member": "M0001", "amount": "300.00", "tender": "cash"}
    forged = [
        SignIn(), SetPassphrase(user="tom"), LogRefusal(operation="x", code="y"),
        Ask(operation="withdraw", operation_version=1, payload=payload, reason="because"),
    ]  # fmt: skip
    before = facts(small)
    for operation in forged:
        with pytest.raises(NotAllowed):
            small.bank.perform(small.admin, operation)
        with pytest.raises(NotAllowed):
            small.bank.preview_all(small.admin, [(operation, None)])
    assert facts(small) == before


# ------------------------------------------------------------------------------- two people


def second_user(small: SmallBank, user: str, member: str, *roles: str) -> Actor:
    small.agreed("add-user", by=small.admin, user=user, full_name="A. R.", user_roles=list(roles), member=member)
    return Actor(user, roles, member)


def test_one_person_with_two_users_is_one_person(small: SmallBank) -> None:
    """The asker and the approver carry the same member number, so they are the same human being."""
    small.agreed("link-user", by=small.admin, user="ana", member="M0003")
    other_self = second_user(small, "ana2", "M0003", "treasurer")
    asked = small.ask("redeem-shares", member="M0001", amount="25.00")
    refusal = refused(small, OwnRequest, "approve", other_self, field="request", request=asked.request)
    assert "M0003" in str(refusal)
    # linked only after asking: the same
    small.agreed("add-user", by=small.admin, user="ana3", full_name="A", user_roles=["treasurer"])
    small.agreed("link-user", by=small.admin, user="ana3", member="M0003")
    refused(small, OwnRequest, "approve", Actor("ana3", ("treasurer",)), request=asked.request)
    assert small.do("approve", by=small.tom, request=asked.request).then[0].status == "done"


def test_who_approves_does_not_serve_their_own_account(small: SmallBank) -> None:
    small.agreed("link-user", by=small.admin, user="tom", member="M0001", approver=small.sue)
    asked = small.ask("redeem-shares", member="M0001", amount="25.00")
    refused(small, OwnAccount, "approve", small.tom, request=asked.request)
    assert small.do("approve", by=small.sue, request=asked.request).then[0].status == "done"


def test_a_role_that_was_taken_away_counts_at_once(small: SmallBank) -> None:
    """The door still remembers the old powers; the books do not."""
    asked = small.ask("redeem-shares", member="M0001", amount="25.00")
    small.agreed("change-role", by=small.admin, approver=small.sue, user="tom", user_roles=["auditor"])
    refused(small, NotAllowed, "approve", small.tom, request=asked.request)
    refused(small, NotAllowed, "receive-gift", small.tom, amount="1.00", donor="x", tender="transfer")
    policy = {"policy": "withdrawal_alone", "value": "9000.00"}
    refused(small, NotAllowed, "set-policy", Actor("ana", ("treasurer", "administrator")), **policy)
    refused(small, Unknown, "deposit", Actor("nobody", ("teller",)), member="M0001", amount="1.00")


def test_an_administrator_no_more_sets_nobody_s_passphrase(small: SmallBank) -> None:
    """Signed in as an administrator, then made a teller: the old powers would open every colleague's account."""
    second_user(small, "ada", "M0003", "administrator")
    ada = Actor("ada", ("administrator",))
    small.bank.set_passphrase(ada, "tom", "words for tom")
    small.bank.set_passphrase(small.tom, "tom", "long enough words")
    small.agreed("change-role", by=small.admin, user="ada", user_roles=["teller"])
    before = facts(small)
    with pytest.raises(NotAllowed):
        small.bank.set_passphrase(ada, "tom", "words of an intruder")
    small.agreed("change-role", by=small.admin, user="ada", user_roles=["teller"], active=False)
    with pytest.raises(Unknown):
        small.bank.set_passphrase(ada, "ada", "words of an intruder")
    small.bank.authenticate("tom", "long enough words")
    assert facts(small) != before  # the change of role, and nothing else of ada's
    with pytest.raises(SignInRefused):
        small.bank.authenticate("tom", "words of an intruder")


def test_a_request_of_somebody_who_left_is_not_done(small: SmallBank) -> None:
    asked = small.ask("redeem-shares", member="M0001", amount="25.00")
    small.agreed("change-role", by=small.admin, user="ana", user_roles=["teller"], active=False)
    refused(small, Unknown, "approve", small.tom, request=asked.request)
    assert small.do("refuse", by=small.tom, request=asked.request, why="ana left").status == "done"


def test_a_request_made_with_another_version_is_asked_for_anew(
    small: SmallBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = small.ask("redeem-shares", member="M0001", amount="25.00")
    with monkeypatch.context() as patch:
        patch.setattr(CATALOGUE["redeem-shares"], "version", 2)
        refusal = refused(small, WrongState, "approve", small.tom, field="request", request=asked.request)
        assert "version" in str(refusal)
    assert small.do("approve", by=small.tom, request=asked.request).then[0].status == "done"


def test_a_request_is_decided_once_whatever_is_tried(small: SmallBank) -> None:
    asked = small.ask("redeem-shares", member="M0001", amount="25.00")
    twice = [(Approve(request=str(asked.request)), None)] * 2
    before = facts(small)
    with pytest.raises(WrongState):
        small.bank.perform_all(small.tom, twice)
    assert facts(small) == before
    small.do("approve", by=small.tom, request=asked.request)
    for operation, by, values in (
        ("approve", small.sue, {}), ("refuse", small.sue, {"why": "late"}), ("take-back", small.ana, {}),
    ):  # fmt: skip
        refused(small, WrongState, operation, by, request=asked.request, **values)


# ------------------------------------------------------------------------- nothing, and less than nothing


def _money_fields() -> list[tuple[str, str]]:
    return [
        (name, field)
        for name, operation in sorted(CATALOGUE.items())
        if not operation.internal
        for field, info in operation.model_fields.items()
        if widget_of(info) == "money"
    ]


@pytest.mark.parametrize("amount", ["0", "0.00", "-1.00", "-0.01", "1e3", "NaN", "0.001", "٣", 100, 1.5, True])
def test_no_operation_takes_an_amount_that_is_none(amount: Any) -> None:
    """Money is a text of more than zero, whatever the operation; what is counted may be zero."""
    found = _money_fields()
    assert len(found) > 15
    for name, field in found:
        for fault in _faults(name, {field: amount}):
            if fault["loc"][:1] == (field,):
                break
        else:
            zero = amount in ("0", "0.00") and (name, field) in _MAY_BE_ZERO
            below = amount in ("0", "0.00", "-1.00", "-0.01") and (name, field) in _MAY_BE_BELOW
            assert zero or below, f"{name} takes {amount!r} for {field}"


_MAY_BE_ZERO = {
    ("open-drawer", "float_amount"), ("count-drawer", "counted"), ("close-drawer", "counted"),
    ("return-cheque", "bank_charge"), ("repay-note", "amount"), ("file-report", "revenue"),
    ("count-petty-cash", "counted"), ("close-petty-cash", "counted"), ("buy-asset", "residual"),
    ("enter-asset", "residual"), ("enter-asset", "depreciated"), ("dispose-asset", "proceeds"),
    ("set-role", "alone_up_to"), ("set-role", "at_most"), ("set-day-limit", "amount"),
    ("record-reply", "amount"), ("set-mandate", "above"), ("declare-result", "left"),
    ("buy-parcel", "closing_costs"), ("dispose-parcel", "price"),
}  # fmt: skip
_MAY_BE_BELOW = {
    ("file-report", "surplus"),  # a loss
    ("record-reply", "amount"),  # what the member says is right of an account on the wrong side
    ("record-bank-lines", "opening"), ("record-bank-lines", "closing"), ("sign-reconciliation", "balance"),
}  # fmt: skip


def _faults(name: str, values: dict[str, Any]) -> list[Any]:
    from pydantic import ValidationError

    try:
        CATALOGUE[name].model_validate(values)
    except ValidationError as error:
        return list(error.errors())
    return []


@pytest.mark.parametrize("line", ["GEN 940 Dr 0.00", "GEN 940 Dr -5.00", "GEN 940 Dr 1e9", "GEN 940 Dr 0.005"])
def test_no_line_of_a_journal_entry_is_zero_or_less(small: SmallBank, line: str) -> None:
    before = facts(small)
    with pytest.raises((InvalidValue, InvalidAmount)):
        small.ask("journal-entry", small.tom, memo="x", lines=[line, line.replace("Dr", "Cr")])
    assert facts(small) == before


# --------------------------------------------------------------------------- what the log gives away


def test_sealed_texts_hold_no_personal_value_passphrase_or_token(small: SmallBank) -> None:
    """Whatever may have to be forgotten, and whatever opens a door, is nowhere in the log."""
    small.agreed(
        "issue-note", by=small.tom, approver=small.sue, lender="Lena Grace Holt", amount="500.00", annual_rate="2",
        due_on="2027-03-02", fund="RLF", tender="transfer",
    )  # fmt: skip
    small.do("change-member", member="M0002", member_name="Noa Banks-Rivers", phone="601 555 0199")
    with small.bank.database.write() as tx:
        passphrases.set_passphrase(tx, "ana", PASSPHRASE)
    ana = small.bank.sign_in("ana", PASSPHRASE)
    token = small.bank.keep_sign_in(ana)
    with pytest.raises(SignInRefused):
        small.bank.sign_in("ana", "a wrong passphrase of hers")
    with pytest.raises(Refused):
        small.ask("admit-member", member_name="Hidden Person", number="M0001")
    small.bank.set_passphrase(small.admin, "tom", "new words for tom")
    with small.read() as books:
        sealed = "\n".join(text for (text,) in books.tx.rows("SELECT sealed FROM operation"))
        personal = {value for (value,) in books.tx.rows("SELECT value FROM personal") if value}
        names = {name for (name,) in books.tx.rows("SELECT name FROM directory")}
        salts = [bytes(salt).hex() for (salt,) in books.tx.rows("SELECT salt FROM personal")]
    assert {"Mia Lee", "601 555 0101", "mia@lee.example", "1 Farish Street", "12-3456789", "Cora Quist",
            "Lena Grace Holt", "Noa Banks-Rivers", "Ana Reyes"} <= personal  # fmt: skip
    secrets = {PASSPHRASE, "a wrong passphrase of hers", "new words for tom", "Hidden Person", token}
    leaked = [value for value in personal | names | secrets | set(salts) if json.dumps(value)[1:-1] in sealed]
    assert not leaked


def test_the_demonstration_seals_nobody_s_name(tmp_path: Any) -> None:
    """A whole demonstration bank: not one personal value stands in a sealed text, a record or a memo."""
    from coopbank.bank.bank import Bank
    from coopbank.demo import run_demo

    place = str(tmp_path / "demo.db")
    run_demo(place, months=1)
    bank = Bank.open(place, read_only=True)
    try:
        with bank.read() as books:
            sealed = "\n".join(text for (text,) in books.tx.rows("SELECT sealed FROM operation"))
            bodies = "\n".join(text for (text,) in books.tx.rows("SELECT body FROM record"))
            memos = "\n".join(text for (text,) in books.tx.rows("SELECT memo FROM entry"))
            personal = {(field, value) for field, value in books.tx.rows("SELECT field, value FROM personal") if value}
    finally:
        bank.close()
    assert len(personal) > 40
    texts = sealed + bodies + memos
    assert not [(field, value) for field, value in personal if len(value) > 3 and json.dumps(value)[1:-1] in texts]


# -------------------------------------------------------------------------------------- signing in


def test_an_unknown_user_costs_as_much_as_a_wrong_passphrase(small: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try costs one Argon2 computation of the same parameters: time does not tell who exists."""
    with small.bank.database.write() as tx:
        passphrases.set_passphrase(tx, "ana", PASSPHRASE)
    spent: list[Parameters] = []

    class Counting:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def verify(self, hashed: str, passphrase: str) -> bool:
            spent.append(extract_parameters(hashed))  # of what is no hash, nothing would be computed
            return bool(self.inner.verify(hashed, passphrase))

    monkeypatch.setattr(passphrases, "_hasher", Counting(passphrases._hasher))
    said = []
    for user in ("ana", "nobody-at-all", "sue"):  # sue has no passphrase yet
        with pytest.raises(SignInRefused) as caught:
            small.bank.authenticate(user, "some wrong words")
        said.append((str(caught.value), caught.value.field, caught.value.hint))
    assert len(spent) == 3 and spent[0] == spent[1] == spent[2]
    assert len(set(said)) == 1


def test_each_wrong_try_doubles_the_delay_up_to_an_hour(small: SmallBank) -> None:
    with small.bank.database.write() as tx:
        passphrases.set_passphrase(tx, "ana", PASSPHRASE)
    waits = []
    for _ in range(13):
        with pytest.raises(SignInRefused, match="is wrong"):
            small.bank.authenticate("ana", "some wrong words")
        with small.bank.database.read() as tx:
            until = tx.value("""SELECT until FROM credential WHERE "user" = 'ana'""")
        waits.append((datetime.fromisoformat(until) - small.clock.instant).seconds if until else 0)
        small.clock.instant += timedelta(seconds=waits[-1] + 1)
    assert waits[:6] == [0, 0, 0, 10, 20, 40]
    assert waits[-2:] == [2560, 3600]


def test_a_guesser_is_slowed_even_when_the_clock_goes_back(small: SmallBank) -> None:
    with small.bank.database.write() as tx:
        passphrases.set_passphrase(tx, "ana", PASSPHRASE)
    for _ in range(4):
        with pytest.raises(SignInRefused):
            small.bank.authenticate("ana", "some wrong words")
    small.clock.instant -= timedelta(hours=3)
    with pytest.raises(SignInRefused, match="Too many"):
        small.bank.authenticate("ana", PASSPHRASE)


def test_a_kept_sign_in_ends_with_the_passphrase_and_with_the_user(small: SmallBank) -> None:
    with small.bank.database.write() as tx:
        passphrases.set_passphrase(tx, "ana", PASSPHRASE)
    ana = small.bank.authenticate("ana", PASSPHRASE)
    first, second = small.bank.keep_sign_in(ana), small.bank.keep_sign_in(ana)
    assert small.bank.actor_of(first) == ana
    small.bank.set_passphrase(ana, "ana", "other words now")
    assert small.bank.actor_of(first) is None and small.bank.actor_of(second) is None
    third = small.bank.keep_sign_in(ana)
    small.agreed("change-role", by=small.admin, user="ana", user_roles=["teller"], active=False)
    assert small.bank.actor_of(third) is None
    assert small.bank.actor_of("") is None and small.bank.actor_of("0" * 48) is None
