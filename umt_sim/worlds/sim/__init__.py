"""
The simulated world: services in virtual time behind simulated proxies.

- ``world``: enters the kernel, builds the network, performs faults. Start here.
- ``services``: makes the server that a service asks for.
"""

from umt_sim.worlds.sim.world import SimWorld

__all__ = ["SimWorld"]
