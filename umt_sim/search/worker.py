"""
One process of a pool: takes tasks from its standard input, answers on its standard output.

Called as ``python -m umt_sim.search.worker``. What the code under test prints goes to
standard error, so that it cannot disturb the answers. SIGINT interrupts the task under
way; the end of the input ends the process.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

__all__ = ["Answer", "Crashed", "Interrupted", "News", "serve"]

Work = Callable[[Any, Callable[[Any], None]], Any]


@dataclass(frozen=True, slots=True)
class News:
    """Something a task has to tell before it is done."""

    value: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What a task returned."""

    value: Any


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The task was interrupted before it had an answer."""


@dataclass(frozen=True, slots=True)
class Crashed:
    """The task raised an exception."""

    traceback: str


def serve(messages: IO[bytes], answers: IO[bytes]) -> None:
    """Work off the tasks in *messages* until they end."""

    def tell(message: object) -> None:
        pickle.dump(message, answers)
        answers.flush()

    def news(value: Any) -> None:
        try:
            tell(News(value))
        except BrokenPipeError:  # whoever asked has died: keep what there is, and end
            os.kill(os.getpid(), signal.SIGINT)

    interruption = _Interruption()
    sys.path[:] = pickle.load(messages)
    work: Work = pickle.load(messages)
    while True:
        try:
            task = pickle.load(messages)
        except EOFError:
            return
        try:
            tell(_done(work, task, news, interruption))
        except BrokenPipeError:
            return  # nobody listens any more


def _done(
    work: Work, task: Any, tell: Callable[[Any], None], interruption: _Interruption
) -> Answer | Interrupted | Crashed:
    try:
        with interruption:
            return Answer(work(task, tell))
    except KeyboardInterrupt:
        return Interrupted()
    except Exception as error:  # noqa: BLE001 - raised again in the process that asked
        return Crashed("".join(traceback.format_exception(error)))


class _Interruption:
    """
    Lets SIGINT interrupt what is inside ``with``, as Ctrl-C would, and only that.

    Outside it is remembered, so that no answer is cut in two; the next task is not begun then.
    """

    def __init__(self) -> None:
        self._asked = False
        signal.signal(signal.SIGINT, self._remember)

    def __enter__(self) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._asked:
            raise KeyboardInterrupt

    def __exit__(self, *exc_info: object) -> None:
        signal.signal(signal.SIGINT, self._remember)

    def _remember(self, _signal: int, _frame: object) -> None:
        self._asked = True


def main() -> None:
    """Serve the process that started this one."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    from umt_sim.search.worker import main as entry  # messages name this module, not __main__

    entry()
