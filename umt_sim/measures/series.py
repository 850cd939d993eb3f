"""Numbers over time: one for each of the stretches that a row of edges cuts a run into."""

from __future__ import annotations

import numpy as np

from umt_sim.measures.estimates import Floats, quantile_estimate
from umt_sim.measures.requests import Requests

__all__ = ["latency_counts", "quantile_series", "rate_series"]

_LEAST = 5  # fewer requests than that make no percentile


def rate_series(times: Floats, edges: Floats) -> Floats:
    """
    Events per second between each two *edges*.

    Args:
        times: When the events were, in any order; infinite for never.
        edges: Ascending, in seconds.
    """
    counts, _ = np.histogram(times[np.isfinite(times)], edges)
    rates: Floats = counts / np.diff(edges)
    return rates


def quantile_series(requests: Requests, edges: Floats, q: float) -> Floats:
    """
    The *q* quantile of the sojourn time of requests scheduled between each two *edges*.

    Seconds; NaN where fewer than five were.
    """
    firsts = np.searchsorted(requests.scheduled, edges, side="left")
    values = np.full(len(edges) - 1, np.nan)
    for index in range(len(values)):
        inside = requests.where(slice(int(firsts[index]), int(firsts[index + 1])))
        estimate = quantile_estimate(inside.sojourn_times(), q)
        if estimate.value is not None and estimate.n >= _LEAST:
            values[index] = estimate.value
    return values


def latency_counts(requests: Requests, edges: Floats, latencies: Floats) -> Floats:
    """
    How many requests were scheduled in each stretch and took how long.

    Args:
        requests: Those that count; unanswered ones are in the highest row.
        edges: Ends of the stretches, in seconds of the run.
        latencies: Ends of the rows, in seconds; what lies outside is put into the outermost.

    Returns:
        Shape ``(len(latencies) - 1, len(edges) - 1)``.
    """
    sojourn = np.clip(
        requests.completed - requests.scheduled, latencies[0], np.nextafter(latencies[-1], 0)
    )
    counts, _, _ = np.histogram2d(sojourn, requests.scheduled, (latencies, edges))
    return counts
