"""A locked copy of a document: AES-256, opened with a phrase that the member chose.

It is a copy beside the archive copy, which stays open: what is locked is no archive. A locked copy is made anew with
new keys each time, so its bytes are never the same twice and are not recorded.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import pikepdf

from coopbank.errors import InvalidValue
from coopbank.statements.making import store

SHORTEST: Final = 8


def lock(path: Path, phrase: str) -> Path:
    """Write the locked copy beside the document; refuses a phrase that is too short."""
    if len(phrase.strip()) < SHORTEST:
        raise InvalidValue(
            "The phrase is too short.", field="phrase", hint="Choose at least {least} letters; three words are good.",
            least=SHORTEST,
        )  # fmt: skip
    permissions = pikepdf.Permissions(accessibility=True, extract=True, print_highres=True, modify_other=False)
    locked = io.BytesIO()
    with pikepdf.open(path) as pdf:
        pdf.save(locked, encryption=pikepdf.Encryption(owner=phrase, user=phrase, R=6, allow=permissions))
    target = path.with_name(f"{path.stem}-locked.pdf")
    store(target, locked.getvalue())
    return target
