"""
What production code of the platform can meet and handle.

    PlatformError
      DomainError                a rule of the business was broken; never retried as it is
        InvariantViolated        an aggregate or value would become nonsense
        IllegalTransition        a status does not lead to the one asked for
        NotFound                 no aggregate of that id
        VersionConflict          somebody else saved the aggregate first; load it and try again
      AlreadyHandled             the idempotency key is stored: the effect happened before
      MessageError               a message is not what it claims to be; goes to the dead letters
        MalformedMessage         the bytes do not decode or do not validate
        OversizeMessage          more bytes than a message may have
        UnsupportedVersion       of another major version than this code reads
        UnknownPayload           nobody registered a payload for the task or event type
      MissingDependency          an agent was given less than it needs
      RequestFailed              another agent answered with an error
      PortError                  the outside failed; every adapter maps its driver onto these
        PortTimeout              outcome unknown: it may have happened
        PortUnavailable          did not happen
          Unroutable             for nobody takes what is published there
        PortClosed               did not happen, because we closed the port ourselves
        CannotBeSent             did not happen, and never will as it is
        UpstreamRefused          the other side answered, and the answer is no

``resilience`` adds what a breaker, bulkhead or rate limiter refuses. Each class
says by ``error_class`` whether trying again can help; error messages carry it.
Errors of a driver are mapped in one place per adapter, with the cause kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

__all__ = [
    "AlreadyHandled",
    "CannotBeSent",
    "DomainError",
    "ErrorClass",
    "IllegalTransition",
    "InvariantViolated",
    "MalformedMessage",
    "MessageError",
    "MissingDependency",
    "NotFound",
    "OversizeMessage",
    "PlatformError",
    "PortClosed",
    "PortError",
    "PortTimeout",
    "PortUnavailable",
    "RequestFailed",
    "UnknownPayload",
    "Unroutable",
    "UnsupportedVersion",
    "UpstreamRefused",
    "VersionConflict",
    "error_class_of",
    "told_of",
]

MOST_PROBLEMS = 10
"""Told of one malformed message; a message can be wrong in as many places as it has fields."""
MOST_TOLD = 1000
"""Characters told of one error: they travel in a message, or in a header of one frame."""


class ErrorClass(StrEnum):
    """Who has to do something about an error, and so whether a retry can help."""

    TRANSIENT = "transient"  # time mends it: try again later
    CLIENT = "client"  # the request is wrong: never try again as it is
    SERVER = "server"  # the other side is broken: trying again may help
    FATAL = "fatal"  # we are broken: somebody has to look


class PlatformError(Exception):
    """Base of every error the platform raises on purpose."""

    error_class = ErrorClass.FATAL
    retry_after_seconds: float | None = None


class DomainError(PlatformError):
    """A rule of the business was broken."""

    error_class = ErrorClass.CLIENT


class InvariantViolated(DomainError):
    """An aggregate or a value would become nonsense."""

    def __init__(self, rule: str, aggregate_id: object = None) -> None:
        self.rule = rule
        self.aggregate_id = aggregate_id
        super().__init__(rule if aggregate_id is None else f"{rule} ({aggregate_id})")


class IllegalTransition(DomainError):
    """A status does not lead to the one asked for."""

    def __init__(self, name: str, from_: str, to: str, allowed: Iterable[str] = ()) -> None:
        self.name = name
        self.from_ = from_
        self.to = to
        self.allowed = tuple(allowed)
        ways = f"; from there it may become {', '.join(self.allowed)}" if self.allowed else ""
        super().__init__(f"{name} is {from_} and cannot become {to}{ways}")


class NotFound(DomainError):
    """No aggregate of that id."""

    def __init__(self, kind: str, identity: object) -> None:
        self.kind = kind
        self.identity = identity
        super().__init__(f"there is no {kind} {identity}")


class VersionConflict(DomainError):
    """
    Somebody else saved the aggregate first. Load it again and repeat the change.

    For a new aggregate, whose id turns out to be taken, repeating helps nothing.
    """

    error_class = ErrorClass.TRANSIENT

    def __init__(self, aggregate_id: object, expected: int, found: int | None) -> None:
        self.aggregate_id = aggregate_id
        self.expected = expected
        self.found = found
        stored = "nothing is stored" if found is None else f"version {found} is stored"
        if expected == 0:
            self.error_class = ErrorClass.CLIENT
            super().__init__(f"{aggregate_id} is new, but {stored}")
        else:
            super().__init__(f"{aggregate_id} was changed from version {expected}, but {stored}")


class AlreadyHandled(PlatformError):
    """The idempotency key is stored, so the effect happened before; ``response`` is its answer."""

    error_class = ErrorClass.CLIENT

    def __init__(self, idempotency_key: str) -> None:
        self.idempotency_key = idempotency_key
        super().__init__(f"a task with the idempotency key {idempotency_key!r} was handled before")


class MessageError(PlatformError):
    """A message is not what it claims to be."""

    error_class = ErrorClass.CLIENT


class MalformedMessage(MessageError):
    """The bytes do not decode, or what they say does not validate."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        more = len(self.problems) - MOST_PROBLEMS
        told = [*self.problems[:MOST_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]
        super().__init__("malformed message: " + "; ".join(told))


class OversizeMessage(MessageError):
    """The message has more bytes than a message may have."""

    def __init__(self, size: int, limit: int) -> None:
        self.size = size
        self.limit = limit
        super().__init__(
            f"a message of {size} bytes; at most {limit} are sent: store it, and send where it is"
        )


class UnsupportedVersion(MessageError):
    """The message, or its payload, is of another major version than this code reads."""

    def __init__(self, version: str, supported: str) -> None:
        self.version = version
        self.supported = supported
        super().__init__(f"version {version} cannot be read; this code reads {supported}")


class UnknownPayload(MessageError):
    """Nobody registered a payload for the task or event type."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(known)
        super().__init__(f"unknown {kind} type {name!r}; known are {', '.join(self.known)}")


class MissingDependency(PlatformError, TypeError):
    """An agent was given less than it needs; names every missing port at once."""

    def __init__(self, agent: str, missing: Iterable[str]) -> None:
        self.agent = agent
        self.missing = tuple(missing)
        super().__init__(f"{agent} cannot be created: {'; '.join(self.missing)}")


class RequestFailed(PlatformError):
    """Another agent answered a request with an error message."""

    def __init__(self, error_type: str, error_class: ErrorClass, message: str) -> None:
        self.error_type = error_type
        self.error_class = error_class
        super().__init__(f"{error_type} ({error_class}): {message}")


class PortError(PlatformError):
    """Something outside the process failed while *operation* was asked of *port*."""

    error_class = ErrorClass.TRANSIENT

    def __init__(self, port: str, operation: str, reason: str = "") -> None:
        self.port = port
        self.operation = operation
        self.reason = reason
        super().__init__(f"{port}: {operation} {self._verdict}{f': {reason}' if reason else ''}")

    _verdict = "failed"


class PortTimeout(PortError):
    """No answer in time. The outcome is unknown: it may have happened."""

    _verdict = "timed out, outcome unknown"


class PortUnavailable(PortError):
    """It did not happen: the other side could not be reached or turned us away."""

    _verdict = "did not happen"


class PortClosed(PortError):
    """It did not happen, because we closed the port ourselves."""

    error_class = ErrorClass.FATAL
    _verdict = "was asked after close()"


class Unroutable(PortUnavailable):
    """It did not happen, because nobody takes what is published under that address."""

    error_class = ErrorClass.CLIENT


class CannotBeSent(PortError):
    """
    It did not happen, and never will as it is: the protocol has no way to say it.

    Its text never quotes what cannot be said, which may be a secret with a line break.
    """

    error_class = ErrorClass.CLIENT
    _verdict = "cannot be sent"


class UpstreamRefused(PortError):
    """
    The other side answered, and the answer is no.

    Attributes:
        code: Its own code: an HTTP status or an SQLSTATE.
        retry_after_seconds: How long it asked us to wait, if it did.
    """

    _verdict = "was refused"

    def __init__(
        self,
        port: str,
        operation: str,
        *,
        code: str,
        error_class: ErrorClass,
        reason: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        self.code = code
        self.error_class = error_class
        self.retry_after_seconds = retry_after_seconds
        super().__init__(port, operation, f"{code} {reason}".rstrip())


def error_class_of(error: BaseException) -> ErrorClass:
    """The class of *error*: what it says of itself, or fatal for what we did not foresee."""
    declared = getattr(error, "error_class", None)
    return declared if isinstance(declared, ErrorClass) else ErrorClass.FATAL


_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def told_of(error: BaseException) -> str:
    """
    What is told of *error* to others, on one line: in answers, dead letters and logs.

    The text of one we did not foresee stays here, for it may quote what it should not:
    then nothing is told. A long text is cut.
    """
    if not isinstance(error, PlatformError):
        return ""
    text = str(error)
    cut = text if len(text) <= MOST_TOLD else f"{text[: MOST_TOLD - 1]}…"
    return _UNPRINTABLE.sub(" ", cut)
