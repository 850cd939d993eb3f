"""The line that runs the same thing again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from umt_sim.analysis.result import Result

__all__ = ["reproduction"]


def reproduction(result: Result, source: str, overrides: Sequence[str] = ()) -> str:
    """
    The command that runs *result* again, with the versions it was seen with as a comment.

    Args:
        result: The run.
        source: Its scenario file, as the user named it.
        overrides: The edits it was run with, ``path=value`` each.
    """
    words = ["umt-sim", "run", source, "--world", result.world, "--seed", str(result.seed)]
    versions = result.journal.header.get("versions", {})
    if "provider" in versions:
        words += ["--provider", versions["provider"]]
    for override in overrides:
        words += ["--set", override]
    seen = ", ".join(f"{name} {number}" for name, number in versions.items())
    return shlex.join(words) + (f"  # {seen}" if seen else "")
