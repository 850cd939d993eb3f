"""
A world for one hand-written test.

    @pytest.mark.umt(redis={"kind": "redis", "command": "200us"})
    def test_a_slow_cache_is_given_up(sim_world):
        async def story(scene):
            client = Redis.from_url(scene.endpoints["redis"].url, socket_timeout=0.5)
            async with scene.fault(AddToxic(target="redis", toxic=Latency(latency_ms=900))):
                with pytest.raises(TimeoutError):
                    await client.get("key")
        sim_world.run(story)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from umt_sim.bootstrap import open_world
from umt_sim.faults.actions import Action
from umt_sim.journal.recorder import Recorder
from umt_sim.scenario.plan import WorldName
from umt_sim.scenario.services import services
from umt_sim.servers.specs import ServiceSpec
from umt_sim.worlds.base import Endpoint, World

__all__ = ["Scene", "Stage", "staged"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scene:
    """What a story has to work with."""

    endpoints: Mapping[str, Endpoint]
    recorder: Recorder
    _world: World

    def now(self) -> float:
        """Seconds on the world's clock."""
        return self.recorder.now()

    @asynccontextmanager
    async def fault(self, action: Action, *, name: str = "fault") -> AsyncIterator[None]:
        """Have *action* in force inside the block."""
        await self._world.begin(name, action)
        try:
            yield
        finally:
            await self._world.end(name)


class Stage:
    """
    Runs stories, each in a world of its own.

    Args:
        services: What the world supplies.
        seed: Names all randomness of the world.
        world: ``sim`` or ``live``.
    """

    def __init__(self, services: tuple[ServiceSpec, ...], *, seed: int, world: WorldName) -> None:
        self._services = services
        self._seed = seed
        self._world = world

    def run(self, story: Callable[[Scene], Awaitable[T]]) -> T:
        """
        Start the services, tell *story*, stop everything, and return what it returned.

        Raises:
            WorldError: A service is missing.
            WallClockLeak: The story reached out of virtual time.
        """
        with open_world(self._services, seed=self._seed, world=self._world) as world:
            return world.run(_told(story, world))


async def _told(story: Callable[[Scene], Awaitable[T]], world: World) -> T:
    recorder = Recorder(asyncio.get_running_loop().time)
    endpoints = await world.set_up(recorder)
    try:
        return await story(Scene(endpoints, recorder, world))
    finally:
        await world.tear_down()


def staged(world: WorldName, asked: Mapping[str, Any]) -> Stage:
    """
    The stage that a test's ``umt`` marker asks for.

    Raises:
        ScenarioError: A service is not described as in a scenario file.
    """
    described = {name: value for name, value in asked.items() if name != "seed"}
    return Stage(services(described), seed=asked.get("seed", 1), world=world)
