"""A circuit breaker, as the platform asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

__all__ = ["CircuitBreaker"]


@runtime_checkable
class CircuitBreaker(Protocol):
    """
    Runs a call, or refuses to while the callee is known to be down.

    A refusal is a ``CallNotPermitted``; the call did not happen. A whole resilience
    policy, with retries and timeouts around the breaker, answers the same port.
    """

    @property
    def name(self) -> str:
        """What is guarded, as events and metrics call it."""
        ...

    def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """
        Run ``function(*args, **kwargs)``; its own exception comes through.

        Of a coroutine function the result is an awaitable.
        """
        ...
