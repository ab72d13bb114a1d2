"""The bank's own registers: defined, entered, changed, closed, proven; and what each refuses."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coopbank.bank import records
from coopbank.bank.institution_registers import RegisterField, entries_of, read_value, shipped, value_faults
from coopbank.bank.operation import Receipt
from coopbank.bank.operations.registers import _TEMPLATES
from coopbank.bank.register_proof import RegisterProof
from coopbank.bank.verify import verify
from coopbank.errors import AlreadyExists, ImportRefused, InvalidValue, NotAllowed, OwnAccount, Unknown, WrongState
from coopbank.exchange.imports import import_file
from coopbank.exchange.register_rows import csv_of
from coopbank.ledger.verify import wrong
from coopbank.reports.register_book import newest_entries, register_book, registers
from coopbank.words import LANGUAGES, speaking
from tests.bank.conftest import begin
from tests.bank.support_counter import HOSTILE, refused
from tests.support_bank import SmallBank, assert_books, new_bank

TOOLS: dict[str, Any] = {
    "code": "TOOLS", "register_title": "Tool library",
    "fields": [
        "tool text required What was lent", "member member required To whom", "on date required When",
        "days number total For how many days", "deposit amount total Deposit",
        "state choice(good/worn/broken) How it came back", "note text personal What was said",
        "photo document Photograph", "paid yes-no Whether it is paid", "hours hours total Hours of use",
        "loan loan Loan that bought it",
    ],
    "dated_by": "on", "count_by": "state",
}  # fmt: skip
LENT = ["tool: A drill", "member: M0003", "on: 2026-03-01", "days: 3", "deposit: 20.00", "note: He is ill"]


def define(bank: SmallBank, **values: Any) -> Receipt:
    return bank.agreed("define-register", by=bank.tom, approver=bank.sue, **values)


def add(bank: SmallBank, code: str, values: Any, **more: Any) -> str:
    return bank.do("add-entry", register_code=code, values=values, **more).created[0]


def entry_of(bank: SmallBank, ref: str) -> records.RegisterEntry:
    with bank.read() as books:
        return books.get(records.RegisterEntry, ref)


@pytest.fixture
def tools(counter: SmallBank) -> SmallBank:
    define(counter, **TOOLS)
    return counter


# ------------------------------------------------------------------------------------- a whole life


def test_a_life_on_both_engines(engine_url: str) -> None:
    with new_bank(engine_url) as bank:
        begin(bank)
        define(bank, **TOOLS)
        ref = add(bank, "TOOLS", LENT)
        assert ref == "TOOLS-00001"
        body = entry_of(bank, ref)
        assert body.values["deposit"] == 2000 and body.values["days"] == "3" and set(body.values["note"]) == {"#"}
        bank.do("change-entry", entry=ref, values={"state": "worn", "days": "4.50", "deposit": ""}, why="came back")
        changed = entry_of(bank, ref)
        assert (changed.values["days"], changed.values["state"]) == ("4.5", "worn") and "deposit" not in changed.values
        bank.do("close-entry", entry=ref, why="returned")
        second = add(bank, "TOOLS", json.dumps({"tool": "A saw", "member": "M0002", "on": "2026-02-27", "hours": 2}))
        bank.agreed("close-entry", by=bank.ana, approver=bank.tom, entry=second, why="typed twice", mistaken=True)
        with bank.read() as books:
            told = register_book(books, "TOOLS")
            march = register_book(books, "TOOLS", date(2026, 3, 1), date(2026, 3, 31))
            assert [ref for ref, _body in entries_of(books, "TOOLS")] == [ref, second]
        assert [(row.entry, row.state, row.version) for row in told.entries] == [
            (ref, "closed", 3),
            (second, "mistaken", 2),
        ]
        assert told.entries[0].values[:4] == ("A drill", "M0003", "2026-03-01", "4.5")
        assert told.entries[0].values[6] == "(kept apart)"
        assert len(march.entries) == 1 and (march.summary.entries, march.summary.open) == (1, 0)
        assert [(total.field, total.total) for total in told.summary.totals] == [
            ("days", "4.5"), ("deposit", "0.00"), ("hours", "0")
        ]  # fmt: skip
        assert [(count.value, count.entries) for count in told.summary.counts] == [("worn", 1)]
        assert_books(bank)


def test_a_register_is_read_with_as_many_questions_however_many_entries(tools: SmallBank) -> None:
    def asked() -> int:
        statements: list[str] = []
        with tools.read() as books:
            driver = books.tx.connection.connection.dbapi_connection
            driver.set_trace_callback(statements.append)
            rows, older, summary = newest_entries(books, "TOOLS", 3)
            driver.set_trace_callback(None)
        assert [row.entry for row in rows] == [f"TOOLS-{n:05}" for n in range(max(1, count - 2), count + 1)]
        assert (older, summary.entries, rows[-1].version) == (max(0, count - 3), count, 2)
        return len(statements)

    count, found = 0, []
    for more in (2, 6):
        for _ in range(more):
            ref = add(tools, "TOOLS", LENT)
        tools.do("change-entry", entry=ref, values={"days": "4"}, why="came later")
        count += more
        found.append(asked())
    assert found[0] == found[1]


def test_every_shipped_register_can_be_kept(counter: SmallBank) -> None:
    assert set(shipped()) == set(_TEMPLATES)
    for code in _TEMPLATES:
        for definition in [shipped()[code]]:
            assert set(definition.title) == set(LANGUAGES)
            assert all(set(field.title) == set(LANGUAGES) for field in definition.fields)
        define(counter, template=code)
    with counter.read() as books, speaking("es"):
        titles = {row.register: row.title for row in registers(books).registers}
    assert titles["JOBS"] == "Empleos de los prestatarios"
    course = add(counter, "COURSES", ["course: Books for co-ops", "begins: 2026-03-10", "hours: 12"])
    add(counter, "ATTENDANCE", [f"course: {course}", "member: M0001", "on: 2026-03-10", "completed: yes"])
    refused(counter, Unknown, "add-entry", field="values.course", register_code="ATTENDANCE",
            values=["course: COURSES-00009", "member: M0001", "on: 2026-03-10"])  # fmt: skip
    with counter.read() as books:
        [count] = register_book(books, "ATTENDANCE").summary.counts
    assert (count.value, count.entries) == ("yes", 1)


def test_fields_are_added_and_retired_and_old_entries_keep_theirs(tools: SmallBank) -> None:
    ref = add(tools, "TOOLS", LENT)
    kept = [line for line in TOOLS["fields"] if not line.startswith("deposit")]
    define(tools, code="TOOLS", fields=[*kept, "place text Where it lies"])
    add(tools, "TOOLS", [*LENT[:4], "place: shelf 3"])
    refused(tools, InvalidValue, "add-entry", field="values.deposit", register_code="TOOLS", values=LENT)
    tools.do("change-entry", entry=ref, values=["place: shelf 4"], why="moved")
    assert entry_of(tools, ref).values["deposit"] == 2000 and entry_of(tools, ref).register_version == 2


def test_personal_values_are_forgotten_with_the_member(tools: SmallBank) -> None:
    ref = add(tools, "TOOLS", LENT)
    tools.do("change-entry", entry=ref, values={"note": "He is well again"}, why="he said so")
    with tools.read() as books:
        sealed = [text for (text,) in books.tx.rows("SELECT sealed FROM operation")]
        assert not any("He is" in text or ("A drill" in text and "add-entry" in text[:200]) for text in sealed[:0])
        assert not any("He is" in text for text in sealed)
    tools.do("change-member", member="M0003", status="left")
    tools.agreed("forget-member", by=tools.admin, approver=tools.tom, member="M0003", before_time=True)
    with tools.read() as books:
        values = [value for (value,) in books.tx.rows("SELECT value FROM personal WHERE value IS NOT NULL")]
        assert not any("He is" in value for value in values)
        assert register_book(books, "TOOLS", personal=True).entries[0].values[6] == "(forgotten)"
    assert_books(tools)


def test_the_same_request_again_is_the_same_entry(tools: SmallBank) -> None:
    first = tools.do("add-entry", key="k1", register_code="TOOLS", values=LENT)
    again = tools.do("add-entry", key="k1", register_code="TOOLS", values=dict(line.split(": ") for line in LENT))
    assert again.status == "repeated" and again.number == first.number


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(tools: SmallBank, text: str) -> None:
    values = {"tool": text, "member": "M0003", "on": "2026-03-01", "note": text}
    ref = add(tools, "TOOLS", values)
    assert entry_of(tools, ref).values["tool"] == text.strip()
    with tools.read() as books:
        assert register_book(books, "TOOLS", personal=True).entries[0].values[6] == text.strip()


# ------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (["a text One", "a text Two"], "stands twice"),
        (["a choice One"], "has its choices"),
        (["a text(x/y) One"], "has its choices"),
        (["a entry One"], "of which register"),
        (["a text total One"], "added up"),
        (["a amount personal One"], "kept apart"),
        (["a"], "Write a field"),
        (["A text One"], "Write a field"),
        (["a money One"], "Choose one of"),
    ],
)
def test_definitions_that_are_refused(counter: SmallBank, fields: list[str], says: str) -> None:
    refused(
        counter, InvalidValue, "define-register", counter.tom, says=says, code="X1", register_title="X", fields=fields
    )


def test_definitions_that_do_not_fit_are_refused(tools: SmallBank) -> None:
    tom = tools.tom
    refused(tools, InvalidValue, "define-register", tom, field="code")
    refused(tools, InvalidValue, "define-register", tom, field="code", code="low")
    refused(tools, InvalidValue, "define-register", tom, field="code", code="OTHER", template="JOBS")
    refused(tools, InvalidValue, "define-register", tom, field="fields", code="NEW", register_title="x")
    refused(tools, InvalidValue, "define-register", tom, field="register_title", code="NEW", fields=["a text A"])
    refused(tools, InvalidValue, "define-register", tom, field="code", **{**TOOLS, "code": "JOBS"})
    new: dict[str, Any] = {"code": "NEW", "register_title": "x", "fields": ["a text A"]}
    refused(tools, InvalidValue, "define-register", tom, field="dated_by", dated_by="a", **new)
    refused(tools, InvalidValue, "define-register", tom, field="count_by", count_by="zz", **new)
    refused(tools, InvalidValue, "define-register", tom, field="keepers", keepers=["king"], **new)
    refused(tools, Unknown, "define-register", tom, field="fields", **{**new, "fields": ["a entry(NONE) A"]})
    refused(tools, InvalidValue, "define-register", tom, field="fields", **TOOLS)
    changed = [line.replace("days number", "days text").replace(" total For", " For") for line in TOOLS["fields"]]
    refused(tools, InvalidValue, "define-register", tom, says="stays so", **{**TOOLS, "fields": changed})
    fewer = [line.replace("good/worn/broken", "good/worn") for line in TOOLS["fields"]]
    refused(tools, InvalidValue, "define-register", tom, says="keeps its choices", **{**TOOLS, "fields": fewer})
    define(tools, template="JOBS")
    refused(tools, InvalidValue, "define-register", tom, says="stays", code="JOBS", fields=["a text A"])
    define(tools, template="JOBS", fields=["remarks text personal Remarks"])


@pytest.mark.parametrize(
    ("line", "field", "error"),
    [
        ("member: M0999", "values.member", Unknown),
        ("member: Oto", "values.member", Unknown),
        ("on: 2026-02-30", "values.on", InvalidValue),
        ("on: tomorrow", "values.on", InvalidValue),
        ("days: -1", "values.days", InvalidValue),
        ("days: 1e9", "values.days", InvalidValue),
        ("days: NaN", "values.days", InvalidValue),
        ("days: 1_0", "values.days", InvalidValue),
        ("days: \u0661\u0662", "values.days", InvalidValue),
        ("days: 0.00001", "values.days", InvalidValue),
        ("deposit: 20,00", "values.deposit", InvalidValue),
        ("deposit: -1.00", "values.deposit", InvalidValue),
        ("deposit: 0.001", "values.deposit", InvalidValue),
        ("state: lost", "values.state", InvalidValue),
        ("photo: abc", "values.photo", InvalidValue),
        ("paid: maybe", "values.paid", InvalidValue),
        ("hours: 9000", "values.hours", InvalidValue),
        ("loan: L-099", "values.loan", Unknown),
        ("colour: red", "values.colour", InvalidValue),
        ("tool:", "values.tool", InvalidValue),
        ("no line", "values", InvalidValue),
    ],
)
def test_values_that_are_refused(tools: SmallBank, line: str, field: str, error: type[Any]) -> None:
    name = line.partition(":")[0]
    values = [each for each in LENT if not each.startswith(f"{name}:")] + [line]
    refused(tools, error, "add-entry", field=field, register_code="TOOLS", values=values)
    ref = add(tools, "TOOLS", LENT)
    refused(tools, error, "change-entry", field=field, entry=ref, values=[line], why="x")


def test_entries_that_are_refused(tools: SmallBank) -> None:
    refused(tools, Unknown, "add-entry", field="register_code", register_code="NONE", values=LENT)
    ref = add(tools, "TOOLS", LENT)
    refused(tools, Unknown, "change-entry", field="entry", entry="TOOLS-00009", values=LENT, why="x")
    refused(tools, Unknown, "close-entry", field="entry", entry="M0001", why="x")
    refused(tools, InvalidValue, "change-entry", field="values", entry=ref, values=LENT, why="x")
    refused(tools, InvalidValue, "change-entry", field="values", entry=ref, values=["a: 1", "a: 2"], why="x")
    for text in ('{"days": "1", "days": "2"}', '{"days": ' + "[" * 5000, '{"days": ' + "9" * 5000 + "}"):
        refused(tools, InvalidValue, "change-entry", field="values", entry=ref, values=text, why="x")
    tools.do("change-entry", entry=ref, values=["days: -0"], why="none")
    with tools.read() as books:
        assert dict(entries_of(books, "TOOLS"))[ref].values["days"] == "0"
    tools.do("close-entry", entry=ref, why="back")
    refused(tools, AlreadyExists, "close-entry", field="entry", entry=ref, why="back")
    tools.agreed("close-entry", entry=ref, why="never lent", mistaken=True)
    refused(tools, WrongState, "change-entry", field="entry", entry=ref, values=["days: 1"], why="x")
    define(tools, code="TOOLS", keepers=["treasurer"])
    refused(tools, NotAllowed, "add-entry", field="register_code", register_code="TOOLS", values=LENT)
    tools.do("add-entry", by=tools.tom, register_code="TOOLS", values=LENT)
    define(tools, code="TOOLS", ended=True)
    refused(tools, WrongState, "add-entry", tools.tom, field="register_code", register_code="TOOLS", values=LENT)


def test_nobody_enters_what_is_about_themselves(tools: SmallBank) -> None:
    tools.agreed("link-user", by=tools.admin, user="ana", member="M0003")
    with tools.read() as books:
        ana = books.actor_now("ana")
    refused(tools, OwnAccount, "add-entry", ana, register_code="TOOLS", values=LENT)
    ref = tools.do("add-entry", by=tools.tom, register_code="TOOLS", values=[*LENT, "member: M0002"][2:] + LENT[:1])
    with tools.read() as books:
        assert books.get(records.RegisterEntry, ref.created[0]).values["member"] == "M0002"
    refused(tools, OwnAccount, "change-entry", ana, entry=ref.created[0], values=["member: M0003"], why="x")


# ------------------------------------------------------------------------------------ in and out


def test_rows_come_in_all_or_none_and_go_out_safe(tools: SmallBank, tmp_path: Path) -> None:
    file = tmp_path / "tools.csv"
    file.write_text(
        "register,What was lent,To whom,When,days,deposit,What was said\n"
        "TOOLS,=1+1,M0003,2026-03-01,3,20.00,He is ill\ntools,A saw,M0002,2026-03-02,,,\n"
    )
    assert import_file(tools.bank, tools.ana, "entries", file).done == 2
    assert import_file(tools.bank, tools.ana, "entries", file).repeated == 2
    with tools.read() as books:
        told = csv_of(register_book(books, "TOOLS"))
    assert "'=1+1" in told and "He is" not in told and "(kept apart)" in told
    file.write_text(
        "register,tool,member,on,days\nTOOLS,A saw,M0003,2026-03-01,many\nNONE,x,M0003,2026-03-01,1\n"
        ",x,M0003,2026-03-01,1\nTOOLS,x,M0999,2026-03-01,1\n"
    )
    with pytest.raises(ImportRefused) as caught:
        import_file(tools.bank, tools.ana, "entries", file)
    found = {(fault["row"], fault["column"]) for fault in caught.value.faults}
    assert found == {(2, "days"), (3, "register"), (4, "register"), (5, "member")}
    with tools.read() as books:
        assert len(entries_of(books, "TOOLS")) == 2


# -------------------------------------------------------------------------------------------- proof


def test_verify_sees_an_entry_that_its_definition_does_not_let_be(
    tools: SmallBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(tools, "TOOLS", LENT)
    with monkeypatch.context() as patch:
        faults = RegisterProof._faults

        def other(self: RegisterProof, state: Any, ref: str, body: records.RegisterEntry) -> Any:
            return faults(self, state, ref, body.model_copy(update={"values": {**body.values, "days": "many"}}))

        patch.setattr(RegisterProof, "_faults", other)
        assert {each.check for each in wrong(verify(tools.bank.database))} == {"institution registers"}


@given(st.data())
@settings(suppress_health_check=list(HealthCheck))
def test_what_is_read_is_what_verify_accepts(data: st.DataObject) -> None:
    """Whatever is typed is refused in words, or is kept as a value that verify accepts and that reads as itself."""
    kind = data.draw(st.sampled_from(["text", "date", "amount", "number", "hours", "choice", "yes-no", "document"]))
    field = RegisterField(name="f", type=kind, title={"en": "F"}, choices=["a", "b"] if kind == "choice" else [])
    raw = data.draw(st.one_of(
        st.text(max_size=20), st.booleans(), st.integers(-5, 10**12), st.sampled_from(["a", "yes", "12.50", "ab" * 32]),
        st.dates().map(str), st.decimals(allow_nan=True, places=3).map(str),
    ))  # fmt: skip
    try:
        value = read_value(field, raw)
    except InvalidValue as refusal:
        assert refusal.field == "values.f" and str(refusal)
        return
    assert value_faults(field, value) is None
