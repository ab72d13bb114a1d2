"""Reports: read-only questions about the whole, by effective date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from coopbank.cli import frames, options, output
from coopbank.cli.app import app, command
from coopbank.cli.door import Door
from coopbank.cli.options import AsOf, From, To
from coopbank.errors import WrongUsage
from coopbank.money import quoted
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.reports.budget import BudgetPart, BudgetReport, BudgetRow
    from coopbank.reports.financial import FundPosition, Section
    from coopbank.reports.forecast import MonthAhead
    from coopbank.reports.glance import Glance
    from coopbank.reports.portfolio import Portfolio
    from coopbank.reports.reconciliation import OpenLine, OpenPosting, ReconciliationReport
    from coopbank.reports.totals import FundColumn
    from coopbank.reports.trial_balance import TrialRow

ByFund = Annotated[bool, typer.Option("--by-fund", help="A column for each fund.")]


@command(app, "trial-balance")
def trial_balance(door: Door, as_of: AsOf = None, by_fund: ByFund = False) -> None:
    """Every control account with its balance; debits equal credits."""
    from coopbank.reports.trial_balance import trial_balance as drawn

    found = frames.report(
        door, lambda view: drawn(view.books, options.day_or_none(as_of, "as_of")), lambda found: found.balanced
    )
    if found is None:
        return
    frames.title(_("Trial balance"), found.source, found.as_of)
    if by_fund:
        sums = _cells([found.fund_totals.get(fund.code, 0) for fund in found.funds], found.source.currency)
        _by_fund(found.rows, found.funds, found.source.currency, [["", _("Total"), *sums, "", ""]])
    else:
        _two_sides(found.rows, found.source.currency, found.debits, found.credits)
    if any(row.combined for row in found.memo):
        output.line()
        output.line(_("Memo accounts, in no total"))
        output.table(*_sides_table(found.memo, found.source.currency))
    if not found.balanced:
        output.line(_("DEBITS AND CREDITS DIFFER. Run: coopbank verify"))
    frames.rests_on(found.source, found.backdated)


def _two_sides(rows: Sequence[TrialRow], currency: str, debits: int, credits: int) -> None:
    columns, lines = _sides_table(rows, currency)
    total = ["", _("Total"), output.amount(debits, currency), output.amount(credits, currency)]
    output.table(columns, [*lines, total])


def _sides_table(rows: Sequence[TrialRow], currency: str) -> tuple[list[str], list[list[str]]]:
    columns = [_("Account"), _("Name"), output.right(_("Debit")), output.right(_("Credit"))]
    return columns, [[row.code, _(row.name), *output.sides(row.combined, currency)] for row in rows if row.combined]


def _by_fund(
    rows: Iterable[TrialRow], funds: Sequence[FundColumn], currency: str, totals: Sequence[Sequence[str]], sign: int = 1
) -> None:
    columns: list[str] = [_("Account"), _("Name"), *(output.right(fund.code) for fund in funds)]
    lines = [
        [row.code, _(row.name), *_cells([sign * row.by_fund.get(fund.code, 0) for fund in funds], currency),
         *_cells([sign * row.eliminated, sign * row.combined], currency)]
        for row in rows
        if row.by_fund
    ]  # fmt: skip
    output.table([*columns, output.right(_("Eliminated")), output.right(_("Whole"))], [*lines, *totals])


def _cells(amounts: Iterable[int], currency: str) -> list[str]:
    return [output.amount(minor, currency) if minor else "" for minor in amounts]


@command(app, "balance-sheet")
def balance_sheet(door: Door, as_of: AsOf = None, by_fund: ByFund = False) -> None:
    """What is owned, what is owed, and the members' stake."""
    from coopbank.reports.financial import balance_sheet as drawn

    found = frames.report(
        door, lambda view: drawn(view.books, options.day_or_none(as_of, "as_of")), lambda found: found.balanced
    )
    if found is None:
        return
    frames.title(_("Balance sheet"), found.source, found.as_of)
    for section, sign in ((found.assets, 1), (found.liabilities, -1), (found.equity, -1)):
        _section(section, sign, found.source.currency, found.funds if by_fund else None)
    owed = -(found.liabilities.combined + found.equity.combined)
    output.pairs([(_("Owned"), output.amount(found.assets.combined, found.source.currency)),
                  (_("Owed, with the members' stake"), output.amount(owed, found.source.currency))])  # fmt: skip
    frames.rests_on(found.source, found.backdated)


def _section(section: Section, sign: int, currency: str, funds: Sequence[FundColumn] | None) -> None:
    """The rows of a section and their sum, positive on their own side."""
    output.line(section.name)
    total = output.amount(sign * section.combined, currency)
    if funds is not None:
        sums = _cells([sign * section.by_fund.get(fund.code, 0) for fund in funds], currency)
        last = ["", _("Total"), *sums, *_cells([sign * section.eliminated], currency), total]
        _by_fund(section.rows, funds, currency, [last], sign)
    else:
        rows = [
            [row.code, _(row.name), output.amount(sign * row.combined, currency)]
            for row in section.rows
            if row.combined
        ]
        output.table([_("Account"), _("Name"), output.right(_("Amount"))], [*rows, ["", _("Total"), total]])
    output.line()


@command(app, "income")
def income(door: Door, start: From = None, end: To = None, by_fund: ByFund = False) -> None:
    """Income and expense of a period; the current year if none is given."""
    from coopbank.reports.document import as_document
    from coopbank.reports.financial import income as drawn

    with door.reading() as view:
        last = options.day_or_none(end, "to") or view.business_date
        first = options.day_or_none(start, "from") or last.replace(month=1, day=1)
        found = drawn(view.books, first, last)
    if door.as_json:
        output.document(as_document(found))
        return
    currency = found.source.currency
    frames.head(_("Income and expense, {start} to {end}").format(start=found.start, end=found.end), found.source)
    _section(found.income, -1, currency, found.funds if by_fund else None)
    _section(found.expense, 1, currency, found.funds if by_fund else None)
    output.pairs(
        [(_("Surplus") if found.combined <= 0 else _("Deficit"), output.amount(abs(found.combined), currency))]
    )
    frames.rests_on(found.source, found.backdated)


@command(app, "fund")
def fund(
    door: Door,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The fund's code; all of them if left out.")] = "all",
    as_of: AsOf = None,
) -> None:
    """A fund at one look: cash, lent, granted, owed, free; where its money came from, and its ratios."""
    from coopbank.reports.document import as_document
    from coopbank.reports.financial import fund as drawn
    from coopbank.reports.glance import WHOLE, glance

    with door.reading() as view:
        day = options.day_or_none(as_of, "as_of")
        found, seen = drawn(view.books, name, day), glance(view.books, name, day)
    glances = {each.code: each for each in seen.funds}
    if door.as_json:
        document = as_document(found)
        looks = {each["code"]: each for each in as_document(seen)["funds"]}
        for position in document["funds"]:
            position["glance"] = looks.pop(position["code"])
        output.document({**document, "whole": looks.get(WHOLE), "year_from": seen.year_from, "risk_on": seen.risk_on})
        return
    frames.title(_("Funds"), found.source, found.as_of)
    for position in found.funds:
        output.line(f"{position.code}  {_(position.name)} ({_(position.fund_class)})")
        output.print_aligned(_position(position, found.source.currency), [False, True])
        _glance(glances[position.code], found.source.currency)
        output.line()
    if WHOLE in glances:
        output.line(_("All funds together"))
        _glance(glances[WHOLE], found.source.currency)
        output.line()
    frames.rests_on(found.source, found.backdated)


def _glance(at: Glance, currency: str) -> None:
    """Where the money came from, what was lost, and the ratios with both their parts."""
    rows = [(_("Capital base"), at.capital), *(("  " + part.name, part.amount) for part in at.sources)]
    rows += [(_("Ever lent"), at.lent_ever), (_("Lost on loans, ever"), at.ever.charged_off + at.ever.written_down),
             (_("Recovered, ever"), at.ever.recovered)]  # fmt: skip
    output.print_aligned([["  " + label, output.amount(minor, currency)] for label, minor in rows], [False, True])
    output.print_aligned(
        [
            ["  " + each.name, each.text, each.why if each.value is None else _("{part} / {whole}").format(
                part=output.amount(each.numerator, currency), whole=output.amount(each.denominator, currency)
            )]
            for each in at.measures
        ],
        [False, True, False],
    )  # fmt: skip


def _position(at: FundPosition, currency: str) -> list[list[str]]:
    rows = [
        (_("Claim on pooled cash"), at.claim), (_("Cash of its own"), at.own_cash), (_("Lent"), at.lent),
        (_("Allowance"), at.allowance), (_("Interest earned, not paid"), at.accrued),
        (_("Granted, not paid out"), at.committed), (_("Free cash"), at.free),
        (_("Owed to lenders"), at.owed_to_lenders), (_("Owed otherwise"), at.owed_otherwise),
        (_("Balance of the fund"), at.balance),
    ]  # fmt: skip
    return [["  " + label, output.amount(minor, currency)] for label, minor in rows]


@command(app, "forecast")
def forecast(
    door: Door,
    name: Annotated[str, typer.Argument(metavar="FUND", help="The fund's code.")] = "RLF",
    months: Annotated[int, typer.Option("--months", metavar="N", min=1, max=120, help="How many months ahead.")] = 24,
    lend: Annotated[str | None, typer.Option("--lend", metavar="AMOUNT", help="When can this much be lent?")] = None,
    as_of: AsOf = None,
) -> None:
    """A fund's cash for months to come, cautious and hopeful; and from when on an amount can be lent."""
    from coopbank.reports.document import as_document
    from coopbank.reports.forecast import forecast as drawn

    with door.reading() as view:
        amount = None if lend is None else options.amount(lend, view.currency, "lend")
        found = drawn(view.books, name, options.day_or_none(as_of, "as_of"), months, amount)
    if door.as_json:
        output.document(as_document(found))
        return
    currency = found.source.currency
    title = _("Cash of {fund} until {day}").format(fund=f"{found.fund} {_(found.fund_name)}", day=found.until)
    frames.title(title, found.source, found.as_of)
    columns = [_("Month"), output.right(_("In")), output.right(_("Out")), output.right(_("Cautious")),
               output.right(_("In, hopeful")), output.right(_("Hopeful"))]  # fmt: skip
    rows = [["", "", "", output.amount(found.cash, currency), "", output.amount(found.cash, currency)]]
    output.table(columns, [*rows, *(_month_ahead(month, currency) for month in found.months)])
    pairs = [(_("Can be lent at once, cautious"), output.amount(found.lendable[0], currency)),
             (_("Can be lent at once, hopeful"), output.amount(found.lendable[1], currency))]  # fmt: skip
    if found.lend is not None:
        asked, never = output.amount(found.lend.amount, currency), _("not in these months")
        pairs += [
            (_("{amount} can be lent from, cautious").format(amount=asked), str(found.lend.cautious or never)),
            (_("{amount} can be lent from, hopeful").format(amount=asked), str(found.lend.hopeful or never)),
        ]
    output.pairs(pairs)
    for note in found.notes:
        output.line(note)
    frames.rests_on(found.source)


def _month_ahead(month: MonthAhead, currency: str) -> list[str]:
    hoped = sum(x for x in month.hopeful.values() if x > 0)
    amounts = (month.comes, -month.goes, month.cautious_end, hoped, month.hopeful_end)
    return [f"{month.first:%Y-%m}", *(output.amount(minor, currency) for minor in amounts)]


@command(app, "pearls")
def pearls(door: Door, as_of: AsOf = None) -> None:
    """PEARLS ratios with their goals; one that does not fit says so."""
    from coopbank.reports.pearls import pearls as drawn

    found = frames.report(door, lambda view: drawn(view.books, options.day_or_none(as_of, "as_of")))
    if found is None:
        return
    currency = found.source.currency
    frames.title(_("PEARLS ratios"), found.source, found.as_of)
    columns = ["", _("Ratio"), output.right(_("Value")), _("Goal"), _("Parts, or why there is none")]
    rows = [
        [each.code, each.name, _("n/a") if each.value is None else f"{each.value} %", each.goal,
         each.why or f"{output.amount(each.numerator, currency)} / {output.amount(each.denominator, currency)}"]
        for each in found.ratios
    ]  # fmt: skip
    output.table(columns, rows)
    frames.rests_on(found.source, found.backdated)


@command(app, "report-file")
def report_file(
    door: Door,
    form: Annotated[str, typer.Argument(metavar="FORM", help="ed-209 or cdfi-tlr.")],
    fund: Annotated[
        str | None,
        typer.Argument(metavar="FUND", help="The fund's code; RLF for ed-209, all of them for cdfi-tlr if left out."),
    ] = None,
    as_of: AsOf = None,
    start: From = None,
    end: To = None,
    delinquent_days: Annotated[int, typer.Option("--delinquent-days", help="ed-209: days late from which it is.")] = 1,
    default_days: Annotated[
        int, typer.Option("--default-days", help="ed-209: days late from which a loan is in default.")
    ] = 121,
) -> None:
    """A funder's form from the books, with the rule it follows. It says nothing about complying.

    ed-209 is a list of lines on a day (--as-of); cdfi-tlr is a CSV file of the loans that were agreed from --from to
    --to (this year), with a note of what the books cannot fill on standard error.
    """
    if form == "cdfi-tlr":
        _require_no(form, as_of, "as_of")
        _tlr(door, fund, start, end)
        return
    if form != "ed-209":
        raise WrongUsage("There is no form {form} here; choose from: {forms}.", field="form", form=quoted(form),
                         forms="ed-209, cdfi-tlr")  # fmt: skip
    _require_no(form, start or end, "from")
    _ed209(door, fund or "RLF", as_of, delinquent_days, default_days)


def _require_no(form: str, option: str | None, field: str) -> None:
    if option is not None:
        raise WrongUsage(
            "{form} is not asked for in that way.", field=field, form=form,
            hint="ed-209 is of a day (--as-of), cdfi-tlr of a period (--from, --to).",
        )  # fmt: skip


def _ed209(door: Door, fund: str, as_of: str | None, delinquent_days: int, default_days: int) -> None:
    from coopbank.reports.ed209 import ed209

    found = frames.report(
        door, lambda view: ed209(view.books, fund, options.day_or_none(as_of, "as_of"), delinquent_days, default_days)
    )
    if found is None:
        return
    currency = found.source.currency
    frames.title(_("Form {form}, fund {fund}").format(form="ED-209", fund=found.fund), found.source, found.as_of)
    rows = [
        [each.line, each.name, "" if each.count is None else each.count,
         _("n/a") if each.amount is None else output.amount(each.amount, currency), each.why]
        for each in found.lines
    ]  # fmt: skip
    output.table([_("Line"), _("Name"), output.right(_("Loans")), output.right(_("Amount")), ""], rows)
    output.line(
        _("By {rule}; delinquent from {delinquent} days late on, in default from {default}.").format(
            rule=found.rule, delinquent=found.delinquent_days, default=found.default_days
        )
    )
    frames.rests_on(found.source)


def _tlr(door: Door, fund: str | None, start: str | None, end: str | None) -> None:
    from coopbank.exchange.tlr_rows import csv_of
    from coopbank.reports.tlr import tlr

    found = frames.report(
        door, lambda view: tlr(view.books, options.day_or_none(start, "from"), options.day_or_none(end, "to"), fund)
    )
    if found is None:
        return
    output.raw(csv_of(found).replace("\r\n", "\n"))
    output.narrate(_("By {rule}. It is data for whoever files; nothing says that it complies.").format(rule=found.rule))
    for each in found.unfilled:
        output.narrate(_("Not filled: {names}. {why}").format(names=each.names, why=each.why))


@command(app, "maturities")
def maturities(door: Door, as_of: AsOf = None) -> None:
    """What falls due when: lenders' notes by class and rank, and what funds owe each other."""
    from coopbank.reports.ladder import ladder as drawn

    found = frames.report(door, lambda view: drawn(view.books, options.day_or_none(as_of, "as_of")))
    if found is None:
        return
    currency = found.source.currency
    frames.title(_("What falls due when"), found.source, found.as_of)
    columns = [_("Due"), _("Number"), _("Fund"), _("Class, or fund that lends"), output.right(_("Rank")),
               output.right("%"), output.right(_("Principal")), output.right(_("Interest")), ""]  # fmt: skip
    rows = [
        [rung.due_on, rung.ref, rung.fund, rung.owed_to, "" if rung.rank is None else rung.rank, rung.annual_rate,
         output.amount(rung.principal, currency), output.amount(rung.interest, currency),
         _("overdue") if rung.overdue else ""]
        for rung in found.rungs
    ]  # fmt: skip
    output.table(columns, rows, empty=_("Nothing is owed to lenders or between funds."))
    for year in found.years:
        amounts = (output.amount(minor, currency) for minor in (year.principal, year.cumulative))
        output.line(
            _("{year}: {principal}, with all before {cumulative}").format(
                year=year.year, principal=next(amounts), cumulative=next(amounts)
            )
        )
    frames.rests_on(found.source)


@command(app, "budget")
def budget(
    door: Door,
    year: Annotated[int, typer.Argument(metavar="YEAR", min=1900, max=9998, help="The year, YYYY.")],
    fund: Annotated[str | None, typer.Option("--fund", metavar="F", help="Only budgets of this fund.")] = None,
    as_of: AsOf = None,
) -> None:
    """Actual against budget of a year, by fund and by gift: the month, and the year to date."""
    from coopbank.reports.budget import budget as drawn

    found = frames.report(door, lambda view: drawn(view.books, year, options.day_or_none(as_of, "as_of"), fund))
    if found is None:
        return
    frames.title(_("Budget of {year}").format(year=found.year), found.source, found.as_of)
    if not found.parts:
        output.line(_("No budget is set."))
        output.line()
    for part in found.parts:
        _budget_part(part, found)
        output.line()
    frames.rests_on(found.source, found.backdated)


def _budget_part(part: BudgetPart, found: BudgetReport) -> None:
    currency = found.source.currency
    output.line(f"{part.budget}  {_(part.fund_name)}" + (f", {part.gift}" if part.gift else ""))
    output.line(
        _("Version {number}, decided on {day}: {resolution}").format(
            number=part.version, day=part.decided_on, resolution=part.resolution
        )
    )
    columns = [
        _("Account"), _("Name"), output.right(f"{found.as_of:%Y-%m}"), output.right(_("Budget")),
        output.right(_("To date")), output.right(_("Budget")), output.right(_("Variance")), output.right("%"),
        output.right(_("Whole year")),
    ]  # fmt: skip
    rows = [_budget_row(row, _(row.name), currency) for row in part.income]
    rows.append(_budget_row(part.income_total, _("Income"), currency))
    rows += [_budget_row(row, _(row.name), currency) for row in part.expense]
    rows.append(_budget_row(part.expense_total, _("Expense"), currency))
    rows.append(_budget_row(part.result, _("Income less expense"), currency))
    rows += [_budget_row(row, _(row.name), currency) for row in part.assets]
    if part.assets:
        rows.append(_budget_row(part.assets_total, _("Assets bought"), currency))
    output.table(columns, rows)
    if part.version > 1:
        output.line(
            _("As first decided on {day}: income {income}, expense {expense}.").format(
                day=part.first_decided_on, income=output.amount(part.income_total.first_budget, currency),
                expense=output.amount(part.expense_total.first_budget, currency),
            )
        )  # fmt: skip


def _budget_row(row: BudgetRow, name: str, currency: str) -> list[str]:
    amounts = (row.month, row.month_budget, row.to_date, row.to_date_budget, row.variance)
    percent = "" if row.percent_bp is None else f"{Decimal(row.percent_bp) / 100:.1f}"
    return [row.code, name, *(output.amount(minor, currency) for minor in amounts), percent,
            output.amount(row.year_budget, currency)]  # fmt: skip


@command(app, "assets")
def assets(door: Door, as_of: AsOf = None) -> None:
    """The register of assets: cost, what was written off, book value."""
    from coopbank.reports.assets import assets as drawn

    found = frames.report(door, lambda view: drawn(view.books, options.day_or_none(as_of, "as_of")))
    if found is None:
        return
    currency = found.source.currency
    frames.title(_("Assets"), found.source, found.as_of)
    columns = [
        _("Number"), _("What it is"), _("Account"), _("Fund"), _("In use from"), output.right(_("Months")),
        output.right(_("Cost")), output.right(_("Written off")), output.right(_("Book value")),
    ]  # fmt: skip
    rows = [
        [row.asset, row.name if row.numbered else _("(not in the register)"), row.account, row.fund, row.in_use_from,
         row.life_months, *(output.amount(minor, currency) for minor in (row.cost, row.depreciated, row.value))]
        for row in found.rows
    ]  # fmt: skip
    total = [output.amount(minor, currency) for minor in (found.cost, found.depreciated, found.value)]
    output.table(columns, [*rows, ["", _("Total"), "", "", "", "", *total]])
    frames.rests_on(found.source, found.backdated)


@command(app, "portfolio")
def portfolio(door: Door, as_of: AsOf = None) -> None:
    """The loans as a whole: outstanding, arrears by age, what is at risk. `loans` lists them one by one."""
    from coopbank.reports.portfolio import portfolio as drawn

    found = frames.report(door, lambda view: drawn(view.books, options.day_or_none(as_of, "as_of")))
    if found is None:
        return
    frames.title(_("Loan portfolio"), found.source, found.as_of)
    _arrears(found)
    _beside(found)
    _by_risk(found)
    if found.proposed:
        output.line()
        output.line(_("So late that their interest should be income no more:"))
        for ref in found.proposed:
            output.line("  " + _("Propose: {operation}").format(operation=f"stop-accrual {ref}"))
    frames.rests_on(found.source)


def _arrears(found: Portfolio) -> None:
    currency = found.source.currency
    columns = [_("Arrears"), output.right(_("Loans")), output.right(_("Principal")), output.right(_("Due now"))]
    buckets = [*found.buckets, *(bucket for bucket in found.beside if bucket.loans)]
    rows = [
        [bucket.name, bucket.loans, output.amount(bucket.owed, currency), output.amount(bucket.due_now, currency)]
        for bucket in buckets
    ]
    total = sum(bucket.loans for bucket in buckets)
    last = [_("Total"), total, output.amount(found.owed, currency), output.amount(found.due_now, currency)]
    output.table(columns, [*rows, last])
    output.line()


def _beside(found: Portfolio) -> None:
    """What stands beside the arrears; what is not there is left out."""

    def money(minor: int) -> str:
        return output.amount(minor, found.source.currency)

    overdue = next((b for b in found.beside if b.code == "report overdue" and b.loans), None)
    late = "" if overdue is None else _("{amount}, the oldest by {days} days").format(
        amount=money(overdue.owed), days=overdue.longest
    )  # fmt: skip
    modified = _("{amount}, of which {at_risk} more than 30 days late").format(
        amount=money(found.modified), at_risk=money(found.modified_at_risk_30)
    )
    off = _("{amount} on {loans} loans").format(amount=money(found.charged_off), loans=found.charged_off_loans)
    output.pairs([
        (_("Interest earned, not paid"), money(found.accrued)),
        (_("Granted, not paid out"), money(found.granted)),
        (_("At risk, over 30 days late"), f"{money(found.at_risk_30)} ({output.percent(found.par30_bp)})"),
        (_("At risk, over 90 days late"), f"{money(found.at_risk_90)} ({output.percent(found.par90_bp)})"),
        (_("Deferred by terms"), money(found.deferred) if found.deferred else ""),
        (_("Report overdue"), late),
        (_("Modified"), modified if found.modified else ""),
        (_("On non-accrual"), money(found.non_accrual) if found.non_accrual else ""),
        (_("Charged off and still owed"), off if found.charged_off_loans else ""),
    ])  # fmt: skip


def _by_risk(found: Portfolio) -> None:
    """A line for each fund, where several lend."""
    if len(found.funds) < 2:
        return
    currency = found.source.currency
    columns = [
        _("Fund"), output.right(_("Loans")), output.right(_("Principal")), output.right(_("Over 30 days")), "",
        output.right(_("Over 90 days")), "", output.right(_("Deferred")), output.right(_("Modified")),
    ]  # fmt: skip
    rows = [
        [fund.code, fund.loans, output.amount(fund.owed, currency), output.amount(fund.at_risk_30, currency),
         output.percent(fund.par30_bp), output.amount(fund.at_risk_90, currency), output.percent(fund.par90_bp),
         output.amount(fund.deferred, currency), output.amount(fund.modified, currency)]
        for fund in found.funds
    ]  # fmt: skip
    output.line()
    output.table(columns, rows)


@command(app, "reconciliation")
def reconciliation(
    door: Door,
    account: Annotated[
        str | None, typer.Argument(metavar="ACCOUNT", help="The bank account, such as FIRST; the first if left out.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DATE", help="The day; the last that the bank told of if left out.")
    ] = None,
) -> None:
    """A bank account by the bank and by the books: what is open on either side, its age, and what it may be."""
    from coopbank.reports.reconciliation import reconciliation as drawn

    found = frames.report(door, lambda view: drawn(view.books, account, options.day_or_none(as_of, "as_of")))
    if found is None:
        return
    currency = found.source.currency
    frames.title(_("Bank reconciliation of {account}").format(account=found.bank_account), found.source, found.as_of)
    output.pairs([
        (_("Balance by the bank"), output.amount(found.by_bank, currency)),
        (_("+ deposits in transit"), output.amount(found.in_transit, currency)),
        (_("- outstanding payments"), output.amount(found.outstanding, currency)),
        (_("- not yet in the books"), output.amount(found.unrecognised, currency)),
        (_("= balance by the books"), output.amount(found.by_books, currency)),
        (_("Difference"), output.amount(found.difference, currency)),
        *_signatures(found),
    ])  # fmt: skip
    for title, open_ in ((_("Deposits in transit"), found.transit), (_("Outstanding payments"), found.payments)):
        _open_postings(title, open_, currency)
    _open_lines(found.lines, currency)
    output.line()
    frames.rests_on(found.source)


def _signatures(found: ReconciliationReport) -> list[tuple[str, object]]:
    signed = found.signed
    if signed is None or signed.state == "reopened":
        return [(_("Signed"), _("no"))]
    both: list[tuple[str, object]] = [(_("Signed by"), f"{signed.prepared_by}, {signed.prepared_on}")]
    if signed.reviewed_by is not None:
        both.append((_("Reviewed by"), f"{signed.reviewed_by}, {signed.reviewed_on}"))
    if not signed.agrees:
        both.append((_("Since then"), _("something of that day was entered or matched anew")))
    return both


def _open_postings(title: str, open_: Sequence[OpenPosting], currency: str) -> None:
    if not open_:
        return
    output.line()
    output.line(title)
    columns = [_("Line"), _("Day"), output.right(_("Days")), output.right(_("Amount")), _("Memo"), _("Matched since")]
    rows = [
        [each.ref, each.on, each.days, output.amount(each.amount, currency), each.memo, each.match] for each in open_
    ]
    output.table(columns, rows)


def _open_lines(open_: Sequence[OpenLine], currency: str) -> None:
    if not open_:
        return
    output.line()
    output.line(_("Not yet in the books"))
    columns = [_("Line"), _("Day"), output.right(_("Days")), output.right(_("Amount")), _("What the bank says"),
               _("May be"), _("By")]  # fmt: skip
    output.table(columns, [_open_line(each, currency) for each in open_])


def _open_line(line: OpenLine, currency: str) -> list[object]:
    reference = "" if line.reference in line.text.split() else line.reference
    said = " ".join(text for text in (line.text, reference) if text)
    row: list[object] = [line.ref, line.on, line.days, output.amount(line.amount, currency), said]
    if line.match is not None:
        return [*row, line.match, _("matched since")]
    if not line.suggestions:
        return [*row, "", ""]
    best = line.suggestions[0]
    entries = " ".join(best.entries) if len(best.entries) <= 5 else _("{count} entries").format(count=len(best.entries))
    words = {"amount": _("amount"), "date": _("date"), "reference": _("reference")}
    return [*row, entries, ", ".join(words[each] for each in best.by)]
