"""Moving books to another database, of the same engine or the other.

Sealed rows are written again as they were sealed, operation by operation and in their order: the seal of the new
database proves each as if it were made there, and keeps the caches by it. So numbers, hashes and texts are the same
byte for byte, or nothing is written. What stands beside the chain (erasable values, passphrases, kept sign-ins, the
directory) is brought level afterwards.

Groups of operations are committed on their own, and each begins where the new database's chain ends: a move that was
cut off goes on by being begun again, and tills go on in the old books meanwhile.

Which database may be used is told by a mark behind the version of the schema (`Database.mark`), with a token that both
sides of one move share:

    the new one "moving" from its first moment      refused by every other command
    the old one "moved", once nothing is missing    refused from then on, by tills too that had it open before
    the new one unmarked                            in use

In this order, so that at no moment both can be written. Taken back, the new one is given another token before the old
one is unmarked, so that a move that is still under way cannot open it any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from coopbank.database import MOVED, MOVING, Database, Transaction
from coopbank.errors import AlreadyExists, BooksMoved, BooksWrong, DatabaseMissing, DatabaseReadOnly, NotABook
from coopbank.ledger import posting

OPERATIONS: Final = 500  # of a group, or as many as have this many lines and rows together
LINES: Final = 5_000
_SPAN: Final = 2_000  # operations whose erasable values are compared at a time
_PAGE: Final = 5_000
_ROUNDS: Final = 3  # of bringing level beforehand, on a book where something is done all the time

Told = Callable[[int, int], None]
"""How many operations are there, and of how many."""


class Level(NamedTuple):
    """What it took to bring level what is beside the chain."""

    rows: int
    erased: int  # values that had been copied before they were forgotten


def copy_all(old: Database, new: Database, told: Told | None = None) -> int:
    """Copy every operation that is missing, in groups; how many there were."""
    copied = 0
    while True:
        with old.read() as source, new.write() as target:
            _require_waiting(old, target)
            missing = copy_group(source, target)
            if told is not None:
                told(posting.head(target).number, posting.head(source).number)
        if not missing:
            return copied
        copied += missing


def copy_group(source: Transaction, target: Transaction) -> int:
    """Copy the next operations after those that are there; how many. Refuses where the two chains differ."""
    if target.dialect == "postgresql":
        target.run("SET LOCAL enable_seqscan = off")  # plans are made while the tables are small
    after = posting.head(target)
    require_beginning(source, target)
    operations = source.rows(
        f"SELECT {posting.COLUMNS['operation']} FROM operation WHERE id > ? ORDER BY id LIMIT ?",
        after.number, OPERATIONS,
    )  # fmt: skip
    group = _group(operations)
    with target.pipelined():
        for rows in _by_operation(source, group):
            posting.write_again(target, rows)
    return len(group)


def _group(operations: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """As many of them as are not too much for one transaction, and always the first."""
    lines = 0
    for place, operation in enumerate(operations):
        lines += operation[11] + operation[13]
        if lines > LINES and place:
            return operations[:place]
    return operations


def _by_operation(source: Transaction, group: list[tuple[Any, ...]]) -> Iterator[dict[str, list[tuple[Any, ...]]]]:
    """What each operation of a group wrote, by table."""
    if not group:
        return
    first, last = group[0][0], group[-1][0]
    found: dict[int, dict[str, list[tuple[Any, ...]]]] = defaultdict(dict)
    for table, columns in posting.COLUMNS.items():
        if table in ("operation", "posting"):
            continue
        place = columns.split(", ").index("operation_id")
        order = "id" if table == "entry" else "digest" if table == "personal" else "line"
        for row in source.rows(
            f"SELECT {columns} FROM {table} WHERE operation_id BETWEEN ? AND ? ORDER BY operation_id, {order}",
            first, last,
        ):  # fmt: skip
            found[row[place]].setdefault(table, []).append(row)
    of_entry = {row[0]: number for number, rows in found.items() for row in rows.get("entry", ())}
    lines = f"SELECT {posting.COLUMNS['posting']} FROM posting WHERE entry_id >= ? AND entry_id < ?"
    for row in source.rows(f"{lines} ORDER BY entry_id, line", group[0][9], group[-1][9] + group[-1][10]):
        found[of_entry[row[0]]].setdefault("posting", []).append(row)
    for operation in group:
        yield {**found[operation[0]], "operation": [operation]}


def require_beginning(source: Transaction, target: Transaction) -> None:
    """Refuse unless what the target holds is the beginning of what the source holds."""
    end = posting.head(target)
    if not end.number:
        return
    same = source.value("SELECT hash FROM operation WHERE id = ?", end.number)
    if same is None or bytes(same) != bytes(end.hash):
        raise AlreadyExists(
            "There are other books already, whose operation {number} is {head}; nothing was changed.", field="to",
            number=end.number, head=end.short, hint="Name a file that does not exist, or an empty database.",
        )  # fmt: skip


# --------------------------------------------------------------------------- beside the chain


def level_before(old: Database, new: Database) -> int:
    """Bring everything level while tills go on; returns the operation up to which nothing is left to compare.

    So that under the lock, when nobody can write, only what came since has to be looked at.
    """
    known = erased = 0
    for _round in range(_ROUNDS):
        with old.read() as source, new.write() as target:
            _require_waiting(old, target)
            came = 0
            while group := copy_group(source, target):
                came += group
            erased += bring_level(source, target).erased
            require_same(source, target)
            known = posting.head(source).number
        if not came:
            break
    if erased:
        new.clear_traces()
    return known


def bring_level(source: Transaction, target: Transaction, known: int = 0) -> Level:
    """Let what stands beside the chain be as it is in the source.

    Up to operation `known` it was level before. Since then personal values can only have been forgotten, which their
    number tells, and members changed only by an operation; passphrases and sign-ins change without one.
    """
    rows = erased = 0
    columns = posting.COLUMNS["personal"]
    if not known or _forgotten(source) != _forgotten(target):
        for first in range(1, posting.head(target).number + 1, _SPAN):
            sql = f"SELECT {columns} FROM personal WHERE operation_id BETWEEN ? AND ?"
            there, here = (tx.rows(sql, first, first + _SPAN - 1) for tx in (source, target))
            held = {row[0]: row for row in here}
            erased += sum(row[4] is None and row[0] in held and held[row[0]][4] is not None for row in there)
            rows += _level(target, "personal", columns, there, here)
    for table, columns in _BESIDE.items():
        if table != "directory" or posting.head(source).number != known:
            rows += _level_by_key(source, target, table, columns)
    return Level(rows, erased)


def _forgotten(tx: Transaction) -> int:
    return int(tx.value("SELECT count(*) FROM personal WHERE value IS NULL"))


_BESIDE: Final = {
    "credential": '"user", hash, failures, until',
    "session": 'token_hash, "user", expires_at',
    "directory": "member, name, folded, phone",
}


def _level_by_key(source: Transaction, target: Transaction, table: str, columns: str) -> int:
    """Page by page in the order of the key, which is compared byte by byte on both engines."""
    changed, after = 0, ""
    key = columns.split(", ")[0]
    while True:
        of_source = _bytes(source, key)
        there = source.rows(
            f"SELECT {columns} FROM {table} WHERE {of_source} > ? ORDER BY {of_source} LIMIT {_PAGE}", after
        )
        whole = len(there) == _PAGE
        until, bounds = ("", (after,)) if not whole else (f" AND {_bytes(target, key)} <= ?", (after, there[-1][0]))
        here = target.rows(f"SELECT {columns} FROM {table} WHERE {_bytes(target, key)} > ?{until}", *bounds)
        changed += _level(target, table, columns, there, here)
        if not whole:
            return changed
        after = there[-1][0]


def _bytes(tx: Transaction, key: str) -> str:
    return f'{key} COLLATE "C"' if tx.dialect == "postgresql" else key


def _level(
    target: Transaction, table: str, columns: str, there: list[tuple[Any, ...]], here: list[tuple[Any, ...]]
) -> int:
    """Write what differs; how many rows that were. The first column is the key."""
    wanted, held = {row[0]: row for row in there}, {row[0]: row for row in here}
    key, count = columns.split(", ")[0], len(columns.split(", "))
    gone = [(name,) for name in held if wanted.get(name) != held[name]]
    new = [row for name, row in wanted.items() if held.get(name) != row]
    if gone:
        target.run_many(f"DELETE FROM {table} WHERE {key} = ?", gone)
    if new:
        target.run_many(f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * count)})", new)
    return len(gone) + len(new)


# ---------------------------------------------------------------------------------- the marks


def receive(old: Database, to: str, drawn: str) -> tuple[Database, str]:
    """The database at `to`, ready to be moved into, and the token of this move.

    Books that came from there and were moved away may come back: what is there is the beginning of what comes. From
    books that were moved already nothing but the last step is left, and only into those that they were moved to.
    """
    with old.read() as source:
        moved, token = Database.mark_of(source)
        if source.dialect == "postgresql" and not source.value(
            "SELECT has_table_privilege('public.alembic_version', 'UPDATE')"
        ):
            raise DatabaseReadOnly(
                "The server's user {user} does not own the books at {place}, and cannot close them.", field="db",
                user=source.value("SELECT current_user"), place=old.shown_place,
                hint="Name in --db the user who owns them.",
            )  # fmt: skip
    new = _moved_to(old, to) if moved else Database.to_receive(to, drawn)
    with new.closed_on_failure(), old.read() as source, new.write() as target:
        what, its = Database.mark_of(target)
        if moved and (what, its) != (MOVING, token):
            raise _moved_elsewhere(old)
        require_beginning(source, target)
        if what == MOVED:
            Database.mark(target, MOVING, drawn)
            its = drawn
    return new, its


def _moved_to(old: Database, to: str) -> Database:
    """A place that books were moved to before: there is something."""
    try:
        return Database.open(to, marked=True)
    except (DatabaseMissing, NotABook):
        raise _moved_elsewhere(old) from None


def hand_over(
    old: Database, new: Database, token: str, known: int = 0, closing: Callable[[], object] | None = None
) -> Level:
    """Copy what came since, under the old books' own lock, and let the new ones be used instead of them.

    `known` is what `level_before` said; `closing` is called before the old books are marked, when no other move of them
    can win any more.
    """
    with old.write() as source:
        what, its = Database.mark_of(source)
        if what and (what, its) != (MOVED, token):
            raise _moved_elsewhere(old)
        with new.write() as target:
            _require_waiting(old, target)
            while copy_group(source, target):
                pass
            level = bring_level(source, target, known)
            require_same(source, target, known)
        if closing is not None:
            closing()
        Database.mark(source, MOVED, token)
    if level.erased:
        new.clear_traces()
    open_there(old, new, token)
    return level


def open_there(old: Database, new: Database, token: str) -> None:
    """The last step: the new books are used from now on; refused if the old ones were taken back meanwhile."""
    with new.write() as target:
        if Database.mark_of(target) not in ((MOVING, token), ("", "")):
            raise _moved_elsewhere(old)
        Database.mark(target)


def _require_waiting(old: Database, target: Transaction) -> None:
    """Refuse to write into books that are in use: somebody else who moved the same ones has finished meanwhile.

    Passphrases and sign-ins that changed there since would be again as they were in the old ones.
    """
    if Database.mark_of(target)[0]:
        return
    with old.read() as source:  # as it is by now
        old.require_unmarked(Database.revision_in(source))
    raise _moved_elsewhere(old)


def _moved_elsewhere(old: Database) -> BooksMoved:
    return BooksMoved(
        "The books at {place} were moved to another place than that; nothing was changed.", field="to",
        place=old.shown_place, hint="Name their new place with --db.",
    )  # fmt: skip


def require_same(source: Transaction, target: Transaction, known: int = 0) -> None:
    """Refuse to hand over where a head or a count of rows differs; up to operation `known` they were counted before."""
    ends = posting.head(source), posting.head(target)
    counts = [_counts(tx, known) for tx in (source, target)]
    if ends[0].number != ends[1].number or bytes(ends[0].hash) != bytes(ends[1].hash) or counts[0] != counts[1]:
        raise BooksWrong(
            "The copy is not what was copied: the chain ends at {old} there and at {new} here, or rows are missing.",
            old=f"{ends[0].number} {ends[0].short}", new=f"{ends[1].number} {ends[1].short}",
            hint="The old books stay in use. Prove them with: coopbank verify",
        )  # fmt: skip


def _counts(tx: Transaction, known: int) -> list[int]:
    """Rows of each table; of what is sealed, those of later operations than `known`."""
    entry = tx.value("SELECT first_entry FROM operation WHERE id = ?", known + 1) if known else 0
    found = []
    for table in posting.COLUMNS:
        after = {"operation": "id > ?", "posting": "entry_id >= ?"}.get(table, "operation_id > ?")
        bound = entry if table == "posting" else known
        found.append(0 if bound is None else int(tx.value(f"SELECT count(*) FROM {table} WHERE {after}", bound)))
    return found + [int(tx.value(f"SELECT count(*) FROM {table}")) for table in _BESIDE]


# --------------------------------------------------------------------------- used again at the old place


def lives_at(old: Database, new: Database) -> bool:
    """Whether `new` holds the books of `old`, in use or moved on from there."""
    return _holds(old, new) and not waits_at(old, new)


def waits_at(old: Database, new: Database) -> bool:
    """Whether `new` was never opened: it waits for the last step of the move that closed `old`."""
    with old.read() as source, new.read() as target:
        return Database.mark_of(target) == (MOVING, Database.mark_of(source)[1])


def _holds(old: Database, new: Database) -> bool:
    first = "SELECT hash FROM operation WHERE id = 1"
    with old.read() as source, new.read() as target:
        ours, its = source.value(first), target.value(first)
    return its is not None and bytes(ours) == bytes(its)


def take_back(old: Database, new: Database | None, drawn: str) -> None:
    """Use books again that were moved away: their new place is lost, or was never used.

    `new`, if it is there and waits for them, gets another token first, so that a move that is still under way cannot
    open it afterwards.
    """
    with old.read() as source:
        marked = Database.mark_of(source)
    if new is not None:
        with new.write() as target:
            if Database.mark_of(target) != (MOVING, marked[1]):
                raise _moved_elsewhere(old)
            Database.mark(target, MOVING, drawn)
    with old.write() as source:
        if Database.mark_of(source) != marked:
            raise _moved_elsewhere(old)
        Database.mark(source)
