"""One run, opened for people: verdict, tables, figure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from umt_sim.errors import JournalError
from umt_sim.expectations.grammar import expect
from umt_sim.expectations.judgement import Judgement, judge_run
from umt_sim.expectations.judging import judge
from umt_sim.expectations.readings import Readings
from umt_sim.expectations.verdicts import Status, Verdict
from umt_sim.faults.timeline import BASELINE, Window
from umt_sim.journal import storage
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import (
    BreakerEvent,
    BreakerSnapshot,
    EffectRecord,
    FaultRecord,
    LogLine,
    MessageEvent,
    Observation,
    QueueSample,
    ResourceSample,
    RetryEvent,
    StationTotals,
    UnhandledError,
)
from umt_sim.measures.warmup import advised_truncation

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from umt_sim.analysis.breaker import BreakerView
    from umt_sim.analysis.figures.gallery import Gallery

__all__ = ["Result", "where"]


class Result:
    """
    What a run left behind.

    Everything is worked out from the journal when it is first asked for, so a
    stored run can be judged and plotted again without running it.

    Args:
        journal: The closed record of the run.
        folder: Where it is stored, if it is.
    """

    def __init__(self, journal: Journal, folder: Path | None = None) -> None:
        self.journal = journal
        self.folder = folder
        self._readings = Readings(journal)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """
        Open a stored run.

        Raises:
            JournalError: It is not a run folder, or damaged.
        """
        return cls(storage.load(Path(folder)), Path(folder))

    def save(self, folder: str | Path, *, draw: bool = True) -> None:
        """
        Store the run in *folder*, made if need be: its journal, and a figure.

        Args:
            folder: Where to.
            draw: Whether the figure is drawn; later, ``plot`` draws the same.
        """
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        storage.save(self.journal, self.folder)
        if draw:
            self.save_figure(self.folder)

    def save_figure(self, folder: str | Path) -> None:
        """Store the figure alone in *folder*, which exists."""
        try:
            self.plot().savefig(Path(folder) / "figure.png", dpi=150)
        except JournalError:
            return  # the run ended before there was anything to draw

    @property
    def name(self) -> str:
        """The scenario's name."""
        return str(self.journal.header.get("scenario", ""))

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return int(self.journal.header.get("seed", 0))

    @property
    def world(self) -> str:
        """``sim`` or ``live``."""
        return str(self.journal.header.get("world", ""))

    @property
    def where(self) -> str:
        """The world in words, with who supplied its servers: ``live world (embedded)``."""
        return where(self.world, self.journal.header.get("versions", {}))

    @property
    def tape_hash(self) -> str | None:
        """The same for every run of one plan and seed in virtual time; ``None`` for a live run."""
        found: str | None = self.journal.header.get("tape_hash")
        return found

    @property
    def plan(self) -> dict[str, Any]:
        """The frozen plan, as plain data."""
        found: dict[str, Any] = self.journal.header.get("plan", {})
        return found

    @cached_property
    def verdict(self) -> Judgement:
        """The answer to everything the plan expects."""
        expectations = [expect(text) for text in self.plan.get("expect", ())]
        return judge_run(self.journal, expectations, self.plan.get("invariants", ()))

    @property
    def status(self) -> Status:
        """The verdict in a word."""
        return self.verdict.status

    @property
    def passed(self) -> bool:
        """Whether everything expected held."""
        return self.status is Status.PASSED

    def expect(self, text: str) -> Verdict:
        """
        Judge one more expectation on this run.

        Args:
            text: In the language of ``expect``, for example
                ``"latency(create_content).p95 < 800ms during baseline"``.

        Raises:
            ExpectationError: It is not in the language; says where and what is allowed.
        """
        return judge(expect(text), self._readings)

    @property
    def readings(self) -> Readings:
        """The journal, opened for measuring."""
        return self._readings

    @cached_property
    def operations(self) -> pd.DataFrame:
        """Every request: times, outcome, latency, the window it was scheduled in."""
        from umt_sim.analysis.frames import operations_frame

        try:
            windows = self._readings.windows
        except JournalError:
            windows = {}  # it ended in its warm-up; what was asked until then is there
        return operations_frame(self.journal, windows)

    @cached_property
    def spans(self) -> pd.DataFrame:
        """Every span of the code under test."""
        from umt_sim.analysis.frames import spans_frame

        return spans_frame(self.journal)

    def span_attributes(self, *names: str) -> pd.DataFrame:
        """Attributes of spans, a column each beside ``span_id``; all when none is named."""
        from umt_sim.analysis.frames import attributes_frame

        return attributes_frame(self.journal, names)

    @cached_property
    def breakers(self) -> pd.DataFrame:
        """What circuit breakers published."""
        return self._frame(BreakerEvent)

    @cached_property
    def messages(self) -> pd.DataFrame:
        """Every step in the life of a message."""
        return self._frame(MessageEvent)

    @cached_property
    def effects(self) -> pd.DataFrame:
        """What took place that must take place once."""
        return self._frame(EffectRecord)

    @cached_property
    def observations(self) -> pd.DataFrame:
        """Numbers that only the system or a checker of it knew."""
        return self._frame(Observation)

    @cached_property
    def snapshots(self) -> pd.DataFrame:
        """The numbers of circuit breakers over time."""
        return self._frame(BreakerSnapshot)

    @cached_property
    def errors(self) -> pd.DataFrame:
        """Exceptions that nobody handled."""
        return self._frame(UnhandledError)

    @cached_property
    def faults(self) -> pd.DataFrame:
        """Faults that were applied, with what they met."""
        return self._frame(FaultRecord)

    @cached_property
    def queues(self) -> pd.DataFrame:
        """Lengths of queues."""
        return self._frame(QueueSample)

    @cached_property
    def resources(self) -> pd.DataFrame:
        """Workers busy and callers waiting at the servers."""
        return self._frame(ResourceSample)

    @cached_property
    def stations(self) -> pd.DataFrame:
        """The exact account of each server's station over the whole run."""
        return self._frame(StationTotals)

    @cached_property
    def retries(self) -> pd.DataFrame:
        """Every decision to try again."""
        return self._frame(RetryEvent)

    @cached_property
    def logs(self) -> pd.DataFrame:
        """Log records of the code under test."""
        return self._frame(LogLine)

    @property
    def advised_warmup(self) -> float | None:
        """
        Seconds of the run that MSER-5 would leave out as warm-up; ``None`` if it cannot say.

        Judged by the latency of what was asked for before the first fault. Advice
        only: what is left out is the scenario's ``clock.warmup``.
        """
        calm_until = self._readings.windows.get(BASELINE, self._readings.run).end
        calm = self._readings.requests.scheduled_in(Window("calm", 0.0, calm_until))
        calm = calm.where(calm.ok)
        count = advised_truncation(calm.sojourn_times())
        return None if count is None else float(calm.scheduled[count])

    def summary(self) -> pd.DataFrame:
        """Each operation in each window: requests, goodput, errors, percentiles, intervals."""
        from umt_sim.analysis.summary import summary_frame

        return summary_frame(self._readings)

    def impact(self) -> pd.DataFrame:
        """What each fault did to each operation: reach, detection, recovery."""
        from umt_sim.analysis.impact import impact_frame

        return impact_frame(self._readings)

    def breaker_worth(self) -> pd.DataFrame:
        """Calls that each breaker saved, wasted, or let through to fail."""
        from umt_sim.analysis.impact import breaker_worth_frame

        return breaker_worth_frame(self._readings)

    def breaker(self, name: str) -> BreakerView:
        """
        One circuit breaker: its states over time, its worth, its transitions.

        Raises:
            ValueError: The run had no such breaker.
        """
        from umt_sim.analysis.breaker import BreakerView

        return BreakerView(self._readings, name)

    @property
    def figures(self) -> Gallery:
        """Everything that can be drawn of the run: ``result.figures.topology()``."""
        from umt_sim.analysis.figures.gallery import Gallery

        return Gallery(self)

    def plot(self, *operations: str) -> Figure:
        """
        The run over time, in one figure.

        Args:
            operations: Those to show; all of them when none is named.

        Raises:
            JournalError: The run ended before anything was measured.
        """
        from umt_sim.analysis.figure import run_figure

        return run_figure(self, operations)

    def __repr__(self) -> str:
        return (
            f"<Result {self.name} seed={self.seed} world={self.world}: {self.status.value},"
            f" {len(self._readings.requests)} requests>"
        )

    def _repr_html_(self) -> str:
        from umt_sim.analysis.page import run_html

        return run_html(self)

    def _frame(self, kind: Any) -> pd.DataFrame:
        from umt_sim.analysis.frames import records_frame

        return records_frame(self.journal, kind)


def where(world: str, versions: Mapping[str, str]) -> str:
    """A world in words. Servers that stand in for the real ones are named with it."""
    provider = versions.get("provider")
    return f"{world} world ({provider})" if provider else f"{world} world"
