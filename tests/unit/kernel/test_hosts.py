"""Hosts that freeze, lose power, come back, and have wrong clocks."""

from __future__ import annotations

import asyncio
import time

import pytest

from umt_sim.errors import Stalled
from umt_sim.kernel import Kernel
from umt_sim.kernel.hosts import Host, HostState, current_host


@pytest.fixture
def kernel():
    with Kernel(seed=1) as kernel:
        yield kernel


@pytest.fixture
def host(kernel):
    return Host("web-1", kernel.loop)


async def ticking(log):
    try:
        while True:
            await asyncio.sleep(1)
            log.append(asyncio.get_running_loop().time())
    finally:
        log.append("finally")


def test_a_task_and_all_it_starts_belong_to_its_host(kernel, host):
    """Tasks, timers, executor jobs and SimPy processes inherit the host."""
    seen = {}

    def note(what):
        seen[what] = current_host()

    def process():
        note("process")
        yield kernel.env.timeout(1)

    async def child():
        note("child")

    async def program():
        note("task")
        await asyncio.create_task(child())
        kernel.loop.call_later(1, note, "timer")
        await asyncio.to_thread(note, "job")
        await kernel.env.process(process())
        await asyncio.sleep(2)

    async def main():
        await host.run(program())
        note("harness")

    kernel.run(main())
    assert seen.pop("harness") is None
    assert seen == dict.fromkeys(["task", "child", "timer", "job", "process"], host)


def test_a_crash_is_a_power_cut(kernel, host):
    """After a crash nothing of the host runs any more, not even ``finally``."""
    log = []

    async def main():
        host.run(ticking(log))
        await asyncio.sleep(2.5)
        host.crash()
        await asyncio.sleep(10)
        return list(log)

    assert kernel.run(main()) == [1.0, 2.0]
    assert host.state is HostState.CRASHED


def test_a_crash_takes_effect_in_the_very_batch(kernel, host):
    """A callback of the host that is already ready when the power goes does not run."""
    log = []

    async def main():
        host.context().run(kernel.loop.call_soon, log.append, "from the host")
        kernel.loop.call_soon(log.append, "from elsewhere")
        host.crash()
        await asyncio.sleep(1)

    kernel.run(main())
    assert log == ["from elsewhere"]


def test_a_crash_stops_processes_of_the_host(kernel, host):
    """SimPy processes lose power too."""
    log = []

    def process():
        while True:
            yield kernel.env.timeout(1)
            log.append(kernel.env.now)

    async def main():
        host.context().run(kernel.env.process, process())
        await asyncio.sleep(2.5)
        host.crash()
        await asyncio.sleep(10)

    kernel.run(main())
    assert log == [1.0, 2.0]


def test_async_generators_of_a_crashed_host_are_not_closed():
    """The end of the run closes living generators, not those that lost power."""
    log = []

    async def generator(name):
        try:
            yield 1
            yield 2
        finally:
            log.append(name)

    async def consume(name):
        async for _ in generator(name):
            await asyncio.sleep(1000)

    with Kernel(seed=1) as kernel:
        host = Host("dead", kernel.loop)

        async def main():
            host.run(consume("on the host"))
            keep.append(asyncio.create_task(consume("elsewhere")))
            await asyncio.sleep(1)
            host.crash()

        keep = []
        kernel.run(main())
        kernel.loop.call_soon(lambda: None)
    # What the dead host held is freed after the simulation has ended, and is found last.
    assert log[0] == "elsewhere"


def test_cleanup_of_a_dead_host_runs_in_no_world():
    """Python runs ``finally`` when a coroutine is freed: that happens after the loop was closed."""
    seen = []

    async def program(loop):
        try:
            await asyncio.sleep(1000)
        finally:
            seen.append((loop.is_closed(), asyncio.get_event_loop() is loop))

    with Kernel(seed=1) as kernel:
        host = Host("dead", kernel.loop)

        async def main():
            host.run(program(kernel.loop))
            await asyncio.sleep(1)
            host.crash()
            await asyncio.sleep(1)

        kernel.run(main())
        assert seen == []
    assert seen == [(True, True)]  # who asks for a loop does not make a real one


def test_cleanup_that_waits_more_than_once_runs_in_no_world_either():
    """Python closes such a coroutine again when it is freed, and it asks for the loop again."""
    seen = []

    async def program(loop):
        try:
            try:
                await asyncio.sleep(1000)
            finally:
                await asyncio.sleep(0)
        finally:
            seen.append(asyncio.get_event_loop() is loop)

    with Kernel(seed=1) as kernel:
        host = Host("dead", kernel.loop)

        async def main():
            host.run(program(kernel.loop))
            await asyncio.sleep(1)
            host.crash()
            await asyncio.sleep(1)

        kernel.run(main())
    assert seen == [True]


def test_what_cleanup_of_a_dead_host_raises_is_nobodys_business(capfd):
    """A handler that cannot do its work after the end is not printed as an ignored exception."""

    async def handler():
        try:
            await asyncio.sleep(1000)
        finally:
            try:
                await asyncio.sleep(0)  # it cannot be closed in one go
            finally:
                raise OSError("the loop is closed")

    async def program():
        await handler()

    with Kernel(seed=1) as kernel:
        host = Host("dead", kernel.loop)

        async def main():
            host.run(program())
            await asyncio.sleep(1)
            host.crash()

        kernel.run(main())
    assert ("", "") == capfd.readouterr()


def test_a_restarted_host_is_empty(kernel, host):
    """What ran before the crash stays dead; new programs run."""
    log = []

    async def main():
        host.run(ticking(log))
        await asyncio.sleep(1.5)
        host.crash()
        await asyncio.sleep(1)
        host.restart()
        host.run(ticking(log))
        await asyncio.sleep(2.25)
        return list(log)

    assert kernel.run(main()) == [1.0, 3.5, 4.5]


def test_nothing_can_be_started_without_power(kernel, host):
    """A crashed host refuses programs until it is restarted."""
    host.crash()
    with pytest.raises(RuntimeError, match=r"restart\(\) it first"):
        host.run(ticking([]))


def test_a_paused_host_resumes_where_it_stopped(kernel, host):
    """Timers that come due during a pause fire when it ends, as after SIGSTOP and SIGCONT."""
    log = []

    async def main():
        host.run(ticking(log))
        await asyncio.sleep(2.5)
        host.pause()
        await asyncio.sleep(2)
        host.resume()
        await asyncio.sleep(1.25)
        return list(log)

    assert kernel.run(main()) == [1.0, 2.0, 4.5, 5.5]


def test_a_pause_keeps_the_order_of_what_it_holds_back(kernel, host):
    """Callbacks held back run in the order in which they became ready."""
    log = []

    async def main():
        for number in range(3):
            host.context().run(kernel.loop.call_later, number + 1, log.append, number)
        host.pause()
        await asyncio.sleep(10)
        assert log == []
        host.resume()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    kernel.run(main())
    assert log == [0, 1, 2]


def test_processes_pause_too(kernel, host):
    """A SimPy process of a paused host goes on when the host does."""
    log = []

    def process():
        for _ in range(2):
            yield kernel.env.timeout(1)
            log.append(kernel.env.now)

    async def main():
        host.context().run(kernel.env.process, process())
        await asyncio.sleep(0.5)
        host.pause()
        await asyncio.sleep(4.5)
        host.resume()
        await asyncio.sleep(2)

    kernel.run(main())
    assert log == [5.0, 6.0]


def test_the_others_do_not_notice(kernel, host):
    """A crash of one host changes nothing for another."""
    other, log = Host("web-2", kernel.loop), []

    async def main():
        other.run(ticking(log))
        host.run(ticking([]))
        await asyncio.sleep(1.5)
        host.crash()
        await asyncio.sleep(2)
        return list(log)

    assert kernel.run(main()) == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("verb", "state"), [("resume", "running"), ("restart", "running"), ("pause", "paused")]
)
def test_impossible_changes_are_refused(host, verb, state):
    """A host cannot resume or restart while it runs, nor pause twice."""
    if state == "paused":
        host.pause()
    with pytest.raises(RuntimeError, match=f"cannot {verb} host web-1: it is {state}"):
        getattr(host, verb)()


def test_changes_are_announced(host):
    """Subscribers, such as the network, learn of each change after it happened."""
    states = []
    host.on_change.append(lambda changed: states.append(changed.state.value))
    host.pause()
    host.resume()
    host.crash()
    host.crash()
    host.restart()
    assert states == ["paused", "running", "crashed", "running"]


def test_who_waits_for_a_dead_host_waits_for_ever():
    """Awaiting a task of a crashed host is a stall that names the host."""
    with Kernel(seed=1) as kernel:
        host = Host("web-1", kernel.loop)

        async def main():
            task = host.run(ticking([]))
            kernel.loop.call_later(0.5, host.crash)
            await task

        with pytest.raises(Stalled, match=r"on web-1 \(crashed\)"):
            kernel.run(main())


def test_a_timeout_gets_out_of_waiting_for_a_dead_host(kernel, host):
    """Giving up on a task of a dead host works, and runs no code of that host."""
    log = []

    async def main():
        task = host.run(ticking(log))
        kernel.loop.call_later(0.5, host.crash)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await task
        return kernel.loop.time(), list(log)

    assert kernel.run(main()) == (5.0, [])


def test_a_skewed_clock_is_wrong_for_its_host_only(kernel, host):
    """Clock skew moves the wall clock of one host and leaves monotonic time right."""
    host.clock_skew = -2.5

    async def read():
        return time.time(), time.time_ns(), time.monotonic()

    async def main():
        await asyncio.sleep(1)
        return await host.run(read()), await asyncio.create_task(read())

    skewed, right = kernel.run(main())
    assert skewed == (right[0] - 2.5, right[1] - 2_500_000_000, 1.0)
    assert right[2] == 1.0
