"""What a provider is asked for: servers, a Toxiproxy before them, and faults of processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from umt_sim.servers.specs import ServiceSpec
from umt_sim.worlds.base import Endpoint
from umt_sim.worlds.live.ledger import Ledger

__all__ = ["ANYWHERE", "NAMES", "Door", "Provider", "ProviderName", "Site", "Verb"]

ProviderName = Literal["auto", "system", "compose", "embedded", "external"]
NAMES: tuple[ProviderName, ...] = ("auto", "system", "compose", "embedded", "external")

Verb = Literal["stop", "kill", "pause"]
"""What can be done to a server, and taken back by ``revive``."""

ANYWHERE = "127.0.0.1:0"
"""A free port of loopback, as Toxiproxy is told."""


@dataclass(frozen=True, slots=True)
class Site:
    """
    Where a server itself is.

    Attributes:
        server: Address and account, for whom no proxy is between.
        upstream: ``host:port`` of the server as Toxiproxy sees it.
        management: Base URL of a broker's management API; empty if it has none.
    """

    server: Endpoint
    upstream: str
    management: str = ""


@dataclass(frozen=True, slots=True)
class Door:
    """
    Where the proxy of a service listens.

    Attributes:
        listen: ``host:port`` as Toxiproxy is told.
        reached: The same place as clients see it; ``None`` if it is what Toxiproxy answers.
    """

    listen: str = ANYWHERE
    reached: tuple[str, int] | None = None


class Provider(Protocol):
    """Supplies the servers of one run. Everything it starts is in the run's ledger."""

    @property
    def name(self) -> str:
        """As on the command line."""
        ...

    @property
    def verbs(self) -> tuple[Verb, ...]:
        """What it can do to its servers."""
        ...

    @property
    def here(self) -> tuple[str, str]:
        """This machine: the address our own upstreams listen on, and how Toxiproxy calls it."""
        ...

    def start(self, services: Sequence[ServiceSpec], ledger: Ledger) -> Mapping[str, Site]:
        """
        Start a server for each service, http ones excepted, and a Toxiproxy.

        Raises:
            WorldUnavailable: One of them is missing or does not start.
        """
        ...

    def stop(self) -> None:
        """Stop what was started. Whatever this does not get to, the ledger undoes."""
        ...

    @property
    def toxiproxy(self) -> tuple[str, int]:
        """Where the API of the Toxiproxy answers."""
        ...

    def door(self, service: str) -> Door:
        """Where the proxy of a service shall listen."""
        ...

    def do(self, verb: Verb, service: str) -> None:
        """Stop, kill or freeze a server."""
        ...

    def revive(self, verb: Verb, service: str) -> None:
        """Take *verb* back; returns when the server answers."""
        ...

    def versions(self) -> Mapping[str, str]:
        """What was started, by service."""
        ...
