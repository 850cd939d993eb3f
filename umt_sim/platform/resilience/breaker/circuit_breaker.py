"""The circuit breaker as its users see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from types import CoroutineType, TracebackType
from typing import Any, NoReturn, ParamSpec, Self, TypeVar, cast

from umt_sim.platform.adapters.system import SystemClock, system_randomness
from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.ports.randomness import Randomness
from umt_sim.platform.resilience.breaker.entries import Entries
from umt_sim.platform.resilience.breaker.events import BreakerEvent
from umt_sim.platform.resilience.breaker.forms import (
    call_awaitable,
    guard,
    is_coroutine_function,
    once_awaited,
)
from umt_sim.platform.resilience.breaker.machine import Machine
from umt_sim.platform.resilience.breaker.outcome import Outcome
from umt_sim.platform.resilience.breaker.permits import Permit
from umt_sim.platform.resilience.breaker.settings import BreakerSettings
from umt_sim.platform.resilience.breaker.snapshot import Snapshot
from umt_sim.platform.resilience.breaker.timers import keep_time
from umt_sim.platform.resilience.breaker.transitions import State
from umt_sim.platform.resilience.errors import CircuitBreakError
from umt_sim.platform.resilience.listeners import Listener, Publisher, Report, log_failure

__all__ = ["CircuitBreaker"]

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_FAILURE_THRESHOLD = 5
DEFAULT_RESET_TIMEOUT_SECONDS = 30.0
_COROUTINE = 0x80  # inspect.CO_COROUTINE


class CircuitBreaker:
    """
    Stops calling what fails, and finds out by itself when it works again.

    One object serves plain functions, threads and asyncio. All forms let the call's own
    exception through and raise ``CircuitOpenError`` when the call is refused::

        @breaker                            # functions, coroutines, both kinds of generator
        def query(): ...

        with breaker: ...                   # async with breaker: ...

        with breaker.acquire() as permit: ...

    ``execute`` differs in one thing: it raises ``CircuitBreakError`` around the exception
    of a failed call.

    Written with two numbers it is the classic breaker: it opens after
    *failure_threshold* failures in a row and lets one call probe after
    *reset_timeout_seconds*. *settings* say everything else, instead of the numbers.

    Args:
        name: Appears in errors, events and metrics.
        failure_threshold: Failures in a row that open it; 5 if nothing is said.
        reset_timeout_seconds: Seconds it stays open; 30 if nothing is said.
        settings: The whole configuration.
        clock: The machine's clock if none is given.
        randomness: For jittered waits.
        listeners: Hear every event from the beginning.
        report: Told about listeners and predicates that raise; logs by default.

    Raises:
        ValueError: A setting is nonsense; the sentence says what to write instead.
    """

    __slots__ = ("_clock", "_entries", "_machine")

    def __init__(
        self,
        name: str,
        failure_threshold: int | None = None,
        reset_timeout_seconds: float | None = None,
        *,
        settings: BreakerSettings | None = None,
        clock: Clock | None = None,
        randomness: Randomness | None = None,
        listeners: Iterable[Listener[BreakerEvent]] = (),
        report: Report = log_failure,
    ) -> None:
        if not name:
            raise ValueError("the circuit breaker has no name; write what it protects")
        self._clock = SystemClock() if clock is None else clock
        self._machine = Machine(
            name,
            _settings(failure_threshold, reset_timeout_seconds, settings),
            self._clock,
            system_randomness() if randomness is None else randomness,
            Publisher(tuple(listeners), report),
        )
        self._entries = Entries()

    def __repr__(self) -> str:
        return f"<CircuitBreaker {self.name!r} {self.state.value}>"

    # Calls

    def execute(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """
        Run ``function(*args, **kwargs)`` if the breaker permits it.

        Of a coroutine function the result is a coroutine; permission is asked when it is
        awaited.

        Raises:
            CircuitOpenError: The call was refused and did not happen.
            CircuitBreakError: The call failed; ``original_exception`` says how. What is no
                ``Exception``, such as ``CancelledError``, comes through as it is.
        """
        try:
            asynchronous = function.__code__.co_flags & _COROUTINE
        except AttributeError:  # a builtin, a partial, an object that can be called
            asynchronous = is_coroutine_function(function)
        if asynchronous:
            return cast("R", self._execute_async(cast("Any", function), *args, **kwargs))
        machine = self._machine
        started = machine.monotonic()
        ticket = machine.free or (None if started <= machine.shut else machine.ask(started))
        if ticket is None:
            raise machine.refusal(started)
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            machine.fail(ticket, started, error)
            raise CircuitBreakError(machine.name, error) from error
        except BaseException:
            machine.release(ticket)
            raise
        if type(result) is CoroutineType:  # a plain function that made a coroutine
            machine.release(ticket)
            later: Any = once_awaited(self._execute_async, cast("Any", result))
            return cast("R", later)
        machine.returned(ticket, started, result)
        return result

    async def _execute_async(
        self, function: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any
    ) -> Any:
        machine = self._machine
        started = machine.monotonic()
        ticket = machine.free or (None if started <= machine.shut else machine.ask(started))
        if ticket is None:
            raise machine.refusal(started)
        try:
            result = await function(*args, **kwargs)
        except Exception as error:
            machine.fail(ticket, started, error)
            raise CircuitBreakError(machine.name, error) from error
        except BaseException:
            machine.release(ticket)
            raise
        machine.returned(ticket, started, result)
        return result

    def call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """
        As ``execute``, but the exception of a failed call comes through as it is.

        Raises:
            CircuitOpenError: The call was refused and did not happen.
        """
        try:
            asynchronous = function.__code__.co_flags & _COROUTINE
        except AttributeError:
            asynchronous = is_coroutine_function(function)
        if asynchronous:
            return cast("R", self.call_async(cast("Any", function), *args, **kwargs))
        machine = self._machine
        started = machine.monotonic()
        ticket = machine.free or (None if started <= machine.shut else machine.ask(started))
        if ticket is None:
            raise machine.refusal(started)
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            machine.fail(ticket, started, error)
            raise
        except BaseException:
            machine.release(ticket)
            raise
        if type(result) is CoroutineType:
            machine.release(ticket)
            later: Any = once_awaited(self.call_async, cast("Any", result))
            return cast("R", later)
        machine.returned(ticket, started, result)
        return result

    async def call_async(
        self, function: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """As ``call``, of anything that gives an awaitable."""
        return await call_awaitable(self._machine, function, *args, **kwargs)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """*function* with the breaker around it. Of a generator the whole iteration is the call."""
        return guard(self._machine, function)

    def __enter__(self) -> Self:
        started = self._machine.monotonic()
        self._entries.enter(self._machine.admit(started), started)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        ticket, started = self._entries.leave()
        if error is None:
            self._machine.returned(ticket, started, None)
        elif isinstance(error, Exception):
            self._machine.fail(ticket, started, error)
        else:
            self._machine.release(ticket)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, traceback)

    # Permits

    def acquire(self) -> Permit:
        """
        Take the right to make one call.

        Raises:
            CircuitOpenError: The breaker does not permit it.
        """
        started = self._machine.monotonic()
        return Permit(self._machine, self._machine.admit(started), started)

    def classify(self, error: Exception) -> Outcome:
        """What the settings make of an error."""
        return self._machine.judgement.of_error(error)

    def classify_result(self, result: object) -> Outcome:
        """What the settings make of a returned value."""
        return self._machine.judgement.of_result(result)

    # Reading

    @property
    def name(self) -> str:
        """What it protects."""
        return self._machine.name

    @property
    def settings(self) -> BreakerSettings:
        """How it was configured."""
        return self._machine.settings

    @property
    def state(self) -> State:
        """Its state, after the timers that are due."""
        return self._machine.state

    @property
    def remaining_wait(self) -> float | None:
        """Seconds left of the open state, 0 if only a call is awaited; ``None`` if not open."""
        return self._machine.remaining_wait()

    def snapshot(self) -> Snapshot:
        """Its numbers as they are now."""
        return self._machine.snapshot()

    def subscribe(self, listener: Listener[BreakerEvent]) -> Callable[[], None]:
        """Let *listener* hear events from now on; the answer, called, ends that."""
        self._machine.publisher.add(listener)
        self._machine.listeners_changed()

        def unsubscribe() -> None:
            self._machine.publisher.remove(listener)
            self._machine.listeners_changed()

        return unsubscribe

    def publish(self, event: BreakerEvent) -> None:
        """Tell the listeners something about this breaker that it does not know itself."""
        self._machine.publisher.put(event)
        self._machine.publisher.deliver()

    # Operating

    def transition_to(self, state: State) -> None:
        """
        Go to *state*; the same state is begun afresh and nothing is published.

        Raises:
            IllegalStateTransition: The table of transitions has no such step.
        """
        self._machine.transition_to(state)

    def open_for(self, seconds: float) -> None:
        """Open for *seconds* instead of the usual wait."""
        if not 0 < seconds < float("inf"):
            raise ValueError(
                f"cannot open for {seconds} s; write a positive number, or use "
                "transition_to(State.FORCED_OPEN) to stay open"
            )
        self._machine.transition_to(State.OPEN, seconds)

    def open_until(self, moment: datetime) -> None:
        """Open until *moment* as the wall clock shows it now; stepping it later changes nothing."""
        self.open_for((moment - self._clock.now()).total_seconds())

    def reset(self) -> None:
        """Close, forget all outcomes and attempts. Calls now running no longer count."""
        self._machine.reset()

    async def keep_time(self) -> NoReturn:
        """
        Fire timers when they are due, until cancelled.

        Without it they fire, at the same virtual moment but later in fact, when somebody
        next asks the breaker anything. Only listeners can tell the difference.
        """
        await keep_time(self._machine, self._clock)


def _settings(
    failure_threshold: int | None,
    reset_timeout_seconds: float | None,
    settings: BreakerSettings | None,
) -> BreakerSettings:
    if settings is None:
        threshold = DEFAULT_FAILURE_THRESHOLD if failure_threshold is None else failure_threshold
        wait = (
            DEFAULT_RESET_TIMEOUT_SECONDS
            if reset_timeout_seconds is None
            else reset_timeout_seconds
        )
        return BreakerSettings.consecutive(threshold, wait)
    if failure_threshold is not None or reset_timeout_seconds is not None:
        raise ValueError(
            "both settings and failure_threshold or reset_timeout_seconds are given; "
            "write settings.but(trip=ConsecutiveFailures(...), wait_in_open=...) instead"
        )
    return settings
