"""A bank with three months of life, for tests of reports and statements. Everything through the operations.

    with new_bank(place) as small:
        town = live(small)        # February is not in it: the first day is Monday 2 March 2026; it ends on 20 May

mia   a person: share by instalments, savings in cash, by cheque and transfer, a withdrawal, a mistake reversed,
      loan L-001 (paid in April by the bill, in May late and less than due), language English
joe   a worker co-op: a share, investment shares, savings, a loan granted and not paid out, language Spanish
new   a member with nothing but a share
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.support_bank import SmallBank

START = "2026-03-02"


@dataclass
class Town:
    small: SmallBank
    mia: str
    joe: str
    new: str
    loan: str
    granted: str
    mistake: int  # number of the operation that was reversed
    payments: list[int]  # numbers of the two payments


def live(small: SmallBank) -> Town:
    """From 2 March to 20 May 2026."""
    do = small.do
    do("receive-gift", by=small.tom, fund="RLF", amount="30000.00", donor="A friend", tender="transfer")
    mia = small.admit("Mía Núñez", phone="(601) 555-0101", address="12 Farish Street\nJackson, MS 39201")
    joe = small.admit("Joe & Daughters <Compost>", entity="organisation", language="es", phone="601-555-0142")
    new = small.admit("Newt Freeman")
    do("buy-shares", member=mia, amount="5.00")
    for member in (joe, new):
        do("buy-shares", member=member, amount="25.00")
    do("buy-shares", member=joe, amount="300.00", share_class="903", tender="transfer")
    for member in (mia, joe):
        do("open-savings", member=member)
    do("deposit", member=mia, amount="150.00", memo="market day [red]")
    do("deposit", member=joe, amount="20000.00", tender="transfer")
    small.go_to("2026-03-05")
    do("buy-shares", member=mia, amount="20.00")
    do("deposit", member=mia, amount="90.00", tender="cheque", cheque_number="311")
    mistake = do("deposit", member=mia, amount="44.00").number
    do("reverse", operation=mistake, reason="typed for the wrong member")
    do("withdraw", member=mia, amount="40.00")
    small.go_to("2026-03-16")
    terms = {"principal": "1200.00", "annual_rate": "7.25", "installments": 12, "purpose": "A walk-in cooler"}
    loan = small.agreed("grant-loan", approver=small.tom, member=mia, **terms).created[0]
    do("disburse-loan", by=small.tom, loan=loan, tender="transfer", cheque_number="3001")
    granted = small.agreed("grant-loan", approver=small.tom, member=joe, **(terms | {"principal": "5000.00"})).created[
        0
    ]
    small.go_to("2026-04-06")
    small.agreed("close-month", by=small.tom, approver=small.sue, month="2026-03")
    small.go_to("2026-04-16")
    payments = [do("repay-loan", loan=loan, amount="104.00").number]
    small.go_to("2026-05-04")
    small.agreed("close-month", by=small.tom, approver=small.sue, month="2026-04")
    small.go_to("2026-05-20")
    payments.append(do("repay-loan", loan=loan, amount="20.00").number)
    return Town(small, mia, joe, new, loan, granted, mistake, payments)
