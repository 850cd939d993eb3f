"""
Known values of breakers and retries, and scenarios to hold against them.

``tests/data/ground_truth.json`` has one value a line: from theory, or from the simulation that
an experiment was published with. ``--ground-truth FILE`` takes another file of the format. What one
run can tell belongs together here: a ``Case`` has all metrics of its parameters.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from math import sqrt
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from umt_sim.analysis import Result
from umt_sim.bootstrap import run_plan
from umt_sim.scenario.loader import load_text

__all__ = [
    "SIGMAS",
    "Case",
    "ClosedPeriod",
    "Kind",
    "assert_near",
    "closed_periods",
    "failures_in_a_row",
    "read",
    "simulate",
    "transitions",
]

SIGMAS = 4
"""Standard errors that an estimate may lie away."""

SCENARIO = """\
version: 1
name: ground-truth
seed: {seed}
clock: {{duration: {seconds:.0f}s, warmup: 0s, drain: 5s}}
system: {system}
services: {{service: {{kind: http, app: echo, errors: {{500: {percent:.9f}%}}}}}}
workload:
  - {{name: {operation}, arrivals: {{model: open, process: {process}, rate: {rate:.9f}/s}}}}
policies: {policies}
faults: {faults}
spans: {{keep: [], sample: 0%}}
"""


class Kind(Enum):
    """What a case is about, as the file says it."""

    CONSECUTIVE = "consecutive-failure threshold"
    WITHIN = "P(open within n calls)"
    FIRST_FULL = "count window trips when first full (rate >= threshold)"
    SLIDING_COUNT = "sliding count window"
    RENEWAL = "renewal breaker, open Poisson workload"
    OUTAGE = "hard outage with timeouts"
    RETRY = "retry"
    LAYERS = "layered retries"
    BACKOFF = "backoff total"
    TUMBLING = "tumbling time window (Hystrix/Polly shape)"
    SLIDING_TIME = "sliding time window, F failures in W s (MC reference, no closed form)"
    OUTSIDE = "breaker OUTSIDE retry"
    INSIDE = "breaker INSIDE retry"
    CONTEST = "aws_backoff"


@dataclass(slots=True)
class Case:
    """
    One experiment.

    Attributes:
        name: What its ids have in common: ``B17``.
        params: Its numbers.
        expected: Metric to value.
        rows: Metric to all that the file says of it.
    """

    name: str
    kind: Kind
    params: dict[str, Any]
    expected: dict[str, float] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def seed(self, replication: int = 0) -> int:
        """Another one for each replication of each case."""
        return Random(f"{self.name}:{replication}").getrandbits(31)

    def __getitem__(self, param: str) -> Any:
        return self.params[param]


def read(file: Path) -> list[Case]:
    """
    All cases but those of queues.

    Raises:
        ValueError: A case is of a kind that no test knows: it would be left out silently.
    """
    found: list[Case] = []
    for row in json.loads(file.read_text()):
        if row["section"] == "queueing":
            continue
        name = row["id"].removesuffix("." + row["metric"])
        kind = _kind(row)
        last = found[-1] if found else None
        if (
            last is None
            or (last.name, last.params) != (name, row["params"])
            or row["metric"] in last.expected
        ):
            last = Case(name, kind, row["params"])
            found.append(last)
        last.expected[row["metric"]] = row["expected"]
        last.rows[row["metric"]] = row
    return found


def _kind(row: dict[str, Any]) -> Kind:
    name = row["params"].get("kind", row["section"])
    try:
        return Kind(name)
    except ValueError:
        raise ValueError(f"{row['id']} is of kind {name!r}, which no test knows") from None


def failures_in_a_row(p: float, k: int) -> tuple[float, float]:
    """Mean and standard deviation of the calls until *k* in a row have failed, each with *p*."""
    q, pk = 1 - p, p**k
    mean = (1 - pk) / (pk * q)
    variance = (1 - (2 * k + 1) * q * pk - p * pk**2) / (q * pk) ** 2
    return mean, sqrt(variance)


def assert_near(what: str, expected: float, measured: float, tolerance: float) -> None:
    """*measured* lies within *tolerance*; if not, the sentence has all three."""
    assert abs(measured - expected) <= tolerance + 1e-9, (
        f"{what} is {measured:.6g}; expected {expected:.6g} ± {tolerance:.2g}"
    )


def simulate(
    seed: int, *, seconds: float, p: float, rate: float, policies: str, **more: str
) -> Result:
    """
    One run of requests to a service that fails with probability *p*.

    Args:
        seed: Of the run.
        seconds: How long.
        p: Share of requests that get a 500.
        rate: Requests per second.
        policies: As a scenario has them.
        more: ``process`` of the arrivals, ``operation``, ``system``, ``faults``.
    """
    fields = {
        "operation": "service",
        "process": "poisson",
        "system": "caller",
        "faults": "{}",
        **more,
    }
    text = SCENARIO.format(
        seed=seed, seconds=seconds, percent=p * 100, rate=rate, policies=policies, **fields
    )
    return run_plan(load_text(text, "ground-truth.yaml"))


class ClosedPeriod(NamedTuple):
    """What a breaker let through from when it was closed until it opened."""

    calls: int
    seconds: float


def closed_periods(result: Result) -> Iterator[ClosedPeriod]:
    """Every one that ended, the first from the beginning of the run."""
    calls, since = 0, 0.0
    closed = True
    events = result.breakers
    for at, event, state in zip(events.at_s, events.event, events.to_state, strict=True):
        if event in ("success", "error"):
            calls += 1
        elif event == "state_transition":
            if closed and state == "open":
                yield ClosedPeriod(calls, at - since)
            closed, calls, since = state == "closed", 0, at


def transitions(result: Result) -> list[tuple[float, str]]:
    """When the breaker changed its state, and to which."""
    changes = result.breakers[result.breakers.event == "state_transition"]
    return list(zip(changes.at_s, changes.to_state, strict=True))
