"""What the program prints: lines, aligned tables and JSON documents.

Data goes to standard output, words about the work to standard error. The bytes are the
same for a terminal and for a pipe: no colour, no markup. Text that people typed (names,
memos) is never interpreted, and what could move the cursor or turn the reading
direction round is shown as its code instead.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TextIO

from coopbank.money import format_amount
from coopbank.words import _

WIDEST_CELL = 60
"""Characters of a text in a table; longer ones are cut with an ellipsis (`--json` has them whole)."""

# Controls, the C1 controls that some terminals obey, line and paragraph marks, half characters, and the marks
# that turn the reading direction of what follows.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def safe(text: object) -> str:
    """The text on one line, with nothing in it that a terminal would obey."""
    return _UNSAFE.sub(_shown, str(text))


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    return {9: " ", 10: " ", 13: " "}.get(code) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def line(text: object = "") -> None:
    """One line of data on standard output."""
    _write(sys.stdout, safe(text))


def narrate(text: object) -> None:
    """One line about the work on standard error."""
    _write(sys.stderr, safe(text))


def raw(text: str) -> None:
    """A document that is printed as it stands, such as CSV."""
    _write(sys.stdout, text.rstrip("\n"))


class Unprinted(OSError):
    """What was to be printed did not get where it should: a full disk behind `>`. It says nothing of what was done."""


def _write(stream: TextIO, text: str) -> None:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    with _printed():
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def flush() -> None:
    """Everything that was printed has been written."""
    with _printed():
        sys.stdout.flush()


@contextmanager
def _printed() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise  # whoever read it has closed it, and wants no more
    except OSError as error:
        raise Unprinted(error.errno, error.strerror) from error


def progress(what: str) -> Callable[[int, int], None] | None:
    """Tells how far a long work has come, on one line of a terminal; nothing where there is none."""
    if not sys.stderr.isatty():
        return None

    def told(done: int, count: int) -> None:
        end = "\n" if done == count else ""
        sys.stderr.write(f"\r{done} / {count} {safe(what)}{end}")
        sys.stderr.flush()

    return told


def document(value: Any) -> None:
    """One JSON document on standard output."""
    plain = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") not in ("utf8", "utf16")
    text = json.dumps(value, ensure_ascii=plain, indent=2, default=_plain, allow_nan=False)
    # Inside JSON these stand in strings only, where an escape means the same.
    sys.stdout.write(re.sub("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]", _escaped, text) + "\n")


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")


# ---------------------------------------------------------------------------------- tables


class right(str):  # noqa: N801  (reads as what it does: table([_("Name"), right(_("Amount"))], ...))
    """The heading of a column of figures."""


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "") -> None:
    """An aligned table; `empty` is said on standard error when there are no rows."""
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        narrate(empty or _("There is nothing to show."))
        return
    print_aligned([list(headings), *cells], [isinstance(heading, right) for heading in headings])


def print_aligned(cells: Sequence[Sequence[str]], rights: Sequence[bool]) -> None:
    """Lines of cells in columns; a last column of text has no trailing blanks."""
    widths = [max(width(row[i]) for row in cells) for i in range(len(rights))]
    for row in cells:
        padded = (_pad(text, widths[i], rights[i]) for i, text in enumerate(row))
        _write(sys.stdout, "  ".join(padded).rstrip())


def pairs(rows: Iterable[tuple[str, object]]) -> None:
    """Labels and values, the values in one column."""
    shown = [(safe(label), safe(value)) for label, value in rows if value not in (None, "")]
    longest = max((width(label) for label, _value in shown), default=0)
    for label, value in shown:
        _write(sys.stdout, f"{_pad(label, longest, False)}  {value}".rstrip())


def _cell(value: object) -> str:
    text = "" if value is None else safe(value)
    if len(text) <= WIDEST_CELL:
        return text
    return text[: WIDEST_CELL - 1] + "…"


def _pad(text: str, to: int, at_right: bool) -> str:
    blanks = " " * (to - width(text))
    return blanks + text if at_right else text + blanks


def width(text: str) -> int:
    """Columns that a text takes in a terminal: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_character_width(c) for c in text)


def _character_width(c: str) -> int:
    if unicodedata.combining(c) or unicodedata.category(c) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


# --------------------------------------------------------------------------------- amounts


def amount(minor: int, currency: str) -> str:
    """An amount for people: 1,250.00."""
    return format_amount(minor, currency, grouping=True)


def exact(minor: int, currency: str) -> str:
    """An amount for programs: "1250.00"."""
    return format_amount(minor, currency)


def sides(minor: int, currency: str) -> tuple[str, str]:
    """An amount in the columns debit and credit."""
    shown = amount(abs(minor), currency)
    return (shown, "") if minor >= 0 else ("", shown)


@dataclass(frozen=True, slots=True)
class Money:
    """Amounts of one currency as people read them."""

    currency: str

    def __call__(self, minor: int) -> str:
        """1,250.00"""
        return amount(minor, self.currency)

    def or_blank(self, minor: int) -> str:
        """The amount, and nothing for zero."""
        return amount(minor, self.currency) if minor else ""


def percent(basis_points: int) -> str:
    """Hundredths of a percent, as a percentage."""
    return f"{basis_points // 100}.{basis_points % 100:02d} %"
