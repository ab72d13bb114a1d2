"""The frame: options, exit codes, streams, and that no fault reaches a user as a traceback."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import coopbank
from coopbank.cli import faults, main, output
from coopbank.cli.commands import MODULES, app
from tests.cli.conftest import PROGRAM, Run, operations_in, program


def command_names() -> list[str]:
    return [command.name for command in app.registered_commands if command.name]


def test_the_real_program_says_its_version_and_knows_its_commands() -> None:
    assert program("--version").out == f"coopbank {coopbank.__version__}\n"
    shown = program("--help")
    assert shown.code == 0
    for name in command_names():
        assert f"\n  {name} " in shown.out


def test_without_a_command_and_without_a_terminal_it_prints_help(run: Run, folder: Path) -> None:
    answer = run()
    assert (answer.code, answer.out) == (0, run("--help").out)


@pytest.mark.parametrize("name", [n for n in command_names() if n != "do"])
def test_every_command_explains_itself(run: Run, name: str) -> None:
    answer = run(name, "--help")
    assert answer.code == 0
    assert answer.out.startswith(f"Usage: coopbank {name}")
    assert answer.err == ""


def test_the_help_loads_neither_bank_nor_database() -> None:
    heavy = {"sqlalchemy", "sqlmodel", "pydantic", "textual", "reportlab", "rich", "coopbank.bank", "coopbank.database"}
    code = f"""
import sys
from coopbank.cli import main
main(["--help"])
print(sorted({heavy!r} & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_each_command_is_declared_by_the_module_that_is_said_to() -> None:
    declared: dict[str, list[str]] = {}
    groups = [(group.name, group.typer_instance.registered_commands[0]) for group in app.registered_groups]
    for name, one in [*((each.name, each) for each in app.registered_commands), *groups]:
        declared.setdefault(one.callback.__module__.rpartition(".")[2], []).append(name)
    assert {module: names.split() for module, names in MODULES.items()} == declared
    assert list(MODULES) == sorted(declared, key=list(MODULES).index)


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [
        (["trial-balance", "--help"], ["reports"]),
        (["--db", "members", "--as=ana", "explain", "--help"], ["explaining"]),
        (["--read-db=x", "--db=y", "keys", "--help"], ["keys"]),
        (["--version"], []),
    ],
)
def test_only_the_command_that_is_named_is_loaded(arguments: list[str], loaded: list[str]) -> None:
    code = f"""
import sys
from coopbank.cli import main
main({arguments!r})
print(sorted(name.split(".")[3] for name in sys.modules if name.startswith("coopbank.cli.commands.")), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == str(loaded)
    assert done.stdout


def test_a_command_that_there_is_not_is_told_with_all_that_there_are() -> None:
    for words in (["trial-balanse"], ["--db", "x.db", "nothing"], ["-x", "members"]):
        assert program(*words).code == 2


def test_looking_things_up_loads_no_counter_and_no_pdf(books: Path) -> None:
    code = """
import sys
from coopbank.cli import main
main(["trial-balance"])
print(sorted({"textual", "reportlab", "sqlmodel", "alembic"} & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_global_options_work_before_and_after_the_command(run: Run, books: Path) -> None:
    books.rename("other.db")
    try:
        before, after = run("--db", "other.db", "users"), run("users", "--db", "other.db")
        assert before == after
        assert before.code == 0
        assert run("--db", "nowhere.db", "users", "--db", "other.db") == before
        named = run("do", "deposit", "--as", "ana", "--member", "M0001", "--amount", "5.00", "--db", "other.db")
        assert named.code == 0, named.err
    finally:
        Path("other.db").rename(books)


def test_the_place_comes_from_the_option_the_environment_or_the_folder(
    run: Run, books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = run("users")
    monkeypatch.setenv("COOPBANK_DB", "nowhere.db")
    assert run("users").code == 4
    assert run("users", "--db", "ledger.db") == here
    monkeypatch.setenv("COOPBANK_DB", "")
    assert run("users") == here


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nonsense",), "No such command 'nonsense'. See: coopbank --help"),
        (("open-day",), "No such command 'open-day'. It is an operation: coopbank do open-day"),
        (("trial-balance", "--nonsense"), "No such option: --nonsense"),
        (("entry",), "Missing argument 'N'"),
        (("entry", "1", "2"), "unexpected extra argument"),
        (("entry", "one"), "'one' is not a number"),
        (("entry", "0"), "'0' is not a number"),
        (("entry", "9" * 30), "is not a number"),
        (("trial-balance", "--as-of", "31.12.2026"), "'31.12.2026' is not a date"),
        (("trial-balance", "--as-of", "2026-02-30"), "There is no day '2026-02-30'"),
        (("trial-balance", "--as-of"), "requires an argument"),
        (("entries", "--limit", "0"), "Wrong value for '--limit': it has to be greater than or equal to 1."),
        (("entries", "--limit", "some"), "Wrong value for '--limit': it has to be a whole number."),
        (("sample", "gifts"), "Wrong value for 'ACCOUNTS': 'gifts' is not one of 'shares', 'savings', 'loans', 'all'."),
        (("close", "week"), "'week' cannot be closed"),
        (("--db", "", "users"), "--db is empty"),
        (("--db", "mysql://x/y", "users"), "mysql is no place for books"),
        (("--db", "postgresql+psycopg://ann:secret@host/book", "users"), "password does not belong"),
        (("do",), "needs the name of an operation"),
        (("do", "--member", "M0001"), "needs the name of an operation"),
        (("counter",), "needs a terminal"),
        (("entries", "--account", "905", "--member", "M0001"), "by account or by member"),
    ],
)  # fmt: skip
def test_a_wrong_command_line_is_one_sentence_and_exit_code_2(
    run: Run, books: Path, arguments: tuple[str, ...], says: str
) -> None:
    answer = run(*arguments)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("coopbank: ") and answer.err.count("\n") == 1
    assert says in answer.err
    assert "secret" not in answer.err


def test_a_wrong_command_line_is_a_document_with_json(run: Run, books: Path) -> None:
    answer = run("trial-balance", "--json", "--as-of", "yesterday")
    assert (answer.code, answer.err) == (2, "")
    assert answer.error == {
        "code": "wrong-usage", "message": "'yesterday' is not a date.", "field": "as_of",
        "hint": "Write it as YYYY-MM-DD, such as 2026-03-02.",
    }  # fmt: skip
    assert run("entry", "--json").error["code"] == "wrong-usage"


def test_an_argument_that_is_no_text_is_refused() -> None:
    answer = program("members", os.fsdecode(b"\xff\xfe"))
    assert (answer.code, answer.err) == (2, "coopbank: An argument is not text in UTF-8.\n")


def test_a_passphrase_that_is_no_text_is_refused(run: Run, books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COOPBANK_PASSPHRASE", os.fsdecode(b"caf\xe9 with milk"))
    answer = run("--as", "ana", "do", "open-day", "--json")
    assert (answer.code, answer.error["field"]) == (2, "passphrase")
    assert "UTF-8" in answer.error["message"]


# ------------------------------------------------------------------------------- last resort


def test_a_fault_of_the_program_says_what_to_do_and_keeps_the_details(
    run: Run, books: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise KeyError("secret thing\nsecond line")

    monkeypatch.setattr("coopbank.reports.find.find_members", fails)
    answer = run("members")
    assert (answer.code, answer.out) == (1, "")
    assert "which is a fault in it" in answer.err and "coopbank verify" in answer.err
    assert answer.err.count("\n") == 1
    kept = folder / "state" / "coopbank" / "last-fault.txt"
    assert str(kept) in answer.err
    assert "KeyError" in kept.read_text() and stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert run("members", "--json").error["code"] == "unforeseen"


def test_an_interrupt_is_said_and_ends_with_130(run: Run, books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("coopbank.reports.find.find_members", interrupted)
    answer = run("members")
    assert (answer.code, answer.out) == (130, "")
    assert answer.err.startswith("coopbank: Interrupted. Nothing is half done; ") and answer.err.count("\n") == 1


def test_a_reader_who_leaves_early_is_no_fault(books: Path) -> None:
    started = subprocess.Popen(
        [str(PROGRAM), "do", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert started.stdout is not None and started.stderr is not None
    started.stdout.close()
    assert started.stderr.read() == ""
    assert started.wait(timeout=60) == 0
    started.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_cannot_be_written_is_told() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([str(PROGRAM), "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("coopbank: ") and done.stderr.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_receipt_that_cannot_be_printed_does_not_say_that_nothing_was_done(books: Path) -> None:
    """Posted, and the disk behind `>` is full: whoever reads that must not take it for undone."""
    before = operations_in(books)
    command = ["do", "deposit", "--member", "M0001", "--amount", "5.00"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [str(PROGRAM), "--as", "ana", *command], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2 and operations_in(books) > before
    assert done.stderr.startswith("coopbank: What was to be printed could not be written: no space left on device.")
    assert "may be done all the same: look before giving it again" in done.stderr and done.stderr.count("\n") == 1


def test_a_closed_output_swallows_what_is_written() -> None:
    done = subprocess.run(["sh", "-c", f"{PROGRAM} --version >&-"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_refusal_keeps_its_exit_code() -> None:
    from coopbank import errors

    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.CoopbankError) and kind is not errors.ImportRefused:
            refusal = faults.as_refusal(kind("Because."))
            assert refusal.exit_code in (1, 2, 3, 4)


# ------------------------------------------------------------------------------------ output


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('plain, José, 日本, 🙂 [red]x[/red] <b> & "q" =1+1', None),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\x00b\x07c\x9bd\x7f", "a\\x00b\\x07c\\x9bd\\x7f"),
        ("two\nlines\r\tand more", "two lines  and more"),
        ("turned \u202e round \u2067 and \u2028", "turned \\u202e round \\u2067 and \\u2028"),
        ("half \ud83d", "half \\ud83d"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_its_code(text: str, shown: str | None) -> None:
    assert output.safe(text) == (text if shown is None else shown)


def test_documents_hold_any_text_and_no_raw_control(capsys: pytest.CaptureFixture[str]) -> None:
    import json

    hostile = "\x1b[2J \u009b \u202e [red] <b> \ud83d 🙂 " + "x" * 10_000
    output.document({"name": hostile})
    printed = capsys.readouterr().out
    assert json.loads(printed)["name"] == hostile
    assert not set(printed) & {"\x1b", "\u009b", "\u202e", "\ud83d"}
    assert "🙂" in printed


def test_tables_align_by_what_a_terminal_shows(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(["Name", output.right("Amount")], [["日本", "1.00"], ["Jose\u0301", "12.00"], ["x" * 100, ""]])
    lines = capsys.readouterr().out.splitlines()
    assert [output.width(line) for line in lines[:3]] == [output.WIDEST_CELL + 2 + len("Amount")] * 3
    assert lines[3] == "x" * (output.WIDEST_CELL - 1) + "…"


def test_output_in_a_narrow_encoding_never_fails(books: Path) -> None:
    environment = dict(os.environ, PYTHONIOENCODING="ascii")
    shown = program("members", env=environment)
    assert shown.code == 0 and "Jos\\xe9" in shown.out
    document = program("members", "--json", env=environment).document
    assert any(each["name"].startswith("José") for each in document["members"])


def test_main_reads_the_arguments_of_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["coopbank", "--version"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("coopbank ")


def test_at_a_terminal_the_counter_opens_with_its_exit_code(
    run: Run, books: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    opened: list[tuple[str, str | None]] = []

    def counter(place: str, user: str | None = None, *, read_only: bool = False, **_more: object) -> int:
        assert not read_only
        opened.append((place, user))
        return 4

    monkeypatch.setattr("coopbank.tui.run", counter)
    for stream in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    assert run().code == 4
    assert run("--as", "ana", "counter").code == 4
    assert opened == [("ledger.db", None), ("ledger.db", "ana")]
    assert run("--db", "nowhere.db").code == 4
    assert len(opened) == 2
    monkeypatch.chdir(tmp_path_factory.mktemp("nothing"))
    assert run().code == 4, "the first evening: the counter opens, and says that there are no books yet"
    assert len(opened) == 3
