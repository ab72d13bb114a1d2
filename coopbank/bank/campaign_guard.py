"""The guard that keeps charitable money from political campaigns, wherever an operation names who gets it.

Charitable is all money of a charity, and in any book what was given or set apart for a purpose: gifts, and funds that
are restricted, conditional or designated. Who is a campaign or a political committee is a policy, `campaign_payees`:
codes of suppliers, numbers of members, codes of institutions, whichever they are in these books. A name that is typed
as a text is held against the codes word by word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from coopbank.bank.desk import Desk
from coopbank.bank.operation import CHARITY
from coopbank.errors import InvalidValue, NotAllowed

POLICY = "campaign_payees"
_GIVEN = ("restricted", "conditional", "designated")


def campaign_payees(desk: Desk) -> set[str]:
    """The suppliers that are campaigns, in capitals."""
    return set(str(desk.policy(POLICY, "") or "").upper().replace(",", " ").split())


def payees_text(_desk: Desk, text: str) -> str:
    """The policy as it is kept: codes in capitals, each once."""
    return ", ".join(sorted(set(text.upper().replace(",", " ").split())))


def require_no_campaign(desk: Desk, supplier: str, fund: str, gift: str | None = None) -> None:
    """Refuse to pay a campaign out of charitable money."""
    require_none_named(desk, {"supplier": supplier}, [fund], gift)


def require_none_named(
    desk: Desk, payees: Mapping[str, str | None], funds: Iterable[str], gift: str | None = None
) -> None:  # fmt: skip
    """Refuse charitable money of any of these funds to a campaign that one of the fields names."""
    campaigns = campaign_payees(desk)
    if not campaigns:
        return
    for field, payee in payees.items():
        named = campaigns & {(payee or "").upper(), *re.split(r"[^\w.-]+", (payee or "").upper())}
        if named and (gift is not None or any(_charitable(desk, fund) for fund in funds)):
            raise NotAllowed(
                "Charitable money is never paid to a political campaign: {supplier}.", field=field,
                supplier=min(named),
                hint="The rule is the policy campaign_payees; the general fund of a co-operative is not bound by it.",
            )  # fmt: skip


def _charitable(desk: Desk, fund: str) -> bool:
    kind = desk.tx.value("SELECT class FROM fund WHERE code = ?", fund)
    return kind in _GIVEN or desk.institution().institution_kind == CHARITY


def require_payee(desk: Desk, payee: str | None, fund: str, gift: str | None, field: str = "supplier") -> None:
    """The same where the payee may be left out: not while campaigns are named."""
    if payee is not None:
        require_none_named(desk, {field: payee}, [fund], gift)
    elif campaign_payees(desk):
        raise InvalidValue(
            "{field_name} is missing.", field=field, field_name=field, hint="Say who is paid, so that no campaign is.",
        )  # fmt: skip
