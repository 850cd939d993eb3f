"""
Two policies on the same luck: paired runs, seed by seed.

The same seed gives the same arrivals and service times under two policies, so the
difference within a pair varies far less than either number: comparing pairs needs
a fraction of the runs that comparing means would.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from umt_sim.expectations.baseline import Baseline, against
from umt_sim.expectations.numbers import each_operation, measured
from umt_sim.expectations.verdicts import Verdict
from umt_sim.measures.estimates import over_replications, quantile_estimate
from umt_sim.measures.windows import RUN

if TYPE_CHECKING:
    from umt_sim.analysis.result import Result

__all__ = ["compare", "regressions"]

_COLUMNS = [
    "operation", "number", "first", "second", "difference", "low", "high", "pairs", "clear",
]  # fmt: skip


def compare(first: Sequence[Result], second: Sequence[Result], window: str = RUN) -> pd.DataFrame:
    """
    Compare two plans over the seeds that both were run with.

    Args:
        first: Runs of one plan, one for each seed.
        second: Runs of the other plan.
        window: Where to measure.

    Returns:
        One row for each operation and number: the mean under either plan, the mean
        difference (second minus first) with its 95 % interval over the pairs, and
        the number of pairs. ``clear`` says whether the interval leaves out zero.

    Raises:
        ValueError: They share no seed.
    """
    left, right = ({result.seed: result for result in runs} for runs in (first, second))
    seeds = [seed for seed in left if seed in right]
    if not seeds:
        raise ValueError(f"no seed in common: {sorted(left)} and {sorted(right)}")
    pairs = [(_numbers(left[seed], window), _numbers(right[seed], window)) for seed in seeds]
    names = [name for name in pairs[0][0] if all(name in one and name in two for one, two in pairs)]
    return pd.DataFrame([_row(name, pairs) for name in names], columns=_COLUMNS)


def regressions(
    first: Sequence[Result], second: Sequence[Result], limits: Mapping[str, str]
) -> tuple[Verdict, ...]:
    """
    Say whether *second* is worse than *first* by more than is tolerated.

    Args:
        first: Runs of one plan, one for each seed.
        second: Runs of the other plan.
        limits: Name of a number to what is tolerated: ``{"latency.p99": "10%"}``. One that
            names no operation is about each of them.

    Returns:
        A verdict for each number and operation; FAILED is a regression.

    Raises:
        ValueError: A name or a tolerance is not in the language.
    """
    operations = list(dict.fromkeys(first[0].readings.requests.name.tolist()))
    tolerances = {
        name: allowed
        for asked, allowed in limits.items()
        for name in each_operation([asked], operations)
    }
    before, after = (_baseline(runs, tolerances) for runs in (first, second))
    return against(before, after, tolerances)


def _baseline(runs: Sequence[Result], names: Iterable[str]) -> Baseline:
    seeds = tuple(result.seed for result in runs)
    found = [measured(result.readings, names) for result in runs]
    numbers = {name: [one[name].value for one in found] for name in found[0]}
    return Baseline(runs[0].name, runs[0].world, {}, seeds, numbers)


Numbers = Mapping[tuple[str, str], float]


def _row(
    name: tuple[str, str], pairs: Sequence[tuple[Numbers, Numbers]]
) -> dict[str, str | float | int | bool | None]:
    difference = over_replications([two[name] - one[name] for one, two in pairs])
    low, high = difference.low, difference.high
    return {
        "operation": name[0],
        "number": name[1],
        "first": over_replications([one[name] for one, _ in pairs]).value,
        "second": over_replications([two[name] for _, two in pairs]).value,
        "difference": difference.value,
        "low": low,
        "high": high,
        "pairs": difference.n,
        "clear": low is not None and high is not None and (low > 0 or high < 0),
    }


def _numbers(result: Result, window: str) -> dict[tuple[str, str], float]:
    """The numbers of one run that are defined, by operation and name."""
    readings = result.readings
    where = readings.windows.get(window)
    if where is None:
        return {}
    found: dict[tuple[str, str], float | None] = {}
    for operation in dict.fromkeys(readings.requests.name.tolist()):
        requests = readings.requests_in(operation, where)
        times = requests.sojourn_times() * 1e3
        found[operation, "p50_ms"] = quantile_estimate(times, 0.5).value
        found[operation, "p95_ms"] = quantile_estimate(times, 0.95).value
        error_rate = requests.error_rate().value
        found[operation, "error_percent"] = None if error_rate is None else error_rate * 100
        goodput = readings.requests_of(operation).throughput(where, good_only=True)
        found[operation, "goodput_per_s"] = goodput.value
    return {name: value for name, value in found.items() if value is not None}
