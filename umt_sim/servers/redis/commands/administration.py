"""The server itself: configuration, snapshots, information, and what it has none of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fakeredis import _msgs as msgs
from fakeredis._commands import Key
from fakeredis._helpers import OK, SimpleError, SimpleString, casematch, compile_pattern

from umt_sim.servers.redis.commands.table import table

if TYPE_CHECKING:
    from umt_sim.servers.redis.engine import Engine

__all__ = ["ADMINISTRATION", "AdministrationCommands"]


class AdministrationCommands:
    """Mixed into the session."""

    engine: Engine
    acl_cat: Callable[..., list[bytes]]

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

    def own_acl_cat(self, *category: bytes) -> list[bytes]:
        """ACL CAT [category], in alphabetical order rather than in that of a set."""
        return sorted(self.acl_cat(*category))

    def own_wait(self, replicas: bytes, timeout: bytes) -> int:  # noqa: ARG002  there are none
        """WAIT: there are no replicas, so none has confirmed."""
        return 0

    def own_role(self) -> list[Any]:
        """ROLE: a master without replicas."""
        return [b"master", 0, []]

    def own_command_docs(self, *names: bytes) -> dict[bytes, Any]:  # noqa: ARG002  left out
        """COMMAND DOCS: empty, which clients take for "not available"."""
        return {}

    def own_memory_usage(self, key: Any, *options: bytes) -> int | None:  # noqa: ARG002
        """MEMORY USAGE key: the estimate that eviction works with."""
        return self.engine.memory.size_of(key.key, key.value) if key else None


ADMINISTRATION = table(
    ("save", "own_save", (), (), "s"),
    ("bgsave", "own_bgsave", (), (bytes,), "s"),
    ("config get", "own_config_get", (bytes,), (bytes,), ""),
    ("config set", "own_config_set", (bytes, bytes), (bytes, bytes), ""),
    ("config resetstat", "own_config_resetstat", (), (), ""),
    ("info", "own_info", (), (bytes,), ""),
    ("acl cat", "own_acl_cat", (), (bytes,), ""),
    ("wait", "own_wait", (bytes, bytes), (), "s"),
    ("role", "own_role", (), (), "s"),
    ("command docs", "own_command_docs", (), (bytes,), ""),
    ("memory usage", "own_memory_usage", (Key(),), (bytes,), ""),
)
