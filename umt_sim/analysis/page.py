"""A run as HTML: verdict, what was expected and seen, figure. Needs no network and no script."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from umt_sim.analysis.palette import INK, MUTED, VERDICTS
from umt_sim.errors import JournalError

if TYPE_CHECKING:
    from umt_sim.analysis.result import Result
    from umt_sim.expectations.verdicts import Verdict

__all__ = ["run_html"]

_SIGNS = {"passed": "✓", "failed": "✗", "inconclusive": "?", "errored": "!"}
_CELL = "padding:3px 12px 3px 0;text-align:left;vertical-align:top;border:0"


def run_html(result: Result) -> str:
    """The run as one HTML fragment."""
    status = result.status.value
    facts = [result.where, f"seed {result.seed}"]
    if result.tape_hash:
        facts.append(f"tape {result.tape_hash[:12]}")
    rows = "".join(map(_row, result.verdict.verdicts))
    return (
        f'<div style="font-family:system-ui,sans-serif;font-size:13px;color:{INK}">'
        f'<p style="margin:4px 0"><b style="color:{VERDICTS[status]}">{status.upper()}</b>'
        f" &nbsp;<b>{escape(result.name)}</b>"
        f' <span style="color:{MUTED}">{escape(" · ".join(facts))}</span></p>'
        f'<table style="border-collapse:collapse;margin:0 0 6px"><tbody>{rows}</tbody></table>'
        f"{_figure(result)}</div>"
    )


def _row(verdict: Verdict) -> str:
    status = verdict.status.value
    trace = f"<pre>{escape(verdict.traceback)}</pre>" if verdict.traceback else ""
    return (
        f'<tr style="background:none"><td style="{_CELL};color:{VERDICTS[status]}"'
        f' title="{status}"><b>{_SIGNS[status]}</b></td>'
        f'<td style="{_CELL}"><code>{escape(verdict.name)}</code></td>'
        f'<td style="{_CELL};color:{MUTED}">{escape(verdict.evidence)}{trace}</td></tr>'
    )


def _figure(result: Result) -> str:
    from umt_sim.analysis.figure import run_figure

    try:
        return run_figure(result).html(f"{result.name} over time")
    except JournalError as error:
        return f"<p>{escape(str(error))}</p>"
