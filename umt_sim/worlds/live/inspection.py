"""What this machine can supply to a live run, and what was left on it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from umt_sim.errors import WorldUnavailable
from umt_sim.servers.specs import Kind, ServiceSpec
from umt_sim.worlds.live.compose import REMEDY as DOCKER
from umt_sim.worlds.live.compose import engine_version
from umt_sim.worlds.live.ledger import ledgers
from umt_sim.worlds.live.programs.base import Program
from umt_sim.worlds.live.providers.system import System

__all__ = ["KINDS", "Finding", "inspect", "left_behind"]

KINDS: tuple[Kind, ...] = ("rabbitmq", "postgres", "redis")
"""What every provider but ``external`` has a server for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that is there or not.

    Attributes:
        provider: Who needs it.
        name: What it is.
        found: Its version, and where it is; ``None`` if it is missing.
        remedy: The command that installs it.
    """

    provider: str
    name: str
    found: str | None
    remedy: str = ""


def inspect() -> Iterator[Finding]:
    """Everything that the providers need, one by one."""
    system = System()
    for kind in KINDS:
        yield _installed(kind, partial(system.program, ServiceSpec(kind, kind)))
    yield _installed("toxiproxy", system.toxiproxy)
    version = engine_version()
    found = f"Docker {version}" if version is not None else None
    remedy = DOCKER
    if found is None and shutil.which("docker") is not None:
        remedy = "docker is there, but its engine or its Compose plugin does not answer"
    yield Finding("compose", "docker", found, remedy)


def left_behind(*, standing: bool) -> list[str]:
    """
    What is still to be undone, a line each.

    Args:
        standing: Of servers that were asked to stay; else of runs that were killed.
    """
    lines: list[str] = []
    for ledger in ledgers(standing=standing):
        lines += [str(step) for step in ledger.steps]
        ledger.leave()
    return lines


def _installed(name: str, find: Callable[[], Program]) -> Finding:
    try:
        program = find()
    except WorldUnavailable as error:
        return Finding("system", name, None, error.remedy)
    return Finding("system", name, f"{program.version()} ({program.place})")
