"""Collect the texts that people read, bring the catalogues up to date and compile them: `make words`.

Read are, from the source: `_("...")`, `translate("...")` and `marked("...")`, the template and the `hint` of each
refusal, the labels of receipts (`desk.note`), titles of fields, and what `second_reason` answers. From the running
program: titles, docstrings, fields and choices of the operations, the names of accounts, funds and standard products,
the roles, grades, buckets of lateness and states. A text is found where it stands as a plain string, or where a name,
a choice or a function of the same module leads to one.
`--check` writes nothing and fails when a catalogue or its compiled form is behind the source.
"""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

import coopbank.bank.operations  # noqa: F401  (fills the catalogue)
from coopbank import errors
from coopbank.bank.lending.allowance import GRADES
from coopbank.bank.lending.delinquency import BUCKETS, CHARGED_OFF
from coopbank.bank.operation import CATALOGUE, ROLES
from coopbank.bank.operations.founding import FUNDS
from coopbank.bank.operations.loan_terms import TermsChange
from coopbank.bank.operations.products import STANDARD
from coopbank.finance.reported import ReportState
from coopbank.ledger.chart import chart
from coopbank.ledger.verify import CANNOT_EXCLUDE
from coopbank.words import LANGUAGES, LOCALE_FOLDER

PACKAGE = Path(errors.__file__).parent
REFUSALS = {
    name for name, thing in vars(errors).items() if isinstance(thing, type) and issubclass(thing, errors.CoopbankError)
} | {"Fault"}  # Fault: a refusal in the making, in the documents of finance
FUNCTIONS = {"_", "translate", "marked", "refuse", "note"} | REFUSALS

#: What records say of themselves: see bank/records.py.
STATES = (
    *("open", "closed", "waiting", "approved", "refused", "withdrawn", "on-hand", "banked", "returned"),
    *("held", "released", "granted", "active", "paid", "charged-off", "cancelled", "repaid", "renewed", "void"),
    *("declined", "pledged", "mistaken", "cleared", "offered", "in use", "disposed", "refilled"),
    *("due", "late"),
    *("kept", "ended"),
    *("asked", "given-up", "matched", "recorded", "removed", "reopened", "reviewed", "signed", "undone"),
)
#: How terms came to be, where no operation changed them: see `LoanTerms.change` of bank/records.py.
CHANGES = ("granted", "outer-date", "taken over")

Text = tuple[str, str]
"""A text and the file that holds it."""


class Module:
    """A module and where its names lead."""

    def __init__(self, path: Path) -> None:
        self.where = path.relative_to(PACKAGE.parent).as_posix()
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self.functions = {f.name: f for f in ast.walk(self.tree) if isinstance(f, ast.FunctionDef)}

    def texts(self) -> Iterator[Text]:
        """Everything in it that is to be translated."""
        for scope in ast.walk(self.tree):
            if isinstance(scope, (ast.Module, ast.FunctionDef)):
                for node in _own(scope):
                    if isinstance(node, ast.Call):
                        yield from self._call(node, scope)
            if isinstance(scope, ast.FunctionDef) and scope.name == "second_reason":
                yield from self._answers(scope)

    def _call(self, call: ast.Call, scope: ast.AST) -> Iterator[Text]:
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        shown: list[ast.AST] = []
        if name in FUNCTIONS or ast.unparse(call.func) == "super().__init__":
            shown += call.args[:1]
        if name == "Fault":
            shown += call.args[1:2]
        if (name in REFUSALS or name == "__init__") and "hint" in keywords:
            shown.append(keywords["hint"])
        if name == "Field" and "title" in keywords:
            shown.append(keywords["title"])
        for node in shown:
            yield from self._led_to(node, scope)

    def _led_to(self, node: ast.AST | None, scope: ast.AST, depth: int = 3) -> Iterator[Text]:
        """The plain strings that an expression may come to, as far as the same module says."""
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
            yield node.value, self.where
        elif isinstance(node, ast.IfExp):
            parts = [node.body, node.orelse]
        elif isinstance(node, ast.Dict):
            parts = [*node.values]
        elif isinstance(node, ast.Name) and depth:
            parts = [*_assigned(node.id, scope), *_assigned(node.id, self.tree)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self.functions:
            yield from self._answers(self.functions[node.func.id])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            parts = [node.func.value, *node.args[1:]]
        for part in parts:
            yield from self._led_to(part, scope, depth - 1)

    def _answers(self, function: ast.FunctionDef) -> Iterator[Text]:
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and not isinstance(node.value, ast.Call):
                yield from self._led_to(node.value, function)


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a module or function, without those of the functions in it."""
    for node in ast.iter_child_nodes(scope):
        if not isinstance(node, ast.FunctionDef):
            yield node
            yield from _own(node)
        else:
            for outside in [*node.decorator_list, node.args]:
                yield outside
                yield from _own(outside)


def _assigned(name: str, scope: ast.AST) -> Iterator[ast.AST | None]:
    for node in _own(scope):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and any(getattr(t, "id", "") == name for t in targets):
            yield node.value


def of_operations() -> Iterator[Text]:
    """Titles, what a form says on top, fields and choices: as the terminal asks for them."""
    for cls in CATALOGUE.values():
        where = cls.__module__.replace(".", "/") + ".py"
        said = [cls.title, cls.subject, " ".join((cls.__doc__ or "").split())]
        for name, info in cls.model_fields.items():
            said += [info.title or name.replace("_", " ").capitalize(), info.description or ""]
            said += _choices(info.annotation)
        yield from ((text, where) for text in said if text)


def _choices(annotation: Any) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from (str(value) for value in get_args(annotation) if str(value) not in LANGUAGES and _says(str(value)))
    for part in get_args(annotation):
        yield from _choices(part)


def _says(word: str) -> bool:
    """Whether there is anything to translate: in `1` or `31-60` there is not."""
    return any(letter.isalpha() for letter in word)


def of_the_books() -> Iterator[Text]:
    """Names that a new book starts with, the roles, and the words that records keep as they are."""
    yield from ((control.name, "coopbank/ledger/chart.py") for control in chart())
    yield from ((name, "coopbank/bank/operations/founding.py") for _code, name, _kind in FUNDS)
    yield from ((role, "coopbank/bank/operation.py") for role in ROLES)
    yield from ((product.title, "coopbank/bank/operations/products.py") for product in STANDARD.values())
    yield from ((state, "coopbank/bank/records.py") for state in STATES)
    changes = {*CHANGES, *(cls.change for cls in CATALOGUE.values() if issubclass(cls, TermsChange))}
    yield from ((change, "coopbank/bank/operations/loan_terms.py") for change in changes)
    yield from ((meaning, "coopbank/bank/lending/allowance.py") for meaning in GRADES.values())
    buckets = filter(_says, (*BUCKETS, CHARGED_OFF))
    yield from ((bucket, "coopbank/bank/lending/delinquency.py") for bucket in buckets)
    yield from ((state, "coopbank/finance/reported.py") for state in get_args(ReportState))
    yield from ((what, "coopbank/ledger/verify.py") for what in CANNOT_EXCLUDE)


def collect() -> Catalog:
    """The template: every text, with the files that hold it."""
    found = {text for path in PACKAGE.rglob("*.py") for text in Module(path).texts()}
    template = Catalog()
    for text, where in sorted({*found, *of_operations(), *of_the_books()}, key=lambda each: each[::-1]):
        template.add(text, locations=[(where, 0)])
    return template


class Bare(Catalog):
    """A catalogue whose header says no time and no program: the same texts give the same file."""

    def __init__(self, language: str) -> None:
        super().__init__(locale=language)

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """What gettext needs to know."""
        return [("Language", str(self.locale)), ("Content-Type", "text/plain; charset=utf-8")]


def updated(language: str, template: Catalog) -> tuple[bytes, bytes, int]:
    """The catalogue of a language and its compiled form, and how many texts are untranslated."""
    path = LOCALE_FOLDER / language / "LC_MESSAGES" / "coopbank.po"
    catalogue = Catalog(locale=language)
    if path.exists():
        with path.open("rb") as old:
            catalogue = read_po(old, locale=language)
    catalogue.update(template, no_fuzzy_matching=True, update_header_comment=False)
    catalogue.obsolete.clear()
    source, compiled = io.BytesIO(), io.BytesIO()
    write_po(source, catalogue, width=100, sort_output=True, omit_header=True)
    header = "".join(f'"{name}: {value}\\n"\n' for name, value in Bare(language).mime_headers)
    po = f'msgid ""\nmsgstr ""\n{header}\n'.encode() + source.getvalue()
    bare = Bare(language)
    for message in catalogue:
        if message.id and message.string:
            bare.add(message.id, message.string)
    write_mo(compiled, bare)
    missing = sum(1 for message in catalogue if message.id and not message.string)
    return po, compiled.getvalue(), missing


def main(arguments: list[str]) -> int:
    template = collect()
    behind = 0
    for language in LANGUAGES:
        if language == "en":
            continue
        po, mo, missing = updated(language, template)
        folder = LOCALE_FOLDER / language / "LC_MESSAGES"
        print(f"{language}: {len(template)} texts, {missing} without translation")
        for name, content in (("coopbank.po", po), ("coopbank.mo", mo)):
            path = folder / name
            if path.exists() and path.read_bytes() == content:
                continue
            behind += 1
            if "--check" not in arguments:
                folder.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    return 1 if behind and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
