"""Confirmations: members are asked whether the books are right about them, and what became of each answer.

A campaign freezes the balances of a day at the operation that begins it and draws whom to ask from a seed that is
written down. It is the supervisory committee's: nobody who keeps the books has a hand in it. In a positive campaign
everybody is to answer; in a negative one only who does not agree, and silence counts as agreement. What differs, what
comes back undelivered and what is not answered where an answer was asked for is an exception; a campaign ends when
each exception has been looked into.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from coopbank.bank import records
from coopbank.bank.confirming import Draw, accounts_of, draw
from coopbank.bank.desk import Desk
from coopbank.bank.fields import CampaignRef, Day, Memo, Money, SignedMoney, Text, Widget, clean_text, refuse
from coopbank.bank.operation import SUPERVISOR, Operation
from coopbank.bank.operations.savings import shown
from coopbank.bank.operations.undoing import OperationNumber, past_operation
from coopbank.errors import AlreadyExists, InvalidDate, InvalidValue, Unknown, WrongState
from coopbank.words import _

MOST: Final = 50_000
"""Balances that one campaign asks about."""
FINDINGS: Final = ("member-mistaken", "timing", "bank-mistaken", "checked-otherwise")
"""What an exception can come to."""
EXCEPTIONS: Final = ("differs", "returned", "none")
"""States of a confirmation that somebody has to look into; `none` in a positive campaign only."""

_ACCOUNT: Final = re.compile(r"[0-9]{3}/M[0-9]{4,9}[A-Za-z0-9.-]*|L-[0-9]{3,9}")


def _account(text: str) -> str:
    if not _ACCOUNT.fullmatch(text):
        raise refuse("Write the account as the letter has it: 905/M0007 or L-010.")
    return text


AccountNumber = Annotated[str, BeforeValidator(clean_text), AfterValidator(_account), Widget("text")]


def _count(value: Any) -> Any:
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not re.fullmatch(r"[1-9][0-9]{0,4}", text.strip()) or int(text) > MOST:
        raise refuse("Write how many, in digits, from 1 to {most}.", most=MOST)
    return int(text)


Count = Annotated[int, BeforeValidator(_count), Widget("number")]


class StartCampaign(Operation):
    """Begin to ask members whether their balances are right: freeze the balances and draw whom to ask."""

    name: ClassVar[str] = "start-campaign"
    title: ClassVar[str] = "Begin a campaign of confirmations"
    subject: ClassVar[str] = "confirmations"
    roles: ClassVar[tuple[str, ...]] = (SUPERVISOR,)
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    form: Annotated[Literal["positive", "negative"], Widget("choice"), Field(title="Everybody answers, or who differs")]
    population: Annotated[Literal["shares", "savings", "loans", "all"], Widget("choice"), Field(title="Accounts")]
    selection: Annotated[
        Literal["dollar-unit", "random", "all"], Widget("choice"), Field(title="How they are chosen")
    ] = "dollar-unit"
    size: Annotated[Count | None, Field(title="How many")] = None
    interval: Annotated[Money | None, Field(title="Interval (dollar units), in place of how many")] = None
    seed: Annotated[Text | None, Field(min_length=1, title="Seed, any words or digits written down before")] = None
    day: Annotated[Day | None, Field(title="Balances at the end of, if not today")] = None
    with_empty: Annotated[bool, Field(title="Accounts with nothing in them too")] = False

    def perform(self, desk: Desk) -> None:
        day = self.day or desk.business_day
        if day > desk.business_day:
            raise InvalidDate("{day} lies in the future.", field="day", day=day)
        self._require_fitting()
        drawn = draw(
            accounts_of(desk.tx, self.population, day), self.selection, seed=self.seed or "", size=self.size,
            interval=self.interval, with_empty=self.with_empty,
        )  # fmt: skip
        if not drawn.chosen:
            raise WrongState("On {day} there is no such account to ask about.", field="population", day=day)
        if len(drawn.chosen) > MOST:
            raise InvalidValue(
                "That would ask about {count} balances; one campaign asks about {most} at most.", field="selection",
                count=len(drawn.chosen), most=MOST, hint="Draw a sample, or one kind of account at a time.",
            )  # fmt: skip
        ref = desk.next_ref("campaign", "V-", 3)
        desk.write(ref, self._campaign(desk, day.isoformat(), drawn), about="open")
        for each in drawn.chosen:
            body = records.Confirmation(
                campaign=ref, account=each.account.number, member=each.account.member, balance=each.account.balance,
                stratum=each.stratum,
            )  # fmt: skip
            desk.write(confirmation_ref(ref, each.account.number), body, about=ref)
        desk.note("Campaign", ref)
        desk.note("To be asked", _("{count} of {all}").format(count=len(drawn.chosen), all=len(drawn.population)))
        desk.note("In all", shown(desk, sum(each.account.balance for each in drawn.chosen)))

    def _require_fitting(self) -> None:
        """Refuse what does not go with the selection, and a sample without what it is drawn by."""
        given = {name for name in ("size", "interval", "seed") if getattr(self, name) is not None}
        allowed = {"dollar-unit": {"size", "interval", "seed"}, "random": {"size", "seed"}, "all": set()}
        for name in sorted(given - allowed[self.selection]):
            raise InvalidValue(
                "With the selection {selection} there is no {field_name}.", field=name, selection=self.selection,
                field_name=name, hint="Leave it out.",
            )  # fmt: skip
        if self.selection == "all":
            return
        if self.seed is None:
            raise InvalidValue(
                "The seed is missing.", field="seed",
                hint="Write down any words or digits, dice for example, and give them here: with them it is drawn.",
            )  # fmt: skip
        if ("size" in given) == ("interval" in given):
            raise InvalidValue("Say how many, or give an interval, one of the two.", field="size")

    def _campaign(self, desk: Desk, day: str, drawn: Draw) -> records.Campaign:
        dollars = drawn.dollars
        return records.Campaign(
            form=self.form, population=self.population, day=day, as_of=desk.number, selection=self.selection,
            seed=self.seed or "", size=self.size, interval=None if dollars is None else dollars.interval,
            start=None if dollars is None else dollars.start, with_empty=self.with_empty, count=drawn.count(1),
            total=drawn.total, empty=drawn.count(0), negative=drawn.count(-1), selected=len(drawn.chosen),
            selected_total=sum(each.account.balance for each in drawn.chosen), started_by=desk.actor.user,
        )  # fmt: skip


class _OfCampaign(Operation):
    """Common to what happens in a campaign."""

    campaign: CampaignRef

    def open_campaign(self, desk: Desk) -> records.Campaign:
        """The campaign, refused if it is over."""
        found = desk.get(records.Campaign, self.campaign, "campaign")
        if found.state != "open":
            raise WrongState(
                "Campaign {campaign} is {state}.", field="campaign", campaign=self.campaign, state=_(found.state)
            )
        return found


class RecordReply(_OfCampaign):
    """Record what a member answered, that the letter came back, or that no answer came.

    Without an account, no answer came from anybody who has not answered yet.
    """

    name: ClassVar[str] = "record-reply"
    title: ClassVar[str] = "Record a reply"
    subject: ClassVar[str] = "confirmations"
    roles: ClassVar[tuple[str, ...]] = (SUPERVISOR,)
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    reply: Annotated[Literal["agrees", "differs", "returned", "none"], Widget("choice"), Field(title="Reply")]
    about: Annotated[AccountNumber | None, Field(title="Account, as on the letter")] = None
    amount: Annotated[SignedMoney | None, Field(title="What the member says is right")] = None
    replied_on: Annotated[Day | None, Field(title="Came on, if not today")] = None
    why: Annotated[Memo | None, Field(min_length=1, title="Why anew, if a reply was recorded before")] = None

    def serves(self, desk: Desk) -> set[str]:
        return _members(desk, self.campaign, self.about)

    def perform(self, desk: Desk) -> None:
        campaign = self.open_campaign(desk)
        day = self.replied_on or desk.business_day
        if day > desk.business_day:
            raise InvalidDate("{day} lies in the future.", field="replied_on", day=day)
        if (self.reply == "differs") != (self.amount is not None):
            raise InvalidValue(
                "What the member says is right goes with a reply that differs, and with no other.", field="amount"
            )
        if self.about is None:
            self._nobody_else(desk, campaign, day.isoformat())
            return
        found = _confirmation(desk, self.campaign, self.about)
        answered_before = found.state in ("agrees", "differs") or found.finding is not None
        if answered_before and self.why is None:
            raise AlreadyExists(
                "What {member} says of {account} is recorded already: {state}.", field="why",
                member=found.member, account=self.about, state=_(found.state),
                hint="If that was wrong, record it anew and say why.",
            )  # fmt: skip
        if self.amount == found.balance:
            raise InvalidValue("That is what our books say: the member agrees.", field="reply")
        answered = found.model_copy(
            update={
                "state": self.reply, "right": self.amount, "replied_on": day.isoformat(), "finding": None,
                "correction": None, "why": self.why or "",
            }
        )  # fmt: skip
        desk.write(confirmation_ref(self.campaign, self.about), answered, about=self.campaign)
        desk.note("Our balance", shown(desk, found.balance))
        if self.amount is not None:
            desk.note("Difference", shown(desk, found.balance - self.amount))

    def _nobody_else(self, desk: Desk, campaign: records.Campaign, day: str) -> None:
        """No answer from whoever has not answered; in a negative campaign that is agreement and needs no record."""
        if self.reply != "none":
            raise InvalidValue("{field_name} is missing.", field="about", field_name="about")
        if campaign.form == "negative":
            raise WrongState(
                "In campaign {campaign} only who does not agree is to answer: silence is recorded nowhere.",
                field="campaign", campaign=self.campaign,
            )  # fmt: skip
        silent = [(ref, body) for ref, body in desk.about(records.Confirmation, self.campaign) if body.state == "asked"]
        if not silent:
            raise WrongState("Everybody has answered.", field="campaign")
        for ref, body in silent:
            desk.write(ref, body.model_copy(update={"state": "none", "replied_on": day}), about=self.campaign)
        desk.note("Without an answer", str(len(silent)))


class ResolveException(_OfCampaign):
    """Say what a reply that differs, a letter that came back, or silence came to when it was looked into.

    Said again, the later word counts; the earlier one stays in the books.
    """

    name: ClassVar[str] = "resolve-exception"
    title: ClassVar[str] = "Resolve an exception"
    subject: ClassVar[str] = "confirmations"
    roles: ClassVar[tuple[str, ...]] = (SUPERVISOR,)
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    about: Annotated[AccountNumber, Field(title="Account, as on the letter")]
    finding: Annotated[
        Literal["member-mistaken", "timing", "bank-mistaken", "checked-otherwise"], Widget("choice"),
        Field(title="What it came to"),
    ]  # fmt: skip
    why: Annotated[Memo, Field(min_length=1, title="What was looked at, and what it showed")]
    correction: Annotated[OperationNumber | None, Field(title="Operation that put it right")] = None

    def serves(self, desk: Desk) -> set[str]:
        return _members(desk, self.campaign, self.about)

    def perform(self, desk: Desk) -> None:
        campaign = self.open_campaign(desk)
        found = _confirmation(desk, self.campaign, self.about)
        if not is_exception(campaign, found):
            raise WrongState(
                "There is nothing to resolve about {account}: {state}.", field="about", account=self.about,
                state=_(found.state),
            )  # fmt: skip
        if self.finding == "bank-mistaken" and found.state != "differs":
            raise InvalidValue(
                "Only a reply that differs says what would be right.", field="finding",
                hint="Record the right balance first, as a reply that differs.",
            )  # fmt: skip
        if self.correction is not None:
            past_operation(desk, self.correction)
        resolved = found.model_copy(update={"finding": self.finding, "why": self.why, "correction": self.correction})
        desk.write(confirmation_ref(self.campaign, self.about), resolved, about=self.campaign)
        desk.note("Resolved", self.about)


class CloseCampaign(_OfCampaign):
    """End a campaign: every exception was looked into. Say what it showed. One that is given up proves nothing."""

    name: ClassVar[str] = "close-campaign"
    title: ClassVar[str] = "End a campaign of confirmations"
    subject: ClassVar[str] = "confirmations"
    roles: ClassVar[tuple[str, ...]] = (SUPERVISOR,)
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    conclusion: Annotated[Memo, Field(min_length=1, title="What it showed")]
    give_up: Annotated[bool, Field(title="Give it up")] = False

    def perform(self, desk: Desk) -> None:
        campaign = self.open_campaign(desk)
        asked = [body for _ref, body in desk.about(records.Confirmation, self.campaign)]
        if not self.give_up:
            self._require_done(campaign, asked)
        state = "given-up" if self.give_up else "closed"
        desk.write(
            self.campaign, campaign.model_copy(update={"state": state, "conclusion": self.conclusion}), about=state
        )
        desk.note("Asked", str(len(asked)))
        desk.note("Exceptions", str(sum(is_exception(campaign, body) for body in asked)))

    def _require_done(self, campaign: records.Campaign, asked: list[records.Confirmation]) -> None:
        waiting = sum(body.state == "asked" for body in asked)
        if waiting and campaign.form == "positive":
            raise WrongState(
                "{count} have not answered campaign {campaign}.", field="campaign", count=waiting,
                campaign=self.campaign,
                hint="Record the replies; record-reply without an account says that none came.",
            )  # fmt: skip
        unresolved = [body.account for body in asked if is_exception(campaign, body) and body.finding is None]
        if unresolved:
            raise WrongState(
                "Of campaign {campaign}, {count} exceptions wait to be looked into: {accounts}.", field="campaign",
                campaign=self.campaign, count=len(unresolved), accounts=", ".join(unresolved[:5]),
                hint="Say what each came to (resolve-exception).",
            )  # fmt: skip


# ------------------------------------------------------------------------------------- helpers


def confirmation_ref(campaign: str, account: str) -> str:
    """The number of a confirmation: V-001.905/M0007."""
    return f"{campaign}.{account}"


def is_exception(campaign: records.Campaign, body: records.Confirmation) -> bool:
    """Whether somebody has to look into it."""
    return body.state in EXCEPTIONS and not (body.state == "none" and campaign.form == "negative")


def _confirmation(desk: Desk, campaign: str, account: str) -> records.Confirmation:
    found = desk.find(records.Confirmation, confirmation_ref(campaign, account))
    if found is None:
        raise Unknown(
            "Campaign {campaign} does not ask about {account}.", field="about", campaign=campaign, account=account,
            hint="See whom it asks with: coopbank campaign {campaign}",
        )  # fmt: skip
    return found


def _members(desk: Desk, campaign: str, account: str | None) -> set[str]:
    found = None if account is None else desk.find(records.Confirmation, confirmation_ref(campaign, account))
    return set() if found is None else {found.member}
