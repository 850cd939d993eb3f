"""An old cache as a Cache, and back."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from math import ceil
from typing import Any

from umt_sim.platform.adapters.threads import Outside, in_thread
from umt_sim.platform.bridges.legacy import LegacyCache
from umt_sim.platform.errors import PortClosed, PortUnavailable
from umt_sim.platform.ports.cache import Cache

__all__ = ["CacheBehindLegacy", "LegacyBehindCache"]


class LegacyBehindCache:
    """
    Answers the Cache port with an old cache.

    Bytes travel as base64, since the old cache keeps text; text that old components put
    there is none, and a miss. Whatever it raises is ``PortUnavailable``: it does not say more.
    """

    def __init__(
        self, legacy: LegacyCache, *, run: Callable[..., Awaitable[Any]] = in_thread
    ) -> None:
        self._legacy = legacy
        self._run = run
        self._closed = False

    async def get(self, key: str) -> bytes | None:
        """The value stored under *key*."""
        value = await self._call("GET", self._legacy.get, key)
        try:
            return None if value is None else base64.b64decode(value, validate=True)
        except ValueError:
            return None

    async def set(self, key: str, value: bytes, *, ttl_seconds: float) -> None:
        """Store *value*; the old cache knows whole seconds, so it lives up to one longer."""
        text = base64.b64encode(value).decode("ascii")
        await self._call("SET", self._legacy.set, key, text, ceil(ttl_seconds))

    async def delete(self, key: str) -> None:
        """Forget *key*."""
        await self._call("DEL", self._legacy.delete, key)

    async def close(self) -> None:
        """Use the old cache no more; it stays open for its other users."""
        self._closed = True

    async def _call(self, operation: str, function: Callable[..., Any], *args: Any) -> Any:
        if self._closed:
            raise PortClosed("cache", operation)
        try:
            return await self._run(function, *args)
        except Exception as error:
            raise PortUnavailable("cache", operation, str(error)) from error


class CacheBehindLegacy:
    """Answers the old interface with a Cache. Called from other threads than the loop's."""

    def __init__(self, cache: Cache, outside: Outside) -> None:
        self._cache = cache
        self._outside = outside

    def get(self, key: str) -> str | None:
        """The text, or ``None``."""
        value = self._outside.wait(self._cache.get(key))
        return None if value is None else value.decode()

    def set(self, key: str, value: str, ttl: int) -> None:
        """Store for *ttl* whole seconds."""
        self._outside.wait(self._cache.set(key, value.encode(), ttl_seconds=ttl))

    def delete(self, key: str) -> None:
        """Forget."""
        self._outside.wait(self._cache.delete(key))
