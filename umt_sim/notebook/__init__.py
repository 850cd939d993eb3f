"""
The way in for notebooks and scripts.

- ``running``: ``run``, ``twin`` and ``load``, with progress where somebody is watching.
- ``sweeping``: ``sweep``, likewise.
- ``planning``: ``plan``, what a scenario would do.
- ``comparing``: ``compare``, two policies on the same luck.
- ``panel``: sliders for a scenario, and a button; needs ipywidgets.
- ``progress``: a bar in a notebook cell that updates in place.
"""

from umt_sim.notebook.comparing import compare
from umt_sim.notebook.planning import plan
from umt_sim.notebook.running import load, run, twin
from umt_sim.notebook.sweeping import sweep

__all__ = ["compare", "load", "plan", "run", "sweep", "twin"]
