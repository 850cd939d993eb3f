"""The line that runs the same thing again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from umt_sim.analysis.result import Result

__all__ = ["command_for", "reproduction"]


def reproduction(result: Result, source: str, overrides: Sequence[str] = ()) -> str:
    """
    The command that runs *result* again, with the versions it was seen with as a comment.

    Args:
        result: The run.
        source: Its scenario file, as the user named it.
        overrides: The edits it was run with, ``path=value`` each.
    """
    command = command_for(source, world=result.world, seed=result.seed, overrides=overrides)
    versions = result.journal.header.get("versions", {})
    seen = ", ".join(f"{name} {number}" for name, number in versions.items())
    return command + (f"  # {seen}" if seen else "")


def command_for(source: str, *, world: str, seed: int, overrides: Sequence[str] = ()) -> str:
    """The command that runs a scenario file with one seed."""
    words = ["umt-sim", "run", source, "--world", world, "--seed", str(seed)]
    for override in overrides:
        words += ["--set", override]
    return shlex.join(words)
