"""A drawer counted by notes and coins: one line each, their sums, and what they come to."""

from __future__ import annotations

from datetime import date
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from coopbank.bank.fields import pieces_text
from coopbank.money import denominations
from coopbank.tui.forms import FieldSpec
from coopbank.tui.show import amount, right
from coopbank.tui.widgets.fields import FieldRow
from coopbank.tui.widgets.inputs import LineInput
from coopbank.words import _

_VALUE: Final = 10  # cells
_SUM: Final = 14  # what 999,999 of the largest note come to, in any currency


class Piece(LineInput):
    """How many there are of one note or coin."""

    def __init__(self, value: int) -> None:
        super().__init__(placeholder="0", restrict=r"[0-9]*", max_length=6, classes="piece")
        self.minor = value  # of one of them

    @property
    def many(self) -> int:
        """How many."""
        return int(self.value or 0)


class PiecesRow(FieldRow):
    """The notes and coins of a currency, one line each; its value is "5x20.00 8x0.25"."""

    def __init__(
        self,
        spec: FieldSpec,
        value: str,
        today: date,
        options: tuple[tuple[str, str], ...] = (),
        *,
        currency: str = "USD",
    ) -> None:
        super().__init__(spec, value, today, options)
        self.currency = currency
        self._pieces: list[Piece] = []

    def compose(self) -> ComposeResult:
        yield Static(_("Or how many there are of each:"), classes="pieces-says", markup=False)
        for value in denominations(self.currency):
            with Horizontal(classes="field-line"):
                yield Static(Content(right(amount(value, self.currency), _VALUE)), classes="piece-value", markup=False)
                yield Static("×", classes="piece-times", markup=False)
                self._pieces.append(Piece(value))
                yield self._pieces[-1]
                yield Static("", classes="piece-sum", markup=False)
        yield Static("", classes="field-note", markup=False)

    @property
    def pieces(self) -> list[Piece]:
        """The lines, the largest note first."""
        return self._pieces

    @property
    def control(self) -> LineInput:
        """The line that has the focus, or the first one."""
        return next((piece for piece in self.pieces if piece.has_focus), self.pieces[0])

    def read(self) -> str:
        """What was counted."""
        return pieces_text({piece.minor: piece.many for piece in self.pieces})

    @property
    def total(self) -> int:
        """What it comes to, in minor units."""
        return sum(piece.minor * piece.many for piece in self.pieces)

    def edited(self, box: Input) -> None:
        if isinstance(box, Piece) and box.parent is not None:
            shown = right(amount(box.minor * box.many, self.currency), _SUM) if box.many else ""
            box.parent.query_one(".piece-sum", Static).update(Content(shown))
        super().edited(box)

    def submitted(self, box: Input) -> None:
        pieces = self.pieces
        place = next(i for i, piece in enumerate(pieces) if piece is box)
        if place + 1 < len(pieces):
            pieces[place + 1].focus()
        else:
            super().submitted(box)
