"""
Virtual time: a SimPy environment drives asyncio, deterministically.

- ``sockets``: what the loop asks of a network (protocols only).
"""
