"""
Breakers by name, with settings inherited from named defaults.

    registry = BreakerRegistry(BreakerSettings(), clock=clock)
    registry.define("http", slow_call_duration_seconds=2)
    registry.define("llm", "http", wait_in_open=60)
    breaker = registry.get("openai", "llm")
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import RLock
from typing import Any, NoReturn

from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.ports.randomness import Randomness
from umt_sim.platform.resilience.breaker.circuit_breaker import CircuitBreaker
from umt_sim.platform.resilience.breaker.events import BreakerEvent
from umt_sim.platform.resilience.breaker.settings import BreakerSettings
from umt_sim.platform.resilience.breaker.snapshot import Health
from umt_sim.platform.resilience.listeners import Listener, Report, log_failure

__all__ = ["BreakerRegistry", "HealthSummary"]

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class HealthSummary:
    """All breakers in one word, and each in one; in the order they were made."""

    health: Health
    breakers: dict[str, Health]


class BreakerRegistry:
    """
    Makes each breaker once.

    Args:
        default: Settings named ``default``, from which all others inherit.
        clock: For all breakers.
        randomness: For all breakers.
        listeners: Hear the events of all breakers.
        report: Told about listeners and predicates that raise.
    """

    def __init__(
        self,
        default: BreakerSettings | None = None,
        *,
        clock: Clock | None = None,
        randomness: Randomness | None = None,
        listeners: Iterable[Listener[BreakerEvent]] = (),
        report: Report = log_failure,
    ) -> None:
        self._settings = {DEFAULT: BreakerSettings() if default is None else default}
        self._breakers: dict[str, CircuitBreaker] = {}
        self._made_from: dict[str, str] = {}
        self._lock = RLock()
        self._make: Callable[[str, BreakerSettings], CircuitBreaker] = lambda name, settings: (
            CircuitBreaker(
                name,
                settings=settings,
                clock=clock,
                randomness=randomness,
                listeners=listeners,
                report=report,
            )
        )

    def define(self, name: str, base: str = DEFAULT, /, **changes: Any) -> BreakerSettings:
        """
        Name the settings of *base* with *changes*. Breakers already made keep theirs.

        Raises:
            ValueError: *name* is taken, or the settings are nonsense.
            KeyError: There is no *base*.
        """
        with self._lock:
            if name in self._settings:
                raise ValueError(f"settings {name!r} are defined already; choose another name")
            self._settings[name] = self.settings(base).but(**changes)
            return self._settings[name]

    def settings(self, name: str = DEFAULT) -> BreakerSettings:
        """
        The settings of that name.

        Raises:
            KeyError: There are none; the error lists those there are.
        """
        try:
            return self._settings[name]
        except KeyError:
            known = ", ".join(self._settings)
            raise KeyError(f"no settings are named {name!r}; there are {known}") from None

    def get(self, name: str, settings: str = DEFAULT) -> CircuitBreaker:
        """
        The breaker of that name, made from the named *settings* if it is new.

        Raises:
            ValueError: It was made from other settings: two callers disagree about it.
            KeyError: There are no such settings.
        """
        with self._lock:
            if name not in self._breakers:
                self._breakers[name] = self._make(name, self.settings(settings))
                self._made_from[name] = settings
            elif self._made_from[name] != settings:
                raise ValueError(
                    f"breaker {name!r} was made from settings {self._made_from[name]!r}, "
                    f"not {settings!r}; give it one configuration, or two names"
                )
            return self._breakers[name]

    def __iter__(self) -> Iterator[CircuitBreaker]:
        with self._lock:
            return iter(tuple(self._breakers.values()))

    def __len__(self) -> int:
        return len(self._breakers)

    def health(self) -> HealthSummary:
        """The worst of all, and each."""
        each = {breaker.name: breaker.snapshot().health for breaker in tuple(self)}
        order = (Health.DOWN, Health.RECOVERING)
        worst = next((health for health in order if health in each.values()), Health.UP)
        return HealthSummary(worst, each)

    def reset(self) -> None:
        """Reset every breaker."""
        for breaker in tuple(self):
            breaker.reset()

    async def keep_time(self) -> NoReturn:
        """Fire the timers of the breakers there are now when they are due, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for breaker in tuple(self):
                group.create_task(breaker.keep_time())
            await asyncio.Event().wait()
        raise AssertionError("the tasks of a registry end only when they are cancelled")
