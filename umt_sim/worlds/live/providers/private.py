"""Private servers as processes of this machine: what ``system`` and ``embedded`` have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from umt_sim.errors import WorldUnavailable
from umt_sim.servers.postgres import places
from umt_sim.servers.specs import Kind, ServiceSpec
from umt_sim.worlds.base import Endpoint
from umt_sim.worlds.live.ledger import Ledger
from umt_sim.worlds.live.programs.base import LOOPBACK, Program
from umt_sim.worlds.live.programs.instance import Instance, unwritable
from umt_sim.worlds.live.providers.base import Door, Site, Verb
from umt_sim.worlds.live.undo import RemoveFolder

__all__ = ["ACCOUNTS", "Catalogue", "Private", "find_programs", "run_folder"]

ACCOUNTS: Mapping[Kind, tuple[str, str, str]] = {
    "rabbitmq": ("umt", "umt", "/"),
    "postgres": ("umt", "umt", "umt"),
    "redis": ("", "", "0"),
}
"""User, password and database of the servers we start."""

TOXIPROXY = "toxiproxy"


class Catalogue(Protocol):
    """Which program serves what."""

    def program(self, spec: ServiceSpec) -> Program:
        """
        The program for a service.

        Raises:
            WorldUnavailable: It is not installed.
        """
        ...

    def toxiproxy(self) -> Program:
        """
        The program that plays the network.

        Raises:
            WorldUnavailable: It is not installed.
        """
        ...


class Private:
    """
    Starts each server on a free port of loopback, in one folder that goes with the run.

    Args:
        name: As on the command line.
        catalogue: Which program serves what.
        verbs: What may be done to them.
        ports: Ports to insist on, by service, ``toxiproxy`` among them; the others are free ones.
    """

    here = (LOOPBACK, LOOPBACK)

    def __init__(
        self,
        name: str,
        catalogue: Catalogue,
        *,
        verbs: tuple[Verb, ...],
        ports: Mapping[str, int] | None = None,
    ) -> None:
        self.name = name
        self.verbs = verbs
        self._catalogue = catalogue
        self._ports = ports or {}
        self._instances: dict[str, Instance] = {}

    def start(self, services: Sequence[ServiceSpec], ledger: Ledger) -> Mapping[str, Site]:
        """Start all of them side by side, and wait until each answers."""
        wanted = [spec for spec in services if spec.kind != "http"]
        programs = find_programs(self._catalogue, wanted)
        folder = run_folder(ledger)
        for name, program in programs.items():
            self._instances[name] = Instance(
                program, ledger=ledger, home=folder / name, port=self._ports.get(name)
            )
        for instance in self._instances.values():
            instance.spawn()
        for instance in self._instances.values():
            instance.wait_ready()
        return {spec.name: self._site(spec) for spec in wanted}

    def stop(self) -> None:
        """End every server and remove its folder."""
        while self._instances:
            _, instance = self._instances.popitem()
            instance.close()

    @property
    def toxiproxy(self) -> tuple[str, int]:
        """Where the API of the Toxiproxy answers."""
        return LOOPBACK, self._instances[TOXIPROXY].port

    def door(self, service: str) -> Door:
        """Any free port, or the one that was asked for."""
        del service
        return Door()

    def do(self, verb: Verb, service: str) -> None:
        """Stop, kill or freeze a server."""
        instance = self._instances[service]
        {"stop": instance.stop, "kill": instance.kill, "pause": instance.pause}[verb]()

    def revive(self, verb: Verb, service: str) -> None:
        """Take *verb* back; returns when the server answers."""
        instance = self._instances[service]
        {"stop": instance.start, "kill": instance.start, "pause": instance.resume}[verb]()

    def versions(self) -> Mapping[str, str]:
        """The release of each program."""
        return {name: instance.program.version() for name, instance in self._instances.items()}

    def _site(self, spec: ServiceSpec) -> Site:
        port = self._instances[spec.name].port
        server = Endpoint(spec.name, spec.kind, LOOPBACK, port, *ACCOUNTS[spec.kind])
        return Site(server, f"{LOOPBACK}:{port}", self._management(spec))

    def _management(self, spec: ServiceSpec) -> str:
        port = getattr(self._instances[spec.name].program, "management_port", None)
        return f"http://{LOOPBACK}:{port}" if port is not None else ""


def find_programs(catalogue: Catalogue, services: Sequence[ServiceSpec]) -> dict[str, Program]:
    """
    The program for each service that needs one, and the Toxiproxy, before any is started.

    Raises:
        WorldUnavailable: Some are not installed; names all of them.
    """
    finders = {s.name: partial(catalogue.program, s) for s in services if s.kind != "http"}
    finders[TOXIPROXY] = partial(catalogue.toxiproxy)
    programs: dict[str, Program] = {}
    missing: list[WorldUnavailable] = []
    for name, find in finders.items():
        try:
            programs[name] = find()
        except WorldUnavailable as error:
            missing.append(error)
    if missing:
        raise WorldUnavailable.together(missing)
    return programs


def run_folder(ledger: Ledger) -> Path:
    """
    The folder of a run, which servers that run as another user can get through.

    In memory where there is room: RabbitMQ syncs every message, and on a disk that others
    write to as well it would be their writing that is measured.

    Raises:
        WorldUnavailable: It cannot be made.
    """
    folder = Path(places.for_servers()[0]) / f"umt-sim-live-{ledger.id}"
    ledger.note(RemoveFolder(str(folder)))
    try:
        folder.mkdir(mode=0o711)
    except OSError as error:
        raise unwritable("live", folder.parent, error) from error
    return folder
