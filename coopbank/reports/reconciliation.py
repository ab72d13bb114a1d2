"""Bank reconciliation: the statement of a day, what is open on both sides with its age, and what may belong together.

A suggestion is never more than that: a person matches (match-bank-line). Lines and postings are
suggested to each other by amount and date, at most five days apart, and by reference (the number of a cheque, of
a loan or of a member that stands on both sides), which may be as far apart as a cheque is slow. All
postings of one day may together be one line, as a deposit is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from coopbank.bank import records
from coopbank.bank.books import Books, loads
from coopbank.bank.reconciling import (
    BROUGHT_FORWARD,
    Posting,
    account_of,
    lines_of,
    matches_of,
    postings_of,
    require_told,
    standing,
    statements_of,
    undone,
)
from coopbank.reports.document import Minor, Source, source

NEAR: Final = 5
"""Days by which a line and a posting of the same amount may be apart."""
_MOST: Final = 3  # suggestions for a line
_TOKEN: Final = re.compile(r"[A-Z0-9]+(?:-[A-Z0-9]+)*")
_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}(?:-[0-9]{2}){0,2}")
_NUMBERS: Final = ("cheque_number", "number", "slip", "bill", "note", "loan", "gift")  # of a request, on papers


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Postings that may be a line of the bank, and by what: amount, date, reference."""

    entries: tuple[str, ...]  # as match-bank-line takes them
    days: int  # apart
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenPosting:
    """A posting that the bank's statements did not show by that day."""

    ref: str
    entry: int
    on: date
    amount: Minor
    memo: str
    days: int  # old
    match: str | None  # the match that it has become part of since


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A line of the bank that the books did not have by that day."""

    ref: str
    on: date
    amount: Minor
    text: str
    reference: str
    days: int  # old
    match: str | None
    suggestions: tuple[Suggestion, ...]  # the best first


@dataclass(frozen=True, slots=True)
class Signed:
    """Who signed, and whether the books and the bank's statements still say the same of that day."""

    state: str
    prepared_by: str
    prepared_on: str
    reviewed_by: str | None
    reviewed_on: str | None
    as_of: int  # the operation up to which the books had been read
    agrees: bool


@dataclass(frozen=True, slots=True)
class ReconciliationReport:
    """by_bank + in_transit - outstanding - unrecognised = by_books; `difference` is what is left, 0 if all is well."""

    source: Source
    bank_account: str
    name: str
    as_of: date
    statement: str  # the bank's statement that tells of that day
    by_bank: Minor
    in_transit: Minor
    outstanding: Minor
    unrecognised: Minor
    by_books: Minor
    difference: Minor
    transit: tuple[OpenPosting, ...]
    payments: tuple[OpenPosting, ...]
    lines: tuple[OpenLine, ...]
    signed: Signed | None


def reconciliation(books: Books, bank_account: str | None = None, as_of: date | None = None) -> ReconciliationReport:
    """Where an account stands at the end of a day; of the last statement's last day if none is given."""
    ref = bank_account or str(books.policy("bank_account", "FIRST"))
    account, statements = account_of(books, ref), statements_of(books, ref)
    day = as_of or (date.fromisoformat(statements[-1][1].end) if statements else date.min)
    require_told(statements, ref, day, "as_of")
    lines, postings = lines_of(books, ref), postings_of(books, ref, account.fund)
    matches = matches_of(books, ref)
    found = standing(ref, day.isoformat(), lines, postings, matches.values())
    taken = {(entry, line): name for name, match in matches.items() for entry, line in match.postings}
    marked = {f"{entry}.{line}": name for (entry, line), name in taken.items()}
    settled = {*taken, *undone(postings, postings, set(taken))}
    free = [each for key, each in postings.items() if key not in settled]
    open_ = [OpenPosting(each.ref, each.entry, date.fromisoformat(each.on), each.amount, each.memo,
                         (day - date.fromisoformat(each.on)).days, marked.get(each.ref))
             for each in found.open_postings]  # fmt: skip
    return ReconciliationReport(
        source=source(books), bank_account=ref, name=account.name, as_of=day,
        statement=next(name for name, body in reversed(statements) if body.start <= day.isoformat()),
        by_bank=found.by_bank, in_transit=found.in_transit, outstanding=found.outstanding,
        unrecognised=found.unrecognised, by_books=found.by_books, difference=found.difference,
        transit=tuple(each for each in open_ if each.amount > 0),
        payments=tuple(each for each in open_ if each.amount < 0),
        lines=_with_suggestions(books, [_open_line(books, *each, day) for each in found.open_lines], lines, free),
        signed=_signed(books, f"{ref}/{day}", found.body),
    )  # fmt: skip


def _open_line(books: Books, ref: str, line: records.BankLine, day: date) -> OpenLine:
    on = date.fromisoformat(line.on)
    return OpenLine(
        ref, on, line.amount, books.personal(line.text), books.personal(line.reference), (day - on).days, line.match, ()
    )


def _signed(books: Books, ref: str, body: Any) -> Signed | None:
    found = books.find(records.Reconciliation, ref)
    if found is None:
        return None
    now = body(found.as_of, found.prepared_by, found.prepared_on)
    then = found.model_copy(update={"state": "signed", "reviewed_by": None, "reviewed_on": None, "why": ""})
    return Signed(
        found.state,
        found.prepared_by,
        found.prepared_on,
        found.reviewed_by,
        found.reviewed_on,
        found.as_of,
        now == then,
    )


# ---------------------------------------------------------------------------------- suggesting


def _with_suggestions(
    books: Books, open_: Sequence[OpenLine], lines: Mapping[str, records.BankLine], free: Sequence[Posting]
) -> tuple[OpenLine, ...]:
    """The open lines with what they may be. The best suggestion of each is no other line's best."""
    known = _Free(books, free)
    ranked = []
    for place, line in enumerate(open_):
        if line.match is None:
            first = lines[line.ref].bank_id == BROUGHT_FORWARD
            ranked += [(_rank(each), place, each) for each in (known.before(line) if first else known.like(line))]
    best: dict[int, Suggestion] = {}
    taken: set[str] = set()
    for _order, place, each in sorted(ranked, key=lambda found: (found[0], found[1], found[2].entries)):
        if place not in best and not taken.intersection(each.entries):
            best[place] = each
            taken.update(each.entries)
    others: dict[int, list[Suggestion]] = defaultdict(list)
    for _order, place, each in sorted(ranked, key=lambda found: (found[0], found[2].entries)):
        if each != best.get(place):
            others[place].append(each)
    return tuple(
        replace(line, suggestions=tuple([*([best[place]] if place in best else []), *others[place]][:_MOST]))
        for place, line in enumerate(open_)
    )


def _rank(suggestion: Suggestion) -> tuple[int, int]:
    by = suggestion.by
    kind = 0 if "reference" in by and "date" in by else 1 if "reference" in by else 2
    return kind, suggestion.days


class _Free:
    """Postings that are part of no match, to be found by what they have in common with a line."""

    def __init__(self, books: Books, free: Iterable[Posting]) -> None:
        self._books = books
        self._all = sorted(free, key=lambda each: (each.on, each.entry, each.line))
        self._by_amount: dict[int, list[Posting]] = defaultdict(list)
        self._by_day: dict[tuple[str, bool], list[Posting]] = defaultdict(list)
        self._tokens: dict[int, frozenset[str]] = {}
        for each in self._all:
            self._by_amount[each.amount].append(each)
            self._by_day[each.on, each.amount > 0].append(each)

    def like(self, line: OpenLine) -> Iterator[Suggestion]:
        """Single postings of the amount, and all of one day that come to it."""
        said = _tokens(f"{line.text} {line.reference}")
        for each in self._by_amount.get(line.amount, ()):
            days = abs((date.fromisoformat(each.on) - line.on).days)
            by = ("amount", *(("date",) if days <= NEAR else ()),
                  *(("reference",) if said & self._said(each) else ()))  # fmt: skip
            if len(by) > 1:
                yield Suggestion((each.ref,), days, by)
        for offset in range(-NEAR, NEAR + 1):
            on = _days_on(line.on, offset)
            group = self._by_day.get((on, line.amount > 0), ())
            if len(group) > 1 and sum(each.amount for each in group) == line.amount:
                yield Suggestion(tuple(each.ref for each in group), abs(offset), ("amount", "date"))

    def before(self, line: OpenLine) -> Iterator[Suggestion]:
        """Everything before a first statement, or up to its first day, if it comes to the balance brought forward."""
        for until in (_days_on(line.on, -1), line.on.isoformat()):
            group = [each for each in self._all if each.on <= until]
            if group and sum(each.amount for each in group) == line.amount:
                yield Suggestion(tuple(each.ref for each in group), 0, ("amount", "date"))
                return

    def _said(self, posting: Posting) -> frozenset[str]:
        """What papers call the operation by: words of its memo with digits, and the numbers that it was given."""
        if posting.operation not in self._tokens:
            sealed = self._books.tx.value("SELECT sealed FROM operation WHERE id = ?", posting.operation)
            request = loads(sealed)[10] if sealed else {}
            numbers = [str(request[name]) for name in _NUMBERS if isinstance(request.get(name), str)]
            self._tokens[posting.operation] = _tokens(" ".join((posting.memo, *numbers)))
        return self._tokens[posting.operation]


def _days_on(day: date, offset: int) -> str:
    return date.fromordinal(min(max(1, day.toordinal() + offset), date.max.toordinal())).isoformat()


def _tokens(text: str) -> frozenset[str]:
    """Words that name something: they have a digit and three characters, and are no year. 0501 is 501."""
    words = (word.lstrip("0") if word.isdecimal() else word for word in _TOKEN.findall(text.upper()))
    return frozenset(
        word for word in words if len(word) >= 3 and any(c.isdecimal() for c in word) and not _YEAR.fullmatch(word)
    )
