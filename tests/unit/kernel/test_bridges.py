"""Tasks wait for events, processes wait for tasks."""

from __future__ import annotations

import asyncio
import contextvars

import pytest
import simpy

from umt_sim.errors import AwaitedTaskCancelled
from umt_sim.kernel.loop import SimLoop


@pytest.fixture
def loop():
    loop = SimLoop()
    yield loop
    loop.close()


@pytest.fixture
def env(loop):
    return loop.env


def run(loop, main):
    return loop.run_until_complete(main())


class PickyError(Exception):
    """An exception that cannot be made again from its ``args``."""

    def __init__(self, *, code):
        super().__init__(f"code {code}")
        self.code = code


def test_a_task_awaits_a_timeout(loop, env):
    """``await env.timeout(3)`` lasts three seconds and gives the timeout's value."""

    async def main():
        return await env.timeout(3, "value"), loop.time()

    assert run(loop, main) == ("value", 3.0)


def test_an_event_that_has_happened_is_awaited_at_once(loop, env):
    """Awaiting a processed event takes no time."""

    async def main():
        event = env.timeout(1, "value")
        await asyncio.sleep(5)
        return await event, loop.time()

    assert run(loop, main) == ("value", 5.0)


def test_a_task_and_a_process_hand_over_through_a_store(loop, env):
    """A task puts, a process gets, and both see the same times."""
    store, log = simpy.Store(env, capacity=1), []

    def machine():
        for _ in range(2):
            item = yield store.get()
            yield env.timeout(2)
            log.append((item, env.now))
        answer = yield loop.event_of(answering())
        return answer

    async def answering():
        await asyncio.sleep(5)
        return 42

    async def main():
        process = env.process(machine())
        for item in "abc":
            await store.put(item)
        log.append(("all put", loop.time()))
        return await process, loop.time()

    assert run(loop, main) == (42, 9.0)
    assert log == [("all put", 2.0), ("a", 2.0), ("b", 4.0)] or log == [
        ("a", 2.0),
        ("all put", 2.0),
        ("b", 4.0),
    ]


def test_a_resource_is_held_and_released_by_tasks(loop, env):
    """Two tasks that share one slot take turns."""
    resource, log = simpy.Resource(env), []

    async def user(name):
        with resource.request() as request:
            await request
            log.append((name, loop.time()))
            await asyncio.sleep(2)

    async def main():
        await asyncio.gather(user("first"), user("second"))

    run(loop, main)
    assert log == [("first", 0.0), ("second", 2.0)]


@pytest.mark.parametrize(
    "wait",
    [
        lambda env: simpy.Store(env).get(),
        lambda env: simpy.Container(env).get(1),
        lambda env: simpy.FilterStore(env).get(lambda item: True),
        lambda env: simpy.PriorityStore(env).get(),
    ],
)
def test_cancelling_a_get_withdraws_it(loop, env, wait):
    """A task that gave up does not take the next item."""

    async def main():
        get = wait(env)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await get
        return get.resource.get_queue

    assert run(loop, main) == []


def test_cancelling_a_put_withdraws_it(loop, env):
    """A task that gave up leaves nothing behind."""

    async def main():
        store = simpy.Store(env, capacity=1)
        await store.put("first")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await store.put("second")
        return store.items, store.put_queue

    assert run(loop, main) == (["first"], [])


def test_cancelling_a_request_withdraws_it(loop, env):
    """A task that gave up waiting for a slot leaves the queue."""

    async def main():
        resource = simpy.Resource(env)
        await resource.request()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await resource.request()
        return resource.queue, resource.count

    assert run(loop, main) == ([], 1)


def test_an_item_granted_at_the_instant_of_cancellation_goes_back(loop, env):
    """No item is lost between a store and a task that is cancelled while it is handed over."""

    async def main():
        store = simpy.Store(env)
        taker = asyncio.create_task(take(store))
        await asyncio.sleep(1)
        await store.put("item")  # granted to the taker now, but it has not run yet
        taker.cancel()
        await asyncio.wait([taker])
        return taker.cancelled(), store.items

    async def take(store):
        return await store.get()

    assert run(loop, main) == (True, ["item"])


def test_a_slot_granted_at_the_instant_of_cancellation_is_released(loop, env):
    """Likewise for a resource."""

    async def main():
        resource = simpy.Resource(env)
        first = resource.request()
        await first
        waiter = asyncio.create_task(hold(resource))
        await asyncio.sleep(1)
        resource.release(first)  # grants the waiter's request at once
        waiter.cancel()
        await asyncio.wait([waiter])
        await asyncio.sleep(0)
        return waiter.cancelled(), resource.count

    async def hold(resource):
        await resource.request()
        await asyncio.sleep(1000)

    assert run(loop, main) == (True, 0)


def test_an_awaited_exception_is_the_one_that_happened(loop, env):
    """What a process raises reaches the awaiting task as the same object."""
    error = PickyError(code=7)

    def failing():
        yield env.timeout(1)
        raise error

    async def main():
        with pytest.raises(PickyError) as caught:
            await env.process(failing())
        return caught.value

    assert run(loop, main) is error


def test_a_process_gets_the_exception_that_happened(loop, env):
    """What a task raises reaches the waiting process as the same object."""
    error = PickyError(code=8)

    async def failing():
        await asyncio.sleep(1)
        raise error

    def process():
        try:
            yield loop.event_of(failing())
        except PickyError as caught:
            return caught

    async def main():
        return await env.process(process())

    assert run(loop, main) is error


def test_a_failed_event_that_nobody_awaits_ends_the_run(loop, env):
    """SimPy's rule holds: failures are never silently ignored. It is the exception itself."""
    error = PickyError(code=9)

    def failing():
        yield env.timeout(1)
        raise error

    async def main():
        env.process(failing())
        await asyncio.sleep(10)

    with pytest.raises(PickyError) as caught:
        run(loop, main)
    assert caught.value is error
    assert env.now == 1.0


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_a_process_does_not_swallow_an_exit(loop, env, kind):
    """An interrupt inside a process ends the run, even if another process waits for it."""

    def interrupted():
        yield env.timeout(1)
        raise kind

    async def main():
        await env.process(interrupted())

    with pytest.raises(kind):
        run(loop, main)


def test_a_cancelled_task_fails_the_process_that_waits_for_it(loop, env):
    """The process learns that its task was cancelled, in words of its own."""

    async def main():
        task = asyncio.create_task(asyncio.sleep(100), name="nap")

        def process():
            with pytest.raises(AwaitedTaskCancelled, match="nap"):
                yield loop.event_of(task)
            return env.now

        process = env.process(process())
        await asyncio.sleep(1)
        task.cancel()
        return await process

    assert run(loop, main) == 1.0


def test_a_process_keeps_its_creators_context(loop, env):
    """Context variables reach a process, and stay its own."""
    variable = contextvars.ContextVar("variable", default="nobody")
    seen = []

    def process():
        seen.append(variable.get())
        variable.set("process")
        yield env.timeout(1)
        seen.append(variable.get())

    async def main():
        variable.set("creator")
        await env.process(process())
        seen.append(variable.get())

    run(loop, main)
    assert seen == ["creator", "process", "creator"]


def test_conditions_can_be_awaited(loop, env):
    """``await (a | b)`` waits for the first, ``await (a & b)`` for both."""

    async def main():
        await (env.timeout(1) | env.timeout(2))
        first = loop.time()
        await (env.timeout(1) & env.timeout(2))
        return first, loop.time()

    assert run(loop, main) == (1.0, 3.0)


def test_a_process_that_yields_a_coroutine_is_told_what_to_do(loop, env):
    """Yielding what is no event names the process and the cure."""

    def process():
        yield "no event"

    async def main():
        await env.process(process())

    with pytest.raises(RuntimeError, match=r"process 'process' yielded 'no event'.*event_of"):
        run(loop, main)


def test_events_of_plain_simpy_cannot_be_awaited():
    """An event without our environment belongs to no loop, and says so."""

    async def main():
        await simpy.Environment().event()

    with pytest.raises(RuntimeError, match=r"plain simpy\.Environment"):
        asyncio.run(main())
