"""
Building blocks of the domain, and nothing of any bounded context.

``model``          Entity, ValueObject, AggregateRoot, DomainEvent
``transitions``    which status leads to which, as a table
``specification``  a named condition that can be combined with others
``dispatcher``     hands domain events to handlers, in order
``identity``       new ids, from a source of randomness
"""

from __future__ import annotations

from umt_sim.platform.domain.dispatcher import DomainEventDispatcher
from umt_sim.platform.domain.identity import new_id
from umt_sim.platform.domain.model import AggregateRoot, DomainEvent, Entity, ValueObject
from umt_sim.platform.domain.specification import Specification
from umt_sim.platform.domain.transitions import Transitions

__all__ = [
    "AggregateRoot",
    "DomainEvent",
    "DomainEventDispatcher",
    "Entity",
    "Specification",
    "Transitions",
    "ValueObject",
    "new_id",
]
