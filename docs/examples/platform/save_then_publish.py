"""
What everybody writes first: save, then publish. Kept here to be broken.

Every line is right, and tested alone it works. But an agent that loses power after
``super().store`` and before the broker has the event has stored content nobody will ever
hear of: the task is known as handled, so its repetition stores nothing and tells nobody.
The platform's own agents write their events into an outbox, in the same transaction.

``tests/crash`` cuts the power at every await point of both.
"""

from __future__ import annotations

from typing import Any

from umt_sim.platform.agents.catalogue import CATALOGUE
from umt_sim.platform.agents.creation import ContentCreationAgent
from umt_sim.platform.domain.model import AggregateRoot
from umt_sim.platform.messages.types import Header

__all__ = ["SaveThenPublish"]


class SaveThenPublish(ContentCreationAgent):
    """A content creation agent without an outbox."""

    async def store(self, cause: Header, *aggregates: AggregateRoot, answer: Any = None) -> None:
        """Save the aggregates, then publish what happened to them."""
        news = [
            self.messages.event(
                event, cause=cause, version=CATALOGUE.event_version(event.event_type)
            )
            for aggregate in aggregates
            for event in aggregate.unsaved_events
        ]
        for aggregate in aggregates:
            aggregate.clear_domain_events()
        await super().store(cause, *aggregates, answer=answer)
        # Here the content exists, and nobody knows.
        for message in news:
            await self.courier.broadcast(message, message.event_type)
