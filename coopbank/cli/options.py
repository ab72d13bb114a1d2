"""Options that several commands share, and reading what they hold."""

from __future__ import annotations

import calendar
import re
from datetime import date
from typing import Annotated

import typer

from coopbank.errors import InvalidAmount, WrongUsage
from coopbank.money import parse_amount, quoted

AsOf = Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="The day, YYYY-MM-DD; now if left out.")]
From = Annotated[str | None, typer.Option("--from", metavar="DATE", help="The first day, YYYY-MM-DD.")]
To = Annotated[str | None, typer.Option("--to", metavar="DATE", help="The last day, YYYY-MM-DD.")]


def day(text: str, field: str) -> date:
    """A date of the command line."""
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        raise WrongUsage("There is no day {day}.", field=field, day=quoted(text)) from None
    raise WrongUsage(
        "{day} is not a date.", field=field, day=quoted(text), hint="Write it as YYYY-MM-DD, such as 2026-03-02."
    )


def day_or_none(text: str | None, field: str) -> date | None:
    """A date of the command line that may be left out."""
    return None if text is None else day(text, field)


def month(text: str, field: str = "month") -> tuple[date, date]:
    """First and last day of a month, YYYY-MM."""
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text) or text.startswith("0000"):
        raise WrongUsage(
            "{month} is not a month.", field=field, month=quoted(text), hint="Write it as YYYY-MM, such as 2026-03."
        )
    year, number = int(text[:4]), int(text[5:])
    return date(year, number, 1), date(year, number, calendar.monthrange(year, number)[1])


def number(text: str, field: str) -> int:
    """A number that the books give: 1 and up."""
    if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) == 0:
        raise WrongUsage(
            "{number} is not a number of the books.",
            field=field,
            number=quoted(text),
            hint="Write a whole number from 1.",
        )
    return int(text)


def amount(text: str, currency: str, field: str) -> int:
    """An amount of the command line."""
    try:
        return parse_amount(text, currency, field=field)
    except InvalidAmount as wrong:
        raise WrongUsage(wrong.template, field=field, hint=wrong.hint_template, **wrong.values) from None
