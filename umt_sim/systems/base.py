"""The contract between the harness and any asyncio program it tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import TracerProvider

from umt_sim.journal.recorder import Recorder
from umt_sim.workload.operations import Operations
from umt_sim.worlds.base import Endpoint, Launch, StartAgain

if TYPE_CHECKING:
    from random import Random

__all__ = ["Setting", "Start", "System"]


@dataclass(frozen=True, slots=True)
class Setting:
    """
    What a system factory receives.

    Attributes:
        endpoints: Service name to where it answers.
        policies: Policy name to its values, as the scenario gives them.
        stream: A named random stream; the same seed and path give the same numbers.
        tracer_provider: Pass it on explicitly; the global one is never set.
        recorder: For what the system wants in the journal: breakers, retries, its own records.
        unhandled: Report an exception that nobody else will see: ``unhandled(where, error)``.
        launch: Start a program on a host of its own: ``launch("worker", coroutine)``.
            Faults name that host; what is not launched belongs to no host.
        on_restart: Say how to start a host's program again after a fault has stopped
            it: ``on_restart("worker", start_again)``.
    """

    endpoints: Mapping[str, Endpoint]
    policies: Mapping[str, Mapping[str, Any]]
    stream: Callable[[str], Random]
    tracer_provider: TracerProvider
    recorder: Recorder
    unhandled: Callable[[str, BaseException], None] = field(repr=False)
    launch: Launch = field(repr=False)
    on_restart: Callable[[str, StartAgain], None] = field(repr=False)


Start = Callable[[Setting], AbstractAsyncContextManager[Operations]]
"""An async context manager around the running system."""


@dataclass(frozen=True, slots=True)
class System:
    """
    A system under test.

    Attributes:
        name: As the scenario names it.
        load: Imports what the system needs and returns how to start it. Called before
            time becomes virtual: what happens while modules are imported differs
            between the first run of a process and the next.
        operations: Names a workload may use; empty when only the running system knows.
        policies: Names of policies it understands; empty when it takes any.
        services: Names it must find among the endpoints, with their kinds.
        hosts: Hosts it launches programs on; empty when only the running system knows.
        settings: Whether its policies take settings beside those of the schema.
        guarded: Whether its policies become guards of the platform. What those refuse is then
            a problem of the file, told before the run.
    """

    name: str
    load: Callable[[], Start]
    operations: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    services: Mapping[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    settings: bool = True
    guarded: bool = False
