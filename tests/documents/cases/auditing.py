"""Cases of the error gallery: audit tests, samples, and campaigns of confirmations."""

from __future__ import annotations

from coopbank import errors as e
from tests.documents.gallery_case import Case, no

_ALL = "sue start-campaign form=positive population=all selection=all\n"
_SILENT = "sue start-campaign form=negative population=all selection=all\n"
_AGREES = _ALL + "sue record-reply campaign=V-001 reply=agrees about=905/M0001\n"
_BACK = _ALL + "sue record-reply campaign=V-001 reply=returned about=905/M0001\n"
_START = "sue do start-campaign --form positive --population savings"
_REPLY = "sue do record-reply --campaign V-001 --about 905/M0001"
_RESOLVE = "sue do resolve-exception --campaign V-001 --about 905/M0001 --why 'the receipts were seen'"

# fmt: off
CASES: tuple[Case, ...] = (
    # ------------------------------------------------------------------------------ audit tests
    no(e.Unknown, "An audit test that there is not", "audit tea-leaves",
       "See which there are with: coopbank audit --tests."),
    no(e.WrongUsage, "A sample of no size", "sample savings --seed 'river 42'"),
    no(e.WrongUsage, "A random sample with an interval", "sample savings --seed s --random --interval 100.00"),
    no(e.WrongUsage, "An interval that is no amount", "sample savings --seed s --interval much"),
    no(e.InvalidValue, "An interval of nothing", "sample savings --seed s --interval 0"),
    no(e.InvalidValue, "A time zone that is not known",
       "tom do set-policy --policy time_zone --value Mars/Olympus", "Write it as America/Chicago."),
    # -------------------------------------------------------------------- beginning a campaign
    no(e.InvalidValue, "A sample without a seed", f"{_START} --size 5",
       "Throw dice, write down what they show, and give it with --seed."),
    no(e.InvalidValue, "A sample with neither size nor interval", f"{_START} --seed 'river 42'"),
    no(e.InvalidValue, "A seed where everybody is asked", f"{_START} --selection all --seed 'river 42'"),
    no(e.InvalidValue, "A sample of too many", f"{_START} --seed 'river 42' --size 60000"),
    no(e.InvalidDate, "Balances of a day to come", f"{_START} --selection all --day 2030-01-01"),
    no(e.WrongState, "A day on which nobody had an account", f"{_START} --selection all --day 2020-01-01",
       "Name a day on which the members had something."),
    no(e.NotAllowed, "A campaign begun by who keeps the books",
       "ana do start-campaign --form positive --population savings --selection all",
       "Ask the supervisory committee: nobody audits their own work."),
    # ---------------------------------------------------------------------------------- replies
    no(e.Unknown, "An account that is not asked about",
       "sue do record-reply --campaign V-001 --about 905/M0009 --reply agrees", steps=_ALL),
    no(e.InvalidValue, "An account that is none",
       "sue do record-reply --campaign V-001 --about Mia --reply agrees", steps=_ALL),
    no(e.InvalidValue, "A reply without an account", "sue do record-reply --campaign V-001 --reply agrees", steps=_ALL),
    no(e.InvalidValue, "A reply that differs by nothing said", f"{_REPLY} --reply differs", steps=_ALL),
    no(e.InvalidValue, "A reply that differs by nothing", f"{_REPLY} --reply differs --amount 190.00", steps=_ALL),
    no(e.InvalidDate, "A reply from the future", f"{_REPLY} --reply agrees --replied-on 2030-01-01", steps=_ALL),
    no(e.AlreadyExists, "A second reply", f"{_REPLY} --reply returned",
       "If the first was recorded wrongly, say so with --why.", steps=_AGREES),
    no(e.WrongState, "Silence recorded where silence agrees",
       "sue do record-reply --campaign V-001 --reply none", "End the campaign: who is silent agrees.", steps=_SILENT),
    no(e.WrongState, "Silence of nobody", "sue do record-reply --campaign V-001 --reply none",
       "Look into the exceptions.", steps=_ALL + "sue record-reply campaign=V-001 reply=none"),
    # ------------------------------------------------------------------- exceptions and the end
    no(e.WrongState, "Nothing to resolve", f"{_RESOLVE} --finding timing", steps=_AGREES),
    no(e.InvalidValue, "A mistake of ours that nobody put a figure to", f"{_RESOLVE} --finding bank-mistaken",
       steps=_BACK),
    no(e.WrongState, "A campaign ended before everybody answered",
       "sue do close-campaign --campaign V-001 --conclusion 'all well'", steps=_ALL),
    no(e.WrongState, "A campaign ended with exceptions",
       "sue do close-campaign --campaign V-001 --conclusion 'all well'",
       steps=_ALL + "sue record-reply campaign=V-001 reply=none"),
    no(e.WrongState, "A reply to a campaign that is over", f"{_REPLY} --reply agrees", "Begin another campaign.",
       steps=_ALL + "sue close-campaign campaign=V-001 conclusion='the wrong day' give_up=yes"),
    no(e.Unknown, "A campaign that there is not", "campaign V-009"),
    no(e.WrongUsage, "Letters of no campaign", "campaign --letters"),
)
# fmt: on
