"""A bank with a loan of every kind and nearly everything that can happen to one, in four months.

    with new_bank(place) as small:
        made = borrow(small)      # begins on Monday 2 March 2026, ends on 8 July; March to June are closed

shared   12,000.00 of two funds, with a late fee; paid late, typed late, charged a fee
surplus  share of surplus, reports every quarter: one accepted and paid, the next awaited
revenue  share of revenue
line     a line of credit, drawn twice, paid once
lost     on non-accrual with cost recovery, then charged off; a part came back
eased    rate changed, interest waived, written down, a payment reversed
old      refinanced by `fresh`
granted  not paid out yet
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.support_bank import SmallBank


@dataclass
class Borrowers:
    small: SmallBank
    member: str
    loans: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)  # of operations, by what they did

    def __getitem__(self, name: str) -> str:
        return self.loans[name]


KINDS: dict[str, dict[str, Any]] = {
    "shared": {"product": "FEE", "principal": "12000.00", "annual_rate": "7.25", "other_funds": "GEN 40"},
    "surplus": {"product": "SURPLUS", "principal": "6000.00", "annual_rate": "8", "share_percent": "50",
                "outer_date": "2028-03-02", "every": {"months": 3}, "report_days": 30, "payment_days": 30},
    "revenue": {"product": "REVENUE", "principal": "4000.00", "share_percent": "5", "multiple": "1.2",
                "outer_date": "2028-03-02", "every": {"months": 3}, "report_days": 30, "payment_days": 30},
    "line": {"product": "LINE", "principal": "5000.00", "annual_rate": "9", "installments": 12},
    "lost": {"principal": "3000.00", "annual_rate": "8", "installments": 12},
    "eased": {"principal": "2000.00", "annual_rate": "10", "installments": 12, "day_count": "30/360"},
    "old": {"principal": "1000.00", "annual_rate": "8", "installments": 12},
}  # fmt: skip


def borrow(small: SmallBank) -> Borrowers:
    """From 2 March to 8 July 2026."""
    made = Borrowers(small, small.admit("Pearl River Growers", entity="organisation"))
    do = small.do
    for fund, amount in (("RLF", "60000.00"), ("GEN", "20000.00")):
        do("receive-gift", by=small.tom, fund=fund, amount=amount, donor="A friend", tender="transfer")
    small.agreed("define-product", code="FEE", product_name="Loan with a late fee", installments=24,
                 annual_rate="7.25", late_fee_percent="5", late_fee_days=10)  # fmt: skip
    for name in KINDS:
        _grant(made, name, **KINDS[name])
        amount = {"amount": "2000.00"} if name == "line" else {}
        made.numbers[f"paid out {name}"] = do("disburse-loan", by=small.tom, loan=made[name], **amount).number
    _spring(made)
    _summer(made)
    return made


def _grant(made: Borrowers, name: str, **terms: Any) -> None:
    made.loans[name] = made.small.agreed("grant-loan", member=made.member, purpose=f"For {name}", **terms).created[0]


def _close(small: SmallBank, day: str, month: str) -> None:
    small.go_to(day)
    small.agreed("close-month", by=small.tom, approver=small.sue, month=month)


def _pay(made: Borrowers, name: str, amount: str, **values: Any) -> int:
    number: int = made.small.do("repay-loan", loan=made[name], amount=amount, tender="transfer", **values).number
    made.numbers[f"paid {name}"] = number
    return number


def _spring(made: Borrowers) -> None:
    small, do = made.small, made.small.do
    small.go_to("2026-03-20")
    do("disburse-loan", by=small.tom, loan=made["line"], amount="1000.00")
    _close(small, "2026-04-06", "2026-03")
    made.numbers["first of shared"] = _pay(made, "shared", "540.00")
    _pay(made, "eased", "175.83")
    _close(small, "2026-05-04", "2026-04")
    small.go_to("2026-05-14")
    made.numbers["fee"] = do("charge-late-fee", loan=made["shared"]).number
    made.numbers["rate"] = small.agreed("change-rate", loan=made["eased"], annual_rate="6", why="By R-12").number
    small.agreed("stop-accrual", loan=made["lost"], why="Not expected to be paid")
    small.go_to("2026-05-20")
    _pay(made, "lost", "100.00")
    made.numbers["typed late"] = _pay(made, "shared", "300.00", value_date="2026-05-10")
    _close(small, "2026-06-05", "2026-05")


def _summer(made: Borrowers) -> None:
    small, do = made.small, made.small.do
    do("file-report", loan=made["surplus"], surplus="4000.00")
    do("file-report", loan=made["revenue"], revenue="10000.00")
    small.go_to("2026-06-08")
    for name in ("surplus", "revenue"):
        made.numbers[f"accepted {name}"] = do("accept-report", by=small.tom, loan=made[name], period=1).number
    made.numbers["waived"] = small.agreed("waive-charges", loan=made["eased"], interest="1.00", why="By R-13").number
    small.agreed("write-down", by=small.tom, approver=small.sue, loan=made["eased"], principal="200.00",
                 resolution="R-14")  # fmt: skip
    small.go_to("2026-06-15")
    _pay(made, "surplus", "2000.00")
    _pay(made, "revenue", "500.00")
    _pay(made, "line", "100.00")
    small.agreed("charge-off", loan=made["lost"], approver=small.sue, resolution="R-15", why="It will not be paid")
    mistake = _pay(made, "eased", "50.00")
    do("reverse", operation=mistake, reason="typed for the wrong loan")
    made.numbers["mistake"] = mistake
    small.go_to("2026-06-22")
    made.numbers["recovered"] = _pay(made, "lost", "50.00")
    _grant(made, "fresh", principal="1500.00", annual_rate="7", installments=12)
    made.numbers["refinanced"] = do("refinance-loan", by=small.tom, loan=made["old"], new_loan=made["fresh"]).number
    _grant(made, "granted", principal="800.00", annual_rate="7", installments=12)
    _close(small, "2026-07-08", "2026-06")
