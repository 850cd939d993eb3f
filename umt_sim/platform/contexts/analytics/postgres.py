"""Metrics and reports in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar
from uuid import UUID

from umt_sim.platform.contexts.analytics.model import (
    Dimension,
    Insight,
    Metric,
    MetricCollection,
    Report,
    ReportKind,
    TimeFrame,
)
from umt_sim.platform.ports.database import Row
from umt_sim.platform.storage.repository import Repository
from umt_sim.platform.storage.table import AggregateTable

__all__ = [
    "MetricCollectionTable",
    "PostgresMetricCollectionRepository",
    "PostgresReportRepository",
    "ReportTable",
]


class MetricCollectionTable(AggregateTable[MetricCollection]):
    """Table ``metric_collections``."""

    name = "metric_collections"
    kind = MetricCollection
    columns: ClassVar[Mapping[str, str]] = {
        "subject_id": "uuid",
        "begins": "timestamptz",
        "ends": "timestamptz",
    }

    def values(self, aggregate: MetricCollection) -> Mapping[str, Any]:
        """What metrics are looked up by."""
        return {
            "subject_id": aggregate.subject_id,
            "begins": aggregate.time_frame.begins,
            "ends": aggregate.time_frame.ends,
        }

    def document(self, aggregate: MetricCollection) -> Mapping[str, Any]:
        """The rest."""
        return {"metrics": [asdict(metric) for metric in aggregate.metrics]}

    def restore(self, row: Row, document: Mapping[str, Any]) -> MetricCollection:
        """The collection in *row*."""
        return MetricCollection(
            row["id"],
            subject_id=row["subject_id"],
            time_frame=TimeFrame(row["begins"], row["ends"]),
            metrics=[_metric(fields) for fields in document["metrics"]],
            version=row["version"],
        )


class PostgresMetricCollectionRepository(Repository[MetricCollection]):
    """All collected metrics, in PostgreSQL."""

    table = MetricCollectionTable()

    async def latest(self, subject_ids: Sequence[UUID]) -> Sequence[MetricCollection]:
        """The latest collection of each subject that has one, in the order given."""
        rows = await self._session.query(
            "SELECT DISTINCT ON (subject_id) * FROM metric_collections"
            " WHERE subject_id = ANY($1::uuid[]) ORDER BY subject_id, ends DESC, id",
            list(subject_ids),
        )
        found = {row["subject_id"]: self.table.load(row) for row in rows}
        return [found[subject] for subject in subject_ids if subject in found]


class ReportTable(AggregateTable[Report]):
    """Table ``reports``."""

    name = "reports"
    kind = Report
    columns: ClassVar[Mapping[str, str]] = {"brand_id": "uuid", "kind": "text"}

    def values(self, aggregate: Report) -> Mapping[str, Any]:
        """What reports are looked up by."""
        return {"brand_id": aggregate.brand_id, "kind": aggregate.kind.value}

    def document(self, aggregate: Report) -> Mapping[str, Any]:
        """The rest."""
        return {
            "insights": [asdict(insight) for insight in aggregate.insights],
            "topics": list(aggregate.topics),
        }

    def restore(self, row: Row, document: Mapping[str, Any]) -> Report:
        """The report in *row*."""
        return Report(
            row["id"],
            brand_id=row["brand_id"],
            kind=ReportKind(row["kind"]),
            insights=[Insight(**fields) for fields in document["insights"]],
            topics=document["topics"],
            version=row["version"],
        )


class PostgresReportRepository(Repository[Report]):
    """All reports, in PostgreSQL."""

    table = ReportTable()

    async def of_brand(self, brand_id: UUID) -> Sequence[Report]:
        """A brand's reports."""
        return await self._select("brand_id = $1 ORDER BY id", brand_id)


def _metric(fields: Mapping[str, Any]) -> Metric:
    return Metric(
        fields["name"],
        fields["value"],
        fields["unit"],
        tuple(Dimension(**dimension) for dimension in fields["dimensions"]),
    )
