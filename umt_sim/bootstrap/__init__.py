"""
Joins a scenario file, a system and a world. The only package that names a concrete world.

- ``running``: ``run``, from a file to a ``Result``. Start here.
- ``worlds``: opens a world by its name.
- ``determinism``: runs a plan in two processes and compares what they did.
- ``trail``: one of these two processes.
"""

from umt_sim.bootstrap.determinism import check_determinism
from umt_sim.bootstrap.running import run, run_plan
from umt_sim.bootstrap.worlds import open_world

__all__ = ["check_determinism", "open_world", "run", "run_plan"]
