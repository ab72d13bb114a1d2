"""A seal on SQLite that opens fewer tables of its own to sum in, and says the same."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from coopbank.database import Transaction

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run this revision's own frozen SQL; the other engine's seal stays."""
    tx = Transaction(op.get_bind())
    if tx.dialect == "sqlite":
        tx.script((Path(__file__).parent / revision / "sqlite.sql").read_text(encoding="utf-8"))
