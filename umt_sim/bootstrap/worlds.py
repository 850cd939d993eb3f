"""Opens a world by its name. Brings in no more than that world needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from umt_sim.faults.timeline import Fault
from umt_sim.scenario.plan import WorldName
from umt_sim.servers.specs import ServiceSpec
from umt_sim.worlds.base import World

__all__ = ["Supply", "open_world"]


@dataclass(frozen=True, slots=True)
class Supply:
    """
    Where the servers of the live world come from.

    Attributes:
        provider: ``system``, ``compose``, ``embedded`` or ``external``; ``auto`` takes the
            first of the first three that can.
        endpoints: For ``external``: service, or ``toxiproxy``, to its ``host:port``.
        allowed_hosts: Hosts beside loopback that ``external`` may connect to.
    """

    provider: str = "auto"
    endpoints: Mapping[str, str] = field(default_factory=dict)
    allowed_hosts: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data for the journal; passwords are not in it."""
        return {
            "provider": self.provider,
            "endpoints": {name: _without_password(at) for name, at in self.endpoints.items()},
            "allowed_hosts": list(self.allowed_hosts),
        }


def _without_password(address: str) -> str:
    """``user:password@place`` with three stars for the password."""
    account, at, place = address.rpartition("@")
    user, colon, _ = account.partition(":")
    return f"{user}{colon}***@{place}" if colon else account + at + place


def open_world(
    services: tuple[ServiceSpec, ...],
    *,
    seed: int,
    world: WorldName,
    faults: Sequence[Fault] = (),
    supply: Supply | None = None,
) -> World:
    """
    A world that supplies *services*; enter it with ``with``.

    Args:
        services: What to supply.
        seed: Names all randomness.
        world: Which one.
        faults: What will be asked of it; the live world refuses on entry what it cannot do.
        supply: Where the live world's servers come from.

    Raises:
        WorldUnavailable: It cannot be had here.
    """
    match world:
        case "sim":
            from umt_sim.worlds.sim import SimWorld  # brings every server: only when it runs

            return SimWorld(services, seed=seed)
        case "live":
            from umt_sim.worlds.live import LiveWorld
            from umt_sim.worlds.live.providers.choosing import choose

            supply = supply or Supply()
            provider = choose(
                supply.provider,
                services,
                endpoints=supply.endpoints,
                allowed_hosts=supply.allowed_hosts,
            )
            return LiveWorld(services, provider=provider, seed=seed, faults=faults)
