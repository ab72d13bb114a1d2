"""A loan's story as the command line shows it: the facts, then a table for each of its parts."""

from __future__ import annotations

from coopbank.cli import output
from coopbank.reports.loan import ACCOUNTS, LoanStory
from coopbank.reports.loan_words import absorber_words
from coopbank.words import _


def show_story(found: LoanStory) -> None:
    """All of it, as lines and tables."""
    money = output.Money(found.source.currency)
    output.line(f"{found.loan}  {found.member}  {found.name}")
    _show_agreed(found, money)
    _show_standing(found, money)
    _show_books(found, money)
    _show_bearers(found, money)
    _show_terms(found)
    _show_events(found, money)
    _show_collateral(found, money)
    _show_rows(found, money)
    _show_periods(found, money)


def _show_agreed(found: LoanStory, money: output.Money) -> None:
    state = _(found.state) if not found.modified else _("{state}, eased").format(state=_(found.state))
    asked = _("{day} by {user}").format(day=found.granted_on, user=found.granted_by)
    output.pairs([
        (_("State on {day}").format(day=found.as_of), state), (_("Purpose"), found.purpose),
        (_("Product"), f"{found.product} {found.product_version}  {_(found.product_title)}".rstrip()),
        (_("Funds"), ", ".join(f"{part.fund} {part.percent} %" for part in found.funds)),
        (_("Agreed"), _agreed(found, money)), (_("Application"), found.application), (_("Granted on"), asked),
        (_("Approved by"), found.approved_by), (_("Paid out on"), found.disbursed_on),
        (_("Ends by"), found.last_due), (_("Refinanced by"), found.replaced_by), (_("Grade of risk"), found.grade),
        (_("Specific allowance"), "" if found.reserve is None else money(found.reserve)),
    ])  # fmt: skip


def _agreed(found: LoanStory, money: output.Money) -> str:
    if found.repayment in ("surplus", "revenue"):
        return f"{money(found.principal)}, {found.terms[-1].words}"
    words = _("{amount} at {rate} % over {count} payments").format(
        amount=money(found.principal), rate=found.annual_rate, count=found.installments
    )
    return _("{terms} of {payment}").format(terms=words, payment=money(found.payment)) if found.payment else words


def _show_standing(found: LoanStory, money: output.Money) -> None:
    interest = _("Cost to be paid") if found.repayment == "revenue" else _("Interest to date")
    output.line()
    if found.projected:
        output.line(_("On {day}, if nothing is paid until then:").format(day=found.as_of))
    due = f"{money(found.due_now)}" + (f"  {_('since')} {found.due_since}" if found.due_now else "")
    ahead = f"{found.next_due}  {money(found.next_amount)}" if found.next_due else ""
    output.pairs([
        (_("Owed, principal"), money(found.owed_principal)), (interest, money(found.interest_to_date)),
        (_("Fees"), money.or_blank(found.owed_fees)), (_("Closes it"), money(found.payoff)),
        (_("Due now"), due), (_("Days late"), found.days_late or ""), (_("Next due"), ahead),
        (_("Available"), money.or_blank(found.available)),
        (_("Cap of all cost"), "" if found.cap is None else money(found.cap)),
        (_("Paid"), _paid(found, money)), (_("Waived"), money.or_blank(found.waived)),
        (_("Owed no more"), money.or_blank(found.given_up)), (_("Paid too much"), money.or_blank(found.overpaid)),
        (_("Interest"), _basis(found)), (_("Bucket"), _(found.bucket)), (_("In short"), found.words),
    ])  # fmt: skip


def _paid(found: LoanStory, money: output.Money) -> str:
    if not found.paid_principal and not found.paid_interest and not found.paid_fees:
        return ""
    text = _("{principal} of principal, {interest} of interest")
    if found.repayment == "revenue":
        text = _("{principal} of principal, {interest} of cost")
    words = text.format(principal=money(found.paid_principal), interest=money(found.paid_interest))
    return _("{parts}, {fees} of fees").format(parts=words, fees=money(found.paid_fees)) if found.paid_fees else words


def _basis(found: LoanStory) -> str:
    return {
        "recovery": _("no income; money received repays principal in the books"),
        "cash": _("income only where it is paid"), "cap": _("income only up to the cap"),
    }.get(found.basis, "") if found.repayment != "revenue" else ""  # fmt: skip


def _show_books(found: LoanStory, money: output.Money) -> None:
    """What the accounts of each fund hold."""
    if not any(found.books.values()) and not found.books_later:
        return
    names = {
        "701": _("principal"), "781": _("interest"), "791": _("fees"), "M10": _("owed, no income yet"),
        "M20": _("charged off, still owed"), "M30": _("owed to peers"), "M40": _("promised"),
    }  # fmt: skip
    shown = [code for code in ACCOUNTS if found.books[code]]
    funds = found.funds if len(found.funds) > 1 else ()
    columns = [_("Books"), "", *(output.right(part.fund) for part in funds), output.right(_("Together"))]
    rows = [
        [code, names[code], *(money(part.books[code]) for part in funds), money(found.books[code])] for code in shown
    ]
    output.line()
    output.table(columns, rows)
    if found.accrued_to is not None and found.repayment != "revenue":
        output.line(_("Interest stands in the books up to {day}, that day not counted.").format(day=found.accrued_to))
    if found.books_later:
        told = ", ".join(f"{code} {money(amount)}" for code, amount in found.books_later.items())
        output.line(_("Entered later and dated up to this day, so that the trial balance has it: {amounts}.").format(
            amounts=told))  # fmt: skip


def _show_bearers(found: LoanStory, money: output.Money) -> None:
    """Who bore its loss, and what is still borne after what came back."""
    if not found.bearers:
        return
    output.line()
    columns = [_("Loss borne by"), _("Fund"), output.right(_("Bore")), output.right(_("Still bears"))]
    output.table(columns, [[absorber_words(each.absorber), each.fund, money(each.bore), money(each.bears)]
                           for each in found.bearers])  # fmt: skip


def _show_terms(found: LoanStory) -> None:
    output.line()
    columns: list[str] = [output.right("#"), _("Terms from"), _("Change"), _("Asked by"), _("Approved by"), _("What")]
    rows: list[list[object]] = []
    for each in found.terms:
        back = "" if each.taken_back_by is None else _("[taken back by {number}]").format(number=each.taken_back_by)
        why = f"({each.why})" if each.why else ""
        what = " ".join(part for part in (back, each.words, why) if part)
        rows.append([each.version, each.from_day, _(each.change), each.asked_by, each.approved_by or "", what])
    _whole(columns, rows)


def _show_events(found: LoanStory, money: output.Money) -> None:
    if not found.events:
        return
    output.line()
    columns = [
        output.right("#"), _("Counts from"), _("Posted on"), output.right(_("Operation")), _("By"), _("What happened"),
    ]  # fmt: skip
    rows: list[list[object]] = []
    for each in found.events:
        by = each.by if each.approved_by is None else f"{each.by}, {each.approved_by}"
        what = each.words
        if each.type == "payment":
            shared = _("{what}: interest {interest}, principal {principal}")
            if found.repayment == "revenue":
                shared = _("{what}: cost {interest}, principal {principal}")
            what = shared.format(what=what, interest=money(each.paid_interest), principal=money(each.paid_principal))
            if each.paid_fees:
                what = _("{what}, fees {fees}").format(what=what, fees=money(each.paid_fees))
        if each.taken_back_by is not None:
            what = _("[taken back by {number}] {what}").format(number=each.taken_back_by, what=what)
        rows.append(
            [each.number, each.on, each.posted_on if each.posted_on != each.on else "", each.operation, by, what]
        )
    _whole(columns, rows)


def _whole(columns: list[str], rows: list[list[object]]) -> None:
    """A table whose last column is not cut."""
    cells = [["" if value is None else output.safe(value) for value in row] for row in rows]
    output.print_aligned([columns, *cells], [isinstance(column, output.right) for column in columns])


def _show_collateral(found: LoanStory, money: output.Money) -> None:
    if not found.collateral:
        return
    output.line()
    columns = [_("Secured by"), _("What"), output.right(_("Cost")), _("Pledged on"), _("State"), _("Lien")]
    rows = [
        [each.ref, each.asset, money(each.cost), each.pledged_on, _(each.state), each.lien] for each in found.collateral
    ]
    output.table(columns, rows)


def _show_rows(found: LoanStory, money: output.Money) -> None:
    if not found.rows:
        return
    output.line()
    if found.repayment == "line":
        columns = [output.right("#"), _("Interest due"), _("State")]
        output.table(columns, [[row.n, row.due, _(row.state)] for row in found.rows])
        return
    if found.due_before:
        output.line(_("Due from before this schedule: {amount}.").format(amount=money(found.due_before)))
    columns = [
        output.right("#"), _("Due"), output.right(_("Principal")), output.right(_("Interest")),
        output.right(_("Payment")), output.right(_("Paid")), output.right(_("Balance")), _("State"),
    ]  # fmt: skip
    output.table(columns, [
        [row.n, row.due, money(row.principal), money(row.interest), money(row.payment), money.or_blank(row.paid),
         money(row.balance), _(row.state)]
        for row in found.rows
    ])  # fmt: skip


def _show_periods(found: LoanStory, money: output.Money) -> None:
    if not found.periods:
        return
    output.line()
    of_revenue = found.repayment == "revenue"
    columns = [
        output.right("#"), _("Until"), _("Report"), _("by"), output.right(_("Revenue") if of_revenue else _("Surplus")),
        output.right(_("Ceiling")), output.right(_("Due")), output.right(_("Paid")), _("Pay by"),
    ]  # fmt: skip
    if not of_revenue:
        columns.append(output.right(_("Cap room")))
    rows = []
    for each in found.periods:
        known = each.report == "accepted"
        cells = [money(each.revenue if of_revenue else each.surplus), money(each.ceiling), money(each.due),
                 money(each.paid), each.due_on, *([] if of_revenue else [money(each.cap_room)])]  # fmt: skip
        report = _(each.report) if not each.days_overdue else f"{_(each.report)} {each.days_overdue}"
        rows.append([each.n, each.end, report, each.report_due, *(cells if known else [""] * len(cells))])
    output.table(columns, rows)
