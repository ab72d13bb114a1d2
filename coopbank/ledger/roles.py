"""The users of a PostgreSQL server, and what they may do to the books.

Who owns the tables can do everything to them, triggers or none. So the program should not work as their owner, but as
an application user who may read all of it and append to the sealed tables, and no more: what is posted cannot be
changed, deleted or emptied by whoever has that user's password, and entries, lines and caches are written in the seal
alone, which runs with its owner's rights. A reader may only read: for reports on a replica.

The owner founds, upgrades, rebuilds and moves the books, and gives these rights; they are asked of the server again
afterwards, since a right may come from elsewhere (from a role that the user is in, or from PUBLIC).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from coopbank.database import Database, Transaction
from coopbank.errors import NotAllowed, Unknown, WrongUsage
from coopbank.ledger.tables import TABLES, table_class

APPENDED: Final = tuple(str(each.__tablename__) for each in TABLES if table_class(each) == "sealed")
_BY_SEAL: Final = ("entry", "posting")  # written in the seal alone, with its owner's rights
_READ: Final = tuple(str(each.__tablename__) for each in TABLES)
_MORE: Final = {  # what the program does to tables that are in no chain
    "personal": ("INSERT", "UPDATE"),  # forgetting a value empties it
    "credential": ("INSERT", "UPDATE", "DELETE"),
    "session": ("INSERT", "UPDATE", "DELETE"),
    "directory": ("INSERT", "UPDATE", "DELETE"),
}
_ERASED: Final = ("personal", "directory")  # traces of what was erased are cleared from these
_ALL: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER")
_BY_COLUMN: Final = ("SELECT", "INSERT", "UPDATE")
_MAINTAIN: Final = 170000  # the server's version from which on VACUUM can be let to who is not the owner


class Right(NamedTuple):
    """What a user may do to a table, as the server says."""

    table: str
    may: tuple[str, ...]
    too_much: tuple[str, ...]


def wanted(table: str, *, reader: bool) -> set[str]:
    """The rights on a table that the program needs."""
    appends = {"INSERT"} if table in APPENDED and table not in _BY_SEAL else set()
    return {"SELECT"} if reader else {"SELECT", *appends, *_MORE.get(table, ())}


def grant(database: Database, user: str, *, reader: bool) -> list[Right]:
    """Give a user of the server the rights that the program needs, and take all others on these tables away."""
    with database.write() as tx:
        _require_owner(tx)
        _require_other(tx, user)
        name = tx.value("SELECT quote_ident(?)", user)
        tx.run(f"GRANT USAGE ON SCHEMA public TO {name}")
        tx.run(f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {name}")
        for table in (*_READ, "alembic_version"):
            tx.run(f"REVOKE ALL ON {table} FROM PUBLIC")
            tx.run(f"REVOKE ALL ON {table} FROM {name}")
            rights = ", ".join(sorted(wanted(table, reader=reader)))
            tx.run(f"GRANT {rights} ON {table} TO {name}")
        if not reader and int(tx.value("SHOW server_version_num")) >= _MAINTAIN:
            for table in _ERASED:
                tx.run(f"GRANT MAINTAIN ON {table} TO {name}")
        found = rights_of(tx, user, reader=reader)
        beyond = next((right for right in found if right.too_much), None)
        if beyond is not None:
            raise NotAllowed(
                "{user} may {right} {table} all the same: by a role that they are in.", field="user", user=user,
                right=", ".join(beyond.too_much), table=beyond.table,
                hint="Take them out of that role, or name another user. Nothing was changed.",
            )  # fmt: skip
        return found


def _may(tx: Transaction, user: str, table: str, right: str) -> bool:
    """Whether the server lets a user do that to a table, be it to one of its columns only."""
    asked = "has_any_column_privilege" if right in _BY_COLUMN else "has_table_privilege"
    return bool(tx.value(f"SELECT {asked}(?, ?, ?)", user, f"public.{table}", right))


def rights_of(tx: Transaction, user: str, *, reader: bool = False) -> list[Right]:
    """What the server lets a user do to each table, whatever it comes from."""
    found = []
    for table in (*_READ, "alembic_version"):
        may = [each for each in _ALL if _may(tx, user, table, each)]
        found.append(Right(table, tuple(may), tuple(sorted(set(may) - wanted(table, reader=reader)))))
    if tx.value("SELECT has_schema_privilege(?, 'public', 'CREATE')", user):
        # An operator of their own there could be taken for the server's by the seal, which has its owner's rights.
        found.append(Right("schema public", ("CREATE",), ("CREATE",)))
    return found


def require_known(tx: Transaction, user: str) -> None:
    """Refuse a name that is no user of the server."""
    if tx.value("SELECT 1 FROM pg_roles WHERE rolname = ?", user) is None:
        raise Unknown(
            "The server has no user {user}.", field="user", user=user,
            hint="Make one with PostgreSQL's own createuser, which asks for the password.",
        )  # fmt: skip


def _require_owner(tx: Transaction) -> None:
    own = tx.value(
        "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = 'public.operation'::regclass"
    )
    if not own:
        raise NotAllowed(
            "The server's user {user} does not own these books, and cannot give rights on them.", field="db",
            user=tx.value("SELECT current_user"), hint="Name a user in --db who does.",
        )  # fmt: skip


def _require_other(tx: Transaction, user: str) -> None:
    """Refuse whom rights cannot bound.

    A superuser; whoever owns the tables or is in their owner's role, or can make themselves so (CREATEROLE of servers
    before 16); whoever may write the server's own files or start programs there.
    """
    require_known(tx, user)
    boundless = tx.value(
        "SELECT r.rolsuper OR pg_has_role(r.rolname, c.relowner, 'MEMBER')"
        " OR pg_has_role(r.rolname, 'pg_write_server_files', 'MEMBER')"
        " OR pg_has_role(r.rolname, 'pg_execute_server_program', 'MEMBER')"
        " OR (r.rolcreaterole AND current_setting('server_version_num')::int < 160000)"
        " FROM pg_roles r, pg_class c WHERE c.oid = 'public.operation'::regclass AND r.rolname = ?",
        user,
    )
    if boundless:
        raise WrongUsage(
            "{user} owns these books or is a superuser of the server: no right can be kept from them.", field="user",
            user=user, hint="Make another user for the program, with PostgreSQL's own createuser.",
        )  # fmt: skip
