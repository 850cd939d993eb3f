"""Compares what became of the requests: latencies, errors and goodput, window by window."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umt_sim.analysis.twin.comparisons import Comparison, compared, unjudged
from umt_sim.analysis.twin.tolerances import Tolerances
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.readings import Readings
from umt_sim.expectations.verdicts import Status
from umt_sim.measures.curves import widest_gap
from umt_sim.measures.estimates import Estimate, Floats, needed_for_quantile, quantile_estimate
from umt_sim.measures.requests import Requests
from umt_sim.measures.windows import RUN

__all__ = ["QUANTILES", "operations_of", "request_comparisons", "windows_of_both"]

QUANTILES = (0.5, 0.95)

_ENOUGH = 20
"""Requests below which an error rate is not judged."""

Pair = tuple[Readings, Readings]


def windows_of_both(pair: Pair) -> list[str]:
    """Names of the windows that both runs have: the parts of the run, or all of it."""
    sim, live = pair
    both = [name for name in sim.windows if name in live.windows]
    parts = [name for name in both if name != RUN]
    return parts or both


def operations_of(pair: Pair) -> list[str]:
    """Names of the operations, in the order of their first request."""
    names = (name for readings in pair for name in readings.requests.name.tolist())
    return list(dict.fromkeys(names))


def request_comparisons(pair: Pair, tolerances: Tolerances) -> Iterator[Comparison]:
    """Every comparison about the requests of two runs of one plan."""
    for operation in operations_of(pair):
        judged: list[Comparison] = []
        for window in windows_of_both(pair):
            judged.extend(_latencies(pair, operation, window, tolerances))
            judged.append(_errors(pair, operation, window, tolerances))
        yield from judged
        yield from _never_judged(operation, judged)
        yield from _curves(pair, operation, tolerances)


def _inside(readings: Readings, operation: str, window: str) -> Requests:
    return readings.requests_in(operation, readings.windows[window])


def _latencies(
    pair: Pair, operation: str, window: str, tolerances: Tolerances
) -> Iterator[Comparison]:
    times = [_inside(readings, operation, window).sojourn_times() for readings in pair]
    for q in QUANTILES:
        sim, live = (quantile_estimate(each, q) for each in times)
        yield _quantile(operation, q, window, (sim, live), tolerances)


def _quantile(
    operation: str,
    q: float,
    window: str,
    estimates: tuple[Estimate, Estimate],
    tolerances: Tolerances,
) -> Comparison:
    sim, live = estimates
    name, needed = f"p{q * 100:g}", needed_for_quantile(q)
    if sim.value is None or live.value is None or min(sim.n, live.n) < needed:
        note = f"n = {sim.n} and {live.n}; {needed} are needed"
        return unjudged(operation, name, window, (sim.value, live.value), Unit.SECONDS, note)
    values = (sim.value, live.value)
    allowed = tolerances.of_latency(*values)
    note = f"n = {sim.n} and {live.n}"
    return compared(operation, name, window, values, allowed, Unit.SECONDS, note)


def _errors(pair: Pair, operation: str, window: str, tolerances: Tolerances) -> Comparison:
    """
    The error rate of one window.

    A breaker that acts within its tolerance changes the fate of as many requests as
    arrive meanwhile, so that share of the window is allowed on top.
    """
    inside = [_inside(readings, operation, window) for readings in pair]
    sim, live = (requests.error_rate().value for requests in inside)
    note = f"n = {len(inside[0])} and {len(inside[1])}"
    if sim is None or live is None or min(map(len, inside)) < _ENOUGH:
        note += f"; {_ENOUGH} are needed"
        return unjudged(operation, "error rate", window, (sim, live), Unit.SHARE, note)
    lasts = min(readings.windows[window].duration for readings in pair)
    allowed = tolerances.errors + tolerances.transition / lasts
    return compared(operation, "error rate", window, (sim, live), allowed, Unit.SHARE, note)


def _never_judged(operation: str, judged: list[Comparison]) -> Iterator[Comparison]:
    """A run that allows no comparison of a quantile in any window proves nothing."""
    for q in QUANTILES:
        name = f"p{q * 100:g}"
        if all(one.status is None for one in judged if one.number == name):
            note = f"too few requests in every window; {needed_for_quantile(q)} are needed"
            yield Comparison(
                operation, name, RUN, None, None, None, Unit.SECONDS, Status.INCONCLUSIVE, note
            )


def _curves(pair: Pair, operation: str, tolerances: Tolerances) -> Iterator[Comparison]:
    """Good and bad answers counted over the whole run, and where the counts were furthest apart."""
    requests = [readings.requests_of(operation) for readings in pair]
    allowed = tolerances.curve * max(map(len, requests))
    for name, good in (("goodput curve", True), ("error curve", False)):
        sim, live = (_answered(each, good=good) for each in requests)
        gap, at = widest_gap(sim, live)
        note = f"{gap} apart at {at:.1f} s" if at is not None else "never apart"
        counts = (float(len(sim)), float(len(live)))
        status = Status.PASSED if gap <= allowed else Status.FAILED
        yield Comparison(operation, name, RUN, *counts, allowed, Unit.NUMBER, status, note)


def _answered(requests: Requests, *, good: bool) -> Floats:
    """When requests were answered well, or badly; never answered is bad at infinity."""
    times = requests.completed[requests.ok if good else ~requests.ok]
    return times[np.isfinite(times)]
