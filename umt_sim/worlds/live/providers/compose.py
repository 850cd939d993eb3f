"""The containers of ``docker-compose.test.yml``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from umt_sim.errors import WorldUnavailable
from umt_sim.servers.specs import ServiceSpec, Version
from umt_sim.worlds.base import Endpoint
from umt_sim.worlds.live.compose import REMEDY, Project, engine_version
from umt_sim.worlds.live.ledger import Ledger
from umt_sim.worlds.live.programs.redis import keeping
from umt_sim.worlds.live.providers.base import Door, Site, Verb
from umt_sim.worlds.live.providers.private import ACCOUNTS, TOXIPROXY
from umt_sim.worlds.live.undo import RemoveProject

__all__ = ["API_PORT", "DOORS", "MANAGEMENT_PORT", "PORTS", "Compose", "compose_file"]

SETTING = "UMT_SIM_COMPOSE_FILE"
"""Environment variable with the Compose file, where it is not that of the working folder."""

PORTS = {"rabbitmq": 5672, "postgres": 5432, "redis": 6379}
"""Kind, which is also the name of its Compose service, to its port inside the network."""

API_PORT = 8474
MANAGEMENT_PORT = 15672
DOORS = range(18080, 18088)
"""Ports that Toxiproxy's container publishes for HTTP upstreams, which run outside of it."""

TAGS: Mapping[Version, str] = {"3.13": "3.13-management-alpine"}
"""Images of RabbitMQ for versions that are not the Compose file's own."""

HERE = "host.docker.internal"
"""What the containers call this machine."""


def compose_file() -> Path:
    """
    The Compose file.

    Raises:
        WorldUnavailable: There is none.
    """
    path = Path(os.environ.get(SETTING) or "docker-compose.test.yml")
    if not path.is_file():
        raise WorldUnavailable(
            "docker", f"there is no {path}", remedy=f"run where it is, or set {SETTING} to its path"
        )
    return path.resolve()


class Compose:
    """
    Starts the Compose file as a project of its own and removes it with its data.

    Args:
        file: The Compose file; found when left out.
        ports: Published ports to insist on, by service; the others are free ones.
    """

    name = "compose"
    verbs: tuple[Verb, ...] = ("stop", "kill", "pause")

    def __init__(self, file: Path | None = None, *, ports: Mapping[str, int] | None = None) -> None:
        self._file = file
        self._ports = ports or {}
        self._project: Project
        self._kinds: dict[str, str] = {}
        self._doors: dict[str, int] = {}

    @property
    def here(self) -> tuple[str, str]:
        """The address of this machine that containers reach, which is no other machine's."""
        return ("127.0.0.1" if sys.platform == "darwin" else _bridge()), HERE

    def start(self, services: Sequence[ServiceSpec], ledger: Ledger) -> Mapping[str, Site]:
        """Start the containers and wait until each is healthy."""
        self._assign(services)
        if engine_version() is None:
            raise WorldUnavailable("docker", "no engine with Compose answers", remedy=REMEDY)
        variables = {f"{name.upper()}_PORT": str(port) for name, port in self._ports.items()}
        for spec in services:
            variables |= _variables(spec)
        self._project = Project(f"umt-sim-{ledger.id}", self._file or compose_file(), variables)
        ledger.note(RemoveProject(self._project.name, str(self._project.file)))
        self._project.up()
        return {spec.name: self._site(spec) for spec in services if spec.kind != "http"}

    def stop(self) -> None:
        """The ledger holds the whole project."""

    @property
    def toxiproxy(self) -> tuple[str, int]:
        """Where the API of the Toxiproxy answers."""
        return self._project.published(TOXIPROXY, API_PORT)

    def door(self, service: str) -> Door:
        """The published port of Toxiproxy's container that is kept for it."""
        port = self._doors[service]
        return Door(f"0.0.0.0:{port}", self._project.published(TOXIPROXY, port))

    def do(self, verb: Verb, service: str) -> None:
        """Stop, kill or freeze a server's container."""
        self._project.do(verb, self._kinds[service])

    def revive(self, verb: Verb, service: str) -> None:
        """Take *verb* back; returns when the container is healthy."""
        if verb == "pause":
            self._project.do("unpause", self._kinds[service])
        else:
            self._project.do("start", self._kinds[service])
            self._project.wait_healthy(self._kinds[service])

    def versions(self) -> Mapping[str, str]:
        """The images."""
        return self._project.images()

    def _assign(self, services: Sequence[ServiceSpec]) -> None:
        """Give each service a container and a door; the file has one server of each kind."""
        doors = iter(DOORS)
        for spec in services:
            taken = spec.kind in self._kinds.values()
            port = next(doors, None) if spec.kind == "http" else PORTS[spec.kind]
            if taken or port is None:
                raise WorldUnavailable(
                    spec.name,
                    f"the Compose file has no other {spec.kind} service",
                    remedy="use --provider system, which starts as many as are asked for",
                )
            self._doors[spec.name] = port
            if spec.kind != "http":
                self._kinds[spec.name] = spec.kind

    def _site(self, spec: ServiceSpec) -> Site:
        """Only the broker's own ports are published: they are where it is watched."""
        server, management = ("", 0), ""
        if spec.kind == "rabbitmq":
            server = self._project.published("rabbitmq", PORTS["rabbitmq"])
            host, port = self._project.published("rabbitmq", MANAGEMENT_PORT)
            management = f"http://{host}:{port}"
        endpoint = Endpoint(spec.name, spec.kind, *server, *ACCOUNTS[spec.kind])
        return Site(endpoint, f"{spec.kind}:{PORTS[spec.kind]}", management)


def _variables(spec: ServiceSpec) -> dict[str, str]:
    """What the Compose file is filled in with, so that the service is as the scenario says."""
    if spec.kind == "redis":
        return {f"REDIS_{name.upper()}": value for name, value in keeping(spec).items()}
    tag = TAGS.get(spec.version) if spec.version is not None else None
    return {"RABBITMQ_TAG": tag} if tag and "RABBITMQ_TAG" not in os.environ else {}


def _bridge() -> str:
    """Address of this machine on Docker's own bridge, where ``host-gateway`` leads."""
    command = ["docker", "network", "inspect", "bridge"]
    wanted = ["--format", "{{(index .IPAM.Config 0).Gateway}}"]
    done = subprocess.run(  # noqa: S603 - Docker, as found on PATH
        [*command, *wanted], capture_output=True, text=True, check=False, timeout=20
    )
    if done.returncode != 0 or not done.stdout.strip():
        raise WorldUnavailable("docker", "the bridge network has no gateway", remedy=REMEDY)
    return done.stdout.strip()
