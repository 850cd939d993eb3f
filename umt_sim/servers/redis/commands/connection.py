"""
Commands that fakeredis lacks, or answers differently from Redis.

They are methods of the session; ``OWN`` says which command each of them is.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from fakeredis import _msgs as msgs
from fakeredis._command_args_parsing import Int, Timeout
from fakeredis._commands import Key, Signature
from fakeredis._core import CommandItem
from fakeredis._helpers import OK, SimpleError, SimpleString, casematch, compile_pattern

if TYPE_CHECKING:
    from fakeredis.model import ClientInfo

    from umt_sim.servers.redis.engine import Engine

__all__ = ["DATABASES", "OWN", "OwnCommands"]

DATABASES = 16
_AUTH_WITHOUT_NEED = (
    "ERR AUTH <password> called without any password configured for the default user. "
    "Are you sure your configuration is correct?"
)


class OwnCommands:
    """Mixed into the session, before fakeredis's own."""

    engine: Engine
    _db: Any
    _client_info: ClientInfo
    protocol: int
    authenticated: bool
    disconnect: Callable[[], None]
    acl_cat: Callable[..., list[bytes]]
    select: Callable[[int], SimpleString]
    reset: Callable[[], SimpleString]
    _blocking: Callable[..., Any]

    def own_auth(self, *args: bytes) -> SimpleString:
        """AUTH [username] password."""
        if len(args) > 2:
            raise SimpleError(msgs.SYNTAX_ERROR_MSG)
        user = args[0] if len(args) == 2 else b"default"
        password = self.engine.config.get(b"requirepass")
        if len(args) == 1 and not password and not self.engine.guarded:
            raise SimpleError(_AUTH_WITHOUT_NEED)
        self._authenticate(user, args[-1])
        return OK

    def _authenticate(self, user: bytes, password: bytes) -> None:
        required = self.engine.config.get(b"requirepass")
        if user == b"default" and not (self.engine.guarded and not required):
            accepted = not required or password == required
        else:
            account = self.engine.acl._user_acl.get(user)
            accepted = account is not None and account.enabled and account.check_password(password)
        if not accepted:
            raise SimpleError(msgs.AUTH_FAILURE)
        self._client_info["user"] = user.decode()
        self.authenticated = True

    def own_hello(self, *args: bytes) -> dict[bytes, Any]:
        """HELLO [protocol [AUTH username password] [SETNAME name]]."""
        protocol = self._protocol(args[0]) if args else self.protocol
        rest = list(args[1:])
        name = None
        while rest:
            option = rest.pop(0)
            if casematch(option, b"auth") and len(rest) >= 2:
                self._authenticate(rest.pop(0), rest.pop(0))
            elif casematch(option, b"setname") and rest:
                name = rest.pop(0).decode()
            else:
                shown = option.decode("utf-8", "surrogateescape")
                raise SimpleError(f"ERR Syntax error in HELLO option '{shown}'")
        if not self.authenticated:
            raise SimpleError(
                "NOAUTH HELLO must be called with the client already authenticated, otherwise "
                "the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the "
                "client and select the RESP protocol version at the same time"
            )
        if name is not None:
            self._client_info["name"] = name
        self.protocol = self._client_info["resp"] = protocol
        return {
            b"server": b"redis",
            b"version": _dotted(self.engine.version),
            b"proto": protocol,
            b"id": self._client_info["id"],
            b"mode": b"standalone",
            b"role": b"master",
            b"modules": [],
        }

    @staticmethod
    def _protocol(argument: bytes) -> int:
        if not argument.removeprefix(b"-").isdigit():
            raise SimpleError("ERR Protocol version is not an integer or out of range")
        if argument not in (b"2", b"3"):
            raise SimpleError("NOPROTO unsupported protocol version")
        return int(argument)

    def own_reset(self) -> SimpleString:
        """RESET: as if newly connected."""
        self.reset()
        self.protocol = 2
        self.authenticated = not self.engine.config.get(b"requirepass")
        return SimpleString(b"RESET")

    def own_quit(self) -> SimpleString:
        """QUIT: OK, and the connection ends."""
        self.disconnect()
        return OK

    def own_save(self) -> SimpleString:
        """SAVE."""
        self.engine.save()
        return OK

    def own_bgsave(self, *args: bytes) -> SimpleString:
        """BGSAVE [SCHEDULE]: here the snapshot is ready at once."""
        if args and not (len(args) == 1 and casematch(args[0], b"schedule")):
            raise SimpleError(msgs.SYNTAX_ERROR_MSG)
        self.engine.save()
        return SimpleString(b"Background saving started")

    def own_config_get(self, *patterns: bytes) -> dict[bytes, bytes]:
        """CONFIG GET pattern [pattern ...]."""
        matches = [compile_pattern(pattern.lower()).match for pattern in patterns]
        config = self.engine.config
        return {name: config[name] for name in config if any(match(name) for match in matches)}

    def own_config_set(self, *args: bytes) -> SimpleString:
        """CONFIG SET name value [name value ...], of the names that CONFIG GET knows."""
        names = [name.lower() for name in args[::2]]
        self.engine.configure(dict(zip(names, args[1::2], strict=True)))
        return OK

    def own_config_resetstat(self) -> SimpleString:
        """CONFIG RESETSTAT."""
        self.engine.commands_run = 0
        return OK

    def own_info(self, *sections: bytes) -> bytes:
        """INFO [section ...]: what clients and health checks read of it."""
        wanted = [section.lower() for section in sections]
        text = []
        for title, lines in self.engine.info().items():
            if not wanted or title.lower() in wanted or b"all" in wanted or b"default" in wanted:
                text.append(b"# %b\r\n" % title)
                text.extend(b"%b:%b\r\n" % line for line in lines.items())
                text.append(b"\r\n")
        return b"".join(text).removesuffix(b"\r\n")

    def own_select(self, index: bytes) -> SimpleString:
        """SELECT index."""
        return self.select(_database(index))

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
            target = self.engine.keyspaces[_database(options[at + 1])]
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

    def own_acl_cat(self, *category: bytes) -> list[bytes]:
        """ACL CAT [category], in alphabetical order rather than in that of a set."""
        return sorted(self.acl_cat(*category))

    def own_touch(self, *keys: Any) -> int:
        """TOUCH key [key ...]: how many of them exist."""
        return sum(1 for key in keys if key)

    def own_wait(self, replicas: bytes, timeout: bytes) -> int:  # noqa: ARG002  there are none
        """WAIT: there are no replicas, so none has confirmed."""
        return 0

    def own_role(self) -> list[Any]:
        """ROLE: a master without replicas."""
        return [b"master", 0, []]

    def own_command_docs(self, *names: bytes) -> dict[bytes, Any]:  # noqa: ARG002  left out
        """COMMAND DOCS: empty, which clients take for "not available"."""
        return {}

    def own_client_tracking(self, mode: bytes, *options: bytes) -> SimpleString:
        """CLIENT TRACKING OFF; switching it on is refused, for invalidation is not modelled."""
        if casematch(mode, b"off") and not options:
            return OK
        raise SimpleError("ERR client-side caching is not modelled by this server")

    def own_memory_usage(self, key: Any, *options: bytes) -> int | None:  # noqa: ARG002
        """MEMORY USAGE key: the estimate that eviction works with."""
        return self.engine.memory.size_of(key.key, key.value) if key else None


def _database(index: bytes) -> int:
    number = Int.decode(index)
    if not 0 <= number < DATABASES:
        raise SimpleError("ERR DB index is out of range")
    return number


def _dotted(version: tuple[int, ...]) -> bytes:
    return ".".join(map(str, version)).encode()


OWN = {
    name: Signature(name, method, fixed, repeat, flags=flags)  # type: ignore[arg-type]
    for name, method, fixed, repeat, flags in [
        ("auth", "own_auth", (bytes,), (bytes,), "s"),
        ("hello", "own_hello", (), (bytes,), "s"),
        ("reset", "own_reset", (), (), "st"),
        ("quit", "own_quit", (), (bytes,), "st"),
        ("save", "own_save", (), (), "s"),
        ("bgsave", "own_bgsave", (), (bytes,), "s"),
        ("config get", "own_config_get", (bytes,), (bytes,), ""),
        ("config set", "own_config_set", (bytes, bytes), (bytes, bytes), ""),
        ("config resetstat", "own_config_resetstat", (), (), ""),
        ("info", "own_info", (), (bytes,), ""),
        ("select", "own_select", (bytes,), (), ""),
        ("setex", "own_setex", (Key(), Int, bytes), (), ""),
        ("psetex", "own_psetex", (Key(), Int, bytes), (), ""),
        ("getex", "own_getex", (Key(bytes),), (bytes,), ""),
        ("copy", "own_copy", (Key(), bytes), (bytes,), ""),
        ("blmove", "own_blmove", (bytes, bytes, bytes, bytes, Timeout), (), "s"),
        ("acl cat", "own_acl_cat", (), (bytes,), ""),
        ("touch", "own_touch", (Key(),), (Key(),), ""),
        ("wait", "own_wait", (bytes, bytes), (), "s"),
        ("role", "own_role", (), (), "s"),
        ("command docs", "own_command_docs", (), (bytes,), ""),
        ("client tracking", "own_client_tracking", (bytes,), (bytes,), "s"),
        ("memory usage", "own_memory_usage", (Key(),), (bytes,), ""),
    ]
}
