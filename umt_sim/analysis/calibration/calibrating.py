"""
What a run says about its services: base latency and a service time for each operation.

Only the calm part of the run is read: after the warm-up, before the first fault. A
caller's span cannot tell the way from the server, so the shortest round trip of the run
is taken to be the network's (there and back), and what a call took beyond it the server's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from umt_sim.errors import JournalError
from umt_sim.faults.timeline import BASELINE
from umt_sim.measures.calls import call_times, delivery_times
from umt_sim.measures.estimates import Floats, quantile_estimate
from umt_sim.measures.fitting import ENOUGH, Fit, fit

if TYPE_CHECKING:
    from umt_sim.analysis.result import Result

__all__ = ["Calibration", "FittedTime", "calibrate"]

_SHORTEST = 1e-6
"""Seconds below which a service time is not told from none."""


@dataclass(frozen=True, slots=True)
class FittedTime:
    """
    One service time, or the reason why there is none.

    Attributes:
        service: Name in the scenario.
        operation: As the scenario writes it: ``query``, ``publish``.
        n: Observations.
        fit: What was found; ``None`` where the scenario's own time is kept.
        reason: Why it is kept.
    """

    service: str
    operation: str
    n: int
    fit: Fit | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Calibration:
    """
    The services of a run as its spans show them.

    Attributes:
        origin: Scenario, seed and world of the run.
        latency: One way between clients and services, in seconds.
        times: What was fitted, and what was not.
        services: The ``services`` of the run's own plan, as plain data.
    """

    origin: str
    latency: float
    times: tuple[FittedTime, ...]
    services: Mapping[str, Mapping[str, Any]]


def calibrate(result: Result) -> Calibration:
    """
    Fit the services of *result*.

    HTTP upstreams are left alone: in either world they take the times the scenario states.

    Raises:
        JournalError: The run has no calm stretch or no spans, or two services of one
            kind, whose calls nobody can tell apart.
    """
    window = result.readings.windows.get(BASELINE, result.readings.run)
    services: Mapping[str, Mapping[str, Any]] = result.plan.get("services", {})
    fitted_kinds = {spec["kind"]: name for name, spec in services.items() if spec["kind"] != "http"}
    for name, spec in services.items():
        if fitted_kinds.get(spec["kind"], name) != name:
            other = fitted_kinds[spec["kind"]]
            raise JournalError(f"the calls to {name} and {other} cannot be told apart")
    called = {
        (fitted_kinds[kind], operation): seconds
        for (kind, operation), seconds in call_times(result.journal, window).items()
        if kind in fitted_kinds
    }
    if not called:
        raise JournalError("the run has no span of a call to a service; there is nothing to fit")
    round_trip = min(float(np.min(seconds)) for seconds in called.values())
    times = [_fitted(*key, called[key] - round_trip) for key in sorted(called)]
    if "rabbitmq" in fitted_kinds:
        handed_on = delivery_times(result.journal, window)
        times.append(_handed_on(fitted_kinds["rabbitmq"], handed_on - round_trip / 2))
    origin = f"{result.name}, seed {result.seed}, {result.where}"
    return Calibration(origin, round_trip / 2, tuple(times), services)


def _handed_on(service: str, seconds: Floats) -> FittedTime:
    """The time of a delivery, unless consumers mostly have the message before the confirm."""
    usual = quantile_estimate(seconds, 0.5).value
    if usual is not None and usual <= 0:
        return FittedTime(
            service, "deliver", len(seconds), None, "delivered no later than confirmed"
        )
    return _fitted(service, "deliver", seconds)


def _fitted(service: str, operation: str, seconds: Floats) -> FittedTime:
    if len(seconds) < ENOUGH:
        reason = f"too few, {ENOUGH} are needed"
        return FittedTime(service, operation, len(seconds), None, reason)
    if float(np.ptp(seconds)) <= _SHORTEST:
        return FittedTime(service, operation, len(seconds), None, "always the same time")
    return FittedTime(service, operation, len(seconds), fit(np.maximum(seconds, _SHORTEST)))
