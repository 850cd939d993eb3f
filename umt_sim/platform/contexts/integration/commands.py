"""Payloads of the tasks the integration context takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

__all__ = ["ConnectPlatform", "RefreshCredentials", "SyncPlatform"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectPlatform:
    """
    Connect a brand's account. Its credentials are sealed by the sender.

    A task waits in a queue, on a disk: it must not carry a secret in the clear.
    """

    brand_id: UUID
    platform: str
    account: str
    sealed_credentials: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshCredentials:
    """Use other credentials from now on; without any, seal the present ones anew."""

    integration_id: UUID
    sealed_credentials: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPlatform:
    """Fetch what the platform knows about *references*, which are its own names."""

    integration_id: UUID
    references: tuple[str, ...]
