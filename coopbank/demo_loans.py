"""The borrowers of the demonstration: every kind of loan, and what can become of one.

Worker co-ops borrow by schedule, by season, out of surplus or revenue, and on a line of credit;
members borrow small sums. Most pay when something is due. Some come late, some pay a part,
one has a holiday, one a lower rate; one goes on non-accrual, is charged off, and pays a
little later. What is said of them comes from the same seeded generator as the rest.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from coopbank.bank import records
from coopbank.bank.lending.position import Position, loan_position
from coopbank.bank.operation import Receipt
from coopbank.money import format_amount

if TYPE_CHECKING:
    from coopbank.demo import Town

PURPOSES: Final = (
    "walk-in cooler", "delivery van", "seedlings and irrigation", "commercial oven", "compost screener",
    "sewing machines", "tools", "roof repair", "electric bicycles", "point-of-sale and permits",
)  # fmt: skip
#: What co-ops borrow, one after the other; members borrow by the first alone.
KINDS: Final = ("TERM", "SURPLUS", "SEASON", "LINE", "EQUAL", "REVENUE", "TERM")
MOST_LOANS: Final = 20


def lend(town: Town, day: date) -> None:
    """Grant a loan to somebody who has none, and pay it out."""
    with town.bank.read() as books:
        members = [m for m in town.members if m not in town.borrowers]
        organisations = [
            m for m in members if (found := books.find(records.Member, m)) and found.entity == "organisation"
        ]
        free = books.balance("RLF", "729") + books.balance("RLF", "M49")
    candidates = organisations if organisations and town.chance.random() < 0.7 else members
    if not candidates:
        return
    member = town.chance.choice(candidates)
    coop = member in organisations
    kind = KINDS[sum(kind != "MEMBER" for kind in town.kinds.values()) % len(KINDS)] if coop else "TERM"
    principal = town.chance.randrange(4000, 16001, 500) if coop else town.chance.randrange(300, 2501, 100)
    if principal * 100 > free // 2:
        return
    terms = _terms(town, kind, coop, day)
    application = town.do(
        "nia", "apply-for-loan", member=member, product=kind, amount=f"{principal}.00", purpose=terms["purpose"]
    )
    receipt = town.do(
        "marcus", "grant-loan", member=member, fund="RLF", principal=f"{principal}.00", product=kind,
        application=application.created[0], **terms,
    )  # fmt: skip
    loan = next(ref for ref in receipt.created if ref.startswith("L-"))
    town.loans.append(loan)
    town.kinds[loan] = kind if coop else "MEMBER"
    town.borrowers.add(member)
    _pay_out(town, loan, principal, coop)
    if kind in ("TERM", "SEASON") and principal <= 5000 and len(town.shaky) < 4:
        town.shaky[loan] = day + timedelta(days=town.chance.randrange(60, 150))


def _terms(town: Town, kind: str, coop: bool, day: date) -> dict[str, Any]:
    purpose = {"purpose": town.chance.choice(PURPOSES)}
    rate = town.chance.choice(("2", "3", "3.5", "4"))
    if kind == "SURPLUS":
        return {**purpose, "every": "6 months", "report_days": 45, "outer_date": _years_later(day, 8).isoformat()}
    if kind == "REVENUE":
        return {**purpose, "outer_date": _years_later(day, 6).isoformat()}
    if kind == "SEASON":
        return {**purpose, "annual_rate": rate, "installments": 6}
    if kind == "LINE":
        return {**purpose, "annual_rate": rate, "installments": 36}
    several = coop and kind == "TERM" and len(town.loans) > 3
    shares = {"other_funds": "GEN 10"} if several else {}
    return {
        **purpose, **shares, "annual_rate": rate, "first_due": next_month(day).isoformat(),
        "installments": town.chance.choice((36, 48, 60) if coop else (12, 18, 24)),
    }  # fmt: skip


def _pay_out(town: Town, loan: str, principal: int, coop: bool) -> None:
    """Whole, a part of it, or the first draw on a line; what is bought with it secures it."""
    cheque = str(3000 + len(town.loans))
    if town.kinds[loan] == "LINE":
        town.do("dell", "disburse-loan", loan=loan, amount=f"{principal // 4 // 100 * 100 or 100}.00",
                cheque_number=cheque)  # fmt: skip
        return
    if town.kinds[loan] == "EQUAL":
        town.do("marcus", "sell-participation", loan=loan, peer="PF-1", share_percent="40", servicing_rate="0.5",
                agreement="participation agreement of the peer funds")  # fmt: skip
        town.tranches[loan] = principal - principal // 2
        town.do("dell", "disburse-loan", loan=loan, amount=f"{principal // 2}.00", cheque_number=cheque)
        return
    done = town.do("dell", "disburse-loan", loan=loan, cheque_number=cheque, paid_to="The seller")
    if coop and town.kinds[loan] == "TERM":
        town.do("marcus", "pledge-collateral", loan=loan, asset="What the loan bought", cost=f"{principal}.00",
                paid_from=done.number)  # fmt: skip


def _years_later(day: date, years: int) -> date:
    return day.replace(year=day.year + years, day=min(day.day, 28))


def next_month(day: date) -> date:
    """The same day of the next month, no later than the 28th."""
    first = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return first.replace(day=min(day.day, 28))


# --------------------------------------------------------------------------- an ordinary day


def repayments(town: Town, day: date) -> None:
    """Borrowers come when something is due: mostly that day, some late, some with a part of it."""
    for loan in list(town.loans):
        with town.bank.read() as books:
            position = loan_position(books, loan, day)
        if position.state == "active" and position.due_now > 0:
            _visit(town, loan, day, position)


def _visit(town: Town, loan: str, day: date, position: Position) -> None:
    hard_times = loan in town.shaky and day >= town.shaky[loan]
    likely = 0.02 if hard_times else 0.85 if position.days_late > 5 else 0.6
    if loan == town.happened.get("non-accrual") or town.chance.random() > likely:
        return
    amount = position.due_now
    if town.chance.random() < 0.12 and amount > 4000:
        amount = amount // 2 // 100 * 100  # what they had with them
    if town.kinds[loan] == "LINE" and position.owed_principal > 20000 and town.chance.random() < 0.5:
        amount = min(position.payoff, amount + position.owed_principal // 4 // 100 * 100)
    pay(town, loan, amount)


def pay(town: Town, loan: str, amount: int, **how: Any) -> Receipt:
    """A payment, small ones in cash."""
    tender = "cash" if amount <= 30000 else "transfer"
    return town.do("imani", "repay-loan", loan=loan, amount=format_amount(amount), tender=tender, **how)


# ------------------------------------------------------------------------- what happens once


def monthly(town: Town, day: date, number: int) -> None:
    """The second working week of each month: reports, draws, and what becomes of this loan and that."""
    _reports(town, day)
    _draws(town)
    _remit(town)
    with town.bank.read() as books:
        at = {loan: loan_position(books, loan, day) for loan in town.loans}
    for loan, position in at.items():
        if position.state == "active" and position.periods == () and position.rows:
            _life(town, loan, position, number)


def _reports(town: Town, day: date) -> None:
    """Periods that are over are reported by the loan officer and accepted by the treasurer; one report is late."""
    for loan in [each for each in town.loans if town.kinds[each] in ("SURPLUS", "REVENUE")]:
        with town.bank.read() as books:
            position = loan_position(books, loan, day)
        for row in position.periods:
            if position.state != "active" or row.report not in ("awaited", "overdue") or row.end > day:
                continue
            if town.chance.random() < 0.3 and row.report == "awaited":
                break  # next month, perhaps
            figures = {"surplus": f"{town.chance.randrange(-1500, 5001, 100)}.00"}
            if town.kinds[loan] == "REVENUE":
                figures = {"revenue": f"{town.chance.randrange(3000, 9001, 100)}.00"}
            town.do("marcus", "file-report", loan=loan, period=row.number, **figures)
            town.do("dell", "accept-report", loan=loan, period=row.number)


def _draws(town: Town) -> None:
    """Second tranches are paid out, and lines are drawn on."""
    for loan, left in list(town.tranches.items()):
        town.do("dell", "disburse-loan", loan=loan, amount=f"{left}.00", cheque_number=f"{3100 + len(town.loans)}")
        del town.tranches[loan]
    for loan in [each for each in town.loans if town.kinds[each] == "LINE"]:
        with town.bank.read() as books:
            position = loan_position(books, loan, books.business_date() or date.min)
        draw = min(position.available // 3, 150000) // 10000 * 100
        if draw and position.state == "active" and town.chance.random() < 0.3:
            town.do("dell", "disburse-loan", loan=loan, amount=f"{draw}.00")


def _remit(town: Town) -> None:
    """What borrowers paid on a peer's part goes to the peer."""
    with town.bank.read() as books:
        held = -books.balance("RLF", "831/PF-1")
    if held and not town.tranches:
        town.do("dell", "remit-participation", peer="PF-1")


def _life(town: Town, loan: str, position: Position, number: int) -> None:
    """One loan's turn: each thing happens to the first that it fits, and once in a while."""
    late, kind = position.days_late, town.kinds[loan]
    story = town.happened
    if kind in ("LINE", "SURPLUS", "REVENUE") or (loan in story.values() and loan != story.get("non-accrual")):
        return
    if late > 30 and "holiday" not in story:
        story["holiday"] = loan
        town.do("marcus", "payment-holiday", loan=loan, payments=2, why="no work in these months")
    elif late > 90 and "non-accrual" not in story:
        story["non-accrual"] = loan
        town.do("marcus", "grade-loan", loan=loan, grade="5", why="the shop is closed")
        town.do("marcus", "stop-accrual", loan=loan, why="more than 90 days late")
    elif loan == story.get("non-accrual") and number >= 20 and "loss" not in story:
        story["loss"] = loan
        _charge_off(town, loan, position)
    elif number >= 8 and kind == "TERM" and not late and "rate" not in story:
        story["rate"] = loan
        town.do("marcus", "change-rate", loan=loan, annual_rate="1.5", why="the assembly lowered the rate")
    elif number >= 10 and kind == "MEMBER" and not late and "early" not in story and position.owed_principal > 40000:
        story["early"] = loan
        pay(town, loan, position.owed_principal // 3 // 100 * 100, early="lower")
    elif number >= 12 and not late and "typed late" not in story and position.owed_principal > 20000:
        story["typed late"] = loan
        pay(town, loan, 5000, value_date=(position.as_of - timedelta(days=4)).isoformat())
    elif number >= 14 and late > 30 and "spread" not in story:
        story["spread"] = loan
        town.do("marcus", "re-amortize", loan=loan, installments=12, why="behind, and working again")
        town.shaky.pop(loan, None)
    elif number >= 9 and not late and position.next_due is not None and position.owed_principal > 20000:
        _agreed_changes(town, loan, position, number)


def _charge_off(town: Town, loan: str, position: Position) -> None:
    """By resolution of the loan committee, if there is one; a reserve pays by the waterfall, or half without one."""
    with town.bank.read() as books:
        voted = books.find(records.LossWaterfall, "RLF")
    half = {"reserve_account": "RESERVE", "from_reserve": format_amount(position.owed_principal // 2)}
    decided = town.happened.get("loss resolution", "board, July")
    town.do("marcus", "charge-off", loan=loan, why="the co-op was dissolved", resolution=decided,
            **({} if voted else half))  # fmt: skip


def _agreed_changes(town: Town, loan: str, position: Position, number: int) -> None:
    """Changes that borrowers ask for: another due day, more time, a larger loan in place of the old one."""
    story, kind = town.happened, town.kinds[loan]
    assert position.next_due is not None
    if "moved" not in story:
        story["moved"] = loan
        later = position.next_due + timedelta(days=6)
        town.do("marcus", "move-due-date", loan=loan, next_due=later.isoformat(), why="paid on another day now")
    elif "extended" not in story and kind == "TERM":
        story["extended"] = loan
        town.do("marcus", "extend-loan", loan=loan, extra_installments=6, why="smaller payments were asked for")
    elif "waived" not in story and number >= 13 and position.interest_to_date:
        story["waived"] = loan
        town.do("marcus", "waive-charges", loan=loan, interest=format_amount(position.interest_to_date), why="a flood")
    elif "refinanced" not in story and number >= 16 and kind == "MEMBER":
        story["refinanced"] = loan
        _refinance(town, loan, position)


def _refinance(town: Town, loan: str, position: Position) -> None:
    principal = position.payoff // 10000 * 150 + 300
    granted = town.do(
        "marcus", "grant-loan", member=position.loan.member, principal=f"{principal}.00", annual_rate="3",
        installments=18, purpose="a second loan in place of the first",
    )  # fmt: skip
    new = next(ref for ref in granted.created if ref.startswith("L-"))
    town.do("dell", "refinance-loan", loan=loan, new_loan=new)
    town.do("dell", "disburse-loan", loan=new, cheque_number=str(3200 + len(town.loans)))
    town.loans.append(new)
    town.kinds[new] = "MEMBER"


def recovery(town: Town) -> None:
    """What a charged-off loan still brings."""
    loan = town.happened.get("loss")
    if loan is not None and "recovery" not in town.happened:
        town.happened["recovery"] = loan
        pay(town, loan, 15000)
