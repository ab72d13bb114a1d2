"""Two years of a bank with every kind of loan: its books are right after each of its days.

Each evening every loan of which something new is recorded is told again from its facts, every one is held against its
accounts, and every other month all of verify is run. `make soak` runs all of it every evening, for several banks. What
the fund and the co-operative live through meanwhile (demo_commons.py) is there, and its figures tie.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.institution_registers import shipped
from coopbank.bank.lending.accounts import LoanAccount
from coopbank.bank.lending.closing import all_loans
from coopbank.bank.lending.flows import OWN, on_leaf, real_fund
from coopbank.bank.lending.proof import faults_of
from coopbank.bank.verify import verify
from coopbank.demo import run_demo
from coopbank.demo_around import CASES
from coopbank.exchange import export
from coopbank.finance.voting import count, read_box
from coopbank.ledger.posting import head
from coopbank.ledger.verify import wrong
from coopbank.reports.annual import annual
from coopbank.reports.decisions import ballot_box
from coopbank.reports.document import as_document
from coopbank.reports.loan import story as loan_story
from coopbank.reports.patronage import patronage_notice, with_a_part
from coopbank.reports.surplus import surplus
from tests.by_hand import Log, minor, table

#: What a loan can go through; the demonstration of this seed brings about all of it.
KINDS = {"TERM", "EQUAL", "SEASON", "LINE", "SURPLUS", "REVENUE"}
HAPPENS = {
    "apply-for-loan", "grant-loan", "disburse-loan", "repay-loan", "pledge-collateral", "sell-participation",
    "remit-participation", "file-report", "accept-report", "change-rate", "move-due-date", "extend-loan",
    "payment-holiday", "re-amortize", "waive-charges", "grade-loan", "stop-accrual", "charge-off", "refinance-loan",
    "provide", "close-month",
}  # fmt: skip


#: What the fund and the co-operative go through (demo_commons.py).
LIVED = {
    "define-note-class", "issue-note", "repay-note", "set-loss-waterfall", "set-programme", "transfer-funds",
    "lend-to-fund", "repay-fund", "journal-entry", "receive-grant", "earn-grant", "spend-gift", "buy-parcel",
    "recognise-donated-work",
    "receive-ground-rent", "set-body", "seat-member", "call-meeting", "propose-resolution", "declare-interest",
    "record-vote", "record-count", "close-vote", "set-mandate", "open-poll", "give-ballots", "close-poll",
    "load-ballots", "declare-result", "write-credit-memo", "consent-to-share", "open-audit-period", "close-year",
    "set-share-class", "declare-dividend", "pay-dividend", "set-surplus-rules", "propose-surplus", "allocate-surplus",
    "pay-patronage", "redeem-patronage", "accept-redemption", "pay-redemption", "define-register", "add-entry",
    "change-entry", "close-entry", "bill-dues", "receive-dues", "give-aid", "file-aid-receipt",
}  # fmt: skip


def loans_are_right(bank: Bank, since: int) -> int:
    """Every loan is what its facts lead to, and what it owes by contract stands on its accounts.

    What it is told from are records: where none is newer than that operation, it was told then. Returns the last one.
    """
    with bank.read() as books:
        new = {
            ref for row in books.tx.rows("SELECT ref, about FROM record WHERE operation_id > ?", since) for ref in row
        }
        for ref, _version, body in list(all_loans(books)):
            if ref in new:
                assert list(faults_of(LoanAccount(books, ref, body, "USD"))) == []
            for fund in {real_fund(name) for name in body.book}:
                for account in OWN:
                    assert books.balance(fund, f"{account}/{ref}") == on_leaf(body.book, fund, account), (ref, account)
        return head(books.tx).number


def books_are_right(bank: Bank) -> None:
    """All of verify."""
    assert wrong(verify(bank.database)) == []


class Evenings:
    """What is looked at each evening: the loans, and all of the books every other month."""

    def __init__(self) -> None:
        self.days = self.head = 0

    def __call__(self, bank: Bank) -> None:
        self.days += 1
        self.head = loans_are_right(bank, self.head)
        if self.days % 42 == 0:
            books_are_right(bank)


def what_happened(bank: Bank) -> tuple[set[str], set[str]]:
    with bank.read() as books:
        products = {body.product for _ref, _version, body in list(all_loans(books))}
        kinds = {str(kind) for (kind,) in books.tx.rows("SELECT DISTINCT kind FROM operation")}
    return products, kinds


@dataclass(frozen=True)
class Story:
    """The two years, and how many evenings were looked at."""

    bank: Bank
    evenings: int
    told: tuple[str, ...]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Two years of sixty members, looked at each evening."""
    evenings, told, place = Evenings(), list[str](), tmp_path_factory.mktemp("story") / "ledger.db"
    bank = run_demo(str(place), members=60, echo=told.append, each_day=evenings)
    books_are_right(bank)
    yield Story(bank, evenings.days, tuple(told))
    bank.close()


def test_the_books_are_right_after_each_day_of_two_years(story: Story) -> None:
    products, kinds = what_happened(story.bank)
    assert story.evenings > 500
    assert products == KINDS
    assert kinds >= HAPPENS


# --------------------------------------------------------------------------- the fund and the co-operative


def test_the_fund_and_the_co_operative_live_through_it(story: Story) -> None:
    _products, kinds = what_happened(story.bank)
    assert kinds >= LIVED, LIVED - kinds
    assert any("coopbank surplus 2025" in line for line in story.told)
    with story.bank.read() as books:
        kept = {code for code, _definition in books.every(records.Register)}
        entries = Counter(ref.partition("-")[0] for ref, _body in books.every(records.RegisterEntry))
        recused = [vote for _ref, vote in books.every(records.Vote) if vote.vote == "recused"]
        manners = {body.manner for _ref, body in books.every(records.Resolution) if body.state == "carried"}
        notes = {note.annual_rate for _ref, note in books.every(records.Note) if note.state == "active"}
    assert set(entries) == kept == set(shipped())
    assert recused and manners == {"by-name", "by-count", "ballots"} and notes == {"0", "2"}


def test_a_loss_goes_down_the_waterfall_and_what_comes_back_goes_up(story: Story) -> None:
    with story.bank.read() as books:
        (ref,) = [ref for ref, told in books.every(records.LossAttribution) if told.on < "2026"]
        told, loan = books.get(records.LossAttribution, ref), books.get(records.Loan, ref)
        bearers = loan_story(books, ref).bearers
        (use,) = [use for _ref, use in books.every(records.ResolutionUse) if use.what == "charge-off"][:1]
    bore = {each.absorber: each.bore for each in bearers}
    assert list(bore) == ["allowance", "reserve:RESERVE", "notes:B"] and all(bore.values())
    assert sum(bore.values()) == told.funds["RLF"] and bore["reserve:RESERVE"] == 1500_00
    assert use.resolution.startswith("RES-")
    back = loan.book["RLF"]["recovered"]
    assert back == 1250_00 == sum(each.bore - each.bears for each in bearers)
    assert bearers[-1].bears == bore["notes:B"] - back, "the last that was hit is refilled first"


def test_the_year_s_surplus_adds_up_to_the_cent(story: Story) -> None:
    with story.bank.read() as books:
        found = surplus(books, "2025")
        notices = [patronage_notice(books, member, 2025) for member in with_a_part(books, 2025)]
        closed, redeemed = books.get(records.YearClose, "2025"), dict(books.every(records.PatronageRedeemed))
        (indivisible,) = books.tx.row("SELECT sum(credit - debit) FROM control_total WHERE gl_code = '932'"
                                      " AND length(span) = 7") or (0,)  # fmt: skip
        shares = {body.state for _ref, body in books.every(records.Redemption)}
    assert found.state == "allocated" and found.resolution.startswith("RES-")
    assert found.result == closed.results["GEN"] > 0 == found.left
    assert sum(step.amount for step in found.steps) == found.result
    assert sum(notice.allocated for notice in notices) == found.cash + found.retained == found.steps[-1].amount
    assert [body.amount for body in redeemed.values()] == [found.retained // 4]
    assert int(indivisible) >= found.steps[0].amount
    assert shares == {"paid"}


def test_ballots_can_be_counted_again_and_money_is_spent_as_they_say(story: Story) -> None:
    with story.bank.read() as books:
        polls = dict(books.every(records.Poll))
        boxes = {ref: ballot_box(books, ref) for ref in polls}
        spent = {
            use.resolution: use.amount for _ref, use in books.every(records.ResolutionUse) if use.what == "spend-gift"
        }
        voted = {ref: body.amount for ref, body in books.every(records.Resolution) if body.option}
    assert {poll.form for poll in polls.values()} == {"election", "allocation"}
    for box in boxes.values():
        assert count(read_box(box.text)) == box.count
    assert spent == voted and len(voted) >= 3


def test_nobody_who_was_helped_is_named(story: Story) -> None:
    """Not in a sealed text, not in a record, not in the annual report of either language."""
    with story.bank.read() as books:
        texts = [text for (text,) in books.tx.rows("SELECT sealed FROM operation")]
        texts += [text for (text,) in books.tx.rows("SELECT body FROM record")]
        texts.append(json.dumps(as_document(annual(books, 2025)), ensure_ascii=False, default=str))
        kinds = {row.aid_kind: row.cases for row in annual(books, 2025).aid}
    sealed = "\n".join(texts)
    assert not [name for _day, name, _kind, _amount, need in CASES if name in sealed or need in sealed]
    assert sum(kinds.values()) >= 5


def test_the_annual_report_says_what_was_decided_and_who_bore_the_losses(story: Story) -> None:
    with story.bank.read() as books:
        told, first = annual(books, 2025), annual(books, 2024)
    assert told.division is not None and told.division.year == "2025"
    assert sum(each.bore for each in told.borne) == told.charged_off and told.jobs_created > 0
    assert {each.matter for each in told.decisions.kinds} >= {"loan", "allocation", "surplus", "transfer"}
    assert not [each for each in told.decisions.resolved if each.text.startswith("L-")]
    assert [(each.committee, each.seats) for each in first.decisions.elected] == [("Loan committee", 3)]


@pytest.fixture(scope="module")
def pack(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    export(story.bank, "pack", folder)
    return folder


def test_a_stranger_reckons_each_fund_s_net_assets_from_the_log(pack: Path) -> None:
    log, between = Log(pack / "log" / "operations.jsonl"), ("185", "186", "187")
    earned = log.sums(lambda x: (x.fund, "between" if x.gl in between else x.gl_kind), closings=False)
    stands = log.sums(lambda x: x.fund, kinds=("equity", "income", "expense"))
    rows = table(pack / "pbc" / "Net_Assets.csv")
    assert len(rows) == len({row["Business_Unit_Code"] for row in rows}) > 7
    for row in rows:
        fund = row["Business_Unit_Code"]
        told = {name: minor(row[name]) for name in list(row)[2:]}
        assert told["Income"] == -earned[fund, "income"]
        assert told["Expense"] == -earned[fund, "expense"]
        assert told["Transfers_and_Releases"] == -earned[fund, "between"]
        assert told["Ending"] == -stands[fund] == sum(told.values()) - told["Ending"]
    assert sum(minor(row["Transfers_and_Releases"]) for row in rows) == 0
    assert any(minor(row["Transfers_and_Releases"]) for row in rows if row["Fund_Class"] == "restricted")


def test_each_count_of_a_drawer_is_listed_once_and_its_differences_are_those_of_the_books(pack: Path) -> None:
    log = Log(pack / "log" / "operations.jsonl")
    rows = table(pack / "pbc" / "Cash_Counts.csv")
    counts = {operation for operation, _ref, body in log.records("drawer") if body.get("counted") is not None}
    assert sorted(int(row["Operation"]) for row in rows) == sorted(counts)
    short = log.sums(lambda x: x.gl, closings=False)["330"]
    assert sum(minor(row["Difference"]) for row in rows) == -short != 0


def test_what_came_back_in_a_month_is_what_borrowers_paid(story: Story, pack: Path) -> None:
    """Principal that was written off left the account as well, and nobody can lend it again."""
    log = Log(pack / "log" / "operations.jsonl")
    moved = Counter[tuple[str, str]]()
    for line in log.lines:
        if line.gl == "701":
            off = line.kind in ("charge-off", "write-down")
            moved[line.day[:7], "lost" if off else "out" if line.amount > 0 else "back"] += abs(line.amount)
    with story.bank.read() as books:
        told = annual(books, 2025)
    assert [(x.out, x.back, x.lost) for x in told.months] == [
        tuple(moved[f"{x.first:%Y-%m}", name] for name in ("out", "back", "lost")) for x in told.months
    ]
    # What came back of it came in 2026: it is no part of what 2025 tells.
    assert told.recovered == 0 and [x.bears for x in told.borne] == [x.bore for x in told.borne]
    assert told.came_back == sum(x.back for x in told.months) and sum(x.lost for x in told.months) == told.charged_off


def test_a_loan_s_page_at_a_month_s_end_ties_to_the_accounts_of_that_day(story: Story, pack: Path) -> None:
    log = Log(pack / "log" / "operations.jsonl")
    for day in (date(2025, 12, 31), date(2026, 5, 31)):
        stands = log.sums(lambda x: (x.contract, x.gl), kinds=("asset",), through=day.isoformat())
        told = Counter[str]()
        with story.bank.read() as books:
            for ref, _version, body in list(all_loans(books)):
                if body.granted_on <= day.isoformat():
                    known = loan_story(books, ref, day)
                    for code in ("701", "781", "791"):
                        later = known.books_later.get(code, 0)
                        assert known.books[code] + later == stands[ref, code], (ref, code, day)
                        told[code] += later
        assert told["781"]


def test_every_account_of_somebody_stands_in_a_list_of_the_pack(pack: Path) -> None:
    log = Log(pack / "log" / "operations.jsonl")
    held = log.sums(lambda x: (x.gl, x.fund, x.contract), kinds=("asset", "liability", "equity"))
    # 729 and 879: the pool's claims, which cancel. 771 and 772: in the register of assets. 961: a fund's own.
    leaves = {key: amount for key, amount in held.items() if key[2] and amount and key[0] not in ("879", "771", "772")}
    listed = {
        (row["GL_Account_Number"], row["Business_Unit_Code"], row["Account_ID"]): minor(row["Balance"])
        for place in (pack / "pbc").glob("*_Trial_Balance.csv") for row in table(place)
    }  # fmt: skip
    assert {key: listed.get(key) for key in leaves} == leaves


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_all_of_verify_after_each_day_of_two_years(tmp_path: Path, seed: int) -> None:
    place = str(tmp_path / "ledger.db")
    bank = run_demo(place, seed=seed, members=60, echo=lambda _line: None, each_day=books_are_right)
    assert what_happened(bank)[0] == KINDS
    bank.close()
