"""Programs that are missing are all named at once, before any is started."""

from __future__ import annotations

import pytest

from umt_sim.errors import WorldUnavailable
from umt_sim.servers.specs import ServiceSpec
from umt_sim.worlds.live.programs.base import Program
from umt_sim.worlds.live.programs.own import Own
from umt_sim.worlds.live.providers.private import find_programs

SERVICES = [
    ServiceSpec("broker", "rabbitmq"),
    ServiceSpec("cache", "redis"),
    ServiceSpec("sessions", "redis"),
    ServiceSpec("llm", "http"),
]


class Shelf:
    """A catalogue that has only some kinds."""

    def __init__(self, *there: str) -> None:
        self._there = there

    def program(self, spec: ServiceSpec) -> Program:
        return self._found(spec.kind)

    def toxiproxy(self) -> Program:
        return self._found("toxiproxy")

    def _found(self, kind: str) -> Program:
        if kind not in self._there:
            raise WorldUnavailable(kind, "not found", remedy=f"install {kind}")
        return Own("redis")


def test_every_program_that_is_missing_is_named_with_its_remedy() -> None:
    """Each once, however many services need it."""
    with pytest.raises(WorldUnavailable) as caught:
        find_programs(Shelf("rabbitmq"), SERVICES)
    assert str(caught.value) == (
        "redis, toxiproxy: cannot be had here; what to do about each:\n"
        "  redis: not found; install redis\n"
        "  toxiproxy: not found; install toxiproxy"
    )


def test_one_that_is_missing_is_named_in_a_line() -> None:
    """As if it had been looked for alone."""
    with pytest.raises(WorldUnavailable) as caught:
        find_programs(Shelf("rabbitmq", "toxiproxy"), SERVICES)
    assert "redis: not found; install redis" == str(caught.value)


def test_what_is_there_is_found_by_service() -> None:
    """HTTP services are ours; nothing is looked for."""
    found = find_programs(Shelf("rabbitmq", "redis", "toxiproxy"), SERVICES)
    assert ["broker", "cache", "sessions", "toxiproxy"] == list(found)
