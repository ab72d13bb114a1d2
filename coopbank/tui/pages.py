"""What a screen of lists shows: rows made of plain texts where the books are read. Nothing here knows Textual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Act:
    """An operation that can be done with a row: what its form holds already, and may not or may be changed."""

    name: str
    fixed: Mapping[str, str] = field(default_factory=dict)
    suggested: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """A row: its cells, what is said of it below, what Enter opens and what F5 offers."""

    cells: tuple[str, ...]
    says: tuple[str, ...] = ()  # paragraphs; the first is its heading
    opens: Any = None
    acts: tuple[Act, ...] = ()
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What a screen shows: a heading, a few sentences, and the rows of each view."""

    head: str
    sums: tuple[str, ...]  # a line each
    views: Mapping[str, Sequence[Line]]
    today: date
    acts: tuple[Act, ...] = ()  # of the page, whatever row is under the cursor
