"""
One class per state, each answering the same questions.

A state never changes another one: it says where to go (a ``Change``) and the machine goes.
Everything here runs under the machine's lock and takes the time as an argument.

The ticket a call gets at admission is the generation it belongs to. Where nothing has to
be remembered about a single call the ticket is the window itself, so admitting a call
allocates nothing; a probe gets a ticket of its own. A ticket of an earlier generation
fits nowhere: its outcome is recorded only if its window is still the visible one (which it
is while open, since an open breaker shows the window that opened it) and never decides.

A generation begins whenever the breaker opens and whenever an operator acts. Closing after
good probes does not begin one: the probes still running were sent to the callee that has
just been found well, so the closed state hears of them as of its own calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nextafter

from umt_sim.platform.resilience.breaker.rules import Rule
from umt_sim.platform.resilience.breaker.settings import BreakerSettings
from umt_sim.platform.resilience.breaker.transitions import State
from umt_sim.platform.resilience.breaker.window import CountWindow, NullWindow, Window

__all__ = [
    "Change",
    "Closed",
    "Disabled",
    "ForcedOpen",
    "HalfOpen",
    "MetricsOnly",
    "Open",
    "Phase",
    "RampUp",
    "Running",
    "RunningCall",
    "Ticket",
    "Watchful",
]


class RunningCall:
    """The ticket of a call that is remembered while it runs."""

    __slots__ = ("started", "window")

    def __init__(self, window: Window, started: float) -> None:
        self.window = window
        self.started = started


Ticket = Window | RunningCall
Running = dict[RunningCall, None]  # in the order they were admitted


@dataclass(frozen=True, slots=True)
class Change:
    """Where a state wants to go, and which rules say so."""

    to: State
    exceeded: tuple[Rule, ...] = ()


class Phase:
    """
    Base of the states: one stay of the breaker in one of its states.

    Attributes:
        state: Which one.
        window: What a snapshot shows now.
        attempt: How often the breaker has opened since it was last closed.
        due: When the clock ends this stay, ``None`` if only calls and operators do.
        shut: Until then, that moment included, every call is refused.
        until: When a call just refused may be let through, ``None`` if nobody knows.
        free: Whether every call is let through and its ticket is the window.
        loud: Whether outcomes and refusals are published.
    """

    __slots__ = ("attempt", "due", "shut", "until", "window")
    state: State
    free = False
    loud = True

    def __init__(self, window: Window, attempt: int = 0) -> None:
        self.window = window
        self.attempt = attempt
        self.due: float | None = None
        self.shut = -inf
        self.until: float | None = None

    def admit(self, now: float) -> Ticket | Change | None:
        """A ticket, a change to make first, or ``None`` for no. Not asked while shut."""
        raise NotImplementedError

    def settle(self, ticket: Ticket, outcome: int, duration: float, now: float) -> Change | None:
        """Record how the call ended and judge."""
        if ticket is self.window:
            self.window.record(outcome, duration, now)
        return None

    def judge(self) -> Change | None:
        """Judge a window that has just been recorded into by the machine's short cut."""
        return None

    def release(self, ticket: Ticket) -> None:
        """Forget the call: it ended without an outcome."""

    def holds(self, ticket: Ticket) -> bool:
        """Whether the call was admitted in this stay."""
        return ticket is self.window

    def when_due(self) -> Change | Phase:
        """Where the clock leads: a change, or the rest of this stay in another shape."""
        return self


class Closed(Phase):
    """Lets everybody through and opens when the rule says so."""

    __slots__ = ("_rule", "_running")
    state = State.CLOSED
    free = True

    def __init__(self, window: Window, rule: Rule, running: Running | None = None) -> None:
        super().__init__(window)
        self._rule = rule
        self._running: Running = {} if running is None else running

    def admit(self, now: float) -> Ticket | Change | None:  # noqa: ARG002  # the base's
        """Everybody."""
        return self.window

    def settle(self, ticket: Ticket, outcome: int, duration: float, now: float) -> Change | None:
        """Record and judge: even a success can be the call that reaches the minimum."""
        if not self.holds(ticket):
            return None
        self.release(ticket)
        return self.record(outcome, duration, now)

    def record(self, outcome: int, duration: float, now: float) -> Change | None:
        """Count an outcome of this generation."""
        self.window.record(outcome, duration, now)
        return self.judge()

    def release(self, ticket: Ticket) -> None:
        """Forget a probe of the state before."""
        if isinstance(ticket, RunningCall):
            self._running.pop(ticket, None)

    def holds(self, ticket: Ticket) -> bool:
        """Whether the call was admitted here, or is one of the probes that led here."""
        return ticket is self.window or ticket in self._running

    def judge(self) -> Change | None:
        """Open if the rule says so."""
        window = self.window
        if self._rule.judge(window) is not True:
            window.patience = self._rule.patience(window)
            return None
        exceeded = tuple(leaf for leaf in self._rule.leaves() if leaf.judge(window) is True)
        return Change(State.OPEN, exceeded)


class Watchful(Closed):
    """Closed, and remembers the running calls because a rule asks about them."""

    __slots__ = ("_slow_after",)
    free = False

    def __init__(
        self, window: Window, settings: BreakerSettings, running: Running | None = None
    ) -> None:
        super().__init__(window, settings.trip, running)
        self._slow_after = settings.slow_call_duration_seconds

    def admit(self, now: float) -> Ticket | Change | None:
        """Everybody, unless the running calls alone are reason to open."""
        self._look(now)
        change = self.judge() if self.window.overdue else None
        if change is not None:
            return change
        call = RunningCall(self.window, now)
        self._running[call] = None
        return call

    def settle(self, ticket: Ticket, outcome: int, duration: float, now: float) -> Change | None:
        """Record and judge, the calls still running included."""
        if not self.holds(ticket):
            return None
        self.release(ticket)
        self._look(now)
        return self.record(outcome, duration, now)

    def _look(self, now: float) -> None:
        overdue = 0
        for call in self._running:
            if now - call.started <= self._slow_after:
                break  # all later ones started later
            overdue += 1
        self.window.overdue = overdue


class RampUp(Closed):
    """
    Closed again, but lets calls through gradually.

    The share let through grows evenly from *ramp_up_from* to 1. Which calls are let
    through is not drawn: a running sum of the share admits whenever it passes a whole
    number, so any ten calls at a share of 0.3 see three through.
    """

    __slots__ = ("_credit", "_inner", "_seconds", "_share", "_since")
    free = False

    def __init__(self, inner: Closed, settings: BreakerSettings, now: float) -> None:
        super().__init__(inner.window, settings.trip)
        self._inner = inner
        self._since = now
        self._seconds = settings.ramp_up_seconds
        self._share = settings.ramp_up_from
        self._credit = 1.0 - settings.ramp_up_from
        self.due = now + settings.ramp_up_seconds

    def admit(self, now: float) -> Ticket | Change | None:
        """The share of calls that the moment allows."""
        grown = min(max(now - self._since, 0.0) / self._seconds, 1.0)
        self._credit += self._share + (1.0 - self._share) * grown
        if self._credit < 1.0 - 1e-9:  # ten times a tenth is one
            return None
        ticket = self._inner.admit(now)
        if isinstance(ticket, Change):
            return ticket
        self._credit -= 1.0
        return ticket

    def settle(self, ticket: Ticket, outcome: int, duration: float, now: float) -> Change | None:
        """As without a ramp."""
        return self._inner.settle(ticket, outcome, duration, now)

    def release(self, ticket: Ticket) -> None:
        """As without a ramp."""
        self._inner.release(ticket)

    def holds(self, ticket: Ticket) -> bool:
        """As without a ramp."""
        return self._inner.holds(ticket)

    def when_due(self) -> Change | Phase:
        """The ramp is over; the same window goes on."""
        return self._inner


class Open(Phase):
    """Refuses until the wait is over. Shows the window of the state before it."""

    __slots__ = ()
    state = State.OPEN
    until: float

    def __init__(self, window: Window, attempt: int, until: float, *, automatic: bool) -> None:
        super().__init__(window, attempt)
        self.until = until
        self.due = until if automatic else None
        self.shut = nextafter(until, -inf) if automatic else until

    def admit(self, now: float) -> Ticket | Change | None:  # noqa: ARG002  # the base's
        """Strictly after the wait, whoever asks first opens the half-open state."""
        return Change(State.HALF_OPEN)

    def settle(self, ticket: Ticket, outcome: int, duration: float, now: float) -> Change | None:
        """Record the late result of a call that the visible window admitted."""
        window = ticket.window if isinstance(ticket, RunningCall) else ticket
        if window is self.window:
            window.record(outcome, duration, now)
        return None

    def holds(self, ticket: Ticket) -> bool:  # noqa: ARG002  # the base's
        """No call is admitted here."""
        return False

    def when_due(self) -> Change | Phase:
        """The wait is over."""
        return Change(State.HALF_OPEN)


class HalfOpen(Phase):
    """
    Lets a budget of probes through and decides as soon as they say enough.

    The budget is what has been recorded plus what is running, so a permit that comes
    back is simply no longer counted: there is no counter that could drift.
    """

    __slots__ = ("_at_a_time", "_lease", "_max_wait_to", "_permitted", "_probes", "_rule")
    state = State.HALF_OPEN
    window: CountWindow

    def __init__(self, settings: BreakerSettings, attempt: int, now: float) -> None:
        permitted = settings.permitted_calls_in_half_open
        super().__init__(CountWindow(permitted, settings.minimum_number_of_calls), attempt)
        self._rule = settings.trip
        self._permitted = permitted
        self._at_a_time = settings.half_open_concurrency or permitted
        self._lease = settings.probe_lease_seconds
        self._max_wait_to = settings.half_open_max_wait_to
        self._probes: Running = {}
        if settings.half_open_max_wait_seconds is not None:
            self.due = now + settings.half_open_max_wait_seconds

    def admit(self, now: float) -> Ticket | Change | None:
        """Somebody, while the budget lasts."""
        if not self._has_room():
            self._take_back(now)
            if not self._has_room():
                self.until = self._lease_end()
                return None
        probe = RunningCall(self.window, now)
        self._probes[probe] = None
        return probe

    def settle(self, ticket: Ticket, outcome: int, duration: float, now: float) -> Change | None:
        """Record a probe and decide if it was enough."""
        if not self.holds(ticket):
            return None
        self.release(ticket)
        self.window.record(outcome, duration, now)
        return self.judge()

    def judge(self) -> Change | None:
        """Open, close, or wait for more probes; a spent budget without a verdict opens."""
        verdict = self._rule.judge_probes(self.window)
        if verdict is None and self.window.calls < self._permitted:
            return None
        return Change(State.CLOSED if verdict is False else State.OPEN)

    def release(self, ticket: Ticket) -> None:
        """Give the permit back."""
        if isinstance(ticket, RunningCall):
            self._probes.pop(ticket, None)

    def holds(self, ticket: Ticket) -> bool:
        """Whether the call is a probe that still has its permit."""
        return ticket in self._probes

    @property
    def probes(self) -> Running:
        """The probes still running."""
        return self._probes

    def when_due(self) -> Change | Phase:
        """The half-open state has lasted too long."""
        return Change(self._max_wait_to)

    def _has_room(self) -> bool:
        running = len(self._probes)
        return running < self._at_a_time and self.window.calls + running < self._permitted

    def _lease_end(self) -> float | None:
        """When the oldest probe loses its permit, unless one ends before."""
        if self._lease is None or not self._probes:
            return None
        return next(iter(self._probes)).started + self._lease

    def _take_back(self, now: float) -> None:
        if self._lease is None:
            return
        expired = [probe for probe in self._probes if now - probe.started > self._lease]
        for probe in expired:
            del self._probes[probe]


class ForcedOpen(Phase):
    """Refuses everybody until an operator says otherwise."""

    __slots__ = ()
    state = State.FORCED_OPEN
    loud = False

    def __init__(self, attempt: int) -> None:
        super().__init__(NullWindow(), attempt)
        self.shut = inf


class Disabled(Phase):
    """Lets everybody through and looks away."""

    __slots__ = ()
    state = State.DISABLED
    free = True
    loud = False

    def __init__(self) -> None:
        super().__init__(NullWindow())

    def admit(self, now: float) -> Ticket | Change | None:  # noqa: ARG002  # the base's
        """Everybody."""
        return self.window


class MetricsOnly(Phase):
    """Lets everybody through and watches; says once per stay that a rule would have opened."""

    __slots__ = ("_rule", "_said")
    state = State.METRICS_ONLY
    free = True

    def __init__(self, window: Window, rule: Rule) -> None:
        super().__init__(window)
        self._rule = rule
        self._said: list[Rule] = []

    def admit(self, now: float) -> Ticket | Change | None:  # noqa: ARG002  # the base's
        """Everybody."""
        return self.window

    def settle(self, ticket: Ticket, outcome: int, duration: float, now: float) -> Change | None:
        """Record, and say which rule is exceeded for the first time."""
        if ticket is not self.window:
            return None
        self.window.record(outcome, duration, now)
        return self.judge()

    def judge(self) -> Change | None:
        """A change to the state it is in: only what is exceeded matters."""
        news = [
            leaf
            for leaf in self._rule.leaves()
            if leaf not in self._said and leaf.judge(self.window) is True
        ]
        self._said += news
        return Change(State.METRICS_ONLY, tuple(news)) if news else None
