"""One circuit breaker of a run: its states over time, what it was worth, its transitions."""

from __future__ import annotations

from html import escape

import pandas as pd

from umt_sim.analysis import bands, panels
from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.frames import records_frame
from umt_sim.analysis.impact import worths
from umt_sim.analysis.palette import INK, MUTED
from umt_sim.analysis.scales import time_axis
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.readings import Readings
from umt_sim.expectations.wording import quantity
from umt_sim.journal.records import BreakerEvent
from umt_sim.measures.breakers import Worth, breakers_of, stays, time_in

__all__ = ["BreakerView"]


class BreakerView:
    """
    What one breaker did in a run; it shows itself in a notebook.

    Args:
        readings: The run.
        name: Of the breaker.

    Raises:
        ValueError: The run had no such breaker.
    """

    def __init__(self, readings: Readings, name: str) -> None:
        known = breakers_of(readings.journal)
        if name not in known:
            raise ValueError(f"no breaker {name!r} in this run; there are {', '.join(known)}")
        self._readings = readings
        self.name = name

    @property
    def worth(self) -> Worth:
        """Calls it saved, wasted, and let through to fail."""
        return worths(self._readings)[self.name]

    @property
    def transitions(self) -> pd.DataFrame:
        """Its transitions: ``at_s``, ``from_state``, ``to_state``."""
        events = records_frame(self._readings.journal, BreakerEvent)
        own = events[(events["breaker"] == self.name) & events["to_state"].notna()]
        return own[["at_s", "from_state", "to_state"]].reset_index(drop=True)

    @property
    def seconds_in(self) -> dict[str, float]:
        """Seconds of the measured run that it spent in each state it was in."""
        changes, run = self._readings.transitions(self.name), self._readings.run
        states = dict.fromkeys(stay.state for stay in stays(changes, run))
        return {state: time_in(state, changes, run) for state in states}

    def plot(self) -> RunFigure:
        """Its states over time, faults shaded."""
        run, faults = self._readings.run, self._readings.faults
        above = bands.height(faults, run)
        figure = RunFigure(figsize=(10.5, 1.2 + above), layout="constrained")
        strip, axes = figure.subplots(2, 1, sharex=True, height_ratios=(above, 0.7))
        panels.breakers(axes, self._readings, [self.name])
        bands.draw(strip, faults, [axes], run)
        time_axis(axes, run)
        return figure

    def __repr__(self) -> str:
        return f"<breaker {self.name}: {len(self.transitions)} transitions, {self.worth}>"

    def _repr_html_(self) -> str:
        spent = ", ".join(
            f"{state.replace('_', '-')} {quantity(seconds, Unit.SECONDS)}"
            for state, seconds in self.seconds_in.items()
        )
        worth = self.worth
        words = (
            f"{worth.saved} calls saved, {worth.wasted} wasted,"
            f" {worth.let_through} let through to fail; {spent}"
        )
        return (
            f'<div style="font-family:system-ui,sans-serif;font-size:13px;color:{INK}">'
            f'<p style="margin:4px 0"><b>{escape(self.name)}</b>'
            f' <span style="color:{MUTED}">{escape(words)}</span></p>'
            f"{self.plot().html(f'states of {self.name} over time')}"
            f"{self.transitions.to_html(index=False, float_format='{:.2f}'.format)}</div>"
        )
