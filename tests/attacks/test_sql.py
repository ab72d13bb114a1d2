"""No text that somebody typed becomes SQL: values go beside a statement, and what goes into one is listed here.

Every call that sends SQL is looked at in the source. What it puts into the text of the statement must be marks for
values, a constant of the module, or one of the words below, each of which was read: none of them comes from outside.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import coopbank

SENDS = {"rows", "row", "value", "run", "run_many", "stream", "script", "execute", "executemany", "exec_driver_sql"}
HARMLESS = re.compile(
    r"""_?marks(\(\w+\))?|'[, ]+'\.join\('\?' \* len\(\w+\)\)|_?[A-Z][A-Z_]*( [+*] \d+)?|beside\.DAYS"""
)
READ = {
    "bank/confirming.py": {"number"},  # the name of a column, by the kind of account
    "bank/lending/accounts.py": {"limit"},  # a condition or nothing
    "bank/operations/forgetting.py": {"like"},  # LIKE or ILIKE
    "bank/personal_proof.py": {"find"},  # instr or strpos
    "bank/server_copies.py": {"function", "scratch", "what"},  # names that the program made, or the server itself gave
    "cli/accounts.py": {"' AND '.join(conditions)"},
    "database.py": {"held", "name", "names"},  # of pragmas, and of a catalogue
    "exchange/pbc.py": {"cash", "pooled", "table"},
    "ledger/balances.py": {"' UNION ALL '.join(parts)", "table", "trigger"},
    "ledger/checks.py": {"', '.join(names)", "kept", "sql", "table", "where"},
    "ledger/moving.py": {  # tables and columns as posting.py has them, and marks for values
        "', '.join('?' * count)",
        "_bytes(target, key)",
        "columns",
        "after",
        "key",
        "lines",
        "of_source",
        "order",
        "posting.COLUMNS['operation']",
        "table",
        "until",
    },
    "ledger/past.py": {"name", "query"},  # views of sealed tables up to a number
    "ledger/periods.py": {"', '.join([_STATE] * len(part))"},
    "ledger/roles.py": {"asked", "name", "rights", "table"},  # the name of a user, as the server itself quotes it
    "migrations/versions/rev_0001.py": {"tx.dialect"},
    "migrations/versions/rev_0003.py": {"tx.dialect"},
    "migrations/versions/rev_0005.py": {"tx.dialect"},
    "migrations/versions/rev_0006.py": {"tx.dialect"},
    "migrations/versions/rev_0007.py": {"tx.dialect"},
    "reports/audit/accounts.py": {"controls_", "kinds"},
    "reports/audit/numbers.py": {"table"},
    "reports/audit/signs.py": {"controls", "kinds"},  # marks
    "reports/audit/times.py": {"condition"},
    "reports/glance.py": {"columns", "last", "on"},
    "reports/journal.py": {"where"},
}
ROOT = Path(coopbank.__file__).parent


def into_sql(source: str) -> Iterator[str]:
    """What is put into the text of statements: parts of f-strings, and of `%` and `format`."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in SENDS
            and node.args
        ):
            for part in ast.walk(node.args[0]):
                yield from put_in(part)


def put_in(part: ast.AST) -> Iterator[str]:
    if isinstance(part, ast.FormattedValue):
        yield ast.unparse(part.value)
    elif isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mod) and isinstance(part.left, ast.Constant):
        yield ast.unparse(part.right)
    elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr == "format":
        yield from (ast.unparse(argument) for argument in part.args)


def test_only_words_of_the_program_go_into_sql() -> None:
    found: dict[str, set[str]] = {}
    for file in sorted(ROOT.rglob("*.py")):
        words = {each for each in into_sql(file.read_text(encoding="utf-8")) if not HARMLESS.fullmatch(each)}
        if words:
            found[str(file.relative_to(ROOT))] = words
    new = {file: words - READ.get(file, set()) for file, words in found.items()}
    assert not {file: words for file, words in new.items() if words}, "read these, and list what comes from nobody"
    assert found == READ, "what is no longer there is no longer listed"


def test_a_typed_word_in_a_statement_would_be_seen() -> None:
    planted = [
        "tx.rows(f'SELECT * FROM member WHERE name = {name}')",
        "tx.run('DELETE FROM %s' % table)",
        "tx.value('SELECT {}'.format(text))",
    ]
    assert [list(into_sql(line)) for line in planted] == [["name"], ["table"], ["text"]]
