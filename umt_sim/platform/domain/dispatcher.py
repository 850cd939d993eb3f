"""Hands domain events to handlers inside the process, in order."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from umt_sim.platform.domain.model import DomainEvent

__all__ = ["DomainEventDispatcher"]

E = TypeVar("E", bound=DomainEvent)
Handler = Callable[[Any], Awaitable[None] | None]


class DomainEventDispatcher:
    """
    Calls every handler of an event, in the order of subscription.

    Handlers are plain or coroutine functions. One failing handler does not keep
    the event from the others; the failures are raised together at the end, as an
    ``ExceptionGroup``, and never swallowed. A handler subscribed for a base class
    also sees the events of its subclasses.
    """

    def __init__(self) -> None:
        self._handlers: list[tuple[type[DomainEvent], Handler]] = []

    def subscribe(
        self, event_type: type[E], handler: Callable[[E], Awaitable[None] | None]
    ) -> None:
        """Call *handler* for every dispatched event that is an *event_type*."""
        self._handlers.append((event_type, handler))

    async def dispatch(self, event: DomainEvent) -> None:
        """
        Call the handlers of *event*, one after the other.

        Raises:
            ExceptionGroup: The failures of all handlers that failed.
        """
        failures: list[Exception] = []
        for event_type, handler in tuple(self._handlers):
            if isinstance(event, event_type):
                try:
                    pending = handler(event)
                    if inspect.isawaitable(pending):
                        await pending
                except Exception as error:  # noqa: BLE001 - collected, and raised below
                    failures.append(error)
        if failures:
            raise ExceptionGroup(f"handlers of {type(event).__name__} failed", failures)
