"""A shared cache, as the platform asks for it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ["Cache"]


@runtime_checkable
class Cache(Protocol):
    """
    Bytes under a key for a while. Losing an entry is never an error, only a delay.

    Every method raises ``PortTimeout``, ``PortUnavailable`` or ``PortClosed``.
    """

    async def get(self, key: str) -> bytes | None:
        """The value stored under *key*; ``None`` when there is none or it expired."""
        ...

    async def set(self, key: str, value: bytes, *, ttl_seconds: float) -> None:
        """Store *value* under *key*; it is gone after *ttl_seconds*."""
        ...

    async def delete(self, key: str) -> None:
        """Forget *key*, whether it was there or not."""
        ...

    async def close(self) -> None:
        """Give up the connections. Later calls raise ``PortClosed``."""
        ...
