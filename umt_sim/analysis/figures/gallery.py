"""The figures of one run, by the question each answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from umt_sim.analysis.figure import RunFigure, run_figure
from umt_sim.measures.topology import edges
from umt_sim.measures.traces import Trace, slowest_traces, trace_of
from umt_sim.measures.windows import RUN

if TYPE_CHECKING:
    from umt_sim.analysis.result import Result

__all__ = ["Gallery"]


class Gallery:
    """
    What can be drawn of a run. A figure shows itself as the value of a notebook's cell.

    Args:
        result: The run.
    """

    def __init__(self, result: Result) -> None:
        self._result = result

    def overview(self, *operations: str) -> RunFigure:
        """Latency, rates, queues and breakers over time, faults shaded: what ``plot`` draws."""
        return run_figure(self._result, operations)

    def heat_map(self, operation: str) -> RunFigure:
        """
        How many requests took how long, over time.

        Raises:
            ValueError: The run had no such operation.
        """
        from umt_sim.analysis.figures.latency import heat_map

        self._known("operation", operation, self._operations())
        return heat_map(self._result.readings, operation)

    def distribution(self, operation: str, *windows: str) -> RunFigure:
        """
        The share of the successful within a time, in each of *windows*; in all when none is named.

        Raises:
            ValueError: The run had no such operation or window.
        """
        from umt_sim.analysis.figures.distribution import distribution

        named, faults = self._result.readings.windows, self._result.readings.faults
        self._known("operation", operation, self._operations())
        for window in windows:
            self._known("window", window, list(named))
        chosen = windows or (tuple(name for name in named if name != RUN) if faults else (RUN,))
        return distribution(self._result.readings, operation, chosen)

    def topology(self, window: str = RUN) -> RunFigure:
        """
        Programs and servers, and the calls between them in *window*.

        Where the scenario keeps a choice of traces, rates and shares are of these, and the
        figure says so.

        Raises:
            ValueError: The run had no such window.
        """
        from umt_sim.analysis.figures.topology import topology

        readings = self._result.readings
        self._known("window", window, list(readings.windows))
        where = readings.windows[window]
        found = edges(readings.journal, where, readings.batching(where))
        when = "whole run" if window == RUN else f"during {window}"
        chosen = bool(self._result.plan.get("spans"))
        return topology(found, f"{self._result.name}, {when}", chosen=chosen)

    def waterfall(self, trace_id: str | None = None, *, operation: str | None = None) -> RunFigure:
        """
        The spans of one request; of the slowest one when no trace is named.

        Raises:
            ValueError: There is no such trace.
        """
        from umt_sim.analysis.figures.waterfall import waterfall

        return waterfall(*self._trace(trace_id, operation))

    def sequence(self, trace_id: str | None = None, *, operation: str | None = None) -> RunFigure:
        """
        Who called whom for one request; for the slowest one when no trace is named.

        Raises:
            ValueError: There is no such trace.
        """
        from umt_sim.analysis.figures.sequence import sequence

        return sequence(*self._trace(trace_id, operation))

    def mermaid(self, trace_id: str | None = None, *, operation: str | None = None) -> str:
        """The sequence diagram as Mermaid text."""
        from umt_sim.analysis.figures.sequence import mermaid

        return mermaid(self._trace(trace_id, operation)[0])

    def _trace(self, trace_id: str | None, operation: str | None) -> tuple[Trace, str]:
        journal = self._result.journal
        if trace_id is not None:
            trace = trace_of(journal, trace_id)
            return trace, f"{trace.roots[0].name}, trace {trace_id[:8]}"
        if operation is not None:
            self._known("operation", operation, self._operations())
        slowest = slowest_traces(journal, operation, 1)
        if not slowest:
            raise ValueError("no request of this run has a trace")
        row = slowest[0]
        title = f"slowest {row.name}, due at {row.scheduled:.1f} s"
        return trace_of(journal, str(row.trace_id)), title

    def _operations(self) -> list[str]:
        return list(dict.fromkeys(self._result.readings.requests.name.tolist()))

    @staticmethod
    def _known(kind: str, name: str, names: list[str]) -> None:
        if name not in names:
            raise ValueError(f"no {kind} {name!r} in this run; there are {', '.join(names)}")
