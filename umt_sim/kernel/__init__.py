"""
Virtual time: a SimPy environment drives asyncio, deterministically.

Start at ``kernel``: a whole simulation, from its seed to its fingerprint.

Time and order:

- ``environment``: SimPy's heap as the one queue, for its events and asyncio's timers.
- ``loop``, ``selector``, ``handles``: asyncio's stock loop on that queue.
- ``networking``, ``sockets``: stock transports on the sockets of a simulated network.
- ``tasks``, ``processes``, ``bridges``: tasks wait for events, processes for tasks.
- ``hosts``, ``power``, ``generators``: which machine a task belongs to; crash, pause, clock skew.
- ``shuffling``: which orders are free, and drawn from the seed.
- ``outer_loop``: a run inside a running loop, as in a notebook.

Repeatability:

- ``tape``, ``streams``, ``determinism``: the fingerprint, the random streams, the check.
- ``entropy``, ``wall_clock``, ``aliases``: clocks and randomness of the machine, replaced.
- ``guard``: catches code that reaches for the real machine.
- ``drivers``, ``ordered``: cures for drivers that depend on addresses or history.
- ``housekeeping``: garbage, livelocks and interrupts, at fixed turns of the loop.

For people:

- ``sources``, ``unhandled``: where something waits or fails, told with the user's line.
- ``asyncio_private``: the private names of asyncio that all this relies on.
"""

from umt_sim.kernel.kernel import Kernel

__all__ = ["Kernel"]
