"""A toxic as it stands in a proxy's chain: its name, its settings, and what it has touched."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from umt_sim.network.pipes import Pipe

__all__ = ["Direction", "Touched", "Toxic"]


class Direction(Enum):
    """Which way bytes flow through a proxy."""

    UPSTREAM = "upstream"  # from client to server
    DOWNSTREAM = "downstream"  # from server to client


@dataclass(slots=True)
class Touched:
    """
    What a fault has met.

    Attributes:
        connections: Connections on which it had something to do.
        bytes: Bytes that went through it, were kept back by it, or were lost to it.
    """

    connections: int = 0
    bytes: int = 0


@dataclass(slots=True, eq=False)
class Toxic:
    """
    One toxic of a proxy, shared by all its links.

    Attributes:
        name: Unique in its proxy.
        direction: The links it acts on.
        pipe: What it does, with its settings.
        toxicity: Probability that it applies to a link; drawn whenever it starts on one.
    """

    name: str
    direction: Direction
    pipe: Pipe
    toxicity: float = 1.0
    touched: Touched = field(default_factory=Touched)
