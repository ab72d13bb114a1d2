"""Cases of the error gallery: dividends, the surplus, patronage and redemption."""

from __future__ import annotations

from coopbank import errors as e
from tests.documents.gallery_case import Case, no

_RULES = "tom do set-surplus-rules --resolution 'Assembly, 1 March' --consent 'bylaw 12'"
_DECLARE = "tom do declare-dividend --resolution 'Assembly, 20 March' --year"
_VOTED = "tom propose-surplus year=2026\ntom+sue allocate-surplus year=2026 resolution=R-1"
_NOTICE = "tom+sue set-share-class share_class=903 notice_days=30 yearly_cap=10 resolution='bylaw 5'"
_GIVEN = f"{_NOTICE}\nana+tom accept-redemption member=M0002 share_class=903 amount=200.00"
_LATER = "\nday 2027-02-10"

_DIED = (
    "ana+tom accept-redemption member=M0002 amount=25.00\n"
    "ana record-death member=M0002 died_on=2026-03-01 evidence=4711"
)
_ESTATE = "ana do pay-estate --member M0002 --account 825 --estate-name Lou --papers 12/26"
_SPONSOR = "tom do sponsor-shares --member M0003 --resolution R-2 --fund"
_SPONSORED = (
    "tom+sue open-fund code=EQ fund_name=Equity fund_class=designated\n"
    "tom receive-gift fund=EQ amount=200.00 donor=Many tender=transfer\n"
    "tom+sue sponsor-shares member=M0003 share_class=903 amount=100.00 fund=EQ resolution=R-2"
)
_IN_PART = (
    "tom+sue set-share-class share_class=901 installments=at-once resolution=R-1\n"
    "ana buy-shares member=M0003 amount=5.00"
)
_SET_OFF = "tom do set-off --payable 825 --loan"
_BYLAW = "admin+tom set-policy policy=set_off value='bylaw 14'"
_BIKE = (
    "tom+sue define-product code=BIKE product_name=Bicycles annual_rate=0 installments=12 set_off=true"
    " keeps_share=true\nana+tom grant-loan member=M0002 principal=120.00 product=BIKE\n"
    "tom disburse-loan loan=L-003 tender=transfer"
)
_CAPITAL = "tom do credit-capital-interest --resolution R-2 --year"
_RETURN = "tom do return-capital --resolution R-2 --member"
_REOPENED = "tom+sue reopen-year year=2026 why='a bill came late'"

# fmt: off
CASES: tuple[Case, ...] = (
    # --------------------------------------------------------------------------- dividends
    no(e.WrongState, "A dividend of a year that is not over", f"{_DECLARE} 2027 --rate 3", scene="surplus"),
    no(e.WrongState, "A dividend before the year is closed", f"{_DECLARE} 2026 --rate 3", scene="closed"),
    no(e.InvalidDate, "A dividend of a year before the books", f"{_DECLARE} 2025 --rate 3", scene="surplus"),
    no(e.InvalidAmount, "A dividend above the cap", f"{_DECLARE} 2026 --rate 8.5", scene="surplus"),
    no(e.InvalidValue, "A dividend of nothing", f"{_DECLARE} 2026 --rate 0", scene="surplus"),
    no(e.Overdrawn, "A dividend beyond undivided earnings", f"{_DECLARE} 2026 --rate 8 --share-class 903",
       "Declare less.", scene="surplus", steps="tom+sue journal-entry memo=x"
       " lines='[\"GEN 940 Dr 490.00\",\"GEN 931 Cr 490.00\"]'"),
    no(e.WrongState, "A dividend on shares that nobody holds", f"{_DECLARE} 2026 --rate 3 --share-class 901",
       "Look which class is meant.", scene="surplus"),
    no(e.AlreadyExists, "A dividend declared twice", f"{_DECLARE} 2026 --rate 3", scene="surplus",
       steps="tom+sue declare-dividend year=2026 rate=3 resolution=R-1"),
    no(e.WrongState, "An expense of a year that is closed", f"{_DECLARE} 2026 --rate 3", scene="surplus",
       steps="tom+sue set-share-class share_class=903 presentation=liability resolution=R-1"),
    no(e.InvalidValue, "Terms of shares that are in force", "tom do set-share-class --share-class 903"
       " --presentation equity --resolution R-1", "Nothing is to be done."),
    no(e.Overdrawn, "A dividend that is not payable", "ana do pay-dividend --member M0001", scene="surplus"),
    no(e.Overdrawn, "Dividends where none is payable", "tom do pay-dividend", scene="surplus"),
    no(e.InvalidValue, "A cap that is no percentage", "admin do set-policy --policy dividend_cap --value much"),

    # --------------------------------------------------------------------------- the rules
    no(e.InvalidValue, "A step that is none", f"{_RULES} --steps 'everybody 100'"),
    no(e.InvalidAmount, "Steps that come to more than everything", f"{_RULES} --steps 'indivisible 60'"
       " --steps 'regular 41'"),
    no(e.InvalidValue, "A reserve after patronage", f"{_RULES} --steps 'patronage hours 50' --steps 'regular 5'"),
    no(e.InvalidValue, "A step twice", f"{_RULES} --steps 'regular 5' --steps 'regular 6'"),
    no(e.InvalidAmount, "A step of nothing", f"{_RULES} --steps 'regular 0'"),
    no(e.InvalidValue, "A surplus to where it is", f"{_RULES} --steps 'fund GEN 5'"),
    no(e.InvalidValue, "A dividend on a liability as a step", f"{_RULES} --steps 'dividend 903 3'",
       steps="tom+sue set-share-class share_class=903 presentation=liability resolution=R-1"),
    no(e.InvalidValue, "Qualified notices without consent",
       "tom do set-surplus-rules --resolution R-1 --steps 'patronage hours 100'"),
    no(e.InvalidAmount, "A notice with too little in money", f"{_RULES} --steps 'patronage hours 100' --cash 10"),
    no(e.InvalidValue, "An account that is no income", f"{_RULES} --steps 'regular 5' --outside '731 100'"),
    no(e.InvalidValue, "An account twice outside",
       f"{_RULES} --steps 'regular 5' --outside '127 50' --outside '127 50'"),
    no(e.InvalidValue, "Rules that are in force", "tom do set-surplus-rules --resolution R-0 --consent b"
       " --steps 'indivisible 20' --steps 'patronage hours 100'", "Nothing is to be done.", scene="surplus"),
    no(e.InvalidValue, "Hours in another form",
       "tom do record-hours --year 2026 --source s --hours 'Mia 10'"),
    no(e.InvalidValue, "Somebody's hours twice",
       "tom do record-hours --year 2026 --source s --hours 'M0001 1' --hours 'M0001 2'"),
    no(e.Unknown, "Hours of nobody", "tom do record-hours --year 2026 --source s --hours 'M0099 1'"),

    # ------------------------------------------------------------------------- the division
    no(e.WrongState, "A proposal before the year is closed", "tom do propose-surplus --year 2026"),
    no(e.WrongState, "A loss to be divided", "tom do propose-surplus --year 2026", "Carry it forward.",
       scene="closed", steps="tom+sue open-audit-period year=2026\ntom+sue journal-entry memo=rent"
       " effective_on=2026-12-31 lines='[\"GEN 250 Dr 5.00\",\"GEN 865 Cr 5.00\"]'\ntom+sue close-year year=2026\n"
       "tom+sue set-surplus-rules steps='[\"regular 5\"]' consent=b resolution=R-0"),
    no(e.WrongState, "A surplus of which the rules give nobody anything", "tom do propose-surplus --year 2026",
       scene="surplus", steps="tom+sue set-surplus-rules steps='[\"patronage savings 50\"]' consent=b resolution=R-2"),
    no(e.AlreadyExists, "A surplus divided twice", "tom do propose-surplus --year 2026", scene="surplus", steps=_VOTED),
    no(e.WrongState, "A proposal that the books have left behind",
       "tom do allocate-surplus --year 2026 --resolution R-1", scene="surplus", steps="tom propose-surplus year=2026\n"
       "tom+sue record-hours year=2026 source=s hours='[\"M0001 9\"]'"),
    no(e.NotOffered, "Patronage of a charity", "tom do allocate-surplus --year 2026 --resolution R-1",
       "A charity has no patronage.", scene="charity"),

    # ------------------------------------------------------------------ paying and redeeming
    no(e.Overdrawn, "Patronage that is not payable", "ana do pay-patronage --member M0001", scene="surplus"),
    no(e.Overdrawn, "A vintage of which nothing is retained", "tom do redeem-patronage --vintage 2021 --resolution R-2",
       scene="surplus"),
    no(e.Overdrawn, "More of a vintage than is retained",
       "tom do redeem-patronage --vintage 2026 --resolution R-2 --amount 900.00", scene="surplus", steps=_VOTED),
    no(e.WrongState, "A younger vintage first", "tom do redeem-patronage --vintage 2027 --resolution R-2",
       scene="surplus", steps=_VOTED),
    no(e.InvalidAmount, "Equity given back below the reserves that the bank wants",
       "tom do redeem-patronage --vintage 2026 --resolution R-2", "Let the reserves grow first.", scene="surplus",
       steps=_VOTED + "\nadmin+tom set-policy policy=redemption_reserve value=90"),
    no(e.WrongState, "Shares paid at once that are redeemed by notice",
       "ana do redeem-shares --member M0002 --share-class 903 --amount 100.00", scene="surplus", steps=_NOTICE),
    no(e.InvalidAmount, "Half a share given back",
       "ana do accept-redemption --member M0002 --share-class 903 --amount 50.00", scene="surplus"),
    no(e.WrongState, "A redemption before its notice is over", "ana do pay-redemption --redemption RD-00001",
       scene="surplus", steps=_GIVEN),
    no(e.WrongState, "A redemption paid twice", "tom do pay-redemption --redemption RD-00001", "Nothing is to be done.",
       scene="surplus", steps=f"{_GIVEN}{_LATER}\ntom pay-redemption redemption=RD-00001 tender=transfer"),
    no(e.WrongState, "A redemption out of its turn", "tom do pay-redemption --redemption RD-00002",
       scene="surplus",
       steps=f"{_GIVEN}\nana+tom accept-redemption member=M0001 share_class=903 amount=100.00{_LATER}"),
    no(e.WrongState, "A redemption above the year's cap", "tom do pay-redemption --redemption RD-00002",
       scene="surplus", steps=f"{_GIVEN}\nana+tom accept-redemption member=M0001 share_class=903 amount=200.00{_LATER}"
       "\ntom pay-redemption redemption=RD-00001 tender=transfer"),
    no(e.Unknown, "A redemption that there is not", "tom do pay-redemption --redemption RD-00009"),
    no(e.InvalidAmount, "Half of what an estate is owed for shares", f"{_ESTATE} --amount 10.00", steps=_DIED),
    no(e.WrongState, "An estate that is paid before the days of notice are over", f"{_ESTATE} --amount 25.00",
       steps=f"tom+sue set-share-class share_class=901 notice_days=30 resolution='bylaw 5'\n{_DIED}"),

    # ----------------------------------------------------------------- sponsored shares, instalments
    no(e.InvalidValue, "Shares that their own fund would pay", f"{_SPONSOR} GEN --amount 25.00"),
    no(e.WrongState, "Shares that a gift's money would pay", f"{_SPONSOR} EDU --amount 25.00",
       "Choose a fund whose money is free."),
    no(e.WrongState, "Sponsored shares that are to be paid out",
       "ana do redeem-shares --member M0003 --share-class 903 --amount 100.00", "Return them to the fund.",
       steps=_SPONSORED),
    no(e.Overdrawn, "Sponsored shares returned twice",
       "tom do return-sponsored-shares --sponsorship SP-0001 --why moved", "Nothing is to be done.",
       steps=f"{_SPONSORED}\ntom+sue return-sponsored-shares sponsorship=SP-0001 why=moved"),
    no(e.WrongState, "Whole shares again while somebody holds a part of one",
       "tom do set-share-class --share-class 901 --installments waiting --resolution R-2", steps=_IN_PART),

    # ---------------------------------------------------------------------------------- set-off
    no(e.NotOffered, "A set-off that no bylaw allows", f"{_SET_OFF} L-001", "Pay the member."),
    no(e.NotOffered, "A set-off that the product does not allow", f"{_SET_OFF} L-001", "Pay the member.",
       steps=_BYLAW),
    no(e.NotOffered, "A set-off against a non-extractive loan", f"{_SET_OFF} L-003", "Pay the member.",
       scene="lender", steps=_BYLAW),
    no(e.WrongState, "A set-off against a loan that is not late", f"{_SET_OFF} L-003", "Pay the member.",
       steps=f"{_BYLAW}\n{_BIKE}"),
    no(e.InvalidAmount, "More set off than is overdue", f"{_SET_OFF} L-003 --amount 30.01",
       steps=f"{_BYLAW}\n{_BIKE}\nday 2026-06-03"),
    no(e.Overdrawn, "A set-off where nothing is payable", f"{_SET_OFF} L-003",
       steps=f"{_BYLAW}\n{_BIKE}\nday 2026-06-03"),
    no(e.WrongState, "The last share of who is late", "ana do redeem-shares --member M0002 --amount 25.00",
       steps=f"{_BIKE}\nday 2026-06-03"),

    # --------------------------------------------------------- internal capital of a worker co-op
    no(e.NotOffered, "Internal capital in a bank's book", "tom do return-capital --member M0001 --resolution R-2",
       "Keep it in the worker co-op's own book."),
    no(e.NotOffered, "Internal capital taken over into a bank's book",
       "tom do opening-balance --lines 'GEN 950/M0001/2024 Cr 10.00' --lines 'GEN 741 Dr 10.00'",
       "Keep it in the worker co-op's own book.", scene="old"),
    no(e.InvalidValue, "Internal capital of no vintage",
       "tom do opening-balance --lines 'GEN 950/M0001 Cr 10.00' --lines 'GEN 741 Dr 10.00'", scene="farm"),
    no(e.NotOffered, "Savings taken over by a worker co-op",
       "tom do opening-balance --lines 'GEN 905/M0001 Cr 10.00' --lines 'GEN 741 Dr 10.00'",
       "Enter it as what it is, such as 862 or 872.", scene="farm"),
    no(e.InvalidValue, "Internal capital of nonqualified notices",
       "tom do set-surplus-rules --resolution R-2 --steps 'patronage hours 100' --qualified=no", scene="farm"),
    no(e.InvalidValue, "A worker co-op's surplus by something else than hours",
       f"{_RULES} --steps 'patronage interest 100'", scene="farm"),
    no(e.WrongState, "Capital returned to who stays", f"{_RETURN} M0001", scene="farm"),
    no(e.Overdrawn, "Capital returned twice", f"{_RETURN} M0002", "Nothing is to be done.", scene="farm",
       steps="tom+sue return-capital member=M0002 resolution=R-2"),
    no(e.InvalidValue, "Capital returned in a lifetime", f"{_RETURN} M0002 --installments 60 --months 60",
       scene="farm"),
    no(e.InvalidDate, "A first payment in the past", f"{_RETURN} M0002 --first-on 2026-12-31", scene="farm"),
    no(e.WrongState, "Capital paid before its day", "tom do pay-redemption --redemption RD-00003", scene="farm",
       steps="tom+sue return-capital member=M0002 installments=2 resolution=R-2"),
    no(e.WrongState, "Interest on capital of a year that is not over", f"{_CAPITAL} 2027 --rate 2", scene="farm"),
    no(e.WrongState, "Interest on capital of a year that is closed", f"{_CAPITAL} 2026 --rate 2", scene="farm"),
    no(e.InvalidValue, "Interest of nothing", f"{_CAPITAL} 2026 --rate 0", scene="farm", steps=_REOPENED),
    no(e.InvalidAmount, "Interest on capital above the cap", f"{_CAPITAL} 2026 --rate 8.5", scene="farm",
       steps=_REOPENED),
    no(e.WrongState, "Interest on capital where there was none", f"{_CAPITAL} 2026 --rate 2", scene="farm",
       steps=_REOPENED),
    no(e.WrongState, "A loss shared where there is none", "tom do share-loss --year 2026 --resolution R-2",
       scene="farm"),
    no(e.WrongState, "A loss shared before the year is closed", "tom do share-loss --year 2027 --resolution R-2",
       scene="farm"),
)
