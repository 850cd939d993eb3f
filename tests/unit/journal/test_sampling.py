"""Traces are kept for what happened in them, and the others by a fair draw."""

from __future__ import annotations

from random import Random
from typing import Final

from umt_sim.faults.timeline import Window
from umt_sim.journal.records import SpanRow
from umt_sim.journal.sampling import Sampling, Traces

BOTH: Final = ("errors", "faults")
FAULT = Window("outage", 100.0, 110.0)


def span(trace: str, start: float, end: float, *, error: bool = False) -> SpanRow:
    """One span of a trace."""
    return SpanRow(
        trace, f"{start:g}", None, "ask", "client", "umt", start, end,
        "error" if error else "ok", "Refused" if error else None,
    )  # fmt: skip


def trace_id(stream: Random) -> str:
    return f"{stream.getrandbits(128):032x}"


def kept(sampling: Sampling, *rows: SpanRow) -> list[SpanRow]:
    """What is left of *rows*."""
    traces = Traces(sampling, [FAULT])
    for row in rows:
        traces.add(row)
    return traces.kept()


def test_an_error_keeps_its_whole_trace() -> None:
    """Spans that ended well before it and after it belong to the story."""
    story = [span("a" * 32, 1, 2), span("a" * 32, 1, 3, error=True), span("a" * 32, 0, 4)]
    plain = [span("b" * 32, 1, 2)]
    assert story == kept(Sampling(("errors",), 0.0, None), *story, *plain)


def test_a_trace_that_met_a_fault_is_kept() -> None:
    """It begins before the fault and ends in it, or the other way round."""
    rows = [span("a" * 32, 90, 101), span("b" * 32, 109, 120), span("c" * 32, 90, 99)]
    assert rows[:2] == kept(Sampling(BOTH, 0.0, None), *rows)


def test_of_the_others_a_share_is_drawn() -> None:
    """A tenth of 5000 random traces, within what chance allows, and the same ones again."""
    stream = Random(1)
    rows = [span(trace_id(stream), 1, 2) for _ in range(5000)]
    tenth = kept(Sampling(BOTH, 0.1, None), *rows)
    assert abs(len(tenth) - 500) < 4 * 21
    assert tenth == kept(Sampling(BOTH, 0.1, None), *rows)
    fifth = kept(Sampling(BOTH, 0.2, None), *rows)
    assert {row.trace_id for row in tenth} <= {row.trace_id for row in fifth}


def test_of_too_many_the_most_important_are_kept_whole() -> None:
    """Errors before faults before others, and no trace in part."""
    rows = [
        *(span("a" * 32, 1, 2) for _ in range(3)),
        *(span("b" * 32, 100, 101) for _ in range(3)),
        *(span("c" * 32, 1, 2, error=True) for _ in range(3)),
    ]
    found = kept(Sampling(BOTH, 1.0, 7), *rows)
    assert ["b", "b", "b", "c", "c", "c"] == [row.trace_id[0] for row in found]


def test_never_more_than_twice_the_limit_is_held() -> None:
    """A choice is made early where there is no room to wait."""
    stream = Random(2)
    traces = Traces(Sampling(BOTH, 1.0, 50), [FAULT])
    for at in range(1000):
        traces.add(span(trace_id(stream), at / 1000, 1.0))
    assert 50 == len(traces.kept())
