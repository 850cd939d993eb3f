"""The auditor tells the journal what is in the platform's tables, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import OUTBOX, EffectRecord, QueueSample
from umt_sim.kernel import Kernel
from umt_sim.platform.errors import PortUnavailable
from umt_sim.platform.ports.database import Session
from umt_sim.systems.umt.auditor import Auditor

TABLES = {"brands": ["Acme"], "contents": ["Story 1", "Story 1"], "campaigns": []}


class Tables:
    """A database that is away for its first *failures* statements."""

    def __init__(self, unsent: Sequence[int], *, failures: int = 0) -> None:
        self.unsent = list(unsent)
        self.failures = failures

    async def query(self, sql: str, *_: Any) -> Sequence[Any]:
        if self.failures:
            self.failures -= 1
            raise PortUnavailable("database", "SELECT", "connection refused")
        table = sql.rsplit(" ", 1)[-1]
        if table == "outbox":
            return [{"rows": self.unsent.pop(0)}]
        return [{"name": name} for name in TABLES[table]]

    async def execute(self, sql: str, *_: Any) -> int:
        raise AssertionError(f"an auditor writes nothing: {sql}")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        raise AssertionError("an auditor writes nothing")
        yield

    async def close(self) -> None:
        """Nothing to give up."""


def audited(tables: Tables, seconds: float) -> Recorder:
    """What an auditor of *tables* records in *seconds* of watching and its stock-taking."""
    with Kernel(seed=1) as kernel:
        recorder = Recorder(kernel.loop.time)
        auditor = Auditor(tables, server="postgres", recorder=recorder)

        async def main() -> None:
            watching = asyncio.create_task(auditor.watch())
            await asyncio.sleep(seconds)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await auditor.take_stock()

        kernel.run(main())
    return recorder


def test_the_outbox_is_sampled_every_second_and_at_the_end() -> None:
    """Watching for two and a half seconds gives three samples, stock-taking one more."""
    samples = audited(Tables([3, 2, 1, 0]), 2.5).so_far(QueueSample)
    assert [(0.0, 3), (1.0, 2), (2.0, 1), (2.5, 0)] == [(s.at, s.ready) for s in samples]
    assert {("postgres", OUTBOX)} == {(s.server, s.queue) for s in samples}


def test_everything_that_was_made_is_an_effect() -> None:
    """What is there twice is recorded twice."""
    effects = audited(Tables([0, 0]), 0.5).so_far(EffectRecord)
    assert [
        EffectRecord(0.5, "brand.created", "Acme"),
        EffectRecord(0.5, "content.created", "Story 1"),
        EffectRecord(0.5, "content.created", "Story 1"),
    ] == effects


def test_a_database_that_comes_back_is_asked_again() -> None:
    """No sample while it is away; stock is taken once, when it has come back."""
    recorder = audited(Tables([0], failures=3), 1.5)  # two samples and the first attempt fail
    assert [2.5] == [sample.at for sample in recorder.so_far(QueueSample)]
    assert 3 == len(recorder.so_far(EffectRecord))


def test_a_database_that_stays_away_is_no_finding() -> None:
    """Nothing is recorded, so that nothing can be concluded."""
    recorder = audited(Tables([], failures=100), 1.5)
    assert [] == recorder.so_far(QueueSample) == recorder.so_far(EffectRecord)
