"""
One breaker for a fleet of processes.

Each member has a breaker of its own, which is all that a healthy call meets: no word is
exchanged while everything works. When one member's breaker opens, the others are told;
while the fleet recovers, every probe is drawn from one budget in the store, and one tally
of outcomes decides for all.

A store that cannot be reached makes nobody fail: the member goes on with its own breaker,
says so once (``FleetLost``), and tells the fleet what it missed when the store is back
(``FleetFound``). What an operator orders of a member stays with that member.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, NoReturn, ParamSpec, TypeVar

from umt_sim.platform.errors import PortError
from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.ports.fleet_store import FleetState, FleetStore, FleetView, Probe, Tally
from umt_sim.platform.resilience.breaker.circuit_breaker import CircuitBreaker
from umt_sim.platform.resilience.breaker.events import BreakerEvent, StateChanged
from umt_sim.platform.resilience.breaker.outcome import Outcome
from umt_sim.platform.resilience.breaker.permits import Permit
from umt_sim.platform.resilience.breaker.transitions import State
from umt_sim.platform.resilience.breaker.window import FAILED, SLOW, CountWindow

__all__ = ["FleetBreaker", "FleetFound", "FleetLost"]

P = ParamSpec("P")
R = TypeVar("R")

LEASE_IF_NONE = 3600.0  # seconds; a store must not keep the probe of a dead process for ever


@dataclass(frozen=True, slots=True)
class FleetLost(BreakerEvent):
    """The store did not answer; from here on the member decides alone."""

    kind: ClassVar[str] = "fleet_lost"
    error: PortError


@dataclass(frozen=True, slots=True)
class FleetFound(BreakerEvent):
    """The store answers again."""

    kind: ClassVar[str] = "fleet_found"


class FleetBreaker:
    """
    A member of the fleet.

    Args:
        breaker: The member's own; its name and settings must be those of the whole fleet.
        store: What the fleet shares.
        clock: For durations and for polling.
        poll_seconds: How often ``keep_in_step`` asks; bounds how late a member learns.
    """

    def __init__(
        self,
        breaker: CircuitBreaker,
        store: FleetStore,
        *,
        clock: Clock,
        poll_seconds: float = 1.0,
    ) -> None:
        if not poll_seconds > 0:
            raise ValueError(f"poll_seconds is {poll_seconds}; write a positive number of seconds")
        self.breaker = breaker
        self._store = store
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._settings = breaker.settings
        self._following = False
        self._untold = False  # this member opened by itself and the fleet does not know
        self._lost = False
        breaker.subscribe(self._notice)

    async def call(
        self, function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """
        Await ``function(*args, **kwargs)`` if the fleet permits it.

        Raises:
            CircuitOpenError: This member or the fleet refused; the call did not happen.
        """
        if self.breaker.state not in (State.OPEN, State.HALF_OPEN):
            try:
                return await self.breaker.call_async(function, *args, **kwargs)
            finally:
                await self._tell()
        permit = self.breaker.acquire()
        probe = await self._take(permit)
        if probe is None:
            with permit:
                return await function(*args, **kwargs)
        started = self._clock.monotonic()
        try:
            result = await function(*args, **kwargs)
        except Exception as error:
            permit.record(error)
            await self._report(probe, self.breaker.classify(error), started)
            raise
        except BaseException:
            permit.release()
            await self._report(probe, Outcome.IGNORED, started)
            raise
        permit.record_result(result)
        await self._report(probe, self.breaker.classify_result(result), started)
        return result

    async def follow(self) -> None:
        """Ask the store once, and do as the fleet does."""
        await self._tell()
        if self._untold:
            return
        view = await self._ask(self._store.read(self.breaker.name))
        if view is not None:
            self._adopt(view)

    async def keep_in_step(self) -> NoReturn:
        """Follow the fleet, and fire the breaker's timers, until cancelled."""
        while True:
            await self.follow()
            await self._clock.sleep(self._poll_seconds)

    # Probes

    async def _take(self, permit: Permit) -> Probe | None:
        """A probe of the fleet's budget; ``None`` if this member is alone."""
        lease = self._settings.probe_lease_seconds or LEASE_IF_NONE
        try:
            answer = await self._ask(
                self._store.take(
                    self.breaker.name, self._settings.permitted_calls_in_half_open, lease
                )
            )
        except BaseException:
            permit.release()
            raise
        if answer is None or isinstance(answer, Probe):
            return answer
        if answer.state in (FleetState.CLOSED, FleetState.UNKNOWN):
            self._adopt(answer)  # the others have found it well, or the store knows nothing
            return None
        raise self._turned_away(permit, answer)

    def _turned_away(self, permit: Permit, view: FleetView) -> Exception:
        refusal = permit.turn_away(view.remaining or None)
        self._adopt(view)
        return refusal

    async def _report(self, probe: Probe, outcome: Outcome, started: float) -> None:
        slow = self._clock.monotonic() - started > self._settings.slow_call_duration_seconds
        failed, counts = outcome is Outcome.FAILURE, outcome is not Outcome.IGNORED
        name = self.breaker.name
        tally = await self._ask(
            self._store.report(name, probe, failed=failed, slow=slow, counts=counts)
        )
        verdict = self._judge(tally) if counts and tally is not None else None
        if verdict is False:
            await self._ask(self._store.close(name, probe.round))
            self._order(State.CLOSED)
        elif verdict is True:
            self._untold = True
            if self.breaker.state is not State.OPEN:
                self._order(State.OPEN)
            await self._tell()
        else:
            self._untold = False  # what this member makes of its own few probes decides nothing
            await self.follow()

    def _judge(self, tally: Tally) -> bool | None:
        permitted = self._settings.permitted_calls_in_half_open
        window = CountWindow(permitted, self._settings.minimum_number_of_calls)
        for number in range(tally.calls):
            failed, slow = number < tally.failed, number < tally.slow
            window.record(failed * FAILED | slow * SLOW, 0.0, 0.0)
        verdict = self._settings.trip.judge_probes(window)
        return True if verdict is None and tally.calls >= permitted else verdict

    # Telling and following

    def _notice(self, event: BreakerEvent) -> None:
        if isinstance(event, StateChanged) and not self._following:
            self._untold = event.to_state is State.OPEN

    async def _tell(self) -> None:
        """Open the fleet if this member has opened since it last spoke."""
        if not self._untold:
            return
        remaining = self.breaker.remaining_wait
        if remaining is None:
            self._untold = False  # no longer open
            return
        view = await self._ask(self._store.open(self.breaker.name, max(remaining, 0.001)))
        if view is not None:
            self._untold = False
            self._adopt(view)

    def _adopt(self, view: FleetView) -> None:
        present = self.breaker.state
        if present not in (State.CLOSED, State.OPEN, State.HALF_OPEN):
            return  # an operator's order of this member
        if view.state is FleetState.UNKNOWN:
            self._untold = present is State.OPEN  # a store that forgot is told again
            return
        fleet = State(view.state.value)
        with self._followed():
            if fleet is State.OPEN:
                if present is State.CLOSED or self._off_by(view) > self._poll_seconds:
                    self.breaker.open_for(max(view.remaining, 0.001))
            elif fleet is not present:
                self._step_to(fleet)

    def _off_by(self, view: FleetView) -> float:
        remaining = self.breaker.remaining_wait
        return abs(view.remaining - (0.0 if remaining is None else remaining))

    def _step_to(self, state: State) -> None:
        if state is State.HALF_OPEN:
            if self.breaker.state is State.OPEN:
                return  # its next caller asks the store for a probe when its own wait is over
            self.breaker.transition_to(State.OPEN)
        self.breaker.transition_to(state)

    def _order(self, state: State) -> None:
        with self._followed():
            self.breaker.transition_to(state)

    @contextmanager
    def _followed(self) -> Iterator[None]:
        """Transitions in the block are the fleet's, not news for it."""
        before, self._following = self._following, True
        try:
            yield
        finally:
            self._following = before

    async def _ask(self, answer: Awaitable[R]) -> R | None:
        """The store's answer, or ``None`` if there is none."""
        try:
            answered = await answer
        except PortError as error:
            if not self._lost:
                self._lost = True
                self.breaker.publish(FleetLost(self._clock.monotonic(), self.breaker.name, error))
            return None
        if self._lost:
            self._lost = False
            self.breaker.publish(FleetFound(self._clock.monotonic(), self.breaker.name))
        return answered
