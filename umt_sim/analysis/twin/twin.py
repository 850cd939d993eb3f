"""One scenario in two worlds, compared number by number."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from umt_sim.analysis.twin.breakers import breaker_comparisons
from umt_sim.analysis.twin.comparisons import Comparison
from umt_sim.analysis.twin.conditions import broken_conditions, broken_runs, check_comparable
from umt_sim.analysis.twin.messages import message_comparisons
from umt_sim.analysis.twin.requests import request_comparisons
from umt_sim.analysis.twin.tolerances import TOLERANCES, Tolerances
from umt_sim.errors import JournalError
from umt_sim.expectations.readings import Readings
from umt_sim.expectations.verdicts import Status, worst

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from umt_sim.analysis.result import Result

__all__ = ["Twin"]


class Twin:
    """
    Two runs of one plan, in the simulated and in the live world.

    Args:
        sim: The run in virtual time.
        live: The run against real servers.
        tolerances: What still counts as agreement.

    Raises:
        JournalError: The runs are not of one plan and seed, or not of these worlds.
    """

    def __init__(self, sim: Result, live: Result, *, tolerances: Tolerances = TOLERANCES) -> None:
        check_comparable(sim, live)
        self.sim = sim
        self.live = live
        self.tolerances = tolerances

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.sim.name

    @property
    def seed(self) -> int:
        """The seed of both runs."""
        return self.sim.seed

    @property
    def pair(self) -> tuple[Readings, Readings]:
        """Both journals, opened for measuring: the sim's and the live world's."""
        return self.sim.readings, self.live.readings

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Every number in both worlds, and whether it agrees."""
        broken = tuple(broken_runs(self.sim, self.live))
        return broken or (
            *broken_conditions(self.sim, self.live),
            *request_comparisons(self.pair, self.tolerances),
            *breaker_comparisons(self.pair, self.tolerances),
            *message_comparisons(self.pair, self.tolerances),
        )

    @property
    def status(self) -> Status:
        """PASSED where the worlds agree, FAILED where they do not, else INCONCLUSIVE."""
        return worst(f.status for f in self.comparisons if f.status is not None)

    @property
    def agree(self) -> bool:
        """Whether every number that was judged agrees, and enough were."""
        return self.status is Status.PASSED

    @cached_property
    def numbers(self) -> pd.DataFrame:
        """The comparisons as a table."""
        from umt_sim.analysis.twin.frames import numbers_frame

        return numbers_frame(self.comparisons)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Good and bad answers per second over time, in both worlds."""
        from umt_sim.analysis.twin.frames import curves_frame

        return curves_frame(self.pair)

    @cached_property
    def transitions(self) -> pd.DataFrame:
        """Every transition of every breaker in either world, numbered in order."""
        from umt_sim.analysis.twin.frames import transitions_frame

        return transitions_frame(self.pair)

    def save(self, folder: str | Path) -> None:
        """Store both runs below *folder*, with the comparison as ``twin.json`` and ``twin.png``."""
        folder = Path(folder)
        for result in (self.sim, self.live):
            result.save(folder / result.world)
        text = json.dumps(self.as_dict(), indent=2, ensure_ascii=False)
        (folder / "twin.json").write_text(text + "\n", encoding="utf-8")
        with suppress(JournalError):  # a run that measured nothing has no figure
            self.plot().savefig(folder / "twin.png", dpi=150)

    def as_dict(self) -> dict[str, Any]:
        """The verdict and every comparison, as plain data."""
        from umt_sim.analysis.twin.frames import plain_comparisons

        return {
            "scenario": self.name,
            "seed": self.seed,
            "status": self.status.value,
            "sim": {"status": self.sim.status.value, "tape_hash": self.sim.tape_hash},
            "live": {"status": self.live.status.value},
            "comparisons": plain_comparisons(self.comparisons),
        }

    def plot(self) -> Figure:
        """
        Both runs over time, one drawn over the other.

        Raises:
            JournalError: A run ended before anything was measured.
        """
        from umt_sim.analysis.twin.figure import twin_figure

        return twin_figure(self)

    def __repr__(self) -> str:
        return f"<Twin {self.name} seed={self.seed}: {self.status.value}>"

    def _repr_html_(self) -> str:
        from umt_sim.analysis.twin.page import twin_html

        return twin_html(self)
