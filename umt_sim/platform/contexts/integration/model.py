"""Integrations: an account elsewhere, how to get in, and whether that works."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from umt_sim.platform.contexts.integration.events import (
    IntegrationConnected,
    IntegrationSyncCompleted,
    IntegrationSyncFailed,
)
from umt_sim.platform.domain.identity import new_id
from umt_sim.platform.domain.model import AggregateRoot, ValueObject
from umt_sim.platform.domain.transitions import Transitions
from umt_sim.platform.errors import InvariantViolated
from umt_sim.platform.ports.vault import Vault

__all__ = [
    "ConnectionSettings",
    "Credentials",
    "Integration",
    "IntegrationStatus",
    "SyncResult",
]


_VISIBLE = re.compile(r"[!-~]+")


class IntegrationStatus(StrEnum):
    """Whether an integration can be used."""

    PENDING = "pending"  # not tried yet
    CONNECTED = "connected"  # works
    FAILING = "failing"  # the last sync failed
    REVOKED = "revoked"  # over


_STATUS = Transitions(
    "integration",
    {
        IntegrationStatus.PENDING: (IntegrationStatus.CONNECTED, IntegrationStatus.REVOKED),
        IntegrationStatus.CONNECTED: (
            IntegrationStatus.CONNECTED,
            IntegrationStatus.FAILING,
            IntegrationStatus.REVOKED,
        ),
        IntegrationStatus.FAILING: (
            IntegrationStatus.CONNECTED,
            IntegrationStatus.FAILING,
            IntegrationStatus.REVOKED,
        ),
    },
)


@dataclass(frozen=True, slots=True)
class Credentials(ValueObject):
    """
    A secret, sealed. Only ``reveal`` shows it, and only with the vault.

    Neither ``repr`` nor ``str`` shows even the sealed bytes: what is not printed
    is not copied into a ticket.
    """

    sealed: bytes = field(repr=False)

    def validate(self) -> None:
        """Not empty."""
        self.require(self.sealed, "credentials are not empty")

    @classmethod
    def of(cls, secret: str, vault: Vault) -> Credentials:
        """*secret*, sealed by *vault*."""
        cls.require(
            _VISIBLE.fullmatch(secret),
            "credentials are visible ASCII characters, with no line break or space",
        )
        return cls(vault.seal(secret))

    def reveal(self, vault: Vault) -> str:
        """The secret itself, for the moment of its use."""
        return vault.open(self.sealed)

    def renewed(self, vault: Vault) -> Credentials:
        """The same secret under the vault's newest key."""
        return Credentials(vault.reseal(self.sealed))


@dataclass(frozen=True, slots=True)
class ConnectionSettings(ValueObject):
    """How an account is reached; ``items_per_sync`` limits one sync."""

    platform: str
    account: str
    items_per_sync: int = 100

    def validate(self) -> None:
        """A platform, an account, and at least one item."""
        self.require(self.platform.strip(), "an integration is with a platform")
        self.require(self.account.strip(), "an integration is with an account")
        self.require(self.items_per_sync > 0, "a sync fetches at least one item")


@dataclass(frozen=True, slots=True)
class SyncResult(ValueObject):
    """How the last sync ended; ``failure`` is empty when it went well."""

    at: datetime
    items: int = 0
    failure: str = ""


class Integration(AggregateRoot):
    """A brand's account on another platform."""

    __slots__ = ("brand_id", "credentials", "last_sync", "settings", "status")

    def __init__(
        self,
        identity: UUID,
        *,
        brand_id: UUID,
        settings: ConnectionSettings,
        credentials: Credentials,
        status: IntegrationStatus = IntegrationStatus.PENDING,
        last_sync: SyncResult | None = None,
        version: int = 0,
    ) -> None:
        super().__init__(identity, version)
        self.brand_id = brand_id
        self.settings = settings
        self.credentials = credentials
        self.status = status
        self.last_sync = last_sync

    @classmethod
    def create(
        cls,
        *,
        brand_id: UUID,
        settings: ConnectionSettings,
        credentials: Credentials,
        integration_id: UUID | None = None,
    ) -> Integration:
        """A new integration, not tried yet."""
        return cls(
            integration_id or new_id(),
            brand_id=brand_id,
            settings=settings,
            credentials=credentials,
        )

    def connect(self) -> None:
        """Note that the platform let us in."""
        self._become(IntegrationStatus.CONNECTED)
        self._record(IntegrationConnected(self.id, self.brand_id, self.settings.platform))

    def replace_credentials(self, credentials: Credentials) -> None:
        """Use *credentials* from now on."""
        if self.status is IntegrationStatus.REVOKED:
            raise InvariantViolated("a revoked integration takes no credentials", self.id)
        self.credentials = credentials

    def complete_sync(self, items: int, *, now: datetime) -> None:
        """Note that *items* were fetched."""
        self._become(IntegrationStatus.CONNECTED)
        self.last_sync = SyncResult(now, items)
        self._record(IntegrationSyncCompleted(self.id, items))

    def fail_sync(self, reason: str, *, now: datetime) -> None:
        """Note that nothing could be fetched, and why."""
        self._become(IntegrationStatus.FAILING)
        self.last_sync = SyncResult(now, failure=reason)
        self._record(IntegrationSyncFailed(self.id, reason))

    def revoke(self) -> None:
        """Give the account up."""
        self._become(IntegrationStatus.REVOKED)

    def _become(self, status: IntegrationStatus) -> None:
        self.status = _STATUS.check(self.status, status)
