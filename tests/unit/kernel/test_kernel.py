"""A whole simulation: what enters and leaves with the kernel."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading

import pytest

from umt_sim.errors import Stalled
from umt_sim.kernel import Kernel


def test_run_returns_the_value():
    """``run`` gives what the coroutine returns, and may be called again."""

    async def main(seconds):
        await asyncio.sleep(seconds)
        return kernel.env.now

    with Kernel(seed=1) as kernel:
        assert kernel.run(main(1)) == 1.0
        assert kernel.run(main(2)) == 3.0


def test_leftover_tasks_are_cancelled_in_order_of_creation():
    """Tasks that still run at the end are cancelled, oldest first, and may take time to finish."""
    log = []

    async def worker(number):
        try:
            await asyncio.sleep(1000)
        finally:
            log.append(number)
            await asyncio.sleep(3)
            log.append(kernel.env.now)

    async def main():
        kept.extend(asyncio.create_task(worker(number)) for number in range(4))
        await asyncio.sleep(1)

    kept = []
    with Kernel(seed=1) as kernel:
        kernel.run(main())
    assert log == [0, 1, 2, 3, 4.0, 4.0, 4.0, 4.0]


def test_async_generators_are_closed_in_order():
    """Generators left unfinished are closed at the end, in the order they were started."""
    log = []

    async def numbers(name):
        try:
            yield 1
            yield 2
        finally:
            log.append(name)

    async def main():
        for name in "abc":
            generator = numbers(name)
            await anext(generator)
            kept.append(generator)

    kept = []
    with Kernel(seed=1) as kernel:
        kernel.run(main())
    assert log == ["a", "b", "c"]


def test_a_task_that_refuses_to_end_is_reported():
    """Cancelling is not endless: after a minute of virtual time the task is given up, loudly."""

    async def stubborn():
        while True:
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                continue

    async def main():
        kept.append(asyncio.create_task(stubborn(), name="mule"))
        await asyncio.sleep(0.5)

    kept = []
    with (
        pytest.raises(ExceptionGroup) as caught,
        Kernel(seed=1) as kernel,
    ):
        kernel.run(main())
    (error,) = caught.value.exceptions
    assert "task did not end within 60 s of being cancelled (mule" in str(error)


def test_a_forgotten_exception_is_raised_at_the_end():
    """Without a hook, what nobody handled ends the ``with`` block."""
    error = ValueError("forgotten")

    async def fail():
        raise error

    async def main():
        asyncio.create_task(fail())  # noqa: RUF006 - forgotten on purpose
        await asyncio.sleep(1)

    with pytest.raises(ExceptionGroup) as caught, Kernel(seed=1) as kernel:
        kernel.run(main())
    assert caught.value.exceptions == (error,)


def test_a_hook_is_told_of_forgotten_exceptions():
    """A hook hears of failing callbacks and tasks, with virtual time and without addresses."""
    heard = []

    def broken():
        raise ValueError("in a callback")

    async def fail():
        raise ValueError("in a task")

    async def main():
        asyncio.get_running_loop().call_later(2, broken)
        asyncio.create_task(fail(), name="careless")  # noqa: RUF006
        await asyncio.sleep(3)

    with Kernel(seed=1) as kernel:
        kernel.on_unhandled(heard.append)
        kernel.run(main())
    assert [(report.at, str(report.error), report.where.split(" ")[0]) for report in heard] == [
        (0.0, "in a task", "careless"),
        (2.0, "in a callback", broken.__qualname__),
    ]


def test_the_error_of_the_run_comes_first():
    """If the block itself fails, that is what is raised."""

    async def fail():
        raise ValueError("forgotten")

    async def main():
        asyncio.create_task(fail())  # noqa: RUF006
        await asyncio.sleep(1)
        raise LookupError("the real one")

    with pytest.raises(LookupError), Kernel(seed=1) as kernel:
        kernel.run(main())
    assert len(kernel.unhandled) == 1


def test_a_stalled_run_can_be_left():
    """After a stall the waiting tasks are cancelled, and their cleanup runs."""
    log = []

    async def main():
        try:
            await asyncio.Event().wait()
        finally:
            log.append("cleaned up")

    with Kernel(seed=1) as kernel, pytest.raises(Stalled):
        kernel.run(main())
    assert log == ["cleaned up"]


def test_a_run_inside_a_running_loop():
    """In a notebook another loop is running: it is set aside, with its task, and comes back."""

    async def inner():
        await asyncio.sleep(3600)
        return asyncio.current_task().get_name(), asyncio.get_running_loop().time()

    async def outer():
        before = asyncio.get_running_loop(), asyncio.current_task()
        with Kernel(seed=1) as kernel:
            result = kernel.run(inner())
        assert before == (asyncio.get_running_loop(), asyncio.current_task())
        await asyncio.sleep(0.001)
        return result

    assert asyncio.run(outer()) == ("Task-1", 3600.0)


def test_the_outer_loop_comes_back_after_an_error():
    """Also when the run fails."""

    async def inner():
        raise ValueError("inside")

    async def outer():
        before = asyncio.get_running_loop(), asyncio.current_task()
        with pytest.raises(ValueError, match="inside"), Kernel(seed=1) as kernel:
            kernel.run(inner())
        assert before == (asyncio.get_running_loop(), asyncio.current_task())

    asyncio.run(outer())


def test_one_kernel_at_a_time():
    """A process has one set of clocks, so a second kernel is refused until the first is left."""
    second = Kernel(seed=2)
    with Kernel(seed=1), pytest.raises(RuntimeError, match="another Kernel is entered"):
        second.__enter__()
    with Kernel(seed=3):
        pass


def test_a_run_in_a_worker_thread():
    """A kernel works in any thread."""
    results = []

    async def main():
        await asyncio.sleep(5)
        return asyncio.get_running_loop().time()

    def work():
        with Kernel(seed=1) as kernel:
            results.append(kernel.run(main()))

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert results == [5.0]


def test_ctrl_c_stops_the_run_between_two_turns():
    """An interrupt is raised where no invariant is half done; cleanup runs; the handler is back."""
    log = []

    async def main():
        try:
            while True:
                await asyncio.sleep(1)
                if kernel.env.now == 10:
                    os.kill(os.getpid(), signal.SIGINT)
                    log.append("the step went on to its end")
        finally:
            log.append("cleaned up")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Kernel(seed=1) as kernel:
        kernel.run(main())
    assert kernel.env.now == 10.0
    assert log == ["the step went on to its end", "cleaned up"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_keyboard_interrupt_raised_inside_is_not_swallowed():
    """``KeyboardInterrupt`` from a task leaves the run at once."""

    async def interrupted():
        raise KeyboardInterrupt

    async def main():
        async with asyncio.TaskGroup() as group:
            group.create_task(interrupted())
            await asyncio.sleep(10)

    with pytest.raises(KeyboardInterrupt), Kernel(seed=1) as kernel:
        kernel.run(main())


def test_garbage_is_collected_at_fixed_turns():
    """Python's collector is off during a run, and a cycle is freed at the same turn every time."""

    class Cycle:
        def __init__(self):
            self.me = self

        def __del__(self):
            freed.append(kernel.tape.turns)

    async def main():
        assert not gc.isenabled()
        Cycle()
        for _ in range(30_000):
            await asyncio.sleep(0.001)

    freed = []
    for _ in range(2):
        with Kernel(seed=1) as kernel:
            kernel.run(main())
    assert gc.isenabled()
    assert len(freed) == 2
    assert freed[0] == freed[1] < 30_000


def test_a_frozen_heap_stays_frozen():
    """Someone else's ``gc.freeze`` survives a run."""
    gc.freeze()
    try:
        with Kernel(seed=1):
            pass
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
