"""Whether the schema that a database has is the schema that it should have.

The source of truth is one SQL file per engine. On SQLite the source is run in memory
and the two catalogues are compared text by text. PostgreSQL has no memory database, so
`schema_postgresql.json` beside this file holds the catalogue that the source gives (a
test builds a database from the source and holds the file against it); comparing needs
no right but to read. After a change of the source, write that file anew from an empty
database with:

    python -m coopbank.ledger.schema postgresql+psycopg://...

A dropped or altered table, column, constraint, index, trigger or function is a line of
`differences`, and so is a trigger that is switched off.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from coopbank.database import Database, Transaction, statements

FOLDER = Path(__file__).parent
Catalogue = dict[str, str]  # "trigger posting.posting_sealed" -> its definition


def source(dialect: str) -> str:
    """The SQL that makes this engine's schema."""
    return (FOLDER / f"schema_{dialect}.sql").read_text(encoding="utf-8")


def differences(tx: Transaction) -> Iterator[str]:
    """One line for each object that is missing, altered or not of coopbank."""
    wanted, found = expected(tx.dialect), live(tx)
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            yield f"{name} is missing"
        elif name not in wanted:
            yield f"{name} is not of coopbank's schema"
        elif wanted[name] != found[name]:
            yield f"{name} was altered"


@lru_cache(maxsize=2)
def expected(dialect: str) -> Catalogue:
    """The catalogue that the source gives."""
    if dialect == "postgresql":
        stored: Catalogue = json.loads((FOLDER / "schema_postgresql.json").read_text(encoding="utf-8"))
        return stored
    memory = sqlite3.connect(":memory:")
    try:
        for statement in statements(source("sqlite")):
            memory.execute(statement)
        return dict(_named(*row) for row in memory.execute(_SQLITE_OBJECTS)) | VERSION_TABLE
    finally:
        memory.close()


def live(tx: Transaction) -> Catalogue:
    """The catalogue of the database at hand."""
    if tx.dialect == "sqlite":
        return dict(_named(*row) for row in tx.rows(_SQLITE_OBJECTS))
    return {str(name): str(text) for name, text in tx.rows(_POSTGRESQL_OBJECTS)}


def _named(kind: str, name: str, table: str, text: str) -> tuple[str, str]:
    return (f"{kind} {name}" if kind == "table" and name == table else f"{kind} {table}.{name}"), text


_SQLITE_OBJECTS = (
    "SELECT type, name, tbl_name, CASE tbl_name WHEN 'alembic_version' THEN '' ELSE coalesce(sql, '') END"
    " FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!' OR type = 'index'"
)
# Alembic's own table, which the source does not make; how its text reads depends on Alembic.
VERSION_TABLE = {"table alembic_version": "", "index alembic_version.sqlite_autoindex_alembic_version_1": ""}

# Every object of the schema `public` with its definition. NOT NULL is told by the columns, constraint
# triggers by the triggers; the engine's own triggers, which keep the foreign keys, are named only when one is off.
_POSTGRESQL_OBJECTS = """
WITH ours AS (
  SELECT oid, relname, relkind FROM pg_class
   WHERE relnamespace = 'public'::regnamespace AND relname <> 'alembic_version')
SELECT 'column ' || c.relname || '.' || a.attname,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END,
                 'default ' || pg_get_expr(d.adbin, d.adrelid),
                 'collate ' || (SELECT collname FROM pg_collation WHERE oid = a.attcollation),
                 'kind ' || c.relkind::text)
  FROM ours c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relkind NOT IN ('i', 'I')
UNION ALL
SELECT 'constraint ' || c.relname || '.' || k.conname, pg_get_constraintdef(k.oid)
  FROM pg_constraint k JOIN ours c ON c.oid = k.conrelid WHERE k.contype NOT IN ('n', 't')
UNION ALL
SELECT 'index ' || c.relname || '.' || x.relname,
       pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
  FROM pg_index i JOIN ours c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
UNION ALL
SELECT 'trigger ' || c.relname || '.' || t.tgname,
       pg_get_triggerdef(t.oid) || CASE t.tgenabled WHEN 'O' THEN '' ELSE ' switched off or aside' END
  FROM pg_trigger t JOIN ours c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL
SELECT 'switched-off foreign key on ' || c.relname, 'off'
  FROM pg_trigger t JOIN ours c ON c.oid = t.tgrelid WHERE t.tgisinternal AND t.tgenabled <> 'O'
 GROUP BY c.relname
UNION ALL
SELECT 'rule ' || c.relname || '.' || r.rulename, pg_get_ruledef(r.oid)
  FROM pg_rewrite r JOIN ours c ON c.oid = r.ev_class
UNION ALL
SELECT 'function ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
       concat_ws(' ', format_type(p.prorettype, NULL),
                 (SELECT lanname FROM pg_language WHERE oid = p.prolang),
                 p.provolatile::text, CASE WHEN p.prosecdef THEN 'security definer' END,
                 array_to_string(p.proconfig, ' '), p.prosrc)
  FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
"""


def main(url: str) -> None:
    """Run the source in an empty database, and write the catalogue that it gives."""
    database = Database(url)
    try:
        with database.write() as tx:
            tx.script(source("postgresql"))
            text = json.dumps(live(tx), indent=1, sort_keys=True, ensure_ascii=False)
        (FOLDER / "schema_postgresql.json").write_text(text + "\n", encoding="utf-8")
    finally:
        database.close()


if __name__ == "__main__":
    main(sys.argv[1])
