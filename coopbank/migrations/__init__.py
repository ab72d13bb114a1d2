"""The steps from older schemas to the newest, run by Alembic.

Each revision carries its own frozen copy of the SQL that it runs; the newest state is
always `ledger/schema_sqlite.sql` and `ledger/schema_postgresql.sql`, and a test holds
the two against each other. Alembic's batch mode is never used: it drops triggers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

FOLDER = Path(__file__).parent


def upgrade(connection: sa.Connection, to: str = "head") -> None:
    """Run the missing revisions on this connection, inside its transaction."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    script = ScriptDirectory.from_config(config)

    def steps(revision: Any, _context: Any) -> Any:
        return script._upgrade_revs(to, revision)

    with EnvironmentContext(config, script, fn=steps, destination_rev=to) as environment:
        # the transaction is the caller's: Alembic neither begins nor commits
        environment.configure(connection=connection, target_metadata=None, transactional_ddl=False)
        environment.run_migrations()
