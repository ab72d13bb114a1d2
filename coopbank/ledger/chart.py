"""The chart of accounts: control accounts with NCUA-style numbers.

First digit 1 income, 2 and 3 expense, 7 assets, 8 what is owed, 9 members' stake and
reserves, M memo pairs in a currency of their own. `guard` says what no leaf below may
do: `floor` never stands on the credit side (no negative asset), `ceiling` never on the
debit side (nobody's savings are overdrawn). Source: NCUA recommended chart for the
numbers that exist there; the others fill its gaps.
"""

from __future__ import annotations

from coopbank.ledger.posting import NewControl

MEMO_CURRENCY = "MEM"
POOL = "POOL"

_INCOME = """
111 Interest on loans
116 Interest on participations bought
117 Servicing of participations sold
119 Interest refunded or waived -
127 Interest from banks
131 Fees
132 Small origination fees
151 Other operating income
181 Gifts and grants
182 Services and gifts in kind
185 Released from restriction, in
186 Released from restriction, out -
187 Transfers between funds
188 Gain on notes written down
"""
_EXPENSE = """
210 Pay
220 Payroll taxes and benefits
230 Travel and meetings
240 Association dues
250 Premises
260 Office and bank charges
270 Outreach
271 Education
280 Loan servicing
290 Outside services
301 Provision for loan losses
310 Insurance
320 Members' assembly
330 Cash over and short
341 Interest on notes payable
350 Depreciation
366 Grants and aid given
370 Other expense
381 Dividends on shares presented as liabilities
385 Interest on savings
386 Interest on internal capital accounts
"""
_ASSETS = """
701 Loans, principal
702 Participations bought
719 Allowance for loan losses -
728 Lent to another fund
729 Claim on pooled cash
731 Bank accounts
735 Cheques on hand
739 Cash in vault and drawers
741 Investments
751 Equipment
759 Accumulated depreciation -
771 Land
772 Buildings
779 Accumulated depreciation of buildings -
781 Interest receivable on loans
782 Interest receivable from banks
784 Prepaid expenses
791 Returned items and other receivables
792 Due from institutions of the network
"""
_OWED = """
801 Bills payable
811 Notes payable
812 Secured borrowings
821 Dividends payable
823 Patronage payable
825 Share redemptions payable
831 Due to participants
841 Payroll taxes withheld
842 Backup withholding
851 Interest payable on notes
852 Interest payable on savings
861 Origination fees not yet earned
862 Refundable advances of conditional grants
863 Reserve for commitments
865 Accrued expenses
871 Unapplied payments
872 Suspense
875 Share subscriptions
878 Owed to another fund
879 Pooled cash owed to funds
892 Due to institutions of the network
893 Unclaimed property
"""
_STAKE = """
901 Membership shares
903 Investment shares
905 Members' savings
931 Regular reserve
932 Indivisible reserve
940 Undivided earnings
945 Retained patronage, qualified
946 Retained patronage, nonqualified
950 Internal capital accounts
960 Result of the year
961 Fund balance
990 Opening balances
"""
_MEMO = """
M10 Contract interest not recognised
M19 Contra: contract interest not recognised
M20 Charged off and still owed
M29 Contra: charged off and still owed
M30 Owned by participants
M39 Contra: owned by participants
M40 Commitments undisbursed
M49 Contra: commitments undisbursed
"""
#: Members' money that can be asked back stands among what is owed, although its number begins with 9.
_OWED_TO_MEMBERS = {"905"}
_NEVER_DEBIT = {"901", "903", "905", "931", "932", "945", "946", "950"}


def _rows(text: str, kind: str, side: str, guard: str) -> list[NewControl]:
    found = []
    for line in text.strip().splitlines():
        code, name = line.split(" ", 1)
        contra = name.endswith(" -")
        found.append(_control(code, name.removesuffix(" -"), kind, side, guard, contra))
    return found


def _control(code: str, name: str, kind: str, side: str, guard: str, contra: bool) -> NewControl:
    if contra:
        side = "credit" if side == "debit" else "debit"
        guard = {"floor": "ceiling", "ceiling": "floor"}.get(guard, guard)
    if kind == "equity":
        guard = "ceiling" if code in _NEVER_DEBIT else "none"
        kind = "liability" if code in _OWED_TO_MEMBERS else "equity"
    if kind == "memo":
        side = "credit" if code.endswith("9") else "debit"
    return NewControl(code, name, kind, side, guard)


def chart() -> list[NewControl]:
    """Every control account, in the order of their codes."""
    return [
        *_rows(_INCOME, "income", "credit", "none"),
        *_rows(_EXPENSE, "expense", "debit", "none"),
        *_rows(_ASSETS, "asset", "debit", "floor"),
        *_rows(_OWED, "liability", "credit", "ceiling"),
        *_rows(_STAKE, "equity", "credit", "none"),
        *_rows(_MEMO, "memo", "debit", "none"),
    ]
