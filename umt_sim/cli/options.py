"""Options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

__all__ = ["adjusting", "editing", "scenario", "supplying"]

F = TypeVar("F", bound=Callable[..., Any])

scenario = click.argument("scenario", type=click.Path(dir_okay=False), metavar="SCENARIO")
"""The scenario file."""


def adjusting(command: F) -> F:
    """Give *command* ``--seed`` and ``--set``, which edit the plan."""
    for option in (
        click.option(
            "--set",
            "overrides",
            multiple=True,
            metavar="PATH=VALUE",
            help="Set a value of the scenario, for example faults.brownout.for=60s. Repeatable.",
        ),
        click.option(
            "--seed", type=click.IntRange(min=0), help="Use this seed, not the scenario's."
        ),
    ):
        command = option(command)
    return command


def editing(command: F) -> F:
    """Give *command* ``--seed``, ``--world`` and ``--set``, which edit the plan."""
    world = click.option(
        "--world",
        type=click.Choice(["sim", "live"]),
        default="sim",
        show_default=True,
        help="Where to run: in virtual time, or against real servers behind Toxiproxy.",
    )
    return adjusting(world(command))


def supplying(command: F) -> F:
    """Give *command* ``--provider``, ``--endpoint`` and ``--allow-host``, as one ``supply``."""

    @wraps(command)
    def supplied(
        *args: Any,
        provider: str,
        endpoints: tuple[tuple[str, str], ...],
        allowed_hosts: tuple[str, ...],
        **kwargs: Any,
    ) -> Any:
        from umt_sim.bootstrap import Supply

        supply = Supply(provider, dict(endpoints), allowed_hosts)
        return command(*args, supply=supply, **kwargs)

    for option in (
        click.option(
            "--allow-host",
            "allowed_hosts",
            multiple=True,
            metavar="HOST",
            help="Live, external: a host beside loopback that may be tormented. Repeatable.",
        ),
        click.option(
            "--endpoint",
            "endpoints",
            multiple=True,
            metavar="NAME=HOST:PORT",
            callback=_pairs,
            help="Live, external: where a service, or toxiproxy, answers. Repeatable.",
        ),
        click.option(
            "--provider",
            type=click.Choice(["auto", "system", "compose", "embedded", "external"]),
            default="auto",
            show_default=True,
            help="Live: where the servers come from.",
        ),
    ):
        supplied = option(supplied)
    return supplied  # type: ignore[return-value]  # click fills the arguments in


def _pairs(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> Any:
    """``name=value`` texts as pairs."""
    pairs = [tuple(text.split("=", 1)) for text in texts]
    for pair in pairs:
        if len(pair) != 2 or not all(pair):
            raise click.BadParameter(f"{pair[0]!r} is not NAME=HOST:PORT")
    return tuple(pairs)
