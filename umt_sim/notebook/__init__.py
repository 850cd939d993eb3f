"""
The way in for notebooks and scripts.

- ``running``: ``run``, ``twin`` and ``load``, with progress where somebody is watching.
- ``progress``: a bar in a notebook cell that updates in place.
"""

from umt_sim.notebook.running import load, run, twin

__all__ = ["load", "run", "twin"]
