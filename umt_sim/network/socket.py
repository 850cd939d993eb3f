"""What every simulated socket answers, whatever its kind."""

from __future__ import annotations

import socket
import struct
from errno import EBADF
from typing import TYPE_CHECKING, Any

from umt_sim.kernel.sockets import Address

if TYPE_CHECKING:
    from umt_sim.kernel.selector import Sockets

__all__ = ["SimSocket"]


class SimSocket:
    """
    A socket of the simulated network. No call on it waits.

    It gets a descriptor, and becomes visible to the loop's selector, when first
    asked for one: a proxy's sockets never are.

    Args:
        sockets: The loop's table of sockets.
        local: Address of this end.
    """

    family = socket.AF_INET
    type = socket.SOCK_STREAM
    proto = socket.IPPROTO_TCP

    def __init__(self, sockets: Sockets, local: Address) -> None:
        self.local = local
        self.closed = False
        self.error: OSError | None = None
        """What went wrong and was not told yet (SO_ERROR)."""

        self.resets_on_close = False
        self._sockets = sockets
        self._fd: int | None = None
        self._options: dict[tuple[int, int], Any] = {}

    def __repr__(self) -> str:
        state = " closed" if self.closed else ""
        return f"<{type(self).__name__} {self.local}{state}>"

    def readiness(self) -> int:
        """What would not block right now, as ``selectors`` events."""
        raise NotImplementedError

    def fileno(self) -> int:
        """The descriptor, or -1 once closed."""
        if self.closed:
            return -1
        if self._fd is None:
            self._fd = self._sockets.new_fd()
            self._sockets.add(self)
        return self._fd

    def getsockname(self) -> Address:
        """Address of this end."""
        self._expect_open()
        return self.local

    def getsockopt(self, level: int, option: int, length: int = 0, /) -> Any:
        """An option as it was set; SO_ERROR tells the pending error, once."""
        if level == socket.SOL_SOCKET and option == socket.SO_ERROR:
            error = self._take_error()
            return 0 if error is None else error.errno
        if level == socket.SOL_SOCKET and option == socket.SO_TYPE:
            return int(self.type)
        return self._options.get((level, option), b"" if length else 0)

    def setsockopt(self, level: int, option: int, value: Any, /) -> None:
        """Remember an option. Only SO_LINGER with a time of 0 has an effect."""
        self._options[level, option] = value
        if level == socket.SOL_SOCKET and option == socket.SO_LINGER:
            on, seconds = struct.unpack("ii", value)
            self.resets_on_close = bool(on) and seconds == 0

    def setblocking(self, blocking: bool, /) -> None:
        """Accepted and ignored: nothing here blocks."""

    def settimeout(self, timeout: float | None, /) -> None:
        """Accepted and ignored: nothing here blocks."""

    def gettimeout(self) -> float:
        """0, as of every non-blocking socket."""
        return 0.0

    def close(self) -> None:
        """Close this end."""
        self.closed = True
        if self._fd is not None:
            self._sockets.forget(self._fd)

    def _mark(self) -> None:
        """Tell the selector that readiness may have changed."""
        if self._fd is not None and not self.closed:
            self._sockets.mark(self._fd)

    def _take_error(self) -> OSError | None:
        error, self.error = self.error, None
        return error

    def _expect_open(self) -> None:
        if self.closed:
            raise OSError(EBADF, "Bad file descriptor")
