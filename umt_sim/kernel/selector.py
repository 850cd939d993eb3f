"""
The place where asyncio would ask the operating system what is ready.

Instead of sleeping, ``select`` moves virtual time: to the instant of the next
event, unless a callback or a socket is ready at this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from selectors import BaseSelector, SelectorKey
from typing import TYPE_CHECKING, Any

from umt_sim.kernel.sockets import FIRST_FD, Pollable

if TYPE_CHECKING:
    from umt_sim.kernel.loop import SimLoop

__all__ = ["SimSelector", "Sockets"]


class Sockets:
    """
    The simulated sockets of a loop, and which of them to look at.

    Level triggered, as ``epoll`` is, but the cost is that of the sockets whose
    state changed: a network calls ``mark`` for each change.
    """

    def __init__(self) -> None:
        self.marked: dict[int, None] = {}
        self.pollable: dict[int, Pollable] = {}
        self._next_fd = FIRST_FD

    def new_fd(self) -> int:
        """A descriptor never used before in this run."""
        fd = self._next_fd
        self._next_fd += 1
        return fd

    def add(self, socket: Pollable) -> None:
        """Start to watch *socket*, under its present descriptor."""
        fd = socket.fileno()
        self.pollable[fd] = socket
        self.marked[fd] = None

    def mark(self, fd: int) -> None:
        """Say that the readiness of a socket may have changed."""
        self.marked[fd] = None

    def forget(self, fd: int) -> None:
        """Stop to watch a socket that was closed."""
        self.pollable.pop(fd, None)
        self.marked.pop(fd, None)


class SimSelector(BaseSelector):
    """
    A selector over simulated sockets and virtual time.

    Args:
        sockets: What can be polled.
        loop: Whose time passes.
        housekeeping: Called every so many turns; answers how many until the next call.
    """

    def __init__(self, sockets: Sockets, loop: SimLoop, housekeeping: Callable[[], int]) -> None:
        self._sockets = sockets
        self._loop = loop
        self._env = loop.env
        self._tape = loop.tape
        self._housekeeping = housekeeping
        self._keys: dict[int, SelectorKey] = {}
        self._next_look = 1
        self.withholds: Callable[[SelectorKey], bool] | None = None
        """Whether a socket belongs to a stopped host; set while there is one."""

    def register(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        """Watch a descriptor."""
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if fd not in self._sockets.pollable:
            raise ValueError(f"descriptor {fd} is no socket of the simulated network")
        key = self._keys[fd] = SelectorKey(fileobj, fd, events, data)
        self._sockets.marked[fd] = None
        return key

    def unregister(self, fileobj: Any) -> SelectorKey:
        """Stop to watch a descriptor."""
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        return self._keys.pop(fd)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        """Watch a descriptor for something else; transports also ask when nothing changes."""
        key = self.get_key(fileobj)
        if key.events == events and key.data == data:
            return key
        return self.register(fileobj, events, data)

    def get_map(self) -> Mapping[Any, SelectorKey]:
        """What is watched, by descriptor."""
        return self._keys

    def get_key(self, fileobj: Any) -> SelectorKey:
        """How a descriptor is watched; ``KeyError`` if it is not."""
        return self._keys[fileobj if isinstance(fileobj, int) else fileobj.fileno()]

    def close(self) -> None:
        """Forget everything."""
        self._keys.clear()

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """
        Let virtual time pass until something is ready.

        Args:
            timeout: 0 if callbacks are ready already, else ``None``: asyncio's own timer
                queue stays empty here.

        Raises:
            Stalled: Nothing is ready and nothing is scheduled.
            Livelock: This instant has lasted too many turns.
        """
        loop, env, tape = self._loop, self._env, self._tape
        tape.turns += 1
        if tape.turns >= self._next_look:
            self._next_look = tape.turns + self._housekeeping()
        marked = self._sockets.marked
        ready = self._poll() if marked else []
        if timeout is not None or ready:
            queue = env._queue
            if queue and queue[0][0] == env._now:
                env.run_generation()
                if marked:
                    ready = self._poll()
            return ready
        while env.advance():
            if marked:
                ready = self._poll()
            if env.due or ready or loop._ready or loop._stopping:
                return ready
            if tape.turns >= self._next_look:
                self._next_look = tape.turns + self._housekeeping()
        loop.nothing_scheduled()
        return ready

    def mark_all(self) -> None:
        """Look at every socket again."""
        self._sockets.marked.update(dict.fromkeys(self._keys))

    def look_soon(self) -> None:
        """Do the housekeeping at the next turn."""
        self._next_look = 0

    def _poll(self) -> list[tuple[SelectorKey, int]]:
        """Readiness of the marked sockets; those with nothing to report lose their mark."""
        ready = []
        marked, pollable, keys = self._sockets.marked, self._sockets.pollable, self._keys
        for fd in tuple(marked):
            key, socket = keys.get(fd), pollable.get(fd)
            if key is not None and socket is not None:
                events = key.events & socket.readiness()
                if events and not (self.withholds is not None and self.withholds(key)):
                    ready.append((key, events))
                    continue
            del marked[fd]
        return ready
