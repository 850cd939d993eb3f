"""
Cases of queueing theory, and how near an estimate must come.

One run of n observations is accepted if |estimate - expected| is at most
4 x run_sd x sqrt(run_length / n): ``run_sd`` is the standard deviation of the estimate from
runs of the stated length. All randomness derives from the case and the number of the run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from umt_sim.kernel import Kernel
from umt_sim.network.network import Network

__all__ = ["Case", "Draws", "cases_of", "mean", "quantile", "virtually"]

T = TypeVar("T")

_DATA = Path(__file__).parents[1] / "data" / "ground_truth.json"


@dataclass(frozen=True)
class Case:
    """One expected value."""

    id: str
    section: str
    params: dict[str, float]
    metric: str
    expected: float
    run_length: int
    run_sd: float
    tol_rel: float

    def check(self, estimate: float, observations: int) -> None:
        """
        Accept an estimate or not.

        Args:
            estimate: From one run, or the mean of several.
            observations: How many there were in all; runs, for a case whose length is one run.
        """
        allowed = 4 * self.run_sd * math.sqrt(self.run_length / observations)
        assert abs(estimate - self.expected) <= allowed, (
            f"{self.id}: {estimate:.6g}, expected {self.expected:.6g} ± {allowed:.2g}"
        )


def cases_of(queue: str) -> dict[str, Case]:
    """The cases of one queue, ``Q04`` for example, by metric."""
    found = [case for case in json.loads(_DATA.read_text()) if case["id"].startswith(queue + ".")]
    return {case["metric"]: Case(**case) for case in found}


class Draws:
    """
    The random numbers of one run.

    Args:
        queue: The case.
        run: Number of the run.
    """

    def __init__(self, queue: str, run: int) -> None:
        self._name = f"{queue}:{run}"

    def stream(self, concern: str) -> Random:
        """Those of one concern."""
        return Random(f"{self._name}:{concern}")

    def exponential(self, concern: str, rate: float) -> Callable[[], float]:
        """Times with a mean of 1 / *rate*."""
        stream = self.stream(concern)
        return lambda: stream.expovariate(rate)


def virtually(play: Callable[[Kernel, Network], Coroutine[Any, Any, T]]) -> T:
    """Run *play* in virtual time, on a network where nothing takes time by itself."""
    with Kernel(seed=1) as kernel:
        return kernel.run(play(kernel, Network(kernel)))


def mean(values: list[float]) -> float:
    """Their arithmetic mean."""
    return math.fsum(values) / len(values)


def quantile(values: list[float], share: float) -> float:
    """The least value that at least *share* of them do not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]
