"""Lines of EDA form ED-209 for a revolving loan fund, from the books: figures to be typed in, with what is not known.

Rules: 13 CFR 307 subpart B (revolving loan funds; capital base, income and administrative costs in 307.12 and 307.15);
form ED-209 as cleared in 2020. The agency's portal is the place to file; nothing here says that the fund complies.
From which day on a loan is delinquent or in default is the agreement's: it is asked for, and printed.

Lines that the books do not tell apart have no value: a federal grant and its local match are gifts of the fund alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from coopbank.bank.books import Books
from coopbank.errors import InvalidValue
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.financial import closing_movements
from coopbank.reports.glance import glance
from coopbank.reports.portfolio import read_loans
from coopbank.reports.totals import movements, require_fund
from coopbank.words import _

RULE: Final = "13 CFR 307; form ED-209 (2020)"
_INTEREST, _BANK, _FEES = ("111", "116", "117", "119"), ("127",), ("131", "132")
_NO_COST: Final = ("301", "341", "366")  # reckoned as losses, as capital's cost, and as aid


@dataclass(frozen=True, slots=True)
class FormLine:
    """A line of the form: money, or a number of loans, or nothing that the books know."""

    line: str
    name: str
    amount: Minor | None = None
    count: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """All lines of one fund at the end of a day."""

    source: Source
    fund: str
    as_of: date
    rule: str
    delinquent_days: int
    default_days: int
    lines: tuple[FormLine, ...]


def ed209(
    books: Books, fund: str, as_of: date | None = None, delinquent_days: int = 1, default_days: int = 121
) -> Form:  # fmt: skip
    """The form's lines; a loan is delinquent or in default from so many days late on."""
    require_fund(books.tx, fund)
    if not 0 < delinquent_days < default_days:
        raise InvalidValue("A loan is delinquent before it is in default.", field="default_days")
    origin = source(books)
    day = as_of or origin.business_date or date.max
    seen = glance(books, fund, day).funds[0]
    flows = _to_date(books, fund, day)
    parts = {part.code: part.amount for part in seen.sources}

    def earned(*codes: str) -> int:
        return -sum(flows.get(code, 0) for code in codes)

    kinds = dict(books.tx.rows("SELECT code, kind FROM gl_account"))
    interest, bank, fees = earned(*_INTEREST), earned(*_BANK), earned(*_FEES)
    other = earned(*(code for code in flows if kinds[code] == "income")) - interest - bank - fees
    other -= earned("181", "182", "185", "186", "187", "188")
    income = interest + bank + fees + other
    costs = sum(net for code, net in flows.items() if kinds[code] == "expense" and code not in _NO_COST)
    funding = parts.get("gifts", 0) + parts.get("transfers", 0) + parts.get("brought", 0)
    base = funding + income - costs - seen.ever.net
    return Form(
        origin, fund, day, RULE, delinquent_days, default_days,
        (
            FormLine("II.A.1", _("EDA funding"), why=_("The books do not tell a grant from its match.")),
            FormLine("II.A.2", _("Local match"), why=_("The books do not tell a grant from its match.")),
            FormLine("II.A.3", _("Funding, together"), funding),
            FormLine("II.B.1", _("Interest on loans"), interest),
            FormLine("II.B.2", _("Interest on deposit accounts"), bank),
            FormLine("II.B.3", _("Fees"), fees),
            FormLine("II.B.5", _("Other income"), other),
            FormLine("II.B.6", _("Income, together"), income),
            FormLine("II.B.7", _("Of it used for administration"), costs),
            FormLine("II.B.8", _("Income added to the capital base"), income - costs),
            FormLine("II.C.4", _("Loan losses, less recoveries"), seen.ever.net),
            FormLine("II.C.6", _("RLF capital base"), base),
            FormLine("II.D.1", _("Principal outstanding"), seen.lent),
            FormLine("II.D.2", _("Cash available"), seen.cash),
            FormLine("II.D.3", _("Committed, not paid out"), seen.committed),
            FormLine("II.D.4", _("Cash less commitments"), seen.available),
            *_status(books, fund, day, delinquent_days, default_days),
        ),
    )  # fmt: skip


def _to_date(books: Books, fund: str, day: date) -> dict[str, int]:
    """Income and expense of the fund since the books began, as if no year had been closed; debit +."""
    closed = closing_movements(books.tx, date.min, day)
    kinds = dict(books.tx.rows("SELECT code, kind FROM gl_account"))
    return {
        code: debit - credit - closed.get((code, fund), 0)
        for (code, of, _currency), (debit, credit) in movements(books.tx, None, day).items()
        if of == fund and kinds[code] in ("income", "expense")
    }


def _status(books: Books, fund: str, day: date, delinquent: int, default: int) -> list[FormLine]:
    """Part III.A: how many loans of the fund stand how, and what of its principal they carry."""
    loans = [
        (seen.late.days, seen.of(fund))
        for seen in read_loans(books, day, source(books))
        if fund in seen.account.body.funds and seen.account.body.state == "active"
    ]
    current = [part for days, part in loans if days < delinquent]
    late = [part for days, part in loans if delinquent <= days < default]
    bad = [part for days, part in loans if days >= default]
    named = (
        ("III.A.1", _("Current"), current), ("III.A.2", _("Delinquent"), late), ("III.A.3", _("In default"), bad),
        ("III.A.4", _("Active, together"), [part for _days, part in loans]),
    )  # fmt: skip
    return [FormLine(line, name, sum(parts), len(parts)) for line, name, parts in named]
