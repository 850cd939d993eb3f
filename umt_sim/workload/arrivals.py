"""When the requests of an open load are due."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from umt_sim.workload.values import OpenArrivals, Stage

if TYPE_CHECKING:
    from random import Random

__all__ = ["due_times"]


def due_times(arrivals: OpenArrivals, stream: Random, until: float) -> Iterator[float]:
    """
    Yield the times at which requests are due, in seconds from the load's start.

    Poisson arrivals come from a unit-rate process stretched by the inverse of
    the expected count: one draw an arrival, so the same stream gives the same
    pattern under any policy, and a changed rate moves arrivals rather than
    drawing new ones. Constant arrivals use the same stretch on 1, 2, 3, ...
    In bursts of b, the process is one of bursts at a b-th of the rate, and each is b
    requests at one time.

    Args:
        arrivals: The load.
        stream: Random source; untouched by constant arrivals.
        until: Where to end, exclusive.

    Source:
        Çinlar (1975), inversion of the integrated rate function.
    """
    stages = _through(arrivals, until)
    target = 0.0
    passed, start = 0.0, 0.0
    stage = next(stages)
    while True:
        gap = 1.0 if arrivals.process == "constant" else -math.log(1.0 - stream.random())
        target += gap * arrivals.burst
        while target > passed + stage.expected:
            passed += stage.expected
            start += stage.duration
            following = next(stages, None)
            if following is None:
                return
            stage = following
        due = start + _time_of(stage, target - passed)
        if due >= until:
            return
        yield from itertools.repeat(due, arrivals.burst)


def _through(arrivals: OpenArrivals, until: float) -> Iterator[Stage]:
    """The stages until *until*: again and again, or with one more at the last rate."""
    length = sum(stage.duration for stage in arrivals.stages)
    rounds = math.ceil(until / length) if arrivals.repeat else 1
    for _ in range(rounds):
        yield from arrivals.stages
    rest = until - length * rounds
    if rest > 0:
        rate = arrivals.stages[-1].end_rate
        yield Stage(rate, rate, rest)


def _time_of(stage: Stage, count: float) -> float:
    """Seconds into *stage* until *count* arrivals are expected: the root of its integral."""
    slope = (stage.end_rate - stage.start_rate) / stage.duration
    if slope == 0.0:
        return count / stage.start_rate
    root = math.sqrt(max(0.0, stage.start_rate**2 + 2.0 * slope * count))
    # The textbook form (root - start_rate) / slope cancels badly for gentle slopes.
    return 2.0 * count / (root + stage.start_rate)
