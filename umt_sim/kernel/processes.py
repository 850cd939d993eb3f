"""SimPy processes that live beside asyncio tasks."""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import simpy
from simpy.events import Event, ProcessGenerator

from umt_sim.kernel.hosts import current_life

if TYPE_CHECKING:
    from umt_sim.kernel.environment import SimEnvironment

__all__ = ["SimProcess"]


class SimProcess(simpy.Process):
    """
    A SimPy process that keeps its creator's context variables and its exceptions' identity.

    SimPy hands a process ``type(exc)(*exc.args)`` instead of the exception that
    happened, which fails for exceptions with keyword arguments and loses what
    they carry. It also turns ``KeyboardInterrupt`` into a failed event. Here the
    exception itself is thrown, and whatever is not an ``Exception`` ends the run.
    """

    env: SimEnvironment

    def __init__(self, env: SimEnvironment, generator: ProcessGenerator) -> None:
        self._context = copy_context()
        self._life = current_life()
        super().__init__(env, generator)
        env.living[self] = None

    def _resume(self, event: Event | None) -> None:
        life = self._life
        if life is not None and not life.running:
            life.hold_process(self, event)
            return
        env = self.env
        env._active_proc = self
        try:
            target = self._advance(event)
        finally:
            env._active_proc = None
        self._target = target  # type: ignore[assignment]  # None once ended, as in SimPy

    def _advance(self, event: Any) -> Event | None:
        """Run the generator until it waits for something that has not happened yet."""
        run, generator = self._context.run, self._generator
        while True:
            try:
                if event._ok:
                    event = run(generator.send, event._value)
                else:
                    event._defused = True
                    event = run(generator.throw, event._value)
            except StopIteration as stop:
                self._end(ok=True, value=stop.value)
                return None
            except Exception as error:  # noqa: BLE001 - it is the process's result
                self._end(ok=False, value=error)
                return None
            try:
                callbacks = event.callbacks
            except AttributeError:
                raise RuntimeError(
                    f"process {self.name!r} yielded {event!r}; a process yields SimPy events"
                    " (for a coroutine: loop.event_of(coroutine))"
                ) from None
            if callbacks is not None:
                callbacks.append(self._resume)
                return event  # type: ignore[no-any-return]

    def _end(self, *, ok: bool, value: Any) -> None:
        del self.env.living[self]
        self._ok = ok
        self._value = value
        self.env.schedule(self)
