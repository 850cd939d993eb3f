"""``umt-sim schema``: print the JSON Schema of scenario files."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("schema", short_help="Print the JSON Schema of scenario files.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write it to this file.")
def command(output: str | None) -> None:
    """Print the JSON Schema of scenario files, for editors and linters."""
    from pathlib import Path

    from umt_sim.scenario.published import schema_text

    if output is None:
        click.echo(schema_text(), nl=False)
    else:
        Path(output).write_text(schema_text(), encoding="utf-8")
        click.echo(f"wrote {output}")
