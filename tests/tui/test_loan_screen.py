"""A loan whole at the counter: what is shown, why it is so, and what would be if; by keys alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.bank.lending.accounts import account
from coopbank.clock import SetClock
from coopbank.errors import CoopbankError, DayClosed, Unknown, WrongState
from coopbank.reports.loan import story
from coopbank.tui import foresight, loans
from coopbank.tui.foresight import Point
from coopbank.tui.loans import Line, LoanView, Picture
from coopbank.tui.screens.documents import DocumentsScreen
from coopbank.tui.screens.entry import EntryScreen
from coopbank.tui.screens.home import HomeScreen, LookUpScreen
from coopbank.tui.screens.journal import EntryDetailScreen
from coopbank.tui.screens.loan import LoanPick, LoanScreen, WhyScreen, what_if_words
from coopbank.tui.screens.receipt import ReceiptScreen
from coopbank.tui.screens.review import ReviewScreen
from coopbank.tui.session import Session
from coopbank.tui.widgets.keys import KeysLine
from coopbank.tui.widgets.loan_chart import Bar, bars, drawn
from coopbank.tui.widgets.rows import RowList
from coopbank.words import speaking
from tests.support_bank import SmallBank, assert_books, new_bank
from tests.tui.support import HOSTILE, TURNED, WORDS, Hand, assert_book, counter, operations

MOMENT = datetime(2026, 6, 25, 18, tzinfo=UTC)
TERM, LINE, SURPLUS, REVENUE, PAID, GRANTED, SEASON = (f"L-00{n}" for n in range(1, 8))
EVERY = (TERM, LINE, SURPLUS, REVENUE, PAID, GRANTED, SEASON)


@pytest.fixture(scope="module")
def model_loans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven loans of three members on 25 June 2026, one of each kind; drawer D1 is ana's."""
    place = tmp_path_factory.mktemp("loans") / "model.db"
    with new_bank(str(place)) as small:
        small.give_passphrase("ana", WORDS)
        for name in ("Ada Abernathy", HOSTILE, "Green Tassel Urban Farm"):
            small.do("buy-shares", member=small.admit(name), amount="25.00")
        small.do("receive-gift", by=small.tom, donor="Friends", amount="9000.00", fund="RLF", tender="transfer")
        _lend(small)
        small.go_to("2026-04-08")
        small.do("repay-loan", loan=TERM, amount="180.00", value_date="2026-04-06")
        wrong = small.do("repay-loan", loan=TERM, amount="7.00")
        small.do("reverse", operation=wrong.number, reason="not theirs")
        small.do("repay-loan", loan=PAID, amount="50.00", excess="principal", by=small.ana)
        small.do("repay-loan", loan=LINE, amount="100.00")
        small.go_to("2026-06-10")
        for loan, figure, much in ((SURPLUS, "surplus", "900.00"), (REVENUE, "revenue", "2000.00")):
            said: dict[str, Any] = {figure: much}
            small.do("file-report", loan=loan, **said)
            small.do("accept-report", by=small.tom, loan=loan, period=1)
            small.do("repay-loan", loan=loan, amount="120.00")
        small.agreed("change-rate", loan=TERM, annual_rate="4", why=f"as agreed {HOSTILE}")
        small.go_to("2026-06-25")
    return place


def _lend(small: SmallBank) -> None:
    reports = {"outer_date": "2028-03-02", "every": {"months": 3}, "report_days": 20}
    terms: list[dict[str, Any]] = [
        {"member": "M0002", "principal": "1200.00", "annual_rate": "3", "installments": 12, "first_due": "2026-04-01",
         "purpose": f"{HOSTILE} {TURNED}"},
        {"member": "M0001", "product": "LINE", "principal": "1000.00", "annual_rate": "8", "installments": 12},
        {"member": "M0003", "product": "SURPLUS", "principal": "2000.00", "annual_rate": "8", "share_percent": "50",
         **reports},
        {"member": "M0003", "product": "REVENUE", "principal": "800.00", "share_percent": "10", "multiple": "1.3",
         **reports},
        {"member": "M0001", "principal": "50.00", "annual_rate": "0", "installments": 2, "purpose": "bus fare"},
        {"member": "M0003", "principal": "300.00", "annual_rate": "5", "installments": 6},
        {"member": "M0003", "product": "SEASON", "principal": "900.00", "annual_rate": "4", "installments": 3,
         "months": [9, 10, 11], "purpose": "seed"},
    ]  # fmt: skip
    for each in terms:
        small.agreed("grant-loan", **each)
    out = {
        loan: small.do("disburse-loan", by=small.tom, loan=loan, tender="transfer",
                       **({"amount": "400.00"} if loan == LINE else {})).number
        for loan in EVERY if loan != GRANTED
    }  # fmt: skip
    bought: dict[str, Any] = {"asset": HOSTILE, "cost": "900.00", "lien": "county"}
    small.agreed("pledge-collateral", loan=SEASON, paid_from=out[SEASON], **bought)


@pytest.fixture
def lent(model_loans: Path, tmp_path: Path) -> str:
    """A copy of it for one test."""
    return str(shutil.copy(model_loans, tmp_path / "ledger.db"))


@pytest.fixture
def session(lent: str) -> Iterator[Session]:
    opened = Session(lent, clock=SetClock(MOMENT))
    opened.actor = Actor("ana", ("loan-officer", "teller"))
    opened.look_up_powers()
    yield opened
    opened.close()


async def on(hand: Hand, screen: type[Any]) -> None:
    """Wait for a screen, and for what it reads."""
    await hand.on(screen)
    await hand.quiet()


async def opened(hand: Hand, loan: str) -> LoanScreen:
    """Sign in and open a loan by its number."""
    await hand.sign_in("ana")
    await hand.burst(*loan.lower(), "ctrl+l")
    await on(hand, LoanScreen)
    screen = hand.app.screen
    assert isinstance(screen, LoanScreen)
    return screen


def here(hand: Hand, name: str) -> RowList:
    return hand.app.screen.query_one(f"#loan-{name}", RowList)


def assert_fits(hand: Hand, width: int, height: int) -> None:
    """Every key of the footer, every box and every field lies inside the terminal."""
    for keys in hand.app.screen.query(KeysLine):
        assert keys.region.bottom == height
        assert 0 < keys.wanted <= width
    for each in hand.app.screen.query(".box, Input, LoanChart, RowList"):
        if each.display and each.region.width:
            assert each.region.right <= width and each.region.bottom <= height, each


# ------------------------------------------------------------------------------------ what is shown


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_a_loan_is_shown_whole_and_hostile_texts_as_they_are(lent: str, size: tuple[int, int]) -> None:
    async with counter(lent, size=size, moment=MOMENT) as hand:
        await opened(hand, TERM)
        await hand.see(HOSTILE)
        for said in ("L-001", "M0002", "active", "OVERDUE", "Closes it", "Next due", "31-60", "Paid so far", "late"):
            assert said in hand.screen_text(), said
        assert "\u202e" not in hand.screen_text()
        assert here(hand, "rows").chosen.cells[-1] == "late"  # the first row that is not over
        for key, said in (
            ("f4", "TAKEN BACK"), ("f6", "Terms 2"), ("f8", "Principal owed"), ("f2", "Type an amount"),
            ("f3", "Balance"),
        ):  # fmt: skip
            await hand.press(key)
            await hand.see(said)
            await hand.quiet()
            assert_fits(hand, *size)
        await hand.press("f6", "down", "enter")
        await on(hand, WhyScreen)
        await hand.see(f"Why: as agreed {HOSTILE}"[: size[0] - 30])
        assert_fits(hand, *size)


def test_a_loans_product_is_named_in_the_language_in_force(session: Session) -> None:
    with speaking("es"):
        view = loans.loan_view(session, TERM)
        granted = next(says for line in view.terms for says in line.says if says.startswith("Producto: "))
    assert view.product == "TERM 1  Préstamo a plazo"
    assert granted == "Producto: TERM 1  Préstamo a plazo."


async def test_the_views_go_round_by_arrows_and_esc_goes_one_step_back(lent: str) -> None:
    async with counter(lent, moment=MOMENT) as hand:
        screen = await opened(hand, SURPLUS)
        await hand.see("[F3 Reports]")
        await hand.see("accepted")
        seen = []
        for _ in range(4):
            await hand.press("right")
            seen.append(screen.seen)
        assert seen == ["events", "terms", "chart", "what-if"]
        await hand.press("escape")
        assert screen.seen == "chart"
        await hand.see("What is to come depends on the reports.")
        await hand.press("left", "left", "left", "escape")
        await on(hand, HomeScreen)


async def test_a_member_without_a_loan_one_with_one_and_one_with_several(lent: str) -> None:
    async with counter(lent, moment=MOMENT) as hand:
        await hand.sign_in("ana")
        await hand.press("ctrl+l")
        await hand.see("Whose loan?")
        await hand.burst("escape", *"m0002", "ctrl+l")
        await on(hand, LoanScreen)
        await hand.press("escape")
        await on(hand, HomeScreen)
        await hand.burst("escape", *"m0001", "ctrl+l")
        await on(hand, LoanPick)
        assert [hit.ref for hit in (hand.app.screen.query_one(RowList).item(n) for n in range(2))] == [LINE, PAID]
        await hand.burst(*"bus", "enter")
        await on(hand, LoanScreen)
        await hand.see("bus fare")
        await hand.see("paid")
        screen = hand.app.screen
        assert isinstance(screen, LoanScreen)
        assert screen.check_action("pay", ()) is False  # nothing is owed


async def test_its_papers_are_made_from_its_screen(lent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with counter(lent, moment=MOMENT) as hand:
        await hand.sign_in("ana")
        await hand.burst(*"m0002", "ctrl+l")
        await on(hand, LoanScreen)
        await hand.press("ctrl+s")
        await on(hand, DocumentsScreen)
        await hand.see(TERM)
        await hand.press("f9")
        await hand.see("Made: statements/2026-06/L-001-loan-statement")
        await hand.press("escape")
        await on(hand, LoanScreen)


async def test_the_palette_knows_the_loans_of_the_member_who_is_served(lent: str) -> None:
    async with counter(lent, moment=MOMENT) as hand:
        await hand.sign_in("ana")
        await hand.burst(*"m0002", "enter")
        await hand.see("M0002")
        await hand.quiet()
        await hand.press("ctrl+p")
        await hand.type("look at loan")
        await hand.see(f"Look at loan L-001  {HOSTILE}")
        await hand.press("enter")
        await hand.quiet()
        if not isinstance(hand.app.screen, LoanScreen):
            await hand.press("enter")
        await on(hand, LoanScreen)


async def test_a_loan_that_there_is_not_is_told_where_one_stands(lent: str) -> None:
    async with counter(lent, moment=MOMENT) as hand:
        await hand.sign_in("ana")
        hand.app.open_loan("L-999")
        await hand.see("L-999")
        assert isinstance(hand.app.screen, HomeScreen)


async def test_in_the_middle_of_a_form_a_loan_is_looked_at_and_not_paid(lent: str) -> None:
    async with counter(lent, moment=MOMENT) as hand:
        await hand.sign_in("ana")
        await hand.burst(*"m0002", "enter", "f6")
        await on(hand, EntryScreen)
        await hand.press("f2")
        await on(hand, LookUpScreen)
        await hand.burst(*"l-002", "ctrl+l")
        await on(hand, LoanScreen)
        screen = hand.app.screen
        assert isinstance(screen, LoanScreen)
        assert screen.check_action("pay", ()) is False
        await hand.press("f5")
        assert hand.app.screen is screen


# ------------------------------------------------------------------------------------------- why


async def test_a_row_opens_its_sentences_and_the_entries_behind_them(lent: str) -> None:
    async with counter(lent, moment=MOMENT) as hand:
        await opened(hand, TERM)
        await hand.press("home", "enter")
        await on(hand, WhyScreen)
        await hand.see("1,200.00 × 3 % × 30 days / 365")
        await hand.see("Loan payment")
        assert_fits(hand, 80, 24)
        await hand.press("enter")
        await on(hand, EntryDetailScreen)
        await hand.see("Payment L-001")
        await hand.see("Done by")
        await hand.press("escape")
        await on(hand, WhyScreen)
        await hand.press("escape")
        await on(hand, LoanScreen)


async def test_what_was_taken_back_says_by_what(lent: str) -> None:
    async with counter(lent, moment=MOMENT) as hand:
        await opened(hand, TERM)
        await hand.press("f4")
        rows = here(hand, "events")
        place = next(n for n in range(rows.count) if "TAKEN BACK" in rows.item(n).cells[1])
        assert rows.item(place).faint
        rows.cursor = place
        await hand.press("enter")
        await on(hand, WhyScreen)
        await hand.see("took it back.")
        await hand.see("Reverse")


async def test_what_moved_no_money_says_so(lent: str) -> None:
    async with counter(lent, moment=MOMENT) as hand:
        await opened(hand, SURPLUS)
        await hand.press("f4")
        rows = here(hand, "events")
        rows.cursor = next(n for n in range(rows.count) if "filed" in rows.item(n).cells[1])
        await hand.press("enter")
        await on(hand, WhyScreen)
        await hand.see("Report 1, version 1, filed: surplus 900.00.")
        await hand.press("enter")
        await hand.see("moved no money and has no entry")


async def test_the_figures_on_top_open_too(lent: str) -> None:
    async with counter(lent, moment=MOMENT) as hand:
        await opened(hand, LINE)
        await hand.press("shift+tab")
        assert here(hand, "figures").has_focus
        await hand.press("end", "up", "up", "enter")
        await on(hand, WhyScreen)
        await hand.see("can be drawn = the limit of 1,000.00")
        await hand.press("enter")  # nothing is behind it
        await on(hand, LoanScreen)


def lines_of(view: LoanView) -> list[Line]:
    return [*view.figures, *view.rows, *view.events, *view.terms]


@pytest.mark.parametrize("loan", EVERY)
def test_every_line_of_every_kind_of_loan_says_why(session: Session, loan: str) -> None:
    view = session.answer(lambda asked: loans.loan_view(asked, loan))
    with session.bank.read() as books:
        told = story(books, loan)
    assert view.words == told.words
    assert (view.picture.past[-1].principal if view.picture.past else 0) == told.owed_principal
    figures = {line.cells[0]: line.cells[1] for line in view.figures}
    assert figures["Owed"] == f"{told.owed / 100:,.2f}"
    if told.disbursed_on:
        assert figures["Closes it"] == f"{told.payoff / 100:,.2f}"
    for line in lines_of(view):
        found = loans.why(session, loan, line)
        assert found.sentences, line
        assert all("{" not in said.replace(HOSTILE, "") for said in found.sentences), found
        if loan != GRANTED:
            assert not any(" is not paid out yet" in said or "told nothing" in said for said in found.sentences)
        for behind in found.behind:
            assert behind.title and behind.actor and behind.hash
    paid = [line for line in view.events if line.cells[3]]
    assert len(paid) == sum(event.type == "payment" for event in told.events)
    assert all(loans.why(session, loan, line).behind[-1].entry for line in paid)


def test_a_paid_row_names_the_payments_that_paid_it(session: Session) -> None:
    view = loans.loan_view(session, TERM)
    with session.bank.read() as books:
        payment = next(e.operation for e in story(books, TERM).events if e.type == "payment" and not e.taken_back_by)
    first, second, third = view.rows[:3]
    assert first.operations == second.operations == (payment,)  # 180.00 reaches into the second row
    assert payment not in third.operations
    assert third.operations  # who agreed on it
    assert first.faint and not second.faint


@pytest.mark.parametrize(
    ("runs", "paid", "found"),
    [
        ([(3, 100)], [], {}),
        ([(3, 100)], [(7, 100)], {1: (7,)}),
        ([(3, 100)], [(7, 50), (8, 250)], {1: (7, 8), 2: (8,), 3: (8,)}),
        ([(1, 100), (2, 0), (1, 10)], [(7, 100), (8, 105)], {1: (7,)}),
    ],
)
def test_which_payments_reach_into_which_row(
    runs: list[tuple[int, int]], paid: list[tuple[int, int]], found: dict[int, tuple[int, ...]]
) -> None:
    assert loans._covered(runs, paid) == found


def test_a_figure_of_a_fund_goes_back_to_all_that_was_posted_in_it(session: Session) -> None:
    line = next(line for line in loans.loan_view(session, TERM).terms if line.fund)
    found = loans.why(session, TERM, line)
    assert [behind.number for behind in found.behind] == sorted((b.number for b in found.behind), reverse=True)
    assert {"Pay a loan out", "Loan payment", "Reverse an operation"} <= {behind.title for behind in found.behind}


# --------------------------------------------------------------------------------------- what if


async def test_what_if_is_shown_as_one_types_and_posts_nothing(lent: str) -> None:
    before = operations(lent, "repay-loan")
    async with counter(lent, moment=MOMENT) as hand:
        screen = await opened(hand, TERM)
        await hand.press("f2")
        await hand.see("closes the loan on 2026-06-25")
        await hand.type("500")
        await hand.see("of principal")
        await hand.see("ends it earlier")
        await hand.see("(as agreed)")
        await hand.press("enter")
        await hand.type("+10")
        await hand.see("What closes it on Sun, Jul 5, 2026")
        assert screen.query_one("#what-if-amount").region.right <= 80
        await hand.press("ctrl+u")
        await hand.type("0101")
        await hand.see("The value date 2026-01-01 lies before 2026-03-02")
        await hand.press("ctrl+u", "up", "ctrl+u")
        await hand.type("12,50")
        await hand.see("12.50")
        assert "!" in hand.status()
        await hand.press("ctrl+u")
        await hand.type("99999")
        await hand.see("More than is owed")
        await hand.see("The loan is paid off.")
    assert operations(lent, "repay-loan") == before


async def test_a_payment_is_taken_from_the_loan_and_the_loan_shows_it(lent: str) -> None:
    before = operations(lent, "repay-loan")
    async with counter(lent, moment=MOMENT) as hand:
        screen = await opened(hand, TERM)
        await hand.press("f2")
        await hand.type("101.5")
        await hand.press("f5")
        await on(hand, EntryScreen)
        await hand.see("L-001")
        await hand.see("Principal: ")
        await hand.press("f9")
        await on(hand, ReviewScreen)
        await hand.see("101.50")
        await hand.deaf_time()
        await hand.press("enter")
        await on(hand, ReceiptScreen)
        await hand.deaf_time()
        await hand.press("escape")  # stay
        await on(hand, LoanScreen)
        await hand.press("escape", "f4")
        await hand.until(lambda: here(hand, "events").item(0).cells[2] == "101.50", "the payment among the events")
        assert hand.app.screen is screen
        await hand.press("f5")
        await on(hand, EntryScreen)
        await hand.type("1")
        await hand.press("f9")
        await on(hand, ReviewScreen)
        await hand.deaf_time()
        await hand.press("enter")
        await on(hand, ReceiptScreen)
        await hand.deaf_time()
        await hand.press("enter")  # next member
        await on(hand, HomeScreen)
        home = hand.app.screen
        assert isinstance(home, HomeScreen)
        assert home.find.value == "" and home.find.has_focus
    assert operations(lent, "repay-loan") == before + 2
    assert_book(lent)


async def test_what_another_terminal_did_is_read(lent: str) -> None:
    async with counter(lent, moment=MOMENT) as hand:
        await opened(hand, TERM)
        other = Bank.open(lent, clock=SetClock(MOMENT))
        with other.read() as books:
            ana = books.actor_now("ana")
        other.perform(ana, other.build("repay-loan", {"loan": TERM, "amount": "33.00"}))
        other.close()
        hand.app._look()
        await hand.press("f4")
        await hand.until(lambda: here(hand, "events").item(0).cells[2] == "33.00", "the payment of the other terminal")


@pytest.mark.parametrize("way", foresight.WAYS)
@pytest.mark.parametrize("amount", ["60.00", "101.22", "650.00"])
def test_what_if_is_what_the_bank_does(lent: str, session: Session, way: str, amount: str) -> None:
    """The split, what is owed and how the loan goes on, told before, are those that the books hold after."""
    minor = round(float(amount) * 100)
    told = foresight.what_if(session, TERM, minor, None)
    course = next((each for each in told.courses if each.way == way), None)
    if course is None:
        assert not told.early and way != "next"
        return
    receipt = session.bank.perform(
        session.actor, session.bank.build("repay-loan", {"loan": TERM, "amount": amount, "early": way})
    )
    notes = dict(receipt.notes)
    assert notes["Interest"] == f"{told.parts.interest / 100:.2f}"
    assert notes["Principal"] == f"{told.parts.principal / 100:.2f}"
    with session.bank.read() as books:
        at = story(books, TERM)
        points = foresight.ahead(account(books, TERM), at.as_of)
    assert at.owed == told.after
    assert (len(points), points[-1].on, points[-1].principal) == (course.payments, course.last, 0)
    assert points[-1].interest - (at.paid_interest - told.parts.interest) == course.interest
    if way == "next":
        assert told.words == at.words


def test_ways_for_early_money_cost_what_one_expects(session: Session) -> None:
    told = foresight.what_if(session, TERM, 65000, None)
    without, following, shorter, lower = told.courses
    assert [each.way for each in told.courses] == ["", *foresight.WAYS]
    assert shorter.interest < lower.interest < without.interest
    assert shorter.last is not None and lower.last is not None and lower.last == without.last
    assert shorter.last < lower.last
    assert lower.following < without.following
    assert following.payments < without.payments


def test_what_closes_a_loan_is_told_for_any_day(session: Session) -> None:
    today = foresight.what_if(session, TERM, 0, None)
    later = foresight.what_if(session, TERM, 0, MOMENT.date() + timedelta(days=30))
    assert later.to_come and not today.to_come
    assert later.payoff > today.payoff
    assert all(each.sentences[0].startswith(f"{each.payoff / 100:,.2f} closes") for each in (today, later))
    closing = foresight.what_if(session, TERM, later.payoff, later.day)
    assert closing.closes and closing.after == 0 and not closing.over
    over = foresight.what_if(session, TERM, later.payoff + 1, later.day)
    assert (over.over, over.parts) == (1, closing.parts)
    line = foresight.what_if(session, LINE, 5000, None)
    assert line.available is not None and not line.courses
    for loan in (SURPLUS, REVENUE):
        found = foresight.what_if(session, loan, 5000, None)
        assert (found.parts.total, found.before - found.after, found.courses) == (5000, 5000, ())
        assert "50.00 =" in what_if_words(found, "USD").plain


REFUSED: list[tuple[str, int, str | None, type[CoopbankError]]] = [
    (GRANTED, 0, None, WrongState), (PAID, 100, None, WrongState), (TERM, 100, "2026-03-01", DayClosed),
    ("L-999", 100, None, Unknown),
]  # fmt: skip


@pytest.mark.parametrize(("loan", "amount", "day", "refusal"), REFUSED)
def test_what_cannot_be_told_is_refused_with_its_reason(
    session: Session, loan: str, amount: int, day: str | None, refusal: type[CoopbankError]
) -> None:
    with pytest.raises(refusal):
        foresight.what_if(session, loan, amount, date.fromisoformat(day) if day else None)


def test_looking_writes_nothing(session: Session, lent: str) -> None:
    def last() -> int:
        with session.bank.database.read() as tx:
            return int(tx.value("SELECT max(id) FROM operation"))

    before = last()
    for loan in EVERY:
        for line in lines_of(loans.loan_view(session, loan)):
            loans.why(session, loan, line)
    foresight.what_if(session, TERM, 65000, None)
    assert last() == before


def test_a_loan_is_shown_alike_on_both_engines(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        small.admit("Ada Abernathy")
        small.do("buy-shares", member="M0001", amount="25.00")
        small.do("receive-gift", by=small.tom, donor="Friends", amount="5000.00", fund="RLF", tender="transfer")
        terms: dict[str, Any] = {
            "principal": "1200.00",
            "annual_rate": "3",
            "installments": 12,
            "first_due": "2026-04-01",
        }
        small.agreed("grant-loan", member="M0001", **terms)
        small.do("disburse-loan", by=small.tom, loan=TERM, tender="transfer")
        small.go_to("2026-04-08")
        small.do("repay-loan", loan=TERM, amount="180.00")
        opened_ = Session(engine_url, clock=small.clock)
        try:
            view = loans.loan_view(opened_, TERM)
            for line in lines_of(view):
                assert loans.why(opened_, TERM, line).sentences
            assert [hit.ref for hit in loans.loans_of_member(opened_, "M0001")] == [TERM]
            assert foresight.what_if(opened_, TERM, 30000, None).early
        finally:
            opened_.close()
        assert_books(small)


def test_ones_own_loan_is_served_by_a_colleague(session: Session) -> None:
    session.actor = Actor("ana", ("teller",), member="M0002")
    assert loans.loan_view(session, TERM).own
    assert not loans.loan_view(session, LINE).own


# ----------------------------------------------------------------------------------------- chart

PICTURE = Picture(
    (Point(date(2026, 1, 1), 1000, 0), Point(date(2026, 1, 11), 600, 40)),
    (Point(date(2026, 1, 21), 0, 50, 610),), date(2026, 1, 11), "USD", False, "",
)  # fmt: skip


def test_a_column_is_what_stood_at_its_end() -> None:
    assert bars(PICTURE, lambda point: point.principal, 4) == [
        Bar(1000, False), Bar(600, False), Bar(600, True), Bar(0, True),
    ]  # fmt: skip
    assert [bar.value for bar in bars(PICTURE, lambda point: point.interest, 2)] == [40, 50]


def test_heights_are_whole_eighths_and_nothing_is_lost() -> None:
    columns = [Bar(1000, False), Bar(500, False), Bar(1, False), Bar(0, False), Bar(1000, True), Bar(1, True)]
    assert drawn(columns, 1000, 2) == ["█   ░ ", "██▁ ░░"]
    assert drawn(columns, 0, 2) == ["      ", "      "]
    assert drawn([Bar(750, False)], 1000, 3) == ["▂", "█", "█"]


async def test_the_chart_reads_without_colour(lent: str) -> None:
    async with counter(lent, moment=MOMENT) as hand:
        await opened(hand, TERM)
        await hand.press("f8")
        await hand.see("Principal owed")
        text = hand.screen_text()
        for said in ("1,200.00", "█", "░", "so far", "to come", "2026-03-02", "2027-03-01", "Interest paid"):
            assert said in text, said
        await hand.pilot.resize_terminal(120, 36)
        await hand.quiet()
        assert_fits(hand, 120, 36)
        await hand.press("escape")
        await hand.burst("escape", *"l-006", "ctrl+l")
        await on(hand, LoanScreen)
        await hand.press("f8")
        await hand.see("Nothing is paid out yet.")
        assert not str(hand.app.screen.query_one("#what-if-result", Static).render())
