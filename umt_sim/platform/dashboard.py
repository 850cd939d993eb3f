"""What a brand's owner sees first: how much content there is in each status."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from uuid import UUID

from umt_sim.platform.errors import PortError
from umt_sim.platform.ports.cache import Cache
from umt_sim.platform.ports.database import Session
from umt_sim.platform.resilience.errors import CallNotPermitted, CallTimedOut

__all__ = ["Dashboard"]

LIFE_SECONDS = 5.0
_CACHE_FAILS = (PortError, CallNotPermitted, CallTimedOut)
_COUNT = "SELECT status, count(*) AS pieces FROM contents WHERE brand_id = $1 GROUP BY 1 ORDER BY 1"

logger = logging.getLogger(__name__)


class Dashboard:
    """
    Content by status, a few seconds old at most.

    A read model: it counts rows and builds no aggregate. A cache that fails is a
    cache that misses, so only the database can make a reading fail.

    Args:
        database: Where content is stored.
        cache: Remembers what was counted.
    """

    def __init__(self, database: Session, cache: Cache) -> None:
        self._database = database
        self._cache = cache

    async def read(self, brand_id: UUID) -> Mapping[str, int]:
        """
        Pieces of content of a brand, by status; a status nothing is in is left out.

        Raises:
            PortError: They are not remembered and could not be counted.
        """
        known = await self._remembered(brand_id)
        if known is None:
            rows = await self._database.query(_COUNT, brand_id)
            known = {str(row["status"]): int(row["pieces"]) for row in rows}
            await self._remember(brand_id, known)
        return known

    async def _remembered(self, brand_id: UUID) -> Mapping[str, int] | None:
        try:
            value = await self._cache.get(_key(brand_id))
        except _CACHE_FAILS as error:
            logger.warning("the dashboard's cache is not read: %s", error)
            return None
        if value is None:
            return None
        counts: Mapping[str, int] = json.loads(value)
        return counts

    async def _remember(self, brand_id: UUID, counts: Mapping[str, int]) -> None:
        value = json.dumps(counts).encode()
        try:
            await self._cache.set(_key(brand_id), value, ttl_seconds=LIFE_SECONDS)
        except _CACHE_FAILS as error:
            logger.warning("the dashboard's cache is not written: %s", error)


def _key(brand_id: UUID) -> str:
    return f"umt:dashboard:{brand_id}"
