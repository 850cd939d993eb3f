"""Entity, value object, aggregate root and domain event: what every context is built from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from umt_sim.platform.errors import InvariantViolated

__all__ = ["AggregateRoot", "DomainEvent", "Entity", "ValueObject"]


@dataclass(frozen=True, slots=True)
class ValueObject:
    """
    Something that is its value: immutable, equal by its fields, valid or never made.

    A subclass is a frozen dataclass and may define ``validate``.
    """

    def __post_init__(self) -> None:
        self.validate()

    def validate(self) -> None:
        """Raise ``InvariantViolated`` when the fields make no sense together."""

    @staticmethod
    def require(condition: object, rule: str) -> None:
        """Raise ``InvariantViolated(rule)`` unless *condition* holds."""
        if not condition:
            raise InvariantViolated(rule)


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """
    Something that happened in a context, in the past tense.

    It carries ids and facts, no time and no id of its own: whoever stores the
    event stamps those, so that a domain model needs neither clock nor randomness.

    Attributes:
        event_type: Name under which the event is published, such as ``content.created``.
    """

    event_type: ClassVar[str]


class Entity:
    """Something that stays itself while its fields change: equal by id."""

    __slots__ = ("id",)

    def __init__(self, identity: UUID) -> None:
        self.id = identity

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Entity) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"


class AggregateRoot(Entity):
    """
    The entity through which a cluster of objects is changed, loaded and saved.

    Attributes:
        version: How often it was saved; 0 means never. A repository compares it
            with what is stored, so that two writers cannot overwrite each other.
    """

    __slots__ = ("_events", "_saved_events", "version")

    def __init__(self, identity: UUID, version: int = 0) -> None:
        super().__init__(identity)
        self.version = version
        self._events: list[DomainEvent] = []
        self._saved_events = 0

    @property
    def domain_events(self) -> tuple[DomainEvent, ...]:
        """What happened since the last ``clear_domain_events``, oldest first."""
        return tuple(self._events)

    @property
    def unsaved_events(self) -> tuple[DomainEvent, ...]:
        """The domain events no repository has stored yet."""
        return tuple(self._events[self._saved_events :])

    def clear_domain_events(self) -> None:
        """Forget the events, because they were dispatched."""
        self._events.clear()
        self._saved_events = 0

    def mark_saved(self, version: int) -> None:
        """Note that *version* is stored, with all events so far. Called by repositories."""
        self.version = version
        self._saved_events = len(self._events)

    def _record(self, event: DomainEvent) -> None:
        self._events.append(event)
