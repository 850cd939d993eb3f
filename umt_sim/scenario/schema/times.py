"""Distributions of times, as a scenario writes them: ``3ms`` or ``{dist: ..., ...}``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, Tag, model_validator

from umt_sim import distributions
from umt_sim.distributions import Distribution
from umt_sim.scenario.schema.block import Block, chosen_by
from umt_sim.scenario.schema.quantities import PositiveSeconds, Seconds
from umt_sim.scenario.schema.samples import Samples

__all__ = ["Time", "build_time"]

PositiveNumber = Annotated[float, Field(gt=0)]


class _Family(Block):
    """A distribution by its parameters; building it once checks that they fit together."""

    def build(self) -> Distribution:
        """The frozen value."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _fits(self) -> Self:
        try:
            self.build()
        except OverflowError:
            raise ValueError("its parameters are out of all proportion") from None
        return self


class Constant(_Family):
    """Always the same time."""

    dist: Literal["constant"]
    value: Seconds

    def build(self) -> Distribution:
        """The frozen value."""
        return distributions.Constant(self.value)


class Exponential(_Family):
    """Memoryless times."""

    dist: Literal["exponential"]
    mean: PositiveSeconds

    def build(self) -> Distribution:
        """The frozen value."""
        return distributions.Exponential(self.mean)


class Uniform(_Family):
    """Every time between two bounds is equally likely."""

    dist: Literal["uniform"]
    low: Seconds
    high: Seconds

    def build(self) -> Distribution:
        """The frozen value."""
        return distributions.Uniform(self.low, self.high)


class Lognormal(_Family):
    """Times as real services have them, by ``p50`` and ``p99`` or by ``mean`` and ``cv``."""

    dist: Literal["lognormal"]
    p50: PositiveSeconds | None = None
    p99: PositiveSeconds | None = None
    mean: PositiveSeconds | None = None
    cv: PositiveNumber | None = None
    """Standard deviation divided by the mean."""

    def build(self) -> Distribution:
        """The frozen value."""
        match (self.p50, self.p99, self.mean, self.cv):
            case (float(p50), float(p99), None, None):
                return distributions.Lognormal.by_quantiles(p50=p50, p99=p99)
            case (None, None, float(mean), float() | int() as cv):
                return distributions.Lognormal.by_moments(mean=mean, cv=cv)
            case _:
                raise ValueError("a lognormal takes either p50 and p99, or mean and cv")


class Gamma(_Family):
    """Sums of exponential stages and everything between."""

    dist: Literal["gamma"]
    mean: PositiveSeconds
    cv: PositiveNumber
    """Standard deviation divided by the mean."""

    def build(self) -> Distribution:
        """The frozen value."""
        return distributions.Gamma.by_moments(mean=self.mean, cv=self.cv)


class Weibull(_Family):
    """Times to failure; a shape below 1 has a heavy tail."""

    dist: Literal["weibull"]
    mean: PositiveSeconds
    shape: PositiveNumber

    def build(self) -> Distribution:
        """The frozen value."""
        return distributions.Weibull.by_mean(mean=self.mean, shape=self.shape)


class Empirical(Samples, _Family):
    """Exactly the observed times, each as likely as the others."""

    dist: Literal["empirical"]

    def build(self) -> Distribution:
        """The frozen value."""
        return distributions.Empirical(self.samples)


class Component(Block):
    """One part of a mixture."""

    weight: PositiveNumber
    time: Time


class Mixture(_Family):
    """One of several distributions, picked by weight."""

    dist: Literal["mixture"]
    of: Annotated[list[Component], Field(min_length=1)]

    def build(self) -> Distribution:
        """The frozen value."""
        return distributions.Mixture(
            [build_time(part.time) for part in self.of], [part.weight for part in self.of]
        )


Time = Annotated[
    Annotated[Seconds, Tag("<duration>")]
    | Annotated[Constant, Tag("<constant>")]
    | Annotated[Exponential, Tag("<exponential>")]
    | Annotated[Uniform, Tag("<uniform>")]
    | Annotated[Lognormal, Tag("<lognormal>")]
    | Annotated[Gamma, Tag("<gamma>")]
    | Annotated[Weibull, Tag("<weibull>")]
    | Annotated[Empirical, Tag("<empirical>")]
    | Annotated[Mixture, Tag("<mixture>")],
    chosen_by("dist", text="duration"),
]
"""A time that varies, or a bare duration for one that does not."""

Component.model_rebuild()
Mixture.model_rebuild()


def build_time(time: float | _Family) -> Distribution:
    """The frozen distribution of a ``Time``."""
    return time.build() if isinstance(time, _Family) else distributions.Constant(time)
