"""
Tries again when that may help, and not more often than the callee can bear.

An error is worth another attempt if it says so (``error_class`` transient or server) or is
a plain timeout or connection error. ``client`` and ``fatal`` errors are never retried,
whatever the caller's own predicate thinks. The last exception goes through unwrapped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, ParamSpec, TypeVar

from umt_sim.platform.errors import ErrorClass
from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.ports.randomness import Randomness
from umt_sim.platform.resilience.backoff import Backoff
from umt_sim.platform.resilience.deadline import current_deadline
from umt_sim.platform.resilience.errors import class_of
from umt_sim.platform.resilience.listeners import Listener, Publisher, Report, log_failure
from umt_sim.platform.resilience.retry_budget import RetryBudget

__all__ = ["GaveUp", "Retry", "RetryEvent", "RetryGivenUp", "RetryScheduled", "worth_retrying"]

P = ParamSpec("P")
R = TypeVar("R")


class GaveUp(Enum):
    """Why there is no further attempt."""

    NOT_RETRYABLE = "not_retryable"  # the error says that trying again cannot help
    ATTEMPTS = "attempts"  # all are used
    BUDGET = "budget"  # the retry budget is spent
    DEADLINE = "deadline"  # the wait would outlast the deadline
    PATIENCE = "patience"  # the callee asked to wait longer than we are ready to


@dataclass(frozen=True, slots=True)
class RetryScheduled:
    """Attempt *attempt* failed; the next one starts after *delay* seconds."""

    kind: ClassVar[str] = "retry"
    at: float
    policy: str
    attempt: int
    delay: float
    error: Exception


@dataclass(frozen=True, slots=True)
class RetryGivenUp:
    """Attempt *attempt* failed and was the last, because of *reason*."""

    kind: ClassVar[str] = "retry_given_up"
    at: float
    policy: str
    attempt: int
    reason: GaveUp
    error: Exception


RetryEvent = RetryScheduled | RetryGivenUp


def worth_retrying(error: Exception) -> bool:
    """Whether time or the other side may mend *error*."""
    return class_of(error) in (ErrorClass.TRANSIENT, ErrorClass.SERVER)


class Retry:
    """
    Calls again after a failure.

    Args:
        name: Appears in events.
        max_attempts: The first one included.
        backoff: Waits between attempts.
        retryable: Which errors deserve another attempt; see the module's sentence.
        budget: Shared by all calls to one callee; ``None`` for no limit.
        patience_seconds: Longest Retry-After that is waited for. A callee that asks for
            more is taken at its word: the caller hears at once.
        clock: Where waiting happens.
        randomness: Where jitter comes from.
    """

    def __init__(
        self,
        name: str,
        max_attempts: int = 3,
        *,
        clock: Clock,
        randomness: Randomness,
        backoff: Backoff | None = None,
        retryable: Callable[[Exception], bool] = worth_retrying,
        budget: RetryBudget | None = None,
        patience_seconds: float = 10.0,
        listeners: Iterable[Listener[RetryEvent]] = (),
        report: Report = log_failure,
    ) -> None:
        if max_attempts < 1:
            raise ValueError(
                f"retry {name!r} makes {max_attempts} attempts; write 1 or more, the first included"
            )
        if not patience_seconds >= 0:
            raise ValueError(f"patience_seconds is {patience_seconds}; write 0 or more seconds")
        self.name = name
        self.max_attempts = max_attempts
        self._backoff = Backoff() if backoff is None else backoff
        self._retryable = retryable
        self._budget = budget
        self._patience = patience_seconds
        self._clock = clock
        self._randomness = randomness
        self._publisher: Publisher[RetryEvent] = Publisher(tuple(listeners), report)

    async def call(
        self, function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Await ``function(*args, **kwargs)`` until it succeeds or another attempt is no use."""
        if self._budget is not None:
            self._budget.deposit()
        attempt, waited = 1, None
        while True:
            try:
                return await function(*args, **kwargs)
            except Exception as error:
                delay = self._backoff.wait(attempt, waited, self._randomness)
                waited = delay
                delay = max(delay, _asked_for(error))
                reason = self._reason_to_stop(error, attempt, delay)
                if reason is not None:
                    self._publish(
                        RetryGivenUp(self._clock.monotonic(), self.name, attempt, reason, error)
                    )
                    raise
                self._publish(
                    RetryScheduled(self._clock.monotonic(), self.name, attempt, delay, error)
                )
            await self._clock.sleep(delay)
            attempt += 1

    def _reason_to_stop(self, error: Exception, attempt: int, delay: float) -> GaveUp | None:
        if not self._deserves_another(error):
            return GaveUp.NOT_RETRYABLE
        if attempt >= self.max_attempts:
            return GaveUp.ATTEMPTS
        if _asked_for(error) > self._patience:
            return GaveUp.PATIENCE
        deadline = current_deadline()
        if deadline is not None and deadline.remaining(self._clock) <= delay:
            return GaveUp.DEADLINE
        if self._budget is not None and not self._budget.withdraw():
            return GaveUp.BUDGET
        return None

    def _deserves_another(self, error: Exception) -> bool:
        hopeless = (ErrorClass.CLIENT, ErrorClass.FATAL)
        return getattr(error, "error_class", None) not in hopeless and self._retryable(error)

    def _publish(self, event: RetryEvent) -> None:
        self._publisher.put(event)
        self._publisher.deliver()


def _asked_for(error: Exception) -> float:
    seconds = getattr(error, "retry_after_seconds", None)
    return seconds if isinstance(seconds, int | float) and seconds > 0 else 0.0
