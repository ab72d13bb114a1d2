"""A loan's story and its figures in plain words, and the member's paper, for every kind of loan.

The books of one bank with all kinds (borrowers.py) are read; what is explained is held against what was posted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest

from coopbank.bank.books import Books
from coopbank.bank.lending.accounts import account, account_on
from coopbank.bank.lending.position import loan_position
from coopbank.errors import Unknown, WrongState
from coopbank.finance.terms import LoanTerms
from coopbank.reports import as_document, member, member_card
from coopbank.reports.explained import QUESTIONS, Explained, explain, explain_terms
from coopbank.reports.loan import LoanStory, story
from coopbank.reports.movements import is_of_loan
from coopbank.reports.sentences import SENTENCES
from coopbank.words import speaking
from tests.reports.borrowers import KINDS, Borrowers
from tests.support_bank import new_bank

START, END = date(2026, 3, 1), date(2026, 7, 8)
MONTHS = [(date(2026, m, 1), date(2026, m, last)) for m, last in ((3, 31), (4, 30), (5, 31), (6, 30))]
OWED = ("shared", "surplus", "revenue", "line", "lost", "eased", "fresh")


@pytest.fixture
def books(made: Borrowers) -> Iterator[Books]:
    with made.small.read() as found:
        yield found


def leaves(books: Books, loan: str, upto: date) -> dict[str, int]:
    """What the loan's own leaves hold at the end of a day, over all its funds, counted from the postings."""
    return {
        code: int(net)
        for code, net in books.tx.rows(
            "SELECT a.gl_code, sum(p.amount) FROM posting p JOIN account a ON a.id = p.account_id"
            " JOIN entry e ON e.id = p.entry_id WHERE a.contract = ? AND e.effective_on <= ? GROUP BY a.gl_code",
            loan, upto.isoformat(),
        )
    }  # fmt: skip


def posted(books: Books, operation: int, code: str, *, credits: bool = False) -> int:
    """What an operation posted to an account, in all funds; its credits alone if asked."""
    found = books.tx.value(
        "SELECT sum(p.amount) FROM posting p JOIN account a ON a.id = p.account_id JOIN entry e ON e.id = p.entry_id"
        " WHERE e.operation_id = ? AND a.gl_code = ? AND (p.amount < 0 OR ?)",
        operation, code, not credits,
    )  # fmt: skip
    return int(found or 0)


# ------------------------------------------------------------------------------ the member's paper


def test_the_paper_is_the_contract_whatever_the_books_recognise(made: Borrowers, books: Books) -> None:
    shown = {loan.ref: loan for loan in member(books, made.member, START, END).loans}
    for name in OWED:
        loan = shown[made[name]]
        held = account(books, loan.ref)
        accrued_to = date.fromisoformat(str(held.body.accrued_to))
        assert loan.closing == held.standing(max(accrued_to, END if name == "revenue" else accrued_to)).owed, name
        own = leaves(books, loan.ref, END)
        assert loan.closing == sum(own.get(code, 0) for code in ("701", "781", "791", "M10", "M20")) > 0
        assert loan.owed_principal + loan.owed_interest + loan.owed_fees == loan.closing
    assert leaves(books, made["surplus"], END)["M10"] == 0
    assert leaves(books, made["lost"], END)["M20"] == shown[made["lost"]].closing
    assert (shown[made["old"]].closing, shown[made["old"]].state) == (0, "paid")
    assert (shown[made["granted"]].closing, shown[made["granted"]].lines) == (0, ())


@pytest.mark.parametrize("month", MONTHS, ids=lambda month: f"{month[0]:%Y-%m}")
def test_a_month_closes_at_what_the_contract_says_through_its_last_day(
    made: Borrowers, books: Books, month: tuple[date, date]
) -> None:
    for loan in member(books, made.member, *month).loans:
        balance = loan.opening
        for line in loan.lines:
            balance += line.added - line.paid
            assert line.balance == balance and line.paid == line.fees + line.interest + line.principal
        assert balance == loan.closing
        assert loan.paid.total == loan.paid.fees + loan.paid.interest + loan.paid.principal
        if loan.state in ("active", "charged-off"):
            known = account_on(books, loan.ref, month[1])
            assert loan.closing == known.standing(month[1] + timedelta(days=1)).owed, loan.ref


def test_what_moves_between_memo_and_books_is_no_line(made: Borrowers, books: Books) -> None:
    shown = {loan.ref: loan for loan in member(books, made.member, START, END).loans}
    words = {name: [line.words for line in shown[made[name]].lines] for name in made.loans if made[name] in shown}
    assert words["lost"] == [
        "Loan paid out, transfer", "Interest for March 2026", "Interest for April 2026",
        "Interest up to May 14, 2026",  # and it went on non-accrual
        "Interest up to May 20, 2026", "Payment, transfer", "Interest for May 2026",
        "Interest up to June 15, 2026",  # and it was charged off
        "Payment, transfer",
    ]  # fmt: skip
    lost = [line for line in shown[made["lost"]].lines if line.paid]
    assert [(line.interest, line.principal) for line in lost] == [(5195, 4805), (0, 5000)]
    assert words["surplus"].count("Interest for March 2026") == 1
    assert "Late fee" in words["shared"] and "Interest corrected: paid on May 10, 2026" in words["shared"]
    assert words["eased"][8:10] == ["Interest waived", "Part of the loan that you need not repay"]
    mistake = made.numbers["mistake"]
    assert f"Correction of receipt {mistake}: Payment, transfer" in words["eased"]
    assert words["revenue"] == ["Cost of the loan", "Loan paid out, transfer", "Payment, transfer"]
    assert words["old"][-1] == f"Paid off by loan {made['fresh']}"
    assert words["fresh"][0] == f"Pays off loan {made['old']}"


def test_what_is_due_on_a_loan_repaid_by_reports_is_told(made: Borrowers, books: Books) -> None:
    shown = {loan.ref: loan for loan in member(books, made.member, START, END).loans}
    assert shown[made["surplus"]].reports == (
        "Nothing is due: what the reports asked for is paid.",
        "Report for June 2, 2026 to September 1, 2026 is due by October 2, 2026.",
    )
    assert shown[made["shared"]].reports == ()
    card = {loan.ref: loan.words for loan in member_card(books, made.member).loans}
    assert card[made["surplus"]] == " ".join(shown[made["surplus"]].reports)
    assert card[made["lost"]] == "charged off, still owed"
    waiting = loan_position(books, made["surplus"], date(2026, 6, 6))
    from coopbank.reports.loan_words import due_words, report_words

    assert report_words(waiting)[0] == "Nothing is due: no report is accepted yet."
    assert report_words(waiting)[1] == "The report for March 2, 2026 to June 1, 2026 waits to be accepted."
    accepted = loan_position(books, made["surplus"], date(2026, 6, 9))
    assert due_words(accepted, "USD") == "2,000.00 due in 29 days, July 8, 2026"
    overdue = loan_position(books, made["surplus"], date(2026, 10, 5))
    assert report_words(overdue)[1] == (
        "Report for June 2, 2026 to September 1, 2026 was due by October 2, 2026 and is 3 days late."
    )


# -------------------------------------------------------------------------------------- the story


def test_a_story_tells_everything_and_is_one_json_document(made: Borrowers, books: Books) -> None:
    for name, ref in made.loans.items():
        found = story(books, ref)
        document = as_document(found)
        assert json.loads(json.dumps(document)) == document
        assert (document["loan"], document["member"], document["purpose"]) == (ref, made.member, f"For {name}")
        assert found.books == {
            code: leaves(books, ref, END).get(code, 0) for code in ("701", "781", "791", "M10", "M20", "M30", "M40")
        }
        assert [each.number for each in found.events] == list(range(1, len(found.events) + 1))
        assert found.owed == found.owed_principal + found.interest_to_date + found.owed_fees


def test_the_story_of_a_loan_of_two_funds_with_a_late_fee(made: Borrowers, books: Books) -> None:
    found = story(books, made["shared"])
    assert [(part.fund, part.percent) for part in found.funds] == [("RLF", "60"), ("GEN", "40")]
    assert (found.granted_by, found.approved_by, found.product_title) == ("ana", "tom", "Loan with a late fee")
    (terms,) = found.terms
    assert (terms.asked_by, terms.approved_by, terms.late_fee) == (
        "ana", "tom", "5 % of the late payment after 10 days",
    )  # fmt: skip
    told = [(each.type, each.on, each.posted_on, each.operation) for each in found.events]
    assert told[-1] == ("payment", date(2026, 5, 10), date(2026, 5, 20), made.numbers["typed late"])
    assert found.events[2].words == "Fee of 26.88, for the payment due on 2026-05-02"
    assert (found.days_late, found.bucket, len(found.rows)) == (67, "61-90", 24)
    assert as_document(found)["events"][2]["amounts"] == {"amount": "26.88"}


def test_changes_of_the_terms_say_who_and_why(made: Borrowers, books: Books) -> None:
    found = story(books, made["eased"])
    first, second = found.terms
    assert (first.change, second.change, second.why) == ("granted", "rate", "By R-12")
    assert (second.changed, second.words) == (("annual_rate",), "annual_rate 10, now 6")
    assert (second.asked_by, second.approved_by, second.operation) == ("ana", "tom", made.numbers["rate"])
    back = [each for each in found.events if each.taken_back_by is not None]
    assert [each.operation for each in back] == [made.numbers["mistake"]]
    assert found.due_before == 34774 and found.due_now == found.due_before + found.rows[0].payment


def test_a_past_day_is_as_the_books_knew_it_and_a_day_to_come_a_projection(made: Borrowers, books: Books) -> None:
    before = story(books, made["shared"], date(2026, 5, 15))
    assert [each.type for each in before.events] == ["advance", "payment", "fee"]
    assert (before.paid_principal, before.projected) == (45658, False)
    mistaken = story(books, made["eased"], date(2026, 6, 14))
    assert all(each.taken_back_by is None for each in mistaken.events)
    assert [terms.version for terms in story(books, made["eased"], date(2026, 5, 1)).terms] == [1]
    later = story(books, made["shared"], date(2026, 12, 31))
    assert later.projected and later.owed > story(books, made["shared"]).owed
    assert later.payoff == loan_position(books, made["shared"], date(2026, 12, 31)).payoff
    with pytest.raises(Unknown) as early:
        story(books, made["shared"], date(2020, 1, 1))
    assert early.value.field == "as_of"


def test_collateral_stands_in_the_story(tmp_path: Any) -> None:
    with new_bank(str(tmp_path / "book.db")) as small:
        small.do("receive-gift", by=small.tom, fund="RLF", amount="9000.00", donor="A friend", tender="transfer")
        ada = small.admit("Ada Tate")
        loan = small.agreed("grant-loan", member=ada, principal="900.00", annual_rate="6", installments=12).created[0]
        paid = small.do("disburse-loan", by=small.tom, loan=loan).number
        small.agreed("pledge-collateral", loan=loan, asset="A cooler", cost="700.00", paid_from=paid)
        with small.read() as books:
            (pledged,) = story(books, loan).collateral
        assert (pledged.asset, pledged.cost, pledged.paid_from, pledged.state) == ("A cooler", 70000, paid, "pledged")


# ------------------------------------------------------------------------------------- explanations


def answered(books: Books, ref: str, what: Any, value: Any = None, as_of: date | None = None) -> Explained:
    found = explain(books, ref, what, value, as_of)
    for part in found.parts:
        assert part.explanation.expression.value == part.explanation.amount
        assert part.explanation.sentence.endswith(".") and "{" not in part.explanation.sentence
    json.dumps(found.as_document())
    return found


def test_every_row_is_explained_as_it_stands(made: Borrowers, books: Books) -> None:
    for name in ("shared", "eased", "fresh", "granted"):
        for row in loan_position(books, made[name], END).rows:
            told = {part.of: part.explanation.amount for part in answered(books, made[name], "row", row.n).parts}
            assert (told["payment"], told["interest"], told["principal"], told["balance"]) == (
                row.payment, row.interest, row.principal, row.balance,
            )  # fmt: skip
    assert answered(books, made["shared"], "row", 3).sentences[1] == (
        "Interest of 68.13 = 11,065.13 × 7.25 % × 31 days / 365."
    )


def payments(books: Books, ref: str) -> list[tuple[int, int, int, int]]:
    """Operation, amount, interest and principal of every payment."""
    found: LoanStory = story(books, ref)
    return [
        (each.operation, each.amounts["amount"], each.paid_interest, each.paid_principal)
        for each in found.events
        if each.type == "payment"
    ]


def test_every_payment_is_explained_as_it_was_posted(made: Borrowers, books: Books) -> None:
    counted = 0
    for name, ref in made.loans.items():
        for operation, amount, interest, principal in payments(books, ref):
            counted += 1
            found = answered(books, ref, "operation", operation)
            assert found.amount == amount == interest + principal
            if name in ("shared", "surplus", "line", "old", "eased"):
                told = {part.of: part.explanation.amount for part in found.parts}
                assert told["interest"] == interest and told["principal"] == principal
                assert posted(books, operation, "701") == -principal or name == "old"
                late = operation == made.numbers["typed late"]  # its entry takes back interest too
                assert posted(books, operation, "781", credits=True) == -interest or late
            funds = [part.explanation.amount for part in found.parts if part.of.startswith("fund ")]
            assert sum(funds) == (amount if name == "shared" else 0)
    assert counted == 10
    cash = books.tx.rows(
        "SELECT a.fund, sum(p.amount) FROM posting p JOIN account a ON a.id = p.account_id"
        " JOIN entry e ON e.id = p.entry_id WHERE e.operation_id = ? AND a.gl_code = '729' GROUP BY a.fund",
        made.numbers["first of shared"],
    )  # fmt: skip
    found = answered(books, made["shared"], "operation", made.numbers["first of shared"])
    assert {f"fund {fund}": int(net) for fund, net in cash} == {
        part.of: part.explanation.amount for part in found.parts if part.of.startswith("fund ")
    }
    assert found.sentences == (
        "Payment of 540.00 = 83.42 of interest + 456.58 of principal.",
        "Interest of 83.42 = 12,000.00 × 7.25 % × 35 days / 365.",
        "Principal of 456.58 = payment of 540.00 − interest of 83.42.",
        "RLF gets 324.00 of it = 50.05 of interest + 273.95 of principal; its share of the loan is 60 %.",
        "GEN gets 216.00 of it = 33.37 of interest + 182.63 of principal; its share of the loan is 40 %.",
    )


def test_the_interest_of_a_month_is_explained_as_it_was_posted(made: Borrowers, books: Books) -> None:
    for name in ("shared", "surplus", "line", "lost", "eased", "old", "fresh"):
        lines = {loan.ref: loan for loan in member(books, made.member, START, END).loans}[made[name]].lines
        for first, last in MONTHS:
            in_month = sum(
                line.added for line in lines if first <= line.on <= last and "nterest" in line.words
                and "waived" not in line.words
            )  # fmt: skip
            found = answered(books, made[name], "accrual", first)
            assert found.amount == in_month, (name, first)
    assert answered(books, made["shared"], "accrual", date(2026, 3, 1)).sentences == (
        "Interest of 71.51 = 12,000.00 × 7.25 % × 30 days / 365.",
    )


def test_a_payoff_is_explained_on_any_day(made: Borrowers, books: Books) -> None:
    for name in OWED:
        for day in (date(2026, 7, 8), date(2026, 7, 31), date(2027, 1, 15)):
            found = answered(books, made[name], "payoff", day)
            assert found.amount == loan_position(books, made[name], day).payoff
            interest = next((part.explanation for part in found.parts if part.of == "interest"), None)
            if interest is not None:
                standing = account(books, made[name]).standing(day)
                assert interest.amount == found.amount - standing.principal - standing.fees
    with pytest.raises(WrongState):
        explain(books, made["granted"], "payoff", END)


def test_what_is_due_is_explained(made: Borrowers, books: Books) -> None:
    for ref in made.loans.values():
        for day in (date(2026, 6, 30), END, date(2026, 7, 20), date(2027, 6, 1)):
            expected = loan_position(books, ref, day).due_now
            assert answered(books, ref, "due", as_of=day).amount == expected, (ref, day)
    assert answered(books, made["shared"], "due").sentences == (
        "1,341.88 is due on 2026-07-08 = 2,155.00 asked for up to then − 840.00 paid + 26.88 of fees.",
    )
    assert answered(books, made["surplus"], "due", as_of=date(2026, 6, 6)).sentences == (
        "Nothing is due on 2026-06-06: no report is accepted yet.",
    )


def test_reports_are_explained_as_they_were_posted(made: Borrowers, books: Books) -> None:
    accepted = answered(books, made["surplus"], "operation", made.numbers["accepted surplus"])
    told = {part.of: part.explanation for part in accepted.parts}
    assert told["income"].amount == -posted(books, made.numbers["accepted surplus"], "111") > 0
    assert told["ceiling"].amount == 200000 == answered(books, made["surplus"], "ceiling", 1).amount
    cap = answered(books, made["surplus"], "cap")
    assert cap.sentences[0] == (
        "Interest of 1,861.92 can still be taken = 50 % of the surplus of 4,000.00 so far − 138.08 taken."
    )
    income = sum(-net for (net,) in books.tx.rows(
        "SELECT sum(p.amount) FROM posting p JOIN account a ON a.id = p.account_id JOIN entry e ON e.id = p.entry_id"
        " WHERE a.gl_code = '111' AND e.memo LIKE ?", f"%{made['surplus']}%",
    ))  # fmt: skip
    at_the_close = answered(books, made["surplus"], "cap", as_of=date(2026, 7, 1))
    assert {part.of: part.explanation.amount for part in at_the_close.parts}["income"] == income
    assert answered(books, made["revenue"], "ceiling", 1).sentences == (
        "At most 500.00 is due = 5 % of the revenue of 10,000.00.",
    )


def test_late_fees_are_explained_as_they_were_posted(made: Borrowers, books: Books) -> None:
    charged = answered(books, made["shared"], "operation", made.numbers["fee"])
    assert charged.amount == posted(books, made.numbers["fee"], "791") == 2688
    assert charged.sentences == ("Late fee of 26.88 = 5 % of the 537.50 not paid of what was due on 2026-05-02.",)
    assert answered(books, made["shared"], "late-fee").sentences == (
        "Late fee of 26.94 = 5 % of the 538.75 not paid of what was due on 2026-06-02.",
    )
    assert answered(books, made["eased"], "late-fee").sentences == ("No late fee: the terms of this loan have none.",)
    assert answered(books, made["surplus"], "late-fee").amount == 0


def test_an_operation_is_explained_by_what_was_known_then(made: Borrowers, books: Books) -> None:
    taken_back = answered(books, made["eased"], "operation", made.numbers["mistake"])
    assert taken_back.sentences[0] == "Payment of 50.00 = 27.67 of interest + 22.33 of principal."
    with pytest.raises(Unknown) as other:
        explain(books, made["eased"], "operation", made.numbers["first of shared"])
    assert other.value.field == "operation"


@pytest.mark.parametrize(
    ("name", "what", "value", "field"),
    [
        ("shared", "row", 25, "row"), ("surplus", "row", 1, "row"), ("shared", "cap", None, "cap"),
        ("shared", "ceiling", 1, "ceiling"), ("surplus", "ceiling", 2, "ceiling"), ("surplus", "ceiling", 9, "ceiling"),
        ("revenue", "cap", None, "cap"), ("revenue", "accrual", date(2026, 3, 1), "accrual"),
        ("shared", "operation", 1, "operation"),
    ],
)  # fmt: skip
def test_what_a_loan_has_not_is_refused(
    made: Borrowers, books: Books, name: str, what: Any, value: Any, field: str
) -> None:
    with pytest.raises((Unknown, WrongState)) as refused:
        explain(books, made[name], what, value)
    assert refused.value.field == field


def test_a_document_without_books_is_explained() -> None:
    terms = LoanTerms.read({"disbursements": [{"date": "2026-01-15", "amount": "10000.00"}], "annual_rate": "5",
                            "installments": 24, "every": {"months": 1}, "first_due": "2026-02-14"})  # fmt: skip
    found = explain_terms(terms, 1)
    assert found.sentences[1] == "Interest of 41.10 = 10,000.00 × 5 % × 30 days / 365."
    assert (found.loan, found.as_of) == (None, None)


def test_sentences_are_in_the_language_in_force_and_figures_are_exact(made: Borrowers, books: Books) -> None:
    found = explain(books, made["shared"], "accrual", date(2026, 3, 1))
    assert found.parts[0].explanation.expression.value == Fraction(7151)
    with speaking("es"):
        assert found.sentences[0].startswith("Inter") and "71.51" in found.sentences[0]
    assert set(QUESTIONS) >= {"row", "due"} and all(text.strip() for text in SENTENCES.values())
    assert set(KINDS) <= set(made.loans)
    assert is_of_loan("791", made["shared"]) and not is_of_loan("791", made.member)
