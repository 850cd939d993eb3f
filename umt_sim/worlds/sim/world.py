"""The simulated world: one kernel, one network, and the servers of one run."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self, TypeVar

from umt_sim.faults.actions import Action, Crash, DiskFull, Kill, LostCommit, ServerRestart
from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import UnhandledError
from umt_sim.kernel import Kernel
from umt_sim.kernel.tape import DetailedTape
from umt_sim.kernel.unhandled import Unhandled
from umt_sim.kernel.wall_clock import EPOCH
from umt_sim.network.network import Network
from umt_sim.servers.postgres import Engine, PostgreSQL, recipe
from umt_sim.servers.rabbitmq import RabbitMQ
from umt_sim.servers.specs import ServiceSpec
from umt_sim.worlds.base import Endpoint, StartAgain, Touched, server_host
from umt_sim.worlds.sim.services import DEFAULT_PORTS, Server, Services

if TYPE_CHECKING:
    from random import Random

__all__ = ["SimWorld"]

T = TypeVar("T")


class SimWorld:
    """
    Services in virtual time, each on a host of its own behind a proxy of its own.

    The service ``rabbitmq`` answers at host ``rabbitmq``; that is the proxy. The
    server behind it stands on host ``rabbitmq-server``.

    Args:
        services: What to supply.
        seed: Names all randomness.
        detailed: Keep each entry of the tape for ``trail``; several times slower.
    """

    name = "sim"

    def __init__(
        self, services: Sequence[ServiceSpec], *, seed: int, detailed: bool = False
    ) -> None:
        self._specs = tuple(services)
        self._seed = seed
        self._detailed = detailed
        self._stack = ExitStack()
        self._servers: dict[str, Server] = {}
        self._ports: dict[str, int] = {}
        self._actions: dict[str, Action] = {}
        self._start_again: dict[str, StartAgain] = {}
        self._fingerprint: str | None = None
        self._engines: dict[str, Engine] = {}
        self._versions: dict[str, str] = {}
        self._services: Services
        self._kernel: Kernel
        self._network: Network

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            # An engine is a real process: it starts before time becomes virtual and ends after.
            for spec in self._specs:
                if spec.kind == "postgres":
                    engine = self._engines[spec.name] = stack.enter_context(Engine(recipe()))
                    self._versions[spec.name] = engine.binaries.version()
            self._kernel = stack.enter_context(Kernel(seed=self._seed, detailed=self._detailed))
            self._network = Network(self._kernel)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """
        Run *main* to its end in virtual time.

        Raises:
            WallClockLeak: The code under test reached for the real machine, even if it
                caught the exception: such a run is worth nothing.
        """
        try:
            result = self._kernel.run(main)
        finally:
            self._kernel.drain()
        for leak in self._kernel.guard.leaks:
            raise leak
        return result

    def stream(self, path: str) -> Random:
        """The random stream of one concern."""
        return self._kernel.streams.stream(path)

    async def set_up(self, recorder: Recorder) -> Mapping[str, Endpoint]:
        """Start every server on its host and put a proxy before it."""

        def note(report: Unhandled) -> None:
            if not recorder.closed:  # what an interrupted run leaves unfinished reaches nobody
                recorder.add(_row(report, recorder.now()))

        self._kernel.on_unhandled(note)
        self._services = services = Services(
            kernel=self._kernel,
            recorder=recorder,
            unix_time=self._unix_time,
            engines=self._engines,
        )
        endpoints = {}
        for spec in self._specs:
            self._servers[spec.name] = services.build(spec)
            self._ports[spec.name] = port = DEFAULT_PORTS[spec.kind]
            await self._start(spec.name)
            self._network.proxy(
                spec.name, listen=(spec.name, port), upstream=(server_host(spec.name), port)
            )
            if spec.latency:
                self._network.latency(spec.name, server_host(spec.name), spec.latency)
            endpoints[spec.name] = _endpoint(spec, port)
        return endpoints

    async def _start_programs(self, host: str) -> None:
        """Start what ran on *host*: a server of ours, or programs of the system."""
        for service in self._servers:
            if server_host(service) == host:
                await self._boot(service)
        if host in self._start_again:
            await self._start_again[host]()

    def _server_on(self, host: str) -> Server | None:
        return next(
            (self._servers[name] for name in self._servers if server_host(name) == host), None
        )

    def _broker(self, service: str) -> RabbitMQ:
        server = self._servers[service]
        assert isinstance(server, RabbitMQ)  # checked with the scenario
        return server

    def _database(self, service: str) -> PostgreSQL:
        server = self._servers[service]
        assert isinstance(server, PostgreSQL)  # checked with the scenario
        return server

    async def _boot(self, service: str) -> None:
        """Start a server again, which takes it some time until it answers."""
        startup = next(spec.startup for spec in self._specs if spec.name == service)
        if startup:
            await asyncio.sleep(startup)
        await self._start(service)

    async def _start(self, service: str) -> None:
        host = server_host(service)
        await self._network.host(host).run(self._servers[service].start(host, self._ports[service]))

    def launch(self, host: str, program: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a program on the simulated host of that name."""
        return self._network.host(host).run(program, name=host)

    def on_restart(self, host: str, start_again: StartAgain) -> None:
        """Remember how the programs of *host* are started again after a fault."""
        self._start_again[host] = start_again

    async def begin(self, fault: str, action: Action) -> None:
        """Apply *action* under the name of its fault."""
        self._actions[fault] = action
        self._network.begin(fault, action)
        match action:
            case ServerRestart(service=service):
                await self._servers[service].stop()
            case DiskFull(service=service):
                self._broker(service).set_alarm("disk")
            case LostCommit(service=service, down_for_s=seconds):
                self._database(service).crash_at_commit(down_for=seconds)
            case Crash(host=host) | Kill(host=host):
                # After the network: what a dead host's server gives up must reach nobody.
                server = self._server_on(host)
                if server is not None:
                    server.crash()

    async def end(self, fault: str) -> Touched:
        """Undo the action begun as *fault* and say what it met."""
        action = self._actions.pop(fault)
        touched = self._network.end(fault)
        match action:
            case ServerRestart(service=service):
                await self._boot(service)
            case DiskFull(service=service):
                self._broker(service).clear_alarm("disk")
            case Crash(host=host) | Kill(host=host):
                await self._start_programs(host)
        return Touched(touched.bytes, touched.connections)

    async def tear_down(self) -> None:
        """Stop every server, last started first, and close the accounts of their stations."""
        for server in reversed(list(self._servers.values())):
            await server.stop()
        for station in self._services.stations:
            station.close_account()
        self._servers.clear()

    def versions(self) -> Mapping[str, str]:
        """The PostgreSQL engines that answered."""
        return self._versions

    def fingerprint(self) -> str:
        """The tape hash of everything that happened so far."""
        return self._kernel.tape.hexdigest()

    def trail(self) -> Iterator[tuple[float, str]]:
        """
        Each entry of the tape with its virtual time.

        Raises:
            TypeError: The world was not made *detailed*.
        """
        tape = self._kernel.tape
        if not isinstance(tape, DetailedTape):
            raise TypeError("only a detailed world keeps its tape")
        return ((entry.at, str(entry)) for entry in tape.entries)

    def _unix_time(self) -> float:
        return EPOCH.timestamp() + self._kernel.loop.time()


def _row(report: Unhandled, at: float) -> UnhandledError:
    error = report.error
    return UnhandledError(
        at=at,
        where=report.where,
        error=type(error).__qualname__ if error is not None else report.message,
        message=str(error) if error is not None else report.message,
        traceback="".join(traceback.format_exception(error)) if error is not None else "",
    )


def _endpoint(spec: ServiceSpec, port: int) -> Endpoint:
    account = {
        "rabbitmq": ("umt", "umt", "/"),
        "postgres": ("umt", "umt", "umt"),
        "redis": ("", "", "0"),
        "http": ("", "", ""),
    }
    user, password, database = account[spec.kind]
    return Endpoint(
        service=spec.name,
        kind=spec.kind,
        host=spec.name,
        port=port,
        user=user,
        password=password,
        database=database,
    )
