"""Asks the engine who waits for whom, through a session of its own."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from struct import Struct

from umt_sim.servers.postgres import wire
from umt_sim.servers.postgres.backend import Backend

__all__ = ["Doing", "Monitor", "Wait"]

LENGTH = Struct("!i")
DATA_ROW = ord("D")
ERROR = ord("E")
FOREVER = 60.0  # seconds of the real clock; the monitor's statements never wait for locks

# A backend that has announced its wait and sleeps holds nothing of the engine's inside, so
# it can be stopped there.
DOING = """
    SELECT CASE
        WHEN a.wait_event = 'ClientRead' THEN 'reading'
        WHEN a.wait_event = 'SafeSnapshot'
          OR a.wait_event_type = 'Lock' AND cardinality(pg_blocking_pids($1::int)) > 0
        THEN 'blocked'
        ELSE 'working'
    END FROM pg_stat_get_activity($1::int) a
"""
RELEASED = """
    SELECT pid FROM unnest($1::int[]) WITH ORDINALITY AS parked(pid, place)
    WHERE cardinality(pg_blocking_pids(pid)) = 0
      AND cardinality(pg_safe_snapshot_blocking_pids(pid)) = 0
    ORDER BY place
"""
BLOCKERS = "SELECT unnest(pg_blocking_pids($1::int))"
WAITING = """
    SELECT mode, locktype, coalesce(database, 0), coalesce(relation, 0), coalesce(page, 0),
           coalesce(tuple, 0), coalesce(virtualxid, ''), coalesce(transactionid::text, ''),
           coalesce(classid, 0), coalesce(objid, 0), coalesce(objsubid, 0)
    FROM pg_locks WHERE pid = $1::int AND NOT granted
"""
CANCEL = "SELECT pg_cancel_backend($1::int)"
FLUSH_LOG = "SELECT pg_logical_emit_message(true, 'umt-sim', $1)"
TERMINATE = "SELECT pg_terminate_backend($1::int)"


class Doing(Enum):
    """What keeps a session from answering."""

    WORKING = "working"  # nothing but its work; or it is coming or going
    BLOCKED = "blocked"  # it sleeps until another one gives up a lock
    READING = "reading"  # it waits for its client to say more


class Wait:
    """
    What a blocked session waits for.

    Attributes:
        mode: ``ShareLock``, ``AccessExclusiveLock``...
        target: The lock in the words of PostgreSQL's own messages.
    """

    def __init__(self, row: Sequence[str]) -> None:
        self.mode = row[0]
        self.target = _describe(*row[1:])


class Monitor:
    """
    A superuser's session for looking at the others.

    Args:
        path: Unix socket of the engine.
        user: Superuser.
    """

    def __init__(self, path: str, user: str) -> None:
        self._backend = Backend(
            path, {"user": user, "database": "postgres", "application_name": "umt-sim monitor"}
        )
        self._prepared: dict[str, bytes] = {}

    @property
    def pid(self) -> int:
        """Its own process."""
        return self._backend.pid

    def doing(self, pid: int) -> Doing:
        """What a session is at."""
        rows = self._ask(DOING, str(pid))
        return Doing(rows[0][0]) if rows else Doing.WORKING

    def released(self, pids: Sequence[int]) -> list[int]:
        """Those of *pids* that wait for nobody any more, in the order given."""
        listed = "{" + ",".join(map(str, pids)) + "}"
        return [int(row[0]) for row in self._ask(RELEASED, listed)]

    def blockers(self, pid: int) -> list[int]:
        """Whom a session waits for."""
        return [int(row[0]) for row in self._ask(BLOCKERS, str(pid))]

    def wait_of(self, pid: int) -> Wait | None:
        """The lock a session waits for."""
        rows = self._ask(WAITING, str(pid))
        return Wait(rows[0]) if rows else None

    def cancel(self, pid: int) -> None:
        """Interrupt what a session does."""
        self._ask(CANCEL, str(pid))

    def terminate(self, pid: int) -> None:
        """End a session; it rolls back as soon as it runs."""
        self._ask(TERMINATE, str(pid))

    def flush_log(self) -> None:
        """Have everything written to the log that is to be found there after a crash."""
        self._ask(FLUSH_LOG, "")

    def close(self) -> None:
        """End the session."""
        self._backend.close()

    def drop(self) -> None:
        """The engine is going down."""
        self._backend.drop()

    def _ask(self, sql: str, argument: str) -> list[list[str]]:
        """Run one prepared statement; every value as text."""
        opening = b""
        name = self._prepared.get(sql)
        if name is None:
            name = self._prepared[sql] = f"m{len(self._prepared)}".encode()
            opening = wire.message(b"P", name + b"\0" + sql.encode() + b"\0\0\0")
        value = argument.encode()
        bind = b"\0" + name + b"\0\0\0\0\1" + LENGTH.pack(len(value)) + value + b"\0\0"
        self._backend.send(
            opening
            + wire.message(b"B", bind)
            + wire.message(b"E", b"\0\0\0\0\0")
            + wire.message(b"S", b"")
        )
        while (reply := self._backend.reply(FOREVER)) is None:
            pass
        rows = []
        for kind, begin, end in wire.frames(reply):
            if kind == DATA_ROW:
                rows.append(_row(reply[begin + 7 : end]))
            assert kind != ERROR, wire.fields_of(reply[begin:end])
        assert not self._backend.closed, "the engine is gone"
        return rows


def _row(body: bytes) -> list[str]:
    """The columns of a DataRow, its count left out; there are no nulls in our answers."""
    columns, at = [], 0
    while at < len(body):
        size = LENGTH.unpack_from(body, at)[0]
        columns.append(body[at + 4 : at + 4 + size].decode())
        at += 4 + size
    return columns


def _describe(
    kind: str,
    database: str,
    relation: str,
    page: str,
    row: str,
    virtual_id: str,
    transaction: str,
    class_id: str,
    object_id: str,
    object_part: str,
) -> str:
    """A lock in PostgreSQL's words, which its function DescribeLockTag chooses."""
    match kind:
        case "relation":
            return f"relation {relation} of database {database}"
        case "extend":
            return f"extension of relation {relation} of database {database}"
        case "page":
            return f"page {page} of relation {relation} of database {database}"
        case "tuple":
            return f"tuple ({page},{row}) of relation {relation} of database {database}"
        case "transactionid":
            return f"transaction {transaction}"
        case "virtualxid":
            return f"virtual transaction {virtual_id}"
        case "advisory":
            return f"advisory lock [{database},{class_id},{object_id},{object_part}]"
        case "object":
            return f"object {object_id} of class {class_id} of database {database}"
        case _:
            return f"{kind} lock"
