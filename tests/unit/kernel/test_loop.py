"""asyncio in virtual time: exact instants, one order, and asyncio's own promises."""

from __future__ import annotations

import asyncio
import contextvars
import math
import threading

import pytest
import simpy

from umt_sim.errors import WallClockLeak
from umt_sim.kernel import Kernel
from umt_sim.kernel.loop import SimLoop
from umt_sim.kernel.shuffling import Shuffle


@pytest.fixture
def loop():
    loop = SimLoop()
    yield loop
    loop.close()


def test_sleeping_takes_exactly_the_time_asked(loop):
    """A year of sleep takes no time to run and ends at the very second."""

    async def main():
        await asyncio.sleep(365 * 86400)
        return loop.time()

    assert loop.run_until_complete(main()) == 31_536_000.0


def test_sums_of_tenths_meet(loop):
    """Three sleeps of 0.1 s end at the instant of one timeout of 0.3 s, in order of scheduling."""
    order = []

    async def three():
        for _ in range(3):
            await asyncio.sleep(0.1)
        order.append(("three", loop.time()))

    async def main():
        task = asyncio.create_task(three())
        await loop.env.timeout(0.3)
        order.append(("one", loop.time()))
        await task

    loop.run_until_complete(main())
    assert order == [("one", 0.3), ("three", 0.3)]


@pytest.mark.parametrize("when", [0.0, 0.1, 1 / 3, 86_400.123456789, 2e6 + 0.1, 3e7 + 0.5])
def test_instants_are_whole_nanoseconds(loop, when):
    """An instant is the float nearest to a whole number of nanoseconds."""
    loop.call_at(when, loop.stop)
    loop.run_forever()
    assert round(when, 9) == loop.time()


@pytest.mark.parametrize("when", [0.1, 1 / 3, 86_400.123456789, 2e6 + 0.1, 3e7 + 0.5])
def test_timers_and_timeouts_of_one_delay_meet(loop, when):
    """A timer, the environment's timeout and SimPy's own class reach the same instant."""
    reached = []
    loop.call_at(when, lambda: reached.append(loop.time()))
    for timeout in (loop.env.timeout(when), simpy.Timeout(loop.env, when)):
        timeout.callbacks.append(lambda _: reached.append(loop.time()))
    loop.run_until_idle()
    assert [round(when, 9)] * 3 == reached


def test_a_negative_timeout_is_refused(loop):
    """As in SimPy; nothing is scheduled."""
    with pytest.raises(ValueError, match="cannot be negative: -1"):
        loop.env.timeout(-1)
    loop.run_until_idle()


def test_timers_of_one_instant_keep_their_order(loop):
    """Without a shuffle, timers and SimPy events of one instant happen as scheduled."""
    order = []

    async def main():
        loop.call_later(1, order.append, "timer 1")
        loop.env.timeout(1).callbacks.append(lambda _: order.append("event"))
        loop.call_later(1, order.append, "timer 2")
        await asyncio.sleep(2)

    loop.run_until_complete(main())
    # The event happens while the instant is reached; both timers are in the batch after it.
    assert order == ["event", "timer 1", "timer 2"]


def test_a_time_in_the_past_means_now(loop):
    """``call_at`` with a time gone by runs at once and never turns the clock back."""

    async def main():
        await asyncio.sleep(5)
        happened = loop.create_future()
        loop.call_at(1, lambda: happened.set_result(loop.time()))
        return await happened

    assert loop.run_until_complete(main()) == 5.0


def test_a_cancelled_timer_does_not_move_the_clock(loop):
    """A timeout that did not strike leaves no trace on the clock."""

    async def main():
        async with asyncio.timeout(1000):
            await asyncio.sleep(1)

    loop.run_until_complete(main())
    loop.run_until_idle()
    assert loop.time() == 1.0


def test_cancelled_timers_are_swept(loop):
    """A heap of which half is dead is compacted, so finished timeouts do not pile up."""

    async def main():
        for _ in range(1000):
            async with asyncio.timeout(1000):
                await asyncio.sleep(0)
        return len(loop.env._queue)

    assert loop.run_until_complete(main()) < 150


def test_the_sweep_keeps_what_is_alive(loop):
    """Compaction loses no timer and changes no order."""
    fired = []

    async def main():
        for number in range(300):
            loop.call_later(10 - number % 7, fired.append, number)
            for _ in range(3):
                loop.call_later(5, fired.append, "dead").cancel()
        await asyncio.sleep(20)

    loop.run_until_complete(main())
    assert fired == sorted(range(300), key=lambda number: (10 - number % 7, number))


def test_an_infinite_sleep_waits_for_ever_without_moving_the_clock(loop):
    """A timer at infinity never fires, and counts as nothing scheduled."""

    async def main():
        forever = asyncio.create_task(asyncio.sleep(math.inf))
        await asyncio.sleep(1)
        forever.cancel()
        return loop.time()

    assert loop.run_until_complete(main()) == 1.0


def test_tasks_and_events_alternate_within_an_instant(loop):
    """A SimPy process that repeats ``timeout(0)`` cannot keep a ready task from running."""
    turns = []

    def process(env):
        for turn in range(3):
            turns.append(f"process {turn}")
            yield env.timeout(0)

    async def main():
        loop.env.process(process(loop.env))
        for turn in range(3):
            turns.append(f"task {turn}")
            await asyncio.sleep(0)
        await asyncio.sleep(1)

    loop.run_until_complete(main())
    assert turns == ["task 0", "process 0", "task 1", "process 1", "task 2", "process 2"]


def test_an_executor_job_runs_inline_one_step_later(loop):
    """``to_thread`` calls the function in this thread, after the caller has gone to wait."""

    async def main():
        log = []
        job = asyncio.ensure_future(asyncio.to_thread(lambda: log.append(threading.get_ident())))
        await asyncio.sleep(0)
        log.append("caller waits")
        await job
        return log

    assert loop.run_until_complete(main()) == ["caller waits", threading.get_ident()]


def test_an_executor_job_raises_where_it_is_awaited(loop):
    """The exception of an executor job is the awaiting task's."""
    error = ValueError("from the job")

    def job():
        raise error

    async def main():
        await loop.run_in_executor(None, job)

    with pytest.raises(ValueError) as caught:
        loop.run_until_complete(main())
    assert caught.value is error


def test_runner_accepts_the_loop():
    """``asyncio.Runner`` drives the loop, and closes it with what is left on it."""
    ended = []

    async def left_behind():
        try:
            await asyncio.sleep(1000)
        finally:
            ended.append(asyncio.get_running_loop().time())

    async def main():
        keep.append(asyncio.create_task(left_behind()))
        await asyncio.sleep(2)
        await asyncio.to_thread(int)
        return "done"

    keep = []
    with asyncio.Runner(loop_factory=SimLoop) as runner:
        assert runner.run(main()) == "done"
    assert ended == [2.0]


def test_debug_mode_works():
    """Asyncio's debug mode checks the same loop."""
    loop = SimLoop()
    loop.set_debug(True)

    async def main():
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(1))
        return loop.time()

    assert loop.run_until_complete(main()) == 1.0
    loop.close()


@pytest.mark.skipif(not hasattr(asyncio, "eager_task_factory"), reason="Python 3.12 and later")
def test_eager_tasks_are_numbered_too(loop):
    """Tasks that start eagerly run before their creator goes on, and get numbers all the same."""
    order = []

    async def child(name):
        order.append(name)
        await asyncio.sleep(1)
        return name

    async def main():
        loop.set_task_factory(asyncio.eager_task_factory)
        tasks = [asyncio.create_task(child(name)) for name in "ab"]
        order.append("main")
        await asyncio.gather(*tasks)
        return [hash(task) for task in tasks]

    assert loop.run_until_complete(main()) == [2, 3]
    assert order == ["a", "b", "main"]


def test_names_are_counted_for_each_loop():
    """The first task of each loop is Task-1, however many tasks the process has made."""

    async def name():
        return asyncio.current_task().get_name()

    for _ in range(2):
        loop = SimLoop()
        assert loop.run_until_complete(name()) == "Task-1"
        loop.close()


def test_call_soon_threadsafe_works_in_the_thread_of_the_run(loop):
    """Finalisers of async generators use it, in this thread."""
    loop.call_soon_threadsafe(loop.stop)
    loop.run_forever()
    assert loop.time() == 0.0


def test_call_soon_threadsafe_is_refused_to_other_threads(loop):
    """Another thread's call would come at a random moment of the run."""
    caught = []

    def other():
        try:
            loop.call_soon_threadsafe(print)
        except WallClockLeak as leak:
            caught.append(leak)

    async def main():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    loop.run_until_complete(main())
    assert len(caught) == 1


def test_context_variables_reach_timers(loop):
    """A timer runs in the context of whoever set it."""
    variable = contextvars.ContextVar("variable", default="outside")
    seen = []

    async def main():
        variable.set("inside")
        loop.call_later(1, lambda: seen.append(variable.get()))
        await asyncio.sleep(2)

    loop.run_until_complete(main())
    assert seen == ["inside"]


def orders(shuffle: Shuffle, scenario) -> set[tuple[int, ...]]:
    """The orders in which *scenario* ran for twenty seeds."""
    found = set()
    for seed in range(20):
        order: list[int] = []
        with Kernel(seed=seed, shuffle=shuffle) as kernel:
            kernel.run(scenario(order))
        found.add(tuple(order))
    return found


async def equal_timers(order):
    loop = asyncio.get_running_loop()
    for number in range(4):
        loop.call_later(1, order.append, number)
    await asyncio.sleep(2)


async def equal_executor_jobs(order):
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.run_in_executor(None, order.append, number) for number in range(4)))


async def ready_tasks(order):
    async def child(number):
        await asyncio.sleep(0)
        order.append(number)

    await asyncio.gather(*(child(number) for number in range(4)))


async def ready_callbacks(order):
    loop = asyncio.get_running_loop()
    for number in range(4):
        loop.call_soon(order.append, number)
    await asyncio.sleep(1)


SCHEDULED = {(0, 1, 2, 3)}


@pytest.mark.parametrize("scenario", [equal_timers, equal_executor_jobs])
def test_external_order_depends_on_the_seed(scenario):
    """By default the order of equal timers and of executor jobs is drawn."""
    assert len(orders(Shuffle.EXTERNAL, scenario)) > 10


@pytest.mark.parametrize("scenario", [ready_tasks, ready_callbacks])
def test_ready_tasks_and_callbacks_keep_their_order_by_default(scenario):
    """Asyncio's promise of first in, first out is kept."""
    assert orders(Shuffle.EXTERNAL, scenario) == SCHEDULED


def test_ready_tasks_are_shuffled_on_demand_and_callbacks_never():
    """The aggressive mode reorders steps of tasks only."""
    assert len(orders(Shuffle.TASKS, ready_tasks)) > 10
    assert orders(Shuffle.TASKS, ready_callbacks) == SCHEDULED


@pytest.mark.parametrize("scenario", [equal_timers, equal_executor_jobs, ready_tasks])
def test_nothing_is_shuffled_on_demand(scenario):
    """Without a shuffle everything happens as it was scheduled."""
    assert orders(Shuffle.NONE, scenario) == SCHEDULED
