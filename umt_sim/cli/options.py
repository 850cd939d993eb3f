"""Options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from umt_sim.cli.writers import WRITERS

__all__ = [
    "adjusting",
    "delivering",
    "drawing",
    "editing",
    "replicating",
    "reporting",
    "running",
    "scenario",
    "supplying",
]

F = TypeVar("F", bound=Callable[..., Any])

DRAWABLE = (".png", ".svg", ".pdf")
"""How the name of a figure's file may end."""

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


def replicating(command: F) -> F:
    """Give *command* ``--seeds``: ``None``, or the seeds to use instead of the scenario's."""
    return click.option(
        "--seeds",
        metavar="A..B",
        callback=_seeds,
        help="Run with each of these seeds instead: 1..20, or 1,2,5.",
    )(command)


def running(command: F) -> F:
    """Give *command* ``--jobs``, ``--runs`` and ``--quiet``."""
    for option in (
        click.option("-q", "--quiet", is_flag=True, help="Show no progress."),
        click.option(
            "--runs",
            type=click.Path(file_okay=False, path_type=Path),
            default="runs",
            show_default=True,
            help="Where to keep the runs.",
        ),
        click.option(
            "-j",
            "--jobs",
            type=click.IntRange(min=1),
            default=1,
            show_default=True,
            help="Runs at once, each in a process of its own.",
        ),
    ):
        command = option(command)
    return command


def delivering(command: F) -> F:
    """Give *command* ``--json`` and an option for each format of files, as one ``delivery``."""

    @wraps(command)
    def delivered(*args: Any, as_json: bool, github_summary: bool, **kwargs: Any) -> Any:
        from umt_sim.cli.delivery import Delivery

        asked = {writer: kwargs.pop(writer.name) for writer in WRITERS}
        files = {writer: path for writer, path in asked.items() if path is not None}
        return command(*args, delivery=Delivery(as_json, files, github_summary), **kwargs)

    for option in (
        click.option(
            "--github-summary",
            is_flag=True,
            help="Append the Markdown summary to the page of this GitHub Actions job.",
        ),
        *(
            click.option(
                f"--{writer.name}",
                type=click.Path(dir_okay=False, path_type=Path),
                metavar="FILE",
                help=writer.help,
            )
            for writer in reversed(WRITERS)
        ),
        click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON instead."),
    ):
        delivered = option(delivered)
    return delivered  # type: ignore[return-value]  # click fills the arguments in


def drawing(help: str) -> Callable[[F], F]:  # noqa: A002 - click's word
    """Give a command ``--figure``: a file, known before anything is run to be one we can draw."""
    return click.option("--figure", type=click.Path(dir_okay=False), callback=_figure, help=help)


def reporting(command: F) -> F:
    """Give *command* ``--json`` and ``--junit`` for the verdicts of a comparison."""
    for option in (
        click.option(
            "--junit",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Write the comparison as JUnit XML to this file.",
        ),
        click.option(
            "--json", "as_json", is_flag=True, help="Print the comparison as JSON instead."
        ),
    ):
        command = option(command)
    return command


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


def _figure(_: click.Context, __: click.Parameter, path: str | None) -> str | None:
    """A file in a folder that exists, in a format that can be drawn."""
    if path is not None and Path(path).suffix not in DRAWABLE:
        raise click.BadParameter(f"{path!r} ends in none of {', '.join(DRAWABLE)}")
    if path is not None and not Path(path).parent.is_dir():
        raise click.BadParameter(f"there is no folder {str(Path(path).parent)!r}")
    return path


def _pairs(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> Any:
    """``name=value`` texts as pairs."""
    pairs = [tuple(text.split("=", 1)) for text in texts]
    for pair in pairs:
        if len(pair) != 2 or not all(pair):
            raise click.BadParameter(f"{pair[0]!r} is not NAME=HOST:PORT")
    return tuple(pairs)


def _seeds(_: click.Context, __: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    from umt_sim.scenario.schema.seeds import seeds_of

    try:
        return tuple(seeds_of([int(part) for part in text.split(",")] if "," in text else text))
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not a set of seeds, such as 1..20 or 1,2,5"
        ) from None
