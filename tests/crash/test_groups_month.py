"""A month's close in groups: cut off it goes on; tills take repayments meanwhile; the last part locks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank import groups, records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.bank.verify import verify
from coopbank.clock import SetClock
from coopbank.errors import CannotReverse, PeriodLocked, Refused, WrongState
from coopbank.ledger import periods
from coopbank.ledger.posting import NewPeriodState, NewRecord
from tests.bank.support_lending import lend_to_us, lent
from tests.copies import copied
from tests.crash.hands import Hands
from tests.forging import forge
from tests.support_bank import PASSPHRASE, CountedNonces, SmallBank, assert_books, new_bank

pytestmark = pytest.mark.crash

MONTH, PART = "2026-03", "close-month-part"
LOANS = ("3000.00", "12000.00", "450.00")

_copies: dict[str, tuple[Callable[[str], None], SetClock, int]] = {}


def _opened(engine_kind: str, place: str, nonces: int = 0) -> SmallBank:
    put_back, clock, count = _copies[engine_kind]
    put_back(place)
    clock = SetClock(clock.instant)
    return SmallBank(Bank.open(place, clock=clock, nonce=CountedNonces(count + nonces)), clock)


@pytest.fixture
def small(engine_kind: str, engine_url: str, new_engine_url: Callable[[str], str]) -> Iterator[SmallBank]:
    """Three loans on 3 April, the first paid on since the month ended; tom has asked for the month's close."""
    if engine_kind not in _copies:
        with new_bank(new_engine_url("made")) as made:
            lend_to_us(made)
            loans = [lent(made, made.admit(f"Member {amount}"), principal=amount) for amount in LOANS]
            made.go_to("2026-04-03")
            made.do("repay-loan", loan=loans[0], amount="20.00", tender="transfer")
            assert made.ask("close-month", by=made.tom, month=MONTH).status == "pending"
            nonces = made.bank._nonce
            assert isinstance(nonces, CountedNonces)
            _copies[engine_kind] = copied(made.bank.database), made.clock, nonces.count
    bank = _opened(engine_kind, engine_url)
    try:
        yield bank
        if not bank.spoiled:
            assert_books(bank)
    finally:
        bank.bank.close()


@pytest.fixture
def twos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "LARGEST", 2)
    monkeypatch.setattr(groups, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(groups, "LONG_PAUSE_SECONDS", 0)


def request(small: SmallBank) -> dict[str, str]:
    with small.read() as books:
        ((ref, _body),) = books.about(records.Request, "waiting")
    return {"request": ref}


def approve(small: SmallBank) -> Any:
    return small.do("approve", by=small.sue, **request(small))


Told = tuple[list[Any], list[tuple[str, str, str, int]], str | None]


def told(small: SmallBank) -> Told:
    """The lines that the close posted, by day; every loan as it is; whether the month is locked."""
    with small.read() as books:
        lines = books.tx.rows(
            "SELECT e.effective_on, a.fund, a.gl_code, a.contract, p.amount FROM entry e"
            " JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id"
            " JOIN operation o ON o.id = e.operation_id WHERE o.kind IN ('close-month', ?)", PART,
        )  # fmt: skip
        loans = [(ref, body.model_dump(mode="json")) for ref, body in books.every(records.Loan)]
        return sorted(lines), loans, periods.state(books.tx, MONTH)


def kinds(small: SmallBank) -> Counter[str]:
    with small.read() as books:
        return Counter(kind for (kind,) in books.tx.rows("SELECT kind FROM operation"))


def found(small: SmallBank, check: str = "unfinished groups") -> list[str]:
    return [f.message for verdict in verify(small.bank.database) for f in verdict.findings if verdict.name == check]


def give(hands: Hands, small: SmallBank, operation: str, user: str, values: dict[str, Any], count: int = 1,
         **more: Any) -> list[str]:  # fmt: skip
    now = small.clock.instant.isoformat()
    said = hands.work(small.bank.database.place, "groups_of", count, operation=operation, user=user, values=values,
                      now=now, **more)  # fmt: skip
    return [each["status"] for each in said if "status" in each and "dead" not in each]


@pytest.fixture
def whole(engine_kind: str, small: SmallBank, new_engine_url: Callable[[str], str]) -> Told:
    """The same month closed by one operation."""
    other = _opened(engine_kind, new_engine_url("whole"), nonces=10**6)
    try:
        approve(other)
        assert kinds(other)[PART] == 0
        return told(other)
    finally:
        other.bank.close()


def test_in_groups_every_loan_comes_to_the_same(whole: Told, small: SmallBank, twos: None) -> None:
    receipt = approve(small)
    assert told(small) == whole and whole[2] == periods.LOCKED
    assert kinds(small)[PART] == len(LOANS) and not found(small)
    assert ("Groups of accounts done", "3") in receipt.notes


@pytest.mark.parametrize("die_before", [1, 3])
def test_killed_between_two_groups_the_close_of_the_day_goes_on(
    die_before: int, whole: Told, small: SmallBank, hands: Hands
) -> None:
    assert give(hands, small, "approve", "sue", request(small), die_before=die_before) == []
    assert found(small) == [f"BT-00001: {die_before - 1} of 3 groups are done"]
    with small.read() as books:
        assert periods.state(books.tx, MONTH) != periods.LOCKED
    assert_books(small)
    small.close_day()  # by ana; what she carries out is in the names of those who decided it
    assert told(small) == whole
    with small.read() as books:
        names = books.tx.rows("SELECT DISTINCT actor, approver FROM operation WHERE kind = ?", PART)
    assert names == [("tom", "sue")]


def test_two_who_go_on_at_once_post_each_group_once(whole: Told, small: SmallBank, hands: Hands) -> None:
    assert give(hands, small, "approve", "sue", request(small), die_before=2) == []
    assert give(hands, small, "close-month", "tom", {"month": MONTH}, count=2) == ["period-locked"] * 2
    assert told(small) == whole and kinds(small)[PART] == len(LOANS)


def test_a_till_takes_repayments_between_two_groups(
    whole: Told, small: SmallBank, twos: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each loan is reckoned as it stands when its turn comes; the month's income is the same."""
    till = Bank.open(small.bank.database.place, clock=small.clock)
    carry_out_one = Bank._carry_out_one
    loans = iter(("L-002", "L-003", "L-001"))

    def one(bank: Bank, actor: Any) -> int:
        if (loan := next(loans, None)) is not None:
            till.perform(small.ana, till.build("repay-loan", {"loan": loan, "amount": "15.00", "tender": "transfer"}))
        return carry_out_one(bank, actor)

    monkeypatch.setattr(Bank, "_carry_out_one", one)
    approve(small)
    till.close()

    def income(lines: list[Any]) -> int:
        return sum(line[-1] for line in lines if line[2] == "111" and line[0] == "2026-03-31")

    after = told(small)
    assert income(after[0]) == income(whole[0]) < 0 and after[2] == periods.LOCKED


def test_it_is_not_taken_back_and_can_be_opened_again(small: SmallBank, twos: None) -> None:
    approve(small)
    with small.read() as books:
        last = books.tx.value("SELECT max(id) FROM operation WHERE kind = ?", PART)
    with pytest.raises(CannotReverse, match="carried out what operation"):
        small.agreed("reverse", by=small.tom, approver=small.sue, operation=last, reason="a part")
    with pytest.raises(PeriodLocked):
        small.ask("close-month", by=small.tom, month=MONTH)
    small.agreed("reopen-month", by=small.tom, approver=small.sue, month=MONTH, why="a late bill")
    small.agreed("close-month", by=small.tom, approver=small.sue, month=MONTH)
    with small.read() as books:
        assert periods.state(books.tx, MONTH) == periods.LOCKED
    assert not found(small)


def test_who_agreed_may_have_left_before_it_is_carried_out(small: SmallBank, hands: Hands) -> None:
    assert give(hands, small, "approve", "sue", request(small), die_before=2) == []
    gone = {"user": "sue", "user_roles": ["supervisor"], "active": False}
    small.agreed("change-role", by=small.admin, approver=small.tom, **gone)
    small.close_day()
    assert kinds(small)[PART] == len(LOANS) and not found(small)


def test_the_last_group_is_what_is_signed(
    small: SmallBank, twos: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COOPBANK_KEYS", str(tmp_path / "keys"))
    small.bank.make_keys(small.admin, PASSPHRASE)
    approve(small)
    with small.read() as books:
        last = books.tx.value("SELECT max(id) FROM operation WHERE kind = ?", PART)
        signed = [ref for (ref,) in books.tx.rows("SELECT ref FROM record WHERE kind = 'close-signature'")]
    assert (
        signed == [str(last)] and not found(small, "signatures") and len(found(small, "unsigned closes")) == 1
    )  # the day before there was a key


def test_a_list_does_not_open_a_month_over_it(small: SmallBank, twos: None) -> None:
    liz = {"user": "liz", "full_name": "Liz Moe", "user_roles": ["treasurer"]}
    small.agreed("add-user", by=small.admin, approver=small.tom, **liz)
    reopen = small.bank.build("reopen-month", {"month": MONTH, "why": "a late bill"})
    approval = small.bank.build("approve", request(small))
    before = kinds(small)
    with pytest.raises(Refused, match="Interest of 2026-03 is not on all accounts yet: 0 of 3"):
        small.bank.perform_all(Actor("liz", ()), [(approval, None), (reopen, None)])
    assert kinds(small) - before == Counter({"log-refusal": 1})


def test_no_year_is_closed_over_it(small: SmallBank, hands: Hands) -> None:
    """The year would be locked without that interest, and the groups left could not be posted: no day would end."""
    approve(small)
    small.go_to("2026-12-31")
    small.go_to("2027-01-04")
    for month in range(4, 13):
        small.agreed("close-month", by=small.tom, approver=small.sue, month=f"2026-{month:02}")
    small.agreed("open-audit-period", by=small.tom, approver=small.sue, year="2026")
    for loan in ("L-001", "L-002", "L-003"):
        small.do("repay-loan", loan=loan, amount="400.00", value_date="2026-12-20", tender="transfer")
    assert small.ask("close-month", by=small.tom, month="2026-12").status == "pending"
    assert give(hands, small, "approve", "sue", request(small), die_before=2) == []
    (ref,) = [ref for ref, batch in every_batch(small) if batch.done < batch.parts]
    year = {"year": "2026"}
    with pytest.raises(WrongState, match="The audit period of 2026 is not open"):  # it was finished first
        small.agreed("close-year", by=small.tom, approver=small.sue, **year)
    assert not found(small) and dict(every_batch(small))[ref].done == 3
    small.close_day()


def every_batch(small: SmallBank) -> list[tuple[str, records.Batch]]:
    with small.read() as books:
        return books.every(records.Batch)


def test_a_month_that_is_locked_too_early_is_found(small: SmallBank, hands: Hands) -> None:
    assert give(hands, small, "approve", "sue", request(small), die_before=2) == []
    small.spoiled = True
    with small.read() as books:
        batch = books.get(records.Batch, "BT-00001")
    body = batch.model_copy(update={"done": 2}).model_dump(mode="json", exclude_defaults=True)
    rows: list[Any] = [
        NewRecord("batch", "BT-00001", 3, f"operation {batch.decided_by}", body), NewPeriodState(MONTH, "locked"),
    ]  # fmt: skip
    forge(small, rows=rows, kind=PART, request={"batch": "BT-00001", "part": 2, "month": MONTH})
    assert "part 2 of BT-00001 locks another month, or too early" in found(small, "groups")
    assert "part 2 of BT-00001 was carried out in other names, or on another day" in found(small, "groups")
