"""
Chaos testing in virtual time: real code, real drivers, real protocols.

- ``umt_sim.run``: run a scenario file and get a ``Result``. Start here.
- ``umt_sim.plan``: show what it would do, without running it.
- ``umt_sim.panel``: edit it with sliders in a notebook, and run it again in place.
- ``umt_sim.compare``: two sets of runs, seed by seed.
- ``umt_sim.twin``: run it against real servers too, and get a ``Twin``: how far they agree.
- ``umt_sim.load``: open the folder of an earlier run.
- ``umt_sim.sweep``: run it with every combination of some values and get a ``Sweep``.
- ``umt_sim.expect``: parse an expectation; ``Result.expect`` judges one.
- ``umt_sim.errors``: everything that is raised for you to mend.

The map of the packages is ``docs/design.md``. Importing this costs nothing;
what a name needs is imported when the name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from umt_sim.analysis import Result
    from umt_sim.expectations import expect
    from umt_sim.notebook import compare, load, plan, run, sweep, twin
    from umt_sim.notebook.panel import panel
    from umt_sim.search.sweep import Sweep

__all__ = [
    "Result",
    "Sweep",
    "compare",
    "expect",
    "load",
    "panel",
    "plan",
    "run",
    "sweep",
    "twin",
]

_HOMES = {
    "Result": "umt_sim.analysis",
    "load": "umt_sim.notebook",
    "Sweep": "umt_sim.search.sweep",
    "compare": "umt_sim.notebook",
    "expect": "umt_sim.expectations",
    "panel": "umt_sim.notebook.panel",
    "plan": "umt_sim.notebook",
    "run": "umt_sim.notebook",
    "sweep": "umt_sim.notebook",
    "twin": "umt_sim.notebook",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
