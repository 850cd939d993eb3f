"""
Nanoseconds per protected call, beside the other circuit breakers of Python.

    python benchmarks/breaker.py [--calls N] [--rounds N]

Every library decorates the same functions. Ours keeps a sliding window, detects slow calls
and locks in every row: `umt_sim` opens after failures in a row, as most of the others do,
`rates` judges a failure rate and a slow call rate over the last hundred calls, `seconds` over
the last minute, and `execute` is the form that wraps failures in an exception of its own.

Rounds are short and those of all libraries are interleaved, so that a busy moment of the
machine meets everybody. Times and ratios are medians over the rounds, a ratio being that of
two times of one round. The bounds are 1.2 of circuitbreaker's success, its failure and its
refusal, and a fifth of interlock-cb's anything. A library that is not installed is "absent",
a case it does not have is "-".
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import platform
import statistics
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

Calls = dict[str, Callable[[], Any]]

Rounds = dict[tuple[str, str], list[float]]  # nanoseconds per call, by library and case

CASES = ("success", "failure", "refusal", "async success", "async failure", "async refusal")
NEVER = 10**9  # failures in a row that no benchmark reaches
WAIT_SECONDS = 100_000


class Broken(Exception):
    """What the protected call raises."""


def succeed() -> int:
    return 1


def fail() -> int:
    raise Broken


async def succeed_async() -> int:
    return 1


async def fail_async() -> int:
    raise Broken


def bare() -> Calls:
    return {
        "success": succeed,
        "failure": fail,
        "async success": succeed_async,
        "async failure": fail_async,
    }


def ours() -> Calls:
    from umt_sim.platform.resilience.breaker import CircuitBreaker

    def guard(name: str, threshold: int, function: Callable[[], Any]) -> Any:
        return CircuitBreaker(name, threshold, WAIT_SECONDS)(function)

    return _six(guard, 5, NEVER)


def ours_execute() -> Calls:
    from umt_sim.platform.resilience.breaker import CircuitBreaker

    def guard(name: str, threshold: int, function: Callable[[], Any]) -> Any:
        return partial(CircuitBreaker(name, threshold, WAIT_SECONDS).execute, function)

    return _six(guard, 5, NEVER)


def ours_rates(seconds: int | None = None) -> Calls:
    from umt_sim.platform.resilience.breaker import (
        BreakerSettings,
        CircuitBreaker,
        CountBased,
        FailureRate,
        SlowCallRate,
        TimeBased,
    )

    failed, slow = FailureRate(50), SlowCallRate(50)
    window = CountBased(100) if seconds is None else TimeBased(seconds)
    trips = BreakerSettings(trip=failed | slow, window=window, wait_in_open=WAIT_SECONDS)
    stays = trips.but(trip=failed & slow)  # both are judged on every failure; none is slow

    def guard(name: str, settings: BreakerSettings, function: Callable[[], Any]) -> Any:
        return CircuitBreaker(name, settings=settings)(function)

    return _six(guard, trips, stays)


def circuitbreaker() -> Calls:
    from circuitbreaker import CircuitBreaker

    def guard(name: str, threshold: int, function: Callable[[], Any]) -> Any:
        return CircuitBreaker(threshold, WAIT_SECONDS, name=name)(function)

    return _six(guard, 5, NEVER)


def pybreaker() -> Calls:
    from pybreaker import CircuitBreaker

    def guard(_: str, threshold: int, function: Callable[[], Any]) -> Any:
        return CircuitBreaker(threshold, WAIT_SECONDS)(function)

    return {case: call for case, call in _six(guard, 5, NEVER).items() if "async" not in case}


def aiobreaker() -> Calls:
    from aiobreaker import CircuitBreaker

    def guard(_: str, threshold: int, function: Callable[[], Any]) -> Any:
        return CircuitBreaker(threshold, timedelta(seconds=WAIT_SECONDS))(function)

    return {case: call for case, call in _six(guard, 5, NEVER).items() if "async" in case}


def purgatory() -> Calls:
    from purgatory import AsyncCircuitBreakerFactory, SyncCircuitBreakerFactory

    sync, later = SyncCircuitBreakerFactory(), AsyncCircuitBreakerFactory()

    def guard(name: str, threshold: int, function: Callable[[], Any]) -> Any:
        factory = later if asyncio.iscoroutinefunction(function) else sync
        return factory(name, threshold, WAIT_SECONDS)(function)

    return _six(guard, 5, NEVER)


def interlock() -> Calls:
    from interlock import CircuitBreaker, Config, WindowType

    trips = Config(wait_duration_in_open=WAIT_SECONDS)
    stays = Config(window_type=WindowType.TIME_BASED, minimum_number_of_calls=NEVER)

    def guard(name: str, config: Config, function: Callable[[], Any]) -> Any:
        return CircuitBreaker(name=name, config=config)(function)

    return _six(guard, trips, stays)


def _six(guard: Callable[..., Any], trips: Any, stays: Any) -> Calls:
    return {
        "success": guard("success", trips, succeed),
        "failure": guard("failure", stays, fail),
        "refusal": guard("refusal", trips, fail),
        "async success": guard("async success", trips, succeed_async),
        "async failure": guard("async failure", stays, fail_async),
        "async refusal": guard("async refusal", trips, fail_async),
    }


BOUNDS: dict[str, Callable[[str], float]] = {
    "circuitbreaker": lambda case: 1.2 if "success" in case else 1.0,
    "interlock-cb": lambda _: 0.2,
}

LIBRARIES: dict[str, Callable[[], Calls]] = {
    "bare": bare,
    "umt_sim": ours,
    "umt_sim rates": ours_rates,
    "umt_sim seconds": partial(ours_rates, 60),
    "umt_sim execute": ours_execute,
    "circuitbreaker": circuitbreaker,
    "pybreaker": pybreaker,
    "aiobreaker": aiobreaker,
    "purgatory": purgatory,
    "interlock-cb": interlock,
}


def measure(call: Callable[[], Any], case: str, calls: int) -> float:
    """Nanoseconds per call of one round, the loop's own cost included for everybody."""
    if case.startswith("async"):
        return asyncio.run(_measure_async(call, calls))
    repeat = range(calls)
    started = time.perf_counter_ns()
    if case == "success":
        for _ in repeat:
            call()
    else:
        for _ in repeat:
            try:  # noqa: SIM105  # `suppress` would cost more than what is measured
                call()
            except Exception:  # noqa: BLE001  # whatever a library raises
                pass
    return (time.perf_counter_ns() - started) / calls


async def _measure_async(call: Callable[[], Awaitable[Any]], calls: int) -> float:
    repeat = range(calls)
    started = time.perf_counter_ns()
    for _ in repeat:
        try:  # noqa: SIM105  # likewise
            await call()
        except Exception:  # noqa: BLE001  # likewise
            pass
    return (time.perf_counter_ns() - started) / calls


def retained(call: Callable[[], Any], refusals: int = 100_000) -> int:
    """Bytes that are still there after *refusals* refused calls."""
    with suppress(Exception):
        call()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(refusals):
        try:  # noqa: SIM105  # likewise
            call()
        except Exception:  # noqa: BLE001  # likewise
            pass
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return after - before


def collect() -> tuple[dict[str, Calls], list[str]]:
    """The calls of every library that is installed, and the names of the others."""
    present, absent = {}, []
    for name, build in LIBRARIES.items():
        try:
            present[name] = build()
        except ImportError:
            absent.append(name)
    return present, absent


def run(present: dict[str, Calls], calls: int, rounds: int) -> Rounds:
    """Nanoseconds per call, round by round."""
    samples: Rounds = {}
    gc.disable()
    for round_ in range(rounds + 1):
        for case in CASES:
            for name, has in present.items():
                if case in has:
                    took = measure(has[case], case, calls)
                    if round_:  # the first one warms up, and opens what is to be open
                        samples.setdefault((name, case), []).append(took)
    gc.enable()
    return samples


def show(took: Rounds, names: list[str], absent: list[str]) -> None:
    _head("ns per call")
    for name in names:
        _row(
            name,
            (
                f"{statistics.median(took[name, c]):.0f}" if (name, c) in took else "-"
                for c in CASES
            ),
        )
    for name in absent:
        _row(name, ["absent"])


def judge(took: Rounds, names: list[str]) -> None:
    """Our times as a multiple of theirs, case by case, under the bound of each."""
    for peer, bound in BOUNDS.items():
        if peer not in names:
            continue
        print()
        _head(f"x {peer}")
        _row("at most", (f"{bound(case):.2f}" for case in CASES))
        for name in names:
            if name.startswith("umt_sim"):
                ratios = {case: _ratio(took[name, case], took[peer, case]) for case in CASES}
                marks = ("!" if ratio > bound(case) else "" for case, ratio in ratios.items())
                _row(name, (f"{m}{r:.2f}" for m, r in zip(marks, ratios.values(), strict=True)))


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def _head(title: str) -> None:
    _row(title, CASES)


def _row(name: str, cells: Iterable[str]) -> None:
    print(f"{name:18}" + "".join(f"{cell:>15}" for cell in cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000, help="calls per round")
    parser.add_argument("--rounds", type=int, default=41)
    options = parser.parse_args()
    present, absent = collect()
    print(
        f"CPython {platform.python_version()}, {options.rounds} rounds of {options.calls} calls\n"
    )
    took = run(present, options.calls, options.rounds)
    show(took, list(present), absent)
    judge(took, list(present))
    print("\nbytes retained after 100 000 refusals")
    for name, has in present.items():
        if "refusal" in has:
            print(f"  {name:18}{retained(has['refusal']):12}")


if __name__ == "__main__":
    main()
