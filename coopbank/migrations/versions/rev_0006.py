"""Seals that do less for each operation, on both engines, and say the same."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from coopbank.database import Transaction

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run this revision's own frozen SQL, each engine its own."""
    tx = Transaction(op.get_bind())
    tx.script((Path(__file__).parent / revision / f"{tx.dialect}.sql").read_text(encoding="utf-8"))
