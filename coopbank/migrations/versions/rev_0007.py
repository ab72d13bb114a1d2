"""On PostgreSQL the seal writes entries and lines itself; on SQLite the caches of one entry are kept line by line."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from coopbank.database import Transaction

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run this revision's own frozen SQL, each engine its own."""
    tx = Transaction(op.get_bind())
    tx.script((Path(__file__).parent / revision / f"{tx.dialect}.sql").read_text(encoding="utf-8"))
