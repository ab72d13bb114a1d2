"""What happens to a loan that is out: changed terms, late fees, waivers, non-accrual, losses, grades and provisions."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from tests.model.books import OFFICER, POOL, SUPERVISOR, TREASURER, Fact, Line, No, Work, rule
from tests.model.reports import Reported
from tests.model.rules_loans import (
    CARE,
    Book,
    begun,
    borrower,
    cash_of,
    lead_of,
    lines_of,
    naming,
    now,
    owed_loan,
    post,
    reckoned,
    shared,
    standing,
    value_date,
    with_fact,
)
from tests.model.rules_losses import attributed, between
from tests.model.rules_months import last_day
from tests.model.rules_papers import free_if_paid
from tests.model.story import LOSSES, Story, halves

# ------------------------------------------------------------------------------------- changed terms


def changed(w: Work, loan: Fact, on: date, terms: dict[str, Any], how: str, **data: Any) -> None:
    """A new version of the terms from a day on; later payments are told anew, the difference is posted today."""
    version = loan["latest"] + 1
    before = loan["versions"][max(loan["versions"])]
    versions = {**loan["versions"], version: {**before, "terms": terms}}
    told = with_fact({**loan, "versions": versions, "latest": version}, "terms", on, version=version, how=how, **data)
    with naming("loan", first_due="next_due", **({"from_day": "from_day"} if w.rule.name == "change-rate" else {})):
        after, moved, _story = reckoned(told)
    post(w, *lines_of(w["loan"], loan["member"], moved), *shared(None, cash_of(moved)))
    w.write("loan", w["loan"], after)
    free_if_paid(w, w["loan"], after)


def by_schedule(w: Work) -> Fact:
    """The loan; refused if it is repaid by reports."""
    loan = owed_loan(w, active_only=True)
    if loan["reported"]:
        raise No("wrong-state", "loan")
    return loan


def changing(w: Work) -> tuple[Fact, Story, date]:
    """The loan, how it stands as its last fact left it, and from when the change counts."""
    loan = by_schedule(w)
    last = max((fact.on for fact in loan["facts"] if fact.type == "terms"), default=begun(loan))
    return loan, Story(loan).told(), value_date(w, w["from_day"], last, "from_day")


def newest(loan: Fact) -> dict[str, Any]:
    return dict(loan["versions"][max(loan["versions"])]["terms"])


@rule("change-rate", "loan:code why:somememo annual_rate:rate from_day:day? eased:yes?=no", CARE, second=True,
      serves=borrower)  # fmt: skip
def change_rate(w: Work) -> None:
    loan, _story, on = changing(w)
    terms = newest(loan)
    if Fraction(terms["annual_rate"]) == Fraction(w["annual_rate"]):
        raise No("invalid-value", "annual_rate")
    if loan["most_rate"] is not None and Fraction(w["annual_rate"]) > Fraction(loan["most_rate"]):
        raise No("invalid-value", "annual_rate")
    changed(w, loan, on, {**terms, "annual_rate": w["annual_rate"]}, "rate")


@rule("extend-loan", "loan:code why:somememo extra_installments:rows eased:yes?=no", CARE, second=True, serves=borrower)
def extend_loan(w: Work) -> None:
    loan, story, on = changing(w)
    terms = newest(loan)
    if not loan["line"] and story.passed(on) == len(story.rows):
        raise No("wrong-state", "loan")
    terms["installments"] += w["extra_installments"]
    changed(w, loan, on, terms, "extra", installments=w["extra_installments"])


def going_on(loan: Fact, story: Story) -> dict[str, Any]:
    """The terms of the plan that runs, without what held for its first payments only."""
    assert story.plan is not None
    gone = ("principal_grace", "interest_postponed", "interest_free")
    kept = {name: value for name, value in story.plan.terms.items() if name not in gone}
    return {**kept, "annual_rate": newest(loan)["annual_rate"]}


def left_of(loan: Fact, story: Story, on: date) -> int:
    left = len(story.rows) - story.passed(on)
    if not left or loan["line"]:
        raise No("wrong-state", "loan")
    return left


@rule("move-due-date", "loan:code why:somememo next_due:day eased:yes?=no", CARE, second=True, serves=borrower)
def move_due_date(w: Work) -> None:
    loan, story, on = changing(w)
    if w["next_due"] <= on:
        raise No("invalid-date", "next_due")
    terms = {**going_on(loan, story), "installments": left_of(loan, story, on), "first_due": w["next_due"]}
    if terms.get("months") and w["next_due"].month not in terms["months"]:
        raise No("invalid-value", "next_due")
    changed(w, loan, on, terms, "again", arrears=True)


@rule("payment-holiday", "loan:code why:somememo payments:rows eased:yes?=yes", CARE, second=True, serves=borrower)
def payment_holiday(w: Work) -> None:
    loan, story, on = changing(w)
    left = left_of(loan, story, on)
    assert story.plan is not None
    first = story.plan.due(story.passed(on) + w["payments"])
    changed(w, loan, on, {**going_on(loan, story), "installments": left, "first_due": first}, "again", arrears=True)


@rule("re-amortize", "loan:code why:somememo installments:rows? next_due:day? eased:yes?=yes", CARE, second=True,
      serves=borrower)  # fmt: skip
def re_amortize(w: Work) -> None:
    loan, story, on = changing(w)
    assert story.plan is not None
    left = len(story.rows) - story.passed(on)
    if w["installments"] is None and not left:
        raise No("invalid-value", "installments")
    first = w["next_due"] or (story.plan.due(story.passed(on)) if left else story.plan.period_after(on))
    if first <= on:
        raise No("invalid-date", "next_due")
    terms = {**going_on(loan, story), "installments": w["installments"] or left, "first_due": first}
    if terms.get("months") and first.month not in terms["months"]:
        raise No("invalid-value", "next_due")
    changed(w, loan, on, terms, "again", arrears=False)


@rule("pause-interest", "loan:code from_day:day? until:day why:somememo", CARE, second=True, serves=borrower)
def pause_interest(w: Work) -> None:
    loan = by_schedule(w)
    on = value_date(w, w["from_day"], begun(loan), "from_day")
    if w["until"] < on:
        raise No("invalid-date", "until")
    told(w, with_fact(loan, "pause", on, until=w["until"]))


def told(w: Work, loan: Fact) -> None:
    """The loan with a new fact: post and write what it comes to."""
    after, moved, _story = reckoned(loan)
    post(w, *lines_of(w["loan"], loan["member"], moved), *shared(None, cash_of(moved)))
    w.write("loan", w["loan"], after)
    free_if_paid(w, w["loan"], after)


# ------------------------------------------------------------------------------------- fees and waivers


@rule("charge-late-fee", "loan:code", CARE, serves=borrower)
def charge_late_fee(w: Work) -> None:
    loan = by_schedule(w)
    story = Story(loan).told()
    fee = loan["versions"][story.version]["late_fee"]
    if fee is None:
        raise No("wrong-state", "loan")
    much, after_days = fee
    paid, by = story.counted - story.arrears, w.business_day - timedelta(days=after_days)
    late = []
    for row in range(story.uncovered(max(0, paid)), story.passed(by)):
        unpaid = story.asked_by(row + 1) - max(paid, story.asked_by(row))
        unpaid = min(unpaid, story.principal + story.interest)
        if unpaid > 0 and story.rows[row][0] not in story.charged:
            late.append((story.rows[row][0], unpaid))
    if not late:
        raise No("wrong-state", "loan")
    for due, unpaid in late:
        loan = with_fact(loan, "fee", w.business_day, amount=_fee(much, unpaid), due=due)
    told(w, loan)


def _fee(much: int | str, unpaid: int) -> int:
    """An amount, or a percentage of what is late."""
    return much if isinstance(much, int) else round(unpaid * Fraction(much) / 100)


@rule("waive-charges", "loan:code interest:money? fees:money? why:somememo", CARE, second=True, serves=borrower)
def waive_charges(w: Work) -> None:
    loan = by_schedule(w)
    if w["interest"] is None and w["fees"] is None:
        raise No("invalid-amount", "interest")
    story = now(w, loan)
    for field, most in (("interest", story.interest), ("fees", story.fees_owed)):
        if (w[field] or 0) > most:
            raise No("invalid-amount", field)
    told(w, with_fact(loan, "waiver", w.business_day, interest=w["interest"] or 0, fees=w["fees"] or 0))


# ------------------------------------------------------------------------------------- non-accrual


@rule("stop-accrual", "loan:code method:recovery|cash?=recovery stop_interest:yes?=no why:somememo", CARE, second=True,
      serves=borrower)  # fmt: skip
def stop_accrual(w: Work) -> None:
    loan = by_schedule(w)
    if Story(loan).told().basis != "accrual":
        raise No("wrong-state", "loan")
    loan = with_fact(loan, "non-accrual", w.business_day, method=w["method"])
    if w["stop_interest"]:
        loan = with_fact(loan, "pause", w.business_day, until=None)
    told(w, loan)


@rule("resume-accrual", "loan:code why:somememo", CARE, second=True, serves=borrower)
def resume_accrual(w: Work) -> None:
    loan = by_schedule(w)
    story = Story(loan).told()
    if story.basis == "accrual":
        raise No("wrong-state", "loan")
    since = story.basis_since or date.min
    made = sum(fact.type == "payment" and fact.on >= since for fact in loan["facts"])
    if now(w, loan).due(w.business_day).total or made < w.model.policy("accrual_payments"):
        raise No("wrong-state", "loan")
    told(w, with_fact(loan, "accrual", w.business_day))


# ------------------------------------------------------------------------------------- losses


def provided(amounts: dict[str, int]) -> list[Line]:
    """Expense to allowance, each fund alone."""
    return [line for fund, n in amounts.items() for line in ((fund, "301", n), (fund, "719", -n))]


def losses(moved: Book) -> dict[str, int]:
    """What goes through the allowance of each fund; a peer bears its part itself."""
    found = {fund: sum(flows.get(flow, 0) for flow in LOSSES) for fund, flows in moved.items() if "@" not in fund}
    return {fund: amount for fund, amount in found.items() if amount}


def needed(w: Work, ref: str, lost: dict[str, int]) -> dict[str, int]:
    """Provided before a loss: what was not held for this loan, and so much that the allowance is never short."""
    provisions = w.model.every("provision")
    held: dict[str, int] = {}
    for fund, loan, amount in provisions[-1][1]["lines"] if provisions else ():
        if loan == ref:
            held[fund] = held.get(fund, 0) + amount
    return {fund: max(0, loss - held.get(fund, 0), loss + w.balance(fund, "719")) for fund, loss in lost.items()}


@rule("write-down", "loan:code principal:money gift:yes?=no resolution:sometext", f"{TREASURER} {SUPERVISOR}",
      second=True, serves=borrower, moves=lambda w: None)  # fmt: skip
def write_down(w: Work) -> None:
    loan = owed_loan(w, active_only=True)
    if loan["by"] == w.who:
        raise No("not-allowed", "loan")
    if w["principal"] > now(w, loan).principal:
        raise No("invalid-amount", "principal")
    after, moved, _story = reckoned(
        with_fact(loan, "write-down", w.business_day, principal=w["principal"], gift=w["gift"])
    )
    provision = [] if w["gift"] else provided(losses(moved))
    post(w, *provision, *lines_of(w["loan"], loan["member"], moved))
    w.write("loan", w["loan"], after)
    free_if_paid(w, w["loan"], after)


@rule(
    "charge-off",
    "loan:code resolution:text?= reserve_account:code? from_reserve:money? why:somememo",
    CARE,
    second=True,
    approvers=(SUPERVISOR, TREASURER),
    serves=borrower,
    moves=lambda w: None,
)
def charge_off(w: Work) -> None:
    loan = owed_loan(w, active_only=True)
    _require_bad(w, loan)
    after, moved, _story = reckoned(with_fact(loan, "charge-off", w.business_day))
    lost = losses(moved)
    new = needed(w, w["loan"], lost)
    post(w, *provided(new), *lines_of(w["loan"], loan["member"], moved))
    lead = lead_of(loan)
    borne = _reserve(w, lead, lost.get(lead, 0))
    borne |= attributed(w, w["loan"], lost, {fund: loss - new[fund] for fund, loss in lost.items()})
    w.write("loan", w["loan"], after, borne=borne or loan["borne"])


def _require_bad(w: Work, loan: Fact) -> None:
    """A loss is late or not accrued; before its time it takes a decision."""
    story = now(w, loan)
    if not story.owed:
        raise No("wrong-state", "loan")
    if isinstance(story, Reported):
        if story.terms["outer_date"] > w.business_day and not w["resolution"]:
            raise No("wrong-state", "resolution")
        return
    if not story.due(w.business_day).total and story.basis == "accrual":
        raise No("wrong-state", "loan")
    since = max((fact.on for fact in loan["facts"] if fact.type == "payment"), default=begun(loan))
    assert since is not None
    if (w.business_day - since).days < w.model.policy("charge_off_days") and not w["resolution"]:
        raise No("wrong-state", "resolution")


def _reserve(w: Work, lead: str, loss: int) -> dict[Any, int]:
    """A reserve's own account makes the leading fund's loss good, or a part of it."""
    ref, amount = w["reserve_account"], w["from_reserve"]
    if (ref is None) != (amount is None):
        raise No("invalid-value", "from_reserve")
    if ref is None:
        return {}
    if w.model.find("waterfall", lead) is not None:
        raise No("invalid-value", "reserve_account")
    reserve = w.model.get("bank-account", ref, "reserve_account")["fund"]
    if reserve == POOL:
        raise No("invalid-value", "reserve_account")
    if amount > loss:
        raise No("invalid-amount", "from_reserve")
    if amount > w.balance(reserve, f"731/{ref}"):
        raise No("overdrawn", "from_reserve")
    w.post(*between(reserve, ref, lead, amount))
    return {reserve: amount}


# ------------------------------------------------------------------------------------- grades, provisions


@rule("grade-loan", "loan:code grade:1|2|3|4|5 reserve:money? why:somememo", OFFICER, second=True, reversible=False,
      serves=borrower, moves=lambda w: None)  # fmt: skip
def grade_loan(w: Work) -> None:
    loan = w.model.get("loan", w["loan"], "loan")
    if loan["state"] not in ("granted", "active"):
        raise No("wrong-state", "loan")
    if (loan["grade"], loan["reserve"]) == (w["grade"], w["reserve"]):
        raise No("invalid-value", "grade")
    if w["reserve"] is not None and w["reserve"] > now(w, loan).principal:
        raise No("invalid-amount", "reserve")
    w.write("loan", w["loan"], loan, grade=w["grade"], reserve=w["reserve"])


AGES = (("current", 0), ("1-30", 30), ("31-60", 60), ("61-90", 90), ("91-180", 180), ("over 180", 10**9))


@rule("set-allowance-table", "from_day:day buckets:rates?= grades:rates?= commitments:share? why:somememo", TREASURER,
      second=True, reversible=False)  # fmt: skip
def set_allowance_table(w: Work) -> None:
    last = w.model.every("provision")
    if last and w["from_day"] <= last[-1][1]["on"]:
        raise No("invalid-date", "from_day")
    before = table_of(w, w["from_day"])
    after = dict(before or {"buckets": {}, "grades": {}, "commitments": "0"})
    for field in ("buckets", "grades"):
        if any(name not in KNOWN[field] for name in w[field] or {}):
            raise No("invalid-value", field)
        after[field] = {**after[field], **(w[field] or {})}
    after["commitments"] = w["commitments"] or after["commitments"]
    if any(name not in after[field] for field in KNOWN for name in KNOWN[field]):
        raise No("invalid-value", "buckets")
    if before is not None and _same(before, after):
        raise No("invalid-value", "buckets")
    if not all(Fraction(after["buckets"][name]) for name in BESIDE):
        raise No("invalid-value", "buckets")
    if not Fraction(after["grades"]["3"]):
        raise No("invalid-value", "grades")
    number = len(w.model.every("table")) + 1
    w.write("table", f"T{number:05}", {**after, "from_day": w["from_day"], "version": number})


BESIDE = ("deferred by terms", "due", "late", "report overdue")
KNOWN = {"buckets": (*(name for name, _last in AGES), *BESIDE), "grades": ("1", "2", "3", "4", "5")}


def _same(one: Fact, other: Fact) -> bool:
    return (one["buckets"], one["grades"], Fraction(one["commitments"])) == (
        other["buckets"], other["grades"], Fraction(other["commitments"])
    )  # fmt: skip


def table_of(w: Work, day: date) -> Fact | None:
    """The table of a day: of those that begin by then the one that begins last, of these the newest."""
    begun_by = [body for _ref, body in w.model.every("table") if body["from_day"] <= day]
    return max(begun_by, key=lambda body: (body["from_day"], body["version"]), default=None)


@rule("provide", "month:month", TREASURER, second=True, reversible=False)
def provide(w: Work) -> None:
    on = _provision_day(w)
    table = table_of(w, on)
    if table is None:
        raise No("wrong-state", "month")
    wanted: dict[str, int] = {}
    lines = []
    for ref, loan, carried in carried_on(w, on):
        for fund, amount in _allowance(w, ref, loan, carried, table, on).items():
            wanted[fund] = wanted.get(fund, 0) + amount
            lines.append((fund, ref, amount))
    promised = _dated_sums(w, "M40", on)
    reserve = {fund: round(n * Fraction(table["commitments"]) / 100) for fund, n in promised.items()}
    reserve = {fund: amount for fund, amount in reserve.items() if amount}
    kept = {"on": on, "table": table["version"], "lines": lines, "commitments": reserve, "detail": _detail(w, on)}
    found = [*_moves("719", wanted, _dated_sums(w, "719", on)), *_moves("863", reserve, _dated_sums(w, "863", on))]
    if found:
        w.post(*found, on=on)
    else:
        earlier = w.model.find("provision", w["month"])
        if earlier == kept:
            raise No("already-exists", "month")
    w.write("provision", w["month"], kept)


def _provision_day(w: Work) -> date:
    today, month = w.business_day, str(w["month"])
    if month == str(today)[:7]:
        on = today
    elif month == str(today.replace(day=1) - timedelta(days=1))[:7]:
        on = last_day(month)
    else:
        raise No("invalid-date", "month")
    if "locked" in (w.model.locked.get(month), w.model.locked.get(month[:4])):
        raise No("period-locked", "month")
    last = w.model.every("provision")
    if last and last[-1][1]["on"] > on:
        raise No("invalid-date", "month")
    return on


def _dated_sums(w: Work, number: str, on: date) -> dict[str, int]:
    """What a control account holds in each fund under dates up to a day."""
    found: dict[str, int] = {}
    for (fund, code), lines in w.model.dated.items():
        if code.partition("/")[0] == number:
            found[fund] = found.get(fund, 0) + sum(amount for day, amount in lines if day <= on)
    return {fund: abs(amount) for fund, amount in found.items() if amount}


def carried_on(w: Work, on: date) -> list[tuple[str, Fact, dict[str, int]]]:
    """Loans that the books carry at the end of a day, and their principal by fund."""
    found, known = [], {ref for ref, _loan in w.model.every("loan")}
    for (_fund, code), moved in w.model.dated.items():
        if code.startswith("701/") and code[4:] not in known and sum(n for day, n in moved if day <= on) != 0:
            raise No("wrong-state", "month")
    for ref, loan in w.model.every("loan"):
        sums = {
            fund: sum(n for day, n in w.model.moves(fund, f"701/{ref}") if day <= on) for fund in sorted(loan["funds"])
        }
        sums = {fund: amount for fund, amount in sums.items() if amount}
        if sums:
            found.append((ref, loan, sums))
    return found


def known_on(w: Work, ref: str, on: date) -> Fact:
    """A loan as what was posted up to a day left it."""
    versions = [body for number, body in w.model.facts["loan", ref] if w.model.log[number].day <= on]
    return versions[-1] or {}


def _late(w: Work, ref: str, loan: Fact, on: date) -> tuple[str, int]:
    """The bucket, and days since the oldest bill that was not fully paid, as known then."""
    then = loan if on == w.business_day else known_on(w, ref, on)
    if loan["reported"]:
        return Reported(then, on).lateness()
    late = _days_late(then, on)
    return next(name for name, last in AGES if late <= last), late


def _days_late(then: Fact, on: date) -> int:
    due = standing(then, on).due(on)
    return (on - due.since).days if due.total and due.since is not None and due.since < on else 0


def _allowance(w: Work, ref: str, loan: Fact, carried: dict[str, int], table: Fact, on: date) -> dict[str, int]:
    if loan["reserve"] is not None:
        return dict(
            zip(carried, halves(min(loan["reserve"], sum(carried.values())), list(carried.values())), strict=True)
        )
    bucket, late = _late(w, ref, loan, on)
    rates = [Fraction(table["buckets"][name])
             for name in (bucket, next(name for name, last in AGES if late <= last))]  # fmt: skip
    if grade_of(loan) is not None:
        rates.append(Fraction(table["grades"][grade_of(loan)]))
    return {fund: round(amount * max(rates) / 100) for fund, amount in carried.items()}


def grade_of(loan: Fact) -> str | None:
    """Until somebody grades it, a loan repaid by reports is watched."""
    return loan["grade"] or ("3" if loan["reported"] else None)


def _detail(w: Work, on: date) -> list[tuple[Any, ...]]:
    """What a provision keeps of each loan, beside the amounts."""
    return [(ref, grade_of(loan), loan["reserve"], _late(w, ref, loan, on), carried)
            for ref, loan, carried in carried_on(w, on)]  # fmt: skip


def _moves(account: str, wanted: dict[str, int], held: dict[str, int]) -> list[Line]:
    found: list[Line] = []
    for fund in {**wanted, **held}:
        more = wanted.get(fund, 0) - held.get(fund, 0)
        found += [(fund, "301", more), (fund, account, -more)] if more else []
    return found
