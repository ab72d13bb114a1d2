"""Every operation of the catalogue can be read by those who perform it, belongs to somebody, and refuses something."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import coopbank.bank.operations  # noqa: F401  (fills the catalogue)
from coopbank.bank.operation import CATALOGUE, ROLES, Operation, operation_named

TESTS = Path(__file__).parent.parent
OFFERED = sorted(name for name, cls in CATALOGUE.items() if not cls.internal)


@pytest.mark.parametrize("cls", CATALOGUE.values(), ids=CATALOGUE)
def test_an_operation_says_what_it_is(cls: type[Operation]) -> None:
    assert cls.title and cls.title[0].isupper() and not cls.title.endswith(".")
    assert cls.subject
    words = cls.__dict__.get("__doc__") or ""
    assert words.strip().partition("\n")[0].endswith("."), "the docstring is what its form says on top"
    assert cls.version >= 1


@pytest.mark.parametrize("name", OFFERED)
def test_an_operation_belongs_to_somebody(name: str) -> None:
    cls = CATALOGUE[name]
    assert cls.roles
    assert set(cls.roles) | set(cls.approvers) <= set(ROLES)
    assert cls.approvers
    assert cls.offered_by
    assert operation_named(name.replace("-", "_")) is cls


def test_titles_are_not_taken_twice() -> None:
    titles = [cls.title for cls in CATALOGUE.values()]
    assert len(set(titles)) == len(titles)


# ------------------------------------------------------------------------------ refused in a test


def refusals(tree: ast.AST) -> Iterator[ast.AST]:
    """Where a test asks for a refusal: the body of `with raises(...)`, or a call of a helper with that in its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.With) and any(_called(item.context_expr) == "raises" for item in node.items):
            yield from node.body
        elif isinstance(node, ast.Call) and "refus" in _called(node):
            yield node


def _called(node: ast.AST) -> str:
    func = node.func if isinstance(node, ast.Call) else None
    return str(getattr(func, "id", getattr(func, "attr", "")))


def named(node: ast.AST, helpers: dict[str, ast.FunctionDef] | None = None) -> set[str]:
    """Operations that are named in a part of a test, or in the helpers of its file that it calls."""
    found = {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    called = {_called(n) for n in ast.walk(node)} & (helpers or {}).keys()
    return (found & set(OFFERED)).union(*(named((helpers or {})[name]) for name in called))


def refused_in(source: str) -> set[str]:
    """Operations that a test file sees refused. Where the name is a variable, all that its function names."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    helpers = {function.name: function for function in functions if not function.name.startswith("test_")}
    found: set[str] = set()
    for function in functions:
        for part in refusals(function):
            found |= named(part, helpers) or named(function)
    return found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('with pytest.raises(X):\n        do("deposit")\n    do("withdraw")', {"deposit"}),
        ('refused(bank, X, "deposit")\n    do("withdraw")', {"deposit"}),
        ('for name in ("deposit", "withdraw"):\n        refused(bank, X, name)', {"deposit", "withdraw"}),
        ("with pytest.raises(X):\n        pay()\n    do(1)", {"pay-bill"}),
        ('do("deposit")', set()),
    ],
)
def test_the_reader_of_tests_reads(body: str, found: set[str]) -> None:
    assert refused_in(f'def pay():\n    do("pay-bill")\n\ndef test():\n    {body}') == found


@pytest.fixture(scope="module")
def seen() -> set[str]:
    return {name for path in sorted(TESTS.rglob("test_*.py")) for name in refused_in(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("name", OFFERED)
def test_an_operation_refuses_something(name: str, seen: set[str]) -> None:
    assert name in seen, f"no test asks that {name} refuses anything"
