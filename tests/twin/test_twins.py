"""
The shipped scenarios against real servers and in virtual time: both pass, and they agree.

All of them with ``--campaign``, as in CI: together they take eight minutes of real time. By
default the notebook ``04-sim-against-live`` runs one, and nobody judges it. A second attempt is
allowed, for a machine that is busy with something else for a moment delays the live world and
not the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from umt_sim.analysis.calibration import calibrate, services_block
from umt_sim.analysis.twin import Twin
from umt_sim.bootstrap import Supply, run_plan, run_twin
from umt_sim.errors import WorldUnavailable
from umt_sim.expectations.verdicts import Status
from umt_sim.scenario.loader import load

SCENARIOS = Path(__file__).parents[2] / "scenarios"
ATTEMPTS = 2

# The three minutes of the first scenario in one, with more requests, on servers of this world.
SHORT = (
    "clock={duration: 56s, warmup: 4s, drain: 6s}",
    "workload.0.arrivals.stages=[{rate: 8/s, for: 56s}]",
    "workload.1.arrivals.stages=[{rate: 12/s, for: 56s}]",
    "services.postgres.query={dist: lognormal, p50: 800us, p99: 12ms}",
    "services.redis.command={dist: lognormal, p50: 500us, p99: 8ms}",
    "faults.brownout.at=32s",
    "faults.brownout.for=9s",
    (
        "expect=["
        "latency(create_content).p95 < 1500ms during baseline,"
        "error_rate(create_content) > 50% during brownout,"
        "breaker(content-creation).opens >= 1 during brownout within 8s,"
        "error_rate(read_dashboard) < 5% during brownout]"
    ),
)

pytestmark = [pytest.mark.live, pytest.mark.campaign]


@contextmanager
def _servers_wanted() -> Iterator[None]:
    """Skip where a real server is missing."""
    try:
        yield
    except WorldUnavailable as error:
        pytest.skip(str(error))


def _twin(name: str, edits: Sequence[str]) -> Twin:
    with _servers_wanted():
        return run_twin(
            SCENARIOS / f"{name}.yaml", overrides=edits, supply=Supply(provider="system")
        )


def _complaints(twin: Twin) -> list[str]:
    """Everything that is wrong with *twin*, a line each."""
    apart = [
        f"{found.subject} {found.number} in {found.window}: {found.sim} and {found.live},"
        f" allowed {found.allowed}; {found.note}"
        for found in twin.comparisons
        if found.status not in (None, Status.PASSED)
    ]
    unmet = [
        f"{result.world}: {verdict.name}: {verdict.evidence}"
        for result in (twin.sim, twin.live)
        for verdict in result.verdict.verdicts
        if verdict.status is not Status.PASSED
    ]
    return apart + unmet


@pytest.mark.parametrize(
    ("name", "edits"),
    [
        ("cache-loss", ()),
        ("database-outage", ()),
        ("broker-brownout", SHORT),
        ("broker-restart", ()),
        ("bandwidth-squeeze", ()),
        ("reset-storm", ()),
    ],
)
def test_both_worlds_pass_and_agree(name: str, edits: Sequence[str], tmp_path: Path) -> None:
    """Latencies, errors, breakers, queues and redelivered messages, all within tolerance."""
    for attempt in range(1, ATTEMPTS + 1):
        twin = _twin(name, edits)
        complaints = _complaints(twin)
        if not complaints:
            return
        twin.save(tmp_path / f"attempt-{attempt}")
    assert [] == complaints, f"both attempts are stored in {tmp_path}"


def test_a_live_run_calibrates_the_sim(tmp_path: Path) -> None:
    """Fit a short live run, write its services into the scenario, and run that in the sim."""
    path = SCENARIOS / "cache-loss.yaml"
    edits = ("clock={duration: 34s, warmup: 4s, drain: 4s}", "faults={}", "expect=[]")
    with _servers_wanted():
        live = run_plan(load(path, world="live", overrides=edits), supply=Supply(provider="system"))
    calibration = calibrate(live)
    assert {"query", "command", "publish"} <= {t.operation for t in calibration.times if t.fit}
    text = path.read_text()
    before, _, rest = text.partition("services:")
    scenario = tmp_path / "calibrated.yaml"
    scenario.write_text(
        before + services_block(calibration) + "workload:" + rest.partition("workload:")[2]
    )
    assert Twin(run_plan(load(scenario, overrides=edits)), live).agree
