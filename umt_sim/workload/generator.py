"""Sends a workload's requests and records how each of them ended."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry.trace import Tracer

from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import OperationRecord, Outcome
from umt_sim.workload.arrivals import due_times
from umt_sim.workload.operations import Arrival, Operations, Perform
from umt_sim.workload.values import ClosedUsers, Limit, Load, OpenArrivals, TraceArrivals

if TYPE_CHECKING:
    from random import Random

__all__ = ["Generator"]


@dataclass(slots=True)
class _Sent:
    """A request under way."""

    arrival: Arrival
    started: float
    trace_id: str


class Generator:
    """
    Drives the loads of a scenario against a running system.

    Every request opens the root span of its trace and ends as exactly one
    ``OperationRecord``. Latency is counted from the scheduled arrival, so a
    late start is part of it. What is still under way at the end is recorded as
    such by ``censor``, not dropped.

    Args:
        operations: What the system offers.
        recorder: Where outcomes are written; its ``now`` is the time of the run.
        tracer: Opens the root spans.
        stream: Gives the named random stream of a concern.
    """

    def __init__(
        self,
        *,
        operations: Operations,
        recorder: Recorder,
        tracer: Tracer,
        stream: Callable[[str], Random],
    ) -> None:
        self._operations = operations
        self._recorder = recorder
        self._tracer = tracer
        self._stream = stream
        self._numbers = itertools.count()
        self._under_way: dict[int, _Sent] = {}
        self._stopped = False

    @property
    def in_flight(self) -> int:
        """Requests sent and not yet answered."""
        return len(self._under_way)

    async def drive(self, load: Load, until: float, group: asyncio.TaskGroup) -> None:
        """
        Send one load's requests until *until* seconds of the run.

        Args:
            load: What to send.
            until: End of sending, exclusive. Requests under way then go on.
            group: Owns the requests' tasks.
        """
        match load.arrivals:
            case OpenArrivals() as arrivals:
                stream = self._stream(f"workload/{load.name}/arrivals")
                due = due_times(arrivals, stream, until)
                await self._send_open(load.name, due, arrivals.limit, group)
            case TraceArrivals(times=times, limit=limit):
                due = itertools.takewhile(lambda at: at < until, times)
                await self._send_open(load.name, due, limit, group)
            case ClosedUsers(users=users):
                for user in range(users):
                    group.create_task(
                        self._be_user(load.name, load.arrivals, user, until),
                        name=f"user {user} of {load.name}",
                    )

    def stop(self) -> None:
        """Send nothing more, whatever the loads say; requests under way go on."""
        self._stopped = True

    def unanswered(self) -> list[OperationRecord]:
        """A record of each request under way, as it would stand in the journal now."""
        return [
            _record(sent.arrival, sent.started, None, None, trace_id=sent.trace_id)
            for sent in self._under_way.values()
        ]

    def censor(self) -> None:
        """Record every request still under way as unanswered."""
        for record in self.unanswered():
            self._recorder.add(record)
        self._under_way.clear()

    async def _send_open(
        self, name: str, times: Iterable[float], limit: Limit | None, group: asyncio.TaskGroup
    ) -> None:
        perform = self._operations.perform[name]
        gate = asyncio.Semaphore(limit.most) if limit is not None else None
        for due in times:
            delay = due - self._recorder.now()
            if delay > 0:
                await asyncio.sleep(delay)
            if self._stopped:
                return
            # As exact as the clock of the journal: else what takes no time would seem to take some.
            arrival = Arrival(next(self._numbers), name, round(due, 9))
            if gate is None:
                group.create_task(self._perform(perform, arrival), name=f"{name} {arrival.number}")
            elif limit is not None and limit.on_full == "drop" and gate.locked():
                self._recorder.add(
                    _record(
                        arrival,
                        None,
                        arrival.scheduled,
                        Outcome.FAIL,
                        error="Dropped",
                        detail="too many in flight",
                    )
                )
            else:
                await gate.acquire()
                task = group.create_task(
                    self._perform(perform, arrival), name=f"{name} {arrival.number}"
                )
                task.add_done_callback(lambda _: gate.release())

    async def _be_user(self, name: str, closed: ClosedUsers, user: int, until: float) -> None:
        perform = self._operations.perform[name]
        stream = self._stream(f"workload/{name}/user-{user}/think")
        while True:
            await asyncio.sleep(closed.think.sample(stream))
            now = self._recorder.now()
            if now >= until or self._stopped:
                return
            await self._perform(perform, Arrival(next(self._numbers), name, now))

    async def _perform(self, perform: Perform, arrival: Arrival) -> None:
        """Carry out one request under its root span and write down how it ended."""
        with self._tracer.start_as_current_span(
            arrival.name, record_exception=False, attributes={"umt_sim.arrival": arrival.number}
        ) as span:
            trace_id = f"{span.get_span_context().trace_id:032x}"
            sent = _Sent(arrival, self._recorder.now(), trace_id)
            self._under_way[arrival.number] = sent
            try:
                value = await perform(arrival)
            except Exception as error:  # noqa: BLE001 - the record is where it is reported
                unknown = isinstance(error, self._operations.unknown)
                outcome = Outcome.INFO if unknown else Outcome.FAIL
                span.set_attribute("error.type", type(error).__qualname__)
                self._answer(sent, outcome, error=error)
            else:
                self._answer(sent, Outcome.OK, value=value)

    def _answer(
        self,
        sent: _Sent,
        outcome: Outcome,
        *,
        error: Exception | None = None,
        value: str | None = None,
    ) -> None:
        if self._under_way.pop(sent.arrival.number, None) is None:
            return  # censored already: the run is being taken down
        self._recorder.add(
            _record(
                sent.arrival,
                sent.started,
                self._recorder.now(),
                outcome,
                error=type(error).__qualname__ if error is not None else None,
                detail=_one_line(error) if error is not None else None,
                trace_id=sent.trace_id,
                value=value,
            )
        )


def _record(
    arrival: Arrival,
    started: float | None,
    completed: float | None,
    outcome: Outcome | None,
    **rest: str | None,
) -> OperationRecord:
    return OperationRecord(
        number=arrival.number,
        name=arrival.name,
        scheduled=arrival.scheduled,
        started=started,
        completed=completed,
        outcome=outcome,
        **rest,
    )


def _one_line(error: Exception) -> str:
    """The first line of an error's message, cut to 200 characters."""
    return str(error).partition("\n")[0][:200]
