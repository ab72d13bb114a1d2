"""The words that people read, through one gettext catalogue.

The catalogue lives in `coopbank/locale/`; English is the source text itself.
The language in force is a context variable, so that a Spanish statement can be
drawn while the counter speaks English.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

LOCALE_FOLDER = Path(__file__).parent / "locale"
LANGUAGES = ("en", "es")

_language: ContextVar[str] = ContextVar("coopbank_language", default="en")


@lru_cache(maxsize=len(LANGUAGES))
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("coopbank", LOCALE_FOLDER, languages=[language], fallback=True)


def translate(text: str) -> str:
    """The text as this kind of institution says it, in the language in force."""
    text = _VOCABULARIES.get(_kind.get(), {}).get(text, text)
    if not text or _language.get() == "en":
        return text
    return _catalogue(_language.get()).gettext(text)


_kind: ContextVar[str] = ContextVar("coopbank_institution_kind", default="")
_VOCABULARIES: dict[str, dict[str, str]] = {}
_ = translate
_VOCABULARIES["unchartered-coop"] = {"Deposit": _("Pay into savings"), "Withdrawal": _("Pay out of savings")}


def set_institution_kind(kind: str) -> None:
    """Whose words are spoken: a fund without a charter takes no "deposits"."""
    _kind.set(kind)


def language() -> str:
    """The language in force, `en` or `es`."""
    return _language.get()


def set_language(code: str) -> None:
    """Set the language of this thread of work; an unknown code falls back to English."""
    _language.set(code if code in LANGUAGES else "en")


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Another language for the length of a block."""
    token = _language.set(code if code in LANGUAGES else "en")
    try:
        yield
    finally:
        _language.reset(token)
