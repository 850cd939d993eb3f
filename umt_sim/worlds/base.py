"""What a world offers to a run, whichever world it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar
from urllib.parse import quote

from umt_sim.faults.actions import Action
from umt_sim.journal.recorder import Recorder

if TYPE_CHECKING:
    from random import Random

__all__ = ["Endpoint", "Launch", "StartAgain", "Touched", "World", "server_host"]

T = TypeVar("T")
Launch = Callable[[str, Coroutine[Any, Any, None]], asyncio.Task[None]]
StartAgain = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    Where a service answers. The system under test opens it with its own driver.

    Attributes:
        service: Name in the scenario.
        kind: ``rabbitmq``, ``postgres``, ``redis`` or ``http``.
        host: Name or address to connect to; always the proxy's, never the server's.
        port: TCP port.
        user: For services that ask who is there.
        password: Never shown in a repr.
        database: Database, virtual host or index, where the kind has one.
    """

    service: str
    kind: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    database: str = ""

    @property
    def url(self) -> str:
        """The address in the form the kind's drivers take."""
        account = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@"
        place = f"{self.host}:{self.port}/{quote(self.database, safe='')}"
        match self.kind:
            case "rabbitmq":
                return f"amqp://{account}{place}"
            case "postgres":
                return f"postgresql://{account}{place}"
            case "redis":
                return f"redis://{account if self.password else ''}{place}"
            case _:
                return f"http://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Touched:
    """What a fault met while it lasted. A fault that touched nothing proves nothing."""

    bytes: int
    connections: int


def server_host(service: str) -> str:
    """The host of the server behind a service's proxy; the proxy's has the service's name."""
    return f"{service}-server"


class World(Protocol):
    """
    Supplies services, performs faults, and owns the clock of a run.

    Entered with ``with``: leaving stops everything that was started, whatever happened.
    """

    @property
    def name(self) -> str:
        """``sim`` or ``live``."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run *main* to its end on this world's event loop."""
        ...

    def stream(self, path: str) -> Random:
        """The random stream of one concern, seeded by the run's seed and *path*."""
        ...

    async def set_up(self, recorder: Recorder) -> Mapping[str, Endpoint]:
        """Start every service of the scenario and say where it answers."""
        ...

    def launch(self, host: str, program: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a program of the system under test on *host*."""
        ...

    def on_restart(self, host: str, start_again: StartAgain) -> None:
        """Remember how the programs of *host* are started again after a fault."""
        ...

    async def begin(self, fault: str, action: Action) -> None:
        """Apply *action* under the name of its fault."""
        ...

    async def end(self, fault: str) -> Touched:
        """
        Undo the action begun as *fault* and say what it met.

        Returns when programs that the fault had stopped are ready again.
        """
        ...

    async def tear_down(self) -> None:
        """Stop every service; no fault and no connection is left."""
        ...

    def versions(self) -> Mapping[str, str]:
        """What took part, by name, for the journal's header."""
        ...

    def fingerprint(self) -> str | None:
        """The tape hash of the run, or ``None`` where a run cannot be replayed."""
        ...
