"""Repayment by share of surplus: the worked tables to the cent, and what holds whatever is reported and paid."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.errors import AlreadyExists, InvalidAmount, InvalidDate, InvalidTerms, InvalidValue
from coopbank.finance.daycount import DAY_COUNTS, year_fraction
from coopbank.finance.periods import Period
from coopbank.finance.reported import part_of
from coopbank.finance.surplus import Movement, Report, SurplusPosition, SurplusTerms, replay
from coopbank.money import format_amount, parse_amount, round_minor

START, OUTER = dt.date(2025, 1, 1), dt.date(2035, 1, 1)
FILE = Path(__file__).parent.parent / "conformance" / "surplus.json"
CASES = [pytest.param(case, id=case["id"]) for case in json.loads(FILE.read_text(encoding="utf-8"))["cases"]]


def agreed(**changes: Any) -> SurplusTerms:
    """8 %, half of the surplus, cost capped at half of it, whole years."""
    return SurplusTerms(**{
        "starts": START, "outer_date": OUTER, "share_percent": Decimal(50), "annual_rate": Decimal(8),
        "day_count": "30/360", **changes,
    })  # fmt: skip


def year(number: int) -> dt.date:
    """The first day after the period of that number."""
    return dt.date(START.year + number, 1, 1)


def report(period: int, surplus: int, version: int = 1, days: int = 0, **more: Any) -> Report:
    on = year(period) + dt.timedelta(days=days)
    return Report(period, version, on, on, surplus, **more)


LENT = [Movement(START, 2_000_000)]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("day_count", ["30/360", "30us/360", "30e/360", "actual/actual", "equal-periods"])
def test_the_worked_tables_to_the_cent(case: dict[str, Any], day_count: Any) -> None:
    written = case["terms"]
    terms = SurplusTerms(
        starts=START, outer_date=OUTER, share_percent=Decimal(written["share_percent"]),
        annual_rate=Decimal(written["annual_rate"]), cost_cap_percent=Decimal(written["cost_cap_percent"]),
        loss_carry_forward=written["loss_carry_forward"], every=Period("years", written["every"]["years"]),
        day_count=day_count,
    )  # fmt: skip
    lent = [Movement(START, parse_amount(written["principal"]))]
    reports = [report(n, parse_amount(surplus)) for n, surplus in enumerate(case["surpluses"], 1)]
    payments: list[Movement] = []
    for n in range(1, len(reports) + 1):
        asked = replay(terms, lent, payments, reports, year(n)).due_now
        payments.append(Movement(year(n), asked))
    rows = replay(terms, lent, payments, reports, year(6)).periods
    for expected in case["expected"]:
        row = rows[expected["period"] - 1]
        assert {
            "period": row.number, "surplus": format_amount(row.surplus), "payment_ceiling": format_amount(row.ceiling),
            "interest_room": format_amount(row.cap_room), "interest_paid": format_amount(row.interest_paid),
            "principal_paid": format_amount(row.principal_paid), "principal_left": format_amount(row.principal_left),
            "accrued_unpaid": format_amount(row.interest_unpaid),
        } == expected  # fmt: skip
        assert row.due == row.paid == row.interest_paid + row.principal_paid
    assert replay(terms, lent, payments, reports, year(6)).settled


# ------------------------------------------------------------------------- what always holds


@dataclass(frozen=True)
class Story:
    terms: SurplusTerms
    advances: list[Movement]
    payments: list[Movement]
    reports: list[Report]
    charges: list[Movement]
    forgiven: list[Movement]

    def at(self, day: dt.date, **changes: Any) -> SurplusPosition:
        told = replace(self, **changes)
        return replay(
            told.terms, told.advances, told.payments, told.reports, day, charges=told.charges, forgiven=told.forgiven
        )

    @property
    def days(self) -> list[dt.date]:
        """Every day on which anything happens, and one of later."""
        moved = {m.on for m in (*self.advances, *self.payments, *self.charges, *self.forgiven)}
        return sorted({*moved, *(r.accepted_on for r in self.reports if r.accepted_on), self.terms.outer_date})


PERCENT = st.integers(1, 10_000).map(lambda n: Decimal(n).scaleb(-2))
DAY = st.integers(0, 12 * 365).map(lambda n: START + dt.timedelta(days=n))
SURPLUS = st.integers(-(10**7), 10**7)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Facts of every kind: voluntary payments, loans in parts, losses, corrections on the way."""
    terms = agreed(
        share_percent=draw(PERCENT),
        cost_cap_percent=draw(PERCENT),
        annual_rate=draw(PERCENT),
        loss_carry_forward=draw(st.booleans()),
        day_count=draw(st.sampled_from(DAY_COUNTS)),
        every=draw(st.sampled_from([Period("years"), Period("months", 6)])),
        outer_date=draw(st.dates(dt.date(2027, 3, 1), OUTER)),
    )
    lent_on = [START, *draw(st.lists(st.dates(START, dt.date(2027, 2, 1)), max_size=2))]
    advances = [Movement(on, draw(st.integers(1, 10**7))) for on in lent_on]
    payments = [Movement(draw(DAY), draw(st.integers(0, 4 * 10**6))) for _ in range(draw(st.integers(0, 8)))]
    charges = [Movement(START, draw(st.integers(0, 10**5))) for _ in range(draw(st.integers(0, 1)))]
    forgiven = [Movement(draw(DAY), draw(st.integers(0, 10**6))) for _ in range(draw(st.integers(0, 1)))]
    reports, accepted = [], START
    for number, (_, end) in enumerate(terms.periods()[: draw(st.integers(0, 8))], 1):
        filed = end + dt.timedelta(days=draw(st.integers(0, 120)))
        accepted = max(accepted, filed + dt.timedelta(days=draw(st.integers(0, 30))))
        reports.append(Report(number, 1, filed, accepted, draw(SURPLUS)))
        for version in range(2, 2 + draw(st.sampled_from([0, 0, 1, 2]))):
            filed = max(filed, accepted) + dt.timedelta(days=draw(st.integers(0, 900)))
            reports.append(Report(number, version, filed, draw(st.sampled_from([filed, None])), draw(SURPLUS)))
    return Story(terms, advances, payments, reports, charges, forgiven)


@given(stories())
def test_what_is_due_is_never_above_the_share_of_the_surplus(story: Story) -> None:
    share = Fraction(story.terms.share_percent) / 100
    for day in story.days:
        position = story.at(day)
        for row in position.periods:
            assert 0 <= row.due <= row.ceiling <= share * max(0, row.surplus)
            assert row.ceiling == 0 or share * row.surplus - row.ceiling < 1
            assert row.due == row.paid + row.unpaid
        assert position.due_now <= position.payoff
        assert sum(row.paid for row in position.periods) + position.ahead + position.unapplied == position.paid


@given(stories())
def test_the_cost_is_never_above_the_cap(story: Story) -> None:
    cap_share = Fraction(story.terms.cost_cap_percent) / 100
    for day in story.days:
        position = story.at(day)
        counted = [
            max(0, row.surplus) if not story.terms.loss_carry_forward else row.surplus for row in position.periods
        ]
        limit = cap_share * max(0, sum(counted))
        assert position.cap == int(limit)
        assert position.interest_paid <= max(0, position.cap - position.charges_paid)
        assert position.recognisable <= max(0, position.cap - position.charges_paid)
        assert position.charges_above_cap == max(0, position.charges_paid - position.cap)
        assert min(position.collectable, position.above_cap) >= 0
        assert position.interest_paid <= position.contract_interest
        assert position.waived in (0, position.above_cap)


@given(stories(), st.integers(0, 100))
def test_principal_is_never_waived_by_the_cap(story: Story, percent: int) -> None:
    """Whatever the cap: every cent paid is interest, principal or unapplied, and none is lost."""
    strict = replace(story.terms, cost_cap_percent=Decimal(percent))
    for terms in (story.terms, strict, replace(strict, cost_cap_percent=Decimal(0))):
        for day in story.days:
            position = story.at(day, terms=terms)
            assert position.principal_paid == position.paid - position.interest_paid - position.unapplied
            assert position.lent == position.principal_left + position.principal_paid + position.forgiven
            assert 0 <= position.principal_left <= position.lent and position.principal_paid >= 0
            assert 0 <= position.forgiven <= sum(each.amount for each in story.forgiven if each.on <= day)
            assert not position.unapplied or not position.payoff
            if not terms.cost_cap_percent:
                assert position.interest_paid == 0
                assert position.principal_left >= position.lent - position.paid - position.forgiven


@given(stories(), st.randoms(use_true_random=False))
def test_the_order_in_which_facts_are_told_says_nothing(story: Story, random: Any) -> None:
    names = ("advances", "payments", "reports", "charges", "forgiven")
    mixed = {name: random.sample(getattr(story, name), len(getattr(story, name))) for name in names}
    for day in story.days:
        assert story.at(day, **mixed) == story.at(day)


@given(stories())
def test_a_restated_report_equals_a_fresh_replay(story: Story) -> None:
    """As if the version that speaks now had been the first one, filed and accepted then."""
    for day in story.days:
        fresh: dict[int, Report] = {}
        for version in sorted(story.reports, key=lambda each: (each.period, each.version)):
            first = fresh.setdefault(version.period, version)
            if version.accepted_on is not None and version.accepted_on <= day:
                fresh[version.period] = replace(first, surplus=version.surplus)
        restated, told = story.at(day), story.at(day, reports=list(fresh.values()))
        assert replace(restated, periods=()) == replace(told, periods=())
        assert [replace(row, version=1) for row in restated.periods if row.version] == [
            row for row in told.periods if row.version
        ]


@given(stories(), DAY)
def test_what_was_known_on_a_day_does_not_change(story: Story, day: dt.date) -> None:
    known = {
        name: [movement for movement in getattr(story, name) if movement.on <= day]
        for name in ("advances", "payments", "charges", "forgiven")
    }
    reports = [
        replace(each, accepted_on=each.accepted_on if each.accepted_on and each.accepted_on <= day else None)
        for each in story.reports
        if each.filed_on <= day
    ]
    assert story.at(day, **known, reports=reports) == story.at(day)


@given(stories())
def test_interest_is_that_of_each_stretch_rounded_once(story: Story) -> None:
    """Told again from the principal that each day left; without corrections, which tell the past anew."""
    story = replace(story, reports=[each for each in story.reports if each.version == 1])
    days = [day for day in story.days if day <= story.terms.outer_date]
    total, since, principal = 0, START, 0
    for day in days:
        position = story.at(day)
        stretch = principal * story.terms.annual_rate.as_integer_ratio()[0] * year_fraction(
            since, day, story.terms.day_count, story.terms.every
        ) / (100 * story.terms.annual_rate.as_integer_ratio()[1])  # fmt: skip
        assert position.contract_interest == total + round_minor(stretch)
        if position.principal_left != principal:
            total, since, principal = position.contract_interest, day, position.principal_left
    beyond = story.at(story.terms.outer_date + dt.timedelta(days=400))
    assert beyond.contract_interest <= story.at(story.terms.outer_date).contract_interest


# ------------------------------------------------------------------------------ case by case


def test_a_period_without_surplus_defers_and_a_report_not_filed_ages() -> None:
    terms = agreed()
    loss = replay(terms, LENT, [], [report(1, -300_000)], year(1))
    assert loss.periods[0].deferred and loss.due_now == 0 and loss.bucket == "deferred by terms"
    day = dt.date(2026, 1, 1) + dt.timedelta(days=90)
    assert replay(terms, LENT, [], [], day).periods[0].report == "awaited"
    late = replay(terms, LENT, [], [], day + dt.timedelta(days=5))
    assert (late.periods[0].report, late.periods[0].days_overdue, late.bucket) == ("overdue", 5, "report overdue")
    filed = [Report(1, 1, day + dt.timedelta(days=3), None, 100)]
    assert replay(terms, LENT, [], filed, day + dt.timedelta(days=5)).periods[0].report == "filed"


def test_what_is_due_becomes_late_after_the_days_agreed() -> None:
    story = (agreed(), LENT, [], [report(1, 400_000)])
    due_on = year(1) + dt.timedelta(days=30)
    assert replay(*story, due_on).bucket == "due"
    late = replay(*story, due_on + dt.timedelta(days=1))
    assert (late.bucket, late.due_now, late.periods[0].due_on) == ("late", 200_000, due_on)


def test_a_later_loss_turns_interest_above_the_cap_into_principal() -> None:
    payments = [Movement(year(1), 160_000)]
    before = replay(agreed(), LENT, payments, [report(1, 400_000)], year(1))
    assert (before.interest_paid, before.principal_left) == (160_000, 2_000_000)
    after = replay(agreed(), LENT, payments, [report(1, 400_000), report(2, -300_000)], year(2))
    assert after.cap == after.interest_paid == 50_000
    assert after.principal_left == 2_000_000 - 110_000
    floored = replay(
        agreed(loss_carry_forward=False), LENT, payments, [report(1, 400_000), report(2, -300_000)], year(2)
    )
    assert floored.interest_paid == 160_000


def test_a_correction_gives_back_or_catches_up() -> None:
    payments = [Movement(year(1), 200_000)]
    first = report(1, 400_000)
    lower = replay(agreed(), LENT, payments, [first, report(1, 100_000, 2, days=40)], year(2))
    assert (lower.periods[0].version, lower.periods[0].due, lower.ahead) == (2, 50_000, 150_000)
    assert (lower.interest_paid, lower.principal_left) == (50_000, 1_850_000)
    refunded = replay(
        agreed(), LENT, [*payments, Movement(year(1) + dt.timedelta(days=50), -150_000)],
        [first, report(1, 100_000, 2, days=40)], year(2),
    )  # fmt: skip
    assert (refunded.ahead, refunded.principal_left, refunded.interest_paid) == (0, 2_000_000, 50_000)
    higher = replay(agreed(), LENT, payments, [first, report(1, 600_000, 2, days=40)], year(2))
    assert higher.due_now == 100_000


def test_interest_above_the_cap_is_waived_at_maturity_and_principal_is_not() -> None:
    """Two years of 8 % on 1,000.00 are 160.00; a surplus of 200.00 covers 100.00 of it."""
    terms, lent = agreed(outer_date=year(2)), [Movement(START, 100_000)]
    reports = [report(1, 0), report(2, 20_000)]
    running = replay(terms, lent, [], reports[:1], year(2))
    assert (running.matured, running.waived, running.above_cap) == (False, 0, 16_000)
    matured = replay(terms, lent, [], reports, year(3))
    assert (matured.contract_interest, matured.recognisable, matured.waived) == (16_000, 10_000, 6_000)
    assert [row.interest_waived for row in matured.periods] == [0, 6_000]
    assert (matured.principal_left, matured.due_now, matured.settled) == (100_000, 10_000, False)
    repaid = replay(terms, lent, [Movement(year(2), 110_000)], reports, year(2))
    assert repaid.settled and repaid.principal_left == 0 and repaid.unapplied == 0


def test_a_loan_repaid_early_owes_no_more_than_the_years_it_stood() -> None:
    payments = [Movement(dt.date(2026, 7, 1), 2_000_000)]
    told = [report(1, 0), report(2, 100_000), report(3, 9_000_000)]
    position = replay(agreed(), LENT, payments, told, year(3))
    assert len(position.periods) == 2 and position.cap == 50_000
    assert (position.contract_interest, position.recognisable, position.waived) == (240_000, 50_000, 190_000)


def test_money_beyond_what_is_owed_waits_and_pays_interest_when_there_is_room() -> None:
    payments = [Movement(dt.date(2025, 7, 1), 2_050_000)]
    early = replay(agreed(), LENT, payments, [], dt.date(2025, 7, 1))
    assert (early.unapplied, early.principal_left, early.settled) == (50_000, 0, False)
    later = replay(agreed(), LENT, payments, [report(1, 60_000)], year(1))
    assert (later.interest_paid, later.unapplied, later.collectable) == (30_000, 20_000, 0)
    assert later.waived == 80_000 - 30_000 and later.settled


def test_principal_given_up_is_neither_owed_nor_paid() -> None:
    payments = [Movement(year(1), 200_000)]
    reports = [report(1, 400_000)]
    given = [Movement(year(1) + dt.timedelta(days=9), 5_000_000)]  # of which only what is owed counts
    left = replay(agreed(), LENT, payments, reports, year(1)).principal_left
    position = replay(agreed(), LENT, payments, reports, year(2), forgiven=given)
    assert (position.forgiven, position.principal_left) == (left, 0)
    assert position.principal_paid == 2_000_000 - left == position.periods[0].principal_paid
    # A refund takes back what was paid; what was given up is not owed again.
    refund = [*payments, Movement(year(1) + dt.timedelta(days=20), -200_000)]
    back = replay(agreed(), LENT, refund, reports, year(1) + dt.timedelta(days=20), forgiven=given)
    assert (back.principal_paid, back.principal_left, back.interest_paid, back.forgiven) == (
        0, 2_000_000 - left, 0, left,
    )  # fmt: skip


def test_charges_count_under_the_cap() -> None:
    charged = [Movement(START, 30_000)]
    position = replay(agreed(), LENT, [], [report(1, 100_000)], year(1), charges=charged)
    assert (position.cap, position.recognisable, position.charges_above_cap) == (50_000, 20_000, 0)
    assert replay(agreed(), LENT, [], [report(1, 40_000)], year(1), charges=charged).charges_above_cap == 10_000


# ---------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"share_percent": Decimal(0)}, "share_percent"),
        ({"share_percent": Decimal("100.01")}, "share_percent"),
        ({"cost_cap_percent": Decimal(-1)}, "cost_cap_percent"),
        ({"cost_cap_percent": Decimal("NaN")}, "cost_cap_percent"),
        ({"annual_rate": Decimal(1001)}, "annual_rate"),
        ({"outer_date": START}, "outer_date"),
        ({"report_days": -1}, "report_days"),
        ({"payment_days": 10**9}, "payment_days"),
        ({"day_count": "actual"}, "day_count"),
        ({"every": Period("days", 1)}, "every"),
        ({"every": Period("years", 0)}, "every"),
    ],
)
def test_terms_that_cannot_be_are_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidTerms) as refusal:
        agreed(**changes)
    assert refusal.value.field == field and refusal.value.hint


def test_a_share_is_exact_and_never_a_cent_too_much() -> None:
    for n in range(1, 10_001):  # as binary floats, 612 of these shares are a cent short
        assert part_of(Decimal(n).scaleb(-2), 10_000) == n
        assert part_of(Decimal(n).scaleb(-2), 10**15 - 1) == (10**15 - 1) * n // 10_000


def test_rates_and_amounts_are_exact() -> None:
    with pytest.raises(TypeError):
        agreed(annual_rate=0.08)
    with pytest.raises(TypeError):
        replay(agreed(), [Movement(START, 1.0)], [], [], START)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reports", "refused"),
    [
        ([report(1, 1), report(1, 2)], AlreadyExists),
        ([report(1, 1), report(1, 2, 3)], InvalidValue),
        ([report(2, 1)], InvalidValue),
        ([report(1, 1, days=400), report(2, 1)], InvalidValue),
        ([report(0, 1)], InvalidValue),
        ([report(11, 1)], InvalidValue),
        ([report(1, 1, days=-1)], InvalidDate),
        ([Report(1, 1, year(1), year(1) - dt.timedelta(days=1), 1)], InvalidDate),
        ([Report(1, 1, year(1), year(1))], InvalidValue),
        ([report(1, 10**16)], InvalidAmount),
    ],
)
def test_reports_that_cannot_be_are_refused(reports: list[Report], refused: type[InvalidValue]) -> None:
    with pytest.raises(refused) as refusal:
        replay(agreed(), LENT, [], reports, year(5))
    assert refusal.value.field == "reports" and refusal.value.hint


def test_movements_that_cannot_be_are_refused() -> None:
    early = START - dt.timedelta(days=1)
    for advances, payments, field in [
        ([Movement(early, 1)], [], "advances"),
        ([Movement(OUTER, 1)], [], "advances"),
        ([Movement(START, -1)], [], "advances"),
        (LENT, [Movement(early, 1)], "payments"),
        (LENT, [Movement(START, 5), Movement(year(1), -6)], "payments"),
    ]:
        with pytest.raises(InvalidValue) as refusal:
            replay(agreed(), advances, payments, [], OUTER)
        assert refusal.value.field == field and refusal.value.hint


def test_a_refund_may_take_back_everything() -> None:
    payments = [Movement(year(1), 200_000), Movement(year(1) + dt.timedelta(days=1), -200_000)]
    position = replay(agreed(), LENT, payments, [report(1, 400_000)], year(2))
    assert (position.paid, position.interest_paid, position.principal_left) == (0, 0, 2_000_000)
    assert position.due_now == 200_000
