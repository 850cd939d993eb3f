"""Accounts on other platforms, their credentials and syncs."""

from __future__ import annotations

from umt_sim.platform.contexts.integration.model import (
    ConnectionSettings,
    Credentials,
    Integration,
    IntegrationStatus,
    SyncResult,
)
from umt_sim.platform.contexts.integration.repository import IntegrationRepository

__all__ = [
    "ConnectionSettings",
    "Credentials",
    "Integration",
    "IntegrationRepository",
    "IntegrationStatus",
    "SyncResult",
]
