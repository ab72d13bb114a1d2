"""Contact with members: when they last did something, who stands beside them, whether they live.

An account is dormant when its member has begun nothing on it for some months; money is unclaimed when the member
has begun nothing anywhere, and nobody had contact with them, for some years. What happens to a member does not count:
interest credited, fees, closes, reversals, corrections, balances taken over from old records.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.words import marked

BEGUN_BY_MEMBERS: Final = (
    "deposit", "withdraw", "pay-member", "open-savings", "buy-shares", "redeem-shares", "transfer-shares", "repay-loan",
    "apply-unapplied", "refund-unapplied", "disburse-loan", "file-report", "grant-loan", "refinance-loan",
)  # fmt: skip
"""Operations that somebody came to the counter for; whatever else moves an account is no sign of its member."""
CAN_BE_ASKED_BACK: Final = ("821", "823", "825", "871", "875", "901", "903", "905")
"""What a member has here: shares, savings, what was paid towards a share or ahead, and what was declared."""
SIGNERS: Final = ("joint-owner", "authorised-signer")
"""Who takes money out beside a living member."""
HEIRS: Final = ("joint-owner", "beneficiary")
"""Who is paid after a member's death."""
ROLE_WORDS: Final = {
    "joint-owner": marked("joint owner"), "authorised-signer": marked("authorised signer"),
    "beneficiary": marked("beneficiary"),
}  # fmt: skip

_MOVED: Final = (
    "(SELECT o.business_date FROM posting p CROSS JOIN entry e CROSS JOIN operation o"
    " WHERE p.account_id = a.id AND e.id = p.entry_id AND o.id = e.operation_id"
    f" AND o.kind IN ({', '.join('?' * len(BEGUN_BY_MEMBERS))}) AND o.business_date <= ?"
    " AND NOT EXISTS (SELECT 1 FROM entry r WHERE r.reverses_id = e.id)"
    " AND NOT EXISTS (SELECT 1 FROM record c WHERE c.kind || '' = 'correction' AND c.about = 'operation ' || o.id"
    " AND c.version = 1 AND NOT EXISTS (SELECT 1 FROM record v WHERE v.kind = 'correction' AND v.ref = c.ref"
    " AND v.version = 2))"  # a second version is that the correction was taken back
    " ORDER BY p.entry_id DESC LIMIT 1)"
)
# An account that was taken over, and that undone, is opened again on the same leaf: its record tells that.
_OPENED: Final = (
    "(SELECT max(o.business_date) FROM record s CROSS JOIN operation o WHERE s.kind = 'savings'"
    " AND s.ref = 'S-' || a.contract AND o.id = s.operation_id AND o.kind = 'open-savings' AND o.business_date <= ?)"
)
_LEAVES: Final = (
    "SELECT a.gl_code, a.fund, a.contract, a.holder, f.business_date, CASE WHEN EXISTS (SELECT 1 FROM entry x"
    " CROSS JOIN entry r WHERE x.operation_id = f.id AND r.reverses_id = x.id) THEN 'reverse' ELSE f.kind END, "
    + _MOVED
    + ", (SELECT coalesce(sum(d.credit - d.debit), 0) FROM balance_day d"
    f" WHERE d.account_id = a.id AND d.effective_on <= ?), CASE WHEN a.gl_code = '905' THEN {_OPENED} END"
    " FROM account a CROSS JOIN operation f WHERE f.id = a.operation_id"  # memo too: a granted loan is a sign
    " AND a.holder {which} AND f.business_date <= ? ORDER BY a.holder, a.gl_code, a.contract"
)


@dataclass(frozen=True, slots=True)
class Quiet:
    """An account of a member: what it holds, and when its member last began something on it."""

    fund: str
    gl_code: str
    contract: str
    balance: int  # minor units; what is the member's is positive
    last_activity: date

    @property
    def code(self) -> str:
        """As people write it: 905/M0007."""
        return f"{self.gl_code}/{self.contract}" if self.contract else self.gl_code


@dataclass(frozen=True, slots=True)
class Silence:
    """How long nothing was heard of a member: all accounts with something in them, and the last sign on any."""

    member: str
    accounts: tuple[Quiet, ...]
    last_contact: date
    contact: records.Contact

    @property
    def total(self) -> int:
        """All that could be asked back, in minor units."""
        return sum(account.balance for account in self.accounts)


def silences(books: Books, as_of: date, member: str | None = None) -> list[Silence]:
    """Every member who has something that can be asked back, or the one that is named, as of a day."""
    day = as_of.isoformat()
    sql = _LEAVES.format(which="IS NOT NULL" if member is None else "= ?")
    which = [] if member is None else [member]
    rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in books.tx.rows(sql, *BEGUN_BY_MEMBERS, day, day, day, *which, day):
        rows[str(row[3])].append(row)
    put_right = _put_right(books, day)
    told = {ref: body for ref, body in _contacts(books, day) if member in (None, ref)}
    return [
        _silence(holder, found, told.get(holder, records.Contact()), put_right, as_of)
        for holder, found in rows.items()
        if any(row[7] > 0 and row[0] in CAN_BE_ASKED_BACK for row in found)
    ]


def _contacts(books: Books, day: str) -> list[tuple[str, records.Contact]]:
    """What was noted of contact by the end of a day: of a past one, nothing that came later."""
    rows = books.tx.rows(
        "SELECT r.ref, r.body FROM record r WHERE r.kind = ? AND r.version ="
        " (SELECT max(l.version) FROM record l JOIN operation p ON p.id = l.operation_id"
        " WHERE l.kind = r.kind AND l.ref = r.ref AND p.business_date <= ?) ORDER BY r.ref",
        records.Contact.kind, day,
    )  # fmt: skip
    return [(ref, body) for ref, text in rows if not (body := records.Contact.read(text)).void]


def _silence(
    member: str, rows: list[tuple[Any, ...]], told: records.Contact, put_right: dict[str, str], as_of: date
) -> Silence:
    noted = told.last if told.last is not None and told.last <= as_of.isoformat() else None
    signs = [noted] if noted is not None else []
    accounts = []
    for gl_code, fund, contract, _holder, opened, opened_by, moved, balance, savings in rows:
        if gl_code == "905":
            begun = _latest(moved, put_right.get(contract), savings)
        else:
            begun = _latest(moved, opened if opened_by in BEGUN_BY_MEMBERS else None)
        signs += [begun] if begun is not None else []
        if balance > 0 and gl_code in CAN_BE_ASKED_BACK:
            since = date.fromisoformat(begun or noted or opened)
            accounts.append(Quiet(fund, gl_code, contract, int(balance), since))
    first = min(str(row[4]) for row in rows)  # balances of old records: nothing is known from before
    return Silence(member, tuple(accounts), date.fromisoformat(max(signs, default=first)), told)


def _latest(*days: str | None) -> str | None:
    return max((day for day in days if day is not None), default=None)


def _put_right(books: Books, day: str) -> dict[str, str]:
    """Savings accounts that a deposit belonged to which was typed for another; the day of the latest.

    What no member began is no sign of the right one either. A correction may itself be put right, or taken back.
    """
    # "operation 17" as a number: compared as a text, every operation there is would be looked at
    rows = books.tx.rows(
        "SELECT r.body, r.operation_id, o.id, o.kind, o.business_date FROM record r"
        " JOIN operation o ON o.id = CASE WHEN r.kind = 'correction' THEN CAST(substr(r.about, 11) AS bigint) END"
        " WHERE r.kind = 'correction' AND r.version = 1 AND o.business_date <= ? AND NOT EXISTS"
        " (SELECT 1 FROM record v WHERE v.kind = r.kind AND v.ref = r.ref AND v.version = 2) ORDER BY r.operation_id",
        day,
    )
    signs: dict[int, tuple[str, str, str]] = {}  # by correction: account, and what was corrected
    for text, made, corrected, kind, on in rows:
        before = signs.pop(int(corrected), None)
        if before is not None:
            kind, on = before[1:]
        signs[int(made)] = (records.Correction.model_validate_json(text).right_account, str(kind), str(on))
    found: dict[str, str] = {}
    for account, kind, on in signs.values():
        if kind in BEGUN_BY_MEMBERS:
            found[account] = max(on, found.get(account, ""))
    return found


def number_of(books: Books, policy: str, default: int) -> int:
    """A policy that is a whole number; books from before it have its default."""
    return int(books.policy(policy, default) or default)


# ----------------------------------------------------------------------------- who stands beside a member


def owners(books: Books, member: str) -> list[tuple[str, records.JointOwner]]:
    """Joint owners, signers and beneficiaries of a member's accounts, as they are now."""
    return [(ref, body) for ref, body in books.about(records.JointOwner, member) if body.state == "active"]


def with_owners(books: Books, members: Iterable[str]) -> set[str]:
    """These members, and those who stand on their accounts: serving one is serving the other."""
    found = set(members)
    return found | {body.person for member in found for _ref, body in owners(books, member) if body.person is not None}


def death_of(books: Books, member: str) -> records.Death | None:
    """The member's death, if it was recorded."""
    found = books.find(records.Death, member)
    return found if found is not None and found.state == "recorded" else None
