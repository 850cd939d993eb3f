"""Who a client is: greeting, password, protocol, name, database."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fakeredis import _msgs as msgs
from fakeredis._helpers import OK, SimpleError, SimpleString, casematch

from umt_sim.servers.redis.commands.keys import database
from umt_sim.servers.redis.commands.table import table

if TYPE_CHECKING:
    from fakeredis.model import ClientInfo

    from umt_sim.servers.redis.engine import Engine

__all__ = ["CONNECTION", "ConnectionCommands"]

_AUTH_WITHOUT_NEED = (
    "ERR AUTH <password> called without any password configured for the default user. "
    "Are you sure your configuration is correct?"
)
_BAD_NAME = "ERR Client names cannot contain spaces, newlines or special characters."


class ConnectionCommands:
    """Mixed into the session."""

    engine: Engine
    _client_info: ClientInfo
    protocol: int
    authenticated: bool
    disconnect: Callable[[], None]
    select: Callable[[int], SimpleString]
    reset: Callable[[], SimpleString]

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
                name = _proper_name(rest.pop(0))
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

    def own_select(self, index: bytes) -> SimpleString:
        """SELECT index."""
        return self.select(database(index))

    def own_client_tracking(self, mode: bytes, *options: bytes) -> SimpleString:
        """CLIENT TRACKING OFF; switching it on is refused, for invalidation is not modelled."""
        if casematch(mode, b"off") and not options:
            return OK
        raise SimpleError("ERR client-side caching is not modelled by this server")

    def own_client_setname(self, name: bytes) -> SimpleString:
        """CLIENT SETNAME name."""
        self._client_info["name"] = _proper_name(name)
        return OK

    def own_client_getname(self) -> bytes | None:
        """CLIENT GETNAME."""
        name: str = self._client_info["name"]
        return name.encode() or None


def _proper_name(name: bytes) -> str:
    if not all(b"!"[0] <= octet <= b"~"[0] for octet in name):
        raise SimpleError(_BAD_NAME)
    return name.decode()


def _dotted(version: tuple[int, ...]) -> bytes:
    return ".".join(map(str, version)).encode()


CONNECTION = table(
    ("auth", "own_auth", (bytes,), (bytes,), "s"),
    ("hello", "own_hello", (), (bytes,), "s"),
    ("reset", "own_reset", (), (), "st"),
    ("quit", "own_quit", (), (bytes,), "st"),
    ("select", "own_select", (bytes,), (), ""),
    ("client tracking", "own_client_tracking", (bytes,), (bytes,), "s"),
    ("client setname", "own_client_setname", (bytes,), (), "s"),
    ("client getname", "own_client_getname", (), (), "s"),
)
