"""
Carries out tasks in processes of their own.

Plain child processes that speak pickle over pipes: they import nothing of the program
that started them, so a pool works from scripts, notebooks and tests alike.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import umt_sim
from umt_sim.errors import SearchError
from umt_sim.search.worker import Answer, Crashed, Interrupted, News

__all__ = ["carry_out"]

T = TypeVar("T")
R = TypeVar("R")

Work = Callable[[T, Callable[[Any], None]], R]
"""Does one task; may tell news on the way. Found again by its module and name."""

_PATIENCE = 60.0
"""Seconds an interrupted task gets to keep what it has and to stop what it started."""


def carry_out(
    work: Work[T, R],
    tasks: Sequence[T],
    *,
    jobs: int,
    done: Callable[[int, R], bool],
    news: Callable[[int, Any], None] = lambda _index, _value: None,
    lost: Callable[[int, str], bool] | None = None,
) -> None:
    """
    Do *tasks*, as many at once as there are *jobs*; in this process where that is one.

    Args:
        work: What is done with each; a function at the top of a module.
        tasks: In the order in which they begin.
        jobs: Processes.
        done: Told the position and the answer of each task, as they come; says whether
            those that have not begun are still to be done.
        news: Told the position of a task under way and what it has to tell.
        lost: Told the position of a task that raised or whose process died, and how it went;
            says, as *done* does, whether the others go on. An error when left out.

    Raises:
        SearchError: A task raised, or its process died, and nobody is told of it.
        KeyboardInterrupt: Passed on when the tasks under way have been interrupted
            too; *done* was told those that had an answer all the same.
    """
    if jobs == 1 or len(tasks) < 2:
        _do_here(work, tasks, done, news, lost)
        return
    pool = _Pool(work, tasks, done, news, lost or _insist)
    try:
        pool.run(min(jobs, len(tasks)))
    except KeyboardInterrupt:
        pool.interrupt()
        raise
    finally:
        pool.close()


def _do_here(
    work: Work[T, R],
    tasks: Sequence[T],
    done: Callable[[int, R], bool],
    news: Callable[[int, Any], None],
    lost: Callable[[int, str], bool] | None,
) -> None:
    """Do *tasks* in this process, one after the other."""
    for index, task in enumerate(tasks):
        try:
            answer = work(task, partial(news, index))
        except Exception:
            if lost is None:
                raise
            goes_on = lost(index, traceback.format_exc())
        else:
            goes_on = done(index, answer)
        if not goes_on:
            return


def _insist(_: int, how: str) -> bool:
    raise SearchError(how)


class _Pool(Generic[T, R]):
    """The processes of one ``carry_out``."""

    def __init__(
        self,
        work: Work[T, R],
        tasks: Sequence[T],
        done: Callable[[int, R], bool],
        news: Callable[[int, Any], None],
        lost: Callable[[int, str], bool],
    ) -> None:
        self._work = work
        self._waiting = list(enumerate(tasks))[::-1]
        self._done = done
        self._news = news
        self._lost = lost
        self._said: queue.SimpleQueue[tuple[_Child, Any]] = queue.SimpleQueue()
        self._children: list[_Child] = []

    def run(self, count: int) -> None:
        for _ in range(count):
            self._give(self._child())
        while self._busy():
            self._hear()

    def interrupt(self) -> None:
        """Interrupt what is under way and hear it out."""
        self._waiting.clear()
        for child in self._busy():
            child.interrupt()
        while self._busy():
            try:
                self._hear(timeout=_PATIENCE)
            except queue.Empty:
                return
            except SearchError:
                continue  # it went down with the interruption; the others are heard out

    def close(self) -> None:
        for child in self._children:
            child.close()

    def _busy(self) -> list[_Child]:
        return [child for child in self._children if child.task is not None]

    def _child(self) -> _Child:
        child = _Child(self._work, self._said)
        self._children.append(child)
        return child

    def _give(self, child: _Child) -> None:
        """Give *child* the next task, if there is one."""
        child.task = None
        if self._waiting:
            child.task, task = self._waiting.pop()
            child.send(task)

    def _hear(self, timeout: float | None = None) -> None:
        child, message = self._said.get(timeout=timeout)
        index = child.task
        assert index is not None
        match message:
            case News(value=value):
                self._news(index, value)
            case Interrupted():
                child.task = None
            case Answer(value=value):
                self._go_on(child, self._done(index, value))
            case Crashed(traceback=crash):
                child.task = None
                self._go_on(child, self._lost(index, f"a task crashed in its process:\n{crash}"))
            case _:
                child.task = None
                goes_on = self._lost(index, f"a process {child.end()} in the middle of a task")
                self._go_on(self._child() if self._waiting and goes_on else child, goes_on)

    def _go_on(self, child: _Child, goes_on: bool) -> None:
        """Give *child* more to do, unless no more is to be done."""
        if not goes_on:
            self._waiting.clear()
        self._give(child)


class _Child:
    """
    One process and the thread that listens to it.

    Attributes:
        task: Position of the task it does; ``None`` when it does nothing.
    """

    def __init__(self, work: Any, said: queue.SimpleQueue[tuple[_Child, Any]]) -> None:
        self.task: int | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-m", "umt_sim.search.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(umt_sim.__file__).parents[1])},
            start_new_session=True,  # a terminal's Ctrl-C reaches the parent alone
        )
        self._said = said
        self.send(sys.path)
        self.send(work)
        self._listener = threading.Thread(target=self._listen, name="pool", daemon=True)
        self._listener.start()

    def send(self, message: object) -> None:
        assert self._process.stdin is not None
        try:
            pickle.dump(message, self._process.stdin)
            self._process.stdin.flush()
        except BrokenPipeError:
            return  # it died; the listener says so

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def end(self) -> str:
        """How it died, in words."""
        code = self._process.wait()
        if code == -signal.SIGKILL:
            return "was killed, as the kernel does where memory runs out,"
        return f"died with code {code}"

    def close(self) -> None:
        """End it: at once if it is idle, by force if it is not."""
        if self.task is not None:
            self._process.kill()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._listener.join()
        self._process.stdout.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        while True:
            try:
                message = pickle.load(self._process.stdout)
            except (EOFError, pickle.UnpicklingError):
                self._said.put((self, None))
                return
            self._said.put((self, message))
