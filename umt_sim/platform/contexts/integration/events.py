"""What the integration context publishes. Never a credential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from umt_sim.platform.domain.model import DomainEvent

__all__ = ["IntegrationConnected", "IntegrationSyncCompleted", "IntegrationSyncFailed"]


@dataclass(frozen=True, slots=True)
class IntegrationConnected(DomainEvent):
    """An account on another platform can be used."""

    event_type: ClassVar[str] = "integration.connected"
    integration_id: UUID
    brand_id: UUID
    platform: str


@dataclass(frozen=True, slots=True)
class IntegrationSyncCompleted(DomainEvent):
    """What the other platform knows was fetched."""

    event_type: ClassVar[str] = "integration.sync_completed"
    integration_id: UUID
    items: int


@dataclass(frozen=True, slots=True)
class IntegrationSyncFailed(DomainEvent):
    """What the other platform knows could not be fetched."""

    event_type: ClassVar[str] = "integration.sync_failed"
    integration_id: UUID
    reason: str
