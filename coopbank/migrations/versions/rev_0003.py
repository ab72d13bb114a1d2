"""The indivisible reserve is never moved to a member: a guard of its own beside the seal."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from coopbank.database import Transaction

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run this revision's own frozen SQL."""
    tx = Transaction(op.get_bind())
    tx.script((Path(__file__).parent / revision / f"{tx.dialect}.sql").read_text(encoding="utf-8"))
