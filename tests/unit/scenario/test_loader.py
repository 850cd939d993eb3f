"""A good file becomes a frozen plan of the lower layers' values."""

from __future__ import annotations

import itertools
import json

import pytest

from umt_sim.distributions import Constant, Exponential, Lognormal
from umt_sim.errors import ScenarioError
from umt_sim.faults.actions import AddToxic, Crash, Down, Partition, Stream
from umt_sim.faults.timeline import Window
from umt_sim.faults.toxics import Latency
from umt_sim.scenario.loader import load_frozen, load_text
from umt_sim.scenario.plan import Clock
from umt_sim.servers.specs import ServiceSpec
from umt_sim.systems.finder import SystemNotFound
from umt_sim.workload.values import ClosedUsers, Limit, Load, OpenArrivals, Stage

TEXT = """\
version: 1
name: broker-brownout
description: RabbitMQ answers 900 ms late
seed: 20261122
clock: {duration: 5m, warmup: 20s}
services:
  rabbitmq: {kind: rabbitmq, publish: {dist: lognormal, p50: 1ms, p99: 8ms}, workers: 4}
  postgres: {kind: postgres, query: {dist: exponential, mean: 3ms}, max_connections: 40}
  redis:    {kind: redis, command: 200us}
  llm:      {kind: http, app: llm, request: 400ms, concurrency: 16, errors: {429: 0.5%}}
workload:
  - name: create_content
    arrivals:
      model: open
      stages: [{rate: 10/s, for: 1m}, {to: 40/s, for: 2m}, {rate: 40/s, for: 2m}]
      max_in_flight: 500
      on_full: wait
  - name: read_dashboard
    arrivals: {model: closed, users: 10, think: {dist: exponential, mean: 2s}}
policies:
  content-creation:
    timeout: 2s
    retry: {max_attempts: 3, backoff: {base: 100ms, jitter: full}, budget: 10%}
    breaker: {window: 20, failure_rate: 50%, open_for: 10s, half_open_calls: 3}
    bulkhead: {max: 64}
faults:
  brownout:
    {at: 90s, for: 45s, target: rabbitmq,
     toxic: {type: latency, stream: both, latency: 900ms, jitter: 200ms}}
  outage: {at: 3m, for: 20s, target: postgres, down: true}
  crash: {at: 4m, for: 5s, host: agent, crash: true}
  split: {at: 4m10s, for: 5s, between: [agent, redis], partition: true, one_way: true}
expect:
  - latency(create_content).p95 < 800ms during baseline
  - breaker(content-creation).opens >= 1 during brownout within 5s
invariants: [no_lost_messages]
"""

PLAN = load_text(TEXT, "f.yaml", find=None)


def test_the_clock_is_in_seconds() -> None:
    """Durations lose their units when the plan is frozen; the drain has a default."""
    assert Clock(duration=300.0, warmup=20.0, drain=30.0) == PLAN.clock


def test_services_are_specs_with_distributions() -> None:
    """Each service knows its kind, how fast it is, and its limits."""
    assert PLAN.services == {
        "rabbitmq": ServiceSpec(
            "rabbitmq", "rabbitmq", {"publish": Lognormal.by_quantiles(p50=0.001, p99=0.008)}, 4
        ),
        "postgres": ServiceSpec(
            "postgres", "postgres", {"query": Exponential(0.003)}, max_connections=40
        ),
        "redis": ServiceSpec("redis", "redis", {"command": Constant(0.0002)}),
        "llm": ServiceSpec(
            "llm", "http", {"request": Constant(0.4)}, 16, app="llm", errors={429: 0.005}
        ),
    }


def test_a_stage_begins_where_the_one_before_it_ended() -> None:
    """``to`` is a ramp from the last rate; ``rate`` is a constant stretch."""
    assert PLAN.workload == (
        Load(
            "create_content",
            OpenArrivals(
                (Stage(10, 10, 60), Stage(10, 40, 120), Stage(40, 40, 120)),
                limit=Limit(500, "wait"),
            ),
        ),
        Load("read_dashboard", ClosedUsers(10, Exponential(2.0))),
    )


def test_policies_are_plain_numbers_of_what_is_stated() -> None:
    """Seconds and fractions; nothing that the scenario leaves out."""
    assert PLAN.policies == {
        "content-creation": {
            "timeout": 2.0,
            "retry": {
                "max_attempts": 3,
                "backoff": {"base": 0.1, "factor": 2.0, "jitter": "full"},
                "budget": 0.1,
            },
            "breaker": {
                "window": 20,
                "failure_rate": 0.5,
                "open_for": 10.0,
                "half_open_calls": 3,
            },
            "bulkhead": {"max": 64},
        }
    }


def test_a_breaker_window_is_calls_or_time() -> None:
    """A whole number counts calls, a duration is a stretch of time."""
    timed = load_text(TEXT, find=None, overrides=["policies.content-creation.breaker.window=30s"])
    assert timed.policies["content-creation"]["breaker"]["window"] == 30.0


def test_faults_are_actions_on_a_timeline() -> None:
    """Each fault names a window; what goes wrong is a value of the faults package."""
    actions = {fault.name: fault.action for fault in PLAN.timeline.faults}
    assert actions == {
        "brownout": AddToxic(
            target="rabbitmq",
            toxic=Latency(latency_ms=900, jitter_ms=200),
            stream=Stream.BOTH,
        ),
        "outage": Down(target="postgres"),
        "crash": Crash(host="agent"),
        "split": Partition(left="agent", right="redis", one_way=True),
    }
    assert PLAN.timeline.windows["baseline"] == Window("baseline", 20.0, 90.0)
    assert PLAN.timeline.windows["recovery"] == Window("recovery", 255.0, 300.0)


def test_the_frozen_document_is_a_scenario_that_gives_the_same_plan() -> None:
    """What the journal keeps can be read again and run again."""
    kept = json.loads(json.dumps(PLAN.as_dict()))
    again = load_frozen(kept, find=None)
    assert again.as_dict() == kept
    assert (again.services, again.workload, again.policies) == (
        PLAN.services,
        PLAN.workload,
        PLAN.policies,
    )
    assert again.timeline.faults == PLAN.timeline.faults
    assert [e.text for e in again.expectations] == [e.text for e in PLAN.expectations]


def test_the_seed_of_the_command_line_wins() -> None:
    """It replaces ``seed`` and ``seeds`` and is kept in the frozen document."""
    plan = load_text(TEXT, find=None, seed=7)
    assert (plan.seed, plan.seeds, plan.as_dict()["seed"]) == (7, (7,), 7)


def test_seeds_are_replications() -> None:
    """A range names every seed in it; a plan is for the first."""
    plan = load_text(TEXT.replace("seed: 20261122", "seeds: 3..5"), find=None)
    assert (plan.seed, plan.seeds) == (3, (3, 4, 5))
    assert "seeds" not in plan.as_dict()


def test_without_a_seed_it_is_one() -> None:
    """A run is reproducible even if nobody thought of it."""
    assert load_text(TEXT.replace("seed: 20261122\n", ""), find=None).seed == 1


RANDOM = """
  nemesis:
    random:
      between: [1m, 4m]
      mean_gap: 10s
      for: [2s, 8s]
      targets: [rabbitmq, redis]
      choose: [{weight: 3, toxic: {type: reset_peer}}, {down: true}]
"""


def test_random_faults_come_from_the_seed() -> None:
    """One seed gives the same faults, another seed others; all lie where they should."""
    text = TEXT[: TEXT.index("  brownout:")] + RANDOM.lstrip("\n")
    first, again, other = (load_text(text, find=None, seed=seed) for seed in (1, 1, 2))
    faults = first.timeline.faults
    assert faults == again.timeline.faults
    assert faults != other.timeline.faults
    assert [f"nemesis#{n}" for n in range(1, len(faults) + 1)] == [f.name for f in faults]
    assert all(60 <= f.at and f.until <= 240 and 2 <= f.duration <= 8 for f in faults)
    assert all(before.until <= after.at for before, after in itertools.pairwise(faults))
    assert {"reset_peer", "down"} == {f.action.kind for f in faults}


def test_adding_a_random_fault_leaves_the_others_where_they_are() -> None:
    """Each random fault has a stream of its own."""
    text = TEXT[: TEXT.index("  brownout:")] + RANDOM.lstrip("\n")
    second = RANDOM.replace("nemesis", "gremlin").replace("[1m, 4m]", "[4m10s, 4m50s]")
    both = load_text(text + second.lstrip("\n"), find=None, seed=1)
    alone = load_text(text, find=None, seed=1)
    kept = [f for f in both.timeline.faults if f.name.startswith("nemesis")]
    assert list(alone.timeline.faults) == kept


def test_a_system_that_is_not_there_is_a_problem_of_the_scenario() -> None:
    """The finder's sentence is reported at the line that names the system."""

    def find(name: str) -> None:
        raise SystemNotFound(f"there is no module {name!r} here")

    with pytest.raises(ScenarioError, match=r"f\.yaml:6:9: system: there is no module 'a:b' here"):
        load_text(
            TEXT.replace("services:", "system: a:b\nservices:"),
            "f.yaml",
            find=find,  # type: ignore[arg-type]
        )


def test_every_http_application_can_be_named() -> None:
    """What a scenario may write as ``app`` is what the HTTP server has."""
    from typing import get_args

    from umt_sim.servers.http.applications import APPLICATIONS
    from umt_sim.servers.specs import App

    assert tuple(APPLICATIONS) == get_args(App)
