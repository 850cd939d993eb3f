"""
A simulation, from its seed to its fingerprint.

``Kernel`` joins the loop with what makes a run repeatable: virtual clocks, seeded
randomness, the guard, garbage collection at fixed turns, and a clean end.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from datetime import datetime
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

from umt_sim.errors import Stalled
from umt_sim.kernel.aliases import Aliases
from umt_sim.kernel.drivers import as_completed_in_order, cure_drivers
from umt_sim.kernel.entropy import ORIGINALS, seed_generators, virtual_functions
from umt_sim.kernel.guard import Guard
from umt_sim.kernel.loop import LIVELOCK_LIMIT, SimLoop
from umt_sim.kernel.shuffling import Shuffle
from umt_sim.kernel.streams import Streams
from umt_sim.kernel.tape import DetailedTape, Tape
from umt_sim.kernel.unhandled import Unhandled
from umt_sim.kernel.wall_clock import EPOCH, WallClock, utc_everywhere, virtual_datetime

__all__ = ["Kernel"]

T = TypeVar("T")

_DRAIN_LIMIT = 60.0  # virtual seconds that cancelled tasks get to finish
_FROZEN = gc.get_freeze_count()  # Python 3.12 starts with some
_one_at_a_time = threading.Lock()
_ALIASES = Aliases([*ORIGINALS, asyncio.as_completed, time.sleep])


class Kernel:
    """
    One simulation; a context manager.

    While it is entered, clocks and randomness of this thread are virtual and the real
    machine is out of bounds. Leaving it cancels the remaining tasks in the order of
    their creation, lets them finish, and restores everything, whatever happened.

    Args:
        seed: Names all randomness of the run.
        epoch: What wall clocks show at the beginning; with a time zone.
        shuffle: Which orders at one instant are drawn from the seed.
        guarded: Whether reaching for the real machine raises.
        livelock_limit: Turns that one instant may take.
        detailed: Whether the tape keeps its entries, to tell where two runs part;
            several times slower.
    """

    def __init__(
        self,
        *,
        seed: int,
        epoch: datetime = EPOCH,
        shuffle: Shuffle = Shuffle.EXTERNAL,
        guarded: bool = True,
        livelock_limit: int = LIVELOCK_LIMIT,
        detailed: bool = False,
    ) -> None:
        self.seed = seed
        self.tape = DetailedTape() if detailed else Tape()
        self.streams = Streams(seed, self.tape)
        self.loop = SimLoop(
            tape=self.tape,
            shuffle=shuffle,
            stream=self.streams.stream("kernel/shuffle"),
            livelock_limit=livelock_limit,
            collects=True,
        )
        if isinstance(self.tape, DetailedTape):
            self.tape.watch(self.loop)
        self.env = self.loop.env
        self.guard = Guard(self.tape)
        self.unhandled: list[Unhandled] = []
        """Exceptions nobody handled, in the order they were reported."""

        self._clock = WallClock(self.env, epoch, self.guard.spinning)
        self._guarded = guarded
        self._reported = False
        self._undo = ExitStack()

    def on_unhandled(self, hook: Callable[[Unhandled], None]) -> None:
        """
        Have *hook* told of exceptions that nobody handles.

        Without any hook they are raised together when the kernel is left.
        """
        self._reported = True
        self.loop.unhandled_hooks.append(hook)

    def on_leave(self, callback: Callable[..., Any], *args: Any) -> None:
        """Have *callback* called when the kernel is left, after the loop was closed."""
        self._undo.callback(callback, *args)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """
        Run *coroutine* to its end in virtual time and return its result.

        Raises:
            Stalled: It waits for something that cannot happen any more.
            Livelock: An instant did not end.
        """
        return self.loop.run_until_complete(coroutine)

    def __enter__(self) -> Self:
        if not _one_at_a_time.acquire(blocking=False):
            self.loop.close()
            raise RuntimeError(
                "another Kernel is entered in this process; clocks can be virtual for one only:"
                " leave it first, or use one process for each run"
            )
        undo = self._undo
        try:
            undo.callback(_one_at_a_time.release)
            self.loop.unhandled_hooks.append(self.unhandled.append)
            _quiet_collector(undo)
            self._handle_interrupts(undo)
            cure_drivers(undo)
            utc_everywhere(undo)
            virtual_datetime(self._clock, undo)
            seed_generators(self.streams, undo)
            _ALIASES.rebind(self._replacements(), undo)
            if self._guarded:
                self.guard.arm(undo)
        except BaseException:
            undo.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._undo:
            try:
                self.drain()
            finally:
                self.loop.close()
                self.loop.power.close_graves()
        if error is None and self.unhandled and not self._reported:
            raise ExceptionGroup("exceptions in the run that nobody handled", self._errors())

    def _replacements(self) -> dict[Any, Any]:
        replacements = virtual_functions(self._clock, self.streams)
        replacements[asyncio.as_completed] = as_completed_in_order
        if self._guarded:
            replacements[time.sleep] = self.guard.sleep
        return replacements

    def _errors(self) -> list[Exception]:
        return [
            report.error
            if isinstance(report.error, Exception)
            else RuntimeError(f"{report.message} ({report.where}): {report.error!r}")
            for report in self.unhandled
        ]

    def drain(self) -> None:
        """
        Cancel what is left, in order of creation, and let it finish.

        Leaving the kernel does this too. Called before, it lets the harness hear what goes
        wrong while it can still write that down; programs of crashed hosts are not touched.
        """
        loop = self.loop
        if loop.is_closed():
            return
        tasks = [task for task in loop.tasks() if task.life is None or task.life.running]
        for task in tasks:
            task.cancel()
        finish = loop.create_task(self._finish(tasks))
        try:
            try:
                loop.run_until_complete(finish)
            except (KeyboardInterrupt, SystemExit):
                # A task group raises it again on its way out: the others still get their turn.
                loop.run_until_complete(finish)
                raise
        except Stalled as stalled:
            loop.call_exception_handler({"message": "a run that cannot end", "exception": stalled})
        self.env.close_processes()
        gc.collect()  # so that exceptions of forgotten tasks are reported now

    async def _finish(self, tasks: list[Any]) -> None:
        if tasks:
            _, stubborn = await asyncio.wait(tasks, timeout=_DRAIN_LIMIT)
            for task in tasks:
                if task in stubborn:
                    self._report(task, "task did not end within 60 s of being cancelled", None)
                elif not task.cancelled() and task.exception() is not None:
                    self._report(task, "exception while a task was cancelled", task.exception())
        await self.loop.shutdown_asyncgens()

    def _report(self, task: Any, message: str, error: BaseException | None) -> None:
        context = {"message": message, "task": task}
        self.loop.call_exception_handler(context | ({"exception": error} if error else {}))

    def _handle_interrupts(self, undo: ExitStack) -> None:
        """Let Ctrl-C stop the run between two turns; a second one stops it on the spot."""
        if (
            threading.current_thread() is not threading.main_thread()
            or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        ):
            return
        housekeeping, loop = self.loop.housekeeping, self.loop

        def interrupt(number: int, frame: FrameType | None) -> None:
            if not loop.is_running() or housekeeping.interrupted:
                signal.default_int_handler(number, frame)
            housekeeping.interrupted = True
            loop.selector.look_soon()

        signal.signal(signal.SIGINT, interrupt)
        undo.callback(signal.signal, signal.SIGINT, signal.default_int_handler)


def _quiet_collector(undo: ExitStack) -> None:
    """Leave garbage collection to the loop, and what exists already out of it."""
    if gc.isenabled():
        gc.disable()
        undo.callback(gc.enable)
    if gc.get_freeze_count() <= _FROZEN:  # else someone's frozen objects would be thawed
        gc.freeze()
        undo.callback(gc.unfreeze)
