"""Faults inside one kind of server, from the scenario to what the client sees."""

from __future__ import annotations

import pytest

from umt_sim.bootstrap import run_plan
from umt_sim.errors import ScenarioError
from umt_sim.scenario.loader import load_text

SHOP = """\
version: 1
name: shop
seed: 1
clock: {{duration: 20s, warmup: 0s, drain: 5s}}
system: shop
services:
  database: {{kind: postgres, query: 1ms}}
  payments: {{kind: http, app: echo}}
workload: [{{name: order, arrivals: {{model: open, process: constant, rate: 2/s}}}}]
faults: {{lost: {{at: 10s, target: {target}, {fault}}}}}
"""


def test_a_lost_commit_breaks_one_order_and_the_database_comes_back() -> None:
    """The order whose COMMIT is not answered fails; three seconds later orders succeed again."""
    plan = load_text(SHOP.format(target="database", fault="lost_commit: 2s"), "shop.yaml")
    result = run_plan(plan)
    operations = result.operations
    assert {"ok"} == set(operations[operations.scheduled_s < 10].outcome)
    assert "ok" != operations[operations.scheduled_s >= 10].outcome.iloc[0]
    assert {"ok"} == set(operations[operations.scheduled_s > 13].outcome)
    (fault,) = result.faults.itertuples()
    assert ("lost_commit", "database") == (fault.kind, fault.target)
    assert fault.connections_touched > 0


@pytest.mark.parametrize(
    ("target", "fault", "sentence"),
    [
        ("database", "for: 2s, disk_full: true", "disk_full happens to rabbitmq only"),
        ("payments", "lost_commit: 2s", "lost_commit happens to postgres only"),
    ],
)
def test_a_fault_inside_a_server_needs_one_of_its_kind(
    target: str, fault: str, sentence: str
) -> None:
    """The problem names the kind it needs and the one it found."""
    with pytest.raises(ScenarioError, match=sentence):
        load_text(SHOP.format(target=target, fault=fault), "shop.yaml")
