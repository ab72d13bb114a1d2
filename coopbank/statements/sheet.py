"""What a document is drawn on: paper, size of print, whose face it bears, and the stamp that ties it to the books.

Brand    the institution as its settings were: name, address, colour, logo
Stamp    the document's number, the operation as of which it was made, the head of the chain there
Sheet    paper and print of one copy, with both
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.units import mm

Paper = Literal["letter", "a4"]
Print = Literal["normal", "large"]
Role = Literal["title", "figure", "heading", "body", "table", "small", "foot"]

SIZES: Final[dict[Paper, tuple[float, float]]] = {"letter": LETTER, "a4": A4}
POINTS: Final[dict[Print, dict[Role, float]]] = {
    "normal": {"title": 21, "figure": 16, "heading": 12.5, "body": 9.8, "table": 9.2, "small": 8.8, "foot": 8},
    "large": {"title": 30, "figure": 26, "heading": 22, "body": 18, "table": 18, "small": 18, "foot": 18},
}
"""Points of each role of text. Large print: nothing below 18."""
LEADING: Final[dict[Print, float]] = {"normal": 1.36, "large": 1.45}

INK = HexColor("#1b1f23")
QUIET = HexColor("#4b5560")
SHADE = HexColor("#eef3f3")
RULE = HexColor("#b9c4c8")
COLOUR: Final = "#1d4f5c"
"""The accent where the bank has chosen none."""

SIDE = 18 * mm
TOP = 13 * mm
BOTTOM = 18 * mm


@dataclass(frozen=True)
class Brand:
    """An institution's face. `logo` is a PNG or JPEG."""

    name: str
    kind: str
    address: str = ""
    phone: str = ""
    email: str = ""
    colour: str = COLOUR
    logo: bytes | None = None

    @property
    def contact(self) -> str:
        """How to reach it, in one line; empty where its settings say nothing."""
        return " · ".join(part for part in (self.address.strip(), self.phone.strip(), self.email.strip()) if part)


@dataclass(frozen=True)
class Stamp:
    """What ties a document to the books. `figures` is the SHA-256 of what it shows, in hex.

    `recorded`: whether the books know of it. `replaces`: the number of the edition before, where its figures changed.
    """

    number: str
    operation: int
    head: str  # first 16 hex digits
    at: str  # instant of that operation, UTC
    figures: str = ""
    recorded: bool = False
    replaces: str | None = None
    first_made_by: str = ""  # the version of the program that made the first copy, if it was another

    @property
    def code(self) -> str:
        """The text behind the square code, and what `coopbank check` is given."""
        head, figures = self.head.upper(), self.figures[:16].upper()
        return ":".join(("COOPBANK", self.number, str(self.operation), head, figures))


@dataclass(frozen=True)
class Sheet:
    """One copy's paper, print and language, with the face and the stamp that it bears."""

    brand: Brand
    stamp: Stamp
    paper: Paper = "letter"
    print_size: Print = "normal"

    @property
    def large(self) -> bool:
        """Whether this is large print."""
        return self.print_size == "large"

    def points(self, role: Role) -> float:
        """The size of a role's text."""
        return POINTS[self.print_size][role]

    @property
    def leading(self) -> float:
        """Line height as a multiple of the size."""
        return LEADING[self.print_size]

    @property
    def accent(self) -> Color:
        """The institution's colour."""
        return HexColor(self.brand.colour or COLOUR)

    @property
    def page(self) -> tuple[float, float]:
        """Width and height of the page in points."""
        return SIZES[self.paper]

    @property
    def room(self) -> float:
        """Room between the margins in points."""
        return self.page[0] - 2 * SIDE

    def stamped(self, figures: str) -> Sheet:
        """The same sheet with the hash of what it shows."""
        return replace(self, stamp=replace(self.stamp, figures=figures))
