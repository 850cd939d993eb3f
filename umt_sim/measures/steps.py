"""Quantities that hold their value until the next change: queue lengths, requests in flight."""

from __future__ import annotations

import itertools

import numpy as np

from umt_sim.faults.timeline import Window
from umt_sim.measures.estimates import STEADY, Batching, Estimate, Floats, ratio_estimate

__all__ = ["Steps"]


class Steps:
    """
    A step function of time, right-continuous.

    Args:
        times: When it changed, ascending.
        values: What it changed to.
        before: Its value before the first change.
    """

    def __init__(self, times: Floats, values: Floats, before: float = 0.0) -> None:
        self.times = times
        self.values = values
        self._before = before

    def __len__(self) -> int:
        return len(self.times)

    def at(self, moment: float) -> float:
        """The value at *moment*."""
        index = int(np.searchsorted(self.times, moment, side="right")) - 1
        return float(self.values[index]) if index >= 0 else self._before

    def maximum(self, window: Window) -> float:
        """The largest value in *window*."""
        inside = self.values[self._inside(window)]
        return max(self.at(window.start), float(np.max(inside, initial=-np.inf)))

    def peaks(self, edges: Floats) -> Floats:
        """The largest value in each of the stretches between two *edges*."""
        largest = np.array([self.at(edge) for edge in edges[:-1]], dtype=np.float64)
        firsts = np.searchsorted(self.times, edges, side="left")
        for index, (first, after) in enumerate(itertools.pairwise(firsts)):
            largest[index] = np.max(self.values[first:after], initial=largest[index])
        return largest

    def mean(self, window: Window, batching: Batching = STEADY) -> Estimate:
        """The time average over *window*, with an interval from equal slices of it."""
        edges = np.linspace(window.start, window.end, batching.count + 1)
        areas = np.array([self._area(a, b) for a, b in itertools.pairwise(edges)])
        changes = int(np.count_nonzero(self._inside(window)))
        return ratio_estimate(areas, np.diff(edges), changes, batching)

    def _inside(self, window: Window) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return (self.times >= window.start) & (self.times < window.end)

    def _area(self, start: float, end: float) -> float:
        """Integral from *start* to *end*."""
        inside = (self.times > start) & (self.times < end)
        edges = np.concatenate(([start], self.times[inside], [end]))
        levels = np.concatenate(([self.at(start)], self.values[inside]))
        return float(np.dot(levels, np.diff(edges)))
