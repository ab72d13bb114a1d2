"""What a loan's product lets the bank do with a borrower who is late: set off, and keep their share.

Both are off unless the product says so, and never on for a non-extractive loan, which is repaid out of surplus or
revenue. A loan keeps the version of the product that it was granted under.
"""

from __future__ import annotations

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.lending.accounts import account
from coopbank.bank.lending.contract import REPORTED
from coopbank.errors import NotOffered, WrongState
from coopbank.money import format_amount

SET_OFF = "set_off"
"""The policy that names the bylaw by which debts are set off; none are where it is empty."""


def product_granted(desk: Desk, ref: str) -> records.Product | None:
    """The version of the product that a loan was granted under; its limits hold for later terms too."""
    loan = desk.get(records.Loan, ref)
    text = desk.tx.value(
        "SELECT body FROM record WHERE kind = ? AND ref = ? AND version = ?",
        records.Product.kind, loan.product, loan.product_version,
    )  # fmt: skip
    return None if text is None else records.Product.model_validate_json(text)


def require_set_off(desk: Desk, ref: str, loan: records.Loan) -> str:
    """The bylaw by which a loan's overdue debt may be set off; refuses where bylaw or product do not allow it."""
    if loan.repayment in REPORTED:
        raise NotOffered(
            "Loan {loan} is non-extractive: nothing is set off against it.", field="loan", loan=ref,
            hint="Pay the member what they are owed.",
        )  # fmt: skip
    bylaw = str(desk.policy(SET_OFF, ""))
    if not bylaw:
        raise NotOffered(
            "No bylaw lets us set off what we owe a member (policy set_off).", field="loan",
            hint="Pay the member what they are owed. Where the bylaws allow it, name the bylaw in the policy set_off.",
        )  # fmt: skip
    product = product_granted(desk, ref)
    if product is None or not product.set_off:
        raise NotOffered(
            "The product of loan {loan} does not allow set-off (set_off of product {product}).", field="loan", loan=ref,
            product=loan.product, hint="A loan keeps what its product said when it was granted. Pay the member.",
        )  # fmt: skip
    return bylaw


def require_share_kept(desk: Desk, member: str, share_class: str, par: int, left: int) -> None:
    """Refuse to take a late borrower's membership below one share, where the loan's product keeps it."""
    if share_class != "901" or left >= par:
        return
    for ref, loan in desk.about(records.Loan, member):
        if loan.state != "active" or loan.repayment in REPORTED:
            continue
        product = product_granted(desk, ref)
        if product is None or not product.keeps_share:
            continue
        due = account(desk, ref).standing(desk.business_day).due
        if due.total and due.since is not None and due.since < desk.business_day:
            raise WrongState(
                "Loan {loan} is late: one share of {par} is kept until it is not (keeps_share of product {product}).",
                field="amount", loan=ref, par=format_amount(par, desk.currency), product=loan.product,
                hint="Take what is due first (repay-loan).",
            )  # fmt: skip
