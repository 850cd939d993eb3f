"""A run that goes badly enough is ended early, healed, drained and called a failure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from umt_sim.analysis import Result
from umt_sim.bootstrap import run_plan
from umt_sim.expectations.verdicts import Status
from umt_sim.journal.records import FaultRecord, PhaseRecord
from umt_sim.scenario.loader import load_text
from umt_sim.systems.base import Setting
from umt_sim.workload.operations import Arrival, Operations

SCENARIO = """\
version: 1
name: hopeless
clock: {duration: 5m, drain: 10s, warmup: 5s}
system: tests.unit.runner.test_early_end:hopeless
services:
  api: {kind: http, app: llm}
workload:
  - {name: ask, arrivals: {model: open, process: constant, rate: 5/s}}
  - {name: look, arrivals: {model: closed, users: 2, think: 1s}}
faults:
  early: {at: 10s, for: 4m, target: api, toxic: {type: latency, latency: 1s}}
  late: {at: 270s, for: 10s, target: api, down: true}
expect:
  - error_rate(ask) < 5% during late
abort: [error_rate(ask) > 90% for 30s]
"""


@asynccontextmanager
async def hopeless(setting: Setting) -> AsyncIterator[Operations]:
    """A system of which every answer is an error from second 20 on."""

    async def ask(arrival: Arrival) -> None:
        if arrival.scheduled >= 20:
            raise ConnectionError("gone for good")

    async def look(arrival: Arrival) -> None: ...

    yield Operations({"ask": ask, "look": look})


@pytest.fixture(scope="module")
def result() -> Result:
    """One run of it."""
    return run_plan(load_text(SCENARIO))


def test_the_load_ends_when_the_condition_comes_true(result: Result) -> None:
    """At 20 s it begins to fail; at 48 s more than 90 % of the last 30 s have."""
    assert result.journal.header["ended"] == "aborted"
    assert 48.0 == result.journal.header["abort"]["at"]
    assert max(result.operations["scheduled_s"]) <= 48.0


def test_faults_end_there_and_later_ones_never_begin(result: Result) -> None:
    """No fault outlives the load, and the second outage does not take place."""
    assert [("early", 10.0, 48.0)] == [
        (fault.name, fault.started, fault.ended) for fault in result.journal.of(FaultRecord)
    ]


def test_the_run_is_drained_from_there(result: Result) -> None:
    """The phases follow each other as in any run; only the measured one is shorter."""
    phases = {phase.name: (phase.started, phase.ended) for phase in result.journal.of(PhaseRecord)}
    assert [(5.0, 48.0), (48.0, 58.0)] == [phases["measure"], phases["drain"]]


def test_an_aborted_run_has_failed_and_says_why(result: Result) -> None:
    """The condition is a verdict of its own; what never took place is inconclusive."""
    assert result.status is Status.FAILED
    by_name = {verdict.name: verdict for verdict in result.verdict.verdicts}
    abort = by_name["abort: error_rate(ask) > 90% for 30s"]
    assert (Status.FAILED, True) == (abort.status, "before 48 s of the run" in abort.evidence)
    assert by_name["error_rate(ask) < 5% during late"].status is Status.INCONCLUSIVE


def test_a_condition_that_stays_false_changes_nothing() -> None:
    """Whether a run is watched leaves no trace in what happens."""
    watched = SCENARIO.replace("90%", "99.9%").replace("5m", "40s").partition("faults")[0]
    watched += "abort: [error_rate(ask) > 90% for 39s]\n"
    plain = watched.partition("abort")[0]
    rows: list[Any] = [run_plan(load_text(text)).operations for text in (watched, plain)]
    assert rows[0].equals(rows[1])
