"""Cases of the error gallery: the institutions around the bank."""

from __future__ import annotations

from coopbank import errors as e
from tests.documents.gallery_case import Case, by_json, no

_AID = (
    "ana do give-aid --recipient 'Rosa Bell' --aid-kind telephone --need 'cut off' --criteria 'no income' --relation"
    " none --tender transfer --amount"
)
_RECEIPT = "ana do file-aid-receipt --case S-01 --receipt 'Bill 7' --amount"
_BACK = "tom do return-aid --why 'not needed' --tender transfer --case S-01 --amount"

_ADD = "ana do add-entry --register-code TOOLS --values"
_LENT = "--values 'tool: A saw' --values 'member: M0003' --values 'on: 2026-03-01'"
_DEFINE = "tom do define-register --code NEW --register-title New --fields"

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
    no(e.InvalidValue, "A choice that there is not", f"{_ADD} 'state: lost'", scene="commons"),
    no(e.Unknown, "An entry of a member that there is not", f"{_ADD} 'member: M0999'", scene="commons"),
    no(e.Unknown, "An entry of a course that there is not",
       "ana do add-entry --register-code ATTENDANCE --values 'course: COURSES-00009'", scene="commons"),
    no(e.InvalidValue, "A change that changes nothing",
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
       steps="""tom+admin set-policy policy=linked_limit value=1000.00
                ana add-entry register_code=GROUPS values='{"group":"Loop","member":"M0001","since":"2026-01-01","why":"w"}'
                ana add-entry register_code=GROUPS values='{"group":"Loop","member":"M0003","since":"2026-01-01","why":"w"}'
             """),
)
