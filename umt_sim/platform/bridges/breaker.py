"""An old breaker as a CircuitBreaker, and back."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from umt_sim.platform.bridges.legacy import LegacyBreaker
from umt_sim.platform.ports.circuit_breaker import CircuitBreaker
from umt_sim.platform.resilience.breaker.transitions import State
from umt_sim.platform.resilience.errors import CircuitOpenError

__all__ = ["BreakerBehindLegacy", "LegacyBehindBreaker"]


class LegacyBehindBreaker:
    """
    Answers the CircuitBreaker port with an old breaker for plain functions.

    It cannot watch a coroutine run, so it is asked before and told afterwards. Two
    coroutines may therefore both get in while it half trusts the callee: the old
    breaker never promised more.
    """

    def __init__(self, name: str, legacy: LegacyBreaker) -> None:
        self._name = name
        self._legacy = legacy

    @property
    def name(self) -> str:
        """What is guarded."""
        return self._name

    def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Run ``function(*args, **kwargs)`` if the old breaker permits it."""
        if self._legacy.is_open:
            raise CircuitOpenError(self._name, State.OPEN, None)
        if inspect.iscoroutinefunction(function):
            return self._call_async(function, *args, **kwargs)
        return self._legacy.call(lambda: function(*args, **kwargs))

    async def _call_async(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            result = await function(*args, **kwargs)
        except Exception as error:
            self._tell(error)
            raise
        return self._legacy.call(lambda: result)

    def _tell(self, error: Exception) -> None:
        """Let the old breaker see *error*, whatever it makes of it."""

        def fail() -> None:
            raise error

        try:
            self._legacy.call(fail)
        except Exception as seen:  # noqa: BLE001 - ours or the old breaker's wrapping of it
            if seen is not error and seen.__cause__ is not error:
                seen.__cause__ = error


class BreakerBehindLegacy:
    """Answers the old interface with a new breaker."""

    def __init__(self, breaker: CircuitBreaker, *, is_open: Callable[[], bool]) -> None:
        self._breaker = breaker
        self._is_open = is_open

    @property
    def is_open(self) -> bool:
        """Whether a call would be refused."""
        return self._is_open()

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call *function*, and count how it ended."""
        return self._breaker.call(function, *args)
