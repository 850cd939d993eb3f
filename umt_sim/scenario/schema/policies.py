"""
The ``policies`` of a scenario: how the code under test protects itself.

The system receives them as plain values: durations in seconds, shares as
fractions of one, and only what the scenario states.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from umt_sim.scenario.schema.block import Block
from umt_sim.scenario.schema.quantities import PositiveSeconds, Share

__all__ = ["Policy"]

Count = Annotated[int, Field(ge=1)]


class Backoff(Block):
    """Pauses between attempts: ``base``, ``base × factor``, ... up to ``max``, then jittered."""

    base: PositiveSeconds
    factor: Annotated[float, Field(ge=1)] = 2.0
    max: PositiveSeconds | None = None
    jitter: Literal["none", "full", "equal", "decorrelated"] = "none"


class Retry(Block):
    """More attempts after a failure."""

    max_attempts: Count
    """The first attempt included."""
    backoff: Backoff | None = None
    budget: Share | None = None
    """Retries allowed, as a share of first attempts."""


class Breaker(Block):
    """When a circuit breaker opens and how it closes again."""

    window: (
        Annotated[
            Annotated[Count, Tag("<calls>")] | Annotated[PositiveSeconds, Tag("<time>")],
            Discriminator(lambda window: "<calls>" if isinstance(window, int) else "<time>"),
        ]
        | None
    ) = None
    """What the rates are taken over: so many calls, or a stretch of time."""
    failures: Count | None = None
    """Open after so many consecutive failures."""
    failure_rate: Share | None = None
    slow_call: PositiveSeconds | None = None
    """A call that takes longer counts as slow."""
    slow_rate: Share | None = None
    minimum_calls: Count | None = None
    """No rate is judged on fewer calls."""
    open_for: PositiveSeconds
    half_open_calls: Count | None = None

    @model_validator(mode="after")
    def _can_open(self) -> Self:
        if self.failures is None and self.failure_rate is None and self.slow_rate is None:
            raise ValueError(
                "nothing ever opens this breaker; state failures, failure_rate or slow_rate"
            )
        if (self.slow_rate is None) != (self.slow_call is None):
            raise ValueError("slow_rate and slow_call need each other")
        return self


class Bulkhead(Block):
    """How many calls run at once and how many may wait."""

    max: Count
    queue: Annotated[int, Field(ge=0)] | None = None


class Policy(Block):
    """One named policy. What is left out is not used."""

    timeout: PositiveSeconds | None = None
    """Deadline of one attempt."""
    retry: Retry | None = None
    breaker: Breaker | None = None
    bulkhead: Bulkhead | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    """Anything else your own system takes, handed on as written."""

    def build(self) -> dict[str, Any]:
        """Plain values: seconds, fractions, counts and text."""
        return self.model_dump(exclude_none=True, exclude_defaults=False, exclude=self._empty())

    def _empty(self) -> set[str]:
        return set() if self.settings else {"settings"}
