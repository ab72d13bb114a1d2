"""Verify, the bank's part: what the entries mean agrees with what the registers say.

The ledger proves that nothing was changed and everything balances. These checks replay
the same log for what a bank promises on top: every fund's claim is covered by cash,
who acted was allowed to, what needs two people had two, and each register (members'
shares, savings, loans, notes, drawers, bills, gifts) agrees with its accounts to the
cent. All of it from the sealed text alone; secrets and the directory are compared after.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from coopbank.bank import bank_proof, pool_interest, records
from coopbank.bank.aid_proof import AidProof
from coopbank.bank.books import Books
from coopbank.bank.close_proof import CloseProof
from coopbank.bank.commons_proof import BuildingProof, PairProof, dues_faults, grant_faults, land_faults, pair_faults
from coopbank.bank.confirming import campaign_faults
from coopbank.bank.document_proof import document_faults
from coopbank.bank.equity_proof import equity_faults
from coopbank.bank.group_proof import GroupProof
from coopbank.bank.groups import IN_GROUPS, Part
from coopbank.bank.lending.provision_proof import ProvisionProof, close_faults
from coopbank.bank.loss_proof import NAME as LOSSES
from coopbank.bank.loss_proof import LossProof
from coopbank.bank.mandates import takes_resolution
from coopbank.bank.operation import CATALOGUE, role_may
from coopbank.bank.operation import Operation as Offered
from coopbank.bank.operations.books import JournalEntry, owner_of
from coopbank.bank.operations.savings import PAYMENTS_POLICY, PayMember
from coopbank.bank.people_proof import PeopleProof
from coopbank.bank.personal_proof import directory_faults, encrypted_faults, personal_faults
from coopbank.bank.register_proof import RegisterProof
from coopbank.bank.replayed import Registers
from coopbank.bank.subledger_proof import (
    assets_faults,
    bills_and_gifts_faults,
    cash_faults,
    collateral_faults,
    fund_loans_faults,
    loans_faults,
    members_faults,
    notes_faults,
    petty_cash_faults,
    suspense_faults,
    unclaimed_faults,
    years_faults,
    zero_sums_faults,
)
from coopbank.bank.voting_proof import DecisionProof
from coopbank.database import Database, Transaction
from coopbank.ledger import chain
from coopbank.ledger.chart import POOL
from coopbank.ledger.columns import Run
from coopbank.ledger.log import Finding, Log, Operation, RunWatcher, Stored, Watcher
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
        Check("years", "A closed year has left no income or expense in any fund.", _ask(state, years_faults)),
        Check("signatures", "Each signature of a close is the key's own, of what the books say.",
              lambda _log, _tx: closes.at_end(), watch=closes.watch, watch_plain=closes.watch_plain),
        Check("unsigned closes", "Closes made by somebody whose passphrase opened no key.",
              lambda _log, _tx: closes.told(), informational=True),
        Check("provision", "Each provision follows from its table and the loans; the allowance is what it required.",
              watch=_watch(state, provision.watch), watch_plain=provision.watch_plain),
        Check(LOSSES, "Each loss was shared by the fund's waterfall; what came back went to the last hit first.",
              _ask(state, losses.faults), watch=_watch(state, losses.watch),
              watch_plain=_watch_plain(state, losses.watch_plain)),
        Check("transfers", "Releases, transfers between funds and memo pairs come to zero.",
              _ask(state, zero_sums_faults)),
        Check("members", "Every share, subscription and savings account is its owner's.", _ask(state, members_faults)),
        Check("loans", "What each borrower owes by contract is what the books carry.", _ask(state, loans_faults)),
        Check("notes", "What each lender is owed by the note is what the books carry.", _ask(state, notes_faults)),
        Check("fund loans", "What one fund owes another is what both of them carry.", _ask(state, fund_loans_faults)),
        Check("cash", "Closed drawers are empty, cheques on hand are the cheques listed.", _ask(state, cash_faults)),
        Check("unknown receipts", "What nobody has recognised yet is what account 872 holds.",
              _ask(state, suspense_faults)),
        Check("collateral", "What secures a loan cost no more than was paid out for it.",
              _ask(state, collateral_faults)),
        Check("bills and gifts", "Open bills are what is payable; no gift is spent beyond itself.",
              _ask(state, bills_and_gifts_faults)),
        Check(bank_proof.NAME, "The bank's lines are the postings that they are matched with; what was signed was so.",
              _ask(state, bank_lines.faults), watch=_watch(state, bank_lines.watch), needless="plain"),
        Check("bank interest", "Interest of the bank is split over the funds by their average daily claims.",
              _bank_interest),
        Check("assets", "Each asset's cost and what was written off of it are what the books carry.",
              _ask(state, assets_faults)),
        Check("equity", "Dividends, surplus and capital are divided by their rules, on the members' accounts.",
              _equity),
        Check("petty cash", "Cash, receipts and what was found short come to each float.",
              _ask(state, petty_cash_faults)),
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
              lambda log, tx: personal_faults(state, log, tx, keys)),
        Check("unclaimed", "What is set apart for the state is what account 893 holds.", _ask(state, unclaimed_faults)),
        Check("encrypted", "Taxpayer numbers are encrypted; only who has signed in can compare them.",
              lambda _log, tx: () if keys is not None else encrypted_faults(tx),
              informational=True),
        Check("groups", "What was decided for many members reached each of them once, as it was decided.",
              watch=_as_watch(carried.watch), watch_plain=carried.watch_plain),
        Check("unfinished groups", "What is still on its way to the members; the close of the day finishes it.",
              lambda _log, _tx: carried.unfinished(), informational=True),
        Check("directory", "The find box lists the members as they are.", _ask(state, directory_faults)),
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
