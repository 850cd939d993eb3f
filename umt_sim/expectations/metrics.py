"""
What an expectation can ask about.

A metric belongs to a subject (an operation, a breaker, a queue, ...) and answers in
a unit. Some are levels, estimated from a sample with an interval; others count
moments, which are exact and tell when the first of them was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

import numpy as np

from umt_sim.expectations.readings import Readings
from umt_sim.faults.timeline import Window
from umt_sim.journal.records import MessageEvent, MessageFate
from umt_sim.measures.breakers import joint_time_in, refusals
from umt_sim.measures.counters import (
    observations,
    queue_depth,
    retries,
    retry_amplification,
    span_durations,
)
from umt_sim.measures.estimates import (
    STEADY,
    Batching,
    Estimate,
    Floats,
    mean_estimate,
    needed_for_quantile,
    quantile_estimate,
)
from umt_sim.measures.steps import Steps

__all__ = ["METRICS", "Metric", "Subject", "Unit", "quantile_of"]


class Unit(Enum):
    """What a metric's number is, and so how its limit must be written."""

    SECONDS = "s"  # 800ms
    SHARE = "share"  # 5%
    RATE = "/s"  # 20/s
    NUMBER = ""  # 3


class Subject(Enum):
    """What stands in a metric's parentheses."""

    OPERATION = "operation"
    BREAKER = "breaker"
    POLICY = "policy"
    QUEUE = "queue"
    SPAN = "span"
    OBSERVATION = "observation"


Measure = Callable[[Readings, str | None, str, Window], Estimate]
Moments = Callable[[Readings, str | None, str, Window], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Metric:
    """
    One thing to ask about.

    Attributes:
        subject: What may stand in parentheses.
        about: What it is, in a sentence.
        required: Whether something must stand there; else it is about all of them.
        aggregates: What may follow the dot, each with its unit; empty for nothing.
        quantiles: Whether ``p50``, ``p99.9``, ... may follow too.
        unit: Unit where no aggregate is named.
        measure: The number over a window.
        moments: For counts: when each of the counted things was.
        needs: Observations below which it is not judged.
        worse: Which way is for the worse: 1 for up, -1 for down, 0 where that depends.
    """

    subject: Subject
    about: str
    measure: Measure | None = None
    moments: Moments | None = None
    required: bool = False
    aggregates: Mapping[str, Unit] = field(default_factory=dict)
    quantiles: bool = False
    unit: Unit = Unit.NUMBER
    needs: int = 0
    worse: Literal[-1, 0, 1] = 0

    def unit_of(self, aggregate: str) -> Unit:
        """The unit of its number with *aggregate* (empty: none)."""
        return self.aggregates.get(aggregate, self.unit)

    def counts(self, aggregate: str) -> bool:
        """Whether its number with *aggregate* counts moments."""
        return self.moments is not None and aggregate not in _TIMES_IN_STATE

    def estimate(
        self, readings: Readings, of: str | None, aggregate: str, window: Window
    ) -> Estimate:
        """Its number over *window*."""
        if self.moments is not None and self.counts(aggregate):
            count = len(self.moments(readings, of, aggregate, window))
            return Estimate(float(count), count)
        if self.measure is None:
            raise AssertionError("a metric measures or counts")
        return self.measure(readings, of, aggregate, window)

    def explanation(self, name: str) -> str:
        """What it is and how it is written, for people."""
        subject = self.subject.value.upper()
        of = f"({subject})" if self.required else f"[({subject})]"
        words = [*(("p50", "p95", "p99.9") if self.quantiles else ()), *self.aggregates]
        after = f"\naggregates: {', '.join(words)}" if words else ""
        dot = ".AGGREGATE" if words else ""
        return f"{self.about}\n\n{name}{of}{dot}{after}"

    def needed(self, aggregate: str) -> int:
        """Observations below which it is not judged."""
        q = quantile_of(aggregate)
        return needed_for_quantile(q) if q is not None else self.needs


def quantile_of(aggregate: str) -> float | None:
    """0.95 of ``p95``; ``None`` where *aggregate* names no quantile."""
    if not aggregate.startswith("p") or not aggregate[1:2].isdigit():
        return None
    return float(aggregate[1:]) / 100


def _of_sample(values: Floats, aggregate: str, batching: Batching) -> Estimate:
    """An aggregate of observations in order of arrival."""
    q = quantile_of(aggregate)
    if q is not None:
        return quantile_estimate(values, q, batching)
    if not len(values):
        return Estimate(None, 0)
    match aggregate:
        case "mean":
            return mean_estimate(values, batching)
        case "min":
            return Estimate(float(np.min(values)), len(values))
        case _:
            return Estimate(float(np.max(values)), len(values))


def _latency(readings: Readings, of: str | None, aggregate: str, window: Window) -> Estimate:
    times = readings.requests_in(of, window).sojourn_times()
    return _of_sample(times, aggregate, readings.batching(window))


def _service_time(readings: Readings, of: str | None, aggregate: str, window: Window) -> Estimate:
    times = readings.requests_in(of, window).service_times()
    return _of_sample(times, aggregate, readings.batching(window))


def _error_rate(readings: Readings, of: str | None, _: str, window: Window) -> Estimate:
    return readings.requests_in(of, window).error_rate(readings.batching(window))


def _success(readings: Readings, of: str | None, _: str, window: Window) -> Estimate:
    return readings.requests_in(of, window).success(readings.batching(window))


def _rate(readings: Readings, of: str | None, _: str, window: Window) -> Estimate:
    return readings.requests_of(of).throughput(window, readings.batching(window), good_only=False)


def _goodput(readings: Readings, of: str | None, _: str, window: Window) -> Estimate:
    return readings.requests_of(of).throughput(window, readings.batching(window), good_only=True)


def _of_steps(steps: Steps, aggregate: str, window: Window, batching: Batching) -> Estimate:
    match aggregate:
        case "mean":
            return steps.mean(window, batching)
        case "last":
            return Estimate(steps.at(np.nextafter(window.end, window.start)), len(steps))
        case _:
            return Estimate(steps.maximum(window), len(steps))


def _in_flight(readings: Readings, of: str | None, aggregate: str, window: Window) -> Estimate:
    return _of_steps(readings.in_flight(of), aggregate, window, readings.batching(window))


def _queue_depth(readings: Readings, of: str | None, aggregate: str, window: Window) -> Estimate:
    steps = queue_depth(readings.journal, of or "")
    if not len(steps):
        return Estimate(None, 0)
    return _of_steps(steps, aggregate, window, readings.batching(window))


def _amplification(readings: Readings, of: str | None, _: str, window: Window) -> Estimate:
    return retry_amplification(
        readings.journal, readings.requests, of, window, readings.batching(window)
    )


def _span(readings: Readings, of: str | None, aggregate: str, window: Window) -> Estimate:
    times = span_durations(readings.journal, of or "", window)
    return _of_sample(times, aggregate, readings.batching(window))


_TRANSITIONS = {"opens": "open", "half_opens": "half_open", "closes": "closed"}
_TIMES_IN_STATE = {
    "open_time": "open",
    "half_open_time": "half_open",
    "closed_time": "closed",
}


def _breaker_moments(
    readings: Readings, of: str | None, aggregate: str, window: Window
) -> Sequence[float]:
    breakers = readings.breakers(of or "")
    if aggregate == "refusals":
        found = (event for name in breakers for event in refusals(readings.journal, name, window))
        return sorted(event.at for event in found)
    state = _TRANSITIONS[aggregate]
    return sorted(
        event.at
        for name in breakers
        for event in readings.transitions(name)
        if event.to_state == state and event.at in window
    )


def _breaker_time(readings: Readings, of: str | None, aggregate: str, window: Window) -> Estimate:
    breakers = [readings.transitions(name) for name in readings.breakers(of or "")]
    seconds = joint_time_in(_TIMES_IN_STATE[aggregate], breakers, window)
    return Estimate(seconds, sum(map(len, breakers)))


def _message_moments(
    readings: Readings, of: str | None, aggregate: str, window: Window
) -> Sequence[float]:
    again = aggregate == "redelivered"
    fate = MessageFate.DELIVERED if again else MessageFate(aggregate)
    return [
        event.at
        for event in readings.journal.of(MessageEvent)
        if event.fate is fate
        and (event.redelivered or not again)
        and of in (None, event.queue)
        and event.at in window
    ]


def _retry_moments(readings: Readings, of: str | None, _: str, window: Window) -> Sequence[float]:
    return retries(readings.journal, of, window)


def _observed(readings: Readings, of: str | None, aggregate: str, window: Window) -> Estimate:
    values = observations(readings.journal, of or "", window)
    return _of_sample(values, aggregate, readings.batching(window))


_SAMPLE = dict.fromkeys(("mean", "min", "max"), Unit.SECONDS)
_STEPS = dict.fromkeys(("max", "mean", "last"), Unit.NUMBER)

METRICS: Mapping[str, Metric] = {
    "latency": Metric(
        Subject.OPERATION,
        "Time from the scheduled arrival of a request to its answer; successful ones only.",
        measure=_latency,
        aggregates=_SAMPLE,
        quantiles=True,
        unit=Unit.SECONDS,
        needs=STEADY.least,
        worse=1,
    ),
    "service_time": Metric(
        Subject.OPERATION,
        "Time from the sending of a request to its answer; successful ones only.",
        measure=_service_time,
        aggregates=_SAMPLE,
        quantiles=True,
        unit=Unit.SECONDS,
        needs=STEADY.least,
        worse=1,
    ),
    "error_rate": Metric(
        Subject.OPERATION,
        "Share of requests that failed, may have failed, were dropped or never answered.",
        measure=_error_rate,
        unit=Unit.SHARE,
        needs=STEADY.least,
        worse=1,
    ),
    "success": Metric(
        Subject.OPERATION,
        "Share of requests known to have happened.",
        measure=_success,
        unit=Unit.SHARE,
        needs=STEADY.least,
        worse=-1,
    ),
    "rate": Metric(
        Subject.OPERATION,
        "Answers per second, good or bad.",
        measure=_rate,
        unit=Unit.RATE,
        worse=-1,
    ),
    "goodput": Metric(
        Subject.OPERATION, "Good answers per second.", measure=_goodput, unit=Unit.RATE, worse=-1
    ),
    "in_flight": Metric(
        Subject.OPERATION,
        "Requests sent and not yet answered.",
        measure=_in_flight,
        aggregates=_STEPS,
        worse=1,
    ),
    "queue_depth": Metric(
        Subject.QUEUE,
        "Messages in a queue: ready, and delivered but not acknowledged.",
        measure=_queue_depth,
        required=True,
        aggregates=_STEPS,
        worse=1,
    ),
    "retry_amplification": Metric(
        Subject.POLICY,
        "How much retries multiply the load: one plus retries per request.",
        measure=_amplification,
        needs=STEADY.least,
        worse=1,
    ),
    "retries": Metric(Subject.POLICY, "Decisions to try again.", moments=_retry_moments, worse=1),
    "breaker": Metric(
        Subject.BREAKER,
        "Transitions and refusals of a policy's circuit breakers, in every process that has one,"
        " and the time in which any of them was open or half open, or all were closed.",
        measure=_breaker_time,
        moments=_breaker_moments,
        required=True,
        aggregates={
            **dict.fromkeys((*_TRANSITIONS, "refusals"), Unit.NUMBER),
            **dict.fromkeys(_TIMES_IN_STATE, Unit.SECONDS),
        },
    ),
    "messages": Metric(
        Subject.QUEUE,
        "Messages that met a fate at the broker.",
        moments=_message_moments,
        aggregates=dict.fromkeys(
            (*(fate.value for fate in MessageFate), "redelivered"), Unit.NUMBER
        ),
    ),
    "span": Metric(
        Subject.SPAN,
        "How long spans of that name lasted.",
        measure=_span,
        required=True,
        aggregates=_SAMPLE,
        quantiles=True,
        unit=Unit.SECONDS,
        needs=STEADY.least,
        worse=1,
    ),
    "observed": Metric(
        Subject.OBSERVATION,
        "What a system or a checker wrote into the journal under that name, a plain number.",
        measure=_observed,
        required=True,
        aggregates=dict.fromkeys(_SAMPLE, Unit.NUMBER),
        quantiles=True,
        needs=STEADY.least,
    ),
}
"""Every metric by its name in the language."""
