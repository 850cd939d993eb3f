"""A live run insists on the broker's version that its scenario asks for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from random import Random
from typing import get_args

import pytest

from umt_sim.errors import WorldUnavailable
from umt_sim.servers.rabbitmq import RULES, RabbitMQ
from umt_sim.servers.specs import Version
from umt_sim.worlds.base import Endpoint
from umt_sim.worlds.live.programs.own import Own
from umt_sim.worlds.live.servers import one_server
from umt_sim.worlds.live.versions import insist_on_version

VERSIONS: tuple[Version, ...] = get_args(Version)


def _endpoint(port: int) -> Endpoint:
    return Endpoint("broker", "rabbitmq", "127.0.0.1", port, "umt", "umt", "/")


@pytest.mark.parametrize("asked", VERSIONS)
@pytest.mark.parametrize("there", VERSIONS)
def test_another_version_is_refused(there: Version, asked: Version) -> None:
    """Both are named, with what to do: a run against it would say nothing about the scenario."""

    async def main() -> None:
        broker = RabbitMQ(
            rules=RULES[there],
            stream=Random(1),
            wall_clock=lambda: datetime.now(UTC),
            accounts={"umt": "umt"},
        )
        await broker.start("127.0.0.1", 0)
        try:
            await insist_on_version(_endpoint(broker.port), asked)
        finally:
            await broker.stop()

    if asked == there:
        asyncio.run(main())
        return
    with pytest.raises(WorldUnavailable) as refused:
        asyncio.run(main())
    sentence = str(refused.value)
    assert f"asks for RabbitMQ {asked}, and this one is {RULES[there].version}; " in sentence
    assert sentence.endswith("or take any with --set services.broker.version=null")


def test_our_own_broker_is_of_the_version_asked_for() -> None:
    """As a process, which the embedded provider starts."""
    with one_server(Own("rabbitmq", "3.13")) as broker:
        asyncio.run(insist_on_version(_endpoint(broker.port), "3.13"))
