"""Tables to begin with: the columns of each kind of import, with examples that import as they are.

Members first: the others name them. Columns that need not be filled in can be left out; what a
spreadsheet calls otherwise is said with `--map`.
"""

from __future__ import annotations

from typing import Final

from coopbank.errors import WrongUsage
from coopbank.money import quoted

_MEMBERS: Final = """\
number,member_name,phone,email,address,entity,tax_id,joined_on,language
M0001,Rosa Delgado,601 555 0101,rosa@example.org,"12 Pearl Street, Jackson",person,,2019-05-14,es
M0002,"Oak & Sons, Ltd.",601 555 0102,,,organisation,12-3456789,2020-02-03,en
M0003,Thomas Reed,,,,person,,2021-09-30,en
M0004,Pearl Street Bakery,601 555 0104,bread@example.org,,organisation,,2023-01-10,en
"""
_SHARES: Final = """\
member,amount,share_class
M0001,25.00,901
M0002,25.00,901
M0002,500.00,903
M0004,25.00,901
"""
_SAVINGS: Final = """\
member,amount,account
M0001,1250.00,
M0003,87.45,
"""
_LOAN_COLUMNS: Final = (
    "loan", "member", "fund", "purpose", "principal", "annual_rate", "disbursed_on", "installments", "every",
    "first_due", "method", "day_count", "payment", "payment_multiple", "early", "balance", "paid_principal",
    "paid_interest", "paid_to", "next_due", "accrued_interest", "unrecognised_interest", "days_late",
)  # fmt: skip
#: With equal instalments; with rounded ones; without interest; late, by equal parts of the principal.
_LOANS: Final = """\
L-001,M0001,RLF,Sewing machines,2400.00,6,2025-09-15,24,1 month,2025-10-15,level,actual/365,106.36,,next,\
1923.76,476.24,55.56,2026-02-15,2026-03-15,,,
L-002,M0003,RLF,Van,1500.00,9,2025-04-01,36,1 month,,level,actual/365,48.00,1.00,next,\
1120.42,379.58,100.42,2026-02-01,2026-03-01,,,
L-003,M0004,RLF,Oven,5000.00,0,2024-06-01,50,1 month,,level,actual/365,100.00,,next,\
3000.00,2000.00,0.00,2026-02-01,2026-03-01,0.00,,
L-004,M0002,RLF,Saw mill,8000.00,7.25,2024-11-15,12,3 months,,equal-principal,30/360,,,next,\
5333.32,2666.68,507.50,2025-11-15,2026-02-15,,,
"""
_OPERATIONS: Final = """\
operation,member,member_name,phone,key
admit-member,,Lena Moss,601 555 0199,slip-1
change-member,M0001,,601 555 0111,slip-2
open-savings,M0004,,,slip-3
"""

_TEMPLATES: Final[dict[str, str]] = {
    "members": _MEMBERS,
    "shares": _SHARES,
    "savings": _SAVINGS,
    "loans": ",".join(_LOAN_COLUMNS) + "\n" + _LOANS,
    "operations": _OPERATIONS,
}


def template(kind: str) -> str:
    """The table of a kind of import."""
    if kind not in _TEMPLATES:
        raise WrongUsage(
            "There is no template for {kind}.", field="kind", kind=quoted(kind), hint="Choose one of: {kinds}.",
            kinds=", ".join(_TEMPLATES),
        )  # fmt: skip
    return _TEMPLATES[kind]
