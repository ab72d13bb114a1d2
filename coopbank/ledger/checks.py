"""What each check of the books does; verify.py gathers them under their names.

A watcher sees every operation once, as its sealed text has it, with `log` holding what
the operations before it came to. A page watcher compares the rows that the tables hold
for a page of operations with the texts. The functions at the end run when the whole
log has been read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from coopbank.database import Transaction
from coopbank.ledger import beside, chain, schema
from coopbank.ledger.log import (
    COLUMNS,
    Finding,
    Log,
    Operation,
    Page,
    Stored,
    entry_lines,
    number_of,
    show,
    text_hash,
)

POOL_CONTROLS = ("731", "735", "739", "879")
ZERO = chain.ZERO_HASH.hex()
_NAMED = 20  # of a run of missing numbers, how many are named one by one

# ---------------------------------------------------------------------- chain and text


def chain_of_row(log: Log, stored: Stored) -> None:
    """Numbers follow each other, and the stored hash is that of the stored text. Sees unreadable rows too."""
    number = number_of(stored)
    last = 0 if log.last is None else number_of(log.last)
    if number is None or last is None:
        log.add("chain", f"an operation has {show(stored.id)} for a number")
    elif number != last + 1:
        for missing in range(last + 1, min(number, last + 1 + _NAMED)):
            log.add("chain", f"operation {missing} is missing", missing)
        if number <= last or number > last + 1 + _NAMED:
            log.add("chain", f"operation {number} follows number {last}", number)
    found = text_hash(stored.sealed)
    if found != stored.hash:
        log.add("chain", f"its text hashes to {chain.short(found)}, not to the hash stored with it", number)
    if number in log.known_heads:
        log.heads[number] = found.hex()


def chain_link(log: Log, operation: Operation, stored: Stored) -> None:
    """Each text names the hash of the one before it, and all are of one book."""
    if operation.book != log.book:
        log.add("chain", f"it is of book {show(operation.book)}, not {show(log.book)}", stored.id)
    if log.last is None:
        if operation.previous != ZERO:
            log.add("chain", "the first operation names a predecessor", stored.id)
    elif log.last.id == stored.id - 1 and operation.previous != _hex(log.last.hash):
        why = f"operation {stored.id} was sealed upon another text of it (hash {operation.previous[:16]})"
        log.add("chain", why, log.last.id)


def _hex(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else ""


def _unhex(text: str) -> Any:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return text


def canonical_text(log: Log, operation: Operation, stored: Stored) -> None:
    """The text is the one canonical text of what it says, so that nobody can read it differently."""
    places = operation[:-1]
    log.request = chain.canonical(operation.request)
    before, after = chain.canonical([chain.FORM, *places[:9]]), chain.canonical(places[10:])
    if f"{before[:-1]},{log.request},{after[1:]}" != operation.text:
        log.add("text", "the text is not in canonical form", stored.id)


def columns(log: Log, operation: Operation, stored: Stored) -> None:
    """The columns beside the text say what it says."""
    entries = operation.entries
    amounts = [line[1] for entry in entries for line in entry[4]]
    request = f"{chain.canonical([operation.kind, operation.kind_version])[:-1]},{log.request}]"
    wanted = (
        operation.number, operation.key, operation.kind, operation.kind_version, operation.actor, operation.approver,
        operation.business_date, operation.at, hashlib.sha256(request.encode("utf-8", "surrogatepass")).digest(),
        entries[0][0] if entries else log.next_entry, len(entries), len(amounts),
        sum(amount for amount in amounts if amount > 0), len(operation.rows), _unhex(operation.previous),
    )  # fmt: skip
    if wanted == stored[: len(wanted)]:
        return
    for name, value, found in zip(Stored._fields, wanted, stored, strict=False):
        if value != found or (value is None) != (found is None):
            log.add("columns", f"{name} is {show(found)}; the text says {show(value)}", number_of(stored))


# -------------------------------------------------------------------- rows and entries


def rows_of_page(log: Log, tx: Transaction, page: Page) -> None:
    """Chart, funds, leaves, period states and records in the tables are those of the texts, no more and no less."""
    wanted: dict[str, dict[Any, tuple[Any, ...]]] = {table: {} for table in COLUMNS}
    for number, operation in page.operations.items():
        for line, row in enumerate(operation.rows, start=1) if operation.rows else ():
            values = row[1:] if row[0] != "record" else [*row[1:-1], chain.canonical(row[-1])]
            wanted[row[0]][number, line] = tuple(values)
    where, bounds = rows_answered_for(page, "operation_id")
    for table, (names, _) in COLUMNS.items():
        found = tx.rows(f"SELECT operation_id, line, {', '.join(names)} FROM {table} WHERE {where}", *bounds)
        log.seen[table] = log.seen.get(table, 0) + len(found)
        for number, line, *values in found:
            _compare_row(log, table, number, line, wanted[table].pop((number, line), None), tuple(values))
        for (number, line), missed in wanted[table].items():
            what = f"{table} {show(missed[0])} (row {line} of the text) is missing from the table"
            log.add("rows", what, number)


def _compare_row(log: Log, table: str, number: Any, line: Any, wanted: Any, found: tuple[Any, ...]) -> None:
    if number in log.unreadable or wanted == found:
        return
    operation = number if isinstance(number, int) else None
    if wanted is None:
        what = f"{table} {show(found[0])} (row {show(line)}) is in no sealed text"
        log.add("rows", what, operation)
        return
    for name, value, other in zip(COLUMNS[table][0], wanted, found, strict=True):
        if value != other:
            what = f"{table} {show(wanted[0])}: {name} is {show(other)}; the text says {show(value)}"
            log.add("rows", what, operation)


def entries_of_page(log: Log, tx: Transaction, page: Page) -> None:
    """Entries and postings in the tables are those of the texts, no more and no less."""
    if page.proven:
        return
    entries: dict[Any, tuple[Any, ...]] = {}
    postings: dict[Any, tuple[Any, ...]] = {}
    for number, operation in page.operations.items():
        for entry, day, memo, reverses, lines in operation.entries:
            entries[entry] = (number, day, memo, reverses)
            for line, (account, amount) in enumerate(lines, start=1):
                postings[entry, line] = (number, account, amount)
    where, bounds = rows_answered_for(page, "operation_id")
    found = tx.rows(f"SELECT id, operation_id, effective_on, memo, reverses_id FROM entry WHERE {where}", *bounds)
    log.seen["entry"] = log.seen.get("entry", 0) + len(found)
    for row in found:
        _compare_entry(log, row[0], entries.pop(row[0], None), row[1:])
    for entry, wanted in entries.items():
        log.add("entries", f"entry {entry} is missing from the table", wanted[0])
    where, bounds = rows_answered_for(page, "e.operation_id")
    sql = "SELECT p.entry_id, p.line, e.operation_id, p.account_id, p.amount FROM posting p JOIN entry e"
    found = tx.rows(f"{sql} ON e.id = p.entry_id WHERE {where}", *bounds)
    log.seen["posting"] = log.seen.get("posting", 0) + len(found)
    for row in found:
        _compare_posting(log, row[:2], postings.pop(row[:2], None), row[2:])
    for (entry, line), wanted in postings.items():
        log.add("entries", f"line {line} of entry {entry} is missing from the table", wanted[0])


def _compare_entry(log: Log, entry: Any, wanted: Any, found: tuple[Any, ...]) -> None:
    if found[0] in log.unreadable or wanted == found:
        return
    if wanted is None:
        operation = found[0] if isinstance(found[0], int) else None
        log.add("entries", f"entry {show(entry)} is in no sealed text", operation)
        return
    for name, value, other in zip(("operation", "effective date", "memo", "reverses"), wanted, found, strict=True):
        if value != other:
            log.add("entries", f"entry {entry}: {name} is {show(other)}; the text says {show(value)}", wanted[0])


def _compare_posting(log: Log, place: Any, wanted: Any, found: tuple[Any, ...]) -> None:
    if found[0] in log.unreadable or wanted == found:
        return
    where = f"line {show(place[1])} of entry {show(place[0])}"
    if wanted is None:
        log.add("entries", f"{where} is in no sealed text", found[0] if isinstance(found[0], int) else None)
        return
    for name, value, other in zip(("operation", "account", "amount"), wanted, found, strict=True):
        if value != other:
            log.add("entries", f"{where}: {name} is {show(other)}; the text says {show(value)}", wanted[0])


def rows_answered_for(page: Page, column: str) -> tuple[str, tuple[int, ...]]:
    """The rows that a page answers for. The first and last pages reach as far as numbers go."""
    if page.after is None:
        return ("1 = 1", ()) if page.upto is None else (f"{column} <= ?", (page.upto,))
    if page.upto is None:
        return f"{column} > ?", (page.after,)
    return f"{column} > ? AND {column} <= ?", (page.after, page.upto)


def numbering(log: Log, operation: Operation, stored: Stored) -> None:
    """Entries are numbered without a gap; each has two lines or more, none of them zero, all of known leaves."""
    expected = log.next_entry
    for entry, _, _, _, lines in operation.entries:
        if entry != expected:
            log.add("entries", f"entry {entry} follows number {expected - 1}", stored.id)
        if len(lines) < 2:
            log.add("entries", f"entry {entry} has fewer than two lines", stored.id)
        for account, amount in lines:
            if account not in log.leaves:
                log.add("entries", f"entry {entry} names account {account}, which was never opened", stored.id)
            if amount == 0:
                log.add("entries", f"entry {entry} has a line of zero", stored.id)
        expected = entry + 1


def rows_left_over(log: Log, tx: Transaction) -> Iterator[Finding]:
    """Rows that belong to no operation at all."""
    for table in COLUMNS:
        held = tx.value(f"SELECT count(*) FROM {table}")
        if held != log.seen.get(table, 0):
            yield Finding("rows", f"{table} holds {held} rows, of which {log.seen.get(table, 0)} have a number")
    sql = "SELECT kind, ref FROM record GROUP BY kind, ref HAVING min(version) <> 1 OR max(version) <> count(*)"
    for kind, ref in tx.stream(sql):
        yield Finding("rows", f"the versions of {show(kind)} {show(ref)} do not run from 1 without a gap")


def entries_left_over(log: Log, tx: Transaction) -> Iterator[Finding]:
    """Entries without a number of an operation, and postings without an entry."""
    held = tx.value("SELECT count(*) FROM entry")
    if held != log.seen.get("entry", 0):
        yield Finding("entries", f"{held} entries, of which {log.seen.get('entry', 0)} name an operation")
    if tx.value("SELECT count(*) FROM posting") == log.seen.get("posting", 0):
        return
    orphans = "SELECT p.entry_id, p.line FROM posting p LEFT JOIN entry e ON e.id = p.entry_id WHERE e.id IS NULL"
    for entry, line in tx.stream(orphans):
        yield Finding("entries", f"line {show(line)} of entry {show(entry)} belongs to no entry")


# ------------------------------------------------------------------- rules of bookkeeping


def balanced(log: Log, operation: Operation, stored: Stored) -> None:
    """Debits equal credits in every entry, for each fund and currency."""
    leaves = log.leaves
    for entry, _, _, _, lines in operation.entries:
        sums: dict[tuple[str, str], int] = {}
        for account, amount in lines:
            leaf = leaves.get(account)
            if leaf is not None:
                at = (leaf.fund, leaf.currency)
                sums[at] = sums.get(at, 0) + amount
        for (fund, currency), total in sums.items():
            if total:
                what = f"entry {entry} is out by {total} {currency} (minor units) in fund {show(fund)}"
                log.add("balance", what, stored.id)


def meaning(log: Log, operation: Operation, stored: Stored) -> None:
    """Control accounts, funds and leaves are what they may be, and each is opened once."""
    for table, code, *values in operation.rows:
        if table == "account":
            _leaf(log, stored.id, code, values)
        elif table == "gl_account" and log.controls[code] != tuple(values[1:]):
            log.add("funds", f"control account {show(code)} is named a second time", stored.id)
        elif table == "fund":
            if log.funds[code] != values[1]:
                log.add("funds", f"fund {show(code)} is named a second time", stored.id)
            if (values[1] == "pool") != (code == "POOL"):
                log.add("funds", f"fund {show(code)} is of class {show(values[1])}", stored.id)


def _leaf(log: Log, number: int, account: int, values: list[Any]) -> None:
    gl_code, fund, _, _, kind, currency, floor, ceiling = values
    said = f"account {account} ({show(gl_code)}, fund {show(fund)})"
    if log.leaves[account][2:] != tuple(values):
        log.add("funds", f"account {account} is opened a second time", number)
    if fund not in log.funds:
        log.add("funds", f"{said} is of a fund that does not exist", number)
    if fund == "POOL" and gl_code not in POOL_CONTROLS:
        log.add("funds", f"{said}: the pool owns nothing but cash and what it owes the funds", number)
    if (currency == "MEM") != (kind == "memo"):
        log.add("funds", f"{said}: memo accounts and they alone are kept in MEM", number)
    control = log.controls.get(gl_code)
    if control is None:
        log.add("funds", f"{said} has no control account", number)
        return
    guards = {"floor": (0, None), "ceiling": (None, 0)}.get(control[2], (None, None))
    if kind != control[0] or (floor, ceiling) != guards:
        log.add("guards", f"{said} does not have its control account's kind and guard", number)


def dates(log: Log, operation: Operation, stored: Stored) -> None:
    """Dates exist, the business date never goes back, and no entry is dated after it."""
    if not is_day(operation.business_date):
        log.add("dates", f"{show(operation.business_date)} is not a date", stored.id)
        return
    if not is_instant(operation.at):
        log.add("dates", f"{show(operation.at)} is not an instant", stored.id)
    elif operation.business_date > day_after(operation.at[:10]):
        log.add("dates", f"business date {operation.business_date} lies after {operation.at}", stored.id)
    if log.last is not None and str(log.last.business_date) > operation.business_date:
        what = f"business date {operation.business_date} follows {log.last.business_date}"
        log.add("dates", what, stored.id)
    if operation.approver is not None and operation.approver in ("", operation.actor):
        log.add("dates", f"{show(operation.actor)} approved it alone", stored.id)
    for entry, day, _, _, lines in operation.entries:
        if day == operation.business_date:
            continue
        if not is_day(day):
            log.add("dates", f"entry {entry}: {show(day)} is not a date", stored.id)
        elif day > operation.business_date:
            log.add("dates", f"entry {entry} is dated {day}, after its business date", stored.id)
        elif operation.approver is None:
            log.add("dates", f"entry {entry} is dated back to {day} without a second person", stored.id)
        log.backdated.update((account, stored.id) for account, _ in lines)


@lru_cache(maxsize=4096)
def is_day(text: str) -> bool:
    """Whether it is a date of the calendar, written "2026-03-05"."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def day_after(text: str) -> str:
    """The day after an ISO date; upon the last that there is, none follows."""
    day = date.fromisoformat(text)
    return (day if day == date.max else day + timedelta(days=1)).isoformat()


def is_instant(text: str) -> bool:
    """Whether it is an instant in UTC, written "2026-03-05T15:04:05.000000Z"."""
    if len(text) != 27 or not text.isascii() or text[10] != "T" or text[19] != "." or text[26] != "Z":
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return is_day(text[:10])


def periods(log: Log, operation: Operation, stored: Stored) -> None:
    """Entries were made on an open day, and into no month or year that was locked then."""
    if not operation.entries:
        return
    state = log.states.get(operation.business_date)
    if state != "open":
        what = f"business day {operation.business_date} was {state or 'never opened'}"
        log.add("periods", what, stored.id)
    for month in {entry[1][:7] for entry in operation.entries}:
        for period in (month, month[:4]):
            if log.states.get(period) == "locked":
                log.add("periods", f"{period} was locked", stored.id)


def reversals(log: Log, operation: Operation, stored: Stored, tx: Transaction) -> None:
    """A reversal is the exact negative, line by line, of an earlier entry, once, and of no reversal."""
    for entry, _, _, reverses, lines in operation.entries:
        if reverses is None:
            continue
        if reverses in log.reversed:
            what = f"entry {entry} reverses entry {reverses} a second time, after operation {log.reversed[reverses]}"
            log.add("reversals", what, stored.id)
        log.reversed[reverses] = stored.id
        here = {e[0]: (e[3], e[4]) for e in operation.entries if e[0] < entry}
        original = here.get(reverses) or (entry_lines(log, tx, reverses) if reverses < entry else None)
        if original is None:
            log.add("reversals", f"entry {entry} reverses entry {reverses}, which is none before it", stored.id)
        elif original[0] is not None:
            log.add("reversals", f"entry {entry} reverses entry {reverses}, a reversal itself", stored.id)
        elif [[account, -amount] for account, amount in original[1]] != lines:
            log.add("reversals", f"entry {entry} is not the exact negative of entry {reverses}", stored.id)


def guards(log: Log, operation: Operation, stored: Stored) -> None:
    """After each operation no leaf stands beyond its floor or ceiling. Said when it goes there, not while it stays."""
    moved: dict[int, int] = {}
    for entry in operation.entries:
        for account, amount in entry[4]:
            moved[account] = moved.get(account, 0) + amount
    for account, change in moved.items():
        leaf = log.leaves.get(account)
        if leaf is None or (leaf.floor is None and leaf.ceiling is None):
            continue
        after = log.balance(account) + change
        if not is_beyond(after, leaf.floor, leaf.ceiling):
            log.beyond.discard(account)
        elif account not in log.beyond:
            log.beyond.add(account)
            what = f"account {account} ({leaf.gl_code}/{leaf.contract}, fund {leaf.fund}) comes to {after}"
            log.add("guards", f"{what} minor units, beyond its guard", stored.id)


def is_beyond(balance: int, floor: int | None, ceiling: int | None) -> bool:
    """Whether a balance is not within its guards."""
    return (floor is not None and balance < floor) or (ceiling is not None and balance > ceiling)


# ----------------------------------------------------------------- when all has been read


def same_schema(log: Log, tx: Transaction) -> Iterator[Finding]:
    """Tables, constraints, indexes, triggers and functions are those of the source."""
    return (Finding("schema", text) for text in schema.differences(tx))


def whole_file(log: Log, tx: Transaction) -> Iterator[Finding]:
    """SQLite's own look at every page; a server looks after its files itself.

    The other checks read tables and indexes as they come: a damaged index that they do not use would pass, and a
    report that uses it would leave out what it has lost.
    """
    if tx.dialect != "sqlite":
        return
    told = log.beside()
    for said in told.integrity if told is not None else [str(said) for (said,) in tx.rows(beside.INTEGRITY)]:
        if said != "ok":
            yield Finding("file", " ".join(said.split()))


def known_heads(log: Log, tx: Transaction) -> Iterator[Finding]:
    """Every head that was printed or kept elsewhere is still in the log."""
    last = log.last.id if log.last is not None else 0
    for number, head in sorted(log.known_heads.items()):
        found = log.heads.get(number)
        if found is None and number > last:
            yield Finding(
                "heads", f"cut tail: operation {number} was known with {head}; the log ends at {last}", number
            )
        elif found is None:
            yield Finding("heads", f"operation {number} was known with {head} and is missing", number)
        elif not found.startswith(head):
            yield Finding("heads", f"it was known with hash {head}, and is {found[:16]} now", number)


def caches(log: Log, tx: Transaction) -> Iterator[Finding]:
    """Balances, day movements and control totals are what the log comes to."""
    yield from _balance_cache(log, tx)
    yield from _control_cache(log, tx)
    yield from _day_cache(log, tx)


def _balance_cache(log: Log, tx: Transaction) -> Iterator[Finding]:
    missing = set(log.leaves)
    for account, *found in tx.stream("SELECT account_id, debit, credit, floor, ceiling FROM balance"):
        leaf = log.leaves.get(account)
        if leaf is None:
            yield Finding("caches", f"balance of account {show(account)}, which was never opened")
            continue
        missing.discard(account)
        wanted = [log.debits.get(account, 0), log.credits.get(account, 0), leaf.floor, leaf.ceiling]
        for name, value, other in zip(("debit", "credit", "floor", "ceiling"), wanted, found, strict=True):
            if value != other:
                what = f"balance of account {account}: {name} is {show(other)}; the log says {show(value)}"
                yield Finding("caches", what)
    for account in sorted(missing):
        yield Finding("caches", f"the balance of account {account} is missing")


def _control_cache(log: Log, tx: Transaction) -> Iterator[Finding]:
    wanted: dict[Any, list[int]] = {}
    for day, controls in log.days.items():
        for control, (debit, credit) in controls.items():
            wanted[day, *control] = [debit, credit]
            month = wanted.setdefault((day[:7], *control), [0, 0])
            month[0] += debit
            month[1] += credit
    for *place, debit, credit in tx.stream("SELECT span, gl_code, fund, currency, debit, credit FROM control_total"):
        said = " ".join(str(part) for part in place)
        if (sums := wanted.pop(tuple(place), None)) is None:
            yield Finding("caches", f"control total {show(said)} is of no entry in the log")
        elif sums != [debit, credit]:
            found = f"debit {show(debit)}, credit {show(credit)}"
            yield Finding("caches", f"control total {said}: {found}; the log says {sums[0]}, {sums[1]}")
    for place in wanted:
        yield Finding("caches", f"the control total {show(' '.join(place))} is missing")


def _day_cache(log: Log, tx: Transaction) -> Iterator[Finding]:
    """Against the postings, which the check `entries` proves to be the log's: there may be millions of days."""
    told = log.beside()
    if told.days_agree if told is not None else beside.days_agree(tx):
        return
    kept = "SELECT account_id, effective_on, debit, credit FROM balance_day"
    for account, day, debit, credit in tx.stream(f"{kept} EXCEPT {beside.DAYS}"):
        found = f"debit {show(debit)}, credit {show(credit)}"
        yield Finding("caches", f"day movements of account {show(account)} on {show(day)}: {found} is wrong")
    for account, day, debit, credit in tx.stream(f"{beside.DAYS} EXCEPT {kept}"):
        what = f"day movements of account {show(account)} on {show(day)}: the entries say"
        yield Finding("caches", f"{what} debit {show(debit)}, credit {show(credit)}")


def past_dips(log: Log, tx: Transaction) -> Iterator[Finding]:
    """Ends of days, by effective date, at which an entry dated back put a leaf beyond its guard."""
    for account, operation in sorted(log.backdated.items()):
        leaf = log.leaves.get(account)
        if leaf is None or (leaf.floor is None and leaf.ceiling is None):
            continue
        balance = 0
        sql = "SELECT effective_on, debit - credit FROM balance_day WHERE account_id = ? ORDER BY effective_on"
        for day, change in tx.rows(sql, account):
            balance += change
            if is_beyond(balance, leaf.floor, leaf.ceiling):
                what = f"account {account} ({leaf.gl_code}/{leaf.contract}, fund {leaf.fund})"
                yield Finding("past dips", f"{what} stands at {balance} minor units at the end of {day}", operation)
