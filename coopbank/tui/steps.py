"""Long forms in steps: which fields are asked for together, what is said above them, what is shown below.

A form without steps here is one page. The fields, the review and the receipt are those of every form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from coopbank.bank import records
from coopbank.bank.operations.lending import GrantLoan
from coopbank.bank.operations.products import product_of
from coopbank.money import format_amount
from coopbank.reports.financial import fund
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.tui.session import Session


@dataclass(frozen=True, slots=True)
class Row:
    """A payment of the schedule that a loan would have, minor units."""

    number: int
    due: date
    principal: int
    interest: int
    payment: int
    balance: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands below the fields of a step: sentences, or the rows of a schedule."""

    sentences: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()


Answer = Callable[["Session", dict[str, Any]], Shown]


@dataclass(frozen=True, slots=True)
class Step:
    """A step: its title, what is said, its fields (None: all that no other step has), and what is shown below."""

    title: str
    says: str
    fields: frozenset[str] | None
    shows: Answer | None = None


#: How each kind of loan comes back, in a sentence for somebody who is no banker.
KINDS: Final = {
    "schedule": marked("is paid back on fixed days, as much each time as was agreed"),
    "line": marked("may be drawn and paid back again up to a limit; interest is due by period"),
    "surplus": marked(
        "asks for nothing before the borrower earned a surplus, never for more than it, and never above a cap"
    ),
    "revenue": marked("takes a share of what comes in until a multiple of the loan is paid"),
}


def products(session: Session, _values: dict[str, Any]) -> Shown:
    """Each product that is offered, in a sentence."""
    with session.bank.read() as books:
        return Shown(tuple(
            f"{ref}  {translate(body.title)}: {translate(KINDS[body.repayment])}."
            for ref, body in books.every(records.Product)
            if body.state == "offered"
        ))  # fmt: skip


def funds_free(session: Session, _values: dict[str, Any]) -> Shown:
    """What each fund that may lend has free."""
    with session.bank.read() as books:
        found = fund(books)
    said = _("{fund}  {name}: {free} free to lend, {lent} lent")
    return Shown(tuple(
        said.format(
            fund=each.code, name=translate(each.name), free=format_amount(each.free, session.currency, grouping=True),
            lent=format_amount(each.lent, session.currency, grouping=True),
        )
        for each in found.funds
        if each.fund_class == "revolving" or each.lent
    ))  # fmt: skip


def outlook(session: Session, values: dict[str, Any]) -> Shown:
    """What the loan would look like: its schedule if it were paid out today, or what a surplus would mean."""
    from coopbank.bank.lending.contract import drawn, first_plan

    operation = session.bank.build(GrantLoan.name, values)
    assert isinstance(operation, GrantLoan)
    with session.bank.read() as books:
        _version, product = product_of(books, operation.product)
        today = books.business_date() or session.bank.clock.today()
    document = operation.terms_document(product)
    if product.repayment == "schedule":
        plan = drawn(first_plan(document, today, operation.principal), session.currency)
        return Shown((), tuple(
            Row(number, due, row.principal, row.interest, row.payment, row.balance)
            for number, (row, due) in enumerate(zip(plan.rows, plan.due, strict=True), 1)
        ))  # fmt: skip
    if product.repayment == "surplus":
        return Shown(_of_surplus(document, session.currency))
    return Shown(
        (_("{product}: {how}.").format(product=translate(product.title), how=translate(KINDS[product.repayment])),)
    )


def _of_surplus(document: dict[str, Any], currency: str) -> tuple[str, ...]:
    """A year with a surplus of ten thousand, as an example, and one without."""
    surplus = 1_000_000
    shown = format_amount(surplus, currency, grouping=True)
    share = format_amount(int(surplus * Decimal(document["share_percent"]) / 100), currency, grouping=True)
    return (
        _("Without a surplus nothing is due, however long that lasts."),
        _("An example: of a surplus of {surplus} at most {share} is asked for ({percent} %).").format(
            surplus=shown, share=share, percent=document["share_percent"]
        ),
        _("All that it ever costs is at most {cap} % of the surplus earned meanwhile.").format(
            cap=document["cost_cap_percent"]
        ),
        _("What is left on {day} is asked for then.").format(day=document["outer_date"]),
    )  # fmt: skip


STEPS: Final[dict[str, tuple[Step, ...]]] = {
    "grant-loan": (
        Step(marked("Who and what for"), marked("Whose loan it is, and what it is to bring about."),
             frozenset({"member", "application", "purpose"})),
        Step(marked("How it comes back"), marked("Choose one of the products; each says how it comes back."),
             frozenset({"product"}), products),
        Step(marked("How much, from which funds"), marked("What one fund lends, another cannot spend."),
             frozenset({"principal", "fund", "other_funds"}), funds_free),
        Step(marked("When and at what cost"),
             marked("Only what differs from the product is typed; what is empty is as the product has it."), None),
        Step(marked("What it will look like"), marked("As if it were paid out today. F9 goes on to the review."),
             frozenset(), outlook),
    ),
    "apply-for-loan": (
        Step(marked("Who and what for"), marked("Whose wish it is, and what it is to bring about."),
             frozenset({"member", "purpose"})),
        Step(marked("How it would come back"), marked("Choose one of the products; each says how it comes back."),
             frozenset({"product"}), products),
        Step(marked("How much"), marked("What is asked for. Nothing is promised yet."), None, funds_free),
    ),
}  # fmt: skip


def step_of(steps: tuple[Step, ...], name: str) -> int:
    """The step that asks for a field."""
    for place, step in enumerate(steps):
        if step.fields is not None and name in step.fields:
            return place
    return next(place for place, step in enumerate(steps) if step.fields is None)
