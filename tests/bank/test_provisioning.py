"""The allowance: grades, the table of rates, the month's provision with its reckoning, and what verify makes of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.lending.allowance import (
    FIRST_RATES,
    REPORTED_GRADE,
    Exposure,
    first_table,
    in_force,
    part,
    rate,
    reckon,
    specific,
    tables,
)
from coopbank.bank.lending.provision_proof import ProvisionProof
from coopbank.bank.verify import Registers
from coopbank.errors import (
    AlreadyExists,
    InvalidAmount,
    InvalidDate,
    InvalidValue,
    NotAllowed,
    PeriodLocked,
    Unknown,
    WrongState,
)
from coopbank.ledger.log import Leaf, Log
from tests.bank.support_counter import HOSTILE, posted, refused
from tests.bank.support_counter import entry as entry_of
from tests.bank.support_lending import lend_to_three, lent, notes_of, stored, visit
from tests.support_bank import SmallBank, assert_books

SURPLUS = {
    "product": "SURPLUS", "principal": "6000.00", "annual_rate": "8", "share_percent": "50", "outer_date": "2030-03-02"
}  # fmt: skip


begun = lend_to_three


def provide(bank: SmallBank, month: str) -> Any:
    return bank.agreed("provide", by=bank.tom, approver=bank.sue, month=month)


def kept(bank: SmallBank, month: str) -> records.Provision:
    with bank.read() as books:
        return books.get(records.Provision, month)


def set_table(bank: SmallBank, **values: Any) -> Any:
    return bank.agreed("set-allowance-table", by=bank.tom, approver=bank.sue, **{"why": "our own losses", **values})


def surplus_loan(bank: SmallBank, member: str) -> str:
    loan = bank.agreed("grant-loan", member=member, **SURPLUS).created[0]
    bank.do("disburse-loan", by=bank.tom, loan=loan)
    return loan


def grade(bank: SmallBank, loan: str, value: str, **values: Any) -> Any:
    return bank.agreed("grade-loan", loan=loan, grade=value, **{"why": "looked at its books", **values})


# ---------------------------------------------------------------------------------- the arithmetic


def exposure(loan: str, carried: dict[str, int], bucket: str = "current", days: int = 0, **more: Any) -> Exposure:
    return Exposure(loan=loan, carried=carried, bucket=bucket, days=days, **{"grade": None, "reserve": None, **more})


def test_the_block_e19_comes_out_to_the_cent() -> None:
    table = first_table(date(2026, 1, 1), "admin")
    need = reckon(
        table,
        [
            exposure("L-001", {"GEN": 4_000_00}),
            exposure("L-002", {"RLF": 20_000_00}, "deferred by terms", grade=REPORTED_GRADE),
            exposure("L-003", {"RLF": 4_900_00}, "91-180", 141),
            exposure("L-010", {"RLF": 6_860_33, "GEN": 4_573_56}),
            exposure("L-011", {"RLF": 5_759_59}),
        ],
        {},
    )
    assert [(line[0], line[1], line[-2], line[-1]) for line in need.lines] == [
        ("GEN", "L-001", "1", 40_00), ("RLF", "L-002", "5", 1_000_00), ("RLF", "L-003", "50", 2_450_00),
        ("RLF", "L-010", "1", 68_60), ("GEN", "L-010", "1", 45_74), ("RLF", "L-011", "1", 57_60),
    ]  # fmt: skip
    assert need.required == {"GEN": 85_74, "RLF": 3_576_20}
    held = {"RLF": 1_500_00, "GEN": 200_00}
    assert {fund: need.required[fund] - held[fund] for fund in held} == {"RLF": 2_076_20, "GEN": -114_26}


def test_the_largest_rate_applies() -> None:
    table = first_table(date(2026, 1, 1), "admin")
    assert rate(table, "current", 0, None) == "1"
    assert rate(table, "1-30", 12, "5") == "50"
    assert rate(table, "91-180", 120, "1") == "50"
    assert rate(table, "late", 200, "3") == "100"  # it ages like any other loan
    assert rate(table, "report overdue", 70, "3") == "25"
    assert rate(table, "due", 0, None) == "1"
    nines = first_table(date(2026, 1, 1), "admin").model_copy(update={"grades": {"1": "9.5"}})
    assert rate(nines, "31-60", 40, "1") == "10"  # by its size, not by its text


@pytest.mark.parametrize(
    ("percent", "amount", "rounded"),
    [("1", 50, 0), ("1", 150, 2), ("1", 250, 2), ("0.5", 100, 0), ("2.5", 20, 0), ("2.5", 60, 2), ("100", 7, 7),
     ("0", 10**15, 0), ("33.333333", 10**15, 333333330000000)],
)  # fmt: skip
def test_an_amount_is_rounded_once_half_to_even(percent: str, amount: int, rounded: int) -> None:
    assert part(percent, amount) == rounded


def test_a_specific_amount_is_shared_and_never_more_than_what_is_lent() -> None:
    assert specific(1000, [667, 334]) == [666, 334]
    assert specific(5000, [667, 334]) == [667, 334]
    assert specific(1, [1, 1]) == [1, 0]
    assert specific(100, []) == []
    (one, two) = exposure("L-1", {"RLF": 667, "GEN": 334}, "over 180", 200, reserve=100).lines(
        first_table(date(2026, 1, 1), "admin")
    )
    assert (one[-2:], two[-2:]) == (["specific", 67], ["specific", 33])


def test_a_fund_without_loans_gives_its_allowance_back_and_promises_are_reckoned_whole() -> None:
    table = first_table(date(2026, 1, 1), "admin").model_copy(update={"commitments": "0.5"})
    need = reckon(table, [], {"GEN": 1_000_00, "RLF": 99}, held=["RLF"])
    assert (need.required, need.commitments) == ({"RLF": 0}, {"GEN": 5_00})


def test_of_several_tables_the_one_that_began_last_is_in_force() -> None:
    def of(day: str) -> records.AllowanceTable:
        return first_table(date.fromisoformat(day), "tom")

    known = {1: of("2026-01-01"), 2: of("2026-06-01"), 3: of("2026-03-01"), 4: of("2026-03-01")}
    for day, version in (("2026-01-01", 1), ("2026-03-01", 4), ("2026-05-31", 4), ("2026-06-01", 2)):
        found = in_force(known, date.fromisoformat(day))
        assert found is not None and found[0] == version
    assert in_force(known, date(2025, 12, 31)) is None


# -------------------------------------------------------------------------------------- the table


def test_a_book_is_founded_with_a_table(lite: SmallBank) -> None:
    with lite.read() as books:
        (table,) = tables(books).values()
    assert (table.author, table.from_day, table.buckets, table.grades) == (
        "admin", "2026-03-02", FIRST_RATES["buckets"], FIRST_RATES["grades"],
    )  # fmt: skip


def test_a_new_table_keeps_what_it_does_not_name(small: SmallBank) -> None:
    done = set_table(small, from_day="2026-04-01", buckets="31-60 12.5, over 180 90", grades={"4": "30"},
                     commitments="0.25")  # fmt: skip
    assert notes_of(done)["Version"] == "2"
    with small.read() as books:
        table = tables(books)[2]
    assert table.buckets == {**FIRST_RATES["buckets"], "31-60": "12.5", "over 180": "90"}
    assert table.grades == {**FIRST_RATES["grades"], "4": "30"}
    assert (table.commitments, table.author, table.why) == ("0.25", "tom", "our own losses")
    set_table(small, from_day="2026-05-01", buckets={"deferred by terms": "3"}, commitments="0")
    with small.read() as books:
        assert tables(books)[3].buckets["over 180"] == "90" and tables(books)[3].commitments == "0"


def test_a_table_that_cannot_be_is_refused(lite: SmallBank) -> None:
    def no(error: Any, field: str, **values: Any) -> None:
        given = {"from_day": "2026-04-01", "why": "x", "buckets": "1-30 3", **values}
        given = {name: value for name, value in given.items() if value is not None}
        refused(lite, error, "set-allowance-table", by=lite.tom, field=field, **given)

    no(InvalidValue, "from_day", from_day=None)
    no(InvalidValue, "from_day", from_day="2026-02-30")
    no(InvalidValue, "why", why=None)
    no(InvalidValue, "why", why="  ")
    no(InvalidValue, "buckets", buckets="1-30")
    no(InvalidValue, "buckets", buckets="1-30 3, 1-30 4")
    no(InvalidValue, "buckets", buckets="1-30 101")
    no(InvalidValue, "buckets", buckets={"1-30": 3})
    no(InvalidValue, "buckets", buckets={"1-30": "-3"})
    no(InvalidValue, "buckets", buckets="12-30 3")
    no(InvalidValue, "buckets", buckets="1-30 2")  # as it is
    no(InvalidValue, "buckets", buckets="deferred by terms 0")
    no(InvalidValue, "buckets", buckets="report overdue 0.00")
    no(InvalidValue, "grades", grades={REPORTED_GRADE: "0"})
    no(InvalidValue, "grades", grades="6 50")
    no(InvalidValue, "commitments", commitments="100.01")
    for text in HOSTILE:
        no(InvalidValue, "buckets", buckets=text)
    refused(
        lite, NotAllowed, "set-allowance-table", field="operation", from_day="2026-04-01", why="x", buckets="1-30 3"
    )


def test_a_table_never_reaches_behind_the_last_provision(lite: SmallBank) -> None:
    lent(lite, "M0001")
    visit(lite, "2026-03-20")
    provide(lite, "2026-03")
    refused(lite, InvalidDate, "set-allowance-table", by=lite.tom, field="from_day", from_day="2026-03-20", why="x",
            buckets="1-30 3")  # fmt: skip
    set_table(lite, from_day="2026-03-21", buckets="current 2")
    visit(lite, "2026-03-21")
    provide(lite, "2026-03")
    assert kept(lite, "2026-03").table == 2
    assert lite.balance("719", "RLF") == -240_00


# --------------------------------------------------------------------------------------- grades


def test_a_grade_and_a_specific_amount(lite: SmallBank) -> None:
    loan = lent(lite, "M0001")
    done = grade(lite, loan, "4", reserve="3000.00")
    assert notes_of(done) == {"Grade": "4 weak", "Specific allowance": "3,000.00"}
    assert (stored(lite, loan).grade, stored(lite, loan).reserve) == ("4", 3000_00)
    visit(lite, "2026-03-31")
    provide(lite, "2026-03")
    assert kept(lite, "2026-03").lines == [["RLF", loan, "current", 0, "4", 12_000_00, "specific", 3000_00]]
    grade(lite, loan, "4")  # by the table again
    assert stored(lite, loan).reserve is None
    provide(lite, "2026-03")
    assert kept(lite, "2026-03").lines == [["RLF", loan, "current", 0, "4", 12_000_00, "20", 2400_00]]
    assert lite.balance("719", "RLF") == -2400_00
    # what is repaid later lowers the specific amount with it
    grade(lite, loan, "5", reserve="11000.00")
    lite.do("repay-loan", loan=loan, amount="2000.00", tender="transfer")
    provide(lite, "2026-03")
    owed = lite.balance(f"701/{loan}", "RLF")
    assert owed < 11_000_00 and lite.balance("719", "RLF") == -owed


def test_a_grade_that_cannot_be_is_refused(lite: SmallBank) -> None:
    loan = lent(lite, "M0001", principal="1000.00")

    def no(error: Any, field: str, **values: Any) -> None:
        refused(lite, error, "grade-loan", field=field, **{"loan": loan, "grade": "2", "why": "x", **values})

    no(Unknown, "loan", loan="L-999")
    no(InvalidValue, "grade", grade="6")
    no(InvalidValue, "grade", grade="")
    no(InvalidValue, "why", why="")
    no(InvalidAmount, "reserve", reserve="1000.01")
    no(InvalidValue, "reserve", reserve="0.00")
    no(InvalidValue, "reserve", reserve="-5.00")
    grade(lite, loan, "2")
    no(InvalidValue, "grade")
    refused(lite, NotAllowed, "grade-loan", by=lite.tom, field="operation", loan=loan, grade="3", why="x")
    lite.do("repay-loan", loan=loan, amount="1000.00", tender="transfer")
    no(WrongState, "loan", grade="3")


def test_hostile_reasons_break_nothing(lite: SmallBank) -> None:
    loan = lent(lite, "M0001", principal="1000.00")
    for number, text in enumerate(HOSTILE):
        grade(lite, loan, "12"[number % 2], why=text)


# ------------------------------------------------------------------------------------ the provision


def test_each_fund_provides_for_its_own_loans_in_one_entry(small: SmallBank) -> None:
    shared = lent(small, "M0001", principal="1000.01", other_funds="GEN 33.33")
    deferred = surplus_loan(small, "M0003")
    visit(small, "2026-03-31")
    done = provide(small, "2026-03")
    # 666.74 x 1 % + 6,000.00 x 5 % = 306.67; 333.27 or 333.30 x 1 % = 3.33
    assert posted(done) == [entry_of("RLF 301 Dr 306.67", "RLF 719 Cr 306.67", "GEN 301 Dr 3.33", "GEN 719 Cr 3.33")]
    body = kept(small, "2026-03")
    assert (body.on, body.table, body.before) == ("2026-03-31", 1, {})
    assert body.required == {"RLF": 306_67, "GEN": 3_33}
    assert [(line[1], line[2], line[4], line[6]) for line in body.lines] == [
        (shared, "current", None, "1"), (shared, "current", None, "1"), (deferred, "deferred by terms", "3", "5"),
    ]  # fmt: skip
    assert sum(line[5] for line in body.lines) == 7000_01

    visit(small, "2026-04-30")  # the first row of the shared loan is 28 days late: 2 %
    small.do("repay-loan", loan=deferred, amount="5000.00", tender="transfer")
    done = provide(small, "2026-04")
    assert kept(small, "2026-04").before == {"RLF": 306_67, "GEN": 3_33}
    # less than before is given back
    assert small.balance("719", "RLF") == -kept(small, "2026-04").required["RLF"]
    (lines,) = posted(done)
    assert {(fund, code, amount > 0) for fund, code, amount in lines} == {
        ("RLF", "719", True), ("RLF", "301", False), ("GEN", "301", True), ("GEN", "719", False),
    }  # fmt: skip


def test_the_same_is_not_reckoned_twice_and_a_change_posts_the_difference(lite: SmallBank) -> None:
    loan = lent(lite, "M0001")
    visit(lite, "2026-03-31")
    provide(lite, "2026-03")
    refused(lite, AlreadyExists, "provide", by=lite.tom, field="month", month="2026-03")
    grade(lite, loan, "3")
    assert posted(provide(lite, "2026-03")) == [entry_of("RLF 301 Dr 480.00", "RLF 719 Cr 480.00")]
    visit(lite, "2026-04-01")
    assert posted(provide(lite, "2026-04")) == []  # another day, the same need: kept, and nothing posted
    assert kept(lite, "2026-04").required == {"RLF": 600_00}


def test_a_month_that_is_over_is_provided_for_under_its_last_day(small: SmallBank) -> None:
    loan = lent(small, "M0001")
    visit(small, "2026-03-31")
    visit(small, "2026-04-04")
    small.do("repay-loan", loan=loan, amount="4000.00", tender="transfer")
    grade(small, loan, "3")  # what was learned since tells of the loans as they were
    done = provide(small, "2026-03")
    assert [each.effective_on for each in done.entries] == ["2026-03-31"]
    body = kept(small, "2026-03")
    assert body.on == "2026-03-31"
    assert body.lines == [["RLF", loan, "current", 0, "3", 12_000_00, "5", 600_00]]
    assert_books(small)
    refused(small, AlreadyExists, "provide", by=small.tom, field="month", month="2026-03")
    provide(small, "2026-04")
    refused(small, InvalidDate, "provide", by=small.tom, field="month", month="2026-03")
    assert small.balance("719", "RLF") == -kept(small, "2026-04").required["RLF"]


def test_months_that_cannot_be_provided_for(lite: SmallBank) -> None:
    lent(lite, "M0001")
    visit(lite, "2026-05-04")

    def no(error: Any, month: str) -> None:
        refused(lite, error, "provide", by=lite.tom, field="month", month=month)

    no(InvalidDate, "2026-06")
    no(InvalidDate, "2026-03")
    no(InvalidValue, "2026-13")
    no(InvalidValue, "May")
    for month in ("2026-03", "2026-04"):
        lite.agreed("close-month", by=lite.tom, approver=lite.sue, month=month)
    no(PeriodLocked, "2026-04")
    refused(lite, NotAllowed, "provide", field="operation", month="2026-05")
    assert lite.ask("provide", by=lite.tom, month="2026-05").status == "pending"


def test_without_a_table_nothing_is_provided(lite: SmallBank) -> None:
    lent(lite, "M0001")
    visit(lite, "2026-04-01")
    with lite.read() as books:
        assert in_force(tables(books), date(2026, 2, 28)) is None
    # the books began on 2 March: there is no February to provide for
    refused(lite, InvalidDate, "provide", by=lite.tom, field="month", month="2026-02")


def test_promises_are_provided_for_where_the_table_says_so(small: SmallBank) -> None:
    small.agreed("grant-loan", member="M0001", principal="10000.00", annual_rate="7", installments=12)
    set_table(small, from_day="2026-03-02", commitments="0.5")
    visit(small, "2026-03-31")
    assert posted(provide(small, "2026-03")) == [entry_of("RLF 301 Dr 50.00", "RLF 863 Cr 50.00")]
    body = kept(small, "2026-03")
    assert (body.lines, body.promised, body.commitments) == ([], {"RLF": 10_000_00}, {"RLF": 50_00})
    small.do("disburse-loan", by=small.tom, loan="L-001")
    lines = ("RLF 301 Dr 100.00", "RLF 719 Cr 100.00", "RLF 863 Dr 50.00", "RLF 301 Cr 50.00")
    assert posted(provide(small, "2026-03")) == [entry_of(*lines)]


def test_a_loss_uses_what_was_provided_for_its_own_fund_alone(lite: SmallBank) -> None:
    lent(lite, "M0001", principal="10000.00", fund="GEN")
    lost = lent(lite, "M0002", principal="1000.00")
    visit(lite, "2026-03-31")
    provide(lite, "2026-03")
    assert (lite.balance("719", "GEN"), lite.balance("719", "RLF")) == (-100_00, -10_00)
    visit(lite, "2027-04-01")
    lite.agreed("charge-off", loan=lost, by=lite.ana, approver=lite.sue, resolution="R-7", why="gone")
    provide(lite, "2027-04")
    assert lite.balance("719", "RLF") == 0
    assert lite.balance("719", "GEN") == -10_000_00  # more than 180 days late by now


# ---------------------------------------------------------------------------------------- verify


LINE: list[Any] = ["RLF", "L-001", "current", 0, None, 12_000_00, "1", 120_00]


def proven(body: dict[str, Any], *, table: int = 1, reserve: int | None = None, held: int = 12_000_00) -> list[str]:
    """What the check says of a kept provision, over books in which RLF lent 12,000.00 and holds 120.00 for it."""
    proof, state, log = ProvisionProof(), Registers(), Log()
    proof.tables[table] = first_table(date(2026, 3, 2), "admin")
    for number, (code, contract, amount) in enumerate((("701", "L-001", held), ("719", "", -120_00)), start=1):
        log.leaves[number] = Leaf(1, number, code, "RLF", contract, None, "asset", "USD", None, None)
        state.balances[number] = amount
    state.records["loan", "L-001"] = {"reserve": reserve}
    whole = {"on": "2026-03-31", "table": 1, "lines": [LINE], "required": {"RLF": 120_00}, "before": {}, **body}
    return list(proof._faults(state, log, records.Provision(**whole)))


def test_verify_reckons_a_provision_again() -> None:
    assert proven({}) == []
    assert len(proven({}, table=2)) == 1
    assert "was not in force" in proven({"on": "2026-03-01"})[0]
    wrong = {"lines": [[*LINE[:-1], 119_99]], "required": {"RLF": 119_99}}
    assert any("is not provided for by the table" in fault for fault in proven(wrong))
    assert any("stands in 719" in fault for fault in proven(wrong))
    assert proven({"lines": [[*LINE[:4], "3", *LINE[5:]]]})  # another grade would take another rate
    assert proven({"required": {"RLF": 120_01}})
    assert proven({"required": {"RLF": 120_00, "GEN": 1}})
    assert any("account 701 held 11999.99" in fault for fault in proven({}, held=11_999_99))
    assert any("account 701 held 12000.00" in fault for fault in proven({"lines": [], "required": {"RLF": 120_00}}))
    assert proven({"commitments": {"RLF": 1}})
    assert proven({"promised": {"RLF": 1}})
    own = {"lines": [[*LINE[:6], "specific", 120_00]]}
    assert proven(own, reserve=120_00) == []
    assert proven(own, reserve=121_00) and proven(own)


def test_what_is_told_of_a_loan_while_the_provision_reckons_counts(lite: SmallBank) -> None:
    """It reckons how late all loans are before the book is locked, and anew if something was told meanwhile."""
    loan = lent(lite, "M0001")
    visit(lite, "2026-04-30")
    approval = {"request": lite.ask("provide", by=lite.tom, month="2026-04").request}
    grading = {"loan": loan, "grade": "5", "why": "it looks bad"}
    lite.reckoned_before(lite.bank.build("approve", approval), lite.sue, lambda: lite.agreed("grade-loan", **grading))
    with lite.read() as books:
        lines = books.get(records.Provision, "2026-04").lines
    assert [line[4] for line in lines if line[1] == loan] == ["5"]
