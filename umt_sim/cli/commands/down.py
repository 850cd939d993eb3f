"""``umt-sim down``: stop what ``umt-sim up`` has started."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("down", short_help="Stop what `umt-sim up` has started.")
def command() -> None:
    """Stop every server that `umt-sim up` has started, and remove its files."""
    from umt_sim.bootstrap.standing import down

    done = down()
    for line in done:
        click.echo(line)
    if not done:
        click.echo("nothing was running")
