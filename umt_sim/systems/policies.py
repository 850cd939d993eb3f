"""
Turns a scenario's policies, plain values, into the platform's settings.

``settings: {order: [breaker, retry, timeout]}`` puts the guards in another order, from the
outside in.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.policies import (
    BulkheadSettings,
    PolicySettings,
    RetrySettings,
    build_policy,
)
from umt_sim.platform.resilience import (
    DEFAULT_ORDER,
    Backoff,
    BreakerSettings,
    Jitter,
    Part,
)
from umt_sim.platform.resilience.breaker.rules import (
    ConsecutiveFailures,
    FailureRate,
    Rule,
    SlowCallRate,
)
from umt_sim.platform.resilience.breaker.settings import CountBased, TimeBased

__all__ = ["check_policy", "policy_settings"]

Values = Mapping[str, Any]

BREAKER_NAMES = {
    "open_for": "wait_in_open",
    "minimum_calls": "minimum_number_of_calls",
    "half_open_calls": "permitted_calls_in_half_open",
    "slow_call": "slow_call_duration_seconds",
}
"""The scenario's words for what keeps its value, and the platform's."""


def check_policy(name: str, values: Values) -> None:
    """
    Build one policy of a scenario, only to see whether it can be built.

    Raises:
        ValueError: The platform refuses a value; the message says what to write.
    """
    build_policy(name, policy_settings(values), clock=SystemClock(), randomness=Random(0))


def policy_settings(values: Values) -> PolicySettings:
    """
    The settings for one policy of a scenario.

    Args:
        values: Durations in seconds, shares as fractions of one. What is missing
            is switched off.

    Raises:
        ValueError: The platform refuses a value; the message says what to write.
    """
    return PolicySettings(
        timeout=values.get("timeout"),
        retry=_retry(values["retry"]) if "retry" in values else None,
        breaker=_breaker(values["breaker"]) if "breaker" in values else None,
        bulkhead=_bulkhead(values["bulkhead"]) if "bulkhead" in values else None,
        order=_order(values.get("settings", {}).get("order")),
    )


def _order(names: object) -> tuple[Part, ...]:
    if names is None:
        return tuple(DEFAULT_ORDER)
    known = [part.value for part in Part]
    if isinstance(names, list) and all(name in known for name in names):
        return tuple(map(Part, names))
    raise ValueError(f"the order is {names}; write a list of {', '.join(known)}")


def _retry(values: Values) -> RetrySettings:
    return RetrySettings(
        max_attempts=values["max_attempts"],
        backoff=_backoff(values["backoff"]) if "backoff" in values else Backoff(),
        budget=values.get("budget"),
    )


def _backoff(values: Values) -> Backoff:
    stated = {"base": values["base"], "factor": values["factor"]}
    if "max" in values:
        stated["longest"] = values["max"]
    return Backoff(**stated, jitter=Jitter(values["jitter"]))


def _breaker(values: Values) -> BreakerSettings:
    """What the scenario leaves out keeps the platform's default."""
    stated: dict[str, Any] = {
        ours: values[theirs] for theirs, ours in BREAKER_NAMES.items() if theirs in values
    }
    if "window" in values:
        stated["window"] = _window(values["window"])
    return BreakerSettings(trip=_rule(values), **stated)


def _rule(values: Values) -> Rule:
    """Any of the stated reasons opens the breaker."""
    rules: list[Rule] = []
    if "failures" in values:
        rules.append(ConsecutiveFailures(values["failures"]))
    if "failure_rate" in values:
        rules.append(FailureRate(values["failure_rate"] * 100))
    if "slow_rate" in values:
        rules.append(SlowCallRate(values["slow_rate"] * 100))
    rule, *others = rules
    for other in others:
        rule = rule | other
    return rule


def _window(value: float) -> CountBased | TimeBased:
    """A whole number is calls, a duration is seconds."""
    if isinstance(value, int):
        return CountBased(value)
    if not value.is_integer():
        raise ValueError(
            f"the window is {value:g} s long; write whole seconds, or a number of calls"
        )
    return TimeBased(int(value))


def _bulkhead(values: Values) -> BulkheadSettings:
    return BulkheadSettings(max_concurrent=values["max"], max_waiting=values.get("queue", 0))
