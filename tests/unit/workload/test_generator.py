"""Requests are sent on schedule and each ends as one record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Literal

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from umt_sim.distributions import Constant
from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import OperationRecord, Outcome
from umt_sim.kernel import Kernel
from umt_sim.workload.generator import Generator
from umt_sim.workload.operations import Arrival, Operations
from umt_sim.workload.values import ClosedUsers, Limit, Load, OpenArrivals, Stage, TraceArrivals

TRACERS = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
EVERY_SECOND = OpenArrivals(stages=(Stage(1.0, 1.0, 10.0),), process="constant")


def records_of(
    perform: Callable[[Arrival], Awaitable[str | None]],
    arrivals: OpenArrivals | TraceArrivals | ClosedUsers,
    *,
    until: float,
    rest: float = 0.0,
) -> list[OperationRecord]:
    """Drive one load to its end plus *rest* seconds, in virtual time."""
    with Kernel(seed=1) as kernel:
        recorder = Recorder(kernel.loop.time)
        generator = Generator(
            operations=Operations({"ask": perform}),
            recorder=recorder,
            tracer=TRACERS.get_tracer("test"),
            stream=lambda path: Random(path),
        )

        async def drive() -> None:
            async with asyncio.TaskGroup() as group:
                await generator.drive(Load("ask", arrivals), until, group)

        async def main() -> None:
            task = asyncio.create_task(drive())
            await asyncio.sleep(until + rest)
            generator.censor()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        kernel.run(main())
        return list(recorder.so_far(OperationRecord))


async def prompt(arrival: Arrival) -> str:
    await asyncio.sleep(0.25)
    return f"answer {arrival.number}"


def test_an_answer_is_recorded_with_its_times_and_value() -> None:
    """A request due at 1 s that takes a quarter is complete at 1.25 s."""
    first = records_of(prompt, EVERY_SECOND, until=2.5)[0]
    assert (1.0, 1.0, 1.25) == (first.scheduled, first.started, first.completed)
    assert (Outcome.OK, "answer 0", None) == (first.outcome, first.value, first.error)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(TimeoutError("too late"), Outcome.INFO), (ConnectionError("refused\nby whom"), Outcome.FAIL)],
)
def test_an_error_says_whether_the_outcome_is_known(error: Exception, outcome: Outcome) -> None:
    """A timeout may have happened; other errors did not. Only the first line is kept."""

    async def fail(_: Arrival) -> None:
        raise error

    (record,) = records_of(fail, EVERY_SECOND, until=1.5)
    assert outcome is record.outcome
    assert (type(error).__qualname__, str(error).split("\n")[0]) == (record.error, record.detail)


def test_requests_do_not_wait_for_each_other() -> None:
    """An open load keeps its schedule while earlier requests hang."""

    async def hang(_: Arrival) -> None:
        await asyncio.sleep(100)

    assert [1.0, 2.0, 3.0] == [
        record.started for record in records_of(hang, EVERY_SECOND, until=3.5)
    ]


def test_what_is_unanswered_is_recorded_as_such() -> None:
    """A request still under way at the end has neither completion nor outcome."""

    async def hang(_: Arrival) -> None:
        await asyncio.sleep(100)

    (record,) = records_of(hang, EVERY_SECOND, until=1.5, rest=2.0)
    assert (None, None) == (record.completed, record.outcome)


def test_a_full_system_drops_or_delays_what_comes() -> None:
    """At the limit an arrival fails at once, or starts late and still counts from its schedule."""

    async def slow(_: Arrival) -> None:
        await asyncio.sleep(1.5)

    def limited(on_full: Literal["drop", "wait"]) -> OpenArrivals:
        return OpenArrivals(stages=EVERY_SECOND.stages, process="constant", limit=Limit(1, on_full))

    dropped = records_of(slow, limited("drop"), until=3.5, rest=3.0)
    late = records_of(slow, limited("wait"), until=3.5, rest=6.0)
    assert [(2.0, None, "Dropped")] == [
        (record.scheduled, record.started, record.error) for record in dropped if record.error
    ]
    assert [(1.0, 1.0), (2.0, 2.5), (3.0, 4.0)] == [(r.scheduled, r.started) for r in late]


def test_a_user_thinks_asks_and_waits() -> None:
    """One user with 1 s of thought and answers of 0.25 s asks every 1.25 s."""
    records = records_of(prompt, ClosedUsers(users=1, think=Constant(1.0)), until=5.0)
    assert [1.0, 2.25, 3.5, 4.75] == [record.scheduled for record in records]


def test_a_trace_is_sent_at_its_times() -> None:
    """Two at one moment are two requests, and what lies beyond the end is not sent."""
    records = records_of(prompt, TraceArrivals((0.5, 0.5, 2.0, 9.0)), until=3.0, rest=1.0)
    assert [0.5, 0.5, 2.0] == [record.scheduled for record in records]


def test_a_stopped_generator_sends_nothing_more() -> None:
    """Neither open loads nor users; what is under way is answered."""
    with Kernel(seed=1) as kernel:
        recorder = Recorder(kernel.loop.time)
        generator = Generator(
            operations=Operations({"ask": prompt, "look": prompt}),
            recorder=recorder,
            tracer=TRACERS.get_tracer("test"),
            stream=lambda path: Random(path),
        )

        async def main() -> None:
            async with asyncio.TaskGroup() as group:
                await generator.drive(Load("look", ClosedUsers(1, Constant(1.0))), 9.0, group)
                group.create_task(generator.drive(Load("ask", EVERY_SECOND), 9.0, group))
                await asyncio.sleep(2.1)
                generator.stop()

        kernel.run(main())
        rows = sorted((row.name, row.scheduled) for row in recorder.so_far(OperationRecord))
    assert [("ask", 1.0), ("ask", 2.0), ("look", 1.0)] == rows


def test_what_takes_no_time_reads_as_none() -> None:
    """A refusal at once is complete when it was due, though due times have endless decimals."""

    async def refuse(_: Arrival) -> None:
        raise ConnectionError("not today")

    drawn = OpenArrivals(stages=(Stage(20.0, 20.0, 10.0),), process="poisson")
    records = records_of(refuse, drawn, until=10.0)
    assert len(records) > 100
    assert {0.0} == {(record.completed or 0.0) - record.scheduled for record in records}
