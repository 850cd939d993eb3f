"""
Breakers, retries and backoff against numbers known from theory and published experiments.

Exact ones must be met exactly; averages within four standard errors. Every case has seeds of
its own, derived from its id.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import re
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from math import sqrt
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.unit.platform.resilience.clock import HandClock
from umt_sim.platform.resilience import (
    Backoff,
    BreakerSettings,
    CircuitBreaker,
    CircuitOpenError,
    Jitter,
    Part,
    ResiliencePolicy,
    Retry,
)
from umt_sim.platform.resilience.breaker import (
    ConsecutiveFailures,
    CountBased,
    FailureRate,
    Outcome,
    Permit,
    Rule,
    State,
)
from umt_sim.platform.resilience.breaker.window import FAILED, SUCCEEDED, TimeWindow

CASES: list[dict[str, Any]] = [
    case
    for case in json.loads((Path(__file__).parents[3] / "data" / "ground_truth.json").read_text())
    if case["section"] != "queueing"
]

# A window that slides continuously; ours moves by whole seconds, as resilience4j's does.
OUT_OF_SCOPE = "sliding time window, F failures in W s (MC reference, no closed form)"


def cases(*kinds: str) -> pytest.MarkDecorator:
    """Every case of some kinds."""
    chosen = [case for case in CASES if case["params"].get("kind") in kinds]
    assert chosen, kinds
    return pytest.mark.parametrize("case", chosen, ids=[case["id"] for case in chosen])


def seeded(case: dict[str, Any], replication: int = 0) -> Random:
    """A stream of the case's own."""
    return Random(f"{case['id']}:{replication}")


def name_of(case: dict[str, Any]) -> str:
    """The case without its metric: ``B25``."""
    return str(case["id"].split(".")[0])


def assert_mean(case: dict[str, Any], samples: list[float]) -> None:
    """The expected value is within four standard errors of the samples' mean."""
    error = statistics.stdev(samples) / sqrt(len(samples))
    assert case["expected"] == pytest.approx(statistics.fmean(samples), abs=4 * error)


def breaker_of(rule: Rule, window: int = 10, minimum: int = 1) -> CircuitBreaker:
    settings = BreakerSettings(
        trip=rule, window=CountBased(window), minimum_number_of_calls=minimum
    )
    return CircuitBreaker("case", settings=settings, clock=HandClock())


def calls_to_open(breaker: CircuitBreaker, p: float, draws: Random) -> int:
    """Calls until the breaker opens, each failing with probability *p*."""
    for calls in count(1):
        failed = draws.random() < p
        breaker.acquire().record(Outcome.FAILURE if failed else Outcome.SUCCESS)
        if breaker.state is State.OPEN:
            return calls
    raise AssertionError("counting does not end")


def test_every_case_is_used_or_out_of_scope() -> None:
    """No case is forgotten: each kind has a test below, but for one with its reason."""
    source = Path(__file__).read_text()
    kinds = {case["params"].get("kind", "aws") for case in CASES}
    used = {kind for kind in kinds if f'@cases("{kind}"' in source or f'"{kind}",\n' in source}
    assert {OUT_OF_SCOPE, "aws"} == kinds - used


# Calls to open


@cases("consecutive-failure threshold")
def test_calls_until_consecutive_failures(case: dict[str, Any]) -> None:
    """Mean number of calls until *k* failures in a row."""
    params, draws = case["params"], seeded(case)
    reps = 200 if case["expected"] > 100 else 2000
    samples = [
        calls_to_open(breaker_of(ConsecutiveFailures(params["k"])), params["p"], draws)
        for _ in range(reps)
    ]
    assert_mean(case, [float(sample) for sample in samples])


@cases("P(open within n calls)")
def test_probability_to_open_within_n_calls(case: dict[str, Any]) -> None:
    """Share of breakers that have opened after *n* calls."""
    params, draws = case["params"], seeded(case)
    reps = 300 if params["n"] > 100 else 2000
    opened = [
        calls_to_open(breaker_of(ConsecutiveFailures(params["k"])), params["p"], draws)
        <= params["n"]
        for _ in range(reps)
    ]
    assert_mean(case, [float(sample) for sample in opened])


@cases("count window trips when first full (rate >= threshold)")
def test_probability_to_open_when_the_window_is_first_full(case: dict[str, Any]) -> None:
    """Share of breakers whose *N*-th call opens them; the comparison is >=."""
    params, draws = case["params"], seeded(case)
    size = params["N"]
    opened = []
    for _ in range(2000):
        breaker = breaker_of(FailureRate(params["threshold"] * 100), size, size)
        for _ in range(size):
            failed = draws.random() < params["p"]
            breaker.acquire().record(Outcome.FAILURE if failed else Outcome.SUCCESS)
        opened.append(float(breaker.state is State.OPEN))
    assert_mean(case, opened)


@cases("sliding count window")
def test_calls_until_the_rate_of_a_sliding_window(case: dict[str, Any]) -> None:
    """Mean number of calls until the failure rate of the window reaches its threshold."""
    params, draws = case["params"], seeded(case)
    rule = FailureRate(params["threshold"] * 100)
    samples = [
        calls_to_open(breaker_of(rule, params["N"], params["min_calls"]), params["p"], draws)
        for _ in range(2000)
    ]
    assert_mean(case, [float(sample) for sample in samples])


@cases("tumbling time window (Hystrix/Polly shape)")
def test_probability_to_trip_at_the_end_of_a_tumbling_window(case: dict[str, Any]) -> None:
    """A time window filled for its whole length and then judged once."""
    params, draws = case["params"], seeded(case)
    rule, tripped = FailureRate(params["th"] * 100), []
    for _ in range(5000):
        window, at = TimeWindow(params["W"], params["M"], 0.0), 0.0
        while (at := at + draws.expovariate(params["lam"])) < params["W"]:
            window.record(FAILED if draws.random() < params["p"] else SUCCEEDED, 0.0, at)
        tripped.append(float(rule.judge(window) is True))
    assert_mean(case, tripped)


# A breaker under Poisson arrivals, over many cycles of opening and closing


@dataclass
class Renewals:
    """Shares of calls and of time, and openings per second, over a number of cycles."""

    rejected: float
    success: float
    frac_open: float
    frac_closed: float
    opens_per_s: float


def renew(params: dict[str, Any], cycles: int, draws: Random) -> Renewals:
    """Instant calls, arriving at rate *lam*, through a breaker with *h* probes."""
    clock = HandClock()
    settings = BreakerSettings(
        trip=ConsecutiveFailures(params["k"]),
        wait_in_open=params["T"],
        permitted_calls_in_half_open=params["h"],
    )
    breaker = CircuitBreaker("case", settings=settings, clock=clock)
    time_in = dict.fromkeys(State, 0.0)
    calls = rejected = succeeded = openings = recoveries = 0
    state, open_since = State.CLOSED, 0.0
    while recoveries < cycles:
        gap = draws.expovariate(params["lam"])
        before = clock.at
        clock.advance(gap)
        calls += 1
        try:
            permit = breaker.acquire()
        except CircuitOpenError:
            rejected += 1
            time_in[state] += gap
            continue
        waited = open_since + params["T"] - before if state is State.OPEN else 0.0
        time_in[State.OPEN] += waited  # and then it would have let the next call through
        time_in[State.HALF_OPEN if state is State.OPEN else state] += gap - waited
        failed = draws.random() < params["p"]
        permit.record(Outcome.FAILURE if failed else Outcome.SUCCESS)
        succeeded += not failed
        after = breaker.state
        if after is State.OPEN:
            openings += 1
            open_since = clock.at
        elif after is State.CLOSED and state is not State.CLOSED:
            recoveries += 1
        state = after
    total = sum(time_in.values())
    return Renewals(
        rejected=rejected / calls,
        success=succeeded / calls,
        frac_open=time_in[State.OPEN] / total,
        frac_closed=time_in[State.CLOSED] / total,
        opens_per_s=openings / total,
    )


@cache
def _renewed(name: str, cycles: int, **params: Any) -> Renewals:
    """The metrics of one case are read off the same run."""
    return renew(params, cycles, Random(name))


@cases("renewal breaker, open Poisson workload")
def test_renewal_formulas(case: dict[str, Any], campaign: bool) -> None:
    """Long-run shares match the formulas, at the precision so many cycles allow."""
    params = case["params"]
    per_cycle = float(re.search(r"= (\d+\.?\d*) calls", case["note"]).group(1))  # type: ignore[union-attr]
    deviation = float(re.search(r"over n cycles = ([\d.e+-]+)/", case["note"]).group(1))  # type: ignore[union-attr]
    cycles = 2000 if campaign else max(int(60_000 / per_cycle), 8)
    seen = getattr(_renewed(name_of(case), cycles, **params), case["metric"])
    assert case["expected"] == pytest.approx(seen, abs=4 * deviation / sqrt(cycles))


# A hard outage, with calls that fail by timing out


@dataclass
class Outage:
    """What one outage looked like to the callers."""

    time_to_open: float
    leaked: int
    probes: int
    detection: float


def endure(params: dict[str, Any], draws: Random) -> Outage:
    """An outage from 0 to *D* plus a uniform phase; a call begun in it fails after *tau*."""
    lam, tau = params["lam"], params["tau"]
    until = params["D"] + draws.random() * (params["T"] + tau + 1 / lam)
    clock = HandClock()
    breaker = CircuitBreaker("case", params["k"], params["T"], clock=clock)
    order = count()
    happenings: list[tuple[float, int, Permit | None]] = [
        (draws.expovariate(lam), next(order), None)
    ]
    opened, leaked, probes = 0.0, 0, 0
    while True:
        clock.at, _, ending = heapq.heappop(happenings)
        if ending is not None:
            ending.record(Outcome.FAILURE)
            if not opened and breaker.state is State.OPEN:
                opened = clock.at
            continue
        heapq.heappush(happenings, (clock.at + draws.expovariate(lam), next(order), None))
        try:
            permit = breaker.acquire()
        except CircuitOpenError:
            continue
        if clock.at >= until:
            return Outage(opened, leaked, probes, clock.at - until)
        leaked += not opened
        probes += bool(opened)
        heapq.heappush(happenings, (clock.at + tau, next(order), permit))


@cache
def _endured(name: str, reps: int, **params: Any) -> list[Outage]:
    """Likewise."""
    return [endure(params, Random(f"{name}:{n}")) for n in range(reps)]


@cases("hard outage with timeouts")
def test_hard_outage(case: dict[str, Any]) -> None:
    """Time to open, calls that get through before, probes during, and when recovery is seen."""
    field = {
        "E[time to open]": "time_to_open",
        "E[calls leaked before open]": "leaked",
        "E[probes during outage]": "probes",
        "E[recovery detection]": "detection",
    }[case["metric"]]
    outages = _endured(name_of(case), 40 if case["params"]["lam"] > 50 else 120, **case["params"])
    assert_mean(case, [float(getattr(outage, field)) for outage in outages])


# Retries


class Coin:
    """A call that fails with probability *p*, and counts."""

    def __init__(self, p: float, draws: Random) -> None:
        self.p, self.draws = p, draws
        self.calls = 0

    async def __call__(self) -> None:
        self.calls += 1
        if self.draws.random() < self.p:
            raise ConnectionError


def layers(function: Callable[[], Any], retries: int, depth: int, draws: Random) -> Any:
    """*function* under *depth* retries, one around the other."""
    for _ in range(depth):
        layer = Retry("case", retries + 1, clock=HandClock(), randomness=draws)
        function = _under(layer, function)
    return function


def _under(retry: Retry, function: Callable[[], Any]) -> Callable[[], Any]:
    async def call() -> None:
        await retry.call(function)

    return call


def attempts(params: dict[str, Any], reps: int, draws: Random) -> Iterator[tuple[int, bool]]:
    """Attempts at the bottom, and whether the request failed, of each of *reps* requests."""

    async def one() -> tuple[int, bool]:
        coin = Coin(params["p"], draws)
        try:
            await layers(coin, params["retries"], params.get("layers", 1), draws)()
        except ConnectionError:
            return coin.calls, True
        return coin.calls, False

    async def main() -> list[tuple[int, bool]]:
        return [await one() for _ in range(reps)]

    yield from asyncio.run(main())


@cases("retry")
def test_attempts_and_final_failures(case: dict[str, Any]) -> None:
    """Mean attempts per request, and the share of requests that fail for good."""
    results = attempts(case["params"], 8000, seeded(case))
    column = 0 if case["metric"] == "E[attempts]" else 1
    assert_mean(case, [float(result[column]) for result in results])


@cases("layered retries")
def test_layers_of_retries_multiply(case: dict[str, Any]) -> None:
    """Attempts at the bottom of several layers: (r + 1) to the k when everything fails."""
    certain = case["params"]["p"] == 1.0
    results = [
        float(made) for made, _ in attempts(case["params"], 2 if certain else 8000, seeded(case))
    ]
    if certain:
        assert [case["expected"]] * 2 == results
    else:
        assert_mean(case, results)


@cases("backoff total")
def test_sum_of_waits(case: dict[str, Any]) -> None:
    """Mean and deviation of five jittered waits: half the exponential sum, or three quarters."""
    params, draws = case["params"], seeded(case)
    jitter = Jitter.EQUAL if case["expected"] == 2.325 else Jitter.FULL
    backoff = Backoff(params["base"], longest=params["cap"], jitter=jitter)
    sums = [
        sum(backoff.wait(n, None, draws) for n in range(1, params["sleeps"] + 1))
        for _ in range(20_000)
    ]
    if case["metric"] == "E[sum]":
        assert_mean(case, sums)
    else:
        assert case["expected"] == pytest.approx(statistics.stdev(sums), rel=0.02)


@cases(
    "breaker OUTSIDE retry",
    "breaker INSIDE retry",
)
def test_breaker_outside_and_inside_the_retry(case: dict[str, Any]) -> None:
    """Outside it needs 125 requests to open, inside 9 attempts."""
    params = case["params"]
    inside = "INSIDE" in params["kind"]

    async def one(draws: Random) -> int:
        clock = HandClock()
        breaker = CircuitBreaker("case", params["k"], 1e6, clock=clock)
        retry = Retry(
            "case", params["retries"] + 1, clock=clock, randomness=draws, patience_seconds=0
        )
        order = [Part.RETRY, Part.BREAKER] if inside else [Part.BREAKER, Part.RETRY]
        policy = ResiliencePolicy("case", retry=retry, breaker=breaker, order=order)
        coin, requests = Coin(params["p"], draws), 0
        while breaker.state is State.CLOSED:
            requests += 1
            try:
                await policy.call(coin)
            except (ConnectionError, CircuitOpenError):
                continue
        return coin.calls if inside else requests

    async def main() -> list[float]:
        draws = seeded(case)
        return [float(await one(draws)) for _ in range(1500 if inside else 200)]

    assert_mean(case, asyncio.run(main()))


# The experiment of "Exponential Backoff and Jitter": clients contend for one optimistic lock.

STRATEGIES = {
    "None": None,
    "Exponential": Backoff(10, longest=2000, jitter=Jitter.NONE),
    "FullJitter": Backoff(10, longest=2000, jitter=Jitter.FULL),
    "EqualJitter": Backoff(10, longest=2000, jitter=Jitter.EQUAL),
    "Decorr": Backoff(5, longest=2000, jitter=Jitter.DECORRELATED),
}


def contend(params: dict[str, Any], draws: Random) -> tuple[int, float]:  # noqa: C901  # one table of messages
    """
    Writes tried and milliseconds taken until every client has written once.

    A client reads the version, writes if it is unchanged, and backs off if it is not. Each of
    the four messages takes a normally distributed time. The published runs count the first
    failure as the second, so its wait is twice the base of 5 ms.
    """
    backoff = STRATEGIES[params["strategy"]]

    def travel() -> float:
        return abs(draws.gauss(params["net_mean"], params["net_sd"]))

    @dataclass
    class Client:
        version: int = 0
        failures: int = 0
        before: float | None = None

    order = count()
    queue: list[tuple[float, int, str, Client]] = []

    def send(at: float, what: str, client: Client) -> None:
        heapq.heappush(queue, (at + travel(), next(order), what, client))

    for _ in range(params["clients"]):
        send(0.0, "read", Client())
    version = writes = 0
    now = 0.0
    while queue:
        now, _, what, client = heapq.heappop(queue)
        if what == "read":
            client.version = version
            send(now, "version", client)
        elif what == "version":
            send(now, "write", client)
        elif what == "write":
            writes += 1
            if client.version == version:
                version += 1
                send(now, "done", client)
            else:
                send(now, "conflict", client)
        elif what == "conflict":
            client.failures += 1
            wait = 0.0
            if backoff is not None:
                wait = backoff.wait(client.failures, client.before, draws)
                client.before = wait
            send(now + wait, "read", client)
    return writes, now


AWS = [case for case in CASES if case["section"] == "aws_backoff"]


@pytest.mark.parametrize("case", AWS, ids=[case["id"] for case in AWS])
def test_backoff_and_jitter_experiment(case: dict[str, Any]) -> None:
    """Calls made and time taken by clients that back off, as published."""
    clients = case["params"]["clients"]
    reps = {150: 3, 50: 12}.get(clients, 60)
    runs = [contend(case["params"], seeded(case, n)) for n in range(reps)]
    mean = statistics.fmean(run[0 if case["metric"] == "calls" else 1] for run in runs)
    tolerance = 4 * case["rep_sd"] * sqrt(1 / reps + 1 / case["reps"])
    assert case["expected"] == pytest.approx(mean, abs=max(tolerance, 1e-9))
