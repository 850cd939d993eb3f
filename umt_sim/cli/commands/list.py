"""``umt-sim list``: list scenarios and stored runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

__all__ = ["command"]


@click.command("list", short_help="List scenarios and stored runs.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default="scenarios")
@click.option("--runs", type=click.Path(file_okay=False, path_type=Path), default="runs")
def command(folder: Path, runs: Path) -> None:
    """List the scenarios in FOLDER and the stored runs."""
    lines = [*_scenarios(folder), *_runs(runs)]
    for line in lines:
        click.echo(line)
    if not lines:
        hint = "umt-sim init writes a scenario to start from"
        click.echo(f"no scenario in {folder}, no run in {runs}; {hint}", err=True)


def _scenarios(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.yaml")) if folder.is_dir() else []:
        if not path.is_file() or (path.parent / "run.json").exists():
            continue  # a folder, a pipe, or the frozen plan of a stored run
        yield f"{path!s:<44} {_description(path)}"


def _runs(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*/*/run.json")):
        if path.parent.is_symlink():
            continue  # ``latest`` leads to one that is listed under its own name
        header = json.loads(path.read_text(encoding="utf-8"))
        seed, world, ended = (header.get(key) for key in ("seed", "world", "ended"))
        yield f"{path.parent!s:<44} seed {seed}, {world} world, {ended}"


def _description(path: Path) -> str:
    """What a file says it is about; why it cannot be read, if it cannot."""
    from umt_sim.errors import ScenarioError
    from umt_sim.scenario.yaml import parse

    try:
        data: Any = parse(path.read_text(encoding="utf-8"), str(path)).data
    except (OSError, UnicodeDecodeError, ScenarioError):
        return "(cannot be read; see umt-sim validate)"
    return str(data.get("description", "")) if isinstance(data, dict) else "(not a scenario)"
