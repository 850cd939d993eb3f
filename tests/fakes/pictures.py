"""What can be wrong with a picture and be seen by a program: emptiness, overlap, words cut off."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

__all__ = ["cut_off", "ink", "overlapping"]


def ink(figure: Figure) -> float:
    """Share of the picture that is not background."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=60)
    pixels = np.asarray(Image.open(picture).convert("L"))
    return float((pixels < 245).mean())


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of words that cover each other by more than a pixel or two."""
    boxes = _boxes(figure)
    return [
        (a, b)
        for (a, one), (b, two) in combinations(boxes, 2)
        if (shared := Bbox.intersection(one, two)) is not None
        and shared.width > 2
        and shared.height > 2
    ]


def cut_off(figure: Figure) -> list[str]:
    """Words that reach out of the picture."""
    whole = figure.bbox.padded(1.5)
    return [
        words
        for words, box in _boxes(figure)
        if not (whole.contains(box.x0, box.y0) and whole.contains(box.x1, box.y1))
    ]


def _boxes(figure: Figure) -> list[tuple[str, Bbox]]:
    """All words that are drawn, with the room they take."""
    figure.draw_without_rendering()
    hidden = [label for axes in figure.axes for label in _not_drawn(axes)]
    return [
        (text.get_text(), text.get_window_extent())
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in hidden
    ]


def _not_drawn(axes: Axes) -> Iterator[Text]:
    """Labels of ticks beyond the ends of their axis, and all of axes that are switched off."""
    sides = ((axes.xaxis, 0, axes.get_xlim()), (axes.yaxis, 1, axes.get_ylim()))
    for axis, index, ends in sides:
        for label in [*axis.get_ticklabels(), *axis.get_ticklabels(minor=True)]:
            inside = min(ends) <= label.get_position()[index] <= max(ends)
            if not (axes.axison and axis.get_visible() and inside):
                yield label
        if not axes.axison:
            yield axis.get_label()
            yield axis.get_offset_text()
