"""What pages name is there: files, tests, links, commands with their options; each kind of document on its page."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from coopbank.cli.commands import app_for
from coopbank.statements.kinds import KINDS

ROOT = Path(__file__).parent.parent
#: The gallery shows wrong commands, and decisions tell of files that were.
PAGES = sorted(
    page.relative_to(ROOT).as_posix()
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")]
    if page.name not in ("errors.md", "decisions.md")
)
_SOURCES = "\n".join(page.read_text(encoding="utf-8") for page in sorted((ROOT / "tests").rglob("*.py")))


@pytest.mark.parametrize("name", PAGES)
def test_every_file_and_test_that_a_page_names_is_there(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for file, test in re.findall(r"`((?:tests|coopbank|benchmarks|docs|\.ci)/[\w./*-]+)(?:::(\w+))?`", text):
        found = list(ROOT.glob(file))
        assert found, f"{file} is gone"
        assert not test or _defined(test, found[0].read_text(encoding="utf-8")), f"{file}::{test} is gone"
    for test in re.findall(r"`(test_\w+)`", text):
        assert _defined(test, _SOURCES), f"{test} is gone"
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / name).parent.joinpath(link).exists(), f"{link} is gone"


@pytest.mark.parametrize("page", ["security", "reliability"])
def test_promises_name_their_tests(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    named = re.findall(r"`tests/[a-z_/]+\.py::\w+`", text)
    assert len(named) > 10
    assert len(re.findall(r"::", text)) == len(named), "written as `file::test`"


@pytest.mark.parametrize("name", PAGES)
def test_every_command_that_a_page_gives_can_be_given(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    given = re.findall(r"`(?:\.venv/bin/)?coopbank ([^`\n]+)`", text)
    whole = re.findall(r"^(?:    |\$ )?(?:\.venv/bin/)?coopbank (--?\w.*|[a-z-]+ .*)$", _blocks(text), re.MULTILINE)
    for line in [*given, *whole]:
        if "..." not in line and "[" not in line and not line.endswith("\\"):
            _assert_known(line, complete=line in whole)


def test_the_page_of_documents_lists_every_kind() -> None:
    text = (ROOT / "docs" / "documents.md").read_text(encoding="utf-8")
    rows = "\n".join(line for line in text.splitlines() if line.startswith("| `"))
    assert [kind.name for kind in KINDS.values() if f"`{kind.name}`" not in rows or f"`{kind.code}-" not in rows] == []


def _defined(test: str, source: str) -> bool:
    return re.search(rf"^(?:async )?def {test}\(", source, re.MULTILINE) is not None


def _blocks(text: str) -> str:
    """What stands in fences, or is indented by four."""
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return "\n".join([*fenced, *re.findall(r"^    \S.*$", text, re.MULTILINE)])


def _assert_known(line: str, *, complete: bool) -> None:
    """Each word is a command, an option, its value, or an argument; a whole line has all that it needs."""
    words = shlex.split(re.split(r"\s#|\s&&|\s[|>]\s", line)[0])
    command: Any = _program()
    options = _options(command)
    arguments = []
    while words:
        word = words.pop(0)
        if word in getattr(command, "commands", {}):
            command = command.commands[word]
            options |= _options(command)
            if command.name == "do":
                return  # the fields of an operation
        elif word.startswith("--"):
            option = options.get(word.partition("=")[0])
            assert option is not None, f"no option {word}: {line}"
            if not option.is_flag and "=" not in word:
                assert words or not complete, f"{word} wants a value: {line}"
                words = words[1:]
        else:
            arguments.append(word)
    places = [place for place in command.params if place.param_type_name == "argument"]
    assert not hasattr(command, "commands") or not arguments, f"no command {arguments[0]}: {line}"
    assert len(arguments) <= len(places) or any(place.nargs == -1 for place in places), f"too many words: {line}"
    if complete:
        assert len(arguments) >= sum(place.required for place in places), f"something is missing: {line}"


@cache
def _program() -> Any:
    return get_command(app_for(["--help"]))


def _options(command: Any) -> dict[str, Any]:
    return {name: each for each in command.params for name in (*each.opts, *each.secondary_opts)}
