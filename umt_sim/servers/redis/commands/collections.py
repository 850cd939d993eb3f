"""Lists, hashes, sets, sorted sets and places, where fakeredis answers differently from Redis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fakeredis import _msgs as msgs
from fakeredis._command_args_parsing import Int, Timeout
from fakeredis._commands import Key
from fakeredis._core import CommandItem
from fakeredis._helpers import SimpleError, casematch
from fakeredis.model import ExpiringMembersSet, Hash, ZSet

from umt_sim.servers.redis.commands.long_double import added
from umt_sim.servers.redis.commands.table import table
from umt_sim.servers.redis.resp import NULL_ARRAY

__all__ = ["COLLECTIONS", "CollectionCommands"]


class CollectionCommands:
    """Mixed into the session."""

    _db: Any
    _blocking: Callable[..., Any]
    lpop: Callable[..., Any]
    rpop: Callable[..., Any]
    hrandfield: Callable[..., Any]
    zrandmember: Callable[..., Any]
    geopos: Callable[..., list[Any]]

    def own_blmove(
        self, source: bytes, destination: bytes, from_end: bytes, to_end: bytes, seconds: float
    ) -> Any:
        """BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout."""
        ends = from_end.lower(), to_end.lower()
        if any(end not in (b"left", b"right") for end in ends):
            raise SimpleError(msgs.SYNTAX_ERROR_MSG)

        def attempt(first: bool) -> bytes | None:
            taken = self._list_at(source, first)
            if taken is None or not taken.value:
                return None
            given = taken if source == destination else self._list_at(destination, first=True)
            element: bytes = taken.value.pop(0 if ends[0] == b"left" else -1)
            given.value.insert(0 if ends[1] == b"left" else len(given.value), element)
            for item in (taken, given):
                item.updated()
                item.writeback()
            return element

        return self._blocking(seconds, attempt)

    def _list_at(self, key: bytes, first: bool) -> Any:
        """The list at *key*, perhaps a new one; what has become something else is passed over."""
        item = CommandItem(key, self._db, item=self._db.get(key), default=[])
        if isinstance(item.value, list):
            return item
        if first:
            raise SimpleError(msgs.WRONGTYPE_MSG)
        return None

    def own_lpop(self, key: Any, *count: bytes) -> Any:
        """LPOP key [count]."""
        return _none_of_several(self.lpop(key, *count), count)

    def own_rpop(self, key: Any, *count: bytes) -> Any:
        """RPOP key [count]."""
        return _none_of_several(self.rpop(key, *count), count)

    def _lmpop(self, *args: Any) -> Any:
        """For fakeredis, which leaves an empty list behind and tells no watcher."""
        found = super()._lmpop(*args)  # type: ignore[misc]
        if found:
            item = CommandItem(found[0], self._db, item=self._db.get(found[0]))
            item.updated()
            item.writeback()
        return found

    def own_hincrbyfloat(self, key: Any, field: bytes, amount: bytes) -> bytes:
        """HINCRBYFLOAT key field increment."""
        stored = key.value.get(field, b"0")
        total = added(stored, amount, not_a_number="ERR hash value is not a float")
        key.value.update({field: total}, clear_expiration=False)
        key.updated()
        return total

    def own_hrandfield(self, key: Any, *options: bytes) -> Any:
        """HRANDFIELD key [count [WITHVALUES]]: no fields are none or an empty list."""
        return self.hrandfield(key, *options) or ([] if options else None)

    def own_zrandmember(self, key: Any, *options: bytes) -> Any:
        """ZRANDMEMBER key [count [WITHSCORES]]."""
        found = self.zrandmember(key, *options)
        return found if options else next(iter(found), None)

    def own_sintercard(self, number: int, *args: bytes) -> int:
        """SINTERCARD numkeys key [key ...] [LIMIT limit]."""
        if number < 1:
            raise SimpleError("ERR numkeys should be greater than 0")
        if number > len(args):
            raise SimpleError("ERR Number of keys can't be greater than number of args")
        keys, limit = args[:number], _limit(args[number:])
        common = set.intersection(*(set(self._members(key)) for key in keys))
        return min(len(common), limit or len(common))

    def _members(self, key: bytes) -> Any:
        item = self._db.get(key)
        if item is None:
            return ()
        if not isinstance(item.value, ExpiringMembersSet):
            raise SimpleError(msgs.WRONGTYPE_MSG)
        return item.value

    def _zpop(self, key: Any, *args: Any, **options: Any) -> Any:
        """For fakeredis, which takes any value at a key for a sorted set."""
        if key.value and not isinstance(key.value, ZSet):
            raise SimpleError(msgs.WRONGTYPE_MSG)
        return super()._zpop(key, *args, **options)  # type: ignore[misc]

    def own_geopos(self, key: Any, *members: bytes) -> list[Any]:
        """GEOPOS key member [member ...]."""
        return [NULL_ARRAY if place is None else place for place in self.geopos(key, *members)]


def _none_of_several(popped: Any, count: tuple[bytes, ...]) -> Any:
    """Who asks for several gets an array, be it an absent one."""
    return NULL_ARRAY if popped is None and count else popped


def _limit(args: tuple[bytes, ...]) -> int:
    if not args:
        return 0
    if len(args) != 2 or not casematch(args[0], b"limit"):
        raise SimpleError(msgs.SYNTAX_ERROR_MSG)
    limit = Int.decode(args[1], decode_error=msgs.LIMIT_NEGATIVE_MSG)
    if limit < 0:
        raise SimpleError(msgs.LIMIT_NEGATIVE_MSG)
    return limit


COLLECTIONS = table(
    ("blmove", "own_blmove", (bytes, bytes, bytes, bytes, Timeout), (), "s"),
    ("lpop", "own_lpop", (Key(),), (bytes,), ""),
    ("rpop", "own_rpop", (Key(),), (bytes,), ""),
    ("hincrbyfloat", "own_hincrbyfloat", (Key(Hash), bytes, bytes), (), ""),
    ("hrandfield", "own_hrandfield", (Key(Hash),), (bytes,), ""),
    ("zrandmember", "own_zrandmember", (Key(ZSet),), (bytes,), ""),
    ("sintercard", "own_sintercard", (Int, bytes), (bytes,), ""),
    ("geopos", "own_geopos", (Key(ZSet), bytes), (bytes,), ""),
    # What was at the destination does not matter, whatever it was.
    ("zrangestore", "zrangestore", (Key(), Key(ZSet), bytes, bytes), (bytes,), ""),
)
