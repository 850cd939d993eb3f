"""
What a proxy stands on: a clock, and sockets that never block.

Two grounds exist. The simulated ``Network`` supplies virtual time and its own
sockets; ``umt_sim.network.toxiproxy`` supplies an asyncio loop and the
machine's. The proxy, its links and its toxics are the same code on both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from umt_sim.network.routine import Wake

if TYPE_CHECKING:
    from random import Random

__all__ = ["Alarm", "Clock", "Dialing", "Endpoint", "Ground", "Listening"]


class Alarm(Protocol):
    """A wake-up that was asked for."""

    def cancel(self) -> None:
        """Do not ring."""
        ...


class Clock(Protocol):
    """Reads time and rings at a time."""

    def now(self) -> float:
        """Seconds from an arbitrary origin; never steps back."""
        ...

    def call_at(self, when: float, callback: Wake) -> Alarm:
        """Call *callback* at *when* (seconds of ``now``), never from inside this call."""
        ...

    def ring_at(self, when: float, callback: Wake) -> Alarm:
        """Like ``call_at``, for what is hardly ever cancelled."""
        ...


class Endpoint(Protocol):
    """One end of a connected stream. No method waits."""

    def read(self, limit: int) -> bytes | None:
        """
        Up to *limit* bytes; empty at the end of the stream; ``None`` if nothing is there yet.

        Raises:
            OSError: The connection is broken, or this end is closed.
        """
        ...

    def write(self, data: bytes) -> int:
        """
        Send what fits and return its length; 0 if nothing does.

        Raises:
            OSError: The connection is broken, or this end is closed.
        """
        ...

    def when_readable(self, wake: Wake) -> None:
        """Call *wake* once when ``read`` may answer differently. One waiter at a time."""
        ...

    def when_writable(self, wake: Wake) -> None:
        """Call *wake* once when ``write`` may answer differently. One waiter at a time."""
        ...

    def reset_on_close(self) -> None:
        """From now on ``close`` resets the connection (SO_LINGER with a time of 0)."""
        ...

    def close(self) -> None:
        """Close both directions; waiters are woken. Closing again does nothing."""
        ...


class Listening(Protocol):
    """A listening socket."""

    @property
    def address(self) -> tuple[str, int]:
        """Where it really listens: host and port."""
        ...

    def take(self) -> Endpoint | None:
        """The next client; ``None`` if nobody waits."""
        ...

    def when_readable(self, wake: Wake) -> None:
        """Call *wake* once when somebody may be waiting."""
        ...

    def close(self) -> None:
        """Refuse connections from now on. The waiter is woken."""
        ...


class Dialing(Protocol):
    """A connection being opened."""

    @property
    def outcome(self) -> Endpoint | OSError | None:
        """``None`` until it is known."""
        ...


class Ground(Clock, Protocol):
    """Clock and sockets together, and the randomness of what happens on them."""

    def listen(self, address: tuple[str, int]) -> Listening:
        """
        Listen on *address*; port 0 picks a free one.

        Raises:
            OSError: The address cannot be used.
        """
        ...

    def dial(self, address: tuple[str, int], wake: Wake) -> Dialing:
        """Connect to *address*; *wake* is called when the outcome is known, perhaps at once."""
        ...

    def stream(self, path: str) -> Random:
        """The random stream of one concern, named by *path*."""
        ...
