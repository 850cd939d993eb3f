"""``umt-sim validate``: check scenario files without running them."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from umt_sim.cli.borders import BAD_SCENARIO
from umt_sim.cli.options import editing
from umt_sim.errors import Problem, ScenarioError

if TYPE_CHECKING:
    from umt_sim.scenario.plan import WorldName

__all__ = ["command"]


@click.command("validate", short_help="Check scenario files without running them.")
@click.argument("scenarios", nargs=-1, required=True, type=click.Path(), metavar="SCENARIO...")
@editing
@click.option("--json", "as_json", is_flag=True, help="Print the problems as JSON.")
def command(
    scenarios: tuple[str, ...],
    seed: int | None,
    world: WorldName,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Check every SCENARIO and print everything that is wrong, each with its place."""
    from umt_sim.scenario.loader import load

    problems: list[Problem] = []
    for path in scenarios:
        try:
            load(path, seed=seed, world=world, overrides=overrides)
        except ScenarioError as error:
            problems.extend(error.problems)
        else:
            if not as_json:
                click.echo(f"{path}: ok")
    if as_json:
        click.echo(json.dumps([asdict(problem) for problem in problems], indent=2))
    else:
        for problem in problems:
            click.echo(str(problem), err=True)
    sys.exit(BAD_SCENARIO if problems else 0)
