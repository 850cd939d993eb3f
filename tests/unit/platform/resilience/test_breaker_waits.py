"""How long a breaker stays open."""

from __future__ import annotations

from random import Random

from tests.unit.platform.resilience.bench import ONE, fail, make, succeed
from umt_sim.platform.errors import ErrorClass, UpstreamRefused
from umt_sim.platform.resilience.breaker import (
    ConsecutiveFailures,
    ExponentialWait,
    State,
)


def test_exponential_wait_grows_to_its_cap_and_never_overflows() -> None:
    """5, 10, 20 ... 60 s, also for attempts beyond what a float can hold."""
    wait = ExponentialWait(5, 2, longest=60)
    assert [5, 10, 20, 40, 60, 60] == [wait.seconds(n, Random(1)) for n in (1, 2, 3, 4, 5, 10**6)]


def test_jittered_wait_comes_from_the_given_randomness() -> None:
    """The same seed opens for the same time; the spread is the fraction both ways."""
    draws = [ExponentialWait(10, jitter=0.2).seconds(1, Random(seed)) for seed in range(500)]
    assert 8 <= min(draws) < 8.1 < 11.9 < max(draws) <= 12
    breakers = [
        make(ONE.but(wait_in_open=ExponentialWait(10, jitter=0.2)), randomness=Random(7))
        for _ in range(2)
    ]
    for breaker, _ in breakers:
        fail(breaker)
    assert len({breaker.remaining_wait for breaker, _ in breakers}) == 1


def test_wait_may_be_a_function_of_the_attempt() -> None:
    """The attempt grows with each opening until the breaker closes."""
    breaker, clock = make(ONE.but(wait_in_open=lambda attempt: attempt * 7.0))
    waits = []
    for _ in range(3):
        fail(breaker)
        waits.append(breaker.remaining_wait)
        clock.advance(100)
    succeed(breaker)
    fail(breaker)
    assert [7.0, 14.0, 21.0, 7.0] == [*waits, breaker.remaining_wait]


def test_retry_after_of_an_error_opens_for_as_long() -> None:
    """A single answer can order the breaker open for the time the server asks."""

    def retry_after(outcome: object) -> float | None:
        return getattr(outcome, "retry_after_seconds", None)

    breaker, _ = make(ONE.but(trip=ConsecutiveFailures(99), open_for=retry_after))
    refused = UpstreamRefused(
        "http", "GET", code="503", error_class=ErrorClass.SERVER, retry_after_seconds=42
    )
    breaker.acquire().record(refused)
    assert (State.OPEN, 42.0) == (breaker.state, breaker.remaining_wait)
