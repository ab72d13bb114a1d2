"""What a member statement is drawn from: every movement, in words, with a balance that runs and adds up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from coopbank.bank.lending.accounts import account as loan_account
from coopbank.errors import InvalidDate, Unknown
from coopbank.reports import MemberReport, as_document, member, member_card, portfolio
from coopbank.reports.receipt import operation_paper
from coopbank.tui.widgets.effects import shown_effects
from coopbank.words import speaking
from tests.reports.town import Town
from tests.support_bank import CREDIT_UNION, assert_books, new_bank

MARCH = (date(2026, 3, 1), date(2026, 3, 31))
APRIL = (date(2026, 4, 1), date(2026, 4, 30))
ALL = (date(2026, 3, 1), date(2026, 5, 31))


def report(town: Town, who: str, period: tuple[date, date]) -> MemberReport:
    with town.small.read() as books:
        return member(books, who, *period)


@pytest.mark.parametrize("period", [MARCH, APRIL, ALL, (date(2026, 3, 3), date(2026, 3, 5)), (date(2026, 3, 5),) * 2])
def test_every_account_runs_from_its_opening_to_its_closing(town: Town, period: tuple[date, date]) -> None:
    for who in (town.mia, town.joe, town.new):
        found = report(town, who, period)
        for account in found.accounts:
            balance = account.opening
            for line in account.lines:
                balance += line.money_in - line.money_out
                assert line.balance == balance and period[0] <= line.on <= period[1]
            assert balance == account.closing == account.opening + account.money_in - account.money_out
        for loan in found.loans:
            balance = loan.opening
            for part in loan.lines:
                balance += part.added - part.paid
                assert part.balance == balance and part.paid == part.interest + part.principal
            assert balance == loan.closing == loan.owed_principal + loan.owed_interest
            assert loan.paid.total == sum(part.paid for part in loan.lines)
        had, owed = found.total_had, found.total_owed
        assert had.closing == had.opening + had.money_in - had.money_out
        assert owed.closing == owed.opening + owed.money_in - owed.money_out


def test_one_period_begins_where_the_one_before_it_ended(town: Town) -> None:
    march, april = report(town, town.mia, MARCH), report(town, town.mia, APRIL)
    closing = {a.code: a.closing for a in march.accounts}
    assert all(a.opening == closing[a.code] for a in april.accounts)
    assert [loan.opening for loan in april.loans] == [loan.closing for loan in march.loans]
    assert april.total_had.opening == march.total_had.closing > 0
    assert april.total_owed.opening == march.total_owed.closing > 0


def test_the_closing_balances_are_those_of_the_books(town: Town) -> None:
    found = report(town, town.mia, ALL)
    with town.small.read() as books:
        for account in found.accounts:
            assert account.closing == -books.balance("GEN", account.code)
        (loan,) = found.loans
        assert loan.owed_principal == books.balance("RLF", f"701/{town.loan}") > 0
        assert loan.owed_interest == books.balance("RLF", f"781/{town.loan}")


def test_movements_are_told_in_plain_words(town: Town) -> None:
    found = report(town, town.mia, ALL)
    words = {account.kind: [line.words for line in account.lines] for account in found.accounts}
    assert words["shares"] == ["Shares issued, cash"]
    assert words["subscription"] == ["Paid towards a share, cash", "Used for a share that is now paid in full"]
    assert words["savings"] == [
        "Paid in, cash: market day [red]",
        "Paid in, cheque 311",
        "Paid in, cash",
        f"Correction of receipt {town.mistake}: Paid in, cash",
        "Paid out, cash",
    ]
    assert [line.words for line in found.loans[0].lines] == [
        "Loan paid out, transfer 3001",
        "Interest for March 2026",
        "Interest up to April 16, 2026",
        "Payment, cash",
        "Interest for April 2026",
        "Interest up to May 20, 2026",
        "Payment, cash",
    ]


def test_a_credit_union_says_deposit_and_another_does_not(town: Town, tmp_path) -> None:  # type: ignore[no-untyped-def]
    others = json.dumps(as_document(report(town, town.mia, ALL))).lower()
    assert not [word for word in ("deposit", "apy", "insured") if word in others]
    with new_bank(str(tmp_path / "union.db"), institution_kind=CREDIT_UNION) as small:
        ada = small.admit("Ada Tate")
        small.do("open-savings", member=ada)
        small.do("deposit", member=ada, amount="10.00")
        small.do("withdraw", member=ada, amount="4.00")
        with small.read() as books:
            (savings,) = member(books, ada, *MARCH).accounts
        assert [line.words for line in savings.lines] == ["Deposit, cash", "Withdrawal, cash"]
        assert_books(small)


def test_the_receipt_number_is_the_operation(town: Town) -> None:
    found = report(town, town.mia, ALL)
    paid = [line for line in found.loans[0].lines if line.paid]
    assert [line.receipt for line in paid] == town.payments
    receipt = town.small.bank.receipt(town.payments[0])
    assert receipt.kind == "repay-loan"


def test_a_receipt_of_a_payment_tells_all_that_was_paid(town: Town) -> None:
    """The interest up to that day and the payment of it meet in one entry: a net of them would be neither."""
    with town.small.read() as books:
        for number in town.payments:
            paper = operation_paper(books, number)
            paid = [line for line in paper.lines if line.words.startswith("Payment")]
            assert -sum(line.amount for line in paid) == paper.received
            (accrued,) = [line for line in paper.lines if line.words.startswith("Interest up to")]
            (interest,) = [line for line in paid if line.account == accrued.account]
            assert accrued.amount > 0 and interest.balance == accrued.balance + interest.amount


def test_interest_alone_is_not_shown_as_the_balance_of_its_loan(town: Town) -> None:
    receipt = town.small.bank.receipt(town.payments[0])
    names = [name for name, _before, _after in shown_effects(receipt)]
    assert f"Loan {town.loan}" in names and f"Interest of {town.loan}" not in names
    alone = replace(receipt, effects=tuple(e for e in receipt.effects if e.code != f"701/{town.loan}"))
    names = [name for name, _before, _after in shown_effects(alone)]
    assert f"Interest of {town.loan}" in names and f"Loan {town.loan}" not in names


def test_a_payment_is_shared_as_the_receipt_said(town: Town) -> None:
    april = report(town, town.mia, APRIL).loans[0]
    whole = report(town, town.mia, ALL).loans[0]
    with town.small.read() as books:
        interest = [
            int(amount)
            for (amount,) in books.tx.rows(
                "SELECT p.amount FROM posting p JOIN entry e ON e.id = p.entry_id JOIN account a ON a.id = p.account_id"
                " WHERE e.operation_id = ? AND a.gl_code = '781' AND p.amount < 0",
                town.payments[0],
            )
        ]
    assert april.paid.interest == -interest[0]
    assert april.paid.total == 10400
    assert whole.paid_this_year == whole.paid
    assert whole.paid.total == 12400


def test_a_payment_that_counts_earlier_gives_interest_back(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with new_bank(str(tmp_path / "book.db")) as small:
        ada = small.admit("Ada Tate")
        small.do("receive-gift", by=small.tom, fund="RLF", amount="9000.00", donor="A friend", tender="transfer")
        terms = {"principal": "6000.00", "annual_rate": "9", "installments": 12}
        loan = small.agreed("grant-loan", approver=small.tom, member=ada, **terms).created[0]
        small.do("disburse-loan", by=small.tom, loan=loan)
        small.go_to("2026-04-06")
        small.agreed("close-month", by=small.tom, approver=small.sue, month="2026-03")
        paid = small.do("repay-loan", loan=loan, amount="500.00", value_date="2026-03-30")
        with small.read() as books:
            (found,) = member(books, ada, *APRIL).loans
        notes = dict(paid.notes)
        back, payment = found.lines
        assert back.added < 0 and back.paid == 0
        assert small.text(payment.interest) == notes["Interest"]
        assert small.text(payment.principal) == notes["Principal"]
        assert payment.paid == 50000
        # Interest stands on paper as far as it was brought: here through March, by the close.
        with small.read() as books:
            assert found.closing == loan_account(books, loan).standing(date(2026, 4, 1)).owed
        assert small.text(found.payoff) == notes["Owed after"].replace(",", "")
        small.do("reverse", operation=paid.number, reason="not ours")
        with small.read() as books:
            (after,) = member(books, ada, *APRIL).loans
        assert (after.paid.total, after.closing) == (0, found.opening)
        assert [line.words for line in after.lines][-1] == f"Correction of receipt {paid.number}: Payment, cash"
        assert [line.paid for line in after.lines if line.paid] == [50000, -50000]
        assert_books(small)


def test_held_money_is_told_as_it_was_known_on_the_last_day(town: Town) -> None:
    on_the_fifth = report(town, town.mia, (date(2026, 3, 1), date(2026, 3, 5)))
    savings = next(a for a in on_the_fifth.accounts if a.kind == "savings")
    assert (savings.held, savings.available) == (9000, savings.closing - 9000)
    later = next(a for a in report(town, town.mia, MARCH).accounts if a.kind == "savings")
    assert (later.held, later.available) == (0, later.closing)


def test_a_returned_cheque_is_a_movement_of_its_own_day(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        ada = small.admit("Ada Tate")
        small.do("open-savings", member=ada)
        cheque = small.do("deposit", member=ada, amount="90.00", tender="cheque", cheque_number="77").created[0]
        small.do("bank-cheques", by=small.tom, cheques=[cheque])
        small.go_to("2026-03-09")
        small.do("move-cash", by=small.tom, from_place="FIRST", to_place="VAULT", amount="50.00")
        small.go_to("2026-03-10")
        small.do("withdraw", member=ada, amount="30.00")
        small.do("receive-gift", by=small.tom, fund="GEN", amount="500.00", donor="A friend", tender="transfer")
        small.do("return-cheque", by=small.tom, cheque=cheque)
        with small.read() as books:
            found = member(books, ada, *MARCH)
            card = member_card(books, ada)
        savings, owing = found.accounts
        assert [line.words for line in savings.lines][-1] == "Cheque 77 came back unpaid"
        assert (savings.kind, savings.closing) == ("savings", 0)
        assert (owing.kind, owing.owed, owing.closing) == ("owing", True, 3000)
        assert (found.total_had.closing, found.total_owed.closing) == (0, 3000)
        assert (card.owing, card.savings[0].balance) == (3000, 0)
        assert_books(small)


def test_a_loan_that_is_granted_shows_and_owes_nothing(town: Town) -> None:
    (loan,) = report(town, town.joe, MARCH).loans
    assert (loan.ref, loan.state, loan.closing, loan.lines) == (town.granted, "granted", 0, ())


def test_what_did_not_exist_yet_is_not_shown(town: Town) -> None:
    first_days = report(town, town.mia, (date(2026, 3, 2), date(2026, 3, 4)))
    assert [a.kind for a in first_days.accounts] == ["subscription", "savings"]
    assert first_days.loans == ()


def test_a_member_with_next_to_nothing(town: Town) -> None:
    found = report(town, town.new, APRIL)
    assert [(a.kind, a.lines, a.closing) for a in found.accounts] == [("shares", (), 2500)]
    assert (found.loans, found.late, found.address) == ((), (), "")


def test_the_period_must_have_begun_and_not_be_turned_round(town: Town) -> None:
    with pytest.raises(InvalidDate) as early:
        report(town, town.mia, (date(2026, 7, 1), date(2026, 7, 31)))
    with pytest.raises(InvalidDate) as turned:
        report(town, town.mia, (MARCH[1], MARCH[0]))
    with pytest.raises(Unknown) as nobody:
        report(town, "M9999", MARCH)
    assert (early.value.field, turned.value.field, nobody.value.field) == ("from", "to", "member")
    assert report(town, town.mia, ALL).complete is False
    assert report(town, town.mia, MARCH).complete is True


def test_only_back_dated_lines_are_late_and_a_close_is_not(town: Town) -> None:
    march = report(town, town.mia, MARCH)
    interest = march.loans[0].lines[-1]
    assert (interest.on, interest.posted_on, interest.late) == (date(2026, 3, 31), date(2026, 4, 6), False)
    assert march.late == ()


def test_a_line_back_dated_into_the_period_is_told(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        small.do("receive-gift", by=small.tom, fund="GEN", amount="500.00", donor="A friend", tender="transfer")
        ada = small.admit("Ada Tate")
        small.do("buy-shares", member=ada, amount="25.00")
        small.go_to("2026-03-05")
        lines = [f"GEN 791/{ada} Dr 12.00", "GEN 731/FIRST Cr 12.00"]
        small.go_to("2026-04-02")
        small.agreed(
            "journal-entry",
            by=small.tom,
            approver=small.sue,
            memo="Paid for her",
            lines=lines,
            effective_on="2026-03-05",
        )
        with small.read() as books:
            found = member(books, ada, *MARCH)
        assert [(line.on, line.posted_on) for line in found.late] == [(date(2026, 3, 5), date(2026, 4, 2))]
        assert_books(small)


def test_words_are_those_of_the_language_in_force(town: Town) -> None:
    with speaking("es"):
        assert "mayo" in report(town, town.mia, ALL).loans[0].lines[-2].words
    assert "May 20, 2026" in report(town, town.mia, ALL).loans[0].lines[-2].words


# --------------------------------------------------------------------- card and portfolio


def test_the_card_says_what_is_available_and_what_is_due(town: Town) -> None:
    with town.small.read() as books:
        card, joe = member_card(books, town.mia), member_card(books, town.joe)
        savings = -books.balance("GEN", f"905/{town.mia}")
    (account,) = card.savings
    assert (account.balance, account.held, account.available) == (savings, 0, savings)
    (loan,) = card.loans
    assert loan.due_now > 0 and loan.days_late == 4
    assert loan.words == f"{town.small.text(loan.due_now)} due, 4 days late, since May 16, 2026"
    assert [s.words for s in joe.shares] == ["1 share of 25.00", "3 shares of 100.00 each"]
    assert joe.loans[0].words == "not paid out yet"
    assert as_document(card)["savings"][0]["available"] == town.small.text(savings)


def test_the_card_shows_what_is_held_and_what_is_half_paid(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        ada = small.admit("Ada Tate")
        small.do("buy-shares", member=ada, amount="7.50")
        small.do("open-savings", member=ada)
        small.do("deposit", member=ada, amount="10.00")
        small.do("deposit", member=ada, amount="90.00", tender="cheque", cheque_number="77")
        asked = small.ask("redeem-shares", member=ada, amount="7.50", subscription=True)
        with small.read() as books:
            card = member_card(books, ada)
        (savings,) = card.savings
        assert (savings.balance, savings.held, savings.available) == (10000, 9000, 1000)
        assert [(s.paid_up, s.words) for s in card.shares] == [(False, "7.50 paid towards a share of 25.00")]
        assert card.waiting == (asked.request,)
        assert_books(small)


def test_the_portfolio_is_by_days_late_and_tells_what_is_at_risk(town: Town) -> None:
    with town.small.read() as books:
        now = portfolio(books)
        owed = books.balance("RLF", f"701/{town.loan}")
        granted = books.balance("RLF", f"M40/{town.granted}")
        much_later = portfolio(books, date(2026, 8, 30))
        before = portfolio(books, date(2026, 3, 10))
    assert (now.owed, now.granted, now.at_risk_30, now.par30_bp) == (owed, granted, 0, 0)
    assert [(b.name, b.loans) for b in now.buckets if b.loans] == [("1 to 30 days late", 1)]
    assert sum(b.owed for b in now.buckets) == now.owed
    assert (much_later.at_risk_90, much_later.par90_bp) == (owed, 10000)
    assert (before.loans, before.owed, before.par30_bp) == ((), 0, 0)
