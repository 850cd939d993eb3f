"""
asyncio on SimPy's clock.

``SimLoop`` is asyncio's own selector loop: stock transports, stock TLS. Only what it
asks of the machine is replaced: the clock, sockets (see ``networking``) and threads.
"""

from __future__ import annotations

import asyncio
from asyncio import events
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import Context, copy_context
from random import Random
from threading import get_ident
from typing import Any, TypeVar

from simpy.events import Event

from umt_sim.errors import Stalled, WallClockLeak
from umt_sim.kernel import bridges
from umt_sim.kernel.environment import SimEnvironment
from umt_sim.kernel.generators import Generators
from umt_sim.kernel.guard import NO_THREADS
from umt_sim.kernel.handles import SimHandle, SimTimer
from umt_sim.kernel.housekeeping import Housekeeping
from umt_sim.kernel.networking import NetworkedLoop
from umt_sim.kernel.outer_loop import set_aside
from umt_sim.kernel.power import Power
from umt_sim.kernel.selector import SimSelector, Sockets
from umt_sim.kernel.shuffling import Shuffle, shuffle_tasks
from umt_sim.kernel.sources import calling_line, describe_process, describe_task
from umt_sim.kernel.tape import Tape
from umt_sim.kernel.tasks import SimFuture, SimTask
from umt_sim.kernel.unhandled import Unhandled

__all__ = ["LIVELOCK_LIMIT", "SimLoop"]

T = TypeVar("T")

_new_handle = SimHandle.__new__

LIVELOCK_LIMIT = 100_000
"""Turns one instant may take. Real programs need a few hundred at most."""


class SimLoop(NetworkedLoop):
    """
    An event loop in virtual time, which starts at 0 and moves only when nothing is ready.

    At each instant SimPy's events and the ready callbacks alternate: one
    generation of events, one batch of callbacks. Timers and events of one
    instant happen in the order in which they were scheduled, unless *shuffle*
    says otherwise.

    Usable alone, as in ``asyncio.Runner(loop_factory=SimLoop)``; ``Kernel`` adds
    everything that makes a run repeatable.

    Args:
        tape: Notes what happens.
        shuffle: Which orders are drawn from *stream*.
        stream: The source of those draws.
        livelock_limit: Turns that one instant may take.
        collects: Whether the loop collects garbage, at fixed turns.
    """

    def __init__(
        self,
        *,
        tape: Tape | None = None,
        shuffle: Shuffle = Shuffle.NONE,
        stream: Random | None = None,
        livelock_limit: int = LIVELOCK_LIMIT,
        collects: bool = False,
    ) -> None:
        self.tape = tape or Tape()
        self.env = SimEnvironment(self.tape, self)
        self.tape.clock = self.env
        self.inspections: list[Callable[[], None]] = []
        """Called in turn before each batch of ready callbacks; usually none."""

        self.unhandled_hooks: list[Callable[[Unhandled], None]] = []
        """Told of each exception that nobody handled."""

        self.housekeeping = Housekeeping(self, livelock_limit=livelock_limit, collects=collects)
        sockets = Sockets()
        self.selector = SimSelector(sockets, self, self.housekeeping)
        self._shuffle = stream if shuffle is not Shuffle.NONE else None
        self.task_count = 0
        self.future_count = 0
        self._stop_when_idle = False
        super().__init__(self.selector, sockets)
        self._clock_resolution = 0.0  # instants are exact, there is nothing to round up
        self._asyncgens = self.generators = Generators()
        self.power = Power(self)
        if stream is not None and shuffle is Shuffle.TASKS:
            self.inspections.append(lambda: shuffle_tasks(self._ready, stream))

    # Time

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self.env._now

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> SimTimer:
        """Run *callback* at a virtual time, exact to 1 ns."""
        if self._closed:
            self._check_closed()
        timer = SimTimer(when, callback, args, self, context)
        self.env.schedule_timer(timer, when)
        return timer

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> SimTimer:
        """Run *callback* after *delay* seconds."""
        return self.call_at(self.env._now + delay, callback, *args, context=context)

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> events.Handle:
        """Run *callback* at this instant, after those that are ready already."""
        if self._debug or self._closed:
            return super().call_soon(callback, *args, context=context)
        handle = _new_handle(SimHandle)
        handle._callback = callback
        handle._args = args
        handle._loop = self
        handle._context = copy_context() if context is None else context
        handle._cancelled = False
        handle._repr = None
        handle._source_traceback = None
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> events.Handle:
        """Likewise. From another thread it is refused: it would come at a random moment."""
        if self._thread_id not in (None, get_ident()):
            raise WallClockLeak(
                "call_soon_threadsafe() from another thread", calling_line(), instead=NO_THREADS
            )
        return self.call_soon(callback, *args, context=context)

    def _timer_handle_cancelled(self, handle: Any) -> None:
        if handle._scheduled:
            self.env.timer_cancelled()

    def _process_events(self, event_list: list[Any]) -> None:
        """Fill the ready queue: sockets first, then timers, as asyncio does."""
        stream = self._shuffle
        if event_list:
            if stream is not None and len(event_list) > 1:
                stream.shuffle(event_list)
            super()._process_events(event_list)
        due = self.env.due
        if due:
            if stream is not None and len(due) > 1:
                stream.shuffle(due)
            self._ready.extend(due)
            due.clear()
        if self.inspections:
            for inspect in self.inspections:
                inspect()

    def _run_once(self) -> None:
        """
        One turn: what was ready when it began, after whatever the selector brought.

        asyncio's own, without the timer queue that stays empty here and the stopwatch of
        debug mode, in which asyncio's own runs.
        """
        if self._debug:
            super()._run_once()
            return
        ready = self._ready
        event_list = self.selector.select(0 if ready or self._stopping else None)
        if event_list or self.env.due or self.inspections:
            self._process_events(event_list)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()
        handle = None  # what it holds is freed now, not a turn later

    def nothing_scheduled(self) -> None:
        """
        Told by the selector that virtual time can go no further.

        Raises:
            Stalled: Unless ``run_until_idle`` waits for just this.
        """
        if not self._stop_when_idle:
            raise Stalled(self.env._now, self._waiting())
        self.stop()

    def _waiting(self) -> list[str]:
        lines = [describe_task(task) for task in self.tasks()]
        return lines + [describe_process(process) for process in self.env.living]

    # Running

    def run_forever(self) -> None:
        """Run until ``stop``. Another loop that is running in this thread is set aside."""
        with set_aside(self):
            super().run_forever()

    def run_until_complete(self, future: Generator[Any, None, T] | Awaitable[T]) -> T:
        """Run until *future* is done and return its result; see ``run_forever``."""
        with set_aside(self):
            return super().run_until_complete(future)

    def run_until_idle(self) -> None:
        """Run until nothing is ready and nothing is scheduled."""
        self._stop_when_idle = True
        try:
            self.run_forever()
        finally:
            self._stop_when_idle = False

    # Tasks and futures

    def tasks(self) -> list[SimTask[Any]]:
        """Tasks that have not ended, in order of creation."""
        tasks = [task for task in asyncio.all_tasks(self) if isinstance(task, SimTask)]
        return sorted(tasks, key=lambda task: task.number)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, T], **options: Any
    ) -> asyncio.Task[T]:
        """Start a numbered task."""
        if self._closed:
            self._check_closed()
        if self._task_factory is None:
            return SimTask(coro, loop=self, **options)
        return super().create_task(coro, **options)

    def set_task_factory(self, factory: Any) -> None:
        """As in asyncio; eager tasks are numbered too."""
        if factory is not None and factory is getattr(asyncio, "eager_task_factory", None):
            factory = asyncio.create_eager_task_factory(SimTask)  # type: ignore[attr-defined]
        super().set_task_factory(factory)

    def create_future(self) -> SimFuture[Any]:
        """A numbered future."""
        future: SimFuture[Any] = SimFuture(loop=self)
        self.future_count = future.number = self.future_count + 1
        return future

    # Bridges to SimPy and to threads

    def event_of(self, awaitable: Awaitable[Any]) -> Event:
        """A SimPy event that happens when *awaitable* is done, for a process to ``yield``."""
        return bridges.event_of(self, awaitable)

    def run_in_executor(  # type: ignore[override]
        self,
        executor: Any,  # noqa: ARG002 - none is used
        func: Callable[..., T],
        *args: Any,
    ) -> SimFuture[T]:
        """
        Call *func* here, one step later: threads have no place in virtual time.

        So it takes no virtual time, and a *func* that blocks on the real machine is
        caught by the guard.
        """
        future: SimFuture[T] = self.create_future()
        self.call_at(self.time(), _fulfil, future, func, args)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002
        """There is none to shut down; asyncio's own would start a thread for it."""
        self._executor_shutdown_called = True

    # Errors

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Report what nobody handled: to the hooks, or to the log if there is none."""
        if isinstance(context.get("exception"), asyncio.CancelledError):
            return  # Python 3.11's streams look at the exception of a cancelled handler
        if not self.unhandled_hooks:
            super().default_exception_handler(context)
        report = Unhandled.of(self.time(), context)
        for hook in tuple(self.unhandled_hooks):
            hook(report)


def _fulfil(future: SimFuture[Any], func: Callable[..., Any], args: tuple[Any, ...]) -> None:
    if future.cancelled():
        return
    try:
        future.set_result(func(*args))
    except Exception as error:  # noqa: BLE001 - belongs to whoever awaits the future
        future.set_exception(error)
