"""``compare`` for notebooks: two policies on the same luck, as a table and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from umt_sim.analysis import Result
from umt_sim.analysis.comparison import compare as compared
from umt_sim.analysis.figures.differences import differences
from umt_sim.analysis.report import comparison_report
from umt_sim.measures.windows import RUN

if TYPE_CHECKING:
    from umt_sim.analysis.figure import RunFigure

__all__ = ["Comparison", "compare"]


class Comparison:
    """
    What differs between two sets of runs.

    Args:
        frame: One row a number, as ``umt_sim.analysis.comparison.compare`` gives it.
        names: How the two sets are called.
    """

    def __init__(self, frame: pd.DataFrame, names: tuple[str, str]) -> None:
        self.frame = frame
        self._names = names

    @property
    def _title(self) -> str:
        return f"{self._names[0]} against {self._names[1]}"

    def plot(self) -> RunFigure:
        """Every difference with its interval."""
        return differences(self.frame, self._title)

    def report(self, path: str | Path) -> Path:
        """Write one HTML file that needs no network, and return where."""
        first, second = self._names
        text = comparison_report(self.frame, self._title, first=first, second=second)
        Path(path).write_text(text, encoding="utf-8")
        return Path(path)

    def __repr__(self) -> str:
        clear = int(self.frame["clear"].astype(bool).sum())
        return f"<comparison {self._title}: {clear} of {len(self.frame)} numbers differ clearly>"

    def _repr_html_(self) -> str:
        table = self.frame.to_html(index=False, float_format="{:.4g}".format, na_rep="")
        return f"{self.plot().html(self._title)}{table}"


def compare(
    first: Result | Sequence[Result],
    second: Result | Sequence[Result],
    *,
    window: str = RUN,
    names: tuple[str, str] = ("first", "second"),
) -> Comparison:
    """
    Compare two plans over the seeds that both were run with.

    Args:
        first: Runs of one plan, one for each seed, or a single one.
        second: Runs of the other.
        window: Where to measure.
        names: How they are called.

    Raises:
        ValueError: They share no seed.
    """
    one, two = ([runs] if isinstance(runs, Result) else runs for runs in (first, second))
    return Comparison(compared(one, two, window), names)
