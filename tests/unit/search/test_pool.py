"""Tasks are carried out in processes of their own, and all of them end with the pool."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from umt_sim.errors import SearchError
from umt_sim.search.pool import carry_out

Tell = Callable[[Any], None]


def square(number: int, tell: Tell) -> tuple[int, int]:
    """The square, and which process found it."""
    tell("begun")
    return number * number, os.getpid()


def noisy(text: str, tell: Tell) -> str:
    """Prints, as code under test may."""
    print(text)  # noqa: T201 - that is the point
    return text


def fall(number: int, tell: Tell) -> int:
    """Ends in a way of its own."""
    if number == 1:
        raise LookupError("no such thing")
    if number == 2:
        os._exit(7)
    return number


def linger(seconds: float, tell: Tell) -> str:
    """Waits, and has something to say when it is interrupted."""
    try:
        tell("waiting")
        time.sleep(seconds)
    except KeyboardInterrupt:
        return "interrupted"
    return "slept"


def answers(work: Any, tasks: list[Any], *, jobs: int) -> dict[int, Any]:
    """What each task came to."""
    found: dict[int, Any] = {}

    def done(index: int, answer: Any) -> bool:
        found[index] = answer
        return True

    carry_out(work, tasks, jobs=jobs, done=done)
    return found


def test_two_processes_share_the_tasks() -> None:
    """Every answer comes with its position, and none was found in this process."""
    found = answers(square, [1, 2, 3, 4, 5], jobs=2)
    assert {0: 1, 1: 4, 2: 9, 3: 16, 4: 25} == {index: n for index, (n, _) in found.items()}
    pids = {pid for _, pid in found.values()}
    assert (2, False) == (len(pids), os.getpid() in pids)


def test_one_job_needs_no_process() -> None:
    """The tasks are done here, in order."""
    assert {0: (9, os.getpid())} == answers(square, [3], jobs=8)


def test_news_arrives_before_the_answer() -> None:
    """With the position of the task it is about."""
    heard: list[tuple[int, Any]] = []
    carry_out(square, [1, 2], jobs=2, done=lambda *_: True, news=lambda *new: heard.append(new))
    assert [(0, "begun"), (1, "begun")] == sorted(heard)


def test_what_a_task_prints_does_not_disturb_its_answer() -> None:
    """Standard output of the processes is standard error here."""
    assert {0: "a", 1: "b"} == answers(noisy, ["a", "b"], jobs=2)


@pytest.mark.parametrize(
    ("number", "message"), [(1, "LookupError: no such thing"), (2, "died with code 7")]
)
def test_a_task_that_falls_is_named(number: int, message: str) -> None:
    """An exception with its traceback, a dead process with its code."""
    with pytest.raises(SearchError, match=message):
        answers(fall, [number, 5], jobs=2)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_task_that_falls_leaves_the_others_standing(jobs: int) -> None:
    """Whoever wants to be told is, and a dead process has a successor."""
    tasks = [1, 5, *([2] if jobs > 1 else []), 6, 7]  # here a dead process would be this one
    found: dict[int, Any] = {}

    def note(index: int, answer: Any) -> bool:
        found[index] = answer
        return True

    carry_out(fall, tasks, jobs=jobs, done=note, lost=note)
    assert "LookupError: no such thing" in found.pop(0)
    if jobs > 1:
        assert "a process died with code 7 in the middle of a task" == found.pop(2)
    assert {index: n for index, n in enumerate(tasks) if n > 2} == found


def test_done_can_end_the_series() -> None:
    """What has not begun is not done any more."""
    found: list[int] = []

    def done(index: int, _: Any) -> bool:
        found.append(index)
        return False

    carry_out(square, list(range(9)), jobs=2, done=done)
    assert len(found) <= 2


def test_an_interruption_reaches_every_process() -> None:
    """Tasks under way are heard out, the others never begin, and nothing is left behind."""
    found: dict[int, str] = {}

    def done(index: int, answer: str) -> bool:
        found[index] = answer
        return True

    heard: list[int] = []

    def news(index: int, _: str) -> None:
        heard.append(index)
        if len(heard) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        carry_out(linger, [60.0, 60.0, 60.0], jobs=2, done=done, news=news)
    assert {0: "interrupted", 1: "interrupted"} == found
