"""What a funder asks of the loans that its money makes: a programme's rules, as data of the fund.

They are asked when a loan is granted and again when it is paid out, since rules may have changed in between. A
refusal names the fund and the rule. A rule that is left out asks nothing; nothing here says that a loan complies with
any law.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.fields import BankAccountRef, FundRef, Memo, Money, Percent, Rate, Text, Widget, clean_text
from coopbank.bank.operation import SUPERVISOR, TREASURER, Operation
from coopbank.bank.operations.products import require_lender
from coopbank.bank.operations.savings import shown
from coopbank.errors import InvalidValue, ProgrammeRule
from coopbank.ledger.chart import POOL
from coopbank.money import round_minor


def _read_list(value: object) -> object:
    """Names with commas between them, or a list; each once, in the order of the alphabet."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list):
        return value
    return sorted({clean_text(part) for part in parts if not isinstance(part, str) or part.strip()}, key=str)


Names = Annotated[list[Annotated[str, Field(max_length=80)]], BeforeValidator(_read_list), Field(max_length=100)]


class SetProgramme(Operation):
    """Set the rules of a funder's programme: what loans of its fund must be like. It replaces the rules before."""

    name: ClassVar[str] = "set-programme"
    title: ClassVar[str] = "Set a programme's rules"
    subject: ClassVar[str] = "funds"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    approvers: ClassVar[tuple[str, ...]] = (SUPERVISOR, TREASURER)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # the next version changes it

    fund: FundRef
    funder: Annotated[Text, Field(min_length=1, title="Funder and programme")]
    agreement: Annotated[Text, Field(min_length=1, title="Agreement that says so")]
    least_rate: Annotated[Rate | None, Field(title="Lowest interest, percent a year")] = None
    most_rate: Annotated[Rate | None, Field(title="Highest interest, percent a year")] = None
    largest_loan: Annotated[Money | None, Field(title="Largest loan")] = None
    purposes: Annotated[Names, Widget("text"), Field(title="Purposes, if only some (with commas)")] = []
    places: Annotated[Names, Widget("text"), Field(title="Places, if only some (with commas)")] = []
    security: Annotated[
        Literal["any", "none"], Widget("choice"), Field(title="Security (any: as agreed, none: none may be taken)")
    ] = "any"
    reserve: Annotated[
        Literal["none", "cash", "book"], Widget("choice"),
        Field(title="Loss reserve (cash: in a bank account of its own, book: the allowance alone)"),
    ] = "none"  # fmt: skip
    reserve_percent: Annotated[Percent | None, Field(title="Reserve, percent of what is lent")] = None
    reserve_account: Annotated[BankAccountRef | None, Field(title="Bank account of a cash reserve")] = None
    why: Annotated[Memo, Field(title="Why, if it changes an earlier one")] = ""

    def perform(self, desk: Desk) -> None:
        require_lender(desk, self.fund, "fund")
        self._require_sound(desk)
        named = records.Programme.model_fields.keys() - {"void"}
        body = records.Programme(**{name: getattr(self, name) for name in named})
        before = desk.find(records.Programme, self.fund)
        if before is not None and before.model_copy(update={"why": self.why}) == body:
            raise InvalidValue("The programme of fund {fund} is that already.", field="fund", fund=self.fund)
        if before is not None and not self.why:
            raise InvalidValue("Fund {fund} has a programme already: say why it changes.", field="why", fund=self.fund)
        desk.write(self.fund, body)
        desk.note("Fund", self.fund)
        desk.note("Programme", self.funder)

    def _require_sound(self, desk: Desk) -> None:
        if Decimal(self.least_rate or 0) > Decimal(self.most_rate or self.least_rate or 0):
            raise InvalidValue("The lowest interest is above the highest.", field="least_rate")
        if len({self.reserve == "cash", self.reserve_percent is not None, self.reserve_account is not None}) > 1:
            raise InvalidValue(
                "A reserve in cash has a percentage and a bank account, and only that has them.", field="reserve",
                hint="Give all three: reserve, reserve_percent and reserve_account.",
            )  # fmt: skip
        if self.reserve_account is not None:
            account = desk.get(records.BankAccount, self.reserve_account, "reserve_account")
            if account.fund == POOL:
                raise InvalidValue("A reserve has an account of its own.", field="reserve_account")


#: The field of a loan's form that each rule is about.
_FIELDS: Final = {"least_rate": "annual_rate", "most_rate": "annual_rate", "largest_loan": "principal",
                  "purposes": "purpose", "places": "place", "reserve_percent": "principal"}  # fmt: skip


def require_programmes(
    desk: Desk, loan: records.Loan, amount: int, *, field: str | None = None, repays: str | None = None
) -> None:
    """Refuse a loan that the programme of one of its funds forbids; `amount` is lent now by all of them.

    `field` is named by the refusal instead of the one that a rule is about; `repays` is a loan that it pays off.
    """
    for fund in loan.funds:
        rules = desk.find(records.Programme, fund)
        if rules is None:
            continue
        fault = _fault_of_terms(desk, rules, loan) or _fault_of_reserve(desk, fund, rules, loan, amount, repays)
        if fault is not None:
            rule, asked, given = fault
            raise ProgrammeRule(
                "{funder}, fund {fund}: the rule {rule} asks for {asked}; here it is {given}.",
                field=field or _FIELDS[rule], funder=rules.funder, fund=fund, rule=rule, asked=asked, given=given,
                hint="Lend from another fund, or agree on something else.",
            )  # fmt: skip


_Fault = tuple[str, str, str]
"""The rule, what it asks for, and what there is."""


def _fault_of_terms(desk: Desk, rules: records.Programme, loan: records.Loan) -> _Fault | None:
    rate = Decimal(loan.annual_rate)
    if rules.least_rate is not None and rate < Decimal(rules.least_rate):
        return "least_rate", f"{rules.least_rate} %", f"{loan.annual_rate} %"
    if rules.most_rate is not None and rate > Decimal(rules.most_rate):
        return "most_rate", f"{rules.most_rate} %", f"{loan.annual_rate} %"
    if rules.largest_loan is not None and loan.principal > rules.largest_loan:
        return "largest_loan", shown(desk, rules.largest_loan), shown(desk, loan.principal)
    for rule, allowed, given in (("purposes", rules.purposes, loan.purpose), ("places", rules.places, loan.place)):
        if allowed and given.casefold() not in {each.casefold() for each in allowed}:
            return rule, ", ".join(allowed), given or "-"
    return None


def _fault_of_reserve(
    desk: Desk, fund: str, rules: records.Programme, loan: records.Loan, amount: int, repays: str | None
) -> _Fault | None:  # fmt: skip
    """A reserve in cash must hold its part of what is lent, this loan included."""
    if rules.reserve_percent is None or rules.reserve_account is None:
        return None
    part = Fraction(amount * loan.funds[fund], sum(loan.shares.values()))
    lent = sum(leaf.balance for leaf in desk.leaves("701", fund) if leaf.contract != repays)
    needed = round_minor((lent + part) * Fraction(Decimal(rules.reserve_percent)) / 100, "half-up")
    owner = desk.get(records.BankAccount, rules.reserve_account, "loan").fund
    held = desk.balance(owner, f"731/{rules.reserve_account}")
    asked = f"{rules.reserve_percent} % ({shown(desk, needed)})"
    return ("reserve_percent", asked, shown(desk, held)) if held < needed else None


def require_no_security(desk: Desk, loan: records.Loan) -> None:
    """Refuse a pledge where a programme of the loan's funds forbids any."""
    for fund in loan.funds:
        rules = desk.find(records.Programme, fund)
        if rules is not None and rules.security == "none":
            raise ProgrammeRule(
                "{funder}, fund {fund}: loans of this programme take no security.", field="loan", funder=rules.funder,
                fund=fund, hint="Lend without it.",
            )  # fmt: skip


def require_book_reserve(desk: Desk, fund: str, kinds: list[str]) -> None:
    """Refuse a waterfall with cash of a reserve where the programme wants the reserve in the books alone."""
    rules = desk.find(records.Programme, fund)
    if rules is not None and rules.reserve == "book" and "reserve" in kinds:
        raise ProgrammeRule(
            "{funder}, fund {fund}: its loss reserve stands in the books alone, not in cash.", field="steps",
            funder=rules.funder, fund=fund, hint="Leave the reserve's account out of the order.",
        )  # fmt: skip
