"""
Joins a scenario file, a system and a world. The only package that names a concrete world.

- ``running``: ``run``, from a file to a ``Result``. Start here.
- ``worlds``: opens a world by its name.
- ``twin``: ``run_twin``, one file in both worlds.
- ``trials``: runs as plain data that travels between processes, and what came of them.
- ``sweeping``: every combination of some values.
- ``determinism``: runs a plan in two processes and compares what they did.
- ``trail``: one of these two processes.
"""

from umt_sim.bootstrap.determinism import check_determinism
from umt_sim.bootstrap.running import run, run_plan
from umt_sim.bootstrap.twin import run_twin
from umt_sim.bootstrap.worlds import Supply, open_world

__all__ = ["Supply", "check_determinism", "open_world", "run", "run_plan", "run_twin"]
