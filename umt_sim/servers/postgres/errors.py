"""The errors that the front end raises where the engine would have, in the engine's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from umt_sim.servers.postgres import wire

__all__ = ["Interrupted", "Interruption", "deadlock", "fatal"]

ERROR = ord("E")
QUERY_CANCELED = "57014"


@dataclass(frozen=True, slots=True)
class Interruption:
    """
    Why a statement did not come to its end.

    Attributes:
        code: SQLSTATE.
        text: Primary message.
        fields: Further fields of the ErrorResponse by their letter.
    """

    code: str
    text: str
    fields: Mapping[str, str] = field(default_factory=dict)

    def response(self, **more: str) -> bytes:
        """The ErrorResponse."""
        return wire.error_response("ERROR", self.code, self.text, **self.fields, **more)

    def instead_of_cancellation(self, reply: bytes) -> bytes:
        """
        Put this error where *reply* has that of a cancelled statement.

        Where the statement was (field W) stays; a statement that caught the cancellation or
        had ended before keeps its reply.
        """
        return self._instead(reply, QUERY_CANCELED)

    def instead_of_error(self, reply: bytes) -> bytes:
        """Put this error where *reply* has one, whichever it is."""
        return self._instead(reply, None)

    def _instead(self, reply: bytes, code: str | None) -> bytes:
        for kind, begin, end in wire.frames(reply):
            if kind == ERROR:
                told = wire.fields_of(reply[begin:end])
                if code is None or told.get("C") == code:
                    where = {"W": told["W"]} if code and "W" in told else {}
                    return reply[:begin] + self.response(**where) + reply[end:]
        return reply


class Interrupted(Exception):
    """
    A statement does not run, or no further.

    Attributes:
        why: What its client is told.
    """

    def __init__(self, why: Interruption) -> None:
        self.why = why
        super().__init__(why.text)


def fatal(code: str, text: str, **fields: str) -> bytes:
    """An ErrorResponse that ends the session."""
    return wire.error_response("FATAL", code, text, **fields)


def _in_process_interrupts(code: str, text: str, **fields: str) -> Interruption:
    origin = {"F": "postgres.c", "R": "ProcessInterrupts"}
    return Interruption(code, text, {**fields, **origin})


def deadlock(detail: str) -> Interruption:
    """A cycle of waits; *detail* has a line for each session in it."""
    return Interruption(
        "40P01",
        "deadlock detected",
        {
            "D": detail,
            "H": "See server log for query details.",
            "F": "deadlock.c",
            "R": "DeadLockReport",
        },
    )


USER_REQUEST = _in_process_interrupts(QUERY_CANCELED, "canceling statement due to user request")
STATEMENT_TIMEOUT = _in_process_interrupts(
    QUERY_CANCELED, "canceling statement due to statement timeout"
)
LOCK_TIMEOUT = _in_process_interrupts("55P03", "canceling statement due to lock timeout")

IDLE_IN_TRANSACTION_TIMEOUT = fatal(
    "25P03", "terminating connection due to idle-in-transaction timeout"
)
IDLE_SESSION_TIMEOUT = fatal("57P05", "terminating connection due to idle-session timeout")
TRANSACTION_TIMEOUT = fatal("25P04", "terminating connection due to transaction timeout")
ADMIN_SHUTDOWN = fatal("57P01", "terminating connection due to administrator command")
STARTING_UP = fatal("57P03", "the database system is starting up")
SHUTTING_DOWN = fatal("57P03", "the database system is shutting down")
TOO_MANY = fatal("53300", "sorry, too many clients already")
