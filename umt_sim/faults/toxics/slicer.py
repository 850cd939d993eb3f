"""``slicer``: data arrives in small pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from umt_sim.faults.toxics.lowering import at_least, lowered

__all__ = ["Slicer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slicer:
    """
    Cut each chunk into pieces of about *average_size_bytes*, *delay_us* after each.

    A chunk is halved until a piece exceeds the average by no more than
    *size_variation_bytes*, so real pieces are between half the average and the
    average. The delay is in **microseconds** and follows the last piece too.
    """

    type: ClassVar[str] = "slicer"

    average_size_bytes: int
    size_variation_bytes: int = 0
    delay_us: float = 0

    def __post_init__(self) -> None:
        values = self.attributes()
        if values["size_variation"] > values["average_size"]:
            raise ValueError(
                f"size_variation_bytes is {self.size_variation_bytes}; it must be from 0 to"
                f" average_size_bytes, which is {self.average_size_bytes}"
            )

    def attributes(self) -> dict[str, int]:
        """``average_size`` and ``size_variation`` in bytes, ``delay`` in microseconds."""
        return {
            "average_size": at_least("average_size_bytes", self.average_size_bytes, 1, "bytes"),
            "size_variation": lowered("size_variation_bytes", self.size_variation_bytes, "bytes"),
            "delay": lowered("delay_us", self.delay_us, "us"),
        }

    def hazards_212(self) -> tuple[str, ...]:
        """A random cut may fall outside a piece when the variation is the whole average."""
        values = self.attributes()
        if values["size_variation"] < values["average_size"] or not values["size_variation"]:
            return ()
        hazard = (
            "a slicer whose size_variation_bytes reaches average_size_bytes may cut for ever and"
            " kill the server; give a smaller variation"
        )
        return (hazard,)
