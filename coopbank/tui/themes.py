"""Colours: one design in dark, light and high contrast. Every colour only repeats what a word or a sign says."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

DARK: Final = Theme(
    name="coopbank-dark", primary="#5fb3a1", secondary="#7a9cc6", accent="#e3b75c", warning="#e3b75c", error="#f08a8a",
    success="#8ccf8c", foreground="#e4e8e6", background="#12181b", surface="#1a2226", panel="#243036", dark=True,
    variables={
        "footer-background": "#243036", "footer-key-foreground": "#e3b75c", "footer-description-foreground": "#e4e8e6",
        "input-selection-background": "#5fb3a1 40%",
    },
)  # fmt: skip
LIGHT: Final = Theme(
    name="coopbank-light", primary="#1f6f60", secondary="#35577d", accent="#8a5a00", warning="#8a5a00", error="#a32020",
    success="#1d6b2f", foreground="#17201d", background="#f6f5f0", surface="#ecebe4", panel="#dddbd1", dark=False,
    variables={
        "footer-background": "#dddbd1", "footer-key-foreground": "#7a4e00", "footer-description-foreground": "#17201d",
        "input-selection-background": "#1f6f60 35%",
    },
)  # fmt: skip
CONTRAST: Final = Theme(
    name="coopbank-contrast", primary="#ffff00", secondary="#ffffff", accent="#ffff00", warning="#ffff00",
    error="#ffb0b0", success="#a0ffa0", foreground="#ffffff", background="#000000", surface="#000000", panel="#000000",
    dark=True,
    variables={
        "footer-background": "#000000", "footer-key-foreground": "#ffff00", "footer-description-foreground": "#ffffff",
        "input-selection-background": "#ffff00 60%",
    },
)  # fmt: skip
THEMES: Final = (DARK, LIGHT, CONTRAST)
