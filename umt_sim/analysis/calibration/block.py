"""Writes a calibration as the ``services`` of a scenario, its evidence beside each number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from umt_sim.analysis.calibration.calibrating import Calibration, FittedTime
from umt_sim.distributions import Empirical, Exponential, Gamma, Lognormal, Weibull
from umt_sim.measures.fitting import Fitted

__all__ = ["services_block"]

_TOLD = 1e-6
"""Seconds below which a latency is not worth a line."""


def services_block(calibration: Calibration) -> str:
    """YAML that a scenario can take in place of its own ``services``."""
    lines = [f"services: # calibrated from {calibration.origin}"]
    for name, stated in calibration.services.items():
        lines.append(f"  {name}:")
        times = {time.operation: time for time in calibration.times if time.service == name}
        lines.extend(f"    {line}" for line in _service(stated, times, calibration.latency))
    return "\n".join(lines) + "\n"


def _service(
    stated: Mapping[str, Any], times: Mapping[str, FittedTime], latency: float
) -> Iterator[str]:
    kept = {k: v for k, v in stated.items() if k != "latency" and v not in ("0s", {})}
    yield f"kind: {kept.pop('kind')}"
    if latency >= _TOLD:
        yield f"latency: {_duration(latency)}"
    for operation, time in times.items():
        before = kept.pop(operation, None)
        if time.fit is not None:
            found = _flow(_written(time.fit.distribution))
            yield f"{operation}: {found} # n = {time.n}, KS distance {time.fit.distance:.3f}"
        elif before is not None:
            yield f"{operation}: {_flow(before)} # as it was; {time.n} seen: {time.reason}"
    for key, value in kept.items():
        yield f"{key}: {_flow(value)}"


def _written(found: Fitted) -> Mapping[str, Any]:
    """The distribution by the parameters a scenario states."""
    match found:
        case Exponential(mean=mean):
            return {"dist": "exponential", "mean": _duration(mean)}
        case Lognormal():
            p50, p99 = (_duration(found.quantile(p)) for p in (0.5, 0.99))
            return {"dist": "lognormal", "p50": p50, "p99": p99}
        case Gamma():
            cv = _three_digits(math.sqrt(found.scv))
            return {"dist": "gamma", "mean": _duration(found.mean), "cv": cv}
        case Weibull(shape=shape):
            weibull = {"dist": "weibull", "mean": _duration(found.mean)}
            return weibull | {"shape": _three_digits(shape)}
        case Empirical(values=values):
            return {"dist": "empirical", "values": [_duration(value) for value in values]}


def _flow(value: Any) -> str:
    """*value* on one line of YAML; texts of a plan need no quotes."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return str(value)


def _duration(seconds: float) -> str:
    """*seconds* with three digits, in the largest unit that leaves one before the point."""
    for unit, length in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= length:
            return f"{_three_digits(seconds / length):g}{unit}"
    return f"{_three_digits(seconds / 1e-6):.6g}us"


def _three_digits(value: float) -> float:
    return float(f"{value:.3g}")
