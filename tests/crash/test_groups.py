"""What reaches many accounts in groups is cut off between two of them, and goes on: each group is posted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from coopbank.bank import groups, records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.bank.operations.savings_interest import Reckoned
from coopbank.bank.verify import verify
from coopbank.clock import SetClock
from coopbank.errors import AlreadyExists, CannotReverse, Overdrawn, Refused, WrongState
from coopbank.ledger.posting import EntryDraft, Line, NewRecord
from coopbank.money import round_minor
from coopbank.reports.member import member
from coopbank.reports.papers import tax_year
from tests.copies import copied
from tests.crash.hands import Hands
from tests.forging import forge
from tests.support_bank import CountedNonces, SmallBank, assert_books, new_bank

pytestmark = pytest.mark.crash

AMOUNTS = ("1000.00", "333.33", "0.05", "0.05", "812.40", "77.77", "5000.00")  # the cents earn nothing
GROUPS = 3  # of two accounts, of five that earn a cent or more
PART = "credit-interest-part"

_copies: dict[str, tuple[Callable[[str], None], SetClock, int]] = {}


@pytest.fixture
def small(engine_kind: str, engine_url: str, new_engine_url: Callable[[str], str]) -> Iterator[SmallBank]:
    """Savers on 31 March, and the interest of the quarter that tom has asked for; made once for each engine."""
    if engine_kind not in _copies:
        with new_bank(new_engine_url("made")) as made:
            for number, amount in enumerate(AMOUNTS):
                member = made.admit(f"Saver {number}", **({} if number % 2 else {"tax_id": "123-45-6789"}))
                made.do("open-savings", member=member, annual_rate="2" if number != 4 else "1.75")
                made.do("deposit", member=member, amount=amount)
            made.agreed("set-policy", by=made.admin, approver=made.tom, policy="backup_withholding", value="24")
            made.go_to("2026-03-31")
            assert made.ask("credit-interest", by=made.tom, quarter="2026-Q1").request == "R-00003"
            nonces = made.bank._nonce
            assert isinstance(nonces, CountedNonces)
            _copies[engine_kind] = copied(made.bank.database), made.clock, nonces.count
    put_back, clock, count = _copies[engine_kind]
    put_back(engine_url)
    clock = SetClock(clock.instant)
    bank = SmallBank(Bank.open(engine_url, clock=clock, nonce=CountedNonces(count)), clock)
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


def balances(small: SmallBank) -> dict[str, int]:
    with small.read() as books:
        rows = books.tx.rows(
            "SELECT a.gl_code, a.contract, b.debit - b.credit FROM account a JOIN balance b ON b.account_id = a.id"
            " WHERE a.gl_code IN ('905', '842', '852', '385')"
        )
    return {f"{gl} {contract}": int(balance) for gl, contract, balance in rows if balance}


def kinds(small: SmallBank) -> Counter[str]:
    with small.read() as books:
        return Counter(kind for (kind,) in books.tx.rows("SELECT kind FROM operation"))


def told(small: SmallBank) -> list[str]:
    return [f.message for verdict in verify(small.bank.database) for f in verdict.findings
            if verdict.name == "unfinished groups"]  # fmt: skip


def give(hands: Hands, small: SmallBank, operation: str, user: str, values: dict[str, Any], count: int = 1,
         **more: Any) -> list[dict[str, Any]]:  # fmt: skip
    now = small.clock.instant.isoformat()
    said = hands.work(small.bank.database.place, "groups_of", count, operation=operation, user=user, values=values,
                      now=now, **more)  # fmt: skip
    return [each for each in said if "status" in each and "dead" not in each]


def approve(small: SmallBank) -> Any:
    return small.do("approve", by=small.sue, request="R-00003")


Papers = dict[str, tuple[int, int, list[str]]]


def papers(small: SmallBank) -> Papers:
    """What each member is told: interest and withholding of the year, and the words of every movement."""
    with small.read() as books:
        last = date(2026, 3, 31)
        return {
            ref: (
                year.savings_interest, year.withheld,
                [line.words for each in member(books, ref, date(2026, 3, 1), last).accounts for line in each.lines],
            )
            for ref, _body in books.every(records.Member) for year in (tax_year(books, ref, 2026),)
        }  # fmt: skip


def in_one_piece(small: SmallBank, engine_kind: str, place: str) -> tuple[dict[str, int], Papers]:
    """What the same interest comes to where one operation posts all of it."""
    _copies[engine_kind][0](place)
    other = SmallBank(Bank.open(place, clock=SetClock(small.clock.instant), nonce=CountedNonces(10**6)), small.clock)
    try:
        receipt = approve(other)
        assert receipt.then[0].kind == "credit-interest" and kinds(other)[PART] == 0
        return balances(other), papers(other)
    finally:
        other.bank.close()


@pytest.fixture
def whole(small: SmallBank, engine_kind: str, new_engine_url: Callable[[str], str]) -> tuple[dict[str, int], Papers]:
    return in_one_piece(small, engine_kind, new_engine_url("whole"))


@pytest.fixture
def wanted(whole: tuple[dict[str, int], Papers]) -> dict[str, int]:
    return whole[0]


def test_groups_come_to_what_one_operation_does(
    whole: tuple[dict[str, int], Papers], small: SmallBank, twos: None
) -> None:
    wanted, told_of = whole
    receipt = approve(small)
    assert papers(small) == told_of and any("Interest, 2026-Q1" in words for _i, _w, words in told_of.values())
    assert balances(small) == wanted and "842 " in wanted and "852 " not in wanted
    assert kinds(small)[PART] == GROUPS and not told(small)
    assert ("Goes to the accounts in groups", str(GROUPS)) in receipt.then[0].notes
    assert ("Groups of accounts done", str(GROUPS)) in receipt.notes
    with pytest.raises(AlreadyExists):
        small.ask("credit-interest", by=small.tom, quarter="2026-Q1")


@pytest.mark.parametrize("die_before", [1, GROUPS])
def test_killed_between_two_groups_the_close_of_the_day_goes_on(
    wanted: dict[str, int], small: SmallBank, hands: Hands, die_before: int
) -> None:
    assert give(hands, small, "approve", "sue", {"request": "R-00003"}, die_before=die_before) == []
    assert told(small) == [f"BT-00001: {die_before - 1} of {GROUPS} groups are done"]
    assert_books(small)
    assert kinds(small)[PART] == die_before - 1
    small.close_day()
    assert balances(small) == wanted and kinds(small)[PART] == GROUPS and not told(small)


def test_killed_it_goes_on_when_it_is_given_again(wanted: dict[str, int], small: SmallBank, hands: Hands) -> None:
    approval = {"request": "R-00003"}
    assert give(hands, small, "approve", "sue", approval, die_before=2, key="slip 7") == []
    assert give(hands, small, "approve", "sue", approval, die_before=2, key="slip 7") == []  # the one that was
    assert kinds(small)[PART] == 2
    (again,) = give(hands, small, "credit-interest", "tom", {"quarter": "2026-Q1"})
    assert again["status"] == "already-exists"
    assert balances(small) == wanted and kinds(small)[PART] == GROUPS


def test_who_may_not_do_it_does_not_go_on_with_it(small: SmallBank, hands: Hands) -> None:
    assert give(hands, small, "approve", "sue", {"request": "R-00003"}, die_before=2) == []
    (refused,) = give(hands, small, "credit-interest", "ana", {"quarter": "2026-Q1"})
    assert refused["status"] == "not-allowed" and kinds(small)[PART] == 1


def test_two_who_go_on_at_once_post_each_group_once(wanted: dict[str, int], small: SmallBank, hands: Hands) -> None:
    assert give(hands, small, "approve", "sue", {"request": "R-00003"}, die_before=1) == []
    said = give(hands, small, "credit-interest", "tom", {"quarter": "2026-Q1"}, count=4)
    assert [each["status"] for each in said] == ["already-exists"] * 4
    assert balances(small) == wanted and kinds(small)[PART] == GROUPS


def test_a_till_gets_in_between_two_groups(
    wanted: dict[str, int], small: SmallBank, twos: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = Bank.open(small.bank.database.place, clock=small.clock)
    carry_out_one = Bank._carry_out_one

    def one(bank: Bank, actor: Any) -> int:
        till.perform(small.ana, till.build("deposit", {"member": "M0001", "amount": "10.00", "tender": "transfer"}))
        return carry_out_one(bank, actor)

    monkeypatch.setattr(Bank, "_carry_out_one", one)
    approve(small)
    till.close()
    wanted["905 M0001"] -= GROUPS * 10_00
    assert balances(small) == wanted


def test_reversed_everybody_s_goes_back(small: SmallBank, twos: None) -> None:
    before = balances(small)
    lead = approve(small).then[0].number
    with pytest.raises(CannotReverse, match=f"operation {lead}"):
        small.agreed("reverse", by=small.tom, approver=small.sue, operation=lead + 1, reason="a part")
    small.agreed("reverse", by=small.tom, approver=small.sue, operation=lead, reason="another rate")
    assert balances(small) == before
    small.agreed("credit-interest", by=small.tom, approver=small.sue, quarter="2026-Q1")
    assert kinds(small)[PART] == 2 * GROUPS


def test_reversed_half_way_nothing_is_left_to_go_on_with(small: SmallBank, hands: Hands) -> None:
    before = balances(small)
    assert give(hands, small, "approve", "sue", {"request": "R-00003"}, die_before=2) == []
    with small.read() as books:
        lead = books.tx.value("SELECT id FROM operation WHERE kind = 'credit-interest'")
    small.agreed("reverse", by=small.tom, approver=small.sue, operation=lead, reason="another rate")
    assert balances(small) == before and not told(small)
    small.close_day()
    assert kinds(small)[PART] == 1


def test_no_reversal_once_somebody_has_spent_it(small: SmallBank, twos: None) -> None:
    lead = approve(small).then[0].number
    small.do("deposit", member="M0005", amount="1000.00", tender="transfer")
    small.do("withdraw", member="M0002", amount=small.text(-balances(small)["905 M0002"]), tender="transfer")
    after = balances(small)
    with pytest.raises((CannotReverse, Overdrawn)):
        small.agreed("reverse", by=small.tom, approver=small.sue, operation=lead, reason="another rate")
    assert balances(small) == after


def test_a_list_does_not_close_the_day_over_it(small: SmallBank, twos: None) -> None:
    liz = {"user": "liz", "full_name": "Liz Moe", "user_roles": ["treasurer"]}
    small.agreed("add-user", by=small.admin, approver=small.tom, **liz)
    small.do("close-drawer", drawer="D1", counted=small.text(small.balance("739/D1", "POOL")))
    both = [(small.bank.build("approve", {"request": "R-00003"}), None), (small.bank.build("close-day", {}), None)]
    before = kinds(small)
    with pytest.raises(WrongState, match="0 of 3 groups") as refused:
        small.bank.perform_all(Actor("liz", ()), both)
    assert refused.value.field == "date"
    after = kinds(small)
    assert after - before == Counter({"log-refusal": 1}) and not told(small)


def test_no_member_leaves_before_it_has_come(small: SmallBank, hands: Hands) -> None:
    """Somebody whose accounts come to nothing would be forgotten, and then have money here that is nobody's."""
    assert give(hands, small, "approve", "sue", {"request": "R-00003"}, die_before=2) == []
    small.do("withdraw", member="M0006", amount="77.77")
    with pytest.raises(WrongState, match="is on its way to M0006: 1 of 3 groups") as refused:
        small.do("change-member", member="M0006", status="left")
    assert refused.value.field == "member"
    small.close_day()
    assert balances(small)["905 M0006"] < 0 and not told(small)


def test_what_was_left_for_members_is_not_taken_away(wanted: dict[str, int], small: SmallBank, hands: Hands) -> None:
    """The last part would find it gone, and no day could be closed."""
    assert give(hands, small, "approve", "sue", {"request": "R-00003"}, die_before=2) == []
    taken = {"memo": "less interest", "lines": ["GEN 852 Dr 5.00", "GEN 385 Cr 5.00"]}
    with pytest.raises(WrongState, match="What stands on 852 is on its way to members: 1 of 3 groups"):
        small.agreed("journal-entry", by=small.tom, approver=small.sue, **taken)
    small.close_day()
    assert balances(small) == wanted and not told(small)


def test_keys_of_groups_are_the_program_s_own(small: SmallBank) -> None:
    with pytest.raises(Refused) as refused:
        small.do("deposit", key=f"{groups.CARRIED}BT-00001:1", member="M0001", amount="1.00")
    assert refused.value.field == "key"


def test_what_was_reckoned_ahead_counts_only_while_it_is_right(small: SmallBank, twos: None) -> None:
    """Between the reckoning, without a lock, and the lock a till takes money in that counts for the quarter."""
    interest = small.bank.build("credit-interest", {"quarter": "2026-Q1"})
    with small.read() as books:
        early = interest.reckon(books)
    assert isinstance(early, Reckoned)
    rich = {"member": "M0001", "amount": "100000.00", "tender": "transfer"}
    approval = small.bank.build("approve", {"request": "R-00003"})
    small.reckoned_before(approval, small.sue, lambda: small.do("deposit", **rich))
    small.bank.carry_out(small.sue)
    with small.read() as books:
        total = books.get(records.SavingsInterest, "2026-Q1").total
    assert total == early.total + round_minor(Fraction(100_000_00 * 2, 36_500))
    assert not told(small) and kinds(small)[PART] == GROUPS


def half_done(small: SmallBank, hands: Hands) -> tuple[records.Batch, records.BatchPart]:
    """The first of three groups is posted; the batch, and what the second is to be."""
    assert give(hands, small, "approve", "sue", {"request": "R-00003"}, die_before=2) == []
    small.spoiled = True
    with small.read() as books:
        return books.get(records.Batch, "BT-00001"), books.get(records.BatchPart, "BT-00001-0002")


def counted(batch: records.Batch, version: int) -> NewRecord:
    body = batch.model_copy(update={"done": 2}).model_dump(mode="json", exclude_defaults=True)
    return NewRecord("batch", "BT-00001", version, f"operation {batch.decided_by}", body)


def found(small: SmallBank) -> str:
    (verdict,) = (verdict for verdict in verify(small.bank.database) if verdict.name == "groups")
    return "\n".join(finding.message for finding in verdict.findings)


def test_a_cent_that_goes_to_another_member_is_found(small: SmallBank, hands: Hands) -> None:
    batch, plan = half_done(small, hands)
    lines = [Line(account, amount) for account, amount in plan.lines]
    lines[1], lines[-1] = (
        Line(lines[1].account_id, lines[1].amount - 1),
        Line(lines[-1].account_id, lines[-1].amount + 1),
    )
    day = small.clock.today()
    request = {"batch": "BT-00001", "part": 2, "quarter": "2026-Q1"}
    forge(
        small, rows=[counted(batch, 3)], kind=PART, request=request, entries=[EntryDraft(batch.memo, day, tuple(lines))]
    )
    assert found(small) == "part 2 of BT-00001 is not what was decided"


def test_a_group_that_is_posted_twice_is_found(small: SmallBank, hands: Hands) -> None:
    batch, plan = half_done(small, hands)
    entry = EntryDraft(batch.memo, small.clock.today(), tuple(Line(*line) for line in plan.lines))
    request = {"batch": "BT-00001", "part": 2, "quarter": "2026-Q1"}
    for _time in range(2):
        forge(small, kind=PART, request=request, entries=[entry], key=f"again {_time}")
    assert "part 2 of BT-00001 was not the next" in found(small)
    assert "did not count itself" in found(small)


def test_a_day_that_is_closed_over_it_is_found(small: SmallBank, hands: Hands) -> None:
    half_done(small, hands)
    forge(small, kind="close-day", request={})
    assert found(small) == "the day was closed before BT-00001 was carried out"


def test_groups_that_count_as_done_and_are_not_are_found(small: SmallBank, hands: Hands) -> None:
    batch, _plan = half_done(small, hands)
    forge(small, rows=[counted(batch, 3)])
    assert found(small) == "log-refusal changed how far BT-00001 is carried out"


def test_a_plan_that_does_not_come_to_what_was_decided_is_found(small: SmallBank, hands: Hands) -> None:
    batch, plan = half_done(small, hands)
    other = batch.model_copy(update={"total": batch.total + 1, "parts": 1, "done": 0})
    rows = [
        NewRecord("batch", "BT-00002", 1, None, other.model_dump(mode="json", exclude_defaults=True)),
        NewRecord("batch-part", "BT-00002-0002", 1, None, plan.model_dump(mode="json", exclude_defaults=True)),
    ]
    forge(small, rows=rows, kind="credit-interest", request={"quarter": "2026-Q1"})
    assert "BT-00002 has not the parts that it says" in found(small)
    assert "were left for them" in found(small) and "names another operation or day" in found(small)
