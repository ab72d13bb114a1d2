"""Settings of a terminal, the other language, and the lock."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from coopbank.bank import codes
from coopbank.bank.bank import Bank
from coopbank.clock import SetClock
from coopbank.errors import NotAllowed
from coopbank.tui import settings
from coopbank.tui.screens.entry import EntryScreen
from coopbank.tui.screens.home import HomeScreen
from coopbank.tui.screens.lock import LockScreen
from coopbank.tui.screens.settings import SettingsScreen
from coopbank.tui.screens.sign_in import SignInScreen
from coopbank.tui.settings import Settings
from coopbank.words import set_language
from tests.tui.support import NOON, WORDS, Hand, counter, operations


def test_what_a_file_of_settings_holds_is_taken_field_by_field(tmp_path: Path) -> None:
    file = tmp_path / "config" / "coopbank" / "counter.json"
    assert settings.load() == Settings()
    assert settings.save(Settings("es", "coopbank-light", 10))
    assert settings.load() == Settings("es", "coopbank-light", 10)
    file.write_text(json.dumps({"language": "xx", "theme": ["a"], "lock_minutes": True, "more": 1}))
    assert settings.load() == Settings()
    file.write_text("{")
    assert settings.load() == Settings()


def test_settings_that_cannot_be_kept_are_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/proc/nowhere")
    assert not settings.save(Settings())
    assert settings.load() == Settings()


def test_the_environment_beats_the_language_that_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    settings.save(Settings("en"))
    monkeypatch.setenv("COOPBANK_LANGUAGE", "es_MX")
    assert settings.load().language == "es"


@pytest.mark.parametrize(
    ("system", "language"), [("es_MX.UTF-8", "es"), ("es", "es"), ("en_US", "en"), ("fr_FR", "en"), ("C.UTF-8", "en")]
)
def test_a_new_terminal_speaks_as_its_system_does(monkeypatch: pytest.MonkeyPatch, system: str, language: str) -> None:
    monkeypatch.delenv("LC_MESSAGES")
    monkeypatch.setenv("LANG", system)
    assert settings.load().language == language
    settings.save(Settings("en"))
    assert settings.load().language == "en"  # who chose at this terminal is not overruled


async def test_the_first_screen_speaks_the_other_language_at_a_key(book: str) -> None:
    async with counter(book) as hand:
        await hand.see("These are the real books")
        await hand.type("ana")
        await hand.press("f3")
        await hand.see("Frase clave")
        assert "ana" in hand.screen_text()
        await hand.press("f3")
        await hand.see("Passphrase")


async def test_a_language_that_is_chosen_is_spoken_at_once_and_kept(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await to_settings(hand)
        await hand.press("right")
        await hand.see("Idioma")
        await hand.press("escape")
        await hand.on(HomeScreen)
        await hand.see("Buscar")
        assert "Pay in" not in hand.screen_text()
        await hand.press("f1")
        await hand.see("Todo lo demás")
    assert settings.load().language == "es"


async def test_colours_are_chosen_from_dark_light_and_high_contrast(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await to_settings(hand)
        await hand.press("down")
        for theme in settings.THEMES[1:]:
            await hand.press("right")
            await hand.until(lambda theme=theme: hand.app.theme == theme)  # type: ignore[misc]
    assert settings.load().theme == settings.THEMES[-1]


async def test_a_locked_counter_keeps_a_form_and_gives_it_back_for_the_passphrase(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.type("ada")
        await hand.press("enter", "f3")
        await hand.on(EntryScreen)
        await hand.type("12.34")
        await hand.see("12.34")
        await idle(hand)
        await hand.see("Locked. ana is signed in.")
        assert "Abernathy" not in hand.screen_text()
        await hand.press("escape", "ctrl+p")
        assert isinstance(hand.app.screen, LockScreen)
        await hand.type("wrong words")
        await hand.press("enter")
        await hand.see("!")
        assert isinstance(hand.app.screen, LockScreen)
        await hand.type(WORDS)
        await hand.press("enter")
        await hand.see("12.34")
        assert isinstance(hand.app.screen, EntryScreen)
    assert operations(book, "sign-in") == 2


async def test_who_has_one_time_codes_unlocks_with_one(
    book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COOPBANK_KEYS", str(tmp_path / "keys"))
    secret = codes.new_secret(lambda count: b"x" * count)
    bank = Bank.open(book, clock=SetClock(NOON))
    admin = bank.authenticate("admin", WORDS)
    bank.make_keys(admin, WORDS)
    bank.set_code(admin, "admin", secret)
    bank.close()
    async with counter(book) as hand:
        await hand.until(lambda: hand.app.opened is not None)
        for text in ("admin", WORDS):
            await hand.type(text)
            await hand.press("enter")
        await hand.see("One-time code")
        await hand.type(codes.code_at(secret, NOON))
        await hand.press("enter")
        await hand.until(lambda: hand.app.standing is not None)
        await idle(hand)
        await hand.see("Locked. admin is signed in.")
        assert "One-time code" not in hand.screen_text()
        await hand.type(WORDS)
        await hand.press("enter")
        await hand.see("One-time code")
        await hand.type(codes.code_at(secret, NOON + timedelta(seconds=30)))
        await hand.press("enter")
        await hand.until(lambda: not isinstance(hand.app.screen, LockScreen))


async def test_somebody_else_may_sign_in_at_a_locked_counter_after_a_question(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.type("ada")
        await hand.press("enter", "f3")
        await hand.on(EntryScreen)
        await hand.type("12.34")
        await hand.see("12.34")
        await idle(hand)
        await hand.see("Locked. ana")
        await hand.press("f4")
        await hand.see("it will be lost")
        await hand.press("right", "enter")
        await hand.on(SignInScreen)
        await hand.sign_in("tom")
        assert hand.app.session.actor.user == "tom"


async def test_a_counter_that_is_typed_at_is_not_locked_and_zero_minutes_mean_never(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        hand.app._lock_when_idle()
        assert not hand.app.locked
        hand.app.settings = Settings(lock_minutes=0)
        await idle(hand, lock=False)
        assert not hand.app.locked


async def idle(hand: Hand, *, lock: bool = True) -> None:
    """Nobody types for an hour."""
    hand.app._typed_at -= 3600
    hand.app._lock_when_idle()
    if lock:
        await hand.on(LockScreen)


async def to_settings(hand: Hand) -> None:
    await hand.press("f10")
    await hand.type("settings")
    await hand.see("Language, colours")
    await hand.press("enter")
    await hand.on(SettingsScreen)


async def test_a_refusal_names_what_to_do_as_the_counter_calls_it(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("tom")  # who has no drawer
        set_language("es")
        await hand.type("ada")
        await hand.press("enter", "f3")
        await hand.on(EntryScreen)
        await hand.type("5")
        await hand.press("f9")
        await hand.see("Usted no tiene ninguna caja")
        said = " ".join(hand.screen_text().replace("│", " ").split())
        assert "(open-drawer)" not in said and "(Abrir una caja)" in said


def test_who_may_not_is_told_in_their_language(book: str) -> None:
    bank = Bank.open(book, clock=SetClock(NOON))
    try:
        set_language("es")
        with bank.read() as books:
            ana = books.actor_now("ana")
        with pytest.raises(NotAllowed) as refused:
            bank.perform(ana, bank.build("close-year", {"year": "2025"}))
        assert str(refused.value) == "ana no puede hacer esto: Cerrar el año. Corresponde a: tesorero."
    finally:
        bank.close()


async def test_what_a_colleague_chose_is_read_in_the_language_of_who_approves(
    book: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COOPBANK_LANGUAGE", "es")
    async with counter(book) as hand:
        await hand.sign_in("tom")
        await hand.press("f9")
        await hand.see("Cómo: en efectivo")
        await hand.press("escape")
        await hand.type("ada")
        await hand.press("enter", "f6")
        await hand.see("901 Acción de membresía")
