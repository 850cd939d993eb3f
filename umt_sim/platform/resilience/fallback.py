"""Answers with something else when the call fails."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, ParamSpec, TypeVar

from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.resilience.listeners import Listener, Publisher, Report, log_failure

__all__ = ["Fallback", "FallbackUsed"]

P = ParamSpec("P")
R = TypeVar("R")

Answer = Callable[[Exception], Any]


@dataclass(frozen=True, slots=True)
class FallbackUsed:
    """The caller got the fallback's answer instead of *error*."""

    kind: ClassVar[str] = "fallback"
    at: float
    policy: str
    error: Exception


class Fallback:
    """
    Replaces a failure with an answer.

    If the answer itself fails, the caller gets the call's own error: a broken fallback
    must not hide what went wrong. Its error is attached as a note and reported.

    Args:
        name: Appears in events.
        answer: Given the error; what it returns or awaits to is the result. A lookup in a
            cache, for example.
        on: Which errors are answered.
    """

    def __init__(
        self,
        name: str,
        answer: Answer,
        *,
        clock: Clock,
        on: tuple[type[Exception], ...] = (Exception,),
        listeners: Iterable[Listener[FallbackUsed]] = (),
        report: Report = log_failure,
    ) -> None:
        self.name = name
        self._answer = answer
        self._on = on
        self._clock = clock
        self._publisher: Publisher[FallbackUsed] = Publisher(tuple(listeners), report)

    @classmethod
    def value(cls, name: str, default: object, *, clock: Clock, **rest: Any) -> Fallback:
        """A fallback that always answers *default*."""
        return cls(name, lambda _: default, clock=clock, **rest)

    async def call(
        self, function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Await ``function(*args, **kwargs)``, or answer for it."""
        try:
            return await function(*args, **kwargs)
        except self._on as error:
            answer = await self._ask(error)
            self._publisher.put(FallbackUsed(self._clock.monotonic(), self.name, error))
            self._publisher.deliver()
            return answer  # type: ignore[no-any-return]  # the answer stands in for R

    async def _ask(self, error: Exception) -> Any:
        try:
            answer = self._answer(error)
            return await answer if inspect.isawaitable(answer) else answer
        except Exception as broken:
            error.add_note(f"fallback {self.name!r} failed too: {broken!r}")
            self._publisher.report(broken, error)
            raise error from broken
