"""Taking back and putting right: reversals, corrections, and the second person's side."""

from __future__ import annotations

from datetime import date

from tests.model.books import (
    ADMIN,
    GEN,
    NEVER_DEBIT,
    OFFICER,
    POOL,
    RULES,
    SUPERVISOR,
    TELLER,
    TREASURER,
    Done,
    Fact,
    Model,
    No,
    Work,
    broken,
    days,
    members_of,
    rule,
)
from tests.model.rules_care import losses, needed, provided
from tests.model.rules_counter import available, put_right, sponsored
from tests.model.rules_loans import Book, cash_of, lines_of, naming, post, reckoned, shared
from tests.model.rules_losses import settled
from tests.model.rules_months import last_day
from tests.model.rules_papers import pledged
from tests.model.story import OWN, Told, less


def past_of(w: Work) -> Done:
    past = w.model.log.get(w["operation"])
    if past is None:
        raise No("unknown", "operation")
    return past


def touched(w: Work) -> set[str]:
    """Members whose leaves it moved, or whom it names."""
    past = w.model.log.get(w["operation"])
    if past is None:
        return set()
    named = {member for name in ("member", "to_member") if (member := past.values.get(name))}
    return members_of(past.moved(), w.model) | named


def _taking_back(w: Work) -> set[str]:
    """Those whom it touched; old books were taken over for everybody at once, and are taken back so."""
    past = w.model.log.get(w["operation"])
    return set() if past is not None and past.kind == "opening-balance" else touched(w)


def _two_for_reversal(w: Work) -> bool:
    past = past_of(w)
    moved = past.moved()
    debits = [(fund, amount) for (fund, code), amount in moved.items() if amount > 0 and code[0] != "M"]
    size = sum(amount for fund, amount in debits if fund != POOL) or sum(amount for _fund, amount in debits)
    return (
        w["replay"] or past.who != w.who or past.day != w.business_day or past.approver is not None
        or size > w.model.policy("withdrawal_alone")
    )  # fmt: skip


@rule("reverse", "operation:number reason:somememo replay:yes?=no", f"{TELLER} {OFFICER} {TREASURER}",
      serves=lambda w: _taking_back(w), second=_two_for_reversal, reversible=False)  # fmt: skip
def reverse(w: Work) -> None:
    past = past_of(w)
    known = RULES.get(past.kind)
    if known is None or not known.reversible or w.model.reversed_by(past.number) is not None:
        raise No("cannot-reverse", "operation")
    loans = loans_told(w, past)
    if not past.entries and not loans:
        raise No("cannot-reverse", "operation")
    if past.kind == "opening-balance" and w.model.get("opening", "opening", "operation")["state"] == "closed":
        raise No("cannot-reverse", "operation")
    if not w.allowing(past.kind):
        raise No("not-allowed", "operation")
    _cash_is_here(w, past)
    if past.kind == "correct" and _came_back(w, past.number):
        raise No("cannot-reverse", "operation")
    with naming("operation"):
        retold = [taken_back(w, past, ref, facts, replay=w["replay"]) for ref, facts in loans.items()]
    put_back(w, past, story=bool(loans))
    if any(body["operation"] == past.number for _ref, body in w.model.every("correction")):
        raise No("cannot-reverse", "operation")
    require_room(w, past, told_anew=bool(loans))
    for entry in past.entries:
        w.post(*((fund, code, -amount) for fund, code, amount in entry))
    post_retold(w, retold)
    w.reverses = past.number


# ------------------------------------------------------------------------------------- loans told anew


def _new_facts(w: Work, ref: str, number: int) -> list[Told]:
    """What an operation told of a loan that still stands."""
    versions = w.model.facts["loan", ref]
    place = max(n for n, (by, _body) in enumerate(versions) if by == number)
    before = versions[place - 1][1] if place else None
    after, now_ = versions[place][1], versions[-1][1]
    if after is None or now_ is None:
        return []
    known = {fact.number for fact in (before or {"facts": []})["facts"]}
    stands = {fact.number for fact in now_["facts"]}
    return [fact for fact in after["facts"] if fact.number not in known and fact.number in stands]


def loans_told(w: Work, past: Done) -> dict[str, list[Told]]:
    """The facts that an operation told, by loan."""
    refs = dict.fromkeys(ref for kind, ref in past.facts if kind == "loan")
    return {ref: facts for ref in refs if (facts := _new_facts(w, ref, past.number))}


def post_retold(w: Work, retold: list[tuple[str, Fact, Book]]) -> None:
    """Loans as they are without what was taken back, and what their stories come to beyond the exact reversal."""
    for ref, loan, moved in retold:
        refill, borne = settled(w, ref, loan)
        w.write("loan", ref, {**loan, "borne": borne})
        more = provided(needed(w, ref, losses(moved)))
        post(w, *more, *lines_of(ref, loan["member"], moved), *shared(None, cash_of(moved)), *refill)


def taken_back(w: Work, past: Done, ref: str, facts: list[Told], *, replay: bool) -> tuple[str, Fact, Book]:
    """The loan without these facts, and what is posted beyond the exact reversal; what rests on them stays first."""
    if any(each["paid_from"] == past.number for _ref, each in pledged(w, ref)):
        raise No("cannot-reverse", "operation")
    versions = w.model.facts["loan", ref]
    later = {n for n, _body in versions if n > past.number and w.model.log[n].kind != "reverse"}
    told = {n: each for n in later if (each := _new_facts(w, ref, n))}
    whole = any(fact.type == "advance" for fact in facts)
    if any(whole or _rests(other, fact) for each in told.values() for other in each for fact in facts):
        raise No("cannot-reverse", "operation")
    if told and not replay:
        raise No("cannot-reverse", "operation")
    place = max(n for n, (by, _body) in enumerate(versions) if by == past.number)
    before, written, loan = versions[place - 1][1], versions[place][1], versions[-1][1]
    assert before is not None
    assert written is not None
    assert loan is not None
    gone = {fact.number for fact in facts}
    terms = {fact.data["version"] for fact in facts if fact.type == "terms"}
    left = [fact for fact in loan["facts"] if fact.number not in gone]
    held = less(loan["book"], less(written["book"], before["book"]))
    borne = {fund: loan["borne"].get(fund, 0) - written["borne"].get(fund, 0) + before["borne"].get(fund, 0)
             for fund in {**loan["borne"], **written["borne"], **before["borne"]}}  # fmt: skip
    loan = {**loan, "facts": left, "book": held, "accrued_to": _closed_to(w, left),
            "versions": {n: each for n, each in loan["versions"].items() if n not in terms},
            "borne": {fund: amount for fund, amount in borne.items() if amount}}  # fmt: skip
    after, moved, _story = reckoned(loan)
    return ref, after, moved


def _rests(later: Told, fact: Told) -> bool:
    """Whether what was told later takes it for granted: terms upon terms, a recovery upon a loss, reports in a row."""
    reports = ("report-filed", "report-accepted")
    if fact.type in reports and later.type in reports:
        one, other = fact.data["period"], later.data["period"]
        return bool(one == other or (fact.type == later.type == reports[1] and other > one))
    return (fact.type, later.type) in (("terms", "terms"), ("charge-off", "payment"))


def _closed_to(w: Work, facts: list[Told]) -> date | None:
    """Up to where closes brought interest: the last month that was locked, also if it was reopened since."""
    lent = [fact.on for fact in facts if fact.type == "advance"]
    if not lent:
        return None
    months = [last_day(month) + days(1) for month in w.model.locked if len(month) == 7]
    return max([min(lent), *months])


def _cash_is_here(w: Work, past: Done) -> None:
    """Cash goes back into the drawer where it was, while that is still open, by who has it."""
    for _fund, code in past.moved():
        if code[:3] != "739" or code == "739/VAULT":
            continue
        if w.model.facts.get(("petty-cash", code[4:])):
            _float_is_here(w, past, code[4:])
            continue
        versions = w.model.facts["drawer", code[4:]]
        then = [body for number, body in versions if number <= past.number][-1]
        now = versions[-1][1]
        assert then is not None
        assert now is not None
        if now["owner"] is None or now["opened_at"] != then["opened_at"]:
            raise No("cannot-reverse", "operation")
        if now["owner"] != w.who:
            raise No("not-allowed", "operation")


def _float_is_here(w: Work, past: Done, ref: str) -> None:
    """Petty cash is open since before, and its keeper is here, or the treasurer."""
    found = w.model.find("petty-cash", ref)
    if found is None or found["state"] != "open" or found["opened_at"] > past.number:
        raise No("cannot-reverse", "operation")
    if found["holder"] != w.who and TREASURER not in w.model.get("user", w.who, "user")["roles"]:
        raise No("not-allowed", "operation")


def put_back(w: Work, past: Done, keep: str | None = None, *, story: bool = False) -> None:
    """Each fact that it wrote is as it was before; refused if a later operation that counts wrote it since."""
    facts = [(kind, ref) for kind, ref in dict.fromkeys(past.facts) if ref != keep and not (story and kind == "loan")]
    for kind, ref in facts:
        for number, _body in w.model.facts[kind, ref]:
            later = w.model.log.get(number)
            if number <= past.number or later is None or later.kind == "reverse":
                continue
            if w.model.reversed_by(number) is None:
                raise No("cannot-reverse", "operation")
    for kind, ref in facts:
        before = [body for number, body in w.model.facts[kind, ref] if number < past.number]
        if kind == "register-entry" and not before and _named(w, ref):
            raise No("cannot-reverse", "operation")
        w.written.append((kind, ref, before[-1] if before else None))


def _named(w: Work, entry: str) -> bool:
    """Whether another entry is about this one: a lease of that parcel."""
    return any(
        body["state"] != "mistaken" and entry in body["values"].values()
        for ref, body in w.model.every("register-entry") if ref != entry
    )  # fmt: skip


def require_room(
    w: Work, past: Done, but_on: str | None = None, released: str | None = None, *, told_anew: bool = False
) -> None:
    """What it brought in must still be there; if it was used since, that is said."""
    moved = past.moved()
    gone = {ref for kind, ref, body in w.written if kind == "hold" and body is None}
    for (fund, code), amount in sorted(moved.items(), key=lambda each: each[0][1][:3] in ("729", "879")):
        if code[:3] == but_on or (told_anew and code[:3] in OWN):
            continue
        after = w.balance(fund, code) - amount
        held = w.model.held(fund, code, {released, *gone}) if amount < 0 else 0
        if amount < 0 and past.kind != "sponsor-shares":
            held += sponsored(w, code)
        if not broken(code, after + held if code[:3] in NEVER_DEBIT else after):
            continue
        since = w.model.moved_since((fund, code), past.number)
        raise No("cannot-reverse", "operation") if since else No("overdrawn", "amount")


@rule("correct", "operation:number wrong_account:code right_account:code amount:money? reason:somememo",
      f"{TELLER} {TREASURER}", second=lambda w: _two_for_correction(w), serves=lambda w: _corrected(w),
      moves=lambda w: _correcting(w))  # fmt: skip
def correct(w: Work) -> None:
    past = past_of(w)
    wrong, right = (_account(w, w[field], field) for field in ("wrong_account", "right_account"))
    if wrong == right:
        raise No("invalid-value", "right_account")
    if past.kind == "reverse" or w.model.reversed_by(past.number) is not None:
        raise No("wrong-state", "operation")
    if _came_back(w, past.number):
        raise No("wrong-state", "operation")
    done = sum(body["amount"] for _ref, body in w.model.every("correction")
               if body["operation"] == past.number and body["wrong"] == wrong)  # fmt: skip
    left = past.moved().get((GEN, f"905/{wrong}"), 0) - done
    if not left:
        raise No("overdrawn", "wrong_account")
    amount = w["amount"] or abs(left)
    if amount > abs(left):
        raise No("invalid-amount", "amount")
    signed = amount if left > 0 else -amount
    held = _held_of(w, past.number, wrong) if signed < 0 else []
    waits = min(amount, sum(hold["amount"] for _ref, hold in held))
    available(w, f"905/{wrong if signed < 0 else right}", amount - waits)
    w.post((GEN, f"905/{wrong}", -signed), (GEN, f"905/{right}", signed))
    ref = w.number_of("correction", "K-", 5)
    w.write("correction", ref, operation=past.number, wrong=wrong, right=right, amount=signed)
    left = waits
    for number, hold in held:
        part = min(hold["amount"], left)
        if part == hold["amount"]:
            w.write("hold", number, hold, state="released")
        elif part:
            w.write("hold", number, hold, amount=hold["amount"] - part)
        left -= part
    if waits:
        w.write("hold", ref, held[0][1], amount=waits, leaf=(GEN, f"905/{right}"))


def _first(model: Model, number: int) -> int:
    """The operation that a correction, or one of a correction, put right."""
    for ref, body in model.every("correction"):
        if model.facts["correction", ref][0][0] == number:
            return _first(model, body["operation"])
    return number


def _came_back(w: Work, number: int) -> bool:
    """Whether the cheque that it was paid in by came back."""
    first = _first(w.model, number)
    return any(body["by"] == first and body["state"] == "returned" for _ref, body in w.model.every("cheque"))


def _held_of(w: Work, number: int, account: str) -> list[tuple[str, Fact]]:
    """What of that cheque is held on a savings account."""
    first = _first(w.model, number)
    own = {ref for ref, body in w.model.every("cheque") if body["by"] == first}
    own |= {ref for ref, _body in put_right(w.model, first)} if own else set()
    return [
        (ref, hold) for ref, hold in w.model.every("hold")
        if ref in own and hold["leaf"] == (GEN, f"905/{account}") and hold["state"] == "held"
        and hold["until"] > w.model.day
    ]  # fmt: skip


def _account(w: Work, account: str, field: str) -> str:
    contract = account.removeprefix("S-")
    w.model.get("savings", f"S-{contract}", field)
    return contract


def _two_for_correction(w: Work) -> bool:
    past = past_of(w)
    return past.day != w.business_day or past.who != w.who


def _corrected(w: Work) -> set[str]:
    found = (
        w.model.find("savings", f"S-{w[field].removeprefix('S-')}") for field in ("wrong_account", "right_account")
    )
    return touched(w) | {body["member"] for body in found if body is not None}


def _correcting(w: Work) -> int | None:
    leaf = (GEN, f"905/{w['wrong_account']}")
    if w["amount"] is None and w.model.find("savings", f"S-{w['wrong_account']}") is not None:
        return abs(past_of(w).moved().get(leaf, 0))
    amount: int | None = w["amount"]
    return amount


# ----------------------------------------------------------------------------------- the second person

DECIDERS = f"{OFFICER} {TREASURER} {ADMIN} {SUPERVISOR}"


def waiting(w: Work) -> dict[str, object]:
    found = w.model.get("request", w["request"], "request")
    if found["state"] != "waiting":
        raise No("wrong-state", "request")
    return found


@rule("approve", "request:code", DECIDERS, reversible=False)
def approve(w: Work) -> None:
    found = waiting(w)
    if found["who"] == w.who:
        raise No("own-request", "request")
    asked = RULES[str(found["operation"])]
    mine = w.model.get("user", w.who, "user")
    if not set(mine["roles"]) & set(asked.approvers):
        raise No("not-allowed", "request")
    asker = w.model.get("user", str(found["who"]), "user")
    if not asker["active"]:
        raise No("unknown", "user")
    if asker["member"] is not None and asker["member"] == mine["member"]:
        raise No("own-request", "request")
    values: dict[str, object] = dict(found["values"])  # type: ignore[call-overload]
    follower = Work(w.model, asked, str(found["who"]), w.who, values, w.number + 1)
    alone = Work(w.model, asked, w.who, None, values, w.number + 1)
    if alone.own_affair():
        raise No("own-account", "request")
    w.write("request", w["request"], found, state="approved")
    w.follower = follower


@rule("refuse", "request:code why:somememo", DECIDERS, reversible=False)
def refuse(w: Work) -> None:
    found = waiting(w)
    if found["who"] == w.who:
        raise No("own-request", "request")
    w.write("request", w["request"], found, state="refused")


@rule("take-back", "request:code", f"{TELLER} {OFFICER} {TREASURER} {ADMIN}", reversible=False)
def take_back(w: Work) -> None:
    found = waiting(w)
    if found["who"] != w.who:
        raise No("not-allowed", "request")
    w.write("request", w["request"], found, state="withdrawn")
