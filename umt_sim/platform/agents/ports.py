"""What an agent is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from umt_sim.platform.agents.repositories import Repositories
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

__all__ = ["Ports"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """
    The outside of one agent.

    The first six every agent has. The others only some tasks need: an agent takes
    no task for which it was not equipped.

    Attributes:
        circuit_breaker: Guards what the agent publishes.
        repositories: Where aggregates are looked up.
        unit_of_work: Where aggregates are stored.
        vault: Seals credentials.
        gateways: HTTP upstreams by name: ``llm``, ``social``, ``ads``, ``cms``.
        on_error: Told about an error that nobody foresaw.
    """

    message_broker: MessageBroker
    cache: Cache
    circuit_breaker: CircuitBreaker
    tracer: TracingProvider
    clock: Clock
    randomness: Randomness
    on_error: Callable[[str, BaseException], None]
    repositories: Repositories | None = None
    unit_of_work: UnitOfWork | None = None
    vault: Vault | None = None
    gateways: Mapping[str, HttpGateway] = field(default_factory=dict)

    def has(self, need: str) -> bool:
        """Whether *need* was given: ``storage``, ``vault``, or the gateway of that name."""
        if need == "vault":
            return self.vault is not None
        if need == "storage":
            return self.repositories is not None and self.unit_of_work is not None
        return need in self.gateways
