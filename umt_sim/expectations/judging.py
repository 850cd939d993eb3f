"""One expectation against one journal."""

from __future__ import annotations

import numpy as np

from umt_sim.expectations.grammar import Expectation
from umt_sim.expectations.metrics import METRICS, Metric
from umt_sim.expectations.presence import is_heard_of
from umt_sim.expectations.readings import Readings
from umt_sim.expectations.verdicts import Status, Verdict
from umt_sim.expectations.wording import interval, number, quantity
from umt_sim.faults.timeline import Window
from umt_sim.measures.estimates import Estimate

__all__ = ["judge"]

_MOST_STARTS = 2_000
"""Moments at which a sliding stretch is tried; beyond that every so manieth."""


def judge(expectation: Expectation, readings: Readings) -> Verdict:
    """
    Say whether *expectation* held in the run that *readings* opens.

    A number whose interval lies on both sides of the limit, too few observations,
    or a window that never began make the answer inconclusive.
    """
    window = readings.windows.get(expectation.window or "run")
    if window is None:
        return _verdict(
            expectation, Status.INCONCLUSIVE, f"{expectation.window} did not take place"
        )
    metric = METRICS[expectation.metric]
    if not is_heard_of(metric, expectation.of, readings):
        evidence = f"nothing was heard of {_subject(metric, expectation.of)}"
        return _verdict(expectation, Status.INCONCLUSIVE, evidence)
    stretch = _stretch(expectation, window, readings)
    if stretch.duration <= 0:
        return _verdict(expectation, Status.INCONCLUSIVE, f"{stretch.name} leaves no time")
    if metric.counts(expectation.aggregate):
        return _judge_count(expectation, metric, readings, stretch)
    if expectation.within is not None and expectation.hold is not None:
        return _judge_settling(expectation, metric, readings, stretch)
    return _judge_level(expectation, metric, readings, stretch)


def _subject(metric: Metric, of: str | None) -> str:
    return f"any {metric.subject.value}" if of is None else f"the {metric.subject.value} {of}"


def _stretch(expectation: Expectation, window: Window, readings: Readings) -> Window:
    """The part of the run an expectation is about."""
    name, start, end = window.name, window.start, window.end
    if expectation.relation == "after":
        name, start, end = f"after {name}", end, readings.run.end
    limit = expectation.within if expectation.hold is None else expectation.hold
    if limit is not None and not (expectation.within and expectation.hold):
        end = min(end, start + limit)
    return Window(name, start, end)


def _judge_level(
    expectation: Expectation, metric: Metric, readings: Readings, stretch: Window
) -> Verdict:
    estimate = metric.estimate(readings, expectation.of, expectation.aggregate, stretch)
    evidence = _seen(expectation, estimate, stretch)
    needed = expectation.min_samples or metric.needed(expectation.aggregate)
    if estimate.value is None:
        return _verdict(expectation, Status.INCONCLUSIVE, f"nothing observed {_when(stretch)}")
    if estimate.n < needed:
        return _verdict(
            expectation,
            Status.INCONCLUSIVE,
            f"{evidence}; too few samples, {needed} are needed",
            estimate,
        )
    status = _status(expectation, estimate)
    if status is Status.INCONCLUSIVE:
        evidence += "; the interval spans the limit"
    return _verdict(expectation, status, evidence, estimate)


def _status(expectation: Expectation, estimate: Estimate) -> Status:
    """Passed or failed if both ends of the interval agree, otherwise neither."""
    assert estimate.value is not None
    ends = [end for end in (estimate.low, estimate.high) if end is not None]
    if expectation.comparison in ("==", "!=") or not ends:
        ends = [estimate.value]
    answers = [expectation.holds(end) for end in (*ends, estimate.value)]
    if all(answers):
        return Status.PASSED
    return Status.INCONCLUSIVE if any(answers) else Status.FAILED


def _judge_count(
    expectation: Expectation, metric: Metric, readings: Readings, stretch: Window
) -> Verdict:
    assert metric.moments is not None
    moments = metric.moments(readings, expectation.of, expectation.aggregate, stretch)
    estimate = Estimate(float(len(moments)), len(moments))
    evidence = _seen(expectation, estimate, stretch)
    first = _first(expectation, metric, readings, stretch)
    if first is not None:
        evidence += f"; the first after {_seconds(first - stretch.start)}"
    if expectation.min_samples is not None and len(moments) < expectation.min_samples:
        evidence += f"; too few, {expectation.min_samples} are needed"
        return _verdict(expectation, Status.INCONCLUSIVE, evidence, estimate)
    status = Status.PASSED if expectation.holds(len(moments)) else Status.FAILED
    return _verdict(expectation, status, evidence, estimate)


def _first(
    expectation: Expectation, metric: Metric, readings: Readings, stretch: Window
) -> float | None:
    """When the first counted thing was, be it later than asked: the detection time."""
    assert metric.moments is not None
    open_end = Window(stretch.name, stretch.start, readings.run.end)
    later = metric.moments(readings, expectation.of, expectation.aggregate, open_end)
    return min(later, default=None)


def _judge_settling(
    expectation: Expectation, metric: Metric, readings: Readings, stretch: Window
) -> Verdict:
    """Find the earliest moment from which on the expectation holds long enough."""
    assert expectation.within is not None
    assert expectation.hold is not None
    needed = expectation.min_samples or 1
    last = min(stretch.start + expectation.within, stretch.end - expectation.hold)
    if last < stretch.start:
        room = _seconds(stretch.duration)
        evidence = f"only {room} {_when(stretch)}, too short to tell"
        return _verdict(expectation, Status.INCONCLUSIVE, evidence)
    estimate = Estimate(None, 0)
    enough = False
    for start in _starts(expectation, readings, stretch.start, last):
        tried = Window(stretch.name, start, start + expectation.hold)
        estimate = metric.estimate(readings, expectation.of, expectation.aggregate, tried)
        if estimate.value is None or estimate.n < needed:
            continue
        enough = True
        if expectation.holds(estimate.value):
            value = quantity(estimate.value, expectation.unit)
            evidence = f"after {_seconds(start - stretch.start)}: {value}, n = {estimate.n}"
            return _verdict(expectation, Status.PASSED, evidence, estimate)
    if not enough:
        evidence = f"never {needed} samples in {_seconds(expectation.hold)} {_when(stretch)}"
        return _verdict(expectation, Status.INCONCLUSIVE, evidence, estimate)
    value = quantity(estimate.value, expectation.unit)
    evidence = f"not within {_seconds(last - stretch.start)}; at the end {value}"
    return _verdict(expectation, Status.FAILED, evidence, estimate)


def _starts(expectation: Expectation, readings: Readings, first: float, last: float) -> list[float]:
    """
    Moments worth trying, ascending: the sliding stretch changes only when a request
    leaves it at its beginning or enters it at its end.
    """
    assert expectation.hold is not None
    scheduled = readings.requests.scheduled
    edges = np.concatenate((scheduled, scheduled - expectation.hold))
    inside = np.nextafter(edges[(edges >= first) & (edges < last)], np.inf)
    moments = np.unique(np.concatenate(([first], inside, [last])))
    stride = -(-len(moments) // _MOST_STARTS)
    return [float(moment) for moment in moments[::stride]]


def _seen(expectation: Expectation, estimate: Estimate, stretch: Window) -> str:
    """The measured number in words."""
    value = quantity(estimate.value, expectation.unit)
    between = interval(estimate, expectation.unit)
    spread = f" ({between})" if between else ""
    return f"{value}{spread}, n = {estimate.n}, {_when(stretch)}"


def _when(stretch: Window) -> str:
    prefix = "" if stretch.name.startswith("after ") else "in "
    return f"{prefix}{stretch.name} ({number(stretch.start)} s to {number(stretch.end)} s)"


def _seconds(seconds: float) -> str:
    """Seconds in words."""
    return f"{seconds:.3g} s"


def _verdict(
    expectation: Expectation, status: Status, evidence: str, estimate: Estimate | None = None
) -> Verdict:
    return Verdict(
        name=expectation.text,
        status=status,
        evidence=evidence,
        estimate=estimate,
        unit=expectation.unit.value,
        limit=expectation.limit,
    )
