"""``umt-sim toxiproxy``: serve Toxiproxy's API where the real server is missing."""

from __future__ import annotations

from random import Random

import click

__all__ = ["command"]


@click.command("toxiproxy", short_help="Serve Toxiproxy's API where the real server is missing.")
@click.option("--host", default="localhost", show_default=True, help="Where the API listens.")
@click.option("--port", type=click.IntRange(0, 65535), default=8474, show_default=True,
              help="Its port; 0 picks a free one.")  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True,
              help="Seed of toxicity, jitter and variation.")  # fmt: skip
def command(host: str, port: int, seed: int) -> None:
    """Serve Toxiproxy's API until interrupted. The real server is to be preferred."""
    import asyncio
    import os
    import socket

    from umt_sim.network.toxiproxy.server import serve

    def stream(path: str) -> Random:
        return Random(f"{seed}:{path}")

    def started(bound: int) -> None:
        click.echo(f"listening on {host}:{bound}")

    try:
        asyncio.run(serve(host, port, stream=stream, started=started))
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno and not isinstance(error, socket.gaierror):  # whose numbers are its own
            reason = os.strerror(error.errno)
        raise click.ClickException(f"{host}:{port}: {reason}") from error
