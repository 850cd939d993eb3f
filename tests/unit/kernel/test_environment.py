"""SimPy's environment, driven by the loop."""

from __future__ import annotations

import asyncio
import random

import pytest
import simpy

from umt_sim.kernel import Kernel
from umt_sim.kernel.loop import SimLoop


@pytest.fixture
def env():
    loop = SimLoop()
    yield loop.env
    loop.close()


def clock(env, log, name, tick):
    while True:
        log.append((name, env.now))
        yield env.timeout(tick)


def test_run_until_a_time_stops_before_what_happens_then(env):
    """As in SimPy, events at the very end of the run are left for later."""
    log = []
    env.process(clock(env, log, "tick", 1))
    env.run(until=3)
    assert log == [("tick", 0.0), ("tick", 1.0), ("tick", 2.0)]
    assert env.now == 3.0


def test_run_until_an_event_returns_its_value(env):
    """The value of the event is the value of the run."""

    def process():
        yield env.timeout(4)
        return "value"

    assert env.run(until=env.process(process())) == "value"
    assert env.now == 4.0


def test_run_to_the_end_lets_tasks_finish_too(env):
    """Without a limit the run ends when neither an event nor a timer is left."""

    async def sleeper():
        await asyncio.sleep(7)

    task = env.loop.create_task(sleeper())
    env.process(simpy_sleeper(env, 5))
    env.run()
    assert task.done()
    assert env.now == 7.0


def simpy_sleeper(env, seconds):
    yield env.timeout(seconds)


def test_run_refuses_a_time_that_is_past(env):
    """As in SimPy, time only goes forward."""
    with pytest.raises(ValueError, match="must be greater"):
        env.run(until=0)


def test_the_environment_cannot_be_run_from_inside(env):
    """A task or process that drives its own clock is told to await instead."""

    async def main():
        with pytest.raises(RuntimeError, match="await the event"):
            env.run(until=5)
        with pytest.raises(RuntimeError, match="the loop steps"):
            env.step()

    env.loop.run_until_complete(main())


def queueing_model(env, log, seed=1):
    """Some of everything SimPy has: processes, resources, stores, conditions, interrupts."""
    stream = random.Random(seed)
    server, store = simpy.Resource(env, 2), simpy.Store(env, 3)

    def customer(number):
        yield env.timeout(stream.expovariate(1))
        with server.request() as request:
            got = yield request | env.timeout(0.5)
            log.append((number, env.now, request in got))
            if request in got:
                yield env.timeout(stream.expovariate(2))
                yield store.put(number)

    def collector():
        while True:
            item = yield store.get()
            log.append((1000 + item, env.now))

    def interrupter(victim):
        yield env.timeout(1.0)
        if victim.is_alive:
            victim.interrupt("enough")

    def victim():
        try:
            yield env.timeout(100)
        except simpy.Interrupt:
            log.append((2000, env.now))

    for number in range(30):
        env.process(customer(number))
    env.process(collector())
    env.process(interrupter(env.process(victim())))


def test_a_simpy_model_runs_as_in_simpy(env):
    """Every event of a model happens in SimPy's order at SimPy's time, to the nanosecond."""
    expected, actual = [], []
    plain = simpy.Environment()
    queueing_model(plain, expected)
    plain.run(until=50)
    queueing_model(env, actual)
    env.run(until=50)
    assert len(expected) == len(actual) > 40
    for plain_entry, entry in zip(expected, actual, strict=True):
        assert plain_entry == pytest.approx(entry, abs=1e-8)


def test_processes_left_alive_are_closed_in_order_of_creation():
    """Leaving the kernel ends processes that would never end, oldest first."""
    log = []

    def endless(env, name):
        try:
            yield from clock(env, [], name, 1)
        finally:
            log.append(name)

    with Kernel(seed=1) as kernel:
        for name in "abc":
            kernel.env.process(endless(kernel.env, name))
        kernel.env.run(until=2.5)
        assert log == []
    assert log == ["a", "b", "c"]


def test_a_process_that_fails_to_close_is_reported():
    """What a process raises in its last moment is not lost."""

    def careless(env):
        try:
            yield env.timeout(100)
        finally:
            raise ValueError("in the last moment")

    heard = []
    with Kernel(seed=1) as kernel:
        kernel.on_unhandled(heard.append)
        kernel.env.process(careless(kernel.env))
        kernel.env.run(until=1)
    assert [str(report.error) for report in heard] == ["in the last moment"]
