"""Keys of any kind, times to live to the millisecond, and numbers in strings."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from fakeredis import _msgs as msgs
from fakeredis._command_args_parsing import Int
from fakeredis._commands import Key
from fakeredis._helpers import OK, SimpleError, SimpleString

from umt_sim.servers.redis.commands.long_double import added
from umt_sim.servers.redis.commands.table import table

if TYPE_CHECKING:
    from umt_sim.servers.redis.engine import Engine

__all__ = ["DATABASES", "KEYS", "KeyCommands", "database"]

DATABASES = 16


class KeyCommands:
    """Mixed into the session."""

    engine: Engine
    _db: Any

    def own_setex(self, key: Any, seconds: int, value: bytes) -> SimpleString:
        """SETEX key seconds value, to the millisecond."""
        key.value = value
        key.expireat = self._expiry(seconds * 1000, "setex")
        return OK

    def own_psetex(self, key: Any, milliseconds: int, value: bytes) -> SimpleString:
        """PSETEX key milliseconds value."""
        key.value = value
        key.expireat = self._expiry(milliseconds, "psetex")
        return OK

    def own_getex(self, key: Any, *args: bytes) -> bytes | None:
        """GETEX key [EX seconds | PX milliseconds | EXAT time | PXAT time | PERSIST]."""
        option = args[0].lower() if args else b""
        if option == b"persist" and len(args) == 1:
            key.expireat = None
        elif option in (b"ex", b"px") and len(args) == 2:
            scale = 1000 if option == b"ex" else 1
            key.expireat = self._expiry(Int.decode(args[1]) * scale, "getex")
        elif option in (b"exat", b"pxat") and len(args) == 2:
            scale = 1000 if option == b"exat" else 1
            elapsed = self._db.time * 1000
            key.expireat = self._expiry(Int.decode(args[1]) * scale - elapsed, "getex")
        elif args:
            raise SimpleError(msgs.SYNTAX_ERROR_MSG)
        value: bytes | None = key.get(None)
        return value

    def _expiry(self, milliseconds: float, command: str) -> float:
        if not 0 < milliseconds < 2**63:
            raise SimpleError(f"ERR invalid expire time in '{command}' command")
        now: float = self._db.time
        return now + milliseconds / 1000

    def own_copy(self, source: Any, destination: bytes, *args: bytes) -> int:
        """COPY source destination [DB index] [REPLACE]: a copy that lives its own life."""
        options = [arg.lower() for arg in args]
        target = self._db
        if b"db" in options[:-1]:
            at = options.index(b"db")
            target = self.engine.keyspaces[database(options[at + 1])]
            del options[at : at + 2]
        replace = options == [b"replace"]
        if options and not replace:
            raise SimpleError(msgs.SYNTAX_ERROR_MSG)
        if target is self._db and source.key == destination:
            raise SimpleError(msgs.SRC_DST_SAME_MSG)
        original = self._db.get(source.key)
        if original is None or (destination in target and not replace):
            return 0
        target[destination] = deepcopy(original)
        target.notify_watch(destination)
        return 1

    def own_touch(self, *keys: Any) -> int:
        """TOUCH key [key ...]: how many of them exist."""
        return sum(1 for key in keys if key)

    def own_incrbyfloat(self, key: Any, amount: bytes) -> bytes:
        """INCRBYFLOAT key increment."""
        total = added(key.get(b"0"), amount)
        key.update(total)
        return total


def database(index: bytes) -> int:
    """
    The number of a database.

    Raises:
        SimpleError: There is no such database.
    """
    number = Int.decode(index)
    if not 0 <= number < DATABASES:
        raise SimpleError("ERR DB index is out of range")
    return number


KEYS = table(
    ("setex", "own_setex", (Key(), Int, bytes), (), ""),
    ("psetex", "own_psetex", (Key(), Int, bytes), (), ""),
    ("getex", "own_getex", (Key(bytes),), (bytes,), ""),
    ("copy", "own_copy", (Key(), bytes), (bytes,), ""),
    ("touch", "own_touch", (Key(),), (Key(),), ""),
    ("incrbyfloat", "own_incrbyfloat", (Key(bytes), bytes), (), ""),
)
