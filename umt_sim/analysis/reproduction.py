"""The line that runs the same thing again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

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
    header = result.journal.header
    versions = header.get("versions", {})
    supply = dict(header.get("supply", {}))
    if "provider" in versions:
        supply["provider"] = versions["provider"]
    command = command_for(
        source, world=result.world, seed=result.seed, overrides=overrides, supply=supply
    )
    seen = ", ".join(f"{name} {number}" for name, number in versions.items())
    return command + (f"  # {seen}" if seen else "")


def command_for(
    source: str,
    *,
    world: str,
    seed: int,
    overrides: Sequence[str] = (),
    supply: Mapping[str, Any] | None = None,
) -> str:
    """
    The command that runs a scenario file with one seed.

    Args:
        source: The file, as the user named it.
        world: Where.
        seed: Which.
        overrides: Edits, ``path=value`` each.
        supply: Who supplies the servers of the live world, as a journal's header has it.
    """
    words = ["umt-sim", "run", source, "--world", world, *_supplied(supply or {})]
    words += ["--seed", str(seed)]
    for override in overrides:
        words += ["--set", override]
    return shlex.join(words)


def _supplied(supply: Mapping[str, Any]) -> Iterator[str]:
    """The options that ask for the same servers. Passwords are for the reader to fill in."""
    if supply.get("provider", "auto") != "auto":
        yield from ("--provider", supply["provider"])
    for name, address in supply.get("endpoints", {}).items():
        yield from ("--endpoint", f"{name}={address}")
    for host in supply.get("allowed_hosts", ()):
        yield from ("--allow-host", host)
