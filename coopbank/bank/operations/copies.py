"""Backups and restore drills: that they were made, of what, and what they proved.

The program records them when they are done; nobody fills this in. What is recorded of a file is its name, size and
SHA-256, so that a backup is known again wherever it lies, and the head of the chain in it.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.operation import Operation
from coopbank.errors import InvalidValue

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Short = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
FileName = Annotated[str, Field(min_length=1, max_length=255)]
Instant = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]


def _require_head(desk: Desk, number: int | None, head: str | None) -> None:
    hash_ = desk.tx.value("SELECT hash FROM operation WHERE id = ?", number)
    if hash_ is None or bytes(hash_).hex()[:16] != head:
        raise InvalidValue("The books do not say {head} at operation {as_of}.", field="head", head=head, as_of=number)


class RecordBackup(Operation):
    """A backup was made, and verified after it was written."""

    name: ClassVar[str] = "record-backup"
    title: ClassVar[str] = "Backup made"
    subject: ClassVar[str] = "books"
    internal: ClassVar[bool] = True
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    file: FileName
    at: Instant
    number: int = Field(ge=1, lt=2**63)
    head: Short
    sha256: Hash
    size: int = Field(ge=1, lt=2**63)
    encrypted: bool

    def perform(self, desk: Desk) -> None:
        desk.actor_now(desk.actor.user)
        _require_head(desk, self.number, self.head)
        desk.write(desk.next_ref("backup", "BK-", 5), records.Backup(**self.model_dump()), about=self.file)


class RecordDrill(Operation):
    """A backup was restored apart, to see that it can be."""

    name: ClassVar[str] = "record-drill"
    title: ClassVar[str] = "Restore drill"
    subject: ClassVar[str] = "books"
    internal: ClassVar[bool] = True
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    file: FileName
    at: Instant
    number: int | None = Field(default=None, ge=1, lt=2**63)  # where it could be read
    head: Short | None = None
    sha256: Hash
    outcome: Annotated[str, Field(pattern=r"^[a-z]+(-[a-z]+)*$", max_length=40)]  # good, or the code of the refusal

    def perform(self, desk: Desk) -> None:
        desk.actor_now(desk.actor.user)
        if self.outcome == records.GOOD:
            _require_head(desk, self.number, self.head)
        desk.write(desk.next_ref("drill", "DR-", 5), records.Drill(**self.model_dump()), about=self.file)
