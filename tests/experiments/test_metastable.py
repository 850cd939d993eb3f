"""Where the metastable failure of the shipped experiments begins and ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from umt_sim.analysis import Result
from umt_sim.bootstrap import run

EXPERIMENTS = Path(__file__).parents[2] / "scenarios" / "experiments"
LONG = "clock={duration: 92s, warmup: 2s, drain: 5s}"
CAPACITY = 30.0


def stays(name: str, *overrides: str) -> bool:
    """Whether the failure of a shipped experiment goes on to the end of a run."""
    return sustained(run(EXPERIMENTS / f"{name}.yaml", overrides=overrides))


def sustained(result: Result) -> bool:
    """Whether nothing at all is answered in the last ten seconds; else everything is."""
    operations = result.operations
    late = operations[operations.scheduled_s > operations.scheduled_s.max() - 10]
    answered = (late.outcome == "ok").mean()
    assert answered in (0.0, 1.0)
    return bool(answered == 0.0)


@pytest.mark.parametrize(("rate", "attempts"), [(12, 2), (16, 2), (8, 3), (11, 3)])
def test_it_sustains_itself_where_attempts_exceed_the_capacity(rate: int, attempts: int) -> None:
    """Self-sustaining if and only if (r + 1) x rate > C."""
    policy = f"{{timeout: 1s, retry: {{max_attempts: {attempts}, backoff: {{base: 1ms}}}}}}"
    overrides = (f"workload.0.arrivals.rate={rate}/s", f"policies.database={policy}", LONG)
    assert (attempts * rate > CAPACITY) == stays("metastable-queued", *overrides)


@pytest.mark.campaign
@pytest.mark.parametrize(("rate", "recovers"), [(26, True), (28, False)])
def test_a_budget_helps_below_capacity_over_one_plus_its_share(rate: int, recovers: bool) -> None:
    """10 % of retries on top fit into 30/s below 27.3 requests/s, however long it then takes."""
    overrides = (
        f"workload.0.arrivals.rate={rate}/s",
        "clock={duration: 400s, warmup: 2s, drain: 5s}",
    )
    assert recovers is not stays("metastable-budget", *overrides)


@pytest.mark.campaign
def test_it_is_the_same_at_the_rates_of_the_paper() -> None:
    """280 requests/s at a database that bears 300 become 560 attempts/s, none of them answered."""
    overrides = ("services.database.request=3333us", "workload.0.arrivals.rate=280/s")
    result = run(EXPERIMENTS / "metastable-queued.yaml", overrides=overrides)
    assert sustained(result)
    until = result.operations.scheduled_s.max() - 1  # whose retries have been made
    attempts = [*result.operations.scheduled_s, *result.retries.at_s]
    assert 560 * 10 == sum(until - 10 < at <= until for at in attempts)
