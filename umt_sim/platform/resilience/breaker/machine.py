"""
The state machine: one lock, the present state, and the steps between states.

The lock is held for bookkeeping only, never while a protected call runs or a listener
listens, so calls are not serialised. It is re-entrant because the interpreter may collect
a dropped generator, whose permit then comes back, at any point of this very code.

Timers belong to the state that set them: a due time is looked at whenever anybody asks
the breaker anything, and passes away with its state. Nothing is scheduled that a reset
could forget to cancel. ``timers.keep_time`` asks at the right moments for those who want
to hear of a transition when it is due rather than when the next call comes.
"""

from __future__ import annotations

from threading import RLock

from umt_sim.platform.errors import PlatformError
from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.ports.randomness import Randomness
from umt_sim.platform.resilience.breaker.events import (
    BreakerEvent,
    BreakerReset,
    CallFailed,
    CallIgnored,
    CallRefused,
    CallSucceeded,
    FailureRateExceeded,
    SlowCallRateExceeded,
    StateChanged,
)
from umt_sim.platform.resilience.breaker.judgement import Judgement
from umt_sim.platform.resilience.breaker.outcome import Outcome
from umt_sim.platform.resilience.breaker.rules import FailureRate, Rule, SlowCallRate
from umt_sim.platform.resilience.breaker.settings import BreakerSettings
from umt_sim.platform.resilience.breaker.snapshot import Snapshot
from umt_sim.platform.resilience.breaker.states import Change, Open, Phase, Ticket
from umt_sim.platform.resilience.breaker.succession import Succession
from umt_sim.platform.resilience.breaker.transitions import State, check
from umt_sim.platform.resilience.breaker.window import (
    FAILED,
    SLOW,
    SLOW_FAILED,
    SUCCEEDED,
    Window,
)
from umt_sim.platform.resilience.errors import CircuitOpenError
from umt_sim.platform.resilience.listeners import Publisher

__all__ = ["Machine"]

LAPS_CAUGHT_UP = 1000  # timers fired in one go before the rest of a long silence is skipped
OBEDIENT = (State.CLOSED, State.OPEN, State.HALF_OPEN)  # an outcome may order these open


class Machine:
    """
    Admits calls and hears how they ended.

    Attributes:
        free: The window whose calls need no permission, or ``None``: the short cut that
            lets a healthy breaker admit a call without taking the lock.
        shut: Until then, that moment included, every call is refused: the short cut that
            lets an open breaker refuse without taking the lock.
        judgement: What the settings make of errors and results.
    """

    __slots__ = (
        "_acquire",
        "_heard",
        "_listened",
        "_lock",
        "_phase",
        "_picky",
        "_plain",
        "_release",
        "_slow_after",
        "_succession",
        "free",
        "judgement",
        "monotonic",
        "name",
        "publisher",
        "returned",
        "settings",
        "shut",
    )

    def __init__(
        self,
        name: str,
        settings: BreakerSettings,
        clock: Clock,
        randomness: Randomness,
        publisher: Publisher[BreakerEvent],
    ) -> None:
        self.name = name
        self.settings = settings
        self.monotonic = clock.monotonic
        self.publisher = publisher
        self._listened = bool(publisher)
        self._lock = RLock()
        # On every call's way: taken by its methods, which costs 70 ns where ``with`` costs 170.
        self._acquire, self._release = self._lock.acquire, self._lock.release
        self._slow_after = settings.slow_call_duration_seconds
        self.judgement = Judgement(settings, publisher.report)
        self._picky = self.judgement.looks_at_errors
        self._plain: type[Exception] | None = None  # a class of errors known to be failures
        self.returned = self.judge_result if self.judgement.looks_at_results else self.succeed
        self._succession = Succession(name, settings, randomness, publisher.report)
        self._settle_in(self._succession.first(self.monotonic()))

    # Admission

    def admit(self, now: float) -> Ticket:
        """
        Give a call its ticket.

        The forms through which most calls go say the same in their own lines.

        Raises:
            CircuitOpenError: The call is not permitted.
        """
        ticket = self.free or (None if now <= self.shut else self.ask(now))
        if ticket is None:
            raise self.refusal(now)
        return ticket

    def ask(self, now: float) -> Ticket | None:
        """Ask for a ticket where none is ``free``; ``None`` is answered with ``refusal``."""
        self._acquire()
        try:
            self._elapse(now)
            while True:
                phase = self._phase
                ticket = None if now <= phase.shut else phase.admit(now)
                if not isinstance(ticket, Change):
                    break
                self._go(ticket, now)
        finally:
            self._release()
        if self._listened:
            self.publisher.deliver()
        return ticket

    def refusal(self, now: float) -> CircuitOpenError:
        """
        Count a call that got no ticket, and make what its caller is to raise at once.

        Kept in no variable: an exception that a frame of its own traceback refers to would
        live until the garbage collector comes by. Raised by the form itself, since each
        further frame that an exception passes costs as much as the lock. It names the state
        of this moment, which another thread may have changed since the call asked.
        """
        phase = self._publish_refusal(now) if self._heard else self._phase
        phase.window.count_refusal()
        until = phase.until
        return CircuitOpenError(self.name, phase.state, None if until is None else until - now)

    def _publish_refusal(self, now: float) -> Phase:
        with self._lock:  # so that nobody hears of it in the midst of a step
            phase = self._phase
            if self._heard:
                self.publisher.put(CallRefused(now, self.name, phase.state))
        self.publisher.deliver()
        return phase

    # Outcomes

    def succeed(self, ticket: Ticket, started: float, result: object = None) -> None:  # noqa: ARG002  # the shape of judge_result
        """Hear that the call returned, and that this is all there is to know."""
        now = self.monotonic()
        duration = now - started
        outcome = SUCCEEDED if duration <= self._slow_after else SLOW
        self._acquire()
        try:
            if ticket is self.free:
                ripe = ticket.record(outcome, duration, now)
                change = self._phase.judge() if ripe else None
                if not (change or self._heard):
                    return
                stale = False
            else:
                stale, change = self._settle(ticket, outcome, duration, now)
            if self._heard:
                self.publisher.put(CallSucceeded(now, self.name, duration, stale))
            if change is not None:
                self._go(change, now)
        finally:
            self._release()
        if self._listened:
            self.publisher.deliver()

    def fail(self, ticket: Ticket, started: float, error: Exception | None) -> None:
        """
        Hear that the call raised *error*, or (``None``) that its result is a failure.

        What is no ``Exception`` is for ``release``.
        """
        wait = None
        if error is not None and type(error) is not self._plain:
            if self._picky or isinstance(error, PlatformError):
                if self._is_no_failure(ticket, started, error):
                    return
                wait = self.judgement.ordered_wait(error)
            else:
                self._plain = type(error)  # the next of its kind needs no second look
        now = self.monotonic()
        duration = now - started
        outcome = FAILED if duration <= self._slow_after else SLOW_FAILED
        self._acquire()
        try:
            if ticket is self.free:
                ripe = ticket.record(outcome, duration, now)
                change = self._phase.judge() if ripe else None
                if not (change or self._heard or wait):
                    return
                stale = False
            else:
                stale, change = self._settle(ticket, outcome, duration, now)
            if self._heard:
                self.publisher.put(CallFailed(now, self.name, duration, error, stale))
            if change is not None:
                self._go(change, now)
            if wait is not None and not stale:
                self._open_on_order(wait, now)
        finally:
            self._release()
        if self._listened:
            self.publisher.deliver()

    def _is_no_failure(self, ticket: Ticket, started: float, error: Exception) -> bool:
        match self.judgement.of_error(error):
            case Outcome.IGNORED:
                self.ignore(ticket, started, error)
            case Outcome.SUCCESS:
                self.succeed(ticket, started)
            case _:
                return False
        return True

    def ignore(self, ticket: Ticket, started: float, error: BaseException | None) -> None:
        """Hear that the call ended in a way that does not count."""
        now = self.monotonic()
        with self._lock:
            stale = not self._phase.holds(ticket)
            self._phase.release(ticket)
            if self._heard:
                event = CallIgnored(now, self.name, now - started, error, stale)
                self.publisher.put(event)
        self.publisher.deliver()

    def release(self, ticket: Ticket) -> None:
        """
        Hear that the call ended without an outcome.

        ``CancelledError``, ``GeneratorExit``, ``KeyboardInterrupt`` and their like are
        about the caller, not about what was called: they never count.
        """
        if ticket is not self.free:
            with self._lock:
                self._phase.release(ticket)

    def judge_result(self, ticket: Ticket, started: float, result: object = None) -> None:
        """Hear what the call returned, where the settings look at results."""
        wait = self.judgement.ordered_wait(result)
        current = self._phase.holds(ticket)
        if self.judgement.of_result(result) is Outcome.FAILURE:
            self.fail(ticket, started, None)
        else:
            self.succeed(ticket, started)
        if wait is not None and current:
            with self._lock:
                self._open_on_order(wait, self.monotonic())
            self.publisher.deliver()

    def turn_away(self, ticket: Ticket, retry_after: float | None) -> CircuitOpenError:
        """Take an admission back: somebody with a wider view refuses the call."""
        with self._lock:
            now = self.monotonic()
            phase = self._phase
            phase.release(ticket)
            phase.window.count_refusal()
            if self._heard:
                self.publisher.put(CallRefused(now, self.name, phase.state))
        self.publisher.deliver()
        return CircuitOpenError(self.name, phase.state, retry_after)

    def _settle(
        self, ticket: Ticket, outcome: int, duration: float, now: float
    ) -> tuple[bool, Change | None]:
        phase = self._phase
        stale = not phase.holds(ticket)
        return stale, phase.settle(ticket, outcome, duration, now)

    # Reading and operating

    @property
    def state(self) -> State:
        """The state, after the timers that are due."""
        with self._lock:
            self._elapse(self.monotonic())
            state = self._phase.state
        self.publisher.deliver()
        return state

    def next_due(self) -> float | None:
        """When a timer will end the present state, on the clock's monotonic time."""
        with self._lock:
            self._elapse(self.monotonic())
            due = self._phase.due
        self.publisher.deliver()
        return due

    def remaining_wait(self) -> float | None:
        """What is left of the open state, ``None`` in any other."""
        with self._lock:
            now = self.monotonic()
            self._elapse(now)
            phase = self._phase
            left = max(phase.until - now, 0.0) if isinstance(phase, Open) else None
        self.publisher.deliver()
        return left

    def snapshot(self) -> Snapshot:
        """The numbers as they are now."""
        with self._lock:
            now = self.monotonic()
            self._elapse(now)
            phase = self._phase
            phase.window.move(now)
            taken = Snapshot.of(now, self.name, phase.state, phase.attempt, phase.window)
        self.publisher.deliver()
        return taken

    def transition_to(self, to: State, for_seconds: float | None = None) -> None:
        """
        Go to *to* on an operator's order; open for *for_seconds* instead of the usual wait.

        Raises:
            IllegalStateTransition: The table has no such step; nothing has changed.
        """
        with self._lock:
            now = self.monotonic()
            self._elapse(now)
            check(self.name, self._phase.state, to)
            # An operator's order to close leaves no probe behind to be heard of.
            phase = (
                self._succession.closed(now)
                if to is State.CLOSED
                else self._succession.after(self._phase, to, now, for_seconds)
            )
            self._leave_for(phase, now)
        self.publisher.deliver()

    def reset(self) -> None:
        """Be closed, with an empty window and the first attempt ahead."""
        with self._lock:
            now = self.monotonic()
            self._elapse(now)
            self._leave_for(self._succession.closed(now), now)
            if self._listened:
                self.publisher.put(BreakerReset(now, self.name))
        self.publisher.deliver()

    def listeners_changed(self) -> None:
        """Look again whether anybody listens."""
        with self._lock:
            self._listened = bool(self.publisher)
            self._heard = self._listened and self._phase.loud

    # Steps between states; all of them under the lock

    def _elapse(self, now: float) -> None:
        laps = 0
        while (due := self._phase.due) is not None and due <= now:
            follows = self._phase.when_due()
            # A breaker left alone for days with a wait of a second must not make its next
            # caller live through every lap: after many, the next one begins now.
            at = due if laps < LAPS_CAUGHT_UP else now
            if isinstance(follows, Change):
                self._go(follows, at)
            else:
                self._settle_in(follows)
            laps += 1

    def _go(self, change: Change, now: float, for_seconds: float | None = None) -> None:
        if change.exceeded and self._listened:
            self._publish_exceeded(change.exceeded, now)
        if change.exceeded and change.to is self._phase.state:
            return  # metrics only: it just had something to say
        self._leave_for(self._succession.after(self._phase, change.to, now, for_seconds), now)

    def _open_on_order(self, seconds: float, now: float) -> None:
        if self._phase.state in OBEDIENT:
            self._go(Change(State.OPEN), now, seconds)

    def _leave_for(self, phase: Phase, now: float) -> None:
        before = self._phase.state
        self._settle_in(phase)
        if before is not phase.state and self._listened:
            self.publisher.put(StateChanged(now, self.name, before, phase.state))

    def _settle_in(self, phase: Phase) -> None:
        self._phase = phase
        self.free: Window | None = phase.window if phase.free else None
        self.shut = phase.shut
        self._heard = self._listened and phase.loud

    def _publish_exceeded(self, rules: tuple[Rule, ...], now: float) -> None:
        window = self._phase.window
        for rule in rules:
            if isinstance(rule, FailureRate):
                rate = window.failure_rate or 0.0
                self.publisher.put(FailureRateExceeded(now, self.name, rate))
            elif isinstance(rule, SlowCallRate):
                rate = window.slow_call_rate or 0.0
                self.publisher.put(SlowCallRateExceeded(now, self.name, rate))
