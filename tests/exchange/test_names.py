"""Account names and memos can be undone, whatever characters the codes are made of, and both programs can read them."""

from __future__ import annotations

import pytest
from beancount.core import account as beancount_account
from hypothesis import given
from hypothesis import strategies as st

from coopbank.errors import InvalidValue
from coopbank.exchange.cells import LONGEST_CELL, csv_text, xlsx_text
from coopbank.exchange.names import ROOTS, account_name, as_written, leaf_of, one_line

CODES = st.text(max_size=40) | st.from_regex(r"[A-Za-z0-9._-]{1,12}", fullmatch=True)
HARD = ["-", "--", "---", "0---", "0---x", "-a", "a-", "--2e-", "0--2e-", ".", "d1", "é", "中", "🙂", "a:b", "a  b", ""]


@given(st.sampled_from(sorted(ROOTS)), CODES, CODES, CODES)
def test_an_account_name_gives_its_codes_back(kind: str, fund: str, gl_code: str, contract: str) -> None:
    name = account_name(kind, fund, gl_code, contract)
    assert leaf_of(name) == (fund, gl_code, contract)
    assert beancount_account.is_valid(name)
    assert name.isascii() and " " not in name


@pytest.mark.parametrize("one", HARD)
def test_hard_codes_give_names_of_their_own(one: str) -> None:
    names = {account_name("asset", "GEN", "739", other) for other in HARD}
    assert len(names) == len(HARD)
    assert leaf_of(account_name("asset", one, one, one)) == (one, one, one)


@pytest.mark.parametrize("code", ["M0007", "L-010", "D1", "M0007-2", "2021", "VAULT"])
def test_usual_codes_stay_as_they_are(code: str) -> None:
    assert account_name("liability", "GEN", "905", code) == f"Liabilities:GEN:905:{code}"


@pytest.mark.parametrize(
    "name", ["", "Assets", "Assets:GEN", "Assets:GEN:7:8:9", "Cash:GEN:739", "Assets:gen:739", "Assets::"]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        leaf_of(name)
    assert refusal.value.field == "account"


@given(st.text(), st.sampled_from(["", ";", ","]))
def test_a_memo_in_one_line_gives_the_memo_back(memo: str, also: str) -> None:
    line = one_line(memo, also)
    assert as_written(line) == memo
    assert len(line.splitlines()) <= 1
    assert line == line.strip()
    assert not set(line) & set(also)
    line.encode("utf-8")  # no half characters are left


def test_marks_that_turn_the_direction_are_seen() -> None:
    assert one_line("pay \u202e05.1$") == "pay \\u202e05.1$"
    assert one_line("a\nb\tc\\") == "a\\nb\\tc\\\\"
    assert one_line("👩\u200d🌾 שלום") == "👩\u200d🌾 שלום"


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\ufeff=1", "＝1", "\tx"]
)
def test_a_formula_is_neutralised(text: str) -> None:
    assert csv_text(text) == "'" + text


@pytest.mark.parametrize("text", ["", "Ana", "a=b", "M-0007", "'quoted", "1+1", "<b>", "ñ"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert csv_text(text) == text


def test_what_a_workbook_cannot_hold_is_shown() -> None:
    assert xlsx_text("a\x00b\x0bc\n\td\ud800\uffff") == "a\ufffdb\ufffdc\n\td\ufffd\ufffd"
    assert xlsx_text("=1+1") == "=1+1"
    assert xlsx_text("x" * LONGEST_CELL) == "x" * LONGEST_CELL
    assert len(xlsx_text("x" * 40_000)) == LONGEST_CELL
