"""
``maxmemory``: an estimate of what the data takes, and the eviction of keys.

Sizes are estimated as MEMORY USAGE does, from the first few members of a collection.
The least recently used key is found exactly, where Redis looks at a sample of five.
The ``lfu`` policies are not modelled and are refused. While no limit is set, nothing
is counted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sized
from itertools import islice
from typing import TYPE_CHECKING, Any

from fakeredis._helpers import SimpleError

if TYPE_CHECKING:
    from random import Random

    from umt_sim.servers.redis.engine import Keyspace, Keyspaces

__all__ = ["OUT_OF_MEMORY", "Memory"]

OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'."

_KEY_OVERHEAD = 62  # bytes of the dictionary entry, two objects and their headers (measured)
_MEMBER_OVERHEAD = 16
_SAMPLED_MEMBERS = 5
_POLICIES = (
    b"noeviction",
    b"allkeys-lru",
    b"allkeys-random",
    b"volatile-lru",
    b"volatile-random",
    b"volatile-ttl",
)
_UNITS = {b"": 1, b"b": 1, b"k": 1000, b"kb": 1024, b"m": 10**6, b"mb": 2**20, b"g": 10**9}
_UNITS[b"gb"] = 2**30

_Place = tuple["Keyspace", bytes]


class Memory:
    """
    What one server's data takes.

    Args:
        keyspaces: The databases.
        stream: What the random policies draw from.

    Attributes:
        evicted: Keys evicted so far.
    """

    def __init__(self, keyspaces: Keyspaces, stream: Random) -> None:
        self.evicted = 0
        self.limit = 0
        self._keyspaces = keyspaces
        self._stream = stream
        self._policy = b"noeviction"
        self._sizes: OrderedDict[_Place, int] = OrderedDict()  # least recently used first
        self._used = 0
        self._unsettled: dict[_Place, None] = {}

    def configure(self, limit: bytes, policy: bytes) -> None:
        """
        Set ``maxmemory`` and ``maxmemory-policy``.

        Raises:
            SimpleError: As CONFIG SET answers for a bad value.
        """
        digits = limit.lower().rstrip(b"bkmg")
        unit = limit.lower()[len(digits) :]
        if not digits.isdigit() or unit not in _UNITS:
            raise _bad(b"maxmemory", "argument must be a memory value")
        if policy.lower() not in _POLICIES:
            known = ", ".join(name.decode() for name in _POLICIES)
            raise _bad(b"maxmemory-policy", f"argument(s) must be one of the following: {known}")
        self._policy = policy.lower()
        self.limit = int(digits) * _UNITS[unit]
        self._recount()

    def _recount(self) -> None:
        self._sizes.clear()
        self._unsettled.clear()
        self._used = 0
        self._keyspaces.keep_account(self if self.limit else None)
        if self.limit:
            for keyspace in self._keyspaces.values():
                self._unsettled.update(((keyspace, key), None) for key in keyspace)

    def written(self, keyspace: Keyspace, key: bytes) -> None:
        """Note that *key* changed or went; what that means is worked out when it matters."""
        self._unsettled[keyspace, key] = None

    def touched(self, keyspace: Keyspace, key: bytes) -> None:
        """Note that *key* was looked at."""
        if (keyspace, key) in self._sizes:
            self._sizes.move_to_end((keyspace, key))

    @property
    def used(self) -> int:
        """Estimated bytes of all keys; 0 while there is no limit."""
        for keyspace, key in self._unsettled:
            item = keyspace.peek(key)
            self._used -= self._sizes.pop((keyspace, key), 0)
            if item is not None:
                size = self._sizes[keyspace, key] = self.size_of(key, item.value)
                self._used += size
        self._unsettled.clear()
        return self._used

    def make_room(self) -> bool:
        """Evict keys until the limit is kept; before each command. Whether that succeeded."""
        if self.used > self.limit:
            for keyspace in self._keyspaces.values():
                keyspace.drop_expired()
        while self.used > self.limit:
            victim = self._victim()
            if victim is None:
                return False
            keyspace, key = victim
            keyspace.notify_watch(key)
            del keyspace[key]
            self.evicted += 1
        return True

    def _victim(self) -> _Place | None:
        candidates = self._candidates()
        if self._policy == b"noeviction":
            return None
        if self._policy.endswith(b"-lru"):
            return next(candidates, None)
        places = list(candidates)
        if not places:
            return None
        if self._policy == b"volatile-ttl":
            return min(places, key=lambda place: place[0].peek(place[1]).expireat)
        return self._stream.choice(places)

    def _candidates(self) -> Iterator[_Place]:
        if self._policy.startswith(b"allkeys-"):
            return iter(self._sizes)
        return (place for place in self._sizes if place[0].peek(place[1]).expireat is not None)

    @staticmethod
    def size_of(key: bytes, value: Any) -> int:
        """Estimated bytes that one key takes."""
        return _KEY_OVERHEAD + len(key) + _size(value)


def _size(value: Any) -> int:
    if isinstance(value, bytes):
        return len(value)
    if not isinstance(value, Sized) or not len(value):
        return _MEMBER_OVERHEAD
    members: Any = value.items() if hasattr(value, "items") else value
    sampled = list(islice(members, _SAMPLED_MEMBERS))
    total = sum(_MEMBER_OVERHEAD + _member_size(member) for member in sampled)
    return total * len(value) // len(sampled)


def _member_size(member: Any) -> int:
    if isinstance(member, bytes):
        return len(member)
    if isinstance(member, tuple | list):
        return sum(map(_member_size, member))
    return 8


def _bad(name: bytes, reason: str) -> SimpleError:
    return SimpleError(
        f"ERR CONFIG SET failed (possibly related to argument '{name.decode()}') - {reason}"
    )
