"""The standalone script proves an exported log and finds every seeded corruption, with the standard library alone."""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coopbank.ledger import chain
from tests.ledger.support import OTHER, SAVINGS, Books, deposit_lines, entry, new_books

SCRIPT = Path(__file__).parents[2] / "coopbank" / "exchange" / "verify.py"


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """1 opens, 2 and 3 deposit, 4 withdraws, 5 reverses the entry of 3, 6 deposits."""
    with new_books(str(tmp_path_factory.mktemp("log") / "book.db")) as books:
        books.deposit(20_00, OTHER)
        books.withdraw(30_00)
        books.seal([entry(deposit_lines(-20_00, OTHER), books.today, "reversal", reverses=2)])
        books.deposit(4_00)
        return texts(books)


def texts(books: Books) -> list[str]:
    with books.database.read() as tx:
        return [text for (text,) in tx.rows("SELECT sealed FROM operation ORDER BY id")]


def prove(tmp_path: Path, content: str | bytes, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the script as a stranger would: a copy of it, in isolation, on a file."""
    copy = tmp_path / "verify.py"
    copy.write_bytes(SCRIPT.read_bytes())
    log = tmp_path / "operations.jsonl"
    log.write_bytes(content if isinstance(content, bytes) else content.encode())
    return subprocess.run(
        [sys.executable, "-I", "-S", str(copy), str(log), *options], capture_output=True, text=True, check=False
    )


def joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def head_of(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()[:16]


def test_the_script_is_short_and_needs_the_standard_library_only() -> None:
    source = SCRIPT.read_text(encoding="utf-8")
    assert len(source.splitlines()) < 200
    tree = ast.parse(source)
    names = {name.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    names |= {str(node.module).split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names <= sys.stdlib_module_names


def test_an_honest_log_is_proven(tmp_path: Path, lines: list[str]) -> None:
    done = prove(tmp_path, joined(lines))
    assert done.returncode == 0, done.stderr
    assert "PROVEN" in done.stdout and f"head 6:{head_of(lines[5])}" in done.stdout
    assert "not excluded" in done.stdout
    assert prove(tmp_path, joined(lines).rstrip("\n")).returncode == 0


def test_known_heads_are_compared(tmp_path: Path, lines: list[str]) -> None:
    good = ["--head", f"6:{head_of(lines[5])}", "--head", f"2:{head_of(lines[1]).upper()}"]
    done = prove(tmp_path, joined(lines), *good)
    assert done.returncode == 0 and "not excluded" not in done.stdout
    done = prove(tmp_path, joined(lines[:5]), *good)
    assert done.returncode == 1 and "operation 6: cut tail" in done.stderr
    done = prove(tmp_path, joined(lines), "--head", f"4:{'0' * 16}")
    assert done.returncode == 1 and "operation 4: its hash is" in done.stderr


def rechained(lines: list[str], number: int, change: Callable[[list[Any]], None]) -> list[str]:
    """All made anew with one operation changed."""
    made: list[str] = []
    for at, line in enumerate(lines, start=1):
        places = json.loads(line)
        if at == number:
            change(places)
        places[13] = hashlib.sha256(made[-1].encode()).hexdigest() if made else "0" * 64
        made.append(chain.canonical(places))
    return made


def put(value: Any, *path: int) -> Callable[[list[Any]], None]:
    def change(places: list[Any]) -> None:
        at: Any = places
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value

    return change


BROKEN: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "an edited word": (lambda x: [*x[:2], x[2].replace("deposit", "present"), *x[3:]], "4: it does not follow"),
    "a line removed": (lambda x: [*x[:2], *x[3:]], "operation 3: "),
    "two lines swapped": (lambda x: [x[0], x[2], x[1], *x[3:]], "operation 2: "),
    "a line twice": (lambda x: [*x[:2], x[1], *x[2:]], "operation 3: "),
    "no first line": (lambda x: x[1:], "operation 1: "),
    "no JSON": (lambda x: [*x[:5], "gone"], "operation 6: the line cannot be read"),
    "an empty line": (lambda x: [*x, ""], "operation 7: the line cannot be read"),
    "too few places": (lambda x: [*x[:5], "[1,2]"], "operation 6: the line cannot be read"),
    "an object": (lambda x: [*x[:5], "{}"], "operation 6: the line cannot be read"),
    "nothing": (lambda x: [], "holds no operation"),
    "out of balance": (lambda x: rechained(x, 4, put(-29_99, 11, 0, 4, 0, 1)), "operation 4: entry 3 is out by 1 USD"),
    "another book": (lambda x: rechained(x, 4, put("ff", 1)), "operation 4: it is of book"),
    "another form": (lambda x: rechained(x, 4, put("other/1", 0)), "operation 4: its form"),
    "a skipped entry": (lambda x: rechained(x, 4, put(7, 11, 0, 0)), "operation 4: entry 7 follows entry 2"),
    "an unknown account": (lambda x: rechained(x, 4, put(99, 11, 0, 4, 0, 0)), "operation 4: entry 3"),
    "a fraction": (lambda x: rechained(x, 4, put(1.5, 11, 0, 4, 0, 1)), "operation 4: the line cannot be read"),
    "a truth for an amount": (lambda x: rechained(x, 4, put(True, 11, 0, 4, 0, 1)), "operation 4: entry 3"),
    "one line": (lambda x: rechained(x, 4, put([[1, 5]], 11, 0, 4)), "fewer than two"),
    "a line of three": (lambda x: rechained(x, 4, put([[1, 5, 5]], 11, 0, 4)), "not of the form"),
    "lists for numbers": (lambda x: rechained(x, 4, put([[[1], 5]], 11, 0, 4)), "not of the form"),
    "not the exact negative": (lambda x: rechained(x, 5, put(1, 11, 0, 3)), "entry 4 is not the exact"),
    "a second reversal": (lambda x: rechained(x, 6, put(2, 11, 0, 3)), "entry 5 reverses entry 2 a second"),
    "a reversal of a reversal": (lambda x: rechained(x, 6, put(4, 11, 0, 3)), "a reversal itself"),
    "a reversal of nothing": (lambda x: rechained(x, 6, put(77, 11, 0, 3)), "none before it"),
    "an overdraft": (
        lambda x: rechained(x, 4, put([list(p) for p in deposit_lines(-500_00)], 11, 0, 4)),
        f"account {SAVINGS} (902, fund GEN) comes to 40000 USD",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_log_is_not_proven(tmp_path: Path, lines: list[str], what: str) -> None:
    change, said = BROKEN[what]
    done = prove(tmp_path, joined(change(lines)))
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr and "NOT PROVEN" in done.stdout


@pytest.mark.parametrize("content", [b"\xff\xfe\n", b"[" * 100_000, b"9" * 10_000, b"\x00"])
def test_rubbish_is_no_traceback(tmp_path: Path, content: bytes) -> None:
    done = prove(tmp_path, content)
    assert done.returncode == 1 and "Traceback" not in done.stderr


def test_wrong_usage_is_told(tmp_path: Path, lines: list[str]) -> None:
    assert prove(tmp_path, joined(lines), "--head", "six").returncode == 2
    missing = subprocess.run([sys.executable, "-I", str(SCRIPT), "nothing.jsonl"], capture_output=True, check=False)
    assert missing.returncode == 2
