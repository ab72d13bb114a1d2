"""Cases of the error gallery: who bears losses, money between funds, and what a funder's programme asks."""

from __future__ import annotations

from coopbank import errors as e
from tests.documents.gallery_case import Case, no

_WATERFALL = "tom do set-loss-waterfall --resolution R-40 --steps"
_SET = "tom+sue set-loss-waterfall fund=RLF steps='allowance, notes A' resolution=R-1"
_GIVE = "tom do transfer-funds --amount 10.00 --resolution R-1"
_ADVANCE = "tom do receive-grant --fund CG1 --funder 'A city' --condition 'a course is held' --amount 50.00"
_GRANTED = (
    "tom+sue open-fund code=CG1 fund_name=Teaching fund_class=conditional\n"
    "tom+sue receive-grant fund=CG1 funder='A city' condition=x amount=50.00 number=CG1 tender=transfer"
)
_LEND = "tom+sue lend-to-fund from_fund=GEN to_fund=RLF amount=5.00 resolution=R-1 due_on=2026-10-01"
_SET_RULES = "tom do set-programme --fund RLF --funder 'Delta Fund' --agreement DF-12"
_RULES = (
    "tom+sue set-programme fund=RLF funder='Delta Fund' agreement=DF-12 least_rate=4"
    " largest_loan=500.00 purposes=machines"
)
_GRANT = "ana do grant-loan --member M0003 --principal 90.00 --installments 4"
_CLASS = "tom+sue define-note-class note_class=B class_title=Second rank=2 most_rate=2 ceiling=100.00 resolution=R-5"
_ISSUE = "tom do issue-note --lender Ida --due-on 2029-03-02 --note-class B"

# fmt: off
CASES: tuple[Case, ...] = (
    # ---------------------------------------------------------------------------------- waterfalls
    no(e.NotAllowed, "A waterfall set by a teller",
       "ana do set-loss-waterfall --resolution R-40 --steps allowance", "Ask the treasurer."),
    no(e.InvalidValue, "A step that nobody can read", f"{_WATERFALL} '<b>allowance</b>'"),
    no(e.InvalidValue, "A loss borne by nobody known", f"{_WATERFALL} allowance --steps 'members M0001'"),
    no(e.InvalidValue, "Notes of no class", f"{_WATERFALL} allowance --steps notes",
       "Say which class, such as notes B."),
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

    # --------------------------------------------------------------------------- between the funds
    no(e.WrongState, "A restricted gift given to another fund", f"{_GIVE} --from-fund EDU --to-fund RLF",
       "Spend it on what it was given for."),
    no(e.WrongState, "A grant on conditions in another fund",
       "tom do receive-grant --fund GEN --funder 'A city' --condition 'a course is held' --amount 50.00",
       "Name a fund of the class conditional."),
    no(e.AlreadyExists, "A grant of a number that is used", f"{_ADVANCE} --number CG1", steps=_GRANTED),
    no(e.InvalidAmount, "More than is left of a grant",
       "tom do earn-grant --grant CG1 --expense 290 --evidence 'a list' --amount 50.01", steps=_GRANTED),
    no(e.WrongState, "A grant given back twice", "tom do return-grant --grant CG1 --why 'no course'",
       "Nothing is to be done.", steps=_GRANTED + "\ntom+sue return-grant grant=CG1 why=x tender=transfer"),
    no(e.WrongState, "A bill to the loan-loss reserve",
       "tom do enter-bill --supplier HALL --number R-3 --expense 250 --amount 50.00 --fund LLR", "Name fund GEN."),
    no(e.InvalidValue, "A fund that gives to itself", f"{_GIVE} --from-fund GEN --to-fund GEN", "Name two funds."),
    no(e.Overdrawn, "More than a fund has that is not promised",
       f"{_GIVE} --from-fund RLF --to-fund GEN".replace("10.00", "99999.00"), scene="lender"),
    no(e.WrongState, "A loan to a fund whose money is bound",
       "tom do lend-to-fund --from-fund GEN --to-fund EDU --amount 5.00 --resolution R-1 --due-on 2026-10-01",
       "Name a fund whose money is free."),
    no(e.WrongState, "A fund loan repaid twice", "tom do repay-fund --fund-loan IF-001", "Nothing is to be done.",
       steps=f"{_LEND}\ntom+sue repay-fund fund_loan=IF-001"),
    no(e.InvalidAmount, "More repaid than a fund owes", "tom do repay-fund --fund-loan IF-001 --amount 5.01",
       steps=_LEND),
    no(e.NotAllowed, "Money between funds by a teller",
       "ana do transfer-funds --from-fund GEN --to-fund RLF --amount 1.00 --resolution R-1", "Ask the treasurer."),

    # ----------------------------------------------------------------------------------- programmes
    no(e.ProgrammeRule, "A rate below the floor of a programme", f"{_GRANT} --annual-rate 3",
       "Agree on a rate that the programme allows, or lend from another fund.", scene="lender", steps=_RULES),
    no(e.ProgrammeRule, "A loan larger than a programme allows", _GRANT.replace("90.00", "501.00") + " --annual-rate 5",
       "Lend less, or from another fund.", scene="lender", steps=_RULES),
    no(e.ProgrammeRule, "A purpose that a programme does not have", f"{_GRANT} --annual-rate 5",
       "Lend from another fund.", scene="lender", steps=_RULES),
    no(e.InvalidValue, "A floor above the ceiling",
       f"{_SET_RULES} --least-rate 8 --most-rate 7", "Turn them round."),
    no(e.InvalidValue, "A reserve in cash without its account", f"{_SET_RULES} --reserve cash --reserve-percent 5",
       "Name the bank account of the reserve."),
    no(e.InvalidValue, "A programme changed without saying why", f"{_SET_RULES} --least-rate 5", "Give the reason.",
       steps=_RULES),

    # -------------------------------------------------------------------------------- note classes
    no(e.InvalidValue, "A note that bears more than its class", f"{_ISSUE} --amount 10.00 --annual-rate 3",
       "Agree on less, or choose another class.", steps=_CLASS),
    no(e.InvalidAmount, "A note beyond the ceiling of its class", f"{_ISSUE} --amount 100.01 --annual-rate 2",
       "Take less, or let the ceiling be voted anew.", steps=_CLASS),
    no(e.InvalidValue, "A class of notes changed without saying why",
       "tom do define-note-class --note-class B --class-title Second --rank 3 --resolution R-6", "Give the reason.",
       steps=_CLASS),
)
