"""What members received in a calendar year, by the boxes of the forms that payers in the United States file.

    1099-PATR   1  patronage dividends: money, and what is retained and qualified, in the year of the allocation
                4  tax withheld from it        5  retained and nonqualified, in the year that it is redeemed
    1099-INT    1  interest on savings and notes, dividends on shares presented as a liability      4  tax withheld
    1099-DIV   1a  dividends on shares that are equity                                              4  tax withheld

Amounts count by the business day of the operation; what was reversed does not. The figures come from the entries, so
they are what the books say: they are no advice, nothing is filed, and whether a form is due is for the payer to find.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from coopbank.bank import equity, groups, records
from coopbank.bank.books import Books
from coopbank.bank.groups import in_groups
from coopbank.errors import InvalidValue
from coopbank.money import parse_amount
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.papers import note_statement

RULES_AS_OF: Final = date(2026, 11, 27)
"""The day on which thresholds and boxes were last looked at."""


@dataclass(frozen=True, slots=True)
class TaxForm:
    """A form: its boxes in their order, the amount from which it is due in US dollars, and the law that says so."""

    name: str
    boxes: tuple[str, ...]
    reported_from: str
    cited: str


FORMS: Final = (
    TaxForm("1099-PATR", ("1", "4", "5"), "10.00", "26 USC 6044(a)(1), 26 CFR 1.6044-2"),
    TaxForm("1099-INT", ("1", "4"), "10.00", "26 USC 6049(a), (b)(1)"),
    TaxForm("1099-DIV", ("1a", "4"), "10.00", "26 USC 6042(a)(1)"),
)
BOX_NAMES: Final = {
    ("1099-PATR", "1"): "patronage_dividends", ("1099-PATR", "4"): "federal_income_tax_withheld",
    ("1099-PATR", "5"): "redeemed_nonqualified_notices", ("1099-INT", "1"): "interest_income",
    ("1099-INT", "4"): "federal_income_tax_withheld", ("1099-DIV", "1a"): "total_ordinary_dividends",
    ("1099-DIV", "4"): "federal_income_tax_withheld",
}  # fmt: skip
_WITHHELD: Final = "4"


@dataclass(frozen=True, slots=True)
class TaxRow:
    """What a member received that a form is about. `reportable`: it reaches the amount, or tax was withheld."""

    member: str
    name: str
    tax_id: str  # in full where the key is at hand, (locked) where it is not
    address: str
    boxes: dict[str, Minor]
    reportable: bool


@dataclass(frozen=True, slots=True)
class TaxRows:
    """The rows of one form in a year; `complete` once the books have come to the year's end."""

    source: Source
    form: str
    year: int
    complete: bool
    rules_as_of: date
    rows: tuple[TaxRow, ...]
    still_coming: tuple[str, ...] = ()  # what is decided and not on all accounts yet


Boxes = dict[str, dict[str, int]]  # member: box: minor units


def tax_rows(books: Books, year: int) -> tuple[TaxRows, ...]:
    """Every form of a year, with a row for each member who received anything; refuses a year that is none."""
    if not 1900 <= year <= 9998:
        raise InvalidValue("Write the year as YYYY, for example 2026.", field="year")
    origin = source(books)
    found: dict[str, Boxes] = {form.name: defaultdict(lambda: defaultdict(int)) for form in FORMS}
    _patronage(books, year, found["1099-PATR"])
    _dividends(books, year, found)
    _interest(books, year, found["1099-INT"])
    _withheld(books, year, found)
    today = origin.business_date
    complete, coming = today is not None and today >= date(year, 12, 31), groups.still_coming(books, date(year, 12, 31))
    return tuple(
        TaxRows(
            origin, form.name, year, complete, RULES_AS_OF, tuple(_rows(books, form, found[form.name], origin)), coming
        )
        for form in FORMS
    )


def _rows(books: Books, form: TaxForm, boxes: Boxes, origin: Source) -> Iterator[TaxRow]:
    """With names and numbers; thresholds are in US dollars, and say nothing of other currencies."""
    least = parse_amount(form.reported_from, origin.currency) if origin.currency == "USD" else None
    for member in sorted(boxes):
        amounts = {box: boxes[member].get(box, 0) for box in form.boxes}
        if not any(amounts.values()):
            continue
        received = sum(amount for box, amount in amounts.items() if box != _WITHHELD)
        body = books.find(records.Member, member)
        yield TaxRow(
            member=member, name=books.member_name(member), tax_id=books.personal(body.tax_id) if body else "",
            address=books.personal(body.address) if body else "", boxes=amounts,
            reportable=least is not None and (received >= least or amounts[_WITHHELD] > 0),
        )  # fmt: skip


def _moved(books: Books, year: int, kinds: tuple[str, ...], codes: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    """Operation, its kind, entry, control account, holder and amount (debit +) of what some operations moved."""
    yield from books.tx.rows(
        "SELECT o.id, o.kind, e.id, a.gl_code, a.holder, p.amount FROM operation o"
        " JOIN entry e ON e.operation_id = o.id JOIN posting p ON p.entry_id = e.id"
        " JOIN account a ON a.id = p.account_id"
        f" WHERE o.business_date BETWEEN ? AND ? AND o.kind IN ({', '.join('?' * len(kinds))})"
        f" AND a.gl_code IN ({', '.join('?' * len(codes))})"
        " AND NOT EXISTS (SELECT 1 FROM entry r WHERE r.reverses_id = e.id) ORDER BY o.id, e.id, p.line",
        f"{year:04d}-01-01", f"{year:04d}-12-31", *kinds, *codes,
    )  # fmt: skip


def _patronage(books: Books, year: int, boxes: Boxes) -> None:
    for _op, _kind, _entry, _code, holder, amount in _moved(
        books, year, in_groups("allocate-surplus"), (equity.PATRONAGE, equity.QUALIFIED, equity.CAPITAL)
    ):
        if holder is not None:  # on the way to members it is nobody's
            boxes[holder]["1"] -= int(amount)
    redeemed = _moved(books, year, ("redeem-patronage",), (equity.NONQUALIFIED,))
    for _op, _kind, _entry, _code, holder, amount in redeemed:
        if holder is not None:
            boxes[holder]["5"] += int(amount)


def _dividends(books: Books, year: int, found: dict[str, Boxes]) -> None:
    """A dividend follows its class: of a liability it is interest, of equity a dividend."""
    liabilities = {
        number
        for decided, text in books.tx.rows(
            "SELECT operation_id, body FROM record WHERE kind = ?", records.Dividend.kind
        )
        if records.Dividend.model_validate_json(text).presentation == "liability"
        for number in groups.operations_of(books, int(decided))
    }  # fmt: skip
    for op, _kind, _entry, _code, holder, amount in _moved(
        books, year, in_groups("declare-dividend", "allocate-surplus"), (equity.DIVIDENDS,)
    ):
        if holder is not None:
            form, box = ("1099-INT", "1") if int(op) in liabilities else ("1099-DIV", "1a")
            found[form][holder][box] -= int(amount)


def _interest(books: Books, year: int, boxes: Boxes) -> None:
    """On savings as credited, what was withheld of it apart; on internal capital as credited; on notes as paid."""
    for _op, _kind, _entry, _code, holder, amount in _moved(
        books, year, ("credit-capital-interest",), (equity.CAPITAL,)
    ):
        boxes[holder]["1"] -= int(amount)
    for _op, _kind, _entry, _code, holder, amount in _moved(books, year, in_groups("credit-interest"), ("905",)):
        if holder is not None:
            box, change = ("1", -int(amount)) if int(amount) < 0 else (_WITHHELD, int(amount))
            boxes[holder][box] += change
    for ref, note in books.every(records.Note):
        if note.member is not None:
            paid = note_statement(books, ref, date(year, 1, 1), date(year, 12, 31)).interest_paid
            boxes[note.member]["1"] += paid


def _withheld(books: Books, year: int, found: dict[str, Boxes]) -> None:
    """Tax withheld as dividends and patronage were paid: a line of its own in savings, else of the entry's member."""
    entries: dict[str, list[tuple[str, str, str, int]]] = defaultdict(list)
    for _op, kind, entry, code, holder, amount in _moved(
        books, year, in_groups("pay-dividend", "pay-patronage"), (equity.DIVIDENDS, equity.PATRONAGE, "905", "842")
    ):
        entries[entry].append((kind, code, holder, int(amount)))
    for lines in entries.values():
        whole = -sum(amount for _kind, code, _holder, amount in lines if code == "842")
        if not whole:
            continue
        form = "1099-PATR" if lines[0][0].startswith("pay-patronage") else "1099-DIV"
        into = [(holder, amount) for _kind, code, holder, amount in lines if code == "905" and amount > 0]
        paid = [holder for _kind, code, holder, amount in lines if code in (equity.DIVIDENDS, equity.PATRONAGE)]
        for holder, amount in into or [(paid[0], whole)]:
            target = form
            if form == "1099-DIV" and holder not in found["1099-DIV"] and holder in found["1099-INT"]:
                target = "1099-INT"
            found[target][holder][_WITHHELD] += amount
