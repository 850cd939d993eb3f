"""Everything that can be wrong in a scenario file is reported with its place and a remedy."""

from __future__ import annotations

import textwrap

import pytest

from umt_sim.errors import ScenarioError
from umt_sim.scenario.loader import load_text
from umt_sim.systems.base import System

WHOLE = """\
version: 1
name: example
clock: {duration: 5m, warmup: 20s}
services:
  rabbitmq: {kind: rabbitmq}
  postgres: {kind: postgres}
workload:
  - name: create
    arrivals: {model: open, rate: 10/s}
policies:
  content: {timeout: 2s}
"""
"""Eleven good lines; a case's own begin in line 12."""


def nothing_starts(setting: object) -> None:
    """A system that only exists to be named."""


SYSTEM = System(
    "umt",
    load=lambda: nothing_starts,  # type: ignore[arg-type, return-value]
    operations=("create_content", "read_dashboard"),
    policies=("content-creation", "publishing"),
    services={"rabbitmq": "rabbitmq", "redis": "redis"},
)


def problems(text: str, **options: object) -> list[str]:
    """What the loader says about a file called ``f.yaml``."""
    options = {"find": None, **options}
    with pytest.raises(ScenarioError) as caught:
        load_text(text, "f.yaml", **options)  # type: ignore[arg-type]
    return [str(problem) for problem in caught.value.problems]


BROKEN_TAIL = [
    # faults: spelling and shape
    (
        "faults:\n  outage: {at: 3m, fro: 20s, target: postgres, down: true}",
        '13:20: faults.outage.fro: unknown field, did you mean "for"?',
    ),
    (
        "faults:\n  outage: {at: 3m, target: postgres, down: true}",
        "13:11: faults.outage: for is required: every fault ends by itself",
    ),
    (
        "faults:\n  outage: {for: 3s, target: postgres, down: true}",
        "13:11: faults.outage: at is required: when the fault begins",
    ),
    (
        "faults:\n  outage: {at: 3m, for: 20s, down: true}",
        "13:11: faults.outage: down needs target: the name of a service",
    ),
    (
        "faults:\n  gone: {at: 3m, for: 20s, target: postgres, crash: true}",
        "13:9: faults.gone: crash needs host: the name of a host",
    ),
    (
        "faults:\n  gone: {at: 3m, for: 20s, host: db, target: postgres, crash: true}",
        "13:9: faults.gone: crash takes host, not target",
    ),
    (
        "faults:\n  split: {at: 3m, for: 20s, between: [a], partition: true}",
        "13:38: faults.split.between: must not be empty",
    ),
    (
        "faults:\n  split: {at: 3m, for: 20s, between: [a, a], partition: true}",
        "13:10: faults.split: both hosts are 'a'; name two different ones",
    ),
    (
        "faults:\n  outage: {at: 3m, for: 20s, target: postgres, down: false}",
        "13:54: faults.outage.down: False is not allowed; write True",
    ),
    # faults: time
    (
        "faults:\n  outage: {at: 3m, for: 0s, target: postgres, down: true}",
        "13:25: faults.outage.for: must be above 0",
    ),
    (
        "faults:\n  outage: {at: 4m50s, for: 20s, target: postgres, down: true}",
        "13:3: faults.outage: ends at 310 s, after the run's end at 300 s",
    ),
    (
        "faults:\n  baseline: {at: 3m, for: 20s, target: postgres, down: true}",
        (
            "13:3: faults.baseline: is the name of a window that every run has;"
            " choose another than 'baseline'"
        ),
    ),
    (
        "faults:\n  run: {at: 3m, for: 20s, target: postgres, down: true}",
        "13:3: faults.run: is the name of a window every run has",
    ),
    (
        (
            "faults:\n  a: {at: 3m, for: 20s, target: postgres, down: true}\n"
            "  b: {at: 190s, for: 20s, target: postgres, down: true}"
        ),
        (
            "14:3: faults.b: begins at 190 s while 'a' still holds down postgres until 200 s;"
            " move one of them"
        ),
    ),
    # faults: targets and toxics
    (
        "faults:\n  outage: {at: 3m, for: 20s, target: postgre, down: true}",
        '13:38: faults.outage.target: unknown service "postgre", did you mean "postgres"?',
    ),
    (
        "faults:\n  slow: {at: 3m, for: 20s, target: postgres, toxic: {type: latncy}}",
        '13:60: faults.slow.toxic.type: unknown "latncy", did you mean "latency"?',
    ),
    (
        "faults:\n  slow: {at: 3m, for: 20s, target: postgres, toxic: {latency: 1s}}",
        (
            "13:46: faults.slow.toxic.type: is required; one of latency, bandwidth, slow_close,"
            " timeout, reset_peer, slicer, limit_data"
        ),
    ),
    (
        (
            "faults:\n  slow: {at: 3m, for: 20s, target: postgres, "
            "toxic: {type: latency, latency: 200us}}"
        ),
        (
            "13:53: faults.slow.toxic: latency_ms is 0.2 ms, which Toxiproxy would round to 0;"
            " give 0 or at least 1 ms"
        ),
    ),
    (
        "faults:\n  slow: {at: 3m, for: 20s, target: postgres, toxic: {type: bandwidth, rate: 10}}",
        "13:77: faults.slow.toxic.rate: 10 has no unit, write for example '10KB/s'",
    ),
    (
        (
            "faults:\n  slow: {at: 3m, for: 20s, target: postgres, "
            "toxic: {type: limit_data, bytes: 0.5B}}"
        ),
        "13:79: faults.slow.toxic.bytes: '0.5B' is not a whole number of bytes",
    ),
    (
        (
            "faults:\n  slow: {at: 3m, for: 20s, target: postgres, "
            "toxic: {type: latency, latency: 1s, stream: up}}"
        ),
        "13:90: faults.slow.toxic.stream: 'up' is not allowed; write downstream, upstream, both",
    ),
    (
        (
            "faults:\n  slow: {at: 3m, for: 20s, target: postgres, "
            "toxic: {type: latency, latency: 1s, toxicity: 120%}}"
        ),
        "13:92: faults.slow.toxic.toxicity: must be at most 1",
    ),
    # faults: random
    (
        (
            "faults:\n  any: {random: {between: [4m, 3m], mean_gap: 10s, for: [2s, 8s], "
            "targets: [postgres], choose: [{down: true}]}}"
        ),
        "13:17: faults.any.random: between goes down; write the smaller one first",
    ),
    (
        (
            "faults:\n  any: {at: 1m, random: {between: [1m, 2m], mean_gap: 10s, for: [2s, 8s], "
            "targets: [postgres], choose: [{down: true}]}}"
        ),
        "13:8: faults.any: a random fault stands alone; move at into it",
    ),
    (
        (
            "faults:\n  any: {random: {between: [1m, 2m], mean_gap: 10s, for: [2s, 8s], "
            "targets: [postgres, rabbit], choose: [{down: true}]}}"
        ),
        '13:87: faults.any.random.targets.1: unknown service "rabbit", did you mean "rabbitmq"?',
    ),
    (
        (
            "faults:\n  any: {random: {between: [1m, 2m], mean_gap: 10us, for: [2s, 8s], "
            "targets: [postgres], choose: [{down: true}]}}"
        ),
        "13:17: faults.any.random: mean_gap asks for more than 1000 faults; write a longer one",
    ),
    # expectations
    (
        "expect:\n  - latncy(create).p95 < 1s",
        '13:5: expect.0: unknown metric "latncy", did you mean "latency"?',
    ),
    (
        "expect:\n  - latency(crate).p95 < 1s",
        '13:13: expect.0: unknown operation "crate", did you mean "create"?',
    ),
    (
        "expect:\n  - 'latency(create).p95 < 1s during brownout'",
        '13:38: expect.0: unknown window "brownout"; known are run, baseline, recovery',
    ),
    (
        "expect:\n  - latency(create).p95 < 800",
        '13:27: expect.0: "800" is no limit for latency, write a duration such as 800ms',
    ),
    (
        "expect:\n  - breaker(contents).opens > 1",
        '13:13: expect.0: unknown policy "contents", did you mean "content"?',
    ),
    (
        "invariants: [no_lost_message]",
        (
            '12:14: invariants.0: unknown invariant "no_lost_message",'
            ' did you mean "no_lost_messages"?'
        ),
    ),
    # what this version cannot do is refused, never ignored
    (
        "policies_: {}",
        '12:1: policies_: unknown field, did you mean "policies"?',
    ),
    ("abort: [error_rate > 90%]", '12:25: abort.0: an abort needs "for": over which stretch'),
    (
        "abort: [error_rate > 90% during run for 30s]",
        '12:33: abort.0: "during" says nothing about a run under way; an abort takes "for"',
    ),
    ("abort: [span(x).p95 > 9s for 1m]", "12:9: abort.0: spans are chosen when the run ends"),
    ("sweep: {seed: [1, 2]}", "12:9: sweep.seed: cannot be swept; each value is run with every"),
    (
        "sweep: {policies.content.timeut: [1s, 2s]}",
        (
            "12:9: sweep.policies.content.timeut: policies.content.timeut: unknown field,"
            ' did you mean "timeout"?'
        ),
    ),
    (
        "sweep: {policies.content.timeout: [1s, 2]}",
        "12:40: sweep.policies.content.timeout.1: policies.content.timeout: 2 has no unit, write",
    ),
    ("sweep: {clock.drain: []}", "12:22: sweep.clock.drain: must not be empty"),
    ("spans: {keep: [slow]}", "12:16: spans.keep.0: 'slow' is not allowed; write errors, faults"),
    ("spans: {max: 0}", "12:14: spans.max: must be at least 1"),
    ("baseline: {tolerate: {}}", "12:1: baseline.file: is required"),
    (
        "baseline: {file: x.json, tolerate: {latency.p95: 10}}",
        "12:50: baseline.tolerate.latency.p95: expected text, got 10",
    ),
    (
        "baseline: {file: x.json, tolerate: {latency.p95: +1pp}}",
        (
            "12:50: baseline.tolerate.latency.p95: '+1pp' is no tolerance for latency.p95,"
            " write for example +10% or +50ms"
        ),
    ),
    (
        "baseline: {file: x.json, tolerate: {latncy.p95: +1%}}",
        '12:37: baseline.tolerate.latncy.p95: unknown metric "latncy", did you mean "latency"?',
    ),
    (
        "baseline: {file: x.json, tolerate: {error_rate during storm: +1pp}}",
        '12:37: baseline.tolerate.error_rate during storm: unknown window "storm"; known are run',
    ),
    (
        "baseline: {file: x.json, tolerate: {messages.acked: 5%}}",
        "12:53: baseline.tolerate.messages.acked: '5%' needs a sign: is messages.acked worse when",
    ),
    # elsewhere
    ("expects: []", '12:1: expects: unknown field, did you mean "expect"?'),
    ("seed: -1", "12:7: seed: must be at least 0"),
    ("seed: '7'", "12:7: seed: expected a whole number, got '7'"),
    ("seeds: 9..3", "12:8: seeds: '9..3' must go up, by less than 10000"),
    ("seeds: [1, 1]", "12:8: seeds: a seed is given twice"),
    ("seeds: many", "12:8: seeds: 'many' is not a set of seeds, write for example 1..20"),
    ("seed: 1\nseeds: 1..3", '1:1: either "seed" or "seeds", not both'),
]


@pytest.mark.parametrize(("tail", "message"), BROKEN_TAIL, ids=[case[1] for case in BROKEN_TAIL])
def test_one_problem_is_reported_with_place_and_remedy(tail: str, message: str) -> None:
    """One mistake gives one problem, at its line and column, with what to write instead."""
    (problem,) = problems(WHOLE + tail + "\n")
    assert problem.startswith(f"f.yaml:{message}")


BROKEN_HEAD = [
    ("version: 1", "version: 2", "1:10: version: version 2 is not supported; write 1"),
    ("version: 1\n", "", "1:1: version: is required"),
    ("name: example", "name: my example", "2:7: name: 'my example' may only have letters"),
    (
        "duration: 5m",
        "duration: 300",
        "3:19: clock.duration: 300 has no unit, write for example '300s'",
    ),
    ("duration: 5m", "duration: 5 minutes", "3:19: clock.duration: '5 minutes' is not a duration"),
    (
        "duration: 5m",
        "duration: 5s1m",
        "3:19: clock.duration: '5s1m' is not a duration: write larger",
    ),
    (
        "duration: 5m, warmup: 20s",
        "duration: 5m, warmup: 5m",
        "3:8: clock: the warm-up takes the whole",
    ),
    ("duration: 5m", "duraton: 5m", "3:1: clock.duration: is required"),
    ("clock: {duration: 5m, warmup: 20s}", "clock: 5m", "3:8: clock: expected a mapping, got '5m'"),
    (
        "kind: postgres",
        "kind: mysql",
        '6:20: services.postgres.kind: unknown "mysql"; known are rabbitmq',
    ),
    (
        "{kind: postgres}",
        "{query: 3ms}",
        "6:3: services.postgres.kind: is required; one of rabbitmq",
    ),
    (
        "{kind: postgres}",
        "postgres",
        "6:13: services.postgres: expected a mapping with kind, got 'postgres'",
    ),
    (
        "{kind: postgres}",
        "{kind: postgres, query: {dist: exponental, mean: 1s}}",
        '6:44: services.postgres.query.dist: unknown "exponental", did you mean "exponential"?',
    ),
    (
        "{kind: postgres}",
        "{kind: postgres, query: {dist: lognormal, p50: 9ms, p99: 3ms}}",
        "6:37: services.postgres.query: a lognormal needs p50 <= p99, got 0.009 and 0.003",
    ),
    (
        "{kind: postgres}",
        "{kind: postgres, query: {dist: lognormal, p50: 9ms}}",
        "6:37: services.postgres.query: a lognormal takes either p50 and p99, or mean and cv",
    ),
    (
        "{kind: postgres}",
        "{kind: postgres, query: 3}",
        "6:37: services.postgres.query: 3 has no unit",
    ),
    (
        "{kind: postgres}",
        "{kind: postgres, workers: 0}",
        "6:39: services.postgres.workers: must be at least 1",
    ),
    (
        "{kind: postgres}",
        "{kind: http, app: llm, errors: {429: 0.5}}",
        "6:50: services.postgres.errors.429: 0.5 has no unit, write for example '0.5%'",
    ),
    (
        "{kind: postgres}",
        "{kind: http, app: llm, errors: {200: 5%}}",
        "6:45: services.postgres.errors.200: must be at least 400",
    ),
    (
        "model: open",
        "model: opn",
        '9:23: workload.0.arrivals.model: unknown "opn", did you mean "open"?',
    ),
    (
        "rate: 10/s",
        "rate: 10",
        "9:35: workload.0.arrivals.rate: 10 has no unit, write for example '10/s'",
    ),
    ("rate: 10/s", "rate: 0/s", "9:15: workload.0.arrivals: the rate is zero throughout"),
    (", rate: 10/s", "", '9:15: workload.0.arrivals: open arrivals need either "rate" or "stages"'),
    (
        ", rate: 10/s",
        ", stages: [{for: 1m}]",
        '9:38: workload.0.arrivals.stages.0: a stage needs "rate"',
    ),
    (
        "timeout: 2s",
        "timeout: 2s, breaker: {open_for: 1s}",
        "11:35: policies.content.breaker: nothing ever opens",
    ),
    (
        "timeout: 2s",
        "timeout: 2s, breaker: {open_for: 1s, slow_rate: 5%}",
        "11:35: policies.content.breaker: slow_rate and slow_call need each other",
    ),
    (
        "timeout: 2s",
        "timout: 2s",
        '11:13: policies.content.timout: unknown field, did you mean "timeout"?',
    ),
    (
        "timeout: 2s",
        "retry: {max_attempts: true}",
        "11:35: policies.content.retry.max_attempts: expected a whole",
    ),
]


@pytest.mark.parametrize(
    ("good", "bad", "message"), BROKEN_HEAD, ids=[case[2] for case in BROKEN_HEAD]
)
def test_a_changed_line_is_reported_where_it_is_wrong(good: str, bad: str, message: str) -> None:
    """A mistake in a good file is reported first, at its line and column."""
    assert good in WHOLE
    found = problems(WHOLE.replace(good, bad, 1))
    assert any(problem.startswith(f"f.yaml:{message}") for problem in found), found


BROKEN_YAML = [
    ("name: a\nname: b\n", "2:1: name: given twice, first in line 1"),
    ("a: {b: 1, b: 2}\n", "1:11: a.b: given twice, first in line 1"),
    ("a: [1\nb: 2\n", "2:2: not valid YAML: did not find expected ',' or ']'"),
    ("a: !!python/name:os.system x\n", "1:4: a: tags are not allowed"),
    ("a: &x [*x]\n", "1:4: a.0: an alias to something that contains it"),
    ("? [a]\n: b\n", "1:3: a key must be plain text or a number"),
    ("--- a\n--- b\n", "2:1: not valid YAML: but found another document"),
    ("", "1:1: a scenario is a mapping; see umt-sim init"),
    ("- a\n", "1:1: a scenario is a mapping; see umt-sim init"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN_YAML, ids=[case[1] for case in BROKEN_YAML])
def test_what_is_no_yaml_of_ours_is_reported_with_its_place(text: str, message: str) -> None:
    """Duplicate keys, tags and syntax errors are problems like any other."""
    (problem,) = problems(text)
    assert problem.startswith(f"f.yaml:{message}")


def test_all_problems_are_reported_at_once_in_the_order_of_the_file() -> None:
    """Five mistakes in one file give five problems, from top to bottom."""
    text = textwrap.dedent("""\
        version: 1
        name: example
        clock: {duration: 5, wramup: 20s}
        services:
          rabbitmq: {kind: rabbit}
        workload:
          - name: create
            arrivals: {model: open, rate: 10}
        expects: []
        """)
    assert [problem.split(": ")[1] for problem in problems(text)] == [
        "clock.duration",
        "clock.wramup",
        "services.rabbitmq.kind",
        "workload.0.arrivals.rate",
        "expects",
    ]


def test_names_must_be_known_to_the_system() -> None:
    """Operations, policies and services are checked against the system under test."""
    assert [
        "f.yaml:4:1: services.redis: the system umt needs it (kind: redis)",
        'f.yaml:8:11: workload.0.name: unknown operation "create", did you mean "create_content"?',
        'f.yaml:11:3: policies.content: unknown policy "content", did you mean "content-creation"?',
    ] == problems(WHOLE, find=lambda _: SYSTEM)


def test_an_operation_is_asked_for_once() -> None:
    """Two loads of one operation would be one name for two things."""
    twice = WHOLE.replace(
        "policies:", "  - {name: create, arrivals: {model: open, rate: 1/s}}\npolicies:"
    )
    assert problems(twice) == ['f.yaml:10:12: workload.1.name: a second load of "create"']


def test_the_live_world_refuses_what_needs_the_simulated_network() -> None:
    """A crash is fine in the sim world and refused for real servers, with what can be had."""
    text = WHOLE + "faults:\n  gone: {at: 1m, for: 5s, host: agent, crash: true}\n"
    load_text(text, find=None, world="sim")
    assert problems(text, world="live") == [
        (
            "f.yaml:13:3: faults.gone: crash needs the simulated network; the live world can do"
            " every toxic, down, restart, and kill or pause of a server's host"
        )
    ]


def test_a_missing_file_is_a_problem_of_its_own() -> None:
    """A file that cannot be read is named."""
    from umt_sim.scenario.loader import load

    with pytest.raises(ScenarioError, match=r"^nowhere\.yaml: No such file or directory$"):
        load("nowhere.yaml", find=None)
