"""Where metrics and reports are kept, as the context asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from umt_sim.platform.contexts.analytics.model import MetricCollection, Report

__all__ = ["MetricCollectionRepository", "ReportRepository"]


class MetricCollectionRepository(Protocol):
    """All collected metrics."""

    async def save(self, aggregate: MetricCollection) -> None:
        """Store a collection; raises ``VersionConflict``."""
        ...

    async def latest(self, subject_ids: Sequence[UUID]) -> Sequence[MetricCollection]:
        """The latest collection of each subject that has one, in the order given."""
        ...


class ReportRepository(Protocol):
    """All reports."""

    async def save(self, aggregate: Report) -> None:
        """Store a report, new or changed; raises ``VersionConflict``."""
        ...

    async def get(self, identity: UUID) -> Report:
        """The report of this id; raises ``NotFound``."""
        ...

    async def of_brand(self, brand_id: UUID) -> Sequence[Report]:
        """A brand's reports."""
        ...
