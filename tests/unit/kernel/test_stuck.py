"""A run that cannot go on says who is to blame."""

from __future__ import annotations

import asyncio
import inspect

import pytest
import simpy

from umt_sim.errors import Livelock, Stalled
from umt_sim.kernel.hosts import Host
from umt_sim.kernel.loop import SimLoop


@pytest.fixture
def loop():
    loop = SimLoop(livelock_limit=1000)
    yield loop
    for task in loop.tasks():
        task.cancel()
    loop.run_until_idle()
    loop.close()


def line_of(function, text):
    """``file:line`` of the line of *function* that contains *text*."""
    lines, first = inspect.getsourcelines(function)
    offset = next(number for number, line in enumerate(lines) if text in line)
    return f"test_stuck.py:{first + offset}"


async def consumer(queue):
    return await queue.get()


def test_a_stalled_run_names_who_waits_where(loop):
    """Each waiting task is named with its coroutine, its source line and what the line says."""

    async def main():
        await asyncio.sleep(2)
        await asyncio.create_task(consumer(asyncio.Queue()), name="the consumer")

    with pytest.raises(Stalled) as caught:
        loop.run_until_complete(main())
    first, second = caught.value.pending
    assert caught.value.at == 2.0
    assert "task Task-1" in first
    assert "main()" in first
    assert 'await asyncio.create_task(consumer(asyncio.Queue()), name="the consumer")' in first
    assert second.startswith("task the consumer, consumer() at ")
    assert second.endswith(f"{line_of(consumer, 'queue.get')}: return await queue.get()")


def test_a_stalled_run_names_processes_and_hosts(loop):
    """SimPy processes are listed too, and a task says which host it is on."""

    def process(env):
        yield simpy.Store(env).get()

    async def on_host():
        await asyncio.Event().wait()

    async def main():
        loop.env.process(process(loop.env))
        await Host("db-1", loop).run(on_host(), name="vacuum")

    with pytest.raises(Stalled) as caught:
        loop.run_until_complete(main())
    _, task, waiting = caught.value.pending
    assert task.startswith("task vacuum on db-1, ")
    assert waiting.startswith("process process() at ")
    assert waiting.endswith("yield simpy.Store(env).get() (for StoreGet())")


def test_a_spinning_task_is_a_livelock(loop):
    """A task that never lets time pass is named with the line it spins on."""

    async def spinner():
        while True:  # noqa: ASYNC110 - the mistake under test
            await asyncio.sleep(0)

    async def main():
        await asyncio.sleep(3)
        await asyncio.create_task(spinner(), name="spinner")

    with pytest.raises(Livelock) as caught:
        loop.run_until_complete(main())
    assert caught.value.at == 3.0
    assert caught.value.steps >= 1000
    (busiest,) = caught.value.busiest
    assert busiest.startswith("spinner at ")
    assert "await asyncio.sleep(0)" in busiest


def test_a_spinning_process_is_a_livelock(loop):
    """A SimPy process that repeats ``timeout(0)`` is named too."""

    def spinner(env):
        while True:
            yield env.timeout(0)

    async def main():
        await loop.env.process(spinner(loop.env))

    try:
        with pytest.raises(Livelock) as caught:
            loop.run_until_complete(main())
        (busiest,) = caught.value.busiest
        assert busiest.startswith("process spinner() at ")
        assert busiest.endswith(": yield env.timeout(0) (for Timeout(0))")
    finally:
        loop.env._queue.clear()


def test_many_tasks_at_one_instant_are_no_livelock(loop):
    """The limit counts turns of the loop, not tasks: a crowd that wakes at once is fine."""

    async def main():
        await asyncio.gather(*(asyncio.sleep(1) for _ in range(5000)))
        return loop.time()

    assert loop.run_until_complete(main()) == 1.0


def test_turns_spread_over_time_are_no_livelock(loop):
    """Any number of turns is fine as long as the clock moves."""

    async def main():
        for _ in range(5000):
            await asyncio.sleep(0.001)
        return loop.time()

    assert loop.run_until_complete(main()) == 5.0
