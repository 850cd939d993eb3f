"""
What the numbers of a run suggest to change.

Each rule reads one thing and says it with its evidence, or says nothing. They are
rules of thumb, stated so that a reader can disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from umt_sim.analysis.impact import faults_of, impacts, worths
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.readings import Readings
from umt_sim.expectations.wording import quantity
from umt_sim.faults.timeline import BASELINE
from umt_sim.journal.records import ResourceSample
from umt_sim.measures.counters import retry_amplification
from umt_sim.measures.steps import Steps

__all__ = ["Advice", "advise"]

_SLOW_TO_DETECT = 0.25  # share of a fault's length
_SLOW_TO_RECOVER = 0.5  # likewise
_AMPLIFIED = 1.5
_BUSY = 0.7


@dataclass(frozen=True, slots=True)
class Advice:
    """
    One suggestion.

    Attributes:
        headline: What was seen, in a few words.
        evidence: The numbers behind it.
        suggestion: What to try.
    """

    headline: str
    evidence: str
    suggestion: str


def advise(readings: Readings) -> list[Advice]:
    """Everything that the rules have to say about a run; nothing where all is well."""
    return [advice for rule in _RULES for advice in rule(readings)]


def _unguarded(readings: Readings) -> Iterator[Advice]:
    """A fault that users felt and no breaker noticed."""
    found = impacts(readings)
    for fault in faults_of(readings):
        felt = [
            each.reach.operation for each in found if each.fault == fault and each.reach.reached
        ]
        if felt and all(each.detected is None for each in found if each.fault == fault):
            yield Advice(
                f"No breaker opened during {fault.name}",
                f"it reached {', '.join(felt)}",
                "guard the calls that meet it with a breaker, or let its window be shorter",
            )


def _slow_detection(readings: Readings) -> Iterator[Advice]:
    detected = {each.fault: each.detected for each in impacts(readings)}
    for fault, seconds in detected.items():
        if seconds is not None and seconds > _SLOW_TO_DETECT * fault.duration:
            yield Advice(
                f"{fault.name} was noticed late",
                f"the first breaker opened {quantity(seconds, Unit.SECONDS)} after it began;"
                f" it lasted {quantity(fault.duration, Unit.SECONDS)}",
                "try a smaller window or fewer minimum calls, or count slow calls too",
            )


def _slow_recovery(readings: Readings) -> Iterator[Advice]:
    for each in impacts(readings):
        length = each.fault.duration
        if not each.reach.reached:
            continue
        if each.recovery is None:
            seen = "it was not well again before the run ended"
        elif each.recovery > _SLOW_TO_RECOVER * length:
            seen = f"it took {quantity(each.recovery, Unit.SECONDS)} after the fault had ended"
        else:
            continue
        yield Advice(
            f"{each.reach.operation} recovered slowly from {each.fault.name}",
            f"{seen}; the fault lasted {quantity(length, Unit.SECONDS)}",
            "look for queues that drain late, breakers that stay open, and retries that keep the"
            " load up: a budget for retries, a shorter open time, a limit on queued work",
        )


def _wasted_calls(readings: Readings) -> Iterator[Advice]:
    for name, found in worths(readings).items():
        if found.wasted > found.saved:
            yield Advice(
                f"The breaker {name} refused more good calls than bad ones",
                f"{found.wasted} refusals while no fault was in force, {found.saved} while one was",
                "try a higher threshold or a shorter open time",
            )


def _retries(readings: Readings) -> Iterator[Advice]:
    for window in faults_of(readings):
        batching = readings.batching(window)
        found = retry_amplification(readings.journal, readings.requests, None, window, batching)
        if found.value is not None and found.value > _AMPLIFIED:
            yield Advice(
                f"Retries multiplied the load during {window.name}",
                f"{found.value:.2f} attempts for each request",
                "give the retries a budget of some 10 %, and put the breaker outside them",
            )


def _near_saturation(readings: Readings) -> Iterator[Advice]:
    calm = readings.windows.get(BASELINE, readings.run)
    servers: dict[str, list[ResourceSample]] = {}
    for sample in readings.journal.of(ResourceSample):
        servers.setdefault(sample.server, []).append(sample)
    for server, samples in servers.items():
        workers = samples[-1].workers
        steps = Steps(
            np.array([sample.at for sample in samples], dtype=np.float64),
            np.array([sample.busy for sample in samples], dtype=np.float64),
        )
        busy = steps.mean(calm).value
        if busy is not None and workers and busy / workers > _BUSY:
            yield Advice(
                f"{server} has little room even without a fault",
                f"{quantity(busy / workers, Unit.SHARE)} of its {workers} workers are busy on"
                " average",
                "add workers or take load off: above 70 % any delay becomes a queue",
            )


_RULES: tuple[Callable[[Readings], Iterator[Advice]], ...] = (
    _unguarded,
    _slow_detection,
    _retries,
    _wasted_calls,
    _slow_recovery,
    _near_saturation,
)
