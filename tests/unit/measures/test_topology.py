"""Edges between programs and servers."""

from __future__ import annotations

import pytest

from tests.fakes.journals import journal, order_trace
from umt_sim.faults.timeline import Window
from umt_sim.measures.topology import edges


def test_every_edge_has_its_rate_errors_and_times() -> None:
    """Calls that began in the window, over its length; the failing edge is the failing one."""
    run = journal(*(row for n in range(40) for row in order_trace(f"{n:032}", at=n * 0.25)))
    found = {(edge.caller, edge.callee): edge for edge in edges(run, Window("w", 0.0, 10.0))}
    assert [
        ("rabbitmq", "worker"), ("shop", "rabbitmq"), ("shop", "redis"),
        ("worker", "db"), ("worker", "smtp"),
    ] == list(found)  # fmt: skip
    cache = found["shop", "redis"]
    assert 4.0 == cache.per_second
    assert 0.1 == pytest.approx(cache.p95.value)
    assert (0.0, 1.0) == (cache.error_rate.value, found["worker", "db"].error_rate.value)
    assert 0.25 == pytest.approx(found["worker", "db"].p50.value)


def test_a_window_counts_only_its_own_calls() -> None:
    """Edges without a call in the window are left out."""
    assert [("shop", "redis")] == [
        (edge.caller, edge.callee)
        for edge in edges(journal(*order_trace()), Window("w", 0.05, 0.2))
    ]
