"""The fifth fault: nothing that befalls a probe keeps its slot."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, Callable, Generator

import pytest

from tests.unit.platform.resilience.bench import ONE, Bench, boom
from umt_sim.platform.resilience import (
    CircuitOpenError,
)
from umt_sim.platform.resilience.breaker import (
    Outcome,
    State,
)


def hang(bench: Bench) -> object:
    """A probe that never ends; what is returned keeps it alive."""
    permit = bench.breaker.acquire()
    bench.clock.advance(61)
    return permit


def be_cancelled(bench: Bench) -> None:
    """A probe whose task is cancelled."""

    async def main() -> None:
        async def wait() -> None:
            await asyncio.Event().wait()

        task = asyncio.ensure_future(bench.breaker.execute(wait))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def be_ignored(bench: Bench) -> None:
    """A probe that raises an ignored error."""
    bench.breaker.acquire().record(Outcome.IGNORED)


def interrupt(bench: Bench) -> None:
    """A probe that raises what is no Exception."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    for form in (bench.breaker.execute, bench.breaker.call, lambda f: bench.breaker(f)()):
        with pytest.raises(KeyboardInterrupt):
            form(interrupted)
    with pytest.raises(KeyboardInterrupt), bench.breaker:
        interrupted()


def drop_generator(bench: Bench) -> None:
    """A probe that is a generator nobody finishes."""

    @bench.breaker
    def rows() -> Generator[int, None, None]:
        yield 1
        yield 2

    running = rows()
    assert 1 == next(running)
    del running
    gc.collect()


def drop_async_generator(bench: Bench) -> None:
    """A probe that is an asynchronous generator nobody finishes."""

    @bench.breaker
    async def rows() -> AsyncGenerator[int, None]:
        yield 1
        yield 2

    async def main() -> None:
        running = rows()
        assert 1 == await anext(running)
        del running
        gc.collect()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())


def drop_block_of_generator(bench: Bench) -> None:
    """A probe in a `with` block of an asynchronous generator closed by another task."""

    async def rows() -> AsyncGenerator[int, None]:
        async with bench.breaker:
            yield 1

    async def main() -> None:
        running = rows()
        await asyncio.create_task(_first(running))
        await asyncio.create_task(running.aclose())

    asyncio.run(main())


async def _first(running: AsyncGenerator[int, None]) -> None:
    await anext(running)


def drop_permit(bench: Bench) -> None:
    """A probe's permit is forgotten."""
    bench.breaker.acquire()
    gc.collect()


@pytest.mark.parametrize(
    "befall",
    [
        hang,
        be_cancelled,
        be_ignored,
        interrupt,
        drop_generator,
        drop_async_generator,
        drop_block_of_generator,
        drop_permit,
    ],
)
def test_fault_5_probe_gives_its_slot_back(befall: Callable[[Bench], object]) -> None:
    """Whatever befalls the only probe, the next caller may probe, and only one."""
    bench = Bench()
    breaker = bench.ready_to_probe()
    kept = befall(bench)
    assert State.HALF_OPEN is breaker.state
    probe = breaker.acquire()
    with pytest.raises(CircuitOpenError):
        breaker.acquire()
    probe.record(Outcome.SUCCESS)
    assert State.CLOSED is breaker.state
    del kept


def test_fault_5_late_outcome_of_a_hung_probe_does_not_count() -> None:
    """A probe whose lease is over has lost its say as well."""
    bench = Bench()
    breaker = bench.ready_to_probe()
    hung = breaker.acquire()
    bench.clock.advance(61)
    probe = breaker.acquire()
    hung.record(Outcome.FAILURE)
    assert State.HALF_OPEN is breaker.state
    probe.record(Outcome.SUCCESS)
    assert State.CLOSED is breaker.state


class Broken(Exception):
    """What user code raises that a breaker calls."""


def _raise(*_: object) -> bool:
    raise Broken


@pytest.mark.parametrize("which", ["ignore", "record", "failed_result", "open_for"])
def test_fault_5_probe_whose_predicate_raises_gives_its_slot_back(which: str) -> None:
    """The caller sees the call's own result or error; the predicate's error is reported."""
    bench = Bench(ONE.but(**{which: _raise}))
    bench.breaker.transition_to(State.OPEN)
    bench.breaker.transition_to(State.HALF_OPEN)
    if which in ("failed_result", "open_for"):
        assert 3 == bench.breaker.call(lambda: 3)
        assert State.CLOSED is bench.breaker.state
    else:
        with pytest.raises(OSError, match="boom"):
            bench.breaker.call(boom)
        assert State.OPEN is bench.breaker.state
    assert [Broken] == [type(error) for error in bench.reports]


def test_fault_5_listener_that_raises_changes_nothing_and_is_reported() -> None:
    """Neither the caller nor the other listeners notice."""
    bench = Bench()
    breaker = bench.breaker
    breaker.subscribe(_raise)
    heard: list[str] = []
    breaker.subscribe(lambda event: heard.append(event.kind))
    assert 3 == breaker.call(lambda: 3)
    assert ["success"] == heard
    assert [Broken] == [type(error) for error in bench.reports]
    bench.ready_to_probe()
    assert 3 == breaker.call(lambda: 3)
    assert State.CLOSED is breaker.state
