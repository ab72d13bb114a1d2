"""Cases of the error gallery: the institutions around the bank."""

from __future__ import annotations

from coopbank import errors as e
from tests.documents.gallery_case import Case, no

_AID = (
    "ana do give-aid --recipient 'Rosa Bell' --aid-kind telephone --need 'cut off' --criteria 'no income' --relation"
    " none --tender transfer --amount"
)
_RECEIPT = "ana do file-aid-receipt --case S-01 --receipt 'Bill 7' --amount"
_BACK = "tom do return-aid --why 'not needed' --tender transfer --case S-01 --amount"

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
)
