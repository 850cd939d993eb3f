"""A capacity whose times are easy to add up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from umt_sim.distributions import Constant
from umt_sim.journal.recorder import Recorder
from umt_sim.kernel import Kernel
from umt_sim.servers.capacity import Station

__all__ = ["station"]


def station(workers: int, **options: Any) -> Callable[[Kernel], Station]:
    """Makes a station with a second for a query, half for a commit, a tenth to connect."""

    def make(kernel: Kernel) -> Station:
        return Station(
            kernel.env,
            name="postgres",
            workers=workers,
            service={
                "query": Constant(1.0),
                "commit": Constant(0.5),
                "connect": Constant(0.1),
                "copy": Constant(2.0),
            },
            default=Constant(0.0),
            stream=kernel.streams.stream("service"),
            recorder=Recorder(kernel.loop.time),
            **options,
        )

    return make
