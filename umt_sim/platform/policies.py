"""Resilience policies as values, and the guards built from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.ports.randomness import Randomness
from umt_sim.platform.resilience import (
    DEFAULT_ORDER,
    Backoff,
    BreakerSettings,
    Bulkhead,
    CircuitBreaker,
    Guard,
    Part,
    ResiliencePolicy,
    Retry,
    RetryBudget,
    Timeout,
)

__all__ = [
    "PRODUCTION_POLICIES",
    "BulkheadSettings",
    "MakeBreaker",
    "PolicySettings",
    "RetrySettings",
    "build_policy",
]

Listener = Callable[[Any], None]
MakeBreaker = Callable[[str, BreakerSettings], Guard | CircuitBreaker]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySettings:
    """
    When to try again.

    Attributes:
        max_attempts: The first one included.
        budget: Retries per first attempt over all calls, 0 to 1; ``None`` for no limit.
    """

    max_attempts: int = 3
    backoff: Backoff = field(default_factory=Backoff)
    budget: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkheadSettings:
    """How many calls may run, and how many may wait for their turn."""

    max_concurrent: int
    max_waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """
    The guards around one callee. What is ``None`` is switched off.

    Attributes:
        timeout: Seconds for one attempt.
        order: Of the guards, from the outside in.
    """

    timeout: float | None = None
    retry: RetrySettings | None = None
    breaker: BreakerSettings | None = None
    bulkhead: BulkheadSettings | None = None
    order: Sequence[Part] = DEFAULT_ORDER


_CONSECUTIVE = 5
_UPSTREAM = PolicySettings(
    timeout=10.0,
    retry=RetrySettings(max_attempts=3, budget=0.1),
    breaker=BreakerSettings.consecutive(_CONSECUTIVE, 30.0),
    bulkhead=BulkheadSettings(max_concurrent=64, max_waiting=256),
)

PRODUCTION_POLICIES: Mapping[str, PolicySettings] = {
    "content-creation": PolicySettings(timeout=30.0),
    "campaign-launch": PolicySettings(timeout=30.0),
    "broker": PolicySettings(breaker=BreakerSettings.consecutive(_CONSECUTIVE, 5.0)),
    "database": PolicySettings(
        retry=RetrySettings(max_attempts=2, budget=0.1),
        breaker=BreakerSettings.consecutive(_CONSECUTIVE, 5.0),
    ),
    "cache": PolicySettings(breaker=BreakerSettings.consecutive(_CONSECUTIVE, 5.0)),
    "llm": _UPSTREAM,
    "social": _UPSTREAM,
    "ads": _UPSTREAM,
    "cms": _UPSTREAM,
}
"""
The names a policy may have, and what each is in production.

``content-creation`` and ``campaign-launch`` are around a client's whole request, ``broker``
around each publish, ``database`` around each statement that is a transaction of its own,
``cache`` around each command, the others around each request to the upstream of that name.
"""


def build_policy(
    name: str,
    settings: PolicySettings,
    *,
    clock: Clock,
    randomness: Randomness,
    listeners: Sequence[Listener] = (),
    make_breaker: MakeBreaker | None = None,
) -> ResiliencePolicy:
    """
    The guards that *settings* ask for, in one policy.

    Args:
        name: Of the policy and of each of its guards, in errors and events.
        settings: What to build.
        clock: Of every guard.
        randomness: For jitter.
        listeners: Hear what every guard does.
        make_breaker: Makes the breaker of a name with settings, instead of ours.
    """
    retry, breaker, bulkhead = settings.retry, settings.breaker, settings.bulkhead
    return ResiliencePolicy(
        name,
        retry=None
        if retry is None
        else Retry(
            name,
            retry.max_attempts,
            clock=clock,
            randomness=randomness,
            backoff=retry.backoff,
            budget=None if retry.budget is None else RetryBudget(retry.budget),
            listeners=listeners,
        ),
        breaker=None
        if breaker is None
        else CircuitBreaker(
            name, settings=breaker, clock=clock, randomness=randomness, listeners=listeners
        )
        if make_breaker is None
        else make_breaker(name, breaker),
        bulkhead=None
        if bulkhead is None
        else Bulkhead(
            name,
            bulkhead.max_concurrent,
            bulkhead.max_waiting,
            clock=clock,
            listeners=listeners,
        ),
        timeout=None
        if settings.timeout is None
        else Timeout(name, settings.timeout, clock=clock, listeners=listeners),
        order=settings.order,
    )
