"""
What each toxic does to a stream of chunks. One file, one toxic.

    base         what a pipe is: settings, and a story told with a stage
    noop         passes on; also the hidden first stage of every link
    latency, bandwidth, slow_close, timeout, reset_peer, slicer, limit_data

The settings are Toxiproxy's integers, unchecked, as Toxiproxy takes them; the
values in ``umt_sim.faults.toxics`` are where ranges are enforced. Semantics
are those of Toxiproxy 2.13: a bandwidth of 0 or less passes unthrottled, and
the slicer never cuts outside a piece.
"""

from __future__ import annotations

from umt_sim.network.pipes.bandwidth import BandwidthPipe
from umt_sim.network.pipes.base import Pipe
from umt_sim.network.pipes.latency import LatencyPipe
from umt_sim.network.pipes.limit_data import LimitDataPipe
from umt_sim.network.pipes.noop import NoopPipe
from umt_sim.network.pipes.reset_peer import ResetPeerPipe
from umt_sim.network.pipes.slicer import SlicerPipe
from umt_sim.network.pipes.slow_close import SlowClosePipe
from umt_sim.network.pipes.timeout import TimeoutPipe

__all__ = ["PIPES", "NoopPipe", "Pipe", "pipe_for"]

PIPES: dict[str, type[Pipe]] = {
    kind.type: kind
    for kind in (
        LatencyPipe,
        BandwidthPipe,
        SlowClosePipe,
        TimeoutPipe,
        ResetPeerPipe,
        SlicerPipe,
        LimitDataPipe,
        NoopPipe,
    )
}
"""Every toxic that a proxy can be given, by Toxiproxy's name."""


def pipe_for(type_: str, attributes: dict[str, int]) -> Pipe:
    """
    A pipe of the named type with these settings; Toxiproxy's default for each is 0.

    Raises:
        ValueError: Unknown type or attribute; the sentence lists what there is.
    """
    if type_ not in PIPES:
        raise ValueError(f"unknown toxic {type_!r}; allowed are {', '.join(PIPES)}")
    pipe = PIPES[type_]()
    pipe.update(attributes)
    return pipe
