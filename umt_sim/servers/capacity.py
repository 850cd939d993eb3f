"""
What a server can do at once and how long each operation takes it.

A server asks its capacity before every operation: ``await capacity.serve("query")``.
The operation's effect happens when that returns. ``Station`` makes callers wait in
virtual time. On a real loop the machine itself is the capacity, so ``Instant`` lets
everybody through; where a slow server has to be acted, ``pacing.Paced`` does it there.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

from simpy.events import NORMAL, Event
from simpy.resources.base import BaseResource, Get, Put

from umt_sim.distributions.base import Distribution, check_not_negative, check_positive
from umt_sim.journal.records import ResourceSample, StationTotals

if TYPE_CHECKING:
    from random import Random

    from simpy import Environment

    from umt_sim.journal.recorder import Recorder

__all__ = [
    "Capacity",
    "Instant",
    "QueueFull",
    "Restarted",
    "ServiceTimes",
    "Station",
    "Totals",
    "WarmUp",
]


class Capacity(Protocol):
    """How a server's operations are held up."""

    def serve(self, operation: str, *, size: int = 0) -> Awaitable[None]:
        """
        Wait for a worker, then for the operation to be done.

        Args:
            operation: Class of the operation; which names exist is the server's choice.
            size: Bytes it moves, for service times that depend on them.

        Raises:
            QueueFull: There is no room to wait. Nothing was done.
            Restarted: The server restarted meanwhile. Nothing was done.
        """
        ...

    def submit(self, operation: str, size: int, done: Callable[[Exception | None], None]) -> None:
        """
        ``serve`` for a protocol that has no task: call *done* in place of returning.

        *done* gets the error in place of its being raised. It may be called at once; if
        later, outside of the caller's context: go on with ``loop.call_soon`` in one's own.
        """
        ...

    def restart(self) -> None:
        """Drop everybody who waits or is served, and start cold."""
        ...


class QueueFull(Exception):
    """A station refused a caller because its queue was as long as it may get."""

    def __init__(self, station: str, limit: int) -> None:
        self.station = station
        self.limit = limit
        super().__init__(station, limit)  # SimPy copies exceptions from their arguments

    def __str__(self) -> str:
        return f"{self.station}: {self.limit} callers wait already"


class Restarted(Exception):
    """A station restarted while the caller waited or was served."""

    def __init__(self, station: str) -> None:
        self.station = station
        super().__init__(station)

    def __str__(self) -> str:
        return f"{self.station} restarted before the operation was done"


class ServiceTimes:
    """
    How long each operation takes: one number from *stream* for every one.

    Args:
        service: Service time of each class of operation.
        default: Service time of every other class.
        per_byte: Seconds added for each byte.
        stream: The random numbers.

    Raises:
        ValueError: *per_byte* is negative or not finite.
    """

    def __init__(
        self,
        *,
        service: Mapping[str, Distribution] | None = None,
        default: Distribution,
        per_byte: float = 0.0,
        stream: Random,
    ) -> None:
        check_not_negative("the seconds per byte", per_byte)
        self._draws = {operation: time.sample for operation, time in (service or {}).items()}
        self._default = default.sample
        self._per_byte = per_byte
        self._stream = stream

    def draw(self, operation: str, size: int) -> float:
        """Seconds for the next *operation* of *size* bytes."""
        return self._draws.get(operation, self._default)(self._stream) + size * self._per_byte


@dataclass(frozen=True, slots=True)
class WarmUp:
    """
    A server that has just restarted is slow: empty caches, cold connections.

    Args:
        factor: Service times are multiplied by it at first; at least 1.
        seconds: After that many seconds it has fallen to 1, in a straight line.
    """

    factor: float
    seconds: float

    def __post_init__(self) -> None:
        check_positive("the time to warm up", self.seconds)
        if self.factor < 1:
            raise ValueError(f"a warm-up factor is at least 1, got {self.factor!r}")

    def at(self, age: float) -> float:
        """The factor *age* seconds after the restart."""
        return 1 + (self.factor - 1) * max(0.0, 1 - age / self.seconds)


@dataclass(frozen=True, slots=True)
class Totals:
    """
    A station's exact account of everything until now.

    ``arrivals == completed + refused + withdrawn + waiting + busy`` at any moment.

    Attributes:
        arrivals: Calls of ``serve``.
        completed: Served to the end.
        refused: Turned away by a full queue.
        withdrawn: Cancelled by their caller or dropped by a restart.
        busy: Workers at work now.
        waiting: Callers in the queue now.
        busy_seconds: Time integral of the busy workers.
        waiting_seconds: Time integral of the waiting callers.
        served_seconds: Sum, over callers, of the time each kept a worker until now. It is
            added up apart from ``busy_seconds``, and must be the same.
        waited_seconds: Sum, over callers, of the time each waited until now; as
            ``waiting_seconds``.
    """

    arrivals: int
    completed: int
    refused: int
    withdrawn: int
    busy: int
    waiting: int
    busy_seconds: float
    waiting_seconds: float
    served_seconds: float
    waited_seconds: float


class Instant:
    """No queue and no service time."""

    async def serve(self, operation: str, *, size: int = 0) -> None:
        """Return at once."""

    def submit(
        self,
        operation: str,  # noqa: ARG002
        size: int,  # noqa: ARG002
        done: Callable[[Exception | None], None],
    ) -> None:
        """Call *done* at once."""
        done(None)

    def restart(self) -> None:
        """Nothing to drop."""


class Service(Put["Station"]):
    """
    One caller's stay at a station; fires when the service is over.

    A request, a timeout and a release in one event, for every event costs a turn of
    the heap. It can be awaited by a task and yielded by a SimPy process.
    """

    if TYPE_CHECKING:  # the kernel makes SimPy's events awaitable

        def __await__(self) -> Generator[Any, Any, None]: ...

    def __init__(self, station: Station, seconds: float, came: float) -> None:
        self.seconds = seconds
        self.came = came
        self.began: float | None = None
        """When a worker took it up; ``None`` while it waits."""

        self.over = False
        """Whether it was served, withdrawn or dropped."""

        # SimPy's constructors without their calls: every operation of a server comes this way.
        self.env = env = station._env
        self.resource = station
        self.proc = env.active_process
        self.callbacks = [station._trigger_get]
        station.put_queue.append(self)
        station._trigger_put(None)

    def cancel(self) -> None:
        """Give the worker or the place in the queue back; safe to call more than once."""
        if not self.over:
            self.resource.withdraw(self)


class Station(BaseResource[Service, Get[Any]]):
    """
    A number of workers and one first-come, first-served queue, in virtual time.

    A SimPy resource: a *put* is a caller's whole stay, and there are no *gets*.

    Each arrival takes one number from *stream*, refused ones too: under two policies the
    n-th arrival meets the same service time. A caller that is cancelled gives its worker
    back at once: the server did not finish the work, and its effect does not happen.

    Args:
        env: The simulation.
        name: Whose station it is, as ``ResourceSample.server``.
        workers: How many operations are served at once, at least 1.
        service: Service time of each class of operation.
        default: Service time of every other class.
        per_byte: Seconds added for each byte of ``size``.
        queue_limit: Callers that may wait; ``None`` is no limit.
        warm_up: How a restart slows the station down; ``None`` is not at all.
        sample_every: Least seconds between two samples in the journal. A state that
            lasts longer is always in it, so the recorded step curve is off by no more
            than this. A state is written when it ends, the last one by ``totals``.
        stream: The station's own random numbers.
        recorder: Where the samples go.

    Raises:
        ValueError: A number is out of its range.
    """

    PutQueue = deque
    put_queue: deque[Service]

    def __init__(
        self,
        env: Environment,
        *,
        name: str,
        workers: int,
        service: Mapping[str, Distribution] | None = None,
        default: Distribution,
        per_byte: float = 0.0,
        queue_limit: int | None = None,
        warm_up: WarmUp | None = None,
        sample_every: float = 0.01,
        stream: Random,
        recorder: Recorder,
    ) -> None:
        check_positive("the number of workers", workers)
        check_not_negative("the time between samples", sample_every)
        check_not_negative("the queue limit", queue_limit or 0)
        super().__init__(env, workers)
        self.name = name
        self.workers = workers
        self.users: list[Service] = []
        self._times = ServiceTimes(
            service=service, default=default, per_byte=per_byte, stream=stream
        )
        self._queue_limit = math.inf if queue_limit is None else queue_limit
        self._warm_up = warm_up
        self._restarted_at = -math.inf
        self._recorder = recorder
        self._sample_every = sample_every
        self._sampled_at = -math.inf
        self._changed_at = env.now
        self._arrivals = self._completed = self._refused = self._withdrawn = 0
        self._busy_seconds = self._waiting_seconds = 0.0
        self._served_seconds = self._waited_seconds = 0.0

    def serve(self, operation: str, *, size: int = 0) -> Service:
        """
        Wait for a worker, then for the operation to be done.

        Raises:
            QueueFull: There is no room to wait. Nothing was done.
        """
        self._arrivals += 1
        seconds = self._times.draw(operation, size)
        if len(self.put_queue) >= self._queue_limit and len(self.users) >= self.workers:
            self._refused += 1
            raise QueueFull(self.name, len(self.put_queue))
        now = self._account()  # before the new put enters the queue
        return Service(self, seconds, now)

    def submit(self, operation: str, size: int, done: Callable[[Exception | None], None]) -> None:
        """``serve`` for a protocol that has no task: call *done* in place of returning."""
        try:
            service = self.serve(operation, size=size)
        except QueueFull as full:
            done(full)
            return
        service.callbacks.append(lambda event: done(None if event._ok else event._value))

    def withdraw(self, service: Service) -> None:
        """End a stay early; its event never fires."""
        self._account()
        self._leaves(service)
        if service in self.users:
            self.users.remove(service)
        else:
            self.put_queue.remove(service)
        service.over = True
        service.callbacks = []
        self._withdrawn += 1
        self._trigger_put(None)

    def restart(self) -> None:
        """Drop everybody with ``Restarted``, and serve slowly at first if there is a warm-up."""
        self._account()
        dropped = [*self.users, *self.put_queue]
        self.users.clear()
        self.put_queue.clear()
        self._withdrawn += len(dropped)
        self._restarted_at = self._env.now
        for service in dropped:
            self._leaves(service)
            self._drop(service)

    def totals(self) -> Totals:
        """The exact account until now."""
        self._account()
        now = self._env.now
        served = math.fsum(now - user.began for user in self.users if user.began is not None)
        waited = math.fsum(now - caller.came for caller in self.put_queue)
        return Totals(
            arrivals=self._arrivals,
            completed=self._completed,
            refused=self._refused,
            withdrawn=self._withdrawn,
            busy=len(self.users),
            waiting=len(self.put_queue),
            busy_seconds=self._busy_seconds,
            waiting_seconds=self._waiting_seconds,
            served_seconds=self._served_seconds + served,
            waited_seconds=self._waited_seconds + waited,
        )

    def close_account(self) -> None:
        """Write the account until now into the journal, as ``StationTotals``."""
        totals = self.totals()
        self._recorder.add(StationTotals(self._recorder.now(), self.name, **asdict(totals)))

    def _trigger_put(self, get_event: Any) -> None:  # noqa: ARG002  SimPy's signature
        """Begin to serve whom a worker is free for. SimPy calls it for each new put."""
        queue, users, now = self.put_queue, self.users, self._changed_at
        while queue and len(users) < self.workers:
            service = queue.popleft()
            users.append(service)
            service._ok = True
            service.began = now
            self._waited_seconds += now - service.came
            self._env.schedule(service, NORMAL, service.seconds * self._slowness())

    def _trigger_get(self, put_event: Any) -> None:
        """A service is over. SimPy calls it first of all, when the put is processed."""
        now = self._account()
        put_event._value = None
        put_event.over = True
        self.users.remove(put_event)
        self._completed += 1
        self._served_seconds += now - put_event.began
        if self.put_queue:
            self._trigger_put(None)

    def _leaves(self, service: Service) -> None:
        """A caller goes before its end: what it had of the queue or of a worker counts."""
        if service.began is None:
            self._waited_seconds += self._env.now - service.came
        else:
            self._served_seconds += self._env.now - service.began

    def _slowness(self) -> float:
        if self._warm_up is None:
            return 1.0
        return self._warm_up.at(self._env.now - self._restarted_at)

    def _drop(self, service: Service) -> None:
        """
        Tell who waits for *service* that it failed.

        By another event: one that is being served is in the heap already, for later.
        """
        service.over = True
        service._ok, service._value = False, Restarted(self.name)
        service.defused = True  # nobody may be waiting any more
        news = Event(self._env)
        news.callbacks = service.callbacks[1:]  # all but our own `_trigger_get`
        news.defused = True
        news.fail(service._value)
        service.callbacks = []

    def _account(self) -> float:
        """Extend the integrals to now, and note the state that ends. Before every change."""
        now = self._env.now
        elapsed = now - self._changed_at
        if elapsed <= 0:
            return now
        busy, waiting = len(self.users), len(self.put_queue)
        self._busy_seconds += busy * elapsed
        self._waiting_seconds += waiting * elapsed
        since_sample = self._changed_at - self._sampled_at
        if elapsed >= self._sample_every or since_sample >= self._sample_every:
            self._sampled_at = self._changed_at
            self._recorder.add(
                ResourceSample(self._changed_at, self.name, busy, waiting, self.workers)
            )
        self._changed_at = now
        return now
