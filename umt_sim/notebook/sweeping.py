"""``sweep`` for notebooks and scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from umt_sim.bootstrap import sweeping
from umt_sim.expectations.grammar import number
from umt_sim.expectations.numbers import STANDARD
from umt_sim.expectations.wording import quantity
from umt_sim.notebook.progress import cell_count
from umt_sim.search.sweep import Sweep

if TYPE_CHECKING:
    from umt_sim.analysis.figure import RunFigure

__all__ = ["DrawnSweep", "sweep"]


class DrawnSweep(Sweep):
    """A sweep that draws itself."""

    def plot(self, x: str, y: str, value: str) -> RunFigure:
        """
        The mean of one number over two of the values swept, as a heat map.

        Args:
            x: Path of the value to the right, or its end: ``timeout``.
            y: Path of the value upwards, likewise.
            value: Name of a number that was measured.

        Raises:
            ValueError: There is no such value or number, or not one only.
        """
        from umt_sim.analysis.grid import grid_figure

        unit = number(value).unit
        frame = self.frame
        right, up = (_column(name, frame.columns.tolist()) for name in (x, y))
        if value not in frame:
            raise ValueError(f"{value!r} was not measured; there are {', '.join(self._measured)}")
        return grid_figure(
            frame, x=right, y=up, value=value, words=lambda found: quantity(found, unit)
        )

    @property
    def _measured(self) -> list[str]:
        return list(self.trials[0].numbers) if self.trials else []


def sweep(
    path: str | Path,
    *,
    vary: Mapping[str, Sequence[Any]] | None = None,
    seeds: Sequence[int] | None = None,
    measure: Sequence[str] = STANDARD,
    overrides: Sequence[str] = (),
    runs: str | Path | None = None,
    jobs: int = 1,
) -> DrawnSweep:
    """
    Run a scenario with every combination of some of its values.

    Each point meets the same seeds: the same arrivals and service times, so points are
    compared pair by pair. One trial in ten is run twice, to be sure that a seed still
    names one course of events.

    Args:
        path: The scenario file.
        vary: Path of a value to the values it takes:
            ``{"policies.llm.timeout": ["1s", "2s"]}``; the scenario's own ``sweep`` when left out.
        seeds: Instead of the scenario's own.
        measure: Names of numbers in the language of ``expect``, such as
            ``latency.p95 during brownout``; one that names no operation is measured for each.
        overrides: Edits of the scenario that hold at every point, ``path=value`` each.
        runs: Where run folders are kept; none are when left out.
        jobs: Trials at once, each in a process of its own.

    Returns:
        The trials: ``frame`` has a row for each, ``summary()`` one for each point, and
        ``plot(x, y, value)`` is a heat map.

    Raises:
        ScenarioError: The file, or a value at some point, is wrong.
        SearchError: A trial could not be run, or two runs of one went different ways.
    """
    with cell_count(str(path), "trials") as draw:
        found = sweeping.sweep(
            path,
            vary=vary,
            seeds=seeds,
            measure=measure,
            overrides=overrides,
            runs=runs,
            jobs=jobs,
            progress=draw,
        )
    return DrawnSweep(found.trials, repeated=found.repeated)


def _column(name: str, columns: list[str]) -> str:
    """The one path that is *name* or ends in it."""
    found = [column for column in columns if column == name or column.endswith(f".{name}")]
    if len(found) != 1:
        raise ValueError(f"{name!r} names {len(found)} of the values swept: {found}")
    return found[0]
