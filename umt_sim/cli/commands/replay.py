"""``umt-sim replay``: run a stored run again and say whether it went the same way."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from umt_sim.analysis import Result

__all__ = ["command"]


@click.command("replay", short_help="Run a stored run again and say whether it went the same way.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="RUN")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON instead.")
def command(folder: Path, quiet: bool, as_json: bool) -> None:
    """
    Run what is stored in the folder RUN again, from its frozen plan alone.

    Exits with 0 if everything happened as before, bit by bit, and with 1 if not; then the
    versions that differ are named, for another version may well take another path.
    """
    from umt_sim.analysis import Result
    from umt_sim.bootstrap import run_plan
    from umt_sim.cli.progress import progress
    from umt_sim.errors import JournalError
    from umt_sim.scenario.loader import load_frozen

    before = Result.load(folder)
    if before.tape_hash is None:
        raise click.UsageError(f"{folder} was run in the {before.world} world; only sim repeats")
    if before.journal.header.get("ended") not in ("completed", "aborted"):
        raise JournalError(f"{folder} ended before its time; umt-sim run its scenario instead")
    plan = load_frozen(before.plan)
    with progress(f"{plan.name} seed {plan.seed}", quiet=quiet) as report:
        after = run_plan(plan, progress=report)
    if as_json:
        click.echo(json.dumps(_plain(before, after), indent=2))
    else:
        _print(before, after)
    sys.exit(0 if before.tape_hash == after.tape_hash else 1)


def _plain(before: Result, after: Result) -> dict[str, Any]:
    return {
        "scenario": before.name,
        "seed": before.seed,
        "same": before.tape_hash == after.tape_hash,
        "then": {"tape_hash": before.tape_hash, "status": before.status.value},
        "now": {"tape_hash": after.tape_hash, "status": after.status.value},
        "changed_versions": _changed(before, after),
    }


def _print(before: Result, after: Result) -> None:
    same = before.tape_hash == after.tape_hash
    click.echo(f"{before.name} seed {before.seed}: {'the same' if same else 'another'} path")
    click.echo(f"tape then: {before.tape_hash}, {before.status.value}")
    click.echo(f"tape now:  {after.tape_hash}, {after.status.value}")
    for name, release in _changed(before, after).items():
        click.echo(f"{name}: {release['then']} then, {release['now']} now")


def _changed(before: Result, after: Result) -> dict[str, dict[str, str]]:
    """Each version that is another now."""
    then: Mapping[str, str] = before.journal.header.get("versions", {})
    now: Mapping[str, str] = after.journal.header.get("versions", {})
    return {
        name: {"then": then.get(name, "absent"), "now": now.get(name, "absent")}
        for name in dict.fromkeys([*then, *now])
        if then.get(name) != now.get(name)
    }
