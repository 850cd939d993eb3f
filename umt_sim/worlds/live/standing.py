"""Servers that outlive the command which started them, until somebody asks them to go."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from umt_sim.servers.specs import ServiceSpec
from umt_sim.worlds.live.gateway import Gateway
from umt_sim.worlds.live.inspection import KINDS
from umt_sim.worlds.live.ledger import Ledger, replay
from umt_sim.worlds.live.providers.base import Provider, Site
from umt_sim.worlds.live.providers.choosing import choose
from umt_sim.worlds.live.providers.private import Private
from umt_sim.worlds.live.stopping import terminated_like_interrupted

__all__ = ["Standing", "down", "up"]


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What ``up`` has started.

    Attributes:
        provider: Where it comes from.
        endpoints: Name to address, as ``--endpoint`` takes them.
        versions: Name to release.
    """

    provider: str
    endpoints: Mapping[str, str]
    versions: Mapping[str, str]


def up(provider: str, ports: Mapping[str, int]) -> Standing:
    """
    Start a server of each kind and a Toxiproxy, and leave them running.

    Args:
        provider: ``auto``, ``system``, ``compose`` or ``embedded``.
        ports: Ports to insist on, by name; the others are free ones.

    Raises:
        WorldUnavailable: One of them is missing or does not start. Nothing is left then.
    """
    specs = [ServiceSpec(kind, kind) for kind in KINDS]
    replay()
    with terminated_like_interrupted(), ExitStack() as stack:
        ledger = stack.enter_context(Ledger.new(standing=True))
        chosen = choose(provider, specs, ports=ports)
        stack.callback(chosen.stop)
        sites = chosen.start(specs, ledger)
        api = chosen.toxiproxy
        endpoints = _endpoints(sites) if isinstance(chosen, Private) else _doors(chosen, sites, api)
        endpoints["toxiproxy"] = "{}:{}".format(*api)
        standing = Standing(chosen.name, endpoints, chosen.versions())
        stack.pop_all()
        ledger.leave()
    return standing


def down() -> list[str]:
    """Stop everything that ``up`` has started; what was done, a line each."""
    return replay(standing=True)


def _doors(provider: Provider, sites: Mapping[str, Site], api: tuple[str, int]) -> dict[str, str]:
    """Proxies for servers that nobody else can reach, and where they listen."""
    endpoints = {}
    for name, site in sites.items():
        door = provider.door(name)
        listening = Gateway(*api).create_proxy(name, listen=door.listen, upstream=site.upstream)
        endpoints[name] = "{}:{}".format(*door.reached) if door.reached else listening
    return endpoints


def _endpoints(sites: Mapping[str, Site]) -> dict[str, str]:
    """The servers' own addresses; a run puts its proxies before them."""
    endpoints = {}
    for name, site in sites.items():
        endpoints[name] = site.upstream
        if site.management:
            endpoints[f"{name}-management"] = site.management.removeprefix("http://")
    return endpoints
