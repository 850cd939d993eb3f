"""A brand's strategy: worked out from what is stored, remembered in the cache."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from uuid import UUID

from umt_sim.platform.contexts.brand.repository import BrandRepository
from umt_sim.platform.contexts.content.repository import ContentRepository
from umt_sim.platform.contexts.content.strategy import Strategy, recommend
from umt_sim.platform.errors import PortError
from umt_sim.platform.ports.cache import Cache
from umt_sim.platform.resilience.errors import CallNotPermitted, CallTimedOut

__all__ = ["Strategies"]

LIFE_SECONDS = 300.0
_CACHE_FAILS = (PortError, CallNotPermitted, CallTimedOut)

logger = logging.getLogger(__name__)


class Strategies:
    """
    Strategies by brand.

    A cache that fails, or holds what another release wrote, is a cache that misses: the
    strategy is worked out again.
    """

    def __init__(self, brands: BrandRepository, contents: ContentRepository, cache: Cache) -> None:
        self._brands = brands
        self._contents = contents
        self._cache = cache

    async def of(self, brand_id: UUID) -> Strategy:
        """
        The strategy of a brand.

        Raises:
            NotFound: There is no such brand.
        """
        known = await self._remembered(brand_id)
        if known is None:
            known = await self._work_out(brand_id)
            await self._remember(brand_id, known)
        return known

    async def forget(self, brand_id: UUID) -> None:
        """Work the strategy of a brand out again next time."""
        await self._cache.delete(_key(brand_id))

    async def _work_out(self, brand_id: UUID) -> Strategy:
        brand = await self._brands.get(brand_id)
        written = await self._contents.of_brand(brand_id)
        return recommend(
            description=brand.description,
            industry=brand.industry.name,
            tone=brand.styling.content_tone,
            interests=brand.target_audience.interests if brand.target_audience else (),
            already_written=[content.title for content in written],
        )

    async def _remembered(self, brand_id: UUID) -> Strategy | None:
        try:
            value = await self._cache.get(_key(brand_id))
        except _CACHE_FAILS as error:
            logger.warning("the strategy cache is not read: %s", error)
            return None
        return None if value is None else _read(value)

    async def _remember(self, brand_id: UUID, strategy: Strategy) -> None:
        value = json.dumps(asdict(strategy)).encode()
        try:
            await self._cache.set(_key(brand_id), value, ttl_seconds=LIFE_SECONDS)
        except _CACHE_FAILS as error:
            logger.warning("the strategy cache is not written: %s", error)


def _read(value: bytes) -> Strategy | None:
    """What ``_remember`` wrote; ``None`` if it is something else."""
    try:
        fields = json.loads(value)
        topics, tone = fields["topics"], fields["tone"]
    except (ValueError, LookupError, TypeError) as error:
        logger.warning("a cached strategy cannot be read: %s", type(error).__name__)
        return None
    well = isinstance(tone, str) and isinstance(topics, list)
    return Strategy(tuple(map(str, topics)), tone) if well else None


def _key(brand_id: UUID) -> str:
    return f"umt:strategy:{brand_id}"
