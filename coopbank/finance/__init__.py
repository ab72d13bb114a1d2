"""Pure arithmetic on money and dates: no database, no files, no clock.

    periods        due dates, month ends, business days
    business_days  when a bank is closed, by the calendars of the optional library
    daycount       parts of a year
    interest       simple interest, whole and accrued
    terms          the loan-terms document
    schedule       the rows that terms lead to
    apr            the annual percentage rate of Regulation Z, Appendix J
    apy            the annual percentage yield of Regulation DD, Appendix A
    disclosure     the four boxes of the Truth in Lending Act, as data
    allocation     who gets what of a payment
    reported       what contracts repaid out of reports share: periods, reports, their versions
    surplus        repayment by share of surplus, under a cap of the cost
    revenue        repayment by share of revenue, until a multiple is paid
    seasonal       repayment in given months only
    explain        why an amount is what it is, in a sentence that recomputes
    explain_rows   the same of every amount of a schedule
    explanation    what explanations are made of
    documents      reading a document and naming what is wrong with it

Everything here is exact: amounts are whole minor units, rates are decimals, and
what lies between is a ratio of whole numbers until it is rounded, once.
"""
