"""Who talks to whom, how fast and how well: the edges between programs and servers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umt_sim.faults.timeline import Window
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import SpanRow
from umt_sim.measures.estimates import STEADY, Batching, Estimate, quantile_estimate, share_estimate
from umt_sim.measures.traces import Hop, Trace

__all__ = ["Edge", "edges"]


@dataclass(frozen=True, slots=True)
class Edge:
    """
    All calls or messages from one program to another in a stretch of the run.

    Attributes:
        caller: Who sent them.
        callee: Who got them.
        delivers: Whether the caller is a broker that hands on messages.
        per_second: How many.
        error_rate: Share that ended in an error.
        p50: Median duration of the client's, producer's or consumer's span, in seconds.
        p95: Likewise.
    """

    caller: str
    callee: str
    delivers: bool
    per_second: float
    error_rate: Estimate
    p50: Estimate
    p95: Estimate


def edges(journal: Journal, window: Window, batching: Batching = STEADY) -> list[Edge]:
    """Every edge that calls begun in *window* used, by name of caller and callee."""
    by_trace: dict[str, list[SpanRow]] = {}
    for span in journal.of(SpanRow):
        by_trace.setdefault(span.trace_id, []).append(span)
    hops: dict[tuple[str, str], list[Hop]] = {}
    for spans in by_trace.values():
        for hop in Trace(spans).hops:
            if hop.span.start in window:
                hops.setdefault((hop.caller, hop.callee), []).append(hop)
    return [_edge(*ends, hops[ends], window, batching) for ends in sorted(hops)]


def _edge(caller: str, callee: str, hops: list[Hop], window: Window, batching: Batching) -> Edge:
    hops = sorted(hops, key=lambda hop: hop.span.start)
    times = np.array([hop.span.end - hop.span.start for hop in hops], dtype=np.float64)
    failed = np.array([hop.failed for hop in hops], dtype=np.bool_)
    return Edge(
        caller,
        callee,
        hops[0].span.kind == "consumer",
        len(hops) / window.duration,
        share_estimate(failed, batching),
        quantile_estimate(times, 0.5, batching),
        quantile_estimate(times, 0.95, batching),
    )
