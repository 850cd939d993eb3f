"""Toxics as a scenario writes them: Toxiproxy's names, with units."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Tag, model_validator

from umt_sim.faults import toxics
from umt_sim.faults.toxics.lowering import scaled
from umt_sim.scenario.schema.block import Block, chosen_by
from umt_sim.scenario.schema.quantities import Bytes, BytesPerSecond, Seconds, Share

__all__ = ["AnyToxic"]


class _Toxic(Block):
    stream: Literal["downstream", "upstream", "both"] = "downstream"
    """Server to client, client to server, or one toxic each way."""
    toxicity: Share = 1.0
    """Share of the connections that get it."""

    def build(self) -> toxics.Toxic:
        """The frozen value, in Toxiproxy's units."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self.build()
        return self


class Latency(_Toxic):
    """Bytes arrive later than they were sent."""

    type: Literal["latency"]
    latency: Seconds
    jitter: Seconds = 0.0

    def build(self) -> toxics.Toxic:
        """The frozen value, in Toxiproxy's units."""
        return toxics.Latency(latency_ms=_ms(self.latency), jitter_ms=_ms(self.jitter))


class Bandwidth(_Toxic):
    """Bytes leave no faster than a rate."""

    type: Literal["bandwidth"]
    rate: BytesPerSecond

    def build(self) -> toxics.Toxic:
        """The frozen value, in Toxiproxy's units."""
        return toxics.Bandwidth(rate_kb_per_s=self.rate / 1000)


class SlowClose(_Toxic):
    """The end of a stream arrives late."""

    type: Literal["slow_close"]
    delay: Seconds

    def build(self) -> toxics.Toxic:
        """The frozen value, in Toxiproxy's units."""
        return toxics.SlowClose(delay_ms=_ms(self.delay))


class Timeout(_Toxic):
    """Every byte is swallowed, and silence for ``timeout`` ends the connection (0s: never)."""

    type: Literal["timeout"]
    timeout: Seconds

    def build(self) -> toxics.Toxic:
        """The frozen value, in Toxiproxy's units."""
        return toxics.Timeout(timeout_ms=_ms(self.timeout))


class ResetPeer(_Toxic):
    """``timeout`` after the first data the connection is reset under both peers."""

    type: Literal["reset_peer"]
    timeout: Seconds = 0.0

    def build(self) -> toxics.Toxic:
        """The frozen value, in Toxiproxy's units."""
        return toxics.ResetPeer(timeout_ms=_ms(self.timeout))


class Slicer(_Toxic):
    """Data arrives in small pieces, ``delay`` after each."""

    type: Literal["slicer"]
    average_size: Bytes
    size_variation: Bytes = 0
    delay: Seconds = 0.0

    def build(self) -> toxics.Toxic:
        """The frozen value, in Toxiproxy's units."""
        return toxics.Slicer(
            average_size_bytes=self.average_size,
            size_variation_bytes=self.size_variation,
            delay_us=scaled(self.delay, 1_000_000),
        )


class LimitData(_Toxic):
    """The connection ends after so many bytes."""

    type: Literal["limit_data"]
    bytes: Bytes

    def build(self) -> toxics.Toxic:
        """The frozen value, in Toxiproxy's units."""
        return toxics.LimitData(limit_bytes=self.bytes)


AnyToxic = Annotated[
    Annotated[Latency, Tag("<latency>")]
    | Annotated[Bandwidth, Tag("<bandwidth>")]
    | Annotated[SlowClose, Tag("<slow_close>")]
    | Annotated[Timeout, Tag("<timeout>")]
    | Annotated[ResetPeer, Tag("<reset_peer>")]
    | Annotated[Slicer, Tag("<slicer>")]
    | Annotated[LimitData, Tag("<limit_data>")],
    chosen_by("type"),
]


def _ms(seconds: float) -> float:
    return scaled(seconds, 1000)
