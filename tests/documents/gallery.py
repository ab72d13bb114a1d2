"""Makes docs/errors.md: every kind of refusal, what causes it, what the program says, and what to do.

Each case really runs, through the program itself, against books made for the purpose
(gallery_stage.py); the banks are scenes (gallery_scenes.py), the cases tables (cases/). The end of the page says
how many of the program's messages have a case, and lists those that have none: the
source is read for that, so that a message cannot be forgotten.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
import shlex
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import coopbank.errors as tree
from coopbank.cli.output import safe
from coopbank.errors import BooksWrong, CoopbankError
from tests.documents.cases import CASES
from tests.documents.gallery_case import Case
from tests.documents.gallery_scenes import SCENES
from tests.documents.gallery_stage import BOOKS, Scene, Shown, filled, found_scene, run_program, sealed

SOURCE = Path(tree.__file__).parent


def page(place: str) -> str:
    """The page; the books are made beside that place."""
    del place  # the cases are played once for all tests
    played = play_all()
    return "\n".join([*_head(played), *_classes(played), *_end(played)]) + "\n"


# ------------------------------------------------------------------------------ playing


@dataclass(frozen=True)
class Played:
    """A case and what came of it."""

    case: Case
    command: str
    shown: Shown
    changed: bool  # whether anything but the log of refusals was written

    @property
    def klass(self) -> type[CoopbankError]:
        """The class of the refusal; `verify` reports without raising one."""
        refusal = self.shown.refusal
        refusal = getattr(refusal, "inner", refusal)
        if refusal is None and self.shown.code == BooksWrong.exit_code:
            return BooksWrong
        return CoopbankError if refusal is None else type(refusal)


_played: list[Played] = []


@cache
def _playing() -> Iterator[Played]:
    """Every case, each once a run of the tests, when it is asked for; the books are gone afterwards."""

    def play() -> Iterator[Played]:
        with tempfile.TemporaryDirectory(dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")) as scratch:  # in memory
            stage = Stage(Path(scratch))
            for case in CASES:
                yield stage.played(case)
            for scene in stage.scenes.values():
                scene.assert_books()

    return play()


def play(part: int, of: int) -> tuple[Played, ...]:
    """The cases of one of so many parts; what was played before is not played again."""
    begin, end = (len(CASES) * each // of for each in (part, part + 1))
    _played.extend(islice(_playing(), max(0, end - len(_played))))
    assert len(_played) >= end, "it was broken off"
    return tuple(_played[begin:end])


def play_all() -> tuple[Played, ...]:
    """Every case."""
    _played.extend(_playing())
    assert len(_played) == len(CASES), "it was broken off"
    return tuple(_played)


class Stage:
    """The scenes that are set up so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scenes: dict[str, Scene] = {}
        self.count = 0

    def scene(self, name: str) -> Scene:
        """A scene by its name; set up when it is first asked for, on the scene that it begins from."""
        if name not in self.scenes:
            setting = SCENES[name]
            if setting.after is None:
                scene = found_scene(self.folder / name, **setting.founding)
            else:
                scene = self.scene(setting.after).copied(self.folder / name)
            scene.play(setting.steps)
            self.scenes[name] = scene
        return self.scenes[name]

    def played(self, case: Case) -> Played:
        """Let a case happen: in the scene itself, or in a copy where it needs steps or faults of its own."""
        scene = self.scene(case.scene)
        if case.steps or case.around or case.files:
            self.count += 1
            scene = scene.copied(self.folder / f"case {self.count}")
        if case.steps:
            scene.play(case.steps)
        for name, content in case.files.items():
            (scene.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        command = filled(case.command, scene.numbers)
        if case.around is None:
            before = scene.logged = scene.logged or sealed(scene)
            shown = run_program(scene, command, stdin=case.stdin, env=case.env)
            scene.logged = sealed(scene)
            return Played(case, command, shown, _done(scene.logged) != _done(before))
        with case.around(scene):
            shown = run_program(scene, command, stdin=case.stdin, env=case.env)
        return Played(case, command, shown, False)


def _done(logged: list[Any] | None) -> list[Any]:
    return [(kind, actor) for kind, actor in logged or [] if kind not in ("log-refusal", "sign-in")]


# ------------------------------------------------------------------------------ the source


@dataclass(frozen=True)
class Raise:
    """A place of the source where a refusal is made."""

    file: str
    line: int
    klass: str
    template: str | None  # None where it passes another refusal on
    values: frozenset[str]
    hints: tuple[str, ...]
    plain: bool  # template and hint are literals
    by_field: bool = False  # a fault that a field finds, before the operation is built

    @property
    def part(self) -> str:
        """The package of coopbank that it stands in."""
        return self.file.partition("/")[0].removesuffix(".py")


def concrete() -> list[type[CoopbankError]]:
    """Every class that a user can meet, in the order of the tree."""
    found = [c for c in vars(tree).values() if inspect.isclass(c) and issubclass(c, CoopbankError)]
    return [c for c in found if c is not CoopbankError]


@cache
def raises() -> tuple[Raise, ...]:
    """Every place where a refusal is made, in the order of files and lines."""
    names = {c.__name__ for c in concrete()}
    found: list[Raise] = []
    for path in sorted(SOURCE.rglob("*.py")):
        file = path.relative_to(SOURCE).as_posix()
        if file != "errors.py":
            found += _raises_in(ast.parse(path.read_text(encoding="utf-8")), file, names)
    return tuple(found)


def _raises_in(module: ast.Module, file: str, names: set[str]) -> Iterator[Raise]:
    functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
    calls = [node for node in ast.walk(module) if isinstance(node, ast.Call) and node.args]
    for call in sorted(calls, key=lambda node: node.lineno):
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name not in names and not (name == "refuse" and file.startswith("bank/")):
            continue
        given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        hints = _literals(given["hint"]) if "hint" in given else ()
        values = frozenset(given.keys() - {"field", "hint", "faults"})
        inside = [f for f in functions if f.lineno <= call.lineno <= (f.end_lineno or 0)]
        for template, plain in _templates(call.args[0], inside):
            passed_on = template is None
            yield Raise(
                file, call.lineno, "InvalidValue" if name == "refuse" else name, template, values, hints or (),
                plain and (passed_on or hints is not None), name == "refuse",
            )  # fmt: skip


def _literals(node: ast.expr) -> tuple[str, ...] | None:
    """The texts that an expression chooses from; None if it is made at run time."""
    if isinstance(node, ast.Constant):
        return (node.value,) if isinstance(node.value, str) else ()
    if isinstance(node, ast.IfExp):
        body, otherwise = _literals(node.body), _literals(node.orelse)
        return None if body is None or otherwise is None else (*body, *otherwise)
    return None


def _templates(node: ast.expr, inside: list[ast.FunctionDef]) -> Iterator[tuple[str | None, bool]]:
    """The literal; for a name, the sentences of its function; nothing for another refusal's template."""
    literals = _literals(node)
    if literals is not None:
        yield from ((text, True) for text in literals)
    elif isinstance(node, ast.Name) and inside:
        texts = [n.value for n in ast.walk(inside[-1]) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        yield from ((text, True) for text in texts if " " in text and text.endswith(".") and "{" in text)
    else:
        passed_on = isinstance(node, ast.Attribute) and node.attr == "template"
        passed_on = passed_on or ast.unparse(node) in PASSED_ON
        yield None, passed_on


PASSED_ON = ("str(error)", "_missing(spec)")
"""Sentences that are made elsewhere: what money.py refused, and which field of a form is empty."""

Key = tuple[str, str]


def all_templates() -> dict[Key, Raise]:
    """Every message of the program, by class and template."""
    found: dict[Key, Raise] = {}
    for each in raises():
        if each.template is not None and not re.fullmatch(r"\{\w+\}", each.template):
            found.setdefault((each.klass, each.template), each)
    return found


def met_templates(played: tuple[Played, ...]) -> set[Key]:
    """The messages that the cases show."""
    met: set[Key] = set()
    by_field = [each for each in all_templates().values() if each.by_field]
    for each in played:
        printed = " ".join(each.shown.text.replace('\\"', '"').split())
        for refusal in each.shown.met:
            if " ".join(refusal.message.split()) in printed:
                met.add((type(refusal).__name__, refusal.template))
        for fault in by_field:
            assert fault.template is not None
            if re.search(_pattern(fault), printed):
                met.add((fault.klass, fault.template))
    return met


def _pattern(fault: Raise) -> str:
    template = fault.template or ""
    if not fault.values:
        return re.escape(template)
    return re.sub(r"\\\{\w+\\\}", ".+", re.escape(template.replace("{{", "{").replace("}}", "}")))


# ------------------------------------------------------------------------------ the page


def _head(played: tuple[Played, ...]) -> list[str]:
    drawing = (tree.__doc__ or "").partition("\n\n")[2].partition("\n\nA message is")[0]
    return [
        "# What the program says when it says no",
        "",
        "Every kind of refusal, what causes it, what is printed, and what to do. Each case below was played through",
        "the program to make this page (`make docs`), and a test holds the page to what the program does today.",
        "",
        "- A refusal changes nothing. That a signed-in person was refused is kept, without names or amounts.",
        "- The exit code says who has to act: 1 the person at the counter, 2 whoever wrote the command or the",
        "  document, 3 the treasurer, 4 whoever looks after the computer.",
        "- With `--json` the same is printed as `{\"error\": {\"code\", \"message\", \"field\", \"hint\"}}`. The code",
        "  stands under each heading below; it is the same in every language.",
        "- The staff of the examples: `ana` teller and loan officer, `tom` treasurer, `sue` supervisor, `admin`",
        "  administrator. The business date is 2 March 2026 where nothing else is said.",
        "- Of the loans, L-001 is repaid by a schedule and paid as agreed, L-002 is a line of credit, L-003 a share",
        "  of surplus, L-004 a share of revenue, L-006 granted and not paid out. On 4 May, when it is told what became",
        "  of them, L-005 is on non-accrual, L-007 a loss and L-008 late.",
        "",
        "```",
        drawing.strip("\n"),
        "```",
        "",
        f"{len(played)} cases. How many of all messages they show is counted [at the end](#all-messages).",
        "",
    ]  # fmt: skip


EXITS = {
    1: ("Exit code 1: refused", "A rule of the bank says no. Nothing was changed."),
    2: ("Exit code 2: not well formed", "The command line, or a document given to it, cannot be understood."),
    3: ("Exit code 3: the books are wrong", "The sealed log and the books do not agree. Stop, and find out why."),
    4: ("Exit code 4: no usable books", "The file or the server that should hold the books cannot be used."),
}  # fmt: skip


def _classes(played: tuple[Played, ...]) -> Iterator[str]:
    by_class: dict[type[CoopbankError], list[Played]] = defaultdict(list)
    for each in played:
        by_class[each.case.klass].append(each)
    code = 0
    for klass in concrete():
        if klass.exit_code != code:
            code = klass.exit_code
            title, words = EXITS[code]
            yield from (f"## {title}", "", words, "")
        above = [c.__name__ for c in klass.__mro__[1:] if c.__module__ == tree.__name__ and c is not CoopbankError]
        yield from (f"### {klass.__name__}", "")
        kind = f" A kind of {above[0]}." if above else ""
        yield from (f"`{_code(klass)}`: {' '.join((klass.__doc__ or '').split())}{kind}", "")
        for each in by_class[klass]:
            yield from _case(each)


def _code(klass: type[CoopbankError]) -> str:
    return klass("").code if klass is not tree.ImportRefused else tree.ImportRefused("", faults=[]).code


def _case(played: Played) -> Iterator[str]:
    case = played.case
    yield from (f"**{case.title}**", "", "```console")
    for name, content in case.files.items():
        yield f"$ cat {shlex.quote(name)}"
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
        yield from (safe(line[:160]) for line in text.splitlines()[:12])
    given = " ".join(f"{k}={shlex.quote(safe(v))}" for k, v in case.env.items() if v is not None)
    piped = f"echo {shlex.quote(case.stdin)} | " if case.stdin else ""
    yield f"$ {piped}{given + ' ' if given else ''}{played.command}"
    yield from _printed(played)
    yield from ("```", "")
    refusal = played.shown.refusal
    where = f"Field `{refusal.field}`. " if refusal is not None and refusal.field else ""
    yield from (f"{where}{case.todo}", "")


_HASH = re.compile(r"\b(?!0123456789abcdef)[0-9a-f]{16}\b")
"""A hash of the chain as it is printed; it is another with every change to what a founding writes."""


def _printed(played: Played) -> list[str]:
    lines = played.shown.text.rstrip("\n").splitlines()
    if played.klass is BooksWrong:  # of the many checks, those that found something
        wrong = [line for line in lines if "WRONG" in line or line.startswith("  ")]
        lines = [*wrong[:-1][:8], *wrong[-1:]] if len(wrong) > 9 else wrong
    return [_HASH.sub("(hash)", line.rstrip()) for line in lines]


# ------------------------------------------------------------------------------ the end

PARTS = {
    "bank": "operations of the bank", "ledger": "the ledger", "cli": "the command line",
    "exchange": "import and export",
    "finance": "loan terms and rates", "money": "amounts", "reports": "reports", "statements": "statements",
    "database": "the database", "tui": "the counter", "demo": "the demonstration",
}  # fmt: skip


def coverage(played: tuple[Played, ...]) -> dict[str, tuple[int, int]]:
    """For each package: messages that a case shows, and messages in all."""
    met = met_templates(played)
    counts: dict[str, tuple[int, int]] = dict.fromkeys(PARTS, (0, 0))
    for key, each in all_templates().items():
        shown, total = counts[each.part]
        counts[each.part] = (shown + (key in met), total + 1)
    return {part: count for part, count in counts.items() if count[1]}


def _end(played: tuple[Played, ...]) -> Iterator[str]:
    counts = coverage(played)
    shown, total = (sum(count[i] for count in counts.values()) for i in (0, 1))
    yield from ("## All messages", "")
    yield from (f"The cases above show {shown} of {total} messages ({100 * shown // total} %).", "")
    yield from ("| where | shown | of | |", "|---|--:|--:|--:|")
    for part, (some, of) in counts.items():
        yield f"| {PARTS[part]} | {some} | {of} | {100 * some // of} % |"
    yield from ("", "Messages without a case, as their templates:", "")
    met = met_templates(played)
    left: dict[str, list[str]] = defaultdict(list)
    for (klass, template), each in all_templates().items():
        if (klass, template) not in met:
            left[klass].append(f"{template} *({PARTS[each.part]})*")
    for klass in (c.__name__ for c in concrete()):
        yield from (f"- {klass}: {text}" for text in left.get(klass, ()))


__all__ = ["BOOKS", "page"]
