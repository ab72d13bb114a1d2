"""Cases of the error gallery: who stands beside a member, a death, lost contact, unclaimed money, forgetting."""

from __future__ import annotations

from coopbank import errors as e
from tests.documents.gallery_case import Case, no

_ADD = "ana do add-joint-owner --member M0001"
_TAKE = "ana do withdraw --member M0001 --amount 10.00 --by-person"
_PAY = "ana do pay-estate --member M0002 --account 901 --amount 25.00"
_FORGET = "admin do forget-member --member"

# fmt: off
CASES: tuple[Case, ...] = (
    # ------------------------------------------------------------------------ who stands beside a member
    no(e.InvalidValue, "A joint owner who is nobody", _ADD, scene="family"),
    no(e.InvalidValue, "A joint owner who is the member", f"{_ADD} --person M0001", scene="family"),
    no(e.AlreadyExists, "A joint owner entered again", f"{_ADD} --person M0003", scene="family"),
    no(e.WrongState, "A beneficiary takes money out", f"{_TAKE} J-00002", "Ask the member.", scene="family"),
    no(e.Unknown, "Somebody who stands on another account takes money out", f"{_TAKE} J-00004",
       "See who does with: coopbank member M0001.", scene="family"),
    no(e.WrongState, "A joint owner removed again", "ana do remove-joint-owner --person J-00003", "It is done.",
       scene="family"),

    # -------------------------------------------------------------------------------------- a death
    no(e.WrongState, "A withdrawal after the member's death", "ana do redeem-shares --member M0002 --amount 25.00",
       "Two people pay it to those who have a right to it.", scene="family"),
    no(e.AlreadyExists, "A death recorded again",
       "ana do record-death --member M0002 --died-on 2026-03-02 --evidence 4712", scene="family"),
    no(e.WrongState, "A death withdrawn that was not recorded", "ana do withdraw-death --member M0001",
       scene="family"),
    no(e.InvalidValue, "What a member left paid to nobody", _PAY, scene="family"),
    no(e.InvalidValue, "An estate paid without papers", f"{_PAY} --estate-name 'Lou Marsh'", scene="family"),
    no(e.WrongState, "A signer paid after the member's death", f"{_PAY} --to-person J-00005",
       "Pay the estate, on papers.", scene="family"),
    no(e.Overdrawn, "More paid to the estate than there is",
       f"{_PAY} --estate-name 'Lou Marsh' --papers 'Letters 12/26'".replace("25.00", "50.00"), scene="family"),
    no(e.Unknown, "What a member left paid from an account that there is not",
       f"{_PAY} --estate-name 'Lou Marsh' --papers 'Letters 12/26'".replace("901", "905/M0001"), scene="family"),

    # -------------------------------------------------------------------------------------- contact
    no(e.AlreadyExists, "Contact lost that is lost already", "ana do lost-contact --member M0003", scene="family",
       steps="ana lost-contact member=M0003"),
    no(e.InvalidDate, "Contact that was had earlier than another",
       "ana do found-again --member M0001 --how letter --on 2026-01-05", scene="family",
       steps="ana found-again member=M0001 how=came"),

    # ---------------------------------------------------------------------------------- unclaimed money
    no(e.WrongState, "A notice to a member who was here", "ana do send-due-diligence --member M0001",
       "Wait: they come.", scene="family"),
    no(e.WrongState, "A notice about nothing", "ana do send-due-diligence --member M0003", scene="silent"),
    no(e.AlreadyExists, "A notice sent again", "ana do send-due-diligence --member M0001", scene="silent"),
    no(e.WrongState, "Money set apart too early", "tom do turn-over-unclaimed --member M0001",
       "It is not unclaimed yet.", scene="family"),
    no(e.WrongState, "Money set apart without a notice", "tom do turn-over-unclaimed --member M0004",
       scene="silent"),
    no(e.WrongState, "Money set apart while a notice waits", "tom do turn-over-unclaimed --member M0001",
       scene="silent"),
    no(e.WrongState, "Money set apart of which some is held", "tom do turn-over-unclaimed --member M0001",
       "Decide about the cheque first.", scene="silent",
       steps="day 2031-05-02\ntom+sue set-policy policy=cheque_hold_days value=9000\n"
             "tom receive-unknown amount=5.00\nday 2031-05-05\n"
             "ana deposit member=M0001 amount=5.00 tender=cheque cheque_number=1\nday 2036-05-05\n"
             "ana send-due-diligence member=M0001\nday 2036-07-07"),
    no(e.WrongState, "Nothing to pay to the state", "tom do pay-unclaimed --report 2031-7", scene="silent"),
    no(e.InvalidValue, "Unclaimed money in a journal entry",
       "tom do journal-entry --memo found --lines 'GEN 893/M0001 Cr 5.00' --lines 'GEN 290 Dr 5.00'", scene="silent"),

    # -------------------------------------------------------------------------------------- forgetting
    no(e.WrongState, "Forgetting a member who is here", f"{_FORGET} M0001", scene="silent"),
    no(e.WrongState, "Forgetting a member before the years are over", f"{_FORGET} M0002", scene="silent",
       steps="ana change-member member=M0002 status=active\nana change-member member=M0002 status=left"),
    no(e.WrongState, "Forgetting a member about whom something goes on", f"{_FORGET} M0002", scene="silent",
       steps="admin+tom link-user user=sue member=M0002"),
    no(e.WrongState, "Forgetting a member again", f"{_FORGET} M0002", "It is done.", scene="silent",
       steps="admin+tom forget-member member=M0002"),
    no(e.WrongState, "Changing a member who was forgotten",
       "ana do change-member --member M0002 --status active", scene="silent",
       steps="admin+tom forget-member member=M0002"),
    no(e.NotAllowed, "The file written anew by a teller", "ana erase-traces", "Ask an administrator."),
)
