"""Makes agents, and says at once what they were not given."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from umt_sim.platform.adapters.system import SystemClock, system_randomness
from umt_sim.platform.agents.agent import Agent
from umt_sim.platform.agents.ports import Ports
from umt_sim.platform.agents.repositories import Repositories
from umt_sim.platform.errors import MissingDependency
from umt_sim.platform.ports import (
    Cache,
    CircuitBreaker,
    Clock,
    HttpGateway,
    MessageBroker,
    Randomness,
    TracingProvider,
    UnitOfWork,
    Vault,
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
    "repositories": Repositories,
    "unit_of_work": UnitOfWork,
    "vault": Vault,
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
        gateways: Mapping[str, HttpGateway] | None = None,
        on_error: Callable[[str, BaseException], None] = _log,
        prefetch: int = 64,
        **ports: Any,
    ) -> A:
        """
        An agent of *agent_class*.

        Args:
            agent_class: One of the five, or another subclass of ``Agent``.
            agent_id: Who it is, among agents of its class.
            gateways: HTTP upstreams by name.
            on_error: Told about errors that nobody foresaw; they are logged if left out.
            prefetch: How many messages it handles at once.
            **ports: ``message_broker``, ``cache``, ``circuit_breaker`` and ``tracer`` are
                needed. ``clock`` and ``randomness`` are the machine's if left out. With
                ``repositories`` and ``unit_of_work`` the agent takes the tasks that store, with
                ``vault`` those that handle credentials.

        Raises:
            MissingDependency: Names every port that is missing, is not what it should
                be (with the methods it lacks), or does not exist.
        """
        given = {"clock": SystemClock(), "randomness": system_randomness(), **ports}
        upstreams = dict(gateways or {})
        missing = [*_problems(given), *_gateway_problems(upstreams)]
        if missing:
            raise MissingDependency(agent_class.__name__, missing)
        return agent_class(
            agent_id, Ports(**given, gateways=upstreams, on_error=on_error), prefetch=prefetch
        )


def _problems(given: Mapping[str, object]) -> list[str]:
    known = {**_REQUIRED, **_OPTIONAL}
    problems = [
        f"{name} is missing; give it a {protocol.__name__}"
        for name, protocol in _REQUIRED.items()
        if given.get(name) is None
    ]
    for name, value in given.items():
        if name not in known:
            problems.append(f"there is no port {name}; known are {', '.join(known)}")
        elif value is not None and (lacking := _lacking(value, known[name])):
            problems.append(_not_a(name, value, known[name], lacking))
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
