"""The fields of an operation as a command line writes them: `--share-class 901`.

What a field takes is read off its JSON Schema: a text as it stands, a flag, a list
(repeated options, or one JSON list), or an object (JSON). Names may have hyphens.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from coopbank.bank.fields import widget_of
from coopbank.bank.operation import CATALOGUE, operation_named
from coopbank.cli.documents import read_json
from coopbank.errors import Unknown, WrongUsage
from coopbank.money import quoted

if TYPE_CHECKING:
    from coopbank.bank.operation import Operation


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field as the catalogue shows it."""

    name: str
    kind: str  # text, flag, list, object
    widget: str
    required: bool
    default: Any
    title: str
    choices: tuple[str, ...]
    objects: bool = False  # what begins with { is JSON: the field, or an item of its list, may be an object

    @property
    def option(self) -> str:
        """`--share-class`."""
        return "--" + self.name.replace("_", "-")


def offered() -> list[type[Operation]]:
    """Every operation that a door offers, by subject and name."""
    import coopbank.bank.operations  # noqa: F401  (fills the catalogue)

    return sorted((op for op in CATALOGUE.values() if not op.internal), key=lambda op: (op.subject, op.name))


def named(name: str) -> type[Operation]:
    """The operation of that name, with a suggestion where there is none."""
    names = [operation.name for operation in offered()]
    try:
        return operation_named(name)
    except Unknown:
        close = difflib.get_close_matches(name.replace("_", "-"), names, n=1)
        raise WrongUsage(
            "There is no operation called {name}.", field="operation", name=quoted(name),
            hint="Did you mean {close}?" if close else "See the list with: coopbank operations", close="".join(close),
        ) from None  # fmt: skip


@cache  # asked for more than once in a run, and the schema takes a while
def fields_of(operation: type[Operation]) -> list[FieldInfo]:
    """The fields of an operation, in the order in which a form asks for them."""
    schema = operation.model_json_schema()
    definitions = schema.get("$defs", {})
    found = []
    for name, info in operation.model_fields.items():
        described = schema.get("properties", {}).get(name, {})
        choices = tuple(str(c) for each in _alternatives(described, definitions) for c in _choices(each))
        found.append(
            FieldInfo(
                name, _kind(described, definitions), widget_of(info), info.is_required(),
                None if info.is_required() else described.get("default"),
                info.title or name.replace("_", " ").capitalize(), choices, _may_be_object(described, definitions),
            )
        )  # fmt: skip
    return found


Schema = dict[str, Any]


def _alternatives(described: Schema, definitions: Schema) -> list[Schema]:
    """What a field may be, null left out."""
    if "$ref" in described:
        described = definitions.get(described["$ref"].rsplit("/", 1)[-1], {})
    found = [each for part in described.get("anyOf", ()) for each in _alternatives(part, definitions)]
    return found if "anyOf" in described else [described] if described.get("type") != "null" else []


def _kind(described: Schema, definitions: Schema) -> str:
    """text, flag, list or object: the first that it may be."""
    kinds = {"array": "list", "object": "object", "boolean": "flag"}
    return next((kinds.get(each.get("type", ""), "text") for each in _alternatives(described, definitions)), "text")


def _choices(described: Schema) -> list[Any]:
    return list(described.get("enum") or ([described["const"]] if "const" in described else []))


def _may_be_object(described: Schema, definitions: Schema) -> bool:
    return any(
        each.get("type") == "object"
        or (each.get("type") == "array" and _may_be_object(each.get("items", {}), definitions))
        for each in _alternatives(described, definitions)
    )


def from_options(operation: type[Operation], words: Sequence[str]) -> dict[str, Any]:
    """The values of `--field value …`; refuses names that are no fields and values without a name."""
    known = {field.name: field for field in fields_of(operation)}
    given: dict[str, list[str | None]] = {}
    for name, value in _split(operation, words, known):
        given.setdefault(name, []).append(value)
    return {name: _value(known[name], values) for name, values in given.items()}


def _split(
    operation: type[Operation], words: Sequence[str], known: dict[str, FieldInfo]
) -> Iterable[tuple[str, str | None]]:
    place = 0
    while place < len(words):
        word = words[place]
        if not word.startswith("--"):
            raise WrongUsage(
                "{word} has no field in front of it.", word=quoted(word), hint="Write it like: {name} --field VALUE",
                name=operation.name,
            )  # fmt: skip
        option, equals, value = word.partition("=")
        field = _known(operation, option, known)
        place += 1
        if equals:
            yield field.name, value
        elif place < len(words) and _may_be_value(words[place], field):
            yield field.name, words[place]
            place += 1
        elif field.kind == "flag":
            yield field.name, None
        else:
            raise WrongUsage(
                "{option} has no value.",
                field=field.name,
                option=option,
                hint="A value that begins with -- is written {option}=VALUE.",
            )


def _may_be_value(word: str, field: FieldInfo) -> bool:
    if field.kind == "flag":
        return word.lower() in ("true", "false", "yes", "no")
    return not word.startswith("--")


def _known(operation: type[Operation], option: str, known: dict[str, FieldInfo]) -> FieldInfo:
    name = option.removeprefix("--").replace("-", "_")
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=1)
    raise WrongUsage(
        "{operation} has no field {option}.", field=name, operation=operation.name, option=option,
        hint="Did you mean {close}?" if close else "See: coopbank operations {operation}",
        close=known[close[0]].option if close else "",
    )  # fmt: skip


def _value(field: FieldInfo, values: list[str | None]) -> Any:
    if field.kind == "list":
        return _list(field, [value for value in values if value is not None])
    if len(values) > 1:
        raise WrongUsage("{option} is given twice.", field=field.name, option=field.option)
    value = values[0]
    if field.kind == "flag":
        return True if value is None else value
    return _item(field, value)


def _list(field: FieldInfo, values: list[str]) -> list[Any]:
    """One JSON list, or one value for each time that the option stands there."""
    if len(values) == 1 and values[0].lstrip().startswith("["):
        found = read_json(values[0], field.name)
        if isinstance(found, list):
            return found
    return [_item(field, value) for value in values]


def _item(field: FieldInfo, value: str | None) -> Any:
    """A value as it stands, or what it says where an object may stand and one does."""
    if field.objects and value is not None and value.lstrip().startswith("{"):
        return read_json(value, field.name)
    return value


def require_names(operation: type[Operation], values: dict[str, Any]) -> None:
    """Refuse a document or a command line that has unknown fields or lacks some."""
    fields = fields_of(operation)
    known = {field.name: field for field in fields}
    for name in values:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise WrongUsage(
                "{operation} has no field {name}.", field=name, operation=operation.name, name=quoted(name),
                hint="Did you mean {close}?" if close else "See: coopbank operations {operation}",
                close=close[0] if close else "",
            )  # fmt: skip
    missing = [field for field in fields if field.required and field.name not in values]
    if missing:
        raise WrongUsage(
            "{operation} needs {options}.", field=missing[0].name, operation=operation.name,
            options=", ".join(field.option for field in missing), hint="See: coopbank operations {operation}",
        )  # fmt: skip
