"""Loan products: what the bank offers, with the terms that a loan has where nothing else is agreed.

A product is a version; a loan keeps the version that it was granted under, so that a later
one changes nothing that was agreed. Its terms are a document of `coopbank.finance` without
the money and the dates, and are proven by drawing a sample from them. Products repaid by
share of surplus or revenue have no late fee: whoever earns nothing owes nothing yet.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Code, Every, FundRef, Memo, Money, Percent, ProductRef, Rate, Text, Widget, refuse
from coopbank.bank.lending.contract import LINE, REPORTED, REVENUE, SCHEDULE, SURPLUS, check, drawn, first_plan
from coopbank.bank.operation import ADMINISTRATOR, LOAN_OFFICER, TREASURER, Operation
from coopbank.bank.operations.savings import shown
from coopbank.errors import InvalidAmount, InvalidValue, Unknown, WrongState
from coopbank.finance.daycount import DayCount
from coopbank.finance.periods import MOST_ROWS, add_months
from coopbank.ledger.chart import POOL
from coopbank.money import currency
from coopbank.words import _

PARTS: Final = ("fees", "interest", "principal")
#: Percent of a late payment that a late fee may be at most.
MOST_LATE_FEE: Final = Decimal(5)

_SCHEDULED = {"annual_rate": "8", "every": {"months": 1}, "day_count": "actual/365"}

#: Terms by kind of repayment: those that a product of that kind may state, with what holds where it does not.
_TERMS: Final[dict[str, dict[str, Any]]] = {
    SCHEDULE: {"annual_rate": None, "installments": None, "every": {"months": 1}, "method": "level",
               "day_count": "actual/365", "principal_grace": None, "months": None},
    LINE: {"annual_rate": None, "installments": None, "every": {"months": 1}, "day_count": "actual/365"},
    SURPLUS: {"annual_rate": None, "share_percent": None, "cost_cap_percent": "50", "loss_carry_forward": True,
              "every": {"years": 1}, "report_days": 90, "payment_days": 30, "day_count": "actual/365"},
    REVENUE: {"share_percent": None, "multiple": None, "cost_cap_percent": None, "loss_carry_forward": True,
              "every": {"years": 1}, "report_days": 90, "payment_days": 30},
}  # fmt: skip

#: The products that every book is founded with. None has a limit or a late fee until the bank decides on one.
STANDARD: Final[dict[str, records.Product]] = {
    "TERM": records.Product(
        title="Term loan", repayment=SCHEDULE, early="next",
        terms={**_SCHEDULED, "installments": 24, "method": "level"},
    ),
    "EQUAL": records.Product(
        title="Term loan with equal principal", repayment=SCHEDULE, early="next",
        terms={**_SCHEDULED, "installments": 24, "method": "equal-principal"},
    ),
    "SEASON": records.Product(
        title="Seasonal loan, paid after the harvest", repayment=SCHEDULE, early="next",
        terms={**_SCHEDULED, "installments": 3, "method": "level", "months": [9, 10, 11]},
    ),
    "LINE": records.Product(
        title="Line of credit", repayment=LINE, early="next", terms={**_SCHEDULED, "installments": 12}
    ),
    "SURPLUS": records.Product(
        title="Loan repaid by share of surplus", repayment=SURPLUS,
        terms={**_TERMS[SURPLUS], "annual_rate": "8", "share_percent": "50"},
    ),
    "REVENUE": records.Product(
        title="Loan repaid by share of revenue", repayment=REVENUE,
        terms={"share_percent": "5", "multiple": "1.2", "loss_carry_forward": True, "every": {"months": 3},
               "report_days": 30, "payment_days": 30},
    ),
}  # fmt: skip


# ------------------------------------------------------------------------------------- the fields


def _product_code(code: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9-]{1,19}", code):
        raise refuse("Use 2 to 20 capital letters, digits and hyphens, for example TERM.")
    return code


def _multiple(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?", text):
        raise refuse('Write the multiple as text, for example "1.2".')
    return text


def _read_yes_no(value: Any) -> Any:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _order(parts: list[str]) -> list[str]:
    if sorted(parts) != sorted(PARTS):
        raise refuse("Name each of these once, the first to be paid in front: {parts}.", parts=", ".join(PARTS))
    return parts


def _without_doubles(found: list[Any]) -> list[Any]:
    if len(set(found)) < len(found):
        raise refuse("Name each once.")
    return found


Repayment = Annotated[Literal["schedule", "line", "surplus", "revenue"], Widget("choice")]
Early = Annotated[Literal["next", "shorten", "lower"], Widget("choice")]
Multiple = Annotated[Text, AfterValidator(_multiple)]
Count = Annotated[int, Field(ge=1, le=MOST_ROWS), Widget("number")]
Days = Annotated[int, Field(ge=0, le=3660), Widget("number")]
YesNo = Annotated[Literal["yes", "no"], BeforeValidator(_read_yes_no), Widget("choice")]
"""Yes, no, or left open, which a flag could not say."""
Month = Annotated[int, Field(ge=1, le=12)]


class DefineProduct(Operation):
    """Offer a loan product, or change one that is offered. Loans that were granted before keep their terms."""

    name: ClassVar[str] = "define-product"
    title: ClassVar[str] = "Define a loan product"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER, ADMINISTRATOR)
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # the next version changes it

    code: Annotated[Code, AfterValidator(_product_code), Field(title="Code, for example TERM")]
    product_name: Annotated[Text, Field(min_length=1, title="Name")]
    repayment: Annotated[Repayment, Field(title="Repaid by")] = "schedule"
    annual_rate: Annotated[Rate | None, Field(title="Interest, percent a year")] = None
    installments: Annotated[Count | None, Field(title="Number of payments")] = None
    every: Annotated[Every | None, Field(title="Payment or report every")] = None
    method: Annotated[
        Literal["level", "equal-principal"] | None, Widget("choice"), Field(title="Method (schedule)")
    ] = None
    day_count: Annotated[DayCount | None, Widget("choice"), Field(title="Day count")] = None
    principal_grace: Annotated[Count | None, Field(title="Payments of interest alone at first (schedule)")] = None
    months: Annotated[
        list[Month] | None, AfterValidator(_without_doubles), Widget("number"),
        Field(min_length=1, max_length=12, title="Months in which payments fall due (seasonal schedule)"),
    ] = None  # fmt: skip
    share_percent: Annotated[Percent | None, Field(title="Share of surplus or revenue, percent")] = None
    cost_cap_percent: Annotated[Percent | None, Field(title="Cap of all cost (percent of the surplus)")] = None
    multiple: Annotated[Multiple | None, Field(title="Multiple of the loan that is repaid in all (revenue)")] = None
    loss_carry_forward: Annotated[YesNo | None, Field(title="Losses lower later surplus (surplus, revenue)")] = None
    report_days: Annotated[Days | None, Field(title="Days to file a report (surplus, revenue)")] = None
    payment_days: Annotated[Days | None, Field(title="Days to pay once it is accepted (surplus, revenue)")] = None
    least: Annotated[Money | None, Field(title="Smallest loan")] = None
    most: Annotated[Money | None, Field(title="Largest loan")] = None
    most_rate: Annotated[Rate | None, Field(title="Highest rate, percent a year")] = None
    most_installments: Annotated[Count | None, Field(title="Most payments")] = None
    order: Annotated[
        list[str], AfterValidator(_order), Field(title="Order of a payment (fees, interest, principal)"), Widget("text")
    ] = list(PARTS)
    early: Annotated[Early, Field(title="Early money (pays what is next, shortens the term, lowers payments)")] = "next"
    late_fee: Annotated[Money | None, Field(title="Late fee as an amount")] = None
    late_fee_percent: Annotated[Percent | None, Field(title="Late fee in percent, of the late payment")] = None
    late_fee_days: Annotated[
        int | None, Field(ge=1, le=365, title="Late fee after days, 15 if left out"), Widget("number")
    ] = None
    funds: Annotated[
        list[FundRef], AfterValidator(_without_doubles), Widget("ref:fund"),
        Field(max_length=50, title="Funds that may lend it, any if left out"),
    ] = []  # fmt: skip
    course: Annotated[Text, Field(title="Course that a borrower completes first, by its title")] = ""
    why: Annotated[Memo, Field(title="Why, or by which decision")] = ""
    set_off: Annotated[bool, Field(title="What is overdue may be set off (never where surplus or revenue repays)")] = (
        False
    )
    keeps_share: Annotated[bool, Field(title="Who is late keeps one share (never where surplus or revenue repays)")] = (
        False
    )

    def perform(self, desk: Desk) -> None:
        before = desk.find(records.Product, self.code)
        if before is not None and before.repayment != self.repayment:
            raise InvalidValue(
                "Product {code} is repaid by {repayment}.", field="repayment", code=self.code,
                repayment=_(before.repayment), hint="Give another kind of product a code of its own.",
            )  # fmt: skip
        self._require_fitting()
        for fund in self.funds:
            require_lender(desk, fund, "funds")
        body = records.Product(
            title=self.product_name, repayment=self.repayment, terms=self._terms(), least=self.least, most=self.most,
            most_rate=self.most_rate, most_installments=self.most_installments, order=self.order, early=self.early,
            late_fee=self._late_fee(), funds=self.funds, course=self.course, set_off=self.set_off,
            keeps_share=self.keeps_share,
        )  # fmt: skip
        _require_limits(desk, body)
        prove(body, desk.business_day, desk.currency)
        _require_small_fee(desk, body)
        if body == before:
            raise InvalidValue("Product {code} is that already.", field="code", code=self.code)
        desk.write(self.code, body)
        if before is None:
            desk.created.append(self.code)
        desk.note("Product", self.code)
        desk.note("Version", str(desk.version(records.Product.kind, self.code) + 1))

    def _terms(self) -> dict[str, Any]:
        """The terms' document: what was said, and what holds where nothing was."""
        terms: dict[str, Any] = {}
        for field, otherwise in _TERMS[self.repayment].items():
            value = getattr(self, field)
            value = otherwise if value is None else value == "yes" if field == "loss_carry_forward" else value
            if value is not None:
                terms[field] = value
        return terms

    def _late_fee(self) -> dict[str, Any] | None:
        amount = {"flat": self.late_fee} if self.late_fee is not None else {}
        percent = {"percent": self.late_fee_percent} if self.late_fee_percent is not None else {}
        fee = {**amount, **percent}
        return {**fee, "after_days": self.late_fee_days or 15} if fee else None

    def _require_fitting(self) -> None:
        """Refuse terms of another kind of repayment, and a kind that lacks its own."""
        own = _TERMS[self.repayment]
        foreign = [f for kind in _TERMS.values() for f in kind if f not in own and getattr(self, f) is not None]
        if self.repayment in REPORTED:
            foreign += [f for f in ("late_fee", "late_fee_percent", "late_fee_days") if getattr(self, f) is not None]
            foreign += ["most_installments"] if self.most_installments is not None else []
            foreign += [f for f in ("set_off", "keeps_share") if getattr(self, f)]  # such a loan is non-extractive
        if self.repayment == REVENUE and self.most_rate is not None:
            foreign.append("most_rate")
        if self.repayment != SCHEDULE and self.early != "next":
            foreign.append("early")
        if foreign:
            raise InvalidValue(
                "A product repaid by {repayment} has no {field_name}.", field=foreign[0], repayment=_(self.repayment),
                field_name=foreign[0], hint="Leave it out.",
            )  # fmt: skip
        for field in ("share_percent", "multiple"):
            if field in own and getattr(self, field) is None:
                raise InvalidValue("{field_name} is missing.", field=field, field_name=field)
        if self.late_fee is not None and self.late_fee_percent is not None:
            raise InvalidValue(
                "A late fee is an amount or a percentage.", field="late_fee_percent", hint="Leave one of them out."
            )
        if self.late_fee_days is not None and self._late_fee() is None:
            raise InvalidValue("There is no late fee.", field="late_fee_days", hint="Leave the days out too.")


class WithdrawProduct(Operation):
    """Offer a loan product no more. Loans that were granted go on as agreed."""

    name: ClassVar[str] = "withdraw-product"
    title: ClassVar[str] = "Withdraw a loan product"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER, ADMINISTRATOR)
    reversible: ClassVar[bool] = False  # define it again

    product: ProductRef
    why: Annotated[Memo, Field(title="Why")] = ""

    def perform(self, desk: Desk) -> None:
        _version, before = product_of(desk, self.product)
        desk.write(self.product, before.model_copy(update={"state": "withdrawn"}))
        desk.note("Product", self.product)


# --------------------------------------------------------------------------------- for those who lend


def product_of(desk: Books, code: str, field: str = "product") -> tuple[int, records.Product]:
    """A product that is offered, and its version; refuses one that is unknown or withdrawn."""
    found = desk.get(records.Product, code, field)
    if found.state != "offered":
        raise WrongState(
            "Product {code} is not offered any more.", field=field, code=code,
            hint="Choose one of: {offered}.", offered=", ".join(offered(desk)),
        )  # fmt: skip
    return desk.version(records.Product.kind, code), found


def offered(desk: Books) -> list[str]:
    """The codes of all products on offer."""
    return [code for code, product in desk.every(records.Product) if product.state == "offered"]


def require_within(
    desk: Desk, product: records.Product, amount: int, annual_rate: str | Decimal | None = None,
    installments: int | None = None, fund: str | None = None,
) -> None:  # fmt: skip
    """Refuse a loan outside the product's limits, by the name of the field; what is None is not asked."""
    require_amount(desk, product, amount, "principal")
    if annual_rate is not None and product.most_rate is not None and Decimal(annual_rate) > Decimal(product.most_rate):
        raise InvalidValue(
            "{title}: the rate is at most {most} percent a year.", field="annual_rate", title=_(product.title),
            most=product.most_rate,
        )  # fmt: skip
    most = product.most_installments
    if installments is not None and most is not None and installments > most:
        raise InvalidValue(
            "{title}: there are at most {most} payments.", field="installments", title=_(product.title), most=most
        )
    if fund is not None and product.funds and fund not in product.funds:
        raise InvalidValue(
            "{title}: fund {fund} does not lend it.", field="fund", title=_(product.title), fund=fund,
            hint="Choose one of: {funds}.", funds=", ".join(product.funds),
        )  # fmt: skip


def require_amount(desk: Desk, product: records.Product, amount: int, field: str) -> None:
    """Refuse an amount below the product's least or above its most."""
    if product.least is not None and amount < product.least:
        raise InvalidAmount(
            "{title}: the smallest loan is {least}.", field=field, title=_(product.title),
            least=shown(desk, product.least),
        )  # fmt: skip
    if product.most is not None and amount > product.most:
        raise InvalidAmount(
            "{title}: the largest loan is {most}.", field=field, title=_(product.title), most=shown(desk, product.most)
        )


def require_lender(desk: Desk, fund: str, field: str) -> None:
    """Refuse a fund that does not exist, the pool, and a reserve: they do not lend."""
    found = desk.tx.value("SELECT class FROM fund WHERE code = ?", fund)
    if found is None:
        raise Unknown("There is no fund {fund}.", field=field, fund=fund)
    if fund == POOL or found == "reserve":
        raise InvalidValue(
            "Fund {fund} does not lend.", field=field, fund=fund, hint="Name one that does, such as RLF."
        )


# ------------------------------------------------------------------------------------- what is proven


def prove(product: records.Product, on: date, code: str) -> None:
    """Draw samples from the terms by the arithmetic that loans are drawn by; refuses terms that cannot be."""
    if product.repayment in REPORTED:
        terms = {"annual_rate": "0", **product.terms, "outer_date": add_months(on, 120).isoformat()}
        check(terms, product.repayment, on, code)
        return
    for amount in dict.fromkeys(a for a in (product.least, product.most) if a is not None) or (_sample(code),):
        drawn(first_plan(sample_terms(product), on, amount), code)


def sample_terms(product: records.Product) -> dict[str, Any]:
    """The terms with a rate and a number of payments also where the product leaves them open."""
    rows = product.most_installments or max(12, 1 + product.terms.get("principal_grace", 0))
    return {"annual_rate": product.most_rate or "0", "installments": rows, **product.terms}


@cache
def _sample(code: str) -> int:
    """An amount of middling size: 10,000.00."""
    return 10_000 * currency(code).minor_per_major


def _require_limits(desk: Desk, product: records.Product) -> None:
    """Refuse limits that contradict each other or the product's own terms."""
    if product.least is not None and product.most is not None and product.least > product.most:
        raise InvalidAmount(
            "The largest loan, {most}, is smaller than the smallest, {least}.", field="most",
            most=shown(desk, product.most), least=shown(desk, product.least),
        )  # fmt: skip
    rate, rows = product.terms.get("annual_rate"), product.terms.get("installments")
    if rate is not None and product.most_rate is not None and Decimal(rate) > Decimal(product.most_rate):
        raise InvalidValue(
            "The rate of {rate} is above the highest, {most}.", field="annual_rate", rate=rate, most=product.most_rate
        )
    if rows is not None and product.most_installments is not None and rows > product.most_installments:
        raise InvalidValue(
            "{rows} payments are more than the most, {most}.", field="installments", rows=rows,
            most=product.most_installments,
        )  # fmt: skip


def _require_small_fee(desk: Desk, product: records.Product) -> None:
    """Refuse a late fee above 5 percent of the late payment; a flat one is measured by the smallest loan's payment."""
    fee = product.late_fee or {}
    if Decimal(fee.get("percent", "0")) > MOST_LATE_FEE:
        raise InvalidValue(
            "A late fee is at most {most} percent of the late payment.", field="late_fee_percent",
            most=str(MOST_LATE_FEE),
        )  # fmt: skip
    if "flat" not in fee:
        return
    if product.least is None or product.repayment == LINE:
        raise InvalidValue(
            "A late fee that is an amount needs a smallest payment to be measured by.", field="late_fee",
            hint="State the smallest loan (least) of a schedule, or write the fee as a percentage (late_fee_percent).",
        )  # fmt: skip
    plan = drawn(first_plan(sample_terms(product), desk.business_day, product.least), desk.currency)
    most = int(min((row.payment for row in plan.rows if row.payment), default=0) * MOST_LATE_FEE / 100)
    if fee["flat"] > most:
        raise InvalidAmount(
            "A late fee is at most {percent} percent of a payment: {most} for the smallest loan.", field="late_fee",
            percent=str(MOST_LATE_FEE), most=shown(desk, most),
        )  # fmt: skip
