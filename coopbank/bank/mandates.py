"""Mandates: operations that a body of members has to decide first.

A mandate names an operation, the body that decides it, and the amount above which it does. Such an operation names a
resolution of that body, and is refused unless the resolution was carried, is about this and about nothing else, still
holds, and leaves enough: one with an amount may be used until its amount is used up, one without serves once. What was
done under a resolution is written down with it, and every entry of it names the resolution in its memo.

A resolution on a loan is about one borrower, by the number of the member, the application or the loan, and serves for
one loan. It binds what it says of the terms (product, interest and payments at most), and the term sheet that was voted
on: once the credit memo is written anew, it has to be voted on anew.

A resolution that is named where none is needed has to hold just as well. Where an operation has a free text for its
decision ("board, 2 March"), a text that is no resolution's number stays a text, until a mandate asks for more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.borrowers import linked_to
from coopbank.bank.desk import Desk
from coopbank.bank.fields import widget_of
from coopbank.bank.operation import CATALOGUE, Operation
from coopbank.bank.voting import RESOLUTION
from coopbank.errors import NeedsResolution
from coopbank.money import format_amount, parse_amount
from coopbank.words import _

FIELD: Final = "resolution"
IN_FORCE: Final = "in-force"
CARRIED: Final = "carried"
LOAN: Final = "loan"
LOANS_WITHIN: Final = 90
"""Days in which loans to one borrower, or to linked ones, may be parts of one."""
TERMS: Final = ("product", "annual_rate", "installments")
"""What a resolution on a loan may say of its terms."""
_BORROWERS: Final = frozenset({"ref:member", "ref:application", "ref:loan"})


def takes_resolution(name: str) -> bool:
    """Whether an operation has a place to name a resolution; only such can be put under a mandate."""
    cls = CATALOGUE.get(name)
    return cls is not None and not cls.internal and bool(cls.decided_as) and FIELD in cls.model_fields


def above(mandate: records.Mandate, amount: int | None) -> bool:
    """Whether a mandate reaches so far. What an operation leaves to the books to reckon is never below its limit."""
    return mandate.state == IN_FORCE and (mandate.above is None or amount is None or amount > mandate.above)


def amount_asked(cls: type[Operation], request: dict[str, Any], currency: str) -> int | None:
    """The amount that a request names, in minor units; None for one that names none."""
    text = request.get(cls.decided_amount)
    return parse_amount(text, currency) if isinstance(text, str) else None


def matters_of(cls: type[Operation], request: dict[str, Any], matter: str) -> set[str]:
    """What a request is about: the operation itself, the things that it names by their numbers, `decided_about`.

    As a loan it is about who borrows and nothing else, so that no product or fund can be called by their number.
    """
    named = [name for name, info in cls.model_fields.items() if widget_of(info).startswith("ref:") and name != FIELD]
    if matter == LOAN:
        named = [name for name in named if widget_of(cls.model_fields[name]) in _BORROWERS]
        return {value for name in named if isinstance(value := request.get(name), str)}
    fields = (*named, *cls.decided_about)
    return {cls.name, *cls.decided_always, *(v for name in fields if isinstance(v := request.get(name), str))}


def used(books: Books, resolution: str) -> list[records.ResolutionUse]:
    """What was done under a resolution and not taken back."""
    return [use for _ref, use in books.about(records.ResolutionUse, resolution)]


def require(desk: Desk, operation: Operation) -> None:
    """Refuse an operation that a body has to decide and did not; remember the resolution that it is done under."""
    cls = type(operation)
    if not takes_resolution(cls.name):
        return
    request = operation.document()
    named = str(request.get(FIELD) or "")
    amount = amount_asked(cls, request, desk.currency)
    mandate = desk.find(records.Mandate, cls.name)
    needs = mandate is not None and above(mandate, amount)
    if not RESOLUTION.fullmatch(named):
        if needs:
            assert mandate is not None
            raise NeedsResolution(
                "{title} is for {body} to decide.", field=FIELD, title=_(cls.title), body=mandate.body,
                hint="Name the resolution that was carried; see them with: coopbank resolutions",
            )  # fmt: skip
        return
    resolution = desk.get(records.Resolution, named, FIELD)
    if needs and mandate is not None and mandate.body != resolution.body:
        raise NeedsResolution(
            "{title} is for {body} to decide, and {resolution} is of {other}.", field=FIELD, title=_(cls.title),
            body=mandate.body, resolution=named, other=resolution.body,
        )  # fmt: skip
    _require_holding(desk, named, resolution)
    _require_about_this(desk, operation, named, resolution)
    _require_room(desk, named, resolution, amount)
    desk.resolution = named


def _require_holding(desk: Desk, ref: str, resolution: records.Resolution) -> None:
    if resolution.state != CARRIED:
        raise NeedsResolution(
            "{resolution} was not carried: it is {state}.", field=FIELD, resolution=ref, state=_(resolution.state)
        )
    if resolution.until is not None and resolution.until < desk.business_day.isoformat():
        raise NeedsResolution(
            "{resolution} held until {day}.", field=FIELD, resolution=ref, day=resolution.until,
            hint="The body can decide anew.",
        )  # fmt: skip


def _require_about_this(desk: Desk, operation: Operation, ref: str, resolution: records.Resolution) -> None:
    cls = type(operation)
    if resolution.matter not in cls.decided_as:
        raise NeedsResolution(
            "{resolution} decides another matter: {matter}.", field=FIELD, resolution=ref, matter=_(resolution.matter)
        )
    about = matters_of(cls, operation.document(), resolution.matter)
    gifts = [gift for name in about if (gift := desk.find(records.Gift, name)) is not None]
    if resolution.about and resolution.about not in about | {gift.fund for gift in gifts}:
        raise NeedsResolution(
            "{resolution} is about {about}, and not about this.", field=FIELD, resolution=ref, about=resolution.about
        )


def _require_room(desk: Desk, ref: str, resolution: records.Resolution, amount: int | None) -> None:
    uses = used(desk, ref)
    if uses and (resolution.once or resolution.amount is None or amount is None):
        raise NeedsResolution(
            "{resolution} was used already, by operation {number}.", field=FIELD, resolution=ref,
            number=uses[0].operation,
        )  # fmt: skip
    if resolution.amount is None or amount is None:
        return
    left = resolution.amount - sum(use.amount or 0 for use in uses)
    if amount > left:
        raise NeedsResolution(
            "{resolution} leaves {left}, not {amount}.", field=FIELD, resolution=ref,
            left=format_amount(max(0, left), desk.currency), amount=format_amount(amount, desk.currency),
        )  # fmt: skip


def beyond(resolution: records.Resolution, product: str, document: Mapping[str, Any]) -> str | None:
    """The first of a loan's terms that a resolution does not allow; a term that it limits and the loan lacks is one."""
    for name in TERMS:
        limit, has = resolution.terms.get(name), product if name == "product" else document.get(name)
        if limit is None:
            continue
        if has is None or (has != limit if name == "product" else Decimal(str(has)) > Decimal(limit)):
            return name
    return None


def _require_terms(desk: Desk, ref: str, resolution: records.Resolution) -> None:
    """Refuse a loan on other terms than were voted on, and by a term sheet that was written since."""
    granted = {each: loan for each in desk.created if (loan := desk.find(records.Loan, each)) is not None}
    for number, loan in granted.items():
        document = desk.get(records.LoanTerms, number).document
        name = beyond(resolution, loan.product, document)
        if name is not None:
            raise NeedsResolution(
                "{resolution} decides on a loan with {field_name} {limit}.", field=name, resolution=ref,
                field_name=name, limit=resolution.terms[name], hint="Grant it as decided, or let the body decide anew.",
            )  # fmt: skip
    if granted and resolution.once and desk.version(records.CreditMemo.kind, resolution.about) != resolution.sheet:
        raise NeedsResolution(
            "The term sheet of {application} was written anew after {resolution} was voted on.", field=FIELD,
            application=resolution.about, resolution=ref, hint="The body decides anew, on the new one.",
        )  # fmt: skip


def mark(desk: Desk, operation: Operation) -> None:
    """Write down that something is done under a resolution."""
    ref = desk.resolution
    if ref is None:
        _tell_parts(desk, operation)
        return
    _require_terms(desk, ref, desk.get(records.Resolution, ref))
    amount = amount_asked(type(operation), operation.document(), desk.currency)
    use = records.ResolutionUse(resolution=ref, operation=desk.number, what=operation.name, amount=amount)
    desk.write(f"{ref}.{desk.number}", use, about=ref)
    desk.note("By resolution", ref)


def _tell_parts(desk: Desk, operation: Operation) -> None:
    """Tell who approves a loan below the limit with what other loans it comes to more than may be lent without a vote.

    Two loans below it are not refused: to borrow twice is nobody's fault, and a rule that counts them would be gone
    round by a friend. But the second person sees it before, and the audit lists it afterwards.
    """
    member = getattr(operation, "member", None)
    if LOAN not in operation.decided_as or not isinstance(member, str):
        return
    mandate, amount = (
        desk.find(records.Mandate, operation.name), amount_asked(type(operation), operation.document(), desk.currency)
    )  # fmt: skip
    if mandate is None or mandate.state != IN_FORCE or mandate.above is None or amount is None:
        return
    parts = {
        ref: loan.principal
        for each in linked_to(desk, member) for ref in _without_vote(desk, operation.name, each)
        if ref not in desk.created and (loan := desk.find(records.Loan, ref)) is not None
    }  # fmt: skip
    total = amount + sum(parts.values())
    if parts and total > mandate.above:
        said = _("{loans} of the last {days} days: {total}, above what is lent without {body}").format(
            loans=", ".join(sorted(parts)), days=LOANS_WITHIN, total=format_amount(total, desk.currency),
            body=mandate.body,
        )  # fmt: skip
        desk.note("Together with", said)


def _without_vote(desk: Desk, operation: str, member: str) -> list[str]:
    """Loans to a member of the last days, since there is a mandate, that were granted under no resolution."""
    since = (desk.business_day - timedelta(days=LOANS_WITHIN)).isoformat()
    rows = desk.tx.rows(
        "SELECT l.ref FROM record l JOIN operation o ON o.id = l.operation_id WHERE l.kind || '' = ? AND l.about = ?"
        " AND l.version = 1 AND o.business_date >= ? AND o.id > (SELECT operation_id FROM record m WHERE m.kind = ?"
        " AND m.ref = ? AND m.version = 1) AND NOT EXISTS"
        " (SELECT 1 FROM record u WHERE u.operation_id = o.id AND u.kind = ?)",
        records.Loan.kind, member, since, records.Mandate.kind, operation, records.ResolutionUse.kind,
    )  # fmt: skip
    return [str(ref) for (ref,) in rows]
