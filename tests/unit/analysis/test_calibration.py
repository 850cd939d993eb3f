"""Service times fitted to client spans."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import pytest

from tests.fakes.journals import fault, journal, request
from umt_sim.analysis import Result
from umt_sim.analysis.calibration import FittedTime, calibrate, services_block
from umt_sim.analysis.calibration.fitting import ENOUGH, Fit, fit, ks_distance
from umt_sim.bootstrap import run_plan
from umt_sim.distributions import (
    Constant,
    Distribution,
    Empirical,
    Exponential,
    Gamma,
    Lognormal,
    Mixture,
    Uniform,
    Weibull,
)
from umt_sim.errors import JournalError
from umt_sim.journal.records import SpanRow
from umt_sim.scenario.loader import load_text

SERVICES: dict[str, dict[str, Any]] = {
    "db": {"kind": "postgres", "query": "9ms", "workers": 8},
    "broker": {"kind": "rabbitmq", "deliver": "9ms"},
    "cache": {"kind": "redis", "command": {"dist": "uniform", "low": "1ms", "high": "2ms"}},
    "llm": {"kind": "http", "app": "llm", "request": "250ms"},
}


def sample(distribution: Distribution, n: int = 4000) -> np.ndarray[Any, np.dtype[np.float64]]:
    stream = Random(5)
    return np.array([distribution.sample(stream) for _ in range(n)])


@pytest.mark.parametrize(
    ("truth", "parameters"),
    [
        (Exponential(0.003), ("mean",)),
        (Lognormal.by_quantiles(p50=0.001, p99=0.008), ("mu", "sigma")),
        (Gamma.by_moments(mean=0.004, cv=0.5), ("shape", "scale")),
        (Weibull.by_mean(mean=0.01, shape=2.5), ("scale", "shape")),
    ],
)
def test_samples_of_a_family_give_back_its_parameters(
    truth: Distribution, parameters: Sequence[str]
) -> None:
    """4000 samples: the family is found, each parameter within 5 %, the distance is chance."""
    found = fit(sample(truth))
    assert type(truth) is type(found.distribution)
    for name in parameters:
        assert getattr(found.distribution, name) == pytest.approx(getattr(truth, name), rel=0.05)
    assert found.distance < 1.63 / 4000**0.5  # 99 % of samples of the true distribution
    assert 3 == len(found.rejected)


def test_where_no_family_fits_the_observed_times_stand_for_themselves() -> None:
    """A fast path and a slow one: forty quantiles of the sample, closer than any family."""
    found = fit(sample(Mixture([Uniform(0.001, 0.002), Uniform(0.1, 0.11)], [3, 1])))
    assert isinstance(found.distribution, Empirical)
    assert 40 == len(found.distribution.values)
    assert found.distance < 0.03 < 0.1 < min(found.rejected.values())


def test_the_distance_is_the_widest_gap_between_two_curves() -> None:
    """Three observations against a uniform: the second step, from 1/3 to 2/3, is 0.4667 off."""
    assert ks_distance(np.array([0.1, 0.2, 0.9]), lambda x: x) == pytest.approx(2 / 3 - 0.2)


def test_too_few_observations_are_not_fitted() -> None:
    """A hundred at least; the message says how many there are."""
    times = sample(Exponential(1.0), ENOUGH)
    assert ENOUGH == fit(times).n
    with pytest.raises(ValueError, match="99 observations are too few to fit; 100 are needed"):
        fit(times[:-1])
    with pytest.raises(ValueError, match="not all alike"):
        fit(sample(Constant(1.0)))


def call(start: float, seconds: float, **attributes: str) -> SpanRow:
    """The span of a call that succeeded."""
    kind = "producer" if "messaging_system" in attributes else "client"
    named = {name.replace("_", "."): value for name, value in attributes.items()}
    return SpanRow("t", "s", None, "call", kind, "umt", start, start + seconds, "ok", None, named)


def queries(truth: Distribution, n: int = 1000, round_trip: float = 0.0004) -> list[SpanRow]:
    """Calls of a database whose shortest takes nothing but the round trip."""
    times = sample(truth, n)
    times -= times.min()
    return [
        call(n * 0.05, round_trip + time, db_system_name="postgresql")
        for n, time in enumerate(times)
    ]


def calibrated(*spans: SpanRow, services: Any = SERVICES) -> Result:
    return Result(journal(request(0, 1.0), *spans, plan={"services": services}))


def found(result: Result, operation: str) -> FittedTime:
    return next(time for time in calibrate(result).times if time.operation == operation)


def fitted(result: Result, operation: str) -> Fit:
    fit = found(result, operation).fit
    assert fit is not None
    return fit


def test_the_shortest_round_trip_is_the_networks() -> None:
    """Half of it is the base latency one way; what calls took beyond it is the server's."""
    result = calibrated(*queries(Exponential(0.003)))
    assert calibrate(result).latency == pytest.approx(0.0002)
    query = fitted(result, "query").distribution
    assert isinstance(query, Exponential)
    assert query.mean == pytest.approx(0.003, rel=0.1)


def test_only_the_calm_part_of_a_run_is_read() -> None:
    """Calls during the fault do not count, nor do those that failed."""
    slow = [call(60 + n * 0.01, 5.0, db_system_name="postgresql") for n in range(200)]
    result = Result(
        journal(
            *queries(Exponential(0.003)),
            *slow,
            fault("brownout", 55, 70),
            plan={"services": SERVICES},
        )
    )
    assert 1000 == found(result, "query").n


def test_what_was_hardly_called_keeps_its_time_and_says_why() -> None:
    """99 commands are too few; the block repeats what the scenario states, with the reason."""
    few = [call(n * 0.1, 0.001 + n * 1e-5, db_system_name="redis") for n in range(99)]
    result = calibrated(*queries(Exponential(0.003)), *few)
    assert found(result, "command").fit is None
    assert (
        "command: {dist: uniform, low: 1ms, high: 2ms}"
        " # as it was; 99 seen: too few, 100 are needed"
    ) in services_block(calibrate(result))


@pytest.mark.parametrize(
    ("lead", "reason"),
    [(0.010, ""), (-0.001, "delivered no later than confirmed")],
    ids=["after", "before"],
)
def test_deliveries_count_from_the_confirmation(lead: float, reason: str) -> None:
    """Handing on takes time only where consumers mostly get messages after the confirm."""
    stream = Random(3)
    spans = []
    for n in range(300):
        published = call(
            n * 0.1, 0.002 + 0.001 * stream.random(), messaging_system="rabbitmq",
            messaging_message_id=str(n),
        )  # fmt: skip
        start = published.end + lead + 0.001 * stream.random()
        consumed = SpanRow(
            "t", "c", None, "process", "consumer", "umt", start, start + 1, "ok", None,
            {"messaging.message.id": str(n)},
        )  # fmt: skip
        spans += [published, consumed]
    delivery = found(calibrated(*spans), "deliver")
    assert (300, reason) == (delivery.n, delivery.reason)
    assert (delivery.fit is None) == bool(reason)


def test_nothing_to_fit_is_said() -> None:
    """No call at all, and two services that look alike, are errors with their reason."""
    with pytest.raises(JournalError, match="no span of a call to a service"):
        calibrate(calibrated())
    twice = {"one": {"kind": "redis"}, "two": {"kind": "redis"}}
    with pytest.raises(JournalError, match="the calls to one and two cannot be told apart"):
        calibrate(calibrated(*queries(Exponential(0.003)), services=twice))


SCENARIO = """
version: 1
name: calibrated
seed: 4
clock: {duration: 6s, warmup: 500ms, drain: 1s}
workload:
  - name: create_content
    arrivals: {model: open, process: poisson, rate: 10/s}
  - name: read_dashboard
    arrivals: {model: open, process: poisson, rate: 60/s}
"""
STATED = """
services:
  rabbitmq: {kind: rabbitmq, latency: 2ms, publish: {dist: lognormal, p50: 1ms, p99: 8ms}}
  postgres: {kind: postgres, latency: 2ms, query: {dist: gamma, mean: 2ms, cv: 0.6}}
  redis: {kind: redis, latency: 2ms, command: {dist: exponential, mean: 400us}}
  llm: {kind: http, latency: 2ms, app: llm, request: 20ms}
"""


def test_the_block_is_a_scenario_that_runs_as_the_calibrated_one_did() -> None:
    """
    Write, load, run, calibrate again: medians are found again within 20 %.

    But for publishing, where calls wait for each other: waiting is counted as service.
    """
    first = calibrate(run_plan(load_text(SCENARIO + STATED)))
    again = calibrate(run_plan(load_text(SCENARIO + services_block(first))))
    assert first.latency == pytest.approx(again.latency, rel=0.02) == pytest.approx(0.002, rel=0.02)
    assert {"command", "publish", "query"} == {t.operation for t in first.times if t.fit}
    for one, two in zip(first.times, again.times, strict=True):
        if one.operation != "publish" and one.fit is not None and two.fit is not None:
            assert one.fit.p50 == pytest.approx(two.fit.p50, rel=0.2)
