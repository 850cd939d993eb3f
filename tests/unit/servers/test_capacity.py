"""A station: who is served when, who is refused, and who gives a worker back."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from functools import partial
from random import Random
from typing import Any

import pytest
import simpy

from umt_sim.distributions import Constant, Exponential
from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import ResourceSample
from umt_sim.kernel import Kernel
from umt_sim.servers.capacity import Capacity, Instant, QueueFull, Restarted, Station, WarmUp
from umt_sim.servers.pacing import Paced

Log = list[tuple[float, str]]


def station(env: simpy.Environment, **settings: Any) -> Station:
    """One worker, two seconds for everything, unless told otherwise."""
    settings.setdefault("workers", 1)
    settings.setdefault("default", Constant(2.0))
    settings.setdefault("stream", Random(1))
    settings.setdefault("recorder", Recorder(lambda: env.now))
    return Station(env, name="station", **settings)


def call(env: simpy.Environment, at: Station, name: str, log: Log, *, after: float = 0.0) -> None:
    """Have a process call the station and write down when it was served, or why not."""

    def caller() -> Generator[simpy.Event, Any, None]:
        yield env.timeout(after)
        try:
            yield at.serve("operation")
        except (QueueFull, Restarted) as error:
            log.append((env.now, f"{name}: {error}"))
        else:
            log.append((env.now, name))

    env.process(caller())


def test_callers_are_served_in_the_order_they_came() -> None:
    """One worker, two seconds each: done at 2, 4 and 6."""
    env, log = simpy.Environment(), Log()
    one = station(env)
    for name in "abc":
        call(env, one, name, log)
    env.run()
    assert [(2.0, "a"), (4.0, "b"), (6.0, "c")] == log


def test_as_many_are_served_at_once_as_there_are_workers() -> None:
    """Two workers serve two callers in the time of one; the third follows."""
    env, log = simpy.Environment(), Log()
    two = station(env, workers=2)
    for name in "abc":
        call(env, two, name, log)
    env.run()
    assert [(2.0, "a"), (2.0, "b"), (4.0, "c")] == log


def test_each_class_of_operation_has_its_own_time() -> None:
    """A named operation takes its own time, any other the default, and bytes take more."""
    env = simpy.Environment()
    one = station(env, service={"query": Constant(5.0)}, per_byte=0.5)
    services = [one.serve("query"), one.serve("other"), one.serve("other", size=4)]
    assert [5.0, 2.0, 4.0] == [service.seconds for service in services]


def test_a_full_queue_refuses() -> None:
    """One served, one waiting: the third is told so at once and never served."""
    env, log = simpy.Environment(), Log()
    one = station(env, queue_limit=1)
    for name in "abc":
        call(env, one, name, log)
    env.run()
    assert [(0.0, "c: station: 1 callers wait already"), (2.0, "a"), (4.0, "b")] == log
    assert (3, 2, 1) == (one.totals().arrivals, one.totals().completed, one.totals().refused)


def test_a_queue_limit_of_zero_still_lets_free_workers_serve() -> None:
    """No waiting room: refused only while every worker is busy."""
    env, log = simpy.Environment(), Log()
    one = station(env, queue_limit=0)
    call(env, one, "a", log)
    call(env, one, "b", log, after=1.0)
    call(env, one, "c", log, after=2.5)
    env.run()
    assert [(1.0, "b: station: 0 callers wait already"), (2.0, "a"), (4.5, "c")] == log


def test_the_nth_arrival_draws_the_nth_number_even_if_refused() -> None:
    """Common random numbers: refusing one caller does not change the time of the next."""
    env = simpy.Environment()
    times = Exponential(1.0)
    strict = station(env, default=times, queue_limit=0, stream=Random(3))
    roomy = station(env, default=times, stream=Random(3))
    strict.serve("first")
    with pytest.raises(QueueFull):
        strict.serve("second")
    env.run(until=100)
    assert [roomy.serve("any").seconds for _ in range(3)][2] == strict.serve("third").seconds


@pytest.mark.parametrize(
    ("cancelled_at", "done"),
    [(1.0, [(3.0, "b")]), (0.0, [(2.0, "b")])],
    ids=["while served", "at once"],
)
def test_a_cancelled_service_gives_its_worker_to_the_next(cancelled_at: float, done: Log) -> None:
    """The next in line begins in the instant of the cancellation."""
    env, log = simpy.Environment(), Log()
    one = station(env)
    service = one.serve("a")
    call(env, one, "b", log)

    def canceller() -> Generator[simpy.Event, Any, None]:
        yield env.timeout(cancelled_at)
        service.cancel()
        service.cancel()

    env.process(canceller())
    env.run()
    assert done == log
    assert (1, 1, 0) == (one.totals().completed, one.totals().withdrawn, one.totals().busy)


def test_a_cancelled_caller_in_the_queue_is_passed_over() -> None:
    """Its place closes up; nobody is served in its stead."""
    env, log = simpy.Environment(), Log()
    one = station(env)
    call(env, one, "a", log)
    env.run(until=1)
    waiting = one.serve("b")
    call(env, one, "c", log)
    waiting.cancel()
    env.run()
    assert [(2.0, "a"), (4.0, "c")] == log


def test_cancelling_after_the_end_changes_nothing() -> None:
    """A worker is given back exactly once."""
    env = simpy.Environment()
    one = station(env)
    service = one.serve("a")
    env.run()
    service.cancel()
    totals = one.totals()
    assert (1, 0, 0) == (totals.completed, totals.withdrawn, totals.busy)


def test_a_task_that_times_out_gives_its_worker_back() -> None:
    """The bridge to asyncio withdraws the service: another caller starts at once."""
    with Kernel(seed=1) as kernel:
        one = station(kernel.env)

        async def impatient() -> float:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await one.serve("a")
            return kernel.loop.time()

        async def patient() -> float:
            await asyncio.sleep(0.25)
            await one.serve("b")
            return kernel.loop.time()

        async def main() -> tuple[float, float]:
            return await asyncio.gather(impatient(), patient())

        assert [0.5, 2.5] == list(kernel.run(main()))
        assert (1, 1) == (one.totals().completed, one.totals().withdrawn)


def test_a_restart_drops_whoever_waits_or_is_served() -> None:
    """Both are told; the workers are free again."""
    env, log = simpy.Environment(), Log()
    one = station(env)
    call(env, one, "a", log)
    call(env, one, "b", log)
    env.run(until=1)
    one.restart()
    call(env, one, "c", log)
    env.run()
    reason = "station restarted before the operation was done"
    assert [(1.0, f"a: {reason}"), (1.0, f"b: {reason}"), (3.0, "c")] == log
    assert (3, 1, 2) == (one.totals().arrivals, one.totals().completed, one.totals().withdrawn)


def test_a_restart_reaches_tasks_too() -> None:
    """``await serve`` raises ``Restarted`` in the instant of the restart."""
    with Kernel(seed=1) as kernel:
        one = station(kernel.env)

        async def caller() -> float:
            with pytest.raises(Restarted):
                await one.serve("a")
            return kernel.loop.time()

        async def main() -> list[float]:
            calls = [asyncio.create_task(caller()) for _ in range(2)]
            await asyncio.sleep(1)
            one.restart()
            return await asyncio.gather(*calls)

        assert [1.0, 1.0] == kernel.run(main())


def test_a_restart_that_nobody_waits_for_is_silent() -> None:
    """A dropped service whose caller has gone raises nowhere."""
    env = simpy.Environment()
    one = station(env)
    one.serve("a")
    one.restart()
    env.run()
    assert 1 == one.totals().withdrawn


def test_a_cold_station_is_slow_at_first() -> None:
    """Three times as slow at the restart, twice halfway, as usual after the warm-up."""
    env = simpy.Environment()
    one = station(env, workers=9, warm_up=WarmUp(factor=3.0, seconds=10.0))
    done: Log = []
    call(env, one, "before", done)
    env.run()
    one.restart()
    for name, after in (("cold", 0.0), ("warmer", 5.0), ("warm", 10.0)):
        call(env, one, name, done, after=after)
    env.run()
    began = {"before": 0.0, "cold": 2.0, "warmer": 7.0, "warm": 12.0}
    assert {"before": 2.0, "cold": 6.0, "warmer": 4.0, "warm": 2.0} == {
        name: at - began[name] for at, name in done
    }


def test_every_lasting_state_is_in_the_journal() -> None:
    """Samples say from when on how many were busy and waiting."""
    env = simpy.Environment()
    recorder = Recorder(lambda: env.now)
    one = station(env, recorder=recorder)
    log = Log()
    call(env, one, "a", log, after=1.0)
    call(env, one, "b", log, after=2.0)
    env.run(until=6)
    one.totals()
    assert [(0.0, 0, 0), (1.0, 1, 0), (2.0, 1, 1), (3.0, 1, 0), (5.0, 0, 0)] == [
        (sample.at, sample.busy, sample.waiting) for sample in recorder.so_far(ResourceSample)
    ]


def test_states_shorter_than_the_spacing_are_thinned_out() -> None:
    """A thousand changes in a second leave a sample for each tenth of it, not more."""
    env = simpy.Environment()
    recorder = Recorder(lambda: env.now)
    one = station(env, default=Constant(0.001), sample_every=0.1, recorder=recorder)

    def busy() -> Generator[simpy.Event, Any, None]:
        for _ in range(500):
            yield one.serve("a")
            yield env.timeout(0.001)

    env.process(busy())
    env.run()
    assert 10 == len(recorder.so_far(ResourceSample))
    assert one.totals().busy_seconds == pytest.approx(0.5)


def test_submit_calls_back_instead_of_returning() -> None:
    """With nothing when served, with the error when not."""
    env = simpy.Environment()
    one = station(env, queue_limit=1)
    log: list[tuple[float, str]] = []

    def done(name: str, error: Exception | None) -> None:
        log.append((env.now, f"{name} {error}"))

    for name in "abc":
        one.submit("operation", 0, partial(done, name))
    env.run(until=3)
    one.restart()
    env.run()
    assert [
        (0.0, "c station: 1 callers wait already"),
        (2.0, "a None"),
        (3.0, "b station restarted before the operation was done"),
    ] == log


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"workers": 0}, "number of workers"),
        ({"per_byte": -1.0}, "seconds per byte"),
        ({"queue_limit": -1}, "queue limit"),
        ({"sample_every": -1.0}, "time between samples"),
    ],
)
def test_impossible_stations_are_refused(settings: dict[str, Any], message: str) -> None:
    """A ValueError names the number."""
    with pytest.raises(ValueError) as caught:
        station(simpy.Environment(), **settings)
    assert message in str(caught.value)


def test_instant_lets_everybody_through() -> None:
    """No queue, no time, by both ways of asking."""
    done: list[Exception | None] = []
    instant = Instant()
    asyncio.run(instant.serve("anything"))
    instant.submit("anything", 0, done.append)
    assert [None] == done


class TestPaced:
    """The same on any loop: here on the kernel's, so that times are exact."""

    @staticmethod
    def paced(**settings: Any) -> Paced:
        """Two seconds for everything."""
        settings.setdefault("workers", 1)
        return Paced(name="paced", default=Constant(2.0), stream=Random(1), **settings)

    def test_it_serves_in_order(self) -> None:
        """One worker, two seconds each."""
        with Kernel(seed=1) as kernel:

            async def caller(capacity: Paced) -> float:
                await capacity.serve("operation")
                return kernel.loop.time()

            async def main() -> list[float]:
                capacity = self.paced()
                return await asyncio.gather(*(caller(capacity) for _ in range(3)))

            assert [2.0, 4.0, 6.0] == kernel.run(main())

    def test_a_full_queue_refuses(self) -> None:
        """The third of one served and one waiting."""
        with Kernel(seed=1) as kernel:

            async def main() -> list[str]:
                capacity = self.paced(queue_limit=1)
                calls = (capacity.serve("operation") for _ in range(3))
                outcomes = await asyncio.gather(*calls, return_exceptions=True)
                return [type(outcome).__name__ for outcome in outcomes]

            assert ["NoneType", "NoneType", "QueueFull"] == kernel.run(main())

    def test_a_cancelled_caller_gives_its_worker_back(self) -> None:
        """Whether it was served or waited, the next begins as soon as a worker is free."""
        with Kernel(seed=1) as kernel:

            async def caller(capacity: Paced) -> float:
                await capacity.serve("operation")
                return kernel.loop.time()

            async def main() -> float:
                capacity = self.paced()
                calls = [asyncio.create_task(caller(capacity)) for _ in range(3)]
                await asyncio.sleep(0.5)
                calls[0].cancel()
                calls[1].cancel()
                return await calls[2]

            assert 2.5 == kernel.run(main())

    def test_a_restart_drops_everybody(self) -> None:
        """Who waits and who is served get ``Restarted``; a new caller is served."""
        with Kernel(seed=1) as kernel:

            async def main() -> tuple[list[str], float]:
                capacity = self.paced()
                calls = [asyncio.create_task(capacity.serve("operation")) for _ in range(2)]
                await asyncio.sleep(1)
                capacity.restart()
                outcomes = await asyncio.gather(*calls, return_exceptions=True)
                await capacity.serve("operation")
                return [type(outcome).__name__ for outcome in outcomes], kernel.loop.time()

            assert (["Restarted", "Restarted"], 3.0) == kernel.run(main())


def test_all_of_them_are_capacities() -> None:
    """What the servers ask for is what each of the three offers (checked by mypy)."""
    env = simpy.Environment()
    capacities: list[Capacity] = [Instant(), station(env), TestPaced.paced()]
    assert all(callable(capacity.submit) for capacity in capacities)
