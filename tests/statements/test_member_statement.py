"""The member statement as a file: what it says, how it is tagged, that it comes out the same, and what it survives."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from coopbank.errors import InvalidDate, Unknown, WrongUsage
from coopbank.reports import MemberReport, member
from coopbank.reports.member import Account, Line, Paid
from coopbank.statements import make, make_month
from coopbank.statements.papers.member_statement import MemberStatement
from coopbank.statements.parts import amount
from coopbank.statements.typeface import fitted, markup, printable, readable, spoken, width
from coopbank.words import speaking
from tests.reports.borrowers import borrow
from tests.reports.town import Town, live
from tests.statements.told import Told, sheet_of
from tests.support_bank import CREDIT_UNION, assert_books, new_bank

MARCH = (date(2026, 3, 1), date(2026, 3, 31))
APRIL = (date(2026, 4, 1), date(2026, 4, 30))
ALL = (date(2026, 3, 1), date(2026, 5, 31))
_TEXT = ("Document", "H1", "H2", "P")

HOSTILE = (
    "Zoë \"<b>Bold</b>\" & 'Söhne' </font> [red] =1+1 \u202eabc\u2066 שלום עולם 🙂 漢字 ✓ → العربية"
    "\x00\n\tĐặng {x} %s \\"
)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with new_bank(str(tmp_path_factory.mktemp("town") / "town.db")) as small:
        made = live(small)
        assert_books(small)
        yield made


def report(town: Town, who: str = "", period: tuple[date, date] = ALL) -> MemberReport:
    with town.small.read() as books:
        return member(books, who or town.mia, *period)


def told(found: MemberReport, **options: Any) -> Told:
    return Told(MemberStatement(found, sheet_of(found.source, **options)).to_bytes())


# ----------------------------------------------------------------------------- what it says


def test_loans_of_every_kind_are_told_by_their_contract(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "loans.db")) as small:
        made = borrow(small)
        with small.read() as books:
            found = member(books, made.member, date(2026, 3, 1), date(2026, 6, 30))
    said = told(found)
    for words in (
        "Nothing is due: what the reports asked for is paid.",
        "Report for June 2, 2026 to September 1, 2026 is due by October 2, 2026.",
        "repaid by 50 % of your surplus. All it costs you is at most 50 % of your surplus.",
        "repaid by 5 % of your revenue until you have paid 1.2 times what you borrowed.",
        "A line of credit of 5,000.00 at 9 % a year, simple interest, until March 2, 2027. 2,026.77 is available.",
        "Late fee", "Interest waived", "Part of the loan that you need not repay", "Cost of the loan",
    ):  # fmt: skip
        assert words in said.text, words
    for loan in found.loans:
        assert amount(loan.closing, "USD") in said.text
    with speaking("es"):
        assert told(found).language.startswith("es")


def test_what_was_paid_and_is_shared_anew_is_said(tmp_path: Path) -> None:
    """A report corrected downward turns interest that was paid into principal; a share of revenue has a cost."""
    with new_bank(str(tmp_path / "loans.db")) as small:
        made = borrow(small)
        with small.read() as books:
            found = member(books, made.member, date(2026, 3, 1), date(2026, 6, 30))
    surplus = next(loan for loan in found.loans if loan.repayment == "surplus")
    revenue = next(loan for loan in found.loans if loan.repayment == "revenue")
    assert "What you had paid was shared anew" not in told(replace(found, loans=(surplus,))).text
    anew = replace(surplus, paid=Paid(interest=-1234, principal=6234, total=5000))
    sentence = (
        "You paid 50.00. What you had paid was shared anew: 12.34 less of it is interest, and 62.34 more repays what"
        " you borrowed."
    )
    assert "".join(sentence.split()) in "".join(told(replace(found, loans=(anew,))).text.split())
    table = told(replace(found, loans=(revenue,), accounts=()))
    assert "Cost" in table.of("TH") + table.of("TD") and "Interest" not in table.of("TH") + table.of("TD")
    costly = replace(revenue, paid=Paid(interest=-100, principal=100, total=0))
    assert "1.00 less of it is cost" in told(replace(found, loans=(costly,))).text


def test_it_tells_who_when_and_every_movement(town: Town) -> None:
    found = report(town)
    said = told(found)
    assert said.of("H1") == ["Member statement"]
    assert said.of("H2") == [
        "Summary", "Membership share", "Paid towards a share", f"Savings account S-{town.mia}",
        f"Loan {town.loan}: A walk-in cooler", "Fees", "If something is wrong",
    ]  # fmt: skip
    for words in ("Mía Núñez", town.mia, "From March 1, 2026 to May 31, 2026, 92 days", "Jackson, MS 39201"):
        assert words in said.text
    cells = said.of("TD")
    for account in found.accounts:
        for line in account.lines:
            assert line.words in cells
            assert amount(line.balance, "USD") in cells and str(line.receipt) in cells
    for part in found.loans[0].lines:
        assert part.words in cells and amount(part.balance, "USD") in cells
    assert "83.98, 4 days late on May 20, 2026" in said.text
    assert "14.84 interest and 109.16 of what you borrowed" in said.text
    assert "Tell us within 60 days" in said.text


def test_the_figures_are_the_reports_own(town: Town) -> None:
    found = report(town, period=APRIL)
    said = told(found)
    figures = {text for text in (*said.of("TD"), *said.of("TH")) if re.fullmatch(r"\u2212?[0-9,]+\.[0-9]{2}", text)}
    minors: set[int] = set()
    for account in found.accounts:
        minors |= {account.opening, account.money_in, account.money_out, account.closing}
        minors |= {m for line in account.lines for m in (line.money_in, line.money_out, line.balance)}
    for total in (found.total_had, found.total_owed):
        minors |= {total.opening, total.money_in, total.money_out, total.closing}
    for loan in found.loans:
        minors |= {loan.opening, loan.added, loan.closing, loan.owed_interest, loan.owed_principal}
        minors |= {m for paid in (loan.paid, loan.paid_this_year) for m in (paid.interest, paid.principal, paid.total)}
        minors |= {m for line in loan.lines for m in (line.added, line.paid, line.balance)}
    minors |= {m for fee in found.fees for m in (fee.period, fee.year)}
    assert figures <= {amount(minor, "USD") for minor in minors}


def test_every_page_bears_its_number_the_bank_and_the_head_of_the_books(town: Town) -> None:
    found = long_report(report(town), 150)
    said = told(found)
    assert said.pages > 3
    for number, page in enumerate(said.artifacts, 1):
        assert f"Page {number} of {said.pages}" in page
        assert f"Books {found.source.head_number} · {found.source.head_hash}" in page
        assert number == 1 or (found.source.institution in page and "ST-2026-03-M0001" in page)
    assert found.source.institution in said.text
    assert found.source.head_hash in said.text


def test_the_balance_is_carried_over_each_page(town: Town) -> None:
    found = long_report(report(town), 150)
    said = told(found)
    lines = (*found.accounts[2].lines, *found.loans[0].lines)
    balances = [amount(line.balance, "USD") for line in lines]
    carried = [re.search(r"Carried forward(\S+?\.\d\d)", page) for page in said.artifacts]
    brought = [re.search(r"Brought forward(\S+?\.\d\d)", page) for page in said.artifacts]
    pairs = [(c.group(1), b.group(1)) for c, b in zip(carried, brought[1:], strict=False) if c and b]
    assert len(pairs) >= 3
    assert all(c == b and c in balances for c, b in pairs)
    assert sum(c is not None for c in carried) == sum(b is not None for b in brought) == len(pairs)


def test_negative_amounts_have_a_sign_that_is_heard() -> None:
    assert amount(-123456, "USD") == "\u22121,234.56"
    assert amount(0, "USD") == "0.00"
    assert amount(-5, "JPY") == "\u22125"


def test_what_is_empty_says_so(town: Town) -> None:
    nothing = told(replace(report(town, town.new, MARCH), accounts=(), loans=()))
    for sentence in (
        "You have no shares with us.",
        "You have no savings account with us.",
        "You have no loan with us.",
    ):
        assert sentence in nothing.of("P")
    assert len(nothing.of("Table")) == 1, "fees are told, 0.00 too"
    quiet = told(report(town, town.new, APRIL))
    assert "Nothing moved in this period. The balance is 25.00." in quiet.of("P")


def test_what_changed_after_the_period_is_told(town: Town) -> None:
    found = report(town, period=MARCH)
    line = replace(found.accounts[0].lines[0], late=True, posted_on=date(2026, 4, 9))
    said = told(replace(found, late=(line,)))
    assert "Changed since the period ended" in said.of("P")
    assert f"{line.words}, receipt {line.receipt}, entered on April 9, 2026." in said.text
    assert "Changed since the period ended" not in told(found).of("P")


def test_a_period_that_is_not_over_is_said_to_be(town: Town) -> None:
    assert "Not yet complete" in told(report(town)).of("P")
    assert "Not yet complete" not in told(report(town, period=APRIL)).of("P")


def test_interest_that_the_close_will_add_is_announced(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        small.do("receive-gift", by=small.tom, fund="RLF", amount="900.00", donor="A friend", tender="transfer")
        ada = small.admit("Ada Tate")
        terms = {"principal": "600.00", "annual_rate": "9", "installments": 6}
        loan = small.agreed("grant-loan", approver=small.tom, member=ada, **terms).created[0]
        small.do("disburse-loan", by=small.tom, loan=loan)
        small.go_to("2026-04-01")
        words = "Interest is still to be added"
        with small.read() as books:
            before = told(member(books, ada, *MARCH)).of("P")
            inside = told(member(books, ada, MARCH[0], date(2026, 3, 20))).of("P")
        small.agreed("close-month", by=small.tom, approver=small.sue, month="2026-03")
        with small.read() as books:
            after = told(member(books, ada, *MARCH)).of("P")
        assert words in before
        assert words not in inside
        assert words not in after
        assert_books(small)


def test_a_table_of_figures_stays_on_one_page(town: Town) -> None:
    found = report(town)
    for count in range(8, 45, 2):
        (page,) = [text for text in told(long_report(found, count)).page_texts if "How your payments" in text]
        assert "Together" in page


def test_only_a_credit_union_leaves_the_guarantee_unmentioned(town: Town) -> None:
    found = report(town, period=APRIL)
    words = "No government agency guarantees this money."
    union = replace(found, source=replace(found.source, institution_kind=CREDIT_UNION))
    assert words in told(found).of("P") and words not in told(union).of("P")
    assert not re.search("deposit|insured|APY", told(found).text, re.IGNORECASE)


def test_it_speaks_the_language_in_force(town: Town) -> None:
    with speaking("es"):
        said = told(report(town))
    assert said.language == "es-US"
    assert said.of("H1") == ["Estado de cuenta"]
    assert "Qué pasó" in said.of("TH") and "Saldo inicial" in said.of("TD")
    assert "Página 1 de " in said.artifacts[0]
    assert told(report(town)).language == "en-US"


# ------------------------------------------------------------------------------- how it is made


def test_it_is_tagged_from_end_to_end(town: Town) -> None:
    said = told(long_report(report(town), 150))  # Told itself refuses text that stands nowhere
    assert said.marked and said.fonts == ["Lato-Bold", "Lato-Regular"]
    tags = [tag for tag, _text, _scope in said.elements]
    assert tags[0] == "Document" and set(tags) == {
        *_TEXT,
        "L",
        "LI",
        "LBody",
        "Figure",
        "Table",
        "TR",
        "TH",
        "TD",
    }
    assert tags.count("Table") == 7, "the pieces of a long table are one"
    scopes = {scope for tag, _text, scope in said.elements if tag == "TH"}
    assert scopes == {"Column", "Row"}
    assert all(scope == "" for tag, _text, scope in said.elements if tag != "TH")
    assert said.bookmarks == said.of("H2")
    assert said.title.startswith("Member statement · M0001")


def test_the_same_books_give_the_same_bytes(town: Town, tmp_path: Path) -> None:
    first = make(town.small.bank, "member-statement", town.mia, *MARCH, folder=tmp_path / "a").path
    again = make(town.small.bank, "member-statement", town.mia, *MARCH, folder=tmp_path / "b").path
    assert first.read_bytes() == again.read_bytes()
    elsewhere = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, town.small.bank.database.place, town.mia, str(tmp_path / "c")],
        env={"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(elsewhere.stdout.strip()).read_bytes() == first.read_bytes()
    assert Told(first.read_bytes()).created == "D:20260520180000Z"


_ELSEWHERE = """
import sys
from datetime import date
from coopbank.bank.bank import Bank
from coopbank.statements import make
bank = Bank.open(sys.argv[1], read_only=True)
days = date(2026, 3, 1), date(2026, 3, 31)
print(make(bank, "member-statement", sys.argv[2], *days, folder=sys.argv[3]).path)
bank.close()
"""


@pytest.mark.parametrize(("paper", "size"), [("letter", (612, 792)), ("a4", (595.28, 841.89))])
def test_it_is_on_letter_paper_or_a4(town: Town, paper: Any, size: tuple[float, float]) -> None:
    assert told(report(town), paper=paper).box[2:] == pytest.approx(size, abs=0.01)


def test_a_thousand_rows_take_time_in_proportion_and_lose_none(town: Town) -> None:
    found = long_report(report(town), 1000)
    cells = told(found).of("TD")
    assert [text for text in cells if text.startswith("movement ")] == [x.words for x in found.accounts[2].lines]


def long_report(found: MemberReport, count: int, words: str = "movement {n}") -> MemberReport:
    """The same with that many movements in the savings account."""
    savings = found.accounts[2]
    balance, lines = savings.opening, []
    for n in range(count):
        moved = (n * 7919) % 100_000 + 1
        balance += moved
        day = found.start + timedelta(days=n * 30 // count)
        lines.append(Line(day, words.format(n=n), moved, 0, balance, 1000 + n, day, False))
    made = replace(savings, lines=tuple(lines), closing=balance, money_in=balance - savings.opening)
    return replace(found, accounts=(*found.accounts[:2], made))


# ----------------------------------------------------------------------------- what it survives


def test_hostile_text_is_text(town: Town) -> None:
    found = report(town)
    wild = long_report(found, 30, "{n} " + HOSTILE.replace("{x}", "{{x}}"))
    wild = replace(
        wild, name=HOSTILE, address=f"{HOSTILE}\n\n" + "x" * 3000, source=replace(found.source, institution=HOSTILE * 3)
    )
    said = told(wild, address=HOSTILE)
    assert printable(HOSTILE) in said.of("P")
    assert "<b>Bold</b>" in said.text and "[red]" in said.text and "{x} %s" in said.text
    assert "🙂" in said.text and "שלום" in said.text
    assert sum(printable(HOSTILE) in text for text in said.of("TD")) == 30
    assert said.fonts == ["Lato-Bold", "Lato-Regular"]


def test_enormous_figures_shrink_the_letters_not_the_paper(town: Town) -> None:
    found = report(town)
    savings: Account = replace(
        found.accounts[2],
        closing=-(10**15),
        lines=tuple(replace(x, money_in=10**15, money_out=10**15, balance=-(10**15)) for x in found.accounts[2].lines),
    )
    cells = told(replace(found, accounts=(*found.accounts[:2], savings))).of("TD")
    assert "\u221210,000,000,000,000.00" in cells


def test_letters_that_the_font_lacks_have_a_stand_in_that_can_be_read_and_are_still_heard() -> None:
    assert readable("漢字 🙂") == "\u2039HanZi\u203a \u2039slight_smile\u203a" and spoken("漢字") == "漢字"
    assert readable("\u0378") == "\u2039U+0378\u203a"
    assert spoken("Ordinary ñ Ω Ж") is None and markup("a<b & c") == "a&lt;b &amp; c"
    assert printable("a\u202eb\u200bc\x07d\ud800e\r\nf") == "abcde  f"
    assert readable("שלום") == "\u2039slvm\u203a"
    assert fitted("abc def", 8, 1000) == "abc def"
    short = fitted("x" * 10_000, 8, 100)
    assert short.endswith("…") and width(short, 8) <= 100


def test_digits_stand_under_each_other() -> None:
    assert len({width(digit, 10) for digit in "0123456789"}) == 1
    assert len({width(digit, 10, bold=True) for digit in "0123456789"}) == 1


# ------------------------------------------------------------------------------------- files


def test_files_are_named_by_month_member_and_period(town: Town, tmp_path: Path) -> None:
    made = make(town.small.bank, "member-statement", town.mia, *MARCH, folder=tmp_path).path
    assert made == tmp_path / "2026-03" / "M0001-member-statement-2026-03.pdf"
    assert [p.name for p in made.parent.iterdir()] == [made.name]


def test_a_month_has_a_statement_for_every_member_of_then(engine_url: str, tmp_path: Path) -> None:
    with new_bank(engine_url) as small:
        ada, bea, cal = (small.admit(name) for name in ("Ada Tate", "Bea Lee", "Cal Wells"))
        for who in (ada, bea, cal):
            small.do("buy-shares", member=who, amount="25.00")
        small.go_to("2026-04-02")
        small.agreed("redeem-shares", member=cal, amount="25.00")
        small.do("change-member", member=cal, status="left")
        dee = small.admit("Dee Hart", language="es")
        small.go_to("2026-05-04")
        told_of: list[tuple[int, int]] = []

        def tell(done: int, total: int) -> None:
            told_of.append((done, total))

        march = make_month(small.bank, "2026-03", tmp_path, progress=tell).files
        april = make_month(small.bank, "2026-04", tmp_path).files
        may = make_month(small.bank, "2026-05", tmp_path).files
        assert [p.name[:5] for p in march] == [ada, bea, cal] and told_of == [(1, 3), (2, 3), (3, 3)]
        assert [p.name[:5] for p in april] == [ada, bea, cal, dee]
        assert [p.name[:5] for p in may] == [ada, bea, dee]
        assert {p.parent.name for p in (*march, *april)} == {"2026-03", "2026-04"}
        assert Told(april[3].read_bytes()).language == "es-US"
        assert_books(small)


def test_wrong_requests_are_refused_and_leave_nothing(town: Town, tmp_path: Path) -> None:
    bank = town.small.bank
    with pytest.raises(Unknown):
        make(bank, "member-statement", "M9999", *MARCH, folder=tmp_path)
    with pytest.raises(InvalidDate):
        make(bank, "member-statement", town.mia, MARCH[1], MARCH[0], folder=tmp_path)
    for month in ("2026-13", "March", "", "2026-3", "0000-01", "2026-02-01"):
        with pytest.raises(InvalidDate) as refused:
            make_month(bank, month, tmp_path)
        assert refused.value.field == "month"
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    with pytest.raises(WrongUsage) as unwritable:
        make(bank, "member-statement", town.mia, *MARCH, folder=in_the_way)
    assert unwritable.value.field == "folder"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
