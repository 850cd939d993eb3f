"""Code that reaches for the real machine is caught where it does so."""

from __future__ import annotations

import asyncio
import inspect
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest

from umt_sim.errors import Livelock, WallClockLeak
from umt_sim.kernel import Kernel


def real_socket():
    socket.socket().close()


def address_lookup():
    socket.getaddrinfo("localhost", 80)


def process():
    subprocess.run([sys.executable, "-c", ""], check=True)


def shell():
    os.system("true")


def thread():
    threading.Thread(target=int).start()


def thread_pool():
    with ThreadPoolExecutor() as pool:
        pool.submit(int)


def sleeping():
    time.sleep(0.001)


def sleeping_by_another_name():
    sleep(0.001)


def waiting_for_an_event():
    threading.Event().wait(1)


def waiting_for_a_queue():
    queue.Queue().get(timeout=1)  # would look at a clock that stands still, for ever


LEAKS = [
    real_socket,
    address_lookup,
    process,
    shell,
    thread,
    thread_pool,
    sleeping,
    sleeping_by_another_name,
    waiting_for_an_event,
    waiting_for_a_queue,
]


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_is_caught_with_its_line(leak):
    """Sockets, processes, threads, sleeps and waits raise, naming the line of the code."""

    async def main():
        leak()

    with Kernel(seed=1) as kernel, pytest.raises(WallClockLeak) as caught:
        kernel.run(main())
    lines, first = inspect.getsourcelines(leak)
    file, line = caught.value.where.split(" in ")[0].rsplit(":", 1)
    assert file.endswith("test_guard.py")
    assert first < int(line) < first + len(lines)
    assert caught.value.where.endswith(f"in {leak.__name__}")


def test_a_leak_says_what_to_do_instead():
    """Who slept is told of asyncio's sleep, who started a thread of its tasks."""
    for leak, advice in [(sleeping, "asyncio.sleep"), (thread, "use a task"), (shell, "replace")]:

        async def main(leak=leak):
            leak()

        with Kernel(seed=1) as kernel, pytest.raises(WallClockLeak, match=advice):
            kernel.run(main())


@pytest.mark.parametrize("what", ["Unix sockets", "pipes"])
def test_what_is_not_simulated_is_refused_with_a_reason(what):
    """Unix sockets and pipes."""

    async def main():
        if what == "pipes":
            loop = asyncio.get_running_loop()
            await loop.connect_read_pipe(asyncio.Protocol, sys.stdin)
        else:
            await asyncio.open_unix_connection("/run/postgresql")

    with Kernel(seed=1) as kernel, pytest.raises(NotImplementedError, match=f"has no {what}"):
        kernel.run(main())


def test_asyncio_subprocesses_are_caught():
    """So is a subprocess started through the loop."""

    async def main():
        await asyncio.create_subprocess_exec("true")

    with Kernel(seed=1) as kernel, pytest.raises(WallClockLeak):
        kernel.run(main())


def test_a_leak_that_the_code_swallows_is_kept():
    """Retry loops catch everything; the guard remembers."""

    async def main():
        try:
            real_socket()
        except Exception:  # noqa: BLE001
            return "swallowed"

    with Kernel(seed=1) as kernel:
        assert kernel.run(main()) == "swallowed"
    assert ["socket.__new__"] == [leak.call for leak in kernel.guard.leaks]


def test_harness_code_is_let_through():
    """Inside ``opened`` the machine is at hand, and only there."""

    async def elsewhere():
        await asyncio.sleep(1)
        with pytest.raises(WallClockLeak):
            real_socket()

    async def main():
        other = asyncio.create_task(elsewhere())
        with kernel.guard.opened():
            socket.socket().close()
            time.sleep(0)  # noqa: ASYNC251 - the machine's own, on purpose
            worker = threading.Thread(target=int)
            worker.start()
            await asyncio.sleep(2)  # the other task runs while this one holds the door open
            worker.join()
        await other

    with Kernel(seed=1) as kernel:
        kernel.run(main())


def test_other_threads_are_not_watched():
    """A thread that exists beside the run, such as a notebook's, keeps the machine."""
    go, results = threading.Event(), []

    def beside():
        go.wait(10)
        with socket.socket():
            results.append(time.monotonic() > 1)

    worker = threading.Thread(target=beside)
    worker.start()
    with Kernel(seed=1) as kernel:

        async def main():
            go.set()
            with kernel.guard.opened():
                worker.join()

        kernel.run(main())
    assert results == [True]


@pytest.mark.parametrize("leak", [real_socket, sleeping, thread])
def test_everything_is_allowed_again_afterwards(leak):
    """Leaving the kernel disarms the guard."""
    with Kernel(seed=1):
        pass
    leak()


def test_an_unguarded_kernel_lets_everything_through():
    """Without the guard nothing is caught."""
    with Kernel(seed=1, guarded=False):
        socket.socket().close()
        time.sleep(0)


def spin(clock):
    deadline = clock() + 1
    while clock() < deadline:
        pass


@pytest.mark.parametrize("clock", ["time.time", "time.monotonic", "time.perf_counter_ns"])
def test_a_loop_that_waits_for_the_clock_is_ended_with_its_line(clock):
    """Within a turn the clock stands still, so it would go on for ever."""

    async def main():
        await asyncio.sleep(2)
        spin(getattr(time, clock.partition(".")[2]))

    with Kernel(seed=1) as kernel, pytest.raises(Livelock) as caught:
        kernel.run(main())
    assert 2.0 == caught.value.at
    assert "1000000 readings in one turn at 2 s of virtual time" in str(caught.value)
    (line,) = caught.value.busiest
    assert "test_guard.py" in line
    assert line.endswith("in spin")
    assert [caught.value] == kernel.guard.leaks


def test_reading_the_clock_often_is_no_crime_while_turns_pass():
    """What counts is how often it is read between two awaits."""

    async def main():
        for _ in range(3):
            for _ in range(700_000):
                time.monotonic()
            await asyncio.sleep(0)

    with Kernel(seed=1) as kernel:
        kernel.run(main())
    assert [] == kernel.guard.leaks
