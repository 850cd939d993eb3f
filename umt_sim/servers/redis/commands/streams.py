"""Reading streams: what is looked at before, and what an empty answer is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fakeredis import _msgs as msgs
from fakeredis._commands import Key
from fakeredis._helpers import SimpleError, casematch
from fakeredis.model import XStream

from umt_sim.servers.redis.commands.table import table
from umt_sim.servers.redis.resp import NULL_ARRAY

__all__ = ["STREAMS", "StreamCommands"]

_UNBALANCED = (
    "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified."
)


class StreamCommands:
    """Mixed into the session."""

    _db: Any
    xread: Callable[..., Any]
    xreadgroup: Callable[..., Any]
    xpending: Callable[..., list[Any]]

    def own_xread(self, *args: bytes) -> Any:
        """XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]."""
        for key in _streams(args):
            self._stream(key)
        return self.xread(*args)

    def own_xreadgroup(self, *args: bytes) -> Any:
        """XREADGROUP GROUP group consumer [...] STREAMS key [key ...] id [id ...]."""
        for key in _streams(args[3:]):
            if self._stream(key) is None:
                name, group = key.decode(), args[1].decode()
                raise SimpleError(msgs.XREADGROUP_KEY_OR_GROUP_NOT_FOUND_MSG.format(name, group))
        return self.xreadgroup(*args)

    def own_xpending(self, key: Any, group: bytes, *options: bytes) -> Any:
        """XPENDING key group [...]: without anything pending there are no consumers to list."""
        found = self.xpending(key, group, *options)
        return [0, None, None, NULL_ARRAY] if not options and found[0] == 0 else found

    def _stream(self, key: bytes) -> Any:
        item = self._db.get(key)
        if item is not None and not isinstance(item.value, XStream):
            raise SimpleError(msgs.WRONGTYPE_MSG)
        return item

    @staticmethod
    def _empty_stream_read_reply(entries: Any) -> Any:
        """What fakeredis answers if nothing was found."""
        return entries or None


def _streams(args: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The keys; none if the words are not even in order, of which fakeredis will complain."""
    for place, word in enumerate(args):
        if casematch(word, b"streams"):
            rest = args[place + 1 :]
            if len(rest) % 2:
                raise SimpleError(_UNBALANCED)
            return rest[: len(rest) // 2]
    return ()


STREAMS = table(
    ("xread", "own_xread", (bytes,), (bytes,), "2"),
    ("xpending", "own_xpending", (Key(XStream), bytes), (bytes,), ""),
    ("xreadgroup", "own_xreadgroup", (bytes, bytes, bytes), (bytes,), ""),
)
