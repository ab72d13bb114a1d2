"""Looking things up, reports, calculators and files: what they show people and give to programs."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from coopbank.cli.accounts import counted
from coopbank.database import Database
from tests.cli.conftest import PROGRAM, Run, kinds_in, operations_in

READING = [
    ("users",), ("members",), ("members", "mia"), ("member", "1"), ("loans",), ("loan", "L-001"),
    ("loan", "L-001", "--as-of", "2027-01-01"), ("explain", "L-001", "--row", "1"), ("explain", "L-001", "--due"),
    ("explain", "L-001", "--payoff", "2026-04-01"), ("accounts",),
    ("accounts", "905"), ("accounts", "--fund", "RLF", "--empty"), ("entries",), ("entries", "--member", "M0001"),
    ("entries", "--account", "905/M0001", "--from", "2026-03-01", "--to", "2026-03-31"), ("entry", "1"), ("pending",),
    ("trial-balance",), ("trial-balance", "--as-of", "2026-03-02", "--by-fund"), ("balance-sheet",),
    ("balance-sheet", "--by-fund"), ("income",), ("income", "--from", "2026-01-01", "--to", "2026-12-31", "--by-fund"),
    ("budget", "2026"), ("assets",), ("assets", "--as-of", "2026-03-02"),
    ("share-register",), ("share-register", "--as-of", "2026-03-02"),
    ("fund",), ("fund", "RLF"), ("portfolio",), ("verify",), ("operations",),
]  # fmt: skip
AMOUNT = re.compile(r"-?[0-9]+\.[0-9]{2}")


def leaves_of(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves_of(each, f"{path}.{name}")
    elif isinstance(value, list):
        for each in value:
            yield from leaves_of(each, path)
    else:
        yield path, value


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_reading_needs_no_sign_in_changes_nothing_and_has_both_forms(
    run: Run, books: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COOPBANK_PASSPHRASE")
    before = books.read_bytes()
    people, programs = run(*command), run(*command, "--json")
    assert (people.code, programs.code) == (0, 0), people.err
    assert people.out and programs.err == ""
    assert not [value for _path, value in leaves_of(programs.document) if isinstance(value, float)]
    assert not set(people.out) & {"\x1b", "\u202e", "\r"}
    assert books.read_bytes() == before
    assert run(*command) == people, "the same question has the same answer"


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_reading_refuses_nothing_in_empty_books(run: Run, folder: Path, command: tuple[str, ...]) -> None:
    assert run("init", "--name", "New").code == 0
    asks_for_one = command[0] in ("member", "loan", "explain", "entry") or "M0001" in command or "905/M0001" in command
    answer = run(*command)
    assert (answer.code == 1) if asks_for_one or command == ("accounts", "905") else (answer.code == 0), answer.err


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (("member", "M0099"), "member"), (("member", "[red]"), "member"), (("member", "x" * 10_000), "member"),
        (("loan", "L-999"), "loan"), (("loan", "L-001", "--as-of", "2020-01-01"), "as_of"), (("entry", "999"), "entry"),
        (("budget", "2026", "--fund", "NONE"), "fund"), (("budget", "2026", "--as-of", "2027-01-01"), "as_of"),
        (("fund", "NONE"), "fund"), (("accounts", "999"), "account"), (("accounts", "--fund", "NONE"), "fund"),
        (("entries", "--account", "999/X"), "account"), (("entries", "--member", "M0099"), "member"),
        (("entries", "--from", "2026-03-02", "--to", "2026-03-01"), "to"),
        (("income", "--from", "2026-03-02", "--to", "2026-03-01"), "to"),
        (("statement", "M0099"), "member"), (("surplus", "2026"), "year"), (("patronage-notices", "2026"), "year"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused_by_name(run: Run, books: Path, command: tuple[str, ...], field: str) -> None:
    answer = run(*command, "--json")
    assert (answer.code, answer.error["field"]) == (1, field)
    people = run(*command)
    assert people.err.count("\n") == 1 and len(people.err) < 400


# ----------------------------------------------------------------------------------- figures


def leaf_balances(place: Path) -> dict[tuple[str, str], int]:
    """Fund and code to minor units, counted from the postings, not from any total."""
    database = Database.open(str(place), read_only=True)
    try:
        with database.read() as tx:
            rows = tx.rows(
                "SELECT a.fund, a.gl_code || CASE a.contract WHEN '' THEN '' ELSE '/' || a.contract END, sum(p.amount)"
                " FROM posting p JOIN account a ON a.id = p.account_id GROUP BY 1, 2 HAVING sum(p.amount) <> 0"
            )
    finally:
        database.close()
    return {(fund, code): int(net) for fund, code, net in rows}


def minor(text: str) -> int:
    assert AMOUNT.fullmatch(text), text
    return int(text.replace(".", ""))


def test_accounts_show_what_the_postings_come_to(run: Run, books: Path) -> None:
    listed = run("accounts", "--json").document["accounts"]
    assert {(each["fund"], each["account"]): minor(each["balance"]) for each in listed} == leaf_balances(books)
    savings = next(line for line in run("accounts", "905").out.splitlines() if "905/M0001" in line)
    assert savings.endswith(" 150.00")


def test_the_trial_balance_adds_up_from_the_postings(run: Run, books: Path) -> None:
    found = run("trial-balance", "--json").document
    assert found["balanced"] is True and found["debits"] == found["credits"]
    by_control: dict[tuple[str, str], int] = {}
    for (fund, code), net in leaf_balances(books).items():
        control = code.partition("/")[0]
        by_control[control, fund] = by_control.get((control, fund), 0) + net
    shown = {
        (row["code"], fund): minor(net)
        for row in [*found["rows"], *found["memo"]]
        for fund, net in row["by_fund"].items()
    }
    assert shown == {key: net for key, net in by_control.items() if net}
    total = next(line for line in run("trial-balance").out.splitlines() if "Total" in line)
    assert total.split()[1:] == [f"{Decimal(found['debits']):,}"] * 2
    assert found["source"]["head_number"] == operations_in(books)


def test_a_balance_sheet_balances_and_income_is_its_result(run: Run, books: Path) -> None:
    sheet = run("balance-sheet", "--json").document
    assert sheet["balanced"] is True
    assert sum(minor(sheet[part]["combined"]) for part in ("assets", "liabilities", "equity")) == 0
    result = next(row for row in sheet["equity"]["rows"] if not row["code"])
    assert run("income", "--json").document["combined"] == result["combined"]
    assert "Surplus  9,000.00" in run("income").out


def test_a_member_with_hostile_names_is_found_and_shown(run: Run, books: Path) -> None:
    by_name, by_number = run("members", "LEE", "--json").document, run("members", "1", "--json").document
    assert by_name["members"][0]["member"] == by_number["members"][0]["member"] == "M0001"
    assert by_name["members"][0]["name"] == "Mia <b>Lee</b> [red]"
    assert "Mia <b>Lee</b> [red]" in run("members").out
    assert "José \\u202eNúñez" in run("members").out
    assert run("members", "nobody at all").err == "No member was found.\n"
    few = run("members", "--limit", "1", "--json")
    assert (len(few.document["members"]), few.document["more"]) == (1, True)
    card = run("member", "m1", "--json").document
    assert [each["balance"] for each in card["savings"]] == ["150.00"]
    assert [each["owed"] for each in card["loans"]] == ["1200.00"]
    assert card["waiting"] == ["R-00003"]


def test_a_loan_shows_its_schedule(run: Run, books: Path) -> None:
    found = run("loan", "l-001", "--json").document
    assert (found["principal"], found["owed_principal"], found["state"]) == ("1200.00", "1200.00", "active")
    assert len(found["rows"]) == found["installments"] == 12
    assert sum(minor(row["principal"]) for row in found["rows"]) == minor("1200.00")
    assert found["rows"][-1]["balance"] == "0.00"
    assert run("loans", "--json").document["loans"][0]["ref"] == "L-001"
    portfolio = run("portfolio", "--json").document
    assert portfolio["owed"] == "1200.00"
    late = run("loan", "L-001", "--as-of", "2026-05-01", "--json").document
    assert late["days_late"] > 0 and minor(late["due_now"]) > 0


def test_entries_come_newest_first_a_page_at_a_time(run: Run, books: Path) -> None:
    everything = run("entries", "--json").document
    numbers = [each["number"] for each in everything["entries"]]
    assert numbers == sorted(numbers, reverse=True) and numbers[-1] == 1 and everything["before"] is None
    page = run("entries", "--limit", "2", "--json")
    assert [each["number"] for each in page.document["entries"]] == numbers[:2]
    rest = run("entries", "--limit", "1000", "--before", str(page.document["before"]), "--json").document
    assert [each["number"] for each in rest["entries"]] == numbers[2:]
    assert "--before" in run("entries", "--limit", "2").err
    for each in everything["entries"]:
        funds: dict[tuple[str, str], int] = {}
        for line in each["lines"]:
            key = line["fund"], line["currency"]
            funds[key] = funds.get(key, 0) + minor(line["amount"])
        assert set(funds.values()) == {0}
    own = run("entries", "--member", "1", "--json").document["entries"]
    assert own and all(
        any("M0001" in line["code"] or "L-001" in line["code"] for line in each["lines"]) for each in own
    )
    one = run("entry", str(numbers[0]), "--json").document
    assert one == everything["entries"][0]
    assert run("entries", "--from", "2027-01-01").err == "There is no such entry.\n"


# ------------------------------------------------------------------------------- calculators

TERMS = {
    "disbursements": [{"date": "2026-01-15", "amount": "12000.00"}], "annual_rate": "7.25", "installments": 24,
    "every": {"months": 1},
}  # fmt: skip


def test_a_schedule_needs_no_books(run: Run, folder: Path) -> None:
    (folder / "terms.json").write_text(json.dumps(TERMS))
    found = run("schedule", "terms.json", "--json").document
    assert list(found) == ["installments", "totals", "apr", "currency"]
    assert list(found["installments"][0]) == ["n", "due", "days", "principal", "interest", "fees", "payment", "balance"]
    rows = list(csv.DictReader(io.StringIO(run("schedule", "terms.json", "--csv").out)))
    assert rows == [{name: str(value) for name, value in row.items()} for row in found["installments"]]
    shown = run("schedule", "terms.json").out
    assert f"{Decimal(found['totals']['payment']):,}" in shown and f"{found['apr']} %" in shown
    done = subprocess.run(
        [PROGRAM, "schedule", "-", "--json"], input=json.dumps(TERMS), capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == found
    assert not list(folder.glob("*.db*"))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"installments": 0}, "installments"), ({"installments": 10**9}, "installments"),
        ({"annual_rate": 7.25}, "annual_rate"), ({"annual_rate": "-1"}, "annual_rate"),
        ({"disbursements": []}, "disbursements"), ({"unknown": 1}, "unknown"),
        ({"disbursements": [{"date": "2026-02-30", "amount": "1.00"}]}, "disbursements.0.date"),
        ({"disbursements": [{"date": "2026-01-30", "amount": "-1.00"}]}, "disbursements.0.amount"),
    ],
)  # fmt: skip
def test_bad_terms_are_named(run: Run, folder: Path, change: dict[str, Any], field: str) -> None:
    (folder / "terms.json").write_text(json.dumps(TERMS | change))
    answer = run("schedule", "terms.json", "--json")
    assert (answer.code, answer.error["code"], answer.error["field"]) == (2, "invalid-terms", field)
    assert run("schedule", "terms.json").code == 2


def test_the_rate_of_flows(run: Run, folder: Path) -> None:
    flows = {
        "advances": [{"date": "2026-01-01", "amount": "1000.00"}],
        "payments": [{"date": "2027-01-01", "amount": "1100.00"}],
    }  # fmt: skip
    (folder / "flows.json").write_text(json.dumps(flows))
    found = run("apr", "flows.json", "--json").document
    assert Decimal(found["apr"]) == 10 and found["method"].startswith("12 CFR 1026")
    assert found["apr"] in run("apr", "flows.json").out
    assert run("apr", "none.json").code == 2
    (folder / "flows.json").write_text("{}")
    assert run("apr", "flows.json", "--json").error["field"] == "advances"


# ------------------------------------------------------------------------------------- files


def test_an_import_names_every_bad_row_and_imports_all_or_none(run: Run, books: Path, folder: Path) -> None:
    file = folder / "members.csv"
    file.write_text("name,phone,entity\nAnn Lee,601,person\n,602,person\n=1+1,603,robot\n")
    before = operations_in(books)
    refused = run("import", "members", "members.csv", "--as", "ana", "--json")
    assert (refused.code, refused.error["code"]) == (1, "import-refused")
    assert [(fault["row"], fault["column"]) for fault in refused.error["faults"]] == [(3, "name"), (4, "entity")]
    people = run("import", "members", "members.csv", "--as", "ana").err
    assert "row 3, column name:" in people and "row 4, column entity:" in people
    assert kinds_in(books)[before:] in ([], ["log-refusal"] * (operations_in(books) - before))

    file.write_text("name,phone,entity\nAnn Lee,601,person\n=1+1,603,organisation\n")
    tried = run("import", "members", "members.csv", "--as", "ana", "--dry-run", "--json").document
    assert (tried["dry_run"], tried["rows"]) == (True, 2)
    done = run("import", "members", "members.csv", "--as", "ana", "--json").document
    assert (done["rows"], done["done"], done["created"]) == (2, 2, ["M0003", "M0004"])
    again = run("import", "members", "members.csv", "--as", "ana", "--json").document
    assert (again["done"], again["repeated"]) == (0, 2)
    assert run("import", "nothing", "members.csv", "--as", "ana").code == 2
    assert run("import", "members", "none.csv", "--as", "ana").code == 2


def test_who_makes_a_pack_is_told_that_it_is_not_signed(run: Run, books: Path, folder: Path) -> None:
    found = run("export", "pack", "out/pack", "--json")
    assert found.code == 0 and found.document["signed"] is False and "not signed" in found.err
    assert not (folder / "out" / "pack" / "MANIFEST.json.sig").exists()
    assert run("--as", "admin", "keys", "make").code == 0
    found = run("--as", "admin", "export", "pack", "out/signed", "--json")
    assert found.document["signed"] is True and not found.err
    assert (folder / "out" / "signed" / "MANIFEST.json.sig").exists()


def test_exports_name_their_files(run: Run, books: Path, folder: Path) -> None:
    for form in ("beancount", "hledger", "jsonl"):
        found = run("export", form, f"out/{form}", "--json")
        assert found.code == 0, found.out
        assert all((folder / name).is_file() for name in found.document["files"])
        assert run("export", form, f"out/{form}").out.splitlines() == found.document["files"]
    assert run("export", "papyrus", "out").code == 2
    assert run("export", "beancount", "ledger.db").code == 2
    assert run("export", "beancount", "out", "--from", "2026-03-02", "--to", "2026-03-01").code == 2


def test_statements_are_written_where_they_belong(run: Run, books: Path, folder: Path) -> None:
    pytest.importorskip("coopbank.statements")
    one = run("statement", "1", "--from", "2026-03-01", "--to", "2026-03-31", "--json")
    assert one.code == 0, one.out
    (name,) = one.document["files"]
    assert name == "statements/2026-03/M0001-member-statement-2026-03.pdf"
    assert (folder / name).read_bytes().startswith(b"%PDF")
    so_far = run("statement", "M0001", "--folder", "elsewhere", "--paper", "a4")
    assert so_far.out == "elsewhere/2026-03/M0001-member-statement-2026-03-01.2026-03-02.pdf\n"
    month = run("statements", "--month", "2026-03", "--json").document["files"]
    assert len(month) == 2
    assert run("statements", "--month", "2026-13").code == 2
    before = run("statements", "--month", "2025-12")
    assert before.code == 0 and "Nobody was a member in 2025-12." in before.err
    assert run("statement", "1", "--from", "2027-01-01", "--to", "2027-01-31").code == 1


def test_the_demonstration_is_told_where_and_how_much(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import coopbank.demo

    asked: dict[str, Any] = {}
    real = coopbank.demo.run_demo

    def watched(place: str, **options: Any) -> Any:
        asked.update(options, place=place)
        return real(place, **{**options, "members": 3, "months": 1})

    monkeypatch.setattr(coopbank.demo, "run_demo", watched)
    found = run("demo", "--seed", "7", "--members", "9", "--months", "2", "--statements", "", "--json")
    assert found.code == 0, found.out + found.err
    assert (asked["place"], asked["seed"], asked["members"], asked["months"]) == ("ledger.db", 7, 9, 2)
    assert asked["statements"] is None
    assert found.document["head"]["number"] == operations_in(folder / "ledger.db")
    again = run("demo", "--statements", "")
    assert (again.code, "exists already" in again.err) == (1, True)
    assert run("demo", "--members", "0").code == 2


# -------------------------------------------------------------------------------- PostgreSQL


@pytest.mark.postgresql
def test_on_a_server_reading_and_writing_need_a_sign_in(
    run: Run, folder: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    import psycopg

    name = f"cli_{os.getpid()}"
    with psycopg.connect(postgresql_url.replace("+psycopg", "", 1), autocommit=True) as connection:
        connection.execute(f'drop database if exists "{name}" with (force)')
        connection.execute(f'create database "{name}" template template0')
    monkeypatch.setenv("COOPBANK_DB", postgresql_url.replace("/postgres?", f"/{name}?"))
    try:
        assert run("users", "--json").error["code"] in ("not-a-book", "database-missing")
        assert run("init", "--name", "Server").code == 0
        assert run("init", "--name", "Server").code == 1
        nobody = run("trial-balance", "--json")
        assert (nobody.code, nobody.error["code"]) == (1, "sign-in-refused")
        assert run("--as", "admin", "do", "open-day").code == 0
        admitted = run("--as", "admin", "do", "admit-member", "--member-name", "Zoë", "--json")
        assert admitted.document["created"] == ["M0001"]
        for command in READING:
            asks_for_one = command[0] in ("loan", "explain", "entry", "accounts") or "905/M0001" in command
            answer = run("--as", "admin", *command, "--json")
            assert answer.code == 0 or asks_for_one, (command, answer.out)
            json.loads(answer.out)
        assert run("--as", "admin", "verify").code == 0
        assert run("--as", "admin", "export", "jsonl", "out").code == 0
        with monkeypatch.context() as patch:
            patch.setenv("PATH", str(Path("nowhere").resolve()))
            missing = run("backup", "copy.db")
            assert (missing.code, "pg_dump" in missing.err) == (2, True)
        assert run("login", "admin").code == 0
        monkeypatch.delenv("COOPBANK_PASSPHRASE")
        assert run("members").code == 0
        monkeypatch.setenv("COOPBANK_DB", postgresql_url.replace("/postgres?", "/nowhere?"))
        gone = run("members", "--json")
        assert (gone.code, gone.error["code"]) == (4, "database-missing")
    finally:
        with psycopg.connect(postgresql_url.replace("+psycopg", "", 1), autocommit=True) as connection:
            connection.execute(f'drop database if exists "{name}" with (force)')


def test_a_busy_reader_waits_for_nobody(run: Run, books: Path) -> None:
    reader = sqlite3.connect(books, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM entry").fetchone()
    try:
        assert run("--as", "ana", "do", "deposit", "--member", "M0001", "--amount", "1.00").code == 0
    finally:
        reader.execute("ROLLBACK")
        reader.close()


@pytest.mark.parametrize("wrong", [("--lend", "abc"), ("--lend", "1,25"), ("--months", "-1"), ("--months", "121")])
def test_a_wrong_figure_on_the_line_is_a_fault_of_the_line(run: Run, books: Path, wrong: tuple[str, str]) -> None:
    said = run("forecast", "RLF", *wrong, "--json")
    assert said.code == 2
    assert wrong[0].removeprefix("--") in f"{said.error['field']} {said.error['message']}"


@pytest.mark.parametrize("command", ["fund", "member", "loan", "register", "forecast"])
def test_an_empty_name_is_shown_as_such(run: Run, books: Path, command: str) -> None:
    said = run(command, "")
    assert said.code == 1 and "''" in said.err


def test_accounts_stand_as_people_count() -> None:
    refs = ["S-M0007-10", "S-M0007-2", "", "S-M0007", "M0010.901", "M0009.901"]
    assert sorted(refs, key=counted) == ["", "M0009.901", "M0010.901", "S-M0007", "S-M0007-2", "S-M0007-10"]
