"""A locked copy of a document: AES-256, opened with a phrase that the member chose.

It is a copy beside the archive copy, which stays open: what is locked is no archive. A locked copy is made anew with
new keys each time, so its bytes are never the same twice and are not recorded.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pikepdf

from coopbank.errors import InvalidValue, WrongUsage

SHORTEST: Final = 8


def lock(path: Path, phrase: str) -> Path:
    """Write the locked copy beside the document; refuses a phrase that is too short."""
    if len(phrase.strip()) < SHORTEST:
        raise InvalidValue(
            "The phrase is too short.", field="phrase", hint="Choose at least {least} letters; three words are good.",
            least=SHORTEST,
        )  # fmt: skip
    target = path.with_name(f"{path.stem}-locked.pdf")
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    permissions = pikepdf.Permissions(accessibility=True, extract=True, print_highres=True, modify_other=False)
    try:
        with pikepdf.open(path) as pdf:
            pdf.save(temporary, encryption=pikepdf.Encryption(owner=phrase, user=phrase, R=6, allow=permissions))
        temporary.chmod(0o640)
        temporary.replace(target)
    except OSError as error:
        raise WrongUsage(
            "{path} cannot be written: {why}.", field="folder", path=target, why=error.strerror or error
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return target
