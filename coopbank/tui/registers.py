"""What the screens of registers show: the registers, the entries of one, an entry with its versions, jobs, the ladder.

Of the list of entries the newest are shown; what they come to is of all of them. What is kept apart is shown to who
keeps the register, and only when they ask for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.institution_registers import (
    Definition,
    RegisterField,
    definition_of,
    register_named,
    shown_value,
)
from coopbank.bank.operation import ADMINISTRATOR, LOAN_OFFICER, TELLER, TREASURER
from coopbank.money import format_amount, parse_amount
from coopbank.reports.borrowers import ladder, linked
from coopbank.reports.jobs import LoanJobs, jobs
from coopbank.reports.register_book import KEPT_APART, EntryRow, RegisterSummary, grouped, newest_entries
from coopbank.tui.pages import Act, Line, Page
from coopbank.tui.show import amount, day_row
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.bank.bank import Bank
    from coopbank.tui.session import Session

NEWEST: Final = 500
SMALL: Final = "5000.00"
"""A first loan of at most this counts as small, as on the command line."""
KEEPING: Final = (TELLER, LOAN_OFFICER, TREASURER, ADMINISTRATOR)
STATE_WORDS: Final = {
    "open": marked("open"), "closed": marked("closed"), "mistaken": marked("a mistake"), "kept": marked("kept"),
    "ended": marked("not kept any more"),
}  # fmt: skip
TYPE_WORDS: Final = {
    "text": marked("text"), "date": marked("a day"), "amount": marked("an amount"), "number": marked("a number"),
    "hours": marked("hours"), "choice": marked("one of"), "yes-no": marked("yes or no"), "member": marked("a member"),
    "loan": marked("a loan"), "entry": marked("an entry of"), "document": marked("SHA-256 of a file"),
}  # fmt: skip


def registers_page(session: Session, view: str) -> Page:
    """What a list of the place says; the others are read when they are looked at."""

    def read(bank: Bank) -> tuple[date, list[Line], tuple[str, ...]]:
        with bank.read() as books:
            return books.business_date() or bank.clock.today(), *_VIEWS[view](books, session.currency)

    today, lines, sums = session.read_at_length(read)
    return Page(
        head=_("Registers"), sums=sums, today=today, views={view: lines}, acts=(Act("define-register"),),
    )  # fmt: skip


Found = tuple[list[Line], tuple[str, ...]]


def _registers(books: Books, money: str) -> Found:
    return [_register_line(books, code, body) for code, body in books.every(records.Register)], ()


def _register_line(books: Books, code: str, body: records.Register) -> Line:
    definition = definition_of(code, body)
    count = books.tx.value(
        "SELECT count(*) FROM record WHERE kind = ? AND ref > ? AND ref < ? AND version = 1",
        records.RegisterEntry.kind, f"{code}-", f"{code}.",
    )  # fmt: skip
    keepers = ", ".join(map(translate, definition.keepers)) or _("whoever may keep registers")
    fields = ", ".join(field.label for field in definition.live)
    ended = body.state != "kept"
    return Line(
        (code, definition.label, str(count), translate(STATE_WORDS[body.state]), keepers),
        (f"{code}  {definition.label}", _("Fields: {fields}").format(fields=fields),
         _("Kept by: {keepers}").format(keepers=keepers)),
        code, _register_acts(definition, ended=ended), faint=ended,
    )  # fmt: skip


def _register_acts(definition: Definition, *, ended: bool) -> tuple[Act, ...]:
    defined = Act("define-register", {"code": definition.code})
    if ended:
        return (defined,)
    blank = "\n".join(f"{field.name}: " for field in definition.live)
    return (Act("add-entry", {"register_code": definition.code}, {"values": blank}), defined)


# --------------------------------------------------------------------------------- one register


def register_page(session: Session, code: str, *, personal: bool) -> Page:
    """A register: its newest entries, what all of them come to, and its fields."""
    with session.bank.read() as books:
        today = books.business_date() or session.bank.clock.today()
        definition = register_named(books, code)
        body = books.get(records.Register, code)
        newest, more, summary = newest_entries(books, code, NEWEST, personal=personal and may_see(definition, session))
    acts = _register_acts(definition, ended=body.state != "kept")
    sums, titles = [_summary_words(summary)], tuple(field.label for field in definition.fields)
    if more:
        sums.append(_("{count} older ones are not listed: coopbank register {code}").format(count=more, code=code))
    return Page(
        head=f"{code}  {definition.label}", sums=tuple(sums), today=today, acts=acts,
        views={
            "entries": [_entry_line(each, titles) for each in reversed(newest)],
            "totals": list(_total_lines(summary)),
            "fields": [_field_line(field) for field in definition.fields],
        },
    )  # fmt: skip


def may_see(definition: Definition, session: Session) -> bool:
    """Whether the actor keeps the register, and so may see what is kept apart."""
    return bool(set(definition.keepers or KEEPING) & set(session.actor.roles))


def _summary_words(summary: RegisterSummary) -> str:
    return _("Entries: {count}, open: {open}, mistakes left out").format(count=summary.entries, open=summary.open)


def _entry_line(row: EntryRow, titles: tuple[str, ...]) -> Line:
    said = [f"{title}: {value}" for title, value in zip(titles, row.values, strict=True) if value]
    values = " · ".join(value for value in row.values if value and value != row.dated)
    return Line(
        (row.entry, translate(STATE_WORDS[row.state]), _day(row.dated), values),
        (row.entry, *said, row.why), row.entry, _entry_acts(row.entry, row.state, ""), faint=row.state != "open",
    )  # fmt: skip


def _day(text: str) -> str:
    try:
        return day_row(date.fromisoformat(text))
    except ValueError:
        return text


def _entry_acts(entry: str, state: str, values: str) -> tuple[Act, ...]:
    if state == "mistaken":
        return ()
    known = {"values": values} if values else {}
    return (Act("change-entry", {"entry": entry}, known), Act("close-entry", {"entry": entry}))


def _total_lines(summary: RegisterSummary) -> Iterator[Line]:
    for each in summary.counts:
        value = translate(each.value) if each.value else _("not said")
        yield Line((value, str(each.entries)), (value,))
    for total in summary.totals:
        yield Line((total.title, grouped(total.total)), (total.title,))


def _field_line(field: RegisterField) -> Line:
    kind = " ".join(part for part in (translate(TYPE_WORDS[field.type]), "/".join(field.choices) or field.of) if part)
    said = {
        _("needed"): field.required, _("kept apart"): field.personal, _("added up"): field.total,
        _("of old entries"): field.retired,
    }  # fmt: skip
    marks = [word for word, holds in said.items() if holds]
    cells = (field.name, field.label, kind, ", ".join(marks))
    return Line(cells, (f"{field.name}  {field.label}", kind, cells[3]), faint=field.retired)


# ------------------------------------------------------------------------------------ one entry


def entry_page(session: Session, ref: str, *, personal: bool) -> Page:
    """An entry: what it says, and how it came to say so."""
    with session.bank.read() as books:
        today = books.business_date() or session.bank.clock.today()
        definition = register_named(books, ref.partition("-")[0])
        body = books.get(records.RegisterEntry, ref, "entry")
        open_it = personal and may_see(definition, session)
        values = [_value_line(books, field, body, open_it) for field in definition.fields if field.name in body.values]
        versions = list(_version_lines(books, definition, ref, open_it))
    closed = [_("Closed on {day}.").format(day=_day(body.closed_on))] if body.closed_on else []
    return Page(
        head=f"{ref}  {definition.label}  {translate(STATE_WORDS[body.state])}", today=today,
        sums=(_("Entered on {day}.").format(day=_day(body.entered_on)), *closed),
        acts=_entry_acts(ref, body.state, as_typed(definition, body.values)),
        views={"values": values, "versions": versions},
    )  # fmt: skip


def as_typed(definition: Definition, values: dict[str, Any]) -> str:
    """An entry's values as the form takes them; what is kept apart, or has several lines, is left out and stays."""
    lines = []
    for field in definition.fields:
        value = values.get(field.name)
        if value is None or isinstance(value, dict) or (isinstance(value, str) and len(value.splitlines()) > 1):
            continue
        text = format_amount(value, _currency()) if field.type == "amount" else value
        if field.type == "yes-no":
            text = "yes" if value else "no"
        lines.append(f"{field.name}: {text}")
    return "\n".join(lines)


def _currency() -> str:
    from coopbank.bank.fields import book_currency

    return book_currency.get()


def _shown(books: Books, field: RegisterField, value: Any, personal: bool) -> str:
    if isinstance(value, dict):
        return books.personal(value) if personal else _(KEPT_APART)
    return shown_value(field, value, _currency())


def _value_line(books: Books, field: RegisterField, body: records.RegisterEntry, personal: bool) -> Line:
    value = _shown(books, field, body.values.get(field.name), personal)
    fixed = _("The books posted it.") if field.name in body.fixed else ""
    opens = ("loan", value) if field.type == "loan" else None
    return Line((field.label, value, fixed), (field.label, value, fixed), opens)


def _version_lines(books: Books, definition: Definition, ref: str, personal: bool) -> Iterator[Line]:
    """Every version, the newest first: who wrote it, and what it changed."""
    rows = books.tx.rows(
        "SELECT r.version, r.body, o.id, o.actor, o.business_date FROM record r"
        " JOIN operation o ON o.id = r.operation_id WHERE r.kind = ? AND r.ref = ? ORDER BY r.version",
        records.RegisterEntry.kind, ref,
    )  # fmt: skip
    before: dict[str, Any] = {}
    found = []
    for version, text, operation, actor, day in rows:
        body = records.RegisterEntry.model_validate_json(text)
        names = [field for field in definition.fields if body.values.get(field.name) != before.get(field.name)]
        said = [
            f"{field.label}: {_shown(books, field, before.get(field.name), personal) or '-'} →"
            f" {_shown(books, field, body.values.get(field.name), personal) or '-'}"
            for field in names
        ]
        before = body.values
        cells = (str(version), _day(str(day)), actor, translate(STATE_WORDS[body.state]), body.why or "; ".join(said))
        found.append(Line(cells, (f"{ref}, {_('version')} {version}", *said, body.why), ("operation", str(operation))))
    yield from reversed(found)


# ------------------------------------------------------------------------------- jobs, the ladder


def _jobs(books: Books, money: str) -> Found:
    found = jobs(books)
    cost = _("n/a") if found.cost_per_job is None else amount(found.cost_per_job, money)
    sums = (
        _("Created {created}, retained {retained}, full-time {fte}; {cost} lent for each job").format(
            created=found.created, retained=found.retained, fte=found.fte, cost=cost
        ),
    )
    return [_job_line(each, money) for each in found.loans], sums


def _job_line(each: LoanJobs, money: str) -> Line:
    met = {True: _("yes"), False: _("no"), None: ""}
    wage = "" if each.wage is None else amount(each.wage, money)
    living = _("not known") if each.living_wage is None else amount(each.living_wage, money)
    evidence = _("There is a document.") if each.evidence else _("There is no document.")
    said = _("Before it: {baseline}. Lowest wage {wage}, living wage {living}.").format(
        baseline=each.baseline, wage=wage or _("not known"), living=living
    )
    return Line(
        (each.loan, each.member, amount(each.lent, money), str(each.projected), str(each.created), str(each.retained),
         str(each.fte), met[each.wage_met], _day(each.as_of)),
        (f"{each.loan}  {each.member}", said, evidence), ("loan", each.loan),
    )  # fmt: skip


def _ladder(books: Books, money: str) -> Found:
    found = ladder(books, parse_amount(SMALL, money))
    sums = (
        _("{climbed} of {count} members whose first loan was at most {small} have borrowed more since.").format(
            climbed=found.climbed, count=found.first_small, small=amount(found.small, money)
        ),
    )
    return [
        Line(
            (each.member, books.member_name(each.member), day_row(each.first_on), amount(each.first, money),
             amount(each.largest_after, money), ", ".join(each.loans)),
            (f"{each.member}  {books.member_name(each.member)}", ", ".join(each.loans)), ("loan", each.loans[-1]),
        )
        for each in found.members
    ], sums  # fmt: skip


def _linked(books: Books, money: str) -> Found:
    found = linked(books)
    limit = _("There is no limit.") if found.limit is None else _("Limit {limit}").format(
        limit=amount(found.limit, money)
    )  # fmt: skip
    return [
        Line(
            (group.group, each.member, books.member_name(each.member), amount(each.owed, money),
             amount(each.promised, money)),
            (group.group, _("Together {total}").format(total=amount(group.total, money)),
             "" if group.left is None else _("{left} left of the limit").format(left=amount(group.left, money))),
        )
        for group in found.groups for each in group.members
    ], (limit,)  # fmt: skip


_VIEWS: Final = {"registers": _registers, "jobs": _jobs, "ladder": _ladder, "linked": _linked}
