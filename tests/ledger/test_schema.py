"""The live schema is the one source, the frozen copy is the source, and the classes are the tables."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from coopbank.database import SCHEMA_VERSION, Database, statements
from coopbank.ledger import posting, schema, tables
from coopbank.ledger.posting import NewPeriodState
from coopbank.ledger.verify import verify_ledger, wrong
from coopbank.migrations import FOLDER, upgrade
from tests.ledger.raw import Raw, refused, send
from tests.ledger.support import (
    ACCOUNTS,
    BOOK,
    CONTROLS,
    DAY,
    FUNDS,
    RATE,
    ROLE,
    Books,
    assert_books,
    deposit_lines,
    entry,
)


def test_the_frozen_copies_of_the_revisions_are_the_source() -> None:
    """Every statement of the source stands in a revision, as it was written there. On PostgreSQL revisions replace
    functions too; that they come to the source, the next test says.
    """
    frozen = "".join(path.read_text(encoding="utf-8") for path in sorted((FOLDER / "versions").glob("*/sqlite.sql")))
    missing = {text.strip() for text in statements(schema.source("sqlite"))} - {t.strip() for t in statements(frozen)}
    assert not {text for text in missing if not text.startswith("--")}


def test_books_of_the_first_revision_are_brought_to_the_newest(new_engine_url: Any) -> None:
    place = new_engine_url("first")
    database = Database(place)
    try:
        with database.write_by_engine() as tx:
            upgrade(tx.connection, "0001")
        assert database.revision() == "0001"
        database.upgrade()
        assert database.revision() == SCHEMA_VERSION
        with database.read() as tx:
            assert not list(schema.differences(tx))
    finally:
        database.close()


def test_a_migrated_database_is_what_the_source_makes(new_engine_url: Any) -> None:
    migrated = Database.create(new_engine_url("migrated"))
    straight = Database(new_engine_url("straight"))
    try:
        with straight.write() as tx:
            tx.script(schema.source(tx.dialect))
        with migrated.read() as one, straight.read() as other:
            found, wanted = schema.live(one), schema.live(other)
            if one.dialect == "sqlite":
                wanted |= schema.VERSION_TABLE
            assert found == wanted
            assert found == schema.expected(one.dialect), REGENERATE
            assert not list(schema.differences(one))
            kinds = {name.split()[0] for name in found}
            assert kinds >= {"index", "trigger"}
    finally:
        migrated.close()
        straight.close()


def test_books_of_the_first_revision_are_brought_forward(new_engine_url: Any) -> None:
    old = Database(new_engine_url("old"))
    try:
        with old.write_by_engine() as tx:
            upgrade(tx.connection, to="0001")
        with old.read() as tx:
            assert list(schema.differences(tx))
        old.upgrade()
        with old.read() as tx:
            assert not list(schema.differences(tx))
    finally:
        old.close()


@pytest.mark.parametrize("revision", ["0002", "0004", "0005", "0006"])
def test_books_with_a_life_are_brought_forward(new_engine_url: Any, revision: str) -> None:
    """Nothing that they hold changes, their proof holds, and they go on."""
    place = new_engine_url("lived")
    books = Books(Database(place))
    with books.database.closed_on_failure():
        with books.database.write_by_engine() as tx:
            upgrade(tx.connection, to=revision)
        day = NewPeriodState(DAY.isoformat(), "open")
        send(books, Raw(books, rows=[*CONTROLS, *FUNDS, *ACCOUNTS, RATE, ROLE, day], kind="init").statements())
        for amount in (100_00, 5_00):
            raw = Raw(books, [entry(deposit_lines(amount))])
            raw.by_hand = True
            send(books, raw.statements())
        before = books.dump()
        books.database.upgrade()
        assert books.dump() == before
        assert_books(books.database)
    books.database.close()
    books.database = Database.open(place)
    try:
        books.deposit(7_00)
        posting.post(books.database, BOOK, books.draft([entry(deposit_lines(-100_00), reverses=1)]))
        refused(books, Raw(books, [entry(deposit_lines(-12_01))]).statements())
        assert books.head().number == 5
        assert_books(books.database)
    finally:
        books.database.close()


def _day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _instant(text: str) -> bool:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").strftime("%Y-%m-%dT%H:%M:%S.%fZ").zfill(27) == text
    except ValueError:
        return False


def test_the_server_knows_days_and_instants_as_a_calendar_does(still_books: Books) -> None:
    if still_books.database.dialect != "postgresql":
        pytest.skip("SQLite asks its own calendar")
    years = ("0000", "0001", "0004", "0100", "0400", "1900", "1999", "2000", "2023", "2024", "9999")
    days = [
        f"{year}-{month:02}-{day:02}" for year in years for month in range(14) for day in (0, 1, 28, 29, 30, 31, 32)
    ]
    days += [
        "", "2026-1-01", "2026-01-1", "2026-01-01 ", " 2026-01-01", "2026-01-01\n", "2026/01/01", "20260101",
        "2026--1-01", "+026-01-01", "２026-01-01", "2026-01-0é", "2026-01-0٣", "2026-W01-1", "2026-01-01T",
    ]  # fmt: skip
    at = [f"{day}T23:59:59.000001Z" for day in days]
    at += [f"2026-01-01T{time}" for time in (
        "24:00:00.000000Z", "23:60:00.000000Z", "00:00:59.999999Z", "00:00:00.00000Z", "00:00:00.000000",
        "00:00:00,000000Z", "0:00:00.0000000Z", "00-00-00.000000Z", "00:00:00.000000z", "00:00:00.00000٣Z",
    )]  # fmt: skip
    with still_books.database.read() as tx:
        for function, texts, known in (("is_day", days, _day), ("is_instant", at, _instant)):
            found = [tx.value(f"SELECT {function}(?)", text) for text in texts]
            assert {text: said for text, said in zip(texts, found, strict=True) if said is not known(text)} == {}
            assert True in found


REGENERATE = "write schema_postgresql.json anew: python -m coopbank.ledger.schema postgresql+psycopg://..."


def test_the_stored_catalogue_is_written_as_the_module_writes_it() -> None:
    text = (schema.FOLDER / "schema_postgresql.json").read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


DAMAGE = {
    "sqlite": {
        "DROP TRIGGER posting_no_update": "trigger posting.posting_no_update is missing",
        "DROP TRIGGER operation_seal": "trigger operation.operation_seal is missing",
        "DROP INDEX posting_account": "index posting.posting_account is missing",
        "CREATE TABLE extra (a)": "table extra is not of coopbank's schema",
        "CREATE TRIGGER t AFTER INSERT ON entry BEGIN SELECT 1; END": "trigger entry.t is not of coopbank's schema",
        "ALTER TABLE directory ADD COLUMN more TEXT": "table directory was altered",
    },
    "postgresql": {
        "DROP TRIGGER posting_append_only ON posting": "trigger posting.posting_append_only is missing",
        "ALTER TABLE posting DISABLE TRIGGER posting_append_only": "trigger posting.posting_append_only was altered",
        "ALTER TABLE posting DISABLE TRIGGER ALL": "switched-off foreign key on posting",
        "DROP INDEX posting_account": "index posting.posting_account is missing",
        "CREATE TABLE extra (a int)": "column extra.a is not of coopbank's schema",
        "ALTER TABLE balance DROP CONSTRAINT balance_floor": "constraint balance.balance_floor is missing",
        "ALTER TABLE balance ALTER COLUMN debit DROP NOT NULL": "column balance.debit was altered",
        "CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$":
            "function append_only() was altered",
        "ALTER FUNCTION operation_seal() RESET search_path": "function operation_seal() was altered",
    },
}  # fmt: skip


def test_a_damaged_schema_is_noticed(new_engine_url: Any, engine_kind: str) -> None:
    from tests.ledger.support import new_books

    for number, (sql, said) in enumerate(DAMAGE[engine_kind].items()):
        with new_books(new_engine_url(f"damaged{number}")) as books:
            assert_books(books.database)
            send(books, [(sql, ())])
            found = [f.message for f in wrong(verify_ledger(books.database)) if f.check == "schema"]
            assert any(said in message for message in found), (sql, found)


# ------------------------------------------------------------------------- the classes


def test_every_table_has_a_class(books: Books) -> None:
    live = set(sa.inspect(books.database.engine).get_table_names()) - {"alembic_version"}
    assert live == {str(model.__tablename__) for model in tables.TABLES}
    for model in tables.TABLES:
        assert tables.table_class(model) in ("sealed", "cache", "secret")
        assert model.__doc__


@pytest.mark.parametrize("model", tables.TABLES, ids=lambda model: str(model.__tablename__))
def test_a_class_is_its_table(still_books: Books, model: type[SQLModel]) -> None:
    table: sa.Table = model.__table__  # type: ignore[attr-defined]
    inspector = sa.inspect(still_books.database.engine)
    live = {column["name"]: column for column in inspector.get_columns(table.name)}
    assert list(live) == [column.name for column in table.columns]
    keys = inspector.get_pk_constraint(table.name)["constrained_columns"]
    assert sorted(keys) == sorted(column.name for column in table.primary_key.columns)
    types = {
        "sqlite": {sa.BigInteger: "INTEGER", sa.LargeBinary: "BLOB", sa.Text: "TEXT"},
        "postgresql": {sa.BigInteger: "BIGINT", sa.LargeBinary: "BYTEA", sa.Text: "TEXT"},
    }[still_books.database.dialect]
    for column in table.columns:
        found = live[column.name]
        assert found["type"].compile(still_books.database.engine.dialect).split()[0] == types[type(column.type)]
        # SQLite tells no NOT NULL of an INTEGER PRIMARY KEY, which cannot be NULL
        assert found["nullable"] == column.nullable or column.primary_key, column.name
    foreign = {key["constrained_columns"][0]: key for key in inspector.get_foreign_keys(table.name)}
    wanted = {key.parent.name: key.target_fullname for key in table.foreign_keys}
    assert {name: f"{key['referred_table']}.{key['referred_columns'][0]}" for name, key in foreign.items()} == wanted


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_class_is_what_the_source_says(dialect: str) -> None:
    """The comment beside each CREATE TABLE names the class too."""
    for model in tables.TABLES:
        assert f"CREATE TABLE {model.__tablename__} (  -- {tables.table_class(model)}: " in schema.source(dialect)


def test_classes_read_what_was_sealed(still_books: Books) -> None:
    with sa.orm.Session(still_books.database.engine) as session:
        operations = session.scalars(sa.select(tables.Operation).order_by(tables.Operation.id)).all()  # type: ignore[arg-type]
        assert [operation.kind for operation in operations] == ["init", "test"]
        fund = session.get(tables.Fund, "POOL")
        assert fund is not None and fund.fund_class == "pool"
        assert session.get(tables.Balance, 1).debit == 100_00  # type: ignore[union-attr]
