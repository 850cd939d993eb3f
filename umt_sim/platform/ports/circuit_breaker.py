"""A circuit breaker, as the platform asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

__all__ = ["CircuitBreaker"]


@runtime_checkable
class CircuitBreaker(Protocol):
    """
    Runs a call, or refuses to while the callee is known to be down.

    ``call`` lets the callee's own exception through; ``execute`` wraps it in a
    ``CircuitBreakError``. Both raise ``CircuitOpenError`` without calling when
    the breaker is open. Given a coroutine function they return an awaitable.
    """

    @property
    def name(self) -> str:
        """What the breaker guards, as events and metrics call it."""
        ...

    def execute(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Run ``fn(*args, **kwargs)``; a failure is wrapped, its cause kept."""
        ...
