"""The catalogue page says of each operation what its class says."""

from __future__ import annotations

import ast
import inspect
import textwrap

import pytest

from coopbank.bank.operation import Operation
from coopbank.cli.fields import fields_of, offered
from tests.documents import operations_page


@pytest.fixture(scope="module")
def sections() -> dict[str, str]:
    """The page by operation, written when a test asks for it: each worker collects this file, and one runs it."""
    return {part.partition("\n")[0]: part for part in operations_page.page("").split("\n### ")[1:]}


def test_every_operation_has_its_section_and_no_other_has(sections: dict[str, str]) -> None:
    assert sorted(sections) == sorted(operation.name for operation in offered())
    assert {operation.subject for operation in offered()} == set(operations_page.SUBJECTS)


@pytest.mark.parametrize("operation", offered(), ids=lambda operation: operation.name)
def test_a_section_says_what_the_class_says(operation: type[Operation], sections: dict[str, str]) -> None:
    section = sections[operation.name]
    assert f"**{operation.title}.**" in section
    assert all(role in section for role in operation.roles)
    for field in fields_of(operation):
        row = next(line for line in section.splitlines() if line.startswith(f"| `{field.option}` |"))
        assert ("**required**" in row) == field.required
        assert all(f"`{choice}`" in row for choice in field.choices)
        assert ("(personal)" in row) == (field.name in operation.personal())
        cells = [cell.strip() for cell in row.split(" | ")]
        assert len(cells) == 4 and cells[1] and cells[3].strip(" |"), row


@pytest.mark.parametrize("operation", offered(), ids=lambda operation: operation.name)
def test_when_two_people_are_needed_is_told_in_sentences(operation: type[Operation], sections: dict[str, str]) -> None:
    if operation.second_person or operation.second_reason is Operation.second_reason:
        return
    source = ast.parse(textwrap.dedent(inspect.getsource(operation.second_reason)))
    count = sum(isinstance(node, ast.Return | ast.IfExp) for node in ast.walk(source))
    reasons = operations_page.reasons_for_two(operation)
    assert 1 <= len(reasons) <= count, reasons
    assert all(reason in sections[operation.name] for reason in reasons)


def test_every_kind_of_field_is_explained() -> None:
    for operation in offered():
        for field in fields_of(operation):
            kind = "flag" if field.kind == "flag" else field.widget
            assert kind.startswith("ref:") or kind in operations_page.TAKES, f"{operation.name} {field.name}: {kind}"
