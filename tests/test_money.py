"""Money: text in and out, one rounding, and splits that lose nothing."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.errors import InvalidAmount, InvalidValue
from coopbank.money import (
    LARGEST_AMOUNT,
    currency,
    format_amount,
    parse_amount,
    parse_typed,
    round_minor,
    round_ratio,
    split,
)

CODES = st.sampled_from(["USD", "EUR", "JPY", "KWD", "MEM"])
AMOUNTS = st.integers(-LARGEST_AMOUNT, LARGEST_AMOUNT)


def test_a_currency_knows_its_decimals() -> None:
    assert [currency(code).exponent for code in ("USD", "JPY", "KWD", "MEM")] == [2, 0, 3, 2]
    assert currency("KWD").minor_per_major == 1000


@pytest.mark.parametrize("code", ["usd", "ZZZ", "", "US", "USD "])
def test_an_unknown_currency_is_refused(code: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        currency(code)
    assert refusal.value.field == "currency"


@pytest.mark.parametrize(
    ("text", "code", "minor"),
    [
        ("1250.00", "USD", 125000),
        ("-5", "USD", -500),
        ("1250", "USD", 125000),
        ("0.1", "USD", 10),
        ("-0", "USD", 0),
        ("10000000000000.00", "USD", LARGEST_AMOUNT),
        ("7", "JPY", 7),
        ("1.234", "KWD", 1234),
    ],
)
def test_machine_text_is_read(text: str, code: str, minor: int) -> None:
    assert parse_amount(text, code) == minor


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "-", ".", "5.", ".5", "+5", " 5", "5 ", "5\n", "1,250.00", "1_000", "1e3", "1E+2", "0x10",
        "NaN", "Infinity", "-inf", "--5", "1.2.3", "$5", "٣", "\uff11\uff12", "1.005", "1.000", "½", "1\x00",
        "10000000000000.01", "9" * 39, "9" * 100_000,
    ],
)  # fmt: skip
def test_other_machine_text_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(InvalidAmount) as refusal:
        parse_amount(text, field="deposit")
    assert refusal.value.field == "deposit"
    assert refusal.value.hint
    assert len(refusal.value.message) < 160


@pytest.mark.parametrize("value", [12, 12.5, None, Decimal(1), b"12", ["1"]])
def test_only_text_is_parsed(value: object) -> None:
    for parse in (parse_amount, parse_typed):
        with pytest.raises(InvalidAmount):
            parse(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("1250", 125000),
        ("1,250.00", 125000),
        ("1,250", 125000),
        ("12.5", 1250),
        (".50", 50),
        ("$40", 4000),
        (" $ 40.00 ", 4000),
        ("-$40", -4000),
        ("$-40", -4000),
        ("40 USD", 4000),
        ("USD 40", 4000),
        ("1,234,567.89", 123456789),
        ("0.07", 7),
        ("007", 700),
    ],
)
def test_what_people_type_is_read(text: str, minor: int) -> None:
    assert parse_typed(text) == minor


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("1,25", "1.25"),
        ("12,50", "12.50"),
        ("1.250,00", "1250.00"),
        ("1,2345.00", "12345.00"),
        ("1.250", "1250.00"),
        ("1.250", "1.25"),
        ("1 250", "1250.00"),
        ("0,250", "250.00"),
        ("1.234.567", "1234567.00"),
        ("12,34,567", "1234567.00"),
        ("1,250,00", "1250.00"),
        ("1.005", "1005.00"),
        ("1.005", "at most 2"),
    ],
)
def test_ambiguous_typing_is_refused_and_the_hint_says_what_is_right(text: str, right: str) -> None:
    with pytest.raises(InvalidAmount) as refusal:
        parse_typed(text, field="paid")
    assert refusal.value.field == "paid"
    assert refusal.value.hint is not None and right in refusal.value.hint


@pytest.mark.parametrize(
    "text", ["", "-", "$", ".", ",", "5.", "€40", "--4", "-$-4", "1e3", "twelve", "{x}", "٣", "1_0"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount) as refusal:
        parse_typed(text)
    assert refusal.value.hint


@pytest.mark.parametrize(
    "text", ["0.001", ".005", "12.3456", "0.5001", "9999999.999", "1234.567", "1,234.567", "007.125"]
)
def test_less_than_a_cent_is_told_as_that(text: str) -> None:
    with pytest.raises(InvalidAmount, match="smaller than the smallest unit") as refusal:
        parse_typed(text)
    assert "2 decimals" in str(refusal.value.hint)


def test_who_asks_may_take_less_than_what_can_be_reckoned_with() -> None:
    for parse in (parse_amount, parse_typed):
        assert parse("50.00", largest=50_00) == 50_00
        with pytest.raises(InvalidAmount) as refusal:
            parse("50.01", largest=50_00)
        assert refusal.value.hint == "The largest amount is 50.00."


@given(AMOUNTS, CODES)
def test_what_is_written_is_read_back(minor: int, code: str) -> None:
    assert parse_amount(format_amount(minor, code), code) == minor
    assert parse_typed(format_amount(minor, code), code) == minor
    assert parse_typed(format_amount(minor, code, grouping=True), code) == minor


@given(st.text(alphabet="0123456789.,-$ eE_'٣", max_size=14), CODES)
def test_both_parsers_answer_or_refuse(text: str, code: str) -> None:
    for parse in (parse_amount, parse_typed):
        try:
            assert type(parse(text, code)) is int
        except InvalidAmount as refusal:
            assert refusal.field == "amount" and refusal.hint


def test_writing_is_exact_beyond_what_a_float_can_hold() -> None:
    assert format_amount(9_007_199_254_740_993) == "90071992547409.93"
    assert format_amount(-5) == "-0.05"
    assert format_amount(-123456789, grouping=True) == "-1,234,567.89"
    assert format_amount(1234567, "JPY", grouping=True) == "1,234,567"


MODES = {"half-even": ROUND_HALF_EVEN, "half-up": ROUND_HALF_UP, "down": ROUND_DOWN, "up": ROUND_UP}


@given(st.integers(-(10**21), 10**21), st.integers(0, 6), st.sampled_from(sorted(MODES)))
def test_rounding_is_that_of_decimal(digits: int, places: int, mode: str) -> None:
    with localcontext(prec=60):
        value = Decimal(digits).scaleb(-places)
        expected = int(value.quantize(Decimal(1), rounding=MODES[mode]))
    assert round_minor(value, mode) == expected  # type: ignore[arg-type]
    assert round_minor(Fraction(digits, 10**places), mode) == expected  # type: ignore[arg-type]
    assert round_ratio(digits, 10**places, mode) == expected  # type: ignore[arg-type]


def test_ties_and_their_neighbours() -> None:
    assert [round_minor(Fraction(n, 2)) for n in (-3, -1, 1, 3, 5)] == [-2, 0, 0, 2, 2]
    assert [round_minor(Fraction(n, 2), "half-up") for n in (-3, -1, 1, 3, 5)] == [-2, -1, 1, 2, 3]
    # One part in 10**30 above a tie: a float would not see it.
    assert round_minor(Fraction(1, 2) + Fraction(1, 10**30)) == 1


def test_rounding_refuses_what_is_not_exact() -> None:
    with pytest.raises(TypeError):
        round_minor(0.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no such rounding"):
        round_minor(Fraction(1, 3), "ceiling")  # type: ignore[arg-type]
    for text in ("NaN", "Infinity", "1e999999"):
        with pytest.raises(InvalidAmount):
            round_minor(Decimal(text))


WEIGHTS = st.lists(st.integers(0, 10**9) | st.fractions(0, 1000, max_denominator=97), min_size=1, max_size=12)


@given(AMOUNTS, WEIGHTS.filter(any))
def test_a_split_adds_up_and_no_part_is_a_unit_off(total: int, weights: list[int | Fraction]) -> None:
    parts = split(total, weights)
    assert sum(parts) == total
    assert parts == [-part for part in split(-total, weights)]
    whole = sum(Fraction(weight) for weight in weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - total * Fraction(weight) / whole) < 1
        assert weight or not part


def test_ties_of_a_split_go_to_the_lowest_index() -> None:
    assert split(100, [1, 1, 1]) == [34, 33, 33]
    assert split(-100, [1, 1, 1]) == [-34, -33, -33]
    assert split(5, [0, 1, 0, 1]) == [0, 3, 0, 2]
    assert split(0, [0, 0]) == [0, 0]
    assert split(0, []) == []


def test_a_split_refuses_what_cannot_be_shared() -> None:
    for weights in ([], [0], [-1, 2], [Fraction(-1, 2)]):
        with pytest.raises(InvalidAmount) as refusal:
            split(1, weights)
        assert refusal.value.field == "weights"
    with pytest.raises(TypeError):
        split(1, [0.5])  # type: ignore[list-item]
