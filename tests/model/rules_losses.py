"""Who bears a loss: the waterfall of each fund, what it takes from whom at a charge-off, and what flows back.

Told as entries.md (E20, E21) has it: the allowance first, membership shares last, what nobody bears stays with the
fund. Cash of a reserve and free surplus of another fund move by 187; notes and shares are noted and post nothing. What
comes back goes to the last that was hit first. At any time what is borne comes to the loss less what came back.
"""

from __future__ import annotations

import re
from typing import Any

from tests.model.books import POOL, READ, SUPERVISOR, TREASURER, Fact, Line, No, Work, rule
from tests.model.rules_funds import EXPENSES, INCOME, claim, class_of
from tests.model.rules_papers import programme_of

Step = tuple[str, str, int]
"""An absorber, whose it is, what it keeps."""
LAST = 99
KINDS = ("allowance", "reserve", "surplus", "notes", "shares")
_STEP = re.compile(r"([a-z]+)(?: ([A-Za-z0-9._-]+))??(?: keeps ([0-9]+)\.([0-9]{2}))?")
#: Of a fund's own: earned before, this year's income and expense, what is being cleared.
OWN_RESULT = {"940", "961", "960"}


def read_steps(value: Any) -> Any:
    """A step as it is said: reserve SAFE keeps 500.00."""
    found = []
    for each in value:
        match = _STEP.fullmatch(each)
        if match is None:
            return None
        found.append((match[1], match[2] or "", int(match[3] + match[4]) if match[3] else 0))
    return tuple(found) or None


READ["absorbers"] = read_steps


@rule("set-loss-waterfall", "fund:code?=RLF steps:absorbers resolution:sometext why:memo?=", TREASURER, second=True,
      approvers=(SUPERVISOR, TREASURER), reversible=False)  # fmt: skip
def set_loss_waterfall(w: Work) -> None:
    fund, steps = w["fund"], w["steps"]
    if class_of(w, fund) in ("pool", "reserve"):
        raise No("invalid-value", "fund")
    for number, step in enumerate(steps):
        _require_step(w, fund, step, f"steps.{number}")
    _require_order([step[:2] for step in steps])
    programme = programme_of(w, fund)
    if programme is not None and programme["reserve"] == "book" and any(step[0] == "reserve" for step in steps):
        raise No("programme-rule", "steps")
    before = w.model.find("waterfall", fund)
    if before is not None and before["steps"] == steps:
        raise No("invalid-value", "steps")
    if before is not None and not w["why"]:
        raise No("invalid-value", "why")
    w.write("waterfall", fund, steps=steps)


def _require_step(w: Work, fund: str, step: Step, field: str) -> None:
    kind, of, keeps = step
    if kind not in KINDS or (kind == "allowance") != (not of) or (kind == "allowance" and keeps):
        raise No("invalid-value", field)
    if kind == "reserve" and w.model.get("bank-account", of, field)["fund"] in (POOL, fund):
        raise No("invalid-value", field)
    if kind == "surplus" and class_of(w, of, field) in ("pool", "restricted", "conditional"):
        raise No("invalid-value", field)
    if kind == "shares" and of not in ("901", "903"):
        raise No("invalid-value", field)


def _require_order(names: list[tuple[str, str]]) -> None:
    first_shares = min((n for n, (kind, _of) in enumerate(names) if kind == "shares"), default=len(names))
    good = (
        len(set(names)) == len(names) and names[0] == ("allowance", "") and ("shares", "901") not in names[:-1]
        and not any(kind == "notes" for kind, _of in names[first_shares:])
    )  # fmt: skip
    if not good:
        raise No("invalid-value", "steps")


# ------------------------------------------------------------------------------------- the charge-off


def attributed(w: Work, ref: str, lost: dict[str, int], held: dict[str, int]) -> dict[Any, int]:
    """Who bears what of each fund's loss, by its waterfall: what moves is posted, all of it is noted."""
    used: dict[tuple[str, str], int] = {}
    shares: dict[Any, int] = {}
    for fund in sorted(lost):
        waterfall = w.model.find("waterfall", fund)
        if waterfall is None:
            continue
        left = lost[fund]
        for number, step in enumerate(waterfall["steps"], start=1):
            most = held[fund] if step[0] == "allowance" else _reach(w, ref, fund, step) - used.get(step[:2], 0)
            part = max(0, min(left, most))
            if part:
                shares[fund, number, step[0], step[1]] = part
                left -= part
                if step[0] in ("reserve", "surplus", "shares"):
                    used[step[:2]] = used.get(step[:2], 0) + part
        if left:
            shares[fund, LAST, "fund", ""] = left
    for (fund, _number, kind, of), part in shares.items():
        if moving := _moved(w, fund, kind, of, part):
            w.post(*moving)
    if shares:
        w.write("attribution", ref, funds=sorted({fund for fund, *_rest in shares}))
    return shares


def _reach(w: Work, ref: str, fund: str, step: Step) -> int:
    """How much of a loss an absorber can bear, others' draws in the same charge-off apart."""
    kind, of, keeps = step
    if kind == "reserve":
        return w.balance(_owner(w, of), f"731/{of}") - keeps
    if kind == "surplus":
        free = -sum(n for (f, code), n in w.model.leaves.items() if f == of and _is_result(code))
        return (free if of == fund else min(free, w.balance(of, "729") + w.balance(of, "M49"))) - keeps
    if kind == "notes":
        owed = sum(note["owed"] for _ref, note in w.model.every("note")
                   if (note["fund"], note["note_class"]) == (fund, of))  # fmt: skip
        return owed - _borne_elsewhere(w, ref, fund, kind, of) - keeps
    held = -sum(n for (_f, code), n in w.model.leaves.items() if code.startswith(f"{of}/"))
    return held - _borne_elsewhere(w, ref, None, kind, of) - keeps


def _is_result(code: str) -> bool:
    number = code.partition("/")[0]
    return number in OWN_RESULT or number[0] in "123" or number in EXPENSES | INCOME


def _borne_elsewhere(w: Work, ref: str, fund: str | None, kind: str, of: str) -> int:
    """What is attributed to it already for other loans that are lost: of a fund's, or (shares) of everybody's."""
    return sum(
        amount
        for other, loan in w.model.every("loan")
        if other != ref and loan["state"] == "charged-off"
        for key, amount in loan["borne"].items()
        if isinstance(key, tuple) and key[2:] == (kind, of) and fund in (None, key[0])
    )


def _owner(w: Work, account: str) -> str:
    return str(w.model.get("bank-account", account, "loan")["fund"])


def _moved(w: Work, fund: str, kind: str, of: str, amount: int) -> list[Line]:
    """What moves to a fund of what an absorber bears; below zero it goes back."""
    if kind == "reserve":
        return between(_owner(w, of), of, fund, amount)
    if kind == "surplus" and of != fund:
        return [(of, "187", amount), *claim(of, fund, amount), (fund, "187", -amount)]
    return []


def between(reserve: str, account: str, fund: str, amount: int) -> list[Line]:
    """A reserve's own account pays into the pool for another fund, for good; below zero it is paid back."""
    return [(reserve, "187", amount), (reserve, f"731/{account}", -amount), (POOL, "731/FIRST", amount),
            (POOL, f"879/{fund}", -amount), (fund, "729", amount), (fund, "187", -amount)]  # fmt: skip


# ------------------------------------------------------------------------------------- what comes back


def settled(w: Work, ref: str, loan: Fact) -> tuple[list[Line], dict[Any, int]]:
    """What is borne is what is lost and did not come back; the last hit gets it first, more stays with the fund."""
    borne, lines = dict(loan["borne"]), list[Line]()
    for fund in (w.model.find("attribution", ref) or {"funds": ()})["funds"]:
        flows = loan["book"].get(fund, {})
        lost = sum(flows.get(flow, 0) for flow in ("off_principal", "off_interest", "off_fees"))
        keys = sorted(key for key in borne if isinstance(key, tuple) and key[0] == fund)
        over = sum(borne[key] for key in keys) - max(0, lost - flows.get("recovered", 0))
        if over < 0:
            last = (fund, LAST, "fund", "")
            borne[last] = borne.get(last, 0) - over
        for key in reversed(keys):
            back = max(0, min(over, borne[key]))
            over, borne[key] = over - back, borne[key] - back
            lines += _moved(w, key[0], key[2], key[3], -back) if back else []
    return lines, {key: amount for key, amount in borne.items() if amount}
