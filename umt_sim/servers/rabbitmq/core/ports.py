"""What the core asks of its surroundings: a clock with timers, names, and a place for messages."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from random import Random

__all__ = ["Names", "Timeline", "Timer"]


class Timer(Protocol):
    """A call that is due."""

    def cancel(self) -> None:
        """Take it back."""
        ...


class Timeline(Protocol):
    """Seconds and calls at a second. An asyncio loop is one; so is a list in a test."""

    def time(self) -> float:
        """Now, in seconds."""
        ...

    def call_at(self, when: float, callback: Callable[..., object], *args: Any) -> Timer:
        """Call *callback* at *when*."""
        ...


class Names:
    """
    Names the broker makes up, from a stream of its own.

    Args:
        stream: Seeded randomness.
    """

    def __init__(self, stream: Random) -> None:
        self._stream = stream

    def make(self, prefix: str) -> str:
        """A name in RabbitMQ's form: the prefix, a dash and 22 characters."""
        tail = base64.urlsafe_b64encode(self._stream.randbytes(16)).decode().rstrip("=")
        return f"{prefix}-{tail}"
