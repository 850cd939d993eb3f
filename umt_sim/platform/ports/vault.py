"""Keeping secrets, as the platform asks for it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ["Vault"]


@runtime_checkable
class Vault(Protocol):
    """Seals secrets so that they may be sent and stored."""

    def seal(self, secret: str) -> bytes:
        """*secret*, readable to nobody without the key."""
        ...

    def open(self, sealed: bytes) -> str:
        """
        The secret in *sealed*.

        Raises:
            InvariantViolated: It was not sealed with our key, or was tampered with.
        """
        ...

    def reseal(self, sealed: bytes) -> bytes:
        """The same secret, sealed with the newest key."""
        ...
