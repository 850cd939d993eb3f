"""The steps that take a change back, as values that survive the process which made it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any, ClassVar, Protocol

from umt_sim.errors import ToxiproxyError
from umt_sim.worlds.live.compose import Project
from umt_sim.worlds.live.gateway import Gateway
from umt_sim.worlds.live.processes import Process, end, inhabitants

__all__ = [
    "DeleteProxy",
    "EnableProxy",
    "EndProcess",
    "RemoveFolder",
    "RemoveProject",
    "RemoveToxic",
    "Step",
    "read_step",
    "write_step",
]


class Step(Protocol):
    """Takes one change back. Safe to do twice, and when the change never happened."""

    kind: ClassVar[str]

    def undo(self) -> None:
        """Do it."""
        ...


@dataclass(frozen=True, slots=True)
class EndProcess:
    """Ends a process by *signal*, unless somebody else has its id by now."""

    kind: ClassVar[str] = "process"

    pid: int
    started: str
    signal: int

    def undo(self) -> None:
        """Do it."""
        end(Process(self.pid, self.started), self.signal)

    def at_once(self) -> None:
        """Kill it and what it has started, without waiting for their end."""
        process = Process(self.pid, self.started)
        for member in (process, *process.children()):
            member.send(SIGKILL)

    def __str__(self) -> str:
        return f"end process {self.pid}"


@dataclass(frozen=True, slots=True)
class RemoveFolder:
    """Removes a folder, and ends whoever works in it."""

    kind: ClassVar[str] = "folder"

    path: str

    def undo(self) -> None:
        """Do it."""
        for process in inhabitants(Path(self.path)):
            end(process)
        shutil.rmtree(self.path, ignore_errors=True)
        if Path(self.path).exists():
            shutil.rmtree(self.path)

    def __str__(self) -> str:
        return f"remove folder {self.path}"


@dataclass(frozen=True, slots=True)
class _AtToxiproxy:
    """Something to take back from a Toxiproxy. If that is gone, so is what was done to it."""

    host: str
    port: int
    proxy: str

    @property
    def _gateway(self) -> Gateway:
        return Gateway(self.host, self.port)

    def undo(self) -> None:
        """Do it."""
        try:
            self._take_back()
        except ToxiproxyError as error:
            if not error.absent:
                raise

    def _take_back(self) -> None:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class RemoveToxic(_AtToxiproxy):
    """Removes a toxic."""

    kind: ClassVar[str] = "toxic"

    toxic: str

    def _take_back(self) -> None:
        self._gateway.remove_toxic(self.proxy, self.toxic)

    def __str__(self) -> str:
        return f"remove toxic {self.toxic} of {self.proxy}"


@dataclass(frozen=True, slots=True)
class DeleteProxy(_AtToxiproxy):
    """Deletes a proxy."""

    kind: ClassVar[str] = "proxy"

    def _take_back(self) -> None:
        self._gateway.delete_proxy(self.proxy)

    def __str__(self) -> str:
        return f"delete proxy {self.proxy}"


@dataclass(frozen=True, slots=True)
class EnableProxy(_AtToxiproxy):
    """Enables a proxy."""

    kind: ClassVar[str] = "enable"

    def _take_back(self) -> None:
        self._gateway.set_enabled(self.proxy, enabled=True)

    def __str__(self) -> str:
        return f"enable proxy {self.proxy}"


@dataclass(frozen=True, slots=True)
class RemoveProject:
    """Stops the containers of a Compose project and removes them with their data."""

    kind: ClassVar[str] = "project"

    name: str
    file: str

    def undo(self) -> None:
        """Do it."""
        Project(self.name, Path(self.file)).down()

    def __str__(self) -> str:
        return f"remove Compose project {self.name}"


_KINDS: Mapping[str, type[Any]] = {
    step.kind: step
    for step in (EndProcess, RemoveFolder, RemoveToxic, DeleteProxy, EnableProxy, RemoveProject)
}


def write_step(step: Any) -> dict[str, Any]:
    """A step as JSON."""
    return {"kind": step.kind, **asdict(step)}


def read_step(entry: Mapping[str, Any]) -> Step:
    """A step from JSON."""
    fields = dict(entry)
    step: Step = _KINDS[fields.pop("kind")](**fields)
    return step
