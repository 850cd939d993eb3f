"""The group of commands. A command's module is imported when the command is used."""

from __future__ import annotations

import difflib
import importlib
from typing import Any

import click

from umt_sim.cli.borders import reported
from umt_sim.cli.termination import terminated

__all__ = ["app"]

_COMMANDS = {
    "run": "Run scenarios and say whether they held.",
    "validate": "Check scenario files without running them.",
    "plan": "Show what a scenario would do, without doing it.",
    "show": "Judge and draw a stored run again.",
    "report": "Write a stored run as one HTML file.",
    "export": "Write a stored run's traces for other tools.",
    "compare": "Compare two sets of stored runs, seed by seed.",
    "baseline": "Store how a scenario does; see whether it became worse.",
    "sweep": "Run a scenario with every combination of some values.",
    "replay": "Run a stored run again and say whether it went the same way.",
    "twin": "Run a scenario in both worlds and say whether they agree.",
    "calibrate": "Fit the services of the sim world to a stored run.",
    "init": "Write a scenario to start from.",
    "list": "List scenarios and stored runs.",
    "explain": "Explain a metric, an invariant, a fault, a key or an exit code.",
    "schema": "Print the JSON Schema of scenario files.",
    "up": "Start real servers and a Toxiproxy, and leave them running.",
    "down": "Stop what `umt-sim up` has started.",
    "completion": "Print what completes umt-sim's commands in your shell.",
    "doctor": "Say what this machine can run, and what is missing.",
    "toxiproxy": "Serve Toxiproxy's API where the real server is missing.",
}
"""Every command and its line in the help, known without importing it."""


class _LazyGroup(click.Group):
    """Commands by name, from modules of the same name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of use, not of the alphabet."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"umt_sim.cli.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the command that was meant where one is misspelt."""
        near = difflib.get_close_matches(args[0], _COMMANDS, n=1)
        if args[0] not in _COMMANDS and near and not args[0].startswith("-"):
            ctx.fail(f'no such command "{args[0]}", did you mean "{near[0]}"?')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the lines above."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; errors of ours become messages and exit codes."""
        with terminated(), reported():
            return super().invoke(ctx)


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # brings zip files with it: not for every help

        click.echo(f"umt-sim {version('umt-sim')}")
        ctx.exit()


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
def app() -> None:
    """
    Chaos testing in virtual time: real code, real drivers, real protocols.

    Exit codes: 0 passed, 1 failed, 2 bad scenario or usage, 3 services missing,
    4 inconclusive, 130 interrupted.
    """
