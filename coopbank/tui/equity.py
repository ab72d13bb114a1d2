"""What the screen of a member's equity shows, and the lines of it on their card."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from coopbank.bank import equity
from coopbank.reports.member_equity import GivenBack, MemberEquity, Shares, member_equity
from coopbank.tui.pages import Act, Line, Page
from coopbank.tui.show import amount, day_row, day_words
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.tui.session import Session

FUND: Final = equity.FUND
KINDS: Final = {
    equity.QUALIFIED: marked("qualified"),
    equity.NONQUALIFIED: marked("not qualified: taxable when it is redeemed"),
    equity.CAPITAL: marked("internal capital of a worker"),
}


def equity_page(session: Session, member: str) -> Page:
    """A member's shares, retained patronage, what waits to be paid, and certificates."""
    with session.bank.read() as books:
        found = member_equity(books, member)
    money = session.currency
    sums = _("Shares and retained patronage {total} on {day}").format(
        total=amount(found.total, money), day=day_words(found.as_of)
    )
    acts = [Act("buy-shares", {"member": member}), Act("transfer-shares", {"member": member})]
    return Page(
        head=f"{found.member}  {found.name}", sums=(sums,), today=found.as_of, acts=tuple(acts),
        views={
            "shares": [_shares_line(found.member, each, money) for each in found.shares],
            "patronage": list(_patronage_lines(found, money)), "waits": list(_waiting_lines(found, money)),
            "certificates": [
                Line((each.number, day_row(each.on), each.replaces or ""), (each.number,),
                     faint=any(other.replaces == each.number for other in found.certificates))
                for each in found.certificates
            ],
        },
    )  # fmt: skip


def _shares_line(member: str, each: Shares, money: str) -> Line:
    par = _("Par value {par}; {days} days of notice before shares are paid back.").format(
        par=amount(each.par, money), days=each.notice_days
    )
    towards = (
        [_("{amount} is paid towards the next share.").format(amount=amount(each.towards, money))]
        if each.towards
        else []
    )
    if each.sponsored:
        towards.append(
            _("A fund paid {amount} of it ({numbers}) and has it back when they end.").format(
                amount=amount(each.sponsored, money), numbers=", ".join(each.sponsorships)
            )
        )
    acts = [Act("buy-shares", {"member": member, "share_class": each.share_class})]
    acts += [Act("return-sponsored-shares", {"sponsorship": number}) for number in each.sponsorships]
    if each.amount:
        held = {"member": member, "share_class": each.share_class}
        acts += [Act("accept-redemption", held), Act("transfer-shares", held), Act("redeem-shares", held)]
    return Line(
        (each.share_class, each.title, str(each.shares), amount(each.amount, money),
         amount(each.towards, money) if each.towards else ""),
        (each.title, par, *towards), ("account", FUND, f"{each.share_class}/{member}") if each.amount else None,
        tuple(acts),
    )  # fmt: skip


def _patronage_lines(found: MemberEquity, money: str) -> Iterator[Line]:
    oldest = found.retained[0].vintage if found.retained else ""
    for each in found.retained:
        kind = translate(KINDS[each.control])
        said = _("It is redeemed with all members' of its year, the oldest year first.")
        act = (Act("redeem-patronage", {"vintage": each.vintage}),) if each.vintage == oldest else ()
        yield Line(
            (each.vintage, amount(each.amount, money), kind), (each.vintage, kind, said),
            ("account", FUND, f"{each.control}/{found.member}/{each.vintage}"), act,
        )  # fmt: skip


def _waiting_lines(found: MemberEquity, money: str) -> Iterator[Line]:
    for each in found.given_back:
        said = given_back_words(each)
        yield Line(
            (each.ref, said, amount(each.amount, money)),
            (each.ref, _("Accepted on {day}.").format(day=day_row(each.accepted_on)), said),
            ("account", FUND, f"{equity.REDEMPTIONS}/{found.member}"),
            (Act("pay-redemption", {"redemption": each.ref}),),
        )  # fmt: skip
    for control, owed, what, act in (
        (equity.DIVIDENDS, found.dividends, _("Dividends that were declared"), "pay-dividend"),
        (equity.PATRONAGE, found.patronage, _("Patronage that is payable"), "pay-patronage"),
    ):
        if owed:
            yield Line(
                (control, what, amount(owed, money)), (what,), ("account", FUND, f"{control}/{found.member}"),
                (Act(act, {"member": found.member}),),
            )  # fmt: skip


def given_back_words(each: GivenBack) -> str:
    """What is to be waited for before shares that were given back are paid."""
    day = day_row(each.payable_on)
    said = _("Shares {share_class} given back, payable from {day}").format(share_class=each.share_class, day=day)
    if each.share_class == equity.CAPITAL:
        said = _("Internal capital given back, payable from {day}").format(day=day)
    if each.queue:
        said += ", " + _("number {place} in the queue").format(place=each.place)
    return said


def card_lines(found: MemberEquity, money: str) -> Iterator[tuple[str, str]]:
    """What the member's card says of it besides the shares: nothing for who has only shares."""
    retained = sum(each.amount for each in found.retained)
    if retained:
        years = ", ".join(dict.fromkeys(each.vintage for each in found.retained))
        yield _("patronage retained of {years}").format(years=years), amount(retained, money)
    for each in found.given_back:
        yield f"{each.ref}  {given_back_words(each)}", amount(each.amount, money)
    if found.patronage:
        yield _("patronage to be fetched"), amount(found.patronage, money)
    if found.dividends:
        yield _("dividends to be fetched"), amount(found.dividends, money)
