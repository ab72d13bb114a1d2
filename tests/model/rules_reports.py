"""Reports of what a borrower earned: filed by one, accepted by another; and an outer date that moves."""

from __future__ import annotations

from tests.model.books import Fact, No, Work, rule
from tests.model.reports import Reported, spans
from tests.model.rules_care import changed, newest, told
from tests.model.rules_loans import CARE, begun, borrower, naming, owed_loan, with_fact


@rule("file-report", "loan:code period:rows? surplus:signed? revenue:counted? correction:yes?=no remark:memo?=", CARE,
      serves=borrower)  # fmt: skip
def file_report(w: Work) -> None:
    loan = w.model.get("loan", w["loan"], "loan")
    if begun(loan) is None or not w["correction"]:
        owed_loan(w, active_only=True)
    story = reported(w, loan)
    period = _period(w, story)
    require_reporting(w, loan, story, period)
    version = 1 + max(story.filed.get(period, {0: None}))
    _require_figures(w, loan, story)
    data = {"period": period, "version": version, "surplus": w["surplus"], "revenue": w["revenue"], "by": w.who}
    with naming("period"):
        told(w, with_fact(loan, "report-filed", w.business_day, **data))


def reported(w: Work, loan: Fact) -> Reported:
    if not loan["reported"]:
        raise No("wrong-state", "loan")
    return Reported(loan, w.business_day)


def _period(w: Work, story: Reported) -> int:
    """The one that is named, or the first without a report; it is over, and has a report only if this corrects it."""
    waiting = [row.number for row in story.rows if row.number not in story.filed]
    period = w["period"] or next(iter(waiting), None)
    if period is None or (w["period"] is None and w["correction"]):
        raise No("invalid-value", "period")
    if period > len(story.spans) or story.spans[period - 1][1] > w.business_day:
        raise No("invalid-date", "period")
    if period in story.filed and not w["correction"]:
        raise No("already-exists", "period")
    if period not in story.filed and w["correction"]:
        raise No("unknown", "correction")
    return int(period)


def require_reporting(w: Work, loan: Fact, story: Reported, period: int) -> None:
    """That it is paid does not end the right to have an accepted report corrected."""
    if loan["state"] != "paid" or period not in story.accepted:
        owed_loan(w, active_only=True)


def _require_figures(w: Work, loan: Fact, story: Reported) -> None:
    if w[loan["reported"]] is None:
        raise No("invalid-value", loan["reported"])
    if loan["reported"] == "surplus" and w["revenue"] is not None:
        raise No("invalid-value", "revenue")
    if loan["reported"] == "revenue" and w["surplus"] is None and story.terms.get("cost_cap_percent"):
        raise No("invalid-value", "surplus")


@rule("accept-report", "loan:code period:rows", CARE, serves=borrower)
def accept_report(w: Work) -> None:
    loan = w.model.get("loan", w["loan"], "loan")
    story, period = reported(w, loan), w["period"]
    require_reporting(w, loan, story, period)
    versions = story.filed.get(period)
    if not versions:
        raise No("unknown", "period")
    latest = max(versions)
    if latest in story.accepted.get(period, {}):
        raise No("wrong-state", "period")
    if versions[latest].data["by"] == w.who:
        raise No("not-allowed", "period")
    if period > 1 and period - 1 not in story.accepted:  # or a loss could be hidden by not reporting it
        raise No("invalid-value", "period")
    with naming("period"):
        told(w, with_fact(loan, "report-accepted", w.business_day, period=period, version=latest))


@rule("move-outer-date", "loan:code outer_date:day why:somememo", CARE, second=True, serves=borrower)
def move_outer_date(w: Work) -> None:
    loan = owed_loan(w, active_only=True)
    if not loan["reported"]:
        raise No("wrong-state", "loan")
    terms = newest(loan)
    if w["outer_date"] <= max(terms["outer_date"], w.business_day):
        raise No("invalid-date", "outer_date")
    longer = spans({**terms, "outer_date": w["outer_date"]}, begun(loan) or w.business_day)
    filed = Reported(loan, w.business_day).filed
    if any(each.on < longer[period - 1][1] for period, versions in filed.items() for each in versions.values()):
        raise No("invalid-date", "outer_date")  # it would be a report of a part of its period
    changed(w, loan, w.business_day, {**terms, "outer_date": w["outer_date"]}, "outer-date")
