"""On PostgreSQL a seal that looks at what it seals fewer times, and says the same; on SQLite nothing changes."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from coopbank.database import Transaction

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run this revision's own frozen SQL, on the engine that it concerns."""
    tx = Transaction(op.get_bind())
    if tx.dialect == "postgresql":
        tx.script((Path(__file__).parent / revision / "postgresql.sql").read_text(encoding="utf-8"))
