"""Servers that somebody else runs, at addresses that were given."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping, Sequence

from umt_sim.errors import WorldUnavailable
from umt_sim.servers.specs import ServiceSpec
from umt_sim.worlds.base import Endpoint
from umt_sim.worlds.live.ledger import Ledger
from umt_sim.worlds.live.providers.base import Door, Site, Verb
from umt_sim.worlds.live.providers.private import ACCOUNTS, TOXIPROXY

__all__ = ["External"]

SETTING = "UMT_SIM_ENDPOINT_"
"""Begin of the environment variables with addresses: ``UMT_SIM_ENDPOINT_RABBITMQ=host:port``."""

LOCAL = "127.0.0.1"
HIGHEST = 65535
STANDING = ("rabbitmq", "rabbitmq-management", "postgres", "redis")
"""What ``umt-sim up`` offers, whether the scenario needs it or not."""


class External:
    """
    Connects to what is there, and starts nothing.

    Nothing else keeps a test from the wrong servers, so a host that is neither loopback
    nor allowed by name is refused before anything is connected.

    Args:
        endpoints: Service, or ``toxiproxy``, to ``[user:password@]host:port[/database]``.
        allowed_hosts: Hosts beside loopback.
    """

    name = "external"
    verbs: tuple[Verb, ...] = ()
    here = (LOCAL, LOCAL)

    def __init__(self, endpoints: Mapping[str, str], *, allowed_hosts: Sequence[str] = ()) -> None:
        self._given = dict(endpoints)
        self._allowed = tuple(allowed_hosts)
        self._toxiproxy = (LOCAL, 0)
        self._found: dict[str, tuple[str, int]] = {}

    def start(
        self,
        services: Sequence[ServiceSpec],
        ledger: Ledger,  # noqa: ARG002 - nothing is started
    ) -> Mapping[str, Site]:
        """Look every address up, and refuse those off the list."""
        self._insist_on_names(services)
        sites = {spec.name: self._site(spec) for spec in services if spec.kind != "http"}
        address = self._address(TOXIPROXY)
        self._toxiproxy = (address.host, address.port)
        self._insist_on_way_back(services)
        return sites

    def stop(self) -> None:
        """Nothing was started."""

    @property
    def toxiproxy(self) -> tuple[str, int]:
        """Where the API of the Toxiproxy answers."""
        return self._toxiproxy

    def door(self, service: str) -> Door:
        """A free port of the Toxiproxy's host."""
        del service
        return Door(f"{self._toxiproxy[0]}:0")

    def do(self, verb: Verb, service: str) -> None:
        """Never asked: this provider has no verbs."""
        raise AssertionError(f"{verb} {service}: external servers are not ours to stop")

    def revive(self, verb: Verb, service: str) -> None:
        """Never asked: this provider has no verbs."""
        raise AssertionError(f"{verb} {service}: external servers are not ours to start")

    def versions(self) -> Mapping[str, str]:
        """The addresses; what is behind them is not ours to ask."""
        return {name: f"{host}:{port}" for name, (host, port) in self._found.items()}

    def _site(self, spec: ServiceSpec) -> Site:
        user, password, database = ACCOUNTS[spec.kind]
        given = self._address(spec.name)
        self._found[spec.name] = (given.host, given.port)
        account = (given.user or user, given.password or password, given.database or database)
        server = Endpoint(spec.name, spec.kind, given.host, given.port, *account)
        return Site(server, f"{given.host}:{given.port}", self._management(spec))

    def _management(self, spec: ServiceSpec) -> str:
        """A broker's management API, where its address was given too."""
        name = f"{spec.name}-management"
        if spec.kind != "rabbitmq" or name not in self._given:
            return ""
        place = self._address(name)
        return f"http://{place.host}:{place.port}"

    def _address(self, name: str) -> Endpoint:
        text = self._given.get(name) or os.environ.get(SETTING + name.upper().replace("-", "_"))
        if not text:
            raise WorldUnavailable(
                name,
                "no address was given",
                remedy=f"pass --endpoint {name}=host:port or set {SETTING}{name.upper()}",
            )
        account, _, place = text.rpartition("@")
        user, _, password = account.partition(":")
        place, _, database = place.partition("/")
        host, _, port = place.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) <= HIGHEST:
            raise WorldUnavailable(
                name, f"{place!r} is not an address", remedy="write host:port, as 127.0.0.1:5672"
            )
        self._insist_on_allowed(name, host)
        return Endpoint(name, "", host, int(port), user, password, database)

    def _insist_on_names(self, services: Sequence[ServiceSpec]) -> None:
        """A misspelt name would leave a server out; HTTP services are ours, and nowhere else."""
        servers = [spec for spec in services if spec.kind != "http"]
        brokers = [f"{spec.name}-management" for spec in servers if spec.kind == "rabbitmq"]
        asked = [spec.name for spec in servers] + brokers + [TOXIPROXY]
        for name in self._given:
            if name not in asked and name not in STANDING:
                raise WorldUnavailable(
                    name, "its address is not asked for", remedy=f"give those of {', '.join(asked)}"
                )

    def _insist_on_way_back(self, services: Sequence[ServiceSpec]) -> None:
        """HTTP services are ours and listen on this machine's loopback."""
        host = self._toxiproxy[0]
        for spec in services:
            if spec.kind == "http" and host != "localhost" and not _loopback(host):
                raise WorldUnavailable(
                    spec.name,
                    f"it runs in this process, where the Toxiproxy of {host} cannot reach it",
                    remedy="use a Toxiproxy of this machine",
                )

    def _insist_on_allowed(self, name: str, host: str) -> None:
        if host != "localhost" and host not in self._allowed and not _loopback(host):
            raise WorldUnavailable(
                name,
                f"{host} is not on the list of allowed hosts",
                tried=("loopback", *self._allowed),
                remedy=f"if it is yours to break, add --allow-host {host}",
            )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
