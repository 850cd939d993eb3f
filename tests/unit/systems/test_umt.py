"""What a scenario may name of the built-in system is what the platform has."""

from __future__ import annotations

from random import Random

import pytest

from umt_sim.platform.application import Application
from umt_sim.platform.configuration import Configuration
from umt_sim.platform.policies import PRODUCTION_POLICIES
from umt_sim.platform.resilience.breaker.rules import ConsecutiveFailures
from umt_sim.platform.resilience.breaker.settings import CountBased, TimeBased
from umt_sim.systems.policies import policy_settings
from umt_sim.systems.umt import OPERATIONS, POLICIES
from umt_sim.systems.umt.users import Users


def test_every_policy_of_the_platform_can_be_named() -> None:
    """The names that are checked before a run are those the platform knows."""
    assert tuple(PRODUCTION_POLICIES) == POLICIES


def test_every_operation_of_the_users_can_be_named() -> None:
    """The names that are checked before a run are those the users have."""
    users = Users(Application(Configuration()), Random(1), ["site"])
    assert tuple(users.operations) == OPERATIONS


def test_what_a_scenario_leaves_out_is_switched_off() -> None:
    """An empty policy has no guard at all."""
    settings = policy_settings({})
    assert (None, None, None, None) == (
        settings.timeout,
        settings.retry,
        settings.breaker,
        settings.bulkhead,
    )


@pytest.mark.parametrize(("window", "expected"), [(20, CountBased(20)), (30.0, TimeBased(30))])
def test_a_window_is_calls_or_seconds(window: float, expected: CountBased | TimeBased) -> None:
    """A whole number is a count of calls, a duration a stretch of time."""
    settings = policy_settings(
        {"breaker": {"window": window, "failure_rate": 0.5, "open_for": 5.0}}
    )
    assert settings.breaker is not None
    assert expected == settings.breaker.window


def test_rates_become_percentages_and_reasons_are_joined() -> None:
    """The scenario states shares; the breaker compares percentages, and any reason opens it."""
    settings = policy_settings({"breaker": {"failures": 3, "failure_rate": 0.25, "open_for": 5.0}})
    assert settings.breaker is not None
    consecutive, rate = settings.breaker.trip.leaves()
    assert ConsecutiveFailures(3) == consecutive
    assert 25.0 == rate.percent


def test_nonsense_is_refused_by_the_platform() -> None:
    """A value that makes no sense to the guard is refused with the guard's own sentence."""
    with pytest.raises(ValueError, match="write"):
        policy_settings({"breaker": {"failure_rate": 0.5, "open_for": -1.0}})
