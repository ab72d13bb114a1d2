"""Powers that the bank edits: operations and amounts of roles, what a person moves in a day, and relatives."""

from __future__ import annotations

import pytest

from coopbank.bank import records
from coopbank.bank.operation import EDITION, powers_of
from coopbank.errors import InvalidValue, LimitReached, NotAllowed, OwnAccount
from coopbank.reports.audit import audit
from tests.support_bank import SmallBank


def begun(bank: SmallBank) -> None:
    mia = bank.admit("Mia Lee")
    bank.do("open-savings", member=mia)
    bank.do("deposit", member=mia, amount="500.00")


def set_role(small: SmallBank, **values: object) -> None:
    small.agreed("set-role", by=small.admin, **values)


def test_an_operation_is_given_and_taken(small: SmallBank) -> None:
    set_role(small, role="teller", operation="withdraw", allowed=False)
    with pytest.raises(NotAllowed, match="may not do this"):
        small.ask("withdraw", member="M0001", amount="5.00")
    set_role(small, role="loan-officer", operation="withdraw")
    small.do("withdraw", member="M0001", amount="5.00")  # ana is one as well


def test_limits_of_an_amount(small: SmallBank) -> None:
    set_role(small, role="teller", operation="withdraw", alone_up_to="100.00", at_most="200.00")
    small.do("withdraw", member="M0001", amount="100.00")
    asked = small.ask("withdraw", member="M0001", amount="100.01")
    assert asked.status == "pending" and "100.00" in str(asked.reason)
    with pytest.raises(LimitReached, match=r"up to 200\.00"):
        small.ask("withdraw", member="M0001", amount="200.01")
    small.do("approve", by=small.tom, request=asked.request)


def test_the_widest_of_a_persons_roles_counts(small: SmallBank) -> None:
    set_role(small, role="teller", operation="withdraw", at_most="10.00")
    set_role(small, role="loan-officer", operation="withdraw", at_most="50.00")
    small.do("withdraw", member="M0001", amount="50.00")
    with pytest.raises(LimitReached):
        small.ask("withdraw", member="M0001", amount="50.01")


def test_a_role_without_limits_goes_beyond_one_that_has_some(small: SmallBank) -> None:
    set_role(small, role="teller", operation="withdraw", at_most="10.00", alone_up_to="5.00")
    small.agreed("set-day-limit", by=small.admin, role="teller", amount="500.00")  # which are moved already
    assert small.ask("withdraw", member="M0001", amount="5.01").status == "pending"
    set_role(small, role="loan-officer", operation="withdraw")
    assert small.ask("withdraw", member="M0001", amount="50.00").status == "done"


def test_what_a_person_moves_in_a_day(small: SmallBank) -> None:
    for role in ("teller", "loan-officer"):
        small.agreed("set-day-limit", by=small.admin, role=role, amount="620.00")  # 500.00 are moved already
    small.do("withdraw", member="M0001", amount="100.00")
    small.do("withdraw", member="M0001", amount="20.00")
    asked = small.ask("withdraw", member="M0001", amount="0.01")
    assert asked.status == "pending" and "today" in str(asked.reason)
    small.go_to("2026-03-03")
    small.do("withdraw", member="M0001", amount="0.02")


def test_what_is_paid_without_an_amount_counts_in_the_day_too(small: SmallBank) -> None:
    small.do("buy-shares", member="M0001", amount="25.00")
    small.go_to("2026-03-03")
    accepted = small.agreed("accept-redemption", member="M0001", amount="25.00")
    for role in ("teller", "loan-officer"):
        small.agreed("set-day-limit", by=small.admin, role=role, amount="45.00")
    small.do("pay-redemption", redemption=accepted.created[0])
    small.do("withdraw", member="M0001", amount="20.00")
    assert small.ask("withdraw", member="M0001", amount="0.01").status == "pending"


def test_a_limit_needs_an_amount_and_an_order(small: SmallBank) -> None:
    with pytest.raises(InvalidValue, match="no amount"):
        small.ask("set-role", by=small.admin, role="teller", operation="open-savings", at_most="5.00")
    with pytest.raises(InvalidValue, match="already"):
        small.ask("set-day-limit", by=small.admin, role="teller", amount="0.00")
    with pytest.raises(InvalidValue, match="above the most"):
        small.ask("set-role", by=small.admin, role="teller", operation="deposit", at_most="5.00", alone_up_to="6.00")
    with pytest.raises(InvalidValue, match="already"):
        small.ask("set-role", by=small.admin, role="teller", operation="deposit")
    for role, operation in (("boss", "deposit"), ("teller", "ask"), ("teller", "nothing")):
        with pytest.raises(InvalidValue, match="There is no"):
            small.ask("set-role", by=small.admin, role=role, operation=operation)


def test_an_amount_just_below_a_roles_limit_is_worth_a_look(small: SmallBank) -> None:
    set_role(small, role="teller", operation="withdraw", alone_up_to="100.00")
    set_role(small, role="loan-officer", operation="withdraw", alone_up_to="100.00")
    for amount in ("95.00", "80.00"):
        small.do("withdraw", member="M0001", amount=amount)
    with small.read() as books:
        (result,) = audit(books, ["near-limits"]).results
    said = {(row.said.split(" of ")[0], row.amount) for row in result.rows}
    assert said == {("just below teller: withdraw", 95_00), ("just below loan-officer: withdraw", 95_00)}


def test_an_administrator_keeps_what_nobody_could_give_back(small: SmallBank) -> None:
    with pytest.raises(NotAllowed, match="nobody could give it back"):
        small.ask("set-role", by=small.admin, role="administrator", operation="set-role", allowed=False)


def test_nobody_serves_or_approves_a_relative(small: SmallBank) -> None:
    small.do("declare-relative", user="ana", relative="M0001")
    with pytest.raises(OwnAccount, match="M0001"):
        small.ask("deposit", member="M0001", amount="5.00")
    ben = small.admit("Ben Ray")
    small.do("declare-relative", by=small.tom, user="tom", relative=ben)
    with pytest.raises(NotAllowed, match="colleague's relatives"):
        small.ask("declare-relative", by=small.ana, user="tom", relative="M0001")
    with pytest.raises(InvalidValue, match="already"):
        small.ask("declare-relative", user="ana", relative="M0001")
    waits = small.ask("declare-relative", user="ana", relative="M0001", related=False, why="a mistake")
    assert waits.status == "pending"
    small.do("approve", by=small.tom, request=waits.request)
    small.do("deposit", member="M0001", amount="5.00")


def test_an_approver_who_is_a_relative_is_refused(small: SmallBank) -> None:
    small.do("buy-shares", member="M0001", amount="25.00")
    small.do("declare-relative", by=small.tom, user="tom", relative="M0001")
    asked = small.ask("redeem-shares", member="M0001", amount="25.00")
    with pytest.raises(OwnAccount):
        small.ask("approve", by=small.tom, request=asked.request)
    small.do("approve", by=small.sue, request=asked.request)


def test_books_of_an_earlier_edition_know_what_came_later() -> None:
    """A role's record lists what there was when it was written; what came later belongs to whom it was made for."""
    assert "set-role" in powers_of("administrator", ["deposit"], 1)
    assert "set-role" not in powers_of("teller", ["deposit"], 1)
    assert powers_of("administrator", ["deposit"], EDITION) == {"deposit"}
    assert records.Role(operations=[]).edition == 1


def test_an_amount_left_to_the_books_is_limited_as_one_that_is_written(small: SmallBank) -> None:
    small.do("receive-gift", by=small.tom, amount="5000.00", donor="Cora Quist", fund="RLF", tender="transfer")
    small.agreed("grant-loan", member="M0001", principal="1200.00", annual_rate="6", installments=12)
    set_role(small, role="treasurer", operation="disburse-loan", at_most="100.00")
    for values in ({"amount": "1200.00"}, {}):
        with pytest.raises(LimitReached, match=r"not 1,?200\.00"):
            small.ask("disburse-loan", by=small.tom, loan="L-001", tender="transfer", **values)
    set_role(small, role="treasurer", operation="disburse-loan")
    small.agreed("set-day-limit", by=small.admin, role="treasurer", amount="6300.00")
    small.do("disburse-loan", by=small.tom, loan="L-001", tender="transfer")
    asked = small.ask("receive-gift", by=small.tom, amount="100.01", donor="Cora Quist", fund="RLF", tender="transfer")
    assert asked.status == "pending", "what was paid out counts as well"


def test_an_approver_without_the_power_to_approve_locks_nobody_out(small: SmallBank) -> None:
    small.agreed("change-role", by=small.admin, approver=small.sue, user="tom", user_roles=["teller"])
    small.agreed("set-role", by=small.admin, approver=small.sue, role="supervisor", operation="approve", allowed=False)
    small.do("set-role", by=small.admin, role="supervisor", operation="approve")
