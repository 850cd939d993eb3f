"""The order service on services in virtual time: thirty seconds of it take a moment."""

import aio_pika
import asyncpg
import pytest
from order_service import SCHEMA, OrderService

from umt_sim.faults.actions import AddToxic
from umt_sim.faults.toxics import Latency
from umt_sim.pytest_plugin.stage import Scene, Stage

pytestmark = pytest.mark.umt(
    seed=7,
    postgres={"kind": "postgres", "query": "2ms"},
    rabbitmq={"kind": "rabbitmq", "publish": "1ms"},
)


def test_an_order_waits_two_seconds_at_most(sim_world: Stage) -> None:
    """A slow broker costs a caller two seconds, not more; afterwards orders pass again."""

    async def story(scene: Scene) -> float:
        async with (
            asyncpg.create_pool(scene.endpoints["postgres"].url, min_size=1) as pool,
            await aio_pika.connect_robust(scene.endpoints["rabbitmq"].url) as connection,
        ):
            await pool.execute(SCHEMA)
            channel = await connection.channel()
            await channel.declare_queue("shipping", durable=True)
            service = OrderService(pool, channel)
            slow = AddToxic(target="rabbitmq", toxic=Latency(latency_ms=30_000))
            began = scene.now()
            async with scene.fault(slow):
                with pytest.raises(TimeoutError):
                    await service.place(1)
            waited = scene.now() - began
            await service.place(2)
            return waited

    assert sim_world.run(story) == pytest.approx(2.0, abs=1e-6)
