"""``umt-sim doctor``: say what this machine can run, and what is missing."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import click

from umt_sim.cli.borders import SERVICES_MISSING

__all__ = ["command"]


@dataclass(frozen=True, slots=True)
class Check:
    """
    One thing that is there or not.

    Attributes:
        world: Which world needs it; empty for all of them.
        name: What it is.
        found: Where or which version; ``None`` if it is missing.
        remedy: How to get it.
    """

    world: str
    name: str
    found: str | None
    remedy: str = ""


@click.command("doctor", short_help="Say what this machine can run, and what is missing.")
def command() -> None:
    """Look for everything that runs need. Exits with 3 if the sim world lacks something."""
    from umt_sim.cli.tables import console

    checks = list(_checks())
    out = console()
    for check in checks:
        sign = "[green]✓[/]" if check.found is not None else "[yellow]✗[/]"
        place = f"[dim]{check.world or 'all'}[/]"
        out.print(
            f"{sign} {place:<16} {check.name:<22} {check.found or check.remedy}", soft_wrap=True
        )
    missing = [check for check in checks if check.found is None and check.world != "live"]
    sys.exit(SERVICES_MISSING if missing else 0)


def _checks() -> Iterator[Check]:
    yield Check("", "python", platform.python_version())
    for package in ("simpy", "aio-pika", "asyncpg", "redis", "httpx"):
        yield _package(package)
    yield _postgres()
    for name, programs, remedy in (
        ("rabbitmq-server", ("rabbitmq-server", "/usr/lib/rabbitmq/bin/rabbitmq-server"),
         "install RabbitMQ 4, or use the Compose file"),
        ("redis or valkey", ("valkey-server", "redis-server"),
         "install Redis or Valkey, or use the Compose file"),
        ("toxiproxy-server", ("toxiproxy-server",),
         "go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0, as toxiproxy-server"),
    ):  # fmt: skip
        found = next((path for program in programs if (path := shutil.which(program))), None)
        yield Check("live", name, found, remedy)


def _package(name: str) -> Check:
    try:
        found: str | None = version(name)
    except PackageNotFoundError:
        found = None
    return Check("", name, found, f"pip install {name}")


def _postgres() -> Check:
    from umt_sim.errors import WorldUnavailable
    from umt_sim.servers.postgres.binaries import find_binaries

    try:
        binaries = find_binaries()
        found = f"{binaries.version()} ({binaries.origin}: {binaries.folder})"
    except WorldUnavailable as error:
        return Check("sim", "PostgreSQL engine", None, error.remedy)
    return Check("sim", "PostgreSQL engine", found)
