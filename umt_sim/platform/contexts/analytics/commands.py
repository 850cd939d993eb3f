"""Payloads of the tasks the analytics context takes."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

__all__ = ["AnalyzeContent", "RecommendTopics", "ResearchCompetitors"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeContent:
    """Find out which of a brand's subjects do well."""

    brand_id: UUID
    subject_ids: tuple[UUID, ...]
    metric: str = "impressions"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResearchCompetitors:
    """Find out what others in the brand's trade do."""

    brand_id: UUID
    competitors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendTopics:
    """Say what a brand should write about."""

    brand_id: UUID
