"""
Which machine a task belongs to, and what happens to tasks when the machine fails.

A host is carried by a context variable, so whatever a task starts (tasks,
timers, callbacks, SimPy processes) belongs to the same host. A crash is a
power cut: nothing of the host runs again, not even ``finally``. A pause is
``SIGSTOP``: everything waits, and resumes late.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio
    from asyncio import Handle

    from simpy.events import Event

    from umt_sim.kernel.loop import SimLoop
    from umt_sim.kernel.processes import SimProcess

__all__ = ["Host", "HostState", "Life", "current_host", "current_life", "life_in"]

T = TypeVar("T")


class HostState(Enum):
    """What a machine is doing."""

    RUNNING = "running"
    PAUSED = "paused"  # frozen; connections stay open and peers notice only silence
    CRASHED = "crashed"  # without power


class Life:
    """
    The time of a host between two crashes.

    Tasks belong to a life, not to a host: after a restart the tasks of the old
    life must stay dead although the host runs again.
    """

    __slots__ = ("ended", "held", "host", "resumptions", "running")

    def __init__(self, host: Host) -> None:
        self.host = host
        self.running = True
        self.ended = False
        self.held: list[Handle] = []
        self.resumptions: list[tuple[SimProcess, Event | None]] = []

    def hold(self, handle: Handle) -> None:
        """Keep a callback that may not run now. Of a dead life it keeps it from ever running."""
        self.held.append(handle)

    def hold_process(self, process: SimProcess, event: Event | None) -> None:
        """Likewise for a SimPy process whose event has happened."""
        self.resumptions.append((process, event))


_life: ContextVar[Life | None] = ContextVar("umt_sim_host_life", default=None)
current_life = _life.get


def life_in(context: Context) -> Life | None:
    """The life of a host that code in *context* belongs to."""
    return context.get(_life)


def current_host() -> Host | None:
    """The host of the running code; ``None`` for the harness itself."""
    life = _life.get()
    return None if life is None else life.host


class Host:
    """
    A simulated machine: a name, a wall clock that may be wrong, and the tasks it runs.

    Sockets are the network's business; it subscribes with ``on_change``.

    Args:
        name: As the network and the reports name it.
        loop: Runs its tasks.
    """

    def __init__(self, name: str, loop: SimLoop) -> None:
        self.name = name
        self.state = HostState.RUNNING
        self.clock_skew = 0.0
        """Seconds its wall clock is ahead. ``loop.time()`` and ``time.monotonic()`` keep right."""

        self.on_change: list[Callable[[Host], None]] = []
        """Called after each change of state, in order of subscription."""

        self._loop = loop
        self._life = Life(self)

    def __repr__(self) -> str:
        return f"<Host {self.name} {self.state.value}>"

    def context(self) -> Context:
        """A copy of the current context in which this host runs."""
        context = copy_context()
        context.run(_life.set, self._life)
        return context

    def run(self, coroutine: Coroutine[Any, Any, T], *, name: str | None = None) -> asyncio.Task[T]:
        """
        Start a task on this host.

        Whoever awaits it waits for ever if the host crashes first, as a client of a
        dead machine would; a timeout gets it out.

        Raises:
            RuntimeError: The host has crashed and was not restarted.
        """
        if self.state is HostState.CRASHED:
            coroutine.close()
            raise RuntimeError(f"host {self.name} has crashed; restart() it first")
        return self._loop.create_task(coroutine, name=name, context=self.context())

    def pause(self) -> None:
        """Freeze everything on this host until ``resume``."""
        self._expect(HostState.RUNNING, "pause")
        self._life.running = False
        self._loop.power.hold_back(self._life)
        self._become(HostState.PAUSED)

    def resume(self) -> None:
        """Go on where ``pause`` stopped; timers that came due meanwhile fire at once."""
        self._expect(HostState.PAUSED, "resume")
        life = self._life
        life.running = True
        self._loop.power.let_go(life)
        self._become(HostState.RUNNING)

    def crash(self) -> None:
        """Cut the power: nothing of this host runs again, and no cleanup either."""
        if self.state is HostState.CRASHED:
            return
        self._life.running = False
        self._life.ended = True
        self._loop.power.bury(self._life)
        self._become(HostState.CRASHED)

    def restart(self) -> None:
        """Switch the power on again. The host is empty: start its programs with ``run``."""
        self._expect(HostState.CRASHED, "restart")
        self._life = Life(self)
        self._become(HostState.RUNNING)

    def _expect(self, state: HostState, verb: str) -> None:
        if self.state is not state:
            raise RuntimeError(f"cannot {verb} host {self.name}: it is {self.state.value}")

    def _become(self, state: HostState) -> None:
        self.state = state
        for changed in tuple(self.on_change):
            changed(self)
