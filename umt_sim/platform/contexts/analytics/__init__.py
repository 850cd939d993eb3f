"""Metrics, reports and what can be learnt from them."""

from __future__ import annotations

from umt_sim.platform.contexts.analytics.model import (
    Dimension,
    Insight,
    Metric,
    MetricCollection,
    Report,
    ReportKind,
    TimeFrame,
)
from umt_sim.platform.contexts.analytics.repository import (
    MetricCollectionRepository,
    ReportRepository,
)

__all__ = [
    "Dimension",
    "Insight",
    "Metric",
    "MetricCollection",
    "MetricCollectionRepository",
    "Report",
    "ReportKind",
    "ReportRepository",
    "TimeFrame",
]
