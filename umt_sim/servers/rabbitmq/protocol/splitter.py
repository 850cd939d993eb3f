"""Cuts a stream of bytes into frames, however they arrive."""

from __future__ import annotations

from umt_sim.servers.rabbitmq.errors import frame_error
from umt_sim.servers.rabbitmq.protocol import frames
from umt_sim.servers.rabbitmq.protocol.wording import frame_text

__all__ = ["Splitter"]

_PREFIX = frames.prefix.size
_read_prefix = frames.prefix.unpack_from


class Splitter:
    """
    The bytes of one connection that were not looked at yet.

    Args:
        frame_max: Most bytes of a frame, its eight of overhead included.
    """

    def __init__(self, frame_max: int) -> None:
        self.frame_max = frame_max
        self._data = b""
        self._position = 0
        self._late = bytearray()  # behind the data; joined when a whole frame is there

    def add(self, data: bytes) -> None:
        """Add what arrived."""
        if self._late or self._position < len(self._data):
            self._late += data
        else:
            self._data, self._position = data, 0

    def clear(self) -> None:
        """Forget what was not looked at."""
        self._data, self._position = b"", 0
        self._late.clear()

    def take(self, count: int) -> bytes | None:
        """The next *count* bytes, once they are there."""
        if not self._has(count):
            return None
        start, self._position = self._position, self._position + count
        return self._data[start : self._position]

    def frame(self) -> tuple[int, int, bytes] | None:
        """
        Kind, channel and payload of the next frame, once it is there.

        Raises:
            AmqpError: 501, it is too large or does not end where it should.
        """
        data, at = self._data, self._position
        if len(data) - at >= frames.OVERHEAD:  # nearly always all of it is there, and in order
            kind, channel, size = _read_prefix(data, at)
            end = at + _PREFIX + size
            if end < len(data) and data[end] == frames.END and end - at < self.frame_max:
                self._position = end + 1
                return kind, channel, data[at + _PREFIX : end]
        return self._frame_with_care()

    def _frame_with_care(self) -> tuple[int, int, bytes] | None:
        if not self._has(frames.OVERHEAD):
            return None
        kind, channel, size = _read_prefix(self._data, self._position)
        if size > self.frame_max - frames.OVERHEAD:
            most = self.frame_max - frames.OVERHEAD
            raise frame_error(f"{frame_text(kind, b'')}: {{frame_too_large,{size},{most}}}")
        if not self._has(size + frames.OVERHEAD):
            return None
        start = self._position + _PREFIX
        self._position = start + size + 1
        payload, end = self._data[start : start + size], self._data[start + size]
        if end != frames.END:
            raise frame_error(f"{frame_text(kind, payload)}: {{invalid_frame_end_marker,{end}}}")
        return kind, channel, payload

    def _has(self, count: int) -> bool:
        held = len(self._data) - self._position
        if held >= count:
            return True
        if held + len(self._late) < count:
            return False
        self._data, self._position = self._data[self._position :] + self._late, 0
        self._late.clear()
        return True
