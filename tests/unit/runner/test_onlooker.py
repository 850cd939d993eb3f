"""Progress is shown from a thread that lives in real time."""

from __future__ import annotations

import threading
import time

import pytest

from umt_sim.kernel import Kernel
from umt_sim.runner.onlooker import Onlooker
from umt_sim.runner.phases import Progress

HALF = Progress(at=5.0, total=10.0, answered=3, in_flight=1)


def test_the_latest_progress_is_shown() -> None:
    """What is reported reaches the one who shows it, in another thread."""
    seen: list[tuple[Progress, str]] = []
    shown = threading.Event()

    def show(progress: Progress) -> None:
        seen.append((progress, threading.current_thread().name))
        shown.set()

    with Onlooker(show) as onlooker:
        onlooker.report(HALF)
        assert shown.wait(10)
    assert [(HALF, "onlooker")] == seen


def test_the_onlooker_sees_real_time() -> None:
    """While clocks are virtual in the run's thread, they are not in this one."""
    clocks: list[float] = []
    shown = threading.Event()

    def show(_: Progress) -> None:
        clocks.append(time.time())
        shown.set()

    real = time.time()
    with Onlooker(show) as onlooker, Kernel(seed=1):
        virtual = time.time()
        onlooker.report(HALF)
        for _ in range(100_000_000):  # the guard forbids this thread to wait
            if shown.is_set():
                break
    assert abs(clocks[0] - real) < 3600 < abs(virtual - real)


def test_an_error_while_showing_is_raised_at_the_end() -> None:
    """A display that fails does not stop the run, and is not swallowed either."""
    failed = threading.Event()

    def show(_: Progress) -> None:
        failed.set()
        raise OSError("the terminal is gone")

    def watch() -> None:
        with Onlooker(show) as onlooker:
            onlooker.report(HALF)
            assert failed.wait(10)

    with pytest.raises(OSError, match="the terminal is gone"):
        watch()
