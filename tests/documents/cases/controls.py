"""Cases of the error gallery: powers and their limits, relatives, the book's key, one-time codes."""

from __future__ import annotations

from coopbank import errors as e
from tests.documents import gallery_faults as fault
from tests.documents.gallery_case import Case, no

_UP_TO_50 = """admin+tom set-role role=teller operation=withdraw at_most=50.00
admin+tom set-role role=loan-officer operation=withdraw at_most=50.00"""

_SHORT = "@short ana close-drawer drawer=D1 counted=200.00 why='not known'"

# fmt: off
CASES: tuple[Case, ...] = (
    # ------------------------------------------------------------------------------ powers
    no(e.LimitReached, "More than one's role may pay out", "ana do withdraw --member M0001 --amount 60.00",
       "Ask a colleague whose role reaches further.", steps=_UP_TO_50),
    no(e.NotAllowed, "The last power of an administrator", "admin do set-role --role administrator"
       " --operation set-role --allowed false", "Make another administrator first, and leave this role as it is."),
    no(e.InvalidValue, "A limit for what has no amount",
       "admin do set-role --role teller --operation open-savings --at-most 5.00"),
    no(e.InvalidValue, "More alone than at all",
       "admin do set-role --role teller --operation deposit --at-most 5.00 --alone-up-to 6.00"),
    no(e.InvalidValue, "A power that a role has", "admin do set-role --role teller --operation deposit",
       "Nothing is to be done."),
    no(e.InvalidValue, "A role without powers", "admin do set-role --role boss --operation deposit"),
    no(e.InvalidValue, "A power over nothing", "admin do set-role --role teller --operation lend-lightly"),
    no(e.InvalidValue, "A limit for a day that a role has", "admin do set-day-limit --role teller --amount 0",
       "Nothing is to be done."),
    no(e.NotAllowed, "A colleague's relative", "ana do declare-relative --user tom --relative M0001",
       "Tell an administrator."),
    no(e.InvalidValue, "A relative twice", "ana do declare-relative --user ana --relative M0001",
       "Nothing is to be done.", steps="ana declare-relative user=ana relative=M0001"),
    no(e.OwnAccount, "A relative's account", "ana do deposit --member M0001 --amount 10.00",
       "Ask a colleague to do it.", steps="ana declare-relative user=ana relative=M0001"),
    no(e.NotAllowed, "A passphrase that somebody else knows", "ana do deposit --member M0001 --amount 10.00",
       "Choose your own: coopbank passphrase ana.", around=fault.given_passphrase),

    no(e.OwnRequest, "A difference of one's own drawer, signed", "ana do sign-difference --difference D1-{short}",
       "Ask a colleague to look at it.", steps=_SHORT),
    no(e.OwnRequest, "A day opened by whoever was short the evening before", "ana do open-day",
       "Let a colleague open it, or sign the difference.", steps=_SHORT + "\nana close-day\nclock 2026-03-03T18:00"),
    no(e.WrongState, "A year that is not over", "tom do open-audit-period --year 2026", "Close its months first."),
    no(e.WrongState, "A year closed without its audit period", "tom do close-year --year 2025"),
    no(e.WrongState, "A year reopened that is open", "tom do reopen-year --year 2026 --why 'a late bill'",
       "Enter it: nothing is locked."),
    no(e.InvalidValue, "A year in words", "tom do close-year --year 'last year'"),

    # --------------------------------------------------------------------------- key, codes
    no(e.Unknown, "A key that was never made", "keys show", "Make one with: coopbank keys make."),
    no(e.KeysLocked, "A new key by somebody who holds no key", "tom keys make",
       "Ask somebody whose passphrase opens the key of now.", around=fault.keyed),
    no(e.KeysLocked, "Codes taken from a book without a key", "admin codes off", "Make a key first."),
    no(e.InvalidValue, "A key that the one before does not know",
       f"admin do set-signing-key --sign {'ab' * 32} --seal {'cd' * 32}", "Make it with: coopbank keys make.",
       around=fault.keyed),
    no(e.InvalidValue, "A key of another length", "admin do set-signing-key --sign abc --seal def",
       "Make it with: coopbank keys make."),
    no(e.NotAllowed, "An administrator without codes, where the treasurer has them",
       "admin do change-role --user ana --user-roles teller", "Begin yours: coopbank codes on.",
       around=fault.tom_coded),
    no(e.NotAllowed, "One's own sign-in, renewed", "admin do reset-sign-in --user admin",
       "Set your passphrase with: coopbank passphrase admin."),
    no(e.WrongState, "A sign-in whose renewal waits already", "admin passphrase ana",
       "Ask the colleague to look at it.", steps="admin? reset-sign-in user=ana",
       env={"COOPBANK_NEW_PASSPHRASE": "four words of hers"}),
    no(e.InvalidValue, "A renewal of nothing", "admin do reset-sign-in --user ana --passphrase no",
       "Leave --passphrase out, or add --codes yes."),
    no(e.InvalidValue, "Codes ended of somebody who has none", "admin codes off ana"),
    no(e.InvalidValue, "Codes asked of a role that there is not",
       "tom do set-policy --policy codes_required_for --value boss"),
    no(e.CodeWanted, "A passphrase without its code", "admin do open-day",
       "Sign in at the terminal, or give a script the code in COOPBANK_CODE.", around=fault.coded),
    no(e.SignInRefused, "A wrong one-time code", "admin do open-day", "Wait for the next code.", around=fault.coded,
       env={"COOPBANK_CODE": "000000"}),
    no(e.SignInRefused, "One-time codes without the key file", "admin do open-day",
       "Bring the file back from where its copy is.", around=fault.key_file_gone, env={"COOPBANK_CODE": "123456"}),
)
# fmt: on
