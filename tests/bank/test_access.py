"""Who signs in with one-time codes, who sets whose passphrase, and what a person is told of it; on both engines."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from coopbank.bank import codes, records
from coopbank.bank.access import codes_of, told
from coopbank.bank.books import Actor
from coopbank.bank.keyring import Keyring, seal
from coopbank.bank.policies import LATER_POLICIES
from coopbank.bank.verify import verify
from coopbank.errors import (
    CodeWanted,
    DatabaseVersion,
    InvalidValue,
    NotABook,
    NotAllowed,
    OwnRequest,
    SignInRefused,
    Unknown,
    WrongState,
)
from coopbank.ledger.verify import wrong
from coopbank.reports.audit import audit
from tests.attacks.rewriter import with_guards_off
from tests.support_bank import PASSPHRASE, SmallBank, new_bank


@pytest.fixture
def small(with_keys: SmallBank) -> SmallBank:
    return with_keys


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
    small.give_passphrase("tom", "tom's own words")
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
    small.give_passphrase("tom", "tom's own words")
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


# ------------------------------------------------------------------ a colleague's sign-in, renewed


def reset_of(small: SmallBank, user: str) -> records.SignInReset | None:
    with small.read() as books:
        return books.find(records.SignInReset, user)


def test_one_administrator_alone_takes_no_colleague_over(small: SmallBank) -> None:
    small.give_passphrase("tom", "only tom knows")
    waits = small.bank.set_passphrase(small.admin, "tom", "words of the administrator")
    assert waits is not None and waits.status == "pending"
    with pytest.raises(SignInRefused):
        small.bank.authenticate("tom", "words of the administrator")
    with pytest.raises(WrongState, match="already"):
        small.bank.set_passphrase(small.admin, "tom", "words of the administrator")
    with pytest.raises(OwnRequest):
        small.ask("approve", by=small.admin, request=waits.request)
    small.bank.authenticate("tom", "only tom knows")


def test_what_was_agreed_is_used_once_changed_at_first_use_and_told(small: SmallBank) -> None:
    small.give_passphrase("tom", "tom has forgotten")
    small.bank.authenticate("admin", PASSPHRASE)
    waits = small.bank.set_passphrase(small.admin, "tom", "for tom, once")
    assert waits is not None
    small.do("approve", by=small.sue, request=waits.request)
    assert small.bank.set_passphrase(small.admin, "tom", "for tom, once") is None
    reset = reset_of(small, "tom")
    assert reset is not None and (reset.state, reset.asked_by, reset.agreed_by) == ("used", "admin", "sue")
    tom = small.bank.authenticate("tom", "for tom, once")
    assert tom.must_change and small.bank.keys is None, "what somebody else knows opens no key"
    with pytest.raises(NotAllowed, match="passphrase of your own"):
        small.ask("receive-gift", by=tom, amount="5.00", donor="Cora", fund="RLF", tender="transfer")
    small.bank.set_passphrase(tom, "tom", "tom's new words")
    assert small.bank.keys is not None, "and now it does, without anybody's help"
    small.bank.authenticate("tom", "tom's new words")
    assert small.bank.keys is not None
    with small.read() as books:
        assert told(books, "tom") == ("2026-03-02: admin set a new passphrase for you, and sue agreed.",)
        assert told(books, "ana") == ()
    again = small.bank.set_passphrase(small.admin, "tom", "for tom, twice")
    assert again is not None and again.status == "pending", "an agreement counts once"


def test_a_kept_sign_in_with_somebody_else_s_words_opens_no_key(small: SmallBank) -> None:
    small.bank.set_passphrase(small.admin, "tom", "from the administrator")
    token = small.bank.keep_sign_in(small.bank.authenticate("tom", "from the administrator"))
    tom = small.bank.actor_of(token)
    assert tom is not None and small.bank.keys is None
    small.bank.set_passphrase(tom, "tom", "tom's own words")
    assert small.bank.keys is not None
    small.bank.close_keys()
    small.bank.authenticate("tom", "tom's own words")
    assert small.bank.keys is not None


def test_an_agreement_that_is_a_week_old_is_none(small: SmallBank) -> None:
    small.give_passphrase("tom", "only tom knows")
    small.agreed("reset-sign-in", by=small.admin, approver=small.sue, user="tom")
    small.go_to("2026-03-10")
    waits = small.bank.set_passphrase(small.admin, "tom", "words of the administrator")
    assert waits is not None


def test_codes_are_ended_by_two_and_told(small: SmallBank) -> None:
    small.give_passphrase("ana", "ana's own words")
    begin(small, small.ana)
    asked = small.ask("reset-sign-in", by=small.admin, user="ana", passphrase=False, codes=True, why="a new telephone")
    assert asked.status == "pending"
    with pytest.raises(CodeWanted):
        small.bank.authenticate("ana", "ana's own words")
    small.do("approve", by=small.tom, request=asked.request)
    small.bank.authenticate("ana", "ana's own words")
    with small.read() as books:
        assert told(books, "ana") == ("2026-03-02: admin ended your one-time codes, and tom agreed.",)
    waits = small.bank.set_passphrase(small.admin, "ana", "words of the administrator")
    assert waits is not None, "that codes may end is no leave to set a passphrase"


def test_where_nobody_else_could_agree_one_acts_alone_and_it_is_told(small: SmallBank) -> None:
    small.give_passphrase("tom", "tom has forgotten")
    small.agreed("change-role", by=small.admin, user="sue", user_roles=["supervisor"], active=False)
    assert small.bank.set_passphrase(small.admin, "tom", "for tom, once") is None
    with small.read() as books:
        assert told(books, "tom") == ("2026-03-02: admin set a new passphrase for you, alone.",)
    small.go_to("2026-04-15")
    with small.read() as books:
        assert told(books, "tom") == ()


def test_what_is_not_renewed(small: SmallBank) -> None:
    no = small.ask
    with pytest.raises(NotAllowed, match="yours to set"):
        no("reset-sign-in", by=small.admin, user="admin")
    with pytest.raises(NotAllowed, match="may not do this"):
        no("reset-sign-in", by=small.tom, user="ana")
    with pytest.raises(Unknown):
        no("reset-sign-in", by=small.admin, user="nobody")
    with pytest.raises(InvalidValue, match="the passphrase, the codes, or both"):
        no("reset-sign-in", by=small.admin, user="ana", passphrase=False)
    with pytest.raises(InvalidValue, match="without one-time codes"):
        no("reset-sign-in", by=small.admin, user="ana", codes=True)
    with pytest.raises(NotAllowed, match="Only an administrator"):
        small.bank.set_passphrase(small.tom, "ana", "words of the treasurer")


# --------------------------------------------------------------- commands that carry a passphrase


def test_of_a_person_s_commands_the_first_of_a_day_is_a_sign_in(small: SmallBank) -> None:
    def signed_in() -> int:
        with small.read() as books:
            return int(books.tx.value("SELECT count(*) FROM operation WHERE kind = 'sign-in'"))

    def command(actor: Actor) -> bool:
        first = small.bank.sign_in_for_a_command(actor)
        small.bank.preview(actor, small.bank.build("declare-relative", {"user": actor.user, "relative": mia}))
        before = signed_in()
        with suppress(InvalidValue):  # declared already; the refusal is sealed, and so is the sign-in before it
            small.ask("declare-relative", by=actor, user=actor.user, relative=mia)
        assert signed_in() - before == first
        return first

    mia = small.admit("Mia Lee")
    assert small.bank.sign_in_for_a_command(small.tom) and signed_in() == 0, "and nothing was done yet"
    assert command(small.tom) and not small.bank.sign_in_for_a_command(small.tom)
    assert command(small.ana)
    small.clock.instant += timedelta(days=1)
    assert small.bank.sign_in_for_a_command(small.tom)
    small.bank.seal_sign_in()
    small.bank.seal_sign_in()
    assert signed_in() == 3


def test_nobody_takes_the_key_of_a_sign_in_to_hide_it(small: SmallBank) -> None:
    with pytest.raises(InvalidValue, match="program's own"):
        small.ask("admit-member", member_name="Mia Lee", key="signed-in:ana:2026-03-02")


# -------------------------------------------------------------------------- what is encrypted, compared


def faults(small: SmallBank, keys: Keyring | None) -> list[str]:
    return [f"{f.check}: {f.message}" for f in wrong(verify(small.bank.database, keys=keys))]


def test_whoever_holds_the_key_compares_what_is_encrypted(small: SmallBank) -> None:
    small.admit("Mia Lee", tax_id="123-45-6789")
    small.admit("Noa Banks", tax_id="987-65-4321")
    told_of = [v for v in verify(small.bank.database) if v.name == "encrypted"]
    assert told_of[0].count == 1 and "2" in told_of[0].findings[0].message
    assert [v.count for v in verify(small.bank.database, keys=small.bank.keys) if v.name == "encrypted"] == [0]
    assert not faults(small, small.bank.keys)
    assert faults(small, Keyring(b"another book's secret, 32 bytes.")), "what cannot be opened is told"


def test_an_encrypted_number_changed_in_the_file_is_found_by_who_holds_the_key(tmp_path: Path) -> None:
    """Anybody can encrypt to the book: only who reads it sees that it is another number."""
    place = tmp_path / "book.db"
    with new_bank(str(place)) as small:
        small.bank.make_keys(small.admin, PASSPHRASE)
        small.admit("Mia Lee", tax_id="123-45-6789")
        keys = small.bank.keys
        assert keys is not None
        other = seal(keys.public.seal, b"0123456789abcdef999-99-9999", lambda count: b"n" * count)
        for value, said in ((other, "is another"), (other[:-8] + "AAAAAAA=", "cannot be decrypted any more")):
            with_guards_off(place, lambda db, value=value: db.execute(
                "UPDATE personal SET value = ? WHERE field = 'tax_id'", (value,)))  # fmt: skip
            assert not faults(small, None)
            (found,) = faults(small, keys)
            assert found.startswith("personal: the tax_id that was sealed") and said in found


def test_a_record_of_a_newer_program_is_no_damage() -> None:
    good = '{"full_name": {"#": "0"}, "roles": ["teller"]'
    with pytest.raises(DatabaseVersion, match="newer coopbank") as refusal:
        records.User.model_validate_json(good + ', "shoe_size": 41}')
    assert refusal.value.exit_code == 4
    for damaged in (good, good + ', "shoe_size": 41, "active": "perhaps"}', "{}"):
        with pytest.raises(NotABook, match="damaged"):
            records.User.model_validate_json(damaged)
