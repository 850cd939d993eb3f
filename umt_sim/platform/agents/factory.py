"""Makes agents, and says at once what they were not given."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from umt_sim.platform.adapters.system import SystemClock, system_randomness
from umt_sim.platform.agents.agent import Agent
from umt_sim.platform.agents.ports import Ports
from umt_sim.platform.errors import MissingDependency
from umt_sim.platform.ports import (
    Cache,
    CircuitBreaker,
    Clock,
    Database,
    HttpGateway,
    MessageBroker,
    Randomness,
    TracingProvider,
    UnitOfWork,
)

__all__ = ["AgentFactory"]

A = TypeVar("A", bound=Agent)

logger = logging.getLogger(__name__)

_REQUIRED: Mapping[str, type] = {
    "message_broker": MessageBroker,
    "cache": Cache,
    "circuit_breaker": CircuitBreaker,
    "tracer": TracingProvider,
}
_OPTIONAL: Mapping[str, type] = {
    "clock": Clock,
    "randomness": Randomness,
    "database": Database,
    "unit_of_work": UnitOfWork,
}


def _log(where: str, error: BaseException) -> None:
    logger.error("%s failed", where, exc_info=error)


class AgentFactory:
    """Makes agents from their ports. Nothing is looked up anywhere else."""

    @staticmethod
    def create_agent(
        agent_class: type[A],
        *,
        agent_id: str,
        message_broker: MessageBroker | None = None,
        cache: Cache | None = None,
        circuit_breaker: CircuitBreaker | None = None,
        tracer: TracingProvider | None = None,
        clock: Clock | None = None,
        randomness: Randomness | None = None,
        database: Database | None = None,
        unit_of_work: UnitOfWork | None = None,
        gateways: Mapping[str, HttpGateway] | None = None,
        on_error: Callable[[str, BaseException], None] = _log,
        prefetch: int = 64,
    ) -> A:
        """
        An agent of *agent_class*.

        Args:
            agent_class: One of the five, or another subclass of ``Agent``.
            agent_id: Who it is, among agents of its class.
            clock: The machine's, if left out.
            randomness: Seeded by the operating system, if left out.
            database: With *unit_of_work*, for tasks that store; an agent without
                them takes only the tasks that do not.
            gateways: HTTP upstreams by name.
            on_error: Told about errors that nobody foresaw; they are logged if left out.
            prefetch: How many messages it handles at once.

        Raises:
            MissingDependency: Names every port that is missing, or that is not what
                it should be, with the methods it lacks.
        """
        given = {
            "message_broker": message_broker,
            "cache": cache,
            "circuit_breaker": circuit_breaker,
            "tracer": tracer,
            "clock": clock or SystemClock(),
            "randomness": randomness or system_randomness(),
            "database": database,
            "unit_of_work": unit_of_work,
        }
        upstreams = dict(gateways or {})
        missing = [*_problems(given), *_gateway_problems(upstreams)]
        if missing:
            raise MissingDependency(agent_class.__name__, missing)
        ports: Any = given
        return agent_class(
            agent_id, Ports(**ports, gateways=upstreams, on_error=on_error), prefetch=prefetch
        )


def _problems(given: Mapping[str, object]) -> list[str]:
    problems = []
    for name, protocol in {**_REQUIRED, **_OPTIONAL}.items():
        value = given[name]
        if value is None:
            if name in _REQUIRED:
                problems.append(f"{name} is missing; give it a {protocol.__name__}")
        elif lacking := _lacking(value, protocol):
            problems.append(_not_a(name, value, protocol, lacking))
    return problems


def _gateway_problems(gateways: Mapping[str, object]) -> list[str]:
    return [
        _not_a(f"gateway {name}", value, HttpGateway, lacking)
        for name, value in gateways.items()
        if (lacking := _lacking(value, HttpGateway))
    ]


def _not_a(name: str, value: object, protocol: type, lacking: list[str]) -> str:
    return f"{name} is a {type(value).__name__}, no {protocol.__name__}: no {', '.join(lacking)}"


def _lacking(value: object, protocol: type) -> list[str]:
    """Names of the protocol's members that *value* does not have, in order."""
    members = [
        name
        for base in reversed(protocol.__mro__)
        for name in vars(base)
        if not name.startswith("_") and base is not object
    ]
    return [name for name in dict.fromkeys(members) if not hasattr(value, name)]
