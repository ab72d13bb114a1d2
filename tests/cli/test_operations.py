"""Doing operations from the command line, and the refusals that a script may meet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from coopbank.cli import fields
from tests.cli.conftest import Run, kinds_in, operations_in, program

ANA, TOM = ("--as", "ana"), ("--as", "tom")


def test_the_catalogue_lists_what_doors_offer(run: Run, folder: Path) -> None:
    listed = run("operations", "--json").document["operations"]
    assert {each["name"] for each in listed} == {operation.name for operation in fields.offered()}
    assert {"deposit", "approve", "reverse"} <= {each["name"] for each in listed}
    assert not {"found-book", "sign-in", "ask"} & {each["name"] for each in listed}
    shown = run("operations").out
    for each in listed:
        assert each["title"] and each["help"] and each["roles"]
        assert f"  {each['name']} " in shown


@pytest.mark.parametrize("operation", [each.name for each in fields.offered()])
def test_every_operation_shows_its_fields_and_schema(run: Run, folder: Path, operation: str) -> None:
    found = run("operations", operation, "--json").document
    assert [field["name"] for field in found["fields"]] == list(found["schema"]["properties"] or [])
    required = {field["name"] for field in found["fields"] if field["required"]}
    assert required == set(found["schema"].get("required", []))
    shown = run("do", operation, "--help").out
    assert all(field["option"] in shown for field in found["fields"])


def test_no_field_stands_in_the_way_of_an_option() -> None:
    """`do` has options of its own; a field of such a name could not be given."""
    taken = {"db", "as", "json", "key", "dry_run", "help"}
    assert not [(op.name, name) for op in fields.offered() for name in op.model_fields if name in taken]


def test_a_deposit_prints_its_receipt_for_people(run: Run, books: Path) -> None:
    answer = run(*ANA, "do", "deposit", "--member", "M0001", "--amount", "20.00", "--memo", "[red]=1+1[/red]")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    number = operations_in(books)
    assert lines[0] == f"Done: Pay into savings, operation {number}"
    assert "By                 ana" in lines
    assert "New balance        170.00" in lines
    assert any(line.startswith("Entry ") and line.endswith("Deposit M0001: [red]=1+1[/red]") for line in lines)
    credited = next(line for line in lines if "905/M0001" in line)
    assert credited.rstrip().endswith("20.00")
    drawer = next(line for line in lines if "739/D1" in line)
    assert drawer.index("20.00") < credited.index("20.00"), "debits stand left of credits"


def test_the_same_receipt_for_programs(run: Run, books: Path) -> None:
    values = ("--member", "M0001", "--amount", "20.00", "--key", "slip 12")
    done = run("do", "deposit", *values, "--json", *ANA).document
    assert (done["status"], done["number"], done["operation"]) == ("done", operations_in(books), "deposit")
    assert done["actor"] == "ana" and done["approver"] is None and done["created"] == []
    assert done["business_date"] == "2026-03-02"
    lines = {(line["fund"], line["account"]): line["amount"] for line in done["entries"][0]["lines"]}
    assert lines == {
        ("POOL", "739/D1"): "20.00", ("POOL", "879/GEN"): "-20.00",
        ("GEN", "729"): "20.00", ("GEN", "905/M0001"): "-20.00",
    }  # fmt: skip
    effect = next(each for each in done["effects"] if each["account"] == "905/M0001")
    assert (effect["before"], effect["after"]) == ("-150.00", "-170.00")
    assert {"label": "New balance", "value": "170.00"} in done["notes"]
    again = run("do", "deposit", *values, "--json", *ANA).document
    assert again["status"] == "repeated"
    assert {k: again[k] for k in ("number", "entries", "head")} == {k: done[k] for k in ("number", "entries", "head")}
    assert operations_in(books) == done["number"]


def test_a_key_with_another_payload_is_refused(run: Run, books: Path) -> None:
    first = run("do", "deposit", "--member", "M0001", "--amount", "20.00", "--key", "k", "--json", *ANA).document
    other = run("do", "deposit", "--member", "M0001", "--amount", "20.01", "--key", "k", "--json", *ANA)
    assert (other.code, other.error["code"], other.error["field"]) == (1, "key-reused", "key")
    assert str(first["number"]) in other.error["message"]


def test_what_waits_for_a_second_person_is_done_by_approving(run: Run, books: Path) -> None:
    asked = run("do", "redeem-shares", "--member", "M0001", "--amount", "25.00", "--json", *ANA)
    assert asked.code == 0
    assert (asked.document["status"], asked.document["entries"] != []) == ("pending", False)
    request = asked.document["request"]
    assert request == "R-00004"
    listed = run("pending", "--json").document["requests"]
    assert [each["request"] for each in listed] == ["R-00003", request]
    assert listed[1]["fields"]["amount"] == "25.00" and listed[1]["asked_by"] == "ana"
    assert request in run("pending").out

    own = run("approve", request, "--json", *ANA)
    assert (own.code, own.error["code"]) == (1, "own-request")
    approved = run("approve", request, "--json", *TOM).document
    assert approved["status"] == "done"
    (then,) = approved["then"]
    assert (then["operation"], then["actor"], then["approver"]) == ("redeem-shares", "ana", "tom")
    assert run("approve", request, *TOM).code == 1


def test_refusing_and_taking_back(run: Run, books: Path) -> None:
    assert run("refuse", "R-00003", *TOM).code == 2
    refused = run("refuse", "R-00003", "--why", "not <b>now</b>", *TOM)
    assert refused.code == 0, refused.err
    assert run("pending", "--json").document == {"requests": []}
    assert run("pending").err == "Nothing waits for a second person.\n"
    run("do", "redeem-shares", "--member", "M0001", "--amount", "25.00", *ANA)
    assert run("take-back", "R-00004", *TOM).code == 1
    assert run("take-back", "R-00004", *ANA).code == 0
    assert run("take-back", "R-99999", *ANA).code == 1


def test_a_preview_writes_nothing(run: Run, books: Path) -> None:
    before = operations_in(books)
    shown = run("do", "deposit", "--member", "M0001", "--amount", "20.00", "--dry-run", "--json", *ANA).document
    assert (shown["status"], shown["number"], shown["head"]) == ("preview", None, None)
    assert len(shown["entries"][0]["lines"]) == 4
    assert "Nothing was changed" in run("do", "deposit", "--member", "M0001", "--amount", "20", "--dry-run", *ANA).out
    assert operations_in(books) == before


# ----------------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("operation", "words", "values"),
    [
        ("deposit", ["--member", "M1", "--amount=-5"], {"member": "M1", "amount": "-5"}),
        ("deposit", ["--amount", "-5.00", "--memo=--json"], {"amount": "-5.00", "memo": "--json"}),
        ("deposit", ["--cheque-number", "7", "--cheque_date", ""], {"cheque_number": "7", "cheque_date": ""}),
        ("redeem-shares", ["--subscription", "--amount", "1"], {"subscription": True, "amount": "1"}),
        ("redeem-shares", ["--subscription", "no"], {"subscription": "no"}),
        ("add-user", ["--user-roles", "teller", "--user-roles", "auditor"], {"user_roles": ["teller", "auditor"]}),
        ("add-user", ["--user-roles", '["teller", "auditor"]'], {"user_roles": ["teller", "auditor"]}),
        ("grant-loan", ["--every", '{"weeks": 2}'], {"every": {"weeks": 2}}),
        ("grant-loan", ["--every", "1 month"], {"every": "1 month"}),
        ("grant-loan", ["--purpose", '{"a": 1}'], {"purpose": '{"a": 1}'}),
        ("journal-entry", ["--lines", "GEN 931 Dr 1.00", "--lines", '{"fund": "GEN"}'],
         {"lines": ["GEN 931 Dr 1.00", {"fund": "GEN"}]}),
    ],
)  # fmt: skip
def test_what_options_say(operation: str, words: list[str], values: dict[str, Any]) -> None:
    assert fields.from_options(fields.named(operation), words) == values


@pytest.mark.parametrize(
    ("words", "code", "field", "says"),
    [
        (["deposit", "--member", "M0099", "--amount", "1.00"], 1, "member", "no member M0099"),
        (["deposit", "--member", "M0001", "--amount", "-5.00"], 1, "amount", "more than zero"),
        (["deposit", "--member", "M0001", "--amount", "0"], 1, "amount", "more than zero"),
        (["deposit", "--member", "M0001", "--amount", "1.005"], 1, "amount", "smaller than the smallest unit"),
        (["deposit", "--member", "M0001", "--amount", "1,50"], 1, "amount", "not an amount"),
        (["deposit", "--member", "M0001", "--amount", "1e3"], 1, "amount", "not an amount"),
        (["deposit", "--member", "M0001", "--amount", "9" * 400], 1, "amount", "not an amount"),
        (["withdraw", "--member", "M0001", "--amount", "150.01"], 1, "amount", "150.00"),
        (["open-day"], 1, "date", "still open"),
        (["deposit", "--member", "M0001", "--amount", "1.00", "--memo", "x" * 10_000], 1, "memo", "500"),
        (["deposit", "--member", "M0001", "--amount", "1.00", "--memo", "\x1b[2J"], 1, "memo", "cannot be printed"),
        (["admit-member", "--member-name", "Cy", "--entity", "robot"], 1, "entity", "person"),
        (["deposit", "--member", "M0001"], 2, "amount", "needs --amount"),
        (["deposit", "--amount", "1.00", "--membr", "M0001"], 2, "membr", "Did you mean --member?"),
        (["deposit", "--member", "M0001", "--amount"], 2, "amount", "has no value"),
        (["deposit", "--amount", "1", "--amount", "2"], 2, "amount", "given twice"),
        (["deposit", "M0001"], 2, None, "no field in front of it"),
        (["add-user", "--user-roles", '["teller"'], 2, "user_roles", "not JSON"),
        (["deposet", "--member", "M0001"], 2, "operation", "Did you mean deposit?"),
        (["found-book", "--bank-name", "X"], 2, "operation", "no operation called"),
        (["ask", "--operation", "deposit"], 2, "operation", "no operation called"),
        (["add-user", "--user", "x", "--full-name", "X", "--user-roles", "teller"], 1, "operation", "may not do this"),
    ],
)  # fmt: skip
def test_bad_input_is_named_and_changes_nothing(
    run: Run, books: Path, words: list[str], code: int, field: str | None, says: str
) -> None:
    before = [kind for kind in kinds_in(books) if kind not in ("log-refusal", "sign-in")]
    people = run(*ANA, "do", *words)
    assert (people.code, people.out) == (code, "")
    assert people.err.startswith("coopbank: ") and people.err.count("\n") == 1
    assert says in people.err
    programs = run(*ANA, "do", *words, "--json")
    assert (programs.code, programs.error["field"], programs.err) == (code, field, "")
    assert [kind for kind in kinds_in(books) if kind not in ("log-refusal", "sign-in")] == before
    if code == 2:
        assert len(before) == operations_in(books), "what is not well formed is not even a refusal"


def test_a_refusal_to_a_signed_in_person_is_kept(run: Run, books: Path) -> None:
    run(*ANA, "do", "withdraw", "--member", "M0001", "--amount", "999.00")
    assert kinds_in(books)[-1] == "log-refusal"


# -------------------------------------------------------------------------------- documents


def written(folder: Path, content: Any, name: str = "do.json") -> str:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


def deposit(amount: str, **more: Any) -> dict[str, Any]:
    return {"operation": "deposit", "member": "M0001", "amount": amount, **more}


def test_a_list_is_done_in_one_transaction(run: Run, books: Path, folder: Path) -> None:
    file = written(folder, [deposit("1.00", key="a"), deposit("2.00")])
    found = run(*ANA, "do", "--json", file)
    assert (found.code, found.document["status"]) == (0, "done")
    first, second = found.document["receipts"]
    assert second["number"] == first["number"] + 1
    assert found.document["head"] == second["head"]
    again = run(*ANA, "do", "--json", file).document
    assert [each["status"] for each in again["receipts"]] == ["repeated", "done"]


def test_of_a_list_with_a_fault_nothing_is_done(run: Run, books: Path, folder: Path) -> None:
    before = operations_in(books)
    wrong = run(*ANA, "do", "--json", written(folder, [deposit("1.00"), deposit("1.005"), deposit("2.00")]))
    assert (wrong.code, wrong.error["index"], wrong.error["field"]) == (1, 2, "amount")
    assert operations_in(books) == before
    rule = [deposit("1.00"), {"operation": "withdraw", "member": "M0001", "amount": "500.00"}]
    refused = run(*ANA, "do", "--json", written(folder, rule))
    assert (refused.code, refused.error["code"], refused.error["index"]) == (1, "overdrawn", 2)
    assert kinds_in(books)[before:] == ["sign-in", "log-refusal"]


def test_a_list_can_be_previewed_each_upon_those_before_it(run: Run, books: Path, folder: Path) -> None:
    before = operations_in(books)
    file = written(folder, [deposit("10.00"), {"operation": "withdraw", "member": "M0001", "amount": "160.00"}])
    found = run(*ANA, "do", "--json", file, "--dry-run").document
    assert (found["status"], [each["status"] for each in found["receipts"]]) == ("preview", ["preview", "preview"])
    assert operations_in(books) == before


def test_one_object_answers_with_one_receipt(run: Run, books: Path, folder: Path) -> None:
    found = run(*ANA, "do", "--json", written(folder, deposit("1.00", key="b"))).document
    assert (found["status"], found["operation"]) == ("done", "deposit")
    again = run(*ANA, "do", "--key", "b", f"--json={written(folder, deposit('1.00'))}").document
    assert (again["status"], again["number"]) == ("repeated", found["number"])


def test_fields_named_like_the_document_s_own_words_stand_apart(run: Run, books: Path, folder: Path) -> None:
    number = run(*ANA, "do", "deposit", "--member", "M0001", "--amount", "3.00", "--json").document["number"]
    document = {"operation": "reverse", "fields": {"operation": number, "reason": "typed twice"}}
    found = run(*ANA, "do", "--json", written(folder, document))
    assert found.code == 0, found.out
    by_option = run(*ANA, "do", "reverse", "--operation", str(number), "--reason", "x", "--json")
    assert by_option.code in (0, 1)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "not JSON"), ("{", "not JSON"), ("[" * 100_000, "nested too deeply"), ("[]", "The list is empty"),
        ("3", "a JSON object that says which"), ('["deposit"]', "a JSON object that says which"),
        ('{"member": "M0001"}', "a JSON object that says which"), ('{"operation": 5}', "a JSON object that says which"),
        ('{"operation": "deposit", "operation": "withdraw"}', "'operation' is given twice"),
        ('{"operation": "deposit", "amount": NaN}', "NaN is not a number"),
        ('{"operation": "deposit", "member": "M0001"}', "needs --amount"),
        ('{"operation": "deposit", "member": "M0001", "amount": "1", "x": 1}', "no field 'x'"),
        ('{"operation": "open-day", "key": 5}', "A key is a text"),
        ('{"operation": "nothing"}', "no operation called"),
        ("9" * 5000, "cannot be read"),
    ],
)  # fmt: skip
def test_a_document_that_is_not_well_formed_is_refused(
    run: Run, books: Path, folder: Path, content: str, says: str
) -> None:
    answer = run(*ANA, "do", "--json", written(folder, content))
    assert answer.code == 2
    assert says in answer.error["message"]


def test_an_amount_as_a_json_number_is_refused(run: Run, books: Path, folder: Path) -> None:
    answer = run(*ANA, "do", "--json", written(folder, '{"operation": "deposit", "member": "M0001", "amount": 1.50}'))
    assert (answer.code, answer.error["field"]) == (1, "amount")
    assert "as text" in answer.error["message"]


def test_files_that_cannot_be_read(run: Run, books: Path, folder: Path) -> None:
    (folder / "latin.json").write_bytes('{"operation": "José"}'.encode("latin-1"))
    for name, says in (("none.json", "no file"), (".", "cannot be read"), ("latin.json", "not text in UTF-8")):
        answer = run(*ANA, "do", "--json", name)
        assert answer.code == 2
        assert says in answer.error["message"]


def test_a_document_comes_through_a_pipe(books: Path) -> None:
    import subprocess

    from tests.cli.conftest import PROGRAM

    done = subprocess.run(
        [PROGRAM, "--as", "ana", "do", "--json", "-"], input=json.dumps(deposit("1.00")),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "done"
    assert program("--as", "ana", "do", "--json", "-").code == 2


# ------------------------------------------------------------------------------------ closes


def test_closing_the_day_and_what_is_refused_then(run: Run, books: Path) -> None:
    still = run("close", "day", *ANA)
    assert (still.code, "D1" in still.err) == (1, True)
    held = run("accounts", "739/D1", "--json").document["accounts"][0]["balance"]
    assert run("do", "close-drawer", "--drawer", "D1", "--counted", held, *ANA).code == 0
    other = run("close", "day", "--date", "2026-03-05", "--json", *ANA)
    assert (other.code, other.error["code"], other.error["field"]) == (1, "day-closed", "date")
    assert run("close", "day", "--date", "2026-03-02", *ANA).code == 0
    closed = run("do", "deposit", "--member", "M0001", "--amount", "1.00", "--tender", "transfer", "--json", *ANA)
    assert (closed.code, closed.error["code"]) == (1, "day-closed")
    month = run("close", "month", "--date", "2026-03-31", "--json", *TOM)
    assert (month.code, month.error["code"], month.error["field"]) == (1, "wrong-state", "month")
    assert run("close", "year", *TOM).code in (1, 2)
    reopened = run("reopen", "2026-02", "--why", "late bill", "--json", *TOM)
    assert (reopened.code, reopened.error["code"]) == (1, "wrong-state")


def test_the_last_month_that_is_over_is_closed_when_none_is_named(run: Run, books: Path) -> None:
    answer = run("close", "month", "--dry-run", *TOM)
    assert answer.code == 2, "only `do` previews"
    asked = run("close", "month", "--json", *TOM)
    assert asked.code == 0, asked.out
    assert asked.document["status"] == "pending"
    assert run("pending", "--json").document["requests"][-1]["fields"] == {"month": "2026-02"}


def test_of_a_script_s_commands_the_first_of_a_day_is_sealed_as_a_sign_in(run: Run, books: Path) -> None:
    def did(*words: str) -> list[str]:
        before = operations_in(books)
        run(*ANA, *words)
        return kinds_in(books)[before:]

    pay_in = ("do", "deposit", "--member", "M0001", "--amount", "1.00")
    assert did(*pay_in, "--dry-run") == []
    assert did("do", "deposit", "--amount", "1.00") == []
    assert did(*pay_in) == ["sign-in", "deposit"]
    assert did(*pay_in) == ["deposit"]
