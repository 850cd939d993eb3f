"""The time of a run is zero when its load begins."""

from __future__ import annotations

import asyncio
import time

from umt_sim.kernel import Kernel
from umt_sim.runner.clock import SETTLE, RunClock


def test_set_up_has_negative_times_and_the_load_begins_at_zero() -> None:
    """Five seconds are kept for set-up, whatever it needs of them."""

    async def main() -> list[float]:
        clock = RunClock()
        await asyncio.sleep(100.0)
        clock.start()
        times = [clock.now()]
        await asyncio.sleep(2.0)
        times.append(clock.now())
        await clock.settle()
        times.append(clock.now())
        await clock.sleep_until(7.5)
        return [*times, clock.now()]

    with Kernel(seed=1) as kernel:
        assert [-SETTLE, 2.0 - SETTLE, 0.0, 7.5] == kernel.run(main())


def test_a_long_set_up_moves_zero_to_its_end() -> None:
    """A set-up of eight seconds does not make the load begin in the middle of it."""

    async def main() -> float:
        clock = RunClock()
        clock.start()
        await asyncio.sleep(8.0)
        await clock.settle()
        return clock.now()

    with Kernel(seed=1) as kernel:
        assert 0.0 == kernel.run(main())


def test_wall_times_become_times_of_the_run() -> None:
    """Nanoseconds since 1970, as spans have them, are turned back into seconds of the run."""

    async def main() -> float:
        clock = RunClock()
        clock.start()
        await clock.settle()
        await asyncio.sleep(3.25)
        return clock.to_run_time(time.time_ns())

    with Kernel(seed=1) as kernel:
        assert 3.25 == kernel.run(main())
