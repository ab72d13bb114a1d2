"""The words that people read, through one gettext catalogue.

The catalogue lives in `coopbank/locale/`; English is the source text itself.
The program speaks one language (`set_language`); a block may speak another (`speaking`),
so that a Spanish statement can be drawn while the counter speaks English.
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

_program = {"language": "en"}
_block: ContextVar[str | None] = ContextVar("coopbank_language", default=None)


@lru_cache(maxsize=len(LANGUAGES))
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("coopbank", LOCALE_FOLDER, languages=[language], fallback=True)


def translate(text: str) -> str:
    """The text as this kind of institution says it, in the language in force."""
    text = _VOCABULARIES.get(_kind.get(), {}).get(text, text)
    if not text or language() == "en":
        return text
    return _catalogue(language()).gettext(text)


def marked(text: str) -> str:
    """A text that is translated where it is shown, not where it stands: the tables and keys of a module."""
    return text


_kind: ContextVar[str] = ContextVar("coopbank_institution_kind", default="")
_VOCABULARIES: dict[str, dict[str, str]] = {}
_ = translate
_VOCABULARIES["unchartered-coop"] = {"Deposit": marked("Pay into savings"), "Withdrawal": marked("Pay out of savings")}


def set_institution_kind(kind: str) -> None:
    """Whose words are spoken: a fund without a charter takes no "deposits"."""
    _kind.set(kind)


def language() -> str:
    """The language in force, `en` or `es`."""
    return _block.get() or _program["language"]


def set_language(code: str) -> None:
    """Set the language that the program speaks; an unknown code falls back to English."""
    _program["language"] = code if code in LANGUAGES else "en"


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Another language for the length of a block."""
    token = _block.set(code if code in LANGUAGES else "en")
    try:
        yield
    finally:
        _block.reset(token)
