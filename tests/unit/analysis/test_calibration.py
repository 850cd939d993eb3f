"""Service times fitted to client spans."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.fakes.journals import fault, journal, request
from tests.fakes.samples import sample
from umt_sim.analysis import Result
from umt_sim.analysis.calibration import FittedTime, calibrate, services_block
from umt_sim.bootstrap import run_plan
from umt_sim.distributions import (
    Distribution,
    Exponential,
)
from umt_sim.errors import JournalError
from umt_sim.journal.records import SpanRow
from umt_sim.measures.fitting import Fit
from umt_sim.scenario.loader import load_text

SERVICES: dict[str, dict[str, Any]] = {
    "db": {"kind": "postgres", "query": "9ms", "workers": 8},
    "broker": {"kind": "rabbitmq", "deliver": "9ms"},
    "cache": {"kind": "redis", "command": {"dist": "uniform", "low": "1ms", "high": "2ms"}},
    "llm": {"kind": "http", "app": "llm", "request": "250ms"},
}


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
