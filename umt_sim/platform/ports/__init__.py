"""
What the platform asks of the outside, as Protocols of one to five methods.

``clock``            reads and waits for time
``randomness``       random numbers
``message_broker``   publishes parcels, delivers them to consumers
``cache``            bytes under a key for a while
``database``         SQL sessions and transactions
``unit_of_work``     aggregates, events and idempotency keys stored together or not at all
``http_gateway``     JSON over HTTP to one upstream
``circuit_breaker``  runs a call, or refuses to
``fleet_store``      what a fleet shares about a circuit breaker
``tracing``          spans
``vault``            seals secrets

Adapters answer them in ``platform.adapters``; ``adapters.in_memory`` has small
fakes for unit tests. A port is named by a bare noun, an adapter by how it does it.
"""

from __future__ import annotations

from umt_sim.platform.ports.cache import Cache
from umt_sim.platform.ports.circuit_breaker import CircuitBreaker
from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.ports.database import Database, Row, Session
from umt_sim.platform.ports.fleet_store import FleetStore
from umt_sim.platform.ports.http_gateway import HttpGateway, HttpResponse
from umt_sim.platform.ports.message_broker import (
    Consumer,
    Delivery,
    MessageBroker,
    Parcel,
    QueueSpec,
    Subscription,
)
from umt_sim.platform.ports.randomness import Randomness
from umt_sim.platform.ports.tracing import TracingProvider
from umt_sim.platform.ports.unit_of_work import UnitOfWork, Work
from umt_sim.platform.ports.vault import Vault

__all__ = [
    "Cache",
    "CircuitBreaker",
    "Clock",
    "Consumer",
    "Database",
    "Delivery",
    "FleetStore",
    "HttpGateway",
    "HttpResponse",
    "MessageBroker",
    "Parcel",
    "QueueSpec",
    "Randomness",
    "Row",
    "Session",
    "Subscription",
    "TracingProvider",
    "UnitOfWork",
    "Vault",
    "Work",
]
