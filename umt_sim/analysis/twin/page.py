"""A comparison of two worlds as HTML. Needs no network and no script."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from umt_sim.analysis.palette import INK, MUTED, VERDICTS
from umt_sim.analysis.twin.comparisons import WORDS, Comparison
from umt_sim.analysis.twin.figure import twin_figure
from umt_sim.expectations.verdicts import Status
from umt_sim.expectations.wording import quantity

if TYPE_CHECKING:
    from umt_sim.analysis.twin.twin import Twin

__all__ = ["twin_html"]

_SIGNS = {"passed": "✓", "failed": "✗", "inconclusive": "?", "errored": "!"}
_CELL = "padding:2px 12px 2px 0;text-align:left;border:0"


def twin_html(twin: Twin) -> str:
    """Verdict, every number in both worlds, and the figure, as one HTML fragment."""
    status = twin.status.value
    names = ("", "what", "number", "window", "sim", "live", "allowed", "")
    head = "".join(f'<th style="{_CELL};color:{MUTED}">{name}</th>' for name in names)
    rows = "".join(map(_row, twin.comparisons))
    image = base64.b64encode(twin_figure(twin).png(100)).decode()
    return (
        f'<div style="font-family:system-ui,sans-serif;font-size:13px;color:{INK}">'
        f'<p style="margin:4px 0"><b style="color:{VERDICTS[status]}">{WORDS[status]}</b>'
        f" &nbsp;<b>{escape(twin.name)}</b>"
        f' <span style="color:{MUTED}">sim and live world · seed {twin.seed}</span></p>'
        f'<img alt="both worlds over time" style="max-width:100%"'
        f' src="data:image/png;base64,{image}">'
        f'<table style="border-collapse:collapse"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _row(found: Comparison) -> str:
    sign, colour = "", MUTED
    if found.status is not None:
        sign, colour = _SIGNS[found.status.value], VERDICTS[found.status.value]
    weight = "bold" if found.status not in (None, Status.PASSED) else "normal"
    numbers = (
        "" if value is None else quantity(value, found.unit)
        for value in (found.sim, found.live, found.allowed)
    )
    cells = (found.subject, found.number, found.window, *numbers, found.note)
    rest = "".join(f'<td style="{_CELL};font-weight:{weight}">{escape(c)}</td>' for c in cells)
    return f'<tr style="background:none"><td style="{_CELL};color:{colour}">{sign}</td>{rest}</tr>'
