"""
asyncio on SimPy's clock.

``SimLoop`` is asyncio's own selector loop: stock ``_run_once``, stock transports,
stock TLS. Only what it asks of the machine is replaced: the clock, the
selector, sockets, threads.
"""

from __future__ import annotations

import asyncio
from asyncio import events, selector_events
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from simpy.events import Event

from umt_sim.errors import Livelock, Stalled
from umt_sim.kernel import bridges
from umt_sim.kernel.environment import SimEnvironment
from umt_sim.kernel.selector import SimSelector, Sockets
from umt_sim.kernel.tape import Tape
from umt_sim.kernel.tasks import SimFuture, SimTask
from umt_sim.kernel.timers import SimTimer

if TYPE_CHECKING:
    from umt_sim.kernel.hosts import Life
    from umt_sim.kernel.sockets import SocketSource

__all__ = ["SimLoop"]

T = TypeVar("T")


class SimLoop(selector_events.BaseSelectorEventLoop):
    """
    An event loop in virtual time, which starts at 0.
    """

    _ready: Any

    def __init__(self, *, tape: Tape | None = None) -> None:
        self.tape = tape or Tape()
        self.env = SimEnvironment(self.tape)
        self.env.loop = self
        self.tape.now = self.time
        self.sockets = Sockets()
        self._source: SocketSource | None = None
        self._task_count = 0
        self._future_count = 0
        selector = SimSelector(self.sockets)
        selector.loop = self
        super().__init__(selector)
        self._clock_resolution = 0.0
        self._stop_when_idle = False

    # The clock

    def time(self) -> float:
        """Virtual seconds since the run began."""
        return self.env._now

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> SimTimer:
        """Call *callback* at a virtual time."""
        self._check_closed()
        timer = SimTimer(when, callback, args, self, context)
        timer._scheduled = True
        self.env.schedule_timer(timer, when)
        return timer

    def _timer_handle_cancelled(self, handle: events.TimerHandle) -> None:
        if handle._scheduled:
            self.env.timer_cancelled()

    # What the selector asks

    def begin_turn(self) -> None:
        pass

    def has_work(self) -> bool:
        return bool(self._ready) or self._stopping

    def nothing_scheduled(self) -> None:
        if self._stop_when_idle:
            self.stop()
            return
        raise Stalled(self.env.now, [])

    def _process_events(self, event_list: Any) -> None:
        if event_list:
            super()._process_events(event_list)
        due = self.env.due
        if due:
            self._ready.extend(due)
            due.clear()

    # Tasks

    def number_task(self) -> int:
        self._task_count += 1
        return self._task_count

    def number_future(self) -> int:
        self._future_count += 1
        return self._future_count

    def create_future(self) -> SimFuture[Any]:
        return SimFuture(loop=self)

    def create_task(self, coro, *, name=None, context=None, **options):
        self._check_closed()
        if self._task_factory is None:
            return SimTask(coro, loop=self, name=name, context=context, **options)
        return super().create_task(coro, name=name, context=context, **options)

    # threads

    def run_in_executor(self, executor, func, *args):
        future = self.create_future()

        def job():
            if future.cancelled():
                return
            try:
                future.set_result(func(*args))
            except Exception as error:
                future.set_exception(error)

        self.call_later(0, job)
        return future

    async def shutdown_default_executor(self, timeout=None) -> None:
        self._executor_shutdown_called = True

    def _make_self_pipe(self) -> None:
        pass

    def _close_self_pipe(self) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    # bridges

    def event_of(self, awaitable: Awaitable[Any]) -> Event:
        return bridges.event_of(self, awaitable)

    # network

    def attach(self, source: SocketSource) -> None:
        self._source = source

    async def getaddrinfo(self, host, port, *, family=0, type=0, proto=0, flags=0):
        return list(await self._source.resolve(host, port, family=family, kind=type, flags=flags))

    async def _connect_sock(self, exceptions, addr_info, local_addr_infos=None):
        errors = []
        exceptions.append(errors)
        local = None if local_addr_infos is None else local_addr_infos[0][4]
        try:
            return await self._source.connect(addr_info[4][0], addr_info[4][1], local=local)
        except OSError as error:
            errors.append(error)
            raise

    async def create_server(
        self,
        protocol_factory,
        host=None,
        port=None,
        *,
        sock=None,
        backlog=100,
        family=0,
        flags=0,
        reuse_address=None,
        reuse_port=None,
        keep_alive=None,
        **options,
    ):
        if sock is None:
            sock = self._source.listen(host, port or 0, backlog=backlog)
        return await super().create_server(protocol_factory, sock=sock, backlog=backlog, **options)

    def hold_back(self, life): ...
    def let_go(self, life): ...
    def bury(self, life): ...
