"""How a call ended, and how the settings see it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from umt_sim.platform.errors import ErrorClass, PlatformError
from umt_sim.platform.resilience.errors import CallNotPermitted

__all__ = ["ErrorFilter", "Outcome", "as_predicate", "says_nothing_of_the_callee"]

ErrorFilter = (
    type[BaseException] | tuple[type[BaseException], ...] | Callable[[BaseException], bool]
)


class Outcome(Enum):
    """What a finished call means to the breaker."""

    SUCCESS = "success"  # counts, and well
    FAILURE = "failure"  # counts, and badly
    IGNORED = "ignored"  # does not count, and gives its permit back


def as_predicate(filter_: ErrorFilter) -> Callable[[BaseException], bool]:
    """A predicate from what may be written in the settings: classes, or a predicate."""
    if isinstance(filter_, type | tuple):
        classes = filter_
        return lambda error: isinstance(error, classes)
    return filter_


def says_nothing_of_the_callee(error: BaseException) -> bool:
    """Whether *error* is a guard's refusal or, by its own word, the client's fault."""
    return isinstance(error, PlatformError) and (
        isinstance(error, CallNotPermitted) or error.error_class is ErrorClass.CLIENT
    )
