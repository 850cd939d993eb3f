"""Retries: when, how long after, and when not."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from tests.unit.platform.resilience.clock import HandClock
from umt_sim.platform.errors import ErrorClass, PlatformError, UpstreamRefused
from umt_sim.platform.resilience import (
    Backoff,
    CircuitBreakError,
    CircuitOpenError,
    Deadline,
    DeadlineExceeded,
    Jitter,
    Retry,
    RetryBudget,
    deadline,
)
from umt_sim.platform.resilience.breaker import State
from umt_sim.platform.resilience.retry import GaveUp, RetryEvent, RetryGivenUp, RetryScheduled


class Flaky:
    """Fails with each error in turn, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self, *_: object) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


class Bench:
    """A retry with plain exponential waits of 1, 2, 4 ... seconds."""

    def __init__(self, max_attempts: int = 4, **settings: object) -> None:
        self.clock = HandClock()
        self.events: list[RetryEvent] = []
        settings.setdefault("backoff", Backoff(1, jitter=Jitter.NONE, longest=100))
        self.retry = Retry(
            "llm",
            max_attempts,
            clock=self.clock,
            randomness=Random(7),
            listeners=[self.events.append],
            **settings,  # type: ignore[arg-type]  # what a test chooses
        )

    def call(self, function: Flaky) -> str:
        return asyncio.run(self.retry.call(function))

    @property
    def reason(self) -> GaveUp:
        last = self.events[-1]
        assert isinstance(last, RetryGivenUp)
        return last.reason


class Failed(PlatformError):
    """An error of a given class."""

    def __init__(self, error_class: ErrorClass, retry_after: float | None = None) -> None:
        self.error_class = error_class
        self.retry_after_seconds = retry_after


def test_tries_again_after_growing_waits() -> None:
    """Attempts start 1, 2 and 4 seconds after the failure before them."""
    bench = Bench()
    flaky = Flaky(TimeoutError(), ConnectionError(), TimeoutError())
    assert bench.call(flaky) == "done"
    assert (4, 7.0) == (flaky.calls, bench.clock.at)
    scheduled = [event for event in bench.events if isinstance(event, RetryScheduled)]
    assert [(1, 1.0, 0.0), (2, 2.0, 1.0), (3, 4.0, 3.0)] == [
        (event.attempt, event.delay, event.at) for event in scheduled
    ]


def test_last_exception_comes_through_unwrapped() -> None:
    """When all attempts are used the caller gets the last error itself."""
    bench = Bench(2)
    last = ConnectionError("second")
    with pytest.raises(ConnectionError) as caught:
        bench.call(Flaky(ConnectionError("first"), last))
    assert caught.value is last
    assert bench.reason is GaveUp.ATTEMPTS


@pytest.mark.parametrize("hopeless", [ErrorClass.CLIENT, ErrorClass.FATAL])
def test_client_and_fatal_errors_are_never_retried(hopeless: ErrorClass) -> None:
    """Not even when the caller's own predicate wants it."""
    bench = Bench(retryable=lambda _: True)
    flaky = Flaky(Failed(hopeless))
    with pytest.raises(Failed):
        bench.call(flaky)
    assert (1, GaveUp.NOT_RETRYABLE) == (flaky.calls, bench.reason)


@pytest.mark.parametrize("hopeful", [ErrorClass.TRANSIENT, ErrorClass.SERVER])
def test_transient_and_server_errors_are_retried(hopeful: ErrorClass) -> None:
    """What time or the other side may mend is tried again."""
    assert Bench().call(Flaky(Failed(hopeful))) == "done"


@pytest.mark.parametrize("error", [KeyError("x"), DeadlineExceeded("x"), ZeroDivisionError()])
def test_what_nobody_foresaw_is_not_retried(error: Exception) -> None:
    """A bug does not go away by trying again."""
    flaky = Flaky(error)
    with pytest.raises(type(error)):
        Bench().call(flaky)
    assert flaky.calls == 1


def test_failure_wrapped_by_a_breaker_is_of_the_class_of_the_original() -> None:
    """`CircuitBreakError` is retried, or not, as what it holds would be."""
    assert Bench().call(Flaky(CircuitBreakError("db", TimeoutError()))) == "done"
    for hopeless in (KeyError("x"), Failed(ErrorClass.CLIENT)):
        with pytest.raises(CircuitBreakError):
            Bench().call(Flaky(CircuitBreakError("db", hopeless)))
    waits = Bench()
    waits.call(Flaky(CircuitBreakError("db", Failed(ErrorClass.SERVER, retry_after=5.5))))
    assert waits.clock.at == 5.5


def test_cancellation_is_not_retried() -> None:
    """`CancelledError` passes through at once."""

    async def main() -> None:
        bench = Bench()

        async def cancelled() -> None:
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await bench.retry.call(cancelled)
        assert bench.events == []

    asyncio.run(main())


def test_retry_after_is_honoured() -> None:
    """The callee's own wish is waited for when it is longer than the backoff."""
    bench = Bench()
    bench.call(Flaky(Failed(ErrorClass.SERVER, retry_after=5.5)))
    assert bench.clock.at == 5.5


def test_http_refusal_with_retry_after_is_honoured() -> None:
    """An upstream's 429 carries its Retry-After through the port."""
    bench = Bench()
    refused = UpstreamRefused(
        "http", "POST", code="429", error_class=ErrorClass.TRANSIENT, retry_after_seconds=3
    )
    bench.call(Flaky(refused))
    assert bench.clock.at == 3.0


def test_open_breaker_is_waited_for_within_patience() -> None:
    """A refusal says when to come back; a caller with less patience hears at once."""
    bench = Bench(patience_seconds=10)
    bench.call(Flaky(CircuitOpenError("db", State.OPEN, 8.0)))
    assert bench.clock.at == 8.0
    with pytest.raises(CircuitOpenError):
        bench.call(Flaky(CircuitOpenError("db", State.OPEN, 30.0)))
    assert (8.0, GaveUp.PATIENCE) == (bench.clock.at, bench.reason)


def test_no_attempt_is_begun_that_could_not_finish() -> None:
    """A wait that would outlast the deadline is not waited."""
    bench = Bench()

    async def main() -> None:
        with deadline(Deadline.after(2.5, bench.clock)):
            await bench.retry.call(Flaky(*[TimeoutError() for _ in range(9)]))

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert (1.0, GaveUp.DEADLINE) == (bench.clock.at, bench.reason)


def test_budget_is_shared_and_bounds_the_retries() -> None:
    """A hundred failing calls with a tenth of a retry each, and two saved, make twelve retries."""
    budget = RetryBudget(ratio=0.1, burst=2)
    calls = 0
    for _ in range(100):
        bench = Bench(4, budget=budget)
        flaky = Flaky(*[TimeoutError() for _ in range(9)])
        with pytest.raises(TimeoutError):
            bench.call(flaky)
        calls += flaky.calls
    assert calls == 100 + 2 + 9  # the tenth of the first call found the bucket full
    assert bench.reason is GaveUp.BUDGET or budget.tokens < 1


def test_hopeless_errors_cost_no_budget() -> None:
    """A token is taken only for a retry that is made."""
    budget = RetryBudget(ratio=0, burst=1)
    with pytest.raises(Failed):
        Bench(budget=budget).call(Flaky(Failed(ErrorClass.CLIENT)))
    assert budget.tokens == 1


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Bench(0), "write 1 or more, the first included"),
        (lambda: Backoff(0), "write a positive number of seconds"),
        (lambda: Backoff(1, factor=0.5), "write 1 or more"),
        (lambda: Backoff(5, longest=1), "write at least the base, 5 s"),
        (lambda: RetryBudget(-1), "write retries per call, 0 or more"),
        (lambda: RetryBudget(0, 0), "use max_attempts=1 instead"),
        (lambda: Bench(patience_seconds=-1), "write 0 or more seconds"),
    ],
)
def test_nonsense_is_refused_with_what_to_write(make: object, says: str) -> None:
    """The sentence names the setting and the way out."""
    with pytest.raises(ValueError, match=says):
        make()  # type: ignore[operator]  # a lambda of the table


def test_backoff_does_not_overflow() -> None:
    """After any number of failures the wait is the longest, not an error."""
    assert Backoff(1, longest=60, jitter=Jitter.NONE).wait(10**6, None, Random(1)) == 60


@pytest.mark.parametrize(
    ("jitter", "low", "high"),
    [(Jitter.FULL, 0.0, 4.0), (Jitter.EQUAL, 2.0, 4.0), (Jitter.DECORRELATED, 1.0, 6.0)],
)
def test_jitter_spreads_over_its_whole_range(jitter: Jitter, low: float, high: float) -> None:
    """The third wait of base 1 after a wait of 2: uniform in the range of its formula."""
    backoff, randomness = Backoff(1, longest=100, jitter=jitter), Random(7)
    waits = [backoff.wait(3, 2.0, randomness) for _ in range(4000)]
    assert low <= min(waits) <= low + (high - low) * 0.01
    assert high - (high - low) * 0.01 <= max(waits) <= high
