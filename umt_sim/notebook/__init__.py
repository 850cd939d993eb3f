"""
The way in for notebooks and scripts.

- ``running``: ``run`` and ``load``, with progress where somebody is watching.
- ``progress``: a bar in a notebook cell that updates in place.
"""

from umt_sim.notebook.running import load, run

__all__ = ["load", "run"]
