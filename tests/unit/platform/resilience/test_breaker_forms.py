"""Every form a protected call can take."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Generator
from functools import partial
from unittest.mock import AsyncMock

import pytest

from tests.unit.platform.resilience.clock import HandClock
from umt_sim.platform.resilience import CircuitBreaker, CircuitBreakError, CircuitOpenError
from umt_sim.platform.resilience.breaker import Outcome, State


def make(threshold: int = 2) -> CircuitBreaker:
    return CircuitBreaker("db", threshold, 30, clock=HandClock())


def boom(*_: object) -> None:
    raise OSError("boom")


async def boom_async(*_: object) -> None:
    raise OSError("boom")


def trip(breaker: CircuitBreaker) -> None:
    while breaker.state is State.CLOSED:
        with pytest.raises(OSError, match="boom"):
            breaker.call(boom)


# execute: the document's form


def test_execute_returns_the_result() -> None:
    """Arguments go in and the result comes out."""
    assert make().execute(divmod, 7, 2) == (3, 1)
    assert make().execute(lambda a, *, b: a + b, 1, b=2) == 3


def test_execute_wraps_a_failure() -> None:
    """`CircuitBreakError` holds what the call raised, as attribute and as cause."""
    with pytest.raises(CircuitBreakError) as caught:
        make().execute(boom)
    assert isinstance(caught.value.original_exception, OSError)
    assert caught.value.original_exception is caught.value.__cause__


def test_execute_refuses_when_open() -> None:
    """`CircuitOpenError` says after how many seconds a call may be let through."""
    breaker = make()
    trip(breaker)
    with pytest.raises(CircuitOpenError) as caught:
        breaker.execute(boom)
    assert caught.value.retry_after == 30.0
    assert "circuit breaker 'db' is open and refused the call; try again in 30.000 s" == str(
        caught.value
    )


def test_execute_of_a_coroutine_function_gives_an_awaitable() -> None:
    """The same object and method serve asyncio."""

    async def double(number: int) -> int:
        await asyncio.sleep(0)
        return number * 2

    async def main() -> None:
        breaker = make()
        assert await breaker.execute(double, 21) == 42
        for _ in range(2):
            with pytest.raises(CircuitBreakError):
                await breaker.execute(boom_async)
        with pytest.raises(CircuitOpenError):
            await breaker.execute(double, 1)

    asyncio.run(main())


@pytest.mark.parametrize("how", ["partial", "method", "object", "lambda", "mock"])
def test_what_gives_a_coroutine_is_protected_as_one(how: str) -> None:
    """Partials, methods, callable objects, lambdas and mocks of coroutine functions are seen."""

    class Client:
        async def query(self) -> None:
            raise OSError("boom")

        async def __call__(self) -> None:
            raise OSError("boom")

    functions = {
        "partial": partial(boom_async, 1),
        "method": Client().query,
        "object": Client(),
        "lambda": lambda: boom_async(1),
        "mock": AsyncMock(side_effect=OSError("boom")),
    }

    async def main() -> None:
        breaker = make()
        for form in (breaker.execute, breaker.call):
            with pytest.raises((CircuitBreakError, OSError)):
                await form(functions[how])
        assert breaker.state is State.OPEN

    asyncio.run(main())


def test_coroutine_nobody_awaits_holds_no_permit() -> None:
    """A plain function's coroutine is admitted when it is awaited, not when it is made."""
    clock = HandClock()
    breaker = CircuitBreaker("db", 1, 30, clock=clock)
    trip(breaker)
    clock.advance(31)
    breaker.acquire().release()  # half-open

    async def fine() -> int:
        return 1

    async def main() -> None:
        made = fine()
        forgotten = breaker.execute(lambda: made)
        assert await breaker.execute(fine) == 1  # the only probe there is
        forgotten.close()
        made.close()

    asyncio.run(main())
    assert breaker.state is State.CLOSED


def test_coroutine_refused_when_awaited_is_closed() -> None:
    """A coroutine made before the breaker opened and awaited after does not linger."""

    async def main() -> None:
        breaker = make()
        made = boom_async()
        later = breaker.execute(lambda: made)
        trip(breaker)
        with pytest.raises(CircuitOpenError):
            await later
        assert made.cr_frame is None

    asyncio.run(main())


# The other forms


def test_decorated_function_keeps_its_name_and_its_errors() -> None:
    """The decorator lets the original exception through and preserves the signature."""
    breaker = make()

    @breaker
    def query(table: str) -> str:
        """Look it up."""
        raise OSError(table)

    assert ("query", "Look it up.") == (query.__name__, query.__doc__)
    for _ in range(2):
        with pytest.raises(OSError, match="users"):
            query("users")
    with pytest.raises(CircuitOpenError):
        query("users")


def test_decorated_coroutine_function_stays_one() -> None:
    """A decorated coroutine function is a coroutine function."""
    breaker = make()
    guarded = breaker(boom_async)
    assert inspect.iscoroutinefunction(guarded)

    async def main() -> None:
        for _ in range(2):
            with pytest.raises(OSError, match="boom"):
                await guarded()
        with pytest.raises(CircuitOpenError):
            await guarded()

    asyncio.run(main())


def test_with_block_counts_as_a_call() -> None:
    """Leaving a block by an exception is a failure, leaving it otherwise a success."""
    breaker = make()
    with breaker:
        pass
    for _ in range(2):
        with pytest.raises(OSError, match="boom"), breaker:
            boom()
    with pytest.raises(CircuitOpenError), breaker:
        raise AssertionError("the block of a refused call does not run")
    assert (1, 2) == (breaker.snapshot().successful_calls, breaker.snapshot().failed_calls)


def test_async_with_blocks_of_many_tasks_keep_their_own_times() -> None:
    """Overlapping blocks of one breaker end with the duration of their own."""
    clock = HandClock()
    durations = []
    breaker = CircuitBreaker("db", clock=clock, listeners=[lambda e: durations.append(e.duration)])

    async def hold(entered: asyncio.Event, leave: asyncio.Event) -> None:
        async with breaker:
            entered.set()
            await leave.wait()

    async def main() -> None:
        events = [(asyncio.Event(), asyncio.Event()) for _ in range(3)]
        async with asyncio.TaskGroup() as group:
            for entered, leave in events:
                group.create_task(hold(entered, leave))
                await entered.wait()
                clock.advance(1)
            for _, leave in events:
                leave.set()

    asyncio.run(main())
    assert sorted(durations) == [1.0, 2.0, 3.0]


def test_nested_blocks_of_one_breaker() -> None:
    """A block within a block of the same breaker is two calls."""
    breaker = make()
    with breaker, breaker:
        pass
    assert breaker.snapshot().successful_calls == 2


def test_generator_is_one_call_from_first_item_to_last() -> None:
    """The outcome of a generator is that of the whole iteration, its value included."""
    breaker = make()

    @breaker
    def rows(*, fails: bool) -> Generator[int, int, str]:
        sent = yield 1
        yield sent
        if fails:
            raise OSError("boom")
        return "done"

    running = rows(fails=False)
    assert breaker.snapshot().buffered_calls == 0
    assert (next(running), running.send(7)) == (1, 7)
    with pytest.raises(StopIteration, match="done"):
        next(running)
    with pytest.raises(OSError, match="boom"):
        list(rows(fails=True))
    assert (1, 1) == (breaker.snapshot().successful_calls, breaker.snapshot().failed_calls)


def test_async_generator_is_one_call_and_hears_what_is_sent() -> None:
    """Values sent and exceptions thrown reach the inner generator."""
    breaker = make()

    @breaker
    async def rows(*, fails: bool) -> AsyncGenerator[object, object]:
        try:
            sent = yield 1
        except KeyError:
            sent = "caught"
        yield sent
        if fails:
            raise OSError("boom")

    async def main() -> None:
        running = rows(fails=False)
        assert (await anext(running), await running.asend("sent")) == (1, "sent")
        with pytest.raises(StopAsyncIteration):
            await anext(running)
        thrown = rows(fails=False)
        await anext(thrown)
        assert await thrown.athrow(KeyError()) == "caught"
        assert [item async for item in thrown] == []
        with pytest.raises(OSError, match="boom"):
            assert [1, None] == [item async for item in rows(fails=True)]

    asyncio.run(main())
    assert (2, 1) == (breaker.snapshot().successful_calls, breaker.snapshot().failed_calls)


def test_permit_is_admission_and_outcome_apart() -> None:
    """A permit records an outcome, an error, a result, or nothing."""
    breaker = make(3)
    breaker.acquire().record(Outcome.SUCCESS)
    breaker.acquire().record(Outcome.FAILURE)
    breaker.acquire().record(Outcome.IGNORED)
    breaker.acquire().record(OSError())
    breaker.acquire().record(asyncio.CancelledError())
    breaker.acquire().record_result(1)
    breaker.acquire().release()
    with breaker.acquire():
        pass
    assert (3, 2) == (breaker.snapshot().successful_calls, breaker.snapshot().failed_calls)


def test_permit_is_settled_once() -> None:
    """Whatever follows the first word about a permit changes nothing."""
    breaker = make()
    permit = breaker.acquire()
    permit.record(Outcome.FAILURE)
    permit.record(Outcome.FAILURE)
    permit.record_result(1)
    permit.release()
    assert permit.settled
    assert (0, 1) == (breaker.snapshot().successful_calls, breaker.snapshot().failed_calls)
