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
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON instead.")
def command(folder: Path, runs: Path, as_json: bool) -> None:
    """List the scenarios in FOLDER and the stored runs."""
    scenarios, stored = list(_scenarios(folder)), list(_runs(runs))
    if as_json:
        click.echo(json.dumps({"scenarios": scenarios, "runs": stored}, indent=2))
        return
    for row in scenarios:
        click.echo(f"{row['path']:<44} {row['description']}")
    for row in stored:
        click.echo(f"{row['folder']:<44} seed {row['seed']}, {row['world']} world, {row['ended']}")
    if not scenarios and not stored:
        hint = "umt-sim init writes a scenario to start from"
        click.echo(f"no scenario in {folder}, no run in {runs}; {hint}", err=True)


def _scenarios(folder: Path) -> Iterator[dict[str, str]]:
    for path in sorted(folder.rglob("*.yaml")) if folder.is_dir() else []:
        if not path.is_file() or (path.parent / "run.json").exists():
            continue  # a folder, a pipe, or the frozen plan of a stored run
        yield {"path": str(path), "description": _description(path)}


def _runs(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*/*/run.json")):
        if path.parent.is_symlink():
            continue  # ``latest`` leads to one that is listed under its own name
        header = json.loads(path.read_text(encoding="utf-8"))
        told = {key: header.get(key) for key in ("scenario", "seed", "world", "ended")}
        yield {"folder": str(path.parent), **told}


def _description(path: Path) -> str:
    """What a file says it is about; why it cannot be read, if it cannot."""
    from umt_sim.errors import ScenarioError
    from umt_sim.scenario.yaml import parse

    try:
        data: Any = parse(path.read_text(encoding="utf-8"), str(path)).data
    except (OSError, UnicodeDecodeError, ScenarioError):
        return "(cannot be read; see umt-sim validate)"
    return str(data.get("description", "")) if isinstance(data, dict) else "(not a scenario)"
