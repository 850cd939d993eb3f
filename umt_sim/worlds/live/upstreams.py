"""The HTTP upstreams of a live run: our own applications on the run's loop, as slow as stated."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from umt_sim.distributions import Constant
from umt_sim.journal.recorder import Recorder
from umt_sim.servers.capacity import Capacity, Instant
from umt_sim.servers.http import APPLICATIONS, ErrorMix, HttpUpstream, RateLimit
from umt_sim.servers.pacing import Paced
from umt_sim.servers.specs import ServiceSpec

if TYPE_CHECKING:
    from random import Random

__all__ = ["build"]

UNLIMITED = 1 << 20  # workers of a service that states none


def build(spec: ServiceSpec, stream: Callable[[str], Random], recorder: Recorder) -> HttpUpstream:
    """The upstream for *spec*, not started; it draws from the streams that the sim draws from."""
    return HttpUpstream(
        application=APPLICATIONS[spec.app or "llm"](stream(f"{spec.name}/content")),
        capacity=_capacity(spec, stream),
        stream=stream(f"{spec.name}/errors"),
        errors=ErrorMix(spec.errors),
        rate_limit=RateLimit.per_second(spec.rate_limit),
        recorder=recorder,
    )


def _capacity(spec: ServiceSpec, stream: Callable[[str], Random]) -> Capacity:
    if not spec.service_times and spec.workers is None:
        return Instant()
    times = dict(spec.service_times)
    rest = times.pop("request", None)
    return Paced(
        name=spec.name,
        workers=spec.workers or UNLIMITED,
        service=times,
        default=rest or Constant(0.0),
        stream=stream(f"{spec.name}/service-times"),
    )
