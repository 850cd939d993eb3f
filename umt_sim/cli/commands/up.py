"""``umt-sim up``: start real servers and leave them running."""

from __future__ import annotations

from typing import Any

import click

__all__ = ["command"]

HIGHEST = 65535


def _ports(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> dict[str, int]:
    """``name=port`` texts."""
    ports = {}
    for text in texts:
        name, number = (*text.split("=", 1), "")[:2]
        known = name in ("rabbitmq", "postgres", "redis", "toxiproxy")
        if not known or not number.isdigit() or not 0 < int(number) <= HIGHEST:
            raise click.BadParameter(
                f"{text!r} is not rabbitmq, postgres, redis or toxiproxy, = and a port"
            )
        ports[name] = int(number)
    return ports


@click.command("up", short_help="Start real servers and a Toxiproxy, and leave them running.")
@click.option(
    "--provider",
    type=click.Choice(["auto", "system", "compose", "embedded"]),
    default="auto",
    show_default=True,
    help="Where the servers come from.",
)
@click.option(
    "--port",
    "ports",
    multiple=True,
    metavar="NAME=PORT",
    callback=_ports,
    help="Insist on a port of rabbitmq, postgres, redis or toxiproxy. Repeatable.",
)
def command(provider: str, ports: Any) -> None:
    """
    Start RabbitMQ, PostgreSQL, Redis and Toxiproxy on loopback, and leave them running.

    Ports are free ones unless a port is asked for. `umt-sim down` stops what was started.
    """
    from umt_sim.bootstrap.standing import up

    standing = up(provider, ports)
    click.echo(f"provider {standing.provider}")
    for name, address in standing.endpoints.items():
        click.echo(f"{name:<20} {address:<24} {standing.versions.get(name, '')}".rstrip())
    if standing.provider != "compose":  # its servers are reached by its own Toxiproxy only
        given = " ".join(f"--endpoint {name}={at}" for name, at in standing.endpoints.items())
        click.echo(f"use:   umt-sim run SCENARIO --world live --provider external {given}")
    click.echo("stop:  umt-sim down")
