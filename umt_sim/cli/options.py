"""Options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["editing", "scenario"]

F = TypeVar("F", bound=Callable[..., Any])

scenario = click.argument("scenario", type=click.Path(dir_okay=False), metavar="SCENARIO")
"""The scenario file."""


def editing(command: F) -> F:
    """Give *command* ``--seed``, ``--world`` and ``--set``, which edit the plan."""
    for option in (
        click.option(
            "--set",
            "overrides",
            multiple=True,
            metavar="PATH=VALUE",
            help="Set a value of the scenario, for example faults.brownout.for=60s. Repeatable.",
        ),
        click.option(
            "--world",
            type=click.Choice(["sim", "live"]),
            default="sim",
            show_default=True,
            help="Where to run: in virtual time, or against real servers behind Toxiproxy.",
        ),
        click.option(
            "--seed", type=click.IntRange(min=0), help="Use this seed, not the scenario's."
        ),
    ):
        command = option(command)
    return command
