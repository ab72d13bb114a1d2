"""Forgetting a member who has left: every value that tells who they were is erased, and the chain stays whole.

Sealed texts hold salted digests of such values; salt and value stand in the table `personal`. Forgetting sets both to
NULL, in every version and in every request that was ever made about the member, takes them off the find box, and seals
which digests it erased, so that `verify` tells it from a value that somebody else took away. What was moved and when
stays. A request that was refused or taken back keeps what was typed of people, members or not, until it is forgotten by
itself (forget-request), or with the member whom it was for. What is outside of the books is not reached: papers,
exports, backups.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated, Any, ClassVar

from pydantic import Field

from coopbank.bank import groups, records
from coopbank.bank.books import Books, loads
from coopbank.bank.contact import number_of
from coopbank.bank.desk import Desk, fold
from coopbank.bank.fields import MemberRef, RequestRef
from coopbank.bank.operation import ADMINISTRATOR, TREASURER, Operation
from coopbank.database import Transaction
from coopbank.errors import WrongState
from coopbank.finance.periods import add_months
from coopbank.words import _, marked

_MEMBERS_OWN = ("member", "contact", "death")
_NAMES_SHOWN = 6  # operations that a receipt names


class ForgetMember(Operation):
    """Erase all that tells who a member was who has left. It takes two people, and nothing brings it back."""

    name: ClassVar[str] = "forget-member"
    title: ClassVar[str] = "Forget a member"
    subject: ClassVar[str] = "members"
    roles: ClassVar[tuple[str, ...]] = (ADMINISTRATOR,)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False
    erases: ClassVar[bool] = True

    member: MemberRef
    before_time: Annotated[bool, Field(title="Before the years of retention are over")] = False

    def perform(self, desk: Desk) -> None:
        body = desk.get(records.Member, self.member, "member")
        left = _left_on(desk, self.member, body)
        self._require_kept_long_enough(desk, left)
        own = own_refs(desk, self.member)
        _require_nothing_open(desk, self.member)
        groups.require_nothing_coming(desk, self.member)
        digests = sorted({*digests_about(desk, self.member, own), *_digests_of_registers(desk, self.member, own)})
        day = desk.business_day.isoformat()
        desk.write(self.member, body.model_copy(update={"forgotten_on": day}))
        desk.write(
            self.member,
            records.Forgotten(on=day, left_on=left.isoformat(), before_time=self.before_time, digests=digests),
        )
        self._tell(desk, body, own, digests)
        desk.after.append(lambda tx: erase(tx, self.member, digests))

    def _require_kept_long_enough(self, desk: Desk, left: date) -> None:
        kept_until = add_months(left, 12 * number_of(desk, "retention_years", 5))
        if desk.business_day < kept_until and not self.before_time:
            raise WrongState(
                "{member} left on {left}; what is known of them is kept until {kept_until}.", field="member",
                member=self.member, left=left, kept_until=kept_until,
                hint="If the law lets it go earlier, two people may say so (before_time).",
            )  # fmt: skip

    def _tell(self, desk: Desk, body: records.Member, own: frozenset[str], digests: list[str]) -> None:
        """What is erased, and what the program cannot reach."""
        desk.note("Values that are erased", str(len(digests)))
        for pattern in papers(own):
            desk.note("Papers that stay with the bank", pattern)
        name = desk.personal(body.name)
        for label, found in (
            (marked("The name stands in other values too"), _other_values(desk, name, set(digests))),
            (marked("The name stands in sealed texts, which nobody can erase"), _sealed_texts(desk, name)),
        ):
            if found:
                named = ", ".join(str(number) for number in found[:_NAMES_SHOWN])
                more = _(" and {count} more").format(count=len(found) - _NAMES_SHOWN)
                desk.note(label, _("operation {numbers}").format(
                    numbers=named + (more if len(found) > _NAMES_SHOWN else "")
                ))  # fmt: skip


class ForgetRequest(Operation):
    """Erase what a request that was refused or taken back says of people. That it was asked and refused stays."""

    name: ClassVar[str] = "forget-request"
    title: ClassVar[str] = "Forget a refused request"
    subject: ClassVar[str] = "staff"
    roles: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False
    erases: ClassVar[bool] = True

    request: RequestRef
    before_time: Annotated[bool, Field(title="Before the years of retention are over")] = False

    def serves(self, desk: Desk) -> set[str]:
        found = desk.find(records.Request, self.request)
        return set() if found is None else {value for value in found.payload.values() if isinstance(value, str)}

    def perform(self, desk: Desk) -> None:
        asked = desk.get(records.Request, self.request, "request")
        if asked.state not in ("refused", "withdrawn"):
            raise WrongState(
                "Request {request} is {state}.", field="request", request=self.request, state=_(asked.state),
                hint="What was refused or taken back can be forgotten; what came of others is forgotten with it.",
            )  # fmt: skip
        gone = desk.find(records.Forgotten, self.request)
        if gone is not None:
            raise WrongState("{case} was forgotten on {day}.", field="request", case=self.request, day=gone.on)
        digests = sorted(set(_digests(asked.payload)))
        if not digests:
            raise WrongState("Request {request} names nobody.", field="request", request=self.request)
        decided = self._decided_on(desk)
        kept_until = add_months(decided, 12 * number_of(desk, "retention_years", 5))
        if desk.business_day < kept_until and not self.before_time:
            raise WrongState(
                "What is known of {case} is kept until {kept_until}.", field="request", case=self.request,
                kept_until=kept_until, hint="If the law lets it go earlier, two people may say so (before_time).",
            )  # fmt: skip
        body = records.Forgotten(
            on=desk.business_day.isoformat(), left_on=decided.isoformat(), before_time=self.before_time, digests=digests
        )
        desk.write(self.request, body)
        desk.note("Values that are erased", str(len(digests)))
        desk.after.append(lambda tx: erase(tx, self.request, digests))

    def _decided_on(self, desk: Desk) -> date:
        day = desk.tx.value(
            "SELECT max(o.business_date) FROM record r JOIN operation o ON o.id = r.operation_id"
            " WHERE r.kind = ? AND r.ref = ?",
            records.Request.kind, self.request,
        )  # fmt: skip
        return date.fromisoformat(day)


# ------------------------------------------------------------------------------------- may they be?


def _left_on(desk: Desk, member: str, body: records.Member) -> date:
    """The day on which the member left; refuses one who has not, or who is forgotten already."""
    if body.forgotten_on is not None:
        raise WrongState("{member} was forgotten on {day}.", field="member", member=member, day=body.forgotten_on)
    if body.status != "left":
        raise WrongState(
            "{member} has not left.", field="member", member=member,
            hint="Pay out what they have, and note that they left (change-member).",
        )  # fmt: skip
    left = ""
    for text, day in desk.tx.rows(
        "SELECT r.body, o.business_date FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.kind = 'member' AND r.ref = ? ORDER BY r.version",
        member,
    ):
        gone = records.Member.model_validate_json(text).status == "left"
        left = (left or str(day)) if gone else ""
    return date.fromisoformat(left)


def _require_nothing_open(desk: Desk, member: str) -> None:
    """Refuse while anything about the member goes on."""
    going_on = [leaf.code for leaf in desk.held_by(member) if leaf.balance]
    going_on += [ref for ref, loan in desk.about(records.Loan, member) if loan.state not in ("paid", "cancelled")]
    going_on += [ref for ref, asked in desk.about(records.Application, member) if asked.state == "open"]
    going_on += [ref for ref, note in desk.every(records.Note) if note.member == member and note.state == "active"]
    going_on += [user for user, body in desk.about(records.User, member) if body.active]
    going_on += [
        ref for ref, ask in desk.about(records.Request, "waiting")
        if member in ask.payload.values() and ask.operation != ForgetMember.name
    ]  # fmt: skip
    going_on += [ref for ref, ask in aid_asked_for(desk, member) if ask.state == "waiting"]
    going_on += [
        ref for ref, body in desk.every(records.JointOwner) if body.person == member and body.state == "active"
    ]
    if going_on:
        raise WrongState(
            "Something of {member} still goes on: {what}.", field="member", member=member,
            what=", ".join(going_on[:_NAMES_SHOWN]), hint="Settle, decide or remove it first.",
        )  # fmt: skip


# --------------------------------------------------------------------------------------- what is theirs


def own_refs(books: Books, member: str) -> frozenset[str]:
    """The member's number, and those of their loans, applications, notes, accounts and people on their accounts."""
    found = {member}
    for kind in (records.Loan, records.Application, records.Savings, records.JointOwner):
        found |= {ref for ref, _body in books.about(kind, member)}
    found |= {ref for ref, note in books.every(records.Note) if note.member == member}
    return frozenset(found)


def digests_about(books: Books, member: str, own: frozenset[str]) -> Iterator[str]:
    """The digest of every personal value that is kept about the member, of all versions and all requests."""
    touched = _operations_on(books.tx, member)
    for text in _bodies(books.tx, member, own, touched):
        yield from _digests(loads(text))
    for text in _bodies_at_the_bank(books.tx, member, own):
        yield from _digests(loads(text))
    yield from _digests_of_requests(books.tx, own)


def _operations_on(tx: Transaction, member: str) -> list[str]:
    """Operations that moved an account of the member, as receipts of them are numbered."""
    rows = tx.rows(
        "SELECT DISTINCT e.operation_id FROM account a JOIN posting p ON p.account_id = a.id"
        " JOIN entry e ON e.id = p.entry_id WHERE a.holder = ?",
        member,
    )
    return [str(number) for (number,) in rows]


def _bodies(tx: Transaction, member: str, own: frozenset[str], touched: list[str]) -> Iterator[str]:
    """Every version of the records of the member, about them and about what is theirs."""
    for kind in _MEMBERS_OWN:
        yield from (text for (text,) in tx.rows("SELECT body FROM record WHERE kind = ? AND ref = ?", kind, member))
    for ref in own:
        yield from (text for (text,) in tx.rows("SELECT body FROM record WHERE about = ?", ref))
    for (text,) in tx.rows("SELECT body FROM record WHERE kind = ?", records.Note.kind):
        if loads(text).get("member") in own:
            yield text
    for number in touched:  # their receipts
        for (text,) in tx.rows("SELECT body FROM record WHERE about = ? AND kind || '' = 'document'", number):
            yield text


def _bodies_at_the_bank(tx: Transaction, member: str, own: frozenset[str]) -> Iterator[str]:
    """What the bank's statements say of money that was theirs."""
    marks = tx.rows(
        "SELECT DISTINCT m.body FROM account a JOIN posting p ON p.account_id = a.id"
        " JOIN posting b ON b.entry_id = p.entry_id JOIN account c ON c.id = b.account_id AND c.gl_code = '731'"
        " JOIN record m ON m.kind = 'bank-mark' AND m.ref = b.entry_id || '.' || b.line WHERE a.holder = ?",
        member,
    )
    for match in {loads(text).get("match") for (text,) in marks} - {None}:
        for (text,) in tx.rows("SELECT body FROM record WHERE kind = 'bank-match' AND ref = ?", match):
            for line in loads(text).get("lines", ()):
                yield from (
                    body for (body,) in tx.rows("SELECT body FROM record WHERE kind = 'bank-line' AND ref = ?", line)
                )
    for (text,) in tx.rows("SELECT sealed FROM operation WHERE kind = 'clear-suspense'"):
        request = loads(text)[10]
        if {request.get("member"), request.get("loan")} & own:
            yield from (
                body
                for (body,) in tx.rows(
                    "SELECT body FROM record WHERE kind = 'suspense' AND ref = ?", request["suspense"]
                )
            )


def _digests_of_requests(tx: Transaction, own: frozenset[str]) -> Iterator[str]:
    """What was asked for about the member, also by requests that waited for a second person."""
    quoted = [f'"{ref}"' for ref in own]
    for _number, text in tx.stream(
        "SELECT DISTINCT o.id, o.sealed FROM personal p JOIN operation o ON o.id = p.operation_id"
        " WHERE p.salt IS NOT NULL AND o.kind <> 'record-documents'"
    ):
        if not any(ref in text for ref in quoted):
            continue
        request = loads(text)[10]
        if isinstance(request, dict) and isinstance(request.get("payload"), dict):
            request = request["payload"]
        if isinstance(request, dict) and any(isinstance(value, str) and value in own for value in request.values()):
            yield from _digests(request)


def _digests(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _digests(each)
    elif isinstance(value, dict):
        if set(value) == {"#"}:
            yield value["#"]
        else:
            yield from _digests(list(value.values()))


def _digests_of_registers(desk: Desk, member: str, own: frozenset[str]) -> Iterator[str]:
    """What registers say of the member, and the solidarity fund's cases as far as they can be read."""
    from coopbank.bank.operations.solidarity import cases_of_member

    for case in cases_of_member(desk, member):
        yield from digests_written_with(desk, records.AidCase.kind, case)
    for _ref, asked in aid_asked_for(desk, member):
        yield from _digests(asked.payload)
    for ref in sorted(own):
        rows = desk.tx.rows(
            "SELECT DISTINCT ref FROM record WHERE about = ? AND kind || '' = ?", ref, records.RegisterEntry.kind
        )
        for (entry,) in rows:
            yield from digests_written_with(desk, records.RegisterEntry.kind, entry)


def aid_asked_for(books: Books, member: str) -> Iterator[tuple[str, records.Request]]:
    """Requests for aid to a member, whatever came of them, as far as they can be read: their number is kept apart."""
    for ref, asked in books.every(records.Request):
        known = asked.payload.get("recipient_member")
        if isinstance(known, dict) and books.personal(known) == member:
            yield ref, asked


def digests_written_with(books: Books, kind: str, ref: str) -> list[str]:
    """Every personal value of the operations that wrote a record, and of the requests that these came from."""
    wrote = books.tx.rows(
        "SELECT DISTINCT o.id, o.key FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.kind = ? AND r.ref = ?",
        kind, ref,
    )  # fmt: skip
    found: list[str] = []
    for number, key in wrote:
        asked = books.tx.value(
            "SELECT operation_id FROM record WHERE kind = 'request' AND ref = ? AND version = 1",
            str(key).removeprefix("approved:"),
        )
        for each in filter(None, (number, asked)):
            found += [digest for (digest,) in books.tx.rows("SELECT digest FROM personal WHERE operation_id = ?", each)]
    return found


# --------------------------------------------------------------------------------------------- erasing


def erase(tx: Transaction, member: str, digests: Iterable[str]) -> None:
    """Take salt and value away, and the member off the find box."""
    tx.run_many("UPDATE personal SET salt = NULL, value = NULL WHERE digest = ?", [(each,) for each in digests])
    tx.run("DELETE FROM directory WHERE member = ?", member)


def papers(own: Iterable[str]) -> list[str]:
    """Where papers about them lie, which the bank keeps or destroys itself."""
    return [f"statements/*/{ref}-*.pdf" for ref in sorted(own) if not ref.startswith(("S-", "J-"))]


def _other_values(books: Books, name: str, erased: set[str]) -> list[int]:
    """Operations that kept a value about somebody else in which the name stands."""
    wanted = fold(name)
    found = {
        int(number)
        for number, digest, value in books.tx.stream(
            "SELECT operation_id, digest, value FROM personal WHERE value IS NOT NULL"
        )
        if digest not in erased and wanted in fold(value)
    }
    return sorted(found)


def _sealed_texts(books: Books, name: str) -> list[int]:
    """Operations whose sealed text says the name: a memo, a purpose."""
    wanted = fold(name)
    like = "LIKE" if books.tx.dialect == "sqlite" else "ILIKE"
    word = max(wanted.split(), key=len, default=wanted)  # the engine looks for a word, we for the name
    plain = word if word.isascii() and word.isalnum() else ""
    return [
        int(number)
        for number, text in books.tx.stream(
            f"SELECT id, sealed FROM operation WHERE sealed {like} ? ORDER BY id", f"%{plain}%"
        )
        if wanted in fold(text)
    ]


def faults(state_records: dict[tuple[str, str], dict[str, Any]], tx: Transaction) -> Iterator[tuple[int, str]]:
    """What verify says of values that are gone, and of values that should be."""
    forgotten = {
        digest: ref
        for (kind, ref), body in state_records.items()
        if kind == records.Forgotten.kind
        for digest in body.get("digests", ())
    }
    for digest, number, field in tx.stream(
        "SELECT digest, operation_id, field FROM personal WHERE value IS NULL ORDER BY operation_id"
    ):
        if digest not in forgotten:
            yield int(number), f"the {field} that was sealed is gone, and no operation forgot it"
    for digest, member in forgotten.items():
        row = tx.row("SELECT operation_id, field FROM personal WHERE digest = ? AND value IS NOT NULL", digest)
        if row is not None:
            yield int(row[0]), f"the {row[1]} of {member}, who was forgotten, is still there"
