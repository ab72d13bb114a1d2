"""Horizontal bars of plain characters: their textures differ, so that they read without any colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

TEXTURES: Final = ("█", "▒", "·", "░")


def bar(parts: Sequence[int], whole: int, width: int) -> str:
    """Parts of a whole side by side in that many cells; a part that is not nothing is always seen."""
    if whole <= 0 or width <= 0:
        return ""
    cells = ""
    done = 0
    for texture, part in zip(TEXTURES, parts, strict=False):
        done += max(part, 0)
        upto = min(width, (done * width + whole // 2) // whole)
        if part > 0 and upto <= len(cells) < width:
            upto = len(cells) + 1
        cells += texture * (upto - len(cells))
    return cells
