"""Cases of the error gallery: what becomes of loans: changed terms, reports, losses, provisions, and their undoing."""

from __future__ import annotations

from typing import Any

from coopbank import errors as e
from tests.documents.cases.lending import lent
from tests.documents.gallery_case import Case, by_json


def later(klass: type[e.CoopbankError], title: str, command: str, advice: str = "", **more: Any) -> Case:
    """A case two months on."""
    return lent(klass, title, command, advice, **{"scene": "later", **more})


_PEER = "ana+tom grant-loan member=M0003 principal=50.00 annual_rate=6 installments=6"
_PROVIDED = "tom+sue provide month=2026-05"
_TABLE = "tom do set-allowance-table --why 'the year was hard' --from-day"

# fmt: off
CASES: tuple[Case, ...] = (
    # ---------------------------------------------------------------------------- changes of terms
    later(e.InvalidValue, "A rate changed to what it is",
          "ana do change-rate --loan L-001 --annual-rate 6 --why 'by vote'"),
    later(e.DayClosed, "A rate changed from a day to come",
          "ana do change-rate --loan L-001 --annual-rate 5 --from-day 2026-06-01 --why 'by vote'",
          "Wait for that day, or let it count from today."),
    later(e.DayClosed, "A rate changed from before the loan",
          "ana do change-rate --loan L-001 --annual-rate 5 --from-day 2026-02-01 --why 'by vote'",
          "Look for a slip in the date."),
    later(e.WrongState, "An extension after the last payment",
          "ana do extend-loan --loan L-008 --extra-installments 3 --why 'no work'"),
    later(e.InvalidDate, "A payment moved into the past",
          "ana do move-due-date --loan L-001 --next-due 2026-05-01 --why 'paid on Fridays'", "Choose a later day."),
    later(e.WrongState, "A due day moved where none is left",
          "ana do move-due-date --loan L-008 --next-due 2026-06-01 --why 'paid on Fridays'"),
    later(e.InvalidValue, "What is owed spread over no number of payments",
          "ana do re-amortize --loan L-008 --why 'no work'", "Say over how many: --installments 6."),
    later(e.InvalidDate, "A pause of interest that ends before it begins",
          "ana do pause-interest --loan L-001 --until 2026-05-01 --why 'flood'",
          "Give its first day too (--from-day), or a later last one."),
    later(e.WrongState, "A payment holiday on a loan repaid out of surplus",
          "ana do payment-holiday --loan L-003 --payments 2 --why 'no work'"),
    later(e.WrongState, "An outer date for a loan with a schedule",
          "ana do move-outer-date --loan L-001 --outer-date 2033-03-02 --why 'a late year'"),
    later(e.InvalidDate, "An outer date moved to an earlier day",
          "ana do move-outer-date --loan L-003 --outer-date 2029-03-02 --why 'to be done sooner'",
          "The borrower may repay sooner without it."),

    # -------------------------------------------------------------------------------- fees, income
    later(e.WrongState, "A late fee that was not agreed", "ana do charge-late-fee --loan L-008"),
    lent(e.WrongState, "A late fee while nothing is late", "ana do charge-late-fee --loan L-005", "Wait."),
    later(e.InvalidAmount, "A waiver of nothing", "ana do waive-charges --loan L-002 --why hardship"),
    later(e.InvalidAmount, "A waiver of more interest than is owed",
          "ana do waive-charges --loan L-002 --interest 90.00 --why hardship", "Waive what is owed, or a part of it."),
    later(e.WrongState, "Non-accrual twice", "ana do stop-accrual --loan L-005 --why 'still no work'", "It is done."),
    later(e.WrongState, "A return to accrual of a loan that accrues", "ana do resume-accrual --loan L-001 --why paid",
          "Nothing is to be done."),
    later(e.WrongState, "A return to accrual of a loan that is behind",
          "ana do resume-accrual --loan L-005 --why 'he has work again'", "Wait until what is due is paid."),
    later(e.WrongState, "A return to accrual after one payment",
          "ana do resume-accrual --loan L-005 --why 'he has work again'",
          "Wait until it is paid as agreed for a while; how often is the policy accrual_payments.",
          steps="ana repay-loan loan=L-005 amount=101.76"),

    # ------------------------------------------------------------------------------------- reports
    later(e.WrongState, "A report on a loan with a schedule", "ana do file-report --loan L-001 --surplus 100.00"),
    later(e.InvalidDate, "A report of a period that is not over",
          "ana do file-report --loan L-003 --period 3 --surplus 100.00", "Wait for its end."),
    later(e.AlreadyExists, "A second report for a period",
          "ana do file-report --loan L-003 --period 1 --surplus 700.00"),
    later(e.InvalidValue, "A correction of no named report",
          "ana do file-report --loan L-003 --surplus 700.00 --correction", "Add --period 1."),
    later(e.Unknown, "A correction of a report that was not filed",
          "ana do file-report --loan L-004 --period 1 --surplus 0.00 --revenue 700.00 --correction",
          "Leave --correction out: it is the first."),
    later(e.InvalidValue, "A report without its figure", "ana do file-report --loan L-003 --period 2 --correction",
          "Write --surplus, with a minus for a loss."),
    later(e.InvalidValue, "Revenue on a loan repaid out of surplus",
          "ana do file-report --loan L-003 --period 2 --correction --surplus 10.00 --revenue 900.00"),
    later(e.InvalidValue, "A report of revenue without the surplus that caps the cost",
          "ana do file-report --loan L-004 --revenue 900.00"),
    by_json(e.InvalidValue, "A surplus as a number", "Write it in quotation marks.", scene="later",
            operation="file_report", loan="L-003", surplus=-50),
    later(e.Unknown, "A report accepted that was not filed", "tom do accept-report --loan L-004 --period 1"),
    later(e.WrongState, "A report accepted twice", "tom do accept-report --loan L-003 --period 1",
          "It is done. If it was wrong, a correction is filed: file-report --correction."),
    later(e.NotAllowed, "A report accepted by whoever filed it", "ana do accept-report --loan L-003 --period 2"),

    # -------------------------------------------------------------------------------------- losses
    later(e.InvalidAmount, "More written down than is owed",
          "tom do write-down --loan L-008 --principal 500.00 --resolution R-4"),
    later(e.NotAllowed, "A loan written down by whoever asked for it",
          "ana do write-down --loan L-008 --principal 50.00 --resolution R-4",
          steps="admin+tom change-role user=ana 'user_roles=[\"teller\",\"loan-officer\",\"treasurer\"]'"),
    later(e.WrongState, "A loss of a loan that is paid as agreed", "ana do charge-off --loan L-001 --why 'moved away'"),
    later(e.WrongState, "A loss before its time, without a decision",
          "ana do charge-off --loan L-008 --why 'moved away'"),
    later(e.InvalidValue, "A reserve that pays from no account",
          "ana do charge-off --loan L-008 --why 'moved away' --resolution R-4 --from-reserve 50.00"),
    later(e.InvalidValue, "A reserve that pays from everybody's account",
          "ana do charge-off --loan L-008 --why 'moved away' --resolution R-4 --from-reserve 50.00"
          " --reserve-account FIRST", "Name the reserve's own: --reserve-account LLRBANK."),
    later(e.InvalidAmount, "A reserve that pays more than the loss",
          "ana do charge-off --loan L-008 --why 'moved away' --resolution R-4 --from-reserve 500.00"
          " --reserve-account LLRBANK", "Take the loss or a part of it."),
    later(e.WrongState, "A loss booked twice", "ana do charge-off --loan L-007 --why 'moved away'", "It is done."),
    later(e.InvalidAmount, "More recovered than is still owed", "ana do repay-loan --loan L-007 --amount 500.00",
          "Take what is owed."),

    # --------------------------------------------------------------------------------- refinancing
    later(e.InvalidValue, "A loan refinanced by somebody else's",
          "ana do refinance-loan --loan L-008 --new-loan L-006"),
    later(e.WrongState, "A loan refinanced by one that is lost", "tom do refinance-loan --loan L-008 --new-loan L-007",
          "Grant a new one first (grant-loan)."),
    later(e.NotAllowed, "Who asked for the new loan refinances with it",
          "ana do refinance-loan --loan L-005 --new-loan L-006"),
    later(e.Overdrawn, "A new loan too small for the old one", "tom do refinance-loan --loan L-008 --new-loan L-009",
          "Take a payment on the old loan first, or grant a larger new one.", steps=_PEER),

    later(e.WrongState, "A line refinanced on which nothing is owed",
          "tom do refinance-loan --loan L-002 --new-loan L-001", "Nothing is to be done.",
          steps="ana repay-loan loan=L-002 amount=304.14"),

    # ---------------------------------------------------------------------------- grades, provision
    later(e.InvalidValue, "A loan graded as it is", "ana do grade-loan --loan L-001 --grade 2 --why 'pays well'",
          "Nothing is to be done.", steps="ana+tom grade-loan loan=L-001 grade=2 why='pays well'"),
    later(e.InvalidAmount, "A specific allowance above the loan",
          "ana do grade-loan --loan L-008 --grade 5 --reserve 500.00 --why 'no work'"),
    later(e.WrongState, "A grade for a loan that is lost",
          "ana do grade-loan --loan L-007 --grade 5 --why 'moved away'",
          "Nothing: it is provided for whole."),
    later(e.InvalidValue, "A rate of the table in words", f"{_TABLE} 2026-05-05 --commitments little"),
    later(e.InvalidValue, "Rates of the table in another form", f"{_TABLE} 2026-05-05 --buckets late"),
    later(e.InvalidValue, "A bucket that there is not", f"{_TABLE} 2026-05-05 --buckets '1-20 2'"),
    later(e.InvalidValue, "A grade named twice in the table", f"{_TABLE} 2026-05-05 --grades '4 10, 4 20'"),
    later(e.InvalidValue, "A table as it is", f"{_TABLE} 2026-05-05", "Name what is new: --buckets, --grades."),
    later(e.InvalidValue, "No allowance for loans that wait for a report",
          f"{_TABLE} 2026-05-05 --buckets 'report overdue 0'"),
    later(e.InvalidValue, "No allowance for loans that are not graded", f"{_TABLE} 2026-05-05 --grades '3 0'",
          "Grade those loans one by one where their risk is small."),
    later(e.InvalidDate, "A table from before the last provision", f"{_TABLE} 2026-05-01 --grades '4 30'",
          "Let it begin later.", steps=_PROVIDED),
    lent(e.WrongState, "A provision from before the first table", "tom do provide --month 2026-02",
         "Begin with the month in which the books began."),
    later(e.InvalidDate, "A provision for a month to come", "tom do provide --month 2026-07"),
    later(e.AlreadyExists, "A provision reckoned twice", "tom do provide --month 2026-05", "It is done.",
          steps=_PROVIDED),
    later(e.InvalidDate, "A provision for a month after a later one", "tom do provide --month 2026-04",
          steps=_PROVIDED),
    later(e.PeriodLocked, "A provision for a month that is closed", "tom do provide --month 2026-04",
          "Provide for this month; let the month be opened again only if its figures must change: coopbank reopen.",
          steps="tom+sue close-month month=2026-03\ntom+sue close-month month=2026-04"),

    # ------------------------------------------------------------------------------ undoing of loans
    lent(e.CannotReverse, "A payout that bought what secures the loan",
         "tom do reverse --operation {payout} --reason 'wrong member'"),
    later(e.CannotReverse, "A payment on which later ones rest",
          "ana do reverse --operation {paid} --reason 'typed twice'",
          "Add --replay: the later payment stays, and what it paid is reckoned anew."),
    later(e.CannotReverse, "A report, reversed", "ana do reverse --operation {filed} --reason 'typed wrong'",
          "File a correction instead: file-report --correction."),
    later(e.CannotReverse, "A draw on which others rest",
          "tom do reverse --operation {draw} --reason 'wrong line' --replay",
          "Reverse the later ones first.", steps="tom disburse-loan loan=L-002 amount=50.00"),

    # ------------------------------------------------------------------------------------ explaining
    lent(e.WrongUsage, "Nothing asked about a loan", "explain L-001"),
    lent(e.WrongUsage, "Two things asked at once", "explain L-001 --due --row 3", "Ask one after the other."),
    lent(e.WrongUsage, "A payoff as of two days", "explain L-001 --payoff 2026-06-01 --as-of 2026-03-02"),
    lent(e.WrongUsage, "What is due on a loan-terms document", "explain - --due"),
    lent(e.Unknown, "A row that the schedule does not have", "explain L-001 --row 13"),
    lent(e.WrongState, "A row of a loan without a schedule", "explain L-003 --row 1",
         "Ask for what its reports make due: --due, or --ceiling 1."),
    lent(e.WrongState, "A month's interest of a loan that bears none", "explain L-004 --accrual 2026-03",
         "Ask for its cap or for a payment: --cap, --operation."),
    lent(e.WrongState, "A payoff of a loan that is not paid out", "explain L-006 --payoff 2026-06-01"),
    lent(e.WrongState, "The cap of a loan with a schedule", "explain L-001 --cap"),
    lent(e.WrongState, "The cap of a loan that has none", "explain L-009 --cap",
         steps="ana+tom grant-loan member=M0003 product=REVENUE principal=60.00 outer_date=2029-03-02\n"
               "tom disburse-loan loan=L-009"),
    lent(e.WrongState, "A ceiling on a loan with a schedule", "explain L-001 --ceiling 1"),
    lent(e.Unknown, "A period that the contract does not have yet", "explain L-003 --ceiling 9"),
    later(e.WrongState, "A ceiling of a report that is not accepted", "explain L-003 --ceiling 2"),
    later(e.Unknown, "An operation that reckoned nothing", "explain L-001 --operation {payout}"),
)
# fmt: on
