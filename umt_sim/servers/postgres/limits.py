"""
Timeouts in virtual time: the engine keeps their values, the front end acts on them.

The engine's own timers run on the machine's clock, so the real settings stay at zero. The
clients' SQL speaks to settings of other names instead (``sql`` renames them), which the engine
stores with all its rules: SET LOCAL ends with the transaction, a rollback undoes a SET, RESET
returns to the value of the connection, the role or the database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from umt_sim.servers.postgres import wire
from umt_sim.servers.postgres.backend import FAILED, Backend

__all__ = ["SETTINGS", "Limits", "read_limits", "renamed"]

PREFIX = "umt_sim."
SETTINGS = {
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
    "deadlock_timeout": "1s",
}
"""Each setting that is a time of the session, with PostgreSQL's default."""

PER_SECOND = {"us": 1e6, "ms": 1e3, "s": 1.0, "min": 1 / 60, "h": 1 / 3600, "d": 1 / 86400}
DURATION = re.compile(r"\s*([+-]?\d+(?:\.\d*)?|\.\d+)\s*(us|ms|s|min|h|d)?\s*")
IN_OPTIONS = re.compile(r"(-c\s*|--)(" + "|".join(SETTINGS) + r")\b")
DATA_ROW = ord("D")


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings of one session, in seconds; 0 is no limit."""

    statement_timeout: float = 0.0
    lock_timeout: float = 0.0
    idle_in_transaction_session_timeout: float = 0.0
    idle_session_timeout: float = 0.0
    transaction_timeout: float = 0.0
    deadlock_timeout: float = 1.0


def renamed(parameters: Mapping[str, str]) -> dict[str, str]:
    """Startup parameters with the names that the engine knows."""
    out = {}
    for name, value in parameters.items():
        if name in SETTINGS:
            out[PREFIX + name] = value
        elif name == "options":
            out[name] = IN_OPTIONS.sub(rf"\1{PREFIX}\2", value)
        else:
            out[name] = value
    return out


def read_limits(backend: Backend) -> Limits | None:
    """
    Ask the engine for a session's settings, between two statements of its client.

    ``SHOW`` takes no snapshot, and named portals leave the client's unnamed ones alone. In a
    failed transaction the engine answers nothing; ``None`` then.
    """
    if backend.status == FAILED:
        return None
    words = b""
    for field in fields(Limits):
        name = PREFIX.encode() + field.name.encode()
        words += wire.message(b"P", name + b"\0SHOW " + name + b"\0\0\0")
        words += wire.message(b"B", name + b"\0" + name + b"\0\0\0\0\0\0\0")
        words += wire.message(b"E", name + b"\0\0\0\0\0")
        words += wire.message(b"C", b"P" + name + b"\0") + wire.message(b"C", b"S" + name + b"\0")
    backend.send(words + wire.message(b"S", b""))
    while (reply := backend.reply(1.0)) is None:
        pass
    values = [
        reply[begin + 11 : end].decode()
        for kind, begin, end in wire.frames(reply)
        if kind == DATA_ROW
    ]
    assert len(values) == len(fields(Limits)), reply
    return Limits(*map(_seconds, values))


def _seconds(value: str) -> float:
    """
    A duration as PostgreSQL writes it: milliseconds unless a unit says otherwise.

    What is no duration the engine would not have taken; no limit, then.
    """
    found = DURATION.fullmatch(value)
    if found is None:
        return 0.0
    return float(found[1]) / PER_SECOND[found[2] or "ms"]
