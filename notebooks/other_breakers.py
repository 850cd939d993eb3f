"""
Another library's circuit breaker in the place of ours: purgatory's.

A breaker of any library becomes a guard by two things: ``call`` awaits a function under it,
and its refusal becomes ``CircuitOpenError``, so that retries and measures know that the call
did not happen.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from umt_sim.platform.resilience import BreakerSettings, CircuitOpenError
from umt_sim.platform.resilience.breaker import ConsecutiveFailures, ConstantWait, State
from umt_sim.systems.lab import caller

__all__ = ["PurgatoryBreaker", "caller_with_purgatory"]


class PurgatoryBreaker:
    """Opens after failures in a row, probes after a while; purgatory knows no other settings."""

    def __init__(self, name: str, settings: BreakerSettings) -> None:
        match settings:
            case BreakerSettings(trip=ConsecutiveFailures(limit), wait_in_open=ConstantWait(wait)):
                self._breakers = AsyncCircuitBreakerFactory(limit, wait)
            case _:
                raise ValueError(f"purgatory cannot do {settings.trip} for {name!r}")
        self._name = name

    async def call(self, function: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        """Await ``function(*args, **kwargs)`` if purgatory permits it."""
        try:
            async with await self._breakers.get_breaker(self._name):
                return await function(*args, **kwargs)
        except OpenedState as refusal:
            raise CircuitOpenError(self._name, State.OPEN, None) from refusal


caller_with_purgatory = partial(caller.start, make_breaker=PurgatoryBreaker)
