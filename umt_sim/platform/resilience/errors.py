"""
What the resilience parts raise, below ``platform.errors``.

    PlatformError
      CallNotPermitted           a guard said no; the call did not happen and cost nothing
        CircuitOpenError         a circuit breaker
        BulkheadFull             a bulkhead: too many calls running and waiting
        RateLimitExceeded        a rate limiter: too many calls in the period
      CircuitBreakError          `execute` ran the call and the call failed; holds the original
      CallTimedOut               the time given to one call is over; its outcome is unknown
      DeadlineExceeded           the time given to the whole piece of work is over
      IllegalStateTransition     an operator asked a breaker for a step its table does not have
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from umt_sim.platform.errors import ErrorClass, PlatformError, error_class_of

__all__ = [
    "BulkheadFull",
    "CallNotPermitted",
    "CallTimedOut",
    "CircuitBreakError",
    "CircuitOpenError",
    "DeadlineExceeded",
    "IllegalStateTransition",
    "RateLimitExceeded",
    "class_of",
]


def class_of(error: BaseException) -> ErrorClass:
    """
    The class of *error*, that of plain timeouts and connection errors included.

    ``platform.errors.error_class_of`` takes for fatal what nobody foresaw; a timeout that
    comes straight from the standard library was foreseen.
    """
    if isinstance(getattr(error, "error_class", None), ErrorClass):
        return error_class_of(error)
    transient = isinstance(error, TimeoutError | ConnectionError)
    return ErrorClass.TRANSIENT if transient else ErrorClass.FATAL


class CallNotPermitted(PlatformError):
    """A guard refused the call: it did not happen. Subclasses say which guard and why."""

    error_class = ErrorClass.TRANSIENT


class CircuitOpenError(CallNotPermitted):
    """
    A circuit breaker refused the call.

    A breaker refuses thousands of calls a second when it matters most, so making this
    costs nothing but its three arguments: the sentence is written when somebody reads it.
    """

    args: tuple[str, Enum, float | None]

    if TYPE_CHECKING:

        def __init__(self, breaker: str, state: Enum, retry_after: float | None) -> None: ...

    @property
    def breaker(self) -> str:
        """Name of the breaker."""
        return self.args[0]

    @property
    def state(self) -> Enum:
        """Its state, a ``breaker.State``."""
        return self.args[1]

    @property
    def retry_after(self) -> float | None:
        """
        Seconds after which a call may be let through.

        ``None`` if nobody can know: the breaker is forced open, or waits for probes.
        """
        return self.args[2]

    @property
    def retry_after_seconds(self) -> float | None:  # type: ignore[override]  # read, never set
        """The same, by the name every error of the platform has for it."""
        return self.args[2]

    def __str__(self) -> str:
        hint = "" if self.retry_after is None else f"; try again in {self.retry_after:.3f} s"
        return f"circuit breaker {self.breaker!r} is {self.state.value} and refused the call{hint}"


class BulkheadFull(CallNotPermitted):
    """A bulkhead has neither a free place nor room in its queue."""

    def __init__(self, bulkhead: str, running: int, waiting: int) -> None:
        self.bulkhead = bulkhead
        self.running = running
        self.waiting = waiting
        super().__init__(
            f"bulkhead {bulkhead!r} is full: {running} calls running, {waiting} waiting"
        )


class RateLimitExceeded(CallNotPermitted):
    """A rate limiter has no call left for now; ``retry_after_seconds`` says when it will."""

    def __init__(self, limiter: str, retry_after_seconds: float) -> None:
        self.limiter = limiter
        self.retry_after_seconds = retry_after_seconds
        super().__init__(
            f"rate limiter {limiter!r} has no call left; try again in {retry_after_seconds:.3f} s"
        )


class CircuitBreakError(PlatformError):
    """
    The call went through the breaker and failed.

    Only ``CircuitBreaker.execute`` raises it; the other forms let the original through.
    It is of the same error class as what it holds.
    """

    args: tuple[str, Exception]

    if TYPE_CHECKING:  # made as cheaply as ``CircuitOpenError``

        def __init__(self, breaker: str, original_exception: Exception) -> None: ...

    @property
    def breaker(self) -> str:
        """Name of the breaker."""
        return self.args[0]

    @property
    def original_exception(self) -> Exception:
        """What the call raised; also the ``__cause__``."""
        return self.args[1]

    def __str__(self) -> str:
        original = self.original_exception
        return f"call through {self.breaker!r} failed: {type(original).__name__}: {original}"

    @property
    def error_class(self) -> ErrorClass:  # type: ignore[override]  # read from the original
        """That of the original."""
        return class_of(self.original_exception)

    @property
    def retry_after_seconds(self) -> float | None:  # type: ignore[override]  # likewise
        """How long the original asks us to wait, if it does."""
        seconds = getattr(self.original_exception, "retry_after_seconds", None)
        return seconds if isinstance(seconds, int | float) else None


class CallTimedOut(PlatformError, TimeoutError):
    """The call took longer than its timeout and was cancelled. It may have happened."""

    error_class = ErrorClass.TRANSIENT

    def __init__(self, timeout: str, seconds: float) -> None:
        self.timeout = timeout
        self.seconds = seconds
        super().__init__(f"{timeout}: no answer within {seconds:g} s, outcome unknown")


class DeadlineExceeded(PlatformError, TimeoutError):
    """
    The work's deadline has passed.

    Not retried: whoever asked has stopped waiting.
    """

    error_class = ErrorClass.FATAL

    def __init__(self, what: str, late_by: float = 0.0) -> None:
        self.what = what
        self.late_by = late_by
        super().__init__(f"{what}: the deadline passed {late_by:.3f} s ago")


class IllegalStateTransition(PlatformError):
    """The breaker's table has no such step; its state is unchanged."""

    def __init__(self, breaker: str, from_: str, to: str, allowed: tuple[str, ...]) -> None:
        self.breaker = breaker
        self.from_ = from_
        self.to = to
        self.allowed = allowed
        super().__init__(
            f"circuit breaker {breaker!r} cannot go from {from_} to {to}; "
            f"from {from_} it may become {', '.join(allowed)}"
        )
