"""
Virtual time: a SimPy environment drives asyncio, deterministically.

- ``kernel``: a whole simulation, from seed to fingerprint. Start here.
- ``loop``, ``selector``, ``environment``: asyncio's stock loop on SimPy's heap.
- ``bridges``, ``tasks``, ``processes``: tasks wait for events, processes for tasks.
- ``hosts``: which machine a task belongs to; crash, pause, clock skew.
- ``sockets``: what the loop asks of a network (protocols only).
- ``tape``, ``streams``: the fingerprint, and the named random streams.
"""

from umt_sim.kernel.kernel import Kernel

__all__ = ["Kernel"]
