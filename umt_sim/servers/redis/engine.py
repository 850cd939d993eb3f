"""
What all sessions of one server share: the data, the users, and who waits for a key.

This is fakeredis's server with three changes. Nothing blocks a thread: a command that
must wait becomes a ``Wait``, tried again after each write, the longest-waiting client
first, as in Redis. Time is the clock that was passed in, read once for each command.
And nothing iterates in the order of memory addresses.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from fakeredis import _msgs as msgs
from fakeredis._commands import COMMANDS_WITH_SUB, SUPPORTED_COMMANDS, Signature
from fakeredis._core import Database, FakeServer
from fakeredis._helpers import SimpleError
from fakeredis.model import get_command_info

from umt_sim.servers.redis.commands import DATABASES, OWN
from umt_sim.servers.redis.memory import Memory

if TYPE_CHECKING:
    from random import Random

    from umt_sim.servers.redis.session import Session

__all__ = ["Command", "Engine", "Keyspace", "Persistence", "Wait"]

VERSION = (7, 0, 15)  # the Redis whose answers the conformance tests compare with

# What CONFIG knows here; a name that is not in it is refused.
_DEFAULTS = {
    b"requirepass": b"",
    b"maxclients": b"10000",
    b"maxmemory": b"0",
    b"maxmemory-policy": b"noeviction",
    b"notify-keyspace-events": b"",
    b"databases": b"%d" % DATABASES,
    b"appendonly": b"no",
    b"save": b"",
    b"timeout": b"0",
    b"stream-node-max-bytes": b"4096",
    b"stream-node-max-entries": b"100",
}


class Persistence(Enum):
    """What of the data a restart finds again."""

    NONE = "none"  # nothing: a pure cache
    SNAPSHOT = "snapshot"  # the last SAVE, BGSAVE or periodic snapshot (RDB)
    ALWAYS = "always"  # everything (an append-only file, synced on each write)


@dataclass(frozen=True, slots=True)
class Command:
    """
    A command that exists.

    Attributes:
        name: As in error messages: ``get``, ``config|get``.
        operation: As the capacity knows it: ``GET``, ``CONFIG GET``.
        words: How many of the first fields are its name.
        signature: Its arguments, and the session's method that runs it.
        needs_memory: Whether it is refused when there is none left.
    """

    name: str
    operation: str
    words: int
    signature: Signature
    needs_memory: bool


@dataclass(slots=True)
class Wait:
    """
    A client that waits for a key, like BLPOP on an empty list.

    Attributes:
        seconds: How long it waits; ``None`` is for ever.
        attempt: Tries the command again; ``None`` is "still nothing".
        shape: Makes the reply of an outcome, ``None`` being "time is up".
        answer: Is called with the reply.
    """

    seconds: float | None
    attempt: Callable[[], Any]
    shape: Callable[[Any], Any]
    answer: Callable[[Any], None] | None = None


class Keyspace(Database):
    """One numbered database."""

    def __init__(self) -> None:
        super().__init__(None)
        self.changed = False  # since waiting clients were last looked at
        self.memory: Memory | None = None  # set while there is a limit to keep

    def get(self, key: bytes, default: Any = None) -> Any:
        """The live item at *key*; the mapping's own ``get`` raises and catches for a miss."""
        item = self._dict.get(key)
        if item is None:
            return default
        if item.expireat is not None and item.expireat < self.time:
            del self[key]
            return default
        if self.memory is not None:
            self.memory.touched(self, key)
        return item

    def __contains__(self, key: object) -> bool:
        return self.get(key) is not None  # type: ignore[arg-type]

    def __delitem__(self, key: bytes) -> None:
        del self._dict[key]
        if self.memory is not None:
            self.memory.written(self, key)

    def peek(self, key: bytes) -> Any:
        """The item at *key*, expired or not, without counting as use; ``None`` if there is none."""
        return self._dict.get(key)

    def drop_expired(self) -> None:
        """Delete every key whose time has come. Reads skip them anyway."""
        for key in [key for key, item in self._dict.items() if self.expired(item)]:
            del self[key]

    def expiring(self) -> int:
        """How many keys have a time to live."""
        return sum(1 for item in self._dict.values() if item.expireat is not None)

    def notify_watch(self, key: bytes) -> None:
        """Note that *key* was written: transactions that watch it fail, waiting clients wake."""
        watchers = self._watches.get(key)
        if watchers:
            for session in watchers:
                session.notify_watch()
        self.changed = True
        if self.memory is not None:
            self.memory.written(self, key)

    def wake_all(self) -> None:
        """Have the waiting clients looked at again."""
        self.changed = True


class Keyspaces(dict[int, Keyspace]):
    """The numbered databases, made when they are first selected."""

    def __init__(self) -> None:
        super().__init__()
        self.memory: Memory | None = None
        self[0]

    def __missing__(self, number: int) -> Keyspace:
        keyspace = self[number] = Keyspace()
        keyspace.memory = self.memory
        return keyspace

    def keep_account(self, memory: Memory | None) -> None:
        """Have *memory* told of every use and change, in those to come too."""
        self.memory = memory
        for keyspace in self.values():
            keyspace.memory = memory


class Engine(FakeServer):
    """
    The state of one running server.

    Args:
        clock: Unix time in seconds; the one that expiry is measured by.
        config: Redis configuration, name and value.
        stream: What random evictions are drawn from.

    Raises:
        ValueError: The configuration has a name or a value that is not modelled.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        config: dict[bytes, bytes],
        stream: Random,
    ) -> None:
        super().__init__(version=VERSION)
        self.keyspaces = Keyspaces()
        self.dbs = cast("dict[int, Database]", self.keyspaces)  # fakeredis's name for them
        self.waiting: dict[Session, Wait] = {}
        self.memory = Memory(self.keyspaces, stream)
        self.guarded = False  # whether anybody but the all-powerful default user was defined
        self.saved: dict[int, dict[bytes, Any]] = {}
        self.commands_run = 0
        self.caller: Callable[[int, bytes], Any]  # Lua's debug.getinfo, once there is a script
        self._clock = clock
        self._found: dict[bytes, Command] = {}
        self.config = dict(_DEFAULTS)
        try:
            self.configure(config)
        except SimpleError as error:
            raise ValueError(error.value.removeprefix("ERR ")) from None

    def command(self, fields: list[bytes]) -> Command | None:
        """The command that *fields* name, if it exists."""
        found = self._found.get(fields[0])
        return found if found is not None else self._look_up(fields)

    def _look_up(self, fields: list[bytes]) -> Command | None:
        words = [field.decode("utf-8", "replace").lower() for field in fields[:2]]
        pair = " ".join(words)
        for name, count in ((pair, 2), (words[0], 1)):
            signature = OWN.get(name) or SUPPORTED_COMMANDS.get(name)
            if signature is None or "redis" not in signature.server_types:
                continue
            if count == 1 and len(fields) > 1 and words[0] in COMMANDS_WITH_SUB:
                return None  # an unknown subcommand
            command = Command(
                name=name.replace(" ", "|"),
                operation=name.upper(),
                words=count,
                signature=signature,
                needs_memory=_needs_memory(name),
            )
            if count == 1 and words[0] not in COMMANDS_WITH_SUB:
                self._found[fields[0]] = command
            return command
        return None

    def tick(self) -> None:
        """Read the clock. Before each command, so that time stands still within it."""
        now = self._clock()
        for db in self.keyspaces.values():
            db.time = now
        self.commands_run += 1

    def serve_waiting(self) -> None:
        """Give waiting clients what has become available, the longest-waiting first."""
        while any(db.changed for db in self.keyspaces.values()):
            for db in self.keyspaces.values():
                db.changed = False
            for session, wait in list(self.waiting.items()):
                self._try(session, wait)

    def _try(self, session: Session, wait: Wait) -> None:
        try:
            if session._unblock_reason is not None:
                session._take_unblock_reason()
                reply = wait.shape(None)
            else:
                outcome = wait.attempt()
                if outcome is None:
                    return
                reply = wait.shape(outcome)
        except SimpleError as error:
            if error.value == msgs.WRONGTYPE_MSG:
                return  # somebody made something else of the key: that is no list yet
            reply = error
        del self.waiting[session]
        assert wait.answer is not None, "who waits has said where the answer goes"
        wait.answer(reply)

    def configure(self, settings: dict[bytes, bytes]) -> None:
        """
        Change the configuration, all of it or nothing.

        Raises:
            SimpleError: As CONFIG SET answers: an unknown name or a bad value.
        """
        for name in settings:
            if name not in self.config:
                shown = name.decode("utf-8", "surrogateescape")
                raise SimpleError(
                    f"ERR Unknown option or number of arguments for CONFIG SET - '{shown}'"
                )
        changed = self.config | settings
        self.memory.configure(changed[b"maxmemory"], changed[b"maxmemory-policy"])
        changed[b"maxmemory"] = b"%d" % self.memory.limit
        self.config = changed

    def info(self) -> dict[bytes, dict[bytes, bytes]]:
        """The sections of INFO."""
        return {
            b"Server": {
                b"redis_version": ".".join(map(str, self.version)).encode(),
                b"redis_mode": b"standalone",
            },
            b"Clients": {
                b"connected_clients": b"%d" % len(self.sockets),
                b"blocked_clients": b"%d" % len(self.waiting),
            },
            b"Memory": {
                b"used_memory": b"%d" % self.memory.used,
                b"maxmemory": self.config[b"maxmemory"],
                b"maxmemory_policy": self.config[b"maxmemory-policy"],
            },
            b"Persistence": {b"loading": b"0", b"rdb_last_save_time": b"%d" % self.lastsave},
            b"Stats": {
                b"total_commands_processed": b"%d" % self.commands_run,
                b"evicted_keys": b"%d" % self.memory.evicted,
            },
            b"Replication": {b"role": b"master", b"connected_slaves": b"0"},
            b"Keyspace": {
                b"db%d" % number: b"keys=%d,expires=%d,avg_ttl=0" % (len(db), db.expiring())
                for number, db in self.keyspaces.items()
                if len(db)
            },
        }

    def save(self) -> None:
        """Take a snapshot, as SAVE and BGSAVE do. It takes no virtual time of its own."""
        self.tick()
        self.lastsave = int(self._clock())
        self.saved = self.contents()

    def contents(self) -> dict[int, dict[bytes, Any]]:
        """A copy of all live data, by database."""
        return {
            number: copy.deepcopy(dict(db.items()))
            for number, db in self.keyspaces.items()
            if len(db)
        }

    def load(self, contents: dict[int, dict[bytes, Any]]) -> None:
        """Fill the empty databases with what ``contents`` gave; expired keys fall away."""
        self.tick()
        for number, items in contents.items():
            for key, item in copy.deepcopy(items).items():
                self.keyspaces[number][key] = item
        self.saved = contents


def _needs_memory(name: str) -> bool:
    about = get_command_info(name.replace(" ", "|").encode())
    return about is not None and b"denyoom" in about[2]
