"""
Permits: admission and outcome as two separate acts, for calls that are no function.

    permit = breaker.acquire()
    try:
        answer = ...
    except Exception as error:
        permit.record(error)
        raise
    else:
        permit.record(Outcome.SUCCESS)
    finally:
        permit.release()
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from umt_sim.platform.resilience.breaker.machine import Machine
from umt_sim.platform.resilience.breaker.outcome import Outcome
from umt_sim.platform.resilience.breaker.states import Ticket
from umt_sim.platform.resilience.errors import CircuitOpenError

__all__ = ["Permit"]


class Permit:
    """
    The right to make one call.

    It is settled once: by ``record``, by ``release``, by leaving the ``with`` block, or by
    being dropped. Whatever comes after that changes nothing, so ``release`` may always
    stand in a ``finally``.
    """

    __slots__ = ("__weakref__", "_machine", "_started", "_ticket")

    def __init__(self, machine: Machine, ticket: Ticket, started: float) -> None:
        self._machine = machine
        self._ticket: Ticket | None = ticket
        self._started = started

    @property
    def settled(self) -> bool:
        """Whether its outcome is known or it was given back."""
        return self._ticket is None

    def record(self, outcome: Outcome | BaseException) -> None:
        """Say how the call ended: an outcome, or the error it raised, judged by the settings."""
        ticket = self._take()
        if ticket is None:
            return
        if isinstance(outcome, Exception):
            self._machine.fail(ticket, self._started, outcome)
        elif isinstance(outcome, BaseException):
            self._machine.release(ticket)
        elif outcome is Outcome.SUCCESS:
            self._machine.succeed(ticket, self._started)
        elif outcome is Outcome.FAILURE:
            self._machine.fail(ticket, self._started, None)
        else:
            self._machine.ignore(ticket, self._started, None)

    def record_result(self, result: object) -> None:
        """Say what the call returned; the settings judge whether that is a success."""
        ticket = self._take()
        if ticket is not None:
            self._machine.returned(ticket, self._started, result)

    def release(self) -> None:
        """Give the permit back without an outcome: the call was cancelled, or never made."""
        ticket = self._take()
        if ticket is not None:
            self._machine.release(ticket)

    def turn_away(self, retry_after: float | None) -> CircuitOpenError:
        """
        Give the permit back because somebody with a wider view refuses the call.

        Returns:
            What to raise. The refusal is counted and published as the breaker's own.
        """
        ticket = self._take()
        assert ticket is not None, "only a permit that is not settled can be turned away"
        return self._machine.turn_away(ticket, retry_after)

    def _take(self) -> Ticket | None:
        ticket, self._ticket = self._ticket, None
        return ticket

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self.record(error)
        else:
            self.record_result(None)

    def __del__(self) -> None:
        self.release()
