"""
One client's state, and how its commands are found, checked and run.

A session is fakeredis's socket without the socket: its mixins hold the commands, and
their method names are the signatures'. The order of the checks is Redis's
(``processCommand``): does it exist, are the arguments enough, may this client run it now.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isfinite, nan
from typing import Any

import fakeredis
from fakeredis import _msgs as msgs
from fakeredis._helpers import OK, QUEUED, NoResponse, SimpleError
from fakeredis._socket._fakesocket import FakeSocket
from fakeredis._socket._resp import convert_to_resp2

from umt_sim.servers.redis.commands import OwnCommands
from umt_sim.servers.redis.engine import Command, Engine, Wait
from umt_sim.servers.redis.memory import OUT_OF_MEMORY
from umt_sim.servers.redis.resp import NULL_ARRAY, SetReply

__all__ = ["Session"]

_BEFORE_AUTH = frozenset({"auth", "hello", "quit", "reset"})
_SUBSCRIBING = frozenset(
    {"subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe"}
)
# Redis itself loses count of an EXEC's replies when CLIENT REPLY is one of the commands.
_NOT_IN_TRANSACTIONS = _SUBSCRIBING | {"client|reply"}
_WHILE_SUBSCRIBED = _SUBSCRIBING | {"ping", "quit", "reset"}
# Their absent reply is an array in RESP2.
_NULL_ARRAYS = frozenset(
    {
        *("exec", "xread", "xreadgroup", "lmpop", "blmpop", "zmpop", "bzmpop"),
        *("blpop", "brpop", "blmove", "brpoplpush", "bzpopmin", "bzpopmax"),
    }
)
# Which of their arguments says how long to wait.
_TIMEOUTS = {
    **dict.fromkeys(("blpop", "brpop", "bzpopmin", "bzpopmax", "blmove", "brpoplpush"), -1),
    **dict.fromkeys(("blmpop", "bzmpop"), 0),
}
# Their reply is a set in RESP3. Redis promises no order; here it is sorted.
_SETS = frozenset({"smembers", "sinter", "sunion", "sdiff", "spop"})


class Session(OwnCommands, FakeSocket):
    """
    One connected client.

    Args:
        engine: The server's state.
        address: The client's, as ``host:port``.
        local_address: The server's end of the connection.
        send: Takes a message that no command asked for.
        disconnect: Ends the connection after what was sent.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        address: str,
        local_address: str,
        send: Callable[[list[Any]], None],
        disconnect: Callable[[], None],
    ) -> None:
        super().__init__(
            engine,
            0,
            client_class=fakeredis.FakeRedis,
            client_info={"addr": address, "laddr": local_address, "fd": 8, "name": ""},
        )
        self.engine = engine
        self.number: int = self._client_info["id"]
        self.protocol = 2
        self.authenticated = not engine.config.get(b"requirepass")
        self._send = send
        self.disconnect = disconnect

    def __hash__(self) -> int:
        return self.number  # sets of sessions (subscribers, watchers) iterate alike in every run

    def execute(self, command: Command | None, fields: list[bytes]) -> Any:
        """
        Run one command now.

        Args:
            command: What ``Engine.command`` found.
            fields: The command as sent.

        Returns:
            The reply, ``NoResponse``, or a ``Wait`` if the client has to wait for a key.
        """
        engine = self.engine
        engine.tick()
        try:
            if command is None:
                raise _unknown(fields)
            arguments = fields[command.words :]
            self._admit(command, arguments, fields)
            signature = command.signature
            if self._transaction is not None and msgs.FLAG_TRANSACTION not in signature.flags:
                self._transaction.append((self._method(signature), signature, arguments))
                reply: Any = QUEUED
            else:
                reply = self._run_command(
                    self._method(signature), signature, arguments, from_script=False
                )
        except SimpleError as error:
            reply = self._refused(command, error)
        if engine.waiting:
            engine.serve_waiting()
        return NoResponse() if self._is_silent() else reply

    def _admit(self, command: Command, arguments: list[bytes], fields: list[bytes]) -> None:
        _check_arity(command, arguments)
        if command.name in _TIMEOUTS:
            _check_timeout(arguments[_TIMEOUTS[command.name]])
        if not self.authenticated and command.name not in _BEFORE_AUTH:
            raise SimpleError("NOAUTH Authentication required.")
        if self.engine.guarded:
            self.engine.acl.validate_command(self.current_user, self._client_info, fields)
        if self._transaction is not None and command.name in _NOT_IN_TRANSACTIONS:
            raise SimpleError("ERR Command not allowed inside a transaction")
        memory = self.engine.memory
        if memory.limit and not memory.make_room() and command.needs_memory:
            raise SimpleError(OUT_OF_MEMORY)
        if self._pubsub and self.protocol == 2 and command.name not in _WHILE_SUBSCRIBED:
            raise SimpleError(
                f"ERR Can't execute '{command.name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / "
                "PING / QUIT / RESET are allowed in this context"
            )

    def _method(self, signature: Any) -> Any:
        return getattr(self, signature.func_name)

    def _refused(self, command: Command | None, error: SimpleError) -> SimpleError:
        """A command that did not even run spoils the transaction it was meant for."""
        if self._transaction is not None:
            self._transaction_failed = True
        if command is not None and command.name == "exec":
            self._forget_transaction()
            self._clear_watches()
            reason = error.value.removeprefix("ERR ")
            return SimpleError(f"EXECABORT Transaction discarded because of: {reason}")
        return error

    def _is_silent(self) -> bool:
        """Whether CLIENT REPLY suppresses this reply; SKIP holds for one command after it."""
        silent = self._reply_off or self._reply_skip
        self._reply_skip, self._reply_skip_next = self._reply_skip_next, False
        return silent

    def _run_command(self, func: Any, sig: Any, args: list[Any], from_script: bool) -> Any:
        """Run a command that was admitted, for a client, an EXEC or a script."""
        items: list[Any] = []
        self._subkey_events = []
        try:
            applied = sig.apply(args, self._db, self.version)
            if from_script and msgs.FLAG_NO_SCRIPT in sig.flags:
                raise SimpleError(msgs.COMMAND_IN_SCRIPT_MSG)
            if len(applied) == 1:
                reply = applied[0]
            else:
                arguments, items = applied
                reply = func(*arguments)
            reply = self._shape(sig, reply, from_script)
        except SimpleError as error:
            reply = _worded(error)
        except Exception as error:  # noqa: BLE001  fakeredis trusts its arguments too much
            reply = _baffled(sig, error)
        for item in items:
            item.writeback(remove_empty_val=msgs.FLAG_LEAVE_EMPTY_VAL not in sig.flags)
        if self.engine.config.get(b"notify-keyspace-events"):
            self._keyspace_notifications(items, sig.name.encode())
            self._subkey_notifications(items)
        return reply

    def _shape(self, sig: Any, reply: Any, from_script: bool) -> Any:
        """What fakeredis answers, as the protocol of this client writes it."""
        if reply.__class__ is Wait:
            finish = reply.shape
            reply.shape = lambda outcome: self._shape(sig, finish(outcome), from_script)
            return reply
        if self._resp_version == 2 and msgs.FLAG_SKIP_CONVERT_TO_RESP2 not in sig.flags:
            reply = convert_to_resp2(reply)
        if from_script:
            return reply
        if reply is None and sig.name in _NULL_ARRAYS:
            return NULL_ARRAY
        if reply.__class__ is list and sig.name in _SETS:
            return SetReply(sorted(reply))
        return reply

    def _blocking(
        self,
        timeout: float | None,
        func: Callable[[bool], Any],
        shape: Callable[[Any], Any] | None = None,
    ) -> Any:
        """Try a blocking command once; a ``Wait`` if there is nothing yet."""
        finish = shape or (lambda outcome: outcome)
        outcome = func(True)  # noqa: FBT003  fakeredis's signature
        if outcome is not None or self._in_transaction:
            return finish(outcome)
        return Wait(seconds=timeout or None, attempt=lambda: func(False), shape=finish)  # noqa: FBT003

    @property
    def _resp_version(self) -> int:
        return self._script_resp if self._script_resp is not None else self.protocol

    def set_(self, key: Any, value: bytes, *args: bytes) -> Any:
        """SET; without options, which is the usual case, there is nothing to look through."""
        if args:
            return super().set_(key, value, *args)
        key.value = value
        return OK

    def _set_user_acl(self, username: bytes, *args: bytes) -> None:
        """Define a user. From then on every command is checked against its user's rules."""
        super()._set_user_acl(username, *args)
        self.engine.guarded = True

    def _unsubscribe(self, channels: Any, subscribers: Any, mtype: bytes) -> NoResponse:
        """Leave channels, all of them if none is named; who is in none is told so."""
        if not channels and not any(self in members for members in subscribers.values()):
            self.put_response([mtype, None, self._pubsub])
            return NoResponse()
        return super()._unsubscribe(channels, subscribers, mtype)

    def put_response(self, msg: Any) -> None:
        """Send a message of a channel. Only publishing and subscribing come here."""
        self._send(msg)

    def kill(self) -> None:
        """Disconnect this client on another's behalf (CLIENT KILL)."""
        super().kill()
        self.disconnect()

    def close(self) -> None:
        """Leave the server: no more messages, no watches, no place among the waiting."""
        if self in self.engine.sockets:
            self.engine.sockets.remove(self)
        self.engine.waiting.pop(self, None)
        self._discard_subscriptions()
        self._clear_watches()
        self.responses = None


def _unknown(fields: list[bytes]) -> SimpleError:
    name = fields[0].decode("utf-8", "surrogateescape")[:128]
    if len(fields) > 1 and _is_container(name):
        sub = fields[1].decode("utf-8", "surrogateescape")[:128]
        return SimpleError(f"ERR unknown subcommand '{sub}'. Try {name.upper()} HELP.")
    shown = "".join(f"'{field[:128].decode('utf-8', 'surrogateescape')}' " for field in fields[1:])
    return SimpleError(f"ERR unknown command '{name}', with args beginning with: {shown}")


def _is_container(name: str) -> bool:
    return name.lower() in fakeredis._commands.COMMANDS_WITH_SUB


def _check_arity(command: Command, arguments: list[bytes]) -> None:
    signature = command.signature
    extra = len(arguments) - len(signature.fixed)
    if extra == 0:
        return
    if extra < 0 or not signature.repeat or extra % len(signature.repeat):
        raise SimpleError(msgs.WRONG_ARGS_MSG6.format(command.name))


def _check_timeout(argument: bytes) -> None:
    try:
        seconds = float(argument)
    except ValueError:
        seconds = nan
    if not isfinite(seconds):
        raise SimpleError("ERR timeout is not a float or out of range")
    if seconds < 0:
        raise SimpleError("ERR timeout is negative")


_WORDS = {
    "ERR BUSYGROUP Consumer Group name already exists": (
        "BUSYGROUP Consumer Group name already exists"
    ),
    "numkeys should be greater than 0": "ERR numkeys should be greater than 0",
    "ERR min or max not a valid string range item": "ERR min or max not valid string range item",
    "ERR BITOP NOT must be called with a single source key": (
        "ERR BITOP NOT must be called with a single source key."
    ),
}
_UNQUOTED = re.compile(r"^ERR invalid expire time in (\w+)$")


def _baffled(sig: Any, error: Exception) -> SimpleError:
    """What a client is told whose arguments fakeredis did not expect: no text, no number."""
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    return SimpleError(f"ERR fakeredis cannot carry out '{sig.name}' with these arguments ({what})")


def _worded(error: SimpleError) -> SimpleError:
    """The error in Redis's words, where fakeredis has others."""
    told = _WORDS.get(error.value)
    if told is not None:
        return SimpleError(told)
    return SimpleError(_UNQUOTED.sub(r"ERR invalid expire time in '\1' command", error.value))
