"""The audit tests: each finds what was planted, and not its near neighbour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from coopbank.errors import InvalidDate, Unknown
from coopbank.reports.audit import MOST, TESTS, Audit, Result, Row, audit, roll_forward
from coopbank.reports.audit import frame as audit_frame
from coopbank.reports.document import as_document
from tests.bank.test_polls import POT, called
from tests.ledger.support import corrupt
from tests.reports.suspects import Suspects
from tests.support_bank import assert_books, new_bank


def run(told: Suspects, name: str, start: str | None = None, end: str | None = None) -> Result:
    first, last = (None if day is None else date.fromisoformat(day) for day in (start, end))
    with told.small.read() as books:
        return audit(books, [name], first, last).results[0]


def entries(told: Suspects, name: str) -> set[str]:
    """Names of the entries that a test found."""
    known = {number: each for each, number in told.entries.items()}
    return {known.get(row.entry or 0, f"entry {row.entry}") for row in run(told, name).rows}


def operations(told: Suspects, name: str) -> list[str]:
    """Names of the operations that a test found."""
    known = {number: each for each, number in told.operations.items()}
    return [known.get(row.operation or 0, f"operation {row.operation}") for row in run(told, name).rows]


def test_duplicates(suspects: Suspects) -> None:
    found = run(suspects, "duplicates")
    assert entries(suspects, "duplicates") == {"alike"}
    row = found.rows[0]
    assert (row.account, row.amount, row.on, row.memo) == ("905/M0005", -1234, "2026-03-02", "Deposit M0005: market")
    assert f"entries {suspects.entries['alike 1']} to {suspects.entries['alike']}" in row.said


def test_round_amounts(suspects: Suspects) -> None:
    found = entries(suspects, "round-amounts")
    assert {"gift", "cash 1", "not cash", "not cash by bank", "at limit"} <= found
    assert not found & {"not gift", "cash", "near", "not alone"}


def test_incomplete(suspects: Suspects) -> None:
    assert entries(suspects, "incomplete") == {"mute"}


def test_weekends(suspects: Suspects) -> None:
    found = operations(suspects, "weekends")
    assert [each for each in found if not each.startswith("operation")] == ["saturday", "sunday"]
    saturday = next(row for row in run(suspects, "weekends").rows)
    assert saturday.said == "made on a Saturday, 10:00"


def test_a_day_that_is_a_saturday_is_found_whatever_the_clock_says(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        small.admit("Mia Lee")
        small.do("open-savings", member="M0001")
        small.go_to("2026-03-07", open_drawer=False)
        small.clock.instant = small.clock.instant.replace(day=9)
        small.do("deposit", by=small.tom, member="M0001", amount="1.00", tender="transfer")
        with small.read() as books:
            assert [row.said for row in audit(books, ["weekends"]).results[0].rows] == ["dated on a Saturday"]


def test_nights(suspects: Suspects) -> None:
    found = operations(suspects, "nights")
    assert {"night", "ahead"} <= set(found)
    assert not {"not night", "saturday", "not ahead"} & set(found)


def test_the_bank_s_own_time_zone_decides(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        small.do("receive-gift", by=small.tom, amount="1.00", donor="A", tender="transfer")
        with small.read() as books:
            here = audit(books, ["nights"])
        small.agreed("set-policy", by=small.tom, approver=small.sue, policy="time_zone", value="Asia/Tokyo")
        with small.read() as books:
            there = audit(books, ["nights"])
    assert (here.results[0].found, here.time_zone) == (0, "CST/CDT")
    assert (there.results[0].found, there.time_zone) == (1, "Asia/Tokyo")
    assert there.results[0].rows[0].said == "made on a Tuesday, 03:00"


def test_a_clock_that_was_set_back(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        for minutes in (0, -5, -11, 60):  # the third is six minutes before the second
            small.clock.instant = datetime(2026, 3, 2, 19, 0, tzinfo=UTC) + timedelta(minutes=minutes)
            small.do("receive-gift", amount="1.00", donor="A friend")
        with small.read() as books:
            (found,) = audit(books, ["clocks"]).results
    assert [row.said for row in found.rows] == ["the clock went back 6 minutes"]


def test_post_dated(suspects: Suspects) -> None:
    assert entries(suspects, "post-dated") == {"ahead"}


def test_back_dated(suspects: Suspects) -> None:
    rows = {row.entry: row.said for row in run(suspects, "back-dated").rows}
    assert rows.pop(suspects.entries["back"]) == "dated 5 days back"
    assert rows.pop(suspects.entries["sunday"]) == "made 2 days later, on a day that was left open"
    # Friday's drawer was closed on Monday night, after four days
    assert all("left open" in said for said in rows.values())
    assert not rows.keys() & {suspects.entries[name] for name in ("saturday", "night", "not back")}


def test_interest_of_a_quarter_is_dated_back_by_rule(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "bank.db")) as small:
        small.do("open-savings", member=small.admit("Mia"), annual_rate="3")
        small.do("deposit", member="M0001", amount="900.00")
        small.go_to("2026-04-02")
        done = small.agreed("credit-interest", by=small.tom, approver=small.sue, quarter="2026-Q1")
        assert [entry.effective_on for entry in done.entries] == ["2026-03-31", "2026-04-02"]
        with small.read() as books:
            assert audit(books, ["back-dated"]).results[0].rows == ()


def test_value_dated(suspects: Suspects) -> None:
    (row,) = run(suspects, "value-dated").rows
    assert row.operation == suspects.operations["earlier"]
    assert (row.said, row.on, row.account) == ("counts from 4 days before", "2026-03-06", "L-001")


def test_rare_users(suspects: Suspects) -> None:
    found = run(suspects, "rare-users")
    assert [(row.who, row.said) for row in found.rows] == [("ben", "operations in the period: 5, this one the last")]
    assert found.looked_at == 3


def test_rare_accounts(suspects: Suspects) -> None:
    found = {row.account for row in run(suspects, "rare-accounts").rows}
    assert {"GEN 250", "GEN 741"} <= found
    assert not {"GEN 905", "GEN 181"} & found


def test_near_limits(suspects: Suspects) -> None:
    rows = run(suspects, "near-limits").rows
    found = set(operations(suspects, "near-limits"))
    assert found == {"drawer", "near", "at limit", "not cash"}
    assert {row.said for row in rows} == {
        "just below withdrawal_alone of 1,000.00", "just below drawer_limit of 5,000.00",
        "just below cash_report of 10,000.00",
    }  # fmt: skip


def test_a_limit_is_the_one_that_was_in_force(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        small.admit("Mia Lee")
        small.do("open-savings", member="M0001")
        small.do("deposit", member="M0001", amount="2000.00")
        first = small.do("withdraw", member="M0001", amount="95.00").number
        small.agreed("set-policy", by=small.tom, approver=small.sue, policy="withdrawal_alone", value="100.00")
        second = small.do("withdraw", member="M0001", amount="95.00").number
        small.agreed("set-policy", by=small.tom, approver=small.sue, policy="withdrawal_alone", value="500.00")
        with small.read() as books:
            found = {row.operation for row in audit(books, ["near-limits"]).results[0].rows}
    assert second in found and first not in found


def test_split_payments(suspects: Suspects) -> None:
    rows = run(suspects, "split-payments").rows
    assert [(row.account, row.amount, row.who) for row in rows] == [("M0001", 195_000, "ana")]


def test_split_loans(tmp_path: Path) -> None:
    """Two just under a mandate's limit, and two of linked borrowers; not what is apart, decided, or taken back."""
    with new_bank(str(tmp_path / "bank.db")) as small:
        for name in ("Mia Lee", "Joe Banks", "Noa Cole", "Udo Hill", "Eva Hill"):
            small.admit(name)
        small.do("receive-gift", by=small.tom, fund="RLF", amount="90000.00", donor="A friend", tender="transfer")
        small.agreed("set-body", small.admin, small.tom, body="BOARD", body_name="Board", form="assembly")

        def lend(member: str, amount: str) -> str:
            terms = {"annual_rate": "6", "installments": 6, "purpose": "tools"}
            return small.agreed("grant-loan", member=member, principal=amount, **terms).created[0]

        lend("M0001", "990.00")  # before there is a mandate
        small.agreed("set-mandate", small.admin, small.tom, operation="grant-loan", body="BOARD", above="1000.00")
        first, second = lend("M0001", "990.00"), lend("M0001", "10.01")
        lend("M0002", "900.00"), lend("M0002", "100.00")  # together at the limit
        small.agreed("define-register", by=small.tom, approver=small.sue, template="GROUPS")
        for member in ("M0004", "M0005"):
            small.do(
                "add-entry",
                register_code="GROUPS",
                values=["group: Hill", f"member: {member}", "since: 2026-03-02", "why: one kitchen"],
            )
        linked = lend("M0004", "700.00"), lend("M0005", "700.00")
        lend("M0003", "700.00")
        small.go_to("2026-06-01")  # 91 days later
        lend("M0003", "700.00")
        with small.read() as books:
            [found] = audit(books, ["split-loans"]).results
    assert [(row.account, row.amount, row.memo) for row in found.rows] == [
        ("M0001", 1_000_01, f"{first}, {second}"),
        ("M0004, M0005", 1_400_00, ", ".join(linked)),
    ]
    assert found.rows[0].said == "2 loans in 90 days, together above 1,000.00, from which BOARD decides"
    assert found.looked_at == 9


def test_bills_that_may_be_there_twice(tmp_path: Path) -> None:
    """A copy numbered anew or typed otherwise, in petty cash too; not the next month's, nor what was taken back."""
    with new_bank(str(tmp_path / "bank.db")) as small:
        small.do("receive-gift", by=small.tom, amount="9000.00", donor="A friend", tender="transfer")

        def bill(number: str, amount: str, supplier: str = "PRINTER") -> int:
            return small.do("enter-bill", supplier=supplier, number=number, amount=amount, expense="290").number

        small.agreed("open-petty-cash", by=small.tom, approver=small.sue, petty_cash="PETTY", holder="ana",
                     float_amount="200.00", from_place="FIRST")  # fmt: skip
        bill("INV-0070", "80.00"), bill("71", "80.00", "BAKER"), bill("INV-007", "35.00")
        alike = bill("inv 70", "90.00")
        mistaken = bill("72", "11.00")
        small.do("reverse", operation=mistaken, reason="another supplier")
        bill("73", "11.00")
        small.go_to("2026-03-22")
        receipt = {"supplier": "BAKER", "receipt": "R 5", "amount": "80.00", "expense": "290", "petty_cash": "PETTY"}
        twice = small.do("spend-petty-cash", **receipt).number
        small.go_to("2026-04-12")
        bill("74", "80.00", "BAKER"), bill("75", "35.00")
        with small.read() as books:
            [found] = audit(books, ["bills-twice"]).results
            [later] = audit(books, ["bills-twice"], date(2026, 3, 22), date(2026, 3, 31)).results
    assert [(row.operation, row.account, row.amount, row.said) for row in found.rows] == [
        (alike, "801/PRINTER", 90_00, "number inv 70 is like INV-0070 of B-00001"),
        (twice, "801/BAKER", 80_00, "the same amount as B-00002, 20 days before"),
    ]
    assert (found.looked_at, later.looked_at, [row.operation for row in later.rows]) == (8, 1, [twice])


def test_much_cash_of_one_person(suspects: Suspects) -> None:
    rows = run(suspects, "cash").rows
    assert [(row.account, row.amount, row.on) for row in rows] == [("M0001", 1_000_001, "2026-03-02")]


def test_cash_of_somebody_who_is_no_member(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        small.do("receive-gift", amount="10000.01", donor="Nobody knows")
        small.do("receive-gift", amount="10000.00", donor="Nobody knows")
        with small.read() as books:
            rows = audit(books, ["cash"]).results[0].rows
    assert [(row.account, row.amount) for row in rows] == [("not a member", 1_000_001)]


def test_self_service(suspects: Suspects) -> None:
    rows = run(suspects, "self-service").rows
    assert operations(suspects, "self-service") == ["own", "own approval"]
    assert [(row.who, row.account) for row in rows] == [("ana", "M0004"), ("sue", "M0003")]
    assert all("linked only later" in row.said for row in rows)


def test_pairs(suspects: Suspects) -> None:
    rows = run(suspects, "pairs", end="2026-03-06").rows
    assert [row.who for row in rows] == ["admin, tom"]
    assert run(suspects, "pairs").found == 0, "later sue approved something of tom's"


def test_signs_of_what_dishonest_people_do(engine_url: str) -> None:
    """Each beside a neighbour that is nothing: ana is the teller, tom the treasurer who joined as M0004."""
    with new_bank(engine_url) as small:
        do, door = small.do, "12 Farish Street"
        for name, values in (
            ("Mia Lee", {"phone": "(601) 555-0101", "address": f"{door}\nJackson"}),
            ("Joe Banks", {"phone": "601-555-0102"}), ("Noa Cole", {"phone": "601 555 0103"}),
            ("Tom", {"address": f"{door.upper()}, Jackson"}), ("Eva Hill", {"phone": "601 555 0102", "address": "-"}),
            ("Udo Hill", {"address": "--"}),
        ):  # fmt: skip
            do("open-savings", member=small.admit(name, **values))
        small.agreed("link-user", by=small.admin, approver=small.sue, user="tom", member="M0004")
        do("receive-gift", by=small.tom, fund="RLF", amount="9000.00", donor="A friend", tender="transfer")
        first = [do("deposit", member=member, amount="90.00").number for member in ("M0001", "M0002", "M0003")]
        kept = do("reverse", operation=first[0], reason="typed twice").number
        not_cash = do("deposit", by=small.tom, member="M0001", amount="80.00", tender="transfer").number
        do("reverse", by=small.tom, operation=not_cash, reason="it was another's")
        do("count-drawer", drawer="D1", counted="170.00", why="not known")
        do("count-drawer", drawer="D1", counted="175.00", why="found")
        after = do("reverse", operation=first[1], reason="typed twice").number
        for member in ("M0002", "M0002", "M0002"):
            do("deposit", member=member, amount="90.00")

        def lend(member: str) -> tuple[str, int]:
            terms = {"principal": "100.00", "annual_rate": "6", "installments": 6}
            done = small.agreed("grant-loan", member=member, **terms)
            return done.created[0], done.number

        loans = [lend(member) for member in ("M0001", "M0002", "M0003", "M0006")]
        small.go_to("2026-04-01")  # 30 days later
        loans.append(lend("M0001"))
        small.go_to("2026-04-02")
        not_new = [lend("M0001") for _each in range(5)]
        do("change-member", by=small.tom, member="M0003", phone="601 555 0109")
        not_paid = do("withdraw", member="M0003", amount="1.00").number
        do("change-member", member="M0003", language="es")
        do("change-member", member="M0002", email="new@example.org")
        small.go_to("2026-05-03")  # 31 days later
        do("change-member", member="M0002", address="Elsewhere")
        paid = do("withdraw", member="M0002", amount="2.00").number
        small.go_to("2026-12-01")  # more than 300 days at once would be one more thing that tom agrees to
        small.go_to("2027-04-01")
        not_woken = do("withdraw", member="M0003", amount="1.00").number
        small.go_to("2027-05-03")  # a year after M0002 moved anything
        woken = do("withdraw", member="M0002", amount="3.00").number
        with small.read() as books:
            found = {each.name: each for each in audit(books).results}
        assert_books(small)
    assert [(row.operation, row.account, row.amount, row.said) for row in found["undone"].rows] == [
        (kept, "M0001", 90_00, "cash taken back"),
        (after, "M0002", 90_00, "cash taken back after the drawer was counted"),
    ]
    assert [(row.operation, row.account) for row in found["woken"].rows] == [(woken, "905/M0002")]
    assert not_woken not in {row.operation for row in found["woken"].rows}
    assert [(row.operation, row.account) for row in found["changed-then-paid"].rows] == [(paid, "M0002")]
    assert not_paid not in {row.operation for row in found["changed-then-paid"].rows}
    (differed,) = found["cash-differences"].rows
    assert (differed.who, differed.amount) == ("ana", 5_00) and "10.00 short, 5.00 over" in differed.said
    (approver,) = found["one-approver"].rows
    assert approver.who == "ana" and approver.said == "all 10 requests were approved by tom"
    shared = {(row.said, row.account, row.who) for row in found["shared-contact"].rows}
    assert shared == {("the same address", "M0001, M0004", "tom")}
    assert [row.operation for row in found["new-borrowers"].rows] == [number for _loan, number in loans]
    assert not_new


def test_voters_of_whom_nothing_else_is_known(engine_url: str) -> None:
    """Mia has savings, Noa a share only, Oto neither; Pia and Rex get no ballot."""
    with new_bank(engine_url, begin=called) as small:
        small.do("open-savings", member="M0001")
        small.do("deposit", member="M0001", amount="5.00")
        for member in ("M0001", "M0002", "M0004"):
            small.do("buy-shares", member=member, amount="25.00")
        for _each in range(2):
            poll = small.do("open-poll", small.sue, **POT).created[0]
            last = small.do("give-ballots", small.sue, poll=poll, members=["M0001", "M0002", "M0003"]).number
            small.agreed("close-poll", small.sue, small.tom, poll=poll)
        with small.read() as books:
            (found,) = audit(books, ["silent-voters"]).results
    said = "voted 2 times, and moved nothing but the price of a share"
    assert [(row.account, row.operation, row.said) for row in found.rows] == [
        ("M0002", last, said), ("M0003", last, said),
    ]  # fmt: skip
    assert found.looked_at == 3


def test_dormant(suspects: Suspects) -> None:
    found = {row.account: row.on for row in run(suspects, "dormant").rows}
    # in March 2027, after interest was credited to all of them in April 2026
    assert found == {
        "905/M0002": "2026-03-02", "905/M0003": "2026-03-02", "905/M0006": "2026-03-02",
        "905/M0004": "2026-03-05", "905/M0005": "2026-03-05",
    }  # fmt: skip
    the_day_before = {row.account for row in run(suspects, "dormant", end="2027-03-04").rows}
    assert the_day_before == {"905/M0002", "905/M0003", "905/M0006"}


def test_one_sided(suspects: Suspects) -> None:
    found = {row.account: row.said for row in run(suspects, "one-sided").rows}
    assert found["GEN 741"] == "only debits"
    assert found["GEN 260"] == "only credits"
    assert not {"GEN 181", "GEN 250", "GEN 905", "POOL 731"} & found.keys()


def test_what_is_right_rolls_forward(suspects: Suspects) -> None:
    assert run(suspects, "roll-forward").found == 0
    assert run(suspects, "roll-forward", "2026-03-05", "2026-03-06").found == 0
    with suspects.small.read() as books:
        told = roll_forward(books, date(2026, 3, 5), date(2026, 3, 6))
    line = next(line for line in told.lines if (line.fund, line.code) == ("GEN", "250"))
    assert (line.beginning, line.debit, line.credit, line.ending) == (0, 4000, 0, 4000)
    assert as_document(told)["lines"][0]["beginning"].count(".") == 1


def test_no_number_is_missing(suspects: Suspects) -> None:
    found = run(suspects, "gaps")
    assert found.found == 0 and found.looked_at > 100


# ---------------------------------------------------------- what only an edited file can hold


Change = Callable[[int], tuple[str, list[object]]]
ANOTHER_BALANCE = (
    "UPDATE balance_day SET debit = debit + 7 WHERE account_id = (SELECT id FROM account WHERE gl_code = ?)"
)
SPOILED: dict[str, tuple[str, Change, str]] = {
    "an entry is gone": (
        "gaps", lambda entry: ("DELETE FROM entry WHERE id = ?", [entry]), "entry {entry} is missing"),
    "the last entry is gone": (
        "gaps", lambda entry: ("DELETE FROM entry WHERE id > ?", [entry]), "entry {next} is missing"),
    "a member is gone": (
        "gaps", lambda _: ("DELETE FROM record WHERE kind = 'member' AND ref = ?", ["M0001"]),
        "member M0001 is missing"),
    "a line is gone": (
        "incomplete", lambda entry: ("DELETE FROM posting WHERE entry_id = ? AND line > 1", [entry]),
        "it has fewer than two lines"),
    "an amount is another": (
        "incomplete", lambda entry: ("UPDATE posting SET amount = amount + 1 WHERE entry_id = ? AND line = 1", [entry]),
        "debits and credits differ"),
    "no operation": (
        "incomplete", lambda entry: ("UPDATE entry SET operation_id = 9999 WHERE id = ?", [entry]),
        "nobody is named who made it"),
    "a balance is another": (
        "roll-forward", lambda _: (ANOTHER_BALANCE, ["905"]), "do not come to"),
}  # fmt: skip


@pytest.mark.parametrize("case", SPOILED)
def test_an_edited_file(engine_url: str, case: str) -> None:
    name, change, wanted = SPOILED[case]
    with new_bank(engine_url) as small:
        small.admit("Mia Lee")
        small.admit("Joe Banks")
        small.do("open-savings", member="M0001")
        entry = small.do("deposit", member="M0001", amount="30.00").entries[0].number
        small.do("deposit", member="M0001", amount="40.00")
        with small.read() as books:
            assert audit(books, [name]).results[0].found == 0
        small.spoiled = True
        corrupt(small.bank.database, [change(entry)])
        with small.read() as books:
            said = [row.said for row in audit(books, [name]).results[0].rows]
    assert any(wanted.format(entry=entry, next=entry + 1) in each for each in said), said


# ------------------------------------------------------------------------------ the registry


def test_all_tests_run_and_a_period_holds_them_to_its_days(suspects: Suspects) -> None:
    with suspects.small.read() as books:
        whole = audit(books)
        empty = audit(books, start=date(2020, 1, 1), end=date(2020, 12, 31))
    assert [each.name for each in whole.results] == list(TESTS)
    assert {each.name: each.found for each in empty.results if each.name not in ("gaps", "dormant")} == {
        name: 0 for name in TESTS if name not in ("gaps", "dormant")
    }
    assert isinstance(whole, Audit)
    document = as_document(whole)
    cash = next(each for each in document["results"] if each["name"] == "cash")
    assert cash["rows"][0]["amount"] == "10000.01"


def test_rows_beyond_the_most_are_counted(suspects: Suspects, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(suspects, "round-amounts")
    monkeypatch.setattr(audit_frame, "MOST", 2)
    part = run(suspects, "round-amounts")
    assert MOST == 1000
    assert (part.found, len(part.rows), part.rows) == (whole.found, 2, whole.rows[:2])


@pytest.mark.parametrize("name", TESTS)
def test_a_test_says_what_it_is(name: str) -> None:
    test = TESTS[name]
    assert test.name == name and test.title and test.of
    assert test.why.endswith(".")


def test_what_cannot_be_asked(suspects: Suspects) -> None:
    with suspects.small.read() as books:
        with pytest.raises(Unknown) as refusal:
            audit(books, ["tea-leaves"])
        assert refusal.value.field == "test" and "duplicates" in str(refusal.value)
        with pytest.raises(InvalidDate):
            audit(books, start=date(2026, 3, 2), end=date(2026, 3, 1))


def test_a_row_leaves_empty_what_does_not_apply() -> None:
    assert as_document(Row("odd"), "USD") == {
        "said": "odd", "entry": None, "operation": None, "on": "", "who": "", "account": "", "amount": None, "memo": "",
    }  # fmt: skip
