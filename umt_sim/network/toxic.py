"""A toxic as it stands in a proxy's chain: its name, its settings, and what it has touched."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from umt_sim.network.pipes import Pipe
from umt_sim.network.touched import Touched

__all__ = ["Direction", "Toxic"]


class Direction(Enum):
    """Which way bytes flow through a proxy."""

    UPSTREAM = "upstream"  # from client to server
    DOWNSTREAM = "downstream"  # from server to client


@dataclass(slots=True, eq=False)
class Toxic:
    """
    One toxic of a proxy, shared by all its links.

    Attributes:
        name: Unique in its proxy.
        direction: The links it acts on.
        pipe: What it does, with its settings.
        toxicity: Probability that it applies to a link; drawn whenever it starts on one.
        touched: The connections on which it had something to do, and their bytes.
    """

    name: str
    direction: Direction
    pipe: Pipe
    toxicity: float = 1.0
    touched: Touched = field(default_factory=Touched)
