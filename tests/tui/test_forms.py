"""Forms from the catalogue: which fields, and what people may type in them."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from textwrap import wrap

import pytest
from rich.cells import cell_len

import coopbank.bank.bank  # noqa: F401  (fills the catalogue)
from coopbank.bank.operation import CATALOGUE, build
from coopbank.errors import CoopbankError, InvalidDate, InvalidValue
from coopbank.tui.choices import codes_of, meaning
from coopbank.tui.forms import FieldSpec, fields_of, read_day, read_field, read_form
from coopbank.tui.queries import answered
from coopbank.tui.screens.entry import EntryScreen
from coopbank.tui.screens.help import what_to_type
from coopbank.tui.screens.home import HomeScreen
from coopbank.tui.screens.more import subject_of
from coopbank.tui.session import says
from coopbank.tui.show import cut, giving_way, neat, right
from coopbank.tui.widgets.fields import RESTRICT
from coopbank.tui.widgets.inputs import Choice
from coopbank.words import LANGUAGES, speaking, translate
from tests.tui.support import counter

THURSDAY = date(2026, 3, 5)
OFFERED = sorted(name for name, cls in CATALOGUE.items() if not cls.internal)


@pytest.mark.parametrize("name", OFFERED)
def test_every_operation_makes_a_form(name: str) -> None:
    specs = fields_of(CATALOGUE[name], "USD")
    assert {spec.name for spec in specs} == set(CATALOGUE[name].model_fields)
    assert [spec.required for spec in specs] == sorted((spec.required for spec in specs), reverse=True)
    for spec in specs:
        assert spec.label
        assert spec.kind in (
            "money",
            "day",
            "choice",
            "yes-no",
            "number",
            "rate",
            "text",
            "ref",
            "lines",
            "json",
            "pieces",
        ), spec


@pytest.mark.parametrize("name", OFFERED)
def test_what_a_form_proposes_is_what_the_operation_means(name: str) -> None:
    specs = fields_of(CATALOGUE[name], "USD")
    values, faults = read_form(specs, {spec.name: spec.default for spec in specs}, "USD", THURSDAY)
    assert set(faults) <= {spec.name for spec in specs if spec.required}
    for spec in specs:
        if spec.name in values and not spec.required:
            assert values[spec.name] not in ("", None)


def test_a_choice_is_shown_in_words_and_gives_its_code() -> None:
    """`dollar-unit` and `751` are no words for a volunteer."""
    for spec in (spec for name in OFFERED for spec in fields_of(CATALOGUE[name], "USD")):
        for code, shown in spec.choices:
            assert shown and (spec.name == "day_count" or not re.search("[-_0-9]", code) or shown != code), spec
        if spec.kind == "choice":
            given = {code: read_field(spec, code, "USD", THURSDAY) for code, _shown in spec.choices if code}
            assert all(code == value for code, value in given.items())


def test_codes_that_are_typed_are_offered_with_what_they_mean() -> None:
    listed = {}
    for name in OFFERED:
        for spec in fields_of(CATALOGUE[name], "USD"):
            if (known := codes_of(spec.ref)) is not None:
                listed[spec.ref] = known
                assert known and all(known.values()) and spec.kind == "ref" and not spec.hint
    assert set(listed) == {
        "decline-reason", "payment-part", "policy-name", "operation-name", "role-name", "expense-account",
        "income-account",
    }  # fmt: skip
    reasons = listed["decline-reason"]
    assert meaning("decline-reason", "plan, no-funds") == f"{reasons['plan']} · {reasons['no-funds']}"
    assert meaning("decline-reason", "plan, <b>") == meaning("decline-reason", "") == meaning("drawer", "D1") == ""
    with speaking("es"):
        assert (codes_of("role-name") or {})["teller"] == "cajero"


async def test_f2_chooses_a_code_by_what_it_means(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        hand.app.fill_in("pay-expense")
        await hand.on(EntryScreen)
        await hand.quiet()
        row = next(row for row in hand.app.screen.rows if row.spec.name == "expense")  # type: ignore[attr-defined]
        row.control.focus()
        await hand.press("f2")
        await hand.type("outside")
        await hand.see("› 290")
        await hand.press("enter")
        await hand.until(lambda: row.value == "290")
        await hand.see("Outside services")
        await hand.type("9")
        assert not row.understood()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_title_is_cut_in_the_list_of_everything(language: str) -> None:
    """At 80 columns a third of the Spanish ones ended in "…"; what each does stands whole below the list."""
    room = 76 - 4 - len("› ") - 14 - 1
    with speaking(language):
        for cls in (CATALOGUE[name] for name in OFFERED):
            assert cell_len(translate(cls.title)) <= room, translate(cls.title)
            assert cell_len(translate(subject_of(cls.subject))) <= 14
            assert len(wrap(translate(says(cls)), 68)) <= 4, translate(says(cls))


@pytest.mark.parametrize("value", [["290"], {"a": 1}, [["teller"], {"a": 1}, None], None, 290, "[red]<b>", "\u202e"])
def test_a_code_that_is_of_no_kind_any_more_is_shown_all_the_same(value: object) -> None:
    """A request of older books, or of damaged ones, may hold anything where a form now has a code."""
    for name in ("set-role", "add-user", "spend-gift", "decline-application"):
        for spec in fields_of(CATALOGUE[name], "USD"):
            assert isinstance(answered(spec, value), str)


def test_what_may_be_left_as_it_is_is_not_answered_with_no() -> None:
    """A class whose redemptions queue was taken out of the queue by whoever changed its rate."""
    queue = next(spec for spec in fields_of(CATALOGUE["set-share-class"], "USD") if spec.name == "queue")
    assert [code for code, _shown in queue.choices] == ["", "no", "yes"] and queue.default == ""
    assert [read_field(queue, typed, "USD", THURSDAY) for typed in ("", "no", "yes")] == [None, False, True]


def deposit(**typed: str) -> tuple[dict[str, object], dict[str, CoopbankError]]:
    return read_form(fields_of(CATALOGUE["deposit"], "USD"), {"member": "M0001", **typed}, "USD", THURSDAY)


def test_a_form_becomes_a_request() -> None:
    values, faults = deposit(amount="$1,250.5", tender="cheque", cheque_number="311", cheque_date="t", memo=" rent ")
    assert not faults
    assert build("deposit", values).document() == {
        "member": "M0001", "amount": "1250.50", "tender": "cheque", "cheque_number": "311",
        "cheque_date": "2026-03-05", "memo": "rent",
    }  # fmt: skip


def test_fields_that_do_not_matter_are_left_out() -> None:
    values, _faults = deposit(amount="5", tender="cash", cheque_number="311", bank_account="FIRST")
    assert set(values) == {"member", "amount", "tender"}
    withdraw = {spec.name: spec for spec in fields_of(CATALOGUE["withdraw"], "USD")}
    assert withdraw["cheque_number"].relevant({"tender": "transfer"})
    assert not withdraw["cheque_number"].relevant({"tender": "cash"})


@pytest.mark.parametrize("typed", ["", "12,50", "1.250,00", "five", "1e3", "0x10", "12.345", "٣"])
def test_amounts_that_cannot_be_read_are_refused_at_their_field(typed: str) -> None:
    _values, faults = deposit(amount=typed)
    assert list(faults) == ["amount"]
    assert faults["amount"].field == "amount"


@pytest.mark.parametrize(
    ("typed", "day"),
    [("t", "2026-03-05"), ("T", "2026-03-05"), ("Today", "2026-03-05"), ("2024/2/29", "2024-02-29"),
     ("2026.3.2", "2026-03-02"), ("2026-3-2", "2026-03-02"),
     ("+7", "2026-03-12"), ("-5", "2026-02-28"), ("20240229", "2024-02-29"),
     ("2024-02-29", "2024-02-29"), ("0302", "2026-03-02"),
     *((typed, "2026-03-02") for typed in (
         "2 March", "2 mar 2026", "Mar 2, 2026", "march 2", "2-Mar-2026", "2 de marzo", "2 de marzo de 2026", "02 MAR.",
     )),
     ("1 sept 2025", "2025-09-01"), ("3 set", "2026-09-03"), ("5 de mayo del 2026", "2026-05-05"),
     ("15 ago", "2026-08-15"), ("1 ene", "2026-01-01"), ("31 dec", "2026-12-31"), ("31 Dic 2025", "2025-12-31"),
     ("ayer", "2026-03-04"), ("yesterday", "2026-03-04"), ("mañana", "2026-03-06"), ("Tomorrow", "2026-03-06")],
)  # fmt: skip
def test_days_as_people_type_them(typed: str, day: str) -> None:
    assert read_day(typed, THURSDAY) == date.fromisoformat(day)
    assert re.fullmatch(RESTRICT["day"], typed), "the field takes each of its characters"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        *((typed, "can be read in more than one way") for typed in ("3/2", "2/3/2026", "3.2.26", "1", "31", "260302")),
        *((typed, "There is no such day") for typed in ("20260230", "0230", "2026-13-01", "2026", "00000000")),
        *((typed, "There is no such day") for typed in ("31 abr", "0 may")),
        *((typed, "lead out of the calendar") for typed in ("+9999999", "-999999", "+" + "9" * 10_000)),
        *((typed, "is not a day") for typed in ("2 Ma", "Mar", "Mar 2026", "2 marcha", "marzo de 2026", "٢ mar")),
        *((typed, "is not a day") for typed in (
            "", "31 nonsense", "2 mar 26", "٢٠٢٦٠٣٠٢", "2026–03–02", "<b>1</b>", "[red]1", "=1+1",
            "+", "-", "+٧", "x" * 10_000, "🏦", "\u202e0302", "3\n2",
        )),
    ],
)  # fmt: skip
def test_what_is_no_day_is_refused_as_what_it_is(typed: str, said: str) -> None:
    with pytest.raises(InvalidDate) as refused:
        read_day(typed, THURSDAY, "joined_on")
    assert refused.value.field == "joined_on"
    assert said in refused.value.message and "2026-03-05" in (refused.value.hint or "")
    assert len(refused.value.message) < 90 and neat(refused.value.message) == refused.value.message


@pytest.mark.parametrize(
    ("typed", "said"),
    [("5.0", "not a whole number"), ("-5", "not a whole number"), ("1e3", "not a whole number"), ("٥", "not a whole"),
     ("31 nonsense", "not a whole number"), ("1234567890", "too large"), ("9" * 10_000, "too large")],
)  # fmt: skip
def test_what_is_no_number_is_refused_as_what_it_is(typed: str, said: str) -> None:
    with pytest.raises(InvalidValue, match=said) as refused:
        read_field(FieldSpec("n", "N", "", "number", required=True, default=""), typed, "USD", THURSDAY)
    assert refused.value.field == "n" and len(refused.value.message) < 90


def test_an_amount_with_digits_too_many_is_refused_where_it_is_typed() -> None:
    assert deposit(amount="1000000000000")[0]["amount"] == "1000000000000.00"
    _values, faults = deposit(amount="1000000000000.01")
    assert "1,000,000,000,000.00" in (faults["amount"].hint or "")


def test_several_are_written_with_commas() -> None:
    spec = next(spec for spec in fields_of(CATALOGUE["bank-cheques"], "USD") if spec.name == "cheques")
    assert read_field(spec, "CH-00001, CH-00002 CH-00003,", "USD", THURSDAY) == ["CH-00001", "CH-00002", "CH-00003"]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("{", "not JSON"),
        ("[" * 50_000, "too deeply"),
        ('{"fund": "GEN", "fund": "RLF"}', "twice"),
        ("[1e9]", "exponent"),
    ],
)
def test_json_that_is_none_is_refused(typed: str, says: str) -> None:
    spec = FieldSpec("terms", "Terms", "", "json", required=True, default="")
    with pytest.raises(CoopbankError, match=says) as refused:
        read_field(spec, typed, "USD", THURSDAY)
    assert refused.value.field == "terms"


# ------------------------------------------------------------------------------------- texts on a line


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Ada", "Ada"), ("Núñez", "Núñez"), ("[red]x[/red]", "[red]x[/red]"), ("a\nb\tc", "a b c"),
     ("\u202eevil", "\ufffdevil"), ("x\u200by", "x\ufffdy"), ("\x1b[31m", "\ufffd[31m"), ("\x00", "\ufffd")],
)  # fmt: skip
def test_texts_are_made_harmless_and_nothing_else(text: str, shown: str) -> None:
    assert neat(text) == shown


def test_texts_fill_their_cells_exactly() -> None:
    assert cut("abcdef", 4) == "abc…"
    assert cut("ab", 4) == "ab  "
    assert cut("日本語", 4) == "日… "
    assert right("12.00", 8) == "   12.00"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_fields_of_a_form_have_one_label(language: str) -> None:
    """What stands after a comma is only a hint, gone once the field is filled: "Quorum 0" stood above "Quorum 2"."""
    with speaking(language):
        twice = {
            name: [label for label, count in Counter(spec.label for spec in fields_of(cls, "USD")).items() if count > 1]
            for name, cls in CATALOGUE.items()
        }
    assert {name: labels for name, labels in twice.items() if labels} == {}


async def test_what_is_called_as_it_was_typed_comes_first(book: str) -> None:
    """Typing "decisions" and Enter made a body: it is a subject of many operations, and one place."""
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.press("f10")
        await hand.type("decisions")
        await hand.quiet()
        assert hand.app.screen.rows.chosen.name == "decisions"  # type: ignore[attr-defined]


async def test_a_form_that_nobody_touched_is_left_without_a_question(book: str) -> None:
    """A choice stands on its first option: that was taken for something typed."""
    async with counter(book) as hand:
        await hand.sign_in("ana")
        hand.app.fill_in("open-poll")
        await hand.on(EntryScreen)
        await hand.quiet()
        assert any(isinstance(row.control, Choice) and row.value for row in hand.app.screen.rows)  # type: ignore[attr-defined]
        await hand.press("escape")
        await hand.on(HomeScreen)
        hand.app.fill_in("open-poll")
        await hand.on(EntryScreen)
        await hand.quiet()
        choice = next(row.control for row in hand.app.screen.rows if isinstance(row.control, Choice))  # type: ignore[attr-defined]
        choice.focus()
        await hand.press("right")
        await hand.press("escape")
        await hand.see("Leave this form?")


def test_a_long_name_gives_way_to_the_numbers_behind_it() -> None:
    long, number = "Zoë of the very long name of all the members\nand one more line", "M0061"
    assert giving_way(["Ada Tate", number], 60) == ["Ada Tate", number]
    for parts in ([long, number], [long, number, "L-001 " + "x" * 80]):
        shown = giving_way(parts, 60)
        assert shown[1:] == parts[1:] and cell_len(shown[0]) < cell_len(long) and shown[0].endswith("…")
    assert cell_len(" · ".join(giving_way([long, number], 60))) == 60


def test_what_a_label_says_besides_keeps_its_brackets_whole() -> None:
    hints = {spec.hint for cls in CATALOGUE.values() for spec in fields_of(cls, "USD")}
    assert {"if it has one (G-07)", "percent of the surplus"} <= hints
    assert not [hint for hint in hints if hint.count("(") != hint.count(")")]


@pytest.mark.parametrize(("name", "field", "example"), [
    ("close-month", "month", "2026-03"), ("credit-interest", "quarter", "2026-Q2"),
])  # fmt: skip
def test_help_says_how_a_month_and_a_quarter_are_written(name: str, field: str, example: str) -> None:
    (spec,) = [spec for spec in fields_of(CATALOGUE[name], "USD") if spec.name == field]
    assert example in what_to_type(spec)
