"""Cases of the error gallery: products and applications, loans granted, paid out, secured and repaid."""

from __future__ import annotations

from typing import Any

from coopbank import errors as e
from tests.documents.gallery_case import Case, no


def lent(klass: type[e.CoopbankError], title: str, command: str, advice: str = "", **more: Any) -> Case:
    """A case at the bank that has lent in every way."""
    return no(klass, title, command, advice, **{"scene": "lender", **more})


def product(klass: type[e.CoopbankError], title: str, terms: str, advice: str = "", **more: Any) -> Case:
    """A product that is not to be."""
    code = "" if terms.startswith("--code") else "--code TOOLS "
    name = "" if "--product-name" in terms else "--product-name Tools "
    return lent(klass, title, f"ana do define-product {code}{name}{terms}", advice, **more)


def small(klass: type[e.CoopbankError], title: str, terms: str, advice: str = "") -> Case:
    """A loan of the product SMALL, which has limits."""
    return lent(klass, title, f"ana do grant-loan --member M0003 --product SMALL {terms}", advice)


# fmt: off
CASES: tuple[Case, ...] = (
    # ----------------------------------------------------------------------------------- products
    product(e.InvalidValue, "A product's code in small letters", "--code tools"),
    product(e.InvalidValue, "A month named twice", "--months 9 --months 9"),
    product(e.InvalidValue, "An order of payment that leaves something out", "--order interest --order principal"),
    product(e.InvalidValue, "A multiple in words", "--repayment revenue --share-percent 5 --multiple double"),
    product(e.InvalidValue, "A share in words", "--repayment surplus --share-percent half"),
    product(e.InvalidValue, "A share of more than everything", "--repayment surplus --share-percent 150"),
    product(e.InvalidValue, "A share of surplus that is not said", "--repayment surplus",
            "Say what share of the surplus is repaid: --share-percent 50."),
    product(e.InvalidValue, "A late fee on a loan repaid out of surplus",
            "--repayment surplus --share-percent 50 --late-fee 5.00",
            "Leave it out: whoever earns nothing owes nothing yet, and is not late."),
    product(e.InvalidValue, "A late fee both ways", "--late-fee 2.00 --late-fee-percent 5"),
    product(e.InvalidValue, "Days until a late fee that there is not", "--late-fee-days 10"),
    product(e.InvalidValue, "A late fee above what is fair", "--late-fee-percent 8", "Ask for 5 percent or less."),
    product(e.InvalidValue, "A late fee without a payment to measure it by", "--late-fee 2.00"),
    product(e.InvalidAmount, "A late fee as large as a payment", "--least 120.00 --installments 12 --late-fee 9.00",
            "Ask for less, or raise the smallest loan."),
    product(e.InvalidAmount, "A largest loan below the smallest", "--least 500.00 --most 100.00",
            "Exchange the two."),
    product(e.InvalidValue, "A product's own rate above its highest", "--annual-rate 9 --most-rate 8"),
    product(e.InvalidValue, "A product's own number of payments above the most",
            "--installments 24 --most-installments 12"),
    product(e.InvalidValue, "A grace of interest alone that never ends", "--installments 6 --principal-grace 6",
            "Leave at least one payment for the principal."),
    product(e.InvalidValue, "A product of another kind under the same code", "--code TERM --repayment line"),
    product(e.InvalidValue, "A product as it is", "--code LINE --product-name 'Line of credit' --repayment line"
            " --annual-rate 8 --installments 12", "Nothing is to be done."),
    product(e.InvalidValue, "A product lent by the reserve", "--funds LLR"),
    lent(e.WrongState, "A product that is not offered any more",
         "ana do grant-loan --member M0003 --principal 100.00 --product OLD"),
    lent(e.Unknown, "A product that there is not", "ana do withdraw-product --product CARS",
         "See what is offered in the form of grant-loan at the counter."),

    # ------------------------------------------------------------------------------- applications
    lent(e.InvalidAmount, "An application below the smallest loan",
         "ana do apply-for-loan --member M0003 --product SMALL --amount 50.00 --purpose books",
         "Ask for the smallest loan, or for another product."),
    lent(e.InvalidValue, "A reason that no notice has",
         "ana do decline-application --application A-001 --reasons character"),
    lent(e.InvalidValue, "A reason named twice",
         "ana do decline-application --application A-001 --reasons debts --reasons debts"),
    lent(e.InvalidValue, "More reasons than tell anything",
         "ana do decline-application --application A-001 --reasons debts --reasons income --reasons plan"
         " --reasons purpose --reasons terms", "Name the four that mattered most."),
    lent(e.InvalidValue, "Another reason, and not which",
         "ana do decline-application --application A-001 --reasons other",
         "Tell it to the applicant: --explained TEXT; they can have it forgotten."),
    lent(e.WrongState, "An application that is closed", "ana do withdraw-application --application A-002"),
    lent(e.InvalidValue, "A loan granted on somebody else's application",
         "ana do grant-loan --member M0003 --principal 400.00 --application A-001"),

    # ----------------------------------------------------------------------------------- granting
    no(e.Overdrawn, "A loan above what the fund has to lend",
       "ana do grant-loan --member M0001 --principal 9000.00 --annual-rate 6 --installments 12",
       "Lend less, or bring in a gift or a note for the fund first."),
    no(e.Unknown, "A loan from a fund that there is not",
       "ana do grant-loan --member M0001 --principal 90.00 --annual-rate 6 --installments 12 --fund TRACTOR",
       "See the funds with: coopbank fund."),
    no(e.InvalidValue, "A loan from a reserve",
       "ana do grant-loan --member M0001 --principal 90.00 --annual-rate 6 --installments 12 --fund LLR",
       "Name a fund that lends, such as RLF."),
    no(e.InvalidValue, "A first payment before the loan",
       "ana do grant-loan --member M0001 --principal 90.00 --annual-rate 6 --installments 3 --first-due 2026-03-01",
       "Choose a later day, or leave it out."),
    no(e.InvalidValue, "A loan number in another form",
       "ana do grant-loan --member M0001 --principal 90.00 --annual-rate 6 --installments 12 --number 42"),
    no(e.AlreadyExists, "A loan number that is taken",
       "ana do grant-loan --member M0001 --principal 90.00 --annual-rate 6 --installments 12 --number L-001",
       "Leave the number out; the next free one is given."),
    small(e.InvalidAmount, "A loan below the smallest of its product", "--principal 50.00"),
    small(e.InvalidAmount, "A loan above the largest of its product", "--principal 950.00"),
    small(e.InvalidValue, "A rate above the highest of the product", "--principal 300.00 --annual-rate 12"),
    small(e.InvalidValue, "More payments than the product has", "--principal 300.00 --installments 36"),
    small(e.InvalidValue, "A fund that does not lend this product", "--principal 300.00 --fund GEN"),
    lent(e.InvalidValue, "Shares of funds in another form",
         "ana do grant-loan --member M0003 --principal 100.00 --other-funds 'GEN half'"),
    lent(e.InvalidValue, "Other funds that lend everything",
         "ana do grant-loan --member M0003 --principal 100.00 --other-funds 'GEN 60, LLR 40'",
         "The first fund lends what the others leave; make it the one that lends most."),
    lent(e.InvalidValue, "A fund twice among the lenders",
         "ana do grant-loan --member M0003 --principal 100.00 --other-funds 'RLF 40'", "Name each fund once."),
    lent(e.InvalidValue, "A number of payments for a share of surplus",
         "ana do grant-loan --member M0003 --principal 100.00 --product SURPLUS --installments 12"
         " --outer-date 2031-03-02"),
    lent(e.InvalidValue, "A share of surplus without an end",
         "ana do grant-loan --member M0003 --principal 100.00 --product SURPLUS",
         "Agree on a day by which the contract ends: --outer-date 2031-03-02."),
    lent(e.InvalidValue, "A share of surplus that ends before it begins",
         "ana do grant-loan --member M0003 --principal 100.00 --product SURPLUS --outer-date 2026-03-01"),
    lent(e.InvalidValue, "Reports without number",
         "ana do grant-loan --member M0003 --principal 100.00 --product REVENUE --outer-date 2036-03-01"
         " --every '1 day'",
         "Let the borrower report less often."),
    lent(e.InvalidValue, "A first payment in a month without harvest",
         "ana do grant-loan --member M0003 --principal 100.00 --product SEASON --first-due 2026-05-02"),

    # --------------------------------------------------------------------------------- paying out
    no(e.Overdrawn, "A line of credit that a cheque has just repaid",
       "tom do disburse-loan --loan L-050 --amount 300.00",
       "Wait until the days of the cheque are over, or draw what is there without it.",
       steps="ana+tom grant-loan member=M0002 principal=500.00 product=LINE installments=12 number=L-050\n"
             "tom disburse-loan loan=L-050 amount=500.00\n"
             "ana repay-loan loan=L-050 amount=400.00 tender=cheque cheque_number=9"),
    no(e.WrongState, "A loan paid out twice", "tom do disburse-loan --loan L-001", "It is done."),
    no(e.NotAllowed, "Who asked for a loan pays it out", "ana do disburse-loan --loan L-002"),
    no(e.WrongState, "A loan whose first payment is due before it is paid out", "tom do disburse-loan --loan L-003",
       "Grant it again with a later first payment.",
       steps="ana+tom grant-loan member=M0001 principal=90.00 annual_rate=6 installments=3 first_due=2026-03-05\n"
             "day 2026-03-06"),
    lent(e.Overdrawn, "More paid out than was granted", "tom do disburse-loan --loan L-006 --amount 500.00",
         "Pay out what is left; more takes a loan of its own."),
    lent(e.Overdrawn, "A draw above the limit of the line", "tom do disburse-loan --loan L-002 --amount 600.00",
         "Draw what is available, or repay first what was drawn."),
    lent(e.InvalidAmount, "A draw without an amount", "tom do disburse-loan --loan L-002",
         "A line of credit is drawn by amounts: --amount 100.00."),
    lent(e.WrongState, "Money paid out on a loan that is lost", "tom do disburse-loan --loan L-007", scene="later",
         advice="Take what comes back with repay-loan."),
    lent(e.WrongState, "A commitment closed of which nothing is left",
         "ana do close-commitment --loan L-001 --reason 'not needed'", "It is paid out whole."),
    lent(e.WrongState, "A participation in a loan that is paid out",
         "ana do sell-participation --loan L-001 --peer PF-1 --share-percent 40 --agreement 'of 2 March'",
         "Agree on it before the money goes out."),
    lent(e.InvalidValue, "All of a loan sold to a peer",
         "ana do sell-participation --loan L-006 --peer PF-1 --share-percent 100 --agreement 'of 2 March'"),
    lent(e.InvalidValue, "A fee for servicing above the interest",
         "ana do sell-participation --loan L-006 --peer PF-1 --share-percent 40 --servicing-rate 9"
         " --agreement 'of 2 March'", "Agree on a fee below the loan's rate."),
    lent(e.Overdrawn, "Nothing to remit to a peer", "tom do remit-participation --peer PF-1"),

    # --------------------------------------------------------------------------------- collateral
    lent(e.WrongState, "A pledge before the loan is paid out",
         "ana do pledge-collateral --loan L-006 --asset 'A saw' --cost 100.00 --paid-from {payout}"),
    lent(e.WrongState, "A pledge for a loan that is lost",
         "ana do pledge-collateral --loan L-007 --asset 'A saw' --cost 100.00 --paid-from {payout}", scene="later",
         advice="Nothing; what was bought with it and pledged in time still is."),
    lent(e.InvalidValue, "A pledge of what another loan bought",
         "ana do pledge-collateral --loan L-001 --asset 'Seed' --cost 100.00 --paid-from {draw}"),
    lent(e.InvalidValue, "A pledge of what no loan bought",
         "ana do pledge-collateral --loan L-001 --asset 'Her house' --cost 100.00 --paid-from 3",
         "Nothing else of the borrower's can be pledged."),
    lent(e.InvalidAmount, "Pledges that cost more than was lent",
         "ana do pledge-collateral --loan L-001 --asset 'A fan' --cost 300.00 --paid-from {payout}"),
    lent(e.Unknown, "A pledge from an operation that there is not",
         "ana do pledge-collateral --loan L-001 --asset 'A fan' --cost 50.00 --paid-from 9999",
         "Find its number on the receipt, or with: coopbank loan L-001."),
    lent(e.WrongState, "Collateral released twice", "ana do release-collateral --collateral C-002 --why sold",
         "It is done."),

    # ------------------------------------------------------------------------------------ repaying
    no(e.WrongState, "A payment on a loan that is not paid out", "ana do repay-loan --loan L-002 --amount 10.00",
       "Pay the loan out first, or take the money as a deposit."),
    no(e.WrongState, "A payment on a loan that is paid off", "ana do repay-loan --loan L-001 --amount 10.00",
       "Nothing is to be taken; look at the member's other loans.",
       steps="ana repay-loan loan=L-001 amount=1100.00"),
    no(e.InvalidAmount, "A payment above what is owed", "ana do repay-loan --loan L-001 --amount 5000.00",
       "Take what is owed, or add --excess unapplied to keep the rest for later."),
    no(e.Overdrawn, "More unapplied money than there is", "ana do apply-unapplied --loan L-001 --amount 10.00",
       "Take a payment instead (repay-loan)."),
    no(e.Unknown, "A loan that there is not", "loan L-099", "Find it with: coopbank loans."),
    no(e.Unknown, "A loan before it was granted", "loan L-001 --as-of 2026-02-01",
       "Ask for a day from when it was granted."),
    lent(e.DayClosed, "A payment that counts from before the loan",
         "ana do repay-loan --loan L-001 --amount 10.00 --value-date 2026-03-01",
         "Look for a slip in the date."),
    lent(e.Overdrawn, "Unapplied money that is not theirs",
         "ana do refund-unapplied --member M0003 --amount 10.00",
         "See what the member has here with: coopbank member M0003."),

    # ---------------------------------------------------------------------------- unknown receipts
    lent(e.InvalidValue, "Unknown money as income", "tom do clear-suspense --suspense U-00001 --to income",
         "It is somebody's: find out whose, or send it back."),
    lent(e.WrongState, "An unknown receipt cleared twice", "tom do clear-suspense --suspense U-00002 --to sender",
         "It is done."),
    lent(e.Overdrawn, "More of an unknown receipt than came in",
         "tom do clear-suspense --suspense U-00001 --to gift --fund GEN --amount 60.00",
         "Leave the amount out: all of it is meant."),
    lent(e.InvalidValue, "An unknown receipt with two owners",
         "tom do clear-suspense --suspense U-00001 --to gift --fund GEN --loan L-001"),
    lent(e.InvalidValue, "An unknown receipt without its owner",
         "tom do clear-suspense --suspense U-00001 --to loan", "Name the loan: --loan L-001."),
    lent(e.WrongState, "An unknown receipt for a loan that is not paid out",
         "tom do clear-suspense --suspense U-00001 --to loan --loan L-006"),
    lent(e.InvalidDate, "An unknown receipt of tomorrow",
         "tom do receive-unknown --amount 5.00 --received-on 2026-03-09", "Read the date off the bank's statement."),
)
# fmt: on
