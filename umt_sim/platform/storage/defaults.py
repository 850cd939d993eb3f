"""What a repository made with nothing but a database uses: the machine's clock and randomness."""

from __future__ import annotations

from umt_sim.platform.adapters.system import SystemClock, system_randomness
from umt_sim.platform.domain.model import DomainEvent
from umt_sim.platform.messages.codec import MessageCodec
from umt_sim.platform.messages.factory import MessageFactory
from umt_sim.platform.messages.registry import PayloadRegistry
from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.storage.outbox import OutboxEntry
from umt_sim.platform.storage.unit_of_work import EventWriter

__all__ = ["announcements", "machine_clock"]


def machine_clock() -> Clock:
    """The machine's own clock."""
    return SystemClock()


def announcements(sender_id: str = "repository") -> EventWriter:
    """Makes an outbox entry of each event, announced by *sender_id*."""
    factory = MessageFactory(sender_id, clock=SystemClock(), randomness=system_randomness())
    codec = MessageCodec(PayloadRegistry())

    def write(event: DomainEvent) -> OutboxEntry:
        return OutboxEntry.of(factory.event(event), codec)

    return write
