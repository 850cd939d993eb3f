"""Output where the terminal's encoding lacks our signs: plain ones instead, never a traceback."""

from __future__ import annotations

import codecs
import sys

__all__ = ["plain_where_needed"]

_PLAIN = {"✓": "+", "✗": "x", "█": "#", "·": ".", "µ": "u", "≠": "!=", "…": "...", "×": "x"}


def plain_where_needed() -> None:
    """Let standard output and standard error take every text."""
    codecs.register_error("umt_sim.plain", _replaced)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # tests may have put something else there
            stream.reconfigure(errors="umt_sim.plain")


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """What is written instead of characters that cannot be; as ``codecs`` asks for it."""
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end]
    return "".join(_PLAIN.get(sign, "?") for sign in lacking), error.end
