"""A seal on SQLite that looks at what it seals fewer times, and says the same."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from coopbank.database import Transaction

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run this revision's own frozen SQL; the other engine's seal stays."""
    tx = Transaction(op.get_bind())
    if tx.dialect == "sqlite":
        tx.script((Path(__file__).parent / revision / "sqlite.sql").read_text(encoding="utf-8"))
