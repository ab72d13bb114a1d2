"""Registers that the bank defines for itself: courses, jobs, parcels, volunteer hours; and their entries.

An entry is written as `field: value` lines, and read by the types that the register gives its fields. The request
is sealed as one digest, since what people write about people may have to be forgotten; the record says each value
that is not personal. A change is a new version; what was entered by mistake is closed as that, and counted no more.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.fields import (
    Code,
    EntryRef,
    Memo,
    NoJson,
    PersonalMark,
    RegisterRef,
    Text,
    Widget,
    json_said,
    refuse,
)
from coopbank.bank.institution_registers import (
    COUNTED,
    Definition,
    RegisterField,
    definition_of,
    open_register,
    read_value,
    register_named,
    shipped,
)
from coopbank.bank.operation import ADMINISTRATOR, LOAN_OFFICER, ROLES, TELLER, TREASURER, Operation
from coopbank.errors import AlreadyExists, InvalidValue, NotAllowed, Unknown, WrongState

_LINE: Final = re.compile(r"([A-Za-z][A-Za-z0-9_ -]{0,39}?)\s*[:=]\s*(.*)", re.DOTALL)
_FIELD: Final = re.compile(
    r"([a-z][a-z0-9_]*)\s+([a-z-]+)(?:\(([^)]*)\))?((?:\s+(?:required|personal|total))*)\s+(\S.*)"
)
_TEMPLATES: Final = (
    "PIPELINE", "TA", "COURSES", "ATTENDANCE", "SCHOLARSHIPS", "PARCELS", "LEASES", "VOLUNTEERS", "JOBS", "WAGES",
    "COOPS", "GROUPS", "PLACE", "OUTPUT",
)  # fmt: skip


def _register_code(code: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9]{1,11}", code):
        raise refuse("Use 2 to 12 capital letters and digits, for example TOOLS.")
    return code


def _read_fields(value: Any) -> Any:
    """Fields may come as lines, `hours hours required total Hours worked`, or as objects."""
    parts = value.splitlines() if isinstance(value, str) else value
    if not isinstance(parts, list):
        return value
    lines = [line for part in parts for line in (part.splitlines() if isinstance(part, str) else [part])]
    return [
        _field(line) if isinstance(line, str) else line for line in lines if not isinstance(line, str) or line.strip()
    ]


def _field(line: str) -> dict[str, Any]:
    match = _FIELD.fullmatch(line.strip())
    if match is None:
        raise refuse("Write a field as its name, type and title: hours hours required total Hours worked.")
    name, kind, inside, flags, title = match.groups()
    found: dict[str, Any] = {"name": name, "type": kind, "title": {"en": title}}
    found |= dict.fromkeys(flags.split(), True)
    if inside is not None:
        found["of" if kind == "entry" else "choices"] = (
            inside.strip() if kind == "entry" else [choice.strip() for choice in inside.split("/") if choice.strip()]
        )
    return found


Fields = Annotated[
    list[RegisterField], BeforeValidator(_read_fields), Field(min_length=1, max_length=40), Widget("lines"),
]  # fmt: skip


class DefineRegister(Operation):
    """Define a register that the bank keeps, or change its fields: one that comes with the program, or your own."""

    name: ClassVar[str] = "define-register"
    title: ClassVar[str] = "Define a register"
    subject: ClassVar[str] = "registers"
    roles: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # the next version changes it

    template: Annotated[
        Literal[_TEMPLATES] | None,  # type: ignore[valid-type]
        Widget("choice"), Field(title="One that comes with the program"),
    ] = None  # fmt: skip
    code: Annotated[Code | None, AfterValidator(lambda code: code and _register_code(code)),
                    Field(title="Code, for example TOOLS")] = None  # fmt: skip
    register_title: Annotated[Text, Field(title="Title")] = ""
    register_title_es: Annotated[Text, Field(title="Title in Spanish")] = ""
    fields: Annotated[
        Fields | None,
        Field(title="Fields (name, type, title: hours hours required total Hours worked)"),
    ] = None  # fmt: skip
    dated_by: Annotated[Text | None, Field(title="Date field that says in which period an entry counts")] = None
    count_by: Annotated[Text | None, Field(title="Choice by which entries are counted")] = None
    keepers: Annotated[list[str], Field(max_length=6, title="Roles that keep it, all if none"), Widget("text")] = []
    ended: Annotated[bool, Field(title="It is not kept any more")] = False

    def perform(self, desk: Desk) -> None:
        code = self.code or self.template
        if code is None:
            raise InvalidValue("{field_name} is missing.", field="code", field_name="code")
        body = desk.find(records.Register, code)
        before = None if body is None else definition_of(code, body)
        wanted = self._wanted(code, before)
        if before is not None:
            wanted = _merged(before, wanted, fixed=body is not None and body.shipped)
        _require_sound(desk, wanted)
        after = records.Register(
            title=wanted.title, fields=[field.model_dump(exclude_defaults=True) for field in wanted.fields],
            dated_by=wanted.dated_by, count_by=wanted.count_by, keepers=wanted.keepers,
            shipped=self.template is not None or (body is not None and body.shipped),
            state="ended" if self.ended else "kept",
        )  # fmt: skip
        if after == body:
            raise InvalidValue("Register {code} is that already.", field="fields", code=code)
        desk.write(code, after)
        if body is None:
            desk.created.append(code)
        desk.note("Register", code)
        desk.note("Fields", ", ".join(field.name for field in wanted.live))

    def _wanted(self, code: str, before: Definition | None) -> Definition:
        """The definition that is asked for: a template with the bank's own fields after it, or its own alone."""
        base = before if self.template is None else shipped()[self.template]
        if self.template is not None and code != self.template:
            raise InvalidValue(
                "The register {register} keeps its code, by which reports find it.", field="code",
                register=self.template,
                hint="Leave the code out.",
            )  # fmt: skip
        if self.template is None and before is None and code in shipped():
            raise InvalidValue(
                "{code} is the code of a register that comes with the program.", field="code", code=code,
                hint="Name it as template, or choose another code.",
            )  # fmt: skip
        own = list(self.fields or ())
        if base is None and not own:
            raise InvalidValue("{field_name} is missing.", field="fields", field_name="fields")
        if self.template is not None:
            own = [*shipped()[self.template].fields, *own]
        elif not own and before is not None:
            own = before.live
        said = {"en": self.register_title, "es": self.register_title_es}
        title = (base.title if base is not None else {}) | {lang: text for lang, text in said.items() if text}
        if not title:
            raise InvalidValue("{field_name} is missing.", field="register_title", field_name="register_title")
        return Definition(
            code=code, title=title, fields=own, keepers=sorted(self.keepers) or (base.keepers if base else []),
            dated_by=self.dated_by or (base.dated_by if base else None),
            count_by=self.count_by or (base.count_by if base else None),
        )  # fmt: skip


def _require_sound(desk: Desk, wanted: Definition) -> None:
    """Refuse a definition that contradicts itself; the field is named."""
    names = [field.name for field in wanted.fields]
    for field in wanted.fields:
        if names.count(field.name) > 1:
            raise InvalidValue("Field {name} stands twice.", field="fields", name=field.name)
        if (field.type == "choice") != bool(field.choices):
            raise InvalidValue(
                "Field {name}: a choice has its choices, and nothing else has.", field="fields", name=field.name,
                hint="Write it as: stage choice(idea/plan/loan) Stage.",
            )  # fmt: skip
        if (field.type == "entry") != bool(field.of):
            raise InvalidValue(
                "Field {name}: an entry says of which register: entry(COURSES).", field="fields", name=field.name
            )
        if field.of and field.of != wanted.code:
            register_named(desk, field.of, "fields")
        if field.total and field.type not in COUNTED:
            raise InvalidValue(
                "Field {name} cannot be added up: it is of type {type}.",
                field="fields",
                name=field.name,
                type=field.type,
            )
        if field.personal and field.type not in ("text", "document"):
            raise InvalidValue(
                "Field {name}: only a text or a document is kept apart.", field="fields", name=field.name
            )
    _require_names(wanted)


def _require_names(wanted: Definition) -> None:
    for what, name, types in (
        ("dated_by", wanted.dated_by, ("date",)),
        ("count_by", wanted.count_by, ("choice", "yes-no")),
    ):
        found = wanted.field(name) if name else None
        if name and (found is None or found.type not in types):
            raise InvalidValue("{name} is no field of type {types}.", field=what, name=name, types=" / ".join(types))
    for role in wanted.keepers:
        if role not in ROLES:
            raise InvalidValue(
                "There is no role {role}; choose from: {roles}.", field="keepers", role=role[:40],
                roles=", ".join(ROLES),
            )  # fmt: skip


def _merged(before: Definition, wanted: Definition, *, fixed: bool) -> Definition:
    """The new fields, and those that are gone as retired; what a field means stays as it was."""
    for old in before.fields:
        new = wanted.field(old.name)
        if new is None:
            if fixed and old.name in {field.name for field in shipped()[before.code].fields}:
                raise InvalidValue(
                    "Field {name} is read by reports of the program and stays.", field="fields", name=old.name
                )
            continue
        if (new.type, new.personal, new.of) != (old.type, old.personal, old.of):
            raise InvalidValue(
                "Field {name} is of type {type} and stays so: entries have it.", field="fields", name=old.name,
                type=old.type, hint="Give a new field another name.",
            )  # fmt: skip
        if not set(old.choices) <= set(new.choices):
            raise InvalidValue(
                "Field {name} keeps its choices: {choices}.", field="fields", name=old.name,
                choices=", ".join(old.choices), hint="Add new ones after them.",
            )  # fmt: skip
    names = {field.name for field in wanted.fields}
    gone = [field.model_copy(update={"retired": True}) for field in before.fields if field.name not in names]
    return wanted.model_copy(update={"fields": [*wanted.fields, *gone]})


# ------------------------------------------------------------------------------------- entries


def _read_values(value: Any) -> Any:
    """Values as one canonical text: from `field: value` lines, from an object, or from that text itself."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json_said(value)
        except NoJson:
            raise refuse("This begins like JSON and is none.") from None
    if isinstance(value, str | list):
        value = _of_lines(value)
    if not isinstance(value, dict) or not all(isinstance(v, str | bool | int) for v in value.values()):
        raise refuse("Write each field on a line of its own, such as hours: 2.5.")
    if len(value) > 60 or sum(len(str(v)) for v in value.values()) > 20_000:
        raise refuse("That is too much for an entry.")
    return json.dumps({str(name): found for name, found in value.items()}, ensure_ascii=False, sort_keys=True)


def _of_lines(value: str | list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    parts = value.splitlines() if isinstance(value, str) else value
    for part in parts:
        if not isinstance(part, str):
            raise refuse("Write each field on a line of its own, such as hours: 2.5.")
        if not part.strip():
            continue
        match = _LINE.fullmatch(part.strip())
        if match is None:
            raise refuse("{line} is no line of an entry; write it as hours: 2.5.", line=part.strip()[:40])
        name = re.sub(r"[ -]", "_", match[1].strip().lower())
        if name in found:
            raise refuse("{name} stands twice.", name=name)
        found[name] = match[2].strip()
    return found


Values = Annotated[
    str, BeforeValidator(_read_values), PersonalMark(), Widget("lines"),
    WithJsonSchema({"anyOf": [{"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "object"}]}},
                              {"type": "object"}]}),
    Field(title="Values (a line each: hours: 2.5)"),
]  # fmt: skip
"""What an entry says, as `field: value` lines or as an object; one canonical JSON text once validated."""

_KEEPING = (TELLER, LOAN_OFFICER, TREASURER, ADMINISTRATOR)


class _Entry(Operation):
    """Common to what writes entries."""

    def require_keeper(self, desk: Desk, definition: Definition) -> None:
        """Refuse who does not keep the register."""
        if definition.keepers and not set(definition.keepers) & set(desk.actor.roles):
            raise NotAllowed(
                "{user} does not keep the register {code}.", field="register_code", user=desk.actor.user,
                code=definition.code, hint="It takes one of: {roles}.", roles=", ".join(definition.keepers),
            )  # fmt: skip

    def read(self, desk: Desk, definition: Definition, text: str, before: dict[str, Any]) -> dict[str, Any]:
        """The values of the entry as they are kept, those before it changed by what is said now; empty ones go."""
        said: dict[str, Any] = json.loads(text)
        values = dict(before)
        for name, raw in said.items():
            field = definition.field(name)
            if field is None or (field.retired and name not in before):
                raise InvalidValue(
                    "Register {code} has no field {name}; it has: {fields}.", field=f"values.{name}"[:60],
                    code=definition.code, name=name[:40], fields=", ".join(f.name for f in definition.live),
                )  # fmt: skip
            values.pop(name, None)
            if not (isinstance(raw, str) and not raw.strip()):
                values[name] = _kept(desk, field, raw)
        for field in definition.live:
            if field.required and field.name not in values:
                raise InvalidValue("{field_name} is missing.", field=f"values.{field.name}", field_name=field.name)
        return {field.name: values[field.name] for field in definition.fields if field.name in values}


def _kept(desk: Desk, field: RegisterField, raw: Any) -> Any:
    value = read_value(field, raw)
    place = f"values.{field.name}"
    if field.type == "member":
        desk.get(records.Member, value, place)
    elif field.type == "loan":
        desk.get(records.Loan, value, place)
    elif field.type == "entry":
        found = desk.find(records.RegisterEntry, value)
        if found is None or found.state == "mistaken" or not value.startswith(f"{field.of}-"):
            raise Unknown("There is no entry {ref} in the register {code}.", field=place, ref=value, code=field.of)
    return desk.keep("register_value", value) if field.personal else value


def about(definition: Definition, values: dict[str, Any]) -> str | None:
    """Whom or what an entry concerns: its first member, or else its first loan."""
    for kind in ("member", "loan"):
        for field in definition.fields:
            if field.type == kind and field.name in values:
                return str(values[field.name])
    return None


def _members(desk: Desk, definition: Definition, values: dict[str, Any]) -> set[str]:
    """The members whom an entry concerns, those of its loans included."""
    found = set()
    for field in definition.fields:
        value = values.get(field.name)
        if field.type == "member" and isinstance(value, str):
            found.add(value)
        elif field.type == "loan" and isinstance(value, str) and (loan := desk.find(records.Loan, value)) is not None:
            found.add(loan.member)
    return found


class AddEntry(_Entry):
    """Enter something into a register. Nobody enters what is about themselves."""

    name: ClassVar[str] = "add-entry"
    title: ClassVar[str] = "Add to a register"
    subject: ClassVar[str] = "registers"
    roles: ClassVar[tuple[str, ...]] = _KEEPING
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False  # change it, or close it as a mistake

    register_code: Annotated[RegisterRef, Field(title="Register")]
    values: Values

    def serves(self, desk: Desk) -> set[str]:
        body = desk.find(records.Register, self.register_code)
        said = json.loads(self.values)
        return set() if body is None else _members(desk, definition_of(self.register_code, body), said)

    def perform(self, desk: Desk) -> None:
        definition = open_register(desk, self.register_code)
        self.require_keeper(desk, definition)
        values = self.read(desk, definition, self.values, {})
        ref = desk.next_ref(records.RegisterEntry.kind, f"{definition.code}-", 5)
        body = records.RegisterEntry(
            register_version=desk.version(records.Register.kind, definition.code), values=values,
            entered_on=desk.business_day.isoformat(),
        )  # fmt: skip
        desk.write(ref, body, about=about(definition, values))
        desk.note(definition.label, ref)


class _OnEntry(_Entry):
    """Common to what changes an entry that there is."""

    entry: EntryRef

    def serves(self, desk: Desk) -> set[str]:
        found = desk.find(records.RegisterEntry, self.entry)
        body = desk.find(records.Register, self.entry.partition("-")[0])
        if found is None or body is None:
            return set()
        definition = definition_of(self.entry.partition("-")[0], body)
        return _members(desk, definition, found.values) | _members(desk, definition, self.said())

    def said(self) -> dict[str, Any]:
        """The values that the request says."""
        return {}

    def known(self, desk: Desk) -> tuple[Definition, records.RegisterEntry]:
        """The entry and its register; refuses one that was a mistake."""
        found = desk.get(records.RegisterEntry, self.entry, "entry")
        definition = register_named(desk, self.entry.partition("-")[0], "entry")
        self.require_keeper(desk, definition)
        if found.state == "mistaken":
            raise WrongState("Entry {entry} was a mistake.", field="entry", entry=self.entry, hint="Add another one.")
        return definition, found


class ChangeEntry(_OnEntry):
    """Change an entry of a register. What is left out stays; a field without a value is taken out. Say why."""

    name: ClassVar[str] = "change-entry"
    title: ClassVar[str] = "Change an entry of a register"
    subject: ClassVar[str] = "registers"
    roles: ClassVar[tuple[str, ...]] = _KEEPING
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False  # change it back

    values: Values
    why: Annotated[Memo, Field(min_length=1, title="Why")]

    def said(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.values)
        return found

    def perform(self, desk: Desk) -> None:
        definition, before = self.known(desk)
        values = self.read(desk, definition, self.values, before.values)
        for name in before.fixed:
            if values.get(name) != before.values.get(name):
                raise WrongState(
                    "The books posted {name} of {entry}, and it stays.", field=f"values.{name}", name=name,
                    entry=self.entry, hint="Reverse the operation that posted it, and do it anew.",
                )  # fmt: skip
        if _opened(desk, values) == _opened(desk, before.values, kept=False):
            raise InvalidValue("Entry {entry} says that already.", field="values", entry=self.entry)
        gone = desk.find(records.ParcelDisposal, self.entry) is not None  # what was sold stays closed
        after = before.model_copy(
            update={
                "values": values, "why": self.why, "state": before.state if gone else "open",
                "closed_on": before.closed_on if gone else None,
                "register_version": desk.version(records.Register.kind, definition.code),
            }
        )  # fmt: skip
        desk.write(self.entry, after, about=about(definition, values))
        desk.note("Entry", self.entry)
        desk.note("Version", str(1 + desk.version(records.RegisterEntry.kind, self.entry)))


def _opened(desk: Desk, values: dict[str, Any], *, kept: bool = True) -> dict[str, Any]:
    """Values with what is kept apart put back, also what this operation only now keeps."""
    fresh = {value.digest: value.value for value in desk.personal_values} if kept else {}
    return {
        name: value if not isinstance(value, dict) else fresh.get(value["#"]) or desk.personal(value)
        for name, value in values.items()
    }


class CloseEntry(_OnEntry):
    """Close an entry of a register: what it was about is over, or it was entered by mistake and counts no more."""

    name: ClassVar[str] = "close-entry"
    title: ClassVar[str] = "Close an entry of a register"
    subject: ClassVar[str] = "registers"
    roles: ClassVar[tuple[str, ...]] = _KEEPING
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False  # a change opens it again

    why: Annotated[Memo, Field(min_length=1, title="Why, or how it ended")]
    mistaken: Annotated[bool, Field(title="It was a mistake")] = False

    def second_reason(self, desk: Desk) -> str | None:
        return "What is counted no more is agreed by two people." if self.mistaken else None

    def perform(self, desk: Desk) -> None:
        definition, before = self.known(desk)
        state = "mistaken" if self.mistaken else "closed"
        if self.mistaken and before.fixed:
            raise WrongState(
                "The books posted {entry}: it is no mistake of the register.", field="mistaken", entry=self.entry,
                hint="Reverse the operation that posted it.",
            )  # fmt: skip
        if before.state == state:
            raise AlreadyExists(
                "Entry {entry} was closed on {day}.", field="entry", entry=self.entry, day=before.closed_on
            )
        after = before.model_copy(update={"state": state, "why": self.why, "closed_on": desk.business_day.isoformat()})
        desk.write(self.entry, after, about=about(definition, after.values))
        desk.note("Entry", self.entry)
