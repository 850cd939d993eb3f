"""
How the loop keeps the callbacks of stopped hosts from running.

Costs nothing until the first host stops. From then on each batch of ready
callbacks is sorted by host before it runs, and sockets of stopped hosts are
not reported.
"""

from __future__ import annotations

import gc
import logging
import sys
import warnings
from asyncio import Handle, events
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from umt_sim.kernel.hosts import Life, life_in
from umt_sim.kernel.outer_loop import set_aside

if TYPE_CHECKING:
    from selectors import SelectorKey

    from umt_sim.kernel.loop import SimLoop

__all__ = ["Power"]


class Power:
    """
    Stops and continues what hosts run.

    Args:
        loop: Runs the hosts' tasks.
    """

    def __init__(self, loop: SimLoop) -> None:
        self._loop = loop
        self._nothing = Handle(lambda: None, (), loop)
        self._nothing.cancel()
        self._graves: list[tuple[Life, list[Any], list[Any]]] = []

    def hold_back(self, life: Life) -> None:
        """Stop a life: *life* no longer ``running``, so nothing of it runs from now on."""
        inspections = self._loop.inspections
        if self._sort_batch not in inspections:
            inspections.append(self._sort_batch)
            self._loop.selector.withholds = self._withholds
        # The batch that is running now was sorted before; asyncio has fixed its length,
        # so a place in it is blanked, not removed.
        ready = self._loop._ready
        for place, handle in enumerate(ready):
            if life_in(handle._context) is life:
                life.hold(handle)
                ready[place] = self._nothing

    def let_go(self, life: Life) -> None:
        """Continue a paused life with everything that was held back, in its order."""
        self._loop._ready.extend(life.held)
        life.held.clear()
        for process, event in life.resumptions:
            process._resume(event)
        life.resumptions.clear()
        self._loop.selector.mark_all()

    def bury(self, life: Life) -> None:
        """
        Stop a life for good.

        Its tasks are kept, so that the garbage collector closes no coroutine (and
        runs no ``finally``) while the world still turns.
        """
        self.hold_back(life)
        tasks = [task for task in self._loop.tasks() if task.life is life]
        self._graves.append((life, tasks, self._loop.generators.disown(life)))

    def close_graves(self) -> None:
        """
        Free the tasks of dead hosts, after the loop was closed.

        Python cannot drop a suspended coroutine without running its ``finally``
        blocks. They run here, outside the simulation, where they find a closed loop;
        what they raise or log is discarded.
        """
        if not self._graves:
            return
        with warnings.catch_warnings(), ExitStack() as undo:
            undo.callback(setattr, sys, "unraisablehook", sys.unraisablehook)
            sys.unraisablehook = lambda _: None
            undo.callback(logging.disable, logging.root.manager.disable)
            logging.disable(logging.CRITICAL)
            # Nobody could have closed a dead host's transports or awaited its coroutines: these
            # are no leaks of the code under test.
            warnings.simplefilter("ignore", ResourceWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            self._close_coroutines()

    def _close_coroutines(self) -> None:
        # Whoever asks for the event loop in a finally block gets the closed one: without any
        # running, asyncio would try to make a real one. What the tasks do not hold themselves,
        # such as coroutines of handles and asynchronous generators, goes with the graves.
        with set_aside(self._loop):
            events._set_running_loop(self._loop)
            try:
                self._close_tasks()
                self._graves.clear()
                gc.collect()
            finally:
                events._set_running_loop(None)

    def _close_tasks(self) -> None:
        for life, tasks, _ in self._graves:
            life.held.clear()
            life.resumptions.clear()
            for task in tasks:
                task._log_destroy_pending = False
                with suppress(BaseException):
                    task.get_coro().close()

    def _sort_batch(self) -> None:
        ready = self._loop._ready
        for _ in range(len(ready)):
            handle = ready.popleft()
            life = life_in(handle._context)
            if life is None or life.running:
                ready.append(handle)
            else:
                life.hold(handle)

    def _withholds(self, key: SelectorKey) -> bool:
        life = life_in((key.data[0] or key.data[1])._context)
        return life is not None and not life.running
