"""Collect the texts that people read, bring the catalogues up to date and compile them: `make words`.

Read are `_("...")` and `translate("...")`, and the template and the `hint` given to each refusal of
coopbank/errors.py. A text is taken only where it stands as a plain string. `--check` writes nothing and fails
when a catalogue or its compiled form is behind the source.
"""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from coopbank import errors
from coopbank.words import LANGUAGES, LOCALE_FOLDER

PACKAGE = Path(errors.__file__).parent
REFUSALS = {
    name
    for name, thing in vars(errors).items()
    if isinstance(thing, type) and issubclass(thing, errors.CoopbankError)
}
FUNCTIONS = {"_", "translate"} | REFUSALS


def texts_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of everything in a module that is to be translated."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        if name not in FUNCTIONS:
            continue
        hints = [keyword.value for keyword in call.keywords if keyword.arg == "hint"]
        for node in [*call.args[:1], *(hints if name in REFUSALS else [])]:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
                yield node.lineno, node.value


def collect() -> Catalog:
    """The template: every text, with the files that hold it."""
    template = Catalog()
    for path in sorted(PACKAGE.rglob("*.py")):
        where = path.relative_to(PACKAGE.parent).as_posix()
        for _line, text in texts_of(ast.parse(path.read_text(encoding="utf-8"))):
            template.add(text, locations=[(where, None)])
    return template


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
    # No header with the time of the run: the same texts give the same file.
    write_po(source, catalogue, width=100, sort_output=True, omit_header=True)
    header = (
        f'msgid ""\nmsgstr ""\n"Language: {language}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    )
    po = header.encode() + source.getvalue()
    write_mo(compiled, read_po(io.BytesIO(po), locale=language))
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
