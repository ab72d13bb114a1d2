"""On PostgreSQL the seal writes entries and lines itself; on SQLite nothing changes."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from coopbank.database import Transaction

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run this revision's own frozen copy, on the engine that it concerns."""
    tx = Transaction(op.get_bind())
    if tx.dialect == "postgresql":
        tx.script((Path(__file__).parent / revision / "postgresql.sql").read_text(encoding="utf-8"))
