"""
The way in for notebooks and scripts.

- ``running``: ``run``, ``twin`` and ``load``, with progress where somebody is watching.
- ``sweeping``: ``sweep``, likewise.
- ``progress``: a bar in a notebook cell that updates in place.
"""

from umt_sim.notebook.running import load, run, twin
from umt_sim.notebook.sweeping import sweep

__all__ = ["load", "run", "sweep", "twin"]
