"""The money of the demonstration's funds: notes, a funder's programme, land, a loss, and the composters' loans.

Scenes of the calendar in demo_commons.py. Notes are taken by class, and one is renewed; a funder's programme lends by
its own rules; a conditional grant is income when its condition is met; the land trust buys a parcel; Black Gold
Composting borrows by vote, one loan repaid out of its surplus, one sold in part to a peer; one loan is lost, its loss
goes down the waterfall, and what comes back later goes up it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from coopbank.bank import records
from coopbank.bank.borrowers import exposure
from coopbank.bank.lending.position import loan_position
from coopbank.demo_commons import COMPOSTERS, LATEST, by_name, call, fact, people, side
from coopbank.demo_loans import next_month
from coopbank.money import format_amount

if TYPE_CHECKING:
    from coopbank.demo import Town
    from coopbank.demo_commons import Scene

COUNTY: Final = "Hinds County"
WATERFALL: Final = ("allowance", "reserve RESERVE keeps 2500.00", "notes B", "notes A", "shares 903", "shares 901")


def scenes() -> Iterator[tuple[date, Scene]]:
    """The days on which something happens to a fund."""
    yield date(2024, 12, 17), _notes
    yield date(2025, 1, 6), _programme
    yield date(2025, 1, 7), _conditional_grant
    yield date(2025, 2, 3), _loan_that_will_be_lost
    yield date(2025, 2, 10), _composters_apply
    yield date(2025, 4, 21), lambda town, day: _grant_spent(town, "800.00", "trainers of the winter course")
    yield date(2025, 5, 5), lambda town, day: _programme_loan(town, 4500)
    yield date(2025, 9, 15), lambda town, day: _grant_spent(town, "1200.00", "books for the co-op school")
    yield date(2025, 10, 6), lambda town, day: _gives_up(town)
    yield date(2025, 10, 20), _call_on_the_loss
    yield date(2025, 12, 16), _renewal
    yield date(2026, 4, 13), lambda town, day: _programme_loan(town, 6000)
    yield date(2026, 5, 18), lambda town, day: _recovered(town)
    yield date(2026, 6, 22), _call_on_another_loss
    for year in range(2025, LATEST):
        yield date(year, 11, 3), lambda town, _day: _interest_of_the_year(town)
        for month in range(1, 13):
            yield date(year, month, 12), _monthly


# ------------------------------------------------------------------------- notes, programme, grant


def _notes(town: Town, day: date) -> None:
    """The classes that the assembly voted, the waterfall, and two notes more: one junior, one that is short."""
    if not fact(town, "set-loss-waterfall"):
        return
    for note_class, title, rank, rate, most in (
        ("A", "Senior notes", 1, "2", "150000.00"), ("B", "First-loss notes", 2, "0", "20000.00"),
    ):  # fmt: skip
        town.do("dell", "define-note-class", note_class=note_class, class_title=title, rank=rank, most_rate=rate,
                ceiling=most, resolution=fact(town, f"define-note-class {note_class}"))  # fmt: skip
    town.do("dell", "set-loss-waterfall", fund="RLF", steps=list(WATERFALL),
            resolution=fact(town, "set-loss-waterfall"))  # fmt: skip
    for number, lender, amount, rate, due, note_class in (
        ("N-003", "Old Capitol Congregation", "5000.00", "0", date(day.year + 6, 1, 2), "B"),
        ("N-004", "Tougaloo Teachers' Circle", "10000.00", "2", date(day.year + 1, 12, 17), "A"),
    ):
        town.do("dell", "issue-note", number=number, lender=lender, amount=amount, annual_rate=rate,
                note_class=note_class, due_on=due.isoformat(), tender="transfer")  # fmt: skip
    side(town).facts["short note"] = "N-004"


def _interest_of_the_year(town: Town) -> None:
    """The foundation's note pays its interest each autumn."""
    town.do("dell", "repay-note", note="N-001", amount="0.00", cheque_number="2402")


def _renewal(town: Town, day: date) -> None:
    """The short note falls due: a part is paid back, its interest too, and the rest is renewed."""
    if fact(town, "short note"):
        until = date(day.year + 3, 12, 17).isoformat()
        town.do("dell", "repay-note", note="N-004", amount="4000.00", renew_until=until, cheque_number="2401")


def _programme(town: Town, _day: date) -> None:
    """The county's money is lent by the county's rules, and a funder may see that it is."""
    town.do("dell", "open-fund", code="CTY", fund_name="County small-business programme", fund_class="revolving")
    town.do("dell", "receive-gift", number="G-20", donor="County development office", fund="CTY", amount="20000.00",
            purpose="lending to small businesses of the county", tender="transfer")  # fmt: skip
    town.do(
        "dell", "set-programme", fund="CTY", funder="County development office", agreement="CDO-25-07", least_rate="2",
        most_rate="4", largest_loan="6000.00", places=COUNTY, reserve="cash", reserve_percent="5",
        reserve_account="RESERVE",
    )  # fmt: skip
    side(town).facts["programme"] = "CTY"


def _programme_loan(town: Town, principal: int) -> None:
    """The programme lends to a co-op that has no loan yet, or else to the one that owes least."""
    coops = [each for each in reversed(list(town.coops.values())) if each != town.coops.get(COMPOSTERS)]
    with town.bank.read() as books:
        owes = {each: exposure(books, each).total for each in coops}
        away = {books.get(records.Loan, loan).member for loan in side(town).lost}
    climbing = sorted((owed, each) for each, owed in owes.items() if each not in away)
    member = _without_a_loan(town, coops) or (climbing[0][1] if climbing else None)
    if fact(town, "programme") and member:
        loan = lend(town, member, principal, fund="CTY", annual_rate="3", installments=36, place=COUNTY,
                    purpose="tools and a van")  # fmt: skip
        side(town).facts.setdefault("programme loan", loan)


def _conditional_grant(town: Town, _day: date) -> None:
    """Money that is owed back until its condition is met (862)."""
    town.do("dell", "open-fund", code="CG1", fund_name="Training grant, conditional", fund_class="conditional")
    town.do("dell", "receive-grant", number="CG1", funder="City training board", fund="CG1", amount="3000.00",
            condition="courses are held and paid for", tender="transfer")  # fmt: skip


def _grant_spent(town: Town, amount: str, evidence: str) -> None:
    """Eligible cost: the condition is met for so much, it is income and released, and the expense is paid."""
    town.do("dell", "earn-grant", grant="CG1", amount=amount, expense="290", evidence=evidence, tender="transfer")


# ------------------------------------------------------------------------------------------ lending


def lend(town: Town, member: str, principal: int, **terms: Any) -> str:
    """A loan of this side, granted and paid out; its number."""
    terms.setdefault("product", "TERM")
    receipt = town.do("marcus", "grant-loan", member=member, principal=f"{principal}.00", **terms)
    loan = next(ref for ref in receipt.created if ref.startswith("L-"))
    side(town).loans.append(loan)
    town.borrowers.add(member)
    town.do("dell", "disburse-loan", loan=loan, cheque_number=str(2500 + len(side(town).loans)))
    return loan


def _without_a_loan(town: Town, members: list[str]) -> str | None:
    composters = town.coops.get(COMPOSTERS)
    return next((member for member in members if member not in town.borrowers and member != composters), None)


def repayments(town: Town, day: date) -> None:
    """Borrowers of this side pay when something is due, soon after."""
    commons = side(town)
    for loan in commons.loans:
        if loan in commons.lost:
            continue
        with town.bank.read() as books:
            position = loan_position(books, loan, day)
        if position.state == "active" and position.due_now > 0 and town.chance.random() < 0.7:
            town.do("imani", "repay-loan", loan=loan, amount=format_amount(position.due_now), tender="transfer")


def _monthly(town: Town, day: date) -> None:
    """Reports of the composters' surplus, and what a peer's part brought in goes to the peer."""
    loan = fact(town, "surplus loan")
    if loan is not None:
        with town.bank.read() as books:
            position = loan_position(books, loan, day)
        for row in position.periods:
            if position.state == "active" and row.report in ("awaited", "overdue") and row.end <= day:
                surplus = f"{town.chance.randrange(1200, 4801, 100)}.00"
                town.do("marcus", "file-report", loan=loan, period=row.number, surplus=surplus)
                town.do("dell", "accept-report", loan=loan, period=row.number)
    with town.bank.read() as books:
        held = -books.balance("RLF", "831/PF-2")
    if fact(town, "sold loan") and held:
        town.do("dell", "remit-participation", peer="PF-2")


# ------------------------------------------------------------------------------------ the composters


def _composters_apply(town: Town, day: date) -> None:
    """Two applications with their credit memos; the loan committee is called to decide."""
    member = town.coops.get(COMPOSTERS)
    if member is None or not fact(town, "loans decided"):
        return
    for name, product, amount, purpose, memo in (
        ("surplus loan", "SURPLUS", "6000.00", "working capital until the piles are ripe",
         "Two seasons of sales to gardens; repays out of what is left after wages, nothing in a bad half-year."),
        ("sold loan", "SEASON", "18000.00", "a screener and a loader",
         "Landscapers have ordered for three springs; payments fall due after each; a peer fund takes two fifths."),
    ):  # fmt: skip
        asked = town.do("nia", "apply-for-loan", member=member, product=product, amount=amount, purpose=purpose)
        application = next(ref for ref in asked.created if ref.startswith("A-"))
        side(town).facts |= {f"application, {name}": application, f"purpose, {name}": purpose}
        town.do("marcus", "write-credit-memo", application=application, terms=f"{amount}, {purpose}", memo=memo)
        town.do("marcus", "consent-to-share", application=application, consent="yes", how="signed at the counter")
    call(town, day, "LOANS", 3, "two loans to the composting co-op", _composters_voted)


def _composters_voted(town: Town, day: date, meeting: str) -> None:
    """By name; a member of the committee who works there stands back."""
    member = town.coops[COMPOSTERS]
    for name, amount, terms in (
        ("surplus loan", 6000, {"product": "SURPLUS", "every": "6 months", "report_days": 45,
                                "outer_date": date(day.year + 8, day.month, day.day).isoformat()}),
        ("sold loan", 18000, {"product": "SEASON", "annual_rate": "3.5", "installments": 9,
                              "months": [5, 6, 7]}),
    ):  # fmt: skip
        application = fact(town, f"application, {name}")
        carried = by_name(
            town, meeting, "loan", f"{amount}.00 is lent on {application}", about=application, amount=f"{amount}.00",
            aside_for="works at the co-op that asks",
        )  # fmt: skip
        receipt = town.do("marcus", "grant-loan", member=member, principal=f"{amount}.00", application=application,
                          resolution=carried, purpose=fact(town, f"purpose, {name}"), **terms)  # fmt: skip
        loan = next(ref for ref in receipt.created if ref.startswith("L-"))
        side(town).facts[name] = loan
        side(town).loans.append(loan)
        if name == "sold loan":
            town.do("marcus", "sell-participation", loan=loan, peer="PF-2", share_percent="40", servicing_rate="0.5",
                    agreement="participation agreement of the peer funds")  # fmt: skip
        town.do("dell", "disburse-loan", loan=loan, cheque_number=str(2600 + len(side(town).loans)))


# ------------------------------------------------------------------------------ a loss, and what came back


def _loan_that_will_be_lost(town: Town, day: date) -> None:
    """A small co-op borrows; it pays until autumn."""
    member = _without_a_loan(town, [*reversed(list(town.coops.values())), *people(town)])
    if member and fact(town, "set-loss-waterfall"):
        side(town).facts["lost loan"] = lend(
            town, member, 6800, fund="RLF", annual_rate="4", installments=36, first_due=next_month(day).isoformat(),
            purpose="kitchen of the takeaway",
        )  # fmt: skip


def _gives_up(town: Town) -> None:
    loan = fact(town, "lost loan")
    if loan is None:
        return
    side(town).lost.add(loan)
    town.do("marcus", "grade-loan", loan=loan, grade="4", why="the takeaway has closed")
    town.do("marcus", "stop-accrual", loan=loan, why="the takeaway has closed")


def _call_on_the_loss(town: Town, day: date) -> None:
    if fact(town, "lost loan") and fact(town, "loans decided"):
        call(town, day, "LOANS", 21, "a loan that is lost", _charged_off)


def _call_on_another_loss(town: Town, day: date) -> None:
    """A loan on which no interest is taken any more, of those that the other side of the story tells."""
    loan = town.happened.get("non-accrual")
    if loan is not None and "loss" not in town.happened and fact(town, "loans decided"):
        call(town, day, "LOANS", 4, "another loan that is lost", _another_loss)


def _another_loss(town: Town, _day: date, meeting: str) -> None:
    loan = town.happened["non-accrual"]
    text = f"{loan} is charged off"
    town.happened["loss resolution"] = by_name(town, meeting, "loan", text, about=loan, amount=_owed(town, loan))


def _owed(town: Town, loan: str) -> str:
    """The principal that is owed now."""
    with town.bank.read() as books:
        return format_amount(loan_position(books, loan, books.business_date() or date.min).owed_principal)


def _charged_off(town: Town, _day: date, meeting: str) -> None:
    """The committee books it as lost before its time has come; the waterfall says who bears it."""
    loan = str(fact(town, "lost loan"))
    carried = by_name(town, meeting, "loan", f"{loan} is charged off", about=loan, amount=_owed(town, loan))
    town.do("marcus", "charge-off", loan=loan, why="the co-op was dissolved", resolution=carried)
    side(town).facts["charged off"] = loan


def _recovered(town: Town) -> None:
    """Its ovens were sold: what was lost comes back in part."""
    loan = fact(town, "charged off")
    if loan is not None:
        town.do("imani", "repay-loan", loan=loan, amount="1250.00", tender="transfer")
