"""Read-only questions to the books, answered as frozen dataclasses. Amounts are minor units, debit +.

    with bank.read() as books:
        trial_balance(books, as_of)            by control account and fund
        balance_sheet(books, as_of)            owned, owed, members' stake
        income(books, start, end)              of a period, by fund
        fund(books, "RLF", as_of)              claim on cash, lent, committed, owed to lenders, balance; "all" for all
        assets(books, as_of)                   the register: cost, what was written off, book value
        budget(books, 2026, as_of, fund)       actual against budget, month and year to date, by fund and by gift
        portfolio(books, as_of)                loans, days late, PAR30 and PAR90
        member(books, "M0007", start, end)     everything that a member statement shows
        member_card(books, "M0007")            the member at the counter, now
        loan.story(books, "L-010", as_of)      a loan's whole story; not imported here, since it takes long to load
        loan.explain(books, "L-010", "row", 3) any figure of a loan in plain sentences that recompute
        find_members(books, "lee")             the find box
        loose_ends(books), day_report(books, day)   the evening: what is loose, and what the day came to
        journal(books, account="905/M0007")    pages of the journal; journal_entry(books, 12) one entry

    as_document(report)                        any of them as JSON values, amounts as decimal texts

As-of is by effective date. A report on a past date says in `backdated` what was posted into it afterwards.
"""

from coopbank.reports.assets import Assets, assets
from coopbank.reports.budget import BudgetReport, budget
from coopbank.reports.card import MemberCard, member_card
from coopbank.reports.document import as_document, natural
from coopbank.reports.evening import DayReport, LooseEnds, day_report, loose_ends
from coopbank.reports.financial import BalanceSheet, Funds, Income, balance_sheet, fund, income
from coopbank.reports.find import FoundMember, find_members, member_ref
from coopbank.reports.journal import JournalEntry, JournalPage, journal, journal_entry
from coopbank.reports.member import MemberReport, member
from coopbank.reports.portfolio import Portfolio, portfolio
from coopbank.reports.trial_balance import TrialBalance, trial_balance

__all__ = [
    "Assets",
    "BalanceSheet",
    "BudgetReport",
    "DayReport",
    "FoundMember",
    "Funds",
    "Income",
    "JournalEntry",
    "JournalPage",
    "LooseEnds",
    "MemberCard",
    "MemberReport",
    "Portfolio",
    "TrialBalance",
    "as_document",
    "assets",
    "balance_sheet",
    "budget",
    "day_report",
    "find_members",
    "fund",
    "income",
    "journal",
    "journal_entry",
    "loose_ends",
    "member",
    "member_card",
    "member_ref",
    "natural",
    "portfolio",
    "trial_balance",
]
