"""Verify, the bank's part: what the entries mean agrees with what the registers say.

The ledger proves that nothing was changed and everything balances. These checks replay
the same log for what a bank promises on top: every fund's claim is covered by cash,
who acted was allowed to, what needs two people had two, and each register (members'
shares, savings, loans, notes, drawers, bills, gifts) agrees with its accounts to the
cent. All of it from the sealed text alone; secrets and the directory are compared after.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coopbank.bank import bank_proof, pool_interest, records
from coopbank.bank.aid_proof import AidProof
from coopbank.bank.asset_plan import ASSET_LEAVES, WRITTEN_OFF_ON, is_asset, written_off_by_plan
from coopbank.bank.books import Books, opened
from coopbank.bank.close_proof import CloseProof
from coopbank.bank.commons_proof import BuildingProof, PairProof, dues_faults, grant_faults, land_faults, pair_faults
from coopbank.bank.confirming import campaign_faults
from coopbank.bank.desk import fold
from coopbank.bank.document_proof import document_faults
from coopbank.bank.equity_proof import equity_faults
from coopbank.bank.group_proof import GroupProof
from coopbank.bank.groups import IN_GROUPS, Part
from coopbank.bank.lending.accounts import LoanAccount
from coopbank.bank.lending.flows import OWN, on_leaf, real_fund
from coopbank.bank.lending.proof import faults_of
from coopbank.bank.lending.provision_proof import ProvisionProof, close_faults
from coopbank.bank.loss_proof import NAME as LOSSES
from coopbank.bank.loss_proof import LossProof
from coopbank.bank.mandates import takes_resolution
from coopbank.bank.operation import CATALOGUE, role_may
from coopbank.bank.operation import Operation as Offered
from coopbank.bank.operations.books import JournalEntry, owner_of
from coopbank.bank.operations.forgetting import faults as forgetting_faults
from coopbank.bank.operations.savings import PAYMENTS_POLICY, PayMember
from coopbank.bank.operations.unclaimed import SET_APART, UNCLAIMED
from coopbank.bank.people_proof import PeopleProof
from coopbank.bank.register_proof import RegisterProof
from coopbank.bank.voting_proof import DecisionProof
from coopbank.database import Database, Transaction
from coopbank.ledger import chain, periods
from coopbank.ledger.chart import POOL
from coopbank.ledger.columns import Did, Run
from coopbank.ledger.log import Finding, Log, Operation, RunWatcher, Stored, Watcher, show
from coopbank.ledger.verify import CHECKS, Check, Help, Progress, Verdict, run
from coopbank.money import format_amount

if TYPE_CHECKING:
    from coopbank.bank.keyring import Keyring

#: Which operations may write a version of which record; kinds that are not listed are free.
_LENDING = {
    "grant-loan", "disburse-loan", "repay-loan", "apply-unapplied", "close-commitment", "opening-balance",
    "return-cheque", "change-rate", "extend-loan", "move-due-date", "payment-holiday", "re-amortize", "pause-interest",
    "move-outer-date", "charge-late-fee", "waive-charges", "stop-accrual", "resume-accrual", "write-down",
    "charge-off", "refinance-loan", "file-report", "accept-report", "sell-participation", "set-off",
}  # fmt: skip
_LEADING = set(IN_GROUPS)
WRITERS = {
    "loan": {*_LENDING, "close-month", "close-month-part", "grade-loan"},
    "loan-event": _LENDING,
    "loan-terms": _LENDING,
    "allowance-table": {"found-book", "set-allowance-table"},
    "provision": {"provide"},
    "loss-waterfall": {"set-loss-waterfall"},
    "programme": {"set-programme"},
    "fund-loan": {"lend-to-fund", "repay-fund"},
    "note-class": {"define-note-class"},
    "loss-attribution": {"charge-off"},
    "note": {"issue-note", "repay-note", "close-month", "opening-balance", "return-cheque"},
    "savings-interest": {"credit-interest"},
    "batch": {*_LEADING, *(f"{name}-part" for name in _LEADING)},
    "batch-part": _LEADING,
    "product": {"found-book", "define-product", "withdraw-product"},
    "application": {"apply-for-loan", "decline-application", "withdraw-application", "grant-loan"},
    "collateral": {
        "pledge-collateral",
        "release-collateral",
        "repay-loan",
        "apply-unapplied",
        "set-off",
        "waive-charges",
        "write-down",
        "refinance-loan",
        "file-report",
        "accept-report",
        "return-cheque",
    },
    "suspense": {"receive-unknown", "clear-suspense", "opening-balance"},
    "asset": {"buy-asset", "enter-asset", "depreciate", "dispose-asset", "return-cheque"},
    "depreciation": {"depreciate"},
    "petty-cash": {"open-petty-cash", "refill-petty-cash", "count-petty-cash", "close-petty-cash"},
    "voucher": {"spend-petty-cash", "refill-petty-cash", "close-petty-cash"},
    "budget": {"set-budget"},
    "savings": {"open-savings", "opening-balance"},
    "member": {"admit-member", "change-member", "forget-member"},
    "joint-owner": {"add-joint-owner", "remove-joint-owner"},
    "death": {"record-death", "withdraw-death"},
    "contact": {"lost-contact", "found-again", "send-due-diligence"},
    "unclaimed": {"turn-over-unclaimed", "pay-unclaimed", "opening-balance"},
    "forgotten": {"forget-member", "forget-case", "forget-request"},
    "user": {
        "found-book",
        "add-user",
        "change-role",
        "link-user",
        "declare-relative",
        "set-passphrase",
        "set-one-time-code",
        "reset-sign-in",
    },
    "sign-in-reset": {"reset-sign-in", "set-passphrase"},
    "cash-difference": {"count-drawer", "close-drawer", "sign-difference", "open-day"},
    "year-close": {"close-year"},
    "signing-key": {"set-signing-key"},
    "close-signature": {"sign-close"},
    "role": {"found-book", "set-role", "set-day-limit"},
    "policy": {"found-book", "set-policy"},
    "share-class": {"found-book", "set-share-class"},
    "dividend": {"declare-dividend", "allocate-surplus"},
    "surplus-rules": {"set-surplus-rules"},
    "patronage-hours": {"record-hours"},
    "surplus": {"propose-surplus", "allocate-surplus"},
    "patronage-redeemed": {"redeem-patronage"},
    "redemption": {
        "accept-redemption",
        "pay-redemption",
        "return-capital",
        "pay-estate",
        "turn-over-unclaimed",
        "set-off",
    },
    "set-off": {"set-off"},
    "sponsorship": {"sponsor-shares", "return-sponsored-shares"},
    "capital-interest": {"credit-capital-interest"},
    "capital-loss": {"share-loss"},
    "bank-account": {"found-book", "add-bank-account"},
    "drawer": {"open-drawer", "count-drawer", "close-drawer"},
    "request": {"ask", "approve", "refuse", "take-back"},
    "institution": {"found-book"},
    "document": {"record-documents"},
    "bank-interest": {"receive-bank-interest"},
    "bank-statement": {"record-bank-lines", "withdraw-bank-lines"},
    "bank-line": {"record-bank-lines", "withdraw-bank-lines", "match-bank-line", "unmatch-bank-line"},
    "bank-match": {"match-bank-line", "unmatch-bank-line"},
    "bank-mark": {"match-bank-line", "unmatch-bank-line"},
    "reconciliation": {"sign-reconciliation", "review-reconciliation", "reopen-reconciliation"},
    "campaign": {"start-campaign", "close-campaign"},
    "confirmation": {"start-campaign", "record-reply", "resolve-exception"},
    "voting-body": {"set-body"},
    "seat": {"seat-member", "end-seat", "declare-result"},
    "meeting": {"call-meeting", "cancel-meeting"},
    "resolution": {
        "propose-resolution",
        "withdraw-resolution",
        "cancel-meeting",
        "record-count",
        "close-vote",
        "declare-result",
    },
    "poll": {"open-poll", "withdraw-poll", "close-poll", "load-ballots", "declare-result", "cancel-meeting"},
    "credit-memo": {"write-credit-memo"},
    "memo-consent": {"consent-to-share"},
    "ballot-given": {"give-ballots"},
    "ballot-box": {"load-ballots"},
    "mandate": {"set-mandate"},
    "resolution-use": {name for name in CATALOGUE if takes_resolution(name)},
    "vote": {"record-vote", "declare-interest"},
    "aid-case": {"give-aid", "file-aid-receipt", "return-aid", "forget-case", "return-cheque"},
    "register": {"define-register"},
    "register-entry": {"add-entry", "change-entry", "close-entry", "buy-parcel", "dispose-parcel"},
    "parcel-disposal": {"dispose-parcel"},
    "donated-work": {"recognise-donated-work"},
    "ground-rent": {"receive-ground-rent", "return-cheque"},
    "partner": {"add-institution"},
    "pair": {
        "owe-institution",
        "claim-from-institution",
        "confirm-pair",
        "pay-institution",
        "receive-from-institution",
        "return-cheque",
    },
    "dues": {"bill-dues", "receive-dues", "return-cheque"},
    "grant": {"receive-grant", "earn-grant", "return-grant", "return-cheque"},
    "backup": {"record-backup"},
    "drill": {"record-drill"},
}


@dataclass
class Registers:
    """What the log has said so far, as a bank reads it."""

    balances: dict[int, int] = field(default_factory=lambda: defaultdict(int))  # by leaf, minor units, debit +
    sums: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))  # by fund and control account
    records: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)  # latest body
    ways: dict[int, tuple[tuple[str, str], str | None]] = field(default_factory=dict)  # by leaf, see `_way`
    made_by: dict[tuple[str, str], int] = field(default_factory=dict)  # operation of the latest body
    approvals: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)  # request: approver, request body
    filed: dict[tuple[str, int, int], str] = field(default_factory=dict)  # report of loan, period, version: by whom
    on_accounts: dict[str, dict[str, str]] = field(default_factory=dict)  # member: who stands on their accounts
    known: set[Did] = field(default_factory=set)  # kind, actor, approver: rightly so, for anyone
    by_two: set[str] = field(
        default_factory=lambda: {name for name, cls in CATALOGUE.items() if cls.second_person} | {"approve"}
    )  # kinds that one person may not do
    opening_closed: bool = False
    opening_loading: bool = False  # balances of old records are coming in, batch by batch

    def latest(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Refs and bodies of a kind; what was reversed at its making is left out."""
        for (k, ref), body in self.records.items():
            if k == kind and not body.get("void"):
                yield ref, body


def verify(
    database: Database, known_heads: Sequence[tuple[int, str]] = (), progress: Progress | None = None,
    closes: CloseProof | None = None, keys: Keyring | None = None, helping: Help | None = None,
) -> list[Verdict]:  # fmt: skip
    """All checks, the ledger's and the bank's, in one pass over the log.

    `closes` holds public keys that are known from elsewhere, and afterwards what was found of the signatures; with
    `keys`, of whoever has signed in, what is encrypted is compared with what was sealed.
    """
    return run(database, [*CHECKS, *bank_checks(closes or CloseProof(), keys)], known_heads, progress, helping)


def bank_checks(closes: CloseProof, keys: Keyring | None = None) -> list[Check]:
    """The bank's checks, with registers of their own for one run."""
    state, bank_lines = Registers(), bank_proof.BankProof()

    provision, people, decisions = ProvisionProof(), PeopleProof(state), DecisionProof()
    aid, kept, losses = AidProof(keys), RegisterProof(), LossProof()
    buildings, pairs, carried = BuildingProof(), PairProof(), GroupProof()
    return [
        Check("powers", "Everyone who acted was a user with the power to do it.",  # before the registers follow:
              watch=_watch(state, _powers), watch_plain=_watch_plain(state, _powers_plain)),  # whoever agrees to leave
        Check("approvers", "Who approved was allowed to; users and powers were changed by two, where there were two.",
              watch=_as_watch(people.approvers), watch_plain=people.approvers_plain),
        Check("limits", "Nobody moved more than their role may, at all, alone or in a day.",
              watch=_as_watch(people.limits), watch_plain=people.limits_plain),
        Check("sign-ins", "A colleague's passphrase was replaced only as agreed, and changed at first use.",
              watch=_as_watch(people.sign_ins), watch_plain=people.sign_ins_plain),
        Check("claims", "What the pool holds in cash is exactly what it owes the funds.",
              watch=_watch(state, _replay), watch_plain=_watch_plain(state, _replay_plain)),
        Check("two people", "What needs a second person had one, who approved exactly that.",
              watch=_watch(state, _two_people), watch_plain=_watch_plain(state, _two_people_plain)),
        Check("registers", "Each register was written only by the operations that it belongs to.",
              watch=_writers, needless="plain"),
        Check("closes", "Each day's close says what the books said.", watch=_watch(state, _closes), needless="plain"),
        Check("years", "A closed year has left no income or expense in any fund.", _ask(state, _years)),
        Check("signatures", "Each signature of a close is the key's own, of what the books say.",
              lambda _log, _tx: closes.at_end(), watch=closes.watch, watch_plain=closes.watch_plain),
        Check("unsigned closes", "Closes made by somebody whose passphrase opened no key.",
              lambda _log, _tx: closes.told(), informational=True),
        Check("provision", "Each provision follows from its table and the loans; the allowance is what it required.",
              watch=_watch(state, provision.watch), watch_plain=provision.watch_plain),
        Check(LOSSES, "Each loss was shared by the fund's waterfall; what came back went to the last hit first.",
              _ask(state, losses.faults), watch=_watch(state, losses.watch),
              watch_plain=_watch_plain(state, losses.watch_plain)),
        Check("transfers", "Releases, transfers between funds and memo pairs come to zero.", _ask(state, _zero_sums)),
        Check("members", "Every share, subscription and savings account is its owner's.", _ask(state, _members)),
        Check("loans", "What each borrower owes by contract is what the books carry.", _ask(state, _loans)),
        Check("notes", "What each lender is owed by the note is what the books carry.", _ask(state, _notes)),
        Check("fund loans", "What one fund owes another is what both of them carry.", _ask(state, _fund_loans)),
        Check("cash", "Closed drawers are empty, cheques on hand are the cheques listed.", _ask(state, _cash)),
        Check("unknown receipts", "What nobody has recognised yet is what account 872 holds.", _ask(state, _suspense)),
        Check("collateral", "What secures a loan cost no more than was paid out for it.", _ask(state, _collateral)),
        Check("bills and gifts", "Open bills are what is payable; no gift is spent beyond itself.",
              _ask(state, _bills_and_gifts)),
        Check(bank_proof.NAME, "The bank's lines are the postings that they are matched with; what was signed was so.",
              _ask(state, bank_lines.faults), watch=_watch(state, bank_lines.watch), needless="plain"),
        Check("bank interest", "Interest of the bank is split over the funds by their average daily claims.",
              _bank_interest),
        Check("assets", "Each asset's cost and what was written off of it are what the books carry.",
              _ask(state, _assets)),
        Check("equity", "Dividends, surplus and capital are divided by their rules, on the members' accounts.",
              _equity),
        Check("petty cash", "Cash, receipts and what was found short come to each float.", _ask(state, _petty_cash)),
        Check("documents", "Every document that was made names an operation before it, and that one's fingerprint.",
              _documents),
        Check("confirmations", "Each campaign asks about what its seed draws from the balances of its day.",
              _ask(state, _confirmations)),
        Check("resolutions", "Votes were cast by who might and came to what is said; what a body decides, it decided.",
              watch=_watch(state, decisions.watch), watch_plain=_watch_plain(state, decisions.watch_plain)),
        Check("solidarity", "Each grant of aid is what its entry gave; neither recipient nor kin decided it.",
              _ask(state, aid.faults), watch=_watch(state, aid.watch), needless="plain"),
        Check("institution registers", "Each entry of the bank's own registers fits the definition that it names.",
              watch=_watch(state, kept.watch), needless="plain"),
        Check("land", "Each parcel stands at what it cost, donated work at its hours, and on its building.",
              _ask(state, land_faults), watch=_as_watch(buildings.watch), watch_plain=buildings.watch_plain),
        Check("grants", "What is left of each grant on a condition is what the books owe.", _ask(state, grant_faults)),
        Check("dues", "What is open of each bill of dues is what the books carry.", _ask(state, dues_faults)),
        Check("institutions", "What is open with each institution is what accounts 892 and 792 hold.",
              _ask(state, pair_faults), watch=_watch(state, pairs.watch), needless="plain"),
        Check("journal entries", "No journal entry names an account that belongs to another operation.",
              watch=_watch(state, _journal_entries), watch_plain=_watch_plain(state, _journal_plain)),
        Check("personal", "Names and other personal values are those that were sealed, or forgotten by two people.",
              lambda log, tx: _personal(state, log, tx, keys)),
        Check("unclaimed", "What is set apart for the state is what account 893 holds.", _ask(state, _unclaimed)),
        Check("encrypted", "Taxpayer numbers are encrypted; only who has signed in can compare them.",
              lambda _log, tx: () if keys is not None else _encrypted(tx),
              informational=True),
        Check("groups", "What was decided for many members reached each of them once, as it was decided.",
              watch=_as_watch(carried.watch), watch_plain=carried.watch_plain),
        Check("unfinished groups", "What is still on its way to the members; the close of the day finishes it.",
              lambda _log, _tx: carried.unfinished(), informational=True),
        Check("directory", "The find box lists the members as they are.", _ask(state, _directory)),
    ]  # fmt: skip


def _watch(state: Registers, check: Callable[[Registers, Log, Operation], None]) -> Watcher:
    def watch(log: Log, operation: Operation, _stored: Stored) -> None:
        check(state, log, operation)

    return watch


def _as_watch(check: Callable[[Log, Operation], None]) -> Watcher:
    def watch(log: Log, operation: Operation, _stored: Stored) -> None:
        check(log, operation)

    return watch


def _watch_plain(state: Registers, check: Callable[[Registers, Log, Run], None]) -> RunWatcher:
    def watch(log: Log, run: Run) -> None:
        check(state, log, run)

    return watch


def _ask(
    state: Registers, check: Callable[[Registers, Log, Transaction], Iterable[Finding]]
) -> Callable[[Log, Transaction], Iterator[Finding]]:
    def ask(log: Log, tx: Transaction) -> Iterator[Finding]:
        yield from check(state, log, tx)

    return ask


# ------------------------------------------------------------------- while the log passes


def _replay(state: Registers, log: Log, operation: Operation) -> None:
    """Bring the registers forward; the pool is checked after every operation."""
    state.opening_loading = state.opening_loading or operation.kind == "opening-balance"
    for row in operation.rows:
        if row[0] == "record":
            _table, kind, ref, _version, _about, body = row
            state.records[kind, ref] = body
            state.made_by[kind, ref] = operation.number
            if kind in ("user", "role", "joint-owner", "policy"):
                state.known.clear()
            if kind == "joint-owner" and body.get("person"):
                _on_account(state, ref, body)
            if kind == "opening" and body.get("state") == "closed":
                state.opening_closed, state.opening_loading = True, False
    _replay_lines(state, log, operation)


def _replay_plain(state: Registers, log: Log, run: Run) -> None:
    """The same for operations that follow one another; one by one, if a fund's claim might not be covered after one."""
    ways = {account: state.ways.get(account) or _way(state, log, account) for account in run.sums}
    claims: dict[str, set[int]] = defaultdict(set)
    for account, way in ways.items():
        if way is not None and way[1] is not None:
            claims[way[1]].add(account)
    for fund, accounts in claims.items():
        if state.sums[fund, "729"] != -state.sums["879", fund] or any(run.after_operations(accounts)):
            for operation in run:
                _replay_lines(state, log, operation)
            return
    for account, (debit, credit) in run.sums.items():
        if (way := ways[account]) is None:
            continue  # the ledger's checks say so
        control, claimed = way
        state.balances[account] += debit - credit
        state.sums[control] += debit - credit
        if claimed is not None and control[1] == "879":
            state.sums["879", claimed] += debit - credit


def _replay_lines(state: Registers, log: Log, operation: Operation) -> None:
    """Balances and sums; what the funds claim of the pool is looked at after each operation that moves it."""
    ways, balances, sums = state.ways, state.balances, state.sums
    funds: set[str] | None = None
    for _id, _day, _memo, _reverses, lines in operation.entries:
        for account, amount in lines:
            way = ways.get(account) or _way(state, log, account)
            if way is None:
                continue  # the ledger's checks say so
            balances[account] += amount
            control, claimed = way
            sums[control] += amount
            if claimed is not None:
                if control[1] == "879":
                    sums["879", claimed] += amount
                funds = {*(funds or ()), claimed}
    for fund in funds or ():
        if sums[fund, "729"] != -sums["879", fund]:
            log.add("claims", f"fund {fund} claims {format_amount(sums[fund, '729'])} and the pool owes it"
                    f" {format_amount(-sums['879', fund])}", operation.number)  # fmt: skip


def _way(state: Registers, log: Log, account: int) -> tuple[tuple[str, str], str | None] | None:
    """Where a leaf's lines are summed, and whose claim on the pool they move; None if there is no such leaf."""
    leaf = log.leaves.get(account)
    if leaf is None:
        return None
    claimed = leaf.fund if leaf.gl_code == "729" else leaf.contract if leaf.gl_code == "879" else None
    return state.ways.setdefault(account, ((leaf.fund, leaf.gl_code), claimed))


def _on_account(state: Registers, ref: str, body: dict[str, Any]) -> None:
    people = state.on_accounts.setdefault(body["member"], {})
    if body.get("state", "active") == "active":
        people[ref] = body["person"]
    else:
        people.pop(ref, None)


def _powers_plain(state: Registers, log: Log, run: Run) -> None:
    """The same; what was found right stays so until somebody's powers or accounts change."""
    for operation in run.by(run.people - state.known):
        if (operation.kind, operation.actor, operation.approver) not in state.known:
            _powers(state, log, operation)


def _powers(state: Registers, log: Log, operation: Operation) -> None:
    cls = CATALOGUE.get(operation.kind)
    if cls is None or cls.internal:
        state.known.add((operation.kind, operation.actor, operation.approver))
        return
    right = not cls.offered_by or _offered(state, cls)
    if not right:
        log.add("powers", f"{operation.kind} is not offered by this bank", operation.number)
    for name, person in (("actor", operation.actor), ("approver", operation.approver)):
        if person is None:
            continue
        user = state.records.get(("user", person))
        if user is None or not user.get("active", True):
            log.add("powers", f"{name} {person} was no active user", operation.number)
            right = False
            continue
        roles = ((role, state.records.get(("role", role), {})) for role in user["roles"])
        if name == "actor" and not any(
            role_may(role, body.get("operations", ()), body.get("edition", 1), operation.kind) for role, body in roles
        ):
            log.add("powers", f"{person} had no power to do {operation.kind}", operation.number)
            right = False
        asked = operation.request.get("member"), operation.request.get("to_member")
        served = {member for member in asked if isinstance(member, str)}
        if state.on_accounts:
            served |= {person for member in served for person in state.on_accounts.get(member, {}).values()}
        theirs = {user.get("member"), *user.get("relatives", ())} - {None}
        right = right and not theirs
        if theirs & served and operation.kind not in ("add-user", "link-user", "declare-relative"):
            log.add("powers", f"{person} served their own account {min(theirs & served)}", operation.number)
    if right:
        state.known.add((operation.kind, operation.actor, operation.approver))


def _offered(state: Registers, cls: type[Offered]) -> bool:
    """Whether an institution of this kind, with these policies, has the operation at all."""
    book = state.records.get(("institution", "book"), {})
    if cls is PayMember and state.records.get(("policy", PAYMENTS_POLICY), {}).get("value", "no") != "yes":
        return False
    return not book or book.get("institution_kind") in cls.offered_by


def _two_people_plain(state: Registers, log: Log, run: Run) -> None:
    for operation in run.by({did for did in run.people if did[2] is not None or did[0] in state.by_two}):
        _two_people(state, log, operation)


def _two_people(state: Registers, log: Log, operation: Operation) -> None:
    _two_hands(state, log, operation)
    if operation.kind == "approve":
        ref = operation.request.get("request")
        body = state.records.get(("request", ref))
        if body is None or body.get("state") != "approved" or body.get("decided_by") != operation.actor:
            log.add("two people", f"approval of {ref} is not in the register", operation.number)
        elif body.get("asked_by") == operation.actor:
            log.add("two people", f"{operation.actor} approved their own request {ref}", operation.number)
        else:
            state.approvals[ref] = (operation.actor, body)
        return
    cls = CATALOGUE.get(operation.kind)
    if cls is not None and issubclass(cls, Part) and cls.in_their_name:
        return  # in the names of those who decided it: see group_proof.py
    if operation.approver is None:
        if cls is not None and cls.second_person:
            log.add("two people", f"{operation.kind} was done by {operation.actor} alone", operation.number)
        return
    ref = operation.key.removeprefix("approved:")
    approver, body = state.approvals.pop(ref, ("", {}))
    asked = (approver, body.get("operation"), body.get("asked_by"), chain.canonical(body.get("payload")))
    if asked != (operation.approver, operation.kind, operation.actor, chain.canonical(_request_shape(operation, body))):
        log.add("two people", f"{operation.kind} is not what {operation.approver} approved", operation.number)


def _two_hands(state: Registers, log: Log, operation: Operation) -> None:
    """Who files a report does not accept it; who asked for a loan does not pay it out."""
    for row in operation.rows:
        if row[0] != "record" or row[1] != "loan-event" or row[3] != 1:
            continue
        ref, loan, data = row[2], row[4], row[5].get("data", {})
        report = loan, data.get("period", 0), data.get("version", 0)
        if row[5]["type"] == "report-filed":
            state.filed[report] = operation.actor
        elif row[5]["type"] == "report-accepted" and state.filed.get(report) == operation.actor:
            log.add("two people", f"{operation.actor} accepted the report {ref} that they had filed", operation.number)
        elif row[5]["type"] == "advance":
            asked = state.records.get(("loan", loan), {}).get("granted_by")
            if asked == operation.actor:
                log.add("two people", f"{operation.actor} paid out {loan}, which they had asked for", operation.number)


def _request_shape(operation: Operation, asked: dict[str, Any]) -> Any:
    """The request with the digests of the earlier asking: the same personal value, salted anew."""
    return _with_digests(operation.request, asked.get("payload") or {})


def _with_digests(value: Any, asked: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"#"}:
        return value if asked is None else asked
    if isinstance(value, dict) and isinstance(asked, dict):
        return {name: _with_digests(each, asked.get(name)) for name, each in value.items()}
    if isinstance(value, list) and isinstance(asked, list) and len(value) == len(asked):
        return [_with_digests(each, other) for each, other in zip(value, asked, strict=True)]
    return value


def _writers(log: Log, operation: Operation, _stored: Stored) -> None:
    for row in operation.rows:
        if row[0] == "record" and operation.kind not in WRITERS.get(row[1], {operation.kind}) | {"reverse"}:
            log.add("registers", f"{operation.kind} wrote {row[1]} {row[2]}", operation.number)


def _closes(state: Registers, log: Log, operation: Operation) -> None:
    for row in operation.rows:
        if row[0] != "record" or row[1] != "day-close":
            continue
        body = row[5]
        if log.last is not None and (body.get("head_number"), body.get("head_hash")) != (
            log.last.id, bytes(log.last.hash).hex()[:16],
        ):  # fmt: skip
            log.add("closes", f"the close of {row[2]} names another head of the chain", operation.number)
        cash = {
            f"{leaf.gl_code}/{leaf.contract}": balance
            for account, balance in state.balances.items()
            if balance and (leaf := log.leaves[account]).fund == POOL and leaf.gl_code in ("731", "735", "739")
        }
        if body.get("cash", {}) != cash:
            log.add("closes", f"the close of {row[2]} names other cash than the books had", operation.number)
        for fault in close_faults(state, body.get("loans", {})):
            log.add("closes", f"the close of {row[2]} names {fault}", operation.number)


# ------------------------------------------------------------------------ at the log's end


def _leaf_balances(state: Registers, log: Log, *controls: str) -> dict[tuple[str, str, str], int]:
    """Balances of the leaves of some control accounts, by control, fund and contract."""
    return {
        (leaf.gl_code, leaf.fund, leaf.contract): state.balances.get(account, 0)
        for account, leaf in log.leaves.items()
        if leaf.gl_code in controls
    }


def _journal_entries(state: Registers, log: Log, operation: Operation) -> None:
    if operation.kind != JournalEntry.name or operation.kind_version < JournalEntry.version:
        return
    for _id, _day, _memo, _reverses, lines in operation.entries:
        for account, _amount in lines:
            leaf = log.leaves.get(account)
            if leaf is None or leaf.gl_code in ("729", "879"):
                continue  # cash of the pool comes with a line on a bank account
            code = f"{leaf.gl_code}/{leaf.contract}" if leaf.contract else leaf.gl_code
            owner = "memo" if leaf.gl_code.startswith("M") else owner_of(code, lambda *of: of in state.records)
            if owner is not None:
                log.add("journal entries", f"a journal entry names {code}, which belongs to the operations on {owner}",
                        operation.number)  # fmt: skip


def _journal_plain(state: Registers, log: Log, run: Run) -> None:
    for operation in run.of((JournalEntry.name,)):
        _journal_entries(state, log, operation)


def _zero_sums(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
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


def _years(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
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


def _members(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
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
    balances = _leaf_balances(state, log, *controls)
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


def _loans(state: Registers, log: Log, tx: Transaction) -> Iterator[Finding]:
    """Each loan told again from its facts is what is kept; what it owes by contract is what its leaves hold."""
    balances = _leaf_balances(state, log, *OWN)
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


def _notes(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    yield from _agree("notes", state, log, "note", {"811": "owed_principal", "851": "accrued"}, -1)


def _fund_loans(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    """Loans between funds: both sides hold the same, and no less than the register; old books may hold more."""
    owed: dict[tuple[str, str], int] = defaultdict(int)
    for _ref, body in state.latest("fund-loan"):
        owed[body["from_fund"], body["to_fund"]] += body["owed"]
    balances = _leaf_balances(state, log, "728", "878")
    for (lends, owes), amount in owed.items():
        ours, theirs = balances.get(("728", lends, owes), 0), -balances.get(("878", owes, lends), 0)
        if ours != theirs or ours < amount:
            yield Finding("fund loans", f"{owes} owes {lends} {format_amount(amount)} by the register; the books have"
                          f" {format_amount(ours)} and {format_amount(theirs)}")  # fmt: skip


def _cash(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    balances = _leaf_balances(state, log, "739", "735")
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


def _suspense(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    left = sum(body["left"] for _ref, body in state.latest("suspense"))
    held = -sum(amount for (fund, gl), amount in state.sums.items() if gl == "872" and fund != POOL)
    if left != held:
        yield Finding("unknown receipts", f"they come to {format_amount(left)}, account 872 to {format_amount(held)}")


def _collateral(state: Registers, _log: Log, _tx: Transaction) -> Iterator[Finding]:
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


def _bills_and_gifts(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    owed: dict[tuple[str, str], int] = defaultdict(int)
    for _ref, body in state.latest("bill"):
        if body.get("state", "open") == "open":
            owed[body["fund"], body["supplier"]] += body["amount"]
    for (_gl, fund, contract), balance in _leaf_balances(state, log, "801").items():
        if contract and -balance != owed[fund, contract]:
            yield Finding("bills and gifts", f"open bills of {contract} come to {format_amount(owed[fund, contract])},"
                          f" account 801/{contract} to {format_amount(-balance)}")  # fmt: skip
    for ref, body in state.latest("gift"):
        if body.get("released", 0) > body["amount"]:
            yield Finding("bills and gifts", f"gift {ref} is spent beyond itself", state.made_by["gift", ref])


def _assets(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    """Cost and depreciation of each asset on its own leaves, the latter by its plan; no leaf without an asset."""
    balances = _leaf_balances(state, log, *ASSET_LEAVES)
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


def _petty_cash(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    balances = _leaf_balances(state, log, "739")
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


def _unclaimed(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    apart: dict[tuple[str, str], int] = defaultdict(int)
    for _ref, body in state.latest("unclaimed"):
        if body.get("state", SET_APART) == SET_APART:
            for account, amount in body["accounts"].items():
                apart[account.partition(" ")[0], body["member"]] += amount
    for (gl_code, fund, contract), balance in _leaf_balances(state, log, UNCLAIMED).items():
        if -balance != apart[fund, contract] and re.fullmatch(r"M[0-9]{4,}", contract):
            yield Finding("unclaimed", f"{gl_code}/{contract} in fund {fund} holds {format_amount(-balance)},"
                          f" {format_amount(apart[fund, contract])} is set apart")  # fmt: skip


def _personal(state: Registers, _log: Log, tx: Transaction, keys: Keyring | None) -> Iterator[Finding]:
    yield from (Finding("personal", fault, number) for number, fault in forgetting_faults(state.records, tx))
    yield from _misnamed(tx)
    yield from _taken_away(tx)
    for digest, operation, name, salt, value in tx.stream(
        "SELECT digest, operation_id, field, salt, value FROM personal WHERE salt IS NOT NULL ORDER BY operation_id"
    ):
        if not salt and str(value).startswith(records.SEALED):
            if keys is None:
                continue  # `encrypted` counts them
            salt, value = opened(keys, salt, str(value))
            if not salt:
                yield Finding("personal", f"the {name} that was sealed cannot be decrypted any more", operation)
                continue
        if value is None or chain.salted(bytes(salt), value) != digest:
            yield Finding("personal", f"the {name} that was sealed is another", operation)


# Kinds of personal values that stand in a text in lists, thousands of them perhaps, or that the bank itself named.
_UNDER_OTHER_NAMES = ("receipt", "document_file", "document_figures", "register_value", "bank_text", "bank_reference")


def _misnamed(tx: Transaction) -> Iterator[Finding]:
    """Values are looked for by what they are; a text names each as it is kept."""
    find = "instr" if tx.dialect == "sqlite" else "strpos"
    marks = ", ".join("?" * len(_UNDER_OTHER_NAMES))
    for number, name in tx.rows(
        "SELECT p.operation_id, p.field FROM personal p JOIN operation o ON o.id = p.operation_id"
        f" WHERE CASE WHEN p.field IN ({marks}) THEN 1"  # those are not looked for at all
        f""" ELSE {find}(o.sealed, '"' || p.field || '":{{"#":"' || p.digest || '"') END = 0 ORDER BY p.operation_id""",
        *_UNDER_OTHER_NAMES,
    ):
        yield Finding("personal", f"a value is kept as {show(name)}, and its operation calls it otherwise", number)


_SEALED_DIGEST = re.compile(r'\{"#":"([0-9a-f]{64})"\}')
_ASKED_AT_ONCE = 500


def _taken_away(tx: Transaction) -> Iterator[Finding]:
    """A value that is forgotten leaves its row; every digest in a text has one, or somebody took it away by hand."""
    named: dict[str, int] = {}  # and by which operation first
    # LIKE takes a quarter of the time that instr() does, and the text of a plain deposit has none.
    for number, text in tx.stream("SELECT id, sealed FROM operation WHERE sealed LIKE ? ORDER BY id", '%{"#":"%'):
        for digest in _SEALED_DIGEST.findall(text):
            named.setdefault(digest, int(number))
            if len(named) == _ASKED_AT_ONCE:
                yield from _not_kept(tx, named)
                named.clear()
    if named:
        yield from _not_kept(tx, named)


def _not_kept(tx: Transaction, named: dict[str, int]) -> Iterator[Finding]:
    marks = ", ".join("?" * len(named))
    kept = {digest for (digest,) in tx.rows(f"SELECT digest FROM personal WHERE digest IN ({marks})", *named)}
    for number in sorted({number for digest, number in named.items() if digest not in kept}):
        yield Finding("personal", "a personal value that was sealed was taken away, row and all", number)


def _encrypted(tx: Transaction) -> Iterator[Finding]:
    count = tx.value(
        "SELECT count(*) FROM personal WHERE length(salt) = 0 AND value LIKE ?", records.SEALED + "%"
    )  # fmt: skip
    if count:
        yield Finding("encrypted", f"not compared with what was sealed: {count}")


def _confirmations(state: Registers, _log: Log, tx: Transaction) -> Iterator[Finding]:
    yield from campaign_faults(
        tx, ((ref, records.Campaign.model_validate(body)) for ref, body in state.latest("campaign"))
    )


def _equity(_log: Log, tx: Transaction) -> Iterator[Finding]:
    yield from (Finding("equity", fault, number) for number, fault in equity_faults(tx))


def _bank_interest(_log: Log, tx: Transaction) -> Iterator[Finding]:
    yield from (Finding("bank interest", fault, number) for number, fault in pool_interest.faults(Books(tx)))


def _documents(_log: Log, tx: Transaction) -> Iterator[Finding]:
    yield from (Finding("documents", fault, number) for number, fault in document_faults(tx))


def _directory(state: Registers, _log: Log, tx: Transaction) -> Iterator[Finding]:
    listed = {
        member: (name, folded, phone)
        for member, name, folded, phone in tx.stream("SELECT member, name, folded, phone FROM directory")
    }
    values = dict(tx.rows("SELECT digest, value FROM personal WHERE field IN ('member_name', 'phone')"))
    for ref, body in state.latest("member"):
        made_by = state.made_by["member", ref]
        if body.get("forgotten_on") and ref in listed:
            yield Finding("directory", f"{ref} was forgotten and is listed", made_by)
        name, phone = values.get(body["name"]["#"]), body.get("phone")
        if name is None:
            continue
        if listed.get(ref, ("", ""))[:2] != (name, fold(name)):
            yield Finding("directory", f"member {ref} is listed under another name", made_by)
        elif listed[ref][2] != "".join(c for c in (values.get(phone["#"]) if phone else None) or "" if c.isdigit()):
            yield Finding("directory", f"member {ref} is listed with another telephone", made_by)
