"""A message broker, as the platform asks for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

__all__ = ["Consumer", "Delivery", "MessageBroker", "Parcel", "QueueSpec", "Subscription"]


@dataclass(frozen=True, slots=True)
class Parcel:
    """
    What goes over the broker: bytes with an address and a label.

    Attributes:
        exchange: Empty for the default exchange, where *routing_key* is a queue.
        expires_seconds: Life of the parcel in a queue; ``None`` for ever.
        priority: 0 to 9.
        mandatory: Whether it must reach a queue; if no queue wants it, ``publish`` fails.
    """

    exchange: str
    routing_key: str
    body: bytes
    message_id: str = ""
    correlation_id: str = ""
    reply_to: str = ""
    headers: Mapping[str, Any] = field(default_factory=dict)
    priority: int = 0
    expires_seconds: float | None = None
    mandatory: bool = False


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """
    A queue to consume from, declared before the first delivery.

    Attributes:
        name: Queue name.
        bindings: Pairs of exchange and routing pattern.
        prefetch: Deliveries this consumer may hold unacknowledged.
        acknowledged: Whether deliveries are acknowledged by the consumer. If not, the broker
            forgets them as it sends them: for what is worthless to anybody else.
        expires_seconds: The queue goes away when unused for this long; ``None`` for never.
        dead_letter_queue: Where rejected and expired parcels go; empty for nowhere.
        delays_seconds: One delay queue each; parcels put there come back after the delay.
    """

    name: str
    bindings: tuple[tuple[str, str], ...] = ()
    prefetch: int = 16
    acknowledged: bool = True
    expires_seconds: float | None = None
    dead_letter_queue: str = ""
    delays_seconds: tuple[float, ...] = ()

    def delay_queue(self, attempt: int) -> str:
        """The queue in which a parcel waits after its *attempt*-th failure, from 1."""
        seconds = self.delays_seconds[min(attempt, len(self.delays_seconds)) - 1]
        return f"{self.name}.retry.{seconds:g}s"


class Delivery(Protocol):
    """A parcel taken from a queue. It is ours until it is acknowledged or rejected."""

    @property
    def parcel(self) -> Parcel:
        """What was sent."""
        ...

    @property
    def tag(self) -> int:
        """The broker's number of this delivery."""
        ...

    @property
    def redelivered(self) -> bool:
        """Whether somebody took it before and did not acknowledge it."""
        ...

    async def ack(self) -> None:
        """Take responsibility: the broker forgets the parcel."""
        ...

    async def reject(self, *, requeue: bool) -> None:
        """Give it back, to be delivered again or to go to the dead letters."""
        ...


Consumer = Callable[[Delivery], Awaitable[None]]


class Subscription(Protocol):
    """A running consumer."""

    async def cancel(self) -> None:
        """Take no more deliveries. Those already taken stay with the consumer."""
        ...


@runtime_checkable
class MessageBroker(Protocol):
    """
    Publishes parcels and delivers them to consumers, at least once.

    Every method raises ``PortTimeout``, ``PortUnavailable`` or ``PortClosed``.
    """

    @property
    def system(self) -> str:
        """The broker's kind, as traces call it: ``rabbitmq``."""
        ...

    async def publish(self, parcel: Parcel) -> None:
        """Return when the broker has confirmed *parcel*. After that it is not lost."""
        ...

    async def subscribe(self, queue: QueueSpec, consumer: Consumer) -> Subscription:
        """Declare *queue* and hand each delivery to *consumer*, concurrently up to the prefetch."""
        ...

    async def close(self) -> None:
        """Give up the connection. Unacknowledged deliveries go back to their queues."""
        ...
