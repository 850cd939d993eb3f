"""Which provider a live run gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from umt_sim.errors import WorldUnavailable
from umt_sim.servers.specs import ServiceSpec
from umt_sim.worlds.live.compose import engine_version
from umt_sim.worlds.live.providers.base import NAMES, Provider
from umt_sim.worlds.live.providers.compose import Compose
from umt_sim.worlds.live.providers.embedded import Embedded
from umt_sim.worlds.live.providers.external import External
from umt_sim.worlds.live.providers.private import Private, find_programs
from umt_sim.worlds.live.providers.system import System

__all__ = ["choose"]


def choose(
    name: str,
    services: Sequence[ServiceSpec],
    *,
    endpoints: Mapping[str, str] | None = None,
    allowed_hosts: Sequence[str] = (),
    ports: Mapping[str, int] | None = None,
) -> Provider:
    """
    The provider called *name*.

    ``auto`` takes ``system`` where everything is installed, then ``compose`` where Docker
    answers, then ``embedded``; and ``external`` where addresses are given.

    Args:
        name: As on the command line.
        services: What it must supply.
        endpoints: For ``external``: service, or ``toxiproxy``, to its ``host:port``.
        allowed_hosts: For ``external``: hosts beside loopback that it may connect to.
        ports: Ports to insist on, by service; ``external`` has its own.

    Raises:
        WorldUnavailable: There is no such provider, or it takes no addresses.
    """
    if endpoints and name not in ("auto", "external"):
        raise WorldUnavailable(
            "live",
            f"the provider {name} takes no addresses",
            remedy="leave out --endpoint, or use --provider external",
        )
    if name == "auto":
        name = _automatic(services, endpoints or {})
    match name:
        case "system":
            return Private("system", System(), verbs=("stop", "kill", "pause"), ports=ports)
        case "embedded":
            return Private("embedded", Embedded(), verbs=("pause",), ports=ports)
        case "compose":
            return Compose(ports=ports)
        case "external":
            return External(endpoints or {}, allowed_hosts=allowed_hosts)
    raise WorldUnavailable(
        "live", f"there is no provider {name!r}", remedy=f"choose one of {', '.join(NAMES)}"
    )


def _automatic(services: Sequence[ServiceSpec], endpoints: Mapping[str, str]) -> str:
    if endpoints:
        return "external"
    if _installed(services):
        return "system"
    return "compose" if engine_version() else "embedded"


def _installed(services: Sequence[ServiceSpec]) -> bool:
    """Whether this machine has everything that *services* need."""
    try:
        find_programs(System(), services)
    except WorldUnavailable:
        return False
    return True
