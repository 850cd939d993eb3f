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
    _target: Event | None  # type: ignore[assignment]  # None once ended, as in SimPy

    def __init__(self, env: SimEnvironment, generator: ProcessGenerator) -> None:
        self._in_context = copy_context().run
        self._life = current_life()
        super().__init__(env, generator)
        env.living[self] = None

    def _resume(self, event: Any) -> None:
        """Run the generator until it waits for something that has not happened yet."""
        if self._life is not None and not self._life.running:
            self._life.hold_process(self, event)
            return
        env, generator, run = self.env, self._generator, self._in_context
        env._active_proc = self
        try:
            while True:
                if event._ok:
                    event = run(generator.send, event._value)
                else:
                    event._defused = True
                    event = run(generator.throw, event._value)
                if event.callbacks is not None:
                    event.callbacks.append(self._resume)
                    self._target = event
                    return
        except StopIteration as stop:
            self._target = None
            del env.living[self]
            self._ok, self._value = True, stop.value
            env.schedule(self)
        except Exception as error:  # noqa: BLE001 - it is the process's result
            self._target = None
            del env.living[self]
            self.fail(error if hasattr(event, "callbacks") else self._not_an_event(event))
        finally:
            env._active_proc = None

    def close(self) -> None:
        """End a process whose simulation is over; its ``finally`` blocks run."""
        if self._life is not None and self._life.ended:
            return
        try:
            self._in_context(self._generator.close)
        except Exception as error:  # noqa: BLE001 - reported, there is nobody left to raise it to
            self.env.loop.call_exception_handler(
                {"message": f"exception while process {self.name} was closed", "exception": error}
            )

    def _not_an_event(self, thing: Any) -> RuntimeError:
        return RuntimeError(
            f"process {self.name!r} yielded {thing!r}; a process yields SimPy events"
            " (for a coroutine: loop.event_of(coroutine))"
        )
