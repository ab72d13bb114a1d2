"""Jobs as of a day, cost per job, living wages; linked borrowers; a course before a loan; small loans that led on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from coopbank.errors import InvalidAmount, LimitReached, WrongState
from coopbank.reports.borrowers import ladder, linked
from coopbank.reports.document import as_document
from coopbank.reports.glance import glance
from coopbank.reports.jobs import jobs
from coopbank.reports.place import share_words
from tests.bank.conftest import begin
from tests.bank.support_counter import refused
from tests.support_bank import SmallBank, assert_books, new_bank

TERMS: dict[str, Any] = {"annual_rate": "0", "installments": 10}


@pytest.fixture
def town(engine_url: str) -> Iterator[SmallBank]:
    with new_bank(engine_url) as bank:
        begin(bank)
        for code in ("JOBS", "WAGES", "GROUPS", "COURSES", "ATTENDANCE"):
            bank.agreed("define-register", by=bank.tom, approver=bank.sue, template=code)
        yield bank
        assert_books(bank)


def lend(bank: SmallBank, member: str, principal: str, **more: Any) -> str:
    loan = bank.agreed("grant-loan", member=member, principal=principal, **{**TERMS, **more}).created[0]
    bank.do("disburse-loan", by=bank.tom, loan=loan, tender="transfer")
    return loan


def tell(bank: SmallBank, register: str, **values: str) -> str:
    return bank.do("add-entry", register_code=register, values=values).created[0]


def test_jobs_as_of_a_day(town: SmallBank) -> None:
    first, second = lend(town, "M0001", "600.00"), lend(town, "M0002", "400.00", fund="GEN")
    tell(town, "WAGES", county="Hinds", year="2025", wage="17.00", source="a table")
    tell(town, "WAGES", county="hinds", year="2026", wage="18.00", source="a table")
    tell(town, "JOBS", loan=first, on="2026-01-01", basis="baseline", retained="3", wage="12.00", county="Hinds")
    tell(town, "JOBS", loan=first, on="2026-01-01", basis="projected", created="7", retained="2")
    tell(town, "JOBS", loan=first, on="2026-02-01", basis="actual", created="1", retained="3", fte="3.5",
         wage="17.50", county="HINDS")  # fmt: skip
    tell(town, "JOBS", loan=first, on="2026-03-01", basis="actual", created="2", retained="3", fte="4.5",
         wage="18.00", county=" Hinds ", evidence="ab" * 32)  # fmt: skip
    tell(town, "JOBS", loan=second, on="2026-03-02", basis="actual", retained="2.5", wage="9.00", county="Yazoo")
    with town.read() as books:
        now = jobs(books)
        assert (now.created, now.retained, now.fte, now.projected) == tuple(map(Decimal, ("2", "5.5", "4.5", "9")))
        assert now.lent == 100000 and now.cost_per_job == 13333
        assert (now.wage_met, now.wage_missed, now.with_evidence) == (1, 0, 1)
        assert jobs(books, of_all=750).jobs_percent_bp == 100
        february = jobs(books, date(2026, 2, 15))
        assert (str(february.created), str(february.retained), february.wage_missed) == ("1", "3", 1)
        fund = jobs(books, fund="GEN")
        assert [row.loan for row in fund.loans] == [second] and fund.cost_per_job == 16000
        assert jobs(books, date(2025, 12, 31)).cost_per_job is None
        seen = {fund.code: {each.code: each.value for each in fund.measures} for fund in glance(books).funds}
        assert (seen["all"]["cost_per_job"], seen["GEN"]["cost_per_job"]) == ("133.33", "160.00")
        assert seen["LLR"]["cost_per_job"] is None
        assert as_document(now)["loans"][0]["wage"] == "18.00"
    wrong = tell(town, "JOBS", loan=first, on="2026-03-03", basis="actual", created="900")
    town.agreed("close-entry", by=town.ana, entry=wrong, why="typed for another", mistaken=True)
    with town.read() as books:
        assert jobs(books).created == 2


def test_the_federation_s_part_of_its_place(town: SmallBank) -> None:
    for code in ("PLACE", "OUTPUT"):
        town.agreed("define-register", by=town.tom, approver=town.sue, template=code)
    with town.read() as books:
        assert jobs(books).share is None
    tell(town, "PLACE", place="[red]Hinds", year="2024", jobs="90000", source="a table")
    tell(town, "PLACE", place="[red]Hinds", year="2026", jobs="130", product="8000.00", target="10", source="a table")
    tell(town, "OUTPUT", member="M0001", year="2025", jobs="4", sales="9000.00")
    tell(town, "OUTPUT", member="M0001", year="2026", jobs="5", sales="900.00", bought="100.00")
    typed = tell(town, "OUTPUT", member="M0002", year="2026", jobs="30", sales="7000.00")
    town.do("change-entry", entry=typed, values={"jobs": "2.5"}, why="30 were hours")
    tell(town, "OUTPUT", member="M0002", year="2026", jobs="3.5", sales="100.00", bought="300.00")
    with town.read() as books:
        now = jobs(books).share
        assert now is not None
        assert (now.jobs, now.jobs_bp, now.missing) == (Decimal("8.5"), 654, Decimal("4.5"))
        assert (now.product, now.product_bp) == (600_00, 750)
        first, aim, second, third = share_words(now, lambda minor: f"{minor / 100:.2f}")
        assert "8.5 of 130 jobs in [red]Hinds" in first and "6.54 %" in first and "10 %: 4.5 jobs more" in aim
        assert "600.00 of the 8000.00" in second and "7.50 %" in second and third.endswith("2026: a table.")
        before = jobs(books, date(2025, 12, 31)).share
        assert before is not None
        assert (before.year, before.jobs, before.product, before.of_product) == (2024, Decimal(4), 0, None)
        assert [before.jobs_bp, before.missing] == [0, Decimal(8996)]


def test_a_product_asks_for_a_course(town: SmallBank) -> None:
    product = {"product_name": "Grant loan", "installments": 10, "annual_rate": "0", "course": "Books for co-ops"}
    town.agreed("define-product", by=town.tom, approver=town.admin, code="GRANTLOAN", **product)
    request = {"member": "M0001", "principal": "100.00", "product": "GRANTLOAN", **TERMS}
    refused(town, WrongState, "grant-loan", field="member", **request)
    other = tell(town, "COURSES", course="Weaving", begins="2026-01-01")
    course = tell(town, "COURSES", course="books for CO-OPS", begins="2026-01-01")
    tell(town, "ATTENDANCE", course=other, member="M0001", on="2026-01-01", completed="yes")
    went = tell(town, "ATTENDANCE", course=course, member="M0001", on="2026-01-01")
    refused(town, WrongState, "grant-loan", field="member", **request)
    town.do("change-entry", entry=went, values={"completed": "yes"}, why="it is over")
    town.agreed("grant-loan", **request)
    request["member"] = "M0002"
    refused(town, WrongState, "grant-loan", field="member", **request)
    tell(town, "ATTENDANCE", course=course, member="M0003", on_behalf="M0002", on="2026-01-01", completed="yes")
    town.agreed("grant-loan", **request)


def test_linked_borrowers_have_one_limit(town: SmallBank) -> None:
    refused(town, InvalidAmount, "set-policy", town.tom, policy="linked_limit", value="much")
    town.agreed("set-policy", by=town.tom, approver=town.admin, policy="linked_limit", value="1000.00")
    lend(town, "M0001", "600.00")
    town.agreed("grant-loan", member="M0002", principal="300.00", **TERMS)
    tell(town, "GROUPS", group="The loop", member="M0001", since="2026-01-01", why="waste for feed")
    link = tell(town, "GROUPS", group="the LOOP", member="M0002", since="2026-01-01", why="feed for waste")
    tell(town, "GROUPS", group="Kitchen", member="M0002", since="2026-01-01", why="one family")
    tell(town, "GROUPS", group="Kitchen", member="M0003", since="2026-01-01", why="one family")
    refused(town, LimitReached, "grant-loan", field="principal", member="M0003", principal="100.01", **TERMS)
    with town.read() as books:
        told = linked(books)
    assert [(group.group, group.total, group.left) for group in told.groups] == [
        ("The loop", 90000, 10000), ("Kitchen", 30000, 70000)
    ]  # fmt: skip
    assert told.groups[0].members[1].promised == 30000
    town.agreed("grant-loan", member="M0003", principal="100.00", **TERMS)
    town.do("change-entry", entry=link, values={"until": "2026-03-03"}, why="they parted")
    town.agreed("grant-loan", member="M0003", principal="500.00", **TERMS)
    refused(town, LimitReached, "grant-loan", member="M0002", principal="200.00", **TERMS)
    town.agreed("set-policy", by=town.tom, approver=town.admin, policy="linked_limit", value="")
    town.agreed("grant-loan", member="M0002", principal="200.00", **TERMS)


def test_small_loans_that_led_to_larger_ones(town: SmallBank) -> None:
    first = lend(town, "M0001", "100.00")
    lend(town, "M0002", "90.00")
    town.do("repay-loan", loan=first, amount="100.00", tender="transfer")
    town.go_to("2026-03-05")
    second = lend(town, "M0001", "400.00")
    with town.read() as books:
        told = ladder(books, 10000)
        assert ladder(books, 9999).climbed == 0
    assert (told.first_small, told.climbed) == (2, 1)
    [climb] = told.members
    assert (climb.loans, climb.largest_after, climb.repaid_first) == ((first, second), 40000, True)
