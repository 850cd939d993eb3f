"""Hosts lose power, with servers or agents on them, and come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from umt_sim.analysis import Result
from umt_sim.bootstrap import run
from umt_sim.journal.records import StationTotals
from umt_sim.measures.flow import balances

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "orders"
ORDERS = (
    "clock={duration: 30s, warmup: 4s, drain: 15s}",
    "workload.0.arrivals.stages=[{rate: 30/s, for: 30s}]",
    "expect=[error_rate(place_order) < 4% during baseline]",
)
CONTENT = (
    "clock={duration: 24s, warmup: 3s, drain: 20s}",
    "workload.0.arrivals.stages=[{rate: 8/s, for: 24s}]",
    "workload.1.arrivals.stages=[{rate: 1/s, for: 24s}]",
    "expect=[error_rate(create_content) < 100% during baseline]",
)


def outcomes(result: Result, name: str, window: str) -> dict[str, int]:
    """How one operation's requests of a window ended."""
    operations = result.operations
    inside = operations[(operations["name"] == name) & (operations.window == window)]
    return {str(key): int(count) for key, count in inside.outcome.value_counts().items()}


@pytest.mark.parametrize("host", ["postgres-server", "rabbitmq-server"])
@pytest.mark.parametrize(("kind", "outcome"), [("crash", "info"), ("kill", "fail")])
def test_a_server_comes_back_after_its_host(
    host: str, kind: str, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without power answers nothing, a killed server refuses; then both serve again."""
    monkeypatch.chdir(EXAMPLE)
    fault = f"faults={{outage: {{at: 10s, for: 4s, host: {host}, {kind}: true}}}}"
    result = run("scenarios/order-outage.yaml", overrides=(*ORDERS, fault))
    assert "passed" == result.status.value, result.summary()
    assert {outcome} == set(outcomes(result, "place_order", "outage"))
    operations = result.operations
    late = operations[operations.scheduled_s > 26.0]
    assert {"ok"} == set(late.outcome)


def test_an_agent_that_lost_power_is_started_again() -> None:
    """No task that was accepted is lost with the agent, and nobody is left waiting afterwards."""
    fault = "faults={outage: {at: 8s, for: 4s, host: content-creation-agent, crash: true}}"
    result = run(ROOT / "scenarios" / "broker-brownout.yaml", overrides=(*CONTENT, fault))
    assert "passed" == result.status.value, result.summary()
    assert outcomes(result, "create_content", "recovery").get("ok", 0) > 40


@pytest.mark.parametrize(("host", "kind"), [("redis-server", "crash"), ("llm-server", "kill")])
def test_a_cache_or_an_upstream_comes_back_after_its_host(host: str, kind: str) -> None:
    """Afterwards it answers again, and what was lost on the way is in the books."""
    fault = f"faults={{outage: {{at: 8s, for: 4s, host: {host}, {kind}: true}}}}"
    result = run(ROOT / "scenarios" / "broker-brownout.yaml", overrides=(*CONTENT, fault))
    assert "passed" == result.status.value, result.summary()
    operation = "read_dashboard" if host == "redis-server" else "create_content"
    assert outcomes(result, operation, "recovery").get("ok", 0) > 10
    (books,) = (t for t in result.journal.of(StationTotals) if t.server == host[:-7])
    assert books.completed > 20
    assert [] == [str(balance) for balance in balances(result.journal) if not balance.holds]


def test_a_server_takes_its_time_to_start_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Away for two seconds and three more to start: requests fail for five."""
    monkeypatch.chdir(EXAMPLE)
    edits = (
        "clock={duration: 20s, warmup: 2s, drain: 5s}",
        "workload.0.arrivals.stages=[{rate: 20/s, for: 20s}]",
        "services.postgres.startup=3s",
        "faults={restart: {at: 8s, for: 2s, target: postgres, restart: true}}",
        "expect=[]",
    )
    result = run("scenarios/order-outage.yaml", overrides=edits)
    failed = result.operations[result.operations.outcome != "ok"].scheduled_s
    assert failed.min() == pytest.approx(8.0, abs=0.2)
    assert failed.max() == pytest.approx(13.0, abs=0.2)
