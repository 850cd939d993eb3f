"""
Reads the platform's own tables for the journal: the outbox, and what was made.

An auditor comes from outside. It has a connection of its own that no policy guards,
belongs to no host, and takes nobody's word: what a process believes to have stored or
sent does not count.
"""

from __future__ import annotations

import asyncio
import logging

from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import OUTBOX, EffectRecord, QueueSample
from umt_sim.platform.errors import PortTimeout, PortUnavailable
from umt_sim.platform.ports.database import Database

__all__ = ["Auditor"]

EVERY_SECONDS = 1.0
ATTEMPTS = 5

UNSENT = "SELECT count(*) AS rows FROM outbox"
MADE = {
    "brand.created": "SELECT name FROM brands",
    "content.created": "SELECT title AS name FROM contents",
    "campaign.created": "SELECT document ->> 'name' AS name FROM campaigns",
}
"""What there must be once of each name: every request of the users names what it wants made."""

_AWAY = (PortTimeout, PortUnavailable)

logger = logging.getLogger(__name__)


class Auditor:
    """
    Samples the outbox while the platform runs, and takes stock once it has come to rest.

    Args:
        database: The platform's database.
        server: Name of the service it is, for the samples.
        recorder: Gets a ``QueueSample`` named ``outbox`` every second, and at the end an
            ``EffectRecord`` for each brand, content and campaign there is.
    """

    def __init__(self, database: Database, *, server: str, recorder: Recorder) -> None:
        self._database = database
        self._server = server
        self._recorder = recorder

    async def watch(self) -> None:
        """Sample the outbox until cancelled; while the database is away there are no samples."""
        while True:
            try:
                await self._sample()
            except _AWAY as error:
                logger.info("the outbox is not sampled: %s", error)
            await asyncio.sleep(EVERY_SECONDS)

    async def take_stock(self) -> None:
        """
        Sample the outbox once more and record everything that was made.

        A database that stays away is no finding about the platform: nothing is recorded.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._sample()
                await self._count()
                return
            except _AWAY as error:
                logger.warning("attempt %d to take stock: %s", attempt, error)
                await asyncio.sleep(EVERY_SECONDS)

    async def _sample(self) -> None:
        (row,) = await self._database.query(UNSENT)
        self._recorder.add(
            QueueSample(
                at=self._recorder.now(),
                server=self._server,
                queue=OUTBOX,
                ready=int(row["rows"]),
                unacked=0,
                consumers=0,
            )
        )

    async def _count(self) -> None:
        made = [
            (kind, str(row["name"]))
            for kind, sql in MADE.items()
            for row in await self._database.query(sql)
        ]
        for kind, name in made:
            self._recorder.add(EffectRecord(at=self._recorder.now(), kind=kind, key=name))
