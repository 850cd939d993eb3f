"""
Lua scripts: the same surroundings and the same words as Redis gives them.

fakeredis runs them in a plain Lua, where one script that sets a global variable would spoil
all that come after it, and where ``os.time()`` tells the machine's time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha1
from typing import TYPE_CHECKING, Any

from fakeredis import _msgs as msgs
from fakeredis._command_args_parsing import Int
from fakeredis._commands import SUPPORTED_COMMANDS
from fakeredis._helpers import SimpleError
from fakeredis.model import is_write_command

from umt_sim.servers.redis.commands.table import table

if TYPE_CHECKING:
    from umt_sim.servers.redis.engine import Engine

__all__ = ["SCRIPTS", "ScriptCommands"]

_CLOSED = """
function(sha1hex, random, randomseed)
    redis.sha1hex, redis.replicate_commands = sha1hex, function() return true end
    redis.error_reply = function(text)
        return {err = string.find(text, ' ') and text or 'ERR ' .. text}
    end
    math.random, math.randomseed = random, randomseed
    local hidden = {'os', 'io', 'python', 'package', 'require', 'module', 'dofile', 'loadfile',
                    'print', 'debug', 'getfenv', 'setfenv', 'newproxy'}
    for _, name in ipairs(hidden) do _G[name] = nil end
    setmetatable(_G, {
        __metatable = false,  -- an error in one of a script's own would end the process
        __newindex = function() error('Attempt to modify a readonly table', 2) end,
        __index = function(_, name)
            if name == 'debug' then return nil end  -- lupa looks for it after each error
            error("Script attempted to access nonexistent global variable '"
                  .. tostring(name) .. "'", 2)
        end,
    })
end
"""
_CALLER = 2  # levels of the stack from a function of ours to the script
_RUNTIME = re.compile(r"^ERR Error running script \(call to f_\w+\): @user_script:\?: ", re.DOTALL)
_COMPILING = "error loading code: "
_LINE = re.compile(r"user_script:(\d+):")
_WORDS = {
    "ERR This Redis command is not allowed from scripts": (
        "ERR This Redis command is not allowed from script"
    ),
}


class ScriptCommands:
    """Mixed into the session."""

    engine: Engine
    eval: Callable[..., Any]
    _line: int | None = None  # of the script, where a command failed
    _read_only = False

    def own_eval(self, script: bytes, *args: Any) -> Any:
        """EVAL script numkeys [key ...] [arg ...]."""
        self._line = None
        try:
            return self.eval(script, *args)
        except SimpleError as error:
            digest = sha1(script, usedforsecurity=False).hexdigest()
            raise SimpleError(_worded(error.value, digest, self._line)) from None

    def own_evalsha(self, digest: bytes, *args: Any) -> Any:
        """EVALSHA sha1 numkeys [key ...] [arg ...]."""
        script = self.engine.script_cache.get(digest.lower())
        if script is None:
            raise SimpleError(msgs.NO_MATCHING_SCRIPT_MSG)
        return self.own_eval(script, *args)

    def own_eval_ro(self, script: bytes, *args: Any) -> Any:
        """EVAL_RO: a script that may not write."""
        self._read_only = True
        try:
            return self.own_eval(script, *args)
        finally:
            self._read_only = False

    def own_evalsha_ro(self, digest: bytes, *args: Any) -> Any:
        """EVALSHA_RO: the same for a script that was loaded."""
        self._read_only = True
        try:
            return self.own_evalsha(digest, *args)
        finally:
            self._read_only = False

    # What fakeredis asks for.

    def _lua_redis_call(self, lua: Any, expected: set[Any], name: bytes, *args: Any) -> Any:
        """A command of a script; the line is kept of one that fails."""
        try:
            if self._read_only and is_write_command(name):
                raise SimpleError(msgs.SCRIPT_READ_ONLY_WRITE_MSG)
            fields = [name, *(arg for arg in args[:1] if isinstance(arg, bytes))]
            if self.engine.command(fields) is None:
                raise SimpleError("ERR Unknown Redis command called from script")
            return super()._lua_redis_call(lua, expected, name, *args)  # type: ignore[misc]
        except SimpleError:
            self._line = int(self.engine.caller(_CALLER, b"l")[b"currentline"])
            raise

    def _lua_redis_pcall(self, lua: Any, expected: set[Any], name: bytes, *args: Any) -> Any:
        """The same, of which the script handles the failure itself."""
        outcome = super()._lua_redis_pcall(lua, expected, name, *args)  # type: ignore[misc]
        self._line = None
        return outcome

    def _get_server_runtime(self, server: Any) -> Any:
        """The Lua of all scripts, closed when it is made."""
        made = hasattr(server, "_lua_runtime")
        lua = super()._get_server_runtime(server)  # type: ignore[misc]
        if not made:
            self.engine.caller = lua.eval("debug.getinfo")
            drawn = Drand48()
            lua.eval(_CLOSED)(_sha1hex, drawn.random, drawn.seed)
        return lua


def _sha1hex(text: bytes) -> bytes:
    return sha1(text, usedforsecurity=False).hexdigest().encode()


class Drand48:
    """
    ``math.random`` of a server's scripts: the 48-bit generator of POSIX, unseeded.

    Source:
        IEEE Std 1003.1, drand48: x' = (0x5DEECE66D x + 0xB) mod 2^48.
    """

    def __init__(self) -> None:
        self._state = 0x1234ABCD330E

    def seed(self, number: float) -> None:
        """``math.randomseed(number)``."""
        self._state = (int(number) & 0xFFFFFFFF) << 16 | 0x330E

    def random(self, *bounds: float) -> float:
        """``math.random([m [, n]])``."""
        self._state = (0x5DEECE66D * self._state + 0xB) & 0xFFFFFFFFFFFF
        share = (self._state >> 17) / 0x7FFFFFFF
        if not bounds:
            return share
        low, high = (1, bounds[0]) if len(bounds) == 1 else bounds[:2]
        return float(int(share * (high - low + 1)) + low)


def _worded(error: str, digest: str, line: int | None) -> str:
    """*error* as Redis words what a script failed of."""
    of_lua = _RUNTIME.sub("", error)
    if of_lua != error:
        text = of_lua.replace('[string "<python>"]', "user_script")
        if text.startswith(_COMPILING):
            return f"ERR Error compiling script (new function): {text.removeprefix(_COMPILING)}"
        text = text.partition("\nstack traceback")[0]
        found = _LINE.match(text)
        return _located(f"ERR {text}", digest, int(found.group(1)) if found else 1)
    return error if line is None else _located(_WORDS.get(error, error), digest, line)


def _located(text: str, digest: str, line: int) -> str:
    return f"{text} script: {digest}, on @user_script:{line}."


SCRIPTS = table(
    *(
        (name, f"own_{name}", (bytes, Int), (bytes,), "s")
        for name in ("eval", "evalsha", "eval_ro", "evalsha_ro")
        if "eval" in SUPPORTED_COMMANDS  # where there is Lua
    )
)
