"""
How long things take and how far apart they are: frozen values in seconds.

- ``base``: the ``Distribution`` protocol and the checks of arguments. Start here.
- ``families``: ``Constant``, ``Exponential``, ``Uniform``, ``Weibull``, ``Lognormal``.
- ``gamma``: ``Gamma``, whose inverse has no closed form.
- ``compound``: ``Empirical`` (observed values) and ``Mixture``.

Every sample takes exactly one uniform number from its stream and turns it into a
time by inversion. So two policies that read the same stream meet the same luck
(common random numbers), whatever distribution either of them draws from.
"""

from umt_sim.distributions.base import Distribution
from umt_sim.distributions.compound import Empirical, Mixture
from umt_sim.distributions.families import Constant, Exponential, Lognormal, Uniform, Weibull
from umt_sim.distributions.gamma import Gamma

__all__ = [
    "Constant",
    "Distribution",
    "Empirical",
    "Exponential",
    "Gamma",
    "Lognormal",
    "Mixture",
    "Uniform",
    "Weibull",
]
