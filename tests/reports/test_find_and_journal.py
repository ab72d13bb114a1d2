"""The find box and the journal."""

from __future__ import annotations

import sys
from datetime import date, timedelta

import pytest

from coopbank.errors import CoopbankError, InvalidDate, InvalidValue, Unknown
from coopbank.reports import as_document, find_members, journal, journal_entry, member_ref
from coopbank.reports.dates import distance, due, month_bounds, period
from coopbank.reports.find import letters_between
from coopbank.words import speaking
from tests.reports.town import Town
from tests.support_bank import assert_books, new_bank

HOSTILE = [
    "<b>",
    "&",
    "[red]",
    "=1+1",
    "'; drop table member; --",
    '"',
    "\n\n",
    "\u202e\u2066",
    "🙂",
    "%",
    "_",
    "\\",
    "x" * 10_000,
    "0" * 40,
]


def found(town: Town, text: str, limit: int = 20) -> list[str]:
    with town.small.read() as books:
        return [match.member for match in find_members(books, text, limit)]


@pytest.mark.parametrize(
    "text", ["Núñez", "nunez", "NUÑEZ", "nez", "mia nu", "nunez mia", "  mía  ", "M0001", "m1", "1", "0001"]
)
def test_a_member_is_found_by_name_or_number(town: Town, text: str) -> None:
    assert found(town, text)[0] == town.mia


@pytest.mark.parametrize(
    "text", ["601 555 0142", "555-0142", "0142", "(601) 555-0142", "l2", "L-002", "#20", "r20", "20"]
)
def test_a_member_is_found_by_telephone_loan_or_receipt(town: Town, text: str) -> None:
    assert found(town, text)[0] == town.joe


def test_the_best_match_comes_first(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        for name in ("Anna Sokolee", "Bo Leeson", "Lee Zander", "Lee Adams", "Mary Lee", "Ed Sleep"):
            small.admit(name)
        with small.read() as books:
            names = [m.name for m in find_members(books, "lee")]
            two = [m.name for m in find_members(books, "lee", limit=2)]
            everybody = [m.name for m in find_members(books, "")]
        assert names == ["Lee Adams", "Lee Zander", "Bo Leeson", "Mary Lee", "Anna Sokolee", "Ed Sleep"]
        assert two == ["Lee Adams", "Lee Zander"]
        assert everybody == sorted(everybody) and len(everybody) == 6
        assert_books(small)


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_is_typed_finds_something_or_nothing(town: Town, text: str) -> None:
    assert len(found(town, text)) <= 3
    assert found(town, "nobody of that name") == []


@pytest.mark.parametrize("text", ["nuñes", "nunhez", "nunze", "mia nunes", "mia munez"])
def test_a_name_is_found_in_spite_of_its_spelling(town: Town, text: str) -> None:
    assert found(town, text) == [town.mia]


@pytest.mark.parametrize("text", ["nux", "zzzzzz", "mia zzzzz", "nu%ez", "12345678"])
def test_what_is_no_misspelling_finds_nobody(town: Town, text: str) -> None:
    assert found(town, text) == []


@pytest.mark.parametrize(
    ("typed", "word", "far"),
    [
        ("lee", "lee", 0),
        ("le", "lee", 0),
        ("abernaty", "abernathy", 1),
        ("jsoue", "josue", 1),
        ("x", "", 1),
        ("ab", "cd", 2),
    ],
)
def test_letters_between_two_words(typed: str, word: str, far: int) -> None:
    assert letters_between(typed, word) == far


def test_wildcards_are_letters_like_others(town: Town) -> None:
    assert found(town, "%") == found(town, "_") == found(town, "n_nez") == []
    assert found(town, "&") == [town.joe]


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("M0007", "M0007"),
        ("m7", "M0007"),
        ("7", "M0007"),
        (" M-7 ", "M0007"),
        ("12345", "M12345"),
        ("Lee", None),
        ("", None),
        ("L-1", None),
    ],
)
def test_a_member_number_however_it_is_written(text: str, ref: str | None) -> None:
    assert member_ref(text) == ref


# ------------------------------------------------------------------------------- journal


def numbers(town: Town, **asked: object) -> list[int]:
    with town.small.read() as books:
        return [entry.number for entry in journal(books, **asked).entries]  # type: ignore[arg-type]


def test_a_period_turned_round_is_refused(town: Town) -> None:
    with pytest.raises(InvalidDate, match="before it starts"):
        numbers(town, start=date(2026, 3, 3), end=date(2026, 3, 2))


def expected(town: Town, where: str, *values: object) -> list[int]:
    with town.small.read() as books:
        sql = (
            "SELECT DISTINCT e.id FROM entry e JOIN posting p ON p.entry_id = e.id"
            f" JOIN account a ON a.id = p.account_id WHERE {where} ORDER BY e.id DESC"
        )
        return [int(n) for (n,) in books.tx.rows(sql, *values)]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (None, None),
        ("2026-03-03", None),
        ("2026-04-01", "2026-04-30"),
        (None, "2026-03-05"),
        ("2026-04-01", "2030-01-01"),
        ("2019-01-01", "2019-12-31"),
        ("2029-01-01", None),
    ],
)
def test_the_journal_of_a_period(town: Town, start: str | None, end: str | None) -> None:
    asked = {"start": start and date.fromisoformat(start), "end": end and date.fromisoformat(end), "limit": 1000}
    wanted = expected(town, "e.effective_on BETWEEN ? AND ?", start or "0001-01-01", end or "9999-12-31")
    assert numbers(town, **asked) == wanted
    in_729 = expected(
        town, "a.gl_code = '729' AND e.effective_on BETWEEN ? AND ?", start or "0001-01-01", end or "9999-12-31"
    )
    assert numbers(town, account="729", **asked) == in_729


@pytest.mark.parametrize(
    ("account", "where"),
    [
        ("905/M0001", "a.gl_code = '905' AND a.contract = 'M0001'"),
        ("905", "a.gl_code = '905'"),
        ("GEN 729", "a.gl_code = '729' AND a.fund = 'GEN'"),
        ("/L-001", "a.contract = 'L-001'"),
        ("RLF 701/L-001", "a.gl_code = '701' AND a.contract = 'L-001'"),
    ],
)
def test_the_journal_of_an_account(town: Town, account: str, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert numbers(town, account=account, limit=1000) == expected(town, where) != []
    # the package gives the function the module's name
    monkeypatch.setattr(sys.modules["coopbank.reports.journal"], "_FEW_LEAVES", 0)
    assert numbers(town, account=account, limit=1000) == expected(town, where)
    assert numbers(town, account=account, limit=2, before=30) == [n for n in expected(town, where) if n < 30][:2]


@pytest.mark.parametrize("account", [None, "905", "905/M0001"])
@pytest.mark.parametrize("limit", [1, 3, 7])
def test_pages_follow_each_other_and_lose_nothing(town: Town, account: str | None, limit: int) -> None:
    seen: list[int] = []
    before = None
    with town.small.read() as books:
        while True:
            page = journal(books, account=account, limit=limit, before=before)
            assert len(page.entries) <= limit
            seen += [entry.number for entry in page.entries]
            before = page.before
            if before is None:
                break
    assert seen == numbers(town, account=account, limit=1000)


def test_an_entry_names_what_it_reverses_and_who_did_it(town: Town) -> None:
    with town.small.read() as books:
        reversal = next(e for e in journal(books, limit=1000).entries if e.reverses)
        mistake = journal_entry(books, reversal.reverses or 0)
    assert mistake.reversed_by == reversal.number
    assert (mistake.operation, mistake.kind, mistake.title, mistake.actor) == (
        town.mistake,
        "deposit",
        "Pay into savings",
        "ana",
    )
    assert [(x.code, -x.amount) for x in mistake.lines] == [(x.code, x.amount) for x in reversal.lines]
    assert all(sum(x.amount for x in entry.lines) == 0 for entry in (mistake, reversal))
    assert as_document(mistake)["lines"][0]["amount"] == "44.00"


@pytest.mark.parametrize("account", ["999", "905/M9999", "NIL 905", "/nobody", "' OR 1=1 --"])
def test_an_account_that_is_not_there_is_refused(town: Town, account: str) -> None:
    with pytest.raises(CoopbankError) as refused:
        numbers(town, account=account)
    assert refused.value.field == "account"
    assert isinstance(refused.value, Unknown)


def test_an_account_without_a_number_is_refused(town: Town) -> None:
    for account in ("", "  ", "/"):
        with pytest.raises(InvalidValue):
            numbers(town, account=account)
    with town.small.read() as books, pytest.raises(Unknown):
        journal_entry(books, 10**9)


# --------------------------------------------------------------------------------- dates


def test_dates_in_plain_words() -> None:
    day = date(2026, 3, 2)
    assert period(date(2026, 3, 1), date(2026, 3, 31)) == "March 2026"
    assert period(date(2026, 1, 1), date(2026, 12, 31)) == "2026"
    assert period(day, day) == "March 2, 2026"
    assert period(day, date(2026, 4, 15)) == "March 2, 2026 to April 15, 2026"
    near = [distance(day + timedelta(days=n), day) for n in (-2, -1, 0, 1, 2)]
    assert near == ["2 days ago", "yesterday", "today", "tomorrow", "in 2 days"]
    assert due(day, date(2026, 3, 3)) == "1 day late, since March 2, 2026"
    assert due(day, date(2026, 2, 27)) == "due in 3 days, March 2, 2026"
    with speaking("es"):
        assert period(date(2026, 3, 1), date(2026, 3, 31)) == "marzo de 2026"


@pytest.mark.parametrize("day", [date(2024, 2, 10), date(2026, 2, 28), date(2026, 12, 31), date(2026, 1, 1)])
def test_the_bounds_of_a_month(day: date) -> None:
    assert month_bounds(date.max) == (date(9999, 12, 1), date.max)
    first, last = month_bounds(day)
    assert first.day == 1 and (last + timedelta(days=1)).day == 1
    assert first <= day <= last and (last - first).days < 31
