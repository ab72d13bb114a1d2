"""What the screens ask the books, answered as frozen values.

Every function runs in a worker's thread inside one consistent view. None reads a whole
table that can grow: lists are read by key, a page at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from coopbank.bank import access, records
from coopbank.bank.backups import LastBackup, last_backup
from coopbank.bank.books import Books
from coopbank.bank.contact import ROLE_WORDS, owners, with_owners
from coopbank.bank.desk import fold
from coopbank.bank.operation import CATALOGUE
from coopbank.ledger import chain, periods
from coopbank.ledger.chart import MEMO_CURRENCY, POOL
from coopbank.money import format_amount
from coopbank.reports.card import CardLoan, CardSavings, MemberCard, member_card
from coopbank.reports.find import FoundMember, find_members
from coopbank.reports.loan_lines import Piece, changes, pieces
from coopbank.reports.member_equity import member_equity
from coopbank.reports.movements import MemberLeaf, Movement, is_of_loan, loans_of, member_leaves, movements_of
from coopbank.reports.register import OperationStory, field_title, title_of
from coopbank.reports.wording import Wording
from coopbank.tui.choices import codes_of
from coopbank.tui.equity import card_lines
from coopbank.tui.forms import FieldSpec, fields_of
from coopbank.words import _, translate

if TYPE_CHECKING:
    from coopbank.bank.operation import Operation, Receipt
    from coopbank.tui.session import Session

HITS = 20
RECENT = 40
PAGE = 200

# ------------------------------------------------------------------------- where the bank stands


@dataclass(frozen=True, slots=True)
class DrawerState:
    """A cash drawer, and what it should hold."""

    ref: str
    owner: str | None
    state: str
    holds: int
    cheques: int
    closed_on: date | None = None  # the business day on which it was closed last, if it is closed


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the bank stands now: the day, the drawers, what waits."""

    today: date  # by the clock
    business_date: date | None
    day_open: bool
    today_closed: bool  # the day of the clock is over: it is not opened again
    mine: DrawerState | None
    drawers: tuple[DrawerState, ...]
    waiting: int
    entries_today: int
    cash_in: int  # through the actor's drawer today
    cash_out: int
    vault: int
    cheques: int  # on hand, not yet taken to the bank
    unknown: int  # receipts that nobody recognised yet
    head_number: int
    head_hash: str
    backup: LastBackup | None = None  # None: books for practice need none
    told: tuple[str, ...] = ()  # what colleagues did to the actor's sign-in
    lack_codes: tuple[str, ...] = ()  # users who should sign in with one-time codes, and do not


class Seen(NamedTuple):
    """What every screen shows or offers, whoever stands before it."""

    standing: Standing
    shelves: dict[str, tuple[Reference, ...]]


def seen(session: Session) -> Seen:
    """All of it at once."""
    return Seen(standing(session), shelves(session))


def shelves(session: Session) -> dict[str, tuple[Reference, ...]]:
    """What fields may name, where there are few."""
    return {kind: references(session, kind, "") for kind in ("share-class", "bank-account", "fund", "drawer")}


def standing(session: Session) -> Standing:
    """Where the bank stands now."""
    with session.bank.read() as books:
        tx = books.tx
        day = periods.business_date(tx)
        is_open = periods.open_day(tx) is not None
        drawers = tuple(_drawer(books, ref, drawer) for ref, drawer in books.every(records.Drawer))
        mine = next((d for d in drawers if d.state == "open" and d.owner == session.actor.user), None)
        number, hash_ = tx.row("SELECT id, hash FROM operation ORDER BY id DESC LIMIT 1") or (0, b"")
        came, went = _through(books, mine, day)
        return Standing(
            today=session.bank.clock.today(), business_date=day, day_open=is_open,
            today_closed=periods.state(tx, session.bank.clock.today().isoformat()) == periods.CLOSED,
            mine=mine, drawers=drawers,
            waiting=len(books.about(records.Request, "waiting")),
            entries_today=_entries_on(books, day), cash_in=came, cash_out=went,
            vault=books.balance(POOL, "739/VAULT"), cheques=sum(leaf.balance for leaf in books.leaves("735", POOL)),
            unknown=len(books.about(records.Suspense, "open")), head_number=int(number),
            head_hash=bytes(hash_).hex()[:16], backup=backup_of(session, books),
            told=access.told(books, session.actor.user), lack_codes=access.codes_of(books).lacking,
        )  # fmt: skip


def backup_of(session: Session, books: Books) -> LastBackup | None:
    """When the last good backup was made; books for practice need none."""
    if session.practice:
        return None
    return last_backup(session.place, books, session.bank.book, session.bank.clock.today())


def _drawer(books: Books, ref: str, drawer: records.Drawer) -> DrawerState:
    closed = None
    if drawer.state != "open":
        closed = books.tx.value(
            "SELECT o.business_date FROM record r JOIN operation o ON o.id = r.operation_id"
            " WHERE r.kind = ? AND r.ref = ? ORDER BY r.version DESC LIMIT 1",
            records.Drawer.kind, ref,
        )  # fmt: skip
    return DrawerState(
        ref, drawer.owner, drawer.state, books.balance(POOL, f"739/{ref}"), books.balance(POOL, f"735/{ref}"),
        None if closed is None else date.fromisoformat(closed),
    )  # fmt: skip


def _entries_on(books: Books, day: date | None) -> int:
    if day is None:
        return 0
    return int(books.tx.value("SELECT count(*) FROM entry WHERE effective_on = ?", day.isoformat()))


def _through(books: Books, mine: DrawerState | None, day: date | None) -> tuple[int, int]:
    if mine is None or day is None:
        return 0, 0
    row = books.tx.row(
        "SELECT d.debit, d.credit FROM balance_day d JOIN account a ON a.id = d.account_id"
        " WHERE a.fund = ? AND a.gl_code = '739' AND a.contract = ? AND d.effective_on = ?",
        POOL, mine.ref, day.isoformat(),
    )  # fmt: skip
    return (int(row[0]), int(row[1])) if row else (0, 0)


def head_number(session: Session) -> int:
    """The number of the last operation, to notice what another terminal did."""
    with session.bank.database.read() as tx:
        return int(tx.value("SELECT max(id) FROM operation") or 0)


# ------------------------------------------------------------------------------- finding members


def find(session: Session, text: str) -> tuple[FoundMember, ...]:
    """Members by name, number, telephone, loan or receipt; the likeliest first."""
    with session.bank.read() as books:
        return find_members(books, text, HITS)


# ------------------------------------------------------------------------------------ the member


@dataclass(frozen=True, slots=True)
class Activity:
    """A line of the passbook: what one entry did to one of the member's accounts."""

    entry: int
    day: str
    what: str
    account: str
    out: int  # paid out to them, charged to them
    came: int  # brought in by them
    balance: int  # theirs +, owed by them -
    reversed_by: int | None


@dataclass(frozen=True, slots=True)
class Card:
    """Everything the member card shows: the report that every door has, and the counter's passbook."""

    report: MemberCard
    activity: tuple[Activity, ...]
    own: bool  # the actor's own account: nobody serves it
    equity: tuple[tuple[str, str], ...] = ()  # what they own besides shares, and what waits to be paid to them

    @property
    def member(self) -> str:
        """The member's number."""
        return self.report.member

    @property
    def name(self) -> str:
        """The member's name."""
        return self.report.name

    @property
    def savings(self) -> tuple[CardSavings, ...]:
        """The savings accounts that are open."""
        return tuple(line for line in self.report.savings if line.state == "open")

    @property
    def loans(self) -> tuple[CardLoan, ...]:
        """The loans that are granted or owed."""
        return self.report.loans

    def same_as(self, other: Card) -> bool:
        """Whether nothing of this member is different, whatever else happened in the books."""
        return self == replace(other, report=replace(other.report, source=self.report.source))


def card(session: Session, member: str) -> Card:
    """A member's shares, savings, loans and recent activity."""
    with session.bank.read() as books:
        report = member_card(books, member)
        return Card(
            report, _activity(books, member), own=session.actor.member in with_owners(books, [member]),
            equity=tuple(card_lines(member_equity(books, member), session.currency)),
        )  # fmt: skip


#: The accounts of a passbook beside loans, which are told by their contract.
_PASSBOOK = ("901", "903", "905", "875", "871", "791")


@dataclass(slots=True)
class _Moved:
    """What an entry did to one account of a member; `words` where they are known already."""

    account: str
    gl_code: str
    entry: int
    out: int
    came: int
    after: int
    words: str = ""


def _activity(books: Books, member: str) -> tuple[Activity, ...]:
    """The newest lines of all their accounts, each account read backwards from its balance now."""
    leaves = books.tx.rows(
        "SELECT a.id, a.gl_code, a.contract, b.debit - b.credit FROM account a JOIN balance b ON b.account_id = a.id"
        " WHERE a.holder = ? AND a.currency <> ? ORDER BY a.id",
        member, MEMO_CURRENCY,
    )  # fmt: skip
    accounts: dict[tuple[str, str], list[tuple[int, str, int]]] = {}
    for leaf, gl_code, contract, balance in leaves:
        if gl_code in _PASSBOOK and not is_of_loan(gl_code, contract):
            accounts.setdefault((gl_code, contract), []).append((leaf, gl_code, int(balance)))
    moved = [each for (gl, of), parts in accounts.items() for each in _passbook(books, _short_account(gl, of), parts)]
    moved += _loan_passbooks(books, member)
    moved.sort(key=lambda each: each.entry, reverse=True)
    return _told(books, moved[:RECENT])


def _loan_passbooks(books: Books, member: str) -> list[_Moved]:
    """What each entry did to each loan by its contract: what only moves between the books' accounts is no line."""
    loans = loans_of(books, member)
    leaves = [leaf for leaf in member_leaves(books, member, loans) if leaf.of_loan] if loans else []
    moves = movements_of(books.tx, leaves, date.min, date.max)
    acts = {(move.operation, move.kind) for found in moves.values() for move in found}
    acts |= {(move.corrects, move.corrects_kind) for found in moves.values() for move in found
             if move.corrects is not None and move.corrects_kind is not None}  # fmt: skip
    wording = Wording(books, books.institution().institution_kind, acts)
    return [line for ref, loan in loans.items() for line in _loan_passbook(books, ref, loan, leaves, moves, wording)]


def _loan_passbook(
    books: Books, ref: str, loan: records.Loan, leaves: Iterable[MemberLeaf], moves: dict[int, list[Movement]],
    wording: Wording,
) -> Iterable[_Moved]:  # fmt: skip
    own = [move for leaf in leaves if leaf.contract == ref for move in moves[leaf.id]]
    by_entry: dict[int, list[Piece]] = {}
    for piece in pieces(own, changes(books, ref), wording, cost=loan.repayment == "revenue"):
        by_entry.setdefault(piece.move.entry, []).append(piece)
    after = 0
    for entry in sorted(by_entry):
        found = by_entry[entry]
        amounts = [amount for piece in found for amount in (piece.added, -piece.paid)]
        out, came = sum(max(0, each) for each in amounts), -sum(min(0, each) for each in amounts)
        after += out - came
        yield _Moved(ref, "701", entry, out, came, -after, found[-1].words)


def _short_account(gl_code: str, contract: str) -> str:
    """The account in a word: it stands on every line of the passbook."""
    _member, _hyphen, copy = contract.partition("-")
    return {
        "901": _("Shares"), "903": _("Investment"), "875": _("Part share"), "871": _("Ahead"), "791": _("Returned"),
        "905": f"{_('Savings')} {copy}".strip(),
    }.get(gl_code, contract)  # fmt: skip


def _passbook(books: Books, account: str, leaves: list[tuple[int, str, int]]) -> Iterable[_Moved]:
    """The newest lines of one account, its leaves taken together, entry by entry."""
    by_entry: dict[int, list[tuple[str, int]]] = {}
    for leaf, gl_code, _balance in leaves:
        for entry, amount in books.tx.rows(
            "SELECT entry_id, amount FROM posting WHERE account_id = ? ORDER BY entry_id DESC, line DESC LIMIT ?",
            leaf, 2 * RECENT,
        ):  # fmt: skip
            by_entry.setdefault(entry, []).append((gl_code, int(amount)))
    after = sum(balance for _leaf, _gl_code, balance in leaves)
    for entry in sorted(by_entry, reverse=True)[:RECENT]:
        lines = by_entry[entry]
        out = sum(amount for _code, amount in lines if amount > 0)
        came = -sum(amount for _code, amount in lines if amount < 0)
        yield _Moved(account, min(code for code, _amount in lines), entry, out, came, -after)
        after -= out - came


def _told(books: Books, moved: list[_Moved]) -> tuple[Activity, ...]:
    """The lines in words."""
    if not moved:
        return ()
    entries = sorted({each.entry for each in moved})
    about = {
        row[0]: row[1:]
        for row in books.tx.rows(
            "SELECT e.id, e.effective_on, o.id, o.kind, undone.id, old.id, old.kind FROM entry e"
            " JOIN operation o ON o.id = e.operation_id LEFT JOIN entry undone ON undone.reverses_id = e.id"
            " LEFT JOIN entry was ON was.id = e.reverses_id LEFT JOIN operation old ON old.id = was.operation_id"
            f" WHERE e.id IN ({', '.join('?' * len(entries))})",
            *entries,
        )
    }
    acts = {(row[1], row[2]) for row in about.values()}
    acts |= {(row[4], row[5]) for row in about.values() if row[4] is not None}
    wording = Wording(books, books.institution().institution_kind, acts)
    lines = []
    for each in moved:
        day, operation, _kind, undone, corrects, _old = about[each.entry]
        up = (each.out > each.came) == (each.gl_code == "791")  # a debt grows by what goes out
        what = each.words or wording.words(
            operation, each.gl_code, up=up, on=date.fromisoformat(day), corrects=corrects
        )
        lines.append(Activity(each.entry, day, what, each.account, each.out, each.came, each.after, undone))
    return tuple(lines)


def account_words(gl_code: str, contract: str) -> str:
    """What a person calls a leaf: Savings, Shares, Loan L-010, Drawer D1."""
    bare = contract.partition(".")[0]
    named = {
        "739": _("Vault") if contract == "VAULT" else f"{_('Drawer')} {contract}",
        "735": f"{_('Cheques')} {contract}",
        "731": f"{_('Bank')} {contract}",
        **({code: f"{_('Asset')} {contract}" for code in ("751", "771", "772")} if contract else {}),
        **({code: f"{_('Written off')} {contract}" for code in ("759", "779")} if contract else {}),
        "701": f"{_('Loan')} {contract}",
        "781": f"{_('Interest of')} {contract}",
        "811": f"{_('Note')} {contract}",
        "851": f"{_('Interest on')} {contract}",
        "791": f"{_('Returned items')} {contract}",
        "871": f"{_('Unapplied money')} {contract}",
        "901": f"{_('Membership shares')} {bare}",
        "903": f"{_('Investment shares')} {bare}",
        "905": f"{_('Savings')} {contract}",
        "875": f"{_('Towards a share')} {bare}",
    }
    return named.get(gl_code, "")


# ----------------------------------------------------------------------------------- the journal


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One entry in the journal's list."""

    number: int
    day: str
    memo: str
    amount: int
    actor: str
    kind: str
    reverses: int | None
    reversed_by: int | None


def journal_size(session: Session) -> int:
    """How many entries there are: their numbers are gapless from 1."""
    with session.bank.database.read() as tx:
        return int(tx.value("SELECT max(id) FROM entry") or 0)


def journal_page(session: Session, newest: int, count: int) -> tuple[JournalRow, ...]:
    """Entries from that number downwards: read by key, never by offset.

    The amount of an entry is the money that came or went; if none did, what was moved.
    """
    with session.bank.database.read() as tx:
        rows = tx.rows(
            "SELECT e.id, e.effective_on, e.memo, o.actor, o.kind, e.reverses_id, r.id,"
            " (SELECT coalesce("
            "   nullif(abs(sum(CASE WHEN a.gl_code IN ('731', '735', '739') THEN p.amount ELSE 0 END)), 0),"
            "   nullif(sum(CASE WHEN p.amount > 0 AND a.gl_code NOT IN ('729', '879') THEN p.amount ELSE 0 END), 0),"
            "   sum(CASE WHEN p.amount > 0 THEN p.amount ELSE 0 END))"
            "  FROM posting p JOIN account a ON a.id = p.account_id WHERE p.entry_id = e.id AND a.currency <> ?)"
            " FROM entry e JOIN operation o ON o.id = e.operation_id LEFT JOIN entry r ON r.reverses_id = e.id"
            " WHERE e.id <= ? AND e.id > ? ORDER BY e.id DESC",
            MEMO_CURRENCY, newest, newest - count,
        )  # fmt: skip
    return tuple(
        JournalRow(number, day, memo, int(amount or 0), actor, title_of(kind), reverses, undone)
        for number, day, memo, actor, kind, reverses, undone, amount in rows
    )


def entry_of_day(session: Session, day: date) -> int | None:
    """The newest entry dated on that day or before it."""
    with session.bank.database.read() as tx:
        found = tx.value(
            "SELECT id FROM entry WHERE effective_on <= ? ORDER BY effective_on DESC, id DESC LIMIT 1", day.isoformat()
        )
        return None if found is None else int(found)


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A posting of an entry."""

    fund: str
    code: str
    name: str
    words: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry with everything behind it, down to the chain."""

    number: int
    memo: str
    effective_on: str
    lines: tuple[EntryLine, ...]
    reverses: int | None
    reversed_by: int | None
    operation: int
    kind: str
    title: str
    actor: str
    approver: str | None
    at: str
    business_date: str
    hash: str
    prev_hash: str
    siblings: tuple[int, ...]
    reversible: bool


def entry_view(session: Session, number: int) -> EntryView | None:
    """An entry down to its operation, its people and its place in the chain."""
    with session.bank.database.read() as tx:
        row = tx.row(
            "SELECT e.memo, e.effective_on, e.reverses_id, r.id, o.id, o.kind, o.actor, o.approver, o.at,"
            " o.business_date, o.hash, o.prev_hash, o.first_entry, o.entry_count FROM entry e"
            " JOIN operation o ON o.id = e.operation_id LEFT JOIN entry r ON r.reverses_id = e.id WHERE e.id = ?",
            number,
        )
        if row is None:
            return None
        memo, day, reverses, undone, operation, kind, actor, approver, at, business, hash_, prev, first, count = row
        lines = tx.rows(
            "SELECT a.fund, a.gl_code, a.contract, g.name, p.amount, a.currency FROM posting p"
            " JOIN account a ON a.id = p.account_id JOIN gl_account g ON g.code = a.gl_code"
            " WHERE p.entry_id = ? ORDER BY p.line",
            number,
        )
    cls = CATALOGUE.get(kind)
    return EntryView(
        number, memo, day,
        tuple(
            EntryLine(fund, f"{gl}/{contract}" if contract else gl, translate(name), account_words(gl, contract),
                      amount, unit)
            for fund, gl, contract, name, amount, unit in lines
        ),
        reverses, undone, operation, kind, title_of(kind), actor, approver, at, business,
        chain.short(hash_), chain.short(prev), tuple(n for n in range(first, first + count) if n != number),
        cls is None or cls.reversible,
    )  # fmt: skip


# --------------------------------------------------------------------- requests for a second person


@dataclass(frozen=True, slots=True)
class Waiting:
    """An operation that waits for a second person."""

    ref: str
    operation: str
    title: str
    whom: str
    asked_by: str
    asked_on: str
    reason: str
    payload: tuple[tuple[str, str], ...]


def waiting(session: Session) -> tuple[Waiting, ...]:
    """Every request that still waits, the oldest first."""
    with session.bank.read() as books:
        return tuple(_request(books, ref, request) for ref, request in sorted(books.about(records.Request, "waiting")))


def _request(books: Books, ref: str, request: records.Request) -> Waiting:
    cls = CATALOGUE.get(request.operation)
    values = books.resolve(request.payload)
    whom = values.get("member")
    specs = fields_of(cls, "USD") if cls else ()
    shown = [
        (spec.label, answered(spec, values[spec.name])) for spec in specs if values.get(spec.name) not in (None, "")
    ]
    title = translate(cls.title) if cls else request.operation
    return Waiting(
        ref, request.operation, title, f"{books.member_name(whom)} · {whom}" if isinstance(whom, str) else "",
        request.asked_by, request.asked_on, request.reason, tuple(shown),
    )  # fmt: skip


def answered(spec: FieldSpec, value: Any) -> str:
    """What was filled in, in the words of the form."""
    known = codes_of(spec.ref)
    if known is not None and spec.many and isinstance(value, list):
        return ", ".join(known.get(str(code), shown_value(code)) for code in value)
    if known is not None and isinstance(value, str) and value in known:
        return f"{value} {known[value]}"
    return next((shown for choice, shown in spec.choices if choice == value), shown_value(value))


def told_fields(story: OperationStory) -> list[tuple[str, str]]:
    """What was asked for, in the words of the form it was filled in on."""
    cls = CATALOGUE.get(story.kind)
    specs = {field_title(cls, spec.name): spec for spec in fields_of(cls, "USD")} if cls is not None else {}
    return [
        (label, answered(specs[label], value) if label in specs else shown_value(value))
        for label, value in story.fields
    ]


def shown_value(value: Any) -> str:
    """A value of a request as people read it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(shown_value(item) for item in value)
    if isinstance(value, dict):
        return " ".join(str(item) for item in value.values())
    return str(value)


def approval(session: Session, ref: str) -> tuple[Operation, Receipt]:
    """The approval of a request, and a preview of what it would let happen, as the one who asked would do it."""
    with session.bank.read() as books:
        request = books.get(records.Request, ref, "request")
        asker = books.actor_now(request.asked_by)
        values = books.resolve(request.payload)
    approve = session.bank.build("approve", {"request": ref})
    session.bank.preview(session.actor, approve)
    shown = session.bank.preview(asker, session.bank.build(request.operation, values))
    return approve, replace(shown, reason=None)


# ------------------------------------------------------------------------ what a field may refer to


@dataclass(frozen=True, slots=True)
class Reference:
    """Something that a field can name: its number, and what it is."""

    ref: str
    label: str


_KINDS: dict[str, type[records.Body]] = {cls.kind: cls for cls in records.Body.__subclasses__()}
MOST_REFERENCES = 500


def references(session: Session, kind: str, text: str, member: str | None = None) -> tuple[Reference, ...]:
    """What a field of that kind may name: those of the member first, if one is being served."""
    known = codes_of(kind)
    if known is not None:
        found = [Reference(code, said) for code, said in known.items()]
        return tuple(r for r in found if fold(text.strip()) in fold(f"{r.ref} {r.label}"))
    with session.bank.read() as books:
        if kind == "member":
            return tuple(Reference(hit.member, hit.name) for hit in find_members(books, text, HITS))
        found = list(_nameable(books, kind, member))
    wanted = fold(text.strip())
    return tuple(r for r in found if wanted in fold(f"{r.ref} {r.label}"))[:MOST_REFERENCES]


def _nameable(books: Books, kind: str, member: str | None) -> Iterator[Reference]:
    """All of a kind that an operation can be about now, of the member who is served alone if that makes sense."""
    if kind == "fund":
        rows = books.tx.rows("SELECT code, name FROM fund WHERE class <> 'pool' ORDER BY code")
        yield from (Reference(code, translate(name)) for code, name in rows)
    elif kind == records.BankLine.kind:
        money = books.institution().currency
        for ref, line in books.every(records.BankLine):
            if line.match is None:
                said = f"{line.on} · {format_amount(line.amount, money)} · {books.personal(line.text)}"
                yield Reference(ref, said)
    elif kind == records.Cheque.kind:  # those that wait to be taken to the bank, then the newest: those come back
        newest = reversed(books.every(records.Cheque))
        waiting_first = sorted(newest, key=lambda cheque: cheque[1].state != "on-hand")
        yield from (Reference(ref, _cheque(books, cheque)) for ref, cheque in waiting_first)
    else:
        yield from (Reference(ref, _described(books, body)) for ref, body in _bodies(books, kind, member))


def _bodies(books: Books, kind: str, member: str | None) -> Iterable[tuple[str, records.Body]]:
    if kind == records.Loan.kind and member is not None:
        return [(ref, loan) for ref, loan in books.about(records.Loan, member) if loan.state != "paid"]
    if kind == records.JointOwner.kind and member is not None:
        return owners(books, member)
    if kind == records.Request.kind:
        return books.about(records.Request, "waiting")
    return books.every(_KINDS[kind]) if kind in _KINDS else ()


def _cheque(books: Books, cheque: records.Cheque) -> str:
    money = books.institution().currency
    who = (books.member_name(cheque.member),) if cheque.member else ()
    return " · ".join((format_amount(cheque.amount, money), cheque.number, translate(cheque.state), *who))


def _described(books: Books, body: records.Body) -> str:
    """A record in a few words."""
    if isinstance(body, records.Loan):
        return f"{books.member_name(body.member)} · {body.purpose}"
    if isinstance(body, records.Request):
        return f"{body.operation} · {body.asked_by}"
    if isinstance(body, records.JointOwner):
        name = books.personal(body.name) if body.person is None else books.member_name(body.person)
        return f"{name} · {_(ROLE_WORDS[body.role])} · {body.member}"
    if isinstance(body, records.Drawer):
        return body.owner or translate(body.state)
    if isinstance(body, records.ShareClass):
        return translate(body.name)
    for name in ("full_name", "lender", "donor", "supplier", "name", "holder", "number", "aid_kind", "state"):
        value = getattr(body, name, None)
        if value:
            return books.personal(value) if isinstance(value, dict) else str(value)
    return ""
