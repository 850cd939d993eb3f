"""What a fault has met. A fault that met nothing proves nothing."""

from __future__ import annotations

from collections.abc import Hashable

__all__ = ["Touched"]


class Touched:
    """
    Counts the bytes a fault has met and the connections, each of them once.

    Attributes:
        bytes: Bytes that went through it, were kept back by it, or were lost to it.
    """

    __slots__ = ("_connections", "bytes")

    def __init__(self) -> None:
        self.bytes = 0
        self._connections: dict[Hashable, None] = {}

    def __repr__(self) -> str:
        return f"<Touched {self.bytes} bytes, {self.connections} connections>"

    @property
    def connections(self) -> int:
        """Connections, and attempts to connect, on which it had something to do."""
        return len(self._connections)

    def meet(self, connection: Hashable, size: int = 0) -> None:
        """Count *size* bytes of *connection*, which is anything that tells it from others."""
        self.bytes += size
        self._connections[connection] = None
