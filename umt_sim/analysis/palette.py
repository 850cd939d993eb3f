"""Colours of figures, safe for the colour-blind, and sizes of their letters."""

from __future__ import annotations

__all__ = [
    "FAULTS",
    "GRID",
    "INK",
    "LETTER",
    "MUTED",
    "NORMAL",
    "SERIES",
    "SMALL",
    "STATES",
    "TITLE",
    "VERDICTS",
    "WORLDS",
    "WRONG",
]

# Okabe and Ito (2008), "Color Universal Design".
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, BROWN = "#CC79A7", "#56B4E9", "#8f3f00"

INK = "#24292f"
MUTED = "#57606a"
GRID = "#e6e8eb"
WRONG = VERMILION
SERIES = (BLUE, GREEN, ORANGE, SKY, PURPLE, BROWN, MUTED)  # the first four differ to everybody

WORLDS = {"sim": BLUE, "live": ORANGE}

FAULTS = ("#f5e6c4", "#e3d9ee", "#d5e8dc", "#f6d9cf", "#d6e4f2")

STATES = {
    "closed": "#cfe8dd",
    "open": VERMILION,
    "half_open": ORANGE,
    "forced_open": BROWN,
    "disabled": "#c9ccd1",
    "metrics_only": SKY,
}

VERDICTS = {"passed": GREEN, "failed": VERMILION, "inconclusive": "#9a6700", "errored": BROWN}

# Points. Figures are about as wide as a notebook's page, and must be read on a slide, too.
SMALL, NORMAL, TITLE = 9, 10, 13

LETTER = 0.0072  # inches that a letter of one point takes, on average
