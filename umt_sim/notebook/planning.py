"""``plan`` for notebooks: what a scenario would do, as a picture and a list."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from umt_sim.analysis.figures.timeline import timeline
from umt_sim.scenario.loader import load
from umt_sim.scenario.plan import Plan

if TYPE_CHECKING:
    from umt_sim.analysis.figure import RunFigure

__all__ = ["PlanView", "plan"]


class PlanView:
    """
    A frozen plan that shows itself.

    Args:
        plan: What to show.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def plot(self) -> RunFigure:
        """Load and faults over time."""
        return timeline(self.plan)

    def __repr__(self) -> str:
        faults = ", ".join(fault.name for fault in self.plan.timeline.faults) or "no faults"
        return f"<plan {self.plan.name} seed={self.plan.seed}: {faults}>"

    def _repr_html_(self) -> str:
        expected = [*map(str, self.plan.expectations), *self.plan.invariants]
        items = "".join(f"<li><code>{escape(text)}</code></li>" for text in expected)
        return (
            '<div style="font-family:system-ui,sans-serif;font-size:13px">'
            f"<p>{escape(self.plan.description)}</p>"
            f"{self.plot().html(f'timeline of {self.plan.name}')}"
            f"<p>{'expected' if expected else 'nothing is expected'}</p><ul>{items}</ul></div>"
        )


def plan(path: str | Path, *, seed: int | None = None, overrides: Sequence[str] = ()) -> PlanView:
    """
    Load a scenario file without running it.

    Raises:
        ScenarioError: The file is wrong; carries every problem found.
    """
    return PlanView(load(path, seed=seed, overrides=overrides))
