"""
Tasks and futures with numbers instead of addresses.

``asyncio.TaskGroup``, ``asyncio.wait`` and much other code keep tasks in sets.
A set's order follows the hash, an object's hash is its address, and addresses
differ from run to run. Hashing by number of creation makes the order a function of
the seed again. Names are counted per loop for the same reason: asyncio's
``Task-7`` counts all tasks of the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from umt_sim.kernel.hosts import current_life, life_in

if TYPE_CHECKING:
    from contextvars import Context

    from umt_sim.kernel.hosts import Life
    from umt_sim.kernel.loop import SimLoop

__all__ = ["SimFuture", "SimTask"]

T = TypeVar("T")


class SimTask(asyncio.Task[T]):
    """
    A task that knows its number and its host.

    Attributes:
        number: Position among the tasks of its loop, from 1.
        life: The life of the host it belongs to; ``None`` for the harness.
    """

    __slots__ = ("life", "number")

    number: int
    life: Life | None

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, T],
        *,
        loop: SimLoop,
        name: str | None = None,
        context: Context | None = None,
        **options: Any,
    ) -> None:
        # Before asyncio's constructor: that one hashes the task, and may start it eagerly.
        loop.task_count += 1
        self.number = number = loop.task_count
        self.life = current_life() if context is None else life_in(context)
        loop.tape.note("task", number, getattr(coroutine, "__qualname__", ""))
        super().__init__(
            coroutine, loop=loop, name=name or f"Task-{number}", context=context, **options
        )

    def __hash__(self) -> int:
        return self.number

    def cancel(self, msg: Any | None = None) -> bool:
        """
        As in asyncio. A task of a dead host cannot run its cleanup: it is over at once.

        Else whoever waits for it with a timeout would wait for that cleanup.
        """
        if self.life is not None and self.life.ended:
            return asyncio.Future.cancel(self, msg)
        return super().cancel(msg)


class SimFuture(asyncio.Future[T]):
    """
    A future that hashes by number.

    Attributes:
        number: Position among the futures of its loop, from 1. ``create_future`` gives it:
            a constructor, or a number given when first asked for, takes several times as long.
    """

    __slots__ = ("number",)

    number: int

    def __hash__(self) -> int:
        return self.number
