"""Who signs in with one-time codes, who sets whose passphrase, and what a person is told of it; on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from coopbank.bank import codes
from coopbank.bank.access import codes_of
from coopbank.bank.books import Actor
from coopbank.bank.operations.staff import LATER_POLICIES
from coopbank.errors import CodeWanted, InvalidValue, NotAllowed
from coopbank.reports.audit import audit
from tests.support_bank import PASSPHRASE, SmallBank, assert_books, new_bank


@pytest.fixture
def small(engine_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallBank]:
    monkeypatch.setenv("COOPBANK_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("COOPBANK_BACKUPS", str(tmp_path / "backups"))
    with new_bank(engine_url) as bank:
        bank.bank.make_keys(bank.admin, PASSPHRASE)
        yield bank
        assert_books(bank)


def secret_of(user: str) -> str:
    return codes.new_secret(lambda count: user.encode().ljust(count, b"."))


def code_of(small: SmallBank, user: str) -> str:
    return codes.code_at(secret_of(user), small.clock.instant)


def begin(small: SmallBank, actor: Actor) -> None:
    small.bank.set_code(actor, actor.user, secret_of(actor.user))


# ------------------------------------------------------------------- codes of the privileged


def test_until_the_first_code_passphrases_are_enough_and_who_has_none_is_told(small: SmallBank) -> None:
    with small.read() as books:
        found = codes_of(books)
        assert (found.having, found.lacking, found.asked) == ((), ("admin", "tom"), False)
        (result,) = audit(books, ["codes"]).results
    assert [(row.who, row.said.split(": ")[1]) for row in result.rows] == [
        ("admin", "administrator"), ("tom", "treasurer"),
    ]  # fmt: skip
    small.do("declare-relative", by=small.tom, user="tom", relative=small.admit("Mia Lee"))


def test_with_the_first_code_the_others_of_these_roles_begin_theirs(small: SmallBank) -> None:
    mia = small.admit("Mia Lee")
    small.bank.set_passphrase(small.admin, "tom", "tom's own words")
    begin(small, small.admin)
    gift = {"amount": "5.00", "donor": "Cora", "fund": "RLF", "tender": "transfer"}
    with pytest.raises(NotAllowed, match="one-time codes first") as refusal:
        small.ask("receive-gift", by=small.tom, **gift)
    assert refusal.value.field == "code" and "codes on" in str(refusal.value.hint)
    with pytest.raises(NotAllowed, match="one-time codes first"):
        small.ask("declare-relative", by=small.tom, user="tom", relative=mia)
    small.do("open-savings", member=mia)  # ana's roles are not named
    small.bank.authenticate("tom", "tom's own words")
    begin(small, small.tom)
    small.do("receive-gift", by=small.tom, **gift)
    with pytest.raises(CodeWanted):
        small.bank.authenticate("tom", "tom's own words")
    small.bank.authenticate("tom", "tom's own words", code_of(small, "tom"))
    with small.read() as books:
        assert codes_of(books).lacking == ()


def test_who_has_no_place_for_a_code_is_not_locked_out(small: SmallBank) -> None:
    """Tom's passphrase was never set while the key was open: he could not begin a code."""
    begin(small, small.admin)
    small.do("receive-gift", by=small.tom, amount="5.00", donor="Cora", fund="RLF", tender="transfer")


def test_an_administrator_without_a_code_sets_nobody_s_passphrase(small: SmallBank) -> None:
    small.bank.set_passphrase(small.admin, "tom", "tom's own words")
    begin(small, small.tom)
    with pytest.raises(NotAllowed, match="one-time codes first"):
        small.bank.set_passphrase(small.admin, "ana", "words for ana")
    begin(small, small.admin)
    small.bank.set_passphrase(small.admin, "ana", "words for ana")


def test_whose_role_is_named_does_not_end_their_own_codes(small: SmallBank) -> None:
    begin(small, small.admin)
    with pytest.raises(NotAllowed, match="administrator signs in with"):
        small.bank.set_code(small.admin, "admin", None)
    begin(small, small.admin)  # another telephone
    begin(small, small.ana)
    small.bank.set_code(small.ana, "ana", None)  # her roles are not named
    small.agreed("set-policy", by=small.admin, policy="codes_required_for", value="")
    small.bank.set_code(small.admin, "admin", None)


def test_the_policy_names_roles(small: SmallBank) -> None:
    with pytest.raises(InvalidValue, match="no role boss"):
        small.ask("set-policy", by=small.tom, policy="codes_required_for", value="treasurer, boss")
    small.agreed("set-policy", by=small.tom, approver=small.sue, policy="codes_required_for",
                 value=" teller ,administrator,")  # fmt: skip
    with small.read() as books:
        assert books.policy("codes_required_for") == "administrator, teller"
        assert codes_of(books).lacking == ("admin", "ana")


def test_one_person_alone_is_not_hindered(small: SmallBank) -> None:
    small.agreed("change-role", by=small.admin, user="ana", user_roles=["teller"], active=False)
    small.agreed("change-role", by=small.admin, user="sue", user_roles=["supervisor"], active=False)
    begin(small, small.tom)
    with small.read() as books:
        assert codes_of(books).asked
    begin(small, small.admin)
    small.agreed("change-role", by=small.admin, user="tom", user_roles=["treasurer"], active=False)
    with small.read() as books:
        assert not codes_of(books).asked


def test_practice_books_ask_nobody(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "book.db"), demo_sign_ins="everybody: apple") as small, small.read() as books:
        assert codes_of(books).lacking == ()


def test_older_books_ask_nobody_until_they_decide() -> None:
    assert LATER_POLICIES["codes_required_for"] == ""
