"""What verify proves once the log has passed: each register agrees with the accounts that are its own, to the cent.

Members' shares and savings, loans, notes, drawers and cheques, unknown receipts, collateral, bills and gifts, assets,
petty cash, what is set apart for the state; and what must come to zero. Each function yields what it finds.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from coopbank.bank import records
from coopbank.bank.asset_plan import ASSET_LEAVES, WRITTEN_OFF_ON, is_asset, written_off_by_plan
from coopbank.bank.books import Books
from coopbank.bank.lending.accounts import LoanAccount
from coopbank.bank.lending.flows import OWN, on_leaf, real_fund
from coopbank.bank.lending.proof import faults_of
from coopbank.bank.operations.unclaimed import SET_APART, UNCLAIMED
from coopbank.bank.replayed import Registers
from coopbank.database import Transaction
from coopbank.ledger import periods
from coopbank.ledger.chart import POOL
from coopbank.ledger.log import Finding, Log
from coopbank.money import format_amount


def zero_sums_faults(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    """Releases, transfers between funds and memo pairs come to zero over all funds."""
    # a batch of an opening may hold one side of a pair; its other side comes with a later one
    groups = [] if state.opening_loading else [("185", "186"), ("187",), ("728", "878")]
    if state.opening_closed:
        groups.append(("990",))
    for group in groups:
        total = sum(amount for (_fund, gl), amount in state.sums.items() if gl in group)
        if total:
            yield Finding("transfers", f"{' and '.join(group)} over all funds come to {format_amount(total)}, not zero")
    pairs: dict[tuple[str, str], int] = defaultdict(int)
    for (fund, gl), amount in state.sums.items():
        if gl.startswith("M"):
            pairs[fund, gl[:2]] += amount
    for (fund, pair), total in pairs.items():
        if total:
            yield Finding("transfers", f"memo pair {pair} in fund {fund} comes to {format_amount(total)}, not zero")


def years_faults(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    """A closed year has left nothing on income and expense, and its closing entries stand."""
    for year, body in state.latest("year-close"):
        if log.states.get(year) != periods.LOCKED:
            continue
        left: dict[tuple[str, str], int] = defaultdict(int)
        for day, sums in log.days.items():
            if day.startswith(year):
                for (gl, fund, _currency), (debit, credit) in sums.items():
                    if log.controls.get(gl, ("",))[0] in ("income", "expense"):
                        left[fund, gl] += debit - credit
        for (fund, gl), amount in left.items():
            if amount:
                yield Finding("years", f"{year} is closed, and account {gl} of fund {fund} still has a result of"
                              f" {format_amount(-amount)}", state.made_by["year-close", year])  # fmt: skip
        for entry in body["entries"]:
            if entry in log.reversed:
                yield Finding("years", f"closing entry {entry} of {year} was taken back", log.reversed[entry])


def members_faults(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    """Every share, subscription and savings account is its owner's."""
    savings = {body["account"]: body for _ref, body in state.latest("savings")}
    members = {ref for ref, _body in state.latest("member")}
    for leaf in log.leaves.values():
        if leaf.gl_code not in ("901", "903", "905", "875") or leaf.holder is None:
            continue
        if leaf.holder not in members and ("member", leaf.holder) not in state.records:
            yield Finding(
                "members", f"{leaf.gl_code}/{leaf.contract} is held by {leaf.holder}, who is no member", leaf.operation
            )
        if not leaf.contract.startswith(leaf.holder):
            yield Finding("members", f"{leaf.gl_code}/{leaf.contract} is held by {leaf.holder}", leaf.operation)
        owner = savings.get(leaf.contract, {}).get("member") if leaf.gl_code == "905" else leaf.holder
        if owner is not None and owner != leaf.holder:
            yield Finding(
                "members", f"savings {leaf.contract} belong to {owner}, the account to {leaf.holder}", leaf.operation
            )


def _agree(name: str, state: Registers, log: Log, kind: str, controls: dict[str, str], sign: int) -> Iterator[Finding]:
    """Each record's figures against the leaves of its contract; and no leaf without its record."""
    balances = state.leaf_balances(log, *controls)
    known = dict(state.latest(kind))
    for ref, body in known.items():
        for gl_code, figure in controls.items():
            booked = balances.get((gl_code, body["fund"], ref), 0) * sign
            if booked != body.get(figure, 0):
                yield Finding(
                    name, f"{kind} {ref}: {figure} is {format_amount(body.get(figure, 0))}, account"
                    f" {gl_code}/{ref} holds {format_amount(booked)}", state.made_by[kind, ref],
                )  # fmt: skip
    for (gl_code, fund, contract), balance in balances.items():
        if balance and (contract not in known or known[contract]["fund"] != fund):
            yield Finding(name, f"{gl_code}/{contract} in fund {fund} has no {kind}")


def loans_faults(state: Registers, log: Log, tx: Transaction) -> Iterator[Finding]:
    """Each loan told again from its facts is what is kept; what it owes by contract is what its leaves hold."""
    balances = state.leaf_balances(log, *OWN)
    books = Books(tx)
    currency = books.institution().currency
    known = dict(state.latest("loan"))
    for ref, body in known.items():
        loan = LoanAccount(books, ref, records.Loan.model_validate(body), currency)
        number = state.made_by["loan", ref]
        for fund in {real_fund(name) for name in loan.body.book}:
            for code in sorted(OWN):
                booked, held = on_leaf(loan.body.book, fund, code), balances.get((code, fund, ref), 0)
                if booked != held:
                    yield Finding(
                        "loans", f"loan {ref}: {code} is {format_amount(booked)}, account {code}/{ref} in fund {fund}"
                        f" holds {format_amount(held)}", number,
                    )  # fmt: skip
        yield from (Finding("loans", fault, number) for fault in faults_of(loan))
    for (code, fund, contract), amount in balances.items():
        # a peer may own all that there is to the cent: then the fund's books hold its part and none of their own
        of_loan = {real_fund(name) for name in known.get(contract, {}).get("book", {})}
        if amount and contract.startswith("L-") and fund not in of_loan:
            yield Finding("loans", f"{code}/{contract} in fund {fund} has no loan")


def notes_faults(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    """What each lender is owed by the note is what the books carry."""
    yield from _agree("notes", state, log, "note", {"811": "owed_principal", "851": "accrued"}, -1)


def fund_loans_faults(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    """Loans between funds: both sides hold the same, and no less than the register; old books may hold more."""
    owed: dict[tuple[str, str], int] = defaultdict(int)
    for _ref, body in state.latest("fund-loan"):
        owed[body["from_fund"], body["to_fund"]] += body["owed"]
    balances = state.leaf_balances(log, "728", "878")
    for (lends, owes), amount in owed.items():
        ours, theirs = balances.get(("728", lends, owes), 0), -balances.get(("878", owes, lends), 0)
        if ours != theirs or ours < amount:
            yield Finding("fund loans", f"{owes} owes {lends} {format_amount(amount)} by the register; the books have"
                          f" {format_amount(ours)} and {format_amount(theirs)}")  # fmt: skip


def cash_faults(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    """Closed drawers are empty; cheques on hand are the cheques listed."""
    balances = state.leaf_balances(log, "739", "735")
    for ref, body in state.latest("drawer"):
        held = balances.get(("739", POOL, ref), 0)
        if body.get("state", "closed") == "closed" and held:
            yield Finding(
                "cash", f"drawer {ref} is closed and holds {format_amount(held)}", state.made_by["drawer", ref]
            )
    on_hand: dict[str, int] = defaultdict(int)
    for _ref, body in state.latest("cheque"):
        if body.get("state", "on-hand") == "on-hand":
            on_hand[body["drawer"]] += body["amount"]
    for (gl_code, _fund, contract), balance in balances.items():
        if gl_code == "735" and balance != on_hand[contract]:
            yield Finding("cash", f"cheques listed in {contract} come to {format_amount(on_hand[contract])},"
                          f" account 735/{contract} holds {format_amount(balance)}")  # fmt: skip


def suspense_faults(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    """What nobody has recognised yet is what account 872 holds."""
    left = sum(body["left"] for _ref, body in state.latest("suspense"))
    held = -sum(amount for (fund, gl), amount in state.sums.items() if gl == "872" and fund != POOL)
    if left != held:
        yield Finding("unknown receipts", f"they come to {format_amount(left)}, account 872 to {format_amount(held)}")


def collateral_faults(state: Registers, _log: Log, _tx: Transaction) -> Iterator[Finding]:
    """What secures a loan cost no more than was paid out for it."""
    pledged: dict[tuple[str, int], int] = defaultdict(int)
    secures: set[tuple[str, int]] = set()
    for _ref, body in state.latest("collateral"):
        key, what = (body["loan"], body["paid_from"]), body.get("state", "pledged")
        if what != "mistaken":
            pledged[key] += body["cost"]
        if what == "pledged":
            secures.add(key)
    paid: dict[tuple[str, int], int] = defaultdict(int)
    for ref, body in state.latest("loan-event"):
        if body["type"] == "advance":
            paid[ref.partition(".")[0], state.made_by["loan-event", ref]] += body["data"]["amount"]
    for (loan, number), cost in pledged.items():
        # Once all of it was released, the payment that bought it may be taken back.
        if cost > paid[loan, number] and (paid[loan, number] or (loan, number) in secures):
            yield Finding("collateral", f"{format_amount(cost)} is pledged for {loan}, more than was paid out", number)


def bills_and_gifts_faults(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    """Open bills are what is payable; no gift is spent beyond itself."""
    owed: dict[tuple[str, str], int] = defaultdict(int)
    for _ref, body in state.latest("bill"):
        if body.get("state", "open") == "open":
            owed[body["fund"], body["supplier"]] += body["amount"]
    for (_gl, fund, contract), balance in state.leaf_balances(log, "801").items():
        if contract and -balance != owed[fund, contract]:
            yield Finding("bills and gifts", f"open bills of {contract} come to {format_amount(owed[fund, contract])},"
                          f" account 801/{contract} to {format_amount(-balance)}")  # fmt: skip
    for ref, body in state.latest("gift"):
        if body.get("released", 0) > body["amount"]:
            yield Finding("bills and gifts", f"gift {ref} is spent beyond itself", state.made_by["gift", ref])


def assets_faults(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    """Cost and depreciation of each asset on its own leaves, the latter by its plan; no leaf without an asset."""
    balances = state.leaf_balances(log, *ASSET_LEAVES)
    expected: dict[tuple[str, str, str], int] = {}
    for ref, document in state.latest("asset"):
        body, number = records.Asset.model_validate(document), state.made_by["asset", ref]
        off = WRITTEN_OFF_ON[body.account]
        kept = body.state == "in use"
        expected[body.account, body.fund, ref] = body.cost if kept else 0
        if off is not None:
            expected[off, body.fund, ref] = -body.depreciated if kept else 0
        if body.depreciated != written_off_by_plan(body):
            yield Finding("assets", f"asset {ref}: {format_amount(body.depreciated)} is written off, its plan says"
                          f" {format_amount(written_off_by_plan(body))}", number)  # fmt: skip
    for leaf in sorted(expected.keys() | {leaf for leaf in balances if is_asset(leaf[2])}):
        gl_code, fund, ref = leaf
        held, wanted = balances.get(leaf, 0), expected.get(leaf, 0)
        if held != wanted:
            yield Finding("assets", f"{gl_code}/{ref} in fund {fund} holds {format_amount(held)}, the register says"
                          f" {format_amount(wanted)}", state.made_by.get(("asset", ref)))  # fmt: skip


def petty_cash_faults(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    """Cash, receipts and what was found short come to each float."""
    balances = state.leaf_balances(log, "739")
    paid: dict[str, int] = defaultdict(int)
    for _ref, body in state.latest("voucher"):
        if body.get("state", "open") == "open":
            paid[body["petty_cash"]] += body["amount"]
    for ref, body in state.latest("petty-cash"):
        held = balances.get(("739", POOL, ref), 0) + paid[ref] + body.get("short", 0)
        if held != body.get("float_amount", 0):
            yield Finding(
                "petty cash", f"cash, receipts and differences of {ref} come to {format_amount(held)}, its float is"
                f" {format_amount(body.get('float_amount', 0))}", state.made_by["petty-cash", ref],
            )  # fmt: skip


def unclaimed_faults(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    """What is set apart for the state is what account 893 holds."""
    apart: dict[tuple[str, str], int] = defaultdict(int)
    for _ref, body in state.latest("unclaimed"):
        if body.get("state", SET_APART) == SET_APART:
            for account, amount in body["accounts"].items():
                apart[account.partition(" ")[0], body["member"]] += amount
    for (gl_code, fund, contract), balance in state.leaf_balances(log, UNCLAIMED).items():
        if -balance != apart[fund, contract] and re.fullmatch(r"M[0-9]{4,}", contract):
            yield Finding("unclaimed", f"{gl_code}/{contract} in fund {fund} holds {format_amount(-balance)},"
                          f" {format_amount(apart[fund, contract])} is set apart")  # fmt: skip
