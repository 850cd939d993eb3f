"""Opens a world by its name. Brings in no more than that world needs."""

from __future__ import annotations

from umt_sim.errors import WorldUnavailable
from umt_sim.scenario.plan import WorldName
from umt_sim.servers.specs import ServiceSpec
from umt_sim.worlds.base import World

__all__ = ["open_world"]


def open_world(services: tuple[ServiceSpec, ...], *, seed: int, world: WorldName) -> World:
    """
    A world that supplies *services*; enter it with ``with``.

    Args:
        services: What to supply.
        seed: Names all randomness.
        world: Which one.

    Raises:
        WorldUnavailable: It cannot be had here.
    """
    match world:
        case "sim":
            from umt_sim.worlds.sim import SimWorld  # brings every server: only when it runs

            return SimWorld(services, seed=seed)
        case "live":
            raise WorldUnavailable(
                "live",
                "this version runs scenarios in the sim world only",
                remedy="use --world sim",
            )
