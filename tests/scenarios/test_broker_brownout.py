"""The first shipped scenario, end to end: what the README promises of it."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from umt_sim.analysis import Result
from umt_sim.bootstrap import run

ROOT = Path(__file__).parents[2]
SCENARIO = ROOT / "scenarios" / "broker-brownout.yaml"

# Shorter days: the same story with less of it, for tests that run it several times.
SHORT = (
    "clock={duration: 30s, warmup: 5s, drain: 15s}",
    "workload.0.arrivals.stages.0={rate: 12/s, for: 30s}",
    "workload.1.arrivals.stages.0={rate: 4/s, for: 30s}",
    "faults.brownout.at=10s",
    "faults.brownout.for=8s",
)
SHORTEST = (
    "clock={duration: 10s, warmup: 2s, drain: 10s}",
    "workload.0.arrivals.stages.0={rate: 12/s, for: 10s}",
    "workload.1.arrivals.stages.0={rate: 4/s, for: 10s}",
    "faults.brownout.at=3s",
    "faults.brownout.for=4s",
)
UNGUARDED = (
    "policies.content-creation={timeout: 3s}",
    "policies.llm={timeout: 2s}",
)


@pytest.fixture(scope="module")
def result() -> Result:
    """The scenario as shipped."""
    return run(SCENARIO)


@pytest.fixture(scope="module")
def short() -> Result:
    return run(SCENARIO, overrides=SHORT)


def test_the_scenario_passes(result: Result) -> None:
    """Every expectation and invariant of the file holds."""
    failed = [
        str(verdict) for verdict in result.verdict.verdicts if verdict.status.value != "passed"
    ]
    assert [] == failed


def test_three_minutes_of_requests_were_made(result: Result) -> None:
    """20 requests/s for 180 s: 3600, give or take four standard deviations of the count."""
    assert abs(len(result.operations) - 3600) < 4 * 60


def test_the_breaker_opens_in_the_brownout_and_closes_after_it(result: Result) -> None:
    """Transitions begin with closed → open during the fault and end with half-open → closed."""
    breakers = result.breakers
    changes = breakers[
        (breakers.breaker == "content-creation") & (breakers.event == "state_transition")
    ]
    first, last = changes.iloc[0], changes.iloc[-1]
    assert ("closed", "open") == (first.from_state, first.to_state)
    assert 115.0 <= first.at_s < 150.0
    assert ("half_open", "closed") == (last.from_state, last.to_state)
    assert last.at_s >= 150.0


def created(operations: pd.DataFrame) -> pd.DataFrame:
    """The requests for content that were answered."""
    return operations[(operations["name"] == "create_content") & (operations.outcome == "ok")]


def test_what_does_not_need_the_broker_does_not_notice(result: Result) -> None:
    """Every look at the dashboard succeeds, in the brownout too."""
    operations = result.operations
    assert {"ok"} == set(operations[operations["name"] == "read_dashboard"].outcome)


def test_one_request_is_one_trace_across_agents_broker_and_database(result: Result) -> None:
    """Spans of client, three agents, broker, database, cache and LLM share a trace in order."""
    operations = result.operations
    request = created(operations).iloc[100]
    trace = result.spans[result.spans.trace_id == request.trace_id]
    systems = {
        value
        for attributes in trace.attributes
        for key, value in attributes.items()
        if key in ("db.system.name", "messaging.system")
    }
    assert {"postgresql", "redis", "rabbitmq"} <= systems
    assert any("completions" in str(attributes) for attributes in trace.attributes)
    assert 1 == trace.parent_id.isna().sum()
    assert set(trace.parent_id.dropna()) <= set(trace.span_id)
    root = trace[trace.parent_id.isna()].iloc[0]
    assert root.start_s == pytest.approx(request.started_s, abs=1e-6)
    assert (trace.start_s >= root.start_s).all()


def test_spans_last_as_long_as_in_virtual_time(result: Result) -> None:
    """The root span of an answered request ends when its record says so."""
    request = created(result.operations).iloc[50]
    spans = result.spans
    root = spans[(spans.trace_id == request.trace_id) & spans.parent_id.isna()].iloc[0]
    assert root.end_s == pytest.approx(request.completed_s, abs=1e-6)


def test_without_retries_and_breaker_the_journal_is_another(short: Result) -> None:
    """
    Policies change the outcome visibly.

    With them most requests in the brownout are refused at once; without them every
    request waits out its timeout, nothing is refused and nothing is retried.
    """
    bare = run(SCENARIO, overrides=(*SHORT, *UNGUARDED))

    def during(result: Result, error: str) -> int:
        operations = result.operations
        inside = operations[operations.window == "brownout"]
        return int((inside.error == error).sum())

    assert 0 == during(bare, "CircuitOpenError") == len(bare.retries) == len(bare.breakers)
    assert during(short, "CircuitOpenError") > 20
    assert during(bare, "CallTimedOut") > during(short, "CallTimedOut")
    assert short.tape_hash != bare.tape_hash


def fingerprint(seed: int, day: tuple[str, ...]) -> str:
    """The tape hash of a shorter day, run in a new process with a random hash seed."""
    program = (
        "import sys; from umt_sim.bootstrap import run;"
        "print(run(sys.argv[1], seed=int(sys.argv[2]), overrides=sys.argv[3:]).tape_hash)"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONHASHSEED"}
    done = subprocess.run(
        [sys.executable, "-c", program, str(SCENARIO), str(seed), *day],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return done.stdout.strip()


def test_one_seed_has_one_tape_hash_in_six_processes(campaign: bool) -> None:
    """Six processes agree on the tape of a seed; another seed has another."""
    day = SHORT if campaign else SHORTEST
    with ThreadPoolExecutor(max_workers=2) as pool:
        *same, other = pool.map(partial(fingerprint, day=day), [7, 7, 7, 7, 7, 7, 8])
    assert 1 == len(set(same))
    assert other not in same


def test_a_planted_set_iteration_is_caught(tmp_path: Path) -> None:
    """Code that walks a set of strings differs between processes, and the check names where."""
    (tmp_path / "careless.py").write_text(
        "import asyncio\n"
        "from contextlib import asynccontextmanager\n"
        "from umt_sim.workload.operations import Operations\n"
        "@asynccontextmanager\n"
        "async def system(setting):\n"
        "    async def ask(arrival):\n"
        "        for word in {'alpha', 'beta', 'gamma', 'delta', 'epsilon'}:\n"
        "            await asyncio.sleep(len(word) / 1000)\n"
        "    yield Operations({'ask': ask})\n"
    )
    (tmp_path / "careless.yaml").write_text(
        "version: 1\n"
        "name: careless\n"
        "seed: 1\n"
        "clock: {duration: 2s, warmup: 0s, drain: 1s}\n"
        "system: careless:system\n"
        "services: {}\n"
        "workload: [{name: ask, arrivals: {model: open, process: constant, rate: 5/s}}]\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "umt_sim.cli", "run", "careless.yaml", "--check-determinism"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 1 == done.returncode, done.stderr
    assert "two runs of one seed differ" in done.stderr
    assert "careless.py:8" in done.stderr
