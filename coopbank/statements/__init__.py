"""PDF documents, drawn from reports: tagged for screen readers, the same bytes for the same books, and checkable.

    make(bank, "member-statement", "M0007", start, end, actor=actor)    one document of any kind (kinds.py)
    make_month(bank, "2026-02", "statements", actor=actor, jobs=2)      everybody's statement of a month
    make_letters(bank, "V-001", "statements", actor=actor)              the letters of a campaign of confirmations
    check(bank, "COOPBANK:ST-2026-02-M0007:...")                        whether the books still agree with one

    kinds.py      what documents there are         papers/     how each of them is composed
    making.py     found or drawn, stored, recorded parts.py, tables.py, charts.py   what they are composed of
    batch.py      a month for everybody            sheet.py, pages.py, document.py  paper, pages, what all share
    checking.py   held against the books           tagged.py, archive.py, typeface.py   PDF itself

A document is in its member's language, on letter paper or A4, in normal or large print.
"""

from coopbank.statements.batch import Month, make_letters, make_month, make_notices, print_ready
from coopbank.statements.checking import Checked, check
from coopbank.statements.kinds import KINDS
from coopbank.statements.locked import lock
from coopbank.statements.making import Copy, Written, make, make_again

__all__ = [
    "KINDS",
    "Checked",
    "Copy",
    "Month",
    "Written",
    "check",
    "lock",
    "make",
    "make_again",
    "make_letters",
    "make_month",
    "make_notices",
    "print_ready",
]
