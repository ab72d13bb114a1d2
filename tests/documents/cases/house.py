"""Cases of the error gallery: assets, petty cash and budgets."""

from __future__ import annotations

from coopbank import errors as e
from tests.documents.gallery_case import Case, no

_BUY = "ana do buy-asset --supplier SHOP --number 9 --tender bill --asset-name 'A desk' --cost 90.00"
_SPEND = "ana do spend-petty-cash --petty-cash PETTY --supplier POST --amount 5.00 --expense 260"
_BUDGET = "tom do set-budget --resolution 'Board, 2 March' --year"

# fmt: off
CASES: tuple[Case, ...] = (
    # ------------------------------------------------------------------------------------- assets
    no(e.InvalidValue, "An asset without its months of use", _BUY, "Say how long it will be of use.", scene="house"),
    no(e.InvalidValue, "Land that is to wear out", f"{_BUY} --account 771 --life-months 60", scene="house"),
    no(e.InvalidAmount, "A residual value above the cost", f"{_BUY} --life-months 60 --residual 95.00", scene="house"),
    no(e.InvalidDate, "An asset in use in a far year", f"{_BUY} --life-months 60 --in-use-from 2062-03-02",
       scene="house"),
    no(e.InvalidValue, "An asset paid by a gift of another fund",
       f"{_BUY} --life-months 60 --gift G-01 --fund RLF", "Leave the fund out: the gift says it.", scene="house"),
    no(e.NotAllowed, "An asset disposed of by a teller", "ana do dispose-asset --asset FA-001 --why sold",
       "Ask the treasurer.", scene="house"),
    no(e.AlreadyExists, "An asset entered again",
       "tom do enter-asset --asset-name 'A till' --cost 10.00 --life-months 10 --stands-on FA-001",
       "It has its number; coopbank assets lists them.", scene="house"),
    no(e.Overdrawn, "An asset that does not stand in the books",
       "tom do enter-asset --asset-name 'A till' --cost 10.00 --life-months 10",
       "Take it over first, or buy it with buy-asset.", scene="house"),
    no(e.InvalidValue, "An asset taken over whose life is over, but not all of it written off",
       "tom do enter-asset --asset-name 'A till' --cost 40.00 --depreciated 10.00 --life-months 12"
       " --in-use-from 2024-03-02", scene="house"),
    no(e.WrongState, "An asset out of a restricted fund, without a gift", f"{_BUY} --life-months 60 --fund EDU",
       "Name the gift: coopbank fund EDU.", scene="house"),
    no(e.AlreadyExists, "A month depreciated twice", "tom do depreciate --month 2026-03", "It is done.", scene="house"),
    no(e.WrongState, "A month depreciated before it began", "tom do depreciate --month 2026-04",
       "Wait until it has begun.", scene="house"),
    no(e.InvalidDate, "A month depreciated from before the books", "tom do depreciate --month 2026-01", scene="house"),
    no(e.WrongState, "A month left out", "tom do depreciate --month 2026-05", scene="house", steps="day 2026-05-04"),
    no(e.PeriodLocked, "A locked month depreciated", "tom do depreciate --month 2026-03", scene="april"),
    no(e.WrongState, "Depreciation of nothing", "tom do depreciate --month 2026-03",
       "There is no asset of which anything is left to write off.", scene="town"),
    no(e.WrongState, "An asset that is gone", "tom do dispose-asset --asset FA-001 --why sold",
       "Nothing is to be done.", scene="house",
       steps='tom+sue dispose-asset asset=FA-001 why="it broke"'),
    no(e.InvalidValue, "An asset's number in an opening balance",
       "tom do opening-balance --lines 'GEN 751/FA-001 Dr 10.00' --lines 'GEN 940 Cr 10.00'", scene="old"),

    # --------------------------------------------------------------------------------- petty cash
    no(e.AlreadyExists, "Petty cash that is open already",
       "tom do open-petty-cash --petty-cash PETTY --holder tom --float-amount 10.00", scene="house"),
    no(e.InvalidValue, "Petty cash for somebody who may not pay",
       "tom do open-petty-cash --petty-cash P2 --holder sue --float-amount 10.00 --from-place FIRST", scene="house"),
    no(e.InvalidValue, "Petty cash from a fund's own bank account",
       "tom do open-petty-cash --petty-cash P2 --holder ana --float-amount 10.00 --from-place EDUBANK",
       "Name the vault or a shared bank account.", scene="banked"),
    no(e.AlreadyExists, "A receipt paid twice", f"{_SPEND} --receipt 17", "Throw the copy away.", scene="house"),
    no(e.NotAllowed, "A colleague's petty cash", _SPEND.replace("ana", "tom") + " --receipt 18", scene="house"),
    no(e.DrawerClosed, "Petty cash that is closed", f"{_SPEND} --receipt 18", scene="house",
       steps="ana close-petty-cash petty_cash=PETTY counted=47.50"),
    no(e.Overdrawn, "Nothing to refill", "tom do refill-petty-cash --petty-cash PETTY", "Wait until some is spent.",
       scene="house", steps="tom refill-petty-cash petty_cash=PETTY from_place=FIRST"),
    no(e.NotAllowed, "Petty cash taken to the bank by whoever keeps it",
       "ana do close-petty-cash --petty-cash PETTY --counted 47.50 --to-place FIRST",
       "Bring it to the vault.", scene="house"),
    no(e.InvalidValue, "Petty cash that does not agree",
       "ana do count-petty-cash --petty-cash PETTY --counted 40.00", scene="house"),
    no(e.CannotReverse, "A receipt of petty cash that was closed since",
       "ana do reverse --operation {voucher} --reason 'typed wrong'", scene="house",
       steps="ana close-petty-cash petty_cash=PETTY counted=47.50\n"
             "tom+sue open-petty-cash petty_cash=PETTY holder=ana float_amount=50.00 from_place=FIRST"),
    no(e.NotAllowed, "A colleague's receipt reversed without the cash",
       "ana do reverse --operation {own} --reason 'typed wrong'",
       "Ask whoever keeps the petty cash.", scene="house",
       steps="tom+sue open-petty-cash petty_cash=P2 holder=tom float_amount=9.00 from_place=FIRST\n"
             "@own tom spend-petty-cash petty_cash=P2 supplier=POST receipt=19 amount=1.00 expense=260 fund=RLF"),

    # ------------------------------------------------------------------------------------ budgets
    no(e.InvalidDate, "A budget of a year that is over", f"{_BUDGET} 2025 --lines '290 100.00'", scene="house"),
    no(e.InvalidValue, "A line of a budget in another form", f"{_BUDGET} 2026 --lines 'rent 100'", scene="house"),
    no(e.InvalidValue, "An account twice in a budget", f"{_BUDGET} 2027 --lines '290 1.00' --lines '290 2.00'",
       "Add both amounts up.", scene="house"),
    no(e.InvalidValue, "A budget on an account that is neither", f"{_BUDGET} 2027 --lines '731 1.00'", scene="house"),
    no(e.Unknown, "A budget on an account that there is not", f"{_BUDGET} 2027 --lines '299 1.00'", scene="house"),
    no(e.InvalidValue, "A budget that is in force already",
       f"{_BUDGET} 2026 --lines '290 1200.00\n181 500.00\n751 300.00'", "Nothing is to be done.", scene="house"),
    no(e.InvalidValue, "A budget changed without a reason", f"{_BUDGET} 2026 --lines '290 900.00'",
       "Add --why.", scene="house"),
    no(e.InvalidValue, "A budget of a gift in another fund",
       f"{_BUDGET} 2026 --lines '290 9.00' --gift G-01 --fund RLF", scene="house"),
    no(e.InvalidDate, "A budget on a day of another year", "budget 2026 --as-of 2027-01-01", scene="house"),
)
