"""
A station against queueing theory.

``data/ground_truth.json`` holds exact or independently confirmed values and, for each, the
standard deviation of the estimate from one run of the stated length. The mean of the runs,
n observations in all, must lie within 4 × run_sd × sqrt(run_length / n). Seeds derive from
the queue and the number of the run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
import simpy

from umt_sim.distributions import Constant, Distribution, Exponential, Lognormal, Mixture
from umt_sim.journal.recorder import Recorder
from umt_sim.servers.capacity import QueueFull, Station, Totals

CASES = [
    case
    for case in json.loads((Path(__file__).parents[1] / "data" / "ground_truth.json").read_text())
    if case["section"] == "queueing"
]
OBSERVATIONS = 60_000
RUNS = 2

# The rest has more than one station (below), or needs a broker or a cache: tests/ground_truth.
SEVERAL = ("Q22", "Q26", "Q28", "Q29", "Q31", "Q32")
SINGLE = [case for case in CASES if case["id"].split(".")[0] not in SEVERAL]

Process = Generator[simpy.Event, Any, None]


@dataclass
class Observed:
    """What one run saw, in order of arrival where that matters."""

    waits: list[float] = field(default_factory=list)
    sojourns: list[float] = field(default_factory=list)
    service: float = 0.0
    offered: int = 0
    refused: int = 0
    abandoned: int = 0
    waited: int = 0
    seconds: float = 0.0
    totals: Totals | None = None


@dataclass(frozen=True)
class Model:
    """A queue to be run: service, workers, and one source of work."""

    service: Distribution
    workers: int = 1
    rate: float = 0.0
    places: int | None = None
    patience: Distribution | None = None
    users: int = 0
    think: float = 0.0


def model_of(case: dict[str, Any]) -> Model:
    """The queue that a case describes."""
    given = case["params"]
    kind = given["kind"]
    workers = int(given.get("c", 1))
    if kind == "closed M/M/c//N":
        return Model(Exponential(given["S"]), workers, users=int(given["N"]), think=given["Z"])
    return Model(
        service_of(case),
        workers,
        rate=given["lam"],
        places=int(given["K"]) - workers if "K" in given else None,
        patience=patience_of(given),
    )


def service_of(case: dict[str, Any]) -> Distribution:
    given = case["params"]
    if case["id"].startswith("Q08det"):
        return Constant(1 / given["mu"])
    if case["id"].startswith("Q08logn4"):
        return Lognormal.by_moments(mean=1 / given["mu"], cv=2.0)
    if given["kind"].startswith("M/H2/1"):  # 99.9 % fast, 0.1 % a hundred times slower
        return Mixture([Exponential(0.1), Exponential(10.0)], [999, 1])
    if given["kind"].startswith("M/LogN"):
        return Lognormal(given["ln_mu"], given["ln_sigma"])
    if given["kind"].startswith("M/D"):
        return Constant(given["D"] if "D" in given else given["S"])
    return Exponential(1 / given["mu"])


def patience_of(given: dict[str, Any]) -> Distribution | None:
    """How long a caller waits for a worker before it goes away; ``None`` is for ever."""
    if "tau" in given:
        return Constant(given["tau"])
    return Exponential(1 / given["theta"]) if "theta" in given else None


class Run:
    """One run of a model on plain SimPy."""

    def __init__(self, model: Model, seed: str) -> None:
        self.model = model
        self.env = simpy.Environment()
        self.seed = seed
        self.seen = Observed()
        self.station = Station(
            self.env,
            name="station",
            workers=model.workers,
            default=model.service,
            queue_limit=model.places,
            sample_every=1e9,
            stream=Random(f"{seed}:service"),
            recorder=Recorder(lambda: self.env.now),
        )

    def arrivals(self) -> Process:
        """An open source of callers."""
        gaps, stream = Exponential(1 / self.model.rate), Random(f"{self.seed}:arrivals")
        patience = Random(f"{self.seed}:patience")
        for _ in range(OBSERVATIONS):
            yield self.env.timeout(gaps.sample(stream))
            limit = self.model.patience.sample(patience) if self.model.patience else None
            self.env.process(self.caller(limit))

    def caller(self, patience: float | None) -> Process:
        """Wait, be served, and note it."""
        seen, arrived = self.seen, self.env.now
        seen.offered += 1
        try:
            service = self.station.serve("operation")
        except QueueFull:
            seen.refused += 1
            return
        if service.began is None:
            seen.waited += 1
            if patience is not None:
                yield service | self.env.timeout(patience)
                if service.began is None:
                    service.cancel()
                    seen.abandoned += 1
                    return
        if not service.over:
            yield service
        assert service.began is not None
        seen.waits.append(service.began - arrived)
        seen.sojourns.append(self.env.now - arrived)
        seen.service += service.seconds

    def user(self, number: int) -> Process:
        """Think, then call, for ever."""
        think, stream = Exponential(self.model.think), Random(f"{self.seed}:user:{number}")
        while True:
            yield self.env.timeout(think.sample(stream))
            yield from self.caller(None)

    def perform(self) -> Observed:
        """Run until everybody is served, or often enough if users are closed."""
        if self.model.users:
            for number in range(self.model.users):
                self.env.process(self.user(number))
            while len(self.seen.sojourns) < OBSERVATIONS:
                self.env.step()
        else:
            self.env.process(self.arrivals())
            self.env.run()
        self.seen.seconds = self.env.now
        self.seen.totals = self.station.totals()
        return self.seen


@cache
def observed(model: Model, seed: str) -> Observed:
    return Run(model, seed).perform()


def measured(seen: Observed, metric: str) -> float:
    """The estimate of a metric of the data file."""
    if metric in ("p_block", "P_abandon", "P_wait"):
        count = {"p_block": seen.refused, "P_abandon": seen.abandoned, "P_wait": seen.waited}
        return count[metric] / seen.offered
    if metric == "X":
        return len(seen.sojourns) / seen.seconds
    times = seen.waits if metric.startswith("Wq") else seen.sojourns
    if metric.endswith(("_p95", "_p99")):
        share = int(metric[-2:]) / 100
        return sorted(times)[math.ceil(share * len(times)) - 1]
    return math.fsum(times) / len(times)


@pytest.mark.parametrize("case", SINGLE, ids=lambda case: case["id"])
def test_a_station_agrees_with_theory(case: dict[str, Any]) -> None:
    """Waits, sojourns, refusals and throughput are those of the textbook queue."""
    queue = case["id"].split(".")[0]
    runs = [observed(model_of(case), f"{queue}:{number}") for number in range(RUNS)]
    mean = math.fsum(measured(seen, case["metric"]) for seen in runs) / RUNS
    allowed = 4 * case["run_sd"] * math.sqrt(case["run_length"] / (RUNS * OBSERVATIONS))
    assert mean == pytest.approx(case["expected"], abs=allowed)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case["id"].endswith((".Wq", ".p_block"))],
    ids=lambda case: case["id"].split(".")[0],
)
def test_the_account_of_a_run_is_exact(case: dict[str, Any]) -> None:
    """
    Little's law, busy time and the count of callers hold on the sample path itself.

    No statistics: a run that starts and ends empty leaves only rounding, below 1e-9.
    """
    queue = case["id"].split(".")[0]
    seen = observed(model_of(case), f"{queue}:0")
    totals = seen.totals
    assert totals is not None
    assert totals.waiting_seconds == pytest.approx(math.fsum(seen.waits), rel=1e-9, abs=1e-9)
    assert totals.busy_seconds == pytest.approx(seen.service, rel=1e-9)
    in_system = totals.waiting_seconds + totals.busy_seconds
    assert in_system == pytest.approx(math.fsum(seen.sojourns), rel=1e-9)
    assert seen.offered == totals.arrivals == totals.completed + totals.refused + totals.withdrawn
    assert (0, 0) == (totals.busy, totals.waiting)


def test_two_stations_in_line_agree_with_jackson() -> None:
    """The output of one queue is the input of the next, and each is as if alone."""
    cases = {case["metric"]: case for case in CASES if case["id"].startswith("Q32")}
    env = simpy.Environment()
    sojourns: list[tuple[float, float]] = []

    def station(name: str, workers: int, mean: float) -> Station:
        return Station(
            env,
            name=name,
            workers=workers,
            default=Exponential(mean),
            stream=Random(f"Q32:{name}"),
            recorder=Recorder(lambda: env.now),
        )

    first, second = station("first", 1, 1 / 100), station("second", 4, 1 / 25)

    def caller() -> Process:
        arrived = env.now
        yield first.serve("operation")
        between = env.now
        yield second.serve("operation")
        sojourns.append((between - arrived, env.now - between))

    def arrivals() -> Process:
        gaps, stream = Exponential(1 / 60), Random("Q32:arrivals")
        for _ in range(OBSERVATIONS):
            yield env.timeout(gaps.sample(stream))
            env.process(caller())

    env.process(arrivals())
    env.run()
    means = {
        "W1": math.fsum(one for one, _ in sojourns) / len(sojourns),
        "W2": math.fsum(two for _, two in sojourns) / len(sojourns),
        "W": math.fsum(one + two for one, two in sojourns) / len(sojourns),
    }
    for metric, case in cases.items():
        allowed = 4 * case["run_sd"] * math.sqrt(case["run_length"] / OBSERVATIONS)
        assert means[metric] == pytest.approx(case["expected"], abs=allowed)
