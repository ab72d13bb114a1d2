"""The cases of the error gallery, as a table: what is typed, in which bank, what it is refused as, and what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from coopbank import errors as e
from tests.documents import gallery_faults as fault
from tests.documents.gallery_faults import Fault
from tests.documents.gallery_stage import STAFF
from tests.support_bank import CHARITY


@dataclass(frozen=True)
class Setting:
    """How a scene comes about: the scene it begins from, or a founding, and the steps that follow."""

    steps: str
    after: str | None = None
    founding: Mapping[str, Any] = field(default_factory=dict)


SCENES = {
    "new": Setting(""),
    "town": Setting(
        """
        ana admit-member member_name="Mia Lee" phone="601 555 0101"
        ana admit-member member_name="José Núñez"
        ana admit-member member_name="Green Tassel Urban Farm" entity=organisation
        @ruth ana admit-member member_name="Ruth Bell"
        ana admit-member member_name="Ana Reyes"
        ana buy-shares member=M0001 amount=25.00
        ana buy-shares member=M0002 amount=25.00
        ana open-savings member=M0001
        @deposit ana deposit member=M0001 amount=150.00
        ana change-member member=M0004 status=left
        admin+tom link-user user=ana member=M0005
        tom+sue issue-note lender="Circle of Small Lenders" amount=5000.00 annual_rate=2 due_on=2029-03-02
        ana+tom grant-loan member=M0003 principal=1200.00 annual_rate=6 installments=12 purpose="a cooler"
        @payout tom disburse-loan loan=L-001
        @payment ana repay-loan loan=L-001 amount=100.00
        ana+tom grant-loan member=M0001 principal=500.00 annual_rate=6 installments=6
        tom+sue open-fund code=EDU fund_name=Education fund_class=restricted
        tom+sue open-fund code=GRANT fund_name="A grant with a condition" fund_class=conditional
        tom receive-gift fund=EDU amount=400.00 donor="A Foundation" tender=transfer
        tom receive-gift fund=GEN amount=60.00 donor="A neighbour" tender=transfer
        ana enter-bill supplier=POWER number=77 amount=80.00 expense=290
        tom pay-bill bill=B-00001 tender=transfer
        ana enter-bill supplier=POWER number=78 amount=30.00 expense=290
        @cheque ana deposit member=M0001 amount=40.00 tender=cheque cheque_number=501
        ana? redeem-shares member=M0002 amount=25.00
        """,
        after="new",
    ),
}

WHAT_TO_DO = {
    e.InvalidValue: "Mend the field and try again.",
    e.InvalidAmount: "Mend the amount and try again.",
    e.InvalidDate: "Mend the date and try again.",
    e.Unknown: "Look the name or number up, and try again.",
    e.AlreadyExists: "Use the one that is there, or choose another name.",
    e.NotAllowed: "Ask somebody whose work it is.",
    e.Overdrawn: "Take a smaller amount, or bring money in first.",
    e.WrongState: "Do first what the message names.",
    e.InvalidTerms: "Mend the field of the document and try again.",
    e.WrongUsage: "Mend the command and run it again.",
    e.ImportRefused: "Mend the rows in the file and import it again; no row of it was taken.",
}
"""What to do where a case does not say it better."""


@dataclass(frozen=True)
class Case:
    """One refusal: who types what, and what they should do then."""

    klass: type[e.CoopbankError]
    title: str
    command: str
    advice: str = ""
    scene: str = "town"
    steps: str = ""
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    env: Mapping[str, str | None] = field(default_factory=dict)
    stdin: str = ""
    around: Fault | None = None

    @property
    def todo(self) -> str:
        """One sentence on what to do."""
        return self.advice or next(words for klass in self.klass.__mro__ if (words := WHAT_TO_DO.get(klass)))


def no(klass: type[e.CoopbankError], title: str, command: str, advice: str = "", **more: Any) -> Case:
    """A case; a command that begins with a user name is theirs: `ana do open-day`."""
    who, _blank, rest = command.partition(" ")
    command = f"coopbank --as {who} {rest}" if who in STAFF else f"coopbank {command}"
    return Case(klass, title, command, advice, **more)


def _terms(**changes: Any) -> str:
    """A loan-terms document; a field given as None is left out."""
    document = {
        "disbursements": [{"date": "2026-01-15", "amount": "1200.00"}], "annual_rate": "7.25", "installments": 12,
        "every": {"months": 1},
    } | changes  # fmt: skip
    return json.dumps({name: value for name, value in document.items() if value is not None})


def _schedule(title: str, advice: str = "", **changes: Any) -> Case:
    return no(e.InvalidTerms, title, "schedule -", advice, stdin=_terms(**changes))


def _apr(title: str, advice: str = "", **changes: Any) -> Case:
    document = {
        "advances": [{"date": "2026-01-15", "amount": "1000.00"}],
        "payments": [{"date": "2027-01-15", "amount": "1100.00"}],
    } | changes  # fmt: skip
    return no(e.InvalidTerms, title, "apr -", advice, stdin=json.dumps(document))


def _by_json(klass: type[e.CoopbankError], title: str, advice: str = "", *, by: str = "ana", **request: Any) -> Case:
    """A request as a document; the answer then is JSON too."""
    name = request.pop("operation").replace("_", "-")
    return no(klass, title, f"{by} do --json -", advice, stdin=json.dumps({"operation": name, **request}))


def _opening(
    klass: type[e.CoopbankError], title: str, *lines: str, advice: str = "", scene: str = "old", **more: Any
) -> Case:
    """Opening balances that the treasurer takes over."""
    options = "".join(f" --lines '{line}'" for line in lines)
    options += "".join(f" --{name} {_quoted(value)}" for name, value in more.items())
    return no(klass, title, f"tom do opening-balance{options}", advice, scene=scene)


def _quoted(value: Any) -> str:
    return "'" + (value if isinstance(value, str) else json.dumps(value)) + "'"


def _imported(
    klass: type[e.CoopbankError], title: str, kind: str, content: str | bytes, advice: str = "", **more: Any
) -> Case:
    name = more.pop("name", f"{kind}.csv")
    return no(klass, title, f"{more.pop('by', 'ana')} import {kind} {name}", advice, files={name: content}, **more)


_CLOSED = "ana close-drawer drawer=D1 counted=300.00\nana close-day"
_OLD_LOAN = {
    "loan": "L-007", "member": "M0001", "principal": "900.00", "annual_rate": "5", "installments": 12,
    "disbursed_on": "2025-11-03",
}  # fmt: skip
_OLD_NOTE = {
    "note": "N-004", "principal": "800.00", "annual_rate": "2", "issued_on": "2024-05-01", "due_on": "2028-05-01",
}  # fmt: skip

# fmt: off
CASES: tuple[Case, ...] = (
    # ------------------------------------------------------------------------------------- fields
    _by_json(e.InvalidValue, "An amount as a number",
             "Write it in quotation marks, so that nobody has to guess whether 150 means dollars or cents.",
             operation="deposit", member="M0001", amount=150),
    no(e.InvalidValue, "An amount of nothing", "ana do deposit --member M0001 --amount 0.00",
       "Write what is really paid in."),
    no(e.InvalidValue, "A negative amount", "ana do deposit --member M0001 --amount=-20.00",
       "To pay money out use withdraw; to take a deposit back use reverse."),
    no(e.InvalidValue, "A fraction of a cent", "ana do deposit --member M0001 --amount 10.005",
       "Write whole cents."),
    no(e.InvalidValue, "An amount that is none", "ana do deposit --member M0001 --amount ten",
       "Write it in figures."),
    no(e.InvalidValue, "An amount too large for any book",
       "ana do deposit --member M0001 --amount 99999999999999999999.00", "Look for a digit too many."),
    no(e.InvalidValue, "A date in another form",
       "ana do repay-loan --loan L-001 --amount 10.00 --value-date 3/2/2026", "Write year, month and day."),
    no(e.InvalidValue, "A day that there is not",
       "ana do repay-loan --loan L-001 --amount 10.00 --value-date 2026-02-30", "Look into the calendar."),
    no(e.InvalidValue, "A rate that is none",
       "ana do grant-loan --member M0001 --principal 100.00 --annual-rate six --installments 6"),
    no(e.InvalidValue, "A reference with characters that no number has", "ana do deposit --member 'M 1' --amount 5.00",
       "Find the member's number with: coopbank members NAME."),
    _by_json(e.InvalidValue, "A name with characters that cannot be printed",
             "Type the name anew instead of copying it.", operation="admit-member", member_name="Mia\u0007 Lee"),
    no(e.InvalidValue, "A choice that there is not", "ana do deposit --member M0001 --amount 5.00 --tender card",
       "Choose one of those that are named."),
    no(e.InvalidValue, "A name that is too long", "ana do admit-member --member-name " + "Mia" * 70,
       "Shorten it; put the rest into another field."),
    no(e.InvalidValue, "A whole number that is none",
       "ana do grant-loan --member M0001 --principal 100.00 --annual-rate 6 --installments many"),
    no(e.InvalidValue, "A number below the least",
       "ana do grant-loan --member M0001 --principal 100.00 --annual-rate 6 --installments 0"),
    no(e.InvalidValue, "A number above the most",
       "ana do grant-loan --member M0001 --principal 100.00 --annual-rate 6 --installments 5000"),
    no(e.InvalidValue, "A text that is empty", "ana do admit-member --member-name ''"),
    _by_json(e.InvalidValue, "A list that is empty", by="tom", operation="bank_cheques", cheques=[]),
    no(e.InvalidValue, "Neither yes nor no", "ana do redeem-shares --member M0001 --amount 25.00 --subscription=maybe"),
    _by_json(e.InvalidValue, "A number where a text belongs", operation="deposit", member=1, amount="5.00"),
    _by_json(e.InvalidValue, "A text where a list belongs", by="admin", operation="add_user", user="rita",
             full_name="Rita Moss", user_roles="teller"),
    no(e.InvalidValue, "Payments at times that there are not",
       "ana do grant-loan --member M0001 --principal 100.00 --annual-rate 6 --installments 6 --every fortnight",
       "Write 2 weeks."),
    _by_json(e.InvalidValue, "A count as a number", operation="close_drawer", drawer="D1", counted=300),
    no(e.InvalidValue, "A negative count", "ana do count-drawer --drawer D1 --counted=-5.00",
       "Write what lies in the drawer; the operation finds the difference."),
    no(e.InvalidValue, "A fund's code in small letters",
       "tom do open-fund --code edu2 --fund-name Books --fund-class restricted"),
    no(e.InvalidValue, "An expense account of two digits",
       "ana do enter-bill --supplier POWER --number 80 --amount 5.00 --expense 29"),
    no(e.InvalidValue, "A role that there is not",
       "admin do add-user --user rita --full-name 'Rita Moss' --user-roles cashier"),
    no(e.InvalidValue, "A month in words", "tom do close-month --month March"),
    no(e.InvalidValue, "Not a kind of currency", "--db new.db init --name 'Our Bank' --currency DOLLAR",
       "Write the code of the currency, such as USD."),

    # ------------------------------------------------------------------------------------ members
    no(e.InvalidValue, "A member number in another form", "ana do admit-member --member-name Lena --number 42"),
    no(e.InvalidValue, "A change that changes nothing", "ana do change-member --member M0001",
       "Say what is new, or leave it."),
    no(e.InvalidDate, "A member from tomorrow on", "ana do admit-member --member-name Lena --joined-on 2026-03-09",
       "Leave the date out: today is meant."),
    no(e.AlreadyExists, "A member number that is taken", "ana do admit-member --member-name Lena --number M0001",
       "Leave the number out; the next free one is given."),
    no(e.WrongState, "A member leaves who still has money here", "ana do change-member --member M0001 --status left",
       "Pay savings and shares out and settle loans, then note that they left."),
    no(e.WrongState, "A member who has left", "ana do buy-shares --member M0004 --amount 25.00",
       "If they are back, make them active again: coopbank do change-member --member M0004 --status active."),
    no(e.Unknown, "A member that there is not", "ana do deposit --member M0099 --amount 10.00",
       "Find the number with: coopbank members NAME."),
    no(e.Unknown, "Looking up a member by something that is no number", "member Mia",
       "Find the number with: coopbank members NAME."),
    no(e.OwnAccount, "A teller serves her own account", "ana do buy-shares --member M0005 --amount 25.00",
       "Stand on the other side of the counter: a colleague does it."),

    # ------------------------------------------------------------------------------------ savings
    no(e.Overdrawn, "A withdrawal above the savings", "ana do withdraw --member M0001 --amount 400.00",
       "Pay out what is available; a held cheque becomes available when its days are over."),
    no(e.Overdrawn, "A withdrawal above the savings, no cheque held", "ana do withdraw --member M0002 --amount 5.00",
       "Pay out what is available.", steps="ana open-savings member=M0002"),
    no(e.Unknown, "A deposit where there is no savings account", "ana do deposit --member M0002 --amount 10.00",
       "Open one for the member first."),
    no(e.Unknown, "A second savings account that there is not",
       "ana do withdraw --member M0001 --amount 10.00 --account M0001-2",
       "See the member's accounts with: coopbank member M0001."),
    no(e.NotOffered, "Savings at a charity", "ana do open-savings --member M0001",
       "A charity lends and gives, and keeps no savings; the kind was chosen when the books were made.",
       scene="charity"),

    # ------------------------------------------------------------------------------------- shares
    no(e.InvalidAmount, "More membership shares than one may hold", "ana do buy-shares --member M0001 --amount 25.00",
       "Offer investment shares (--share-class 903), or a savings account."),
    no(e.InvalidAmount, "A part of a share paid back", "ana do redeem-shares --member M0001 --amount 10.00",
       "Pay whole shares back; an unfinished subscription is paid back with --subscription."),
    no(e.Overdrawn, "More shares than the member holds",
       "ana do transfer-shares --member M0001 --to-member M0002 --amount 100.00",
       "See what the member holds with: coopbank member M0001."),
    no(e.InvalidValue, "A transfer to oneself",
       "ana do transfer-shares --member M0001 --to-member M0001 --amount 100.00", "Name the other member."),
    no(e.WrongState, "A transfer to somebody who holds the most already",
       "ana do transfer-shares --member M0001 --to-member M0002 --amount 25.00 --share-class 901",
       "Redeem the share instead."),
    no(e.Unknown, "A class of shares that there is not",
       "ana do buy-shares --member M0002 --amount 25.00 --share-class 904", "Choose 901 or 903."),

    # --------------------------------------------------------------------------- cash and cheques
    no(e.DrawerClosed, "Cash without a drawer", "tom do repay-loan --loan L-001 --amount 10.00",
       "Open a drawer of your own, or say how the money came in with --tender transfer."),
    no(e.DrawerClosed, "A second drawer", "ana do open-drawer --drawer D2",
       "One person has one drawer; close the first to change to another."),
    no(e.DrawerClosed, "A colleague's open drawer", "tom do open-drawer --drawer D1", "Take another drawer."),
    no(e.DrawerClosed, "Counting a drawer that is closed", "ana do count-drawer --drawer D1 --counted 300.00",
       "Open it first, with a float from the vault.", steps="ana close-drawer drawer=D1 counted=300.00"),
    no(e.NotAllowed, "Counting a colleague's drawer", "tom do count-drawer --drawer D1 --counted 300.00",
       "Whoever has the drawer counts it; the treasurer can close it for somebody who is away."),
    no(e.NotAllowed, "A teller takes cash to the bank",
       "ana do move-cash --from-place D1 --to-place FIRST --amount 100.00",
       "Bring the cash to the vault (--to-place VAULT); the treasurer takes it from there."),
    no(e.InvalidAmount, "More in a drawer than its limit",
       "ana do move-cash --from-place VAULT --to-place D1 --amount 6000.00",
       "Leave the rest in the vault; the limit is the policy drawer_limit."),
    no(e.InvalidValue, "Cash from a place to itself",
       "ana do move-cash --from-place D1 --to-place D1 --amount 10.00", "Name where it goes."),
    no(e.InvalidValue, "A drawer called like the vault", "tom do open-drawer --drawer vault"),
    no(e.InvalidValue, "Cash to a fund's own bank account",
       "tom do move-cash --from-place VAULT --to-place EDUBANK --amount 10.00",
       "Cash is everybody's; use a shared bank account.", scene="banked"),
    no(e.Overdrawn, "More cash than the drawer holds",
       "ana do withdraw --member M0001 --amount 500.00",
       "Bring cash from the vault (move-cash), or pay by transfer.",
       steps="ana deposit member=M0001 amount=600.00 tender=transfer"),
    no(e.Overdrawn, "More than the bank account holds",
       "tom do move-cash --from-place FIRST --to-place VAULT --amount 90000.00",
       "Look at the balance: coopbank accounts 731."),
    no(e.AlreadyExists, "A bank account that is there already",
       "tom do add-bank-account --code FIRST --account-name 'Current account'"),
    no(e.AlreadyExists, "A bank account called like a drawer",
       "tom do add-bank-account --code D1 --account-name 'Second account'",
       "Choose another name: both stand in the same list of places."),
    no(e.InvalidValue, "A cheque without its number",
       "ana do deposit --member M0001 --amount 10.00 --tender cheque", "Read it off the cheque: --cheque-number 502."),
    no(e.InvalidValue, "Cash with the number of a cheque",
       "ana do deposit --member M0001 --amount 10.00 --cheque-number 502",
       "Say --tender cheque, or leave the number out."),
    no(e.InvalidDate, "A cheque dated in the future",
       "ana do deposit --member M0001 --amount 10.00 --tender cheque --cheque-number 502 --cheque-date 2026-03-09",
       "Give it back and ask for one with today's date."),
    no(e.InvalidValue, "A deposit to a fund's own bank account",
       "ana do deposit --member M0001 --amount 10.00 --tender transfer --bank-account EDUBANK",
       "Name the bank account that the money really came to; savings are not the fund's.", scene="banked"),
    no(e.InvalidValue, "Cheques taken to a fund's own bank account",
       "tom do bank-cheques --cheques CH-00001 --bank-account EDUBANK", "Use a shared bank account.", scene="banked"),
    no(e.InvalidValue, "A cheque twice on one slip", "tom do bank-cheques --cheques CH-00001 --cheques CH-00001",
       "List each cheque once."),
    no(e.WrongState, "A cheque that is banked already", "tom do bank-cheques --cheques CH-00001",
       "Leave it off the slip.", steps="tom bank-cheques 'cheques=[\"CH-00001\"]'"),
    no(e.WrongState, "A cheque returned that was never at the bank", "tom do return-cheque --cheque CH-00001",
       "Reverse the operation that took it in, and give the cheque back."),
    no(e.Unknown, "A cheque that there is not", "tom do bank-cheques --cheques CH-00099"),

    # --------------------------------------------------------------------------------------- days
    no(e.DayClosed, "A payment while no day is open",
       "ana do deposit --member M0001 --amount 10.00 --tender transfer",
       "Open the day: coopbank do open-day.", steps=_CLOSED),
    no(e.DayClosed, "A day opened twice", "ana do open-day", "Go on working; the day is open."),
    no(e.DayClosed, "A day that is still to come", "ana do open-day --date 2026-03-09",
       "Leave the date out: today is meant. If today is wrong, set the computer's clock.", steps=_CLOSED),
    no(e.DayClosed, "A day that is closed already", "ana do open-day --date 2026-03-02",
       "Work on the next day; what was forgotten is entered then.", steps=_CLOSED),
    no(e.DayClosed, "Closing a day when none is open", "close day --as ana", "Nothing is left to close.",
       steps=_CLOSED),
    no(e.DayClosed, "Closing another day than the one that is open", "close day --date 2026-03-01 --as ana",
       "Leave the date out: the open day is meant."),
    no(e.WrongState, "Closing the day with a drawer open", "close day --as ana",
       "Count the drawer and close it, then close the day."),
    no(e.DayClosed, "Interest counted from a day to come",
       "ana do repay-loan --loan L-001 --amount 10.00 --value-date 2026-03-09",
       "Leave the value date out, or name a day that is over."),
    no(e.DayClosed, "Interest counted from before the last payment",
       "ana do repay-loan --loan L-001 --amount 10.00 --value-date 2026-03-03",
       "Use a day after the last payment; or reverse that one first, and enter both in their order.",
       steps="day 2026-03-05\nana repay-loan loan=L-001 amount=50.00"),
    no(e.DayClosed, "A journal entry dated in the future",
       "tom do journal-entry --memo rent --effective-on 2026-03-09 --lines 'GEN 250 Dr 9.00' --lines 'GEN 862 Cr 9.00'",
       "Enter it when that day has come."),
    no(e.WrongState, "Closing a month that is not over", "close month --date 2026-03-02 --as tom",
       "Wait until its last day is closed."),
    no(e.WrongState, "Closing a month before the one before it", "close month --date 2026-04-15 --as tom",
       "Close the earlier month first.", scene="may"),
    no(e.PeriodLocked, "Closing a month twice", "close month --date 2026-03-15 --as tom", "It is done.",
       scene="april"),
    no(e.PeriodLocked, "An entry dated in a locked month",
       "tom do journal-entry --memo rent --effective-on 2026-03-10 --lines 'GEN 250 Dr 9.00' --lines 'GEN 862 Cr 9.00'",
       "Date it today; or let the month be opened again by two people: coopbank reopen 2026-03 --why TEXT.",
       scene="april"),
    no(e.WrongState, "Opening a month that is not locked", "reopen 2026-03 --why 'a bill was forgotten' --as tom",
       "Enter what is missing; the month is open."),

    # ------------------------------------------------------------------------------------ lending
    no(e.Overdrawn, "A loan above what the fund has to lend",
       "ana do grant-loan --member M0001 --principal 9000.00 --annual-rate 6 --installments 12",
       "Lend less, or bring in a gift or a note for the fund first."),
    no(e.Unknown, "A loan from a fund that there is not",
       "ana do grant-loan --member M0001 --principal 90.00 --annual-rate 6 --installments 12 --fund TRACTOR",
       "See the funds with: coopbank fund."),
    no(e.InvalidValue, "A loan from a reserve",
       "ana do grant-loan --member M0001 --principal 90.00 --annual-rate 6 --installments 12 --fund LLR",
       "Name a fund that lends, such as RLF."),
    no(e.InvalidValue, "A first payment before the loan",
       "ana do grant-loan --member M0001 --principal 90.00 --annual-rate 6 --installments 3 --first-due 2026-03-01",
       "Choose a later day, or leave it out."),
    no(e.InvalidValue, "A loan number in another form",
       "ana do grant-loan --member M0001 --principal 90.00 --annual-rate 6 --installments 12 --number 42"),
    no(e.AlreadyExists, "A loan number that is taken",
       "ana do grant-loan --member M0001 --principal 90.00 --annual-rate 6 --installments 12 --number L-001",
       "Leave the number out; the next free one is given."),
    no(e.WrongState, "A loan paid out twice", "tom do disburse-loan --loan L-001", "It is done."),
    no(e.NotAllowed, "Who asked for a loan pays it out", "ana do disburse-loan --loan L-002"),
    no(e.WrongState, "A loan whose first payment is due before it is paid out", "tom do disburse-loan --loan L-003",
       "Grant it again with a later first payment.",
       steps="ana+tom grant-loan member=M0001 principal=90.00 annual_rate=6 installments=3 first_due=2026-03-05\n"
             "day 2026-03-06"),
    no(e.WrongState, "A payment on a loan that is not paid out", "ana do repay-loan --loan L-002 --amount 10.00",
       "Pay the loan out first, or take the money as a deposit."),
    no(e.WrongState, "A payment on a loan that is paid off", "ana do repay-loan --loan L-001 --amount 10.00",
       "Nothing is to be taken; look at the member's other loans.",
       steps="ana repay-loan loan=L-001 amount=1100.00"),
    no(e.InvalidAmount, "A payment above what is owed", "ana do repay-loan --loan L-001 --amount 5000.00",
       "Take what is owed, or add --excess unapplied to keep the rest for later."),
    no(e.Overdrawn, "More unapplied money than there is", "ana do apply-unapplied --loan L-001 --amount 10.00",
       "Take a payment instead (repay-loan)."),
    no(e.Unknown, "A loan that there is not", "loan L-099", "Find it with: coopbank loans."),
    no(e.Unknown, "A loan before it was granted", "loan L-001 --as-of 2026-02-01",
       "Ask for a day from when it was granted."),

    # -------------------------------------------------------------------------------------- notes
    no(e.InvalidDate, "A note due on the day of issue",
       "tom do issue-note --lender 'A friend' --amount 100.00 --annual-rate 1 --due-on 2026-03-02",
       "Choose a later day."),
    no(e.InvalidAmount, "More paid back than the note has", "tom do repay-note --note N-001 --amount 9000.00",
       "Leave the amount out: all of it is meant."),
    no(e.InvalidAmount, "A note renewed without saying for how much",
       "tom do repay-note --note N-001 --renew-until 2030-01-01"),
    no(e.InvalidAmount, "A note renewed of which nothing is left",
       "tom do repay-note --note N-001 --amount 5000.00 --renew-until 2030-01-01",
       "Leave --renew-until out, or pay less back."),
    no(e.InvalidAmount, "Interest paid on the day of issue", "tom do repay-note --note N-001 --amount 0.00",
       "Wait until interest has grown."),
    no(e.WrongState, "A note that is repaid", "tom do repay-note --note N-002", "Nothing is to be paid.",
       steps="tom+sue issue-note lender=Friend amount=100.00 annual_rate=1 due_on=2027-03-02\n"
             "tom+sue repay-note note=N-002"),

    # ---------------------------------------------------------------------------- gifts and bills
    no(e.AlreadyExists, "A fund's code that is taken",
       "tom do open-fund --code EDU --fund-name Books --fund-class restricted",
       "Use the fund, or choose another code."),
    no(e.Unknown, "A gift for a fund that there is not",
       "tom do receive-gift --fund BOOKS --amount 10.00 --donor Rosa --tender transfer",
       "See the funds with: coopbank fund; a new one is opened with open-fund."),
    no(e.InvalidValue, "A gift to the pool",
       "tom do receive-gift --fund POOL --amount 10.00 --donor Rosa --tender transfer"),
    no(e.WrongState, "Money with a condition, entered as a gift",
       "tom do receive-gift --fund GRANT --amount 10.00 --donor Rosa --tender transfer",
       "It becomes a gift when the condition is met."),
    no(e.AlreadyExists, "A gift's number that is taken",
       "tom do receive-gift --fund EDU --amount 10.00 --donor Rosa --tender transfer --number G-01",
       "Leave the number out; the next free one is given."),
    no(e.Overdrawn, "More spent than is left of a gift", "tom do spend-gift --gift G-01 --amount 500.00 --expense 271",
       "Spend what is left, and pay the rest from the general fund."),
    no(e.WrongState, "A gift without a purpose, released",
       "tom do spend-gift --gift G-02 --amount 10.00 --expense 271"),
    no(e.WrongState, "A bill of a restricted fund",
       "ana do enter-bill --supplier PRESS --number 9 --amount 10.00 --expense 271 --fund EDU"),
    no(e.InvalidValue, "A bill paid by a gift of another fund",
       "ana do enter-bill --supplier PRESS --number 9 --amount 10.00 --expense 271 --fund RLF --gift G-01",
       "Leave the fund out: the gift says it."),
    no(e.Unknown, "An expense that is not in the chart",
       "ana do enter-bill --supplier PRESS --number 9 --amount 10.00 --expense 299",
       "See the chart with: coopbank trial-balance."),
    no(e.InvalidValue, "A bill on an account that is no expense",
       "ana do enter-bill --supplier PRESS --number 9 --amount 10.00 --expense 940"),
    no(e.InvalidValue, "A bill on an expense that another operation posts",
       "ana do enter-bill --supplier PRESS --number 9 --amount 10.00 --expense 341",
       "Use the operation for it; interest on notes is posted by repay-note and by closing the month."),
    no(e.AlreadyExists, "A bill entered twice",
       "ana do enter-bill --supplier power --number 77 --amount 80.00 --expense 290",
       "Throw the copy away; if it is another bill, give its own number."),
    no(e.WrongState, "A bill paid twice", "tom do pay-bill --bill B-00001 --tender transfer", "It is done."),
    no(e.NotAllowed, "A bill paid by whoever entered it", "tom do pay-bill --bill B-00003 --tender transfer",
       steps="tom enter-bill supplier=WATER number=5 amount=10.00 expense=290"),
    no(e.Overdrawn, "A bill above what the fund has",
       "ana do pay-expense --supplier PRESS --number 9 --amount 900.00 --expense 271 --tender transfer",
       "Pay less, or bring money into the fund first: coopbank fund GEN."),

    # -------------------------------------------------------------------------------- the journal
    no(e.InvalidValue, "A journal entry that does not balance",
       "tom do journal-entry --memo rent --lines 'GEN 250 Dr 90.00' --lines 'GEN 862 Cr 80.00'",
       "Debits and credits must be equal within each fund."),
    no(e.InvalidValue, "A journal entry that moves nothing",
       "tom do journal-entry --memo rent --lines 'GEN 250 Dr 90.00' --lines 'GEN 250 Cr 90.00'",
       "Name two different accounts."),
    no(e.InvalidValue, "A line in another form",
       "tom do journal-entry --memo rent --lines 'rent 90' --lines 'cash 90'"),
    no(e.InvalidValue, "An account in another form",
       "tom do journal-entry --memo rent --lines 'GEN rent Dr 90.00' --lines 'GEN 862 Cr 90.00'"),
    no(e.InvalidValue, "A line without its account",
       """tom do journal-entry --memo rent --lines '[{"fund": "GEN", "debit": "9.00"}, "GEN 862 Cr 9.00"]'""",
       "Write the lines as: GEN 250 Dr 9.00."),
    no(e.InvalidValue, "A line with a field that there is not",
       """tom do journal-entry --memo rent --lines '[{"fund": "GEN", "acct": "250"}, "GEN 862 Cr 9.00"]'""",
       "Write the lines as: GEN 250 Dr 9.00."),
    no(e.InvalidValue, "A line with a field too many",
       """tom do journal-entry --memo rent --lines '[{"fund": "GEN", "account": "250", "debit": "9.00", "x": "y"},"""
       """ "GEN 862 Cr 9.00"]'""",
       "What it is for stands in the memo."),
    no(e.InvalidValue, "A line without a side",
       """tom do journal-entry --memo rent --lines '[{"fund": "GEN", "account": "250"}, "GEN 862 Cr 9.00"]'""",
       "Write the lines as: GEN 250 Dr 9.00."),
    no(e.Unknown, "An account that is not in the chart",
       "tom do journal-entry --memo rent --lines 'GEN 251 Dr 90.00' --lines 'GEN 862 Cr 90.00'",
       "See the chart with: coopbank trial-balance."),
    no(e.InvalidValue, "A journal entry on savings",
       "tom do journal-entry --memo bonus --lines 'GEN 290 Dr 9.00' --lines 'GEN 905/M0001 Cr 9.00'",
       "Use the operation for it, here deposit or correct."),
    no(e.InvalidValue, "A bank account that is not named",
       "tom do journal-entry --memo fee --lines 'GEN 260 Dr 9.00' --lines 'GEN 731 Cr 9.00'"),
    no(e.InvalidValue, "The indivisible reserve, taken from",
       "tom do journal-entry --memo x --lines 'GEN 932 Dr 9.00' --lines 'GEN 940 Cr 9.00'",
       "It only grows; losses go to 940 or 931."),
    no(e.InvalidValue, "A transfer between funds, only one side of it",
       "tom do journal-entry --memo x --lines 'GEN 187 Dr 9.00' --lines 'GEN 862 Cr 9.00'",
       "Write the other fund's side into the same entry."),
    no(e.InvalidDate, "An entry dated before the books began",
       "tom do journal-entry --memo rent --effective-on 2026-02-10 --lines 'GEN 250 Dr 9.00' --lines 'GEN 862 Cr 9.00'",
       "What was before is taken over as an opening balance."),
    no(e.Overdrawn, "An entry dated back to when the money was not there",
       "tom do journal-entry --memo fee --effective-on 2026-03-02 --lines 'GEN 260 Dr 500.00'"
       " --lines 'GEN 731/FIRST Cr 500.00'",
       "Date it on a day when the fund had the money.",
       steps="day 2026-03-05\nana deposit member=M0001 amount=900.00 tender=transfer"),
    no(e.NotAllowed, "A journal entry by a teller",
       "ana do journal-entry --memo rent --lines 'GEN 250 Dr 9.00' --lines 'GEN 862 Cr 9.00'",
       "Ask the treasurer."),

    # --------------------------------------------------------------------------- opening balances
    _opening(e.InvalidValue, "A fund claims more than the pool owes it",
             "POOL 731/FIRST Dr 100.00", "POOL 879/GEN Cr 100.00", "GEN 729 Dr 90.00", "GEN 990 Cr 90.00",
             advice="Cash of a fund takes four lines; their amounts are the same."),
    _opening(e.InvalidValue, "Cash taken over into a drawer", "POOL 739/D1 Dr 100.00", "POOL 879/GEN Cr 100.00"),
    _opening(e.InvalidValue, "Cheques taken over", "GEN 735/D1 Dr 100.00", "GEN 990 Cr 100.00"),
    _opening(e.InvalidValue, "Open bills taken over", "GEN 801/POWER Cr 100.00", "GEN 990 Dr 100.00"),
    _opening(e.InvalidValue, "Something else than cash in the pool", "POOL 741 Dr 100.00", "POOL 990 Cr 100.00",
             advice="Name the fund that owns it."),
    _opening(e.InvalidValue, "A claim in the wrong fund", "GEN 879/GEN Cr 100.00", "GEN 990 Dr 100.00",
             advice="Write GEN 729 and POOL 879/GEN."),
    _opening(e.InvalidValue, "A shared bank account in a fund", "GEN 731/FIRST Dr 100.00", "GEN 990 Cr 100.00",
             advice="Write the fund that the bank account is in, here POOL."),
    _opening(e.InvalidAmount, "A part of a share taken over", "GEN 901/M0001 Cr 10.00", "GEN 990 Dr 10.00"),
    _opening(e.InvalidValue, "Savings in another fund", "RLF 905/M0001 Cr 10.00", "RLF 990 Dr 10.00",
             advice="Savings are owed by the co-operative itself."),
    _opening(e.NotOffered, "Savings taken over by a charity", "GEN 905/M0001 Cr 10.00", "GEN 990 Dr 10.00",
             advice="Enter it as what it is, such as 862 or 872.", scene="charity"),
    _opening(e.InvalidValue, "Memo accounts without their other side", "GEN M20/L-007 Dr 10.00", "GEN M29 Cr 9.00",
             advice="Write the same amount on both."),
    _opening(e.InvalidValue, "A loan taken over without its terms", "RLF 701/L-007 Dr 500.00", "RLF 990 Cr 500.00"),
    _opening(e.InvalidValue, "Terms of a loan, and nothing owed on it", "GEN 940 Cr 500.00", "GEN 990 Dr 500.00",
             loans=[_OLD_LOAN], advice="Add the line 701/L-007 with what is still owed, or leave the terms out."),
    _opening(e.InvalidValue, "A loan twice among the terms", "RLF 701/L-007 Dr 500.00", "RLF 990 Cr 500.00",
             loans=[_OLD_LOAN, _OLD_LOAN], advice="Give each loan once."),
    _opening(e.InvalidValue, "A loan on the wrong side", "RLF 701/L-007 Cr 500.00", "RLF 990 Dr 500.00",
             loans=[_OLD_LOAN], advice="What members owe is a debit, what is owed to lenders a credit."),
    _opening(e.InvalidAmount, "More owed than was lent", "RLF 701/L-007 Dr 950.00", "RLF 990 Cr 950.00",
             loans=[_OLD_LOAN], advice="Interest that is owed stands in a line of its own, 781/L-007."),
    _opening(e.InvalidDate, "A loan that was paid out in the future", "RLF 701/L-007 Dr 500.00", "RLF 990 Cr 500.00",
             loans=[_OLD_LOAN | {"disbursed_on": "2026-04-01"}]),
    _opening(e.InvalidValue, "A loan number from elsewhere", "RLF 701/17 Dr 500.00", "RLF 990 Cr 500.00",
             loans=[_OLD_LOAN | {"loan": "17"}], advice="Number it anew."),
    _opening(e.AlreadyExists, "A loan taken over twice", "RLF 781/L-001 Dr 5.00", "RLF 990 Cr 5.00",
             loans=[_OLD_LOAN | {"loan": "L-001"}], scene="town",
             advice="Correct the loan by a payment or a reversal."),
    _opening(e.InvalidValue, "A note without its lender", "RLF 811/N-004 Cr 500.00", "RLF 990 Dr 500.00",
             note=_OLD_NOTE, advice="Add --lender NAME."),
    _opening(e.InvalidDate, "A note due before it was issued", "RLF 811/N-004 Cr 500.00", "RLF 990 Dr 500.00",
             note=_OLD_NOTE | {"due_on": "2024-01-01"}, lender="A friend"),
    _opening(e.InvalidValue, "Terms that are not JSON", "RLF 701/L-007 Dr 500.00", "RLF 990 Cr 500.00",
             loans="L-007 over 12 months", advice="See the fields with: coopbank operations opening-balance --json."),
    _opening(e.AlreadyExists, "A balance taken over twice", "GEN 905/M0001 Cr 10.00", "GEN 990 Dr 10.00",
             scene="town", advice="Correct what was taken over wrongly by reversing it."),
    _opening(e.WrongState, "A balance taken over after the opening was closed", "GEN 940 Cr 1.00", "GEN 990 Dr 1.00",
             scene="opened"),
    no(e.WrongState, "The opening closed before it comes to zero", "tom do close-opening", scene="old",
       steps="""tom+sue opening-balance 'lines=["GEN 940 Cr 10.00","GEN 990 Dr 10.00"]'"""),
    no(e.WrongState, "The opening closed with a transfer that has one side", "tom do close-opening", scene="old",
       advice="Take over the other fund's side.",
       steps="""
           tom+sue opening-balance 'lines=["GEN 187 Cr 10.00","GEN 990 Dr 10.00"]'
           tom+sue opening-balance 'lines=["GEN 940 Dr 10.00","GEN 990 Cr 10.00"]'
           """),

    # ---------------------------------------------------------------------------- undoing
    no(e.Unknown, "An operation that there is not", "ana do reverse --operation 99999 --reason 'typed wrong'",
       "Find its number on the receipt, or with: coopbank entries."),
    no(e.InvalidValue, "An operation by its name", "ana do reverse --operation deposit --reason 'typed wrong'"),
    no(e.CannotReverse, "A reversal, reversed", "ana do reverse --operation {back} --reason 'typed wrong'",
       "Enter the deposit again.", scene="undone"),
    no(e.CannotReverse, "Reversed twice", "ana do reverse --operation {gone} --reason 'typed wrong'", "It is done.",
       scene="undone"),
    no(e.CannotReverse, "An act that is not reversed", "ana do reverse --operation 1 --reason 'typed wrong'"),
    no(e.CannotReverse, "An admission, reversed", "ana do reverse --operation {ruth} --reason 'typed wrong'",
       "Change the member instead: change-member --status left."),
    no(e.CannotReverse, "A payout on which payments rest",
       "tom do reverse --operation {payout} --reason 'wrong member'",
       "Reverse the payments first."),
    no(e.CannotReverse, "A deposit that was paid out since",
       "ana do reverse --operation {deposit} --reason 'typed wrong'",
       "Reverse the withdrawal first.", steps="ana withdraw member=M0001 amount=120.00"),
    no(e.CannotReverse, "A deposit that was corrected", "ana do reverse --operation {slip} --reason 'typed wrong'",
       scene="corrected"),
    no(e.CannotReverse, "Cash of a drawer that was closed since",
       "ana do reverse --operation {deposit} --reason 'typed wrong'",
       "If it went to the wrong account, use correct.", steps="day 2026-03-05"),
    no(e.NotAllowed, "Cash of a colleague's drawer", "tom do reverse --operation {deposit} --reason 'typed wrong'"),
    no(e.NotAllowed, "Reversing what one may not do", "ana do reverse --operation {fee} --reason 'typed wrong'",
       "Ask the treasurer.", scene="undone"),
    no(e.CannotReverse, "An opening balance, reversed after the opening was closed",
       "tom do reverse --operation {opening} --reason 'typed wrong'", scene="opened"),
    no(e.InvalidValue, "A correction onto the same account",
       "ana do correct --operation {slip} --wrong-account M0001 --right-account M0001 --reason 'wrong member'",
       "Name the account that it should have been.", scene="slipped"),
    no(e.InvalidAmount, "A correction of more than was moved",
       "ana do correct --operation {slip} --wrong-account M0001 --right-account M0002 --amount 99.00 --reason 'wrong'",
       "Leave the amount out: all of it is meant.", scene="slipped"),
    no(e.Overdrawn, "A correction of an account that was not touched",
       "ana do correct --operation {slip} --wrong-account M0002 --right-account M0001 --reason 'wrong'",
       "Name the account that the money went to.", scene="slipped"),
    no(e.WrongState, "A correction of what was reversed",
       "ana do correct --operation {gone} --wrong-account M0001 --right-account M0002 --reason 'wrong'",
       "Enter it again, on the right account.", scene="undone"),
    no(e.WrongState, "A correction of a reversal",
       "ana do correct --operation {back} --wrong-account M0001 --right-account M0002 --reason 'wrong'",
       "Enter it again, on the right account.", scene="undone"),

    # ----------------------------------------------------------------------- staff and two people
    no(e.SignInRefused, "Nobody is signed in", "do open-day", "Say who you are, or sign in first."),
    no(e.SignInRefused, "A wrong passphrase", "ana do open-day", "Try again; an administrator can set a new one.",
       env={"COOPBANK_PASSPHRASE": "correct house battery"}),
    no(e.SignInRefused, "Too many wrong passphrases", "ana do open-day",
       "Wait, and then type it slowly; the wait doubles each time.", around=fault.locked_out),
    no(e.SignInRefused, "A script without a passphrase", "ana do open-day",
       "Set the variable in the script's environment, never on the command line.", env={"COOPBANK_PASSPHRASE": None}),
    no(e.SignInRefused, "A sign-in from yesterday", "do open-day", "Sign in again; a sign-in holds for 12 hours.",
       around=fault.signed_in_yesterday, env={"COOPBANK_PASSPHRASE": None}),
    no(e.InvalidValue, "A passphrase that is too short", "tom passphrase tom", "Choose several words.",
       env={"COOPBANK_NEW_PASSPHRASE": "apple"}),
    no(e.NotAllowed, "A colleague's passphrase", "ana passphrase tom", "Ask an administrator.",
       env={"COOPBANK_NEW_PASSPHRASE": "four words of mine"}),
    no(e.AlreadyExists, "A user name that is taken",
       "admin do add-user --user ana --full-name 'Ana Maria Cruz' --user-roles teller",
       "Choose another, such as anam."),
    no(e.NotAllowed, "One's own roles", "admin do change-role --user admin --user-roles treasurer",
       "Ask another administrator."),
    no(e.Unknown, "A request of somebody who works here no more", "tom approve R-00008",
       "Refuse the request; somebody else asks anew.",
       steps="admin+tom change-role user=ana 'user_roles=[\"teller\"]' active=false"),
    no(e.OwnRequest, "One's own request, approved", "ana approve R-00008", "Ask a colleague to look at it."),
    no(e.OwnRequest, "One's own request, refused", "ana refuse R-00008 --why 'typed wrong'",
       "Take it back: coopbank take-back R-00008."),
    no(e.NotAllowed, "A colleague's request, taken back", "tom take-back R-00008", "Refuse it instead, and say why."),
    no(e.NotAllowed, "Approving what one may not approve", "ana approve R-00009",
       "Ask one of those who may.",
       steps="tom? journal-entry memo=rent lines='[\"GEN 250 Dr 9.00\",\"GEN 862 Cr 9.00\"]'"),
    no(e.OwnRequest, "One's own request, approved under another name", "sue approve R-00008",
       "Ask another colleague: two names of one person are one person.",
       steps="admin+tom link-user user=sue member=M0005"),
    no(e.InvalidValue, "A key that is too long",
       "ana do deposit --member M0001 --amount 20.00 --key " + "slip-12-" * 26, "Take the number of the slip alone."),
    no(e.InvalidValue, "A key that the program keeps for itself",
       "ana do deposit --member M0001 --amount 20.00 --key approved:R-00008", "Choose another key."),
    no(e.OwnAccount, "Approving what touches one's own account", "sue approve R-00008",
       "Leave it to another colleague.", steps="admin+tom link-user user=sue member=M0002"),
    no(e.WrongState, "A request that is decided already", "tom approve R-00008", "It is done.",
       steps="tom approve request=R-00008"),
    no(e.Unknown, "A request that there is not", "tom approve R-00099", "See what waits with: coopbank pending."),
    no(e.InvalidValue, "A policy set to what it is", "tom do set-policy --policy cheque_hold_days --value 7"),
    no(e.InvalidValue, "A paper that there is not", "tom do set-policy --policy paper --value A3"),
    no(e.InvalidValue, "A fund's own bank account for everybody",
       "tom do set-policy --policy bank_account --value EDUBANK", "Name a shared one.", scene="banked"),
    no(e.InvalidValue, "A policy in words", "tom do set-policy --policy cheque_hold_days --value 'a week'"),
    no(e.InvalidAmount, "A policy below zero", "tom do set-policy --policy drawer_limit --value=-5.00"),
    no(e.InvalidAmount, "A policy that is an amount, in words", "tom do set-policy --policy drawer_limit --value lots"),
    no(e.Unknown, "A policy that there is not", "tom do set-policy --policy hold_days --value 3"),
    no(e.KeyReused, "A key used for another request",
       "ana do deposit --member M0001 --amount 20.00 --key slip-12",
       "Give the new request a key of its own; the same request with its key is done once, however often it is sent.",
       steps="ana deposit member=M0001 amount=10.00 key=slip-12"),
    no(e.WrongState, "The computer's clock is a year behind", "ana do deposit --member M0001 --amount 10.00",
       "Set the computer's date, then do it again.", steps="clock 2025-03-02T18:00"),
    no(e.SealRefused, "A guard was lifted in the file, past the program",
       "ana do deposit --member M0001 --amount 10.00",
       "Run coopbank verify, which names what was changed; the database itself refuses what cannot be right.",
       around=fault.guard_lifted),

    # ------------------------------------------------------------------------------------ imports
    _imported(e.ImportRefused, "Rows with faults", "members",
              "name,phone,member since\nLena Moss,601 555 0199,2026-02-31\n,,\nOtis Reed,,soon\n"),
    _imported(e.ImportRefused, "A column that there is not", "members", "name,shoe size\nLena Moss,42\n"),
    _imported(e.ImportRefused, "A column that is missing", "members", "phone\n601 555 0199\n"),
    _imported(e.ImportRefused, "A column twice", "members", "name,phone,name\nLena,,Lena\n"),
    _imported(e.ImportRefused, "A row with more cells than the heading", "members", "name,phone\nMoss, Lena,601\n",
              "Put the name in quotation marks."),
    _imported(e.ImportRefused, "A row with fewer cells than the heading", "members", "name,phone,email\nLena\n"),
    _imported(e.ImportRefused, "A quotation mark that is never closed", "members", 'name,phone\n"Lena Moss,601\n'),
    _imported(e.ImportRefused, "A quotation mark within a cell", "members", 'name,phone\n"Lena "Lee" Moss",601\n'),
    _imported(e.ImportRefused, "A file without rows", "members", "name,phone\n"),
    _imported(e.ImportRefused, "An empty file", "members", ""),
    _imported(e.ImportRefused, "A workbook called CSV", "members", b"PK\x03\x04" + bytes(40)),
    _imported(e.ImportRefused, "A file in an old encoding", "members", "name\nJos\u00e9\n".encode("latin-1")),
    _imported(e.ImportRefused, "A file in UTF-16", "members", "name\nLena\n".encode("utf-16-le")),
    _imported(e.ImportRefused, "A cell that is too long", "members", "name\n" + "x" * 200_000 + "\n"),
    _imported(e.ImportRefused, "Operations that the bank refuses", "operations",
              "operation,member,amount\ndeposit,M0001,10.00\ndeposit,M0099,10.00\n"),
    _imported(e.ImportRefused, "Savings of one member twice", "savings", "member,amount\nM0001,5.00\nM0001,6.00\n",
              by="tom", scene="old"),
    _imported(e.ImportRefused, "A row without its operation", "operations", "operation,member,amount\n,M0001,10.00\n"),
    _imported(e.ImportRefused, "An operation that there is not", "operations",
              "operation,member,amount\ndepost,M0001,1.00\n"),
    _imported(e.ImportRefused, "A key that is none", "operations",
              "operation,member,amount,key\ndeposit,M0001,10.00,slip 12\n"),
    _imported(e.ImportRefused, "JSON that is none", "operations", '[{"operation": "deposit",]', name="operations.json"),
    _imported(e.ImportRefused, "JSON that is no list of operations", "operations", "[1, 2]", name="operations.json"),
    _imported(e.ImportRefused, "A name twice in an object", "operations",
              '[{"operation": "deposit", "operation": "withdraw"}]', name="operations.json"),
    _imported(e.ImportRefused, "A number that JSON does not know", "operations",
              '[{"operation": "deposit", "member": "M0001", "amount": NaN}]', name="operations.json"),
    _imported(e.ImportRefused, "A number with an exponent", "operations",
              '[{"operation": "deposit", "member": "M0001", "amount": 1e9}]', name="operations.json"),
    _imported(e.ImportRefused, "Half a character", "operations",
              '[{"operation": "admit-member", "member_name": "Mia \\ud83d"}]', name="operations.json"),
    _imported(e.ImportRefused, "JSON nested too deeply", "operations", "[" * 100_000, name="operations.json"),
    no(e.WrongUsage, "A kind of import that there is not", "ana import loanz loans.csv", files={"loans.csv": "x\n1\n"}),
    no(e.WrongUsage, "A file to import that there is not", "ana import members nobody.csv",
       "Look for a slip in the name."),
    no(e.WrongUsage, "A folder to import", "ana import members .", "Name a file."),

    # ----------------------------------------------------------------------------------- commands
    no(e.WrongUsage, "An operation that there is not", "ana do depost --member M0001 --amount 5.00"),
    no(e.WrongUsage, "A field that there is not", "ana do deposit --member M0001 --amont 5.00"),
    no(e.WrongUsage, "A field that is missing", "ana do deposit --member M0001"),
    no(e.WrongUsage, "A field without a value", "ana do deposit --member --amount 5.00"),
    no(e.WrongUsage, "A field twice", "ana do deposit --member M0001 --member M0002 --amount 5.00", "Give it once."),
    no(e.WrongUsage, "A value without a field", "ana do deposit M0001 5.00"),
    no(e.WrongUsage, "No operation at all", "ana do", "Name one."),
    _by_json(e.WrongUsage, "A document with a field that there is not", operation="deposit", member="M0001",
             amont="5.00"),
    no(e.WrongUsage, "A document that is no operation", "ana do --json -", stdin='["deposit"]'),
    no(e.WrongUsage, "A document with an empty list", "ana do --json -", "Put operations into it.", stdin="[]"),
    no(e.WrongUsage, "A key for a whole list", "ana do --json - --key slip-12", stdin='[{"operation": "open-day"}]'),
    no(e.WrongUsage, "An empty key", "ana do --json -", "Give it a text, or leave it out.",
       stdin='{"operation": "open-day", "key": ""}'),
    no(e.WrongUsage, "A document that is not JSON", "ana do --json -", stdin="deposit 5.00"),
    no(e.WrongUsage, "A document with a name twice", "ana do --json -",
       stdin='{"operation": "deposit", "operation": "x"}'),
    no(e.WrongUsage, "A document with a number that is none", "ana do --json -",
       stdin='{"operation": "deposit", "amount": NaN}'),
    no(e.WrongUsage, "A document nested too deeply", "ana do --json deep.json", files={"deep.json": "[" * 100_000}),
    no(e.WrongUsage, "A document that there is not", "ana do --json slip.json", "Look for a slip in the name."),
    no(e.WrongUsage, "A document in an old encoding", "ana do --json slip.json", "Save it as UTF-8.",
       files={"slip.json": '{"memo": "Jos\u00e9"}'.encode("latin-1")}),
    no(e.WrongUsage, "A folder as a document", "ana do --json .", "Name a file."),
    no(e.WrongUsage, "One operation of a list is refused", "ana do --json -",
       stdin='[{"operation": "open-day"}, {"operation": "deposit", "member": "M0001"}]'),
    no(e.WrongUsage, "A command that there is not", "ana depositt"),
    no(e.WrongUsage, "An option that there is not", "members --all-of-them"),
    no(e.WrongUsage, "A period that is not closed", "ana close week"),
    no(e.WrongUsage, "A date in another form", "trial-balance --as-of 3/2/2026"),
    no(e.WrongUsage, "A day that there is not", "trial-balance --as-of 2026-02-30", "Look into the calendar."),
    no(e.WrongUsage, "A number that is none", "entry first"),
    no(e.WrongUsage, "Entries by account and by member", "entries --account 905 --member M0001"),
    no(e.WrongUsage, "Nobody named to sign in", "login"),
    no(e.WrongUsage, "New books without a passphrase", "--db new.db init --name 'Our Bank'",
       "Set the variable, or run it at a terminal.", env={"COOPBANK_PASSPHRASE": None}),
    no(e.WrongUsage, "A head of the chain that is none", "verify --head abc",
       "Copy it from a receipt or a close."),
    no(e.WrongUsage, "A file of heads with something else in it", "verify --anchors heads.txt",
       "One head on each line.", files={"heads.txt": "Dear auditor,\n"}),
    no(e.WrongUsage, "A key for signatures", "verify --key key.txt", files={"key.txt": "key\n"}),
    no(e.WrongUsage, "The counter without a terminal", "counter", "Open a terminal window and start it there."),
    no(e.WrongUsage, "No place for the books", "--db '' users"),
    no(e.WrongUsage, "A place of another kind", "--db mysql://localhost/bank users"),
    no(e.WrongUsage, "A password on the command line", "--db postgresql://ana:secret@localhost/bank users"),
    no(e.WrongUsage, "A copy of a server's books", "--db postgresql://localhost/bank backup copy.db"),
    no(e.WrongUsage, "A copy into a folder that there is not", "backup away/copy.db", "Make the folder first."),
    no(e.AlreadyExists, "A copy over a file", "backup copy.db", files={"copy.db": "x"}),
    no(e.AlreadyExists, "New books where there are some", "init --name 'Our Bank'"),
    no(e.AlreadyExists, "A demonstration over books", "demo", "The demonstration is for practice; put it elsewhere."),
    no(e.NotAllowed, "Totals computed anew by a teller", "ana rebuild", "Ask the treasurer or an administrator."),
    no(e.Unknown, "An entry that there is not", "entry 99999", "See the newest with: coopbank entries."),
    no(e.Unknown, "An account that there is not", "entries --account 905/M0099"),
    no(e.Unknown, "An account that is none", "entries --account savings"),
    no(e.Unknown, "Leaves of an account that there is not", "accounts 999"),
    no(e.Unknown, "A report on a fund that there is not", "fund TRACTOR", "See them all with: coopbank fund."),
    no(e.InvalidDate, "A report that ends before it starts", "income --from 2026-03-02 --to 2026-03-01"),
    no(e.InvalidDate, "A statement of days to come", "statement M0001 --from 2026-04-01 --to 2026-04-30",
       "Wait for that month, or ask for an earlier one."),
    no(e.WrongUsage, "Statements of a month in words", "statements --month March"),
    no(e.WrongUsage, "Statements into a file", "statement M0001 --folder out.txt", files={"out.txt": "x"}),
    no(e.WrongUsage, "An export that there is not", "export xml out"),
    no(e.WrongUsage, "An export that ends before it begins", "export beancount out --from 2026-03-02 --to 2026-03-01",
       "Give the earlier day first."),
    no(e.WrongUsage, "An export of days to come", "export beancount out --from 2026-04-01"),
    no(e.WrongUsage, "A part of the sealed log", "export jsonl out --from 2026-03-02"),
    no(e.WrongUsage, "An export into a file", "export jsonl out.txt", files={"out.txt": "x"}),

    # --------------------------------------------------------------- loan terms and annual rates
    _schedule("No number of payments", installments=None),
    _schedule("No payments", installments=0),
    _schedule("More payments than a schedule has", installments=5000),
    _schedule("A field that there is not", instalments=12),
    _schedule("A method that there is not", method="balloon"),
    _schedule("A rate that is none", annual_rate="seven"),
    _schedule("A rate below zero", annual_rate="-1"),
    _schedule("A rate as a number", annual_rate=7.25),
    _schedule("An amount of nothing", disbursements=[{"date": "2026-01-15", "amount": "0.00"}]),
    _schedule("A fraction of a cent", disbursements=[{"date": "2026-01-15", "amount": "100.005"}]),
    _schedule("A day that there is not", disbursements=[{"date": "2026-02-30", "amount": "100.00"}]),
    _schedule("A currency that there is not", currency="XXX"),
    _schedule("A first payment before the loan", first_due="2026-01-10"),
    _schedule("A period that is none", every={"fortnights": 1}),
    _schedule("A period of nothing", every={"months": 0}),
    _schedule("Payments beyond the calendar", every={"years": 100}, installments=1000),
    _schedule("A grace longer than the loan", principal_grace=12),
    _schedule("Equal principal with a rounded level payment", method="equal-principal", payment_multiple="5"),
    _schedule("Equal principal, evened out", method="equal-principal", residue="even"),
    _schedule("A part of the principal on a level payment", principal_percent="5"),
    _schedule("More than all of the principal", method="equal-principal", principal_percent="50"),
    _schedule("A down payment of everything", down_payment_percent="100"),
    _schedule("A change after the loan's end", changes=[{"on": "2030-01-01", "annual_rate": "4"}]),
    _schedule("Two changes on one day",
              changes=[{"on": "2026-05-01", "annual_rate": "4"}, {"on": "2026-05-01", "annual_rate": "5"}]),
    _schedule("A change of nothing", changes=[{"on": "2026-05-01"}]),
    _schedule("A change to too many payments", changes=[{"on": "2026-05-01", "extra_installments": 1199}]),
    _schedule("A fee of nothing", fees=[{}]),
    _schedule("A level payment that repays nothing", annual_rate="90", payment_multiple="700", installments=600,
              disbursements=[{"date": "2026-01-15", "amount": "12000.00"}], day_count="30/360"),
    _schedule("Amounts beyond any book", annual_rate="999", installments=1000,
              disbursements=[{"date": "2026-01-15", "amount": "90000000000000.00"}]),
    _schedule("A smallest amount that the loan does not have", amount_multiple="1000"),
    no(e.InvalidTerms, "A document that is not JSON", "schedule -", stdin="1200 at 7.25 %"),
    no(e.InvalidTerms, "A document that is a list", "schedule -", stdin="[]"),
    no(e.InvalidTerms, "A document with a name twice", "schedule -", stdin='{"annual_rate": "7", "annual_rate": "8"}'),
    _apr("Less paid than was lent", payments=[{"date": "2027-01-15", "amount": "900.00"}]),
    _apr("Everything paid on the day of the loan", payments=[{"date": "2026-01-15", "amount": "1100.00"}]),
    _apr("Some flows by date, some by period", payments=[{"amount": "1100.00", "periods": 4}]),
    _apr("Periods of no length", "Add a unit_period.", advances=[{"amount": "1000.00", "periods": 0}],
         payments=[{"amount": "1100.00", "periods": 4}]),

    # ----------------------------------------------------------------------------------- the rest
    no(e.BooksWrong, "An amount was changed in the file, past the program", "verify",
       "Stop working with this file, keep it, and go back to the last backup that proves right; find out who had it.",
       around=fault.amount_changed),
    no(e.BooksWrong, "A head on a receipt that the books do not have", "verify --head 20:0123456789abcdef",
       "Either the receipt is of other books, or these were made anew since; ask whoever keeps the backups."),
    no(e.DatabaseUnusable, "A file that may not be read", "users", "Ask the file's owner for the right to read it.",
       around=fault.unreadable),
    no(e.DatabaseUnusable, "PostgreSQL without its driver", "--db postgresql://localhost/bank users",
       "Install it; books in a file need nothing more.", around=fault.no_driver),
    no(e.DatabaseUnusable, "A name that no file can have", "--db " + "x" * 300 + " users", "Choose a shorter name."),
    no(e.DatabaseUnusable, "An SQLite that is not safe", "ana do open-day",
       "Use the Python that the installation guide names.", around=fault.unsafe),
    no(e.DatabaseMissing, "No books at that place", "--db other.db users",
       "Go to the folder with the books, or name them with --db."),
    no(e.DatabaseBusy, "Another program holds the books", "ana do deposit --member M0001 --amount 10.00",
       "Try again; if it stays so, look for a backup tool or a database browser that has the file open.",
       around=fault.busy),
    no(e.DatabaseReadOnly, "A file that can only be read", "ana do deposit --member M0001 --amount 10.00",
       "Work where the file can be written; looking things up goes on working here.", around=fault.read_only),
    no(e.DatabaseVersion, "Books of a newer version", "users", "Install the newer coopbank.", around=fault.newer),
    no(e.DatabaseVersion, "Upgrading books of a newer version", "upgrade", "Install the newer coopbank.",
       around=fault.newer),
    no(e.NotABook, "A letter", "users", "Look for the file that holds the books, or restore a backup.",
       around=fault.letter),
    no(e.NotABook, "Another program's database", "users", "Name the file that holds the books.",
       around=fault.other_database),
    no(e.NotABook, "A folder", "users", around=fault.folder, advice="Name the file in it."),
    no(e.NotABook, "A schema in which nothing was founded", "users",
       "The founding was interrupted: take the file away and run init again.", around=fault.unfounded),
    no(e.NotABook, "Upgrading another program's database", "upgrade", "Name the file that holds the books.",
       around=fault.other_database),
)
# fmt: on

SCENES.update(
    charity=Setting('ana admit-member member_name="Mia Lee"', founding={"institution_kind": CHARITY}),
    old=Setting('ana admit-member member_name="Mia Lee"', after="new"),
    opened=Setting(
        """
        @opening tom+sue opening-balance lines='["GEN 940 Cr 10.00","GEN 741 Dr 10.00"]'
        tom+sue close-opening
        """,
        after="old",
    ),
    banked=Setting('tom+sue add-bank-account code=EDUBANK account_name="Of the education fund" fund=EDU', after="town"),
    april=Setting("day 2026-03-31\nday 2026-04-01\ntom+sue close-month month=2026-03", after="town"),
    may=Setting("day 2026-04-01\nana deposit member=M0001 amount=1.00\nday 2026-05-04", after="town"),
    slipped=Setting("ana open-savings member=M0002\n@slip ana deposit member=M0001 amount=20.00", after="town"),
    corrected=Setting(
        "ana correct operation={slip} wrong_account=M0001 right_account=M0002 reason=typed", after="slipped"
    ),
    undone=Setting(
        """
        @gone ana deposit member=M0001 amount=20.00
        @back ana reverse operation={gone} reason="typed wrong"
        @fee tom+sue issue-note lender=Friend amount=100.00 annual_rate=1 due_on=2027-03-02
        """,
        after="slipped",
    ),
)
