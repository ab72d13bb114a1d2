"""Verify, losses: each charge-off was shared as the fund's waterfall says, and what is still borne follows from it.

Told again from the sealed log. At a charge-off every absorber's reach is reckoned from the books as they stood before
it, by the version of the waterfall that was in force, and compared part by part; what moved between funds is what the
parts say. At the end, what a loan's absorbers still bear is its loss less what came back, the last hit refilled first.

A write-down is shared with nobody: nothing is owed any more that could come back, so the fund that lent bears it,
through its allowance (719), for which it provides all of it, or gives it (366).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from coopbank.bank import records
from coopbank.bank.operations.reserves import borne_by, steps_of
from coopbank.bank.replayed import Registers
from coopbank.bank.waterfall import (
    RESULTS,
    SURPLUS,
    Share,
    Sharing,
    lost,
    moves_money,
    of_key,
    refilled_in_order,
    still_borne,
)
from coopbank.database import Transaction
from coopbank.ledger.columns import Run
from coopbank.ledger.log import Finding, Log, Operation
from coopbank.money import format_amount, parse_amount

NAME: Final = "losses"
_CHARGE_OFF, _WRITE_DOWN = "charge-off", "write-down"


class _Before:
    """The books as they stood before an operation that the registers have seen already, for `Sharing`."""

    def __init__(self, state: Registers, log: Log, operation: Operation, loan: str) -> None:
        self.state, self.log, self.loan = state, log, loan
        own: dict[int, int] = defaultdict(int)
        for _id, _day, _memo, _reverses, lines in operation.entries:
            for account, amount in lines:
                own[account] += amount
        self.held = {
            (leaf.fund, leaf.gl_code, leaf.contract): state.balances.get(account, 0) - own.get(account, 0)
            for account, leaf in log.leaves.items()
            if leaf.gl_code not in ("905", "701", "781")  # many, and nothing that absorbs a loss
        }

    def balance(self, fund: str, code: str) -> int:
        gl_code, _slash, contract = code.partition("/")
        return self.held.get((fund, gl_code, contract), 0)

    def control(self, gl_code: str) -> int:
        return sum(amount for (_fund, code, _contract), amount in self.held.items() if code == gl_code)

    def result(self, fund: str) -> int:
        kinds = {code: control[0] for code, control in self.log.controls.items()}
        return -sum(
            amount
            for (of, code, _contract), amount in self.held.items()
            if of == fund and (code in RESULTS or kinds.get(code) in ("income", "expense"))
        )

    def account_fund(self, bank_account: str) -> str:
        return str(self.state.records.get((records.BankAccount.kind, bank_account), {}).get("fund", ""))

    def owed_on_notes(self, fund: str, note_class: str) -> int:
        return sum(
            int(body.get("owed_principal", 0))
            for (kind, _ref), body in self.state.records.items()
            if kind == records.Note.kind and (body["fund"], body["note_class"]) == (fund, note_class)
            if not body.get("void")
        )  # fmt: skip

    def borne(self, fund: str, absorber: str) -> int:
        return sum(
            borne_by(body.get("borne", {}), fund, absorber)
            for (kind, ref), body in self.state.records.items()
            if kind == records.Loan.kind and ref != self.loan and body.get("state") == "charged-off"
        )


class LossProof:
    """Watches waterfalls and charge-offs go by; one for each run."""

    def __init__(self) -> None:
        self.waterfalls: dict[tuple[str, int], records.LossWaterfall] = {}
        self.latest: dict[str, int] = {}  # fund: version in force

    def watch(self, state: Registers, log: Log, operation: Operation) -> None:
        """Look at an operation that the registers have seen already."""
        for row in operation.rows:
            if row[0] == "record" and row[1] == records.LossWaterfall.kind:
                self.waterfalls[row[2], row[3]] = records.LossWaterfall.model_validate(row[5])
                self.latest[row[2]] = row[3]
        if operation.kind == _WRITE_DOWN:
            for fault in _written_down(state, log, operation):
                log.add(NAME, fault, operation.number)
        if operation.kind == _CHARGE_OFF and self.latest:
            for fault in self._charged_off(state, log, operation):
                log.add(NAME, fault, operation.number)

    def watch_plain(self, state: Registers, log: Log, run: Run) -> None:
        """The same of operations that wrote no rows: a write-down that nothing tells of."""
        for operation in run.of((_WRITE_DOWN,)):
            self.watch(state, log, operation)

    def _charged_off(self, state: Registers, log: Log, operation: Operation) -> Iterator[str]:
        rows = {(row[1], row[2]): row[5] for row in operation.rows if row[0] == "record"}
        for (kind, ref), body in rows.items():
            if kind != records.Loan.kind:
                continue
            losses = {fund: lost(flows) for fund, flows in body.get("book", {}).items() if "@" not in fund}
            wanted = {fund: amount for fund, amount in losses.items() if amount and fund in self.latest}
            found = rows.get((records.LossAttribution.kind, ref))
            if found is None:
                if wanted:
                    yield f"loan {ref} was charged off, and nothing says who bears it"
                continue
            yield from self._shared(_Before(state, log, operation, ref), operation, ref, wanted, found, body)

    def _shared(
        self, before: _Before, operation: Operation, ref: str, wanted: Mapping[str, int], found: Any,
        loan: Mapping[str, Any],
    ) -> Iterator[str]:  # fmt: skip
        try:
            kept = records.LossAttribution.model_validate(found)
        except ValidationError:
            yield f"who bears loan {ref} cannot be read"
            return
        if kept.funds != wanted or kept.waterfalls != {fund: self.latest[fund] for fund in wanted}:
            yield f"loan {ref}: losses or waterfalls other than the books had are shared"
            return
        sharing = Sharing(before)
        for fund, loss in sorted(kept.funds.items()):
            provided = _provided(before.log, operation, fund)
            if kept.held.get(fund) != loss - provided:
                yield f"loan {ref}: fund {fund} had not provided {format_amount(kept.held.get(fund, 0))} for it"
            steps = steps_of(self.waterfalls[fund, kept.waterfalls[fund]])
            shares = sharing.share(fund, loss, loss - provided, steps)
            if [[s.number, s.absorber, s.amount] for s in shares] != kept.shares.get(fund):
                yield f"loan {ref}: the waterfall of fund {fund} shares its loss otherwise"
            if still_borne(loan.get("borne", {}), fund) != shares:
                yield f"loan {ref}: what is borne in fund {fund} is not what its waterfall shares"
        moved = _moved(before, loan, kept)
        for fund in before.log.funds:
            if -_lines(before.log, operation, fund, "187") != moved.get(fund, 0):
                yield f"loan {ref}: fund {fund} got or gave other money than the absorbers bear"

    def faults(self, state: Registers, _log: Log, _tx: Transaction) -> Iterator[Finding]:
        """What each loan's absorbers still bear, at the end of the log."""
        for (kind, ref), body in state.records.items():
            if kind != records.Loan.kind:
                continue
            number = state.made_by[kind, ref]
            kept = state.records.get((records.LossAttribution.kind, ref), {"void": True})
            shares = {} if kept.get("void") else kept["shares"]
            if not shares and any(of_key(text) for text in body.get("borne", {})):
                yield Finding(NAME, f"loan {ref}: a loss is borne that was never shared", number)
            for fund, of_fund in shares.items():
                still = still_borne(body.get("borne", {}), fund)
                left = lost(body.get("book", {}).get(fund, {}))
                bears = sum(share.amount for share in still)
                if bears != left:
                    yield Finding(
                        NAME,
                        f"loan {ref}: fund {fund} lost {format_amount(left)}, of which {format_amount(bears)} is borne",
                        number,
                    )
                if not refilled_in_order([Share(*each) for each in of_fund], still):
                    yield Finding(NAME, f"loan {ref}: a refill passed over an absorber of fund {fund}", number)


def _written_down(state: Registers, log: Log, operation: Operation) -> Iterator[str]:
    """What does not agree between a write-down, its event and its entry."""
    ref, gift = operation.request.get("loan"), bool(operation.request.get("gift"))
    asked = parse_amount(str(operation.request.get("principal")), state.records["institution", "book"]["currency"])
    rows = [row for row in operation.rows if row[0] == "record"]
    wanted = {"principal": asked} | ({"gift": True} if gift else {})
    # what takes principal down is split over the owners as one sum: a cent of what was given before may change hands
    parts = state.records.get((records.Loan.kind, str(ref)), {}).get("book", {}).values()
    may_shift = any(of_part.get("given") for of_part in parts)
    if [row[5].get("data") for row in rows if row[1] == records.LoanEvent.kind] != [wanted]:
        yield f"loan {ref}: what was written down is not what was decided"
    if any(row[1] == records.LossAttribution.kind for row in rows):
        yield f"loan {ref}: a write-down is shared with nobody"
    for fund in log.funds:
        gone = -sum(_lines(log, operation, fund, code) for code in ("701", "781"))
        loss = _lines(log, operation, fund, "719") + _lines(log, operation, fund, "301")
        given, provided = _lines(log, operation, fund, "366"), _provided(log, operation, fund)
        if _lines(log, operation, fund, "187"):
            yield f"loan {ref}: fund {fund} got or gave money for a write-down"
        if gift and (given != -_lines(log, operation, fund, "701") or loss or provided):
            yield f"loan {ref}: fund {fund} did not give what was written down (366)"
        if gift:
            continue
        gone -= _lines(log, operation, fund, "111") + given
        if abs(given) > may_shift or not loss == provided == gone:
            told = (format_amount(each) for each in (loss, provided, gone))
            yield "loan {}: fund {} lost {} and provided {}, not {}".format(ref, fund, *told)


def _lines(log: Log, operation: Operation, fund: str, gl_code: str) -> int:
    return sum(
        amount
        for _id, _day, _memo, _reverses, lines in operation.entries
        for account, amount in lines
        if (leaf := log.leaves.get(account)) is not None and (leaf.fund, leaf.gl_code) == (fund, gl_code)
    )


def _provided(log: Log, operation: Operation, fund: str) -> int:
    """What the charge-off itself provided."""
    return _lines(log, operation, fund, "301")


def _moved(before: _Before, loan: Mapping[str, Any], kept: records.LossAttribution) -> dict[str, int]:
    """What each fund is to get (below zero: to give), by its absorbers; a reserve named by hand included."""
    found: dict[str, int] = defaultdict(int)
    leading = max(loan["funds"], key=lambda fund: int(loan["funds"][fund]))
    for text, amount in loan.get("borne", {}).items():
        if of_key(text) is None:
            found[text] -= amount
            found[leading] += amount
    for fund, shares in kept.shares.items():
        for _number, absorber, amount in shares:
            if moves_money(absorber, fund):
                kind, _colon, of = absorber.partition(":")
                found[of if kind == SURPLUS else before.account_fund(of)] -= amount
                found[fund] += amount
    return found
