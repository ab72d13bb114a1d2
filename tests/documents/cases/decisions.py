"""Cases of the error gallery: bodies, votes, mandates and secret ballots."""

from __future__ import annotations

from coopbank import errors as e
from tests.documents.gallery_case import Case, no

_VOTE = "sue do record-vote --resolution RES-00002 --vote for --member"
_MOVE = "sue do propose-resolution --meeting MT-00001 --text 'We lend' --matter"
_CALL = "sue do call-meeting --body"
_GRANT = "ana do grant-loan --annual-rate 6 --installments 12 --member"
_POLL = "sue do open-poll --meeting MT-00001 --question 'What for?' --form"
_LOAD = "sue do load-ballots --poll PL-00001 --ballots"
_CLOSED = "sue+tom close-vote resolution=RES-00002"
_COUNTED = 'sue+tom load-ballots poll=PL-00001 ballots=\'["2x ROOF","SHOP ROOF"]\''
_CARRIED = (
    "sue declare-interest resolution=RES-00001 member=M0002 why='asks for it'\n"
    "sue record-vote resolution=RES-00001 member=M0001 vote=for\n"
    "sue record-vote resolution=RES-00001 member=M0003 vote=for\n"
    "admin+tom close-vote resolution=RES-00001\n"
)
_BOX = """coopbank-ballots,1
poll,PL-00001
form,election
seats,1
option,M0001,,
ballot,M0001
sha256,0000000000000000000000000000000000000000000000000000000000000000
"""

# fmt: off
CASES: tuple[Case, ...] = (
    # ----------------------------------------------------------------------------------- bodies
    no(e.InvalidValue, "A body that becomes another",
       "admin do set-body --body LOANS --body-name Loans --form assembly", scene="hall"),
    no(e.InvalidValue, "A body as it is already",
       "admin do set-body --body LOANS --body-name 'Loan committee' --form committee", "It is so.", scene="hall"),
    no(e.InvalidValue, "A majority that there is not",
       "admin do set-body --body X --body-name X --form assembly --majorities 'loan most'", scene="hall"),
    no(e.WrongState, "A seat on the assembly",
       "admin do seat-member --body ASSEMBLY --member M0001 --until 2027-03-01",
       "Nothing is to be done: all members have a vote.", scene="hall"),
    no(e.AlreadyExists, "A seat that is held already",
       "admin do seat-member --body LOANS --member M0001 --until 2027-03-01", scene="hall"),
    no(e.InvalidDate, "A term that is over", "admin do seat-member --body LOANS --member M0002 --until 2026-03-01",
       scene="hall"),
    no(e.InvalidDate, "A term without end", "admin do seat-member --body LOANS --member M0002 --until 2099-03-01",
       scene="hall"),
    no(e.WrongState, "A seat ended that nobody holds", "admin do end-seat --body LOANS --member M0002 --why moved",
       scene="hall"),
    no(e.WrongState, "A body that is dissolved", f"{_CALL} LOANS --on 2026-03-20 --notice-sent-on 2026-03-02",
       "Set it up again, or call another.", scene="hall",
       steps='admin+tom set-body body=LOANS body_name="Loan committee" form=committee dissolved=yes'),

    # --------------------------------------------------------------------------------- meetings
    no(e.InvalidDate, "A notice that is too short", f"{_CALL} LOANS --on 2026-03-05 --notice-sent-on 2026-03-02",
       "Hold it on the day that is named, or later.", scene="hall"),
    no(e.InvalidDate, "A notice sent tomorrow", f"{_CALL} LOANS --on 2026-03-30 --notice-sent-on 2026-03-03",
       scene="hall"),
    no(e.InvalidDate, "A meeting in two years", f"{_CALL} LOANS --on 2028-03-05 --notice-sent-on 2026-03-02",
       scene="hall"),
    no(e.InvalidDate, "A record date in the future",
       f"{_CALL} LOANS --on 2026-03-30 --notice-sent-on 2026-03-02 --record-date 2026-03-03", scene="hall"),
    no(e.WrongState, "A meeting of nobody", f"{_CALL} LOANS --on 2026-03-30 --notice-sent-on 2026-02-02",
       "Give seats first, or name a later record date.", scene="hall"),
    no(e.WrongState, "A meeting cancelled that has decided", "sue do cancel-meeting --meeting MT-00001 --why rain",
       "What it decided stands.", scene="hall", steps=_CLOSED),
    no(e.WrongState, "A motion at a cancelled meeting",
       "sue do propose-resolution --meeting MT-00002 --matter other --text x", "Call another meeting.", scene="hall",
       steps="sue cancel-meeting meeting=MT-00002 why=rain"),

    # ------------------------------------------------------------------------------ resolutions
    no(e.InvalidValue, "A motion on a loan without its amount", f"{_MOVE} loan --about A-001", scene="hall"),
    no(e.InvalidValue, "A motion on a loan without the application", f"{_MOVE} loan --amount 5.00", scene="hall"),
    no(e.Unknown, "A motion about nothing", f"{_MOVE} loan --about A-009 --amount 5.00", scene="hall"),
    no(e.InvalidDate, "A motion that ends before it begins", f"{_MOVE} other --until 2026-03-01", scene="hall"),
    no(e.NotEntitled, "A vote of somebody who has left", f"{_VOTE} M0004",
       "Nothing is to be done: they do not vote.", scene="hall"),
    no(e.NotEntitled, "A vote of who asks for the loan",
       "sue do record-vote --resolution RES-00001 --vote for --member M0002", "Note their interest.", scene="hall"),
    no(e.AlreadyVoted, "A second vote", f"{_VOTE} M0001", "Leave it at the first.", scene="hall"),
    no(e.AlreadyVoted, "A vote beside a count of hands", f"{_VOTE.replace('2', '1')} M0003",
       "The hands were counted.", scene="hall",
       steps="sue declare-interest resolution=RES-00001 member=M0002 why='asks for it'\n"
             "admin+tom record-count resolution=RES-00001 in_favour=2 against=0"),
    no(e.AlreadyVoted, "A count of hands beside votes",
       "sue do record-count --resolution RES-00002 --in-favour 2 --against 1", "Record the others by name.",
       scene="hall"),
    no(e.AlreadyVoted, "An interest declared twice",
       "sue do declare-interest --resolution RES-00001 --member M0002 --why 'asks for it'", "It is noted.",
       scene="hall", steps="sue declare-interest resolution=RES-00001 member=M0002 why='asks for it'"),
    no(e.WrongState, "An interest after hands were counted",
       "sue do declare-interest --resolution RES-00001 --member M0001 --why 'a cousin'",
       "Withdraw the resolution, and move it anew.", scene="hall",
       steps="sue declare-interest resolution=RES-00001 member=M0002 why='asks for it'\n"
             "admin+tom record-count resolution=RES-00001 in_favour=2 against=0"),
    no(e.InvalidValue, "More hands than members",
       "sue do record-count --resolution RES-00001 --in-favour 9 --against 0", "Count again.", scene="hall",
       steps="sue declare-interest resolution=RES-00001 member=M0002 why='asks for it'"),
    no(e.WrongState, "A vote closed while somebody concerned sits at the table",
       "sue do close-vote --resolution RES-00001", scene="hall"),
    no(e.WrongState, "A vote after the close", f"{_VOTE} M0002", "It is decided; move it anew.", scene="hall",
       steps=_CLOSED),
    no(e.WrongState, "A vote before the meeting",
       "sue do record-vote --resolution RES-00003 --vote for --member M0001", "Wait for the day.", scene="hall"),

    # --------------------------------------------------------------------------------- mandates
    no(e.NeedsResolution, "A loan that the assembly decides", f"{_GRANT} M0003 --principal 1500.00",
       "Move it at a meeting.", scene="hall"),
    no(e.NeedsResolution, "A loan on a resolution that is open",
       f"{_GRANT} M0002 --principal 200.00 --application A-001 --resolution RES-00001", "Wait for the vote.",
       scene="hall"),
    no(e.NeedsResolution, "A larger loan than was decided",
       f"{_GRANT} M0002 --principal 200.01 --application A-001 --resolution RES-00001",
       "Lend what was decided, or move it anew.", scene="hall", steps=_CARRIED),
    no(e.NeedsResolution, "A loan to somebody else than was decided",
       f"{_GRANT} M0003 --principal 200.00 --resolution RES-00001", "Name the resolution on this loan.",
       scene="hall", steps=_CARRIED),
    no(e.NeedsResolution, "A loan on other terms than were decided",
       f"{_GRANT} M0003 --principal 200.00 --resolution RES-00004", "Grant it as decided.",
       scene="hall",
       steps="sue propose-resolution meeting=MT-00001 matter=loan about=M0003 amount=200.00 text=Lend annual_rate=5\n"
             "sue declare-interest resolution=RES-00004 member=M0003 why=asks\n"
             "sue+tom record-count resolution=RES-00004 in_favour=2 against=0\n"
             "sue+tom close-vote resolution=RES-00004"),
    no(e.NeedsResolution, "A second loan on one resolution",
       f"{_GRANT} M0003 --principal 50.00 --resolution RES-00004", "Move it anew.", scene="hall",
       steps="sue propose-resolution meeting=MT-00001 matter=loan about=M0003 amount=200.00 text=Lend\n"
             "sue declare-interest resolution=RES-00004 member=M0003 why=asks\n"
             "sue+tom record-count resolution=RES-00004 in_favour=2 against=0\n"
             "sue+tom close-vote resolution=RES-00004\n"
             "ana+tom grant-loan member=M0003 principal=100.00 annual_rate=6 installments=12 resolution=RES-00004"),
    no(e.InvalidValue, "Interest in a motion that lends nothing", f"{_MOVE} other --annual-rate 6", scene="hall"),
    no(e.WrongState, "A term sheet changed while it is voted on",
       "ana do write-credit-memo --application A-001 --terms '200.00 at 9 %' --memo x",
       "Withdraw the resolution and move it anew.", scene="hall",
       steps="sue declare-interest resolution=RES-00001 member=M0002 why='asks for it'\n"
             "sue record-vote resolution=RES-00001 member=M0001 vote=for"),
    no(e.NeedsResolution, "A loan on a resolution about a door",
       f"{_GRANT} M0003 --principal 200.00 --resolution RES-00002", "Name the resolution on this loan.",
       scene="hall", steps=_CLOSED),
    no(e.NeedsResolution, "A loan on another body's resolution",
       f"{_GRANT} M0002 --principal 200.00 --application A-001 --resolution RES-00001",
       "Ask the body that decides.", scene="hall",
       steps=_CARRIED + "admin+tom set-mandate operation=grant-loan body=LOANS"),
    no(e.NeedsResolution, "A policy changed twice on one resolution",
       "tom do set-policy --policy paper --value letter --resolution RES-00004", "Move it anew.", scene="hall",
       steps='sue propose-resolution meeting=MT-00001 matter=policy about=paper text="A4, please"\n'
             "sue+tom record-count resolution=RES-00004 in_favour=3 against=0\n"
             "sue+tom close-vote resolution=RES-00004\n"
             "tom+sue set-policy policy=paper value=A4 resolution=RES-00004"),
    no(e.NeedsResolution, "A resolution that has run out",
       "tom do set-policy --policy paper --value A4 --resolution RES-00004", "Move it anew.", scene="hall",
       steps='sue propose-resolution meeting=MT-00001 matter=policy about=paper text="A4" until=2026-03-02\n'
             "sue+tom record-count resolution=RES-00004 in_favour=3 against=0\n"
             "sue+tom close-vote resolution=RES-00004\nday 2026-03-03"),
    no(e.InvalidValue, "A mandate for what has no place for it",
       "admin do set-mandate --operation deposit --body ASSEMBLY", scene="hall"),
    no(e.InvalidValue, "A mandate above an amount of nothing",
       "admin do set-mandate --operation set-policy --body ASSEMBLY --above 5.00", scene="hall"),
    no(e.InvalidValue, "A mandate that is in force already",
       "admin do set-mandate --operation grant-loan --body ASSEMBLY --above 1000.00", "It is so.", scene="hall"),

    # ---------------------------------------------------------------------------------- ballots
    no(e.Overdrawn, "A pot that the fund has not got",
       f"{_POLL} allocation --fund EDU --pot 400.01 --options 'ROOF 5.00 A roof'", scene="hall"),
    no(e.InvalidAmount, "A proposal above the pot",
       f"{_POLL} allocation --fund EDU --pot 4.00 --options 'ROOF 5.00 A roof'", scene="hall"),
    no(e.InvalidValue, "A pot without its fund", f"{_POLL} allocation --pot 4.00 --options 'ROOF 4.00 A roof'",
       scene="hall"),
    no(e.InvalidValue, "An option twice",
       f"{_POLL} allocation --fund EDU --pot 4.00 --options 'ROOF 4.00 A' --options 'ROOF 3.00 B'", scene="hall"),
    no(e.InvalidValue, "An option called blank", f"{_POLL} allocation --fund EDU --pot 4.00 --options 'blank 4.00 A'",
       scene="hall"),
    no(e.InvalidValue, "A candidate with a price",
       f"{_POLL} election --committee LOANS --seats 1 --options 'M0001 4.00'", scene="hall"),
    no(e.WrongState, "An election to the assembly", f"{_POLL} election --committee ASSEMBLY --seats 1 --options M0001",
       scene="hall"),
    no(e.NotEntitled, "A ballot for somebody who has left", "sue do give-ballots --poll PL-00002 --members M0004",
       "Nothing is to be done: they do not vote.", scene="hall"),
    no(e.AlreadyVoted, "A second ballot", "sue do give-ballots --poll PL-00002 --members M0001 --members M0001",
       "One each.", scene="hall"),
    no(e.WrongState, "A ballot after the poll", "sue do give-ballots --poll PL-00001 --members M0005",
       "The poll is over.", scene="hall"),
    no(e.WrongState, "Ballots before their meeting", "sue do give-ballots --poll PL-00003 --members M0001",
       "Wait for the day.", scene="hall",
       steps="sue open-poll meeting=MT-00002 form=election question=Who committee=LOANS seats=1 options='[\"M0001\"]'"),
    no(e.InvalidValue, "A ballot in another form", f"{_LOAD} '3x'", scene="hall"),
    no(e.Unknown, "A ballot for what is not to be had", f"{_LOAD} '3x RIVER'", "Type it as: spoilt", scene="hall"),
    no(e.InvalidValue, "A ballot that names an option twice", f"{_LOAD} '3x ROOF ROOF'", scene="hall"),
    no(e.InvalidValue, "More ballots than voters", f"{_LOAD} '4x ROOF'", "Count the box again.", scene="hall"),
    no(e.InvalidValue, "Fewer ballots than voters", f"{_LOAD} '2x ROOF'", scene="hall"),
    no(e.WrongState, "Too few ballots to be secret", f"{_LOAD} '2x ROOF' --missing 'one was lost'", scene="hall"),
    no(e.InvalidValue, "More names than seats", "sue do load-ballots --poll PL-00002 --ballots '3x M0001 M0002'",
       "Type it as: spoilt", scene="hall",
       steps="sue give-ballots poll=PL-00002 members='[\"M0001\",\"M0002\",\"M0003\"]'\n"
             "sue+tom close-poll poll=PL-00002"),
    no(e.WrongState, "Ballots that are not counted", "ballots PL-00001", "Type them first.", scene="hall"),
    no(e.InvalidAmount, "An allocation that does not add up",
       "sue do declare-result --poll PL-00001 --awards 'ROOF 300.00' --left 99.99", scene="hall", steps=_COUNTED),
    no(e.InvalidAmount, "An allocation that was not voted",
       "sue do declare-result --poll PL-00001 --awards 'ROOF 300.00'",
       "Leave the awards out: the count says them.", scene="hall", steps=_COUNTED),
    no(e.InvalidDate, "Money allotted until a day that is over",
       "sue do declare-result --poll PL-00001 --until 2026-03-01", "Name a day that is to come, or none.",
       scene="hall", steps=_COUNTED),
    no(e.InvalidValue, "Awards of an election", "sue do declare-result --poll PL-00002 --awards 'M0001 1.00'"
       " --until 2027-03-01", scene="hall",
       steps="sue give-ballots poll=PL-00002 members='[\"M0001\",\"M0002\",\"M0003\"]'\n"
             "sue+tom close-poll poll=PL-00002\nsue+tom load-ballots poll=PL-00002 ballots='[\"3x M0002\"]'"),
    no(e.BallotsAltered, "Ballots that were altered", "recount box.csv", "Take the file as it was exported.",
       scene="hall", files={"box.csv": _BOX}),
    no(e.BallotsAltered, "A file that is no box", "recount box.csv", "Take the file as it was exported.",
       scene="hall", files={"box.csv": "a letter"}),

    # -------------------------------------------------------------------------- credit memos
    no(e.NotAllowed, "A credit memo without the borrower's consent", "voters-papers RES-00001", "Ask the borrower.",
       scene="hall"),
    no(e.WrongState, "Papers on a door", "voters-papers RES-00002", "There is nothing to read.", scene="hall"),
    no(e.InvalidValue, "A consent that was never given, taken back",
       "ana do consent-to-share --application A-001 --consent no --how 'a call'", "It is so.", scene="hall"),
)
