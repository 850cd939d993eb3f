"""What an application takes from whoever runs it: clock, randomness, tracing, hooks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from umt_sim.platform.adapters.system import SystemClock, system_randomness
from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.ports.randomness import Randomness

__all__ = ["Surroundings"]

logger = logging.getLogger(__name__)


def _log(where: str, error: BaseException) -> None:
    logger.error("%s failed", where, exc_info=error)


def _from_the_machine(name: str) -> Randomness:  # noqa: ARG001 - the machine has one source
    return system_randomness()


def _here(name: str, program: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(program, name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """
    What an application takes from whoever runs it. Left out, it is the machine's own.

    Attributes:
        clock: Of every process.
        randomness: A source for each name; equal seeds and names give equal numbers.
        tracer_provider: Where spans go. A span's instrumentation scope is named after
            its process.
        meter_provider: Where the guards' metrics go; none are made without it. A meter is
            named after its process.
        launch: Starts the program of a process: ``launch(name, program)``.
        on_error: Told about errors that nobody foresaw: ``on_error(where, error)``.
        listeners: Hear what breakers, retries, bulkheads and timeouts do.
    """

    clock: Clock = SystemClock()  # noqa: RUF009 - it has no state
    randomness: Callable[[str], Randomness] = _from_the_machine
    tracer_provider: TracerProvider | None = None
    meter_provider: MeterProvider | None = None
    launch: Callable[[str, Coroutine[Any, Any, None]], asyncio.Task[None]] = _here
    on_error: Callable[[str, BaseException], None] = _log
    listeners: Sequence[Callable[[Any], None]] = ()
