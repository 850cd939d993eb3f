"""
The place where asyncio would ask the operating system what is ready.

Instead of sleeping, ``select`` moves virtual time: to the instant of the next
event, unless a callback or a socket is ready at this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
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
    """

    loop: SimLoop

    def __init__(self, sockets: Sockets) -> None:
        self._sockets = sockets
        self._keys: dict[int, SelectorKey] = {}
        self._parked: dict[int, None] = {}

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
        """Watch a descriptor for something else."""
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
        loop = self.loop
        env = loop.env
        loop.begin_turn()
        marked = self._sockets.marked
        ready = self._poll() if marked else []
        if timeout is not None or ready:
            if env.peek() <= env._now:
                env.run_generation()
                if marked:
                    ready = self._poll()
            return ready
        while True:
            if env.peek() == inf:
                loop.nothing_scheduled()
                return ready
            env.run_generation()
            if marked:
                ready = self._poll()
            if ready or env.due or loop.has_work():
                return ready
            loop.begin_turn()

    def _poll(self) -> list[tuple[SelectorKey, int]]:
        """Readiness of the marked sockets; those with nothing to report lose their mark."""
        ready = []
        marked, pollable, keys = self._sockets.marked, self._sockets.pollable, self._keys
        for fd in list(marked):
            key = keys.get(fd)
            events = key.events & pollable[fd].readiness() if key is not None else 0
            if events:
                ready.append((key, events))
            else:
                del marked[fd]
        return ready
