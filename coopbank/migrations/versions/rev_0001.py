"""The first schema: sealed tables, caches, secrets, triggers."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from coopbank.database import Transaction

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run this revision's own frozen copy of the schema."""
    tx = Transaction(op.get_bind())
    tx.script((Path(__file__).parent / revision / f"{tx.dialect}.sql").read_text(encoding="utf-8"))
