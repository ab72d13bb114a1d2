"""Cases of the error gallery: the institutions around the bank."""

from __future__ import annotations

from coopbank import errors as e
from tests.documents.gallery_case import Case, by_json, no

_AID = (
    "ana do give-aid --recipient 'Rosa Bell' --aid-kind telephone --need 'cut off' --criteria 'no income' --relation"
    " none --tender transfer --amount"
)
_RECEIPT = "ana do file-aid-receipt --case S-01 --receipt 'Bill 7' --amount"
_REFUSED = (
    "ana? give-aid recipient='Rosa Bell' aid_kind=ride amount=4.00 need=work criteria=x relation=x tender=transfer\n"
    "tom refuse request=R-00016 why=no"
)
_BACK = "tom do return-aid --why 'not needed' --tender transfer --case S-01 --amount"

_ADD = "ana do add-entry --register-code TOOLS --values"
_LENT = "--values 'tool: A saw' --values 'member: M0003' --values 'on: 2026-03-01'"
_DEFINE = "tom do define-register --code NEW --register-title New --fields"

_PARCEL = "tom do buy-parcel --parcel P-057 --price 10.00 --use housing --resolution R-27 --deed 7/57 --tender transfer"
_BOUGHT = (
    "tom+sue define-register template=PARCELS\n"
    "tom+sue buy-parcel parcel=P-057 price=10.00 use=housing resolution=R-27 deed=7/57 tender=transfer fund=SOL"
)
_FARM = (
    "tom+sue define-register template=PARCELS\n"
    "tom receive-gift fund=EDU amount=90.00 donor=D number=G-88 land_use=farm tender=transfer"
)
_WORK = (
    "tom do recognise-donated-work --building B-1 --hours 40 --hourly 25.00 --work carpentry --source survey --fund SOL"
)
LEASE = _BOUGHT.replace("tom+sue buy", "@parcel tom+sue buy") + (
    '\ntom+sue define-register template=LEASES\nana add-entry register_code=LEASES values=\'{"parcel":"PARCELS-00001",'
    '"member":"M0003","begins":"2026-02-01","rent":"7.00","formula":"cost and half of the rise"}\''
)
RESOLVED = (
    _BOUGHT + " covenant='homes for ever'\nadmin+tom set-body body=ALL body_name=All form=assembly notice_days=0\n"
    "sue call-meeting body=ALL on=2026-03-02 notice_sent_on=2026-03-02\n"
    "sue propose-resolution meeting=MT-00001 matter=other about=PARCELS-00001 text='P-057 goes to the school'\n"
    "sue propose-resolution meeting=MT-00001 matter=other text='We paint the door green'\n"
    + "\n".join(
        f"sue record-vote resolution=RES-0000{resolution} member=M000{member} vote=for"
        for resolution in (1, 2)
        for member in (1, 2, 3)
    )
    + "\nadmin+tom close-vote resolution=RES-00001\nadmin+tom close-vote resolution=RES-00002"
)
_SELL = "tom do dispose-parcel --parcel PARCELS-00001 --price 12.00 --deed 9/12 --why x --tender transfer --resolution"
_SOLD = RESOLVED + (
    "\ntom+sue dispose-parcel parcel=PARCELS-00001 price=12.00 deed=9/12 why=x tender=transfer resolution=RES-00001"
    " covenant_kept=true"
)
_DUES = "tom bill-dues member=M0003 year=2026 amount=5.00"
_CAMPAIGN = "tom+admin set-policy policy=campaign_payees value=voteforx"

_CLAIM = "tom do claim-from-institution --institution TRUST --reference T-1 --amount 5.00 --memo rent"
CLAIMED = "tom+sue claim-from-institution institution=TRUST reference=T-1 amount=5.00 memo=rent"

# fmt: off
CASES: tuple[Case, ...] = (
    # -------------------------------------------------------------------------------- solidarity
    no(e.LimitReached, "Aid above the cap of a case", f"{_AID} 250.01", scene="commons"),
    no(e.LimitReached, "Aid above the cap of a year", f"{_AID} 240.00", scene="commons",
       steps="ana+tom give-aid recipient='Rosa Bell' aid_kind=rent amount=250.00 need=x criteria=x relation=x"
             " tender=transfer\ntom+admin set-policy policy=solidarity_year value=400.00"),
    no(e.OwnAccount, "Aid to oneself", f"{_AID} 10.00 --recipient 'Ana Reyes'".replace("--recipient 'Rosa Bell' ", ""),
       "Two others of the committee decide.", scene="commons"),
    no(e.NotAllowed, "Aid to an official's household", f"{_AID} 10.00 --official", scene="commons"),
    no(e.NotAllowed, "Aid by somebody who is not of the care committee", f"{_AID} 10.00", scene="commons",
       steps="tom+admin set-policy policy=care_committee value='tom admin'"),
    no(e.InvalidValue, "Aid out of money that is lent", f"{_AID} 10.00 --fund RLF", scene="commons"),
    no(e.InvalidValue, "Aid out of a gift of another fund", f"{_AID} 10.00 --gift G-01 --fund SOL", scene="commons"),
    no(e.AlreadyExists, "A number of a case that is taken", f"{_AID} 10.00 --number S-01", scene="commons"),
    no(e.InvalidAmount, "A receipt for more than was given", f"{_RECEIPT} 40.01", scene="commons"),
    no(e.AlreadyExists, "A receipt that is filed already", f"{_RECEIPT} 1.00 --sha256 {'ab' * 32}",
       "Throw the copy away.", scene="commons",
       steps=f"ana file-aid-receipt case=S-01 receipt='Bill 7' amount=1.00 sha256={'ab' * 32}"),
    no(e.InvalidValue, "A fingerprint that is none", f"{_RECEIPT} 1.00 --sha256 xyz", scene="commons"),
    no(e.InvalidAmount, "More aid returned than was given", f"{_BACK} 40.01", scene="commons"),
    no(e.WrongState, "A refused request forgotten before its time", "tom do forget-request --request R-00016",
       scene="commons", steps=_REFUSED),
    no(e.WrongState, "A refused request forgotten twice", "tom do forget-request --request R-00016 --before-time",
       "It is done.", scene="commons",
       steps=_REFUSED + "\ntom+admin forget-request request=R-00016 before_time=true"),
    no(e.WrongState, "A request forgotten that still waits", "tom do forget-request --request R-00008",
       "Decide about it first.", scene="commons"),
    no(e.WrongState, "A refused request forgotten that names nobody", "tom do forget-request --request R-00016",
       "Nothing is to be done.", scene="commons",
       steps="tom? set-policy policy=paper value=A4\nsue refuse request=R-00016 why=no"),
    no(e.NotAllowed, "Aid to a campaign", f"{_AID} 4.00 --biller voteforx --fund SOL",
       "Pay it out of no charitable money.", scene="commons", steps=_CAMPAIGN),
    no(e.WrongState, "A case forgotten before its time", "tom do forget-case --case S-01", scene="commons"),
    no(e.WrongState, "A case forgotten twice", "tom do forget-case --case S-01 --before-time", scene="commons",
       steps="tom+admin forget-case case=S-01 before_time=true"),

    # --------------------------------------------------------------------------------- registers
    no(e.InvalidValue, "A register without a code", "tom do define-register --fields 'a text A'", scene="commons"),
    no(e.InvalidValue, "A code of a register in small letters", "tom do define-register --code tools",
       "Write it in capitals.", scene="commons"),
    no(e.InvalidValue, "A register of the program under another code",
       "tom do define-register --template WAGES --code PAY", "Leave the code out.", scene="commons"),
    no(e.InvalidValue, "The code of a register of the program",
       "tom do define-register --code WAGES --register-title Pay --fields 'a text A'", scene="commons"),
    no(e.InvalidValue, "A register without a title", "tom do define-register --code NEW --fields 'a text A'",
       scene="commons"),
    no(e.InvalidValue, "A field of a register in another form", f"{_DEFINE} hours", scene="commons"),
    no(e.InvalidValue, "A field of a register twice", f"{_DEFINE} 'a text A' --fields 'a text B'", scene="commons"),
    no(e.InvalidValue, "A choice without choices", f"{_DEFINE} 'a choice A'", scene="commons"),
    no(e.InvalidValue, "An entry of no register", f"{_DEFINE} 'a entry A'", scene="commons"),
    no(e.InvalidValue, "A text that is to be added up", f"{_DEFINE} 'a text total A'", scene="commons"),
    no(e.InvalidValue, "An amount that is to be kept apart", f"{_DEFINE} 'a amount personal A'", scene="commons"),
    no(e.InvalidValue, "A register dated by a text", f"{_DEFINE} 'a text A' --dated-by a", scene="commons"),
    no(e.InvalidValue, "A register kept by a role that there is not", f"{_DEFINE} 'a text A' --keepers king",
       scene="commons"),
    no(e.InvalidValue, "A field that reports read, left out",
       "tom do define-register --code GROUPS --fields 'a text A'",
       "Add your own fields after them.", scene="commons"),
    no(e.InvalidValue, "A field that becomes of another type",
       "tom do define-register --code TOOLS --fields 'tool number A'", scene="commons"),
    no(e.InvalidValue, "A choice that is taken away",
       "tom do define-register --code TOOLS --fields 'state choice(good) State'", scene="commons"),
    no(e.InvalidValue, "A register that is so already", "tom do define-register --template GROUPS",
       "Nothing is to be done.", scene="commons"),
    no(e.Unknown, "A register that there is not", "ana do add-entry --register-code NONE --values 'a: 1'",
       scene="commons"),
    no(e.WrongState, "A register that is not kept any more", f"ana do add-entry --register-code TOOLS {_LENT}",
       scene="commons", steps="tom+sue define-register code=TOOLS ended=true"),
    no(e.NotAllowed, "A register that others keep", f"ana do add-entry --register-code TOOLS {_LENT}",
       scene="commons", steps="tom+sue define-register code=TOOLS keepers='[\"treasurer\"]'"),
    no(e.InvalidValue, "An entry without what it must have", f"{_ADD} 'tool: A saw'", scene="commons"),
    no(e.InvalidValue, "A field that a register has not", f"{_ADD} 'colour: red'", scene="commons"),
    no(e.InvalidValue, "A line of an entry in another form", f"{_ADD} 'A saw'", scene="commons"),
    by_json(e.InvalidValue, "An entry that begins like JSON", scene="commons", operation="add-entry",
            register_code="TOOLS", values="{tool"),
    no(e.InvalidValue, "A field of an entry twice", f"{_ADD} 'tool: A' --values 'tool: B'", scene="commons"),
    no(e.InvalidValue, "A number that is none", f"{_ADD} 'days: many'", scene="commons"),
    no(e.InvalidValue, "A number below zero", f"{_ADD} 'days: -1'", scene="commons"),
    no(e.InvalidValue, "More hours than a year has", f"{_ADD} 'hours: 9000'", scene="commons"),
    no(e.InvalidValue, "A choice of an entry that there is not", f"{_ADD} 'state: lost'", scene="commons"),
    no(e.Unknown, "An entry of a member that there is not", f"{_ADD} 'member: M0999'", scene="commons"),
    no(e.Unknown, "An entry of a course that there is not",
       "ana do add-entry --register-code ATTENDANCE --values 'course: COURSES-00009'", scene="commons"),
    no(e.InvalidValue, "A change of an entry that changes nothing",
       "ana do change-entry --entry TOOLS-00001 --values 'tool: A drill' --why x", scene="commons"),
    no(e.WrongState, "A change of a mistake", "ana do change-entry --entry TOOLS-00001 --values 'days: 2' --why x",
       scene="commons", steps="ana+tom close-entry entry=TOOLS-00001 why=x mistaken=true"),
    no(e.AlreadyExists, "An entry closed twice", "ana do close-entry --entry TOOLS-00001 --why back", "It is closed.",
       scene="commons", steps="ana close-entry entry=TOOLS-00001 why=back"),
    no(e.NotAllowed, "What a register keeps apart, asked by who does not keep it", "sue register TOOLS --personal",
       "Read it without.", scene="commons"),

    # --------------------------------------------------------------------------------- borrowers
    no(e.WrongState, "A loan whose course is not completed",
       "ana do grant-loan --member M0001 --principal 50.00 --product GRANTLOAN --installments 5 --annual-rate 0",
       "Let them take the course first.", scene="commons",
       steps="ana+tom define-product code=GRANTLOAN product_name=First installments=5 annual_rate=0 course=Books"),
    no(e.LimitReached, "Linked borrowers above their limit",
       "ana do grant-loan --member M0001 --principal 50.00 --installments 5 --annual-rate 0", scene="commons",
       steps="\n".join(["tom+admin set-policy policy=linked_limit value=1000.00", *(
           f"ana add-entry register_code=GROUPS values='{{\"group\":\"Loop\",\"since\":\"2026-01-01\",\"why\":\"w\","
           f"\"member\":\"{member}\"}}'" for member in ("M0001", "M0003"))])),

    # -------------------------------------------------------------------------------------- land
    no(e.InvalidValue, "A number of a parcel in another form", _PARCEL.replace("P-057", "57"), scene="commons"),
    no(e.Unknown, "A parcel while no register of parcels is kept", f"{_PARCEL} --fund SOL",
       "Define it: coopbank do define-register --template PARCELS.", scene="commons"),
    no(e.AlreadyExists, "A parcel bought twice", f"{_PARCEL} --fund SOL", scene="commons", steps=_BOUGHT),
    no(e.CannotReverse, "A parcel reversed that is leased", "tom do reverse --operation {parcel} --reason x",
       scene="commons", steps=LEASE),
    no(e.WrongState, "A parcel out of a restricted fund, without a gift", f"{_PARCEL} --fund EDU", scene="commons",
       steps="tom+sue define-register template=PARCELS"),
    no(e.WrongState, "A parcel of another use than its gift was given for", f"{_PARCEL} --fund EDU --gift G-88",
       scene="commons", steps=_FARM),
    no(e.WrongState, "Land money spent on something else",
       "tom do spend-gift --gift G-88 --amount 5.00 --expense 250 --tender transfer",
       "Pay rent from another fund.", scene="commons", steps=_FARM),
    no(e.Overdrawn, "A parcel that costs more than its gift",
       _PARCEL.replace("housing", "farm").replace("10.00", "90.01") + " --fund EDU --gift G-88", scene="commons",
       steps=_FARM),
    no(e.InvalidValue, "A parcel by a gift of another fund", f"{_PARCEL} --fund SOL --gift G-88", scene="commons",
       steps=_FARM),
    no(e.WrongState, "What the books posted, changed in a register",
       "tom do change-entry --entry PARCELS-00001 --values 'price: 1.00' --why x", scene="commons", steps=_BOUGHT),
    no(e.WrongState, "What the books posted, closed as a mistake",
       "tom do close-entry --entry PARCELS-00001 --mistaken --why x", scene="commons", steps=_BOUGHT),
    no(e.InvalidValue, "A number of a building in another form", _WORK.replace("B-1", "1"), scene="commons"),
    no(e.InvalidValue, "Hours of work that are none", _WORK.replace("40", "0"), scene="commons"),
    no(e.NotOffered, "Donated work in books that do not recognise it", _WORK,
       "Keep the hours in the register of volunteers.", scene="commons",
       steps="tom+admin set-policy policy=donated_work value=no"),
    no(e.InvalidValue, "Rent of what is no lease",
       "ana do receive-ground-rent --lease TOOLS-00001 --month 2026-03 --amount 1.00", scene="commons"),
    no(e.InvalidAmount, "More rent than the lease says",
       "ana do receive-ground-rent --lease LEASES-00001 --month 2026-03 --amount 7.01", scene="commons", steps=LEASE),
    no(e.WrongState, "Rent of a month before the lease",
       "ana do receive-ground-rent --lease LEASES-00001 --month 2026-01 --amount 1.00", scene="commons", steps=LEASE),
    no(e.WrongState, "Rent of a lease that is over",
       "ana do receive-ground-rent --lease LEASES-00001 --month 2026-03 --amount 1.00", scene="commons",
       steps=LEASE + "\nana close-entry entry=LEASES-00001 why='moved out'"),
    no(e.NeedsResolution, "Land sold without the assembly", f"{_SELL} R-27", scene="commons", steps=_BOUGHT),
    no(e.NeedsResolution, "Land sold on a resolution about a door", f"{_SELL} RES-00002", scene="commons",
       steps=RESOLVED),
    no(e.WrongState, "Land sold against its covenant", f"{_SELL} RES-00001", scene="commons", steps=RESOLVED),
    no(e.Overdrawn, "A building that is not there, sold with its parcel",
       f"{_SELL} RES-00001 --covenant-kept --buildings B-1", scene="commons", steps=RESOLVED),
    no(e.WrongState, "Land sold twice", f"{_SELL} R-27", scene="commons", steps=_SOLD),
    no(e.CannotReverse, "A sale reversed of a parcel that was bought again",
       "tom do reverse --operation {sold} --reason 'they gave it back'", scene="commons",
       steps=_SOLD.replace("\ntom+sue dispose-parcel", "\n@sold tom+sue dispose-parcel")
             + "\n" + _BOUGHT.splitlines()[1]),
    no(e.InvalidValue, "A tool sold as a parcel", f"{_SELL} R-27".replace("PARCELS", "TOOLS"), scene="commons"),
    no(e.InvalidValue, "A policy that is yes or no", "tom do set-policy --policy donated_work --value maybe",
       scene="commons"),

    # -------------------------------------------------------------------------------- federation
    no(e.InvalidDate, "Dues of a far year", "tom do bill-dues --member M0003 --year 2030 --amount 5.00",
       scene="commons"),
    no(e.InvalidValue, "Dues that nobody agreed", "tom do bill-dues --member M0003 --year 2026", scene="commons"),
    no(e.AlreadyExists, "Dues billed twice", "tom do bill-dues --member M0003 --year 2026 --amount 5.00",
       "It is billed.", scene="commons", steps=_DUES),
    no(e.InvalidAmount, "More than the dues that are open", "ana do receive-dues --dues DU-001 --amount 5.01",
       scene="commons", steps=_DUES),
    no(e.WrongState, "Dues that are paid", "ana do receive-dues --dues DU-001 --amount 1.00", "Nothing is open.",
       scene="commons", steps=_DUES + "\nana receive-dues dues=DU-001 amount=5.00"),

    # --------------------------------------------------------------------------------- campaigns
    no(e.NotAllowed, "Charitable money to a campaign",
       "ana do enter-bill --supplier VOTEFORX --number 1 --amount 5.00 --expense 290 --gift G-01",
       "Do not pay it from here.", scene="commons", steps=_CAMPAIGN),
    no(e.InvalidValue, "Charitable money to nobody that is named",
       "tom do spend-gift --gift G-01 --amount 5.00 --expense 290 --tender transfer", scene="commons",
       steps=_CAMPAIGN),

    # ----------------------------------------------------------------------------- several books
    no(e.AlreadyExists, "An institution entered twice",
       f"tom do add-institution --code TRUST --institution-name Trust --book {'cd' * 16}", scene="commons"),
    no(e.AlreadyExists, "A book entered under a second name",
       f"tom do add-institution --code LAND --institution-name Trust --book {'ab' * 16}", "Use the name it has.",
       scene="commons"),
    no(e.InvalidValue, "A number of a book in another form",
       "tom do add-institution --code LAND --institution-name Trust --book 12", scene="commons"),
    no(e.AlreadyExists, "A claim under a reference that is entered", _CLAIM, "It is entered.", scene="commons",
       steps=CLAIMED),
    no(e.InvalidValue, "A claim that is interest", f"{_CLAIM} --income 111", scene="commons"),
    no(e.Unknown, "A claim on an account that there is not", f"{_CLAIM} --income 999", scene="commons"),
    no(e.WrongState, "What is due, paid", "tom do pay-institution --pair IP-0001 --amount 1.00 --tender transfer",
       "Receive it instead.", scene="commons", steps=CLAIMED),
    no(e.InvalidAmount, "More than is open between institutions",
       "tom do receive-from-institution --pair IP-0001 --amount 5.01 --tender transfer", scene="commons",
       steps=CLAIMED),
    no(e.InvalidAmount, "A pair confirmed with another amount",
       f"tom do confirm-pair --pair IP-0001 --their-operation 7 --their-head {'ab' * 8} --their-amount 4.00",
       "Do not confirm it; ask them.", scene="commons", steps=CLAIMED),
    no(e.InvalidValue, "A head of a chain in another form",
       "tom do confirm-pair --pair IP-0001 --their-operation 7 --their-head 12 --their-amount 5.00", scene="commons",
       steps=CLAIMED),
    no(e.AlreadyExists, "A pair confirmed twice",
       f"tom do confirm-pair --pair IP-0001 --their-operation 7 --their-head {'ab' * 8} --their-amount 5.00",
       "It is confirmed.", scene="commons",
       steps=CLAIMED + f"\ntom confirm-pair pair=IP-0001 their_operation=7 their_head={'ab' * 8} their_amount=5.00"),
    no(e.Unknown, "Books that do not know each other", "mirror ledger.db", "Enter each in the other.",
       scene="commons"),
    no(e.InvalidValue, "A resale of what is no lease", "resale TOOLS-00001 --value 5.00", scene="commons"),
    no(e.InvalidAmount, "A building that is worth less than nothing", "resale LEASES-00001 --value=-5.00",
       scene="commons", steps=LEASE),
)
