"""What the brand context publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from umt_sim.platform.domain.model import DomainEvent

__all__ = ["BrandCreated", "BrandUpdated", "ProjectCreated"]


@dataclass(frozen=True, slots=True)
class BrandCreated(DomainEvent):
    """A brand was onboarded."""

    event_type: ClassVar[str] = "brand.created"
    brand_id: UUID
    name: str
    industry: str


@dataclass(frozen=True, slots=True)
class BrandUpdated(DomainEvent):
    """Something about a brand changed; ``changed`` names what."""

    event_type: ClassVar[str] = "brand.updated"
    brand_id: UUID
    changed: str


@dataclass(frozen=True, slots=True)
class ProjectCreated(DomainEvent):
    """A project was set up for a brand."""

    event_type: ClassVar[str] = "project.created"
    project_id: UUID
    brand_id: UUID
    name: str
