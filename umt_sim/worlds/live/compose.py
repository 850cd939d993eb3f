"""The commands of ``docker compose`` for one project, and what they answer."""

# ruff: noqa: S603 - running programs is what this module is for

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from umt_sim.errors import WorldUnavailable

__all__ = ["Project", "engine_version"]

REMEDY = "install Docker with its Compose plugin and start it, or use --provider system"
MENDED = "mend what Docker says, or use --provider system"
QUICK = 20.0  # seconds for a question
SLOW = 300.0  # seconds until everything is healthy; the first time images are pulled


def engine_version() -> str | None:
    """Version of the Docker engine; ``None`` if none answers, or Compose is missing."""
    engine = _docker("version", "--format", "{{.Server.Version}}")
    return engine if engine and _docker("compose", "version", "--short") else None


def _docker(*arguments: str) -> str | None:
    """What ``docker`` answers; ``None`` if it fails or is not there."""
    docker = shutil.which("docker")
    if docker is None:
        return None
    try:
        done = subprocess.run(
            [docker, *arguments], capture_output=True, text=True, check=False, timeout=QUICK
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


@dataclass(frozen=True, slots=True)
class Project:
    """
    One Compose project.

    Attributes:
        name: Keeps its containers apart from those of other runs.
        file: The Compose file.
        variables: What the file is filled in with, beside the environment.
    """

    name: str
    file: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def up(self) -> None:
        """Start everything and wait until it is healthy."""
        self._run("up", "--detach", "--wait", seconds=SLOW)

    def down(self) -> None:
        """Stop everything and remove it with its data."""
        self._run("down", "--volumes", "--remove-orphans", "--timeout", "2", seconds=SLOW)

    def do(self, verb: str, service: str) -> None:
        """``stop``, ``start``, ``kill``, ``pause`` or ``unpause`` the container of a service."""
        self._run(verb, service, seconds=SLOW)

    def wait_healthy(self, service: str) -> None:
        """Return when the container of a service, started again, is healthy."""
        self._run("up", "--detach", "--wait", "--no-deps", "--no-recreate", service, seconds=SLOW)

    def published(self, service: str, port: int) -> tuple[str, int]:
        """Where a port of a service is reached on this machine."""
        host, _, number = self._run("port", service, str(port)).strip().rpartition(":")
        if not number.isdigit():
            raise WorldUnavailable(
                service, f"port {port} of the container is not published", remedy=REMEDY
            )
        return host, int(number)

    def images(self) -> dict[str, str]:
        """Service to the image its container was made from."""
        return {str(row["Service"]): str(row["Image"]) for row in self._rows()}

    def _rows(self) -> list[dict[str, Any]]:
        """What ``ps`` tells: a JSON array from older releases, an object a line from newer."""
        text = self._run("ps", "--all", "--format", "json").strip()
        if text.startswith("["):
            rows: list[dict[str, Any]] = json.loads(text)
            return rows
        return [json.loads(line) for line in text.splitlines()]

    def _run(self, *arguments: str, seconds: float = QUICK) -> str:
        docker = shutil.which("docker")
        if docker is None:
            raise WorldUnavailable("docker", "not found on PATH", remedy=REMEDY)
        command = [docker, "compose", "-f", str(self.file), "-p", self.name, *arguments]
        try:
            done = subprocess.run(
                command,
                env={**os.environ, **self.variables},
                capture_output=True,
                text=True,
                check=False,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise WorldUnavailable(
                "docker", f"`compose {arguments[0]}` took over {seconds:g} s", remedy=REMEDY
            ) from error
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()[-500:]
            raise WorldUnavailable(
                "docker", f"`compose {' '.join(arguments)}` failed: {said}", remedy=MENDED
            )
        return done.stdout
