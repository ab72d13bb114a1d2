"""The error gallery is whole: each class has a case, each case is what it says, each message is a template."""

from __future__ import annotations

import string
from pathlib import Path

import pytest

from coopbank import errors
from tests.documents import gallery
from tests.documents.cases import CASES
from tests.documents.gallery import Played, Raise
from tests.documents.gallery_stage import STAFF

LEAST_OF_THE_BANK = 0.9
"""The part of the messages of bank operations that cases show; it may grow."""

PARTS = 8
"""The cases are played in so many tests: one alone would take minutes where the machine has much else to do."""

WITHOUT_A_CASE = {errors.Refused}
"""Classes that are never raised themselves, only by their subclasses."""


@pytest.fixture(scope="module")
def played() -> tuple[Played, ...]:
    return gallery.play_all()


@pytest.mark.parametrize("part", range(PARTS))
def test_each_case_is_refused_as_its_class_says(part: int) -> None:
    wrong = [
        f"{each.case.title} ({each.command}): {each.klass.__name__}, not {each.case.klass.__name__}: {each.shown.text}"
        for each in gallery.play(part, PARTS)
        if each.klass is not each.case.klass or each.shown.code != each.case.klass.exit_code
    ]
    assert not wrong, "\n".join(wrong)


def test_the_page_is_current(tmp_path: Path) -> None:
    kept = (Path(__file__).parents[2] / "docs/errors.md").read_text(encoding="utf-8")
    assert kept == gallery.page(str(tmp_path / "book.db")), "docs/errors.md is out of date: run make docs"


def test_no_case_changed_the_books(played: tuple[Played, ...]) -> None:
    changed = [each.command for each in played if each.changed]
    assert changed == ["coopbank --as ana import members members.csv --in-groups"], "the groups before it are in"


def test_no_case_shows_a_traceback_or_a_place_of_this_machine(played: tuple[Played, ...]) -> None:
    for each in played:
        assert "Traceback" not in each.shown.text
        assert "/tmp" not in each.shown.text and "scratch" not in each.shown.text


def test_titles_tell_the_cases_of_a_class_apart() -> None:
    titles = [(case.klass, case.title) for case in CASES]
    assert len(titles) == len(set(titles)), sorted(t for t in titles if titles.count(t) > 1)


def test_every_class_has_a_case() -> None:
    have = {case.klass for case in CASES}
    assert set(gallery.concrete()) - have == WITHOUT_A_CASE
    raised = {each.klass for each in gallery.raises()}
    assert not {klass.__name__ for klass in WITHOUT_A_CASE} & raised, "it is raised itself now, and needs a case"


def test_every_class_of_the_tree_is_drawn_and_the_drawing_holds_no_other() -> None:
    drawing = (errors.__doc__ or "").partition("A message is")[0]
    drawn = [line.strip("│├└─ ").split()[0] for line in drawing.splitlines() if "─" in line]
    assert drawn == [klass.__name__ for klass in gallery.concrete()]


def where(each: Raise) -> str:
    return f"coopbank/{each.file}:{each.line}"


def test_every_message_is_a_literal() -> None:
    found = [where(each) for each in gallery.raises() if not each.plain]
    assert not found, "not a plain literal, so nobody can translate it: " + ", ".join(found)


def test_every_message_and_hint_formats_with_the_values_it_is_given() -> None:
    for each in gallery.raises():
        texts = [text for text in (each.template, *each.hints) if text is not None]
        if not each.values:  # such a text is shown as it stands, and may hold braces
            continue
        for text in texts:
            named = [name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name is not None]
            assert all(name.isidentifier() for name in named), f"{where(each)}: {text}"
            assert set(named) <= each.values, f"{where(each)}: {text} has no value for {set(named) - each.values}"


def test_a_text_without_values_has_no_place_for_one() -> None:
    for each in gallery.raises():
        if not each.values and each.template is not None:
            assert "{" not in each.template, where(each)
            assert not any("{" in hint for hint in each.hints), where(each)


def test_every_message_is_a_sentence() -> None:
    for klass, template in gallery.all_templates():
        assert template[0].isupper() or template[0] in "{0123456789" or template.startswith(("do ", "--")), template
        assert template.rstrip()[-1] in ".!?}", f"{klass}: {template}"


def test_most_messages_of_the_bank_have_a_case(played: tuple[Played, ...]) -> None:
    shown, total = gallery.coverage(played)["bank"]
    assert shown >= LEAST_OF_THE_BANK * total, f"{shown} of {total}"


def test_the_reader_of_the_source_sees_what_is_there() -> None:
    """It finds messages that are known to be there, of each way to write one."""
    found = gallery.all_templates()
    assert ("Overdrawn", "Fund {fund} has only {available} to spend.") in found, "chosen from a table"
    assert ("DayClosed", "No business day is open.") in found, "a literal"
    assert ("InvalidValue", "A count cannot be negative.") in found, "a fault of a field"
    assert len(found) > 300


def test_commands_are_those_of_the_staff() -> None:
    for case in CASES:
        assert case.command.startswith("coopbank ")
        if " --as " in case.command:
            assert case.command.partition(" --as ")[2].split()[0] in STAFF
