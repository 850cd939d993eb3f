"""Storing things together or not at all, as the platform asks for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from umt_sim.platform.domain.model import AggregateRoot, DomainEvent

__all__ = ["UnitOfWork", "Work"]


class Work(Protocol):
    """What one transaction will write. Nothing is written before it commits."""

    def save(self, aggregate: AggregateRoot) -> None:
        """Write *aggregate*, and its events to the outbox."""
        ...

    def remember(self, idempotency_key: str, answer: bytes) -> None:
        """Note that the task of this key was handled, and what was answered."""
        ...


@runtime_checkable
class UnitOfWork(Protocol):
    """
    Opens work that commits when its block ends without an exception.

    The commit raises ``VersionConflict`` when an aggregate was saved by somebody
    else since it was loaded, ``AlreadyHandled`` when the idempotency key is
    stored, or a ``PortError``. Then nothing was written, save for ``PortTimeout``.
    """

    def begin(self, write_event: Callable[[DomainEvent], Any]) -> AbstractAsyncContextManager[Work]:
        """
        Work that is committed at the end of the ``async with`` block.

        Args:
            write_event: Makes what the outbox keeps of each event.
        """
        ...

    async def answer_to(self, idempotency_key: str) -> bytes | None:
        """What was answered to the task of this key; ``None`` if it was never handled."""
        ...
