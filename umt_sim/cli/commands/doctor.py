"""``umt-sim doctor``: say what this machine can run, what is missing, and what was left."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

import click

from umt_sim.cli.borders import SERVICES_MISSING

__all__ = ["command"]


@dataclass(frozen=True, slots=True)
class Check:
    """
    One thing that is there or not.

    Attributes:
        needed: What needs it: everything, the sim world, or a provider of the live one.
        name: What it is.
        found: Where or which version; ``None`` if it is missing.
        remedy: How to get it.
    """

    needed: str
    name: str
    found: str | None
    remedy: str = ""


@click.command("doctor", short_help="Say what this machine can run, and what is missing.")
@click.option("--clean", is_flag=True, help="Undo what killed runs have left, and nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON instead.")
def command(clean: bool, as_json: bool) -> None:
    """
    Look for everything that runs need, and for what killed runs have left.

    Exits with 3 if the sim world lacks something.
    """
    if clean:
        _clean(as_json=as_json)
        return
    checks = list(_checks())
    if as_json:
        _print_json(checks)
    else:
        _print(checks)
        _print_left()
    missing = [c for c in checks if c.found is None and c.needed in ("all", "sim")]
    sys.exit(SERVICES_MISSING if missing else 0)


def _clean(*, as_json: bool) -> None:
    from umt_sim.bootstrap.standing import replay

    done = replay()
    if as_json:
        click.echo(json.dumps({"undone": done}, indent=2))
        return
    for line in done:
        click.echo(line)
    if not done:
        click.echo("nothing was left")


def _print_json(checks: list[Check]) -> None:
    from umt_sim.bootstrap.standing import left_behind

    found = {
        "checks": [asdict(check) for check in checks],
        "standing": left_behind(standing=True),
        "left": left_behind(standing=False),
    }
    click.echo(json.dumps(found, indent=2))


def _print(checks: list[Check]) -> None:
    from umt_sim.cli.tables import console

    out = console()
    for check in checks:
        sign = "[green]✓[/]" if check.found is not None else "[yellow]✗[/]"
        out.print(
            f"{sign} [dim]{check.needed:<12}[/] {check.name:<20} {check.found or check.remedy}",
            soft_wrap=True,
        )


def _print_left() -> None:
    """Servers that stand, and what killed runs have left."""
    from umt_sim.bootstrap.standing import left_behind

    for standing, remedy in ((True, "umt-sim down"), (False, "umt-sim doctor --clean")):
        left = left_behind(standing=standing)
        if left:
            what = "servers that were left running" if standing else "left by killed runs"
            click.echo(f"\n{what}; to undo it: {remedy}")
            for line in left:
                click.echo(f"  {line}")


def _checks() -> Iterator[Check]:
    from umt_sim.bootstrap.standing import inspect

    yield Check("all", "python", platform.python_version())
    for package in ("simpy", "aio-pika", "asyncpg", "redis", "httpx"):
        yield _package(package)
    yield _postgres()
    for finding in inspect():
        yield Check(f"live {finding.provider}", finding.name, finding.found, finding.remedy)


def _package(name: str) -> Check:
    try:
        found: str | None = version(name)
    except PackageNotFoundError:
        found = None
    return Check("all", name, found, f"pip install {name}")


def _postgres() -> Check:
    from umt_sim.errors import WorldUnavailable
    from umt_sim.servers.postgres.binaries import find_binaries

    try:
        binaries = find_binaries()
        found = f"{binaries.version()} ({binaries.origin}: {binaries.folder})"
    except WorldUnavailable as error:
        return Check("sim", "PostgreSQL engine", None, error.remedy)
    return Check("sim", "PostgreSQL engine", found)
