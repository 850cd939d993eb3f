"""Timeout, deadline, bulkhead, rate limiter, fallback, hedge."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.unit.platform.resilience.clock import HandClock
from umt_sim.kernel.kernel import Kernel
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.resilience import (
    Bulkhead,
    BulkheadFull,
    CallTimedOut,
    Deadline,
    DeadlineExceeded,
    Fallback,
    Hedge,
    RateLimiter,
    RateLimitExceeded,
    Timeout,
    current_deadline,
    deadline,
)

CLOCK = SystemClock()


def simulate(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run *body* in virtual time."""
    with Kernel(seed=7) as kernel:
        kernel.run(body())


def now() -> float:
    """Virtual seconds of the running body."""
    return asyncio.get_running_loop().time()


async def take(seconds: float) -> float:
    """Take so long, and say when it was done."""
    await asyncio.sleep(seconds)
    return now()


# Timeout and deadline


def test_timeout_ends_a_call_exactly_in_time() -> None:
    """After its seconds the call is cancelled; its outcome is unknown, and it may be retried."""

    async def body() -> None:
        events: list[object] = []
        timeout = Timeout("llm", 2, clock=CLOCK, listeners=[events.append])
        assert await timeout.call(take, 1.5) == 1.5
        with pytest.raises(CallTimedOut, match="no answer within 2 s"):
            await timeout.call(take, 5)
        assert now() == 3.5
        assert [("timeout", 2.0)] == [(event.kind, event.seconds) for event in events]

    simulate(body)


def test_callees_own_timeout_error_comes_through() -> None:
    """A `TimeoutError` of the call itself is not taken for ours."""

    async def body() -> None:
        async def own() -> None:
            raise TimeoutError("theirs")

        with pytest.raises(TimeoutError, match="theirs") as caught:
            await Timeout("llm", 2, clock=CLOCK).call(own)
        assert not isinstance(caught.value, CallTimedOut)

    simulate(body)


def test_timeout_does_not_outlive_the_deadline() -> None:
    """With less left than the timeout the call ends at the deadline, and says so."""

    async def body() -> None:
        timeout = Timeout("llm", 10, clock=CLOCK)
        with deadline(Deadline.after(3, CLOCK)):
            with pytest.raises(DeadlineExceeded):
                await timeout.call(take, 5)
            assert now() == 3.0
            with pytest.raises(DeadlineExceeded):
                await timeout.call(take, 0)
        assert await timeout.call(take, 1) == 4.0

    simulate(body)


def test_part_has_no_more_time_than_the_whole() -> None:
    """An inner deadline shortens the outer one and never lengthens it."""
    clock = HandClock()
    with deadline(Deadline(10)) as outer:
        with deadline(Deadline(20)) as inner:
            assert outer is inner is current_deadline()
        with deadline(Deadline(5)):
            assert Deadline(5) == current_deadline()
        assert outer is current_deadline()
    assert current_deadline() is None
    assert Deadline(10).remaining(clock) == 10


def test_deadline_follows_the_task() -> None:
    """Tasks begun under a deadline are under it; others are not."""

    async def body() -> None:
        async def seen() -> Deadline | None:
            return current_deadline()

        with deadline(Deadline(99)):
            inside = asyncio.ensure_future(seen())
        outside = asyncio.ensure_future(seen())
        assert [Deadline(99), None] == [await inside, await outside]

    simulate(body)


# Bulkhead


def test_bulkhead_runs_some_queues_some_and_refuses_the_rest() -> None:
    """Two run, one waits its turn, the fourth is refused; places are handed on in order."""

    async def body() -> None:
        events: list[object] = []
        bulkhead = Bulkhead("db", 2, 1, clock=CLOCK, listeners=[events.append])
        calls = [asyncio.ensure_future(bulkhead.call(take, 1)) for _ in range(4)]
        await asyncio.sleep(0.5)
        assert (2, 1) == (bulkhead.running, bulkhead.waiting)
        done = await asyncio.gather(*calls, return_exceptions=True)
        assert [1.0, 1.0, 2.0] == done[:3]
        assert isinstance(done[3], BulkheadFull)
        assert (0, 0) == (bulkhead.running, bulkhead.waiting)
        assert len(events) == 1

    simulate(body)


def test_bulkhead_lets_nobody_wait_for_ever() -> None:
    """A call that has waited its time is refused, and its place in the queue is free."""

    async def body() -> None:
        bulkhead = Bulkhead("db", 1, 1, 0.5, clock=CLOCK)
        first = asyncio.ensure_future(bulkhead.call(take, 2))
        await asyncio.sleep(0)
        with pytest.raises(BulkheadFull):
            await bulkhead.call(take, 1)
        assert (0.5, 0) == (now(), bulkhead.waiting)
        await first
        assert await bulkhead.call(take, 1) == 3.0

    simulate(body)


def test_bulkhead_loses_no_place_to_cancellation() -> None:
    """Cancelled while waiting, while running, or while being handed a place: all come back."""

    async def body() -> None:
        bulkhead = Bulkhead("db", 1, 5, clock=CLOCK)
        running = asyncio.ensure_future(bulkhead.call(take, 1))
        handed, waiting, last = (asyncio.ensure_future(bulkhead.call(take, 1)) for _ in range(3))
        await asyncio.sleep(0.5)
        waiting.cancel()
        running.cancel()  # its place goes to `handed` ...
        await asyncio.sleep(0)
        handed.cancel()  # ... which is cancelled before it can use it
        assert await last == 1.5
        await asyncio.gather(running, handed, waiting, return_exceptions=True)
        assert (0, 0) == (bulkhead.running, bulkhead.waiting)

    simulate(body)


# Rate limiter


def test_rate_limiter_allows_a_burst_and_then_its_rate() -> None:
    """Of five calls at once three start, and one more each half second."""

    async def body() -> None:
        limiter = RateLimiter("ads", 2, burst=3, clock=CLOCK)
        outcomes = await asyncio.gather(
            *(limiter.call(take, 0) for _ in range(5)), return_exceptions=True
        )
        assert [0.0] * 3 == outcomes[:3]
        assert [0.5] * 2 == [refusal.retry_after_seconds for refusal in outcomes[3:]]
        await asyncio.sleep(0.5)
        await limiter.call(take, 0)
        with pytest.raises(RateLimitExceeded):
            await limiter.call(take, 0)

    simulate(body)


def test_rate_limiter_gives_turns_in_order() -> None:
    """Those ready to wait start at the rate, one after the other; the rest is refused."""

    async def body() -> None:
        limiter = RateLimiter("ads", 10, max_wait_seconds=0.3, clock=CLOCK)
        outcomes = await asyncio.gather(
            *(limiter.call(take, 0) for _ in range(6)), return_exceptions=True
        )
        assert [0.0, 0.1, 0.2, 0.3] == pytest.approx(outcomes[:4])
        assert [RateLimitExceeded] * 2 == [type(refusal) for refusal in outcomes[4:]]

    simulate(body)


# Fallback


def test_fallback_answers_for_a_failed_call() -> None:
    """A constant, a function of the error, or something awaited, such as a cache."""

    async def body() -> None:
        events: list[object] = []
        default = Fallback.value("cms", 7, clock=CLOCK, listeners=[events.append])
        assert await default.call(_boom) == 7
        assert await default.call(take, 1) == 1.0
        assert len(events) == 1

        async def cached(error: Exception) -> str:
            await asyncio.sleep(1)
            return f"cached, because of {error}"

        assert await Fallback("cms", cached, clock=CLOCK).call(_boom) == "cached, because of boom"

    simulate(body)


def test_fallback_answers_only_what_it_is_for() -> None:
    """Other errors come through, and so does cancellation."""

    async def body() -> None:
        fallback = Fallback.value("cms", 7, clock=CLOCK, on=(KeyError,))
        with pytest.raises(OSError, match="boom"):
            await fallback.call(_boom)

        async def cancelled() -> None:
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await Fallback.value("cms", 7, clock=CLOCK).call(cancelled)

    simulate(body)


def test_broken_fallback_hides_nothing() -> None:
    """The caller gets the call's own error, with a note about the fallback's."""

    async def body() -> None:
        reports: list[Exception] = []

        def broken(_: Exception) -> None:
            raise ZeroDivisionError

        fallback = Fallback(
            "cms", broken, clock=CLOCK, report=lambda error, _: reports.append(error)
        )
        with pytest.raises(OSError, match="boom") as caught:
            await fallback.call(_boom)
        assert ["fallback 'cms' failed too: ZeroDivisionError()"] == caught.value.__notes__
        assert [ZeroDivisionError] == [type(error) for error in reports]

    simulate(body)


async def _boom() -> None:
    raise OSError("boom")


# Hedge


def test_hedge_takes_the_first_answer_and_leaves_nothing_running() -> None:
    """A second call starts after the patience; the slower one is cancelled."""

    async def body() -> None:
        times = iter([10.0, 1.0])
        ended: list[str] = []

        async def uneven() -> float:
            seconds = next(times)
            try:
                return await take(seconds)
            except asyncio.CancelledError:
                ended.append(f"cancelled at {now():g}")
                raise

        assert await Hedge("llm", 2, clock=CLOCK).call(uneven) == 3.0
        assert ["cancelled at 3"] == ended

    simulate(body)


def test_hedge_does_nothing_for_a_quick_answer() -> None:
    """A call that answers within the patience is made once."""

    async def body() -> None:
        events: list[object] = []
        hedge = Hedge("llm", 2, clock=CLOCK, listeners=[events.append])
        assert await hedge.call(take, 1) == 1.0
        assert events == []

    simulate(body)


def test_hedge_raises_the_first_failure_if_all_fail() -> None:
    """Without a success the caller gets the error of the first call."""

    async def body() -> None:
        numbers = iter([1, 2])

        async def failing() -> None:
            number = next(numbers)
            await asyncio.sleep(3)
            raise OSError(f"call {number}")

        with pytest.raises(OSError, match="call 1"):
            await Hedge("llm", 2, clock=CLOCK).call(failing)
        assert now() == 5.0

    simulate(body)


def test_cancelled_hedge_cancels_its_calls() -> None:
    """Nothing runs on behind the back of a caller who gives up."""

    async def body() -> None:
        running = 0

        async def hang() -> None:
            nonlocal running
            running += 1
            try:
                await asyncio.Event().wait()
            finally:
                running -= 1

        task = asyncio.ensure_future(Hedge("llm", 1, 2, clock=CLOCK).call(hang))
        await asyncio.sleep(2.5)
        assert running == 3
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert running == 0

    simulate(body)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Timeout("x", 0, clock=CLOCK), "write a positive number of seconds"),
        (lambda: Bulkhead("x", 0, clock=CLOCK), "write 1 or more"),
        (lambda: Bulkhead("x", 1, -1, clock=CLOCK), "write 0 or more"),
        (lambda: Bulkhead("x", 1, 1, 0, clock=CLOCK), "or queue=0 for no waiting"),
        (lambda: RateLimiter("x", 0, clock=CLOCK), "write more than 0"),
        (lambda: RateLimiter("x", 1, 0, clock=CLOCK), "write 1 or more"),
        (lambda: RateLimiter("x", 1, 1, -1, clock=CLOCK), "write 0 or more"),
        (lambda: Hedge("x", 0, clock=CLOCK), "write a positive number"),
        (lambda: Hedge("x", 1, 0, clock=CLOCK), "write 1 or more"),
    ],
)
def test_nonsense_is_refused_with_what_to_write(make: Callable[[], object], says: str) -> None:
    """The sentence names the part and the way out."""
    with pytest.raises(ValueError, match=says):
        make()
