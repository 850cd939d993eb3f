"""The ``spans`` of a scenario: which traces its journal keeps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from umt_sim.journal.sampling import Sampling
from umt_sim.scenario.schema.block import Block
from umt_sim.scenario.schema.quantities import Share

__all__ = ["Spans"]


class Spans(Block):
    """Whole traces are kept or left out, once it is known what happened in them."""

    keep: list[Literal["errors", "faults"]] = Field(default=["errors", "faults"])
    """Traces with a span that ended in an error; traces under way while a fault was active."""
    sample: Share = 1.0
    """Share of the other traces."""
    max: Annotated[int, Field(ge=1)] | None = None
    """Spans to keep at most; errors first, then faults, then the others."""

    def build(self) -> Sampling:
        """The frozen value."""
        return Sampling(tuple(self.keep), self.sample, self.max)
