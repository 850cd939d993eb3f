"""New ids, made from a source of randomness so that a seed decides them."""

from __future__ import annotations

from os import urandom
from uuid import UUID

from umt_sim.platform.ports.randomness import Randomness

__all__ = ["new_id"]


def new_id(randomness: Randomness | None = None) -> UUID:
    """
    A random UUID (version 4).

    Args:
        randomness: Where its bits come from. Left out only at a prompt or in a
            script: then the operating system supplies them.
    """
    if randomness is None:
        return UUID(bytes=urandom(16), version=4)
    return UUID(int=randomness.getrandbits(128), version=4)
