"""What stands for the codes in a form: a choice is shown in words, a code that is typed is offered with its meaning.

The requests hold the codes, which every door takes and the books seal; only what people read is told here, in the
language of whoever reads it. A code without a word of its own is shown as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from coopbank.bank.contact import ROLE_WORDS
from coopbank.words import marked, translate

if TYPE_CHECKING:
    from coopbank.bank.operation import Operation

MATTER_WORDS: Final = {
    "loan": marked("a loan"), "allocation": marked("an allocation"), "policy": marked("a policy"),
    "election": marked("an election"), "surplus": marked("the surplus"), "transfer": marked("a transfer"),
    "other": marked("something else"),
}  # fmt: skip
FORM_WORDS: Final = {
    "assembly": marked("all members"), "committee": marked("a committee"), "council": marked("a council"),
}  # fmt: skip
VOTE_WORDS: Final = {
    "for": marked("for"), "against": marked("against"), "abstain": marked("abstains"), "recused": marked("stands back"),
}  # fmt: skip

#: What codes mean in the fields of one name.
_OF_A_FIELD: Final[Mapping[str, Mapping[str, str]]] = {
    "basis": {"average": marked("the year's average"), "year-end": marked("what is there at its end")},
    "day_count": {"equal-periods": marked("equal periods")},
    "early": {
        "next": marked("pays ahead"), "shorten": marked("ends sooner"), "lower": marked("lower payments"),
    },
    "excess": {"principal": marked("principal"), "unapplied": marked("kept for later")},
    "finding": {
        "bank-mistaken": marked("the bank was wrong"), "member-mistaken": marked("the member was wrong"),
        "timing": marked("only the days differ"), "checked-otherwise": marked("checked in another way"),
    },
    "form": {
        **FORM_WORDS, "allocation": marked("allot money"), "election": marked("elect people"),
        "positive": marked("everybody answers"), "negative": marked("who differs answers"),
    },
    "installments": {"at-once": marked("shares at once"), "waiting": marked("wait for a full share")},
    "language": {"en": marked("English"), "es": marked("Spanish")},
    "matter": MATTER_WORDS,
    "method": {
        "level": marked("level payments"), "equal-principal": marked("equal principal"),
        "recovery": marked("pays principal alone"), "cash": marked("is income when paid"),
    },
    "month_end": {"clamp": marked("the month's last day"), "roll": marked("the day after it")},
    "paid_to": {"biller": marked("who sent the bill"), "recipient": marked("who is helped")},
    "presentation": {"equity": marked("equity"), "liability": marked("a debt of the bank")},
    "repayment": {
        "schedule": marked("dates and amounts"), "line": marked("line of credit"),
        "surplus": marked("a share of surplus"), "revenue": marked("a share of revenue"),
    },
    "reply": {
        "agrees": marked("agrees"), "differs": marked("differs"), "returned": marked("came back unread"),
        "none": marked("no answer"),
    },
    "reserve": {
        "none": marked("there is none"), "cash": marked("money set apart"), "book": marked("in the books alone"),
    },
    "role": ROLE_WORDS,
    "security": {"any": marked("as agreed"), "none": marked("none may be taken")},
    "selection": {
        "dollar-unit": marked("large ones sooner"), "random": marked("by chance alone"), "all": marked("all of them"),
    },
    "take_away": {"tax-id": marked("taxpayer number")},
    "tender": {"bill": marked("bill, paid later")},
    "to": {"sender": marked("back to the sender")},
    "vote": VOTE_WORDS,
}  # fmt: skip
_CHART: Final = frozenset({"account", "payable"})
"""Fields whose choices are accounts of the chart."""

#: What a choice says that is left open, where it is not what was there before.
_LEFT_OPEN: Final[Mapping[tuple[str, str], str]] = {
    **dict.fromkeys(
        (("grant-loan", field) for field in ("method", "day_count", "loss_carry_forward")),
        marked("as the product says"),
    ),
    **dict.fromkeys(
        (("define-product", field) for field in ("method", "day_count", "loss_carry_forward")), marked("as usual")
    ),
    ("grant-loan", "month_end"): marked("as usual"),
    ("repay-loan", "early"): marked("as agreed"),
    ("receive-gift", "land_use"): marked("not for land"),
    ("define-register", "template"): marked("none of these"),
    ("change-member", "take_away"): marked("nothing"),
}


def in_words(field: str, code: str) -> str:
    """What a choice of that name shows for a code."""
    if field in _CHART and code.isdigit():
        return f"{code} {_accounts()[code]}"
    if field == "grade":
        return f"{code} {_grades()[code]}"
    if field == "template":
        return _templates()[code]
    return translate(_OF_A_FIELD.get(field, {}).get(code, code))


def left_open(operation: str, field: str) -> str:
    """What a choice shows when nothing is chosen."""
    return translate(_LEFT_OPEN.get((operation, field), "as it is"))


def _accounts(kinds: str = "") -> dict[str, str]:
    from coopbank.ledger.chart import chart

    return {each.code: translate(each.name) for each in chart() if not kinds or each.code[0] in kinds}


def _grades() -> dict[str, str]:
    from coopbank.bank.lending.allowance import GRADES

    return {code: translate(meaning) for code, meaning in GRADES.items()}


def _templates() -> dict[str, str]:
    from coopbank.bank.institution_registers import shipped

    return {code: definition.label for code, definition in shipped().items()}


# --------------------------------------------------------------------------- codes that are typed


def _reasons() -> dict[str, str]:
    from coopbank.bank.operations.applications import REASONS

    return {code: translate(reason) for code, reason in REASONS.items()}


def _policies() -> dict[str, str]:
    from coopbank.bank.policies import POLICIES

    return {code: translate(policy.title) for code, policy in POLICIES.items()}


def _operations() -> dict[str, str]:
    from coopbank.bank.operation import CATALOGUE

    return {name: translate(cls.title) for name, cls in CATALOGUE.items() if not cls.internal}


def _roles() -> dict[str, str]:
    from coopbank.bank.operation import ROLES

    return {role: translate(role) for role in ROLES}


def _parts() -> dict[str, str]:
    from coopbank.bank.operations.products import PARTS

    return {part: translate(part) for part in PARTS}


_LISTS: Final[Mapping[str, Callable[[], dict[str, str]]]] = {
    "decline-reason": _reasons, "policy-name": _policies, "operation-name": _operations, "role-name": _roles,
    "payment-part": _parts, "expense-account": lambda: _accounts("23"), "income-account": lambda: _accounts("1"),
}  # fmt: skip
_TYPED: Final[Mapping[tuple[str, str], str]] = {
    ("decline-application", "reasons"): "decline-reason",
    ("define-product", "order"): "payment-part",
    ("set-policy", "policy"): "policy-name",
    ("set-mandate", "operation"): "operation-name",
    ("set-role", "operation"): "operation-name",
    ("set-role", "role"): "role-name",
    ("set-day-limit", "role"): "role-name",
    ("add-user", "user_roles"): "role-name",
    ("change-role", "user_roles"): "role-name",
    ("define-register", "keepers"): "role-name",
}


def list_of(cls: type[Operation], field: str) -> str:
    """The list that a field's codes stand in; empty where it takes other things than codes of a list."""
    if field in ("expense", "income"):
        return f"{field}-account"
    return _TYPED.get((cls.name, field), "")


def codes_of(kind: str) -> dict[str, str] | None:
    """The codes of a list with what each means, in the language in force; None for what is no such list."""
    made = _LISTS.get(kind)
    return None if made is None else made()


def meaning(kind: str, typed: str) -> str:
    """What the codes mean that were typed so far; empty where the list does not have one of them."""
    known = codes_of(kind) or {}
    found = [known.get(part) for part in typed.replace(",", " ").replace(";", " ").split()]
    return " · ".join(each for each in found if each) if None not in found else ""
