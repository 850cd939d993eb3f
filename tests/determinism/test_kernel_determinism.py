"""One seed, one fingerprint: in one process, in many, in any Python hash seed."""

from __future__ import annotations

import ast
import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.determinism import scenario
from umt_sim.kernel import Kernel
from umt_sim.kernel.determinism import check_determinism
from umt_sim.kernel.shuffling import Shuffle

ROOT = Path(__file__).parents[2]


def in_processes(count, *arguments):
    """The output of *count* processes that run the scenario at the same time."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONHASHSEED"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.determinism.scenario", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    outputs = [process.communicate()[0] for process in processes]
    assert [0] * count == [process.returncode for process in processes]
    return outputs


def test_six_processes_agree():
    """Six processes with hash seeds of their own give one fingerprint and one log."""
    outputs = in_processes(6, "7")
    assert len(set(outputs)) == 1
    assert outputs[0].splitlines() == list(scenario.run(seed=7))


def test_another_seed_is_another_run():
    """Fingerprints of ten seeds differ."""
    assert len({scenario.run(seed)[0] for seed in range(10)}) == 10


def test_the_check_finds_nothing():
    """Entry by entry, two runs in one process are the same."""
    assert check_determinism(lambda kernel: scenario.main(kernel, []), seed=7)


def test_a_failing_group_is_cancelled_in_one_order():
    """A hundred runs of a group of twelve with one failure cancel its members in one order."""
    orders = set()
    for _ in range(100):
        log = []
        with Kernel(seed=7) as kernel:
            kernel.run(scenario.failing_group(log))
        orders.add(tuple(log))
    (order,) = orders
    assert sorted(order[:-1]) == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]
    assert order[-1] == "failed"


@pytest.mark.parametrize("shuffle", Shuffle)
def test_each_shuffle_repeats(shuffle):
    """However much is drawn from the seed, it is drawn from the seed."""
    assert scenario.run(7, shuffle) == scenario.run(7, shuffle)


def test_real_time_makes_no_difference():
    """A run with pauses of the real machine between its steps has the same fingerprint."""
    import time

    pause = time.sleep

    async def main(kernel, dawdle):
        for _ in range(20):
            await asyncio.sleep(1)
            dawdle()
        kernel.tape.note("now", time.time(), kernel.streams.stream("x").random())

    digests = set()
    for dawdle in (lambda: None, lambda: pause(0.001)):
        with Kernel(seed=1) as kernel, kernel.guard.opened():
            kernel.run(main(kernel, dawdle))
        digests.add(kernel.tape.hexdigest())
    assert len(digests) == 1


DRIVERS = """
import asyncio, sys
import aiormq.base, aio_pika.tools
from umt_sim.kernel import Kernel

async def main(kernel, log):
    loop = asyncio.get_running_loop()
    store = aiormq.base.FutureStore(loop)

    async def waiter(number):
        try:
            await asyncio.sleep(100)
        except ConnectionError:
            log.append(number)
        except asyncio.CancelledError:
            log.append(number)
            raise

    waiters = [store.create_task(waiter(number)) for number in range(12)]
    futures = [store.create_future() for _ in range(12)]
    for number, future in enumerate(futures):
        future.add_done_callback(lambda _, number=number: log.append(100 + number))
    await asyncio.sleep(1)
    await store.reject_all(ConnectionError("lost"))

    class Sender: pass
    sender = Sender()
    callbacks = aio_pika.tools.CallbackCollection(sender)
    for number in range(12):
        callbacks.add(lambda _, number=number: log.append(200 + number))
    callbacks()

log = []
with Kernel(seed=1) as kernel:
    kernel.run(main(kernel, log))
print(log)
"""


def test_the_sets_of_drivers_are_ordered():
    """A lost AMQP connection rejects its waiters, and callbacks are called, in one order."""
    pytest.importorskip("aio_pika")
    outputs = {
        subprocess.run(
            [sys.executable, "-c", DRIVERS], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(3)
    }
    (log,) = outputs
    assert ast.literal_eval(log) == [*range(12), *range(100, 112), *range(200, 212)]
