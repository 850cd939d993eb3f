"""Which server a scenario asks for decides how a run ends."""

from __future__ import annotations

import pytest

from umt_sim.bootstrap import run_plan
from umt_sim.expectations.verdicts import Status
from umt_sim.scenario.loader import load_text

SCENARIO = """\
version: 1
name: particular
clock: {{duration: 12s, warmup: 0s, drain: 3s}}
system: tests.scenarios.particular:{system}
services: {services}
workload: [{{name: work, arrivals: {{model: open, process: constant, rate: {rate}}}}}]
faults: {faults}
"""


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("", Status.PASSED),
        (', version: "4"', Status.PASSED),
        (', version: "3.13"', Status.FAILED),
    ],
)
def test_rabbitmq_4_gives_up_what_3_13_returns_for_ever(version: str, status: Status) -> None:
    """A quorum queue of version 4 gives a message up after 20 returns; left out means version 4."""
    text = SCENARIO.format(
        system="never_sets_aside",
        services=f"{{broker: {{kind: rabbitmq{version}}}}}",
        rate="0.1/s",  # one job
        faults="{}",
    )
    plan = load_text(text + "invariants: [queues_drain]\n", "particular.yaml")
    (verdict,) = run_plan(plan).verdict.verdicts
    assert status == verdict.status, verdict.evidence


@pytest.mark.parametrize(
    ("persistence", "restarted", "killed"),
    [
        ("", Status.FAILED, Status.FAILED),
        (", persistence: none", Status.FAILED, Status.FAILED),
        (", persistence: snapshot, snapshot_every: 60s", Status.PASSED, Status.FAILED),
        (", persistence: snapshot, snapshot_every: 2s", Status.PASSED, Status.PASSED),
        (", persistence: always", Status.PASSED, Status.PASSED),
    ],
)
def test_redis_has_left_what_it_keeps(persistence: str, restarted: Status, killed: Status) -> None:
    """Stopped in good order it takes one more snapshot, killed it does not; left out means none."""
    faults = {"target: cache, restart: true": restarted, "host: cache-server, kill: true": killed}
    for fault, status in faults.items():
        text = SCENARIO.format(
            system="trusts_its_cache",
            services=f"{{cache: {{kind: redis{persistence}}}}}",
            rate="5/s",
            faults=f"{{away: {{at: 5s, for: 1s, {fault}}}}}",
        )
        asked = "expect: [error_rate(work) < 1% after away within 1s for 4s]\n"
        (verdict,) = run_plan(load_text(text + asked, "particular.yaml")).verdict.verdicts
        assert status == verdict.status, (fault, verdict.evidence)
