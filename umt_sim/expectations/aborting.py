"""
``abort``: conditions that end a run early, judged on the journal so far.

They are expectations with one clause, ``for d``: judged over the last *d* seconds of
the run, once d seconds have passed. Over that stretch a request counts when it is
*answered*, for nobody knows yet what becomes of the others; those still under way count
in ``in_flight`` only. Spans are chosen when the run ends and cannot abort it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from umt_sim.expectations.grammar import Expectation, ExpectationError, expect
from umt_sim.expectations.metrics import METRICS, Subject
from umt_sim.expectations.readings import Readings
from umt_sim.expectations.wording import quantity
from umt_sim.faults.timeline import Window
from umt_sim.journal.recorder import Journal, Recorder
from umt_sim.journal.records import OperationRecord
from umt_sim.measures.estimates import STEADY, Batching
from umt_sim.measures.requests import Requests

__all__ = ["Abort", "abort_condition", "first_reached"]

_LEAST = 10
"""Observations below which a level does not end a run; ``min_samples`` says otherwise."""


@dataclass(frozen=True, slots=True)
class Abort:
    """
    A condition came true.

    Attributes:
        condition: As written.
        at: When, in seconds of the run.
        evidence: What was seen, in a sentence.
    """

    condition: str
    at: float
    evidence: str


def abort_condition(text: str) -> Expectation:
    """
    Parse one condition.

    Args:
        text: For example ``error_rate > 90% for 30s``.

    Raises:
        ExpectationError: It is not in the language, or cannot be judged in the middle of a run.
    """
    parsed = expect(text)
    for word in ("during", "after", "within"):
        if word in parsed.offsets:
            raise ExpectationError(
                parsed.offsets[word],
                f'"{word}" says nothing about a run under way; an abort takes "for"',
            )
    metric = METRICS[parsed.metric]
    if metric.subject is Subject.SPAN:
        raise ExpectationError(0, "spans are chosen when the run ends; they cannot abort it")
    if parsed.hold is None:
        raise ExpectationError(
            len(text), 'an abort needs "for": over which stretch, for example for 30s?'
        )
    return parsed


def first_reached(
    conditions: Sequence[Expectation],
    recorder: Recorder,
    unanswered: Sequence[OperationRecord],
    now: float,
) -> Abort | None:
    """
    The first of *conditions* that is true at *now*, if any.

    Args:
        conditions: From ``abort_condition``.
        recorder: The journal being written.
        unanswered: A record of each request under way.
        now: Seconds of the run.
    """
    for condition in conditions:
        assert condition.hold is not None
        if now < condition.hold:
            continue
        stretch = Window("abort", now - condition.hold, now)
        readings = _ReadingsSoFar(recorder.recent(stretch.start), unanswered)
        evidence = _reached(condition, readings, stretch)
        if evidence:
            return Abort(condition.text, now, evidence)
    return None


def _reached(condition: Expectation, readings: Readings, stretch: Window) -> str:
    """What makes *condition* true over *stretch*; empty if it is not."""
    metric = METRICS[condition.metric]
    estimate = metric.estimate(readings, condition.of, condition.aggregate, stretch)
    least = condition.min_samples or (_LEAST if metric.needs else 0)
    if estimate.value is None or estimate.n < least or not condition.holds(estimate.value):
        return ""
    value = quantity(estimate.value, condition.unit)
    return (
        f"{value}, n = {estimate.n}, over the {stretch.duration:g} s before"
        f" {stretch.end:g} s of the run"
    )


class _ReadingsSoFar(Readings):
    """
    Readings of a run under way.

    Args:
        journal: What was written lately.
        under_way: A record of each request not answered yet.
    """

    def __init__(self, journal: Journal, under_way: Sequence[OperationRecord]) -> None:
        super().__init__(journal)
        self._under_way = under_way

    @cached_property
    def requests(self) -> Requests:
        """Requests answered lately, and those not answered yet."""
        return Requests.of_records([*self.journal.of(OperationRecord), *self._under_way])

    def batching(self, window: Window) -> Batching:
        """No interval is asked for; one way is as good as another."""
        del window
        return STEADY

    def requests_in(self, operation: str | None, window: Window) -> Requests:
        """Requests of one operation (``None``: all) answered in *window*."""
        requests = self.requests_of(operation)
        return requests.where(
            (requests.completed >= window.start) & (requests.completed < window.end)
        )
