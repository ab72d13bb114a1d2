"""Bank reconciliation: the bank's statements, what of them is in the books, and what two people sign.

A statement is recorded whole: its lines lead from its opening to its closing balance, and it
begins with what the one before ended with. Its lines are matched with postings on the leaf of the account
(731/FIRST), by number and to the cent; nothing is posted by it. Only what the bank knew
first (a fee, interest) is then posted, by its own operation, and matched too. What is
left on either side is listed with its age, and the statement of reconciliation is signed by one
person and reviewed by another. There is no line for a difference that nobody can explain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.fields import (
    BankAccountRef,
    BankLineRef,
    BankStatementRef,
    Code,
    Day,
    Memo,
    PersonalMark,
    SignedMoney,
    Widget,
    clean_text,
    read_lines,
    refuse,
)
from coopbank.bank.operation import ADMINISTRATOR, SUPERVISOR, TREASURER, Operation
from coopbank.bank.operations.savings import shown
from coopbank.bank.reconciling import (
    BROUGHT_FORWARD,
    Posting,
    account_of,
    lines_of,
    posting_ref,
    standing_of,
    statements_of,
)
from coopbank.errors import AlreadyExists, InvalidAmount, InvalidDate, InvalidValue, OwnRequest, Unknown, WrongState
from coopbank.money import format_amount
from coopbank.words import _

MOST_LINES: Final = 5_000
"""Lines of one statement, since it is one operation."""
_PERSONAL: Final = ("text", "reference")
"""What the bank says of a line names people: sealed as digests."""
_LINE_TEXT: Final = re.compile(r"(\S+)\s+(\S+)(?:\s+(.+))?", re.DOTALL)


def _not_zero(amount: int) -> int:
    if not amount:
        raise refuse("A line of a statement moves something.")
    return amount


def _line_id(value: str) -> str:
    if not re.fullmatch(r"[!-~]{1,100}", value):
        raise refuse("The bank's number of a line has letters, digits and marks, and no spaces.")
    return value


def _read_line(value: Any) -> Any:
    """A line may be written as text: `2026-03-31 -12.00 monthly fee`."""
    if not isinstance(value, str):
        return value
    match = _LINE_TEXT.fullmatch(value.strip())
    if match is None:
        raise refuse("Write a line as day, amount and what the bank says: 2026-03-31 -12.00 monthly fee.")
    on, amount, text = match.groups()
    return {"on": on, "amount": amount, **({"text": text} if text else {})}


LineText = Annotated[str, BeforeValidator(clean_text), Field(min_length=1, max_length=500), PersonalMark()]


class StatementLine(BaseModel):
    """A line of a bank's statement; what came in is positive."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    on: Day
    amount: Annotated[SignedMoney, AfterValidator(_not_zero)]
    bank_id: Annotated[str | None, AfterValidator(lambda value: value and _line_id(value))] = None
    text: LineText | None = None
    reference: LineText | None = None


Lines = Annotated[
    list[Annotated[StatementLine, BeforeValidator(_read_line)]], BeforeValidator(read_lines),
    Field(max_length=MOST_LINES, title="Lines, each as day, amount and text"), Widget("lines"),
]  # fmt: skip
_Account = Annotated[BankAccountRef | None, Field(title="Bank account, if not the first")]


def _named(desk: Desk, bank_account: str | None) -> tuple[str, records.BankAccount]:
    ref = bank_account or str(desk.policy("bank_account", "FIRST"))
    return ref, account_of(desk, ref)


class RecordBankLines(Operation):
    """Record a statement of the bank with all its lines. Nothing is posted; the lines are matched afterwards."""

    name: ClassVar[str] = "record-bank-lines"
    title: ClassVar[str] = "Record a bank statement"
    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    reversible: ClassVar[bool] = False
    since: ClassVar[int] = 2

    bank_account: _Account = None
    start: Annotated[Day, Field(title="First day of the statement")]
    end: Annotated[Day, Field(title="Last day of the statement")]
    opening: Annotated[SignedMoney, Field(title="Balance at its beginning")]
    closing: Annotated[SignedMoney, Field(title="Balance at its end")]
    lines: Lines = []
    number_ends: Annotated[Code | None, Field(title="Last characters of the account's number, if it is shown")] = None

    def sealed(self, keep: Callable[[str, str], dict[str, str]]) -> dict[str, Any]:
        request = self.document()
        for line in request["lines"]:
            for name in _PERSONAL:
                if name in line:
                    line[name] = keep(f"bank_{name}", line[name])
        return request

    def perform(self, desk: Desk) -> None:
        account, _body = _named(desk, self.bank_account)
        self._require_days(desk)
        self._require_sum(desk)
        before = statements_of(desk, account)
        if before:
            self._require_following(desk, *before[-1])
        ids = self._require_new_ids(desk, account)
        ref = desk.next_ref("bank-statement", "BS-", 5)
        body = records.BankStatement(
            bank_account=account, start=self.start.isoformat(), end=self.end.isoformat(), opening=self.opening,
            closing=self.closing, lines=len(self.lines), number_ends=self.number_ends or "",
        )  # fmt: skip
        desk.write(ref, body, about=account)
        if not before and self.opening:
            first = records.BankLine(
                bank_account=account, bank_id=BROUGHT_FORWARD, on=self.start.isoformat(), amount=self.opening
            )
            desk.write(f"{ref}.0", first, about=account)
        for number, (line, bank_id) in enumerate(zip(self.lines, ids, strict=True), start=1):
            self._write(desk, f"{ref}.{number}", account, line, bank_id)
        desk.note("Statement", ref)
        desk.note("Lines", str(len(self.lines)))
        desk.note("Balance by the bank", shown(desk, self.closing))

    @staticmethod
    def _write(desk: Desk, ref: str, account: str, line: StatementLine, bank_id: str) -> None:
        said = {
            name: desk.keep(f"bank_{name}", value) for name in _PERSONAL if (value := getattr(line, name)) is not None
        }
        body = records.BankLine(
            bank_account=account, bank_id=bank_id, on=line.on.isoformat(), amount=line.amount,
            text=said.get("text"), reference=said.get("reference"),
        )  # fmt: skip
        desk.write(ref, body, about=account)

    def _require_days(self, desk: Desk) -> None:
        if self.end > desk.business_day:
            raise InvalidDate("{day} lies in the future.", field="end", day=self.end)
        if self.start > self.end:
            raise InvalidDate(
                "The statement begins on {start} and ends on {end}.", field="start", start=self.start, end=self.end
            )
        for number, line in enumerate(self.lines):
            if not self.start <= line.on <= self.end:
                raise InvalidDate(
                    "{day} is outside of the statement, which goes from {start} to {end}.", field=f"lines.{number}.on",
                    day=line.on, start=self.start, end=self.end,
                )  # fmt: skip

    def _require_sum(self, desk: Desk) -> None:
        comes_to = self.opening + sum(line.amount for line in self.lines)
        if comes_to != self.closing:
            raise InvalidAmount(
                "The opening balance and the lines come to {comes_to}, and the closing balance is {closing}.",
                field="closing", comes_to=shown(desk, comes_to), closing=shown(desk, self.closing),
                hint="A line is missing, stands there twice, or has another amount.",
            )  # fmt: skip

    def _require_following(self, desk: Desk, ref: str, last: records.BankStatement) -> None:
        """Refuse days that were told already, a balance that does not follow, and the file of another account."""
        if self.start.isoformat() <= last.end:
            raise AlreadyExists(
                "Statement {statement} tells of the days up to {end} already.", field="start", statement=ref,
                end=last.end, hint="Begin with the day after it.",
            )  # fmt: skip
        if self.opening != last.closing:
            raise InvalidAmount(
                "Statement {statement} ended with {closing}, and this one begins with {opening}.", field="opening",
                statement=ref, closing=shown(desk, last.closing), opening=shown(desk, self.opening),
                hint="Record what lies between them first.",
            )  # fmt: skip
        if self.number_ends and last.number_ends and self.number_ends != last.number_ends:
            raise InvalidValue(
                "This is a statement of an account whose number ends with {given}; {statement} is of one with {known}.",
                field="number_ends", given=self.number_ends, statement=ref, known=last.number_ends,
            )  # fmt: skip

    def _require_new_ids(self, desk: Desk, account: str) -> list[str]:
        """The bank's numbers of the lines, or what stands for them; refuses one that is known."""
        known = {line.bank_id: ref for ref, line in lines_of(desk, account).items()}
        for number, bank_id in enumerate(found := list(_ids(self.lines, desk.currency))):
            if bank_id in known:
                raise AlreadyExists(
                    "Line {bank_id} of the bank is recorded already: {line}.", field=f"lines.{number}.bank_id",
                    bank_id=bank_id, line=known[bank_id],
                )  # fmt: skip
            known[bank_id] = _("line {number} of this statement").format(number=number + 1)
        return found


def _ids(lines: Sequence[StatementLine], currency: str) -> Iterator[str]:
    """The bank's number of each line; without one, its day, its amount, and which of these it is."""
    seen: dict[tuple[date, int], int] = {}
    for line in lines:
        if line.bank_id is not None:
            yield line.bank_id
            continue
        same = seen[line.on, line.amount] = seen.get((line.on, line.amount), 0) + 1
        yield f"{line.on}/{format_amount(line.amount, currency)}/{same}"


class WithdrawBankLines(Operation):
    """Withdraw the last statement of a bank account, if it was recorded wrongly and nothing rests on it."""

    name: ClassVar[str] = "withdraw-bank-lines"
    title: ClassVar[str] = "Withdraw a bank statement"
    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    reversible: ClassVar[bool] = False
    since: ClassVar[int] = 2

    statement: BankStatementRef
    why: Annotated[Memo, Field(min_length=1, title="Why")]

    def perform(self, desk: Desk) -> None:
        found = desk.get(records.BankStatement, self.statement, "statement")
        last = statements_of(desk, found.bank_account)[-1][0]
        if last != self.statement:
            raise WrongState(
                "Statement {last} follows it.", field="statement", last=last, hint="Withdraw the last one first."
            )
        lines = {
            ref: line
            for ref, line in lines_of(desk, found.bank_account).items()
            if ref.rpartition(".")[0] == self.statement
        }
        for ref, line in lines.items():
            if line.match is not None:
                raise WrongState(
                    "Line {line} is matched by {match}.", field="statement", line=ref, match=line.match,
                    hint="Take the match back first (unmatch-bank-line).",
                )  # fmt: skip
        _require_unsigned(desk, found.bank_account, found.start, "statement")
        for ref, line in lines.items():
            desk.write(ref, line.model_copy(update={"void": True}), about=found.bank_account)
        desk.write(
            self.statement, found.model_copy(update={"void": True, "why": self.why}), about=found.bank_account
        )  # fmt: skip
        desk.note("Withdrawn", self.statement)


class MatchBankLine(Operation):
    """Say which postings of a bank account the lines of its statement are. Both sides come to the same sum.

    Lines that cancel each other (an error of the bank, put right) need no entry, and entries that do need no line.
    """

    name: ClassVar[str] = "match-bank-line"
    title: ClassVar[str] = "Match a bank line"
    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    reversible: ClassVar[bool] = False
    since: ClassVar[int] = 2

    lines: Annotated[list[BankLineRef], Field(max_length=500, title="Lines of the bank (BS-00001.3)"),
                     Widget("ref:bank-line")] = []  # fmt: skip
    entries: Annotated[list[Code], Field(max_length=5_000, title="Entries, or lines of them (17, 18.2)"),
                       Widget("text")] = []  # fmt: skip
    bank_account: _Account = None

    def perform(self, desk: Desk) -> None:
        lines = self._lines(desk)
        account, body = _named(desk, next((line.bank_account for line in lines.values()), self.bank_account))
        postings = self._postings(desk, account, body.fund)
        if len(lines) + len(postings) < 2:
            raise InvalidValue(
                "Nothing is matched with nothing: name a line and its entries.", field="entries" if lines else "lines"
            )
        by_bank, by_books = (sum(each.amount for each in side) for side in (lines.values(), postings))
        if by_bank != by_books:
            raise InvalidAmount(
                "By the bank it is {by_bank}, by the books {by_books}.", field="entries" if lines else "lines",
                by_bank=shown(desk, by_bank), by_books=shown(desk, by_books),
            )  # fmt: skip
        ref = desk.next_ref("bank-match", "BM-", 5)
        match = records.BankMatch(
            bank_account=account, lines=list(lines), postings=[[each.entry, each.line] for each in postings],
            amount=by_bank,
        )  # fmt: skip
        desk.write(ref, match, about=account)
        _mark(desk, match, lines, ref)
        desk.note("Match", ref)
        desk.note("Amount", shown(desk, by_bank))

    def _lines(self, desk: Desk) -> dict[str, records.BankLine]:
        found: dict[str, records.BankLine] = {}
        for ref in self.lines:
            line = desk.get(records.BankLine, ref, "lines")
            if ref in found:
                raise InvalidValue("{ref} is named twice.", field="lines", ref=ref)
            if line.match is not None:
                raise WrongState(
                    "Line {line} is matched by {match} already.", field="lines", line=ref, match=line.match
                )  # fmt: skip
            account = next(iter(found.values()), line).bank_account
            if line.bank_account != account or line.bank_account != (self.bank_account or account):
                raise InvalidValue(
                    "Line {line} is of bank account {account}.", field="lines", line=ref, account=line.bank_account,
                    hint="A match is of one account.",
                )  # fmt: skip
            found[ref] = line
        return found

    def _postings(self, desk: Desk, account: str, fund: str) -> list[Posting]:
        found: dict[str, Posting] = {}
        for text in self.entries:
            for posting in _postings(desk, account, fund, text):
                if posting.ref in found:
                    raise InvalidValue("{ref} is named twice.", field="entries", ref=posting.ref)
                mark = desk.find(records.BankMark, posting.ref)
                if mark is not None and mark.match is not None:
                    raise WrongState(
                        "Line {line} of the books is matched by {match} already.", field="entries", line=posting.ref,
                        match=mark.match,
                    )  # fmt: skip
                found[posting.ref] = posting
        return list(found.values())


def _postings(desk: Desk, account: str, fund: str, text: str) -> list[Posting]:
    """What an entry, or one line of it, moves on the account."""
    entry, line = posting_ref(text, "entries")
    rows = desk.tx.rows(
        "SELECT p.entry_id, p.line, e.effective_on, p.amount, e.operation_id FROM posting p"
        " JOIN entry e ON e.id = p.entry_id JOIN account a ON a.id = p.account_id"
        " WHERE p.entry_id = ? AND a.gl_code = '731' AND a.contract = ? AND a.fund = ? ORDER BY p.line",
        entry, account, fund,
    )  # fmt: skip
    found = [Posting(*row) for row in rows if line is None or row[1] == line]
    if not found:
        raise Unknown(
            "{entry} moves nothing on bank account {account}.", field="entries", entry=text, account=account,
            hint="See what is open with: coopbank reconciliation",
        )  # fmt: skip
    return found


def _mark(desk: Desk, match: records.BankMatch, lines: dict[str, records.BankLine], ref: str | None) -> None:
    """Write on each line and posting of a match that it is part of it, or of none any more."""
    for number, line in lines.items():
        desk.write(number, line.model_copy(update={"match": ref}), about=match.bank_account)
    for entry, line_number in match.postings:
        desk.write(f"{entry}.{line_number}", records.BankMark(match=ref), about=match.bank_account)


class UnmatchBankLine(Operation):
    """Take a match back that was wrong: its lines and postings are open again."""

    name: ClassVar[str] = "unmatch-bank-line"
    title: ClassVar[str] = "Take a match back"
    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    reversible: ClassVar[bool] = False
    since: ClassVar[int] = 2

    match: Annotated[Code, Field(title="Match, or one of its lines (BM-00001, BS-00001.3)")]
    why: Annotated[Memo, Field(min_length=1, title="Why")]

    def perform(self, desk: Desk) -> None:
        ref = self._ref(desk)
        match = desk.get(records.BankMatch, ref, "match")
        if match.state != "matched":
            raise WrongState("Match {match} was taken back already.", field="match", match=ref)
        lines = {number: desk.get(records.BankLine, number, "match") for number in match.lines}
        _require_unsigned(desk, match.bank_account, self._settled_on(desk, match, lines), "match")
        desk.write(ref, match.model_copy(update={"state": "undone", "why": self.why}), about=match.bank_account)
        _mark(desk, match, lines, None)
        desk.note("Taken back", ref)

    def _ref(self, desk: Desk) -> str:
        if self.match.startswith("BM-"):
            return self.match
        line = desk.get(records.BankLine, self.match, "match")
        if line.match is None:
            raise WrongState("Line {line} is not matched.", field="match", line=self.match)
        return line.match

    @staticmethod
    def _settled_on(desk: Desk, match: records.BankMatch, lines: dict[str, records.BankLine]) -> str:
        """The day from which the match counts: the last of its lines and entries."""
        days = [line.on for line in lines.values()]
        for entry in {entry for entry, _line in match.postings}:
            days.append(str(desk.tx.value("SELECT effective_on FROM entry WHERE id = ?", entry)))
        return max(days)


def _require_unsigned(desk: Desk, account: str, since: str, field: str) -> None:
    """Refuse what would change a statement of reconciliation that somebody signed."""
    for _ref, body in desk.about(records.Reconciliation, account):
        if body.state != "reopened" and body.on >= since:
            raise WrongState(
                "The reconciliation of {account} on {on}, which was signed, rests on it.", field=field, account=account,
                on=body.on, hint="Reopen that reconciliation first (reopen-reconciliation).",
            )  # fmt: skip


# ------------------------------------------------------------------------------------ signing


class _OfDay(Operation):
    """Common to what is done with the reconciliation of an account on a day."""

    subject: ClassVar[str] = "cash"
    reversible: ClassVar[bool] = False
    since: ClassVar[int] = 2

    bank_account: _Account = None
    on: Annotated[Day, Field(title="At the end of the day")]

    def _found(self, desk: Desk) -> tuple[str, records.Reconciliation]:
        account, _body = _named(desk, self.bank_account)
        ref = f"{account}/{self.on}"
        return ref, desk.get(records.Reconciliation, ref, "on")


class SignReconciliation(_OfDay):
    """Sign what the bank says and what the books say at the end of a day, and all that lies between.

    The balance is read off the bank's own paper. The difference must be nothing.
    """

    name: ClassVar[str] = "sign-reconciliation"
    title: ClassVar[str] = "Sign a bank reconciliation"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)

    balance: Annotated[SignedMoney, Field(title="Balance by the bank's paper on that day")]

    def perform(self, desk: Desk) -> None:
        account, _body = _named(desk, self.bank_account)
        ref = f"{account}/{self.on}"
        found = standing_of(desk, account, self.on)
        signed = desk.find(records.Reconciliation, ref)
        if signed is not None and signed.state != "reopened":
            raise AlreadyExists(
                "The reconciliation of {account} on {on} is signed already, by {user}.", field="on", account=account,
                on=self.on, user=signed.prepared_by,
            )  # fmt: skip
        explained = self.balance + found.in_transit - found.outstanding - found.unrecognised
        if explained != found.by_books:
            raise InvalidAmount(
                "With what is open, {balance} comes to {explained}, and the books say {by_books}: {difference} is not"
                " explained.", field="balance", balance=shown(desk, self.balance), explained=shown(desk, explained),
                by_books=shown(desk, found.by_books), difference=shown(desk, abs(explained - found.by_books)),
                hint="By the recorded statements the bank's balance is {by_bank}.", by_bank=shown(desk, found.by_bank),
            )  # fmt: skip
        desk.write(ref, found.body(desk.number - 1, desk.actor.user, desk.business_day.isoformat()), about=account)
        desk.note("Balance by the bank", shown(desk, found.by_bank))
        desk.note("Deposits in transit", shown(desk, found.in_transit))
        desk.note("Outstanding payments", shown(desk, found.outstanding))
        desk.note("Not yet in the books", shown(desk, found.unrecognised))
        desk.note("Balance by the books", shown(desk, found.by_books))


class ReviewReconciliation(_OfDay):
    """Review a bank reconciliation that somebody else signed, and sign it too."""

    name: ClassVar[str] = "review-reconciliation"
    title: ClassVar[str] = "Review a bank reconciliation"
    roles: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR, SUPERVISOR)

    def perform(self, desk: Desk) -> None:
        ref, signed = self._found(desk)
        if signed.state != "signed":
            raise WrongState(
                "The reconciliation of {account} on {on} is {state}.", field="on", account=signed.bank_account,
                on=self.on, state=_(signed.state),
            )  # fmt: skip
        if signed.prepared_by == desk.actor.user:
            raise OwnRequest(
                "Nobody reviews what they signed themselves.", field="on", hint="Ask a colleague to review it."
            )
        now = standing_of(desk, signed.bank_account, self.on).body(signed.as_of, signed.prepared_by, signed.prepared_on)
        if now != signed:
            raise WrongState(
                "What it says of {on} has changed since it was signed.", field="on", on=self.on,
                hint="Reopen it (reopen-reconciliation), and let it be signed anew.",
            )  # fmt: skip
        reviewed = {"state": "reviewed", "reviewed_by": desk.actor.user, "reviewed_on": desk.business_day.isoformat()}
        desk.write(ref, signed.model_copy(update=reviewed), about=signed.bank_account)
        desk.note("Signed by", signed.prepared_by)
        desk.note("Balance by the books", shown(desk, signed.by_books))


class ReopenReconciliation(_OfDay):
    """Reopen a bank reconciliation that was signed, to put something right. Say why."""

    name: ClassVar[str] = "reopen-reconciliation"
    title: ClassVar[str] = "Reopen a bank reconciliation"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)

    why: Annotated[Memo, Field(min_length=1, title="Why")]

    def second_reason(self, desk: Desk) -> str | None:
        _ref, signed = self._found(desk)
        return "What two people signed is reopened by two people." if signed.state == "reviewed" else None

    def perform(self, desk: Desk) -> None:
        ref, signed = self._found(desk)
        if signed.state == "reopened":
            raise WrongState(
                "The reconciliation of {account} on {on} is {state}.", field="on", account=signed.bank_account,
                on=self.on, state=_(signed.state),
            )  # fmt: skip
        after = signed.model_copy(update={"state": "reopened", "why": self.why})
        desk.write(ref, after, about=signed.bank_account)
        desk.note("Reopened", f"{signed.bank_account} {self.on}")
