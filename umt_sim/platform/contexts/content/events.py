"""What the content context publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from umt_sim.platform.domain.model import DomainEvent

__all__ = [
    "ContentCreated",
    "ContentPublished",
    "ContentTested",
    "ContentVersionAdded",
]


@dataclass(frozen=True, slots=True)
class ContentCreated(DomainEvent):
    """A piece of content was written and stored as a draft."""

    event_type: ClassVar[str] = "content.created"
    content_id: UUID
    brand_id: UUID
    title: str
    channel: str


@dataclass(frozen=True, slots=True)
class ContentVersionAdded(DomainEvent):
    """A piece of content was written anew."""

    event_type: ClassVar[str] = "content.version_added"
    content_id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class ContentTested(DomainEvent):
    """A test of a piece of content's variations has a winner."""

    event_type: ClassVar[str] = "content.tested"
    content_id: UUID
    winner: str
    lift: float
    confidence: float


@dataclass(frozen=True, slots=True)
class ContentPublished(DomainEvent):
    """A piece of content went out; ``reference`` is its name at the channel."""

    event_type: ClassVar[str] = "content.published"
    content_id: UUID
    brand_id: UUID
    channel: str
    reference: str
