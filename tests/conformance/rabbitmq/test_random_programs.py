"""
Random programs, played on our broker and on the real one: each step must have the same outcome.

They find what nobody thought of. RabbitMQ's processes race, so that one program may end in several
ways there: a difference counts when it is there each time.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from itertools import takewhile
from random import Random

import pytest

from tests.conformance.rabbitmq.drawn import Step, program
from tests.conformance.rabbitmq.playing import play
from umt_sim.servers.rabbitmq import RABBITMQ_3_13, RabbitMQ
from umt_sim.worlds.live.programs.instance import Instance

PROGRAMS = 60
TRIES = 3


@pytest.mark.live
@pytest.mark.campaign
def test_random_programs(real_broker: Instance) -> None:
    """Replies, deliveries, returns, confirms, errors and the lengths of queues are the same."""
    for seed in range(PROGRAMS):
        steps = program(Random(f"rabbitmq:{seed}"))
        differences = (asyncio.run(_difference(real_broker.port, steps)) for _ in range(TRIES))
        found = list(takewhile(bool, differences))
        assert len(found) < TRIES, f"program {seed}: {found[-1]}"


async def _difference(port: int, steps: list[Step]) -> str:
    """The first step that ends otherwise, or nothing."""
    ours = RabbitMQ(rules=RABBITMQ_3_13, stream=Random(1), wall_clock=lambda: datetime.now(UTC))
    await ours.start("127.0.0.1", 0)
    try:
        here, there = await play(ours.port, steps), await play(port, steps)
    finally:
        await ours.stop()
    for number in range(len(steps)):
        if here[number] != there[number]:
            before = "\n".join(map(str, steps[: number + 1]))
            return f"{before}\nends in {here[number]}\nnot in   {there[number]}"
    return ""
