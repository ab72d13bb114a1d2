"""Cases of the error gallery: who bears losses, money between funds, and what a funder's programme asks."""

from __future__ import annotations

from coopbank import errors as e
from tests.documents.gallery_case import Case, no

_WATERFALL = "tom do set-loss-waterfall --resolution R-40 --steps"
_SET = "tom+sue set-loss-waterfall fund=RLF steps='allowance, notes A' resolution=R-1"

# fmt: off
CASES: tuple[Case, ...] = (
    # ---------------------------------------------------------------------------------- waterfalls
    no(e.NotAllowed, "A waterfall set by a teller",
       "ana do set-loss-waterfall --resolution R-40 --steps allowance", "Ask the treasurer."),
    no(e.InvalidValue, "A step that nobody can read", f"{_WATERFALL} '<b>allowance</b>'"),
    no(e.InvalidValue, "A loss borne by nobody known", f"{_WATERFALL} allowance --steps 'members M0001'"),
    no(e.InvalidValue, "Notes of no class", f"{_WATERFALL} allowance --steps notes", "Say which class, such as notes B."),
    no(e.InvalidValue, "A loss that passes the allowance by", f"{_WATERFALL} 'notes A'", "Put the allowance first."),
    no(e.InvalidValue, "An absorber named twice", f"{_WATERFALL} 'allowance, notes A, notes A'", "Name it once."),
    no(e.InvalidValue, "Membership shares before notes", f"{_WATERFALL} 'allowance, shares 901, notes A'",
       "Put them last."),
    no(e.InvalidValue, "Investment shares before notes", f"{_WATERFALL} 'allowance, shares 903, notes A'",
       "Put notes before shares."),
    no(e.InvalidValue, "Savings that are to bear a loss", f"{_WATERFALL} 'allowance, shares 905'",
       "Name 901 or 903: savings bear no loss."),
    no(e.InvalidValue, "A shared bank account as reserve", f"{_WATERFALL} 'allowance, reserve FIRST'",
       "Name a bank account that belongs to a reserve alone."),
    no(e.InvalidValue, "Bound money that is to bear a loss", f"{_WATERFALL} 'allowance, surplus EDU'",
       "Name a fund whose money is free."),
    no(e.InvalidValue, "The same waterfall again", f"{_WATERFALL} 'allowance, notes A'", "Nothing is to be done.",
       steps=_SET),
    no(e.InvalidValue, "A waterfall changed without saying why", f"{_WATERFALL} allowance", "Give the reason.",
       steps=_SET),
    no(e.InvalidValue, "A reserve named although a waterfall decides",
       "ana do charge-off --loan L-008 --resolution R-9 --why 'it ended' --reserve-account FIRST --from-reserve 1.00",
       "Leave it out.", scene="lender", steps=f"{_SET}\nday 2026-05-04"),
)
