"""The guard that keeps charitable money from political campaigns.

Charitable is all money of a charity, and in any book what was given or set apart for a purpose: gifts, and funds that
are restricted, conditional or designated. Who is a campaign or a political committee is a policy, `campaign_payees`.
"""

from __future__ import annotations

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
    if supplier.upper() not in campaign_payees(desk):
        return
    kind = desk.tx.value("SELECT class FROM fund WHERE code = ?", fund)
    if gift is not None or kind in _GIVEN or desk.institution().institution_kind == CHARITY:
        raise NotAllowed(
            "Charitable money is never paid to a political campaign: {supplier}.", field="supplier", supplier=supplier,
            hint="The rule is the policy campaign_payees; the general fund of a co-operative is not bound by it.",
        )  # fmt: skip


def require_payee(desk: Desk, supplier: str | None, fund: str, gift: str | None) -> None:
    """The same where the payee may be left out: not while campaigns are named."""
    if supplier is not None:
        require_no_campaign(desk, supplier, fund, gift)
    elif campaign_payees(desk):
        raise InvalidValue(
            "{field_name} is missing.", field="supplier", field_name="supplier",
            hint="Say who is paid, so that no campaign is.",
        )  # fmt: skip
