"""
Which orders are free, and may differ from seed to seed.

asyncio documents ``call_soon`` as first in, first out, and code relies on it. What
reality leaves open is the order of timers due at one instant, of sockets that
are ready together and of executor jobs. Exploring those finds races; exploring
more finds "bugs" that cannot happen, unless one asks for it.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from random import Random
from typing import Any

from umt_sim.kernel.handles import task_of

__all__ = ["Shuffle", "shuffle_tasks"]


class Shuffle(Enum):
    """How much of the order of events at one instant is drawn from the seed."""

    NONE = "none"  # the order in which things were scheduled
    EXTERNAL = "external"  # timers of one instant, ready sockets, executor jobs
    TASKS = "tasks"  # also the tasks that are ready: breaks asyncio's promise on purpose


def shuffle_tasks(ready: deque[Any], stream: Random) -> None:
    """
    Draw an order for the task steps among *ready*.

    Other callbacks keep their places: a transport's ``connection_made`` always
    comes before its ``data_received``.
    """
    places = [place for place, handle in enumerate(ready) if task_of(handle) is not None]
    if len(places) > 1:
        steps = [ready[place] for place in places]
        stream.shuffle(steps)
        for place, step in zip(places, steps, strict=True):
            ready[place] = step
