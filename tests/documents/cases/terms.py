"""Cases of the error gallery: loan-terms documents and annual rates."""

from __future__ import annotations

import json
from typing import Any

from coopbank import errors as e
from tests.documents import gallery_faults as fault
from tests.documents.gallery_case import Case, no


def _terms(**changes: Any) -> str:
    """A loan-terms document; a field given as None is left out."""
    document = {
        "disbursements": [{"date": "2026-01-15", "amount": "1200.00"}], "annual_rate": "7.25", "installments": 12,
        "every": {"months": 1},
    } | changes  # fmt: skip
    return json.dumps({name: value for name, value in document.items() if value is not None})


def schedule(title: str, advice: str = "", **changes: Any) -> Case:
    return no(e.InvalidTerms, title, "schedule -", advice, stdin=_terms(**changes))


def option(klass: type[e.CoopbankError], title: str, options: str, advice: str = "", **more: Any) -> Case:
    """A schedule with options; what is in `terms` changes the document."""
    return no(klass, title, f"schedule - {options}", advice, stdin=_terms(**more.pop("terms", {})), **more)


def apr(title: str, advice: str = "", **changes: Any) -> Case:
    document = {
        "advances": [{"date": "2026-01-15", "amount": "1000.00"}],
        "payments": [{"date": "2027-01-15", "amount": "1100.00"}],
    } | changes  # fmt: skip
    return no(e.InvalidTerms, title, "apr -", advice, stdin=json.dumps(document))


# fmt: off
CASES: tuple[Case, ...] = (
    # --------------------------------------------------------------- loan terms and annual rates
    schedule("No number of payments", installments=None),
    schedule("No payments", installments=0),
    schedule("More payments than a schedule has", installments=5000),
    schedule("A field that there is not", instalments=12),
    schedule("A method that there is not", method="balloon"),
    schedule("A rate that is none", annual_rate="seven"),
    schedule("A rate below zero", annual_rate="-1"),
    schedule("A rate as a number", annual_rate=7.25),
    schedule("An amount of nothing", disbursements=[{"date": "2026-01-15", "amount": "0.00"}]),
    schedule("A fraction of a cent", disbursements=[{"date": "2026-01-15", "amount": "100.005"}]),
    schedule("A day that there is not", disbursements=[{"date": "2026-02-30", "amount": "100.00"}]),
    schedule("A currency that there is not", currency="QQQ"),
    schedule("A first payment before the loan", first_due="2026-01-10"),
    schedule("A period that is none", every={"fortnights": 1}),
    schedule("A period of nothing", every={"months": 0}),
    schedule("Payments beyond the calendar", every={"years": 100}, installments=1000),
    schedule("A grace longer than the loan", principal_grace=12),
    schedule("Equal principal with a rounded level payment", method="equal-principal", payment_multiple="5"),
    schedule("Equal principal, evened out", method="equal-principal", residue="even"),
    schedule("A part of the principal on a level payment", principal_percent="5"),
    schedule("More than all of the principal", method="equal-principal", principal_percent="50"),
    schedule("A down payment of everything", down_payment_percent="100"),
    schedule("A change after the loan's end", changes=[{"on": "2030-01-01", "annual_rate": "4"}]),
    schedule("Two changes on one day",
              changes=[{"on": "2026-05-01", "annual_rate": "4"}, {"on": "2026-05-01", "annual_rate": "5"}]),
    schedule("A change of nothing", changes=[{"on": "2026-05-01"}]),
    schedule("A change to too many payments", changes=[{"on": "2026-05-01", "extra_installments": 1199}]),
    schedule("A fee of nothing", fees=[{}]),
    schedule("A level payment below the interest", annual_rate="90", payment_multiple="800", installments=24,
             disbursements=[{"date": "2026-01-15", "amount": "12000.00"}], day_count="30/360"),
    schedule("A level payment below the interest of all rows but the first", annual_rate="90", installments=24,
             disbursements=[{"date": "2026-01-15", "amount": "12000.00"}], payment_multiple="800",
             first_due="2026-01-20"),
    schedule("Amounts beyond any book", annual_rate="999", installments=1000,
              disbursements=[{"date": "2026-01-15", "amount": "90000000000000.00"}]),
    schedule("A smallest amount that the loan does not have", amount_multiple="1000"),
    schedule("A month named twice", months=[9, 9, 10]),
    schedule("Payments every week in some months of the year", months=[9, 10], every={"weeks": 1}),
    schedule("Due days that leave their month", months=[9, 10], month_end="roll"),
    schedule("A first payment outside the harvest", months=[9, 10], first_due="2026-05-15"),
    option(e.WrongUsage, "Prepaid charges without the box", "--prepaid 20.00"),
    option(e.WrongUsage, "Holidays, and nothing that moves", "--holidays US"),
    option(e.WrongUsage, "A box as CSV", "--box --csv"),
    option(e.InvalidAmount, "Prepaid charges of all that is lent", "--box --prepaid 1200.00"),
    option(e.WrongUsage, "Holidays of a country in words", "--adjust following --holidays Mexico"),
    option(e.WrongUsage, "Holidays of a part that a country does not have",
           "--adjust following --holidays BO --subdivision MS"),
    option(e.WrongUsage, "Holidays without their package", "--adjust following --holidays US",
           around=fault.no_holidays),
    option(e.InvalidTerms, "Holidays of a year that no calendar reaches", "--adjust following --holidays US",
           terms={"every": {"years": 10}}),
    option(e.InvalidTerms, "A payment moved to before the loan", "--adjust preceding",
           terms={"disbursements": [{"date": "2026-03-07", "amount": "1200.00"}], "first_due": "2026-03-08"}),
    no(e.InvalidTerms, "A document that is not JSON", "schedule -", stdin="1200 at 7.25 %"),
    no(e.InvalidTerms, "A document that is a list", "schedule -", stdin="[]"),
    no(e.InvalidTerms, "A document with a name twice", "schedule -", stdin='{"annual_rate": "7", "annual_rate": "8"}'),
    apr("Less paid than was lent", payments=[{"date": "2027-01-15", "amount": "900.00"}]),
    apr("Everything paid on the day of the loan", payments=[{"date": "2026-01-15", "amount": "1100.00"}]),
    apr("Some flows by date, some by period", payments=[{"amount": "1100.00", "periods": 4}]),
    apr("Periods of no length", "Add a unit_period.", advances=[{"amount": "1000.00", "periods": 0}],
         payments=[{"amount": "1100.00", "periods": 4}]),
)
# fmt: on
