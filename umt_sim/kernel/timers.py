"""asyncio's handles, made lean: every step of every task goes through one."""

from __future__ import annotations

from asyncio import events

__all__ = ["SimTimer"]


class SimTimer(events.TimerHandle):
    """
    A timer as it lies in SimPy's heap.

    A class of its own so that the environment tells timers from SimPy's events
    by one identity test.
    """

    __slots__ = ()
