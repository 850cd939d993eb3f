"""What the analytics context publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from umt_sim.platform.domain.model import DomainEvent

__all__ = ["InsightDiscovered", "MetricsCollected", "StrategyRecommended"]


@dataclass(frozen=True, slots=True)
class MetricsCollected(DomainEvent):
    """Metrics of a subject (a campaign, a piece of content) were collected."""

    event_type: ClassVar[str] = "metrics.collected"
    collection_id: UUID
    subject_id: UUID
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InsightDiscovered(DomainEvent):
    """A report shows something worth knowing."""

    event_type: ClassVar[str] = "insight.discovered"
    report_id: UUID
    brand_id: UUID
    statement: str
    confidence: float


@dataclass(frozen=True, slots=True)
class StrategyRecommended(DomainEvent):
    """A brand was advised what to write about; best topic first."""

    event_type: ClassVar[str] = "strategy.recommended"
    report_id: UUID
    brand_id: UUID
    topics: tuple[str, ...]
