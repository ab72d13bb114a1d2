"""What the member co-operatives are of the place they live in: of its jobs, and of its product.

From two registers. PLACE has the figures of the place as somebody published them, with their source; the latest year
that the day has reached counts. OUTPUT has, of each member co-operative and year, who works there, what it sold and
what it bought from others for it. A product is value added, sales less what was bought, as that of the place is, so
that one co-operative's sale to another is not counted twice. Of each co-operative the latest year counts for its jobs;
the product is compared year with year.

That a tenth of the jobs be the federation's own is the aim of the movement this bank serves; a place may set another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from coopbank.bank.books import Books
from coopbank.bank.institution_registers import counted, entries_of
from coopbank.money import round_ratio
from coopbank.reports.document import Minor
from coopbank.words import _

TARGET: Final = Decimal(10)
"""Percent of a place's jobs that a federation aims at where its register says nothing else."""


@dataclass(frozen=True, slots=True)
class PlaceShare:
    """A federation's part of its place. Percentages are in hundredths of a percent, None where there is no figure."""

    place: str
    year: int
    source: str
    jobs: Decimal  # of the member co-operatives
    of_jobs: Decimal | None
    jobs_bp: int | None
    target: Decimal  # percent
    missing: Decimal | None  # jobs to the target, in whole ones
    product: Minor
    of_product: Minor | None
    product_bp: int | None


def place_share(books: Books, day: date) -> PlaceShare | None:
    """The federation's part as of a day; None where no figures of a place are kept."""
    place = _latest(books, day)
    if place is None:
        return None
    year = int(_year(place))
    jobs, product = _of_members(books, day, year)
    of_jobs = Decimal(place["jobs"]) if Decimal(place.get("jobs", "0")) > 0 else None
    of_product = place.get("product") or None
    target = Decimal(place.get("target", TARGET))
    missing = None
    if of_jobs is not None:
        aim = (of_jobs * target / 100).to_integral_value(ROUND_CEILING)
        missing = max(Decimal(0), aim - jobs)
    return PlaceShare(
        place=place["place"], year=year, source=place["source"], jobs=jobs, of_jobs=of_jobs,
        jobs_bp=None if of_jobs is None else round_ratio(int(jobs * 10**10), int(of_jobs * 10**6)),
        target=target, missing=missing, product=product, of_product=of_product,
        product_bp=None if of_product is None else round_ratio(product * 10_000, of_product),
    )  # fmt: skip


def share_words(share: PlaceShare, money: Callable[[int], str]) -> Iterator[str]:
    """Sentences that tell it; `money` writes an amount."""
    if share.of_jobs is not None and share.jobs_bp is not None:
        yield _("{jobs} of {all} jobs in {place} are in member co-operatives: {part} %.").format(
            jobs=_plain(share.jobs), all=_plain(share.of_jobs), place=share.place, part=_percent(share.jobs_bp)
        )
        yield _("The aim is {target} %: {missing} jobs more.").format(
            target=_plain(share.target), missing=_plain(share.missing)
        )
    if share.of_product is not None and share.product_bp is not None:
        yield _("They produced {product} of the {all} that {place} produced in {year}: {part} %.").format(
            product=money(share.product), all=money(share.of_product), place=share.place, year=share.year,
            part=_percent(share.product_bp),
        )  # fmt: skip
    yield _("Figures of {place}, {year}: {source}.").format(
        place=share.place, year=share.year, source=share.source.rstrip(".")
    )


def _latest(books: Books, day: date) -> dict[str, Any] | None:
    found: dict[str, Any] | None = None
    for _ref, body in counted(entries_of(books, "PLACE")):
        values = body.values
        if Decimal(values["year"]) <= day.year and (found is None or _year(found) <= _year(values)):
            found = values
    return found


def _of_members(books: Books, day: date, year: int) -> tuple[Decimal, int]:
    """Jobs of each member co-operative's latest year, and the product of all in one year."""
    told: dict[tuple[str, Decimal], dict[str, Any]] = {}  # the last entry of a year stands for it
    for _ref, body in counted(entries_of(books, "OUTPUT")):
        if _year(body.values) <= day.year:
            told[body.values["member"], _year(body.values)] = body.values
    jobs = {member: Decimal(values["jobs"]) for (member, _when), values in _by_year(told) if "jobs" in values}
    of_year = [values for (_member, when), values in told.items() if when == year]
    product = sum(int(values.get("sales", 0)) - int(values.get("bought", 0)) for values in of_year)
    return sum(jobs.values(), Decimal(0)), product


def _by_year(told: dict[tuple[str, Decimal], dict[str, Any]]) -> list[tuple[tuple[str, Decimal], dict[str, Any]]]:
    return sorted(told.items(), key=lambda each: each[0][1])


def _year(values: dict[str, Any]) -> Decimal:
    return Decimal(values["year"])


def _percent(hundredths: int) -> str:
    return f"{Decimal(hundredths) / 100:.2f}"


def _plain(number: Decimal | None) -> str:
    return "" if number is None else f"{number.normalize():,f}"
