"""Dividends, a divided surplus and what is paid of them into savings, in groups: cut off, gone on with, taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank import groups, records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.bank.groups import still_coming
from coopbank.bank.verify import verify
from coopbank.clock import SetClock
from coopbank.errors import CannotReverse, DayClosed, Overdrawn, Refused, WrongState
from coopbank.exchange.tax_files import tax_files
from coopbank.ledger.posting import EntryDraft, Line, NewAccount, NewRecord
from coopbank.reports.member import member
from coopbank.reports.patronage import patronage_notice, with_a_part
from coopbank.reports.taxes import tax_rows
from coopbank.tui.screens.review import post_as_reviewed
from coopbank.tui.session import Session
from tests.bank.support_equity import close_year, earn
from tests.copies import copied
from tests.crash.hands import Hands
from tests.forging import forge
from tests.support_bank import PASSPHRASE, CountedNonces, SmallBank, assert_books, new_bank

pytestmark = pytest.mark.crash

HELD = (("1000.00", "300.00"), ("333.33", "100.00"), ("0.05", ""), ("812.40", "5000.00"), ("90.00", "200.00"))
CODES = ("821", "823", "945", "905", "842", "932", "940")
DIVIDEND = {"year": "2026", "rate": "3", "basis": "year-end", "resolution": "assembly of 20 March"}
SURPLUS = {"year": "2026", "resolution": "assembly of 20 March"}
STEPS: tuple[tuple[str, dict[str, str]], ...] = (
    ("declare-dividend", DIVIDEND), ("allocate-surplus", SURPLUS), ("pay-dividend", {}), ("pay-patronage", {}),
)  # fmt: skip

_copies: dict[str, tuple[Callable[[str], None], SetClock, int]] = {}


def _made(small: SmallBank) -> None:
    """Members with savings and investment shares; the year is closed with a surplus, and its division proposed."""
    small.go_to("2026-12-30")
    for number, (saved, invested) in enumerate(HELD):
        who = small.admit(f"Member {number}", **({} if number % 2 else {"tax_id": "123-45-6789"}))
        small.do("open-savings", member=who)
        small.do("deposit", member=who, amount=saved)
        if invested:
            small.do("buy-shares", member=who, share_class="903", amount=invested)
    small.agreed("set-policy", by=small.admin, approver=small.tom, policy="backup_withholding", value="24")
    earn(small, "700.01")
    small.go_to("2026-12-31")
    small.go_to("2027-01-04")
    with small.read() as books:
        months = [m for (m,) in books.tx.rows("SELECT DISTINCT substr(effective_on, 1, 7) FROM entry ORDER BY 1")]
    for month in (each for each in months if each < "2027"):
        small.agreed("close-month", by=small.tom, approver=small.sue, month=month)
    small.agreed("open-audit-period", by=small.tom, approver=small.sue, year="2026")
    close_year(small)
    small.agreed("set-surplus-rules", by=small.tom, approver=small.sue, consent="bylaw 12", resolution="1 March",
                 steps=["indivisible 20", "patronage savings 50"])  # fmt: skip
    small.do("propose-surplus", by=small.tom, year="2026")


def _opened(engine_kind: str, place: str) -> SmallBank:
    put_back, clock, count = _copies[engine_kind]
    put_back(place)
    clock = SetClock(clock.instant)
    return SmallBank(Bank.open(place, clock=clock, nonce=CountedNonces(count)), clock)


@pytest.fixture
def small(engine_kind: str, engine_url: str, new_engine_url: Callable[[str], str]) -> Iterator[SmallBank]:
    if engine_kind not in _copies:
        with new_bank(new_engine_url("made")) as made:
            _made(made)
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


Told = tuple[dict[str, int], dict[str, Any]]


def told(small: SmallBank) -> Told:
    """What every leaf holds, and what each member is told: words and amounts, notices, tax forms."""
    with small.read() as books:
        marks = ", ".join("?" * len(CODES))
        rows = books.tx.rows(
            "SELECT a.gl_code, a.contract, b.debit - b.credit FROM account a JOIN balance b ON b.account_id = a.id"
            f" WHERE a.gl_code IN ({marks}) AND b.debit <> b.credit", *CODES,
        )  # fmt: skip
        day = small.clock.today()
        papers: dict[str, Any] = {
            ref: [(line.words, line.money_in, line.money_out)
                  for each in member(books, ref, day, day).accounts for line in each.lines]
            for ref, _body in books.every(records.Member)
        }  # fmt: skip
        papers["forms"] = [(form.form, row.member, row.boxes) for form in tax_rows(books, 2027) for row in form.rows]
        if (surplus := books.find(records.Surplus, "2026")) is not None and surplus.state == "allocated":
            notices = (patronage_notice(books, ref, 2026) for ref in with_a_part(books, 2026))
            papers["notices"] = [(each.member, each.cash, each.retained, each.paid_on) for each in notices]
    return {f"{gl} {contract}": int(balance) for gl, contract, balance in rows}, papers


@pytest.fixture
def whole(engine_kind: str, small: SmallBank, new_engine_url: Callable[[str], str]) -> Told:
    """The same where one operation posts each of them for everybody."""
    other = _opened(engine_kind, new_engine_url("whole"))
    try:
        give_all(other)
        assert not [kind for kind in kinds(other) if kind.endswith("-part")]
        return told(other)
    finally:
        other.bank.close()


def give_all(small: SmallBank, upto: str = "pay-patronage") -> int:
    """All four of them; the number of the last, as it was decided."""
    for operation, values in STEPS:
        number = small.agreed(operation, by=small.tom, approver=small.sue, **values).number
        if operation == upto:
            break
    return number


def ask(small: SmallBank, operation: str) -> dict[str, str]:
    return {"request": str(small.ask(operation, by=small.tom, **dict(STEPS)[operation]).request)}


def kinds(small: SmallBank) -> Counter[str]:
    with small.read() as books:
        return Counter(kind for (kind,) in books.tx.rows("SELECT kind FROM operation"))


def unfinished(small: SmallBank) -> list[str]:
    return [f.message for verdict in verify(small.bank.database) for f in verdict.findings
            if verdict.name == "unfinished groups"]  # fmt: skip


def give(hands: Hands, small: SmallBank, operation: str, user: str, values: dict[str, Any], count: int = 1,
         **more: Any) -> list[dict[str, Any]]:  # fmt: skip
    now = small.clock.instant.isoformat()
    said = hands.work(small.bank.database.place, "groups_of", count, operation=operation, user=user, values=values,
                      now=now, **more)  # fmt: skip
    return [each for each in said if "status" in each and "dead" not in each]


def test_in_groups_everybody_gets_what_they_got_in_one_piece(whole: Told, small: SmallBank, twos: None) -> None:
    give_all(small)
    assert told(small) == whole
    parts = {kind: number for kind, number in kinds(small).items() if kind.endswith("-part")}
    assert parts.keys() == {f"{operation}-part" for operation, _values in STEPS}
    assert parts["declare-dividend-part"] == 4 and parts["pay-patronage-part"] >= 2
    assert not unfinished(small)


@pytest.mark.parametrize("operation", [operation for operation, _values in STEPS])
def test_killed_between_two_groups_the_close_of_the_day_goes_on(
    operation: str, whole: Told, small: SmallBank, hands: Hands
) -> None:
    names = [name for name, _values in STEPS]
    if operation != names[0]:
        give_all(small, names[names.index(operation) - 1])
    assert give(hands, small, "approve", "sue", ask(small, operation), die_before=2) == []
    assert kinds(small)[f"{operation}-part"] == 1 and len(unfinished(small)) == 1
    assert_books(small)
    small.close_day()
    assert not unfinished(small)
    assert_books(small)
    small.open_day("2027-01-05")
    for name in names[names.index(operation) + 1 :]:
        small.agreed(name, by=small.tom, approver=small.sue, **dict(STEPS)[name])
    assert told(small)[0] == whole[0]


def test_on_a_closed_day_nothing_is_decided_for_many(small: SmallBank, twos: None) -> None:
    """What pays into savings posts nothing of its own: its parts would be posted on another day than it."""
    give_all(small, "declare-dividend")
    approval = ask(small, "pay-dividend")
    small.close_day()
    with pytest.raises(DayClosed):
        small.do("approve", by=small.sue, **approval)
    small.open_day("2027-01-05")
    small.do("approve", by=small.sue, **approval)
    assert kinds(small)["pay-dividend-part"] == 4 and not unfinished(small)


def test_nobody_is_forgotten_before_it_has_come(small: SmallBank, hands: Hands) -> None:
    small.do("withdraw", member="M0005", amount="90.00", tender="transfer")
    small.agreed("redeem-shares", member="M0005", share_class="903", amount="200.00", tender="transfer")
    small.do("change-member", member="M0005", status="left")
    assert give(hands, small, "approve", "sue", ask(small, "declare-dividend"), die_before=2) == []
    gone = {"member": "M0005", "before_time": True}
    with pytest.raises(WrongState, match="is on its way to M0005: 1 of 4 groups"):
        small.agreed("forget-member", by=small.admin, approver=small.tom, **gone)
    small.close_day()
    assert small.balance("821/M0005") == -6_00 and not unfinished(small)


def test_killed_it_goes_on_when_somebody_does_the_same_again(small: SmallBank, hands: Hands) -> None:
    approval = ask(small, "declare-dividend")
    assert give(hands, small, "approve", "sue", approval, die_before=1) == []
    said = give(hands, small, "declare-dividend", "tom", DIVIDEND, count=3)
    assert [each["status"] for each in said] == ["already-exists"] * 3
    assert kinds(small)["declare-dividend-part"] == 4 and not unfinished(small)


def test_what_was_asked_for_before_it_was_cut_off_finishes_it_first(small: SmallBank, hands: Hands) -> None:
    give_all(small, "declare-dividend")
    waiting = ask(small, "pay-dividend")
    assert give(hands, small, "approve", "sue", ask(small, "allocate-surplus"), die_before=2) == []
    assert small.do("approve", by=small.sue, **waiting).then[0].kind == "pay-dividend"
    assert not unfinished(small)


def test_who_may_not_do_it_does_not_go_on_with_it(small: SmallBank, hands: Hands) -> None:
    assert give(hands, small, "approve", "sue", ask(small, "declare-dividend"), die_before=2) == []
    (refused,) = give(hands, small, "declare-dividend", "ana", DIVIDEND)
    assert refused["status"] == "not-allowed" and kinds(small)["declare-dividend-part"] == 1


def test_two_who_begin_at_once_declare_it_once(whole: Told, small: SmallBank, hands: Hands) -> None:
    for operation, _values in STEPS:
        said = give(hands, small, "approve", "sue", ask(small, operation), count=2)
        assert sorted(each["status"] for each in said)[0] == "done" and len(said) == 2
    assert told(small) == whole


def between(small: SmallBank, monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Have `act` done before each group."""
    carry_out_one = Bank._carry_out_one

    def one(bank: Bank, actor: Any) -> int:
        act()
        return carry_out_one(bank, actor)

    monkeypatch.setattr(Bank, "_carry_out_one", one)


def test_a_till_gets_in_between_two_groups(
    whole: Told, small: SmallBank, twos: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = Bank.open(small.bank.database.place, clock=small.clock)
    taken = 0

    def deposit() -> None:
        nonlocal taken
        taken += 1
        till.perform(small.ana, till.build("deposit", {"member": "M0001", "amount": "10.00"}))

    between(small, monkeypatch, deposit)
    give_all(small)
    till.close()
    wanted = dict(whole[0])
    wanted["905 M0001"] -= taken * 10_00
    assert taken > 10 and told(small)[0] == wanted


def test_what_is_on_its_way_to_savings_goes_no_other_way(small: SmallBank, hands: Hands) -> None:
    give_all(small, "allocate-surplus")
    assert give(hands, small, "approve", "sue", ask(small, "pay-dividend"), die_before=2) == []
    with small.read() as books:
        waiting = -books.balance("GEN", "821/M0005")
        number = books.tx.value("SELECT id FROM operation WHERE kind = 'declare-dividend'")
    assert waiting > 0
    before = told(small)[0]
    pay = small.bank.build("pay-dividend", {"member": "M0005"})
    on_its_way = pytest.raises(WrongState, match="M0005 is on its way into their savings: 1 of 4")
    with on_its_way as refused, small.bank.database.write() as tx:
        small.bank._perform(tx, small.ana, pay, "at the till")
    assert refused.value.field == "member"
    with pytest.raises(Refused):
        small.agreed("reverse", by=small.tom, approver=small.sue, operation=number, reason="another rate")
    assert told(small)[0] == before
    with pytest.raises(Overdrawn, match="Nothing of this is payable to M0005"):  # whoever pays goes on with it first
        small.do("pay-dividend", member="M0005")
    assert not unfinished(small)


def test_no_notice_is_made_while_some_have_not_got_their_part(small: SmallBank, hands: Hands, tmp_path: Path) -> None:
    give_all(small, "declare-dividend")
    assert give(hands, small, "approve", "sue", ask(small, "allocate-surplus"), die_before=2) == []
    with small.read() as books:
        for look in (lambda: with_a_part(books, 2026), lambda: patronage_notice(books, "M0001", 2026)):
            with pytest.raises(WrongState, match="Surplus of 2026 is not on all accounts yet: 1 of 5"):
                look()
        assert still_coming(books, date(2027, 1, 4)) and not still_coming(books, date(2026, 12, 31))
        tax_files(books, 2027, tmp_path)  # the figures of every member: that some lack theirs is said
    assert (
        "NOT ALL OF IT IS HERE. Surplus of 2026 is not on all accounts yet: 1 of 5"
        in Path(tmp_path, "README.txt").read_text()
    )
    with pytest.raises(Refused):  # what is redeemed is redeemed of everybody, so it goes on first
        small.agreed("redeem-patronage", by=small.tom, approver=small.sue, vintage="2027", resolution="R-1")
    assert not unfinished(small)
    with small.read() as books:
        assert not still_coming(books, date(2027, 12, 31))


def test_a_list_pays_nobody_over_it(small: SmallBank, twos: None) -> None:
    liz = {"user": "liz", "full_name": "Liz Moe", "user_roles": ["treasurer"]}
    small.agreed("add-user", by=small.admin, approver=small.tom, **liz)
    approval = small.bank.build("approve", ask(small, "allocate-surplus"))
    with pytest.raises(WrongState, match="Surplus of 2026 is not on all accounts yet: 0 of 5") as refused:
        small.bank.perform_all(Actor("liz", ()), [(approval, None), (small.bank.build("pay-patronage", {}), None)])
    assert refused.value.field == "member" and not unfinished(small)


@pytest.mark.parametrize("at", range(len(STEPS)))
def test_reversed_everybody_s_goes_back(at: int, small: SmallBank, twos: None) -> None:
    if at:
        give_all(small, STEPS[at - 1][0])
    before = told(small)[0]
    lead = give_all_of(small, at)
    if at == len(STEPS) - 1:
        with pytest.raises(CannotReverse, match=f"operation {lead}"):
            small.agreed("reverse", by=small.tom, approver=small.sue, operation=lead + 1, reason="a part")
    small.agreed("reverse", by=small.tom, approver=small.sue, operation=lead, reason="another way")
    assert told(small)[0] == before
    with pytest.raises(CannotReverse, match="already reversed"):
        small.agreed("reverse", by=small.tom, approver=small.sue, operation=lead, reason="once more")
    if STEPS[at][0] != "allocate-surplus":
        give_all_of(small, at)
        assert kinds(small)[f"{STEPS[at][0]}-part"] % 2 == 0


def give_all_of(small: SmallBank, at: int) -> int:
    operation, values = STEPS[at]
    return small.agreed(operation, by=small.tom, approver=small.sue, **values).number


@pytest.mark.parametrize("die_before", [1, 2])
def test_reversed_half_way_nothing_is_left_to_go_on_with(die_before: int, small: SmallBank, hands: Hands) -> None:
    give_all(small, "declare-dividend")
    before = told(small)[0]
    assert give(hands, small, "approve", "sue", ask(small, "pay-dividend"), die_before=die_before) == []
    with small.read() as books:
        lead = books.tx.value("SELECT id FROM operation WHERE kind = 'pay-dividend'")
    small.agreed("reverse", by=small.tom, approver=small.sue, operation=lead, reason="another day")
    assert told(small)[0] == before and not unfinished(small)
    with pytest.raises(CannotReverse, match="already reversed"):
        small.agreed("reverse", by=small.tom, approver=small.sue, operation=lead, reason="once more")


def test_what_was_reckoned_ahead_counts_only_while_it_is_right(small: SmallBank, twos: None) -> None:
    """Between the reckoning, without a lock, and the lock one member is paid, and another gets a leaf of their own."""
    give_all(small, "declare-dividend")
    with small.read() as books:
        whole, first = -sum(leaf.balance for leaf in books.leaves("821")), -books.balance("GEN", "821/M0001")
    approval = small.bank.build("approve", ask(small, "pay-dividend"))
    small.reckoned_before(approval, small.sue, lambda: small.do("pay-dividend", member="M0001"))
    small.bank.carry_out(small.sue)
    with small.read() as books:
        batch = books.every(records.Batch)[-1][1]
        assert batch.carried_by == "pay-dividend-part" and batch.total == whole - first > 0
        assert not any(leaf.balance for leaf in books.leaves("821"))
    assert not unfinished(small)


def test_a_leaf_that_somebody_opened_meanwhile_is_taken(small: SmallBank, twos: None) -> None:
    """Planned while there was none, M0001's leaf is opened by another dividend before the book is locked."""
    approval = small.bank.build("approve", ask(small, "allocate-surplus"))
    small.reckoned_before(approval, small.sue, lambda: give_all(small, "declare-dividend"))
    small.bank.carry_out(small.sue)
    assert not unfinished(small)


# ------------------------------------------------------------------------------ what verify finds


def found(small: SmallBank, check: str = "groups") -> str:
    (verdict,) = (verdict for verdict in verify(small.bank.database) if verdict.name == check)
    return "\n".join(finding.message for finding in verdict.findings)


def half_done(small: SmallBank, hands: Hands, operation: str) -> tuple[str, records.Batch, records.BatchPart]:
    assert give(hands, small, "approve", "sue", ask(small, operation), die_before=2) == []
    small.spoiled = True
    with small.read() as books:
        ((ref, batch),) = groups.unfinished(books)
        return ref, batch, books.get(records.BatchPart, groups.part_ref(ref, 2))


def counted(ref: str, batch: records.Batch) -> NewRecord:
    body = batch.model_copy(update={"done": 2}).model_dump(mode="json", exclude_defaults=True)
    return NewRecord("batch", ref, 3, f"operation {batch.decided_by}", body)


def test_a_leaf_that_is_opened_for_somebody_else_is_found(small: SmallBank, hands: Hands) -> None:
    ref, batch, plan = half_done(small, hands, "declare-dividend")
    (due, owed), (code, amount) = plan.lines
    assert isinstance(due, int) and code == "821/M0002"
    with small.read() as books:
        number = 1 + int(books.tx.value("SELECT max(id) FROM account"))
    leaf = NewAccount(number, "821", "GEN", "M0004", "M0004", "liability", "USD", None, 0)
    request = {"batch": ref, "part": 2, "year": "2026", "share_class": "903"}
    entry = EntryDraft(batch.memo, small.clock.today(), (Line(due, owed), Line(number, amount)))
    forge(small, rows=[leaf, counted(ref, batch)], kind="declare-dividend-part", request=request, entries=[entry])
    assert found(small) == f"part 2 of {ref} is not what was decided"


def test_what_is_nobody_s_and_on_no_way_is_found(small: SmallBank, twos: None) -> None:
    give_all(small, "declare-dividend")
    small.spoiled = True
    forge(small, [("GEN", "940", 100), ("GEN", "821", -100)], kind="declare-dividend", request=DIVIDEND)
    assert "1.00 stand on 821 and are nobody's, 0.00 are on their way" in found(small, "equity")


def test_savings_of_another_are_found(small: SmallBank, hands: Hands) -> None:
    give_all(small, "declare-dividend")
    _ref, batch, plan = half_done(small, hands, "pay-dividend")
    taken, amount = plan.lines[0]
    with small.read() as books:
        number = 1 + int(books.tx.value("SELECT max(id) FROM operation"))
        into = books.leaves("905", "GEN")[2].id
    crossed = records.BatchPart(lines=[(taken, amount), (into, -amount)])
    body = batch.model_copy(update={"done": 0, "parts": 1, "decided_by": number, "total": amount})
    rows = [
        NewRecord("batch", "BT-00009", 1, f"operation {number}", body.model_dump(mode="json", exclude_defaults=True)),
        NewRecord("batch-part", "BT-00009-0001", 1, None, crossed.model_dump(mode="json")),
    ]
    forge(small, rows=rows, kind="pay-dividend", request={})
    assert "BT-00009 pays what is M0003's into other savings" in found(small)


def test_the_counter_reviews_and_closes_a_day_over_what_was_cut_off(small: SmallBank, hands: Hands) -> None:
    """Its review is a preview, which writes nothing: it says what goes on first, and posting lets it go on."""
    approval = ask(small, "declare-dividend")
    assert give(hands, small, "approve", "sue", approval, die_before=2) == []
    with small.read() as books:
        assert groups.unfinished(books)
        drawers = [(ref, each.owner) for ref, each in books.every(records.Drawer) if each.state == "open"]
        held = {ref: books.balance("POOL", f"739/{ref}") for ref, _owner in drawers}
    for ref, owner in drawers:
        small.do("close-drawer", by=getattr(small, str(owner)), drawer=ref, counted=small.text(held[ref]))
    close = small.bank.build("close-day", {})
    reviewed = small.bank.preview(small.ana, close)
    assert "Not on all accounts yet" in dict(reviewed.notes)
    small.give_passphrase("ana", PASSPHRASE)
    session = Session(small.bank.database.place, clock=small.clock)
    try:
        session.sign_in("ana", PASSPHRASE)
        assert post_as_reviewed(session, close, "close", reviewed).status == "done"
    finally:
        session.close()
    with small.read() as books:
        assert not groups.unfinished(books)
