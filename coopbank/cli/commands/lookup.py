"""Looking things up: members, loans, accounts, entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from coopbank.cli import options, output
from coopbank.cli.app import app, command
from coopbank.cli.door import Door
from coopbank.cli.options import AsOf, From, To
from coopbank.errors import Unknown, WrongUsage
from coopbank.words import _, marked

if TYPE_CHECKING:
    from coopbank.reports.card import MemberCard
    from coopbank.reports.journal import JournalEntry
    from coopbank.reports.portfolio import PortfolioLoan

Most = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="How many at most.")]

# -------------------------------------------------------------------------------- members


@command(app, "members")
def members(
    door: Door,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Part of a name or telephone, a number, a loan.")] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many at most.")] = 10_000,
) -> None:
    """Find members by name, number, telephone or loan; all of them if nothing is named."""
    from coopbank.reports.document import as_document
    from coopbank.reports.find import find_members

    with door.reading() as view:
        found = find_members(view.books, text, limit + 1)
    shown = found[:limit]
    _tell_cut(len(found) > limit, limit)
    if door.as_json:
        output.document({"members": as_document(shown), "more": len(found) > limit})
        return
    rows = [[each.member, each.name, each.phone, each.found_by] for each in shown]
    output.table([_("Member"), _("Name"), _("Telephone"), ""], rows, empty=_("No member was found."))


def _tell_cut(more: bool, limit: int) -> None:
    if more:
        output.narrate(_("There are more than {limit}; --limit shows more.").format(limit=limit))


@command(app, "member")
def member(
    door: Door, number: Annotated[str, typer.Argument(metavar="ID", help="Member number: M0007, or 7.")]
) -> None:
    """One member: shares, savings, loans, what waits."""
    from coopbank.reports.card import member_card
    from coopbank.reports.document import as_document
    from coopbank.reports.find import member_ref

    with door.reading() as view:
        card = member_card(view.books, member_ref(number) or _member_like(number))
    if door.as_json:
        output.document(as_document(card))
    else:
        _show_card(card)


def _member_like(text: str) -> str:
    raise Unknown(
        "There is no member {member}.",
        field="member",
        member=text[:60],
        hint="Find the number with: coopbank members NAME",
    )


_LANGUAGES: Final = {"en": marked("English"), "es": marked("Spanish")}


def _show_card(card: MemberCard) -> None:
    money = output.Money(card.source.currency)
    output.line(f"{card.member}  {card.name}")
    output.pairs([
        (_("Status"), _(card.status)), (_("Died on"), card.died_on), (_("Contact lost since"), card.lost_since),
        (_("Forgotten on"), card.forgotten_on), (_("Kind"), _(card.entity)), (_("Member since"), card.joined_on),
        (_("Telephone"), card.phone), (_("E-mail"), card.email), (_("Address"), card.address),
        (_("Language"), _(_LANGUAGES.get(card.language, card.language))), (_("Waiting"), ", ".join(card.waiting)),
        (_("Paid without saying what for"), money.or_blank(card.unapplied)),
        (_("Owing"), money.or_blank(card.owing)),
    ])  # fmt: skip
    if card.shares:
        output.line()
        rows = [[each.title, money(each.amount), each.words] for each in card.shares]
        output.table([_("Shares"), output.right(_("Amount")), ""], rows)
    if card.savings:
        output.line()
        _show_savings(card, money)
    if card.owners:
        from coopbank.bank.contact import ROLE_WORDS

        output.line()
        owners = [
            [each.ref, _(ROLE_WORDS[each.role]), each.name, each.member or "",
             f"S-{each.account}" if each.account else _("all")]
            for each in card.owners
        ]  # fmt: skip
        output.table([_("On the accounts"), "", _("Name"), _("Member"), _("Account")], owners)
    if card.loans:
        output.line()
        columns = [_("Loan"), _("Purpose"), output.right(_("Owed")), output.right(_("Payoff")), _("State"), ""]
        loans = [
            [each.ref, each.purpose, money(each.owed), money(each.payoff), _(each.state), each.words]
            for each in card.loans
        ]
        output.table(columns, loans)


def _show_savings(card: MemberCard, money: output.Money) -> None:
    columns = [
        _("Savings"), output.right(_("Balance")), output.right(_("Held")), output.right(_("Available")),
        output.right(_("Rate")), "",
    ]  # fmt: skip
    rows = [
        [each.ref, money(each.balance), money.or_blank(each.held), money(each.available), f"{each.annual_rate} %",
         _(each.state) if each.state != "open" else ""]
        for each in card.savings
    ]  # fmt: skip
    output.table(columns, rows)


# ---------------------------------------------------------------------------------- loans


@command(app, "loans")
def loans(door: Door, as_of: AsOf = None) -> None:
    """Every loan that is granted or owed, and how late it is."""
    from coopbank.reports.document import as_document
    from coopbank.reports.portfolio import portfolio

    with door.reading() as view:
        found = portfolio(view.books, options.day_or_none(as_of, "as_of"))
    currency = found.source.currency
    if door.as_json:
        output.document({"as_of": found.as_of, "loans": as_document(found.loans, currency)})
        return
    columns = [
        _("Loan"), _("Member"), _("Name"), _("Fund"), output.right(_("Agreed")), output.right(_("Owed")),
        output.right(_("Due now")), output.right(_("Days late")), _("Next due"), _("State"),
    ]  # fmt: skip
    rows = [
        [each.ref, each.member, each.name, each.fund, output.amount(each.agreed, currency),
         output.amount(each.owed, currency), output.amount(each.due_now, currency) if each.due_now else "",
         each.days_late or "", each.next_due, _loan_state(each)]
        for each in found.loans
    ]  # fmt: skip
    output.table(columns, rows, empty=_("There is no loan."))


def _loan_state(each: PortfolioLoan) -> str:
    """`active`, and what sets a loan apart: deferral by its terms, a report that is missing, non-accrual."""
    marks = [_(each.state)]
    if each.repayment in ("surplus", "revenue") and each.state == "active":
        marks.append(_(each.bucket))
    if each.non_accrual:
        marks.append(_("non-accrual"))
    if each.modified:
        marks.append(_("eased"))
    return ", ".join(marks)


@command(app, "loan")
def loan(
    door: Door, number: Annotated[str, typer.Argument(metavar="ID", help="Loan number: L-010.")], as_of: AsOf = None
) -> None:
    """The whole story of a loan: what was agreed and changed, what happened, what is owed and due, its schedule.

    A past day shows the loan as the books knew it then; a day to come, what will be if nothing is paid.
    """
    from coopbank.cli.story import show_story
    from coopbank.reports.document import as_document
    from coopbank.reports.loan import story

    with door.reading() as view:
        found = story(view.books, number.upper(), options.day_or_none(as_of, "as_of"))
    if door.as_json:
        output.document(as_document(found) | {"currency": view.currency})
    else:
        show_story(found)


# ------------------------------------------------------------------- accounts and entries


@command(app, "accounts")
def accounts(
    door: Door,
    account: Annotated[
        str | None, typer.Argument(metavar="ACCOUNT", help="905, 905/M0007, 'GEN 905' or /L-010.")
    ] = None,
    fund: Annotated[str | None, typer.Option("--fund", metavar="CODE", help="Those of one fund.")] = None,
    empty: Annotated[bool, typer.Option("--empty", help="Those without a balance too.")] = False,
) -> None:
    """The accounts that hold something, with their balances now; debit positive."""
    from coopbank.cli.accounts import leaves

    with door.reading() as view:
        found = [leaf for leaf in leaves(view.books, account, fund) if empty or leaf.balance]
    if door.as_json:
        output.document({
            "accounts": [
                {
                    "fund": leaf.fund, "account": leaf.code, "name": leaf.name, "kind": leaf.kind,
                    "holder": leaf.holder, "currency": leaf.currency,
                    "balance": output.exact(leaf.balance, leaf.currency),
                }
                for leaf in found
            ]
        })  # fmt: skip
        return
    columns = [_("Fund"), _("Account"), _("Name"), output.right(_("Debit")), output.right(_("Credit")), ""]
    rows = [
        [leaf.fund, leaf.code, _(leaf.name), *output.sides(leaf.balance, leaf.currency),
         leaf.currency if leaf.currency != view.currency else ""]
        for leaf in found
    ]  # fmt: skip
    output.table(columns, rows, empty=_("No account holds anything."))


@command(app, "entries")
def entries(
    door: Door,
    start: From = None,
    end: To = None,
    account: Annotated[
        str | None, typer.Option("--account", metavar="ACCOUNT", help="905, 905/M0007, 'GEN 905' or /L-010.")
    ] = None,
    member: Annotated[
        str | None, typer.Option("--member", metavar="ID", help="Those on this member's own accounts.")
    ] = None,
    limit: Most = 50,
    before: Annotated[
        str | None, typer.Option("--before", metavar="N", help="Only entries before this number: the next page.")
    ] = None,
) -> None:
    """The journal, newest entry first."""
    from coopbank.cli.accounts import member_entries
    from coopbank.reports.document import as_document
    from coopbank.reports.journal import journal

    if account is not None and member is not None:
        raise WrongUsage(
            "Entries are listed by account or by member, not both.", field="member", hint="Leave one of them out."
        )
    first, last = options.day_or_none(start, "from"), options.day_or_none(end, "to")
    upto = None if before is None else options.number(before, "before")
    with door.reading() as view:
        if member is None:
            page = journal(view.books, first, last, account, limit, upto)
        else:
            page = member_entries(view.books, member, first, last, limit, upto)
    if page.before is not None:
        output.narrate(_("There are more: --before {number} shows the next.").format(number=page.before))
    if door.as_json:
        output.document({"entries": as_document(page.entries, view.currency), "before": page.before})
        return
    if not page.entries:
        output.narrate(_("There is no such entry."))
    for index, each in enumerate(page.entries):
        if index:
            output.line()
        _show_entry(each)


@command(app, "entry")
def entry(door: Door, number: Annotated[str, typer.Argument(metavar="N", help="Number of the entry.")]) -> None:
    """One entry of the journal."""
    from coopbank.reports.document import as_document
    from coopbank.reports.journal import journal_entry

    with door.reading() as view:
        found = journal_entry(view.books, options.number(number, "entry"))
    if door.as_json:
        output.document(as_document(found, view.currency))
        return
    _show_entry(found)
    output.pairs([
        (_("Operation"), f"{found.operation} {found.kind}"), (_("Posted on"), found.posted_on), (_("By"), found.actor),
        (_("Approved by"), found.approver), (_("Reverses"), found.reverses), (_("Reversed by"), found.reversed_by),
    ])  # fmt: skip


def _show_entry(each: JournalEntry) -> None:
    marks = []
    if each.reverses is not None:
        marks.append(_("reverses {number}").format(number=each.reverses))
    if each.reversed_by is not None:
        marks.append(_("reversed by {number}").format(number=each.reversed_by))
    end = f"  [{', '.join(marks)}]" if marks else ""
    output.line(f"{each.number}  {each.effective_on}  {each.memo}{end}")
    rows = [["  " + line.fund, line.code, _(line.name), *output.sides(line.amount, line.currency),
             line.currency if line.currency == "MEM" else ""] for line in each.lines]  # fmt: skip
    output.print_aligned(
        [[output.safe(cell) for cell in row] for row in rows], [False, False, False, True, True, False]
    )
