"""Payloads of the tasks the content context takes."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

__all__ = [
    "CreateContent",
    "GenerateVariations",
    "PublishContent",
    "ScoreVariation",
    "VariationCounts",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateContent:
    """
    Write a piece of content.

    The content strategy agent adds ``topics`` and ``tone``; a request that brings
    its own topics may go to the content creation agent directly.
    """

    brand_id: UUID
    title: str
    content_type: str = "post"
    channel: str = "site"
    variations: int = 2
    topics: tuple[str, ...] = ()
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateVariations:
    """Write more variations of a stored piece of content."""

    content_id: UUID
    count: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class VariationCounts:
    """How often a variation was shown, and how often it had the wished effect."""

    label: str
    impressions: int
    conversions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreVariation:
    """
    Compare two variations. With *content_id* the result is noted at the content.

    ``control`` is the one in use, ``challenger`` the one that wants its place.
    """

    control: VariationCounts
    challenger: VariationCounts
    content_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishContent:
    """Send a stored piece of content out."""

    content_id: UUID
