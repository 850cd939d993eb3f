"""
One of the two processes of a determinism check: runs a plan and prints its tape.

Called as ``python -m umt_sim.bootstrap.trail`` with a frozen plan as JSON on its
standard input; writes one JSON array ``[time, text]`` a line, and the fingerprint last.
"""

from __future__ import annotations

import json
import sys
from typing import IO, Any

from umt_sim.runner.conduct import conduct
from umt_sim.scenario.loader import load_frozen
from umt_sim.systems.finder import find_system
from umt_sim.worlds.sim import SimWorld

__all__ = ["leave_trail"]


def leave_trail(frozen: dict[str, Any], out: IO[str]) -> None:
    """Run the plan with a tape that keeps its entries, and write them to *out*."""
    plan = load_frozen(frozen)
    world = SimWorld(tuple(plan.services.values()), seed=plan.seed, detailed=True)
    journal = conduct(plan, world=world, system=find_system(plan.system), report=lambda _: None)
    for at, text in world.trail():
        out.write(json.dumps([at, text]) + "\n")
    out.write(json.dumps(journal.header["tape_hash"]) + "\n")


if __name__ == "__main__":
    leave_trail(json.load(sys.stdin), sys.stdout)
