"""Fires a breaker's timers when they are due, for those who do not want to wait for a call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.resilience.breaker.events import BreakerEvent, BreakerReset, StateChanged
from umt_sim.platform.resilience.breaker.machine import Machine

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["keep_time"]


async def keep_time(machine: Machine, clock: Clock) -> NoReturn:
    """
    Look at the breaker whenever a timer of its present state is due. Runs until cancelled.

    Transitions in other threads are noticed too.
    """
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()

    def notice(event: BreakerEvent) -> None:
        if isinstance(event, StateChanged | BreakerReset):
            loop.call_soon_threadsafe(changed.set)

    machine.publisher.add(notice)
    machine.listeners_changed()
    try:
        while True:
            changed.clear()
            due = machine.next_due()
            await _wait(changed, clock, None if due is None else due - clock.monotonic())
    finally:
        machine.publisher.remove(notice)
        machine.listeners_changed()


async def _wait(changed: asyncio.Event, clock: Clock, seconds: float | None) -> None:
    if seconds is None:
        await changed.wait()
        return
    alarm = asyncio.ensure_future(clock.sleep(max(seconds, 0.0)))
    change = asyncio.ensure_future(changed.wait())
    try:
        await asyncio.wait((alarm, change), return_when=asyncio.FIRST_COMPLETED)
    finally:
        alarm.cancel()
        change.cancel()
        await asyncio.gather(alarm, change, return_exceptions=True)
