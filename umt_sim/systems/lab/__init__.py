"""
Small systems to teach with, and to measure what is known from theory and from papers.

- ``caller``: calls HTTP services under policies.
- ``contest``: writers who want to change one document at the same moment.
- ``work_queue``: a producer and a worker with a RabbitMQ queue between them.
- ``cache_aside``: a reader with a cache before its database.
- ``shop``: long and short work that share one pool of connections.
- ``guards``: a scenario's policies as guards of the platform.
- ``gateway``: HTTP at little cost.

Drivers, servers and guards are real; only what they are used for is as simple as can be.
"""

from __future__ import annotations

from importlib import import_module

from umt_sim.systems.base import Start, System

__all__ = ["LAB"]


def _system(
    name: str,
    *,
    operations: tuple[str, ...] = (),
    services: dict[str, str] | None = None,
    hosts: tuple[str, ...] = (),
    guarded: bool = False,
) -> System:
    """The system that the module of its name starts."""

    def load() -> Start:
        start: Start = import_module(f"{__name__}.{name.replace('-', '_')}").start
        return start

    return System(
        name=name,
        load=load,
        operations=operations,
        services=services or {},
        hosts=hosts,
        guarded=guarded,
    )


LAB = (
    _system("caller", guarded=True),
    _system("contest", operations=("contest",), services={"cms": "http"}, guarded=True),
    _system(
        "work-queue",
        operations=("submit", "submit_poison"),
        services={"rabbitmq": "rabbitmq"},
        hosts=("worker",),
    ),
    _system(
        "cache-aside", operations=("read",), services={"cache": "redis", "database": "postgres"}
    ),
    _system(
        "shop",
        operations=("look_up", "order"),
        services={"database": "postgres", "payments": "http"},
    ),
)
"""All of them."""
