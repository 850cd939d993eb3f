"""Metrics, the time they belong to, and reports that say what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import isfinite
from statistics import mean, pstdev
from uuid import UUID

from umt_sim.platform.contexts.analytics.events import (
    InsightDiscovered,
    MetricsCollected,
    StrategyRecommended,
)
from umt_sim.platform.domain.identity import new_id
from umt_sim.platform.domain.model import AggregateRoot, ValueObject
from umt_sim.platform.errors import InvariantViolated

__all__ = [
    "Dimension",
    "Insight",
    "Metric",
    "MetricCollection",
    "Report",
    "ReportKind",
    "TimeFrame",
    "outstanding",
]

_NOTEWORTHY_SPREADS = 1.0


@dataclass(frozen=True, slots=True)
class TimeFrame(ValueObject):
    """From *begins* up to, but not including, *ends*."""

    begins: datetime
    ends: datetime

    def validate(self) -> None:
        """Not of negative length."""
        self.require(self.begins <= self.ends, "a time frame ends after it begins")


@dataclass(frozen=True, slots=True)
class Dimension(ValueObject):
    """Along what a metric is broken down: ``Dimension("channel", "social")``."""

    name: str
    value: str

    def validate(self) -> None:
        """A name."""
        self.require(self.name.strip(), "a dimension has a name")


@dataclass(frozen=True, slots=True)
class Metric(ValueObject):
    """A number with a name and a unit."""

    name: str
    value: float
    unit: str = "1"
    dimensions: tuple[Dimension, ...] = ()

    def validate(self) -> None:
        """A name, and a number that is one."""
        self.require(self.name.strip(), "a metric has a name")
        self.require(isfinite(self.value), f"{self.name} is not a number")


@dataclass(frozen=True, slots=True)
class Insight(ValueObject):
    """Something worth knowing; ``confidence`` from 0 to 1."""

    statement: str
    confidence: float

    def validate(self) -> None:
        """A sentence, and a confidence that is one."""
        self.require(self.statement.strip(), "an insight says something")
        self.require(0.0 <= self.confidence <= 1.0, "confidence is between 0 and 1")


class MetricCollection(AggregateRoot):
    """What was measured of one subject in one time frame. Written once."""

    __slots__ = ("metrics", "subject_id", "time_frame")

    def __init__(
        self,
        identity: UUID,
        *,
        subject_id: UUID,
        time_frame: TimeFrame,
        metrics: Iterable[Metric],
        version: int = 0,
    ) -> None:
        super().__init__(identity, version)
        self.subject_id = subject_id
        self.time_frame = time_frame
        self.metrics = tuple(metrics)
        if not self.metrics:
            raise InvariantViolated("a collection holds at least one metric", identity)

    @classmethod
    def collect(
        cls,
        *,
        subject_id: UUID,
        time_frame: TimeFrame,
        metrics: Iterable[Metric],
        collection_id: UUID | None = None,
    ) -> MetricCollection:
        """A new collection, with its event."""
        collection = cls(
            collection_id or new_id(),
            subject_id=subject_id,
            time_frame=time_frame,
            metrics=metrics,
        )
        names = tuple(metric.name for metric in collection.metrics)
        collection._record(MetricsCollected(collection.id, subject_id, names))
        return collection

    def value(self, name: str) -> float | None:
        """The metric of this name; ``None`` when it was not measured."""
        for metric in self.metrics:
            if metric.name == name:
                return metric.value
        return None


class ReportKind(StrEnum):
    """What a report is about."""

    PERFORMANCE = "performance"
    COMPETITORS = "competitors"
    STRATEGY = "strategy"


class Report(AggregateRoot):
    """What was found out for a brand."""

    __slots__ = ("_insights", "brand_id", "kind", "topics")

    def __init__(
        self,
        identity: UUID,
        *,
        brand_id: UUID,
        kind: ReportKind,
        insights: Iterable[Insight] = (),
        topics: Iterable[str] = (),
        version: int = 0,
    ) -> None:
        super().__init__(identity, version)
        self.brand_id = brand_id
        self.kind = kind
        self.topics = tuple(topics)
        self._insights = list(insights)

    @classmethod
    def begin(cls, *, brand_id: UUID, kind: ReportKind, report_id: UUID | None = None) -> Report:
        """An empty report."""
        return cls(report_id or new_id(), brand_id=brand_id, kind=kind)

    @property
    def insights(self) -> tuple[Insight, ...]:
        """What was found out, in the order it was."""
        return tuple(self._insights)

    def add(self, insight: Insight) -> None:
        """Note an insight."""
        self._insights.append(insight)
        self._record(
            InsightDiscovered(self.id, self.brand_id, insight.statement, insight.confidence)
        )

    def recommend(self, topics: Iterable[str]) -> None:
        """Advise to write about *topics*, best first."""
        self.topics = tuple(topics)
        self._record(StrategyRecommended(self.id, self.brand_id, self.topics))


def outstanding(values: Mapping[UUID, float], metric: str) -> list[Insight]:
    """
    What stands out among the *values* of one metric, by subject.

    A subject is worth a sentence when it lies more than one standard deviation
    from the mean; how far it lies says how sure we are. Fewer than three
    subjects say nothing.
    """
    if len(values) < 3:
        return []
    middle, spread = mean(values.values()), pstdev(values.values())
    if not spread:
        return []
    insights = []
    for subject, value in values.items():
        distance = (value - middle) / spread
        if abs(distance) > _NOTEWORTHY_SPREADS:
            word = "above" if distance > 0 else "below"
            insights.append(
                Insight(
                    f"{metric} of {subject} is {abs(distance):.1f} standard deviations"
                    f" {word} the mean of {middle:g}",
                    confidence=min(1.0, 1 - 1 / distance**2),
                )
            )
    return insights
