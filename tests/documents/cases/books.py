"""Cases of the error gallery: notes, gifts, bills, the journal and the opening."""

from __future__ import annotations

import json
from typing import Any

from coopbank import errors as e
from tests.documents.gallery_case import Case, no

_OLD_LOAN = {
    "loan": "L-007", "member": "M0001", "principal": "900.00", "annual_rate": "5", "installments": 12,
    "disbursed_on": "2025-11-03",
}  # fmt: skip
_OLD_SHARE = {
    "loan": "L-007", "member": "M0001", "principal": "900.00", "annual_rate": "5", "repayment": "surplus",
    "share_percent": "50", "outer_date": "2030-11-03", "disbursed_on": "2024-11-04",
    "reports": [{"accepted_on": "2025-12-01", "surplus": "600.00"}],
    "payments": [{"on": "2025-12-15", "amount": "300.00"}],
}  # fmt: skip
_OLD_NOTE = {
    "note": "N-004", "principal": "800.00", "annual_rate": "2", "issued_on": "2024-05-01", "due_on": "2028-05-01",
}  # fmt: skip


def opening(
    klass: type[e.CoopbankError], title: str, *lines: str, advice: str = "", scene: str = "old", **more: Any
) -> Case:
    """Opening balances that the treasurer takes over."""
    options = "".join(f" --lines '{line}'" for line in lines)
    options += "".join(f" --{name} {_quoted(value)}" for name, value in more.items())
    return no(klass, title, f"tom do opening-balance{options}", advice, scene=scene)


def _quoted(value: Any) -> str:
    return "'" + (value if isinstance(value, str) else json.dumps(value)) + "'"


# fmt: off
CASES: tuple[Case, ...] = (
    # -------------------------------------------------------------------------------------- notes
    no(e.InvalidDate, "A note due on the day of issue",
       "tom do issue-note --lender 'A friend' --amount 100.00 --annual-rate 1 --due-on 2026-03-02",
       "Choose a later day."),
    no(e.InvalidAmount, "More paid back than the note has", "tom do repay-note --note N-001 --amount 9000.00",
       "Leave the amount out: all of it is meant."),
    no(e.InvalidAmount, "A note renewed without saying for how much",
       "tom do repay-note --note N-001 --renew-until 2030-01-01"),
    no(e.InvalidAmount, "A note renewed of which nothing is left",
       "tom do repay-note --note N-001 --amount 5000.00 --renew-until 2030-01-01",
       "Leave --renew-until out, or pay less back."),
    no(e.InvalidAmount, "Interest paid on the day of issue", "tom do repay-note --note N-001 --amount 0.00",
       "Wait until interest has grown."),
    no(e.WrongState, "A note that is repaid", "tom do repay-note --note N-002", "Nothing is to be paid.",
       steps="tom+sue issue-note lender=Friend amount=100.00 annual_rate=1 due_on=2027-03-02\n"
             "tom+sue repay-note note=N-002"),

    # ---------------------------------------------------------------------------- gifts and bills
    no(e.AlreadyExists, "A fund's code that is taken",
       "tom do open-fund --code EDU --fund-name Books --fund-class restricted",
       "Use the fund, or choose another code."),
    no(e.Unknown, "A gift for a fund that there is not",
       "tom do receive-gift --fund BOOKS --amount 10.00 --donor Rosa --tender transfer",
       "See the funds with: coopbank fund; a new one is opened with open-fund."),
    no(e.InvalidValue, "A gift to the pool",
       "tom do receive-gift --fund POOL --amount 10.00 --donor Rosa --tender transfer"),
    no(e.WrongState, "Money with a condition, entered as a gift",
       "tom do receive-gift --fund GRANT --amount 10.00 --donor Rosa --tender transfer",
       "It becomes a gift when the condition is met."),
    no(e.AlreadyExists, "A gift's number that is taken",
       "tom do receive-gift --fund EDU --amount 10.00 --donor Rosa --tender transfer --number G-01",
       "Leave the number out; the next free one is given."),
    no(e.Overdrawn, "More spent than is left of a gift", "tom do spend-gift --gift G-01 --amount 500.00 --expense 271",
       "Spend what is left, and pay the rest from the general fund."),
    no(e.WrongState, "A gift without a purpose, released",
       "tom do spend-gift --gift G-02 --amount 10.00 --expense 271"),
    no(e.WrongState, "A bill of a restricted fund",
       "ana do enter-bill --supplier PRESS --number 9 --amount 10.00 --expense 271 --fund EDU"),
    no(e.InvalidValue, "A bill paid by a gift of another fund",
       "ana do enter-bill --supplier PRESS --number 9 --amount 10.00 --expense 271 --fund RLF --gift G-01",
       "Leave the fund out: the gift says it."),
    no(e.Unknown, "An expense that is not in the chart",
       "ana do enter-bill --supplier PRESS --number 9 --amount 10.00 --expense 299",
       "See the chart with: coopbank trial-balance."),
    no(e.InvalidValue, "A bill on an account that is no expense",
       "ana do enter-bill --supplier PRESS --number 9 --amount 10.00 --expense 940"),
    no(e.InvalidValue, "A bill on an expense that another operation posts",
       "ana do enter-bill --supplier PRESS --number 9 --amount 10.00 --expense 341",
       "Use the operation for it; interest on notes is posted by repay-note and by closing the month."),
    no(e.AlreadyExists, "A bill entered twice",
       "ana do enter-bill --supplier power --number 77 --amount 80.00 --expense 290",
       "Throw the copy away; if it is another bill, give its own number."),
    no(e.WrongState, "A bill paid twice", "tom do pay-bill --bill B-00001 --tender transfer", "It is done."),
    no(e.NotAllowed, "A bill paid by whoever entered it", "tom do pay-bill --bill B-00003 --tender transfer",
       steps="tom enter-bill supplier=WATER number=5 amount=10.00 expense=290"),
    no(e.Overdrawn, "A bill above what the fund has",
       "ana do pay-expense --supplier PRESS --number 9 --amount 900.00 --expense 271 --tender transfer",
       "Pay less, or bring money into the fund first: coopbank fund GEN."),

    # -------------------------------------------------------------------------------- the journal
    no(e.InvalidValue, "A journal entry that does not balance",
       "tom do journal-entry --memo rent --lines 'GEN 250 Dr 90.00' --lines 'GEN 862 Cr 80.00'",
       "Debits and credits must be equal within each fund."),
    no(e.InvalidValue, "A journal entry that moves nothing",
       "tom do journal-entry --memo rent --lines 'GEN 250 Dr 90.00' --lines 'GEN 250 Cr 90.00'",
       "Name two different accounts."),
    no(e.InvalidValue, "A line in another form",
       "tom do journal-entry --memo rent --lines 'rent 90' --lines 'cash 90'"),
    no(e.InvalidValue, "An account in another form",
       "tom do journal-entry --memo rent --lines 'GEN rent Dr 90.00' --lines 'GEN 862 Cr 90.00'"),
    no(e.InvalidValue, "A line without its account",
       """tom do journal-entry --memo rent --lines '[{"fund": "GEN", "debit": "9.00"}, "GEN 862 Cr 9.00"]'""",
       "Write the lines as: GEN 250 Dr 9.00."),
    no(e.InvalidValue, "A line with a field that there is not",
       """tom do journal-entry --memo rent --lines '[{"fund": "GEN", "acct": "250"}, "GEN 862 Cr 9.00"]'""",
       "Write the lines as: GEN 250 Dr 9.00."),
    no(e.InvalidValue, "A line with a field too many",
       """tom do journal-entry --memo rent --lines '[{"fund": "GEN", "account": "250", "debit": "9.00", "x": "y"},"""
       """ "GEN 862 Cr 9.00"]'""",
       "What it is for stands in the memo."),
    no(e.InvalidValue, "A line without a side",
       """tom do journal-entry --memo rent --lines '[{"fund": "GEN", "account": "250"}, "GEN 862 Cr 9.00"]'""",
       "Write the lines as: GEN 250 Dr 9.00."),
    no(e.Unknown, "An account that is not in the chart",
       "tom do journal-entry --memo rent --lines 'GEN 251 Dr 90.00' --lines 'GEN 862 Cr 90.00'",
       "See the chart with: coopbank trial-balance."),
    no(e.InvalidValue, "A journal entry on savings",
       "tom do journal-entry --memo bonus --lines 'GEN 290 Dr 9.00' --lines 'GEN 905/M0001 Cr 9.00'",
       "Use the operation for it, here deposit or correct."),
    no(e.InvalidValue, "A bank account that is not named",
       "tom do journal-entry --memo fee --lines 'GEN 260 Dr 9.00' --lines 'GEN 731 Cr 9.00'"),
    no(e.InvalidValue, "The indivisible reserve, taken from",
       "tom do journal-entry --memo x --lines 'GEN 932 Dr 9.00' --lines 'GEN 940 Cr 9.00'",
       "It only grows; losses go to 940 or 931."),
    no(e.WrongState, "A journal entry that spends a restricted fund past its gifts",
       "tom do journal-entry --memo rent --lines 'EDU 250 Dr 9.00' --lines 'EDU 731/FIRST Cr 9.00'"),
    no(e.InvalidValue, "A transfer between funds, only one side of it",
       "tom do journal-entry --memo x --lines 'GEN 187 Dr 9.00' --lines 'GEN 862 Cr 9.00'",
       "Write the other fund's side into the same entry."),
    no(e.InvalidDate, "An entry dated before the books began",
       "tom do journal-entry --memo rent --effective-on 2026-02-10 --lines 'GEN 250 Dr 9.00' --lines 'GEN 862 Cr 9.00'",
       "What was before is taken over as an opening balance."),
    no(e.Overdrawn, "An entry dated back to when the money was not there",
       "tom do journal-entry --memo fee --effective-on 2026-03-02 --lines 'GEN 260 Dr 500.00'"
       " --lines 'GEN 731/FIRST Cr 500.00'",
       "Date it on a day when the fund had the money.",
       steps="day 2026-03-05\nana deposit member=M0001 amount=900.00 tender=transfer"),
    no(e.NotAllowed, "A journal entry by a teller",
       "ana do journal-entry --memo rent --lines 'GEN 250 Dr 9.00' --lines 'GEN 862 Cr 9.00'",
       "Ask the treasurer."),

    # --------------------------------------------------------------------------- opening balances
    opening(e.InvalidValue, "Dividends payable taken over as a sum", "GEN 821 Cr 10.00", "GEN 990 Dr 10.00",
            advice="Take over what is payable to each member."),
    opening(e.InvalidValue, "Redemptions taken over", "GEN 825/M0001 Cr 25.00", "GEN 990 Dr 25.00",
            advice="Take over the shares, and accept the redemption anew."),
    opening(e.InvalidValue, "A fund claims more than the pool owes it",
             "POOL 731/FIRST Dr 100.00", "POOL 879/GEN Cr 100.00", "GEN 729 Dr 90.00", "GEN 990 Cr 90.00",
             advice="Cash of a fund takes four lines; their amounts are the same."),
    opening(e.InvalidValue, "Cash taken over into a drawer", "POOL 739/D1 Dr 100.00", "POOL 879/GEN Cr 100.00"),
    opening(e.InvalidValue, "Cheques taken over", "GEN 735/D1 Dr 100.00", "GEN 990 Cr 100.00"),
    opening(e.InvalidValue, "Open bills taken over", "GEN 801/POWER Cr 100.00", "GEN 990 Dr 100.00"),
    opening(e.InvalidValue, "Something else than cash in the pool", "POOL 741 Dr 100.00", "POOL 990 Cr 100.00",
             advice="Name the fund that owns it."),
    opening(e.InvalidValue, "A claim in the wrong fund", "GEN 879/GEN Cr 100.00", "GEN 990 Dr 100.00",
             advice="Write GEN 729 and POOL 879/GEN."),
    opening(e.InvalidValue, "A shared bank account in a fund", "GEN 731/FIRST Dr 100.00", "GEN 990 Cr 100.00",
             advice="Write the fund that the bank account is in, here POOL."),
    opening(e.InvalidAmount, "A part of a share taken over", "GEN 901/M0001 Cr 10.00", "GEN 990 Dr 10.00"),
    opening(e.InvalidValue, "Savings in another fund", "RLF 905/M0001 Cr 10.00", "RLF 990 Dr 10.00",
             advice="Savings are owed by the co-operative itself."),
    opening(e.NotOffered, "Savings taken over by a charity", "GEN 905/M0001 Cr 10.00", "GEN 990 Dr 10.00",
             advice="Enter it as what it is, such as 862 or 872.", scene="charity"),
    opening(e.InvalidValue, "Memo accounts without their other side", "GEN M20/L-007 Dr 10.00", "GEN M29 Cr 9.00",
             advice="Write the same amount on both."),
    opening(e.InvalidValue, "A loan taken over without its terms", "RLF 701/L-007 Dr 500.00", "RLF 990 Cr 500.00"),
    opening(e.InvalidValue, "Terms of a loan, and nothing owed on it", "GEN 940 Cr 500.00", "GEN 990 Dr 500.00",
             loans=[_OLD_LOAN], advice="Add the line 701/L-007 with what is still owed, or leave the terms out."),
    opening(e.InvalidValue, "A loan twice among the terms", "RLF 701/L-007 Dr 500.00", "RLF 990 Cr 500.00",
             loans=[_OLD_LOAN, _OLD_LOAN], advice="Give each loan once."),
    opening(e.InvalidValue, "A loan on the wrong side", "RLF 701/L-007 Cr 500.00", "RLF 990 Dr 500.00",
             loans=[_OLD_LOAN], advice="What members owe is a debit, what is owed to lenders a credit."),
    opening(e.InvalidAmount, "More owed than was lent", "RLF 701/L-007 Dr 950.00", "RLF 990 Cr 950.00",
             loans=[_OLD_LOAN], advice="Interest that is owed stands in a line of its own, 781/L-007."),
    opening(e.InvalidDate, "A loan that was paid out in the future", "RLF 701/L-007 Dr 500.00", "RLF 990 Cr 500.00",
             loans=[_OLD_LOAN | {"disbursed_on": "2026-04-01"}]),
    opening(e.InvalidValue, "A loan number from elsewhere", "RLF 701/17 Dr 500.00", "RLF 990 Cr 500.00",
             loans=[_OLD_LOAN | {"loan": "17"}], advice="Number it anew."),
    opening(e.AlreadyExists, "A loan taken over twice", "RLF 781/L-001 Dr 5.00", "RLF 990 Cr 5.00",
             loans=[_OLD_LOAN | {"loan": "L-001"}], scene="town",
             advice="Correct the loan by a payment or a reversal."),
    opening(e.InvalidValue, "A note without its lender", "RLF 811/N-004 Cr 500.00", "RLF 990 Dr 500.00",
             note=_OLD_NOTE, advice="Add --lender NAME."),
    opening(e.InvalidDate, "A note due before it was issued", "RLF 811/N-004 Cr 500.00", "RLF 990 Dr 500.00",
             note=_OLD_NOTE | {"due_on": "2024-01-01"}, lender="A friend"),
    opening(e.InvalidValue, "Terms that are not JSON", "RLF 701/L-007 Dr 500.00", "RLF 990 Cr 500.00",
             loans="L-007 over 12 months", advice="See the fields with: coopbank operations opening-balance --json."),
    opening(e.InvalidValue, "Terms of a note that are not JSON", "RLF 811/N-004 Cr 500.00", "RLF 990 Dr 500.00",
            note="N-004 until 2028", lender="A friend",
            advice="See the fields with: coopbank operations opening-balance --json."),
    opening(e.InvalidAmount, "A share of surplus whose history does not give its balance", "RLF 701/L-007 Dr 500.00",
            "RLF 990 Cr 500.00", loans=[_OLD_SHARE]),
    opening(e.InvalidValue, "A share of surplus taken over without its end", "RLF 701/L-007 Dr 900.00",
            "RLF 990 Cr 900.00", loans=[_OLD_SHARE | {"outer_date": None}],
            advice="Give its outer_date, as the contract has it."),
    opening(e.AlreadyExists, "A balance taken over twice", "GEN 905/M0001 Cr 10.00", "GEN 990 Dr 10.00",
             scene="town", advice="Correct what was taken over wrongly by reversing it."),
    opening(e.WrongState, "A balance taken over after the opening was closed", "GEN 940 Cr 1.00", "GEN 990 Dr 1.00",
             scene="opened"),
    no(e.WrongState, "The opening closed before it comes to zero", "tom do close-opening", scene="old",
       steps="""tom+sue opening-balance 'lines=["GEN 940 Cr 10.00","GEN 990 Dr 10.00"]'"""),
    no(e.WrongState, "The opening closed with a transfer that has one side", "tom do close-opening", scene="old",
       advice="Take over the other fund's side.",
       steps="""
           tom+sue opening-balance 'lines=["GEN 187 Cr 10.00","GEN 990 Dr 10.00"]'
           tom+sue opening-balance 'lines=["GEN 940 Dr 10.00","GEN 990 Cr 10.00"]'
           """),
)
# fmt: on
